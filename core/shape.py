"""A dataclass is its own schema: typed values from JSON and back, the bounds standing in the annotations."""

import dataclasses
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, NoReturn, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from core.clock import from_iso, iso
from core.errors import InputError, LiandongError

T = TypeVar("T")
Reader = Callable[[Any, str], Any]

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters, lone surrogates (UTF-8 cannot hold them) and the marks that turn the direction of text.

Not ``str.isprintable``: to it a character is unprintable that its Unicode is too old for, as those of extension H.
"""


def refuse(where: str, zh: str, en: str) -> NoReturn:
    """Raises ``InputError`` (``shape.refused``) that names the place and what is wrong there."""
    raise InputError("shape.refused", zh=f"{where}：{zh}，未接收。", en=f"{where}: {en}; it was not taken.")


@dataclass(frozen=True, slots=True)
class Text:
    """``min`` to ``max`` characters without control characters; line feeds only where ``lines``."""

    max: int
    min: int = 0
    lines: bool = False

    def read(self, value: Any, where: str) -> str:
        if not isinstance(value, str):
            refuse(where, "应为文字", "text expected")
        if not self.min <= len(value) <= self.max:
            refuse(
                where,
                f"应为 {self.min} 到 {self.max} 个字符，现有 {len(value)} 个",
                f"{self.min} to {self.max} characters expected, {len(value)} found",
            )
        if UNPRINTABLE.search(value.replace("\n", "") if self.lines else value):
            refuse(where, "含有不可显示的控制字符", "it holds control characters")
        return value


@dataclass(frozen=True, slots=True)
class Pattern:
    """Text that matches a regular expression as a whole; ``zh`` and ``en`` say what is expected."""

    expression: str
    zh: str
    en: str

    def read(self, value: Any, where: str) -> str:
        if not isinstance(value, str) or not re.fullmatch(self.expression, value):
            refuse(where, f"应为{self.zh}", f"{self.en} expected")
        return value


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from ``min`` to ``max``, both included; ``true`` is not a number."""

    max: int
    min: int = 0

    def read(self, value: Any, where: str) -> int:
        if type(value) is not int or not self.min <= value <= self.max:
            refuse(
                where,
                f"应为 {self.min} 到 {self.max} 的整数",
                f"a whole number from {self.min} to {self.max} expected",
            )
        return value


@dataclass(frozen=True, slots=True)
class Parsed:
    """Text in the one form that ``parse`` gives back; what ``parse`` merely tolerates is refused here."""

    parse: Callable[[str], str]

    def read(self, value: Any, where: str) -> str:
        text = Text(64).read(value, where)
        try:
            parsed = self.parse(text)
        except LiandongError as error:
            raise InputError("shape.refused", zh=f"{where}：{error.zh}", en=f"{where}: {error.en}") from error
        if parsed != text:
            refuse(where, "不是规范写法", "not in its canonical form")
        return parsed


@dataclass(frozen=True, slots=True)
class Custom:
    """A value that a function of its own reads."""

    read: Reader


@dataclass(frozen=True, slots=True)
class Count:
    """At most ``max`` entries of a tuple."""

    max: int


_AS_IS = frozenset({str, int, bool, type(None)})


def from_plain(cls: type[T], value: Any, where: str) -> T:
    """The ``cls`` that ``value`` (what JSON gave) spells out; ``where`` begins the place named in a refusal.

    Every field is required and no other is taken, except that a field with a default may be left out.
    Raises ``InputError`` (``shape.refused``).
    """
    return cast(T, _reader(cast(Any, cls))(value, where))


def to_plain(value: Any) -> Any:
    """What JSON can hold, without loss: the inverse of :func:`from_plain`."""
    kind: Any = type(value)
    if kind in _AS_IS:
        return value
    names = _field_names(kind)
    if names is not None:
        return {name: to_plain(getattr(value, name)) for name in names}
    if isinstance(value, tuple | list):
        return [to_plain(entry) for entry in value]
    if isinstance(value, Mapping):
        return {str(key): to_plain(entry) for key, entry in value.items()}
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, str):
        return str(value)
    return value


@cache
def _field_names(kind: Any) -> tuple[str, ...] | None:
    """The fields of a dataclass, None for anything else."""
    return tuple(field.name for field in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else None


@cache
def _reader(kind: Any) -> Reader:
    """The function that reads one annotation; built once per annotation."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _annotated_reader(args[0], args[1])
    if origin in (types.UnionType, Union):
        inner = _reader(args[0])
        return lambda value, where: None if value is None else inner(value, where)
    if origin is tuple:
        return _tuple_reader(args[0], None)
    if dataclasses.is_dataclass(kind):
        return _dataclass_reader(cast(type, kind))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return _enum_reader(kind)
    return {
        bool: _read_bool,
        datetime: _read_instant,
        str: Text(100_000, lines=True).read,
        int: Whole(2**53).read,
    }[getattr(kind, "__supertype__", kind)]


def _annotated_reader(kind: Any, bound: Any) -> Reader:
    if isinstance(bound, Count):
        return _tuple_reader(get_args(kind)[0], bound.max)
    return cast(Reader, bound.read)


def _dataclass_reader(cls: type) -> Reader:
    hints = get_type_hints(cls, include_extras=True)
    fields = {field.name: _reader(hints[field.name]) for field in dataclasses.fields(cls)}
    required = {
        field.name
        for field in dataclasses.fields(cls)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            refuse(where, "应为一组字段", "a set of fields expected")
        if unknown := sorted(value.keys() - fields.keys()):
            refuse(where, f"有不认识的字段 {unknown[0][:40]!r}", f"unknown field {unknown[0][:40]!r}")
        if missing := sorted(required - value.keys()):
            refuse(where, f"缺少字段 {missing[0]!r}", f"field {missing[0]!r} is missing")
        return cls(**{name: fields[name](entry, f"{where}.{name}") for name, entry in value.items()})

    return read


def _tuple_reader(kind: Any, count_max: int | None) -> Reader:
    inner = _reader(kind)

    def read(value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            refuse(where, "应为列表", "a list expected")
        if count_max is not None and len(value) > count_max:
            refuse(where, f"最多 {count_max} 项", f"at most {count_max} entries expected")
        return tuple(inner(entry, f"{where}[{number}]") for number, entry in enumerate(value))

    return read


def _enum_reader(kind: type[StrEnum]) -> Reader:
    def read(value: Any, where: str) -> StrEnum:
        try:
            return kind(value)
        except ValueError:
            names = "、".join(kind)
            refuse(where, f"应为下列之一：{names}", f"one of {names} expected")

    return read


def _read_bool(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        refuse(where, "应为是或否", "true or false expected")
    return value


def _read_instant(value: Any, where: str) -> datetime:
    text = Text(24).read(value, where)
    instant: datetime | None
    try:
        instant = from_iso(text)
    except ValueError:
        instant = None
    # Python 3.14 takes 24:00 for the beginning of the next day.
    if instant is None or iso(instant) != text:
        refuse(where, "应为 UTC 时刻，精确到毫秒", "an instant in UTC to the millisecond expected")
    return instant
