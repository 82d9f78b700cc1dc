"""Why what waits to be sent has not gone yet, and what a person can do: nothing waits without a reason."""

from math import ceil

from sync.enrol import is_begun
from sync.node import Node
from sync.status import is_enrolled
from village_agent.line_state import LineState
from village_agent.session import Session
from village_agent.tui.words import say


def not_joined(node: Node) -> str:
    """The words for a machine that is no node of the city: it has applied, or it has not."""
    return "join_applied" if is_begun(node) else "not_joined"


def waiting_words(desk: Session, state: LineState, lang: str) -> str:
    """One or two sentences; ``state`` is how things stand with the township now."""
    installation = desk.village.installation
    if desk.is_practice:
        return say("waiting.practice", lang)
    if not is_enrolled(installation):
        return say(not_joined(installation.node), lang)
    if not installation.settings.parent_contact:
        return say("contact_nobody", lang)
    if state.paused:
        return say("waiting.paused", lang)
    if state.error is not None:
        return say("waiting.failed", lang, why=state.error["en" if lang == "en" else "zh"])
    if state.online:
        return say("waiting.next", lang, minutes=ceil(installation.settings.contact_every_s / 60))
    return say("waiting.silent", lang)
