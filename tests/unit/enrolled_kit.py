"""A city with its authority, and nodes enrolled with it in one process, for tests that need real keys and folders."""

from pathlib import Path

from core.catalogue import encode_catalogue, load_catalogue
from core.clock import World
from core.identifiers import NodeId
from core.store.office import Office
from sync import registrar
from sync.enrol import ANCHOR_PATH, APPLY_PATH, enrol
from sync.enrolment_code import parse_code
from sync.installation import Installation, create
from sync.node import Node
from sync.settings import Settings
from sync.workplace import Workplace, join

CITY, TOWN = NodeId("430981000000"), NodeId("430981102000")


def found_city(folder: Path, world: World) -> Installation:
    """A new city node with its authority; closed by the caller."""
    city = create(folder, Settings(node=CITY), world, ())
    registrar.found_authority(city.node)
    return city


def enrol_with(city: Node, node: Node) -> None:
    """Enrol ``node`` as over its line, without one."""
    doors = {ANCHOR_PATH: registrar.give_anchor, APPLY_PATH: registrar.admit}
    _, code = registrar.new_code(city, node.place.node)
    enrol(node, parse_code(code), lambda path, data: doors[path](city, data))


def township(folder: Path, world: World, city: Node) -> Workplace[Office]:
    """A new, enrolled township with its office and the catalogue; closed by the caller."""
    town = create(folder, Settings(node=TOWN), world, ())
    enrol_with(city, town.node)
    made = join(town, Office.join)
    with town.db.transaction() as tx:
        made.office.shelf.put_catalogue(tx, encode_catalogue(load_catalogue()))
    return made
