"""The city's side of an enrolment: pure decisions over the record of a one-time code.

Every answer comes with the record as it is to be stored, in the same transaction: a wrong try counts even though
it is refused, and the same application asked again gets the same bytes again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from core.clock import World
from core.errors import LiandongError, PeerError
from core.identifiers import NodeId
from sync.authority import Pair
from sync.enrolment import (
    NO_NONCE,
    Admission,
    Anchor,
    Application,
    ask_anchor,
    malformed,
    read_anchor_question,
    read_application,
    read_envelope,
    write_admission,
    write_anchor,
    write_refusal,
)
from sync.enrolment_code import EnrolmentCode, new_code
from sync.enrolment_refusals import refusal
from sync.primitives import SealingKey, sha256
from sync.x509 import read_request

CODE_LIFETIME = timedelta(days=7)
CODE_LIFETIME_MAX = timedelta(days=30)
"""Where a stick takes weeks to come and go: the application has to be there before the code ends."""
WRONG_TRIES_MAX = 10


@dataclass(frozen=True, slots=True)
class CodeRecord:
    """One code as the city stores it; ``expires`` in ms since 1970.

    The secret itself is kept: a keyed digest cannot be checked without it. It is worth nothing once used or
    expired, and is emptied then.
    """

    code_id: str
    node: NodeId
    secret: str = field(repr=False)
    expires: int
    wrong_tries: int = 0
    application_digest: bytes = b""
    answer: bytes = b""

    @property
    def code(self) -> EnrolmentCode:
        return EnrolmentCode(self.code_id, self.secret)


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send back, the record to store (none if the code is unknown), and why it was refused, if it was."""

    data: bytes
    record: CodeRecord | None
    refused: LiandongError | None = None
    admitted: Application | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What is to become of an application, nothing being issued yet: ``application`` is to be admitted, ``refused`` says
    why it is not; neither, if ``record`` holds its answer already. ``record`` is as it is to be stored.
    """

    record: CodeRecord | None
    application: Application | None = None
    refused: LiandongError | None = None


def issue_code(world: World, node: NodeId, lifetime: timedelta = CODE_LIFETIME) -> tuple[CodeRecord, str]:
    """A new code for ``node`` and its text, which is shown once."""
    code = new_code(world)
    expires = int((world.now() + lifetime).timestamp() * 1000)
    return CodeRecord(code.code_id, node, code.secret, expires), code.text


def code_id_of_question(data: bytes) -> str:
    """Which record an anchor question needs. Raises ``PeerError``."""
    return read_anchor_question(data).code_id


def code_id_of_application(data: bytes) -> str:
    """Which record an application needs. Raises ``PeerError``."""
    return read_envelope(data)[0]


def answer_anchor(world: World, record: CodeRecord | None, data: bytes, anchor: Anchor) -> Answer:
    """The anchor for who asks with a good code's number; whether they know its secret they will find out."""
    question = read_anchor_question(data)
    refused = _standing(world, record) or _for_node(record, question.node)
    if record is None or refused is not None:
        return _refuse(record, refused or refusal("enrolment.unknown_code"))
    if not record.secret:
        return _refuse(record, refusal("enrolment.used_code"))
    return Answer(write_anchor(record.code, data, anchor), record)


def anchor_for_stick(record: CodeRecord, anchor: Anchor) -> bytes:
    """An anchor to hand out with the code where there is no line: the answer to a question with no nonce."""
    return write_anchor(record.code, ask_anchor(record.node, record.code, NO_NONCE), anchor)


def judge_application(
    world: World, record: CodeRecord | None, data: bytes, registration: SealingKey
) -> Judged:
    """Whether the applicant is to be admitted. Raises ``PeerError`` for what is no application."""
    code_id, sealed = read_envelope(data)
    if record is not None and record.code_id == code_id and record.application_digest == sha256(data):
        return Judged(record)
    refused = _standing(world, record)
    if record is None or refused is not None:
        return Judged(record, refused=refused or refusal("enrolment.unknown_code"))
    if record.application_digest:
        return Judged(record, refused=refusal("enrolment.used_code"))
    try:
        application = read_application(record.code, sealed, registration)
        request = read_request(application.request)
        if (request.node, request.epoch) != (application.node, application.epoch):
            raise malformed("request")
    except PeerError as error:
        if error.code != "enrolment.stranger":
            return Judged(record, refused=refusal("enrolment.bad_request"))
        counted = replace(record, wrong_tries=record.wrong_tries + 1)
        return Judged(counted, refused=refusal("enrolment.wrong_code"))
    other = _for_node(record, application.node)
    return Judged(record, refused=other) if other is not None else Judged(record, application)


def answer_application(
    world: World,
    record: CodeRecord | None,
    data: bytes,
    registration: SealingKey,
    admit: Callable[[Application], Admission],
) -> Answer:
    """Admit the applicant, or say why not; ``admit`` issues the pair and gathers what goes with it."""
    judged = judge_application(world, record, data, registration)
    if judged.refused is not None:
        return _refuse(judged.record, judged.refused)
    assert judged.record is not None
    application = judged.application
    if application is None:
        return Answer(judged.record.answer, judged.record)
    answer = write_admission(judged.record.code, data, application.sealing, admit(application))
    used = replace(judged.record, application_digest=sha256(data), answer=answer, secret="")
    return Answer(answer, used, admitted=application)


def admission(
    world: World, pair: Pair, directory: tuple[Pair, ...], revocations: bytes, lives: int
) -> Admission:
    """What ``admit`` returns: the new pair, the nodes above it, the signed list of revocations, the city's time, and how
    many epochs of the node there were before.
    """
    return Admission(pair, directory, revocations, int(world.now().timestamp() * 1000), lives)


def expires_at(record: CodeRecord) -> datetime:
    return datetime.fromtimestamp(record.expires / 1000, UTC)


def _standing(world: World, record: CodeRecord | None) -> LiandongError | None:
    if record is None:
        return refusal("enrolment.unknown_code")
    if record.wrong_tries >= WRONG_TRIES_MAX:
        return refusal("enrolment.void_code")
    if world.now() >= expires_at(record) and not record.application_digest:
        return refusal("enrolment.expired_code")
    return None


def _for_node(record: CodeRecord | None, node: NodeId) -> LiandongError | None:
    return None if record is None or record.node == node else refusal("enrolment.other_node")


def _refuse(record: CodeRecord | None, error: LiandongError) -> Answer:
    return Answer(write_refusal(error), record, refused=error)
