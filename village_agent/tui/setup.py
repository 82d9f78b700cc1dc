"""The pages of the first run: one question each, every answer on the disk before the next, Esc goes back."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static

from core.clock import World
from core.errors import LiandongError
from village_agent.first_run import STEPS, Plan, Step, is_begun, read_plan, write_plan
from village_agent.session import Session
from village_agent.tui.base import key, key_lines
from village_agent.tui.pin_line import PinLine
from village_agent.tui.typed_ahead import TooLong, TypedAhead
from village_agent.tui.window_list import Row, WindowList
from village_agent.tui.words import painted, say
from village_agent.widths import wrap

if TYPE_CHECKING:
    from village_agent.tui.app import DeskApp

ANSWER_CHARS_MAX = 200


@dataclass
class Setup:
    """The first run under way. ``typed`` is what was typed and is not decided yet: going back clears nothing."""

    folder: Path
    world: World
    plan: Plan
    desk: Session | None = None
    key: bytes | None = field(default=None, repr=False)
    """Of a vault whose node was taken back, to set up another village."""
    typed: dict[str, str] = field(default_factory=dict, repr=False)
    trouble: LiandongError | None = None
    """What is to be told on the next page."""


class Line(TypedAhead, PinLine):
    """One line; Enter in the last one of a page goes on."""

    ENTER_LEAVES = True


class LastLine(TypedAhead, PinLine):
    """The last line of a page."""

    ENTER_LEAVES = False


class Answer(Horizontal):
    """A label and one line of text; ``last`` on its page or not."""

    def __init__(
        self, name: str, label: str, value: str, *, hidden: bool = False, last: bool = False
    ) -> None:
        super().__init__(classes="answer")
        self._name, self._label, self._value, self._hidden = name, label, value, hidden
        self._kind = LastLine if last else Line

    def compose(self) -> ComposeResult:
        yield Static(painted(f"  {self._label}"), classes="label")
        yield self._kind(
            self._value,
            id=self._name,
            password=self._hidden,
            max_length=ANSWER_CHARS_MAX,
            compact=True,
            select_on_focus=False,
        )

    def on_descendant_focus(self) -> None:
        self.query_one(".label", Static).update(painted(f"> {self._label}"))

    def on_descendant_blur(self) -> None:
        self.query_one(".label", Static).update(painted(f"  {self._label}"))


class SetupScreen(Screen[None]):
    """One step. ``body()`` composes between title and keys; nothing of the desk is needed."""

    STEP: ClassVar[Step]
    IS_DOOR: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "go_on", "key.next_step"),
        key("escape", "back", "key.step_back"),
        key("f9", "app.practise", "key.practise"),
        key("f12", "app.language", "key.language"),
        key("ctrl+q", "app.quit", "key.quit"),
        key("down", "app.focus_next", "", shown=False),
        key("up", "app.focus_previous", "", shown=False),
    ]

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self.setup = setup

    @property
    def desk_app(self) -> "DeskApp":
        return cast("DeskApp", self.app)

    @property
    def lang(self) -> str:
        return self.desk_app.lang

    @property
    def cells(self) -> int:
        """As wide as a line of text may be."""
        return max(40, self.app.size.width - 6)

    def words(self, key_: str, **values: object) -> str:
        return say(key_, self.lang, **values)

    def compose(self) -> ComposeResult:
        yield Static(id="title", markup=False)
        with VerticalScroll(id="body", can_focus=False):
            yield from self.body()
        yield Static(id="message", markup=False)
        yield Static(id="keys", markup=False)

    def body(self) -> Iterator[Widget]:
        """The step's own widgets."""
        yield self.text(f"setup.{self.STEP}_text")

    def text(self, key_: str, **values: object) -> Static:
        """A paragraph."""
        lines = wrap(self.words(key_, **values), self.cells)
        return Static(painted("\n".join([*lines, ""])), classes="text", markup=False)

    def on_mount(self) -> None:
        title = self.words(
            "setup.step",
            title=self.words("setup"),
            number=STEPS.index(self.STEP) + 1,
            count=len(STEPS),
            step=self.words(f"setup.{self.STEP}"),
        )
        self.query_one("#title", Static).update(painted(title))
        self.show_keys()
        trouble, self.setup.trouble = self.setup.trouble, None
        if trouble is not None:
            self.tell_error(trouble)

    def on_resize(self) -> None:
        self.show_keys()

    def show_keys(self) -> None:
        words = key_lines(self, self.lang, self.app.size.width)
        self.query_one("#keys", Static).update(painted(words))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not (action == "back" and self.STEP is STEPS[0])

    def tell(self, words: str) -> None:
        place = self.query_one("#message", Static)
        place.update(painted("\n".join(wrap(words, self.cells))))
        place.display = bool(words)

    def tell_error(self, error: LiandongError) -> None:
        self.tell(f"! {error.text(self.lang)}")

    def typed(self, name: str, decided: str = "") -> str:
        """What stands in a line: what was typed before, or what is decided."""
        return self.setup.typed.get(name, decided)

    def value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id:
            self.setup.typed[event.input.id] = event.value

    def on_too_long(self, event: TooLong) -> None:
        self.tell(event.words(self.lang))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the last line goes on."""
        self.action_go_on()

    def action_go_on(self) -> None:
        """Judge the answer and go to the next step, or say what is wrong."""
        self.decide()

    def action_back(self) -> None:
        self._move(-1)

    def decide(self, **answers: str) -> None:
        """Keep the answers and turn to the next page."""
        self._move(1, **answers)

    def _move(self, by: int, **answers: Any) -> None:
        plan = replace(self.setup.plan, step=self.STEP, **answers).moved(by)
        try:
            write_plan(self.setup.folder, plan)
        except LiandongError as error:
            self.tell_error(error)
            return
        self.setup.plan = plan
        self.desk_app.switch_screen(step_screen(self.setup))


class ChoiceScreen(SetupScreen):
    """A step answered by one of a few lines, by digit or by arrows and Enter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "choose(0)", show=False),
        Binding("2", "choose(1)", show=False),
        Binding("3", "choose(2)", show=False),
        key("enter", "go_on", "key.choose"),
    ]

    def choices(self) -> list[tuple[str, str]]:
        """``(value, words)`` of each."""
        raise NotImplementedError

    def body(self) -> Iterator[Widget]:
        yield from super().body()
        yield self.choice_list()

    def choice_list(self) -> Widget:
        """Where the lines stand."""
        return WindowList(id="choices")

    def first(self) -> int:
        """The line that is marked at the beginning."""
        return 0

    def on_mount(self) -> None:
        rows = [Row(value, f"{number}  {words}") for number, (value, words) in enumerate(self.choices(), 1)]
        found = self.query_one("#choices", WindowList)
        found.styles.height = len(rows)
        found.show(len(rows), lambda at, most: rows[at : at + most], cursor=self.first())
        found.focus()

    def action_choose(self, number: int) -> None:
        values = [value for value, _ in self.choices()]
        if number < len(values):
            self.query_one("#choices", WindowList).action_edge(0)
            self.query_one("#choices", WindowList).action_move(number)
            self.chosen(values[number])

    def on_window_list_chosen(self, event: WindowList.Chosen) -> None:
        self.chosen(event.row.id)

    def action_go_on(self) -> None:
        self.query_one("#choices", WindowList).action_choose()

    def chosen(self, value: str) -> None:
        """An answer was given."""
        raise NotImplementedError


def begin_setup(app: "DeskApp", step: Step | None = None) -> Setup:
    """The first run where it stopped, or at ``step``; of a record that cannot be read, from the beginning."""
    setup = Setup(app.folder, app.world, Plan(lang=app.lang), app.desk if app.is_open else None)
    try:
        setup.plan = read_plan(app.folder) if is_begun(app.folder) else setup.plan
    except LiandongError as error:
        setup.trouble = error
    if setup.desk is not None:
        setup.plan = _known_plan(setup, step)
    elif STEPS.index(setup.plan.step) > STEPS.index(Step.OPERATOR):
        # The record is from before the node was set up, or the node was taken back.
        setup.plan = replace(setup.plan, step=Step.OPERATOR)
    return setup


def _known_plan(setup: Setup, step: Step | None) -> Plan:
    """What an installation that is there says of itself goes before what was noted."""
    assert setup.desk is not None
    settings, plan = setup.desk.village.installation.settings, setup.plan
    at = step or (plan.step if STEPS.index(plan.step) >= STEPS.index(Step.VILLAGE) else Step.JOIN)
    return replace(
        plan,
        step=at,
        lang=settings.lang,
        node=settings.node,
        contact=settings.parent_contact,
        enrol=settings.parent_enrol,
        operator=setup.desk.actor.name,
    )


def step_screen(setup: Setup) -> SetupScreen:
    """The page of the step at which the plan stands."""
    from village_agent.tui.screens import setup_join, setup_machine, setup_node

    screens: dict[Step, type[SetupScreen]] = {
        screen.STEP: screen for module in (setup_machine, setup_node, setup_join) for screen in module.SCREENS
    }
    return screens[setup.plan.step](setup)
