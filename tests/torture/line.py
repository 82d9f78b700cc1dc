"""A line that misbehaves: cut in the middle of what is said, stalled, reset, or answered by a login page."""

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from random import Random

from deploy.demo.line import PIECE_BYTES, Line

PORTAL_SHARE, RESET_SHARE = 0.15, 0.15
"""Of new connections."""
CUT_SHARE, STALL_SHARE = 0.12, 0.05
"""Of pieces that are carried."""
STALL_S_MAX = 4.0
_LOGIN = b"<html><title>Login</title><form action=/login>Please sign in to use this network</form></html>"
_PORTAL = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (
    len(_LOGIN),
    _LOGIN,
)
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)


class CuttingLine(Line):
    """A relay that does harm while it has a source of ``chance``; ``done`` counts it by kind."""

    def __init__(self, target_port: int) -> None:
        super().__init__(target_port)
        self.chance: Random | None = None
        self.done: Counter[str] = Counter()

    def heal(self) -> None:
        self.chance = None
        super().heal()

    def cut(self) -> None:
        self.done["cut off"] += len(self._ends) // 2
        super().cut()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lot = 1.0 if self.chance is None or self.is_cut else self.chance.random()
        if lot < PORTAL_SHARE:
            await self._login_page(reader, writer)
        elif lot < PORTAL_SHARE + RESET_SHARE:
            self.done["reset"] += 1
            # Lingering for no time makes the close a reset.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
            writer.transport.abort()
        else:
            await super()._relay(reader, writer)

    async def _login_page(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A captive portal: 200 and a page, whatever was asked, in the clear."""
        self.done["login page"] += 1
        with contextlib.suppress(OSError):
            await reader.read(4096)
            writer.write(_PORTAL)
            await writer.drain()
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(PIECE_BYTES):
                lot = 1.0 if self.chance is None else self.chance.random()
                if lot < CUT_SHARE:
                    self.done["cut mid-stream"] += 1
                    assert self.chance is not None
                    writer.write(piece[: self.chance.randrange(len(piece) + 1)])
                    await writer.drain()
                    writer.transport.abort()
                    return
                if lot < CUT_SHARE + STALL_SHARE:
                    self.done["stalled"] += 1
                    assert self.chance is not None
                    await asyncio.sleep(self.chance.uniform(0.2, STALL_S_MAX))
                self.carried_bytes += len(piece)
                writer.write(piece)
                await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            if writer.can_write_eof():
                writer.write_eof()
