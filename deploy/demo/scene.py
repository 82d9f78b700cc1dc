"""What is going on at the moment: the last look into every book, the queues, and the events in words."""

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from core.clock import CHINA
from core.messages import MessageType as M
from core.states import CLOSED, DECIDED
from deploy.demo.books import Book, Entry
from deploy.demo.plan import CITY, Application

EVENTS_KEPT = 200


@dataclass(frozen=True, slots=True)
class Event:
    """``is_main`` marks what is told even where only a few lines can be; ``mark`` an incident and its end."""

    at: str
    zh: str
    en: str
    is_main: bool
    mark: str = ""

    def text(self, lang: str) -> str:
        return f"{self.mark} {self.en if lang == 'en' else self.zh}".lstrip()


@dataclass(slots=True)
class Scene:
    """Shared by the people at work, the incidents and the screen."""

    seed: int
    lang: str
    log: Path
    started_s: float = field(default_factory=time.monotonic)
    plans: list[Application] = field(default_factory=list)
    cases: dict[str, Application] = field(default_factory=dict)
    given: dict[str, list[str]] = field(default_factory=dict)
    """Paths of the files handed in with each case."""
    books: dict[str, Book] = field(default_factory=dict)
    queues: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    """Nodes whose process is not running, and ``line`` while the line is cut."""
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    incidents: list[Event] = field(default_factory=list)
    told: int = 0
    stage: tuple[str, str] = ("", "")

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.started_s

    def tell(self, zh: str, en: str, *, main: bool = True, mark: str = "") -> None:
        """Note an event, in words."""
        event = Event(datetime.now(CHINA).strftime("%H:%M:%S"), zh, en, main, mark)
        if mark:
            self.incidents.append(event)
        self.events.append(event)
        self.told += 1
        with self.log.open("a", encoding="utf-8") as file:
            file.write(f"{event.at}  {event.text(self.lang)}\n")

    def entry(self, node: str, case: str) -> Entry | None:
        book = self.books.get(node)
        return None if book is None else book.entries.get(case)

    def latest(self, case: str) -> Entry | None:
        """The case as the book that is furthest on has it."""
        entries = [book.entries[case] for book in self.books.values() if case in book.entries]
        return max(entries, key=lambda entry: len(entry.steps), default=None)

    def whereabouts(self) -> dict[str, int]:
        """How many applications are where: ``todo village township city decided closed``."""
        places = dict.fromkeys(("todo", "village", "township", "city", "decided", "closed"), 0)
        places["todo"] = len(self.plans) - len(self.cases)
        for case in self.cases:
            entry = self.latest(case)
            if entry is None:
                places["village"] += 1
            elif entry.state in CLOSED:
                places["closed"] += 1
            elif entry.state in DECIDED:
                places["decided"] += 1
            elif entry.holder == CITY:
                places["city"] += self._has(CITY, case)
                places["township"] += not self._has(CITY, case)
            elif entry.holder == entry.township:
                # Handed on, but nobody has it before it has arrived.
                places["township"] += self._has(entry.township, case)
                places["village"] += not self._has(entry.township, case)
            else:
                places["village"] += 1
        return places

    def is_finished(self, case: str, readers: tuple[str, ...]) -> bool:
        """Whether every book has the case closed, alike, and with all its files."""
        entries = [self.entry(node, case) for node in readers]
        known = [entry for entry in entries if entry is not None]
        return (
            len(known) == len(readers)
            and all(entry.state in CLOSED for entry in known)
            and len({entry.digest for entry in known}) == 1
            and all(file.have == file.count for entry in known for file in entry.files)
            and known[0].is_rated == (self.cases[case].is_rated and M.RESULT_DELIVERED in known[0].steps)
        )

    def _has(self, node: str, case: str) -> bool:
        return self.entry(node, case) is not None
