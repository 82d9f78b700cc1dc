"""Widths on a terminal are cells, never characters."""

from rich.cells import cell_len, set_cell_size

from core.shape import UNPRINTABLE

# Chinese consoles draw these two cells wide and others one; what stands here instead is the same everywhere.
_SAFE = str.maketrans(
    {"·": " ", "×": "*", "…": "..", "—": "-", "–": "-", "“": "「", "”": "」", "‘": "'", "’": "'"}
    # Without a width of their own, but not everywhere.
    | dict.fromkeys("\u00ad\u200b\u2060\ufeff", "")
)


_CLOSING = frozenset("，。、；：）」”！？")
_OPENING = frozenset("（「《“")


def safe(text: str) -> str:
    """``text`` without the glyphs whose width depends on the console."""
    return text.translate(_SAFE)


def cells(text: str) -> int:
    """How wide ``text`` is as it is painted."""
    return cell_len(safe(text))


def fit(text: str, width: int, *, centre: bool = False) -> str:
    """``text`` cut or padded to exactly ``width`` cells."""
    plain = clean(text)
    missing = width - cells(plain)
    if centre and missing > 1:
        plain = " " * (missing // 2) + plain
    if missing < 0:
        plain = _beginning(plain, width)
    return plain + " " * (width - cells(plain))


def shorten(text: str, width: int) -> str:
    """``text``, or as much of it as fits in ``width`` cells, ending in ``..`` where it was cut."""
    plain = clean(text)
    if cells(plain) <= width:
        return plain
    return _beginning(plain, max(0, width - 2)).rstrip() + ".."


def _beginning(text: str, width: int) -> str:
    """As much of ``text`` as fits; half a wide character leaves a blank."""
    head = set_cell_size(text, width)
    while cells(head) > width:
        head = head[:-1]
    return head


def hang(line: str, width: int, by: int = 2) -> list[str]:
    """``line`` folded; what follows its first line stands ``by`` cells further in than it."""
    edge = len(line) - len(line.lstrip(" >")) + by
    first, *rest = wrap(line, width)
    # The rest has less room, so it is folded anew as one.
    head = clean(line)[len(first) :].lstrip() if rest else ""
    return [first, *(" " * edge + more for more in wrap(head, max(1, width - edge)) if head)]


def wrap(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` cells as it is painted; Latin words stay whole where they can."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for piece in _pieces(clean(paragraph)):
            if cells(line) + cells(piece.rstrip()) <= width or not line:
                line += piece
            else:
                lines.append(line.rstrip())
                line = piece.lstrip()
            while cells(line.rstrip()) > width:
                head = _beginning(line, width).rstrip()
                lines.append(head)
                line = line[len(head) :]
        lines.append(line.rstrip())
    return lines


def clean(text: str) -> str:
    """Without what would move the cursor."""
    return UNPRINTABLE.sub(" ", text)


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    word = ""
    for char in text:
        if char.isascii() and char != " ":
            if not word and pieces and pieces[-1][-1:] in _OPENING:
                word = pieces.pop()
            word += char
            continue
        if char == " ":
            pieces.append(word + char)
        else:
            pieces += [word] if word else []
            # Closing marks do not begin a line, opening ones do not end it.
            if pieces and (char in _CLOSING or pieces[-1][-1:] in _OPENING):
                pieces[-1] += char
            else:
                pieces.append(char)
        word = ""
    return [piece for piece in [*pieces, word] if piece]
