"""A report that a risk officer can forward: one page, its text, its charts and its figures."""

from stress.report.write import write_report

__all__ = ["write_report"]
