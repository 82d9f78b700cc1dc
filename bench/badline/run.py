"""One run: the backlog waits, the line opens, and the township's own database is asked what has arrived."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from bench.badline.link import FAR, NEAR, Link, Nature, Window
from bench.badline.people import TOWN, VILLAGE, People
from core.identifiers import NodeId
from core.store.casebook import CASE
from core.store.engine import Database, open_sqlite
from sync.installation import DATABASE
from sync.outbox import queue_of
from sync.tables import ATTACHMENT, ENVELOPE, MESSAGE

LOOK_S = 0.5
LIMIT_S_MAX = 1_200


@dataclass(frozen=True, slots=True)
class Load:
    """What waits at the village before the line opens."""

    cases: int = 500
    files: int = 10
    file_bytes: int = 200 * 1024


@dataclass(frozen=True, slots=True)
class Result:
    """Seconds since the line opened, None where the run ended before; bytes are those of IP unless said."""

    seed: int
    nature: Nature
    load: Load
    cases_s: float | None
    files_s: float | None
    signed_s: float | None
    """The village holds the township's signature for everything."""
    cases: int
    files: int
    took_s: float
    raw_bytes: int
    """Of the messages before they are packed, with the files."""
    useful_bytes: int
    """Envelopes and encrypted files that the township holds from the village."""
    line: dict[str, dict[str, int]]
    windows: tuple[Window, ...]
    """Each time that the line was up; where it was always, every ``up_s`` seconds."""
    frames_again: int
    """Envelopes and chunks that came to the township though it held them."""

    @property
    def wire_bytes(self) -> int:
        return self.line["up"]["offered"] + self.line["down"]["offered"]


def measure(
    folder: Path,
    nature: Nature,
    load: Load,
    seed: int,
    limit_s: float,
    wait_s: float,
    tag: str,
    say: Callable[[str], None],
) -> Result:
    """Set up, let it wait, open the line, and look until all is there or ``limit_s`` is over. Needs root."""
    people = People(folder, seed)
    link: Link | None = None
    town: Database | None = None
    session = None
    try:
        say("安装三个节点 / setting up three nodes")
        people.set_up()
        say(
            f"收件 {load.cases} 件，扫描件 {load.files} 个 / taking in {load.cases} cases with {load.files} scans"
        )
        session = people.open_village()
        people.hand_in(session, load.cases, load.files, load.file_bytes)
        village = session.village.installation.db
        link = Link(nature, seed, tag)
        link.start()
        people.start(TOWN, link.namespaces[FAR])
        people.start(VILLAGE, link.namespaces[NEAR])
        time.sleep(wait_s)
        town = open_sqlite(people.data(TOWN) / DATABASE)
        say("线路接通 / the line opens")
        opened_s = link.open()
        times: dict[str, float] = {}
        while True:
            now_s = time.monotonic() - opened_s
            people.require_running()
            cases, files = _arrived(town)
            if cases >= load.cases:
                times.setdefault("cases", now_s)
            if files >= load.files:
                times.setdefault("files", now_s)
                if len(times) == 2 and _is_signed(village):
                    times.setdefault("signed", now_s)
            if len(times) == 3 or now_s > limit_s:
                break
            time.sleep(LOOK_S)
        return Result(
            seed=seed,
            nature=nature,
            load=load,
            cases_s=times.get("cases"),
            files_s=times.get("files"),
            signed_s=times.get("signed"),
            cases=cases,
            files=files,
            took_s=now_s,
            raw_bytes=_raw_bytes(village) + load.files * load.file_bytes,
            useful_bytes=_useful_bytes(town),
            line=link.counts,
            windows=tuple(link.windows),
            frames_again=_frames_again(people.log(TOWN)),
        )
    finally:
        people.stop()
        if link is not None:
            link.close()
        if town is not None:
            town.close()
        if session is not None:
            session.close()


def _arrived(town: Database) -> tuple[int, int]:
    with town.reading() as tx:
        cases = tx.scalar(sa.select(sa.func.count()).select_from(CASE).where(CASE.c.origin == VILLAGE))
        whole = ATTACHMENT.c.complete_at.is_not(None)
        files = tx.scalar(sa.select(sa.func.count()).select_from(ATTACHMENT).where(whole))
    return int(cases or 0), int(files or 0)


def _is_signed(village: Database) -> bool:
    with village.reading() as tx:
        return queue_of(tx, NodeId(TOWN)).envelopes == 0


def _raw_bytes(village: Database) -> int:
    with village.reading() as tx:
        return int(tx.scalar(sa.select(sa.func.sum(sa.func.length(MESSAGE.c.body)))) or 0)


def _useful_bytes(town: Database) -> int:
    with town.reading() as tx:
        envelopes = tx.scalar(sa.select(sa.func.sum(ENVELOPE.c.size)).where(ENVELOPE.c.came_from == VILLAGE))
        sizes = tx.execute(sa.select(ATTACHMENT.c.size, ATTACHMENT.c.have)).all()
    held = sum(min(row.size, row.have_bytes) for row in map(_Held.of, sizes))
    return int(envelopes or 0) + held


@dataclass(frozen=True, slots=True)
class _Held:
    size: int
    have_bytes: int

    @classmethod
    def of(cls, row: sa.Row[tuple[int, bytes]]) -> "_Held":
        return cls(row.size, sum(bin(byte).count("1") for byte in bytes(row.have)) * 32 * 1024)


def _frames_again(log: Path) -> int:
    """By the township's own word, in its log."""
    return sum(map(int, re.findall(r"(\d+) held already", log.read_text(encoding="utf-8"))))
