"""The demo's own folder: made fresh each time, and never anybody else's deleted."""

import json
import os
import shutil
from pathlib import Path

from core.errors import StateError

MARKER = "liandong-demo.json"


def fresh(folder: Path, seed: int) -> Path:
    """An empty demo folder with its marker; what an earlier demo left in it is deleted.

    Raises ``StateError``: ``demo.not_ours`` for a folder that holds something else, ``demo.running``.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise _not_ours(folder)
    if folder.is_dir() and any(folder.iterdir()):
        _require_ended(folder)
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in ("logs", "scans"):
        (folder / name).mkdir()
    facts = {"what": "liandong demo", "pid": os.getpid(), "seed": seed}
    (folder / MARKER).write_text(json.dumps(facts), encoding="utf-8")
    return folder


def _require_ended(folder: Path) -> None:
    try:
        facts = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        pid = int(facts["pid"]) if facts["what"] == "liandong demo" else None
    except (OSError, ValueError, KeyError, TypeError):
        pid = None
    if pid is None:
        raise _not_ours(folder)
    if pid != os.getpid() and _is_demo(pid):
        raise StateError(
            "demo.running",
            zh=f"{folder} 里的演示还在运行（进程 {pid}）。请先在它的窗口按 Ctrl-C，或执行 kill {pid}。",
            en=f"The demo in {folder} is still running (process {pid}). Press Ctrl-C there, or run: kill {pid}",
        )


def _is_demo(pid: int) -> bool:
    """Whether the process is a demo: a number can have been given to another program since."""
    try:
        return b"deploy.demo" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _not_ours(folder: Path) -> StateError:
    return StateError(
        "demo.not_ours",
        zh=f"{folder} 不是演示目录，未作改动。请用 --folder 另指一个新目录。",
        en=f"{folder} is not a demo's folder; nothing was changed. Name a new one with --folder.",
    )
