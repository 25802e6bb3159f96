"""Whatever is given to the explorer, as a field on a grid: what can be shown, and what belongs to it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.catalog.entry import Entry
from musyq_lab.catalog.open import Catalog, open_catalog
from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import explain
from musyq_lab.dashboards._levels import Levels
from musyq_lab.dashboards._shelf import Archive
from musyq_lab.products._explain import flags_of

_Y = ("latitude", "lat", "y")
_X = ("longitude", "lon", "x")
_COMPANIONS = ("_uncertainty", "_standard_deviation", "_qa")
_PARTS = ("lineage", "sensor_share")  # told in words, of a pixel at a time
DEFAULT_ENTRY = "ghi_merra2_monthly"


@dataclass(frozen=True)
class Cube:
    """A Dataset whose map variables, axes and companions are known."""

    dataset: xr.Dataset
    """Values, read when they are used."""
    x: str
    """Name of the axis across."""
    y: str
    """Name of the axis up or down."""
    title: str
    """What is shown."""
    origin: str
    """File behind the view, or ``in memory``."""
    code: str
    """The line of Python that opens it again."""
    given: str = "data"
    """What :func:`~musyq_lab.dashboards.explorer.explore` is given to show it again, as Python."""
    levels: Levels = field(default_factory=Levels, compare=False)
    """Its overviews."""
    files: tuple[Path, ...] = ()
    """Product files behind it: one, or one for each step in time."""
    key: Hashable = None
    """Equal for equal data, so that sessions may share what they read; None where the data may change."""
    factor: int = 1
    """How many cells of the map itself one of this Dataset covers along each side."""

    def level(self, factor: int) -> Cube:
        """Return the overview of a factor as a cube; 1 is the cube itself."""
        if factor == 1:
            return self
        dataset = _whole_circle(self.levels.dataset(factor), self.x)
        for name in (self.x, self.y):
            axis = dataset[name].values
            if axis.size > 1 and even_axis(self.dataset[name].values):
                # The last cell of an overview may be cut, which would make its picture of another kind.
                regular = axis[0] + (axis[1] - axis[0]) * np.arange(axis.size)
                dataset = dataset.assign_coords({name: (name, regular, dataset[name].attrs)})
        return replace(self, dataset=dataset, factor=factor)

    @property
    def cells(self) -> int:
        """Cells of one step."""
        return int(self.dataset.sizes[self.x] * self.dataset.sizes[self.y])

    def inside(self, x: float, y: float) -> bool:
        """Return whether a place lies on the map; half a unit about a single row or column counts as it."""
        for name, at in ((self.x, x), (self.y, y)):
            low, high = limits(self, name)
            margin = 0.5 if low == high else 0.0
            if not low - margin <= at <= high + margin:
                return False
        return True

    def extent(self) -> str:
        """Return what the map covers, in words."""
        ends = {name: self.dataset[name].values for name in (self.x, self.y)}
        return ", ".join(f"{name} {axis.min():g} to {axis.max():g}" for name, axis in ends.items())

    @property
    def geographic(self) -> bool:
        """Whether the axes are longitude and latitude."""
        return self.x in ("longitude", "lon")

    @property
    def variables(self) -> list[str]:
        """Variables that are maps and no companion of another."""
        ancillary = {word for v in self.dataset.data_vars.values() for word in _ancillaries(v)}
        layers = self.dataset.data_vars.items()
        maps = [str(name) for name, layer in layers if {self.x, self.y} <= set(layer.dims) and name not in _PARTS]
        main = [name for name in maps if name not in ancillary and not name.endswith(_COMPANIONS)]
        return main or maps

    def steps(self, variable: str) -> dict[str, list[Any]]:
        """Return the labels of the dimensions a variable has besides the map's."""
        layer = self.dataset[variable]
        return {str(d): layer[d].values.tolist() for d in layer.dims if d not in (self.x, self.y)}

    def spread(self, variable: str) -> tuple[xr.DataArray | None, str]:
        """Return the one-sigma companion and what it is; None where there is none."""
        for name, words in (
            (f"{variable}_uncertainty", "uncertainty, one sigma"),
            (f"{variable}_standard_deviation", "spread of days, one sigma"),
        ):
            if name in self.dataset:
                return self.dataset[name], words
        return None, ""

    def quality(self, variable: str) -> xr.DataArray | None:
        """Return the quality layer that belongs to a variable, None where there is none."""
        key = str(self.dataset.attrs.get("product", variable))
        names = [*_ancillaries(self.dataset[variable]), f"{variable}_qa", f"{key}_qa"]
        for name in names:
            if name in self.dataset and {"flag_masks", "flag_values"} & set(self.dataset[name].attrs):
                return self.dataset[name]
        return None


def _ancillaries(layer: xr.DataArray) -> list[str]:
    return str(layer.attrs.get("ancillary_variables", "")).split()


def quality_sentences(layer: xr.DataArray, value: float) -> list[str]:
    """Return what a quality value says, in sentences; nothing if all is well.

    Parameters
    ----------
    layer : xarray.DataArray
        Its CF attributes define bits (``flag_masks``) or codes (``flag_values``; the first means all is well).
    value : float
        The pixel's value; NaN says nothing.
    """
    if not np.isfinite(value):
        return []
    if "flag_masks" in layer.attrs:
        return explain(int(value), flags_of(layer))
    codes = [int(code) for code in np.atleast_1d(layer.attrs["flag_values"])]
    words = str(layer.attrs["flag_meanings"]).split()
    if int(value) == codes[0]:
        return []
    return [dict(zip(codes, words, strict=True)).get(int(value), f"code_{int(value)}").replace("_", " ")]


@cache
def samples() -> Catalog:
    """Return the shipped catalog."""
    return open_catalog()


def cube(data: Any = None) -> Cube:
    """Return what is given as a :class:`Cube`.

    Parameters
    ----------
    data : Dataset, DataArray, catalog entry, name of a sample, path, or Cube; optional
        A path is a product file, a folder of files of one product, a NetCDF file or a GeoTIFF; an
        :class:`~musyq_lab.dashboards._shelf.Archive` is also one. The shipped radiation climatology if not given.

    Raises
    ------
    InputError
        If it is none of these, or holds no map on a regular grid.
    """
    if isinstance(data, Cube):
        return data
    if data is None:
        data = DEFAULT_ENTRY
    from musyq_lab.dashboards import _open

    if isinstance(data, str) and data in samples():
        data = samples()[data]
    if isinstance(data, str | Path):
        return _open.from_path(Path(data))
    if isinstance(data, Archive):
        return _open.from_archive(data)
    if isinstance(data, Entry):
        return _open.from_entry(data)
    if isinstance(data, xr.DataArray):
        data = data.to_dataset(name=data.name or "value")
    if not isinstance(data, xr.Dataset):
        raise InputError(
            f"explore() got {type(data).__name__}. Give a Dataset, a DataArray, a catalog entry, "
            "the name of a sample, the path of a product file or a folder of them."
        )
    title = str(data.attrs.get("title") or "Data in memory")
    return made(data, title, "in memory", "data = ...  # your Dataset")


def made(dataset: xr.Dataset, title: str, origin: str, code: str, **more: Any) -> Cube:
    """Return a Dataset as a cube; axes without coordinates are counted, longitudes brought to -180..180."""
    y = next((name for name in _Y if name in dataset.dims), "")
    x = next((name for name in _X if name in dataset.dims), "")
    if not (x and y):
        raise InputError(
            f"{title!r} has no map: it needs the dimensions latitude and longitude (or y and x), "
            f"it has {', '.join(map(str, dataset.dims)) or 'none'}."
        )
    empty = [name for name in (x, y) if dataset.sizes[name] == 0]
    if empty:
        raise InputError(f"{title!r} is empty along {empty[0]}. Choose a larger region or another period.")
    missing = {name: np.arange(dataset.sizes[name]) for name in dataset.dims if name not in dataset.coords}
    result = Cube(_whole_circle(dataset.assign_coords(missing), x), x, y, title, origin, code, **more)
    if not result.variables:
        raise InputError(f"{title!r} has no variable along {y} and {x}.")
    return result


def _whole_circle(dataset: xr.Dataset, x: str) -> xr.Dataset:
    """Turn 0..360 into -180..180; a window across the antimeridian stays as it is."""
    across = dataset[x].values
    if x in ("longitude", "lon") and across.max() > 180 and across.max() - across.min() > 300:
        return dataset.assign_coords({x: (across + 180) % 360 - 180}).sortby(x)
    return dataset


def limits(cube: Cube, name: str) -> tuple[float, float]:
    """Return what the data cover, so that outlines beyond them do not shrink the map."""
    axis = cube.dataset[name].values
    half = abs(float(axis[-1] - axis[0])) / max(axis.size - 1, 1) / 2
    return float(axis.min()) - half, float(axis.max()) + half


def even_axis(axis: NDArray[Any]) -> bool:
    """Return whether an axis has even steps."""
    steps = np.diff(axis.astype(np.float64))
    return axis.size > 1 and bool(np.allclose(steps, steps[0], rtol=1e-4))
