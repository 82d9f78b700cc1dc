"""The child processes of a demo: started with a log each, and every one of them ended, however the demo ends."""

import asyncio
import contextlib
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import LocalError

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[2]
STOP_S_MAX = 10
COMMAND_S_MAX = 90
ANSWER_BYTES_MAX = 32 << 20
_COMMAND = "command "


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class CommandFailed(LocalError):
    """A command of a node said no where the demo needed a yes."""

    def __init__(self, command: str, done: Done) -> None:
        words = (done.err or done.out).strip()[-600:]
        super().__init__(
            "demo.command",
            zh=f"命令失败（退出码 {done.code}）：{command}\n{words}",
            en=f"The command failed with exit code {done.code}: {command}\n{words}",
        )


class Crew:
    """Starts processes in a group of their own each, so that a Ctrl-C reaches the demo first."""

    def __init__(self, logs: Path, env: Mapping[str, str]) -> None:
        self.logs = logs
        self.env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **env}
        self.commands = 0
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._log = (logs / "commands.log").open("a", encoding="utf-8")

    async def run(
        self,
        program: str,
        *words: str,
        check: bool = True,
        env: Mapping[str, str] | None = None,
        through: Sequence[str] = (),
        kill_after_s: float | None = None,
    ) -> Done:
        """Run one command of a console script to its end. Raises ``CommandFailed`` unless ``check`` is false.

        ``through`` is a command that starts it (a tracer); ``kill_after_s`` ends it as a power cut does, with what it
        had printed until then.
        """
        started_s = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *through,
            str(BIN / program),
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**self.env, **(env or {})},
            cwd=ROOT,
            start_new_session=True,
        )
        self.commands += 1
        name = f"{_COMMAND}{self.commands}"
        self._running[name] = process
        killing = None
        if kill_after_s is not None:
            killing = asyncio.get_running_loop().call_later(kill_after_s, _signal, process, signal.SIGKILL)
        try:
            out, err = await asyncio.wait_for(process.communicate(), COMMAND_S_MAX)
        finally:
            if killing is not None:
                killing.cancel()
            if process.returncode is None:
                _signal(process, signal.SIGKILL)
            self._running.pop(name, None)
        done = Done(process.returncode or 0, out.decode(errors="replace"), err.decode())
        command = shlex.join([program, *words])
        self._log.write(f"{time.monotonic() - started_s:5.2f}s [{done.code}] {command}\n")
        if done.code:
            self._log.write(f"{done.err or done.out}\n")
        self._log.flush()
        if check and done.code:
            raise CommandFailed(command, done)
        return done

    async def start(self, name: str, program: str, *words: str, env: Mapping[str, str] | None = None) -> None:
        """Start a process that goes on; its output goes to ``logs/NAME.log``."""
        with (self.logs / f"{name}.log").open("ab") as log:
            self._running[name] = await asyncio.create_subprocess_exec(
                str(BIN / program),
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**self.env, **(env or {})},
                cwd=ROOT,
                start_new_session=True,
            )

    async def start_worker(self, name: str, *words: str) -> asyncio.subprocess.Process:
        """Start a worker of ours, spoken to by its standard input and output."""
        with (self.logs / f"{name}.log").open("ab") as log:
            process = self._running[name] = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "deploy.demo.worker",
                *words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=self.env,
                cwd=ROOT,
                start_new_session=True,
                limit=ANSWER_BYTES_MAX,
            )
        return process

    def is_running(self, name: str) -> bool:
        return name in self._running and self._running[name].returncode is None

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def ended(self) -> list[str]:
        """Names of processes that go on by themselves, and ended without being asked to."""
        going_on = ((name, one) for name, one in self._running.items() if not name.startswith(_COMMAND))
        return [name for name, process in going_on if process.returncode is not None]

    async def kill(self, name: str) -> None:
        """End a process as a power cut does: SIGKILL, nothing is written any more."""
        process = self._running.pop(name)
        _signal(process, signal.SIGKILL)
        await process.wait()

    async def stop(self) -> None:
        """End everything: asked first, then made to."""
        processes = list(self._running.values())
        self._running.clear()
        for process in processes:
            _signal(process, signal.SIGTERM)
        ends = [asyncio.create_task(process.wait()) for process in processes if process.returncode is None]
        if ends:
            await asyncio.wait(ends, timeout=STOP_S_MAX)
        for process in processes:
            if process.returncode is None:
                _signal(process, signal.SIGKILL)
                await process.wait()
        self._log.close()


def _signal(process: asyncio.subprocess.Process, number: int) -> None:
    # It may have ended by itself a moment ago.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
