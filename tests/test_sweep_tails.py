"""Changes of quantiles and of the means beyond them between two runs over the same paths."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from stress.sizing.estimate import Estimate, Floats
from stress.sizing.weights import Weights
from stress.sweep.tails import Tail, quantile_change, shortfall_change

Pair = Callable[[np.random.Generator, int], tuple[Floats, Floats]]


def scaled(rng: np.random.Generator, paths: int) -> tuple[Floats, Floats]:
    losses = rng.pareto(3.0, paths)
    return 1.1 * losses, losses


def now_and_then(rng: np.random.Generator, paths: int) -> tuple[Floats, Floats]:
    losses = rng.pareto(3.0, paths)
    return np.where(rng.random(paths) < 0.1, 1.5 * losses, losses), losses


def rarely(rng: np.random.Generator, paths: int) -> tuple[Floats, Floats]:
    losses = rng.pareto(3.0, paths)
    return losses + (rng.random(paths) < 0.02) * rng.pareto(3.0, paths), losses


def mostly_nothing(rng: np.random.Generator, paths: int) -> tuple[Floats, Floats]:
    losses = rng.pareto(3.0, paths) * (rng.random(paths) < 0.03)
    return np.maximum(losses - 0.2, 0.0), losses


def noisy(rng: np.random.Generator, paths: int) -> tuple[Floats, Floats]:
    losses = rng.lognormal(0.0, 1.0, paths)
    return losses * rng.lognormal(0.0, 0.1, paths), losses


def apart(rng: np.random.Generator, paths: int) -> tuple[Floats, Floats]:
    return rng.pareto(3.0, paths), rng.pareto(3.0, paths)


PAIRS: tuple[Pair, ...] = (scaled, now_and_then, rarely, mostly_nothing, noisy, apart)


def tails(pair: tuple[Floats, Floats], level: float = 0.99, weights: Weights | None = None) -> tuple[Tail, Tail]:
    return Tail(pair[0], level, weights), Tail(pair[1], level, weights)


def truth(pair: Pair, level: float) -> tuple[float, float]:
    here, there = tails(pair(np.random.default_rng(99), 4_000_000), level)
    change = here.shortfall() - there.shortfall()
    return here.threshold - there.threshold, change


def holds(found: Estimate, value: float) -> bool | None:
    """Whether the interval has the value in it; None without any end."""
    if found.low is None and found.high is None:
        return None
    return (found.low is None or found.low <= value + 1e-9) and (found.high is None or value - 1e-9 <= found.high)


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize(("level", "paths"), [(0.99, 1_500), (0.99, 6_000), (0.998, 20_000)])
def test_intervals_cover_what_they_claim(pair: Pair, level: float, paths: int) -> None:
    """2,000 samples each: at least 0.93 for the quantile; 0.85 for the mean beyond it, where most have an interval."""
    quantile, shortfall = truth(pair, level)
    rng = np.random.default_rng(7)
    covered: list[tuple[bool | None, bool | None]] = []
    for _ in range(2_000):
        here, there = tails(pair(rng, paths), level)
        covered.append((holds(quantile_change(here, there), quantile), holds(shortfall_change(here, there), shortfall)))
    of_quantile = [hit for hit, _ in covered if hit is not None]
    of_shortfall = [hit for _, hit in covered if hit is not None]
    shares = np.mean(of_quantile), np.mean(of_shortfall or [1])
    print(f"{pair.__name__} {level} {paths}: {shares[0]:.3f} {shares[1]:.3f} of {len(of_shortfall)}")
    assert np.mean(of_quantile) >= 0.93
    assert len(of_shortfall) < 1_000 or np.mean(of_shortfall) >= 0.85


@pytest.mark.parametrize("pair", [now_and_then, rarely, mostly_nothing])
def test_intervals_hold_on_a_few_samples(pair: Pair) -> None:
    quantile, shortfall = truth(pair, 0.99)
    rng = np.random.default_rng(11)
    found = [tails(pair(rng, 6_000)) for _ in range(40)]
    assert sum(bool(holds(quantile_change(*both), quantile)) for both in found) >= 34
    assert sum(holds(shortfall_change(*both), shortfall) in (True, None) for both in found) >= 32


def test_same_paths_say_more_than_two_independent_runs() -> None:
    rng = np.random.default_rng(5)
    paired = quantile_change(*tails(scaled(rng, 10_000)))
    loose = quantile_change(*tails(apart(rng, 10_000)))
    assert paired.low is not None
    assert paired.high is not None
    assert loose.low is not None
    assert loose.high is not None
    assert paired.high - paired.low < 0.25 * (loose.high - loose.low)
    assert paired.low > 0.0
    assert loose.low < 0.0 < loose.high


def test_no_difference_is_none() -> None:
    losses = np.random.default_rng(2).pareto(3.0, 2_000)
    for change in (quantile_change, shortfall_change):
        found = change(*tails((losses, losses.copy())))
        assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_change_turns_its_sign_with_the_order() -> None:
    here, there = tails(noisy(np.random.default_rng(3), 5_000))
    for change in (quantile_change, shortfall_change):
        forth, back = change(here, there), change(there, here)
        assert forth.value == pytest.approx(-(back.value or 0.0))
        width = (forth.high or 0.0) - (forth.low or 0.0)
        assert width > 0.0
        assert forth.low == pytest.approx(-(back.high or 0.0), abs=0.2 * width)


def test_too_few_paths_give_no_number_or_no_interval() -> None:
    rng = np.random.default_rng(4)
    assert quantile_change(*tails(scaled(rng, 500))).value is None
    losses = rng.pareto(3.0, 2_000)
    one = losses.copy()
    one[np.argmax(one)] *= 2.0
    found = shortfall_change(*tails((one, losses)))
    assert found.value is not None
    assert found.value > 0.0
    assert (found.low, found.high) == (None, None)
    assert "1 tail path" in found.note


def test_even_weights_change_nothing() -> None:
    pair = noisy(np.random.default_rng(6), 4_000)
    plain = quantile_change(*tails(pair, 0.9)), shortfall_change(*tails(pair, 0.9))
    both = tails(pair, 0.9, Weights(np.ones(4_000)))
    weighted = quantile_change(*both), shortfall_change(*both)
    for one, other in zip(plain, weighted, strict=True):
        assert other.value == pytest.approx(one.value, rel=0.02)
        assert other.low == pytest.approx(one.low, rel=0.1, abs=0.02)
        assert other.high == pytest.approx(one.high, rel=0.1, abs=0.02)


def test_weighted_paths_know_the_tail_better() -> None:
    """Every loss above 3 drawn ten times as often: the change of a far quantile is known better than without."""
    rng = np.random.default_rng(8)
    share = 0.05
    body, tail = rng.uniform(0.0, 3.0, 5_000), 3.0 + rng.pareto(3.0, 5_000)
    losses = np.concatenate([body, tail])
    ratios = np.concatenate([np.full(5_000, 2.0 * (1.0 - share)), np.full(5_000, 2.0 * share)])
    moved = np.where(rng.random(losses.size) < 0.1, 1.3 * losses, losses)
    found = quantile_change(*tails((moved, losses), 0.999, Weights(ratios)))
    plain_tail = rng.random(10_000) < share
    plain = np.where(plain_tail, 3.0 + rng.pareto(3.0, 10_000), rng.uniform(0.0, 3.0, 10_000))
    plain_moved = np.where(rng.random(10_000) < 0.1, 1.3 * plain, plain)
    other = quantile_change(*tails((plain_moved, plain), 0.999))
    assert found.low is not None
    assert found.high is not None
    assert other.low is not None
    assert other.high is not None
    assert found.high - found.low < 0.6 * (other.high - other.low)
    exact = quantile_change(*tails(_large(np.random.default_rng(9), share), 0.999)).value
    assert exact is not None
    assert found.low <= exact <= found.high


def _large(rng: np.random.Generator, share: float) -> tuple[Floats, Floats]:
    tail = rng.random(2_000_000) < share
    losses = np.where(tail, 3.0 + rng.pareto(3.0, tail.size), rng.uniform(0.0, 3.0, tail.size))
    return np.where(rng.random(tail.size) < 0.1, 1.3 * losses, losses), losses
