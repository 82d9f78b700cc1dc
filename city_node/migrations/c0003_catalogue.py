"""c0003 catalogue: the drafts of catalogue and calendar with what was done to them; the register of ratings"""

import sqlalchemy as sa
from alembic import op

revision = "c0003"
down_revision = "c0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "publication_draft",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("draft_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_publication_draft")),
        comment="the next catalogue and the next calendar, one of each, as canonical JSON that could be published; revision "
        "rises with every change; status draft or handed_in",
    )
    op.create_table(
        "publication_step",
        sa.Column("draft_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=12), nullable=False),
        sa.Column("officer", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("draft_id", "number", name=op.f("pk_publication_step")),
        comment="who did what to a draft, in order: opened, edited, imported, handed_in, sent_back, published, dropped",
    )
    op.create_index("ix_publication_step_kind", "publication_step", ["kind", "at"])
    op.create_table(
        "case_rating",
        sa.Column("message_id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(length=26), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.Column("department", sa.String(length=100), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_case_rating")),
        comment="ratings of cases, level 1 very satisfied to 5 very dissatisfied; the row of level 0 tells how far the cases "
        "of before there was a register have been read",
    )
    op.create_index("ix_case_rating_at", "case_rating", ["at"])
    op.create_index("ix_case_rating_case_id", "case_rating", ["case_id"])
