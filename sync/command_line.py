"""What every command line of the product has in common; it reads neither database nor keys, so help and screens come at once."""

import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from core.errors import Fault, LiandongError
from core.identifiers import NodeId, Tier

EXIT_CODES = {Fault.INPUT: 2, Fault.STATE: 3, Fault.PEER: 4, Fault.LOCAL: 5}


@dataclass(frozen=True, slots=True)
class Program:
    """What a tier brings to the common commands.

    ``open`` opens its folder (asking for a key if the tier keeps one); ``reopen`` does so again for a program that
    has it open, asking nobody; ``key`` gives the database key of a folder and ``make_key`` that of a new one;
    ``check`` refuses a node that cannot be; ``desk`` builds the officers' pages and ``public`` the citizens'; ``beat`` is done every few seconds
    while the node runs.
    """

    tier: Tier
    name: str
    chains: Sequence[Path]
    open: Callable[[Path], Any]
    reopen: Callable[[Any], Any] | None = None
    key: Callable[[Path], bytes | None] = lambda folder: None
    make_key: Callable[[Path], bytes | None] = lambda folder: None
    check: Callable[[NodeId], None] = lambda node: None
    desk: Callable[[Any], Any] | None = None
    public: Callable[[Any], Any] | None = None
    beat: Callable[[Any], None] = lambda app: None


class WordsGroup(click.Group):
    """Says a refusal as its sentence, with an exit code by whose fault it is."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LiandongError as error:
            say_error(ctx, error)
            ctx.exit(EXIT_CODES[error.fault])


def say_error(ctx: click.Context, error: LiandongError) -> None:
    """Print a refusal: as JSON when ``--json`` was given, else in the chosen language."""
    if "--json" in sys.argv:
        click.echo(
            json.dumps({"error": {"code": error.code, "zh": error.zh, "en": error.en}}, ensure_ascii=False)
        )
    else:
        mark = "✗" if lang_of(ctx) == "zh" else "x"
        click.echo(f"{mark} {error.text(lang_of(ctx))} [{error.code}]", err=True)


def lang_of(ctx: click.Context) -> str:
    return str((ctx.find_root().params or {}).get("lang") or "zh")


def folder_of(ctx: click.Context) -> Path:
    return Path((ctx.find_root().params or {})["data"])


def emit(ctx: click.Context, facts: Any, as_json: bool, words: Callable[[Any, str], str]) -> None:
    """Print facts as one JSON document, or as words."""
    click.echo(json.dumps(facts, ensure_ascii=False, indent=2) if as_json else words(facts, lang_of(ctx)))


json_option = click.option("--json", "as_json", is_flag=True, help="机器可读输出 / machine-readable output")


def empty_group(tier: Tier, name: str) -> click.Group:
    """A program's group with the options of all its commands: ``--data``, ``--lang``, ``--verbose``."""
    default = Path.home() / ".local/share/liandong" / tier

    @click.group(
        cls=WordsGroup,
        help=f"联动 {name} / Liandong {name}",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    @click.option(
        "--data", default=default, envvar="LIANDONG_DATA", show_default=True, type=click.Path(path_type=Path)
    )
    @click.option(
        "--lang", default="zh", envvar="LIANDONG_LANG", type=click.Choice(["zh", "en"]), show_default=True
    )
    @click.option("--verbose", "-v", is_flag=True, help="日志 / log to standard error")
    def group(data: Path, lang: str, verbose: bool) -> None:
        logging.basicConfig(
            level=logging.INFO if verbose else logging.ERROR,
            format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        )

    return group
