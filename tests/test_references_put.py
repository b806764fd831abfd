"""Bad debt of single long positions against option prices of QuantLib: scenario file, book, prices, cascade, store.

One long of 1 unit with a wallet of C, maintenance 0, one check at the end, an endless book: what the account cannot pay
is the payoff of a put with strike S0 - C (MODEL 13). One pool per wallet, so that one run prices a row of strikes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import QuantLib as ql
from numpy.typing import NDArray
from scipy.stats import binom, norm

import stress
from stress.build import build
from stress.engine import run
from stress.scenario import load_scenario

Floats = NDArray[np.float64]

SPOT, DAYS, PATHS = 100.0, 30, 20_000
WALLETS = (2.0, 10.0, 25.0)
GBM = {"volatility": 0.8}
HESTON = {"kappa": 5.7, "theta": 0.6, "xi": 1.8, "rho": -0.4, "v0": 0.9}
JUMPS = {"jump_rate": 12.0, "jump_mean": -0.05, "jump_std": 0.08}
MODELS = {"gbm": GBM, "heston": HESTON, "bates": HESTON | JUMPS}

RunOf = Callable[[str], stress.Run]
EVERY_MODEL = pytest.mark.parametrize("model", MODELS)


def write_scenario(folder: Path, model: str) -> Path:
    """Scenario and books of one long per pool."""
    pools = []
    for wallet in WALLETS:
        name = f"p{wallet:.0f}"
        (folder / f"{name}.csv").write_text("account,market,quantity,entry_price\nlong,ASSET,1,100\n")
        (folder / f"{name}-balances.csv").write_text(f"account,asset,amount\nlong,USD,{wallet}\n")
        pools.append(
            f"  {name}:\n"
            f"    book: {{accounts: {name}.csv, balances: {name}-balances.csv}}\n"
            "    liquidation: {size: full, limit: none, fee: 0bp}\n"
            "    layers: []\n"
        )
    parameters = "".join(f", {name}: {value}" for name, value in MODELS[model].items())
    text = (
        f"format: 1\nname: put-{model}\n"
        f"run: {{paths: {PATHS}, horizon: {DAYS}d, step: 6h, check_every: {DAYS}d, seed: 20}}\n"
        f"markets:\n  ASSET:\n    price: {SPOT}\n    model: {{type: {model}{parameters}}}\n"
        "    liquidity: {type: power, depth: unlimited}\n"
        "    margin: {tiers: [{from: 0, maintenance: 0%}]}\n"
        "pools:\n" + "".join(pools)
    )
    file = folder / f"put-{model}.yaml"
    file.write_text(text)
    return file


@pytest.fixture(scope="module")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> RunOf:
    """The run of each model's scenario, made when first asked for."""

    @cache
    def make(model: str) -> stress.Run:
        folder = tmp_path_factory.mktemp(model)
        run(build(load_scenario(write_scenario(folder, model))), folder / "run")
        return stress.load(folder / "run")

    return make


def debts(result: stress.Run) -> dict[float, Floats]:
    """Bad debt of every path by wallet."""
    by_pool = result.paths.sort_values("path").groupby("pool")["bad_debt"]
    return {wallet: by_pool.get_group(f"p{wallet:.0f}").to_numpy() for wallet in WALLETS}


def put(model: str, strike: float) -> float:
    """European put without interest: Black-Scholes, Heston (1993) or Bates (1996), by QuantLib."""
    today = ql.Date(1, 1, 2025)
    ql.Settings.instance().evaluationDate = today
    counter = ql.Actual365Fixed()
    zero = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, counter))
    spot = ql.QuoteHandle(ql.SimpleQuote(SPOT))
    given = MODELS[model]
    if model == "gbm":
        smile = ql.BlackVolTermStructureHandle(
            ql.BlackConstantVol(today, ql.NullCalendar(), GBM["volatility"], counter)
        )
        engine = ql.AnalyticEuropeanEngine(ql.BlackScholesMertonProcess(spot, zero, zero, smile))
    else:
        names = ("v0", "kappa", "theta", "xi", "rho")
        heston = [zero, zero, spot, *(given[name] for name in names)]
        if model == "heston":
            engine = ql.AnalyticHestonEngine(ql.HestonModel(ql.HestonProcess(*heston)), 192)
        else:
            process = ql.BatesProcess(*heston, *(JUMPS[name] for name in ("jump_rate", "jump_mean", "jump_std")))
            engine = ql.BatesEngine(ql.BatesModel(process), 192)
    option = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Put, strike), ql.EuropeanExercise(today + DAYS))
    option.setPricingEngine(engine)
    return float(option.NPV())


@EVERY_MODEL
def test_mean_bad_debt_is_the_price_of_a_put(run_of: RunOf, model: str) -> None:
    for wallet, debt in debts(run_of(model)).items():
        error = float(debt.std(ddof=1)) / math.sqrt(PATHS)
        assert abs(debt.mean() - put(model, SPOT - wallet)) < 3.0 * error, wallet
        assert (debt > 0.0).sum() >= 100, "too few paths in the money to say anything"


@EVERY_MODEL
def test_bad_debt_of_every_path_is_the_payoff(run_of: RunOf, model: str) -> None:
    result = run_of(model)
    end = result.markets.sort_values("path")["price_end"].to_numpy()
    for wallet, debt in debts(result).items():
        np.testing.assert_allclose(debt, np.maximum(SPOT - wallet - end, 0.0), rtol=1e-12, atol=1e-9)


@EVERY_MODEL
def test_quantiles_of_bad_debt_are_those_of_the_price(run_of: RunOf, model: str) -> None:
    """A quantile of the payoff is the payoff of the opposite quantile of the price."""
    result = run_of(model)
    end = np.sort(result.markets["price_end"].to_numpy())
    for wallet, debt in debts(result).items():
        ordered = np.sort(debt)
        for level in (0.5, 0.95, 0.99, 0.999):
            rank = math.ceil(level * PATHS) - 1
            expected = max(SPOT - wallet - end[PATHS - 1 - rank], 0.0)
            assert ordered[rank] == pytest.approx(expected, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("level", [0.95, 0.99, 0.999])
def test_quantiles_under_gbm_are_lognormal(run_of: RunOf, level: float) -> None:
    """The closed form lies between the order statistics that bracket it with 99.9 % confidence."""
    spread = GBM["volatility"] * math.sqrt(DAYS / 365.0)
    quantile = SPOT * math.exp(norm.ppf(1.0 - level) * spread - spread**2 / 2.0)
    low, high = (int(rank) for rank in binom.ppf([0.0005, 0.9995], PATHS, level))
    for wallet, debt in debts(run_of("gbm")).items():
        ordered = np.sort(debt)
        assert ordered[low - 1] <= SPOT - wallet - quantile <= ordered[high]
