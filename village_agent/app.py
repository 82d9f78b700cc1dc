"""The village agent, composed: its folder and its office."""

from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from core.clock import World
from core.identifiers import NodeId
from core.store.reporting import Reporter, ReportingOffice
from sync.installation import Installation, open_folder
from sync.node import Node
from sync.own_figures import OwnFigures
from sync.settings import load_settings
from sync.workplace import Workplace, join
from village_agent import appointments, notepad  # noqa: F401 - declared together with the chain that makes them
from village_agent.consultations import Consultations
from village_agent.drafts import Drafts
from village_agent.practice_mark import refuse_practice

CHAINS: tuple[Path, ...] = (Path(__file__).parent / "migrations",)
"""The tier's own migration chain."""


Village = Workplace[ReportingOffice]
"""An opened village agent."""


def compose(installation: Installation) -> Village:
    """Join the office to the node: messages of others reach the casebook, ours reach the streams."""
    drafts = Drafts(installation.node.world).count
    installation = replace(installation, drafts=drafts)

    def office(node: Node, tx: sa.Connection) -> ReportingOffice:
        made = ReportingOffice.join(node, tx)
        figures, every_s = OwnFigures(node, installation.folder), installation.settings.sheet_every_s
        node.serve(Consultations(node.place.node, node.world, node.post).handlers())
        made.reporter = Reporter.join(node.place.node, node, made, figures, every_s=every_s, drafts=drafts)
        return made

    return join(installation, office)


def open_village(folder: Path, world: World, raw_key: bytes | None = None) -> Village:
    """The village agent in ``folder``; ``raw_key`` opens its encrypted database.

    Raises as :func:`sync.installation.open_folder`; ``StateError`` (``practice.only``) for a practice, which meets nobody.
    """
    refuse_practice(folder, NodeId(load_settings(folder).node))
    return compose(open_folder(folder, world, CHAINS, raw_key))


def beat(app: Village) -> None:
    """Every few seconds while the node runs: tell the city our own figures when they changed."""
    app.office.reporter.beat(app.installation.db)
