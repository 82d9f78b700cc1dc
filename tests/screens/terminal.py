"""A real terminal for tests: tmux, its keys and what it shows."""

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 60.0


class Terminal:
    """One program in a tmux window of its own server. Fails in words where tmux is missing."""

    def __init__(self, command: list[str], *, columns: int = 80, rows: int = 24, **env: str) -> None:
        tmux = shutil.which("tmux")
        if tmux is None:
            raise RuntimeError("tmux is missing: run `make parts` (Debian: apt-get install tmux)")
        self._tmux = [tmux, "-L", f"liandong-{uuid.uuid4().hex[:8]}", "-f", os.devnull]
        settings = [f"{name}={value}" for name, value in ({"LANG": "C.UTF-8"} | env).items()]
        size = ["-x", str(columns), "-y", str(rows)]
        self._run("-u", "new-session", "-d", *size, "env", *settings, *command)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True)

    def press(self, *keys: str) -> None:
        """Key names as tmux has them: ``F2``, ``Enter``, ``C-z``."""
        self._run("send-keys", *keys)

    def type(self, text: str) -> None:
        """Text as an input method would commit it."""
        self._run("send-keys", "-l", text)

    def screen(self) -> str:
        return self._run("capture-pane", "-p")

    def coloured(self) -> str:
        """The screen with the escape sequences of its colours."""
        return self._run("capture-pane", "-p", "-e")

    def wait(self, words: str) -> str:
        """The screen, once it shows ``words``."""
        return self.wait_until(lambda text: words in text, words)

    def wait_until(self, good: Callable[[str], bool], what: str) -> str:
        until = time.monotonic() + PATIENCE_S
        text = ""
        while time.monotonic() < until:
            text = self.screen()
            if good(text):
                return text
            time.sleep(0.05)
        raise AssertionError(f"the terminal never showed {what!r}:\n{text}")

    def kill(self) -> None:
        """Pull the plug: SIGKILL to the program and all it started."""
        pid = int(self._run("display-message", "-p", "#{pane_pid}"))
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        for child in [*map(int, children), pid]:
            os.kill(child, 9)

    def _run(self, *words: str) -> str:
        done = subprocess.run([*self._tmux, *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"tmux {words[0]}: {done.stderr}")
        return done.stdout
