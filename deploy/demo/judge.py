"""The reconciliation: each node's own book against the others', every difference in words. Pure rules."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from core.identifiers import CaseId, NodeId, Tier, display_case_id, division_of, tier_of, township_of
from core.messages import MessageType as M
from core.regions import load_yuanjiang
from core.states import CLOSED, State
from core.workflow_names import state_name
from deploy.demo.books import Book, Cabinet, Entry
from deploy.demo.handovers import HandOver, hand_overs


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that does not agree. ``case`` is empty where it is about more than one."""

    code: str
    case: str
    zh: str
    en: str

    def text(self, lang: str = "zh") -> str:
        return self.en if lang == "en" else self.zh


@dataclass(frozen=True, slots=True)
class Count:
    """The cases of one place as one book has them, by what has happened to them."""

    taken_in: int = 0
    forwarded: int = 0
    accepted: int = 0
    returned: int = 0
    refused: int = 0
    ended: int = 0
    """Withdrawn or voided."""
    decided: int = 0
    delivered: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One village or township: counts from the village's, the township's and the city's book.

    ``in_transit``: cases of which the next tier does not have the latest yet.
    """

    place: str
    village: Count
    township: Count
    city: Count
    relayed: int
    """Confidential cases, which pass the township sealed and are not in its book."""
    in_transit: int
    is_level: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    rows: tuple[Row, ...]
    billed_fen: int
    paid_fen: int
    files: int
    files_bytes: int
    handovers: tuple[HandOver, ...]
    differences: tuple[Difference, ...]

    @property
    def is_level(self) -> bool:
        return not self.differences


def judge(
    books: Mapping[str, Book], cabinets: Mapping[str, Cabinet], given: Mapping[str, tuple[str, ...]]
) -> Verdict:
    """Compare the books of a city, its townships and their villages.

    ``given`` holds, for every case that was handed in, the SHA-256 of the files handed in with it.
    """
    city = next(node for node in books if _tier(node) is Tier.CITY)
    villages = sorted(node for node in books if _tier(node) is Tier.VILLAGE)
    found: list[Difference] = []
    for case in sorted(given):
        found += _case_differences(books, case, given[case])
    for node, book in books.items():
        found += [_stranger(node, case) for case in sorted(set(book.entries) - set(given))]
        found += [
            Difference("waiting", "", f"{place(node)}：{words}", f"{place(node, 'en')}: {words}")
            for words in book.waiting
        ]
    handovers = tuple(hand_overs(cabinets))
    found += [_unsigned(one) for one in handovers if not one.is_good]
    rows = [_row(books, village, city) for village in villages]
    for row in rows:
        found += _count_differences(row)
    level = tuple(_marked(row, found) for row in rows)
    entries = books[city].entries.values()
    files = [file for entry in entries for file in entry.files]
    return Verdict(
        level + tuple(_township_rows(level)),
        sum(entry.bill_fen for entry in entries),
        sum(entry.paid_fen for entry in entries),
        len(files),
        sum(file.size for file in files),
        handovers,
        tuple(found),
    )


def place(node: str, lang: str = "zh") -> str:
    """A node by its name, a village with its township."""
    divisions = load_yuanjiang()
    return divisions.full_name(node) if node in divisions else node


def readers_of(case: str, confidential: bool) -> tuple[str, ...]:
    """The nodes whose books have the case: its village, its township unless it is confidential, the city."""
    village = case[:12]
    township = () if confidential else (village[:9] + "000",)
    return (village, *township, village[:6] + "000000")


def _case_differences(books: Mapping[str, Book], case: str, given: tuple[str, ...]) -> Iterator[Difference]:
    known = {node: book.entries[case] for node, book in books.items() if case in book.entries}
    confidential = any(entry.confidential for entry in known.values())
    readers = readers_of(case, confidential)
    number = display_case_id(CaseId(case))
    for node in readers:
        if node not in known:
            yield Difference(
                "case.missing",
                case,
                f"{place(node)}的账上没有办件 {number}。",
                f"Case {number} is not in the book of {place(node, 'en')}.",
            )
    for node in set(known) - set(readers):
        yield Difference(
            "case.seen",
            case,
            f"办件 {number} 不该在{place(node)}的账上（保密件，或不是本辖区的）。",
            f"Case {number} should not be in the book of {place(node, 'en')} (confidential, or not its own).",
        )
    yield from _digest_differences(number, case, known)
    for node, entry in known.items():
        yield from _fee_differences(number, node, entry)
        yield from _file_differences(number, node, entry, given)
    ends = {node: entry for node, entry in known.items() if entry.state not in CLOSED}
    for node, entry in ends.items():
        holder = place(entry.holder) if entry.holder else "无人"
        yield Difference(
            "case.open",
            case,
            f"办件 {number} 尚未办结：{place(node)}账上为“{state_name(State(entry.state))}”，在{holder}手里。",
            f"Case {number} is not closed: {state_name(State(entry.state), 'en')} in the book of {place(node, 'en')}, "
            f"at the desk of {place(entry.holder, 'en') if entry.holder else 'nobody'}.",
        )


def _digest_differences(number: str, case: str, known: Mapping[str, Entry]) -> Iterator[Difference]:
    if len({entry.digest for entry in known.values()}) > 1:
        said = [
            f"{place(node)} {entry.digest[:8]}（{state_name(State(entry.state))}）"
            for node, entry in known.items()
        ]
        told = [
            f"{place(node)} {entry.digest[:8]} ({state_name(State(entry.state), 'en')})"
            for node, entry in known.items()
        ]
        yield Difference(
            "case.digest",
            case,
            f"办件 {number} 各级账上内容不一致（摘要）：{'，'.join(said)}。",
            f"Case {number} differs between the books (digest): {', '.join(told)}.",
        )


def _fee_differences(number: str, node: str, entry: Entry) -> Iterator[Difference]:
    if entry.bill_fen != entry.paid_fen:
        bill, paid = f"{entry.bill_fen / 100:.2f}", f"{entry.paid_fen / 100:.2f}"
        yield Difference(
            "case.fee",
            entry.id,
            f"办件 {number} 在{place(node)}账上应收 {bill} 元，实收 {paid} 元。",
            f"Case {number}: {bill} yuan billed and {paid} paid in the book of {place(node, 'en')}.",
        )


def _file_differences(number: str, node: str, entry: Entry, given: tuple[str, ...]) -> Iterator[Difference]:
    for file in entry.files:
        if not file.sha256:
            yield Difference(
                "file.incomplete",
                entry.id,
                f"办件 {number} 的附件“{file.name}”在{place(node)}只到了 {file.have}/{file.count} 块。",
                f"File {file.name} of case {number} has {file.have} of {file.count} parts at {place(node, 'en')}.",
            )
    whole = sorted(file.sha256 for file in entry.files if file.sha256)
    is_complete = all(file.sha256 for file in entry.files)
    if (is_complete and whole != sorted(given)) or len(entry.files) != len(given):
        yield Difference(
            "file.differs",
            entry.id,
            f"办件 {number} 在{place(node)}打开的附件与村里交来的 {len(given)} 个文件不符。",
            f"The files of case {number} as opened at {place(node, 'en')} are not the {len(given)} that were handed in.",
        )


def _row(books: Mapping[str, Book], village: str, city: str) -> Row:
    township = township_of(division_of(NodeId(village)))
    own, above, top = (
        {case: entry for case, entry in books[node].entries.items() if entry.origin == village}
        for node in (village, township, city)
    )
    in_transit = 0
    for case, entry in own.items():
        ends = [top] if entry.confidential else [above, top]
        in_transit += any(case not in book or book[case].version != entry.version for book in ends)
    relayed = sum(1 for entry in top.values() if entry.confidential)
    return Row(
        village, _count(own.values()), _count(above.values()), _count(top.values()), relayed, in_transit, True
    )


def _count(entries: Iterable[Entry]) -> Count:
    entries = list(entries)

    def having(*kinds: M) -> int:
        return sum(1 for entry in entries if set(kinds) & set(entry.steps))

    return Count(
        len(entries),
        having(M.CASE_FORWARDED),
        having(M.CASE_ACCEPTED),
        having(M.SUPPLEMENT_REQUESTED, M.CASE_RETURNED),
        having(M.CASE_REFUSED),
        having(M.CASE_WITHDRAWN, M.CASE_VOIDED),
        having(M.CASE_DECIDED),
        having(M.RESULT_DELIVERED),
    )


_COLUMNS = {
    "taken_in": ("收件", "taken in"),
    "forwarded": ("转报", "forwarded"),
    "accepted": ("受理", "accepted"),
    "returned": ("退补", "sent back for supplement"),
    "refused": ("不予受理", "refused"),
    "ended": ("撤回或作废", "withdrawn or void"),
    "decided": ("决定", "decided"),
    "delivered": ("送达", "delivered"),
}


def _count_differences(row: Row) -> Iterator[Difference]:
    """The village's and the city's counts agree; the township's lack only what passed it sealed."""
    for name, (zh, en) in _COLUMNS.items():
        ours, theirs = getattr(row.village, name), getattr(row.city, name)
        between = getattr(row.township, name)
        if ours == theirs and theirs - row.relayed <= between <= theirs:
            continue
        where = place(row.place)
        yield Difference(
            "count",
            "",
            f"{where}“{zh}”：村账 {ours}，镇账 {between}，市账 {theirs}。",
            f"{where}, {en}: village {ours}, township {between}, city {theirs}.",
        )
    if row.in_transit:
        yield Difference(
            "in_transit",
            "",
            f"{place(row.place)}还有 {row.in_transit} 件在途。",
            f"{row.in_transit} cases of {place(row.place)} are in transit.",
        )


def _marked(row: Row, found: list[Difference]) -> Row:
    touched = any(
        one.case[:12] == row.place or (not one.case and place(row.place) in one.zh) for one in found
    )
    return Row(row.place, row.village, row.township, row.city, row.relayed, row.in_transit, not touched)


def _township_rows(rows: Iterable[Row]) -> Iterator[Row]:
    by_township: dict[str, list[Row]] = {}
    for row in rows:
        by_township.setdefault(row.place[:9] + "000", []).append(row)
    for township, below in sorted(by_township.items()):
        yield Row(
            township,
            _sum(row.village for row in below),
            _sum(row.township for row in below),
            _sum(row.city for row in below),
            sum(row.relayed for row in below),
            sum(row.in_transit for row in below),
            all(row.is_level for row in below),
        )


def _sum(counts: Iterable[Count]) -> Count:
    counts = list(counts)
    return Count(*(sum(getattr(count, name) for count in counts) for name in Count.__dataclass_fields__))


def _stranger(node: str, case: str) -> Difference:
    number = display_case_id(CaseId(case))
    return Difference(
        "case.unknown",
        case,
        f"{place(node)}的账上多出办件 {number}，没有人交过。",
        f"Case {number} is in the book of {place(node, 'en')}, but nobody handed it in.",
    )


def _unsigned(one: HandOver) -> Difference:
    number = display_case_id(CaseId(one.case))
    reason = {
        "missing": ("没有签收", "has not signed for it"),
        "forged": ("签名不符", "the signature is not good"),
    }
    zh, en = reason["forged" if one.is_signed else "missing"]
    return Difference(
        "receipt",
        one.case,
        f"缺回执：办件 {number} 的“{one.what()}”由{place(one.giver)}交{place(one.taker)}（{one.kind_text()}），{zh}。",
        f"Receipt missing: {one.what('en')} of case {number}, {place(one.giver, 'en')} to {place(one.taker, 'en')} "
        f"({one.kind_text('en')}): {en}.",
    )


def _tier(node: str) -> Tier:
    return tier_of(division_of(NodeId(node)))
