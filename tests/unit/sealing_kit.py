"""A still world and a few nodes with keys, for the tests of sealing."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from core.identifiers import NodeId
from sync.envelope import SealedEnvelope, seal
from sync.packing import Message
from sync.primitives import SealingKey, SigningKey
from sync.stream_id import EVERYONE, Lane, StreamId

CITY = NodeId("430981000000")
TOWNSHIP = NodeId("430981102000")
VILLAGE = NodeId("430981102201")
OTHER_VILLAGE = NodeId("430981102202")
EPOCH = "0f" * 16
ZEROS = bytes(32)


@dataclass
class StillWorld:
    """Time stands until it is moved; chance follows the seed, which is in the failure's traceback."""

    seed: int = 20151010
    instant: datetime = datetime(2015, 10, 10, 8, 30, tzinfo=UTC)
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def now(self) -> datetime:
        return self.instant

    def monotonic_s(self) -> float:
        return self.instant.timestamp()

    def random_bytes(self, count: int) -> bytes:
        return self.chance.randbytes(count)

    def pass_time(self, **span: float) -> None:
        self.instant += timedelta(**span)


class Kit:
    """A village that writes, a township and a city that read."""

    def __init__(self) -> None:
        self.world = StillWorld()
        self.signing = SigningKey.generate(self.world.random_bytes)
        self.city = SealingKey.generate(self.world.random_bytes)
        self.township = SealingKey.generate(self.world.random_bytes)
        self.stream = StreamId(VILLAGE, EPOCH, (CITY, TOWNSHIP), Lane.INTAKE)
        self.readers = {CITY: self.city.public(), TOWNSHIP: self.township.public()}

    def message(self, body: bytes = b'{"name":"\xe5\xbc\xa0\xe4\xb8\x89"}') -> Message:
        identity = self.world.random_bytes(16).hex()
        return Message(identity, "CaseSubmitted", 1, "43098110220120151010000147", body)

    def sealed(self, *messages: Message, **changes: object) -> SealedEnvelope:
        fields: dict[str, object] = {
            "seq": 1,
            "previous": ZEROS,
            "first": 1,
            "signing_key": self.signing,
            "readers": self.readers,
            **changes,
        }
        return seal(self.world, self.stream, messages or (self.message(),), **fields)  # type: ignore[arg-type]

    def announced(self, *messages: Message) -> SealedEnvelope:
        stream = StreamId(CITY, EPOCH, (EVERYONE,), Lane.CATALOGUE)
        return seal(
            self.world,
            stream,
            messages or (self.message(),),
            seq=1,
            previous=ZEROS,
            first=1,
            signing_key=self.signing,
            readers={},
        )
