"""One village, its township and the city on platters, put back to the same moment as often as one likes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import LiandongError
from core.identifiers import NodeId
from core.messages import encode
from sync import meeting
from sync.transport.base import LineDown
from tests.simulator.depth import PlatterDisk
from tests.simulator.disk import EMPTY_BYTES, SimulatedCrash
from tests.simulator.judge import Judge
from tests.simulator.ledger import Ledger, Person, Slip, Violation
from tests.simulator.platter import Platter
from tests.simulator.site import Site
from tests.simulator.vfs import seed_sqlite
from tests.simulator.world import City, Plan

CITY, TOWNSHIP, VILLAGE = NodeId("430981000000"), NodeId("430981102000"), NodeId("430981102001")
NODES = (CITY, TOWNSHIP, VILLAGE)
MEETINGS_MAX = 12


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything that the three machines are made of, all programs closed: files, chance, clocks' offsets."""

    images: Mapping[NodeId, Mapping[str, bytes]]
    chance: Mapping[NodeId, Any]
    at_s: float


class Trio:
    """Programs are started when they are first asked for. ``ledger`` is what people outside were told."""

    def __init__(self, seed: int, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.world = City(seed, Plan(NODES, 0, 1.0, 0.0, depth=2), folder)
        self.world.misfortune.stopped = True
        self.ledger = Ledger()
        self.close()

    def site(self, name: NodeId) -> Site:
        """The machine with its program running."""
        site = self.world.sites[name]
        if not site.is_up:
            site.start()
        return site

    def platter(self, name: NodeId) -> Platter:
        return self.disk(name).platter

    def disk(self, name: NodeId) -> PlatterDisk:
        disk = self.world.sites[name].disk
        assert isinstance(disk, PlatterDisk)
        return disk

    def close(self) -> None:
        """Every program ends in good order."""
        for site in self.world.sites.values():
            site.shut_peephole()
            if site.is_up:
                assert site.db is not None
                site.db.close()
                site.db = site.node = site.office = site.village = site.intake = site.program = None

    def moment(self) -> Moment:
        self.close()
        clocks = {name: site.clock for name, site in self.world.sites.items()}
        return Moment(
            {name: self.platter(name).image() for name in NODES},
            {name: clock.chance_state() for name, clock in clocks.items()},
            self.world.timeline.now_s,
        )

    def put_back(self, moment: Moment, seed: str) -> None:
        """The machines as they were, everything durable; ``seed`` decides what a power cut will leave."""
        for name, site in self.world.sites.items():
            site.shut_peephole()
            if site.is_up:
                self.platter(name).cut_power()
                site.lose_power()
            self.platter(name).random.seed(f"{seed}/{name}")
            self.platter(name).power_on(moment.images[name])
            site.clock.set_chance_state(moment.chance[name])
            site.disk.free_bytes = EMPTY_BYTES
        self.ledger = Ledger()
        self.world.timeline.now_s = moment.at_s + 1.0
        seed_sqlite(1)

    def reopen(self, name: NodeId) -> Site:
        """The power went, and came again."""
        site = self.world.sites[name]
        if site.is_up:
            site.lose_power()
        else:
            self.platter(name).reborn()
        return self.site(name)

    def meet(self, child: NodeId) -> None:
        """The neighbour above is called. Raises ``SimulatedCrash`` of ``child``, ``LiandongError``."""
        below = self.site(child)
        assert below.parent is not None and below.node is not None
        meeting.meet(below.node, Wire(below, self.site(below.parent)), below.parent)

    def settle(self) -> None:
        """Meetings until nobody owes anybody anything, or it is clear that it never ends."""
        for _ in range(MEETINGS_MAX):
            for child in (VILLAGE, TOWNSHIP):
                try:
                    self.meet(child)
                except LiandongError:
                    # The first contact after a broken one may be refused in words; the next mends it.
                    continue
            if not any(self._is_owing(child) for child in (VILLAGE, TOWNSHIP)):
                return

    def _is_owing(self, child: NodeId) -> bool:
        below = self.site(child)
        assert below.parent is not None and below.node is not None
        above = self.site(below.parent)
        assert above.node is not None
        return meeting.is_owing(below.node, below.parent) or meeting.is_owing(above.node, child)

    def print_slip(self, person: Person, case_id: Any) -> None:
        """The applicant carries the case home on paper: the judge holds the office to it."""
        site = self.site(VILLAGE)
        assert site.db is not None and site.office is not None
        with site.db.reading() as tx:
            submitted = encode(site.office.casebook.messages(tx, case_id)[0])
        self.ledger.slips[case_id] = Slip(case_id, person, VILLAGE, 0.0, False, submitted)

    def verdict(self) -> list[Violation]:
        """Every promise of the list of invariants, judged on the three disks as they lie."""
        for name in NODES:
            self.site(name)
        judge = Judge(self.ledger, self.world.sites, lambda: self.world.timeline.now_s)
        judge.at_rest()
        return judge.broken


@dataclass(frozen=True, slots=True)
class Wire:
    """A good line; a neighbour whose power goes gives no answer."""

    below: Site
    above: Site
    carrier: str = "extranet"

    def exchange(self, bundle: bytes) -> bytes:
        assert self.below.node is not None and self.above.node is not None
        try:
            return meeting.answer(self.above.node, self.below.node.keyring.pair.signing.der, bundle)
        except SimulatedCrash as crash:
            raise LineDown("line.down", zh="对方断电。", en="The neighbour lost its power.") from crash
