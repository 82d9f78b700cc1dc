"""Publishing a catalogue or a calendar: checked against what is in force, kept, and said to every node at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from city_node.app import City
from core.calendar import encode as encode_calendar
from core.calendar import parse_calendar
from core.catalogue import encode_catalogue, parse_catalogue
from core.errors import InputError
from core.store.shelf import CALENDAR_PUBLISHED, CATALOGUE_PUBLISHED
from sync import audit
from sync.stream_id import EVERYONE, Lane

KINDS = ("catalogue", "calendar")
BYTES_MAX = 700_000
"""What one message may hold; a catalogue of 48 items has a tenth of it."""
_NAMES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Report:
    """What a publication holds and how it differs from the one before; ``notes`` are pairs of zh and en."""

    kind: str
    version: int
    published: bool
    notes: tuple[tuple[str, str], ...]

    def facts(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "version": self.version,
            "published": self.published,
            "notes": [{"zh": zh, "en": en} for zh, en in self.notes],
        }

    def text(self, lang: str = "zh") -> str:
        names = {"catalogue": ("事项目录", "Catalogue"), "calendar": ("工作日历", "Calendar")}[self.kind]
        done = ("已发布，下次联络时发往各节点", "published, on its way to every node")
        checked = ("核对通过，未发布", "checked, not published")
        state = done if self.published else checked
        at = lang == "en"
        head = f"{names[at]}{' version ' if at else '第 '}{self.version}{': ' if at else ' 版：'}{state[at]}"
        return "\n".join([head, *(f"  {note[at]}" for note in self.notes)])


def check(app: City, kind: str, data: bytes) -> Report:
    """What publishing ``data`` would do. Raises ``InputError`` (``catalogue.*``, ``calendar.*``, ``publish.*``)."""
    if len(data) > BYTES_MAX:
        raise InputError(
            "publish.too_large",
            zh=f"文件有 {len(data)} 字节，超过 {BYTES_MAX}，发不出去。请分版或精简。",
            en=f"The file has {len(data)} bytes, more than the {BYTES_MAX} that can be sent. Make it smaller.",
        )
    return _check_catalogue(app, data) if kind == "catalogue" else _check_calendar(app, data)


def publish(app: City, kind: str, data: bytes) -> Report:
    """Keep the version and say it to every node, in one transaction. Raises as :func:`check`."""
    with app.installation.db.transaction() as tx:
        return publish_in(tx, app, kind, data, "command line")


def publish_in(tx: sa.Connection, app: City, kind: str, data: bytes, actor: str) -> Report:
    """:func:`publish` within a transaction of more. Raises as :func:`check`."""
    report = check(app, kind, data)
    node, shelf = app.installation.node, app.office.shelf
    type_ = CATALOGUE_PUBLISHED if kind == "catalogue" else CALENDAR_PUBLISHED
    if kind == "catalogue":
        data = encode_catalogue(parse_catalogue(data))
        shelf.put_catalogue(tx, data)
        app.office.casebook.refold_waiting(tx, f"catalogue:{report.version}")
    else:
        data = encode_calendar(parse_calendar(data))
        shelf.put_calendar(tx, data)
        app.office.use_new_calendar(tx)
    node.say(tx, [EVERYONE], Lane.CATALOGUE, type_, data)
    audit.note(tx, node.world, actor=actor, action=f"{kind}.published", subject=str(report.version))
    return Report(kind, report.version, True, report.notes)


def _check_catalogue(app: City, data: bytes) -> Report:
    catalogue = parse_catalogue(data)
    shelf = app.office.shelf
    if catalogue.version <= shelf.version:
        raise _old(catalogue.version, shelf.version)
    before = {item.code: item for item in shelf.catalogues.versions[-1].items} if shelf.version else {}
    now = {item.code: item for item in catalogue.items}
    added = [item.name for code, item in now.items() if code not in before]
    gone = [item.name for code, item in before.items() if code not in now]
    changed = [item.name for code, item in now.items() if code in before and before[code] != item]
    notes = [
        (
            f"事项 {len(now)} 个，{catalogue.effective_from} 起生效",
            f"{len(now)} items, from {catalogue.effective_from}",
        ),
        *_named(added, "新增", "new"),
        *_named(changed, "变更", "changed"),
        *_named(gone, "取消", "withdrawn"),
    ]
    return Report("catalogue", catalogue.version, False, tuple(notes))


def _check_calendar(app: City, data: bytes) -> Report:
    calendar = parse_calendar(data)
    known = app.office.shelf.calendar
    if calendar.version <= known.version:
        raise _old(calendar.version, known.version)
    if calendar.known_until < known.known_until:
        raise InputError(
            "publish.shorter",
            zh=f"新日历只到 {calendar.known_until}，现行的到 {known.known_until}，不能发布。请补齐年份。",
            en=f"This calendar ends on {calendar.known_until}, the one in force on {known.known_until}. Add the years.",
        )
    note = (f"有效至 {calendar.known_until}", f"known until {calendar.known_until}")
    return Report("calendar", calendar.version, False, (note,))


def _named(names: Sequence[str], zh: str, en: str) -> list[tuple[str, str]]:
    if not names:
        return []
    shown = "、".join(names[:_NAMES_SHOWN]) + ("…" if len(names) > _NAMES_SHOWN else "")
    return [(f"{zh} {len(names)} 个：{shown}", f"{len(names)} {en}: {shown}")]


def _old(version: int, newest: int) -> InputError:
    return InputError(
        "publish.version",
        zh=f"第 {version} 版不比现有的第 {newest} 版新，不能发布。请把版本号改为 {newest + 1}。",
        en=f"Version {version} is not newer than version {newest} in force. Number it {newest + 1}.",
    )
