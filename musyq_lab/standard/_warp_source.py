"""Which geometry a scene has, and which window of a grid its outline touches."""

from __future__ import annotations

import math
import re
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import compute

from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.core.grid import GRIDS, GeoGrid, ProjectedGrid
from musyq_lab.standard._footprints import Geometry, Raster, Swath, Tiles, swath_box
from musyq_lab.standard._warp_frames import GEOGRAPHIC, Frame, across, frame_of, frame_of_data, reference

Grid = GeoGrid | ProjectedGrid

_SCANS = {
    # sensor -> lines of a scan and their spacing (m): MODIS Level 1A Earth Location ATBD 3.0, section 2.1 (10 lines of
    # 1 km); FY-3 MERSI user guides (10 lines of 1 km); VIIRS Geolocation ATBD, section 2.2 (16 lines of 750 m)
    "modis": (10, 1000.0),
    "fy3_mersi1": (10, 1000.0),
    "fy3d_mersi2": (10, 1000.0),
    "npp_viirs": (16, 750.0),
}
_METRES = re.compile(r"(\d+(?:\.\d+)?)\s*m")
_MEAN_RADIUS = 6371008.8
_UTM_REACH = 1.5e6  # m from the middle of a scene: beyond, one zone of UTM distorts by more than a few percent
_MOST_LINES = 400  # that the phase of scans is read from


class Source:
    """Geometry of a scene, with longitude and latitude where it is a swath."""

    def __init__(self, scene: xr.Dataset, plane: tuple[str, str], scan_lines: int | None = None) -> None:
        self.place: tuple[Any, ...] = ()
        self.geometry: Geometry
        self._found: dict[tuple[str, float, float], tuple[Frame, Tiles]] = {}
        if all(n in scene.coords and scene.coords[n].ndim == 2 for n in ("longitude", "latitude")):
            self.place = longitude, latitude = _on_earth(
                *(scene.coords[n].transpose(*plane).data for n in ("longitude", "latitude"))
            )
            rows, columns = longitude.shape
            self.geometry = Swath(rows, columns, *_scans(scene, longitude, latitude, scan_lines))
        else:
            self.geometry = Raster(frame_of_data(scene, "scene"))

    def tiles(self, target: Frame) -> Tiles:
        """Return where parts of the scene lie on a target; places of a swath are read once for each size of cell."""
        key = target.crs, target.dx, target.dy
        if key not in self._found:
            self._found[key] = target, self._tiles(target)
        whole, tiles = self._found[key]
        v, u = (whole.y - target.y) / target.dy, (whole.x - target.x) / target.dx
        return Tiles(tiles.windows, tiles.boxes + np.array([v, v, u, u]), tiles.period)

    def _tiles(self, target: Frame) -> Tiles:
        if isinstance(self.geometry, Raster):
            return self.geometry.tiles(target)
        assert isinstance(self.geometry, Swath)
        strips = self.geometry.strips()
        lazy = [a if isinstance(a, da.Array) else da.from_array(a, chunks=strips) for a in self.place]
        boxes = da.map_blocks(
            _chunk_box, *(a.rechunk(strips) for a in lazy), target=target, dtype=float,
            chunks=((1,) * len(strips[0]), (1,) * len(strips[1]), (4,)), new_axis=2, meta=np.empty((0, 0, 0)),
        )  # fmt: skip
        found = np.asarray(boxes.compute()).reshape(-1, 4)
        rows, columns = (np.concatenate([[0], np.cumsum(s)]) for s in strips)
        height, width = len(rows) - 1, len(columns) - 1
        windows = [np.repeat(rows[:-1], width), np.repeat(rows[1:], width), np.tile(columns[:-1], height)]
        return Tiles(np.stack([*windows, np.tile(columns[1:], height)], axis=1), found, target.period).placed()

    def middle(self) -> tuple[float, float]:
        """Return longitude and latitude of the scene's middle."""
        rows, columns = self.geometry.shape
        if isinstance(self.geometry, Raster):
            x, y = self.geometry.frame.place(rows / 2.0, columns / 2.0)
            found = across(self.geometry.frame, GEOGRAPHIC, np.array([x]), np.array([y]))
        else:
            found = compute(*(a[rows // 2, columns // 2] for a in self.place))
        lon, lat = (float(np.asarray(a).ravel()[0]) for a in found)
        if not (math.isfinite(lon) and math.isfinite(lat)):
            raise InputError("The middle of the scene has no place on the Earth. Give a ProjectedGrid.")
        return lon, lat


def _on_earth(longitude: Any, latitude: Any) -> tuple[Any, Any]:
    """Return places as doubles, NaN where one is a fill value, lazily where they are lazy."""
    longitude, latitude = longitude.astype(float), latitude.astype(float)
    good = (abs(latitude) <= 90.0) & (abs(longitude) <= 360.0)
    where: Any = da.where if isinstance(good, da.Array) else np.where
    return where(good, longitude, np.nan), where(good, latitude, np.nan)


def _chunk_box(longitude: Any, latitude: Any, target: Frame) -> Any:
    return swath_box(longitude, latitude, target)[None, None, :]


def _scans(scene: xr.Dataset, longitude: Any, latitude: Any, given: int | None) -> tuple[int, int]:
    """Return lines of a scan, and how many of the first one are not there."""
    rows, columns = longitude.shape
    if rows < 2 or columns < 2:
        raise InputError(f"A swath needs two lines of two pixels at least; this one has {rows} x {columns}.")
    if given is not None:
        if given < 2:
            raise InputError(f"scan_lines={given}: a scan has two lines at least. Leave it out for a plain swath.")
        scan = given
    elif (known := _SCANS.get(str(scene.attrs.get("sensor")))) is None:
        return rows, 0
    else:
        length = np.linalg.norm(_along(longitude, latitude, columns // 2), axis=1)
        length = length[length > 0.0]
        if not length.size:
            return rows, 0
        scan = known[0] * max(1, 2 ** round(math.log2(known[1] / float(np.median(length)))))
    if scan >= rows:
        return rows, 0
    return scan, _phase(longitude, latitude, scan)


def _along(longitude: Any, latitude: Any, column: int) -> Any:
    """Return the steps (m) from line to line in one column, shape (lines - 1, 3)."""
    lines = slice(0, _MOST_LINES)
    lon, lat = compute(longitude[lines, column], latitude[lines, column])
    lon, lat = np.radians(np.asarray(lon, float)), np.radians(np.asarray(lat, float))
    normal = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
    return _MEAN_RADIUS * np.diff(normal, axis=0)


def _phase(longitude: Any, latitude: Any, scan: int) -> int:
    """Return how many lines of the first scan are not there, from the step back between scans at the swath's edges.

    Near the middle of the swath there is no such step; scans are then taken to begin at the first line.
    """
    score = np.zeros(scan)
    for column in (0, longitude.shape[1] - 1):
        step = _along(longitude, latitude, column)
        seen = np.isfinite(step).all(axis=1)
        line = np.arange(len(step)) % scan
        if len(np.unique(line[seen])) < scan:
            return 0
        usual = np.median(step[seen], axis=0)
        forward = step[seen] @ (usual / max(float(np.linalg.norm(usual)), 1e-9))
        odd = np.abs(forward - np.median(forward)) / max(float(np.median(np.abs(forward))), 1e-9)
        score += np.bincount(line[seen], odd) / np.bincount(line[seen])
    boundary = int(np.argmax(score))  # the step from line `boundary` to the next leads to another scan
    return (scan - 1 - boundary) % scan if score[boundary] > 0.2 else 0


def metres(name: str) -> float | None:
    """Return the size (m) of the cells of a grid such as ``"30m"``, None for other names."""
    found = _METRES.fullmatch(name.strip())
    return float(found[1]) if found else None


def window_of(source: Source, name: str) -> Grid:
    """Return the window of a grid, by name, that the scene's outline touches.

    Raises
    ------
    NotFoundError
        If there is no such grid.
    InputError
        If the scene has no place on it, or is too large for one zone of UTM.
    """
    if name in GRIDS:
        return _geographic_window(source, GRIDS[name])
    if (size := metres(name)) is not None:
        return _utm_window(source, name, size)
    known = (*GRIDS, "30m")
    raise NotFoundError(f"There is no grid {name!r}.{closest(name, known)} Any '<number>m' means UTM.")


def _geographic_window(source: Source, whole: GeoGrid) -> GeoGrid:
    boxes = source.tiles(frame_of(whole)).boxes
    if not len(boxes):
        raise InputError("No pixel of the scene has a place on the Earth.")
    low, high = max(math.floor(boxes[:, 0].min() + 1e-6), 0), min(math.ceil(boxes[:, 1].max() - 1e-6), whole.rows)
    low = min(low, whole.rows - 1)
    first, count = _arc(boxes[:, 2], boxes[:, 3], whole.columns)
    return GeoGrid(whole.name, whole.cells_per_degree, low, first, max(high - low, 1), count)


def _arc(left: Any, right: Any, period: int) -> tuple[int, int]:
    """Return first column and number of columns of the shortest stretch round the globe that holds all boxes."""
    if not np.isfinite(left).all() or not np.isfinite(right).all():
        return 0, period
    start = np.floor(left + 1e-6).astype(int)
    size = np.maximum(np.ceil(right - 1e-6).astype(int) - start, 1)
    start = start % period
    order = np.argsort(start, kind="stable")
    start, end = start[order], np.maximum.accumulate((start + size)[order])
    gaps = np.append(start[1:] - end[:-1], start[0] + period - end[-1])
    widest = int(np.argmax(gaps))
    if gaps[widest] <= 0:
        return 0, period
    return int(start[(widest + 1) % len(start)]), int(period - gaps[widest])


def _utm_window(source: Source, name: str, resolution: float) -> ProjectedGrid:
    if not resolution > 0.0:
        raise InputError(f"Grid {name!r} has no cells. Give a positive number of metres.")
    longitude, latitude = source.middle()
    if not -80.0 <= latitude <= 84.0:
        raise InputError(f"UTM does not reach latitude {latitude:.1f}. Give a ProjectedGrid on a polar projection.")
    zone = int((longitude + 180.0) // 6.0) % 60 + 1
    crs = f"EPSG:{(32600 if latitude >= 0 else 32700) + zone}"
    boxes = source.tiles(Frame(crs, 0.0, resolution, 0.0, -resolution, 1, 1)).boxes
    if not len(boxes):
        raise InputError("No pixel of the scene has a place in its zone of UTM.")
    x, y = across(GEOGRAPHIC, crs, np.array([longitude]), np.array([latitude]))
    west, east = boxes[:, 2].min() * resolution, boxes[:, 3].max() * resolution
    south, north = -boxes[:, 1].max() * resolution, -boxes[:, 0].min() * resolution
    if max(east - x[0], x[0] - west, north - y[0], y[0] - south) > _UTM_REACH:
        raise InputError(
            f"The scene is {(east - west) / 1e3:.0f} km x {(north - south) / 1e3:.0f} km, too large for one zone of "
            f"UTM ({reference(crs).name}). Give a ProjectedGrid of the part that is wanted, or a geographic grid."
        )
    return ProjectedGrid.around(name, crs, west, south, east, north, resolution)
