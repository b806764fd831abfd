"""How kernels are put together: what Python calls, what only kernels call, and groups handed on as one address."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from stress.kernels import jit
from stress.kernels.jit import COMPILED, kernel, part
from stress.kernels.linking import AVAILABLE, KernelLibrary, PartLibrary
from stress.kernels.structs import Floats, Ints
from stress.kernels.views import view

bare = pytest.mark.skipif(not (COMPILED and AVAILABLE), reason="nothing is compiled, or not in our way")


class Pair(NamedTuple):
    """All of one type, which the compiler lays out as an array."""

    first: Floats
    second: Floats


class Single(NamedTuple):
    values: Ints
    weight: float
    on: bool


class Group(NamedTuple):
    pair: Pair
    count: int
    single: Single


@part
def _sum(values: Floats) -> float:
    total = 0.0
    for i in range(values.size):
        total += values[i]
    return total


@part
def _read(group: Group) -> float:
    single = group.single
    total = _sum(group.pair.first) + 10.0 * _sum(group.pair.second) + 100.0 * group.count
    total += single.weight * single.values[1]
    group.pair.second[0] = -1.0
    return total if single.on else -total


@kernel
def read_viewed(group: Group) -> float:
    """Read every field through an address."""
    return _read(view(group))


@kernel
def read_twice(group: Group) -> float:
    """Call a function that Python may call too."""
    return read_viewed(group) + read_viewed(group)


def group(on: bool) -> Group:
    return Group(Pair(np.array([1.0, 2.0]), np.array([3.0, 4.0])), 5, Single(np.array([6, 7]), 0.25, on))


@pytest.mark.interpreted
@pytest.mark.parametrize("on", [True, False])
def test_fields_are_read_where_they_lie(on: bool) -> None:
    given = group(on)
    assert read_viewed(given) == (1.0 if on else -1.0) * (3.0 + 70.0 + 500.0 + 1.75)
    assert given.pair.second[0] == -1.0


@pytest.mark.interpreted
def test_a_kernel_may_call_a_kernel() -> None:
    assert read_twice(group(True)) == 574.75 + 534.75


@kernel
def read_counted(group: Group) -> float:
    """Read arrays through an address where references are counted."""
    seen, total = view(group), 0.0
    for i in range(100):
        total += seen.pair.first[i % 2] + seen.pair.second.size
    return total


@pytest.mark.interpreted
def test_reading_a_field_keeps_the_count_of_references() -> None:
    given = group(True)
    counts = [sys.getrefcount(given.pair.first), sys.getrefcount(given.pair.second)]
    for _ in range(10):
        assert read_counted(given) == 350.0
    assert [sys.getrefcount(given.pair.first), sys.getrefcount(given.pair.second)] == counts


@bare
def test_what_only_kernels_call_is_no_code_of_its_own() -> None:
    read_twice(group(True))
    (signature,) = read_twice.signatures  # type: ignore[attr-defined]
    assert isinstance(read_twice.overloads[signature].library, KernelLibrary)  # type: ignore[attr-defined]
    parts = [_sum, _read]
    for compiled in parts:
        for result in compiled.overloads.values():  # type: ignore[attr-defined]
            assert isinstance(result.library, PartLibrary)
            assert result.library.get_pointer_to_function(result.fndesc.llvm_func_name) == 0


WARM = """
import sys
from collections import Counter
from numba.core import caching, event
from stress.cli import main

loaded = Counter()
load = caching.IndexDataCacheFile.load
caching.IndexDataCacheFile.load = lambda self, key: (loaded.update([self._index_name]), load(self, key))[1]
arguments = ["run", "minimal", "--paths", "2", "--quiet", "--force", "--out", sys.argv[1]]
with event.install_recorder("numba:compile") as compiled:
    assert main(arguments) == 0
print(len(compiled.buffer), len(loaded))
slow = {"scipy.stats", "scipy.optimize", "matplotlib", "jinja2"} & set(sys.modules)
assert not slow, slow
"""


@pytest.mark.skipif(not COMPILED, reason="nothing is compiled")
def test_a_warm_run_loads_two_kernels_and_compiles_nothing(tmp_path: Path) -> None:
    counts = []
    for _ in range(2):
        command = [sys.executable, "-c", WARM, f"{tmp_path}/run"]
        shown = subprocess.run(command, capture_output=True, text=True, check=True)
        counts.append([int(word) for word in shown.stdout.split()[-2:]])
    compiled, loaded = counts[1]
    assert compiled == 0
    assert loaded <= 2


COLD = """
from numba.core import event
from stress import compiling
from stress.build import build
from stress.scenario import load_scenario

with event.install_recorder("numba:compile") as compiled:
    compiling.compile_prices()
    compiling._compile_cascade(build(load_scenario("minimal", ["run.horizon=10m"], paths=1)))
print(len(compiled.buffer) // 2)
"""


@pytest.mark.slow
@pytest.mark.skipif(not COMPILED, reason="nothing is compiled")
def test_few_functions_are_compiled_for_several_sets_of_types(tmp_path: Path) -> None:
    """Each costs 0.05 to 0.1 s of every first run: a literal number or truth value in a call has the callee twice."""
    environment = os.environ | {"TAILSTRESS_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", COLD]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    root = Path(jit.__file__).parent
    written = sum(len(re.findall(r"^@\w*(?:kernel|part|entry)$", f.read_text(), re.M)) for f in root.rglob("*.py"))
    assert int(shown.stdout) <= 1.3 * written
