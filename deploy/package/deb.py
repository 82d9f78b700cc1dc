"""The Debian package: the three programs in an environment of their own under /usr/lib/liandong, units, menu entry."""

from collections.abc import Iterable
from pathlib import Path

from deploy.package.programs import answer
from deploy.package.source import Source
from deploy.package.tree import PROGRAM, link, put, settle, unpack
from deploy.package.wheels import PYTHON, metadata_of

HOME = "usr/lib/liandong"
SERVICES = ("city", "township")
SCRIPTS = ("prerm", "postinst", "postrm")
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""What Debian calls an architecture, and what wheels do."""

_CONTROL = """\
Package: liandong
Version: {version}
Architecture: {architecture}
Maintainer: Liandong maintainers <maintainers@liandong.invalid>
Installed-Size: {kilobytes}
Depends: python{python}, libc6 (>= 2.34), util-linux
Recommends: fonts-noto-cjk
Section: misc
Priority: optional
Description: 联动：市、镇、村三级办件同步 / city, township and village nodes
 村级代办终端 village-agent、镇级节点 township-node、市级节点 city-node，连同全部依赖，安装不需要网络。
 .
 The village agent's terminal, the township node and the city node, with all that they depend on in an
 environment of their own: nothing is fetched when it is installed. The services of township and city are
 not started before a node has been set up. It is not removed while there is unsent work on the machine.
"""
_LAUNCHER = """\
#!/{home}/bin/python3 -I
import sys

from {module} import {function}

sys.exit({function}())
"""


def build(source: Source, wheels: list[Path], architecture: str, work: Path, into: Path) -> Path:
    """Lay the package out in the empty folder ``work`` and write the .deb into ``into``."""
    root = work / "root"
    lay_out(source, wheels, root)
    size = settle(root, source.epoch_s)
    put(root, "DEBIAN/control", control(source.version, architecture, size))
    put(root, "DEBIAN/conffiles", "/etc/liandong/folders\n")
    for name in SCRIPTS:
        text = source.file(name).decode("utf-8").replace("@VERSION@", source.version)
        put(root, f"DEBIAN/{name}", text, PROGRAM)
    settle(root / "DEBIAN", source.epoch_s)
    target = into / f"liandong_{source.version}_{architecture}.deb"
    # One thread: how many there are is not to be seen in the bytes.
    words = [
        "dpkg-deb",
        "--root-owner-group",
        "--threads-max=1",
        "-Zzstd",
        "-z9",
        "--build",
        str(root),
        str(target),
    ]
    answer(words, environment=source.environment)
    return target


def lay_out(source: Source, wheels: list[Path], root: Path) -> None:
    """Every file of the package but its control files."""
    version = f"{PYTHON}.2"
    put(
        root,
        f"{HOME}/pyvenv.cfg",
        f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {version}\n",
    )
    link(root, f"{HOME}/bin/python3", f"/usr/bin/python{PYTHON}")
    unpack(wheels, root / HOME / f"lib/python{PYTHON}/site-packages")
    for name, (module, function) in source.programs.items():
        launcher = _LAUNCHER.format(home=HOME, module=module, function=function)
        put(root, f"{HOME}/bin/{name}", launcher, PROGRAM)
        link(root, f"usr/bin/{name}", f"../lib/liandong/bin/{name}")
    for tier in SERVICES:
        put(root, f"lib/systemd/system/liandong-{tier}.service", source.file(f"liandong-{tier}.service"))
        put(root, f"usr/sbin/liandong-{tier}", source.file(f"liandong-{tier}"), PROGRAM)
    for name in ("village-window", "folders-known"):
        put(root, f"{HOME}/{name}", source.file(name), PROGRAM)
    put(root, "usr/lib/sysusers.d/liandong.conf", source.file("sysusers.conf"))
    put(root, "usr/share/applications/village-agent.desktop", source.file("village-agent.desktop"))
    put(root, "usr/share/icons/hicolor/scalable/apps/liandong.svg", source.file("liandong.svg"))
    put(root, "etc/liandong/folders", source.file("folders"))
    put(root, "usr/share/doc/liandong/operations.md", source.manual)
    put(root, "usr/share/doc/liandong/copyright", copyright_of(wheels))


def control(version: str, architecture: str, size: int) -> str:
    return _CONTROL.format(
        version=version, architecture=architecture, kilobytes=-(-size // 1024), python=PYTHON
    )


def copyright_of(wheels: Iterable[Path]) -> str:
    """What is in the package and under which licence, as the wheels say; their texts lie beside the code."""
    lines = [
        "Liandong 联动: Apache-2.0 (/usr/share/common-licenses/Apache-2.0).",
        "",
        f"In /{HOME}/lib, each with its own licence in its .dist-info folder:",
        "",
    ]
    for wheel in wheels:
        said = metadata_of(wheel)
        trove = [
            line.rpartition(" :: ")[2] for line in said.get("classifier", []) if line.startswith("License ::")
        ]
        licence = (said.get("license-expression") or trove or said.get("license") or ["see its folder"])[0]
        lines.append(f"  {said['name'][0]} {said['version'][0]}: {licence.splitlines()[0][:100]}")
    return "\n".join(lines) + "\n"
