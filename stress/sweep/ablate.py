"""Rules that can be switched off: each alone, so that its effect is the difference to the scenario as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stress.sweep.cells import BASE, Cell, matches


@dataclass(frozen=True)
class Rule:
    """A rule and how it is switched off."""

    name: str
    path: str
    off: Any = None
    """Canonical value with which it does nothing; None takes it out of the scenario."""
    idle: tuple[Any, ...] = ()
    """Other canonical values with which it does nothing already."""


RULES: tuple[Rule, ...] = (
    Rule("drought of the book", "markets.*.liquidity.drought"),
    Rule("withdrawal of market makers", "markets.*.liquidity.makers"),
    Rule("permanent impact", "markets.*.liquidity.permanent", 0.0),
    Rule("mark away from the index", "markets.*.mark", {"type": "index"}),
    Rule("oracle lag and thresholds", "markets.*.oracle", None, ({}, {"lag": 0.0, "heartbeat": 0.0, "deviation": 0.0})),
    Rule("margin by volatility", "markets.*.margin.dynamic"),
    Rule("announced margin changes", "markets.*.margin.changes", None, ([],)),
    Rule("funding", "markets.*.funding"),
    Rule("collateral haircut", "markets.*.haircut", 0.0),
    Rule("correlation", "correlation"),
    Rule("common jumps", "jumps", None, ([],)),
    Rule("shocks", "shocks", None, ([],)),
    Rule("order size", "pools.*.liquidation.size", {"type": "full"}),
    Rule("order limit", "pools.*.liquidation.limit", {"type": "none"}),
    Rule("liquidation fee", "pools.*.liquidation.fee", 0.0),
    Rule("latency", "pools.*.liquidation.latency", 0.0),
    Rule("capacity of liquidators", "pools.*.liquidation.capacity", None, ("none",)),
    Rule("takeover before insolvency", "pools.*.liquidation.takeover_when", "insolvent"),
    Rule("answers to margin calls", "pools.*.margin_calls"),
    Rule("unwinding", "pools.*.layers.*.unwind"),
    Rule("hedging", "pools.*.layers.*.hedge"),
    Rule("stop rule", "pools.*.layers.*.stop"),
    Rule("inventory caps", "pools.*.layers.*.cap", None, ({},)),
    Rule("ADL of funds under their floor", "pools.*.layers.*.adl_below_floor", False),
)
"""Every optional rule, in the order of a step. Layers besides the first of a pool are switched off one by one too."""


def ablations(canonical: Mapping[str, Any]) -> list[Cell]:
    """The scenario itself, then one cell for every rule that is on in it, everywhere at once, and for every layer."""
    return [Cell(BASE, ()), *_rules(canonical), *_layers(canonical)]


def _rules(canonical: Mapping[str, Any]) -> Iterator[Cell]:
    for rule in RULES:
        on = [place for place, value in matches(rule.path, canonical) if not _idle(rule, value)]
        if on:
            yield _cell(f"without {rule.name}", [(place, rule.off) for place in on])


def _idle(rule: Rule, value: Any) -> bool:
    """Whether a canonical value does nothing; empty parts of it count as missing."""
    if isinstance(value, Mapping):
        value = {key: entry for key, entry in value.items() if entry not in ([], {})}
    return any(value == idle for idle in (rule.off, *rule.idle))


def _layers(canonical: Mapping[str, Any]) -> Iterator[Cell]:
    """One cell without each layer; the first of a pool stays, as it is the one that is sized."""
    pools = canonical["pools"]
    for name, pool in pools.items():
        layers = list(pool.get("layers") or ())
        for n, layer in enumerate(layers[1:], 1):
            left = [entry for k, entry in enumerate(layers) if k != n]
            where = f" of pool {name}" if len(pools) > 1 else ""
            yield _cell(f"without layer {layer['name']}{where}", [(f"pools.{name}.layers", left)])


def _cell(label: str, edits: Sequence[tuple[str, Any]]) -> Cell:
    return Cell(label, (("rule", label),), (), tuple(edits))
