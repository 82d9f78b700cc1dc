"""What the people at a desk may want to know of the carrier: what was set aside, and scanned files."""

import json
from typing import Any

import sqlalchemy as sa

from sync import attachments
from sync.attachments import FileManifest
from sync.installation import Installation
from sync.node import Node
from sync.tables import QUARANTINE

TROUBLES_MAX = 200


def troubles(installation: Installation, tx: sa.Connection) -> list[dict[str, Any]]:
    """Messages in quarantine and streams on hold, each with its reason in words; at most ``TROUBLES_MAX`` messages."""
    query = (
        sa.select(QUARANTINE)
        .where(QUARANTINE.c.released_at.is_(None))
        .order_by(QUARANTINE.c.at)
        .limit(TROUBLES_MAX)
    )
    found = [
        {
            "kind": "quarantine",
            "subject": row.subject,
            "type": row.type,
            "at": row.at,
            "zh": row.zh,
            "en": row.en,
        }
        for row in tx.execute(query)
    ]
    for origin, lane, reason in installation.node.streams_on_hold(tx):
        words = _words(reason)
        found.append({"kind": "stream", "subject": origin, "type": str(lane), "at": None, **words})
    return found


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


def _words(reason: str) -> dict[str, str]:
    try:
        words = json.loads(reason)
        return {"zh": str(words["zh"]), "en": str(words["en"])}
    except (ValueError, TypeError, KeyError):
        return {"zh": reason, "en": reason}
