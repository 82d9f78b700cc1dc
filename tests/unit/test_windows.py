"""What is asked of Windows, looked at with a kernel that writes down what it is asked; a real one is tests/packaging/wine."""

import ctypes
import errno
import socket
import sys
import time
from io import BytesIO, TextIOWrapper
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core import windows
from core.documents import bounds
from core.errors import LocalError
from core.store.durable import PATIENCE_TRIES, patiently
from core.windows import ExtendedLimits, bound_this_process, machine_guid, program_of, removable_drives
from sync import home, restoring
from sync.transport import tcp
from sync.transport.usb import Stick
from sync.transport.usb import _reading as reading
from sync.transport.usb import _writing as writing
from sync.transport.wire import Connecting
from tests.scenarios.programs import free_ports
from village_agent import entry, prints, sticks
from village_agent.intake import dropped_paths, file_path
from village_agent.splash import WORDS, splash

HANDLE = 0x7FFF_0000_0040
"""As wide as a pointer: half of it would be another handle."""


class Kernel:
    """One process 4242 and drives A, C, E and F, of which A is for diskettes and E can be taken out."""

    def __init__(self, *, refuses: str = "", image: str = r"C:\Users\张 三\Python311\Python.exe") -> None:
        self.refuses, self.image = refuses, image
        self.limits: ExtendedLimits | None = None
        self.closed: list[int | None] = []
        self.mode = 0
        self.has_ended = False

    def last_error(self) -> int:
        return 5 if self.refuses == "access" else 87

    def CreateJobObjectW(self, *_: object) -> int | None:  # noqa: N802 - the kernel's names
        return None if self.refuses == "job" else HANDLE

    def SetInformationJobObject(self, job: Any, kind: int, limits: Any, size: int) -> int:  # noqa: N802
        assert (job.value, kind, size) == (HANDLE, 9, 144)
        self.limits = limits._obj
        return int(self.refuses != "limits")

    def GetCurrentProcess(self) -> int:  # noqa: N802
        return 2**64 - 1

    def AssignProcessToJobObject(self, job: Any, process: Any) -> int:  # noqa: N802
        assert (job.value, process.value) == (HANDLE, 2**64 - 1)
        return int(self.refuses != "assign")

    def OpenProcess(self, rights: int, inherit: int, pid: int) -> int | None:  # noqa: N802
        assert (rights, inherit) == (0x1000, 0)
        return HANDLE if pid == 4242 and not self.refuses else None

    def GetExitCodeProcess(self, handle: Any, code: Any) -> int:  # noqa: N802
        code._obj.value = 1 if self.has_ended else 259
        return 1

    def QueryFullProcessImageNameW(self, handle: Any, native: int, path: Any, length: Any) -> int:  # noqa: N802
        assert length._obj.value == len(path)
        path.value = self.image
        return int(bool(self.image))

    def CloseHandle(self, handle: Any) -> None:  # noqa: N802
        self.closed.append(handle.value)

    def GetLogicalDrives(self) -> int:  # noqa: N802
        assert self.mode == 1, "an empty drive would open a window"
        return 0b110101

    def SetErrorMode(self, mode: int) -> None:  # noqa: N802
        self.mode = mode

    def GetDriveTypeW(self, root: str) -> int:  # noqa: N802
        return 2 if root[0] in "AE" else 3


def test_the_limits_are_laid_out_as_windows_reads_them() -> None:
    assert ctypes.sizeof(windows.BasicLimits) == 64 and ctypes.sizeof(ExtendedLimits) == 144
    assert (windows.BasicLimits.flags.offset, ExtendedLimits.process_memory.offset) == (16, 112)  # type: ignore[attr-defined]


def test_a_process_is_put_into_a_job_of_so_much_time_and_memory() -> None:
    asked = Kernel()
    bound_this_process(60, 1 << 30, asked)
    assert asked.limits is not None
    assert (asked.limits.basic.flags, asked.limits.basic.process_user_time) == (0x102, 600_000_000)
    assert asked.limits.process_memory == 1 << 30


@pytest.mark.parametrize("refuses", ["job", "limits", "assign"])
def test_a_process_that_windows_will_not_bound_does_not_go_on(refuses: str) -> None:
    with pytest.raises(OSError, match="bounded"):
        bound_this_process(60, 1 << 30, Kernel(refuses=refuses))


def test_a_program_is_told_by_its_file_and_one_that_has_ended_by_nothing() -> None:
    living = Kernel()
    assert program_of(4242, living) == "python.exe" and living.closed == [HANDLE]
    assert program_of(4243, living) is None
    assert program_of(4242, Kernel(refuses="access")) == "", (
        "of another user: it lives, and its name is hidden"
    )
    assert program_of(4242, Kernel(image="")) == ""
    ended = Kernel()
    ended.has_ended = True
    assert program_of(4242, ended) is None and ended.closed == [HANDLE]


def test_only_drives_that_can_be_taken_out_are_offered() -> None:
    assert removable_drives(Kernel()) == [Path("E:\\")]


def test_the_kernel_is_asked_for_handles_as_wide_as_a_pointer(monkeypatch: pytest.MonkeyPatch) -> None:
    library = SimpleNamespace(
        **{name: SimpleNamespace() for name in ("CreateJobObjectW", "GetCurrentProcess", "OpenProcess")}
    )
    monkeypatch.setattr(ctypes, "WinDLL", lambda name, use_last_error: library, raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: 87, raising=False)
    found = windows.kernel()
    assert found.OpenProcess.restype is ctypes.c_void_p and found.last_error() == 87


def test_the_machine_is_known_by_what_windows_calls_it() -> None:
    class Key:
        def __enter__(self) -> str:
            return "key"

        def __exit__(self, *_: object) -> None:
            return

    registry = SimpleNamespace(
        HKEY_LOCAL_MACHINE=1,
        OpenKey=lambda root, path: {r"SOFTWARE\Microsoft\Cryptography": Key()}[path],
        QueryValueEx=lambda key, name: ({"MachineGuid": "aa-bb"}[name], 1),
    )
    assert machine_guid(registry) == "aa-bb"


@pytest.fixture
def on_windows(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """The platform calls itself Windows, and its kernel is ours."""
    asked = Kernel()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(windows, "kernel", lambda: asked)
    return asked


def test_on_windows_whoever_draws_is_bounded_by_a_job(on_windows: Kernel) -> None:
    bounds.bound_this_process()
    assert on_windows.limits is not None and on_windows.limits.process_memory == bounds.MEMORY_BYTES_MAX


@pytest.mark.parametrize(
    ("image", "is_running"),
    [(rf"C:\x\{Path(sys.executable).name}", True), (r"C:\x\chrome.exe", False), ("ended", False)],
    ids=["ours", "another program got its number", "it has ended"],
)
def test_a_file_left_by_a_crash_counts_for_nothing_whoever_got_the_number_since(
    on_windows: Kernel, tmp_path: Path, image: str, is_running: bool
) -> None:
    on_windows.image, on_windows.has_ended = image, image == "ended"
    (tmp_path / restoring.RUN_FILE).write_text('{"pid": 4242}', encoding="utf-8")
    assert (restoring.running_pid(tmp_path) is not None) is is_running


def test_on_windows_a_machine_is_told_by_its_own_number_and_without_one_by_its_name(
    on_windows: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "import_module", lambda name: name)
    monkeypatch.setattr(windows, "machine_guid", lambda registry: {"winreg": "aa-bb"}[registry])
    assert home._machine() == "aa-bb"
    monkeypatch.setattr(windows, "machine_guid", lambda registry: (_ for _ in ()).throw(OSError()))
    monkeypatch.setattr(home.platform, "node", lambda: "DESKTOP-1")
    assert home._machine() == "DESKTOP-1"


def test_sticks_are_drives_that_can_be_taken_out_and_hold_something(
    on_windows: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "is_dir", lambda path: True)
    assert sticks.plugged_sticks() == (Path("E:\\"),)
    monkeypatch.setattr(Path, "is_dir", lambda path: False)
    assert sticks.plugged_sticks() == ()


def test_a_file_that_another_program_has_open_is_asked_for_again_and_not_for_ever() -> None:
    waits: list[float] = []
    answers = [PermissionError(), PermissionError(), None]

    def do() -> None:
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    patiently(do, is_windows=True, wait=waits.append)
    assert len(waits) == 2 and not answers
    answers += [PermissionError()] * (PATIENCE_TRIES + 2)
    with pytest.raises(PermissionError):
        patiently(do, is_windows=True, wait=waits.append)
    assert len(waits) == 2 + PATIENCE_TRIES
    answers[:] = [PermissionError(), None]
    with pytest.raises(PermissionError):
        patiently(do, is_windows=False, wait=waits.append)


def test_paths_are_read_as_windows_writes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in (r'"C:\Users\张 三\a.jpg"', r"C:\Users\张 三\a.jpg", r"file:///C:\Users\张 三\a.jpg"):
        assert str(file_path(text, is_windows=True)) == r"C:\Users\张 三\a.jpg"
    assert str(file_path(r"C:\ a.jpg", is_windows=True)) == r"C:\ a.jpg", "no escape, but a folder"
    monkeypatch.setattr(Path, "is_file", lambda path: not str(path).count("jpg") > 1)
    found = dropped_paths(r'"C:\张 三\a.jpg" D:\b.jpg', is_windows=True)
    assert [str(path) for path in found] == [r"C:\张 三\a.jpg", r"D:\b.jpg"]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (21, "stick.gone"),
        (1167, "stick.gone"),
        (19, "stick.read_only"),
        (112, "stick.full"),
        (1117, "stick.failing"),
    ],
)
def test_what_windows_says_of_a_stick_is_told_in_our_words(number: int, code: str) -> None:
    error = OSError(errno.EACCES, "denied")
    error.winerror = number  # type: ignore[attr-defined]
    assert writing(error).code == code
    if code == "stick.gone":
        assert reading(error).code == code


def test_a_stick_without_a_name_is_called_by_its_letter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stick = Stick(tmp_path)
    drive = SimpleNamespace(name="", drive="E:")
    monkeypatch.setattr(stick, "root", SimpleNamespace(resolve=lambda: drive))
    assert stick.label == "E:"


def test_an_address_that_refuses_is_told_at_once_and_nothing_to_try_is_no_error() -> None:
    connecting = Connecting("127.0.0.1", *free_ports(1))
    until = time.monotonic() + 20
    while connecting.refusal is None and time.monotonic() < until:
        assert connecting.tick(0.05, 0.05) is None
    assert isinstance(connecting.refusal, ConnectionRefusedError)
    unknown = Connecting("nowhere.invalid", 1)
    assert unknown.tick(0.01, 0.01) is None and unknown.refusal is not None


def test_an_error_of_a_socket_has_words_though_c_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "errorTab", {10061: "Connection refused."}, raising=False)
    assert tcp.failure(10061).strerror == "Connection refused."
    assert tcp.failure(errno.ECONNREFUSED).strerror


def test_what_goes_to_a_file_is_utf8_whatever_the_code_page(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(raw, encoding="gbk", errors="strict"))
    monkeypatch.setattr(sys, "stderr", TextIOWrapper(BytesIO(), encoding="gbk", errors="backslashreplace"))
    entry.speak_utf8()
    print("✓ 𠮷", flush=True)
    assert raw.getvalue().decode("utf-8").strip() == "✓ 𠮷"
    assert sys.stderr.errors == "backslashreplace"


def test_the_first_words_on_windows_are_words_alone(
    on_windows: Kernel, capsys: pytest.CaptureFixture[str]
) -> None:
    splash()
    assert capsys.readouterr().out == f"{WORDS}\n"


@pytest.mark.parametrize("hand_over", [prints.open_file, prints.print_file])
def test_a_file_that_no_program_of_windows_takes_is_told_with_what_to_do(
    on_windows: Kernel, monkeypatch: pytest.MonkeyPatch, hand_over: Any, tmp_path: Path
) -> None:
    taken: list[tuple[Path, str]] = []
    monkeypatch.setattr(prints.os, "startfile", lambda path, verb: taken.append((path, verb)), raising=False)
    hand_over(tmp_path / "回执.pdf")
    assert taken == [(tmp_path / "回执.pdf", "open" if hand_over is prints.open_file else "print")]
    monkeypatch.setattr(
        prints.os, "startfile", lambda path, verb: (_ for _ in ()).throw(OSError(1155)), raising=False
    )
    with pytest.raises(LocalError, match=r"print\.no_program") as refused:
        hand_over(tmp_path / "回执.pdf")
    assert "回执.pdf" in refused.value.zh and "回执.pdf" in refused.value.en
