"""The judge of the demo: level books pass, and every kind of difference is named with its case."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from core.identifiers import CaseId, NodeId, case_id, display_case_id
from deploy.demo.books import Book, Cabinet, Entry, FileFacts, Said, Signed
from deploy.demo.handovers import ACCEPTANCE, CUSTODY, way
from deploy.demo.judge import Verdict, judge

CITY, TOWNSHIP, VILLAGE = "430981000000", "430981102000", "430981102205"
OTHER = "430981102202"
DAY = date(2026, 11, 24)
OPEN, SECRET = (str(case_id(NodeId(VILLAGE), DAY, number)) for number in (1, 2))
FILE = FileFacts("1.jpg", 60_000, 2, 2, "ab" * 32)
STEPS = ("CaseSubmitted", "CaseForwarded", "CaseAccepted", "CaseDecided", "ResultDelivered")
GOOD_DIGEST = "cd" * 32


def entry(case: str, *, confidential: bool = False) -> Entry:
    return Entry(
        id=case,
        item="43098101510001",
        origin=VILLAGE,
        township=TOWNSHIP,
        state="DELIVERED",
        holder="",
        confidential=confidential,
        digest="11" * 32,
        version="22" * 16,
        steps=STEPS[:1] + STEPS[2:] if confidential else STEPS,
        bill_fen=1000,
        paid_fen=1000,
        is_withdrawal_asked=False,
        is_rated=True,
        notes=0,
        files=(FILE,),
    )


def level_books() -> dict[str, Book]:
    both = {OPEN: entry(OPEN), SECRET: entry(SECRET, confidential=True)}
    return {
        CITY: Book(CITY, dict(both)),
        TOWNSHIP: Book(TOWNSHIP, {OPEN: entry(OPEN)}),
        VILLAGE: Book(VILLAGE, dict(both)),
        OTHER: Book(OTHER, {}),
    }


def receipt(stream: str, signer: str, kind: str, upto: int = 3) -> Signed:
    return Signed(stream, signer, kind, upto, (), GOOD_DIGEST, GOOD_DIGEST, "2026-11-24T08:00:00.000Z", True)


def level_cabinets() -> dict[str, Cabinet]:
    """The village submitted, the city decided: one message each, with every receipt in its place."""
    up = Said("33" * 16, "CaseSubmitted", OPEN, "up", (CITY, TOWNSHIP), 1, GOOD_DIGEST)
    down = Said("44" * 16, "CaseDecided", OPEN, "down", (TOWNSHIP, VILLAGE), 2, GOOD_DIGEST)
    return {
        VILLAGE: Cabinet(
            VILLAGE,
            (up,),
            (
                receipt("up", TOWNSHIP, CUSTODY),
                receipt("up", TOWNSHIP, ACCEPTANCE),
                receipt("up", CITY, ACCEPTANCE),
            ),
        ),
        TOWNSHIP: Cabinet(TOWNSHIP, (), (receipt("up", CITY, CUSTODY), receipt("down", VILLAGE, CUSTODY))),
        CITY: Cabinet(
            CITY,
            (down,),
            (
                receipt("down", TOWNSHIP, CUSTODY),
                receipt("down", TOWNSHIP, ACCEPTANCE),
                receipt("down", VILLAGE, ACCEPTANCE),
            ),
        ),
        OTHER: Cabinet(OTHER, (), ()),
    }


GIVEN = {OPEN: (FILE.sha256,), SECRET: (FILE.sha256,)}


def judged(
    change_books: Callable[[dict[str, Book]], Any] = lambda books: None,
    change_cabinets: Callable[[dict[str, Cabinet]], Any] = lambda cabinets: None,
    given: dict[str, tuple[str, ...]] | None = None,
) -> Verdict:
    books, cabinets = level_books(), level_cabinets()
    change_books(books)
    change_cabinets(cabinets)
    return judge(books, cabinets, GIVEN if given is None else given)


def named(verdict: Verdict, code: str, case: str = OPEN) -> str:
    """The words of the difference of this kind about this case; fails if there is none."""
    found = [one for one in verdict.differences if one.code == code and one.case == case]
    assert found, [(one.code, one.en) for one in verdict.differences]
    assert not verdict.is_level
    assert not case or (
        display_case_id(CaseId(case)) in found[0].zh and display_case_id(CaseId(case)) in found[0].en
    )
    return found[0].zh


def change(node: str, case: str, **values: Any) -> Callable[[dict[str, Book]], None]:
    def apply(books: dict[str, Book]) -> None:
        entries = dict(books[node].entries)
        entries[case] = replace(entries[case], **values)
        books[node] = replace(books[node], entries=entries)

    return apply


def without(node: str, case: str) -> Callable[[dict[str, Book]], None]:
    def apply(books: dict[str, Book]) -> None:
        entries = {id_: one for id_, one in books[node].entries.items() if id_ != case}
        books[node] = replace(books[node], entries=entries)

    return apply


def test_books_that_agree_are_level_and_a_confidential_case_need_not_be_in_the_townships() -> None:
    verdict = judged()
    assert verdict.is_level, [one.en for one in verdict.differences]
    village = next(row for row in verdict.rows if row.place == VILLAGE)
    assert (village.village.taken_in, village.township.taken_in, village.city.taken_in) == (2, 1, 2)
    assert village.relayed == 1 and village.in_transit == 0 and village.is_level
    assert (verdict.billed_fen, verdict.paid_fen, verdict.files) == (2000, 2000, 2)


def test_a_case_removed_from_any_book_is_named_with_that_book() -> None:
    for node, name in ((CITY, "沅江市"), (TOWNSHIP, "四季红镇"), (VILLAGE, "先锋村")):
        assert name in named(judged(without(node, OPEN)), "case.missing")


def test_a_removed_case_makes_the_row_of_its_village_and_township_uneven() -> None:
    verdict = judged(without(CITY, OPEN))
    uneven = {row.place for row in verdict.rows if not row.is_level}
    assert uneven == {VILLAGE, TOWNSHIP}
    assert any(one.code == "count" and "收件" in one.zh for one in verdict.differences)
    assert any(one.code == "in_transit" for one in verdict.differences)


def test_a_case_that_vanished_from_every_book_is_still_missed() -> None:
    def nowhere(books: dict[str, Book]) -> None:
        for node in (CITY, TOWNSHIP, VILLAGE):
            without(node, OPEN)(books)

    named(judged(nowhere), "case.missing")


def test_a_case_that_nobody_handed_in_is_named() -> None:
    named(judged(given={SECRET: GIVEN[SECRET]}), "case.unknown")


def test_a_confidential_case_in_the_townships_book_is_named() -> None:
    def leak(books: dict[str, Book]) -> None:
        entries = {**books[TOWNSHIP].entries, SECRET: entry(SECRET, confidential=True)}
        books[TOWNSHIP] = Book(TOWNSHIP, entries)

    assert "四季红镇" in named(judged(leak), "case.seen", SECRET)


def test_a_changed_digest_is_named_with_both_digests() -> None:
    words = named(judged(change(TOWNSHIP, OPEN, digest="99" * 32)), "case.digest")
    assert "99999999" in words and "11111111" in words


def test_a_case_that_is_still_open_is_named_with_its_holder() -> None:
    words = named(judged(change(CITY, OPEN, state="DECISION", holder=CITY)), "case.open")
    assert "待决定" in words and "沅江市" in words


def test_a_fee_that_was_not_paid_is_named_with_both_sums() -> None:
    words = named(judged(change(CITY, OPEN, paid_fen=0)), "case.fee")
    assert "10.00" in words and "0.00" in words


def test_two_fee_errors_that_cancel_out_in_the_sum_are_both_named() -> None:
    def swap(books: dict[str, Book]) -> None:
        change(CITY, OPEN, paid_fen=900)(books)
        change(CITY, SECRET, paid_fen=1100)(books)

    verdict = judged(swap)
    assert verdict.billed_fen == verdict.paid_fen
    named(verdict, "case.fee", OPEN)
    named(verdict, "case.fee", SECRET)


def test_a_file_with_other_bytes_is_named() -> None:
    other = replace(FILE, sha256="ef" * 32)
    assert "沅江市" in named(judged(change(CITY, OPEN, files=(other,))), "file.differs")


def test_a_file_with_a_part_missing_is_named_with_what_is_there() -> None:
    partly = replace(FILE, sha256="", have=1)
    assert "1/2" in named(judged(change(CITY, OPEN, files=(partly,))), "file.incomplete")


def test_a_file_that_was_dropped_altogether_is_named() -> None:
    named(judged(change(CITY, OPEN, files=())), "file.differs")


def test_every_single_receipt_is_missed_and_named_with_giver_and_taker() -> None:
    cabinets = level_cabinets()
    needed = [(node, place) for node, one in cabinets.items() for place in range(len(one.signed))]
    assert len(needed) == len(judged().handovers) == 8
    for node, place in needed:
        lost = cabinets[node].signed[place]

        def lose(changed: dict[str, Cabinet], node: str = node, lost: Signed = lost) -> None:
            kept = tuple(one for one in changed[node].signed if one != lost)
            changed[node] = replace(changed[node], signed=kept)

        verdict = judged(change_cabinets=lose)
        words = named(verdict, "receipt")
        assert len(verdict.differences) == 1
        assert {CUSTODY: "保管", ACCEPTANCE: "入账"}[lost.kind] in words


def test_a_receipt_that_ends_before_the_message_proves_nothing() -> None:
    def shorten(cabinets: dict[str, Cabinet]) -> None:
        signed = tuple(replace(one, upto=1) if one.stream == "down" else one for one in cabinets[CITY].signed)
        cabinets[CITY] = replace(cabinets[CITY], signed=signed)

    assert "没有签收" in named(judged(change_cabinets=shorten), "receipt")


def test_a_receipt_for_what_came_out_of_order_counts_only_within_its_ranges() -> None:
    paper = replace(receipt("down", TOWNSHIP, CUSTODY, upto=1), ranges=((3, 4),))
    assert [seq for seq in range(6) if paper.covers(seq)] == [1, 3, 4]


def test_a_receipt_with_a_bad_signature_or_for_another_envelope_is_named() -> None:
    for spoilt in ({"is_good": False}, {"digest": "00" * 32}):

        def spoil(cabinets: dict[str, Cabinet], spoilt: dict[str, Any] = spoilt) -> None:
            signed = tuple(replace(one, **spoilt) for one in cabinets[VILLAGE].signed)
            cabinets[VILLAGE] = replace(cabinets[VILLAGE], signed=signed)

        assert "签名不符" in named(judged(change_cabinets=spoil), "receipt")


def test_a_message_that_was_never_sealed_has_no_receipt() -> None:
    def unseal(cabinets: dict[str, Cabinet]) -> None:
        said = tuple(replace(one, seq=0) for one in cabinets[VILLAGE].said)
        cabinets[VILLAGE] = replace(cabinets[VILLAGE], said=said)

    named(judged(change_cabinets=unseal), "receipt")


def test_what_arrived_and_is_not_in_effect_is_told() -> None:
    def wait(books: dict[str, Book]) -> None:
        books[CITY] = replace(books[CITY], waiting=("等待前一步到达",))

    verdict = judged(wait)
    assert any(one.code == "waiting" and "等待前一步到达" in one.zh for one in verdict.differences)


def test_the_way_from_the_city_to_a_village_leads_through_its_township() -> None:
    assert way(CITY, VILLAGE) == [(CITY, TOWNSHIP), (TOWNSHIP, VILLAGE)]
    assert way(VILLAGE, CITY) == [(VILLAGE, TOWNSHIP), (TOWNSHIP, CITY)]
    assert way(TOWNSHIP, VILLAGE) == [(TOWNSHIP, VILLAGE)]
