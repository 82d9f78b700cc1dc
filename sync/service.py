"""A node at work: listens, calls the neighbour above, does its nightly chores, and stops cleanly."""

import asyncio
import json
import logging
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn

from core.errors import LiandongError
from core.identifiers import Tier
from sync import enrol, listener, meeting, registrar
from sync.installation import Installation
from sync.jobs import Chores
from sync.lines import parent_line, tls_material
from sync.node import Node
from sync.restoring import RUN_FILE
from sync.retry import REACH_S, line_delay_s, retry_delay_s
from sync.settings import FILE_NAME, Settings, host_port
from sync.transport.base import UNREACHED, LineDown
from sync.transport.extranet import Extranet
from sync.transport.tls import server_context
from sync.visit import Visit

log = logging.getLogger(__name__)

POLL_S = 0.5
WATCH_EVERY_S = 2.0


def run(
    installation: Installation,
    desk: Any | None,
    ready: Callable[[], None],
    beat: Callable[[], None] = lambda: None,
    public: Any | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. ``desk`` is the officers' ASGI application and ``public`` the citizens', if the
    tier has them; ``beat`` is what the tier does every few seconds.
    """
    asyncio.run(_run(installation, desk, ready, beat, public))


async def _run(
    installation: Installation,
    desk: Any | None,
    ready: Callable[[], None],
    beat: Callable[[], None],
    public: Any | None,
) -> None:
    node, settings = installation.node, installation.settings
    stop, stopped = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        _on_signal(loop, number, stop.set)
    servers = _servers(installation, desk, public)
    chores = Chores(installation)
    caller = threading.Thread(target=call_parent, args=(node, settings, stopped), name="caller", daemon=True)
    run_file = installation.folder / RUN_FILE
    chores.start()
    watching = asyncio.create_task(_watch(installation, chores, stop, beat))
    if node.place.parent is not None:
        caller.start()
    try:
        serving = asyncio.create_task(listener.serve_all(servers, stop))
        while servers and not all(server.started for server in servers) and not serving.done():
            await asyncio.sleep(0.02)
        if not serving.done():
            _write_run_file(run_file, settings)
            ready()
        await serving
    finally:
        run_file.unlink(missing_ok=True)
        stopped.set()
        node.woken.set()
        watching.cancel()
        chores.stop()
        if caller.is_alive():
            await asyncio.to_thread(caller.join, settings.contact_timeout_s)


def _on_signal(loop: asyncio.AbstractEventLoop, number: int, do: Callable[[], None]) -> None:
    try:
        loop.add_signal_handler(number, do)
    except NotImplementedError:
        # Windows knows no other way.
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(do))


async def _watch(
    installation: Installation, chores: Chores, stop: asyncio.Event, beat: Callable[[], None]
) -> None:
    """On the clock that cannot jump: the chores, the room on the disk, and whether a commit is in doubt."""
    while installation.db.in_doubt is None:
        await asyncio.sleep(WATCH_EVERY_S)
        try:
            if installation.db.reserve is not None:
                installation.db.reserve.look()
            chores.watch()
            await asyncio.to_thread(beat)
        except (LiandongError, OSError):
            # A disk that refuses once must not end the watch.
            log.exception("the watch could not look")
    # Nothing goes on as if nothing had happened: see sync.reopen.
    stop.set()


def call_parent(node: Node, settings: Settings, stopped: threading.Event) -> None:
    """Meet the neighbour above: at its rhythm, at once when something waits, with growing delay while it is away."""
    parent = node.place.parent
    assert parent is not None
    line: Extranet | None = None
    failures = 0
    in_doubt = node.budget_of(parent)[1] > 0

    def moved(done: meeting.Meeting) -> None:
        nonlocal failures
        failures = 0

    while not stopped.is_set():
        before = (0, 0)
        try:
            line = line or parent_line(node, settings, stopped.is_set)
            done = meeting.meet(node, line, parent, moved, in_doubt=in_doubt)
            before = meeting.mark(node)
            log.info("met %s: %s", parent, done)
            failures, in_doubt = 0, False
            line.rest()
        except LineDown as error:
            failures += 1
            # Where nobody was reached nothing was sent.
            in_doubt = in_doubt or error.code != UNREACHED
            log.warning("could not meet %s: %s", parent, error)
            _reach(line, stopped)
            stopped.wait(line_delay_s(failures, node.world.random_bytes(2)))
            continue
        except LiandongError as error:
            failures, in_doubt = failures + 1, True
            log.warning("could not meet %s: %s", parent, error)
        except Exception:
            # A defect must not end the only thread that brings cases to the city.
            failures, in_doubt = failures + 1, True
            log.exception("the contact with %s failed", parent)
        wait_s = retry_delay_s(failures, node.world.random_bytes(2), usual_s=settings.contact_every_s)
        _wait(node, stopped, wait_s, before if failures == 0 else None)
    if line is not None:
        line.close()


def _reach(line: Extranet | None, stopped: threading.Event) -> None:
    """Wait until the neighbour answers: over a line that is up for seconds only, each of them counts."""
    while line is not None and not stopped.is_set() and not line.reach(REACH_S):
        pass


def _wait(node: Node, stopped: threading.Event, wait_s: float, before: tuple[int, int] | None) -> None:
    until_s = node.world.monotonic_s() + wait_s
    while not stopped.is_set() and node.world.monotonic_s() < until_s:
        if node.woken.wait(POLL_S):
            node.woken.clear()
            return
        # The terminal of this node is another process, and a child may have just handed something over.
        if node.db.in_doubt is None and before is not None and meeting.mark(node) != before:
            return


def _servers(installation: Installation, desk: Any | None, public: Any | None) -> list[uvicorn.Server]:
    node, settings = installation.node, installation.settings
    path = installation.folder / FILE_NAME
    servers = []
    if settings.listen_contact:
        app = listener.contact_app(lambda certificate: Visit(node, certificate))
        tls = server_context(*tls_material(node), require_client=True)
        servers.append(listener.server(app, *host_port(settings.listen_contact, path, "listen_contact"), tls))
    if settings.listen_enrol:
        tls = server_context(*tls_material(node), require_client=False)
        app = listener.enrolment_app(*_enrolment(node, settings))
        servers.append(listener.server(app, *host_port(settings.listen_enrol, path, "listen_enrol"), tls))
    if settings.listen_desk and desk is not None:
        servers.append(listener.server(desk, *host_port(settings.listen_desk, path, "listen_desk"), None))
    if settings.listen_public and public is not None:
        where = host_port(settings.listen_public, path, "listen_public")
        servers.append(listener.server(public, *where, None))
    return servers


def _enrolment(node: Node, settings: Settings) -> tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]:
    if node.place.tier is Tier.CITY:
        return (lambda data: registrar.give_anchor(node, data)), (lambda data: registrar.admit(node, data))
    # A township passes the bytes on: it can read neither the code nor the application.
    post = enrol.door(settings.parent_enrol, settings.contact_timeout_s)
    return (lambda data: post(enrol.ANCHOR_PATH, data)), (lambda data: post(enrol.APPLY_PATH, data))


def _write_run_file(path: Path, settings: Settings) -> None:
    """For whoever looks for the process. A full disk must not keep a node from sending what it holds."""
    facts = {"pid": os.getpid(), "contact": settings.listen_contact, "desk": settings.listen_desk}
    try:
        path.write_text(json.dumps(facts), encoding="utf-8")
    except OSError as error:
        log.warning("could not write %s: %s", path, error)
