"""The city, a machine that is not enrolled, and the stick that is carried between them."""

from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from core.identifiers import NodeId
from sync.admitting import Admitting, Fate, admit_from, issue
from sync.enrol_file import EnrolFile, Part, read_enrol_file
from sync.enrol_stick import Enrolment, Stage, enrol_from
from sync.enrolment_code import EnrolmentCode, parse_code
from sync.enrolment_desk import CODE_LIFETIME
from sync.node import Node
from sync.tables import ENROLMENT
from sync.transport.usb import Stick
from tests.scenarios.test_doors_and_clocks import City


def code_of(
    city: City, stick: Stick | None, name: NodeId, lifetime: timedelta = CODE_LIFETIME
) -> EnrolmentCode:
    return parse_code(issue(city.node, name, stick, lifetime)[1])


def files(stick: Stick) -> dict[Part, list[tuple[Path, EnrolFile]]]:
    found: dict[Part, list[tuple[Path, EnrolFile]]] = {part: [] for part in Part}
    for path in sorted(stick.folder.iterdir()):
        file = read_enrol_file(path.read_bytes())
        found[file.part].append((path, file))
    return found


def only(stick: Stick, part: Part) -> tuple[Path, EnrolFile]:
    (one,) = files(stick)[part]
    return one


def record_of(city: City) -> list[tuple[object, ...]]:
    """Everything that an application could change at the city."""
    with city.node.db.reading() as tx:
        codes = tx.execute(sa.select(ENROLMENT)).all()
        admitted = tx.scalar(sa.text("SELECT count(*) FROM audit WHERE action = 'node.admitted'"))
    return [*sorted(map(tuple, codes)), (admitted,)]


def is_member(node: Node) -> bool:
    return node.place.node in node.keyring.nodes()


def applied(stick: Stick, node: Node, code: EnrolmentCode) -> Enrolment:
    outcome = enrol_from(stick, node, code)
    assert (outcome.stage, outcome.error) == (Stage.APPLIED, None)
    assert not is_member(node)
    return outcome


def admitted(stick: Stick, city: City) -> Admitting:
    report = admit_from(stick, city.node)
    assert report.error is None
    assert [one.fate for one in report.applicants] == [Fate.ADMITTED] * len(report.applicants)
    assert all(one.is_answered for one in report.applicants)
    return report


def enrolled(stick: Stick, node: Node, code: EnrolmentCode) -> Enrolment:
    outcome = enrol_from(stick, node, code)
    assert (outcome.stage, outcome.error) == (Stage.ENROLLED, None)
    assert is_member(node)
    return outcome
