"""The programs of a city, a township and a village, set up by their own commands; then the backlog at the village."""

import os
import random
import subprocess
import sys
import time
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from bench.badline.link import ADDRESSES, FAR
from core.canonical import parse_json
from core.clock import CHINA
from deploy.demo.network import free_ports
from deploy.demo.plan import plan, scan
from sync.environment import SystemWorld
from sync.settings import load_settings, write_settings
from village_agent.request_file import sheet_of_request
from village_agent.session import Session, open_session
from village_agent.vault import choose_operator

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[2]
CITY, TOWN, VILLAGE = "430981000000", "430981102000", "430981102202"
READY_S_MAX = 40
COMMAND_S_MAX = 90
STOP_S_MAX = 40
CONTACT_PORT = 8443
PROGRAMS = {CITY: "city-node", TOWN: "township-node", VILLAGE: "village-agent"}


class People:
    """Three folders under one, and whatever runs of them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.seed = seed
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        (folder / "pin").write_text("2806147")
        (folder / "passphrase").write_text("the city's passphrase for this bench")
        self._env = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONUTF8": "1",
            "LIANDONG_PIN_FILE": str(folder / "pin"),
            "LIANDONG_OPERATOR_NAME": "代办员",
        }

    def data(self, node: str) -> Path:
        return self.folder / node

    def log(self, node: str) -> Path:
        return self.folder / f"{node}.log"

    def do(self, node: str, *words: str) -> str:
        """A command to its end; what it printed. Raises ``RuntimeError`` with its words if it failed."""
        done = subprocess.run(
            [str(BIN / PROGRAMS[node]), "--data", str(self.data(node)), *words],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=COMMAND_S_MAX,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{PROGRAMS[node]} {words[0]}: {done.stderr or done.stdout}")
        return done.stdout

    def start(self, node: str, namespace: str | None = None) -> None:
        """Run a node's own background process, in ``namespace`` or here, until it says that it is ready."""
        run_file = self.data(node) / "run.json"
        run_file.unlink(missing_ok=True)
        inside = ["ip", "netns", "exec", namespace] if namespace else []
        command = [*inside, str(BIN / PROGRAMS[node]), "--data", str(self.data(node)), "-v", "run"]
        with self.log(node).open("ab") as log:
            self._running[node] = subprocess.Popen(command, env=self._env, stdout=log, stderr=log)
        self._until(run_file.exists, f"{PROGRAMS[node]} is not ready")

    def stop(self) -> None:
        """End every process that was started here."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()

    def require_running(self) -> None:
        for node, process in self._running.items():
            if process.poll() is not None:
                raise RuntimeError(f"{PROGRAMS[node]} ended with {process.returncode}; see {self.log(node)}")

    def set_up(self) -> None:
        """Enrol township and village, and let the catalogue arrive: on loopback, as any installation begins."""
        contact, enrol, town_contact, town_enrol = (f"127.0.0.1:{port}" for port in free_ports(4))
        self.do(
            CITY,
            *("init", CITY, "--contact", contact, "--enrol-at", enrol),
            *("--passphrase-file", str(self.folder / "passphrase")),
            *("--root-key", str(self.folder / "offline-root.key")),
        )
        self.start(CITY)
        parents = ("--parent", f"https://{contact}", "--parent-enrol", f"https://{enrol}", "--every", "1")
        self.do(TOWN, "init", TOWN, "--contact", town_contact, "--enrol-at", town_enrol, *parents)
        self._enrol(TOWN)
        self.start(TOWN)
        parents = ("--parent", f"https://{town_contact}", "--parent-enrol", f"https://{town_enrol}")
        self.do(VILLAGE, "init", VILLAGE, *parents)
        self._enrol(VILLAGE)
        self.do(CITY, "publish", "catalogue", str(resources.files("core") / "data" / "catalogue.json"))
        self._until(self._has_catalogue, "the catalogue did not arrive")
        self.stop()
        town, village = load_settings(self.data(TOWN)), load_settings(self.data(VILLAGE))
        address = f"{ADDRESSES[FAR]}:{CONTACT_PORT}"
        write_settings(self.data(TOWN), replace(town, listen_contact=address, listen_enrol=""))
        write_settings(self.data(VILLAGE), replace(village, parent_contact=f"https://{address}"))

    def open_village(self) -> Session:
        """The agent's desk, as the terminal opens it."""
        pin = (self.folder / "pin").read_text()
        return open_session(self.data(VILLAGE), SystemWorld(), choose_operator(self.data(VILLAGE), None), pin)

    def hand_in(self, session: Session, cases: int, files: int, file_bytes: int) -> None:
        """Take in ``cases`` applications, ``files`` of them with one scan each."""
        today = SystemWorld().now().astimezone(CHINA).date()
        node, office = session.village.installation.node, session.village.office
        with node.db.reading() as tx:
            office.refresh(tx)
        chance = random.Random(self.seed)
        with_scan = set(chance.sample(range(cases), files))
        # A confidential case is sealed to the city alone: the township could not count it.
        plans = plan(self.seed, 2 * cases + 40, today, self.folder / "scans")
        visible = [one for one in plans if not one.item.confidential][:cases]
        for number, one in enumerate(visible):
            request: dict[str, Any] = one.request
            request["applicant"]["village_code"] = VILLAGE
            scans = request["attachments"][:1] if number in with_scan else []
            request["attachments"] = scans
            if scans:
                one.folder.mkdir(parents=True, exist_ok=True)
                (one.folder / scans[0]["path"]).write_bytes(scan(file_bytes, f"{self.seed}/{number}"))
            sheet = sheet_of_request(request, one.folder, node.world, node.chunks)
            with node.db.transaction() as tx:
                session.intake.submit(tx, session.actor, sheet)

    def _enrol(self, node: str) -> None:
        code = parse_json(self.do(CITY, "code", node, "--json").encode())
        assert isinstance(code, dict)
        self.do(node, "enrol", str(code["code"]))

    def _has_catalogue(self) -> bool:
        self.do(VILLAGE, "sync")
        session = self.open_village()
        try:
            with session.village.installation.db.reading() as tx:
                session.village.office.refresh(tx)
            return session.village.office.shelf.version > 0
        finally:
            session.close()

    def _until(self, is_so: Any, words: str) -> None:
        until_s = time.monotonic() + READY_S_MAX
        while not is_so():
            self.require_running()
            if time.monotonic() > until_s:
                raise RuntimeError(words)
            time.sleep(0.1)
