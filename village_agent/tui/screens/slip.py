"""The slip on the screen, with its QR beside it or, on a small screen, by itself."""

from collections.abc import Iterator
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from core.documents.qr import qr_modules
from core.identifiers import CaseId, display_case_id
from core.slip_code import slip_text
from village_agent.outlook import outlook
from village_agent.slip import SLIP_CELLS, slip_lines
from village_agent.tui.base import DeskScreen, key
from village_agent.tui.words import painted

BOTH_CELLS_MIN = 100
QR_BORDER = 1
DARK, LIGHT = Style(bgcolor="rgb(0,0,0)"), Style(bgcolor="rgb(255,255,255)")


class Qr(Widget):
    """Two cells a module, by background alone: no glyph whose width a console could get wrong."""

    def __init__(self, text: str) -> None:
        super().__init__(id="qr")
        self._rows = qr_modules(text, border=QR_BORDER)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return 2 * len(self._rows)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._rows)

    def render_line(self, y: int) -> Strip:
        if y >= len(self._rows):
            return Strip.blank(self.size.width)
        return Strip([Segment("  ", DARK if dark else LIGHT) for dark in self._rows[y]])


class QrScreen(DeskScreen):
    """The QR alone, from the first row to the last but one: what a small terminal has room for."""

    def __init__(self, case_id: CaseId) -> None:
        super().__init__()
        self.case_id = case_id

    def compose(self) -> Iterator[Widget]:
        yield Horizontal(Qr(_qr(self, self.case_id)), Static(id="beside"))

    def on_mount(self) -> None:
        words = f" {display_case_id(self.case_id)}\n\n Esc {self.words('key.back')}"
        self.query_one("#beside", Static).update(painted(words))

    def show_frame(self) -> None:
        """There is no frame: the QR needs the rows."""


class SlipScreen(DeskScreen):
    """What the citizen takes home; its wording follows the copies that exist."""

    TITLE_KEY = "slip"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("q", "qr", "key.qr"),
        key("f5", "app.contact", "key.contact"),
        key("f2", "app.new", "key.new"),
    ]

    def __init__(self, case_id: CaseId, *, just_submitted: bool = False) -> None:
        super().__init__()
        self.case_id = case_id
        self._just_submitted = just_submitted

    def body(self) -> Iterator[Widget]:
        slip = VerticalScroll(Static(id="slip-text", markup=False), id="slip")
        yield Horizontal(slip, Qr(_qr(self, self.case_id)), id="body")

    def on_mount(self) -> None:
        if self._just_submitted:
            self.tell(self.words("submitted", number=display_case_id(self.case_id)))
        self.query_one("#slip").focus()
        self._show()

    def on_screen_resume(self) -> None:
        self._show()

    def on_resize(self) -> None:
        self.query_one("#qr").display = self.app.size.width >= BOTH_CELLS_MIN

    def action_qr(self) -> None:
        self.app.push_screen(QrScreen(self.case_id))

    def _show(self) -> None:
        village = self.desk.village
        with village.installation.db.reading() as tx:
            view = outlook(tx, village, village.office.casebook.get(tx, self.case_id))
        lines = slip_lines(view, self.desk.intake.divisions, self.lang, SLIP_CELLS)
        self.query_one("#slip-text", Static).update(painted("\n".join(lines)))
        self.query_one("#qr").display = self.app.size.width >= BOTH_CELLS_MIN


def _qr(screen: DeskScreen, case_id: CaseId) -> str:
    """What the QR of the case's slip holds."""
    village = screen.desk.village
    with village.installation.db.reading() as tx:
        return slip_text(village.office.casebook.get(tx, case_id))
