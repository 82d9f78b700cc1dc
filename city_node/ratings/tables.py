"""The register of ratings: one row each, so that counting them reads no case."""

import sqlalchemy as sa

from core.store.engine import METADATA

RATING = sa.Table(
    "case_rating",
    METADATA,
    sa.Column("message_id", sa.String(32), primary_key=True),
    sa.Column("case_id", sa.String(26), nullable=False),
    sa.Column("level", sa.Integer, nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
    sa.Column("department", sa.String(100), nullable=False),
    sa.Column("origin", sa.String(16), nullable=False),
    comment="ratings of cases, level 1 very satisfied to 5 very dissatisfied; the row of level 0 tells how far the cases of "
    "before there was a register have been read",
)
sa.Index("ix_case_rating_at", RATING.c.at)
sa.Index("ix_case_rating_case_id", RATING.c.case_id)
