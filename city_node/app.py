"""The city node, composed: its folder and its office."""

from dataclasses import dataclass
from pathlib import Path

from core.clock import World
from core.store.office import Office
from sync.installation import Installation, installation_ordinal, open_folder

CHAINS: tuple[Path, ...] = ()
"""The tier's own migration chain."""


@dataclass(frozen=True, slots=True)
class City:
    """An opened city node."""

    installation: Installation
    office: Office


def compose(installation: Installation) -> City:
    """Join the office to the node: messages of others reach the casebook, ours reach the streams."""
    with installation.db.reading() as tx:
        return City(installation, Office.join(installation.node, tx, installation_ordinal(installation)))


def open_city(folder: Path, world: World) -> City:
    """The city node in ``folder``. Raises as :func:`sync.installation.open_folder`."""
    return compose(open_folder(folder, world, CHAINS))
