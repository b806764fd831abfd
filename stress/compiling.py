"""The first run of an installation compiles prices and cascade at once, in two processes: numba compiles one function
at a time in each."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stress.kernels import cascade, jit, paths
from stress.workers import in_background

if TYPE_CHECKING:
    from stress.build import Plan

DOORS = ("paths._simulate", "cascade._run_block")
"""What Python calls in a run."""

_PRICES = """
import signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
from stress.compiling import compile_prices
compile_prices()
"""
"""Ctrl-C reaches both processes, and ends this one at once."""


def compile_kernels(plan: Plan) -> None:
    """Compile what a run needs, where nothing of it is there and another process has a core and a folder to share."""
    alone = jit.CACHE_FOLDER.parent == Path(tempfile.gettempdir()) or (os.cpu_count() or 1) < 2
    if jit.COMPILED and not alone and not any(_is_kept(door) for door in DOORS):
        in_background(lambda: _compile(plan))


def _is_kept(door: str) -> bool:
    return any(jit.CACHE_FOLDER.rglob(f"{door}-*.nbi"))


def _compile(plan: Plan) -> None:
    with _prices_elsewhere():
        _compile_cascade(plan)


def _compile_cascade(plan: Plan) -> None:
    """Compile the cascade, by following no path."""
    shape = 0, plan.venue.clock.checks + 1, len(plan.market_names)
    slots = cascade.empty_slots(0, len(plan.pool_names), len(plan.layer_names), len(plan.market_names))
    cascade.run_block(plan.venue, 0, np.empty(shape), np.empty(shape), slots, np.zeros(1, np.uint8))


@contextmanager
def _prices_elsewhere() -> Iterator[None]:
    """A second process for the prices. It says nothing; if it fails, they are compiled here when they are needed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or os.curdir for path in sys.path)}
    process = None
    with suppress(OSError):
        process = subprocess.Popen(
            [sys.executable, "-c", _PRICES],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    try:
        yield
    finally:
        if process is not None:
            process.wait()


def compile_prices() -> None:
    """Compile the price kernels, by simulating no path."""
    from stress.build import build
    from stress.scenario import load_scenario

    plan = build(load_scenario("minimal", ["run.horizon=10m"], paths=1))
    shape = 0, plan.venue.clock.checks + 1, len(plan.market_names)
    paths.simulate(plan.models, plan.venue.clock, plan.seed, 0, np.empty(shape), np.empty(shape))
