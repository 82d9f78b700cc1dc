"""0009 indexes by which a village walks, skips and counts its cases without touching them"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_case_file_origin", "case_file")
    op.create_index("ix_case_file_moved", "case_file", ["origin", "moved_at", "id", "holder"])
    op.create_index("ix_case_file_whose", "case_file", ["origin", "holder"])


def downgrade() -> None:
    op.drop_index("ix_case_file_whose", "case_file")
    op.drop_index("ix_case_file_moved", "case_file")
    op.create_index("ix_case_file_origin", "case_file", ["origin", "moved_at"])
