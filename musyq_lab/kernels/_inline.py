"""Helper functions that a compiled kernel and its Python twin can both call.

``@inline`` marks a small function of numbers (or short arrays); numba compiles and inlines it, Python just calls it.
``fma``, ``select``, ``as_bits`` and ``from_bits`` are single machine instructions that Python has no word for.
"""

import functools
import importlib
import math
from abc import abstractmethod
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from musyq_lab.kernels._fingerprint import Part


def numba_side(module: str = "_native") -> Any:
    """Import one of the modules that need numba, at the first compilation only."""
    return importlib.import_module(f"musyq_lab.kernels.{module}")


class Helper(Part):
    """A Python function with a compiled form that numba resolves when a kernel names it."""

    __name__: str
    __qualname__: str

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        functools.update_wrapper(self, function)

    def __call__(self, *arguments: Any) -> Any:
        """Run the Python form."""
        return self.function(*arguments)

    @abstractmethod
    def compiled(self) -> Any:
        """Return the object that numba understands."""

    def meaning(self) -> tuple[Any, ...]:
        """Return the function."""
        return (self.function,)

    @property
    def _numba_type_(self) -> Any:
        return numba_side().type_of(self.compiled())

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by name, or by value for a helper made in a notebook or inside a function."""
        return by_name(self) or (type(self), (self.function,))


class Inline(Helper):
    """A helper compiled by numba and inlined into its callers."""

    _form = "inlined"

    @functools.cached_property
    def _dispatcher(self) -> Any:
        self.freeze()
        return getattr(numba_side(), self._form)(self.function)

    def compiled(self) -> Any:
        """Return numba's dispatcher, made on first need, for calls from compiled code."""
        return self._dispatcher

    @functools.cached_property
    def called(self) -> Any:
        """The compiled form for calls from Python, compiled for the types of each call."""
        return numba_side("_machine").Called(self)


class Pass(Inline):
    """A loop that is compiled on its own: LLVM's time grows with the square of a function's length."""

    _form = "separate"


class Instruction(Helper):
    """A single machine instruction; ``function`` is its meaning in Python."""

    def meaning(self) -> tuple[Any, ...]:
        """Return its name."""
        return (self.__name__,)

    def compiled(self) -> Any:
        """Return the intrinsic of the same name."""
        return getattr(numba_side(), self.__name__)


class ByWidth(Helper):
    """One name for a float32 and a float64 form of a function of one or two numbers."""

    def __init__(self, function: Callable[..., Any], narrow: Helper, wide: Helper) -> None:
        super().__init__(function)
        self.narrow = narrow
        self.wide = wide

    def __call__(self, *numbers: Any) -> Any:
        """Choose by type: float32 stays float32, everything else is computed in float64."""
        if any(isinstance(x, np.float32) for x in numbers) and not any(isinstance(x, np.float64) for x in numbers):
            return self.narrow(*map(np.float32, numbers))
        return self.wide(*map(np.float64, numbers))

    def meaning(self) -> tuple[Any, ...]:
        """Return both forms."""
        return self.narrow, self.wide

    @functools.cached_property
    def _stub(self) -> Any:
        return numba_side().by_width(self.function, self.narrow, self.wide)

    def compiled(self) -> Any:
        """Return the overloaded function."""
        return self._stub

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by name, or by its parts."""
        return by_name(self) or (ByWidth, (self.function, self.narrow, self.wide))


def inline(function: Callable[..., Any]) -> Inline:
    """Mark a helper function that kernels may call; it is inlined in compiled code and plain Python in the twin."""
    return Inline(function)


def by_width(narrow: Helper, wide: Helper) -> Callable[[Callable[..., Any]], ByWidth]:
    """Decorate a documented stub: calls go to ``narrow`` for float32 and to ``wide`` otherwise."""
    return lambda stub: ByWidth(stub, narrow, wide)


@Instruction
def fma(a: Any, b: Any, c: Any) -> Any:
    """Return a * b + c rounded once (the float32 form in Python rounds twice: different once in 2^29 times)."""
    numbers = (a, b, c)
    if any(isinstance(x, np.float64) for x in numbers) or not any(isinstance(x, np.float32) for x in numbers):
        return _exact_fma(float(a), float(b), float(c))
    a, b, c = (np.float64(np.float32(x)) for x in numbers)
    return np.float32(a * b + c)


def _exact_fma(a: float, b: float, c: float) -> np.float64:
    plain = np.float64(a) * np.float64(b) + np.float64(c)
    if not (math.isfinite(a) and math.isfinite(b) and math.isfinite(c) and np.isfinite(plain)):
        return plain
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    return np.float64(exact) if exact else plain  # the plain sum knows the sign of zero


@Instruction
def sqrt(x: Any) -> Any:
    """Return the square root; NaN for a negative number."""
    return np.sqrt(x)


@Instruction
def select(condition: Any, yes: Any, no: Any) -> Any:
    """Return ``yes`` if condition else ``no`` without a branch; both have been computed."""
    return yes if condition else no


@Instruction
def as_bits(x: Any) -> Any:
    """Return the bits of a float as a signed integer of the same width."""
    return x.view(np.int32 if isinstance(x, np.float32) else np.int64)


@Instruction
def from_bits(bits: Any) -> Any:
    """Return the float whose bits are a signed integer of the same width."""
    return bits.view(np.float32 if isinstance(bits, np.int32) else np.float64)


def polynomial(*coefficients: float) -> Inline:
    """Make a helper that evaluates a polynomial (coefficients in rising order) by fused multiply-adds."""
    text = repr(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        text = f"fma(x, {text}, {coefficient!r})"
    namespace: dict[str, Any] = {"fma": fma, "__name__": __name__}
    exec(f"def horner(x):\n    return {text}", namespace)  # numbers only
    return Inline(namespace["horner"])


def by_name(thing: Any) -> tuple[Any, ...] | None:
    """``__reduce__`` by module and name when the object can be found there again, else None.

    Objects of ``__main__`` travel by value (cloudpickle, which dask uses, handles their functions).
    """
    module, name = thing.__module__, thing.__qualname__
    if module == "__main__" or "<locals>" in name:
        return None
    return lookup, (module, name)


def lookup(module: str, name: str) -> Any:
    """Import the object that ``by_name`` described."""
    return functools.reduce(getattr, name.split("."), importlib.import_module(module))
