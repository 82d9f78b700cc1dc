"""A city of an older version: the program as it is, but for one type of message that it has not learnt yet."""

import stat
import sys
from dataclasses import replace
from pathlib import Path

from city_node import cli
from city_node.app import City
from core.messages import MessageType
from sync.cli import node_group


def main() -> None:
    def open_older(folder: Path) -> City:
        app: City = cli.PROGRAM.open(folder)
        app.installation.node.dispatch.forget(MessageType.CASE_SUBMITTED)
        return app

    node_group(replace(cli.PROGRAM, open=open_older))()


def write_program(folder: Path) -> str:
    """The path of something that can be started as the city's own program can."""
    path = folder / "older-city-node"
    path.write_text(f"#!{sys.executable}\nfrom {__name__} import main\n\nmain()\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)
