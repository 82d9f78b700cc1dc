"""The village agent, composed: its folder and its office."""

from dataclasses import dataclass
from pathlib import Path

from core.clock import World
from core.store.office import Office
from sync.installation import Installation, installation_ordinal, open_folder

CHAINS: tuple[Path, ...] = (Path(__file__).parent / "migrations",)
"""The tier's own migration chain."""


@dataclass(frozen=True, slots=True)
class Village:
    """An opened village agent."""

    installation: Installation
    office: Office


def compose(installation: Installation) -> Village:
    """Join the office to the node: messages of others reach the casebook, ours reach the streams."""
    with installation.db.reading() as tx:
        return Village(installation, Office.join(installation.node, tx, installation_ordinal(installation)))


def open_village(folder: Path, world: World, raw_key: bytes | None = None) -> Village:
    """The village agent in ``folder``; ``raw_key`` opens its encrypted database. Raises as :func:`sync.installation.open_folder`."""
    return compose(open_folder(folder, world, CHAINS, raw_key))
