"""The one place that knows compile options and where compiled kernels are kept.

Numba keys its cache by the file of the function alone, so an edit of a helper
in another file would bring back the old machine code. The cache folder is
therefore named by a digest of every kernel source, of numba and of Python.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.caching import CacheImpl, _CacheLocator

from .linking import AVAILABLE, KernelCompiler, PartCompiler

F = TypeVar("F", bound=Callable[..., Any])

COMPILED: bool = not numba.config.DISABLE_JIT
"""False when NUMBA_DISABLE_JIT is set and kernels run as plain Python."""


def digest() -> str:
    """Digest of all kernel sources: equal digests mean the same arithmetic."""
    root = Path(__file__).resolve().parent
    h = hashlib.sha256()
    for source in sorted(root.rglob("*.py")):
        h.update(source.relative_to(root).as_posix().encode())
        h.update(b"\0")
        h.update(source.read_bytes())
        h.update(b"\0")
    return h.hexdigest()


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


FORGOTTEN = 30 * 86_400.0
"""Seconds after which the kernels of another version are deleted: 20 MB each pile up with every upgrade."""


def _forget_old(base: Path) -> None:
    """Delete folders named as only this module names them, into which nothing has been compiled for long."""
    for folder in base.iterdir():
        if re.fullmatch("[0-9a-f]{16}", folder.name) and time.time() - folder.stat().st_mtime > FORGOTTEN:
            shutil.rmtree(folder, ignore_errors=True)


def _cache_folder() -> Path:
    """Folder of the compiled kernels; a temporary one where none can be written."""
    key = hashlib.sha256(f"{DIGEST} numba {numba.__version__} python {sys.version}".encode()).hexdigest()[:16]
    base = os.environ.get("TAILSTRESS_CACHE_DIR")
    if base is None:
        base = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "tailstress")
    folder = Path(base) / key
    new = not folder.is_dir()
    if _writable(folder):
        if new:
            with suppress(OSError):
                _forget_old(folder.parent)
        return folder
    return Path(tempfile.mkdtemp(prefix="tailstress-"))


DIGEST: str = digest()
CACHE_FOLDER: Path = _cache_folder()
numba.config.CACHE_DIR = str(CACHE_FOLDER)


class ByContent(_CacheLocator):  # type: ignore[misc]
    """Keeps kernels by what they are, not by where they lie and when they were written.

    Numba's own locators hold to path and time of the source, so that each
    installation of the same version, and each checkout of the same commit,
    compiles again. Other packages' functions are left to numba.
    """

    ROOT = Path(__file__).resolve().parent

    def __init__(self, function: Callable[..., Any], folder: Path) -> None:
        self._line = function.__code__.co_firstlineno
        self._folder = CACHE_FOLDER / "kernels" / folder

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> ByContent | None:
        source = Path(file).resolve()
        if not source.is_relative_to(cls.ROOT):
            return None
        return cls(function, source.relative_to(cls.ROOT).parent)

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        return DIGEST

    def get_disambiguator(self) -> str:
        return str(self._line)


if ByContent not in CacheImpl._locator_classes:
    CacheImpl._locator_classes.insert(0, ByContent)


_ARITHMETIC: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
"""No fastmath: comparisons with NaN and infinity keep their meaning."""

_CONTRACT: dict[str, Any] = {"fastmath": {"contract"}}
"""Fused multiply-add only, which does not depend on the vector width."""

_BARE: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Not callable from Python: half of the time that a function over many arrays takes to compile."""

_UNCOUNTED: dict[str, Any] = {"_nrt": False}
"""Without reference counts, where nothing is allocated and the arrays outlive the call: an atomic increment per array
and call, on arrays that all threads share, took seven eighths of a path."""


def _within(function: F, **options: Any) -> Any:
    """What kernels call: code that becomes part of theirs."""
    late = {"pipeline_class": PartCompiler} if AVAILABLE else {"cache": True}
    return numba.njit(**_ARITHMETIC, **_BARE, **late, **options)(function)


def _door(function: F, **options: Any) -> F:
    """What Python calls; kernels that call it take in the bare code instead, and the door is not even compiled."""
    if not (COMPILED and AVAILABLE):
        return numba.njit(cache=True, **_ARITHMETIC, **options)(function)
    door = numba.njit(cache=True, pipeline_class=KernelCompiler, **_ARITHMETIC, **options)(function)
    within = _within(function, **options)
    door.get_call_template, door.get_overload = within.get_call_template, within.get_overload
    return door


def kernel(function: F) -> F:
    """Compile a function that Python may call."""
    return _door(function)


def entry(function: F) -> F:
    """As :func:`kernel`, for functions that allocate nothing."""
    return _door(function, **_UNCOUNTED)


def part(function: F) -> F:
    """Compile a function that only kernels call: calling one from Python when compiled is a crash."""
    return _within(function, **_UNCOUNTED)


def vector_kernel(function: F) -> F:
    """As :func:`kernel`, for loops over lanes."""
    return _door(function, **_CONTRACT)


def vector_part(function: F) -> F:
    """As :func:`part`, for loops over lanes."""
    return _within(function, **_UNCOUNTED, **_CONTRACT)


def lane_kernel(function: F) -> F:
    """As :func:`vector_kernel`, for the arithmetic of one lane: inlined by LLVM, or its caller's loop stays scalar."""
    return _door(function, **_UNCOUNTED, **_CONTRACT, forceinline=True)
