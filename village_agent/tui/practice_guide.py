"""The line at the bottom of a practice that says which key comes next."""

from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from textual.app import App

from core.states import DECIDED, State
from core.store.casebook import CASE
from village_agent.practice_cases import nobody
from village_agent.practice_mark import PRACTICE_VILLAGE
from village_agent.tui.words import has_words, say

if TYPE_CHECKING:
    from village_agent.tui.app import DeskApp
    from village_agent.tui.base import DeskScreen

GUIDED_PERSON = 7
"""Not one of those in the prepared cases."""


def practice_mark(app: App[Any], lang: str) -> str:
    """What stands before the title of every page of a practice; empty anywhere else."""
    desk = cast("DeskApp", app).desk
    return f"[{say('practice.mark', lang)}] " if desk.is_practice else ""


def guide_words(screen: "DeskScreen") -> str:
    """What a beginner does next on ``screen``."""
    name, lang = type(screen).__name__, screen.lang
    key = _key_of(screen, f"guide.{name}")
    words = say(key if has_words(key) else "guide.other", lang, number=nobody(GUIDED_PERSON)["id_no"])
    return say("guide", lang, words=words)


def _key_of(screen: "DeskScreen", key: str) -> str:
    from village_agent.tui.fields import Field
    from village_agent.tui.screens.case import CaseScreen
    from village_agent.tui.screens.check import CheckScreen
    from village_agent.tui.screens.form import ApplicantScreen
    from village_agent.tui.screens.home import HomeScreen

    if isinstance(screen, ApplicantScreen) and screen.focused is not None:
        field = next((one for one in screen.focused.ancestors_with_self if isinstance(one, Field)), None)
        asked = f"guide.{field.asked.key}" if field is not None else ""
        return asked if has_words(asked) else key
    if isinstance(screen, CheckScreen):
        return f"{key}.problems" if screen.desk.intake.check(screen.draft.sheet) else key
    if isinstance(screen, CaseScreen) and screen.view is not None:
        case = screen.view.case
        if case.holder != PRACTICE_VILLAGE:
            return key
        if case.state is State.SUPPLEMENT_REQUESTED:
            return f"{key}.supplement"
        return f"{key}.deliver" if case.state in DECIDED else key
    if isinstance(screen, HomeScreen) and _is_first_done(screen):
        return f"{key}.after"
    return key


def _is_first_done(screen: "DeskScreen") -> bool:
    """Whether a case beyond the prepared ones was submitted and lies with the township."""
    with screen.desk.village.installation.db.reading() as tx:
        found = tx.scalar(sa.select(sa.func.count()).select_from(CASE).where(CASE.c.state == State.SUBMITTED))
    return bool(found)
