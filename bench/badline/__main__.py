"""``python -m bench.badline``: how long a village needs on a bad line, said in words; exit code 1 if not all arrived.

Examples: ``python -m bench.badline --mode steady``, ``python -m bench.badline --mode cut --seed 7 --json``.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click

from bench.badline.link import Nature, Window
from bench.badline.run import LIMIT_S_MAX, Load, Result, measure

EXIT_MISSING, EXIT_NOT_ROOT = 1, 3
UP_S, DOWN_S = 10, 20


@click.command(help="坏线路上的一天：128 kbit/s、往返 600 ms、丢包 5 % / a village's day on a bad line")
@click.option(
    "--mode", type=click.Choice(["steady", "cut", "both"]), default="both", show_default=True,
    help="一直通，或通 10 秒断 20 秒 / steadily up, or up 10 s and down 20 s",
)  # fmt: skip
@click.option(
    "--seed",
    default=1,
    show_default=True,
    help="决定丢哪些包和申请内容 / which packets are lost, who applies",
)
@click.option("--cases", default=500, show_default=True, type=click.IntRange(1, 5000))
@click.option("--files", default=10, show_default=True, type=click.IntRange(0, 100))
@click.option("--file-bytes", default=200 * 1024, show_default=True, type=click.IntRange(1024, 20 << 20))
@click.option(
    "--limit", "limit_s", default=600, show_default=True, type=click.IntRange(10, LIMIT_S_MAX), help="秒 / s"
)
@click.option("--wait", "wait_s", default=10, show_default=True, type=click.IntRange(0, 600),
              help="接通前等待的秒数 / seconds that the backlog waits before the line opens")  # fmt: skip
@click.option("--tag", default="bl", show_default=True, help="网络命名空间的前缀 / the namespaces' prefix")
@click.option("--keep", type=click.Path(path_type=Path), help="保留节点目录 / keep the nodes' folders here")
@click.option("--json", "as_json", is_flag=True)
def main(
    mode: str, seed: int, cases: int, files: int, file_bytes: int, limit_s: int, wait_s: int, tag: str,
    keep: Path | None, as_json: bool,
) -> None:  # fmt: skip
    if os.geteuid() != 0:
        click.echo(
            "需要 root：要建立网络命名空间和 TUN 设备。请用 sudo 运行。\n"
            "Root is needed: network namespaces and TUN devices are made. Run it with sudo.",
            err=True,
        )
        sys.exit(EXIT_NOT_ROOT)
    if files > cases:
        raise click.BadParameter("每件申请最多一个扫描件 / at most one scan a case", param_hint="--files")
    load = Load(cases, files, file_bytes)
    say: Callable[[str], None] = lambda words: click.echo(words, err=True)  # noqa: E731
    results = []
    for name in ("steady", "cut") if mode == "both" else (mode,):
        nature = Nature(up_s=UP_S, down_s=DOWN_S if name == "cut" else 0)
        folder = Path(tempfile.mkdtemp(prefix="liandong-badline-")) if keep is None else keep / name
        folder.mkdir(parents=True, exist_ok=True)
        try:
            results.append(measure(folder, nature, load, seed, limit_s, wait_s, tag, say))
        finally:
            if keep is None:
                shutil.rmtree(folder)
        click.echo(json.dumps(_facts(results[-1])) if as_json else _words(results[-1]))
    sys.exit(
        0 if all(one.files_s is not None and one.cases_s is not None for one in results) else EXIT_MISSING
    )


def _facts(result: Result) -> dict[str, object]:
    return {**asdict(result), "wire_bytes": result.wire_bytes, "minimum_s": _minimum_s(result)}


def _minimum_s(result: Result) -> float:
    """With every bit of the up direction used for what is useful, and nothing lost."""
    nature = result.nature
    share = nature.up_s / (nature.up_s + nature.down_s)
    return result.useful_bytes * 8 / nature.rate_bits_s / share


def _words(result: Result) -> str:
    nature, up, down = result.nature, result.line["up"], result.line["down"]
    turns = f"通 {nature.up_s:g} 秒断 {nature.down_s:g} 秒 / up {nature.up_s:g} s, down {nature.down_s:g} s"
    rows = [
        ("线路 / line", turns if nature.down_s else "一直通 / steadily up"),
        ("种子 / seed", f"{result.seed}"),
        ("全部办件到镇 / all cases at the township", _seconds(result.cases_s, f"{result.cases}/{result.load.cases}")),
        ("全部附件完整 / all files whole", _seconds(result.files_s, f"{result.files}/{result.load.files}")),
        ("镇已全部签收 / all signed for", _seconds(result.signed_s, "")),
        ("理论最短 / physical minimum", f"{_minimum_s(result):.0f} s"),
        ("原始字节 / raw bytes", f"{result.raw_bytes:,}"),
        ("有用字节 / useful bytes", f"{result.useful_bytes:,}"),
        ("线路字节（两向）/ on the wire, both ways", f"{result.wire_bytes:,}  (x {_ratio(result.wire_bytes, result)})"),
        ("其中上行、下行 / up, down", f"{up['offered']:,}, {down['offered']:,}"),
        ("丢失、断线丢弃、队列丢弃（上行）/ lost, cut, queue (up)",
         f"{up['lost']:,}, {up['cut_dropped']:,}, {up['queue_dropped']:,}"),
        ("TCP 重发字节（上行）/ sent again by TCP (up)", f"{up['resent']:,}"),
        ("首次发出的字节（上行）/ sent once by TCP (up)", f"{up['payload'] - up['resent']:,}"),
        ("镇已有却又收到的段 / frames brought twice", f"{result.frames_again}"),
        ("连接次数（上行 SYN）/ connections tried", f"{up['connections']}"),
    ]  # fmt: skip
    windows = [_window(number, one) for number, one in enumerate(result.windows) if nature.down_s]
    return "\n".join([f"{name}: {value}" for name, value in rows] + windows) + "\n"


def _window(number: int, window: Window) -> str:
    first = "-" if window.first_s is None else f"{window.first_s:.2f} s"
    return (
        f"第 {number + 1} 次接通 / window {number + 1}: 首字节 / first byte {first}, "
        f"{window.payload - window.again:,} + {window.again:,} 重复 / again"
    )


def _seconds(value: float | None, reached: str) -> str:
    return f"没有（{reached}）/ not reached" if value is None else f"{value:.1f} s"


def _ratio(size: int, result: Result) -> str:
    return f"{size / max(1, result.useful_bytes):.2f}"


if __name__ == "__main__":
    main()
