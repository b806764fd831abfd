"""``tailstress calibrate`` as a user meets it: files, tables, fragments that extend, and mistakes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from stress.build.residuals import read_residuals
from stress.calibrate import Options, calibrate, fragment
from stress.calibrate.comparison import comparison
from stress.calibrate.estimators import ESTIMATORS
from stress.calibrate.estimators.garch import BURN_IN
from stress.cli import main
from stress.errors import MeaninglessInput
from stress.scenario import load_scenario
from tests import histories
from tests.histories import DAY, HOUR, write_bars
from tests.price_paths import Heston, Jump

HESTON = Heston(0.5, 60.0, 0.5, 7.0, -0.3)
NEWS = Jump(rate=150.0, mean=[-0.01], std=[0.04], probability=[1.0])
BASE = """
format: 1
name: mine
extends: [{fragment}]
run: {{paths: 10, horizon: 24h, step: 1m}}
markets:
{markets}
pools:
  main:
    book: {{synthetic: {{accounts: 10, seed: 1, open_interest: {{BTC: 1_000}}}}}}
    layers: [{{type: insurance_fund, capital: 1_000}}]
"""
MARKET = """  {name}:
    price: 100
    liquidity: {{type: power, depth: unlimited}}
    margin: {{tiers: [{{from: 0, maintenance: 1%}}]}}
"""


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred days of hours with jumps."""
    series = histories.heston_history(HESTON, 200, HOUR, 11, [NEWS])
    return write_bars(tmp_path_factory.mktemp("bars") / "BTC.csv", series)


def extended(folder: Path, file: Path, names: tuple[str, ...] = ("BTC",)) -> object:
    """The fragment under a scenario, read as a user's would be."""
    mine = folder / "mine.yaml"
    mine.write_text(BASE.format(fragment=file, markets="".join(MARKET.format(name=name) for name in names)))
    return load_scenario(mine).scenario


@pytest.mark.parametrize("model", [estimator.model for estimator in ESTIMATORS])
def test_every_model_gives_a_fragment_that_extends(model: str, bars: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["calibrate", str(bars), "--model", model, "-o", str(out), "--histories", "5"]
    assert main(arguments) == 0
    text = (out / "fragment.yaml").read_text()
    found = json.loads((out / "fit.json").read_text())["markets"]["BTC"]
    scenario = extended(tmp_path, out / "fragment.yaml")
    entry = yaml.safe_load(text)["markets"]["BTC"]["model"]
    assert scenario.markets["BTC"].model.type == entry["type"] == model  # type: ignore[attr-defined]
    assert "±" in text
    for name, estimate in found["parameters"].items():
        read = getattr(scenario.markets["BTC"].model, name, None)  # type: ignore[attr-defined]
        if isinstance(read, float) and estimate["standard_error"]:
            assert abs(read - estimate["value"]) <= 0.06 * estimate["standard_error"], name
    assert [round(one["horizon_s"]) for one in found["goodness"]] == [3600, 86_400]
    assert {f"{kind}-BTC.svg" for kind in ("quantiles", "tails", "clustering")} <= {f.name for f in out.iterdir()}


def test_residuals_are_there_for_filtered_historical_simulation(bars: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["calibrate", str(bars), "--model", "garch", "-o", str(out), "--histories", "0"]) == 0
    text = (out / "fragment.yaml").read_text().splitlines()
    kept = [line for line in text if "nu:" not in line]
    historical = [*kept, "      innovations: historical", "      file: residuals-BTC.csv"]
    (out / "historical.yaml").write_text("\n".join(historical) + "\n")
    scenario: Any = extended(tmp_path, out / "historical.yaml")
    residuals, note = read_residuals(scenario.markets["BTC"].model.file)
    assert note is None or "standardised" in note
    assert len(residuals) == 4_800 - BURN_IN
    # Their tails are those of the Student law that was fitted to them, and not of a normal one.
    assert np.mean(residuals**4) > 4.0


def test_several_markets_give_their_correlations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(3)
    common = rng.standard_normal((1, 24 * 200))
    shocks = 0.005 * (0.8 * common + 0.6 * rng.standard_normal((2, 24 * 200)))
    files = [
        write_bars(tmp_path / f"{name}.csv", histories.series_of(x, HOUR)) for name, x in zip("AB", shocks, strict=True)
    ]
    arguments = ["calibrate", *map(str, files), "--market", "BTC", "--market", "ETH", "--model", "gbm", "--json"]
    assert main([*arguments, "-o", str(tmp_path / "matrix"), "--histories", "0"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["correlation"]["prices"][0][1] == pytest.approx(0.64, abs=0.15)
    scenario = extended(tmp_path, tmp_path / "matrix" / "fragment.yaml", ("BTC", "ETH"))
    assert scenario.correlation.prices[0][1] == pytest.approx(found["correlation"]["prices"][0][1], abs=1e-3)  # type: ignore[attr-defined]
    assert main([*arguments, "-o", str(tmp_path / "factors"), "--histories", "0", "--factors"]) == 0
    scenario = extended(tmp_path, tmp_path / "factors" / "fragment.yaml", ("BTC", "ETH"))
    factors = scenario.correlation.factors  # type: ignore[attr-defined]
    assert factors.market["BTC"] * factors.market["ETH"] == pytest.approx(
        found["correlation"]["prices"][0][1], abs=0.01
    )


def test_common_jumps_are_a_source_of_the_fragment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two prices that are the same up to a scale jump together every time."""
    series = histories.heston_history(HESTON, 300, HOUR, 12, [NEWS])
    noise = 0.0005 * np.random.default_rng(4).standard_normal(len(series.value))
    files = [
        write_bars(tmp_path / "BTC.csv", series),
        write_bars(tmp_path / "ETH.csv", histories.series_of(1.2 * series.value + noise, HOUR, "ETH")),
    ]
    arguments = ["calibrate", *map(str, files), "--model", "bates", "-o", str(tmp_path / "out"), "--histories", "0"]
    assert main(arguments) == 0
    assert "common jumps: " in capsys.readouterr().out
    numbers = json.loads((tmp_path / "out" / "fit.json").read_text())
    scenario: Any = extended(tmp_path, tmp_path / "out" / "fragment.yaml", ("BTC", "ETH"))
    (source,) = scenario.jumps
    assert source.correlation > 0.9
    assert source.marks["ETH"].probability > 0.8
    for name in ("BTC", "ETH"):
        total = numbers["markets"][name]["parameters"]["jump_rate"]["value"]
        in_all = scenario.markets[name].model.jump_rate + source.rate * source.marks[name].probability
        assert in_all == pytest.approx(total, rel=0.01)


def test_the_table_says_what_was_found(bars: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", str(bars), "--model", "heston", "-o", str(tmp_path / "out"), "--histories", "5"]) == 0
    captured = capsys.readouterr()
    for words in (
        "BTC: 4,800 returns of 1h bars",
        "kappa",
        "standard error",
        "kurtosis",
        "Kolmogorov-Smirnov",
        "note:",
    ):
        assert words in captured.out, words
    assert captured.out.splitlines()[-1] == str(tmp_path / "out" / "fragment.yaml")
    assert "history" in captured.err


def test_same_prices_same_bytes(bars: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert main(["calibrate", str(bars), "--model", "gbm", "-o", str(tmp_path / name), "--histories", "5"]) == 0
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name


def test_a_full_folder_is_left_alone(bars: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    arguments = ["calibrate", str(bars), "--model", "gbm", "-o", str(tmp_path), "--histories", "0"]
    assert main(arguments) == 2
    assert "is not empty; --force" in capsys.readouterr().err
    assert main([*arguments, "--force"]) == 0
    assert (tmp_path / "mine.txt").read_text() == "keep"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "bates", "--to", "2020-01-20"], "returns; bates needs at least 1000"),
        (["--model", "heston", "--window", "7d"], "28 windows of 7d with prices; at least 60 are needed"),
        (["--model", "heston", "--every", "90m"], "bars of 1h do not make up 90m"),
        (["--model", "gbm", "--from", "2030-01-01"], "has 0 rows in the period"),
        (["--model", "gbm", "--market", "ETH", "--market", "BTC"], "no market 'ETH' in the prices"),
        (["--model", "gbm", "--window", "1x"], "expected a duration"),
        (["--model", "gbm", "--histories", "3"], "must be 0, or 5 and more"),
        (["--model", "hull-white"], "is not one of"),
    ],
)
def test_mistakes_end_with_2(
    arguments: list[str], words: str, bars: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", str(bars), *arguments, "-o", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert words in " ".join(error.split())
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists()


def test_every_market_that_cannot_be_fitted_is_named() -> None:
    short = [histories.series_of(np.full(20, 0.01), HOUR, name) for name in ("A", "B")]
    with pytest.raises(MeaninglessInput) as error:
        calibrate(short, "gbm")
    assert [problem.message.split(":")[0] for problem in error.value.problems] == ["market A", "market B"]


def test_a_history_from_the_model_is_not_told_from_it() -> None:
    """Distances, quantiles and facts of a normal law against histories of the same and of another law."""
    rng = np.random.default_rng(1)
    simulated = rng.standard_normal((20, 4_000))
    same = comparison(rng.standard_normal(4_000), simulated, DAY)
    assert same.distance < 1.5 * same.usual
    other = comparison(rng.standard_t(3, 4_000) / math.sqrt(3.0), simulated, DAY)
    assert other.distance > 2.0 * other.usual
    low, _, high = same.model
    assert ((same.quantile >= low) & (same.quantile <= high)).mean() > 0.6


def test_figures_are_as_exact_as_their_errors() -> None:
    series = histories.merton_history((0.5, 100.0, -0.01, 0.03), 3_000, HOUR, 1)
    text = fragment(calibrate([series], "merton", Options(histories=0)), caveats=["A caveat."])
    line = next(line for line in text.splitlines() if "volatility:" in line)
    value, error = line.split("volatility:")[1].split("# ±")
    digits = [len(text.strip().rstrip("%").partition(".")[2]) for text in (value, error)]
    assert digits[0] <= digits[1] <= 3
    assert "# A caveat." in text
