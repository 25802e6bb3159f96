"""What identifies the code of a user's own algorithm: an edited one makes its files again.

The version of the package says nothing about a function typed in a notebook, nor about a plug-in that is being written.
The digest covers the byte code of its functions, the constants, functions, classes and objects that they name, and the
source of the modules of that package; of functions and classes of other packages the version.
"""

from __future__ import annotations

import copyreg
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

import numpy as np

from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.products._retrieval import Retrieval

_SHIPPED = "musyq_lab"
_MAPPINGS = (dict, MappingProxyType)
_PLAIN = (tuple, list, *_MAPPINGS, set, frozenset, CodeType, np.ndarray, np.generic, np.dtype)


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
    """Goes from a function to what it names, once each.

    A function or an object is told by a digest of its own, so that it makes no difference whether two names are of one
    object or of two equal ones: a journey to another process parts and joins them.
    """

    def __init__(self, package: str) -> None:
        self.package = package
        self.seen: dict[int, tuple[Any, str]] = {}  # holds what it has seen, so that no identity is used twice
        self.inside: set[int] = set()  # what is being told: it may hold itself

    def told(self, value: Any) -> Iterator[str]:
        """Yield texts that together say what a value is."""
        if isinstance(value, (type(None), bool, int, float, complex, str, bytes)):
            yield f"{type(value).__name__} {value!r}"
        elif isinstance(value, _PLAIN):
            yield from self._by_kind(value)
        elif id(value) in self.inside:
            yield "again"
        else:
            if id(value) not in self.seen:
                self.seen[id(value)] = (value, self._digest(value))
            yield self.seen[id(value)][1]

    def _digest(self, value: Any) -> str:
        self.inside.add(id(value))
        total = hashlib.sha256()
        for text in self._by_kind(value):
            total.update(text.encode("utf-8", "backslashreplace") + b"\0")
        self.inside.discard(id(value))
        return total.hexdigest()

    def _by_kind(self, value: Any) -> Iterator[str]:
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
            (_MAPPINGS, lambda d: self._once(d, sorted(d.items(), key=lambda item: repr(item[0])))),
            ((set, frozenset), lambda s: self._several(sorted(s, key=repr))),
            (np.ma.MaskedArray, lambda m: self._several((np.ma.getdata(m), np.ma.getmaskarray(m)))),
            (np.ndarray, _array),
            (property, lambda p: self._several((p.fget, p.fset, p.fdel))),
            (MethodType, lambda m: self._several((m.__func__, m.__self__))),
            (BuiltinFunctionType, self._builtin),
            ((np.ufunc, np.generic, np.dtype), lambda b: iter((repr(b),))),
        )

    def _several(self, values: Any) -> Iterator[str]:
        if _top(type(values).__module__) == self.package:
            yield from self.told(type(values))
        yield from self._once(values, values)

    def _once(self, whole: Any, values: Any) -> Iterator[str]:
        """Tell some values of a whole, unless they are of one that is being told."""
        yield f"{type(whole).__name__} of {len(values)}"
        if id(whole) in self.inside:
            return
        self.inside.add(id(whole))
        for value in values:
            yield from self.told(value)
        self.inside.discard(id(whole))

    def _builtin(self, function: Any) -> Iterator[str]:
        yield f"{function.__module__}.{function.__qualname__}"
        if not isinstance(owner := function.__self__, ModuleType):  # its text would say where in memory it lies
            yield from self.told(owner)

    def _function(self, function: FunctionType) -> Iterator[str]:
        if (top := _top(function.__module__)) != self.package:
            yield f"{function.__module__}.{function.__qualname__} {_version(top)}"
            return
        yield from self._code(function.__code__)
        yield from self.told(function.__defaults__)
        yield from self.told(function.__kwdefaults__)
        for cell in function.__closure__ or ():
            yield from self.told(cell.cell_contents)
        for name in ("__wrapped__", "registry"):  # of functools: what is cached, what is chosen among
            yield from self.told(vars(function).get(name))
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
        inner = getattr(value, "py_func", None) or getattr(value, "__wrapped__", None)
        if inner is not None and not isinstance(value, type):  # compiled by numba, cached, or a method of a class
            yield from self.told(inner)
            return
        if _top(kind.__module__) == self.package:
            for each in kind.__mro__:
                yield from self._class(each)
        if value is not kind and _has_state(value):
            yield from self._state(value)

    def _class(self, kind: type) -> Iterator[str]:
        if _top(kind.__module__) == self.package:
            held = {n: v for n, v in vars(kind).items() if isinstance(v, FunctionType) or not n.startswith("__")}
            yield from self.told(held)

    def _state(self, value: Any) -> Iterator[str]:
        """Tell what an object would be made of anew, as pickle does; nothing of one that cannot be."""
        reduce = copyreg.dispatch_table.get(type(value))
        try:
            made = reduce(value) if reduce else value.__reduce_ex__(4)
        except Exception:  # an open file, a lock: no values, and refused where it is sent to workers
            return
        if isinstance(made, str):
            yield made
            return
        how, values, *rest = made
        yield from self.told(how)
        yield from self.told(values)
        for part in rest[:1]:
            yield from self.told(part)
        for items in rest[1:3]:
            yield from self.told(None if items is None else list(items))


def _has_state(value: Any) -> bool:
    """Whether what an object holds is its own: not the environment, nor what this process has loaded so far."""
    shipped = _top(type(value).__module__) == _SHIPPED
    return not isinstance(value, type(os.environ)) and (not shipped or is_dataclass(value))


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
