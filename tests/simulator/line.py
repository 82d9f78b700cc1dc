"""The line between two neighbours: the production ``Transport`` port over a wire that the seed holds in its hand."""

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Protocol

from core.errors import LiandongError, PeerError
from sync import meeting
from sync.bundle import HEAD_BYTES, MAGIC
from sync.transport.base import LineDown
from tests.simulator.disk import SimulatedCrash
from tests.simulator.faults import Misfortune
from tests.simulator.site import Site
from tests.simulator.timeline import Timeline

PORTAL = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><title>\xe4\xb8\x8a\xe7\xbd\x91</title></html>"
)
STALE_KEPT = 6


class Surroundings(Protocol):
    """What a line needs of the world around it."""

    timeline: Timeline
    misfortune: Misfortune

    def say(self, what: str, who: str, **facts: object) -> None: ...
    def crashed(self, crash: SimulatedCrash) -> None: ...
    def touched(self, site: Site) -> None: ...
    def saw_bundle(self, sender: Site, data: bytes) -> None: ...


class Line:
    """Calls go up it; ``down_until_s`` is when a partition heals."""

    carrier = "extranet"

    def __init__(self, around: Surroundings, child: Site, parent: Site) -> None:
        self.around, self.child, self.parent = around, child, parent
        self.down_until_s = 0.0
        self.deceived = ""
        """What the last call brought instead of its answer; it may not count as a contact."""
        self._answers: list[bytes] = []
        self._sent = 0
        self._newest_taken = 0

    def exchange(self, bundle: bytes) -> bytes:
        around, fate = self.around, self.around.misfortune
        self._sent += 1
        self.deceived = ""
        around.saw_bundle(self.child, bundle)
        if fate.strikes("line.partition"):
            self.down_until_s = around.timeline.now_s + fate.random.uniform(60, 900)
        if around.timeline.now_s < self.down_until_s:
            raise _down("partition")
        if fate.strikes("line.captive_portal"):
            self.deceived = "a captive portal's page"
            return PORTAL
        if fate.strikes("request.drop"):
            raise _down("request lost")
        if fate.strikes("request.delay"):
            self._deliver_later(bundle, self._sent)
            raise _down("request late")
        if fate.strikes("request.double"):
            self._deliver(bundle, self._sent)
        answer = self._deliver(_damaged(bundle, fate, "request"), self._sent)
        if answer is None:
            raise _down("no answer")
        return self._bring_back(answer)

    def _bring_back(self, answer: bytes) -> bytes:
        fate = self.around.misfortune
        self._answers = [*self._answers, answer][-STALE_KEPT:]
        if fate.strikes("answer.drop"):
            raise _down("answer lost")
        if len(self._answers) > 1 and fate.strikes("answer.stale"):
            self.deceived = "a stale answer"
            return fate.random.choice(self._answers[:-1])
        return _damaged(answer, fate, "answer")

    def _deliver(self, bundle: bytes, number: int) -> bytes | None:
        around, parent = self.around, self.parent
        if parent.node is None or self.child.node is None:
            return None
        if number < self._newest_taken:
            around.misfortune.note("request.reordered")
        self._newest_taken = max(number, self._newest_taken)
        certificate = self.child.node.keyring.pair.signing.der
        try:
            answer = meeting.answer(parent.node, certificate, bundle)
        except SimulatedCrash as crash:
            if crash.node != parent.name:
                raise
            around.crashed(crash)
            return None
        except PeerError as error:
            around.say("refused", parent.name, of=self.child.name, code=error.code)
            return None
        except LiandongError as error:
            around.say("failed", parent.name, of=self.child.name, code=error.code)
            return None
        finally:
            around.touched(parent)
        around.saw_bundle(parent, answer)
        return answer

    def _deliver_later(self, bundle: bytes, number: int) -> None:
        def arrive() -> None:
            self.around.say("late", self.parent.name, of=self.child.name)
            answer = self._deliver(bundle, number)
            if answer is not None:
                self._answers = [*self._answers, answer][-STALE_KEPT:]

        arrival: Callable[[], None] = arrive
        self.around.timeline.after(self.around.misfortune.random.uniform(5, 1800), arrival)


def _damaged(data: bytes, fate: Misfortune, way: str) -> bytes:
    """Cut at any byte, or with one bit turned; or as it is."""
    if fate.strikes(f"{way}.cut"):
        return data[: fate.random.randrange(len(data))]
    if fate.strikes(f"{way}.flip"):
        at = _where(data, fate.random)
        return data[:at] + bytes([data[at] ^ (1 << fate.random.randrange(8))]) + data[at + 1 :]
    return data


def _where(data: bytes, chance: random.Random) -> int:
    """A byte of any frame, each as likely: by length alone the damage would nearly always be in a scan."""
    starts, at = [], len(MAGIC)
    while at + HEAD_BYTES < len(data):
        starts.append(at)
        at += HEAD_BYTES + int.from_bytes(data[at + 1 : at + HEAD_BYTES], "big")
    begin, end = chance.choice(list(pairwise([*starts, len(data)])))
    return chance.randrange(begin, end)


def _down(why: str) -> LineDown:
    return LineDown("line.down", zh=f"线路断开（{why}）。", en=f"The line is down ({why}).")
