"""The first sentences of a report: what fund is needed, whether the current one is enough, how well that is known."""

from __future__ import annotations

from stress.report.document import Card
from stress.sizing.estimate import Estimate
from stress.sizing.fund import FundSizing
from stress.sizing.result import PoolSizing, Sizing
from stress.sizing.words import duration, first_and_sound, level, money, odds, percent, percent_estimate


def headline(sizing: Sizing) -> tuple[str, ...]:
    """One paragraph per pool; where the weights of the paths cannot be trusted, that first."""
    problems = () if sizing.sampling is None else sizing.sampling.problems
    caution = (f"Do not rely on these figures: {'; '.join(problems)}.",) if problems else ()
    return (*caution, *(_sentence(sizing, pool) for pool in sizing.pools))


def _sentence(sizing: Sizing, pool: PoolSizing) -> str:
    where = f"pool {pool.pool}" if len(sizing.pools) > 1 else "the venue"
    start = f"Over {duration(sizing.horizon_s)} of this scenario {where}"
    if pool.fund is None:
        unpaid = percent_estimate(pool.events["unpaid"])
        return f"{start} has neither fund nor vault to size; with probability {unpaid} a loss is left unpaid."
    return f"{start} {_needed(sizing, pool.fund)} {_current(pool.fund)}"


def _needed(sizing: Sizing, fund: FundSizing) -> str:
    """What the accepted depletion probability asks for."""
    target, size = fund.target, fund.target.size
    accepted = f"{level(target.depletion)} ({odds(target.depletion)})"
    if size.value is None:
        first, sound = first_and_sound(size, target.depletion, sizing.paths)
        return (
            f"needs more paths before it can be given a {fund.noun} for a depletion probability of {accepted}: this "
            f"run has {sizing.paths:,}, {first:,} give a first number and {sound:,} a sound one."
        )
    if size.high == 0.0:
        return f"needs no {fund.noun} for a depletion probability of {accepted}: the interval ends at $0."
    confidence = level(size.confidence)
    bound = "" if target.upper is None else f"; with {confidence} confidence {money(target.upper)} is enough"
    caution = f" Caution: {size.note}." if size.note else ""
    return (
        f"needs a {fund.noun} of {money(size.value)} ({confidence} interval {money(size.low)} to {money(size.high)}) "
        f"to be depleted with a probability of {accepted}{bound}.{caution}"
    )


def _current(fund: FundSizing) -> str:
    """What the current fund is worth against the accepted probability."""
    if fund.current is None or fund.depleted is None:
        return f"The scenario's {fund.noun} is unlimited, so that it is never depleted."
    probability = percent_estimate(fund.depleted)
    current = f"The current {fund.noun} of {money(fund.current)}"
    return f"{current} is depleted with probability {probability}: {judgement(fund, fund.depleted)}."


def judgement(fund: FundSizing, depleted: Estimate) -> str:
    """Whether the current fund keeps to the accepted probability, as far as the interval of its depletion can tell."""
    accepted = fund.target.depletion
    if depleted.low is not None and depleted.low > accepted:
        return f"it is too small{_shortage(fund)}"
    if depleted.high is not None and depleted.high <= accepted:
        return "it is large enough"
    return "the run cannot tell whether that is enough; more paths can"


def _shortage(fund: FundSizing) -> str:
    """How much is missing to the point estimate."""
    size = fund.target.size.value
    if size is None or fund.current is None or size <= fund.current:
        return ""
    return f", {money(size - fund.current)} short"


def cards(sizing: Sizing) -> tuple[Card, ...]:
    """Four figures of the first pool with a fund, else of the first pool."""
    pool = next((pool for pool in sizing.pools if pool.fund is not None), sizing.pools[0])
    suffix = f", pool {pool.pool}" if len(sizing.pools) > 1 else ""
    figures = [] if pool.fund is None else _fund_cards(pool.fund, suffix)
    for name, label in (("adl", "Any auto-deleveraging"), ("unpaid", "Any unpaid loss")):
        event = pool.events[name]
        detail = f"{percent(event.low)} to {percent(event.high)}"
        figures.append(Card(f"{label}{suffix}", percent(event.value), detail))
    return tuple(figures)


def _fund_cards(fund: FundSizing, suffix: str) -> list[Card]:
    size = fund.target.size
    detail = "too few paths" if size.value is None else f"{money(size.low)} to {money(size.high)}"
    label = f"{fund.noun.capitalize()} needed for {level(fund.target.depletion)}{suffix}"
    needed = Card(label, money(size.value), detail)
    if fund.current is None or fund.depleted is None:
        return [needed, Card(f"Current {fund.noun}{suffix}", "unlimited", "never depleted")]
    depleted = f"depleted with {percent(fund.depleted.value)}"
    return [needed, Card(f"Current {fund.noun}{suffix}", money(fund.current), depleted)]
