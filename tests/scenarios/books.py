"""A city whose offices are those of the programs: villages and townships that report, and a city that keeps the sheet."""

from functools import partial

import sqlalchemy as sa

from city_node.office import CityOffice
from city_node.sheet import acts
from city_node.sheet.lines import Drawn, lines_of
from city_node.sheet.tables import DIFFERENCE
from city_node.sheet.view import DayView, view_of
from core.clock import CHINA
from core.identifiers import NodeId, Tier
from core.messages import Role
from core.sheet import Verdict
from core.store.engine import METADATA
from core.store.office import Office
from core.store.officers import Officer
from core.store.reporting import Reporter, ReportingOffice
from sync import audit
from sync.node import Node
from sync.own_figures import OwnFigures
from tests.scenarios.offices import Offices
from tests.scenarios.world import CITY

SUPERVISOR = Officer("du", "督查", (Role.SUPERVISOR,), "")


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

    def do(self, division: str, name: str, words: str = "", case: str | None = None) -> None:
        """Do something, by its present status, about the first difference of a division that is not level."""
        query = sa.select(DIFFERENCE).where(DIFFERENCE.c.status != "level", DIFFERENCE.c.division == division)
        if case is not None:
            query = query.where(DIFFERENCE.c.case_id == case)
        with self.nodes[CITY].db.reading() as tx:
            row = tx.execute(query.order_by(DIFFERENCE.c.first_at)).first()
        assert row is not None, "nothing differs"
        acts.act_on(self.desk, SUPERVISOR, row.id, name, words, acts.seen_of(row))

    @property
    def desk(self) -> acts.Desk:
        node = self.nodes[CITY]
        return acts.Desk(self.city, node.world, partial(audit.note, world=node.world), node)

    def verdict(self, division: str, day: str | None = None) -> Verdict:
        return self.view(day).entries[division].verdict

    def view(self, day: str | None = None) -> DayView:
        self.draw()
        node = self.nodes[CITY]
        with node.db.reading() as tx:
            return view_of(tx, node.world, self.city.casebook, day or self.today)

    def differences(self, division: str = "") -> list[tuple[str, str, str]]:
        """``(case, cause, status)`` of what is not level."""
        query = sa.select(DIFFERENCE).where(DIFFERENCE.c.status != "level").order_by(DIFFERENCE.c.case_id)
        with self.nodes[CITY].db.reading() as tx:
            return [
                (row.case_id, row.cause, row.status)
                for row in tx.execute(query)
                if row.division.startswith(division)
            ]
