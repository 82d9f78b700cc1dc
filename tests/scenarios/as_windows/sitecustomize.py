"""Started with every interpreter that has this folder on its path: what Windows lacks is gone, and our modules are told so.

The modules that only POSIX has cannot be imported by anybody. Our own modules see an ``os``, ``signal``, ``socket`` and ``select``
without the names that Windows lacks, an ``os`` and a ``sys`` that call themselves Windows, and the few calls of its kernel
that they make, done here by what there is. Paths stay those of this machine.
"""

import builtins
import ctypes
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

# What the standard library itself needs of them is had before they go.
for _needed in (
    "asyncio",
    "subprocess",
    "tempfile",
    "getpass",
    "multiprocessing.util",
    "mimetypes",
    "shutil",
    "uvicorn",
    "click",
    "zipfile",
):
    __import__(_needed)

GONE = frozenset(
    {
        "fcntl",
        "resource",
        "termios",
        "pwd",
        "grp",
        "pty",
        "tty",
        "syslog",
        "posix",
        "readline",
        "crypt",
        "spwd",
        "nis",
        "curses",
    }
)
OURS = ("core", "sync", "village_agent")
LACKING = {
    "os": frozenset(
        [
            "chown",
            "chroot",
            "confstr",
            "ctermid",
            "device_encoding",
            "fchdir",
            "fchmod",
            "fchown",
            "fdatasync",
            "fork",
            "forkpty",
            "fpathconf",
            "fstatvfs",
            "getegid",
            "geteuid",
            "getgid",
            "getgroups",
            "getloadavg",
            "getpgid",
            "getpgrp",
            "getpriority",
            "getresuid",
            "getsid",
            "getuid",
            "initgroups",
            "killpg",
            "lchown",
            "lockf",
            "major",
            "makedev",
            "memfd_create",
            "minor",
            "mkfifo",
            "mknod",
            "nice",
            "openpty",
            "pathconf",
            "pipe2",
            "posix_fadvise",
            "posix_fallocate",
            "posix_spawn",
            "pread",
            "preadv",
            "pwrite",
            "pwritev",
            "readv",
            "register_at_fork",
            "sched_getaffinity",
            "sched_yield",
            "sendfile",
            "setegid",
            "seteuid",
            "setgid",
            "setgroups",
            "setpgid",
            "setpriority",
            "setsid",
            "setuid",
            "splice",
            "statvfs",
            "sync",
            "sysconf",
            "tcgetpgrp",
            "ttyname",
            "umount",
            "uname",
            "wait",
            "wait3",
            "wait4",
            "waitid",
            "writev",
            "WNOHANG",
            "WIFEXITED",
            "WEXITSTATUS",
            "MFD_CLOEXEC",
            "O_CLOEXEC",
            "O_DIRECTORY",
            "O_DSYNC",
            "O_NOCTTY",
            "O_NOFOLLOW",
            "O_NONBLOCK",
            "O_SYNC",
            "POSIX_FADV_DONTNEED",
            "RTLD_NOW",
            "F_OK_AND",
        ]
    ),
    "signal": frozenset(
        [
            "SIGALRM",
            "SIGCHLD",
            "SIGCONT",
            "SIGHUP",
            "SIGKILL",
            "SIGPIPE",
            "SIGQUIT",
            "SIGSTOP",
            "SIGTSTP",
            "SIGUSR1",
            "SIGUSR2",
            "SIGWINCH",
            "alarm",
            "pause",
            "pthread_kill",
            "pthread_sigmask",
            "setitimer",
            "siginterrupt",
            "sigwait",
        ]
    ),
    "socket": frozenset(
        [
            "AF_UNIX",
            "TCP_CONGESTION",
            "TCP_INFO",
            "TCP_NOTSENT_LOWAT",
            "TCP_USER_TIMEOUT",
            "SO_REUSEPORT",
            "SO_BINDTODEVICE",
            "CMSG_LEN",
            "fromfd",
            "sethostname",
        ]
    ),
    "select": frozenset(["poll", "epoll", "kqueue", "devpoll"]),
    "sys": frozenset(),
}
_ERROR_INVALID_PARAMETER = 87


class Gone(MetaPathFinder):
    """Refuses what Windows does not have."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if name in GONE:
            raise ModuleNotFoundError(f"No module named {name!r} (as on Windows)", name=name)


class Kernel:
    """What ``core.windows`` asks of kernel32."""

    def __init__(self, name: str, use_last_error: bool) -> None:
        assert (name, use_last_error) == ("kernel32", True)
        self.CreateJobObjectW = self._call(lambda *_: 1)
        self.SetInformationJobObject = self._call(
            lambda job, kind, limits, size: int((kind, size) == (9, 144))
        )
        self.GetCurrentProcess = self._call(lambda: 1)
        self.AssignProcessToJobObject = self._call(lambda *_: 1)
        self.OpenProcess = self._call(
            lambda rights, inherit, pid: pid if Path(f"/proc/{pid}").exists() else None
        )
        self.QueryFullProcessImageNameW = self._call(self._image)
        self.GetExitCodeProcess = self._call(self._exit_code)
        self.CloseHandle = self._call(lambda handle: 1)

    @staticmethod
    def _call(do: Any) -> Any:
        # A function object takes the type of its answer, as those of ctypes do.
        def call(*words: Any) -> Any:
            return do(*words)

        return call

    def _exit_code(self, handle: Any, code: Any) -> int:
        code._obj.value = 259
        return 1

    def _image(self, handle: Any, native: int, path: Any, length: Any) -> int:
        path.value = "C:\\" + Path(sys.executable).name
        return 1


def _told(module: ModuleType, lacking: frozenset[str]) -> ModuleType:
    told = ModuleType(module.__name__)
    told.__dict__.update({name: value for name, value in vars(module).items() if name not in lacking})
    return told


_TOLD = {name: _told(__import__(name), lacking) for name, lacking in LACKING.items()}
_TOLD["os"].name = "nt"  # type: ignore[attr-defined]
_TOLD["sys"].platform = "win32"  # type: ignore[attr-defined]
_import = builtins.__import__


def _import_as_windows(
    name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
) -> Any:
    importer = (globals or {}).get("__name__", "")
    spec = (globals or {}).get("__spec__")
    if importer == "__main__" and spec is not None:
        importer = spec.name
    if level == 0 and name in _TOLD and importer.partition(".")[0] in OURS:
        return _TOLD[name]
    return _import(name, globals, locals, fromlist, level)


def _begin() -> None:
    import subprocess

    # Only now: the standard library takes a machine with a msvcrt for Windows itself.
    sys.path.append(str(Path(__file__).parent / "modules"))
    for name in GONE:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, Gone())
    builtins.__import__ = _import_as_windows
    ctypes.WinDLL = Kernel  # type: ignore[attr-defined]
    ctypes.get_last_error = lambda: _ERROR_INVALID_PARAMETER  # type: ignore[attr-defined]
    plain = subprocess.Popen.__init__

    def start(self: Any, *words: Any, creationflags: int = 0, **more: Any) -> None:
        plain(self, *words, **more)

    subprocess.Popen.__init__ = start  # type: ignore[method-assign,assignment]


_begin()
