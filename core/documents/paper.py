"""A sheet of paper before it is drawn: title, number, and blocks from top to bottom."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.canonical import canonical_json, parse_json
from core.errors import InputError

PAPER_BYTES_MAX = 256 << 10
BLOCKS_MAX = 200
EXIT_REFUSED = 3
"""With which the program that draws says that it refused in words."""


class Shape(StrEnum):
    """How a block stands on the page."""

    ADDRESSEE = "addressee"
    """Flush left, with the colon that opens a letter."""
    TEXT = "text"
    """A paragraph, its first line indented."""
    POINT = "point"
    """One of a list, indented."""
    CLOSING = "closing"
    """Flush right: the organ with its seal, and the date."""
    FOOT = "foot"
    """Small print under a rule."""
    TABLE = "table"
    """Label and value, ruled; ``rows`` instead of ``text``."""
    CODE = "code"
    """A QR of ``text``, in the middle."""
    CAPTION = "caption"
    """In the middle, below a code."""


@dataclass(frozen=True, slots=True)
class Block:
    """``rows`` of a table are label, value, and the least lines that the value's cell is high: room for a signature."""

    shape: Shape
    text: str = ""
    rows: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Paper:
    """One document, ready to be drawn. ``one_weight``: without the bold face, in half the time."""

    title: str
    number: str
    lang: str
    blocks: tuple[Block, ...]
    one_weight: bool = False

    @property
    def words(self) -> str:
        """Everything that will be read on it."""
        parts = [self.title, self.number]
        for block in self.blocks:
            parts += [block.text, *(word for label, value, _ in block.rows for word in (label, value))]
        return "\n".join(parts)


def paper_to_json(paper: Paper) -> bytes:
    """Equal papers give equal bytes. Raises ``InputError`` (``document.large``)."""
    data = canonical_json(
        {
            "title": paper.title,
            "number": paper.number,
            "lang": paper.lang,
            "one_weight": paper.one_weight,
            "blocks": [
                {"shape": block.shape, "text": block.text, "rows": [list(row) for row in block.rows]}
                for block in paper.blocks
            ],
        }
    )
    if len(data) > PAPER_BYTES_MAX or len(paper.blocks) > BLOCKS_MAX:
        raise InputError(
            "document.large",
            zh="文书内容过长，不能打印。请缩短意见或理由后再打印。",
            en="The document is too long to print. Shorten the opinion or the reason and print it again.",
        )
    return data


def paper_from_json(data: bytes) -> Paper:
    """The paper that :func:`paper_to_json` wrote. Raises ``InputError`` (``json.*``), ``KeyError`` on anything else."""
    plain: dict[str, Any] = parse_json(data, bytes_max=PAPER_BYTES_MAX)
    return Paper(
        plain["title"],
        plain["number"],
        plain["lang"],
        tuple(_block(one) for one in plain["blocks"]),
        bool(plain["one_weight"]),
    )


def _block(plain: dict[str, Any]) -> Block:
    rows: Sequence[Sequence[Any]] = plain["rows"]
    return Block(
        Shape(plain["shape"]), plain["text"], tuple((str(row[0]), str(row[1]), int(row[2])) for row in rows)
    )
