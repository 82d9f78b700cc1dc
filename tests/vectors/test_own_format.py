"""Bytes that were written once keep their meaning: other implementations and stored envelopes depend on them."""

from sync.envelope import open_envelope
from sync.header import encode_header
from sync.packing import Message
from sync.primitives import SealingKey, VerifyKey, sha256
from sync.receipt import verify_receipt
from tests.unit.sealing_kit import CITY, TOWNSHIP
from tests.vectors.test_vectors import values

WRITTEN = values("liandong_v1.txt")


def test_the_written_envelope_opens_for_both_readers() -> None:
    origin = VerifyKey.from_bytes(WRITTEN["origin_public"])
    for reader, name in ((CITY, "city"), (TOWNSHIP, "township")):
        key = SealingKey.from_pkcs8(WRITTEN[f"{name}_private_pkcs8"])
        header, messages = open_envelope(WRITTEN["envelope"], origin, reader, key)
        assert messages == (
            Message(
                "00112233445566778899aabbccddeeff",
                "NoteAdded",
                1,
                "43098110220120151010000147",
                b'{"text":"hi"}',
            ),
        )
        assert encode_header(header) == WRITTEN["header"]
        assert header.stream.key == WRITTEN["stream_key"]
    assert sha256(WRITTEN["envelope"]) == WRITTEN["digest"]


def test_the_written_receipt_is_for_the_written_envelope() -> None:
    receipt = verify_receipt(WRITTEN["receipt"], VerifyKey.from_bytes(WRITTEN["township_signing_public"]))
    assert (receipt.kind, receipt.signer, receipt.upto, receipt.ranges) == ("custody", TOWNSHIP, 1, ((3, 4),))
    assert receipt.digest == WRITTEN["digest"]
    assert receipt.stream.key == WRITTEN["stream_key"]
