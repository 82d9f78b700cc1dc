"""Starts the terminal program on a data folder."""

import os
import sys
from pathlib import Path

from core.errors import InputError
from sync.environment import SystemWorld
from sync.settings import load_settings
from village_agent import unlock
from village_agent.first_run import has_node
from village_agent.practice import open_practice, practice_folder, reset
from village_agent.session import Session
from village_agent.tui.app import DeskApp


def run_screens(folder: Path, lang: str) -> None:
    """Run until the operator quits. A PIN that is given beforehand opens the door at once; where there is no node yet, a
    person at a terminal is led through setting one up.

    Raises as :func:`village_agent.unlock.open_desk`; ``InputError`` (``settings.*``) without a node and a terminal.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or has_node(folder):
        load_settings(folder)
    while True:
        given = unlock.given("pin_file") is not None or "LIANDONG_PIN" in os.environ
        desk = unlock.open_desk(folder) if given and has_node(folder) else None
        app = _run(folder, lang, desk)
        if not app.wants_practice:
            return
        lang = run_practice(practice_folder(folder), app.lang)


def run_practice(folder: Path, lang: str) -> str:
    """Practise until the operator quits; returns the language that was chosen. Raises as :func:`open_practice`."""
    while True:
        app = _run(folder, lang, open_practice(folder, SystemWorld()))
        lang = app.lang
        if not app.wants_reset:
            return lang
        reset(folder)


def _run(folder: Path, lang: str, desk: Session | None) -> DeskApp:
    app = DeskApp(folder, SystemWorld(), lang, desk)
    try:
        app.run()
    finally:
        app.leave_background()
        if app.is_open:
            app.desk.close()
    if app.return_code:
        raise InputError(
            "tui.ended", zh="界面没有正常结束，数据已保存。", en="The screens ended early; the data is saved."
        )
    return app
