"""Where two product files differ: layers with the number of cells, the place and the largest difference, attributes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.archive.lineage import provenance
from musyq_lab.archive.open import open_product
from musyq_lab.core.errors import MusyqError

Row = tuple[str, str]


def differences(first: Path, second: Path) -> list[Row]:
    """Return where two product files differ, as rows of what and how.

    Parameters
    ----------
    first, second : Path
        The files.
    """
    try:
        a, b = open_product(first), open_product(second)
        rows = _layers(a, b) + _attributes(a, b)
    except MusyqError as error:
        return [("file", str(error))]
    if not rows and provenance(first) != provenance(second):
        rows.append(("record", "the records of their making differ"))
    return rows or [("bytes", "all values and attributes are the same; the files differ in how they are stored")]


def _layers(a: xr.Dataset, b: xr.Dataset) -> list[Row]:
    rows: list[Row] = []
    for name in sorted({*map(str, a.variables), *map(str, b.variables)}):
        if name not in a.variables or name not in b.variables:
            rows.append((name, f"is in the {'second' if name in b.variables else 'first'} only"))
            continue
        rows += _values(name, a[name], b[name])
        rows += _attributes(a[name], b[name], f" of {name}")
    return rows


def _attributes(a: Any, b: Any, whose: str = "") -> list[Row]:
    return [
        (f"attribute {key}{whose}", f"{a.attrs.get(key)!r:.80} and {b.attrs.get(key)!r:.80}")
        for key in sorted({*a.attrs, *b.attrs})
        if str(a.attrs.get(key)) != str(b.attrs.get(key))
    ]


def _values(name: str, a: xr.DataArray, b: xr.DataArray) -> list[Row]:
    if a.shape != b.shape:
        return [(name, f"shapes {a.shape} and {b.shape}")]
    x, y = np.asarray(a.values), np.asarray(b.values)
    if x.dtype.kind not in "fiub" or y.dtype.kind not in "fiub":
        return [] if np.array_equal(x, y) else [(name, "values differ")]
    x, y = x.astype(float), y.astype(float)
    unlike = ~((x == y) | (np.isnan(x) & np.isnan(y)))
    if not unlike.any():
        return []
    apart = np.abs(x - y)[unlike]
    finite = apart[np.isfinite(apart)]
    most = f", by up to {finite.max():.3g}" if finite.size else ""
    gaps = f", {apart.size - finite.size} of them in where there is a value" if finite.size < apart.size else ""
    return [(name, f"{int(unlike.sum())} of {x.size} values differ{most}{gaps}{_where(a, unlike)}")]


def _where(array: xr.DataArray, unlike: Any) -> str:
    """Say in which part of the map the values lie."""
    parts = []
    for axis, name in enumerate(array.dims):
        found = np.flatnonzero(unlike.any(axis=tuple(i for i in range(unlike.ndim) if i != axis)))
        centres = array.coords.get(name)
        ends = (found[0], found[-1])
        if centres is not None and centres.dtype.kind in "fiu":
            low, high = sorted(float(centres.values[i]) for i in ends)
            span = f"{low:.7g}" if low == high else f"{low:.7g} to {high:.7g}"
        else:
            span = f"{ends[0]}" if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
        parts.append(f"{name} {span}")
    return f", at {', '.join(parts)}" if parts else ""
