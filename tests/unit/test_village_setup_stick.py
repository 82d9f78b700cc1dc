"""A village without a line joins from its first run by a stick alone: two walks to the city, one to the township."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from core.identifiers import NodeId
from core.store.office import Office
from sync import enrol as enrolment
from sync.admitting import Fate, admit_from, issue
from sync.enrolment_desk import CODE_LIFETIME
from sync.environment import SystemWorld
from sync.installation import Installation
from sync.status import is_enrolled
from sync.stick_import import import_from
from sync.transport import usb
from sync.transport.usb import Stick, StickError
from sync.workplace import Workplace
from tests.unit.enrolled_kit import TOWN, found_city, township
from tests.unit.test_village_setup import plan_at, run
from tests.unit.village_kit import PIN, VILLAGE
from tests.unit.village_screens import ambiguous, painted, paste, until
from village_agent.first_run import Step, is_begun, read_plan
from village_agent.founding import secure
from village_agent.sticks import look_at
from village_agent.tui.app import DeskApp
from village_agent.tui.screens import stick_choice
from village_agent.tui.setup import SetupScreen


@dataclass(frozen=True)
class Place:
    """A city, its township, a village's machine that stands at joining, and the folder that stands for a stick."""

    city: Installation
    town: Workplace[Office]
    village: Path
    stick: Stick

    def code(self) -> str:
        return issue(self.city.node, NodeId(VILLAGE), self.stick, CODE_LIFETIME)[1]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    world = SystemWorld()
    city = found_city(tmp_path / "city", world)
    town = township(tmp_path / "town", world, city.node)
    stick, folder = tmp_path / "KINGSTON", tmp_path / "d"
    stick.mkdir()
    plan_at(folder, Step.JOIN, contact="", enrol="")
    secure(folder, read_plan(folder), PIN, world).close()
    monkeypatch.setattr(stick_choice, "plugged_sticks", lambda: (stick,))
    yield Place(city, town, folder, Stick(stick))
    town.installation.close()
    city.close()


async def unlock(app: DeskApp, pilot: Pilot[None], words: str) -> str:
    await until(app, pilot, "PIN" if app.lang == "en" else "口令")
    await paste(pilot, PIN)
    await pilot.press("enter")
    return await until(app, pilot, words)


async def take_stick(app: DeskApp, pilot: Pilot[None], code: str, words: str) -> str:
    await paste(pilot, code)
    await pilot.press("f7")
    await until(app, pilot, "KINGSTON")
    await pilot.press("1")
    return await until(app, pilot, words)


@pytest.mark.parametrize(
    ("lang", "label", "applied", "home", "joined"),
    [
        ("zh", "注册码", "带到市中心办理", "本机已申请加入本市", "本机已加入本市"),
        ("en", "Code", "Carry it to the city centre", "has applied to join", "has joined the city"),
    ],
)
def test_a_village_without_a_line_joins_by_keys_and_a_stick_alone_and_is_met_by_it(
    place: Place, lang: str, label: str, applied: str, home: str, joined: str
) -> None:
    code, seen = place.code(), []

    async def out(app: DeskApp, pilot: Pilot[None]) -> None:
        await unlock(app, pilot, label)
        seen.append(await take_stick(app, pilot, code, applied))
        assert ("同一块磁盘" if lang == "zh" else "same disk") in seen[-1]
        assert not is_enrolled(app.desk.village.installation)
        await pilot.press("enter")
        await until(app, pilot, "10/10")
        await pilot.press("enter")
        seen.append(await until(app, pilot, home))

    async def back(app: DeskApp, pilot: Pilot[None]) -> None:
        await unlock(app, pilot, home)
        await app.run_action("join")
        page = await until(app, pilot, "9/10")
        assert f"{code[:5]}-" in page
        seen.append(await take_stick(app, pilot, code, joined))
        await pilot.press("f7")
        await pilot.pause()
        assert isinstance(app.screen, SetupScreen), "there is nothing more to join"
        await pilot.press("enter")
        await until(app, pilot, "10/10")
        await pilot.press("enter")
        await until(app, pilot, "F2")
        assert is_enrolled(app.desk.village.installation)

    async def met_by_stick(app: DeskApp, pilot: Pilot[None]) -> None:
        await unlock(app, pilot, "F2")
        await pilot.press("f5")
        await until(app, pilot, "Esc")
        await pilot.press("i")
        await until(app, pilot, "KINGSTON")
        await pilot.press("1")
        await until(app, pilot, "现在可以拔出U盘" if lang == "zh" else "may now be removed")
        node = app.desk.village.installation.node
        with node.db.reading() as tx:
            parent = node.peer(tx, TOWN)
        assert parent is not None
        assert (parent.carrier, parent.last_contact_at is None) == ("usb", False)

    run(place.village, out, lang=lang)
    assert not is_begun(place.village)
    report = admit_from(place.stick, place.city.node)
    assert [(one.node, one.fate) for one in report.applicants] == [(VILLAGE, Fate.ADMITTED)]
    run(place.village, back, lang=lang)
    assert not ambiguous("".join(seen))
    assert list(place.stick.folder.glob("*.lde")) == []
    met = import_from(place.stick, place.town.installation.node)
    assert (met.error, met.answer_error) == (None, None)
    assert [answer.bundles for answer in met.answers] == [1]
    run(place.village, met_by_stick, lang=lang)


def test_no_code_a_wrong_stick_and_a_failing_one_are_said_in_words_and_nothing_is_lost(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = place.code()
    other = tmp_path / "OTHER"
    other.mkdir()

    def failing(*_: object, **__: object) -> None:
        raise StickError("stick.gone", zh="U盘不见了。", en="Gone.")

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await unlock(app, pilot, "注册码")
        await pilot.press("f7")
        assert "现为 0 个" in await until(app, pilot, "注册码应为 25 个字符")
        monkeypatch.setattr(stick_choice, "plugged_sticks", lambda: (other,))
        await paste(pilot, code)
        await pilot.press("f7")
        await until(app, pilot, "OTHER")
        await pilot.press("1")
        await until(app, pilot, "没有给")
        assert app.screen.query_one(Input).value == code
        monkeypatch.setattr(stick_choice, "plugged_sticks", lambda: (place.stick.root,))
        with monkeypatch.context() as patch:
            patch.setattr(usb.Stick, "write", failing)
            await pilot.press("f7")
            await until(app, pilot, "KINGSTON")
            await pilot.press("1")
            await until(app, pilot, "U盘不见了")
        kept = enrolment.waiting(app.desk.village.installation.node)
        assert kept is not None
        await pilot.press("f7")
        await until(app, pilot, "KINGSTON")
        await pilot.press("1")
        await until(app, pilot, "带到市中心办理")
        assert enrolment.waiting(app.desk.village.installation.node).application == kept.application
        (path,) = place.stick.folder.glob("*-application-*")
        path.unlink()
        with monkeypatch.context() as patch:
            patch.setattr(usb.Stick, "write", failing)
            await pilot.press("f7")
            await until(app, pilot, "KINGSTON")
            await pilot.press("1")
            assert "[好]" not in await until(app, pilot, "U盘不见了")

    run(place.village, journey)


def test_an_application_outlives_the_power_and_its_page_says_so(place: Place) -> None:
    code = place.code()

    async def first(app: DeskApp, pilot: Pilot[None]) -> None:
        await unlock(app, pilot, "注册码")
        await take_stick(app, pilot, code, "带到市中心办理")

    async def again(app: DeskApp, pilot: Pilot[None]) -> None:
        await unlock(app, pilot, f"本机已申请加入（注册码 {code[:5]}")
        await take_stick(app, pilot, code, "本机已加入本市")

    async def after(app: DeskApp, pilot: Pilot[None]) -> None:
        text = await unlock(app, pilot, "没有填镇的地址：在首页按 F5")
        assert "本机已加入本市" in text
        await pilot.press("enter")
        await until(app, pilot, "请记住三件事")

    run(place.village, first)
    admit_from(place.stick, place.city.node)
    run(place.village, again)
    run(place.village, after)


def test_the_choice_of_a_stick_leads_back_to_the_set_up_and_nowhere_else(place: Place) -> None:
    code = place.code()

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await unlock(app, pilot, "注册码")
        await paste(pilot, code)
        await pilot.press("f7")
        page = await until(app, pilot, "用U盘加入本市")
        await pilot.press("f2", "f3", "f5", "f10", "f12", "ctrl+p", "ctrl+l")
        await pilot.pause()
        assert painted(app).splitlines()[0] == page.splitlines()[0]
        await pilot.press("escape")
        await until(app, pilot, "9/10")

    run(place.village, journey)


def test_a_stick_with_an_enrolment_on_it_is_told_as_such(place: Place) -> None:
    place.code()
    lying = look_at(place.stick.root, place.city.node)
    assert (lying.enrolment, lying.foreign, lying.is_empty) == (1, 0, False)
