"""Disks put back to an earlier state, copied, or served by an older program; and what nobody can be blamed for after it.

No protocol saves what lay on one disk alone. After every such event the ledger is gone through: a slip or a step of
which no disk of the city holds a trace any more is marked as lost. That may befall a case of which the slip said that
it was on this device only, or one whose second copy was on a disk that met with a disaster of its own.
"""

import hashlib
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import sqlcipher3.dbapi2 as driver

from core import bodies as b
from core.errors import LiandongError
from core.identifiers import CaseId, NodeId, Tier
from core.messages import Actor, Role
from sync import epoch, meeting, scrub
from sync.epoch import Reason
from tests.simulator.disk import Copy, Disk, SimulatedCrash
from tests.simulator.judge import HELD, Judge
from tests.simulator.ledger import Done, Ledger
from tests.simulator.line import Line, Surroundings
from tests.simulator.site import Site
from tests.simulator.timeline import NodeClock, Timeline
from village_agent.outlook import Wording

COPY_EVERY_S = (600.0, 2400.0)
TWIN_SPAN_S = (600.0, 1800.0)
_CASES = "SELECT id FROM case_file UNION ALL SELECT value FROM node_state WHERE name = 'epoch' ORDER BY 1"
_AUTHORED = (
    "SELECT message_id, key, seq FROM message JOIN stream ON stream.id = stream_id WHERE seq IS NOT NULL"
)


class World(Surroundings, Protocol):
    """What disasters need of the world around them."""

    timeline: Timeline
    ledger: Ledger
    judge: Judge
    sites: dict[NodeId, Site]
    people_until_s: float

    def power_cut(self, site: Site, point: str, away_s: float) -> None: ...
    def call(self, site: Site) -> None: ...


class Disasters:
    """What happens to whole disks."""

    def __init__(self, world: World, seed: str) -> None:
        self.world = world
        self.chance = random.Random(seed)
        self._sealed: dict[str, tuple[bytes, int]] = {}
        self._twins: list[tuple[Site, Site]] = []
        self._rotted: set[NodeId] = set()

    def keep_copies(self, site: Site) -> None:
        """Every now and then a backup is made of a running node."""
        if site.is_up:
            site.disk.copy()
        delay_s = self.chance.uniform(*COPY_EVERY_S)
        if self.world.timeline.now_s + delay_s < self.world.people_until_s:
            self.world.timeline.after(delay_s, partial(self.keep_copies, site))

    def restore(self, site: Site, back_s: float) -> None:
        """Somebody puts a backup back; the program notices when it is opened."""
        if site.is_up and site.disk.copies:
            self._put_back(site, self.chance.choice(site.disk.copies), "node.restored", back_s, known=True)

    def roll_back(self, site: Site, back_s: float) -> None:
        """The whole disk is put back, and nothing on it can tell: only a neighbour can.

        Of a township that is a limit stated in the documents; a case number of the same day would come twice; and of
        a copy from an epoch that has ended people have to decide.
        """
        if not site.is_up or site.tier is not Tier.VILLAGE:
            return
        now = site.peep().execute(_CASES).fetchall()
        good = [copy for copy in site.disk.copies if _cases(copy.path) == now]
        if good:
            self._put_back(site, self.chance.choice(good), "node.rolled_back", back_s, known=False)

    def clone(self, site: Site) -> None:
        """A copy of a village's disk is opened on a second machine, and both are used for a while."""
        if not site.is_up or site.tier is not Tier.VILLAGE or any(own is site for own, _ in self._twins):
            return
        copy = site.disk.copy()
        disk = Disk(
            site.disk.folder / f"twin-{len(self._twins)}", site.name, self.world.misfortune, copy.path
        )
        disk.chunks = dict(copy.chunks)
        clock = NodeClock(self.world.timeline, f"twin/{site.name}/{self.chance.random()}")
        twin = Site(site.name, clock, disk, is_restored=True)
        self._twins.append((site, twin))
        self._calmly(twin.start)
        for _ in range(3):
            self.world.timeline.after(self.chance.uniform(10, 600), partial(self._use, twin))
        self.world.timeline.after(self.chance.uniform(*TWIN_SPAN_S), partial(self.settle, site, twin))

    def settle(self, site: Site, twin: Site) -> None:
        """A person decides: the second machine hands over what it has and is put away, the first goes on."""
        if (site, twin) not in self._twins:
            return
        self._calmly(partial(self._drain, twin))
        if not site.is_up or _is_owing(twin):
            self.world.timeline.after(60.0, partial(self.settle, site, twin))
            return
        self._twins.remove((site, twin))
        twin.close()
        self._calmly(partial(_renew, site))
        self.world.say("settled", site.name)
        self.world.touched(site)

    def end(self) -> None:
        """Whatever is still undecided is decided now."""
        for site, twin in list(self._twins):
            self.settle(site, twin)

    def older(self, site: Site, back_s: float) -> None:
        """The program of the version before is installed, until somebody upgrades it."""
        if site.is_up and not site.is_older:
            site.is_older = True
            self.world.power_cut(site, "node.older_version", 5.0)
            self.world.timeline.after(back_s + 10.0, partial(self.upgrade, site))

    def upgrade(self, site: Site) -> None:
        """The present version is installed again."""
        if site.is_older:
            site.is_older = False
            if site.is_up:
                self.world.power_cut(site, "upgrade", 5.0)

    def rot(self, site: Site) -> None:
        """A bit turns on this disk, in a chunk or an envelope of which a neighbour has a copy; it is looked through later."""
        if not site.is_up:
            return
        found = self._rot_chunk(site) if self.chance.random() < 0.5 else self._rot_envelope(site)
        if found:
            self.world.say("rot", site.name, of=found)
            self.world.timeline.after(self.chance.uniform(600, 3600), partial(self.scrub, site))
            self._rotted.add(site.name)

    def scrub(self, site: Site) -> None:
        """The nightly walk through everything that is kept."""
        node = site.node
        if node is not None:
            self._calmly(lambda: scrub.scrub(node, None, restart=True))
            self.world.touched(site)
            for child in self.world.sites.values():
                # What rotted above is asked for in the child's next contact, which comes by itself.
                if child.parent == site.name:
                    self.world.call(child)
            self.world.call(site)

    def scrub_all(self) -> None:
        """Every disk on which a bit had turned."""
        for name in sorted(self._rotted):
            self.scrub(self.world.sites[name])

    def _rot_chunk(self, site: Site) -> str:
        held = site.disk.held_chunks()
        others = [self.world.sites[name] for name in self._neighbours(site)]
        copies = [other.disk.held_chunks() for other in others]
        digests = sorted(
            d for d in held if any(c.get(d) == held[d] for c in copies) and _is_whole(d, held[d])
        )
        if not digests:
            return ""
        digest = self.chance.choice(digests)
        site.disk.spoil_chunk(digest, self.chance)
        return digest[:8]

    def _rot_envelope(self, site: Site) -> str:
        query = (
            "SELECT stream_id, seq, key, data FROM envelope JOIN stream ON stream.id = stream_id "
            "WHERE data IS NOT NULL AND seq <= applied_seq ORDER BY stream_id, seq"
        )
        rows = [
            row
            for row in site.peep().execute(query).fetchall()
            if any(
                self.world.sites[name].peep().execute(HELD, (row[2], row[1])).fetchone()
                for name in self._neighbours(site)
            )
        ]
        if not rows:
            return ""
        stream, seq, _, data = self.chance.choice(rows)
        at = self.chance.randrange(len(data))
        spoiled = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        site.peep().execute(
            "UPDATE envelope SET data = ? WHERE stream_id = ? AND seq = ?", (spoiled, stream, seq)
        )
        return f"envelope {stream}.{seq}"

    def _neighbours(self, site: Site) -> list[NodeId]:
        return [o.name for o in self.world.sites.values() if o.parent == site.name or site.parent == o.name]

    def _put_back(self, site: Site, copy: Copy, kind: str, back_s: float, *, known: bool) -> None:
        for message_id, key, seq in site.peep().execute(_AUTHORED):
            self._sealed[message_id] = (key, seq)
        self.world.power_cut(site, kind, back_s)
        site.disk.put_back(copy, chunks=not known)
        site.restores += 1
        site.is_restored = known
        self.world.judge.forget(site.name)
        self._go_through_the_ledger()

    def _go_through_the_ledger(self) -> None:
        disasters = sum(1 for site in self.world.sites.values() if site.restores)
        for slip in self.world.ledger.slips.values():
            if not slip.lost and not self._has_trace(slip.message_id):
                slip.lost = True
                self.world.say("lost", slip.village, case=slip.case_id)
                if slip.best_wording not in ("", Wording.LOCAL_ONLY) and disasters < 2:
                    self.world.judge.breaks(
                        "S2", slip.village, f"{slip.case_id} said to be handed over, is lost"
                    )
        lost = {slip.case_id for slip in self.world.ledger.slips.values() if slip.lost}
        for done in self.world.ledger.done:
            if not done.lost and (done.case_id in lost or not self._has_trace(done.message_id)):
                done.lost = True

    def _has_trace(self, message_id: str) -> bool:
        sealed = self._sealed.get(message_id)
        for site in self.world.sites.values():
            peep = site.peep()
            for query in (
                "SELECT 1 FROM message WHERE message_id = ?",
                "SELECT 1 FROM case_message WHERE id = ?",
            ):
                if peep.execute(query, (message_id,)).fetchone():
                    return True
            if sealed is not None and peep.execute(HELD, sealed).fetchone():
                return True
        return False

    def _use(self, twin: Site) -> None:
        """Somebody says something at the second machine, and it calls the township."""
        if not any(own is twin for _, own in self._twins):
            return
        self._calmly(partial(self._speak, twin))
        self._calmly(partial(self._drain, twin))

    def _speak(self, twin: Site) -> None:
        assert twin.db is not None and twin.office is not None
        cases = twin.peep().execute("SELECT id FROM case_file WHERE hold IS NULL ORDER BY id").fetchall()
        if cases:
            case_id = CaseId(self.chance.choice(cases)[0])
            actor = Actor("a1", "李代办", Role.AGENT)
            with twin.db.transaction() as tx:
                twin.office.casework.act(tx, case_id, actor, b.NoteAdded("在第二台机器上"))
            row = twin.peep().execute("SELECT message_id, type FROM message ORDER BY rowid DESC LIMIT 1")
            message_id, type_ = row.fetchone()
            self.world.ledger.done.append(Done(twin.name, case_id, message_id, type_))
            self.world.say("done", twin.name, case=case_id, type=type_, id=message_id[:8])

    def _drain(self, twin: Site) -> None:
        assert twin.node is not None and twin.parent is not None
        parent = self.world.sites[twin.parent]
        try:
            meeting.meet(twin.node, Line(self.world, twin, parent), twin.parent)
        except LiandongError as error:
            self.world.say("failed", twin.name, code=error.code)
        self.world.touched(parent)

    def _calmly(self, act: Callable[[], object]) -> None:
        """The second machine itself meets with no accident: one disaster at a time."""
        fate = self.world.misfortune
        before, fate.stopped = fate.stopped, True
        try:
            act()
        except SimulatedCrash as crash:
            self.world.crashed(crash)
        finally:
            fate.stopped = before


def _renew(site: Site) -> None:
    assert site.node is not None
    site.node.begin_epoch(Reason.RENEWED)


def _is_owing(twin: Site) -> bool:
    assert twin.node is not None and twin.parent is not None
    with twin.node.db.reading() as tx:
        waits = bool(epoch.recovering(tx))
    return waits or meeting.is_owing(twin.node, twin.parent)


def _is_whole(digest: str, data: bytes) -> bool:
    return hashlib.sha256(data).hexdigest() == digest


def _cases(path: Path) -> list[tuple[str]]:
    connection = driver.connect(str(path), isolation_level=None)
    try:
        return list(connection.execute(_CASES).fetchall())
    finally:
        connection.close()
