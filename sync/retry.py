"""When to try again, and how much to carry: backoff with jitter and a budget that follows the line. Pure rules."""

BUDGET_BYTES_MIN = 8 * 1024
BUDGET_BYTES_START = 64 * 1024
BUDGET_BYTES_MAX = 4 * 1024 * 1024
RETRY_DELAY_S_MIN = 2.0
RETRY_DELAY_S_MAX = 300.0
GOOD_CONTACT_S = 5.0
"""A contact that took less than this may carry twice as much the next time."""


def retry_delay_s(failures: int, chance: bytes, *, usual_s: float) -> float:
    """Seconds to wait after ``failures`` failed contacts in a row; ``chance`` is at least two random bytes.

    Without failures the usual rhythm holds. Full jitter over the upper half keeps a township's villages from
    calling at the same instant when the line returns.
    """
    if failures <= 0:
        return usual_s
    ceiling: float = min(RETRY_DELAY_S_MAX, RETRY_DELAY_S_MIN * 2 ** min(failures - 1, 10))
    share = int.from_bytes(chance[:2], "big") / 0xFFFF
    return ceiling / 2 + share * ceiling / 2


def next_budget_bytes(budget: int, *, took_s: float, filled: bool, failed: bool) -> int:
    """The byte budget of the next contact: halved when one failed, doubled when a full one was quick."""
    if failed:
        return max(BUDGET_BYTES_MIN, budget // 2)
    if filled and took_s < GOOD_CONTACT_S:
        return min(BUDGET_BYTES_MAX, budget * 2)
    if took_s > 4 * GOOD_CONTACT_S:
        return max(BUDGET_BYTES_MIN, budget // 2)
    return budget
