"""c0004 a slim line a case for reports"""

import sqlalchemy as sa
from alembic import op

revision = "c0004"
down_revision = "c0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_case",
        sa.Column("case_id", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("node", sa.String(length=16), nullable=False),
        sa.Column("item", sa.String(length=64), nullable=False),
        sa.Column("department", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("submitted_on", sa.String(length=10), nullable=False),
        sa.Column("accepted_on", sa.String(length=10), nullable=True),
        sa.Column("completed_on", sa.String(length=10), nullable=True),
        sa.Column("delivered_on", sa.String(length=10), nullable=True),
        sa.Column("transit_s", sa.Integer(), nullable=True),
        sa.Column("used_s", sa.Integer(), nullable=True),
        sa.Column("bill_fen", sa.BigInteger(), nullable=False),
        sa.Column("paid_fen", sa.BigInteger(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_ledger_case")),
        comment="one line a case for reports: days in China time; transit_s from submission until it was first seen here, "
        "used_s working seconds of its limit used when it was completed",
    )
    op.create_index("ix_ledger_case_accepted", "ledger_case", ["accepted_on"])
    op.create_index("ix_ledger_case_submitted", "ledger_case", ["submitted_on"])


def downgrade() -> None:
    op.drop_table("ledger_case")
