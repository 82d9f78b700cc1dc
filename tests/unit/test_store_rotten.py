"""Nobody reads a row that has rotted: it is made again from what is left, or refused in words and entered as damage."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import bodies as b
from core.errors import LocalError
from core.merge import OutcomeKind
from core.messages import CaseMessage, Role, encode
from core.store.casebook import CASE, CASE_MESSAGE
from core.store.casecheck import kept_message
from core.store.engine import Database
from core.store.walk import Rot
from tests.unit.book_kit import Book
from tests.unit.cases import TOWNSHIP, Story
from tests.unit.test_store_casebook import calendar_without, due_of


class Keeper:
    """Looks after a book: what envelopes give again, and the register of damage, which a rollback takes back too."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.bodies: dict[str, bytes] = {}
        with db.transaction() as tx:
            tx.exec_driver_sql("CREATE TABLE register (kind, subject, mended)")

    def note_rot(self, tx: sa.Connection, rot: Rot) -> None:
        tx.exec_driver_sql("INSERT INTO register VALUES (?, ?, ?)", (rot.kind, rot.subject, rot.mended))

    def body_again(self, tx: sa.Connection, message_id: str) -> bytes | None:
        return self.bodies.get(message_id)

    def apart(self) -> AbstractContextManager[sa.Connection]:
        return self.db.transaction()

    @property
    def register(self) -> list[tuple[str, str, bool]]:
        with self.db.reading() as tx:
            found = tx.exec_driver_sql("SELECT kind, subject, mended FROM register").all()
        return [(kind, subject, bool(mended)) for kind, subject, mended in found]


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
def keeper(book: Book) -> Keeper:
    made = Keeper(book.db)
    book.casebook.care = made
    return made


def rot_case(book: Book, case_id: str) -> None:
    with book.db.transaction() as tx:
        assert tx.execute(sa.update(CASE).where(CASE.c.id == case_id).values(data=b"rot")).rowcount == 1


def rot_message(book: Book, message: CaseMessage) -> None:
    where = (CASE_MESSAGE.c.id == message.id) & (CASE_MESSAGE.c.case_id == message.case_id)
    with book.db.transaction() as tx:
        assert tx.execute(sa.update(CASE_MESSAGE).where(where).values(data=b"rot")).rowcount == 1


def renumbered(story: Story, prefix: str) -> list[CaseMessage]:
    """The same steps under ids of their own, so that two stories may lie in one book."""

    def name(id_: str | None) -> str | None:
        return None if id_ is None else prefix + id_[len(prefix) :]

    return [replace(m, id=str(name(m.id)), base=name(m.base)) for m in story.messages]


@pytest.mark.parametrize("use", ["reading", "transaction"])
def test_a_rotten_case_row_is_made_again_before_anybody_reads_it(
    book: Book, keeper: Keeper, story: Story, use: str
) -> None:
    before = book.rows()
    rot_case(book, story.case_id)
    with getattr(book.db, use)() as tx:
        assert book.casebook.get(tx, story.case_id).version == story.messages[-1].id
    assert book.rows() == before
    assert keeper.register == [("case", story.case_id, True)]


def test_a_rotten_case_row_whose_messages_have_rotted_too_is_refused_and_entered_as_damage(
    book: Book, keeper: Keeper, story: Story
) -> None:
    rot_case(book, story.case_id)
    rot_message(book, story.messages[1])
    before = book.rows()
    with pytest.raises(LocalError, match=r"case\.row_rotten") as refused, book.db.reading() as tx:
        book.casebook.listing(tx)
    assert story.case_id in refused.value.zh and "backup" in refused.value.en
    assert book.rows() == before
    assert keeper.register == [("case", story.case_id, False)]


def test_a_copy_that_nobody_looks_after_shows_no_rotten_row_and_is_not_written_to(
    book: Book, story: Story
) -> None:
    rot_case(book, story.case_id)
    before = book.rows()
    with pytest.raises(LocalError, match=r"case\.row_rotten"), book.db.reading() as tx:
        book.casebook.get(tx, story.case_id)
    assert book.rows() == before
    with book.db.transaction() as tx:
        assert book.casebook.get(tx, story.case_id).version == story.messages[-1].id
    assert book.rows() != before


def test_a_rotten_message_is_read_again_from_where_it_came_before_anybody_uses_it(
    book: Book, keeper: Keeper, story: Story
) -> None:
    rot_message(book, story.messages[1])
    keeper.bodies = {story.messages[1].id: encode(story.messages[1])}
    with book.db.reading() as tx:
        assert sorted(m.id for m in book.casebook.messages(tx, story.case_id)) == [
            m.id for m in story.messages
        ]
    assert keeper.register == [("message", story.case_id, True)]
    keeper.bodies = {}
    with book.db.reading() as tx:
        assert len(book.casebook.messages(tx, story.case_id)) == len(story.messages)
    assert len(keeper.register) == 1


@pytest.mark.parametrize("given", ["nothing", "another message"])
def test_a_rotten_message_that_nothing_gives_again_is_refused_and_entered_as_damage(
    book: Book, keeper: Keeper, story: Story, given: str
) -> None:
    rot_message(book, story.messages[1])
    if given == "another message":
        keeper.bodies = {story.messages[1].id: encode(story.messages[2])}
    with pytest.raises(LocalError, match=r"case\.message_rotten"), book.db.reading() as tx:
        book.casebook.messages(tx, story.case_id)
    assert keeper.register == [("message", story.case_id, False)]


def test_a_waiting_message_that_has_rotted_is_still_shown_to_people_as_what_it_is(
    tmp_path: Path, story: Story
) -> None:
    book = Book(tmp_path / "waiting.db", story)
    first, _, third = story.messages
    book.record(first, third)
    rot_message(book, third)
    ((id_, (standing, zh, en)),) = book.attention().items()
    assert (id_, standing) == (third.id, OutcomeKind.PARKED)
    assert "损坏" in zh and "rotted" in en
    book.db.close()


def test_a_case_that_has_rotted_while_it_waited_is_named_and_keeps_no_other_waiting(
    tmp_path: Path, story: Story
) -> None:
    book = Book(tmp_path / "waiting.db", story)
    book.casebook.care = keeper = Keeper(book.db)
    other = Story(origin=TOWNSHIP).accept()
    mine = renumbered(other, "b")
    book.items.is_here = False
    book.record(*story.messages, *mine)
    rot_message(book, story.messages[1])
    book.items.is_here = True
    with book.db.transaction() as tx:
        book.casebook.refold_waiting(tx, "catalogue:1")
    with book.db.reading() as tx:
        assert book.casebook.get(tx, other.case_id).version == mine[-1].id
        assert book.casebook.find(tx, story.case_id) is None
    assert ("case", story.case_id, False) in keeper.register
    assert other.case_id not in {subject for _, subject, _ in keeper.register}
    book.db.close()


def test_a_new_calendar_counts_the_other_limits_when_a_case_has_rotted(
    book: Book, keeper: Keeper, story: Story
) -> None:
    other = Story(origin=TOWNSHIP).accept()
    book.record(*renumbered(other, "b"))
    rot_case(book, story.case_id)
    rot_message(book, story.messages[1])
    with book.db.reading() as tx:
        before = {id_: due_of(tx, id_) for id_ in (story.case_id, other.case_id)}
    book.casebook.calendar = calendar_without("2015-10-14")
    with book.db.transaction() as tx:
        assert book.casebook.recount_due(tx) == 1
    with book.db.reading() as tx:
        assert due_of(tx, story.case_id) == before[story.case_id]
        assert due_of(tx, other.case_id) != before[other.case_id]
    assert keeper.register == [("case", story.case_id, False)]


def test_the_book_gives_a_message_by_its_id_only_where_one_alone_is_whole(book: Book, story: Story) -> None:
    said = story.messages[1]
    with book.db.reading() as tx:
        assert kept_message(tx, said.id) == encode(said)
        assert kept_message(tx, "ff" * 16) is None
    twin = replace(story.write(TOWNSHIP, Role.WINDOW, b.NoteAdded("同号的另一条")), id=said.id)
    book.record(twin)
    with book.db.reading() as tx:
        assert kept_message(tx, said.id) is None
    where = (CASE_MESSAGE.c.id == said.id) & (CASE_MESSAGE.c.data == encode(twin))
    with book.db.transaction() as tx:
        assert tx.execute(sa.update(CASE_MESSAGE).where(where).values(data=b"rot")).rowcount == 1
    with book.db.reading() as tx:
        assert kept_message(tx, said.id) == encode(said)
