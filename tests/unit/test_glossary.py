"""What the glossary promises: the page is the table, and one word has one entry."""

import re
import runpy
import sys
from collections import Counter
from pathlib import Path

import pytest

from core import glossary
from core.glossary import render, sections

PAGE = Path(__file__).parents[2] / "docs" / "glossary.md"
TERMS = [term for section in sections() for term in section.terms]


def test_the_page_in_the_documents_is_current():
    assert PAGE.read_bytes() == render().encode(), "run: python -m core.glossary > docs/glossary.md"


def test_the_command_writes_the_page(capfdbinary: pytest.CaptureFixture[bytes]):
    glossary.main()
    sys.stdout.flush()
    assert capfdbinary.readouterr().out == render().encode()


def test_the_module_runs_as_a_command(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delitem(sys.modules, "core.glossary")
    runpy.run_module("core.glossary", run_name="__main__")
    sys.stdout.flush()
    assert capfdbinary.readouterr().out == render().encode()


def test_one_word_has_one_entry_in_each_language():
    for words in ([term.zh for term in TERMS], [term.en for term in TERMS]):
        assert [word for word, times in Counter(words).items() if times > 1] == []


def test_every_term_is_explained_in_both_languages_in_whole_sentences():
    for term in TERMS:
        assert term.meaning_zh.endswith("。") and term.meaning_en.endswith("."), term.en
        assert not re.search(r"[\u4e00-\u9fff]", term.en + term.meaning_en), term.en
        assert "|" not in "".join((term.zh, term.en, term.meaning_zh, term.meaning_en)), term.en


def test_the_words_of_the_framework_are_all_explained():
    words = {term.en for term in TERMS}
    assert words >= {"item", "case", "node", "epoch", "message", "stream", "lane", "envelope", "receipt"}
    assert words >= {"contact", "bundle", "outbox", "inbox", "checkpoint", "quarantine", "hold", "deferred"}
    assert words >= {"desk", "holder", "agent", "applicant", "officer", "window"}
