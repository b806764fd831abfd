"""Groups of arrays handed on as one address.

A named tuple of arrays goes from one compiled function to the next number by
number, seven for each array: 450 for the venue and the state of a path, put on
the stack and taken apart again in every one of 300 functions. A kernel that
Python calls therefore lays its groups down in memory once, and what it calls
is handed where they lie.
"""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

from llvmlite import ir
from numba.core import cgutils
from numba.core.datamodel import models, register_default
from numba.core.imputils import impl_ret_borrowed
from numba.core.types import Type
from numba.core.types.containers import BaseNamedTuple
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, lower_builtin, lower_getattr_generic, type_callable

T = TypeVar("T")

_ADDRESS = ir.IntType(8).as_pointer()


def view(group: T) -> T:
    """The named tuple itself; in compiled code its address, of which a field is read when it is used.

    To be called at the head of a kernel, with what Python has handed it: the address keeps no array alive.
    """
    return group


class View(Type):
    """Type of the address of a named tuple."""

    def __init__(self, group: BaseNamedTuple) -> None:
        self.group = group
        super().__init__(f"View({group})")

    @property
    def mangling_args(self) -> tuple[str, tuple[()]]:
        """A short name: that of the venue has 10,000 letters, which would stand in the symbol of every function."""
        return f"View{hashlib.sha256(self.name.encode()).hexdigest()[:16]}", ()


@register_default(View)
class _Address(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, view_type: View) -> None:
        super().__init__(manager, view_type, _ADDRESS)


@type_callable(view)  # type: ignore[untyped-decorator]
def _type_of_view(context: Any) -> Any:
    return lambda group: View(group) if isinstance(group, BaseNamedTuple) else None


@lower_builtin(view, BaseNamedTuple)  # type: ignore[untyped-decorator]
def _lay_down(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return builder.bitcast(cgutils.alloca_once_value(builder, args[0]), _ADDRESS)


@infer_getattr
class _FieldType(AttributeTemplate):  # type: ignore[misc]
    key = View

    def generic_resolve(self, viewed: View, name: str) -> Any:
        if name not in viewed.group.fields:
            return None
        field = viewed.group[viewed.group.fields.index(name)]
        return View(field) if isinstance(field, BaseNamedTuple) else field


def _offset(context: Any, group: BaseNamedTuple, index: int) -> int:
    """Bytes before a field; a tuple of one type throughout is an array to LLVM."""
    laid = context.get_value_type(group)
    if isinstance(laid, ir.ArrayType):
        return index * int(laid.element.get_abi_size(context.target_data))
    return int(laid.get_element_offset(context.target_data, index))


@lower_getattr_generic(View)  # type: ignore[untyped-decorator]
def _read_field(context: Any, builder: Any, viewed: View, address: Any, name: str) -> Any:
    index = viewed.group.fields.index(name)
    place = builder.gep(address, [ir.Constant(ir.IntType(64), _offset(context, viewed.group, index))])
    field = viewed.group[index]
    if isinstance(field, BaseNamedTuple):
        return place
    value = builder.load(builder.bitcast(place, context.get_value_type(field).as_pointer()))
    return impl_ret_borrowed(context, builder, field, value)
