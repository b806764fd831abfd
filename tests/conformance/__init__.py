"""Deterministic cases of the model: a few accounts, prescribed prices, one rule each.

``python -m tests.conformance CASE.json...`` prints what the kernels make of a
case, in the form of the case's own ``expected``.
"""

from tests.conformance.play import play
from tests.conformance.reading import Unsupported

__all__ = ["Unsupported", "play"]
