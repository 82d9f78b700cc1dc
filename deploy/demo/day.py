"""The people of a day: village agents who apply and hand over, officers who work their desks, each at their own node."""

import asyncio
import json
from pathlib import Path
from typing import Any

from core.identifiers import CaseId, Tier, display_case_id
from core.people import mask_name
from deploy.demo.books import Entry
from deploy.demo.judge import place, readers_of
from deploy.demo.network import Network, Station
from deploy.demo.plan import Application, write, write_supplement
from deploy.demo.scene import Scene
from deploy.demo.steps import Step, desk_step, village_step

PAUSE_S = 0.4
SUSPENDED_S = 3.0
"""How long a special procedure lasts here; the limit clock stands still meanwhile."""
_LOOKS: dict[str, tuple[tuple[str, ...], ...]] = {
    "village-agent": (("list",), ("drafts",)),
    "township-node": (("list",),),
    "city-node": (("list",),),
}
_LOOKS_AT_CASE = {"village-agent": ("show", "slip"), "township-node": ("show",), "city-node": ("show",)}
_MAIN = {
    "supplement",
    "return",
    "refuse",
    "void",
    "suspend",
    "resume",
    "withdraw",
    "send-back",
    "ask-withdraw",
    "resubmit",
}


class Day:
    """Runs until every application has ended in every book."""

    def __init__(self, network: Network, scene: Scene) -> None:
        self.network = network
        self.scene = scene
        self.by_command: set[str] = set()
        """Verbs that were used on the real command line."""
        self._suspended_s: dict[str, float] = {}
        self._busy: set[tuple[str, str]] = set()
        """Node and case of the commands that are running: nobody else takes that case up meanwhile."""

    async def work(self) -> None:
        """Everybody at once. Raises whatever a node refuses that it should not have refused."""
        async with asyncio.TaskGroup() as group:
            for station in self.network.stations:
                group.create_task(self._work_at(station, group))

    def unfinished(self) -> list[Application]:
        """Applications that are not closed in every book yet, or not handed in yet."""
        open_ = [plan for plan in self.scene.plans if plan not in self.scene.cases.values()]
        for case, plan in self.scene.cases.items():
            if not self.scene.is_finished(case, readers_of(case, plan.item.confidential)):
                open_.append(plan)
        return open_

    async def _work_at(self, station: Station, group: asyncio.TaskGroup) -> None:
        waiting = [plan for plan in self.scene.plans if plan.village == station.node]
        while waiting or self.unfinished():
            self.network.require_running()
            self.scene.books[station.node] = await station.book()
            self.scene.queues[station.node] = await station.ask("queues")
            moved = await self._steps(station, group)
            if waiting:
                await self._apply(station, waiting.pop(0))
            elif not moved:
                await asyncio.sleep(PAUSE_S)

    async def _steps(self, station: Station, group: asyncio.TaskGroup) -> bool:
        moved = False
        for case in list(self.scene.books[station.node].entries):
            plan = self.scene.cases.get(case)
            if plan is None or (station.node, case) in self._busy:
                continue
            # Looked up at its turn: a command may have ended meanwhile and turned the page.
            entry = self.scene.books[station.node].entries[case]
            self._look(station, entry, group)
            if station.tier is Tier.VILLAGE:
                step = village_step(station.node, entry, plan)
            else:
                step = desk_step(station.tier, station.node, entry, plan)
            if step is None or not self._is_time(entry, step):
                continue
            key = f"{'village' if station.tier is Tier.VILLAGE else 'desk'} {step.verb}"
            if key in self.by_command:
                await self._take(station, entry, plan, step, by_command=False)
                moved = True
            else:
                # A command starts a program, so the others at the desk do not wait for it.
                self.by_command.add(key)
                self._busy.add((station.node, entry.id))
                group.create_task(self._take(station, entry, plan, step, by_command=True))
        return moved

    def _is_time(self, entry: Entry, step: Step) -> bool:
        if step.verb == "suspend":
            self._suspended_s[entry.id] = self.scene.elapsed_s
        return step.verb != "resume" or self.scene.elapsed_s - self._suspended_s[entry.id] > SUSPENDED_S

    async def _apply(self, station: Station, plan: Application) -> None:
        files = await asyncio.to_thread(write, plan, self.scene.seed)
        if plan.by_command:
            told = await self.network.command(station, "apply", str(plan.request_file), "--json")
            self.by_command.add("apply")
        else:
            told = await station.ask("apply", request=plan.request, folder=str(plan.folder))
        case = str(told["case"])
        self.scene.given[case] = list(files)
        self.scene.cases[case] = plan
        where, who = place(station.node), mask_name(plan.person.name)
        self.scene.tell(
            f"{where} 收件 {short(case)} {plan.item.name}（{who}）",
            f"{place(station.node, 'en')} took in {short(case)} {plan.item.title('en')}",
            main=False,
        )

    async def _take(
        self, station: Station, entry: Entry, plan: Application, step: Step, *, by_command: bool
    ) -> None:
        supplement: tuple[Path, str] | None = None
        if step.verb == "resubmit":
            supplement = await asyncio.to_thread(write_supplement, plan, self.scene.seed)
        if by_command:
            await self._by_command(station, entry.id, step, supplement)
            # What the last look showed is out of date by one step.
            self.scene.books[station.node] = await station.book()
            self._busy.discard((station.node, entry.id))
        elif station.tier is Tier.VILLAGE:
            await self._by_agent(station, entry.id, step, supplement)
        else:
            await station.ask("step", case=entry.id, officer=step.officer, verb=step.verb, values=step.values)
        if supplement is not None:
            self.scene.given[entry.id].append(supplement[1])
        zh, en = _VERBS.get(step.verb, (step.verb, step.verb))
        self.scene.tell(
            f"{place(station.node)} {zh} {short(entry.id)} {plan.item.name}",
            f"{place(station.node, 'en')}: {en} {short(entry.id)} {plan.item.title('en')}",
            main=step.verb in _MAIN,
        )

    async def _by_command(
        self, station: Station, case: str, step: Step, supplement: tuple[Path, str] | None
    ) -> None:
        if station.tier is not Tier.VILLAGE:
            words = [step.verb, case, "--as", step.officer, *step.words()]
        elif step.verb == "rate":
            words = ["rate", case, step.values["level"][0]]
        elif step.verb == "note":
            words = ["note", case, step.values["text"][0]]
        elif supplement is not None:
            words = ["resubmit", case, str(supplement[0])]
        else:
            words = [step.verb, case, *step.words()]
        await self.network.command(station, *words, "--json")

    async def _by_agent(
        self, station: Station, case: str, step: Step, supplement: tuple[Path, str] | None
    ) -> None:
        if supplement is not None:
            plain = json.loads(supplement[0].read_text(encoding="utf-8"))
            await station.ask("resubmit", case=case, request=plain, folder=str(supplement[0].parent))
            return
        values: list[Any] = [texts[0] for texts in step.values.values()]
        if step.verb == "rate":
            values = [int(values[0])]
        await station.ask(step.verb.replace("-", "_"), case=case, values=values)

    def _look(self, station: Station, entry: Entry, group: asyncio.TaskGroup) -> None:
        """Use the commands that only show something, once for each program."""
        program = station.program
        if f"{program} list" not in self.by_command:
            commands = [*_LOOKS[program], *((word, entry.id) for word in _LOOKS_AT_CASE[program])]
            self.by_command |= {f"{program} {words[0]}" for words in commands}
            group.create_task(self._look_around(station, commands))

    async def _look_around(self, station: Station, commands: list[tuple[str, ...]]) -> None:
        for words in commands:
            await self.network.command(station, *words, "--json")


def short(case: str) -> str:
    """The end of a case number, enough to follow it by eye: village, counter, check."""
    return display_case_id(CaseId(case))[9:12] + "-" + display_case_id(CaseId(case))[22:]


_VERBS = {
    "forward": ("转报", "forwarded"),
    "supplement": ("要求补正", "asked for a supplement to"),
    "return": ("退回", "returned"),
    "void": ("作废", "voided"),
    "paid": ("登记缴费", "noted the payment of"),
    "accept": ("受理", "accepted"),
    "refuse": ("不予受理", "refused"),
    "assign": ("分派", "assigned"),
    "handle": ("承办", "handled"),
    "review": ("审核", "reviewed"),
    "send-back": ("退回承办", "sent back"),
    "decide": ("决定", "decided"),
    "suspend": ("启动特别程序", "suspended"),
    "resume": ("结束特别程序", "resumed"),
    "withdraw": ("办理撤回", "withdrew"),
    "deliver": ("送达", "delivered"),
    "note": ("备注", "added a note to"),
    "resubmit": ("补正后再报", "sent again"),
    "ask-withdraw": ("转达撤回申请", "passed on the wish to withdraw"),
    "rate": ("登记评价", "noted the rating of"),
}
