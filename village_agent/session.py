"""An operator at the open desk: the village agent unlocked by a PIN."""

from dataclasses import dataclass
from pathlib import Path

from core.clock import World
from core.messages import Actor, Role
from core.regions import Divisions
from village_agent.app import Village, open_village
from village_agent.intake import Intake
from village_agent.people_seen import note_missing
from village_agent.prints import sweep_prints
from village_agent.vault import Operator, open_vault


@dataclass(frozen=True, slots=True)
class Session:
    """What every screen and command works on."""

    village: Village
    actor: Actor
    intake: Intake
    is_practice: bool = False
    """Invented people on a node that never meets anybody."""

    @property
    def world(self) -> World:
        return self.village.installation.node.world

    def close(self) -> None:
        self.village.installation.close()


def open_session(folder: Path, world: World, operator: Operator, pin: str) -> Session:
    """Unlock the database and open the desk. Raises as :func:`open_vault` and ``open_village``."""
    key = open_vault(folder, operator.id, pin, world)
    return begin(open_village(folder, world, key), operator)


def begin(
    village: Village, operator: Operator, divisions: Divisions | None = None, *, is_practice: bool = False
) -> Session:
    """The desk of an open village agent: drafts long abandoned are forgotten, cases that came back are indexed,
    old prints removed.

    ``divisions``: the table of places if it is not the packaged one.
    """
    intake = Intake(village, divisions)
    with village.installation.db.transaction() as tx:
        intake.drafts.purge(tx)
        note_missing(tx, village.office.casebook, village.installation.node.place.node)
    sweep_prints(village.installation.folder, village.installation.node.world)
    return Session(village, Actor(operator.id, operator.name, Role.AGENT), intake, is_practice)
