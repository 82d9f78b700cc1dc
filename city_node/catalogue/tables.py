"""The next catalogue and the next calendar while people work on them, and who did what."""

import sqlalchemy as sa

from core.store.engine import METADATA

DRAFT = sa.Table(
    "publication_draft",
    METADATA,
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("draft_id", sa.String(32), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("status", sa.String(12), nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("changed_at", sa.String(24), nullable=False),
    comment="the next catalogue and the next calendar, one of each, as canonical JSON that could be published; revision "
    "rises with every change; status draft or handed_in",
)

STEP = sa.Table(
    "publication_step",
    METADATA,
    sa.Column("draft_id", sa.String(32), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("what", sa.String(12), nullable=False),
    sa.Column("officer", sa.String(32), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    comment="who did what to a draft, in order: opened, edited, imported, handed_in, sent_back, published, dropped",
)
sa.Index("ix_publication_step_kind", STEP.c.kind, STEP.c.at)
