# mypy: disable-error-code="no-untyped-call,misc,import-untyped"
"""What becomes of a function's code once numba has translated it: a piece of its callers, or a whole of its own.

Numba makes machine code of every function, optimises a callee again inside each caller, and wraps each for calls from
Python. Most functions of a kernel are never called from Python, so a third of the time of compilation is spared here,
and the arithmetic of the result is the same to the last bit.
"""

from collections.abc import Iterator
from typing import Any

from llvmlite.binding import Linkage, parse_assembly
from numba.core import compiler_machinery
from numba.core.codegen import JITCodeLibrary

__all__ = ["Fragment", "Offer", "Separate", "Whole"]


class Fragment(JITCodeLibrary):
    """Code that is only ever inlined: optimised, but not turned into machine code of its own."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


class Separate(Fragment):
    """Code that is optimised once and called: callers do not take it in before they have been optimised themselves."""

    def _get_module_for_linking(self) -> Any:
        self._ensure_finalized()
        if self._shared_module is None:  # nothing to take in: the symbol is found when the whole is put together
            self._shared_module = parse_assembly(str(self._codegen._create_empty_module(self.name)))
        return self._shared_module


class Whole(JITCodeLibrary):
    """Code with everything that it calls, in one object that can be kept: nothing in it refers to this process.

    Only the symbols with the library's own name, which no other has, can be seen from outside.
    """

    def _finalize_final_module(self) -> None:
        module = self._final_module
        for library in _separate(self, set()):
            module.link_in(library._final_module, preserve=True)
        for value in (*module.functions, *module.global_variables):
            if not value.is_declaration and value.linkage != Linkage.private and self.name not in value.name:
                value.linkage = Linkage.internal
        super()._finalize_final_module()


def _separate(library: Any, seen: set[int]) -> Iterator[Any]:
    """Iterate over the separate code that a library reaches, also through what it has inlined."""
    for other in library._linking_libraries:
        if id(other) not in seen:
            seen.add(id(other))
            if isinstance(other, Separate):
                yield other
            yield from _separate(other, seen)


@compiler_machinery.register_pass(mutates_CFG=False, analysis_only=True)
class Offer(compiler_machinery.LoweringPass):
    """Tell numba of a function that callers may inline or link, though there is no machine code to point to."""

    _name = "musyq_offer"

    def __init__(self) -> None:
        super().__init__()

    def run_pass(self, state: Any) -> bool:
        """Register the lowered function under a name that nothing else has; it is never called."""
        lowered = state["cr"]
        # Numba's dispatcher accepts built-in functions only. Each bound method is another one; this one always raises.
        key = list[None]().__getitem__
        state.targetctx.insert_user_function(key, lowered.fndesc, [state.library])
        state["cr"] = lowered._replace(cfunc=key)
        return True
