"""A city at work: the network of real nodes, each with its office, and a clerk that takes any step the rules allow."""

import json
import random
import shutil
from pathlib import Path

import sqlalchemy as sa

from core import bodies as b
from core.case import Case
from core.catalogue import encode_catalogue, load_catalogue
from core.identifiers import CaseId, NodeId, Tier, division_of, tier_of
from core.items import Item
from core.messages import Actor, MessageType, Role
from core.states import State
from core.store.backup import back_up
from core.store.casebook import CASE
from core.store.office import Office
from core.workflow import TRANSITIONS, allowed
from sync.attachments import seal_file
from sync.compose import compose
from sync.node import Node
from sync.stream_id import EVERYONE, Lane
from tests.scenarios.world import CITY, Network, TestWorld

VILLAGE, NEIGHBOUR = NodeId("430981102201"), NodeId("430981102202")
FAR_VILLAGE = NodeId("430981105201")
ID_NO = "11010519491231002X"
AGENT = Actor("a1", "李梅", Role.AGENT)
_ROLES = (Role.AGENT, Role.WINDOW, Role.HANDLER, Role.REVIEWER, Role.DECIDER)


class Offices(Network):
    """``network.office[node]`` beside ``network.nodes[node]``; the catalogue is published to all."""

    def __init__(self, folder: Path, seed: int, *villages: NodeId, catalogue: bool = True) -> None:
        print(f"seed {seed}")
        self.office: dict[NodeId, Office] = {}
        folder.mkdir(exist_ok=True)
        super().__init__(folder, seed)
        for town in sorted({NodeId(village[:9] + "000") for village in villages}):
            self.add(town)
        for village in villages:
            self.add(village)
        if catalogue:
            self.publish(encode_catalogue(load_catalogue()))
            self.settle()

    @classmethod
    def like(cls, morning: "Offices", folder: Path, seed: int) -> "Offices":  # type: ignore[override]
        """The same city as ``morning`` was left, in another folder: enrolling everybody once saves minutes."""
        print(f"seed {seed}")
        copy = cls.__new__(cls)
        copy.office = {}
        copy._take_over(morning, folder, TestWorld(seed, morning.world.now()))
        return copy

    def open(self, name: NodeId) -> Node:
        """Start the program of ``name`` on the file it left."""
        node = super().open(name)
        with node.db.reading() as tx:
            self.office[name] = self.join(node, tx)
        return node

    def join(self, node: Node, tx: sa.Connection) -> Office:
        """The office of a node; a subclass gives a tier its own."""
        return Office.join(node, tx)

    def add(self, name: NodeId) -> Node:
        node = super().add(name)
        with node.db.reading() as tx:
            self.office[name] = self.join(node, tx)
        return node

    def back_up(self, name: NodeId) -> Path:
        """A copy of a node's database as it is now."""
        number = len(list(self.folder.glob(f"{name}-copy-*.db")))
        return back_up(self.nodes[name].db, self.folder / f"{name}-copy-{number}.db")

    def put_back(self, name: NodeId, copy: Path) -> Node:
        """Start the program of ``name`` on a copy of its database, as if nobody knew that it is one."""
        self.nodes[name].db.close()
        path = self.folder / f"{name}.db"
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(copy, path)
        node = self.open(name)
        for child, line in self.lines.items():
            if self.nodes[child].place.parent == name:
                line.parent = node
        return node

    def publish(self, data: bytes) -> None:
        city = self.nodes[CITY]
        with city.db.transaction() as tx:
            self.office[CITY].shelf.put_catalogue(tx, data)
            city.say(tx, [EVERYONE], Lane.CATALOGUE, "CataloguePublished", data)

    def items(self, *, confidential: bool = False) -> list[Item]:
        shelf = self.office[CITY].shelf
        current = shelf.catalogues.current(shelf.today).for_tier("village")
        return [item for item in current if item.confidential == confidential]

    def submit(self, village: NodeId, item: Item | None = None, *, files: tuple[bytes, ...] = ()) -> CaseId:
        node, office = self.nodes[village], self.office[village]
        item = item or self.items()[0]
        manifests = tuple(self._manifest(node, data, number) for number, data in enumerate(files))
        body = b.CaseSubmitted(
            item=item.code,
            catalogue_version=office.shelf.version,
            applicant=b.Applicant(
                name="王桂兰",
                id_type=next(iter(b.IdType)),
                id_no=ID_NO,
                mobile="13800138000",
                village_code=division_of(village),
                address="三组12号",
                delivery=b.Delivery.VILLAGE,
            ),
            form={},
            materials=(),
            attachments=manifests,
            confidential=item.confidential,
        )
        with node.db.transaction() as tx:
            return office.casework.submit(tx, AGENT, body).id

    def case(self, name: NodeId, case_id: CaseId) -> Case:
        with self.nodes[name].db.reading() as tx:
            return self.office[name].casebook.get(tx, case_id)

    def find(self, name: NodeId, case_id: CaseId) -> Case | None:
        with self.nodes[name].db.reading() as tx:
            return self.office[name].casebook.find(tx, case_id)

    def act(self, name: NodeId, case_id: CaseId, role: Role, body: b.Body) -> Case:
        actor = AGENT if role is Role.AGENT else Actor(f"{role}-1", f"{role} 甲", role)
        with self.nodes[name].db.transaction() as tx:
            return self.office[name].casework.act(tx, case_id, actor, body)

    def decide(self, case_id: CaseId, item: Item) -> None:
        """The city's part of an application that the township has forwarded, up to the decision."""
        self.act(CITY, case_id, Role.WINDOW, accepted(item))
        chance = random.Random(case_id)
        for _ in range(40):
            if self.case(CITY, case_id).state is State.GRANTED:
                return
            self.step(chance, CITY, case_id, straight=True)
        raise AssertionError(f"{case_id} was not decided")

    def step(self, chance: random.Random, name: NodeId, case_id: CaseId, *, straight: bool = False) -> bool:
        """Take one step that the rules allow at this desk, false if there is none."""
        case = self.find(name, case_id)
        if case is None or case.holder != name:
            return False
        item = self.office[name].shelf.item(case.item, case.catalogue_version)
        assert item is not None
        kinds = [
            kind
            for kind in allowed(case, item, tier_of(division_of(name)))
            if not straight or kind in _STRAIGHT
        ]
        # Endings are rare, or no case would see the whole way.
        kinds = [kind for kind in kinds if kind not in _ENDINGS or chance.random() < 0.15] or kinds
        if not kinds:
            return False
        kind = chance.choice(kinds)
        roles = TRANSITIONS[case.state][kind].roles
        mine = Role.AGENT if tier_of(division_of(name)) is Tier.VILLAGE else None
        role = mine if mine in roles else next(role for role in _ROLES[1:] if role in roles)
        assert role is not None
        self.act(name, case_id, role, _body(kind, item, chance if not straight else None))
        return True

    def case_rows(self, name: NodeId) -> list[tuple[object, ...]]:
        """The case table, byte for byte."""
        return case_rows(self.nodes[name])

    def codes(self, name: NodeId, action: str = "frame.refused") -> list[str]:
        """What the audit log says of refused frames."""
        with self.nodes[name].db.reading() as tx:
            rows = tx.execute(
                sa.text("SELECT detail FROM audit WHERE action = :a ORDER BY number"), {"a": action}
            ).scalars()
            return [json.loads(row)["code"] for row in rows]

    def upward(self, child: NodeId) -> bytes:
        """The bundle that ``child`` would send to its parent now."""
        node = self.nodes[child]
        assert node.place.parent is not None
        return compose(node, node.place.parent, budget_bytes=4 << 20, with_certificates=True).data

    def _manifest(self, node: Node, data: bytes, number: int) -> b.AttachmentManifest:
        sealed = seal_file(self.world, data, node.chunks)
        return b.AttachmentManifest(
            id=sealed.id,
            name=f"scan-{number}.jpg",
            media_type="image/jpeg",
            size=sealed.size,
            key=sealed.key,
            chunk_size=sealed.chunk_size,
            chunks=sealed.chunks,
        )


def case_rows(node: Node) -> list[tuple[object, ...]]:
    with node.db.reading() as tx:
        return [tuple(row) for row in tx.execute(sa.select(CASE).order_by(CASE.c.id))]


def accepted(item: Item) -> b.CaseAccepted:
    return b.CaseAccepted("", 0, b.LimitMode.EXACT, item.promised_days, item.statutory_days)


_M = MessageType
_STRAIGHT = frozenset(
    {
        _M.CASE_FORWARDED,
        _M.CASE_ACCEPTED,
        _M.CASE_ASSIGNED,
        _M.CASE_HANDLED,
        _M.CASE_REVIEWED,
        _M.CASE_DECIDED,
    }
)
_ENDINGS = frozenset(
    {_M.CASE_REFUSED, _M.CASE_WITHDRAWN, _M.CASE_VOIDED, _M.CASE_SENT_BACK, _M.CASE_SUSPENDED}
)


def _body(kind: MessageType, item: Item, chance: random.Random | None) -> b.Body:
    granted = chance is None or chance.random() < 0.7
    made: dict[MessageType, b.Body] = {
        _M.CASE_FORWARDED: b.CaseForwarded("材料齐全"),
        _M.SUPPLEMENT_REQUESTED: b.SupplementRequested(("户口簿",), ()),
        _M.CASE_RESUBMITTED: b.CaseResubmitted(note="已补齐"),
        _M.CASE_RETURNED: b.CaseReturned("填写有误"),
        _M.CASE_REFUSED: b.CaseRefused("不属于本机关职权范围", "请到民政部门办理"),
        _M.CASE_ACCEPTED: accepted(item),
        _M.CASE_ASSIGNED: b.CaseAssigned(f"{Role.HANDLER}-1", "民政局"),
        _M.CASE_HANDLED: b.CaseHandled("属实", b.Advice.GRANT),
        _M.CASE_REVIEWED: b.CaseReviewed("同意", b.Advice.GRANT),
        _M.CASE_SENT_BACK: b.CaseSentBack("请再核实"),
        _M.CASE_DECIDED: b.CaseDecided(
            granted, "证明" if granted else "", "" if granted else "不符合条件", "2026-1"
        ),
        _M.CASE_SUSPENDED: b.CaseSuspended("听证", next(iter(b.ProcedureKind)), 5, next(iter(b.DayUnit))),
        _M.CASE_RESUMED: b.CaseResumed("听证结束"),
        _M.CASE_WITHDRAWN: b.CaseWithdrawn("申请人撤回"),
        _M.CASE_VOIDED: b.CaseVoided("重复登记"),
        _M.RESULT_DELIVERED: b.ResultDelivered(b.Delivery.VILLAGE, "王桂兰"),
    }
    return made[kind]
