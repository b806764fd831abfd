"""Scenario files: the only place that knows strings, units and percents."""

from __future__ import annotations

from stress.scenario.builtin import BuiltIn, built_ins
from stress.scenario.loading import Loaded, load_scenario
from stress.scenario.schema import Scenario

__all__ = ["BuiltIn", "Loaded", "Scenario", "built_ins", "load_scenario"]
