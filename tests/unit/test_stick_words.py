"""What people read of a stick: what is on it, what became of it, and whether it may be pulled out."""

import re
from dataclasses import replace

import pytest

from core.errors import LiandongError
from core.identifiers import NodeId
from sync import stick_words
from sync.stick import Export, Progress, Waiting
from sync.stick_import import Fate, Found, Import
from sync.transport.usb import StickError

CITY, TOWN, VILLAGE = NodeId("430981000000"), NodeId("430981102000"), NodeId("430981102201")
FULL = StickError("stick.full", zh="U盘已满。", en="The stick is full.")
BAD = LiandongError("bundle.bad", zh="这一处已损坏。", en="This part is damaged.")
PULL_OUT = {"zh": "现在可以拔出U盘“金士顿”。", "en": "The stick 金士顿 may now be removed safely."}
WRITTEN = Export(TOWN, bundles=2, envelopes=3, chunks=4, bytes=1_500_000)
AT_MS = 1_772_413_920_000
"""2026-03-02 09:12 in China."""
LANGS = pytest.mark.parametrize("lang", ["zh", "en"])
HAN = re.compile(r"[\u4e00-\u9fff]")


def whole(lines: list[str], lang: str) -> str:
    """The sentences together, once it is sure that they are in the language that was asked for."""
    text = "\n".join(lines)
    assert bool(HAN.search(text.replace("金士顿", ""))) is (lang == "zh"), text
    return text


def exported(*exports: Export, lang: str = "zh") -> str:
    return whole(stick_words.export_words(exports, "金士顿", lang), lang)


def imported(report: Import, lang: str = "zh", *, dry_run: bool = False) -> str:
    return whole(stick_words.import_words(report, "金士顿", lang, dry_run=dry_run), lang)


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KB"), ((1 << 20) - 1, "1024.0 KB"), (1_500_000, "1.4 MB")],
)
def test_a_size_is_said_in_the_unit_that_fits_it(count: int, words: str) -> None:
    assert stick_words.size_words(count) == words


def test_progress_names_the_whole_only_once_it_is_known() -> None:
    begun = Progress(bytes=512, envelopes=1, chunks=2)
    assert stick_words.progress_words(begun, "zh") == "512 B，1 封，附件 2 块"
    known = replace(begun, bytes_total=2048)
    assert stick_words.progress_words(known, "en") == "512 B / 2.0 KB, 1 envelopes, 2 file parts"


# Export


@LANGS
def test_an_export_says_what_is_on_the_stick_and_that_it_may_be_pulled_out(lang: str) -> None:
    text = exported(replace(WRITTEN, removed=5), lang=lang)
    for part in (TOWN, "3", "4", "1.4 MB", "5"):
        assert part in text
    assert text.endswith(PULL_OUT[lang])
    assert stick_words.is_safe([WRITTEN])


@LANGS
def test_an_export_of_nothing_says_that_everything_is_signed_for(lang: str) -> None:
    text = exported(Export(TOWN), lang=lang)
    assert ("都已签收" if lang == "zh" else "everything is signed for") in text
    assert TOWN not in text
    assert text.endswith(PULL_OUT[lang])


@LANGS
@pytest.mark.parametrize("bundles", [0, 2])
def test_an_export_that_failed_never_says_that_the_stick_may_be_pulled_out(lang: str, bundles: int) -> None:
    cut = Export(TOWN, bundles=bundles, envelopes=bundles, error=FULL)
    text = exported(cut, Export(CITY), lang=lang)
    assert f"! {FULL.text(lang)}" in text
    assert PULL_OUT[lang] not in text
    assert (("其余没有写下" if lang == "zh" else "the rest was not written") in text) is bool(bundles)
    assert ("都已签收" if lang == "zh" else "signed for") not in text
    facts = stick_words.export_facts([cut], "金士顿")
    assert facts["safe_to_remove"] is False
    assert facts["exports"][0]["error"] == {"code": "stick.full", "zh": FULL.zh, "en": FULL.en}


@LANGS
def test_a_dry_run_tells_what_would_be_written_for_whom(lang: str) -> None:
    waiting = Waiting(TOWN, messages=7, envelopes=3, chunks=0, bytes=2048, receipts=False, unmet=False)
    idle = Waiting(VILLAGE, messages=0, envelopes=0, chunks=0, bytes=0, receipts=False, unmet=False)
    text = whole(stick_words.waiting_words([waiting, idle], lang), lang)
    assert TOWN in text and "7" in text and "2.0 KB" in text
    assert VILLAGE not in text
    nothing = whole(stick_words.waiting_words([idle], lang), lang)
    assert ("没有要带的" if lang == "zh" else "Nothing to carry") in nothing
    told = stick_words.waiting_facts([waiting, idle])
    assert told["dry_run"] is True
    assert [one["for"] for one in told["exports"]] == [TOWN, VILLAGE]


# Import


FATES = {
    Fate.TAKEN: ("已接收 430981102201 的数据包：2 封", "Taken from 430981102201: 2 envelopes"),
    Fate.NOTHING_NEW: ("写于 2026-03-02 09:12", "wrote at 2026-03-02 09:12"),
    Fate.CUT: ("! 430981102201 的数据包没有复制完", "! The bundle of 430981102201 was cut"),
    Fate.FOR_US: ("尚未接收", "not taken yet"),
    Fate.OWN: ("请带到 430981102000 导入", "please carry it to 430981102000"),
    Fate.FOR_ANOTHER: ("不是给本机的，未动", "it was left alone"),
    Fate.FOREIGN: ("“x.ldb”：这一处已损坏。", "x.ldb: This part is damaged."),
    Fate.REFUSED: ("! “x.ldb”：这一处已损坏。", "! x.ldb: This part is damaged."),
}


def found(fate: Fate, **more: object) -> Found:
    refused = (BAD,) if fate in (Fate.FOREIGN, Fate.REFUSED) else ()
    known = {"size": 2048, "sender": VILLAGE, "receiver": TOWN, "at": AT_MS, "refused": refused}
    return Found("x.ldb", fate, **(known | {"envelopes": 2, "chunks": 1, "receipts": 1} | more))


@LANGS
@pytest.mark.parametrize("fate", Fate)
def test_every_file_is_told_with_its_fate(fate: Fate, lang: str) -> None:
    text = imported(Import((found(fate),)), lang)
    assert FATES[fate][lang == "en"] in text.splitlines()[0]
    assert text.startswith("! ") is (fate in (Fate.CUT, Fate.REFUSED))
    nothing_here = ("没有给本机的数据包" if lang == "zh" else "no bundle for this node") in text
    assert nothing_here is (fate in (Fate.OWN, Fate.FOR_ANOTHER, Fate.FOREIGN))
    assert text.endswith(PULL_OUT[lang])


@LANGS
def test_a_cut_file_without_a_sender_goes_by_its_name_and_its_reason(lang: str) -> None:
    text = imported(Import((found(Fate.CUT, sender=None, refused=(BAD,)),)), lang)
    assert text.startswith("! “x.ldb”：这一处已损坏。" if lang == "zh" else "! x.ldb: This part is damaged.")
    assert "None" not in text


@LANGS
def test_of_many_refused_parts_the_first_are_told_and_the_rest_are_counted(lang: str) -> None:
    text = imported(Import((found(Fate.TAKEN, refused=(BAD,) * 8),)), lang)
    assert text.count(BAD.text(lang)) == stick_words.REFUSALS_SHOWN_MAX == 5
    assert ("另有 3 处" if lang == "zh" else "3 more parts") in text
    few = imported(Import((found(Fate.TAKEN, refused=(BAD,) * 5),)), lang)
    assert ("另有" if lang == "zh" else "more parts") not in few


@LANGS
def test_what_was_not_opened_and_what_was_not_looked_at_is_told(lang: str) -> None:
    text = imported(Import((found(Fate.TAKEN),), skipped=("link",), more=True), lang)
    assert "link" in text
    assert ("未打开" if lang == "zh" else "not opened") in text
    assert ("文件太多" if lang == "zh" else "too many files") in text


@LANGS
def test_an_import_that_this_machine_broke_off_does_not_let_the_stick_go(lang: str) -> None:
    report = Import((found(Fate.TAKEN),), answers=(WRITTEN,), error=FULL)
    text = imported(report, lang)
    assert f"! {FULL.text(lang)}" in text
    assert ("已接收的不会丢" if lang == "zh" else "What was taken stays") in text
    assert PULL_OUT[lang] not in text
    assert stick_words.import_facts(report, "金士顿")["safe_to_remove"] is False


@LANGS
def test_answers_on_the_stick_are_to_be_carried_back_and_a_dry_run_promises_none(lang: str) -> None:
    report = Import(
        (found(Fate.TAKEN),), answers=(replace(WRITTEN, peer=VILLAGE, removed=6), Export(CITY, removed=2))
    )
    text = imported(report, lang)
    assert (f"请把U盘带回 {VILLAGE}" if lang == "zh" else f"please carry it to {VILLAGE}") in text
    for count, peer in (("6", VILLAGE), ("2", CITY)):
        removed = (
            f"清理了 {count} 个本机以前写给 {peer}"
            if lang == "zh"
            else f"Removed {count} older bundles of ours for {peer}"
        )
        assert removed in text
    assert text.endswith(PULL_OUT[lang])
    dry = imported(Import((found(Fate.FOR_US),)), lang, dry_run=True)
    assert PULL_OUT[lang] not in dry


@LANGS
def test_answers_that_could_not_be_written_lose_nothing_and_say_so(lang: str) -> None:
    report = Import((found(Fate.TAKEN),), answer_error=FULL)
    text = imported(report, lang)
    assert f"! {FULL.text(lang)}" in text
    assert ("只是回执没有写到U盘上" if lang == "zh" else "only the receipts are not on the stick") in text
    assert PULL_OUT[lang] not in text
    facts = stick_words.import_facts(report, "金士顿")
    assert facts["safe_to_remove"] is False
    assert facts["answer_error"]["code"] == "stick.full"
    assert facts["files"][0]["fate"] == "taken"


@LANGS
def test_what_is_on_a_stick_is_said_with_its_name_and_since_when(lang: str) -> None:
    written = {"at": "2026-03-02T01:12:00.000Z", "envelopes": 3, "label": "金士顿"}
    text = whole([stick_words.on_stick_words(written, TOWN, lang)], lang)
    for part in (TOWN, "3", "金士顿", "2026-03-02 09:12"):
        assert part in text


@LANGS
def test_a_folder_on_the_machines_own_disk_is_warned_of(lang: str) -> None:
    text = whole([stick_words.same_disk_words(lang)], lang)
    assert text.startswith("! ")
    assert "LIANDONG" in text
