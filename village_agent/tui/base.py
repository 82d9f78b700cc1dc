"""What every screen has: a title, a place for words, the line that is always visible, and its keys."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar, cast

import sqlalchemy as sa
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from core.errors import LiandongError
from core.store.refusals import CommitUnknown
from village_agent.line_state import line_state
from village_agent.session import Session
from village_agent.tui.practice_guide import guide_words, practice_mark
from village_agent.tui.typed_ahead import TooLong
from village_agent.tui.words import painted, say
from village_agent.widths import safe, shorten, wrap

if TYPE_CHECKING:
    from village_agent.tui.app import DeskApp

WORDS_KEEP_S = 20.0
"""So long words that were told from the clock ("3 days left", "5 minutes") may stand."""
KEY_NAMES = {
    "escape": "Esc",
    "enter": "Enter",
    "delete": "Del",
    "ctrl+z": "Ctrl+Z",
    "ctrl+p": "Ctrl+P",
    "ctrl+r": "Ctrl+R",
    "ctrl+l": "Ctrl+L",
    "ctrl+q": "Ctrl+Q",
    "plus": "+",
    "left_square_bracket": "[",
}
SIGNS = ("+", "[")


def key(keys: str, action: str, words: str, *, shown: bool = True, first: bool = False) -> Binding:
    """A binding whose description is a key of :mod:`village_agent.tui.words`."""
    return Binding(keys, action, words, show=shown, priority=first)


def key_lines(screen: Screen[None], lang: str, width: int) -> str:
    """The keys that do something on ``screen``, the page's own first, in lines of less than ``width`` cells."""
    joined = [f"{name}{'' if name in SIGNS else ' '}{words}" for name, words in keys_of(screen, lang)]
    # No key is cut off: what does not fit goes into a second line.
    lines = [""]
    for part in joined:
        if lines[-1] and cell_len(lines[-1]) + cell_len(part) + 2 > width - 2:
            lines.append(part)
        else:
            lines[-1] += f"{'  ' if lines[-1] else ''}{part}"
    return "\n".join(lines)


def keys_of(screen: Screen[None], lang: str) -> list[tuple[str, str]]:
    """Key and words of each binding that is shown and does something now."""
    told: dict[str, str] = {}
    taken: set[str] = set()
    for owner in type(screen).__mro__:
        for binding in owner.__dict__.get("BINDINGS", ()):
            name = binding.key.partition(",")[0] if isinstance(binding, Binding) else ""
            if not name or name in taken:
                continue
            if not screen.check_action(binding.action, ()):
                # The same key may do something else now.
                continue
            taken.add(name)
            if binding.show and binding.description:
                told.setdefault(KEY_NAMES.get(name, name.upper()), binding.description)
    return [(name, say(words, lang)) for name, words in told.items()]


class DeskScreen(Screen[None]):
    """Composes ``body()`` between title and keys.

    Textual calls the handlers of every class of a screen, the derived one first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [key("escape", "leave", "key.back")]
    TITLE_KEY = "home"
    _seen: tuple[int, int] = (0, 0)
    _looked_s = 0.0

    @property
    def desk_app(self) -> "DeskApp":
        return cast("DeskApp", self.app)

    @property
    def desk(self) -> Session:
        return self.desk_app.desk

    @property
    def lang(self) -> str:
        return self.desk_app.lang

    def words(self, key_: str, **values: object) -> str:
        return say(key_, self.lang, **values)

    def compose(self) -> ComposeResult:
        yield Static(id="title", markup=False)
        yield from self.body()
        yield Static(id="message", markup=False)
        if self.desk.is_practice:
            yield Static(id="guide", markup=False)
        yield Static(id="line", markup=False)
        yield Static(id="keys", markup=False)

    def body(self) -> Iterator[Widget]:
        """The screen's own widgets."""
        yield Static(id="body")

    def title_words(self) -> str:
        return self.words(self.TITLE_KEY)

    def on_mount(self) -> None:
        self.show_frame()

    def on_screen_resume(self) -> None:
        self.show_frame()

    def on_resize(self) -> None:
        self.show_frame()

    def show_frame(self) -> None:
        """Title, line and keys as they are now."""
        if not self.is_mounted:
            return
        place = self.desk_app.place_words
        mark = practice_mark(self.app, self.lang)
        title, width = f"{mark}{self.title_words()}", max(20, self.app.size.width - 2)
        whole = f"{title}  |  {place}"
        # Where not both have room, the page's name counts.
        title = whole if cell_len(safe(whole)) <= width else shorten(title, width)
        self.query_one("#title", Static).update(painted(title))
        self.query_one("#keys", Static).update(painted(self._key_words()))
        self.show_guide()
        self.show_line()

    def on_descendant_focus(self) -> None:
        self.show_guide()

    def show_guide(self) -> None:
        """In practice, the key that comes next."""
        if self.desk.is_practice:
            words = shorten(guide_words(self), max(20, self.app.size.width - 2))
            for place in self.query("#guide").results(Static):
                place.update(painted(words))

    @property
    def is_on_top(self) -> bool:
        """Whether this page is looked at; to the toolkit the one below it is current too."""
        return self.app.screen is self

    def on_too_long(self, event: TooLong) -> None:
        self.tell(event.words(self.lang))

    def is_stale(self) -> bool:
        """Whether this page is looked at, and anything was committed since this was last asked or its words grew old."""
        if not self.is_on_top:
            return False
        seen, now_s = self.desk_app.data_version(), self.desk.world.monotonic_s()
        if seen == self._seen and now_s - self._looked_s < WORDS_KEEP_S:
            return False
        self._seen, self._looked_s = seen, now_s
        return True

    def show_line(self) -> None:
        """The line that is always visible, read from the database."""
        with self.desk.village.installation.db.reading() as tx:
            self.desk_app.line = line_state(tx, self.desk.village)
        self.show_saved()

    def show_saved(self) -> None:
        """The same line with the time of the last save alone looked at anew: cheap enough for every key."""
        state = self.desk_app.line
        words = state.words(self.desk.world.now(), self.lang, self.desk_app.saved_at) if state else ""
        text = painted(shorten(words, max(20, self.app.size.width - 2)))
        self.query_one("#line", Static).update(text, layout=False)

    def tell(self, words: str) -> None:
        """Say something above the line; nothing takes the place away."""
        place = self.query_one("#message", Static)
        if words or place.display:
            place.update(painted("\n".join(wrap(words, max(40, self.app.size.width - 2)))))
            place.display = bool(words)

    def tell_error(self, error: LiandongError) -> None:
        self.tell(f"! {error.text(self.lang)}")

    def write(
        self,
        do: Callable[[sa.Connection], object],
        took_effect: Callable[[sa.Connection], bool] | None = None,
    ) -> bool:
        """Run ``do`` in a transaction; a refusal is said in words. True if it was committed.

        When that is not known, the database is opened anew and ``took_effect`` looks for what ``do`` should have left.
        """
        db = self.desk.village.installation.db
        try:
            with db.transaction() as tx:
                do(tx)
        except CommitUnknown:
            return self._look_up(took_effect)
        except LiandongError as error:
            self.tell_error(error)
            return False
        return True

    def _look_up(self, took_effect: Callable[[sa.Connection], bool] | None) -> bool:
        db = self.desk.village.installation.db
        try:
            db.reopen()
            with db.reading() as tx:
                is_there = took_effect is not None and took_effect(tx)
        except LiandongError as error:
            self.tell_error(error)
            return False
        if not is_there:
            self.tell(self.words("doubt.look" if took_effect is None else "doubt.not_saved"))
        return is_there

    def action_leave(self) -> None:
        self.app.pop_screen()

    def _key_words(self) -> str:
        return key_lines(self, self.lang, self.app.size.width)
