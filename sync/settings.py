"""Settings of a node: one TOML file beside its data, every value checked, every mistake named."""

import json
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.errors import InputError
from core.identifiers import parse_node_id
from core.store.durable import write_whole

FILE_NAME = "settings.toml"
FILE_BYTES_MAX = 64 * 1024
OFFICE_CHARS_MAX = 100


@dataclass(frozen=True, slots=True)
class Settings:
    """``listen`` and ``parent`` addresses are ``host:port`` and ``https://host:port``; empty where a tier has none.

    ``contact`` is the port for enrolled nodes (client certificate required), ``enrol`` the one for new nodes,
    ``desk`` the officers' pages, ``public`` the citizens' pages apart from the desk. ``contact_every_s`` 1-86400,
    ``backup_hour`` 0-23 local time; ``sheet_every_s`` 60-86400 is how soon a village or township tells the city changed
    figures again. ``office_…`` is what stands on documents: the organ, the word that begins its numbers, how to reach it,
    who reviews its decisions and which court judges them; each at most 100 characters.
    """

    node: str
    listen_contact: str = ""
    listen_enrol: str = ""
    listen_desk: str = ""
    listen_public: str = ""
    parent_contact: str = ""
    parent_enrol: str = ""
    contact_every_s: int = 60
    contact_timeout_s: int = 30
    database_url: str = ""
    backup_hour: int = 2
    backups_kept: int = 14
    sheet_every_s: int = 600
    lang: str = "zh"
    office_name: str = ""
    office_word: str = ""
    office_phone: str = ""
    office_address: str = ""
    office_review_body: str = ""
    office_court: str = ""


_RANGES = {
    "contact_every_s": (1, 86_400),
    "contact_timeout_s": (2, 600),
    "backup_hour": (0, 23),
    "backups_kept": (1, 365),
    "sheet_every_s": (60, 86_400),
}


def load_settings(folder: Path) -> Settings:
    """The settings in ``folder``. Raises ``InputError`` (``settings.*``) naming the file, the key and the mend."""
    path = folder / FILE_NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(
            "settings.missing",
            zh=f"找不到设置文件 {path}。请先运行 init，或用 --data 指定数据目录。",
            en=f"There is no settings file {path}. Run init first, or name the data folder with --data.",
        ) from error
    if len(data) > FILE_BYTES_MAX:
        raise _wrong(path, "file", f"{len(data)} bytes", f"<= {FILE_BYTES_MAX} bytes")
    try:
        values = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _wrong(path, "file", str(error), "TOML, UTF-8") from error
    return check_settings(values, path)


def check_settings(values: dict[str, Any], path: Path) -> Settings:
    """Settings from parsed values. Raises ``InputError`` (``settings.wrong``)."""
    known = {field.name: field.type for field in fields(Settings)}
    for key, value in values.items():
        if key not in known:
            raise _wrong(path, key, value, "one of " + ", ".join(sorted(known)))
        if key in _RANGES:
            low, high = _RANGES[key]
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise _wrong(path, key, value, f"{low}-{high}")
            continue
        if not isinstance(value, str):
            raise _wrong(path, key, value, "text")
        if key.startswith("office_") and (len(value) > OFFICE_CHARS_MAX or not (value + " ").isprintable()):
            raise _wrong(path, key, value[:20], f"text, <= {OFFICE_CHARS_MAX}")
        if key.startswith("parent_") and value and not _is_https(value):
            raise _wrong(path, key, value, "https://host:port")
        if key.startswith("listen_") and value:
            host_port(value, path, key)
    if not _is_node(values.get("node", "")):
        raise _wrong(path, "node", values.get("node", ""), "12-digit division code")
    if values.get("lang", "zh") not in ("zh", "en"):
        raise _wrong(path, "lang", values["lang"], "zh | en")
    return Settings(**values)


def host_port(text: str, path: Path, key: str) -> tuple[str, int]:
    """``("127.0.0.1", 8443)`` from ``127.0.0.1:8443``. Raises ``InputError`` (``settings.wrong``)."""
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal()) or not 0 < int(port[:6]) < 65536:
        raise _wrong(path, key, text, "host:port")
    return host, int(port)


def write_settings(folder: Path, settings: Settings) -> None:
    """Write the file that :func:`load_settings` reads, whole or not at all; defaults are written too, to be seen."""
    lines = ["# Liandong 联动\n"]
    for field in fields(Settings):
        value = getattr(settings, field.name)
        # Of JSON's spellings of numbers and strings each is TOML's too.
        lines.append(f"{field.name} = {json.dumps(value, ensure_ascii=False)}\n")
    write_whole(folder / FILE_NAME, "".join(lines))


def _is_https(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_node(text: str) -> bool:
    try:
        return parse_node_id(text) == text
    except InputError:
        return False


def _wrong(path: Path, key: str, value: Any, wanted: str) -> InputError:
    return InputError(
        "settings.wrong",
        zh=f"设置文件 {path} 中 {key} = {value!r} 不对，应为 {wanted}。请修改后重试。",
        en=f"In {path}, {key} = {value!r} is not right; it should be {wanted}. Mend it and try again.",
    )
