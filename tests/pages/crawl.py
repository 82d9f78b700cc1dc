"""Follows the links of a desk until every address that its programs know has been opened once."""

from collections import deque
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Response
from starlette.applications import Starlette
from starlette.routing import Match, Route

from tests.pages.browser import Watched

NOT_PAGES = ("/desk.css", "/desk.svg", "/public/style.css")
FILES = (
    "/case/{case}/file/{file}",
    "/case/{case}/document/{document}",
    "/catalogue/xlsx/{kind}",
    "/catalogue/draft/{kind}/xlsx",
)
"""What is kept rather than looked at."""
_LINKS = "() => [...document.querySelectorAll('a[href]')].map(one => one.getAttribute('href'))"
# What is folded away is checked too; of a group only one can stand open, unless it is no group any more.
_UNFOLD = """() => { for (const one of document.querySelectorAll('details')) {
  one.removeAttribute('name'); one.open = true; } }"""


class Crawl:
    """``opened``: one address for each route and set of parameters, in the order they were found."""

    def __init__(self, app: Starlette, watched: Watched) -> None:
        self._routes = [route for route in app.routes if isinstance(route, Route)]
        self._watched = watched
        self._met: set[tuple[str, frozenset[str]]] = set()
        self._files: set[str] = set()
        self.opened: list[str] = []
        watched.page.on("response", self._note)

    def walk(self, *starts: str) -> None:
        """From every one of ``starts``; of the links found there, one for each route and set of parameters."""
        waiting = deque(starts)
        while waiting:
            address = waiting.popleft()
            key = self._key(address)
            if key is None or (key in self._met and address not in starts) or address in self.opened:
                continue
            self._met.add(key)
            if key[0] in FILES or "format" in key[1]:
                assert self._watched.page.request.get(self._watched.address + address).ok, address
                continue
            self.opened.append(address)
            look(self._watched, address)
            waiting.extend(self._watched.page.evaluate(_LINKS))

    def never_opened(self) -> list[str]:
        """Addresses of pages to which no link led, as the program writes them."""
        met = {path for path, _ in self._met}
        return [
            route.path
            for route in self._routes
            if "GET" in (route.methods or ()) and route.path not in (*NOT_PAGES, *met)
        ]

    def _key(self, address: str) -> tuple[str, frozenset[str]] | None:
        parts = urlsplit(address)
        if parts.scheme or not parts.path.startswith("/") or "lang" in parse_qs(parts.query):
            return None
        scope = {"type": "http", "path": parts.path, "method": "GET"}
        found = next((one for one in self._routes if one.matches(scope)[0] is Match.FULL), None)
        return None if found is None else (found.path, frozenset(parse_qs(parts.query)))

    def _note(self, response: Response) -> None:
        if response.status >= 400:
            self._watched.complaints.append(f"{response.url}: answered {response.status}")


def look(watched: Watched, address: str) -> None:
    """Open a page and all that is folded away on it."""
    page: Page = watched.page
    page.goto(watched.address + address)
    page.evaluate(_UNFOLD)
    watched.look()
