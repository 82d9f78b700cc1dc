"""A village's clerk: takes applicants in by the real command, and looks a person up before entering them again."""

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from core.errors import LiandongError
from core.identifiers import parse_case_id
from deploy.demo.crew import Done
from deploy.demo.network import Station
from deploy.demo.plan import Application, write
from tests.torture.city import City, Keeper, refusal_in
from tests.torture.ledger import Applicant, Ledger, Slip
from tests.torture.tally import Tally

PAUSE_S = {"vault.wait": 2.0, "intake.disk_full": 1.0, "store.full": 1.0, "vault.unwritable": 1.0}
OTHER_PAUSE_S = 0.3
SYNC_SHARE = 0.1
"""Of applicants after whom the clerk presses for a contact at once."""
OTHER_SHARE = 0.3
"""Of other commands that are treated as intakes are."""
UNKNOWN = {"store.commit_unknown"}
_IN_JSON = re.compile(r'"case": "([0-9X]+)",\n')
_IN_WORDS = re.compile(r"[：:] ?(\S[0-9X \-]+)\n")


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is done to one intake process."""

    kill_after_s: float | None = None
    through: Sequence[str] = ()

    @property
    def is_calm(self) -> bool:
        return self.kill_after_s is None and not self.through


CALM = Treatment()


@dataclass(slots=True)
class Counter:
    """One village's counter, at which clerks sit: the applicants still to come, and what is done to each intake."""

    station: Station
    applicants: Iterator[Application]
    treat: Callable[[], Treatment] = lambda: CALM
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    slips: int = 0
    latest: str = ""
    """The number told last."""


class Clerk:
    """Serves one applicant after the other until the counter closes; the one being served is served to the end."""

    def __init__(
        self,
        counter: Counter,
        network: City,
        keeper: Keeper,
        ledger: Ledger,
        tally: Tally,
        seed: int,
        chance: Random,
    ) -> None:
        self.counter = counter
        self.network, self.keeper, self.ledger, self.tally = network, keeper, ledger, tally
        self.seed, self.chance = seed, chance

    async def work(self) -> None:
        while not self.counter.closed.is_set():
            application = next(self.counter.applicants, None)
            if application is None:
                self.tally.notes.append(
                    f"{self.counter.station.node}: every planned applicant has been served"
                )
                return
            await self.serve(application)
            if self.chance.random() < SYNC_SHARE:
                done = await self._command("sync", "--json", treatment=self._now_and_then())
                if done.code > 0:
                    await self._refused("sync", done)

    async def serve(self, application: Application) -> None:
        """Until the person has a number."""
        scans = [Path(path) for path in await asyncio.to_thread(write, application, self.seed)]
        files = tuple(hashlib.sha256(scan.read_bytes()).hexdigest() for scan in scans)
        person = application.person
        self.ledger.applicant(
            Applicant(
                application.number,
                application.village,
                application.item.code,
                person.name,
                person.id_no,
                files,
            )
        )
        while True:
            told, is_unknown = await self._enter(application)
            if not is_unknown:
                if told:
                    return
                continue
            found = await self._look_up(application)
            if told and told not in found:
                self.tally.broken.append(f"{told} was printed, and is not found afterwards: {found}")
            if len(found) > 1:
                self.tally.broken.append(
                    f"applicant {application.number} is there {len(found)} times: {found}"
                )
            self.tally.found_after["recorded" if found else "not recorded"] += 1
            if found:
                self._tell(found[0], application, "list")
                return

    async def _enter(self, application: Application) -> tuple[str, bool]:
        """One try: the number that was printed, if any, and whether the outcome is unknown."""
        treatment = self.counter.treat()
        as_json = self.chance.random() < 0.5
        began_s = time.monotonic()
        done = await self._command(
            *("apply", str(application.request_file), *(("--json",) if as_json else ())), treatment=treatment
        )
        told = _number(done.out, as_json)
        if told:
            # Whether or not it lived on to its exit code: it stood on the screen.
            self._tell(told, application, "apply")
        if done.code == 0 and told:
            if treatment.is_calm:
                self.tally.intake_s.append(time.monotonic() - began_s)
            return told, False
        if done.code == 0:
            self.tally.broken.append(f"exit code 0 without a number: {done.out[-200:]!r}")
            return "", True
        if done.code < 0:
            return told, True
        return told, await self._refused("apply", done)

    async def _look_up(self, application: Application) -> list[str]:
        """The numbers under which the person is recorded for this item, asked until there is an answer."""
        while True:
            done = await self._command(
                *("list", "--find", application.person.id_no, "--json"), treatment=self._now_and_then()
            )
            if done.code == 0:
                cases = json.loads(done.out)["cases"]
                return [one["case"] for one in cases if one["item"] == application.item.code]
            if done.code > 0:
                await self._refused("list", done)

    def _now_and_then(self) -> Treatment:
        """Other commands are treated as intakes are, but seldom."""
        return self.counter.treat() if self.chance.random() < OTHER_SHARE else CALM

    async def _refused(self, verb: str, done: Done) -> bool:
        """Count a refusal and wait as long as a person would; whether its outcome is unknown."""
        code = _code(done)
        self.tally.refusals[code or f"{verb} without words, exit {done.code}"] += 1
        if not code:
            self.tally.say_unworded(f"village-agent {verb}", done.code, done.err or done.out)
        await asyncio.sleep(PAUSE_S.get(code, OTHER_PAUSE_S))
        # Told in words that nothing was saved, a clerk enters it again without looking.
        return not code or code in UNKNOWN

    async def _command(self, *words: str, treatment: Treatment = CALM) -> Done:
        station = self.counter.station
        env: Mapping[str, str] | None = self.keeper.env.get(station.node)
        self.tally.commands[words[0]] += 1
        done = await self.network.crew.run(
            station.program,
            *("--data", str(station.folder), *words),
            check=False,
            env=env,
            through=treatment.through,
            kill_after_s=treatment.kill_after_s,
        )
        if done.code < 0:
            self.tally.kills[f"village-agent {words[0]}"] += 1
        return done

    def _tell(self, case: str, application: Application, by: str) -> None:
        self.ledger.slip(Slip(case, application.number, by))
        self.counter.slips += 1
        self.counter.latest = case


def _number(out: str, as_json: bool) -> str:
    """The case number in what an intake printed; empty where it does not stand there whole."""
    match = (_IN_JSON if as_json else _IN_WORDS).search(out)
    if match is None:
        return ""
    try:
        return str(parse_case_id(match.group(1)))
    except LiandongError:
        return ""


def _code(done: Done) -> str:
    try:
        return str(json.loads(done.out)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return refusal_in(done.err).code
