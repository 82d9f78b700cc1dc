"""A city whose offices are those of the programs: villages and townships that report, and a city that keeps the sheet."""

import sqlalchemy as sa

from city_node.office import CityOffice
from city_node.sheet.lines import Drawn, lines_of
from city_node.sheet.tables import DIFFERENCE
from core.clock import CHINA
from core.identifiers import NodeId, Tier
from core.store.engine import METADATA
from core.store.office import Office
from core.store.reporting import Reporter, ReportingOffice
from sync.node import Node
from sync.own_figures import OwnFigures
from tests.scenarios.offices import Offices
from tests.scenarios.world import CITY


class Books(Offices):
    """``beat`` is what every program does every few seconds."""

    def join(self, node: Node, tx: sa.Connection) -> Office:
        METADATA.create_all(node.db.engine)
        if node.place.tier is Tier.CITY:
            return CityOffice.join(node, tx)
        office = ReportingOffice.join(node, tx)
        office.reporter = Reporter.join(node.place.node, node, office, OwnFigures(node))
        return office

    @property
    def city(self) -> CityOffice:
        office = self.office[CITY]
        assert isinstance(office, CityOffice)
        return office

    @property
    def today(self) -> str:
        return f"{self.world.now().astimezone(CHINA):%Y%m%d}"

    def beat(self, *names: NodeId) -> None:
        """Ten minutes pass, and everybody (or those named) looks whether there is something to tell."""
        self.world.pass_time(minutes=10)
        for name in names or self.nodes:
            office = self.office[name]
            if isinstance(office, ReportingOffice):
                office.reporter.beat(self.nodes[name].db)

    def told(self, *names: NodeId, rounds: int = 2) -> None:
        """Everybody named (or all) reports, and the reports reach the city."""
        for _ in range(rounds):
            self.beat(*names)
            self.settle(2, *(name for name in names if name != CITY))
        self.draw()

    def draw(self) -> None:
        self.city.bookkeeper.catch_up(self.nodes[CITY].db, now=True)

    def line(self, division: str, day: str | None = None) -> Drawn:
        with self.nodes[CITY].db.reading() as tx:
            return lines_of(tx, day or self.today, division)[division]

    def differences(self, division: str = "") -> list[tuple[str, str, str]]:
        """``(case, cause, status)`` of what is not level."""
        query = sa.select(DIFFERENCE).where(DIFFERENCE.c.status != "level").order_by(DIFFERENCE.c.case_id)
        with self.nodes[CITY].db.reading() as tx:
            return [
                (row.case_id, row.cause, row.status)
                for row in tx.execute(query)
                if row.division.startswith(division)
            ]
