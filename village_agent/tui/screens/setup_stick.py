"""Joining the city by a stick: which one, and what it came to, in words."""

from collections.abc import Callable
from pathlib import Path

from core.errors import StateError
from sync.enrol_stick import Stage
from sync.stick_words import same_disk_words
from village_agent.founding import Carried
from village_agent.tui.screens.stick_choice import StickChoiceScreen
from village_agent.tui.words import say


class JoinStickScreen(StickChoiceScreen):
    """Chosen as for an export; the page of the set-up that asked goes on with it."""

    def __init__(self, chosen: Callable[[Path], None]) -> None:
        super().__init__(bring_in=True)
        self._chosen = chosen

    def title_words(self) -> str:
        return self.words("setup.join_stick")

    def question(self) -> str:
        return "setup.join_which_stick"

    def go(self, path: Path) -> None:
        self.app.pop_screen()
        self._chosen(path)


def carried_words(carried: Carried, lang: str) -> list[str]:
    """What stands on the stick now and where somebody has to carry it; sentences, one a line."""
    outcome, label = carried.outcome, carried.label
    lines = [same_disk_words(lang)] if carried.is_same_disk else []
    lines += [
        say("setup.join_spoilt", lang, name=one.name, why=one.error.text(lang)) for one in outcome.spoilt
    ]
    if outcome.stage is Stage.ENROLLED:
        return [*lines, *_joined_words(carried, lang)]
    if outcome.error is not None:
        lines.append(say("setup.join_refused", lang, why=outcome.error.text(lang)))
    if isinstance(outcome.error, StateError):
        # The city has said no: the same application would hear the same.
        return [*lines, say("setup.join_pull_out", lang, label=label)]
    return [
        *lines,
        say("setup.join_applied", lang, label=label),
        say("setup.join_carry", lang),
        say("setup.join_keep_code", lang, code=outcome.code_id),
    ]


def _joined_words(carried: Carried, lang: str) -> list[str]:
    lines = [say("setup.joined", lang)]
    failed = carried.outcome.error or (carried.introduction.error if carried.introduction else None)
    if failed is not None:
        return [*lines, say("setup.join_not_introduced", lang, why=failed.text(lang))]
    introduced = say("setup.join_introduced", lang, label=carried.label)
    return [*lines, introduced, say("setup.join_to_township", lang)]
