"""What an installation knows of itself: node, epoch, parent and its own counters."""

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.errors import LocalError
from core.identifiers import DivisionCode, NodeId, Tier, division_of, parent_of, tier_of
from core.store.prepared import Prepared, put
from sync.tables import NODE_STATE


@dataclass(frozen=True, slots=True)
class Place:
    """Where this installation stands. ``epoch`` is 32 hex characters, new at install, restore and copy."""

    node: NodeId
    epoch: str

    @property
    def division(self) -> DivisionCode:
        return division_of(self.node)

    @property
    def tier(self) -> Tier:
        return tier_of(self.division)

    @property
    def parent(self) -> NodeId | None:
        """The neighbour above; the city has none."""
        return None if self.tier is Tier.CITY else NodeId(parent_of(self.division))

    @property
    def city(self) -> NodeId:
        return NodeId(self.division[:6] + "000000")


_VALUE = Prepared(sa.select(NODE_STATE.c.value).where(NODE_STATE.c.name == sa.bindparam("fact")))
REVOCATIONS = "revocations"
_STANDING = Prepared(
    sa.union_all(
        *(
            sa.select(NODE_STATE.c.name, NODE_STATE.c.value).where(NODE_STATE.c.name == fact)
            for fact in ("node", "epoch", REVOCATIONS)
        )
    )
)


def read_place(tx: sa.Connection) -> Place:
    """Who this database belongs to. Raises ``LocalError`` (``node.not_initialised``)."""
    return read_standing(tx)[0]


def read_standing(tx: sa.Connection) -> tuple[Place, int]:
    """Who this database belongs to, and the number of the revocation list in it. Raises as :func:`read_place`."""
    facts = {name: json.loads(value) for name, value in _STANDING.all(tx)}
    if "node" not in facts:
        raise LocalError(
            "node.not_initialised",
            zh="这台设备还没有初始化。请先运行 init。",
            en="This installation has not been initialised. Run init first.",
        )
    return Place(NodeId(facts["node"]), facts["epoch"]), facts.get(REVOCATIONS, 0)


def read_fact(tx: sa.Connection, name: str, default: Any = None) -> Any:
    """The JSON value remembered under ``name``."""
    value = _VALUE.scalar(tx, fact=name)
    return default if value is None else json.loads(value)


def write_fact(tx: sa.Connection, name: str, value: Any) -> None:
    """Remember a JSON value under ``name``."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    put(tx, NODE_STATE, {"name": name}, value=text)


def next_count(tx: sa.Connection, name: str) -> int:
    """1, 2, 3 …: a counter that never repeats within this epoch."""
    count = int(read_fact(tx, name, 0)) + 1
    write_fact(tx, name, count)
    return count
