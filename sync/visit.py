"""A neighbour's request while it comes in: what is whole is taken at once and stays, wherever the rest breaks off."""

import hashlib
import logging

from core.errors import LiandongError
from core.identifiers import NodeId
from sync import contact
from sync.bundle import FRAME_BYTES_MAX, HEAD_BYTES, MAGIC, Kind
from sync.compose import compose
from sync.contact import Taken
from sync.neighbour import Standing
from sync.node import Node
from sync.retry import BUDGET_BYTES_MAX, BUDGET_BYTES_MIN, BUDGET_BYTES_START
from sync.x509 import read_certificate

log = logging.getLogger(__name__)


class Visit:
    """One request of the neighbour whose certificate (DER) the connection showed.

    A bundle may be cut anywhere, so every part of one is a cut bundle: its introduction, and whole frames.
    """

    def __init__(self, node: Node, certificate_der: bytes) -> None:
        self._node = node
        self._certificate_der = certificate_der
        self._waiting = bytearray()
        self._head = b""
        """What begins every part: the magic bytes and the introduction."""
        self._frames = 0
        self._digest = hashlib.sha256()
        self._expected: NodeId | None = None
        self._taken: Taken | None = None
        self._error: LiandongError | None = None

    def take(self, data: bytes) -> None:
        """Take over every frame that ``data`` completes; an error is kept for the answer, and ends the taking."""
        if self._error is not None:
            return
        self._waiting += data
        size = self._whole_bytes()
        if size == 0:
            return
        part = bytes(self._waiting[:size])
        del self._waiting[:size]
        self._digest.update(part)
        try:
            self._take(part if self._taken is None else self._head + part)
        except LiandongError as error:
            self._error = error

    def answer(self) -> bytes:
        """The answer to all that came. Raises ``PeerError`` in words for who has no business here."""
        if self._error is not None:
            raise self._error
        if self._taken is None:
            # Not even an introduction: said in the reader's words.
            self._take(bytes(self._waiting))
        assert self._taken is not None
        hello = self._taken.hello
        wish = hello.report.get("budget")
        budget = wish if isinstance(wish, int) else BUDGET_BYTES_START
        with self._node.lock:
            reply = compose(
                self._node,
                hello.sender,
                budget_bytes=max(BUDGET_BYTES_MIN, min(budget, BUDGET_BYTES_MAX)),
                reply_to=hello.number,
                collect_only=self._taken.standing is Standing.ENDED,
                message=self._taken.reply,
            )
        return reply.data

    def _take(self, part: bytes) -> None:
        expected = self._expected = self._expected or read_certificate(self._certificate_der).node
        with self._node.lock:
            taken = contact.take(self._node, part, carrier="extranet", expected=expected)
        if taken.duplicates:
            log.info("%s brought %d frames that were held already", expected, taken.duplicates)
        self._taken = taken

    def _whole_bytes(self) -> int:
        """How much of what waits is whole frames. What is no bundle counts as it is: the reader refuses it in words.

        An END that agrees with all that came before it is dropped: it would not agree with a part.
        """
        data = self._waiting
        if not self._head and data[: len(MAGIC)] != MAGIC[: len(data)]:
            return len(data)
        at = 0 if self._head else len(MAGIC)
        begun = at
        while at + HEAD_BYTES <= len(data):
            length = int.from_bytes(data[at + 1 : at + HEAD_BYTES], "big")
            if length > FRAME_BYTES_MAX:
                return len(data)
            after = at + HEAD_BYTES + length
            if after > len(data):
                break
            if data[at] == Kind.END:
                if not self._agrees(bytes(data[:at]), bytes(data[at + HEAD_BYTES :])):
                    return len(data)
                del data[at:]
                break
            at = after
            self._frames += 1
            self._head = self._head or bytes(data[:at])
        return at if at > begun else 0

    def _agrees(self, before: bytes, end: bytes) -> bool:
        digest = self._digest.copy()
        digest.update(before)
        return end == self._frames.to_bytes(4, "big") + digest.digest()
