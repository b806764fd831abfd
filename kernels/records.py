"""Arrays of records: one array where there would be one per field.

A kernel pays for every array it is handed: about 10 ms of compile time per
function and array, so that 110 arrays in the arguments made a function of ten
lines cost 1.1 s and this project's cascade more than 100 s. Records also keep
together what is read together.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

Records: TypeAlias = Any
"""A one-dimensional ``np.recarray``; its fields are attributes of its elements."""

Record: TypeAlias = Any
"""One element of it."""


def record(*fields: tuple[str, type, str]) -> np.dtype[np.void]:
    """Record type of fields given as name, ``float`` or ``int``.

    Raises
    ------
    ValueError
        For a name that a NumPy scalar has already (``size``, ``fill``): interpreted
        kernels would read that instead.
    """
    for name, _, _ in fields:
        if hasattr(np.void, name):
            raise ValueError(f"{name} is an attribute of every NumPy scalar")
    kinds = {float: np.float64, int: np.int64}
    return np.dtype([(name, kinds[kind]) for name, kind, _ in fields], align=True)


def records(kind: np.dtype[np.void], size: int) -> Records:
    """Array of ``size`` zeroed records."""
    return np.zeros(size, dtype=kind).view(np.recarray)


def table(kind: np.dtype[np.void], /, **columns: Any) -> Records:
    """Array of records from one equally long sequence per field.

    Raises
    ------
    ValueError
        When a field is missing, unknown, or of another length.
    """
    if set(columns) != set(kind.names or ()):
        raise ValueError(f"fields differ: {sorted(set(columns) ^ set(kind.names or ()))}")
    sizes = {len(values) for values in columns.values()}
    if len(sizes) > 1:
        raise ValueError(f"columns of different lengths: {sorted(sizes)}")
    made = records(kind, sizes.pop() if sizes else 0)
    for name, values in columns.items():
        made[name] = values
    return made
