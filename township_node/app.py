"""The township node, composed: its folder and its office."""

from pathlib import Path

from core.clock import World
from core.store.office import Office
from sync.installation import Installation, open_folder
from sync.workplace import Workplace, join

CHAINS: tuple[Path, ...] = ()
"""The tier's own migration chain."""


Township = Workplace[Office]
"""An opened township node."""


def compose(installation: Installation) -> Township:
    """Join the office to the node: messages of others reach the casebook, ours reach the streams."""
    return join(installation, Office.join)


def open_township(folder: Path, world: World) -> Township:
    """The township node in ``folder``. Raises as :func:`sync.installation.open_folder`."""
    return compose(open_folder(folder, world, CHAINS))
