"""Scanned files: encrypted once, cut into chunks named by their digest, resumed by bitmap.

The manifest with the key travels inside the sealed case message; an offer that names only digests travels in the
clear-but-signed attachment lane, so that a relay can hold and check chunks it cannot read.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import sqlalchemy as sa

from core.canonical import canonical_json, parse_json
from core.clock import World, iso
from core.errors import InputError, LocalError, PeerError
from core.identifiers import NodeId
from core.store.prepared import Prepared
from sync.custody import empty_bitmap, has_bit, missing_bits, with_bit, without_bit
from sync.identity import Place
from sync.packing import Message
from sync.primitives import AEAD_TAG_BYTES, aead_open, aead_seal
from sync.stream import StreamRow, append
from sync.stream_id import Lane
from sync.tables import ATTACHMENT, ATTACHMENT_DELIVERY, DELIVERY, ENVELOPE, MESSAGE, OFFER, STREAM

CHUNK_BYTES = 32 * 1024
FILE_BYTES_MAX = 20 * 1024 * 1024
CHUNKS_MAX = FILE_BYTES_MAX // CHUNK_BYTES
FILES_PAGE = 50
EVERY_FILE = (1 << 31) - 1
OFFERED = "AttachmentOffered"


class ChunkStore(Protocol):
    """Where ciphertext chunks lie, named by SHA-256."""

    def put(self, digest: str, data: bytes) -> None:
        """Durable when this returns; idempotent."""

    def get(self, digest: str) -> bytes | None:
        """The chunk, or None if it is not here: one that has rotted is moved aside and is not here any more."""

    def has(self, digest: str) -> bool:
        """Whether the chunk is here."""

    def names(self, part: str) -> list[str]:
        """Digests of the chunks here that begin with ``part``, two hexadecimal digits; in order."""

    def moved_aside(self) -> list[str]:
        """Digests of chunks that were found rotted and not acknowledged yet, in order."""

    def acknowledge(self, digests: Iterable[str]) -> None:
        """The register of damage names these now."""


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


Told = Callable[[int, int], None]
"""Given the bytes that are durable and those of the whole file."""


def seal_file(world: World, data: bytes, store: ChunkStore, told: Told = lambda done, total: None) -> Sealed:
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
        told(index * CHUNK_BYTES + len(piece), len(data))
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
                zh=f"附件第 {index + 1} 块在磁盘上已损坏，将重新获取。请检查本机（doctor，村级终端按 F10）和磁盘。",
                en=f"Part {index + 1} of the file is damaged on this disk and has to be fetched again. Run doctor (F10 in the village's terminal).",
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


def mark_chunk(tx: sa.Connection, id_: str, index: int, now: str) -> None:
    """Note that a chunk is durable."""
    row = tx.execute(sa.select(ATTACHMENT).where(ATTACHMENT.c.id == id_)).one()
    have = with_bit(bytes(row.have), index)
    complete = now if not missing_bits(have, len(json.loads(row.chunks))) else None
    tx.execute(sa.update(ATTACHMENT).where(ATTACHMENT.c.id == id_).values(have=have, complete_at=complete))


def brought_by(tx: sa.Connection, id_: str, peer: NodeId) -> list[int]:
    """The stream to sign for once a file is whole, if its offer came from ``peer``; whoever else helped is owed nothing."""
    query = _with_envelope(sa.select(OFFER.c.stream_id).distinct())
    return list(tx.scalars(query.where(ATTACHMENT.c.id == id_, ENVELOPE.c.came_from == peer)))


def lose_chunk(tx: sa.Connection, digest: str) -> list[str]:
    """Note that a chunk is durable no more; returns the files that are asked for again because of it."""
    query = sa.select(ATTACHMENT).where(ATTACHMENT.c.chunks.contains(digest, autoescape=True))
    files = []
    for row in tx.execute(query).all():
        have = bytes(row.have)
        for index, named in enumerate(json.loads(row.chunks)):
            if named == digest:
                have = without_bit(have, index)
        where = ATTACHMENT.c.id == row.id
        tx.execute(sa.update(ATTACHMENT).where(where).values(have=have, complete_at=None))
        files.append(str(row.id))
    return files


# Nearly always no file is on its way: then a bundle asks no more than this.
_PARTIAL = Prepared(sa.select(ATTACHMENT.c.id).where(ATTACHMENT.c.complete_at.is_(None)).limit(1))
_UNSIGNED = Prepared(
    sa.select(ENVELOPE.c.seq)
    .join(STREAM, STREAM.c.id == ENVELOPE.c.stream_id)
    .join(DELIVERY, (DELIVERY.c.stream_id == STREAM.c.id) & (ENVELOPE.c.seq > DELIVERY.c.acked_seq))
    .where(DELIVERY.c.peer == sa.bindparam("by"), STREAM.c.lane == Lane.ATTACHMENT)
    .limit(1)
)
_WISHED = Prepared(
    sa.select(ATTACHMENT_DELIVERY.c.peer).where(ATTACHMENT_DELIVERY.c.peer == sa.bindparam("by")).limit(1)
)


def wanted_from(tx: sa.Connection, peer: NodeId, limit: int = 200) -> list[tuple[str, bytes]]:
    """Files not whole here that came from ``peer``, or that it has signed for; each with the bitmap of what is held."""
    if _PARTIAL.scalar(tx) is None:
        return []
    return [(row.id, bytes(row.have)) for row in _wanted().all(tx, by=peer, most=limit)]


@cache
def _wanted() -> Prepared:
    by: sa.BindParameter[str] = sa.bindparam("by")
    has_it = sa.select(DELIVERY.c.peer).where(
        DELIVERY.c.stream_id == OFFER.c.stream_id,
        DELIVERY.c.peer == by,
        DELIVERY.c.acked_seq >= OFFER.c.seq,
    )
    return Prepared(
        _with_envelope(sa.select(ATTACHMENT.c.id, ATTACHMENT.c.have))
        .where(ATTACHMENT.c.complete_at.is_(None), (ENVELOPE.c.came_from == by) | has_it.exists())
        .group_by(ATTACHMENT.c.id, ATTACHMENT.c.have)
        .order_by(sa.func.min(ENVELOPE.c.held_at), ATTACHMENT.c.id)
        .limit(sa.bindparam("most"))
    )


def take_want(tx: sa.Connection, peer: NodeId, id_: str, bitmap: bytes) -> bool:
    """Remember which chunks ``peer`` holds, by its own word: it may have lost one to a bad disk. True if that is news."""
    row = tx.execute(sa.select(ATTACHMENT.c.have).where(ATTACHMENT.c.id == id_)).one_or_none()
    if row is None or len(bitmap) != len(row.have):
        return False
    where = (ATTACHMENT_DELIVERY.c.attachment_id == id_) & (ATTACHMENT_DELIVERY.c.peer == peer)
    known = tx.scalar(sa.select(ATTACHMENT_DELIVERY.c.have).where(where))
    if known is None:
        tx.execute(sa.insert(ATTACHMENT_DELIVERY).values(attachment_id=id_, peer=peer, have=bitmap))
    elif bytes(known) != bitmap:
        tx.execute(sa.update(ATTACHMENT_DELIVERY).where(where).values(have=bitmap))
    return known is None or bytes(known) != bitmap


def chunks_owed(tx: sa.Connection, peer: NodeId, files_max: int | None) -> Iterator[tuple[str, int, str]]:
    """``(file, chunk number, digest)`` held here and not at ``peer``, of the oldest ``files_max`` files.

    A bitmap that came after ``peer`` had signed for a file, or from the neighbour that brought the file or made it, tells
    of chunks it has lost: each is given once every time it says so.
    """
    if _UNSIGNED.scalar(tx, by=peer) is None and _WISHED.scalar(tx, by=peer) is None:
        return
    told: set[str] = set()
    asked = {"by": peer, "most": EVERY_FILE if files_max is None else files_max}
    for row in _chunks_owed().pages(tx, FILES_PAGE, **asked):
        if row.id in told:
            continue
        told.add(row.id)
        given = bytes(row.theirs or b"")
        for index, digest in enumerate(json.loads(row.chunks)):
            if not has_bit(row.have, index) or has_bit(given, index):
                continue
            yield row.id, index, digest
            if row.is_lost_there:
                given = with_bit(given, index)
                take_want(tx, peer, row.id, given)


@cache
def _chunks_owed() -> Prepared:
    theirs, delivery = ATTACHMENT_DELIVERY.c, DELIVERY.c
    by: sa.BindParameter[str] = sa.bindparam("by")
    is_lost_there = sa.or_(delivery.peer.is_(None), OFFER.c.seq <= delivery.acked_seq)
    return Prepared(
        _with_envelope(
            sa.select(ATTACHMENT.c.id, ATTACHMENT.c.chunks, ATTACHMENT.c.have),
        )
        .add_columns(theirs.have.label("theirs"), is_lost_there.label("is_lost_there"))
        .join(STREAM, STREAM.c.id == OFFER.c.stream_id)
        .join(DELIVERY, (delivery.stream_id == OFFER.c.stream_id) & (delivery.peer == by), isouter=True)
        .join(
            ATTACHMENT_DELIVERY,
            (theirs.attachment_id == ATTACHMENT.c.id) & (theirs.peer == by),
            isouter=True,
        )
        .where(
            sa.or_(
                OFFER.c.seq > delivery.acked_seq,
                theirs.have.is_not(None)
                & (delivery.peer.is_not(None) | (ENVELOPE.c.came_from == by) | (STREAM.c.origin == by)),
            )
        )
        # The streams take turns here too.
        .order_by(OFFER.c.seq - sa.func.coalesce(delivery.acked_seq, 0), OFFER.c.stream_id)
        .limit(sa.bindparam("most"))
    )


def _with_envelope(query: sa.Select[Any]) -> sa.Select[Any]:
    in_envelope = (ENVELOPE.c.stream_id == OFFER.c.stream_id) & (ENVELOPE.c.seq == OFFER.c.seq)
    offered = OFFER.c.attachment_id == ATTACHMENT.c.id
    return query.join_from(ATTACHMENT, OFFER, offered).join(ENVELOPE, in_envelope)


def digests(row: sa.Row[Any]) -> list[str]:
    """The chunks of one row of the attachment table, in order."""
    return [str(digest) for digest in json.loads(row.chunks)]


def has_chunk(row: sa.Row[Any], index: int) -> bool:
    """Whether a row of the attachment table says that chunk ``index`` is durable here."""
    return has_bit(bytes(row.have), index)


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
