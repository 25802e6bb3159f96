# mypy: disable-error-code="no-untyped-call,call-overload,attr-defined,misc,typeddict-item"
"""The loops around kernel bodies: source written for each layout of a call, then compiled by numba.

Text is generated from letters and counts only. Every array is a bare pointer that aliases no other, a fact that
``Kernel`` ensures and the vectoriser needs.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import carray, njit, types
from numba.np.numpy_support import from_dtype

from musyq_lab.kernels._native import (
    OPTIONS,
    SeparatePipeline,
    called,
    inlined,
    make_cell,
    make_scratch,
    pointer_at,
    shift,
)

_BLOCK = 8192  # elements; the bands of a block stay in the second-level cache between the parts of a kernel


def _compiled(source: str, name: str, namespace: dict[str, Any], arguments: list[Any], result: Any = types.void) -> Any:
    """Compile generated source for one list of argument types; rows are called by compiled loops only."""
    exec(compile(source, f"<musyq kernel {name}>", "exec"), namespace)  # our own text, see callers
    if name == "row":
        return njit(result(*arguments), pipeline_class=SeparatePipeline, **OPTIONS)(namespace[name])
    return called(namespace[name], result(*arguments))


# ---- pixel kernels ---------------------------------------------------------------------------------------------------
def pixel_row(body: Callable[..., Any], kinds: str, sources: tuple[Any, ...], dtype: Any, outputs: int) -> Any:
    """Compile the innermost loop of a kernel without core dimensions.

    Parameters
    ----------
    body : callable
        The kernel's Python function, ``body(value, ..., out, ...)``.
    kinds : str
        One letter for each array, inputs then outputs: ``c`` contiguous, ``s`` one value a row, ``g`` strided.
    sources : tuple of numpy dtypes
        Element type of each input in memory.
    dtype : numpy dtype
        Type of the arithmetic and of the outputs.
    outputs : int
        Number of outputs.

    Returns
    -------
    callable
        ``row(n, pointer, ..., stride, ...)`` for other compiled code, strides in elements and for ``g`` only.
    """
    target = from_dtype(dtype)
    namespace = {"body": inlined(body), "cell": make_cell(target), "number": dtype.type}
    return _compiled(
        _row_source(kinds, outputs), "row", namespace, _row_types(kinds, _elements(sources, dtype, outputs))
    )


def blocked_row(
    parts: tuple[tuple[Any, tuple[int, ...]], ...], kinds: str, sources: tuple[Any, ...], dtype: Any, outputs: int
) -> Any:
    """Compile a row that hands blocks, small enough for the second-level cache, to the rows of several parts in turn.

    Parameters
    ----------
    parts : tuple of (row, positions)
        Compiled rows, and the positions of their arrays among all arrays of the kernel.
    kinds, sources, dtype, outputs
        As for ``pixel_row``.
    """
    elements = _elements(sources, dtype, outputs)
    namespace: dict[str, Any] = {f"part{k}": row for k, (row, _) in enumerate(parts)} | {"shift": shift}
    steps = {k: f"s{k}" for k, kind in enumerate(kinds) if kind == "g"}
    lines = [f"def row({', '.join(['n', *(f'p{k}' for k in range(len(kinds))), *steps.values()])}):"]
    lines += [f"    for i in range(0, n, {_BLOCK}):", f"        m = min(n - i, {_BLOCK})"]
    for k, (_, positions) in enumerate(parts):
        offset = {"c": "i", "s": "0"}
        pointers = [f"shift(p{j}, {offset.get(kinds[j]) or f'i * s{j}'})" for j in positions]
        lines += [f"        part{k}({', '.join(['m', *pointers, *(steps[j] for j in positions if j in steps)])})"]
    return _compiled("\n".join(lines), "row", namespace, _row_types(kinds, elements))


def pixel_loop(row: Any, kinds: str, sources: tuple[Any, ...], dtype: Any, outputs: int) -> Any:
    """Compile ``run(m, n, address, row stride in bytes, stride in elements, ...)``: m rows of n elements."""
    namespace = {"row": row}
    namespace |= {f"at{k}": pointer_at(kind) for k, kind in enumerate(_elements(sources, dtype, outputs))}
    return _compiled(_rows_source(kinds), "run", namespace, [types.intp] * (2 + 3 * len(kinds)))


def flat_loop(row: Any, kinds: str, sources: tuple[Any, ...], dtype: Any, outputs: int) -> Any:
    """Compile ``run(array, ...)`` for contiguous arrays of one length, with plain numbers where the kind is ``s``.

    It returns False, and does nothing, when an output overlaps another array.
    """
    target = from_dtype(dtype)
    namespace = {"row": row, "at": pointer_at(target), "cell": make_cell(target), "scratch": make_scratch(len(kinds))}
    arguments = [target if kind == "s" else types.Array(target, 1, "C") for kind in kinds]
    return _compiled(_flat_source(kinds, outputs), "run", namespace, arguments, types.boolean)


def _elements(sources: tuple[Any, ...], dtype: Any, outputs: int) -> list[Any]:
    return [from_dtype(source) for source in sources] + [from_dtype(dtype)] * outputs


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


def _flat_source(kinds: str, outputs: int) -> str:
    arrays = [k for k, kind in enumerate(kinds) if kind == "c"]
    lines = [f"def run({', '.join(f'a{k}' for k in range(len(kinds)))}):", "    place = scratch()"]
    lines += [f"    place[{j}] = a{k}.ctypes.data" for j, k in enumerate(arrays)]
    lines += [
        f"    size = a{arrays[-1]}.nbytes",
        f"    for new in range({len(arrays) - outputs}, {len(arrays)}):",
        "        for old in range(new):",
        "            if abs(place[new] - place[old]) < size: return False",
    ]
    for k, kind in enumerate(kinds):
        value = f"at(place[{arrays.index(k)}])" if kind == "c" else "cell()"
        lines += [f"    q{k} = {value}"] + [f"    q{k}[0] = a{k}"] * (kind == "s")
    lines += [f"    row(a{arrays[-1]}.size, {', '.join(f'q{k}' for k in range(len(kinds)))})", "    return True"]
    return "\n".join(lines)


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
    namespace = {"body": inlined(body), "cell": make_cell(target), "at": pointer_at(target), "carray": carray}
    namespace["missing"] = np.dtype(dtype).type(np.nan)
    return _compiled(_series_source(ranks, outputs), "run", namespace, [types.intp] * (1 + 2 * len(ranks) + sum(ranks)))


def _series_source(ranks: tuple[int, ...], outputs: int) -> str:
    inputs = len(ranks) - outputs
    head, before, call, after = ["m"], [], [], []
    for k, rank in enumerate(ranks):
        lengths = [f"n{k}_{axis}" for axis in range(rank)]
        head += [f"a{k}", f"t{k}", *lengths]
        place = f"at(a{k} + j * t{k})"
        if rank:
            cells = f"carray({place}, ({', '.join(lengths)},))"
            if k >= inputs:  # what the body does not write is NaN
                before += [f"        o{k} = {cells}", f"        o{k}[:] = missing"]
            call.append(cells if k < inputs else f"o{k}")
        elif k < inputs:
            call.append(f"{place}[0]")
        else:
            before.append(f"        o{k} = cell()")
            call.append(f"o{k}")
            after.append(f"        {place}[0] = o{k}[0]")
    loop = [
        f"def run({', '.join(head)}):",
        "    for j in range(m):",
        *before,
        f"        body({', '.join(call)})",
        *after,
    ]
    return "\n".join(loop)
