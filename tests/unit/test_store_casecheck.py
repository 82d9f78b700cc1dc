"""Rot in the books of cases is found row by row, mended where a truth is left, and named where none is."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.bodies import CaseForwarded
from core.messages import encode
from core.store.casebook import CASE, CASE_MESSAGE
from core.store.casecheck import CaseWalk, MessageWalk, cases_naming
from core.store.walk import Page, Rot
from tests.unit.book_kit import Book
from tests.unit.cases import TOWNSHIP, Story


@pytest.fixture
def story() -> Story:
    return Story().accept()


@pytest.fixture
def book(tmp_path: Path, story: Story) -> Iterator[Book]:
    made = Book(tmp_path / "book.db", story)
    made.record(*story.messages)
    yield made
    made.db.close()


def spoil(book: Book, statement: sa.Executable) -> None:
    with book.db.transaction() as tx:
        assert tx.execute(statement).rowcount == 1


def look(
    book: Book, walk: CaseWalk | MessageWalk, envelopes: dict[str, bytes] | None = None
) -> tuple[Rot, ...]:
    """What one walk through the whole table finds; ``envelopes`` give messages again by their ids."""
    with book.db.transaction() as tx:
        page = walk.page(tx, "", 100, lambda _, id_: (envelopes or {}).get(id_))
    assert page.after is None
    return page.rot


def of_id(story: Story, at: int) -> sa.ColumnElement[bool]:
    return CASE_MESSAGE.c.id == story.messages[at].id


def test_sound_books_are_walked_through_page_by_page_and_nothing_is_found(book: Book, story: Story) -> None:
    book.record(*Story(origin=TOWNSHIP).submit().messages)
    for walk, count in ((CaseWalk(book.casebook), 2), (MessageWalk(), len(story.messages) + 1)):
        seen, after = 0, ""
        with book.db.transaction() as tx:
            while True:
                page = walk.page(tx, after, 1, lambda *_: None)
                assert page.rot == ()
                seen += page.checked
                if page.after is None:
                    break
                after = page.after
        assert (seen, page) == (count, Page(None, 0))


DAMAGES = {
    "a flipped bit in the case": {"data": b'{"id":1}'},
    "another state in its column": {"state": "DELIVERED"},
    "no due key": {"entry": None},
    "another township's part of the table": {"region": "430981105000"},
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_case_row_that_rots_is_made_again_from_its_messages(book: Book, damage: dict[str, object]) -> None:
    before = book.rows()
    spoil(book, sa.update(CASE).values(**damage))
    (rot,) = look(book, CaseWalk(book.casebook))
    assert (rot.kind, rot.subject, rot.mended) == ("case", book.case_id, True)
    assert "重新生成" in rot.zh and "made again" in rot.en
    assert book.rows() == before
    assert look(book, CaseWalk(book.casebook)) == ()


def test_the_due_date_is_no_rot_since_it_follows_the_calendar(book: Book) -> None:
    spoil(book, sa.update(CASE).values(due_at=None))
    assert look(book, CaseWalk(book.casebook)) == ()


def test_a_case_that_its_messages_no_longer_give_is_named_and_left_as_it_is(book: Book, story: Story) -> None:
    spoil(book, sa.update(CASE).values(data=b"rot"))
    spoil(book, sa.update(CASE_MESSAGE).where(of_id(story, 1)).values(data=b"rot"))
    before = book.rows()
    (rot,) = look(book, CaseWalk(book.casebook))
    assert not rot.mended
    assert "备份" in rot.zh
    assert book.rows() == before


def test_a_case_whose_messages_are_gone_is_named_and_left_as_it_is(book: Book, story: Story) -> None:
    spoil(book, sa.update(CASE).values(data=b"rot"))
    spoil(book, sa.delete(CASE_MESSAGE).where(of_id(story, 0)))
    (rot,) = look(book, CaseWalk(book.casebook))
    assert not rot.mended
    with book.db.reading() as tx:
        assert tx.scalar(sa.select(CASE.c.data)) == b"rot"


MESSAGE_DAMAGES = {
    "unreadable": {"data": b"rot"},
    "another note in a message that can be read": {"data": None},
    "the wrong id beside it": {"id": "ff" * 16},
    "the wrong case beside it": {"case_id": "43098110220120151010000155"},
    "the wrong region beside it": {"region": "430981105000"},
}


@pytest.mark.parametrize("damage", MESSAGE_DAMAGES.values(), ids=MESSAGE_DAMAGES)
def test_a_message_that_rots_is_taken_from_its_envelope_again(
    book: Book, story: Story, damage: dict[str, object]
) -> None:
    with book.db.reading() as tx:
        before = tx.execute(sa.select(CASE_MESSAGE).order_by(CASE_MESSAGE.c.digest)).all()
    if damage.get("data", b"") is None:
        damage = {"data": encode(replace(story.messages[1], body=CaseForwarded("改过")))}
    spoil(book, sa.update(CASE_MESSAGE).where(of_id(story, 1)).values(**damage))
    envelopes = {message.id: encode(message) for message in story.messages}
    (rot,) = look(book, MessageWalk(), envelopes)
    assert (rot.kind, rot.mended) == ("message", True)
    assert "已从原信封取回" in rot.zh
    with book.db.reading() as tx:
        assert tx.execute(sa.select(CASE_MESSAGE).order_by(CASE_MESSAGE.c.digest)).all() == before
    assert look(book, MessageWalk()) == ()


@pytest.mark.parametrize("source", ["nothing", "rot", "another"])
def test_a_message_that_no_envelope_gives_again_is_named_and_kept(
    book: Book, story: Story, source: str
) -> None:
    spoil(book, sa.update(CASE_MESSAGE).where(of_id(story, 1)).values(data=b"rot"))
    given = {"nothing": {}, "rot": {story.messages[1].id: b"rot"}, "another": {}}[source]
    if source == "another":
        given = {story.messages[1].id: encode(story.messages[2])}
    (rot,) = look(book, MessageWalk(), given)
    assert not rot.mended
    assert rot.subject == book.case_id
    assert "备份" in rot.zh and "backup" in rot.en
    with book.db.reading() as tx:
        assert tx.scalar(sa.select(CASE_MESSAGE.c.data).where(of_id(story, 1))) == b"rot"


def test_a_file_is_found_in_the_case_whose_message_names_it(book: Book, story: Story) -> None:
    named, other = "5c" * 16, "6d" * 16
    with book.db.reading() as tx:
        assert cases_naming(tx, {named}) == {}
    spoil(book, sa.update(CASE_MESSAGE).where(of_id(story, 0)).values(data=f'"{named}"'.encode()))
    with book.db.reading() as tx:
        assert cases_naming(tx, {named}) == {named: book.case_id}
        assert cases_naming(tx, {named, other}) == {named: book.case_id}
        assert cases_naming(tx, set()) == {}
