"""The door through which neighbours come: HTTPS with client certificates for contacts, a second one for enrolment."""

import asyncio
import json
import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from core.errors import Fault, LiandongError, LocalError, PeerError
from sync.transport.extranet import ANSWER_BYTES_MAX, MEDIA_TYPE

log = logging.getLogger(__name__)

ENROL_BYTES_MAX = 64 * 1024
CONNECTIONS_MAX = 256

Answer = Callable[[bytes, bytes], bytes]
"""From the peer's certificate (DER) and the request's body to the answer's."""


class CertificateProtocol(HttpToolsProtocol):
    """Shows the application the client certificate; none of the servers does by itself."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        tls = self.transport.get_extra_info("ssl_object")
        self.scope["state"]["certificate"] = tls.getpeercert(binary_form=True) or b"" if tls else b""


def contact_app(answer: Answer) -> Starlette:
    """``POST /contact``: a bundle for a bundle."""

    async def contact(request: Request) -> Response:
        body = await _body(request, ANSWER_BYTES_MAX)
        data = await run_in_threadpool(answer, request.state.certificate, body)
        return Response(data, media_type=MEDIA_TYPE)

    return _app([Route("/contact", contact, methods=["POST"])])


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
        return socket.create_server((host, port), backlog=CONNECTIONS_MAX)
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
            raise PeerError(
                "line.request_too_large",
                zh=f"请求超过上限 {bytes_max} 字节，未接收。请分批发送。",
                en=f"The request is larger than {bytes_max} bytes; it was not taken. Send it in parts.",
            )
        parts.append(piece)
    return b"".join(parts)


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
