"""Everything that goes wrong, as one table: how often, and whether the code is expected to recover from it yet."""

import random
from collections import Counter
from dataclasses import dataclass

BUNDLE, COMMIT, NODE_HOUR, CONTACT, TRIP = "bundle", "commit", "node-hour", "contact", "trip"


@dataclass(frozen=True, slots=True)
class Fault:
    """``rate`` is the chance at each opportunity (``per``); for ``node-hour`` the mean number in that time."""

    kind: str
    per: str
    rate: float
    on: bool = True


FAULTS = {
    fault.kind: fault
    for fault in (
        Fault("line.partition", CONTACT, 0.004),
        Fault("line.captive_portal", CONTACT, 0.010),
        Fault("request.drop", BUNDLE, 0.020),
        Fault("request.double", BUNDLE, 0.030),
        Fault("request.delay", BUNDLE, 0.020),
        Fault("request.cut", BUNDLE, 0.030),
        Fault("request.flip", BUNDLE, 0.040),
        Fault("answer.drop", BUNDLE, 0.030),
        Fault("answer.cut", BUNDLE, 0.030),
        Fault("answer.flip", BUNDLE, 0.030),
        Fault("answer.stale", BUNDLE, 0.020),
        Fault("crash.before_commit", COMMIT, 0.0020),
        Fault("crash.after_commit", COMMIT, 0.0020),
        Fault("crash.at_chunk", COMMIT, 0.0100),
        Fault("crash.at_operation", COMMIT, 0.0040),
        Fault("commit.unknown", COMMIT, 0.0010),
        Fault("clock.ten_years", NODE_HOUR, 0.020),
        Fault("clock.hour_back", NODE_HOUR, 0.040),
        Fault("clock.year_back", NODE_HOUR, 0.020),
        Fault("disk.nearly_full", NODE_HOUR, 0.030),
        Fault("disk.full", NODE_HOUR, 0.030),
        Fault("node.slow", NODE_HOUR, 0.040),
        Fault("node.power_cut", NODE_HOUR, 0.040),
        Fault("message.poison", NODE_HOUR, 0.040),
        Fault("node.restored", NODE_HOUR, 0.030),
        Fault("node.rolled_back", NODE_HOUR, 0.020),
        Fault("node.cloned", NODE_HOUR, 0.020),
        Fault("node.older_version", NODE_HOUR, 0.020),
        Fault("stick.trip", NODE_HOUR, 0.100),
        Fault("stick.lost", TRIP, 0.120),
        Fault("stick.foreign", TRIP, 0.150),
        Fault("stick.half_copied", TRIP, 0.150),
        Fault("stick.doubled", TRIP, 0.150),
        Fault("stick.stale", TRIP, 0.250),
        Fault("disk.bit_rot", NODE_HOUR, 0.060),
    )
}


class Misfortune:
    """Draws faults from one source of chance and counts what fired; after ``stop`` nothing goes wrong any more."""

    def __init__(self, seed: str, *, scale: float = 1.0) -> None:
        self.random = random.Random(seed)
        self.fired: Counter[str] = Counter()
        self.scale = scale
        self.stopped = False

    def strikes(self, kind: str) -> bool:
        """Whether ``kind`` happens at this opportunity."""
        fault = FAULTS[kind]
        if self.stopped or not fault.on or self.random.random() >= fault.rate * self.scale:
            return False
        self.fired[kind] += 1
        return True

    def times(self, kind: str, hours: float) -> list[float]:
        """The seconds, within ``hours``, at which a timed fault happens to one node."""
        fault, found, at_s = FAULTS[kind], [], 0.0
        if not fault.on or self.scale == 0:
            return []
        while True:
            at_s += self.random.expovariate(fault.rate * self.scale) * 3600
            if at_s >= hours * 3600:
                return found
            found.append(at_s)

    def note(self, kind: str) -> None:
        """Count something that followed from another fault, or that was timed."""
        self.fired[kind] += 1
