"""How an enrolment lies on a stick: a notice out, an application in, an answer out, one file each. Pure rules.

What a file says is proven by the code, as over a line; its name helps people and decides nothing.
"""

from dataclasses import dataclass
from enum import IntEnum

from core.errors import LiandongError, PeerError
from core.identifiers import NodeId
from sync import cose
from sync.enrolment import (
    NO_NONCE,
    REQUEST_BYTES_MAX,
    RESPONSE_BYTES_MAX,
    ask_anchor,
    read_anchor_question,
    read_envelope,
)
from sync.enrolment_code import EnrolmentCode
from sync.primitives import sha256
from sync.stick_layout import ENROL_MAGIC

SUFFIX = ".lde"
DIGEST_BYTES = 32
ABOUT_BYTES_MAX = 128
FRAME_BYTES = 64
"""Beyond what the fields hold: the magic, the heads of the fields, the digest."""
FILE_BYTES_MAX = len(ENROL_MAGIC) + FRAME_BYTES + ABOUT_BYTES_MAX + RESPONSE_BYTES_MAX


class Part(IntEnum):
    """Which of the three a file is."""

    NOTICE = 1
    """The city's anchor, handed out with a code: ``about`` is the question that it answers."""
    APPLICATION = 2
    """What a node asks of the city; ``about`` is empty."""
    ANSWER = 3
    """What the city says to an application: ``about`` is its SHA-256."""


@dataclass(frozen=True, slots=True)
class EnrolFile:
    """One file; who wrote it is not known before the code has proven it."""

    part: Part
    about: bytes
    body: bytes

    @property
    def data(self) -> bytes:
        """The whole file."""
        fields = [int(self.part), self.about, self.body]
        return ENROL_MAGIC + cose.encode([*fields, sha256(cose.encode(fields))])


def notice(node: NodeId, code: EnrolmentCode, anchor: bytes) -> EnrolFile:
    return EnrolFile(Part.NOTICE, stick_question(node, code), anchor)


def application(data: bytes) -> EnrolFile:
    return EnrolFile(Part.APPLICATION, b"", data)


def answer(to: bytes, data: bytes) -> EnrolFile:
    """``to``: the application's bytes."""
    return EnrolFile(Part.ANSWER, sha256(to), data)


def stick_question(node: NodeId, code: EnrolmentCode) -> bytes:
    """The question that a notice on a stick answers: nobody asked it, so there is no nonce in it."""
    return ask_anchor(node, code, NO_NONCE)


def is_enrolment(head: bytes) -> bool:
    """Whether a file that begins with ``head`` says that it belongs to an enrolment."""
    return head.startswith(ENROL_MAGIC)


def read_enrol_file(data: bytes) -> EnrolFile:
    """Raises ``PeerError`` (``enrolment.damaged_file``) for what is cut, changed on the way or too large."""
    if len(data) > FILE_BYTES_MAX or not is_enrolment(data):
        raise _damaged()
    try:
        fields = cose.decode(data[len(ENROL_MAGIC) :], bytes_max=FILE_BYTES_MAX, items_max=8, depth_max=2)
    except PeerError as error:
        raise _damaged() from error
    match fields:
        case [int(part), bytes(about), bytes(body), bytes(digest)] if not isinstance(part, bool):
            whole = digest == sha256(cose.encode([part, about, body]))
            if whole and part in list(Part) and _fits(Part(part), about, body):
                return EnrolFile(Part(part), about, body)
    raise _damaged()


def _fits(part: Part, about: bytes, body: bytes) -> bool:
    """Whether the fields are of the shape that this part has."""
    try:
        if part is Part.NOTICE:
            return read_anchor_question(about).nonce == NO_NONCE
        if part is Part.APPLICATION:
            return not about and len(body) <= REQUEST_BYTES_MAX and bool(read_envelope(body))
    except LiandongError:
        return False
    return len(about) == DIGEST_BYTES


def file_name(node: NodeId | None, file: EnrolFile) -> str:
    """``430981102201-application-9f3c02aa.lde``: fits FAT, the same for the same matter, another for another."""
    told = file.about if file.part is Part.ANSWER else sha256(file.about or file.body)
    return f"{node or 'unknown'}-{file.part.name.lower()}-{told.hex()[:8]}{SUFFIX}"


def _damaged() -> PeerError:
    return PeerError(
        "enrolment.damaged_file",
        zh="文件没有复制完，或在途中损坏，未采用。请在写它的一方重新写一次，等显示可以拔出后再拔。",
        en="The file was not copied whole or was damaged on the way; it was not used. Have it written again where it "
        "came from and wait until the stick may be removed.",
    )
