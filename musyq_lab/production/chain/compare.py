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
        (f"attribute {key}{whose}", " and ".join(_said(a.attrs.get(key), b.attrs.get(key))))
        for key in sorted({*a.attrs, *b.attrs})
        if not _same(a.attrs.get(key), b.attrs.get(key))
    ]


def _said(one: Any, other: Any) -> tuple[str, str]:
    """Say what two attributes are; of arrays of one shape the first pair of values that is not the same."""
    x, y = np.asarray(one), np.asarray(other)
    if x.ndim and x.shape == y.shape and x.dtype.kind == y.dtype.kind:
        at = next(i for i in np.ndindex(x.shape) if not _same(x[i], y[i]))
        return f"{x[at]!r:.80}", f"{y[at]!r:.80}"
    return f"{one!r:.80}", f"{other!r:.80}"


def _same(one: Any, other: Any) -> bool:
    """Whether two attributes are equal; the texts of long or precise arrays would hide where they are not."""
    x, y = np.asarray(one), np.asarray(other)
    return x.dtype.kind == y.dtype.kind and np.array_equal(x, y, equal_nan=x.dtype.kind in "fc")


def _values(name: str, a: xr.DataArray, b: xr.DataArray) -> list[Row]:
    if a.shape != b.shape:
        return [(name, f"shapes {a.shape} and {b.shape}")]
    x, y = np.asarray(a.values), np.asarray(b.values)
    if x.dtype.kind not in "fiub" or y.dtype.kind not in "fiub":
        times = x.dtype.kind == y.dtype.kind and x.dtype.kind in "mM"
        return [] if np.array_equal(x, y, equal_nan=times) else [(name, "values differ")]
    # Compared as they are: bits of long integers are lost in floats.
    unlike = ~((x == y) | (_gaps(x) & _gaps(y)))
    if not unlike.any():
        return []
    with np.errstate(invalid="ignore"):  # of two infinities
        apart = np.abs(x[unlike].astype(np.longdouble) - y[unlike].astype(np.longdouble))
    finite = apart[np.isfinite(apart)]
    most = f", by up to {finite.max():.3g}" if finite.size else ""
    gaps = f", {apart.size - finite.size} of them in where there is a value" if finite.size < apart.size else ""
    return [(name, f"{int(unlike.sum())} of {x.size} values differ{most}{gaps}{_where(a, unlike)}")]


def _gaps(values: Any) -> Any:
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)


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
