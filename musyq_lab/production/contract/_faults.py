"""Checks with inputs that are missing, impossible, empty, or of more dimensions."""

from __future__ import annotations

import numpy as np
import xarray as xr

from musyq_lab.core.quality import INPUT_MISSING, INPUT_OUT_OF_RANGE
from musyq_lab.core.spec import Input, Window
from musyq_lab.production.contract._case import Case, bad, difference, good, only_rounding, short, skipped
from musyq_lab.production.contract.report import Finding


def missing(case: Case) -> Finding:
    """Check that where a needed input is missing there is no value, and a bit says so."""
    rows = case.grid[0]
    for item in case.needed:
        holed = case.inputs.copy(deep=True)
        # What looks at neighbours may fill a hole; it cannot fill a map.
        last = 1 if case.local and rows in holed[item.name].dims else None
        if last:
            holed[item.name] = holed[item.name].where(holed[item.name][rows] != holed[item.name][rows][0])
            holed[item.name].attrs = case.inputs[item.name].attrs
        else:
            holed[item.name].values[...] = np.nan
        try:
            made = case.run(holed).isel({rows: slice(last)})
        except Exception as error:
            return bad(
                f"It raises {type(error).__name__} where {item.name} is missing: {short(error)}.",
                "Let NaN pass through; do not use it as an index or a condition that must hold.",
            )
        for variable in case.resting_on(item):
            if not np.isnan(made[variable.name].values).all():
                return bad(
                    f"{variable.name!r} has values where its input {item.name} is missing.",
                    "Let NaN pass through: no nan_to_num, nanmean, fillna or np.where that replaces it. If it can do "
                    "without that input, declare Input(optional=True) or Variable(inputs=...).",
                )
        if not _bit(made, case, INPUT_MISSING.mask).all():
            return bad(f"No bit says that {item.name} is missing.", "Do not replace the quality layer.")
    return good(f"NaN in gives NaN out and a bit, for {_names(case.needed)}.")


def impossible(case: Case) -> Finding:
    """Check that values that cannot be count as missing and set a bit of their own."""
    rows, columns = case.grid
    items = case.needed[:1] if case.quick else case.needed
    for item in items:
        faults = [np.inf, -np.inf, 1e30, item.valid_range[1] * 1e4 + 1]
        if not np.isfinite(item.valid_range[1]) or case.inputs[item.name].sizes.get(columns, 0) < len(faults):
            continue
        spoiled = case.inputs.copy(deep=True)
        spoiled[item.name].values[..., 0, : len(faults)] = faults
        made = case.run(spoiled).isel({rows: 0, columns: slice(len(faults))})
        if not _bit(made, case, INPUT_OUT_OF_RANGE.mask).all():
            return bad(f"No bit says that {item.name} is impossible.", "Do not replace the quality layer.")
        # What looks at neighbours may fill the hole.
        filled = isinstance(case.spec.support, Window)
        for variable in () if filled else case.resting_on(item):
            if not np.isnan(made[variable.name].values).all():
                return bad(f"{variable.name!r} has values from an impossible {item.name}.", "Let NaN pass through.")
    return good(f"Infinite and absurd values set their bit, for {_names(items)}.")


def _bit(made: xr.Dataset, case: Case, mask: int) -> np.ndarray:
    return (made[case.spec.qa_name].values & mask).astype(bool)


def _names(items: list[Input]) -> str:
    return ", ".join(item.name for item in items) or "no input"


def sizes(case: Case) -> Finding:
    """Check that empty blocks and single pixels work."""
    rows, columns = case.grid
    for size in ((0, 5), (1, 1)):
        part = case.inputs.isel({rows: slice(size[0]), columns: slice(size[1])})
        try:
            made = case.run(part)
        except Exception as error:
            what = "an empty block" if size[0] == 0 else "a single pixel"
            return bad(
                f"It raises {type(error).__name__} on {what}: {short(error)}.",
                "Blocks may have any size: no min() or max() over them, and no squeeze().",
            )
        got = made[case.spec.qa_name].sizes
        if (got[rows], got[columns]) != size:
            return bad(f"{size} pixels give {dict(got)}.", "Keep the shape of the inputs: no squeeze().")
    return good("Empty blocks and single pixels work.")


def dimensions(case: Case) -> Finding:
    """Check that a stack of maps gives a stack of the same results."""
    if case.spec.support != "pixel":
        return skipped("Only what looks at its own pixel takes arrays of any shape.")
    stack = xr.concat([case.inputs, case.other], dim="layer", combine_attrs="override")
    try:
        made = case.run(stack)
    except Exception as error:
        return bad(
            f"It raises {type(error).__name__} on a stack of maps: {short(error)}.",
            "Take arrays of any number of dimensions: index from the end (x[..., i]), or not at all.",
        )
    for index, alone in enumerate((case.made, case.run(case.other))):
        apart = difference(made.isel(layer=index), alone)
        if apart and not only_rounding(made.isel(layer=index), alone):
            return bad(
                f"A map in a stack gives other values than alone: {apart}.",
                "Do not assume which axis is which: a function of pixels sees arrays of any shape.",
            )
    return good("A stack of maps gives a stack of results.")
