"""Taking in: what the screen said is saved is there, what is wrong is told at once, one transaction or nothing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.application import HandedIn, IntakeProblems, Part, Sheet
from core.errors import InputError, LocalError
from core.states import State
from sync.attachments import Sealed, open_file
from sync.scans import safe_name
from sync.tables import ATTACHMENT, AUDIT, MESSAGE
from tests.scenarios.world import TestWorld
from tests.unit.village_kit import ITEM, TABLE_ITEM, applicant, open_desk, person, sheet
from village_agent import intake as intake_module
from village_agent.drafts import DRAFT
from village_agent.people_seen import find_cases
from village_agent.scans import seal_scan
from village_agent.session import Session


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Session]:
    session = open_desk(tmp_path / "data", TestWorld(1))
    yield session
    session.close()


def test_every_problem_of_applicant_form_and_materials_is_told_at_once(desk: Session) -> None:
    bad = Sheet(ITEM, applicant(id_no="430981196004120210", mobile="12"), {"amount_requested": "x"}, ())
    problems = desk.intake.check(bad)
    assert {(p.part, p.key) for p in problems} >= {
        (Part.APPLICANT, "id_no"),
        (Part.APPLICANT, "mobile"),
        (Part.FORM, "hardship_type"),
        (Part.FORM, "reason"),
        (Part.FORM, "amount_requested"),
        (Part.MATERIALS, "居民身份证"),
    }
    assert all(p.zh and p.en for p in problems)


def test_an_item_that_villages_do_not_take_in_is_refused_with_where_to_go(desk: Session) -> None:
    closed = next(item for item in desk.intake.catalogue().items if "village" not in item.accept_tiers)
    (problem,) = desk.intake.check(replace(sheet(desk.intake), item=closed.code))
    assert problem.part is Part.ITEM
    assert "镇" in problem.zh


def test_submitting_makes_case_message_audit_line_and_removes_the_draft(
    desk: Session, tmp_path: Path
) -> None:
    db = desk.village.installation.db
    with db.transaction() as tx:
        draft = desk.intake.drafts.start(tx, "a1", sheet(desk.intake))
    with db.transaction() as tx:
        case = desk.intake.submit_draft(tx, desk.actor, draft)
    with db.reading() as tx:
        assert desk.village.office.casebook.get(tx, case.id).state is State.SUBMITTED
        assert tx.scalar(sa.select(sa.func.count()).select_from(DRAFT)) == 0
        assert tx.scalar(sa.select(MESSAGE.c.type).where(MESSAGE.c.subject == case.id)) == "CaseSubmitted"
        assert tx.scalar(sa.select(AUDIT.c.actor).where(AUDIT.c.subject == case.id)) == "a1"


def test_a_submission_that_fails_half_way_leaves_the_draft_and_no_case(
    desk: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = desk.village.installation.db
    with db.transaction() as tx:
        draft = desk.intake.drafts.start(tx, "a1", sheet(desk.intake))

    def broken(*args: object) -> None:
        raise LocalError("store.full", zh="满。", en="full.")

    monkeypatch.setattr(desk.intake.drafts, "remove", broken)
    with pytest.raises(LocalError), db.transaction() as tx:
        desk.intake.submit_draft(tx, desk.actor, draft)
    with db.reading() as tx:
        assert desk.intake.drafts.get(tx, draft.id).sheet == draft.sheet
        assert list(desk.village.office.casebook.all_ids(tx)) == []
        assert tx.scalar(sa.select(sa.func.count()).select_from(MESSAGE)) == 0


def test_a_draft_cannot_be_submitted_twice(desk: Session) -> None:
    db = desk.village.installation.db
    with db.transaction() as tx:
        draft = desk.intake.drafts.start(tx, "a1", sheet(desk.intake))
    with db.transaction() as tx:
        desk.intake.submit_draft(tx, desk.actor, draft)
    with pytest.raises(InputError, match=r"draft\.unknown"), db.transaction() as tx:
        desk.intake.submit_draft(tx, desk.actor, draft)
    with db.reading() as tx:
        assert len(list(desk.village.office.casebook.all_ids(tx))) == 1


def test_a_scan_is_sealed_before_submission_and_offered_with_it(desk: Session, tmp_path: Path) -> None:
    node = desk.village.installation.node
    scan = tmp_path / "户口簿 1.JPG"
    scan.write_bytes(b"jpeg" * 20_000)
    manifest = seal_scan(node.world, scan, node.chunks)
    scan.unlink()
    ready = sheet(desk.intake)
    first = replace(ready.materials[0], files=(manifest,))
    with node.db.transaction() as tx:
        case = desk.intake.submit(tx, desk.actor, replace(ready, materials=(first, *ready.materials[1:])))
        assert tx.scalar(sa.select(ATTACHMENT.c.id)) == manifest.id
    assert case.materials[0].attachments == (manifest.id,)
    sealed = Sealed(manifest.id, manifest.size, manifest.key, manifest.chunk_size, manifest.chunks)
    assert open_file(sealed, node.chunks) == b"jpeg" * 20_000


def test_a_nearly_full_disk_refuses_intake_in_words(desk: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "FREE_BYTES_MIN", 1 << 60)
    with pytest.raises(LocalError) as refused, desk.village.installation.db.transaction() as tx:
        desk.intake.submit(tx, desk.actor, sheet(desk.intake))
    assert refused.value.code == "intake.disk_full"


def test_the_same_person_and_item_within_thirty_days_is_shown_as_possible_duplicate(desk: Session) -> None:
    db, world = desk.village.installation.db, desk.world
    assert isinstance(world, TestWorld)
    with db.transaction() as tx:
        desk.intake.submit(tx, desk.actor, sheet(desk.intake))
        other = replace(sheet(desk.intake), applicant=applicant(id_no=person(serial="043"), name="张三"))
        desk.intake.submit(tx, desk.actor, other)
    with db.reading() as tx:
        (seen,) = desk.intake.earlier(tx, person(), ITEM)
        assert seen.duplicate
        assert not desk.intake.earlier(tx, person(), TABLE_ITEM)[0].duplicate
    world.pass_time(days=31)
    with db.reading() as tx:
        assert not desk.intake.earlier(tx, person(), ITEM)[0].duplicate


def test_cases_are_found_by_name_number_and_last_digits_of_the_case(desk: Session) -> None:
    db = desk.village.installation.db
    with db.transaction() as tx:
        case = desk.intake.submit(tx, desk.actor, sheet(desk.intake))
    with db.reading() as tx:
        for text in ("王秀", person()[:10], case.id, case.id[-6:], f"{case.id[:12]}-{case.id[12:20]}"):
            assert find_cases(tx, text) == [case.id]
        assert find_cases(tx, "李") == find_cases(tx, "  ") == []


def test_a_rating_outside_one_to_five_is_refused(desk: Session) -> None:
    db = desk.village.installation.db
    with db.transaction() as tx:
        case = desk.intake.submit(tx, desk.actor, sheet(desk.intake))
    with pytest.raises(InputError, match=r"intake\.rating"), db.transaction() as tx:
        desk.intake.rate(tx, desk.actor, case.id, 6)
    with db.transaction() as tx:
        assert desk.intake.rate(tx, desk.actor, case.id, 1).rating is not None


def test_a_copy_too_few_names_the_material(desk: Session) -> None:
    ready = sheet(desk.intake)
    short = next(m for m in desk.intake.item(ITEM).materials if m.originals or m.copies)
    materials = tuple(HandedIn(m.name, 0, 0) if m.name == short.name else m for m in ready.materials)
    with pytest.raises(IntakeProblems) as refused:
        desk.intake.checked(replace(ready, materials=materials))
    assert short.name in refused.value.zh


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a\x1b[2J.jpg", "a_[2J.jpg"),
        ("...", "scan"),
        ("身份证.jpg", "身份证.jpg"),
    ],
)
def test_a_scan_keeps_a_name_that_is_safe_everywhere(name: str, safe: str) -> None:
    assert safe_name(name) == safe
    assert len(safe_name("x" * 300 + ".pdf")) <= 120


@pytest.mark.parametrize(
    ("name", "code"), [("a.exe", "scan.kind"), ("missing.jpg", "scan.unreadable"), (".jpg", "scan.kind")]
)
def test_what_is_no_scan_is_refused_in_words(desk: Session, tmp_path: Path, name: str, code: str) -> None:
    node = desk.village.installation.node
    with pytest.raises(InputError) as refused:
        seal_scan(node.world, tmp_path / name, node.chunks)
    assert refused.value.code == code
