"""Pictures of the board and the report as a supervisor sees them in Chromium."""

from pathlib import Path

from bench.city.house import LEADER, PASSWORD, Where, open_house
from bench.city.measure import SPAN
from city_node.desk import build_desk
from tests.pages.browser import chromium, served

PICTURES = {"city-board": "/supervision?period=all", "city-report": f"/reports?by=month&{SPAN}"}
WIDTH, HEIGHT = 1280, 900


def screens(where: Where, into: Path) -> None:
    """Write one PNG for each of ``PICTURES``."""
    house = open_house(where)
    try:
        with served(build_desk(house)) as address, chromium() as browser:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.set_default_timeout(60_000)
            page.goto(f"{address}/sign-in")
            page.fill("[name=id]", LEADER)
            page.fill("[name=password]", PASSWORD)
            page.click("main button")
            for name, path in PICTURES.items():
                page.goto(address + path)
                page.screenshot(path=into / f"{name}.png")
                print(into / f"{name}.png")
    finally:
        house.installation.close()
