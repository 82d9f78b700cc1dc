"""What the system tells of a TCP connection and can be told: all of it a help that a system may lack."""

import os
import socket
import struct
import sys
from contextlib import suppress
from typing import Any

from sync.retry import SILENT_S_MAX, Flow

UNSENT_BYTES_MAX = 16 * 1024
"""What waits in the kernel cannot be taken back when the line breaks."""
_TCP_INFO_BYTES = 168
"""As much of Linux's ``struct tcp_info`` as is read here."""
_LAST_DATA_RECV, _RTT, _BYTES_ACKED, _SEGS_IN, _MIN_RTT, _DELIVERY_RATE = 52, 68, 120, 140, 148, 160
_SIOCOUTQ = 0x5411
_SO_MAX_PACING_RATE = 47
_PACE_BYTES_S_MAX = 0xFFFFFFFF
_LINGER = "hh" if sys.platform == "win32" else "ii"


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
        # The connection works without it, only less well.
        with suppress(OSError, AttributeError):
            sock.setsockopt(level, getattr(socket, name), value)


def keep_alive(sock: socket.socket, every_s: int) -> None:
    """Ask the other end's kernel for a sign of life so often while nothing is under way."""
    with suppress(AttributeError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, every_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, every_s)


def knock(sock: socket.socket) -> None:
    """Send one empty segment at once, if nothing was heard on ``sock`` for a second: a sign that the line lives.

    The other end sees it only by counting :func:`segments`. Linux; elsewhere nothing is sent.
    """
    if sys.platform != "linux":
        return
    # A connection that has just ended hears nothing; whoever waits on it is told by itself.
    with suppress(OSError):
        # Told to keep alive what has been idle for longer already, the system does so on the spot.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)


def heard(sock: socket.socket) -> tuple[float | None, int]:
    """Seconds since the other end's kernel was last heard, and bytes that got through; ``(None, 0)`` if unknown."""
    data = _info(sock)
    if not data:
        return None, 0
    data_ms, ack_ms = struct.unpack_from("=II", data, _LAST_DATA_RECV)
    acked, received = struct.unpack_from("=QQ", data, _BYTES_ACKED)
    return min(data_ms, ack_ms) / 1000, acked + received


def segments(sock: socket.socket) -> int:
    """How many came in, of whatever kind; 0 if unknown."""
    data = _info(sock)
    return int(struct.unpack_from("=I", data, _SEGS_IN)[0]) if data else 0


def flow(sock: socket.socket) -> Flow | None:
    """How it flows; None if unknown."""
    data = _info(sock)
    if not data:
        return None
    round_trip_us, shortest_us = (struct.unpack_from("=I", data, at)[0] for at in (_RTT, _MIN_RTT))
    return Flow(struct.unpack_from("=Q", data, _DELIVERY_RATE)[0], round_trip_us / 1e6, shortest_us / 1e6)


def unacknowledged_bytes(sock: socket.socket) -> int | None:
    """What was given to the kernel and may not have arrived; None if unknown."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        return int(struct.unpack("i", fcntl.ioctl(sock.fileno(), _SIOCOUTQ, b"\0\0\0\0"))[0])
    except OSError:
        return None


def pace(sock: socket.socket, bytes_s: float) -> None:
    """Let it send no faster."""
    if hasattr(socket, "TCP_INFO"):
        with suppress(OSError):
            rate = struct.pack("I", min(int(bytes_s), _PACE_BYTES_S_MAX))
            sock.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, rate)


def begin_anew(sock: socket.socket) -> None:
    """Let congestion control forget how long ``sock`` has been idle: BBR would first look for the shortest round trip."""
    option = getattr(socket, "TCP_CONGESTION", None)
    if option is None:
        return
    with suppress(OSError):
        name = sock.getsockopt(socket.IPPROTO_TCP, option, 16).rstrip(b"\0")
        sock.setsockopt(socket.IPPROTO_TCP, option, b"reno")
        sock.setsockopt(socket.IPPROTO_TCP, option, name)


def failure(number: int) -> OSError:
    """The error that the system gave this number, in its words."""
    # Windows has numbers of its own for sockets, which its C library knows nothing of.
    words = getattr(socket, "errorTab", {}).get(number)
    return OSError(number, words or os.strerror(number))


def reset_on_close(sock: socket.socket) -> None:
    """What still waits in the kernel is dropped when ``sock`` is closed, and never sent."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(_LINGER, 1, 0))


def _info(sock: socket.socket) -> bytes:
    """Empty where the system does not tell."""
    option = getattr(socket, "TCP_INFO", None)
    data = b"" if option is None else sock.getsockopt(socket.IPPROTO_TCP, option, _TCP_INFO_BYTES)
    return data if len(data) >= _TCP_INFO_BYTES else b""
