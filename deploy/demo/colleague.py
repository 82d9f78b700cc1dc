"""The demo's side of a worker: asks one thing at a time and gets the answer or the refusal in words."""

import asyncio
import json
from typing import Any

from core.errors import LiandongError, LocalError

ANSWER_S_MAX = 120


class Refused(LiandongError):
    """A verb of the node said no."""


class Colleague:
    """Somebody at work beside a node."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process
        self._turn = asyncio.Lock()

    async def tell(self, **facts: Any) -> None:
        """Say something that is not answered."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(facts, ensure_ascii=False).encode() + b"\n")
        await self._process.stdin.drain()

    async def ask(self, do: str, **facts: Any) -> Any:
        """The answer. Raises ``Refused`` with the node's own words, ``LocalError`` if the worker is gone."""
        async with self._turn:
            assert self._process.stdout is not None
            try:
                await self.tell(do=do, **facts)
                line = await asyncio.wait_for(self._process.stdout.readline(), ANSWER_S_MAX)
            except (OSError, TimeoutError) as error:
                raise self._gone(do) from error
            if not line:
                raise self._gone(do)
            answer = json.loads(line)
        if "error" in answer:
            words = answer["error"]
            raise Refused(words["code"], zh=words["zh"], en=words["en"])
        return answer["done"]

    def _gone(self, do: str) -> LocalError:
        return LocalError(
            "demo.worker",
            zh=f"工作进程 {self.name} 没有应答（{do}），详见 logs/{self.name}.log。",
            en=f"The worker {self.name} does not answer ({do}); see logs/{self.name}.log.",
        )
