"""The first run's rules: what each answer has to be, and that what was decided outlives the power."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import InputError, LocalError
from core.regions import load_yuanjiang
from village_agent.first_run import (
    CONTACT_PORT,
    FILE_NAME,
    STEPS,
    Plan,
    Step,
    address_of,
    check_pins,
    check_typing,
    end,
    is_begun,
    is_clock_plausible,
    read_plan,
    village_of,
    write_plan,
)


def test_what_was_decided_is_read_back_and_holds_no_secret(tmp_path: Path) -> None:
    assert read_plan(tmp_path / "d") == Plan()
    plan = Plan(Step.OPERATOR, "en", "yes", "yes", "430981102001", "https://a:1", "https://a:2", "李代办")
    write_plan(tmp_path / "d", plan)
    assert is_begun(tmp_path / "d")
    assert read_plan(tmp_path / "d") == plan
    kept = (tmp_path / "d" / FILE_NAME).read_text(encoding="utf-8")
    assert set(json.loads(kept)) == {"format", *Plan.__dataclass_fields__}
    assert {"step", "lang", "frame", "typing", "node", "contact", "enrol", "operator"} == set(
        Plan.__dataclass_fields__
    )
    end(tmp_path / "d")
    assert not is_begun(tmp_path / "d")


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"format":2}', b'{"format":1,"step":"?"}', b"[1]", b"x" * 20_000]
)
def test_a_record_that_cannot_be_read_is_said_in_words(tmp_path: Path, data: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(data)
    with pytest.raises(LocalError, match=r"setup\.damaged"):
        read_plan(tmp_path)


def test_a_folder_that_takes_nothing_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LocalError, match=r"setup\.unwritable"):
        write_plan(tmp_path / "file", Plan())


def test_steps_go_forth_and_back_and_no_further() -> None:
    plan = Plan()
    for step in STEPS[1:]:
        plan = plan.moved(1)
        assert plan.step is step
    assert plan.moved(1).step is Step.DONE
    assert replace(plan, step=Step.LANGUAGE).moved(-1).step is Step.LANGUAGE


@pytest.mark.parametrize("text", ["430981102001", " ４３０９８１１０２００１ ", "430981102001-2"])
def test_a_village_of_the_table_is_taken(text: str) -> None:
    assert village_of(text, load_yuanjiang()).startswith("430981102001")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("430981102999", "setup.unknown_village"),
        ("430981990001", "setup.unknown_village"),
        ("430102001001", "setup.unknown_village"),
        ("430981102000", "setup.not_a_village"),
        ("430981000000", "setup.not_a_village"),
        ("43098110200", "node_id.malformed"),
        ("", "node_id.malformed"),
        ("430981102001-1", "node_id.malformed"),
    ],
)
def test_anything_else_is_no_village_of_ours(text: str, code: str) -> None:
    with pytest.raises(InputError) as refused:
        village_of(text, load_yuanjiang())
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("10.20.30.40", "https://10.20.30.40:8443"),
        (" https://town.example:9443/ ", "https://town.example:9443"),
        ("１０.20.30.40：９４４３", "https://10.20.30.40:9443"),
        ("[fe80::1]:9443", "https://[fe80::1]:9443"),
    ],
)
def test_an_address_is_forgiven_its_spelling(typed: str, meant: str) -> None:
    assert address_of(typed, CONTACT_PORT) == meant


@pytest.mark.parametrize(
    "typed", ["", "http://a", "a b", "a:99999", "a:0", "https://a/x", "镇里", "u@a", "a" * 300]
)
def test_what_is_no_address_is_refused_in_words(typed: str) -> None:
    with pytest.raises(InputError, match=r"setup\.address"):
        address_of(typed, CONTACT_PORT)


def test_two_characters_of_any_plane_show_that_the_input_method_works() -> None:
    assert check_typing(" 你好 ") == "你好"
    assert check_typing("𠮷䶮") == "𠮷䶮"
    for text, code in (("", "typing_nothing"), ("nihao", "typing_letters"), ("你", "typing_letters")):
        with pytest.raises(InputError) as refused:
            check_typing(text)
        assert refused.value.code == f"setup.{code}"


def test_a_pin_is_taken_when_it_is_strong_and_typed_twice_alike() -> None:
    assert check_pins("927461", "９２７４６１") == "927461"
    for pin, again, code in (
        ("927461", "927460", "setup.pins_differ"),
        ("123456", "123456", "vault.pin_weak"),
        ("12345", "12345", "vault.pin_length"),
    ):
        with pytest.raises(InputError) as refused:
            check_pins(pin, again)
        assert refused.value.code == code


def test_a_year_that_cannot_be_is_not_taken_for_right() -> None:
    for year, is_good in ((1970, False), (2024, False), (2025, True), (2027, True), (2030, False)):
        assert is_clock_plausible(datetime(year, 6, 1, tzinfo=UTC), 2026) is is_good
