"""The door through which neighbours come: HTTPS with client certificates for contacts, a second one for enrolment."""

import asyncio
import json
import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from core.errors import Fault, LiandongError, LocalError, PeerError
from sync.retry import KNOCK_S, knock_after_s
from sync.transport.extranet import (
    ANSWER_BYTES_MAX,
    BEGIN_HEADER,
    MEDIA_TYPE,
    REQUEST_HEADER,
    UNKNOWN_REQUEST,
)
from sync.transport.tcp import knock, prepare

log = logging.getLogger(__name__)

ENROL_BYTES_MAX = 64 * 1024
CONNECTIONS_MAX = 256

TAKE_EVERY_S = 1.0
TAKE_BYTES = 1 << 20
"""What has arrived is taken at the latest after so long, or when it is so much."""
SILENT_S_MAX = 150
"""A request of which nothing came for so long is over. Longer than a caller waits for a line to come back."""


class Visit(Protocol):
    """What a request is given to while it comes in, see :class:`sync.visit.Visit`."""

    def take(self, data: bytes) -> None: ...
    def answer(self) -> bytes: ...


NAME_CHARS_MAX, NUMBER_CHARS_MAX = 64, 12
STOP_S_MAX = 5
"""What has not ended so long after the order to stop is broken off: what was whole of it is taken."""

Receive = Callable[[bytes], Visit]
"""Opens the visit of whom a certificate (DER) names."""


class CertificateProtocol(HttpToolsProtocol):
    """Shows the application the client certificate; none of the servers does by itself."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        tls = self.transport.get_extra_info("ssl_object")
        self.scope["state"]["certificate"] = tls.getpeercert(binary_form=True) or b"" if tls else b""
        self.scope["state"]["remainder"] = b""
        self.scope["state"]["socket"] = self.transport.get_extra_info("socket")

    def connection_lost(self, exc: Exception | None) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            # uvicorn forgets what came just before the end.
            self.cycle.scope["state"]["remainder"] = bytes(self.cycle.body)
        super().connection_lost(exc)


def contact_app(receive: Receive) -> Starlette:
    """``POST /contact``: a bundle for a bundle, taken while it comes in; one that broke off may go on."""
    requests: dict[bytes, Ongoing] = {}

    async def contact(request: Request) -> Response:
        ongoing, again = _find(requests, request, receive)
        if not await ongoing.bring(request, again):
            log.info("a request broke off after %d bytes; what was whole of it is taken", ongoing.size)
            return Response(status_code=400)
        return Response(await ongoing.answer(), media_type=MEDIA_TYPE)

    return _app([Route("/contact", contact, methods=["POST"])])


class Ongoing:
    """One request, over as many connections as it takes."""

    def __init__(self, name: str, visit: Visit) -> None:
        self.name = name
        self.size = 0
        """Bytes of the bundle that have come."""
        self._visit = visit
        self._waiting = bytearray()
        self._turn = asyncio.Lock()
        self._heard_s = 0.0
        self._connection: object = None
        self._answer: bytes | None = None

    async def bring(self, request: Request, again: int) -> bool:
        """Give the visit what comes, as it comes, but for the first ``again`` bytes; false if it broke off."""
        # From now on this connection brings it: the one before is dead, whether its end has been noticed or not.
        self._connection = request
        loop = asyncio.get_running_loop()
        since_s = self._heard_s = loop.time()
        while True:
            message = await self._hear(request, TAKE_EVERY_S if self._waiting else SILENT_S_MAX)
            if message is None:
                if not self._waiting:
                    return False
                message = {"type": "http.request", "more_body": True}
            if self._connection is not request:
                return False
            is_broken = message["type"] == "http.disconnect"
            piece = request.state.remainder if is_broken else message.get("body", b"")
            since_s = since_s if self._waiting else loop.time()
            self._waiting += piece[again:]
            self.size += len(piece[again:])
            again = max(0, again - len(piece))
            if self.size > ANSWER_BYTES_MAX:
                raise _too_large(ANSWER_BYTES_MAX)
            is_over = is_broken or not message.get("more_body", False)
            if is_over or len(self._waiting) >= TAKE_BYTES or loop.time() - since_s >= TAKE_EVERY_S:
                await self._take()
            if is_over:
                return not is_broken

    async def _hear(self, request: Request, wait_s: float) -> Message | None:
        """What comes next, None if nothing came for ``wait_s``; a caller that falls silent is knocked at."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + wait_s
        while (now_s := loop.time()) < until_s:
            pause_s = min(until_s - now_s, knock_after_s(now_s - self._heard_s))
            try:
                message = await asyncio.wait_for(request.receive(), pause_s)
            except TimeoutError:
                if loop.time() - self._heard_s >= KNOCK_S:
                    knock(request.state.socket)
                continue
            self._heard_s = loop.time()
            return message
        return None

    async def answer(self) -> bytes:
        """The answer, the same however often it is fetched."""
        async with self._turn:
            if self._answer is None:
                self._answer = await run_in_threadpool(self._visit.answer)
        return self._answer

    async def _take(self) -> None:
        async with self._turn:
            data = bytes(self._waiting)
            self._waiting.clear()
            await run_in_threadpool(self._visit.take, data)


def _find(requests: dict[bytes, Ongoing], request: Request, receive: Receive) -> tuple[Ongoing, int]:
    """The request that a connection brings, and how many of its bytes have come before.

    One is kept for every neighbour, until it brings another. Raises ``PeerError`` (``line.unknown_request``).
    """
    certificate: bytes = request.state.certificate
    name = request.headers.get(REQUEST_HEADER, "")[:NAME_CHARS_MAX]
    begin = request.headers.get(BEGIN_HEADER, "0")[:NUMBER_CHARS_MAX]
    before = requests.get(certificate)
    if (
        name
        and before is not None
        and before.name == name
        and begin.isdecimal()
        and int(begin) <= before.size
    ):
        again = before.size - int(begin)
        log.info("a request goes on after %d bytes; %d come again", before.size, again)
        return before, again
    if begin != "0":
        raise PeerError(
            UNKNOWN_REQUEST,
            zh="对方要续传的请求这里没有，未接收。对方会先询问已收到什么，再继续传送。",
            en="The request that was to go on is not known here; nothing was taken. The caller asks what arrived, and "
            "goes on.",
        )
    requests[certificate] = Ongoing(name, receive(certificate))
    return requests[certificate], 0


def enrolment_app(anchor: Callable[[bytes], bytes], enrol: Callable[[bytes], bytes]) -> Starlette:
    """``POST /enrol/anchor`` and ``POST /enrol``, for nodes that have no certificate yet."""

    async def give_anchor(request: Request) -> Response:
        return Response(await run_in_threadpool(anchor, await _body(request, ENROL_BYTES_MAX)))

    async def give_certificates(request: Request) -> Response:
        return Response(await run_in_threadpool(enrol, await _body(request, ENROL_BYTES_MAX)))

    return _app(
        [
            Route("/enrol/anchor", give_anchor, methods=["POST"]),
            Route("/enrol", give_certificates, methods=["POST"]),
        ]
    )


def server(app: Any, host: str, port: int, tls: ssl.SSLContext | None) -> uvicorn.Server:
    """A uvicorn server that is ready to ``serve``; without ``tls`` only for a desk behind loopback."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=CertificateProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=STOP_S_MAX,
    )
    config.load()
    config.ssl = tls
    return uvicorn.Server(config)


async def serve_all(servers: list[uvicorn.Server], stop: asyncio.Event) -> None:
    """Run until ``stop``; then let requests in progress finish. Raises ``LocalError`` (``listen.refused``)."""
    for item in servers:
        # The node's own signal handling decides when to stop, not each server's.
        item.capture_signals = _no_signals  # type: ignore[method-assign]
    # Taken first, so that a port that is not free is said in words before anything runs.
    sockets = [_bound(item.config.host, item.config.port) for item in servers]
    tasks = [
        asyncio.create_task(item.serve(sockets=[own])) for item, own in zip(servers, sockets, strict=True)
    ]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for item in servers:
        item.should_exit = True
    await asyncio.gather(*tasks)
    stopping.cancel()


def _bound(host: str, port: int) -> socket.socket:
    try:
        listening = socket.create_server((host, port), backlog=CONNECTIONS_MAX)
        # What is accepted inherits it.
        prepare(listening)
        return listening
    except OSError as error:
        raise LocalError(
            "listen.refused",
            zh=f"不能在 {host}:{port} 上监听（{error.strerror}）。可能已有程序在用这个端口；请停掉它，或在设置里换一个端口。",
            en=f"Cannot listen on {host}:{port} ({error.strerror}). Another program may be using the port; stop it, or "
            "choose another port in the settings.",
        ) from error


@contextmanager
def _no_signals() -> Iterator[None]:
    yield


def _app(routes: list[Route]) -> Starlette:
    return Starlette(routes=routes, exception_handlers={LiandongError: _in_words, ClientDisconnect: _left})


async def _body(request: Request, bytes_max: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > bytes_max:
            raise _too_large(bytes_max)
        parts.append(piece)
    return b"".join(parts)


def _too_large(bytes_max: int) -> PeerError:
    return PeerError(
        "line.request_too_large",
        zh=f"请求超过上限 {bytes_max} 字节，未接收。请分批发送。",
        en=f"The request is larger than {bytes_max} bytes; it was not taken. Send it in parts.",
    )


async def _in_words(request: Request, error: Exception) -> Response:
    assert isinstance(error, LiandongError)
    log.info("refused: %s", error)
    status = 400 if error.fault is Fault.INPUT else 503 if error.fault is Fault.LOCAL else 409
    body = json.dumps({"code": error.code, "zh": error.zh, "en": error.en}, ensure_ascii=False)
    return Response(body, status_code=status, media_type="application/json")


async def _left(request: Request, error: Exception) -> Response:
    # A line that breaks in the middle of a bundle is an ordinary day; nobody is there to read an answer.
    log.info(
        "the line to %s broke in the middle of a request", request.client.host if request.client else "?"
    )
    return Response(status_code=400)
