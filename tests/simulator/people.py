"""The people: applicants who come and wait, agents who take in, clerks and officers who work what lies on their desk.

They are no more careful than real ones. Somebody told that the disk is full comes again later; after a power cut, or
a write of unknown outcome, the agent looks the applicant up and enters the case only if it is not there.
"""

import random
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import sqlalchemy as sa

from core import bodies as b
from core.case import Case
from core.errors import LiandongError
from core.identifiers import CaseId, NodeId, Tier
from core.items import Item
from core.messages import Actor, Body, Role, encode
from core.states import State
from core.store.refusals import CommitUnknown
from sync import epoch
from tests.simulator.disk import SimulatedCrash
from tests.simulator.invented import invent, sheet_for, small_catalogue
from tests.simulator.judge import REFUSALS, Judge
from tests.simulator.ledger import Done, Ledger, Person, Slip
from tests.simulator.site import Site
from tests.simulator.timeline import Timeline
from village_agent.outlook import Wording, outlook
from village_agent.people_seen import find_cases

THINK_S = (30, 900)
COME_AGAIN_S = (600, 2400)
FINAL = {State.REFUSED, State.DELIVERED, State.WITHDRAWN, State.VOID}


class Offices(Protocol):
    """What people need of the world around them."""

    timeline: Timeline
    ledger: Ledger
    judge: Judge
    sites: dict[NodeId, Site]
    people_until_s: float

    def say(self, what: str, who: str, **facts: object) -> None: ...
    def crashed(self, crash: SimulatedCrash) -> None: ...
    def restart(self, site: Site, why: str) -> None: ...
    def touched(self, site: Site) -> None: ...


class People:
    """All who work or wait in this city."""

    def __init__(self, around: Offices, seed: str) -> None:
        self.around = around
        self.chance = random.Random(seed)
        self.items = small_catalogue().items
        self._count = 0

    def arrive(self, village: Site) -> None:
        """Somebody comes to a village's counter."""
        self._count += 1
        person = invent(self.chance, self._count, self.chance.choice(self.items))
        self.around.ledger.applicants[person.id_no] = person
        self._serve(village, person)

    def look_at_desk(self, site: Site) -> None:
        """Whatever newly lies on this desk will be worked on after a while."""
        rows = site.peep().execute(
            "SELECT id, version FROM case_file WHERE holder = ? AND hold IS NULL ORDER BY id", (site.name,)
        )
        for case_id, version in rows.fetchall():
            if (case_id, version) not in site.on_desk:
                site.on_desk.add((case_id, version))
                self._later(THINK_S, partial(self._work, site, CaseId(case_id), version))

    def _serve(self, site: Site, person: Person) -> None:
        if site.is_up and self._is_recovering(site):
            # Whether the person has been here before nobody can say until the township has been asked.
            self._later(COME_AGAIN_S, lambda: self._serve(site, person))
            return
        known = self._find(site, person) if site.is_up else None
        if known is not None:
            self._print(site, person, known)
        elif site.is_up:
            self._attempt(site, lambda: self._apply(site, person), lambda: self._serve(site, person))
        else:
            self._later(COME_AGAIN_S, lambda: self._serve(site, person))

    def _is_recovering(self, site: Site) -> bool:
        assert site.db is not None
        with site.db.reading() as tx:
            return bool(epoch.recovering(tx))

    def _find(self, site: Site, person: Person) -> CaseId | None:
        assert site.db is not None
        with site.db.reading() as tx:
            found = find_cases(tx, person.id_no)
        return found[0] if found else None

    def _apply(self, site: Site, person: Person) -> None:
        assert site.intake is not None and site.db is not None
        item = site.intake.item(person.item)
        sheet = sheet_for(person, item, site.name, site.clock, site.disk)
        with site.db.transaction() as tx:
            case = site.intake.submit(tx, _agent(site), sheet)
        self._note_done(site, case.id)
        self._print(site, person, case.id)
        if self.chance.random() < 0.2:
            # Said at once, it travels in a faster lane than the application itself.
            self._act(site, case, _agent(site), b.NoteAdded("申请人下午不在家"))

    def _print(self, site: Site, person: Person, case_id: CaseId) -> None:
        """The slip goes out of the door: from here on the judge holds the office to it."""
        assert site.db is not None and site.office is not None
        with site.db.reading() as tx:
            messages = site.office.casebook.messages(tx, case_id)
            confidential = site.office.casebook.get(tx, case_id).confidential
        submitted = next(encode(m) for m in messages if isinstance(m.body, b.CaseSubmitted))
        slip = Slip(case_id, person, site.name, self.around.timeline.now_s, confidential, submitted)
        self.around.ledger.slips.setdefault(case_id, slip)
        self.around.say("slip", site.name, case=case_id, person=person.number, scans=len(person.scans))

    def wording_of(self, site: Site, case_id: CaseId) -> Wording | None:
        """What a slip printed now would say; None on a disk that was put back and has not been completed yet."""
        assert site.db is not None and site.village is not None
        with site.db.reading() as tx:
            case = self._known(tx, site, case_id)
            return None if case is None else outlook(tx, site.village, case).wording

    def _known(self, tx: sa.Connection, site: Site, case_id: CaseId) -> Case | None:
        assert site.office is not None
        case = site.office.casebook.find(tx, case_id)
        if case is None and not site.restores:
            self.around.judge.breaks("S1", site.name, f"does not know {case_id}, which it took in")
        return case

    def _work(self, site: Site, case_id: CaseId, version: str) -> None:
        if not site.is_up or (case_id, version) not in site.on_desk:
            return
        assert site.db is not None and site.office is not None
        with site.db.reading() as tx:
            case = site.office.casebook.get(tx, case_id)
        if case.version != version or case.holder != site.name:
            return
        item = next(item for item in self.items if item.code == case.item)
        actor, body = self._choose(site, case, item)
        again = partial(self._work, site, case_id, version)
        self._attempt(site, lambda: self._act(site, case, actor, body), again)
        if site.is_up and self.chance.random() < 0.1:
            note = b.NoteAdded(f"{self.chance.randrange(100)} 号来电询问")
            self._attempt(site, lambda: self._act(site, case, _anyone(site), note), None)

    def _act(self, site: Site, case: Case, actor: Actor, body: Body) -> None:
        assert site.db is not None and site.office is not None
        with site.db.transaction() as tx:
            if isinstance(body, b.CaseResubmitted):
                self._resubmit(tx, site, case, actor, body)
            else:
                site.office.casework.act(tx, case.id, actor, body)
        self._note_done(site, case.id)

    def _resubmit(
        self, tx: sa.Connection, site: Site, case: Case, actor: Actor, body: b.CaseResubmitted
    ) -> None:
        assert site.intake is not None
        person = self.around.ledger.applicants[case.applicant.id_no]
        item = site.intake.item(case.item)
        sheet = sheet_for(person, item, site.name, site.clock, site.disk, note=body.note)
        site.intake.resubmit(tx, actor, case.id, sheet, note=body.note)

    def _note_done(self, site: Site, case_id: CaseId) -> None:
        row = site.peep().execute(
            "SELECT message_id, type FROM message WHERE subject = ? ORDER BY rowid DESC LIMIT 1", (case_id,)
        )
        message_id, type_ = row.fetchone() or ("", "nothing was recorded")
        self.around.ledger.done.append(Done(site.name, case_id, message_id, type_))
        self.around.say("done", site.name, case=case_id, type=type_, id=message_id[:8])

    def _attempt(self, site: Site, act: Callable[[], None], again: Callable[[], None] | None) -> None:
        """Let somebody do something, and let what comes of it happen as it would."""
        try:
            act()
        except SimulatedCrash as crash:
            self.around.crashed(crash)
            # A desk is looked at anew after a power cut; somebody at a village's counter just waits.
            if again is not None and site.tier is Tier.VILLAGE:
                self._later(COME_AGAIN_S, again)
        except CommitUnknown as error:
            self.around.say("unknown", site.name, code=error.code)
            self.around.restart(site, "as the words say")
            if again is not None and site.tier is Tier.VILLAGE:
                self._later((60, 120), again)
        except LiandongError as error:
            self.around.say("told", site.name, code=error.code, en=error.en)
            self.around.judge.refused(site, error)
            if again is not None and error.code in REFUSALS:
                self._later(COME_AGAIN_S, again)
        finally:
            self.around.touched(site)

    def _later(self, span_s: tuple[int, int], what: Callable[[], None]) -> None:
        when_s = self.around.timeline.now_s + self.chance.uniform(*span_s)
        if when_s < self.around.people_until_s:
            self.around.timeline.at(when_s, what)

    def _choose(self, site: Site, case: Case, item: Item) -> tuple[Actor, Body]:
        draw = self.chance.random()
        if site.tier is Tier.VILLAGE:
            return _agent(site), self._of_agent(case, draw)
        asked = case.withdrawal_requested is not None
        if asked and case.state not in FINAL | {State.GRANTED, State.DENIED}:
            return _officer("w1", Role.WINDOW), b.CaseWithdrawn("申请人要求")
        if case.state is State.SUBMITTED:
            return _officer("w1", Role.WINDOW), _of_window(site, case, item, draw)
        return _of_officers(case, draw)

    def _of_agent(self, case: Case, draw: float) -> Body:
        if case.state in {State.SUPPLEMENT_REQUESTED, State.RETURNED}:
            if draw < 0.1:
                return b.CaseWithdrawn("不办了")
            return b.CaseResubmitted(note=f"补正 {self.chance.randrange(1000)}")
        return b.ResultDelivered(b.Delivery.VILLAGE, case.applicant.name)

    def say_something(self, site: Site, case_id: CaseId) -> None:
        """A citizen asks, rates or wants to withdraw: messages beside the chain, at any time."""
        if not site.is_up or self.around.timeline.now_s >= self.around.people_until_s:
            return
        choices: list[Any] = [b.NoteAdded("申请人来问"), b.CaseRated(self.chance.randrange(1, 6))]
        choices += [b.WithdrawalRequested("另有安排")] * (self.chance.random() < 0.3)
        body = self.chance.choice(choices)
        assert site.db is not None
        with site.db.reading() as tx:
            case = self._known(tx, site, case_id)
        if case is not None:
            self._attempt(site, lambda: self._act(site, case, _agent(site), body), None)


def _of_window(site: Site, case: Case, item: Item, draw: float) -> Body:
    decides_here = site.tier is Tier.CITY or item.decide_tier == "township"
    if draw < 0.08:
        return b.SupplementRequested((item.materials[0].name,), (), "请补一份清晰的")
    if draw < 0.11:
        return b.CaseReturned("填错了")
    if draw < 0.15:
        return b.CaseRefused("不属于本机关职权", "请向有关部门申请")
    if not decides_here:
        return b.CaseForwarded("材料齐全")
    return b.CaseAccepted("", 0, item.limit_mode, item.promised_days, item.statutory_days)


def _of_officers(case: Case, draw: float) -> tuple[Actor, Body]:
    advice = b.Advice.GRANT if draw < 0.85 else b.Advice.DENY
    decision = b.CaseDecided(draw < 0.85, "批复", "" if draw < 0.85 else "不符合条件", f"沅{case.id[-6:]}")
    if case.state in {State.ACCEPTED, State.HANDLING, State.REVIEW, State.DECISION} and draw > 0.96:
        pause = b.CaseSuspended("专家评审", b.ProcedureKind.OTHER, 10, b.DayUnit.WORKING)
        return _officer("w1", Role.WINDOW), pause
    match case.state:
        case State.VERIFYING:
            return _officer("v1", Role.REVIEWER), decision
        case State.ACCEPTED:
            return _officer("w1", Role.WINDOW), b.CaseAssigned("h1", "民政局")
        case State.HANDLING:
            return _officer("h1", Role.HANDLER), b.CaseHandled("已核", advice)
        case State.REVIEW:
            if draw < 0.08:
                return _officer("r1", Role.REVIEWER), b.CaseSentBack("再核一次")
            return _officer("r1", Role.REVIEWER), b.CaseReviewed("同意", advice)
        case State.DECISION:
            return _officer("d1", Role.DECIDER), decision
        case State.SUSPENDED:
            return _officer("w1", Role.WINDOW), b.CaseResumed("评审已毕")
        case State.SUPPLEMENT_REQUESTED | State.RETURNED:
            return _officer("w1", Role.WINDOW), b.CaseResubmitted()
        case _:
            return _officer("w1", Role.WINDOW), b.ResultDelivered(b.Delivery.WINDOW, case.applicant.name)


def _agent(site: Site) -> Actor:
    return Actor("a1", "李代办", Role.AGENT)


def _anyone(site: Site) -> Actor:
    return _agent(site) if site.tier is Tier.VILLAGE else _officer("w1", Role.WINDOW)


def _officer(officer: str, role: Role) -> Actor:
    return Actor(officer, f"{officer}号", role)
