"""What a published figure can be of: a registry of numbers that one replicate ends with."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stress.scenario.units import Dimension

Row = Mapping[str, float | None]


@dataclass(frozen=True)
class Outcome:
    """One replicate as its result tables tell it, by name of pool, layer and market."""

    pools: dict[str, Row]
    layers: dict[tuple[str, str], Row]
    markets: dict[str, Row]
    capital: dict[tuple[str, str], float]
    """Capital of the layers at the start."""
    price: dict[str, float]
    """First prices."""
    interest: dict[str, float]
    """Long open interest of the accounts at the first prices, in quote currency."""
    equity: float
    """Equity of all accounts at the first prices."""

    def total(self, column: str, pool: str | None) -> float:
        """Sum of a column of the pools, or that of one."""
        return sum(row[column] or 0.0 for name, row in self.pools.items() if pool in (None, name))

    def first(self, column: str, pool: str | None) -> float | None:
        """Least of a column of the pools that have one: the time of a first event."""
        known = [row[column] for name, row in self.pools.items() if pool in (None, name)]
        return min((value for value in known if value is not None), default=None)

    def layer(self, asked: Asked) -> tuple[float, Row] | None:
        """Capital and results of a layer: the named one, else the first with capital; None where there is none."""
        for (pool, name), row in self.layers.items():
            if asked.layer in (None, name) and asked.pool in (None, pool) and (pool, name) in self.capital:
                return self.capital[pool, name], row
        return None

    def markets_of(self, asked: Asked) -> list[str]:
        """Markets that a metric is of."""
        return [name for name in self.markets if asked.market in (None, name)]


@dataclass(frozen=True)
class Asked:
    """What a metric is of."""

    market: str | None = None
    layer: str | None = None
    pool: str | None = None


@dataclass(frozen=True)
class Metric:
    """A number of an outcome."""

    words: str
    dimension: Dimension
    sentence: str
    of: Callable[[Outcome, Asked], float | None]


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def _flow(column: str) -> Callable[[Outcome, Asked], float | None]:
    """A sum over pools, or over markets where one is asked for."""

    def read(out: Outcome, asked: Asked) -> float | None:
        return out.total(column, asked.pool) if asked.market is None else out.markets[asked.market][column]

    return read


def _pools(column: str) -> Callable[[Outcome, Asked], float | None]:
    return lambda out, asked: out.total(column, asked.pool)


def _forced(out: Outcome, asked: Asked) -> float:
    columns = ("liquidated_notional", "taken_over_notional", "adl_notional")
    return sum(out.total(column, asked.pool) for column in columns)


def _adl_share(out: Outcome, asked: Asked) -> float | None:
    return _ratio(out.total("adl_notional", asked.pool), _forced(out, asked))


def _adl_of_market(out: Outcome, asked: Asked) -> float | None:
    """Part of the deleveraging that was in a market."""
    whole = sum(row["adl_notional"] or 0.0 for row in out.markets.values())
    return _ratio(sum(out.markets[name]["adl_notional"] or 0.0 for name in out.markets_of(asked)), whole)


def _first_adl(out: Outcome, asked: Asked) -> float | None:
    adl, liquidation = out.first("first_adl_s", asked.pool), out.first("first_liquidation_s", asked.pool)
    return None if adl is None or liquidation is None else adl - liquidation


def _largest_share(out: Outcome, asked: Asked) -> float | None:
    """Share of the ten largest; over several pools that of the pool that deleveraged most."""
    rows = [row for name, row in out.pools.items() if asked.pool in (None, name) and row["adl_notional"]]
    if not rows:
        return None
    return max(rows, key=lambda row: row["adl_notional"] or 0.0)["adl_top10_share"]


def _profit(out: Outcome, asked: Asked) -> float | None:
    found = out.layer(asked)
    return None if found is None else (found[1]["equity_end"] or 0.0) - found[0]


def _loss(out: Outcome, asked: Asked) -> float | None:
    profit = _profit(out, asked)
    return None if profit is None else -profit


def _draw(out: Outcome, asked: Asked) -> float | None:
    found = out.layer(asked)
    return None if found is None else _ratio(found[0] - (found[1]["equity_end"] or 0.0), found[0])


def _draw_of_contracts(out: Outcome, asked: Asked) -> float | None:
    """A fund counted in the asset that margin is posted in loses nothing by keeping it."""
    found = out.layer(asked)
    if found is None:
        return None
    capital, row = found
    return _ratio(capital - (row["equity_end"] or 0.0) - (row["collateral_loss"] or 0.0), capital)


def _drawdown(out: Outcome, asked: Asked) -> float | None:
    found = out.layer(asked)
    return None if found is None else _ratio(found[1]["largest_fall"] or 0.0, found[0])


def _interest_units(out: Outcome, asked: Asked) -> float | None:
    """Markets together by their first prices."""
    names = out.markets_of(asked)
    end = sum(
        (out.markets[n]["open_interest_end"] or 0.0) * out.price[n] / (out.markets[n]["price_end"] or math.inf)
        for n in names
    )
    start = sum(out.interest[n] for n in names)
    return None if not start else 1.0 - end / start


def _interest_value(out: Outcome, asked: Asked) -> float | None:
    names = out.markets_of(asked)
    start = sum(out.interest[n] for n in names)
    return None if not start else 1.0 - sum(out.markets[n]["open_interest_end"] or 0.0 for n in names) / start


def _lowest(out: Outcome, asked: Asked) -> float | None:
    """Of several markets the deepest fall."""
    return max(1.0 - (out.markets[n]["price_low"] or 0.0) / out.price[n] for n in out.markets_of(asked))


def _equity_start(out: Outcome, asked: Asked) -> float:
    return out.equity


def _unpaid(out: Outcome, asked: Asked) -> float:
    return out.total("residual", asked.pool) + out.total("residual_open", asked.pool)


MONEY, FRACTION, SECONDS = Dimension.MONEY, Dimension.FRACTION, Dimension.DURATION

METRICS: dict[str, Metric] = {
    "forced_notional": Metric(
        "forced closing",
        MONEY,
        "Value of orders filled, positions taken over and positions closed by ADL, as a chain counts liquidations.",
        _forced,
    ),
    "liquidated_notional": Metric(
        "liquidated in the book", MONEY, "Value of liquidation orders filled.", _flow("liquidated_notional")
    ),
    "adl_notional": Metric(
        "auto-deleveraged", MONEY, "Value of winners' positions closed by ADL.", _flow("adl_notional")
    ),
    "adl_share": Metric("ADL over forced closing", FRACTION, "adl_notional over forced_notional.", _adl_share),
    "adl_in_market": Metric("part of ADL", FRACTION, "Part of the ADL that was in a market.", _adl_of_market),
    "adl_top10_share": Metric(
        "ten largest in ADL", FRACTION, "Share of the ADL that fell on the ten owners with most.", _largest_share
    ),
    "first_adl_after": Metric(
        "first ADL after first liquidation", SECONDS, "Time from the first liquidation to the first ADL.", _first_adl
    ),
    "bad_debt": Metric(
        "negative equity", MONEY, "Bad debt: negative equity that others came to bear.", _pools("bad_debt")
    ),
    "unpaid": Metric("paid by nobody", MONEY, "Losses written off or open at the end.", _unpaid),
    "layer_profit": Metric("profit", MONEY, "Equity of a layer at the end less its capital.", _profit),
    "layer_loss": Metric("loss", MONEY, "Capital of a layer less its equity at the end.", _loss),
    "fund_draw": Metric("drawn", FRACTION, "layer_loss as a share of the capital.", _draw),
    "fund_draw_of_contracts": Metric(
        "drawn by contracts",
        FRACTION,
        "fund_draw without what the collateral taken over has lost since: for funds counted in that collateral.",
        _draw_of_contracts,
    ),
    "fund_fall": Metric(
        "lowest on the way",
        FRACTION,
        "Largest fall of a layer's equity, inventory at the mark, over its capital.",
        _drawdown,
    ),
    "open_interest_fall": Metric(
        "open interest closed", FRACTION, "Fall of open interest in contracts.", _interest_units
    ),
    "open_interest_fall_value": Metric(
        "fall of open interest", FRACTION, "Fall of open interest in quote currency.", _interest_value
    ),
    "equity_start": Metric("equity at the start", MONEY, "Equity of all accounts at the start.", _equity_start),
    "price_fall": Metric(
        "lowest price", FRACTION, "Fall of the venue's own price from the start to its lowest.", _lowest
    ),
}
"""Every metric a crisis file may name."""


def read(out: Outcome, metric: str, market: str | None, layer: str | None, pool: str | None) -> float | None:
    """A metric of an outcome; None where there is no such number."""
    value = METRICS[metric].of(out, Asked(market, layer, pool))
    return None if value is None or not math.isfinite(value) else value
