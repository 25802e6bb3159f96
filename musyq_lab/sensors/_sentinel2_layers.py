"""What a Sentinel-2 scene needs on the grid of its bands: angles given every 5 km, masks of other grids or as outlines.

Each is a :class:`musyq_lab.files.lazy.Layer`: a part is made when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.files.raster import RasterLayer
from musyq_lab.sensors._sentinel2_metadata import numbers

Grid = NDArray[np.float64]

_MAX_NODES = 200  # of an axis of an angle grid (23 in all products so far)


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """Angles of the Sun or of the sensor at points of a regular grid."""

    zenith: Grid
    """Degrees."""
    sine: Grid
    """Of the azimuth."""
    cosine: Grid
    """Of the azimuth."""
    steps: tuple[float, float]
    """Distance (m) of rows and columns."""


def sun_nodes(tile: Element) -> Nodes | None:
    """Return the Sun's angles from the metadata of a tile, None where they are not given by points."""
    return _merged(tile.findall(".//Sun_Angles_Grid"))


def view_nodes(tile: Element, band_id: int) -> Nodes | None:
    """Return the sensor's angles for a band, averaged over the detectors that see a point; gaps take their nearest.

    Parameters
    ----------
    tile : Element
        Metadata of the tile.
    band_id : int
        Number of the band, from 0.
    """
    return _merged(tile.findall(f".//Viewing_Incidence_Angles_Grids[@bandId='{band_id}']"))


def _merged(elements: Sequence[Element]) -> Nodes | None:
    pairs = [(_grid(e, "Zenith"), _grid(e, "Azimuth")) for e in elements]
    shapes = {grid.shape for pair in pairs for grid in pair}
    if not pairs or len(shapes) > 1 or not all(2 <= size <= _MAX_NODES for size in (*shapes.pop(), 2)):
        return None
    azimuth = np.radians([a for _, a in pairs])
    means = [_mean(np.array(stack)) for stack in ([z for z, _ in pairs], np.sin(azimuth), np.cos(azimuth))]
    if any(np.isnan(mean).all() for mean in means):
        return None
    zenith, sine, cosine = (_filled(mean) for mean in means)
    return Nodes(zenith, sine, cosine, (_step(elements[0], "ROW_STEP"), _step(elements[0], "COL_STEP")))


def _grid(element: Element, kind: str) -> Grid:
    rows = numbers(v.text or "" for v in element.findall(f"{kind}/Values_List/VALUES"))
    if len({len(row) for row in rows}) != 1 or len(rows[0]) < 2:
        return np.empty((0, 0))
    return np.array(rows)


def _step(element: Element, name: str) -> float:
    row = numbers([element.findtext(f"Zenith/{name}") or ""])[0]
    return row[0] if row and row[0] > 0 else 5000.0


def _mean(stack: Grid) -> Grid:
    seen = np.isfinite(stack)
    with np.errstate(invalid="ignore"):
        mean: Grid = np.where(seen, stack, 0.0).sum(axis=0) / seen.sum(axis=0)
    return mean


def _filled(grid: Grid) -> Grid:
    from scipy.ndimage import distance_transform_edt

    gaps = np.isnan(grid)
    if not gaps.any():
        return grid
    rows, columns = distance_transform_edt(gaps, return_distances=False, return_indices=True)
    filled: Grid = grid[rows, columns]
    return filled


@dataclass(frozen=True, slots=True, eq=False)
class AngleLayer:
    """Angles of each pixel, linear between the points; azimuths by their sine and cosine."""

    grids: tuple[Grid, ...]
    """The zenith angle (degree), or sine and cosine of the azimuth."""
    starts: tuple[float, float]
    """Row and column of the points' grid on which the centre of the first pixel lies."""
    steps: tuple[float, float]
    """Rows and columns of the points' grid for one pixel."""
    shape: tuple[int, int]
    """Rows and columns of the bands."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return 2

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return np.dtype(np.float32)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Interpolate a part."""
        down, across = (self._weights(axis, part) for axis, part in enumerate(key))
        parts = [down @ grid @ across.T for grid in self.grids]
        values = parts[0] if len(parts) == 1 else np.degrees(np.arctan2(*parts)) % 360.0
        return np.asarray(values, np.float32)

    def _weights(self, axis: int, part: slice) -> Grid:
        """Return the share of each point in each pixel of a row or column."""
        pixels = np.arange(*part.indices(self.shape[axis]))
        nodes = np.arange(self.grids[0].shape[axis])
        places = self.starts[axis] + self.steps[axis] * pixels
        return np.array([np.interp(places, nodes, unit) for unit in np.eye(nodes.size)]).T


@dataclass(frozen=True, slots=True)
class NearestLayer:
    """A layer of the same area on another grid, its nearest pixel for each of ours."""

    source: RasterLayer
    """The layer as stored."""
    shape: tuple[int, int]
    """Rows and columns wanted."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return 2

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.source.dtype

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part."""
        rows, columns = (self._places(axis, part) for axis, part in enumerate(key))
        if not rows.size or not columns.size:
            return np.empty((rows.size, columns.size), self.dtype)
        top, left = rows.min(), columns.min()
        block = self.source[top : rows.max() + 1, left : columns.max() + 1]
        return block[np.ix_(rows - top, columns - left)]

    def _places(self, axis: int, part: slice) -> NDArray[np.int64]:
        pixels = np.arange(*part.indices(self.shape[axis]))
        return ((pixels + 0.5) * self.source.shape[axis] / self.shape[axis]).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class OutlineLayer:
    """1 inside the polygons of a vector mask, 0 elsewhere."""

    polygons: tuple[tuple[Grid, ...], ...]
    """Rings of each polygon, the outer one first: points of (x, y) in m."""
    transform: tuple[float, float, float, float, float, float]
    """Of the bands, not rotated: x = a column + c, y = e row + f, as (a, 0, c, 0, e, f)."""
    shape: tuple[int, int]
    """Rows and columns of the bands."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return 2

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return np.dtype(np.uint8)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Draw a part."""
        from rasterio import Affine
        from rasterio.features import rasterize

        rows, columns = (np.arange(*part.indices(size)) for part, size in zip(key, self.shape, strict=True))
        if not rows.size or not columns.size:
            return np.zeros((rows.size, columns.size), np.uint8)
        top, left = rows.min(), columns.min()
        out = np.zeros((rows.max() + 1 - top, columns.max() + 1 - left), np.uint8)
        a, _, x, _, e, y = self.transform
        box = [(x + a * column, y + e * row) for row, column in ((top, left), (rows.max() + 1, columns.max() + 1))]
        low, high = np.min(box, axis=0), np.max(box, axis=0)
        transform = Affine(a, 0.0, box[0][0], 0.0, e, box[0][1])
        near = [p for p in self.polygons if (p[0].max(axis=0) >= low).all() and (p[0].min(axis=0) <= high).all()]
        if near:
            shapes = [({"type": "Polygon", "coordinates": [ring.tolist() for ring in rings]}, 1) for rings in near]
            rasterize(shapes, out=out, transform=transform)
        return out[np.ix_(rows - top, columns - left)]


def outlines(mask: Element, kind: str) -> tuple[tuple[Grid, ...], ...]:
    """Return the polygons of one kind in a vector mask.

    Parameters
    ----------
    mask : Element
        Root of the GML.
    kind : str
        ``"OPAQUE"`` or ``"CIRRUS"``.

    Raises
    ------
    SceneError
        If an outline is none.
    """
    features = [f for f in mask.iter("MaskFeature") if (f.findtext("maskType") or "").strip().upper() == kind]
    return tuple(tuple(_rings(polygon)) for feature in features for polygon in feature.iter("Polygon"))


def _rings(polygon: Element) -> Iterator[Grid]:
    for side in ("exterior", "interior"):
        for ring in polygon.findall(f"{side}//posList"):
            dimension = 3 if ring.get("srsDimension") == "3" else 2
            flat = np.array(numbers([ring.text or ""])[0])
            if flat.size < 4 * dimension or flat.size % dimension or not np.isfinite(flat).all():
                raise SceneError("An outline of the cloud mask (MSK_CLOUDS_B00.gml) is damaged. Fetch the scene again.")
            yield flat.reshape(-1, dimension)[:, :2]
