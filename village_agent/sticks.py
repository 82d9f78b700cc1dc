"""Where sticks are plugged in, and what lies on each: folders under the usual places on which a file system is mounted."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core import windows
from sync.node import Node
from sync.stick_import import Fate, import_from
from sync.stick_layout import ENROLMENT
from sync.transport.usb import Stick

ROOTS = (Path("/media"), Path("/run/media"), Path("/mnt"))
FOUND_MAX = 9
"""As many as a digit can name."""


def plugged_sticks() -> tuple[Path, ...]:
    """The sticks that this system shows, at most ``FOUND_MAX``; any path may be typed."""
    if sys.platform == "win32":
        return tuple(drive for drive in windows.removable_drives(windows.kernel()) if drive.is_dir())[
            :FOUND_MAX
        ]
    return mounted_sticks()


def mounted_sticks(
    roots: Sequence[Path] = ROOTS, is_mount: Callable[[Path], bool] = os.path.ismount
) -> tuple[Path, ...]:
    """Mounted folders up to two levels below ``roots``, by name, at most ``FOUND_MAX``."""
    found = {
        folder
        for root in roots
        for folder in (root, *_below(root), *(deep for folder in _below(root) for deep in _below(folder)))
        if is_mount(folder)
    }
    return tuple(sorted(found)[:FOUND_MAX])


def _below(folder: Path) -> Iterator[Path]:
    try:
        inner = list(os.scandir(folder))
    except OSError:
        # Not there, not ours to read, or pulled out just now: no stick to offer.
        return
    yield from (Path(item.path) for item in inner if item.is_dir(follow_symlinks=False))


@dataclass(frozen=True, slots=True)
class Lying:
    """What lies on a stick: bundles for this node, ours, for others, cut ones, other files, those of enrolments;
    ``free`` bytes.
    """

    free: int
    for_us: int
    ours: int
    for_others: int
    cut: int
    foreign: int
    enrolment: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.for_us or self.ours or self.for_others or self.cut or self.foreign or self.enrolment)


def look_at(path: Path, node: Node) -> Lying:
    """Read the beginnings of the files on a stick; nothing is taken. Raises ``LiandongError`` as :class:`Stick`."""
    stick = Stick(path)
    found = import_from(stick, node, dry_run=True)
    enrolment = sum(error.code == ENROLMENT for one in found.found for error in one.refused)
    try:
        free = shutil.disk_usage(stick.root).free
    except OSError:
        # Pulled out just now: the next look tells.
        free = 0
    return Lying(
        free,
        found.count(Fate.FOR_US),
        found.count(Fate.OWN),
        found.count(Fate.FOR_ANOTHER),
        found.count(Fate.CUT),
        found.count(Fate.FOREIGN, Fate.REFUSED) + len(found.skipped) - enrolment,
        enrolment,
    )
