"""Has the venue become riskier? Rules of a scenario, put to a run and to the baseline of an earlier one."""

from stress.check.baseline import Baseline
from stress.check.baseline import create as create_baseline
from stress.check.baseline import load as load_baseline
from stress.check.evaluate import check
from stress.check.finding import Finding, Outcome, Verdict

__all__ = ["Baseline", "Finding", "Outcome", "Verdict", "check", "create_baseline", "load_baseline"]
