"""The random numbers: known answers, distribution, independence of streams."""

from __future__ import annotations

import re
from pathlib import Path

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from stress.kernels import philox as rng
from stress.kernels.jit import COMPILED

U32 = np.uint32

# Random123 1.14 (D. E. Shaw Research), kat_vectors: philox4x32 with 10 rounds.
KNOWN_ANSWERS = (
    "00000000 00000000 00000000 00000000 00000000 00000000   6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    "ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff   408f276d 41c83b0e a20bc7c6 6d5451fd",
    "243f6a88 85a308d3 13198a2e 03707344 a4093822 299f31d0   d16cfe09 94fdcceb 5001e420 24126ea1",
)


def words(*values: int) -> tuple[int, ...]:
    return tuple(int(word) for word in rng.philox(*(U32(value) for value in values)))


def normals(path: int, step: int, block: int, stream: np.uint32, seed: int, lanes: int = 256) -> NDArray[np.float32]:
    out = np.full((4, lanes), np.nan, dtype=np.float32)
    rng.fill_normals(out, path, step, block, stream, rng.split_seed(seed))
    return out


def check(line: str) -> None:
    numbers = [int(word, 16) for word in line.split()]
    assert words(*numbers[:6]) == tuple(numbers[6:])


@pytest.mark.interpreted
@pytest.mark.parametrize("line", KNOWN_ANSWERS)
def test_known_answers(line: str) -> None:
    check(line)


def test_known_answers_of_the_reference_file(shared: Path) -> None:
    lines = (shared / "references" / "random123_kat_vectors.txt").read_text().splitlines()
    found = [line.removeprefix("philox4x32 10 ") for line in lines if line.startswith("philox4x32 10 ")]
    assert len(found) == 3
    for line in found:
        check(line)


@pytest.mark.interpreted
def test_seed_is_the_key() -> None:
    assert [int(word) for word in rng.split_seed(0x0123456789ABCDEF)] == [0x89ABCDEF, 0x01234567]


@pytest.mark.interpreted
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_uniforms_stay_inside_and_keep_the_order(low: int, high: int) -> None:
    u = rng.uniform64(U32(low), U32(high))
    assert 0.0 < u < 1.0
    assert u == pytest.approx((high * 2.0**32 + low) / 2.0**64, abs=2.0**-52)
    assert float(rng.uniform32(U32(low))) == pytest.approx((low + 0.5) / 2.0**32, rel=2.0**-23)
    assert rng.uniform32(U32(0)) > 0.0


@pytest.mark.interpreted
def test_extreme_words_give_finite_normals() -> None:
    for word in (0, 1, 2**31, 2**32 - 1):
        for turn in (0, 2**30, 2**31, 2**32 - 1):
            pair = rng.normal_pair32(U32(word), U32(turn))
            assert np.isfinite(pair).all()
            assert max(abs(float(z)) for z in pair) < 6.77
            assert abs(rng.normal64((U32(word), U32(word), U32(turn), U32(turn)))) < 8.7


def test_normals_are_normal() -> None:
    z = np.concatenate([normals(0, step, 0, rng.DIFFUSION, 7, 4096) for step in range(16)], axis=1).astype(np.float64)
    n = z.size
    moments = [np.mean(z**k) for k in (1, 2, 3, 4)]
    # Standard errors of the first four raw moments of n standard normals: 1, 2, 15 and 96 over n.
    for value, expected, variance in zip(moments, (0, 1, 0, 3), (1, 2, 15, 96), strict=True):
        assert abs(value - expected) < 4.0 * np.sqrt(variance / n)
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-4
    beyond = np.mean(np.abs(z) > 3.0)
    assert beyond == pytest.approx(0.0026998, abs=4.0 * np.sqrt(0.0027 / n))


def test_normals_of_a_counter_are_uncorrelated() -> None:
    """Between the four numbers of a block, neighbouring paths, steps, markets, streams and seeds."""
    lanes = 50_000
    base = normals(0, 3, 1, rng.DIFFUSION, 7, lanes)
    others = [
        normals(1, 3, 1, rng.DIFFUSION, 7, lanes),
        normals(0, 4, 1, rng.DIFFUSION, 7, lanes),
        normals(0, 3, 2, rng.DIFFUSION, 7, lanes),
        normals(0, 3, 1, rng.JUMP_MARK, 7, lanes),
        normals(0, 3, 1, rng.DIFFUSION, 8, lanes),
        normals(0, 3, 1, rng.DIFFUSION, 7 + 2**32, lanes),
    ]
    correlation = np.corrcoef(np.concatenate([base, *others]))
    np.fill_diagonal(correlation, 0.0)
    assert np.abs(correlation).max() < 5.0 / np.sqrt(lanes)


@pytest.mark.interpreted
def test_a_lane_belongs_to_its_path() -> None:
    whole = normals(100, 3, 1, rng.DIFFUSION, 7, 256)
    for first in (101, 163, 300):
        part = normals(first, 3, 1, rng.DIFFUSION, 7, 64)
        overlap = min(64, 356 - first)
        np.testing.assert_array_equal(part[:, :overlap], whole[:, first - 100 : first - 100 + overlap])


@pytest.mark.interpreted
def test_jump_normals_have_double_precision() -> None:
    rest = (U32(5), U32(6), U32(7), U32(8))
    fine = {rng.normal64((U32(low << 12), *rest[1:])) for low in range(64)}
    assert len(fine) == 64


@pytest.mark.skipif(not COMPILED, reason="there is no machine code without compilation")
def test_the_loop_over_lanes_is_vectorised() -> None:
    import llvmlite.binding as llvm

    if not any(llvm.get_host_cpu_features().get(name) for name in ("avx2", "avx512f")):
        pytest.skip("the processor has neither AVX2 nor AVX-512")
    # Compiled here once more, because a kernel that came from the cache has no assembly to show.
    options = {"error_model": "numpy", "fastmath": {"contract"}}
    fresh = numba.njit(**options)(rng.fill_normals.py_func)  # type: ignore[attr-defined]
    fresh(np.zeros((4, 64), dtype=np.float32), 0, 0, 0, rng.DIFFUSION, rng.split_seed(1))
    assembly = "\n".join(fresh.inspect_asm().values())
    for instruction in ("vpmuludq", r"vfn?m(add|sub)\d+ps", "vsqrtps"):
        assert re.search(instruction + r"\s.*[yz]mm", assembly), instruction
