"""What a chapter works on: the city, its keeper, its counters, and the tally."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.torture.city import City, Keeper
from tests.torture.clerk import CALM, Counter
from tests.torture.ledger import Ledger
from tests.torture.tally import Tally


@dataclass(slots=True)
class Scene:
    """``small_disk`` is the village whose folder can be filled, None where no small file system can be had."""

    folder: Path
    network: City
    keeper: Keeper
    counters: dict[str, Counter]
    ledger: Ledger
    tally: Tally
    seed: int
    small_disk: str | None = None
    chapter: str = "setting up"
    began_s: float = field(default_factory=time.monotonic)

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.began_s

    def chance(self, name: str) -> Random:
        """A source of its own for every part of the plan, so that the parts do not disturb each other."""
        return Random(f"{self.seed}/{name}")

    def note(self, words: str) -> None:
        self.tally.notes.append(words)

    def calm(self) -> None:
        """Nobody does harm any more."""
        for counter in self.counters.values():
            counter.treat = lambda: CALM
        self.network.heal()


async def pause(seconds: float, until_s: float) -> bool:
    """Sleep, but not beyond ``until_s`` of the monotonic clock; false if that has come."""
    left_s = until_s - time.monotonic()
    if left_s <= 0:
        return False
    await asyncio.sleep(min(seconds, left_s))
    return time.monotonic() < until_s
