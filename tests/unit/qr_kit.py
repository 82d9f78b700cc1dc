"""Reads a QR of one block (versions 1 and 2, and 3 up to level M) from its modules, without the library that made it (ISO/IEC 18004)."""

from collections.abc import Iterator, Sequence

Modules = Sequence[Sequence[bool]]
ALNUM = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
DATA_BYTES = {
    (1, "L"): 19,
    (1, "M"): 16,
    (1, "Q"): 13,
    (1, "H"): 9,
    (2, "L"): 34,
    (2, "M"): 28,
    (2, "Q"): 22,
    (2, "H"): 16,
    (3, "L"): 55,
    (3, "M"): 44,
}
"""By version and level of correction (tables 7 and 9)."""
LEVELS = "MLHQ"
MASKS = (
    lambda r, c: (r + c) % 2 == 0,
    lambda r, c: r % 2 == 0,
    lambda r, c: c % 3 == 0,
    lambda r, c: (r + c) % 3 == 0,
    lambda r, c: (r // 2 + c // 3) % 2 == 0,
    lambda r, c: r * c % 2 + r * c % 3 == 0,
    lambda r, c: (r * c % 2 + r * c % 3) % 2 == 0,
    lambda r, c: ((r + c) % 2 + r * c % 3) % 2 == 0,
)
FORMAT_CELLS = [(8, c) for c in (0, 1, 2, 3, 4, 5, 7, 8)] + [(r, 8) for r in (7, 5, 4, 3, 2, 1, 0)]


def read_qr(rows: Modules) -> str:
    """The text of the code; ``rows`` may have a light border. Raises ``AssertionError`` where it is no such code."""
    code = _bare(rows)
    side = len(code)
    version = (side - 17) // 4
    _require_finders(code)
    word = int("".join("1" if code[r][c] else "0" for r, c in FORMAT_CELLS), 2) ^ 0b101010000010010
    kind = version, LEVELS[word >> 13]
    assert kind in DATA_BYTES, kind
    mask = MASKS[word >> 10 & 7]
    bits = [code[r][c] ^ mask(r, c) for r, c in _path(side, version)]
    stream = "".join("1" if bit else "0" for bit in bits[: 8 * DATA_BYTES[kind]])
    return _text(stream)


def _bare(rows: Modules) -> list[list[bool]]:
    dark = [(r, c) for r, row in enumerate(rows) for c, cell in enumerate(row) if cell]
    top, left = min(r for r, _ in dark), min(c for _, c in dark)
    side = max(r for r, _ in dark) - top + 1
    return [[bool(cell) for cell in row[left : left + side]] for row in rows[top : top + side]]


def _require_finders(code: Modules) -> None:
    side = len(code)
    for top, left in ((0, 0), (0, side - 7), (side - 7, 0)):
        for r in range(7):
            for c in range(7):
                ring = max(abs(r - 3), abs(c - 3))
                assert code[top + r][left + c] == (ring != 2), "no finder pattern"


def _path(side: int, version: int) -> Iterator[tuple[int, int]]:
    columns = [c for c in range(side - 1, 0, -2) if c > 6] + [5, 3, 1]
    for number, right in enumerate(columns):
        rows = range(side) if number % 2 else range(side - 1, -1, -1)
        for r in rows:
            for c in (right, right - 1):
                if not _is_fixed(r, c, side, version):
                    yield r, c


def _is_fixed(r: int, c: int, side: int, version: int) -> bool:
    finder = (r < 9 and c < 9) or (r < 9 and c >= side - 8) or (r >= side - 8 and c < 9)
    aligned = version > 1 and abs(r - (side - 7)) <= 2 and abs(c - (side - 7)) <= 2
    return finder or r == 6 or c == 6 or aligned


def _text(stream: str) -> str:
    at = 0

    def take(count: int) -> int:
        nonlocal at
        at += count
        return int(stream[at - count : at] or "0", 2)

    text = ""
    while at + 4 <= len(stream) and (mode := take(4)):
        if mode == 2:
            left = take(9)
            while left > 1:
                pair = take(11)
                text += ALNUM[pair // 45] + ALNUM[pair % 45]
                left -= 2
            text += ALNUM[take(6)] if left else ""
        elif mode == 1:
            left = take(10)
            while left >= 3:
                text += f"{take(10):03d}"
                left -= 3
            text += f"{take(7):02d}" if left == 2 else f"{take(4)}" if left else ""
        else:
            assert mode == 4, f"mode {mode}"
            text += bytes(take(8) for _ in range(take(8))).decode()
    return text
