"""The city node, composed: its folder and its office."""

from pathlib import Path

from core.clock import World
from core.store.office import Office
from sync.installation import Installation, open_folder
from sync.workplace import Workplace, join

CHAINS: tuple[Path, ...] = ()
"""The tier's own migration chain."""


City = Workplace[Office]
"""An opened city node."""


def compose(installation: Installation) -> City:
    """Join the office to the node: messages of others reach the casebook, ours reach the streams."""
    return join(installation, Office.join)


def open_city(folder: Path, world: World) -> City:
    """The city node in ``folder``. Raises as :func:`sync.installation.open_folder`."""
    return compose(open_folder(folder, world, CHAINS))
