"""A copy of a database never goes on speaking as the one it was made from."""

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.store.backup import back_up
from sync import epoch, home
from sync.installation import DATABASE, Installation, create, open_folder
from sync.settings import Settings
from tests.scenarios.world import TestWorld

TOWN = "430981102000"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create(tmp_path / "node", Settings(node=TOWN), TestWorld(1), ()).close()
    return tmp_path / "node"


def _open(folder: Path, seed: int = 2) -> Installation:
    return open_folder(folder, TestWorld(seed), ())


def _life(folder: Path, seed: int = 2) -> tuple[str, int, list[str]]:
    """Epoch, block of case numbers, and the reasons of every life."""
    installation = _open(folder, seed)
    try:
        with installation.db.reading() as tx:
            place = installation.node.refresh(tx)
            reasons = [life["reason"] for life in epoch.lives(tx, place)]
            return place.epoch, epoch.ordinal(tx), reasons
    finally:
        installation.close()


def test_opened_again_and_again_a_node_stays_in_its_epoch(folder: Path) -> None:
    assert _life(folder) == _life(folder, 3)
    assert _life(folder)[1:] == (0, ["installed"])


def test_a_file_put_back_from_elsewhere_begins_a_new_epoch_with_another_block_of_numbers(
    folder: Path,
) -> None:
    before = _life(folder)
    kept = shutil.copy(folder / DATABASE, folder.parent / "kept.db")
    (folder / DATABASE).unlink()
    shutil.move(kept, folder / DATABASE)
    after = _life(folder)
    assert after[0] != before[0]
    assert after[1:] == (1, ["installed", "restored"])
    assert _life(folder) == after


def test_a_copy_of_the_whole_folder_is_not_the_original(folder: Path) -> None:
    before = _life(folder)
    shutil.copytree(folder, folder.parent / "copy")
    assert _life(folder.parent / "copy")[0] != before[0]
    assert _life(folder) == before


def test_on_another_machine_the_same_disk_begins_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _life(folder)
    other = folder.parent / "machine-id"
    other.write_text("another machine\n")
    monkeypatch.setattr(home, "_MACHINE_ID", other)
    assert _life(folder)[0] != before[0]


def test_a_backup_written_over_the_database_in_its_place_is_known_as_one(folder: Path) -> None:
    installation = _open(folder)
    copy = back_up(installation.db, folder.parent / "backup.db", mark=home.mark_copy)
    installation.close()
    before = _life(folder)
    with (folder / DATABASE).open("r+b") as file:
        file.write(copy.read_bytes())
        file.truncate()
    after = _life(folder)
    assert after[0] != before[0]
    assert after[2] == ["installed", "restored"]


def test_a_database_from_before_homes_were_noted_is_at_home(folder: Path) -> None:
    installation = _open(folder)
    before = installation.node.place.epoch
    with installation.db.transaction() as tx:
        tx.execute(sa.text("DELETE FROM node_state WHERE name = 'home'"))
    installation.close()
    (folder / home.FILE_NAME).unlink()
    assert _life(folder)[0] == before


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"token": 3}', b"\xff" * 9000])
def test_a_note_that_cannot_be_read_never_lets_an_old_epoch_go_on(folder: Path, content: bytes) -> None:
    before = _life(folder)
    (folder / home.FILE_NAME).write_bytes(content)
    assert _life(folder)[0] != before[0]
