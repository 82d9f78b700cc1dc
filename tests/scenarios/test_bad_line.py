"""Real sockets, real TLS, and a line that breaks off, falls silent and comes back in the middle of a bundle."""

import asyncio
import hashlib
import itertools
import random
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from core.errors import PeerError
from sync import listener, meeting, retry, visit
from sync.attachments import CHUNK_BYTES
from sync.bundle import Kind, read_bundle
from sync.lines import tls_material
from sync.outbox import queue_of
from sync.transport import tcp, wire
from sync.transport.base import UNREACHED, LineDown
from sync.transport.extranet import (
    BEGIN_HEADER,
    MEDIA_TYPE,
    REQUEST_HEADER,
    UNKNOWN_REQUEST,
    Extranet,
)
from sync.transport.tls import client_context, server_context
from sync.visit import Visit
from sync.x509 import dns_name
from tests.scenarios.offices import VILLAGE, Offices
from tests.scenarios.world import TOWN

WAIT_S_MAX = 20
NOWHERE = 1 << 60


class Cable:
    """Between a village and its township: breaks off or falls silent after so many bytes towards the township."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.port = 0
        self.breaks_at = NOWHERE
        self.sleeps_at = NOWHERE
        self.sleep_s = 0.0
        self.carried: list[int] = []
        """Bytes towards the township, by connection."""
        self.upward = 0

    @property
    def used(self) -> int:
        """Connections that carried more than a handshake: a spare does not."""
        return sum(size > 10_000 for size in self.carried)

    async def open(self) -> None:
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.carried.append(0)
        number = len(self.carried) - 1
        there, on = await asyncio.open_connection("127.0.0.1", self.target)
        ways = [self._carry(reader, on, number), self._carry(there, writer, None)]
        with suppress(ConnectionError):
            await asyncio.gather(*ways)
        for one in (on, writer):
            one.close()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int | None
    ) -> None:
        while data := await reader.read(4096):
            if number is not None:
                self.carried[number] += len(data)
                self.upward += len(data)
                if self.upward > self.sleeps_at:
                    self.sleeps_at = NOWHERE
                    await asyncio.sleep(self.sleep_s)
                if self.upward > self.breaks_at:
                    self.breaks_at = NOWHERE
                    raise ConnectionResetError
            writer.write(data)
            await writer.drain()
        writer.close()


class Street:
    """The township's own listener, and the cable that leads to it; both in a thread of their own."""

    def __init__(self, net: Offices) -> None:
        self.net = net
        self._stop: Callable[[], None] = lambda: None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(WAIT_S_MAX)

    def line(self, timeout_s: float = 30) -> Extranet:
        context = client_context(*tls_material(self.net.nodes[VILLAGE]))
        return Extranet(f"https://127.0.0.1:{self.cable.port}", context, TOWN, timeout_s)

    def close(self) -> None:
        self._stop()
        self._thread.join()

    async def _serve(self) -> None:
        town, stop, loop = self.net.nodes[TOWN], asyncio.Event(), asyncio.get_running_loop()
        self._stop = lambda: loop.call_soon_threadsafe(stop.set)
        app = listener.contact_app(lambda certificate: Visit(town, certificate))
        server = listener.server(
            app, "127.0.0.1", 0, server_context(*tls_material(town), require_client=True)
        )
        serving = asyncio.create_task(listener.serve_all([server], stop))
        while not server.started:
            await asyncio.sleep(0.01)
        self.cable = Cable(server.servers[0].sockets[0].getsockname()[1])
        await self.cable.open()
        self._ready.set()
        await serving


@pytest.fixture
def street(net: Offices) -> Iterator[Street]:
    made = Street(net)
    yield made
    made.close()


class Brought:
    """What the township was brought, and what of it it held already."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.envelopes = self.chunks = self.again = 0
        take = visit.contact.take

        def counted(*args: object, **options: object) -> object:
            taken = take(*args, **options)  # type: ignore[arg-type]
            self.envelopes += taken.envelopes
            self.chunks += taken.chunks
            self.again += taken.duplicates
            return taken

        monkeypatch.setattr(visit.contact, "take", counted)


def _backlog(net: Offices, chunks: int = 6) -> None:
    net.submit(VILLAGE)
    net.submit(VILLAGE, files=(net.world.random_bytes(chunks * CHUNK_BYTES - 100),))
    net.nodes[VILLAGE].set_budget(TOWN, 1 << 20)


def _is_signed(net: Offices) -> bool:
    with net.nodes[VILLAGE].db.reading() as tx:
        return queue_of(tx, TOWN).envelopes == 0


def _until(is_so: Callable[[], bool]) -> None:
    until_s = time.monotonic() + WAIT_S_MAX
    while not is_so():
        assert time.monotonic() < until_s
        time.sleep(0.05)


@pytest.mark.parametrize("seed", range(4))
def test_a_request_cut_in_its_middle_gives_what_came_whole_and_nothing_is_sent_twice(
    net: Offices, street: Street, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    print(f"seed {seed}")
    _backlog(net)
    brought = Brought(monkeypatch)
    whole = 3
    street.cable.breaks_at = (whole + 1) * (CHUNK_BYTES + 256) + random.Random(seed).randrange(20_000)
    line = street.line()
    with pytest.raises(LineDown, match=r"line\.broke") as broke:
        meeting.meet(net.nodes[VILLAGE], line, TOWN)
    assert "不会重发" in broke.value.zh
    _until(lambda: brought.chunks >= whole)
    assert brought.envelopes > 0
    assert not _is_signed(net)
    meeting.meet(net.nodes[VILLAGE], line, TOWN)
    assert _is_signed(net)
    assert brought.chunks == 6
    assert brought.again == 0
    line.close()


@contextmanager
def _stuck_after(net: Offices, port: int, bundle: bytes, part: bytes) -> Iterator[ssl.SSLSocket]:
    """A connection that has sent the head of a request for all of ``bundle`` and ``part`` of it, and no more."""
    context = client_context(*tls_material(net.nodes[VILLAGE]))
    name = hashlib.sha256(bundle).hexdigest()
    head = f"POST /contact HTTP/1.1\r\nHost: x\r\n{REQUEST_HEADER}: {name}\r\nContent-Length: {len(bundle)}\r\n\r\n"
    with (
        socket.create_connection(("127.0.0.1", port)) as raw,
        context.wrap_socket(raw, server_hostname=dns_name(TOWN)) as line,
    ):
        line.sendall(head.encode() + part)
        yield line


def test_a_request_goes_on_over_another_connection_and_what_overlaps_counts_once(
    net: Offices, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    _backlog(net)
    brought = Brought(monkeypatch)
    bundle = net.upward(VILLAGE)
    with _stuck_after(net, street.cable.port, bundle, bundle[:100_000]):
        _until(lambda: brought.chunks >= 2)
        before = brought.chunks
        line = street.line()
        begin = 2 * CHUNK_BYTES - 777
        headers = {REQUEST_HEADER: hashlib.sha256(bundle).hexdigest(), BEGIN_HEADER: str(begin)}
        answer = line.post("/contact", bundle[begin:], MEDIA_TYPE, headers)
    assert Kind.RECEIPT in {frame.kind for frame in read_bundle(answer)}
    assert before < brought.chunks == 6
    assert brought.again == 0
    assert net.codes(TOWN) == []
    # Its answer was lost on the way: it is fetched once more, and nothing is taken twice.
    headers[BEGIN_HEADER] = str(len(bundle))
    assert line.post("/contact", b"", MEDIA_TYPE, headers) == answer
    assert brought.again == 0
    line.close()


@pytest.mark.parametrize("begin", ["200000", "-1", "1e3", "9" * 40])
def test_a_request_that_is_not_known_cannot_go_on(net: Offices, street: Street, begin: str) -> None:
    _backlog(net)
    bundle = net.upward(VILLAGE)
    line = street.line()
    headers = {REQUEST_HEADER: hashlib.sha256(bundle).hexdigest(), BEGIN_HEADER: begin}
    with (
        _stuck_after(net, street.cable.port, bundle, bundle[:1000]),
        pytest.raises(PeerError, match=UNKNOWN_REQUEST),
    ):
        line.post("/contact", bundle[1000:], MEDIA_TYPE, headers)
    line.close()


def test_what_came_is_taken_before_the_request_has_ended(
    net: Offices, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    _backlog(net)
    brought = Brought(monkeypatch)
    street.cable.sleeps_at, street.cable.sleep_s = 5 * CHUNK_BYTES, 4.0
    line = street.line()
    caller = threading.Thread(target=lambda: meeting.meet(net.nodes[VILLAGE], line, TOWN))
    caller.start()
    _until(lambda: brought.envelopes > 0 and brought.chunks > 0)
    assert caller.is_alive()
    assert not _is_signed(net)
    caller.join()
    assert _is_signed(net)
    assert brought.again == 0
    line.close()


def test_a_line_that_falls_silent_and_comes_back_goes_on_with_the_same_connection(
    net: Offices, street: Street
) -> None:
    _backlog(net)
    street.cable.sleeps_at, street.cable.sleep_s = 50_000, 5.0
    line = street.line()
    meeting.meet(net.nodes[VILLAGE], line, TOWN)
    assert _is_signed(net)
    assert street.cable.used == 1
    line.close()


def test_a_connection_that_stays_silent_while_a_fresh_one_is_answered_is_given_up_for_it(
    net: Offices, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    _backlog(net)
    brought = Brought(monkeypatch)
    street.cable.sleeps_at, street.cable.sleep_s = 150_000, 600.0
    # Loopback cannot fall silent: its kernel answers for a program that sleeps.
    monkeypatch.setattr(tcp, "heard", lambda sock: (None, 0))
    line = street.line()
    with suppress(LineDown):
        meeting.meet(net.nodes[VILLAGE], line, TOWN)
    meeting.meet(net.nodes[VILLAGE], line, TOWN)
    assert _is_signed(net)
    assert street.cable.used == 2
    assert brought.chunks == 6
    assert brought.again == 0
    line.close()


needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="knocking is Linux's")


@needs_linux
def test_the_township_knocks_at_a_caller_that_falls_silent_in_the_middle_of_a_request(
    net: Offices, street: Street
) -> None:
    bundle = net.upward(VILLAGE)
    with _stuck_after(net, street.cable.target, bundle, bundle[:100]) as line:
        time.sleep(retry.KNOCK_S / 2)
        before = tcp.segments(line)
        _until(lambda: tcp.segments(line) >= before + 10)
        line.settimeout(0.1)
        with pytest.raises(TimeoutError):
            line.recv(1)


@needs_linux
def test_a_connection_that_is_knocked_at_and_stays_silent_is_given_up_for_the_spare(
    net: Offices, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    _backlog(net)
    brought = Brought(monkeypatch)
    street.cable.sleeps_at, street.cable.sleep_s = 150_000, 600.0
    knocks = itertools.count()
    connect, made = wire.Connecting.tick, []

    def twice(self: wire.Connecting, wait_s: float, step_s: float = wire.TICK_S) -> socket.socket | None:
        sock = connect(self, wait_s, step_s) if len(made) < 2 else None
        made.extend([] if sock is None else [sock])
        return sock

    # One connection and its spare; whatever is tried beside them is not answered.
    monkeypatch.setattr(wire.Connecting, "tick", twice)
    # Loopback cannot fall silent, and no knock passes through this cable.
    monkeypatch.setattr(tcp, "heard", lambda sock: (None, 0))
    monkeypatch.setattr(tcp, "segments", lambda sock: next(knocks))
    line = street.line()
    with suppress(LineDown):
        meeting.meet(net.nodes[VILLAGE], line, TOWN)
    # It was given up at a knock, and not after all the looks that the longest silence takes.
    assert next(knocks) < retry.SILENT_S_MAX
    meeting.meet(net.nodes[VILLAGE], line, TOWN)
    assert _is_signed(net)
    assert street.cable.used == 2
    assert brought.chunks == 6
    assert brought.again == 0
    line.close()


def test_a_later_connection_need_not_show_the_certificates_and_the_township_knows_who_calls(
    net: Offices, street: Street
) -> None:
    line = street.line()
    meeting.meet(net.nodes[VILLAGE], line, TOWN)
    line.close()
    _backlog(net)
    meeting.meet(net.nodes[VILLAGE], line, TOWN)
    assert _is_signed(net)
    current = line._wire._current
    assert current is not None
    assert current.session_reused
    line.close()


def test_a_spare_that_stood_silent_for_long_is_no_dead_connection(
    net: Offices, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    _backlog(net)
    monkeypatch.setattr(tcp, "heard", lambda sock: (3600.0, 0))
    street.cable.sleeps_at, street.cable.sleep_s = 50_000, 1.5
    line = street.line()
    assert line.reach(5)
    meeting.meet(net.nodes[VILLAGE], line, TOWN)
    assert _is_signed(net)
    assert street.cable.used == 1
    line.close()


def test_a_neighbour_that_is_heard_but_never_answers_is_given_up(net: Offices, street: Street) -> None:
    _backlog(net)
    street.cable.sleeps_at, street.cable.sleep_s = 50_000, 600.0
    with pytest.raises(LineDown, match=r"line\.broke"):
        meeting.meet(net.nodes[VILLAGE], street.line(timeout_s=2), TOWN)


def test_where_nobody_answers_nothing_is_in_doubt(net: Offices) -> None:
    context = client_context(*tls_material(net.nodes[VILLAGE]))
    line = Extranet("https://127.0.0.1:1", context, TOWN, 2)
    with pytest.raises(LineDown) as down:
        line.exchange(b"LDB1")
    assert down.value.code == UNREACHED
    assert not line.reach(1)


def test_a_request_in_any_pieces_is_the_same_request(net: Offices) -> None:
    seed = 5
    print(f"seed {seed}")
    chance = random.Random(seed)
    _backlog(net)
    bundle = net.upward(VILLAGE)
    town, certificate = net.nodes[TOWN], net.nodes[VILLAGE].keyring.pair.signing.der
    caller = Visit(town, certificate)
    at = 0
    while at < len(bundle):
        size = chance.choice((1, 3, 700, 5000))
        caller.take(bundle[at : at + size])
        at += size
    frames = list(read_bundle(caller.answer()))
    streams = {frame.kind for frame in read_bundle(bundle)}
    assert {Kind.ENVELOPE, Kind.CHUNK} <= streams
    assert Kind.RECEIPT in {frame.kind for frame in frames}
    assert net.codes(TOWN) == []
    again = Visit(town, certificate)
    again.take(bundle)
    assert [f.kind for f in read_bundle(again.answer())] == [frame.kind for frame in frames]


def test_a_request_whose_end_does_not_agree_is_noted_and_what_was_good_of_it_stays(net: Offices) -> None:
    case_id = net.submit(VILLAGE)
    bundle = bytearray(net.upward(VILLAGE))
    bundle[-1] ^= 1
    caller = Visit(net.nodes[TOWN], net.nodes[VILLAGE].keyring.pair.signing.der)
    caller.take(bytes(bundle[:1000]))
    caller.take(bytes(bundle[1000:]))
    caller.answer()
    assert net.find(TOWN, case_id) is not None
    assert len(net.codes(TOWN)) == 1


@pytest.mark.parametrize("data", [b"", b"LD", b"LDB1", b"<html>login", b"LDB1\x01\x00\x00\x00\x05abc"])
def test_what_is_no_bundle_is_refused_in_words(net: Offices, data: bytes) -> None:
    caller = Visit(net.nodes[TOWN], net.nodes[VILLAGE].keyring.pair.signing.der)
    caller.take(data)
    with pytest.raises(PeerError) as refused:
        caller.answer()
    assert "未接收" in refused.value.zh
