"""Where compiled kernels are kept, and what is deleted there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
