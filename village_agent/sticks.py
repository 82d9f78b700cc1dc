"""Where sticks are plugged in: folders under the usual places on which a file system is mounted."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ROOTS = (Path("/media"), Path("/run/media"), Path("/mnt"))
FOUND_MAX = 9
"""As many as a digit can name."""


def mounted_sticks(
    roots: Sequence[Path] = ROOTS, is_mount: Callable[[Path], bool] = os.path.ismount
) -> tuple[Path, ...]:
    """Mounted folders up to two levels below ``roots``, by name, at most ``FOUND_MAX``; any path may be typed."""
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


def chosen(answer: str, offered: Sequence[Path]) -> str:
    """The path that a person meant by a digit, or by a path typed or pasted."""
    if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(offered):
        return str(offered[int(answer) - 1])
    return answer
