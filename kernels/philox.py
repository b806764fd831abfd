"""Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, SC'11).

The numbers of a path depend on the seed and on the counter (path, step, block,
stream) alone, never on which paths were simulated before or beside it. The key
is the 64-bit seed; ``block`` tells markets apart; ``stream`` purposes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .jit import kernel, lane_kernel, vector_kernel
from .vecmath import log32, log64, sincos32, sincos64

F32, F64 = np.float32, np.float64
I64, U32, U64 = np.int64, np.uint32, np.uint64
Words = tuple[np.uint32, np.uint32, np.uint32, np.uint32]
Normals = NDArray[np.float32]

DIFFUSION = U32(0)
"""Stream of the price and variance shocks; step is the pair of model steps, block the market."""
JUMP_TIME = U32(1)
"""Stream of the waiting times of jumps; step is the number of the arrival."""
JUMP_COMMON = U32(2)
"""Stream of the factor that the marks of one arrival share."""
JUMP_MARK = U32(3)
"""Stream of the marks; block is the market."""
JUMP_THINNING = U32(4)
"""Stream of the draws that decide which markets an arrival moves; block is the market."""

ADL_START = U32(5)
"""Stream of the places at which ADL begins to look for winners; step is the check, block the market."""
MARGIN_CALL = U32(6)
"""Stream of who answers margin calls; step and block are the two words of the account's hash."""

JUMP_VARIANCE = U32(6)
"""Stream of the jumps of the variance; block is the market."""
FACTOR = U32(7)
"""Stream of the normals that markets share; step is the pair of model steps, block the pair of factors."""
MODEL_NORMAL = U32(8)
"""Stream of a model's own third normal; step is the set of four model steps, block the market."""
HISTORY = U32(9)
"""Stream of the rows that resampled residuals are taken from; step is the bar, the same for all markets."""
REGIME = U32(10)
"""Stream of regimes; step is the number of the switch, block the chain."""

MULTIPLIER_0, MULTIPLIER_1 = U64(0xD2511F53), U64(0xCD9E8D57)
WEYL_0, WEYL_1 = U64(0x9E3779B9), U64(0xBB67AE85)
HALF_WORD = U64(32)


@lane_kernel
def _round(c0: np.uint32, c1: np.uint32, c2: np.uint32, c3: np.uint32, k0: np.uint32, k1: np.uint32) -> Words:
    """One round: two 32 x 32 -> 64 bit products, permuted and mixed with the key."""
    p0 = MULTIPLIER_0 * U64(c0)
    p1 = MULTIPLIER_1 * U64(c2)
    return U32(U32(p1 >> HALF_WORD) ^ c1 ^ k0), U32(p1), U32(U32(p0 >> HALF_WORD) ^ c3 ^ k1), U32(p0)


@lane_kernel
def philox(c0: np.uint32, c1: np.uint32, c2: np.uint32, c3: np.uint32, k0: np.uint32, k1: np.uint32) -> Words:
    """Four random words of a counter under a key: ten rounds, the key raised by the Weyl constants between them."""
    for _ in range(10):
        c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
        k0 = U32(U64(k0) + WEYL_0)
        k1 = U32(U64(k1) + WEYL_1)
    return c0, c1, c2, c3


@kernel
def split_seed(seed: int) -> tuple[np.uint32, np.uint32]:
    """Key of a seed in 0 .. 2^64 - 1: its low and its high word."""
    word = U64(seed)
    return U32(word & U64(0xFFFFFFFF)), U32(word >> HALF_WORD)


@lane_kernel
def uniform32(word: np.uint32) -> np.float32:
    """(word + 1/2) / 2^32, never 0, rounded to float32: words near 2^32 round to 1.

    The halves are converted separately because AVX2 converts signed integers only.
    """
    high = F32(np.int32(word >> U32(16)))
    low = F32(np.int32(word & U32(0xFFFF)))
    return (high * F32(65536.0) + low) * F32(2.3283064365386963e-10) + F32(1.1641532182693481e-10)


@lane_kernel
def uniform64(low: np.uint32, high: np.uint32) -> float:
    """Uniform in (0, 1) with 52 bits: (k + 1/2) / 2^52, never 0 or 1."""
    k = (I64(high) << I64(20)) | (I64(low) >> I64(12))
    return (F64(k) + 0.5) * 2.220446049250313e-16


@lane_kernel
def normal_pair32(w0: np.uint32, w1: np.uint32) -> tuple[np.float32, np.float32]:
    """Two standard normals of two words (Box & Muller 1958); at most 6.76 in size, missed with 1.4e-11 per draw."""
    square = F32(-2.0) * log32(uniform32(w0))
    radius = F32(math.sqrt(square if square > F32(0.0) else F32(0.0)))
    sine, cosine = sincos32(w1)
    return radius * cosine, radius * sine


@lane_kernel
def normal64(words: Words) -> float:
    """One standard normal of four words in float64 (Box & Muller 1958); at most 8.6 in size."""
    radius = math.sqrt(-2.0 * log64(uniform64(words[0], words[1])))
    return radius * sincos64(uniform64(words[2], words[3]))[1]


@vector_kernel
def fill_normals(
    out: Normals, first_path: int, step: int, block: int, stream: np.uint32, key: tuple[np.uint32, np.uint32]
) -> None:
    """Fill out[4, lane] with independent standard normals; lane l belongs to path first_path + l."""
    # Four rows sliced before the loop: an index into out[i, l] would keep wrap-around checks and stay scalar.
    z0, z1, z2, z3 = out[0], out[1], out[2], out[3]
    start, c1, c2, c3 = U64(first_path), U32(step), U32(block), U32(stream)
    k0, k1 = key
    for lane in range(z0.size):
        w0, w1, w2, w3 = philox(U32(start + U64(lane)), c1, c2, c3, k0, k1)
        a, b = normal_pair32(w0, w1)
        c, d = normal_pair32(w2, w3)
        z0[lane] = a
        z1[lane] = b
        z2[lane] = c
        z3[lane] = d
