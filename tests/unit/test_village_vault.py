"""The vault: only the right PIN opens, wrong ones cost ever more time, and pulling the plug gives nothing back."""

import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import InputError, LocalError, StateError
from sync import primitives
from sync.environment import SystemWorld
from tests.scenarios.world import TestWorld
from village_agent.vault import (
    FILE_NAME,
    add_operator,
    check_pin,
    create_vault,
    open_vault,
    operators,
    remove_operator,
    wait_s,
)

PIN = "927461"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stretching is tested where it lives; here it only has to depend on PIN and salt."""
    from hashlib import sha256

    monkeypatch.setattr(primitives, "argon2id", lambda pin, salt: sha256(pin.encode() + salt).digest())


def test_every_operator_opens_the_same_key_with_an_own_pin(tmp_path: Path) -> None:
    world = TestWorld(1)
    key = create_vault(tmp_path, "a1", "李", PIN, world)
    add_operator(tmp_path, key, "a2", "王", "tiger-99", world)
    assert open_vault(tmp_path, "a1", PIN, world) == key
    assert open_vault(tmp_path, "a2", "tiger-99", world) == key
    assert [operator.name for operator in operators(tmp_path)] == ["李", "王"]
    assert len(key) == 32


def test_neither_key_nor_pin_lies_in_the_file(tmp_path: Path) -> None:
    key = create_vault(tmp_path, "a1", "李", PIN, TestWorld(1))
    data = (tmp_path / FILE_NAME).read_bytes()
    assert key not in data
    assert key.hex().encode() not in data
    assert PIN.encode() not in data
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o077 == 0


def test_wrong_pins_cost_ever_more_time_up_to_an_hour(tmp_path: Path) -> None:
    world = TestWorld(1)
    create_vault(tmp_path, "a1", "李", PIN, world)
    assert [wait_s(n) for n in (1, 2, 3, 4, 5, 40)] == [0, 0, 5, 10, 20, 3600]
    for _ in range(3):
        with pytest.raises(InputError, match=r"vault\.wrong_pin"):
            open_vault(tmp_path, "a1", "000111", world)
    with pytest.raises(StateError, match=r"vault\.wait"):
        open_vault(tmp_path, "a1", PIN, world)
    world.pass_time(seconds=6)
    open_vault(tmp_path, "a1", PIN, world)
    with pytest.raises(InputError):
        open_vault(tmp_path, "a1", "000111", world)
    open_vault(tmp_path, "a1", PIN, world)


def test_an_attempt_that_is_cut_off_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = TestWorld(1)
    create_vault(tmp_path, "a1", "李", PIN, world)

    def cut_off(pin: str, salt: bytes) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(primitives, "argon2id", cut_off)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                open_vault(tmp_path, "a1", "000111", world)
    with pytest.raises(StateError, match=r"vault\.wait"):
        open_vault(tmp_path, "a1", PIN, world)


def test_a_clock_set_back_years_does_not_lock_the_operator_out(tmp_path: Path) -> None:
    world = TestWorld(1)
    create_vault(tmp_path, "a1", "李", PIN, world)
    for _ in range(3):
        with pytest.raises(InputError):
            open_vault(tmp_path, "a1", "000111", world)
    world.pass_time(days=-3000)
    with pytest.raises(StateError) as refused:
        open_vault(tmp_path, "a1", PIN, world)
    assert "5 秒" in refused.value.zh
    # The wait begins anew from the clock as it is now, and then ends.
    world.pass_time(seconds=6)
    open_vault(tmp_path, "a1", PIN, world)


@pytest.mark.parametrize(
    "pin", ["12345", "111111", "123456", "987654", "１２３４５６", "abcdef", "x" * 65, "12\n456"]
)
def test_a_pin_that_is_short_repeated_or_in_a_row_is_refused(pin: str) -> None:
    with pytest.raises(InputError, match=r"vault\.pin"):
        check_pin(pin)


def test_a_pin_typed_with_full_width_digits_is_the_same_pin(tmp_path: Path) -> None:
    world = TestWorld(1)
    key = create_vault(tmp_path, "a1", "李", PIN, world)
    assert open_vault(tmp_path, "a1", "９２７４６１", world) == key


def test_a_slot_with_another_name_put_on_it_does_not_open(tmp_path: Path) -> None:
    world = TestWorld(1)
    create_vault(tmp_path, "a1", "李", PIN, world)
    path = tmp_path / FILE_NAME
    plain = json.loads(path.read_text(encoding="utf-8"))
    plain["slots"][0]["name"] = "王"
    path.write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(InputError, match=r"vault\.wrong_pin"):
        open_vault(tmp_path, "a1", PIN, world)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"format": 2, "slots": []}', b'{"format":1,"slots":[{"id":1}]}', b"[" * 100_000]
)
def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(LocalError, match=r"vault\.damaged"):
        operators(tmp_path)


def test_the_last_operator_stays(tmp_path: Path) -> None:
    world = TestWorld(1)
    key = create_vault(tmp_path, "a1", "李", PIN, world)
    with pytest.raises(StateError, match=r"vault\.last_operator"):
        remove_operator(tmp_path, "a1")
    add_operator(tmp_path, key, "a2", "王", "tiger-99", world)
    remove_operator(tmp_path, "a1")
    with pytest.raises(InputError, match=r"vault\.no_operator"):
        open_vault(tmp_path, "a1", PIN, world)
    with pytest.raises(StateError, match=r"vault\.exists"):
        create_vault(tmp_path, "a3", "张", PIN, world)


def test_programs_that_unlock_at_once_neither_lose_a_slot_nor_count_each_other_as_wrong(
    tmp_path: Path,
) -> None:
    key = create_vault(tmp_path, "a1", "李代办", PIN, SystemWorld())
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: open_vault(tmp_path, "a1", PIN, SystemWorld()), range(8)))
    assert opened == [key] * 8
    assert [operator.id for operator in operators(tmp_path)] == ["a1"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_refuses_is_said_in_words_and_no_pin_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    world = TestWorld(1)
    key = create_vault(tmp_path, "a1", "李", PIN, world)

    def refuse(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        for pin in (PIN, "000111"):
            with pytest.raises(LocalError, match=r"vault\.unwritable") as refused:
                open_vault(tmp_path, "a1", pin, world)
            assert os.strerror(number) in refused.value.zh
    assert open_vault(tmp_path, "a1", PIN, world) == key
