"""Scans that came with a form which is not right yet: kept for their officer, so that nobody has to scan twice."""

import json
from datetime import timedelta

import sqlalchemy as sa

from core.bodies import AttachmentManifest
from core.canonical import canonical_json
from core.clock import World, iso
from core.shape import from_plain, to_plain
from core.store.engine import METADATA

PENDING_SCAN = sa.Table(
    "pending_scan",
    METADATA,
    sa.Column("officer", sa.String(32), nullable=False, primary_key=True),
    sa.Column("id", sa.String(32), nullable=False, primary_key=True),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
    comment="scans sealed for a form that its officer has not handed in yet; forgotten after a few days",
)
KEPT_FOR = timedelta(days=3)


def keep(tx: sa.Connection, world: World, officer: str, manifest: AttachmentManifest) -> None:
    """Remember a sealed scan for ``KEPT_FOR``; what is older is forgotten."""
    now = world.now()
    tx.execute(sa.delete(PENDING_SCAN).where(PENDING_SCAN.c.at < iso(now - KEPT_FOR)))
    let_go(tx, officer, manifest.id)
    plain = canonical_json(to_plain(manifest)).decode()
    tx.execute(sa.insert(PENDING_SCAN).values(officer=officer, id=manifest.id, manifest=plain, at=iso(now)))


def find(tx: sa.Connection, officer: str, id_: str) -> AttachmentManifest | None:
    """The scan, if this officer has brought it of late."""
    where = (PENDING_SCAN.c.officer == officer) & (PENDING_SCAN.c.id == id_)
    plain = tx.scalar(sa.select(PENDING_SCAN.c.manifest).where(where))
    return None if plain is None else from_plain(AttachmentManifest, json.loads(plain), "scan")


def let_go(tx: sa.Connection, officer: str, id_: str) -> None:
    """It belongs to a case now, or is not wanted."""
    tx.execute(sa.delete(PENDING_SCAN).where(PENDING_SCAN.c.officer == officer, PENDING_SCAN.c.id == id_))
