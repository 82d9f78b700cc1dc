"""Who may bring what here: neighbours alone, and envelopes only by the way that leads from their origin."""

import sqlalchemy as sa

from core.errors import PeerError
from core.identifiers import NodeId, Tier, division_of, parent_of, tier_of
from sync.custody import next_hops, towards
from sync.header import Header
from sync.node import Node
from sync.stream import children
from sync.stream_id import EVERYONE


def require_neighbour(node: Node, sender: NodeId) -> None:
    """Raises ``PeerError`` (``contact.stranger``) for who is neither above nor below this node."""
    division = division_of(sender)
    below = tier_of(division) is not Tier.CITY and parent_of(division) == node.place.division
    if not below and sender != node.place.parent:
        raise PeerError(
            "contact.stranger",
            zh=f"{sender} 不是本机的上级或下级，未接收。请检查地址设置，或把U盘带到所属的镇。",
            en=f"{sender} is neither above nor below this node; nothing was taken. Check the address, or bring the "
            "stick to the township it belongs to.",
        )


def require_route(node: Node, tx: sa.Connection, peer: NodeId, header: Header) -> None:
    """Raises ``PeerError`` (``envelope.misrouted``) for an envelope that does not come by ``peer`` or is not for here."""
    # The neighbour must be the one by whom this origin's envelopes come, and we a stop on the way; or it gives back
    # what it once had by way of us, or our own words from an epoch that has ended.
    me = node.place.node
    everyone = header.readers == (EVERYONE,)
    comes_by = header.origin != me and towards(me, header.origin) == peer
    onward = next_hops(me, header.readers, origin=header.origin, children=children(tx, node.place))
    public_by_other = everyone and tier_of(division_of(header.origin)) is not Tier.CITY
    given_back = peer in onward and (header.origin != me or header.epoch != node.place.epoch)
    forward = comes_by and (me in header.readers or everyone or onward)
    if public_by_other or not (forward or given_back):
        raise PeerError(
            "envelope.misrouted",
            zh=f"来自 {header.origin} 的信封不该由 {peer} 送到这里，未接收。请核对区划和地址设置。",
            en=f"An envelope of {header.origin} has no business here by way of {peer}; it was not taken. "
            "Check divisions and addresses.",
        )
