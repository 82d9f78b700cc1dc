"""Pure functions that a simulated city asks for over and over, each answered once a process.

All nodes of a simulation live in one process: a signature that a village makes is verified there by its township, the
city and the judge, and a message is decoded at every desk. The product's own code answers the first time.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from core import case, catalogue, merge, messages
from core.store import casebook, casecheck, casework, rebuild, shelf
from sync import contact, handback, hello, keyring, node, visit, x509
from sync.primitives import VerifyKey
from tests.simulator import judge

REMEMBERED = 20_000
"""Answers kept of each function: those of a day of the small world, and of the last hour of a city's."""


@contextmanager
def remembering() -> Iterator[None]:
    """While this lasts, equal questions to these functions are answered from memory; errors are not remembered."""
    verifies = VerifyKey.verifies
    once = lru_cache(REMEMBERED)(lambda key, signature, data: verifies(key, signature, data))
    read_case = lru_cache(REMEMBERED)(case.case_from_json)
    introduction = lru_cache(REMEMBERED)(hello.read_hello)
    certificate = lru_cache(REMEMBERED)(x509.read_certificate)
    decode, digest = lru_cache(REMEMBERED)(messages.decode), _by_identity(merge.content_digest)
    kept: list[tuple[Any, str, Any]] = [
        (VerifyKey, "verifies", lambda self, signature, data: once(self, signature, data)),
        *((module, "case_from_json", read_case) for module in (casebook, casecheck)),
        *((module, "read_certificate", certificate) for module in (handback, keyring, node, visit)),
        *((module, "read_hello", introduction) for module in (judge, contact)),
        (shelf, "parse_catalogue", lru_cache(REMEMBERED)(catalogue.parse_catalogue)),
        (shelf, "encode_catalogue", _by_identity(catalogue.encode_catalogue)),
        *((module, "decode", decode) for module in (casebook, casework, rebuild)),
        *((module, "content_digest", digest) for module in (merge, casebook, rebuild)),
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in kept]
    for owner, name, function in kept:
        setattr(owner, name, function)
    try:
        yield
    finally:
        for owner, name, function in before:
            setattr(owner, name, function)


def _by_identity(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Messages hold mappings and cannot be hashed; those that were decoded once are the same object every time."""
    answers: dict[int, tuple[Any, Any]] = {}

    def answer(message: Any) -> Any:
        known = answers.get(id(message))
        if known is not None and known[0] is message:
            return known[1]
        if len(answers) >= REMEMBERED:
            answers.clear()
        made = function(message)
        answers[id(message)] = message, made
        return made

    return answer
