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
from village_agent.outlook import Outlook, outlook
from village_agent.papers import office_of
from village_agent.slip import SLIP_CELLS, paper_of_slip, qr_halves, slip_lines, thermal_text
from village_agent.tui.base import DeskScreen, key
from village_agent.tui.practice_guide import practice_mark
from village_agent.tui.printing import PrintingScreen
from village_agent.tui.words import painted

BOTH_CELLS_MIN = 100
QR_BORDER = 1

FRAME_ROWS = 6
DARK, LIGHT = Style(bgcolor="rgb(0,0,0)"), Style(bgcolor="rgb(255,255,255)")


class Qr(Widget):
    """Two cells a module, by background alone: no glyph whose width a console could get wrong."""

    def __init__(self, text: str) -> None:
        super().__init__(id="qr")
        self._rows = qr_modules(text, border=QR_BORDER)

    @property
    def rows(self) -> int:
        """Of the screen that it takes."""
        return len(self._rows)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return 2 * len(self._rows)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._rows)

    def render_line(self, y: int) -> Strip:
        if y >= len(self._rows):
            return Strip.blank(self.size.width)
        return Strip([Segment("  ", DARK if dark else LIGHT) for dark in self._rows[y]])


class QrScreen(DeskScreen):
    """The QR alone with every row of the window, or how many it needs."""

    def __init__(self, case_id: CaseId) -> None:
        super().__init__()
        self.case_id = case_id

    def compose(self) -> Iterator[Widget]:
        yield Horizontal(Qr(_qr(self, self.case_id)), Static(id="beside"))

    def on_resize(self) -> None:
        self._show()

    def _show(self) -> None:
        """A QR that is cut off reads as nothing: better say what it needs."""
        qr, rows = self.query_one(Qr), self.app.size.height
        qr.display = qr.rows <= rows
        words = f" {practice_mark(self.app, self.lang)}\n {display_case_id(self.case_id)}\n\n Esc {self.words('key.back')}"
        if not qr.display:
            words += f"\n\n {self.words('qr_needs_rows', needed=qr.rows, rows=rows)}"
        self.query_one("#beside", Static).update(painted(words))

    def show_frame(self) -> None:
        """There is no frame: the QR needs the rows."""


class SlipScreen(PrintingScreen):
    """What the citizen takes home; its wording follows the copies that exist. It is printed by a key."""

    TITLE_KEY = "slip"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("p", "pdf('open')", "key.print_pdf"),
        key("l", "pdf('print')", "key.print"),
        key("8", "thermal(48)", "key.thermal_48"),
        key("5", "thermal(32)", "key.thermal_32"),
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
        self._show_qr()

    def _show_qr(self) -> None:
        """Beside the slip where there is room for all of it."""
        qr, page = self.query_one(Qr), self.app.size
        qr.display = page.width >= BOTH_CELLS_MIN and page.height >= qr.rows + FRAME_ROWS

    def action_qr(self) -> None:
        self.app.push_screen(QrScreen(self.case_id))

    def action_pdf(self, then: str) -> None:
        paper = paper_of_slip(self._view(), self.desk.intake.divisions, self.lang, self._phone)
        self.print_paper(f"slip-{self.case_id}.pdf", paper, then)

    def action_thermal(self, width: int) -> None:
        view = self._view()
        lines = slip_lines(view, self.desk.intake.divisions, self.lang, width, self._phone)
        text = "\n".join([thermal_text(lines, width), "", *qr_halves(slip_text(view.case))])
        self.print_text(f"slip-{self.case_id}-{width}.txt", text)

    @property
    def _phone(self) -> str:
        return office_of(self.desk.village).phone

    def _view(self) -> Outlook:
        village = self.desk.village
        with village.installation.db.reading() as tx:
            return outlook(tx, village, village.office.casebook.get(tx, self.case_id))

    def _show(self) -> None:
        lines = slip_lines(self._view(), self.desk.intake.divisions, self.lang, SLIP_CELLS, self._phone)
        self.query_one("#slip-text", Static).update(painted("\n".join(lines)))
        self._show_qr()


def _qr(screen: DeskScreen, case_id: CaseId) -> str:
    """What the QR of the case's slip holds."""
    village = screen.desk.village
    with village.installation.db.reading() as tx:
        return slip_text(village.office.casebook.get(tx, case_id))
