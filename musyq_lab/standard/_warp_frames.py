"""Where the cells of a regular raster lie: edges, steps and coordinate system, and the maps from one to another."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import CRS_ATTRIBUTES, LATITUDE, LONGITUDE, GeoGrid, ProjectedGrid
from musyq_lab.kernels import warp

Doubles = NDArray[np.float64]

GEOGRAPHIC = "EPSG:4326"
STEP = 32  # points from node to node of a tabulated map
TILE = 3 * STEP
_TOLERANCE = 1e-4  # pixels; ten times finer than what is promised
# Where the error of a cubic polynomial through four nodes is largest, and the middle, as parts of a tile.
_PROBES = (0.127, 0.5, 0.873)
_REGULAR = 1e-3  # of a step: axes of a regular raster stray less


@dataclass(frozen=True, slots=True)
class Frame:
    """A regular raster of cells in some coordinate system."""

    crs: str
    """As pyproj reads it."""
    x: float
    """Outer edge of the first column."""
    dx: float
    """Step from column to column, negative where x falls."""
    y: float
    """Outer edge of the first row."""
    dy: float
    """Step from row to row, negative where y falls."""
    rows: int
    """Height in cells."""
    columns: int
    """Width in cells."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    @property
    def geographic(self) -> bool:
        """Whether x and y are longitude and latitude (degree)."""
        return bool(reference(self.crs).is_geographic)

    @property
    def period(self) -> float:
        """Columns round the globe, 0 on a projection."""
        return abs(360.0 / self.dx) if self.geographic else 0.0

    @property
    def poles(self) -> Doubles:
        """Rows of the two poles, infinite on a projection."""
        if not self.geographic:
            return np.array([-math.inf, math.inf])
        return (np.array([90.0, -90.0]) - self.y) / self.dy

    def place(self, v: Any, u: Any) -> tuple[Any, Any]:
        """Return x and y at a row and column, counted from the outer edges."""
        return self.x + u * self.dx, self.y + v * self.dy

    def index(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return row and column of a point; longitudes are taken on the side of the raster."""
        v, u = (y - self.y) / self.dy, (x - self.x) / self.dx
        if period := self.period:
            u = u - period * np.floor((u - self.columns / 2.0) / period + 0.5)
        return v, u


@functools.lru_cache(maxsize=64)
def reference(crs: str) -> Any:
    """Return the coordinate system as pyproj knows it."""
    return pyproj.CRS.from_user_input(crs)


@functools.lru_cache(maxsize=64)
def _cf(crs: str) -> dict[str, Any]:
    attrs: dict[str, Any] = reference(crs).to_cf()
    return attrs | CRS_ATTRIBUTES if crs == GEOGRAPHIC else attrs


@functools.lru_cache(maxsize=64)
def transformer(source: str, target: str) -> Any:
    """Return the map from one coordinate system to another, x before y, None where they are one."""
    if source == target or reference(source) == reference(target):
        return None
    return pyproj.Transformer.from_crs(reference(source), reference(target), always_xy=True)


def across(source: Frame | str, target: Frame | str, x: Any, y: Any) -> tuple[Any, Any]:
    """Bring points from one coordinate system to another; NaN where they have no place there."""
    names = [frame.crs if isinstance(frame, Frame) else frame for frame in (source, target)]
    link = transformer(*names)
    if link is None:
        return x, y
    x, y = link.transform(x, y)
    lost = ~(np.isfinite(x) & np.isfinite(y))
    return np.where(lost, np.nan, x), np.where(lost, np.nan, y)


def exact(source: Frame, target: Frame, v: Any, u: Any) -> Doubles:
    """Return row and column in one raster of points of another, shape (2, ...)."""
    x, y = source.place(v, u)
    return np.stack(target.index(*across(source, target, x, y)))


def nodes(source: Frame, target: Frame, offset: float, rows: tuple[int, int], columns: tuple[int, int]) -> Doubles:
    """Return row and column in the target at every node of the tiles of the source that hold a window.

    Parameters
    ----------
    source, target : Frame
        Rasters.
    offset : float
        0 for the corners of the source's cells, 0.5 for their centres.
    rows, columns : tuple of int
        First and last + 1.

    Returns
    -------
    ndarray, shape (2, 3 n + 1, 3 m + 1)
        From the tile that holds the first row and column; tiles count from the origin of the source, so that
        neighbouring windows agree to the last bit.
    """
    v, u = (
        np.arange(low // TILE * TILE, -(-high // TILE) * TILE + 1, STEP, dtype=float) + offset
        for low, high in (rows, columns)
    )
    return exact(source, target, *np.broadcast_arrays(v[:, None], u[None, :]))


def lattice(
    source: Frame,
    target: Frame,
    offset: float,
    rows: tuple[int, int],
    columns: tuple[int, int],
    origin: float = 0.0,
) -> Doubles:
    """Return row and column in the target at every point of a window of the source, shape (2, rows, columns).

    Cubic polynomials between nodes, each tile checked at nine points against the exact map; where they differ by
    more than 1e-4 of a cell, at every point exactly. Parameters as for :func:`nodes`, counting points;
    ``origin`` is what counts as 0 in the target.
    """
    table = nodes(source, target, offset, rows, columns)
    first = rows[0] // TILE * TILE, columns[0] // TILE * TILE
    shape = rows[1] - rows[0], columns[1] - columns[0]
    rough = _rough(source, target, offset, table, first)
    points = warp.cubic(table - origin, STEP, (rows[0] - first[0], columns[0] - first[1]), shape)
    for i, j in np.argwhere(rough):
        v0, u0 = first[0] + i * TILE, first[1] + j * TILE
        v = np.arange(max(v0, rows[0]), min(v0 + TILE, rows[1]))
        u = np.arange(max(u0, columns[0]), min(u0 + TILE, columns[1]))
        if v.size and u.size:
            whole = exact(source, target, *np.broadcast_arrays(v[:, None] + offset, u[None, :] + offset))
            points[:, v[0] - rows[0] : v[-1] + 1 - rows[0], u[0] - columns[0] : u[-1] + 1 - columns[0]] = whole - origin
    return points


def _rough(source: Frame, target: Frame, offset: float, table: Doubles, first: tuple[int, int]) -> NDArray[np.bool_]:
    """Tell which tiles the polynomials do not follow; tiles that lie nowhere need none."""
    height, width = (table.shape[1] - 1) // 3, (table.shape[2] - 1) // 3
    part = np.array(_PROBES) * TILE
    v = (first[0] + TILE * np.arange(height)[:, None] + part).ravel() + offset
    u = (first[1] + TILE * np.arange(width)[:, None] + part).ravel() + offset
    true = exact(source, target, *np.broadcast_arrays(v[:, None], u[None, :]))
    basis = _basis(np.array(_PROBES) * 3.0)
    rows = np.stack([basis @ table[:, 3 * i : 3 * i + 4] for i in range(height)], axis=1)
    guess = np.stack([rows[..., 3 * j : 3 * j + 4] @ basis.T for j in range(width)], axis=3)
    error = np.abs(guess - true.reshape(2, height, 3, width, 3))
    good: Any = (error <= _TOLERANCE).all(axis=(0, 2, 4))
    nowhere: Any = np.isnan(true).reshape(2, height, 3, width, 3).all(axis=(0, 2, 4))
    for a in range(4):
        for b in range(4):
            nowhere = nowhere & np.isnan(table[:, a : a + 3 * height : 3, b : b + 3 * width : 3]).all(axis=0)
    return np.asarray(~(good | nowhere))


def _basis(y: Doubles) -> Doubles:
    """Lagrange's polynomials through 0, 1, 2, 3 at some places, shape (places, 4)."""
    return np.stack(
        [
            (1 - y) * (2 - y) * (3 - y) / 6,
            y * (2 - y) * (3 - y) / 2,
            y * (y - 1) * (3 - y) / 2,
            y * (y - 1) * (y - 2) / 6,
        ],
        axis=-1,
    )


# ---- frames of grids and of data -------------------------------------------------------------------------------------
def frame_of(grid: GeoGrid | ProjectedGrid) -> Frame:
    """Return the frame of one of the programme's grids."""
    if isinstance(grid, ProjectedGrid):
        return Frame(grid.crs, grid.west, grid.resolution, grid.north, -grid.resolution, *grid.shape)
    n = grid.cells_per_degree
    return Frame(GEOGRAPHIC, grid.column / n - 180.0, 1.0 / n, 90.0 - grid.row / n, -1.0 / n, *grid.shape)


def frame_of_data(data: xr.Dataset | xr.DataArray, role: str) -> Frame:
    """Return the frame of data with regular axes.

    Parameters
    ----------
    data : Dataset or DataArray
        With 1-D ``latitude`` and ``longitude``, or ``x`` and ``y`` and a CRS.
    role : str
        What it is, for the message.

    Raises
    ------
    InputError
        If it has no such axes, they are not regular, or there is no CRS.
    """
    for names in (("latitude", "longitude"), ("y", "x")):
        if all(name in data.coords and data.coords[name].ndim == 1 for name in names):
            break
    else:
        raise InputError(
            f"The {role} has no place on the Earth: it needs 1-D latitude and longitude, x and y with a CRS, or 2-D "
            f"longitude and latitude of each pixel. It has {', '.join(map(str, data.coords)) or 'nothing'}."
        )
    crs = GEOGRAPHIC if names[0] == "latitude" else crs_of(data, role)
    (y, dy), (x, dx) = (_axis(np.asarray(data.coords[name], float), name, role) for name in names)
    return Frame(crs, x, dx, y, dy, data.sizes[names[0]], data.sizes[names[1]])


def crs_of(data: xr.Dataset | xr.DataArray, role: str) -> str:
    """Return the CRS of data in a grid mapping variable.

    Raises
    ------
    InputError
        If there is none.
    """
    for name in ("spatial_ref", "crs"):
        attrs = data.coords[name].attrs if name in data.coords else {}
        if text := attrs.get("crs_wkt") or attrs.get("spatial_ref"):
            return str(text)
    raise InputError(
        f"The {role} has x and y but no CRS (no spatial_ref with crs_wkt). Say it with data.rio.write_crs('EPSG:...')."
    )


def _axis(points: Doubles, name: str, role: str) -> tuple[float, float]:
    """Return the outer edge of the first cell and the step."""
    if points.size < 2:
        raise InputError(f"The axis {name!r} of the {role} has {points.size} cells; the size of a cell needs two.")
    step = float((points[-1] - points[0]) / (points.size - 1))
    if step == 0.0 or np.abs(points - (points[0] + step * np.arange(points.size))).max() > _REGULAR * abs(step):
        raise InputError(f"The axis {name!r} of the {role} is not regular. Bring it to equal steps first.")
    return float(points[0]) - step / 2.0, step


def coordinates(grid: GeoGrid | ProjectedGrid | xr.Dataset | xr.DataArray) -> xr.Coordinates:
    """Return the coordinates that data on a grid carry, with CF attributes and ``spatial_ref``."""
    if isinstance(grid, xr.Dataset | xr.DataArray):
        kept = [n for n in ("latitude", "longitude", "y", "x", "spatial_ref") if n in grid.coords]
        held = xr.Dataset(coords={n: grid.coords[n].variable for n in kept})
        if "spatial_ref" not in kept:
            held = held.assign_coords(spatial_ref=_mapping(frame_of_data(grid, "target").crs))
        return held.coords
    if isinstance(grid, GeoGrid):
        axes = {
            "latitude": ("latitude", grid.latitude, dict(LATITUDE)),
            "longitude": ("longitude", grid.longitude, dict(LONGITUDE)),
        }
        return xr.Dataset(coords=axes | {"spatial_ref": _mapping(GEOGRAPHIC)}).coords
    words = "coordinate of the projection, at the centre of the cell"
    axes = {
        name: (name, values, {"standard_name": f"projection_{name}_coordinate", "long_name": f"{name} {words}",
                              "units": "m", "axis": name.upper()})
        for name, values in (("y", grid.y), ("x", grid.x))
    }  # fmt: skip
    return xr.Dataset(coords=axes | {"spatial_ref": _mapping(grid.crs)}).coords


def _mapping(crs: str) -> xr.Variable:
    return xr.Variable((), np.int64(0), dict(_cf(crs)))
