"""After the reconciliation: how to look around in the nodes that go on running, and how to stop them."""

import asyncio
import os
import shlex
from pathlib import Path

from rich.console import Console

from core.identifiers import Tier
from deploy.demo.crew import BIN
from deploy.demo.judge import place
from deploy.demo.network import Network, Station


async def until_stopped(console: Console, network: Network, lang: str) -> None:
    """Say how to open everything, then wait for Ctrl-C or SIGTERM."""
    for words in await opening_words(network, lang):
        console.print(words, markup=False, soft_wrap=True)
    await asyncio.Event().wait()


async def opening_words(network: Network, lang: str) -> list[str]:
    zh = lang == "zh"
    village = network.villages[0]
    paths = (BIN / village.program, village.folder, network.folder / "pin")
    program, data, pin = (shlex.quote(_near(path)) for path in paths)
    tui = f"{program} --data {data} --pin-file {pin} tui"
    words = ["", "仍在运行，可以打开看看：" if zh else "Still running; to look around:"]
    words += [f"  {place(village.node, lang)} {'终端：' if zh else 'terminal:'}", f"    {tui}"]
    for station in (network.city, *network.townships):
        words += await _desk_words(station, lang)
    file = _near(network.folder / "passwords.txt")
    words.append(
        f"  一次性密码在 {file}（首次登录须修改）"
        if zh
        else f"  One-time passwords: {file} (changed at first sign-in)"
    )
    stop = f"停止：Ctrl-C，或 kill {os.getpid()}" if zh else f"To stop: Ctrl-C, or kill {os.getpid()}"
    return [*words, f"  {stop}", ""]


async def _desk_words(station: Station, lang: str) -> list[str]:
    """The address of a desk's pages, if this build serves them."""
    assert station.tier is not Tier.VILLAGE
    host, _, port = station.desk.rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return []
    writer.close()
    names = " ".join(station.passwords)
    sign_in = "工号" if lang == "zh" else "sign in as"
    return [f"  {place(station.node, lang)}: http://{station.desk}/  {sign_in}: {names}"]


def _near(path: Path) -> str:
    """The path as it is typed here: shorter than the whole one where it lies below the current folder."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
