"""The line to the neighbour above, made of this node's certificates and settings."""

from base64 import encodebytes

from sync.node import Node
from sync.settings import Settings
from sync.transport.extranet import Extranet
from sync.transport.tls import client_context


def parent_line(node: Node, settings: Settings) -> Extranet:
    """The line to the neighbour above. Raises ``StateError`` (``keyring.not_enrolled``)."""
    assert node.place.parent is not None
    context = client_context(*tls_material(node))
    return Extranet(settings.parent_contact, context, node.place.parent, settings.contact_timeout_s)


def tls_material(node: Node) -> tuple[bytes, bytes, bytes]:
    """Root, own chain and own key, each PEM. Raises ``StateError`` (``keyring.not_enrolled``)."""
    keyring = node.keyring
    chain = keyring.pair.signing.pem + keyring.issuing.pem
    key = encodebytes(keyring.signing_key.to_pkcs8()).decode()
    pem = f"-----BEGIN PRIVATE KEY-----\n{key}-----END PRIVATE KEY-----\n"
    return keyring.root.pem.encode(), chain.encode(), pem.encode()
