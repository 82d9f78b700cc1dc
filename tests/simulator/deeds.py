"""What people and nodes do in one go, each with what must be true of the disk whenever the power goes meanwhile."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from city_node.publishing import publish
from core import bodies as b
from core.catalogue import encode_catalogue
from core.errors import LiandongError
from core.identifiers import CaseId, NodeId
from core.messages import Actor, Role
from core.people import citizen_check
from sync import audit, contact, meeting
from sync.bundle import Kind, read_bundle
from sync.compose import compose
from sync.node import Node
from sync.primitives import sha256
from tests.simulator.deed import Deed
from tests.simulator.invented import ITEM_CODES, sheet_for, small_catalogue
from tests.simulator.judge import Judge
from tests.simulator.ledger import ID_MARK, MOBILE_MARK, NAME_MARK, Person, Slip
from tests.simulator.platter import Platter
from tests.simulator.site import Site
from tests.simulator.trio import CITY, TOWNSHIP, VILLAGE, Moment, Trio
from village_agent.people_seen import find_cases

AGENT, CLERK = Actor("a1", "李代办", Role.AGENT), Actor("w1", "周窗口", Role.WINDOW)
_BODY = f"{ID_MARK}600101123"
ID_NO = _BODY + citizen_check(_BODY)
SCANS = (bytes(range(256)) * 8, b"\xff\xd8" + bytes(range(200)) * 200)
"""Two papers, the second of two chunks."""
APPLICANT = Person(1, f"李{NAME_MARK}", ID_NO, f"{MOBILE_MARK}001", ITEM_CODES[0], b.Delivery.VILLAGE, SCANS)
BUDGET_BYTES = 1 << 20
UNSEALED = "SELECT 1 FROM message WHERE seq IS NULL"
CUSTODY_RECEIPTS = "SELECT number FROM receipt WHERE kind = 'custody'"
RELEASED = (
    "SELECT 1 FROM delivery JOIN envelope USING (stream_id) WHERE peer = '430981102000' AND seq <= acked_seq"
)


class TrioDeed(Deed):
    """A deed at one of three machines; ``at`` is the one whose power goes."""

    at: NodeId

    def __init__(self, trio: Trio, base: Moment) -> None:
        self.trio = trio
        self.slip: Slip | None = None
        trio.put_back(base, "prepare")
        self.prepare()
        self.moment = trio.moment()

    @property
    def platter(self) -> Platter:
        return self.trio.platter(self.at)

    @property
    def site(self) -> Site:
        return self.trio.site(self.at)

    def put_back(self, seed: str) -> None:
        self.trio.put_back(self.moment, seed)
        if self.slip is not None:
            self.trio.ledger.slips[self.slip.case_id] = self.slip
        assert self.site.is_up

    def reopen(self, *, killed: bool = False) -> None:
        if killed:
            site = self.site
            site.shut_peephole()
            self.trio.disk(self.at).kill_program(_open(site.db))
            site.db = site.node = site.office = site.village = site.intake = site.program = None
            self.trio.site(self.at)
        else:
            self.trio.reopen(self.at)

    def look(self, said: Any) -> list[str]:
        site = self.site
        found = [
            f"chunk {name} counts before its content does"
            for name in self.trio.disk(self.at).damaged_chunks()
        ]
        if self.count("PRAGMA integrity_check", "ok"):
            found.append("integrity_check")
        if site.peep().execute("PRAGMA foreign_key_check").fetchall():
            found.append("foreign_key_check")
        try:
            with _open(site.db).reading() as tx:
                audit.verify(tx)
        except LiandongError as error:
            found.append(error.code)
        done = self.is_done()
        if said is not None and not done:
            found.append("was told as done, and is not there")
        return found + self.halves(done)

    def finish(self, said: Any) -> list[str]:
        self.again(said)
        self.trio.settle()
        return [str(violation) for violation in self.trio.verdict()] + self.ending()

    def count(self, query: str, *unlike: Any) -> int:
        """Rows of a query on the disk of this deed, those that equal ``unlike`` left out."""
        return sum(row[:1] != unlike for row in self.site.peep().execute(query).fetchall())

    def prepare(self) -> None:
        """What is there before the deed."""

    def halves(self, done: bool) -> list[str]:
        """Parts of the effect that are there without the others."""
        return []

    def again(self, said: Any) -> None:
        """What somebody does who does not find it done."""
        if not self.is_done():
            self.do()

    def ending(self) -> list[str]:
        """What is wrong when all is at rest, beside the promises that the judge knows."""
        return []

    def take_in(self) -> CaseId:
        """A case with two scans, at the village."""
        site = self.trio.site(VILLAGE)
        assert site.intake is not None
        sheet = sheet_for(APPLICANT, site.intake.item(APPLICANT.item), VILLAGE, site.clock, site.disk)
        with _open(site.db).transaction() as tx:
            case_id = site.intake.submit(tx, AGENT, sheet).id
        self.trio.print_slip(APPLICANT, case_id)
        self.slip = self.trio.ledger.slips[case_id]
        return case_id


def _open(db: Any) -> Any:
    assert db is not None
    return db


def _differing(done: bool, **counts: int) -> list[str]:
    return [f"{what}: {count}, done: {done}" for what, count in counts.items() if count != int(done)]


class DraftSaved(TrioDeed):
    """Something was typed, and painted as saved."""

    name, at = "draft", VILLAGE

    def do(self) -> Any:
        site = self.site
        assert site.intake is not None
        person = replace(APPLICANT, scans=())
        sheet = sheet_for(person, site.intake.item(person.item), VILLAGE, site.clock, site.disk)
        with _open(site.db).transaction() as tx:
            return site.intake.drafts.start(tx, AGENT.officer, sheet).id

    def is_done(self) -> bool:
        return self.count("SELECT id FROM draft") > 0

    def halves(self, done: bool) -> list[str]:
        whole = f"SELECT 1 FROM draft WHERE instr(data, '{ID_NO}')"
        return _differing(done, drafts=self.count("SELECT id FROM draft"), whole=self.count(whole))

    def ending(self) -> list[str]:
        return self.halves(True)


class Intake(TrioDeed):
    """Two scans are attached to a draft, and it is submitted: slip if and only if case."""

    name, at = "intake", VILLAGE

    def prepare(self) -> None:
        self.draft: str = DraftSaved.do(self)  # type: ignore[arg-type]

    def do(self) -> Any:
        site = self.site
        intake, db = site.intake, _open(site.db)
        assert intake is not None
        sheet = sheet_for(APPLICANT, intake.item(APPLICANT.item), VILLAGE, site.clock, site.disk)
        for material in sheet.materials:
            with db.transaction() as tx:
                intake.drafts.put_material(tx, self.draft, material)
        with db.transaction() as tx:
            return intake.submit_draft(tx, AGENT, intake.drafts.get(tx, self.draft)).id

    def is_done(self) -> bool:
        return bool(self._cases())

    def halves(self, done: bool) -> list[str]:
        return _differing(
            done,
            cases=self.count("SELECT id FROM case_file"),
            people=len(self._cases()),
            messages=self.count("SELECT 1 FROM message WHERE type = 'CaseSubmitted'"),
            audit_lines=self.count("SELECT 1 FROM audit WHERE action = 'case.submitted'"),
            submitted_drafts=1 - self.count("SELECT id FROM draft"),
            all_files=self.count("SELECT 1 FROM attachment") // len(SCANS),
        )

    def again(self, said: Any) -> None:
        super().again(said)
        self.trio.print_slip(APPLICANT, self._cases()[0])

    def _cases(self) -> list[CaseId]:
        with _open(self.site.db).reading() as tx:
            return find_cases(tx, ID_NO)


class Forwarding(TrioDeed):
    """A township's clerk passes a case on to the city."""

    name, at = "forward", TOWNSHIP

    def prepare(self) -> None:
        self.case_id = self.take_in()
        self.trio.settle()

    def do(self) -> Any:
        site = self.site
        assert site.office is not None
        with _open(site.db).transaction() as tx:
            return site.office.casework.act(tx, self.case_id, CLERK, b.CaseForwarded("材料齐全")).version

    def is_done(self) -> bool:
        assert self.site.office is not None
        with _open(self.site.db).reading() as tx:
            return self.site.office.casebook.get(tx, self.case_id).holder != TOWNSHIP

    def halves(self, done: bool) -> list[str]:
        return _differing(
            done,
            messages=self.count("SELECT 1 FROM message WHERE type = 'CaseForwarded'"),
            steps=self.count("SELECT 1 FROM case_message WHERE instr(data, '\"CaseForwarded\"')"),
        )

    def ending(self) -> list[str]:
        return self.halves(True)


class Taking(TrioDeed):
    """The neighbour above takes a bundle over, brings it into effect, and answers with what it signs for."""

    name, at, below = "take at township", TOWNSHIP, VILLAGE

    def prepare(self) -> None:
        self.take_in()
        self.pack()

    def pack(self) -> None:
        """The bundle, on its way."""
        node = self.trio.site(self.below).node
        assert node is not None
        self.bundle = compose(node, self.at, budget_bytes=BUDGET_BYTES).data
        self.certificate = node.keyring.pair.signing.der

    def do(self) -> Any:
        assert self.site.node is not None
        return meeting.answer(self.site.node, self.certificate, self.bundle)

    def is_done(self) -> bool:
        return self.count("SELECT id FROM case_file") > 0

    def look(self, said: Any) -> list[str]:
        found = super().look(said)
        if said is not None:
            # The answer had left: what it signs for, the neighbour below lets go of.
            node = self.trio.site(self.below).node
            assert node is not None
            contact.take(node, said, carrier="extranet", expected=self.at)
        judge = Judge(self.trio.ledger, self.trio.world.sites, lambda: 0.0)
        judge.after_contact(self.trio.world.sites[self.below], self.site)
        return found + [str(violation) for violation in judge.broken]

    def halves(self, done: bool) -> list[str]:
        return _differing(
            done, effects_marked=self.count("SELECT 1 FROM applied_message WHERE subject <> ''")
        )

    def again(self, said: Any) -> None:
        """Nobody does anything: the next meeting must do."""


class TakingAtCity(Taking):
    name, at, below = "take at city", CITY, TOWNSHIP

    def prepare(self) -> None:
        self.take_in()
        self.trio.meet(VILLAGE)
        self.pack()


class Applying(Taking):
    """What is held takes effect, as after a power cut between the two."""

    name, at, below = "apply", TOWNSHIP, VILLAGE

    def prepare(self) -> None:
        self.take_in()
        applying, Node.apply_ready = Node.apply_ready, lambda self: None  # type: ignore[method-assign,assignment]
        try:
            self.trio.meet(VILLAGE)
        finally:
            Node.apply_ready = applying  # type: ignore[method-assign]

    def do(self) -> Any:
        assert self.site.node is not None
        return self.site.node.apply_ready()

    def look(self, said: Any) -> list[str]:
        return TrioDeed.look(self, said)


class Sealing(TrioDeed):
    """What waits is sealed, and a bundle is ready to go."""

    name, at = "seal", VILLAGE

    def prepare(self) -> None:
        self.take_in()
        self.waiting = self.count(UNSEALED)

    def do(self) -> Any:
        assert self.site.node is not None
        return compose(self.site.node, TOWNSHIP, budget_bytes=BUDGET_BYTES).data

    def is_done(self) -> bool:
        return self.count("SELECT 1 FROM message WHERE type = 'CaseSubmitted' AND seq IS NOT NULL") > 0

    def look(self, said: Any) -> list[str]:
        ours = {bytes(digest) for (digest,) in self.site.peep().execute("SELECT digest FROM envelope")}
        frames = read_bundle(said) if said is not None else ()
        sent = {sha256(frame.payload) for frame in frames if frame.kind is Kind.ENVELOPE}
        return super().look(said) + (
            ["an envelope went out that is not here any more"] if sent - ours else []
        )

    def halves(self, done: bool) -> list[str]:
        waiting = self.count(UNSEALED)
        return [] if waiting == (0 if done else self.waiting) else [f"{waiting} wait, done: {done}"]

    def again(self, said: Any) -> None:
        if said is not None:
            # It had left before the power went.
            above, node = self.trio.site(TOWNSHIP).node, self.site.node
            assert above is not None and node is not None
            meeting.answer(above, node.keyring.pair.signing.der, said)


class FilingReceipts(TrioDeed):
    """The answer comes, with the township's signatures."""

    name, at = "receipts", VILLAGE

    def prepare(self) -> None:
        self.take_in()
        node, above = self.site.node, self.trio.site(TOWNSHIP).node
        assert node is not None and above is not None
        bundle = compose(node, TOWNSHIP, budget_bytes=BUDGET_BYTES)
        self.number = bundle.number
        self.answer = meeting.answer(above, node.keyring.pair.signing.der, bundle.data)
        self.receipts, self.released = self.count(CUSTODY_RECEIPTS), self.count(RELEASED)

    def do(self) -> Any:
        node = self.site.node
        assert node is not None
        return contact.take(node, self.answer, carrier="extranet", expected=TOWNSHIP, answers=self.number)

    def is_done(self) -> bool:
        return self.count(CUSTODY_RECEIPTS) > self.receipts

    def halves(self, done: bool) -> list[str]:
        judge = Judge(self.trio.ledger, self.trio.world.sites, lambda: 0.0)
        judge.after_contact(self.site, self.trio.world.sites[TOWNSHIP])
        released = self.count(RELEASED) > self.released
        return [str(v) for v in judge.broken] + ([] if released == done else [f"released: {released}"])

    def again(self, said: Any) -> None:
        """Nobody does anything: the next meeting must do."""


class Publishing(TrioDeed):
    """The city publishes a new catalogue."""

    name, at = "publish", CITY

    def do(self) -> Any:
        return publish(self.site.program, "catalogue", encode_catalogue(small_catalogue(2)))

    def is_done(self) -> bool:
        return self.count("SELECT 1 FROM publication WHERE version = 2") > 0

    def halves(self, done: bool) -> list[str]:
        return _differing(
            done,
            messages=self.count("SELECT 1 FROM message WHERE type = 'CataloguePublished'") - 1,
            audit_lines=self.count("SELECT 1 FROM audit WHERE action = 'catalogue.published'"),
        )

    def ending(self) -> list[str]:
        village = self.trio.site(VILLAGE).office
        assert village is not None
        return [] if village.shelf.version == 2 else ["the village never got the catalogue"]


TRIO_DEEDS: tuple[type[TrioDeed], ...] = (
    DraftSaved,
    Intake,
    Sealing,
    Taking,
    Applying,
    FilingReceipts,
    Forwarding,
    TakingAtCity,
    Publishing,
)


def settled(folder: Path) -> tuple[Trio, Moment]:
    """Three machines that have met, with the catalogue in force everywhere."""
    trio = Trio(1, folder)
    trio.settle()
    return trio, trio.moment()
