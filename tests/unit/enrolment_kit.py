"""A city's registration desk with one code out, and the village that holds it."""

from sync.authority import Issuer, found_city, issue_pair
from sync.enrolment import Admission, Anchor, Application, apply, read_admission
from sync.enrolment_code import EnrolmentCode, parse_code
from sync.enrolment_desk import Answer, CodeRecord, answer_application, issue_code
from sync.primitives import SealingKey, SigningKey
from sync.revocation import NOTHING_REVOKED, sign_revocations
from sync.x509 import read_request
from tests.unit.sealing_kit import CITY, EPOCH, TOWNSHIP, VILLAGE, StillWorld


class Registration:
    """The city's desk with one code out, and the village that holds it."""

    def __init__(self) -> None:
        self.world = StillWorld()
        self.founding = found_city(self.world, CITY)
        self.issuer = Issuer(self.founding.issuing, self.founding.issuing_key)
        self.registration = SealingKey.generate(self.world.random_bytes)
        self.city = self.pair(CITY)
        self.township = self.pair(TOWNSHIP)
        self.anchor = Anchor(self.founding.root, self.founding.issuing, self.city, self.registration.public())
        self.revocations = sign_revocations(NOTHING_REVOKED, self.founding.issuing_key)
        self.record, self.text = issue_code(self.world, VILLAGE)
        self.code = parse_code(self.text)
        self.signing = SigningKey.generate(self.world.random_bytes)
        self.sealing = SealingKey.generate(self.world.random_bytes)
        self.admitted = 0

    def pair(self, node: object) -> object:
        signing, sealing = (
            SigningKey.generate(self.world.random_bytes),
            SealingKey.generate(self.world.random_bytes),
        )
        return issue_pair(
            self.world,
            self.issuer,
            node=node,
            epoch=EPOCH,
            signing=signing.public(),
            sealing=sealing.public(),
        )

    def admit(self, application: Application) -> Admission:
        self.admitted += 1
        pair = issue_pair(
            self.world,
            self.issuer,
            node=application.node,
            epoch=application.epoch,
            signing=read_request(application.request).key,
            sealing=application.sealing,
        )
        at = int(self.world.now().timestamp() * 1000)
        return Admission(pair, (self.city, self.township), self.revocations, at)

    def application(self, code: EnrolmentCode | None = None, node: object = VILLAGE) -> bytes:
        return apply(
            self.world,
            code or self.code,
            self.anchor,
            node=node,
            epoch=EPOCH,
            signing=self.signing,
            sealing=self.sealing,
            software="0.1.0",
        )

    def answered(self, data: bytes, record: CodeRecord | None = None) -> Answer:
        return answer_application(self.world, record or self.record, data, self.registration, self.admit)

    def read(self, application: bytes, answer: bytes, **changes: object) -> Admission:
        whole = {
            "code": self.code,
            "anchor": self.anchor,
            "application": application,
            "answer": answer,
            "node": VILLAGE,
            "epoch": EPOCH,
            "signing": self.signing,
            "sealing": self.sealing,
            **changes,
        }
        return read_admission(**whole)
