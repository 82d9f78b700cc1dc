"""What the labels promise: every word in both languages, and one Chinese word for one meaning."""

import json
import re
import string
from collections import Counter
from importlib import resources

import pytest

from core.bodies import Delivery
from core.codelists import NATIONAL, codes
from core.errors import InputError
from core.fees import PaymentState
from core.identifiers import Tier
from core.items import Chain, Need
from core.labels import family, label, labels
from core.messages import LANE_OF, MessageType, Role
from core.states import State
from core.supervision import Card

SAME_ON_PURPOSE = {
    # A step and the state it leads to, a slip and the state it reports: one thing seen from two sides.
    "不予受理": {"state.REFUSED", "message.CaseRefused"},
    "已受理": {"state.ACCEPTED", "slip.accepted", "outbox.accepted"},
    "申请人": {"role.applicant", "heading.applicant"},
}
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def placeholders(words: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(words) if name is not None}


def test_every_label_has_words_in_both_languages_with_the_same_placeholders():
    for key, (zh, en) in labels().items():
        assert _CHINESE.search(zh), key
        assert en and not _CHINESE.search(en) and en.isprintable(), key
        assert zh == zh.strip() and en == en.strip(), key
        assert placeholders(zh) == placeholders(en), key


def test_no_chinese_word_has_two_meanings():
    keys_of: dict[str, set[str]] = {}
    for key, (zh, _) in labels().items():
        keys_of.setdefault(zh, set()).add(key)
    assert {zh: keys for zh, keys in keys_of.items() if len(keys) > 1} == SAME_ON_PURPOSE


def test_no_family_uses_one_english_word_twice():
    counts = Counter((key.partition(".")[0], en) for key, (_, en) in labels().items())
    assert [entry for entry, times in counts.items() if times > 1] == []


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("state", State),
        ("message", MessageType),
        ("tier", Tier),
        ("card", Card),
        ("chain", Chain),
        ("payment", PaymentState),
        ("rating", codes(NATIONAL, "satisfaction(A.8)")),
    ],
)
def test_a_closed_set_has_a_word_for_each_value_and_no_other(name: str, values: list[str]):
    assert list(family(name)) == [str(value) for value in values]


def test_every_role_and_lane_has_a_word():
    assert set(Role) <= set(family("role"))
    assert {"agent", "window", "handler", "reviewer", "decider", "window_head", "supervisor"} <= set(
        family("role")
    )
    assert {"catalogue_editor", "auditor", "administrator"} <= set(family("role"))
    assert set(LANE_OF.values()) | {"control", "catalogue", "attachment"} == set(family("lane"))


def test_words_that_travel_are_the_words_people_read():
    assert list(family("delivery").values()) == list(Delivery)
    assert list(family("need").values()) == list(Need)
    assert list(family("rating").values()) == list(codes(NATIONAL, "satisfaction(A.8)").values())


def test_a_slip_never_claims_more_than_the_copies_that_exist():
    assert [label(f"slip.{copies}") for copies in ("local_only", "handed_over", "accepted")] == [
        "已登记·仅本机",
        "已转交",
        "已受理",
    ]


def test_a_label_is_chinese_unless_english_is_asked_for():
    assert label("card.red") == "红牌" and label("card.red", "en") == "red card"
    assert label("outbox.sending", percent=42) == "上传中 42%"
    assert label("line.last_contact", "en", time="09:12") == "last contact 09:12"


@pytest.mark.parametrize(
    ("key", "lang", "code"),
    [
        ("card.pink", "zh", "label.unknown"),
        ("card.red", "fr", "label.lang"),
        ("outbox.sending", "zh", "label.value"),
    ],
)
def test_an_unknown_label_language_or_missing_value_is_refused(key: str, lang: str, code: str):
    with pytest.raises(InputError, match=code):
        label(key, lang)


def test_an_unknown_family_is_refused():
    with pytest.raises(InputError, match=r"label.unknown"):
        family("colour")
    assert family("card", "en")["yellow"] == "yellow card"


def test_no_key_stands_twice_in_the_file_or_hides_a_word_of_the_workflow():
    text = resources.files("core").joinpath("data", "labels.json").read_text(encoding="utf-8")
    pairs = json.loads(text, object_pairs_hook=list)
    keys = [key for key, _ in pairs]
    assert len(set(keys)) == len(keys)
    own = {f"role.{role}" for role in Role} | {f"state.{state}" for state in State}
    assert not own & set(keys)
