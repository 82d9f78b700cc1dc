"""The port through which bundles leave: production, the stick and the simulator each bring one."""

from typing import Protocol

from core.errors import PeerError

UNREACHED = "line.down"
"""The code of a :class:`LineDown` before which nothing left this node."""


class LineDown(PeerError):
    """The neighbour could not be reached or went silent; nothing is lost, the next try comes by itself."""


class Transport(Protocol):
    """One neighbour, reached in one way."""

    @property
    def carrier(self) -> str:
        """``extranet``, ``usb`` …: stands in the ledger beside what came this way."""

    def exchange(self, bundle: bytes) -> bytes:
        """Hand over a bundle and return the answer's bytes, perhaps cut.

        Raises ``LineDown`` (``line.*``) if nothing came back.
        """
