"""The table of faults says what is fired; what it says is on does fire."""

from collections import Counter

from tests.simulator.faults import FAULTS, Misfortune
from tests.simulator.timeline import Timeline


def test_what_is_switched_off_never_strikes_and_what_is_on_does() -> None:
    fate = Misfortune("table", scale=5)
    for kind in FAULTS:
        for _ in range(3000):
            fate.strikes(kind)
    assert {kind for kind, fault in FAULTS.items() if fault.on} == set(fate.fired)


def test_after_the_healing_nothing_strikes() -> None:
    fate = Misfortune("healed", scale=50)
    fate.stopped = True
    assert not any(fate.strikes(kind) for kind in FAULTS)
    assert fate.fired == Counter()


def test_events_of_one_instant_happen_in_the_order_of_asking() -> None:
    timeline, seen = Timeline(), []
    for name in "abc":
        timeline.at(5.0, lambda name=name: seen.append(name))  # type: ignore[misc]
    timeline.at(1.0, lambda: timeline.at(0.5, lambda: seen.append("late, so at once")))
    timeline.run(10.0)
    assert seen == ["late, so at once", "a", "b", "c"]
    assert timeline.now_s == 10.0
