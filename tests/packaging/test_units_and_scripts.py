"""What stands around the programs in the package is well formed: units, menu entry, scripts, lock, layout."""

import configparser
import os
import re
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from deploy.package import deb, wheelhouse
from deploy.package.source import ROOT, Source, version_of
from deploy.package.tree import settle, unpack
from deploy.package.wheels import WINDOWS, linux, lock_entries, lock_of, pinned_block

FILES = ROOT / "deploy/package/files"
UNITS = sorted(FILES.glob("*.service"))
HARDENED = {
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "MemoryDenyWriteExecute": "yes",
    "SystemCallArchitectures": "native",
    "UMask": "0077",
    "StateDirectoryMode": "0700",
    "User": "liandong",
}
EPOCH_S = 1_764_000_000


def unit(path: Path) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parsed.optionxform = str  # type: ignore[assignment, method-assign]
    parsed.read(path, encoding="utf-8")
    return parsed


def wheel(folder: Path, name: str, files: dict[str, str]) -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        for entry, text in files.items():
            archive.writestr(entry, text)
    return path


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_service_can_write_its_own_folder_and_nothing_else(path: Path) -> None:
    service = unit(path)["Service"]
    tier = path.stem.removeprefix("liandong-")
    assert {name: service[name] for name in HARDENED} == HARDENED
    assert service["StateDirectory"] == f"liandong/{tier}"
    assert service["Environment" if tier == "township" else "ExecStart"].endswith(
        f"/var/lib/liandong/{tier}" if tier == "township" else "/usr/bin/city-node run"
    )
    assert "ReadWritePaths" not in service
    # A mistyped setting is not tried for ever; a crash is.
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == "2"
    assert service["EnvironmentFile"] == f"-/etc/liandong/{tier}.env"


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_systemd_understands_every_line_of_the_units(path: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        # What the tool would find first: keys of a section that nobody knows.
        assert set(unit(path).sections()) == {"Unit", "Service", "Install"}
        return
    copy = tmp_path / path.name
    copy.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", path.read_text(), flags=re.MULTILINE))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True
    )
    assert [line for line in done.stderr.splitlines() if path.name in line] == []


def test_a_wrong_line_of_a_unit_would_be_seen(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not on this machine")
    copy = tmp_path / "liandong-city.service"
    copy.write_text("[Service]\nExecStart=/bin/true\nProtectSystem=stricter\n")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True
    )
    assert "liandong-city.service:3" in done.stderr


def test_the_password_of_the_database_is_handed_over_as_a_credential() -> None:
    service = (FILES / "liandong-city.service").read_text()
    assert "LoadCredential=pgpass:/etc/liandong/pgpass" in service
    assert "PGPASSFILE=%d/pgpass" in service


def test_every_script_is_one_that_sh_can_read() -> None:
    scripts = [path for path in FILES.iterdir() if path.read_bytes().startswith(b"#!/bin/sh\n")]
    assert {"prerm", "postinst", "postrm", "install.sh", "folders-known", "village-window"} <= {
        p.name for p in scripts
    }
    for path in scripts:
        assert subprocess.run(["sh", "-n", str(path)], check=False).returncode == 0, path.name
        assert os.access(path, os.X_OK), path.name


def test_the_menu_opens_a_window_with_a_terminal() -> None:
    entry = unit(FILES / "village-agent.desktop")["Desktop Entry"]
    assert (entry["Type"], entry["Terminal"]) == ("Application", "true")
    assert entry["Exec"] == "/usr/lib/liandong/village-window"
    assert entry["Name"]
    assert entry["Name[en]"]
    assert (FILES / f"{entry['Icon']}.svg").exists()


def test_versions_are_in_order_for_dpkg_as_the_history_grows() -> None:
    older, newer = version_of("0.1.0", 99, "f" * 40), version_of("0.1.0", 100, "0" * 40)
    for before, after in ((older, newer), (newer, "0.2.0+1.g0000000"), ("0.1.0", older)):
        assert (
            subprocess.run(["dpkg", "--compare-versions", before, "lt", after], check=False).returncode == 0
        )


def test_a_pin_without_its_hashes_is_refused_and_its_marker_is_judged_elsewhere() -> None:
    text = "colorama==0.4.6 ; sys_platform == 'win32' \\\n    --hash=sha256:aa\nrich==15.0.0 \\\n    --hash=sha256:bb\n"
    pinned = lock_entries(text)
    assert pinned_block(pinned, "colorama") == "colorama==0.4.6 \\\n    --hash=sha256:aa"
    with pytest.raises(SystemExit, match="make lock"):
        pinned_block(pinned, "left-pad")
    with pytest.raises(ValueError, match="not a pin"):
        lock_entries("rich>=15\n")


def test_wheels_are_laid_out_without_what_tells_of_the_builder_and_never_over_each_other(
    tmp_path: Path,
) -> None:
    own = {
        "a/__init__.py": "x = 1\n",
        "one-1.0.data/purelib/b.py": "",
        "one-1.0.data/scripts/one": "#!python\n",
    }
    one, two = wheel(tmp_path, "one", own), wheel(tmp_path, "two", {"b.py": "y = 2\n"})
    unpack([one], tmp_path / "site")
    names = {
        path.relative_to(tmp_path / "site").as_posix()
        for path in (tmp_path / "site").rglob("*")
        if path.is_file()
    }
    assert names == {"a/__init__.py", "b.py", "one-1.0.dist-info/METADATA"}
    with pytest.raises(ValueError, match="there already"):
        unpack([one, two], tmp_path / "both")
    with pytest.raises(ValueError, match="leads out"):
        unpack([wheel(tmp_path, "bad", {"../evil.py": ""})], tmp_path / "third")


@pytest.mark.parametrize("target", [linux("x86_64"), WINDOWS], ids=lambda target: target.name)
def test_a_folder_of_wheels_is_the_same_bytes_twice_and_every_file_has_its_sum(
    target: object, tmp_path: Path
) -> None:
    assert target in (linux("x86_64"), WINDOWS)
    wheels = [wheel(tmp_path, "one", {"one.py": "1"})]
    source = Source(ROOT, "0" * 40, "0.1.0+1.g0000000", EPOCH_S)
    made = []
    for number, mask in enumerate((0o022, 0o077)):
        before = os.umask(mask)
        try:
            (tmp_path / f"into{number}").mkdir(mode=0o755)
            made.append(
                wheelhouse.build(
                    source, wheels, target, tmp_path / f"work{number}", tmp_path / f"into{number}"
                )  # type: ignore[arg-type]
            )
        finally:
            os.umask(before)
    assert made[0].read_bytes() == made[1].read_bytes()
    if made[0].suffix == ".zip":
        with zipfile.ZipFile(made[0]) as archive:
            archive.extractall(tmp_path / "out")
    else:
        with tarfile.open(made[0]) as tar:
            tar.extractall(tmp_path / "out", filter="data")
    (folder,) = (tmp_path / "out").iterdir()
    done = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, capture_output=True)
    assert done.returncode == 0
    listed = {line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert listed == present - {"SHA256SUMS"}
    assert (folder / "requirements.lock").read_text() == lock_of(wheels)


def test_the_package_is_the_same_bytes_whatever_the_builder_s_umask(tmp_path: Path) -> None:
    wheels = [wheel(tmp_path, "one", {"one.py": "1"})]
    source = Source(ROOT, "0" * 40, "0.1.0+1.g0000000", EPOCH_S)
    made = []
    for number, mask in enumerate((0o022, 0o077)):
        before = os.umask(mask)
        try:
            (tmp_path / f"into{number}").mkdir(mode=0o755)
            made.append(
                deb.build(source, wheels, "amd64", tmp_path / f"work{number}", tmp_path / f"into{number}")
            )
        finally:
            os.umask(before)
    assert made[0].read_bytes() == made[1].read_bytes()
    listing = subprocess.run(["dpkg-deb", "--contents", str(made[0])], capture_output=True, text=True).stdout
    assert "./usr/bin/village-agent -> ../lib/liandong/bin/village-agent" in listing
    assert {line.split()[1] for line in listing.splitlines()} == {"root/root"}
    fields = subprocess.run(["dpkg-deb", "--field", str(made[0])], capture_output=True, text=True).stdout
    assert "Version: 0.1.0+1.g0000000" in fields
    assert "Depends: python3.11" in fields
    scripts = subprocess.run(
        ["dpkg-deb", "--info", str(made[0]), "prerm"], capture_output=True, text=True
    ).stdout
    assert '"0.1.0+1.g0000000"' in scripts
    assert "@VERSION@" not in scripts


def test_modes_and_times_are_settled_whatever_they_were(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("12345")
    (tmp_path / "a").chmod(0o600)
    assert settle(tmp_path, EPOCH_S) == 5
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "a").stat().st_mtime == EPOCH_S


def test_powershell_is_given_a_script_that_old_windows_reads_as_utf8() -> None:
    text = (FILES / "install.ps1").read_text(encoding="utf-8")
    assert "--require-hashes" in text
    assert "--no-index" in text
    assert "install.ps1" in (FILES / "install.cmd").read_text(encoding="utf-8")


def test_nothing_in_the_script_of_powershell_ends_a_string_before_its_time() -> None:
    text = (FILES / "install.ps1").read_text(encoding="utf-8")
    # PowerShell takes these for quotes and hyphens wherever they stand.
    assert not set(text) & set("\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u2013\u2014\u2015")
    for line in text.splitlines():
        if not line.lstrip().startswith("#"):
            bare = re.sub(r"'[^']*'", "", line.replace('`"', ""))
            assert bare.count('"') % 2 == 0, line
            # A letter behind a variable would be one of its name.
            assert not re.search(r"\$[A-Za-z_:]+[^\x00-\x7f]", line), line


def test_the_script_of_powershell_takes_paths_as_they_are() -> None:
    text = (FILES / "install.ps1").read_text(encoding="utf-8")
    commands = re.findall(
        r"\b(?:Test-Path|Remove-Item|Move-Item|Get-Content|Get-FileHash|Set-Location|Set-Content)\b.*", text
    )
    assert len(commands) > 10
    for command in commands:
        # Brackets in a user's name are no pattern.
        assert re.match(r"[A-Za-z]+-[A-Za-z]+ -LiteralPath ", command), command
    # What a program says on its error output ends the script while errors stop it.
    for before, _, _ in (text.partition("2>$null"),):
        assert before.rfind('$ErrorActionPreference = "Continue"') > before.rfind(
            '$ErrorActionPreference = "Stop"'
        )
    assert (FILES / "install.cmd").read_bytes().isascii(), "cmd reads it before its code page is set"
    # Windows Terminal parts its words anew: one quoted path is all that it can be given.
    assert '"`"$Folder\\liandong.cmd`""' in text
