"""``python -m tests.torture``: exit code 0 if every number that was told to a person is at the city exactly once."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence

from core.errors import LiandongError
from tests.torture.run import CHAPTERS, Report, torture
from tests.torture.scene import Scene
from tests.torture.table import as_plain, table

EXIT_BROKEN, EXIT_FAILED, EXIT_STOPPED = 1, 2, 130
TERMINAL_S, PLAIN_S = 1.0, 10.0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.torture",
        description=__doc__,
        epilog="example: python -m tests.torture --minutes 5 --seed 7 --only kills,full",
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="of all chapters together (default 5)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default=",".join(CHAPTERS), help=f"of {','.join(CHAPTERS)}")
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--keep", action="store_true", help="leave the folder with logs and ledger")
    options = parser.parse_args()
    chapters = options.only.split(",")
    if unknown := set(chapters) - set(CHAPTERS):
        parser.error(f"no chapter {', '.join(sorted(unknown))}; there are {', '.join(CHAPTERS)}")
    if not 0 < options.minutes <= 600:
        parser.error("--minutes: more than 0, at most 600")
    try:
        report = asyncio.run(_main(options.seed, options.minutes, chapters, options.keep))
    except asyncio.CancelledError:
        print(
            "已停止，进程、挂载和目录都已清理 / stopped; processes, mounts and folders are gone",
            file=sys.stderr,
        )
        return EXIT_STOPPED
    except LiandongError as error:
        print(f"✗ {error.zh} / {error.en} [{error.code}]", file=sys.stderr)
        return EXIT_FAILED
    print(json.dumps(as_plain(report), ensure_ascii=False, indent=2) if options.as_json else table(report))
    return 0 if report.is_good else EXIT_BROKEN


async def _main(seed: int, minutes: float, chapters: Sequence[str], keep: bool) -> Report:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await torture(seed, minutes, chapters, _show_progress, keep)


async def _show_progress(scene: Scene) -> None:
    is_terminal = sys.stderr.isatty()
    while True:
        tally = scene.tally
        words = (
            f"{scene.elapsed_s:4.0f} s  {scene.chapter:16}  slips {scene.ledger.slips:4}  "
            f"kills {tally.kills.total():4}  refused {tally.refusals.total():4}  "
            f"without words {tally.unworded_count}  broken {len(tally.broken)}"
        )
        print(f"\r{words}\x1b[K" if is_terminal else words, end="" if is_terminal else "\n", file=sys.stderr)
        sys.stderr.flush()
        await asyncio.sleep(TERMINAL_S if is_terminal else PLAIN_S)


if __name__ == "__main__":
    sys.exit(main())
