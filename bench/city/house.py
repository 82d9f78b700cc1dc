"""The city node that is loaded and looked at: made and opened as every city node is, on the day the books end."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.engine import make_url

from bench.city.histories import Town
from bench.city.story import CITY
from bench.city.years import LAST_DAY
from city_node.app import CHAINS, City, compose, open_city
from city_node.publishing import publish
from core.catalogue import encode_catalogue, load_catalogue
from core.clock import CHINA
from core.messages import Role
from core.store.officers import Roster
from sync import registrar
from sync.environment import SystemWorld
from sync.installation import DATABASE, create
from sync.primitives import argon2id
from sync.settings import FILE_NAME, Settings

PASSWORD = "five-years-of-cases"
LEADER, AUDITOR = "lead", "audit"
"""A supervisor and window head of every department, and the auditor."""


class EveningOf2015(SystemWorld):
    """This machine's world, its wall clock set to the evening on which the books end."""

    def __init__(self) -> None:
        self._start = datetime(LAST_DAY.year, LAST_DAY.month, LAST_DAY.day, 17, 30, tzinfo=CHINA)
        self._since_s = time.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._since_s)


@dataclass(frozen=True, slots=True)
class Where:
    """A node's folder and the URL of its database; empty for SQLite in the folder."""

    folder: Path
    url: str

    @classmethod
    def at(cls, url: str, folder: Path | None) -> "Where":
        """From ``sqlite:////folder/node.db``, or any other URL with a folder for keys and settings.

        Raises ``SystemExit`` in words.
        """
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            if folder is None:
                raise SystemExit("a node on a server also needs --folder, for its keys and settings")
            return cls(folder.absolute(), url)
        path = Path(parsed.database or "")
        if path.name != DATABASE:
            raise SystemExit(
                f"the database of a node on SQLite is called {DATABASE}: sqlite:////folder/{DATABASE}"
            )
        return cls(path.parent.absolute(), "")

    @property
    def name(self) -> str:
        return "PostgreSQL" if self.url else "SQLite"


def open_house(where: Where) -> City:
    """The node at ``where``; made with an authority, the catalogue and nobody at its desk if there is none."""
    world = EveningOf2015()
    if (where.folder / FILE_NAME).exists():
        return open_city(where.folder, world)
    city = compose(create(where.folder, Settings(node=CITY, database_url=where.url), world, CHAINS))
    registrar.found_authority(city.installation.node)
    publish(city, "catalogue", encode_catalogue(load_catalogue()))
    return city


def hire(city: City, town: Town) -> None:
    """The teams of the departments, a supervisor and an auditor; nothing if they are there."""
    roster = Roster(city.installation.node.world, argon2id)
    names = {item.department.code: item.department.name for item in town.catalogue.items}
    with city.installation.db.transaction() as tx:
        if roster.find(tx, LEADER) is not None:
            return
        roster.add(tx, LEADER, "督查主任", (Role.SUPERVISOR, Role.WINDOW_HEAD), "", PASSWORD)
        roster.add(tx, AUDITOR, "审计员", (Role.AUDITOR,), "", PASSWORD)
        roster.add(tx, "hall", "大厅窗口", (Role.WINDOW,), "", PASSWORD)
        for code, team in town.teams.items():
            for actor in team.everyone:
                roster.add(tx, actor.officer, actor.name, (actor.role,), names[code], PASSWORD)
