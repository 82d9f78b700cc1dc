"""Whether the package may go: its own script asks real stores, with no PIN, and refuses in both languages."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.application import Sheet
from deploy.package.source import ROOT
from sync.environment import SystemWorld
from tests.unit.enrolled_kit import found_city
from tests.unit.village_kit import ITEM, open_desk
from village_agent.practice_mark import PRACTICE_VILLAGE

FILES = ROOT / "deploy/package/files"
_PROGRAM = """\
#!/bin/sh
PYTHONPATH={root} exec {python} -c 'import sys; from {module}.cli import main; sys.exit(main())' "$@"
"""
_AS_OWNER = '#!/bin/sh\nwhile [ "${1#--}" != "$1" ]; do shift; done\nexec "$@"\n'


class Here:
    """The package's script with every path of the system led into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self._put(
            "usr/bin/village-agent", _PROGRAM.format(root=ROOT, python=sys.executable, module="village_agent")
        )
        for tier in ("city", "township"):
            body = _PROGRAM.format(root=ROOT, python=sys.executable, module=f"{tier}_node")
            data = f"export LIANDONG_DATA={folder}/var/lib/liandong/{tier}\n"
            self._put(f"usr/sbin/liandong-{tier}", body.replace("PYTHONPATH", data + "PYTHONPATH", 1))
        # Nobody but root may become somebody else; the folders here are our own.
        self._put("shims/setpriv", _AS_OWNER)
        self._put("shims/getent", f"#!/bin/sh\necho agent:x:1:1::{self.home}:/bin/sh\n")
        self._put("usr/lib/liandong/folders-known", self._led("folders-known"))
        self._put("prerm", self._led("prerm").replace("@VERSION@", "0.1.0+9.gabcdef0"))
        for name in ("etc/liandong", "run", "usr/lib/liandong/lib"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    @property
    def village(self) -> Path:
        return self.home / ".local/share/liandong/village"

    def prerm(self, *words: str) -> "subprocess.CompletedProcess[str]":
        env = os.environ | {"PATH": f"{self.folder}/shims:{os.environ['PATH']}"}
        return subprocess.run([str(self.folder / "prerm"), *words], env=env, capture_output=True, text=True)

    def _led(self, name: str) -> str:
        text = (FILES / name).read_text(encoding="utf-8")
        for place in (
            "/usr/lib/liandong",
            "/usr/bin/village-agent",
            "/usr/sbin/",
            "/var/lib/liandong",
            "/etc/liandong",
            "/run/",
        ):
            text = text.replace(place, f"{self.folder}{place}")
        return text

    def _put(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


def write_draft(folder: Path) -> None:
    desk = open_desk(folder, SystemWorld())
    with desk.village.installation.db.transaction() as tx:
        desk.intake.drafts.start(tx, "a1", Sheet(ITEM, {"name": "王秀英"}, {}, ()))
    desk.close()


def test_a_machine_without_nodes_lets_the_package_go(here: Here) -> None:
    done = here.prerm("remove")
    assert (done.returncode, done.stderr) == (0, "")


def test_drafts_keep_the_package_and_are_counted_in_both_languages(here: Here) -> None:
    write_draft(here.village)
    done = here.prerm("remove")
    assert done.returncode == 1
    assert "本机还有没有交出的内容，未卸载" in done.stderr
    assert "草稿 1 份" in done.stderr
    assert "nothing was removed" in done.stderr
    assert "1 drafts" in done.stderr
    assert str(here.village) in done.stderr
    # An upgrade takes nothing away.
    assert here.prerm("upgrade", "0.1.0+10.gabcdef0").returncode == 0


def test_who_insists_is_obeyed_once(here: Here) -> None:
    write_draft(here.village)
    anyway = here.folder / "etc/liandong/remove-with-unsent-work"
    anyway.touch()
    done = here.prerm("remove")
    assert done.returncode == 0
    assert "数据目录都保留" in done.stderr
    assert not anyway.exists()
    assert (here.village / "node.db").exists()


def test_a_folder_elsewhere_is_looked_at_when_it_is_listed(here: Here) -> None:
    elsewhere = here.folder / "srv/desk 2"
    write_draft(elsewhere)
    assert here.prerm("remove").returncode == 0
    (here.folder / "etc/liandong/folders").write_text(f"# 别处\n{elsewhere}\n", encoding="utf-8")
    assert here.prerm("remove").returncode == 1


def test_a_practice_keeps_nothing_back_and_only_a_practice_does_not(here: Here) -> None:
    for name, node in (("village-practice", PRACTICE_VILLAGE), ("village", "430981102202")):
        folder = here.home / ".local/share/liandong" / name
        folder.mkdir(parents=True)
        (folder / "settings.toml").write_text(f'node = "{node}"\n', encoding="utf-8")
        (folder / "practice.json").touch()
    done = here.prerm("remove")
    assert done.returncode == 1
    assert "430981102202" in done.stderr
    assert PRACTICE_VILLAGE not in done.stderr


def test_a_book_that_cannot_be_read_keeps_the_package(here: Here) -> None:
    city = here.folder / "var/lib/liandong/city"
    found_city(city, SystemWorld()).close()
    (city / "node.db").write_bytes(b"rotten" * 1000)
    done = here.prerm("remove")
    assert done.returncode == 1
    assert "430981000000" in done.stderr


def test_a_program_that_runs_is_named_and_nothing_is_done(here: Here) -> None:
    python = here.folder / "usr/lib/liandong/bin/python3"
    python.parent.mkdir(parents=True)
    python.symlink_to(os.path.realpath(sys.executable))
    running = subprocess.Popen(
        [str(python), "-c", "print(1, flush=True); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert running.stdout is not None
        running.stdout.readline()
        for words in (("upgrade", "0.1.0+10.gabcdef0"), ("failed-upgrade", "0.1.0"), ("remove",)):
            done = here.prerm(*words)
            assert done.returncode == 1
            assert "联动的程序还开着，未作改动" in done.stderr
            assert "A program of Liandong is running" in done.stderr
            assert str(running.pid) in done.stderr
    finally:
        running.kill()
        running.communicate()
    assert here.prerm("upgrade", "0.1.0+10.gabcdef0").returncode == 0


def test_before_an_older_program_comes_back_what_was_noted_for_it_is_forgotten(here: Here) -> None:
    desk = open_desk(here.village, SystemWorld())
    desk.close()
    note = here.village / "unsent.json"
    assert here.prerm("upgrade", "0.1.0+10.gabcdef0").returncode == 0
    assert note.exists()
    assert here.prerm("upgrade", "0.1.0+8.gabcdef0").returncode == 0
    assert not note.exists()
