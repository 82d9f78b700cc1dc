"""The city's side of enrolment by stick: a code's notice goes out, the applications that come back are decided and answered.

What is admitted is in the city's record before the answer is written: a stick that fails is put in again, and the
same application gets the same answer.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from core.errors import LiandongError
from core.identifiers import NodeId
from sync import registrar
from sync.enrol_file import EnrolFile, Part, answer, notice
from sync.enrol_stick import Reading, Spoilt
from sync.enrolment import read_envelope, write_refusal
from sync.enrolment_desk import CodeRecord, Judged
from sync.node import Node
from sync.primitives import sha256
from sync.stick_layout import inert
from sync.transport.usb import Stick


class Fate(StrEnum):
    """What became of an application."""

    ADMITTED = "admitted"
    """A node of the city from now on; in a dry run: it would be."""
    ANSWERED = "answered"
    """Admitted before: it is given the same answer."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Applicant:
    """One application. ``node`` is whom its code was issued for, None if no such code is known.

    ``is_answered``: the answer stands on the stick, read back.
    """

    name: str
    code_id: str
    node: NodeId | None
    fate: Fate
    refused: LiandongError | None = None
    is_answered: bool = False


@dataclass(frozen=True, slots=True)
class Admitting:
    """What a stick came to at the city. ``error`` ended it early; what stands in ``applicants`` before it counts."""

    applicants: tuple[Applicant, ...]
    spoilt: tuple[Spoilt, ...] = ()
    others: int = 0
    more: bool = False
    error: LiandongError | None = None

    def count(self, *fates: Fate) -> int:
        return sum(applicant.fate in fates for applicant in self.applicants)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An application that was read and judged."""

    data: bytes
    applicant: Applicant
    judged: Judged


def issue(node: Node, target: NodeId, stick: Stick | None, lifetime: timedelta) -> tuple[CodeRecord, str]:
    """A code, shown once, and its notice on ``stick`` if there is one; a stick that fails leaves no code behind.

    Raises ``StickError``, and ``StateError`` (``keyring.no_authority``) but at the city.
    """

    def carry(record: CodeRecord, anchor: bytes) -> None:
        if stick is not None:
            Reading(stick).write(node, record.node, notice(record.node, record.code, anchor))

    return registrar.new_code(node, target, lifetime=lifetime, carry=carry)


def admit_from(stick: Stick, node: Node, *, dry_run: bool = False) -> Admitting:
    """Answer every application on the stick, townships before their villages.

    Raises ``StickError`` if the stick cannot be read, ``StateError`` (``keyring.no_authority``) but at the city.
    """
    reading, waiting, answers = Reading(stick), [], set()
    for entry, file in reading.files():
        if file.part is Part.APPLICATION:
            waiting.append(_look(node, inert(entry.name), file.body))
        elif file.part is Part.ANSWER:
            answers.add(sha256(file.data))
    # A village's answer holds its township's certificates only if that one is known by then.
    waiting.sort(key=lambda one: (one.applicant.node or "", one.applicant.name))
    if dry_run:
        return _report(reading, [one.applicant for one in waiting])
    done: list[Applicant] = []
    for one in waiting:
        try:
            applicant, file = _decide(node, one, answers)
            done.append(applicant)
            if sha256(file.data) not in answers:
                reading.write(node, applicant.node, file)
                answers.add(sha256(file.data))
        except LiandongError as error:
            return _report(reading, done, error)
        done[-1] = replace(applicant, is_answered=True)
    return _report(reading, done)


def _report(reading: Reading, applicants: list[Applicant], error: LiandongError | None = None) -> Admitting:
    return Admitting(tuple(applicants), tuple(reading.spoilt), reading.others, reading.more, error)


def _look(node: Node, name: str, data: bytes) -> _Waiting:
    judged = registrar.judge(node, data)
    fate = Fate.REFUSED if judged.refused else Fate.ADMITTED if judged.application else Fate.ANSWERED
    code_id, _ = read_envelope(data)
    known = judged.record.node if judged.record is not None else None
    return _Waiting(data, Applicant(name, code_id, known, fate, judged.refused), judged)


def _decide(node: Node, one: _Waiting, answers: set[bytes]) -> tuple[Applicant, EnrolFile]:
    """What becomes of an application, in effect, and its answer; ``answers`` are those on the stick already."""
    if one.judged.refused is not None:
        told = answer(one.data, write_refusal(one.judged.refused))
        if sha256(told.data) in answers:
            # Nobody has read that refusal yet: a wrong try counts once, not every time the stick is put in.
            return one.applicant, told
    given = registrar.decide(node, one.data)
    fate = Fate.REFUSED if given.refused else Fate.ADMITTED if given.admitted else Fate.ANSWERED
    return replace(one.applicant, fate=fate, refused=given.refused), answer(one.data, given.data)
