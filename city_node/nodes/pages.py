"""The pages of the nodes: the tree of all divisions, one node, and what an administrator may do with it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from city_node.nodes.acts import give_code, require_below, revoke_node
from city_node.nodes.listing import CERTIFICATE_SOON_DAYS, Standing, children_of, standings
from city_node.nodes.words import WORDS
from city_node.office import CityOffice
from city_node.sheet.gather import reports
from core.desk.facts import place_name
from core.desk.sections import Page, Section, Wing
from core.desk.table import Column, Kind, Table
from core.desk.visit import Answer, Visit
from core.identifiers import NodeId, Tier, parse_node_id
from core.messages import Role
from core.sheet import is_clock_off
from sync.node import Node

ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})


class NodePages:
    """Handlers that share the node."""

    def __init__(self, office: CityOffice, node: Node, folder: Path) -> None:
        self._office, self._node, self._folder = office, node, folder

    def wing(self) -> Wing:
        """Takes the place of the page of neighbours that every desk has."""
        pages = (
            Page("/nodes", self.tree_page),
            Page("/nodes/node/{node}", self.node_page),
            Page("/nodes/node/{node}/code", self.code, "POST", ADMINISTRATORS),
            Page("/nodes/node/{node}/revoke", self.revoke, "POST", ADMINISTRATORS),
        )
        return Wing("city_node.nodes", (Section("nav.nodes", pages),), WORDS)

    def tree_page(self, visit: Visit) -> Answer:
        """Every township with its villages; ``only=look`` keeps what needs somebody."""
        found = self._standings(visit)
        if visit.query("format") == "xlsx":
            return visit.spreadsheet(_table(visit, list(found.values())))
        only = visit.query("only") if visit.query("only") in ("look", "absent") else ""
        now = visit.context.world.now()
        towns = []
        for one in found.values():
            if one.tier is not Tier.TOWNSHIP:
                continue
            below = [_row(visit, child, now) for child in children_of(found, one.node[:12])]
            shown = [row for row in below if _is_wanted(row, only)]
            row = _row(visit, one, now)
            if shown or _is_wanted(row, only):
                towns.append(
                    row
                    | {
                        "below": shown,
                        "enrolled": sum(child["is_enrolled"] for child in below),
                        "all": len(below),
                        "look": sum(bool(child["looks"]) for child in below),
                    }
                )
        counts = {
            "enrolled": sum(one.is_enrolled for one in found.values()),
            "silent": sum(one.is_silent for one in found.values()),
            "look": sum(bool(_row(visit, one, now)["looks"]) for one in found.values()),
            "absent": sum(not one.is_enrolled for one in found.values()),
        }
        return visit.page("nodes_tree.html", towns=towns, counts=counts, only=only)

    def node_page(self, visit: Visit) -> Answer:
        """One node with all that is known of it."""
        return self._page(visit, self._target(visit))

    def code(self, visit: Visit) -> Answer:
        """Give a code; it stands on this one answer and nowhere else."""
        target = self._target(visit)
        code = give_code(
            self._node, visit.signed_in.officer, target, visit.typed("reason"), visit.typed("confirm")
        )
        return self._page(visit, target, code=code)

    def revoke(self, visit: Visit) -> Answer:
        target = self._target(visit)
        done = revoke_node(
            self._node, visit.signed_in.officer, target, visit.typed("reason"), visit.typed("confirm")
        )
        return visit.go(f"/nodes/node/{target}?revoked={len(done.serials)}")

    def _page(self, visit: Visit, target: NodeId, code: Any = None) -> Answer:
        found = self._standings(visit)
        now = visit.context.world.now()
        one = found.get(target) or _absent(target)
        with visit.context.db.reading() as tx:
            told = reports(tx, target).get(target)
        return visit.page(
            "nodes_node.html",
            one=_row(visit, one, now),
            standing=one,
            told=told,
            code=code,
            revoked=visit.query("revoked") if visit.query("revoked").isdigit() else "",
            may_act=Role.ADMINISTRATOR in visit.signed_in.officer.roles,
        )

    def _standings(self, visit: Visit) -> dict[NodeId, Standing]:
        self._office.bookkeeper.catch_up(visit.context.db)
        with visit.context.db.reading() as tx:
            self._node.refresh(tx)
            return standings(tx, visit.context.world, self._node)

    def _target(self, visit: Visit) -> NodeId:
        target = parse_node_id(visit.request.path_params["node"])
        require_below(self._node, target)
        return target


def _is_wanted(row: dict[str, Any], only: str) -> bool:
    if only == "look":
        return bool(row["looks"])
    return only != "absent" or not row["is_enrolled"]


def _absent(target: NodeId) -> Standing:
    return Standing(
        target,
        False,
        None,
        False,
        None,
        "",
        None,
        None,
        "",
        None,
        None,
        None,
        False,
        None,
        None,
        None,
        0,
        None,
    )


def _row(visit: Visit, one: Standing, now: Any) -> dict[str, Any]:
    """A node as its line shows it; ``looks`` are the words for what needs somebody."""
    looks = []
    if one.is_revoked:
        looks.append("revoked")
    if one.is_silent:
        looks.append("silent")
    if one.is_enrolled and one.rhythm is None:
        looks.append("never")
    if is_clock_off(one.clock_offset_s):
        looks.append("clock")
    ends = one.certificate_ends_at
    if ends is not None and ends - now < timedelta(days=CERTIFICATE_SOON_DAYS):
        looks.append("certificate")
    if one.troubles:
        looks.append("troubles")
    return {
        "node": one.node,
        "name": place_name(one.node, visit.lang),
        "short": place_name(one.node, visit.lang).rpartition("·")[2],
        "is_enrolled": one.is_enrolled,
        "looks": looks,
        "heard_at": one.rhythm.heard_at if one.rhythm else None,
        "usual_s": one.rhythm.usual.total_seconds() if one.rhythm else None,
        "quiet_s": (now - one.rhythm.heard_at).total_seconds() if one.rhythm else None,
        "told_at": one.told_at,
        "carrier": visit.say(f"carrier.{one.carrier}") if one.carrier in ("extranet", "usb") else one.carrier,
        "above": one.above,
        "below": one.below,
        "oldest_at": min(
            (each.oldest_at for each in (one.above, one.below) if each and each.oldest_at), default=None
        ),
        "waiting": sum(each.envelopes for each in (one.above, one.below) if each),
        "waiting_bytes": sum(each.bytes for each in (one.above, one.below) if each),
        "software": one.software,
        "catalogue": one.catalogue,
        "calendar": one.calendar,
        "certificate": ends,
        "disk_mb": None if not one.disk_free_bytes else one.disk_free_bytes >> 20,
        "clock": one.clock_offset_s,
        "drafts": one.drafts,
        "troubles": one.troubles,
        "error": None if one.error is None else one.error[visit.lang],
    }


def _table(visit: Visit, found: list[Standing]) -> Table:
    word, now = visit.house.words, visit.context.world.now()
    rows = []
    for one in found:
        row = _row(visit, one, now)
        row["looks"] = "、".join(visit.say(f"look.{look}") for look in row["looks"])
        rows.append(row)
    columns = (
        Column("node", *word["nodes.number"]),
        Column("name", *word["nodes.node"]),
        Column("looks", *word["nodes.looks"]),
        Column("heard_at", *word["nodes.heard"], Kind.TIME),
        Column("usual_s", *word["nodes.usual"], Kind.SPAN),
        Column("told_at", *word["nodes.told"], Kind.TIME),
        Column("carrier", *word["nodes.by"]),
        Column("waiting", *word["nodes.waiting"], Kind.COUNT),
        Column("waiting_bytes", *word["nodes.waiting_bytes"], Kind.COUNT),
        Column("oldest_at", *word["nodes.oldest"], Kind.TIME),
        Column("software", *word["nodes.software"]),
        Column("catalogue", *word["nodes.catalogue"], Kind.COUNT),
        Column("calendar", *word["nodes.calendar"], Kind.COUNT),
        Column("certificate", *word["nodes.certificate"], Kind.TIME),
        Column("disk_mb", *word["nodes.disk"], Kind.COUNT),
        Column("clock", *word["nodes.clock"], Kind.COUNT),
        Column("troubles", *word["nodes.troubles"], Kind.COUNT),
    )
    return Table("nodes", *word["nodes.all"], columns, rows)
