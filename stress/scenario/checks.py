"""Schema of the rules that results must keep: limits, comparisons with a baseline, exact repetition.

They stand in the scenario and not in the baseline, so that refreshing the one cannot loosen the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field
from pydantic.json_schema import JsonSchemaValue

from stress.scenario import units
from stress.scenario.parts import Complaint, Part, malformed
from stress.scenario.pools import PoolName
from stress.scenario.units import Dimension
from stress.scenario.values import Fraction, Money, Reader, Text, Words

LIMIT = "limit"
REGRESSION = "regression"
EXACT = "exact"

DEPLETION = "depletion"
"""Metric that is a probability of its own: that the pool's first fund does not suffice."""


@dataclass(frozen=True)
class Bound(Reader):
    """An amount, or a probability written as a fraction."""

    def read(self, value: object) -> float:
        """The number."""
        if not isinstance(value, str):
            return float(Money().read(value))
        for dimension in (Dimension.MONEY, Dimension.FRACTION):
            try:
                return float(units.parse(value, dimension))
            except units.NotAQuantity:
                continue
        raise malformed(f"expected an amount such as 25_000_000 or 250M, or a fraction such as 0.1%, got {value!r}")

    def schema(self) -> JsonSchemaValue:
        """A number, or the text of an amount or a fraction."""
        texts = [units.pattern(Dimension.MONEY), units.pattern(Dimension.FRACTION)]
        return {"anyOf": [{"type": "number"}, *({"type": "string", "pattern": text} for text in texts)]}


class Check(Part):
    """A rule that a result must keep."""

    rule: Annotated[str, Words((LIMIT, REGRESSION, EXACT))] = Field(
        default=LIMIT, description="What is asked: a limit, no change against a baseline, or the very same numbers."
    )
    metric: Annotated[str, Text(r"[a-z][a-z0-9_]*", "the name of a result column")] | None = Field(
        default=None, description="Column of the table paths that is checked; or unpaid, or depletion."
    )
    pool: PoolName | None = Field(default=None, description="Pool that is checked; the first by default.")
    level: Annotated[float, Fraction(above=0.0, below=1.0)] | None = Field(
        default=None, description="Quantile that is checked."
    )
    shortfall: Annotated[float, Fraction(above=0.0, below=1.0)] | None = Field(
        default=None, description="The mean beyond this quantile, the expected shortfall, is checked."
    )
    above: Annotated[float, Money()] | None = Field(
        default=None, description="The probability of more than this amount is checked, and no quantile."
    )
    at_most: Annotated[float, Bound()] | None = Field(default=None, description="Upper bound of a limit.")
    at_least: Annotated[float, Bound()] | None = Field(default=None, description="Lower bound of a limit.")
    within: Annotated[float, Fraction(above=0.0, most=10.0)] | None = Field(
        default=None, description="Change against the baseline that is tolerated, as a fraction of it."
    )
    or_amount: Annotated[float, Bound()] | None = Field(
        default=None, description="Change that is tolerated in any case, where the fraction is less."
    )
    worse: Annotated[str, Words(("higher", "lower"))] | None = Field(
        default=None, description="Which way is worse; higher by default, lower for fund_low and fund_end."
    )
    confidence: Annotated[float, Fraction(least=0.5, below=1.0)] = Field(
        default=0.95, description="Confidence of each bound that decides."
    )

    @property
    def probability(self) -> bool:
        """Whether a probability is checked, and not an amount."""
        return self.above is not None or self.metric == DEPLETION

    @property
    def mean(self) -> bool:
        """Whether a mean over all paths is checked."""
        return self.level is None and self.shortfall is None and not self.probability

    def check(self) -> Iterator[Complaint]:
        """The rule has what it needs, and nothing that it would not read."""
        if self.rule == EXACT:
            yield from self._unread(set(), "an exact rule compares every number of the run")
            return
        if self.metric is None:
            yield ("metric",), "is missing: column of the table paths that is checked; or unpaid, or depletion"
        for key, words in (("level", "a quantile"), ("shortfall", "an expected shortfall")):
            if getattr(self, key) is not None and self.probability:
                yield (key,), f"is {words}, but a probability is checked"
        if self.level is not None and self.shortfall is not None:
            yield ("shortfall",), "is read alone: a level asks for the quantile"
        if self.metric == DEPLETION and self.above is not None:
            yield ("above",), "is not read: depletion is a probability by itself"
        yield from self._limit() if self.rule == LIMIT else self._regression()

    def _limit(self) -> Iterator[Complaint]:
        known = {"metric", "pool", "level", "shortfall", "above", "at_most", "at_least", "confidence"}
        hint = "; with rule: regression it is" if self.within is not None else ""
        yield from self._unread(known, f"a limit reads at_most and at_least{hint}")
        if self.at_most is None and self.at_least is None and not hint:
            yield (), "give at_most or at_least"
        for key in ("at_most", "at_least"):
            bound = getattr(self, key)
            if bound is not None and self.probability and not 0.0 <= bound <= 1.0:
                yield (key,), f"bounds a probability and must lie between 0 and 1, got {bound:g}"

    def _regression(self) -> Iterator[Complaint]:
        known = {"metric", "pool", "level", "shortfall", "above", "within", "or_amount", "worse", "confidence"}
        yield from self._unread(known, "a regression reads within and or_amount")
        if self.within is None and self.or_amount is None:
            yield (), "give the tolerated change: within, or_amount, or both"
        if self.mean and self.worse == "lower":
            yield ("worse",), "is read with a level or a shortfall: means are compared where more is worse"
        if self.or_amount is not None and self.or_amount <= 0.0:
            yield ("or_amount",), f"must be more than 0, got {self.or_amount:g}"

    def _unread(self, known: set[str], reason: str) -> Iterator[Complaint]:
        for key, field in type(self).model_fields.items():
            # A resolved scenario writes defaults out.
            if key not in known and key != "rule" and getattr(self, key) != field.default:
                yield (key,), f"is not read here: {reason}"


def rule_of(value: dict[str, Any]) -> Check:
    """The rule that a canonical scenario holds."""
    return Check.model_validate(value)
