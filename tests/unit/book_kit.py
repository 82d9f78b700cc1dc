"""A casebook on a disk of its own, for the tests of what is kept of a case."""

from pathlib import Path

import sqlalchemy as sa

from core.calendar import load_calendar
from core.errors import InputError
from core.merge import OutcomeKind
from core.messages import CaseMessage
from core.store.casebook import CASE, CASE_MESSAGE, Casebook
from core.store.engine import Database
from core.workflow_terms import ItemRules
from tests.unit.cases import Story
from tests.unit.empty_store import empty_store


class Items:
    """The one item of a story, once its catalogue is here."""

    def __init__(self, item: ItemRules) -> None:
        self.item = item
        self.is_here = True
        self.is_known = True

    def __call__(self, code: str, version: int) -> ItemRules | None:
        if not self.is_known:
            raise InputError(
                "catalogue.no_item", zh="目录里没有这个事项。", en="The catalogue has no such item."
            )
        return self.item if self.is_here else None


class Book:
    """A casebook on a disk of its own."""

    def __init__(self, path: Path, story: Story) -> None:
        self.db: Database = empty_store(path)
        self.items = Items(story.item)
        self.case_id = story.case_id
        self.casebook = Casebook(self.items, load_calendar())

    def record(self, *messages: CaseMessage) -> list[OutcomeKind]:
        kinds = []
        for message in messages:
            with self.db.transaction() as tx:
                kinds.append(self.casebook.record(tx, message).kind)
        return kinds

    def rows(self) -> dict[str, object]:
        with self.db.reading() as tx:
            cases = [tuple(row) for row in tx.execute(sa.select(CASE).order_by(CASE.c.id))]
            columns = (CASE_MESSAGE.c.id, CASE_MESSAGE.c.standing)
            messages = [tuple(row) for row in tx.execute(sa.select(*columns).order_by(CASE_MESSAGE.c.digest))]
        return {"cases": cases, "messages": messages}

    def attention(self) -> dict[str, tuple[str, str, str]]:
        with self.db.reading() as tx:
            found = self.casebook.attention(tx)
        return {one.message_id: (one.standing, one.zh, one.en) for one in found}
