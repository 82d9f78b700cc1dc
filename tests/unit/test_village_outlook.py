"""What the village tells of a case: never more than the copies that exist, and always which desk has it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core import bodies as b
from core.application import Part
from core.case import Case
from core.catalogue import encode_catalogue, load_catalogue
from core.errors import StateError
from core.identifiers import NodeId
from core.messages import Actor, Role
from core.states import State
from core.store.office import Office
from sync.installation import Installation
from sync.settings import Settings
from sync.stream_id import Lane
from tests.scenarios.world import CITY, TOWN, Network
from tests.unit.village_kit import ITEM, VILLAGE, sheet
from tests.unit.village_screens import painted, type_text, walk
from village_agent.app import Village, compose
from village_agent.case_list import CaseList
from village_agent.drafts import Drafts, sheet_of
from village_agent.line_state import home_counts, line_state
from village_agent.outlook import Outlook, Stage, Wording, outlook
from village_agent.scans import seal_scan
from village_agent.session import Session, begin
from village_agent.tui.app import DeskApp
from village_agent.tui.fields import Field
from village_agent.vault import Operator


@dataclass
class Three:
    """City, township and village with their offices."""

    net: Network
    offices: dict[NodeId, Office]
    desk: Session

    @property
    def village(self) -> Village:
        return self.desk.village

    def look(self, case: Case) -> Outlook:
        with self.village.installation.db.reading() as tx:
            return outlook(tx, self.village, self.village.office.casebook.get(tx, case.id))

    def act(self, node: NodeId, case: Case, role: Role, officer: str, body: b.Body) -> None:
        with self.net.nodes[node].db.transaction() as tx:
            self.offices[node].casework.act(tx, case.id, Actor(officer, officer, role), body)


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Three]:
    net = Network(tmp_path, 7)
    net.add(TOWN)
    name = NodeId(VILLAGE)
    node = net.add(name)
    offices = {}
    for place in (CITY, TOWN):
        with net.nodes[place].db.reading() as tx:
            offices[place] = Office.join(net.nodes[place], tx)
    village = compose(Installation(tmp_path, Settings(node=name), node.db, node))
    data = encode_catalogue(load_catalogue())
    with net.nodes[CITY].db.transaction() as tx:
        offices[CITY].shelf.put_catalogue(tx, data)
        net.nodes[CITY].say(tx, ["*"], Lane.CATALOGUE, "CataloguePublished", data)
    net.settle(2)
    yield Three(net, offices, begin(village, Operator("a1", "李代办")))
    net.close()


def _submit(three: Three, tmp_path: Path) -> Case:
    node = three.village.installation.node
    scan = tmp_path / "scan.jpg"
    scan.write_bytes(bytes(range(256)) * 400)
    ready = sheet(three.desk.intake)
    first, *others = ready.materials
    manifest = seal_scan(node.world, scan, node.chunks)
    with_scan = type(first)(first.name, first.originals, first.copies, "", (manifest,))
    with node.db.transaction() as tx:
        return three.desk.intake.submit(
            tx, three.desk.actor, type(ready)(ITEM, ready.applicant, ready.form, (with_scan, *others))
        )


def test_the_slip_says_local_only_until_the_township_has_signed(three: Three, tmp_path: Path) -> None:
    case = _submit(three, tmp_path)
    line = three.net.lines[NodeId(VILLAGE)]
    before = three.look(case)
    assert (before.wording, before.stage) == (Wording.LOCAL_ONLY, Stage.WAITING)
    assert before.materials_in_transit
    line.cut = True
    with pytest.raises(Exception, match=r"line\.down"):
        three.net.meet(NodeId(VILLAGE))
    # Sealed for the journey, but nobody has signed.
    assert three.look(case).wording is Wording.LOCAL_ONLY
    line.cut, line.lose_answer = False, True
    with pytest.raises(Exception, match=r"line\.down"):
        three.net.meet(NodeId(VILLAGE))
    # The township has it, but we do not know that: unknown is not success.
    assert three.look(case).wording is Wording.LOCAL_ONLY
    line.lose_answer = False
    three.net.settle(3)
    after = three.look(case)
    assert after.wording is Wording.HANDED_OVER
    assert not after.materials_in_transit


def test_the_outbox_goes_from_waiting_to_township_to_city_to_accepted(three: Three, tmp_path: Path) -> None:
    case = _submit(three, tmp_path)
    three.net.meet(NodeId(VILLAGE))
    three.net.meet(NodeId(VILLAGE))
    assert three.look(case).stage is Stage.AT_TOWNSHIP
    three.act(TOWN, case, Role.WINDOW, "w1", b.CaseForwarded())
    three.net.settle(4)
    view = three.look(case)
    assert view.stage is Stage.AT_CITY
    assert [stay.node for stay in view.path] == [VILLAGE, TOWN, CITY]
    assert view.path[-1].until is None
    item = three.desk.intake.item(ITEM)
    accepted = b.CaseAccepted("", 0, b.LimitMode.EXACT, item.promised_days, item.statutory_days)
    three.act(CITY, case, Role.WINDOW, "c1", accepted)
    three.net.settle(3)
    view = three.look(case)
    assert (view.stage, view.wording) == (Stage.ACCEPTED, Wording.ACCEPTED)
    assert view.days_left is not None
    assert view.due_at is not None


def test_a_returned_case_is_supplemented_at_the_field_in_question(three: Three, tmp_path: Path) -> None:
    case = _submit(three, tmp_path)
    three.net.settle(2)
    three.act(TOWN, case, Role.WINDOW, "w1", b.SupplementRequested(("住院发票",), ("reason",), "请写明"))
    three.net.settle(2)
    db, intake = three.village.installation.db, three.desk.intake
    assert three.look(case).missing == ("住院发票",)
    with db.reading() as tx:
        assert home_counts(tx, three.village, Drafts(three.net.world)).back == 1
        back = three.village.office.casebook.get(tx, case.id)
    with db.transaction() as tx:
        draft = intake.drafts.start_supplement(tx, "a1", back)
        assert draft.place == "form.reason"
        assert draft.sheet == sheet_of(back)
        assert intake.drafts.start_supplement(tx, "a1", back).id == draft.id
        intake.drafts.put(tx, draft.id, Part.FORM, "reason", "因病住院二十天")
        after = intake.submit_draft(tx, three.desk.actor, intake.drafts.get(tx, draft.id))
    assert after.state is State.SUBMITTED
    three.net.settle(3)
    with three.net.nodes[TOWN].db.reading() as tx:
        there = three.offices[TOWN].casebook.get(tx, case.id)
    assert there.form["reason"] == "因病住院二十天"
    assert [manifest.id for manifest in there.attachments] == [manifest.id for manifest in case.attachments]
    with pytest.raises(StateError), db.transaction() as tx:
        intake.resubmit(tx, three.desk.actor, case.id, sheet_of(after))


def test_the_line_counts_cases_and_says_offline_after_a_while(three: Three, tmp_path: Path) -> None:
    _submit(three, tmp_path)
    db, world = three.village.installation.db, three.net.world
    with db.reading() as tx:
        state = line_state(tx, three.village)
        assert (state.waiting, state.failed) == (1, 0)
        assert CaseList(three.village, waiting=True).count(tx) == 1
    three.net.settle(3)
    with db.reading() as tx:
        state = line_state(tx, three.village)
        assert (state.online, state.waiting) == (True, 0)
        assert home_counts(tx, three.village, Drafts(world)).in_transit == 1
    world.pass_time(days=3)
    with db.reading() as tx:
        state = line_state(tx, three.village)
        assert not state.online
        assert "3 天前" in state.words(world.now())
        assert "3 days ago" in state.words(world.now(), "en")


def test_the_whole_way_ends_with_delivery_and_a_rating(three: Three, tmp_path: Path) -> None:
    case = _submit(three, tmp_path)
    three.net.settle(2)
    item = three.desk.intake.item(ITEM)
    decider = TOWN if item.decide_tier == "township" else CITY
    if decider == CITY:
        three.act(TOWN, case, Role.WINDOW, "w1", b.CaseForwarded())
        three.net.settle(2)
    accepted = b.CaseAccepted("", 0, b.LimitMode.EXACT, item.promised_days, item.statutory_days)
    three.act(decider, case, Role.WINDOW, "c1", accepted)
    if item.chain == "three_level":
        three.act(decider, case, Role.WINDOW, "c1", b.CaseAssigned("h", "d"))
        three.act(decider, case, Role.HANDLER, "h", b.CaseHandled("ok", b.Advice.GRANT))
        three.act(decider, case, Role.REVIEWER, "r", b.CaseReviewed("ok", b.Advice.GRANT))
    three.act(decider, case, Role.DECIDER, "d", b.CaseDecided(True, "证", "", "2026-1"))
    three.net.settle(3)
    db, intake = three.village.installation.db, three.desk.intake
    with db.transaction() as tx:
        assert intake.deliver(tx, three.desk.actor, case.id, "王秀英").state is State.DELIVERED
        intake.rate(tx, three.desk.actor, case.id, 1)
    three.net.settle(3)
    with three.net.nodes[CITY].db.reading() as tx:
        there = three.offices[CITY].casebook.get(tx, case.id)
    assert there.state is State.DELIVERED
    assert there.rating is not None


def test_a_returned_case_opens_on_the_screen_at_the_field_in_question(three: Three, tmp_path: Path) -> None:
    case = _submit(three, tmp_path)
    three.net.settle(2)
    three.act(TOWN, case, Role.WINDOW, "w1", b.SupplementRequested(("住院发票",), ("reason",), "请写明病因"))
    three.net.settle(2)

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("4")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert "住院发票" in painted(app)
        await pilot.press("b")
        await pilot.pause()
        text = painted(app)
        assert "请写明病因" in text
        assert app.focused is not None
        assert app.focused.query_ancestor(Field).asked.key == "reason"
        await type_text(pilot, "肺炎")
        await pilot.press("f9")
        await pilot.pause()
        await pilot.press("f9")
        await pilot.pause()
        assert "收件回执" in painted(app)

    walk(tmp_path, journey, desk=three.desk, world=three.net.world)
    assert three.look(case).case.state is State.SUBMITTED
    assert "肺炎" in three.look(case).case.form["reason"]
