"""c0005 projects decided in parallel, their cases and meetings"""

import sqlalchemy as sa
from alembic import op

revision = "c0005"
down_revision = "c0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "project",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=100), nullable=False),
        sa.Column("opened_at", sa.String(length=24), nullable=False),
        sa.Column("opened_by", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
        comment="projects decided in parallel; kind is the catalogue's parallel group",
    )
    op.create_table(
        "project_case",
        sa.Column("project_id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(length=26), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "case_id", name=op.f("pk_project_case")),
        comment="the cases of a project, as their own first messages name it",
    )
    op.create_table(
        "project_meeting",
        sa.Column("project_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.Column("officer", sa.String(length=32), nullable=False),
        sa.Column("attendees", sa.String(length=400), nullable=False),
        sa.Column("minutes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "number", name=op.f("pk_project_meeting")),
        comment="joint meetings and their minutes",
    )


def downgrade() -> None:
    for name in ("project_meeting", "project_case", "project"):
        op.drop_table(name)
