"""What is packaged is a commit, never a work tree: its files, its version, its time."""

import io
import os
import re
import tarfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from deploy.package.programs import answer

ROOT = Path(__file__).parents[2]
_VERSION = re.compile(r'^version = "([^"]+)"$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Source:
    """``folder`` holds the files of ``commit``, with ``version`` written into its pyproject; ``epoch_s`` is its time (Unix)."""

    folder: Path
    commit: str
    version: str
    epoch_s: int

    def file(self, name: str) -> bytes:
        """One of the files of the package that are not the product's; a commit from before them is packed with ours."""
        inside = Path("deploy/package/files") / name
        return ((self.folder if (self.folder / inside.parent).is_dir() else ROOT) / inside).read_bytes()

    @property
    def programs(self) -> dict[str, tuple[str, str]]:
        """The commands of the product, each with the module and function that it starts."""
        project = tomllib.loads((self.folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return {
            name: (where.partition(":")[0], where.partition(":")[2])
            for name, where in project["scripts"].items()
        }

    @property
    def manual(self) -> bytes:
        """The manual for those who install and run it."""
        manual = Path("docs/operations.md")
        return ((self.folder if (self.folder / manual).exists() else ROOT) / manual).read_bytes()

    @property
    def environment(self) -> dict[str, str]:
        """What makes the same bytes of the same commit, whoever builds it, where and when."""
        return os.environ | {"SOURCE_DATE_EPOCH": str(self.epoch_s), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def take(commit: str, into: Path) -> Source:
    """Lay the files of ``commit`` into the empty folder ``into``. Exits in words if the history is not whole."""
    if _git("rev-parse", "--is-shallow-repository") == "true":
        raise SystemExit(
            "仓库历史不完整，排不出版本号；请先 git fetch --unshallow / "
            "the history is cut off, so versions cannot be put in order: git fetch --unshallow first"
        )
    full = _git("rev-parse", "--verify", f"{commit}^{{commit}}")
    archive = answer(["git", "archive", full], folder=ROOT)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(into, filter="data")
    project = into / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    found = _VERSION.search(text)
    if found is None:
        raise SystemExit("pyproject.toml: version?")
    version = version_of(found[1], int(_git("rev-list", "--count", full)), full)
    project.write_text(text.replace(found[0], f'version = "{version}"', 1), encoding="utf-8")
    return Source(into, full, version, int(_git("show", "-s", "--format=%ct", full)))


def version_of(base: str, commits: int, commit: str) -> str:
    """``0.1.0+289.g32daf9d``: in order for dpkg and for pip as the history grows."""
    return f"{base}+{commits}.g{commit[:7]}"


def is_clean() -> bool:
    """Whether the work tree is what is committed, and so what is packaged."""
    return not _git("status", "--porcelain")


def _git(*words: str) -> str:
    return answer(["git", *words], folder=ROOT).decode("utf-8").strip()
