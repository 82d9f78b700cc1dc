"""A real Chromium against a real server on this machine."""

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from tests.pages import axe

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS = (1280, 390)

# Runs in the page, for what axe does not object to: a hint in place of a label, an id twice, a page wider than a phone.
STUMBLES = """() => {
  const found = [];
  for (const field of document.querySelectorAll('input:not([type=hidden]), select, textarea'))
    if (!(field.labels && field.labels.length) && !field.ariaLabel) found.push('no label: ' + field.name);
  const ids = [...document.querySelectorAll('[id]')].map(one => one.id);
  for (const id of new Set(ids)) if (ids.filter(one => one === id).length > 1) found.push('id twice: ' + id);
  if (document.querySelectorAll('h1').length !== 1) found.push('not one h1');
  for (const link of document.querySelectorAll('a, button'))
    if (!link.textContent.trim()) found.push('empty: ' + link.outerHTML);
  const over = document.documentElement.scrollWidth - window.innerWidth;
  if (over > 0) found.push('wider than the screen by ' + over);
  return found;
}"""


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The address of ``app`` on a free port of this machine."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until_s = time.monotonic() + 10
    while not server.started and time.monotonic() < until_s:
        time.sleep(0.01)
    assert server.started, "the server did not start within 10 s"
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; without it the test fails and says what to install."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.fail(
            "缺少 Chromium，页面没有测试：apt-get install -y chromium fonts-noto-cjk / Chromium is missing"
        )
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=ARGS)
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """A page whose console, requests and layout are watched all the while."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        page.set_default_timeout(10_000)
        self.address = address
        self.complaints: list[str] = []
        page.on("console", lambda said: self.complaints.append(f"{page.url}: {said.type} {said.text}"))
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("request", lambda request: self._note_request(request.url))

    def open(self, path: str) -> None:
        self.page.goto(self.address + path)
        self.look()

    def look(self) -> None:
        """Collect what is wrong with the page as it stands."""
        found = [*self.page.evaluate(STUMBLES), *axe.findings(self.page)]
        self.complaints += [f"{self.page.url}: {stumble}" for stumble in found]

    def _note_request(self, url: str) -> None:
        if not url.startswith(self.address):
            self.complaints.append(f"asked for an outside address: {url}")
