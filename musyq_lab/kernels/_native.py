# mypy: disable-error-code="no-untyped-call,no-untyped-def,call-overload,attr-defined,import-untyped,misc"
# mypy: disable-error-code="typeddict-item"
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
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir as llvm
from numba import njit, types
from numba.core import cgutils, compiler, compiler_machinery, ir, ir_utils, typed_passes, untyped_passes
from numba.core.registry import cpu_target
from numba.extending import intrinsic, overload

from musyq_lab.kernels._linking import Fragment, Offer, Separate, Whole

OPTIONS = {"nogil": True, "error_model": "numpy"}


# ---- float32 stays float32 -------------------------------------------------------------------------------------------
@compiler_machinery.register_pass(mutates_CFG=False, analysis_only=False)
class NarrowFloats(compiler_machinery.FunctionPass):
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
    """Return the Python float (or tuple of floats) behind an expression, or None."""
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


# Both search every function for calls of literal_unroll, which no kernel makes: a twelfth of the time of compilation.
_NOT_NEEDED = (untyped_passes.LiteralUnroll, untyped_passes.LiteralPropagationSubPipelinePass)


class Pipeline(compiler.CompilerBase):
    """Numba's nopython pipeline with ``NarrowFloats``, and pointers that alias no other pointer."""

    def define_pipelines(self) -> list[Any]:
        """Insert the pass right after the IR has been built."""
        # Numba has the flag but no option of njit that sets it. Kernel makes sure that it is true.
        self.state.flags.noalias = True
        manager = compiler.DefaultPassBuilder.define_nopython_pipeline(self.state)
        manager.passes = [entry for entry in manager.passes if entry[0] not in _NOT_NEEDED]
        manager.add_pass_after(NarrowFloats, untyped_passes.IRProcessing)
        self.extend(manager)
        manager.finalize()
        return [manager]

    def extend(self, manager: Any) -> None:
        """Make one object of the function and all that it calls."""
        self.keep_in(Whole)

    def keep_in(self, library: type[Any]) -> None:
        """Keep the code in a library of this kind."""
        self.state.library = library(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        self.state.library.enable_object_caching()

    def offer(self, manager: Any, library: type[Any]) -> None:
        """Stop before machine code: other compiled code takes the function in, nothing else can call it."""
        self.keep_in(library)
        self.state.flags.no_cpython_wrapper = True
        self.state.flags.no_cfunc_wrapper = True
        self.state.flags.no_compile = True
        manager.add_pass_after(Offer, typed_passes.NativeLowering)


class InlinePipeline(Pipeline):
    """For functions that every caller inlines."""

    def extend(self, manager: Any) -> None:
        """Keep the code as a piece of its callers."""
        self.offer(manager, Fragment)


class SeparatePipeline(Pipeline):
    """For functions that other compiled code calls and does not inline."""

    def extend(self, manager: Any) -> None:
        """Hide the code from the callers until they have been optimised."""
        self.offer(manager, Separate)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile lazily and inline into every caller."""
    return njit(pipeline_class=InlinePipeline, forceinline=True, **OPTIONS)(function)


def called(function: Callable[..., Any], signature: Any) -> Any:
    """Compile for calls from Python with arguments of the types of a signature."""
    own = pytypes.FunctionType(function.__code__, function.__globals__, closure=function.__closure__)
    own.__defaults__ = function.__defaults__
    # A name that no function of any process has: machine code that one process has kept is loaded into others.
    own.__qualname__ = f"{function.__code__.co_name}_{uuid.uuid4().hex}"
    return njit(signature, pipeline_class=Pipeline, no_cfunc_wrapper=True, **OPTIONS)(own)


def separate(function: Callable[..., Any]) -> Any:
    """Compile lazily, once for each list of types, for calls from compiled code only."""
    return njit(pipeline_class=SeparatePipeline, **OPTIONS)(function)


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
    exec(text, namespace)  # names of our own parameters
    options: Any = {"forceinline": True, "pipeline_class": InlinePipeline, **OPTIONS}
    overload(namespace["stub"], jit_options=options)(namespace["choose"])
    return namespace["stub"]


@intrinsic
def sqrt(context, x):
    """Return the processor's square root."""
    kind = x if x in (types.float32, types.float64) else types.float64

    def emit(context, builder, signature, arguments):
        root = builder.module.declare_intrinsic("llvm.sqrt", [context.get_value_type(kind)])
        return builder.call(root, arguments)

    return kind(kind), emit


# ---- instructions that Python does not name --------------------------------------------------------------------------
@intrinsic
def fma(context, a, b, c):
    """Return a * b + c with one rounding."""
    wide = types.float64 if types.float64 in (a, b, c) else types.float32

    def emit(context, builder, signature, arguments):
        cast = [context.cast(builder, v, t, wide) for v, t in zip(arguments, (a, b, c), strict=True)]
        return builder.fma(*cast)

    return wide(a, b, c), emit


@intrinsic
def select(context, condition, yes, no):
    """``yes`` if condition else ``no`` without a branch; both are computed."""
    both = context.unify_types(yes, no)

    def emit(context, builder, signature, arguments):
        test, left, right = arguments
        left = context.cast(builder, left, yes, both)
        right = context.cast(builder, right, no, both)
        test = context.cast(builder, test, condition, types.boolean)
        return builder.select(test, left, right)

    return both(condition, yes, no), emit


def _bitcast(target_of: dict[Any, Any]) -> Callable[..., Any]:
    def typer(context, value):
        target = target_of.get(value)
        if target is None:
            return None

        def emit(context, builder, signature, arguments):
            return builder.bitcast(arguments[0], context.get_value_type(target))

        return target(value), emit

    return typer


as_bits = intrinsic(_bitcast({types.float32: types.int32, types.float64: types.int64}))
from_bits = intrinsic(_bitcast({types.int32: types.float32, types.int64: types.float64}))


# ---- pointers: the generated loops address memory directly -----------------------------------------------------------
@functools.cache
def pointer_at(dtype: Any) -> Any:
    """``at(address)``: a typed pointer from an integer."""
    pointer = types.CPointer(dtype)

    @intrinsic
    def at(context, address):
        def emit(context, builder, signature, arguments):
            return builder.inttoptr(arguments[0], context.get_value_type(pointer))

        return pointer(address), emit

    return at


@intrinsic
def shift(context, pointer, elements):
    """Pointer moved by a number of elements."""

    def emit(context, builder, signature, arguments):
        return builder.gep(arguments[0], [arguments[1]])

    return pointer(pointer, types.intp), emit


@functools.cache
def make_scratch(count: int) -> Any:
    """``scratch()``: a pointer to ``count`` integers on the stack."""
    pointer = types.CPointer(types.intp)

    @intrinsic
    def scratch(context):
        def emit(context, builder, signature, arguments):
            return cgutils.alloca_once(builder, context.get_value_type(types.intp), size=count)

        return pointer(), emit

    return scratch


@functools.cache
def make_cell(dtype: Any) -> Any:
    """``cell()``: a pointer to one NaN, which the optimiser keeps in a register."""
    pointer = types.CPointer(dtype)

    @intrinsic
    def cell(context):
        def emit(context, builder, signature, arguments):
            kind = context.get_value_type(dtype)
            place = cgutils.alloca_once(builder, kind)
            # Stored at every turn, so that a body which writes nothing gives NaN and not the value before.
            builder.store(llvm.Constant(kind, math.nan), place)
            return place

        return pointer(), emit

    return cell
