"""v0001 drafts, their changes, and cases by applicant"""

import sqlalchemy as sa
from alembic import op

revision = "v0001"
down_revision = None
branch_labels = ("village",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "draft",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(length=26), nullable=True),
        sa.Column("operator", sa.String(length=32), nullable=False),
        sa.Column("place", sa.String(length=160), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.String(length=24), nullable=False),
        sa.Column("saved_at", sa.String(length=24), nullable=False),
        sa.Column("abandoned_at", sa.String(length=24), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft")),
        comment="applications being written; case_id names the case that is being supplemented",
    )
    op.create_index("ix_draft_open", "draft", ["abandoned_at", "saved_at"])
    op.create_table(
        "draft_change",
        sa.Column("draft_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("part", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("before", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["draft.id"], name=op.f("fk_draft_change_draft_id_draft"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("draft_id", "number", name=op.f("pk_draft_change")),
        comment="what a field held before its last changes, for undo",
    )
    op.create_table(
        "person_case",
        sa.Column("case_id", sa.String(length=26), nullable=False),
        sa.Column("id_no", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("item", sa.String(length=64), nullable=False),
        sa.Column("submitted_at", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_person_case")),
        comment="cases by applicant; the database of a village is encrypted as a whole",
    )
    op.create_index(op.f("ix_person_case_id_no"), "person_case", ["id_no"])
    op.create_index(op.f("ix_person_case_name"), "person_case", ["name"])
