"""Errors that say, in both languages, what is wrong, whose fault it is and what to do next."""

from enum import StrEnum

Lang = str
"""Language of words shown to people: ``zh`` (default) or ``en``."""


class Fault(StrEnum):
    """Who has to act so that the same thing succeeds the next time."""

    INPUT = "input"
    """The person at the keyboard, or the file they gave."""
    PEER = "peer"
    """Another node."""
    LOCAL = "local"
    """This machine: disk, clock, settings, keys."""
    STATE = "state"
    """Nobody did wrong, but the case or node is not in a state that allows it."""


class LiandongError(Exception):
    """A refusal in words; whatever raised it has changed nothing.

    ``code`` is stable (``people.id_checksum``), ``zh`` and ``en`` are whole sentences that name what, why and
    what to do; neither may hold a full identity number or phone number.
    """

    fault = Fault.STATE

    def __init__(self, code: str, *, zh: str, en: str) -> None:
        super().__init__(f"{code}: {en}")
        self.code = code
        self.zh = zh
        self.en = en

    def text(self, lang: Lang = "zh") -> str:
        return self.en if lang == "en" else self.zh


class InputError(LiandongError):
    """Mend what was typed, or the file that was given, and try again."""

    fault = Fault.INPUT


class PeerError(LiandongError):
    """Another node sent something that cannot be accepted; it is not taken over, and it keeps its copy."""

    fault = Fault.PEER


class LocalError(LiandongError):
    """This machine needs attention before the work can go on."""

    fault = Fault.LOCAL


class StateError(LiandongError):
    """The case, or the node, is not where this step is allowed."""

    fault = Fault.STATE
