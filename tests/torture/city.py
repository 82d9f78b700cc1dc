"""The tortured city: the demo's network with a bad line between every two tiers, and a keeper of its processes."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.demo.crew import Crew
from deploy.demo.network import Network, Station, port_of
from deploy.demo.plan import TOWNSHIPS, VILLAGES
from tests.torture.line import CuttingLine
from tests.torture.tally import Tally

WATCH_S = 0.5
RESTART_S = 1.0
SAID_BYTES_MAX = 8000
_CODE = re.compile(r"\[([a-z0-9_]+\.[a-z0-9_.]+)\]\s*$")


class City(Network):
    """One city, one township, two villages; ``lines`` has one for each node below the city."""

    lines: dict[str, CuttingLine]  # type: ignore[assignment]

    def __init__(self, folder: Path, crew: Crew) -> None:
        super().__init__(folder, crew, with_desks=False, townships=TOWNSHIPS[:1], villages=VILLAGES[:2])
        self.township = self.townships[0]
        above = {self.township.node: self.city} | {one.node: self.township for one in self.villages}
        self.lines = {node: CuttingLine(port_of(station.contact)) for node, station in above.items()}

    def heal(self) -> None:
        for line in self.lines.values():
            line.heal()

    def close(self) -> None:
        for line in self.lines.values():
            line.close()


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a program said when it would not: its code, empty where it said nothing in words."""

    code: str
    text: str


def refusal_in(text: str) -> Refusal:
    """The refusal at the end of what a program printed."""
    match = _CODE.search(text.strip())
    return Refusal(match.group(1) if match else "", text)


class Keeper:
    """Starts again what ended, as a service manager does. ``env`` is what a machine adds to every program on it."""

    def __init__(self, network: City, tally: Tally) -> None:
        self.network = network
        self.tally = tally
        self.env: dict[str, Mapping[str, str]] = {}
        self.left_alone: set[str] = set()
        """Nodes that a chapter starts and ends itself."""
        self._log_begins: dict[str, int] = {}
        self._killed: set[str] = set()
        """Nodes that are down by our hand."""

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            for station in self.network.stations:
                if self._is_down(station):
                    if station.node not in self._killed:
                        self.note_ended(station)
                    await asyncio.sleep(RESTART_S)
                    if self._is_down(station):
                        await self.begin(station)
            await asyncio.sleep(WATCH_S)

    def _is_down(self, station: Station) -> bool:
        return station.node not in self.left_alone and not self.is_running(station)

    def is_running(self, station: Station) -> bool:
        return self.network.crew.is_running(station.run_name)

    async def begin(self, station: Station) -> None:
        """Start the node's program, without waiting until it is ready."""
        log = self._log(station)
        self._killed.discard(station.node)
        self._log_begins[station.node] = log.stat().st_size if log.exists() else 0
        await self.network.begin(station, self.env.get(station.node))

    async def kill(self, station: Station) -> bool:
        """kill -9; false if it had ended by itself before."""
        if not self.is_running(station):
            self.note_ended(station)
            return False
        self._killed.add(station.node)
        await self.network.crew.kill(station.run_name)
        self.tally.kills[f"{station.program} run"] += 1
        return True

    async def restart(self, station: Station) -> None:
        """Kill it, and start it with the machine's present environment; it is ready when this returns."""
        self.left_alone.add(station.node)
        try:
            await self.kill(station)
            self._killed.discard(station.node)
            await self.network.restart(station, self.env.get(station.node))
        finally:
            self.left_alone.discard(station.node)

    def note_ended(self, station: Station) -> None:
        """It ended by itself: count the words it left, or keep its last lines."""
        with self._log(station).open("rb") as log:
            log.seek(self._log_begins.get(station.node, 0))
            said = log.read()[-SAID_BYTES_MAX:].decode(errors="replace")
        refusal = refusal_in(said)
        self.tally.ended[f"{station.program} run {refusal.code or '(no words)'}"] += 1
        if not refusal.code:
            self.tally.say_unworded(f"{station.program} run", 0, said)

    def _log(self, station: Station) -> Path:
        return self.network.crew.logs / f"{station.run_name}.log"


async def facts(network: City, keeper: Keeper, station: Station, *words: str) -> Any:
    """The JSON of one of a node's commands, whatever its exit code; ``{"error": …}`` where it is none."""
    done = await network.crew.run(
        station.program,
        *("--data", str(station.folder), *words, "--json"),
        check=False,
        env=keeper.env.get(station.node),
    )
    try:
        return done.json()
    except ValueError:
        keeper.tally.say_unworded(f"{station.program} {words[0]}", done.code, done.err or done.out)
        return {"error": (done.err or done.out)[-300:]}


def waiting(node: str, status: dict[str, Any]) -> list[str]:
    """What a node's status says is not at rest, in words; empty where all is."""
    if "peers" not in status:
        return [f"{node}: status says {status}"]
    found = [
        f"{node}: {status[key]} {key}"
        for key in ("unsealed_messages", "quarantined", "files_in_transit")
        if status[key]
    ]
    found += [f"{node}: stream of {one['origin']} is held" for one in status["held_streams"]]
    return found + [
        f"{node}: {peer['waiting_envelopes']} envelopes wait for {peer['node']}"
        for peer in status["peers"]
        if peer["waiting_envelopes"]
    ]
