"""Weighted losses in the order in which estimators take them."""

from __future__ import annotations

import numpy as np

from stress.sizing.estimate import Floats, ascending
from stress.weights import Weights, kish

__all__ = ["Weights", "ascending_with", "kish"]


def ascending_with(losses: Floats, weights: Weights | None) -> tuple[Floats, Weights | None]:
    """Losses in ascending order with their weights.

    Raises:
        ValueError: for an empty sample, or one with a loss below zero or not finite.
    """
    if weights is None:
        return ascending(losses), None
    order = np.argsort(losses, kind="stable")
    return ascending(losses), weights.ordered(order)
