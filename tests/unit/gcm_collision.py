"""One AES-GCM ciphertext that two keys open, to two contents: why an envelope commits to its key.

The tag is a polynomial in the ciphertext's blocks, one polynomial per key; with one block free, the two tags are
made equal by solving a linear equation in GF(2^128) (NIST SP 800-38D, 6.4).
"""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_POLYNOMIAL = 0xE1 << 120


def _times(one: int, other: int) -> int:
    product = 0
    for bit in range(127, -1, -1):
        if other >> bit & 1:
            product ^= one
        one = one >> 1 ^ (_POLYNOMIAL if one & 1 else 0)
    return product


def _power(base: int, exponent: int) -> int:
    result = 1 << 127
    while exponent:
        if exponent & 1:
            result = _times(result, base)
        base = _times(base, base)
        exponent >>= 1
    return result


def _block(key: bytes, data: bytes) -> int:
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return int.from_bytes(encryptor.update(data), "big")


def _ghash(h: int, blocks: list[int]) -> int:
    total = 0
    for block in blocks:
        total = _times(total ^ block, h)
    return total


def _blocks(data: bytes) -> list[int]:
    padded = data.ljust(-(-len(data) // 16) * 16, b"\0")
    return [int.from_bytes(padded[at : at + 16], "big") for at in range(0, len(padded), 16)]


def colliding_ciphertext(one: bytes, other: bytes, iv: bytes, aad: bytes, plaintext: bytes) -> bytes:
    """Ciphertext and tag that ``one`` opens to ``plaintext`` and 16 bytes more, and ``other`` to something else."""
    assert len(plaintext) % 16 == 0
    counter = iv + b"\0\0\0\2"
    encryptor = Cipher(algorithms.AES(one), modes.CTR(counter)).encryptor()
    body = encryptor.update(plaintext)
    lengths = (len(aad) * 8) << 64 | (len(body) + 16) * 8
    fixed = [*_blocks(aad), *_blocks(body), 0, lengths]
    h_one, h_other = _block(one, bytes(16)), _block(other, bytes(16))
    masks = _block(one, iv + b"\0\0\0\1"), _block(other, iv + b"\0\0\0\1")
    difference = _ghash(h_one, fixed) ^ masks[0] ^ _ghash(h_other, fixed) ^ masks[1]
    weight = _times(h_one, h_one) ^ _times(h_other, h_other)
    free = _times(difference, _power(weight, 2**128 - 2))
    fixed[-2] = free
    tag = _ghash(h_one, fixed) ^ masks[0]
    return body + free.to_bytes(16, "big") + tag.to_bytes(16, "big")
