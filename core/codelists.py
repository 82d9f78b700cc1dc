"""The code sets that other systems expect: GB/T 39046-2020 and the provincial supervision system, as data."""

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from core.errors import InputError

NATIONAL = "GB/T 39046-2020"
PROVINCIAL = "Hunan e-supervision system (lutong108/dzjc, vendor 湖南科创)"

_APPRAISAL = "appraisal_points (Centit PL/SQL performance_appraisal, 2013, file id 20560262344)"
_LEDGERS = "seven_ledgers(seed)"


def codes(standard: str, name: str) -> Mapping[str, str]:
    """Code to word, in the standard's order; a set of bare words maps each word to itself.

    Raises ``InputError`` (``codelist.unknown``).
    """
    try:
        listed = _facts()[{NATIONAL: NATIONAL, PROVINCIAL: PROVINCIAL}[standard]][name]
    except KeyError as error:
        raise InputError(
            "codelist.unknown",
            zh=f"没有代码集“{standard[:80]}”“{name[:80]}”，请核对名称。",
            en=f"There is no code set {standard[:80]!r}, {name[:80]!r}. Please check the name.",
        ) from error
    return MappingProxyType({word: word for word in listed} if isinstance(listed, list) else listed)


def card_rules() -> Mapping[str, Any]:
    """The rules of warning, yellow and red cards as the source words them, with its worked example."""
    return MappingProxyType(_facts()["card_rules"])


def appraisal_points() -> Mapping[str, Decimal]:
    """Points of the yearly appraisal: ``base``, and what each fault takes off (negative)."""
    return MappingProxyType(_facts()[_APPRAISAL])


def ledgers() -> tuple[str, ...]:
    """The names of the seven ledgers a service centre keeps."""
    return tuple(_facts()[_LEDGERS])


@cache
def _facts() -> dict[str, Any]:
    text = resources.files("core").joinpath("data", "codelists.json").read_text(encoding="utf-8")
    facts: dict[str, Any] = json.loads(text, parse_float=Decimal)
    facts[_APPRAISAL] = {fault: Decimal(points) for fault, points in facts[_APPRAISAL].items()}
    return facts
