"""The program that listens: a line that breaks in the middle of a request is no failure of the node."""

import asyncio
import logging
from typing import Any

import pytest

from sync.listener import contact_app


def test_a_line_that_breaks_in_the_middle_of_a_bundle_is_one_line_in_the_log_and_nothing_is_taken(
    caplog: pytest.LogCaptureFixture,
) -> None:
    taken: list[bytes] = []

    def answer(certificate: bytes, bundle: bytes) -> bytes:
        taken.append(bundle)
        return b""

    arriving: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"the first half", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return arriving.pop(0)

    async def send(message: dict[str, Any]) -> None:
        assert message.get("status", 400) == 400

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/contact",
        "query_string": b"",
        "headers": [],
        "client": ("10.0.0.7", 50000),
        "state": {"certificate": b""},
    }
    with caplog.at_level(logging.INFO, logger="sync.listener"):
        asyncio.run(contact_app(answer)(scope, receive, send))  # type: ignore[arg-type]
    assert taken == []
    (record,) = caplog.records
    assert "10.0.0.7" in record.getMessage()
    assert record.exc_info is None
