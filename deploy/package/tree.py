"""Files laid out as they will lie on the target: every byte, mode and time by the commit alone."""

import os
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

PLAIN, PROGRAM = 0o644, 0o755


def put(root: Path, name: str, data: bytes | str, mode: int = PLAIN) -> None:
    """One file at the path ``name`` of the target."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    path.chmod(mode)


def link(root: Path, name: str, target: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def unpack(wheels: Iterable[Path], into: Path) -> None:
    """Install wheels as pip would into site-packages, without what tells of this machine: scripts, direct_url, INSTALLER.

    Raises ``ValueError`` for two wheels with one file, or a name that leads out of the folder.
    """
    into.mkdir(parents=True)
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                if entry.is_dir():
                    continue
                name = _place(entry.filename)
                if name is None:
                    continue
                path = into / name
                if path.exists():
                    raise ValueError(f"{wheel.name}: {name} is there already")
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, path.open("wb") as target:
                    shutil.copyfileobj(source, target)


def settle(root: Path, epoch_s: int) -> int:
    """Give every file and folder its mode and the time of the commit; returns the bytes of all files."""
    size = 0
    for folder, _, names in os.walk(root, topdown=False):
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(PROGRAM if path.stat().st_mode & 0o100 else PLAIN)
                size += path.stat().st_size
            os.utime(path, (epoch_s, epoch_s), follow_symlinks=False)
        Path(folder).chmod(PROGRAM)
        os.utime(folder, (epoch_s, epoch_s))
    return size


def _place(name: str) -> PurePosixPath | None:
    """Where a wheel's entry goes under site-packages; None for what is not installed."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{name} leads out of the folder")
    if not path.parts[0].endswith(".data"):
        return path
    kind = path.parts[1]
    if kind in ("purelib", "platlib"):
        return PurePosixPath(*path.parts[2:])
    if kind in ("scripts", "headers", "data"):
        # Commands, manuals and headers of libraries: none of them is ours to offer.
        return None
    raise ValueError(f"{name}: what is {kind}?")
