"""What the people at a desk may want to know of the carrier: what was set aside, and scanned files."""

from typing import Any

import sqlalchemy as sa

from core.errors import StateError
from sync import attachments, damage, repair, scans
from sync.attachments import FileManifest
from sync.held import held
from sync.installation import Installation
from sync.node import Node
from sync.tables import AUDIT

TROUBLES_MAX = 200
MENDED_MAX, LINES_BACK = 50, 20_000
_MENDED = {
    "damage.mended": (
        "磁盘上曾损坏，已由副本或数据流恢复，经核对与原文一致。若反复出现，请更换磁盘。",
        "It had rotted on the disk and was put right from a copy or the stream; it is what it was. If this comes again, "
        "change the disk.",
    ),
    "case.repaired": (
        "曾与数据流不符，已由数据流补正。",
        "It was not what its messages make and was made anew from them.",
    ),
    "difference.settled": (
        "与该节点曾有不一致，现已核对一致。",
        "What was held here and there differed, and is equal again.",
    ),
}


def troubles(installation: Installation, tx: sa.Connection) -> list[dict[str, Any]]:
    """What waits for people, what has rotted, and that the disk is full; each with its reason in words.

    At most ``TROUBLES_MAX`` messages and as much damage.
    """
    found = []
    try:
        installation.db.require_room()
    except StateError as error:
        found.append(
            {"kind": "disk", "subject": "", "type": error.code, "at": None, "zh": error.zh, "en": error.en}
        )
    for one in held(tx, TROUBLES_MAX):
        words = {"zh": f"{one.zh} {one.do_zh}", "en": f"{one.en} {one.do_en}"}
        found.append({"kind": one.kind, "subject": one.subject, "type": one.type, "at": one.since, **words})
    found += [
        {"kind": "damage", "subject": rot.subject, "type": rot.kind, "at": rot.at, "zh": rot.zh, "en": rot.en}
        for rot in damage.known(tx, limit=TROUBLES_MAX)
    ]
    for row in repair.differences(tx, settled=False, limit=TROUBLES_MAX):
        zh, en = repair.words_of(row)
        found.append(
            {
                "kind": "difference",
                "subject": row["subject"],
                "type": "case",
                "at": row["found_at"],
                "zh": zh,
                "en": en,
            }
        )
    return found


def mended(installation: Installation, tx: sa.Connection) -> list[dict[str, Any]]:
    """What this node put right by itself of late, the newest first: at most ``MENDED_MAX`` of the last ``LINES_BACK``
    lines of the audit log.
    """
    head = tx.scalar(sa.select(sa.func.max(AUDIT.c.number))) or 0
    query = (
        sa.select(AUDIT.c.action, AUDIT.c.subject, AUDIT.c.at)
        .where(AUDIT.c.number > head - LINES_BACK, AUDIT.c.action.in_(_MENDED))
        .order_by(AUDIT.c.number.desc())
        .limit(MENDED_MAX)
    )
    return [
        {
            "kind": row.action,
            "subject": row.subject,
            "at": row.at,
            "zh": _MENDED[row.action][0],
            "en": _MENDED[row.action][1],
        }
        for row in tx.execute(query)
    ]


class ScannedFiles:
    """The files that cases name, opened with the keys in their manifests."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def progress(self, tx: sa.Connection, attachment_id: str) -> tuple[int, int]:
        """Parts that are here, and parts in all; (0, 0) before the offer is here."""
        return attachments.progress(tx, attachment_id)

    def open(self, manifest: FileManifest) -> bytes:
        """The plain file. Raises ``LocalError`` (``attachment.*``) where it is not whole."""
        return attachments.open_file(manifest, self._node.chunks)

    def seal(self, name: str, data: bytes) -> dict[str, Any]:
        """Take in a scan: the fields of its manifest. Raises ``InputError`` (``scan.kind``, ``attachment.*``), ``LocalError``."""
        return scans.seal_scan(self._node.world, name, data, self._node.chunks)
