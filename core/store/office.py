"""What every tier's desk works with: published tables, the book of cases, and the verbs on both."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, Self

import sqlalchemy as sa

from core.clock import World
from core.identifiers import NodeId
from core.messages import SCHEMA, MessageType
from core.states import CLOSED
from core.store.casebook import CASE, Casebook
from core.store.casecheck import CaseWalk, MessageWalk, cases_naming, kept_message
from core.store.casework import Casework, OfferFiles, Ordinal, Post, RequireRecovered
from core.store.rebuild import Shares
from core.store.shelf import CALENDAR_PUBLISHED, CATALOGUE_PUBLISHED, Shelf
from core.store.walk import Books, Care

Take = Callable[[sa.Connection, NodeId, str, bytes], Any]
"""Brings a message into effect: transaction, origin, subject, body."""


class Place(Protocol):
    """Where the carrier stands."""

    @property
    def node(self) -> NodeId: ...


class Carrier(Care, Protocol):
    """What an office needs of the node that carries its messages."""

    @property
    def place(self) -> Place: ...
    @property
    def world(self) -> World: ...
    @property
    def post(self) -> Post: ...
    @property
    def offer(self) -> OfferFiles: ...
    @property
    def facts(self) -> list[Callable[[sa.Connection], dict[str, Any]]]: ...
    def compare(self, shares: Shares) -> None: ...
    @property
    def books(self) -> list[Books]: ...
    @property
    def ordinal(self) -> Ordinal: ...
    @property
    def require_recovered(self) -> RequireRecovered: ...

    def ask_if_open(self, is_open: Callable[[sa.Connection, str], bool]) -> None: ...
    def serve(self, handlers: Mapping[str, tuple[Take, int]]) -> None: ...


class Office:
    """Composed once per process, on the node's database and in its transactions."""

    def __init__(
        self,
        node: NodeId,
        world: World,
        *,
        post: Post,
        offer_files: OfferFiles,
        ordinal: Ordinal = lambda tx: 0,
        require_recovered: RequireRecovered = lambda tx, origin: None,
    ) -> None:
        self.shelf = Shelf(world)
        self.casebook = Casebook(self.shelf.item, self.shelf.calendar)
        self.casework = Casework(
            self.casebook,
            node,
            world,
            post=post,
            offer_files=offer_files,
            ordinal=ordinal,
            require_recovered=require_recovered,
        )

    @classmethod
    def join(cls, carrier: Carrier, tx: sa.Connection) -> Self:
        """An office whose messages leave by ``carrier`` and which takes those that arrive by it."""
        office = cls(
            carrier.place.node,
            carrier.world,
            post=carrier.post,
            offer_files=carrier.offer,
            ordinal=carrier.ordinal,
            require_recovered=carrier.require_recovered,
        )
        office.refresh(tx)
        carrier.serve(office.handlers())
        carrier.facts.append(office.facts)
        # Messages first: a case is made again from them.
        carrier.books.append(Books((MessageWalk(), CaseWalk(office.casebook)), cases_naming, kept_message))
        office.casebook.care = carrier
        carrier.compare(Shares(office.casebook, carrier.place.node))
        carrier.ask_if_open(office.is_open)
        return office

    def refresh(self, tx: sa.Connection) -> None:
        """Take up publications that another process of this node received."""
        self.shelf.load(tx)
        self._use_calendar()

    def handlers(self) -> dict[str, tuple[Take, int]]:
        """What to do with the messages of other nodes: by type, with the newest schema known."""
        served: dict[str, tuple[Take, int]] = dict.fromkeys(MessageType, (self._take_case, SCHEMA))
        served[CATALOGUE_PUBLISHED] = (self._take_catalogue, 1)
        served[CALENDAR_PUBLISHED] = (self._take_calendar, 1)
        return served

    def is_open(self, tx: sa.Connection, subject: str) -> bool:
        """Whether somebody still has to do something on the case of this number."""
        state = tx.scalar(sa.select(CASE.c.state).where(CASE.c.id == subject))
        return state is not None and state not in CLOSED

    def _take_case(self, tx: sa.Connection, origin: NodeId, subject: str, data: bytes) -> None:
        # The city publishes from another process, and a case of the new version may be here a second later.
        self.refresh(tx)
        self.casework.take(tx, origin, subject, data)

    def _take_catalogue(self, tx: sa.Connection, origin: NodeId, subject: str, data: bytes) -> None:
        version = self.shelf.put_catalogue(tx, data)
        self.casebook.refold_waiting(tx, f"catalogue:{version}")

    def _take_calendar(self, tx: sa.Connection, origin: NodeId, subject: str, data: bytes) -> None:
        self.shelf.put_calendar(tx, data)
        self.use_new_calendar(tx)

    def use_new_calendar(self, tx: sa.Connection) -> None:
        """Count every running limit anew."""
        self._use_calendar()
        self.casebook.recount_due(tx)

    def _use_calendar(self) -> None:
        self.casebook.calendar = self.shelf.calendar

    def facts(self, tx: sa.Connection) -> dict[str, Any]:
        """What the report in every contact says of the published tables here."""
        return {"catalogue": self.shelf.version, "calendar": self.shelf.calendar.version}
