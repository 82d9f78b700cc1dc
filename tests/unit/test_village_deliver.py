"""``deliver`` on the command line: the rule of the terminal's page, refusals in words, nothing recorded by a mere look."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from core.states import State
from tests.unit.test_village_outlook import Three, three  # noqa: F401 - a fixture
from tests.unit.test_village_service import granted, now
from tests.unit.village_kit import person, sheet
from village_agent import case_commands, unlock
from village_agent.cli import main
from village_agent.handing_over import SHEET

LAST = person()[-4:]
GOOD = ("--id-no", LAST, "--acknowledged", "王秀英")
OTHER = ("--relation", "family", "--received-by", "王小英", "--acknowledged", "王小英")


@pytest.fixture
def deliver(three: Three, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: F811
    """Runs the command on the desk of ``three``, which stays open."""
    monkeypatch.setattr(unlock, "open_desk", lambda folder: three.desk)
    monkeypatch.setattr(type(three.desk), "close", lambda desk: None)

    def run(case: str, *words: str, lang: str = "zh", text: str | None = None) -> Result:
        return CliRunner().invoke(main, ["--lang", lang, "deliver", case, *words], input=text)

    return run


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        ((), ["id_no", "acknowledged"]),
        (("--id-no", "9999", "--acknowledged", "王秀英"), ["id_no"]),
        (("--id-no", LAST, "--acknowledged", "李四"), ["acknowledged"]),
        (("--received-by", "李四", "--id-no", LAST, "--acknowledged", "李四"), ["name"]),
        ((*OTHER, "--id-no", LAST), ["id_no"]),
        (("--relation", "agent", "--received-by", "王秀英", *GOOD), ["relation", "id_no"]),
        (("--relation", "agent", "--id-no", person(serial="043")), ["name"]),
    ],
)
@pytest.mark.parametrize("look", [(), ("--dry-run",)])
def test_who_does_not_pass_the_terminal_does_not_pass_the_command(
    three: Three,  # noqa: F811
    deliver: Any,
    words: tuple[str, ...],
    keys: list[str],
    look: tuple[str, ...],
) -> None:
    case = granted(three)
    refused = deliver(case.id, *words, *look, "--json")
    told = json.loads(refused.stdout)
    assert (refused.exit_code, told["ok"], told["error"]["code"]) == (2, False, "hand_over.receiver")
    assert [one["key"] for one in told["problems"]] == keys
    english = deliver(case.id, *words, *look, lang="en")
    assert english.exit_code == 2 and f"{len(keys)} to mend" in english.stdout and english.stdout.isascii()
    assert now(three, case).state is State.GRANTED


def test_a_look_says_that_it_may_be_and_the_step_records_it_with_its_sheet(
    three: Three,  # noqa: F811
    deliver: Any,
    tmp_path: Path,
) -> None:
    case = granted(three)
    looked = deliver(case.id, *GOOD, "--dry-run")
    assert looked.exit_code == 0 and "没有记录" in looked.stdout
    assert now(three, case).state is State.GRANTED
    photo = tmp_path / "签收 页.jpg"
    photo.write_bytes(b"jpeg" * 500)
    done = deliver(case.id, *GOOD, "--sheet", str(photo), "--json")
    assert done.exit_code == 0 and json.loads(done.stdout)["state"] == "DELIVERED"
    after = now(three, case)
    assert after.delivery is not None and after.delivery.received_by == "王秀英"
    assert [one.name for one in after.materials if one.name == SHEET] == [SHEET]


def test_somebody_else_receives_it_with_a_note_that_hides_the_number(three: Three, deliver: Any) -> None:  # noqa: F811
    case = granted(three)
    done = deliver(case.id, *OTHER, "--id-no", person(serial="043"))
    assert done.exit_code == 0, done.output
    note = now(three, case).notes[-1].body.text
    assert "同住成年家属" in note and person(serial="043") not in note + done.output


def test_at_a_terminal_what_is_left_out_is_asked_for_and_the_number_is_not_echoed(
    three: Three,  # noqa: F811
    deliver: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = granted(three)
    answers = {"姓名": "王小英", "签收人证件号": person(serial="043"), "请签收人": "王小英"}
    hidden: list[str] = []

    def answer(words: str, **how: Any) -> str:
        (found,) = [name for name in answers if words.startswith(name)]
        if how["hide_input"]:
            hidden.append(found)
        return answers[found]

    monkeypatch.setattr(case_commands.click, "prompt", answer)
    monkeypatch.setattr(case_commands, "is_at_terminal", lambda: True)
    done = deliver(case.id, "--relation", "agent")
    assert done.exit_code == 0, done.output
    assert hidden == ["签收人证件号"] and now(three, case).state is State.DELIVERED


def test_without_a_result_nothing_is_asked_and_the_state_is_named(
    three: Three,  # noqa: F811
    deliver: Any,
) -> None:
    with three.village.installation.db.transaction() as tx:
        case = three.desk.intake.submit(tx, three.desk.actor, sheet(three.desk.intake))
    refused = deliver(case.id, *GOOD)
    assert refused.exit_code == 3 and "已提交" in refused.output and "hand_over.not_due" in refused.output
    delivered = granted(three)
    assert deliver(delivered.id, *GOOD).exit_code == 0
    assert deliver(delivered.id, *GOOD).exit_code == 3, "a second time there is nothing to hand over"


def test_the_help_shows_how() -> None:
    shown = CliRunner().invoke(main, ["deliver", "--help"]).stdout
    for part in ("village-agent deliver", "--dry-run", "--relation family", "--sheet"):
        assert part in shown
