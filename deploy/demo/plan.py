"""Who applies for what on the demo's day, and how it will end: decided by the seed alone."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from random import Random
from typing import Any

from core.bodies import Delivery
from core.catalogue import load_catalogue
from core.identifiers import Tier
from core.items import Item, Need
from deploy.demo.answers import answers
from deploy.demo.people import Person, invent

CITY = "430981000000"
TOWNSHIPS = ("430981102000", "430981105000")
VILLAGES = ("430981102202", "430981102205", "430981105215", "430981105224")
"""四季红村 and 先锋村 of 四季红镇, 南竹脑村 and 和平村 of 泗湖山镇."""
SCAN_BYTES_MIN, SCAN_BYTES_MAX = 50 * 1024, 2 * 1024 * 1024


class Fate(Enum):
    """What becomes of an application."""

    GRANTED = "granted"
    DENIED = "denied"
    SUPPLEMENT_TOWNSHIP = "supplement asked by the township"
    SUPPLEMENT_CITY = "supplement asked by the city"
    RETURNED = "returned once"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    VOID = "void"
    SUSPENDED = "suspended and resumed"
    SENT_BACK = "sent back by the reviewer"


@dataclass(frozen=True, slots=True)
class Application:
    """One application; ``request`` is the JSON that the village's program takes, its files in ``folder``."""

    number: int
    village: str
    item: Item
    fate: Fate
    person: Person
    delivery: Delivery
    request: dict[str, Any]
    folder: Path
    by_command: bool
    is_rated: bool

    @property
    def request_file(self) -> Path:
        return self.folder / "request.json"


_SPECIAL: tuple[tuple[str, Fate], ...] = (
    # One of every fate first, each with an item that can meet it.
    ("43098101205001", Fate.SUPPLEMENT_TOWNSHIP),
    ("43098101205004", Fate.SUSPENDED),
    ("43098101510001", Fate.GRANTED),
    ("43098102101001", Fate.GRANTED),
    ("43098101205006", Fate.GRANTED),
    ("43098102205001", Fate.REFUSED),
    ("43098101705001", Fate.WITHDRAWN),
    ("43098101205008", Fate.DENIED),
    ("43098102001001", Fate.SENT_BACK),
    ("43098101905001", Fate.SUPPLEMENT_CITY),
    ("43098108307001", Fate.RETURNED),
    ("43098101205005", Fate.VOID),
)
_ORDINARY = (
    "43098101220002",
    "43098101420001",
    "43098101205001",
    "43098101420004",
    "43098101205005",
    "43098101920001",
    "43098108305002",
    "43098101920002",
    "43098101510001",
    "43098101420002",
    "43098101920003",
    "43098101901001",
    "43098102101001",
    "43098101205003",
    "43098101701001",
    "43098108305001",
)
_DELIVERIES = (Delivery.VILLAGE, Delivery.VILLAGE, Delivery.WINDOW, Delivery.POST)


def plan(seed: int, count: int, today: date, folder: Path) -> list[Application]:
    """``count`` applications, at least one of every fate, spread over the villages. Writes nothing."""
    # A seed that is printed, so that the same day can be had again; nothing secret comes of it.
    chance = Random(seed)  # noqa: S311
    catalogue = load_catalogue()
    wanted = [*_SPECIAL, *((_ORDINARY[place % len(_ORDINARY)], Fate.GRANTED) for place in range(count))][
        :count
    ]
    chance.shuffle(wanted)
    made = []
    for number, (code, fate) in enumerate(wanted):
        item = catalogue.item(code)
        if Tier.VILLAGE not in item.accept_tiers:
            raise ValueError(f"villages do not take in {code}")
        person = invent(chance, today)
        delivery = _DELIVERIES[number % len(_DELIVERIES)]
        village = VILLAGES[number % len(VILLAGES)]
        place = folder / f"{number + 1:02d}"
        scans = list(_scans(item, number, count))
        made.append(
            Application(
                number + 1,
                village,
                item,
                fate,
                person,
                delivery,
                _request(item, person, village, delivery, scans, chance, today),
                place,
                # Four villages take turns, so every second round of turns gives each of them both ways.
                by_command=number // len(VILLAGES) % 2 == 0,
                is_rated=number % 3 == 0,
            )
        )
    return made


def write(application: Application, seed: int) -> tuple[str, ...]:
    """Put the request and its scans on disk; returns the paths of the scans, in the order of the request."""
    application.folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for place, entry in enumerate(application.request["attachments"]):
        size = _size(application.number, place, seed)
        path = application.folder / entry["path"]
        path.write_bytes(scan(size, f"{seed}/{application.number}/{place}"))
        paths.append(str(path))
    text = json.dumps(application.request, ensure_ascii=False, indent=1)
    application.request_file.write_text(text, encoding="utf-8")
    return tuple(paths)


def write_supplement(application: Application, seed: int) -> tuple[Path, str]:
    """What is sent after a 补正: one more scan. Returns the request file and the path of the scan."""
    path = application.folder / "补正.jpg"
    path.write_bytes(scan(SCAN_BYTES_MIN + 4321, f"{seed}/{application.number}/supplement"))
    material = application.item.materials[0].name
    plain = {"attachments": [{"material": material, "path": path.name}]}
    file = application.folder / "supplement.json"
    file.write_text(json.dumps(plain, ensure_ascii=False), encoding="utf-8")
    return file, str(path)


def scan(size: int, name: str) -> bytes:
    """Bytes like those of a scanned page: a JPEG's beginning and end, and no pattern to compress between."""
    head, tail = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01", b"\xff\xd9"
    body = Random(name).randbytes(size - len(head) - len(tail))  # noqa: S311
    return head + body + tail


def _scans(item: Item, number: int, count: int) -> Iterator[str]:
    """The materials that are scanned: the first two, one of them for most."""
    names = [material.name for material in item.materials if material.need is Need.REQUIRED]
    yield from names[: 2 if number % 4 == 0 else 1]


def _size(number: int, place: int, seed: int) -> int:
    if (number, place) == (1, 0):
        return SCAN_BYTES_MAX
    chance = Random(f"{seed}/{number}/{place}/size")  # noqa: S311
    return chance.randint(SCAN_BYTES_MIN, 900_000 if number % 8 == 0 else 180_000)


def _request(
    item: Item,
    person: Person,
    village: str,
    delivery: Delivery,
    scans: list[str],
    chance: Random,
    today: date,
) -> dict[str, Any]:
    required = [material for material in item.materials if material.need is Need.REQUIRED]
    return {
        "item": item.code,
        "applicant": {
            "name": person.name,
            "id_type": "身份证",
            "id_no": person.id_no,
            "mobile": person.mobile,
            "village_code": village,
            "address": f"{chance.randint(1, 18)} 组 {chance.randint(1, 120)} 号",
            "delivery": str(delivery),
        },
        "form": answers(item, person, chance, today),
        "materials": [
            {"name": one.name, "originals": one.originals, "copies": one.copies} for one in required
        ],
        "attachments": [{"material": name, "path": f"{place + 1}.jpg"} for place, name in enumerate(scans)],
    }
