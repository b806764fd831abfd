"""Runs with importance sampling: the same rows however they are cut, weights in the store, and honest fall-backs."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stress
from stress import engine, shards, store
from stress.build import Plan, build
from stress.sampling import Decision
from stress.sampling.decide import decide
from stress.sampling.likelihood import mixture_weights
from stress.scenario import load_scenario

RARE = (
    "run.sampling.probability=0.5%",
    "run.sampling.pilot_paths=2000",
    "run.sampling.pilot_losses=400",
    "run.horizon=6h",
)


@cache
def plan(paths: int = 640, *overrides: str) -> Plan:
    return build(load_scenario("minimal", [*RARE, *overrides], paths=paths, tail=True))


def run_into(folder: Path, given: Plan, **options: Any) -> dict[str, Any]:
    return engine.run(given, folder, **options).manifest


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tail") / "run"
    run_into(folder, plan())
    return folder


def test_rows_do_not_depend_on_threads_or_blocks(whole: Path, tmp_path: Path) -> None:
    again = run_into(tmp_path / "run", plan(), threads=2, block_bytes=1 << 18)
    assert again["content_hash"] == stress.load(whole).manifest["content_hash"]


def test_shards_are_the_run(whole: Path, tmp_path: Path) -> None:
    for number in (1, 2):
        engine.run_shard(plan(), tmp_path / "parts" / str(number), engine.Shard(number, 2))
    merged = shards.merge(tmp_path / "parts", tmp_path / "merged")
    assert merged.manifest["content_hash"] == stress.load(whole).manifest["content_hash"]
    assert merged.manifest["sampling"] == stress.load(whole).manifest["sampling"]


def test_a_killed_run_goes_on_with_its_laws(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    run_into(folder, plan())
    for file in (store.MANIFEST, store.part_file("paths", 3)):
        (folder / file).unlink()
    monkeypatch.setattr("stress.sampling.decide.decide", lambda *_: pytest.fail("the pilot ran again"))
    again = run_into(folder, plan(), resume=True)
    assert again["content_hash"] == stress.load(whole).manifest["content_hash"]


def test_more_paths_keep_those_before(whole: Path, tmp_path: Path) -> None:
    run_into(tmp_path / "more", plan(1_280))
    more, fewer = stress.load(tmp_path / "more").paths, stress.load(whole).paths
    assert more.iloc[: len(fewer)].equals(fewer)


def test_the_store_tells_weights_and_laws(whole: Path) -> None:
    run = stress.load(whole)
    told = run.manifest["sampling"]
    assert told["method"] == "importance"
    assert run.paths["weight"].max() <= 1.0 / told["shares"][0] + 1e-9
    shares = np.bincount(run.paths["component"]) / len(run.paths)
    np.testing.assert_allclose(shares, told["shares"], atol=0.01)
    assert run.paths["weight"].mean() == pytest.approx(1.0, abs=4.0 * run.paths["weight"].std() / np.sqrt(640))
    run.verify()


def test_untilted_paths_are_those_of_a_plain_run(whole: Path, tmp_path: Path) -> None:
    plain = build(load_scenario("minimal", ["run.horizon=6h"], paths=640))
    run_into(tmp_path / "plain", plain)
    tail, other = stress.load(whole).paths, stress.load(tmp_path / "plain").paths
    own = tail["component"] == 0
    assert "weight" not in other
    assert own.sum() > 50
    assert tail.loc[own, list(other)].reset_index(drop=True).equals(other[own.to_numpy()].reset_index(drop=True))


def test_losses_agree_with_plain_sampling(tmp_path: Path) -> None:
    """Means over the tail of the required fund, four standard errors apart at most."""
    tail_plan = plan(3_000)
    run_into(tmp_path / "tail", tail_plan)
    run_into(tmp_path / "plain", build(load_scenario("minimal", ["run.horizon=6h"], paths=6_000)))
    tail, plain = (stress.load(tmp_path / name).paths for name in ("tail", "plain"))
    for bar in (1e5, 1e6):
        over = tail["weight"] * (tail["required_fund"] > bar)
        others = (plain["required_fund"] > bar).astype(float)
        error = np.hypot(over.std() / np.sqrt(len(over)), others.std() / np.sqrt(len(others)))
        assert abs(over.mean() - others.mean()) < 4.0 * error, bar


def test_a_decision_survives_its_file() -> None:
    found = decide(plan())
    again = Decision.of_json(json.loads(json.dumps(found.to_json())))
    assert again.told() == found.told()
    assert found.tilt is None or all(array.flags.c_contiguous for array in found.tilt[:-1])
    assert found.tilt is not None
    assert again.tilt is not None
    for mine, other in zip(found.tilt, again.tilt, strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (("run.sampling.probability=10%",), "is not rare"),
        (("markets.BTC.model={type: prescribed, prices: [100000, 90000]}", "run.step=6h"), "no price of the scenario"),
    ],
)
def test_plain_sampling_where_laws_cannot_help(overrides: tuple[str, ...], reason: str, tmp_path: Path) -> None:
    given = plan(64, *overrides)
    assert reason in decide(given).reason
    told = run_into(tmp_path / "run", given)["sampling"]
    assert told["method"] == "plain"
    assert "weight" not in stress.load(tmp_path / "run").paths


def test_weights_of_a_mixture() -> None:
    """By hand: a path twice as likely under law 1 as under law 0, laws in equal shares: 1 / (0.5 + 0.5 * 2)."""
    weights = mixture_weights(np.array([[0.0, np.log(2.0)], [0.0, -800.0]]), np.array([0.5, 0.5]))
    np.testing.assert_allclose(weights, [2.0 / 3.0, 2.0])
