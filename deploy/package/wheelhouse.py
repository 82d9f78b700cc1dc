"""A folder to carry: every wheel, a lock of exactly these, an installer, and the sum of each file."""

import gzip
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from deploy.package.source import Source
from deploy.package.tree import PROGRAM, put, settle
from deploy.package.wheels import Target, lock_of, sha256_of

SUMS = "SHA256SUMS"


def build(source: Source, wheels: list[Path], target: Target, work: Path, into: Path) -> Path:
    """Fill the empty folder ``work`` and pack it into ``into``: a .tar.gz for Linux, a .zip for Windows."""
    name = f"liandong-{source.version}-wheels-{target.name}"
    folder = work / name
    for wheel in wheels:
        put(folder, f"wheels/{wheel.name}", wheel.read_bytes())
    put(folder, "requirements.lock", lock_of(wheels))
    put(folder, "operations.md", source.manual)
    is_windows = target.markers["os_name"] == "nt"
    if is_windows:
        # Windows PowerShell 5 takes a script without this mark for the code page of the machine.
        put(folder, "install.ps1", b"\xef\xbb\xbf" + _crlf(source.file("install.ps1")))
        put(folder, "install.cmd", _crlf(source.file("install.cmd")))
    else:
        put(folder, "install.sh", source.file("install.sh"), PROGRAM)
    put(folder, SUMS, sums_of(folder))
    settle(folder, source.epoch_s)
    if is_windows:
        return _zip(folder, source.epoch_s, into / f"{name}.zip")
    return _tar(folder, source.epoch_s, into / f"{name}.tar.gz")


def sums_of(folder: Path) -> str:
    """Lines that ``sha256sum --check`` understands, for every file of the folder but the list itself."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS)
    return "".join(f"{sha256_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)


def _crlf(text: bytes) -> bytes:
    return text.replace(b"\n", b"\r\n")


def _entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _tar(folder: Path, epoch_s: int, target: Path) -> Path:
    def neutral(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.uid = info.gid = 0
        info.uname = info.gname = "root"
        info.mtime = epoch_s
        return info

    # Wheels are compressed already.
    with (
        target.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=epoch_s, compresslevel=1) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in _entries(folder):
            tar.add(path, f"{folder.name}/{path.relative_to(folder).as_posix()}", filter=neutral)
    return target


def _zip(folder: Path, epoch_s: int, target: Path) -> Path:
    at = datetime.fromtimestamp(epoch_s, UTC).timetuple()[:6]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in _entries(folder):
            info = zipfile.ZipInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}", at)
            info.external_attr = 0o100644 << 16
            archive.writestr(info, path.read_bytes())
    return target
