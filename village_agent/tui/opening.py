"""What the desk needs and the door does not: read from the disk while a PIN is typed, and opened with it."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.clock import World
from core.errors import InputError
from core.forms import FormErrors, check_field
from core.items import FormField
from core.store.shelf import PUBLICATION
from core.store.watch import Watch
from village_agent.app import open_village
from village_agent.background import Background
from village_agent.pause import is_paused
from village_agent.session import Session, begin
from village_agent.tui.screens.home import HomeScreen
from village_agent.vault import Operator

__all__ = [
    "Background",
    "HomeScreen",
    "Watch",
    "begin",
    "count_publications",
    "is_paused",
    "open_desk",
    "problem_words",
]


def open_desk(folder: Path, world: World, operator: Operator, raw_key: bytes) -> Session:
    """The desk of a village whose vault is open. Raises as :func:`village_agent.app.open_village`."""
    return begin(open_village(folder, world, raw_key), operator)


def problem_words(desk: Session, lang: str, asked: FormField, value: Any) -> str:
    """What is wrong with a finished field, in words; empty if nothing is."""
    try:
        check_field(asked, value, desk.village.office.shelf.today, desk.intake.divisions)
    except FormErrors as error:
        return " ".join(p.en if lang == "en" else p.zh for p in error.problems[:3])
    except InputError as error:
        return error.text(lang)
    return ""


def count_publications(tx: sa.Connection) -> int:
    """How many have been received so far."""
    return int(tx.scalar(sa.select(sa.func.count()).select_from(PUBLICATION)) or 0)
