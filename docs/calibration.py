"""Write ``scenarios/parameters/`` and the tables of ``docs/calibration.md`` from price bars.

    python docs/calibration.py --btc BTC.parquet --eth ETH.parquet --coins COINS.parquet

BTC and ETH are hourly bars of one market each, COINS hourly bars of many with a column symbol. The published sets
at the end are figures of others and need no data.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stress.calibrate import Calibration, Options, Period, Series, calibrate, fragment, read_prices
from stress.calibrate.calibration import Calibrated
from stress.calibrate.correlation import Structure, structure
from stress.calibrate.fit import Fit
from stress.calibrate.fragment import FRACTIONS, comment
from stress.calibrate.simulate import average
from stress.calibrate.summary import measures, spread
from stress.calibrate.windows import DAY
from stress.scenario.units import Dimension, write

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "calibration.md"
FOLDER = ROOT / "scenarios" / "parameters"

SINCE_2018 = Period(1_514_764_800.0)
HOURLY = ("merton", "heston", "bates", "svcj", "regime")
ALT_MODELS = ("heston", "bates", "garch")
RECOMMENDED = "bates"
CORE = ("BTC", "ETH", "SOL")

COMMON = (
    "Estimated from past prices, which options would price otherwise; what the model misses is in docs/calibration.md.",
    "v0 is set to the mean variance: an average day. Set it to today's.",
)
CAVEATS = {
    "merton": (
        "Without stochastic volatility: fit for horizons of a bar to a day, not for clusters of volatile days.",
    ),
    "heston": ("Its tails are too thin: the largest moves of the data are jumps.",),
    "bates": ("Kurtosis and the memory of volatility beyond a week are under those of the data.",),
    "svcj": ("Variance jumps are weakly identified: prefer bates unless they matter.",),
    "garch": ("Fitted to daily bars: within a day the variance is constant.",),
    "regime": ("Normal within a state: tails come from switching alone and are too thin.",),
}


class Data(NamedTuple):
    """The bars that everything is made from."""

    btc: Series
    eth: Series
    coins: list[Series]

    def of(self, market: str) -> Series:
        """Bars of BTC, ETH or a coin."""
        own = {"BTC": self.btc, "ETH": self.eth}
        return own[market] if market in own else next(one for one in self.coins if one.market == market)


def read(btc: Path, eth: Path, coins: Path) -> Data:
    """Hourly bars; those of BTC and ETH from 2018 on."""
    (one,) = read_prices([btc], ["BTC"], SINCE_2018, skip_gaps=True)
    (other,) = read_prices([eth], ["ETH"], SINCE_2018, skip_gaps=True)
    return Data(one, other, read_prices([coins], skip_gaps=True))


def fitted(series: Series, model: str, histories: int = 0) -> Calibration:
    """A model of one market; GARCH on daily bars."""
    bars = series.every(DAY) if model == "garch" else series
    return calibrate([bars], model, Options(histories=histories))


def average_day(found: Calibration) -> Calibration:
    """The calibration with v0 at the mean variance instead of that at the end of the prices."""
    return replace(found, markets=tuple(replace(one, fit=averaged(one.fit)) for one in found.markets))


def averaged(fit: Fit) -> Fit:
    """The fit of an average day; as it is where nothing is said of the start."""
    if "v0" not in fit.entry:
        return fit
    estimates = {name: estimate for name, estimate in fit.estimates.items() if name != "v0"}
    notes = tuple(note for note in fit.notes if not note.startswith(("v0 is", "For filtered")))
    return replace(fit, entry=average(fit.entry), estimates=estimates, notes=notes)


def parameter_set(series: Series, model: str) -> str:
    """Text of a set calibrated to one market."""
    found = average_day(fitted(series, model))
    caveats = COMMON if "v0" in found.markets[0].fit.entry else COMMON[:1]
    return fragment(found, (*CAVEATS[model], *caveats))


def pointer(market: str) -> str:
    """Text of the recommended set of a market."""
    return text_of(
        f"{market}, the recommended model",
        [f"Other models: extend parameters/{market.lower()}-MODEL.yaml instead."],
        [f"extends: [{market.lower()}-{RECOMMENDED}.yaml]"],
    )


def text_of(title: str, remarks: Iterable[str], lines: Sequence[str]) -> str:
    """A parameter file."""
    head = [line for remark in remarks for line in comment(remark)]
    return "\n".join([*head, "format: 1", f"title: {title}", *lines]) + "\n"


def together(data: Data, markets: Sequence[str]) -> str:
    """Recommended models of several markets over the same years, their correlations and common jumps."""
    coins = [next(one for one in data.coins if one.market == market) for market in markets]
    series = [data.btc, data.eth] if tuple(markets) == CORE[:2] else coins
    found = average_day(calibrate(series, RECOMMENDED, Options(histories=0)))
    return fragment(found, (*CAVEATS[RECOMMENDED], *COMMON, "The scenario's markets must be in this order."))


def altcoin(data: Data, model: str) -> str:
    """Medians over all coins but BTC and ETH, with quartiles."""
    coins = [one for one in data.coins if one.market not in ("BTC", "ETH")]
    entries = [average_day(fitted(one, model)).markets[0].fit.entry for one in coins]
    names = ", ".join(one.market for one in coins)
    lines = ["markets:", "  ALT:", "    model:", f"      type: {model}"]
    for key, first in entries[0].items():
        if key == "type":
            continue
        if not isinstance(first, float):
            lines.append(f"      {key}: {first}")
            continue
        low, middle, high = np.quantile([entry[key] for entry in entries], [0.25, 0.5, 0.75])
        lines.append(f"      {key}: {digits(key, middle)}  # quartiles {digits(key, low)}, {digits(key, high)}")
    remarks = [
        f"A generic altcoin: median of {len(coins)} coins, hourly bars of perpetuals from October 2020 to June "
        f"2024: {names}.",
        "Medians key by key, of coins that survived: the coin that a venue delists tomorrow is worse. The quartiles "
        "are of the coins and not of an estimate.",
        *CAVEATS[model],
        *COMMON,
    ]
    return text_of(f"Generic altcoin as {model}, 2020-2024", remarks, lines)


def digits(key: str, value: float) -> str:
    """Three digits in the unit of a scenario."""
    return write(float(f"{value:.3g}"), Dimension.FRACTION if key in FRACTIONS else Dimension.NUMBER)


def factors(found: Structure) -> str:
    """BTC, ETH and a generic altcoin by common factors."""
    market = dict(zip(found.markets, found.loadings[0], strict=True))
    variance = dict(zip(found.markets, found.loadings[1], strict=True))
    rest = [name for name in found.markets if name not in ("BTC", "ETH")]
    rows = []
    for loading in (market, variance):
        own = {"BTC": loading["BTC"], "ETH": loading["ETH"], "ALT": float(np.median([loading[name] for name in rest]))}
        rows.append(", ".join(f"{name}: {value:.2f}" for name, value in own.items()))
    remarks = [
        f"Correlations by one common factor of prices and one of variances, fitted to {len(found.markets)} coins; ALT "
        "has the median loading. Give further altcoins the model and the loadings of ALT.",
        found.method,
        f"The factor misses single correlations of prices by up to {found.unexplained:.2f}.",
        "Jumps are each market's own here; real ones mostly strike together: see btc-eth.yaml.",
    ]
    lines = [
        "extends: [btc.yaml, eth.yaml, altcoin.yaml]",
        "correlation:",
        f"  factors: {{market: {{{rows[0]}}}, variance: {{{rows[1]}}}}}",
    ]
    return text_of("BTC, ETH and a generic altcoin with common factors, 2020-2024", remarks, lines)


class Published(NamedTuple):
    """A set of others."""

    name: str
    market: str
    title: str
    remarks: tuple[str, ...]
    model: str


MAHBUB = (
    "Source: N. Mahbub (2026), Pricing and Hedging Deribit Inverse Options under Affine SV Models with Jumps, "
    "thesis and its repository; {what} of 388 snapshots of Deribit options, 30 December 2025 to April 2026."
)
RISK_NEUTRAL = (
    "Implied by options: risk-neutral, with the premium that buyers of protection pay; the leverage (rho) is stronger "
    "than past prices show, the volatility of variance is lower.",
)
SAMPLER = (
    "Source: I. Perez (2018), QuantLet SVCJOptionApp, MSc thesis, HU Berlin, posterior means. The sampler works on "
    "daily returns times sqrt(250) and reports variances of volatility and jumps under the names of their deviations; "
    "converted here to variance per year and log jumps: read as they stand they are wrong by an order of magnitude.",
    "Prices of the first years of the market, more violent than later ones.",
)
PUBLISHED = (
    Published(
        "btc-heston-options",
        "BTC",
        "BTC as heston, implied by options, 2025-2026",
        (MAHBUB.format(what="medians"), "Quartiles: kappa 6.5-14.2, xi 1.9-2.9, rho -0.43 to -0.27.", *RISK_NEUTRAL),
        "{type: heston, kappa: 9.31, theta: 0.286, xi: 2.33, rho: -0.353, v0: 0.255}",
    ),
    Published(
        "eth-heston-options",
        "ETH",
        "ETH as heston, implied by options, 2025-2026",
        (MAHBUB.format(what="medians"), "Quartiles: kappa 13-34, xi 3.7-5.8, rho -0.25 to -0.18.", *RISK_NEUTRAL),
        "{type: heston, kappa: 19.9, theta: 0.501, xi: 4.49, rho: -0.217, v0: 0.479}",
    ),
    Published(
        "btc-svcj-options",
        "BTC",
        "BTC as svcj, implied by options, 2025-2026",
        (
            MAHBUB.format(what="means"),
            "ETH's set of the same source is left out: its jump_slope is at its bound in half of the snapshots.",
            *RISK_NEUTRAL,
        ),
        "{type: svcj, kappa: 18.3, theta: 0.105, xi: 1.14, rho: -0.503, v0: 0.234, jump_rate: 1.48, jump_mean: -15.5%, "
        "jump_std: 16.7%, variance_jump: 1.16, jump_slope: -0.026}",
    ),
    Published(
        "btc-svcj-2014",
        "BTC",
        "BTC as svcj, daily prices 2014-2018",
        SAMPLER,
        "{type: svcj, kappa: 24.1, theta: 0.136, xi: 2, rho: 0.008, v0: 0.136, jump_rate: 9.1, jump_mean: 0%, "
        "jump_std: 12.6%, variance_jump: 0.706, jump_slope: 0}",
    ),
    Published(
        "eth-svcj-2015",
        "ETH",
        "ETH as svcj, daily prices 2015-2018",
        SAMPLER,
        "{type: svcj, kappa: 34.3, theta: 0.309, xi: 3.42, rho: -0.018, v0: 0.309, jump_rate: 17.2, jump_mean: 0%, "
        "jump_std: 13.6%, variance_jump: 1.594, jump_slope: 0}",
    ),
)


def published(one: Published) -> str:
    """Text of a set of others."""
    return text_of(one.title, one.remarks, ["markets:", f"  {one.market}:", f"    model: {one.model}"])


def parameter_files(data: Data) -> dict[str, str]:
    """Name and text of every parameter file."""
    files = {}
    for market, models in (("BTC", (*HOURLY, "garch")), ("ETH", (*HOURLY, "garch")), ("SOL", (*ALT_MODELS, "regime"))):
        files[market.lower()] = pointer(market)
        files |= {f"{market.lower()}-{model}": parameter_set(data.of(market), model) for model in models}
    files["altcoin"] = pointer("altcoin").replace("altcoin,", "Generic altcoin,")
    files |= {f"altcoin-{model}": altcoin(data, model) for model in ALT_MODELS}
    files["btc-eth"] = together(data, CORE[:2])
    files["btc-eth-sol"] = together(data, CORE)
    files["btc-eth-alt"] = factors(structure(data.coins, DAY))
    return files | {one.name: published(one) for one in PUBLISHED}


def number(key: str, value: float) -> str:
    """A measure in two or three digits."""
    return f"{100.0 * value:.0f} %" if key == "volatility" else f"{value:.2f}" if abs(value) < 9.995 else f"{value:.0f}"


def table(found: Sequence[Calibrated], horizon: float) -> str:
    """Markdown of the data and the medians of all models for returns over one horizon."""
    columns = [next((c for c in one.comparisons if c.horizon == horizon), None) for one in found]
    first = next(column for column in columns if column is not None)
    kept = [(one.fit.model, column) for one, column in zip(found, columns, strict=True) if column is not None]
    rows = [f"| | data | {' | '.join(name for name, _ in kept)} |", "|---|---|" + "---|" * len(kept)]
    for key, words, measure in measures(first.data):
        data = measure(first.data)
        cells = []
        for _, column in kept:
            between = spread(column, measure)
            if data is None or between is None:
                cells.append("")
                continue
            star = "" if between[0] <= data <= between[2] else " *"
            cells.append(number(key, between[1]) + star)
        rows.append(f"| {words} | {'' if data is None else number(key, data)} | {' | '.join(cells)} |")
    cells = [f"{c.distance:.3f}{'' if c.distance <= c.usual else ' *'}" for _, c in kept]
    rows.append(f"| Kolmogorov-Smirnov distance | | {' | '.join(cells)} |")
    return "\n".join(rows)


def tables(data: Data) -> str:
    """The section of the page that the data make."""
    parts = []
    for series in (data.btc, data.eth):
        found = [fitted(series, model, 20).markets[0] for model in ("gbm", *HOURLY, "garch")]
        for horizon, words in ((3600.0, "an hour"), (DAY, "a day")):
            parts.append(f"{series.market}, returns of {words}:\n\n{table(found, horizon)}")
    return "\n\n".join(parts)


def replaced(page: str, mark: str, text: str) -> str:
    """The page with what stands between two marks replaced."""
    begin, end = f"<!-- {mark} -->\n", f"\n<!-- end of {mark} -->"
    return re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: begin + text + end, page, flags=re.DOTALL)


def main() -> None:
    """Calibrate and write."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    for name in ("btc", "eth", "coins"):
        arguments.add_argument(f"--{name}", type=Path, required=True)
    data = read(**vars(arguments.parse_args()))
    FOLDER.mkdir(exist_ok=True)
    for name, text in parameter_files(data).items():
        (FOLDER / f"{name}.yaml").write_text(text, encoding="utf-8")
    made = tables(data)
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(replaced(page, "tables by docs/calibration.py", made), encoding="utf-8")


if __name__ == "__main__":
    main()
