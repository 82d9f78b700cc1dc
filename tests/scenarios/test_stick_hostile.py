"""Sticks that are foreign, forged, cut, hostile, full, pulled out or broken: said in words, whole frames count."""

import os
import subprocess
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import bodies as b
from core.errors import InputError
from core.messages import Role
from sync import stick_words
from sync.attachments import CHUNK_BYTES
from sync.bundle import BUNDLE_BYTES_MAX, MAGIC, Frame, Kind, read_bundle, write_bundle
from sync.hello import read_hello, sign_hello
from sync.stick import Progress, export_to, waiting_for
from sync.stick_import import Fate, import_from
from sync.stick_layout import ENTRIES_MAX, FOLDER, inert
from sync.stick_record import on_stick
from sync.transport import usb
from sync.transport.usb import Stick, StickError
from tests.scenarios.offices import ID_NO, NEIGHBOUR, VILLAGE, Offices
from tests.scenarios.sticks import bring, contents, export_at, fates, files_on, state_of, waiting
from tests.scenarios.world import CITY, TOWN


def test_a_bundle_for_another_node_is_named_and_left_alone(net: Offices, stick: Stick) -> None:
    net.submit(VILLAGE)
    export_at(net, VILLAGE, stick)
    before = [path.read_bytes() for path in files_on(stick)]
    state = state_of(net.nodes[NEIGHBOUR])
    report = bring(net, NEIGHBOUR, stick)
    assert fates(report) == [Fate.FOR_ANOTHER]
    assert [path.read_bytes() for path in files_on(stick)] == before
    assert state_of(net.nodes[NEIGHBOUR]) == state
    words = "\n".join(stick_words.import_words(report, "K", "zh"))
    assert f"请带到 {TOWN} 导入" in words
    assert "没有给本机的数据包" in words


def test_a_bundle_readdressed_to_us_is_forged_and_brings_nothing(net: Offices, stick: Stick) -> None:
    net.submit(VILLAGE)
    export_at(net, VILLAGE, stick)
    (path,) = files_on(stick)
    frames = list(read_bundle(path.read_bytes()))
    claim = read_hello(frames[0].payload)
    thief = net.nodes[NEIGHBOUR].keyring.signing_key
    fields = {name: getattr(claim, name) for name in type(claim).__dataclass_fields__}
    forged = type(claim)(**(fields | {"receiver": CITY}))
    path.write_bytes(write_bundle([Frame(Kind.HELLO, sign_hello(forged, thief)), *frames[1:]]))
    state = state_of(net.nodes[CITY])
    report = bring(net, CITY, stick)
    assert [error.code for error in report.found[0].refused] == ["contact.stranger"]
    path.write_bytes(
        write_bundle(
            [Frame(Kind.HELLO, sign_hello(type(claim)(**(fields | {"receiver": TOWN})), thief)), *frames[1:]]
        )
    )
    report = bring(net, TOWN, stick)
    assert [error.code for error in report.found[0].refused] == ["hello.forged"]
    assert net.case_rows(TOWN) == []
    assert state_of(net.nodes[CITY]) == state


def test_a_file_that_claims_to_be_ours_without_our_signature_is_not_cleaned_away(
    net: Offices, stick: Stick
) -> None:
    net.submit(VILLAGE)
    export_at(net, VILLAGE, stick)
    (path,) = files_on(stick)
    frames = list(read_bundle(path.read_bytes()))
    thief = net.nodes[NEIGHBOUR].keyring.signing_key
    forged = stick.folder / "forged.ldb"
    forged.write_bytes(
        write_bundle([Frame(Kind.HELLO, sign_hello(read_hello(frames[0].payload), thief)), *frames[1:]])
    )
    (export,) = export_at(net, VILLAGE, stick)
    assert export.removed == 1
    assert forged.exists()
    assert not path.exists()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 0.9999])
def test_a_bundle_cut_anywhere_gives_what_came_whole_and_the_rest_comes_again(
    net: Offices, stick: Stick, share: float
) -> None:
    scan = net.world.random_bytes(6 * CHUNK_BYTES)
    case_id = net.submit(VILLAGE, files=(scan,))
    export_at(net, VILLAGE, stick)
    (path,) = files_on(stick)
    whole = path.read_bytes()
    cut = whole[: int(len(whole) * share)]
    path.write_bytes(cut)
    frames = list(read_bundle(cut)) if cut.startswith(MAGIC) else []
    report = bring(net, TOWN, stick)
    (found,) = (found for found in report.found if found.sender in (None, VILLAGE))
    assert found.fate is Fate.CUT
    assert found.envelopes == sum(frame.kind is Kind.ENVELOPE for frame in frames)
    assert found.chunks == sum(frame.kind is Kind.CHUNK for frame in frames)
    assert any("没有复制完" in line for line in stick_words.import_words(report, "K", "zh"))
    export_at(net, VILLAGE, stick)
    bring(net, TOWN, stick)
    assert contents(net, TOWN, case_id) == scan
    assert len(net.case_rows(TOWN)) == 1


def test_one_changed_byte_costs_one_frame_and_is_named(net: Offices, stick: Stick) -> None:
    for _ in range(3):
        net.submit(VILLAGE, files=(net.world.random_bytes(40_000),))
    export_at(net, VILLAGE, stick)
    (path,) = files_on(stick)
    data = bytearray(path.read_bytes())
    data[-5000] ^= 1
    path.write_bytes(data)
    report = bring(net, TOWN, stick, answer=False)
    assert fates(report) == [Fate.CUT]
    assert {error.code for error in report.found[0].refused} == {"attachment.chunk", "bundle.malformed"}
    assert len(net.case_rows(TOWN)) == 3


HOSTILE = [
    "..\\..\\etc\\passwd.ldb",
    "\x1b[2J\x07evil.ldb",
    "gpj.\u202egnp.ldb",
    "长" * 60 + ".ldb",
    "-rf .ldb",
    "$(reboot).ldb",
    "new\nline.ldb",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_decides_nothing_and_is_shown_inert(net: Offices, stick: Stick, name: str) -> None:
    case_id = net.submit(VILLAGE)
    export_at(net, VILLAGE, stick)
    (path,) = files_on(stick)
    path.rename(stick.folder / name)
    (stick.folder / f"x{name}").write_bytes(b"junk")
    report = bring(net, TOWN, stick)
    assert net.find(TOWN, case_id) is not None
    words = "\n".join(stick_words.import_words(report, "K", "zh"))
    assert all(
        found.name.isprintable() and "/" not in found.name and len(found.name) <= 60 for found in report.found
    )
    assert all(char.isprintable() or char == "\n" for char in words)
    assert "passwd.ldb" not in words or "etc" not in words


def test_names_are_stripped_of_paths_control_characters_and_direction_marks() -> None:
    assert inert("../../etc/passwd.ldb") == "passwd.ldb"
    assert inert("..\\..\\windows\\a.ldb") == "a.ldb"
    assert inert("a\x1b[31mb\u202ec\ud800") == "a_[31mb_c_"
    assert len(inert("长" * 5000)) == 60
    assert inert("..") == inert("") == "_"


def test_links_devices_and_sub_folders_are_not_followed(net: Offices, stick: Stick, tmp_path: Path) -> None:
    net.submit(VILLAGE)
    export_at(net, VILLAGE, stick)
    (path,) = files_on(stick)
    outside = tmp_path / "outside.ldb"
    path.rename(outside)
    (stick.folder / "link.ldb").symlink_to(outside)
    (stick.folder / "inner").mkdir()
    (stick.folder / "inner" / "deep.ldb").write_bytes(outside.read_bytes())
    os.mkfifo(stick.folder / "pipe.ldb")
    report = bring(net, TOWN, stick)
    assert report.found == ()
    assert report.skipped == ("inner", "link.ldb", "pipe.ldb")
    assert net.case_rows(TOWN) == []


def test_a_folder_that_is_a_link_is_neither_read_nor_written(
    net: Offices, stick: Stick, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    stick.folder.symlink_to(tmp_path / "elsewhere")
    net.submit(VILLAGE)
    (export,) = export_to(stick, net.nodes[VILLAGE], [TOWN])
    assert export.error is not None
    assert export.error.code == "stick.not_a_folder"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_huge_file_is_refused_by_its_size_unread_and_a_full_one_stays_within_memory(
    net: Offices, stick: Stick, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = net.submit(VILLAGE)
    export_at(net, VILLAGE, stick)
    (path,) = files_on(stick)
    good = path.read_bytes()
    with (stick.folder / "huge.ldb").open("wb") as huge:
        huge.write(good)
        huge.truncate(BUNDLE_BYTES_MAX + 1)
    hello = next(read_bundle(good))
    bomb = Frame(Kind.ENVELOPE, bytes(2 * 1024 * 1024))
    (stick.folder / "bomb.ldb").write_bytes(write_bundle([hello, *[bomb] * 31]))
    with (stick.folder / "claims.ldb").open("wb") as claims:
        claims.write(good[:-41] + bytes([3]) + b"\xff\xff\xff\xff" + b"x")
    opened: list[str] = []
    real = Stick._read
    monkeypatch.setattr(
        Stick, "_read", lambda self, name, count: opened.append(name) or real(self, name, count)
    )
    tracemalloc.start()
    try:
        report = bring(net, TOWN, stick, answer=False)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    fates = {found.name: found for found in report.found}
    assert [error.code for error in fates["huge.ldb"].refused] == ["stick.too_large"]
    assert "huge.ldb" not in opened
    assert fates["bomb.ldb"].refused
    assert fates["claims.ldb"].fate is Fate.CUT
    assert peak < 256 * 1024 * 1024
    assert net.find(TOWN, case_id) is not None


def test_a_folder_with_too_many_files_is_looked_at_in_part_and_people_are_told(
    net: Offices, stick: Stick
) -> None:
    stick.folder.mkdir()
    for number in range(ENTRIES_MAX + 1):
        (stick.folder / f"{number}.ldb").touch()
    report = import_from(stick, net.nodes[TOWN], dry_run=True)
    assert report.more
    assert len(report.found) == ENTRIES_MAX
    assert any("文件太多" in line for line in stick_words.import_words(report, "K", "zh"))


def test_no_field_of_a_case_stands_in_any_byte_of_a_stick(net: Offices, stick: Stick) -> None:
    secret = b"a scan of a household register" * 200
    case_id = net.submit(VILLAGE, files=(secret,))
    export_at(net, VILLAGE, stick)
    bring(net, TOWN, stick)
    net.act(TOWN, case_id, Role.WINDOW, b.CaseReturned("填写有误，请补充户口簿"))
    export_at(net, TOWN, stick)
    item = net.items()[0]
    words = [
        "王桂兰",
        ID_NO,
        "13800138000",
        "三组12号",
        "scan-0.jpg",
        "填写有误",
        str(case_id),
        item.code,
        "household register",
    ]
    files = files_on(stick)
    assert len(files) >= 2
    for path in files:
        data = path.name.encode() + path.read_bytes()
        assert not [word for word in words if word.encode() in data or word.encode("utf-16-le") in data]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 256 KB, as a stick that is nearly full."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    folder = tmp_path / "SMALL"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_stick_is_said_in_words_and_loses_nothing(net: Offices, small_disk: Path) -> None:
    stick = Stick(small_disk)
    case_id = net.submit(VILLAGE, files=(net.world.random_bytes(300_000),))
    (export,) = export_to(stick, net.nodes[VILLAGE], [TOWN])
    assert export.error is not None
    assert export.error.code == "stick.full"
    assert files_on(stick) == []
    words = stick_words.export_words([export], stick.label, "zh")
    assert "空间不够" in words[0]
    assert not any("可以拔出" in line for line in words)
    with net.nodes[VILLAGE].db.reading() as tx:
        assert on_stick(tx, TOWN) is None
    net.settle(2)
    assert net.find(TOWN, case_id) is not None


def test_a_read_only_stick_is_imported_and_the_missing_answer_is_said(net: Offices, small_disk: Path) -> None:
    stick = Stick(small_disk)
    case_id = net.submit(VILLAGE)
    export_at(net, VILLAGE, stick)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    (refused,) = export_to(stick, net.nodes[NEIGHBOUR], [TOWN]) if net.submit(NEIGHBOUR) else ()
    assert refused.error is not None
    assert refused.error.code == "stick.read_only"
    report = import_from(stick, net.nodes[TOWN])
    assert fates(report) == [Fate.TAKEN]
    assert report.answer_error is not None
    assert report.answer_error.code == "stick.read_only"
    assert net.find(TOWN, case_id) is not None
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    # The answer is still owed, and a plain export writes it.
    assert waiting_for(net.nodes[TOWN], VILLAGE).receipts
    export_at(net, TOWN, stick, VILLAGE)
    bring(net, VILLAGE, stick)
    assert waiting(net, VILLAGE, TOWN) == 0


def test_a_full_stick_keeps_the_older_bundle_that_the_new_one_was_to_replace(
    net: Offices, small_disk: Path
) -> None:
    stick = Stick(small_disk)
    case_id = net.submit(VILLAGE)
    export_at(net, VILLAGE, stick)
    net.submit(VILLAGE, files=(net.world.random_bytes(300_000),))
    (export,) = export_to(stick, net.nodes[VILLAGE], [TOWN])
    assert export.error is not None
    assert export.error.code == "stick.full"
    assert fates(bring(net, TOWN, stick)) == [Fate.TAKEN]
    assert net.find(TOWN, case_id) is not None


def test_a_stick_pulled_out_while_writing_is_said_in_words_and_exporting_again_is_right(
    net: Offices, small_disk: Path
) -> None:
    stick = Stick(small_disk)
    net.submit(VILLAGE, files=(net.world.random_bytes(100_000),))

    def pull(progress: Progress) -> None:
        if small_disk.is_mount():
            subprocess.run(["umount", "-l", str(small_disk)], check=True)

    (export,) = export_to(stick, net.nodes[VILLAGE], [TOWN], pull)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small_disk)], check=True)
    assert export.error is not None
    assert export.error.code == "stick.gone"
    assert waiting(net, VILLAGE, TOWN) > 0
    export_at(net, VILLAGE, stick)
    assert fates(bring(net, TOWN, stick)) == [Fate.TAKEN]


def test_a_stick_that_gives_back_other_bytes_than_it_took_is_found_out_before_it_is_called_safe(
    net: Offices, stick: Stick, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.submit(VILLAGE)
    real = os.write

    def failing(handle: int, data: bytes) -> int:
        # Only what goes to the stick: a worn cell keeps another bit than it was given.
        if Path(f"/proc/self/fd/{handle}").readlink().is_relative_to(stick.root):
            data = data[:-1] + bytes([data[-1] ^ 1])
        return real(handle, data)

    monkeypatch.setattr(usb.os, "write", failing)
    (export,) = export_to(stick, net.nodes[VILLAGE], [TOWN])
    monkeypatch.undo()
    assert export.error is not None
    assert export.error.code == "stick.bad_copy"
    assert export.bundles == 0
    assert files_on(stick) == []


def test_an_export_stopped_by_the_person_leaves_no_half_file(net: Offices, stick: Stick) -> None:
    net.submit(VILLAGE, files=(net.world.random_bytes(200_000),))

    class Stopped(Exception):
        pass

    def stop(progress: Progress) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        export_to(stick, net.nodes[VILLAGE], [TOWN], stop)
    assert files_on(stick) == []
    export_at(net, VILLAGE, stick)
    assert len(files_on(stick)) == 1


def test_a_path_that_is_no_folder_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        Stick(tmp_path / "nowhere")
    assert refused.value.code == "stick.no_folder"
    (tmp_path / "K" / FOLDER).mkdir(parents=True)
    assert Stick(tmp_path / "K" / FOLDER).root == tmp_path / "K"


def test_a_stick_that_vanishes_before_it_is_listed_says_so(stick: Stick) -> None:
    stick.root.rmdir()
    with pytest.raises(StickError) as gone:
        stick.listing()
    assert gone.value.code == "stick.gone"
