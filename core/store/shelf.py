"""The published tables a node works by: every version of the catalogue, and the working-day calendar."""

from datetime import date

import sqlalchemy as sa

from core.calendar import WorkCalendar, load_calendar, parse_calendar
from core.calendar import encode as encode_calendar
from core.catalogue import CatalogueHistory, encode_catalogue, parse_catalogue
from core.clock import CHINA, World
from core.items import Item
from core.store.engine import METADATA

PUBLICATION = sa.Table(
    "publication",
    METADATA,
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
    comment="catalogues and calendars as the city published them",
)

CATALOGUE, CALENDAR = "catalogue", "calendar"
CATALOGUE_PUBLISHED = "CataloguePublished"
CALENDAR_PUBLISHED = "CalendarPublished"


class Shelf:
    """Holds what was published, in memory and in the database. The built-in calendar is version 1 of itself."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.catalogues = CatalogueHistory()
        self.calendar: WorkCalendar = load_calendar()

    def load(self, tx: sa.Connection) -> None:
        """Take up what the database holds and this does not yet: another process may have received a version."""
        for kind, version in tx.execute(sa.select(PUBLICATION.c.kind, PUBLICATION.c.version)).all():
            if kind == CATALOGUE and not self._has_catalogue(version):
                self.catalogues = self.catalogues.with_version(parse_catalogue(_read(tx, kind, version)))
            elif kind == CALENDAR and version > self.calendar.version:
                self.calendar = parse_calendar(_read(tx, kind, version))

    def put_catalogue(self, tx: sa.Connection, data: bytes) -> int:
        """Keep a published catalogue; returns its version. Raises ``InputError`` (``catalogue.*``)."""
        catalogue = parse_catalogue(data)
        held = self.catalogues.with_version(catalogue)
        self._store(tx, CATALOGUE, catalogue.version, encode_catalogue(catalogue))
        self.catalogues = held
        return catalogue.version

    def put_calendar(self, tx: sa.Connection, data: bytes) -> int:
        """Keep a published calendar; returns its version. Raises ``InputError`` (``calendar.*``)."""
        calendar = parse_calendar(data)
        self._store(tx, CALENDAR, calendar.version, encode_calendar(calendar))
        if calendar.version >= self.calendar.version:
            self.calendar = calendar
        return calendar.version

    def item(self, code: str, version: int) -> Item | None:
        """The item as a version had it, None while that version has not come. Raises ``InputError``."""
        known = next((c for c in self.catalogues.versions if c.version == version), None)
        return None if known is None else known.item(code)

    @property
    def today(self) -> date:
        """The China date."""
        return self._world.now().astimezone(CHINA).date()

    @property
    def version(self) -> int:
        """The newest catalogue held, 0 if none."""
        return self.catalogues.versions[-1].version if self.catalogues.versions else 0

    def _has_catalogue(self, version: int) -> bool:
        return any(held.version == version for held in self.catalogues.versions)

    def _store(self, tx: sa.Connection, kind: str, version: int, data: bytes) -> None:
        where = (PUBLICATION.c.kind == kind) & (PUBLICATION.c.version == version)
        if tx.scalar(sa.select(PUBLICATION.c.version).where(where)) is None:
            tx.execute(sa.insert(PUBLICATION).values(kind=kind, version=version, data=data))


def _read(tx: sa.Connection, kind: str, version: int) -> bytes:
    where = (PUBLICATION.c.kind == kind) & (PUBLICATION.c.version == version)
    return bytes(tx.execute(sa.select(PUBLICATION.c.data).where(where)).scalar_one())
