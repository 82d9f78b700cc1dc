"""Holds the city's book against the outside ledger. Pure rules."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.torture.ledger import Applicant, Slip

LOST, DOUBLED, ALTERED, STRANGE = "lost", "doubled", "altered", "strange"


@dataclass(frozen=True, slots=True)
class Found:
    """A case as the city has it. ``files`` are SHA-256 of the decrypted attachments, empty where one is not whole."""

    case: str
    origin: str
    item: str
    name: str
    id_no: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken."""

    kind: str
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """``acknowledged`` numbers told to people, ``found`` those of them at the city, ``silent`` cases at the city that
    were recorded by a process killed before it could print."""

    acknowledged: int
    found: int
    silent: int
    violations: tuple[Violation, ...]

    def count(self, kind: str) -> int:
        return sum(1 for one in self.violations if one.kind == kind)


def judge(applicants: Sequence[Applicant], slips: Sequence[Slip], city: Sequence[Found]) -> Verdict:
    """Every slip is at the city exactly once and unaltered; nothing is there that nobody could have submitted."""
    came = {one.number: one for one in applicants}
    by_case = {one.case: one for one in city}
    told = {slip.case: came[slip.applicant] for slip in slips}
    violations = [*_doubled(applicants, slips, city)]
    for case, applicant in told.items():
        if case not in by_case:
            violations.append(Violation(LOST, f"{case} of applicant {applicant.number} is not at the city"))
        else:
            violations += _altered(by_case[case], applicant)
    by_person = {(one.id_no, one.item): one for one in applicants}
    silent = 0
    for one in city:
        if one.case in told:
            continue
        applicant = by_person.get((one.id_no, one.item))
        if applicant is None:
            violations.append(Violation(STRANGE, f"{one.case} is at the city, nobody brought it"))
        else:
            silent += 1
            violations += _altered(one, applicant)
    return Verdict(len(told), sum(1 for case in told if case in by_case), silent, tuple(violations))


def _doubled(
    applicants: Sequence[Applicant], slips: Sequence[Slip], city: Sequence[Found]
) -> Iterable[Violation]:
    for case, times in Counter(one.case for one in city).items():
        if times > 1:
            yield Violation(DOUBLED, f"{case} is at the city {times} times")
    numbers: dict[int, set[str]] = {}
    owners: dict[str, set[int]] = {}
    for slip in slips:
        numbers.setdefault(slip.applicant, set()).add(slip.case)
        owners.setdefault(slip.case, set()).add(slip.applicant)
    for applicant, cases in numbers.items():
        if len(cases) > 1:
            yield Violation(DOUBLED, f"applicant {applicant} was told {', '.join(sorted(cases))}")
    for case, people in owners.items():
        if len(people) > 1:
            yield Violation(DOUBLED, f"{case} was told to applicants {sorted(people)}")
    effects = Counter((one.id_no, one.item) for one in city)
    for one in applicants:
        times = effects[(one.id_no, one.item)]
        if times > 1:
            cases = sorted(each.case for each in city if (each.id_no, each.item) == (one.id_no, one.item))
            yield Violation(DOUBLED, f"applicant {one.number} has {times} cases: {', '.join(cases)}")


def _altered(found: Found, applicant: Applicant) -> Iterable[Violation]:
    expected = (applicant.village, applicant.item, applicant.name, applicant.id_no)
    if (found.origin, found.item, found.name, found.id_no) != expected:
        yield Violation(ALTERED, f"{found.case} is not what applicant {applicant.number} handed in")
    if sorted(found.files) != sorted(applicant.files):
        missing = sum(1 for sha256 in found.files if not sha256)
        words = f"{missing} attachments not whole" if missing else "attachments are other bytes"
        yield Violation(ALTERED, f"{found.case} of applicant {applicant.number}: {words}")
