"""A small world of real nodes on real SQLite files, joined by lines that the test holds in its hand."""

import random
import shutil
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.identifiers import NodeId, division_of, parent_of, tier_of
from core.store.engine import Database, open_sqlite
from sync import meeting
from sync.authority import Issuer, found_city, issue_pair
from sync.chunkstore import FileChunkStore
from sync.identity import write_fact
from sync.keyring import Keyring
from sync.node import Node, store_keys
from sync.primitives import SealingKey, SigningKey
from sync.stream import meet_child
from sync.transport.base import LineDown
from tests.unit.empty_store import empty_store

CITY = NodeId("430981000000")
TOWN = NodeId("430981102000")
OTHER_TOWN = NodeId("430981105000")
ROUNDS_ENOUGH = 100


class TestWorld:
    """Time that moves when told, chance from one seed."""

    __test__ = False

    def __init__(self, seed: int, start: datetime = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)) -> None:
        self.random = random.Random(seed)
        self._now = start
        self._elapsed_s = 0.0

    def now(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now

    def monotonic_s(self) -> float:
        return self._elapsed_s

    def random_bytes(self, count: int) -> bytes:
        return self.random.randbytes(count)

    def pass_time(self, **parts: float) -> None:
        span = timedelta(**parts)
        self._now += span
        self._elapsed_s += span.total_seconds()


class Line:
    """A transport into another node of the same test; ``faults`` are asked before request and answer."""

    carrier = "extranet"

    def __init__(self, parent: Node, child: Node) -> None:
        self.parent, self.child = parent, child
        self.cut = False
        self.lose_answer = False
        self.bytes = 0

    def exchange(self, bundle: bytes) -> bytes:
        if self.cut:
            raise _down()
        self.bytes += len(bundle)
        answer = meeting.answer(self.parent, self.child.keyring.pair.signing.der, bundle)
        self.bytes += len(answer)
        if self.lose_answer:
            raise _down()
        return answer


class Network:
    """City, townships and villages, enrolled with one authority."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.world = TestWorld(seed)
        self.founding = found_city(self.world, CITY)
        self.nodes: dict[NodeId, Node] = {}
        self.lines: dict[NodeId, Line] = {}
        self.add(CITY)

    def add(self, name: NodeId) -> Node:
        """A new installation of ``name``, enrolled, with a line to its parent."""
        db = self._database(name)
        epoch = self.world.random_bytes(16).hex()
        with db.transaction() as tx:
            write_fact(tx, "node", name)
            write_fact(tx, "epoch", epoch)
        self._enrol(db, name, epoch)
        node = Node.load(db, self.world, FileChunkStore(self.folder / f"{name}-chunks"), "test")
        self.nodes[name] = node
        if name != CITY:
            parent = self.nodes[NodeId(parent_of(division_of(name)))]
            self.lines[name] = Line(parent, node)
            with parent.db.transaction() as tx:
                meet_child(tx, parent.place, name)
        return node

    @classmethod
    def like(cls, morning: "Network", folder: Path) -> "Network":
        """The same city as ``morning`` was left, in another folder, chance and time as they stood."""
        copy = cls.__new__(cls)
        copy._take_over(morning, folder, deepcopy(morning.world))
        return copy

    def _take_over(self, morning: "Network", folder: Path, world: TestWorld) -> None:
        shutil.copytree(morning.folder, folder, dirs_exist_ok=True)
        self.folder, self.world, self.founding = folder, world, morning.founding
        self.nodes, self.lines = {}, {}
        for name in morning.nodes:
            self.open(name)

    def open(self, name: NodeId) -> Node:
        """Start the program of ``name`` on the file it left."""
        db = open_sqlite(self.folder / f"{name}.db")
        node = Node.load(db, self.world, FileChunkStore(self.folder / f"{name}-chunks"), "test")
        self.nodes[name] = node
        if node.place.parent is not None:
            self.lines[name] = Line(self.nodes[node.place.parent], node)
        return node

    def meet(self, name: NodeId) -> meeting.Meeting:
        node = self.nodes[name]
        assert node.place.parent is not None
        return meeting.meet(node, self.lines[name], node.place.parent, _come_to_an_end)

    def settle(self, rounds: int = 4, *names: NodeId) -> None:
        """Let everyone (or those named) meet their parents, villages first, until news has gone up and answers down."""
        for _ in range(rounds):
            for name in sorted(names or self.lines, key=lambda n: tier_of(division_of(n)), reverse=True):
                self.meet(name)

    def close(self) -> None:
        for node in self.nodes.values():
            node.db.close()

    def _database(self, name: NodeId) -> Database:
        return empty_store(self.folder / f"{name}.db")

    def _enrol(self, db: Database, name: NodeId, epoch: str) -> None:
        world, founding = self.world, self.founding
        keyring = Keyring(name)
        signing, sealing = SigningKey.generate(world.random_bytes), SealingKey.generate(world.random_bytes)
        records = list(keyring.trust(founding.root, founding.issuing))
        records += keyring.add_keys(signing, sealing, world.now())
        issuer = Issuer(founding.issuing, founding.issuing_key)
        pair = issue_pair(
            world, issuer, node=name, epoch=epoch, signing=signing.public(), sealing=sealing.public()
        )
        records += keyring.take_certificates([pair.signing, pair.sealing])
        above = [
            node.keyring.pair
            for node in self.nodes.values()
            if tier_of(division_of(node.place.node)) != "village"
        ]
        records += keyring.take_certificates([c for p in above for c in (p.signing, p.sealing)])
        with db.transaction() as tx:
            store_keys(tx, records)
        if CITY in self.nodes:
            city = self.nodes[CITY]
            with city.db.transaction() as tx:
                store_keys(tx, city.keyring.take_certificates([pair.signing, pair.sealing]))


def _come_to_an_end(done: meeting.Meeting) -> None:
    assert done.rounds <= ROUNDS_ENOUGH, "two nodes go on meeting for ever"


def _down() -> LineDown:
    return LineDown("line.down", zh="线路断开。", en="The line is down.")
