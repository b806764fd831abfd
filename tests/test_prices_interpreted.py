"""The kernels without compilation: the same text as plain Python gives the same paths."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stress.kernels import vecmath
from stress.kernels.jit import COMPILED
from stress.kernels.models import GBM, HESTON_EULER, HESTON_QE
from stress.kernels.philox import DIFFUSION, fill_normals, normal64, split_seed
from stress.kernels.structs import Clock
from tests.market_models import EXAMPLES, built
from tests.price_paths import BTC, STRESSED, Floats, Jump, models_of, run


def laws() -> dict[str, Floats]:
    """Two paths of every model of a scenario, with a neighbour and a common jump that excites itself."""
    found = {}
    marks = {"A": {"mean": -0.04, "std": 0.03}, "B": {"mean": -0.05, "std": 0.03, "variance_jump": 0.5}}
    crash = {"name": "crash", "rate": 3_000, "marks": marks, "self_excitation": {"branching": 0.5, "half_life": "1h"}}
    factors = {"factors": {"market": {"A": 0.8, "B": 0.7}, "variance": {"A": 0.6, "B": 0.5}}}
    for name, model in EXAMPLES.items():
        both = {"A": model, "B": EXAMPLES["svcj"]}
        models, clock, _ = built(both, step="10m", checks=3, substeps=3, jumps=[crash], correlation=factors)
        log_price, variance = run(models, clock, 2, seed=4)
        found |= {f"log price of {name}": log_price, f"variance of {name}": variance}
    return found


def sample() -> dict[str, Floats]:
    """A little of everything: functions, normals, all schemes with jumps and shocks."""
    u = np.linspace(0.01, 0.99, 9)
    normals = np.zeros((4, 64), dtype=np.float32)
    fill_normals(normals, 10, 2, 1, DIFFUSION, split_seed(2**33 + 5))
    words = tuple(np.uint32(word) for word in (2**32 - 1, 7, 123456789, 2**31))
    crash = Jump(rate=4_000.0, mean=[-0.02, 0.0, -0.05], std=[0.02, 0.01, 0.03], probability=[1.0, 0.5, 0.7])
    correlation = np.eye(6) + 0.2 * (np.ones((6, 6)) - np.eye(6))
    tables = {"shock_jump": np.zeros((8, 3)), "shock_volatility": np.ones((8, 3))}
    tables["shock_jump"][2] = -0.1
    tables["shock_volatility"][3:5] = 2.5
    numbers, hestons = [HESTON_EULER, GBM, HESTON_QE], [BTC, BTC, STRESSED]
    models = models_of(numbers, hestons, [crash], correlation, drift=1.0, **tables)
    log_price, variance = run(models, Clock(3, 2, 7200.0), 3, seed=9)
    return laws() | {
        "log64": np.array([vecmath.log64(x) for x in u]),
        "exp64": np.array([vecmath.exp64(x) for x in 100.0 * (u - 0.5)]),
        "sincos64": np.array([vecmath.sincos64(x) for x in u]),
        "normals": normals.astype(np.float64),
        "normal64": np.array([normal64(words)]),
        "log_price": log_price,
        "variance": variance,
    }


@pytest.mark.skipif(not COMPILED, reason="this is the interpreted run")
def test_interpreted_and_compiled_agree(tmp_path: Path, root: Path) -> None:
    file = tmp_path / "interpreted.npz"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-W", "error", "-m", "tests.test_prices_interpreted", str(file)]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with np.load(file) as interpreted:
        for name, compiled in sample().items():
            # Normals are float32 and fused multiply-adds round once where Python rounds twice.
            tolerance = 1e-14 if name in ("log64", "exp64", "sincos64", "normal64") else 2e-6
            np.testing.assert_allclose(interpreted[name], compiled, rtol=tolerance, atol=tolerance, err_msg=name)


if __name__ == "__main__":
    np.savez(sys.argv[1], **sample())  # type: ignore[arg-type]
