"""When to try again, and how much to carry."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sync.retry import (
    BUDGET_BYTES_MAX,
    BUDGET_BYTES_MIN,
    BUDGET_BYTES_START,
    GOOD_CONTACT_S,
    LINE_DELAY_S_MAX,
    LONG_CONTACT_S,
    RETRY_DELAY_S_MAX,
    RETRY_DELAY_S_MIN,
    SILENT_S,
    SILENT_S_MAX,
    TRIES_AT_ONCE,
    Silence,
    Verdict,
    judge_silence,
    line_delay_s,
    next_budget_bytes,
    probe_every_s,
    retry_delay_s,
)

PATIENCE_S = 30.0


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
    assert next_budget_bytes(start, took_s=GOOD_CONTACT_S, filled=True, failed=False) == start
    assert next_budget_bytes(start, took_s=LONG_CONTACT_S + 1, filled=True, failed=False) == start // 2
    assert next_budget_bytes(start, took_s=0, filled=True, failed=True) == start // 2


def test_the_budget_never_leaves_its_bounds() -> None:
    assert next_budget_bytes(BUDGET_BYTES_MIN, took_s=0, filled=True, failed=True) == BUDGET_BYTES_MIN
    assert (
        next_budget_bytes(BUDGET_BYTES_MIN, took_s=LONG_CONTACT_S + 1, filled=True, failed=False)
        == BUDGET_BYTES_MIN
    )
    assert next_budget_bytes(BUDGET_BYTES_MAX, took_s=0, filled=True, failed=False) == BUDGET_BYTES_MAX


def test_a_line_that_worked_a_moment_ago_is_tried_again_at_once_and_one_that_only_seems_to_answer_is_not() -> (
    None
):
    assert line_delay_s(1, b"\xff\xff") == line_delay_s(TRIES_AT_ONCE, b"\xff\xff") == 0
    assert line_delay_s(TRIES_AT_ONCE + 1, b"\x00\x00") > 0
    assert line_delay_s(1000, b"\xff\xff") == LINE_DELAY_S_MAX


def _verdict(silent_s: float, still_s: float = 0, *, is_answered: bool = False) -> Verdict:
    return judge_silence(Silence(silent_s, still_s, is_answered), PATIENCE_S)


def test_a_connection_that_was_heard_a_moment_ago_is_waited_for() -> None:
    assert _verdict(0) is _verdict(SILENT_S - 0.1) is Verdict.WAIT


def test_a_cut_line_is_waited_for_while_a_fresh_connection_is_tried_beside_it() -> None:
    assert _verdict(SILENT_S) is _verdict(SILENT_S_MAX) is Verdict.PROBE


def test_a_connection_is_given_up_when_a_fresh_one_was_answered_and_it_stayed_silent() -> None:
    assert _verdict(SILENT_S, is_answered=True) is Verdict.BREAK


def test_a_connection_that_is_heard_again_is_kept_though_a_fresh_one_was_answered() -> None:
    assert _verdict(0.4, is_answered=True) is Verdict.WAIT


def test_a_line_is_tried_many_times_a_second_at_first_and_never_less_than_every_few_seconds() -> None:
    assert probe_every_s(0) <= 0.25 < probe_every_s(61) <= probe_every_s(10_000) <= 3


def test_a_neighbour_that_is_heard_but_moves_nothing_is_given_up_after_the_patience() -> None:
    assert _verdict(0, still_s=PATIENCE_S) is Verdict.WAIT
    assert _verdict(0, still_s=PATIENCE_S + 0.5) is Verdict.BREAK


def test_no_silence_is_waited_out_for_ever() -> None:
    assert _verdict(SILENT_S_MAX + 1) is Verdict.BREAK
