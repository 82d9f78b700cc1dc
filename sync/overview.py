"""What the people at a desk may want to know of the carrier: what was set aside, and scanned files."""

from typing import Any

import sqlalchemy as sa

from core.errors import StateError
from sync import attachments, damage
from sync.attachments import FileManifest
from sync.held import held
from sync.installation import Installation
from sync.node import Node

TROUBLES_MAX = 200


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
