"""Crises replayed: what the model makes of them, over what is not known, against what was published."""

from stress.backtest.crisis import Crisis, Found, built_in_crises, load_crisis
from stress.backtest.result import Backtest, Row
from stress.backtest.run import backtest
from stress.backtest.verdict import INSIDE, MISSED, NEAR

__all__ = [
    "INSIDE",
    "MISSED",
    "NEAR",
    "Backtest",
    "Crisis",
    "Found",
    "Row",
    "backtest",
    "built_in_crises",
    "load_crisis",
]
