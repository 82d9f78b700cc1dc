"""What people do in a browser: sign in, follow links, take steps, wait for what is under way; watched all the while."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

from deploy.demo.network import Station
from tests.pages.browser import Watched

PASSWORD = "correct-horse-battery"
PATIENCE_S = 150.0
PAGE_S_MAX = 45
LOOK_S = 1.0


class Desk:
    """One browser at one desk; officers take turns at it. ``shots``: where pictures are put."""

    def __init__(self, browser: Browser, station: Station, shots: Path, *, width: int = 1280) -> None:
        self.station, self.shots = station, shots
        context = browser.new_context(viewport={"width": width, "height": 900})
        self.watched = Watched(context.new_page(), f"http://{station.desk}")
        self.page.set_default_timeout(PAGE_S_MAX * 1000)

    @property
    def page(self) -> Page:
        return self.watched.page

    def sign_in(self, id_: str) -> None:
        """With the one-time password the first time, which has to be changed at once."""
        page, password = self.page, self.station.passwords[id_]
        page.context.clear_cookies()
        self.open("/sign-in")
        page.get_by_label("工号").fill(id_)
        page.get_by_label("密码").fill(password)
        self.follow(page.get_by_role("button", name="登录"))
        if password != PASSWORD:
            page.get_by_label("现在的密码").fill(password)
            page.get_by_label("新密码", exact=True).fill(PASSWORD)
            page.get_by_label("再输一次").fill(PASSWORD)
            self.follow(page.get_by_role("button", name="保存"))
            self.station.passwords[id_] = PASSWORD
            self.sign_in(id_)

    def open(self, path: str) -> None:
        self.watched.open(path)

    def follow(self, link: Locator) -> None:
        """Click, wait for the page that it leads to, and look at it."""
        with self.page.expect_navigation():
            link.click()
        self.watched.look()

    def step(self, verb: str, **values: str) -> None:
        """Take a step on the case, difference or card that stands open; values by the names of the form's fields."""
        form = self.unfold(verb)
        for name, value in values.items():
            field = form.locator(f"[name='{name.replace('_', '-')}']")
            field.select_option(value) if field.evaluate("one => one.tagName") == "SELECT" else field.fill(
                value
            )
        self.follow(form.get_by_role("button", name=verb, exact=True))

    def unfold(self, verb: str) -> Locator:
        step = self.page.locator("#actions details").filter(has=self.page.locator("summary", has_text=verb))
        if not step.first.evaluate("one => one.open"):
            step.first.locator("summary").click()
        return step.first

    def told(self, words: str) -> None:
        expect(self.page.get_by_role("status")).to_contain_text(words)

    def wait(self, path: str, words: str, *, within: str = "main", absent: bool = False) -> None:
        """Load a page again and again until it says so, as people do; then look at it."""
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            self.page.goto(self.watched.address + path)
            if (words in self.page.inner_text(within)) is not absent:
                self.watched.look()
                return
            time.sleep(LOOK_S)
        raise AssertionError(f"{path} never said {words!r}:\n{self.page.inner_text(within)}")

    def picture(self, name: str) -> None:
        self.page.screenshot(path=self.shots / f"{name}.png", full_page=True)


@contextmanager
def desk(browser: Browser, station: Station, shots: Path, *, width: int = 1280) -> Iterator[Desk]:
    """A desk at whose pages nothing may have been wrong in the end."""
    made = Desk(browser, station, shots, width=width)
    yield made
    made.page.context.close()
    assert made.watched.complaints == []


def pictures(otherwise: Path) -> Path:
    """Where screenshots go: what ``LIANDONG_SCREENSHOTS`` says, else a folder that ends with the test."""
    folder = Path(os.environ.get("LIANDONG_SCREENSHOTS", otherwise / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
