"""The village agent, composed: its folder and its office."""

from pathlib import Path

from core.clock import World
from core.store.office import Office
from sync.installation import Installation, open_folder
from sync.workplace import Workplace, join

CHAINS: tuple[Path, ...] = (Path(__file__).parent / "migrations",)
"""The tier's own migration chain."""


Village = Workplace[Office]
"""An opened village agent."""


def compose(installation: Installation) -> Village:
    """Join the office to the node: messages of others reach the casebook, ours reach the streams."""
    return join(installation, Office.join)


def open_village(folder: Path, world: World, raw_key: bytes | None = None) -> Village:
    """The village agent in ``folder``; ``raw_key`` opens its encrypted database. Raises as :func:`sync.installation.open_folder`."""
    return compose(open_folder(folder, world, CHAINS, raw_key))
