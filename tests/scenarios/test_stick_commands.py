"""``export`` and ``import`` as people type them on all three tiers: real folders, exit codes, both languages."""

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from city_node import cli as city_cli
from core.identifiers import NodeId
from sync.command_line import Program
from sync.environment import SystemWorld
from sync.installation import create
from sync.settings import Settings
from sync.transport.usb import Stick
from tests.unit.enrolled_kit import CITY, TOWN, enrol_with, found_city
from tests.unit.village_kit import ITEM, PIN, applicant
from tests.unit.village_kit import VILLAGE as VILLAGE_CODE
from township_node import cli as township_cli
from township_node.app import open_township
from village_agent import cli as village_cli
from village_agent.session import open_session
from village_agent.vault import choose_operator

VILLAGE = NodeId(VILLAGE_CODE)
CATALOGUE = Path(__file__).parents[2] / "core/data/catalogue.json"
PROGRAMS: dict[NodeId, tuple[click.Group, Program]] = {
    CITY: (city_cli.main, city_cli.PROGRAM),
    TOWN: (township_cli.main, township_cli.PROGRAM),
    VILLAGE: (village_cli.main, village_cli.PROGRAM),
}


class Desks:
    """The three programs on their folders, enrolled, without any line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stick = folder / "KINGSTON"
        self.stick.mkdir()
        world = SystemWorld()
        city = found_city(folder / CITY, world)
        create(folder / TOWN, Settings(node=TOWN), world, PROGRAMS[TOWN][1].chains).close()
        assert self.run(VILLAGE, "init", VILLAGE).exit_code == 0
        town = open_township(folder / TOWN, world).installation
        enrol_with(city.node, town.node)
        town.close()
        village = open_session(folder / VILLAGE, world, choose_operator(folder / VILLAGE, None), PIN)
        enrol_with(city.node, village.village.installation.node)
        village.close()
        city.close()

    def run(self, name: NodeId, *words: str, lang: str = "zh", text: str | None = None) -> Result:
        env = {"LIANDONG_PIN": PIN, "LIANDONG_OPERATOR_NAME": "李代办"}
        main, _ = PROGRAMS[name]
        return CliRunner().invoke(
            main, ["--data", str(self.folder / name), "--lang", lang, *words], env=env, input=text
        )

    def json(self, name: NodeId, *words: str, code: int = 0, text: str | None = None) -> Any:
        done = self.run(name, *words, "--json", text=text)
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)

    def apply(self) -> str:
        request = {
            "item": ITEM,
            "applicant": applicant(),
            "form": {"hardship_type": "", "reason": "因病住院", "amount_requested": "3000", "urgent": True},
            "materials": [],
            "attachments": [],
        }
        item = next(i for i in json.loads(CATALOGUE.read_text())["items"] if i["code"] == ITEM)
        field = next(f for f in item["form_fields"] if f["key"] == "hardship_type")
        request["form"]["hardship_type"] = field["options"][0]
        request["materials"] = [
            {"name": m["name"], "originals": m["originals"], "copies": max(1, m["copies"])}
            for m in item["materials"]
        ]
        return str(self.json(VILLAGE, "apply", text=json.dumps(request, ensure_ascii=False))["case"])


@pytest.fixture
def desks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desks:
    monkeypatch.setenv("LIANDONG_PIN", PIN)
    monkeypatch.setenv("LIANDONG_OPERATOR_NAME", "李代办")
    return Desks(tmp_path)


def test_three_offices_without_a_line_get_the_catalogue_down_and_a_case_up_by_commands(desks: Desks) -> None:
    stick = str(desks.stick)
    assert desks.run(CITY, "publish", "catalogue", str(CATALOGUE)).exit_code == 0
    # Who was never met has nothing to say yet but who it is.
    assert desks.json(TOWN, "export", stick)["exports"][0]["bundles"] == 1
    at_city = desks.json(CITY, "import", stick)
    assert [entry["fate"] for entry in at_city["files"]] == ["taken"]
    assert at_city["answers"][0]["envelopes"] > 0
    desks.json(TOWN, "import", stick)
    desks.json(VILLAGE, "export", stick)
    desks.json(TOWN, "import", stick)
    desks.json(VILLAGE, "import", stick)
    case = desks.apply()
    written = desks.run(VILLAGE, "export", stick)
    assert written.exit_code == 0
    assert "重新读出核对无误" in written.stdout
    assert "现在可以拔出U盘“KINGSTON”" in written.stdout
    assert "同一块磁盘" in written.stderr
    told = desks.run(VILLAGE, "status").stdout
    assert "在U盘“KINGSTON”上" in told
    assert desks.json(VILLAGE, "status")["peers"][0]["on_stick"]["label"] == "KINGSTON"
    taken = desks.run(TOWN, "import", stick, lang="en")
    assert taken.exit_code == 0
    assert f"please carry it to {VILLAGE}" in taken.stdout
    desks.run(VILLAGE, "import", stick)
    peer = desks.json(VILLAGE, "status")["peers"][0]
    assert (peer["waiting_envelopes"], peer["on_stick"], peer["carrier"]) == (0, None, "usb")
    assert "已转交" in desks.run(VILLAGE, "show", case).stdout


def test_a_dry_run_changes_nothing_here_or_on_the_stick(desks: Desks) -> None:
    stick = str(desks.stick)
    before = desks.json(VILLAGE, "status")
    planned = desks.json(VILLAGE, "export", stick, "--dry-run")
    assert planned["exports"][0] | {"for": TOWN, "introduction": True} == planned["exports"][0]
    assert list(desks.stick.iterdir()) == []
    after = desks.json(VILLAGE, "status")
    assert {k: v for k, v in before.items() if k != "disk_free_bytes"} == {
        k: v for k, v in after.items() if k != "disk_free_bytes"
    }
    desks.json(VILLAGE, "export", stick)
    files = {path: path.read_bytes() for path in Stick(desks.stick).folder.iterdir()}
    looked = desks.json(TOWN, "import", stick, "--dry-run")
    assert [entry["fate"] for entry in looked["files"]] == ["for_us"]
    assert {path: path.read_bytes() for path in Stick(desks.stick).folder.iterdir()} == files
    assert desks.json(TOWN, "status")["peers"][0]["node"] == CITY


def test_no_answer_leaves_the_stick_as_it_was(desks: Desks) -> None:
    desks.json(VILLAGE, "export", str(desks.stick))
    files = {path: path.read_bytes() for path in Stick(desks.stick).folder.iterdir()}
    report = desks.json(TOWN, "import", str(desks.stick), "--no-answer")
    assert report["answers"] == []
    assert {path: path.read_bytes() for path in Stick(desks.stick).folder.iterdir()} == files


def test_exit_codes_tell_whose_turn_it_is(desks: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    stick = str(desks.stick)
    assert desks.run(VILLAGE, "export", str(desks.folder / "nowhere")).exit_code == 2
    refused = desks.run(VILLAGE, "export", stick, "--for", CITY)
    assert refused.exit_code == 2
    assert "stick.not_neighbour" in refused.stderr
    empty = desks.run(TOWN, "import", stick)
    assert empty.exit_code == 3
    assert "没有给本机的数据包" in empty.stdout
    desks.json(VILLAGE, "export", stick)
    (bundle,) = Stick(desks.stick).folder.iterdir()
    bundle.write_bytes(bundle.read_bytes()[:-10])
    cut = desks.run(TOWN, "import", stick, "--no-answer")
    assert cut.exit_code == 4
    assert "没有复制完" in cut.stdout
    bundle.unlink()
    Stick(desks.stick).folder.rmdir()
    Stick(desks.stick).folder.symlink_to(desks.folder)
    failing = desks.run(VILLAGE, "export", stick)
    assert failing.exit_code == 5
    assert "可以拔出" not in failing.stdout


@pytest.mark.parametrize("command", ["export", "import"])
@pytest.mark.parametrize("name", [CITY, TOWN, VILLAGE])
def test_every_tier_explains_both_commands_with_examples(command: str, name: NodeId) -> None:
    told = CliRunner().invoke(PROGRAMS[name][0], [command, "--help"])
    assert told.exit_code == 0
    assert f"{command} /media/usb" in told.output
    assert "exit codes" in told.output
