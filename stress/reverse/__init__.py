"""Reverse stress test: the smallest and the most likely event that breaks a venue, found by search."""

from stress.reverse.find import Answer, find
from stress.reverse.plausibility import Priors
from stress.reverse.setting import Question, Setting, setting_of

__all__ = ["Answer", "Priors", "Question", "Setting", "find", "setting_of"]
