# mypy: disable-error-code="no-untyped-call,import-untyped,attr-defined,untyped-decorator"
"""Compiled loops as things that can be kept: taken out of numba, named after all that decides them, loaded again.

A loop is one object file (``_linking.Whole``) whose only ties to its process are symbols of Python, numba's runtime and
the C library. Loading it takes no compiler: nothing of numba but its engine, its runtime and its calls from Python.
"""

import functools
import hashlib
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from llvmlite.binding import ObjectFileRef, address_of_symbol
from numba import _dynfunc
from numba.core import config
from numba.core.compiler_lock import global_compiler_lock
from numba.core.environment import Environment
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys

from musyq_lab.kernels import _store
from musyq_lab.kernels._fingerprint import LOADED, Part, fingerprint
from musyq_lab.kernels._inline import numba_side
from musyq_lab.kernels._store import Code

__all__ = ["Called", "compiled", "taken"]

_SOURCES = ("_compile", "_fingerprint", "_inline", "_linking", "_loops", "_machine", "_native", "_store")
_SETTINGS = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "LLVM_REFPRUNE_PASS")

_known: dict[str, Callable[..., Any]] = {}
"""Label -> loop of this process: a kernel that comes by value again and again is one loop."""


def compiled(part: Part, what: str, compile_: Callable[[], Any]) -> Callable[..., Any]:
    """Return a loop around a part: of this process, of an earlier one, or a new one.

    Parameters
    ----------
    part : Part
        What decides the result.
    what : str
        Which loop around it, and for which types.
    compile_ : callable
        Makes the loop: a dispatcher of numba compiled for one list of types.
    """
    label = _label(part, what)
    if label is None:
        return _entry(compile_())
    if label not in _known:
        code = _store.load(label)
        _known[label] = (code and _loaded(code)) or _new(part, what, label, compile_)
    return _known[label]


class Called:
    """The compiled form of a helper for calls from Python.

    Parameters
    ----------
    helper : Inline
        A function of arrays and numbers.
    """

    def __init__(self, helper: Any) -> None:
        self.helper = helper
        self._compiled: dict[Any, Callable[..., Any]] = {}

    def __call__(self, *arguments: Any) -> Any:
        """Run on arguments of any types that numba knows; compile at the first call with them."""
        kinds = tuple(map(numba.typeof, arguments))
        if kinds not in self._compiled:
            with global_compiler_lock:
                self._compiled[kinds] = compiled(self.helper, f"called {kinds}", lambda: self._compile(kinds))
        return self._compiled[kinds](*arguments)

    def _compile(self, kinds: tuple[Any, ...]) -> Any:
        return numba_side().called(self.helper.function, kinds)


def _new(part: Part, what: str, label: str, compile_: Callable[[], Any]) -> Callable[..., Any]:
    loop = compile_()
    code = taken(loop)
    if code and label == _label(part, what):  # nothing has changed under the compiler's hands
        _store.save(label, code)
    return _entry(loop)


def _label(part: Part, what: str) -> str | None:
    """Name a loop after all that decides it; None where that is not known."""
    tools = _tools()
    if tools is None:
        return None
    if part.frozen is None:
        part.freeze()
    body = fingerprint(part)
    return hashlib.sha256("\n".join((tools, body.digest, what)).encode()).hexdigest() if body.complete else None


@functools.cache
def _tools() -> str | None:
    """Describe compiler and processor; None if the compiler's sources are not those that this process runs."""
    paths = [Path(__file__).with_name(f"{name}.py") for name in _SOURCES]
    try:
        if max(path.stat().st_ctime for path in paths) > LOADED:
            return None
        sources = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    except OSError:
        return None
    versions = (numba.__version__, llvmlite.__version__, np.__version__, sys.version, platform.machine())
    settings = [(name, getattr(config, name, None)) for name in _SETTINGS]
    return repr((versions, settings, cpu_target.target_context.codegen().magic_tuple(), sources))


def _entry(loop: Any) -> Callable[..., Any]:
    """Return the built-in function behind numba's dispatcher, which would look at the types of each argument again."""
    (result,) = loop.overloads.values()
    entry: Callable[..., Any] = result.entry_point
    return entry


def taken(loop: Any) -> Code | None:
    """Take the code out of a dispatcher; None if it is tied to this process, such as by an address of its memory."""
    (result,) = loop.overloads.values()
    library = result.library
    if library.has_dynamic_globals or library._reload_init or result.lifted or result.environment.consts:
        return None
    module = library._final_module
    needs = sorted(
        value.name
        for value in (*module.functions, *module.global_variables)
        if value.is_declaration and not value.name.startswith("llvm.")
    )
    names = (result.fndesc.llvm_cpython_wrapper_name, result.fndesc.env_name)
    return Code(*names, tuple(needs), library._get_compiled_object())


@global_compiler_lock
def _loaded(code: Code) -> Callable[..., Any] | None:
    """Make kept code callable; None if this process does not offer all that it needs."""
    context = cpu_target.target_context
    if not _offered(code):
        rtsys.initialize(context)  # numba's part of what arrays need
        if not _offered(code):  # LLVM would end the process
            return None
    codegen = context.codegen()
    engine = codegen._engine._ee
    engine.add_object_file(ObjectFileRef.from_data(code.machine))
    engine.finalize_object()
    environment = Environment(globals())
    codegen.set_env(code.environment, environment)
    address = engine.get_function_address(code.entry)
    loop: Callable[..., Any] = _dynfunc.make_function(sys.modules[__name__], "run", "", address, environment, ())
    return loop


def _offered(code: Code) -> bool:
    return all(address_of_symbol(name) is not None for name in code.needs)
