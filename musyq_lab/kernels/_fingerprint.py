"""What a kernel computes, as a digest: equal in every process, different after any change of a formula or a constant.

Code counts with all that it names: constants of its module, values of its closure, helpers and what these name in turn,
attributes of modules. Words (comments, docstrings, annotations, lines) do not count. Machine code is kept between
processes under this digest, so that it must miss nothing: what is not understood here makes it incomplete, and such a
kernel is compiled in every process.
"""

import sys
import time
import types
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Fingerprint", "Part", "fingerprint"]

LOADED = time.time()
"""When this process began to read the sources of the compiler (s since 1970)."""

_PLAIN = (int, float, complex, str, bytes, type(None), type(Ellipsis), np.generic, np.dtype)
_OUTSIDE = ("numpy", "math", "cmath", "builtins", "operator", "_operator", "numba")
"""Packages whose functions numba replaces by its own: names and versions stand for what they do."""


class Part(ABC):
    """Something that code calls and that is more than a Python function."""

    frozen: str | None = None
    """Digest of what it was when it was compiled, if it was: constants that change later do not change the code."""

    @abstractmethod
    def meaning(self) -> tuple[Any, ...]:
        """Return what decides its result: functions, other parts, values."""

    def freeze(self) -> None:
        """Note what it is, right before it is compiled for the first time."""
        self.frozen = _Reader().part(self)


class Fingerprint(NamedTuple):
    """Digest of a function, and whether it stands for all that the function computes."""

    digest: str
    """SHA-256, hexadecimal."""
    complete: bool
    """False if something that the function names cannot be described, or has changed since it was compiled."""


def fingerprint(thing: Callable[..., Any] | Part) -> Fingerprint:
    """Describe a Python function or a part: code, and the constants and helpers that it names, however deep."""
    reader = _Reader()
    digest = reader.part(thing) if isinstance(thing, Part) else reader.function(thing)
    return Fingerprint(digest, reader.complete)


class _Reader:
    """One walk over a function and all that it names."""

    def __init__(self) -> None:
        self.complete = True
        self.digests: dict[int, str] = {}
        self.open: list[int] = []

    def function(self, function: Any) -> str:
        """Digest of a function; one that is being read already is told by the calls in between."""
        key = id(function)
        if key in self.open:
            return f"the function {len(self.open) - self.open.index(key)} calls above"
        if key not in self.digests:
            self.open.append(key)
            self.digests[key] = _joined(self._function(function))
            self.open.pop()
        return self.digests[key]

    def _function(self, function: Any) -> Iterator[str | bytes]:
        code = function.__code__
        yield from _code(code, function.__doc__)
        cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
        names = _names(code)
        for name in names:
            if name in cells:
                yield self.value(_content(cells[name]), names)
            elif name in function.__globals__:
                yield self.value(function.__globals__[name], names)
        yield self.value(function.__defaults__, names)
        yield self.value(tuple(sorted((function.__kwdefaults__ or {}).items())), names)

    def value(self, value: Any, names: Iterable[str]) -> str:
        """Digest of something that code names; ``names`` are all that the code names, attributes among them."""
        return _joined(self._value(value, names))

    def _value(self, value: Any, names: Iterable[str]) -> Iterator[str | bytes]:
        yield type(value).__qualname__
        if isinstance(value, Part):
            yield self.part(value)
        elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
            yield repr((value.shape, value.dtype.str))
            yield value.tobytes()
        elif isinstance(value, _PLAIN):
            yield repr(value)
        elif isinstance(value, tuple):
            yield from (self.value(item, names) for item in value)
        elif isinstance(value, types.ModuleType):
            yield value.__name__
            yield from self._attributes(value, names)
        elif place := _outside(value):
            yield place
        elif isinstance(value, types.FunctionType):
            yield self.function(value)
        else:
            self.complete = False

    def part(self, part: Part) -> str:
        """Digest of a part; it is no longer what was compiled if a constant has changed in between."""
        digest = self.value(part.meaning(), ())
        self.complete = self.complete and part.frozen in (None, digest)
        return digest

    def _attributes(self, module: types.ModuleType, names: Iterable[str]) -> Iterator[str]:
        """Describe what the code can mean of a module."""
        if module.__name__.partition(".")[0] in _OUTSIDE or id(module) in self.open:
            return
        self.open.append(id(module))
        for name in names:
            if hasattr(module, name):
                yield name
                yield self.value(getattr(module, name), names)
        self.open.pop()


def _joined(parts: Iterable[str | bytes]) -> str:
    """Digest of parts that no other parts have."""
    digest = sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def _outside(value: Any) -> str | None:
    """Name a function or type that numba knows by itself; None for all others, also those that only bear its name."""
    module = "numpy" if isinstance(value, np.ufunc) else getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if not isinstance(module, str) or not isinstance(name, str) or module.partition(".")[0] not in _OUTSIDE:
        return None
    found: Any = sys.modules.get(module)
    for step in name.split("."):
        found = getattr(found, step, None)
    return f"{module}.{name}" if found is value else None


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return cell


def _names(code: types.CodeType) -> list[str]:
    """List the names in a code and in those inside it, in an order that depends on the code only."""
    inner = [name for constant in code.co_consts if isinstance(constant, types.CodeType) for name in _names(constant)]
    return list(dict.fromkeys((*code.co_names, *code.co_freevars, *inner)))


def _code(code: types.CodeType, words: str | None = None) -> Iterator[str | bytes]:
    yield repr((code.co_argcount, code.co_kwonlyargcount, code.co_flags))
    yield repr((code.co_varnames, code.co_names, code.co_freevars, code.co_cellvars))
    yield code.co_code
    yield code.co_exceptiontable
    for place, constant in enumerate(code.co_consts):
        if isinstance(constant, types.CodeType):
            yield from _code(constant)
        elif isinstance(constant, frozenset):  # in the order of this process
            yield repr(sorted(map(repr, constant)))
        elif place or constant != words:
            yield f"{type(constant).__name__} {constant!r}"
