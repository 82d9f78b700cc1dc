"""A keyring is what its records say, and every change comes back as records to store."""

from datetime import timedelta
from random import Random

import pytest

from core.errors import LiandongError, LocalError, PeerError, StateError
from core.identifiers import NodeId
from sync.authority import CertStatus, Issuer, Pair, found_city, issue_pair, renew
from sync.envelope import open_envelope, seal
from sync.keyring import KeyRecord, Keyring
from sync.packing import Message
from sync.primitives import SealingKey, SigningKey
from sync.revocation import NOTHING_REVOKED, Revocation, sign_revocations
from sync.stream_id import Lane, StreamId
from sync.x509 import Certificate, Use, issue, make_request
from tests.unit.sealing_kit import CITY, EPOCH, VILLAGE, ZEROS, StillWorld

VILLAGE_EPOCH = "1e" * 16


class Town:
    """A city with its keyring and a village with its own, both enrolled."""

    def __init__(self) -> None:
        self.world = StillWorld()
        self.founding = found_city(self.world, CITY)
        self.city = Keyring(CITY)
        self.city.trust(self.founding.root, self.founding.issuing)
        self.city.add_authority(self.founding.issuing_key, SealingKey.generate(self.world.random_bytes))
        self.village = Keyring(VILLAGE)
        self.village.trust(self.founding.root, self.founding.issuing)
        for ring in (self.city, self.village):
            self.enrol(ring)

    def enrol(self, ring: Keyring) -> Pair:
        signing = SigningKey.generate(self.world.random_bytes)
        sealing = SealingKey.generate(self.world.random_bytes)
        ring.add_keys(signing, sealing, self.world.now())
        pair = issue_pair(
            self.world,
            self.city.issuer,
            node=ring.node,
            epoch=VILLAGE_EPOCH if ring.node == VILLAGE else EPOCH,
            signing=signing.public(),
            sealing=sealing.public(),
        )
        for each in (self.city, self.village):
            each.take_certificates([pair.signing, pair.sealing])
        return pair

    def revoke(self, *pairs: Pair) -> bytes:
        entries = [
            Revocation(c.serial, c.node, 1, "遗失") for pair in pairs for c in (pair.signing, pair.sealing)
        ]
        return sign_revocations(NOTHING_REVOKED.with_more(1, entries), self.founding.issuing_key)

    def letter(self) -> bytes:
        return seal(
            self.world,
            StreamId(VILLAGE, VILLAGE_EPOCH, (CITY,), Lane.INTAKE),
            [Message("00" * 16, "Note", 1, "", b"{}")],
            seq=1,
            previous=ZEROS,
            first=1,
            signing_key=self.village.signing_key,
            readers={CITY: self.village.sealing_key_of(CITY)},
        ).data


def read(town: Town, letter: bytes) -> None:
    open_envelope(letter, town.city.verify_key_of(VILLAGE), CITY, town.city.sealing_key)


def test_enrolled_nodes_write_to_each_other() -> None:
    town = Town()
    read(town, town.letter())
    assert town.village.nodes() == (CITY, VILLAGE)
    assert town.village.pair_of(CITY) == town.city.pair
    assert town.village.verdict_of(CITY, town.world.now()).status is CertStatus.OK


def test_a_keyring_comes_back_from_its_records_in_any_order() -> None:
    town = Town()
    town.city.take_revocations(town.revoke())
    records = list(town.city.records())
    Random(7).shuffle(records)
    again = Keyring(CITY, records)
    assert again.records() == town.city.records()
    assert again.pair == town.city.pair
    assert again.revocations == town.city.revocations
    assert again.revocations_signed == town.city.revocations_signed
    assert again.issuer.issuing == town.founding.issuing
    assert again.registration_key.public() == town.city.registration_key.public()
    assert all(len(record.record_id) <= 96 for record in records)


def test_every_change_returns_the_records_that_make_it_last() -> None:
    town = Town()
    stored: dict[str, KeyRecord] = {}
    ring = Keyring(VILLAGE)
    signing, sealing = (
        SigningKey.generate(town.world.random_bytes),
        SealingKey.generate(town.world.random_bytes),
    )
    pair = issue_pair(
        town.world,
        town.city.issuer,
        node=VILLAGE,
        epoch=VILLAGE_EPOCH,
        signing=signing.public(),
        sealing=sealing.public(),
    )
    for records in (
        ring.add_keys(signing, sealing, town.world.now()),
        ring.trust(town.founding.root, town.founding.issuing),
        ring.take_certificates([pair.signing, pair.sealing]),
        ring.take_revocations(town.revoke()),
    ):
        stored |= {record.record_id: record for record in records}
    assert Keyring(VILLAGE, stored.values()).records() == ring.records()


def test_before_enrolment_it_says_what_to_do() -> None:
    ring = Keyring(VILLAGE)
    for ask in ("signing_key", "sealing_key", "pair", "root", "issuing"):
        with pytest.raises(StateError, match=r"keyring\.not_enrolled"):
            getattr(ring, ask)
    with pytest.raises(StateError, match=r"keyring\.unknown_node"):
        ring.sealing_key_of(CITY)


def test_only_the_city_can_issue() -> None:
    village = Town().village
    for ask in ("issuer", "registration_key"):
        with pytest.raises(StateError, match=r"keyring\.no_authority"):
            getattr(village, ask)


def test_an_own_certificate_is_used_only_with_its_key() -> None:
    town = Town()
    keyless = [r for r in town.village.records() if not r.record_id.startswith("own/signing")]
    another = Keyring(VILLAGE, keyless)
    with pytest.raises(StateError, match=r"keyring\.not_enrolled"):
        _ = another.pair


def test_a_revoked_signer_is_refused_by_name_and_an_older_list_revives_nobody() -> None:
    town = Town()
    letter = town.letter()
    assert town.city.take_revocations(town.revoke(town.village.pair))
    with pytest.raises(PeerError, match=r"keyring\.revoked") as refused:
        read(town, letter)
    assert VILLAGE in refused.value.zh
    empty = sign_revocations(NOTHING_REVOKED, town.founding.issuing_key)
    assert town.city.take_revocations(empty) == ()
    assert town.city.verdict_of(VILLAGE, town.world.now()).status is CertStatus.REVOKED
    # A new pair for the same node is trusted again, and the village itself prefers it.
    town.enrol(town.village)
    town.village.take_revocations(town.city.revocations_signed)
    read(town, town.letter())


def test_after_a_rotation_the_old_letters_open_until_the_key_is_destroyed() -> None:
    town = Town()
    letter, old = town.letter(), town.city.pair
    town.world.pass_time(days=30)
    new = town.enrol(town.city)
    assert town.city.pair == new != old
    read(town, letter)
    read(town, town.letter())
    assert town.city.destroy_sealing_keys(town.world.now()) == ()
    town.world.pass_time(days=119)
    assert town.city.destroy_sealing_keys(town.world.now()) == ()
    read(town, letter)
    town.world.pass_time(days=2)
    gone = town.city.destroy_sealing_keys(town.world.now())
    assert len(gone) == 1
    assert gone[0] not in {record.record_id for record in town.city.records()}
    with pytest.raises(PeerError, match=r"sealing\.not_openable"):
        read(town, letter)


def test_monthly_rotation_destroys_what_was_replaced_120_days_ago() -> None:
    town = Town()
    gone = 0
    for _ in range(8):
        town.world.pass_time(days=30)
        town.enrol(town.city)
        gone += len(town.city.destroy_sealing_keys(town.world.now()))
    kept = [record for record in town.city.records() if record.record_id.startswith("own/sealing")]
    assert (gone, len(kept)) == (4, 5)


def test_what_was_signed_with_an_earlier_key_still_verifies() -> None:
    town = Town()
    letter = town.letter()
    town.world.pass_time(days=60)
    signing, sealing = (
        SigningKey.generate(town.world.random_bytes),
        SealingKey.generate(town.world.random_bytes),
    )
    town.village.add_keys(signing, sealing, town.world.now())
    assert town.village.signing_key.public() != signing.public()
    request = make_request(signing, VILLAGE, VILLAGE_EPOCH)
    pair = renew(
        town.world,
        town.city.issuer,
        current=town.village.pair.signing,
        request=request,
        sealing=sealing.public(),
    )
    for ring in (town.city, town.village):
        ring.take_certificates([pair.signing, pair.sealing])
    assert town.village.signing_key.public() == signing.public()
    read(town, letter)
    read(town, town.letter())


def test_foreign_certificates_and_another_root_are_not_taken() -> None:
    town, other = Town(), found_city(StillWorld(seed=5), CITY)
    stranger = issue_pair(
        town.world,
        Issuer(other.issuing, other.issuing_key),
        node=NodeId("430981102205"),
        epoch=EPOCH,
        signing=other.root_key.public(),
        sealing=SealingKey.generate(town.world.random_bytes).public(),
    )
    before = town.village.records()
    for certificates in ([stranger.signing], [town.city.pair.signing, stranger.sealing], [other.issuing]):
        with pytest.raises(PeerError, match=r"certificate\.wrong_issuer"):
            town.village.take_certificates(certificates)
    for root, issuing in (
        (other.root, other.issuing),
        (town.founding.root, other.issuing),
        (town.founding.root, town.founding.root),
    ):
        with pytest.raises(PeerError, match=r"keyring\.other_root"):
            town.village.trust(root, issuing)
    assert town.village.records() == before


def test_a_record_from_newer_software_is_named() -> None:
    for record_id, data in (("own/quantum/1", b"\x81\x41a"), ("node/x/y", b"\x80"), ("node/x/y", b"\x01")):
        with pytest.raises(LiandongError) as refused:
            Keyring(VILLAGE, [KeyRecord(record_id, VILLAGE, data)])
        assert isinstance(refused.value, LocalError)


def test_a_pending_key_waits_for_its_certificate() -> None:
    town = Town()
    town.village.add_keys(
        SigningKey.generate(town.world.random_bytes),
        SealingKey.generate(town.world.random_bytes),
        town.world.now() + timedelta(days=1),
    )
    read(town, town.letter())


def successor(town: Town) -> tuple[Certificate, SigningKey]:
    """A second issuing authority under the same root."""
    key = SigningKey.generate(town.world.random_bytes)
    certificate = issue(
        use=Use.ISSUING,
        node=CITY,
        epoch="",
        key=key.public(),
        serial=town.world.random_bytes(16),
        not_before=town.world.now(),
        not_after=town.founding.issuing.not_after,
        issuer=town.founding.root,
        issuer_key=town.founding.root_key,
    )
    return certificate, key


def test_a_list_outlives_the_authority_that_signed_it() -> None:
    town = Town()
    signed = town.revoke(town.city.pair)
    issuing, key = successor(town)
    town.village.trust(town.founding.root, issuing)
    assert town.village.issuing == issuing
    assert town.village.take_revocations(signed)
    later = sign_revocations(town.village.revocations.with_more(2, []), key)
    assert town.village.take_revocations(later)
    assert town.village.revocations.number == 2
    with pytest.raises(PeerError, match=r"revocations\.forged"):
        town.village.take_revocations(
            sign_revocations(town.village.revocations, SigningKey.generate(town.world.random_bytes))
        )


def test_a_node_that_was_installed_again_is_counted_and_its_earlier_certificates_are_known() -> None:
    town = Town()
    first = town.village.pair
    assert town.city.installations_of(VILLAGE) == 1
    town.world.pass_time(days=1)
    second = town.enrol(town.village)
    assert town.city.installations_of(VILLAGE) == 1
    assert town.city.signing_certificates_of(VILLAGE) == (second.signing, first.signing)
    moved = issue_pair(
        town.world,
        town.city.issuer,
        node=VILLAGE,
        epoch="2e" * 16,
        signing=SigningKey.generate(town.world.random_bytes).public(),
        sealing=SealingKey.generate(town.world.random_bytes).public(),
    )
    town.city.take_certificates([moved.signing, moved.sealing])
    assert town.city.installations_of(VILLAGE) == 2
    town.city.take_revocations(town.revoke(first))
    # What it signed before is still told apart from a stranger's: people judge it, by its name.
    assert first.signing in town.city.signing_certificates_of(VILLAGE)


def test_of_a_node_nobody_has_heard_of_nothing_is_said() -> None:
    town, stranger = Town(), NodeId("430981102205")
    assert town.city.installations_of(stranger) == 0
    assert town.city.signing_certificates_of(stranger) == ()
    with pytest.raises(StateError, match=r"keyring\.unknown_node"):
        town.city.pair_of(stranger)
    with pytest.raises(StateError, match=r"keyring\.unknown_node"):
        town.city.verdict_of(stranger, town.world.now())


def test_every_certificate_of_a_node_is_told_and_its_letters_open_to_people_after_it_is_revoked() -> None:
    town, stranger = Town(), NodeId("430981102205")
    letter, first = town.letter(), town.village.pair
    town.world.pass_time(days=1)
    second = town.enrol(town.village)
    town.city.take_revocations(town.revoke(first))
    told = town.city.certificates_of(VILLAGE)
    assert set(told) == {first.signing, first.sealing, second.signing, second.sealing}
    assert [certificate.serial for certificate in told] == sorted(certificate.serial for certificate in told)
    assert town.city.certificates_of(stranger) == ()
    with pytest.raises(PeerError):
        read(town, letter)
    open_envelope(letter, town.city.keys_ever_of(VILLAGE), CITY, town.city.sealing_key)
    with pytest.raises(StateError, match=r"keyring\.unknown_node"):
        town.city.keys_ever_of(stranger)
