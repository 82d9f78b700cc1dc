"""The key of the village's database: random, wrapped once for each operator under a PIN.

``keyslots.json`` holds no key in the clear. Every attempt is counted on disk before it is judged, so that pulling
the plug does not give back a try, and the wait after wrong ones grows.
"""

import json
import unicodedata
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from core.canonical import canonical_json, parse_json
from core.clock import World, from_iso, iso
from core.errors import InputError, LiandongError, LocalError, StateError
from core.shape import UNPRINTABLE
from core.store import RAW_KEY_BYTES
from core.store.durable import write_whole
from village_agent.filelock import alone

LOCK_NAME = "keyslots.lock"
FILE_NAME = "keyslots.json"
FILE_BYTES_MAX = 64 * 1024
FORMAT = 1
OPERATORS_MAX = 20
PIN_CHARS_MIN, PIN_CHARS_MAX = 6, 64
SALT_BYTES = 16
FREE_TRIES = 3
WAIT_S_FIRST, WAIT_S_MAX = 5, 3600


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who may open this machine's database."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class _Slot:
    """``salt``, ``iv`` and ``wrapped`` in base64; ``failures`` since the last right PIN, ``wait_until`` an instant."""

    id: str
    name: str
    salt: str
    iv: str
    wrapped: str
    failures: int = 0
    wait_until: str = ""

    @property
    def bound_to(self) -> bytes:
        """What the wrapping vouches for: a renamed slot does not open."""
        return canonical_json([FORMAT, self.id, self.name])


def create_vault(folder: Path, operator_id: str, name: str, pin: str, world: World) -> bytes:
    """A fresh 32-byte key and the first operator's slot. Raises ``StateError`` (``vault.exists``), ``InputError``."""
    if has_vault(folder):
        raise StateError(
            "vault.exists",
            zh=f"{folder} 已设置操作员口令，未作改动。",
            en=f"{folder} already has operators; nothing was changed.",
        )
    key = world.random_bytes(RAW_KEY_BYTES)
    slot = _wrap(operator_id, name, pin, key, world)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(folder, [slot])
    return key


def has_vault(folder: Path) -> bool:
    return (folder / FILE_NAME).exists()


def operators(folder: Path) -> list[Operator]:
    """Who may open the database. Raises ``LocalError`` (``vault.missing``, ``vault.damaged``)."""
    return [Operator(slot.id, slot.name) for slot in _read(folder)]


def choose_operator(folder: Path, operator_id: str | None) -> Operator:
    """The operator of this id; without one, the only one there is. Raises ``InputError``."""
    known = operators(folder)
    for operator in known:
        if operator.id == operator_id or (operator_id is None and len(known) == 1):
            return operator
    names = "、".join(f"{operator.id}（{operator.name}）" for operator in known)
    raise InputError(
        "vault.which_operator",
        zh=f"请用 --operator 指明操作员：{names}。",
        en=f"Name the operator with --operator: {', '.join(operator.id for operator in known)}.",
    )


def open_vault(folder: Path, operator_id: str, pin: str, world: World) -> bytes:
    """The database key. About 0.3 s.

    Raises ``InputError`` (``vault.wrong_pin``, ``vault.no_operator``), ``StateError`` (``vault.wait``),
    ``LocalError`` (``vault.unwritable``): a try that cannot be counted is not judged.
    """
    # Terminal, background sync and commands unlock on their own; tries are judged one at a time.
    with alone(folder / LOCK_NAME):
        return _try(folder, operator_id, pin, world)


def _try(folder: Path, operator_id: str, pin: str, world: World) -> bytes:
    slots = _read(folder)
    slot = _find(slots, operator_id)
    now = world.now()
    left_s = seconds_to_wait(slot, now)
    if left_s:
        if from_iso(slot.wait_until) - now > timedelta(seconds=left_s):
            # The clock was set back: the wait is its rule long, counted from the clock as it is now.
            _write(folder, _with(slots, replace(slot, wait_until=iso(now + timedelta(seconds=left_s)))))
        raise StateError(
            "vault.wait",
            zh=f"口令已连续输错 {slot.failures} 次，请 {_span(left_s, 'zh')}后再试。",
            en=f"The PIN was wrong {slot.failures} times in a row; try again in {_span(left_s, 'en')}.",
        )
    failures = slot.failures + 1
    tried = replace(slot, failures=failures, wait_until=iso(now + timedelta(seconds=wait_s(failures))))
    # Before it is judged: an attempt that is cut off counts as wrong.
    _write(folder, _with(slots, tried))
    try:
        key = _unwrap(slot, pin)
    except LiandongError as error:
        after = wait_s(failures)
        raise InputError(
            "vault.wrong_pin",
            zh=f"口令不对（第 {failures} 次）。"
            + (f"请 {_span(after, 'zh')}后再试。" if after else "请重新输入。"),
            en=f"The PIN is wrong (attempt {failures}). "
            + (f"Try again in {_span(after, 'en')}." if after else "Type it again."),
        ) from error
    _write(folder, _with(slots, replace(slot, failures=0, wait_until="")))
    return key


def add_operator(folder: Path, key: bytes, operator_id: str, name: str, pin: str, world: World) -> None:
    """One more slot for an opened vault, or a new PIN for an operator that has one. Raises ``InputError``."""
    with alone(folder / LOCK_NAME):
        _add(folder, _wrap(operator_id, name, pin, key, world))


def _add(folder: Path, fresh: _Slot) -> None:
    slots = _read(folder)
    if len(slots) >= OPERATORS_MAX and fresh.id not in {slot.id for slot in slots}:
        raise InputError(
            "vault.too_many",
            zh=f"操作员最多 {OPERATORS_MAX} 人，请先移除不再使用的操作员。",
            en=f"At most {OPERATORS_MAX} operators; remove one that is no longer needed first.",
        )
    _write(folder, _with(slots, fresh))


def remove_operator(folder: Path, operator_id: str) -> None:
    """Take a slot away; the last one stays. Raises ``InputError`` (``vault.no_operator``), ``StateError``."""
    with alone(folder / LOCK_NAME):
        _remove(folder, operator_id)


def _remove(folder: Path, operator_id: str) -> None:
    slots = _read(folder)
    _find(slots, operator_id)
    if len(slots) == 1:
        raise StateError(
            "vault.last_operator",
            zh="这是最后一名操作员，移除后数据将无法打开，未移除。请先添加另一名操作员。",
            en="This is the last operator; without one the data could not be opened. Add another one first.",
        )
    _write(folder, [slot for slot in slots if slot.id != operator_id])


def check_name(name: str) -> str:
    """An operator's name without spaces around it. Raises ``InputError``."""
    if not name.strip() or len(name) > 100 or UNPRINTABLE.search(name):
        raise InputError(
            "vault.operator_name",
            zh="操作员姓名应为 1 至 100 个字，请重新输入。",
            en="An operator's name has 1 to 100 characters. Please type it again.",
        )
    return name.strip()


def check_pin(pin: str) -> str:
    """The PIN in its normal form (full-width digits of an input method are meant as digits). Raises ``InputError``."""
    text = unicodedata.normalize("NFKC", pin)
    if not PIN_CHARS_MIN <= len(text) <= PIN_CHARS_MAX or not text.isprintable():
        raise InputError(
            "vault.pin_length",
            zh=f"口令应为 {PIN_CHARS_MIN} 至 {PIN_CHARS_MAX} 位数字或字符，请重新设置。",
            en=f"A PIN has {PIN_CHARS_MIN} to {PIN_CHARS_MAX} digits or characters. Please choose another.",
        )
    steps = {ord(after) - ord(before) for before, after in pairwise(text)}
    if steps in ({0}, {1}, {-1}):
        raise InputError(
            "vault.pin_weak",
            zh="口令不能是同一个数字或连续的数字（如 111111、123456），请重新设置。",
            en="A PIN may not be one digit repeated or digits in a row (111111, 123456). Please choose "
            "another.",
        )
    return text


def wait_s(failures: int) -> int:
    """Seconds to wait after so many wrong PINs in a row: none for the first tries, then 5, 10, 20 … 3600."""
    if failures < FREE_TRIES:
        return 0
    return int(min(WAIT_S_MAX, WAIT_S_FIRST * 2 ** min(failures - FREE_TRIES, 20)))


def seconds_to_wait(slot: _Slot, now: datetime) -> int:
    """Seconds until the next try is judged. A clock set back cannot make the wait longer than its rule."""
    if not slot.wait_until:
        return 0
    left = (from_iso(slot.wait_until) - now).total_seconds()
    return 0 if left <= 0 else min(-int(-left // 1), wait_s(slot.failures))


def _span(seconds: int, lang: str) -> str:
    minutes = -(-seconds // 60)
    if lang == "en":
        return f"{seconds} seconds" if seconds < 90 else f"{minutes} minutes"
    return f"{seconds} 秒" if seconds < 90 else f"{minutes} 分钟"


def _wrap(operator_id: str, name: str, pin: str, key: bytes, world: World) -> _Slot:
    if not operator_id.isascii() or not operator_id.isalnum() or not 1 <= len(operator_id) <= 32:
        raise InputError(
            "vault.operator_id",
            zh="操作员编号应为 1 至 32 位字母或数字，请重新输入。",
            en="An operator's id has 1 to 32 letters or digits. Please type it again.",
        )
    name = check_name(name)
    from sync.primitives import AEAD_IV_BYTES, aead_seal, argon2id

    salt, iv = world.random_bytes(SALT_BYTES), world.random_bytes(AEAD_IV_BYTES)
    slot = _Slot(operator_id, name, _text(salt), _text(iv), "")
    wrapped = aead_seal(argon2id(check_pin(pin), salt), iv, key, slot.bound_to)
    return replace(slot, wrapped=_text(wrapped))


def _unwrap(slot: _Slot, pin: str) -> bytes:
    # The door asks who may open, which needs no cipher: it is read when somebody tries.
    from sync.primitives import aead_open, argon2id

    under = argon2id(check_pin(pin), b64decode(slot.salt))
    return aead_open(under, b64decode(slot.iv), b64decode(slot.wrapped), slot.bound_to)


def _find(slots: list[_Slot], operator_id: str) -> _Slot:
    for slot in slots:
        if slot.id == operator_id:
            return slot
    known = "、".join(slot.id for slot in slots)
    raise InputError(
        "vault.no_operator",
        zh=f"没有操作员“{operator_id[:32]}”，本机的操作员：{known}。",
        en=f"There is no operator {operator_id[:32]!r} here; known: {known.replace('、', ', ')}.",
    )


def _with(slots: list[_Slot], changed: _Slot) -> list[_Slot]:
    kept = [changed if slot.id == changed.id else slot for slot in slots]
    return kept if changed in kept else [*kept, changed]


def _read(folder: Path) -> list[_Slot]:
    path = folder / FILE_NAME
    try:
        plain = parse_json(path.read_bytes(), bytes_max=FILE_BYTES_MAX)
        if plain["format"] != FORMAT:
            raise ValueError("format")
        slots = [_Slot(**slot) for slot in plain["slots"]]
        for slot in slots:
            if len(b64decode(slot.salt, validate=True)) != SALT_BYTES or type(slot.failures) is not int:
                raise ValueError("slot")
            _ = slot.wait_until and from_iso(slot.wait_until)
    except FileNotFoundError as error:
        raise LocalError(
            "vault.missing",
            zh=f"{folder} 还没有设置操作员口令。请先运行 init，或用 --data 指定数据目录。",
            en=f"{folder} has no operator yet. Run init first, or name the data folder with --data.",
        ) from error
    except (OSError, LiandongError, ValueError, KeyError, TypeError) as error:
        raise LocalError(
            "vault.damaged",
            zh=f"口令文件 {path} 已损坏，数据没有受影响。请从备份取回该文件。",
            en=f"The file {path} is damaged; the data is not. Take that file from a backup.",
        ) from error
    return slots


def _write(folder: Path, slots: list[_Slot]) -> None:
    data = json.dumps(
        {"format": FORMAT, "slots": [asdict(slot) for slot in slots]}, ensure_ascii=False, indent=1
    )
    path = folder / FILE_NAME
    try:
        write_whole(path, data + "\n", 0o600)
    except OSError as error:
        raise LocalError(
            "vault.unwritable",
            zh=f"口令文件 {path} 写不进去（{error.strerror}），没有打开数据，数据没有受影响。请清理或检查磁盘后再试。",
            en=f"The file {path} cannot be written ({error.strerror}); the data was not opened and is as it was. "
            "Free or check the disk and try again.",
        ) from error


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")
