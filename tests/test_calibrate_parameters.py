"""Built-in parameter sets: each extends a scenario, keeps its price a martingale, and is what its data give."""

from __future__ import annotations

import math
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from stress.build.prices import models_of
from stress.build.venue import clock_of
from stress.cli import main
from stress.kernels.paths import simulate
from stress.scenario import load_scenario
from stress.scenario.builtin import built_ins, find_built_in, parameter_sets

SETS = parameter_sets()
REST = {
    "price": 100,
    "liquidity": {"type": "power", "depth": "unlimited"},
    "margin": {"tiers": [{"from": 0, "maintenance": "1%"}]},
}
Make = Callable[..., Any]


@pytest.fixture(scope="module")
def made(root: Path) -> dict[str, Any]:
    """Functions of the script that wrote the sets."""
    return runpy.run_path(str(root / "docs" / "calibration.py"))


def markets_of(path: Path) -> list[str]:
    """Markets that a set speaks of, those of what it extends too."""
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    names = [name for base in tree.get("extends", []) for name in markets_of(path.parent / base)]
    return list(dict.fromkeys([*names, *tree.get("markets", {})]))


def extended(name: str, folder: Path) -> Any:
    """A scenario of the set's markets."""
    path = find_built_in(f"parameters/{name}.yaml")
    assert path is not None
    names = markets_of(path)
    book = {"synthetic": {"accounts": 10, "seed": 1, "open_interest": {names[0]: 1_000}}}
    tree = {
        "format": 1,
        "name": "mine",
        "extends": [f"parameters/{name}.yaml"],
        "run": {"paths": 10, "horizon": "24h", "step": "10m", "check_every": "24h"},
        "markets": {market: dict(REST) for market in names},
        "pools": {"main": {"book": book, "layers": [{"type": "insurance_fund", "capital": 1_000}]}},
    }
    file = folder / "mine.yaml"
    file.write_text(yaml.safe_dump(tree, sort_keys=False))
    return load_scenario(file)


def test_there_are_sets_of_every_asset() -> None:
    names = {known.name for known in SETS}
    for asset in ("btc", "eth", "sol", "altcoin"):
        assert {asset, f"{asset}-heston", f"{asset}-bates", f"{asset}-garch"} <= names
    assert not names & {known.name for known in built_ins()}


@pytest.mark.parametrize("known", SETS, ids=lambda known: known.name)
def test_every_set_extends_a_scenario_and_is_a_martingale(known: Any, tmp_path: Path) -> None:
    loaded = extended(known.name, tmp_path)
    scenario = loaded.scenario
    clock = clock_of(scenario)
    models, _ = models_of(scenario, clock, loaded.locate)
    log_price, variance = (np.empty((4_000, clock.checks + 1, len(scenario.markets))) for _ in range(2))
    simulate(models, clock, 7, 0, log_price, variance)
    for m, (name, market) in enumerate(scenario.markets.items()):
        growth = np.expm1(log_price[:, -1, m] - log_price[:, 0, m])
        assert abs(growth.mean()) < 4.0 * growth.std() / math.sqrt(len(growth)), name
        assert 0.2 < growth.std() * math.sqrt(365.0) < 3.0, name
        assert (
            market.model.type in known.name
            or known.name == "altcoin"
            or "-" not in known.name
            or "btc-eth" in known.name
        )


@pytest.mark.parametrize("known", SETS, ids=lambda known: known.name)
def test_every_set_says_where_it_is_from(known: Any) -> None:
    text = known.path.read_text(encoding="utf-8")
    remarks = [line for line in text.splitlines() if line.startswith("#")]
    assert remarks
    assert yaml.safe_load(text)["title"]
    if "extends" not in text:
        words = " ".join(remarks)
        assert any(source in words for source in ("Source:", "returns of", "hourly bars of"))
        assert "20" in words


def test_the_sets_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios", "--parameters"]) == 0
    listed = capsys.readouterr().out
    assert all(f"parameters/{known.name}.yaml" in listed for known in SETS)
    assert main(["scenarios"]) == 0
    captured = capsys.readouterr()
    assert "parameters/" not in captured.out
    assert "--parameters" in captured.err


def test_a_set_is_found_by_its_path_alone() -> None:
    assert find_built_in("parameters/btc.yaml") == find_built_in("parameters/btc")
    assert find_built_in("btc") is None


def test_published_sets_are_those_of_the_script(made: dict[str, Any]) -> None:
    for one in made["PUBLISHED"]:
        path = find_built_in(f"parameters/{one.name}.yaml")
        assert path is not None
        assert path.read_text(encoding="utf-8") == made["published"](one)


def test_published_figures_are_those_collected(shared: Path, made: dict[str, Any]) -> None:
    """Three digits of the medians of Heston's parameters, and of the means of SVCJ's."""
    rows = (shared / "references" / "crypto_params.csv").read_text(encoding="utf-8")
    for one in made["PUBLISHED"][:2]:
        model = yaml.safe_load(one.model)
        for key in ("kappa", "theta", "rho", "v0"):
            found = [float(text.split()[0]) for text in rows.split(f"{key}=")[1:] if _is_number(text.split()[0])]
            assert any(f"{value:.3g}" == f"{model[key]:.3g}" for value in found), (one.name, key)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("market", "model"), [("BTC", "bates"), ("BTC", "garch"), ("ETH", "heston"), ("SOL", "regime")]
)
def test_a_set_is_what_the_data_give(market: str, model: str, shared: Path, made: dict[str, Any]) -> None:
    """Optimisers may stop elsewhere on another machine: every figure within a tenth of its error or 1 %."""
    prices = shared / "data" / "prices"
    files = (f"{name}usdt_1h_binance_spot.parquet" for name in ("btc", "eth"))
    data = made["read"](*(prices / file for file in files), prices / "binance_28coins_1h_2020-10_2024-06.parquet")
    path = find_built_in(f"parameters/{market.lower()}-{model}.yaml")
    assert path is not None
    written = yaml.safe_load(path.read_text(encoding="utf-8"))["markets"][market]["model"]
    (found,) = made["fitted"](data.of(market), model).markets
    for key, estimate in found.fit.estimates.items():
        name, _, inner = key.partition(".")
        value = written[name] if not inner else written[name][int(inner.split(".")[0])][inner.split(".")[1]]
        if key == "v0" or key.endswith("duration"):
            continue
        number = float(value.rstrip("%")) / 100.0 if isinstance(value, str) else value
        assert number == pytest.approx(estimate.value, rel=0.01, abs=0.1 * (estimate.error or 0.0)), key
