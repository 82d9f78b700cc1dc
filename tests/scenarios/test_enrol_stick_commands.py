"""``code --stick``, ``enrol --stick`` and ``admit`` as people type them: two walks, exit codes, both languages."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from core.identifiers import NodeId
from sync.transport.usb import Stick
from tests.scenarios.programs import Programs
from tests.scenarios.test_stick_commands import PROGRAMS, VILLAGE
from tests.unit.enrolled_kit import CITY, TOWN
from tests.unit.village_kit import PIN

PASSPHRASE = "a long passphrase for the root"
CATALOGUE = Path(__file__).parents[2] / "core/data/catalogue.json"


class Offices:
    """The three programs, set up and strangers to each other, without any line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stick = folder / "KINGSTON"
        self.stick.mkdir()
        for name in (CITY, TOWN, VILLAGE):
            assert self.run(name, "init", name).exit_code == 0

    def run(self, name: NodeId, *words: str, lang: str = "zh") -> Result:
        env: Mapping[str, str] = {
            "LIANDONG_PIN": PIN,
            "LIANDONG_OPERATOR_NAME": "李代办",
            "LIANDONG_ROOT_PASSPHRASE": PASSPHRASE,
        }
        main, _ = PROGRAMS[name]
        return CliRunner().invoke(main, ["--data", str(self.folder / name), "--lang", lang, *words], env=env)

    def json(self, name: NodeId, *words: str, code: int = 0) -> Any:
        done = self.run(name, *words, "--json")
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)

    def code(self, name: NodeId, *words: str) -> str:
        return str(self.json(CITY, "code", name, "--stick", str(self.stick), *words)["code"])

    def lying(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in Stick(self.stick).folder.iterdir()}


@pytest.fixture
def offices(tmp_path: Path) -> Offices:
    return Offices(tmp_path)


def test_two_strangers_join_by_one_stick_and_the_catalogue_comes_down_by_it(offices: Offices) -> None:
    stick = str(offices.stick)
    codes = {name: offices.code(name) for name in (VILLAGE, TOWN)}
    for name, code in codes.items():
        facts = offices.json(name, "enrol", "--stick", stick, code, code=3)
        assert (facts["stage"], facts["error"]) == ("applied", None)
        assert not offices.json(name, "status")["enrolled"]
    seen = offices.json(CITY, "admit", stick, "--dry-run")
    assert [(one["node"], one["answered"]) for one in seen["applications"]] == [
        (TOWN, False),
        (VILLAGE, False),
    ]
    done = offices.json(CITY, "admit", stick)
    assert [one["fate"] for one in done["applications"]] == ["admitted", "admitted"]
    for name, code in codes.items():
        assert offices.json(name, "enrol", "--stick", stick, code)["stage"] == "enrolled"
        assert offices.json(name, "status")["enrolled"]
    assert offices.run(CITY, "publish", "catalogue", str(CATALOGUE)).exit_code == 0
    for name, verb in ((TOWN, "export"), (CITY, "import"), (TOWN, "import"), (VILLAGE, "export")):
        offices.json(name, verb, stick)
    offices.json(TOWN, "import", stick)
    taken = offices.json(VILLAGE, "import", stick)
    assert "taken" in [file["fate"] for file in taken["files"]]
    assert offices.json(VILLAGE, "status")["peers"][0]["carrier"] == "usb"


def test_each_step_says_in_words_what_is_done_and_where_the_stick_goes_next(offices: Offices) -> None:
    stick = str(offices.stick)
    given = offices.run(CITY, "code", VILLAGE, "--stick", stick)
    assert "注册通知已写在U盘“KINGSTON”上（不含注册码）" in given.stdout
    assert "同一块磁盘" in given.stderr
    code = next(line.strip() for line in given.stdout.splitlines() if line.startswith("    "))
    assert code.replace("-", "").encode() not in b"".join(offices.lying().values()).replace(b"-", b"")
    out = offices.run(VILLAGE, "enrol", "--stick", stick, code)
    assert out.exit_code == 3
    assert "带到市里" in out.stdout
    again = offices.run(VILLAGE, "enrol", "--stick", stick, code, lang="en")
    assert again.exit_code == 3
    assert "carry the stick to the city" in again.stdout
    admitted = offices.run(CITY, "admit", stick)
    assert admitted.exit_code == 0
    assert f"{VILLAGE}（注册码 {code[:5]}-…）：已准许加入本市。" in admitted.stdout
    assert "带回各节点" in admitted.stdout
    assert "admitted before" in offices.run(CITY, "admit", stick, lang="en").stdout
    back = offices.run(VILLAGE, "enrol", "--stick", stick, code)
    assert back.exit_code == 0
    assert f"节点 {VILLAGE} 注册成功" in back.stdout
    assert offices.lying() == {}
    once_more = offices.run(VILLAGE, "enrol", "--stick", stick, code)
    assert once_more.exit_code == 0
    assert "早已" in once_more.stdout


def test_exit_codes_tell_what_to_do(offices: Offices) -> None:
    stick, nowhere = str(offices.stick), str(offices.folder / "nowhere")
    assert offices.run(CITY, "code", VILLAGE, "--stick", nowhere).exit_code == 2
    assert offices.run(CITY, "code", VILLAGE, "--stick", stick, "--days", "31").exit_code == 2
    code = offices.code(VILLAGE, "--days", "30")
    assert offices.run(CITY, "admit", nowhere).exit_code == 2
    empty = offices.run(CITY, "admit", stick)
    assert (empty.exit_code, "没有注册申请" in empty.stdout) == (3, True)
    assert offices.run(VILLAGE, "enrol", "--stick", stick, code[:-1]).exit_code == 2
    other = offices.run(TOWN, "enrol", "--stick", stick, code)
    assert other.exit_code == 2
    assert "enrolment.no_notice" in other.stderr
    assert VILLAGE in other.stderr
    assert offices.run(VILLAGE, "enrol", "--stick", stick, code).exit_code == 3
    (path,) = Stick(offices.stick).folder.glob("*-application-*")
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    cut = offices.run(CITY, "admit", stick)
    assert cut.exit_code == 4
    assert path.name in cut.stdout
    path.write_bytes(whole)
    assert offices.run(CITY, "admit", stick).exit_code == 0
    # The answer changed on the way: the application is still there, and the city says the same again.
    (answer,) = Stick(offices.stick).folder.glob("*-answer-*")
    answer.write_bytes(answer.read_bytes()[:-9])
    spoilt = offices.run(VILLAGE, "enrol", "--stick", stick, code)
    assert spoilt.exit_code == 3
    assert answer.name in spoilt.stdout
    assert offices.run(CITY, "admit", stick).exit_code == 0
    assert offices.run(VILLAGE, "enrol", "--stick", stick, code).exit_code == 0


def test_a_stick_that_cannot_be_written_leaves_no_code_and_says_so(offices: Offices) -> None:
    Stick(offices.stick).folder.symlink_to(offices.folder)
    failing = offices.run(CITY, "code", VILLAGE, "--stick", str(offices.stick))
    assert failing.exit_code == 5
    assert "注册码（只显示" not in failing.stdout


@pytest.mark.parametrize(
    ("name", "command", "example"),
    [
        (VILLAGE, "enrol", "enrol --stick /media/usb"),
        (TOWN, "enrol", "enrol --stick /media/usb"),
        (CITY, "code", "code 430981102201 --stick /media/usb"),
        (CITY, "admit", "admit /media/usb --dry-run"),
    ],
)
def test_every_command_explains_itself_with_examples(name: NodeId, command: str, example: str) -> None:
    told = CliRunner().invoke(PROGRAMS[name][0], [command, "--help"])
    assert told.exit_code == 0
    assert example in told.output
    assert command == "code" or "exit codes" in told.output


def test_only_the_city_has_the_verbs_that_admit() -> None:
    for name in (TOWN, VILLAGE):
        assert not {"admit", "code"} & set(PROGRAMS[name][0].commands)


def test_real_programs_enrol_by_a_stick_through_a_kill_at_either_side(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    stick = tmp_path / "media"
    stick.mkdir()
    programs.do(
        "city", "init", str(CITY), "--passphrase-file", str(tmp_path / "pass"), "--root-key", str(tmp_path / "root"),
    )  # fmt: skip
    programs.do("township", "init", str(TOWN))
    code = programs.facts("city", "code", TOWN, "--stick", str(stick))["code"]
    enrol, admit = ("enrol", "--stick", str(stick), code), ("admit", str(stick))
    for tier, words, after in (("township", enrol, 3), ("city", admit, 0), ("township", enrol, 0)):
        killed = subprocess.Popen(
            programs.command(tier, *words),
            env=programs.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # As soon as it has touched the stick, wherever it stands then.
        before = sorted(stick.rglob("*"))
        while killed.poll() is None and sorted(stick.rglob("*")) == before:
            pass
        killed.kill()
        killed.wait()
        programs.do(tier, *words, code=after)
    assert programs.facts("township", "status")["enrolled"]
    assert list((stick / "LIANDONG").glob("*.lde")) == []
