"""The outside ledger: who came, and every number that a process printed; on disk before anything else is done.

The judge goes by this file alone, never by a program's own tables.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO


@dataclass(frozen=True, slots=True)
class Applicant:
    """Somebody who came to a village with papers. ``files`` are the SHA-256 of the scans, in order."""

    number: int
    village: str
    item: str
    name: str
    id_no: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slip:
    """A case number that a person was told. ``by``: the command that printed it, ``apply`` or ``list``."""

    case: str
    applicant: int
    by: str


class Ledger:
    """Appends to a file, each line synced before the call returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.slips = 0
        self._file: TextIO = path.open("a", encoding="utf-8")

    def applicant(self, one: Applicant) -> None:
        """Before the first attempt: whoever is not in here could not have submitted anything."""
        self._append({"what": "applicant", **asdict(one)})

    def slip(self, one: Slip) -> None:
        self._append({"what": "slip", **asdict(one)})
        self.slips += 1

    def close(self) -> None:
        self._file.close()

    def _append(self, facts: dict[str, Any]) -> None:
        self._file.write(json.dumps(facts, ensure_ascii=False) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def read_ledger(path: Path) -> tuple[Sequence[Applicant], Sequence[Slip]]:
    """Everybody who came and every slip, in the order they were written."""
    applicants, slips = [], []
    for line in path.read_text(encoding="utf-8").splitlines():
        facts = json.loads(line)
        what = facts.pop("what")
        if what == "applicant":
            applicants.append(Applicant(**{**facts, "files": tuple(facts["files"])}))
        else:
            slips.append(Slip(**facts))
    return applicants, slips
