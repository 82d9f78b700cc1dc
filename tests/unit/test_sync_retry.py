"""When to try again, and how much to carry."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sync.retry import (
    BUDGET_BYTES_MAX,
    BUDGET_BYTES_MIN,
    BUDGET_BYTES_START,
    RETRY_DELAY_S_MAX,
    RETRY_DELAY_S_MIN,
    next_budget_bytes,
    retry_delay_s,
)


def test_without_failures_the_usual_rhythm_holds() -> None:
    assert retry_delay_s(0, b"\xff\xff", usual_s=60) == 60


@given(st.integers(1, 10_000), st.binary(min_size=2, max_size=4))
@settings(derandomize=True, max_examples=200)
def test_a_delay_grows_with_failures_and_stays_within_its_bounds(failures: int, chance: bytes) -> None:
    delay = retry_delay_s(failures, chance, usual_s=60)
    assert RETRY_DELAY_S_MIN / 2 <= delay <= RETRY_DELAY_S_MAX
    assert delay <= retry_delay_s(failures + 1, b"\xff\xff", usual_s=60)


def test_two_villages_do_not_call_at_the_same_instant() -> None:
    assert retry_delay_s(5, b"\x00\x00", usual_s=60) < retry_delay_s(5, b"\x80\x00", usual_s=60)


def test_the_budget_doubles_after_a_full_quick_contact_and_halves_after_a_failed_or_slow_one() -> None:
    start = BUDGET_BYTES_START
    assert next_budget_bytes(start, took_s=1, filled=True, failed=False) == 2 * start
    assert next_budget_bytes(start, took_s=1, filled=False, failed=False) == start
    assert next_budget_bytes(start, took_s=10, filled=True, failed=False) == start
    assert next_budget_bytes(start, took_s=21, filled=True, failed=False) == start // 2
    assert next_budget_bytes(start, took_s=0, filled=True, failed=True) == start // 2


def test_the_budget_never_leaves_its_bounds() -> None:
    assert next_budget_bytes(BUDGET_BYTES_MIN, took_s=0, filled=True, failed=True) == BUDGET_BYTES_MIN
    assert next_budget_bytes(BUDGET_BYTES_MIN, took_s=99, filled=True, failed=False) == BUDGET_BYTES_MIN
    assert next_budget_bytes(BUDGET_BYTES_MAX, took_s=0, filled=True, failed=False) == BUDGET_BYTES_MAX
