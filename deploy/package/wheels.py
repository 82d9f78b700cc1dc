"""The pinned production dependencies as wheels: what the program needs on a target, each by its hash in the lock."""

import hashlib
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from deploy.package.programs import answer
from deploy.package.source import Source

PYTHON = "3.11"
_GLIBC = 36
"""Debian 12 has glibc 2.36."""


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of machine: pip's platform tags, the values of markers there, the extras of ours that it needs."""

    name: str
    platforms: tuple[str, ...]
    markers: dict[str, str]
    extras: tuple[str, ...]


def linux(machine: str) -> Target:
    """Debian 12 on ``machine`` (``x86_64``, ``aarch64``); every tier runs there."""
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(_GLIBC, 16, -1)]
    if machine == "x86_64":
        tags += ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"]
    else:
        tags += [f"manylinux2014_{machine}"]
    markers = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    return Target(f"linux-{machine}", tuple(tags), markers | {"platform_machine": machine}, ("city",))


WINDOWS = Target(
    "windows-amd64",
    ("win_amd64",),
    {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"},
    (),
)
"""A village's laptop; no city runs there."""


def wheels_for(source: Source, target: Target, into: Path) -> list[Path]:
    """Our own wheel and all that it needs on ``target``, by name. Needs the package index that pip is set up for."""
    into.mkdir(parents=True, exist_ok=True)
    own = build_own(source, into)
    pinned = lock_entries((source.folder / "requirements.lock").read_text(encoding="utf-8"))
    waiting = [Requirement(f"liandong[{','.join(target.extras)}]")]
    files = {"liandong": own}
    asked: set[tuple[str, str]] = set()
    while waiting:
        names = sorted({canonicalize_name(one.name) for one in waiting} - files.keys())
        if names:
            for wheel in _download([pinned_block(pinned, name) for name in names], target, into):
                files[canonicalize_name(parse_wheel_filename(wheel.name)[0])] = wheel
        following: list[Requirement] = []
        for one in waiting:
            name = canonicalize_name(one.name)
            for extra in ("", *sorted(one.extras)):
                if (name, extra) not in asked:
                    asked.add((name, extra))
                    following += _needs(files[name], extra, target)
        waiting = following
    return [files[name] for name in sorted(files)]


def build_own(source: Source, into: Path) -> Path:
    """The product's own wheel, the same bytes for the same commit."""
    words = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(into)]
    _pip([*words, str(source.folder)], source.environment)
    (own,) = into.glob("liandong-*.whl")
    return own


def lock_entries(text: str) -> dict[str, str]:
    """Each pinned name with its lines of the lock, hashes and all. Raises ``ValueError`` for a line without a pin."""
    entries: dict[str, str] = {}
    for block in re.split(r"\n(?=\S)", text.strip()):
        found = re.match(r"([A-Za-z0-9._-]+)==\S+", block)
        if found is None or "--hash=sha256:" not in block:
            raise ValueError(f"not a pin with hashes: {block[:80]!r}")
        entries[canonicalize_name(found[1])] = block
    return entries


def pinned_block(pinned: dict[str, str], name: str) -> str:
    """The lock's lines for ``name``; its own marker is dropped, that of whoever needs it has been judged."""
    if name not in pinned:
        raise SystemExit(
            f"requirements.lock 里没有 {name}，请先 make lock / {name} is not in the lock: make lock"
        )
    return re.sub(r"^(\S+==\S+) ; [^\\\n]*", r"\1 ", pinned[name])


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lock_of(wheels: Iterable[Path]) -> str:
    """A lock of exactly these files, for ``pip install --no-index --require-hashes``."""
    lines = []
    for wheel in wheels:
        name, version, *_ = parse_wheel_filename(wheel.name)
        lines.append(f"{name}=={version} --hash=sha256:{sha256_of(wheel)}\n")
    return "".join(lines)


def metadata_of(wheel: Path) -> dict[str, list[str]]:
    """The headers of a wheel's METADATA, by lower-case name."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [entry for entry in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", entry)]
        parsed = Parser().parsestr(archive.read(name).decode("utf-8"), headersonly=True)
    headers: dict[str, list[str]] = {}
    for key, value in parsed.items():
        headers.setdefault(key.lower(), []).append(value)
    return headers


def _needs(wheel: Path, extra: str, target: Target) -> Iterator[Requirement]:
    version = {"python_version": PYTHON, "python_full_version": f"{PYTHON}.2"}
    kind = {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
    around = {**version, **kind, **target.markers, "extra": extra}
    for text in metadata_of(wheel).get("requires-dist", []):
        need = Requirement(text)
        # Without an extra only what is always needed; with one only what that extra adds.
        is_of_extra = need.marker is not None and "extra" in str(need.marker)
        if is_of_extra == bool(extra) and (need.marker is None or need.marker.evaluate(around)):
            yield need


def _download(blocks: list[str], target: Target, into: Path) -> list[Path]:
    asked = into / "asked.txt"
    asked.write_text("\n".join(blocks) + "\n", encoding="utf-8")
    before = set(into.glob("*.whl"))
    words = ["download", "--no-deps", "--only-binary=:all:", "--require-hashes", "--python-version", PYTHON]
    words += ["--implementation", "cp", "--abi", "cp311", "--abi", "abi3", "--abi", "none"]
    words += [word for platform in target.platforms for word in ("--platform", platform)]
    _pip([*words, "--dest", str(into), "--requirement", str(asked)], None)
    asked.unlink()
    return sorted(set(into.glob("*.whl")) - before)


def _pip(words: list[str], environment: dict[str, str] | None) -> None:
    answer(
        [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words],
        environment=environment,
    )
