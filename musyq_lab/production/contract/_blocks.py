"""Checks with dask: nothing is computed early, and the blocks leave no trace."""

from __future__ import annotations

import dask

from musyq_lab.core.spec import Window
from musyq_lab.production.contract._case import Case, bad, difference, good, only_rounding, rounded, short
from musyq_lab.production.contract.report import Finding
from musyq_lab.production.contract.samples import never


def lazy(case: Case) -> Finding:
    """Check that building the graph computes nothing."""
    advice = "Work on the DataArrays by xarray's own functions; no .values, float(), .compute() or np.asarray()."
    with dask.config.set(scheduler=never):
        try:
            made = case.run(case.inputs.chunk(case.chunks()[1]))
        except Exception as error:
            return bad(f"It computes while the graph is built ({type(error).__name__}: {short(error)}).", advice)
    eager = [str(name) for name, array in made.data_vars.items() if array.chunks is None]
    if eager:
        return bad(f"{eager} are in memory though the inputs are not.", advice)
    return good("Nothing is computed before it is asked for.")


def chunks(case: Case) -> Finding:
    """Check that results do not depend on how the map is cut."""
    support = case.spec.support
    reach = f"Window({support.size})" if isinstance(support, Window) else repr(support)
    rows, columns = case.grid
    corner = {rows: slice(1), columns: slice(1)}
    alone, among = case.run(case.inputs.isel(corner)), case.made.isel(corner)
    apart = difference(alone, among) if case.local else ""
    exact = not apart
    if apart and not only_rounding(alone, among):
        return bad(
            f"A pixel alone gives another value than among others: {apart}.",
            "A value may depend on its own pixel alone: no mean, maximum or rank over the array, which is only a "
            "block. Declare support=Window(n) or 'scene' if it needs its neighbours.",
        )
    for chunking in case.chunks():
        try:
            with dask.config.set(scheduler="synchronous"):
                made = case.run(case.inputs.chunk(chunking)).compute()
        except Exception as error:
            return bad(
                f"It raises {type(error).__name__} in blocks of {chunking}: {short(error)}.",
                "A function sees a block and may not know of the rest.",
            )
        apart = difference(made, case.made)
        exact = exact and not apart
        if apart and not only_rounding(made, case.made):
            return bad(
                f"In blocks of {chunking} {apart}.",
                f"With support {reach} a value may not depend on pixels beyond: no statistics over the array, no "
                "larger neighbourhood. Declare the support that it has, or 'scene'.",
            )
    if not exact:
        return rounded("other blocks")
    return good(f"{len(case.chunks())} ways to cut the map give the same bits.")
