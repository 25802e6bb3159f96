"""What an algorithm costs, and what it makes of its methods and inputs: mostly for the reader to judge."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np

from musyq_lab.kernels._compile import jit_disabled
from musyq_lab.production.contract._case import Case, bad, difference, finding, finite_share, good, short, skipped
from musyq_lab.production.contract.report import Finding
from musyq_lab.production.contract.samples import DATES, example
from musyq_lab.products._inputs import needed_inputs

SECONDS = 60.0
"""For a million pixels without uncertainty: more is told."""
ABSURD_SECONDS = 1000.0
"""More is refused: a map of China at 1 km has ten million pixels."""
BYTES = 50_000.0
"""For a pixel: more is told."""
ABSURD_BYTES = 1_000_000.0
"""More is refused: a block of 512 x 512 pixels would take 262 GB."""

_EDGES = (16, 32, 64, 128, 256)
_LONG, _LONGEST = 0.2, 2.0  # seconds from which a measurement can be told from its fixed cost; and is long enough


def speed(case: Case) -> Finding:
    """Measure the time for a million pixels."""
    if case.samples is not None:
        return skipped("Measured on simulated samples only.")
    rate, edge = _rate(case)
    text = f"{rate:.3g} s for a million pixels{_dates(case)}, measured on {edge} x {edge}, without uncertainty"
    if jit_disabled():
        return finding("noted", f"{text}, with compilation switched off.")
    if rate > ABSURD_SECONDS:
        return bad(f"{text}.", f"Work on whole arrays, not pixel by pixel; {ABSURD_SECONDS:g} s is the most.")
    return finding("noted" if rate > SECONDS else "passed", f"{text}.")


def _rate(case: Case) -> tuple[float, int]:
    """Return seconds for a million pixels, and the edge of the largest map that was measured.

    What a call takes however few pixels it has is left out: it is the difference of two maps that counts.
    """
    few = _EDGES[0] // 2
    _seconds(case, few)  # compiles
    before, pixels = _seconds(case, few), few**2
    for edge in _EDGES:
        now = _seconds(case, edge)
        rate = max(now - before, 0.0) / (edge**2 - pixels) * 1e6
        if now > _LONG and now > 2 * before:
            break
        before, pixels = now, edge**2
        if now > _LONGEST:
            break
    return rate, edge


def _seconds(case: Case, edge: int) -> float:
    inputs = example(case.spec, shape=(edge, edge))
    start = time.perf_counter()
    case.run(inputs, uncertainty=False)
    return time.perf_counter() - start


def _dates(case: Case) -> str:
    return f" of {len(DATES)} dates" if case.spec.support in ("series", "yearly", "period") else ""


def memory(case: Case) -> Finding:
    """Measure the peak memory for a pixel, and whether it grows with the number of pixels."""
    if case.samples is not None:
        return skipped("Measured on simulated samples only.")
    small, large = (_peak(case, edge) / edge**2 for edge in (24, 48))
    text = f"{large:.3g} bytes for a pixel{_dates(case)} at most, without uncertainty"
    if large > 2 * small and large > BYTES / 5:
        return bad(
            f"Memory for a pixel grows with the map: {small:.3g} bytes among 24 x 24, {large:.3g} among 48 x 48.",
            "Do not compare all pixels with all others (outer products, distance matrices).",
        )
    if large > ABSURD_BYTES:
        return bad(f"{text}.", "Work in place on arrays of the function's own, or in smaller steps.")
    return finding("noted" if large > BYTES else "passed", f"{text}.")


def _peak(case: Case, edge: int) -> int:
    inputs = example(case.spec, shape=(edge, edge))
    running = tracemalloc.is_tracing()
    if not running:
        tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        case.run(inputs, uncertainty=False)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not running:
            tracemalloc.stop()


def methods(case: Case) -> Finding:
    """Check that each method works."""
    names = case.spec.method_names
    if len(names) < 2 or "method" in case.options:
        return skipped("There is one way to make it.")
    for name in names:
        try:
            made = case.retrieval(case.inputs.copy(deep=True), method=name, uncertainty=False, **case.options)
        except Exception as error:
            return bad(
                f"The method {name!r} raises {type(error).__name__}: {short(error)}.",
                "Let the function take every method of its spec.",
            )
        if max(finite_share(made, [v.name for v in case.spec.variables if v.name in made]).values()) <= 0.5:
            return bad(f"The method {name!r} gives few values on ordinary inputs.", "Look for NaN in its formula.")
    return good(f"Each of {', '.join(names)} works.")


def inputs_used(case: Case) -> Finding:
    """Tell which inputs matter."""
    idle = []
    for item in needed_inputs(case.spec, case.spec.variables, case.method):
        if item.name in case.inputs and np.any(case.inputs[item.name].values != case.other[item.name].values):
            made = case.run(case.inputs.assign({item.name: case.other[item.name]}), uncertainty=False)
            if not difference(made[case.everything], case.made[case.everything]):
                idle.append(item.name)
    if idle:
        return finding("noted", f"On these samples {', '.join(idle)} changed nothing.", "Is it needed?")
    return good("Each input changes the result.")
