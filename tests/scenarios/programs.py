"""The three programs of one small city as people start them: real processes, TLS on loopback."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from core.catalogue import encode_catalogue, load_catalogue

TIERS = {"city": "city_node", "township": "township_node", "village": "village_agent"}
CITY, TOWN, VILLAGE = "430981000000", "430981102000", "430981102202"
PIN = "280614"
START_S_MAX = 30


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Programs:
    """Folders and processes of one small city."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.contact, self.enrol, self.town_contact, self.town_enrol = free_ports(4)
        self.running: list[subprocess.Popen[str]] = []
        self.environment = {**os.environ, "LIANDONG_PIN": PIN, "LIANDONG_LANG": "zh"}
        (folder / "pass").write_text("a long passphrase for the root")

    def command(self, tier: str, *words: str) -> list[str]:
        start = f"from {TIERS[tier]}.cli import main; main(prog_name='{tier}')"
        return [sys.executable, "-c", start, "--data", str(self.folder / tier), *words]

    def do(self, tier: str, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            self.command(tier, *words),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def facts(self, tier: str, *words: str) -> Any:
        return json.loads(self.do(tier, *words, "--json"))

    def start(self, tier: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            self.command(tier, "run"),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.running.append(process)
        until = time.monotonic() + START_S_MAX
        while not (self.folder / tier / "run.json").exists():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < until
            time.sleep(0.05)
        return process

    def enrolled(self, tier: str, node: str) -> None:
        self.do(tier, "enrol", self.facts("city", "code", node)["code"])

    def found_city(self) -> None:
        """Set up and start the city."""
        self.do(
            "city", "init", CITY, "--contact", _at(self.contact), "--enrol-at", _at(self.enrol),
            "--passphrase-file", str(self.folder / "pass"), "--root-key", str(self.folder / "root.key"),
        )  # fmt: skip
        self.start("city")

    def found_township(self) -> None:
        """Set up the township; it can be enrolled then."""
        self.do(
            "township", "init", TOWN, "--contact", _at(self.town_contact), "--enrol-at", _at(self.town_enrol),
            "--parent", _url(self.contact), "--parent-enrol", _url(self.enrol), "--every", "1",
        )  # fmt: skip

    def found_village(self) -> None:
        """Set up and enrol the village by way of the running township."""
        self.do(
            "village", "init", VILLAGE, "--parent", _url(self.town_contact),
            "--parent-enrol", _url(self.town_enrol), "--every", "1",
        )  # fmt: skip
        self.enrolled("village", VILLAGE)

    def publish(self) -> None:
        catalogue = self.folder / "catalogue.json"
        catalogue.write_bytes(encode_catalogue(load_catalogue()))
        self.do("city", "publish", "catalogue", str(catalogue))

    def stop(self) -> list[int]:
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        codes = []
        for process in self.running:
            try:
                process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
            codes.append(process.returncode)
        self.running.clear()
        return codes


def _at(port: int) -> str:
    return f"127.0.0.1:{port}"


def _url(port: int) -> str:
    return f"https://127.0.0.1:{port}"
