"""One byte string per value: canonical JSON for what people write, strict on the way back."""

import json
import re
from typing import Any, NoReturn

from core.errors import InputError

JSON_BYTES_MAX = 1 << 20
JSON_DEPTH_MAX = 12


def canonical_json(value: Any) -> bytes:
    """UTF-8, sorted keys, no spaces, no NaN; equal values give equal bytes."""
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def parse_json(data: bytes, *, bytes_max: int = JSON_BYTES_MAX, depth_max: int = JSON_DEPTH_MAX) -> Any:
    """The value of ``data``; refuses what is too long, too deep, not UTF-8, or names a key twice.

    Raises ``InputError`` (``json.*``).
    """
    if len(data) > bytes_max:
        raise InputError(
            "json.too_long",
            zh=f"内容有 {len(data)} 字节，超过上限 {bytes_max} 字节，未接收。",
            en=f"The content has {len(data)} bytes, more than the {bytes_max} allowed; it was not taken.",
        )
    _check_depth(data, depth_max)
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(
            "json.malformed",
            zh=f"内容不是合法的 JSON：{error}。",
            en=f"The content is not valid JSON: {error}.",
        ) from error


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return result


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


def _check_depth(data: bytes, depth_max: int) -> None:
    # Counted on the bytes before parsing, so that a deep bomb costs no recursion.
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", data)):
        depth += 1 if bracket in b"[{" else -1
        if depth > depth_max:
            raise InputError(
                "json.too_deep",
                zh=f"内容嵌套超过 {depth_max} 层，未接收。",
                en=f"The content is nested deeper than {depth_max} levels; it was not taken.",
            )
