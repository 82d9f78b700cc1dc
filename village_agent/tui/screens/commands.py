"""All commands as a list, for who does not remember a key."""

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from sync.status import is_enrolled
from village_agent.tui.base import DeskScreen, key
from village_agent.tui.window_list import Row, WindowList

COMMANDS = (
    ("new", "key.new", "F2"),
    ("search", "key.search", "F3"),
    ("drafts", "key.drafts", "F4"),
    ("contact", "key.contact", "F5"),
    ("outbox", "key.outbox", "F6"),
    ("all_cases", "cases", ""),
    ("results", "results", ""),
    ("appointments", "appointments", ""),
    ("consultations", "consultations", ""),
    ("help", "key.help", "F1"),
    ("doctor", "key.doctor", "F10"),
    ("operators", "key.operators", ""),
    ("language", "key.language", "F12"),
    ("join", "key.join", ""),
    ("practise", "key.practise", ""),
    ("practice_reset", "key.practice_reset", ""),
    ("lock", "key.lock", "Ctrl+L"),
    ("quit", "key.quit", "Ctrl+Q"),
)


class CommandsScreen(DeskScreen):
    """Enter does what the line says."""

    TITLE_KEY = "commands"
    BINDINGS: ClassVar[list[BindingType]] = [key("enter", "choose", "key.choose")]

    def body(self) -> Iterator[Widget]:
        yield WindowList(id="body")

    def on_mount(self) -> None:
        rows = [
            Row(action, f"{keys:<8}{self.words(words)}")
            for action, words, keys in COMMANDS
            if self.is_offered(action)
        ]
        self.query_one(WindowList).show(len(rows), lambda at, most: rows[at : at + most], cursor=0)
        self.query_one(WindowList).focus()

    def is_offered(self, action: str) -> bool:
        """Whether it does something here."""
        if action == "practice_reset":
            return self.desk.is_practice
        if action in ("practise", "lock", "operators"):
            return not self.desk.is_practice
        if action == "join":
            return not self.desk.is_practice and not is_enrolled(self.desk.village.installation)
        return True

    def action_choose(self) -> None:
        self.query_one(WindowList).action_choose()

    async def on_window_list_chosen(self, event: WindowList.Chosen) -> None:
        self.app.pop_screen()
        await self.app.run_action(f"app.{event.row.id}")
