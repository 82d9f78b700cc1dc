"""v0003 indexes from which a search is answered without touching the entries"""

from alembic import op

revision = "v0003"
down_revision = "v0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_person_case_id_no", "person_case")
    op.drop_index("ix_person_case_name", "person_case")
    op.create_index("ix_person_case_number", "person_case", ["id_no", "submitted_at", "case_id"])
    op.create_index("ix_person_case_called", "person_case", ["name", "submitted_at", "case_id", "id_no"])
    op.create_index("ix_person_case_time", "person_case", ["submitted_at"])


def downgrade() -> None:
    op.drop_index("ix_person_case_time", "person_case")
    op.drop_index("ix_person_case_called", "person_case")
    op.drop_index("ix_person_case_number", "person_case")
    op.create_index("ix_person_case_name", "person_case", ["name"])
    op.create_index("ix_person_case_id_no", "person_case", ["id_no"])
