"""Numbers as people type them and as they travel: decimal text, never a binary fraction; money in fen inside."""

import re

from core.errors import InputError

DIGITS_MAX = 15
"""Digits before the point."""
FEN_MAX = 10**12

# What an input method left at full width types for digits, point, comma and sign.
_HALF_WIDTH = str.maketrans("０１２３４５６７８９．。，、＋－−／　", "0123456789..,,+--/ ")
_DECIMAL = re.compile(r"(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")


def half_width(text: str) -> str:
    """Full-width digits, 。 and ， as their plain forms, without spaces around."""
    return text.translate(_HALF_WIDTH).strip()


def parse_decimal(text: str, places_max: int) -> str:
    """``1２,300。50`` as ``12300.50``: no sign, at most ``DIGITS_MAX`` digits and ``places_max`` places.

    Zeros after the point are kept as typed, for they say how exactly it was measured. Raises ``InputError``:
    ``number.malformed``, ``number.too_long``, ``number.places``.
    """
    if len(text) > 4 * DIGITS_MAX:
        raise _too_long()
    plain = half_width(text)
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    match = _DECIMAL.fullmatch(plain)
    if match is None or plain in ("", "."):
        raise InputError(
            "number.malformed",
            zh="应为不小于 0 的数，只用数字和一个小数点，请重新输入。",
            en="A number of at least 0 expected: only digits and one decimal point. Please type it again.",
        )
    whole, part = match["whole"].lstrip("0") or "0", match["part"] or ""
    if len(whole) > DIGITS_MAX:
        raise _too_long()
    if len(part) > places_max:
        raise InputError(
            "number.places",
            zh=f"小数点后最多 {places_max} 位，请重新输入。",
            en=f"At most {places_max} decimal places. Please type it again.",
        )
    return f"{whole}.{part}" if part else whole


def parse_money(text: str) -> str:
    """An amount in yuan as it is kept: ``12`` and ``￥12.0元`` are ``12.00``; at most ``FEN_MAX`` fen.

    Raises ``InputError`` as :func:`parse_decimal`.
    """
    bare = half_width(text[: 5 * DIGITS_MAX]).removeprefix("￥").removeprefix("¥").removesuffix("元")
    whole, _, part = parse_decimal(bare, 2).partition(".")
    money = f"{whole}.{part:0<2}"
    if int(money.replace(".", "")) > FEN_MAX:
        raise _too_long()
    return money


def fen_of(money: str) -> int:
    """Fen of an amount as :func:`parse_money` gives it. Raises ``InputError`` (``number.malformed``)."""
    return int(parse_money(money).replace(".", ""))


def yuan_of(fen: int) -> str:
    """``1250`` fen as ``12.50``; less than nothing as ``-12.50``."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def permille_of(share: float) -> int:
    """A share of 0 to 1 in tenths of a percent, rounded, but never up to 1000: only the whole is a hundred percent."""
    return round(share * 1000) if share >= 1 else min(round(share * 1000), 999)


def _too_long() -> InputError:
    return InputError(
        "number.too_long",
        zh="数值过大，请核对后重新输入。",
        en="The number is too large. Please check it and type it again.",
    )
