"""0007 indexes of all that a desk's queue is sorted and chosen by, and of who did what in the log"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    columns = ["due_at", "id", "state", "holder", "department", "item"]
    op.create_index("ix_case_file_desk", "case_file", columns)
    op.create_index("ix_audit_actor", "audit", ["actor", "number"])
    op.create_index("ix_audit_action", "audit", ["action", "number"])


def downgrade() -> None:
    op.drop_index("ix_audit_action", "audit")
    op.drop_index("ix_audit_actor", "audit")
    op.drop_index("ix_case_file_desk", "case_file")
