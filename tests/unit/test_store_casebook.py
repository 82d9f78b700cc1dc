"""The book of cases gives the same rows whatever came first, and says of every message why it is not in effect."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import bodies as b
from core.calendar import WorkCalendar, encode, load_calendar, parse_calendar
from core.canonical import canonical_json, parse_json
from core.errors import InputError
from core.identifiers import NodeId
from core.merge import OutcomeKind
from core.messages import CaseMessage, Role
from core.states import State
from core.store.casebook import CASE
from tests.unit.book_kit import Book
from tests.unit.cases import CITY, SECRET, TOWNSHIP, VILLAGE, Story, accepted


@pytest.fixture
def story() -> Story:
    return Story().accept().handle().review().decide()


@pytest.fixture
def book(tmp_path: Path, story: Story) -> Iterator[Book]:
    made = Book(tmp_path / "book.db", story)
    yield made
    made.db.close()


def test_the_row_is_the_same_in_whatever_order_and_however_often_messages_came(
    tmp_path: Path, story: Story, book: Book
) -> None:
    story.say(CITY, Role.WINDOW, b.NoteAdded("已电话告知"))
    assert set(book.record(*story.messages)) == {OutcomeKind.APPLIED}
    for seed in range(12):
        print(f"seed {seed}")
        order = story.messages * 2
        random.Random(seed).shuffle(order)
        other = Book(tmp_path / f"{seed}.db", story)
        other.record(*order)
        assert other.rows() == book.rows()
        assert other.attention() == {}
        other.db.close()


def test_a_message_that_came_before_is_a_duplicate_and_changes_nothing(story: Story, book: Book) -> None:
    book.record(*story.messages)
    before = book.rows()
    assert set(book.record(*story.messages)) == {OutcomeKind.DUPLICATE}
    assert book.rows() == before


def test_a_message_that_overtook_the_one_before_it_waits_and_says_for_what(story: Story, book: Book) -> None:
    first, second, third, *_ = story.messages
    assert book.record(third, second) == [OutcomeKind.PARKED, OutcomeKind.PARKED]
    standing, zh, en = book.attention()[third.id]
    assert standing == OutcomeKind.PARKED
    assert second.id in zh and second.id in en
    assert book.record(first) == [OutcomeKind.APPLIED]
    assert book.attention() == {}
    with book.db.reading() as tx:
        assert book.casebook.get(tx, story.case_id).version == third.id


def test_a_message_that_fills_no_gap_of_another_still_waits_for_its_own(story: Story, book: Book) -> None:
    first, second, third, fourth, fifth, *_ = story.messages
    assert book.record(first, fifth, third) == [OutcomeKind.APPLIED, OutcomeKind.PARKED, OutcomeKind.PARKED]
    assert book.record(second) == [OutcomeKind.APPLIED]
    assert set(book.attention()) == {fifth.id}
    assert book.record(fourth) == [OutcomeKind.APPLIED]
    assert book.attention() == {}


def test_a_step_against_the_rules_is_kept_with_the_reason_and_changes_no_case(
    story: Story, book: Book
) -> None:
    submitted = story.messages[0]
    wrong = story.write(VILLAGE, Role.AGENT, b.CaseVoided("重复"), base=submitted.id)
    assert book.record(submitted, wrong) == [OutcomeKind.APPLIED, OutcomeKind.ILLEGAL]
    standing, zh, en = book.attention()[wrong.id]
    assert standing == OutcomeKind.ILLEGAL
    assert zh.endswith("。") and en.endswith(".") and zh != en
    with book.db.reading() as tx:
        assert book.casebook.get(tx, story.case_id).state is State.SUBMITTED


def test_a_wrong_step_that_arrives_early_is_told_as_wrong_once_the_case_is_here(
    tmp_path: Path, story: Story, book: Book
) -> None:
    submitted = story.messages[0]
    wrong = story.write(VILLAGE, Role.AGENT, b.CaseVoided("重复"), base=submitted.id)
    assert book.record(wrong, submitted) == [OutcomeKind.PARKED, OutcomeKind.APPLIED]
    assert book.attention()[wrong.id][0] == OutcomeKind.ILLEGAL


def forked(story: Story) -> tuple[CaseMessage, CaseMessage]:
    """Two acceptances of one case by one desk, as a cloned disk writes them."""
    base = story.messages[1].id
    return tuple(story.write(CITY, Role.WINDOW, accepted(story.item), base=base) for _ in range(2))


def test_two_steps_after_one_hold_the_case_until_the_city_settles_it(story: Story, book: Book) -> None:
    one, other = forked(story)
    book.record(*story.messages[:2], one)
    assert book.record(other) == [OutcomeKind.CONFLICT]
    for id_ in (one.id, other.id):
        assert book.attention()[id_][0] == OutcomeKind.CONFLICT
    with book.db.reading() as tx:
        held = book.casebook.get(tx, story.case_id)
        assert tx.scalar(sa.select(CASE.c.hold)) == "fork"
    assert held.hold is not None
    assert set(held.hold.branches) == {(one.id,), (other.id,)}
    later = story.write(CITY, Role.WINDOW, b.CaseAssigned("handler", "民政局"), base=one.id)
    assert book.record(later) == [OutcomeKind.CONFLICT]
    verdict = story.write(CITY, Role.SUPERVISOR, b.ForkSettled(one.id, "先受理"))
    assert book.record(verdict) == [OutcomeKind.APPLIED]
    with book.db.reading() as tx:
        case = book.casebook.get(tx, story.case_id)
    assert (case.hold, case.version, case.state) == (None, later.id, State.HANDLING)
    assert set(book.attention()) == {other.id}


def test_a_verdict_that_only_a_village_gave_is_told_as_wrong_as_often_as_it_is_given(
    story: Story, book: Book
) -> None:
    one, other = forked(story)
    book.record(*story.messages[:2], one, other)
    for _ in range(2):
        verdict = story.write(VILLAGE, Role.AGENT, b.ForkSettled(one.id, "先受理"))
        assert book.record(verdict) == [OutcomeKind.ILLEGAL]
        assert book.attention()[verdict.id][0] == OutcomeKind.ILLEGAL


def test_a_submission_waits_for_its_catalogue_and_goes_on_when_it_comes(story: Story, book: Book) -> None:
    book.items.is_here = False
    assert book.record(*story.messages[:2]) == [OutcomeKind.PARKED, OutcomeKind.PARKED]
    with book.db.reading() as tx:
        assert book.casebook.find(tx, story.case_id) is None
    waiting = book.attention()
    assert "catalogue:1" in waiting[story.messages[0].id][1]
    with book.db.transaction() as tx:
        assert book.casebook.refold_waiting(tx, "catalogue:2") == 0
    book.items.is_here = True
    with book.db.transaction() as tx:
        assert book.casebook.refold_waiting(tx, "catalogue:1") == 1
        assert book.casebook.get(tx, story.case_id).version == story.messages[1].id
    assert book.attention() == {}


def test_a_submission_for_an_item_that_its_catalogue_does_not_have_is_told_as_wrong(
    story: Story, book: Book
) -> None:
    book.items.is_known = False
    assert book.record(story.messages[0]) == [OutcomeKind.ILLEGAL]
    assert book.attention()[story.messages[0].id][1] == "目录里没有这个事项。"


def test_a_case_that_is_not_here_is_asked_for_in_words(story: Story, book: Book) -> None:
    with book.db.reading() as tx:
        assert book.casebook.find(tx, story.case_id) is None
        with pytest.raises(InputError, match=r"case\.unknown") as refused:
            book.casebook.get(tx, story.case_id)
    assert story.case_id in refused.value.zh


def test_a_confidential_case_has_no_key_under_which_neighbours_compare_it(tmp_path: Path) -> None:
    keys = {}
    for name, story in (("open", Story().submit()), ("secret", Story(SECRET).submit())):
        book = Book(tmp_path / f"{name}.db", story)
        book.record(*story.messages)
        with book.db.reading() as tx:
            keys[name] = tx.scalar(sa.select(CASE.c.entry))
        book.db.close()
    assert keys["open"] is not None
    assert keys["secret"] is None


# The due date


def calendar_without(day: str) -> WorkCalendar:
    """The product's calendar, newer by one version, with ``day`` taken off work."""
    table = parse_json(encode(load_calendar()), bytes_max=1 << 20)
    table["version"] += 1
    table["off"][day] = "停电"
    return parse_calendar(canonical_json(table))


def due(book: Book) -> str | None:
    with book.db.reading() as tx:
        return tx.scalar(sa.select(CASE.c.due_at))


def test_a_new_calendar_moves_the_due_dates_of_running_cases_only(tmp_path: Path) -> None:
    running, ended = Story().accept(), Story().accept().handle().review().decide()
    for story, changed in ((running, 1), (ended, 0)):
        book = Book(tmp_path / f"{changed}.db", story)
        book.record(*story.messages)
        before = due(book)
        with book.db.transaction() as tx:
            assert book.casebook.recount_due(tx) == 0
        book.casebook.calendar = calendar_without("2015-10-14")
        with book.db.transaction() as tx:
            assert book.casebook.recount_due(tx) == changed
        assert (due(book) != before) is bool(changed)
        book.db.close()


def test_in_a_year_whose_calendar_is_not_out_there_is_no_due_date_rather_than_a_guess(
    tmp_path: Path,
) -> None:
    story = Story().accept()
    far = datetime(2099, 3, 2, 1, 0, tzinfo=UTC)
    moved = [replace(m, at=far + timedelta(minutes=n)) for n, m in enumerate(story.messages)]
    book = Book(tmp_path / "far.db", story)
    assert set(book.record(*moved)) == {OutcomeKind.APPLIED}
    with book.db.reading() as tx:
        assert book.casebook.get(tx, story.case_id).accepted_at is not None
    assert due(book) is None
    book.db.close()


def test_the_cases_that_are_here_are_listed_by_number(story: Story, book: Book) -> None:
    other = Story(origin=TOWNSHIP).submit()
    book.record(*story.messages, *other.messages)
    with book.db.reading() as tx:
        assert list(book.casebook.all_ids(tx)) == sorted([story.case_id, other.case_id])
        assert book.casebook.messages(tx, story.case_id) != []


def test_a_page_of_cases_begins_with_the_most_urgent_after_the_last_one_seen(
    tmp_path: Path, story: Story, book: Book
) -> None:
    running = Story(origin=TOWNSHIP).accept()
    waiting = Story(origin=NodeId(VILLAGE + "-2")).submit()
    book.record(*story.messages, *running.messages, *waiting.messages)
    with book.db.reading() as tx:
        pages = book.casebook.listing

        def ids(**wanted: object) -> list[str]:
            return [case.id for case in pages(tx, **wanted)]

        others = sorted([story.case_id, waiting.case_id])
        assert ids() == [running.case_id, *others]
        assert ids(limit=1) == [running.case_id]
        assert ids(after=(due_of(tx, running.case_id), running.case_id)) == others
        assert ids(after=("~", others[0])) == others[1:]
        assert ids(states=("SUBMITTED",)) == [waiting.case_id]
        assert ids(holder=TOWNSHIP) == [waiting.case_id]
        assert ids(origin=TOWNSHIP) == [running.case_id]
        counted = {(VILLAGE, "GRANTED"): 1, (TOWNSHIP, "ACCEPTED"): 1, (waiting.origin, "SUBMITTED"): 1}
        assert book.casebook.counts(tx) == counted


def due_of(tx: sa.Connection, case_id: str) -> str | None:
    return tx.scalar(sa.select(CASE.c.due_at).where(CASE.c.id == case_id))
