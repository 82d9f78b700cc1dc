"""Taking in an application: everything that is wrong told at once, then one transaction or nothing."""

import shlex
import sys
from pathlib import Path
from shutil import disk_usage
from typing import Any

import sqlalchemy as sa

from core import bodies
from core.application import Checked, IntakeProblems, Problem, Sheet, check, item_for
from core.bodies import CaseResubmitted, Delivery
from core.case import Case
from core.catalogue import Catalogue
from core.errors import InputError, LocalError, StateError
from core.identifiers import CaseId, Tier
from core.items import Item
from core.messages import Actor
from core.regions import Divisions, load_yuanjiang
from sync import audit
from village_agent.app import Village
from village_agent.appointments import Appointments
from village_agent.consultations import Consultations
from village_agent.drafts import Draft, Drafts, sheet_of
from village_agent.notepad import Notepad
from village_agent.people_seen import Earlier, earlier_cases, note_person

FREE_BYTES_MIN = 64 << 20
DROPPED_CHARS_MAX = 20_000


class Intake:
    """The village's verbs on cases. Each takes the caller's transaction where it writes."""

    def __init__(self, village: Village, divisions: Divisions | None = None) -> None:
        self.village = village
        node = village.installation.node
        self.drafts = Drafts(node.world)
        self.notepad = Notepad(node.world)
        self.appointments = Appointments(node.world)
        self.consultations = Consultations(node.place.node, node.world, node.post)
        self.divisions = load_yuanjiang() if divisions is None else divisions

    def catalogue(self) -> Catalogue:
        """The catalogue in force today. Raises ``InputError`` (``catalogue.none_in_force``)."""
        shelf = self.village.office.shelf
        return shelf.catalogues.current(shelf.today)

    def item(self, code: str) -> Item:
        """An item that a village takes in. Raises ``InputError`` (``catalogue.no_item``, ``intake.not_here``)."""
        return item_for(self.catalogue(), Tier.VILLAGE, code)

    def check(self, sheet: Sheet) -> list[Problem]:
        """Everything that stands in the way of submitting; empty if nothing does."""
        try:
            self.checked(sheet)
        except IntakeProblems as error:
            return list(error.problems)
        return []

    def checked(self, sheet: Sheet) -> Checked:
        """The sheet in normal form. Raises ``IntakeProblems`` with everything that is wrong."""
        today = self.village.office.shelf.today
        return check(sheet, self.catalogue(), Tier.VILLAGE, today, self.divisions)

    def earlier(self, tx: sa.Connection, id_no: str, item: str = "") -> list[Earlier]:
        """The person's earlier cases on this device, possible duplicates marked."""
        office = self.village.office
        return earlier_cases(tx, office.casebook, office.casework.world, id_no, item)

    def submit(self, tx: sa.Connection, actor: Actor, sheet: Sheet, *, draft_id: str | None = None) -> Case:
        """Register a case: number, message, index, audit line, and the draft is gone. Raises ``IntakeProblems``."""
        self.ensure_space()
        checked = self.checked(sheet)
        case = self.village.office.casework.submit(tx, actor, checked.submission())
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


def file_path(text: str, *, is_windows: bool = sys.platform == "win32") -> Path:
    """A path as typed, pasted or dropped on a terminal: quotes, escapes and ``file://`` are forgiven."""
    typed = text.strip()
    if len(typed) > 1 and typed[0] == typed[-1] and typed[0] in "'\"":
        typed = typed[1:-1]
    typed = typed.removeprefix("file://")
    if is_windows:
        # A backslash parts folders there; of file:///C:/a the third stroke belongs to neither.
        return Path(typed[1:] if typed[:1] == "/" and typed[2:3] == ":" else typed).expanduser()
    return Path(typed.replace("\\ ", " ")).expanduser()


def dropped_paths(text: str, *, is_windows: bool = sys.platform == "win32") -> list[Path]:
    """The files in a text that was dropped or pasted: one a line, one in quotes, or several as a shell would read them.

    Empty where it names no file that is here.
    """
    if len(text) > DROPPED_CHARS_MAX:
        return []
    lines = [line for line in text.splitlines() if line.strip()]
    whole = [file_path(line, is_windows=is_windows) for line in lines]
    if whole and all(path.is_file() for path in whole):
        return whole
    try:
        words = shlex.split(text, posix=not is_windows)
    except ValueError:
        # A quote that is not closed: not a list of paths.
        return []
    parts = [
        file_path(word, is_windows=True) if is_windows else Path(word.removeprefix("file://")).expanduser()
        for word in words
    ]
    return parts if parts and all(path.is_file() for path in parts) else []
