"""A village, its township and the city on one machine without internet, worked as people would: by the installed commands."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.catalogue import load_catalogue
from tests.packaging.machine import Machine, Running, Said
from tests.unit.village_kit import ITEM, applicant, person

CITY, TOWN, VILLAGE = "430981000000", "430981102000", "430981102202"
AGENT, PIN = "agent", "927461"
DATA = f"/home/{AGENT}/.local/share/liandong/village"
PACKAGED = "/usr/lib/liandong/lib/python3.11/site-packages"

_WRITE_DRAFTS = """
import os, sys, json
from pathlib import Path
from sync.environment import SystemWorld
from village_agent import drafts
from village_agent.session import open_session
from village_agent.vault import operators
folder = Path(sys.argv[1])
desk = open_session(folder, SystemWorld(), operators(folder)[0], os.environ["LIANDONG_PIN"])
book, db = desk.intake.drafts, desk.village.installation.db
for name in json.loads(sys.argv[2]):
    with db.transaction() as tx:
        draft = book.start(tx, "a1", drafts.Sheet(sys.argv[3], {}, {}, ()))
        book.put(tx, draft.id, "applicant", "name", name)
        book.put(tx, draft.id, "form", "reason", "因病住院，" + name)
desk.close()
"""
_READ_DRAFTS = """
import os, sys, json
from pathlib import Path
from sync.environment import SystemWorld
from village_agent.session import open_session
from village_agent.vault import operators
folder = Path(sys.argv[1])
desk = open_session(folder, SystemWorld(), operators(folder)[0], os.environ["LIANDONG_PIN"])
with desk.village.installation.db.reading() as tx:
    found = desk.intake.drafts.listing(tx)
print(json.dumps(sorted(
    [d.id, d.place, d.saved_at, d.sheet.item, dict(d.sheet.applicant), dict(d.sheet.form)] for d in found
)))
desk.close()
"""


@dataclass
class Story:
    """What is running is stopped at the end; a command that fails ends the story with its words."""

    machine: Machine
    running: dict[str, Running] = field(default_factory=dict)

    def install(self, package: Path) -> Said:
        self.machine.bring(package, "/package.deb")
        return self.machine.run("dpkg", "--install", "/package.deb")

    def found_nodes(self) -> None:
        """City, township and village, enrolled over the machine's own loopback, the catalogue in all three."""
        self.found_offices()
        above = ("--parent", "https://127.0.0.1:8453", "--parent-enrol", "https://127.0.0.1:8452")
        ok(self.village("init", VILLAGE, *above))
        ok(self.village("enrol", self.code(VILLAGE)))
        ok(self.machine.run("liandong-township", "sync"))
        ok(self.village("sync"))

    def found_offices(self) -> None:
        """City and township at work, and somebody in a village who has not begun."""
        machine = self.machine
        ok(machine.run("useradd", "--create-home", "--shell", "/bin/bash", AGENT))
        doors = ("--contact", "127.0.0.1:8443", "--enrol-at", "127.0.0.1:8442")
        ok(
            machine.run(
                "liandong-city", "init", CITY, *doors, env={"LIANDONG_ROOT_PASSPHRASE": "长长的口令 1949"}
            )
        )
        ok(machine.run("liandong-city", "publish", "catalogue", f"{PACKAGED}/core/data/catalogue.json"))
        self.start("city")
        doors = ("--contact", "127.0.0.1:8453", "--enrol-at", "127.0.0.1:8452")
        above = ("--parent", "https://127.0.0.1:8443", "--parent-enrol", "https://127.0.0.1:8442")
        ok(machine.run("liandong-township", "init", TOWN, *doors, *above))
        ok(machine.run("liandong-township", "enrol", self.code(TOWN)))
        ok(machine.run("liandong-township", "sync"))
        self.start("township")

    def code(self, node: str) -> str:
        return str(ok(self.machine.run("liandong-city", "code", node, "--json")).json()["code"])

    def start(self, tier: str) -> None:
        """Let a service run, as its unit does."""
        self.running[tier] = self.machine.start(f"liandong-{tier}", "run")
        self.running[tier].await_line("正在运行")

    def stop(self, *tiers: str) -> None:
        for tier in tiers or tuple(self.running):
            self.running.pop(tier).stop()

    def village(self, *words: str, text: str | None = None) -> Said:
        env = {"LIANDONG_PIN": PIN, "LIANDONG_OPERATOR_NAME": "李代办"}
        return self.machine.run("village-agent", *words, user=AGENT, env=env, text=text)

    def apply(self, serial: str) -> str:
        """Take in an application; returns the case's number."""
        return str(ok(self.village("apply", "--json", text=request(serial))).json()["case"])

    def cases(self) -> dict[str, str]:
        """State by case number, as the village lists them."""
        listed = ok(self.village("list", "--json")).json()["cases"]
        return {one["case"]: one["state"] for one in listed}

    def cases_of(self, tier: str) -> set[str]:
        """The numbers of all cases in the book of the township or the city."""
        said = ok(self.machine.run(f"liandong-{tier}", "list", "--holder", "all", "--json")).out
        return set(re.findall(r'"case": "([0-9X]+)"', said))

    def write_drafts(self, *names: str) -> None:
        ok(self._python(_WRITE_DRAFTS, DATA, json.dumps(names), ITEM))

    def drafts(self) -> list[Any]:
        """Number, place, time and content of every open draft."""
        found: list[Any] = ok(self._python(_READ_DRAFTS, DATA)).json()
        return found

    def _python(self, script: str, *words: str) -> Said:
        env = {"LIANDONG_PIN": PIN}
        return self.machine.run(
            "/usr/lib/liandong/bin/python3", "-I", "-c", script, *words, user=AGENT, env=env
        )

    def close(self) -> None:
        self.machine.close()


def ok(said: Said) -> Said:
    assert said.code == 0, said.text
    return said


def request(serial: str) -> str:
    """An application that may be submitted, as JSON for ``apply``."""
    item = load_catalogue().item(ITEM)
    materials = [{"name": m.name, "originals": m.originals, "copies": m.copies} for m in item.materials]
    form = {"hardship_type": "急难型", "reason": "因病住院", "amount_requested": "3000", "urgent": True}
    who = applicant(id_no=person(serial=serial), village_code=VILLAGE)
    return json.dumps(
        {"item": ITEM, "applicant": who, "form": form, "materials": materials}, ensure_ascii=False
    )
