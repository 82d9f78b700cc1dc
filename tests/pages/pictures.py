"""Pictures of the sheet and of the nodes for the documents, on a day on which the books differ in many ways.

python -m tests.pages.pictures docs/screens
"""

import sys
import tempfile
from pathlib import Path

from city_node.app import City
from city_node.desk import build_desk, desk_context
from core.identifiers import NodeId
from core.messages import MessageType, Role
from deploy.demo import plan as demo
from sync import contact
from sync.compose import compose
from sync.epoch import Reason
from sync.installation import Installation
from sync.settings import Settings
from tests.pages.browser import chromium, served
from tests.scenarios.books import Books
from tests.scenarios.offices import Offices
from tests.scenarios.world import CITY, OTHER_TOWN, TOWN
from tests.unit.desk_kit import PASSWORD

VILLAGES = BUSY, RESTORED, SILENT = tuple(NodeId(one) for one in demo.VILLAGES[:3])
PICTURES = {"sheet": "/sheet", "sheet-village": "/sheet/{day}/" + BUSY, "nodes": "/nodes?only=look"}
WIDTH, HEIGHT = 1280, 900


def bad_day(folder: Path) -> Books:
    """One village is silent, one was put back from a backup; of the third's cases one is set aside and one on its way."""
    first = Offices(folder / "morning", 1, *VILLAGES)
    first.close()
    books = Books.like(first, folder / "city", 4)
    items = iter(books.items())

    def submit(village: NodeId, count: int) -> None:
        # Of another item each: one person stands in for everybody here, and these are no duplicates.
        for _ in range(count):
            books.submit(village, next(items))

    def tell_control_only() -> None:
        """What goes first gets across; the cases themselves are on their way."""
        report = compose(books.nodes[TOWN], CITY, budget_bytes=1)
        contact.take(books.nodes[CITY], report.data, carrier="extranet", expected=TOWN)

    for village in VILLAGES:
        submit(village, 1)
    books.settle()
    books.told()
    books.world.pass_time(days=4)
    others = (TOWN, OTHER_TOWN, RESTORED, BUSY)
    copy = books.back_up(RESTORED)
    submit(RESTORED, 3)
    submit(BUSY, 4)
    books.told(*others)
    city = books.nodes[CITY]
    handler = city.dispatch._handlers[MessageType.CASE_SUBMITTED]
    city.dispatch.forget(MessageType.CASE_SUBMITTED)
    submit(BUSY, 1)
    books.told(*others)
    city.dispatch._handlers[MessageType.CASE_SUBMITTED] = handler
    books.put_back(RESTORED, copy).begin_epoch(Reason.RESTORED)
    books.beat(RESTORED)
    books.meet(RESTORED)
    books.meet(TOWN)
    submit(BUSY, 1)
    books.beat(BUSY)
    books.meet(BUSY)
    books.beat(TOWN)
    tell_control_only()
    books.draw()
    return books


def main() -> None:
    into = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        books = bad_day(Path(name))
        node = books.nodes[CITY]
        app = City(Installation(books.folder, Settings(node=CITY), node.db, node), books.city)
        context = desk_context(app)
        with context.db.transaction() as tx:
            context.roster.add(tx, "ducha", "唐义", [Role.SUPERVISOR, Role.ADMINISTRATOR], "", PASSWORD)
        with served(build_desk(app)) as address, chromium() as browser:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, locale="zh-CN")
            page.goto(f"{address}/sign-in")
            page.fill("[name=id]", "ducha")
            page.fill("[name=password]", PASSWORD)
            with page.expect_navigation():
                page.click("main button")
            for name_, path in PICTURES.items():
                page.goto(address + path.format(day=books.today))
                page.screenshot(path=into / f"{name_}.png", full_page=True)
                print(into / f"{name_}.png")
        books.close()


if __name__ == "__main__":
    main()
