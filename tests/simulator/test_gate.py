"""The gate of every commit: a number of small seeds in which no promise may break."""

import pytest

from tests.simulator.plans import CALM, DEEP, DEEP_SEEDS, DENSE, DENSE_SEEDS, GATE_SEEDS, SMALL
from tests.simulator.world import run


@pytest.mark.parametrize("seed", GATE_SEEDS)
def test_no_promise_breaks_whatever_the_seed_brings(seed: int) -> None:
    outcome = run(seed, SMALL)
    assert outcome.broken == [], f"python -m tests.simulator seed {seed} --trace"
    assert outcome.cases > 0 and outcome.steps > 0


@pytest.mark.parametrize("seed", DENSE_SEEDS)
def test_no_promise_breaks_where_misfortune_is_thick(seed: int) -> None:
    outcome = run(seed, DENSE)
    assert outcome.broken == [], f"python -m tests.simulator seed {seed} --dense --trace"


@pytest.mark.parametrize("seed", DEEP_SEEDS)
def test_no_promise_breaks_on_disks_that_lose_and_tear(seed: int) -> None:
    outcome = run(seed, DEEP)
    assert outcome.broken == []
    assert outcome.cases > 0 and outcome.steps > 0


def test_on_a_good_line_everybody_is_served_and_nothing_fires() -> None:
    outcome = run(1, CALM)
    assert outcome.broken == [] and outcome.fired == {}
    assert outcome.cases == CALM.people
