"""When to try again, and how much to carry."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sync.retry import (
    BUDGET_BYTES_MAX,
    BUDGET_BYTES_MIN,
    BUDGET_BYTES_START,
    GOOD_CONTACT_S,
    KNOCK_S,
    LINE_DELAY_S_MAX,
    LONG_CONTACT_S,
    RETRY_DELAY_S_MAX,
    RETRY_DELAY_S_MIN,
    SILENT_S,
    SILENT_S_MAX,
    TRIES_AT_ONCE,
    Flow,
    Silence,
    Verdict,
    judge_silence,
    knock_after_s,
    line_bytes_s,
    line_delay_s,
    next_budget_bytes,
    pace_bytes_s,
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


def _verdict(silent_s: float, still_s: float = 0, *, is_back: bool = False) -> Verdict:
    return judge_silence(Silence(silent_s, still_s, is_back), PATIENCE_S)


def test_a_connection_that_was_heard_a_moment_ago_is_waited_for() -> None:
    assert _verdict(0) is _verdict(SILENT_S - 0.1) is Verdict.WAIT


def test_a_cut_line_is_waited_for_while_a_fresh_connection_is_tried_beside_it() -> None:
    assert _verdict(SILENT_S) is _verdict(SILENT_S_MAX) is Verdict.PROBE


def test_a_connection_is_given_up_when_the_line_is_back_and_it_stayed_silent() -> None:
    assert _verdict(SILENT_S, is_back=True) is Verdict.BREAK


def test_a_connection_that_is_heard_again_is_kept() -> None:
    assert _verdict(0.4, is_back=True) is Verdict.WAIT


def test_a_line_is_tried_many_times_a_second_at_first_and_never_less_than_every_few_seconds() -> None:
    assert probe_every_s(0) <= 0.25 < probe_every_s(61) <= probe_every_s(10_000) <= 3


def test_a_neighbour_that_is_heard_but_moves_nothing_is_given_up_after_the_patience() -> None:
    assert _verdict(0, still_s=PATIENCE_S) is Verdict.WAIT
    assert _verdict(0, still_s=PATIENCE_S + 0.5) is Verdict.BREAK


def test_no_silence_is_waited_out_for_ever() -> None:
    assert _verdict(SILENT_S_MAX + 1) is Verdict.BREAK


def test_a_caller_is_knocked_at_once_it_is_silent_many_times_a_second_at_first_and_never_less_than_every_second() -> (
    None
):
    assert knock_after_s(0) == KNOCK_S
    assert 0 < knock_after_s(KNOCK_S - 0.1) <= 0.11
    assert knock_after_s(KNOCK_S) <= 0.1 < knock_after_s(61) <= knock_after_s(10_000) <= 1


@given(st.floats(0, 1e6))
@settings(derandomize=True, max_examples=200)
def test_a_wait_before_a_knock_is_never_nothing(silent_s: float) -> None:
    assert silent_s + knock_after_s(silent_s) > silent_s


FULL, FREE = Flow(15_000, 1.3, 0.6), Flow(15_000, 0.7, 0.6)


def test_a_line_that_is_full_is_sent_little_more_than_it_delivers_and_one_that_is_not_is_sent_more() -> None:
    assert FULL.queues
    assert 15_000 <= pace_bytes_s(15_000, FULL) <= 1.1 * 15_000 + 1
    assert not FREE.queues
    assert pace_bytes_s(15_000, FREE) > pace_bytes_s(15_000, FULL)


def test_what_a_line_delivers_is_known_once_it_was_full_and_follows_it_slowly() -> None:
    assert line_bytes_s(0, FREE) == 0
    assert line_bytes_s(0, FULL) == 15_000
    # A sender that had less to send says nothing about the line; one that got more through does.
    assert line_bytes_s(16_000, FREE) == 16_000
    assert 14_000 < line_bytes_s(14_000, FREE) < 15_000
    assert 15_000 < line_bytes_s(16_000, FULL) < 16_000
    known = 1_000.0
    for _ in range(100):
        known = line_bytes_s(known, FULL)
    assert 14_900 < known <= 15_000


def test_a_few_milliseconds_more_are_no_queue_and_neither_is_what_is_not_known() -> None:
    assert not Flow(1e6, 0.06, 0.002).queues
    assert not Flow(0, 0, 0).queues
