"""The tables of the sheet: what nodes told, the lines of each day, differences, sign-offs, possible duplicates."""

import sqlalchemy as sa

from core.store.engine import METADATA

REPORT = sa.Table(
    "sheet_report",
    METADATA,
    sa.Column("node", sa.String(16), primary_key=True),
    sa.Column("epoch", sa.String(32), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
    sa.Column("received_at", sa.String(24), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    comment="the newest report of each life of a node, without its sets; at by its clock, received_at by ours",
)

CLAIM = sa.Table(
    "sheet_claim",
    METADATA,
    sa.Column("node", sa.String(16), primary_key=True),
    sa.Column("epoch", sa.String(32), primary_key=True),
    sa.Column("origin", sa.String(16), primary_key=True),
    sa.Column("day", sa.String(8), primary_key=True),
    sa.Column("counters", sa.Text, nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
    comment="the case numbers of a device and day that a node says it holds: JSON lists of counters",
)
sa.Index("ix_sheet_claim_origin", CLAIM.c.origin, CLAIM.c.day)

RHYTHM = sa.Table(
    "sheet_rhythm",
    METADATA,
    sa.Column("node", sa.String(16), primary_key=True),
    sa.Column("heard_at", sa.String(24), nullable=False),
    sa.Column("gaps", sa.Text, nullable=False),
    comment="when a node was last heard of, and the longest silence of each of its last days: JSON, seconds by day",
)

LINE = sa.Table(
    "sheet_line",
    METADATA,
    sa.Column("day", sa.String(8), primary_key=True),
    sa.Column("division", sa.String(12), primary_key=True),
    sa.Column("stale", sa.Boolean, nullable=False),
    sa.Column("counts", sa.Text, nullable=False),
    sa.Column("digests", sa.Text, nullable=False),
    sa.Column("unconfirmed", sa.Integer, nullable=False),
    comment="one day of one division: counts and digests of the three books, JSON; stale = to be drawn up anew",
)
sa.Index("ix_sheet_line_stale", LINE.c.stale, LINE.c.day)

DIFFERENCE = sa.Table(
    "sheet_difference",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("day", sa.String(8), nullable=False),
    sa.Column("division", sa.String(12), nullable=False),
    sa.Column("case_id", sa.String(26), nullable=False),
    sa.Column("cause", sa.String(12), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("status", sa.String(12), nullable=False),
    sa.Column("first_at", sa.String(24), nullable=False),
    sa.Column("changed_at", sa.String(24), nullable=False),
    sa.UniqueConstraint("day", "division", "case_id"),
    comment="what the books of a day differ in; case_id empty: the whole day of that node. status open, asked, accepted, "
    "level; words = what each book says, JSON",
)
sa.Index("ix_sheet_difference_status", DIFFERENCE.c.status, DIFFERENCE.c.day)

STEP = sa.Table(
    "sheet_step",
    METADATA,
    sa.Column("about", sa.String(64), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("what", sa.String(16), nullable=False),
    sa.Column("officer", sa.String(32), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    comment="what happened to a difference or a pair of possible duplicates, in order; officer empty: by itself",
)

SIGNATURE = sa.Table(
    "sheet_signature",
    METADATA,
    sa.Column("day", sa.String(8), primary_key=True),
    sa.Column("division", sa.String(12), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("officer", sa.String(32), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("figures", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    comment="a supervisor signed for a day of a division with the figures as they stood then, JSON; never changed",
)

PERSON = sa.Table(
    "sheet_person",
    METADATA,
    sa.Column("case_id", sa.String(26), primary_key=True),
    sa.Column("person", sa.String(64), nullable=False),
    sa.Column("item", sa.String(64), nullable=False),
    sa.Column("origin", sa.String(16), nullable=False),
    sa.Column("submitted_at", sa.String(24), nullable=False),
    sa.Column("state", sa.String(24), nullable=False),
    comment="who applied for what, the person as a digest of the identity number: to find possible duplicates",
)
sa.Index("ix_sheet_person_match", PERSON.c.person, PERSON.c.item, PERSON.c.submitted_at)

PAIR = sa.Table(
    "sheet_pair",
    METADATA,
    sa.Column("first", sa.String(26), primary_key=True),
    sa.Column("second", sa.String(26), primary_key=True),
    sa.Column("status", sa.String(12), nullable=False),
    sa.Column("found_at", sa.String(24), nullable=False),
    comment="two cases of one person and item registered in different villages within some days: open, same, different",
)
sa.Index("ix_sheet_pair_status", PAIR.c.status, PAIR.c.found_at)
