"""The connections of one line: a silent one is given up as soon as a fresh one is answered, and a spare stands ready.

TCP alone waits twice as long after every try, and begins again with one packet: on a line that is up for seconds
that would miss most of them.
"""

import os
import select
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

from sync.retry import CONNECT_S_MAX, SILENT_S, SILENT_S_MAX, Silence, Verdict, judge_silence, probe_every_s

TICK_S = 0.25
ATTEMPT_TICKS_MAX = 12
"""A SYN that has not been answered after so long was lost; others have been sent since."""
RECORD_BYTES_MAX = 4096
RECORD_COST_BYTES = 22
"""What TLS 1.3 adds to a record. One that is cut in its middle is lost whole, so records are small."""
UNSENT_BYTES_MAX = 16 * 1024
"""What waits in the kernel cannot be taken back when the line breaks."""
_TCP_INFO_BYTES = 168
"""As much of Linux's ``struct tcp_info`` as is read here: last_data_recv at 52, bytes_acked at 120,
delivery_rate at 160."""
_SIOCOUTQ = 0x5411
_SO_MAX_PACING_RATE = 47
_UNPACED = 0xFFFFFFFF
PACE_HEADROOM = 1.1


class LineSilent(OSError):
    """The connection was given up: the line is alive and this connection is not, or nothing moved for too long."""


def prepare(sock: socket.socket) -> None:
    """Make TCP fit for a bad line, as far as this system can; accepted connections inherit it from a listening one."""
    ip = socket.IPPROTO_TCP
    wishes: tuple[tuple[int, str, Any], ...] = (
        (ip, "TCP_NODELAY", 1),
        # It keeps its pace through random loss, where others halve theirs at every lost packet.
        (ip, "TCP_CONGESTION", b"bbr"),
        (ip, "TCP_USER_TIMEOUT", SILENT_S_MAX * 1000),
        (ip, "TCP_NOTSENT_LOWAT", UNSENT_BYTES_MAX),
        (ip, "TCP_KEEPIDLE", 60),
        (ip, "TCP_KEEPINTVL", 15),
        (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    )
    for level, name, value in wishes:
        # Each is a help that the system may lack or refuse; the connection works without it, only less well.
        with suppress(OSError, AttributeError):
            sock.setsockopt(level, getattr(socket, name), value)


class Connecting:
    """Fresh connections tried beside each other: the first to be answered is taken."""

    def __init__(self, host: str, port: int) -> None:
        self._where = (host, port)
        self._tries: list[tuple[socket.socket, int]] = []
        self._ticks = 0
        self._next_tick = 0
        self.refusal: OSError | None = None
        """Why the last try that ended did."""

    def tick(self, wait_s: float) -> socket.socket | None:
        """Begin another try if it is time, wait up to ``wait_s``, and return a connection if there is one."""
        for old, begun in list(self._tries):
            if self._ticks - begun > ATTEMPT_TICKS_MAX:
                self._drop(old)
        if self._ticks >= self._next_tick:
            self._begin()
            self._next_tick = self._ticks + max(1, round(probe_every_s(self._ticks * TICK_S) / TICK_S))
        self._ticks += 1
        return self._wait(wait_s)

    def close(self) -> None:
        for sock, _ in list(self._tries):
            self._drop(sock)

    def _begin(self) -> None:
        try:
            family, _, _, _, address = socket.getaddrinfo(*self._where, type=socket.SOCK_STREAM)[0]
        except OSError as error:
            self.refusal = error
            return
        sock = socket.socket(family, socket.SOCK_STREAM)
        prepare(sock)
        sock.setblocking(False)
        number = sock.connect_ex(address)
        if number and not _is_under_way(number):
            sock.close()
            self.refusal = OSError(number, os.strerror(number))
            return
        self._tries.append((sock, self._ticks))

    def _wait(self, wait_s: float) -> socket.socket | None:
        _, ready, _ = select.select([], [sock for sock, _ in self._tries], [], wait_s)
        for sock in ready:
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number == 0:
                self._tries = [one for one in self._tries if one[0] is not sock]
                self.close()
                return sock
            self.refusal = OSError(number, os.strerror(number))
            self._drop(sock)
        return None

    def _drop(self, sock: socket.socket) -> None:
        self._tries = [one for one in self._tries if one[0] is not sock]
        sock.close()


class Wire:
    """Opens the TLS connections of one line and looks after every wait on them."""

    def __init__(
        self,
        where: tuple[str, int],
        context: ssl.SSLContext,
        name: str,
        patience_s: float,
        is_stopped: Callable[[], bool],
    ) -> None:
        self._where = where
        self._context = context
        self._name = name
        self._patience_s = patience_s
        self._is_stopped = is_stopped
        self._fresh: socket.socket | None = None
        """Answered already, nothing said on it yet."""
        self._spare: ssl.SSLSocket | None = None
        self._spare_is_ready = False
        self._connecting = Connecting(*where)
        self._sent: list[int] = []
        self._current: ssl.SSLSocket | None = None
        self._rate_bytes_s = 0
        """The most that the line has delivered lately."""
        self.arrived: int | None = None
        """Of what the last request sent, the bytes that reached the neighbour's system for sure; None: unknown."""
        context.sslsocket_class = type("WatchedSocket", (WatchedSocket,), {"wire": self})

    def open(self) -> ssl.SSLSocket:
        """A connection to the neighbour. Raises ``OSError`` if nobody is reached, ``ssl.SSLError`` for a stranger."""
        self._current = self._take_spare() or self._shake_hands()
        if self._rate_bytes_s:
            # A new connection that looks for the line's rate anew would fill its queue, and what is lost behind a
            # full queue is missed for seconds: on a line that is up for seconds, too late.
            _pace(self._current, int(self._rate_bytes_s * PACE_HEADROOM))
        return self._current

    def reach(self, wait_s: float) -> bool:
        """Try for ``wait_s`` whether the neighbour can be reached; the connection is kept for the next contact."""
        if self._fresh is None:
            try:
                self._fresh = self._connect(wait_s, insist=True)
            except OSError:
                return False
        return True

    def begin(self) -> None:
        """A request begins: what it sends is counted from here."""
        self._sent.clear()
        self.arrived = 0
        if self._current is not None and self._current.fileno() >= 0:
            # The line may have become faster.
            _pace(self._current, _UNPACED)

    def note_sent(self, size: int) -> None:
        self._sent.append(size)

    def note_end(self, sock: "WatchedSocket") -> None:
        """The neighbour, or something in between, ended the connection."""
        self.arrived = self._count_arrived(sock)

    def patiently(self, sock: "WatchedSocket", operation: Callable[[], Any]) -> Any:
        """Repeat ``operation`` while it times out and there is hope. Raises ``LineSilent``."""
        vigil: _Vigil | None = None
        try:
            while True:
                try:
                    return operation()
                except TimeoutError:
                    vigil = vigil or _Vigil(sock)
                    self._look(sock, vigil)
                except ssl.SSLEOFError as error:
                    raise ConnectionResetError("ended without a word") from error
        except OSError:
            self.arrived = self._count_arrived(sock)
            raise
        finally:
            if vigil is not None:
                vigil.end()

    def rest(self) -> None:
        """Nothing is to be sent for a while: a spare would only grow old."""
        for sock in (self._fresh, self._spare):
            if sock is not None:
                sock.close()
        self._fresh = self._spare = None
        self._rate_bytes_s = 0
        self._connecting.close()

    def _shake_hands(self) -> ssl.SSLSocket:
        sock, self._fresh = self._fresh or self._connect(CONNECT_S_MAX), None
        sock.settimeout(TICK_S)
        try:
            return self._context.wrap_socket(sock, server_hostname=self._name)
        except BaseException:
            sock.close()
            raise

    def _look(self, sock: "WatchedSocket", vigil: "_Vigil") -> None:
        if self._is_stopped():
            raise LineSilent("told to stop")
        vigil.tick()
        verdict = vigil.judge(self._patience_s, is_answered=self._fresh is not None)
        if verdict is Verdict.WAIT:
            self._rate_bytes_s = max(self._rate_bytes_s, _delivery_bytes_s(sock))
            self._make_spare()
        elif self._fresh is None:
            self._fresh = self._connecting.tick(0)
            verdict = vigil.judge(self._patience_s, is_answered=self._fresh is not None)
        if verdict is Verdict.BREAK:
            # What still waits in the kernel must not come a second time beside the new connection.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise LineSilent(f"silent for {vigil.silent_s:.0f} s")

    def _make_spare(self) -> None:
        """One step on the way to a second connection, ready to send when this one falls silent."""
        try:
            if self._spare is None:
                sock = self._fresh or self._connecting.tick(0)
                if sock is not None:
                    self._fresh, self._connecting = None, Connecting(*self._where)
                    sock.setblocking(False)
                    self._spare_is_ready = False
                    self._spare = self._context.wrap_socket(
                        sock, server_hostname=self._name, do_handshake_on_connect=False
                    )
            elif not self._spare_is_ready:
                # Not the patient one: this is a step, between two looks at the connection in use.
                ssl.SSLSocket.do_handshake(self._spare)
                self._spare_is_ready = True
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            # The connection in use tells its own story; a spare that came to nothing is only missing.
            self._drop_spare()

    def _take_spare(self) -> ssl.SSLSocket | None:
        spare, self._spare = self._spare, None
        if spare is None or self._spare_is_ready:
            if spare is not None:
                spare.settimeout(TICK_S)
            return spare
        spare.close()
        return None

    def _drop_spare(self) -> None:
        if self._spare is not None:
            self._spare.close()
            self._spare = None

    def _connect(self, wait_s: float, *, insist: bool = False) -> socket.socket:
        connecting = self._connecting
        connecting.refusal = None
        for _ in range(max(1, int(wait_s / TICK_S))):
            sock = connecting.tick(TICK_S)
            if sock is not None:
                self._connecting = Connecting(*self._where)
                return sock
            if self._is_stopped() or (connecting.refusal is not None and not insist):
                break
        raise connecting.refusal or TimeoutError("timed out")

    def _count_arrived(self, sock: socket.socket) -> int | None:
        try:
            import fcntl
        except ImportError:
            return None
        try:
            on_its_way = struct.unpack("i", fcntl.ioctl(sock.fileno(), _SIOCOUTQ, b"\0\0\0\0"))[0]
        except OSError:
            return None
        sent = list(self._sent)
        while sent and on_its_way > 0:
            on_its_way -= sent.pop() + RECORD_COST_BYTES
        # The head of the request goes first, in a record of its own.
        return sum(sent[1:])


class _Vigil:
    """One operation that waits: what is heard of its connection."""

    def __init__(self, sock: "WatchedSocket") -> None:
        self._sock = sock
        self._moved = -1
        self._still_ticks = self._quiet_ticks = 0
        self.silent_s = 0.0
        # The neighbour's kernel answers for as long as the line lives, however long the neighbour thinks.
        _keep_alive(sock, 1)

    def tick(self) -> None:
        """Look whether anything was heard."""
        heard_s, moved = _heard(self._sock)
        self._quiet_ticks += 1
        # A connection that stood ready for a while has not been heard either, until it was used.
        waited_s = self._quiet_ticks * TICK_S
        self.silent_s = waited_s if heard_s is None else min(heard_s, waited_s)
        if moved != self._moved:
            self._moved, self._still_ticks = moved, 0
        elif self.silent_s < SILENT_S:
            # A line that is cut is not a neighbour that does not answer.
            self._still_ticks += 1

    def judge(self, patience_s: float, *, is_answered: bool) -> Verdict:
        return judge_silence(Silence(self.silent_s, self._still_ticks * TICK_S, is_answered), patience_s)

    def end(self) -> None:
        with suppress(OSError):
            _keep_alive(self._sock, 60)


class WatchedSocket(ssl.SSLSocket):
    """A TLS connection whose every wait is looked after by ``wire``."""

    wire: ClassVar[Wire]

    def do_handshake(self, block: bool = False) -> None:
        handshake = super().do_handshake
        self.wire.patiently(self, lambda: handshake(block))

    def send(self, data: Any, flags: int = 0) -> int:
        send, part = super().send, memoryview(data)[:RECORD_BYTES_MAX]
        size = int(self.wire.patiently(self, lambda: send(part, flags)))
        self.wire.note_sent(size)
        return size

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        recv_into = super().recv_into
        size = int(self.wire.patiently(self, lambda: recv_into(buffer, nbytes, flags)))
        if size == 0:
            self.wire.note_end(self)
        return size


def _keep_alive(sock: socket.socket, every_s: int) -> None:
    with suppress(AttributeError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, every_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, every_s)


def _heard(sock: socket.socket) -> tuple[float | None, int]:
    """Seconds since the other end's kernel was last heard, and bytes that got through; ``(None, 0)`` if unknown."""
    option = getattr(socket, "TCP_INFO", None)
    if option is None:
        return None, 0
    data = sock.getsockopt(socket.IPPROTO_TCP, option, _TCP_INFO_BYTES)
    if len(data) < _TCP_INFO_BYTES:
        return None, 0
    data_ms, ack_ms = struct.unpack_from("=II", data, 52)
    acked, received = struct.unpack_from("=QQ", data, 120)
    return min(data_ms, ack_ms) / 1000, acked + received


def _delivery_bytes_s(sock: socket.socket) -> int:
    option = getattr(socket, "TCP_INFO", None)
    data = b"" if option is None else sock.getsockopt(socket.IPPROTO_TCP, option, _TCP_INFO_BYTES)
    return int(struct.unpack_from("=Q", data, 160)[0]) if len(data) >= _TCP_INFO_BYTES else 0


def _pace(sock: socket.socket, bytes_s: int) -> None:
    if hasattr(socket, "TCP_INFO"):
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, struct.pack("I", min(bytes_s, _UNPACED)))


def _is_under_way(number: int) -> bool:
    return isinstance(OSError(number, ""), BlockingIOError)
