"""The city's office: that of every tier, and the keepers of what only the city keeps."""

from typing import Any

import sqlalchemy as sa

from city_node.ledgers.book import Ledger
from city_node.projects.book import Projects
from city_node.ratings.register import Register
from city_node.sheet.bookkeeper import Bookkeeper
from city_node.supervision.consultations import Consultations
from city_node.supervision.supervisor import Supervisor
from core.clock import World
from core.consultation import CONSULTATION_ASKED
from core.consultation import SCHEMA as CONSULTATION_SCHEMA
from core.desk.public.doorkeeper import Doorkeeper
from core.identifiers import NodeId
from core.sheet_report import SCHEMA, SHEET_REPORTED
from core.store.casework import Post
from core.store.office import Office, Take


class CityOffice(Office):
    """``supervisor`` looks at every case that moves here, ``ledger`` keeps a line of each, ``projects`` those that are
    decided together, ``consultations`` what villages ask for citizens, ``ratings`` how cases were rated, ``bookkeeper`` holds every book against the others; ``doorkeeper``
    counts what citizens ask of all public pages.
    """

    def __init__(self, node: NodeId, world: World, **carried: Any) -> None:
        super().__init__(node, world, **carried)
        self.post: Post = carried["post"]
        self.supervisor = Supervisor(self, world)
        self.ledger = Ledger(self, world)
        self.projects = Projects(self, world)
        self.ratings = Register(self)
        self.doorkeeper = Doorkeeper(world)
        self.bookkeeper = Bookkeeper(self, world)
        self.consultations = Consultations(node, world, self.post)

    def handlers(self) -> dict[str, tuple[Take, int]]:
        return {
            **super().handlers(),
            SHEET_REPORTED: (self.bookkeeper.take, SCHEMA),
            CONSULTATION_ASKED: (self.consultations.take, CONSULTATION_SCHEMA),
        }

    def use_new_calendar(self, tx: sa.Connection) -> None:
        super().use_new_calendar(tx)
        self.supervisor.look_at_all(tx)
