"""How the machine code of a kernel is put together from that of its parts.

Numba optimises every compiled function together with all that it calls and
turns it into machine code, for each caller again. Nobody ever runs a part by
itself, so a part here stays as it was generated, and a kernel takes in all
parts below it, each once, and optimises them together: half of the time to
compile, and a path in a third of the time, since the compiler may change
functions that nobody else calls.
"""

from __future__ import annotations

from typing import Any

from llvmlite.binding import Linkage
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, Flags

AVAILABLE: bool = all(
    hasattr(JITCodeLibrary, name)
    for name in ("_raise_if_finalized", "_optimize_final_module", "add_linking_library", "get_pointer_to_function")
)
"""Whether this numba is built as those from 0.61 to 0.68 are; otherwise parts are compiled as numba does it."""


class _Nowhere:
    """Stands for the engine that runs code, where code is never run by itself."""

    def set_env(self, *_: Any) -> None:
        """A part has no address to write to."""


class PartLibrary(JITCodeLibrary):  # type: ignore[misc]
    """Code of one function that only kernels call, with references to what it calls itself."""

    @property
    def codegen(self) -> _Nowhere:
        return _Nowhere()

    def finalize(self) -> None:
        """Nothing is linked, optimised or loaded before a kernel needs it."""
        self._raise_if_finalized()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """There is none."""
        return 0

    def bare(self) -> Any:
        """The code of the function alone."""
        return super()._get_module_for_linking()

    def _get_module_for_linking(self) -> Any:
        """With all that it calls, for a caller that is compiled as numba does it."""
        whole = self.bare().clone()
        _link(whole, _below(self))
        return whole


class KernelLibrary(JITCodeLibrary):  # type: ignore[misc]
    """Code of a function that Python calls, with all parts below it."""

    def finalize(self) -> None:
        """Link every part below once, and no part with what it calls."""
        below = _below(self)
        _link(self._final_module, [library for library in below if isinstance(library, PartLibrary)])
        self._linking_libraries = [library for library in below if not isinstance(library, PartLibrary)]
        super().finalize()

    def _optimize_final_module(self) -> None:
        for function in self._final_module.functions:
            # The pass that removes pairs of reference counts knows numba's own functions by their names and arguments.
            if function.linkage == Linkage.linkonce_odr and not function.name.startswith("NRT_"):
                function.linkage = Linkage.internal
        super()._optimize_final_module()


def _below(library: Any) -> list[Any]:
    """All that a function calls, and what parts call, callers first: the linker drops what nobody has asked for yet."""
    found: dict[Any, None] = {}

    def collect(caller: Any) -> None:
        for called in caller._linking_libraries:
            if called not in found:
                if isinstance(called, PartLibrary):
                    collect(called)
                found[called] = None

    collect(library)
    return list(reversed(found))


def _link(module: Any, libraries: list[Any]) -> None:
    """Take in code that others keep."""
    for library in libraries:
        code = library.bare() if isinstance(library, PartLibrary) else library._get_module_for_linking()
        module.link_in(code, preserve=True)


class _Flags(Flags):  # type: ignore[misc]
    """Options that are quick to compare.

    Numba asks 70,000 times whether the options are those of a function it has compiled before, and lists all thirty of
    them on both sides each time: a tenth of the time to compile.
    """

    _HASH = hash(Flags())

    def __hash__(self) -> int:
        return self._HASH

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Flags) and self._values == other._values:
            return True
        return bool(super().__eq__(other))


class _Compiler(Compiler):  # type: ignore[misc]
    """Numba's compiler with another library for the code."""

    library: type[JITCodeLibrary]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.state.flags = _Flags(self.state.flags)

    def define_pipelines(self) -> Any:
        self.state.library = self.library(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        self.state.library.enable_object_caching()
        return super().define_pipelines()


class PartCompiler(_Compiler):
    """For functions that only kernels call."""

    library = PartLibrary


class KernelCompiler(_Compiler):
    """For functions that Python calls."""

    library = KernelLibrary
