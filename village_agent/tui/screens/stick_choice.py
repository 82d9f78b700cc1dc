"""Which stick: those plugged in with what lies on them, found again every moment, or any path that is typed."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from textual import events, work
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from core.errors import LiandongError
from village_agent.intake import file_path
from village_agent.sticks import Lying, look_at, plugged_sticks
from village_agent.tui.base import DeskScreen, key
from village_agent.tui.screens.stick import StickScreen
from village_agent.tui.typed_ahead import TypedLine
from village_agent.tui.window_list import Row, WindowList
from village_agent.tui.words import painted, size
from village_agent.widths import wrap

LOOK_AGAIN_S = 2.0
PATH_CHARS_MAX = 2000
OTHER = "other"


class PathLine(TypedLine, Input):
    """A folder, typed or pasted."""


class StickChoiceScreen(DeskScreen):
    """Digits, arrows and Enter choose; the stick's own screen takes the place of this one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "choose", "key.choose"),
        key("p", "type_path", "key.other_path"),
        *(key(str(number), f"take({number - 1})", "", shown=False) for number in range(1, 10)),
    ]

    class Looked(Message):
        """What lies on one of them, or why it cannot be read."""

        def __init__(self, path: Path, lying: Lying | None, error: LiandongError | None) -> None:
            super().__init__()
            self.path, self.lying, self.error = path, lying, error

    def __init__(self, *, bring_in: bool) -> None:
        super().__init__()
        self._bring_in = bring_in
        self._sticks: tuple[Path, ...] | None = None
        self._lying: dict[Path, str] = {}

    def title_words(self) -> str:
        return self.words("stick_import" if self._bring_in else "stick_export")

    def question(self) -> str:
        """The words that ask which of them."""
        return "stick_choose_in" if self._bring_in else "stick_choose_out"

    def body(self) -> Iterator[Widget]:
        with Vertical(id="body"):
            yield Static(id="asked", markup=False)
            yield WindowList(id="choices")
            yield Static(id="path-label", markup=False)
            yield PathLine(id="path", max_length=PATH_CHARS_MAX, compact=True)

    def on_mount(self) -> None:
        for name in ("#asked", "#path-label"):
            self.query_one(name).styles.height = "auto"
        self._mark_path()
        self._look()
        self.set_interval(LOOK_AGAIN_S, self._look)

    def _look(self) -> None:
        """Find the sticks; one that was plugged in appears, one that was pulled out goes."""
        found = plugged_sticks()
        if not self.is_on_top or found == self._sticks:
            return
        self._sticks, self._lying = found, {}
        self._show()
        if not found:
            self.query_one(Input).focus()
        elif not self.query_one(Input).value:
            self.query_one(WindowList).focus()
        for path in found:
            self._look_at(path)

    @work(thread=True, exit_on_error=False)
    def _look_at(self, path: Path) -> None:
        try:
            lying = look_at(path, self.desk.village.installation.node)
        except LiandongError as error:
            self.post_message(self.Looked(path, None, error))
        else:
            self.post_message(self.Looked(path, lying, None))

    def on_stick_choice_screen_looked(self, event: Looked) -> None:
        if event.error is not None:
            self._lying[event.path] = f"! {event.error.text(self.lang)}"
        elif event.lying is not None:
            self._lying[event.path] = self._lying_words(event.lying)
        self._show()

    def _lying_words(self, lying: Lying) -> str:
        counts = (
            ("stick_for_us", lying.for_us),
            ("stick_ours", lying.ours),
            ("stick_for_others", lying.for_others),
            ("stick_cut", lying.cut),
            ("stick_enrolment", lying.enrolment),
            ("stick_foreign", lying.foreign),
        )
        told = [self.words(name, count=count) for name, count in counts if count]
        mark = "，" if self.lang == "zh" else ", "
        return mark.join(
            [self.words("stick_free", free=size(lying.free)), *(told or [self.words("stick_empty")])]
        )

    def _show(self) -> None:
        sticks = self._sticks or ()
        asked = self.words(self.question() if sticks else "stick_none")
        told = wrap(asked, max(30, self.app.size.width - 4))
        self.query_one("#asked", Static).update(painted("\n".join([*told, ""])))
        rows: list[Row] = []
        for number, path in enumerate(sticks, 1):
            rows.append(Row(str(path), f"{number}  {path.name or path.drive}  ({path})"))
            lying = self._lying.get(path) or self.words("stick_looking")
            rows += [Row("", f"     {line}") for line in wrap(lying, max(30, self.app.size.width - 12))]
        if sticks:
            rows.append(Row(OTHER, f"P  {self.words('stick_other')}"))
        found = self.query_one(WindowList)
        found.display = bool(sticks)
        found.styles.height = max(1, min(len(rows), self.app.size.height - 12))
        found.show(len(rows), lambda at, most: rows[at : at + most])

    def on_descendant_focus(self) -> None:
        self._mark_path()

    def on_descendant_blur(self) -> None:
        self._mark_path()

    def _mark_path(self) -> None:
        sign = ">" if self.focused is self.query_one(Input) else " "
        self.query_one("#path-label", Static).update(painted(f"\n{sign} {self.words('stick_path')}"))

    def action_choose(self) -> None:
        self.query_one(WindowList).action_choose()

    def action_take(self, number: int) -> None:
        if self._sticks and number < len(self._sticks):
            self.go(self._sticks[number])

    def action_type_path(self) -> None:
        self.query_one(Input).focus()

    def on_window_list_chosen(self, event: WindowList.Chosen) -> None:
        if event.row.id == OTHER:
            self.action_type_path()
        else:
            self.go(Path(event.row.id))

    def on_key(self, event: events.Key) -> None:
        if event.key == "up" and self.query_one(Input).has_focus and self._sticks:
            event.stop()
            self.query_one(WindowList).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.go(file_path(event.value))

    def go(self, path: Path) -> None:
        """One was chosen."""
        self.app.switch_screen(StickScreen(path, bring_in=self._bring_in))
