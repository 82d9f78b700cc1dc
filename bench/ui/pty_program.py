"""A program in a pseudo-terminal: what it writes, to the tenth of a millisecond."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

READ_BYTES = 65536
PATIENCE_S = 60.0
QUIET_S = 0.08
"""So long nothing is written before a key is pressed: what comes next is its echo."""


class PtyProgram:
    """Times are seconds since the program was started."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], rows: int = 24, columns: int = 80
    ) -> None:
        self._started = time.monotonic()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], list(command), {**os.environ, "TERM": "xterm-256color", **env})
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.written = self.all_written = b""

    def first_write_s(self) -> float:
        """When it wrote anything at all."""
        self.read_until(lambda: bool(self.written), "anything")
        return time.monotonic() - self._started

    def shown_s(self, words: str) -> float:
        """When it had written ``words``. What a page writes for the first time it writes in one piece."""
        self.read_until(lambda: words.encode() in self.written, words)
        return time.monotonic() - self._started

    def press_ms(self, keys: bytes, echo: bytes) -> float:
        """How long until ``echo`` was written after the keys."""
        self.rest()
        return self.press_at_once(keys, echo)

    def press_at_once(self, keys: bytes, echo: bytes = b"") -> float:
        """The same without a rest before; the echo is the keys themselves if it is not given."""
        self.written, echo = b"", echo or keys
        pressed = time.monotonic()
        os.write(self._fd, keys)
        self.read_until(lambda: echo in self.written, repr(echo))
        return (time.monotonic() - pressed) * 1000

    def rest(self) -> None:
        """Read until nothing has come for ``QUIET_S``."""
        while self._read(QUIET_S):
            pass

    def write(self, keys: bytes) -> None:
        os.write(self._fd, keys)

    def memory_mb(self) -> float:
        """Resident now."""
        for line in Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the program has ended")

    def kill(self) -> None:
        """Pull the plug."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._fd)

    def read_until(self, good: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + PATIENCE_S
        while not good():
            if time.monotonic() > until:
                raise RuntimeError(f"never written: {what}; last: {self.written[-300:]!r}")
            self._read(0.05)

    def _read(self, wait_s: float) -> bool:
        if not select.select([self._fd], [], [], wait_s)[0]:
            return False
        try:
            piece = os.read(self._fd, READ_BYTES)
        except OSError as error:
            raise RuntimeError(f"the program ended: {self.written[-500:]!r}") from error
        self.written += piece
        self.all_written += piece
        return True
