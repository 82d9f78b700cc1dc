"""An unlocked village desk in a folder of its own, with the packaged catalogue, for tests of the village agent."""

import sys
import tempfile
from functools import cache
from pathlib import Path

from core.application import HandedIn, Sheet
from core.catalogue import encode_catalogue, load_catalogue
from core.clock import World
from core.people import citizen_check
from sync.environment import SystemWorld
from sync.installation import create
from sync.settings import Settings
from tests.unit.sealing_kit import StillWorld
from village_agent.app import CHAINS, compose
from village_agent.intake import Intake
from village_agent.session import Session, begin
from village_agent.vault import Operator, create_vault

VILLAGE = "430981102001"
PIN = "927461"
ITEM = "43098101205004"
"""临时救助申请: a choice, several lines, money, yes/no."""
TABLE_ITEM = "43098101205001"
"""农村低保: a table of household members."""


def person(birth: str = "19600412", serial: str = "021") -> str:
    """A number that fits GB 11643 and belongs to nobody we know of."""
    body = f"430981{birth}{serial}"
    return body + citizen_check(body)


def open_desk(folder: Path, world: World, **settings: str) -> Session:
    """A desk of a new village agent; closed by the caller."""
    key = _vault(folder, world)
    village = compose(create(folder, Settings(node=VILLAGE, **settings), world, CHAINS, key))
    with village.installation.db.transaction() as tx:
        village.office.shelf.put_catalogue(tx, encode_catalogue(load_catalogue()))
    return begin(village, Operator("a1", "李代办"))


def _vault(folder: Path, world: World) -> bytes:
    """The operator's PIN set in ``folder``, a copy of what was set once; returns the key.

    To stretch a PIN takes longer than many a test; its cost and its rules have tests of their own. Where chance stands
    still, all of it is drawn: what follows is painted on pages that are kept.
    """
    if isinstance(world, StillWorld):
        return create_vault(folder, "a1", "李代办", PIN, world)
    key, files = _vault_set_once()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, data in files.items():
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o600)
    return key


@cache
def _vault_set_once() -> tuple[bytes, dict[str, bytes]]:
    with tempfile.TemporaryDirectory() as name:
        key = create_vault(Path(name), "a1", "李代办", PIN, SystemWorld())
        return key, {file.name: file.read_bytes() for file in Path(name).iterdir()}


def applicant(**changes: str) -> dict[str, str]:
    values = {
        "name": "王秀英",
        "id_type": "身份证",
        "id_no": person(),
        "mobile": "13800138000",
        "village_code": VILLAGE,
        "address": "三组",
        "delivery": "村级代办点送达",
    }
    return values | changes


def sheet(intake: Intake, code: str = ITEM, **form: object) -> Sheet:
    """A sheet that may be submitted: every required material with its numbers, the form of the item."""
    item = intake.item(code)
    answers = {
        "hardship_type": item.form_fields[0].options[0],
        "reason": "因病住院",
        "amount_requested": "3000",
        "urgent": True,
    }
    materials = tuple(
        HandedIn(m.name, m.originals, max(1, m.copies)) for m in item.materials if m.need == "必要"
    )
    return Sheet(code, applicant(), (answers if code == ITEM else {}) | form, materials)


PYTHON = sys.executable
