"""The first start: asked step by step, a wrong answer again, and at work even where nobody can be reached yet."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.errors import InputError
from sync.settings import load_settings
from tests.unit.village_kit import PIN
from village_agent.cli import main
from village_agent.first_start import addresses
from village_agent.tui import start as screens

VILLAGE = "430981102202"
ENV = {"LIANDONG_PIN": PIN, "LIANDONG_OPERATOR_NAME": "李代办"}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """The folders on which the screens were opened."""
    folders: list[Path] = []
    monkeypatch.setattr(screens, "run_screens", lambda folder, lang: folders.append(folder))
    yield folders


def start(folder: Path, *answers: str, lang: str = "zh") -> Result:
    text = "".join(answer + "\n" for answer in answers)
    return CliRunner().invoke(main, ["--data", str(folder), "--lang", lang, "start"], env=ENV, input=text)


def test_wrong_answers_are_asked_again_and_the_rest_is_set_up(tmp_path: Path, opened: list[Path]) -> None:
    folder = tmp_path / "village"
    done = start(folder, "430981", "430981102999", VILLAGE, "not a host", "10.8.0.1", "")
    assert done.exit_code == 0, done.output
    settings = load_settings(folder)
    assert settings.node == VILLAGE
    assert settings.parent_contact == "https://10.8.0.1:8443"
    assert settings.parent_enrol == "https://10.8.0.1:8442"
    assert done.output.count("✗") == 3
    assert "以后注册" in done.output
    assert opened == [folder]


def test_the_second_start_asks_nothing(tmp_path: Path, opened: list[Path]) -> None:
    folder = tmp_path / "village"
    assert start(folder, VILLAGE, "10.8.0.1", "").exit_code == 0
    again = start(folder)
    assert again.exit_code == 0
    assert "第一次使用" not in again.output
    assert opened == [folder, folder]


def test_a_code_that_cannot_be_used_now_keeps_nobody_from_working(tmp_path: Path, opened: list[Path]) -> None:
    folder = tmp_path / "village"
    done = start(folder, VILLAGE, "127.0.0.1:3", "K7Q2M", lang="en")
    assert done.exit_code == 0, done.output
    assert "not enrolled yet" in done.output
    assert opened == [folder]


def test_whoever_leaves_half_way_is_asked_again_the_next_time(tmp_path: Path, opened: list[Path]) -> None:
    folder = tmp_path / "village"
    assert start(folder, VILLAGE).exit_code != 0
    assert opened == []
    assert "第一次使用" in start(folder, VILLAGE, "10.8.0.1", "").output


@pytest.mark.parametrize(
    "text", ["", "a b", "10.8.0.1:", "10.8.0.1:0", "10.8.0.1:99999", "http://x", "镇", "x/y"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"start\.address"):
        addresses(text)


def test_the_door_for_new_nodes_stands_beside_that_for_contacts() -> None:
    assert addresses("town.example:9443") == ("https://town.example:9443", "https://town.example:9442")
    assert addresses(" https://10.8.0.1/ ") == ("https://10.8.0.1:8443", "https://10.8.0.1:8442")
