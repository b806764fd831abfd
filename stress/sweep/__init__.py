"""One scenario with some of its values varied, on common random numbers: what each value does to losses and fund."""

from stress.sweep.cells import Cell, Varied
from stress.sweep.result import SweepResult
from stress.sweep.run import SweepPlan, sweep

__all__ = ["Cell", "SweepPlan", "SweepResult", "Varied", "sweep"]
