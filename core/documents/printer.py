"""Printing: one document at a time, in a process of its own, bounded; what was printed is kept for the next who asks."""

import json
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import sha256

from core.documents.paper import EXIT_REFUSED, Paper, paper_to_json
from core.errors import Fault, InputError, LiandongError, LocalError

PROGRAM = (sys.executable, "-m", "core.documents.pdf")
PRINT_S_MAX, WAIT_S_MAX = 60, 60
PDF_BYTES_MAX = 8 << 20
KEPT_MAX, KEPT_BYTES_MAX = 64, 16 << 20


class Printer:
    """Papers in, PDF out. The key of what is kept is the paper itself: a case that moves on makes another paper."""

    def __init__(self, program: Sequence[str] = PROGRAM, print_s_max: float = PRINT_S_MAX) -> None:
        self._program = tuple(program)
        self._print_s_max = print_s_max
        self._turn = threading.Lock()
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self.printed = 0
        """How many were drawn and not taken from what is kept."""

    def print(self, paper: Paper) -> bytes:
        """The PDF of a paper.

        Raises ``InputError`` (``document.no_glyph``, ``document.large``), ``LocalError`` (``document.no_font``,
        ``document.busy``, ``document.slow``, ``document.failed``).
        """
        data = paper_to_json(paper)
        key = sha256(data).digest()
        if not self._turn.acquire(timeout=WAIT_S_MAX):
            raise LocalError(
                "document.busy",
                zh="正在打印其他文书，等候超时。请稍后再试。",
                en="Other documents are being printed and the wait was too long. Try again in a moment.",
            )
        try:
            if key not in self._kept:
                self._keep(key, self._draw(data))
            self._kept.move_to_end(key)
            return self._kept[key]
        finally:
            self._turn.release()

    def _draw(self, data: bytes) -> bytes:
        try:
            done = subprocess.run(  # noqa: S603 - our own module, no shell, nothing of the case in the arguments
                self._program, input=data, capture_output=True, timeout=self._print_s_max, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise LocalError(
                "document.slow",
                zh=f"文书在 {self._print_s_max:g} 秒内没有生成，已停止。请稍后再试；再出现请告诉管理员。",
                en=f"The document was not made within {self._print_s_max:g} seconds and was stopped. Try again in a moment; "
                "tell the administrator if it happens again.",
            ) from error
        except OSError as error:
            raise _failed(str(error)) from error
        if done.returncode == EXIT_REFUSED:
            raise _refusal(done.stdout)
        if done.returncode or not done.stdout.startswith(b"%PDF-") or len(done.stdout) > PDF_BYTES_MAX:
            raise _failed(done.stderr[-300:].decode("utf-8", "replace").strip() or f"exit {done.returncode}")
        self.printed += 1
        return done.stdout

    def _keep(self, key: bytes, pdf: bytes) -> None:
        self._kept[key] = pdf
        while len(self._kept) > 1 and (
            len(self._kept) > KEPT_MAX or sum(map(len, self._kept.values())) > KEPT_BYTES_MAX
        ):
            self._kept.popitem(last=False)


def _refusal(told: bytes) -> LiandongError:
    words = json.loads(told)
    made = InputError if words["fault"] == Fault.INPUT else LocalError
    return made(words["code"], zh=words["zh"], en=words["en"])


def _failed(why: str) -> LocalError:
    shown = "".join(char if char.isprintable() else " " for char in why[-200:])
    return LocalError(
        "document.failed",
        zh=f"文书没有生成（{shown}）。请稍后再试；再出现请告诉管理员。",
        en=f"The document was not made ({shown}). Try again in a moment; tell the administrator if it happens again.",
    )
