"""The code on a slip: shows that its bearer was handed it, computed alike in the village without a line and at the city.

It is made of the id of the submission, 128 random bits that only the nodes of the case ever see: a case number can be
guessed, this cannot.
"""

import hashlib
import re

from core.case import Case

CODE_CHARS = 8
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no letter that is read as a digit."""
_READ_AS = str.maketrans("OIL", "011")
_FORM = re.compile(rf"[{_ALPHABET}]{{{CODE_CHARS}}}")


def slip_code(case: Case) -> str:
    """Eight characters, 40 bits."""
    digest = hashlib.sha256(f"liandong slip 1 {case.id} {case.steps[0].id}".encode()).digest()
    number = int.from_bytes(digest[:5], "big")
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(35, -1, -5))


def slip_text(case: Case) -> str:
    """What the QR of a slip holds: the case number and its code, 34 characters."""
    return case.id + slip_code(case)


def read_code(text: str) -> str:
    """The code as it was typed or scanned, dashes and spaces forgiven; empty where it is none."""
    code = re.sub(r"[\s-]", "", text[:40]).upper().translate(_READ_AS)
    return code if _FORM.fullmatch(code) else ""
