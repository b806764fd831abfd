"""Price models. A model's number is its place in :data:`MODELS`.

A model is a file with a ``RULE``, ``coefficients`` (once per market) and
``advance`` (one model step of many paths side by side); it joins the family by
a line in :data:`MODELS` and one in each of the two dispatching functions.
Every one takes the same two standard normals per step, one for the variance
and one for the price, so that any two markets can be correlated. Jumps are not
a model's business: :mod:`stress.kernels.jumps` adds them to any of these.
"""

from __future__ import annotations

from ..jit import kernel
from ..registry import Rule
from ..structs import Floats
from . import gbm, given, heston_euler, heston_qe
from .lanes import COEFFICIENTS, YEAR, Lanes

__all__ = [
    "COEFFICIENTS",
    "GBM",
    "GIVEN",
    "HESTON_EULER",
    "HESTON_QE",
    "MODELS",
    "YEAR",
    "Lanes",
    "advance",
    "coefficients",
]

MODELS: tuple[Rule, ...] = (gbm.RULE, heston_euler.RULE, heston_qe.RULE, given.RULE)
"""Price models, by number."""

GBM, HESTON_EULER, HESTON_QE, GIVEN = 0, 1, 2, 3


@kernel
def coefficients(model: int, params: Floats, dt: float, out: Floats) -> None:
    """Fill out[COEFFICIENTS] with what ``advance`` of the model needs at a step of dt years."""
    if model == GBM:
        gbm.coefficients(params, dt, out)
    elif model == HESTON_EULER:
        heston_euler.coefficients(params, dt, out)
    elif model == HESTON_QE:
        heston_qe.coefficients(params, dt, out)


@kernel
def advance(model: int, coefficient: Floats, drift: float, stretch: float, lanes: Lanes) -> None:
    """One model step of every lane: ``drift`` is added to the log price, ``stretch`` multiplies its volatility."""
    if model == GBM:
        gbm.advance(coefficient, drift, stretch, lanes)
    elif model == HESTON_EULER:
        heston_euler.advance(coefficient, drift, stretch, lanes)
    elif model == HESTON_QE:
        heston_qe.advance(coefficient, drift, stretch, lanes)
    else:
        given.advance(coefficient, lanes)
