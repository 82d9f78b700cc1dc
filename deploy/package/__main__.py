"""``python -m deploy.package``: builds what is carried to machines without internet, the same bytes for the same commit."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

import click

from deploy.package import deb, wheelhouse
from deploy.package.programs import ProgramFailed, answer
from deploy.package.source import ROOT, is_clean, take
from deploy.package.wheels import WINDOWS, Target, linux, sha256_of, wheels_for

KINDS = ("deb", "wheels")


@click.command(
    help="生成安装包：deb（Debian 12）、wheels（Linux 与 Windows 的离线安装文件夹）；不指定则全部。\n\n"
    "Build what is installed without internet: deb (Debian 12), wheels (folders for Linux and Windows); all by default.\n\n"
    "例 / examples:\n\n  python -m deploy.package\n\n  python -m deploy.package deb --architecture arm64"
)
@click.argument("kinds", nargs=-1, type=click.Choice(KINDS))
@click.option("--commit", default="HEAD", show_default=True, help="打包哪个提交 / which commit")
@click.option("--into", default=ROOT / "dist", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--architecture", default=None, type=click.Choice(sorted(deb.MACHINES)), help="默认本机 / this machine's"
)
@click.option("--no-font", is_flag=True, help="不附带中文字体包 / without the package of the font")
def main(kinds: tuple[str, ...], commit: str, into: Path, architecture: str | None, no_font: bool) -> None:
    kinds = kinds or KINDS
    if commit == "HEAD" and not is_clean():
        click.echo("有未提交的改动，打包的是已提交的内容 / what is not committed is not packaged", err=True)
    into.mkdir(parents=True, exist_ok=True)
    architecture = architecture or _own_architecture()
    on_linux = linux(deb.MACHINES[architecture])
    made: list[Path] = []
    with tempfile.TemporaryDirectory(prefix="liandong-package-") as scratch:
        work = Path(scratch)
        source = take(commit, work / "source")
        click.echo(f"联动 {source.version}  {source.commit[:12]}")

        def fetched(target: Target) -> list[Path]:
            began = time.monotonic()
            wheels = wheels_for(source, target, work / target.name)
            size = sum(wheel.stat().st_size for wheel in wheels)
            _tell(f"wheels {target.name}: {len(wheels)}", size, began)
            return wheels

        wheels = fetched(on_linux)
        if "deb" in kinds:
            began = time.monotonic()
            made.append(deb.build(source, wheels, architecture, work / "deb", into))
            _tell(made[-1].name, made[-1].stat().st_size, began)
            if not no_font:
                made += _font(work / "font", into)
        if "wheels" in kinds:
            for target, files in ((on_linux, wheels), (WINDOWS, fetched(WINDOWS))):
                began = time.monotonic()
                made.append(wheelhouse.build(source, files, target, work / "house", into))
                _tell(made[-1].name, made[-1].stat().st_size, began)
    sums = "".join(f"{sha256_of(path)}  {path.name}\n" for path in sorted(made))
    (into / wheelhouse.SUMS).write_text(sums, encoding="utf-8")
    click.echo(sums, nl=False)


def _own_architecture() -> str:
    own = answer(["dpkg", "--print-architecture"]).decode().strip()
    if own not in deb.MACHINES:
        raise SystemExit(
            f"请用 --architecture 指定 / name one with --architecture: {', '.join(deb.MACHINES)}"
        )
    return own


def _font(work: Path, into: Path) -> list[Path]:
    """The system's package of the font that printed documents need, to be carried along; none in words if apt has none."""
    work.mkdir()
    try:
        answer(["apt-get", "download", "-qq", "fonts-noto-cjk"], folder=work)
    except ProgramFailed as error:
        click.echo(
            "没有取到字体包 fonts-noto-cjk：没有它也能安装和办件，只是不能打印 PDF / the font's package was not to be had: all "
            f"works without it but documents as PDF\n{error}",
            err=True,
        )
        return []
    found = sorted(work.glob("*.deb"))
    target = into / found[0].name.replace("%3a", "_")
    shutil.copyfile(found[0], target)
    return [target]


def _tell(what: str, size: int, began: float) -> None:
    click.echo(f"  {what}  {size / 1e6:.1f} MB  {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
