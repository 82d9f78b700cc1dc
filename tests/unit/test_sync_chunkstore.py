"""Chunks as files: whole or not there."""

import hashlib
import os
from pathlib import Path
from threading import Thread

import pytest

from core.errors import LocalError
from sync.chunkstore import FileChunkStore

DATA = b"ciphertext" * 3000
NAME = hashlib.sha256(DATA).hexdigest()


def test_a_chunk_put_twice_is_there_once_and_leaves_no_half_file(tmp_path: Path) -> None:
    store = FileChunkStore(tmp_path / "chunks")
    assert store.get(NAME) is None
    assert not store.has(NAME)
    store.put(NAME, DATA)
    store.put(NAME, DATA)
    assert store.get(NAME) == DATA
    assert store.has(NAME)
    assert [path.name for path in (tmp_path / "chunks" / NAME[:2]).iterdir()] == [NAME]


def test_threads_that_bring_the_same_chunk_do_not_write_into_each_other(tmp_path: Path) -> None:
    store = FileChunkStore(tmp_path)
    threads = [Thread(target=store.put, args=(NAME, DATA)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get(NAME) == DATA


@pytest.mark.parametrize("name", ["../../etc/passwd", "a" * 63, "G" * 64, "", "/" + "a" * 63])
def test_a_name_that_is_no_digest_never_reaches_the_disk(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="digest"):
        FileChunkStore(tmp_path).put(name, b"x")


def test_a_full_disk_is_said_in_words_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    store = FileChunkStore(tmp_path)
    (tmp_path / NAME[:2]).mkdir()
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(LocalError) as refused:
        store.put(NAME, DATA)
    assert refused.value.code == "store.full"
    assert list((tmp_path / NAME[:2]).iterdir()) == []


def test_a_disk_that_cannot_be_read_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / NAME[:2] / NAME).mkdir(parents=True)
    with pytest.raises(LocalError) as refused:
        FileChunkStore(tmp_path).get(NAME)
    assert refused.value.code == "store.failed"
