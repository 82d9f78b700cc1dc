"""The village's commands: exit codes, JSON, sentences in both languages, nothing personal in a list."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from core.catalogue import encode_catalogue, load_catalogue
from sync import primitives
from sync.environment import SystemWorld
from tests.unit.village_kit import ITEM, PIN, VILLAGE, applicant, person
from village_agent.cli import main
from village_agent.session import open_session
from village_agent.vault import choose_operator


class Terminal:
    """Runs the program on one data folder, the PIN in the environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str, text: str | None = None, lang: str = "zh", pin: str = PIN) -> Result:
        env = {"LIANDONG_PIN": pin, "LIANDONG_OPERATOR_NAME": "李代办"}
        return CliRunner().invoke(
            main, ["--data", str(self.folder), "--lang", lang, *words], env=env, input=text
        )

    def json(self, *words: str, text: str | None = None) -> Any:
        return json.loads(self.run(*words, "--json", text=text).stdout)


@pytest.fixture(autouse=True)
def stretched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command unlocks by the same PIN and salt: it is stretched once a test."""
    monkeypatch.setattr(primitives, "argon2id", cache(primitives.argon2id))


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    made = Terminal(tmp_path / "data")
    assert made.run("init", VILLAGE).exit_code == 0
    folder = made.folder
    desk = open_session(folder, SystemWorld(), choose_operator(folder, None), PIN)
    with desk.village.installation.db.transaction() as tx:
        desk.village.office.shelf.put_catalogue(tx, encode_catalogue(load_catalogue()))
    desk.close()
    return made


def _request(tmp_path: Path, **changes: object) -> str:
    scan = tmp_path / "scan.jpg"
    scan.write_bytes(b"jpeg" * 1000)
    item = load_catalogue().item(ITEM)
    request = {
        "item": ITEM,
        "applicant": applicant(),
        "form": {
            "hardship_type": item.form_fields[0].options[0],
            "reason": "因病住院",
            "amount_requested": "3000",
            "urgent": True,
        },
        "materials": [{"name": m.name, "originals": m.originals, "copies": m.copies} for m in item.materials],
        "attachments": [{"material": item.materials[0].name, "path": str(scan)}],
    }
    return json.dumps(request | changes, ensure_ascii=False)


def test_an_application_is_checked_registered_listed_and_shown(terminal: Terminal, tmp_path: Path) -> None:
    request = _request(tmp_path)
    assert terminal.json("apply", "--check", text=request)["ok"] is True
    case = terminal.json("apply", text=request)
    assert case["state"] == "SUBMITTED"
    assert case["wording"] == "local_only"
    listed = terminal.json("list")
    assert [entry["case"] for entry in listed["cases"]] == [case["case"]]
    shown = terminal.run("show", case["display"])
    assert "已登记·仅本机" in shown.stdout
    assert "待上传" in shown.stdout
    again = terminal.json("apply", "--check", text=request)
    assert again["possible_duplicates"] == [case["display"]]


def test_lists_and_pages_never_hold_the_whole_number(terminal: Terminal, tmp_path: Path) -> None:
    case = terminal.json("apply", text=_request(tmp_path))["case"]
    for words in (["list"], ["list", "--json"], ["show", case], ["show", case, "--json"], ["slip", case]):
        text = terminal.run(*words).stdout
        assert person() not in text
        assert "13800138000" not in text
    assert person() in terminal.run("show", case, "--full", "--json", "--why", "核对").stdout


def test_every_problem_is_printed_and_the_exit_code_is_two(terminal: Terminal, tmp_path: Path) -> None:
    bad = _request(tmp_path, applicant={}, form={})
    told = terminal.run("apply", "--json", text=bad)
    assert told.exit_code == 2
    assert len(json.loads(told.stdout)["problems"]) >= 8
    english = terminal.run("apply", text=bad, lang="en")
    assert english.exit_code == 2
    assert "required" in english.stdout


@pytest.mark.parametrize(
    ("words", "code", "status"),
    [
        (["show", "43098110200120151010000141"], "case_id.check", 2),
        (["apply", "missing.json"], "request.unreadable", 2),
        (["drafts", "--restore", "f" * 32], "draft.unknown", 2),
    ],
)
def test_a_refusal_is_json_with_both_languages(
    terminal: Terminal, words: list[str], code: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["village-agent", "--json"])
    result = terminal.run(*words, "--json")
    error = json.loads(result.stdout)["error"]
    assert (error["code"], result.exit_code) == (code, status)
    assert error["zh"]
    assert error["en"]


def test_a_step_out_of_turn_is_refused_by_state_with_exit_code_three(
    terminal: Terminal, tmp_path: Path
) -> None:
    case = terminal.json("apply", text=_request(tmp_path))["case"]
    refused = terminal.run("deliver", case)
    assert refused.exit_code == 3
    assert terminal.run("note", case, "申请人补充说明").exit_code == 0
    assert terminal.run("rate", case, "1").exit_code == 0
    assert terminal.run("ask-withdraw", case, "--reason", "不办了").exit_code == 0


def test_a_wrong_pin_opens_nothing(terminal: Terminal) -> None:
    refused = terminal.run("list", pin="100200")
    assert refused.exit_code == 2
    assert "vault.wrong_pin" in refused.stderr


def test_the_slip_is_narrow_says_local_only_and_carries_the_number(
    terminal: Terminal, tmp_path: Path
) -> None:
    from rich.cells import cell_len

    case = terminal.json("apply", text=_request(tmp_path))
    for lang in ("zh", "en"):
        lines = terminal.run("slip", case["case"], "--no-qr", lang=lang).stdout.splitlines()
        assert max(cell_len(line) for line in lines) <= 46
        assert any(case["display"] in line for line in lines)
    assert "已登记·仅本机" in terminal.run("slip", case["case"]).stdout


def test_no_byte_of_the_person_lies_readable_on_the_disk(terminal: Terminal, tmp_path: Path) -> None:
    terminal.json("apply", text=_request(tmp_path))
    for path in terminal.folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert person().encode() not in data, path
            assert "王秀英".encode() not in data, path
            assert b"jpegjpeg" not in data, path


def test_an_init_that_was_cut_off_after_the_vault_goes_on_with_its_key(tmp_path: Path) -> None:
    from village_agent.vault import create_vault

    terminal = Terminal(tmp_path / "cut")
    create_vault(terminal.folder, "a1", "李代办", PIN, SystemWorld())
    assert terminal.run("init", VILLAGE).exit_code == 0
    assert terminal.json("list")["total"] == 0
