"""Cells of a few kilometres, in which aerosol and water vapour are found from some pixels of a scene.

The plane is parted evenly into whole cells, and each is seen by a regular sample of its pixels, whatever the chunks of
the scene: so a result does not depend on them. Between the centres of cells it is interpolated linearly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import METRES_PER_DEGREE
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard import atmosphere, layout

SAMPLES = 24
"""Pixels of a cell that are looked at, along either dimension, at most."""

LEAST_PIXELS = 10
"""Pixels along the edge of a cell at least, by default."""

_CHUNK = 256  # samples along either dimension that are worked on at once

Floats = NDArray[Any]


@dataclass(frozen=True)
class Axis:
    """Cells along one dimension of the plane."""

    size: int
    """Pixels."""
    count: int
    """Cells."""
    index: NDArray[np.intp]
    """Pixels looked at, shape (cell, sample)."""
    centre: NDArray[np.float64]
    """Middle of each cell, in pixels."""

    @classmethod
    def parted(cls, size: int, wanted: float) -> Axis:
        """Part some pixels into cells of about a number of pixels."""
        count = int(np.clip(round(size / wanted), 1, size))
        edges = np.round(np.linspace(0, size, count + 1)).astype(np.intp)
        widths = np.diff(edges)
        samples = int(min(SAMPLES, widths.min()))
        places = (np.arange(samples) + 0.5) / samples * widths[:, None]
        return cls(size, count, edges[:-1, None] + places.astype(np.intp), (edges[1:] + edges[:-1] - 1) / 2)

    @property
    def samples(self) -> int:
        """Pixels of a cell."""
        return int(self.index.shape[1])

    @property
    def chunk(self) -> int:
        """Cells in a chunk."""
        return max(1, _CHUNK // self.samples)

    def place(self) -> NDArray[np.float64]:
        """Return where each pixel lies between the centres of cells."""
        return np.interp(np.arange(self.size), self.centre, np.arange(self.count))


@dataclass(frozen=True)
class Cells:
    """Cells of the plane of a scene."""

    scene: xr.Dataset
    """Standard scene."""
    plane: tuple[str, str]
    """Its dimensions."""
    rows: Axis
    """Along the first."""
    columns: Axis
    """Along the second."""
    spacing: float
    """Distance of the pixels looked at (m)."""

    @classmethod
    def of(cls, scene: xr.Dataset, cell: float | None, least: float) -> Cells:
        """Part a scene into cells of an edge (m); by default ``least`` or ten pixels, whichever is more."""
        plane = layout.plane_of(scene)
        metres = _spacing(scene, plane)
        edge = max(least, LEAST_PIXELS * metres) if cell is None else float(cell)
        if not edge >= metres:
            raise InputError(f"cell={cell!r}: cells must be at least as wide as a pixel of this scene, {metres:g} m.")
        rows, columns = (Axis.parted(scene.sizes[dim], edge / metres) for dim in plane)
        return cls(scene, plane, rows, columns, edge / max(rows.samples, columns.samples))

    def sampled(self, data: Any) -> Any:
        """Return the pixels looked at of an array whose last dimensions are the plane, in chunks of whole cells."""
        taken = data[..., self.rows.index.ravel(), :][..., self.columns.index.ravel()]
        if not isinstance(taken, da.Array):
            return np.asarray(taken)
        leading = dict.fromkeys(range(taken.ndim - 2), -1)
        sizes = {-2: self.rows.chunk * self.rows.samples, -1: self.columns.chunk * self.columns.samples}
        return taken.rechunk(leading | {taken.ndim + k: size for k, size in sizes.items()})

    def means(self, name: str, value: Any) -> Any:
        """Return the mean of a field over each cell, shape (rows, columns): of a number, or of a DataArray."""
        if not isinstance(value, xr.DataArray):
            return self._number(name, value)
        sizes = {dim: self.scene.sizes[dim] for dim in self.plane}
        if any(sizes.get(str(dim)) != size for dim, size in value.sizes.items()):
            raise InputError(
                f"{name} must lie on the pixels of the scene {sizes} or one dimension of them; got "
                f"{dict(value.sizes)}. Interpolate it first."
            )
        bare = value.reset_coords(drop=True).drop_vars([dim for dim in value.dims if dim in value.coords])
        laid = bare.expand_dims({d: n for d, n in sizes.items() if d not in value.dims}).transpose(*self.plane)
        return self.apply(_mean_block, self.sampled(laid.data)[None], leading=1)[0]

    def _number(self, name: str, value: Any) -> Any:
        if np.ndim(value) or isinstance(value, str | bytes):
            raise InputError(f"{name} must be a number or a DataArray, got {type(value).__name__}.")
        return np.full((self.rows.count, self.columns.count), value, np.float32)

    def apply(self, function: Callable[..., Floats], *arrays: Any, leading: int, **constants: Any) -> Any:
        """Run a function over chunks of whole cells.

        Parameters
        ----------
        function : callable
            ``function(*arrays, rows=samples, columns=samples, **constants)`` returns shape (leading, rows, columns).
        *arrays : array, shape (n, y, x)
            Of samples or of cells.
        leading : int
            First dimension of the result.
        **constants
            For the function.
        """
        told = {"rows": self.rows.samples, "columns": self.columns.samples, **constants}
        if not any(isinstance(array, da.Array) for array in arrays):
            return function(*arrays, **told)
        chunks = ((leading,), *(_parted(axis.count, axis.chunk) for axis in (self.rows, self.columns)))
        return da.map_blocks(
            function, *(self._aligned(array) for array in arrays), chunks=chunks, dtype=np.float32, name=None, **told
        )

    def _aligned(self, array: Any) -> da.Array:
        """Bring an array of samples or cells to chunks of the same cells."""
        axes = (self.rows, self.columns)
        each = [axis.chunk * (length // axis.count) for axis, length in zip(axes, array.shape[1:], strict=True)]
        chunks = (array.shape[0], *each)
        lazy = isinstance(array, da.Array)
        aligned: da.Array = array.rechunk(chunks) if lazy else da.from_array(array, chunks=chunks, name=None)
        return aligned

    def spread(self, values: Any) -> Any:
        """Interpolate a field of cells, shape (rows, columns), to the pixels, in the chunks of the scene."""
        stack = self.scene["reflectance" if "reflectance" in self.scene else "brightness_temperature"]
        like = stack.transpose(..., *self.plane).data
        places = self.rows.place()[:, None], self.columns.place()[None, :]
        if not isinstance(values, da.Array) and not isinstance(like, da.Array):
            return spread_block(*places, values)
        chunks = like.chunks[1:] if isinstance(like, da.Array) else da.core.normalize_chunks("auto", like.shape[1:])
        whole = values.rechunk(-1) if isinstance(values, da.Array) else da.from_array(values, chunks=-1, name=None)
        down = da.from_array(places[0], chunks=(chunks[0], 1), name=None)
        across = da.from_array(places[1], chunks=(1, chunks[1]), name=None)
        return da.map_blocks(spread_block, down, across, whole, chunks=chunks, dtype=np.float32, name=None)

    def geometry(self) -> list[Any]:
        """Return zenith angle of the Sun and of the view (0 where the scene has none) and relative azimuth (deg)."""
        layout.require(self.scene, "The air of cells", variables=("sun_zenith",))
        sun = self.means("sun_zenith", self.scene["sun_zenith"])
        if "view_zenith" not in self.scene:
            return [sun, self.means("view_zenith", 0.0), self.means("relative_azimuth", 0.0)]
        layout.require(self.scene, "The air of cells", variables=("sun_azimuth", "view_azimuth"))
        turn = layout.relative_azimuth(self.scene)
        return [sun, self.means("view_zenith", self.scene["view_zenith"]), self.means("relative_azimuth", turn)]

    def place(self) -> dict[str, xr.DataArray]:
        """Return latitude and longitude of the centres of cells (deg), dims (row, column)."""
        scene, (y, x) = self.scene, self.plane
        middle = {y: np.round(self.rows.centre).astype(int), x: np.round(self.columns.centre).astype(int)}
        if "latitude" in scene.coords and "longitude" in scene.coords:
            cut = [scene[name].reset_coords(drop=True) for name in ("latitude", "longitude")]
            cut = [c.isel({d: at for d, at in middle.items() if d in c.dims}) for c in cut]
            cut = [c.drop_vars([d for d in c.dims if d in c.coords]) for c in cut]
            laid = xr.broadcast(*(c.rename({d: k for d, k in ((y, "row"), (x, "column")) if d in c.dims}) for c in cut))
            return dict(zip(("latitude", "longitude"), (c.transpose("row", "column") for c in laid), strict=True))
        if "spatial_ref" in scene.coords and y in scene.coords and x in scene.coords:
            return _from_map(scene, scene[y].values[middle[y]], scene[x].values[middle[x]])
        raise InputError(
            "The scene has no place for the climatology: coordinates latitude and longitude, or y, x and spatial_ref. "
            "Add them, or give the prior, water_vapour, ozone and pressure."
        )


def _from_map(scene: xr.Dataset, rows: Floats, columns: Floats) -> dict[str, xr.DataArray]:
    from pyproj import CRS

    attrs = scene["spatial_ref"].attrs
    text = str(attrs["crs_wkt"]) if "crs_wkt" in attrs else CRS.from_cf(attrs).to_wkt()
    east, north = np.meshgrid(columns.astype(np.float64), rows.astype(np.float64))
    found = _to_degrees(text).transform(east, north)
    longitude, latitude = (xr.DataArray(np.where(np.isfinite(c), c, np.nan), dims=("row", "column")) for c in found)
    return {"latitude": latitude, "longitude": longitude}


@lru_cache(maxsize=8)
def _to_degrees(text: str) -> Any:
    """Return the way from a map to longitude and latitude, which takes 50 ms to make: a series has one map."""
    from pyproj import CRS, Transformer

    return Transformer.from_crs(CRS.from_wkt(text), "EPSG:4326", always_xy=True)


def _spacing(scene: xr.Dataset, plane: tuple[str, str]) -> float:
    """Return the distance of pixels (m): of the map, else the nominal one of the sensor."""
    y = plane[0]
    if y in scene.coords and scene.sizes[y] > 1:
        step = abs(float(scene[y].values[1]) - float(scene[y].values[0]))
        return step * METRES_PER_DEGREE if y == "latitude" else step
    return SENSORS[str(scene.attrs["sensor"])].resolution


def _parted(count: int, chunk: int) -> tuple[int, ...]:
    return tuple(min(chunk, count - start) for start in range(0, count, chunk))


def by_cell(samples: Floats, rows: int, columns: int) -> Floats:
    """Return samples cell by cell, shape (n, y, x) to (n, rows of cells, columns of cells, sample), contiguous."""
    n, y, x = samples.shape
    parts = samples.reshape(n, y // rows, rows, x // columns, columns).transpose(0, 1, 3, 2, 4)
    return np.ascontiguousarray(parts).reshape(n, y // rows, x // columns, rows * columns)


def _mean_block(samples: Floats, *, rows: int, columns: int) -> Floats:
    parts = by_cell(samples, rows, columns)
    known = np.isfinite(parts)
    with np.errstate(invalid="ignore"):
        total = np.where(known, parts, 0.0).sum(-1, dtype=np.float64)
        return np.asarray(total / known.sum(-1), np.float32)


def spread_block(down: Floats, across: Floats, values: Floats) -> Floats:
    """Interpolate cells linearly; those without a value take the mean of the others."""
    known = np.isfinite(values)
    mean = values[known].mean(dtype=np.float64) if known.any() else np.nan
    filled = np.where(known, values, mean)
    i, k = (np.clip(place.astype(np.intp), 0, max(size - 2, 0)) for place, size in _axes(down, across, values))
    after_i, after_k = np.minimum(i + 1, values.shape[0] - 1), np.minimum(k + 1, values.shape[1] - 1)
    u, v = down - i, across - k
    above = filled[i, k] * (1 - v) + filled[i, after_k] * v
    below = filled[after_i, k] * (1 - v) + filled[after_i, after_k] * v
    return np.asarray(above * (1 - u) + below * u, np.float32)


def _axes(down: Floats, across: Floats, values: Floats) -> list[tuple[Floats, int]]:
    return [(down, values.shape[0]), (across, values.shape[1])]


def nodes(keys: list[Any], air: Floats, **varied: Floats) -> tuple[Floats, Floats, Floats]:
    """Return path, transmittance and spherical albedo of cells at some amounts, shape (rows, columns, node, band).

    Parameters
    ----------
    keys : list
        Tables of the bands, from :func:`musyq_lab.standard.atmosphere.key_of`.
    air : array, shape (6, rows, columns)
        Zenith angles of the Sun and the view, relative azimuth, aerosol, vapour, ozone and pressure less what varies,
        in this order.
    **varied : array, shape (node,)
        ``aod`` or ``water_vapour``.
    """
    names = ["sun_zenith", "view_zenith", "relative_azimuth", "aod", "water_vapour", "ozone", "pressure"]
    fixed = [name for name in names if name not in varied]
    state = {name: field[..., None] for name, field in zip(fixed, air.astype(np.float32), strict=True)}
    state |= {name: values.astype(np.float32) for name, values in varied.items()}
    found = [atmosphere.coefficients(*key, **state) for key in keys]
    path, through, albedo = (np.stack(parts, -1) for parts in zip(*(f[:3] for f in found), strict=True))
    return path, through, albedo
