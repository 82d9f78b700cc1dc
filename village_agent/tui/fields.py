"""One question of a form: what was typed is handed on at every key, and judged when the field is left."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Protocol, cast

from rich.cells import cell_len
from textual import events
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from core.items import FieldType, FormField
from core.regions import Divisions
from village_agent.tui.told_at_once import ToldAtOnce
from village_agent.tui.typed_ahead import TooLong, TypedAhead, TypedLine, pasted
from village_agent.tui.words import painted, say
from village_agent.widths import hang, safe, wrap

DIVISIONS_SHOWN = 6
TYPED_CHARS_MAX = 2_000
PARAGRAPH_CHARS_MAX = 20_000
"""More than a form takes, so that it can be cut down where it stands."""
LABEL_CELLS = 29
BELOW_CELLS_MIN = 30


class Keeper(Protocol):
    """A page of fields."""

    def field_edited(self, field: "Field", value: Any) -> None:
        """Put the value, as typed so far, on the disk. Nothing is painted before this returns."""


class Field(Vertical):
    """A label, an editor, and below it what is wrong or worth knowing; its screen is a :class:`Keeper`."""

    class Finished(Message):
        """The field was left."""

        def __init__(self, field: "Field") -> None:
            super().__init__()
            self.field = field

    def __init__(
        self,
        asked: FormField,
        value: Any,
        lang: str,
        divisions: Divisions,
        option_words: Callable[[str], str] = str,
    ) -> None:
        super().__init__()
        self.asked = asked
        self.lang = lang
        self.editor = make_editor(asked, value, lang, divisions, option_words)
        cast("ToldAtOnce", self.editor).told = self.tell_edited
        self.editor.add_class("editor")
        self._has_focus = False
        self._told = self.value
        self._below: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        with Horizontal(classes="row"):
            yield Static(painted(self._label()), classes="label")
            yield self.editor
        yield Static(classes="problem", markup=False)
        yield Static(classes="hint", markup=False)

    @property
    def value(self) -> Any:
        return read_editor(self.editor)

    def show(self, value: Any) -> None:
        """Put a value in without telling anybody: undo, or what was looked up."""
        write_editor(self.editor, value)
        self._told = self.value

    def tell_edited(self) -> None:
        """Hand on the value, unless it is the one that is known."""
        if self.value != self._told:
            self._told = self.value
            cast("Keeper", self.screen).field_edited(self, self._told)

    def show_problem(self, words: str) -> None:
        self._put(".problem", f"! {words}" if words else "")

    def show_hint(self, words: str) -> None:
        self._put(".hint", words)

    def _put(self, where: str, words: str) -> None:
        if self._below.get(where, "") == words:
            return
        self._below[where] = words
        place = self.query_one(where, Static)
        place.set_class(bool(words), "shown")
        self._fold(where)

    def on_resize(self) -> None:
        for where in self._below:
            self._fold(where)

    def _fold(self, where: str) -> None:
        """Chinese has no blanks to break at: the library would leave half a line empty."""
        place = self.query_one(where, Static)
        room = max(BELOW_CELLS_MIN, self.size.width - place.styles.margin.left)
        place.update(painted("\n".join(wrap(self._below[where], room))))

    def _label(self) -> str:
        sign = ">" if self._has_focus else " "
        star = " *" if self.asked.required else ""
        return "\n".join(hang(f"{sign} {self.asked.name(self.lang)}{star}", LABEL_CELLS, by=0))

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._mark(True)

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        self._mark(False)
        self.post_message(self.Finished(self))

    def _mark(self, has_focus: bool) -> None:
        self._has_focus = has_focus
        if self.is_mounted:
            self.query_one(".label", Static).update(painted(self._label()), layout=False)

    def on_too_long(self, event: TooLong) -> None:
        event.stop()
        self.show_problem(event.words(self.lang))


class Line(ToldAtOnce, TypedLine, TypedAhead, Input):
    """One line of text."""

    CHANGED = Input.Changed


class Choice(ToldAtOnce, TypedAhead, Widget, can_focus=True):
    """One of several: digits and arrows choose, Enter goes on. The chosen one stands in brackets."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False),
        Binding("right,space", "step(1)", show=False),
    ]
    value: reactive[Any] = reactive(None, layout=True)

    class Changed(Message):
        """Another one was chosen."""

    CHANGED = Changed

    def __init__(self, options: list[tuple[Any, str]], value: Any) -> None:
        super().__init__()
        self.options = options
        self.set_reactive(Choice.value, value)

    def render(self) -> Content:
        return painted("\n".join(self._lines(self.content_size.width)))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def _lines(self, width: int) -> list[str]:
        """The options in lines that break between them."""
        lines = [""]
        for number, (value, words) in enumerate(self.options, 1):
            chosen = self.value is not None and value == self.value
            part = f"[{number} {words}]" if chosen else f" {number} {words} "
            if lines[-1] and cell_len(lines[-1]) + cell_len(part) + 1 > width:
                lines.append(part)
            else:
                lines[-1] += f"{' ' if lines[-1] else ''}{part}"
        return lines

    def on_key(self, event: events.Key) -> None:
        digit = event.character if event.character and event.character in "123456789" else ""
        if digit and self.has_focus and int(digit) <= len(self.options):
            event.stop()
            self._choose(int(digit) - 1)

    def action_step(self, by: int) -> None:
        values = [value for value, _ in self.options]
        here = values.index(self.value) if self.value in values else (-1 if by > 0 else len(values))
        self._choose(max(0, min(here + by, len(values) - 1)))

    def on_click(self) -> None:
        self.focus()

    def _choose(self, number: int) -> None:
        self.value = self.options[number][0]
        self.post_message(self.Changed())


class Paragraph(ToldAtOnce, TypedAhead, TextArea):
    """Several lines; Tab leaves it, and so does the arrow beyond the first or last line."""

    CHANGED = TextArea.Changed
    ENTER_LEAVES = False

    def action_select_line(self) -> None:
        # F6 and F7 lead to other pages here too.
        raise SkipAction

    def action_select_all(self) -> None:
        raise SkipAction

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = pasted(event.text)
        count = len(self.text) - len(self.selected_text) + len(text)
        if count > PARAGRAPH_CHARS_MAX:
            self.post_message(TooLong(count, PARAGRAPH_CHARS_MAX))
            return
        found = self._replace_via_keyboard(text, *self.selection)
        if found is not None:
            self.move_cursor(found.end_location)

    def on_key(self, event: events.Key) -> None:
        row, _ = self.cursor_location
        if (event.key == "up" and row == 0) or (event.key == "down" and row == self.document.line_count - 1):
            event.prevent_default()
            event.stop()
            if event.key == "up":
                self.screen.focus_previous()
            else:
                self.screen.focus_next()


class DivisionInput(Line):
    """A place by name; what it holds is the code once the name is clear."""

    def __init__(self, value: Any, lang: str, divisions: Divisions) -> None:
        self.divisions = divisions
        super().__init__(
            self._shown_name(value),
            placeholder=say("hint.division", lang),
            max_length=64,
            compact=True,
            select_on_focus=False,
        )

    def _shown_name(self, value: Any) -> str:
        text = str(value or "")
        return safe(self.divisions.full_name(text)) if text in self.divisions else text

    @property
    def code(self) -> str:
        """The code of the place that was named; the text itself while it is not clear."""
        text = self.value.strip()
        found = self.matches()
        exact = [code for code, name in found if safe(name) == text]
        if exact or len(found) == 1:
            return (exact or [found[0][0]])[0]
        return text

    def matches(self) -> list[tuple[str, str]]:
        """Villages whose name holds what was typed, with their full names."""
        text = self.value.strip()
        if text in self.divisions:
            return [(text, self.divisions.full_name(text))]
        found = self.divisions.search(text, limit=50)
        return [(d.code, self.divisions.full_name(d.code)) for d in found if d.tier == "village"]

    def put(self, value: Any) -> None:
        self.value = self._shown_name(value)


def make_editor(
    asked: FormField,
    value: Any,
    lang: str,
    divisions: Divisions,
    option_words: Callable[[str], str] = str,
) -> Widget:
    """The editor that fits the type of the field; ``option_words`` is how an option reads."""
    kind = asked.type
    if kind is FieldType.CHOICE:
        return Choice([(option, option_words(option)) for option in asked.options], value)
    if kind is FieldType.BOOL:
        return Choice([(True, say("bool.yes", lang)), (False, say("bool.no", lang))], value)
    if kind is FieldType.TEXT:
        return Paragraph("" if value is None else str(value), soft_wrap=True, compact=True)
    if kind is FieldType.DIVISION:
        return DivisionInput(value, lang, divisions)
    if kind is FieldType.TABLE:
        from village_agent.tui.table_field import Rows

        return Rows(asked, value if isinstance(value, list) else [], lang, divisions)
    hint = "" if kind is FieldType.STR else say(f"hint.{kind}", lang)
    text = "" if value is None else str(value)
    return Line(text, placeholder=hint, max_length=TYPED_CHARS_MAX, compact=True, select_on_focus=False)


def read_editor(editor: Widget) -> Any:
    """What the editor holds; None where nothing was typed or chosen."""
    if isinstance(editor, DivisionInput):
        return editor.code or None
    if isinstance(editor, Input):
        return editor.value or None
    if isinstance(editor, TextArea):
        return editor.text or None
    return getattr(editor, "value", None)


def write_editor(editor: Widget, value: Any) -> None:
    """Put ``value`` into the editor; nobody is told."""
    with editor.prevent(Input.Changed, TextArea.Changed, Choice.Changed):
        if isinstance(editor, DivisionInput):
            editor.put(value)
        elif isinstance(editor, Input):
            editor.value = "" if value is None else str(value)
        elif isinstance(editor, TextArea):
            editor.text = "" if value is None else str(value)
        elif isinstance(editor, Choice):
            editor.value = value
        else:
            editor.put(value)  # type: ignore[attr-defined]


Check = Callable[[FormField, Any], str]
"""What is wrong with a finished field, in words; empty if nothing is."""


def fields_of(asked: tuple[FormField, ...], values: Any, lang: str, divisions: Divisions) -> Iterator[Field]:
    """The fields of a form with the values they hold so far."""
    for field in asked:
        yield Field(field, values.get(field.key), lang, divisions)
