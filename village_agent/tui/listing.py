"""A page that is a list: its rows are read from the database as they come into the window."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from textual.widget import Widget

from village_agent.tui.base import DeskScreen
from village_agent.tui.window_list import Row, WindowList


class ListingScreen(DeskScreen):
    """A page gives ``count`` and ``rows``; a list without any says so."""

    def body(self) -> Iterator[Widget]:
        yield WindowList(id="body")

    def count(self, tx: sa.Connection) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def rows(self, tx: sa.Connection, offset: int, limit: int) -> Sequence[Row]:
        """At most ``limit`` rows from ``offset`` on."""
        raise NotImplementedError

    def first_focus(self) -> Widget:
        """Where the keys go when the page opens."""
        return self.query_one(WindowList)

    @property
    def marked(self) -> str:
        """The id of the row that is marked, empty where there is none."""
        row = self.query_one(WindowList).current
        return row.id if row is not None else ""

    def on_mount(self) -> None:
        self.show_rows()
        self.first_focus().focus()

    def on_screen_resume(self) -> None:
        self.show_rows()

    def action_choose(self) -> None:
        self.query_one(WindowList).action_choose()

    def show_rows(self) -> None:
        """Look anew; the mark stays where it was."""
        db = self.desk.village.installation.db

        def fetch(offset: int, limit: int) -> Sequence[Row]:
            with db.reading() as tx:
                return self.rows(tx, offset, limit)

        with db.reading() as tx:
            count = self.count(tx)
        if count:
            self.query_one(WindowList).show(count, fetch)
        else:
            nothing = [Row("", self.words("nothing"))]
            self.query_one(WindowList).show(1, lambda at, most: nothing[at : at + most])
        self.show_frame()
