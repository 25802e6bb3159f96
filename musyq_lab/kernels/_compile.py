"""The one kernel class: scalar mathematics written once, run on whole arrays at the speed of memory.

>>> from musyq_lab.kernels._compile import kernel
>>> @kernel("(),(),()->()")  # surface temperature (K), emissivity (1), downward longwave (W m-2) -> upward (W m-2)
... def upward(temperature, emissivity, downward, out):
...     out[0] = emissivity * 5.670374419e-8 * temperature**4 + (1.0 - emissivity) * downward
>>> round(float(upward(300.0, 1.0, 0.0)), 3)
459.3

Rules
-----
* Arguments broadcast over their loop dimensions; those named in the signature, such as ``(n)``, come last
  and reach the body as contiguous arrays.
* The result is float32 when every float array among the inputs is float32 (scalars and integer arrays of at
  most 16 bits follow them), else float64. The body computes in that type: write float literals (``2.0 * x``).
* An output that the body does not write is NaN. Arithmetic is IEEE: NaN in gives NaN out, division by zero never
  raises.
* A result does not depend, to the last bit, on chunks, threads, memory layout or processor.
* Compilation happens at the first call for a set of types. The machine code is kept for later processes in a store of
  our own (``_store``): numba's cache lets its index and its files part company when processes write at the same time,
  and dask workers crash (numba#10128, numba#4807). ``MUSYQ_KERNEL_STORE=0`` keeps nothing.
* ``MUSYQ_DISABLE_JIT=1`` runs the Python twin.
"""

import contextlib
import functools
import gc
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from musyq_lab.kernels import _layout
from musyq_lab.kernels._fingerprint import Part, fingerprint
from musyq_lab.kernels._inline import by_name, fma, inline, numba_side, select
from musyq_lab.kernels._layout import Array, Shapes, Signature

__all__ = ["Kernel", "fma", "inline", "jit_disabled", "kernel", "select"]

_BLOCK_BYTES = 1 << 18
"""Bytes of one packed argument: the packed block of a series kernel stays in the second-level cache."""

_lock = threading.RLock()


def jit_disabled() -> bool:
    """Whether ``MUSYQ_DISABLE_JIT`` asks for the Python twins."""
    return os.environ.get("MUSYQ_DISABLE_JIT", "0") not in ("", "0")


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """Spare the compiler, which makes millions of objects, the search for cycles among them (a twelfth of its time)."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Kernel(Part):
    """A function of numbers (or short series) that is called with whole arrays.

    Parameters
    ----------
    function
        The body: one parameter for each input, then one for each output, assigned through ``out[0] = ...`` for a
        number and ``out[i] = ...`` for a series.
    signature
        Core dimensions, for example ``"(),()->()"`` or ``"(n),()->(n),()"``.
    origin
        How to make this kernel again in another process, as ``(callable, arguments)``, for a generated kernel.
    parts
        The same computation as several bodies, each with the positions of its arrays (inputs, then outputs) among
        those of the kernel. They run in turn on small blocks: LLVM's time grows with the square of a body's outputs.
    """

    __name__: str
    __qualname__: str

    def __init__(
        self,
        function: Callable[..., None],
        signature: str,
        origin: tuple[Callable[..., Any], tuple[Any, ...]] | None = None,
        parts: tuple[tuple[Callable[..., None], tuple[int, ...]], ...] = (),
    ) -> None:
        self.function = function
        self.signature = Signature.parse(signature)
        self.text = signature
        self.origin = origin
        self.parts = parts
        self._pixelwise = self.signature.scalar
        self._compiled: dict[Any, Any] = {}
        functools.update_wrapper(self, function)
        _check_parameters(function, self.signature)

    def __call__(self, *arrays: npt.ArrayLike, out: Array | tuple[Array, ...] | None = None) -> Any:
        """Evaluate on arrays; ``out`` (an array, or a tuple for several outputs) is filled and returned."""
        if self._pixelwise and (outputs := self._everyday(arrays, out)) is not None:
            return outputs
        return self._evaluate(arrays, out, twin=jit_disabled())

    def python(self, *arrays: npt.ArrayLike, out: Array | tuple[Array, ...] | None = None) -> Any:
        """Evaluate the body as plain Python, element by element: the slow, independent twin."""
        return self._evaluate(arrays, out, twin=True)

    def _everyday(self, arguments: Sequence[npt.ArrayLike], out: Array | tuple[Array, ...] | None) -> Any:
        """Take the short way for contiguous arrays of one shape and one float type, with numbers among them.

        It saves nine tenths of the fixed cost of a call, which matters for small chunks. None for any other call.
        """
        call = _layout.flat(arguments, out, len(self.signature.inputs), len(self.signature.outputs))
        if call is None or jit_disabled():
            return None
        outputs, kinds, dtype, views = call
        if not self._native("flat_loop", kinds, (dtype,) * len(arguments), dtype)(*views):
            return None
        return outputs if len(outputs) > 1 else outputs[0]

    def _evaluate(
        self, arguments: Sequence[npt.ArrayLike], out: Array | tuple[Array, ...] | None, *, twin: bool
    ) -> Any:
        if len(arguments) != len(self.signature.inputs):
            raise TypeError(
                f"{self.__name__} takes {len(self.signature.inputs)} arrays {self.text}, got {len(arguments)}"
            )
        inputs = [np.asarray(argument) for argument in arguments]
        dtype = _layout.compute_dtype(inputs)
        inputs = [_layout.native(array, dtype, scalar=self.signature.scalar) for array in inputs]
        shapes = _layout.resolve(self.__name__, self.signature, inputs)
        given = self._outputs(out, shapes, dtype, inputs)
        safe = [np.empty_like(array) if _layout.unsafe(array, inputs) else array for array in given]
        if all(array.size for array in (*inputs, *safe)):
            run = self._twin if twin else self._pixels if self.signature.scalar else self._series
            run(inputs, safe, shapes, dtype)
        for array, result in zip(given, safe, strict=True):
            if array is not result:
                array[...] = result
        results = tuple(given if out is not None else (array[()] for array in given))
        return results if len(results) > 1 else results[0]

    def _outputs(self, out: Any, shapes: Shapes, dtype: np.dtype[Any], inputs: Sequence[Array]) -> list[Array]:
        """Make new output arrays, or take those of ``out`` after a check."""
        wanted = [shapes.full(core) for core in self.signature.outputs]
        if out is None:
            return [_layout.allocate(shape, dtype, inputs) for shape in wanted]
        given = list(out) if isinstance(out, tuple | list) else [out]
        if len(given) != len(wanted):
            raise ValueError(f"{self.__name__}: out needs {len(wanted)} array(s), got {len(given)}")
        for array, shape in zip(given, wanted, strict=True):
            if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != dtype:
                found = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
                raise ValueError(f"{self.__name__}: out must be a {dtype} array of shape {shape}, got {found}")
            if not array.flags.writeable:
                raise ValueError(f"{self.__name__}: out is read-only")
        return given

    def _pixels(self, inputs: list[Array], outputs: list[Array], shapes: Shapes, dtype: np.dtype[Any]) -> None:
        arrays = [*inputs, *outputs]
        sources = tuple(array.dtype for array in inputs)
        for run in _layout.runs(arrays, [0] * len(arrays), shapes.loop, 2):
            kinds = _kinds(run.strides, [array.itemsize for array in arrays])
            loop = self._native("pixel_loop", kinds, sources, dtype)
            loop(*run.lengths, *_pixel_arguments(run, arrays))

    def _series(self, inputs: list[Array], outputs: list[Array], shapes: Shapes, dtype: np.dtype[Any]) -> None:
        arrays = [*inputs, *outputs]
        ranks = tuple(len(core) for core in (*self.signature.inputs, *self.signature.outputs))
        if all(_packed(array, rank) for array, rank in zip(arrays, ranks, strict=True)):
            self._series_runs(arrays, ranks, shapes.loop, dtype)
            return
        largest = max(array[(0,) * (array.ndim - rank)].size for array, rank in zip(arrays, ranks, strict=True))
        size = max(1, _BLOCK_BYTES // (dtype.itemsize * largest))
        for block in _layout.blocks(arrays, ranks, shapes.loop, size):
            packed = [v if _packed(v, rank) else np.ascontiguousarray(v) for v, rank in zip(block, ranks, strict=True)]
            self._series_runs(packed, ranks, (block[-1].shape[0],), dtype)
            for view, result in zip(block[len(inputs) :], packed[len(inputs) :], strict=True):
                if view is not result:
                    view[...] = result

    def _series_runs(
        self, arrays: Sequence[Array], ranks: tuple[int, ...], shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        loop = self._native("series_loop", ranks, dtype)
        for run in _layout.runs(arrays, ranks, shape, 1):
            arguments: list[int] = []
            for array, rank, address, stride in zip(arrays, ranks, run.addresses, run.strides, strict=True):
                arguments += [address, stride[0], *array.shape[array.ndim - rank :]]
            loop(run.lengths[0], *arguments)

    def _twin(self, inputs: list[Array], outputs: list[Array], shapes: Shapes, dtype: np.dtype[Any]) -> None:
        ranks = [len(core) for core in (*self.signature.inputs, *self.signature.outputs)]
        split = len(inputs)
        views = [_broadcast(array, rank, shapes.loop) for array, rank in zip(inputs, ranks, strict=False)]
        with np.errstate(all="ignore"):
            for index in np.ndindex(*shapes.loop):
                values = [np.asarray(view[index], dtype)[()] for view in views]
                cells = [np.full(array.shape[len(shapes.loop) :] or 1, np.nan, dtype) for array in outputs]
                self.function(*values, *cells)
                for array, cell, rank in zip(outputs, cells, ranks[split:], strict=True):
                    array[index] = cell if rank else cell[0]

    def _native(self, make: str, *key: Any) -> Any:
        """Return the compiled loop for a layout and its types; one thread compiles, the others wait."""
        found = self._compiled.get((make, *key))
        if found is None:
            with _lock, _collector_paused():
                found = self._compiled.get((make, *key)) or self._loop(make, *key)
                self._compiled[make, *key] = found
        return found

    def _loop(self, make: str, *key: Any) -> Any:
        return numba_side("_machine").compiled(self, repr((make, key)), lambda: self._compile(make, *key))

    def _compile(self, make: str, *key: Any) -> Any:
        outputs = len(self.signature.outputs)
        # Both loops over pixels share one innermost row; the third is made from the body itself.
        source = self._row(*key) if make in ("pixel_loop", "flat_loop") else self.function
        return getattr(numba_side("_loops"), make)(source, *key, outputs)

    def _row(self, *key: Any) -> Any:
        found = self._compiled.get(("pixel_row", *key))
        if found is None:
            loops, outputs = numba_side("_loops"), len(self.signature.outputs)
            if self.parts:
                found = loops.blocked_row(self._part_rows(*key), *key, outputs)
            else:
                found = loops.pixel_row(self.function, *key, outputs)
            self._compiled["pixel_row", *key] = found
        return found

    def _part_rows(self, kinds: str, sources: tuple[Any, ...], dtype: np.dtype[Any]) -> tuple[Any, ...]:
        rows = []
        for body, positions in self.parts:
            own = [sources[k] for k in positions if k < len(sources)]
            letters = "".join(kinds[k] for k in positions)
            row = numba_side("_loops").pixel_row(body, letters, tuple(own), dtype, len(positions) - len(own))
            rows.append((row, positions))
        return tuple(rows)

    def meaning(self) -> tuple[Any, ...]:
        """Return all that decides its results."""
        return self.function, self.text, self.parts

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as its recipe, by name, or by value for a kernel made in a notebook."""
        return self.origin or by_name(self) or (Kernel, (self.function, self.text))

    def __dask_tokenize__(self) -> tuple[str, ...]:
        """Name, signature and code: a changed formula or constant gives a new token."""
        return ("musyq_lab.Kernel", self.__module__, self.__qualname__, self.text, fingerprint(self).digest)

    def __repr__(self) -> str:
        """Name and signature."""
        return f"<kernel {self.__module__}.{self.__qualname__} {self.text}>"


def kernel(signature: str) -> Callable[[Callable[..., None]], Kernel]:
    """Turn a function of numbers into a ``Kernel``; the letters of ``signature`` belong in a comment beside it."""
    return lambda function: Kernel(function, signature)


def _check_parameters(function: Callable[..., None], signature: Signature) -> None:
    wanted = len(signature.inputs) + len(signature.outputs)
    if function.__code__.co_argcount != wanted:
        raise TypeError(
            f"kernel {function.__name__} has {function.__code__.co_argcount} parameters, "
            f"its signature names {wanted} (inputs, then outputs)"
        )


def _kinds(strides: Sequence[tuple[int, ...]], sizes: Sequence[int]) -> str:
    """How each array runs along the innermost loop: ``s`` repeated, ``c`` contiguous, ``g`` general."""
    kinds = ["s" if row[-1] == 0 else "c" if row[-1] == size else "g" for row, size in zip(strides, sizes, strict=True)]
    # One general array makes all of them general: fewer combinations to compile, and the run is not contiguous anyway.
    return "".join(kinds).replace("c", "g") if "g" in kinds else "".join(kinds)


def _pixel_arguments(run: _layout.Run, arrays: Sequence[Array]) -> list[int]:
    arguments: list[int] = []
    for array, address, (row, step) in zip(arrays, run.addresses, run.strides, strict=True):
        arguments += [address, row, step // array.itemsize]
    return arguments


def _packed(array: Array, rank: int) -> bool:
    """Whether the core of every element is contiguous."""
    split = array.ndim - rank
    return rank == 0 or bool(array[(0,) * split].flags.c_contiguous)


def _broadcast(array: Array, rank: int, loop: tuple[int, ...]) -> Array:
    return np.broadcast_to(array, loop + array.shape[array.ndim - rank :])
