"""The first start on a new machine: which village, which township, who works here, and the code that joins the city."""

from pathlib import Path
from typing import Any

import click

from core.clock import local
from core.errors import InputError, LiandongError
from core.identifiers import parse_node_id
from core.regions import load_yuanjiang
from sync.cli import lang_of, say_error
from sync.environment import SystemWorld
from sync.settings import FILE_NAME
from village_agent.unlock import require_known

CONTACT_PORT, ENROL_PORT = 8443, 8442
"""What a township listens on, where nothing else is said."""
_WORDS = {
    "zh": {
        "welcome": "联动 村级代办终端 · 第一次使用\n\n一共四步，不用网络也能做完前三步。Ctrl+C 随时退出，没做完的下次再来。\n",
        "clock": "本机时间：{now}。如果不对，请先退出，调准电脑时钟再来。\n",
        "village": "1 本村的 12 位区划代码",
        "place": "  {name}",
        "township": "2 镇便民中心的地址（如 10.8.0.1，镇里会告诉您）",
        "address": "  地址应为主机名或 IP，可以加“:端口”，如 10.8.0.1:8443。",
        "people": "\n3 谁在这台电脑上办件（口令至少 6 位，忘记了数据就打不开，请记牢）",
        "code": "\n4 镇里给的一次性注册码（现在没有网络或没有注册码，直接按回车，以后再做）",
        "later": "以后注册：village-agent enrol 注册码",
        "not_enrolled": "这次没有注册成，本机已可登记申请；以后再试：village-agent enrol 注册码",
        "done": "\n设置完成，正在打开终端…",
    },
    "en": {
        "welcome": "Liandong village agent - first start\n\nFour steps; the first three need no line. Ctrl+C leaves at any time, "
        "and what was not done is asked for again.\n",
        "clock": "The clock of this machine says {now}. If that is wrong, leave, set it, and come back.\n",
        "village": "1 The 12-digit division code of this village",
        "place": "  {name}",
        "township": "2 The address of the township centre (such as 10.8.0.1; they tell you)",
        "address": "  A host name or IP address, perhaps with :port, such as 10.8.0.1:8443.",
        "people": "\n3 Who works at this machine (a PIN of 6 or more; without it the data cannot be opened, so keep it in mind)",
        "code": "\n4 The one-time code that the township gave you (Enter if there is no line or no code yet)",
        "later": "To enrol later: village-agent enrol CODE",
        "not_enrolled": "It is not enrolled yet; applications can be taken in. Try again later: village-agent enrol CODE",
        "done": "\nAll set, opening the terminal...",
    },
}


def is_first(folder: Path) -> bool:
    return not (folder / FILE_NAME).exists()


def set_up(ctx: click.Context, init: click.Command, enrol: click.Command) -> None:
    """Ask step by step, a wrong answer again; then do what ``init`` and ``enrol`` do. Raises as ``init`` does."""
    words = _WORDS[lang_of(ctx)]
    click.echo(words["welcome"])
    click.echo(words["clock"].format(now=local(SystemWorld().now())))
    village = _ask(ctx, words["village"], _village)
    click.echo(words["place"].format(name=_name(village)))
    contact, enrolment = _ask(ctx, words["township"], lambda text: addresses(text, words["address"]))
    click.echo(words["people"])
    ctx.invoke(init, node=village, **_defaults(init) | {"parent": contact, "parent_enrol": enrolment})
    code = click.prompt(words["code"], default="", show_default=False, err=True).strip()
    if not code:
        click.echo(words["later"])
    else:
        try:
            ctx.invoke(enrol, code_text=code)
        except LiandongError as error:
            # A mistyped code or a line that is down keeps nobody from working.
            say_error(ctx, error)
            click.echo(words["not_enrolled"])
    click.echo(words["done"])


def addresses(text: str, words: str = "host[:port]") -> tuple[str, str]:
    """``https://host:8443`` for contacts and ``https://host:8442`` for enrolment, from ``host[:port]``.

    Raises ``InputError`` (``start.address``).
    """
    host, colon, port = text.strip().removeprefix("https://").rstrip("/").partition(":")
    is_name = host.replace(".", "").replace("-", "").isalnum() and host.isascii()
    if not is_name or (colon and not (port.isascii() and port.isdecimal() and 1 < int(port[:6]) < 65536)):
        raise InputError("start.address", zh=words, en=words)
    contact = int(port) if colon else CONTACT_PORT
    # The two doors of a township stand beside each other.
    return f"https://{host}:{contact}", f"https://{host}:{contact - 1 if colon else ENROL_PORT}"


def _village(text: str) -> str:
    node = parse_node_id(text.strip())
    require_known(node)
    return str(node)


def _name(village: str) -> str:
    divisions = load_yuanjiang()
    code = village[:12]
    return divisions.full_name(code) if code in divisions else code


def _ask(ctx: click.Context, question: str, judge: Any) -> Any:
    while True:
        try:
            return judge(click.prompt(question, err=True))
        except LiandongError as error:
            say_error(ctx, error)


def _defaults(command: click.Command) -> dict[str, Any]:
    return {str(param.name): param.default for param in command.params if isinstance(param, click.Option)}
