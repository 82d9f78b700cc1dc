"""A township and a city with officers and one case on the way, for the tests of the desk."""

import atexit
import hashlib
import shutil
import tempfile
from functools import cache, partial
from pathlib import Path

from city_node.office import CityOffice
from core import bodies as b
from core.case import Case
from core.catalogue import encode_catalogue, load_catalogue
from core.desk.acting import perform
from core.desk.context import DeskContext
from core.identifiers import NodeId
from core.items import Item
from core.messages import Actor, Role
from core.store.office import Office
from core.store.officers import Roster
from sync import audit
from sync.attachments import seal_file
from sync.installation import Installation
from sync.overview import ScannedFiles, mended, troubles
from sync.settings import Settings
from sync.signed_for import signed_for
from sync.status import neighbours
from sync.stream_id import Lane
from tests.scenarios.world import CITY, OTHER_TOWN, TOWN, Network

VILLAGE = NodeId("430981102202")
PASSWORD = "correct-horse"
ID_NO = "11010519491231002X"


def quick_stretch(password: str, salt: bytes) -> bytes:
    """Stands in for Argon2id where a test signs in often."""
    return hashlib.sha256(salt + password.encode()).digest()


class Place:
    """Three nodes with an office each; ``desks`` of the city and the townships."""

    def __init__(self, folder: Path, network: Network | None = None) -> None:
        """As it was left in the morning; with a ``network`` of its own all of it is set up there."""
        self.network = network or Network.like(_morning().network, folder)
        self.offices: dict[NodeId, Office] = {}
        self.desks: dict[NodeId, DeskContext] = {}
        for name in (TOWN, OTHER_TOWN, VILLAGE) if network else ():
            self.network.add(name)
        for name, node in self.network.nodes.items():
            with node.db.reading() as tx:
                self.offices[name] = (CityOffice if name == CITY else Office).join(node, tx)
        for name in (CITY, TOWN, OTHER_TOWN):
            self.desks[name] = self._desk(name, folder)
        if network:
            self._set_up()

    def _set_up(self) -> None:
        self._publish()
        self.hire(TOWN, "tw", "镇窗口", Role.WINDOW)
        self.hire(CITY, "cw", "市窗口", Role.WINDOW)
        for id_, name, role in (
            ("ch", "承办员", Role.HANDLER),
            ("cr", "审核员", Role.REVIEWER),
            ("cd", "决定员", Role.DECIDER),
        ):
            self.hire(CITY, id_, name, role)

    def item(self, *, immediate: bool = False) -> Item:
        """The first item of its kind that villages take in and the city decides."""
        items = self.offices[VILLAGE].shelf.catalogues.current(self.offices[VILLAGE].shelf.today).items
        return next(
            item
            for item in items
            if item.is_immediate is immediate and item.decide_tier == "city" and not item.confidential
        )

    def hire(self, node: NodeId, id_: str, name: str, *roles: Role, department: str = "") -> None:
        desk = self.desks[node]
        with desk.db.transaction() as tx:
            desk.roster.add(tx, id_, name, roles, department, PASSWORD)

    def submit(self, item: Item | None = None, scan: bytes = b"", form: b.Answers | None = None) -> Case:
        """A case taken in by the village and carried to the township."""
        item = item or self.item()
        node = self.network.nodes[VILLAGE]
        manifests: tuple[b.AttachmentManifest, ...] = ()
        if scan:
            sealed = seal_file(node.world, scan, node.chunks)
            manifests = (
                b.AttachmentManifest(
                    sealed.id,
                    "户口簿.pdf",
                    "application/pdf",
                    sealed.size,
                    sealed.key,
                    sealed.chunk_size,
                    sealed.chunks,
                ),
            )
        applicant = b.Applicant(
            name="王小明",
            id_type=b.IdType.ID_CARD,
            id_no=ID_NO,
            mobile="13800138000",
            village_code=b.DivisionCode(VILLAGE),
            address="三组十二号",
            delivery=b.Delivery.WINDOW,
        )
        materials = (b.Material("户口簿", 1, 1, "", tuple(one.id for one in manifests)),)
        body = b.CaseSubmitted(item.code, 1, applicant, form or {}, materials, manifests, item.confidential)
        with node.db.transaction() as tx:
            case = self.offices[VILLAGE].casework.submit(tx, Actor("a1", "代办员", Role.AGENT), body)
        self.network.settle(2)
        return case

    def at_city(self, item: Item | None = None, form: b.Answers | None = None) -> Case:
        """A case forwarded by the township."""
        case = self.submit(item, form=form)
        self.do(TOWN, "tw", "forward", case)
        self.network.settle(2)
        return case

    def do(self, node: NodeId, by: str, verb: str, case: Case, /, **values: str | list[str]) -> Case:
        """A verb at a desk, its inputs given by name (``_`` for ``-``)."""
        given = {
            name.replace("_", "-"): value if isinstance(value, list) else [value]
            for name, value in values.items()
        }
        return perform(self.desks[node], by, case.id, verb, given, via="test")

    def audit_lines(self, node: NodeId) -> list[tuple[str, str, str]]:
        """Actor, action and subject of every line, oldest first."""
        with self.desks[node].db.reading() as tx:
            lines = tx.exec_driver_sql("select actor, action, subject from audit order by number").all()
        return [tuple(line) for line in lines]

    def _desk(self, name: NodeId, folder: Path) -> DeskContext:
        node = self.network.nodes[name]
        installation = Installation(folder, Settings(node=name), node.db, node)
        return DeskContext(
            db=node.db,
            office=self.offices[name],
            node=name,
            world=node.world,
            roster=Roster(node.world, quick_stretch),
            audit=partial(audit.note, world=node.world),
            files=ScannedFiles(node),
            neighbours=partial(neighbours, installation),
            troubles=partial(troubles, installation),
            mended=partial(mended, installation),
            audit_lines=audit.search,
            signed_for=signed_for,
        )

    def _publish(self) -> None:
        data = encode_catalogue(load_catalogue())
        city = self.network.nodes[CITY]
        with city.db.transaction() as tx:
            self.offices[CITY].shelf.put_catalogue(tx, data)
            city.say(tx, ["*"], Lane.CATALOGUE, "CataloguePublished", data)
        self.network.settle(2)


@cache
def _morning() -> Place:
    """The place as every test finds it, set up once a process."""
    folder = Path(tempfile.mkdtemp(prefix="liandong-morning-"))
    atexit.register(shutil.rmtree, folder)
    made = Place(folder, Network(folder, 7))
    made.network.close()
    return made
