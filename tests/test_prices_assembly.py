"""The loops over lanes run in vector registers: in the machine code, since nothing else shows when one falls back."""

from __future__ import annotations

import re
from typing import Any

import numba
import numpy as np
import pytest

from stress.kernels.jit import COMPILED
from stress.kernels.models import (
    COEFFICIENTS,
    Counter,
    Lanes,
    garch,
    garch_history,
    gbm,
    heston_euler,
    heston_qe,
    regime,
    rough_bergomi,
)
from stress.kernels.philox import split_seed

LOOPS: list[Any] = [
    pytest.param(gbm.advance, (0.0, 1.0), r"vfn?m(add|sub)\d+pd", id="gbm"),
    pytest.param(heston_euler.advance, (0.0, 1.0), "vsqrtpd", id="heston_euler"),
    pytest.param(heston_qe.draw_quadratic, (), "vdivpd", id="heston_qe, quadratic"),
    pytest.param(heston_qe.draw_exponential, (), "vdivpd", id="heston_qe, exponential"),
    pytest.param(garch.walk, (0.0, 1.0), "vsqrtpd", id="garch"),
    pytest.param(garch_history.walk, (0.0, 1.0, 2.0), "vsqrtpd", id="garch_history"),
    pytest.param(regime.diffuse, (0.0, 1.0), "vsqrtpd", id="regime"),
    pytest.param(rough_bergomi.move, (0.0, 1.0, 0.0, 0), "vsqrtpd", id="rough_bergomi"),
]


def lanes(count: int = 64) -> Lanes:
    """One market's rows."""
    row = np.full(count, 0.3)
    single = np.zeros(count, np.float32)
    rows = np.zeros((4, count))
    normals = np.zeros((4, count), np.float32)
    counter = Counter(1, 0, 0, split_seed(1))
    return Lanes(single, single, row, row, rows[:2].copy(), normals, rows, np.zeros(8), counter)


@pytest.mark.skipif(not COMPILED, reason="there is no machine code without compilation")
@pytest.mark.parametrize(("loop", "numbers", "instruction"), LOOPS)
def test_a_model_steps_lanes_side_by_side(loop: Any, numbers: tuple[float, ...], instruction: str) -> None:
    import llvmlite.binding as llvm

    if not any(llvm.get_host_cpu_features().get(name) for name in ("avx2", "avx512f")):
        pytest.skip("the processor has neither AVX2 nor AVX-512")
    # Compiled here once more, because a kernel that came from the cache has no assembly to show.
    fresh = numba.njit(error_model="numpy", fastmath={"contract"})(loop.py_func)
    fresh(np.ones(COEFFICIENTS), *numbers, lanes())
    assembly = "\n".join(fresh.inspect_asm().values())
    assert re.search(instruction + r"\s.*[yz]mm", assembly)
    called = set(re.findall(r"\b(exp|log|sin|cos|pow|erfc?)[fl]?@", assembly))
    assert not called, "a call per lane into the library of C"
