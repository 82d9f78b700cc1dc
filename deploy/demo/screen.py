"""The demo as it goes, for a person: a live table at a terminal, plain lines elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from core.clock import from_iso
from core.identifiers import Tier
from deploy.demo.incidents import LINE
from deploy.demo.judge import place
from deploy.demo.network import Network, Station
from deploy.demo.scene import Event, Scene

REFRESH_S = 0.25
PLAIN_S = 10.0
EVENT_LINES = 10
BAR_CELLS = 34
WIDTH_MAX = 100
_STAGES = {
    "todo": ("待收件", "to come", "dim"),
    "village": ("在村", "village", "yellow"),
    "township": ("在镇", "township", "cyan"),
    "city": ("在市", "city", "blue"),
    "decided": ("已决定", "decided", "magenta"),
    "closed": ("已办结", "closed", "green"),
}


class Screen:
    """Shows a scene; the network tells which nodes there are."""

    def __init__(self, console: Console, scene: Scene) -> None:
        self.console = console
        self.scene = scene
        self.network: Network | None = None
        self._shown = 0

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """While the block runs, what happens is shown."""
        showing = asyncio.create_task(self._live() if self.console.is_terminal else self._plain())
        try:
            yield
        finally:
            showing.cancel()
            with suppress(asyncio.CancelledError):
                await showing

    async def _live(self) -> None:
        with Live(console=self.console, auto_refresh=False, transient=True) as live:
            try:
                while True:
                    live.update(self.picture(), refresh=True)
                    await asyncio.sleep(REFRESH_S)
            finally:
                live.update(Text(""), refresh=True)

    async def _plain(self) -> None:
        next_s = PLAIN_S
        try:
            while True:
                for event in self._new_events():
                    self._line(event)
                if self.scene.elapsed_s >= next_s and self.scene.cases:
                    next_s = self.scene.elapsed_s + PLAIN_S
                    self.console.print(f"          {self._counts_words()}", soft_wrap=True)
                await asyncio.sleep(REFRESH_S)
        finally:
            for event in self._new_events():
                self._line(event)

    def _line(self, event: Event) -> None:
        if event.is_main:
            words = f"{event.at}  {event.text(self.scene.lang)}"
            self.console.print(words, soft_wrap=True, markup=False)

    def _new_events(self) -> Iterator[Event]:
        fresh = min(self.scene.told - self._shown, len(self.scene.events))
        self._shown = self.scene.told
        yield from list(self.scene.events)[len(self.scene.events) - fresh :]

    def picture(self) -> RenderableType:
        """The whole picture, at most 100 columns."""
        width = min(self.console.width, WIDTH_MAX)
        parts: list[RenderableType] = [self._heading(width)]
        if self.network is not None and self.scene.books:
            parts += [self._bar(), self._nodes(self.network, width)]
        parts.append(Text())
        recent = list(self.scene.events)[-EVENT_LINES:]
        parts += [self._event(event, width) for event in recent]
        return Group(*parts)

    def _heading(self, width: int) -> Text:
        zh = self.scene.lang == "zh"
        left = "联动 演示：一市两镇四村" if zh else "Liandong demo: a city, two townships, four villages"
        stage = self.scene.stage[not zh]
        right = f"{stage}   {self.scene.elapsed_s:5.0f} {'秒' if zh else 's'}"
        gap = max(2, width - cell_len(left) - cell_len(right))
        return Text.assemble((left, "bold"), " " * gap, right)

    def _bar(self) -> Text:
        counts = self.scene.whereabouts()
        total = max(1, sum(counts.values()))
        bar = Text()
        words = Text("  ")
        for name in reversed(_STAGES):
            zh, en, style = _STAGES[name]
            cells = round(counts[name] * BAR_CELLS / total)
            bar.append(("." if name == "todo" else "#") * cells, style)
            words.append(f"{zh if self.scene.lang == 'zh' else en} {counts[name]} ", style)
        return bar + words

    def _counts_words(self) -> str:
        counts = self.scene.whereabouts()
        zh = self.scene.lang == "zh"
        parts = [f"{_STAGES[name][not zh]} {count}" for name, count in counts.items()]
        return f"{self.scene.elapsed_s:3.0f} {'秒' if zh else 's'}  " + ("，" if zh else ", ").join(parts)

    def _nodes(self, network: Network, width: int) -> Table:
        zh = self.scene.lang == "zh"
        table = Table(box=None, width=width, pad_edge=False, header_style="dim")
        headings = (
            ("节点", "账上", "在手", "待上传", "待下发", "附件在途", "上次联络", "状态")
            if zh
            else ("node", "cases", "in hand", "up", "down", "files due", "last met", "state")
        )
        for place_, heading in enumerate(headings):
            table.add_column(heading, justify="left" if place_ in (0, 7) else "right", no_wrap=True)
        for station in network.stations:
            table.add_row(*self._node(station))
        return table

    def _node(self, station: Station) -> list[Text]:
        scene = self.scene
        indent = {Tier.CITY: "", Tier.TOWNSHIP: "  ", Tier.VILLAGE: "    "}[station.tier]
        name = place(station.node, scene.lang).rpartition("·")[2]
        book = scene.books.get(station.node)
        entries = list(book.entries.values()) if book is not None else []
        in_hand = sum(1 for entry in entries if entry.holder == station.node)
        due = sum(1 for entry in entries for file in entry.files if file.have < file.count)
        up = [peer for peer in scene.queues.get(station.node, []) if _is_above(peer["node"], station)]
        down = [peer for peer in scene.queues.get(station.node, []) if not _is_above(peer["node"], station)]
        style = "" if in_hand else "dim"
        return [
            Text(indent + name),
            _number(len(entries)),
            Text(str(in_hand), style),
            _number(sum(int(peer["waiting_envelopes"]) for peer in up) if up else None),
            _number(sum(int(peer["waiting_envelopes"]) for peer in down) if down else None),
            _number(due),
            Text(_ago(up, scene.lang), "dim"),
            self._state(station, up),
        ]

    def _state(self, station: Station, up: list[dict[str, Any]]) -> Text:
        zh = self.scene.lang == "zh"
        if station.node in self.scene.down:
            return Text("已被杀死" if zh else "killed", "bold red")
        is_cut = LINE in self.scene.down and self.network is not None
        if is_cut and self.network is not None and station is self.network.townships[0]:
            return Text("线路中断" if zh else "line cut", "bold red")
        if any(peer.get("failures") for peer in up):
            return Text("重试中" if zh else "retrying", "yellow")
        return Text("正常" if zh else "fine", "green")

    def _event(self, event: Event, width: int) -> Text:
        words = f"{event.at}  {event.text(self.scene.lang)}"
        if cell_len(words) > width:
            words = set_cell_size(words, width - 2) + ".."
        style = "bold" if event.mark else "" if event.is_main else "dim"
        return Text(words, style, no_wrap=True)


def _is_above(peer: str, station: Station) -> bool:
    own = {Tier.CITY: station.node[:6], Tier.TOWNSHIP: station.node[:9]}.get(station.tier, station.node)
    return not peer.startswith(own)


def _number(count: int | None) -> Text:
    return Text("" if count is None else str(count), "bold" if count else "dim")


def _ago(up: list[dict[str, Any]], lang: str) -> str:
    met = [peer["last_contact_at"] for peer in up if peer.get("last_contact_at")]
    if not met:
        return ""
    seconds = max(0, round((datetime.now(UTC) - from_iso(max(met))).total_seconds()))
    return f"{seconds} 秒前" if lang == "zh" else f"{seconds} s ago"
