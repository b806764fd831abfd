"""Units in values."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stress.scenario.units import Dimension, NotAQuantity, parse, pattern, write

F, D, M, N, C = Dimension.FRACTION, Dimension.DURATION, Dimension.MONEY, Dimension.NUMBER, Dimension.COUNT


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("5%", F, 0.05),
        ("66.67%", F, 0.6667),
        ("-2 %", F, -0.02),
        ("50bp", F, 0.005),
        ("0.05", F, 0.05),
        (".5", F, 0.5),
        ("1e-3", F, 0.001),
        ("15m", D, 900.0),
        ("24h", D, 86_400.0),
        ("30d", D, 2_592_000.0),
        ("1w", D, 604_800.0),
        ("250ms", D, 0.25),
        ("1h30m", D, 5_400.0),
        ("1h 30m", D, 5_400.0),
        ("0.5s", D, 0.5),
        ("0", D, 0.0),
        ("25_000_000", M, 25e6),
        ("1.5bn", M, 1.5e9),
        ("250M", M, 250e6),
        ("10k", M, 10e3),
        ("1e6", M, 1e6),
        ("-5", M, -5.0),
        ("2.5", N, 2.5),
        ("80%", N, 0.8),
        ("10_000", C, 10_000),
        ("1e4", C, 10_000),
        ("1.5k", C, 1_500),
        (str(2**63 - 1), C, 2**63 - 1),
    ],
)
def test_units_are_read(text: str, dimension: Dimension, value: float) -> None:
    assert parse(text, dimension) == value


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("soon", D),
        ("15", D),
        ("-5m", D),
        ("15M", D),
        ("m", D),
        ("1h x", D),
        ("", D),
        ("5", D),
        ("nan", F),
        (".inf", F),
        ("inf", M),
        ("1e999", M),
        ("5%%", F),
        ("5 5", F),
        ("1__0", M),
        ("_1", M),
        ("1_", M),
        ("0x10", C),
        ("1.5", C),
        ("1e-3", C),
        ("10b", M),
        ("25m", M),
        ("5s", N),
        ("٣", C),
        ("9" * 100, M),
    ],
)
def test_other_texts_are_refused(text: str, dimension: Dimension) -> None:
    with pytest.raises(NotAQuantity, match=r"^expected "):
        parse(text, dimension)


@pytest.mark.parametrize(
    ("text", "dimension", "advice"),
    [
        ("15", D, "write the unit: 15s, 15m or 15h"),
        ("25m", M, "the suffixes are k, M and bn"),
        (".nan", F, "only finite numbers"),
        ("1e999", M, "too large"),
    ],
)
def test_common_mistakes_get_advice(text: str, dimension: Dimension, advice: str) -> None:
    with pytest.raises(NotAQuantity, match=re.escape(advice)):
        parse(text, dimension)


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite)
def test_fractions_and_numbers_round_trip(value: float) -> None:
    assert parse(write(value, N), N) == value
    if abs(value) < 1e300:
        assert parse(repr(value), F) == value


@given(st.floats(-1e6, 1e6))
def test_percents_round_trip(value: float) -> None:
    text = write(value, F)
    assert text.endswith("%")
    if len(text) <= 64:
        assert parse(text, F) == value


@given(st.integers(0, 10**7), st.sampled_from([1.0, 60.0, 3_600.0, 86_400.0, 0.5]))
def test_durations_round_trip(count: int, unit: float) -> None:
    assert parse(write(count * unit, D), D) == count * unit


@given(st.integers(-(10**14), 10**14))
def test_whole_amounts_round_trip(value: int) -> None:
    assert parse(write(value, M), M) == value
    assert parse(write(value, C), C) == value


@given(st.text(max_size=80), st.sampled_from(list(Dimension)))
def test_any_text_is_a_finite_number_or_refused(text: str, dimension: Dimension) -> None:
    try:
        value = parse(text, dimension)
    except NotAQuantity:
        return
    assert math.isfinite(value)
    assert re.search(pattern(dimension), text.strip(), re.ASCII)
