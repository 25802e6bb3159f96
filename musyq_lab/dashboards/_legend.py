"""Classed legends: named tables, published class colours, or even classes made from the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.units import same_units
from musyq_lab.dashboards._data import Cube
from musyq_lab.dashboards._window import BUDGET, window
from musyq_lab.figures.classes import class_table, class_tables, number
from musyq_lab.figures.colours import RAMPS, class_colours
from musyq_lab.products._registry import PRODUCTS

_FEWEST, _MOST = 4, 7  # breaks, so 5 to 8 classes
_SAMPLE = 200_000
_PLANES = 12
# Colours of the IGBP classes 0 (water) to 16 (barren) as the Earth Engine data catalogue publishes them for MCD12Q1.
_IGBP = (  # noqa: SIM905  (one table, as published)
    "#1c0dff #05450a #086a10 #54a708 #78d203 #009900 #c6b044 #dcd159 #dade48 "
    "#fbff13 #b6ff05 #27ff87 #c24f44 #a5a5a5 #ff6d4c #69fff8 #f9ffa4"
).split()
_NOTHING = {"no_data", "nodata", "missing", "fill"}
# Okabe and Ito (2008): safe for colour-blind readers; repeated where there are more classes.
_QUALITATIVE = "#0072b2 #e69f00 #009e73 #cc79a7 #56b4e9 #d55e00 #f0e442 #999999".split()  # noqa: SIM905


@dataclass(frozen=True)
class Legend:
    """Classes of a map: inner limits of numbers, or codes with names."""

    colours: tuple[str, ...]
    """One ``#rrggbb`` a class."""
    labels: tuple[str, ...]
    """One text a class."""
    breaks: tuple[float, ...] = ()
    """Inner limits, ascending; a value equal to one belongs to the class above."""
    codes: tuple[int, ...] = ()
    """Codes of named classes (instead of breaks)."""
    source: str = ""
    """Where the classes come from."""
    colour_map: str = ""
    """Ramp of the colours, empty where they are those of named classes or of a table."""

    @property
    def ends(self) -> tuple[float, float]:
        """Ends of a continuous legend: the open classes count as wide as their neighbours."""
        if len(self.breaks) < 2:
            middle = self.breaks[0] if self.breaks else 0.5
            return middle - 0.5, middle + 0.5
        return 2 * self.breaks[0] - self.breaks[1], 2 * self.breaks[-1] - self.breaks[-2]

    def ramp(self, count: int) -> list[str]:
        """Return so many colours for a continuous legend."""
        return list(class_colours(self.colour_map or "viridis", count))

    def numbers(self, values: ArrayLike) -> NDArray[np.uint8]:
        """Return the class of each value as a byte, 255 where there is none."""
        array = np.asarray(values)
        if self.codes:
            found = np.full(array.shape, 255, np.uint8)
            for position, code in enumerate(self.codes):
                found[array == code] = position
            return found
        # In the type of the values: a stored 0.7 must reach the break 0.7, although 32 bits round it down.
        breaks = np.asarray(self.breaks, array.dtype if array.dtype.kind == "f" else np.float64)
        return np.where(np.isnan(array), 255, np.searchsorted(breaks, array, "right")).astype(np.uint8)

    def classify(self, values: ArrayLike) -> NDArray[np.float32]:
        """Return the class of each value, NaN where there is none."""
        array = np.asarray(values, dtype=np.float64)
        if self.codes:
            found = np.full(array.shape, np.nan, np.float32)
            for position, code in enumerate(self.codes):
                found[array == code] = position
            return found
        return np.where(np.isnan(array), np.nan, np.digitize(array, self.breaks)).astype(np.float32)


def legend_for(cube: Cube, variable: str, classes: str | Sequence[float] | None = None) -> Legend:
    """Return the legend of a variable, the same for all its steps, so that months compare.

    Parameters
    ----------
    cube : Cube
        The data.
    variable : str
        What is mapped.
    classes : str or sequence of float, optional
        Name of a table in ``catalogs/classes.yml``, or breaks.

    Raises
    ------
    InputError
        If the breaks do not ascend, or the table is in another unit.
    """
    layer = cube.dataset[variable]
    units = str(layer.attrs.get("units", ""))
    if classes is None and {"flag_values", "flag_meanings"} <= set(layer.attrs):
        return _named_classes(layer)
    if isinstance(classes, str):
        return _table(classes, units)
    if classes is None and variable in class_tables() and same_units(class_table(variable).units, units or "1"):
        return _table(variable, units)
    source = "breaks as given" if classes is not None else "even classes between the 2nd and 98th percentile"
    breaks = tuple(map(float, classes)) if classes is not None else nice_breaks(_sample(cube, layer))
    if not breaks or list(breaks) != sorted(set(breaks)) or not all(np.isfinite(breaks)):
        raise InputError(f"classes={classes!r} must be finite breaks in ascending order, or the name of a class table.")
    return _numbers(breaks, _colour_map(cube, variable, layer), source)


def nice_breaks(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Return 4 to 7 round, even inner limits between the 2nd and 98th percentile.

    Parameters
    ----------
    values : numpy.ndarray
        Finite values; empty or constant ones give limits about their value.
    """
    if not values.size:
        return (0.0, 1.0, 2.0, 3.0)
    low, high = (float(v) for v in np.percentile(values, (2, 98)))
    if high - low <= 1e-6 * max(abs(low), abs(high), 1e-9):
        width = max(abs(low), 1.0) / 10
        return tuple(low + k * width for k in (-1.5, -0.5, 0.5, 1.5))
    power = 10.0 ** np.floor(np.log10((high - low) / _MOST))
    for step in power * np.array([1.0, 2.0, 2.5, 5.0, 10.0, 20.0]):
        ticks = np.arange(np.floor(low / step) + 1, np.ceil(high / step)) * step
        if _FEWEST <= ticks.size <= _MOST:
            return tuple(float(f"{tick:.10g}") for tick in ticks)
    return tuple(float(f"{tick:.4g}") for tick in np.linspace(low, high, _FEWEST + 2)[1:-1])


def _sample(cube: Cube, layer: xr.DataArray) -> NDArray[np.float64]:
    """Return finite values of an even sample of some steps, so that a large field is not read for its legend."""
    steps = _some_steps({str(d): layer.sizes[d] for d in layer.dims if d not in (cube.x, cube.y)})
    part = window(cube, str(layer.name), cells=max(_SAMPLE // len(steps), 1), budget=BUDGET / len(steps))
    values = np.concatenate([part.layer(str(layer.name), step).ravel() for step in steps]).astype(np.float64)
    return values[np.isfinite(values)]


def _some_steps(sizes: Mapping[str, int]) -> list[dict[str, int]]:
    """Return positions of at most about twelve planes, evenly along each further dimension."""
    steps: list[dict[str, int]] = [{}]
    for dim, size in sizes.items():
        most = max(1, _PLANES // len(steps))
        positions = np.unique(np.linspace(0, size - 1, min(size, most)).round().astype(int))
        steps = [{**step, dim: int(at)} for step in steps for at in positions]
    return steps


def _table(key: str, units: str) -> Legend:
    table = class_table(key)
    if not same_units(table.units, units or "1"):
        raise InputError(f"The class table {key!r} is in {table.units}, the data in {units or 'no unit'}.")
    return Legend(table.colours, table.labels("en"), table.breaks, (), table.source["en"], table.colour_map)


def _numbers(breaks: tuple[float, ...], colour_map: str, source: str) -> Legend:
    texts = [number(b) for b in breaks]
    middle = [f"{low} – {high}" for low, high in pairwise(texts)]
    labels = (f"< {texts[0]}", *middle, f"≥ {texts[-1]}")
    return Legend(class_colours(colour_map, len(labels)), labels, breaks, (), source, colour_map)


def _named_classes(layer: xr.DataArray) -> Legend:
    words = str(layer.attrs["flag_meanings"]).split()
    known = dict(zip((int(code) for code in np.atleast_1d(layer.attrs["flag_values"])), words, strict=True))
    known = {code: word.replace("_", " ") for code, word in known.items() if word not in _NOTHING}
    codes, names = tuple(known), tuple(known.values())
    igbp = layer.name == "land_cover" and codes == tuple(range(17))
    colours = tuple(_IGBP) if igbp else tuple(_QUALITATIVE[k % len(_QUALITATIVE)] for k in range(len(codes)))
    return Legend(colours, names, codes=codes, source="IGBP classes" if igbp else "classes of the file")


def _colour_map(cube: Cube, variable: str, layer: xr.DataArray) -> str:
    """Return the ramp of a variable: warm for radiation, else what its Product says, else viridis."""
    name = str(layer.attrs.get("standard_name", ""))
    if "shortwave" in name or "radiation" in str(layer.attrs.get("long_name", "")):
        return "musyq_radiation"
    if "vegetation" in name or "ndvi" in variable:
        return "YlGn"
    key: Any = cube.dataset.attrs.get("product")
    if key in PRODUCTS:
        stated = {v.name: v.colour_map for v in PRODUCTS[key].variables}.get(variable, "viridis")
        return stated
    return variable if variable in RAMPS else "viridis"
