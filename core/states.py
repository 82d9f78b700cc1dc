"""Where a case can be, and what its clock does there."""

from enum import StrEnum


class State(StrEnum):
    """In the order in which a case meets them; the side tracks last."""

    DRAFT = "DRAFT"
    """On the desk of whoever is writing it; no message has been sent."""
    SUBMITTED = "SUBMITTED"
    SUPPLEMENT_REQUESTED = "SUPPLEMENT_REQUESTED"
    RETURNED = "RETURNED"
    REFUSED = "REFUSED"
    ACCEPTED = "ACCEPTED"
    VERIFYING = "VERIFYING"
    HANDLING = "HANDLING"
    REVIEW = "REVIEW"
    DECISION = "DECISION"
    SUSPENDED = "SUSPENDED"
    GRANTED = "GRANTED"
    DENIED = "DENIED"
    DELIVERED = "DELIVERED"
    WITHDRAWN = "WITHDRAWN"
    VOID = "VOID"


COUNTING = frozenset({State.ACCEPTED, State.VERIFYING, State.HANDLING, State.REVIEW, State.DECISION})
"""The legal clock runs here, and only here."""

DECIDED = frozenset({State.GRANTED, State.DENIED})
"""Decided, the result not yet handed over."""

CLOSED = frozenset({State.REFUSED, State.DELIVERED, State.WITHDRAWN, State.VOID})
"""No desk holds the case any more."""

OPEN = frozenset(State) - DECIDED - CLOSED - {State.DRAFT}
"""Submitted and not yet decided: it may still be withdrawn or voided."""
