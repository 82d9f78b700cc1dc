"""0003 what neighbours compare: keys of shared cases, their sums by month, and what was found to differ"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_summary",
        sa.Column("bucket", sa.String(length=19), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=True),
        sa.Column("total", sa.LargeBinary(length=32), nullable=True),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_case_summary")),
        comment="entries by the first 19 characters of their keys (origin, device, month): how many, and the sum of "
        "their hashes; both empty while the month is to be counted again",
    )
    op.create_table(
        "case_check",
        sa.Column("share", sa.String(length=16), nullable=False),
        sa.Column("reached", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("share", name=op.f("pk_case_check")),
        comment="how far the round of comparing cases with their messages has come, by share",
    )
    op.create_table(
        "difference",
        sa.Column("peer", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("mine", sa.LargeBinary(length=32), nullable=True),
        sa.Column("theirs", sa.LargeBinary(length=32), nullable=True),
        sa.Column("found_at", sa.String(length=24), nullable=False),
        sa.Column("repaired_at", sa.String(length=24), nullable=True),
        sa.Column("settled_at", sa.String(length=24), nullable=True),
        sa.PrimaryKeyConstraint("peer", "key", name=op.f("pk_difference")),
        comment="entries in which this node and a neighbour differed, or a case and its messages (peer = this node): "
        "the digests as found, when this node made it anew, when both were equal again",
    )
    with op.batch_alter_table("difference", schema=None) as batch_op:
        batch_op.create_index("ix_difference_open", ["settled_at"], unique=False)

    with op.batch_alter_table("case_file", schema=None) as batch_op:
        batch_op.add_column(sa.Column("entry", sa.String(length=32), nullable=True))
        batch_op.create_index("ix_case_file_entry", ["entry", "digest"], unique=False)
    if op.get_bind().dialect.supports_comments:
        op.create_table_comment(
            "case_file",
            "one row a case; region is its township's division, or the city's; entry is the key under which neighbours "
            "compare it, empty for a confidential one",
        )
    _name_shared_cases()


def _name_shared_cases() -> None:
    """Give every case that is not confidential its key; the months are counted at the first contact."""
    case = sa.table("case_file", sa.column("region"), sa.column("id"), sa.column("origin"), sa.column("data"))
    entry = sa.table("case_file", sa.column("region"), sa.column("id"), sa.column("entry"))
    tx = op.get_bind()
    named = [
        {"r": row.region, "i": row.id, "e": f"{row.id[:12]}{row.origin[13:] or '1'}{row.id[12:]}"}
        for row in tx.execute(sa.select(case))
        if not json.loads(bytes(row.data))["confidential"]
    ]
    if named:
        write = sa.update(entry).where(entry.c.region == sa.bindparam("r"), entry.c.id == sa.bindparam("i"))
        tx.execute(write.values(entry=sa.bindparam("e")), named)


def downgrade() -> None:
    with op.batch_alter_table("case_file", schema=None) as batch_op:
        batch_op.drop_index("ix_case_file_entry")
        batch_op.drop_column("entry")

    op.drop_table("difference")
    op.drop_table("case_check")
    op.drop_table("case_summary")
