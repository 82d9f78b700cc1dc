"""A connection that tells silence from death: it waits through a short cut, and is given up once a fresh one answers.

TCP alone waits twice as long after every try; on a line that is up for seconds that would miss every one of them.
"""

import os
import select
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

from sync.retry import SILENT_S_MAX, Silence, Verdict, judge_silence

TICK_S = 0.5
CONNECT_S_MAX = 10
ATTEMPT_TICKS_MAX = 8
"""A SYN that has not been answered after so long was lost, or its own repetition is too far away."""
RECORD_BYTES_MAX = 4096
"""A TLS record cut in its middle is lost whole."""
RESEND_MS_MAX = 2000
_RTO_MAX_MS = 44
"""TCP_RTO_MAX_MS of Linux 6.15 and newer: the longest wait between two tries of the kernel."""
_TCP_INFO_BYTES = 136
"""As much of Linux's ``struct tcp_info`` as is read here: last_data_recv at 52, bytes_acked at 120."""


class LineSilent(OSError):
    """The connection was given up: the line is alive and this connection is not, or nothing moved for too long."""


def prepare(sock: socket.socket) -> bool:
    """Make TCP fit for a bad line; whether the kernel keeps trying at short intervals through a cut."""
    linux = hasattr(socket, "TCP_INFO")
    # Each is a help the system may lack or refuse; without it the connection works, only less well.
    with suppress(OSError, AttributeError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(OSError, AttributeError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"bbr")
    with suppress(OSError, AttributeError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_S_MAX * 1000)
        if linux:
            sock.setsockopt(socket.IPPROTO_TCP, _RTO_MAX_MS, RESEND_MS_MAX)
            return True
    return False


class Connecting:
    """Fresh connections tried beside each other, a new one every tick: the first to be answered is taken."""

    def __init__(self, host: str, port: int) -> None:
        self._where = (host, port)
        self._tries: list[tuple[socket.socket, int]] = []
        self._ticks = 0
        self.refusal: OSError | None = None
        """Why the last try that ended did."""

    def tick(self, wait_s: float) -> socket.socket | None:
        """Begin another try, wait up to ``wait_s``, and return a connection if there is one."""
        self._ticks += 1
        for old, begun in list(self._tries):
            if self._ticks - begun > ATTEMPT_TICKS_MAX:
                self._drop(old)
        if self._ticks % 2:
            self._begin()
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
        sock.setblocking(False)
        try:
            sock.connect(address)
        except BlockingIOError:
            pass
        except OSError as error:
            sock.close()
            self.refusal = error
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


class Watch:
    """Looks after the one connection of a line while an operation on it waits."""

    def __init__(self, host: str, port: int, patience_s: float, is_stopped: Callable[[], bool]) -> None:
        self._where = (host, port)
        self._patience_s = patience_s
        self._is_stopped = is_stopped
        self._fresh: socket.socket | None = None
        self.keeps_trying = False

    def open(self) -> socket.socket:
        """A connection to the neighbour. Raises ``OSError`` if it cannot be reached within ``CONNECT_S_MAX``."""
        sock = self._take_fresh() or self._connect(CONNECT_S_MAX)
        self.keeps_trying = prepare(sock)
        sock.settimeout(TICK_S)
        return sock

    def reach(self, wait_s: float) -> bool:
        """Try for ``wait_s`` whether the neighbour can be reached; the connection is kept for the next contact."""
        if self._fresh is None:
            try:
                self._fresh = self._connect(wait_s, insist=True)
            except OSError:
                return False
        return True

    def patiently(self, sock: "WatchedSocket", operation: Callable[[], Any]) -> Any:
        """Repeat ``operation`` while it times out and there is hope. Raises ``LineSilent``."""
        vigil: _Vigil | None = None
        try:
            while True:
                try:
                    return operation()
                except TimeoutError:
                    vigil = vigil or _Vigil(sock, Connecting(*self._where), self.keeps_trying)
                    if self._is_stopped():
                        raise LineSilent("told to stop") from None
                    if vigil.tick(self._patience_s) is Verdict.BREAK:
                        self._fresh, vigil.fresh = vigil.fresh, None
                        # Whatever still waits in the kernel must not come a second time beside the new connection.
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        raise LineSilent(f"silent for {vigil.silent_s:.0f} s") from None
        finally:
            if vigil is not None:
                vigil.end()

    def close(self) -> None:
        if self._fresh is not None:
            self._fresh.close()
            self._fresh = None

    def _take_fresh(self) -> socket.socket | None:
        sock, self._fresh = self._fresh, None
        return sock

    def _connect(self, wait_s: float, *, insist: bool = False) -> socket.socket:
        connecting = Connecting(*self._where)
        try:
            for _ in range(max(1, int(wait_s / TICK_S))):
                sock = connecting.tick(TICK_S)
                if sock is not None:
                    return sock
                if self._is_stopped() or (connecting.refusal is not None and not insist):
                    break
            raise connecting.refusal or TimeoutError("timed out")
        finally:
            connecting.close()


class _Vigil:
    """One operation that waits: what is heard of the connection, and a fresh one tried beside it."""

    def __init__(self, sock: "WatchedSocket", connecting: Connecting, keeps_trying: bool) -> None:
        self._sock = sock
        self._connecting = connecting
        self._keeps_trying = keeps_trying
        self._moved = -1
        self._still_ticks = self._quiet_ticks = self._fresh_ticks = 0
        self.silent_s = 0.0
        self.fresh: socket.socket | None = None
        # The neighbour's kernel answers for as long as the line lives, however long the neighbour thinks.
        self._keep_alive(1)

    def tick(self, patience_s: float) -> Verdict:
        heard_s, moved = _heard(self._sock)
        self._quiet_ticks += 1
        self.silent_s = self._quiet_ticks * TICK_S if heard_s is None else heard_s
        if moved != self._moved:
            self._moved, self._still_ticks = moved, 0
        verdict = self._judge(patience_s)
        if verdict is Verdict.PROBE:
            if self.fresh is None:
                self.fresh = self._connecting.tick(0)
            else:
                self._fresh_ticks += 1
        else:
            # A line that is cut is not a neighbour that does not answer.
            self._still_ticks += 1
            if verdict is Verdict.WAIT:
                self._forget_fresh()
        return verdict

    def end(self) -> None:
        self._forget_fresh()
        with suppress(OSError):
            self._keep_alive(0)

    def _judge(self, patience_s: float) -> Verdict:
        fresh_s = None if self.fresh is None else self._fresh_ticks * TICK_S
        silence = Silence(self.silent_s, self._still_ticks * TICK_S, fresh_s, self._keeps_trying)
        return judge_silence(silence, patience_s)

    def _forget_fresh(self) -> None:
        self._connecting.close()
        if self.fresh is not None:
            self.fresh.close()
            self.fresh, self._fresh_ticks = None, 0

    def _keep_alive(self, on: int) -> None:
        with suppress(AttributeError):
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 120)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, on)


class WatchedSocket(ssl.SSLSocket):
    """A TLS connection whose every wait is looked after by ``watch``."""

    watch: ClassVar[Watch]

    def do_handshake(self, block: bool = False) -> None:
        handshake = super().do_handshake
        self.watch.patiently(self, lambda: handshake(block))

    def send(self, data: Any, flags: int = 0) -> int:
        send, part = super().send, memoryview(data)[:RECORD_BYTES_MAX]
        return int(self.watch.patiently(self, lambda: send(part, flags)))

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        recv_into = super().recv_into
        return int(self.watch.patiently(self, lambda: recv_into(buffer, nbytes, flags)))


def watched(watch: Watch) -> type[WatchedSocket]:
    """The kind of socket that a TLS context makes for the connections of ``watch``."""
    return type("WatchedSocket", (WatchedSocket,), {"watch": watch})


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
