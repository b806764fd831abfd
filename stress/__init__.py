"""tailstress: Monte Carlo tail-risk stress tests of margin venues.

The kernels and the built-in scenarios live beside this package in the source
tree and inside it in a wheel; extending ``__path__`` makes
``stress.kernels`` and ``stress.scenarios`` the same import in both.
"""

from __future__ import annotations

from pathlib import Path as _Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stress.store import Run, load

__all__ = ["Run", "__version__", "load"]
__version__ = "0.1.0"

_here = _Path(__file__).resolve().parent
if not (_here / "kernels").is_dir() and (_here.parent / "kernels" / "jit.py").is_file():
    __path__.append(str(_here.parent))


def __getattr__(name: str) -> object:
    """``stress.load`` without importing pandas for every ``import stress``."""
    if name in ("Run", "load"):
        from stress import store

        return getattr(store, name)
    raise AttributeError(f"module 'stress' has no attribute {name!r}")
