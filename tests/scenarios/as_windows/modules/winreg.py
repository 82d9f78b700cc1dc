"""What the village's programs read of Windows' registry: the number of the installation."""

from collections.abc import Iterator
from contextlib import contextmanager

HKEY_LOCAL_MACHINE = 0x80000002


@contextmanager
def OpenKey(root: int, path: str) -> Iterator[str]:  # noqa: N802 - its name there
    if (root, path) != (HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Cryptography"):
        raise FileNotFoundError(2, path)
    yield path


def QueryValueEx(key: str, name: str) -> tuple[str, int]:  # noqa: N802 - its name there
    return {"MachineGuid": "5f0e6a1c-0000-4000-8000-00c0ffee0001"}[name], 1
