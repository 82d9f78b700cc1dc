"""An application as it is typed at any counter, and everything that stands in the way of handing it in, told at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from core.bodies import Applicant, AttachmentManifest, CaseSubmitted, Material
from core.catalogue import Catalogue
from core.errors import InputError
from core.forms import FormErrors, check_applicant, check_form
from core.identifiers import Tier
from core.items import Item
from core.materials import check_materials
from core.regions import Divisions
from core.shape import from_plain

FILES_BYTES_MAX = 200 << 20
"""All scans of one case: their chunk digests must fit the message that names them."""


class Part(StrEnum):
    """The parts of an application, in the order in which they are written."""

    ITEM = "item"
    APPLICANT = "applicant"
    FORM = "form"
    MATERIALS = "materials"


@dataclass(frozen=True, slots=True)
class HandedIn:
    """One material as the desk notes it: numbers of originals and copies, and the scans, sealed already."""

    name: str
    originals: int = 0
    copies: int = 0
    note: str = ""
    files: tuple[AttachmentManifest, ...] = ()

    @property
    def is_given(self) -> bool:
        return bool(self.originals or self.copies or self.files)

    def record(self) -> Material:
        """As it stands in the message."""
        return Material(
            self.name, self.originals, self.copies, self.note, tuple(one.id for one in self.files)
        )


@dataclass(frozen=True, slots=True)
class Sheet:
    """What an application holds so far, as typed. ``form`` values are text, numbers, yes/no or rows of them."""

    item: str = ""
    applicant: Mapping[str, Any] = field(default_factory=dict)
    form: Mapping[str, Any] = field(default_factory=dict)
    materials: tuple[HandedIn, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: where (``part``, ``key``), and how, in both languages."""

    part: Part
    key: str
    label: str
    zh: str
    en: str

    def text(self, lang: str = "zh") -> str:
        return self.en if lang == "en" else self.zh


class IntakeProblems(InputError):
    """The application cannot be submitted yet; ``problems`` holds everything that stands in the way."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(
            "intake.problems",
            zh=f"有 {len(problems)} 处需要改正：" + "".join(problem.zh for problem in problems[:20]),
            en=f"{len(problems)} to mend: " + " ".join(problem.en for problem in problems[:20]),
        )
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Checked:
    """A sheet that may be submitted, in normal form, with what people should still know (``notes``)."""

    item: Item
    catalogue_version: int
    applicant: Applicant
    form: Mapping[str, Any]
    materials: tuple[Material, ...]
    files: tuple[AttachmentManifest, ...]
    notes_zh: tuple[str, ...] = field(default=())
    notes_en: tuple[str, ...] = field(default=())

    def submission(self, project: str = "") -> CaseSubmitted:
        """The message that hands it in."""
        return CaseSubmitted(
            item=self.item.code,
            catalogue_version=self.catalogue_version,
            applicant=self.applicant,
            form=self.form,
            materials=self.materials,
            attachments=self.files,
            confidential=self.item.confidential,
            project=project,
        )


_NOT_HERE = {
    Tier.VILLAGE: (
        "不在村级代办，请申请人到镇或市政务服务中心办理。",
        "is not taken in by villages; the applicant has to go to the township or city.",
    ),
    Tier.TOWNSHIP: (
        "不在镇级受理，请申请人到市政务服务中心办理。",
        "is not taken in by townships; the applicant has to go to the city.",
    ),
    Tier.CITY: (
        "不在市级窗口收件，请申请人到村或镇办理。",
        "is not taken in by the city; the applicant has to go to the village or township.",
    ),
}


def item_for(catalogue: Catalogue, tier: Tier, code: str) -> Item:
    """An item that this tier takes in. Raises ``InputError`` (``catalogue.no_item``, ``intake.not_here``)."""
    item = catalogue.item(code)
    if tier not in item.accept_tiers:
        zh, en = _NOT_HERE[tier]
        raise InputError("intake.not_here", zh=f"“{item.name}”{zh}", en=f"{item.title('en')} {en}")
    return item


def check(sheet: Sheet, catalogue: Catalogue, tier: Tier, today: date, divisions: Divisions) -> Checked:
    """The sheet in normal form. Raises ``IntakeProblems`` with everything that is wrong."""
    problems: list[Problem] = []
    applicant: dict[str, Any] = {}
    try:
        applicant = check_applicant(sheet.applicant, divisions, today)
    except FormErrors as error:
        problems += _field_problems(Part.APPLICANT, error)
    try:
        item = item_for(catalogue, tier, sheet.item)
    except InputError as error:
        raise IntakeProblems([Problem(Part.ITEM, "item", "事项", error.zh, error.en), *problems]) from error
    form: dict[str, Any] = {}
    try:
        form = check_form(item, sheet.form, today, divisions)
    except FormErrors as error:
        problems += _field_problems(Part.FORM, error)
    records = [material.record() for material in sheet.materials if material.is_given]
    found = check_materials(item, records)
    if not found.is_complete:
        key = (*found.missing_required, *(s.material.name for s in found.too_few), *found.repeated)[0]
        obstacles = sum(1 for group in (found.missing_required, found.too_few, found.repeated) if group)
        for zh, en in zip(found.words("zh")[:obstacles], found.words("en")[:obstacles], strict=True):
            problems.append(Problem(Part.MATERIALS, key, "材料", zh, en))
    files = tuple(manifest for material in sheet.materials for manifest in material.files)
    if sum(manifest.size for manifest in files) > FILES_BYTES_MAX:
        limit = FILES_BYTES_MAX >> 20
        zh = f"扫描件合计超过 {limit} MB，请降低扫描分辨率。"
        en = f"The scans together exceed {limit} MB; please scan at a lower resolution."
        problems.append(Problem(Part.MATERIALS, files[0].name, "扫描件", zh, en))
    if problems:
        raise IntakeProblems(problems)
    return Checked(
        item,
        catalogue.version,
        from_plain(Applicant, applicant, "applicant"),
        form,
        tuple(records),
        files,
        found.words("zh"),
        found.words("en"),
    )


def _field_problems(part: Part, error: FormErrors) -> Iterable[Problem]:
    return [Problem(part, p.key, p.label, p.zh, p.en) for p in error.problems]
