"""The one door to the QR library: the modules of a code as rows of dark and light."""

import segno

BORDER = 4
"""Light modules around it (ISO/IEC 18004, quiet zone)."""


def qr_modules(text: str, border: int = BORDER) -> list[list[bool]]:
    """The dark modules of the QR of ``text``, row by row, with a light border of so many modules."""
    code = segno.make(text, error="m", micro=False)
    return [[bool(dark) for dark in row] for row in code.matrix_iter(border=border)]
