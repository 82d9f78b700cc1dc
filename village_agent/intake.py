"""Taking in an application: everything that is wrong told at once, then one transaction or nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import disk_usage
from typing import Any

import sqlalchemy as sa

from core import bodies
from core.bodies import Applicant, CaseResubmitted, CaseSubmitted, Delivery
from core.case import Case
from core.catalogue import Catalogue
from core.errors import InputError, LocalError, StateError
from core.forms import FormErrors, check_applicant, check_form
from core.identifiers import CaseId, Tier
from core.items import Item
from core.materials import check_materials
from core.messages import Actor
from core.regions import Divisions, load_yuanjiang
from core.shape import from_plain
from sync import audit
from village_agent.app import Village
from village_agent.drafts import Draft, Drafts, HandedIn, Part, Sheet, sheet_of
from village_agent.people_seen import Earlier, earlier_cases, note_person

FREE_BYTES_MIN = 64 << 20
FILES_BYTES_MAX = 200 << 20
"""All scans of one case: their chunk digests must fit the message that names them."""


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
    materials: tuple[bodies.Material, ...]
    files: tuple[bodies.AttachmentManifest, ...]
    notes_zh: tuple[str, ...] = field(default=())
    notes_en: tuple[str, ...] = field(default=())


class Intake:
    """The village's verbs on cases. Each takes the caller's transaction where it writes."""

    def __init__(self, village: Village, divisions: Divisions | None = None) -> None:
        self.village = village
        self.drafts = Drafts(village.installation.node.world)
        self.divisions = load_yuanjiang() if divisions is None else divisions

    def catalogue(self) -> Catalogue:
        """The catalogue in force today. Raises ``InputError`` (``catalogue.none_in_force``)."""
        shelf = self.village.office.shelf
        return shelf.catalogues.current(shelf.today)

    def item(self, code: str) -> Item:
        """An item that a village takes in. Raises ``InputError`` (``catalogue.no_item``, ``intake.not_here``)."""
        item = self.catalogue().item(code)
        if Tier.VILLAGE not in item.accept_tiers:
            raise InputError(
                "intake.not_here",
                zh=f"“{item.name}”不在村级代办，请申请人到镇或市政务服务中心办理。",
                en=f"{item.title('en')} is not taken in by villages; the applicant has to go to the "
                "township or city.",
            )
        return item

    def check(self, sheet: Sheet) -> list[Problem]:
        """Everything that stands in the way of submitting; empty if nothing does."""
        try:
            self.checked(sheet)
        except IntakeProblems as error:
            return list(error.problems)
        return []

    def checked(self, sheet: Sheet) -> Checked:
        """The sheet in normal form. Raises ``IntakeProblems`` with everything that is wrong."""
        problems: list[Problem] = []
        today = self.village.office.shelf.today
        applicant: dict[str, Any] = {}
        try:
            applicant = check_applicant(sheet.applicant, self.divisions, today)
        except FormErrors as error:
            problems += _field_problems(Part.APPLICANT, error)
        try:
            item = self.item(sheet.item)
        except InputError as error:
            first = Problem(Part.ITEM, "item", "事项", error.zh, error.en)
            raise IntakeProblems([first, *problems]) from error
        form: dict[str, Any] = {}
        try:
            form = check_form(item, sheet.form, today, self.divisions)
        except FormErrors as error:
            problems += _field_problems(Part.FORM, error)
        records = [_record(material) for material in sheet.materials if _is_given(material)]
        found = check_materials(item, records)
        if not found.is_complete:
            key = (*found.missing_required, *(s.material.name for s in found.too_few), *found.repeated)[0]
            words_zh, words_en = found.words("zh"), found.words("en")
            obstacles = sum(1 for group in (found.missing_required, found.too_few, found.repeated) if group)
            for zh, en in zip(words_zh[:obstacles], words_en[:obstacles], strict=True):
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
            self.catalogue().version,
            from_plain(Applicant, applicant, "applicant"),
            form,
            tuple(records),
            files,
            found.words("zh"),
            found.words("en"),
        )

    def earlier(self, tx: sa.Connection, id_no: str, item: str = "") -> list[Earlier]:
        """The person's earlier cases on this device, possible duplicates marked."""
        office = self.village.office
        return earlier_cases(tx, office.casebook, office.casework.world, id_no, item)

    def submit(self, tx: sa.Connection, actor: Actor, sheet: Sheet, *, draft_id: str | None = None) -> Case:
        """Register a case: number, message, index, audit line, and the draft is gone. Raises ``IntakeProblems``."""
        self.ensure_space()
        checked = self.checked(sheet)
        body = CaseSubmitted(
            item=checked.item.code,
            catalogue_version=checked.catalogue_version,
            applicant=checked.applicant,
            form=checked.form,
            materials=checked.materials,
            attachments=checked.files,
            confidential=checked.item.confidential,
        )
        case = self.village.office.casework.submit(tx, actor, body)
        note_person(tx, case)
        self._close_draft(tx, draft_id)
        self._note(tx, actor, "case.submitted", case, files=len(checked.files))
        return case

    def submit_draft(self, tx: sa.Connection, actor: Actor, draft: Draft) -> Case:
        """Submit what a draft holds: a new case, or the supplement of the case it names."""
        if draft.case_id is None:
            return self.submit(tx, actor, draft.sheet, draft_id=draft.id)
        return self.resubmit(tx, actor, draft.case_id, draft.sheet, draft_id=draft.id)

    def resubmit(
        self,
        tx: sa.Connection,
        actor: Actor,
        case_id: CaseId,
        sheet: Sheet,
        *,
        note: str = "",
        draft_id: str | None = None,
    ) -> Case:
        """Answer a supplement request (补正) with the whole sheet as it is now. Raises ``IntakeProblems``."""
        self.ensure_space()
        case = self.village.office.casebook.get(tx, case_id)
        if sheet.item != case.item:
            raise StateError(
                "intake.other_item",
                zh="补正不能更换事项。如事项报错，请先申请撤回，再新建申请。",
                en="A supplement cannot change the item. If it is the wrong one, withdraw and apply anew.",
            )
        before = sheet_of(case)
        checked = self.checked(Sheet(sheet.item, before.applicant, sheet.form, sheet.materials))
        known = {manifest.id for manifest in case.submitted_attachments}
        body = CaseResubmitted(checked.form, checked.materials, checked.files, note)
        after = self.village.office.casework.act(tx, case_id, actor, body)
        self._close_draft(tx, draft_id)
        fresh = sum(1 for manifest in checked.files if manifest.id not in known)
        self._note(tx, actor, "case.resubmitted", after, files=fresh)
        return after

    def ask_withdraw(self, tx: sa.Connection, actor: Actor, case_id: CaseId, reason: str) -> Case:
        """Pass on the applicant's wish to withdraw; the desk that holds the case answers it."""
        return self._act(tx, actor, case_id, bodies.WithdrawalRequested(reason), "case.withdrawal_requested")

    def deliver(
        self, tx: sa.Connection, actor: Actor, case_id: CaseId, received_by: str, signature: str = ""
    ) -> Case:
        """Hand the result to the applicant. Raises ``IllegalTransition``."""
        case = self.village.office.casebook.get(tx, case_id)
        method = case.applicant.delivery if case.applicant.delivery else Delivery.VILLAGE
        body = bodies.ResultDelivered(method, received_by, signature)
        return self._act(tx, actor, case_id, body, "case.delivered")

    def rate(self, tx: sa.Connection, actor: Actor, case_id: CaseId, level: int, text: str = "") -> Case:
        """The applicant's satisfaction, 1 very satisfied to 5 very dissatisfied. Raises ``InputError``."""
        if not 1 <= level <= 5:
            raise InputError(
                "intake.rating",
                zh="评价应为 1（非常满意）至 5（非常不满意），请重新选择。",
                en="A rating lies between 1 (very satisfied) and 5 (very dissatisfied). Please choose again.",
            )
        return self._act(tx, actor, case_id, bodies.CaseRated(level, text), "case.rated")

    def note(self, tx: sa.Connection, actor: Actor, case_id: CaseId, text: str) -> Case:
        """Add a note that every desk of the case can read."""
        return self._act(tx, actor, case_id, bodies.NoteAdded(text), "case.note_added")

    def ensure_space(self) -> None:
        """Raises ``LocalError`` (``intake.disk_full``): what cannot be kept is not taken; sending goes on.

        Raises ``StateError`` (``store.short``) while the reserve is in use.
        """
        self.village.installation.db.require_room()
        free = disk_usage(self.village.installation.folder).free
        if free < FREE_BYTES_MIN:
            raise LocalError(
                "intake.disk_full",
                zh=f"磁盘只剩 {free >> 20} MB，暂不能收件，已收的会继续上传。请清理磁盘，草稿不受影响。",
                en=f"Only {free >> 20} MB are free, so nothing can be taken in; what was taken in is still "
                "sent. "
                "Free some space; drafts are safe.",
            )

    def _act(self, tx: sa.Connection, actor: Actor, case_id: CaseId, body: bodies.Body, action: str) -> Case:
        case = self.village.office.casework.act(tx, case_id, actor, body)
        self._note(tx, actor, action, case)
        return case

    def _close_draft(self, tx: sa.Connection, draft_id: str | None) -> None:
        if draft_id is not None:
            self.drafts.get(tx, draft_id)
            self.drafts.remove(tx, draft_id)

    def _note(self, tx: sa.Connection, actor: Actor, action: str, case: Case, **detail: Any) -> None:
        world = self.village.office.casework.world
        audit.note(tx, world, actor=actor.officer, action=action, subject=case.id, item=case.item, **detail)


def _field_problems(part: Part, error: FormErrors) -> Iterable[Problem]:
    return [Problem(part, p.key, p.label, p.zh, p.en) for p in error.problems]


def _is_given(material: HandedIn) -> bool:
    return bool(material.originals or material.copies or material.files)


def _record(material: HandedIn) -> bodies.Material:
    ids = tuple(manifest.id for manifest in material.files)
    return bodies.Material(material.name, material.originals, material.copies, material.note, ids)


def file_path(text: str) -> Path:
    """A path as typed, pasted or dropped on a terminal: quotes, escapes and ``file://`` are forgiven."""
    typed = text.strip()
    if len(typed) > 1 and typed[0] == typed[-1] and typed[0] in "'\"":
        typed = typed[1:-1]
    typed = typed.removeprefix("file://").replace("\\ ", " ")
    return Path(typed).expanduser()
