"""Who may ask how often, and the ticket of whoever has shown their proof; in memory that cannot be made to grow."""

import hashlib
import hmac
import threading
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from math import ceil

from core.clock import World
from core.desk.public.claim import Claim, Proof
from core.errors import InputError, StateError
from core.identifiers import CaseId

BUCKETS_MAX = 50_000
TICKET_S = 1800
_IPV6_PREFIX = 64
"""A household has a whole network of these."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """``burst`` at once, then one more every ``every_s`` seconds."""

    burst: int
    every_s: float


PER_ADDRESS = Allowance(30, 20)
PER_CASE = {Proof.DIGITS: Allowance(5, 7200), Proof.SLIP: Allowance(20, 60)}
"""Wrong proofs for one number, from wherever: four characters must not be found by trying, so twelve a day."""


class TooOften(StateError):
    """``retry_after_s``: when it may be tried again."""

    def __init__(self, retry_after_s: int) -> None:
        minutes = max(1, ceil(retry_after_s / 60))
        super().__init__(
            "public.limited",
            zh=f"查询过于频繁，请约 {minutes} 分钟后再试。持有回执的，可以用回执上的二维码查询；也可以到窗口或打电话询问。",
            en=f"That was asked too often; try again in about {minutes} minutes. With a slip you can use its QR code; or ask "
            "at the window or by phone.",
        )
        self.retry_after_s = retry_after_s


class Doorkeeper:
    """One for all the public pages of a process."""

    def __init__(self, world: World, buckets_max: int = BUCKETS_MAX) -> None:
        self._world = world
        self._buckets_max = buckets_max
        self._key = world.random_bytes(32)
        self._turn = threading.Lock()
        # For each key when it will be full again; a key that is full is not kept.
        self._full_at_s: OrderedDict[str, float] = OrderedDict()

    @property
    def remembered(self) -> int:
        """How many keys are in memory."""
        return len(self._full_at_s)

    def admit(self, address: str) -> None:
        """Count one question of an address. Raises ``TooOften``."""
        with self._turn:
            self._take(f"a {network_of(address)}", PER_ADDRESS)

    def admit_claim(self, claim: Claim) -> None:
        """Count one question about a number, whether there is such a case or not. Raises ``TooOften``."""
        with self._turn:
            self._take(_case_key(claim), PER_CASE[claim.proof])

    def was_right(self, claim: Claim) -> None:
        """Whoever shows the right proof is not counted as guessing."""
        with self._turn:
            key = _case_key(claim)
            if key in self._full_at_s:
                self._full_at_s[key] -= PER_CASE[claim.proof].every_s

    def ticket(self, claim: Claim) -> str:
        """Stands for a proof that was right, for half an hour, so that a page need not carry the proof itself."""
        until = int(self._world.monotonic_s()) + TICKET_S
        words = f"{claim.case_id}.{claim.proof}.{until}"
        return f"{words}.{self._mac(words)}"

    def redeem(self, ticket: str) -> tuple[CaseId, Proof]:
        """Raises ``InputError`` (``public.ticket``)."""
        words, _, mac = ticket[:200].rpartition(".")
        # Of a ticket of ours all that follows is well formed.
        if hmac.compare_digest(self._mac(words).encode(), mac.encode()):
            case_id, proof, until = words.split(".")
            if int(until) >= self._world.monotonic_s():
                return CaseId(case_id), Proof(proof)
        raise InputError(
            "public.ticket",
            zh="这一页已过期，没有提交。请重新查询后再评价。",
            en="This page has expired; nothing was sent. Look the case up again and rate it then.",
        )

    def _mac(self, words: str) -> str:
        return hmac.new(self._key, words.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]

    def _take(self, key: str, allowance: Allowance) -> None:
        now_s = self._world.monotonic_s()
        full_at_s = max(now_s, self._full_at_s.get(key, 0.0))
        wait_s = full_at_s + allowance.every_s - (now_s + allowance.burst * allowance.every_s)
        if wait_s > 0:
            raise TooOften(ceil(wait_s))
        if key not in self._full_at_s and len(self._full_at_s) >= self._buckets_max:
            self._forget(now_s)
        self._full_at_s[key] = full_at_s + allowance.every_s
        self._full_at_s.move_to_end(key)

    def _forget(self, now_s: float) -> None:
        """Make room: what is full says nothing. Where nothing is, nobody new is let in."""
        full = [key for key, full_at_s in self._full_at_s.items() if full_at_s <= now_s]
        for key in full:
            del self._full_at_s[key]
        if not full:
            raise TooOften(ceil(min(self._full_at_s.values()) - now_s) or 1)


def network_of(address: str) -> str:
    """The address, or the network of an IPv6 one: whose questions are counted together."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ip_network((int(found), _IPV6_PREFIX), strict=False))
    return str(found)


def visitor_address(peer: str, forwarded: str) -> str:
    """Who asks: ``peer`` of the connection, or, where that is a proxy on this machine, whom the proxy names last."""
    try:
        is_proxy = ip_address(peer).is_loopback
    except ValueError:
        is_proxy = False
    named = forwarded.rpartition(",")[2].strip() if is_proxy else ""
    return named or peer


def _case_key(claim: Claim) -> str:
    return f"c {claim.proof} {claim.case_id}"
