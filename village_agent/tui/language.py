"""The other language at run time: kept for the next start, the page painted anew where one was."""

from dataclasses import replace
from typing import TYPE_CHECKING

from core.errors import LiandongError
from sync.settings import load_settings, write_settings
from village_agent.first_run import has_node, unwritable
from village_agent.tui.base import DeskScreen
from village_agent.tui.screens.lock import LockScreen
from village_agent.tui.setup import SetupScreen, step_screen
from village_agent.tui.wizard import WizardScreen, resume_screen

if TYPE_CHECKING:
    from village_agent.tui.app import DeskApp


def switch_language(app: "DeskApp") -> None:
    """Switch, and keep it where there is a node; a disk that cannot be written is said on the page."""
    screen = app.screen
    if not isinstance(screen, LockScreen | SetupScreen | DeskScreen):
        # A question in a box is answered first.
        return
    app.lang = "en" if app.lang == "zh" else "zh"
    trouble = keep_language(app)
    if isinstance(screen, LockScreen):
        screen.speak(app.lang)
    elif isinstance(screen, SetupScreen):
        screen.setup.plan = replace(screen.setup.plan, lang=app.lang, step=screen.STEP)
        screen.setup.trouble = trouble
        app.switch_screen(step_screen(screen.setup))
    else:
        _paint_anew(app, screen)
        page = app.screen
        if trouble is not None and isinstance(page, DeskScreen):
            page.call_after_refresh(page.tell_error, trouble)


def keep_language(app: "DeskApp") -> LiandongError | None:
    """Write it to the settings; the refusal if that cannot be."""
    if not has_node(app.folder):
        return None
    try:
        write_settings(app.folder, replace(load_settings(app.folder), lang=app.lang))
    except LiandongError as error:
        return error
    except OSError as error:
        return unwritable(app.folder, error)
    return None


def _paint_anew(app: "DeskApp", screen: DeskScreen) -> None:
    """A page of an application at its field; of all other pages the first one."""
    from village_agent.tui.screens.home import HomeScreen

    draft = screen.reload() if isinstance(screen, WizardScreen) else None
    while len(app.screen_stack) > 2:
        app.pop_screen()
    app.switch_screen(HomeScreen())
    if draft is not None:
        app.push_screen(resume_screen(draft))
