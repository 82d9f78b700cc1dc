"""An application as a JSON file, for scripts and for other programs of the service point."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.application import HandedIn, Sheet
from core.bodies import AttachmentManifest
from core.canonical import parse_json
from core.clock import World
from core.errors import InputError
from sync.attachments import ChunkStore
from village_agent.intake import file_path
from village_agent.scans import seal_scan

REQUEST_BYTES_MAX = 4 << 20
FILES_MAX = 60
_KEYS = {"item", "applicant", "form", "materials", "attachments", "note"}


def read_request(source: Path | None) -> tuple[dict[str, Any], Path]:
    """The request and the folder its file names are relative to; standard input where there is no file.

    Raises ``InputError`` (``request.*``, ``json.*``).
    """
    if source is None:
        data, folder = sys.stdin.buffer.read(REQUEST_BYTES_MAX + 1), Path.cwd()
    else:
        try:
            with source.open("rb") as file:
                data, folder = file.read(REQUEST_BYTES_MAX + 1), source.parent
        except OSError as error:
            raise InputError(
                "request.unreadable",
                zh=f"读不到申请文件 {source}（{error.strerror}），请检查路径。",
                en=f"The file {source} cannot be read ({error.strerror}); check the path.",
            ) from error
    plain = parse_json(data, bytes_max=REQUEST_BYTES_MAX)
    if not isinstance(plain, dict) or set(plain) - _KEYS:
        unknown = "、".join(sorted(set(plain) - _KEYS))[:100] if isinstance(plain, dict) else ""
        raise _wrong(
            f"只能有 {'、'.join(sorted(_KEYS))}；多出：{unknown}", f"keys {sorted(_KEYS)}; extra: {unknown}"
        )
    return plain, folder


def sheet_of_request(
    plain: Mapping[str, Any], folder: Path, world: World, store: ChunkStore, before: Sheet | None = None
) -> Sheet:
    """The sheet a request describes, its files sealed; parts it leaves out are those of ``before``.

    Raises ``InputError`` (``request.*``, ``scan.*``, ``attachment.*``).
    """
    base = before or Sheet()
    item = plain.get("item", base.item)
    applicant, form = plain.get("applicant", base.applicant), plain.get("form", base.form)
    if not isinstance(item, str) or not isinstance(applicant, Mapping) or not isinstance(form, Mapping):
        raise _wrong(
            "item 应为文字，applicant 和 form 应为字段表", "item is text, applicant and form are tables"
        )
    materials = {material.name: material for material in base.materials}
    for entry in _list(plain, "materials"):
        material = _material(entry, materials)
        materials[material.name] = material
    for entry in _list(plain, "attachments"):
        name, manifest = _attachment(entry, folder, world, store)
        noted = materials.get(name, HandedIn(name))
        files = (*noted.files, manifest)
        materials[name] = HandedIn(name, noted.originals, noted.copies, noted.note, files)
    return Sheet(item, dict(applicant), dict(form), tuple(materials.values()))


def _material(entry: Any, known: Mapping[str, HandedIn]) -> HandedIn:
    if not isinstance(entry, dict) or set(entry) - {"name", "originals", "copies", "note"}:
        raise _wrong(
            "materials 每项只能有 name、originals、copies、note", "materials: name, originals, copies, note"
        )
    name, note = entry.get("name"), entry.get("note", "")
    originals, copies = entry.get("originals", 0), entry.get("copies", 0)
    numbers = all(type(count) is int and 0 <= count <= 99 for count in (originals, copies))
    if not isinstance(name, str) or not name or not isinstance(note, str) or not numbers:
        raise _wrong("materials 的份数应为 0 至 99 的整数", "materials: counts are whole numbers, 0 to 99")
    return HandedIn(name, originals, copies, note, known[name].files if name in known else ())


def _attachment(entry: Any, folder: Path, world: World, store: ChunkStore) -> tuple[str, AttachmentManifest]:
    good = isinstance(entry, dict) and set(entry) == {"material", "path"}
    if not good or not all(isinstance(entry[key], str) and 0 < len(entry[key]) <= 1000 for key in entry):
        raise _wrong("attachments 每项应有 material 和 path", "attachments: material and path")
    return entry["material"], seal_scan(world, folder / file_path(entry["path"]), store)


def _list(plain: Mapping[str, Any], key: str) -> list[Any]:
    value = plain.get(key, [])
    if not isinstance(value, list) or len(value) > FILES_MAX:
        raise _wrong(f"{key} 应为最多 {FILES_MAX} 项的列表", f"{key} is a list of at most {FILES_MAX}")
    return value


def _wrong(zh: str, en: str) -> InputError:
    return InputError(
        "request.malformed",
        zh=f"申请文件不合格式：{zh}。请改正后重试。",
        en=f"The request is malformed: {en}. Please mend it and try again.",
    )
