"""Offices without a line: a stick may be lost, old, doubled, foreign, cut or hostile, and nothing is lost or doubled."""

import os
import subprocess
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import bodies as b
from core.errors import InputError
from core.identifiers import CaseId, NodeId
from core.messages import Role
from core.states import State
from sync import contact, stick_words
from sync.attachments import CHUNK_BYTES, Sealed, open_file
from sync.bundle import BUNDLE_BYTES_MAX, MAGIC, Frame, Kind, read_bundle, write_bundle
from sync.hello import read_hello, sign_hello
from sync.node import Node
from sync.outbox import queue_of
from sync.stick import Export, Fate, Import, Progress, export_to, import_from, neighbours, waiting_for
from sync.stick_layout import ENTRIES_MAX, EXPORT_BYTES, FOLDER, inert
from sync.stick_record import on_stick
from sync.tables import ENVELOPE, RECEIPT
from sync.transport import usb
from sync.transport.usb import Stick, StickError
from tests.scenarios.offices import ID_NO, NEIGHBOUR, VILLAGE, Offices
from tests.scenarios.world import CITY, TOWN


@pytest.fixture
def stick(tmp_path: Path) -> Stick:
    (tmp_path / "KINGSTON").mkdir()
    return Stick(tmp_path / "KINGSTON")


def _export(net: Offices, name: NodeId, stick: Stick, *peers: NodeId) -> tuple[Export, ...]:
    node = net.nodes[name]
    exports = export_to(stick, node, peers or neighbours(node))
    assert [export.error for export in exports if export.error] == []
    return exports


def _import(net: Offices, name: NodeId, stick: Stick, *, answer: bool = True) -> Import:
    report = import_from(stick, net.nodes[name], answer=answer)
    assert report.error is None
    assert report.answer_error is None
    return report


def _files(stick: Stick) -> list[Path]:
    return sorted(stick.folder.iterdir()) if stick.folder.exists() else []


def _waiting(net: Offices, name: NodeId, peer: NodeId) -> int:
    with net.nodes[name].db.reading() as tx:
        return queue_of(tx, peer).envelopes


def _fates(report: Import) -> list[Fate]:
    return [found.fate for found in report.found]


def _state(node: Node) -> tuple[object, ...]:
    """Everything that an effect would change."""
    with node.db.reading() as tx:
        held = tx.execute(sa.select(ENVELOPE.c.stream_id, ENVELOPE.c.seq, ENVELOPE.c.digest)).all()
        receipts = tx.execute(sa.select(RECEIPT.c.stream_id, RECEIPT.c.signer, RECEIPT.c.data)).all()
    return sorted(map(tuple, held)), sorted(map(tuple, receipts))


def _carry(net: Offices, stick: Stick, *way: NodeId) -> None:
    """Bring the stick to each office in turn; every office imports, and exports what it owes to all."""
    for name in way:
        _import(net, name, stick)
        _export(net, name, stick)


def _contents(net: Offices, name: NodeId, case_id: CaseId) -> bytes:
    manifest = net.case(name, case_id).attachments[0]
    sealed = Sealed(manifest.id, manifest.size, manifest.key, manifest.chunk_size, manifest.chunks)
    return open_file(sealed, net.nodes[name].chunks)


def test_a_case_with_a_file_goes_up_and_its_decision_comes_back_by_stick_alone(
    net: Offices, stick: Stick
) -> None:
    item = net.items()[0]
    scan = net.world.random_bytes(5 * CHUNK_BYTES + 7)
    case_id = net.submit(VILLAGE, item, files=(scan,))
    _export(net, VILLAGE, stick)
    _carry(net, stick, TOWN, VILLAGE, TOWN)
    assert _contents(net, TOWN, case_id) == scan
    net.act(TOWN, case_id, Role.WINDOW, b.CaseForwarded())
    _export(net, TOWN, stick)
    _carry(net, stick, CITY)
    assert _contents(net, CITY, case_id) == scan
    net.decide(case_id, item)
    _export(net, CITY, stick)
    _carry(net, stick, TOWN, VILLAGE)
    assert net.case(VILLAGE, case_id).state is State.GRANTED
    net.act(VILLAGE, case_id, Role.AGENT, b.ResultDelivered(b.Delivery.VILLAGE, "王桂兰"))
    _export(net, VILLAGE, stick)
    _carry(net, stick, TOWN, CITY, TOWN, VILLAGE, TOWN, CITY)
    rows = [net.case_rows(name) for name in (VILLAGE, TOWN, CITY)]
    assert rows[0] == rows[1] == rows[2]
    assert net.case(CITY, case_id).state is State.DELIVERED
    assert _waiting(net, VILLAGE, TOWN) == 0
    assert net.lines[VILLAGE].bytes == net.lines[TOWN].bytes == 0
    with net.nodes[CITY].db.reading() as tx:
        carriers = set(tx.scalars(sa.select(ENVELOPE.c.carrier).where(ENVELOPE.c.came_from == TOWN)))
    assert carriers >= {"usb"}


def test_an_export_is_no_delivery_until_the_receipt_is_back_and_people_see_where_it_is(
    net: Offices, stick: Stick
) -> None:
    net.submit(VILLAGE)
    (export,) = _export(net, VILLAGE, stick)
    assert export.envelopes > 0
    assert _waiting(net, VILLAGE, TOWN) == export.envelopes
    node = net.nodes[VILLAGE]
    with node.db.reading() as tx:
        written = on_stick(tx, TOWN)
    assert written is not None
    assert (written["label"], written["envelopes"]) == ("KINGSTON", export.envelopes)
    assert "KINGSTON" in stick_words.on_stick_words(written, TOWN, "zh")
    _import(net, TOWN, stick)
    assert _waiting(net, VILLAGE, TOWN) == export.envelopes
    _import(net, VILLAGE, stick)
    assert _waiting(net, VILLAGE, TOWN) == 0
    with node.db.reading() as tx:
        assert on_stick(tx, TOWN) is None


def test_what_is_recorded_after_an_export_is_not_said_to_be_on_the_stick(net: Offices, stick: Stick) -> None:
    net.submit(VILLAGE)
    _export(net, VILLAGE, stick)
    net.settle(1)
    net.submit(VILLAGE)
    net.upward(VILLAGE)
    assert _waiting(net, VILLAGE, TOWN) > 0
    with net.nodes[VILLAGE].db.reading() as tx:
        assert on_stick(tx, TOWN) is None


def test_importing_twice_has_one_effect_and_gives_the_same_receipts(
    net: Offices, stick: Stick, tmp_path: Path
) -> None:
    net.submit(VILLAGE, files=(net.world.random_bytes(70_000),))
    _export(net, VILLAGE, stick)
    first = _import(net, TOWN, stick, answer=False)
    first_receipts = _receipts(net, tmp_path / "first")
    state, rows = _state(net.nodes[TOWN]), net.case_rows(TOWN)
    again = _import(net, TOWN, stick, answer=False)
    assert (_fates(first), _fates(again)) == ([Fate.TAKEN], [Fate.NOTHING_NEW])
    assert _receipts(net, tmp_path / "again") == first_receipts != []
    assert (_state(net.nodes[TOWN]), net.case_rows(TOWN)) == (state, rows)
    assert any("都已收过" in line for line in stick_words.import_words(again, "K", "zh"))


def _receipts(net: Offices, folder: Path) -> list[bytes]:
    """The receipts that the township writes for the village now."""
    folder.mkdir()
    _export(net, TOWN, Stick(folder), VILLAGE)
    data = [path.read_bytes() for path in _files(Stick(folder))]
    return [frame.payload for bundle in data for frame in read_bundle(bundle) if frame.kind is Kind.RECEIPT]


def test_stick_and_line_together_make_no_duplicate_in_either_order(net: Offices, stick: Stick) -> None:
    one = net.submit(VILLAGE)
    _export(net, VILLAGE, stick)
    net.meet(VILLAGE)
    late = _import(net, TOWN, stick)
    assert _fates(late) == [Fate.NOTHING_NEW]
    two = net.submit(VILLAGE)
    _export(net, VILLAGE, stick)
    _import(net, TOWN, stick, answer=False)
    rows = net.case_rows(TOWN)
    net.meet(VILLAGE)
    assert net.case_rows(TOWN) == rows
    assert {row[1] for row in rows} == {one, two}
    assert _waiting(net, VILLAGE, TOWN) == 0


def test_receipts_for_a_stick_come_over_the_line_before_anything_is_sent_twice(
    net: Offices, stick: Stick
) -> None:
    case_id = net.submit(VILLAGE)
    net.settle(1)
    net.act(TOWN, case_id, Role.WINDOW, b.CaseReturned("填写有误"))
    _export(net, TOWN, stick, VILLAGE)
    _import(net, VILLAGE, stick, answer=False)
    done = net.meet(VILLAGE)
    assert done.received_envelopes == 0
    assert _waiting(net, TOWN, VILLAGE) == 0


def test_a_lost_stick_is_replaced_by_exporting_again(net: Offices, stick: Stick, tmp_path: Path) -> None:
    case_id = net.submit(VILLAGE)
    _export(net, VILLAGE, stick)
    (tmp_path / "SECOND").mkdir()
    second = Stick(tmp_path / "SECOND")
    net.submit(VILLAGE)
    _export(net, VILLAGE, second)
    _import(net, TOWN, second)
    assert net.find(TOWN, case_id) is not None
    rows = net.case_rows(TOWN)
    assert len(rows) == 2
    # The lost one is found again, much later.
    late = _import(net, TOWN, stick)
    assert _fates(late) == [Fate.NOTHING_NEW]
    assert net.case_rows(TOWN) == rows


def test_a_lost_answer_is_given_again_at_the_next_export(net: Offices, stick: Stick) -> None:
    net.submit(VILLAGE)
    _export(net, VILLAGE, stick)
    _import(net, TOWN, stick)
    for path in _files(stick):
        if path.name.startswith(TOWN):
            path.unlink()
    _import(net, VILLAGE, stick)
    assert _waiting(net, VILLAGE, TOWN) > 0
    _export(net, VILLAGE, stick)
    _import(net, TOWN, stick)
    _import(net, VILLAGE, stick)
    assert _waiting(net, VILLAGE, TOWN) == 0
    assert len(net.case_rows(TOWN)) == 1


def test_exporting_again_replaces_our_unsigned_bundle_and_nobody_elses(net: Offices, stick: Stick) -> None:
    net.submit(VILLAGE)
    net.submit(NEIGHBOUR)
    _export(net, VILLAGE, stick)
    _export(net, NEIGHBOUR, stick)
    strange = stick.folder / f"{VILLAGE}-to-{TOWN}-00000001-00000000.ldb"
    strange.write_bytes(b"not ours in spite of its name")
    before = set(_files(stick))
    net.submit(VILLAGE)
    (export,) = _export(net, VILLAGE, stick)
    gone = before - set(_files(stick))
    assert export.removed == len(gone) == 1
    assert strange.exists()
    report = _import(net, TOWN, stick, answer=False)
    assert sorted(_fates(report)) == sorted([Fate.FOREIGN, Fate.TAKEN, Fate.TAKEN])
    assert len(net.case_rows(TOWN)) == 3


def test_our_bundle_is_cleaned_away_once_its_addressee_has_signed(net: Offices, stick: Stick) -> None:
    net.submit(VILLAGE, files=(net.world.random_bytes(40_000),))
    _export(net, VILLAGE, stick)
    _import(net, TOWN, stick)
    assert any(path.name.startswith(VILLAGE) for path in _files(stick))
    report = _import(net, VILLAGE, stick)
    assert report.answers[0].removed == 1
    ours = [
        found
        for found in import_from(stick, net.nodes[VILLAGE], dry_run=True).found
        if found.fate is Fate.OWN
    ]
    # What is left of ours is at most the short note that the township's answer arrived.
    assert all(found.size < 8000 for found in ours)
    assert any("清理" in line for line in stick_words.import_words(report, "K", "zh"))


def test_two_offices_stop_answering_each_other_when_nothing_is_new(net: Offices, stick: Stick) -> None:
    net.submit(VILLAGE)
    _export(net, VILLAGE, stick)
    bundles = [
        sum(answer.bundles for answer in _import(net, name, stick).answers)
        for _ in range(4)
        for name in (TOWN, VILLAGE)
    ]
    assert bundles[0] == 1
    assert bundles[-4:] == [0, 0, 0, 0]


def test_a_bundle_for_another_node_is_named_and_left_alone(net: Offices, stick: Stick) -> None:
    net.submit(VILLAGE)
    _export(net, VILLAGE, stick)
    before = [path.read_bytes() for path in _files(stick)]
    state = _state(net.nodes[NEIGHBOUR])
    report = _import(net, NEIGHBOUR, stick)
    assert _fates(report) == [Fate.FOR_ANOTHER]
    assert [path.read_bytes() for path in _files(stick)] == before
    assert _state(net.nodes[NEIGHBOUR]) == state
    words = "\n".join(stick_words.import_words(report, "K", "zh"))
    assert f"请带到 {TOWN} 导入" in words
    assert "没有给本机的数据包" in words


def test_a_bundle_readdressed_to_us_is_forged_and_brings_nothing(net: Offices, stick: Stick) -> None:
    net.submit(VILLAGE)
    _export(net, VILLAGE, stick)
    (path,) = _files(stick)
    frames = list(read_bundle(path.read_bytes()))
    claim = read_hello(frames[0].payload)
    thief = net.nodes[NEIGHBOUR].keyring.signing_key
    fields = {name: getattr(claim, name) for name in type(claim).__dataclass_fields__}
    forged = type(claim)(**(fields | {"receiver": CITY}))
    path.write_bytes(write_bundle([Frame(Kind.HELLO, sign_hello(forged, thief)), *frames[1:]]))
    state = _state(net.nodes[CITY])
    report = _import(net, CITY, stick)
    assert [error.code for error in report.found[0].refused] == ["contact.stranger"]
    path.write_bytes(
        write_bundle(
            [Frame(Kind.HELLO, sign_hello(type(claim)(**(fields | {"receiver": TOWN})), thief)), *frames[1:]]
        )
    )
    report = _import(net, TOWN, stick)
    assert [error.code for error in report.found[0].refused] == ["hello.forged"]
    assert net.case_rows(TOWN) == []
    assert _state(net.nodes[CITY]) == state


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 0.9999])
def test_a_bundle_cut_anywhere_gives_what_came_whole_and_the_rest_comes_again(
    net: Offices, stick: Stick, share: float
) -> None:
    scan = net.world.random_bytes(6 * CHUNK_BYTES)
    case_id = net.submit(VILLAGE, files=(scan,))
    _export(net, VILLAGE, stick)
    (path,) = _files(stick)
    whole = path.read_bytes()
    cut = whole[: int(len(whole) * share)]
    path.write_bytes(cut)
    frames = list(read_bundle(cut)) if cut.startswith(MAGIC) else []
    report = _import(net, TOWN, stick)
    (found,) = (found for found in report.found if found.sender in (None, VILLAGE))
    assert found.fate is Fate.CUT
    assert found.envelopes == sum(frame.kind is Kind.ENVELOPE for frame in frames)
    assert found.chunks == sum(frame.kind is Kind.CHUNK for frame in frames)
    assert any("没有复制完" in line for line in stick_words.import_words(report, "K", "zh"))
    _export(net, VILLAGE, stick)
    _import(net, TOWN, stick)
    assert _contents(net, TOWN, case_id) == scan
    assert len(net.case_rows(TOWN)) == 1


def test_one_changed_byte_costs_one_frame_and_is_named(net: Offices, stick: Stick) -> None:
    for _ in range(3):
        net.submit(VILLAGE, files=(net.world.random_bytes(40_000),))
    _export(net, VILLAGE, stick)
    (path,) = _files(stick)
    data = bytearray(path.read_bytes())
    data[-5000] ^= 1
    path.write_bytes(data)
    report = _import(net, TOWN, stick, answer=False)
    assert _fates(report) == [Fate.CUT]
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
    _export(net, VILLAGE, stick)
    (path,) = _files(stick)
    path.rename(stick.folder / name)
    (stick.folder / f"x{name}").write_bytes(b"junk")
    report = _import(net, TOWN, stick)
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
    _export(net, VILLAGE, stick)
    (path,) = _files(stick)
    outside = tmp_path / "outside.ldb"
    path.rename(outside)
    (stick.folder / "link.ldb").symlink_to(outside)
    (stick.folder / "inner").mkdir()
    (stick.folder / "inner" / "deep.ldb").write_bytes(outside.read_bytes())
    os.mkfifo(stick.folder / "pipe.ldb")
    report = _import(net, TOWN, stick)
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
    _export(net, VILLAGE, stick)
    (path,) = _files(stick)
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
        report = _import(net, TOWN, stick, answer=False)
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
    _export(net, VILLAGE, stick)
    _import(net, TOWN, stick)
    net.act(TOWN, case_id, Role.WINDOW, b.CaseReturned("填写有误，请补充户口簿"))
    _export(net, TOWN, stick)
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
    files = _files(stick)
    assert len(files) >= 2
    for path in files:
        data = path.name.encode() + path.read_bytes()
        assert not [word for word in words if word.encode() in data or word.encode("utf-16-le") in data]


def test_a_large_backlog_is_split_and_every_bundle_counts_alone(net: Offices, stick: Stick) -> None:
    scans = [net.world.random_bytes(3 * 1024 * 1024) for _ in range(3)]
    ids = [net.submit(VILLAGE, files=(scan,)) for scan in scans]
    (export,) = _export(net, VILLAGE, stick)
    files = _files(stick)
    assert export.bundles == len(files) == 3
    assert all(path.stat().st_size <= EXPORT_BYTES + 64 * 1024 for path in files)
    frames = [
        frame.payload
        for path in files
        for frame in read_bundle(path.read_bytes())
        if frame.kind in (Kind.ENVELOPE, Kind.CHUNK)
    ]
    assert len(frames) == len(set(frames)) == export.envelopes + export.chunks
    middle = files[1].read_bytes()
    files[1].unlink()
    report = _import(net, TOWN, stick, answer=False)
    assert _fates(report) == [Fate.TAKEN, Fate.TAKEN]
    files[1].write_bytes(middle)
    _import(net, TOWN, stick)
    assert [_contents(net, TOWN, case_id) for case_id in ids] == scans
    _import(net, VILLAGE, stick)
    assert _waiting(net, VILLAGE, TOWN) == 0


def test_more_files_than_a_contact_looks_at_all_go_on_the_stick(
    net: Offices, stick: Stick, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact, "FILES_MAX", 2)
    scans = [net.world.random_bytes(1000) for _ in range(5)]
    ids = [net.submit(VILLAGE, files=(scan,)) for scan in scans]
    _export(net, VILLAGE, stick)
    _import(net, TOWN, stick)
    assert [_contents(net, TOWN, case_id) for case_id in ids] == scans


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
    assert _files(stick) == []
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
    _export(net, VILLAGE, stick)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    (refused,) = export_to(stick, net.nodes[NEIGHBOUR], [TOWN]) if net.submit(NEIGHBOUR) else ()
    assert refused.error is not None
    assert refused.error.code == "stick.read_only"
    report = import_from(stick, net.nodes[TOWN])
    assert _fates(report) == [Fate.TAKEN]
    assert report.answer_error is not None
    assert report.answer_error.code == "stick.read_only"
    assert net.find(TOWN, case_id) is not None
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    # The answer is still owed, and a plain export writes it.
    assert waiting_for(net.nodes[TOWN], VILLAGE).receipts
    _export(net, TOWN, stick, VILLAGE)
    _import(net, VILLAGE, stick)
    assert _waiting(net, VILLAGE, TOWN) == 0


def test_a_stick_pulled_out_while_writing_is_said_in_words_and_what_is_cut_counts_as_cut(
    net: Offices, small_disk: Path, tmp_path: Path
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
    assert _waiting(net, VILLAGE, TOWN) > 0
    _export(net, VILLAGE, stick)
    assert _fates(_import(net, TOWN, stick)) == [Fate.TAKEN]


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
    assert _files(stick) == []


def test_an_export_stopped_by_the_person_leaves_no_half_file(net: Offices, stick: Stick) -> None:
    net.submit(VILLAGE, files=(net.world.random_bytes(200_000),))

    class Stopped(Exception):
        pass

    def stop(progress: Progress) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        export_to(stick, net.nodes[VILLAGE], [TOWN], stop)
    assert _files(stick) == []
    _export(net, VILLAGE, stick)
    assert len(_files(stick)) == 1


def test_a_township_carries_for_the_city_and_its_villages_and_a_village_only_for_its_township(
    net: Offices, stick: Stick
) -> None:
    assert neighbours(net.nodes[VILLAGE]) == (TOWN,)
    assert set(neighbours(net.nodes[TOWN])) == {CITY, VILLAGE, NEIGHBOUR}
    case_id = net.submit(VILLAGE)
    net.settle(1)
    net.act(TOWN, case_id, Role.WINDOW, b.CaseForwarded())
    net.act(TOWN, case_id, Role.WINDOW, b.NoteAdded("已转市里"))
    exports = _export(net, TOWN, stick)
    assert {export.peer for export in exports if export.bundles} == {CITY, VILLAGE}
    at_city, at_village = _import(net, CITY, stick), _import(net, VILLAGE, stick)
    assert sorted(_fates(at_city)) == sorted([Fate.TAKEN, Fate.FOR_ANOTHER])
    assert at_village.count(Fate.TAKEN) == 1
    assert net.find(CITY, case_id) is not None


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
