"""Contact in the background: a process of low priority that meets the township while the terminal is open.

A process of its own, since a thread would keep the keys waiting. It is given the key of the database through a pipe,
never by argument, environment or file, and ends when that pipe does: with the terminal, however that ends.

    python -m village_agent.background FOLDER
"""

import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from core.clock import World
from sync.installation import Installation
from sync.restoring import running_pid
from sync.status import is_enrolled

LOG_NAME = "background.log"
LOG_BYTES_MAX = 1 << 20
NICENESS = 10
WAIT_S_FIRST, WAIT_S_MAX = 5.0, 300.0
_BELOW_NORMAL, _NO_WINDOW = 0x4000, 0x08000000
"""Of Windows: BELOW_NORMAL_PRIORITY_CLASS, and CREATE_NO_WINDOW, which takes it off the keys of the terminal's window."""


class Background:
    """The process, as the terminal holds it. ``look`` is called now and then and starts it where it should run."""

    def __init__(self, installation: Installation, world: World) -> None:
        self.installation, self._world = installation, world
        self._process: subprocess.Popen[bytes] | None = None
        self._failures = 0
        self._not_before_s = 0.0

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def look(self) -> None:
        """Start the process if this node can meet somebody and none runs; after an early end later and later."""
        if self.is_running:
            return
        now_s = self._world.monotonic_s()
        if self._process is not None:
            self._process = None
            self._failures += 1
            self._not_before_s = now_s + min(WAIT_S_MAX, WAIT_S_FIRST * 2 ** (self._failures - 1))
        installation = self.installation
        may = installation.settings.parent_contact and is_enrolled(installation)
        # A service of this machine may do the same already.
        if may and now_s >= self._not_before_s and running_pid(installation.folder) is None:
            self._start()

    def stop(self) -> None:
        """Tell it to end; it finishes its round by itself, and nobody has to wait for that."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()

    def _start(self) -> None:
        folder, key = self.installation.folder, self.installation.db.raw_key
        path = folder / LOG_NAME
        is_long = path.exists() and path.stat().st_size > LOG_BYTES_MAX
        with path.open("wb" if is_long else "ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                [sys.executable, "-X", "utf8", "-m", "village_agent.background", str(folder)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={name: value for name, value in os.environ.items() if name != "LIANDONG_PIN"},
                # Keys that stop the terminal are not meant for it.
                start_new_session=sys.platform != "win32",
                creationflags=_BELOW_NORMAL | _NO_WINDOW if sys.platform == "win32" else 0,
            )
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(("" if key is None else key.hex()).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            # It has ended already; the next look says so.
            return


def main() -> None:
    """The process itself: the key on the first line of its input, then run until that input ends."""
    from sync import service
    from sync.environment import SystemWorld
    from sync.reopen import keep_serving
    from village_agent.app import Village, beat, open_village
    from village_agent.unlock import reopen_node

    folder = Path(sys.argv[1])
    if sys.platform != "win32":
        os.nice(NICENESS)
    logging.basicConfig(level=logging.ERROR, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    key = bytes.fromhex(sys.stdin.readline().strip())

    def wait_for_the_end() -> None:
        sys.stdin.read()
        signal.raise_signal(signal.SIGTERM)

    def serve(village: Village) -> None:
        service.run(village.installation, None, lambda: None, lambda: beat(village))

    village = open_village(folder, SystemWorld(), key or None)
    threading.Thread(target=wait_for_the_end, daemon=True).start()
    keep_serving(village, reopen_node, serve, SystemWorld())


if __name__ == "__main__":
    main()
