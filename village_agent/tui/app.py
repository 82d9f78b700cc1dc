"""The terminal program: opens the door, holds the desk, and knows which screen a key leads to."""

import gc
import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.events import ScreenResume
from textual.screen import Screen
from textual.scrollbar import ScrollBar

from core.clock import World
from core.errors import LiandongError
from village_agent.first_run import Step, has_node, is_begun
from village_agent.tui.lean_styles import keep_no_pages
from village_agent.tui.screens.lock import LockScreen
from village_agent.tui.scroll_bar import PlainBars
from village_agent.tui.theme import DESK_THEME
from village_agent.tui.words import say
from village_agent.vault import Operator

if TYPE_CHECKING:
    import sqlalchemy as sa

    from core.items import FormField
    from core.store.watch import Watch
    from village_agent.background import Background
    from village_agent.drafts import Draft
    from village_agent.line_state import LineState
    from village_agent.session import Session

DESK = "village_agent.tui.opening"
IDLE_LOCK_S = 600.0
IDLE_LOOK_S = 10.0
BACKGROUND_LOOK_S = 2.0


class DeskApp(App[None]):
    """``desk`` may be given open (tests); else the door asks for a PIN."""

    CSS_PATH = "desk.tcss"
    ENABLE_COMMAND_PALETTE = False
    TITLE = "Liandong"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", show=False),
        Binding("f2", "new", show=False),
        Binding("f3", "search", show=False),
        Binding("f4", "drafts", show=False),
        Binding("f5", "contact", show=False),
        Binding("f6", "outbox", show=False),
        Binding("ctrl+p", "commands", show=False),
        Binding("ctrl+l", "lock", show=False),
        Binding("ctrl+z", "undo", show=False),
        Binding("f10", "doctor", show=False),
        Binding("f12", "language", show=False),
        Binding("ctrl+q", "quit", show=False),
    ]

    def __init__(self, folder: Path, world: World, lang: str = "zh", desk: "Session | None" = None) -> None:
        super().__init__()
        self.folder, self.world, self.lang = folder, world, lang
        self._desk = desk
        self.saved_at = ""
        self._publications = -1
        self._watch: Watch | None = None
        self.line: LineState | None = None
        self.background: Background | None = None
        self._last_key_s = world.monotonic_s()
        self.wants_practice = self.wants_reset = False
        self.abandoned = ""
        """The draft that was abandoned last, while that can be undone by a key."""
        ScrollBar.renderer = PlainBars
        keep_no_pages()

    @property
    def desk(self) -> "Session":
        assert self._desk is not None
        return self._desk

    @property
    def is_open(self) -> bool:
        return self._desk is not None

    @property
    def place_words(self) -> str:
        """Village with its township, and the operator."""
        code = self.desk.village.installation.node.place.division
        divisions = self.desk.intake.divisions
        name = divisions.full_name(code) if code in divisions else code
        return f"{name}  {self.desk.actor.name}"

    def on_mount(self) -> None:
        self.register_theme(DESK_THEME)
        self.theme = DESK_THEME.name
        self.set_interval(IDLE_LOOK_S, self._lock_if_idle)
        self.set_interval(BACKGROUND_LOOK_S, self.keep_in_touch)
        if self._desk is not None:
            self._go_home()
        elif has_node(self.folder):
            self.push_screen(LockScreen(self.folder, self.world, self.lang), self._opened)
            # Most of the program is read while the PIN is typed.
            self.call_after_refresh(threading.Thread(target=import_module, args=(DESK,), daemon=True).start)
        else:
            self.push_screen(self._first_run())
        self.call_after_refresh(_keep_what_was_read)

    def on_event_key(self) -> None:
        """A key was pressed somewhere."""
        self._last_key_s = self.world.monotonic_s()

    async def on_event(self, event: Any) -> None:
        if type(event).__name__ == "Key":
            self.on_event_key()
        await super().on_event(event)

    def _opened(self, result: tuple[Operator, bytes] | None) -> None:
        if result is None:
            self.exit()
            return
        from village_agent.tui.opening import begin, open_desk

        operator, key = result
        if self._desk is None:
            try:
                self._desk = open_desk(self.folder, self.world, operator, key)
            except LiandongError as error:
                self.exit(message=error.text(self.lang), return_code=5)
                return
            self._go_home()
        else:
            self._desk = begin(self.desk.village, operator)
            self.on_event_key()

    def _go_home(self) -> None:
        from village_agent.tui.opening import HomeScreen

        # A first run that was cut off goes on at its question.
        is_cut_off = not self.desk.is_practice and is_begun(self.folder)
        self.push_screen(self._first_run() if is_cut_off else HomeScreen())
        self.call_after_refresh(_keep_what_was_read)

    def _first_run(self, step: Step | None = None) -> Screen[None]:
        from village_agent.tui.setup import begin_setup, step_screen

        return step_screen(begin_setup(self, step))

    def hold(self, desk: "Session | None") -> None:
        """The desk that the first run has open, closed when the program ends."""
        self._desk = desk

    def setup_ended(self) -> None:
        """The first run is over: what it set up is the desk from now on."""
        self.pop_screen()
        if len(self.screen_stack) == 1:
            self._go_home()

    def keep_in_touch(self) -> None:
        """Whoever has joined the city meets the township by itself while the terminal is open, locked or not, unless the
        operator has put that off."""
        if self._desk is None or self._desk.is_practice:
            return
        from village_agent.tui.opening import Background, is_paused

        installation = self._desk.village.installation
        with installation.db.reading() as tx:
            if is_paused(tx):
                self.leave_background()
                return
        if self.background is None or self.background.installation is not installation:
            self.leave_background()
            self.background = Background(installation, self.world)
        self.background.look()

    def leave_background(self) -> None:
        """Let the background finish what it is about and end."""
        if self.background is not None:
            self.background.stop()
            self.background = None

    def _lock_if_idle(self) -> None:
        if self._desk is None or self._desk.is_practice or isinstance(self.screen, LockScreen):
            return
        if self.world.monotonic_s() - self._last_key_s > IDLE_LOCK_S:
            self._lock(say("locked", self.lang))

    def _lock(self, words: str = "") -> None:
        self.push_screen(LockScreen(self.folder, self.world, self.lang, words), self._opened)

    def check_words(self, asked: "FormField", value: Any) -> str:
        """What is wrong with a finished field, in words; empty if nothing is."""
        from village_agent.tui.opening import problem_words

        return problem_words(self.desk, self.lang, asked, value)

    def look_no_more(self) -> None:
        """Let go of the database; whoever closes or removes it has it alone then."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def data_version(self) -> tuple[int, int]:
        """Another value after every commit to this device's database, the background's too."""
        from village_agent.tui.opening import Watch

        db = self.desk.village.installation.db
        if self._watch is None or self._watch.db is not db:
            self._watch = Watch(db)
        return self._watch.version()

    def take_publications(self, tx: "sa.Connection") -> None:
        """Take up what a background contact of this node received, if there is anything new."""
        from village_agent.tui.opening import count_publications

        count = count_publications(tx)
        if count != self._publications:
            self._publications = count
            self.desk.village.office.refresh(tx)

    def resume(self, draft: "Draft") -> None:
        """Go on with a draft where the pen was put down."""
        from village_agent.tui.wizard import resume_screen

        self.push_screen(resume_screen(draft))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if getattr(self.screen, "IS_DOOR", False):
            return action in ("quit", "practise", "language", "focus_next", "focus_previous")
        # A page that the first run opened leads back to it and nowhere else.
        if any(getattr(screen, "IS_DOOR", False) for screen in self.screen_stack):
            return action in ("quit", "focus_next", "focus_previous")
        return True

    def action_practise(self) -> None:
        """Leave this for the practice with invented people; what is typed here is kept."""
        if self._desk is None or not self._desk.is_practice:
            self.wants_practice = True
            self.exit()

    def action_language(self) -> None:
        """The other language, from now on and at the next start."""
        from village_agent.tui.language import switch_language

        switch_language(self)

    def action_join(self) -> None:
        """Join the city, where that was put off."""
        from sync import enrol as enrolment
        from sync.status import is_enrolled

        if self.desk.is_practice:
            self._tell("practice.no_contact")
        elif is_enrolled(self.desk.village.installation):
            self._tell("already_joined")
        else:
            applied = enrolment.is_begun(self.desk.village.installation.node)
            self.push_screen(self._first_run(Step.JOIN if applied else Step.ADDRESS))

    def action_practice_reset(self) -> None:
        """Leave, and open the practice as it was at first."""
        if self.desk.is_practice:
            self.wants_reset = True
            self.exit()

    def action_doctor(self) -> None:
        from village_agent.tui.screens.doctor import DoctorScreen

        self._visit(DoctorScreen)

    def action_help(self) -> None:
        from village_agent.tui.base import DeskScreen
        from village_agent.tui.screens.help import HelpScreen

        if isinstance(self.screen, DeskScreen) and not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def action_new(self) -> None:
        from village_agent.tui.screens.find_item import FindItemScreen

        self._visit(FindItemScreen)

    def action_search(self) -> None:
        from village_agent.tui.screens.cases import CasesScreen

        self.push_screen(CasesScreen("search"))

    def action_all_cases(self) -> None:
        from village_agent.tui.screens.cases import CasesScreen

        self.push_screen(CasesScreen("all"))

    def action_results(self) -> None:
        from village_agent.tui.screens.results import ResultsScreen

        self._visit(ResultsScreen)

    def action_appointments(self) -> None:
        from village_agent.tui.screens.appointments import AppointmentsScreen

        self._visit(AppointmentsScreen)

    def action_consultations(self) -> None:
        from village_agent.tui.screens.consultations import ConsultationsScreen

        self._visit(ConsultationsScreen)

    def action_outbox(self) -> None:
        from village_agent.tui.screens.cases import CasesScreen

        self.push_screen(CasesScreen("waiting"))

    def action_drafts(self) -> None:
        from village_agent.tui.screens.drafts import DraftsScreen

        self._visit(DraftsScreen)

    def action_contact(self) -> None:
        from village_agent.tui.screens.contact import ContactScreen

        self._visit(ContactScreen)

    def action_commands(self) -> None:
        from village_agent.tui.screens.commands import CommandsScreen

        self._visit(CommandsScreen)

    def action_lock(self) -> None:
        if self.desk.is_practice:
            self._tell("practice.no_lock")
            return
        self._lock()

    def action_undo(self) -> None:
        """Take back the last abandonment; the pages of an application undo their own changes."""
        from village_agent.tui.base import DeskScreen

        screen, draft = self.screen, self.abandoned
        if not isinstance(screen, DeskScreen):
            return
        if not draft:
            self._tell("nothing_to_undo")
        elif screen.write(lambda tx: self.desk.intake.drafts.restore(tx, draft)):
            self.abandoned = ""
            screen.post_message(ScreenResume())
            screen.call_after_refresh(self._tell, "restored_one")

    def action_operators(self) -> None:
        from village_agent.tui.screens.operators import OperatorsScreen

        if not self.desk.is_practice:
            self._visit(OperatorsScreen)

    def _tell(self, words: str) -> None:
        """Say something on the page that is open."""
        from village_agent.tui.base import DeskScreen

        if isinstance(self.screen, DeskScreen):
            self.screen.tell(say(words, self.lang))

    def _visit(self, screen: type[Any]) -> None:
        """Open a screen, unless it is the one that is open."""
        if not isinstance(self.screen, screen):
            self.push_screen(screen())


def _keep_what_was_read() -> None:
    """Code is never garbage: looking through all of it now and then would keep a key waiting for a twentieth of a second."""
    gc.freeze()
    gc.enable()
