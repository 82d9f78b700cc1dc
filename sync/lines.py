"""The line to the neighbour above, made of this node's certificates and settings."""

from base64 import encodebytes
from collections.abc import Callable

from sync.node import Node
from sync.settings import Settings
from sync.transport.extranet import Extranet
from sync.transport.tls import client_context


def parent_line(node: Node, settings: Settings, is_stopped: Callable[[], bool] = lambda: False) -> Extranet:
    """The line to the neighbour above, which stops waiting once ``is_stopped``. Raises ``StateError`` (``keyring.not_enrolled``)."""
    assert node.place.parent is not None
    context = client_context(*tls_material(node))
    timeout_s = settings.contact_timeout_s
    return Extranet(settings.parent_contact, context, node.place.parent, timeout_s, is_stopped)


def tls_material(node: Node) -> tuple[bytes, bytes, bytes]:
    """Root, own chain and own key, each PEM. Raises ``StateError`` (``keyring.not_enrolled``)."""
    keyring = node.keyring
    chain = keyring.pair.signing.pem + keyring.issuing.pem
    key = encodebytes(keyring.signing_key.to_pkcs8()).decode()
    pem = f"-----BEGIN PRIVATE KEY-----\n{key}-----END PRIVATE KEY-----\n"
    return keyring.root.pem.encode(), chain.encode(), pem.encode()
