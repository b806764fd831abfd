"""Reverse stress test: the smallest and the most likely event that breaks a venue, found by search."""

from stress.reverse.find import Answer, Question, Setting, find, setting_of
from stress.reverse.plausibility import Priors

__all__ = ["Answer", "Priors", "Question", "Setting", "find", "setting_of"]
