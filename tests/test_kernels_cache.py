"""Where compiled kernels are kept, and what is deleted there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stress.kernels import jit

OLD = 1_000_000_000.0
SHOW = "from stress.kernels import jit; print(jit.CACHE_FOLDER)"


def folder_of(cache: Path) -> Path:
    """Cache folder that a fresh process chooses."""
    environment = os.environ | {"TAILSTRESS_CACHE_DIR": str(cache)}
    shown = subprocess.run([sys.executable, "-c", SHOW], env=environment, capture_output=True, text=True, check=True)
    return Path(shown.stdout.strip())


def test_only_old_kernels_are_forgotten(tmp_path: Path) -> None:
    names = {"0123456789abcdef": False, "fedcba9876543210": True, "my precious papers": True}
    for name in names:
        (tmp_path / name).mkdir()
        if name != "fedcba9876543210":
            os.utime(tmp_path / name, (OLD, OLD))
    chosen = folder_of(tmp_path)
    assert chosen.parent == tmp_path
    assert {name: (tmp_path / name).is_dir() for name in names} == names


def test_an_unwritable_place_gives_way_to_a_temporary_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    chosen = folder_of(tmp_path / "file")
    assert chosen.is_dir()
    assert tmp_path not in chosen.parents


DRAW = """
import kernels.philox as philox
from numba.core import event
with event.install_recorder("numba:compile") as compiled:
    philox.split_seed(1)
print(len(compiled.buffer))
"""


@pytest.mark.skipif(not jit.COMPILED, reason="nothing is compiled")
def test_a_copy_elsewhere_compiles_nothing_again(tmp_path: Path) -> None:
    counts = []
    for name in ("first", "second"):
        shutil.copytree(jit.ByContent.ROOT, tmp_path / name / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
        environment = os.environ | {"TAILSTRESS_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(tmp_path / name)}
        shown = subprocess.run(
            [sys.executable, "-c", DRAW], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        counts.append(int(shown.stdout))
    assert counts[0] > 0
    assert counts[1] == 0
