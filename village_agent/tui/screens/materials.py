"""What is handed in: each material of the item with what is asked and what was given, scans by path."""

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.widget import Widget

from core.application import HandedIn, Part
from core.items import Material, Need
from village_agent.drafts import Draft
from village_agent.intake import dropped_paths, file_path
from village_agent.tui.base import key
from village_agent.tui.screens.ask import AskScreen
from village_agent.tui.screens.scans import ScansScreen
from village_agent.tui.sealing import SealingScreen
from village_agent.tui.window_list import Row, WindowList
from village_agent.tui.wizard import WizardScreen
from village_agent.tui.words import size
from village_agent.widths import fit, shorten

COUNT_MAX = 99
NEXT_ROW = "next"
NEED_CELLS = {"zh": 5, "en": 10}
COUNTS_CELLS = {"zh": 33, "en": 35}


class MaterialsScreen(WizardScreen, SealingScreen):
    """A checklist; one key takes in a material as it is asked for."""

    PAGE = Part.MATERIALS
    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "as_asked", "key.handed_in"),
        key("plus,equals_sign", "count('originals', 1)", "key.originals"),
        key("minus", "count('originals', -1)", "", shown=False),
        key("right_square_bracket", "count('copies', 1)", "", shown=False),
        key("left_square_bracket", "count('copies', -1)", "key.copies"),
        key("a", "all_as_asked", "key.all_as_asked"),
        key("f", "add_file", "key.file"),
        key("s", "scanner", "key.scanner"),
        key("delete", "remove_file", "key.remove_file"),
    ]

    def __init__(self, draft: Draft, focus_key: str = "") -> None:
        super().__init__(draft, focus_key)
        self._missing: tuple[str, ...] = ()

    def body(self) -> Iterator[Widget]:
        yield WindowList(id="body")

    def on_mount(self) -> None:
        names = [material.name for material in self.item.materials]
        start = names.index(self.focus_key) if self.focus_key in names else 0
        case = self.returned_case()
        if case is not None:
            self._missing = case.supplement.missing if case.supplement is not None else ()
            self.tell(self.asked_for(case))
        self._show(start)
        self.query_one(WindowList).focus()

    def _show(self, cursor: int | None = None) -> None:
        given = {material.name: material for material in self.draft.sheet.materials}
        rows = [self._row(asked, given.get(asked.name)) for asked in self.item.materials]
        known = {asked.name for asked in self.item.materials}
        rows += [self._row(None, extra) for name, extra in given.items() if name not in known]
        rows += [Row("", ""), Row(NEXT_ROW, self.words("next"))]
        self.query_one(WindowList).show(len(rows), lambda at, most: rows[at : at + most], cursor=cursor)

    def _row(self, asked: Material | None, given: HandedIn | None) -> Row:
        name = asked.name if asked else given.name if given else ""
        done = given is not None and bool(given.originals or given.copies or given.files)
        need = ""
        if asked is not None:
            need = self.words("required" if asked.need is Need.REQUIRED else "if_needed")
        wanted = (asked.originals, asked.copies) if asked else (0, 0)
        have = given or HandedIn(name)
        counts = (
            f"{self.words('unit.original')} {have.originals}/{wanted[0]} "
            f"{self.words('unit.copy')} {have.copies}/{wanted[1]} {self.words('unit.scan')} {len(have.files)}"
        )
        sign = "[x]" if done else "[ ]"
        if name in self._missing:
            sign = f"!{sign}"
        needs, room = NEED_CELLS[self.lang], COUNTS_CELLS[self.lang]
        cells = max(16, self.app.size.width - 9 - needs - room)
        return Row(name, f"{sign} {fit(shorten(name, cells), cells)} {fit(need, needs)}{counts}")

    def on_window_list_chosen(self, event: WindowList.Chosen) -> None:
        if event.row.id == NEXT_ROW:
            self.action_next()
        else:
            self._take_as_asked(event.row.id)

    def action_as_asked(self) -> None:
        self.query_one(WindowList).action_choose()

    def _take_as_asked(self, name: str) -> None:
        """Originals and copies as asked, or none of them if they are there already; then on to the next."""
        have = self._given(name)
        asked = next((m for m in self.item.materials if m.name == name), None)
        originals, copies = (asked.originals, asked.copies) if asked else (1, 0)
        if not originals and not copies:
            originals = 1
        if have.originals >= originals and have.copies >= copies:
            originals = copies = 0
        self._put(replace(have, originals=originals, copies=copies))
        if originals or copies:
            self.query_one(WindowList).action_move(1)

    def action_all_as_asked(self) -> None:
        """Everything that is required, with the numbers asked for; what is there already stays."""
        for asked in self.item.materials:
            have = self._given(asked.name)
            if asked.need is Need.REQUIRED:
                originals = max(have.originals, asked.originals)
                copies = max(have.copies, asked.copies)
                if not originals and not copies and not have.files:
                    originals = 1
                if (originals, copies) != (have.originals, have.copies):
                    self._put(replace(have, originals=originals, copies=copies))

    def action_scanner(self) -> None:
        name = self._marked()
        if name:
            self.app.push_screen(ScansScreen(name, lambda path: self.seal(name, [path])))

    def on_paste(self, event: events.Paste) -> None:
        """A file dropped on the terminal arrives as its path, or several in quotes."""
        event.stop()
        name = self._marked()
        if not name:
            return
        paths = dropped_paths(event.text)
        if not paths:
            self.tell(self.words("not_a_file", name=shorten(event.text, 60)))
        self.seal(name, paths)

    def _marked(self) -> str:
        row = self.query_one(WindowList).current
        return row.id if row is not None and row.id != NEXT_ROW else ""

    def action_count(self, which: str, by: int) -> None:
        name = self._marked()
        if not name:
            return
        have = self._given(name)
        count = max(0, min(COUNT_MAX, getattr(have, which) + by))
        self._put(replace(have, originals=count) if which == "originals" else replace(have, copies=count))

    def action_add_file(self) -> None:
        name = self._marked()
        if not name:
            return

        def take(path: str | None) -> None:
            if path:
                self.seal(name, [file_path(path)])

        self.app.push_screen(AskScreen(f"{name}  {self.words('path_of_scan')}", self.lang), take)

    def on_sealing_screen_sealed(self, event: SealingScreen.Sealed) -> None:
        if event.manifest is None:
            if event.error is not None:
                self.tell_error(event.error)
            return
        have = self._given(event.purpose)
        self._put(replace(have, files=(*have.files, event.manifest)))
        self.tell(self.words("sealed", name=event.manifest.name, size=size(event.manifest.size)))

    def turn_to(self, page: str, focus_key: str = "") -> None:
        if not self.must_wait():
            super().turn_to(page, focus_key)

    def action_leave(self) -> None:
        if not self.must_wait():
            super().action_leave()

    def action_remove_file(self) -> None:
        row = self.query_one(WindowList).current
        have = self._given(row.id) if row is not None else HandedIn("")
        if have.files:
            self._put(replace(have, files=have.files[:-1]))

    def show_undone(self, key_: str) -> None:
        self._show()

    def _given(self, name: str) -> HandedIn:
        return next((m for m in self.draft.sheet.materials if m.name == name), HandedIn(name))

    def _put(self, material: HandedIn) -> None:
        self.tell("")

        def put(tx: object) -> None:
            self.desk_app.saved_at = self.desk.intake.drafts.put_material(tx, self.draft.id, material)  # type: ignore[arg-type]

        if self.write(put):
            self.reload()
            self._show()
            self.show_saved()
