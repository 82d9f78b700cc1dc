"""A village's desk beside its township in one process, with a folder that stands for a stick."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.store.office import Office
from sync.environment import SystemWorld
from sync.outbox import queue_of
from sync.workplace import Workplace
from tests.unit.enrolled_kit import TOWN, enrol_with, found_city, township
from tests.unit.village_kit import open_desk, sheet
from tests.unit.village_screens import Journey, walk
from village_agent.session import Session


@dataclass(frozen=True)
class Place:
    """A village desk with one case that waits, its township, and a folder that stands for a stick."""

    desk: Session
    town: Workplace[Office]
    stick: Path

    def waiting(self) -> int:
        """Envelopes that the township has not signed for."""
        with self.desk.village.installation.db.reading() as tx:
            return queue_of(tx, TOWN).envelopes

    def walk(self, journey: Journey, *, lang: str = "zh") -> None:
        walk(self.desk.village.installation.folder, journey, desk=self.desk, lang=lang)


@contextmanager
def open_place(folder: Path, **settings: str) -> Iterator[Place]:
    """All of it, enrolled; closed at the end."""
    world = SystemWorld()
    city = found_city(folder / "city", world)
    town = township(folder / "town", world, city.node)
    desk = open_desk(folder / "village", world, **settings)
    enrol_with(city.node, desk.village.installation.node)
    with desk.village.installation.db.transaction() as tx:
        desk.intake.submit(tx, desk.actor, sheet(desk.intake))
    stick = folder / "media" / "KINGSTON"
    stick.mkdir(parents=True)
    try:
        yield Place(desk, town, stick)
    finally:
        desk.close()
        town.installation.close()
        city.close()
