"""A window takes in an application itself, and several for one project, which start, meet and end together."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from city_node.desk import wings
from city_node.office import CityOffice
from city_node.projects.book import PROJECT_CASE
from core.bodies import NoteAdded
from core.desk.web import desk_app
from core.identifiers import CaseId
from core.items import FieldType, FormField, Item
from core.messages import Role
from core.states import State
from tests.scenarios.world import CITY, TOWN
from tests.unit.desk_kit import ID_NO, PASSWORD, Place
from tests.unit.test_desk_pages import hidden, sign_in

KIND = "工业项目并联审批"
APPLICANT = {
    "applicant.name": "𠮷田䶮",
    "applicant.id_type": "身份证",
    "applicant.id_no": ID_NO,
    "applicant.mobile": "13800138000",
    "applicant.village_code": "430981102202",
    "applicant.delivery": "窗口自取",
}
SAMPLES = {
    FieldType.INT: "3",
    FieldType.MONEY: "120.50",
    FieldType.DECIMAL: "1.5",
    FieldType.DATE: "2020-01-02",
    FieldType.BOOL: "是",
    FieldType.ID_NO: ID_NO,
    FieldType.USCC: "91350100M000100Y43",
    FieldType.PHONE: "13800138000",
    FieldType.DIVISION: "430981102202",
}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.network.close()


def browser_of(place: Place, id_: str) -> TestClient:
    office = place.offices[CITY]
    assert isinstance(office, CityOffice)
    browser = TestClient(desk_app(place.desks[CITY], *wings(office)), base_url="http://desk")
    sign_in(browser, id_, PASSWORD)
    return browser


def answer(field: FormField) -> str:
    return field.options[0] if field.options else SAMPLES.get(field.type, "说明")


def filled(item: Item) -> dict[str, str]:
    """What somebody who has everything types."""
    typed = dict(APPLICANT)
    for field in item.form_fields:
        if field.type is FieldType.TABLE:
            typed |= {f"form.{field.key}.0.{column.key}": answer(column) for column in field.columns}
        else:
            typed[f"form.{field.key}"] = answer(field)
    for at, material in enumerate(item.materials):
        typed |= {
            f"material.{at}.originals": str(material.originals),
            f"material.{at}.copies": str(material.copies),
        }
    return typed


def city_items(place: Place) -> list[Item]:
    items = place.offices[CITY].shelf.catalogues.versions[-1].items
    return [item for item in items if "city" in item.accept_tiers]


def hand_in(browser: TestClient, item: Item, typed: dict[str, str], **more: str) -> tuple[int, str, str]:
    csrf = hidden(browser.get(f"/intake/{item.code}").text, "csrf")
    done = browser.post(f"/intake/{item.code}", data={"csrf": csrf, **typed, **more})
    return done.status_code, str(done.url), done.text


def test_every_item_that_the_city_takes_in_can_be_taken_in_at_its_window(place: Place) -> None:
    browser = browser_of(place, "cw")
    listed = browser.get("/intake").text
    for item in city_items(place):
        assert f"/intake/{item.code}" in listed
        status, address, page = hand_in(browser, item, filled(item))
        assert status == 200 and "/case/" in address, (item.name, re.findall(r"<li>.*?</li>", page)[:5])


def test_all_that_is_wrong_is_told_at_once_and_nothing_typed_is_lost(place: Place) -> None:
    browser, item = browser_of(place, "cw"), place.item()
    typed = filled(item) | {"applicant.id_no": "110105194912310021", "applicant.mobile": "12"}
    typed = {name: value for name, value in typed.items() if not name.startswith("material.")}
    status, _, page = hand_in(browser, item, typed)
    assert status == 400
    assert page.count('<li><a href="#') >= 3
    assert 'href="#applicant.id_no"' in page and 'href="#materials"' in page
    assert 'value="110105194912310021"' in page and "𠮷田䶮" in page
    with place.desks[CITY].db.reading() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM case_file").scalar() == 0


def test_a_township_takes_in_what_is_its_own_and_the_city_gets_it(place: Place) -> None:
    item = next(one for one in city_items(place) if "township" in one.accept_tiers and not one.confidential)
    browser = TestClient(desk_app(place.desks[TOWN]), base_url="http://desk")
    sign_in(browser, "tw", PASSWORD)
    status, address, _ = hand_in(browser, item, filled(item))
    assert status == 200
    place.network.settle(2)
    number = CaseId(address.rpartition("/case/")[2].partition("?")[0])
    with place.desks[CITY].db.reading() as tx:
        case = place.offices[CITY].casebook.get(tx, number)
    assert case.origin == TOWN and case.applicant.name == "𠮷田䶮"


def test_a_handler_does_not_take_in(place: Place) -> None:
    assert browser_of(place, "ch").get("/intake").status_code == 403


def open_project(browser: TestClient) -> str:
    csrf = hidden(browser.get("/projects").text, "csrf")
    done = browser.post("/projects", data={"csrf": csrf, "name": "船舶配套厂", "kind": KIND})
    return str(done.url).rpartition("/")[2]


def project_items(place: Place) -> list[Item]:
    return [item for item in city_items(place) if item.parallel_group == KIND]


def test_the_cases_of_a_project_start_together_and_share_one_limit_and_one_bill(place: Place) -> None:
    browser = browser_of(place, "cw")
    project = open_project(browser)
    items = project_items(place)
    for item in items:
        assert item.code in browser.get(f"/projects/{project}").text
        status, address, _ = hand_in(browser, item, filled(item), project=project)
        assert status == 200 and address.endswith(project)
    page = browser.get(f"/projects/{project}").text
    assert "收件中" in page and "本类别的事项都已加入" in page
    csrf = hidden(page, "csrf")
    page = browser.post(f"/projects/{project}/start", data={"csrf": csrf}).text
    assert "并联审批中" in page and f"已受理 {len(items)}" in page
    csrf = hidden(page, "csrf")
    browser.post(
        f"/projects/{project}/meeting",
        data={"csrf": csrf, "attendees": "发改、环保、住建", "minutes": "一致同意"},
    )
    with place.desks[CITY].db.reading() as tx:
        numbers = tx.scalars(sa.select(PROJECT_CASE.c.case_id)).all()
        cases = [place.offices[CITY].casebook.get(tx, CaseId(number)) for number in numbers]
    assert len(cases) == len(items) and {case.project for case in cases} == {project}
    assert {case.state for case in cases} <= {State.ACCEPTED, State.VERIFYING}
    for case in cases:
        assert any(isinstance(note.body, NoteAdded) and "一致同意" in note.body.text for note in case.notes)


def test_the_next_application_of_a_project_begins_with_the_same_applicant_and_the_look_is_logged(
    place: Place,
) -> None:
    browser = browser_of(place, "cw")
    project, items = open_project(browser), project_items(place)
    hand_in(browser, items[0], filled(items[0]), project=project)
    with place.desks[CITY].db.reading() as tx:
        first = tx.scalar(sa.select(PROJECT_CASE.c.case_id))
    page = browser.get(f"/intake/{items[1].code}?project={project}&like={first}").text
    assert ID_NO in page and f'name="project" value="{project}"' in page
    assert place.audit_lines(CITY)[-1] == ("cw", "case.viewed_in_full", str(first))


def test_a_project_that_nobody_opened_is_refused_in_words(place: Place) -> None:
    place.hire(CITY, "au", "审计", Role.AUDITOR)
    assert browser_of(place, "cw").get("/projects/nothing").status_code == 400
    assert browser_of(place, "au").get("/projects").status_code == 403
