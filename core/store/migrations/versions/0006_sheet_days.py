"""0006 what a village or township has told the city of its own figures"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sheet_day",
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("day", sa.String(length=8), nullable=False),
        sa.Column("said", sa.String(length=16), nullable=True),
        sa.Column("due", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("origin", "day", name=op.f("pk_sheet_day")),
        comment="the cases of each device and day: digest of the numbers as last told to the city, null = to be told anew; "
        "due = a case of that day was written since",
    )
    op.create_index("ix_sheet_day_due", "sheet_day", ["due", "day"])
    op.create_table(
        "sheet_said",
        sa.Column("epoch", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("day", sa.String(length=8), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("asked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_sheet_said")),
        comment="the last report of each epoch: its number, China date, digest of what counts as a change; asked = the city "
        "wants a fresh one",
    )


def downgrade() -> None:
    op.drop_table("sheet_said")
    op.drop_table("sheet_day")
