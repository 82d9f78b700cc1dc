"""The most that the program which draws may take of a machine: it ends itself before it takes more."""

import sys
from importlib import import_module

from core import windows

CPU_S_MAX = 60
MEMORY_BYTES_MAX = 1 << 30


def bound_this_process(cpu_s: int = CPU_S_MAX, memory_bytes: int = MEMORY_BYTES_MAX) -> None:
    """End this process where it takes more seconds of a processor, or bytes of memory. Raises ``OSError``."""
    if sys.platform == "win32":
        windows.bound_this_process(cpu_s, memory_bytes, windows.kernel())
        return
    resource = import_module("resource")
    for what, most in ((resource.RLIMIT_CPU, cpu_s), (resource.RLIMIT_AS, memory_bytes)):
        resource.setrlimit(what, (most, most))
