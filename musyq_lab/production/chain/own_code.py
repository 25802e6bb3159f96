"""What identifies the code of a user's own algorithm: an edited one makes its files again.

The version of the package says nothing about a function typed in a notebook, nor about a plug-in that is being written.
The digest covers the byte code of its functions, the constants and the functions of the same package that they name,
and the source of the modules of that package; of other packages the version.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.products._retrieval import Retrieval

_SHIPPED = "musyq_lab"
_PLAIN = (tuple, list, dict, set, frozenset, CodeType, np.ndarray, np.generic, np.dtype)


def is_own(key: str) -> bool:
    """Whether a product is made by an algorithm that does not ship with the package."""
    return _top(RETRIEVALS[key].__module__) != _SHIPPED


def own_code(key: str) -> str:
    """Return the digest of an own algorithm's code, empty for one that ships with the package.

    Parameters
    ----------
    key : str
        Of a registered algorithm.
    """
    if not is_own(key):
        return ""
    retrieval = RETRIEVALS[key]
    walk = _Walk(_top(retrieval.__module__))
    total = hashlib.sha256(repr(retrieval.spec).encode())
    for part in (retrieval.body, retrieval.quality, retrieval.uncertainty, retrieval.check):
        for text in walk.told(part):
            total.update(text.encode("utf-8", "backslashreplace") + b"\0")
    return total.hexdigest()


def _top(module: str | None) -> str:
    return (module or "").partition(".")[0]


class _Walk:
    """Goes from a function to what it names, once each."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.seen: dict[int, Any] = {}  # holds what it has seen, so that no identity is used twice

    def told(self, value: Any) -> Iterator[str]:
        """Yield texts that together say what a value is."""
        if isinstance(value, (type(None), bool, int, float, complex, str, bytes)):
            yield f"{type(value).__name__} {value!r}"
            return
        if not isinstance(value, _PLAIN):  # equal tuples may be one object here and two in another process
            if id(value) in self.seen:
                yield "again"
                return
            self.seen[id(value)] = value
        for kinds, how in self._ways():
            if isinstance(value, kinds):
                yield from how(value)
                return
        yield from self._object(value)

    def _ways(self) -> tuple[tuple[Any, Callable[[Any], Iterator[str]]], ...]:
        return (
            (FunctionType, self._function),
            (CodeType, self._code),
            (ModuleType, self._module),
            (Retrieval, self._retrieval),
            (partial, lambda p: self._several((p.func, p.args, p.keywords))),
            ((tuple, list), self._several),
            (dict, lambda d: self._several(sorted(d.items(), key=repr))),
            ((set, frozenset), lambda s: self._several(sorted(s, key=repr))),
            (np.ndarray, _array),
            ((BuiltinFunctionType, np.ufunc, np.generic, np.dtype), lambda b: iter((repr(b),))),
        )

    def _several(self, values: Any) -> Iterator[str]:
        yield f"{type(values).__name__} of {len(values)}"
        for value in values:
            yield from self.told(value)

    def _function(self, function: FunctionType) -> Iterator[str]:
        if (top := _top(function.__module__)) != self.package:
            yield f"{function.__module__}.{function.__qualname__} {_version(top)}"
            return
        yield from self._code(function.__code__)
        yield from self.told(function.__defaults__)
        yield from self.told(function.__kwdefaults__)
        for cell in function.__closure__ or ():
            yield from self.told(cell.cell_contents)
        for name in _names(function.__code__):
            if name in function.__globals__:
                yield name
                yield from self.told(function.__globals__[name])

    def _code(self, code: CodeType) -> Iterator[str]:
        yield code.co_code.hex()
        yield " ".join((*code.co_names, *code.co_varnames))
        for value in code.co_consts:
            yield from self.told(value)

    def _module(self, module: ModuleType) -> Iterator[str]:
        name = module.__name__
        file = getattr(module, "__file__", None)
        if _top(name) == self.package and file and Path(file).is_file():
            yield f"{name} {hashlib.sha256(Path(file).read_bytes()).hexdigest()}"
        else:
            yield f"{name} {_version(_top(name))}"

    def _retrieval(self, made: Retrieval) -> Iterator[str]:
        yield repr(made.spec)
        for part in (made.body, made.quality, made.uncertainty, made.check):
            yield from self.told(part)

    def _object(self, value: Any) -> Iterator[str]:
        kind = value if isinstance(value, type) else type(value)
        yield f"{kind.__module__}.{kind.__qualname__} {_version(_top(kind.__module__))}"
        if inner := getattr(value, "py_func", None):  # compiled by numba
            yield from self.told(inner)
        elif _top(kind.__module__) == self.package:
            held = {n: v for n, v in vars(kind).items() if isinstance(v, FunctionType) or not n.startswith("__")}
            yield from self.told(held)
            yield from self.told(getattr(value, "__dict__", None) if value is not kind else None)


def _names(code: CodeType) -> list[str]:
    """Return the global names that a function and those inside it use."""
    inner = [name for value in code.co_consts if isinstance(value, CodeType) for name in _names(value)]
    return sorted({*code.co_names, *inner})


def _array(array: Any) -> Iterator[str]:
    if array.dtype.hasobject:
        yield f"{array.dtype} {array.tolist()!r}"
    else:
        yield f"{array.dtype} {array.shape} {hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()}"


@lru_cache(maxsize=256)
def _version(top: str) -> str:
    """Return the version of the package that a module is of; none for the standard library."""
    if top in sys.stdlib_module_names:
        return ""
    try:
        return version(top)
    except (PackageNotFoundError, ValueError):
        return str(getattr(sys.modules.get(top), "__version__", ""))
