"""What the wheel and the source archive hold."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="the build backend comes with requirements/test.txt")


@pytest.fixture(scope="module")
def archives(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a wheel and a source archive built from the source tree."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=root, check=True)
    return folder


def names_in_wheel(folder: Path) -> set[str]:
    (wheel,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def files_below(root: Path, folder: str) -> set[str]:
    return {p.relative_to(root).as_posix() for p in (root / folder).rglob("*") if p.is_file() and p.suffix != ".pyc"}


def test_wheel_holds_the_package_and_nothing_beside_it(archives: Path) -> None:
    tops = {name.split("/")[0] for name in names_in_wheel(archives)}
    assert tops == {"stress", "tailstress-0.1.0.dist-info"}


def test_wheel_holds_kernels_and_scenarios_inside_the_package(archives: Path, root: Path) -> None:
    names = names_in_wheel(archives)
    expected = files_below(root, "stress") | {
        f"stress/{name}" for folder in ("kernels", "scenarios") for name in files_below(root, folder)
    }
    assert {name for name in names if name.startswith("stress/")} == expected
    assert "stress/kernels/jit.py" in names


def test_wheel_names_command_and_licence(archives: Path) -> None:
    (wheel,) = archives.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        info = "tailstress-0.1.0.dist-info"
        assert "tailstress = stress.cli:main" in archive.read(f"{info}/entry_points.txt").decode()
        assert "Apache License" in archive.read(f"{info}/licenses/LICENSE").decode()
        metadata = archive.read(f"{info}/METADATA").decode()
    assert "Requires-Python: >=3.11\n" in metadata
    assert "License-Expression: Apache-2.0\n" in metadata


def test_source_archive_builds_the_same_wheel(archives: Path, tmp_path: Path) -> None:
    (source,) = archives.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(command, cwd=unpacked, check=True)
    assert names_in_wheel(tmp_path / "dist") == names_in_wheel(archives)
