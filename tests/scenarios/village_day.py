"""A village's day by its own commands, on whatever machine they run: city and township are real programs on this one."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.catalogue import load_catalogue
from tests.scenarios.programs import PIN, TOWN, VILLAGE, Programs, _url
from tests.unit.pdf_kit import read_pdf
from tests.unit.village_kit import ITEM, applicant, person

DAY_S_MAX = 120
FORBIDDEN = set('<>:"/\\|?*') | {chr(number) for number in range(32)}
RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{one}{number}" for one in ("com", "lpt") for number in range(1, 10)),
}
"""What Windows takes in no name of a file: characters, and whole names whatever their ending."""
NAME = "王𠮷英"

_IN_BACKGROUND = """
import sys, time
from pathlib import Path
from sync.environment import SystemWorld
from sync.restoring import RUN_FILE, running_pid
from village_agent.background import Background
from village_agent.session import open_session
from village_agent.vault import choose_operator
folder, pin = Path(sys.argv[1]), sys.argv[2]
desk = open_session(folder, SystemWorld(), choose_operator(folder, None), pin)
background = Background(desk.village.installation, SystemWorld())
until = time.monotonic() + float(sys.argv[3])
def wait(is_so):
    while not is_so():
        assert time.monotonic() < until, (folder / "background.log").read_text(encoding="utf-8")
        time.sleep(0.1)
background.look()
process = background._process
wait(lambda: running_pid(folder) is not None)
background.stop()
wait(lambda: process.poll() is not None)
assert process.returncode == 0, process.returncode
assert running_pid(folder) is None and not (folder / RUN_FILE).exists()
(folder / RUN_FILE).write_text('{"pid": %d}' % process.pid, encoding="utf-8")
assert running_pid(folder) is None, "a file that a crash left"
desk.close()
"""


@dataclass(frozen=True)
class VillageMachine:
    """``python`` starts its interpreter; ``there`` is what its programs call a path of this machine."""

    python: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    there: Callable[[Path], str] = str

    def run(self, *words: str, text: str = "") -> subprocess.CompletedProcess[bytes]:
        # Pipes on every side: some machines have no files of ours for their streams.
        return subprocess.run(
            [*self.python, *words],
            env=dict(self.environment) | {"LIANDONG_PIN": PIN, "LIANDONG_OPERATOR_NAME": "李代办"},
            input=text.encode(),
            capture_output=True,
            timeout=DAY_S_MAX,
            check=False,
        )

    def do(self, *words: str, text: str = "", code: int = 0) -> str:
        done = self.run(
            "-m", "village_agent.entry", "--data", self.there(self.folder / "数据"), *words, text=text
        )
        assert done.returncode == code, (words, done.returncode, done.stdout.decode(), done.stderr.decode())
        return done.stdout.decode()

    def facts(self, *words: str, text: str = "", code: int = 0) -> Any:
        return json.loads(self.do(*words, "--json", text=text, code=code))


def a_day(town: Programs, village: VillageMachine) -> None:
    """From the first command to the last; a command that fails ends it with its words."""
    _join(town, village)
    first = _take_in(village, "021")
    _print(village, first)
    village.do("sync")
    assert first in town.do("township", "list", "--holder", "all", "--json")
    second = _take_in(village, "043")
    _carry(town, village, second)
    _care(village)
    done = village.run("-c", _IN_BACKGROUND, village.there(village.folder / "数据"), PIN, str(DAY_S_MAX))
    assert done.returncode == 0, done.stderr.decode()
    # What the last contact brought may still wait to be answered.
    told = village.run(
        "-m", "village_agent.entry", "--data", village.there(village.folder / "数据"), "unsent", "--json"
    )
    assert told.returncode in (0, 3) and json.loads(told.stdout)["known"] is True, told.stderr.decode()
    assert bad_names(village.folder) == []


def bad_names(folder: Path) -> list[str]:
    """Paths below ``folder`` that Windows would not take, or take for another."""
    found, seen = [], set()
    for path in sorted(folder.rglob("*")):
        name, place = path.name, path.relative_to(folder).as_posix()
        stem = name.partition(".")[0].lower()
        if set(name) & FORBIDDEN or name[-1] in ". " or stem in RESERVED or place.lower() in seen:
            found.append(place)
        seen.add(place.lower())
    return found


def _join(town: Programs, village: VillageMachine) -> None:
    town.found_city()
    town.found_township()
    town.enrolled("township", TOWN)
    town.start("township")
    town.publish()
    above = ("--parent", _url(town.town_contact), "--parent-enrol", _url(town.town_enrol), "--every", "1")
    village.do("init", VILLAGE, *above)
    assert {one["code"] for one in village.facts("doctor", code=5)} >= {"node.not_enrolled", "line.up"}
    village.do("enrol", town.facts("city", "code", VILLAGE)["code"])

    def has_catalogue() -> bool:
        village.do("sync")
        return bool(village.facts("status")["catalogue"])

    _until(has_catalogue)


def _take_in(village: VillageMachine, serial: str) -> str:
    scan = village.folder / "扫描 件" / "身份证.jpg"
    scan.parent.mkdir(exist_ok=True)
    scan.write_bytes(b"\xff\xd8jpeg" + os.urandom(300_000))
    item = load_catalogue().item(ITEM)
    request = {
        "item": ITEM,
        "applicant": applicant(name=NAME, id_no=person(serial=serial), village_code=VILLAGE),
        "form": {
            "hardship_type": item.form_fields[0].options[0],
            "reason": "因病住院",
            "amount_requested": "3000",
            "urgent": True,
        },
        "materials": [{"name": m.name, "originals": m.originals, "copies": m.copies} for m in item.materials],
        "attachments": [{"material": item.materials[0].name, "path": village.there(scan)}],
    }
    text = json.dumps(request, ensure_ascii=False)
    file = village.folder / "申请 表.json"
    file.write_text(text, encoding="utf-8")
    assert village.facts("apply", "--check", text=text)["ok"] is True
    case = str(village.facts("apply", village.there(file))["case"])
    assert case in village.do("list", "--json")
    return case


def _print(village: VillageMachine, case: str) -> None:
    assert NAME[0] in village.do("slip", case, "--width", "32")
    out = village.folder / "收件回执.pdf"
    village.do("slip", case, "--pdf", village.there(out))
    text, fonts = read_pdf(out.read_bytes())
    assert "收件回执" in text and NAME[0] in text and fonts


def _carry(town: Programs, village: VillageMachine, case: str) -> None:
    stick = village.folder / "优 盘"
    stick.mkdir()
    village.do("export", village.there(stick))
    assert bad_names(stick) == [] and list(stick.rglob("*.ldb"))
    town.do("township", "import", str(stick))
    assert case in town.do("township", "list", "--holder", "all", "--json")
    village.do("import", village.there(stick))


def _care(village: VillageMachine) -> None:
    copy = village.folder / "备份 一.db"
    village.do("backup", village.there(copy))
    village.do("restore", village.there(copy))
    findings = village.facts("doctor", code=0)
    assert {"database", "disk", "certificate.ok", "line.up"} <= {one["code"] for one in findings}, findings
    # The practice folder lies beside the data; nothing real is touched by it.
    village.do("practice", "--reset")


def _until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + DAY_S_MAX
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.2)
