"""What a scenario may say, and how it is told what it may not."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from stress.errors import InvalidInput, MalformedInput, MeaninglessInput, UsageError
from stress.scenario import Loaded, Scenario, built_ins, load_scenario
from stress.scenario.loading import _digest
from stress.scenario.writing import json_schema, to_yaml
from tests.scenario_text import REFERENCE, line_of, write


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    return load_scenario(write(tmp_path, REFERENCE))


def changed(old: str, new: str) -> str:
    assert REFERENCE.count(old) == 1, old
    return REFERENCE.replace(old, new)


def error_of(folder: Path, text: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        load_scenario(write(folder, text))
    return caught.value


def test_values_are_canonical(loaded: Loaded) -> None:
    scenario = loaded.scenario
    assert (scenario.run.horizon, scenario.run.step, scenario.run.paths) == (86_400.0, 60.0, 10_000)
    btc, eth = scenario.markets["BTC"], scenario.markets["ETH"]
    assert btc.model.type == "bates"
    assert btc.model.jump_mean == -0.02
    assert btc.liquidity.half_life == 120.0
    assert btc.liquidity.drought is not None
    assert math.isinf(btc.liquidity.drought.cap)
    assert [(tier.from_, tier.maintenance) for tier in btc.margin.tiers] == [(0.0, 0.0125), (150e6, 0.025)]
    assert (eth.mark.type, math.isinf(eth.liquidity.depth), eth.oracle.lag) == ("book", True, 0.0)
    pool = scenario.pools["main"]
    assert pool.book.synthetic is not None
    assert pool.book.synthetic.markets_per_account == {1: 0.7, 2: 0.3}
    assert (pool.liquidation.size.type, pool.liquidation.limit.type) == ("full", "bankruptcy")
    assert math.isinf(pool.liquidation.capacity)
    assert [layer.name for layer in pool.layers] == ["fund", "hlp", "adl", "socialise"]


def test_check_every_defaults_to_step(tmp_path: Path) -> None:
    run = load_scenario(write(tmp_path, changed("step: 1m, check_every: 1m", "step: 5m"))).scenario.run
    assert (run.check_every, run.checks, run.substeps) == (300.0, 288, 1)


def test_layers_are_named_after_their_type_and_numbered(tmp_path: Path) -> None:
    text = changed(
        "      - {type: adl, name: adl, rank: hyperliquid, price: bankruptcy}\n",
        "      - {type: adl, rank: profit}\n      - {type: adl, rank: bitmex}\n",
    )
    names = [layer.name for layer in load_scenario(write(tmp_path, text)).scenario.pools["main"].layers]
    assert names == ["fund", "hlp", "adl", "adl-2", "socialise"]


def test_places_of_values(loaded: Loaded) -> None:
    file = str(loaded.file)
    line = line_of(REFERENCE, "    price: 121_662")
    assert loaded.locate("markets.BTC.price") == (file, line, 12)
    assert loaded.locate(("pools", "main", "layers", 0, "capital"))[1] == line_of(REFERENCE, "capital: 25_000_000")
    assert loaded.locate("markets.ETH.oracle.lag")[1] == line_of(REFERENCE, "  ETH:\n")
    problem = loaded.problem("pools.main.layers.2", "is wrong")
    assert str(problem) == f"{file}:{line_of(REFERENCE, 'rank: hyperliquid')}:9: pools.main.layers.2: is wrong"


def test_everything_is_frozen(loaded: Loaded) -> None:
    with pytest.raises(ValueError, match="frozen"):
        loaded.scenario.run.paths = 3


def test_canonical_json_gives_the_same_scenario(loaded: Loaded, tmp_path: Path) -> None:
    text = json.dumps(loaded.canonical, allow_nan=False, ensure_ascii=False)
    again = load_scenario(write(tmp_path, text, "scenario.resolved.json"))
    assert again.scenario == loaded.scenario
    assert again.canonical == loaded.canonical
    assert again.digest == loaded.digest
    assert Scenario.model_validate(loaded.canonical) == loaded.scenario


def test_resolved_yaml_gives_the_same_scenario(loaded: Loaded, tmp_path: Path) -> None:
    text = to_yaml(loaded.scenario)
    assert "horizon: 1d" in text
    assert "capital: 25000000" in text
    again = load_scenario(write(tmp_path, text, "resolved.yaml"))
    assert again.canonical == loaded.canonical


def test_digest_follows_the_numbers_and_nothing_else(loaded: Loaded, tmp_path: Path) -> None:
    def digest(old: str, new: str) -> str:
        return load_scenario(write(tmp_path, changed(old, new))).digest

    assert digest("name: example", "name: other") == loaded.digest
    assert digest("One line", "Another line") == loaded.digest
    assert digest("price: 121_662", "price: 121662.0") == loaded.digest
    assert digest("fee: 50bp", "fee: 0.5%") == loaded.digest
    assert digest("      latency: 0s\n", "") == loaded.digest
    assert digest("fee: 50bp", "fee: 51bp") != loaded.digest
    assert digest("seed: 20251010", "seed: 1") != loaded.digest
    assert load_scenario(write(tmp_path, REFERENCE), seed=1).digest != loaded.digest


def test_digest_depends_on_the_order_of_markets_and_not_of_keys(loaded: Loaded) -> None:
    def turned(values: dict[str, Any]) -> dict[str, Any]:
        return dict(reversed(values.items()))

    canonical = loaded.canonical
    keys = turned(canonical | {"run": turned(canonical["run"])})
    assert _digest(keys, {}) == _digest(canonical, {})
    for part in ("markets", "pools"):
        changed = canonical | {part: turned(canonical[part] | {"other": {}})}
        assert _digest(changed, {}) != _digest(canonical | {part: canonical[part] | {"other": {}}}, {})


def test_digest_is_stable() -> None:
    minimal = next(known for known in built_ins() if known.name == "minimal")
    assert load_scenario(minimal.path).digest == load_scenario("minimal").digest
    assert re.fullmatch(r"[0-9a-f]{64}", load_scenario("minimal").digest)


def test_digest_follows_the_content_of_tables_and_not_their_place(tmp_path: Path) -> None:
    start = REFERENCE.index("    book:\n")
    end = REFERENCE.index("    liquidation:\n")
    text = REFERENCE[:start] + "    book: {accounts: book.csv, balances: sub/cash.csv}\n" + REFERENCE[end:]

    def digest(folder: str, positions: str) -> str:
        file = write(tmp_path / folder, text)
        write(tmp_path / folder, positions, "book.csv")
        write(tmp_path / folder, "cash", "sub/cash.csv")
        return load_scenario(file).digest

    assert digest("a", "one") == digest("b", "one") != digest("b", "two")
    book = load_scenario(tmp_path / "a" / "scenario.yaml").scenario.pools["main"].book
    assert book.accounts == (tmp_path / "a" / "book.csv").resolve()
    (tmp_path / "b" / "book.csv").unlink()
    (tmp_path / "b" / "sub" / "cash.csv").unlink()
    with pytest.raises(MeaninglessInput) as caught:
        load_scenario(tmp_path / "b" / "scenario.yaml")
    assert [problem.path for problem in caught.value.problems] == [
        "pools.main.book.accounts",
        "pools.main.book.balances",
    ]
    assert all("cannot be read: No such file" in problem.message for problem in caught.value.problems)
    (tmp_path / "b" / "book.csv").mkdir()
    with pytest.raises(MeaninglessInput, match="cannot be read: it is not a file"):
        load_scenario(tmp_path / "b" / "scenario.yaml")


MALFORMED = [
    ("paths: 10_000", "pahts: 10_000", "run.pahts", "unknown key 'pahts'; did you mean 'paths'?"),
    ("horizon: 24h, ", "", "run.horizon", "is missing: length of a path"),
    ("horizon: 24h", "horizon: soon", "run.horizon", "expected a duration such as 30s, 15m, 24h or 30d, got 'soon'"),
    ("horizon: 24h", "horizon: 24", "run.horizon", "write the unit: 24s, 24m or 24h"),
    ("type: gbm", "type: gmb", "markets.ETH.model.type", "unknown model 'gmb'; did you mean 'gbm'?"),
    (
        "{type: gbm, ",
        "{",
        "markets.ETH.model.type",
        "is missing: the kind of model; known: gbm, merton, heston,",
    ),
    ("{type: gbm, volatility: 80%}", "80%", "markets.ETH.model.type", "unknown model '80%'"),
    ("{type: gbm, volatility: 80%}", "[1]", "markets.ETH.model", "expected a model: a map with a type, got a list"),
    ("size: full", "size: ful", "pools.main.liquidation.size.type", "unknown size 'ful'; did you mean 'full'?"),
    (
        "size: full",
        "size: [1]",
        "pools.main.liquidation.size",
        "a map with a type or one of the words full, step_down, got",
    ),
    ("rank: hyperliquid", "rank: hyperliqid", "pools.main.layers.2.rank", "did you mean 'hyperliquid'?"),
    ("rank: hyperliquid", "rank: [a]", "pools.main.layers.2.rank", "expected one of bitmex, binance, hyperliquid,"),
    ("partial: true", "partial: yes", "pools.main.layers.0.partial", "expected true or false, got 'yes'"),
    ("depth: unlimited", "depth: endless", "markets.ETH.liquidity.depth", "1.5bn, or unlimited, got 'endless'"),
    ("depth: unlimited", "depth: {a: 1}", "markets.ETH.liquidity.depth", "or unlimited, got a map"),
    ("price: 4_000", "price: .nan", "markets.ETH.price", "got '.nan'; only finite numbers are allowed"),
    ("price: 4_000", "price: ~", "markets.ETH.price", "is missing: initial price"),
    ("seed: 20251010", "seed: 1.5", "run.seed", "expected a whole number such as 10_000, got '1.5'"),
    ("format: 1", "format: 2", "format", "this release reads format 1, got '2'"),
    ("name: example", "name: An Example", "name", "expected a name of small letters, digits and single hyphens"),
    ("checks: [{", "checks: {a: {", "checks", "is not YAML"),
    ("levels: [99%, 99.9%]", "levels: 99%", "sizing.levels", "expected a list, got '99%'"),
    ("levels: [99%, 99.9%]", "levels: []", "sizing.levels", "needs at least one entry"),
    ("mark: book", "mark: {type: book, x: 1}", "markets.ETH.mark.x", "unknown key 'x'; known: type"),
    ("{metric: required_fund", "{metric: 'a b'", "checks.0.metric", "expected the name of a result column, got 'a b'"),
]


@pytest.mark.parametrize(("old", "new", "path", "message"), MALFORMED)
def test_malformed(tmp_path: Path, old: str, new: str, path: str, message: str) -> None:
    text = changed(old, new)
    error = error_of(tmp_path, text)
    assert type(error) is MalformedInput
    assert message in str(error)
    (problem,) = error.problems
    if "is not YAML" not in message:
        assert problem.path == path
        assert problem.line == line_of(REFERENCE, old)


MEANINGLESS = [
    ("price: 4_000", "price: 1e30", "markets.ETH.price", "must be at most 1e+18, got 1e+30"),
    ("price: 4_000", "price: 1e-30", "markets.ETH.price", "must be at least 1e-12, got 1e-30"),
    ("fee: 50bp", "fee: -1bp", "pools.main.liquidation.fee", "must be at least 0%, got -0.01%"),
    ("jump: -10%", "jump: 2000_00%", "shocks.0.jump", "must be at most 100000%, got 200000%"),
    ("kappa: 12", "kappa: 600_000", "markets.BTC.model.kappa", "too fast for Euler steps of 60 s: at most 525600, or"),
    ("theta: 0.35", "theta: -1", "markets.BTC.model.theta", "must be at least 0, got -1"),
    ("price: 4_000", "price: 0", "markets.ETH.price", "must be more than 0, got 0"),
    ("fund_share: 100%", "fund_share: 120%", "pools.main.liquidation.fund_share", "must be at most 100%, got 120%"),
    ("fee: 50bp", "fee: 50", "pools.main.liquidation.fee", "less than 100%, got 5000%; for 50 per cent write 50%"),
    ("rho: -0.3", "rho: -1.3", "markets.BTC.model.rho", "must be at least -1, got -1.3"),
    ("horizon: 24h", "horizon: 90s", "run.horizon", "must be a multiple of check_every (60 s), got 90 s"),
    ("check_every: 1m", "check_every: 90s", "run.check_every", "must be a multiple of step (60 s), got 90 s"),
    ("step: 1m, check_every: 1m", "step: 1ms, check_every: 1m", "run.step", "at most 10_000_000 are possible"),
    (
        "{from: 0, maintenance: 1.25%}, {",
        "{from: 5, maintenance: 1.25%}, {",
        "markets.BTC.margin.tiers.0.from",
        "from 0",
    ),
    ("from: 150_000_000", "from: 0", "markets.BTC.margin.tiers.1.from", "must be more than that of the tier before"),
    ("maintenance: 2.5%", "maintenance: 1%", "markets.BTC.margin.tiers.1.maintenance", "must not be less than"),
    ("prices: [[1.0, 0.8]", "prices: [[1.0, 1.8]", "correlation.prices.0.1", "must be at most 1, got 1.8"),
    ("prices: [[1.0, 0.8]", "prices: [[1.0, 0.7]", "correlation.prices.1.0", "is 0.8, but row 1 has 0.7: must be"),
    ("prices: [[1.0, 0.8]", "prices: [[0.9, 0.8]", "correlation.prices.0.0", "must be 1 on the diagonal, got 0.9"),
    ("[[1, 0.7], [0.7, 1]]", "[[1]]", "correlation.variances", "has 1 rows, but there are 2 markets"),
    ("[[1, 0.7], [0.7, 1]]", "[[1, 0], [1]]", "correlation.variances.1", "has 1 numbers in a matrix of 2 rows"),
    ("market: BTC", "market: BCT", "shocks.0.market", "unknown market 'BCT'; did you mean 'BTC'?"),
    ("jump: -10%", "jump: -100%", "shocks.0.jump", "must be more than -100%, got -100%"),
    (", duration: 20m", "", "shocks.0.duration", "is missing: without it the factors"),
    ("at: 6h", "at: 25h", "shocks.0.at", "is after the end of the run (86400 s)"),
    ("at: 6h", "over: 19h, at: 6h", "shocks.0.over", "ends after the end of the run (86400 s)"),
    ("      ETH: {mean", "      ETC: {mean", "jumps.0.marks.ETC", "unknown market 'ETC'; did you mean 'ETH'?"),
    (
        "ETH: 1bn}",
        "SOL: 1bn}",
        "pools.main.book.synthetic.open_interest.SOL",
        "unknown market 'SOL'; known: BTC, ETH",
    ),
    (
        "{1: 70%, 2: 30%}",
        "{1: 70%, 2: 20%}",
        "pools.main.book.synthetic.markets_per_account",
        "add up to 100%, got 90%",
    ),
    (
        "{1: 70%, 2: 30%}",
        "{1: 70%, 3: 30%}",
        "pools.main.book.synthetic.markets_per_account.3",
        "more than the 2 markets",
    ),
    ("median: 6", "median: 60", "pools.main.book.synthetic.leverage.median", "must lie between min 1 and max 40"),
    ("min: 1,", "min: 50,", "pools.main.book.synthetic.leverage.min", "must not be more than max"),
    ("name: hlp", "name: fund", "pools.main.layers.1.name", "another layer is called 'fund' already"),
    ("floor: 0\n", "floor: 1bn\n", "pools.main.layers.0.capital", "is under the floor"),
    ("      half_life: 2m\n", "", "markets.BTC.liquidity.half_life", "is missing: half-life of the displacement"),
    ("cap: none", "cap: 1%", "markets.BTC.liquidity.drought.cap", "must not be under the floor"),
    ("99.9%, at_most: 30_000_000}", "99.9%}", "checks.0", "give at_most or at_least"),
    ("{metric: required_fund", "{pool: man, metric: required_fund", "checks.0.pool", "did you mean 'main'?"),
    (
        "      synthetic:\n",
        "      accounts: x.csv\n      synthetic:\n",
        "pools.main.book.accounts",
        "give either accounts or synthetic",
    ),
    (
        "{type: gbm, volatility: 80%}",
        "{type: prescribed, prices: [4_000, 5]}",
        "markets.ETH.model.prices",
        "has 2 prices; the run has 1440 checks and needs 1441",
    ),
    (
        "{type: gbm, volatility: 80%}",
        "{type: replay, points: [[0s, 5], [1h, 5], [1h, 5]]}",
        "markets.ETH.model.points.2.0",
        "times must ascend",
    ),
    (
        "{type: gbm, volatility: 80%}",
        "{type: replay}",
        "markets.ETH.model",
        "give either points or file",
    ),
]


@pytest.mark.parametrize(("old", "new", "path", "message"), MEANINGLESS)
def test_meaningless(tmp_path: Path, old: str, new: str, path: str, message: str) -> None:
    error = error_of(tmp_path, changed(old, new))
    assert type(error) is MeaninglessInput
    (problem,) = error.problems
    assert message in problem.message
    assert problem.path == path
    assert problem.file.endswith("scenario.yaml")
    assert problem.line is not None
    assert problem.column is not None


def test_a_drought_needs_a_calm_volatility(tmp_path: Path) -> None:
    text = changed(
        "    model: {type: gbm, volatility: 80%}\n    liquidity: {type: power, depth: unlimited}\n",
        "    model: {type: replay, points: [[0s, 4_000], [24h, 3_000]]}\n"
        "    liquidity: {type: power, depth: 5M, half_life: none, drought: {exponent: 1}}\n",
    )
    assert "is missing: the replay model has no long-run volatility" in str(error_of(tmp_path, text))


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """Also those between parts, when other parts are unsound in themselves."""
    text = (
        REFERENCE.replace("theta: 0.35", "theta: -1")
        .replace("horizon: 24h", "horizn: 24h")
        .replace("market: BTC", "market: XRP")
        .replace("volatility: 80%", "volatility: high")
        .replace("[[1, 0.7], [0.7, 1]]", "[[1]]")
        .replace("rank: hyperliquid", "rank: fair")
        .replace("at_most: 30_000_000", "at_mots: 3")
    )
    error = error_of(tmp_path, text)
    assert isinstance(error, MalformedInput)
    assert {problem.path for problem in error.problems} == {
        "markets.BTC.model.theta",
        "run.horizon",
        "run.horizn",
        "shocks.0.market",
        "markets.ETH.model.volatility",
        "correlation.variances",
        "pools.main.layers.2.rank",
        "checks.0.at_mots",
    }
    lines = [problem.line for problem in error.problems]
    assert lines == sorted(line or 0 for line in lines)


def test_no_message_speaks_of_the_machinery(tmp_path: Path) -> None:
    entries = [entry for entry in re.findall(r"\b[a-z_]+: [^\s{\[,}]+", REFERENCE) if REFERENCE.count(entry) == 1]
    assert len(entries) > 40
    messages = []
    for entry in entries:
        for value in ("[]", "{}", "x", "-1", "''", "[[1]]", "1e400", "true"):
            text = REFERENCE.replace(entry, f"{entry.split(': ')[0]}: {value}")
            try:
                load_scenario(write(tmp_path, text))
            except InvalidInput as error:
                messages.append(str(error))
    assert len(messages) > 200
    machinery = r"[Ii]nput should|pydantic|Value error|\bdict\b|\btuple\b|NoneType|\bstr\b|\bfloat\b"
    assert not [message for message in messages if re.search(machinery, message)]


def test_an_unknown_scenario_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match="no such file, nor a built-in scenario; did you mean 'october-2025'"):
        load_scenario("octobre-2025")
    with pytest.raises(UsageError):
        load_scenario("x" * 5_000)
    with pytest.raises(UsageError):
        load_scenario("a\0b")
    with pytest.raises(UsageError):
        load_scenario("../scenarios/examples/minimal")


def test_a_folder_is_not_a_scenario(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        load_scenario(tmp_path)


@pytest.mark.parametrize("name", [known.name for known in built_ins()])
def test_built_in_scenarios_are_sound(name: str) -> None:
    assert load_scenario(name).scenario.name == name


def test_names_of_built_in_scenarios_are_unique() -> None:
    names = [known.name for known in built_ins()]
    assert len(names) == len(set(names)) > 0


def test_every_key_has_one_sentence_and_a_schema() -> None:
    schema = json_schema()
    for name, part in {"Scenario": schema, **schema["$defs"]}.items():
        for key, entry in part.get("properties", {}).items():
            if key not in ("type", "extends"):
                definition = schema["$defs"].get(entry.get("$ref", "").removeprefix("#/$defs/"), {})
                sentence = entry.get("description", definition.get("description", ""))
                assert sentence.endswith("."), f"{name}.{key}"
                assert len(sentence) > 10, f"{name}.{key}"


def test_schema_accepts_the_built_in_scenarios_and_refuses_typing_mistakes() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(json_schema())
    texts = [known.path.read_text(encoding="utf-8") for known in built_ins()]
    for text in [*texts, REFERENCE]:
        errors = [error.message for error in validator.iter_errors(_json_like(yaml.safe_load(text)))]
        assert not errors
    beyond = ("price: .nan", "partial: yes")  # texts in a scenario, but a number and a flag to the parser used here
    for old, new, _path, message in MALFORMED:
        if "is not YAML" not in message and "is missing" not in message and new not in beyond:
            wrong = _json_like(yaml.safe_load(changed(old, new)))
            assert not validator.is_valid(wrong), new


def _json_like(value: object) -> object:
    """YAML's tree as an editor hands it to the schema: keys are text."""
    if isinstance(value, dict):
        return {str(key): _json_like(entry) for key, entry in value.items()}
    return [_json_like(entry) for entry in value] if isinstance(value, list) else value
