"""The city node, composed: its folder and its office."""

from pathlib import Path

import city_node.catalogue.tables  # noqa: F401 - declared together with the chain that makes them
from city_node.office import CityOffice
from core.clock import World
from sync.installation import Installation, open_folder
from sync.workplace import Workplace, join

CHAINS: tuple[Path, ...] = (Path(__file__).parent / "migrations",)
"""The tier's own migration chain."""


City = Workplace[CityOffice]
"""An opened city node."""


def compose(installation: Installation) -> City:
    """Join the office to the node: messages of others reach the casebook, ours reach the streams."""
    return join(installation, CityOffice.join)


def open_city(folder: Path, world: World) -> City:
    """The city node in ``folder``. Raises as :func:`sync.installation.open_folder`."""
    return compose(open_folder(folder, world, CHAINS))
