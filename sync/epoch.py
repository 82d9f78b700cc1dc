"""The lives of this node: which epoch it speaks in, what it wrote in it, and what a new one has to take over.

A disk that was restored or copied has forgotten something that its neighbours hold. It never speaks on in the old
epoch: no number of a stream is used twice, the old streams are completed from what the neighbours give back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from core.canonical import canonical_json
from core.clock import World, iso
from core.errors import StateError
from core.identifiers import NodeId, Tier, new_id
from core.store.prepared import Prepared, put
from sync import audit
from sync.hello import PAST_MAX
from sync.identity import Place, read_fact, write_fact
from sync.packing import Message
from sync.stream import StreamRow, append, carry_over, children, stream_row
from sync.stream_id import EVERYONE, Lane
from sync.tables import DELIVERY, EPOCH, MESSAGE, RUN, STREAM

EPOCH_BEGUN = "EpochBegun"
BLOCKS = 10
"""Blocks of case numbers that a device has; each epoch takes the next."""
_ORDINAL, _RECOVERING, _SUPERSEDED = "installation", "recovering", "superseded"


class Reason(StrEnum):
    """Why an epoch began."""

    INSTALLED = "installed"
    RESTORED = "restored"
    """The database is not the one that was last used here: a backup, or a copy on another machine."""
    REWOUND = "rewound"
    """A neighbour has seen what this disk does not remember having written."""
    CONTRADICTED = "contradicted"
    """A neighbour holds another envelope under a number of ours."""
    RENEWED = "renewed"
    """A person decided that this device is the one to go on."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """A neighbour knows a later epoch of this node than this device: another device has taken over."""

    by: str
    epoch: str
    at: str


def begin(tx: sa.Connection, place: Place, world: World, reason: Reason) -> Place:
    """Speak in a new epoch from now on; returns the place as it is now.

    What was recorded and not yet sealed moves to the new streams under the same message ids, so it counts once. Of an
    own stream on hold, because a neighbour contradicts it, all moves that not every next hop has signed for.
    """
    fresh = Place(place.node, new_id(world))
    _end(tx, place, world)
    _enter(tx, fresh, world, reason)
    write_fact(tx, "epoch", fresh.epoch)
    write_fact(tx, _ORDINAL, (ordinal(tx) + 1) % BLOCKS)
    write_fact(tx, _RECOVERING, sorted(_neighbours(tx, place)))
    write_fact(tx, _SUPERSEDED, None)
    tx.execute(sa.delete(RUN))
    # An epoch that ended before anybody heard of it concerns nobody; said in another one it would be refused.
    tx.execute(sa.delete(MESSAGE).where(MESSAGE.c.type == EPOCH_BEGUN, MESSAGE.c.seq.is_(None)))
    for stream in _own_streams(tx, fresh):
        beyond = stream.head_seq if stream.hold is None else _signed_for_by_all(tx, stream)
        carry_over(tx, fresh, stream, beyond=beyond)
    audit.note(
        tx, world, actor="sync", action="epoch.begun", subject=place.node, reason=reason, epoch=fresh.epoch
    )
    announce(tx, fresh, world, reason)
    return fresh


def announce(tx: sa.Connection, place: Place, world: World, reason: Reason) -> None:
    """Say to the nodes above that this epoch has begun; the city says it to all."""
    readers = [EVERYONE] if place.parent is None else sorted({place.parent, place.city})
    body = canonical_json({"epoch": place.epoch, "reason": str(reason)})
    append(
        tx,
        place,
        world,
        readers=readers,
        lane=Lane.CONTROL,
        message=Message(new_id(world), EPOCH_BEGUN, 1, "", body),
    )


def say_again(tx: sa.Connection, place: Place, stream: StreamRow) -> None:
    """Say in the present epoch what a neighbour contradicts in an ended one."""
    carry_over(tx, place, stream, beyond=_signed_for_by_all(tx, stream))


def ordinal(tx: sa.Connection) -> int:
    """Which block of case numbers, 0 to 9, this epoch uses."""
    return int(read_fact(tx, _ORDINAL, 0))


def take_block(tx: sa.Connection, lives: int) -> None:
    """A machine of which there were ``lives`` epochs before takes a block that none of the last ones used."""
    write_fact(tx, _ORDINAL, lives % BLOCKS)


def past(tx: sa.Connection, place: Place) -> tuple[str, ...]:
    """Earlier epochs of this node as far as this disk remembers, the latest last, at most ``PAST_MAX``."""
    query = (
        sa.select(EPOCH.c.epoch)
        .where(EPOCH.c.node == place.node, EPOCH.c.epoch != place.epoch)
        .order_by(EPOCH.c.began_at.desc(), EPOCH.c.epoch)
        .limit(PAST_MAX)
    )
    return tuple(reversed(list(tx.scalars(query))))


def lives(tx: sa.Connection, place: Place) -> list[dict[str, str]]:
    """Every epoch of this node that this disk remembers: when it began and why, the present one last."""
    query = sa.select(EPOCH).where(EPOCH.c.node == place.node).order_by(EPOCH.c.began_at, EPOCH.c.epoch)
    rows = sorted(tx.execute(query).all(), key=lambda row: row.epoch == place.epoch)
    return [{"epoch": row.epoch, "began_at": row.began_at, "reason": row.reason} for row in rows]


def is_own(tx: sa.Connection, place: Place, epoch: str) -> bool:
    """Whether this disk remembers having spoken in ``epoch``."""
    return epoch == place.epoch or _OWN.scalar(tx, me=place.node, then=epoch) is not None


_OWN = Prepared(
    sa.select(EPOCH.c.epoch).where(EPOCH.c.node == sa.bindparam("me"), EPOCH.c.epoch == sa.bindparam("then"))
)
_BY_OTHERS = Prepared(sa.select(sa.func.max(RUN.c.number)).where(RUN.c.run != sa.bindparam("mine")))
_LAST_OF = Prepared(sa.select(RUN.c.number).where(RUN.c.run == sa.bindparam("of")))


def note_written(tx: sa.Connection, run: str, number: int) -> None:
    """Remember that this run of the program wrote the bundle ``number``."""
    put(tx, RUN, {"run": run}, number=number)


def written_by_others(tx: sa.Connection, run: str) -> int:
    """The highest bundle number that this disk remembers of any run but ``run``."""
    return int(_BY_OTHERS.scalar(tx, mine=run) or 0)


def wrote(tx: sa.Connection, run: str, number: int) -> bool:
    """Whether this disk remembers that ``run`` got as far as the bundle ``number`` in this epoch."""
    last = _LAST_OF.scalar(tx, of=run)
    return last is not None and number <= last


def recovering(tx: sa.Connection) -> list[NodeId]:
    """Neighbours that have not yet given back what they hold of this node's words."""
    return [NodeId(node) for node in read_fact(tx, _RECOVERING, [])]


def note_recovered(tx: sa.Connection, world: World, peer: NodeId, *, how: str = "contact") -> None:
    """``peer`` has given back everything it holds, or a person goes on without it (``how`` names them)."""
    waiting = recovering(tx)
    if peer in waiting:
        write_fact(tx, _RECOVERING, [node for node in waiting if node != peer])
        audit.note(tx, world, actor=how, action="epoch.recovered", subject=peer)


def require_recovered(tx: sa.Connection, peers: Iterable[NodeId]) -> None:
    """Raises ``StateError`` (``node.recovering``) while one of ``peers`` may know more of a case than this disk."""
    missing = sorted(set(peers) & set(recovering(tx)))
    if missing:
        names = "、".join(missing)
        raise StateError(
            "node.recovering",
            zh=f"本机数据是从备份恢复的，还没有与 {names} 联络补齐，已有的办件暂不能办理；新件照常登记。请先联络一次。",
            en=f"This machine was restored and has not yet been completed by {', '.join(missing)}: cases that exist "
            "already have to wait, new ones can be taken in. Make a contact first.",
        )


def superseded(tx: sa.Connection) -> Superseded | None:
    """Whether another device has taken over this node, as far as this one was told."""
    fact = read_fact(tx, _SUPERSEDED)
    return None if fact is None else Superseded(**fact)


def note_superseded(tx: sa.Connection, world: World, by: NodeId, epoch: str) -> None:
    """Remember that ``by`` knows a later epoch of this node; people have to decide which device goes on."""
    if superseded(tx) is None:
        write_fact(tx, _SUPERSEDED, {"by": by, "epoch": epoch, "at": iso(world.now())})
        audit.note(tx, world, actor="sync", action="epoch.superseded", subject=by, epoch=epoch)


def clear_superseded(tx: sa.Connection) -> None:
    """The neighbours count this epoch as the current one."""
    if superseded(tx) is not None:
        write_fact(tx, _SUPERSEDED, None)


def _end(tx: sa.Connection, place: Place, world: World) -> None:
    where = (EPOCH.c.node == place.node) & (EPOCH.c.epoch == place.epoch)
    ended = tx.execute(sa.update(EPOCH).where(where).values(closed_at=iso(world.now()))).rowcount
    if ended == 0:
        _enter(tx, place, world, Reason.INSTALLED, closed_at=iso(world.now()))


def enter_first(tx: sa.Connection, place: Place, world: World) -> None:
    """Note the epoch of a new installation."""
    _enter(tx, place, world, Reason.INSTALLED)


def _enter(
    tx: sa.Connection, place: Place, world: World, reason: Reason, closed_at: str | None = None
) -> None:
    tx.execute(
        sa.insert(EPOCH).values(
            node=place.node,
            epoch=place.epoch,
            born="",
            began_at=iso(world.now()),
            closed_at=closed_at,
            reason=reason,
            run="",
            number=0,
            token=b"",
        )
    )


def _neighbours(tx: sa.Connection, place: Place) -> set[NodeId]:
    above = set() if place.tier is Tier.CITY or place.parent is None else {place.parent}
    return above | set(children(tx, place))


def _own_streams(tx: sa.Connection, place: Place) -> list[StreamRow]:
    unsealed = sa.select(MESSAGE.c.stream_id).where(MESSAGE.c.seq.is_(None))
    query = sa.select(STREAM).where(
        STREAM.c.origin == place.node,
        STREAM.c.epoch != place.epoch,
        STREAM.c.id.in_(unsealed) | STREAM.c.hold.is_not(None),
    )
    return [stream_row(row) for row in tx.execute(query.order_by(STREAM.c.id)).all()]


def _signed_for_by_all(tx: sa.Connection, stream: StreamRow) -> int:
    query = sa.select(sa.func.min(DELIVERY.c.acked_seq)).where(DELIVERY.c.stream_id == stream.row)
    return min(int(tx.scalar(query) or 0), stream.head_seq)
