"""How the arrays of one kernel call lie in memory: shapes, copies that cannot be avoided, and loop order.

A call has *loop* dimensions, which broadcast, and *core* dimensions, which the kernel itself sees. The plan made here
joins neighbouring loop dimensions wherever every array allows it, so that a contiguous image becomes one long run and
a cropped or broadcast one becomes rows, without copying anything.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

Array = npt.NDArray[Any]

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
_NUMBERS = (int, float, np.floating)
_SIGNATURE = re.compile(r"^(\([\w,]*\))(,\([\w,]*\))*->(\([\w,]*\))(,\([\w,]*\))*$")


@dataclass(frozen=True)
class Signature:
    """Core dimensions of each input and output of a kernel, parsed from ``"(n),()->(n)"``."""

    inputs: tuple[tuple[str, ...], ...]
    """Core dimension letters of each input."""
    outputs: tuple[tuple[str, ...], ...]
    """Core dimension letters of each output."""

    @classmethod
    def parse(cls, text: str) -> "Signature":
        """Read the notation of numpy's generalised ufuncs; every output letter must occur in an input."""
        compact = text.replace(" ", "")
        if not _SIGNATURE.match(compact):
            raise ValueError(f"kernel signature {text!r} is not of the form '(),(n)->(n)'")
        left, right = compact.split("->")
        cores = [re.findall(r"\(([\w,]*)\)", side) for side in (left, right)]
        inputs, outputs = (tuple(_letters(part) for part in side) for side in cores)
        unknown = {name for core in outputs for name in core} - {name for core in inputs for name in core}
        if unknown:
            raise ValueError(f"kernel signature {text!r}: no input tells the length of {', '.join(sorted(unknown))}")
        return cls(inputs, outputs)

    @property
    def scalar(self) -> bool:
        """Whether the kernel sees one pixel at a time, with no core dimension at all."""
        return not any(self.inputs) and not any(self.outputs)


def _letters(part: str) -> tuple[str, ...]:
    return tuple(name for name in part.split(",") if name)


def compute_dtype(arrays: Sequence[Array]) -> np.dtype[Any]:
    """float32 when float arrays are present and all of them are float32 (or narrower), otherwise float64.

    Scalars and zero-dimensional arrays take part only when nothing else does, and then give float64. Integer and
    boolean arrays of at most 16 bits, which float32 holds exactly, follow the float arrays; wider ones give float64.
    """
    shaped = [array.dtype for array in arrays if array.ndim]
    for dtype in (array.dtype for array in arrays):
        if dtype.kind not in "fiub":
            raise TypeError(f"a kernel takes real numbers, got an array of dtype {dtype}")
    if not any(dtype.kind == "f" for dtype in shaped):
        return np.dtype(np.float64)
    return np.promote_types(np.result_type(*shaped), np.float32) if _narrow(shaped) else np.dtype(np.float64)


def _narrow(dtypes: Sequence[np.dtype[Any]]) -> bool:
    return all(dtype.itemsize <= (4 if dtype.kind == "f" else 2) for dtype in dtypes)


def native(array: Array, dtype: np.dtype[Any], *, scalar: bool) -> Array:
    """Return an array that compiled code can address: aligned, of native byte order, strides in whole elements.

    A zero-dimensional value becomes ``dtype``. In a pixel kernel other dtypes stay as they are and are converted in
    registers; a series kernel receives slices, which must already be of ``dtype``.
    """
    if array.ndim == 0 or not scalar or (array.dtype.itemsize == 2 and array.dtype.kind == "f"):
        array = array.astype(dtype, copy=False)
    elif not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    regular = array.flags.aligned and all(stride % array.itemsize == 0 for stride in array.strides)
    return array if regular else array.copy()


@dataclass(frozen=True)
class Shapes:
    """Loop shape of a call and the length of each core dimension."""

    loop: tuple[int, ...]
    """Broadcast loop shape."""
    core: dict[str, int]
    """Length of each core dimension."""

    def full(self, core: tuple[str, ...]) -> tuple[int, ...]:
        """Shape of an argument with these core dimensions."""
        return self.loop + tuple(self.core[name] for name in core)


def resolve(name: str, signature: Signature, arrays: Sequence[Array]) -> Shapes:
    """Match the arrays of a call with a signature; errors say which argument does not fit."""
    sizes: dict[str, int] = {}
    loops = []
    for position, (core, array) in enumerate(zip(signature.inputs, arrays, strict=True)):
        if array.ndim < len(core):
            raise ValueError(
                f"{name}: argument {position + 1} needs the trailing dimensions ({', '.join(core)}), got {array.shape}"
            )
        split = array.ndim - len(core)
        loops.append(array.shape[:split])
        for letter, size in zip(core, array.shape[split:], strict=True):
            if sizes.setdefault(letter, size) != size:
                raise ValueError(
                    f"{name}: dimension {letter!r} is {sizes[letter]} in an earlier argument "
                    f"and {size} in argument {position + 1}"
                )
    try:
        return Shapes(np.broadcast_shapes(*loops), sizes)
    except ValueError:
        raise ValueError(
            f"{name}: the argument shapes {', '.join(map(str, loops))} do not broadcast to one shape"
        ) from None


@dataclass(frozen=True)
class Run:
    """One call of the compiled loop: lengths of its loop dimensions, address and byte strides of each array."""

    lengths: tuple[int, ...]
    """Lengths of the compiled loop dimensions, outermost first."""
    addresses: tuple[int, ...]
    """Address of the first element of each array."""
    strides: tuple[tuple[int, ...], ...]
    """Byte strides of each array along ``lengths``."""


def flat(arguments: Sequence[Any], out: Any, inputs: int, outputs: int) -> tuple[Any, ...] | None:
    """Recognise a call on contiguous arrays of one shape and one float type (numbers may be among them).

    Returns
    -------
    tuple or None
        Outputs, kinds, type, and all arguments as one-dimensional views or numbers; None when the call needs the
        general way, be it only for its error message.
    """
    first = next((a for a in arguments if type(a) is np.ndarray and a.ndim), None)
    if first is None or first.dtype not in _FLOATS or not first.size or len(arguments) != inputs:
        return None
    shape, dtype = first.shape, first.dtype
    if out is None:
        results = tuple([np.empty(shape, dtype) for _ in range(outputs)])
    else:
        results = tuple(out) if isinstance(out, tuple | list) else (out,)
    views: list[Any] = []
    kinds = ""
    for array in (*arguments, *results):
        number = isinstance(array, _NUMBERS)
        if not number and not _plain(array, shape, dtype):
            return None
        views.append(array if number or array.ndim == 1 else array.reshape(-1))
        kinds += "s" if number else "c"
    if len(results) != outputs or "s" in kinds[inputs:]:
        return None
    return results, kinds, dtype, views


def _plain(array: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    if type(array) is not np.ndarray or array.dtype != dtype or array.shape != shape:
        return False
    flags = array.flags
    return bool(flags.c_contiguous and flags.aligned and flags.writeable)


def runs(arrays: Sequence[Array], cores: Sequence[int], loop: tuple[int, ...], depth: int) -> Iterator[Run]:
    """Cut a call into compiled loops of ``depth`` dimensions; most calls are a single run.

    Parameters
    ----------
    arrays
        Inputs then outputs, with leading dimensions that broadcast to ``loop``.
    cores
        Number of trailing core dimensions of each array; the compiled code finds these contiguous.
    loop
        Broadcast loop shape.
    depth
        Number of loop dimensions that the compiled code handles.
    """
    lengths, strides = joined(arrays, cores, loop)
    bases = [array.__array_interface__["data"][0] for array in arrays]
    missing = depth - len(lengths)
    if missing > 0:
        lengths = (1,) * missing + lengths
        strides = [(0,) * missing + row for row in strides]
    lead = len(lengths) - depth
    tails = tuple(row[lead:] for row in strides)
    for index in np.ndindex(*lengths[:lead]):
        offsets = (sum(i * s for i, s in zip(index, row, strict=False)) for row in strides)
        yield Run(lengths[lead:], tuple(b + o for b, o in zip(bases, offsets, strict=True)), tails)


def blocks(
    arrays: Sequence[Array], cores: Sequence[int], loop: tuple[int, ...], size: int
) -> Iterator[tuple[Array, ...]]:
    """Yield views of at most ``size`` loop elements each, with one loop dimension before the core dimensions."""
    lengths, strides = joined(arrays, cores, loop)
    views = []
    for array, core, row in zip(arrays, cores, strides, strict=True):
        split = array.ndim - core
        views.append(as_strided(array, (*lengths, *array.shape[split:]), (*row, *array.strides[split:])))
    if not lengths:
        yield tuple(view[np.newaxis] for view in views)
        return
    for index in np.ndindex(*lengths[:-1]):
        for start in range(0, lengths[-1], size):
            yield tuple(view[(*index, slice(start, start + size))] for view in views)


def joined(
    arrays: Sequence[Array], cores: Sequence[int], loop: tuple[int, ...]
) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """Fewest loop lengths that describe the call, and the byte strides of each array along them."""
    return _join(loop, [_loop_strides(array, core, loop) for array, core in zip(arrays, cores, strict=True)])


def _loop_strides(array: Array, core: int, loop: tuple[int, ...]) -> tuple[int, ...]:
    """Byte strides along ``loop``, 0 where the array is repeated."""
    own = array.ndim - core
    steps = zip(array.shape[:own], array.strides[:own], strict=True)
    return (0,) * (len(loop) - own) + tuple(0 if size == 1 else stride for size, stride in steps)


def _join(loop: tuple[int, ...], strides: list[tuple[int, ...]]) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """Order loop dimensions by memory (largest stride first), then merge neighbours that form one regular run."""
    axes = [axis for axis, size in enumerate(loop) if size != 1]
    axes.sort(key=lambda axis: [-abs(row[axis]) for row in reversed(strides)])
    lengths: list[int] = []
    kept: list[list[int]] = [[] for _ in strides]
    for axis in axes:
        size = loop[axis]
        if lengths and all(row[-1] == own[axis] * size for row, own in zip(kept, strides, strict=True)):
            lengths[-1] *= size
            for row, own in zip(kept, strides, strict=True):
                row[-1] = own[axis]
            continue
        lengths.append(size)
        for row, own in zip(kept, strides, strict=True):
            row.append(own[axis])
    return tuple(lengths), [tuple(row) for row in kept]


def allocate(shape: tuple[int, ...], dtype: np.dtype[Any], like: Sequence[Array]) -> Array:
    """Allocate an output; in Fortran order when every input of the full shape has it: nothing is transposed."""
    full = [array for array in like if array.shape == shape]
    fortran = bool(full) and all(a.flags.f_contiguous and not a.flags.c_contiguous for a in full)
    return np.empty(shape, dtype, order="F" if fortran else "C")


def unsafe(output: Array, inputs: Sequence[Array]) -> bool:
    """Whether writing to ``output`` may change an input (judged by address ranges, never missed), or hits one twice."""
    return any(np.may_share_memory(output, array) for array in inputs) or 0 in _used_strides(output)


def _used_strides(array: Array) -> list[int]:
    return [stride for size, stride in zip(array.shape, array.strides, strict=True) if size > 1]
