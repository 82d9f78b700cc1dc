"""A draft of the next catalogue or calendar: opened, changed, handed in, and published by an officer who did not edit it.

Every change names the revision it was made on: of two officers at once the second is told. What is kept is always
something that could be published.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from city_node.catalogue.tables import DRAFT, STEP
from core.calendar import WorkCalendar, encode, parse_calendar
from core.catalogue import Catalogue, encode_catalogue, parse_catalogue
from core.clock import World, iso
from core.errors import InputError, StateError
from core.identifiers import new_id
from core.store.officers import Officer
from core.store.shelf import CALENDAR, CATALOGUE, Shelf

KINDS = (CATALOGUE, CALENDAR)
OPEN, HANDED_IN = "draft", "handed_in"
CHANGES = frozenset({"opened", "edited", "imported"})
"""Whoever did one of these is an author of the draft."""
WORDS_MAX = 1000
Publication = Catalogue | WorkCalendar


@dataclass(frozen=True, slots=True)
class Draft:
    """``content`` is what would be published; ``authors`` the officers who made it so."""

    kind: str
    id: str
    version: int
    revision: int
    status: str
    content: Publication
    changed_at: str
    authors: frozenset[str]

    @property
    def data(self) -> bytes:
        return encoded(self.content)


def encoded(content: Publication) -> bytes:
    """Canonical JSON. Raises ``InputError`` where it could not be published."""
    return encode_catalogue(content) if isinstance(content, Catalogue) else encode(content)


def newest(shelf: Shelf, kind: str) -> Publication:
    """What a draft starts from. Raises ``StateError`` (``draft.nothing``)."""
    if check_kind(kind) == CALENDAR:
        return shelf.calendar
    if not shelf.catalogues.versions:
        raise StateError(
            "draft.nothing",
            zh="还没有发布过事项目录，无从起草。请先用命令行 publish 发布第一版。",
            en="No catalogue was ever published, so there is nothing to start from. Publish the first by command.",
        )
    return shelf.catalogues.versions[-1]


def check_kind(kind: str) -> str:
    """Raises ``InputError`` (``draft.kind``)."""
    if kind not in KINDS:
        raise InputError(
            "draft.kind", zh="只有目录和日历可以起草。", en="Only catalogue and calendar have drafts."
        )
    return kind


def find(tx: sa.Connection, kind: str) -> Draft | None:
    """The draft of this kind, if there is one."""
    row = tx.execute(sa.select(DRAFT).where(DRAFT.c.kind == check_kind(kind))).first()
    if row is None:
        return None
    data = bytes(row.data)
    content = parse_catalogue(data) if kind == CATALOGUE else parse_calendar(data)
    done = tx.execute(sa.select(STEP.c.officer, STEP.c.what).where(STEP.c.draft_id == row.draft_id)).all()
    authors = frozenset(one.officer for one in done if one.what in CHANGES)
    return Draft(kind, row.draft_id, row.version, row.revision, row.status, content, row.changed_at, authors)


def get(tx: sa.Connection, kind: str) -> Draft:
    """Raises ``StateError`` (``draft.none``)."""
    draft = find(tx, kind)
    if draft is None:
        raise StateError(
            "draft.none",
            zh="没有草稿：可能已经发布或作废。请回到目录页查看。",
            en="There is no draft: it may have been published or dropped. Look at the page of the catalogue.",
        )
    return draft


def open_draft(tx: sa.Connection, shelf: Shelf, world: World, officer: Officer, kind: str) -> Draft:
    """The next version, equal to the newest but for its number. Raises ``StateError`` (``draft.open``)."""
    if find(tx, kind) is not None:
        raise StateError(
            "draft.open",
            zh="已有一份草稿，没有另开。请在那一份上修改，或先作废它。",
            en="There is a draft already and no other was opened. Work on that one, or drop it first.",
        )
    before = newest(shelf, kind)
    content: Publication
    if isinstance(before, Catalogue):
        content = replace(before, version=before.version + 1, effective_from=shelf.today)
    else:
        content = replace(before, version=before.version + 1)
    draft_id = new_id(world)
    values: dict[str, Any] = {"draft_id": draft_id, "version": content.version, "revision": 1, "status": OPEN}
    now = iso(world.now())
    tx.execute(sa.insert(DRAFT).values(kind=kind, data=encoded(content), changed_at=now, **values))
    note(tx, world, officer, get(tx, kind), "opened", "")
    return get(tx, kind)


def change(
    tx: sa.Connection,
    world: World,
    officer: Officer,
    draft: Draft,
    content: Publication,
    what: str,
    words: str,
) -> None:
    """Keep ``content`` as the draft. Raises ``StateError`` (``draft.handed_in``, ``draft.moved``), ``InputError``."""
    if draft.status != OPEN:
        raise StateError(
            "draft.handed_in",
            zh="草稿已提交核定，不能修改。需要修改请核定人退回。",
            en="The draft is handed in and cannot be changed. Have it sent back first.",
        )
    _move(tx, world, draft, data=encoded(content))
    note(tx, world, officer, draft, what, words)


def hand_in(tx: sa.Connection, world: World, officer: Officer, draft: Draft) -> None:
    """Nothing more is changed; another officer looks. Raises ``StateError`` (``draft.status``, ``draft.moved``)."""
    _require(draft, OPEN)
    _move(tx, world, draft, status=HANDED_IN)
    note(tx, world, officer, draft, "handed_in", "")


def send_back(tx: sa.Connection, world: World, officer: Officer, draft: Draft, words: str) -> None:
    """To be changed again. Raises ``StateError`` (``draft.status``, ``draft.moved``), ``InputError`` (``draft.why``)."""
    _require(draft, HANDED_IN)
    if not 1 <= len(words.strip()) <= WORDS_MAX:
        raise InputError(
            "draft.why",
            zh=f"请写明退回原因（{WORDS_MAX} 字内），没有退回。",
            en=f"Say why it goes back ({WORDS_MAX} characters); nothing was done.",
        )
    _move(tx, world, draft, status=OPEN)
    note(tx, world, officer, draft, "sent_back", words.strip())


def close(tx: sa.Connection, world: World, officer: Officer, draft: Draft, what: str) -> None:
    """The draft is published or dropped. Raises ``StateError`` (``draft.moved``)."""
    _move(tx, world, draft)
    note(tx, world, officer, draft, what, "")
    tx.execute(sa.delete(DRAFT).where(DRAFT.c.kind == draft.kind))


def require_confirmer(officer: Officer, draft: Draft) -> None:
    """Four eyes: whoever wrote of the draft does not publish it. Raises ``StateError`` (``draft.status``, ``draft.own``)."""
    _require(draft, HANDED_IN)
    if officer.id in draft.authors:
        raise StateError(
            "draft.own",
            zh=f"{officer.name} 参与了这份草稿的起草，须由另一位目录管理员核定发布。没有发布。",
            en=f"{officer.name} took part in writing this draft; another catalogue editor has to publish it. Nothing was done.",
        )


def at_revision(draft: Draft, seen: str) -> Draft:
    """The draft as the officer saw it. Raises ``StateError`` (``draft.moved``)."""
    if seen != f"{draft.id}.{draft.revision}":
        raise _moved()
    return draft


def note(tx: sa.Connection, world: World, officer: Officer, draft: Draft, what: str, words: str) -> None:
    """Add a line to what happened to the draft."""
    last = tx.scalar(sa.select(sa.func.max(STEP.c.number)).where(STEP.c.draft_id == draft.id))
    tx.execute(
        sa.insert(STEP).values(
            draft_id=draft.id,
            number=(last or 0) + 1,
            kind=draft.kind,
            version=draft.version,
            what=what,
            officer=officer.id,
            name=officer.name,
            at=iso(world.now()),
            words=words,
        )
    )


def history(tx: sa.Connection, kind: str, limit: int = 100) -> list[sa.Row[Any]]:
    """What was done to drafts of this kind, the newest first."""
    query = sa.select(STEP).where(STEP.c.kind == kind).order_by(STEP.c.at.desc(), STEP.c.number.desc())
    return list(tx.execute(query.limit(limit)).all())


def set_head(content: Catalogue, title: str, effective_from: str) -> Catalogue:
    """Raises ``InputError`` (``draft.date``, ``catalogue.*``)."""
    try:
        day = date.fromisoformat(effective_from)
    except ValueError as error:
        raise InputError(
            "draft.date", zh="生效日期应如 2027-01-01。", en="The effective date looks like 2027-01-01."
        ) from error
    return replace(content, title=title.strip(), effective_from=day)


def _require(draft: Draft, status: str) -> None:
    if draft.status != status:
        raise StateError(
            "draft.status",
            zh="草稿现在不在这一步，没有改动。请刷新查看。",
            en="The draft is not at this step now; nothing was changed. Reload the page.",
        )


def _move(tx: sa.Connection, world: World, draft: Draft, **values: Any) -> None:
    where = (DRAFT.c.draft_id == draft.id) & (DRAFT.c.revision == draft.revision)
    done = tx.execute(
        sa.update(DRAFT)
        .where(where)
        .values(revision=draft.revision + 1, changed_at=iso(world.now()), **values)
    )
    if done.rowcount != 1:
        raise _moved()


def _moved() -> StateError:
    return StateError(
        "draft.moved",
        zh="草稿在您打开页面之后已被另一位改过，本次没有生效。请看过最新的再改。",
        en="Somebody changed the draft since you opened the page; this did not take effect. Look at it again first.",
    )
