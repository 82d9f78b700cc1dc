"""A receipt says exactly what was signed for, and nothing else passes for one."""

from dataclasses import replace

import pytest

from core.errors import PeerError
from sync import cose
from sync.primitives import P256_ORDER, SigningKey
from sync.receipt import KINDS, Receipt, read_receipt, sign_receipt, verify_receipt
from tests.unit.sealing_kit import CITY, EPOCH, TOWNSHIP, ZEROS, Kit

KIT = Kit()
KEY = KIT.signing
RECEIPT = Receipt(
    kind="custody",
    signer=TOWNSHIP,
    signer_epoch="ab" * 16,
    stream=KIT.stream,
    upto=41,
    digest=b"\7" * 32,
    ranges=((43, 43), (45, 60)),
    number=12,
    at=1444465800000,
)
SIGNED = sign_receipt(RECEIPT, KEY)


def forged(**changes: object) -> bytes:
    fields = {name: getattr(RECEIPT, name) for name in RECEIPT.__dataclass_fields__} | changes
    kind = fields["kind"]
    payload = cose.encode(
        [
            KINDS.index(kind) if kind in KINDS else kind,
            fields["signer"],
            bytes.fromhex(fields["signer_epoch"]),
            KIT.stream.origin,
            bytes.fromhex(EPOCH),
            list(KIT.stream.readers),
            int(KIT.stream.lane),
            fields["upto"],
            fields["digest"],
            [number for pair in fields["ranges"] for number in pair],
            fields["number"],
            fields["at"],
            fields["reason"],
        ]
    )
    protected = cose.decode_sign1(SIGNED, bytes_max=1000).protected
    return cose.encode_sign1(cose.Sign1(protected, payload, KEY.sign(cose.sig_structure(protected, payload))))


@pytest.mark.parametrize(
    "receipt",
    [
        RECEIPT,
        replace(RECEIPT, kind="acceptance", ranges=()),
        replace(RECEIPT, kind="rejection", reason="材料不清晰"),
        replace(RECEIPT, upto=0, digest=ZEROS, ranges=((2, 3),)),
        replace(RECEIPT, ranges=tuple((100 + 2 * n, 100 + 2 * n) for n in range(64))),
    ],
)
def test_a_receipt_survives_being_signed_and_read(receipt: Receipt) -> None:
    data = sign_receipt(receipt, KEY)
    assert verify_receipt(data, KEY.public()) == read_receipt(data) == receipt


def test_the_same_receipt_is_the_same_bytes_and_small() -> None:
    assert sign_receipt(RECEIPT, KEY) == SIGNED == forged()
    assert 190 <= len(SIGNED) <= 260


def test_every_one_bit_mutant_is_refused() -> None:
    for position in range(len(SIGNED) * 8):
        mutant = bytearray(SIGNED)
        mutant[position // 8] ^= 1 << position % 8
        with pytest.raises(PeerError):
            verify_receipt(bytes(mutant), KEY.public())


def test_another_key_or_the_mirrored_signature_is_refused() -> None:
    stranger = SigningKey.generate(KIT.world.random_bytes)
    mirrored = SIGNED[:-32] + (P256_ORDER - int.from_bytes(SIGNED[-32:], "big")).to_bytes(32, "big")
    for data, key in ((SIGNED, stranger.public()), (mirrored, KEY.public())):
        with pytest.raises(PeerError, match=r"receipt\.forged"):
            verify_receipt(data, key)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": 3},
        {"signer": "someone"},
        {"signer_epoch": "ab"},
        {"upto": -1},
        {"upto": 0},
        {"digest": ZEROS},
        {"digest": b"\7" * 31},
        {"number": 0},
        {"at": -1},
        {"reason": "no"},
        {"kind": "rejection"},
        {"kind": "rejection", "reason": "x" * 201},
        {"ranges": ((42, 43),)},
        {"ranges": ((43, 42),)},
        {"ranges": ((43, 44), (45, 46))},
        {"ranges": ((50, 51), (43, 44))},
        {"ranges": ((43,),)},
        {"ranges": tuple((100 + 2 * n, 100 + 2 * n) for n in range(65))},
    ],
)
def test_a_receipt_out_of_its_bounds_is_refused_even_when_signed(changes: dict[str, object]) -> None:
    with pytest.raises(PeerError):
        verify_receipt(forged(**changes), KEY.public())


@pytest.mark.parametrize("payload", [[], [0] * 12, [0] * 14, {}, b"receipt"])
def test_a_receipt_has_thirteen_fields(payload: object) -> None:
    protected, encoded = cose.decode_sign1(SIGNED, bytes_max=1000).protected, cose.encode(payload)
    signature = KEY.sign(cose.sig_structure(protected, encoded))
    with pytest.raises(PeerError, match=r"receipt\.malformed"):
        verify_receipt(cose.encode_sign1(cose.Sign1(protected, encoded, signature)), KEY.public())


def test_an_envelope_is_no_receipt_and_a_receipt_no_envelope() -> None:
    with pytest.raises(PeerError, match=r"cose\.critical"):
        verify_receipt(KIT.sealed().data, KEY.public())


def test_an_unsignable_receipt_is_found_before_it_leaves() -> None:
    with pytest.raises(PeerError, match=r"receipt\.malformed"):
        sign_receipt(replace(RECEIPT, number=0), KEY)
    assert CITY in RECEIPT.stream.readers
