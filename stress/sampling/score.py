"""The score: how far exogenous prices have gone against the accounts that they can bankrupt.

A fall of a market counts by the notional of the longs that it bankrupts, a rise by that of the shorts, and the score is
the sum over the markets. It reads neither the cascade nor what a venue does, so the laws of a run may end at a score
and leave its likelihood ratios exact.
"""

from __future__ import annotations

import numpy as np

from stress.build import Plan
from stress.kernels.paths import simulate
from stress.kernels.structs import Clock, Floats
from stress.kernels.tilt import CLIMB, FALL

PROBED = 2_048
"""Paths that measure how far each market moves."""
REACH = 1.5
"""Accounts count that so many times the move of the wanted probability bankrupts: cascades go further than prices."""
LEAST = 1e-3
"""Share of the largest weight under which a market is left out."""


def typical_moves(plan: Plan, probability: float, seed: int) -> Floats:
    """[m] size of a log price move over the horizon that has about this probability.

    From the spread of a few paths, as if it were normal, and no less than the largest move among them: jumps that such
    a sample has at all are larger than the spread says.
    """
    from statistics import NormalDist

    clock, markets = plan.venue.clock, len(plan.market_names)
    ends = Clock(1, clock.checks * clock.substeps, clock.checks * clock.dt)
    log_price = np.empty((PROBED, 2, markets))
    simulate(plan.models, ends, seed, 0, log_price, np.empty_like(log_price))
    moves = log_price[:, 1] - log_price[:, 0]
    size: Floats = np.maximum(-NormalDist().inv_cdf(probability) * moves.std(axis=0), np.abs(moves).max(axis=0))
    return size


def score_of(plan: Plan, moves: Floats) -> Floats:
    """[4, m] weights of the score, the largest of them 1; nothing counts from a distance."""
    book, prices = plan.venue.book, np.exp(plan.models.log_price)
    market, holder = book.positions["market"], book.positions["holder"]
    value = book.positions["quantity"] * prices[market]
    equity = book.accounts["cash"] + np.bincount(holder, weights=value, minlength=len(book.accounts))
    distance = np.maximum(equity[holder], 0.0) / np.maximum(np.abs(value), 1e-300)
    for notional in (np.abs(value) * (distance <= REACH * moves[market]), np.abs(value)):
        score = np.zeros((4, len(prices)))
        for row, side in ((FALL, value > 0.0), (CLIMB, value < 0.0)):
            score[row] = np.bincount(market[side], weights=notional[side], minlength=len(prices))
        if score.any():
            break
    score /= max(score.max(), 1e-300)
    return np.where(score < LEAST, 0.0, score)
