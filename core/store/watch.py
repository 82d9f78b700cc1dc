"""Whether a SQLite database was changed, by whichever program: asked as often as one likes, since no table is read."""

from typing import Any

from sqlalchemy import exc

from core.store.engine import Database, DriverError
from core.store.refusals import in_words


class Watch:
    """Holds a connection of its own, on which nothing else is ever done."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self._opened = 0
        self._connection: Any = None

    def version(self) -> tuple[int, int]:
        """Another value after every commit and after every reopening.

        Source: SQLite, ``PRAGMA data_version``. Raises ``LocalError`` (``store.*``) if the disk does not let it be read.
        """
        try:
            if self._opened != self.db.opened:
                self.close()
                self._connection, self._opened = self.db.engine.raw_connection(), self.db.opened
            (number,) = self._connection.driver_connection.execute("PRAGMA data_version").fetchone()
        except DriverError as error:
            raise in_words(exc.DBAPIError("PRAGMA data_version", None, error)) from error
        return self._opened, int(number)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection = None
            self._opened = 0
