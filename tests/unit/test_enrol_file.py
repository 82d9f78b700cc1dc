"""A file of an enrolment is what it says, whole, and of no other shape; its name decides nothing."""

import pytest

from core.errors import PeerError
from core.identifiers import NodeId
from sync import cose
from sync.enrol_file import (
    DIGEST_BYTES,
    FILE_BYTES_MAX,
    EnrolFile,
    Part,
    file_name,
    is_enrolment,
    read_enrol_file,
)
from sync.primitives import sha256
from sync.stick_layout import ENROL_MAGIC

ANSWER = EnrolFile(Part.ANSWER, bytes(DIGEST_BYTES), b"sealed")


def made(*fields: object) -> bytes:
    return ENROL_MAGIC + cose.encode([*fields])


def of(part: object, about: object, body: object) -> bytes:
    """With the digest that would make it whole."""
    return made(part, about, body, sha256(cose.encode([part, about, body])))


def test_what_was_written_is_read_and_named_for_fat() -> None:
    assert is_enrolment(ANSWER.data)
    assert read_enrol_file(ANSWER.data) == ANSWER
    name = file_name(NodeId("430981102201"), ANSWER)
    assert name.startswith("430981102201-answer-") and len(name) < 64
    assert file_name(None, ANSWER).startswith("unknown-answer-")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"LDE0" + ANSWER.data[4:],
        ANSWER.data + bytes(FILE_BYTES_MAX),
        ANSWER.data[:-1],
        ENROL_MAGIC + b"\xff",
        made("a", "b"),
        made(3, b"a", b"b"),
        made(3, "a", b"b", b"c"),
        of(True, bytes(DIGEST_BYTES), b"sealed"),
        of(9, bytes(DIGEST_BYTES), b"sealed"),
        of(int(Part.ANSWER), bytes(DIGEST_BYTES - 1), b"sealed"),
        of(int(Part.NOTICE), b"no question", b"anchor"),
        of(int(Part.APPLICATION), b"about", b"no envelope"),
        of(int(Part.APPLICATION), b"", b"no envelope"),
        made(int(Part.ANSWER), bytes(DIGEST_BYTES), b"sealed", bytes(DIGEST_BYTES)),
    ],
)
def test_what_is_cut_changed_or_of_another_shape_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(PeerError) as refused:
        read_enrol_file(data)
    assert refused.value.code == "enrolment.damaged_file"
    assert "重新写" in refused.value.zh and "written again" in refused.value.en
