"""What the granule page says in words and numbers: a pixel, shares of quality bits, angles, metadata, grids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.quality import explain
from musyq_lab.core.registry import html_table
from musyq_lab.figures.words import pretty_units
from musyq_lab.products._explain import flags_of

ANGLES = ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth")
"""Angles that a scene may have."""

_SCROLLED = "overflow-wrap:anywhere;max-height:260px;overflow-y:auto"


def table(rows: Sequence[Sequence[str]], title: str) -> str:
    """Return rows as a table that fits the page; the header first."""
    return f"<div style='{_SCROLLED}'>{html_table([list(row) for row in rows], title)}</div>"


def bands(scene: xr.Dataset) -> list[str]:
    """Return the names of the bands of a scene."""
    return [str(name) for name, layer in scene.data_vars.items() if "wavelength" in layer.attrs]


def pixel(values: xr.Dataset, row: int, column: int) -> str:
    """Return what is known of one pixel.

    Parameters
    ----------
    values : xarray.Dataset
        The scene cut to it.
    row, column : int
        Where it lies, counted from 0.
    """
    title = f"Pixel in row {row}, column {column}{_where(values)}"
    rows = [["layer", "value"]]
    for name in [*bands(values), *(angle for angle in ANGLES if angle in values)]:
        layer = values[name]
        number = float(layer.values.reshape(-1)[0])
        units = pretty_units(str(layer.attrs.get("units", ""))).removeprefix("1")
        told = f"{number:.5g} {units}".strip() if np.isfinite(number) else "no data"
        rows.append([str(layer.attrs.get("long_name", name)), told])
    if "qa" in values:
        said = explain(int(values["qa"].values.reshape(-1)[0]), flags_of(values["qa"]))
        rows.append(["quality", "; ".join(said) or "good"])
    return table(rows, title)


def _where(values: xr.Dataset) -> str:
    for across, up in (("longitude", "latitude"), ("x", "y")):
        if across in values.coords and up in values.coords:
            x, y = (float(np.asarray(values[name].values).reshape(-1)[0]) for name in (across, up))
            return f": {across} {x:.6g}, {up} {y:.6g}"
    return ""


def shares(qa: xr.DataArray) -> str:
    """Return the share of the looked-at pixels for which each quality bit is set, and what it means.

    Parameters
    ----------
    qa : xarray.DataArray
        Bits, computed.
    """
    bits = np.asarray(qa.values)
    if not bits.size:
        return "<p>The scene has no pixels.</p>"
    flags = flags_of(qa)
    rows = [["share", "bit", "what it says"], [f"{float(np.mean(bits == 0)):.2%}", "none", "All is well."]]
    for mask, name in _masks(qa):
        share = float(np.mean((bits & mask) != 0))
        rows.append([f"{share:.2%}", name.replace("_", " "), "; ".join(explain(mask, flags))])
    return table(rows, f"Quality of {bits.size:,} pixels")


def _masks(qa: xr.DataArray) -> Iterable[tuple[int, str]]:
    masks = [int(mask) for mask in np.atleast_1d(qa.attrs.get("flag_masks", []))]
    return zip(masks, str(qa.attrs.get("flag_meanings", "")).split(), strict=False)


def geometry(scene: xr.Dataset, thin: xr.Dataset) -> str:
    """Return place, size and angles of a scene.

    Parameters
    ----------
    scene : xarray.Dataset
        All of it; only coordinates are used.
    thin : xarray.Dataset
        Its thinned angles, computed.
    """
    rows = [["what", "how much"], ["rows x columns", f"{scene.sizes['y']:,} x {scene.sizes['x']:,}"]]
    for name in ("x", "y", "longitude", "latitude"):
        axis = thin.coords.get(name)
        if axis is not None and axis.size and axis.dtype.kind in "fiu" and np.isfinite(axis.values).any():
            units = str(axis.attrs.get("units", "")).replace("metre", "m")
            rows.append([name, f"{np.nanmin(axis.values):.8g} to {np.nanmax(axis.values):.8g} {units}".strip()])
    for name in (angle for angle in ANGLES if angle in thin):
        values = thin[name].values
        told = "not told"
        if np.isfinite(values).any():
            told = f"{np.nanmin(values):.2f} to {np.nanmax(values):.2f}, mean {np.nanmean(values):.2f} degrees"
        rows.append([name.replace("_", " "), told])
    if note := str(scene.attrs.get("angle_note", "")):
        rows.append(["angles are", note])
    return table(rows, "Geometry")


def metadata(scene: xr.Dataset, files: Sequence[Any], quirks: Sequence[str]) -> str:
    """Return what the granule says of itself, its files, and what a user of its sensor should know."""
    rows = [["attribute", "value"], *([str(k), str(v)] for k, v in scene.attrs.items())]
    rows += [["file", getattr(file, "name", str(file))] for file in files]
    known = "".join(f"<li>{escape(quirk)}</li>" for quirk in quirks)
    return table(rows, "Metadata") + (
        f"<p>What a user of these files should know:</p><ul>{known}</ul>" if known else ""
    )


def grids(found: Mapping[float, Sequence[str]]) -> str:
    """Return the grids of a granule and the bands on each."""
    return table([["grid", "bands"], *([f"{m:g} m", ", ".join(names)] for m, names in found.items())], "Grids")


def stretch(values: NDArray[Any], low: float, high: float) -> tuple[float, float]:
    """Return the values at two percentiles, apart from each other and finite even where there are none.

    Parameters
    ----------
    values : ndarray
        NaN counts as no data.
    low, high : float
        Percentiles.
    """
    good = values[np.isfinite(values)]
    if not good.size:
        return 0.0, 1.0
    first, last = (float(v) for v in np.percentile(good, (low, high)))
    return (first, last) if last > first else (first - 0.5, first + 0.5)
