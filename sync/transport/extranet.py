"""Bundles over HTTPS: the one place that knows ``requests``."""

import hashlib
import json
import logging
import ssl
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError

from core.errors import InputError, LiandongError, PeerError
from core.identifiers import NodeId
from sync.retry import BUDGET_BYTES_MAX, REACH_S, SILENT_S_MAX
from sync.transport.base import UNREACHED, LineDown
from sync.transport.wire import TICK_S, LineSilent, Wire
from sync.x509 import dns_name

log = logging.getLogger(__name__)

HTTPS_PORT = 443
PIECE_BYTES = 64 * 1024
ANSWER_BYTES_MAX = 2 * BUDGET_BYTES_MAX
"""The budget, one envelope that may exceed it, and the receipts."""
ERROR_BYTES_MAX = 16 * 1024
REQUEST_HEADER = "Liandong-Request"
"""SHA-256 of the whole bundle: names a request that goes on over several connections."""
BEGIN_HEADER = "Liandong-Begin"
"""Where in the bundle the body begins."""
UNKNOWN_REQUEST = "line.unknown_request"
"""The neighbour's code for a request that it cannot go on with: the next contact asks what arrived."""
IDLE_TRIES_MAX = 3
BROKE = "line.broke"
MEDIA_TYPE = "application/vnd.liandong.bundle"


class NodeAdapter(HTTPAdapter):
    """Sends over the connections of a wire, which checks the neighbour's certificate and node name."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        super().__init__(pool_maxsize=1)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": _pool_of(self._wire)}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The context holds the whole policy; requests' own bundle of public authorities stays out."""


def _pool_of(wire: Wire) -> type[HTTPSConnectionPool]:
    class Connection(HTTPSConnection):
        """Opened by the wire."""

        def connect(self) -> None:
            try:
                self.sock = wire.open()
            except (ssl.SSLError, LineSilent):
                raise
            except OSError as error:
                raise NewConnectionError(self, str(error)) from error
            # The context has seen to it; for an enrolment the one-time code does.
            self.is_verified = True

    class Pool(HTTPSConnectionPool):
        """Of the connections of one line."""

        ConnectionCls = Connection

    return Pool


class Extranet:
    """The line to one neighbour; keeps its connection open between contacts.

    ``timeout_s``: how long a neighbour that is heard may take to answer. ``is_stopped``: asked while waiting.
    """

    carrier = "extranet"

    def __init__(
        self,
        url: str,
        context: ssl.SSLContext,
        peer: NodeId | None,
        timeout_s: float,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._url = url.rstrip("/")
        self._is_stopped = is_stopped
        parts = urlsplit(self._url)
        host = parts.hostname or ""
        where = (host, parts.port or HTTPS_PORT)
        self._wire = Wire(where, context, host if peer is None else dns_name(peer), timeout_s, is_stopped)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("https://", NodeAdapter(self._wire))

    def exchange(self, bundle: bytes) -> bytes:
        """See :class:`sync.transport.base.Transport`. Raises ``LineDown`` and, said by the neighbour, ``PeerError``.

        Where the line breaks in the middle, the same request goes on over the next connection from the first byte
        that may not have arrived.
        """
        name = {REQUEST_HEADER: hashlib.sha256(bundle).hexdigest()}
        begin = idle = 0
        broke: LineDown | None = None
        while True:
            try:
                return self.post("/contact", bundle[begin:], MEDIA_TYPE, name | {BEGIN_HEADER: str(begin)})
            except LineDown as error:
                if error.code not in (BROKE, UNREACHED) or (broke is None and error.code == UNREACHED):
                    # An answer came, and it is no node's; or nothing was sent yet.
                    raise
                # Once something was sent, not being reached is a break as well: what arrived is in doubt.
                broke = error if error.code != UNREACHED else broke
                assert broke is not None
                arrived = self._wire.arrived
                idle = 0 if arrived else idle + 1
                if arrived is None or idle > IDLE_TRIES_MAX or not self._is_back():
                    raise broke from error
                begin += arrived
            except PeerError as error:
                if broke is None or error.code != UNKNOWN_REQUEST:
                    raise
                raise broke from error

    def post(
        self, path: str, data: bytes, media_type: str, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """The answer's body, at most a bundle long."""
        self._wire.begin()
        try:
            with self._session.post(
                self._url + path,
                data=data,
                headers={"Content-Type": media_type, "Accept-Encoding": "identity", **(headers or {})},
                # The wire decides how long a wait may be; this is how often it looks.
                timeout=(TICK_S, TICK_S),
                stream=True,
                allow_redirects=False,
            ) as response:
                body = _read(response, ANSWER_BYTES_MAX)
                if response.status_code == 200:
                    log.info("%d bytes were answered with %d", len(data), len(body))
                    return body
                raise _refusal(response, body)
        except (requests.exceptions.SSLError, ssl.SSLError) as error:
            raise _tls_in_words(self._url, error) from error
        except (requests.exceptions.RequestException, HTTPError) as error:
            if _is_unreached(error):
                raise LineDown(
                    UNREACHED,
                    zh=f"连不上 {self._url}（{_short(error)}）。数据都在本机，线路恢复后会自动补传。",
                    en=f"{self._url} cannot be reached ({_short(error)}). Everything is kept here and sent when the line is back.",
                ) from error
            raise LineDown(
                BROKE,
                zh=f"与 {self._url} 的连接中途断开（{_short(error)}）。数据都在本机，已送到的不会重发，其余马上续传。",
                en=f"The connection to {self._url} broke off ({_short(error)}). Everything is kept here; what arrived "
                "is not sent again, the rest goes on at once.",
            ) from error

    def reach(self, wait_s: float) -> bool:
        """Whether the neighbour answers within ``wait_s``; the next exchange begins on that connection."""
        return self._wire.reach(wait_s)

    def rest(self) -> None:
        """There is nothing to send for a while."""
        self._wire.rest()

    def close(self) -> None:
        self._session.close()
        self._wire.rest()

    def _is_back(self) -> bool:
        for _ in range(int(SILENT_S_MAX / REACH_S)):
            if self._is_stopped():
                return False
            if self._wire.reach(REACH_S):
                return True
        return False


def _read(response: requests.Response, bytes_max: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    # raw, not iter_content: a compressed answer is refused instead of inflated.
    while piece := _piece(response, PIECE_BYTES, begun=bool(parts)):
        size += len(piece)
        if size > bytes_max:
            raise PeerError(
                "line.answer_too_large",
                zh=f"对方的应答超过上限 {bytes_max} 字节，已中断。请检查地址设置。",
                en=f"The answer is larger than {bytes_max} bytes and was cut off. Check the address.",
            )
        parts.append(piece)
    return b"".join(parts)


def _piece(response: requests.Response, bytes_max: int, *, begun: bool) -> bytes:
    try:
        return bytes(response.raw.read1(bytes_max, decode_content=False))
    except HTTPError:
        # What came before the line broke is worth taking: a bundle may be cut anywhere.
        if begun and response.status_code == 200:
            return b""
        raise


def _is_unreached(error: Exception) -> bool:
    """Whether no connection came about, so that nothing can have been sent."""
    # An address that is none (InvalidURL and its kin are ValueErrors): there was nobody to send to.
    if isinstance(error, ValueError):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError)


def _refusal(response: requests.Response, body: bytes) -> LiandongError:
    try:
        value = json.loads(body[:ERROR_BYTES_MAX])
        code, zh, en = str(value["code"])[:64], str(value["zh"])[:500], str(value["en"])[:500]
    except (ValueError, KeyError, TypeError):
        return LineDown(
            "line.not_a_node",
            zh=f"对方应答 HTTP {response.status_code}，不是联动节点（可能是上网登录页面）。数据都在本机，稍后自动重试。",
            en=f"The other end answered HTTP {response.status_code} and is no Liandong node (perhaps a login page). "
            "Everything is kept here; the next try comes by itself.",
        )
    kind = InputError if response.status_code == 400 else PeerError
    return kind(code, zh=zh, en=en)


def _tls_in_words(url: str, error: Exception) -> PeerError:
    reason = _short(error)
    return PeerError(
        "line.tls",
        zh=f"与 {url} 的安全连接失败（{reason}）：对方不是本市证书登记的节点，或本机证书未被认可。请核对地址，检查本机（doctor，村级终端按 F10）。",
        en=f"The secure connection to {url} failed ({reason}): that node does not hold a certificate of this city, or "
        "ours is not recognised. Check the address and run doctor (F10 in the village's terminal).",
    )


def _short(error: Exception) -> str:
    text = str(error)
    for known in (
        "CERTIFICATE_VERIFY_FAILED",
        "Hostname mismatch",
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "TLSV1_ALERT_UNKNOWN_CA",
        "Connection refused",
        "silent for",
        "timed out",
        "Name or service not known",
        "Network is unreachable",
        "Connection reset",
        "Connection aborted",
    ):
        if known.lower() in text.lower():
            return known
    return type(error).__name__
