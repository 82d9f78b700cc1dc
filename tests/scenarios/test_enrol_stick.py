"""A node without any line joins the city by a stick, and no stick, however bad, costs or changes anything."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.errors import InputError, LiandongError, PeerError, StateError
from core.identifiers import NodeId
from sync import cose, enrol, enrol_words, meeting, registrar
from sync.admitting import Admitting, Fate, admit_from, issue
from sync.enrol_file import FILE_BYTES_MAX, EnrolFile, Part, answer, application, notice, read_enrol_file
from sync.enrol_stick import Enrolment, Stage, enrol_from
from sync.enrolment import Anchor, apply, write_anchor, write_refusal
from sync.enrolment_code import EnrolmentCode, parse_code
from sync.enrolment_desk import CODE_LIFETIME
from sync.enrolment_refusals import refusal
from sync.node import Node
from sync.primitives import SealingKey, SigningKey
from sync.stick_import import import_from
from sync.stick_layout import ENTRIES_MAX
from sync.tables import ENROLMENT
from sync.transport import usb
from sync.transport.usb import Stick, StickError
from tests.scenarios.test_doors_and_clocks import NEW_VILLAGE, City
from tests.scenarios.world import CITY, TOWN, Line


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City(tmp_path)


@pytest.fixture
def stick(tmp_path: Path) -> Stick:
    (tmp_path / "KINGSTON").mkdir()
    return Stick(tmp_path / "KINGSTON")


def code_of(
    city: City, stick: Stick | None, name: NodeId, lifetime: timedelta = CODE_LIFETIME
) -> EnrolmentCode:
    return parse_code(issue(city.node, name, stick, lifetime)[1])


def files(stick: Stick) -> dict[Part, list[tuple[Path, EnrolFile]]]:
    found: dict[Part, list[tuple[Path, EnrolFile]]] = {part: [] for part in Part}
    for path in sorted(stick.folder.iterdir()):
        file = read_enrol_file(path.read_bytes())
        found[file.part].append((path, file))
    return found


def only(stick: Stick, part: Part) -> tuple[Path, EnrolFile]:
    (one,) = files(stick)[part]
    return one


def record_of(city: City) -> list[tuple[object, ...]]:
    """Everything that an application could change at the city."""
    with city.node.db.reading() as tx:
        codes = tx.execute(sa.select(ENROLMENT)).all()
        admitted = tx.scalar(sa.text("SELECT count(*) FROM audit WHERE action = 'node.admitted'"))
    return [*sorted(map(tuple, codes)), (admitted,)]


def is_member(node: Node) -> bool:
    return node.place.node in node.keyring.nodes()


def applied(stick: Stick, node: Node, code: EnrolmentCode) -> Enrolment:
    outcome = enrol_from(stick, node, code)
    assert (outcome.stage, outcome.error) == (Stage.APPLIED, None)
    assert not is_member(node)
    return outcome


def admitted(stick: Stick, city: City) -> Admitting:
    report = admit_from(stick, city.node)
    assert report.error is None
    assert [one.fate for one in report.applicants] == [Fate.ADMITTED] * len(report.applicants)
    assert all(one.is_answered for one in report.applicants)
    return report


def enrolled(stick: Stick, node: Node, code: EnrolmentCode) -> Enrolment:
    outcome = enrol_from(stick, node, code)
    assert (outcome.stage, outcome.error) == (Stage.ENROLLED, None)
    assert is_member(node)
    return outcome


# The way


def test_a_village_joins_by_one_stick_in_two_walks_and_can_speak_at_once(city: City, stick: Stick) -> None:
    town, village = city.machine(TOWN), city.machine(NEW_VILLAGE)
    enrol.enrol(town, parse_code(city.code(TOWN)), city.door)
    code = code_of(city, stick, NEW_VILLAGE)
    applied(stick, village, code)
    admitted(stick, city)
    enrolled(stick, village, code)
    assert set(village.keyring.nodes()) == {CITY, TOWN, NEW_VILLAGE}
    assert meeting.meet(village, Line(town, village), TOWN).rounds >= 1
    again = Node.load(village.db, city.world, village.chunks, "test")
    assert again.keyring.pair == city.node.keyring.pair_of(NEW_VILLAGE)
    assert list(stick.folder.iterdir()) == []


def test_a_township_and_its_village_are_admitted_by_the_same_stick_and_know_each_other(
    city: City, stick: Stick
) -> None:
    nodes = {name: city.machine(name) for name in (NEW_VILLAGE, TOWN)}
    codes = {name: code_of(city, stick, name) for name in nodes}
    for name, node in nodes.items():
        applied(stick, node, codes[name])
    for path, file in files(stick)[Part.APPLICATION]:
        is_village = path.name.startswith(NEW_VILLAGE)
        path.rename(path.with_name(f"{'a' if is_village else 'b'}-{len(file.body)}"))
    assert [one.node for one in admitted(stick, city).applicants] == [TOWN, NEW_VILLAGE]
    for name, node in nodes.items():
        enrolled(stick, node, codes[name])
    assert set(nodes[NEW_VILLAGE].keyring.nodes()) == {CITY, TOWN, NEW_VILLAGE}


def test_a_running_city_knows_whom_another_of_its_programs_admitted(city: City, stick: Stick) -> None:
    beside = Node.load(city.node.db, city.world, city.node.chunks, "test")
    town, village = city.machine(TOWN), city.machine(NEW_VILLAGE)
    code = code_of(city, stick, TOWN)
    applied(stick, town, code)
    admit_from(stick, beside)
    enrolled(stick, town, code)
    enrol.enrol(village, parse_code(city.code(NEW_VILLAGE)), city.door)
    assert set(village.keyring.nodes()) == {CITY, TOWN, NEW_VILLAGE}


def test_names_decide_nothing(city: City, stick: Stick) -> None:
    village, code = city.machine(NEW_VILLAGE), code_of(city, stick, NEW_VILLAGE)

    def rename() -> None:
        for number, path in enumerate(sorted(stick.folder.iterdir(), reverse=True)):
            path.rename(path.with_name(f"IMG_{number}.JPG.{village.world.random_bytes(3).hex()}"))

    rename()
    applied(stick, village, code)
    rename()
    admitted(stick, city)
    rename()
    enrolled(stick, village, code)


def test_every_step_repeated_gives_the_same_bytes_and_one_certificate(city: City, stick: Stick) -> None:
    village, code = city.machine(NEW_VILLAGE), code_of(city, stick, NEW_VILLAGE)
    applied(stick, village, code)
    first = only(stick, Part.APPLICATION)
    first[0].unlink()
    applied(stick, Node.load(village.db, city.world, village.chunks, "test"), code)
    assert only(stick, Part.APPLICATION) == first
    admitted(stick, city)
    given = only(stick, Part.ANSWER)
    given[0].unlink()
    again = admit_from(stick, city.node)
    assert [one.fate for one in again.applicants] == [Fate.ANSWERED]
    assert only(stick, Part.ANSWER) == given
    copy = {path: path.read_bytes() for path in stick.folder.iterdir()}
    enrolled(stick, village, code)
    pair = village.keyring.pair
    for path, data in copy.items():
        path.write_bytes(data)
    assert enrolled(stick, village, code).before
    assert list(stick.folder.iterdir()) == []
    assert village.keyring.pair == pair
    assert record_of(city)[-1] == (1,)


def test_what_was_begun_over_the_line_is_ended_by_a_stick_and_the_other_way_round(
    city: City, stick: Stick
) -> None:
    village, code = city.machine(NEW_VILLAGE), parse_code(city.code(NEW_VILLAGE))

    def dead(path: str, data: bytes) -> bytes:
        if path == enrol.ANCHOR_PATH:
            return city.door(path, data)
        raise StateError("line.down", zh="断了。", en="Down.")

    with pytest.raises(StateError, match=r"line\.down"):
        enrol.enrol(village, code, dead)
    applied(stick, village, code)
    admitted(stick, city)
    enrolled(stick, village, code)
    town, other = city.machine(TOWN), code_of(city, stick, TOWN)
    applied(stick, town, other)
    assert enrol.enrol(town, other, city.door) is None
    assert is_member(town)
    assert enrolled(stick, town, other).before


def test_a_dry_run_changes_nothing_at_the_city_or_on_the_stick(city: City, stick: Stick) -> None:
    applied(stick, city.machine(NEW_VILLAGE), code_of(city, stick, NEW_VILLAGE))
    before, lying = record_of(city), {path: path.read_bytes() for path in stick.folder.iterdir()}
    report = admit_from(stick, city.node, dry_run=True)
    assert [(one.fate, one.is_answered) for one in report.applicants] == [(Fate.ADMITTED, False)]
    assert "将准许" in "\n".join(enrol_words.admitting_words(report, "K", "zh", dry_run=True))
    assert record_of(city) == before
    assert {path: path.read_bytes() for path in stick.folder.iterdir()} == lying


def test_a_new_code_takes_the_application_under_the_old_one_off_the_stick(city: City, stick: Stick) -> None:
    village = city.machine(NEW_VILLAGE)
    applied(stick, village, code_of(city, stick, NEW_VILLAGE))
    second = code_of(city, stick, NEW_VILLAGE)
    applied(stick, village, second)
    assert {part: len(found) for part, found in files(stick).items()} == {
        Part.NOTICE: 1,
        Part.APPLICATION: 1,
        Part.ANSWER: 0,
    }
    admitted(stick, city)
    enrolled(stick, village, second)


# Time


def test_a_code_that_ended_on_the_way_is_refused_in_words_which_travel_back(city: City, stick: Stick) -> None:
    village, code = city.machine(NEW_VILLAGE), code_of(city, stick, NEW_VILLAGE)
    applied(stick, village, code)
    city.world.pass_time(days=8)
    report = admit_from(stick, city.node)
    assert [one.refused.code for one in report.applicants if one.refused] == ["enrolment.expired_code"]
    outcome = enrol_from(stick, village, code)
    assert outcome.stage is Stage.APPLIED
    assert outcome.error is not None
    assert outcome.error.code == "enrolment.expired_code"
    words = "\n".join(enrol_words.enrolment_words(outcome, "K", "zh"))
    assert "已过期" in words
    assert "带到市里" not in words


def test_a_code_may_be_made_for_a_long_way_and_its_answer_may_take_as_long_as_it_likes(
    city: City, stick: Stick
) -> None:
    village = city.machine(NEW_VILLAGE)
    code = code_of(city, stick, NEW_VILLAGE, timedelta(days=14))
    applied(stick, village, code)
    city.world.pass_time(days=13)
    admitted(stick, city)
    city.world.pass_time(days=40)
    enrolled(stick, village, code)


# The stick fails


Step = Callable[[], object]


def _fail_on(stick: Stick, monkeypatch: pytest.MonkeyPatch, after: int) -> Callable[[], bool]:
    """Pull the stick out at the ``after``-th sync of a file on it; tells whether that came."""
    real, seen = os.fsync, [0]

    def failing(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").readlink().is_relative_to(stick.root):
            seen[0] += 1
            if seen[0] > after:
                raise OSError(5, "Input/output error")
        real(handle)

    monkeypatch.setattr(usb.os, "fsync", failing)
    return lambda: seen[0] > after


@pytest.mark.parametrize("after", range(3))
def test_a_stick_pulled_out_at_any_write_costs_nothing(
    city: City, stick: Stick, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    stick.folder.mkdir()

    def broken(step: Step) -> None:
        with monkeypatch.context() as patch:
            came = _fail_on(stick, patch, after)
            try:
                done = step()
            except StickError as error:
                assert error.code == "stick.failing"
            else:
                report = done if isinstance(done, Admitting) else None
                assert report is None or (report.error is not None) is came()

    before = record_of(city)
    with monkeypatch.context() as patch:
        _fail_on(stick, patch, 0)
        with pytest.raises(StickError):
            issue(city.node, NEW_VILLAGE, stick, CODE_LIFETIME)
    assert record_of(city) == before, "a code that nobody was shown"
    code = code_of(city, stick, NEW_VILLAGE)
    village = city.machine(NEW_VILLAGE)
    broken(lambda: enrol_from(stick, village, code))
    applied(stick, village, code)
    broken(lambda: admit_from(stick, city.node))
    report = admit_from(stick, city.node)
    assert report.error is None
    assert all(one.is_answered and one.fate is not Fate.REFUSED for one in report.applicants)
    broken(lambda: enrol_from(stick, village, code))
    enrolled(stick, village, code)
    assert record_of(city)[-1] == (1,)


def test_an_admission_whose_answer_could_not_be_written_is_told_as_what_it_is(
    city: City, stick: Stick, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied(stick, city.machine(NEW_VILLAGE), code_of(city, stick, NEW_VILLAGE))
    with monkeypatch.context() as patch:
        _fail_on(stick, patch, 0)
        report = admit_from(stick, city.node)
    assert [(one.fate, one.is_answered) for one in report.applicants] == [(Fate.ADMITTED, False)]
    words = "\n".join(enrol_words.admitting_words(report, "K", "zh", dry_run=False))
    assert "U盘读写出错" in words
    assert "同样的答复" in words
    assert "可以拔出" not in words


def test_the_unfinished_copy_of_a_program_that_was_killed_is_cleaned_away_by_the_next_try(
    city: City, stick: Stick
) -> None:
    village, code = city.machine(NEW_VILLAGE), code_of(city, stick, NEW_VILLAGE)
    for part, step in (
        (Part.APPLICATION, lambda: applied(stick, village, code)),
        (Part.ANSWER, lambda: admit_from(stick, city.node)),
    ):
        step()
        path, file = only(stick, part)
        path.unlink()
        path.with_name(f"{path.name}.0123abcd.part").write_bytes(file.data[:50])
        done = step()
        assert (done.spoilt, done.error) == ((), None)
        assert only(stick, part) == (path, file)
    enrolled(stick, village, code)
    assert list(stick.folder.iterdir()) == []


# The stick is bad, or somebody made it so


def test_a_file_cut_or_changed_anywhere_changes_nothing_and_is_named(city: City, stick: Stick) -> None:
    village, code = city.machine(NEW_VILLAGE), code_of(city, stick, NEW_VILLAGE)
    path, _ = only(stick, Part.NOTICE)
    for damaged in _damaged(path.read_bytes()):
        path_data = path.read_bytes()
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"enrolment\.no_notice"):
            enrol_from(stick, village, code)
        path.write_bytes(path_data)
    applied(stick, village, code)
    path, _ = only(stick, Part.APPLICATION)
    whole, before = path.read_bytes(), record_of(city)
    for damaged in _damaged(whole):
        path.write_bytes(damaged)
        report = admit_from(stick, city.node)
        assert report.applicants == ()
        assert [one.error.code for one in report.spoilt] == ["enrolment.damaged_file"]
        assert path.name in "\n".join(enrol_words.admitting_words(report, "K", "zh", dry_run=False))
    assert record_of(city) == before
    path.write_bytes(whole)
    admitted(stick, city)
    path, _ = only(stick, Part.ANSWER)
    whole = path.read_bytes()
    for damaged in _damaged(whole):
        path.write_bytes(damaged)
        outcome = applied(stick, village, code)
        assert [one.error.code for one in outcome.spoilt] == ["enrolment.damaged_file"]
    path.write_bytes(whole)
    enrolled(stick, village, code)


def _damaged(data: bytes) -> list[bytes]:
    cut = [data[:length] for length in range(4, len(data), max(1, len(data) // 9))]
    bits = range(32, 8 * len(data), max(1, 8 * len(data) // 23))
    return [*cut, *(_flipped(data, bit) for bit in bits), data + b"\0"]


def _flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_what_is_forged_with_a_right_digest_is_refused_by_the_code(city: City, stick: Stick) -> None:
    village, code = city.machine(NEW_VILLAGE), code_of(city, stick, NEW_VILLAGE)
    path, good = only(stick, Part.NOTICE)
    # A thief's own city, under a code of which he knows the public part.
    (city.folder / "thief").mkdir()
    thief = City(city.folder / "thief")
    keyring = thief.node.keyring
    theirs = Anchor(keyring.root, keyring.issuing, keyring.pair, keyring.registration_key.public())
    guessed = EnrolmentCode(code.code_id, "0" * 19)
    forged = replace(good, body=write_anchor(guessed, good.about, theirs))
    path.write_bytes(forged.data)
    with pytest.raises(PeerError, match=r"enrolment\.stranger"):
        enrol_from(stick, village, code)
    assert enrol.waiting(village) is None
    for position in range(0, 8 * len(good.body), 97):
        path.write_bytes(replace(good, body=_flipped(good.body, position)).data)
        with pytest.raises(LiandongError):
            enrol_from(stick, village, code)
    assert enrol.waiting(village) is None
    path.write_bytes(good.data)
    applied(stick, village, code)
    admitted(stick, city)
    path, good = only(stick, Part.ANSWER)
    for position in range(0, 8 * len(good.body), 997):
        path.write_bytes(replace(good, body=_flipped(good.body, position)).data)
        outcome = enrol_from(stick, village, code)
        assert outcome.stage is Stage.APPLIED
        assert isinstance(outcome.error, PeerError)
    assert not is_member(village)
    path.write_bytes(good.data)
    enrolled(stick, village, code)


def test_a_forged_refusal_delays_and_corrupts_nothing(city: City, stick: Stick) -> None:
    village, code = city.machine(NEW_VILLAGE), code_of(city, stick, NEW_VILLAGE)
    applied(stick, village, code)
    _, asked = only(stick, Part.APPLICATION)
    forged = answer(asked.body, write_refusal(refusal("enrolment.void_code")))
    (stick.folder / "0-forged.lde").write_bytes(forged.data)
    (stick.folder / "z-forged.lde").write_bytes(forged.data)
    outcome = enrol_from(stick, village, code)
    assert (outcome.stage, outcome.error and outcome.error.code) == (Stage.APPLIED, "enrolment.void_code")
    assert only(stick, Part.APPLICATION)[1] == asked
    admitted(stick, city)
    enrolled(stick, village, code)


def test_a_wrong_try_counts_once_however_often_its_stick_is_put_in(city: City, stick: Stick) -> None:
    village, code = city.machine(NEW_VILLAGE), code_of(city, stick, NEW_VILLAGE)
    keyring, world = city.node.keyring, city.world
    anchor = Anchor(keyring.root, keyring.issuing, keyring.pair, keyring.registration_key.public())
    forged = apply(
        world,
        EnrolmentCode(code.code_id, "0" * 19),
        anchor,
        node=NEW_VILLAGE,
        epoch=village.place.epoch,
        signing=SigningKey.generate(world.random_bytes),
        sealing=SealingKey.generate(world.random_bytes),
        software="x",
    )
    for name in ("a", "b"):
        (stick.folder / name).write_bytes(application(forged).data)
    for _ in range(12):
        report = admit_from(stick, city.node)
        assert [one.refused and one.refused.code for one in report.applicants] == ["enrolment.wrong_code"] * 2
    (path, _), *_ = files(stick)[Part.ANSWER]
    with city.node.db.reading() as tx:
        (row,) = tx.execute(sa.select(ENROLMENT.c.record)).all()
    assert cose.decode(bytes(row.record), bytes_max=1 << 20)[3] == 1
    applied(stick, village, code)
    report = admit_from(stick, city.node)
    assert sorted(one.fate for one in report.applicants) == [Fate.ADMITTED, Fate.REFUSED, Fate.REFUSED]
    assert path.exists()
    enrolled(stick, village, code)


def test_an_answer_to_another_application_or_another_node_is_left_alone(city: City, stick: Stick) -> None:
    village, other = city.machine(NEW_VILLAGE), city.machine(TOWN)
    codes = [code_of(city, stick, NEW_VILLAGE), code_of(city, stick, TOWN)]
    applied(stick, other, codes[1])
    admitted(stick, city)
    lying = {path.name: path.read_bytes() for path in stick.folder.iterdir()}
    for _ in range(2):
        applied(stick, village, codes[0])
    assert {name: (stick.folder / name).read_bytes() for name in lying} == lying
    # The township's answer under the name and the digest of the village's.
    _, theirs = only(stick, Part.ANSWER)
    asked = next(file for _, file in files(stick)[Part.APPLICATION] if file.data not in lying.values())
    (stick.folder / "readdressed.lde").write_bytes(answer(asked.body, theirs.body).data)
    outcome = enrol_from(stick, village, codes[0])
    assert outcome.stage is Stage.APPLIED
    assert isinstance(outcome.error, PeerError)
    assert not is_member(village)
    enrolled(stick, other, codes[1])


def test_an_old_stick_of_a_used_code_makes_nobody_else_a_node(city: City, stick: Stick) -> None:
    village, code = city.machine(NEW_VILLAGE), code_of(city, stick, NEW_VILLAGE)
    path, _ = only(stick, Part.NOTICE)
    notice_data = path.read_bytes()
    applied(stick, village, code)
    admitted(stick, city)
    enrolled(stick, village, code)
    path.write_bytes(notice_data)
    second = city.machine(NEW_VILLAGE)
    applied(stick, second, code)
    report = admit_from(stick, city.node)
    assert [one.refused and one.refused.code for one in report.applicants] == ["enrolment.used_code"]
    outcome = enrol_from(stick, second, code)
    assert (outcome.stage, outcome.error and outcome.error.code) == (Stage.APPLIED, "enrolment.used_code")
    assert record_of(city)[-1] == (1,)


def test_a_stick_without_its_notice_says_what_is_on_it(city: City, stick: Stick) -> None:
    village, code = city.machine(NEW_VILLAGE), parse_code(city.code(NEW_VILLAGE))
    with pytest.raises(InputError, match=r"enrolment\.no_notice") as refused:
        enrol_from(stick, village, code)
    assert f"code {NEW_VILLAGE} --stick" in refused.value.zh
    code_of(city, stick, TOWN)
    with pytest.raises(InputError, match=r"enrolment\.no_notice") as refused:
        enrol_from(stick, village, code)
    assert TOWN in refused.value.zh
    assert enrol.waiting(village) is None


def test_foreign_oversized_linked_and_too_many_files_are_left_alone_and_counted(
    city: City, stick: Stick
) -> None:
    village, code = city.machine(NEW_VILLAGE), code_of(city, stick, NEW_VILLAGE)
    applied(stick, village, code)
    (stick.folder / "holiday.jpg").write_bytes(b"\xff\xd8\xff" * 100)
    (stick.folder / "secret").symlink_to("/etc/hostname")
    big = stick.folder / "big.lde"
    with big.open("wb") as file:
        file.write(b"LDE1")
        file.truncate(FILE_BYTES_MAX + 1)
    report = admit_from(stick, city.node, dry_run=True)
    assert report.others == 2
    assert [(one.name, one.error.code) for one in report.spoilt] == [("big.lde", "stick.too_large")]
    words = "\n".join(enrol_words.admitting_words(report, "K", "en", dry_run=True))
    assert "2 other files" in words
    assert "big.lde" in words
    assert [one.name for one in applied(stick, village, code).spoilt] == ["big.lde"]
    admitted(stick, city)
    enrolled(stick, village, code)
    assert {path.name for path in stick.folder.iterdir()} == {"holiday.jpg", "secret", "big.lde"}
    for number in range(ENTRIES_MAX):
        (stick.folder / f"{number}").touch()
    crowded = admit_from(stick, city.node)
    assert crowded.more
    assert "文件太多" in "\n".join(enrol_words.admitting_words(crowded, "K", "zh", dry_run=False))


def test_who_takes_the_stick_learns_neither_the_code_nor_a_key_nor_who_applies(
    city: City, stick: Stick
) -> None:
    village = city.machine(NEW_VILLAGE)
    record, text = issue(city.node, NEW_VILLAGE, stick, CODE_LIFETIME)
    code = parse_code(text)
    seen = [path.read_bytes() for path in stick.folder.iterdir()]
    applied(stick, village, code)
    current = enrol.begun(village, code)
    assert current is not None
    seen.append(only(stick, Part.APPLICATION)[1].data)
    admitted(stick, city)
    seen.append(only(stick, Part.ANSWER)[1].data)
    serial = city.node.keyring.pair_of(NEW_VILLAGE).signing.serial
    secrets = [
        code.secret.encode(),
        text.encode(),
        current.signing.to_pkcs8()[-64:],
        current.sealing.to_pkcs8()[-64:],
        bytes.fromhex(village.place.epoch),
        serial if isinstance(serial, bytes) else str(serial).encode(),
    ]
    for data in seen:
        assert not [secret for secret in secrets if secret in data]
    assert all(NEW_VILLAGE.encode() not in data for data in seen[1:])
    assert record.code.secret == code.secret


def test_an_import_names_the_files_of_an_enrolment_and_leaves_them_alone(city: City, stick: Stick) -> None:
    code_of(city, stick, NEW_VILLAGE)
    path, _ = only(stick, Part.NOTICE)
    before = path.read_bytes()
    report = import_from(stick, city.node)
    assert [error.code for found in report.found for error in found.refused] == ["stick.enrolment"]
    assert path.read_bytes() == before


def test_only_the_city_admits(city: City, stick: Stick) -> None:
    town = city.machine(TOWN)
    enrol.enrol(town, parse_code(city.code(TOWN)), city.door)
    applied(stick, city.machine(NEW_VILLAGE), code_of(city, stick, NEW_VILLAGE))
    with pytest.raises(StateError, match=r"keyring\.no_authority"):
        admit_from(stick, town)
    with pytest.raises(StateError, match=r"keyring\.no_authority"):
        registrar.new_code(town, NEW_VILLAGE)


@pytest.mark.parametrize(
    "file",
    [
        EnrolFile(Part.NOTICE, b"", b"x"),
        EnrolFile(Part.APPLICATION, b"x", b"y"),
        EnrolFile(Part.APPLICATION, b"", b"z" * 5000),
        EnrolFile(Part.ANSWER, b"short", b"y"),
    ],
)
def test_a_file_of_another_shape_is_damaged(file: EnrolFile) -> None:
    with pytest.raises(PeerError, match=r"enrolment\.damaged_file"):
        read_enrol_file(file.data)


def test_a_notice_with_a_nonce_is_none(city: City) -> None:
    code = parse_code(city.code(TOWN))
    good = notice(TOWN, code, b"anchor")
    assert read_enrol_file(good.data) == good
    fresh = replace(good, about=good.about[:-1] + b"\1")
    with pytest.raises(PeerError, match=r"enrolment\.damaged_file"):
        read_enrol_file(fresh.data)
