"""0008 scans that came with a form which is not right yet"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pending_scan",
        sa.Column("officer", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("officer", "id", name=op.f("pk_pending_scan")),
        comment="scans sealed for a form that its officer has not handed in yet; forgotten after a few days",
    )


def downgrade() -> None:
    op.drop_table("pending_scan")
