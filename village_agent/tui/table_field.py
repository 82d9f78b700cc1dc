"""A table of a form: its rows as lines, each edited in a small form of its own."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from core.bodies import TABLE_ROWS_MAX
from core.items import FormField
from core.regions import Divisions
from village_agent.tui.fields import Field, fields_of
from village_agent.tui.next_step import NextStep
from village_agent.tui.practice_guide import practice_mark
from village_agent.tui.told_at_once import ToldAtOnce
from village_agent.tui.typed_ahead import TypedAhead
from village_agent.tui.words import painted, say
from village_agent.widths import shorten

LINE_CELLS_MIN = 20


class Rows(ToldAtOnce, TypedAhead, Widget, can_focus=True):
    """The rows, and below them the line that adds one."""

    ENTER_LEAVES = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "edit", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("delete", "remove", show=False),
    ]
    value: reactive[Any] = reactive(None, layout=True)
    cursor: reactive[int] = reactive(0)

    class Changed(Message):
        """A row was added, changed or removed."""

    CHANGED = Changed

    def __init__(
        self, asked: FormField, value: list[dict[str, Any]], lang: str, divisions: Divisions
    ) -> None:
        super().__init__()
        self.asked, self.lang, self.divisions = asked, lang, divisions
        self.set_reactive(Rows.value, list(value))
        self.set_reactive(Rows.cursor, len(value))

    def put(self, value: Any) -> None:
        """Show other rows."""
        self.value = list(value or [])
        self.cursor = min(self.cursor, len(self.value))

    def render(self) -> Content:
        lines = [self._line(number, row) for number, row in enumerate(self.value)]
        lines.append(
            f"{self._sign(len(self.value))}+ {say('add_row', self.lang)}  ({say('hint.table', self.lang)})"
        )
        width = max(LINE_CELLS_MIN, self.content_size.width)
        return painted("\n".join(shorten(line, width) for line in lines))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self.value) + 1

    def action_move(self, by: int) -> None:
        wanted = self.cursor + by
        if wanted < 0:
            self.screen.focus_previous()
        elif wanted > len(self.value):
            self.screen.focus_next()
        else:
            self.cursor = wanted

    def action_remove(self) -> None:
        if self.cursor < len(self.value):
            self.value = self.value[: self.cursor] + self.value[self.cursor + 1 :]
            self.post_message(self.Changed())

    def action_edit(self) -> None:
        number = self.cursor
        if number >= TABLE_ROWS_MAX:
            return
        row = dict(self.value[number]) if number < len(self.value) else {}

        def keep(changed: dict[str, Any]) -> None:
            rows = [*self.value]
            if number < len(rows):
                rows[number] = changed
            else:
                rows.append(changed)
            self.value = rows
            self.post_message(self.Changed())

        def closed(_: object) -> None:
            # The next row is one key away.
            self.cursor = min(number + 1, len(self.value))

        self.app.push_screen(RowScreen(self.asked, number, row, self.lang, self.divisions, keep), closed)

    def on_click(self) -> None:
        self.focus()

    def _sign(self, number: int) -> str:
        return "> " if self.has_focus and number == self.cursor else "  "

    def _line(self, number: int, row: Mapping[str, Any]) -> str:
        cells = [str(row.get(column.key, "-")) for column in self.asked.columns]
        return f"{self._sign(number)}{number + 1}. {', '.join(cells)}"


class RowScreen(ModalScreen[None]):
    """One row; every key is kept at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f8", "close", show=False),
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
    ]

    def __init__(
        self,
        asked: FormField,
        number: int,
        row: dict[str, Any],
        lang: str,
        divisions: Divisions,
        keep: Callable[[dict[str, Any]], None],
    ) -> None:
        super().__init__()
        self.asked, self.number, self.row = asked, number, row
        self.lang, self.divisions, self._keep = lang, divisions, keep

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            where = say("row", self.lang, number=self.number + 1)
            yield Static(
                painted(f"{practice_mark(self.app, self.lang)}{self.asked.name(self.lang)}  {where}")
            )
            with VerticalScroll():
                yield from fields_of(self.asked.columns, self.row, self.lang, self.divisions)
                yield NextStep(say("done", self.lang))
            yield Static(painted("Esc " + say("key.back", self.lang)))

    def on_mount(self) -> None:
        self.query(VerticalScroll).first().styles.height = "auto"
        self.query(Field).first().editor.focus()

    def field_edited(self, field: Field, value: Any) -> None:
        key = field.asked.key
        if value is None:
            self.row.pop(key, None)
        else:
            self.row[key] = value
        self._keep(dict(self.row))

    def on_field_finished(self, event: Field.Finished) -> None:
        event.stop()
        check = getattr(self.app, "check_words", None)
        if check is not None and event.field.is_mounted:
            event.field.show_problem(check(event.field.asked, event.field.value))

    def on_next_step_pressed(self) -> None:
        self.action_close()

    def action_close(self) -> None:
        self.dismiss(None)
