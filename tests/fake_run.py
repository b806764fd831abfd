"""Run folders with made-up heavy-tailed numbers, for the tests of sizing and report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stress import columns, store

Floats = NDArray[np.float64]

CHECKS = 288
STEP = 300.0
PROVENANCE = {"tool_version": "0.0.0", "scenario_digest": "5" * 64, "seed": "7"}


@dataclass(frozen=True)
class Fake:
    """What a made-up run looks like."""

    paths: int = 10_000
    markets: tuple[str, ...] = ("BTC", "ETH")
    pools: tuple[str, ...] = ("main",)
    capital: float = 25e6
    """Capital of each pool's fund; infinity for an unlimited fund, NaN for a pool without fund."""
    share: float = 0.05
    """Share of the paths with bad debt."""
    exponent: float = 2.2
    """Pareto exponent of the bad debt."""
    scale: float = 8e6
    seed: int = 7
    checks: tuple[dict[str, Any], ...] = ()
    """Rules of the scenario."""

    @property
    def has_fund(self) -> bool:
        """Whether the pools have a fund."""
        return not math.isnan(self.capital)


def write(folder: Path, fake: Fake) -> Path:
    """Write a complete run folder and return it."""
    rng = np.random.default_rng(fake.seed)
    severity = _severity(rng, fake)
    pools = {name: _pool(rng, severity, fake) for name in fake.pools}
    tables = {
        "paths": _stack("paths", {(name,): values for name, values in pools.items()}, fake.paths),
        "layers": _layers(pools, fake),
        "markets": _markets(rng, severity, fake),
        "owners": _owners(pools),
    }
    entry = store.write_part(folder, 0, 0, fake.paths, tables, PROVENANCE)
    worst = int(np.argmax(pools[fake.pools[0]]["bad_debt"]))
    singles = {
        "worst_pools": _worst_pools(pools, worst, fake),
        "worst_markets": _worst_markets(rng, worst, fake),
        "exceedance": _stack("exceedance", {("main", "bad_debt"): {}}, 1, path=False),
    }
    written = {
        name: store.write_table(folder / store.SINGLE_TABLES[name], table, PROVENANCE)
        for name, table in singles.items()
    }
    store.write_json(folder / store.RESOLVED, scenario(fake))
    store.write_json(folder / store.SUMMARY, {})
    store.write_json(folder / store.DICTIONARY, columns.dictionary())
    store.write_json(folder / store.MANIFEST, _manifest(fake, entry, written))
    return folder


def scenario(fake: Fake) -> dict[str, Any]:
    """Canonical scenario of the run."""
    return {
        "format": 1,
        "name": "made-up",
        "title": "A made-up crash",
        "description": "Numbers that **no** venue ever saw, for the tests of the report.\n\n- one\n- two",
        "assumptions": ["Depth is assumed 2x the quoted figure (range 1x to 4x).", "Books <b>do not</b> trade & wait."],
        "run": {
            "paths": fake.paths,
            "horizon": CHECKS * STEP,
            "step": STEP,
            "check_every": STEP,
            "seed": fake.seed,
            "max_rounds": 100,
        },
        "markets": {name: _market(k) for k, name in enumerate(fake.markets)},
        "correlation": None,
        "jumps": [],
        "shocks": [{"at": 21600.0, "market": fake.markets[0], "jump": -0.1, "depth": 0.05, "duration": 1200.0}],
        "pools": {name: {"book": {"accounts": "book.csv"}, **_rules(fake)} for name in fake.pools},
        "sizing": {"levels": [0.99, 0.999], "depletion": 0.001, "capital_cost": 0.05, "breach_cost": 10.0},
        "checks": list(fake.checks),
    }


def _market(number: int) -> dict[str, Any]:
    return {
        "instrument": "linear_perpetual",
        "price": 121_662.0 / (number + 1) ** 3,
        "model": {
            "type": "bates",
            "kappa": 12.0,
            "theta": 0.35,
            "xi": 2.5,
            "rho": -0.3,
            "v0": 0.3,
            "jump_rate": 20.0,
            "jump_mean": -0.02,
            "jump_std": 0.04,
            "drift": 0.0,
            "scheme": "auto",
        },
        "liquidity": {
            "type": "power",
            "depth": 60e6 / (number + 1),
            "at": 0.01,
            "exponent": 0.5,
            "half_life": 120.0,
            "permanent": 0.1,
            "drought": {"exponent": 1.5, "floor": 0.02, "cap": "none", "volatility": 0.6},
        },
        "margin": {"tiers": [{"from": 0.0, "maintenance": 0.0125}, {"from": 150e6, "maintenance": 0.025}]},
        "mark": {"type": "index"},
        "oracle": {"lag": 3.0, "heartbeat": 3.0, "deviation": 0.0},
    }


def _rules(fake: Fake) -> dict[str, Any]:
    layers: list[dict[str, Any]] = [
        {"type": "adl", "name": "adl", "rank": "hyperliquid", "price": "bankruptcy"},
        {"type": "socialise", "name": "socialise", "by": "session_profit"},
    ]
    if fake.has_fund:
        capital: float | str = "unlimited" if math.isinf(fake.capital) else fake.capital
        fund = {"type": "insurance_fund", "name": "fund", "capital": capital, "floor": 0.0, "partial": True}
        layers.insert(0, fund | {"unwind": {"type": "twap", "half_life": 600.0}})
    return {
        "liquidation": {
            "size": {"type": "full"},
            "limit": {"type": "bankruptcy"},
            "fee": 0.005,
            "fund_share": 1.0,
            "latency": 0.0,
            "capacity": "none",
            "takeover_when": "unfilled",
        },
        "layers": layers,
    }


def _severity(rng: np.random.Generator, fake: Fake) -> Floats:
    """How bad each path is: zero for most, Pareto for a share."""
    hit = rng.random(fake.paths) < fake.share
    return np.where(hit, rng.pareto(fake.exponent, fake.paths) + 1.0, 0.0)


def _pool(rng: np.random.Generator, severity: Floats, fake: Fake) -> dict[str, Floats]:
    """Numbers of one pool that obey the identities of a run."""
    debt = fake.scale * severity * rng.uniform(0.7, 1.3, severity.size)
    required = debt * rng.uniform(0.9, 1.6, severity.size)
    fund = np.minimum(debt, fake.capital if fake.has_fund else 0.0)
    adl = (debt - fund) * rng.uniform(0.6, 1.0, severity.size)
    adl = np.where(debt - fund - adl < 0.05 * fake.scale, debt - fund, adl)
    social = np.minimum(debt - fund - adl, 4.0 * fake.scale)
    declined = required > fake.capital
    absent = np.full(severity.size, np.nan)
    start = fake.capital if math.isfinite(fake.capital) else 0.0
    return {
        "breached_accounts": np.ceil(40 * severity),
        "liquidated_accounts": np.ceil(38 * severity),
        "liquidated_notional": 30.0 * debt,
        "taken_over_notional": 4.0 * fund,
        "bad_debt": debt,
        "required_fund": required if fake.has_fund else absent,
        "fund_low": start - np.minimum(required, start) if fake.has_fund else absent,
        "fund_end": start - fund if fake.has_fund else absent,
        "first_decline_s": np.where(declined, 30_000.0, np.nan),
        "adl_notional": 12.0 * adl,
        "adl_accounts": np.ceil(adl / 1e6),
        "adl_haircut": 1.4 * adl,
        "adl_paid": adl,
        **_payers(1.4 * adl + social),
        "socialised": social,
        "residual": debt - fund - adl - social,
        "fund_paid": fund,
        "first_liquidation_s": np.where(debt > 0, 24_000.0, np.nan),
        "first_adl_s": np.where(adl > 0, 30_300.0, np.nan),
        "rounds": np.ceil(severity),
    }


def _stack(table: str, rows: Mapping[tuple[str, ...], Mapping[str, Floats]], paths: int, path: bool = True) -> pa.Table:
    """Rows of each key combination interleaved in path order."""
    spec = columns.TABLES[table]
    names = [column.name for column in spec.values]
    block = np.zeros((paths, len(rows), len(names)))
    for r, values in enumerate(rows.values()):
        for k, name in enumerate(names):
            block[:, r, k] = values.get(name, 0.0)
    keys = [pa.array(np.repeat(np.arange(paths), len(rows)))] if path else []
    keys += [pa.array(list(words) * paths) for words in zip(*rows, strict=True)]
    return store.to_table(spec, keys, block.reshape(-1, len(names)))


def _layers(pools: Mapping[str, Mapping[str, Floats]], fake: Fake) -> pa.Table:
    rows: dict[tuple[str, ...], dict[str, Floats]] = {}
    for pool, values in pools.items():
        if fake.has_fund:
            rows[pool, "fund", "insurance_fund"] = {"paid": values["fund_paid"], "equity_low": values["fund_low"]}
        rows[pool, "adl", "adl"] = {"paid": values["adl_paid"]}
        rows[pool, "socialise", "socialise"] = {"paid": values["socialised"]}
    return _stack("layers", rows, fake.paths)


def _payers(paid: Floats) -> dict[str, Floats]:
    """Concentration that falls with what is paid."""
    top = 0.2 + 0.6 / (1.0 + paid / 1e6)
    shares = {
        "paid_top1_share": 0.4 * top,
        "paid_top10_share": top,
        "paid_top100_share": 0.5 + 0.5 * top,
        "paid_gini": 0.9 * top,
        "paid_gini_all": 0.5 + 0.5 * top,
    }
    nulls = {name: np.where(paid > 0.0, share, np.nan) for name, share in shares.items()}
    return {"payers": np.ceil(paid / 1e5), "paid_by_owners": paid, **nulls}


def _owners(pools: Mapping[str, Mapping[str, Floats]]) -> pa.Table:
    """Two owners who cause and two who pay on every path with bad debt."""
    keys: list[list[Any]] = [[], [], [], [], []]
    rows = []
    for path in np.flatnonzero(next(iter(pools.values()))["bad_debt"]).tolist():
        for pool, values in pools.items():
            debt, paid = values["bad_debt"][path], values["paid_by_owners"][path]
            caused = [("big", 0.6 * debt), ("small", 0.2 * debt)]
            payments = [("maker", 0.5 * paid), ("winner", 0.1 * paid)] if paid > 0.0 else []
            for role, listed in (("caused", caused), ("paid", payments)):
                for place, (owner, amount) in enumerate(listed, 1):
                    for column, value in zip(keys, (path, pool, role, place, owner), strict=True):
                        column.append(value)
                    rows.append([amount, 0.0, amount, 0.0, 0.0])
    return store.to_table(columns.OWNERS, [pa.array(column) for column in keys], np.array(rows).reshape(-1, 5))


def _markets(rng: np.random.Generator, severity: Floats, fake: Fake) -> pa.Table:
    rows: dict[tuple[str, ...], dict[str, Floats]] = {}
    for k, name in enumerate(fake.markets):
        price = _market(k)["price"]
        hit = severity * (rng.random(severity.size) < 1.0 / (k + 1))
        rows[(name,)] = {
            "price_low": price / (1.05 + 0.1 * severity),
            "price_high": np.full(severity.size, 1.02 * price),
            "price_end": price / (1.02 + 0.08 * severity),
            "largest_displacement": -0.01 * hit,
            "liquidated_notional": 30.0 * fake.scale * hit / len(fake.markets),
            "adl_notional": np.where(hit > 3.0, 10.0 * fake.scale * hit / len(fake.markets), 0.0),
            "adl_units": np.where(hit > 3.0, -1.0, 0.0),
            "adl_fill_value": np.where(hit > 3.0, -9.0, 0.0),
            "open_interest_end": np.full(severity.size, 1e9),
        }
    return _stack("markets", rows, fake.paths)


def _worst_pools(pools: Mapping[str, Mapping[str, Floats]], worst: int, fake: Fake) -> pa.Table:
    ramp = np.clip((np.arange(CHECKS + 1) - 80.0) / 60.0, 0.0, 1.0) ** 2
    rows = []
    for values in pools.values():
        start = fake.capital if math.isfinite(fake.capital) else 0.0
        block = {name: ramp * values[name][worst] for name in ("liquidated_notional", "bad_debt", "socialised")}
        block["residual"] = ramp**4 * values["residual"][worst]
        block["adl_notional"] = np.clip(2 * ramp - 1.0, 0.0, 1.0) * values["adl_notional"][worst]
        block["fund_equity"] = start - ramp * values["fund_paid"][worst] if fake.has_fund else np.nan * ramp
        rows.append(block)
    return _traces("worst_pools", list(pools), rows, worst)


def _worst_markets(rng: np.random.Generator, worst: int, fake: Fake) -> pa.Table:
    rows = []
    for k in range(len(fake.markets)):
        walk = np.cumsum(rng.normal(0.0, 0.002, CHECKS + 1))
        crash = -0.3 * np.clip((np.arange(CHECKS + 1) - 80.0) / 60.0, 0.0, 1.0)
        price = _market(k)["price"] * np.exp(walk - walk[0] + crash)
        rows.append(
            {
                "fundamental": price,
                "price": price * (1.0 + 0.1 * np.gradient(crash)),
                "mark": price,
                "depth": np.full(CHECKS + 1, 500.0),
                "open_interest": 1.5e9 * np.exp(2.0 * crash),
            }
        )
    return _traces("worst_markets", list(fake.markets), rows, worst)


def _traces(table: str, names: Sequence[str], rows: Sequence[Mapping[str, Floats]], worst: int) -> pa.Table:
    """Step records of the worst path."""
    spec = columns.TABLES[table]
    values = [column.name for column in spec.values]
    steps = CHECKS + 1
    block = np.array([[row.get(name, np.zeros(steps)) for name in values] for row in rows]).transpose(0, 2, 1)
    keys = [
        pa.array(np.full(steps * len(names), worst)),
        pa.array(["worst"] * (steps * len(names))),
        pa.array(np.repeat(names, steps).tolist()),
        pa.array(np.tile(np.arange(steps), len(names))),
        pa.array(np.tile(np.arange(steps) * STEP, len(names))),
    ]
    return store.to_table(spec, keys, block.reshape(-1, len(values)))


def _manifest(fake: Fake, entry: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "format": store.FORMAT,
        "complete": True,
        "tool_version": "0.0.0",
        "scenario_name": "made-up",
        "scenario_digest": "5" * 64,
        "scenario_sections": {"run": "1" * 64, "pools.main": "2" * 64},
        "stream_layout": 1,
        "kernel_digest": "6" * 64,
        "seed": fake.seed,
        "paths": fake.paths,
        "step_s": STEP,
        "check_every_s": STEP,
        "horizon_s": CHECKS * STEP,
        "parts": [entry],
        "tables": written,
        "content_hash": store.combined_hash([entry], written),
        "platform": {"python": "3.11.2", "numba": "0.68.1", "cpu_features": ["avx2", "fma"]},
        "environment": {"numpy": "2.4.0", "numba": "0.68.1"},
        "sizing_identity": fake.capital != 0.0,
        "command": f"tailstress run made-up --seed {fake.seed} --paths {fake.paths}",
        "book": {
            "accounts": 2000,
            "positions": 2600,
            "open_interest": {name: 1.5e9 / (k + 1) for k, name in enumerate(fake.markets)},
            "owners": 1900,
            "long": {name: 1.5e9 / (k + 1) for k, name in enumerate(fake.markets)},
            "short": {name: 1.5e9 / (k + 1) for k, name in enumerate(fake.markets)},
            "top1_share": 0.041,
            "top10_share": 0.217,
            "in_breach_at_start": {"accounts": 3, "notional": 4.1e6, "worst": -1.2e5},
        },
        "pools": list(fake.pools),
        "layers": [
            {"pool": pool, "name": layer["name"], "kind": layer["type"]}
            for pool in fake.pools
            for layer in _rules(fake)["layers"]
        ],
        "markets": list(fake.markets),
    }
