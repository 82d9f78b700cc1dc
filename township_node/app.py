"""The township node, composed: its folder and its office."""

from pathlib import Path

import sqlalchemy as sa

from core.clock import World
from core.store.reporting import Reporter, ReportingOffice
from sync.installation import Installation, open_folder
from sync.node import Node
from sync.own_figures import OwnFigures
from sync.workplace import Workplace, join

CHAINS: tuple[Path, ...] = ()
"""The tier's own migration chain."""


Township = Workplace[ReportingOffice]
"""An opened township node."""


def compose(installation: Installation) -> Township:
    """Join the office to the node: messages of others reach the casebook, ours reach the streams."""

    def office(node: Node, tx: sa.Connection) -> ReportingOffice:
        made = ReportingOffice.join(node, tx)
        figures, every_s = OwnFigures(node, installation.folder), installation.settings.sheet_every_s
        made.reporter = Reporter.join(node.place.node, node, made, figures, every_s=every_s)
        return made

    return join(installation, office)


def open_township(folder: Path, world: World) -> Township:
    """The township node in ``folder``. Raises as :func:`sync.installation.open_folder`."""
    return compose(open_folder(folder, world, CHAINS))


def beat(app: Township) -> None:
    """Every few seconds while the node runs: tell the city our own figures when they changed."""
    app.office.reporter.beat(app.installation.db)
