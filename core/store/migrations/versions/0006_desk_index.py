"""0006 an index of all that a desk's queue is sorted and chosen by"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    columns = ["due_at", "id", "state", "holder", "department", "item"]
    op.create_index("ix_case_file_desk", "case_file", columns)


def downgrade() -> None:
    op.drop_index("ix_case_file_desk", "case_file")
