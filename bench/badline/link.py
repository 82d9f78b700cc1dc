"""A bad line between two network namespaces, packet by packet: rate, delay, loss, and hours without a line."""

import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
PACKET_BYTES_MAX = 65_536
TICK_S_MAX = 0.2
NEAR, FAR = 0, 1
ADDRESSES = ("10.77.0.1", "10.77.0.2")
"""Of the village (near) and of the township (far)."""


@dataclass(frozen=True, slots=True)
class Nature:
    """What kind of line it is. ``up_s`` and ``down_s`` take turns from the opening on; ``down_s`` 0: always up.

    ``queue_bytes`` is what waits before a direction's bottleneck; what comes beyond is dropped.
    """

    rate_bits_s: float = 128_000
    round_trip_s: float = 0.6
    loss: float = 0.05
    queue_bytes: int = 32_768
    up_s: float = 10
    down_s: float = 0


@dataclass(slots=True)
class Count:
    """Packets of one direction as bytes of IP; ``resent`` is TCP payload that had been offered before."""

    offered: int = 0
    sent: int = 0
    delivered: int = 0
    lost: int = 0
    queue_dropped: int = 0
    cut_dropped: int = 0
    payload: int = 0
    resent: int = 0
    connections: int = 0


@dataclass(slots=True)
class Window:
    """One time that the line was up (``up_s`` seconds), towards the township: TCP payload as it landed there.

    ``first_s``: since the line came up, None if nothing landed; ``again``: of ``payload``, what that connection had
    brought before.
    """

    first_s: float | None = None
    payload: int = 0
    again: int = 0


@dataclass(slots=True)
class _Direction:
    count: Count = field(default_factory=Count)
    free_s: float = 0.0
    """When the bottleneck has sent what it was given."""
    waiting: deque[tuple[float, int]] = field(default_factory=deque)
    reached: dict[bytes, int] = field(default_factory=dict)
    """The end of what each TCP connection has offered so far."""


class Link(threading.Thread):
    """Two namespaces and the line between them; shut until :meth:`open`."""

    def __init__(self, nature: Nature, seed: int, tag: str) -> None:
        super().__init__(name="link", daemon=True)
        self.nature = nature
        self.namespaces = (f"{tag}a", f"{tag}b")
        self._chance = random.Random(seed)
        self._ways = (_Direction(), _Direction())
        self._opened_s: float | None = None
        self.windows: list[Window] = []
        self._landed: dict[bytes, int] = {}
        """Each segment that landed at the township, by connection and place: the most payload it had."""
        self._ended = threading.Event()
        self._flying: list[tuple[float, int, int, bytes]] = []
        self._number = 0
        self._handles: list[int] = []
        try:
            for side in (NEAR, FAR):
                self._handles.append(self._device(side, f"{tag}t{side}"))
        except BaseException:
            self._remove()
            raise

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """``up`` is from the village to the township."""
        return {"up": asdict(self._ways[NEAR].count), "down": asdict(self._ways[FAR].count)}

    def open(self) -> float:
        """Let packets pass from now on; returns the moment."""
        self._opened_s = time.monotonic()
        return self._opened_s

    def is_up(self, now_s: float) -> bool:
        if self._opened_s is None or now_s < self._opened_s:
            return False
        turn_s = self.nature.up_s + self.nature.down_s
        return self.nature.down_s == 0 or (now_s - self._opened_s) % turn_s < self.nature.up_s

    def close(self) -> None:
        """End, and remove the namespaces."""
        self._ended.set()
        if self.is_alive():
            self.join(5)
        self._remove()

    def run(self) -> None:
        while not self._ended.is_set():
            now_s = time.monotonic()
            self._land(now_s)
            next_s = self._flying[0][0] - now_s if self._flying else TICK_S_MAX
            ready, _, _ = select.select(self._handles, [], [], min(max(next_s, 0.0), TICK_S_MAX))
            for handle in ready:
                self._take(self._handles.index(handle))

    def _land(self, now_s: float) -> None:
        while self._flying and self._flying[0][0] <= now_s:
            _, _, side, packet = heapq.heappop(self._flying)
            count = self._ways[side].count
            if not self.is_up(now_s):
                count.cut_dropped += len(packet)
                continue
            os.write(self._handles[1 - side], packet)
            count.delivered += len(packet)
            if side == NEAR:
                self._note_landed(packet, now_s)

    def _note_landed(self, packet: bytes, now_s: float) -> None:
        head, payload = _tcp_payload(packet)
        if payload <= 0 or self._opened_s is None:
            return
        nature = self.nature
        turn_s = nature.up_s + nature.down_s
        number, since_s = divmod(now_s - self._opened_s, turn_s)
        while len(self.windows) <= number:
            self.windows.append(Window())
        window = self.windows[int(number)]
        segment = packet[head : head + 8]
        window.first_s = since_s if window.first_s is None else window.first_s
        window.payload += payload
        window.again += min(payload, self._landed.get(segment, 0))
        self._landed[segment] = max(payload, self._landed.get(segment, 0))

    def _take(self, side: int) -> None:
        way = self._ways[side]
        count = way.count
        while True:
            try:
                packet = os.read(self._handles[side], PACKET_BYTES_MAX)
            except BlockingIOError:
                return
            now_s, size = time.monotonic(), len(packet)
            count.offered += size
            _look_at_tcp(packet, way)
            if not self.is_up(now_s):
                count.cut_dropped += size
                continue
            while way.waiting and way.waiting[0][0] <= now_s:
                way.waiting.popleft()
            if sum(waiting for _, waiting in way.waiting) + size > self.nature.queue_bytes:
                count.queue_dropped += size
                continue
            way.free_s = max(way.free_s, now_s) + size * 8 / self.nature.rate_bits_s
            way.waiting.append((way.free_s, size))
            count.sent += size
            if self._chance.random() < self.nature.loss:
                count.lost += size
                continue
            self._number += 1
            arrives_s = way.free_s + self.nature.round_trip_s / 2
            heapq.heappush(self._flying, (arrives_s, self._number, side, packet))

    def _device(self, side: int, name: str) -> int:
        namespace = self.namespaces[side]
        subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)
        _ip("netns", "add", namespace)
        handle = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(handle, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
        _ip("link", "set", name, "netns", namespace)
        _ip("-n", namespace, "link", "set", "lo", "up")
        _ip("-n", namespace, "addr", "add", f"{ADDRESSES[side]}/24", "dev", name)
        _ip("-n", namespace, "link", "set", name, "mtu", "1500", "up")
        return handle

    def _remove(self) -> None:
        while self._handles:
            os.close(self._handles.pop())
        for namespace in self.namespaces:
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)


def _look_at_tcp(packet: bytes, way: _Direction) -> None:
    """Count what a connection offers, and what of it had been offered before."""
    head, payload = _tcp_payload(packet)
    if payload < 0:
        return
    flow = packet[head : head + 4]
    start = int.from_bytes(packet[head + 4 : head + 8], "big")
    if packet[head + 13] & 2:
        way.count.connections += flow not in way.reached or way.reached[flow] != start + 1
        way.reached[flow] = start + 1
    if payload <= 0:
        return
    way.count.payload += payload
    new = min(payload, max(0, start + payload - way.reached.get(flow, start)))
    way.count.resent += payload - new
    way.reached[flow] = max(way.reached.get(flow, start), start + payload)


def _tcp_payload(packet: bytes) -> tuple[int, int]:
    """Where the TCP header begins, and how many bytes follow it; -1 if it is not TCP."""
    head = (packet[0] & 15) * 4
    if packet[0] >> 4 != 4 or packet[9] != 6 or len(packet) < head + 20:
        return head, -1
    return head, int.from_bytes(packet[2:4], "big") - head - (packet[head + 12] >> 4) * 4


def _ip(*words: str) -> Any:
    return subprocess.run(["ip", *words], check=True, capture_output=True)
