"""One Chromium for all page tests; every test opens pages of its own."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.pages.browser import chromium


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started
