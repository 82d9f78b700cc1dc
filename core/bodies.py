"""What each case message says: one frozen dataclass per fact, the bounds in the annotations.

Money is in fen, spans of time in days; wire values of closed sets are the codes of the national tables.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from core.identifiers import DivisionCode, parse_division
from core.shape import Count, Custom, Parsed, Pattern, Text, Whole, refuse

FORM_FIELDS_MAX = 200
TABLE_ROWS_MAX = 200
ATTACHMENT_BYTES_MAX = 64 << 20
CHUNKS_MAX = 4096

Name = Annotated[str, Text(100, 1)]
Line = Annotated[str, Text(300)]
Note = Annotated[str, Text(2000, lines=True)]
Reason = Annotated[str, Text(2000, 1, lines=True)]
Officer = Annotated[str, Text(32, 1)]
Days = Annotated[int, Whole(3650)]
Fen = Annotated[int, Whole(10**12)]
Id32 = Annotated[str, Pattern(r"[0-9a-f]{32}", "32 位小写十六进制", "32 lower-case hex digits")]
Hex64 = Annotated[str, Pattern(r"[0-9a-f]{64}", "64 位小写十六进制", "64 lower-case hex digits")]
Division = Annotated[DivisionCode, Parsed(parse_division)]

_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")


def read_answers(value: Any, where: str) -> dict[str, Any]:
    """Form answers by field key: text, whole numbers, yes/no, or a table (list of rows of text by column).

    Decimals and money travel as text, so a JSON fraction is refused: it would not be the same everywhere.
    Whether they fit the item's form is the form's affair. Raises ``InputError``.
    """
    answers = _read_row(value, where)
    for key, answer in answers.items():
        place = f"{where}.{key}"
        if isinstance(answer, list):
            if len(answer) > TABLE_ROWS_MAX:
                refuse(place, f"表格最多 {TABLE_ROWS_MAX} 行", f"at most {TABLE_ROWS_MAX} rows expected")
            for number, row in enumerate(answer):
                for column, cell in _read_row(row, f"{place}[{number}]").items():
                    _read_cell(cell, f"{place}[{number}].{column}")
        else:
            _read_cell(answer, place)
    return answers


def _read_row(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > FORM_FIELDS_MAX:
        refuse(
            where,
            f"应为最多 {FORM_FIELDS_MAX} 个字段",
            f"a set of at most {FORM_FIELDS_MAX} fields expected",
        )
    for key in value:
        if not _KEY.fullmatch(key):
            refuse(where, f"字段名 {key[:40]!r} 不合规则", f"field key {key[:40]!r} is not well formed")
    return value


def _read_cell(value: Any, where: str) -> None:
    if type(value) is int:
        Whole(2**53, -(2**53)).read(value, where)
    elif not isinstance(value, bool):
        Text(4000, lines=True).read(value, where)


Answers = Annotated[Mapping[str, Any], Custom(read_answers)]


class Delivery(StrEnum):
    """How the applicant wants the result: where the case's desk is once it is decided."""

    WINDOW = "窗口自取"
    VILLAGE = "村级代办点送达"
    POST = "邮寄"


class IdType(StrEnum):
    ID_CARD = "身份证"
    USCC = "统一社会信用代码"
    OTHER = "其他"


class LimitMode(StrEnum):
    """How the legal clock counts: to the second, or by days with the day of acceptance left out."""

    EXACT = "exact"
    CIVIL = "civil"


class DayUnit(StrEnum):
    WORKING = "working_day"
    CALENDAR = "calendar_day"


class ProcedureKind(StrEnum):
    """GB/T 39046-2020 table A.7."""

    EXTENSION = "1"
    OTHER = "2"


class Advice(StrEnum):
    """What the handler or the reviewer recommends to the next desk."""

    GRANT = "grant"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Applicant:
    name: Name
    id_type: IdType
    id_no: Annotated[str, Text(64, 1)]
    mobile: Annotated[str, Text(32)]
    village_code: Division
    address: Line
    delivery: Delivery
    agent_name: Annotated[str, Text(100)] = ""
    agent_id_no: Annotated[str, Text(64)] = ""


@dataclass(frozen=True, slots=True)
class AttachmentManifest:
    """Where the bytes of one attachment are and how to open them; it travels only inside a sealed message."""

    id: Id32
    name: Annotated[str, Text(200, 1)]
    media_type: Annotated[str, Pattern(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}", "媒体类型", "a media type")]
    size: Annotated[int, Whole(ATTACHMENT_BYTES_MAX, 1)]
    """Bytes of plaintext."""
    key: Hex64
    chunk_size: Annotated[int, Whole(1 << 20, 1 << 10)]
    """Bytes of plaintext in every chunk but the last."""
    chunks: Annotated[tuple[Hex64, ...], Count(CHUNKS_MAX)]
    """Digest of each chunk's ciphertext, in order."""

    def __post_init__(self) -> None:
        expected = -(-self.size // self.chunk_size)
        if len(self.chunks) != expected:
            refuse("chunks", f"应有 {expected} 个分块", f"{expected} chunks expected")


Attachments = Annotated[tuple[AttachmentManifest, ...], Count(60)]


@dataclass(frozen=True, slots=True)
class Material:
    """One thing handed in: how many originals and copies, and the scans that show it (attachment ids)."""

    name: Annotated[str, Text(200, 1)]
    originals: Annotated[int, Whole(99)]
    copies: Annotated[int, Whole(99)]
    note: Line = ""
    attachments: Annotated[tuple[Id32, ...], Count(60)] = ()


Materials = Annotated[tuple[Material, ...], Count(60)]


@dataclass(frozen=True, slots=True)
class CaseSubmitted:
    item: Annotated[str, Text(64, 1)]
    catalogue_version: Annotated[int, Whole(2**31, 1)]
    applicant: Applicant
    form: Answers
    materials: Materials
    attachments: Attachments
    confidential: bool
    project: Annotated[str, Text(64)] = ""
    """The parallel project this case is a child of, or empty."""

    @property
    def deliver(self) -> Delivery:
        return self.applicant.delivery


@dataclass(frozen=True, slots=True)
class CaseForwarded:
    note: Note = ""


@dataclass(frozen=True, slots=True)
class SupplementRequested:
    """All that is missing, told at once (行政许可法 art. 32)."""

    missing: Annotated[tuple[Annotated[str, Text(200, 1)], ...], Count(60)]
    fields: Annotated[tuple[Annotated[str, Pattern(_KEY.pattern, "字段名", "a field key")], ...], Count(200)]
    note: Note = ""


@dataclass(frozen=True, slots=True)
class CaseResubmitted:
    """Replaces the parts that are given; ``None`` leaves a part as it was."""

    form: Answers | None = None
    materials: Materials | None = None
    attachments: Attachments | None = None
    note: Note = ""


@dataclass(frozen=True, slots=True)
class CaseReturned:
    reason: Reason


@dataclass(frozen=True, slots=True)
class CaseRefused:
    """Refused at the door (不予受理): which rule says so, and why it applies."""

    ground: Annotated[str, Text(300, 1)]
    reason: Reason


@dataclass(frozen=True, slots=True)
class CaseAccepted:
    note: Note
    bill_fen: Fen
    limit_mode: LimitMode
    promised_days: Days
    statutory_days: Days


@dataclass(frozen=True, slots=True)
class CaseAssigned:
    officer: Officer
    department: Annotated[str, Text(100)]


@dataclass(frozen=True, slots=True)
class CaseHandled:
    note: Note
    recommend: Advice


@dataclass(frozen=True, slots=True)
class CaseReviewed:
    note: Note
    recommend: Advice


@dataclass(frozen=True, slots=True)
class CaseSentBack:
    reason: Reason


@dataclass(frozen=True, slots=True)
class CaseDecided:
    """The decision; a denial must give its reason (行政许可法 art. 38), checked in ``__post_init__``."""

    granted: bool
    result_name: Annotated[str, Text(200)]
    reason: Note
    document_no: Annotated[str, Text(100)]

    def __post_init__(self) -> None:
        if not self.granted and not self.reason.strip():
            refuse("reason", "不予许可应当说明理由", "a denial must give its reason")


@dataclass(frozen=True, slots=True)
class CaseSuspended:
    procedure: Name
    kind: ProcedureKind
    granted_days: Annotated[int, Whole(3650, 1)]
    unit: DayUnit


@dataclass(frozen=True, slots=True)
class CaseResumed:
    note: Note = ""


@dataclass(frozen=True, slots=True)
class CaseWithdrawn:
    reason: Reason


@dataclass(frozen=True, slots=True)
class CaseVoided:
    reason: Reason


@dataclass(frozen=True, slots=True)
class ResultDelivered:
    method: Delivery
    received_by: Name
    signature: Annotated[str, Text(64)] = ""
    """Attachment id of the signature, or how receipt was proved; may be empty."""


@dataclass(frozen=True, slots=True)
class NoteAdded:
    text: Reason


@dataclass(frozen=True, slots=True)
class WithdrawalRequested:
    reason: Note = ""


@dataclass(frozen=True, slots=True)
class CaseRated:
    """GB/T 39046-2020 table A.8: 1 very satisfied … 5 very dissatisfied."""

    level: Annotated[int, Whole(5, 1)]
    text: Note = ""


@dataclass(frozen=True, slots=True)
class FeePaid:
    fen: Annotated[int, Whole(10**12, 1)]
    receipt_no: Annotated[str, Text(100, 1)]


@dataclass(frozen=True, slots=True)
class MaterialAdded:
    material: Material
    attachments: Attachments


@dataclass(frozen=True, slots=True)
class ForkSettled:
    """The city's word on a forked case: the branch that begins with message ``keep`` is the case."""

    keep: Id32
    reason: Reason


Body = (
    CaseSubmitted
    | CaseForwarded
    | SupplementRequested
    | CaseResubmitted
    | CaseReturned
    | CaseRefused
    | CaseAccepted
    | CaseAssigned
    | CaseHandled
    | CaseReviewed
    | CaseSentBack
    | CaseDecided
    | CaseSuspended
    | CaseResumed
    | CaseWithdrawn
    | CaseVoided
    | ResultDelivered
    | NoteAdded
    | WithdrawalRequested
    | CaseRated
    | FeePaid
    | MaterialAdded
    | ForkSettled
)
