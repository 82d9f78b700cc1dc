"""How long an officer waits for each page of the loaded city's desk, on each database, in one run."""

import re
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from starlette.testclient import TestClient

from bench.city.house import AUDITOR, LEADER, PASSWORD, Where, open_house
from city_node.app import City
from city_node.desk import build_desk
from core.desk.xlsx import read_rows
from core.store.casebook import CASE

TARGET_S = 1.0
SPAN = "since=2011-01-01&until=2015-12-31"
OF_2015 = (27_872, 27_822)


@dataclass(frozen=True, slots=True)
class PageOf:
    """A page as one officer opens it; ``path`` may name what ``_marks`` found."""

    name: str
    officer: str
    path: str


PAGES = (
    PageOf("queue, to do, first 50", "hall", "/"),
    PageOf("queue, all cases, first 50", LEADER, "/?scope=all"),
    PageOf("queue, all cases, deep", LEADER, "/?scope=all&after=~,{middle}"),
    PageOf("queue, one township", LEADER, "/?scope=all&origin=430981102"),
    PageOf("queue, one state", LEADER, "/?scope=all&state=DELIVERED"),
    PageOf("queue, over time", LEADER, "/?scope=all&due=over"),
    PageOf("queue of a department, to do", "{handler}", "/"),
    PageOf("queue of a department, all", "{handler}", "/?scope=all"),
    PageOf("queue of a department, deep", "{handler}", "/?scope=all&after=~,{middle}"),
    PageOf("board, this year", LEADER, "/supervision"),
    PageOf("board, five years", LEADER, "/supervision?period=all"),
    PageOf("cards, first 50", LEADER, "/supervision/cards"),
    PageOf("cards, red of a township", LEADER, "/supervision/cards?card=red&region=430981102000"),
    PageOf("cards, deep", LEADER, "/supervision/cards?after=2013-01-01T00:00:00.000Z,0"),
    PageOf("report, five years by month", LEADER, f"/reports?by=month&{SPAN}"),
    PageOf("report, by township", LEADER, f"/reports?by=region&{SPAN}"),
    PageOf("report, by department", LEADER, f"/reports?by=department&{SPAN}"),
    PageOf("report, by item", LEADER, f"/reports?by=item&{SPAN}"),
    PageOf("one case", LEADER, "/case/{middle}"),
    PageOf("audit, newest", AUDITOR, "/audit"),
    PageOf("audit, of one case", AUDITOR, "/audit?subject={middle}"),
    PageOf("audit, of one officer", AUDITOR, "/audit?actor={handler}"),
    PageOf("audit, of one kind", AUDITOR, "/audit?action=case.deliver"),
)


def measure(places: Sequence[Where], rounds: int) -> bool:
    """Open every page ``rounds`` times on each node and print the table; whether all of them met the target."""
    houses = {where.name: open_house(where) for where in places}
    try:
        found = {name: _House(house).spent(rounds) for name, house in houses.items()}
    finally:
        for house in houses.values():
            house.installation.close()
    _print(found, rounds)
    return all(max(times[1:]) < TARGET_S for pages in found.values() for times in pages.values())


class _House:
    """One node and the browsers of those who look at its desk."""

    def __init__(self, house: City) -> None:
        self.desk = build_desk(house)
        self.marks = _marks(house)
        self.browsers: dict[str, TestClient] = {}

    def spent(self, rounds: int) -> dict[str, list[float]]:
        """Seconds of each visit by page, the first after the start first."""
        found = {}
        for page in PAGES:
            browser = self._browser(page.officer.format(**self.marks))
            path = page.path.format(**self.marks)
            found[page.name] = [self._seconds(browser, path) for _ in range(rounds + 1)]
        self._prove(self._browser(LEADER))
        return found

    def _seconds(self, browser: TestClient, path: str) -> float:
        started = time.perf_counter()
        answer = browser.get(path)
        spent_s = time.perf_counter() - started
        if answer.status_code != 200 or "<h1" not in answer.text:
            raise SystemExit(f"{path} answered {answer.status_code}: {answer.text[:400]}")
        return spent_s

    def _prove(self, browser: TestClient) -> None:
        """The year that is known comes out of the report as it went in."""
        sheet = browser.get("/reports?by=month&since=2015-01-01&until=2015-12-31&format=xlsx").content
        total = [values for _, values in read_rows(sheet)][-1]
        accepted, completed = int(total[1]), int(total[2])  # type: ignore[call-overload]
        print(f"2015: {accepted} accepted, {completed} completed = {completed / accepted:.1%}", flush=True)
        if accepted == OF_2015[0] and completed != OF_2015[1]:
            raise SystemExit(f"{OF_2015[1]} completed were loaded")

    def _browser(self, officer: str) -> TestClient:
        if officer not in self.browsers:
            browser = self.browsers[officer] = TestClient(self.desk, base_url="http://desk")
            form = browser.get("/sign-in").text
            mark = re.search(r'name="visit" value="([^"]*)"', form)
            assert mark is not None
            answer = browser.post("/sign-in", data={"visit": mark[1], "id": officer, "password": PASSWORD})
            if "/sign-out" not in answer.text:
                raise SystemExit(f"{officer} could not sign in")
        return self.browsers[officer]


def _marks(house: City) -> dict[str, str]:
    """A closed case in the middle of the book, and a handler of the department that has it."""
    with house.installation.db.reading() as tx:
        count = tx.scalar(sa.select(sa.func.count()).select_from(CASE)) or 0
        closed = sa.select(CASE.c.id, CASE.c.item).where(CASE.c.due_at.is_(None), CASE.c.department != "")
        middle = tx.execute(closed.order_by(CASE.c.region, CASE.c.id).offset(count // 3).limit(1)).one()
    return {"middle": middle.id, "handler": f"{middle.item[6:9]}h1"}


def _print(found: Mapping[str, Mapping[str, Sequence[float]]], rounds: int) -> None:
    names = list(found)
    print(f"\nmilliseconds: first visit after the start, then the median and the longest of {rounds}")
    print(f"{'':32}" + "".join(f"{name:>26}" for name in names))
    for page in PAGES:
        cells = ""
        for name in names:
            first, *later = found[name][page.name]
            figures = (first, statistics.median(later), max(later))
            mark = " !" if figures[2] >= TARGET_S else "  "
            cells += "  " + "".join(f"{1000 * figure:>7.0f}" for figure in figures) + f"{mark:>3}"
        print(f"{page.name:32}{cells}")
