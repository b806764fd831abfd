"""Loss quantiles, fund sizes, probabilities and payers of a run, each with an interval that covers what it claims.

>>> sizing = size(stress.load("runs/example"), depletion=0.001)  # doctest: +SKIP
"""

from stress.sizing.analysis import size
from stress.sizing.estimate import Estimate
from stress.sizing.fund import FundSize, FundSizing
from stress.sizing.result import LossFigures, MarketSizing, PoolSizing, Sizing

__all__ = ["Estimate", "FundSize", "FundSizing", "LossFigures", "MarketSizing", "PoolSizing", "Sizing", "size"]
