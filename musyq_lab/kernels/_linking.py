# mypy: disable-error-code="no-untyped-call,misc,import-untyped"
"""What becomes of a function's code once numba has translated it: machine code, or a piece of its callers only.

Numba makes machine code of every function, optimises a callee again inside each caller, and wraps each for calls from
Python. Most functions of a kernel are never called from Python, so a third of the time of compilation is spared here,
and the arithmetic of the result is the same to the last bit.
"""

from typing import Any

from llvmlite.binding import parse_assembly
from numba.core import compiler_machinery
from numba.core.codegen import JITCodeLibrary

__all__ = ["Fragment", "Offer", "Separate"]


class Fragment(JITCodeLibrary):
    """Code that is only ever inlined: optimised, but not turned into machine code of its own."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


class Separate(JITCodeLibrary):
    """Code that is compiled once and called by address: callers do not take it in and optimise it again."""

    def _get_module_for_linking(self) -> Any:
        self._ensure_finalized()
        if self._shared_module is None:  # nothing to take in: the symbol is found in the module of this library
            self._shared_module = parse_assembly(str(self._codegen._create_empty_module(self.name)))
        return self._shared_module


@compiler_machinery.register_pass(mutates_CFG=False, analysis_only=True)
class Offer(compiler_machinery.LoweringPass):
    """Tell numba of a function that callers may inline, though there is no machine code to point to."""

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
