"""What the first run has decided so far, kept on the disk answer by answer, and what each answer has to be."""

import json
import unicodedata
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from core.canonical import parse_json
from core.clock import CHINA
from core.errors import InputError, LiandongError, LocalError
from core.identifiers import NodeId, Tier, division_of, parse_node_id, tier_of
from core.regions import Divisions
from core.store.durable import write_whole
from sync import settings
from village_agent.vault import check_pin

FILE_NAME = "setup.json"
FILE_BYTES_MAX = 16 * 1024
FORMAT = 1
ADDRESS_CHARS_MAX = 200
CONTACT_PORT, ENROL_PORT = 8443, 8442
YEARS_BEHIND_MAX, YEARS_AHEAD_MAX = 1, 3


class Step(StrEnum):
    """The questions, in their order."""

    LANGUAGE = "language"
    FRAME = "frame"
    TYPING = "typing"
    MACHINE = "machine"
    CLOCK = "clock"
    VILLAGE = "village"
    ADDRESS = "address"
    OPERATOR = "operator"
    JOIN = "join"
    DONE = "done"


STEPS = tuple(Step)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is decided; ``step`` is the question that comes next. Neither a PIN nor a code is ever in it."""

    step: Step = Step.LANGUAGE
    lang: str = "zh"
    frame: str = ""
    typing: str = ""
    node: str = ""
    contact: str = ""
    enrol: str = ""
    operator: str = ""

    @property
    def number(self) -> int:
        """Of the question, from 1."""
        return STEPS.index(self.step) + 1

    def moved(self, by: int) -> "Plan":
        """The plan at the question ``by`` further on (or back)."""
        return replace(self, step=STEPS[max(0, min(STEPS.index(self.step) + by, len(STEPS) - 1))])


def is_begun(folder: Path) -> bool:
    """Whether a first run has begun here and not ended."""
    return (folder / FILE_NAME).exists()


def has_node(folder: Path) -> bool:
    """Whether a whole installation lies here."""
    return (folder / settings.FILE_NAME).exists()


def read_plan(folder: Path) -> Plan:
    """What was decided before; an empty plan where nothing was. Raises ``LocalError`` (``setup.damaged``)."""
    path = folder / FILE_NAME
    try:
        plain = parse_json(path.read_bytes()[: FILE_BYTES_MAX + 1], bytes_max=FILE_BYTES_MAX)
        if plain.pop("format") != FORMAT or any(not isinstance(value, str) for value in plain.values()):
            raise ValueError("format")
        plan = Plan(**{**plain, "step": Step(plain["step"])})
        if plan.lang not in ("zh", "en"):
            raise ValueError("lang")
    except FileNotFoundError:
        return Plan()
    except (OSError, LiandongError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LocalError(
            "setup.damaged",
            zh=f"上次设置的记录 {path} 读不出来，请从头回答一遍；没有别的东西受影响。",
            en=f"The record of the last set-up, {path}, cannot be read; please answer again from the beginning. "
            "Nothing else is affected.",
        ) from error
    return plan


def write_plan(folder: Path, plan: Plan) -> None:
    """Keep it, whole or not at all. Raises ``LocalError`` (``setup.unwritable``)."""
    text = json.dumps({"format": FORMAT, **asdict(plan)}, ensure_ascii=False, indent=1)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(folder / FILE_NAME, text)
    except OSError as error:
        raise unwritable(folder, error) from error


def end(folder: Path) -> None:
    """The first run is over. Raises ``LocalError`` (``setup.unwritable``)."""
    try:
        (folder / FILE_NAME).unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error


def unwritable(folder: Path, error: OSError) -> LocalError:
    """The refusal where the data folder takes nothing."""
    return LocalError(
        "setup.unwritable",
        zh=f"数据目录 {folder} 写不进去（{error.strerror}）。请清理磁盘或检查权限，再按 Enter 重试。",
        en=f"The data folder {folder} cannot be written ({error.strerror}). Free the disk or check its permissions, "
        "then press Enter to try again.",
    )


def village_of(text: str, divisions: Divisions) -> NodeId:
    """The node that was typed: a village's code of the table, ``-2`` behind it for a second device.

    Raises ``InputError`` (``setup.not_a_village``, ``setup.unknown_village``, or of the code's form).
    """
    node = parse_node_id(unicodedata.normalize("NFKC", text.strip()))
    division = division_of(node)
    if tier_of(division) is not Tier.VILLAGE:
        raise InputError(
            "setup.not_a_village",
            zh=f"{division} 是市或镇的代码。村级代办终端要用村（社区）的 12 位代码，请重新输入。",
            en=f"{division} is the code of a city or township. This terminal needs the 12 digits of a village; please "
            "type it again.",
        )
    if division not in divisions:
        raise InputError(
            "setup.unknown_village",
            zh=f"{division} 不在{divisions.city.name}的区划表中，不能用它设置。请核对村代码，或输入村名查找。",
            en=f"{division} is not in the table of divisions of {divisions.city.name} and cannot be used. Check the "
            "code, or type the village's name to find it.",
        )
    return node


def address_of(text: str, port: int) -> str:
    """``https://10.1.2.3:8443`` of what was typed: a name or number with or without port and ``https://``.

    Raises ``InputError`` (``setup.address``).
    """
    typed = unicodedata.normalize("NFKC", text[: ADDRESS_CHARS_MAX + 1]).strip().rstrip("/")
    try:
        parts = urlsplit(typed if "://" in typed else f"https://{typed}")
        host, given = parts.hostname or "", parts.port
    except ValueError:
        host, given = "", None
    bare = f"[{host}]" if ":" in host else host
    is_plain = host and parts.scheme == "https" and not (parts.path or parts.query or parts.username)
    if not is_plain or len(typed) > ADDRESS_CHARS_MAX or given == 0 or not _is_host(host):
        raise InputError(
            "setup.address",
            zh="地址应为主机名或数字地址，可带端口，如 10.20.30.40 或 10.20.30.40:8443，请对照通知单重新输入。",
            en="An address is a host name or numbers, with a port if there is one: 10.20.30.40 or 10.20.30.40:8443. "
            "Please type it again from the note.",
        )
    return f"https://{bare}:{given or port}"


def _is_host(host: str) -> bool:
    return all(char.isascii() and (char.isalnum() or char in ".-:") for char in host)


def check_typing(text: str) -> str:
    """The Chinese characters that an input method brought. Raises ``InputError`` (``setup.typing_*``)."""
    typed = text.strip()
    if not typed:
        raise InputError(
            "setup.typing_nothing",
            zh="还没有收到字。请打开输入法，打两个汉字，再按 Enter；打不出来按 F8 跳过。",
            en="Nothing has arrived yet. Switch the input method on, type two Chinese characters and press Enter; if "
            "it does not work, F8 goes on without.",
        )
    if sum(is_chinese(char) for char in typed) < 2:
        raise InputError(
            "setup.typing_letters",
            zh=f"收到的是“{typed[:12]}”，不足两个汉字。输入法可能没有切换到中文：按 Shift 或 Ctrl+空格 再试；"
            "Windows 旧式窗口请关闭数字锁定（NumLock）或改用 Windows Terminal。",
            en=f"What arrived is {typed[:12]!r}, not two Chinese characters. Switch the input method to Chinese (Shift or "
            "Ctrl+Space) and try again; in an old Windows console switch NumLock off or use Windows Terminal.",
        )
    return typed


def is_chinese(char: str) -> bool:
    """Whether it is a unified ideograph, rare ones included."""
    return unicodedata.name(char, "").startswith("CJK UNIFIED IDEOGRAPH")


def check_pins(pin: str, again: str) -> str:
    """The PIN, typed twice alike. Raises as :func:`check_pin`, and ``InputError`` (``setup.pins_differ``)."""
    chosen = check_pin(pin)
    if chosen != unicodedata.normalize("NFKC", again):
        raise InputError(
            "setup.pins_differ",
            zh="两次输入的口令不一样，请把第二遍重新输入。",
            en="The two PINs differ; please type the second one again.",
        )
    return chosen


def is_clock_plausible(now: datetime, known_until_year: int) -> bool:
    """Whether the year can be: near that up to which the packaged calendar knows the working days."""
    year = now.astimezone(CHINA).year
    return known_until_year - YEARS_BEHIND_MAX <= year <= known_until_year + YEARS_AHEAD_MAX
