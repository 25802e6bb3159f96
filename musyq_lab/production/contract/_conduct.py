"""Checks of what a function does besides returning values: to its inputs, the session, other threads, files."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.errors import MusyqError, RecipeError
from musyq_lab.production.contract._case import (
    Case,
    Probe,
    bad,
    difference,
    finding,
    finite_share,
    good,
    only_rounding,
    rounded,
    short,
)
from musyq_lab.production.contract.report import Finding
from musyq_lab.production.isolation._process import Reply
from musyq_lab.production.isolation.limits import Limits
from musyq_lab.production.isolation.run import Isolated

# Processor time is what counts: on a busy machine the clock runs far ahead of it, which is no fault of the algorithm.
_LIMITS = Limits(cpu_seconds=120, memory=4 * 2**30, wall_seconds=900)
_ROUNDS = 3


def kept(case: Case) -> Finding:
    """Check that the inputs are the same afterwards."""
    given, probe = case.inputs.copy(deep=True), Probe(case.retrieval)
    probe(given, variables=case.everything, uncertainty=False, **case.options)
    changed = [str(n) for n in case.inputs.variables if not given[n].identical(case.inputs[n])]
    changed += [name for name in probe.changed if name not in changed]
    if not changed:
        return good("The inputs are the same afterwards.")
    return bad(f"It changes its inputs: {', '.join(changed)}.", "Write x = 2 * x, not x *= 2 or x[...] = ...")


def repeat(case: Case) -> Finding:
    """Check that the same inputs give the same values, and other inputs give others."""
    if apart := difference(case.run(case.inputs), case.made):
        return bad(
            f"The second call gives other values than the first: {apart}.",
            "Draw random numbers from a generator with a seed that is an option; keep no state between calls, and do "
            "not use the clock.",
        )
    other = case.run(case.other)
    empty = all(share == 0 for share in finite_share(case.made, case.everything).values())
    if not empty and not difference(other[case.everything], case.made[case.everything]):
        return bad(
            "Other inputs give the same values: it keeps an earlier result, or ignores its inputs.",
            "Keep nothing between calls; a cache must have the values in its key, not their shape.",
        )
    if apart := difference(case.run(case.inputs), case.made):
        return bad(f"A call with other inputs in between changes the result: {apart}.", "Keep no state between calls.")
    return good("The same inputs give the same values, other inputs others.")


@contextmanager
def _random_state() -> Iterator[None]:
    kept_numpy, kept_python = np.random.get_state(), random.getstate()  # noqa: NPY002  (the global state is the point)
    try:
        yield
    finally:
        np.random.set_state(kept_numpy)  # noqa: NPY002
        random.setstate(kept_python)


def random_state(case: Case) -> Finding:
    """Check that the random numbers of the session are neither used nor reseeded."""
    with _random_state():
        np.random.seed(99)  # noqa: NPY002
        random.seed(99)
        before = _drawn()
        np.random.seed(99)  # noqa: NPY002
        random.seed(99)
        case.run(case.inputs)
        touched = _drawn() != before
    if touched:
        return bad(
            "It reseeds or uses the random numbers of the whole session, which other work depends on.",
            "Make a generator of its own: np.random.default_rng(seed).",
        )
    return good("The random numbers of the session are left alone.")


def _drawn() -> tuple[float, float]:
    return float(np.random.random()), random.random()  # noqa: NPY002


def threads(case: Case) -> Finding:
    """Check that two threads at once get what each gets alone."""
    expected = [case.made, case.run(case.other)]
    found: list[str] = []
    barrier = threading.Barrier(2)

    def work(index: int) -> None:
        ds = (case.inputs, case.other)[index]
        try:
            for _ in range(_ROUNDS):
                barrier.wait(timeout=60)
                if apart := difference(case.run(ds), expected[index]):
                    found.append(apart)
        except threading.BrokenBarrierError:
            return
        except Exception as error:
            found.append(f"it raises {type(error).__name__}: {short(error)}")
            barrier.abort()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        workers = [threading.Thread(target=work, args=(index,)) for index in (0, 1)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(interval)
    if found:
        return bad(
            f"Two threads at once disturb each other: {found[0]}.",
            "Make arrays inside the function, not once outside; blocks run in threads.",
        )
    return good(f"{_ROUNDS} rounds of two threads at once give what each gives alone (no proof, a test).")


@dataclass
class _Elsewhere:
    """What came of one call in another process."""

    made: xr.Dataset | None = None
    error: MusyqError | None = None
    replies: tuple[Reply, ...] = ()

    @property
    def blocked(self) -> bool:
        """Whether it tried what an isolated process may not."""
        text = str(self.error) if isinstance(self.error, RecipeError) else ""
        return "PermissionError" in text or "Operation not permitted" in text or "BlockingIOError" in text

    @property
    def events(self) -> list[str]:
        """What was seen of files and connections."""
        return sorted({event for reply in self.replies for event in reply.events})


def _elsewhere(case: Case) -> _Elsewhere:
    """Call the algorithm once in another process, and keep what came of it."""
    kept_: Any = case.__dict__.get("_elsewhere")
    if kept_ is None:
        replies: list[Reply] = []
        remote = Isolated(case.retrieval, _LIMITS, seen=replies.append)
        try:
            kept_ = _Elsewhere(case.called(remote, case.inputs, uncertainty=False))
        except MusyqError as error:
            kept_ = _Elsewhere(error=error)
        kept_.replies = tuple(replies)
        case.__dict__["_elsewhere"] = kept_
    made: _Elsewhere = kept_
    return made


def process(case: Case) -> Finding:
    """Check that another process, with another folder and environment, gives the same."""
    there = _elsewhere(case)
    if there.blocked:
        return finding("not run", "It was stopped at something else: see the check of side effects.")
    if there.error is not None:
        return bad(
            f"It fails in another process: {short(there.error)}.",
            "Workers of dask are other processes: let it depend on its arguments and on modules that can be imported.",
        )
    if there.made is not None and (apart := difference(there.made, case.made)):
        if only_rounding(there.made, case.made):
            return rounded("another process")
        return bad(
            f"Another process gives other values: {apart}.",
            "Let it depend on its arguments alone: no working folder, environment, process number or global state.",
        )
    return good("It can be sent to another process, which gives the same bits.")


def side_effects(case: Case) -> Finding:
    """Check that no file is written, connection made or process started, as far as can be seen."""
    there = _elsewhere(case)
    advice = "Read tables where the module is imported; write products by ml.write_product, not inside the function."
    if there.blocked:
        return bad(f"It tried what an isolated process may not: {short(there.error or MusyqError())}.", advice)
    if there.events:
        return bad(f"It acts on the world outside: {'; '.join(there.events[:3])}.", advice)
    if there.error is not None:
        return finding("not run", "It failed in the other process.")
    lacking = sorted({name for reply in there.replies for name in reply.lacking})
    hedge = f" (this system lacks the protections {', '.join(lacking)})" if lacking else ""
    return good(f"No files written, connections made or processes started, as far as was seen{hedge}.")
