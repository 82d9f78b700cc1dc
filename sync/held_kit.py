"""One thing that waits for people, whatever it is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Held:
    """``kind`` is quarantine, stream or life; ``tries`` 0 but for a message; ``since`` may be unknown. ``zh`` and ``en``
    say what and why, ``do_zh`` and ``do_en`` what can be done.
    """

    kind: str
    id: str
    subject: str
    type: str
    code: str
    tries: int
    since: str | None
    zh: str
    en: str
    do_zh: str
    do_en: str
