"""The unit of custody: messages packed, sealed to their readers, signed by their origin.

A COSE_Sign1 whose protected header is the envelope's :class:`~sync.header.Header` and whose payload is a
COSE_Encrypt (``INTL-1``) or, in a public stream, the packed messages themselves (``PUBLIC-1``).
The encoded header is the additional data of the content's encryption and enters every reader's key wrapping,
so no part of one envelope fits into another. The exact bytes stand in ``docs/protocol/envelope.md``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.clock import World
from core.errors import LocalError, PeerError
from core.identifiers import NodeId
from sync import cose
from sync.header import (
    ENVELOPE_VERSION,
    NO_DIGEST,
    Header,
    Suite,
    decode_header,
    encode_header,
)
from sync.packing import NO_DICTIONARIES, Message, pack, unpack
from sync.primitives import (
    AEAD_IV_BYTES,
    AEAD_KEY_BYTES,
    Opener,
    SealingPublicKey,
    SigningKey,
    Verifier,
    aead_open,
    aead_seal,
    constant_time_equal,
    hkdf,
    hmac_sha256,
    sha256,
)
from sync.stream_id import READERS_MAX, StreamId

ENVELOPE_BYTES_MAX = 2 << 20

_WRAP_TAG = b"liandong/1/envelope/content-key\0"
_COMMIT_TAG = b"liandong/1/envelope/commitment\0"
_ORIGIN_TAG = b"liandong/1/envelope/origin-key\0"


@dataclass(frozen=True, slots=True)
class SealedEnvelope:
    """``data`` is what travels; ``digest`` is SHA-256 of it and names it in the ledger and the next header."""

    data: bytes
    header: Header
    digest: bytes


def seal(
    world: World,
    stream: StreamId,
    messages: Sequence[Message],
    *,
    seq: int,
    previous: bytes,
    first: int,
    signing_key: SigningKey,
    readers: Mapping[NodeId, SealingPublicKey],
    origin_secret: bytes = b"",
    dictionary: int = 0,
    dictionaries: Mapping[int, bytes] = NO_DICTIONARIES,
) -> SealedEnvelope:
    """Envelope ``seq`` of ``stream``: ``messages``, numbered from ``first``.

    ``previous`` is the digest of envelope ``seq - 1``, or 32 zeros for the first. ``readers`` holds the sealing
    key of every reader, and is empty for a public stream. With ``origin_secret`` the origin can read what it wrote
    (:func:`open_own`) after its disk forgot it; without one nobody but the readers can. Raises ``LocalError`` (``envelope.unpackable``,
    ``envelope.too_large``): split the messages.
    """
    public = stream.is_open
    if set(readers) != (set() if public else set(stream.readers)):
        raise ValueError("there is one sealing key for every reader of the stream")
    packed = pack(messages, dictionary, dictionaries)
    header = Header(
        version=ENVELOPE_VERSION,
        suite=Suite.PUBLIC_1 if public else Suite.INTL_1,
        origin=stream.origin,
        epoch=stream.epoch,
        readers=stream.readers,
        lane=stream.lane,
        seq=seq,
        previous=previous,
        first=first,
        count=len(messages),
        codec=packed.codec,
        dictionary=packed.dictionary,
        commitment=NO_DIGEST,
        created=int(world.now().timestamp() * 1000),
    )
    if public:
        protected, payload = encode_header(header), packed.block
    else:
        iv = world.random_bytes(AEAD_IV_BYTES)
        content_key = (
            _origin_key(origin_secret, iv, header) if origin_secret else world.random_bytes(AEAD_KEY_BYTES)
        )
        header = replace(header, commitment=commitment_to(content_key))
        protected = encode_header(header)
        payload = _encrypt(protected, iv, content_key, packed.block, header.readers, readers)
    # Written under the same rules under which it is read: an origin finds its own fault before it sends.
    decode_header(protected)
    signature = signing_key.sign(cose.sig_structure(protected, payload))
    data = cose.encode_sign1(cose.Sign1(protected, payload, signature))
    if len(data) > ENVELOPE_BYTES_MAX:
        raise LocalError(
            "envelope.too_large",
            zh=f"信封封装后有 {len(data)} 字节，超过上限 {ENVELOPE_BYTES_MAX} 字节。请减少每封的消息数。",
            en=f"The envelope has {len(data)} bytes, more than the {ENVELOPE_BYTES_MAX} allowed. Put fewer "
            "messages into one.",
        )
    return SealedEnvelope(data, header, sha256(data))


def read_header(data: bytes) -> Header:
    """The header, judged for its form alone: what a relay does. Raises ``PeerError``."""
    return decode_header(_sign1(data).protected)


def verify(data: bytes, verify_key: Verifier) -> Header:
    """The header of an envelope that ``verify_key`` (the key of ``header.origin``) signed.

    Raises ``PeerError``: ``envelope.forged`` and what :func:`read_header` raises.
    """
    header, _ = _verified(data, verify_key)
    return header


def is_signed_by(data: bytes, verify_key: Verifier) -> bool:
    """Whether ``verify_key`` signed this envelope. Raises as :func:`read_header`."""
    sign1 = _sign1(data)
    return verify_key.verifies(sign1.signature, cose.sig_structure(sign1.protected, sign1.payload))


def open_envelope(
    data: bytes,
    verify_key: Verifier,
    reader: NodeId,
    sealing_key: Opener,
    dictionaries: Mapping[int, bytes] = NO_DICTIONARIES,
) -> tuple[Header, tuple[Message, ...]]:
    """The header and the messages, for one of the readers.

    Raises ``PeerError``: ``envelope.forged``, ``envelope.not_for_us``, ``envelope.altered``,
    ``envelope.commitment``, ``envelope.bomb``, ``envelope.content``, ``envelope.dictionary``, and what
    :func:`read_header` raises.
    """
    header, sign1 = _verified(data, verify_key)
    if header.suite is Suite.PUBLIC_1:
        block = sign1.payload
    else:
        sealed = _sealed(header, sign1)
        block = _decrypt(header, sign1, sealed, _unwrap(header, sign1, sealed, reader, sealing_key))
    return header, unpack(block, header.codec, header.count, header.dictionary, dictionaries)


def open_own(
    data: bytes,
    verify_key: Verifier,
    origin_secrets: Sequence[bytes],
    dictionaries: Mapping[int, bytes] = NO_DICTIONARIES,
) -> tuple[Header, tuple[Message, ...]]:
    """An envelope of this node's own, brought back by somebody who kept it.

    ``origin_secrets`` are those of every sealing key still held. Raises as :func:`open_envelope`.
    """
    header, sign1 = _verified(data, verify_key)
    if header.suite is Suite.PUBLIC_1:
        block = sign1.payload
    else:
        sealed = _sealed(header, sign1)
        keys = [_origin_key(secret, sealed.iv, header) for secret in origin_secrets]
        good = [key for key in keys if constant_time_equal(commitment_to(key), header.commitment)]
        if not good:
            raise PeerError(
                "envelope.forgotten",
                zh="这是本机早先封装的信封，但当时的密钥已经销毁，打不开。内容请向上级索取。",
                en="This node sealed the envelope itself, but with a key that has since been destroyed; it cannot be "
                "opened. Ask the node above for what it said.",
            )
        block = _decrypt(header, sign1, sealed, good[0])
    return header, unpack(block, header.codec, header.count, header.dictionary, dictionaries)


def content_key_of(data: bytes, verify_key: Verifier, reader: NodeId, sealing_key: Opener) -> bytes:
    """The content key, for one of the readers to hand on to who may read the same. Raises as :func:`open_envelope`."""
    header, sign1 = _verified(data, verify_key)
    sealed = _sealed(header, sign1)
    return _unwrap(header, sign1, sealed, reader, sealing_key)


def own_content_key(data: bytes, verify_key: Verifier, origin_secrets: Sequence[bytes]) -> bytes | None:
    """The content key of an envelope of this node's own, None if the secret it was made from is gone."""
    header, sign1 = _verified(data, verify_key)
    keys = (_origin_key(secret, _sealed(header, sign1).iv, header) for secret in origin_secrets)
    return next((key for key in keys if constant_time_equal(commitment_to(key), header.commitment)), None)


def open_with_key(
    data: bytes,
    verify_key: Verifier,
    content_key: bytes,
    dictionaries: Mapping[int, bytes] = NO_DICTIONARIES,
) -> tuple[Header, tuple[Message, ...]]:
    """An envelope whose content key was handed on; header, signature and commitment prove what the origin wrote.

    Raises as :func:`open_envelope`.
    """
    header, sign1 = _verified(data, verify_key)
    block = _decrypt(header, sign1, _sealed(header, sign1), content_key)
    return header, unpack(block, header.codec, header.count, header.dictionary, dictionaries)


def commitment_to(content_key: bytes) -> bytes:
    """What the header says of the content key: found for one key only, and telling nothing about it."""
    return hmac_sha256(content_key, _COMMIT_TAG)


def wrap_info(protected: bytes, reader: NodeId) -> bytes:
    """HPKE's ``info``: the content key is sealed for this header and this reader, and fits nowhere else."""
    return _WRAP_TAG + sha256(protected) + reader.encode()


def _origin_key(secret: bytes, iv: bytes, header: Header) -> bytes:
    # Fresh by the random iv, whatever a restored disk believes the next number to be.
    place = header.stream.key + header.seq.to_bytes(8, "big") + header.previous
    return hkdf(secret, salt=iv, info=_ORIGIN_TAG + place, length=AEAD_KEY_BYTES)


def _encrypt(
    protected: bytes,
    iv: bytes,
    content_key: bytes,
    block: bytes,
    order: Sequence[NodeId],
    keys: Mapping[NodeId, SealingPublicKey],
) -> bytes:
    ciphertext = aead_seal(content_key, iv, block, cose.enc_structure(cose.ENCRYPT_PROTECTED, protected))
    recipients = tuple(
        cose.Recipient(reader.encode(), keys[reader].seal(content_key, wrap_info(protected, reader)))
        for reader in order
    )
    return cose.encode_encrypt(cose.Encrypt(iv, ciphertext, recipients))


def _sealed(header: Header, sign1: cose.Sign1) -> cose.Encrypt:
    sealed = cose.decode_encrypt(sign1.payload, bytes_max=ENVELOPE_BYTES_MAX, recipients_max=READERS_MAX)
    if tuple(recipient.kid for recipient in sealed.recipients) != tuple(r.encode() for r in header.readers):
        raise _altered("readers")
    return sealed


def _unwrap(
    header: Header, sign1: cose.Sign1, sealed: cose.Encrypt, reader: NodeId, sealing_key: Opener
) -> bytes:
    if reader not in header.readers:
        raise PeerError(
            "envelope.not_for_us",
            zh=f"信封不是封给本节点 {reader} 的，只能转交，不能打开。",
            en=f"The envelope is not sealed to this node, {reader}; it can be passed on but not opened.",
        )
    wrapped = sealed.recipients[header.readers.index(reader)].sealed_key
    return sealing_key.open(wrapped, wrap_info(sign1.protected, reader))


def _decrypt(header: Header, sign1: cose.Sign1, sealed: cose.Encrypt, content_key: bytes) -> bytes:
    # Without this a dishonest origin can show two readers two contents of one envelope.
    if not constant_time_equal(commitment_to(content_key), header.commitment):
        raise PeerError(
            "envelope.commitment",
            zh="信封的内容密钥与信封头的承诺不符：发送方可能向不同读者展示不同内容。未接收，"
            "请报告市级管理员。",
            en="The content key is not the one the header commits to: the sender may be showing different "
            "readers different contents. It was not taken; report it to the city's administrator.",
        )
    aad = cose.enc_structure(cose.ENCRYPT_PROTECTED, sign1.protected)
    try:
        return aead_open(content_key, sealed.iv, sealed.ciphertext, aad)
    except PeerError as error:
        raise _altered("content") from error


def _verified(data: bytes, verify_key: Verifier) -> tuple[Header, cose.Sign1]:
    sign1 = _sign1(data)
    header = decode_header(sign1.protected)
    if not verify_key.verifies(sign1.signature, cose.sig_structure(sign1.protected, sign1.payload)):
        raise PeerError(
            "envelope.forged",
            zh=f"信封署名 {header.origin}，但签名与其密钥不符：途中被改动，或由他人冒名。未接收，"
            "请对方重新发送。",
            en=f"The envelope names {header.origin} as its origin, but the signature is not by that node's "
            "key: it was changed on the way or made by another. It was not taken; ask the sender to send it "
            "again.",
        )
    return header, sign1


def _sign1(data: bytes) -> cose.Sign1:
    if len(data) > ENVELOPE_BYTES_MAX:
        raise PeerError(
            "envelope.too_large",
            zh=f"信封有 {len(data)} 字节，超过上限 {ENVELOPE_BYTES_MAX} 字节，未接收。请对方分批发送。",
            en=f"The envelope has {len(data)} bytes, more than the {ENVELOPE_BYTES_MAX} allowed; it was not "
            "taken. Ask the sender to split it.",
        )
    return cose.decode_sign1(data, bytes_max=ENVELOPE_BYTES_MAX)


def _altered(part: str) -> PeerError:
    return PeerError(
        "envelope.altered",
        zh=f"信封内容与签名时不一致（{part}），未采用。请对方重新发送。",
        en=f"The content of the envelope does not fit its header ({part}); it was not applied. Ask the "
        "sender to send it again.",
    )
