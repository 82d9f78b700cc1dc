"""The words of the trade and of the framework, one word per idea; ``python -m core.glossary`` writes the page."""

import json
import sys
from dataclasses import dataclass
from functools import cache
from importlib import resources

_HEAD = """# 词汇表 · Glossary

<!-- Written by `python -m core.glossary > docs/glossary.md` from core/data/glossary.json; edit that file. -->

代码、界面和文档中，一个意思只用一个词。新词先写进这里，再写进代码。

One word per idea, in code, on screen and in the documents. A new word is entered here first.
"""


@dataclass(frozen=True, slots=True)
class Term:
    """One word in both languages, with its meaning in each."""

    zh: str
    en: str
    meaning_zh: str
    meaning_en: str


@dataclass(frozen=True, slots=True)
class Section:
    zh: str
    en: str
    terms: tuple[Term, ...]


@cache
def sections() -> tuple[Section, ...]:
    """The glossary as packaged, in reading order."""
    plain = json.loads(resources.files("core").joinpath("data", "glossary.json").read_text(encoding="utf-8"))
    return tuple(
        Section(entry["zh"], entry["en"], tuple(Term(**term) for term in entry["terms"])) for entry in plain
    )


def render() -> str:
    """The page ``docs/glossary.md``, whole."""
    return _HEAD + "".join(_render_section(section) for section in sections())


def _render_section(section: Section) -> str:
    lines = [f"\n## {section.zh} · {section.en}\n", "| 词 | Word | 含义 | Meaning |", "|---|---|---|---|"]
    lines += [f"| {term.zh} | {term.en} | {term.meaning_zh} | {term.meaning_en} |" for term in section.terms]
    return "\n".join(lines) + "\n"


def main() -> None:
    # Written as bytes: a Windows console would write the page in its own encoding.
    sys.stdout.buffer.write(render().encode())


if __name__ == "__main__":
    main()
