"""Price models. A model's number is its place in :data:`MODELS`.

A model is a file with a ``RULE``, ``coefficients`` (once per market) and
``advance`` (one model step of many paths side by side), and ``begin`` and
``ROWS`` where it remembers more than the variance; it joins the family by a
line in :data:`MODELS` and one in each of the dispatching functions. Every one
takes the same two standard normals per step, one for the variance and one for
the price, so that any two markets can be correlated. Jumps are not a model's
business: :mod:`stress.kernels.jumps` adds them to any of these.
"""

from __future__ import annotations

from ..jit import part
from ..registry import Rule
from ..structs import Floats
from . import garch, garch_history, gbm, given, heston_euler, heston_qe, regime, rough_bergomi
from .lanes import COEFFICIENTS, YEAR, Counter, Lanes

__all__ = [
    "COEFFICIENTS",
    "GARCH",
    "GARCH_HISTORY",
    "GBM",
    "GIVEN",
    "HESTON_EULER",
    "HESTON_QE",
    "MODELS",
    "REGIME",
    "ROUGH_BERGOMI",
    "YEAR",
    "Counter",
    "Lanes",
    "advance",
    "begin",
    "coefficients",
    "rows",
]

MODELS: tuple[Rule, ...] = (
    gbm.RULE,
    heston_euler.RULE,
    heston_qe.RULE,
    given.RULE,
    garch.RULE,
    garch_history.RULE,
    regime.RULE,
    rough_bergomi.RULE,
)
"""Price models, by number."""

GBM, HESTON_EULER, HESTON_QE, GIVEN, GARCH, GARCH_HISTORY, REGIME, ROUGH_BERGOMI = range(8)


@part
def rows(model: int, params: Floats) -> int:
    """Rows of memory over the lanes that a market of the model needs."""
    if model == GARCH:
        return garch.ROWS
    if model == GARCH_HISTORY:
        return garch_history.ROWS
    if model == REGIME:
        return regime.ROWS
    if model == ROUGH_BERGOMI:
        return int(params[3]) + 1
    return 0


@part
def coefficients(model: int, params: Floats, dt: float, out: Floats) -> None:
    """Fill out[COEFFICIENTS] with what ``advance`` of the model needs at a step of dt years."""
    if model == GBM:
        gbm.coefficients(params, dt, out)
    elif model == HESTON_EULER:
        heston_euler.coefficients(params, dt, out)
    elif model == HESTON_QE:
        heston_qe.coefficients(params, dt, out)
    elif model == GARCH:
        garch.coefficients(params, dt, out)
    elif model == GARCH_HISTORY:
        garch_history.coefficients(params, dt, out)
    elif model == REGIME:
        regime.coefficients(params, dt, out)
    elif model == ROUGH_BERGOMI:
        rough_bergomi.coefficients(params, dt, out)


@part
def begin(model: int, coefficient: Floats, lanes: Lanes) -> None:
    """Put what a model remembers at its initial state; price and variance are there already."""
    if model == GARCH:
        garch.begin(coefficient, lanes)
    elif model == GARCH_HISTORY:
        garch_history.begin(coefficient, lanes)
    elif model == REGIME:
        regime.begin(coefficient, lanes)
    elif model == ROUGH_BERGOMI:
        rough_bergomi.begin(coefficient, lanes)


@part
def advance(model: int, coefficient: Floats, drift: float, stretch: float, lanes: Lanes) -> None:
    """One model step of every lane: ``drift`` is added to the log price, ``stretch`` multiplies its volatility."""
    if model == GBM:
        gbm.advance(coefficient, drift, stretch, lanes)
    elif model == HESTON_EULER:
        heston_euler.advance(coefficient, drift, stretch, lanes)
    elif model == HESTON_QE:
        heston_qe.advance(coefficient, drift, stretch, lanes)
    elif model == GARCH:
        garch.advance(coefficient, drift, stretch, lanes)
    elif model == GARCH_HISTORY:
        garch_history.advance(coefficient, drift, stretch, lanes)
    elif model == REGIME:
        regime.advance(coefficient, drift, stretch, lanes)
    elif model == ROUGH_BERGOMI:
        rough_bergomi.advance(coefficient, drift, stretch, lanes)
    else:
        given.advance(coefficient, lanes)
