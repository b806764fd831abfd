"""Accuracy of the elementary functions over their stated ranges."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stress.kernels import vecmath

pytestmark = pytest.mark.interpreted


@given(st.floats(min_value=2.0**-126, max_value=float(np.finfo(np.float32).max), width=32))
def test_log32(x: float) -> None:
    expected = math.log(x)
    assert float(vecmath.log32(np.float32(x))) == pytest.approx(expected, rel=1.5e-7, abs=6e-8)


@given(st.floats(min_value=2.2250738585072014e-308, max_value=1.7e308))
def test_log64(x: float) -> None:
    assert vecmath.log64(x) == pytest.approx(math.log(x), rel=3e-16, abs=2.3e-16)


@given(st.floats(min_value=1.0 - 1e-6, max_value=1.0 + 1e-6))
def test_log64_keeps_relative_accuracy_next_to_one(x: float) -> None:
    assert vecmath.log64(x) == pytest.approx(math.log(x), rel=1e-15, abs=0.0)


@given(st.floats(min_value=-700.0, max_value=700.0))
def test_exp64(x: float) -> None:
    assert vecmath.exp64(x) == pytest.approx(math.exp(x), rel=5e-16)


@given(st.integers(0, 2**32 - 1))
def test_sincos32(turn: int) -> None:
    sine, cosine = vecmath.sincos32(np.uint32(turn))
    angle = 2.0 * math.pi * turn / 2.0**32
    assert float(sine) == pytest.approx(math.sin(angle), abs=1.5e-7)
    assert float(cosine) == pytest.approx(math.cos(angle), abs=1.5e-7)


@pytest.mark.parametrize("eighth", range(8))
def test_sincos32_at_the_edges_of_the_octants(eighth: int) -> None:
    for turn in (eighth * 2**29, (eighth * 2**29 - 1) % 2**32):
        sine, cosine = vecmath.sincos32(np.uint32(turn))
        assert math.hypot(float(sine), float(cosine)) == pytest.approx(1.0, abs=2e-7)
        assert math.atan2(float(sine), float(cosine)) % (2.0 * math.pi) == pytest.approx(
            2.0 * math.pi * turn / 2.0**32, abs=2e-7
        )


@given(st.floats(min_value=0.0, max_value=1.0))
def test_sincos64(turn: float) -> None:
    sine, cosine = vecmath.sincos64(turn)
    # The reference loses 2 pi eps in its own argument.
    assert sine == pytest.approx(math.sin(2.0 * math.pi * turn), abs=1.5e-15)
    assert cosine == pytest.approx(math.cos(2.0 * math.pi * turn), abs=1.5e-15)
    assert math.hypot(sine, cosine) == pytest.approx(1.0, abs=5e-16)


@given(st.floats(min_value=-9.0, max_value=9.0))
def test_upper_tail64(z: float) -> None:
    tolerance = 3e-14 if abs(z) < 7.0 else 1e-7
    assert vecmath.upper_tail64(z) == pytest.approx(0.5 * math.erfc(z / math.sqrt(2.0)), rel=tolerance)
