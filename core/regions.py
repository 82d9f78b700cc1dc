"""The places of one city: a frozen table of its townships and villages, always shown with their township."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from types import MappingProxyType

from core.errors import InputError
from core.identifiers import DivisionCode, Tier, parent_of, parse_division, tier_of, township_of

CSV_CHARS_MAX = 1 << 20
ROWS_MAX = 10_000
NAME_CHARS_MAX = 40
SEARCH_CHARS_MAX = 64
SEARCH_RESULTS_MAX = 50

_COLUMNS = ["code", "name", "tier", "parent"]


@dataclass(frozen=True, slots=True)
class Division:
    """A city, township or village; ``parent`` of the city is its prefecture, where no node stands."""

    code: DivisionCode
    name: str
    tier: Tier
    parent: str


@dataclass(frozen=True, slots=True)
class Divisions:
    """One city with all below it, in order of code; made by :func:`parse_divisions`."""

    city: Division
    _by_code: Mapping[str, Division] = field(repr=False)
    _children: Mapping[str, tuple[Division, ...]] = field(repr=False)

    def get(self, code: str) -> Division:
        """The division of this code. Raises ``InputError`` (``region.unknown``)."""
        division = self._by_code.get(code)
        if division is None:
            raise InputError(
                "region.unknown",
                zh=f"区划代码“{_shown(code)}”不在{self.city.name}的区划表中，请核对，或更新区划表。",
                en=f"Division {_shown(code)!r} is not in the table of {self.city.name}. "
                "Please check it, or update the table.",
            )
        return division

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def children(self, code: str) -> tuple[Division, ...]:
        """The divisions directly below; none below a village. Raises ``InputError`` (``region.unknown``)."""
        return self._children.get(self.get(code).code, ())

    def townships(self) -> tuple[Division, ...]:
        return self._of_tier(Tier.TOWNSHIP)

    def villages(self) -> tuple[Division, ...]:
        return self._of_tier(Tier.VILLAGE)

    def full_name(self, code: str) -> str:
        """``琼湖街道·和平社区``: two 先锋村 exist, so a village is never named without its township.

        Raises ``InputError`` (``region.unknown``).
        """
        division = self.get(code)
        if division.tier is Tier.VILLAGE:
            return f"{self.get(township_of(division.code)).name}·{division.name}"
        return division.name

    def search(self, text: str, *, limit: int = SEARCH_RESULTS_MAX) -> tuple[Division, ...]:
        """Divisions whose full name or code holds every word of ``text``, at most ``limit`` of them.

        Those whose own name begins with the first word come first, then in order of code.
        """
        words = unicodedata.normalize("NFKC", text[:SEARCH_CHARS_MAX]).replace("·", " ").split()
        if not words:
            return ()
        found = [
            division
            for division in self._by_code.values()
            if all(word in self.full_name(division.code) or division.code.startswith(word) for word in words)
        ]
        found.sort(key=lambda division: (not division.name.startswith(words[0]), division.code))
        return tuple(found[: max(0, min(limit, SEARCH_RESULTS_MAX))])

    def with_more(self, *more: Division) -> "Divisions":
        """The table with further divisions in it; each stands below one that is in it or comes before it."""
        return _frozen(self.city, [*self._by_code.values(), *more])

    def _of_tier(self, tier: Tier) -> tuple[Division, ...]:
        return tuple(division for division in self._by_code.values() if division.tier is tier)


@cache
def load_yuanjiang() -> Divisions:
    """沅江市: 1 city, 14 townships, 195 villages (statistics bureau codes, as packaged)."""
    return parse_divisions(_packaged("yuanjiang_divisions.csv"))


@cache
def load_yuanjiang_townships_2015() -> Divisions:
    """沅江市 as it stood in 2015: the city and its 16 townships, without villages."""
    return parse_divisions(_packaged("yuanjiang_townships_2015.csv"))


def parse_divisions(csv_text: str) -> Divisions:
    """The table in ``code,name,tier,parent`` form: exactly one city, every parent present, no code twice.

    Rows may stand in any order; at most ``ROWS_MAX`` rows and ``CSV_CHARS_MAX`` characters.
    Raises ``InputError`` (``region.*``) naming the line.
    """
    if len(csv_text) > CSV_CHARS_MAX:
        raise InputError(
            "region.too_long",
            zh=f"区划表有 {len(csv_text)} 个字符，超过上限 {CSV_CHARS_MAX}，未读取。",
            en=f"The table of divisions has {len(csv_text)} characters, more than the {CSV_CHARS_MAX} "
            "allowed; it was not read.",
        )
    lines = _read(csv_text)
    by_code: dict[str, Division] = {}
    for line, division in lines:
        if division.code in by_code:
            raise _refusal("twice", line, f"代码 {division.code} 重复", f"code {division.code} stands twice")
        by_code[division.code] = division
    cities = [division for division in by_code.values() if division.tier is Tier.CITY]
    if len(cities) != 1:
        raise InputError(
            "region.one_city",
            zh=f"区划表应恰有一个市，现有 {len(cities)} 个，请补正后重新导入。",
            en=f"The table must hold exactly one city, not {len(cities)}. "
            "Please mend it and import it again.",
        )
    for line, division in lines:
        if division.tier is not Tier.CITY and division.parent not in by_code:
            raise _refusal(
                "no_parent",
                line,
                f"{division.name}的上级 {division.parent} 不在表中",
                f"the parent {division.parent} of {division.name} is not in the table",
            )
    return _frozen(cities[0], by_code.values())


def _frozen(city: Division, divisions: Iterable[Division]) -> Divisions:
    ordered = sorted(divisions, key=lambda division: division.code)
    children: dict[str, list[Division]] = {}
    for division in ordered:
        children.setdefault(division.parent, []).append(division)
    return Divisions(
        city=city,
        _by_code=MappingProxyType({division.code: division for division in ordered}),
        _children=MappingProxyType({code: tuple(below) for code, below in children.items()}),
    )


def _read(csv_text: str) -> list[tuple[int, Division]]:
    # A spreadsheet program puts a byte order mark before the header.
    reader = csv.reader(io.StringIO(csv_text.removeprefix("\ufeff"), newline=""), strict=True)
    divisions: list[tuple[int, Division]] = []
    try:
        if next(reader, None) != _COLUMNS:
            raise _refusal(
                "header", 1, f"表头应为 {','.join(_COLUMNS)}", f"the header must be {','.join(_COLUMNS)}"
            )
        for row in reader:
            if len(divisions) == ROWS_MAX:
                raise _refusal(
                    "too_many", reader.line_num, f"超过 {ROWS_MAX} 行", f"more than {ROWS_MAX} rows"
                )
            divisions.append((reader.line_num, _division(reader.line_num, row)))
    except csv.Error as error:
        raise _refusal(
            "csv", reader.line_num, f"不是合法的 CSV（{error}）", f"not valid CSV ({error})"
        ) from error
    return divisions


def _division(line: int, row: list[str]) -> Division:
    if len(row) != len(_COLUMNS):
        raise _refusal(
            "columns", line, f"应有 4 列，现有 {len(row)} 列", f"four columns expected, not {len(row)}"
        )
    code, name, tier_name, parent = row
    try:
        division = parse_division(code)
    except InputError as error:
        raise _refusal(
            "code", line, f"代码“{_shown(code)}”不是 12 位数字", f"{_shown(code)!r} is no 12-digit code"
        ) from error
    if not (0 < len(name) <= NAME_CHARS_MAX and name.isprintable() and name == name.strip()):
        raise _refusal(
            "name",
            line,
            f"名称应为 1 至 {NAME_CHARS_MAX} 个字，首尾无空格",
            f"the name must have 1 to {NAME_CHARS_MAX} characters, without spaces around it",
        )
    tier = tier_of(division)
    if tier_name != tier:
        raise _refusal(
            "tier",
            line,
            f"代码 {division} 的层级应为 {tier}，现为“{_shown(tier_name)}”",
            f"the tier of {division} must be {tier}, not {_shown(tier_name)!r}",
        )
    if not _is_parent(parent, division):
        raise _refusal(
            "parent",
            line,
            f"{name}的上级不应是“{_shown(parent)}”",
            f"{_shown(parent)!r} cannot be the parent of {name}",
        )
    return Division(code=division, name=name, tier=tier, parent=parent)


def _is_parent(parent: str, division: DivisionCode) -> bool:
    if tier_of(division) is not Tier.CITY:
        return parent == parent_of(division)
    # Above a county-level city stands a prefecture (4309…) or the province itself (43…).
    return parent in (division[:4] + "0" * 8, division[:2] + "0" * 10) and parent != division


def _refusal(code: str, line: int, zh: str, en: str) -> InputError:
    return InputError(
        f"region.{code}",
        zh=f"区划表第 {line} 行：{zh}。请补正后重新导入。",
        en=f"Line {line} of the table of divisions: {en}. Please mend it and import it again.",
    )


def _packaged(name: str) -> str:
    return resources.files("core").joinpath("data", name).read_text(encoding="utf-8")


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:40])
