"""The connections of one line: a silent one is given up as soon as a fresh one is answered, and a spare stands ready.

TCP alone waits twice as long after every try, and begins again with one packet: on a line that is up for seconds
that would miss most of them.
"""

import select
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

from sync.retry import (
    CONNECT_S_MAX,
    PACE_FULL,
    SILENT_S,
    Silence,
    Verdict,
    judge_silence,
    line_bytes_s,
    pace_bytes_s,
    probe_every_s,
)
from sync.transport import tcp

TICK_S = 0.25
KNOCK_TICK_S = 0.05
"""How often a silent connection is looked at: a knock is to be answered at once."""
ATTEMPT_S_MAX = 3.0
"""A SYN that has not been answered after so long was lost; others have been sent since."""
RECORD_BYTES_MAX = 4096
RECORD_COST_BYTES = 22
"""What TLS 1.3 adds to a record. One that is cut in its middle is lost whole, so records are small."""


class LineSilent(OSError):
    """The connection was given up: the line is alive and this connection is not, or nothing moved for too long."""


class Connecting:
    """Fresh connections tried beside each other: the first to be answered is taken."""

    def __init__(self, host: str, port: int) -> None:
        self._where = (host, port)
        self._tries: list[tuple[socket.socket, float]] = []
        self._passed_s = self._next_s = 0.0
        self.refusal: OSError | None = None
        """Why the last try that ended did."""

    def tick(self, wait_s: float, step_s: float = TICK_S) -> socket.socket | None:
        """Begin another try if it is time, wait up to ``wait_s``, and return a connection if there is one.

        ``step_s``: how long it is until the next call.
        """
        for old, begun_s in list(self._tries):
            if self._passed_s - begun_s > ATTEMPT_S_MAX:
                self._drop(old)
        if self._passed_s >= self._next_s:
            self._begin()
            self._next_s = self._passed_s + probe_every_s(self._passed_s)
        self._passed_s += step_s
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
        tcp.prepare(sock)
        sock.setblocking(False)
        number = sock.connect_ex(address)
        if number and not _is_under_way(number):
            sock.close()
            self.refusal = tcp.failure(number)
            return
        self._tries.append((sock, self._passed_s))

    def _wait(self, wait_s: float) -> socket.socket | None:
        waiting = [sock for sock, _ in self._tries]
        if not waiting:
            # Windows does not wait for nothing.
            time.sleep(wait_s)
            return None
        # A refusal is told beside the answers on Windows, among them elsewhere.
        _, answered, refused = select.select([], waiting, waiting, wait_s)
        for sock in dict.fromkeys((*answered, *refused)):
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number == 0:
                self._tries = [one for one in self._tries if one[0] is not sock]
                self.close()
                return sock
            self.refusal = tcp.failure(number)
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
        self._is_trying = False
        """A fresh connection is tried beside a silent one."""
        self._sent: list[int] = []
        self._current: ssl.SSLSocket | None = None
        self._is_slow = False
        """Something has waited for a whole tick; a fast line needs no spare."""
        self._rate_bytes_s = 0.0
        """What the line delivers when it is full, 0 if unknown."""
        self._session: ssl.SSLSession | None = None
        """Spares a later handshake the certificates, which cost a slow line a quarter of a second."""
        self.arrived: int | None = None
        """Of what the last request sent, the bytes that reached the neighbour's system for sure; None: unknown."""
        context.sslsocket_class = type("WatchedSocket", (WatchedSocket,), {"wire": self})

    def open(self) -> ssl.SSLSocket:
        """A connection to the neighbour. Raises ``OSError`` if nobody is reached, ``ssl.SSLError`` for a stranger."""
        self._current = self._take_spare() or self._shake_hands()
        if self._rate_bytes_s:
            # A new connection that looks for the line's rate anew would fill its queue, and what is lost behind a
            # full queue is missed for seconds: on a line that is up for seconds, too late.
            tcp.pace(self._current, self._rate_bytes_s * PACE_FULL)
        return self._current

    @property
    def _has_spare(self) -> bool:
        return self._spare is not None and self._spare_is_ready

    def reach(self, wait_s: float) -> bool:
        """Try for ``wait_s`` whether the neighbour can be reached; the connection is kept for the next contact."""
        if self._fresh is None and not self._has_spare:
            try:
                self._fresh = self._connect(wait_s, insist=True)
            except OSError:
                return False
        return True

    def begin(self) -> None:
        """A request begins: what it sends is counted from here."""
        self._sent.clear()
        self.arrived = 0

    def note_sent(self, sock: "WatchedSocket", size: int) -> None:
        self._sent.append(size)
        flow = tcp.flow(sock)
        if flow is None:
            return
        self._rate_bytes_s = line_bytes_s(self._rate_bytes_s, flow)
        if self._rate_bytes_s:
            tcp.pace(sock, pace_bytes_s(self._rate_bytes_s, flow))
        if self._is_slow:
            # A full connection hardly ever waits long enough for a look, and a cut may be near.
            self._make_spare(0)

    def note_received(self, sock: "WatchedSocket") -> None:
        if sock.session is not None and sock.session.has_ticket:
            self._session = sock.session

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
                if self._is_trying:
                    self._settle()

    def rest(self) -> None:
        """Nothing is to be sent for a while: a spare would only grow old."""
        for sock in (self._fresh, self._spare):
            if sock is not None:
                sock.close()
        self._fresh = self._spare = None
        self._is_slow, self._rate_bytes_s = False, 0.0
        self._connecting.close()
        self._connecting = Connecting(*self._where)

    def _shake_hands(self) -> ssl.SSLSocket:
        sock, self._fresh = self._fresh or self._connect(CONNECT_S_MAX), None
        sock.settimeout(TICK_S)
        try:
            return self._context.wrap_socket(sock, server_hostname=self._name, session=self._session)
        except BaseException:
            sock.close()
            raise

    def _look(self, sock: "WatchedSocket", vigil: "_Vigil") -> None:
        if self._is_stopped():
            raise LineSilent("told to stop")
        vigil.tick()
        is_back = self._fresh is not None or (vigil.is_knocked and self._has_spare)
        verdict = vigil.judge(self._patience_s, is_back=is_back)
        if verdict is Verdict.WAIT:
            if self._is_trying:
                self._settle()
            self._is_slow = True
            self._make_spare(TICK_S)
        elif self._fresh is None:
            self._is_trying = True
            self._fresh = self._connecting.tick(0, vigil.tick_s)
        if verdict is Verdict.BREAK:
            # A connection whose SYN had to be sent again begins with a single packet.
            self._settle()
            # What still waits in the kernel must not come a second time beside the new connection.
            tcp.reset_on_close(sock)
            raise LineSilent(f"silent for {vigil.silent_s:.0f} s")

    def _settle(self) -> None:
        """The line is alive: what was tried while it was not is of use only where no spare stands ready."""
        self._is_trying = False
        self._connecting.close()
        self._connecting = Connecting(*self._where)
        if self._has_spare:
            if self._fresh is not None:
                self._fresh.close()
                self._fresh = None
        elif self._fresh is not None:
            # A handshake that was cut in its middle waits longer and longer.
            self._drop_spare()

    def _make_spare(self, step_s: float) -> None:
        """One step on the way to a second connection, ready to send when this one falls silent."""
        try:
            if self._spare is None:
                sock = self._fresh or self._connecting.tick(0, step_s)
                if sock is not None:
                    self._fresh, self._connecting = None, Connecting(*self._where)
                    sock.setblocking(False)
                    self._spare_is_ready = False
                    self._spare = self._context.wrap_socket(
                        sock,
                        server_hostname=self._name,
                        do_handshake_on_connect=False,
                        session=self._session,
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
                tcp.begin_anew(spare)
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
        on_its_way = tcp.unacknowledged_bytes(sock)
        if on_its_way is None:
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
        self._still_s = self._quiet_s = 0.0
        self._segments = tcp.segments(sock)
        self.silent_s = 0.0
        self.tick_s = TICK_S
        """How long until the next look."""
        self.is_knocked = False
        """Something came that the connection itself has no use for: the line is back."""
        # The neighbour's kernel answers for as long as the line lives, however long the neighbour thinks.
        tcp.keep_alive(sock, 1)

    def tick(self) -> None:
        """Look whether anything was heard."""
        heard_s, moved = tcp.heard(self._sock)
        self._quiet_s += self.tick_s
        # A connection that stood ready for a while has not been heard either, until it was used.
        self.silent_s = self._quiet_s if heard_s is None else min(heard_s, self._quiet_s)
        if moved != self._moved:
            self._moved, self._still_s = moved, 0.0
        elif self.silent_s < SILENT_S:
            # A line that is cut is not a neighbour that does not answer.
            self._still_s += self.tick_s
        segments, self._segments = self._segments, tcp.segments(self._sock)
        self.is_knocked = self._segments != segments
        self._look_every(TICK_S if self.silent_s < SILENT_S else KNOCK_TICK_S)

    def judge(self, patience_s: float, *, is_back: bool) -> Verdict:
        return judge_silence(Silence(self.silent_s, self._still_s, is_back), patience_s)

    def end(self) -> None:
        with suppress(OSError):
            tcp.keep_alive(self._sock, 60)
            self._look_every(TICK_S)

    def _look_every(self, tick_s: float) -> None:
        if tick_s != self.tick_s:
            self.tick_s = tick_s
            self._sock.settimeout(tick_s)


class WatchedSocket(ssl.SSLSocket):
    """A TLS connection whose every wait is looked after by ``wire``."""

    wire: ClassVar[Wire]

    def do_handshake(self, block: bool = False) -> None:
        handshake = super().do_handshake
        self.wire.patiently(self, lambda: handshake(block))

    def send(self, data: Any, flags: int = 0) -> int:
        send, part = super().send, memoryview(data)[:RECORD_BYTES_MAX]
        size = int(self.wire.patiently(self, lambda: send(part, flags)))
        self.wire.note_sent(self, size)
        return size

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        recv_into = super().recv_into
        size = int(self.wire.patiently(self, lambda: recv_into(buffer, nbytes, flags)))
        if size == 0:
            self.wire.note_end(self)
        else:
            self.wire.note_received(self)
        return size


def _is_under_way(number: int) -> bool:
    return isinstance(OSError(number, ""), BlockingIOError)
