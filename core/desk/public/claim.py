"""What a visitor shows for a case: its number with the last four of the document, or with the code of the slip."""

import hmac
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from core.case import Case
from core.errors import InputError
from core.identifiers import CaseId, parse_case_id
from core.slip_code import CODE_CHARS, read_code, slip_code
from core.store.casebook import CASE, Casebook

NUMBER_CHARS, DIGITS_CHARS, TYPED_CHARS_MAX = 26, 4, 80
_NOISE = str.maketrans("", "", " \t-‐‑‒–—―−_")


class Proof(StrEnum):
    """How it is shown that the visitor has to do with the case."""

    DIGITS = "digits"
    SLIP = "slip"


@dataclass(frozen=True, slots=True)
class Claim:
    """A number that is well formed, and what was shown for it; whether there is such a case is not known yet."""

    case_id: CaseId
    proof: Proof
    shown: str


def read_claim(number: str, proof: str) -> Claim:
    """From what was typed or scanned: the number, or all that the QR holds; and the last four, or the slip's code.

    Raises ``InputError`` (``case_id.*``, ``public.proof``), the same whoever's case it is.
    """
    text = unicodedata.normalize("NFKC", number[:TYPED_CHARS_MAX]).translate(_NOISE)
    typed = unicodedata.normalize("NFKC", proof[:TYPED_CHARS_MAX]).translate(_NOISE).upper()
    if len(text) == NUMBER_CHARS + CODE_CHARS:
        text, typed = text[:NUMBER_CHARS], text[NUMBER_CHARS:]
    case_id = parse_case_id(text)
    code = read_code(typed)
    if code:
        return Claim(case_id, Proof.SLIP, code)
    if len(typed) == DIGITS_CHARS and typed.isascii() and typed.isalnum():
        return Claim(case_id, Proof.DIGITS, typed)
    raise InputError(
        "public.proof",
        zh=f"请填写申请人证件号码的后四位，或回执上的 {CODE_CHARS} 位查询码。",
        en=f"Give the last four characters of the applicant's document, or the {CODE_CHARS} characters of the slip's code.",
    )


def find_claimed(tx: sa.Connection, book: Casebook, claim: Claim) -> Case | None:
    """The case, if what was shown for it is right.

    A number that is not there takes the same way as one whose proof is wrong: another case is read and held against
    what was shown, so that neither the answer nor its time tells which it was.
    """
    case = book.find(tx, claim.case_id)
    is_there = case is not None
    if case is None:
        other = tx.scalar(sa.select(CASE.c.id).order_by(CASE.c.id.desc()).limit(1))
        case = book.find(tx, CaseId(other)) if other is not None else None
        if case is None:
            return None
    digits = case.applicant.id_no[-DIGITS_CHARS:].upper()
    right = {Proof.DIGITS: digits.rjust(DIGITS_CHARS, "\0"), Proof.SLIP: slip_code(case)}
    matches = hmac.compare_digest(right[claim.proof].encode(), claim.shown.encode())
    return case if matches and is_there else None
