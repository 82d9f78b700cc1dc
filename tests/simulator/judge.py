"""The promises, checked from outside: against the disks as they lie and the ledger of what people were told.

``after_contact`` looks at what a contact may have changed; ``at_rest`` looks at everything once the queues should be
empty. S names are safety, L names liveness, as in the list of invariants.
"""

import hashlib
import json
from collections.abc import Callable
from itertools import pairwise

from core.errors import LiandongError
from core.identifiers import CaseId, NodeId, Tier, division_of, parent_of, tier_of
from sync import audit
from sync.bundle import Kind, read_bundle
from sync.envelope import read_header
from sync.header import Suite
from sync.hello import read_hello
from sync.overview import ScannedFiles
from sync.stream_id import EVERYONE, Lane
from tests.simulator.disk import EMPTY_BYTES
from tests.simulator.ledger import PERSONAL, Ledger, Slip, Violation
from tests.simulator.site import Site
from village_agent.outlook import Wording

DISK_REFUSALS = {"store.full", "intake.disk_full"}
REFUSALS = {*DISK_REFUSALS, "catalogue.none_in_force", "node.recovering"}
"""What people may be told when they do nothing wrong; they come again later."""
HELD = "SELECT digest FROM envelope JOIN stream ON stream.id = stream_id WHERE key = ? AND seq = ?"


class Judge:
    """``broken`` is every violation found, each told once."""

    def __init__(self, ledger: Ledger, sites: dict[NodeId, Site], now_s: Callable[[], float]) -> None:
        self.ledger, self.sites, self.now_s = ledger, sites, now_s
        self.broken: list[Violation] = []
        self._told: set[tuple[str, str, str]] = set()
        self._acked: dict[tuple[str, bytes, str, str], int] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._audit_heads: dict[str, tuple[int, bytes]] = {}
        self._sealed: dict[tuple[bytes, int], bytes] = {}
        self._put_back: dict[str, str] = {}
        """Disks that were put back, each with the epoch that it then spoke in."""

    def forget(self, name: NodeId) -> None:
        """This disk was put back to an earlier state: what it let go of, and its log, begin there again."""
        self._acked = {key: seq for key, seq in self._acked.items() if name not in (key[0], key[2])}
        self._audit_heads.pop(name, None)
        self._put_back[name] = _epoch(self.sites[name])

    def breaks(self, promise: str, node: str, what: str) -> None:
        if (promise, node, what) not in self._told:
            self._told.add((promise, node, what))
            self.broken.append(Violation(promise, self.now_s(), node, what))

    def saw_stick(self, site: Site, data: bytes) -> None:
        """S3 on a stick that anybody may find; of a file that was cut, what is left of it."""
        if any(mark in data for mark in PERSONAL):
            self.breaks("S3", site.name, "personal data on a stick")

    def saw_bundle(self, sender: Site, data: bytes) -> None:
        """S3 on the wire, and S6: no node gives two bundles one number."""
        if any(mark in data for mark in PERSONAL):
            self.breaks("S3", sender.name, "personal data in a bundle")
        frames = list(read_bundle(data))
        for frame in frames:
            if frame.kind is Kind.ENVELOPE:
                header = read_header(frame.payload)
                if (
                    header.suite is Suite.PUBLIC_1
                    and header.readers != (EVERYONE,)
                    and header.lane != Lane.ATTACHMENT
                ):
                    self.breaks("S3", sender.name, f"an envelope of {header.origin} is not sealed")
        hello = read_hello(frames[0].payload)
        key = (hello.sender, hello.run)
        if hello.number <= self._numbers.get(key, 0):
            self.breaks("S6", sender.name, f"bundle number {hello.number} again")
        self._numbers[key] = hello.number

    def saw_log(self, line: str) -> None:
        if any(mark.decode() in line for mark in PERSONAL):
            self.breaks("S3", "log", "personal data in a log line")

    def refused(self, site: Site, error: LiandongError) -> None:
        """L4 and S9: who does nothing wrong is refused only for a cause outside, which the words name."""
        if error.code == "node.recovering" and site.restores:
            return
        if error.code not in REFUSALS:
            self.breaks("L4", site.name, f"somebody was refused without cause: {error.code} {error.en}")
        elif error.code in DISK_REFUSALS and not (site.disk.is_full or site.disk.free_bytes < EMPTY_BYTES):
            self.breaks("L4", site.name, f"{error.code}, though there is room")

    def after_contact(self, child: Site, parent: Site) -> None:
        """S8 both ways: nothing is let go that the next hop does not durably hold."""
        for giver, taker in ((child, parent), (parent, child)):
            self._check_released(giver, taker)

    def check_slip(self, slip: Slip, wording: Wording) -> None:
        """S2: the words on a slip against the copies that exist."""
        if wording is Wording.LOCAL_ONLY:
            return
        village = self.sites[slip.village]
        assert village.parent is not None
        parent = self.sites[village.parent]
        if parent.is_restored or _epoch_known(village, parent) != _epoch(parent):
            # The township has forgotten what it signed for, and the village has not heard of it yet.
            return
        row = village.peep().execute(
            "SELECT key, seq FROM message JOIN stream ON stream.id = stream_id "
            "WHERE subject = ? AND type = 'CaseSubmitted'",
            (slip.case_id,),
        )
        found = row.fetchone()
        if found is None:
            self.breaks(
                "S2", slip.village, f"slip of {slip.case_id} says {wording}, the village never said it"
            )
            return
        key, seq = found
        assert village.parent is not None
        if not self.sites[village.parent].peep().execute(HELD, (key, seq)).fetchone():
            self.breaks(
                "S2", slip.village, f"slip of {slip.case_id} says {wording}, the township has no copy"
            )
        if wording is Wording.ACCEPTED and not self._accepted_somewhere(slip):
            self.breaks("S2", slip.village, f"slip of {slip.case_id} says accepted, nobody accepted it")

    def check_audit(self, site: Site) -> None:
        """S7: the chain holds, and goes on from where it was last seen."""
        peep = site.peep()
        before = self._audit_heads.get(site.name)
        if before is not None:
            row = peep.execute("SELECT digest FROM audit WHERE number = ?", (before[0],)).fetchone()
            if row is None or row[0] != before[1]:
                self.breaks("S7", site.name, f"audit line {before[0]} is gone or changed")
        last = peep.execute("SELECT number, digest FROM audit ORDER BY number DESC LIMIT 1").fetchone()
        if last is not None:
            self._audit_heads[site.name] = (last[0], last[1])
        if site.db is not None:
            try:
                with site.db.reading() as tx:
                    audit.verify(tx)
            except LiandongError as error:
                self.breaks("S7", site.name, error.code)

    def check_numbers(self, site: Site) -> None:
        """S6: one number of a stream, one envelope, for ever; also across a crash."""
        rows = site.peep().execute(
            "SELECT key, seq, digest, previous FROM envelope JOIN stream ON stream.id = stream_id "
            "WHERE origin = ? ORDER BY key, seq",
            (site.name,),
        )
        mine = rows.fetchall()
        for key, seq, digest, _ in mine:
            if self._sealed.setdefault((key, seq), digest) != digest:
                self.breaks("S6", site.name, f"two envelopes number {seq} in one stream")
        for (key, _, digest, _), (next_key, seq, _, previous) in pairwise(mine):
            if key == next_key and previous != digest:
                self.breaks("S6", site.name, f"envelope {seq} does not follow the one before")

    def check_idle(self, site: Site) -> None:
        """L1: nothing waits any more."""
        peep = site.peep()
        for what, query in (
            ("unsealed messages", "SELECT count(*) FROM message WHERE seq IS NULL"),
            (
                "unsigned envelopes",
                "SELECT count(*) FROM delivery JOIN stream ON stream.id = stream_id WHERE acked_seq < head_seq",
            ),
            ("streams on hold", "SELECT count(*) FROM stream WHERE hold IS NOT NULL"),
            ("files not whole", "SELECT count(*) FROM attachment WHERE complete_at IS NULL"),
        ):
            (count,) = peep.execute(query).fetchone()
            if count:
                self.breaks("L1", site.name, f"{count} {what}")
        (waiting,) = peep.execute("SELECT value FROM node_state WHERE name = 'recovering'").fetchone() or (
            "[]",
        )
        if json.loads(waiting):
            self.breaks("L1", site.name, f"still to be completed by {waiting}")
        if not peep.execute("SELECT 1 FROM publication WHERE kind = 'catalogue'").fetchone():
            self.breaks("L1", site.name, "the published catalogue never came into effect")
        for origin, readers, lane, applied, head in peep.execute(
            "SELECT origin, readers, lane, applied_seq, head_seq FROM stream WHERE applied_seq < head_seq"
        ):
            names = json.loads(readers)
            if origin != site.name and (site.name in names or names == ["*"]):
                self.breaks("L1", site.name, f"{origin} {Lane(lane).name}: {applied} of {head} applied")

    def at_rest(self) -> None:
        """Everything that must hold once the line is good again and the queues had their time."""
        for site in self.sites.values():
            self.check_idle(site)
            self.check_audit(site)
            self.check_numbers(site)
            self._check_secrecy(site)
            self._check_marks(site)
            self._check_quarantine(site)
        for slip in self.ledger.slips.values():
            if not slip.lost:
                self._check_effect(slip)
        self._check_steps()
        self._check_people()
        self._check_ids()

    def _check_released(self, giver: Site, taker: Site) -> None:
        epoch = _epoch(taker)
        if taker.is_restored or giver.is_restored or _epoch_known(giver, taker) != epoch:
            # The taker's disk has forgotten something and the giver has not heard of it yet.
            return
        if self._put_back.get(taker.name) == epoch:
            # Nobody has noticed yet that it was put back, the taker itself included.
            return
        rows = giver.peep().execute(
            "SELECT key, lane, stream.id, acked_seq FROM delivery JOIN stream ON stream.id = stream_id "
            "WHERE peer = ? AND acked_seq > 0",
            (taker.name,),
        )
        for key, lane, stream, acked in rows.fetchall():
            seen = self._acked.get((giver.name, key, taker.name, epoch), 0)
            if acked < seen:
                self.breaks("S8", giver.name, f"signed for {seen}, now only {acked}")
            for seq in range(seen + 1, acked + 1):
                self._check_held(giver, taker, key, stream, lane, seq)
            self._acked[giver.name, key, taker.name, epoch] = acked

    def _check_held(self, giver: Site, taker: Site, key: bytes, stream: int, lane: int, seq: int) -> None:
        ours = giver.peep().execute(HELD, (key, seq)).fetchone()
        theirs = taker.peep().execute(HELD, (key, seq)).fetchone()
        if ours is None:
            # Signed for by a neighbour that remembers more than this disk does.
            return
        if theirs is None or ours != theirs:
            self.breaks(
                "S8", giver.name, f"let go of {Lane(lane).name} {seq}, which {taker.name} does not hold"
            )
        if lane == Lane.ATTACHMENT:
            row = giver.peep().execute(
                "SELECT chunks FROM attachment JOIN attachment_offer ON attachment_id = attachment.id "
                "WHERE stream_id = ? AND seq = ?",
                (stream, seq),
            )
            chunks = json.loads((row.fetchone() or ("[]",))[0])
            # What the giver never held it does not let go of; what rots is found and fetched again.
            kept = [c for c in chunks if _is_whole(giver, c) and c not in taker.disk.spoilt]
            missing = [c for c in kept if not _is_whole(taker, c)]
            if missing:
                self.breaks(
                    "S8", giver.name, f"let go of file {seq}, {len(missing)} chunks not at {taker.name}"
                )

    def _accepted_somewhere(self, slip: Slip) -> bool:
        above = [
            self.sites[name] for name in _parties(slip) if tier_of(division_of(name)) is not Tier.VILLAGE
        ]
        query = "SELECT accepted_at FROM case_file WHERE id = ?"
        rows = [site.peep().execute(query, (slip.case_id,)).fetchone() for site in above]
        return any(row is not None and row[0] for row in rows)

    def _check_effect(self, slip: Slip) -> None:
        """S1 and the agreement of all who may read the case, down to the byte."""
        digests = set()
        for name in _parties(slip):
            site = self.sites[name]
            found = _messages(site, slip.case_id)
            submitted = [data for type_, _, data in found if type_ == "CaseSubmitted"]
            if submitted != [slip.submission]:
                self.breaks("S1", name, f"{slip.case_id}: {len(submitted)} submissions, or other bytes")
            for _, standing, _ in found:
                if standing != "applied":
                    self.breaks("S1", name, f"{slip.case_id}: a message is {standing}")
            row = site.peep().execute("SELECT digest, data FROM case_file WHERE id = ?", (slip.case_id,))
            digest, data = row.fetchone() or ("", b"")
            digests.add(digest)
            if hashlib.sha256(data).hexdigest() != digest:
                self.breaks("S1", name, f"{slip.case_id}: the case row does not match its digest")
            self._check_scans(site, slip)
        if len(digests) != 1:
            self.breaks(
                "S1", slip.village, f"{slip.case_id}: {len(digests)} different cases in the three tiers"
            )

    def _check_scans(self, site: Site, slip: Slip) -> None:
        office = site.office
        assert office is not None and site.db is not None and site.node is not None
        with site.db.reading() as tx:
            case = office.casebook.find(tx, slip.case_id)
        manifests = case.submitted_attachments if case else ()
        try:
            opened = [ScannedFiles(site.node).open(manifest) for manifest in manifests]
        except LiandongError as error:
            self.breaks("S1", site.name, f"{slip.case_id}: scan {error.code}")
        else:
            if opened != list(slip.person.scans):
                self.breaks("S1", site.name, f"{slip.case_id}: other scans than were handed in")

    def _check_steps(self) -> None:
        """S1 and S9 for every step: what a screen reported as done is in effect wherever the case may be read."""
        for done in self.ledger.done:
            if done.lost:
                continue
            slip = self.ledger.slips.get(done.case_id)
            for name in _parties(slip) if slip else (done.node,):
                row = (
                    self.sites[name]
                    .peep()
                    .execute("SELECT standing FROM case_message WHERE id = ?", (done.message_id,))
                )
                standing = (row.fetchone() or ("missing",))[0]
                if standing != "applied":
                    self.breaks("S9", name, f"{done.type} of {done.case_id}, told as done, is {standing}")

    def _check_people(self) -> None:
        """S1 for people: nobody has two cases who applied once."""
        city = next(site for site in self.sites.values() if site.tier is Tier.CITY)
        seen: dict[str, str] = {}
        for case_id, data in city.peep().execute("SELECT id, data FROM case_file ORDER BY id"):
            id_no = json.loads(data)["applicant"]["id_no"]
            if id_no in seen:
                self.breaks("S1", city.name, f"one application, two cases: {seen[id_no]}, {case_id}")
            seen[id_no] = case_id

    def _check_ids(self) -> None:
        """S6: one message id, one content; one case number, one submission."""
        contents: dict[str, str] = {}
        for site in self.sites.values():
            for id_, digest in site.peep().execute("SELECT id, digest FROM case_message"):
                if contents.setdefault(id_, digest) != digest:
                    self.breaks("S6", site.name, f"message id {id_} bears two contents")

    def _check_marks(self, site: Site) -> None:
        """S1's register: every effect of another node's message has its mark, so that it cannot come twice."""
        query = (
            "SELECT count(*) FROM case_message WHERE id NOT IN (SELECT message_id FROM applied_message) "
            "AND id NOT IN (SELECT message_id FROM message)"
        )
        (count,) = site.peep().execute(query).fetchone()
        if count:
            self.breaks("S1", site.name, f"{count} messages in effect without their mark")

    def _check_secrecy(self, site: Site) -> None:
        """S4 and S5: who reads a case, and whose envelopes lie where."""
        rows = site.peep().execute(
            "SELECT DISTINCT subject, readers FROM message JOIN stream ON stream.id = stream_id WHERE subject <> ''"
        )
        for subject, readers in rows.fetchall():
            slip = self.ledger.slips.get(CaseId(subject))
            if slip is not None and not set(json.loads(readers)) <= set(_parties(slip)):
                self.breaks("S4", site.name, f"{subject} was sealed to {readers}")
        for (case_id,) in site.peep().execute("SELECT id FROM case_file").fetchall():
            slip = self.ledger.slips.get(CaseId(case_id))
            if slip is not None and site.name not in _parties(slip):
                self.breaks("S4", site.name, f"{case_id} can be read here")
        if site.tier is Tier.VILLAGE:
            for origin, readers in site.peep().execute("SELECT origin, readers FROM stream").fetchall():
                names = json.loads(readers)
                if origin != site.name and site.name not in names and names != ["*"]:
                    self.breaks("S5", site.name, f"holds what {origin} wrote to {readers}")

    def _check_quarantine(self, site: Site) -> None:
        """L2: poison lies in quarantine at every reader, and nothing else does.

        A disk that was put back may be given back the poison that it had said itself.
        """
        poison = self.ledger.poison.items()
        expected = {id_ for id_, (_, readers) in poison if site.name in readers}
        its_own = {id_ for id_, (author, _) in poison if author == site.name and site.restores}
        rows = site.peep().execute("SELECT message_id, code, tries FROM quarantine WHERE released_at IS NULL")
        found = {id_: (code, tries) for id_, code, tries in rows}
        for id_ in expected - set(found):
            self.breaks("L2", site.name, f"poison {id_[:8]} is not in quarantine")
        for id_ in set(found) - expected - its_own:
            self.breaks("L2", site.name, f"a good message is in quarantine: {found[id_][0]}")
        for code, tries in found.values():
            if tries > 5:
                self.breaks("L2", site.name, f"{code} was tried {tries} times")


def _epoch(site: Site) -> str:
    (value,) = site.peep().execute("SELECT value FROM node_state WHERE name = 'epoch'").fetchone()
    return str(json.loads(value))


def _epoch_known(site: Site, of: Site) -> str:
    row = site.peep().execute("SELECT epoch FROM epoch WHERE node = ? AND closed_at IS NULL", (of.name,))
    (value,) = row.fetchone() or ("",)
    return str(value)


def _messages(site: Site, case_id: CaseId) -> list[tuple[str, str, bytes]]:
    rows = site.peep().execute(
        "SELECT standing, data FROM case_message WHERE case_id = ? ORDER BY id", (case_id,)
    )
    return [(str(json.loads(data)["type"]), standing, bytes(data)) for standing, data in rows]


def _parties(slip: Slip) -> list[NodeId]:
    """Who may read the case: said here anew, so that the product's own answer is checked."""
    township = NodeId(parent_of(division_of(slip.village)))
    city = NodeId(slip.village[:6] + "000000")
    return [slip.village, city] if slip.confidential else [slip.village, township, city]


def _is_whole(site: Site, digest: str) -> bool:
    data = site.disk.get(digest)
    return data is not None and hashlib.sha256(data).hexdigest() == digest
