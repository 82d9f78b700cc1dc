"""An opened installation and the office that works on it; which office is the tier's affair."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import Generic, TypeVar

import sqlalchemy as sa

from sync import audit
from sync.installation import Installation
from sync.node import Node
from sync.overview import ScannedFiles, mended, troubles
from sync.primitives import argon2id
from sync.settings import Settings
from sync.signed_for import signed_for
from sync.status import neighbours

Office = TypeVar("Office")


@dataclass(frozen=True)
class Workplace(Generic[Office]):
    """What a program of a tier has in hand."""

    installation: Installation
    office: Office


def join(installation: Installation, office: Callable[[Node, sa.Connection], Office]) -> Workplace[Office]:
    """Join an office to the node: messages of others reach it, its own reach the streams."""
    with installation.db.reading() as tx:
        return Workplace(installation, office(installation.node, tx))


_OFFICE = "office_"


def letterhead(settings: Settings) -> dict[str, str]:
    """What the settings say of the office, by the name without ``office_``."""
    names = (field.name for field in fields(settings) if field.name.startswith(_OFFICE))
    return {name.removeprefix(_OFFICE): getattr(settings, name) for name in names}


class DeskSeam:
    """What a desk of people needs of the carrier."""

    def __init__(self, installation: Installation) -> None:
        node = installation.node
        self.db = installation.db
        self.node = node.place.node
        self.world = node.world
        self.stretch = argon2id
        self.audit = partial(audit.note, world=node.world)
        self.files = ScannedFiles(node)
        self.neighbours = partial(neighbours, installation)
        self.troubles = partial(troubles, installation)
        self.audit_lines = audit.search
        self.mended = partial(mended, installation)
        self.signed_for = signed_for
        self.letterhead = letterhead(installation.settings)
