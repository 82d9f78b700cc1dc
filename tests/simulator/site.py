"""One machine of the city: its disk and clock stay, its program comes and goes."""

from dataclasses import dataclass, field
from pathlib import Path

import sqlcipher3.dbapi2 as driver

import city_node.app
import township_node.app
import village_agent.app
from core.identifiers import NodeId, Tier, division_of, parent_of, tier_of
from core.store.office import Office
from sync import epoch
from sync.authority import Founding, Issuer, issue_pair
from sync.identity import read_place, write_fact
from sync.installation import Installation
from sync.keyring import Keyring
from sync.node import Node, store_keys
from sync.primitives import SealingKey, SigningKey
from sync.settings import Settings
from sync.x509 import Certificate
from tests.simulator.disk import CrashingDatabase, Disk
from tests.simulator.timeline import NodeClock
from village_agent.intake import Intake

COMPOSE = {
    Tier.CITY: city_node.app.compose,
    Tier.TOWNSHIP: township_node.app.compose,
    Tier.VILLAGE: village_agent.app.compose,
}


@dataclass(slots=True)
class Site:
    """``program`` is None while the machine is off. What is remembered here is the simulator's, not the node's."""

    name: NodeId
    clock: NodeClock
    disk: Disk
    db: CrashingDatabase | None = None
    node: Node | None = None
    office: Office | None = None
    village: village_agent.app.Village | None = None
    intake: Intake | None = None
    contact_due_s: float | None = None
    contact_failed: bool = False
    mark: tuple[int, ...] = ()
    restores: int = 0
    is_restored: bool = False
    """The database was put back and its program knows it: see ``sync.home``."""
    is_older: bool = False
    """The program is a version before: it does not know ratings yet."""
    on_desk: set[tuple[str, str]] = field(default_factory=set)
    _peephole: driver.Connection | None = None

    @property
    def tier(self) -> Tier:
        return tier_of(division_of(self.name))

    @property
    def parent(self) -> NodeId | None:
        return None if self.tier is Tier.CITY else NodeId(parent_of(division_of(self.name)))

    @property
    def is_up(self) -> bool:
        return self.node is not None

    def start(self) -> None:
        """Open what the disk holds, as a tier's program does."""
        self.db = self.disk.open()
        if self.is_restored:
            with self.db.transaction() as tx:
                epoch.begin(tx, read_place(tx), self.clock, epoch.Reason.RESTORED)
            self.is_restored = False
        self.node = Node.load(self.db, self.clock, self.disk, "simulated")
        installation = Installation(self.disk.folder, Settings(node=self.name), self.db, self.node)
        composed = COMPOSE[self.tier](installation)
        self.office = composed.office
        if composed.installation.node.place.tier is Tier.VILLAGE:
            self.village = composed
            self.intake = Intake(composed)
        if self.is_older:
            self.node.dispatch.forget("CaseRated")

    def lose_power(self) -> None:
        """The program is gone; the disk is as it lay."""
        assert self.db is not None
        self.shut_peephole()
        self.disk.crash(self.db)
        self.db = self.node = self.office = self.village = self.intake = None
        self.contact_due_s = None
        self.on_desk.clear()

    def peep(self) -> driver.Connection:
        """The judge's own look at the disk: committed rows only, no production code in between."""
        if self._peephole is None:
            self._peephole = driver.connect(str(self.disk.path), isolation_level=None)
        return self._peephole

    def shut_peephole(self) -> None:
        if self._peephole is not None:
            self._peephole.close()
            self._peephole = None

    def close(self) -> None:
        self.shut_peephole()
        if self.db is not None:
            self.db.close()


def enrol(site: Site, founding: Founding, above: list[Certificate]) -> list[Certificate]:
    """Give a fresh installation its identity and its certificates; returns the two that are its own."""
    clock = site.clock
    epoch = clock.random_bytes(16).hex()
    keyring = Keyring(site.name)
    signing, sealing = SigningKey.generate(clock.random_bytes), SealingKey.generate(clock.random_bytes)
    records = list(keyring.trust(founding.root, founding.issuing))
    records += keyring.add_keys(signing, sealing, clock.now())
    issuer = Issuer(founding.issuing, founding.issuing_key)
    keys = {"signing": signing.public(), "sealing": sealing.public()}
    pair = issue_pair(clock, issuer, node=site.name, epoch=epoch, **keys)
    records += keyring.take_certificates([pair.signing, pair.sealing, *above])
    db = site.disk.open()
    with db.transaction() as tx:
        write_fact(tx, "node", site.name)
        write_fact(tx, "epoch", epoch)
        write_fact(tx, "installation", 0)
        store_keys(tx, records)
    db.close()
    return [pair.signing, pair.sealing]


def make_template(path: Path) -> Path:
    """An empty database with every table, copied for each machine."""
    from core.store.engine import METADATA, open_sqlite

    db = open_sqlite(path)
    METADATA.create_all(db.engine)
    db.close()
    return path
