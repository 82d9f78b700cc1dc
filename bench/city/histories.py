"""What becomes of the cases of one day: taken in where people live, forwarded, accepted, decided, handed over, rated."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from bench.city.story import CITY, OfficeHours, Story, Team
from bench.city.years import LAST_DAY, DayPlan
from core import bodies as b
from core.calendar import WorkCalendar
from core.catalogue import Catalogue
from core.fees import bill
from core.identifiers import NodeId, Tier, case_id, division_of, tier_of, township_of
from core.items import Item, Need
from core.messages import Actor, CaseMessage, Role
from core.regions import Divisions
from deploy.demo.answers import answers
from deploy.demo.people import invent, invent_name

LAGS = (0.35, 0.35, 0.2, 0.1)
"""How many working days pass between handing in and acceptance, by share."""
COUNTERS_A_LAG = 150
LATE, SUSPENDED, SENT_BACK, DENIED, WITHDRAWN, SUPPLEMENTED, KEPT_LONG = (
    0.012,
    0.02,
    0.01,
    0.02,
    0.005,
    0.06,
    0.004,
)
"""Shares of the cases accepted. ``KEPT_LONG``: never fetched by who had applied."""
RATED, DISPLEASED = 0.35, 0.04
LATEST = 0.95
"""Of the last day's office hours: nothing is said after it."""
_DELIVERY = (b.Delivery.VILLAGE, b.Delivery.VILLAGE, b.Delivery.WINDOW, b.Delivery.POST)


@dataclass(frozen=True, slots=True)
class Town:
    """Everything the days have in common; made from the seed alone."""

    calendar: WorkCalendar
    catalogue: Catalogue
    divisions: Divisions
    teams: Mapping[str, Team]
    item_weights: tuple[float, ...]
    township_weights: Mapping[str, float]
    seed: int

    @classmethod
    def make(cls, calendar: WorkCalendar, catalogue: Catalogue, divisions: Divisions, seed: int) -> "Town":
        chance = Random(f"{seed}/town")
        codes = sorted({item.department.code for item in catalogue.items})
        teams = {code: Team.of(code, [invent_name(chance) for _ in range(5)]) for code in codes}
        weights = []
        for item in catalogue.items:
            reach = 3.0 if Tier.VILLAGE in item.accept_tiers else 1.0
            weights.append(reach * chance.uniform(0.2, 2.0))
        towns = {one.code: chance.uniform(0.5, 2.0) for one in divisions.townships()}
        return cls(calendar, catalogue, divisions, teams, tuple(weights), towns, seed)


def cases_of(town: Town, planned: DayPlan) -> Iterator[list[CaseMessage]]:
    """The messages of every case of a day, case by case; the same for the same seed."""
    return _Day(town, planned).cases()


class _Day:
    def __init__(self, town: Town, planned: DayPlan) -> None:
        self.town = town
        self.planned = planned
        self.chance = Random(f"{town.seed}/{planned.day}")
        self.hours = OfficeHours(town.calendar, planned.day)
        # The last point of time at which the books may hold anything, in days from this one.
        before = town.calendar.workdays_before
        self.end = before(LAST_DAY) - before(planned.day) + LATEST
        self.issued: Counter[tuple[NodeId, int]] = Counter()

    def cases(self) -> Iterator[list[CaseMessage]]:
        planned = self.planned
        for number in range(planned.accepted):
            yield self._accepted(is_open=number < planned.left_open)
        for _ in range(planned.turned_away):
            yield self._turned_away()
        for _ in range(planned.waiting):
            yield self._waiting()

    # -- those that were accepted

    def _accepted(self, *, is_open: bool) -> list[CaseMessage]:
        chance, item = self.chance, self._item()
        origin = self._origin(item)
        team = self.town.teams[item.department.code]
        point = chance.uniform(0.02, 0.85)
        lag = 0 if origin == CITY else chance.choices(range(len(LAGS)), LAGS)[0]
        story = self._submitted(item, origin, lag, point)
        self._to_the_city(story, item, origin, lag, point)
        total_fen = bill(item, {fee.name: "1" for fee in item.fees}).total_fen
        story.say(
            point,
            CITY,
            team.window,
            b.CaseAccepted("材料齐全", total_fen, item.limit_mode, item.promised_days, item.statutory_days),
        )
        if total_fen and chance.random() < 0.97:
            number = f"{self.planned.day:%Y%m%d}{chance.randint(1, 99999):05d}"
            story.say(point + 0.003, CITY, team.window, b.FeePaid(total_fen, number))
        if is_open:
            self._left_open(story, item, team, point)
        elif item.is_immediate:
            self._verified(story, item, team, point)
        else:
            self._decided(story, item, team, point)
        return story.messages

    def _verified(self, story: Story, item: Item, team: Team, point: float) -> None:
        """A general item: a second officer the same day, but for the late ones."""
        chance = self.chance
        late = chance.random() < LATE / 2
        done = point + chance.uniform(1.0, 2.5) if late else chance.uniform(point, 0.96)
        done = min(max(done, point + 0.01), self.end - 0.02)
        self._decide(story, item, team.decider, done)
        self._handed_over(story, team, done)

    def _decided(self, story: Story, item: Item, team: Team, point: float) -> None:
        """A complex item: handled, reviewed and decided by three, within the five days or late."""
        chance = self.chance
        takes = 0.1 + 4.7 * chance.betavariate(1.2, 3.2)
        if chance.random() < LATE:
            takes = chance.uniform(5.2, 12.0) if chance.random() < 0.9 else chance.uniform(22.0, 35.0)
        done = min(point + takes, self.end - 0.02)
        first, second = sorted((chance.uniform(0.15, 0.9), chance.uniform(0.15, 0.9)))
        span = done - point
        handler = chance.choice(team.handlers)
        self._assign(story, item, team, handler, point + 0.05 * span)
        if item.special_procedures and chance.random() < SUSPENDED and span > 1.0:
            self._stand_still(story, item, team, point + 0.08 * span, point + 0.12 * span)
        handled, reviewed = point + first * span, point + second * span + 0.001
        if chance.random() < WITHDRAWN:
            origin = story.messages[0].node
            story.say(handled, origin, self._counter_of(origin), b.WithdrawalRequested("申请人不再需要"))
            story.say(reviewed, CITY, team.window, b.CaseWithdrawn("申请人撤回申请"))
            return
        story.say(handled, CITY, handler, b.CaseHandled("经核查，符合条件", b.Advice.GRANT))
        if chance.random() < SENT_BACK:
            between = (reviewed - handled) / 3
            story.say(handled + between, CITY, team.reviewer, b.CaseSentBack("请补充核查情况"))
            story.say(handled + 2 * between, CITY, handler, b.CaseHandled("已补充核查", b.Advice.GRANT))
        story.say(reviewed, CITY, team.reviewer, b.CaseReviewed("同意承办意见", b.Advice.GRANT))
        self._decide(story, item, team.decider, done)
        self._handed_over(story, team, done)

    def _left_open(self, story: Story, item: Item, team: Team, point: float) -> None:
        """Somewhere on its way when the books are looked at."""
        if item.is_immediate:
            return
        chance = self.chance
        span = self.end - point
        handler = chance.choice(team.handlers)
        reached = chance.randrange(5)
        if reached > 0:
            self._assign(story, item, team, handler, point + 0.1 * span)
        if reached == 4 and item.special_procedures:
            procedure = item.special_procedures[0]
            days = min(3, procedure.days_max)
            body = b.CaseSuspended(procedure.name, procedure.kind, days, procedure.unit)
            story.say(point + 0.3 * span, CITY, handler, body)
            return
        if reached > 1:
            story.say(point + 0.4 * span, CITY, handler, b.CaseHandled("经核查，符合条件", b.Advice.GRANT))
        if reached > 2:
            story.say(point + 0.7 * span, CITY, team.reviewer, b.CaseReviewed("同意", b.Advice.GRANT))

    def _assign(self, story: Story, item: Item, team: Team, handler: Actor, point: float) -> None:
        story.say(point, CITY, team.window, b.CaseAssigned(handler.officer, item.department.name))

    def _stand_still(self, story: Story, item: Item, team: Team, start: float, end: float) -> None:
        procedure = self.chance.choice(item.special_procedures)
        days = self.chance.randint(1, procedure.days_max)
        body = b.CaseSuspended(procedure.name, procedure.kind, days, procedure.unit)
        story.say(start, CITY, team.handlers[0], body)
        story.say(end, CITY, team.handlers[0], b.CaseResumed("程序已结束"))

    def _decide(self, story: Story, item: Item, decider: Actor, point: float) -> None:
        number = f"{item.department.code}〔{self.planned.day.year}〕{self.chance.randint(1, 99999)}号"
        if self.chance.random() < DENIED:
            body = b.CaseDecided(False, "", "不符合规定条件", number)
        else:
            body = b.CaseDecided(True, item.result_name, "", number)
        story.say(point, CITY, decider, body)

    def _handed_over(self, story: Story, team: Team, decided: float) -> None:
        chance, submission = self.chance, story.messages[0]
        assert isinstance(submission.body, b.CaseSubmitted)
        origin, deliver = submission.node, submission.body.deliver
        point = decided + chance.uniform(0.005, 4.0)
        if point > self.end or chance.random() < KEPT_LONG:
            return
        by_origin = deliver is b.Delivery.VILLAGE and origin != CITY
        node, actor = (origin, self._counter_of(origin)) if by_origin else (CITY, team.window)
        story.say(point, node, actor, b.ResultDelivered(deliver, submission.body.applicant.name))
        if chance.random() < RATED:
            level = (
                chance.choice((4, 5)) if chance.random() < DISPLEASED else chance.choice((1, 1, 1, 2, 2, 3))
            )
            story.say(point + 0.002, node, actor, b.CaseRated(level))

    # -- those that were not

    def _turned_away(self) -> list[CaseMessage]:
        chance, item = self.chance, self._item()
        origin = self._origin(item)
        point = chance.uniform(0.3, 0.9)
        story = self._submitted(item, origin, 0, point)
        desk, actor = self._first_desk(item, origin)
        if chance.random() < 0.7:
            body: b.Body = b.CaseRefused("不属于本机关职权范围", "请向有权机关申请")
        else:
            story.say(point, origin, self._counter_of(origin), b.WithdrawalRequested("申请人不再需要"))
            body = b.CaseWithdrawn("申请人撤回申请")
        story.say(point + 0.01, desk, actor, body)
        return story.messages

    def _waiting(self) -> list[CaseMessage]:
        """Handed in and not accepted yet: at the township's window, at the city's, or back for a supplement."""
        chance, item = self.chance, self._item()
        origin = self._origin(item)
        point = chance.uniform(0.3, 0.8)
        story = self._submitted(item, origin, 0, point)
        desk, actor = self._first_desk(item, origin)
        way = chance.random()
        if way < 0.2:
            story.say(point, desk, actor, b.SupplementRequested((item.materials[0].name,), (), "请补齐"))
        elif way < 0.7 and desk != CITY:
            story.say(point, desk, actor, b.CaseForwarded("材料齐全，转市中心"))
        return story.messages

    # -- the way to the city

    def _submitted(self, item: Item, origin: NodeId, lag: int, point: float) -> Story:
        chance, day = self.chance, self.planned.day
        start = point * chance.uniform(0.05, 0.3) - lag
        handed_in = self.hours.instant(start).date()
        person = invent(chance, handed_in)
        village = origin if tier_of(division_of(origin)) is Tier.VILLAGE else self._village(origin)
        self.issued[origin, lag] += 1
        counter = lag * COUNTERS_A_LAG + self.issued[origin, lag]
        story = Story(self.hours, chance, case_id(origin, handed_in, counter))
        applicant = b.Applicant(
            name=person.name,
            id_type=b.IdType.ID_CARD,
            id_no=person.id_no,
            mobile=person.mobile,
            village_code=division_of(village),
            address=f"{chance.randint(1, 18)}组{chance.randint(1, 90)}号",
            delivery=b.Delivery.WINDOW if origin == CITY else chance.choice(_DELIVERY),
        )
        materials = tuple(
            b.Material(one.name, min(one.originals, 1), one.copies)
            for one in item.materials
            if one.need is Need.REQUIRED
        )
        form = answers(item, person, chance, handed_in)
        body = b.CaseSubmitted(
            item.code, self.town.catalogue.version, applicant, form, materials, (), item.confidential
        )
        story.say(start, origin, self._counter_of(origin), body)
        assert day - handed_in < timedelta(days=30)
        return story

    def _to_the_city(self, story: Story, item: Item, origin: NodeId, lag: int, accepted: float) -> None:
        """Supplemented where that was needed, forwarded by the township, all before it is accepted."""
        chance, desk = self.chance, self._first_desk(item, origin)
        begun = accepted * 0.35 - lag
        span = accepted - begun
        if origin != CITY and chance.random() < SUPPLEMENTED:
            missing = (chance.choice(item.materials).name,)
            story.say(begun + 0.1 * span, *desk, b.SupplementRequested(missing, (), "请补齐后重新提交"))
            counter = self._counter_of(origin)
            story.say(begun + 0.5 * span, origin, counter, b.CaseResubmitted(note="已补齐"))
        if desk[0] != CITY:
            story.say(begun + 0.8 * span, *desk, b.CaseForwarded("材料齐全，转市中心"))

    def _first_desk(self, item: Item, origin: NodeId) -> tuple[NodeId, Actor]:
        if origin == CITY or item.confidential:
            return CITY, self.town.teams[item.department.code].window
        township = NodeId(township_of(division_of(origin)))
        return township, Actor("w1", "镇窗口", Role.WINDOW)

    def _item(self) -> Item:
        return self.chance.choices(self.town.catalogue.items, self.town.item_weights)[0]

    def _origin(self, item: Item) -> NodeId:
        """Villages take in most of what they may, the city's window the least."""
        chance = self.chance
        weights = {Tier.VILLAGE: 0.72, Tier.TOWNSHIP: 0.2, Tier.CITY: 0.08}
        tiers = list(item.accept_tiers)
        tier = chance.choices(tiers, [weights[one] for one in tiers])[0]
        if tier is Tier.CITY:
            return CITY
        codes = list(self.town.township_weights)
        township = chance.choices(codes, list(self.town.township_weights.values()))[0]
        return NodeId(township if tier is Tier.TOWNSHIP else self._village(NodeId(township)))

    def _village(self, at: NodeId) -> NodeId:
        division = division_of(at)
        if tier_of(division) is Tier.CITY:
            return NodeId(self.chance.choice(self.town.divisions.villages()).code)
        below = self.town.divisions.children(division)
        return NodeId(self.chance.choice(below).code if below else division)

    def _counter_of(self, origin: NodeId) -> Actor:
        """Who takes in at a place."""
        tier = tier_of(division_of(origin))
        if tier is Tier.CITY:
            return Actor("hall", "大厅窗口", Role.WINDOW)
        return (
            Actor("a1", "代办员", Role.AGENT) if tier is Tier.VILLAGE else Actor("w1", "镇窗口", Role.WINDOW)
        )
