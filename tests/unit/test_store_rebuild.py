"""A case that is not what its messages make is found in turn, and made anew without touching anything else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.identifiers import CaseId, NodeId
from core.messages import encode
from core.store.casebook import CASE, CASE_MESSAGE
from core.store.rebuild import Shares
from core.store.summary import CASE_SUMMARY, entry_key
from tests.unit.book_kit import Book
from tests.unit.cases import CITY, SECRET, TOWNSHIP, VILLAGE, Story

OTHER = NodeId("430981105000")


@pytest.fixture
def story() -> Story:
    return Story().accept()


@pytest.fixture
def book(tmp_path: Path, story: Story) -> Iterator[Book]:
    made = Book(tmp_path / "book.db", story)
    made.record(*story.messages)
    yield made
    made.db.close()


@pytest.fixture
def shares(book: Book) -> Shares:
    """Those of the township; its neighbours are the village and the city."""
    return Shares(book.casebook, TOWNSHIP)


def spoil(book: Book, *statements: sa.Executable) -> None:
    with book.db.transaction() as tx:
        for statement in statements:
            assert tx.execute(statement).rowcount == 1


def examined(book: Book, shares: Shares, limit: int = 10) -> dict[str, bool]:
    with book.db.transaction() as tx:
        return shares.examine(tx, CITY, limit)


def rebuilt(book: Book, shares: Shares, *given: tuple[NodeId, bytes]) -> bool:
    with book.db.transaction() as tx:
        return shares.rebuild(tx, book.case_id, given)


def sent(story: Story) -> list[tuple[NodeId, bytes]]:
    return [(message.node, encode(message)) for message in story.messages]


def test_a_key_names_a_case_only_to_the_neighbour_that_shares_it(shares: Shares, story: Story) -> None:
    key = entry_key(VILLAGE, story.case_id)
    assert shares.subject_of(CITY, key) == shares.subject_of(VILLAGE, key) == story.case_id
    assert Shares(shares._casebook, CITY).subject_of(OTHER, key) is None
    for bad in ("", key[:-1], key + "0", key[:-1] + str((int(key[-1]) + 1) % 10)):
        assert shares.subject_of(CITY, bad) is None


def test_a_confidential_case_and_one_that_is_not_here_have_no_key(
    tmp_path: Path, shares: Shares, book: Book
) -> None:
    with book.db.reading() as tx:
        assert shares.key_of(tx, book.case_id) == entry_key(VILLAGE, book.case_id)
        assert shares.key_of(tx, "43098110220120151010000155") is None
    secret = Book(tmp_path / "secret.db", Story(SECRET).submit())
    secret.record(*Story(SECRET).submit().messages)
    with secret.db.reading() as tx:
        assert Shares(secret.casebook, CITY).key_of(tx, secret.case_id) is None
    secret.db.close()


def test_cases_are_looked_at_in_turn_and_the_round_begins_again(book: Book, shares: Shares) -> None:
    second = Story(origin=NodeId(VILLAGE + "-2")).submit()
    book.record(*second.messages)
    ids = [CaseId(book.case_id), second.case_id]
    rounds = [list(examined(book, shares, 1)) for _ in range(6)]
    assert rounds == [[ids[0]], [ids[1]], [], [ids[0]], [ids[1]], []]
    assert examined(book, shares) == dict.fromkeys(ids, True)
    assert examined(book, shares) == dict.fromkeys(ids, True)


DAMAGES = {
    "its state is changed": lambda story: sa.update(CASE).values(state="DELIVERED"),
    "a message cannot be read": lambda story: (
        sa.update(CASE_MESSAGE).where(CASE_MESSAGE.c.id == story.messages[1].id).values(data=b"rot")
    ),
    "its submission is gone": lambda story: sa.delete(CASE_MESSAGE).where(
        CASE_MESSAGE.c.id == story.messages[0].id
    ),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_case_changed_by_hand_is_found_made_anew_and_its_month_counted_again(
    book: Book, shares: Shares, story: Story, damage: object
) -> None:
    before = book.rows()
    with book.db.transaction() as tx:
        shares.index(tx, CITY)
        assert shares.is_sound(tx, book.case_id)
    spoil(book, damage(story))
    assert examined(book, shares) == {book.case_id: False}
    with book.db.reading() as tx:
        assert not shares.is_sound(tx, book.case_id)
        assert tx.scalars(sa.select(CASE_SUMMARY.c.total)).all() == [None]
    assert rebuilt(book, shares, *sent(story))
    assert book.rows() == before
    assert examined(book, shares) == {book.case_id: True}


def test_the_due_date_alone_makes_no_case_unsound(book: Book, shares: Shares) -> None:
    spoil(book, sa.update(CASE).values(due_at=None))
    assert examined(book, shares) == {book.case_id: True}


def test_a_case_that_is_lost_is_made_from_the_streams(book: Book, shares: Shares, story: Story) -> None:
    before = book.rows()
    spoil(book, sa.delete(CASE))
    with book.db.reading() as tx:
        assert not shares.is_sound(tx, book.case_id)
    assert rebuilt(book, shares)
    assert book.rows() == before
    assert not rebuilt(book, shares, *sent(story))


def test_a_message_is_taken_from_its_author_about_this_case_alone(
    book: Book, shares: Shares, story: Story
) -> None:
    spoil(book, sa.delete(CASE_MESSAGE).where(CASE_MESSAGE.c.id == story.messages[2].id))
    last = story.messages[2]
    other = Story(origin=NodeId(VILLAGE + "-2")).submit().messages[0]
    assert last.node == CITY
    assert rebuilt(book, shares)
    before = book.rows()
    assert not rebuilt(book, shares, (TOWNSHIP, encode(last)), (other.node, encode(other)))
    with book.db.reading() as tx:
        held = set(tx.scalars(sa.select(CASE_MESSAGE.c.id)))
    assert held == {message.id for message in story.messages[:2]}
    assert book.rows() == before
    assert rebuilt(book, shares, (CITY, encode(last)))
    assert examined(book, shares) == {book.case_id: True}


def test_where_the_messages_make_no_case_the_row_stays_as_it_is(book: Book, shares: Shares) -> None:
    with book.db.transaction() as tx:
        tx.execute(sa.delete(CASE_MESSAGE))
        row = tx.execute(sa.select(CASE)).one()
    assert not rebuilt(book, shares)
    with book.db.reading() as tx:
        assert tx.execute(sa.select(CASE)).one() == row


def test_a_confidential_case_is_made_anew_without_being_counted(tmp_path: Path) -> None:
    story = Story(SECRET).submit()
    book = Book(tmp_path / "secret.db", story)
    shares = Shares(book.casebook, CITY)
    assert rebuilt(book, shares, *sent(story))
    with book.db.reading() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(CASE_SUMMARY)) == 0
        assert book.casebook.get(tx, story.case_id).confidential
    book.db.close()
