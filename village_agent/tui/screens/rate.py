"""The applicant's rating: one digit, sealed at once, and never shown here."""

from collections.abc import Iterator
from typing import ClassVar

import sqlalchemy as sa
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Static

from core.identifiers import CaseId
from village_agent.tui.base import DeskScreen, key
from village_agent.tui.words import painted

LEVELS = (1, 2, 3, 4, 5)


class RateScreen(DeskScreen):
    """Which digit was pressed is painted nowhere; the page leaves itself."""

    TITLE_KEY = "rate"
    BINDINGS: ClassVar[list[BindingType]] = [
        key(str(level), f"rate({level})", "", shown=False) for level in LEVELS
    ]

    def __init__(self, case_id: CaseId) -> None:
        super().__init__()
        self.case_id = case_id

    def body(self) -> Iterator[Widget]:
        lines = ["", *(f"    {level}   {self.words(f'rating.{level}')}\n" for level in LEVELS)]
        yield Static(painted("\n".join([*lines, "", self.words("rate_about")])), id="body")

    def action_rate(self, level: int) -> None:
        intake, actor = self.desk.intake, self.desk.actor

        def rate(tx: sa.Connection) -> None:
            intake.rate(tx, actor, self.case_id, level)

        if self.write(rate):
            self.app.pop_screen()
            below = self.app.screen
            if isinstance(below, DeskScreen):
                below.tell(self.words("rated"))
