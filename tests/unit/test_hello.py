"""A node's introduction says who writes, to whom and in which number; nothing else passes for one."""

from dataclasses import asdict, replace

import pytest

from core.errors import PeerError
from sync import cose
from sync.hello import (
    AT_MAX,
    HELLO_BYTES_MAX,
    NUMBER_MAX,
    PAST_MAX,
    REPORT_ENTRIES_MAX,
    TEXT_CHARS_MAX,
    Hello,
    Seen,
    is_token_of,
    read_hello,
    sign_hello,
    sign_token,
    verify_hello,
)
from sync.primitives import SigningKey
from tests.unit.sealing_kit import EPOCH, OTHER_VILLAGE, TOWNSHIP, VILLAGE, StillWorld

WORLD = StillWorld()
KEY, STRANGER = SigningKey.generate(WORLD.random_bytes), SigningKey.generate(WORLD.random_bytes)
RUN = "a1" * 16
TOKEN = sign_token(KEY, VILLAGE, EPOCH, RUN, 7)
SEEN = Seen(EPOCH, RUN, 7, TOKEN)
HELLO = Hello(
    sender=VILLAGE,
    epoch=EPOCH,
    run=RUN,
    receiver=TOWNSHIP,
    number=7,
    reply_to=0,
    at=1444465800000,
    software="0.1.0",
    knows="5c" * 16,
    token=TOKEN,
    seen=SEEN,
    past=("1e" * 16,),
    owes=2,
    certificates=(b"signing", b"sealing"),
    report={"disk": 90},
)
SIGNED = sign_hello(HELLO, KEY)


def signed(value: object) -> bytes:
    """Any value as a hello that its author did sign."""
    protected, payload = cose.decode_sign1(SIGNED, bytes_max=HELLO_BYTES_MAX).protected, cose.encode(value)
    return cose.encode_sign1(cose.Sign1(protected, payload, KEY.sign(cose.sig_structure(protected, payload))))


def plain(**changes: object) -> dict[str, object]:
    value = asdict(HELLO)
    return {
        **value,
        "past": list(value["past"]),
        "certificates": list(value["certificates"]),
        **changes,
    }


def test_a_hello_survives_being_signed_and_read() -> None:
    for hello in (HELLO, replace(HELLO, seen=Seen(), past=(), certificates=(), report={})):
        data = sign_hello(hello, KEY)
        assert verify_hello(data, KEY.public()) == read_hello(data) == hello
    assert signed(plain()) == SIGNED


def test_a_hello_that_another_signed_is_refused() -> None:
    with pytest.raises(PeerError, match=r"hello\.forged"):
        verify_hello(SIGNED, STRANGER.public())


def test_every_changed_bit_is_noticed() -> None:
    for position in range(0, len(SIGNED) * 8, 3):
        mutant = bytearray(SIGNED)
        mutant[position // 8] ^= 1 << position % 8
        with pytest.raises(PeerError):
            verify_hello(bytes(mutant), KEY.public())


def test_a_token_proves_one_bundle_of_one_run_of_one_node() -> None:
    assert is_token_of(KEY.public(), VILLAGE, SEEN)
    assert not is_token_of(STRANGER.public(), VILLAGE, SEEN)
    assert not is_token_of(KEY.public(), OTHER_VILLAGE, SEEN)
    for other in (
        replace(SEEN, number=8),
        replace(SEEN, run="b2" * 16),
        replace(SEEN, epoch="1e" * 16),
        replace(SEEN, token=bytes(64)),
    ):
        assert not is_token_of(KEY.public(), VILLAGE, other)


def seen(**changes: object) -> dict[str, object]:
    return {"seen": {**asdict(SEEN), **changes}}


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("number", {"number": -1}),
        ("number", {"number": True}),
        ("reply_to", {"reply_to": NUMBER_MAX + 1}),
        ("at", {"at": AT_MAX + 1}),
        ("owes", {"owes": "2"}),
        ("software", {"software": "x" * (TEXT_CHARS_MAX + 1)}),
        ("knows", {"knows": b"5c"}),
        ("epoch", {"epoch": EPOCH.upper()}),
        ("run", {"run": bytes(16)}),
        ("token", {"token": TOKEN[:-1]}),
        ("token", {"token": TOKEN.hex()}),
        ("certificates", {"certificates": b"one"}),
        ("certificates", {"certificates": [b"1", b"2", b"3", b"4"]}),
        ("certificates", {"certificates": ["text"]}),
        ("past", {"past": EPOCH}),
        ("past", {"past": [EPOCH] * (PAST_MAX + 1)}),
        ("past", {"past": [EPOCH, 7]}),
        ("report", {"report": [1]}),
        ("report", {"report": dict.fromkeys(range(REPORT_ENTRIES_MAX + 1), 0)}),
        ("seen", {"seen": []}),
        ("seen", {"seen": {"number": 7}}),
        ("seen", seen(number=0)),
        ("seen", seen(number=True)),
        ("seen", seen(number=NUMBER_MAX + 1)),
        ("seen", seen(epoch="")),
        ("seen", seen(run=7)),
        ("seen", seen(token=b"")),
        ("fields", {"more": 1}),
    ],
    ids=str,
)
def test_a_hello_out_of_its_bounds_is_refused_even_when_signed(
    field: str, changes: dict[str, object]
) -> None:
    with pytest.raises(PeerError, match=rf"hello\.malformed: .*\({field}\)"):
        verify_hello(signed(plain(**changes)), KEY.public())


def test_a_hello_names_nodes_and_is_a_map() -> None:
    for changes in ({"sender": "village"}, {"receiver": 430981102000}):
        with pytest.raises(PeerError, match=r"stream\.malformed"):
            read_hello(signed(plain(**changes)))
    with pytest.raises(PeerError, match=r"hello\.malformed"):
        read_hello(signed([1, 2]))
