"""What things are called: divisions, nodes and cases, readable by people and checked digit by digit.

The text forms are the wire forms. A node is a division (12 digits, GB/T 2260 and GB/T 10114, as published by
the national statistics bureau), or a division and the number of a second device. A case number can be issued
without a line, because it holds its node, its day and a counter that only that device owns on that day.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NewType

from core.clock import World
from core.errors import InputError

DivisionCode = NewType("DivisionCode", str)
"""12 digits: city ``430981000000``, township ``430981102000``, village ``430981102201``."""

NodeId = NewType("NodeId", str)
"""A division code, or the code and ``-2`` … ``-9`` for a second device of the same place."""

CaseId = NewType("CaseId", str)
"""26 digits: division (12), day of issue yyyymmdd (8), counter (5), ISO 7064 MOD 11,10 check (1)."""

DEVICES_MAX = 9
COUNTERS_PER_DEVICE = 10_000
COUNTER_BLOCK = 1_000
BLOCKS_PER_DEVICE = COUNTERS_PER_DEVICE // COUNTER_BLOCK
TYPED_CHARS_MAX = 64

_DIVISION = re.compile(r"[1-9][0-9]{11}")
_NODE = re.compile(r"([1-9][0-9]{11})(?:-([2-9]))?")
_CASE_ID = re.compile(r"[1-9][0-9]{25}")
_GROUPING = re.compile(r"[\s\-‐-―−_]")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９－", "0123456789-")


class Tier(StrEnum):
    """The three levels at which a node stands."""

    CITY = "city"
    TOWNSHIP = "township"
    VILLAGE = "village"


@dataclass(frozen=True, slots=True)
class CaseIdParts:
    """What a case number says: who issued it, on which China-time day, as which one of that day."""

    node: NodeId
    division: DivisionCode
    day: date
    counter: int


def case_id(node: NodeId, day: date, counter: int) -> CaseId:
    """The number of a case issued by ``node`` on ``day`` (China time).

    ``counter`` must be one of the device's own (see :func:`counter_block`), so that two devices of one
    village, both without a line, never issue the same number. Raises ``InputError`` (``case_id.counter``).
    """
    device = device_of(node)
    first, last = (device - 1) * COUNTERS_PER_DEVICE, device * COUNTERS_PER_DEVICE - 1
    if not max(first, 1) <= counter <= last:
        raise InputError(
            "case_id.counter",
            zh=f"办件流水号 {counter} 不属于设备 {node}（可用 {max(first, 1)} 至 {last}），未编号。",
            en=f"Counter {counter} does not belong to device {node} (it owns {max(first, 1)} to {last}); "
            "no case number was issued.",
        )
    body = f"{division_of(node)}{day.year:04d}{day:%m%d}{counter:05d}"
    return CaseId(body + check_digit(body))


def counter_block(node: NodeId, ordinal: int) -> range:
    """The counters that the ``ordinal``-th installation (0-9) of a device may use on any day.

    A reinstalled or restored device no longer knows what it issued today, so a new epoch takes a new block.
    Raises ``InputError`` (``case_id.block``).
    """
    if not 0 <= ordinal < BLOCKS_PER_DEVICE:
        raise InputError(
            "case_id.block",
            zh=f"编号段 {ordinal} 不存在，应为 0 至 {BLOCKS_PER_DEVICE - 1}。",
            en=f"There is no counter block {ordinal}; blocks run from 0 to {BLOCKS_PER_DEVICE - 1}.",
        )
    first = (device_of(node) - 1) * COUNTERS_PER_DEVICE + ordinal * COUNTER_BLOCK
    return range(max(first, 1), first + COUNTER_BLOCK)


def parse_case_id(text: str) -> CaseId:
    """The case number that was typed or read; spaces, dashes and full-width digits are forgiven.

    Raises ``InputError``: ``case_id.malformed``, ``case_id.check``, ``case_id.day``, ``case_id.counter``.
    """
    digits = _GROUPING.sub("", _half_width(text))
    if not _CASE_ID.fullmatch(digits):
        raise InputError(
            "case_id.malformed",
            zh=f"办件编号应为 26 位数字，现为“{_shown(text)}”，请对照回执重新输入。",
            en=f"A case number has 26 digits; this is {_shown(text)!r}. Please type it again from the slip.",
        )
    if check_digit(digits[:25]) != digits[25]:
        raise InputError(
            "case_id.check",
            zh="办件编号校验不符，有一位数字输错或两位颠倒，请对照回执重新输入。",
            en="The case number fails its check: a digit is wrong or two are swapped. "
            "Please type it again from the slip.",
        )
    case_id_parts(CaseId(digits))
    return CaseId(digits)


def case_id_parts(case: CaseId) -> CaseIdParts:
    """Node, division, day and counter of a case number. Raises ``InputError`` as :func:`parse_case_id`."""
    division = parse_division(case[:12])
    try:
        day = date(int(case[12:16]), int(case[16:18]), int(case[18:20]))
    except ValueError as error:
        raise InputError(
            "case_id.day",
            zh=f"办件编号中的日期 {case[12:20]} 不存在，请对照回执重新输入。",
            en=f"The case number holds a day, {case[12:20]}, that does not exist. "
            "Please type it again from the slip.",
        ) from error
    counter = int(case[20:25])
    device = counter // COUNTERS_PER_DEVICE + 1
    if counter == 0 or device > DEVICES_MAX:
        raise InputError(
            "case_id.counter",
            zh=f"办件编号中的流水号 {counter:05d} 不属于任何设备，请对照回执重新输入。",
            en=f"The case number holds counter {counter:05d}, which belongs to no device. "
            "Please type it again from the slip.",
        )
    node = NodeId(division if device == 1 else f"{division}-{device}")
    return CaseIdParts(node=node, division=division, day=day, counter=counter)


def display_case_id(case: CaseId) -> str:
    """``430981102201-20151010-00014-c``: grouped for reading aloud and for typing back."""
    return f"{case[:12]}-{case[12:20]}-{case[20:25]}-{case[25:]}"


def parse_division(text: str) -> DivisionCode:
    """A division code of one of the three tiers. Raises ``InputError`` (``division.malformed``)."""
    code = _half_width(text)
    # A village hangs on a township; township 000 with a village number names nothing.
    if not _DIVISION.fullmatch(code) or (code[6:9] == "000" and code[9:] != "000"):
        raise InputError(
            "division.malformed",
            zh=f"区划代码应为 12 位数字（市、镇、村），现为“{_shown(text)}”，请核对。",
            en=f"A division code has 12 digits (city, township, village); this is {_shown(text)!r}. "
            "Please check it.",
        )
    return DivisionCode(code)


def parse_node_id(text: str) -> NodeId:
    """A node's name, as typed at enrolment or read from the wire.

    Raises ``InputError``: ``node_id.malformed``, ``division.malformed``.
    """
    name = _half_width(text)
    match = _NODE.fullmatch(name)
    if match is None:
        raise InputError(
            "node_id.malformed",
            zh=f"节点编号应为 12 位区划代码，第二台设备加“-2”至“-9”，现为“{_shown(text)}”，请核对。",
            en="A node is a 12-digit division code, with -2 to -9 for a second device; "
            f"this is {_shown(text)!r}. Please check it.",
        )
    parse_division(match[1])
    return NodeId(name)


def division_of(node: NodeId) -> DivisionCode:
    """The division that the node serves."""
    return DivisionCode(node[:12])


def device_of(node: NodeId) -> int:
    """1 for the first device of a place, 2 to 9 for the others."""
    return int(node[13:] or "1")


def tier_of(division: DivisionCode) -> Tier:
    """City, township or village, by the zeros at the end of the code."""
    if division.endswith("000000"):
        return Tier.CITY
    return Tier.TOWNSHIP if division.endswith("000") else Tier.VILLAGE


def parent_of(division: DivisionCode) -> DivisionCode:
    """The division one tier up. Raises ``InputError`` (``division.no_parent``) for a city."""
    tier = tier_of(division)
    if tier is Tier.CITY:
        raise InputError(
            "division.no_parent",
            zh=f"{division} 是市级，上面没有节点。",
            en=f"{division} is a city; no node stands above it.",
        )
    return township_of(division) if tier is Tier.VILLAGE else city_of(division)


def city_of(division: DivisionCode) -> DivisionCode:
    """The city of any division; a city's own is itself."""
    return DivisionCode(division[:6] + "000000")


def township_of(division: DivisionCode) -> DivisionCode:
    """The township of a village or township. Raises ``InputError`` (``division.no_township``) for a city."""
    if tier_of(division) is Tier.CITY:
        raise InputError(
            "division.no_township",
            zh=f"{division} 是市级，不属于任何镇（街道），请选择到镇或村。",
            en=f"{division} is a city and belongs to no township; please choose a township or a village.",
        )
    return DivisionCode(division[:9] + "000")


def new_id(world: World) -> str:
    """32 hex characters that nobody else will ever draw: the name of a message or an epoch."""
    return world.random_bytes(16).hex()


def check_digit(digits: str) -> str:
    """ISO 7064 MOD 11,10: finds every single wrong digit and nearly every swap of neighbours."""
    product = 10
    for digit in digits:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return str((11 - product) % 10)


def _half_width(text: str) -> str:
    # Input methods are often left at full width. What is too long names nothing.
    return text.translate(_FULL_WIDTH).strip() if len(text) <= TYPED_CHARS_MAX else ""


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:40])
