"""Starts the terminal program on a data folder."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from sync.environment import SystemWorld
from sync.settings import load_settings
from village_agent import pin
from village_agent.first_run import has_node
from village_agent.splash import is_at_terminal
from village_agent.tui.app import DeskApp

if TYPE_CHECKING:
    from village_agent.session import Session


def run_screens(folder: Path, lang: str) -> None:
    """Run until the operator quits. A PIN that is given beforehand opens the door at once; where there is no node yet, a
    person at a terminal is led through setting one up.

    Raises as :func:`village_agent.pin.unlock` and ``open_desk``; ``InputError`` (``settings.*``) without a node and a terminal.
    """
    if not is_at_terminal() or has_node(folder):
        load_settings(folder)
    while True:
        desk = _open_given(folder) if pin.is_given() and has_node(folder) else None
        app = _run(folder, lang, desk)
        if not app.wants_practice:
            return
        from village_agent.practice import practice_folder

        lang = run_practice(practice_folder(folder), app.lang)


def run_practice(folder: Path, lang: str) -> str:
    """Practise until the operator quits; returns the language that was chosen. Raises as :func:`open_practice`."""
    from village_agent.practice import open_practice, reset

    while True:
        app = _run(folder, lang, open_practice(folder, SystemWorld()))
        lang = app.lang
        if not app.wants_reset:
            return lang
        reset(folder)


def _open_given(folder: Path) -> "Session":
    world = SystemWorld()
    operator, opens = pin.opening(folder)
    with ThreadPoolExecutor(1) as beside:
        # The key takes a quarter of a second on the other core; the rest of the program is read meanwhile.
        key = beside.submit(opens)
        from village_agent.tui.opening import open_desk

        return open_desk(folder, world, operator, key.result())


def _run(folder: Path, lang: str, desk: "Session | None") -> DeskApp:
    app = DeskApp(folder, SystemWorld(), lang, desk)
    try:
        app.run()
    finally:
        app.leave_background()
        app.look_no_more()
        if app.is_open:
            app.desk.close()
    if app.return_code:
        raise InputError(
            "tui.ended", zh="界面没有正常结束，数据已保存。", en="The screens ended early; the data is saved."
        )
    return app
