"""The order of ADL rank ``random``: accounts on a circle by a hash of their names, and a start drawn on it."""

from __future__ import annotations

import hashlib

PURPOSE = 5
"""What the random numbers of starts are told from others by."""
WORD = 2**32


def place(name: str) -> float:
    """Place of an account in [0, 1): 48 bits of the BLAKE2b digest of its name."""
    return int(hashlib.blake2b(name.encode("utf-8"), digest_size=6).hexdigest(), 16) / 2.0**48


def start(seed: int, path: int, step: int, market: int, long: bool) -> float:
    """Place in (0, 1): the middle of one of 2^52 intervals, by two words for longs that are closed, two for shorts."""
    words = philox((path, step, market, PURPOSE), (seed % WORD, seed // WORD))
    low, high = words[:2] if long else words[2:]
    return ((high * WORD + low) // 2**12 + 0.5) / 2.0**52


def ahead(name: str, start: float) -> float:
    """How far the search upwards from the start has to go."""
    return (place(name) - start) % 1.0


def philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Philox4x32 of ten rounds (Salmon et al. 2011, section 4.3)."""
    a, b, c, d = counter
    k, j = key
    for _ in range(10):
        one, other = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (other // WORD) ^ b ^ k, other % WORD, (one // WORD) ^ d ^ j, one % WORD
        k, j = (k + 0x9E3779B9) % WORD, (j + 0xBB67AE85) % WORD
    return a, b, c, d
