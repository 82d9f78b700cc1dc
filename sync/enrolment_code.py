"""The one-time code of an enrolment: read out over the telephone, typed forgivingly, 95 secret bits.

``K7Q2M-9F3TX-…``: five groups of five in Crockford's base 32. The first group is the code's public number, the
rest its secret, the last character a check. What was mistyped is found on the spot, without asking the city.
"""

from dataclasses import dataclass, field

from core.clock import World
from core.errors import InputError
from sync.primitives import hkdf

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U."""
CODE_ID_CHARS = 5
SECRET_CHARS = 19
CODE_CHARS = CODE_ID_CHARS + SECRET_CHARS + 1
TYPED_CHARS_MAX = 80

_FORGIVEN = str.maketrans("ILO", "110", " -‐‑‒–—―_.\t\r\n\u3000\u00a0")
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


@dataclass(frozen=True, slots=True)
class EnrolmentCode:
    """``code_id`` is public and names the code; ``secret`` is known to the city and to whoever was told."""

    code_id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """The five groups, as the city shows them once."""
        body = self.code_id + self.secret
        whole = body + _check(body)
        return "-".join(whole[start : start + 5] for start in range(0, CODE_CHARS, 5))

    def key(self, purpose: str) -> bytes:
        """The 32-byte key of the code for one purpose; keys for different purposes tell nothing of each other."""
        return hkdf(
            self.secret.encode(), salt=self.code_id.encode(), info=b"liandong/1/enrolment/" + purpose.encode()
        )


def new_code(world: World) -> EnrolmentCode:
    """A code that nobody can guess."""
    drawn = world.random_bytes(CODE_ID_CHARS + SECRET_CHARS)
    # 256 is a multiple of 32, so every character is equally likely.
    characters = "".join(ALPHABET[byte & 31] for byte in drawn)
    return EnrolmentCode(characters[:CODE_ID_CHARS], characters[CODE_ID_CHARS:])


def parse_code(text: str) -> EnrolmentCode:
    """The code that was typed: lower case, spaces, full-width letters, O for 0 and I or L for 1 are forgiven.

    Raises ``InputError``: ``enrolment.code_character``, ``enrolment.code_length``, ``enrolment.code_check``.
    """
    typed = text[:TYPED_CHARS_MAX].translate(_FULL_WIDTH).upper().translate(_FORGIVEN)
    for position, character in enumerate(typed, start=1):
        if character not in ALPHABET:
            raise InputError(
                "enrolment.code_character",
                zh=f"注册码第 {position} 个字符“{character}”不会出现在注册码中，请对照重新输入。",
                en=f"Character {position} of the code, {character!r}, never stands in a code; please type "
                "it again.",
            )
    if len(typed) != CODE_CHARS or len(text) > TYPED_CHARS_MAX:
        raise InputError(
            "enrolment.code_length",
            zh=f"注册码应为 {CODE_CHARS} 个字符（五组，每组五个），现为 {len(typed)} 个，请对照重新输入。",
            en=f"A code has {CODE_CHARS} characters (five groups of five); this has {len(typed)}. Please "
            "type it again.",
        )
    body = typed[:-1]
    if _check(body) != typed[-1]:
        raise InputError(
            "enrolment.code_check",
            zh="注册码校验不符，有一个字符输错或两个颠倒，请对照重新输入。",
            en="The code fails its check: a character is wrong or two are swapped. Please type it again.",
        )
    return EnrolmentCode(body[:CODE_ID_CHARS], body[CODE_ID_CHARS:])


def _check(body: str) -> str:
    # A sum weighted with the powers of x in GF(32), modulus x^5 + x^2 + 1: the weights of 24 places all differ,
    # so every single wrong character and every swap of two is found.
    total = 0
    for character in body:
        total = _times_x(total) ^ ALPHABET.index(character)
    return ALPHABET[_times_x(total)]


def _times_x(value: int) -> int:
    doubled = value << 1
    return doubled ^ 0b100101 if doubled & 0b100000 else doubled
