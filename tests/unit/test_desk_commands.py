"""The desk on the command line: the same verbs, in words for people and as JSON for programs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from core.desk.commands import add_desk_commands
from core.desk.context import DeskContext
from core.identifiers import Tier
from sync.command_line import WordsGroup
from tests.unit.desk_kit import CITY, ID_NO, TOWN, Place


class Terminal:
    """Runs the commands of one tier against its desk."""

    def __init__(self, desk: DeskContext) -> None:
        @contextmanager
        def open_desk(folder: Path) -> Iterator[DeskContext]:
            yield desk

        @click.group(cls=WordsGroup)
        @click.option("--data", default="unused")
        @click.option("--lang", default="zh")
        def main(data: str, lang: str) -> None:
            pass

        add_desk_commands(main, desk.tier, open_desk)
        self._main = main

    def run(self, *words: str, exit_code: int = 0) -> Result:
        result = CliRunner().invoke(self._main, list(words))
        assert result.exit_code == exit_code, result.output
        return result

    def facts(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json").stdout)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.network.close()


def test_a_case_goes_from_the_township_to_the_decision_by_commands(place: Place) -> None:
    town, city = Terminal(place.desks[TOWN]), Terminal(place.desks[CITY])
    case = place.submit().id
    town.run("forward", case, "--as", "tw")
    place.network.settle(2)
    assert city.facts("accept", case, "--as", "cw")["state"] == "ACCEPTED"
    city.run("assign", case, "--as", "cw", "--officer", "ch")
    city.run("handle", case, "--as", "ch", "--recommend", "grant")
    city.run("review", case, "--as", "cr", "--recommend", "grant")
    assert city.facts("decide", case, "--as", "cd", "--outcome", "grant")["state"] == "GRANTED"
    done = city.run("deliver", case, "--as", "cw", "--received-by", "王小明")
    assert "已送达" in done.output


def test_a_refusal_is_a_sentence_and_an_exit_code_by_whose_fault_it_is(place: Place) -> None:
    city = Terminal(place.desks[CITY])
    case = place.at_city().id
    assert "须由" in city.run("accept", case, "--as", "cr", exit_code=3).output
    assert "没有工号" in city.run("accept", case, "--as", "nobody", exit_code=2).output
    assert (
        "校验不符"
        in city.run("accept", case[:-1] + str((int(case[-1]) + 1) % 10), "--as", "cw", exit_code=2).output
    )


def test_the_list_is_this_desks_unless_all_are_asked_for(place: Place) -> None:
    case = place.at_city().id
    city, town = Terminal(place.desks[CITY]), Terminal(place.desks[TOWN])
    assert [one["case"] for one in city.facts("list")["cases"]] == [case]
    assert town.facts("list")["cases"] == []
    everything = town.facts("list", "--holder", "all", "--state", "SUBMITTED", "--origin", case[:12])
    assert [one["holder"] for one in everything["cases"]] == [CITY]
    assert "共 1 件" in city.run("list").output


def test_showing_a_case_covers_the_applicant_unless_it_is_signed_and_reasoned(place: Place) -> None:
    city = Terminal(place.desks[CITY])
    case = place.at_city().id
    covered = city.run("show", case, "--json").output
    assert ID_NO not in covered and "13800138000" not in covered and "王小明" not in covered
    city.run("show", case, "--full", exit_code=2)
    facts = city.facts("show", case, "--full", "--as", "cw", "--reason", "电话核实")
    assert facts["applicant"]["id_no"] == ID_NO
    assert ("cw", "case.viewed_in_full", case) in place.audit_lines(CITY)


def test_a_new_officer_gets_a_one_time_password_once_or_one_from_a_file(place: Place, tmp_path: Path) -> None:
    city = Terminal(place.desks[CITY])
    said = city.facts("officer", "add", "zhang", "张三", "--role", "window", "--department", "民政局")
    assert said["one_time_password"]
    secret = tmp_path / "secret"
    secret.write_text("a-good-password\n", encoding="utf-8")
    assert city.facts(
        "officer", "add", "li", "李四", "--role", "handler", "--password-file", str(secret)
    ) == {
        "id": "li",
        "one_time_password": None,
    }
    listed = {one["id"]: one for one in city.facts("officer", "list")}
    assert listed["zhang"]["must_change_password"] and not listed["li"]["must_change_password"]
    city.run("officer", "disable", "li")
    assert "已停用" in city.run("officer", "list").output
    city.run("officer", "enable", "li")
    assert "已停用" not in city.run("officer", "list").output


def test_a_password_is_set_anew_from_a_file_or_as_a_one_time_one_shown_once(
    place: Place, tmp_path: Path
) -> None:
    city = Terminal(place.desks[CITY])
    first = city.run("officer", "password", "cw").output
    assert "只显示这一次" in first
    with place.desks[CITY].db.reading() as tx:
        assert place.desks[CITY].roster.get(tx, "cw").must_change
    said = city.run("--lang", "en", "officer", "password", "cw").output
    assert "shown this once" in said
    assert said.split() != first.split()
    secret = tmp_path / "secret"
    secret.write_text("a-good-password\n", encoding="utf-8")
    said = city.run("--lang", "en", "officer", "password", "cw", "--password-file", str(secret)).output
    assert "Officer cw is set up." in said and "One-time" not in said
    assert place.desks[CITY].roster.sign_in(place.desks[CITY].db, "cw", "a-good-password").id == "cw"
    assert [line[1] for line in place.audit_lines(CITY)].count("officer.password_set") == 3


@pytest.mark.parametrize("tier", [Tier.CITY, Tier.TOWNSHIP])
def test_every_verb_explains_itself_with_an_example(place: Place, tier: Tier) -> None:
    terminal = Terminal(place.desks[CITY if tier is Tier.CITY else TOWN])
    for name in (
        "accept",
        "supplement",
        "return",
        "refuse",
        "assign",
        "decide",
        "suspend",
        "void",
        "deliver",
    ):
        said = terminal.run(name, "--help").output
        assert "example" in said and "--as" in said
