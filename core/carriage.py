"""How the carrying stands at one node, as it says so itself: its queue, streams, troubles and the neighbours below."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from core.identifiers import NodeId, parse_node_id
from core.shape import Count, Parsed, Pattern, Text, Whole, refuse

HEADS_MAX, NEIGHBOURS_MAX, SUBJECTS_MAX, LIVES_MAX = 256, 128, 200, 64
_COUNT = Whole(2**53)
_OFFSET_S_MAX = 2**40

Node = Annotated[NodeId, Parsed(parse_node_id)]
Epoch = Annotated[str, Pattern(r"[0-9a-f]{32}", "32 位十六进制", "32 hexadecimal characters")]


@dataclass(frozen=True, slots=True)
class _Offset:
    """Whole seconds, either sign, or none."""

    def read(self, value: object, where: str) -> int | None:
        if value is None:
            return None
        if type(value) is not int or abs(value) > _OFFSET_S_MAX:
            refuse(where, "应为整秒数", "whole seconds expected")
        return value


@dataclass(frozen=True, slots=True)
class Queue:
    """What the neighbour above has not signed for."""

    envelopes: Annotated[int, _COUNT]
    bytes: Annotated[int, _COUNT]
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class Head:
    """How much of a stream is in effect here (relayed streams: held); ``key`` as in a receipt, hexadecimal."""

    key: Annotated[str, Pattern(r"[0-9a-f]{32}", "32 位十六进制", "32 hexadecimal characters")]
    lane: Annotated[str, Text(16, 1)]
    upto: Annotated[int, _COUNT]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A node below, as this node last met it. ``clock_offset_s``: its clock minus ours."""

    node: Node
    last_contact_at: datetime | None
    carrier: Annotated[str, Text(16)]
    failures: Annotated[int, _COUNT]
    waiting: Queue
    clock_offset_s: Annotated[int | None, _Offset()]


@dataclass(frozen=True, slots=True)
class Troubles:
    """What waits for people: subjects set aside (empty text: an envelope that could not be opened), and counts.

    ``held`` are origins whose streams are on hold, ``doubled`` nodes of which two devices speak, ``recovering``
    neighbours that have not yet completed a restored disk.
    """

    quarantined: Annotated[tuple[Annotated[str, Text(64)], ...], Count(SUBJECTS_MAX)] = ()
    quarantined_count: Annotated[int, _COUNT] = 0
    held: Annotated[tuple[Node, ...], Count(LIVES_MAX)] = ()
    doubled: Annotated[tuple[Node, ...], Count(LIVES_MAX)] = ()
    recovering: Annotated[tuple[Node, ...], Count(LIVES_MAX)] = ()
    is_superseded: bool = False
    damaged: Annotated[int, _COUNT] = 0
    differences: Annotated[int, _COUNT] = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """How the carrying stands at one node. ``unsigned``: own messages and envelopes not signed for above."""

    epoch: Epoch
    software: Annotated[str, Text(64)]
    queue: Queue
    unsigned: Annotated[int, _COUNT]
    heads: Annotated[tuple[Head, ...], Count(HEADS_MAX)]
    troubles: Troubles
    neighbours: Annotated[tuple[Neighbour, ...], Count(NEIGHBOURS_MAX)]
    disk_free_bytes: Annotated[int, _COUNT]
    certificate_ends_at: datetime | None
    clock_offset_s: Annotated[int | None, _Offset()]
    """The clock of the neighbour above minus ours, as last met over a line."""
