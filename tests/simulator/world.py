"""One seed, one city: machines, lines, people and misfortune on one timeline, watched by the judge."""

import logging
import random
import shutil
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import village_agent.intake
from core.catalogue import encode_catalogue
from core.errors import LiandongError, LocalError
from core.identifiers import NodeId, Tier, division_of, new_id, tier_of
from core.store.refusals import CommitUnknown
from core.store.shelf import CATALOGUE_PUBLISHED
from sync import meeting
from sync.authority import found_city
from sync.node import store_keys
from sync.packing import Message
from sync.retry import retry_delay_s
from sync.stream import append, meet_child
from sync.stream_id import EVERYONE, Lane
from sync.x509 import Certificate
from tests.simulator import disk as disks
from tests.simulator.depth import PlatterDisk
from tests.simulator.disaster import Disasters
from tests.simulator.disk import Disk, SimulatedCrash
from tests.simulator.faults import Misfortune
from tests.simulator.hpke import repeatable_sealing
from tests.simulator.invented import small_catalogue
from tests.simulator.judge import Judge
from tests.simulator.ledger import Ledger, Violation
from tests.simulator.line import Line
from tests.simulator.memory import remembering
from tests.simulator.people import People
from tests.simulator.site import Site, enrol, make_template
from tests.simulator.sticks import Sticks
from tests.simulator.timeline import NodeClock, Timeline
from tests.simulator.vfs import require_no_defects, seed_sqlite
from village_agent.outlook import Wording

CONTACT_EVERY_S = 60.0
DRAIN_S = 600.0
"""L1: so long after healing the queues must be empty."""
CLOCK_JUMPS = {
    "clock.ten_years": timedelta(days=3652),
    "clock.hour_back": timedelta(hours=-1),
    "clock.year_back": timedelta(days=-365),
}
TIMED = (
    *CLOCK_JUMPS,
    "disk.nearly_full",
    "disk.full",
    "node.slow",
    "node.power_cut",
    "message.poison",
    "node.restored",
    "node.rolled_back",
    "node.cloned",
    "node.older_version",
    "stick.trip",
    "disk.bit_rot",
)
MEMORY = Path("/dev/shm")
SQLITE_SEEDS = 2**31 - 2


@dataclass(frozen=True, slots=True)
class Plan:
    """How large a world is and how long its day; ``misfortune`` is its scale, 0 for none; ``depth`` 2: on platters.

    ``stops``: what happens after the first broken promise is not looked at.
    """

    nodes: tuple[NodeId, ...]
    people: int
    hours: float
    misfortune: float = 1.0
    depth: int = 1
    stops: bool = False


@dataclass(slots=True)
class Outcome:
    """What a seed came to."""

    seed: int
    broken: list[Violation]
    fired: dict[str, int]
    events: int
    cases: int
    steps: int
    bundles: int
    simulated_s: float
    cpu_s: float
    trace: list[str] = field(default_factory=list)


class City:
    """The world that people, lines and machines live in."""

    def __init__(self, seed: int, plan: Plan, folder: Path, *, keep_trace: bool = False) -> None:
        seed_sqlite(seed % SQLITE_SEEDS + 1)
        self.seed, self.plan, self.folder = seed, plan, folder
        self.timeline = Timeline()
        self.misfortune = Misfortune(f"{seed}/misfortune", scale=plan.misfortune)
        self.ledger = Ledger()
        self.sites: dict[NodeId, Site] = {}
        self.lines: dict[NodeId, Line] = {}
        self.trace: list[str] = []
        self.bundles = 0
        self.people_until_s = plan.hours * 3600
        self._keep_trace = keep_trace
        self._chance = random.Random(f"{seed}/world")
        self.judge = Judge(self.ledger, self.sites, lambda: self.timeline.now_s)
        self.people = People(self, f"{seed}/people")
        self.disasters = Disasters(self, f"{seed}/disasters")
        self.sticks = Sticks(self, f"{seed}/sticks")
        self._build()

    def say(self, what: str, who: str, **facts: object) -> None:
        """One line of the trace: time, what, who, then one column a fact."""
        if self._keep_trace:
            columns = [f"{self.timeline.now_s:.3f}", what, who, *(f"{k}={v}" for k, v in facts.items())]
            self.trace.append("\t".join(columns))

    def saw_bundle(self, sender: Site, data: bytes) -> None:
        self.bundles += 1
        self.judge.saw_bundle(sender, data)
        if self._keep_trace:
            self.say("bundle", sender.name, bytes=len(data), digest=sha256(data).hexdigest()[:16])

    def saw_stick(self, site: Site, data: bytes) -> None:
        self.judge.saw_stick(site, data)

    def live(self) -> None:
        """The day with its faults, the healing, and the time that the queues are given."""
        self._plan_the_day()
        self.timeline.run(self.people_until_s)
        if self.timeline.stopped:
            return
        self._heal()
        healed_s = self.timeline.now_s
        self.timeline.run(healed_s + DRAIN_S + self._backlog_s())
        if not self.timeline.stopped:
            self.judge.at_rest()

    def _backlog_s(self) -> float:
        """What the promise adds for a backlog: one rhythm of contacts for each tier it still has to cross."""
        return 4 * CONTACT_EVERY_S

    def crashed(self, crash: SimulatedCrash) -> None:
        site = self.sites[crash.node]
        self.power_cut(site, crash.point, self._chance.uniform(5, 600))

    def restart(self, site: Site, why: str) -> None:
        """Somebody closes the program and opens it again."""
        self.power_cut(site, why, 1.0)

    def touched(self, site: Site) -> None:
        """After anything happened at a node: wake whoever now has something to do."""
        self.timeline.stopped = self.plan.stops and bool(self.judge.broken)
        if site.node is None:
            return
        mark = meeting.mark(site.node)
        if mark == site.mark:
            return
        site.mark = mark
        if site.parent is not None and not site.contact_failed and meeting.is_owing(site.node, site.parent):
            self._wake(site, 0.5)
        for (child,) in site.peep().execute(
            "SELECT DISTINCT peer FROM delivery JOIN stream ON stream.id = stream_id "
            "WHERE acked_seq < head_seq OR EXISTS "
            "(SELECT 1 FROM message WHERE message.stream_id = stream.id AND seq IS NULL) ORDER BY peer"
        ):
            if child != site.parent:
                self._wake(self.sites[NodeId(child)], self._chance.uniform(0, CONTACT_EVERY_S))
        if self.timeline.now_s < self.people_until_s:
            self.people.look_at_desk(site)

    def _build(self) -> None:
        founder = NodeClock(self.timeline, f"{self.seed}/founder")
        names = sorted(self.plan.nodes, key=lambda name: (tier_of(division_of(name)) is Tier.VILLAGE, name))
        founding = found_city(founder, names[0])
        template = make_template(self.folder / "template.db")
        above: list[Certificate] = []
        every: list[Certificate] = []
        for name in names:
            clock = NodeClock(self.timeline, f"{self.seed}/{name}")
            disk = self._disk(name, template)
            site = self.sites[name] = Site(name, clock, disk)
            self.misfortune.stopped = True
            own = enrol(site, founding, above)
            if site.tier is not Tier.VILLAGE:
                above += own
            every += own
        self._open_all(every)

    def _disk(self, name: NodeId, template: Path) -> Disk:
        if self.plan.depth == 1:
            return Disk(self.folder / name, name, self.misfortune, template)
        return PlatterDisk(self.folder / name, name, self.misfortune, template, str(self.seed))

    def _open_all(self, certificates: list[Certificate]) -> None:
        for site in self.sites.values():
            site.start()
            if site.parent is not None:
                self.lines[site.name] = Line(self, site, self.sites[site.parent])
        city = next(iter(self.sites.values()))
        assert city.node is not None and city.office is not None and city.db is not None
        with city.db.transaction() as tx:
            store_keys(tx, city.node.keyring.take_certificates(certificates))
            data = encode_catalogue(small_catalogue())
            city.office.shelf.put_catalogue(tx, data)
            city.node.say(tx, [NodeId(EVERYONE)], Lane.CATALOGUE, CATALOGUE_PUBLISHED, data)
        for site in self.sites.values():
            if site.parent is not None:
                parent = self.sites[site.parent]
                assert parent.db is not None and parent.node is not None
                with parent.db.transaction() as tx:
                    meet_child(tx, parent.node.place, site.name)

    def _plan_the_day(self) -> None:
        for site in self.sites.values():
            if site.parent is not None:
                self._wake(site, self._chance.uniform(0, CONTACT_EVERY_S))
            if self.plan.misfortune:
                self.timeline.at(self._chance.uniform(300, 1200), partial(self.disasters.keep_copies, site))
            for kind in TIMED:
                for at_s in self.misfortune.times(kind, self.plan.hours):
                    self.timeline.at(at_s, partial(self._strike, kind, site))
        villages = [site for site in self.sites.values() if site.tier is Tier.VILLAGE]
        for _ in range(self.plan.people):
            village = self._chance.choice(villages)
            at_s = self._chance.uniform(180, self.people_until_s * 0.7)
            self.timeline.at(at_s, partial(self.people.arrive, village))
        for _ in range(self.plan.people // 2):
            at_s = self._chance.uniform(1200, self.people_until_s)
            self.timeline.at(at_s, self._someone_speaks)
        self.misfortune.stopped = self.plan.misfortune == 0

    def _someone_speaks(self) -> None:
        slips = list(self.ledger.slips.values())
        if slips:
            slip = self._chance.choice(slips)
            self.people.say_something(self.sites[slip.village], slip.case_id)

    def call(self, site: Site) -> None:
        """Let a node call its parent soon, though nothing of its own waits: it calls at its rhythm anyway."""
        if site.parent is not None:
            self._wake(site, self._chance.uniform(0, CONTACT_EVERY_S))

    def _wake(self, site: Site, delay_s: float) -> None:
        """Let a node call its parent in ``delay_s``, or earlier if it was going to."""
        due_s = self.timeline.now_s + delay_s
        if site.node is None or (site.contact_due_s is not None and site.contact_due_s <= due_s):
            return
        site.contact_due_s = due_s
        self.timeline.at(due_s, partial(self._contact, site, due_s))

    def _contact(self, site: Site, due_s: float) -> None:
        if site.contact_due_s != due_s or site.node is None or site.parent is None:
            return
        site.contact_due_s = None
        parent = self.sites[site.parent]
        try:
            done = meeting.meet(site.node, self.lines[site.name], site.parent)
        except SimulatedCrash as crash:
            self.crashed(crash)
        except LiandongError as error:
            self._contact_failed(site, error)
        else:
            site.contact_failed = False
            if self.lines[site.name].deceived:
                self.judge.breaks("S9", site.name, f"took {self.lines[site.name].deceived} for a contact")
            refused = ",".join(sorted({error.code for error in done.refused}))
            up, down = done.sent_envelopes, done.received_envelopes
            self.say("met", site.name, rounds=done.rounds, up=up, down=down, refused=refused)
            if self._is_owing(site, parent):
                self._wake(site, CONTACT_EVERY_S)
        self.judge.after_contact(site, parent)
        self.touched(site)
        self.touched(parent)
        self._check_slips(site)

    def _contact_failed(self, site: Site, error: LiandongError) -> None:
        assert site.node is not None and site.parent is not None
        self.say("failed", site.name, code=error.code)
        if error.code.startswith("certificate."):
            self.judge.breaks("S10", site.name, f"a clock decided that no contact may be: {error.code}")
        site.contact_failed = True
        _, failures = site.node.budget_of(site.parent)
        chance = site.clock.random_bytes(2)
        self._wake(site, retry_delay_s(max(1, failures), chance, usual_s=CONTACT_EVERY_S))

    def _is_owing(self, child: Site, parent: Site) -> bool:
        assert child.node is not None and child.parent is not None
        if parent.node is None:
            return True
        return meeting.is_owing(child.node, parent.name) or meeting.is_owing(parent.node, child.name)

    def _check_slips(self, site: Site) -> None:
        """Somebody asks for their slip to be printed again."""
        if site.tier is not Tier.VILLAGE or not site.is_up:
            return
        for slip in self.ledger.slips.values():
            if slip.village == site.name and slip.best_wording != Wording.ACCEPTED:
                wording = self.people.wording_of(site, slip.case_id)
                if wording is not None:
                    self.judge.check_slip(slip, wording)
                    slip.best_wording = wording

    def _strike(self, kind: str, site: Site) -> None:
        self.misfortune.note(kind)
        self.say("fault", site.name, kind=kind)
        back_s = self._chance.uniform(120, 1500)
        if kind in CLOCK_JUMPS:
            jump = CLOCK_JUMPS[kind]
            site.clock.offset += jump
            self.timeline.after(back_s, partial(_set_right, site.clock, jump))
        elif kind == "disk.nearly_full":
            site.disk.free_bytes = disks.NEARLY_FULL_BYTES
            self.timeline.after(back_s, site.disk.heal)
        elif kind == "disk.full":
            site.disk.is_full = True
            self.timeline.after(back_s, site.disk.heal)
        elif kind == "node.slow":
            site.clock.slowness_s += self._chance.uniform(10, 300)
        elif kind == "message.poison":
            self._poison(site)
        elif kind == "node.restored":
            self.disasters.restore(site, back_s)
        elif kind == "node.rolled_back":
            self.disasters.roll_back(site, back_s)
        elif kind == "node.cloned":
            self.disasters.clone(site)
        elif kind == "node.older_version":
            self.disasters.older(site, back_s)
        elif kind == "stick.trip":
            self.sticks.set_out(site)
        elif kind == "disk.bit_rot":
            self.disasters.rot(site)
        elif site.is_up:
            self.power_cut(site, kind, back_s)

    def _poison(self, site: Site) -> None:
        """A faulty or newer program of this node says what nobody can apply."""
        if site.node is None or site.db is None or site.tier is Tier.CITY:
            return
        city = NodeId(site.name[:6] + "000000")
        unknown = Message(new_id(site.clock), "CaseSealedWithWax", 1, "", b"{}")
        future = Message(new_id(site.clock), "NoteAdded", 9, "", b"{}")
        broken = Message(new_id(site.clock), "CaseForwarded", 1, "", b'{"schema":1}')
        message = self._chance.choice((unknown, future, broken))
        try:
            with site.db.transaction() as tx:
                append(tx, site.node.place, site.clock, readers=[city], lane=Lane.INTAKE, message=message)
        except SimulatedCrash as crash:
            self.crashed(crash)
        except LocalError as error:
            self.say("told", site.name, code=error.code)
        else:
            self.ledger.poison[message.id] = (site.name, (city,))
            self.say("poison", site.name, type=message.type)
        self.touched(site)

    def power_cut(self, site: Site, point: str, away_s: float) -> None:
        self.say("down", site.name, point=point)
        site.lose_power()
        self.timeline.after(away_s, partial(self._power_back, site))

    def _power_back(self, site: Site) -> None:
        if site.is_up:
            return
        try:
            site.start()
        except SimulatedCrash as crash:
            self.crashed(crash)
            return
        except CommitUnknown:
            self.restart(site, "as the words say")
            return
        self.say("up", site.name)
        self._retry(site)
        self.judge.check_audit(site)
        self.judge.check_numbers(site)
        site.mark = ()
        site.contact_failed = False
        if site.parent is not None:
            self._wake(site, 0.1)
        for child in self.sites.values():
            # Every node calls at its rhythm; here those are called who may have to complete a disk that was put back.
            if site.restores and child.parent == site.name:
                self.call(child)
        self.touched(site)

    def _retry(self, site: Site) -> None:
        """The hourly chore: what was set aside is tried again."""
        if site.node is not None:
            try:
                site.node.retry_quarantined()
            except SimulatedCrash as crash:
                self.crashed(crash)
            except LocalError as error:
                self.say("told", site.name, code=error.code)

    def _heal(self) -> None:
        """The line is good again, the disks have room, the clocks are right, every machine is on."""
        self.misfortune.stopped = True
        self.say("healed", "all")
        for line in self.lines.values():
            line.down_until_s = 0.0
        for site in self.sites.values():
            site.disk.heal()
            self.disasters.upgrade(site)
            self._power_back(site)
            self._retry(site)
        self.disasters.end()
        self.disasters.scrub_all()


def run(seed: int, plan: Plan, *, keep_trace: bool = False) -> Outcome:
    """Live through one seed. Everything lies in memory and is gone afterwards."""
    started = time.process_time()
    folder = Path(tempfile.mkdtemp(prefix="liandong-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        with repeatable_sealing(), remembering():
            city = City(seed, plan, folder, keep_trace=keep_trace)
            with _outside_the_ports(city):
                _live(city)
            for site in city.sites.values():
                site.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    require_no_defects()
    return Outcome(
        seed,
        city.judge.broken,
        dict(city.misfortune.fired),
        city.timeline.events,
        len(city.ledger.slips),
        len(city.ledger.done),
        city.bundles,
        city.timeline.now_s,
        time.process_time() - started,
        city.trace,
    )


def _live(city: City) -> None:
    """A program that ends by an error nobody is told of in words has broken a promise too."""
    try:
        city.live()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        city.judge.breaks("S9", "all", f"raised {type(error).__name__} at {where}: {str(error)[:200]}")
        city.trace += traceback.format_exception(error)


@contextmanager
def _outside_the_ports(city: City) -> Iterator[None]:
    """The two things that production asks the machine directly: room on the disk, and a place for its log."""

    class Ears(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            city.judge.saw_log(self.format(record))

    def room(folder: Path) -> SimpleNamespace:
        return SimpleNamespace(free=city.sites[NodeId(Path(folder).name)].disk.free_bytes)

    root, ears, usage = logging.getLogger(), Ears(), village_agent.intake.disk_usage
    others = root.handlers[:]
    root.handlers[:] = [ears]
    village_agent.intake.disk_usage = room  # type: ignore[assignment]
    try:
        yield
    finally:
        root.handlers[:] = others
        village_agent.intake.disk_usage = usage


def _set_right(clock: NodeClock, jump: timedelta) -> None:
    clock.offset -= jump
