"""Starts the terminal program on a data folder."""

import os
from pathlib import Path

from core.errors import InputError
from sync.environment import SystemWorld
from sync.settings import load_settings
from village_agent import unlock
from village_agent.tui.app import DeskApp


def run_screens(folder: Path, lang: str) -> None:
    """Run until the operator quits. A PIN that is given beforehand opens the door at once.

    Raises as :func:`village_agent.unlock.open_desk`; ``InputError`` (``settings.*``) where there is no node yet.
    """
    load_settings(folder)
    world = SystemWorld()
    given = unlock.given("pin_file") is not None or "LIANDONG_PIN" in os.environ
    desk = unlock.open_desk(folder) if given else None
    app = DeskApp(folder, world, lang, desk)
    try:
        app.run()
    finally:
        if app.is_open:
            app.desk.close()
    if app.return_code:
        raise InputError(
            "tui.ended", zh="界面没有正常结束，数据已保存。", en="The screens ended early; the data is saved."
        )
