"""A new node's side of enrolment by stick: it reads the city's notice, leaves its application, and reads the answer.

The same call does either half, whichever is due, as often as one likes. A stick that is lost, cut or pulled out
costs nothing: the keys and the application are kept here before anything is written.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from core.errors import InputError, LiandongError, PeerError, StateError
from core.identifiers import NodeId
from sync import audit, enrol
from sync.enrol import Begun
from sync.enrol_file import (
    FILE_BYTES_MAX,
    EnrolFile,
    Part,
    application,
    file_name,
    is_enrolment,
    read_enrol_file,
    stick_question,
)
from sync.enrolment import read_anchor_question
from sync.enrolment_code import EnrolmentCode
from sync.node import Node
from sync.primitives import sha256
from sync.stick_layout import PART_SUFFIX, inert, too_large
from sync.transport.usb import UNREADABLE, Entry, Stick, StickError

NOTICES_NAMED_MAX = 3


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A file of an enrolment that could not be used; ``name`` is inert."""

    name: str
    error: LiandongError


@dataclass(slots=True)
class Reading:
    """A pass over the files of enrolments on a stick, one in memory at a time; the rest is told when it is over.

    ``others`` counts bundles and whatever else lies there; ``more``: the folder holds more than is looked at.
    """

    stick: Stick
    spoilt: list[Spoilt] = field(default_factory=list)
    others: int = 0
    more: bool = False

    def files(self) -> Iterator[tuple[Entry, EnrolFile]]:
        """In order of their names. Raises ``StickError`` if the stick is gone or fails."""
        listing = self.stick.listing()
        self.more, self.others = listing.more, len(listing.skipped)
        for entry in listing.entries:
            try:
                if not is_enrolment(self.stick.head(entry)):
                    self.others += 1
                    continue
                if entry.size > FILE_BYTES_MAX:
                    raise too_large(entry.size, FILE_BYTES_MAX)
                file = read_enrol_file(self.stick.read(entry))
            except StickError as error:
                if error.code != UNREADABLE:
                    raise
                self.spoilt.append(Spoilt(inert(entry.name), error))
            except PeerError as error:
                self.spoilt.append(Spoilt(inert(entry.name), error))
            else:
                yield entry, file

    def write(self, node: Node, owner: NodeId | None, file: EnrolFile) -> None:
        """Write a file of ``owner``'s enrolment; it mends what was spoilt of it, under its name or in an unfinished copy.

        Raises ``StickError``.
        """
        name = file_name(owner, file)
        self.stick.write(name, file.data, mark=node.world.random_bytes(4).hex())
        left = [one for one in self.spoilt if one.name != inert(name)]
        self.spoilt = []
        for one in left:
            if one.name.startswith(f"{name}.") and one.name.endswith(PART_SUFFIX):
                self.stick.remove(one.name)
            else:
                self.spoilt.append(one)


class Stage(StrEnum):
    """How far an enrolment by stick has come."""

    APPLIED = "applied"
    """The application is on the stick, read back: somebody has to carry it to the city, and the answer back."""
    ENROLLED = "enrolled"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a stick came to at a new node.

    ``error``: why an answer that was there did not count, or, once enrolled, why the stick could not be tidied.
    ``before``: it was a node of the city by this very code already.
    """

    stage: Stage
    node: NodeId
    code_id: str
    spoilt: tuple[Spoilt, ...] = ()
    more: bool = False
    error: LiandongError | None = None
    before: bool = False


def enrol_from(stick: Stick, node: Node, code: EnrolmentCode) -> Enrolment:
    """Take the city's answer if it is on the stick; else leave the application there, for the city.

    Raises ``InputError`` (``enrolment.no_notice``) and ``PeerError`` (``enrolment.stranger``) as long as there is no
    application to write, ``StickError`` as the stick fails. Nothing of it is lost then: do it again.
    """
    done = enrol.enrolled_by(node, code)
    if done is not None:
        return _enrolled(stick, node, code, done, before=True)
    reading = Reading(stick)
    before, kept = enrol.waiting(node), enrol.begun(node, code)
    current = kept or _begin(reading, node, code)
    wanted = application(current.application)
    is_there, refused = _try_answers(reading, node, code, current, wanted) if kept else (False, None)
    done = enrol.enrolled_by(node, code)
    if done is not None:
        return _enrolled(stick, node, code, done)
    if not is_there:
        reading.write(node, node.place.node, wanted)
        with node.db.transaction() as tx:
            audit.note(
                tx,
                node.world,
                actor="enrolment",
                action="enrolment.on_stick",
                subject=node.place.node,
                code=code.code_id,
                label=stick.label,
            )
    if before is not None and kept is None:
        # What was asked under another code is taken back with it.
        _tidy(stick, before.question, sha256(before.application))
    return Enrolment(
        Stage.APPLIED, node.place.node, code.code_id, tuple(reading.spoilt), reading.more, refused
    )


def _begin(reading: Reading, node: Node, code: EnrolmentCode) -> Begun:
    """An application to the city that wrote the notice with this code."""
    question = stick_question(node.place.node, code)
    others: list[str] = []
    failed: LiandongError | None = None
    for _, file in reading.files():
        if file.part is not Part.NOTICE:
            continue
        if file.about != question:
            told = read_anchor_question(file.about)
            others.append(f"{told.node} ({told.code_id}-...)")
            continue
        try:
            return enrol.begin(node, code, question, file.body)
        except (PeerError, StateError) as error:
            failed = error
    raise failed or _no_notice(node.place.node, code, others, len(reading.spoilt))


def _try_answers(
    reading: Reading, node: Node, code: EnrolmentCode, current: Begun, wanted: EnrolFile
) -> tuple[bool, LiandongError | None]:
    """Take the one good answer; whether the application stands on the stick, and why no answer counted.

    Anybody can write a refusal, so one that lies beside a good answer means nothing.
    """
    digest, is_there = sha256(current.application), False
    refused: LiandongError | None = None
    for _, file in reading.files():
        if file == wanted:
            is_there = True
        if file.part is not Part.ANSWER or file.about != digest:
            continue
        try:
            enrol.finish(node, code, current, file.body)
        except StateError as error:
            refused = error
        except PeerError as error:
            refused = refused or error
        else:
            return is_there, None
    return is_there, refused


def _enrolled(
    stick: Stick, node: Node, code: EnrolmentCode, digest: bytes, *, before: bool = False
) -> Enrolment:
    """Its notice, its application and the answer are of no more use on the stick: take them off."""
    outcome = Enrolment(Stage.ENROLLED, node.place.node, code.code_id, before=before)
    try:
        _tidy(stick, stick_question(node.place.node, code), digest)
    except StickError as error:
        return replace(outcome, error=error)
    return outcome


def _tidy(stick: Stick, question: bytes, digest: bytes) -> None:
    """Remove the files of the enrolment whose notice answers ``question`` and whose application has ``digest``."""
    own = {Part.NOTICE: question, Part.APPLICATION: digest, Part.ANSWER: digest}
    for entry, file in Reading(stick).files():
        if own[file.part] == (sha256(file.body) if file.part is Part.APPLICATION else file.about):
            stick.remove(entry.name)


def _no_notice(node: NodeId, code: EnrolmentCode, others: list[str], spoilt: int) -> InputError:
    named = others[:NOTICES_NAMED_MAX]
    zh = f"U盘上有给别的节点或别的注册码的：{'、'.join(named)}。" if named else ""
    en = f" There are such for others: {', '.join(named)}." if named else ""
    if spoilt:
        zh, en = f"{zh}有 {spoilt} 个注册文件损坏。", f"{en} {spoilt} files of enrolments are damaged."
    return InputError(
        "enrolment.no_notice",
        zh=f"U盘上没有给 {node}、注册码 {code.code_id}-… 的注册通知。{zh}请核对本机编号、注册码和U盘；"
        f"没有拿错的话，请市中心运行 code {node} --stick 重新签发。",
        en=f"There is no enrolment notice for {node} with the code {code.code_id}-... on the stick.{en} Check this node's "
        f"number, the code and the stick; if they are right, have the city run code {node} --stick again.",
    )
