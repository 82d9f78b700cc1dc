"""What an officer can do with a case at the desk, and what is refused and written down."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.bodies import Delivery
from core.desk.acting import perform
from core.desk.rights import barred, open_steps
from core.errors import InputError, StateError
from core.messages import MessageType, Role
from core.states import State
from core.workflow import IllegalTransition
from tests.unit.desk_kit import CITY, OTHER_TOWN, TOWN, Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.network.close()


def accept(place: Place) -> object:
    case = place.at_city()
    return place.do(CITY, "cw", "accept", case, note="齐全")


def test_a_case_travels_from_acceptance_to_delivery_by_the_desks_verbs(place: Place) -> None:
    case = accept(place)
    assert case.state is State.ACCEPTED
    assert case.promised_days == place.item().promised_days
    case = place.do(CITY, "cw", "assign", case, officer="ch")
    assert case.department == place.item().department.name
    place.do(CITY, "ch", "handle", case, recommend="grant", note="属实")
    place.do(CITY, "cr", "review", case, recommend="grant")
    case = place.do(CITY, "cd", "decide", case, outcome="grant", document="1号")
    assert case.state is State.GRANTED
    assert case.decision.result_name == place.item().result_name
    case = place.do(CITY, "cw", "deliver", case, received_by="王小明")
    assert case.state is State.DELIVERED
    assert case.delivery.method is Delivery.WINDOW


def test_every_verb_leaves_one_line_in_the_audit_log(place: Place) -> None:
    case = accept(place)
    assert ("cw", "case.accept", case.id) in place.audit_lines(CITY)


def test_a_refused_step_changes_nothing_and_is_logged(place: Place) -> None:
    case = place.at_city()
    with pytest.raises(IllegalTransition) as refused:
        place.do(CITY, "cr", "accept", case)
    assert refused.value.code == "workflow.role"
    with place.desks[CITY].db.reading() as tx:
        assert place.offices[CITY].casebook.get(tx, case.id).state is State.SUBMITTED
    assert place.audit_lines(CITY)[-1] == ("cr", "desk.refused", case.id)


def test_a_township_cannot_touch_a_case_of_another_township(place: Place) -> None:
    place.hire(OTHER_TOWN, "ow", "外镇", Role.WINDOW)
    case = place.submit()
    with pytest.raises(InputError) as refused:
        place.do(OTHER_TOWN, "ow", "note", case, text="看看")
    assert refused.value.code == "case.unknown"


def test_a_window_bound_to_a_department_cannot_work_another_departments_case(place: Place) -> None:
    place.hire(CITY, "zz", "他局窗口", Role.WINDOW, department="没有的局")
    place.hire(CITY, "mz", "本局窗口", Role.WINDOW, department=place.item().department.name)
    case = place.at_city()
    with pytest.raises(StateError) as refused:
        place.do(CITY, "zz", "accept", case)
    assert refused.value.code == "desk.not_yours"
    assert place.audit_lines(CITY)[-1][1] == "desk.refused"
    assert place.do(CITY, "mz", "accept", case).state is State.ACCEPTED


def test_a_disabled_officer_cannot_act(place: Place) -> None:
    case = place.at_city()
    desk = place.desks[CITY]
    with desk.db.transaction() as tx:
        desk.roster.set_disabled(tx, "cw", True)
    with pytest.raises(StateError, match=r"officer\.disabled"):
        place.do(CITY, "cw", "accept", case)


def test_a_supplement_names_materials_of_the_item_and_nothing_else(place: Place) -> None:
    case = place.submit()
    with pytest.raises(InputError) as refused:
        place.do(TOWN, "tw", "supplement", case, missing=["没有的材料"])
    assert refused.value.code == "desk.choice"
    with pytest.raises(InputError, match=r"desk\.missing"):
        place.do(TOWN, "tw", "supplement", case)
    name = place.item().materials[0].name
    done = place.do(TOWN, "tw", "supplement", case, missing=[name], note="请补")
    assert done.supplement.missing == (name,)


def test_a_case_is_assigned_only_to_a_handler_of_this_node(place: Place) -> None:
    case = accept(place)
    with pytest.raises(InputError, match=r"desk\.choice"):
        place.do(CITY, "cw", "assign", case, officer="cr")


def test_a_special_procedure_is_one_of_the_items_and_no_longer_than_it_allows(place: Place) -> None:
    items = place.offices[CITY].shelf.catalogues.versions[-1].items
    item = next(i for i in items if i.special_procedures and i.decide_tier == "city" and not i.confidential)
    procedure = item.special_procedures[0]
    case = place.do(CITY, "cw", "accept", place.at_city(item))
    with pytest.raises(InputError, match=r"desk\.days"):
        place.do(CITY, "cw", "suspend", case, procedure=procedure.name, days=str(procedure.days_max + 1))
    case = place.do(CITY, "cw", "suspend", case, procedure=procedure.name, days="1")
    assert case.state is State.SUSPENDED
    place.network.world.pass_time(days=2)
    case = place.do(CITY, "cw", "resume", case)
    assert case.state in (State.ACCEPTED, State.VERIFYING)


def test_a_step_on_a_case_that_moved_since_it_was_opened_is_refused(place: Place) -> None:
    case = place.at_city()
    with pytest.raises(StateError, match=r"desk\.case_moved"):
        perform(place.desks[CITY], "cw", case.id, "accept", {}, via="test", seen_version="0" * 32)


def test_a_payment_is_counted_in_whole_fen(place: Place) -> None:
    case = accept(place)
    assert place.do(CITY, "cw", "paid", case, amount="12.50", receipt="A1").paid_fen == 1250


def test_the_reviewer_is_told_before_trying_that_another_must_review_what_they_handled(place: Place) -> None:
    place.hire(CITY, "both", "身兼两职", Role.HANDLER, Role.REVIEWER)
    case = accept(place)
    case = place.do(CITY, "cw", "assign", case, officer="both")
    case = place.do(CITY, "both", "handle", case, recommend="grant")
    desk = place.desks[CITY]
    with desk.db.reading() as tx:
        officer = desk.roster.get(tx, "both")
    assert MessageType.CASE_REVIEWED in open_steps(desk, officer, case, place.item())
    assert "另一人" in barred(officer, case, MessageType.CASE_REVIEWED)
    with pytest.raises(IllegalTransition, match=r"workflow\.same_officer"):
        place.do(CITY, "both", "review", case, recommend="grant")


def test_only_the_steps_of_the_officers_role_are_offered(place: Place) -> None:
    desk, case = place.desks[TOWN], place.submit()
    with desk.db.reading() as tx:
        officer = desk.roster.get(tx, "tw")
        case = desk.office.casebook.get(tx, case.id)
    steps = open_steps(desk, officer, case, place.item())
    assert MessageType.CASE_FORWARDED in steps
    assert MessageType.CASE_ACCEPTED not in steps
