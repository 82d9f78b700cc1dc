"""Drafts: every change is kept, the last ones can be undone, abandoned ones come back for thirty days."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from core.application import HandedIn, Part, Sheet
from core.errors import InputError
from core.store.engine import METADATA, Database
from tests.scenarios.world import TestWorld
from tests.unit.empty_store import empty_store
from village_agent.drafts import CHANGES_KEPT, DRAFT, DRAFT_CHANGE, Drafts


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return empty_store(tmp_path / "x.db")


@settings(derandomize=True, max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.text(max_size=3), st.booleans())),
        max_size=12,
    )
)
def test_undoing_everything_gives_the_empty_draft_back(changes: list[tuple[str, object]]) -> None:
    memory = Database(sa.create_engine("sqlite://"))
    METADATA.create_all(memory.engine, [DRAFT, DRAFT_CHANGE])
    drafts = Drafts(TestWorld(1))
    with memory.transaction() as tx:
        draft = drafts.start(tx, "a1", Sheet("item"))
        states = [draft.sheet]
        for key, value in changes:
            drafts.put(tx, draft.id, Part.FORM, key, value)
            if drafts.get(tx, draft.id).sheet != states[-1]:
                states.append(drafts.get(tx, draft.id).sheet)
        while len(states) > 1:
            states.pop()
            assert drafts.undo(tx, draft.id) is not None
            assert drafts.get(tx, draft.id).sheet == states[-1]
        assert drafts.undo(tx, draft.id) is None


def test_the_keys_of_one_go_in_a_field_are_undone_together(db: Database) -> None:
    drafts = Drafts(TestWorld(1))
    with db.transaction() as tx:
        id_ = drafts.start(tx, "a1", Sheet("item")).id
        drafts.put(tx, id_, Part.FORM, "reason", "旧")
        for number, text in enumerate(("新", "新的", "新的话")):
            drafts.put(tx, id_, Part.FORM, "reason", text, same_go=number > 0)
        assert drafts.undo(tx, id_) == (Part.FORM, "reason")
        assert drafts.get(tx, id_).sheet.form["reason"] == "旧"


def test_a_draft_remembers_the_field_at_which_the_pen_was_put_down(db: Database) -> None:
    drafts = Drafts(TestWorld(1))
    with db.transaction() as tx:
        id_ = drafts.start(tx, "a1", Sheet("item")).id
        drafts.put(tx, id_, Part.APPLICANT, "mobile", "138")
    with db.reading() as tx:
        assert drafts.get(tx, id_).place == "applicant.mobile"


def test_an_abandoned_draft_comes_back_for_thirty_days_and_is_then_forgotten(db: Database) -> None:
    world = TestWorld(1)
    drafts = Drafts(world)
    with db.transaction() as tx:
        draft = drafts.start(tx, "a1", Sheet("item"))
        drafts.put_material(tx, draft.id, HandedIn("户口簿", 1, 1))
        drafts.abandon(tx, draft.id)
        assert drafts.count(tx) == 0
    world.pass_time(days=29)
    with db.transaction() as tx:
        assert drafts.purge(tx) == 0
        assert drafts.restore(tx, draft.id).sheet.materials == (HandedIn("户口簿", 1, 1),)
        drafts.abandon(tx, draft.id)
    world.pass_time(days=31)
    with db.transaction() as tx:
        assert drafts.purge(tx) == 1
        with pytest.raises(InputError, match=r"draft\.unknown"):
            drafts.get(tx, draft.id)
        assert tx.scalar(sa.select(sa.func.count()).select_from(DRAFT_CHANGE)) == 0


def test_the_list_of_changes_is_bounded(db: Database) -> None:
    drafts = Drafts(TestWorld(1))
    with db.transaction() as tx:
        id_ = drafts.start(tx, "a1", Sheet("item")).id
        for number in range(CHANGES_KEPT + 50):
            drafts.put(tx, id_, Part.FORM, "a", str(number))
        assert tx.scalar(sa.select(sa.func.count()).select_from(DRAFT_CHANGE)) == CHANGES_KEPT


def test_a_draft_that_would_grow_without_end_is_refused_and_stays_as_it_was(db: Database) -> None:
    drafts = Drafts(TestWorld(1))
    with db.transaction() as tx:
        id_ = drafts.start(tx, "a1", Sheet("item")).id
        drafts.put(tx, id_, Part.FORM, "a", "short")
    with pytest.raises(InputError, match=r"draft\.too_large"), db.transaction() as tx:
        drafts.put(tx, id_, Part.FORM, "a", "长" * 2_000_000)
    with db.reading() as tx:
        assert drafts.get(tx, id_).sheet.form == {"a": "short"}
