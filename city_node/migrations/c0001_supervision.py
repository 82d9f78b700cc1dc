"""c0001 supervision: what to look at and when, cards, their history, consultations and complaints"""

import sqlalchemy as sa
from alembic import op

revision = "c0001"
down_revision = None
branch_labels = ("city",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "supervision_watch",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=24), nullable=False),
        sa.Column("look_at", sa.String(length=24), nullable=True),
        sa.Column("card", sa.String(length=8), nullable=True),
        sa.Column("since", sa.String(length=24), nullable=True),
        sa.Column("case_id", sa.String(length=26), nullable=True),
        sa.Column("department", sa.String(length=100), nullable=True),
        sa.Column("officer", sa.String(length=32), nullable=True),
        sa.Column("node", sa.String(length=16), nullable=True),
        sa.Column("region", sa.String(length=12), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_supervision_watch")),
        comment="every subject; look_at = when its card can change next, empty text = now, null = never by itself; card = the "
        "one in force while the subject is open, and whose business it is then",
    )
    op.create_index(
        "ix_supervision_watch_look_at",
        "supervision_watch",
        ["look_at"],
        sqlite_where=sa.text("look_at IS NOT NULL"),
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_index(
        "ix_supervision_watch_card",
        "supervision_watch",
        ["card", "since"],
        sqlite_where=sa.text("card IS NOT NULL"),
        postgresql_where=sa.text("card IS NOT NULL"),
    )
    op.create_table(
        "supervision_card",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=24), nullable=False),
        sa.Column("card", sa.String(length=8), nullable=False),
        sa.Column("case_id", sa.String(length=26), nullable=True),
        sa.Column("since", sa.String(length=24), nullable=False),
        sa.Column("issued_at", sa.String(length=24), nullable=False),
        sa.Column("department", sa.String(length=100), nullable=False),
        sa.Column("officer", sa.String(length=32), nullable=False),
        sa.Column("node", sa.String(length=16), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_card")),
        sa.UniqueConstraint("key", "card", "since", name=op.f("uq_supervision_card_key")),
        comment="one row a card, for ever: of whom it was when it was issued, and where it stands; told = JSON list of officers",
    )
    op.create_index("ix_supervision_card_since", "supervision_card", ["since", "id"])
    op.create_index("ix_supervision_card_status", "supervision_card", ["status", "since", "id"])
    op.create_index("ix_supervision_card_department", "supervision_card", ["department", "since"])
    op.create_index("ix_supervision_card_case", "supervision_card", ["case_id"])
    op.create_table(
        "supervision_step",
        sa.Column("card_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=12), nullable=False),
        sa.Column("officer", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("card_id", "number", name=op.f("pk_supervision_step")),
        comment="what happened to a card, in order: issued, explained, appealed, upheld, withdrawn, urged",
    )
    op.create_table(
        "supervision_matter",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=24), nullable=False),
        sa.Column("node", sa.String(length=16), nullable=False),
        sa.Column("case_id", sa.String(length=26), nullable=True),
        sa.Column("person", sa.String(length=100), nullable=False),
        sa.Column("phone", sa.String(length=32), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("department", sa.String(length=100), nullable=False),
        sa.Column("officer", sa.String(length=32), nullable=False),
        sa.Column("opened_at", sa.String(length=24), nullable=False),
        sa.Column("limit_days", sa.Integer(), nullable=False),
        sa.Column("answered_at", sa.String(length=24), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_matter")),
        comment="a consultation or a complaint, with the department that has to answer within limit_days working days",
    )
    op.create_index("ix_supervision_matter_open", "supervision_matter", ["answered_at", "opened_at"])
