"""TLS between nodes: both sides prove themselves with certificates of the city's authority.

The chain is checked here, the validity dates are not: a wrong clock must not stop the sync. Dates and revocation
are judged on the signed introduction, where the answer can be said in words.
"""

import os
import ssl
import sys
import tempfile
from pathlib import Path

X509_V_FLAG_NO_CHECK_TIME = 0x200000


def client_context(root_pem: bytes, chain_pem: bytes, key_pem: bytes) -> ssl.SSLContext:
    """For calling a parent that must hold a certificate of our authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return _prepare(context, root_pem, chain_pem, key_pem)


def server_context(
    root_pem: bytes, chain_pem: bytes, key_pem: bytes, *, require_client: bool
) -> ssl.SSLContext:
    """For listening: to enrolled nodes only, or (for enrolment) to anyone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _prepare(context, root_pem, chain_pem, key_pem)
    context.verify_mode = ssl.CERT_REQUIRED if require_client else ssl.CERT_NONE
    return context


def anonymous_context() -> ssl.SSLContext:
    """For enrolment only: the answer is authenticated by the one-time code, not by the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _prepare(context: ssl.SSLContext, root_pem: bytes, chain_pem: bytes, key_pem: bytes) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=root_pem.decode("ascii"))
    context.verify_flags |= ssl.VerifyFlags(X509_V_FLAG_NO_CHECK_TIME)
    _load_chain(context, chain_pem + key_pem)
    return context


def _load_chain(context: ssl.SSLContext, pem: bytes) -> None:
    # Python loads keys from a path only; an anonymous file in memory keeps the key off the disk.
    if sys.platform == "win32" or not hasattr(os, "memfd_create"):
        _load_from_disk(context, pem)
        return
    handle = os.memfd_create("liandong-tls", os.MFD_CLOEXEC)
    try:
        os.write(handle, pem)
        context.load_cert_chain(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)


def _load_from_disk(context: ssl.SSLContext, pem: bytes) -> None:
    """Where the system has no files in memory (Windows): one that only its owner can read, gone at once."""
    handle, name = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
        context.load_cert_chain(name)
    finally:
        Path(name).unlink()
