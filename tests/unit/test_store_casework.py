"""A step is taken, kept and sent in one transaction, or refused in words and nothing of it is left."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import bodies as b
from core.errors import PeerError, StateError
from core.identifiers import NodeId, case_id_parts, counter_block
from core.merge import OutcomeKind
from core.messages import Actor, Role, decode, encode
from core.store.casebook import CASE_MESSAGE
from core.store.casework import COUNTER, Casework
from core.workflow import IllegalTransition
from tests.unit.book_kit import Book
from tests.unit.cases import CITY, SECRET, TOWNSHIP, VILLAGE, Story, submission
from tests.unit.sealing_kit import StillWorld

AGENT, WINDOW = Actor("a1", "代办员", Role.AGENT), Actor("w1", "窗口", Role.WINDOW)


class Desk:
    """The verbs of one node, and what left it."""

    def __init__(self, book: Book, node: NodeId, **more: Any) -> None:
        self.book = book
        self.sent: list[dict[str, Any]] = []
        self.offered: list[tuple[list[str], list[NodeId]]] = []
        # Two nodes never draw the same id: each has its own seed.
        self.casework = Casework(
            book.casebook, node, StillWorld(int(node)), post=self._post, offer_files=self._offer, **more
        )

    def _post(self, tx: sa.Connection, **message: Any) -> None:
        assert tx.in_transaction()
        self.sent.append(message)

    def _offer(
        self, tx: sa.Connection, manifests: Iterable[b.AttachmentManifest], readers: Iterable[NodeId]
    ) -> None:
        self.offered.append(([one.id for one in manifests], [*readers]))

    def submit(self, actor: Actor = AGENT, **changes: Any) -> Any:
        with self.book.db.transaction() as tx:
            return self.casework.submit(tx, actor, submission(self.book.items.item, **changes))

    def act(self, case: Any, actor: Actor, body: b.Body) -> Any:
        with self.book.db.transaction() as tx:
            return self.casework.act(tx, case.id, actor, body)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    made = Book(tmp_path / "book.db", Story())
    yield made
    made.db.close()


def kept(book: Book) -> int:
    with book.db.reading() as tx:
        return tx.scalar(sa.select(sa.func.count()).select_from(CASE_MESSAGE)) or 0


def test_what_is_submitted_is_kept_and_leaves_for_everyone_who_may_read_it(book: Book) -> None:
    village = Desk(book, VILLAGE)
    case = village.submit()
    (sent,) = village.sent
    assert (sent["subject"], sent["readers"]) == (case.id, [CITY, TOWNSHIP])
    assert decode(sent["body"]).id == sent["message_id"] == case.version
    assert village.offered == []
    village.act(case, AGENT, b.NoteAdded("急"))
    assert len(village.sent) == kept(book) == 2


def test_a_file_is_offered_to_those_who_may_read_the_case(tmp_path: Path) -> None:
    manifest = b.AttachmentManifest(
        "5c" * 16, "户口簿.pdf", "application/pdf", 10, bytes(32).hex(), 65536, (bytes(32).hex(),)
    )
    for name, story, readers in (("open", Story(), [CITY, TOWNSHIP]), ("secret", Story(SECRET), [CITY])):
        book = Book(tmp_path / f"{name}.db", story)
        village = Desk(book, VILLAGE)
        village.submit(attachments=(manifest,), materials=(b.Material("户口簿", 1, 0, "", (manifest.id,)),))
        assert village.offered == [([manifest.id], readers)]
        book.db.close()


def test_a_case_that_the_city_registers_itself_is_sent_to_nobody(book: Book) -> None:
    city = Desk(book, CITY)
    assert city.submit(WINDOW).origin == CITY
    assert (city.sent, kept(book)) == ([], 1)


def test_numbers_count_through_the_block_of_this_installation_and_then_say_that_they_are_used_up(
    book: Book,
) -> None:
    village = Desk(book, VILLAGE, ordinal=lambda tx: 3)
    block = counter_block(VILLAGE, 3)
    assert [case_id_parts(village.submit().id).counter for _ in range(2)] == [block[0], block[1]]
    with book.db.transaction() as tx:
        tx.execute(sa.update(COUNTER).values(last=block[-1] - 1))
    assert case_id_parts(village.submit().id).counter == block[-1]
    with pytest.raises(StateError, match=r"case_id\.exhausted"):
        village.submit()
    assert (len(village.sent), kept(book)) == (3, 3)


def test_an_illegal_step_is_refused_and_neither_kept_nor_sent(book: Book) -> None:
    village = Desk(book, VILLAGE)
    case = village.submit()
    with pytest.raises(IllegalTransition):
        village.act(case, AGENT, b.CaseVoided("重复"))
    assert (len(village.sent), kept(book)) == (1, 1)


def test_a_step_that_would_not_take_effect_is_refused_and_neither_kept_nor_sent(book: Book) -> None:
    book.items.is_here = False
    village = Desk(book, VILLAGE)
    with pytest.raises(StateError, match=r"case\.not_applied"):
        village.submit()
    assert (village.sent, kept(book)) == ([], 0)


def test_while_a_disk_is_completed_after_a_restore_no_step_is_taken_but_notes_are(book: Book) -> None:
    def recovering(tx: sa.Connection, origin: NodeId) -> None:
        raise StateError(
            "node.recovering", zh=f"{origin} 的办件正在补齐。", en=f"Cases of {origin} are coming."
        )

    case = Desk(book, VILLAGE).submit()
    township = Desk(book, TOWNSHIP, require_recovered=recovering)
    with pytest.raises(StateError, match=r"node\.recovering"):
        township.act(case, WINDOW, b.CaseForwarded())
    assert township.act(case, WINDOW, b.NoteAdded("稍后办")).notes
    assert len(township.sent) == 1


def test_a_message_is_taken_only_from_the_node_and_for_the_case_that_it_names(
    tmp_path: Path, book: Book
) -> None:
    message = Story().submit().messages[0]
    township = Desk(book, TOWNSHIP)
    for origin, subject in ((CITY, message.case_id), (VILLAGE, message.case_id[:-1] + "0")):
        with pytest.raises(PeerError, match=r"case\.author"), book.db.transaction() as tx:
            township.casework.take(tx, origin, subject, encode(message))
    assert kept(book) == 0
    with book.db.transaction() as tx:
        outcome = township.casework.take(tx, VILLAGE, message.case_id, encode(message))
    assert outcome.kind is OutcomeKind.APPLIED
    assert township.sent == []
