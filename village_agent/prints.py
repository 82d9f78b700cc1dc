"""Papers and plain text for a printer, as files that only the operator can read; opened or printed by the system's program."""

import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from core.clock import World
from core.documents.saving import unwritable
from core.errors import LocalError
from core.store.durable import put_in_place

FOLDER = "prints"
KEPT_HOURS = 24
"""A slip shows a name; once it is printed nobody needs the file."""
TOOL_S_MAX = 3
_OPENERS = ("xdg-open", "gio", "evince")
_PRINTERS = ("lp", "lpr")
_VERBS = {"open": "打开", "print": "打印"}


def write_print(folder: Path, name: str, data: bytes) -> Path:
    """Write a file for printing below ``folder``; returns its path. Raises ``LocalError`` (``document.unwritable``)."""
    path = folder / FOLDER / name
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        partial = path.with_name(f"{name}.part")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
        put_in_place(partial, path)
    except OSError as error:
        raise unwritable(path, error) from error
    return path


def sweep_prints(folder: Path, world: World) -> int:
    """Remove files of more than a day ago; returns how many. What cannot be removed stays for the next time."""
    before = (world.now() - timedelta(hours=KEPT_HOURS)).timestamp()
    removed = 0
    for path in sorted((folder / FOLDER).glob("*")):
        if path.is_file() and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def open_file(path: Path) -> None:
    """Show the file in the system's viewer. Raises ``LocalError`` (``print.no_viewer``) that names the path."""
    if sys.platform == "win32":
        _hand_to_windows(path, "open")
        return
    tool = next((found for name in _OPENERS if (found := shutil.which(name))), None)
    has_screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if tool is None or not has_screen:
        raise LocalError(
            "print.no_viewer",
            zh=f"已保存在 {path}；本机没有图形界面，请拷到U盘打印，或按 L 直接打印。",
            en=f"It is saved as {path}; there is no graphical screen here: carry it on a stick, or press L to print.",
        )
    arguments = [tool, "open", str(path)] if Path(tool).name == "gio" else [tool, str(path)]
    _start(arguments, path)


def print_file(path: Path) -> None:
    """Give the file to the default printer. Raises ``LocalError`` (``print.no_printer``, ``print.refused``)."""
    if sys.platform == "win32":
        _hand_to_windows(path, "print")
        return
    tool = next((found for name in _PRINTERS if (found := shutil.which(name))), None)
    if tool is None:
        raise LocalError(
            "print.no_printer",
            zh=f"已保存在 {path}；本机没有安装打印服务（cups），请拷到U盘打印。",
            en=f"It is saved as {path}; no print service (cups) is installed here, so carry it on a stick.",
        )
    _start([tool, str(path)], path)


def _hand_to_windows(path: Path, verb: str) -> None:
    """Whatever program Windows has for the file and the verb. Raises ``LocalError`` (``print.no_program``)."""
    try:
        os.startfile(path, verb)  # type: ignore[attr-defined,unused-ignore]  # noqa: S606 - the system's own way
    except OSError as error:
        raise LocalError(
            "print.no_program",
            zh=f"已保存在 {path}；本机没有程序能直接{_VERBS[verb]} {path.suffix} 文件。请双击它、在阅读器里打印，或安装 PDF 阅读器，或拷到U盘打印。",
            en=f"It is saved as {path}; no program here will {verb} {path.suffix} files by itself. Open it and print from "
            "the reader, install a reader of PDF, or carry it on a stick.",
        ) from error


def _start(arguments: list[str], path: Path) -> None:
    """Start a program and look whether it fails at once; a viewer that stays open is one that works."""
    quiet = subprocess.DEVNULL
    try:
        running = subprocess.Popen(  # noqa: S603 - a program of the system by its full path, no shell
            arguments, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
        )
        code = running.wait(TOOL_S_MAX)
    except subprocess.TimeoutExpired:
        return
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from error
    if code:
        raise _refused(path, f"{Path(arguments[0]).name} {code}")


def _refused(path: Path, why: str) -> LocalError:
    shown = "".join(char if char.isprintable() else " " for char in why)
    return LocalError(
        "print.refused",
        zh=f"已保存在 {path}，但打印或打开没有成功（{shown}）。请检查打印机后再试。",
        en=f"It is saved as {path}, but printing or opening it failed ({shown}). Check the printer and try again.",
    )
