"""Likelihood ratios from tallies are the products of density ratios, one random number after another."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from stress.kernels.jumps import Sources, clocks, common_normal, mark_of, sources_of
from stress.kernels.models import YEAR
from stress.kernels.philox import DIFFUSION, FACTOR, fill_normals, split_seed
from stress.kernels.structs import Clock, Models
from stress.kernels.tilt import COMMON, FALL, LATER, NO_TWIST, OWN, PACE, RISE, SPREAD, STOP, Pace, Tilt
from stress.sampling.laws import Frame, Laws, frame_of, tilt_of
from stress.sampling.likelihood import counts_of, log_ratios
from tests.market_models import EXAMPLES, built
from tests.tilted import Drawn, draw

LANES, SEED, LAWS = 64, 11, 3
CRASH = {
    "name": "crash",
    "rate": 1_500,
    "correlation": 0.4,
    "marks": {"A": {"mean": -0.01, "std": 0.02}, "B": {"mean": -0.02, "std": 0.03, "variance_jump": 0.5}},
    "self_excitation": {"branching": 0.4, "half_life": "1h"},
}
FACTORS = {"factors": {"market": {"A": 0.8, "B": 0.7}, "variance": {"A": 0.6, "B": 0.5}}}


def random_laws(models: Models, frame: Frame, seed: int) -> Laws:
    """Law 0 and two others with everything tilted that there is."""
    rng = np.random.default_rng(seed)
    laws = frame.nominal(LAWS)
    laws.shift[1:] = rng.normal(0.0, 0.2, laws.shift[1:].shape)
    laws.source[PACE, 1:] = rng.uniform(0.6, 1.6, laws.source[PACE, 1:].shape)
    laws.source[LATER, 1:] = rng.uniform(0.6, 1.6, laws.source[LATER, 1:].shape)
    laws.source[SPREAD, 1:] = rng.uniform(0.8, 1.3, laws.source[SPREAD, 1:].shape)
    laws.source[COMMON, 1:] = rng.normal(0.0, 0.5, laws.source[COMMON, 1:].shape)
    laws.mark[OWN, 1:] = rng.normal(0.0, 0.5, laws.mark[OWN, 1:].shape)
    laws.mark[RISE, 1:] = rng.uniform(0.7, 1.4, laws.mark[RISE, 1:].shape)
    laws.source[COMMON, :, models.jump_correlation == 0.0] = 0.0
    laws.mark[RISE, :, models.jump_variance[frame.mark_source, frame.mark_market] == 0.0] = 1.0
    return laws


def of_normals(models: Models, clock: Clock, tilt: Tilt, found: Drawn, w: int) -> Any:
    """[c] log density ratios of the diffusion normals of path w, step by step until its stop."""
    markets, steps, key = len(models.model), clock.checks * clock.substeps, split_seed(SEED)
    total, out = np.zeros(LAWS), np.zeros((4, LANES), np.float32)
    for step in range(1, int(found.tallies[w, STOP]) + 1):
        segment = (step - 1) * tilt.shift.shape[1] // steps
        for d, number in enumerate(tilt.driver):
            if (step - 1) % tilt.every[d]:
                continue
            block, stream = (int(number) // 2, DIFFUSION)
            if block >= markets:
                block, stream = block - markets, FACTOR
            fill_normals(out, 0, (step - 1) // 2, block, stream, key)
            law = tilt.turn[w % len(tilt.turn)]
            z = float(out[2 * ((step - 1) % 2) + int(number) % 2, w]) + tilt.shift[law, segment, d]
            total += norm.logpdf(z, tilt.shift[:, segment, d]) - norm.logpdf(z)
    return total


def of_jumps(models: Models, clock: Clock, tilt: Tilt, found: Drawn, w: int) -> Any:
    """[c] log density ratios of all arrivals and marks of path w until its stop."""
    sources, end = sources_of(models), float(found.tallies[w, STOP]) * clock.dt / (clock.substeps * YEAR)
    law, total = int(tilt.turn[w % len(tilt.turn)]), np.zeros(LAWS)
    for n in range(len(sources.rate)):
        total += of_source(sources, tilt, law, n, w, end)
    return total


def of_source(sources: Sources, tilt: Tilt, law: int, n: int, w: int, end: float) -> Any:
    """Of one source: each wait by its two hazards, each mark by its densities."""
    key, time, number, total = split_seed(SEED), 0.0, 0, np.zeros(LAWS)
    base, decay = sources.rate[n] * (1.0 - sources.branching[n]), sources.decay[n]
    excess = sources.rate[n] * sources.branching[n]
    while True:
        rows = (PACE, PACE) if number == 0 else (LATER, SPREAD)
        pace, stock = (tilt.source[row, :, n] for row in rows)
        waits = clocks(sources, n, excess, Pace(pace[law], stock[law]), w, number, key)
        wait = min(*waits, end - time)
        total -= (pace - 1.0) * base * wait + (stock - 1.0) * excess * -math.expm1(-decay * wait) / decay
        if time + min(waits) > end:
            return total
        total += np.log(pace if waits[0] <= waits[1] else stock)
        total += of_marks(sources, tilt, law, n, w, number)
        time += wait
        excess = excess * math.exp(-decay * wait) + sources.branching[n] * decay
        number += 1


def of_marks(sources: Sources, tilt: Tilt, law: int, n: int, w: int, number: int) -> Any:
    """Of the marks of one arrival."""
    key, total = split_seed(SEED), np.zeros(LAWS)
    if sources.correlation[n] > 0.0:
        common = common_normal(sources, n, w, number, key) + tilt.source[COMMON, law, n]
        total += norm.logpdf(common, tilt.source[COMMON, :, n]) - norm.logpdf(common)
    for m in np.flatnonzero(sources.probability[n] > 0.0):
        _, rise, moved, own = mark_of(sources, n, int(m), w, number, key, NO_TWIST)
        k = tilt.place[n, m]
        if moved:
            z = own + tilt.mark[OWN, law, k]
            total += norm.logpdf(z, tilt.mark[OWN, :, k]) - norm.logpdf(z)
            if sources.variance[n, m] > 0.0:
                means = sources.variance[n, m] * tilt.mark[RISE, :, k]
                jump = rise * tilt.mark[RISE, law, k]
                total += np.log(means[0] / means) - jump / means + jump / means[0]
    return total


@given(seed=st.integers(0, 10_000), level=st.sampled_from([0.01, 0.05, 10.0]))
@settings(max_examples=6, deadline=None)
@pytest.mark.parametrize("name", ["svcj", "garch"])
def test_tallies_give_the_product_of_density_ratios(name: str, seed: int, level: float) -> None:
    models, clock, _ = built(
        {"A": EXAMPLES[name], "B": EXAMPLES["svcj"]}, checks=6, substeps=3, jumps=[CRASH], correlation=FACTORS
    )
    frame = frame_of(models)
    score = np.zeros((4, 2))
    score[FALL] = 1.0, 0.5
    laws = random_laws(models, frame, seed)
    tilt = tilt_of(frame, laws, score, level, seed)
    found = draw(models, clock, tilt, LANES, seed=SEED)
    logs = log_ratios(tilt, counts_of(models, clock, tilt, found.tallies))
    for w in range(0, LANES, 7):
        naive = of_normals(models, clock, tilt, found, w) + of_jumps(models, clock, tilt, found, w)
        np.testing.assert_allclose(logs[w], naive, rtol=1e-5, atol=2e-5)
