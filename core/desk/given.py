"""What was typed for a verb, and the readers that turn it into the values of a message."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

from core.case import Case
from core.errors import InputError, StateError
from core.items import Item
from core.store.officers import Officer

CHARS_MAX = 4_000


class Kind(StrEnum):
    """How an input is drawn on a page and named on the command line."""

    LINE = "line"
    LINES = "lines"
    NUMBER = "number"
    CHOICE = "choice"
    CHOICES = "choices"
    AMOUNTS = "amounts"
    """A number for each option: ``option=number``."""


@dataclass(frozen=True, slots=True)
class Matter:
    """The case in hand, its item, who acts, and who else works here."""

    case: Case
    item: Item
    officer: Officer
    colleagues: tuple[Officer, ...]


Option = tuple[str, str, str]
"""Value, and what people read: in Chinese, in English."""


def _no_options(matter: Matter) -> Sequence[Option]:
    return ()


def _no_default(matter: Matter) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Input:
    """One thing to fill in. ``options`` bind only where ``kind`` is a choice; they depend on the case."""

    name: str
    kind: Kind
    zh: str
    en: str
    required: bool = False
    options: Callable[[Matter], Sequence[Option]] = _no_options
    default: Callable[[Matter], str] = _no_default

    def text(self, lang: str = "zh") -> str:
        return self.en if lang == "en" else self.zh


class Given:
    """Values by input name, each a list as a form sends them; every reader refuses in words."""

    def __init__(self, matter: Matter, inputs: Sequence[Input], values: Mapping[str, Sequence[str]]) -> None:
        self.matter = matter
        self._inputs = {field.name: field for field in inputs}
        self._values = {
            name: [text.replace("\r\n", "\n") for text in texts] for name, texts in values.items()
        }

    def text(self, name: str) -> str:
        """One value, its default if nothing was typed. Raises ``InputError`` (``desk.missing``, ``desk.choice``)."""
        field = self._inputs[name]
        typed = (self._values.get(name) or [""])[0].strip()
        value = typed or field.default(self.matter)
        if len(value) > CHARS_MAX:
            raise _refusal(field, "desk.too_long", f"最多 {CHARS_MAX} 字", f"at most {CHARS_MAX} characters")
        if not value and field.required:
            raise _refusal(field, "desk.missing", "请填写", "please fill this in")
        if value and field.kind is Kind.CHOICE:
            self._check_option(field, value)
        return value

    def many(self, name: str) -> tuple[str, ...]:
        """All the options ticked, each once. Raises ``InputError`` (``desk.choice``)."""
        field = self._inputs[name]
        chosen = tuple(dict.fromkeys(text.strip() for text in self._values.get(name, ()) if text.strip()))
        for value in chosen:
            self._check_option(field, value)
        return chosen

    def number(self, name: str) -> int:
        """A whole number, at most nine digits. Raises ``InputError`` (``desk.number``)."""
        text = self.text(name)
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise _refusal(self._inputs[name], "desk.number", "应为整数", "a whole number is expected")
        return int(text)

    def amounts(self, name: str) -> dict[str, str]:
        """``option=number`` pairs; an option left empty counts 0. Raises ``InputError`` (``desk.choice``)."""
        field = self._inputs[name]
        amounts = {value: "0" for value, _, _ in field.options(self.matter)}
        for text in self._values.get(name, ()):
            option, mark, number = text.rpartition("=")
            if not mark:
                raise _refusal(field, "desk.amount", "应写成“名称=数量”", "write it as name=quantity")
            self._check_option(field, option.strip())
            amounts[option.strip()] = number.strip() or "0"
        return amounts

    def refuse(self, name: str, code: str, zh: str, en: str) -> NoReturn:
        """Raises ``InputError`` about one input."""
        raise _refusal(self._inputs[name], code, zh, en)

    def _check_option(self, field: Input, value: str) -> None:
        options = field.options(self.matter)
        if value not in {option for option, _, _ in options}:
            shown = "".join(c if c.isprintable() else "?" for c in value[:40])
            zh = "、".join(option for option, _, _ in options[:20]) or "无"
            raise _refusal(
                field,
                "desk.choice",
                f"没有“{shown}”这一项，可选：{zh}",
                f"{shown!r} is not one of: {', '.join(option for option, _, _ in options[:20]) or 'none'}",
            )


def _refusal(field: Input, code: str, zh: str, en: str) -> InputError:
    return InputError(code, zh=f"{field.zh}：{zh}。", en=f"{field.en}: {en}.")


def no_catalogue(case: Any) -> StateError:
    """The case's catalogue version is not here yet."""
    return StateError(
        "desk.no_catalogue",
        zh=f"本机还没有第 {case.catalogue_version} 版事项目录，收到后才能办理本件。",
        en=f"Version {case.catalogue_version} of the catalogue is not here yet; the case can be worked once it is.",
    )
