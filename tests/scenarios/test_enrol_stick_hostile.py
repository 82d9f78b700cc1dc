"""Sticks of an enrolment that are cut, forged, readdressed, replayed or foreign change nothing and are said in words."""

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.errors import InputError, LiandongError, PeerError, StateError
from sync import cose, enrol, enrol_words, registrar
from sync.admitting import Fate, admit_from, issue
from sync.enrol_file import FILE_BYTES_MAX, EnrolFile, Part, answer, application, notice, read_enrol_file
from sync.enrol_stick import Stage, enrol_from
from sync.enrolment import Anchor, apply, write_anchor, write_refusal
from sync.enrolment_code import EnrolmentCode, parse_code
from sync.enrolment_desk import CODE_LIFETIME
from sync.enrolment_refusals import refusal
from sync.primitives import SealingKey, SigningKey
from sync.stick_import import import_from
from sync.stick_layout import ENTRIES_MAX
from sync.tables import ENROLMENT
from sync.transport.usb import Stick
from tests.scenarios.enrol_sticks import (
    admitted,
    applied,
    code_of,
    enrolled,
    files,
    is_member,
    only,
    record_of,
)
from tests.scenarios.test_doors_and_clocks import NEW_VILLAGE, City
from tests.scenarios.world import TOWN


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City(tmp_path)


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
