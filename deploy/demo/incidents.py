"""What goes wrong on the day, on purpose: a line that is cut, and a village's program that is killed."""

import asyncio
from collections.abc import Callable

from deploy.demo.judge import place
from deploy.demo.network import Network, Station
from deploy.demo.scene import Scene

LINE = "line"
BROKEN, MENDED = "!", "✓"
CUT_S_MIN, CUT_S_MAX = 6.0, 25.0
KILLED_S = 4.0
LOOK_S = 0.2


async def cut_the_line(network: Network, scene: Scene) -> None:
    """Cut the first township off from the city when its cases are on the way; heal it when some have piled up."""
    township = network.townships[0]
    await _until(lambda: _has_sent(scene, township, 3))
    network.line.cut()
    scene.down.add(LINE)
    where, at = place(township.node), place(township.node, "en")
    scene.tell(
        f"{where} 到市中心的线路断了；镇和村照常收件、初审",
        f"The line from {at} to the city is down; the township and its villages go on working",
        mark=BROKEN,
    )
    cut_s = scene.elapsed_s
    await asyncio.sleep(CUT_S_MIN)
    await _until(lambda: _waiting(scene, township) >= 4 or scene.elapsed_s - cut_s > CUT_S_MAX)
    waiting = _waiting(scene, township)
    network.line.heal()
    scene.down.discard(LINE)
    refused = network.line.turned_away
    lasted = f"{scene.elapsed_s - cut_s:.0f}"
    scene.tell(
        f"线路恢复，断了 {lasted} 秒、拒接 {refused} 次；{where} 待传 {waiting} 封，从断处续传",
        f"The line is back after {lasted} s and {refused} calls turned away; {waiting} envelopes wait at {at} "
        "and go on from where it broke",
        mark=MENDED,
    )


async def kill_a_village(network: Network, scene: Scene) -> None:
    """Kill a village's program while it has work in hand, and start it again."""
    village = network.villages[-1]
    where, at = place(village.node), place(village.node, "en")
    await _until(lambda: _taken_in(scene, village) >= 3)
    await network.crew.kill(village.run_name)
    scene.down.add(village.node)
    scene.tell(
        f"{where} 的后台程序被 kill -9（如同断电）；代办员照常收件",
        f"The program of {at} was killed with -9, as a power cut does; its agent goes on taking in",
        mark=BROKEN,
    )
    before = _taken_in(scene, village)
    await asyncio.sleep(KILLED_S)
    await network.restart(village)
    scene.down.discard(village.node)
    more = _taken_in(scene, village) - before
    scene.tell(
        f"{where} 重新运行，其间又收 {more} 件，接着上传",
        f"{at} runs again; {more} more were taken in meanwhile and are sent now",
        mark=MENDED,
    )


def _has_sent(scene: Scene, township: Station, count: int) -> bool:
    book = scene.books.get(township.node)
    forwarded = 0 if book is None else sum("CaseForwarded" in one.steps for one in book.entries.values())
    return forwarded >= count


def _taken_in(scene: Scene, village: Station) -> int:
    return sum(1 for case in scene.cases if case.startswith(village.node))


def _waiting(scene: Scene, station: Station) -> int:
    """Envelopes and messages not sealed yet that wait for the neighbour above."""
    return sum(
        int(peer["waiting_envelopes"]) + int(peer["unsealed"])
        for peer in scene.queues.get(station.node, [])
        if peer["node"].endswith("000000")
    )


async def _until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        await asyncio.sleep(LOOK_S)
