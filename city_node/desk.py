"""The city's desk: what the shared desk needs, taken from this node."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from city_node.app import City, open_city
from city_node.catalogue.pages import CataloguePages
from city_node.ledgers import pages as ledgers
from city_node.nodes.pages import NodePages
from city_node.office import CityOffice
from city_node.projects.pages import ProjectPages
from city_node.ratings.pages import RatingPages
from city_node.sheet.pages import SheetPages
from city_node.supervision.pages import SupervisionPages
from core.desk.context import DeskContext
from core.desk.public.pages import PublicPages
from core.desk.sections import Wing
from sync.environment import SystemWorld
from sync.workplace import DeskSeam

if TYPE_CHECKING:
    from core.desk.web import DeskApp


def desk_context(app: City) -> DeskContext:
    """The desk of an opened node."""
    return DeskContext.join(app.office, DeskSeam(app.installation))


def wings(office: CityOffice) -> tuple[Wing, ...]:
    """What the city's desk has beside what every desk has, but for what looks at the carrier itself."""
    return (
        SupervisionPages(office.supervisor).wing(),
        ProjectPages(office.projects).wing(),
        ledgers.wing(),
        RatingPages(office.ratings).wing(),
        PublicPages(office.doorkeeper).wing(),
    )


def wings_of(app: City) -> tuple[Wing, ...]:
    """Those of the office, and what publishes to every node."""
    return (*wings(app.office), CataloguePages(app).wing())


def build_desk(app: City) -> "DeskApp":
    """The officers' pages of an opened node."""
    # The web framework is imported by the node that serves pages, not by every command.
    from core.desk.web import desk_app

    node, folder = app.installation.node, app.installation.folder
    own = (SheetPages(app.office, node).wing(), NodePages(app.office, node, folder).wing())
    return desk_app(desk_context(app), *wings_of(app), *own)


def build_public(app: City) -> "DeskApp":
    """The citizens' pages alone."""
    from core.desk.web import public_app

    return public_app(desk_context(app), PublicPages(app.office.doorkeeper).wing())


@contextmanager
def open_desk(folder: Path) -> Iterator[DeskContext]:
    """The desk of the node in ``folder``, for one command. Raises as :func:`open_city`."""
    app = open_city(folder, SystemWorld())
    try:
        yield desk_context(app)
    finally:
        app.installation.close()


def beat(app: City) -> None:
    """Every few seconds while the node runs: cards at the second they are due, the ledger whole, ratings of before there
    was a register, the lines of the sheet.
    """
    db = app.installation.db
    for keeper in (app.office.supervisor, app.office.ledger, app.office.ratings, app.office.bookkeeper):
        keeper.catch_up(db)
