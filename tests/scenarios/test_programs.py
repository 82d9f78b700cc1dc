"""The three programs as people start them: real processes, TLS on loopback, signals to stop."""

import asyncio
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from core.catalogue import encode_catalogue, load_catalogue
from core.errors import LocalError
from core.identifiers import NodeId
from sync import listener
from sync.environment import SystemWorld
from sync.lines import tls_material
from sync.primitives import SigningKey
from sync.transport import tls
from sync.transport.base import LineDown
from sync.transport.extranet import Extranet
from tests.scenarios.world import Network

TIERS = {"city": "city_node", "township": "township_node", "village": "village_agent"}
CITY, TOWN, VILLAGE = "430981000000", "430981102000", "430981102202"
START_S_MAX = 30


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Programs:
    """Folders and processes of one small city."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.contact, self.enrol, self.town_contact, self.town_enrol = _free_ports(4)
        self.running: list[subprocess.Popen[str]] = []
        self.environment = {**os.environ, "LIANDONG_PIN": "280614", "LIANDONG_LANG": "zh"}
        (folder / "pass").write_text("a long passphrase for the root")

    def command(self, tier: str, *words: str) -> list[str]:
        start = f"from {TIERS[tier]}.cli import main; main(prog_name='{tier}')"
        return [sys.executable, "-c", start, "--data", str(self.folder / tier), *words]

    def do(self, tier: str, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            self.command(tier, *words),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def facts(self, tier: str, *words: str) -> Any:
        return json.loads(self.do(tier, *words, "--json"))

    def start(self, tier: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            self.command(tier, "run"),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.running.append(process)
        until = time.monotonic() + START_S_MAX
        while not (self.folder / tier / "run.json").exists():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < until
            time.sleep(0.05)
        return process

    def enrolled(self, tier: str, node: str) -> None:
        self.do(tier, "enrol", self.facts("city", "code", node)["code"])

    def stop(self) -> list[int]:
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        codes = []
        for process in self.running:
            try:
                process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
            codes.append(process.returncode)
        self.running.clear()
        return codes


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    made = Programs(tmp_path)
    yield made
    made.stop()


def test_citizens_have_an_address_of_their_own_and_no_desk_is_there(
    programs: Programs, tmp_path: Path
) -> None:
    public, desk = _free_ports(2)
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
    at = "127.0.0.1:{}".format
    url = "https://127.0.0.1:{}".format
    programs.do(
        "city", "init", CITY, "--contact", at(programs.contact), "--enrol-at", at(programs.enrol),
        "--passphrase-file", str(tmp_path / "pass"), "--root-key", str(tmp_path / "root.key"),
    )  # fmt: skip
    programs.start("city")
    programs.do(
        "township", "init", TOWN, "--contact", at(programs.town_contact), "--enrol-at", at(programs.town_enrol),
        "--parent", url(programs.contact), "--parent-enrol", url(programs.enrol), "--every", "1",
    )  # fmt: skip
    wrong = programs.do("township", "enrol", "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA", code=2)
    assert "注册码" in wrong
    programs.enrolled("township", TOWN)
    programs.start("township")
    programs.do(
        "village", "init", VILLAGE, "--parent", url(programs.town_contact),
        "--parent-enrol", url(programs.town_enrol), "--every", "1",
    )  # fmt: skip
    programs.enrolled("village", VILLAGE)
    catalogue = tmp_path / "catalogue.json"
    catalogue.write_bytes(encode_catalogue(load_catalogue()))
    programs.do("city", "publish", "catalogue", str(catalogue))
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
