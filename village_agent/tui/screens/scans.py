"""The scanner's folder: the newest file first, taken by a digit or Enter; looked at anew while it is open."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from core.errors import LiandongError
from village_agent.intake import file_path
from village_agent.outlook import clock_words
from village_agent.scanner import SETTING, Scan, newest_scans
from village_agent.tui.base import DeskScreen, key
from village_agent.tui.screens.ask import AskScreen
from village_agent.tui.window_list import Row, WindowList
from village_agent.tui.words import size
from village_agent.widths import fit, shorten

LOOK_EVERY_S = 2.0
DIGITS = range(1, 10)


class ScansScreen(DeskScreen):
    """``take`` gets the chosen file; the page leaves itself."""

    TITLE_KEY = "scans"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "choose", "key.choose"),
        key("d", "set_folder", "key.set_folder"),
        *(key(str(number), f"take({number})", "", shown=False) for number in DIGITS),
    ]

    def __init__(self, material: str, take: Callable[[Path], None]) -> None:
        super().__init__()
        self.material, self._take = material, take
        self._scans: list[Scan] = []

    def title_words(self) -> str:
        return self.words("scans_for", name=shorten(self.material, 24))

    def body(self) -> Iterator[Widget]:
        yield WindowList(id="body")

    def on_mount(self) -> None:
        self._show()
        self.set_interval(LOOK_EVERY_S, self._show)
        self.query_one(WindowList).focus()

    def action_choose(self) -> None:
        self.query_one(WindowList).action_choose()

    def action_take(self, number: int) -> None:
        if number <= len(self._scans):
            self._chosen(self._scans[number - 1].path)

    def on_window_list_chosen(self, event: WindowList.Chosen) -> None:
        self._chosen(Path(event.row.id))

    def action_set_folder(self) -> None:
        def keep(answer: str | None) -> None:
            if not answer:
                return
            path = str(file_path(answer))
            if self.write(lambda tx: self.desk.intake.notepad.keep(tx, SETTING, {"path": path})):
                self._show()

        question = self.words("scan_folder_ask")
        self.app.push_screen(AskScreen(question, self.lang, answer=self._folder()), keep)

    def _chosen(self, path: Path) -> None:
        self.app.pop_screen()
        self._take(path)

    def _folder(self) -> str:
        with self.desk.village.installation.db.reading() as tx:
            return str(self.desk.intake.notepad.read(tx, SETTING).get("path", ""))

    def _show(self) -> None:
        if not self.is_on_top:
            return
        folder, found, words = self._folder(), [], ""
        if not folder:
            words = self.words("scan_folder_none")
        else:
            try:
                found = newest_scans(Path(folder))
                words = "" if found else self.words("scan_folder_empty", name=folder)
            except LiandongError as error:
                words = f"! {error.text(self.lang)}"
        listing = self.query_one(WindowList)
        chosen = listing.current.id if listing.current is not None else ""
        self._scans = found
        rows = [self._row(number, scan) for number, scan in enumerate(found, 1)]
        # A new scan comes first; what was marked stays marked.
        cursor = next((at for at, row in enumerate(rows) if chosen and row.id == chosen), 0)
        listing.show(len(rows), lambda at, most: rows[at : at + most], cursor=cursor)
        self.tell(words)

    def _row(self, number: int, scan: Scan) -> Row:
        at = clock_words(datetime.fromtimestamp(scan.written_s, UTC))
        sign = str(number) if number in DIGITS else " "
        name = fit(shorten(scan.path.name, 44), 44)
        return Row(str(scan.path), f"{sign} {at}  {name} {size(scan.size):>8}")
