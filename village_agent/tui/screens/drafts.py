"""Drafts: go on where the pen was put down, abandon, restore."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from core.clock import CHINA, from_iso
from core.people import mask_name
from village_agent.drafts import Draft
from village_agent.tui.base import DeskScreen, key
from village_agent.tui.window_list import Row, WindowList
from village_agent.widths import fit, shorten


class DraftsScreen(DeskScreen):
    """The last saved first; A shows the abandoned ones and back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "choose", "key.open"),
        key("d", "abandon", "key.abandon"),
        key("a", "other_list", "key.abandoned"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._abandoned = False

    def title_words(self) -> str:
        return self.words("abandoned" if self._abandoned else "drafts")

    def body(self) -> Iterator[Widget]:
        yield WindowList(id="body")

    def on_mount(self) -> None:
        self._show()
        self.query_one(WindowList).focus()

    def on_screen_resume(self) -> None:
        self._show()

    def action_choose(self) -> None:
        self.query_one(WindowList).action_choose()

    def action_other_list(self) -> None:
        self._abandoned = not self._abandoned
        self._show()

    def action_abandon(self) -> None:
        row = self.query_one(WindowList).current
        if row is None or not row.id or self._abandoned:
            return
        id_ = row.id
        if self.write(lambda tx: self.desk.intake.drafts.abandon(tx, id_)):
            self.desk_app.abandoned = id_
            self.tell(self.words("abandoned_one"))
            self._show()

    def on_window_list_chosen(self, event: WindowList.Chosen) -> None:
        drafts, id_ = self.desk.intake.drafts, event.row.id
        if self._abandoned:
            if self.write(lambda tx: drafts.restore(tx, id_)):
                self.tell(self.words("restored_one"))
                self._show()
            return
        with self.desk.village.installation.db.reading() as tx:
            draft = drafts.get(tx, id_)
        self.desk_app.resume(draft)

    def _show(self) -> None:
        drafts, db, abandoned = self.desk.intake.drafts, self.desk.village.installation.db, self._abandoned
        with db.reading() as tx:
            count = drafts.count(tx, abandoned=abandoned)

        def fetch(offset: int, limit: int) -> Sequence[Row]:
            with db.reading() as tx:
                found = drafts.listing(tx, abandoned=abandoned, offset=offset, limit=limit)
            return [Row(draft.id, self._line(draft)) for draft in found]

        if count:
            self.query_one(WindowList).show(count, fetch)
        else:
            nothing = [Row("", self.words("nothing"))]
            self.query_one(WindowList).show(1, lambda at, most: nothing[at : at + most])
        self.show_frame()

    def _line(self, draft: Draft) -> str:
        saved = from_iso(draft.saved_at).astimezone(CHINA)
        catalogue = self.desk.intake.catalogue()
        code = draft.sheet.item
        item = catalogue.item(code).title(self.lang) if code in catalogue else code
        who = mask_name(str(draft.sheet.applicant.get("name", ""))) or "-"
        kind = f"  {self.words('key.supplement')}" if draft.case_id else ""
        return f"{saved:%m-%d %H:%M}  {fit(who, 8)} {shorten(item, 40)}{kind}"
