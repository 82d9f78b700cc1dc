"""``python -m deploy.demo``: seven nodes, a day's work, two incidents, and the books compared; 0 if all agrees."""

import asyncio
import hashlib
import signal
import sys
from contextlib import suppress
from importlib import resources
from pathlib import Path

import click
from rich.console import Console

from core.clock import CHINA
from core.errors import InputError, LiandongError
from deploy.demo import incidents, stay
from deploy.demo.crew import ROOT, Crew
from deploy.demo.day import Day
from deploy.demo.folder import fresh
from deploy.demo.judge import Verdict, judge
from deploy.demo.network import Network
from deploy.demo.plan import plan
from deploy.demo.scene import Scene
from deploy.demo.screen import Screen
from deploy.demo.sheet import missing_words, show_receipts, show_sheet
from sync.environment import SystemWorld

SETTLE_S_MAX = 30
PLAIN_WIDTH = 100
EXIT_DIFFERENT, EXIT_STOPPED = 1, 130


@click.command(
    help="三级演示：一市两镇四村，真实进程，断线再连，最后对账 / the three tiers at work on this machine"
)
@click.option(
    "--folder", default=ROOT / ".demo", type=click.Path(path_type=Path), help="演示目录 / its folder"
)
@click.option(
    "--seed", default=2015, show_default=True, help="同一种子，同一天 / the same seed, the same day"
)
@click.option(
    "--cases",
    "count",
    default=44,
    show_default=True,
    type=click.IntRange(16, 400),
    help="申请件数 / applications",
)
@click.option(
    "--limit", "limit_s", default=300, show_default=True, type=click.IntRange(10, 7200), help="秒 / seconds"
)
@click.option(
    "--lang", default="zh", envvar="LIANDONG_LANG", type=click.Choice(["zh", "en"]), show_default=True
)
@click.option("--receipts", is_flag=True, help="列出每次交接的回执 / list the receipt of every hand-over")
@click.option(
    "--keep", is_flag=True, help="结束后不关闭，说明怎样打开 / leave it running and say how to open it"
)
def main(folder: Path, seed: int, count: int, limit_s: int, lang: str, receipts: bool, keep: bool) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    try:
        code = asyncio.run(_main(console, folder, seed, count, limit_s, lang, receipts, keep))
    except LiandongError as error:
        console.print(f"✗ {error.text(lang)} [{error.code}]", markup=False, style="red", soft_wrap=True)
        code = 2 if isinstance(error, InputError) else EXIT_DIFFERENT
    sys.exit(code)


async def _main(
    console: Console, folder: Path, seed: int, count: int, limit_s: int, lang: str, receipts: bool, keep: bool
) -> int:
    folder = fresh(folder.absolute(), seed)
    scene = Scene(seed, lang, folder / "logs" / "events.log")
    env = {
        "LIANDONG_PIN_FILE": str(folder / "pin"),
        "LIANDONG_OPERATOR_NAME": "代办员",
        "LIANDONG_LANG": lang,
    }
    crew = Crew(folder / "logs", env)
    _stop_on_signals()
    screen = Screen(console, scene)
    network = Network(folder, crew, with_desks=True)
    try:
        try:
            async with screen.watching():
                verdict = await asyncio.wait_for(_day(network, scene, screen, count), limit_s)
        except TimeoutError:
            _tell_unfinished(console, scene, folder, limit_s)
            return EXIT_DIFFERENT
        if console.is_terminal:
            # The live picture is gone; what went wrong on the day is worth a second look.
            for event in scene.incidents:
                console.print(f"{event.at}  {event.text(lang)}", markup=False, soft_wrap=True)
        show_sheet(console, verdict, lang)
        if receipts:
            show_receipts(console, verdict, lang)
        _tell_end(console, scene, crew, verdict)
        if keep:
            with suppress(asyncio.CancelledError):
                await stay.until_stopped(console, network, lang)
            await crew.stop()
            console.print(_stopped(lang))
        return 0 if verdict.is_level else EXIT_DIFFERENT
    except asyncio.CancelledError:
        await crew.stop()
        console.print(_stopped(lang))
        return EXIT_STOPPED
    except ExceptionGroup as group:
        raise _first(group) from group
    finally:
        network.line.close()
        await crew.stop()


async def _day(network: Network, scene: Scene, screen: Screen, count: int) -> Verdict:
    scene.tell(
        f"种子 {scene.seed}，申请 {count} 件，目录 {network.folder}",
        f"Seed {scene.seed}, {count} applications, in {network.folder}",
    )
    await _set_up(network, scene)
    today = SystemWorld().now().astimezone(CHINA).date()
    scene.plans = plan(scene.seed, count, today, network.folder / "scans")
    screen.network = network
    scene.stage = ("办件", "at work")
    day = Day(network, scene)
    async with asyncio.TaskGroup() as group:
        group.create_task(day.work())
        group.create_task(incidents.cut_the_line(network, scene))
        group.create_task(incidents.kill_a_village(network, scene))
    verbs = len(day.by_command)
    scene.tell(
        f"全部办结；命令行用过 {verbs} 种动作，其余由同样的动作代码办理",
        f"All closed; {verbs} kinds of action went through the real command line",
    )
    scene.stage = ("对账", "reconciling")
    return await _reconcile(network, scene)


async def _set_up(network: Network, scene: Scene) -> None:
    scene.stage = ("安装", "setting up")
    await network.found_city()
    scene.tell("市节点已运行，根密钥已离线保存", "The city runs; its root key is kept apart")
    await network.add_townships()
    scene.tell("两个镇节点已用一次性注册码加入", "Two townships are enrolled with one-time codes")
    await network.add_villages()
    scene.tell("四个村代办点已加入，数据库加密", "Four villages are enrolled; their databases are encrypted")
    catalogue = Path(str(resources.files("core") / "data" / "catalogue.json"))
    told = await network.publish(catalogue)
    await network.hire()
    officers = await network.add_officers()
    scene.tell(
        f"事项目录第 {told['version']} 版已发布，登记工作人员 {officers} 人",
        f"Catalogue {told['version']} is published, {officers} officers entered",
    )
    for station in network.stations:
        while not await station.ask("catalogue"):
            await asyncio.sleep(0.3)
    scene.tell("各村都收到了目录，开始收件", "The catalogue has reached every village; applications begin")


async def _reconcile(network: Network, scene: Scene) -> Verdict:
    """Compare until everything agrees; the last receipts need a contact or two to come back."""
    given = {
        case: tuple(hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths)
        for case, paths in scene.given.items()
    }
    until_s = scene.elapsed_s + SETTLE_S_MAX
    while True:
        stations = network.stations
        books = {one.node: await one.book(open_files=True) for one in stations}
        cabinets = {one.node: await one.cabinet() for one in stations}
        verdict = judge(books, cabinets, given)
        scene.books = books
        if verdict.is_level or scene.elapsed_s > until_s:
            return verdict
        await asyncio.sleep(1)


def _tell_unfinished(console: Console, scene: Scene, folder: Path, limit_s: int) -> None:
    zh = scene.lang == "zh"
    console.print(
        f"✗ {limit_s} 秒内没有办完（阶段：{scene.stage[0]}）。还缺："
        if zh
        else f"✗ Not finished within {limit_s} s (stage: {scene.stage[1]}). Missing:",
        style="red",
    )
    for words in missing_words(scene, scene.lang):
        console.print(f"  {words}", markup=False, soft_wrap=True)
    console.print(f"  日志：{folder / 'logs'}" if zh else f"  logs: {folder / 'logs'}", soft_wrap=True)


def _tell_end(console: Console, scene: Scene, crew: Crew, verdict: Verdict) -> None:
    took, cases = f"{scene.elapsed_s:.1f}", len(scene.cases)
    if scene.lang == "zh":
        result = "账目全部相符" if verdict.is_level else f"有 {len(verdict.differences)} 处不符"
        words = f"{result}：{cases} 件，{crew.commands} 次命令行，种子 {scene.seed}，用时 {took} 秒"
    else:
        result = "All books agree" if verdict.is_level else f"{len(verdict.differences)} differences"
        words = f"{result}: {cases} cases, {crew.commands} commands, seed {scene.seed}, {took} s"
    console.print(words, style="bold green" if verdict.is_level else "bold red", soft_wrap=True)


def _stopped(lang: str) -> str:
    return "已停止，子进程都已结束。" if lang == "zh" else "Stopped; every child process has ended."


def _stop_on_signals() -> None:
    """End cleanly on the first signal; further ones do not interrupt the ending, which takes seconds at most."""
    task = asyncio.current_task()
    assert task is not None
    asked: list[int] = []

    def stop(number: int) -> None:
        if not asked:
            task.cancel()
        asked.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop, number)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The reason behind a group of them."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    main()
