"""What the numbers of a run depend on, and what they were run with.

Two runs with equal provenance have equal rows; a run is only resumed with the
provenance it was begun with.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform as python_platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import llvmlite.binding
import numba
import numpy as np

import stress
from stress.kernels import jit

if TYPE_CHECKING:
    from stress.build import Plan

STREAM_LAYOUT = 1
"""Raised when a path of the same seed and number begins to mean other prices: runs of two layouts are not paired."""

_PACKAGES = ("numpy", "numba", "llvmlite", "pandas", "pyarrow", "pydantic", "scipy")


@dataclass(frozen=True)
class Provenance:
    """Everything that decides the bytes of the result tables."""

    tool_version: str
    scenario_name: str
    scenario_digest: str
    inputs_digest: str
    """Digest of the arrays handed to the kernels: catches a book or price file edited in place."""
    kernel_digest: str
    numba: str
    """Version that compiled the kernels, or ``interpreted``."""
    cpu_digest: str
    """Digest of the processor's feature set: equal bytes hold within one."""
    seed: int
    paths: int

    @classmethod
    def of(cls, plan: Plan) -> Provenance:
        """Provenance of a plan on this machine."""
        return cls(
            tool_version=stress.__version__,
            scenario_name=plan.loaded.scenario.name,
            scenario_digest=plan.loaded.digest,
            inputs_digest=inputs_digest(plan),
            kernel_digest=jit.DIGEST,
            numba=numba.__version__ if jit.COMPILED else "interpreted",
            cpu_digest=hashlib.sha256(" ".join(cpu_features()).encode()).hexdigest(),
            seed=plan.seed,
            paths=plan.paths,
        )

    def metadata(self) -> dict[str, str]:
        """The same as text, for the schema metadata of Parquet files."""
        return {key: str(value) for key, value in asdict(self).items()}

    def differences(self, other: dict[str, Any]) -> list[str]:
        """One sentence per value in which a stored provenance differs from this one."""
        mine = asdict(self)
        return [f"{key} is {mine[key]}, was {other.get(key)}" for key in mine if other.get(key) != mine[key]]


def inputs_digest(plan: Plan) -> str:
    """SHA-256 of every array and number in the plan's models, venue and tilted laws, by field name."""
    digest = hashlib.sha256()
    tilt = () if plan.tilt is None else _walk("tilt", plan.tilt)
    for name, value in (*_walk("models", plan.models), *_walk("venue", plan.venue), *tilt):
        array = np.ascontiguousarray(value)
        digest.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _walk(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    fields = getattr(value, "_fields", None)
    if fields is None:
        yield name, value
        return
    for field in fields:
        yield from _walk(f"{name}.{field}", getattr(value, field))


def cpu_features() -> list[str]:
    """Names of the processor features that compiled kernels may use, sorted."""
    chosen = numba.config.CPU_FEATURES
    if chosen is not None:
        return sorted(feature[1:] for feature in str(chosen).split(",") if feature.startswith("+"))
    features = llvmlite.binding.get_host_cpu_features()
    return sorted(name for name, present in features.items() if present)


def platform() -> dict[str, Any]:
    """Machine and interpreter, for the manifest."""
    return {
        "python": python_platform.python_version(),
        "implementation": python_platform.python_implementation(),
        "system": python_platform.system(),
        "machine": python_platform.machine(),
        "numba": numba.__version__,
        "compiled": jit.COMPILED,
        "cpu": llvmlite.binding.get_host_cpu_name(),
        "cpu_features": cpu_features(),
    }


def environment() -> dict[str, str]:
    """Versions of the packages that numbers pass through."""
    return {package: importlib.metadata.version(package) for package in _PACKAGES}
