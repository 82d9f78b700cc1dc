"""The build's door to git, pip, dpkg and apt: their answer, or an end in words."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class ProgramFailed(SystemExit):
    """The program ended with an error; its words are the message."""


def answer(
    words: Sequence[str], *, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> bytes:
    """What the program wrote to its standard output. Raises ``ProgramFailed``; no shell is involved."""
    try:
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True)  # noqa: S603 - our own words
    except FileNotFoundError as error:
        raise ProgramFailed(f"缺少程序 / missing program: {words[0]}") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace")[-4000:]
        raise ProgramFailed(f"{' '.join(words[:4])} … 没有成功 / failed:\n{said}")
    return done.stdout
