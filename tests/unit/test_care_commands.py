"""The commands that take care of a node, as people type them: words, JSON, exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from sync.cli import node_group
from sync.environment import SystemWorld
from sync.installation import open_folder
from sync.packing import Message
from sync.stream import append
from sync.stream_id import Lane
from sync.tables import QUARANTINE
from tests.unit.village_kit import PIN
from township_node.cli import PROGRAM
from village_agent.cli import main as village

TOWN = "430981102000"


class Terminal:
    """Runs the township's program on one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = PROGRAM

    def run(self, *words: str, code: int = 0, lang: str = "zh") -> Result:
        group = node_group(self.program)
        done = CliRunner().invoke(group, ["--data", str(self.folder), "--lang", lang, *words])
        assert done.exit_code == code, done.output
        return done

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", code=code).stdout)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    made = Terminal(tmp_path / "town")
    made.run("init", TOWN)
    return made


def _quarantine(terminal: Terminal, type_: str, tries: int) -> None:
    opened = open_folder(terminal.folder, SystemWorld(), ())
    with opened.db.transaction() as tx:
        place, world = opened.node.place, opened.node.world
        message = Message("ab" * 16, type_, 1, "430981102000201510100001", b"{}")
        append(tx, place, world, readers=["430981000000"], lane=Lane.INTAKE, message=message)
        stream = tx.scalar(sa.text("SELECT id FROM stream"))
        tx.execute(
            sa.insert(QUARANTINE).values(
                message_id=message.id,
                stream_id=stream,
                seq=1,
                type=type_,
                schema=1,
                subject=message.subject,
                body=b"{}",
                code="message.failed",
                zh="处理时出错。",
                en="It failed.",
                tries=tries,
                at="2026-03-02T01:00:00.000Z",
            )
        )
    opened.close()


def test_held_lists_reason_time_and_what_can_be_done_in_both_languages(terminal: Terminal) -> None:
    assert "没有待处理" in terminal.run("held").stdout
    _quarantine(terminal, "Poison", 5)
    words = terminal.run("held").stdout
    assert all(
        part in words for part in ("abababab", "处理时出错", "2026-03-02 09:00:00", "release abababab")
    )
    assert "Mend the cause" in terminal.run("held", lang="en").stdout
    facts = terminal.json("held")
    assert facts["messages"] == 1
    assert facts["held"][0]["tries"] == 5


def test_release_says_why_it_failed_again_and_exits_by_it(terminal: Terminal) -> None:
    _quarantine(terminal, "Poison", 5)
    tried = terminal.json("release", "abababab", "--dry-run", code=3)
    assert (tried["applied"], tried["error"]["code"]) == (False, "message.unknown_type")
    assert terminal.json("held")["held"][0]["code"] == "message.failed"
    assert "仍未生效" in terminal.run("release", "abababab", code=3).stdout
    assert terminal.json("held")["held"][0]["code"] == "message.unknown_type"
    assert "held.unknown" in terminal.run("release", "ffffffff", code=2).output


def test_release_brings_a_message_into_effect_and_empties_the_list(terminal: Terminal) -> None:
    _quarantine(terminal, "AttachmentOffered", 5)
    assert terminal.json("release", "abababab")["applied"]
    assert terminal.json("held") == {"messages": 0, "held": []}


def test_scrub_goes_in_steps_to_the_end_and_doctor_knows(terminal: Terminal) -> None:
    assert any(one["code"] == "scrub.stale" for one in terminal.json("doctor", code=5))
    assert terminal.json("scrub", "--steps", "1")["part"] != ""
    facts = terminal.json("scrub")
    assert (facts["part"], facts["found"], facts["damaged"]) == ("", 0, 0)
    assert any(one["code"] == "scrub" for one in terminal.json("doctor", code=5))
    assert "发现损坏 0" in terminal.run("scrub", "--restart").output


def test_scrub_exits_with_5_while_anything_is_damaged(terminal: Terminal) -> None:
    chunk = terminal.folder / "chunks" / "ab" / ("ab" * 32)
    chunk.parent.mkdir(parents=True)
    chunk.write_bytes(b"rotten")
    assert terminal.json("scrub")["found"] == 1
    opened = open_folder(terminal.folder, SystemWorld(), ())
    with opened.db.transaction() as tx:
        tx.execute(sa.text("UPDATE audit SET actor = 'x' WHERE number = 1"))
    opened.close()
    facts = terminal.json("scrub", "--restart", code=5)
    assert [one["kind"] for one in facts["damage"]] == ["audit"]


def test_a_restored_node_speaks_in_a_new_epoch_and_the_replaced_database_is_kept(terminal: Terminal) -> None:
    before = terminal.json("status")["epoch"]
    terminal.run("backup")
    (copy,) = (terminal.folder / "backups").iterdir()
    assert terminal.json("restore", str(copy), "--dry-run")["replaced"] is None
    assert terminal.json("status")["epoch"] == before
    done = terminal.json("restore", f"backups/{copy.name}")
    assert Path(done["replaced"]).exists()
    after = terminal.json("status")["epoch"]
    assert after != before
    assert terminal.json("status")["epoch"] == after


def test_status_says_how_far_back_the_node_can_be_put(terminal: Terminal) -> None:
    terminal.run("backup")
    assert terminal.json("status")["backups"] == 1
    assert "备份 1 份" in terminal.run("status").stdout
    assert "1 backups" in terminal.run("status", lang="en").stdout


def test_a_village_that_the_table_does_not_know_is_not_set_up(tmp_path: Path) -> None:
    def init(node: str) -> Result:
        words = ["--data", str(tmp_path / node), "init", node]
        return CliRunner().invoke(village, words, env={"LIANDONG_PIN": PIN})

    refused = init("430981102999")
    assert refused.exit_code == 2
    assert "node.unknown_division" in refused.output
    assert "430981102001" in refused.output
    assert not (tmp_path / "430981102999").exists()
    assert init("430981102001-2").exit_code == 0
    # Another city has its own table.
    assert init("430922102999").exit_code == 0
