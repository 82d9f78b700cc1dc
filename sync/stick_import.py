"""Taking what a stick brings, file by file, and answering on the same stick."""

from dataclasses import dataclass, replace
from enum import StrEnum

from core.errors import LiandongError, LocalError
from core.identifiers import NodeId
from sync import audit, contact
from sync.hello import Hello
from sync.neighbour import Standing
from sync.node import Node
from sync.stick import Export, Progress, Told, export_for
from sync.stick_layout import ENROLMENT, FILE_BYTES_MAX, inert, read_claim, too_large
from sync.stick_record import note_taken
from sync.transport.usb import CARRIER, Entry, Stick, StickError


class Fate(StrEnum):
    """What became of one file on a stick."""

    TAKEN = "taken"
    """It brought something new."""
    NOTHING_NEW = "nothing_new"
    """Everything in it was here already: an old stick, a second copy, or the line was faster."""
    CUT = "cut"
    """It ends early or is damaged; what came whole was taken."""
    FOR_US = "for_us"
    """Addressed to this node, not taken yet (a dry run)."""
    OWN = "own"
    """Written here, still to be carried to its addressee."""
    FOR_ANOTHER = "for_another"
    FOREIGN = "foreign"
    """No bundle at all."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Found:
    """One file on a stick. ``name`` is inert; ``at`` is ms since 1970 by the sender's clock, unverified like the
    names if the file was not taken.
    """

    name: str
    fate: Fate
    size: int = 0
    sender: NodeId | None = None
    receiver: NodeId | None = None
    at: int = 0
    envelopes: int = 0
    chunks: int = 0
    receipts: int = 0
    refused: tuple[LiandongError, ...] = ()


@dataclass(frozen=True, slots=True)
class Import:
    """``skipped`` are inert names of what is no regular file; ``more``: the folder holds more than is looked at.

    ``answers`` were written to the same stick; ``answer_error`` says why one could not be. ``error`` ended the
    import early: this machine needs attention, and what was taken before it counts.
    """

    found: tuple[Found, ...]
    skipped: tuple[str, ...] = ()
    more: bool = False
    answers: tuple[Export, ...] = ()
    answer_error: LiandongError | None = None
    error: LiandongError | None = None

    def count(self, *fates: Fate) -> int:
        return sum(found.fate in fates for found in self.found)


def import_from(
    stick: Stick,
    node: Node,
    *,
    answer: bool = True,
    dry_run: bool = False,
    told: Told = lambda progress: None,
) -> Import:
    """Take every bundle for this node, whoever carried it, and write the answers to the same stick.

    One bad file is named and does not spoil the others. Raises ``StickError`` if the stick cannot be listed.
    """
    listing = stick.listing()
    looked = [_look(stick, node, entry) for entry in listing.entries]
    ours = sorted((look for look in looked if look.claim is not None), key=_by_sender)
    report = Import(
        tuple(look.found for look in looked if look.claim is None),
        tuple(inert(name) for name in listing.skipped),
        listing.more,
    )
    if dry_run:
        return replace(report, found=report.found + tuple(look.found for look in ours))
    progress = Progress(bytes_total=sum(look.entry.size for look in ours))
    latest: dict[NodeId, Hello] = {}
    for look in ours:
        told(progress)
        try:
            found, hello = _take(stick, node, look)
        except StickError as error:
            found, hello = replace(look.found, fate=Fate.REFUSED, refused=(error,)), None
        except LocalError as error:
            # This machine's own trouble: every other bundle would meet it too.
            return replace(report, error=error)
        if hello is not None:
            latest[hello.sender] = hello
        report = replace(report, found=(*report.found, found))
        progress = replace(
            progress,
            bytes=progress.bytes + look.entry.size,
            envelopes=progress.envelopes + found.envelopes,
            chunks=progress.chunks + found.chunks,
        )
        told(progress)
    return _answer(stick, node, report, latest, told) if answer else report


@dataclass(frozen=True, slots=True)
class _Look:
    """A file whose beginning was read; ``claim`` stands if it says that it is for us and not by us."""

    entry: Entry
    found: Found
    claim: Hello | None = None


def _look(stick: Stick, node: Node, entry: Entry) -> _Look:
    found = Found(inert(entry.name), Fate.FOREIGN, entry.size)
    if entry.size > FILE_BYTES_MAX:
        return _Look(entry, replace(found, refused=(too_large(entry.size),)))
    try:
        claim = read_claim(stick.head(entry))
    except LiandongError as error:
        fates = {"stick.foreign": Fate.FOREIGN, ENROLMENT: Fate.FOREIGN, "stick.cut_head": Fate.CUT}
        return _Look(entry, replace(found, fate=fates.get(error.code, Fate.REFUSED), refused=(error,)))
    found = replace(found, sender=claim.sender, receiver=claim.receiver, at=claim.at)
    me = node.place.node
    if claim.sender == me:
        return _Look(entry, replace(found, fate=Fate.OWN))
    if claim.receiver != me:
        return _Look(entry, replace(found, fate=Fate.FOR_ANOTHER))
    return _Look(entry, replace(found, fate=Fate.FOR_US), claim)


def _by_sender(look: _Look) -> tuple[str, int, str]:
    assert look.claim is not None
    return look.claim.sender, look.claim.number, look.entry.name


def _take(stick: Stick, node: Node, look: _Look) -> tuple[Found, Hello | None]:
    data = stick.read(look.entry)
    try:
        with node.lock:
            taken = contact.take(node, data, carrier=CARRIER)
    except LocalError:
        raise
    except LiandongError as error:
        return replace(look.found, fate=Fate.REFUSED, refused=(error,)), None
    sender = taken.hello.sender
    with node.db.transaction() as tx:
        first_time = note_taken(tx, taken.hello, to_answer=bool(taken.touched))
        audit.note(
            tx,
            node.world,
            actor="sync",
            action="stick.taken",
            subject=sender,
            number=taken.hello.number,
            envelopes=taken.envelopes,
            chunks=taken.chunks,
            complete=taken.complete,
        )
    new = taken.envelopes or taken.chunks or (first_time and not taken.duplicates)
    fate = Fate.CUT if not taken.complete else Fate.TAKEN if new else Fate.NOTHING_NEW
    found = replace(
        look.found,
        fate=fate,
        at=taken.hello.at,
        envelopes=taken.envelopes,
        chunks=taken.chunks,
        receipts=taken.receipts,
        refused=tuple(taken.refused),
    )
    # A device that has been superseded may hand over what it has, and is given nothing.
    return found, None if taken.standing is Standing.ENDED else taken.hello


def _answer(stick: Stick, node: Node, report: Import, latest: dict[NodeId, Hello], told: Told) -> Import:
    answers: list[Export] = []
    for peer, hello in latest.items():
        export = export_for(stick, node, peer, told, reply_to=hello.number)
        if export.error is not None:
            return replace(report, answers=tuple(answers), answer_error=export.error)
        answers.append(export)
    return replace(report, answers=tuple(answers))
