"""Scanned files: encrypted once, cut into chunks named by their digest, resumed by bitmap.

The manifest with the key travels inside the sealed case message; an offer that names only digests travels in the
clear-but-signed attachment lane, so that a relay can hold and check chunks it cannot read.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa

from core.canonical import canonical_json, parse_json
from core.clock import World, iso
from core.errors import InputError, LocalError, PeerError
from core.identifiers import NodeId
from sync.custody import empty_bitmap, has_bit, missing_bits, with_bit
from sync.identity import Place
from sync.packing import Message
from sync.primitives import AEAD_TAG_BYTES, aead_open, aead_seal
from sync.stream import StreamRow, append
from sync.stream_id import Lane
from sync.tables import ATTACHMENT, ATTACHMENT_DELIVERY, DELIVERY, ENVELOPE, MESSAGE, OFFER

CHUNK_BYTES = 32 * 1024
FILE_BYTES_MAX = 20 * 1024 * 1024
CHUNKS_MAX = FILE_BYTES_MAX // CHUNK_BYTES
OFFERED = "AttachmentOffered"


class ChunkStore(Protocol):
    """Where ciphertext chunks lie, named by SHA-256."""

    def put(self, digest: str, data: bytes) -> None:
        """Durable when this returns; idempotent."""

    def get(self, digest: str) -> bytes | None:
        """The chunk, or None if it is not here."""

    def has(self, digest: str) -> bool:
        """Whether the chunk is here."""


def require_whole(chunks: Sequence[str], store: ChunkStore) -> None:
    """Raises ``LocalError`` (``attachment.missing``) if a chunk is not here: then there is nothing to offer."""
    if not all(store.has(digest) for digest in chunks):
        raise LocalError(
            "attachment.missing",
            zh="附件的内容不在本机，未登记。请重新扫描该附件。",
            en="The content of an attachment is not on this machine; nothing was recorded. Scan it again.",
        )


class FileManifest(Protocol):
    """What sync needs of a file's manifest; the key stays in the sealed message that carries it."""

    @property
    def id(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def key(self) -> str: ...
    @property
    def chunk_size(self) -> int: ...
    @property
    def chunks(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted file: ``id`` 32 hex characters, ``chunks`` hex SHA-256, ``key`` 64 hex characters."""

    id: str
    size: int
    key: str
    chunk_size: int
    chunks: tuple[str, ...]


def seal_file(world: World, data: bytes, store: ChunkStore) -> Sealed:
    """Encrypt ``data`` under a fresh key and make every chunk durable.

    Raises ``InputError`` (``attachment.empty``, ``attachment.too_large``).
    """
    if not data:
        raise InputError(
            "attachment.empty", zh="附件是空文件，请重新扫描。", en="The file is empty; scan it again."
        )
    if len(data) > FILE_BYTES_MAX:
        raise InputError(
            "attachment.too_large",
            zh=f"附件有 {len(data) / 1048576:.1f} MB，超过上限 20 MB。请降低扫描分辨率或分成几份。",
            en=f"The file has {len(data) / 1048576:.1f} MB, more than 20 MB. Scan at a lower resolution or split it.",
        )
    key = world.random_bytes(32)
    chunks: list[str] = []
    for index in range((len(data) + CHUNK_BYTES - 1) // CHUNK_BYTES):
        piece = data[index * CHUNK_BYTES : (index + 1) * CHUNK_BYTES]
        cipher = aead_seal(key, _nonce(index), piece, b"")
        digest = hashlib.sha256(cipher).hexdigest()
        store.put(digest, cipher)
        chunks.append(digest)
    return Sealed(_id_of(chunks), len(data), key.hex(), CHUNK_BYTES, tuple(chunks))


def open_file(sealed: FileManifest, store: ChunkStore) -> bytes:
    """The plain file. Raises ``LocalError`` (``attachment.incomplete``, ``attachment.damaged``)."""
    parts: list[bytes] = []
    for index, digest in enumerate(sealed.chunks):
        cipher = store.get(digest)
        if cipher is None:
            raise LocalError(
                "attachment.incomplete",
                zh=f"附件还在传输中（{index}/{len(sealed.chunks)}），请稍后再看。",
                en=f"The file is still in transit ({index} of {len(sealed.chunks)} parts); look again later.",
            )
        if hashlib.sha256(cipher).hexdigest() != digest:
            raise LocalError(
                "attachment.damaged",
                zh=f"附件第 {index + 1} 块在磁盘上已损坏，将重新获取。请运行 doctor 检查磁盘。",
                en=f"Part {index + 1} of the file is damaged on this disk and has to be fetched again. Run doctor.",
            )
        # A fresh key seals each file, so the chunk number is a nonce that cannot repeat.
        parts.append(aead_open(bytes.fromhex(sealed.key), _nonce(index), cipher, b""))
    return b"".join(parts)


def offer(
    tx: sa.Connection, place: Place, world: World, sealed: FileManifest, readers: frozenset[NodeId], id_: str
) -> None:
    """Announce a sealed file to its readers' relays, in the transaction of the case that names it."""
    if tx.scalar(sa.select(ATTACHMENT.c.id).where(ATTACHMENT.c.id == sealed.id)) is not None:
        return
    body = {
        "id": sealed.id,
        "size": sealed.size,
        "chunk_size": sealed.chunk_size,
        "chunks": list(sealed.chunks),
    }
    message = Message(id_, OFFERED, 1, "", canonical_json(body))
    append(tx, place, world, readers=readers, lane=Lane.ATTACHMENT, message=message)
    row = tx.execute(
        sa.select(MESSAGE.c.stream_id, MESSAGE.c.number).where(MESSAGE.c.message_id == id_)
    ).one()
    full = empty_bitmap(len(sealed.chunks))
    for index in range(len(sealed.chunks)):
        full = with_bit(full, index)
    _insert(tx, body, full, iso(world.now()))
    # One offer an envelope: its number in the stream is the envelope's.
    tx.execute(sa.insert(OFFER).values(stream_id=row.stream_id, seq=row.number, attachment_id=sealed.id))


def register_offer(
    tx: sa.Connection, stream: StreamRow, seq: int, body: dict[str, Any], store: ChunkStore, now: str
) -> None:
    """Begin to collect the chunks of an offer, as :func:`read_offer` read it, that was just held."""
    have = empty_bitmap(len(body["chunks"]))
    for index, digest in enumerate(body["chunks"]):
        if store.has(digest):
            have = with_bit(have, index)
    if tx.scalar(sa.select(ATTACHMENT.c.id).where(ATTACHMENT.c.id == body["id"])) is None:
        complete = now if not missing_bits(have, len(body["chunks"])) else None
        _insert(tx, body, have, complete)
    if tx.scalar(sa.select(OFFER.c.seq).where(OFFER.c.stream_id == stream.row, OFFER.c.seq == seq)) is None:
        tx.execute(sa.insert(OFFER).values(stream_id=stream.row, seq=seq, attachment_id=body["id"]))


def _insert(tx: sa.Connection, body: dict[str, Any], have: bytes, complete: str | None) -> None:
    tx.execute(
        sa.insert(ATTACHMENT).values(
            id=body["id"],
            size=body["size"],
            chunk_size=body["chunk_size"],
            chunks=json.dumps(body["chunks"]),
            have=have,
            complete_at=complete,
        )
    )


def chunk_is_wanted(tx: sa.Connection, id_: str, index: int, data: bytes) -> str | None:
    """The digest under which to store a chunk, or None if it is held, or no offer asked for it.

    Raises ``PeerError`` (``attachment.chunk``) if its content does not have the digest the offer names.
    """
    row = tx.execute(
        sa.select(ATTACHMENT.c.chunks, ATTACHMENT.c.have).where(ATTACHMENT.c.id == id_)
    ).one_or_none()
    if row is None:
        return None
    digests = json.loads(row.chunks)
    if not 0 <= index < len(digests) or hashlib.sha256(data).hexdigest() != digests[index]:
        raise PeerError(
            "attachment.chunk",
            zh=f"附件第 {index + 1} 块内容不符，未接收，会重新传送。",
            en=f"Part {index + 1} of a file does not have the content that was announced; it will be sent again.",
        )
    return None if has_bit(row.have, index) else str(digests[index])


def mark_chunk(tx: sa.Connection, id_: str, index: int, now: str) -> list[int]:
    """Note that a chunk is durable; returns the rows of the streams that offer its file."""
    row = tx.execute(sa.select(ATTACHMENT).where(ATTACHMENT.c.id == id_)).one()
    have = with_bit(bytes(row.have), index)
    complete = now if not missing_bits(have, len(json.loads(row.chunks))) else None
    tx.execute(sa.update(ATTACHMENT).where(ATTACHMENT.c.id == id_).values(have=have, complete_at=complete))
    return list(tx.scalars(sa.select(OFFER.c.stream_id).where(OFFER.c.attachment_id == id_).distinct()))


def wanted_from(tx: sa.Connection, peer: NodeId, limit: int = 200) -> list[tuple[str, bytes]]:
    """Files that came from ``peer`` and are not whole yet, each with the bitmap of what is held."""
    query = (
        sa.select(ATTACHMENT.c.id, ATTACHMENT.c.have)
        .join(OFFER, OFFER.c.attachment_id == ATTACHMENT.c.id)
        .join(ENVELOPE, (ENVELOPE.c.stream_id == OFFER.c.stream_id) & (ENVELOPE.c.seq == OFFER.c.seq))
        .where(ATTACHMENT.c.complete_at.is_(None), ENVELOPE.c.came_from == peer)
        .group_by(ATTACHMENT.c.id, ATTACHMENT.c.have)
        .order_by(sa.func.min(ENVELOPE.c.held_at), ATTACHMENT.c.id)
        .limit(limit)
    )
    return [(row.id, bytes(row.have)) for row in tx.execute(query)]


def take_want(tx: sa.Connection, peer: NodeId, id_: str, bitmap: bytes) -> None:
    """Remember which chunks ``peer`` holds, by its own word: it may have lost one to a bad disk."""
    row = tx.execute(sa.select(ATTACHMENT.c.have).where(ATTACHMENT.c.id == id_)).one_or_none()
    if row is None or len(bitmap) != len(row.have):
        return
    where = (ATTACHMENT_DELIVERY.c.attachment_id == id_) & (ATTACHMENT_DELIVERY.c.peer == peer)
    if tx.execute(sa.update(ATTACHMENT_DELIVERY).where(where).values(have=bitmap)).rowcount == 0:
        tx.execute(sa.insert(ATTACHMENT_DELIVERY).values(attachment_id=id_, peer=peer, have=bitmap))


def chunks_owed(tx: sa.Connection, peer: NodeId, limit: int = 500) -> Iterator[tuple[str, int, str]]:
    """``(file, chunk number, digest)`` held here and not yet at ``peer``, the oldest file first."""
    query = (
        sa.select(
            ATTACHMENT.c.id,
            ATTACHMENT.c.chunks,
            ATTACHMENT.c.have,
            ATTACHMENT_DELIVERY.c.have.label("theirs"),
        )
        .join(OFFER, OFFER.c.attachment_id == ATTACHMENT.c.id)
        .join(DELIVERY, (DELIVERY.c.stream_id == OFFER.c.stream_id) & (DELIVERY.c.peer == peer))
        .join(
            ATTACHMENT_DELIVERY,
            (ATTACHMENT_DELIVERY.c.attachment_id == ATTACHMENT.c.id) & (ATTACHMENT_DELIVERY.c.peer == peer),
            isouter=True,
        )
        .where(OFFER.c.seq > DELIVERY.c.acked_seq)
        .order_by(OFFER.c.stream_id, OFFER.c.seq)
        .limit(limit)
    )
    told: set[str] = set()
    for row in tx.execute(query):
        if row.id in told:
            continue
        told.add(row.id)
        for index, digest in enumerate(json.loads(row.chunks)):
            if has_bit(row.have, index) and not (row.theirs and has_bit(row.theirs, index)):
                yield row.id, index, digest


def progress(tx: sa.Connection, id_: str) -> tuple[int, int]:
    """Chunks held and chunks in all of a file; (0, 0) if its offer is not here yet."""
    row = tx.execute(
        sa.select(ATTACHMENT.c.have, ATTACHMENT.c.chunks).where(ATTACHMENT.c.id == id_)
    ).one_or_none()
    if row is None:
        return 0, 0
    count = len(json.loads(row.chunks))
    return count - len(missing_bits(bytes(row.have), count)), count


def read_offer(messages: Sequence[Message]) -> dict[str, Any]:
    """The one offer of an envelope in the attachment lane. Raises ``PeerError`` (``attachment.offer``)."""
    try:
        body = parse_json(messages[0].body)
    except InputError as error:
        raise _malformed_offer() from error
    chunks = body.get("chunks") if isinstance(body, dict) else None
    good = (
        [message.type for message in messages] == [OFFERED]
        and isinstance(chunks, list)
        and set(body) == {"id", "size", "chunk_size", "chunks"}
        and 1 <= len(chunks) <= CHUNKS_MAX
        and all(isinstance(c, str) and len(c) == 64 and not set(c) - set("0123456789abcdef") for c in chunks)
        and body["id"] == _id_of(chunks)
        and body["chunk_size"] == CHUNK_BYTES
        and type(body["size"]) is int
        and (len(chunks) - 1) * CHUNK_BYTES < body["size"] <= len(chunks) * CHUNK_BYTES
    )
    if not good:
        raise _malformed_offer()
    return dict(body)


def _malformed_offer() -> PeerError:
    return PeerError(
        "attachment.offer",
        zh="附件清单格式不对，未接收。请对方升级程序后重新发送。",
        en="The announcement of a file is malformed; it was not taken. The sender should upgrade and send again.",
    )


def _id_of(chunks: list[str]) -> str:
    return hashlib.sha256("".join(chunks).encode()).hexdigest()[:32]


def _nonce(index: int) -> bytes:
    return index.to_bytes(12, "big")


CHUNK_CIPHER_BYTES_MAX = CHUNK_BYTES + AEAD_TAG_BYTES
