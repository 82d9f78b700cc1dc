"""The three programs as people start them: real processes, TLS on loopback, signals to stop."""

import asyncio
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from core.errors import LocalError
from core.identifiers import NodeId
from sync import listener
from sync.environment import SystemWorld
from sync.lines import tls_material
from sync.primitives import SigningKey
from sync.transport import tls
from sync.transport.base import LineDown
from sync.transport.extranet import Extranet
from tests.scenarios.programs import CITY, START_S_MAX, TOWN, VILLAGE, Programs, free_ports
from tests.scenarios.world import Network


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    made = Programs(tmp_path)
    yield made
    made.stop()


def test_citizens_have_an_address_of_their_own_and_no_desk_is_there(
    programs: Programs, tmp_path: Path
) -> None:
    public, desk = free_ports(2)
    programs.do(
        "city", "init", CITY, "--public", f"127.0.0.1:{public}", "--desk", f"127.0.0.1:{desk}",
        "--passphrase-file", str(tmp_path / "pass"), "--root-key", str(tmp_path / "root.key"),
    )  # fmt: skip
    programs.start("city")
    with urlopen(f"http://127.0.0.1:{public}/", timeout=20) as answer:
        assert answer.url.endswith("/public") and "办件查询" in answer.read().decode()
    with pytest.raises(HTTPError, match="404"):
        urlopen(f"http://127.0.0.1:{public}/sign-in", timeout=20)
    for path in ("/sign-in", "/public"):
        with urlopen(f"http://127.0.0.1:{desk}{path}", timeout=20) as answer:
            assert answer.status == 200
    assert programs.stop() == [0]


def test_three_programs_enrol_meet_and_stop_and_an_outsider_is_refused_at_the_handshake(
    programs: Programs, tmp_path: Path
) -> None:
    programs.found_city()
    programs.found_township()
    wrong = programs.do("township", "enrol", "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA", code=2)
    assert "注册码" in wrong
    programs.enrolled("township", TOWN)
    programs.start("township")
    programs.found_village()
    programs.publish()
    until = time.monotonic() + START_S_MAX
    while programs.facts("village", "status")["catalogue"] == 0:
        assert time.monotonic() < until
        programs.do("village", "sync")
    status = programs.facts("township", "status")
    assert {peer["node"] for peer in status["peers"]} == {CITY, VILLAGE}
    assert "+08:00" in programs.do("village", "status")
    _outsider_is_refused(programs)
    assert programs.stop() == [0, 0]
    assert not (tmp_path / "city" / "run.json").exists()


def _outsider_is_refused(programs: Programs) -> None:
    context = tls.anonymous_context()
    with socket.create_connection(("127.0.0.1", programs.contact), 10) as raw:
        try:
            with context.wrap_socket(raw) as line:
                line.sendall(b"POST /contact HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
                answer = line.recv(100)
        except (ssl.SSLError, ConnectionError):
            answer = b""
    assert answer == b""


class _Broken:
    """A server that promises more than it sends."""

    def __init__(self, head: bytes, body: bytes) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.answer = head + body
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self.server.accept()
        connection.recv(65536)
        connection.sendall(self.answer)
        connection.close()
        self.server.close()


def _plain_line(port: int) -> Extranet:
    """A line that does not go on over another connection once one broke."""
    context = tls.anonymous_context()
    return Extranet(f"http://127.0.0.1:{port}", context, NodeId(TOWN), 5, is_stopped=lambda: True)


def test_what_came_before_an_answer_broke_off_is_taken() -> None:
    broken = _Broken(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x" * 300)
    assert _plain_line(broken.port).exchange(b"question") == b"x" * 300


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "line.broke"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\nContent-Length: 0\r\n\r\n",
            "line.not_a_node",
        ),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "line.not_a_node"),
        (b"nonsense\r\n\r\n", "line.broke"),
    ],
)
def test_an_answer_that_is_none_is_a_line_that_is_down(head: bytes, code: str) -> None:
    with pytest.raises(LineDown) as refused:
        _plain_line(_Broken(head, b"").port).exchange(b"question")
    assert refused.value.code == code
    assert "数据都在本机" in refused.value.zh


def test_where_no_file_lives_in_memory_the_key_is_on_disk_for_a_moment_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Network(tmp_path, 4).nodes[NodeId(CITY)]
    monkeypatch.setattr(tls.tempfile, "tempdir", str(tmp_path / "private"))
    (tmp_path / "private").mkdir()
    monkeypatch.delattr(os, "memfd_create")
    context = tls.client_context(*tls_material(node))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert list((tmp_path / "private").iterdir()) == []
    with pytest.raises(ssl.SSLError):
        tls.client_context(
            tls_material(node)[0], b"no chain", SigningKey.generate(SystemWorld().random_bytes).to_pkcs8()
        )
    assert list((tmp_path / "private").iterdir()) == []


def test_a_port_that_is_taken_is_said_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        app = listener.enrolment_app(lambda data: b"", lambda data: b"")
        with pytest.raises(LocalError, match=r"listen\.refused") as refused:
            asyncio.run(listener.serve_all([listener.server(app, "127.0.0.1", port, None)], asyncio.Event()))
    assert f"127.0.0.1:{port}" in refused.value.zh
