"""Certificates are judged by who issued them, by the calendar and by the list of the revoked, in words."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from core.errors import LocalError, PeerError
from sync import cose
from sync.authority import (
    CertStatus,
    Issuer,
    found_city,
    issue_pair,
    renew,
    verify_chain,
    write_root_key,
)
from sync.primitives import SealingKey, SigningKey
from sync.revocation import (
    LABEL_REVOCATIONS,
    NOTHING_REVOKED,
    Revocation,
    RevocationList,
    newer,
    sign_revocations,
    verify_revocations,
)
from sync.x509 import Use, make_request, read_certificate, read_request
from tests.unit.sealing_kit import CITY, EPOCH, OTHER_VILLAGE, VILLAGE, StillWorld

WORLD = StillWorld()
CITY_KEYS = found_city(WORLD, CITY)
ISSUER = Issuer(CITY_KEYS.issuing, CITY_KEYS.issuing_key)
SIGNING = SigningKey.generate(WORLD.random_bytes)
SEALING = SealingKey.generate(WORLD.random_bytes)
PAIR = issue_pair(
    WORLD, ISSUER, node=VILLAGE, epoch=EPOCH, signing=SIGNING.public(), sealing=SEALING.public()
)
NOW = WORLD.now()


def judged(certificate: object = PAIR.signing, days: float = 0.0, **more: object) -> CertStatus:
    at = NOW + timedelta(days=days)
    verdict = verify_chain(certificate, CITY_KEYS.issuing, CITY_KEYS.root, at, **more)  # type: ignore[arg-type]
    return verdict.status


def test_a_pair_names_its_node_its_epoch_and_its_keys() -> None:
    for certificate, use, spki in (
        (PAIR.signing, Use.SIGNING, SIGNING.public().to_spki()),
        (PAIR.sealing, Use.SEALING, SEALING.public().to_spki()),
    ):
        assert (certificate.use, certificate.node, certificate.epoch) == (use, VILLAGE, EPOCH)
        assert certificate.spki == spki
        assert read_certificate(certificate.der) == certificate
        assert len(certificate.serial) == 32
    assert PAIR.signing.verify_key() == SIGNING.public()
    assert PAIR.sealing.sealing_key() == SEALING.public()
    assert PAIR.signing.serial != PAIR.sealing.serial


def test_the_stock_verifier_of_tls_accepts_the_signing_certificate() -> None:
    store = x509.verification.Store([x509.load_der_x509_certificate(CITY_KEYS.root.der)])
    leaf, issuing = (x509.load_der_x509_certificate(c.der) for c in (PAIR.signing, CITY_KEYS.issuing))
    builder = x509.verification.PolicyBuilder().store(store).time(NOW)
    assert builder.build_client_verifier().verify(leaf, [issuing]).chain
    server = builder.build_server_verifier(x509.DNSName(f"{VILLAGE}.liandong.internal"))
    assert server.verify(leaf, [issuing])


@pytest.mark.parametrize(
    ("days", "status"),
    [
        (-1, CertStatus.NOT_YET_VALID),
        (0, CertStatus.OK),
        (59, CertStatus.OK),
        (61, CertStatus.EXPIRING),
        (91, CertStatus.IN_GRACE),
        (119, CertStatus.IN_GRACE),
        (121, CertStatus.EXPIRED),
        (365 * 6, CertStatus.EXPIRED),
    ],
)
def test_the_calendar_decides(days: float, status: CertStatus) -> None:
    assert judged(days=days) is status


def test_the_words_name_the_date_and_the_next_step() -> None:
    def words(days: float) -> str:
        at = NOW + timedelta(days=days)
        return verify_chain(PAIR.signing, CITY_KEYS.issuing, CITY_KEYS.root, at).zh

    assert "2016-01-08" in words(130)
    assert "注册码" in words(130)
    assert "本机时钟" in words(-2)
    assert words(0) == ""


def test_an_unusable_certificate_is_refused_by_its_status() -> None:
    late = verify_chain(PAIR.signing, CITY_KEYS.issuing, CITY_KEYS.root, NOW + timedelta(days=200))
    with pytest.raises(PeerError, match=r"certificate\.expired"):
        late.require()
    verify_chain(PAIR.signing, CITY_KEYS.issuing, CITY_KEYS.root, NOW).require()


def test_another_citys_certificate_or_an_authority_itself_is_no_nodes_certificate() -> None:
    other = found_city(WORLD, CITY)
    assert judged(CITY_KEYS.issuing) is CertStatus.WRONG_ISSUER
    foreign = issue_pair(
        WORLD,
        Issuer(other.issuing, other.issuing_key),
        node=VILLAGE,
        epoch=EPOCH,
        signing=SIGNING.public(),
        sealing=SEALING.public(),
    )
    assert judged(foreign.signing) is CertStatus.WRONG_ISSUER
    borrowed_root = verify_chain(foreign.signing, other.issuing, CITY_KEYS.root, NOW)
    assert borrowed_root.status is CertStatus.WRONG_ISSUER
    # A node's certificate signs no other.
    forged = issue_pair(
        WORLD,
        Issuer(PAIR.signing, SIGNING),
        node=OTHER_VILLAGE,
        epoch=EPOCH,
        signing=SIGNING.public(),
        sealing=SEALING.public(),
    )
    assert verify_chain(forged.signing, PAIR.signing, CITY_KEYS.root, NOW).status is CertStatus.WRONG_ISSUER


def test_a_certificate_never_outlives_its_authority() -> None:
    late = StillWorld(instant=CITY_KEYS.issuing.not_after - timedelta(days=10))
    pair = issue_pair(
        late, ISSUER, node=VILLAGE, epoch=EPOCH, signing=SIGNING.public(), sealing=SEALING.public()
    )
    assert pair.signing.not_after == CITY_KEYS.issuing.not_after


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_every_one_bit_mutant_of_a_certificate_is_refused() -> None:
    accepted = []
    for position in range(len(PAIR.signing.der) * 8):
        mutant = bytearray(PAIR.signing.der)
        mutant[position // 8] ^= 1 << position % 8
        try:
            certificate = read_certificate(bytes(mutant))
        except PeerError:
            continue
        if judged(certificate) is not CertStatus.WRONG_ISSUER:
            accepted.append(position)
    assert accepted == []


def test_a_request_proves_the_key_and_a_changed_one_proves_nothing() -> None:
    request = make_request(SIGNING, VILLAGE, EPOCH)
    asked = read_request(request)
    assert (asked.node, asked.epoch, asked.key) == (VILLAGE, EPOCH, SIGNING.public())
    swapped = request.replace(VILLAGE.encode(), OTHER_VILLAGE.encode())
    for bad in (swapped, request[:-1], b"", request + b"\0", bytes(5000)):
        with pytest.raises(PeerError, match=r"certificate\.request"):
            read_request(bad)


def test_a_certificate_of_another_profile_is_not_taken() -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, VILLAGE)])
    foreign = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(SIGNING.public().handle)
        .serial_number(5)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .sign(SIGNING.handle, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )
    for bad in (foreign, b"", b"0" * 100, bytes(4000)):
        with pytest.raises(PeerError, match=r"certificate\.malformed"):
            read_certificate(bad)


def profile(key: object = SIGNING.public().handle, node: str = VILLAGE, without: object = None) -> bytes:
    """A certificate as the city's authority writes it, but for what the arguments change."""
    like = x509.load_der_x509_certificate(PAIR.signing.der)
    names = [x509.NameAttribute(NameOID.COMMON_NAME, node), x509.NameAttribute(NameOID.SERIAL_NUMBER, EPOCH)]
    builder = x509.CertificateBuilder(
        like.issuer, x509.Name(names), key, 5, like.not_valid_before_utc, like.not_valid_after_utc
    )
    for extension in like.extensions:
        if not isinstance(extension.value, without or ()):
            builder = builder.add_extension(extension.value, extension.critical)
    made = builder.sign(CITY_KEYS.issuing_key.handle, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)


def test_a_certificate_differs_from_the_profile_in_nothing() -> None:
    assert read_certificate(profile()).node == VILLAGE
    for bad in (
        profile(node=f"{VILLAGE} and another"),
        profile(without=x509.SubjectAlternativeName),
        profile(without=x509.ExtendedKeyUsage),
        profile(key=ec.generate_private_key(ec.SECP384R1()).public_key()),
        profile(key=ed25519.Ed25519PrivateKey.generate().public_key()),
    ):
        with pytest.raises(PeerError, match=r"certificate\.malformed"):
            read_certificate(bad)


def test_a_certificate_is_the_same_in_the_form_that_tls_reads() -> None:
    pem = x509.load_pem_x509_certificate(PAIR.signing.pem.encode())
    assert pem.public_bytes(serialization.Encoding.DER) == PAIR.signing.der


def test_a_request_with_a_key_of_another_kind_or_more_names_is_refused() -> None:
    names = [
        x509.NameAttribute(NameOID.COMMON_NAME, VILLAGE),
        x509.NameAttribute(NameOID.SERIAL_NUMBER, EPOCH),
    ]
    more = [*names, x509.NameAttribute(NameOID.ORGANIZATION_NAME, "others")]
    edwards, wide = ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP384R1())
    for subject, key, digest in (
        (more, SIGNING.handle, hashes.SHA256()),
        (names, wide, hashes.SHA256()),
        (names, edwards, None),
    ):
        made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject)).sign(key, digest)
        with pytest.raises(PeerError, match=r"certificate\.request"):
            read_request(made.public_bytes(serialization.Encoding.DER))


def test_a_renewal_is_for_the_node_that_asks_and_not_for_a_revoked_one() -> None:
    next_key, next_sealing = SigningKey.generate(WORLD.random_bytes), SealingKey.generate(WORLD.random_bytes)
    request = make_request(next_key, VILLAGE, EPOCH)
    pair = renew(WORLD, ISSUER, current=PAIR.signing, request=request, sealing=next_sealing.public())
    assert pair.signing.verify_key() == next_key.public()
    stolen = make_request(next_key, OTHER_VILLAGE, EPOCH)
    with pytest.raises(PeerError, match=r"certificate\.other_node"):
        renew(WORLD, ISSUER, current=PAIR.signing, request=stolen, sealing=next_sealing.public())
    with pytest.raises(PeerError, match=r"certificate\.revoked"):
        renew(
            WORLD,
            ISSUER,
            current=PAIR.signing,
            request=request,
            sealing=next_sealing.public(),
            revocations=REVOKED,
        )


REVOKED = NOTHING_REVOKED.with_more(5, [Revocation(PAIR.signing.serial, VILLAGE, 4, "笔记本被盗")])


def test_a_revoked_certificate_is_refused_by_name_and_reason() -> None:
    verdict = verify_chain(PAIR.signing, CITY_KEYS.issuing, CITY_KEYS.root, NOW, revocations=REVOKED)
    assert verdict.status is CertStatus.REVOKED
    assert VILLAGE in verdict.zh
    assert "笔记本被盗" in verdict.zh
    assert judged(PAIR.sealing, revocations=REVOKED) is CertStatus.OK


def test_a_revocation_list_is_signed_numbered_and_never_goes_back() -> None:
    signed = sign_revocations(REVOKED, CITY_KEYS.issuing_key)
    held = verify_revocations(signed, CITY_KEYS.issuing.verify_key())
    assert held == REVOKED
    assert held.number == 1
    assert newer(held, NOTHING_REVOKED) is held
    later = held.with_more(
        9, [Revocation(PAIR.sealing.serial, VILLAGE, 8, ""), Revocation(PAIR.signing.serial, VILLAGE, 8, "")]
    )
    assert later.number == 2
    assert newer(held, later) is later
    first = later.find(PAIR.signing.serial)
    assert first is not None
    assert first.at == 4
    with pytest.raises(PeerError, match=r"revocations\.forged"):
        verify_revocations(signed, SIGNING.public())


@pytest.mark.parametrize(
    "entries",
    [
        (Revocation("ff" * 16, VILLAGE, 1, ""), Revocation("00" * 16, VILLAGE, 1, "")),
        (Revocation("00" * 16, VILLAGE, 1, ""), Revocation("00" * 16, VILLAGE, 1, "")),
        (Revocation("00" * 15, VILLAGE, 1, ""),),
        (Revocation("00" * 16, VILLAGE, -1, ""),),
        (Revocation("00" * 16, VILLAGE, 1, "x" * 101),),
        (Revocation("00" * 16, "nobody", 1, ""),),  # type: ignore[arg-type]
    ],
)
def test_a_list_out_of_form_is_not_even_signed(entries: tuple[Revocation, ...]) -> None:
    with pytest.raises(PeerError):
        sign_revocations(RevocationList(1, 1, entries), CITY_KEYS.issuing_key)


@pytest.mark.parametrize(
    ("version", "payload"),
    [
        (2, [1, 1, []]),
        (True, [1, 1, []]),
        (1, []),
        (1, [1, 1]),
        (1, [1, 1, {}]),
        (1, {}),
        (1, [1, 1, [[]]]),
        (1, [1, 1, [b"entry"]]),
        (1, [1, 1, [[bytes(16), VILLAGE, 1]]]),
        (1, [1, 1, [[bytes(16), VILLAGE, True, ""]]]),
        (1, [1, 1, [[bytes(16), VILLAGE, 1, 7]]]),
    ],
)
def test_a_list_of_another_form_is_refused_even_when_signed(version: object, payload: object) -> None:
    protected = cose.encode_protected(cose.ALG_ESP256, {LABEL_REVOCATIONS: version}, [LABEL_REVOCATIONS])
    encoded = cose.encode(payload)
    signature = CITY_KEYS.issuing_key.sign(cose.sig_structure(protected, encoded))
    data = cose.encode_sign1(cose.Sign1(protected, encoded, signature))
    with pytest.raises(PeerError, match=r"revocations\.malformed"):
        verify_revocations(data, CITY_KEYS.issuing.verify_key())


def test_every_one_bit_mutant_of_a_list_is_refused() -> None:
    signed = sign_revocations(REVOKED, CITY_KEYS.issuing_key)
    for position in range(len(signed) * 8):
        mutant = bytearray(signed)
        mutant[position // 8] ^= 1 << position % 8
        with pytest.raises(PeerError):
            verify_revocations(bytes(mutant), CITY_KEYS.issuing.verify_key())
    assert cose.decode_sign1(signed, bytes_max=1000).signature


def test_the_root_key_goes_to_a_new_closed_file_with_words(tmp_path: Path) -> None:
    path = tmp_path / "root.pem"
    words = write_root_key(path, CITY_KEYS.root_key, "correct horse")
    assert "离线" in words
    assert "offline" in words
    assert path.stat().st_mode & 0o777 == 0o600
    assert SigningKey.from_pem(path.read_bytes(), "correct horse").public() == CITY_KEYS.root.verify_key()
    with pytest.raises(LocalError, match=r"authority\.root_key_file"):
        write_root_key(path, CITY_KEYS.root_key, "again")
