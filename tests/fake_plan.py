"""A small plan whose cascade is a plain function of the prices, for the tests of engine and store."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from stress import columns, records, workers
from stress.book import Positions, Terms, stack_tiers
from stress.kernels.cascade import Slots
from stress.kernels.structs import Clock, Models

Floats = NDArray[np.float64]
K = TypeVar("K")

MARKETS = ("BTC", "ETH")
LAYERS = (("main", "fund", "insurance_fund"), ("main", "adl", "adl"), ("side", "socialise", "socialise"))
POOLS = ("main", "side")


class FakeBook(NamedTuple):
    """What the engine itself reads of a book."""

    positions: Floats


class FakeVenue(NamedTuple):
    """What the engine itself reads of a venue."""

    clock: Clock
    book: FakeBook


def plan(folder: Path, paths: int = 200, seed: int = 11, checks: int = 24) -> Any:
    """A plan of two markets, two pools and three layers; ``side`` has no fund."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "fake.yaml"
    file.write_text("format: 1\nname: fake\n")
    held = _positions()
    plain = SimpleNamespace(sampling=None)
    scenario = SimpleNamespace(name="fake", run=plain, sizing=SimpleNamespace(levels=(0.9, 0.99)))
    loaded = SimpleNamespace(
        scenario=scenario, digest="d" * 64, sections={}, file=file, canonical={"format": 1, "name": "fake"}
    )
    return SimpleNamespace(
        loaded=loaded,
        models=_models(),
        venue=FakeVenue(Clock(checks, 1, 3600.0), FakeBook(held.quantity)),
        market_names=MARKETS,
        pool_names=POOLS,
        layer_names=LAYERS,
        owner_names=("x", "y"),
        positions=held,
        terms=Terms(MARKETS, np.array([100.0, 10.0]), stack_tiers([[(0.0, 0.2)], [(0.0, 0.1)]])),
        notes=("a note",),
        tilt=None,
        seed=seed,
        paths=paths,
    )


def _models() -> Models:
    """Two correlated geometric Brownian motions."""
    factor = np.eye(4)
    factor[3, 1], factor[3, 3] = 0.8, 0.6
    none = np.zeros((0, 2))
    return _with_empty(
        Models,
        model=np.zeros(2, dtype=np.int64),
        params=np.array([[0.5], [0.9]]),
        log_price=np.log([100.0, 10.0]),
        variance=np.array([0.5, 0.9]),
        drift=np.zeros(2),
        table_first=np.zeros(3, dtype=np.int64),
        cholesky=factor,
        loading=np.zeros((4, 0)),
        jump_key=np.zeros(0, dtype=np.int64),
        jump_probability=none,
        jump_mean=none,
        jump_std=none,
        jump_variance=none,
        jump_slope=none,
        path=none,
        path_variance=none,
        shock_jump=none,
        shock_volatility=none,
    )


def _positions() -> Positions:
    """Two long accounts of one owner in pool ``main`` and a short one in ``side``."""
    return Positions(
        market_names=MARKETS,
        account_names=("a", "b", "c"),
        owner_names=("x", "y"),
        owner=np.array([0, 0, 1]),
        pool=np.array([0, 0, 1]),
        kind=np.array(["trader", "trader", "market_maker"]),
        isolated=np.zeros(3, dtype=np.bool_),
        wallet=np.array([10.0, 5.0, 90.0]),
        first=np.array([0, 1, 2, 4]),
        market=np.array([0, 1, 0, 1]),
        quantity=np.array([1.0, 1.0, -1.0, -1.0]),
        entry=np.array([100.0, 10.0, 100.0, 10.0]),
    )


def _with_empty(kind: type[K], **fields: Any) -> K:
    """A named tuple whose other fields are empty arrays."""
    names: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]
    return kind(**{name: np.zeros(0) for name in names} | fields)


@dataclass(frozen=True)
class FakeCascade:
    """Stands in for :mod:`stress.kernels.cascade`: losses grow with the fall of the first market."""

    delay: float = 0.0
    """Seconds per path."""
    broken_path: float = np.inf
    """A path whose end price is this many times the first or more gets a result that is not finite."""

    def run_block(
        self,
        venue: object,
        first_path: int,
        log_price: Floats,
        variance: Floats,
        slots: Slots,
        stop: NDArray[np.uint8],
    ) -> int:
        """As the kernel: fill the results of every path unless stopped; return the paths done."""
        for w in range(len(log_price)):
            if stop[0]:
                return w
            if self.delay:
                time.sleep(self.delay)
            fall = max(0.0, float(log_price[w, 0, 0] - log_price[w, :, 0].min()) - 0.03)
            end = float(np.exp(log_price[w, -1, 0] - log_price[w, 0, 0]))
            slots.pools[w] = _filled(columns.PATHS, fall)
            slots.pools[w, 1:, _at(columns.PATHS, "required_fund")] = np.nan
            slots.pools[w, 0, _at(columns.PATHS, "bad_debt")] = np.inf if end > self.broken_path else 1e6 * fall
            slots.layers[w] = _filled(columns.LAYERS, fall)
            slots.markets[w] = _filled(columns.MARKETS, fall)
            slots.markets[w, :, 0] = np.exp(log_price[w].min(axis=0))
            slots.owners[w, :, 0] = -1.0
            if fall > 0.0:
                slots.owners[w, 0, :3] = 0.0, fall, fall
        return len(log_price)

    def trace_path(
        self,
        venue: object,
        path: int,
        log_price: Floats,
        variance: Floats,
        trace_pools: Floats,
        trace_markets: Floats,
    ) -> None:
        """As the kernel: the record of one path."""
        trace_pools[:] = np.arange(len(log_price))[:, None, None]
        trace_markets[:] = np.exp(log_price)[:, :, None]
        trace_markets[:, :, -2] = np.inf


def _filled(table: columns.Table, fall: float) -> Floats:
    """One value per column: counts are whole, times null without a fall."""
    values = [
        np.floor(100 * fall)
        if column.type == "int64"
        else np.nan
        if column.nullable and column.unit == columns.SECONDS and fall == 0.0
        else k + fall
        for k, column in enumerate(table.values)
    ]
    return np.array(values)


def _at(table: columns.Table, name: str) -> int:
    return [column.name for column in table.values].index(name)


def install(monkeypatch: pytest.MonkeyPatch, fake: FakeCascade) -> None:
    """Put the fake in the kernel's place."""
    monkeypatch.setattr(workers, "cascade", fake)
    monkeypatch.setattr(records, "cascade", fake)


def main(folder: str, delay: str, resume: str) -> None:
    """Run in a process of its own, to be killed: prints a line per block."""
    from stress import engine

    with pytest.MonkeyPatch.context() as monkeypatch:
        install(monkeypatch, FakeCascade(float(delay)))
        place = Path(folder)
        engine.run(
            plan(place.parent),
            place,
            threads=2,
            resume=bool(int(resume)),
            block_bytes=1,
            progress=lambda done, total: print(done, total, flush=True),
        )


def command_line(delay: str, *arguments: str) -> int:
    """The command line over the fake cascade, in a process of its own."""
    from stress.cli import main as cli

    with pytest.MonkeyPatch.context() as monkeypatch:
        install(monkeypatch, FakeCascade(float(delay)))
        return cli(arguments)


if __name__ == "__main__":
    import sys

    if sys.argv[1] == "cli":
        sys.exit(command_line(*sys.argv[2:]))
    main(*sys.argv[1:])
