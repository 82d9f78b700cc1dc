"""Sticks carried by people between neighbours: the production's export and import on a folder in memory.

A trip is an export, a way that takes minutes to hours, an import with its answer on the same stick, and the way back.
On the way a stick is lost, copied half, mixed with what is not ours, or found in a drawer and brought a second time.
"""

import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from core.errors import LiandongError
from core.identifiers import NodeId
from sync.bundle import MAGIC
from sync.stick import export_to
from sync.stick_import import import_from
from sync.transport.usb import FOLDER, Stick
from tests.simulator.disk import SimulatedCrash
from tests.simulator.line import Surroundings
from tests.simulator.site import Site

WAY_S = (300.0, 3600.0)
DRAWER_S = (900.0, 5400.0)


class World(Surroundings, Protocol):
    """What sticks need of the world around them."""

    folder: Path
    sites: dict[NodeId, Site]
    people_until_s: float

    def saw_stick(self, site: Site, data: bytes) -> None: ...


class Sticks:
    """Every stick of the city, each a folder of its own."""

    def __init__(self, world: World, seed: str) -> None:
        self.world = world
        self.chance = random.Random(seed)
        self._count = 0

    def set_out(self, site: Site) -> None:
        """Somebody plugs a stick in, exports what waits for the node above, and goes there."""
        if site.node is None or site.parent is None:
            return
        self._count += 1
        stick = self.world.folder / f"stick-{self._count}"
        stick.mkdir()
        if self._handle(site, partial(self._export, site, stick, site.parent)):
            self._carry(stick, partial(self._bring_up, site, stick))

    def _export(self, site: Site, stick: Path, peer: NodeId) -> None:
        assert site.node is not None
        for export in export_to(Stick(stick), site.node, [peer]):
            if export.error is not None:
                raise export.error
        self._look(site, stick)
        self.world.say("stick", site.name, stick=stick.name, files=len(_files(stick)))

    def _bring_up(self, site: Site, stick: Path) -> None:
        assert site.parent is not None
        parent = self.world.sites[site.parent]
        if self._handle(parent, partial(self._import, parent, stick)):
            self._carry(stick, partial(self._bring_back, site, stick))
        else:
            # The machine was off, or in trouble: somebody comes again later.
            self._later(stick, partial(self._bring_up, site, stick), WAY_S)

    def _bring_back(self, site: Site, stick: Path) -> None:
        if not self._handle(site, partial(self._import, site, stick)):
            self._later(stick, partial(self._bring_back, site, stick), WAY_S)
        elif self.world.misfortune.strikes("stick.stale"):
            # Found in a drawer: it is brought to the township once more.
            self._later(stick, partial(self._bring_up, site, stick), DRAWER_S)

    def _import(self, site: Site, stick: Path) -> None:
        assert site.node is not None
        report = import_from(Stick(stick), site.node)
        if report.error is not None:
            raise report.error
        self._look(site, stick)
        fates = ",".join(sorted(str(found.fate) for found in report.found))
        self.world.say("plugged", site.name, stick=stick.name, fates=fates)

    def _carry(self, stick: Path, arrive: Callable[[], None]) -> None:
        """The way to the other machine, with what may befall a stick."""
        fate = self.world.misfortune
        if fate.strikes("stick.lost"):
            self.world.say("stick lost", stick.name)
            shutil.rmtree(stick)
            return
        files = _files(stick)
        if files and fate.strikes("stick.half_copied"):
            file = fate.random.choice(files)
            data = file.read_bytes()
            file.write_bytes(data[: fate.random.randrange(len(data))])
        if fate.strikes("stick.foreign"):
            folder = stick / FOLDER
            folder.mkdir(exist_ok=True)
            (folder / "holiday.jpg").write_bytes(b"\xff\xd8" + fate.random.randbytes(400))
            (folder / "looks-like.ldb").write_bytes(MAGIC + fate.random.randbytes(300))
        if files and fate.strikes("stick.doubled"):
            file = fate.random.choice(files)
            shutil.copyfile(file, file.with_name(f"copy of {file.name}"))
        self._later(stick, arrive, WAY_S)

    def _later(self, stick: Path, what: Callable[[], None], span_s: tuple[float, float]) -> None:
        when_s = self.world.timeline.now_s + self.chance.uniform(*span_s)
        if when_s < self.world.people_until_s:
            self.world.timeline.at(when_s, what)

    def _handle(self, site: Site, act: Callable[[], None]) -> bool:
        """Let somebody work at a machine; false if it was off or told them that it could not."""
        if not site.is_up:
            return False
        try:
            act()
        except SimulatedCrash as crash:
            self.world.crashed(crash)
            return False
        except LiandongError as error:
            self.world.say("told", site.name, code=error.code, en=error.en)
            return False
        finally:
            self.world.touched(site)
        return True

    def _look(self, site: Site, stick: Path) -> None:
        """The judge reads what lies on the stick, as anybody may who finds it."""
        for file in _files(stick):
            data = file.read_bytes()
            if data[: len(MAGIC)] == MAGIC:
                self.world.saw_stick(site, data)


def _files(stick: Path) -> list[Path]:
    folder = stick / FOLDER
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
