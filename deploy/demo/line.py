"""A line that can be cut and healed: a TCP relay on this machine between a township and the city."""

import asyncio
import contextlib

PIECE_BYTES = 64 * 1024


class Line:
    """Relays to a local port. While it is cut, open connections are dropped and new ones are turned away."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = 0
        self.is_cut = False
        self.carried_bytes = 0
        self.turned_away = 0
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()

    async def open(self) -> int:
        """Begin to listen; returns the port that callers use."""
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    def cut(self) -> None:
        """Drop what is open, in the middle of whatever was being said."""
        self.is_cut = True
        for end in tuple(self._ends):
            end.transport.abort()

    def heal(self) -> None:
        self.is_cut = False

    def close(self) -> None:
        """Stop listening; what is open is dropped."""
        self.cut()
        if self._server is not None:
            self._server.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            # The port stays ours: a closed one could be given to somebody else before the line is healed.
            self.turned_away += 1
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            self.turned_away += 1
            writer.transport.abort()
            return
        ends = {writer, far_writer}
        self._ends |= ends
        try:
            await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))
        finally:
            self._ends -= ends
            for end in ends:
                end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A dropped connection is what this line is for; both nodes notice it by themselves.
        with contextlib.suppress(OSError):
            while piece := await reader.read(PIECE_BYTES):
                self.carried_bytes += len(piece)
                writer.write(piece)
                await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            if writer.can_write_eof():
                writer.write_eof()
