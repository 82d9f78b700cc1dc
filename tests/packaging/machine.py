"""A Debian of its own for the length of a test: this system's files, copied on write, without any network."""

import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_START = r"""
set -eu
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$1/root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$1/root/run"
ip link set lo up
touch "$1/ready"
exec sleep infinity
"""


class NoMachine(Exception):
    """This system cannot lend its files; says why."""


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    def json(self) -> Any:
        return json.loads(self.out)


class Machine:
    """Mounts, processes and network are its own; what lies in ``/tmp`` and ``/run`` of this system is not seen."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        if os.geteuid() != 0 or not Path("/etc/debian_version").exists():
            raise NoMachine("root on a Debian is needed")
        for name in ("upper", "work", "root"):
            (folder / name).mkdir()
        words = [
            "unshare",
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            _START,
            "sh",
            str(folder),
        ]
        self._holder = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        while not (folder / "ready").exists():
            if self._holder.poll() is not None:
                assert self._holder.stderr is not None
                raise NoMachine(self._holder.stderr.read())
            time.sleep(0.02)
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text().split()
        self._inside = int(children[0])

    def words(self, *words: str, user: str = "root", env: dict[str, str] | None = None) -> list[str]:
        """The command line that runs ``words`` inside."""
        home = "/root" if user == "root" else f"/home/{user}"
        around = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": home,
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
        }
        enter = ["nsenter", "--target", str(self._inside), "--mount", "--net", "--pid", "chroot"]
        enter += [f"--userspec={user}:{user}", str(self.root), "env", "-i", "-C", home]
        return [*enter, *(f"{key}={value}" for key, value in (around | (env or {})).items()), *words]

    def run(
        self, *words: str, user: str = "root", env: dict[str, str] | None = None, text: str | None = None
    ) -> Said:
        done = subprocess.run(
            self.words(*words, user=user, env=env),
            input=text or "",
            capture_output=True,
            text=True,
            timeout=600,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str) -> "Running":
        """A program of root's that goes on; one of a name at a time."""
        file = f"/run/{Path(words[0]).name}.pid"
        command = self.words("sh", "-c", 'echo $$ >"$0"; exec "$@"', file, *words)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return Running(self, file, process)

    def bring(self, source: Path, target: str, mode: int = 0o644) -> None:
        """A file of this system into the machine."""
        self.write(target, source.read_bytes(), mode)

    def write(self, target: str, data: bytes, mode: int = 0o644) -> None:
        done = subprocess.run(
            self.words("sh", "-c", f'cat >"{target}" && chmod {mode:o} "{target}"'),
            input=data,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Running:
    """A program inside that goes on until it is told to stop."""

    def __init__(self, machine: Machine, pid_file: str, process: "subprocess.Popen[str]") -> None:
        self._machine, self._pid_file, self._process = machine, pid_file, process

    def await_line(self, pattern: str) -> str:
        assert self._process.stdout is not None
        seen = []
        for line in self._process.stdout:
            seen.append(line)
            if re.search(pattern, line):
                return line
        raise AssertionError("".join(seen))

    def stop(self) -> None:
        # What stands outside is only the door: a signal has to be sent inside.
        told = self._machine.run("sh", "-c", f"kill -TERM $(cat {self._pid_file})")
        assert told.code == 0, told.text
        self._process.wait(90)
