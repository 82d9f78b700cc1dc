"""A node is admitted by a code that nobody on the way can use, and told exactly why if it is not."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError, LiandongError, PeerError
from sync import cose, enrolment
from sync.enrolment import ask_anchor, read_anchor
from sync.enrolment_code import ALPHABET, EnrolmentCode, new_code, parse_code
from sync.enrolment_desk import (
    anchor_for_stick,
    answer_anchor,
    answer_application,
    code_id_of_application,
    code_id_of_question,
)
from sync.primitives import SealingKey, SigningKey
from sync.revocation import NOTHING_REVOKED, Revocation, sign_revocations
from tests.unit.enrolment_kit import Registration
from tests.unit.sealing_kit import EPOCH, OTHER_VILLAGE, TOWNSHIP, VILLAGE, StillWorld


@pytest.fixture
def desk() -> Registration:
    return Registration()


def refused_with(code: str) -> object:
    return pytest.raises(LiandongError, match=code.replace(".", r"\."))


# The code


def test_a_code_has_five_groups_and_survives_reading_aloud(desk: Registration) -> None:
    assert [len(group) for group in desk.text.split("-")] == [5] * 5
    assert parse_code(desk.text) == desk.record.code
    assert desk.text.startswith(desk.record.code_id)
    for typed in (
        desk.text.lower(),
        desk.text.replace("-", " "),
        f"  {desk.text}\n",
        desk.text.replace("0", "O").replace("1", "l"),
        desk.text.replace("1", "i").replace("0", "o"),
        desk.text.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)}),
    ):
        assert parse_code(typed) == desk.record.code


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 24), st.sampled_from(ALPHABET))
def test_every_single_wrong_character_is_found(seed: int, place: int, other: str) -> None:
    whole = new_code(StillWorld(seed=seed)).text.replace("-", "")
    typed = whole[:place] + other + whole[place + 1 :]
    if typed == whole:
        return
    with pytest.raises(InputError, match=r"enrolment\.code_check"):
        parse_code(typed)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 24), st.integers(0, 24))
def test_every_swap_of_two_characters_is_found(seed: int, one: int, other: int) -> None:
    whole = list(new_code(StillWorld(seed=seed)).text.replace("-", ""))
    swapped = list(whole)
    swapped[one], swapped[other] = whole[other], whole[one]
    if swapped == whole:
        return
    with pytest.raises(InputError, match=r"enrolment\.code_check"):
        parse_code("".join(swapped))


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "enrolment.code_length"),
        ("K7Q2M", "enrolment.code_length"),
        ("A" * 26, "enrolment.code_length"),
        ("A" * 5000, "enrolment.code_length"),
        ("K7Q2U-" * 5, "enrolment.code_character"),
        ("村" * 25, "enrolment.code_character"),
    ],
)
def test_what_cannot_be_a_code_is_refused_in_words(typed: str, code: str) -> None:
    with refused_with(code):
        parse_code(typed)


def test_the_secret_of_a_code_stands_in_no_print(desk: Registration) -> None:
    assert desk.code.secret not in repr(desk.code) + repr(desk.record)


# The way in


def test_a_village_is_admitted_and_knows_the_nodes_above_it(desk: Registration) -> None:
    question = ask_anchor(VILLAGE, desk.code, desk.world.random_bytes(16))
    assert code_id_of_question(question) == desk.record.code_id
    anchor = read_anchor(
        desk.code, question, answer_anchor(desk.world, desk.record, question, desk.anchor).data
    )
    assert anchor == desk.anchor
    application = desk.application()
    assert code_id_of_application(application) == desk.record.code_id
    answer = desk.answered(application)
    assert answer.admitted is not None
    assert (answer.admitted.node, answer.admitted.software) == (VILLAGE, "0.1.0")
    admission = desk.read(application, answer.data)
    assert admission.pair.signing.verify_key() == desk.signing.public()
    assert admission.pair.sealing.sealing_key() == desk.sealing.public()
    assert admission.directory == (desk.city, desk.township)


def test_the_same_application_gets_the_same_bytes_and_one_pair(desk: Registration) -> None:
    application = desk.application()
    first = desk.answered(application)
    again = desk.answered(application, first.record)
    assert again.data == first.data
    assert again.record == first.record
    assert desk.admitted == 1


def test_the_secret_is_forgotten_once_the_code_is_used(desk: Registration) -> None:
    used = desk.answered(desk.application()).record
    assert used is not None
    assert used.secret == ""


def test_an_anchor_on_a_stick_needs_no_line(desk: Registration) -> None:
    question = ask_anchor(VILLAGE, desk.code, enrolment.NO_NONCE)
    assert read_anchor(desk.code, question, anchor_for_stick(desk.record, desk.anchor)) == desk.anchor


# Who is refused, and how


def test_a_stranger_in_between_cannot_swap_the_root(desk: Registration) -> None:
    stranger = Registration()
    question = ask_anchor(VILLAGE, desk.code, bytes(16))
    theirs = replace(stranger.anchor, registration=SealingKey.generate(desk.world.random_bytes).public())
    guessed = EnrolmentCode(desk.code.code_id, "0" * 19)
    with refused_with("enrolment.stranger"):
        read_anchor(desk.code, question, enrolment.write_anchor(guessed, question, theirs))
    honest = answer_anchor(desk.world, desk.record, question, desk.anchor).data
    with refused_with("enrolment.stranger"):
        read_anchor(desk.code, ask_anchor(VILLAGE, desk.code, b"\1" * 16), honest)
    for position in range(0, len(honest) * 8, 5):
        mutant = bytearray(honest)
        mutant[position // 8] ^= 1 << position % 8
        with pytest.raises(LiandongError):
            read_anchor(desk.code, question, bytes(mutant))


def test_ten_wrong_tries_make_the_code_void(desk: Registration) -> None:
    guessed = EnrolmentCode(desk.code.code_id, "0" * 19)
    record = desk.record
    for _ in range(10):
        answer = desk.answered(desk.application(guessed), record)
        assert answer.refused is not None
        assert answer.refused.code == "enrolment.wrong_code"
        assert answer.record is not None
        record = answer.record
    assert record.wrong_tries == 10
    right = desk.answered(desk.application(), record)
    with refused_with("enrolment.void_code"):
        desk.read(desk.application(), right.data)
    assert desk.admitted == 0


def test_each_reason_has_its_own_words(desk: Registration) -> None:
    question = ask_anchor(VILLAGE, desk.code, bytes(16))
    application = desk.application()
    used = desk.answered(application).record
    other = desk.application(node=OTHER_VILLAGE)
    heard = {}
    for name, answer in {
        "unknown_code": answer_application(desk.world, None, application, desk.registration, desk.admit),
        "used_code": desk.answered(desk.application(), used),
        "other_node": desk.answered(other),
    }.items():
        with refused_with(f"enrolment.{name}") as refused:
            desk.read(application, answer.data)
        heard[name] = refused.value.zh
    desk.world.pass_time(days=8)
    with refused_with("enrolment.expired_code") as refused:
        desk.read(application, desk.answered(application).data)
    heard["expired_code"] = refused.value.zh
    with refused_with("enrolment.expired_code"):
        read_anchor(desk.code, question, answer_anchor(desk.world, desk.record, question, desk.anchor).data)
    assert len(set(heard.values())) == 4


def test_an_admitted_node_hears_the_answer_again_after_the_code_expired(desk: Registration) -> None:
    application = desk.application()
    used = desk.answered(application).record
    desk.world.pass_time(days=30)
    assert desk.read(application, desk.answered(application, used).data)


def test_the_anchor_is_refused_to_another_node_and_after_use(desk: Registration) -> None:
    wrong = ask_anchor(OTHER_VILLAGE, desk.code, bytes(16))
    with refused_with("enrolment.other_node"):
        read_anchor(desk.code, wrong, answer_anchor(desk.world, desk.record, wrong, desk.anchor).data)
    used = desk.answered(desk.application()).record
    question = ask_anchor(VILLAGE, desk.code, bytes(16))
    with refused_with("enrolment.used_code"):
        read_anchor(desk.code, question, answer_anchor(desk.world, used, question, desk.anchor).data)
    with refused_with("enrolment.unknown_code"):
        read_anchor(desk.code, question, answer_anchor(desk.world, None, question, desk.anchor).data)


def test_a_relay_reads_and_changes_nothing(desk: Registration) -> None:
    application = desk.application()
    assert EPOCH.encode() not in application
    assert VILLAGE.encode() not in application
    answer = desk.answered(application)
    for position in range(0, len(application) * 8, 11):
        mutant = bytearray(application)
        mutant[position // 8] ^= 1 << position % 8
        try:
            changed = desk.answered(bytes(mutant))
        except PeerError:
            continue
        assert changed.refused is not None
    for position in range(0, len(answer.data) * 8, 37):
        mutant = bytearray(answer.data)
        mutant[position // 8] ^= 1 << position % 8
        with pytest.raises(LiandongError):
            desk.read(application, bytes(mutant))
    assert desk.admitted == 1


def test_an_answer_fits_one_application_one_key_and_one_node(desk: Registration) -> None:
    application = desk.application()
    answer = desk.answered(application).data
    other = SealingKey.generate(desk.world.random_bytes)
    with refused_with("sealing.not_openable"):
        desk.read(desk.application(), answer)
    with refused_with("sealing.not_openable"):
        desk.read(application, answer, sealing=other)
    with refused_with("enrolment.malformed"):
        desk.read(application, answer, node=OTHER_VILLAGE)
    with refused_with("enrolment.malformed"):
        desk.read(application, answer, signing=SigningKey.generate(desk.world.random_bytes))
    with refused_with("enrolment.stranger"):
        desk.read(application, answer, code=EnrolmentCode(desk.code.code_id, "0" * 19))


def test_a_directory_with_a_revoked_or_foreign_pair_is_not_taken(desk: Registration) -> None:
    application = desk.application()
    revoked = [Revocation(desk.township.signing.serial, TOWNSHIP, 1, "")]
    desk.revocations = sign_revocations(NOTHING_REVOKED.with_more(1, revoked), desk.founding.issuing_key)
    with refused_with("enrolment.malformed"):
        desk.read(application, desk.answered(application).data)
    desk.revocations = b""
    desk.township = Registration().pair(TOWNSHIP)
    desk.township = replace(desk.township, sealing=desk.city.sealing)
    with refused_with("enrolment.malformed"):
        desk.read(application, desk.answered(application).data)


def test_a_refusal_from_unknown_software_is_still_a_refusal(desk: Registration) -> None:
    for answer in (
        cose.encode([1, False, "enrolment.new_reason"]),
        cose.encode([1, False, "<b>call 110</b>"]),
    ):
        with refused_with("enrolment.bad_request"):
            desk.read(desk.application(), answer)
