"""Every hand-over that has to be signed for, found from what was said, and the receipt that proves it. Pure rules."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.identifiers import NodeId, Tier, division_of, parent_of, tier_of
from core.messages import MessageType
from core.workflow_names import message_name
from deploy.demo.books import Cabinet, Said, Signed

CUSTODY, ACCEPTANCE = "custody", "acceptance"
_KINDS = {CUSTODY: ("保管", "custody"), ACCEPTANCE: ("入账", "acceptance")}


@dataclass(frozen=True, slots=True)
class HandOver:
    """One message of a case from ``giver`` to ``taker``; the receipt lies with the giver.

    ``custody`` is neighbour to neighbour, ``acceptance`` from the reader back to the author.
    """

    case: str
    message: str
    type: str
    kind: str
    giver: str
    taker: str
    at: str
    is_signed: bool
    is_good: bool

    def what(self, lang: str = "zh") -> str:
        return message_name(MessageType(self.type), lang)

    def kind_text(self, lang: str = "zh") -> str:
        return _KINDS[self.kind][lang == "en"]


def hand_overs(cabinets: Mapping[str, Cabinet]) -> Iterator[HandOver]:
    """What every message of a case needs: custody at each step of its way, and acceptance by each reader."""
    filed: dict[tuple[str, str, str, str], list[Signed]] = {}
    for node, cabinet in cabinets.items():
        for receipt in cabinet.signed:
            filed.setdefault((node, receipt.stream, receipt.signer, receipt.kind), []).append(receipt)
    for author, cabinet in sorted(cabinets.items()):
        for said in cabinet.said:
            steps = dict.fromkeys(step for reader in said.readers for step in way(author, reader))
            for giver, taker in steps:
                yield _proved(
                    said, CUSTODY, giver, taker, filed.get((giver, said.stream, taker, CUSTODY), [])
                )
            for reader in said.readers:
                papers = filed.get((author, said.stream, reader, ACCEPTANCE), [])
                yield _proved(said, ACCEPTANCE, author, reader, papers)


def way(author: str, reader: str) -> list[tuple[str, str]]:
    """The hand-overs between neighbours from one node of a city to another: up to the common tier, then down."""
    up, down = _line_up(author), _line_up(reader)
    meeting = next(node for node in up if node in down)
    nodes = up[: up.index(meeting) + 1] + down[: down.index(meeting)][::-1]
    return list(itertools.pairwise(nodes))


def _line_up(node: str) -> list[str]:
    line = [node]
    while tier_of(division_of(NodeId(line[-1]))) is not Tier.CITY:
        line.append(parent_of(division_of(NodeId(line[-1]))))
    return line


def _proved(said: Said, kind: str, giver: str, taker: str, papers: list[Signed]) -> HandOver:
    fitting = sorted((paper for paper in papers if paper.covers(said.seq)), key=lambda paper: paper.at)
    good = [paper for paper in fitting if paper.is_good and paper.digest == paper.envelope]
    first = next(iter(good or fitting), None)
    return HandOver(
        said.case,
        said.id,
        said.type,
        kind,
        giver,
        taker,
        first.at if first else "",
        first is not None,
        bool(good),
    )
