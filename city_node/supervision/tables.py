"""What supervision keeps: when to look at a subject again, cards, and every word said about one."""

import sqlalchemy as sa

from core.store.engine import METADATA

WATCH = sa.Table(
    "supervision_watch",
    METADATA,
    sa.Column("key", sa.String(40), primary_key=True),
    sa.Column("subject", sa.String(24), nullable=False),
    sa.Column("look_at", sa.String(24)),
    sa.Column("card", sa.String(8)),
    sa.Column("since", sa.String(24)),
    sa.Column("case_id", sa.String(26)),
    sa.Column("department", sa.String(100)),
    sa.Column("officer", sa.String(32)),
    sa.Column("node", sa.String(16)),
    sa.Column("region", sa.String(12)),
    comment="every subject; look_at = when its card can change next, empty text = now, null = never by itself; card = the "
    "one in force while the subject is open, and whose business it is then",
)
_TIMED, _CARDED = WATCH.c.look_at.is_not(None), WATCH.c.card.is_not(None)
sa.Index("ix_supervision_watch_look_at", WATCH.c.look_at, sqlite_where=_TIMED, postgresql_where=_TIMED)
sa.Index(
    "ix_supervision_watch_card", WATCH.c.card, WATCH.c.since, sqlite_where=_CARDED, postgresql_where=_CARDED
)

CARD = sa.Table(
    "supervision_card",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("key", sa.String(40), nullable=False),
    sa.Column("subject", sa.String(24), nullable=False),
    sa.Column("card", sa.String(8), nullable=False),
    sa.Column("case_id", sa.String(26)),
    sa.Column("since", sa.String(24), nullable=False),
    sa.Column("issued_at", sa.String(24), nullable=False),
    sa.Column("department", sa.String(100), nullable=False),
    sa.Column("officer", sa.String(32), nullable=False),
    sa.Column("node", sa.String(16), nullable=False),
    sa.Column("region", sa.String(12), nullable=False),
    sa.Column("status", sa.String(12), nullable=False),
    sa.Column("told", sa.Text, nullable=False),
    sa.UniqueConstraint("key", "card", "since"),
    comment="one row a card, for ever: of whom it was when it was issued, and where it stands; told = JSON list of officers",
)
sa.Index("ix_supervision_card_since", CARD.c.since, CARD.c.id)
sa.Index("ix_supervision_card_status", CARD.c.status, CARD.c.since, CARD.c.id)
sa.Index("ix_supervision_card_department", CARD.c.department, CARD.c.since)
sa.Index("ix_supervision_card_case", CARD.c.case_id)

CARD_STEP = sa.Table(
    "supervision_step",
    METADATA,
    sa.Column("card_id", sa.String(32), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("what", sa.String(12), nullable=False),
    sa.Column("officer", sa.String(32), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    comment="what happened to a card, in order: issued, explained, appealed, upheld, withdrawn, urged",
)

MATTER = sa.Table(
    "supervision_matter",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("subject", sa.String(24), nullable=False),
    sa.Column("node", sa.String(16), nullable=False),
    sa.Column("case_id", sa.String(26)),
    sa.Column("person", sa.String(100), nullable=False),
    sa.Column("phone", sa.String(32), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("department", sa.String(100), nullable=False),
    sa.Column("officer", sa.String(32), nullable=False),
    sa.Column("opened_at", sa.String(24), nullable=False),
    sa.Column("limit_days", sa.Integer, nullable=False),
    sa.Column("answered_at", sa.String(24)),
    sa.Column("answer", sa.Text, nullable=False),
    comment="a consultation or a complaint, with the department that has to answer within limit_days working days",
)
sa.Index("ix_supervision_matter_open", MATTER.c.answered_at, MATTER.c.opened_at)
