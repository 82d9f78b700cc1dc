"""The worlds that are run: small ones that find much, and the whole of Yuanjiang for a day."""

from core.identifiers import NodeId
from core.regions import load_yuanjiang
from tests.simulator.world import Plan

SMALL_NODES = tuple(
    NodeId(code)
    for code in (
        "430981000000",
        "430981102000",
        "430981105000",
        "430981102001",
        "430981102202",
        "430981105002",
        "430981105202",
    )
)
SMALL = Plan(SMALL_NODES, people=6, hours=2.5)
DENSE = Plan(
    (SMALL_NODES[0], SMALL_NODES[1], SMALL_NODES[3], SMALL_NODES[4]), people=5, hours=1.5, misfortune=3.0
)
"""Few machines that live through in an hour what others meet with in a week: most is found for the least work."""
GATE_SEEDS = range(1, 7)
DENSE_SEEDS = range(1, 13)
CALM = Plan(SMALL_NODES, people=6, hours=2.5, misfortune=0.0)
DEEP = Plan(SMALL_NODES[:2] + SMALL_NODES[3:4], people=3, hours=1.0, misfortune=2.0, depth=2)
DEEP_SEEDS = range(2, 4)
"""One line of three machines on disks that lose and tear: small, and unlucky."""


def full_city(people: int = 200, hours: float = 8.0) -> Plan:
    """1 city, 14 townships, 195 villages and communities, one working day."""
    divisions = load_yuanjiang()
    every = (divisions.city, *divisions.townships(), *divisions.villages())
    return Plan(tuple(NodeId(division.code) for division in every), people, hours, misfortune=0.5)
