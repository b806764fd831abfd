"""The recursion that the two GARCH models share: the variance of a bar from the bar before it."""

from __future__ import annotations

from ..jit import lane_kernel, part
from ..registry import Parameter
from ..structs import Floats

PARAMETERS = (
    Parameter("omega", "1", "Constant of the recursion, a variance per bar."),
    Parameter("alpha", "1", "Share of the squared move that goes into the next bar's variance."),
    Parameter("gamma", "1", "What a fall adds to that share."),
    Parameter("beta", "1", "Share of this bar's variance that goes into the next one's."),
    Parameter("steps", "1", "Model steps in a bar."),
    Parameter("bar", "years", "Length of a bar."),
)


@part
def bar_coefficients(params: Floats, dt: float, out: Floats) -> None:
    """Fill out with (omega, alpha, gamma, beta, steps, bar, dt); dt in years."""
    for k in range(6):
        out[k] = params[k]
    out[6] = dt


@lane_kernel
def following(coefficient: Floats, h: float, move: float) -> float:
    """Variance of the next bar: omega + (alpha + gamma [move < 0]) move^2 + beta h (Glosten, Jagannathan & Runkle)."""
    weight = coefficient[1] + (coefficient[2] if move < 0.0 else 0.0)
    return coefficient[0] + weight * move * move + coefficient[3] * h
