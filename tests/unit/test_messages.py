"""A message is one byte string, bounded alike when it is written and when it is read."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import bodies as b
from core import messages as m
from core.canonical import canonical_json
from core.errors import InputError
from core.identifiers import NodeId, case_id

VILLAGE = NodeId("430981102201")
CASE = case_id(VILLAGE, date(2015, 10, 10), 14)
AT = datetime(2015, 10, 10, 8, 30, tzinfo=UTC)
AGENT = m.Actor("a1", "刘代办", m.Role.AGENT)

APPLICANT = b.Applicant(
    name="王小明",
    id_type=b.IdType.ID_CARD,
    id_no="430981199001011234",
    mobile="13800000000",
    village_code=b.DivisionCode("430981102201"),
    address="三组",
    delivery=b.Delivery.VILLAGE,
)
MANIFEST = b.AttachmentManifest(
    id="a" * 32,
    name="身份证.jpg",
    media_type="image/jpeg",
    size=70_000,
    key="b" * 64,
    chunk_size=65_536,
    chunks=("c" * 64, "d" * 64),
)
MATERIAL = b.Material("居民身份证", 1, 1, "", ("a" * 32,))
SUBMITTED = b.CaseSubmitted(
    item="43098101205001",
    catalogue_version=1,
    applicant=APPLICANT,
    form={"household_size": 3, "reason": "家庭困难\n请批准", "urgent": False, "members": [{"name": "张三"}]},
    materials=(MATERIAL,),
    attachments=(MANIFEST,),
    confidential=False,
)
BODIES: list[Any] = [
    SUBMITTED,
    b.CaseForwarded("材料齐全"),
    b.SupplementRequested(("户口簿",), ("reason",), "请补"),
    b.CaseResubmitted(form={"reason": "补充"}, materials=None, attachments=(MANIFEST,)),
    b.CaseReturned("不属于本镇"),
    b.CaseRefused("行政许可法第三十二条", "不需要取得许可"),
    b.CaseAccepted("", 0, b.LimitMode.EXACT, 5, 20),
    b.CaseAssigned("h1", "民政局"),
    b.CaseHandled("属实", b.Advice.GRANT),
    b.CaseReviewed("同意", b.Advice.DENY),
    b.CaseSentBack("缺调查笔录"),
    b.CaseDecided(True, "低保证", "", "沅民〔2015〕1号"),
    b.CaseSuspended("公示", b.ProcedureKind.OTHER, 7, b.DayUnit.CALENDAR),
    b.CaseResumed(""),
    b.CaseWithdrawn("申请人撤回"),
    b.CaseVoided("重复登记"),
    b.ResultDelivered(b.Delivery.VILLAGE, "王小明", ""),
    b.NoteAdded("已电话告知"),
    b.WithdrawalRequested(""),
    b.CaseRated(1, "很好"),
    b.FeePaid(900, "NO.1"),
    b.MaterialAdded(MATERIAL, (MANIFEST,)),
    b.ForkSettled("e" * 32, "以先到的为准"),
]


def message_of(body: Any, message_id: str = "1" * 32, base: str | None = "0" * 32) -> m.CaseMessage:
    kind = m.message_type_of(body)
    follows = kind in m.CHAIN_TYPES and kind is not m.MessageType.CASE_SUBMITTED
    return m.CaseMessage(message_id, kind, CASE, base if follows else None, VILLAGE, AGENT, AT, body)


def test_every_type_has_a_body_a_lane_and_a_place_in_or_beside_the_chain() -> None:
    assert {m.message_type_of(body) for body in BODIES} == set(m.MessageType)
    assert set(m.BODY_OF) == set(m.LANE_OF) == m.CHAIN_TYPES | m.SIDE_TYPES == set(m.MessageType)
    assert m.LANE_OF[m.MessageType.CASE_SUBMITTED] == "intake"
    assert m.LANE_OF[m.MessageType.CASE_DECIDED] == "decision"
    assert SUBMITTED.deliver is b.Delivery.VILLAGE


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_what_is_written_is_read_back_and_is_one_byte_string(body: Any) -> None:
    message = message_of(body)
    data = m.encode(message)
    assert m.decode(data) == message
    assert m.encode(m.decode(data)) == data
    assert json.loads(data)["schema"] == m.SCHEMA
    assert message.is_chain == (message.type in m.CHAIN_TYPES)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_a_missing_or_an_unknown_key_is_refused_wherever_it_stands(body: Any) -> None:
    plain = json.loads(m.encode(message_of(body)))
    for path in _objects(plain):
        if path[-1:] == ("form",) or "members" in path:
            continue
        extra = json.loads(json.dumps(plain))
        _at(extra, path)["unknown_key"] = 1
        with pytest.raises(InputError):
            m.decode(canonical_json(extra))
    for key in plain:
        with pytest.raises(InputError):
            m.decode(canonical_json({name: value for name, value in plain.items() if name != key}))


def _objects(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [path] + [found for key, entry in value.items() for found in _objects(entry, (*path, key))]
    if isinstance(value, list):
        return [found for number, entry in enumerate(value) for found in _objects(entry, (*path, number))]
    return []


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


WRONG: list[tuple[tuple[Any, ...], Any]] = [
    (("id",), "xyz"),
    (("id",), "A" * 32),
    (("id",), None),
    (("type",), "CaseEaten"),
    (("type",), 7),
    (("type",), ["CaseSubmitted"]),
    (("case_id",), "43098110220120151010000140"[::-1]),
    (("case_id",), CASE[:12] + "-" + CASE[12:]),
    (("case_id",), 12),
    (("node",), "4309811"),
    (("node",), "4309811022０1"),
    (("base",), "1" * 32),
    (("actor",), "刘代办"),
    (("actor", "officer"), ""),
    (("actor", "officer"), "x" * 33),
    (("actor", "role"), "king"),
    (("actor", "name"), "刘\x1b[2J"),
    (("at",), "2015-10-10T08:30:00Z"),
    (("at",), "2015-10-10T08:30:00.123456Z"),
    (("at",), "2015-10-10T08:30:00.00000Z"),
    (("at",), "2015-10-10T8:30:00.0000Z"),
    (("at",), 5),
    (("schema",), 0),
    (("schema",), 2),
    (("schema",), "1"),
    (("schema",), True),
    (("body",), None),
    (("body",), []),
    (("body", "confidential"), 1),
    (("body", "catalogue_version"), True),
    (("body", "catalogue_version"), -1),
    (("body", "catalogue_version"), 1.0),
    (("body", "materials"), {}),
    (("body", "materials"), [0]),
    (("body", "materials", 0, "originals"), 100),
    (("body", "materials", 0, "attachments"), ["a"]),
    (("body", "attachments", 0, "chunks"), ["c" * 64]),
    (("body", "attachments", 0, "chunks"), ["c" * 64] * 4097),
    (("body", "attachments", 0, "size"), 0),
    (("body", "attachments", 0, "name"), "../\x00"),
    (("body", "attachments", 0, "media_type"), "image"),
    (("body", "applicant", "name"), "名" * 101),
    (("body", "applicant", "name"), "\ud800"),
    (("body", "applicant", "name"), "\u202e王"),
    (("body", "applicant", "village_code"), "430981000201"),
    (("body", "applicant", "village_code"), "9" * 100),
    (("body", "form"), []),
    (("body", "form"), {f"k{n}": 1 for n in range(201)}),
    (("body", "form", "Bad Key"), 1),
    (("body", "form", "reason"), 1.5),
    (("body", "form", "reason"), None),
    (("body", "form", "reason"), {"a": "b"}),
    (("body", "form", "reason"), "x" * 4001),
    (("body", "form", "reason"), 2**53 + 1),
    (("body", "form", "members"), [{}] * 201),
    (("body", "form", "members"), [["张三"]]),
    (("body", "form", "members"), [{"name": ["张三"]}]),
]


@pytest.mark.parametrize(("path", "value"), WRONG, ids=lambda part: repr(part)[:40])
def test_what_does_not_belong_is_refused_in_words(path: tuple[Any, ...], value: Any) -> None:
    plain = json.loads(m.encode(message_of(SUBMITTED)))
    _at(plain, path[:-1])[path[-1]] = value
    with pytest.raises(InputError) as caught:
        m.decode(json.dumps(plain).encode())
    assert caught.value.zh
    assert caught.value.en


def test_a_step_must_name_what_it_follows_and_a_side_message_follows_nothing() -> None:
    forwarded = json.loads(m.encode(message_of(b.CaseForwarded(""))))
    note = json.loads(m.encode(message_of(b.NoteAdded("好"))))
    for plain in (forwarded | {"base": None}, note | {"base": "1" * 32}):
        with pytest.raises(InputError, match=r"message\.base"):
            m.decode(canonical_json(plain))


@pytest.mark.parametrize(
    "data", [b"[]", b"1", b"{", b"\xff", b"[" * 60 + b"]" * 60, b" " * (m.MESSAGE_BYTES_MAX + 1)]
)
def test_bytes_that_are_no_message_are_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        m.decode(data)


def test_nothing_can_be_authored_that_another_node_would_refuse() -> None:
    for body in (b.NoteAdded("x" * 2001), b.NoteAdded("\ud800"), b.FeePaid(0, "1"), b.CaseRated(6)):
        with pytest.raises(InputError):
            m.encode(message_of(body))
    with pytest.raises(InputError, match="not_json"):
        m.encode(message_of(b.CaseResubmitted(form={"a": object()})))
    with pytest.raises(InputError, match="not_itself"):
        m.encode(message_of(b.CaseResubmitted(form={"a": ({"b": "c"},)})))
    with pytest.raises(InputError):
        m.compose("nonsense", CASE, None, VILLAGE, AGENT, AT, b.NoteAdded("好"))
    composed = m.compose("1" * 32, CASE, None, VILLAGE, AGENT, AT, b.NoteAdded("好"))
    assert composed == message_of(b.NoteAdded("好"))


def test_a_denial_without_a_reason_cannot_be_written() -> None:
    with pytest.raises(InputError, match="reason"):
        b.CaseDecided(False, "", " ", "")
    assert not b.CaseDecided(False, "", "不符合条件", "").granted


def test_an_instant_is_kept_to_the_millisecond_in_utc() -> None:
    message = m.CaseMessage(
        "1" * 32,
        m.MessageType.NOTE_ADDED,
        CASE,
        None,
        VILLAGE,
        AGENT,
        AT.replace(microsecond=1999),
        b.NoteAdded("好"),
    )
    assert message.at == AT.replace(microsecond=1000)
    assert m.decode(m.encode(message)) == message


def test_messages_of_the_two_schemas_before_this_one_are_upgraded_step_by_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = json.loads(m.encode(message_of(b.NoteAdded("好"))))
    old = plain | {"schema": 1}
    old["body"] = {"words": "好"}

    def to_two(message: dict[str, Any]) -> dict[str, Any]:
        return message | {"body": {"wording": message["body"]["words"]}}

    def to_three(message: dict[str, Any]) -> dict[str, Any]:
        return message | {"body": {"text": message["body"]["wording"]}}

    monkeypatch.setattr(m, "SCHEMA", 3)
    monkeypatch.setattr(m, "UPGRADES", {1: to_two, 2: to_three})
    assert m.decode(canonical_json(old)).body == b.NoteAdded("好")
    monkeypatch.setattr(m, "SCHEMA", 4)
    with pytest.raises(InputError, match="schema"):
        m.decode(canonical_json(old))


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=3))
def test_a_damaged_message_is_refused_or_still_a_whole_message(place: int, damage: bytes) -> None:
    data = m.encode(message_of(SUBMITTED))
    place %= len(data)
    damaged = data[:place] + damage + data[place + len(damage) :]
    try:
        message = m.decode(damaged)
    except InputError:
        return
    assert m.decode(m.encode(message)) == message
