"""Reads one node's own book and cabinet from its own database: what the judge is given, and what the screen shows."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from core.case import Case, case_from_json
from core.errors import LiandongError
from core.store.casebook import CASE, row_digest
from core.store.office import Office
from deploy.demo.books import Entry, FileFacts, Said, Signed
from sync import attachments
from sync.installation import Installation
from sync.keyring import Keyring
from sync.node import stored_keys
from sync.receipt import read_receipt, verify_receipt
from sync.status import status
from sync.tables import ENVELOPE, MESSAGE, QUARANTINE, RECEIPT, STREAM


class Reader:
    """Remembers what it has read, so that looking again costs little."""

    def __init__(self, installation: Installation, office: Office) -> None:
        self._installation = installation
        self._office = office
        self._cases: dict[str, tuple[str, Case]] = {}
        self._opened: dict[str, str] = {}
        self._verified: dict[bytes, bool] = {}

    def book(self, open_files: bool) -> dict[str, Any]:
        """Every case, as this node has it; attachments are opened and hashed if asked for."""
        with self._installation.db.reading() as tx:
            rows = tx.execute(sa.select(CASE.c.id, CASE.c.digest)).all()
            entries = [asdict(self._entry(tx, row.id, row.digest, open_files)) for row in rows]
            return {
                "node": self._installation.node.place.node,
                "entries": entries,
                "waiting": self._waiting(tx),
            }

    def queues(self) -> list[dict[str, Any]]:
        """What waits for each neighbour."""
        found: list[dict[str, Any]] = status(self._installation)["peers"]
        with self._installation.db.reading() as tx:
            unsealed = sa.select(sa.func.count()).select_from(MESSAGE).where(MESSAGE.c.seq.is_(None))
            waiting = tx.scalar(unsealed) or 0
        return [{**peer, "report": None, "unsealed": waiting} for peer in found]

    def cabinet(self) -> dict[str, Any]:
        """What this node said of cases, and every receipt in its cabinet, its signature tried again."""
        place = self._installation.node.place
        with self._installation.db.reading() as tx:
            keyring = Keyring(place.node, stored_keys(tx))
            streams = {row.id: row for row in tx.execute(sa.select(STREAM))}
            digests = {
                (row.stream_id, row.seq): bytes(row.digest).hex()
                for row in tx.execute(sa.select(ENVELOPE.c.stream_id, ENVELOPE.c.seq, ENVELOPE.c.digest))
            }
            said = [
                asdict(
                    Said(
                        row.message_id,
                        row.type,
                        row.subject,
                        bytes(streams[row.stream_id].key).hex(),
                        tuple(json.loads(streams[row.stream_id].readers)),
                        row.seq or 0,
                        digests.get((row.stream_id, row.seq), ""),
                    )
                )
                for row in tx.execute(sa.select(MESSAGE).where(MESSAGE.c.subject != ""))
            ]
            receipts = tx.execute(sa.select(RECEIPT).where(RECEIPT.c.signer != place.node)).all()
        signed = [
            asdict(self._signed(keyring, bytes(streams[row.stream_id].key).hex(), row, digests))
            for row in receipts
        ]
        return {"node": place.node, "said": said, "signed": signed}

    def _signed(
        self, keyring: Keyring, stream: str, row: sa.Row[Any], digests: dict[tuple[int, int], str]
    ) -> Signed:
        data = bytes(row.data)
        if data not in self._verified:
            self._verified[data] = _is_good(keyring, data, stream, row)
        receipt = read_receipt(data)
        return Signed(
            stream,
            row.signer,
            row.kind,
            receipt.upto,
            receipt.ranges,
            receipt.digest.hex(),
            digests.get((row.stream_id, receipt.upto), "00" * 32),
            row.at,
            self._verified[data],
        )

    def _entry(self, tx: sa.Connection, id_: str, digest: str, open_files: bool) -> Entry:
        known = self._cases.get(id_)
        if known is None or known[0] != digest or open_files:
            data = bytes(tx.execute(sa.select(CASE.c.data).where(CASE.c.id == id_)).scalar_one())
            # Counted again from the bytes themselves: what stands beside them is only a claim.
            known = self._cases[id_] = (row_digest(data), case_from_json(data))
        digest, case = known
        return Entry(
            case.id,
            case.item,
            case.origin,
            case.township or "",
            case.state,
            case.holder or "",
            case.confidential,
            digest,
            case.version,
            tuple(step.type for step in case.steps),
            case.bill_fen,
            case.paid_fen,
            case.withdrawal_requested is not None,
            case.rating is not None,
            len(case.notes),
            tuple(self._file(tx, manifest, open_files) for manifest in case.attachments),
        )

    def _file(self, tx: sa.Connection, manifest: Any, open_files: bool) -> FileFacts:
        have, count = attachments.progress(tx, manifest.id)
        if open_files and manifest.id not in self._opened and count and have == count:
            data = attachments.open_file(manifest, self._installation.node.chunks)
            self._opened[manifest.id] = hashlib.sha256(data).hexdigest()
        sha256 = self._opened.get(manifest.id, "")
        return FileFacts(manifest.name, manifest.size, have, count or len(manifest.chunks), sha256)

    def _waiting(self, tx: sa.Connection) -> list[str]:
        words = [f"{one.case_id}：{one.zh} / {one.en}" for one in self._office.casebook.attention(tx)]
        aside = tx.execute(sa.select(QUARANTINE).where(QUARANTINE.c.released_at.is_(None)))
        words += [f"{row.type} {row.subject}：{row.zh} / {row.en}" for row in aside]
        held = self._installation.node.streams_on_hold(tx)
        return words + [f"{origin}：{reason}" for origin, _, reason in held]


def _is_good(keyring: Keyring, data: bytes, stream: str, row: sa.Row[Any]) -> bool:
    try:
        receipt = verify_receipt(data, keyring.verify_key_of(row.signer))
    except LiandongError:
        return False
    filed_under = (receipt.stream.key.hex(), receipt.signer, receipt.kind)
    return filed_under == (stream, row.signer, row.kind)
