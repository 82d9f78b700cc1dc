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
from core.case import Case
from core.desk import scans
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
    typed |= {"form.household_size": "许多", "form.household_members.0.monthly_income": "许多"}
    typed = {name: value for name, value in typed.items() if not name.startswith("material.")}
    status, _, page = hand_in(browser, item, typed)
    assert status == 400
    led_to = set(re.findall(r'<li><a href="#([^"]+)"', page))
    wrong = {
        "applicant.id_no",
        "applicant.mobile",
        "form.household_size",
        "form.household_members",
        "materials",
    }
    assert led_to == wrong and all(f'id="{one}"' in page for one in wrong)
    assert 'value="110105194912310021"' in page and "𠮷田䶮" in page
    assert no_case(place)


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


JPEG = b"\xff\xd8\xff" + bytes(range(256)) * 300


def send(
    browser: TestClient, item: Item, typed: dict[str, str], *scans: tuple[str, str, bytes], **more: str
) -> tuple[int, str, str]:
    """Press a button of the form with files chosen: (field, name, content)."""
    page = browser.get(f"/intake/{item.code}").text
    files = [(field, (name, data, "application/octet-stream")) for field, name, data in scans]
    files = files or [("scan.0", ("", b"", "application/octet-stream"))]
    done = browser.post(
        f"/intake/{item.code}", data={"csrf": hidden(page, "csrf"), **typed, **more}, files=files
    )
    return done.status_code, str(done.url), done.text


def case_at_city(place: Place, id_: CaseId) -> Case:
    with place.desks[CITY].db.reading() as tx:
        return place.offices[CITY].casebook.get(tx, id_)


def no_case(place: Place) -> bool:
    with place.desks[CITY].db.reading() as tx:
        return tx.exec_driver_sql("SELECT count(*) FROM case_file").scalar() == 0


def kept_scans(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(scan\.\d+\.kept)" value="([0-9a-f]{32})"', page))


def test_papers_are_scanned_at_the_window_and_reach_the_case_whole(place: Place) -> None:
    browser, item = browser_of(place, "cw"), place.item()
    status, address, page = send(browser, item, filled(item), ("scan.0", "身份证.jpg", JPEG))
    assert status == 200 and "/case/" in address, page
    case = case_at_city(place, CaseId(address.partition("/case/")[2][:26]))
    (manifest,) = case.attachments
    assert manifest.name == "身份证.jpg"
    assert case.materials[0].attachments == (manifest.id,)
    assert place.desks[CITY].files.open(manifest) == JPEG
    assert "身份证.jpg" in page


def test_a_scan_need_not_be_chosen_again_when_something_else_is_wrong(place: Place) -> None:
    browser, item = browser_of(place, "cw"), place.item()
    wrong = filled(item) | {"applicant.mobile": "12"}
    status, _, page = send(browser, item, wrong, ("scan.0", "a.jpg", JPEG), ("scan.0", "b.jpg", JPEG + b"b"))
    assert status == 400
    assert "a.jpg" in page and "b.jpg" in page
    first, second = re.findall(r'name="scan\.0\.kept" value="([0-9a-f]{32})"', page)
    csrf = hidden(page, "csrf")
    form = {"csrf": csrf, **filled(item), "scan.0.kept": [first, second], "unscan": first}
    done = browser.post(f"/intake/{item.code}", data=form, files=[("scan.0", ("", b""))])
    case = case_at_city(place, CaseId(str(done.url).partition("/case/")[2][:26]))
    assert [one.name for one in case.attachments] == ["b.jpg"]


def test_scans_can_be_brought_in_several_goes_before_the_form_is_handed_in(place: Place) -> None:
    browser, item = browser_of(place, "cw"), place.item()
    status, address, page = send(browser, item, filled(item), ("scan.0", "a.jpg", JPEG), go="more")
    assert status == 200 and "/case/" not in address
    again = send(browser, item, filled(item) | kept_scans(page), ("scan.0", "b.pdf", b"%PDF-1.7"))
    case = case_at_city(place, CaseId(again[1].partition("/case/")[2][:26]))
    assert [one.name for one in case.attachments] == ["a.jpg", "b.pdf"]


def test_what_is_no_scan_is_refused_in_words_and_the_others_are_kept(place: Place) -> None:
    browser, item = browser_of(place, "cw"), place.item()
    sent = [("scan.0", "virus.exe", b"MZ"), ("scan.0", "leer.jpg", b""), ("scan.0", "a.jpg", JPEG)]
    status, _, page = send(browser, item, filled(item), *sent)
    assert status == 400
    assert "virus.exe" in page and "leer.jpg" in page
    assert 'href="#scan.0"' in page
    assert list(kept_scans(page)) == ["scan.0.kept"]


def test_nobody_hands_in_the_scan_that_another_officer_has_chosen(place: Place) -> None:
    item = place.item()
    place.hire(CITY, "cw2", "市窗口二", Role.WINDOW)
    _, _, page = send(browser_of(place, "cw"), item, filled(item), ("scan.0", "a.jpg", JPEG), go="more")
    status, _, refused = send(browser_of(place, "cw2"), item, filled(item) | kept_scans(page))
    assert status == 400 and "已不在本机暂存中" in refused
    assert no_case(place)
    assert "a.jpg" not in refused


def test_a_file_field_that_a_browser_sends_empty_brings_nothing(place: Place) -> None:
    browser, item = browser_of(place, "cw"), place.item()
    csrf = hidden(browser.get(f"/intake/{item.code}").text, "csrf")
    parts = [f'name="{name}"\r\n\r\n{value}' for name, value in (filled(item) | {"csrf": csrf}).items()]
    parts.append('name="scan.0"; filename=""\r\nContent-Type: application/octet-stream\r\n\r\n')
    body = "".join(f"--line\r\nContent-Disposition: form-data; {part}\r\n" for part in parts) + "--line--\r\n"
    headers = {"content-type": "multipart/form-data; boundary=line"}
    done = browser.post(f"/intake/{item.code}", content=body.encode(), headers=headers)
    assert "/case/" in str(done.url), done.text
    assert case_at_city(place, CaseId(str(done.url).partition("/case/")[2][:26])).attachments == ()


def test_a_material_has_no_more_scans_than_a_case_may_name_and_those_that_fit_stay(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "OF_A_MATERIAL_MAX", 2)
    browser, item = browser_of(place, "cw"), place.item()
    sent = [("scan.0", f"{number}.jpg", JPEG + bytes([number])) for number in range(3)]
    status, _, page = send(browser, item, filled(item), *sent)
    assert status == 400 and "最多 2 个扫描件" in page and no_case(place)
    assert "1.jpg" in page and "2.jpg" not in page


def test_a_form_with_more_than_may_come_at_once_is_refused_whole(place: Place) -> None:
    browser, item = browser_of(place, "cw"), place.item()
    many = [("scan.0", f"{number}.jpg", b"\xff\xd8") for number in range(21)]
    assert send(browser, item, filled(item), *many)[0] == 400
    large = [("scan.0", f"{number}.jpg", bytes(9 << 20)) for number in range(3)]
    assert send(browser, item, filled(item), *large)[0] == 400
    assert no_case(place)


def test_who_is_not_signed_in_sends_no_files(place: Place) -> None:
    office = place.offices[CITY]
    assert isinstance(office, CityOffice)
    stranger = TestClient(desk_app(place.desks[CITY], *wings(office)), base_url="http://desk")
    done = stranger.post("/intake/x", data={"csrf": "x"}, files=[("scan.0", ("a.jpg", JPEG))])
    assert str(done.url).endswith("/sign-in")
