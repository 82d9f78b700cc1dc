"""A node without any line joins the city by a stick, in whatever order and however often its steps are done."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import StateError
from sync import enrol, enrol_words, meeting
from sync.admitting import Admitting, Fate, admit_from, issue
from sync.enrol_file import Part
from sync.enrol_stick import Stage, enrol_from
from sync.enrolment_code import parse_code
from sync.enrolment_desk import CODE_LIFETIME
from sync.node import Node
from sync.transport import usb
from sync.transport.usb import Stick, StickError
from tests.scenarios.enrol_sticks import (
    admitted,
    applied,
    code_of,
    enrolled,
    files,
    is_member,
    only,
    record_of,
)
from tests.scenarios.test_doors_and_clocks import NEW_VILLAGE, City
from tests.scenarios.world import CITY, TOWN, Line


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City(tmp_path)


# The way


def test_a_village_joins_by_one_stick_in_two_walks_and_can_speak_at_once(city: City, stick: Stick) -> None:
    town, village = city.machine(TOWN), city.machine(NEW_VILLAGE)
    enrol.enrol(town, parse_code(city.code(TOWN)), city.door)
    code = code_of(city, stick, NEW_VILLAGE)
    applied(stick, village, code)
    admitted(stick, city)
    enrolled(stick, village, code)
    assert set(village.keyring.nodes()) == {CITY, TOWN, NEW_VILLAGE}
    assert meeting.meet(village, Line(town, village), TOWN).rounds >= 1
    again = Node.load(village.db, city.world, village.chunks, "test")
    assert again.keyring.pair == city.node.keyring.pair_of(NEW_VILLAGE)
    assert list(stick.folder.iterdir()) == []


def test_a_township_and_its_village_are_admitted_by_the_same_stick_and_know_each_other(
    city: City, stick: Stick
) -> None:
    nodes = {name: city.machine(name) for name in (NEW_VILLAGE, TOWN)}
    codes = {name: code_of(city, stick, name) for name in nodes}
    for name, node in nodes.items():
        applied(stick, node, codes[name])
    for path, file in files(stick)[Part.APPLICATION]:
        is_village = path.name.startswith(NEW_VILLAGE)
        path.rename(path.with_name(f"{'a' if is_village else 'b'}-{len(file.body)}"))
    assert [one.node for one in admitted(stick, city).applicants] == [TOWN, NEW_VILLAGE]
    for name, node in nodes.items():
        enrolled(stick, node, codes[name])
    assert set(nodes[NEW_VILLAGE].keyring.nodes()) == {CITY, TOWN, NEW_VILLAGE}


def test_a_running_city_knows_whom_another_of_its_programs_admitted(city: City, stick: Stick) -> None:
    beside = Node.load(city.node.db, city.world, city.node.chunks, "test")
    town, village = city.machine(TOWN), city.machine(NEW_VILLAGE)
    code = code_of(city, stick, TOWN)
    applied(stick, town, code)
    admit_from(stick, beside)
    enrolled(stick, town, code)
    enrol.enrol(village, parse_code(city.code(NEW_VILLAGE)), city.door)
    assert set(village.keyring.nodes()) == {CITY, TOWN, NEW_VILLAGE}


def test_names_decide_nothing(city: City, stick: Stick) -> None:
    village, code = city.machine(NEW_VILLAGE), code_of(city, stick, NEW_VILLAGE)

    def rename() -> None:
        for number, path in enumerate(sorted(stick.folder.iterdir(), reverse=True)):
            path.rename(path.with_name(f"IMG_{number}.JPG.{village.world.random_bytes(3).hex()}"))

    rename()
    applied(stick, village, code)
    rename()
    admitted(stick, city)
    rename()
    enrolled(stick, village, code)


def test_every_step_repeated_gives_the_same_bytes_and_one_certificate(city: City, stick: Stick) -> None:
    village, code = city.machine(NEW_VILLAGE), code_of(city, stick, NEW_VILLAGE)
    applied(stick, village, code)
    first = only(stick, Part.APPLICATION)
    first[0].unlink()
    applied(stick, Node.load(village.db, city.world, village.chunks, "test"), code)
    assert only(stick, Part.APPLICATION) == first
    admitted(stick, city)
    given = only(stick, Part.ANSWER)
    given[0].unlink()
    again = admit_from(stick, city.node)
    assert [one.fate for one in again.applicants] == [Fate.ANSWERED]
    assert only(stick, Part.ANSWER) == given
    copy = {path: path.read_bytes() for path in stick.folder.iterdir()}
    enrolled(stick, village, code)
    pair = village.keyring.pair
    for path, data in copy.items():
        path.write_bytes(data)
    assert enrolled(stick, village, code).before
    assert list(stick.folder.iterdir()) == []
    assert village.keyring.pair == pair
    assert record_of(city)[-1] == (1,)


def test_what_was_begun_over_the_line_is_ended_by_a_stick_and_the_other_way_round(
    city: City, stick: Stick
) -> None:
    village, code = city.machine(NEW_VILLAGE), parse_code(city.code(NEW_VILLAGE))

    def dead(path: str, data: bytes) -> bytes:
        if path == enrol.ANCHOR_PATH:
            return city.door(path, data)
        raise StateError("line.down", zh="断了。", en="Down.")

    with pytest.raises(StateError, match=r"line\.down"):
        enrol.enrol(village, code, dead)
    applied(stick, village, code)
    admitted(stick, city)
    enrolled(stick, village, code)
    town, other = city.machine(TOWN), code_of(city, stick, TOWN)
    applied(stick, town, other)
    assert enrol.enrol(town, other, city.door) is None
    assert is_member(town)
    assert enrolled(stick, town, other).before


def test_a_dry_run_changes_nothing_at_the_city_or_on_the_stick(city: City, stick: Stick) -> None:
    applied(stick, city.machine(NEW_VILLAGE), code_of(city, stick, NEW_VILLAGE))
    before, lying = record_of(city), {path: path.read_bytes() for path in stick.folder.iterdir()}
    report = admit_from(stick, city.node, dry_run=True)
    assert [(one.fate, one.is_answered) for one in report.applicants] == [(Fate.ADMITTED, False)]
    assert "将准许" in "\n".join(enrol_words.admitting_words(report, "K", "zh", dry_run=True))
    assert record_of(city) == before
    assert {path: path.read_bytes() for path in stick.folder.iterdir()} == lying


def test_a_new_code_takes_the_application_under_the_old_one_off_the_stick(city: City, stick: Stick) -> None:
    village = city.machine(NEW_VILLAGE)
    applied(stick, village, code_of(city, stick, NEW_VILLAGE))
    second = code_of(city, stick, NEW_VILLAGE)
    applied(stick, village, second)
    assert {part: len(found) for part, found in files(stick).items()} == {
        Part.NOTICE: 1,
        Part.APPLICATION: 1,
        Part.ANSWER: 0,
    }
    admitted(stick, city)
    enrolled(stick, village, second)


# Time


def test_a_code_that_ended_on_the_way_is_refused_in_words_which_travel_back(city: City, stick: Stick) -> None:
    village, code = city.machine(NEW_VILLAGE), code_of(city, stick, NEW_VILLAGE)
    applied(stick, village, code)
    city.world.pass_time(days=8)
    report = admit_from(stick, city.node)
    assert [one.refused.code for one in report.applicants if one.refused] == ["enrolment.expired_code"]
    outcome = enrol_from(stick, village, code)
    assert outcome.stage is Stage.APPLIED
    assert outcome.error is not None
    assert outcome.error.code == "enrolment.expired_code"
    words = "\n".join(enrol_words.enrolment_words(outcome, "K", "zh"))
    assert "已过期" in words
    assert "带到市里" not in words


def test_a_code_may_be_made_for_a_long_way_and_its_answer_may_take_as_long_as_it_likes(
    city: City, stick: Stick
) -> None:
    village = city.machine(NEW_VILLAGE)
    code = code_of(city, stick, NEW_VILLAGE, timedelta(days=14))
    applied(stick, village, code)
    city.world.pass_time(days=13)
    admitted(stick, city)
    city.world.pass_time(days=40)
    enrolled(stick, village, code)


# The stick fails


Step = Callable[[], object]


def _fail_on(stick: Stick, monkeypatch: pytest.MonkeyPatch, after: int) -> Callable[[], bool]:
    """Pull the stick out at the ``after``-th sync of a file on it; tells whether that came."""
    real, seen = os.fsync, [0]

    def failing(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").readlink().is_relative_to(stick.root):
            seen[0] += 1
            if seen[0] > after:
                raise OSError(5, "Input/output error")
        real(handle)

    monkeypatch.setattr(usb.os, "fsync", failing)
    return lambda: seen[0] > after


@pytest.mark.parametrize("after", range(3))
def test_a_stick_pulled_out_at_any_write_costs_nothing(
    city: City, stick: Stick, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    stick.folder.mkdir()

    def broken(step: Step) -> None:
        with monkeypatch.context() as patch:
            came = _fail_on(stick, patch, after)
            try:
                done = step()
            except StickError as error:
                assert error.code == "stick.failing"
            else:
                report = done if isinstance(done, Admitting) else None
                assert report is None or (report.error is not None) is came()

    before = record_of(city)
    with monkeypatch.context() as patch:
        _fail_on(stick, patch, 0)
        with pytest.raises(StickError):
            issue(city.node, NEW_VILLAGE, stick, CODE_LIFETIME)
    assert record_of(city) == before, "a code that nobody was shown"
    code = code_of(city, stick, NEW_VILLAGE)
    village = city.machine(NEW_VILLAGE)
    broken(lambda: enrol_from(stick, village, code))
    applied(stick, village, code)
    broken(lambda: admit_from(stick, city.node))
    report = admit_from(stick, city.node)
    assert report.error is None
    assert all(one.is_answered and one.fate is not Fate.REFUSED for one in report.applicants)
    broken(lambda: enrol_from(stick, village, code))
    enrolled(stick, village, code)
    assert record_of(city)[-1] == (1,)


def test_an_admission_whose_answer_could_not_be_written_is_told_as_what_it_is(
    city: City, stick: Stick, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied(stick, city.machine(NEW_VILLAGE), code_of(city, stick, NEW_VILLAGE))
    with monkeypatch.context() as patch:
        _fail_on(stick, patch, 0)
        report = admit_from(stick, city.node)
    assert [(one.fate, one.is_answered) for one in report.applicants] == [(Fate.ADMITTED, False)]
    words = "\n".join(enrol_words.admitting_words(report, "K", "zh", dry_run=False))
    assert "U盘读写出错" in words
    assert "同样的答复" in words
    assert "可以拔出" not in words


def test_the_unfinished_copy_of_a_program_that_was_killed_is_cleaned_away_by_the_next_try(
    city: City, stick: Stick
) -> None:
    village, code = city.machine(NEW_VILLAGE), code_of(city, stick, NEW_VILLAGE)
    for part, step in (
        (Part.APPLICATION, lambda: applied(stick, village, code)),
        (Part.ANSWER, lambda: admit_from(stick, city.node)),
    ):
        step()
        path, file = only(stick, part)
        path.unlink()
        path.with_name(f"{path.name}.0123abcd.part").write_bytes(file.data[:50])
        done = step()
        assert (done.spoilt, done.error) == ((), None)
        assert only(stick, part) == (path, file)
    enrolled(stick, village, code)
    assert list(stick.folder.iterdir()) == []
