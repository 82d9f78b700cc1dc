"""What a practice begins with: two drafts, a returned case, a decided one and one under way; invented people alone.

Everybody in it was born in 1901, so that no number can be that of somebody who lives.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from core import bodies as b
from core.application import HandedIn, Sheet
from core.case import Case
from core.catalogue import encode_catalogue, load_catalogue
from core.clock import World
from core.identifiers import CaseId, NodeId, city_of, division_of
from core.items import Need
from core.messages import Actor, Role
from core.people import IdType, citizen_check
from core.store.casework import Casework
from village_agent.people_seen import note_person
from village_agent.practice_mark import PRACTICE_TOWN, PRACTICE_VILLAGE
from village_agent.session import Session

RELIEF = "43098101205004"
"""临时救助申请, a case that goes up to the city; the guided first case is one of it."""
PRACTICE_CITY = NodeId(city_of(division_of(PRACTICE_VILLAGE)))
OFFICERS = {
    Role.WINDOW: "练习窗口",
    Role.HANDLER: "练习承办",
    Role.REVIEWER: "练习审核",
    Role.DECIDER: "练习决定",
}
NOBODY_NAMES = ("王练习", "李试用", "张虚构", "刘演示", "陈样例")


@dataclass(frozen=True, slots=True)
class _Earlier:
    """The same surroundings, so much earlier: a case does not come back in the second in which it was taken in."""

    world: World
    ago: timedelta

    def now(self) -> datetime:
        return self.world.now() - self.ago

    def monotonic_s(self) -> float:
        return self.world.monotonic_s()

    def random_bytes(self, count: int) -> bytes:
        return self.world.random_bytes(count)


def nobody(number: int) -> dict[str, str]:
    """An applicant of the practice; ``number`` from 0, each with a number of its own."""
    body = f"4309811901{number % 12 + 1:02d}01{number:02d}1"
    return {
        "name": NOBODY_NAMES[number % len(NOBODY_NAMES)],
        "id_type": str(IdType.CITIZEN),
        "id_no": body + citizen_check(body),
        "mobile": f"1380000000{number % 10}",
        "village_code": PRACTICE_VILLAGE,
        "address": "练习村一组",
        "delivery": str(b.Delivery.VILLAGE),
    }


def prepare(tx: sa.Connection, desk: Session) -> None:
    """Put the packaged catalogue, the drafts and the cases into the practice's database."""
    desk.village.office.shelf.put_catalogue(tx, encode_catalogue(load_catalogue()))
    desk.village.office.refresh(tx)
    drafts, officer = desk.intake.drafts, desk.actor.officer
    full = _sheet(desk, RELIEF, 0, _relief("因病住院"))
    drafts.start(tx, officer, Sheet(RELIEF, {"name": NOBODY_NAMES[1]}), place="applicant.id_no")
    drafts.start(tx, officer, Sheet(RELIEF, full.applicant, {"hardship_type": "支出型"}), place="form.reason")
    story = _Story(tx, desk)
    story.returned(_sheet(desk, RELIEF, 2, _relief("房屋受损")))
    story.decided(_sheet(desk, RELIEF, 3, _relief("家人重病")))
    story.under_way(_sheet(desk, RELIEF, 4, _relief("秋汛受灾")))


def _relief(reason: str) -> dict[str, object]:
    return {"hardship_type": "支出型", "reason": reason, "amount_requested": "3000", "urgent": False}


def _sheet(desk: Session, code: str, number: int, form: dict[str, object]) -> Sheet:
    materials = tuple(
        HandedIn(asked.name, asked.originals, max(1, asked.copies))
        for asked in desk.intake.item(code).materials
        if asked.need is Need.REQUIRED
    )
    return Sheet(code, nobody(number), form, materials)


class _Story:
    """Writes the steps of all desks into the one casebook; nothing is said in a stream, so nothing waits to be sent."""

    def __init__(self, tx: sa.Connection, desk: Session) -> None:
        self._tx, self._desk = tx, desk

    def submit(self, sheet: Sheet, ago: timedelta) -> Case:
        checked = self._desk.intake.checked(sheet)
        case = self._at(PRACTICE_VILLAGE, ago).submit(self._tx, self._desk.actor, checked.submission())
        note_person(self._tx, case)
        return case

    def step(self, case: CaseId, node: NodeId, role: Role, ago: timedelta, body: b.Body) -> None:
        officer = Actor(f"practice-{role}", OFFICERS[role], role)
        self._at(node, ago).act(self._tx, case, officer, body)

    def returned(self, sheet: Sheet) -> None:
        """Sent back by the township with one field named."""
        case = self.submit(sheet, timedelta(days=2))
        asked = b.SupplementRequested((), ("reason",), "请写明房屋受损的时间和程度。")
        self.step(case.id, PRACTICE_TOWN, Role.WINDOW, timedelta(days=1), asked)

    def under_way(self, sheet: Sheet) -> Case:
        """Accepted at the city, the limit running."""
        case = self.submit(sheet, timedelta(days=3))
        item = self._desk.intake.item(sheet.item)
        accepted = b.CaseAccepted(
            "材料齐全", 0, b.LimitMode(str(item.limit_mode)), item.promised_days, item.statutory_days
        )
        self.step(case.id, PRACTICE_TOWN, Role.WINDOW, timedelta(days=2), b.CaseForwarded("材料齐全"))
        self.step(case.id, PRACTICE_CITY, Role.WINDOW, timedelta(days=2, minutes=-9), accepted)
        return case

    def decided(self, sheet: Sheet) -> None:
        """Granted, on its way back to be handed over here."""
        case = self.under_way(sheet)
        city, hours = PRACTICE_CITY, timedelta(hours=1)
        grant = b.CaseDecided(True, "同意救助", "", "练习 1 号")
        self.step(
            case.id, city, Role.WINDOW, hours * 30, b.CaseAssigned(f"practice-{Role.HANDLER}", "民政局")
        )
        self.step(case.id, city, Role.HANDLER, hours * 28, b.CaseHandled("属实", b.Advice.GRANT))
        self.step(case.id, city, Role.REVIEWER, hours * 26, b.CaseReviewed("同意", b.Advice.GRANT))
        self.step(case.id, city, Role.DECIDER, hours * 24, grant)

    def _at(self, node: NodeId, ago: timedelta) -> Casework:
        def unsaid(*args: object, **values: object) -> None:
            """Nothing leaves a practice."""

        book = self._desk.village.office.casebook
        earlier = _Earlier(self._desk.world, ago)
        return Casework(book, node, earlier, post=unsaid, offer_files=unsaid)
