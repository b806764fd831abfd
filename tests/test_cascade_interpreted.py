"""The cascade without compilation: the same text as plain Python gives the same results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stress.kernels.jit import COMPILED
from tests.conformance import play
from tests.following import scale_of
from tests.test_laws_symmetry import assert_same
from tests.venues import sample

CASES = 60


@pytest.mark.skipif(not COMPILED, reason="this is the interpreted run")
def test_interpreted_and_compiled_agree(tmp_path: Path, root: Path) -> None:
    cases = sample(CASES)
    files = []
    for n, case in enumerate(cases):
        files.append(tmp_path / f"{n}.json")
        files[-1].write_text(json.dumps({"input": case}))
    command = [sys.executable, "-W", "error", "-m", "tests.conformance", *map(str, files)]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    interpreted = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(interpreted) == CASES
    for case, found in zip(cases, interpreted, strict=True):
        assert_same(found, play(case), 1e-12 * scale_of(case), relative=1e-12)
