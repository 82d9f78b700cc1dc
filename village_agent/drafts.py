"""Drafts: what was typed is on the disk before it is painted, the last change can be undone, nothing expires silently."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from core.application import HandedIn, Part, Sheet
from core.bodies import AttachmentManifest
from core.case import Case
from core.clock import World, iso
from core.errors import InputError, StateError
from core.identifiers import CaseId, new_id
from core.shape import from_plain, to_plain
from core.store.engine import METADATA

RESTORABLE_DAYS = 30
CHANGES_KEPT = 200
DRAFT_BYTES_MAX = 4 << 20

DRAFT = sa.Table(
    "draft",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("case_id", sa.String(26)),
    sa.Column("operator", sa.String(32), nullable=False),
    sa.Column("place", sa.String(160), nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.String(24), nullable=False),
    sa.Column("saved_at", sa.String(24), nullable=False),
    sa.Column("abandoned_at", sa.String(24)),
    comment="applications being written; case_id names the case that is being supplemented",
)
sa.Index("ix_draft_open", DRAFT.c.abandoned_at, DRAFT.c.saved_at)

DRAFT_CHANGE = sa.Table(
    "draft_change",
    METADATA,
    sa.Column("draft_id", sa.ForeignKey("draft.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("part", sa.String(16), nullable=False),
    sa.Column("key", sa.String(200), nullable=False),
    sa.Column("before", sa.LargeBinary, nullable=False),
    comment="what a field held before its last changes, for undo",
)


@dataclass(frozen=True, slots=True)
class Draft:
    """``place`` is the field at which the pen was put down (``form.reason``)."""

    id: str
    case_id: CaseId | None
    operator: str
    place: str
    sheet: Sheet
    created_at: str
    saved_at: str
    abandoned_at: str | None


class Drafts:
    """The verbs on drafts, each in the caller's transaction."""

    def __init__(self, world: World) -> None:
        self._world = world

    def start(
        self, tx: sa.Connection, operator: str, sheet: Sheet, case_id: CaseId | None = None, place: str = ""
    ) -> Draft:
        """A new draft; for a case that is being supplemented, the one that is open for it if there is one."""
        if case_id is not None:
            query = sa.select(DRAFT.c.id).where(DRAFT.c.case_id == case_id, DRAFT.c.abandoned_at.is_(None))
            known = tx.scalar(query.limit(1))
            if known is not None:
                return self.get(tx, known)
        now = iso(self._world.now())
        id_ = new_id(self._world)
        tx.execute(
            sa.insert(DRAFT).values(
                id=id_,
                case_id=case_id,
                operator=operator,
                place=place,
                data=_encode(_plain(sheet)),
                created_at=now,
                saved_at=now,
            )
        )
        return self.get(tx, id_)

    def start_supplement(self, tx: sa.Connection, operator: str, case: Case) -> Draft:
        """A draft that holds what the returned case held, put down at the first field or material asked for."""
        place = f"{Part.FORM}."
        if case.supplement and case.supplement.fields:
            place += case.supplement.fields[0]
        elif case.supplement and case.supplement.missing:
            place = f"{Part.MATERIALS}.{case.supplement.missing[0]}"
        return self.start(tx, operator, sheet_of(case), case.id, place)

    def get(self, tx: sa.Connection, id_: str) -> Draft:
        """Raises ``InputError`` (``draft.unknown``)."""
        row = tx.execute(sa.select(DRAFT).where(DRAFT.c.id == id_)).one_or_none()
        if row is None:
            raise InputError(
                "draft.unknown",
                zh="没有这份草稿，可能已经提交。请在待发件或办件中查找。",
                en="There is no such draft; it may have been submitted. Look among the cases.",
            )
        return _draft(row)

    def put(
        self, tx: sa.Connection, id_: str, part: Part, key: str, value: Any, *, same_go: bool = False
    ) -> str:
        """Change one field (``None`` empties it); returns when it was saved.

        Changes of one field in ``same_go`` are undone together.
        """
        plain = self._data(tx, id_)
        before = _field(plain, part, key)
        if before == value:
            return self._touch(tx, id_, plain, part, key)
        self._remember(tx, id_, part, key, before, same_go=same_go)
        _set_field(plain, part, key, value)
        return self._touch(tx, id_, plain, part, key)

    def put_material(self, tx: sa.Connection, id_: str, material: HandedIn) -> str:
        """Note one material, in place of what was noted under its name."""
        return self.put(tx, id_, Part.MATERIALS, material.name, _material_plain(material))

    def undo(self, tx: sa.Connection, id_: str) -> tuple[Part, str] | None:
        """Take back the last change; returns the field, None if there is nothing to take back."""
        last = tx.execute(
            sa.select(DRAFT_CHANGE)
            .where(DRAFT_CHANGE.c.draft_id == id_)
            .order_by(DRAFT_CHANGE.c.number.desc())
            .limit(1)
        ).one_or_none()
        if last is None:
            return None
        plain = self._data(tx, id_)
        part = Part(last.part)
        _set_field(plain, part, last.key, json.loads(last.before))
        self._touch(tx, id_, plain, part, last.key)
        where = (DRAFT_CHANGE.c.draft_id == id_) & (DRAFT_CHANGE.c.number == last.number)
        tx.execute(sa.delete(DRAFT_CHANGE).where(where))
        return part, last.key

    def abandon(self, tx: sa.Connection, id_: str) -> None:
        """Lay a draft aside; for 30 days it can be taken up again."""
        self.get(tx, id_)
        now = iso(self._world.now())
        tx.execute(sa.update(DRAFT).where(DRAFT.c.id == id_).values(abandoned_at=now))

    def restore(self, tx: sa.Connection, id_: str) -> Draft:
        """Take up an abandoned draft again. Raises ``StateError`` (``draft.exists``) if its case has another."""
        draft = self.get(tx, id_)
        if draft.case_id is not None:
            where = (DRAFT.c.case_id == draft.case_id) & DRAFT.c.abandoned_at.is_(None) & (DRAFT.c.id != id_)
            if tx.scalar(sa.select(DRAFT.c.id).where(where)) is not None:
                raise StateError(
                    "draft.exists",
                    zh="该办件已有一份正在补正的草稿，请继续那一份。",
                    en="This case has another draft open; go on with that one.",
                )
        tx.execute(sa.update(DRAFT).where(DRAFT.c.id == id_).values(abandoned_at=None))
        return self.get(tx, id_)

    def remove(self, tx: sa.Connection, id_: str) -> None:
        """Once submitted; the case holds everything now."""
        tx.execute(sa.delete(DRAFT_CHANGE).where(DRAFT_CHANGE.c.draft_id == id_))
        tx.execute(sa.delete(DRAFT).where(DRAFT.c.id == id_))

    def purge(self, tx: sa.Connection) -> int:
        """Forget drafts that were abandoned more than 30 days ago; returns how many."""
        before = iso(self._world.now() - timedelta(days=RESTORABLE_DAYS))
        ids = list(tx.scalars(sa.select(DRAFT.c.id).where(DRAFT.c.abandoned_at < before)))
        for id_ in ids:
            self.remove(tx, id_)
        return len(ids)

    def count(self, tx: sa.Connection, *, abandoned: bool = False) -> int:
        return int(tx.scalar(sa.select(sa.func.count()).where(_which(abandoned))) or 0)

    def listing(
        self, tx: sa.Connection, *, abandoned: bool = False, offset: int = 0, limit: int = 50
    ) -> list[Draft]:
        """The last saved first."""
        query = sa.select(DRAFT).where(_which(abandoned)).order_by(DRAFT.c.saved_at.desc(), DRAFT.c.id)
        return [_draft(row) for row in tx.execute(query.offset(offset).limit(limit))]

    def _data(self, tx: sa.Connection, id_: str) -> dict[str, Any]:
        data = tx.scalar(sa.select(DRAFT.c.data).where(DRAFT.c.id == id_))
        if data is None:
            self.get(tx, id_)
        plain: dict[str, Any] = json.loads(data or b"{}")
        return plain

    def _touch(self, tx: sa.Connection, id_: str, plain: dict[str, Any], part: Part, key: str) -> str:
        now = iso(self._world.now())
        values = {"data": _encode(plain), "saved_at": now, "place": f"{part}.{key}"[:160]}
        tx.execute(sa.update(DRAFT).where(DRAFT.c.id == id_).values(**values))
        return now

    def _remember(
        self, tx: sa.Connection, id_: str, part: Part, key: str, before: Any, *, same_go: bool
    ) -> None:
        columns = DRAFT_CHANGE.c
        last = tx.execute(
            sa.select(columns.number, columns.part, columns.key)
            .where(columns.draft_id == id_)
            .order_by(columns.number.desc())
            .limit(1)
        ).one_or_none()
        if same_go and last is not None and (last.part, last.key) == (part, key):
            return
        number = 1 if last is None else last.number + 1
        text = _encode(before)
        tx.execute(
            sa.insert(DRAFT_CHANGE).values(draft_id=id_, number=number, part=part, key=key, before=text)
        )
        old = (columns.draft_id == id_) & (columns.number <= number - CHANGES_KEPT)
        tx.execute(sa.delete(DRAFT_CHANGE).where(old))


def sheet_of(case: Case) -> Sheet:
    """What a case holds, as a sheet to be amended."""
    files = {manifest.id: manifest for manifest in case.submitted_attachments}
    materials = tuple(
        HandedIn(
            record.name,
            record.originals,
            record.copies,
            record.note,
            tuple(files[id_] for id_ in record.attachments if id_ in files),
        )
        for record in case.submitted_materials
    )
    return Sheet(case.item, dict(to_plain(case.applicant)), dict(case.form), materials)


def _which(abandoned: bool) -> sa.ColumnElement[bool]:
    return DRAFT.c.abandoned_at.is_not(None) if abandoned else DRAFT.c.abandoned_at.is_(None)


def _draft(row: sa.Row[Any]) -> Draft:
    plain = json.loads(row.data)
    sheet = Sheet(
        plain["item"],
        plain["applicant"],
        plain["form"],
        tuple(_material(entry) for entry in plain["materials"].values()),
    )
    return Draft(
        row.id,
        None if row.case_id is None else CaseId(row.case_id),
        row.operator,
        row.place,
        sheet,
        row.created_at,
        row.saved_at,
        row.abandoned_at,
    )


def _plain(sheet: Sheet) -> dict[str, Any]:
    materials = {material.name: _material_plain(material) for material in sheet.materials}
    return {
        "item": sheet.item,
        "applicant": dict(sheet.applicant),
        "form": dict(sheet.form),
        "materials": materials,
    }


def _material_plain(material: HandedIn) -> dict[str, Any]:
    return {
        "name": material.name,
        "originals": material.originals,
        "copies": material.copies,
        "note": material.note,
        "files": [to_plain(manifest) for manifest in material.files],
    }


def _material(plain: dict[str, Any]) -> HandedIn:
    files = tuple(from_plain(AttachmentManifest, entry, "file") for entry in plain["files"])
    return HandedIn(plain["name"], plain["originals"], plain["copies"], plain["note"], files)


def _field(plain: dict[str, Any], part: Part, key: str) -> Any:
    return plain["item"] if part is Part.ITEM else plain[part].get(key)


def _set_field(plain: dict[str, Any], part: Part, key: str, value: Any) -> None:
    if part is Part.ITEM:
        plain["item"] = value or ""
    elif value is None:
        plain[part].pop(key, None)
    else:
        plain[part][key] = value


def _encode(plain: Any) -> bytes:
    data = json.dumps(plain, ensure_ascii=False).encode()
    if len(data) > DRAFT_BYTES_MAX:
        raise InputError(
            "draft.too_large",
            zh="草稿内容过多，这次改动没有保存，请删减后再试。",
            en="The draft has grown too large; this change was not saved. Please shorten it.",
        )
    return data
