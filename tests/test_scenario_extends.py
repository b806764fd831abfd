"""Scenarios on top of others, and values put over them on the command line."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from stress.errors import InvalidInput, MalformedInput, MeaninglessInput
from stress.scenario import Loaded, load_scenario
from tests.scenario_text import REFERENCE, line_of, write

HEAD = "format: 1\nname: top\n"


def on_top(folder: Path, text: str) -> Loaded:
    write(folder, REFERENCE, "base.yaml")
    return load_scenario(write(folder, HEAD + "extends: [base.yaml]\n" + text, "top.yaml"))


def refused(folder: Path, text: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        load_scenario(write(folder, text, "top.yaml"))
    return caught.value


def test_maps_merge_deep_and_lists_and_scalars_replace(tmp_path: Path) -> None:
    text = (
        "markets:\n  BTC:\n    price: 5\n    margin: {tiers: [{from: 0, maintenance: 3%}]}\nsizing: {levels: [90%]}\n"
    )
    scenario = on_top(tmp_path, text).scenario
    assert scenario.name == "top"
    assert scenario.title == ""
    assert scenario.assumptions == ("Depth is assumed 2x (range 1x-4x).",)
    assert list(scenario.markets) == ["BTC", "ETH"]
    btc = scenario.markets["BTC"]
    assert (btc.price, btc.model.type, len(btc.margin.tiers)) == (5.0, "bates", 1)
    assert (scenario.sizing.levels, scenario.sizing.depletion) == ((0.9,), 0.001)


def test_another_type_replaces_the_whole_map(tmp_path: Path) -> None:
    scenario = on_top(tmp_path, "markets: {BTC: {model: {type: gbm, volatility: 50%}}}\n").scenario
    assert scenario.markets["BTC"].model.model_dump() == {"type": "gbm", "volatility": 0.5, "drift": 0.0}


def test_the_same_type_merges(tmp_path: Path) -> None:
    model = on_top(tmp_path, "markets: {BTC: {model: {type: bates, theta: 0.5}}}\n").scenario.markets["BTC"].model
    assert (model.theta, model.kappa) == (0.5, 12.0)  # type: ignore[union-attr]


def test_an_empty_value_drops_what_is_inherited(tmp_path: Path) -> None:
    scenario = on_top(tmp_path, "correlation: ~\nmarkets: {BTC: {liquidity: {drought: }}}\n").scenario
    assert scenario.correlation is None
    assert scenario.markets["BTC"].liquidity.drought is None


def test_later_bases_lie_over_earlier_ones(tmp_path: Path) -> None:
    write(tmp_path, REFERENCE, "a.yaml")
    write(tmp_path, "run: {seed: 1, paths: 2}\n", "b.yaml")
    write(tmp_path, "run: {seed: 3}\n", "sub/c.yaml")
    file = write(tmp_path, HEAD + "extends: [a.yaml, b.yaml, sub/c.yaml]\nrun: {max_rounds: 7}\n")
    loaded = load_scenario(file)
    run = loaded.scenario.run
    assert (run.seed, run.paths, run.max_rounds, run.horizon) == (3, 2, 7, 86_400.0)
    assert [path.name for path in loaded.files] == ["scenario.yaml", "a.yaml", "b.yaml", "c.yaml"]


def test_chains_are_relative_to_each_file(tmp_path: Path) -> None:
    write(tmp_path, REFERENCE, "base.yaml")
    write(tmp_path, "extends: ../base.yaml\nrun: {seed: 5}\n", "sub/middle.yaml")
    file = write(tmp_path, HEAD + "extends: sub/middle.yaml\n")
    assert load_scenario(file).scenario.run.seed == 5


def test_tables_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    write(tmp_path, "x", "sub/positions.csv")
    write(tmp_path, "pools: {main: {book: {accounts: positions.csv, synthetic: ~}}}\n", "sub/own.yaml")
    write(tmp_path, REFERENCE, "base.yaml")
    book = load_scenario(write(tmp_path, HEAD + "extends: [base.yaml, sub/own.yaml]\n")).scenario.pools["main"].book
    assert book.accounts == (tmp_path / "sub" / "positions.csv").resolve()
    assert book.synthetic is None


def test_mistakes_are_placed_in_the_file_they_stand_in(tmp_path: Path) -> None:
    write(tmp_path, REFERENCE.replace("theta: 0.35", "theta: -1"), "base.yaml")
    text = HEAD + "extends: [base.yaml]\nmarkets:\n  ETH:\n    price: much\n"
    error = refused(tmp_path, text)
    places = [(Path(problem.file).name, problem.line, problem.path) for problem in error.problems]
    assert places == [
        ("base.yaml", line_of(REFERENCE, "theta: 0.35"), "markets.BTC.model.theta"),
        ("top.yaml", 6, "markets.ETH.price"),
    ]


def test_a_missing_key_is_placed_in_the_nearest_file(tmp_path: Path) -> None:
    write(tmp_path, REFERENCE, "base.yaml")
    problems = refused(tmp_path, HEAD + "extends: base.yaml\nmarkets:\n  SOL:\n    price: 100\n").problems
    places = {problem.path: (Path(problem.file).name, problem.line) for problem in problems}
    assert places["markets.SOL.margin"] == ("top.yaml", 5)
    assert places["correlation.prices"] == ("base.yaml", line_of(REFERENCE, "  prices: [["))


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("extends: [nowhere.yaml]\n", MeaninglessInput, "top.yaml:3:11: extends: 'nowhere.yaml' is neither a file nor"),
        ("extends: [venues/binanec.yaml]\n", MeaninglessInput, "did you mean 'venues/binance.yaml'?"),
        ("extends: [../secret/x.yaml]\n", MeaninglessInput, "is neither a file nor a built-in scenario"),
        ("extends: top.yaml\n", MeaninglessInput, "goes round in a circle: top.yaml -> top.yaml"),
        ("extends: [one.yaml]\n", MeaninglessInput, "goes round in a circle: one.yaml -> two.yaml -> one.yaml"),
        ("extends: {a: b}\n", MalformedInput, "extends: expected a file or a built-in scenario"),
        ("extends: [[a], b.yaml]\n", MalformedInput, "extends: expected a file or a built-in scenario"),
        ("extends: [list.yaml]\n", MalformedInput, "list.yaml:1:1: expected a map of keys and values"),
        ("extends: [broken.yaml]\n", MalformedInput, "broken.yaml:1:5: is not YAML"),
        ('extends: ["a\\0b"]\n', MeaninglessInput, "is neither a file nor a built-in scenario"),
    ],
)
def test_what_cannot_be_extended(tmp_path: Path, text: str, kind: type, message: str) -> None:
    write(tmp_path, "extends: two.yaml\n", "one.yaml")
    write(tmp_path, "extends: one.yaml\n", "two.yaml")
    write(tmp_path, "- a\n", "list.yaml")
    write(tmp_path, "a: b: c\n", "broken.yaml")
    error = refused(tmp_path, HEAD + text)
    assert type(error) is kind
    assert message in str(error)


def test_a_long_chain_is_refused(tmp_path: Path) -> None:
    for n in range(30):
        write(tmp_path, f"extends: f{n + 1}.yaml\n", f"f{n}.yaml")
    assert "goes more than 16 files deep" in str(refused(tmp_path, HEAD + "extends: f0.yaml\n"))


def test_a_file_that_many_extend_is_read_once(tmp_path: Path) -> None:
    """Without this, twelve files of eight entries each would be read 8^12 times."""
    write(tmp_path, REFERENCE, "f0.yaml")
    for n in range(12):
        write(tmp_path, f"extends: [{', '.join([f'f{n}.yaml'] * 8)}]\n", f"f{n + 1}.yaml")
    loaded = load_scenario(write(tmp_path, HEAD + "extends: f12.yaml\n"))
    assert len(loaded.files) == 14


def test_built_in_venues_can_be_extended(tmp_path: Path) -> None:
    loaded = load_scenario(write(tmp_path, HEAD + "extends: [venues/hyperliquid.yaml]\n"))
    assert loaded.scenario.name == "top"
    assert [path.name for path in loaded.files] == ["scenario.yaml", "hyperliquid.yaml"]


def override(folder: Path, *arguments: str, **more: int) -> Loaded:
    return load_scenario(write(folder, REFERENCE), arguments, **more)


def test_values_are_put_over_the_file(tmp_path: Path) -> None:
    loaded = override(
        tmp_path,
        "pools.main.layers.0.capital=1bn",
        "markets.BTC.model={type: gbm, volatility: 50%}",
        "run.horizon = 12h",
        "markets.ETH.oracle.lag=5s",
        "correlation=",
        "run.horizon=6h",
        paths=7,
        seed=8,
    )
    scenario = loaded.scenario
    assert scenario.pools["main"].layers[0].capital == 1e9  # type: ignore[union-attr]
    assert scenario.markets["BTC"].model.type == "gbm"
    assert scenario.markets["ETH"].oracle.lag == 5.0
    assert (scenario.run.horizon, scenario.run.paths, scenario.run.seed) == (21_600.0, 7, 8)
    assert scenario.correlation is None
    assert loaded.overrides[0] == "pools.main.layers.0.capital=1bn"
    assert loaded.locate("pools.main.layers.0.capital") == ("--set", None, None)


def test_unlimited_capital_by_override(tmp_path: Path) -> None:
    layer = override(tmp_path, "pools.main.layers.0.capital=unlimited").scenario.pools["main"].layers[0]
    assert math.isinf(layer.capital)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("run.paths", "--set: expected path=value such as run.paths=1000, got 'run.paths'"),
        ("=5", "--set: expected path=value"),
        ("run..paths=5", "--set: expected path=value"),
        ("run.pahts=5", "--set: run.pahts: unknown key 'pahts'; did you mean 'paths'?"),
        ("run.paths=many", "--set: run.paths: expected a whole number such as 10_000, got 'many'"),
        ("run.paths=0", "--set: run.paths: must be at least 1, got 0"),
        ("run.paths=[1", "--set: run.paths: is not YAML"),
        ("run.paths=a\x00", "--set: run.paths: holds the control character U+0000"),
        ("run.paths=\udcff", "--set: run.paths: holds the control character"),
        ("run.horizon=", "--set: run.horizon: is missing: length of a path"),
        ("run.paths.x=1", "--set: run.paths: expected a whole number such as 10_000, got a map"),
        ("pools.main.layers.4.capital=1", "'4' is not an entry of the list; its entries are 0 to 3"),
        ("pools.main.layers.x=1", "'x' is not an entry of the list"),
        ("pools.main.layers.-1=1", "'-1' is not an entry of the list"),
        ("assumptions={a: 1}", "--set: assumptions: expected a list, got a map"),
    ],
)
def test_mistakes_of_overrides(tmp_path: Path, argument: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        override(tmp_path, argument)
    assert message in str(caught.value)


def test_all_mistakes_of_overrides_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        override(tmp_path, "run.paths=x", "run.seed=y", paths=-3)
    assert [str(problem).split(": ")[0] for problem in caught.value.problems] == ["--paths", "--set"]


def test_tables_of_overrides_are_relative_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "x", "here/positions.csv")
    monkeypatch.chdir(tmp_path / "here")
    book = override(tmp_path, "pools.main.book={accounts: positions.csv}").scenario.pools["main"].book
    assert book.accounts == (tmp_path / "here" / "positions.csv").resolve()


def test_the_documented_example_is_sound(root: Path, tmp_path: Path) -> None:
    text = (root / "docs" / "scenario-file.md").read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in text.split("```yaml\n")[1:]]
    (example,) = [block for block in blocks if block.startswith("format: 1")]
    scenario = load_scenario(write(tmp_path, example)).scenario
    assert scenario.markets["BTC"].model.type == "gbm"
    assert scenario.markets["BTC"].liquidity.depth == 20e6
    assert scenario.markets["BTC"].liquidity.drought is None
