"""Invented applicants and their papers: valid by every rule, belonging to nobody, recognisable wherever they leak."""

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from core.application import HandedIn, Sheet
from core.bodies import AttachmentManifest, Delivery
from core.catalogue import Catalogue, load_catalogue
from core.items import DecideTier, FieldType, FormField, Item, Need
from core.people import citizen_check
from sync.attachments import ChunkStore, seal_file
from tests.simulator.ledger import ID_MARK, MOBILE_MARK, NAME_MARK, Person
from tests.simulator.timeline import NodeClock

ITEM_CODES = (
    "43098101205004",  # 临时救助: several field types, decided by three officers
    "43098101205001",  # 农村低保: a table of household members
    "43098101205006",  # 孤儿基本生活保障: confidential, the township must not read it
    "43098101220002",  # 老年人优待证: general, one accepts and one verifies
    "43098101420004",  # 就业失业登记: made the township's to decide
)
SCAN_BYTES = (300, 2_000, 33_000, 70_000)


def small_catalogue(version: int = 1) -> Catalogue:
    """A few items of the packaged catalogue, one of them decided by the township."""
    whole = load_catalogue()
    items = [whole.item(code) for code in ITEM_CODES]
    items[-1] = replace(items[-1], decide_tier=DecideTier.TOWNSHIP)
    return replace(whole, version=version, items=tuple(items), effective_from=date(2015, 1, 1))


def invent(chance: random.Random, number: int, item: Item) -> Person:
    """Applicant ``number`` of this world, who wants ``item``."""
    body = f"{ID_MARK}{chance.randrange(30, 99)}0{chance.randrange(1, 10)}1{chance.randrange(10)}{number % 1000:03d}"
    surname = chance.choice("王李张刘陈杨黄周吴徐")
    # Several papers of one application travel together: the damage to one leaves a gap before the next.
    count = chance.choice((0, 1, 1, 2, 4))
    scans = tuple(chance.randbytes(chance.choice(SCAN_BYTES)) for _ in range(count))
    return Person(
        number,
        f"{surname}{NAME_MARK}",
        body + citizen_check(body),
        f"{MOBILE_MARK}{number % 1000:03d}",
        item.code,
        chance.choice((Delivery.VILLAGE, Delivery.VILLAGE, Delivery.WINDOW)),
        scans,
    )


def sheet_for(
    person: Person, item: Item, village: str, clock: NodeClock, store: ChunkStore, note: str = ""
) -> Sheet:
    """The application as the agent types it; the scans are sealed on the way."""
    files = tuple(_seal(number, scan, clock, store) for number, scan in enumerate(person.scans))
    required = [material for material in item.materials if material.need is Need.REQUIRED]
    materials = tuple(
        HandedIn(m.name, m.originals, max(1, m.copies), note, files if m is required[0] else ())
        for m in required
    )
    return Sheet(item.code, _applicant(person, village), _answers(item, person), materials)


def _seal(number: int, scan: bytes, clock: NodeClock, store: ChunkStore) -> AttachmentManifest:
    sealed = seal_file(clock, scan, store)
    name = f"scan{number}.jpg"
    return AttachmentManifest(
        sealed.id, name, "image/jpeg", sealed.size, sealed.key, sealed.chunk_size, sealed.chunks
    )


def _applicant(person: Person, village: str) -> dict[str, str]:
    return {
        "name": person.name,
        "id_type": "身份证",
        "id_no": person.id_no,
        "mobile": person.mobile,
        "village_code": village[:12],
        "address": f"{NAME_MARK}组",
        "delivery": person.delivery,
    }


def _answers(item: Item, person: Person) -> Mapping[str, Any]:
    return {field.key: _answer(field, person) for field in item.form_fields if field.required}


def _answer(field: FormField, person: Person) -> Any:
    match field.type:
        case FieldType.CHOICE:
            return field.options[person.number % len(field.options)]
        case FieldType.INT:
            return max(field.min or 0, 2)
        case FieldType.MONEY | FieldType.DECIMAL:
            return str(max(field.min or 0, 120))
        case FieldType.BOOL:
            return True
        case FieldType.DATE:
            return "1960-04-12"
        case FieldType.ID_NO:
            return person.id_no
        case FieldType.PHONE:
            return person.mobile
        case FieldType.TABLE:
            return [{column.key: _answer(column, person) for column in field.columns}]
        case _:
            return f"{person.name}所填"
