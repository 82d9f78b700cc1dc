"""What Windows has in the place of what POSIX has, by its kernel's own calls: bounds, life, drives, the machine's name.

Every function takes the kernel, so that what is asked of it can be looked at anywhere; none is called but on Windows.
"""

import ctypes
from pathlib import Path
from typing import Any

_PROCESS_TIME, _PROCESS_MEMORY = 0x2, 0x100
_EXTENDED_LIMITS = 9
_QUERY_LIMITED = 0x1000
_INVALID_PARAMETER = 87
_STILL_ACTIVE = 259
_REMOVABLE = 2
_NO_WINDOWS_OF_ERRORS = 1
_PATH_CHARS_MAX = 32_768
_TICKS_IN_S = 10_000_000


class BasicLimits(ctypes.Structure):
    """``JOBOBJECT_BASIC_LIMIT_INFORMATION``; times in units of 100 ns."""

    _fields_ = (
        ("process_user_time", ctypes.c_int64),
        ("job_user_time", ctypes.c_int64),
        ("flags", ctypes.c_uint32),
        ("working_set_min", ctypes.c_size_t),
        ("working_set_max", ctypes.c_size_t),
        ("active_processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority_class", ctypes.c_uint32),
        ("scheduling_class", ctypes.c_uint32),
    )


class ExtendedLimits(ctypes.Structure):
    """``JOBOBJECT_EXTENDED_LIMIT_INFORMATION``; memory in bytes."""

    _fields_ = (
        ("basic", BasicLimits),
        ("io_counters", ctypes.c_uint64 * 6),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("peak_process_memory", ctypes.c_size_t),
        ("peak_job_memory", ctypes.c_size_t),
    )


def kernel() -> Any:
    """The library of the kernel's calls."""
    found = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    for name in ("CreateJobObjectW", "GetCurrentProcess", "OpenProcess"):
        # A handle is as wide as a pointer; what ctypes takes for granted is half of that.
        getattr(found, name).restype = ctypes.c_void_p
    found.last_error = ctypes.get_last_error  # type: ignore[attr-defined,unused-ignore]
    return found


def bound_this_process(cpu_s: int, memory_bytes: int, calls: Any) -> None:
    """End this process where it takes more processor time or memory. Raises ``OSError`` if the system will not have it."""
    limits = ExtendedLimits()
    limits.basic.flags = _PROCESS_TIME | _PROCESS_MEMORY
    limits.basic.process_user_time = cpu_s * _TICKS_IN_S
    limits.process_memory = memory_bytes
    # The job lives as long as the process that is in it.
    job = ctypes.c_void_p(calls.CreateJobObjectW(None, None))
    size = ctypes.sizeof(limits)
    if not (
        job
        and calls.SetInformationJobObject(job, _EXTENDED_LIMITS, ctypes.byref(limits), size)
        and calls.AssignProcessToJobObject(job, ctypes.c_void_p(calls.GetCurrentProcess()))
    ):
        raise OSError("the process could not be bounded")


def program_of(pid: int, calls: Any) -> str | None:
    """The file name of the program that runs as ``pid``, in lower case; empty if it is hidden; None if none runs."""
    handle = ctypes.c_void_p(calls.OpenProcess(_QUERY_LIMITED, 0, pid))
    if not handle:
        return None if calls.last_error() == _INVALID_PARAMETER else ""
    try:
        code = ctypes.c_uint32()
        if calls.GetExitCodeProcess(handle, ctypes.byref(code)) and code.value != _STILL_ACTIVE:
            # It has ended; somebody still holds its handle.
            return None
        path = ctypes.create_unicode_buffer(_PATH_CHARS_MAX)
        length = ctypes.c_uint32(_PATH_CHARS_MAX)
        if not calls.QueryFullProcessImageNameW(handle, 0, path, ctypes.byref(length)):
            return ""
        return path.value.rpartition("\\")[2].lower()
    finally:
        calls.CloseHandle(handle)


def removable_drives(calls: Any) -> list[Path]:
    """The drives of sticks and cards, by letter, whether anything is in them or not."""
    # Whoever looks into an empty one is told so by an error, not by a window that nobody asked for.
    calls.SetErrorMode(_NO_WINDOWS_OF_ERRORS)
    bits = calls.GetLogicalDrives()
    # A and B are for diskettes.
    letters = [chr(ord("A") + number) for number in range(2, 26) if bits >> number & 1]
    return [Path(f"{one}:\\") for one in letters if calls.GetDriveTypeW(f"{one}:\\") == _REMOVABLE]


def machine_guid(registry: Any) -> str:
    """What Windows calls this installation of itself. ``registry`` is the module ``winreg``. Raises ``OSError``."""
    with registry.OpenKey(registry.HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Cryptography") as key:
        return str(registry.QueryValueEx(key, "MachineGuid")[0])
