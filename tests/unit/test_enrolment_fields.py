"""Who knows the code is still not taken at his word: every field of an enrolment is judged."""

from dataclasses import replace

import pytest

from core.errors import PeerError
from sync import cose
from sync.authority import Pair, found_city
from sync.enrolment import (
    DIRECTORY_MAX,
    SOFTWARE_CHARS_MAX,
    Admission,
    ask_anchor,
    read_anchor,
    read_anchor_question,
    write_admission,
    write_anchor,
)
from sync.enrolment_desk import admission
from sync.primitives import hmac_sha256, sha256
from sync.x509 import make_request
from tests.unit.enrolment_kit import Registration
from tests.unit.sealing_kit import CITY, EPOCH, OTHER_VILLAGE, VILLAGE


@pytest.fixture
def desk() -> Registration:
    return Registration()


def malformed(field: str) -> object:
    return pytest.raises(PeerError, match=rf"enrolment\.malformed: .*\({field}\)")


def signed(desk: Registration, purpose: str, fields: list[object]) -> bytes:
    """``fields`` with the proof that their author knows the code."""
    return cose.encode([*fields, hmac_sha256(desk.code.key(purpose), cose.encode(fields))])


def application(desk: Registration, **changes: object) -> bytes:
    """An application by the holder of the code, sealed as it should be, with fields that should not be."""
    fields = {
        "version": 1,
        "code_id": desk.code.code_id,
        "node": VILLAGE,
        "epoch": bytes.fromhex(EPOCH),
        "request": make_request(desk.signing, VILLAGE, EPOCH),
        "sealing": desk.sealing.public().to_bytes(),
        "software": "0.1.0",
        "at": 1444465800000,
        **changes,
    }
    info = b"liandong/1/enrolment/application\0" + desk.code.code_id.encode()
    sealed = desk.registration.public().seal(signed(desk, "application", [*fields.values()]), info)
    return cose.encode([1, desk.code.code_id, sealed])


def test_an_application_in_order_is_admitted(desk: Registration) -> None:
    assert desk.answered(application(desk)).admitted is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"code_id": "AAAAA"},
        {"node": "village"},
        {"epoch": EPOCH},
        {"epoch": bytes(15)},
        {"request": "text"},
        {"sealing": "text"},
        {"sealing": bytes(65)},
        {"software": 1},
        {"software": "x" * (SOFTWARE_CHARS_MAX + 1)},
        {"at": True},
        {"at": "now"},
        {"at": -1},
        {"at": 1 << 63},
        {"more": 0},
    ],
    ids=str,
)
def test_an_application_out_of_its_bounds_is_refused_and_costs_the_code_nothing(
    desk: Registration, changes: dict[str, object]
) -> None:
    answer = desk.answered(application(desk, **changes))
    assert answer.refused is not None
    assert answer.refused.code == "enrolment.bad_request"
    assert (answer.record, desk.admitted) == (desk.record, 0)


def test_a_request_for_another_epoch_or_node_than_the_application_names_is_refused(
    desk: Registration,
) -> None:
    for request in (
        make_request(desk.signing, VILLAGE, "1e" * 16),
        make_request(desk.signing, OTHER_VILLAGE, EPOCH),
    ):
        answer = desk.answered(application(desk, request=request))
        assert answer.refused is not None
        assert answer.refused.code == "enrolment.bad_request"
    assert desk.admitted == 0


def test_a_question_has_four_fields_and_a_nonce_of_sixteen_bytes(desk: Registration) -> None:
    with malformed("nonce"):
        read_anchor_question(ask_anchor(VILLAGE, desk.code, bytes(15)))
    with malformed("nonce"):
        read_anchor_question(cose.encode([1, VILLAGE, desk.code.code_id, "text"]))
    with malformed("length"):
        read_anchor_question(cose.encode([1, VILLAGE, desk.code.code_id]))
    for version in ([], [True], [2], {}):
        with malformed("version"):
            read_anchor_question(cose.encode(version))


def test_an_anchor_whose_root_did_not_found_its_authority_is_not_trusted(desk: Registration) -> None:
    other = found_city(desk.world, CITY)
    question = ask_anchor(VILLAGE, desk.code, bytes(16))
    for anchor in (
        replace(desk.anchor, root=other.root),
        replace(desk.anchor, root=desk.founding.issuing),
        replace(desk.anchor, issuing=desk.founding.root),
    ):
        with malformed("root"):
            read_anchor(desk.code, question, write_anchor(desk.code, question, anchor))


def test_a_short_answer_that_is_no_refusal_is_no_anchor_either(desk: Registration) -> None:
    question = ask_anchor(VILLAGE, desk.code, bytes(16))
    for answer in ([1, True, "enrolment.used_code"], [1, False, 7], [1, False], [1, False, "a", "b"]):
        with malformed("length"):
            read_anchor(desk.code, question, cose.encode(answer))


def test_a_proof_that_is_no_bytes_proves_nothing(desk: Registration) -> None:
    question = ask_anchor(VILLAGE, desk.code, bytes(16))
    with malformed("bytes"):
        read_anchor(desk.code, question, cose.encode([1, b"", b"", b"", b"", b"", "proof"]))


# The admission


def given(desk: Registration) -> Admission:
    admitted = desk.answered(application(desk)).admitted
    assert admitted is not None
    return desk.admit(admitted)


def swapped(pair: Pair) -> Pair:
    return Pair(pair.sealing, pair.signing)


@pytest.mark.parametrize("number", [True, "1", -1, 1 << 42])
@pytest.mark.parametrize("field", ["city_time", "lives"])
def test_an_admission_with_a_number_out_of_its_bounds_is_not_used(
    desk: Registration, field: str, number: object
) -> None:
    question = application(desk)
    told = replace(given(desk), **{field: number})
    with malformed(field):
        desk.read(question, write_admission(desk.code, question, desk.sealing.public(), told))


def test_an_admission_with_too_many_neighbours_or_keys_for_the_wrong_use_is_not_used(
    desk: Registration,
) -> None:
    question, told = application(desk), given(desk)
    for field, wrong in (
        ("directory", replace(told, directory=(desk.city,) * (DIRECTORY_MAX + 1))),
        ("pair", replace(told, pair=swapped(told.pair))),
        ("pair", replace(told, directory=(desk.city, swapped(desk.township)))),
    ):
        with malformed(field):
            desk.read(question, write_admission(desk.code, question, desk.sealing.public(), wrong))


@pytest.mark.parametrize(
    ("field", "directory"),
    [
        ("directory", b"none"),
        ("directory", {}),
        ("pair", [b"a pair"]),
        ("pair", [[b"one"]]),
        ("bytes", [["one", b"two"]]),
    ],
)
def test_a_directory_that_is_no_list_of_pairs_is_not_used(
    desk: Registration, field: str, directory: object
) -> None:
    question, told = application(desk), given(desk)
    pair = [told.pair.signing.der, told.pair.sealing.der]
    answer = signed(desk, "admission", [1, *pair, directory, told.revocations, told.city_time, 0])
    info = b"liandong/1/enrolment/admission\0" + sha256(question)
    with malformed(field):
        desk.read(question, cose.encode([1, desk.sealing.public().seal(answer, info)]))


def test_the_citys_time_and_the_nodes_earlier_lives_come_with_the_admission(desk: Registration) -> None:
    question, told = application(desk), given(desk)
    sent = admission(desk.world, told.pair, told.directory, told.revocations, 3)
    read = desk.read(question, write_admission(desk.code, question, desk.sealing.public(), sent))
    assert read == sent
    assert (read.city_time, read.lives) == (1444465800000, 3)
