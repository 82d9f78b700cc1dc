"""What is written and read is UTF-8 on every machine, and no name of a file is one that Windows does not take."""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.store.backup import NAME
from sync.identity import NodeId
from sync.stick_layout import bundle_name
from tests.scenarios.village_day import FORBIDDEN

ROOT = Path(__file__).parents[2]
PACKAGES = ("core", "sync", "village_agent", "township_node", "city_node")
_TEXT = {"read_text", "write_text", "open", "fdopen", "TextIOWrapper", "NamedTemporaryFile", "FileHandler"}
_RUN, _DECODING = {"run", "Popen", "check_output", "call"}, {"text", "universal_newlines"}


def unsaid(code: str) -> Iterator[int]:
    """Lines where text is read or written in whatever encoding the machine has."""
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call):
            continue
        owner = (
            node.func.value.id
            if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
            else ""
        )
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        said = {word.arg for word in node.keywords}
        if "encoding" in said or (name == "open" and owner in ("os", "wire")):
            continue
        modes = [
            one.value
            for one in (*node.args, *(word.value for word in node.keywords if word.arg == "mode"))
            if isinstance(one, ast.Constant)
            and isinstance(one.value, str)
            and set(one.value) <= set("rwxab+t")
        ]
        # Of ours, other things are opened too: only what is given a mode, or nothing at all, is a file.
        is_file = bool(modes) or name != "open" or not (node.args or said) or isinstance(node.func, ast.Name)
        is_binary = any("b" in mode for mode in modes)
        if (name in _TEXT and is_file and not is_binary) or (name in _RUN and said & _DECODING):
            yield node.lineno


@pytest.mark.parametrize("package", PACKAGES)
def test_text_is_read_and_written_in_an_encoding_that_is_said(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for line in unsaid(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "path.read_text()",
        "path.write_text(words)",
        "open(path)",
        "path.open()",
        "path.open('w')",
        "os.fdopen(handle, 'w')",
        "subprocess.run(words, text=True)",
        "logging.FileHandler(path)",
    ],
)
def test_what_is_unsaid_is_found(code: str) -> None:
    assert list(unsaid(code)) == [1]


@pytest.mark.parametrize(
    "code",
    [
        "path.open('rb')",
        "os.open(path, flags)",
        "key.open(sealed, info)",
        "path.read_text(encoding='utf-8')",
        "path.read_bytes()",
    ],
)
def test_bytes_and_what_is_said_are_left_alone(code: str) -> None:
    assert list(unsaid(code)) == []


def test_names_that_are_made_here_are_names_on_every_system() -> None:
    bundle = bundle_name(NodeId("430981102201"), NodeId("430981102000"), 12, b"data")
    copy = f"{datetime(2026, 3, 2, 9, 30, tzinfo=UTC):{NAME}}.db"
    for name in (bundle, copy):
        assert not set(name) & FORBIDDEN and len(name) < 100 and name[-1] not in ". ", name
    # Nobody writes a time with its colons into a name: every other one is a word, a number, or checked hexadecimal.
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                is_name = any(
                    part in line
                    for part in ("with_name(", "with_suffix(", '.db"', '.pdf"', '.txt"', '.part"')
                )
                assert not (is_name and ("isoformat(" in line or "iso(" in line or "local(" in line)), (
                    f"{path}:{number}"
                )
