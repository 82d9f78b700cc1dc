"""A village's device with many cases: taken in by the program itself, and handed over long ago."""

import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from core.application import Sheet
from sync.tables import DELIVERY, MESSAGE, STREAM
from tests.scenarios.world import TestWorld
from tests.unit.village_kit import applicant, open_desk, person, sheet
from village_agent.session import Session

BATCH = 500
_FAMILY = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN = "秀英桂兰玉珍建国志强小明文华春梅德福海燕"


def build(folder: Path, cases: int) -> None:
    """Make ``folder`` a device with so many cases; one that has them already is left as it is."""
    if (folder / "cases").exists() and int((folder / "cases").read_text()) == cases:
        return
    # A device numbers 999 cases a day, so they come day by day until now.
    past = TestWorld(1, datetime.now(UTC) - timedelta(days=cases // BATCH + 1))
    desk = open_desk(folder, past)
    try:
        like, started = sheet(desk.intake), time.monotonic()
        for first in range(0, cases, BATCH):
            with desk.village.installation.db.transaction() as tx:
                for number in range(first, min(cases, first + BATCH)):
                    desk.intake.submit(tx, desk.actor, _of(like, number))
            past.pass_time(days=1)
            done = min(cases, first + BATCH)
            print(
                f"\r{done} cases, {time.monotonic() - started:.0f} s  ", end="", file=sys.stderr, flush=True
            )
        print(file=sys.stderr)
        _hand_over(desk)
    finally:
        desk.close()
    (folder / "cases").write_text(str(cases))


def _of(like: Sheet, number: int) -> Sheet:
    name = _FAMILY[number % 20] + _GIVEN[number // 20 % 20] + _GIVEN[number // 400 % 20]
    day = f"{1940 + number % 60}{1 + number // 60 % 12:02}{1 + number // 720 % 28:02}"
    id_no = person(day, f"{number // 20160 % 1000:03}")
    return replace(like, applicant=applicant(name=name, id_no=id_no))


def _hand_over(desk: Session) -> None:
    """The books as they stand when everything was sealed and signed for; the envelopes themselves are not needed here."""
    with desk.village.installation.db.transaction() as tx:
        tx.execute(sa.update(MESSAGE).values(seq=MESSAGE.c.number))
        tx.execute(sa.update(STREAM).where(STREAM.c.messages > 0).values(head_seq=STREAM.c.messages))
        held = sa.select(STREAM.c.messages).where(STREAM.c.id == DELIVERY.c.stream_id).scalar_subquery()
        tx.execute(sa.update(DELIVERY).values(acked_seq=held))
