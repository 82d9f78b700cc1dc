"""Which card hangs on a case: warning, yellow, red, by rules kept as data and judged to the second."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from core.calendar import WorkCalendar
from core.errors import InputError, StateError
from core.limits import (
    DAY_S,
    LimitClock,
    Mode,
    Suspension,
    check_days,
    clock_for,
    known_end,
    limit_clock,
    to_instant,
    to_second,
)


class Card(StrEnum):
    """From nothing to the gravest; the national card levels 0 to 3."""

    NONE = "none"
    WARNING = "warning"
    YELLOW = "yellow"
    RED = "red"


class Subject(StrEnum):
    """What a card is about."""

    CASE = "case"
    SPECIAL_PROCEDURE = "special_procedure"
    ONLINE_PRE_ACCEPT = "online_pre_accept"
    CONSULT = "consult"
    COMPLAINT = "complaint"
    LICENCE_OUTPUT = "licence_output"


class Limit(StrEnum):
    """Which limit a rule measures against."""

    PROMISED = "promised"
    STATUTORY = "statutory"
    OWN = "own"
    """The only limit the subject has: the days granted, or those of ``FIXED_LIMIT_DAYS``."""


@dataclass(frozen=True, slots=True)
class CardRule:
    """``card`` applies once more than limit + ``after_days`` days are used; one second over counts."""

    card: Card
    limit: Limit
    after_days: int


# Rules of the provincial supervision system (core/data/codelists.json, card_rules). Days used are rounded up there,
# so its "use - promised >= -2" is "more than promised - 3 days" here.
CARD_RULES: Mapping[Subject, tuple[CardRule, ...]] = MappingProxyType(
    {
        Subject.CASE: (
            CardRule(Card.WARNING, Limit.PROMISED, -3),
            CardRule(Card.YELLOW, Limit.PROMISED, 0),
            CardRule(Card.RED, Limit.STATUTORY, 0),
        ),
        Subject.SPECIAL_PROCEDURE: (
            CardRule(Card.WARNING, Limit.OWN, -3),
            CardRule(Card.YELLOW, Limit.OWN, 0),
            CardRule(Card.RED, Limit.OWN, 1),
        ),
        Subject.ONLINE_PRE_ACCEPT: (
            CardRule(Card.WARNING, Limit.OWN, 0),
            CardRule(Card.YELLOW, Limit.OWN, 3),
            CardRule(Card.RED, Limit.OWN, 5),
        ),
        Subject.CONSULT: (
            CardRule(Card.WARNING, Limit.OWN, -2),
            CardRule(Card.YELLOW, Limit.OWN, 0),
            CardRule(Card.RED, Limit.OWN, 1),
        ),
        Subject.COMPLAINT: (
            CardRule(Card.WARNING, Limit.OWN, -2),
            CardRule(Card.YELLOW, Limit.OWN, 0),
            CardRule(Card.RED, Limit.OWN, 1),
        ),
        Subject.LICENCE_OUTPUT: (CardRule(Card.YELLOW, Limit.OWN, 0),),
    }
)

FIXED_LIMIT_DAYS: Mapping[Subject, int] = MappingProxyType(
    {Subject.ONLINE_PRE_ACCEPT: 2, Subject.LICENCE_OUTPUT: 3}
)

GRAVITY: Mapping[Card, int] = MappingProxyType({card: rank for rank, card in enumerate(Card)})


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What the limit of a case depends on; ``finished_at`` stops the clock for good.

    Limits in working days, 0 (same working day) to ``LIMIT_DAYS_MAX``. Instants are aware.
    """

    accepted_at: datetime
    promised_days: int
    statutory_days: int
    suspensions: tuple[Suspension, ...] = ()
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CardJudgement:
    """The card in force, the first second it was, and when to judge again if nothing happens before.

    ``since`` is ``None`` without a card. ``next_change_at`` is the first second of a graver card, or the end of
    the known calendar if that lies beyond it; ``None`` when nothing can change any more.
    """

    card: Card
    since: datetime | None
    next_change_at: datetime | None


@dataclass(frozen=True, slots=True)
class Course:
    """Every card that came into force up to now, with its first second, and when to look again."""

    cards: tuple[tuple[Card, datetime], ...]
    next_change_at: datetime | None


def course(
    judge: Callable[[datetime], CardJudgement],
    started_at: datetime,
    finished_at: datetime | None,
    now: datetime,
) -> Course:
    """Follow a subject from ``started_at`` until it was finished, or now: a case that nobody looked at for a week got
    three cards, not one. ``judge`` gives the card at an instant as of an open subject.
    """
    until = now if finished_at is None else min(now, finished_at)
    cards: list[tuple[Card, datetime]] = []
    moment = started_at
    while True:
        found = judge(moment)
        if found.since is not None and (not cards or cards[-1][0] is not found.card):
            cards.append((found.card, found.since))
        ahead = found.next_change_at
        if ahead is None or ahead > until or ahead <= moment:
            return Course(tuple(cards), ahead if finished_at is None else None)
        moment = ahead


@dataclass(frozen=True, slots=True)
class _Threshold:
    card: Card
    clock: LimitClock
    seconds: int

    def is_passed(self, now: datetime) -> bool:
        return self.clock.elapsed(now).seconds > self.seconds


def case_card(calendar: WorkCalendar, mode: Mode, facts: CaseFacts, now: datetime) -> CardJudgement:
    """The card of a case at ``now``; of a finished case, the one it finished with.

    An immediate item (promised 0 days) gets no warning. Raises ``InputError`` (``limits.*``), ``StateError``
    (``calendar.unknown_year``).
    """
    days = {Limit.PROMISED: facts.promised_days, Limit.STATUTORY: facts.statutory_days}
    thresholds = []
    for rule in CARD_RULES[Subject.CASE]:
        if rule.card is Card.WARNING and facts.promised_days == 0:
            continue
        clock, limit_s = clock_for(calendar, mode, facts.accepted_at, days[rule.limit], facts.suspensions)
        thresholds.append(_Threshold(rule.card, clock, limit_s + rule.after_days * DAY_S))
    return _judge(calendar, thresholds, facts.accepted_at, facts.finished_at, now)


def special_procedure_card(
    calendar: WorkCalendar, mode: Mode, procedure: Suspension, now: datetime
) -> CardJudgement:
    """The card of a special procedure measured against the days granted to it, in their unit."""
    clock = limit_clock(calendar, mode, procedure.start, unit=procedure.unit)
    thresholds = _own_thresholds(Subject.SPECIAL_PROCEDURE, clock, procedure.granted_days)
    return _judge(calendar, thresholds, procedure.start, procedure.end, now)


def matter_card(
    calendar: WorkCalendar,
    mode: Mode,
    subject: Subject,
    started_at: datetime,
    finished_at: datetime | None,
    now: datetime,
    *,
    limit_days: int | None = None,
) -> CardJudgement:
    """The card of a pre-acceptance, consultation, complaint or licence output, in working days.

    ``limit_days`` (≥ 1) is needed where ``FIXED_LIMIT_DAYS`` names none. Raises ``InputError``
    (``supervision.subject``, ``supervision.limit``, ``limits.*``), ``StateError`` (``calendar.unknown_year``).
    """
    if subject in (Subject.CASE, Subject.SPECIAL_PROCEDURE):
        raise InputError(
            "supervision.subject",
            zh="办件和特别程序按各自的规则发牌，请使用对应的功能。",
            en="Cases and special procedures have card rules of their own. Please use those.",
        )
    days = FIXED_LIMIT_DAYS.get(subject, limit_days)
    if not days:
        raise InputError(
            "supervision.limit",
            zh="咨询、投诉须写明至少 1 个工作日的时限，请补充。",
            en="A consultation or complaint needs a limit of at least one working day. Please add it.",
        )
    check_days(days)
    thresholds = _own_thresholds(subject, limit_clock(calendar, mode, started_at), days)
    return _judge(calendar, thresholds, started_at, finished_at, now)


def _own_thresholds(subject: Subject, clock: LimitClock, days: int) -> list[_Threshold]:
    return [_Threshold(rule.card, clock, (days + rule.after_days) * DAY_S) for rule in CARD_RULES[subject]]


def _judge(
    calendar: WorkCalendar,
    thresholds: Sequence[_Threshold],
    started_at: datetime,
    finished_at: datetime | None,
    now: datetime,
) -> CardJudgement:
    # A clock that runs behind must not take a case back to before it was accepted.
    moment = max(now if finished_at is None else min(now, finished_at), started_at)
    card, since = Card.NONE, None
    for threshold in thresholds:
        if GRAVITY[threshold.card] > GRAVITY[card] and threshold.is_passed(moment):
            card, since = threshold.card, _first_second(threshold, started_at)
    if finished_at is not None:
        return CardJudgement(card, since, None)
    ahead = [
        _first_second_known(calendar, threshold, started_at)
        for threshold in thresholds
        if GRAVITY[threshold.card] > GRAVITY[card]
    ]
    return CardJudgement(card, since, min(ahead, default=None))


def _first_second(threshold: _Threshold, started_at: datetime) -> datetime:
    if threshold.seconds < 0:
        return to_instant(to_second(started_at))
    return threshold.clock.reaches(threshold.seconds + 1)


def _first_second_known(calendar: WorkCalendar, threshold: _Threshold, started_at: datetime) -> datetime:
    try:
        return _first_second(threshold, started_at)
    except StateError:
        # The card of today is certain though next year's calendar is not out: look again when the known one ends.
        return to_instant(known_end(calendar))
