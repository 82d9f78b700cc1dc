"""Widths on a terminal are cells, never characters."""

from rich.cells import cell_len, set_cell_size

# Chinese consoles draw these two cells wide and others one; what stands here instead is the same everywhere.
_SAFE = str.maketrans(
    {"·": " ", "×": "*", "…": "..", "—": "-", "–": "-", "“": "「", "”": "」", "‘": "'", "’": "'"}
)


_CLOSING = frozenset("，。、；：）」！？")


def safe(text: str) -> str:
    """``text`` without the glyphs whose width depends on the console."""
    return text.translate(_SAFE)


def fit(text: str, width: int, *, centre: bool = False) -> str:
    """``text`` cut or padded to exactly ``width`` cells."""
    plain = clean(text)
    missing = width - cell_len(plain)
    if centre and missing > 1:
        plain = " " * (missing // 2) + plain
    return set_cell_size(plain, width)


def shorten(text: str, width: int) -> str:
    """``text``, or as much of it as fits in ``width`` cells, ending in ``..`` where it was cut."""
    plain = clean(text)
    if cell_len(plain) <= width:
        return plain
    return set_cell_size(plain, max(0, width - 2)).rstrip() + ".."


def wrap(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` cells; Latin words stay whole where they can."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for piece in _pieces(clean(paragraph)):
            if cell_len(line) + cell_len(piece.rstrip()) <= width or not line:
                line += piece
            else:
                lines.append(line.rstrip())
                line = piece.lstrip()
            while cell_len(line.rstrip()) > width:
                head = set_cell_size(line, width).rstrip()
                lines.append(head)
                line = line[len(head) :]
        lines.append(line.rstrip())
    return lines


def clean(text: str) -> str:
    """Without what would move the cursor."""
    return "".join(char if char.isprintable() else " " for char in text)


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    word = ""
    for char in text:
        if char.isascii() and char != " ":
            word += char
            continue
        if char == " ":
            pieces.append(word + char)
        else:
            pieces += [word] if word else []
            # Closing marks do not begin a line.
            if char in _CLOSING and pieces:
                pieces[-1] += char
            else:
                pieces.append(char)
        word = ""
    return [piece for piece in [*pieces, word] if piece]
