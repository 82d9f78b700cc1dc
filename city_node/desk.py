"""The city's desk: what the shared desk needs, taken from this node."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from city_node.app import City, open_city
from city_node.ledgers import pages as ledgers
from city_node.office import CityOffice
from city_node.projects.pages import ProjectPages
from city_node.supervision.pages import SupervisionPages
from core.desk.context import DeskContext
from core.desk.sections import Wing
from sync.environment import SystemWorld
from sync.workplace import DeskSeam

if TYPE_CHECKING:
    from core.desk.web import DeskApp


def desk_context(app: City) -> DeskContext:
    """The desk of an opened node."""
    return DeskContext.join(app.office, DeskSeam(app.installation))


def wings(office: CityOffice) -> tuple[Wing, ...]:
    """What the city's desk has beside what every desk has."""
    return (
        SupervisionPages(office.supervisor).wing(),
        ProjectPages(office.projects).wing(),
        ledgers.wing(),
    )


def build_desk(app: City) -> "DeskApp":
    """The officers' pages of an opened node."""
    # The web framework is imported by the node that serves pages, not by every command.
    from core.desk.web import desk_app

    return desk_app(desk_context(app), *wings(app.office))


@contextmanager
def open_desk(folder: Path) -> Iterator[DeskContext]:
    """The desk of the node in ``folder``, for one command. Raises as :func:`open_city`."""
    app = open_city(folder, SystemWorld())
    try:
        yield desk_context(app)
    finally:
        app.installation.close()


def beat(app: City) -> None:
    """Every few seconds while the node runs: cards at the second they are due, and the ledger whole."""
    app.office.supervisor.catch_up(app.installation.db)
    app.office.ledger.catch_up(app.installation.db)
