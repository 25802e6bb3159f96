"""The numba side of kernels: imported at the first compilation only, so that listing products stays cheap.

Three rules hold in everything compiled here.

* IEEE arithmetic: no fast-math flag is set, so NaN and inf keep their meaning and a pixel's result does not depend on
  its place in a vector, on chunks, on threads or on the machine. Fused multiply-add happens only where a kernel asks
  for it through ``fma``, which is exact everywhere.
* A function whose float arguments are all float32 computes in float32: Python float literals, constants of modules and
  tuples of floats are narrowed, as numpy does with Python scalars.
* Division by zero gives inf or NaN and never raises.
"""

import functools
import math
import types as pytypes
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir as llvm
from numba import carray, njit, types
from numba.core import cgutils, compiler, compiler_machinery, ir, ir_utils, untyped_passes
from numba.core.registry import cpu_target
from numba.extending import intrinsic, overload
from numba.np.numpy_support import from_dtype

_OPTIONS = {"nogil": True, "error_model": "numpy"}


# ---- float32 stays float32 -------------------------------------------------------------------------------------------
@compiler_machinery.register_pass(mutates_CFG=False, analysis_only=False)
class NarrowFloats(compiler_machinery.FunctionPass):  # type: ignore[misc]
    """Turn float constants into float32 in a function whose float arguments are all float32."""

    _name = "musyq_narrow_floats"

    def __init__(self) -> None:
        super().__init__()

    def run_pass(self, state: Any) -> bool:
        """Rewrite constants of ``state.func_ir``; report whether anything changed."""
        floats = {_element(argument) for argument in state.args} & {types.float32, types.float64}
        if floats != {types.float32}:
            return False
        for block in state.func_ir.blocks.values():
            for assignment in block.find_insts(ir.Assign):
                value = _constant(state.func_ir, assignment.value)
                if value is not None:
                    assignment.value = ir.Const(_narrow(value), assignment.loc)
        return True


def _element(argument: Any) -> Any:
    while hasattr(argument, "dtype"):
        argument = argument.dtype
    return argument


def _constant(func_ir: Any, value: Any) -> Any:
    """The Python float (or tuple of floats) behind an expression, or None."""
    if isinstance(value, ir.Const | ir.Global | ir.FreeVar):
        return value.value if _is_floats(value.value) else None
    if isinstance(value, ir.Expr) and value.op == "getattr":
        owner = ir_utils.guard(ir_utils.get_definition, func_ir, value.value)
        module = getattr(owner, "value", None)
        if isinstance(module, pytypes.ModuleType):
            found = getattr(module, value.attr, None)
            return found if _is_floats(found) else None
    return None


def _is_floats(value: Any) -> bool:
    return type(value) is float or (type(value) is tuple and bool(value) and all(map(_is_floats, value)))


def _narrow(value: Any) -> Any:
    return tuple(map(_narrow, value)) if type(value) is tuple else np.float32(value)


class Pipeline(compiler.CompilerBase):  # type: ignore[misc]
    """Numba's nopython pipeline with ``NarrowFloats``, and pointers that alias no other pointer."""

    def define_pipelines(self) -> list[Any]:
        """Insert the pass right after the IR has been built."""
        # Numba has the flag but no option of njit that sets it. Kernel makes sure that it is true.
        self.state.flags.noalias = True
        manager = compiler.DefaultPassBuilder.define_nopython_pipeline(self.state)
        manager.add_pass_after(NarrowFloats, untyped_passes.IRProcessing)
        manager.finalize()
        return [manager]


def inlined(function: Callable[..., Any]) -> Any:
    """Compile lazily and inline into every caller."""
    return njit(pipeline_class=Pipeline, forceinline=True, **_OPTIONS)(function)


def type_of(thing: Any) -> Any:
    """Type of a dispatcher, an intrinsic or an overloaded function, for helpers that stand for one of them."""
    registry = registry_cpu_target()
    return registry.resolve_value_type(thing)


def registry_cpu_target() -> Any:
    """Typing context of the CPU target, brought up to date."""
    context = cpu_target.typing_context
    context.refresh()
    return context


def by_width(function: Callable[..., Any], narrow: Any, wide: Any) -> Any:
    """One function of numba that picks ``narrow`` when all its arguments are float32 and ``wide`` otherwise."""
    names = ", ".join(function.__code__.co_varnames[: function.__code__.co_argcount])
    doubles = ", ".join(f"float64({name})" for name in names.split(", "))
    namespace = {"narrow": narrow, "wide": wide, "float64": np.float64, "float32": types.float32}
    text = f"""
def stub({names}): pass
def in_float32({names}): return narrow({names})
def in_float64({names}): return wide({doubles})
def choose({names}): return in_float32 if all(x == float32 for x in ({names},)) else in_float64
"""
    exec(text, namespace)  # noqa: S102  (names of our own parameters)
    overload(namespace["stub"], jit_options={"forceinline": True, **_OPTIONS})(namespace["choose"])
    return namespace["stub"]


@intrinsic
def sqrt(context, x):  # type: ignore[no-untyped-def]
    """The processor's square root."""
    kind = x if x in (types.float32, types.float64) else types.float64

    def emit(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        root = builder.module.declare_intrinsic("llvm.sqrt", [context.get_value_type(kind)])
        return builder.call(root, arguments)

    return kind(kind), emit


# ---- instructions that Python does not name --------------------------------------------------------------------------
@intrinsic
def fma(context, a, b, c):  # type: ignore[no-untyped-def]
    """a * b + c with one rounding."""
    wide = types.float64 if types.float64 in (a, b, c) else types.float32

    def emit(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        cast = [context.cast(builder, v, t, wide) for v, t in zip(arguments, (a, b, c), strict=True)]
        return builder.fma(*cast)

    return wide(a, b, c), emit


@intrinsic
def select(context, condition, yes, no):  # type: ignore[no-untyped-def]
    """``yes`` if condition else ``no`` without a branch; both are computed."""
    both = context.unify_types(yes, no)

    def emit(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        test, left, right = arguments
        left = context.cast(builder, left, yes, both)
        right = context.cast(builder, right, no, both)
        test = context.cast(builder, test, condition, types.boolean)
        return builder.select(test, left, right)

    return both(condition, yes, no), emit


def _bitcast(target_of: dict[Any, Any]) -> Callable[..., Any]:
    def typer(context, value):  # type: ignore[no-untyped-def]
        target = target_of.get(value)
        if target is None:
            return None

        def emit(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            return builder.bitcast(arguments[0], context.get_value_type(target))

        return target(value), emit

    return typer


as_bits = intrinsic(_bitcast({types.float32: types.int32, types.float64: types.int64}))
from_bits = intrinsic(_bitcast({types.int32: types.float32, types.int64: types.float64}))


# ---- pointers: the generated loops address memory directly -----------------------------------------------------------
@functools.cache
def _at(dtype: Any) -> Any:
    """``at(address)``: a typed pointer from an integer."""
    pointer = types.CPointer(dtype)

    @intrinsic
    def at(context, address):  # type: ignore[no-untyped-def]
        def emit(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            return builder.inttoptr(arguments[0], context.get_value_type(pointer))

        return pointer(address), emit

    return at


@functools.cache
def _cell(dtype: Any) -> Any:
    """``cell()``: a pointer to one NaN, which the optimiser keeps in a register."""
    pointer = types.CPointer(dtype)

    @intrinsic
    def cell(context):  # type: ignore[no-untyped-def]
        def emit(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            kind = context.get_value_type(dtype)
            place = cgutils.alloca_once(builder, kind)
            # Stored at every turn, so that a body which writes nothing gives NaN and not the value before.
            builder.store(llvm.Constant(kind, math.nan), place)
            return place

        return pointer(), emit

    return cell


def _compiled(source: str, name: str, namespace: dict[str, Any], arguments: list[Any]) -> Any:
    """Compile generated source for one list of argument types."""
    exec(compile(source, f"<musyq kernel {name}>", "exec"), namespace)  # noqa: S102  (our own text, see callers)
    return njit(types.void(*arguments), pipeline_class=Pipeline, **_OPTIONS)(namespace[name])


# ---- pixel kernels ---------------------------------------------------------------------------------------------------
def pixel_loop(body: Callable[..., Any], kinds: str, sources: tuple[Any, ...], dtype: Any, outputs: int) -> Any:
    """Compile the loops of a kernel without core dimensions.

    Parameters
    ----------
    body : callable
        The kernel's Python function, ``body(value, ..., out, ...)``.
    kinds : str
        One letter for each array, inputs then outputs: ``c`` contiguous, ``s`` one value for a whole row, ``g`` strided.
    sources : tuple of numpy dtypes
        Element type of each input in memory.
    dtype : numpy dtype
        Type of the arithmetic and of the outputs.
    outputs : int
        Number of outputs.

    Returns
    -------
    callable
        ``run(m, n, address, row_stride, stride, ...)``, byte strides, three integers for each array.
    """
    target = from_dtype(dtype)
    element = [from_dtype(source) for source in sources] + [target] * outputs
    namespace: dict[str, Any] = {"body": inlined(body), "cell": _cell(target), "number": dtype.type}
    namespace["row"] = _compiled(_row_source(kinds, outputs), "row", namespace, _row_types(kinds, element))
    namespace |= {f"at{k}": _at(kind) for k, kind in enumerate(element)}
    return _compiled(_rows_source(kinds), "run", namespace, [types.intp] * (2 + 3 * len(kinds)))


def _row_types(kinds: str, element: list[Any]) -> list[Any]:
    pointers = [types.CPointer(kind) for kind in element]
    return [types.intp, *pointers, *(types.intp for kind in kinds if kind == "g")]


def _row_source(kinds: str, outputs: int) -> str:
    """One row: every array is a bare pointer that aliases no other, which is what the vectoriser needs to know."""
    inputs = len(kinds) - outputs
    place = {k: {"c": "i", "s": "0", "g": f"i * s{k}"}[kind] for k, kind in enumerate(kinds)}
    steps = [f"s{k}" for k, kind in enumerate(kinds) if kind == "g"]
    lines = [f"def row({', '.join(['n', *(f'p{k}' for k in range(len(kinds))), *steps])}):"]
    lines += [f"    v{k} = number(p{k}[0])" for k in range(inputs) if kinds[k] == "s"]
    lines += ["    for i in range(n):"]
    lines += [f"        v{k} = number(p{k}[{place[k]}])" for k in range(inputs) if kinds[k] != "s"]
    lines += [f"        o{k} = cell()" for k in range(inputs, len(kinds))]
    values = [f"v{k}" for k in range(inputs)] + [f"o{k}" for k in range(inputs, len(kinds))]
    lines += [f"        body({', '.join(values)})"]
    lines += [f"        p{k}[{place[k]}] = o{k}[0]" for k in range(inputs, len(kinds))]
    return "\n".join(lines)


def _rows_source(kinds: str) -> str:
    arrays = range(len(kinds))
    steps = [f"s{k}" for k in arrays if kinds[k] == "g"]
    call = ["n", *(f"at{k}(a{k} + j * t{k})" for k in arrays), *steps]
    head = ["m", "n", *(f"a{k}, t{k}, s{k}" for k in arrays)]
    return f"def run({', '.join(head)}):\n    for j in range(m):\n        row({', '.join(call)})"


# ---- series kernels --------------------------------------------------------------------------------------------------
def series_loop(body: Callable[..., Any], ranks: tuple[int, ...], dtype: Any, outputs: int) -> Any:
    """Compile the loop of a kernel with core dimensions; its arrays have contiguous cores of ``dtype``.

    Parameters
    ----------
    body : callable
        The kernel's Python function; arguments with core dimensions are arrays, the others values or one-cell outputs.
    ranks : tuple of int
        Number of core dimensions of each array, inputs then outputs.
    dtype : numpy dtype
        Type of all arrays.
    outputs : int
        Number of outputs.

    Returns
    -------
    callable
        ``run(m, address, stride, core lengths..., ...)``.
    """
    target = from_dtype(dtype)
    namespace = {"body": inlined(body), "cell": _cell(target), "at": _at(target), "carray": carray}
    return _compiled(_series_source(ranks, outputs), "run", namespace, [types.intp] * (1 + 2 * len(ranks) + sum(ranks)))


def _series_source(ranks: tuple[int, ...], outputs: int) -> str:
    inputs = len(ranks) - outputs
    head, before, call, after = ["m"], [], [], []
    for k, rank in enumerate(ranks):
        lengths = [f"n{k}_{axis}" for axis in range(rank)]
        head += [f"a{k}", f"t{k}", *lengths]
        place = f"at(a{k} + j * t{k})"
        if rank:
            call.append(f"carray({place}, ({', '.join(lengths)},))")
        elif k < inputs:
            call.append(f"{place}[0]")
        else:
            before.append(f"        o{k} = cell()")
            call.append(f"o{k}")
            after.append(f"        {place}[0] = o{k}[0]")
    loop = [f"def run({', '.join(head)}):", "    for j in range(m):", *before, f"        body({', '.join(call)})", *after]
    return "\n".join(loop)
