"""What a village does beside applications: hand over, rate, keep appointments, pass on questions; nothing typed is lost."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from textual.pilot import Pilot

from city_node.office import CityOffice
from city_node.supervision.acts import answer_matter
from city_node.supervision.board import matters
from city_node.supervision.consultations import Consultations as AtCity
from core import bodies as b
from core.case import Case
from core.consultation import ConsultationAnswered, encode_consultation
from core.errors import InputError, PeerError, StateError
from core.messages import Role
from core.states import State
from core.store.officers import Officer
from sync.tables import MESSAGE
from tests.scenarios.world import CITY, TOWN, TestWorld
from tests.unit.test_village_outlook import Three, three  # noqa: F401 - a fixture
from tests.unit.village_kit import open_desk, person, sheet
from tests.unit.village_screens import painted, quiet, type_text, walk
from village_agent.appointments import Standing, check_time
from village_agent.handing_over import SHEET, Receiver, Relation, check_receiver, hand_over
from village_agent.session import Session
from village_agent.tui.app import DeskApp
from village_agent.tui.screens.appointments import AppointmentForm, AppointmentsScreen
from village_agent.tui.screens.case import CaseScreen
from village_agent.tui.screens.consultations import ConsultationsScreen
from village_agent.tui.screens.hand_over import HandOverScreen
from village_agent.tui.screens.rate import RateScreen


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Session]:
    session = open_desk(tmp_path / "data", TestWorld(1))
    yield session
    session.close()


def granted(world: Three) -> Case:
    """A case decided by the city and back in the village."""
    node = world.village.installation.node
    with node.db.transaction() as tx:
        case = world.desk.intake.submit(tx, world.desk.actor, sheet(world.desk.intake))
    world.net.settle(3)
    world.act(TOWN, case, Role.WINDOW, "w1", b.CaseForwarded())
    world.net.settle(3)
    world.act(CITY, case, Role.WINDOW, "w2", b.CaseAccepted("", 0, b.LimitMode.EXACT, 5, 20))
    world.act(CITY, case, Role.WINDOW, "w2", b.CaseAssigned("h1", "民政局"))
    world.act(CITY, case, Role.HANDLER, "h1", b.CaseHandled("", b.Advice.GRANT))
    world.act(CITY, case, Role.REVIEWER, "r1", b.CaseReviewed("", b.Advice.GRANT))
    world.act(CITY, case, Role.DECIDER, "d1", b.CaseDecided(True, "临时救助决定", "", "沅民救〔2026〕1号"))
    world.net.settle(3)
    return case


def now(world: Three, case: Case) -> Case:
    with world.village.installation.db.reading() as tx:
        return world.village.office.casebook.get(tx, case.id)


SELF = Receiver("王秀英", Relation.SELF, person()[-4:], "王秀英")


def test_a_result_is_handed_over_by_keys_with_the_signed_sheet_and_then_rated_unseen(
    three: Three,  # noqa: F811
    tmp_path: Path,
) -> None:
    case = granted(three)
    photo = tmp_path / "签字 页.jpg"
    photo.write_bytes(b"jpeg" * 500)
    seen: list[str] = []

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        seen.append(painted(app))
        await pilot.press("5")
        await pilot.pause()
        seen.append(painted(app))
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, HandOverScreen)
        seen.append(painted(app))
        # Whose document it is comes first: the pen is at the number.
        await type_text(pilot, "9999")
        await pilot.press("enter")
        await pilot.pause()
        assert "与申请人证件号码不符" in painted(app)
        await pilot.press("up", "end", *["backspace"] * 4)
        await type_text(pilot, person()[-4:])
        await pilot.press("enter")
        await type_text(pilot, "王秀英")
        await pilot.press("enter")
        await type_text(pilot, "'/nowhere.jpg'")
        await pilot.press("f9")
        await quiet(app, pilot)
        assert "! 读不到文件" in painted(app)
        await pilot.press("ctrl+u")
        await type_text(pilot, f"'{photo}'")
        await pilot.press("f9")
        await quiet(app, pilot)
        assert isinstance(app.screen, RateScreen), painted(app)
        seen.append(painted(app))
        await pilot.press("2")
        await pilot.pause()
        seen.append(painted(app))

    walk(tmp_path, journey, desk=three.desk)
    after = now(three, case)
    assert "1  结果待送达" in seen[0]
    assert "王" in seen[1]
    assert "沅民救" in seen[2]
    assert after.state is State.DELIVERED
    assert after.delivery is not None
    assert after.delivery.received_by == "王秀英"
    (sheet_of_signing,) = [one for one in after.materials if one.name == SHEET]
    assert sheet_of_signing.attachments == (after.delivery.signature,)
    assert after.rating is not None
    assert after.rating.body.level == 2
    # What was pressed is painted nowhere afterwards.
    assert "评价已密封" in seen[4]
    assert "满意" not in seen[4]
    three.net.settle(3)
    with three.net.nodes[CITY].db.reading() as tx:
        at_city = three.offices[CITY].casebook.get(tx, case.id)
    assert at_city.rating is not None
    assert at_city.state is State.DELIVERED
    assert at_city.attachments[-1].name == "签字 页.jpg"


@pytest.mark.parametrize(
    ("receiver", "keys"),
    [
        (SELF, []),
        (Receiver("王秀英", Relation.SELF, person(), "王 秀英"), []),
        (Receiver("王秀英", Relation.SELF, "", "王秀英"), ["id_no"]),
        (Receiver("王小英", Relation.SELF, person()[-4:], "王小英"), ["name"]),
        (Receiver("王小英", Relation.FAMILY, person(serial="043"), "王小英"), []),
        (Receiver("王小英", Relation.FAMILY, person()[-4:], "王小英"), ["id_no"]),
        (Receiver("王秀英", Relation.AGENT, person(serial="043"), "王秀英"), ["relation"]),
        (Receiver("王小英", Relation.AGENT, person(serial="043"), "王秀英"), ["acknowledged"]),
        (Receiver(" ", Relation.SELF, person()[-4:], ""), ["name"]),
    ],
)
def test_who_receives_a_result_is_checked_against_the_document(
    desk: Session, receiver: Receiver, keys: list[str]
) -> None:
    with desk.village.installation.db.transaction() as tx:
        case = desk.intake.submit(tx, desk.actor, sheet(desk.intake))
    found = check_receiver(case, receiver, desk.village.office.shelf.today)
    assert [one.key for one in found] == keys
    assert all(one.zh and one.en.isascii() for one in found)


def test_somebody_else_receives_it_only_with_a_whole_number_and_a_note_of_it(three: Three) -> None:  # noqa: F811
    case, db = granted(three), three.village.installation.db
    other = Receiver("王小英", Relation.FAMILY, person(serial="043"), "王小英")
    with pytest.raises(InputError, match=r"hand_over\.receiver"), db.transaction() as tx:
        hand_over(tx, three.desk.intake, three.desk.actor, case.id, Receiver("甲", Relation.SELF, "", ""))
    assert now(three, case).delivery is None
    with db.transaction() as tx:
        after = hand_over(tx, three.desk.intake, three.desk.actor, case.id, other)
    assert after.delivery is not None
    assert after.delivery.received_by == "王小英"
    assert "同住成年家属" in after.notes[-1].body.text
    assert person(serial="043") not in after.notes[-1].body.text


def test_a_half_filled_handing_over_goes_on_where_it_was(three: Three, tmp_path: Path) -> None:  # noqa: F811
    case = granted(three)

    async def typing(app: DeskApp, pilot: Pilot[None]) -> None:
        app.push_screen(HandOverScreen(case.id))
        await pilot.pause()
        await type_text(pilot, "021")

    async def again(app: DeskApp, pilot: Pilot[None]) -> None:
        app.push_screen(HandOverScreen(case.id))
        await pilot.pause()
        assert "021" in painted(app)

    walk(tmp_path, typing, desk=three.desk)
    walk(tmp_path, again, desk=three.desk)
    assert now(three, case).delivery is None


def test_the_path_shows_each_desk_and_how_long_it_travelled(three: Three, tmp_path: Path) -> None:  # noqa: F811
    node = three.village.installation.node
    with node.db.transaction() as tx:
        case = three.desk.intake.submit(tx, three.desk.actor, sheet(three.desk.intake))
    seen: list[str] = []

    async def look(app: DeskApp, pilot: Pilot[None]) -> None:
        app.push_screen(CaseScreen(case.id))
        await pilot.pause()
        seen.append(painted(app))

    three.net.world.pass_time(hours=3, minutes=5)
    walk(tmp_path, look, desk=three.desk)
    three.net.settle(3)
    three.act(TOWN, case, Role.WINDOW, "w1", b.SupplementRequested(("居民身份证",), (), "复印件不清"))
    three.net.world.pass_time(days=2)
    three.net.settle(3)
    walk(tmp_path, look, desk=three.desk)
    assert "在途 3 小时 5 分钟，尚未签收" in seen[0].replace("\n", "")
    assert "在途 3 小时 5 分钟" in seen[1]
    assert "尚未签收" not in seen[1]
    assert "在途 2 天" in seen[1]
    assert "需补正: 居民身份证" in seen[1]
    assert "合计：2 天 3 小时" in seen[1]


def test_a_returned_case_opens_at_the_material_in_question(three: Three, tmp_path: Path) -> None:  # noqa: F811
    node = three.village.installation.node
    with node.db.transaction() as tx:
        case = three.desk.intake.submit(tx, three.desk.actor, sheet(three.desk.intake))
    name = case.materials[-1].name
    three.net.settle(3)
    three.act(TOWN, case, Role.WINDOW, "w1", b.SupplementRequested((name,), (), "缺一份"))
    three.net.settle(3)

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        app.push_screen(CaseScreen(case.id))
        await pilot.pause()
        await pilot.press("b")
        await pilot.pause()
        text = painted(app)
        (marked,) = [line for line in text.splitlines() if line.lstrip().startswith(">")]
        assert name[:4] in marked
        assert "![x]" in marked
        assert "缺一份" in text

    walk(tmp_path, journey, desk=three.desk)


def test_a_question_goes_up_to_the_department_and_its_answer_comes_back(three: Three, tmp_path: Path) -> None:  # noqa: F811
    db, consultations = three.village.installation.db, three.desk.intake.consultations
    seen: list[str] = []

    async def ask(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("7", "n")
        await pilot.pause()
        await type_text(pilot, "王秀英")
        await pilot.press("enter")
        await type_text(pilot, "13800138000")
        await pilot.press("enter", "1", "enter")
        await type_text(pilot, "低保要多久")
        await pilot.press("f9")
        await pilot.pause()
        assert isinstance(app.screen, ConsultationsScreen), painted(app)
        seen.append(painted(app))

    async def read(app: DeskApp, pilot: Pilot[None]) -> None:
        seen.append(painted(app))
        await pilot.press("7", "enter")
        await pilot.pause()
        seen.append(painted(app))
        await pilot.press("t", "escape")
        await pilot.pause()
        seen.append(painted(app))

    walk(tmp_path, ask, desk=three.desk)
    assert "等待答复 0 天" in seen[0]

    city = three.net.nodes[CITY]
    office = CityOffice(CITY, city.world, post=city.post, offer_files=city.offer, ordinal=city.ordinal)
    city.serve({"ConsultationAsked": (office.consultations.take, 1)})
    three.net.settle(3)
    officer = Officer("du", "刘答复", frozenset({Role.SUPERVISOR}), "", "active")
    with city.db.transaction() as tx:
        (row,) = matters(tx)
        assert row.words == "低保要多久"
        assert row.node == three.village.installation.node.place.node
        answer_matter(tx, city.world, lambda *_, **__: None, officer, row.id, "五个工作日")
        assert office.consultations.tell_answer(tx, officer, row.id)
    three.net.settle(3)
    walk(tmp_path, read, desk=three.desk)
    assert "1  咨询已有答复" in seen[1]
    assert "五个工作日" in seen[2]
    assert "刘答复" in seen[2]
    assert "已告知" in seen[3]
    with db.reading() as tx:
        assert consultations.to_tell(tx) == 0


def test_a_question_in_somebody_elses_name_is_set_aside(three: Three) -> None:  # noqa: F811
    consultations = three.desk.intake.consultations
    with three.village.installation.db.transaction() as tx:
        one = consultations.ask(
            tx, three.desk.actor, person="甲", phone="", department="民政局", words="怎么办"
        )
        body = bytes(tx.scalar(sa.select(MESSAGE.c.body).where(MESSAGE.c.type == "ConsultationAsked")) or b"")

    city = three.net.nodes[CITY]
    keeper = AtCity(CITY, city.world, city.post)
    with pytest.raises(PeerError, match=r"consultation\.author"), city.db.transaction() as tx:
        keeper.take(tx, TOWN, "", body)
    answer = encode_consultation(ConsultationAnswered(one.id, "乙", city.world.now(), "假的"))
    db = three.village.installation.db
    with pytest.raises(PeerError, match=r"consultation\.stranger"), db.transaction() as tx:
        consultations.take_answer(tx, TOWN, "", answer)
    with three.village.installation.db.reading() as tx:
        assert consultations.get(tx, one.id).answer == ""


def test_appointments_are_booked_moved_done_and_dropped_and_today_stands_on_the_home_page(
    tmp_path: Path,
) -> None:
    world = TestWorld(3)
    desk = open_desk(tmp_path / "d", world)
    seen: list[str] = []

    async def book(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("6", "n")
        await pilot.pause()
        assert isinstance(app.screen, AppointmentForm)
        # Kind and day stand there already: the pen is at the time.
        await type_text(pilot, "930")
        await pilot.press("enter")
        await pilot.pause()
        assert "时:分" in painted(app)
        await pilot.press("up", "end", "backspace", "backspace", "backspace")
        await type_text(pilot, "9:30")
        await pilot.press("enter")
        await type_text(pilot, "王秀英")
        await pilot.press("enter")
        await type_text(pilot, "13800138000")
        await pilot.press("enter")
        await type_text(pilot, "lsjz")
        await pilot.press("enter")
        await pilot.pause()
        assert "临时救助" in painted(app)
        await pilot.press("f9")
        await pilot.pause()
        assert isinstance(app.screen, AppointmentsScreen), painted(app)
        seen.append(painted(app))
        await pilot.press("escape")
        await pilot.pause()
        seen.append(painted(app))

    async def later(app: DeskApp, pilot: Pilot[None]) -> None:
        seen.append(painted(app))
        await pilot.press("6")
        await pilot.pause()
        seen.append(painted(app))
        await pilot.press("m")
        await pilot.pause()
        await type_text(pilot, (world.now() + timedelta(days=2)).strftime("%Y-%m-%d"))
        await pilot.press("f9")
        await pilot.pause()
        seen.append(painted(app))
        await pilot.press("enter")
        await pilot.pause()
        seen.append(painted(app))

    walk(tmp_path / "d", book, desk=desk, world=world)
    world.pass_time(days=1)
    walk(tmp_path / "d", later, desk=desk, world=world)
    assert "今天" in seen[0] and "09:30" in seen[0] and "王秀英" in seen[0]
    assert "1  今天的预约" in seen[1]
    assert "1  今天的预约" in seen[2]
    assert "逾期" in seen[3]
    assert "改期 1 次" in seen[4]
    assert "临时救助" in seen[5] and "王秀英" in seen[5] and "13800138000" in seen[5]
    with desk.village.installation.db.transaction() as tx:
        (one,) = desk.intake.appointments.listing(tx)
        assert desk.intake.appointments.due(tx) == 0
        assert desk.intake.appointments.finish(tx, one.id).state is Standing.DONE
        with pytest.raises(StateError, match=r"appointment\.closed"):
            desk.intake.appointments.drop(tx, one.id)
        with pytest.raises(InputError, match=r"appointment\.past"):
            desk.intake.appointments.move(tx, one.id, "2026-01-01")
    desk.close()


@pytest.mark.parametrize(("typed", "kept"), [("9:30", "09:30"), ("23：59", "23:59"), (" ", "")])
def test_a_time_is_kept_in_one_form(typed: str, kept: str) -> None:
    assert check_time(typed) == kept


@pytest.mark.parametrize("typed", ["24:00", "9.30", "half past nine", "9:5"])
def test_what_is_no_time_is_refused_in_words(typed: str) -> None:
    with pytest.raises(InputError, match=r"appointment\.time"):
        check_time(typed)
