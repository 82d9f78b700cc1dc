"""A seed is a whole story: the same trace, byte for byte, in another process with another order of sets."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.clock import World
from sync.primitives import SealingKey
from tests.simulator.hpke import repeatable_sealing
from tests.simulator.plans import DEEP, DENSE
from tests.simulator.timeline import NodeClock, Timeline
from tests.simulator.world import run

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("seed", [11])
def test_the_same_seed_gives_the_same_trace_in_another_process(seed: int) -> None:
    # The world in which most goes wrong for the least work.
    here = "\n".join(run(seed, DENSE, keep_trace=True).trace) + "\n"
    command = [sys.executable, "-m", "tests.simulator", "seed", str(seed), "--dense", "--trace"]
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    there = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True).stdout
    assert len(here) > 1000
    assert hashlib.sha256(there.encode()).digest() == hashlib.sha256(here.encode()).digest()


def test_another_seed_is_another_story() -> None:
    one, other = (run(seed, DEEP, keep_trace=True).trace for seed in (13, 14))
    assert one != other


def test_what_the_repeatable_sealing_seals_the_product_opens() -> None:
    world: World = NodeClock(Timeline(), "sealing")
    key = SealingKey.generate(world.random_bytes)
    with repeatable_sealing():
        sealed = key.public().seal(b"content key", b"header")
        assert key.public().seal(b"content key", b"header") == sealed
    assert key.open(sealed, b"header") == b"content key"
    assert key.public().seal(b"content key", b"header") != sealed
