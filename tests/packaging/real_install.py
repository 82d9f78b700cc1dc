"""Packages built, installed, upgraded and removed for real on a Debian without internet: ``make dist-test``."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.package.source import ROOT
from tests.packaging.machine import Machine, NoMachine
from tests.packaging.story import AGENT, DATA, PIN, VILLAGE, Story, ok
from tests.unit.village_kit import person

PREVIOUS = "591301b"
"""The first commit with a village terminal, its drafts and its outbox: the oldest that anybody could have installed."""
APPLIED = ("021", "043", "065")
DRAFTED = ("王秀英", "龚𠮷䶮")


def build(into: Path, *words: str, env: dict[str, str] | None = None) -> Path:
    began = time.monotonic()
    command = [sys.executable, "-m", "deploy.package", *words, "--no-font", "--into", str(into)]
    subprocess.run(command, cwd=ROOT, check=True, env=os.environ | (env or {}), stdout=subprocess.DEVNULL)
    print(f"\n{' '.join(words) or 'all'}: {time.monotonic() - began:.0f} s")
    return into


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything of the present commit."""
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def package(built: Path) -> Path:
    (found,) = built.glob("liandong_*.deb")
    return found


@pytest.fixture(scope="session")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (found,) = build(tmp_path_factory.mktemp("previous"), "deb", "--commit", PREVIOUS).glob("liandong_*.deb")
    return found


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    folder = tmp_path / "machine"
    folder.mkdir()
    try:
        made = Machine(folder)
    except NoMachine as error:
        pytest.fail(f"需要 root、Debian 和 overlayfs / root, a Debian and overlayfs are needed: {error}")
    yield made
    made.close()


def test_the_same_commit_gives_the_same_bytes_whoever_builds_it(built: Path, tmp_path: Path) -> None:
    again = build(
        tmp_path, env={"TZ": "Asia/Shanghai", "LC_ALL": "C", "USER": "nobody", "PYTHONHASHSEED": "7"}
    )
    sums = (built / "SHA256SUMS").read_text()
    assert (again / "SHA256SUMS").read_text() == sums
    assert len(sums.splitlines()) == 3
    for name in (line.split("  ")[1] for line in sums.splitlines()):
        assert (again / name).read_bytes() == (built / name).read_bytes()


def test_an_upgrade_keeps_every_draft_and_every_waiting_case_and_a_removal_waits_for_them(
    machine: Machine, previous: Path, package: Path
) -> None:
    story = Story(machine)
    ok(story.install(previous))
    story.found_nodes()
    story.stop("township")
    applied = [story.apply(serial) for serial in APPLIED[:2]]
    # A contact that finds no line: what waits is sealed by now.
    assert story.village("sync").code != 0
    applied.append(story.apply(APPLIED[2]))
    story.write_drafts(*DRAFTED)
    cases, drafts = story.cases(), story.drafts()
    assert set(cases) == set(applied)
    assert {one[4]["name"] for one in drafts} == set(DRAFTED)

    # While a program runs nothing is changed, and the old one goes on.
    refused = story.install(package)
    assert refused.code != 0
    assert "联动的程序还开着" in refused.err
    assert "city-node run" in refused.err
    assert "591301b" in machine.run("dpkg-query", "--show", "liandong").out
    ok(machine.run("liandong-city", "status", "--json"))
    story.stop("city")

    upgraded = ok(story.install(package))
    assert "升级前自动备份" in upgraded.out
    assert story.cases() == cases
    assert story.drafts() == drafts
    copies = ok(machine.run("sh", "-c", f"ls {DATA}/backups")).out.split()
    assert any(name.startswith("before-upgrade-") for name in copies)
    assert "not known" not in ok(story.village("doctor")).text

    # It is not removed while there is anything on it that nobody else has; no PIN is asked for.
    told = json.loads(machine.run("village-agent", "unsent", "--json", user=AGENT).out)
    assert told["known"]
    assert told["drafts"] == len(DRAFTED)
    assert told["messages"] >= 1
    assert told["envelopes"] >= 1
    for command in (("dpkg", "--remove", "liandong"), ("dpkg", "--purge", "liandong")):
        kept = machine.run(*command)
        assert kept.code != 0
        assert "没有交出的内容" in kept.err
        assert "草稿 2 份" in kept.err
        assert "2 drafts" in kept.err
        assert DATA in kept.err
    ok(story.village("list"))

    # What waited arrives; the drafts are laid aside by their author; then it may go, and the data stays.
    story.start("city")
    story.start("township")
    ok(story.village("sync"))
    for draft in story.drafts():
        ok(story.village("drafts", "--abandon", draft[0]))
    ok(machine.run("liandong-township", "sync"))
    assert story.cases_of("township") == set(applied)
    assert story.cases_of("city") == set(applied)
    deadline = time.monotonic() + 300
    while machine.run("liandong-city", "unsent").code or machine.run("liandong-township", "unsent").code:
        assert time.monotonic() < deadline, machine.run("liandong-township", "unsent").out
        ok(machine.run("liandong-township", "sync"))
        ok(story.village("sync"))
    story.stop()
    ok(story.village("status"))
    ok(machine.run("dpkg", "--purge", "liandong"))
    assert machine.run("test", "-e", "/usr/lib/liandong").code != 0
    assert machine.run("village-agent", "--help").code != 0
    for kept_file in (
        f"{DATA}/node.db",
        "/var/lib/liandong/city/node.db",
        "/var/lib/liandong/township/node.db",
    ):
        ok(machine.run("test", "-s", kept_file))
    ok(story.install(package))
    assert set(story.cases()) == set(applied)


def test_whoever_insists_may_remove_it_and_keeps_the_data(machine: Machine, package: Path) -> None:
    story = Story(machine)
    ok(story.install(package))
    story.found_nodes()
    story.stop()
    story.write_drafts(*DRAFTED)
    assert machine.run("dpkg", "--remove", "liandong").code != 0
    ok(machine.run("touch", "/etc/liandong/remove-with-unsent-work"))
    gone = ok(machine.run("dpkg", "--purge", "liandong"))
    assert "数据目录都保留" in gone.err
    assert machine.run("test", "-e", "/etc/liandong").code != 0
    ok(story.install(package))
    assert len(story.drafts()) == len(DRAFTED)
    # Asked once, granted once.
    assert machine.run("dpkg", "--remove", "liandong").code != 0


def test_a_node_that_was_killed_is_not_called_empty(machine: Machine, package: Path) -> None:
    story = Story(machine)
    ok(story.install(package))
    story.found_nodes()
    story.stop()
    ok(machine.run("sh", "-c", f"rm {DATA}/unsent.json"))
    refused = machine.run("dpkg", "--remove", "liandong")
    assert refused.code != 0
    assert "看不出还有没有未交出的内容" in refused.err


def test_whoever_opens_the_menu_is_led_from_the_set_up_to_a_printed_slip_that_reaches_the_city(
    machine: Machine, package: Path
) -> None:
    story = Story(machine)
    ok(story.install(package))
    story.found_offices()
    entry = ok(machine.run("cat", "/usr/share/applications/village-agent.desktop")).out
    (program,) = [line.removeprefix("Exec=") for line in entry.splitlines() if line.startswith("Exec=")]
    window = Window(machine, program)
    for question, answer in (
        ("1/10", ()),
        ("2/10", ("1",)),
        ("3/10", ("你好", "Enter")),
        ("写入 1 MB", ("Enter",)),
        ("5/10", ("1",)),
        ("6/10", (VILLAGE, "Enter")),
        ("7/10", ("127.0.0.1:8453", "Enter", "127.0.0.1:8452", "Enter")),
        ("8/10", ("李代办", "Enter", PIN, "Enter", PIN, "Enter")),
    ):
        window.wait_for(question)
        window.type(*(answer or ("Enter",)))
    window.wait_for("9/10")
    window.type(story.code(VILLAGE), "Enter")
    window.wait_for("已加入本市")
    window.type("Enter")
    window.wait_for("10/10")
    window.type("Enter")
    # A key that is too early is kept, so nobody has to wait; this one waits for the catalogue to come by itself.
    window.wait_for("事项目录第 1 版")
    window.type("F2", "lsjz")
    window.wait_for("临时救助")
    window.type("Enter")
    window.wait_for("申请人 1/4")
    window.type("王秀英", "Enter", "Enter", person(), "Enter", "13800138000", "F8")
    window.type("1", "Enter", "因病住院", "Tab", "3000", "Enter", "1", "F8", "a", "F9", "F9")
    shown = window.wait_for("办件编号")
    number = "".join(re.findall(r"办件编号：([0-9X-]+)", shown)).replace("-", "")
    window.type("8")
    window.wait_for("已保存：")
    # While it is open nobody takes the program away under the user's hands.
    refused = machine.run("dpkg", "--remove", "liandong")
    assert refused.code != 0
    assert "联动的程序还开着" in refused.err
    assert AGENT in refused.err
    # Nobody pressed a key for it.
    deadline = time.monotonic() + 60
    while number not in story.cases_of("city") | story.cases_of("township"):
        assert time.monotonic() < deadline, f"{number} stays in the village"
        time.sleep(0.5)
    story.stop()


class Window:
    """The terminal window that the menu opens."""

    def __init__(self, machine: Machine, program: str) -> None:
        self._machine = machine
        self._tmux("-u", "new-session", "-d", "-s", "desk", "-x", "80", "-y", "24", program)

    def type(self, *keys: str) -> None:
        """Names of keys, or text."""
        for key in keys:
            named = key in ("Enter", "Tab", "Escape") or re.fullmatch(r"F[0-9]+", key)
            self._tmux("send-keys", "-t", "desk", *(() if named else ("-l",)), key)
            time.sleep(0.3)

    def wait_for(self, words: str) -> str:
        deadline = time.monotonic() + 60
        while words not in (shown := self._tmux("capture-pane", "-p", "-t", "desk")):
            assert time.monotonic() < deadline, shown
            time.sleep(0.2)
        return shown

    def _tmux(self, *words: str) -> str:
        return ok(self._machine.run("tmux", "-S", f"/home/{AGENT}/tmux", *words, user=AGENT)).out


def test_the_folder_of_wheels_installs_without_internet_and_refuses_what_is_damaged(
    machine: Machine, built: Path, tmp_path: Path
) -> None:
    (archive,) = built.glob("*-wheels-linux-*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.glob("liandong-*-wheels-*")
    inside = machine.folder / "upper/opt/carried"
    shutil.copytree(folder, inside)
    ok(machine.run("useradd", "--create-home", AGENT))
    env = {"PYTHON": "/usr/bin/python3.11"}
    ok(machine.run("/opt/carried/install.sh", user=AGENT, env=env))
    program = f"/home/{AGENT}/.local/bin/village-agent"
    said = ok(machine.run(program, "init", "430981102202", user=AGENT, env={"LIANDONG_PIN": PIN}))
    assert "已建立节点" in said.out
    # Again over itself, as an upgrade does: the data is where it was.
    ok(machine.run("/opt/carried/install.sh", user=AGENT, env=env))
    ok(machine.run(program, "unsent", user=AGENT))
    ok(machine.run("sh", "-c", "printf x >>/opt/carried/requirements.lock"))
    refused = machine.run("/opt/carried/install.sh", user=AGENT, env=env)
    assert refused.code != 0
    assert "未安装" in refused.err
    ok(machine.run(program, "unsent", user=AGENT))
