"""The pages of one application: they share a draft, and every change of it is on the disk before the next key."""

from typing import Any, ClassVar

import sqlalchemy as sa
from textual.binding import BindingType

from core.application import Part
from core.case import Case
from village_agent.drafts import Draft
from village_agent.tui.base import DeskScreen, key

PAGES = (Part.APPLICANT, Part.FORM, Part.MATERIALS, "check")


class WizardScreen(DeskScreen):
    """One page. ``focus_key`` is the field to begin at."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("f9", "submit", "key.check"),
        key("f8", "next", "key.next"),
        key("f7", "previous", "key.previous"),
        key("ctrl+z", "undo", "key.undo", first=True),
        key("escape", "leave", "key.leave"),
    ]
    PAGE: ClassVar[str] = Part.FORM

    def __init__(self, draft: Draft, focus_key: str = "") -> None:
        super().__init__()
        self.draft = draft
        self.focus_key = focus_key
        self._last_change = ""

    def title_words(self) -> str:
        item = self.item.title(self.lang)
        page = self.words(f"part.{self.PAGE}")
        pages = self.pages()
        where = f"{pages.index(self.PAGE) + 1}/{len(pages)}"
        return f"{page} {where}  {item}"

    @property
    def item(self) -> Any:
        return self.desk.intake.catalogue().item(self.draft.sheet.item)

    def pages(self) -> list[str]:
        """A supplement changes the form and the materials, not the person."""
        return [page for page in PAGES if self.draft.case_id is None or page != Part.APPLICANT]

    def save(self, part: Part, key_: str, value: Any) -> None:
        """Commit one change; changes of a field in one go are undone together."""
        change = f"{part}.{key_}"
        same_go = change == self._last_change
        drafts = self.desk.intake.drafts

        def put(tx: sa.Connection) -> None:
            self.desk_app.saved_at = drafts.put(tx, self.draft.id, part, key_, value, same_go=same_go)

        if self.write(put):
            self._last_change = change
            self.show_saved()

    def reload(self) -> Draft:
        """The draft as it is on the disk."""
        with self.desk.village.installation.db.reading() as tx:
            self.draft = self.desk.intake.drafts.get(tx, self.draft.id)
        return self.draft

    def returned_case(self) -> Case | None:
        """The case that this draft supplements."""
        if self.draft.case_id is None:
            return None
        with self.desk.village.installation.db.reading() as tx:
            return self.desk.village.office.casebook.get(tx, self.draft.case_id)

    def asked_for(self, case: Case) -> str:
        """What the case came back for, in words."""
        mark = "、" if self.lang == "zh" else ", "
        if case.supplement is not None:
            fields = (self.name_of(Part.FORM, key_) for key_ in case.supplement.fields)
            names = mark.join([*case.supplement.missing, *fields])
            return f"{self.words('supplement_of')}{names}  {case.supplement.note}".rstrip()
        return self.words("returned_because", name=case.steps[-1].note)

    def end_go(self) -> None:
        """The field was left: what comes next is a change of its own."""
        self._last_change = ""

    def action_undo(self) -> None:
        undone: list[tuple[Part, str] | None] = []
        if not self.write(lambda tx: undone.append(self.desk.intake.drafts.undo(tx, self.draft.id))):
            return
        self.end_go()
        if undone[0] is None:
            self.tell(self.words("nothing_to_undo"))
            return
        self.reload()
        part, key_ = undone[0]
        if part != self.PAGE and part in self.pages():
            self.turn_to(part, key_)
            return
        self.show_undone(key_)
        self.tell(self.words("undone", field=self.name_of(part, key_)))

    def show_undone(self, key_: str) -> None:
        """Show the field as it was before."""

    def name_of(self, part: Part, key_: str) -> str:
        """What people call a field."""
        asked = (
            self.desk.intake.catalogue().common_fields if part is Part.APPLICANT else self.item.form_fields
        )
        return next((field.name(self.lang) for field in asked if field.key == key_), key_)

    def action_next(self) -> None:
        pages = self.pages()
        self.turn_to(pages[min(pages.index(self.PAGE) + 1, len(pages) - 1)])

    def action_previous(self) -> None:
        pages = self.pages()
        here = pages.index(self.PAGE)
        if here:
            self.turn_to(pages[here - 1])

    def action_submit(self) -> None:
        self.turn_to("check")

    def turn_to(self, page: str, focus_key: str = "") -> None:
        """Another page of the same draft."""
        if page == self.PAGE:
            return
        self.app.switch_screen(page_screen(page, self.reload(), focus_key))


def page_screen(page: str, draft: Draft, focus_key: str = "") -> WizardScreen:
    """The screen of a page."""
    from village_agent.tui.screens.check import CheckScreen
    from village_agent.tui.screens.form import ApplicantScreen, FormScreen
    from village_agent.tui.screens.materials import MaterialsScreen

    screens: dict[str, type[WizardScreen]] = {
        Part.APPLICANT: ApplicantScreen,
        Part.FORM: FormScreen,
        Part.MATERIALS: MaterialsScreen,
        "check": CheckScreen,
    }
    return screens[page](draft, focus_key)


def resume_screen(draft: Draft) -> WizardScreen:
    """The page and field at which the pen was put down."""
    page, _, focus_key = draft.place.partition(".")
    first = Part.APPLICANT if draft.case_id is None else Part.FORM
    return page_screen(page if page in PAGES else first, draft, focus_key)
