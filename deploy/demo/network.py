"""Sets up the seven nodes by their own commands: init, one-time codes, enrolment, officers, catalogue, run."""

import asyncio
import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from core.errors import LocalError
from core.identifiers import DivisionCode, Tier, township_of
from deploy.demo.books import Book, Cabinet, read_book, read_cabinet
from deploy.demo.colleague import Colleague
from deploy.demo.crew import Crew
from deploy.demo.line import Line
from deploy.demo.plan import CITY, TOWNSHIPS, VILLAGES

EVERY_S = 1
READY_S_MAX = 40
PORTS = range(20_000, 32_000)
AT_ONCE = 2
"""Programs started at the same time: as many as the small machines that this runs on have processors."""
PROGRAMS = {Tier.CITY: "city-node", Tier.TOWNSHIP: "township-node", Tier.VILLAGE: "village-agent"}

NewOfficer = tuple[str, str, tuple[str, ...]]
"""Id, name and roles."""

CITY_OFFICERS: tuple[NewOfficer, ...] = (
    ("chuangkou", "周敏", ("window",)),
    ("chengban", "刘志明", ("handler",)),
    ("chengban2", "彭丽", ("handler",)),
    ("shenhe", "陈桂香", ("reviewer",)),
    ("jueding", "黄正华", ("decider",)),
    ("ducha", "唐义", ("supervisor",)),
)
TOWNSHIP_OFFICERS: tuple[NewOfficer, ...] = (("zhen1", "曹新", ("window",)), ("zhen2", "曾小红", ("window",)))


@dataclass(slots=True)
class Station:
    """A node's folder, its addresses and whoever works beside it.

    ``turn``: commands at one village take turns, as one agent's do.
    """

    node: str
    tier: Tier
    folder: Path
    contact: str = ""
    enrol_at: str = ""
    desk: str = ""
    colleague: Colleague | None = None
    passwords: dict[str, str] = field(default_factory=dict)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def program(self) -> str:
        return PROGRAMS[self.tier]

    @property
    def run_name(self) -> str:
        return f"{self.tier}-{self.node}"

    async def ask(self, do: str, **facts: Any) -> Any:
        assert self.colleague is not None
        return await self.colleague.ask(do, **facts)

    async def book(self, *, open_files: bool = False) -> Book:
        return read_book(await self.ask("book", open_files=open_files))

    async def cabinet(self) -> Cabinet:
        return read_cabinet(await self.ask("cabinet"))


class Network:
    """The city, its townships and villages; ``lines`` are those that can be cut, by the node that calls through them."""

    def __init__(
        self,
        folder: Path,
        crew: Crew,
        *,
        with_desks: bool,
        townships: Sequence[str] = TOWNSHIPS,
        villages: Sequence[str] = VILLAGES,
    ) -> None:
        self.folder = folder
        self.crew = crew
        self.pin = f"{secrets.randbelow(9_000_000) + 1_000_000}7"
        self._with_desks = with_desks
        ports = free_ports((3 if with_desks else 2) * (1 + len(townships)))
        self.city = self._station(CITY, Tier.CITY, ports)
        self.townships = [self._station(node, Tier.TOWNSHIP, ports) for node in townships]
        self.villages = [self._station(node, Tier.VILLAGE, ports) for node in villages]
        self.lines = {self.townships[0].node: Line(port_of(self.city.contact))}

    @property
    def line(self) -> Line:
        """The line between the first township and the city."""
        return self.lines[self.townships[0].node]

    @property
    def stations(self) -> list[Station]:
        return [self.city, *self.townships, *self.villages]

    def station(self, node: str) -> Station:
        return next(one for one in self.stations if one.node == node)

    async def command(self, station: Station, *words: str, **options: Any) -> Any:
        """A command of the node's own program; its JSON where it prints JSON."""
        async with station.turn if station.tier is Tier.VILLAGE else nullcontext():
            done = await self.crew.run(station.program, "--data", str(station.folder), *words, **options)
        return done.json() if "--json" in words else done.out

    async def found_city(self) -> None:
        """The city with its root of trust, running."""
        city = self.city
        passphrase = _secret_file(self.folder / "root-passphrase", secrets.token_urlsafe(24))
        await self.command(
            city,
            *("init", city.node, "--contact", city.contact, "--enrol-at", city.enrol_at),
            *(("--desk", city.desk) if city.desk else ()),
            *("--passphrase-file", str(passphrase), "--root-key", str(self.folder / "offline-root.key")),
        )
        await self._run(city)

    async def add_townships(self) -> None:
        for line in self.lines.values():
            await line.open()
        await asyncio.gather(*(self._add_township(station) for station in self.townships))

    async def add_villages(self) -> None:
        _secret_file(self.folder / "pin", self.pin)
        await asyncio.gather(*(self._add_village(station) for station in self.villages))

    async def publish(self, catalogue: Path) -> Any:
        """Let the city publish the catalogue to everybody."""
        return await self.command(self.city, "publish", "catalogue", str(catalogue), "--json")

    async def add_officers(self) -> int:
        """Officers at the city and at each township, the first by the command; returns how many."""
        desks = [(self.city, CITY_OFFICERS), *((station, TOWNSHIP_OFFICERS) for station in self.townships)]
        await asyncio.gather(*(self._add_officers(station, officers) for station, officers in desks))
        lines = [
            f"{station.node}\t{id_}\t{password}"
            for station in self.stations
            for id_, password in station.passwords.items()
        ]
        _secret_file(self.folder / "passwords.txt", "\n".join(lines) + "\n")
        return sum(len(officers) for _, officers in desks)

    async def hire(self) -> None:
        """A worker beside every node."""
        turn = asyncio.Semaphore(AT_ONCE)

        async def hire(station: Station) -> None:
            async with turn:
                await self._hire(station)

        await asyncio.gather(*(hire(station) for station in self.stations))

    async def begin(self, station: Station, env: Mapping[str, str] | None = None) -> None:
        """Start a node's process, without waiting until it is ready."""
        words = ("--data", str(station.folder), "-v", "run")
        await self.crew.start(station.run_name, station.program, *words, env=env)

    def require_running(self) -> None:
        """Raises ``LocalError`` (``demo.ended``) if a process ended that nobody asked to."""
        for name in self.crew.ended():
            raise LocalError(
                "demo.ended",
                zh=f"进程 {name} 自己结束了，详见 logs/{name}.log。",
                en=f"The process {name} ended by itself; see logs/{name}.log.",
            )

    async def restart(self, station: Station, env: Mapping[str, str] | None = None) -> None:
        """Run a node again whose process was killed."""
        await self._run(station, env)

    def _station(self, node: str, tier: Tier, ports: list[int]) -> Station:
        station = Station(node, tier, self.folder / f"{tier}-{node}")
        if tier is not Tier.VILLAGE:
            station.contact, station.enrol_at = _address(ports), _address(ports)
            station.desk = _address(ports) if self._with_desks else ""
        return station

    def _way_up(self, station: Station, above: Station) -> str:
        """The address at which a node calls the one above it."""
        line = self.lines.get(station.node)
        return f"https://{above.contact}" if line is None else f"https://127.0.0.1:{line.port}"

    async def _add_township(self, station: Station) -> None:
        await self.command(
            station,
            *("init", station.node, "--contact", station.contact, "--enrol-at", station.enrol_at),
            *(("--desk", station.desk) if station.desk else ()),
            *(
                "--parent",
                self._way_up(station, self.city),
                "--parent-enrol",
                f"https://{self.city.enrol_at}",
            ),
            *("--every", str(EVERY_S)),
        )
        await self._enrol(station)
        await self._run(station)

    async def _add_village(self, station: Station) -> None:
        above = self.station(township_of(DivisionCode(station.node)))
        await self.command(
            station,
            *("init", station.node, "--parent", self._way_up(station, above)),
            *("--parent-enrol", f"https://{above.enrol_at}", "--every", str(EVERY_S)),
        )
        await self._enrol(station)
        await self._run(station)

    async def _enrol(self, station: Station) -> None:
        code = await self.command(self.city, "code", station.node, "--json")
        await self.command(station, "enrol", code["code"])

    async def _add_officers(self, station: Station, officers: tuple[NewOfficer, ...]) -> None:
        for place, (id_, name, roles) in enumerate(officers):
            if place == 0:
                words = [word for role in roles for word in ("--role", role)]
                told = await self.command(station, "officer", "add", id_, name, *words, "--json")
            else:
                told = await station.ask("add_officer", id=id_, name=name, roles=list(roles))
            station.passwords[id_] = told["one_time_password"]

    async def _hire(self, station: Station) -> None:
        words = (str(station.tier), str(station.folder))
        process = await self.crew.start_worker(f"worker-{station.node}", *words)
        station.colleague = Colleague(f"worker-{station.node}", process)
        if station.tier is Tier.VILLAGE:
            await station.colleague.tell(pin=self.pin)
        await station.ask("catalogue")

    async def _run(self, station: Station, env: Mapping[str, str] | None = None) -> None:
        await self.begin(station, env)
        run_file = station.folder / "run.json"
        for _ in range(READY_S_MAX * 20):
            if _is_ready(run_file, self.crew.pid(station.run_name)):
                return
            if not self.crew.is_running(station.run_name):
                break
            await asyncio.sleep(0.05)
        raise LocalError(
            "demo.not_ready",
            zh=f"节点 {station.node} 没有在 {READY_S_MAX} 秒内运行起来，详见 logs/{station.run_name}.log。",
            en=f"Node {station.node} was not running within {READY_S_MAX} s; see logs/{station.run_name}.log.",
        )


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens at, all different.

    Below those that the system lends to callers: while a node is down, nobody else is given its port.
    """
    return list(islice(_free_ports(), count))


def _free_ports() -> Iterator[int]:
    for port in secrets.SystemRandom().sample(PORTS, len(PORTS)):
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def _is_ready(run_file: Path, pid: int) -> bool:
    try:
        return bool(json.loads(run_file.read_text(encoding="utf-8"))["pid"] == pid)
    except (OSError, ValueError, KeyError):
        return False


def _address(ports: list[int]) -> str:
    return f"127.0.0.1:{ports.pop()}"


def _secret_file(path: Path, text: str) -> Path:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return path
