"""The rows that the books of a city hold of a day: every message, the case they fold to, and the lines of the log."""

from dataclasses import dataclass, field
from typing import Any

from bench.city.histories import Town, cases_of
from bench.city.story import CITY
from bench.city.years import DayPlan
from core.clock import iso
from core.desk.verbs import VERBS
from core.merge import OutcomeKind, content_digest, fold
from core.messages import CaseMessage, encode
from core.store.casebook import Casebook, region_of
from core.store.summary import BUCKET_CHARS

_VERB_OF = {verb.type: name for name, verb in VERBS.items()}
Row = dict[str, Any]


@dataclass(slots=True)
class DayRows:
    """``lines`` are those of the audit log without number and digests, in order of time."""

    cases: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    buckets: set[str] = field(default_factory=set)
    lines: list[Row] = field(default_factory=list)


def rows_of(town: Town, planned: DayPlan) -> DayRows:
    """The rows of one day. Raises ``ValueError`` if the rules refuse a message: then the history told is none."""
    book = Casebook(lambda code, version: town.catalogue.item(code), town.calendar)
    made = DayRows()
    for messages in cases_of(town, planned):
        folded = fold(messages, book.items)
        if folded.case is None or len(folded.applied) != len(messages):
            refused = [(one.message.type, one.error.en) for one in folded.illegal]
            raise ValueError(
                f"{messages[0].case_id} is no legal history: {refused} {folded.parked} {folded.conflicts}"
            )
        region = region_of(folded.case.id)
        row = {"region": region, "id": folded.case.id, **book.row_of(folded.case)}
        made.cases.append(row)
        made.messages += [_kept(message, region) for message in messages]
        if row["entry"] is not None:
            made.buckets.add(row["entry"][:BUCKET_CHARS])
        states = {step.id: step.state for step in folded.case.steps}
        made.lines += [
            _line(message, states.get(message.id, folded.case.state))
            for message in messages
            if _is_said_here(message)
        ]
    made.lines.sort(key=lambda line: line["at"])
    return made


def _kept(message: CaseMessage, region: str) -> Row:
    return {
        "region": region,
        "digest": content_digest(message),
        "id": message.id,
        "case_id": message.case_id,
        "standing": str(OutcomeKind.APPLIED),
        "why": "",
        "data": encode(message),
    }


def _is_said_here(message: CaseMessage) -> bool:
    return message.node == CITY and message.type in _VERB_OF


def _line(message: CaseMessage, state: str) -> Row:
    """As the desk notes a step."""
    return {
        "at": iso(message.at),
        "actor": message.actor.officer,
        "action": f"case.{_VERB_OF[message.type]}",
        "subject": message.case_id,
        "detail": {"role": str(message.actor.role), "state": str(state), "via": "page"},
    }
