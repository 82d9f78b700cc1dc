"""c0002 the reconciliation sheet: reports, lines, differences, sign-offs, possible duplicates"""

import sqlalchemy as sa
from alembic import op

revision = "c0002"
down_revision = "c0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sheet_claim",
        sa.Column("node", sa.String(length=16), nullable=False),
        sa.Column("epoch", sa.String(length=32), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("day", sa.String(length=8), nullable=False),
        sa.Column("counters", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("node", "epoch", "origin", "day", name=op.f("pk_sheet_claim")),
        comment="the case numbers of a device and day that a node says it holds: JSON lists of counters",
    )
    op.create_index("ix_sheet_claim_origin", "sheet_claim", ["origin", "day"], unique=False)
    op.create_table(
        "sheet_difference",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("day", sa.String(length=8), nullable=False),
        sa.Column("division", sa.String(length=12), nullable=False),
        sa.Column("case_id", sa.String(length=26), nullable=False),
        sa.Column("cause", sa.String(length=12), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("first_at", sa.String(length=24), nullable=False),
        sa.Column("changed_at", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sheet_difference")),
        sa.UniqueConstraint("day", "division", "case_id", name=op.f("uq_sheet_difference_day")),
        comment="what the books of a day differ in; case_id empty: the whole day of that node. status open, asked, accepted, level; words = what each book says, JSON",
    )
    op.create_index("ix_sheet_difference_status", "sheet_difference", ["status", "day"], unique=False)
    op.create_table(
        "sheet_line",
        sa.Column("day", sa.String(length=8), nullable=False),
        sa.Column("division", sa.String(length=12), nullable=False),
        sa.Column("stale", sa.Boolean(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("digests", sa.Text(), nullable=False),
        sa.Column("unconfirmed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "division", name=op.f("pk_sheet_line")),
        comment="one day of one division: counts and digests of the three books, JSON; stale = to be drawn up anew",
    )
    op.create_index("ix_sheet_line_stale", "sheet_line", ["stale", "day"], unique=False)
    op.create_table(
        "sheet_pair",
        sa.Column("first", sa.String(length=26), nullable=False),
        sa.Column("second", sa.String(length=26), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("found_at", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("first", "second", name=op.f("pk_sheet_pair")),
        comment="two cases of one person and item registered in different villages within some days: open, same, different",
    )
    op.create_index("ix_sheet_pair_status", "sheet_pair", ["status", "found_at"], unique=False)
    op.create_table(
        "sheet_person",
        sa.Column("case_id", sa.String(length=26), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("item", sa.String(length=64), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("submitted_at", sa.String(length=24), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_sheet_person")),
        comment="who applied for what, the person as a digest of the identity number: to find possible duplicates",
    )
    op.create_index("ix_sheet_person_match", "sheet_person", ["person", "item", "submitted_at"], unique=False)
    op.create_table(
        "sheet_report",
        sa.Column("node", sa.String(length=16), nullable=False),
        sa.Column("epoch", sa.String(length=32), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.Column("received_at", sa.String(length=24), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("node", "epoch", name=op.f("pk_sheet_report")),
        comment="the newest report of each life of a node, without its sets; at by its clock, received_at by ours",
    )
    op.create_table(
        "sheet_rhythm",
        sa.Column("node", sa.String(length=16), nullable=False),
        sa.Column("heard_at", sa.String(length=24), nullable=False),
        sa.Column("gaps", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("node", name=op.f("pk_sheet_rhythm")),
        comment="when a node was last heard of, and the longest silence of each of its last days: JSON, seconds by day",
    )
    op.create_table(
        "sheet_signature",
        sa.Column("day", sa.String(length=8), nullable=False),
        sa.Column("division", sa.String(length=12), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("officer", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("day", "division", "number", name=op.f("pk_sheet_signature")),
        comment="a supervisor signed for a day of a division with the figures as they stood then, JSON; never changed",
    )
    op.create_table(
        "sheet_step",
        sa.Column("about", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("officer", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("about", "number", name=op.f("pk_sheet_step")),
        comment="what happened to a difference or a pair of possible duplicates, in order; officer empty: by itself",
    )
