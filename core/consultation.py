"""A question of a citizen that the village passes on, and the answer of the department: two messages about no case.

Said to one reader each, the city and the village that asked; whoever lies between relays them unread.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from core.bodies import Id32, Name, Reason
from core.canonical import canonical_json, parse_json
from core.carriage import Node
from core.shape import Text, from_plain, to_plain

CONSULTATION_ASKED = "ConsultationAsked"
CONSULTATION_ANSWERED = "ConsultationAnswered"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class ConsultationAsked:
    """``id`` names the consultation for its answer; ``department`` is the one that has to answer, as the catalogue names it."""

    id: Id32
    node: Node
    agent: Name
    at: datetime
    person: Name
    phone: Annotated[str, Text(32)]
    department: Name
    words: Reason


@dataclass(frozen=True, slots=True)
class ConsultationAnswered:
    """``officer`` is the name of who answered, as people read it."""

    id: Id32
    officer: Name
    at: datetime
    answer: Reason


def encode_consultation(body: ConsultationAsked | ConsultationAnswered) -> bytes:
    """Canonical JSON. Raises ``InputError`` where the reader would refuse it."""
    data = canonical_json(to_plain(body))
    from_plain(type(body), parse_json(data), "consultation")
    return data


def decode_asked(data: bytes) -> ConsultationAsked:
    """Raises ``InputError``: ``json.*``, ``shape.refused``."""
    return from_plain(ConsultationAsked, parse_json(data), "consultation")


def decode_answered(data: bytes) -> ConsultationAnswered:
    """Raises ``InputError``: ``json.*``, ``shape.refused``."""
    return from_plain(ConsultationAnswered, parse_json(data), "consultation")
