"""The city's office: that of every tier, and a supervisor over its cases."""

from typing import Any

import sqlalchemy as sa

from city_node.ledgers.book import Ledger
from city_node.projects.book import Projects
from city_node.supervision.supervisor import Supervisor
from core.clock import World
from core.identifiers import NodeId
from core.store.office import Office


class CityOffice(Office):
    """``supervisor`` looks at every case that moves here, ``ledger`` keeps a line of each,
    ``projects`` those that are decided together."""

    def __init__(self, node: NodeId, world: World, **carried: Any) -> None:
        super().__init__(node, world, **carried)
        self.supervisor = Supervisor(self, world)
        self.ledger = Ledger(self, world)
        self.projects = Projects(self, world)

    def use_new_calendar(self, tx: sa.Connection) -> None:
        super().use_new_calendar(tx)
        self.supervisor.look_at_all(tx)
