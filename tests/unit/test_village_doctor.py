"""The doctor's page tells a person before the terminal which keys to press; a command only where no page does it."""

import re
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from sync import doctor as doctor_of_the_node
from sync import lives
from sync.doctor import Finding, Level
from sync.environment import SystemWorld
from tests.unit.village_kit import open_desk
from tests.unit.village_screens import ambiguous, painted, until, walk
from village_agent.cli import main
from village_agent.tui.app import DeskApp
from village_agent.tui.screens import doctor as page
from village_agent.tui.words import say
from village_agent.tui.words_doctor import DOCTOR_WORDS
from village_agent.widths import safe

SOURCES = [
    Path(doctor_of_the_node.__file__).with_name(name)
    for name in ("doctor.py", "held.py", "lives.py", "repair.py", "damage.py")
]
VERBS = sorted(
    set(main.commands) - {"list", "show", "note", "run", "slip", "rate", "receipt", "status", "operator"}
)
NAMED = re.compile(rf"(?<![\w.-])(?:{'|'.join(VERBS)})(?![\w-])")
"""A verb of the command line in a Chinese sentence; in an English one some are plain words."""
ADVICE = {key.removeprefix("doctor_do."): words for key, words in DOCTOR_WORDS.items() if "." in key}


def _codes() -> set[str]:
    """Every code that a finding is given, as it stands in the sources."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    found = set(re.findall(r'"([a-z_]+\.[a-z_]+)"', text))
    return found | {f"epoch.{one}" for one in (lives.RECOVERING, lives.DOUBLE)}


def test_a_command_is_named_whole_and_only_where_the_terminal_has_no_page_for_it() -> None:
    without_a_page = {"scrub", "epoch", "held", "release", "restore"}
    for code, words in ADVICE.items():
        for text in words:
            commands = re.findall(r"village-agent ([a-z]+)", text)
            assert set(commands) <= without_a_page, code
        named = NAMED.findall(words[0])
        assert len(named) == len(re.findall(r"village-agent [a-z]+", words[0])), (code, named)


def test_every_advice_belongs_to_a_finding_that_there_is() -> None:
    assert set(ADVICE) <= _codes()


def _examined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """What a new node is told, and everything else that names a command."""
    desk = open_desk(tmp_path / "first", SystemWorld())
    try:
        found = doctor_of_the_node.examine(desk.village.installation)
    finally:
        desk.close()
    more = ("backup.stale", "peer.silent", "epoch.recovering", "message.quarantined", "database.damaged")
    verbs = "请运行 backup、sync、release 12345678、epoch waive、restore。"
    return [*found, *(Finding(Level.WARN, code, "甲。", "A.", verbs, "Run release.") for code in more)]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_a_person_reads_leads_to_keys_and_not_to_bare_verbs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    found = _examined(tmp_path, monkeypatch)
    bad = {one.code for one in found if one.level is not Level.GOOD and NAMED.search(one.do_zh)}
    assert {"node.not_enrolled", "backup.none", "scrub.stale", "peer.never_met"} <= bad
    assert bad <= set(ADVICE), "what tells the command line a verb tells the terminal something else"
    assert not any(NAMED.search(one.what_zh) for one in found)
    monkeypatch.setattr(page, "examine", lambda installation: found)
    seen: list[str] = []

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("f10")
        seen.append(await until(app, pilot, "项正常" if lang == "zh" else "in order"))

    desk = open_desk(tmp_path / "d", SystemWorld())
    walk(tmp_path / "d", journey, desk=desk, lang=lang, size=(120, 100)).close()
    text = re.sub(r"\s+", "", seen[0])
    for code in bad:
        assert re.sub(r"\s+", "", safe(say(f"doctor_do.{code}", lang))) in text, code
    assert "请运行" not in text and "Runrelease" not in text
    assert not ambiguous(seen[0]) and all(cell_len(line) <= 120 for line in seen[0].splitlines())
    if lang == "en":
        assert all(char < "\u4e00" for line in seen[0].splitlines() if "What to do" in line for char in line)


def test_a_finding_that_has_no_keys_says_itself_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        Finding(Level.BAD, "case.differs", "某件不一致。", "It differs.", "请联系市中心。", "Ask the city.")
    ]
    monkeypatch.setattr(page, "examine", lambda installation: found)

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("f10")
        text = await until(app, pilot, "怎么办")
        assert "[问题] 某件不一致。" in text and "怎么办：请联系市中心。" in text

    walk(tmp_path / "d", journey, desk=open_desk(tmp_path / "d", SystemWorld())).close()


def test_the_keys_that_are_named_do_what_is_said(tmp_path: Path) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("f10")
        await until(app, pilot, "项正常")
        await pilot.press("f5")
        await pilot.pause()
        assert say("contact", "zh") in painted(app)
        await pilot.press("e")
        await pilot.pause()
        assert say("stick_export", "zh") in painted(app)
        await pilot.press("escape", "escape", "escape", "ctrl+p")
        await pilot.pause()
        assert "加入本市" in painted(app)

    walk(tmp_path / "d", journey, desk=open_desk(tmp_path / "d", SystemWorld())).close()


def test_the_command_line_says_both_in_one_sentence() -> None:
    found = Finding(
        Level.WARN, "backup.none", "还没有备份。", "There is no copy yet.", "现在运行 backup。", "Run backup."
    )
    assert (found.zh, found.en) == ("还没有备份。现在运行 backup。", "There is no copy yet. Run backup.")
    assert Finding(Level.GOOD, "disk", "好。", "Good.").en == "Good."
