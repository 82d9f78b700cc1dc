"""Drafts: go on where the pen was put down, abandon, restore."""

from typing import ClassVar

import sqlalchemy as sa
from textual.binding import BindingType

from core.clock import CHINA, from_iso
from core.people import mask_name
from village_agent.drafts import Draft
from village_agent.tui.base import key
from village_agent.tui.listing import ListingScreen
from village_agent.tui.window_list import Row, WindowList
from village_agent.widths import fit, shorten


class DraftsScreen(ListingScreen):
    """The last saved first; A shows the abandoned ones and back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "choose", "key.open"),
        key("enter", "restore", "key.restore"),
        key("d", "abandon", "key.abandon"),
        key("a", "other_list", "key.abandoned"),
        key("a", "first_list", "key.drafts"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._abandoned = False

    def title_words(self) -> str:
        return self.words("abandoned" if self._abandoned else "drafts")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        of_drafts, of_abandoned = ("choose", "abandon", "other_list"), ("restore", "first_list")
        return action not in (of_drafts if self._abandoned else of_abandoned)

    def action_other_list(self) -> None:
        self._turn(True)

    def action_first_list(self) -> None:
        self._turn(False)

    def _turn(self, abandoned: bool) -> None:
        self._abandoned = abandoned
        self.tell("")
        self.show_rows()

    def action_restore(self) -> None:
        self.action_choose()

    def action_abandon(self) -> None:
        id_ = self.marked
        if not id_ or self._abandoned:
            return
        if self.write(lambda tx: self.desk.intake.drafts.abandon(tx, id_)):
            self.desk_app.abandoned = id_
            self.tell(self.words("abandoned_one"))
            self.show_rows()

    def on_window_list_chosen(self, event: WindowList.Chosen) -> None:
        drafts, id_ = self.desk.intake.drafts, event.row.id
        if self._abandoned:
            if self.write(lambda tx: drafts.restore(tx, id_)):
                self.tell(self.words("restored_one"))
                self.show_rows()
            return
        with self.desk.village.installation.db.reading() as tx:
            draft = drafts.get(tx, id_)
        self.desk_app.resume(draft)

    def count(self, tx: sa.Connection) -> int:
        return self.desk.intake.drafts.count(tx, abandoned=self._abandoned)

    def rows(self, tx: sa.Connection, offset: int, limit: int) -> list[Row]:
        found = self.desk.intake.drafts.listing(tx, abandoned=self._abandoned, offset=offset, limit=limit)
        return [Row(draft.id, self._line(draft)) for draft in found]

    def _line(self, draft: Draft) -> str:
        saved = from_iso(draft.saved_at).astimezone(CHINA)
        catalogue = self.desk.intake.catalogue()
        code = draft.sheet.item
        item = catalogue.item(code).title(self.lang) if code in catalogue else code
        who = mask_name(str(draft.sheet.applicant.get("name", ""))) or "-"
        kind = f"  {self.words('key.supplement')}" if draft.case_id else ""
        return f"{saved:%m-%d %H:%M}  {fit(who, 8)} {shorten(item, 40)}{kind}"
