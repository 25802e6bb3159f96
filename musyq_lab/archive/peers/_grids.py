"""Where a peer's layers lie: coordinates and CRS, from what the file itself says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.archive.peers._containers import READERS, Stored
from musyq_lab.archive.peers._decode import said
from musyq_lab.archive.peers.layout import Layout
from musyq_lab.core.errors import ArchiveError
from musyq_lab.core.grid import LATITUDE, LONGITUDE


@dataclass(frozen=True, eq=False)
class Placement:
    """Axes of the layers."""

    dims: tuple[str, str]
    """Names of rows and columns."""
    shape: tuple[int, int]
    """Their lengths."""
    y: NDArray[np.float64] | None = None
    """Centres of the rows."""
    x: NDArray[np.float64] | None = None
    """Centres of the columns."""
    crs: Any = None
    """The CRS, None for a swath."""
    note: str = ""
    """Something to say of it."""

    def place(self, ds: xr.Dataset) -> xr.Dataset:
        """Return the Dataset with coordinates and CRS."""
        if self.y is None or self.x is None:
            return ds
        rows, columns = self.dims
        if self.crs is None:
            return ds.assign_coords({rows: self.y, columns: self.x})
        import rioxarray  # noqa: F401  # registers `.rio`, for the CRS

        described = (LATITUDE, LONGITUDE) if rows == "latitude" else ({}, {})
        coords = {rows: (rows, self.y, dict(described[0])), columns: (columns, self.x, dict(described[1]))}
        placed = ds.assign_coords(coords).rio.set_spatial_dims(columns, rows).rio.write_crs(self.crs)
        made: xr.Dataset = placed if rows == "latitude" else placed.rio.write_coordinate_system()
        return made


def placement(layout: Layout, path: str, layers: Mapping[str, Stored], wanted: Sequence[Stored]) -> Placement:
    """Return where the layers lie.

    Parameters
    ----------
    layout : Layout
        The rows.
    path : str
        File.
    layers : mapping
        All its stored layers.
    wanted : sequence of Stored
        Those the rows name, the most important first.

    Raises
    ------
    ArchiveError
        If the file does not tell.
    """
    makers = {
        "eos": _eos,
        "latlon": _latlon,
        "raster": _raster,
        "geostationary": _geostationary,
        "swath": _swath,
        "zarr": _zarr,
    }
    return makers[layout.grid](layout, path, layers, wanted)


def _eos(layout: Layout, path: str, layers: Mapping[str, Stored], wanted: Sequence[Stored]) -> Placement:
    from musyq_lab.files import eos

    attributes = READERS[layout.container].attributes(path)
    text = eos.joined(attributes, "StructMetadata").replace("HE5_GCTP", "GCTP")
    found = eos.grids(text, path)
    for item in wanted:
        alike = [grid for grid in found.values() if grid.shape in (item.shape[:2], item.shape[-2:])]
        named = [grid for grid in alike if item.short in grid.dims]
        if grid := next(iter(named or (alike if len(alike) == 1 else [])), None):
            dims = ("latitude", "longitude") if grid.geographic else ("y", "x")
            return Placement(dims, grid.shape, grid.y, grid.x, grid.crs)
    raise ArchiveError(f"{path} describes no grid for {wanted[0].short!r} (StructMetadata). It is damaged.")


def _latlon(layout: Layout, path: str, layers: Mapping[str, Stored], wanted: Sequence[Stored]) -> Placement:
    """Find latitudes and longitudes; without any, a layer twice as wide as high is taken as global, and it is said."""
    rows, columns = wanted[0].shape[-2:]
    axes = {}
    for axis, names, size in (("y", ("lat", "latitude", "y"), rows), ("x", ("lon", "longitude", "x"), columns)):
        for item in layers.values():
            if item.short.lower() in names and item.shape == (size,):
                axes[axis] = READERS[layout.container].read(path, item.name, (slice(0, size),))[0].astype(np.float64)
    dims = ("latitude", "longitude")
    if len(axes) == 2:
        return Placement(dims, (rows, columns), axes["y"], axes["x"], "EPSG:4326")
    if columns != 2 * rows:
        raise ArchiveError(
            f"{path} holds no latitudes and longitudes, and {rows} x {columns} cells are no global grid: where they "
            "lie is not known."
        )
    step = 180.0 / rows
    y: Any = 90.0 - step * (np.arange(rows) + 0.5)
    x: Any = -180.0 + step * (np.arange(columns) + 0.5)
    note = (
        f"The file has no coordinates: its {rows} x {columns} cells are taken as the globe, beginning at 90 N, 180 W."
    )
    return Placement(dims, (rows, columns), y, x, "EPSG:4326", note)


def _raster(layout: Layout, path: str, layers: Mapping[str, Stored], wanted: Sequence[Stored]) -> Placement:
    from musyq_lab.files.raster import open_band

    band = open_band(path)
    if band.rio.crs is None or "x" not in band.coords:
        raise ArchiveError(f"{path} is not georeferenced, or is rotated. Fetch it again.")
    rows, columns = band.shape
    return Placement(("y", "x"), (rows, columns), band["y"].to_numpy(), band["x"].to_numpy(), band.rio.crs)


def _geostationary(layout: Layout, path: str, layers: Mapping[str, Stored], wanted: Sequence[Stored]) -> Placement:
    """Turn scan angles (rad) into metres with the height of the satellite."""
    from pyproj import CRS

    projection = _projection(layout, path, wanted[0])
    height = float(projection["perspective_point_height"])
    axes = []
    for name, size in zip(("y", "x"), wanted[0].shape[-2:], strict=True):
        if name not in layers or layers[name].shape != (size,):
            raise ArchiveError(f"{path} lacks the scan angles {name!r}. It is damaged.")
        raw, attributes = READERS[layout.container].read(path, name, (slice(0, size),))
        packed = said(attributes)
        axes.append((raw * (packed.scale or 1.0) + (packed.offset or 0.0)) * height)
    return Placement(("y", "x"), (len(axes[0]), len(axes[1])), axes[0], axes[1], CRS.from_cf(projection))


def _projection(layout: Layout, path: str, item: Stored) -> dict[str, Any]:
    from musyq_lab.files.safety import damage, opened
    from musyq_lab.files.stored import attributes

    name = str(item.attributes.get("grid_mapping", ""))
    with opened(path) as file, damage(path):
        found = attributes(file[name]) if name in file else {}
    if found.get("grid_mapping_name") != "geostationary" or "perspective_point_height" not in found:
        raise ArchiveError(f"{path} does not describe its projection ({name or 'grid_mapping'!r}). It is damaged.")
    return {key: value.item() if hasattr(value, "item") else value for key, value in found.items()}


def _swath(layout: Layout, path: str, layers: Mapping[str, Stored], wanted: Sequence[Stored]) -> Placement:
    return Placement(("y", "x"), (wanted[0].shape[-2], wanted[0].shape[-1]))


def _zarr(layout: Layout, path: str, layers: Mapping[str, Stored], wanted: Sequence[Stored]) -> Placement:
    """Read metres from ``x`` and ``y`` and the projection from the area that satpy writes."""
    import yaml
    from pyproj import CRS

    reader = READERS[layout.container]
    axes = [reader.read(path, n, (slice(0, None),))[0].astype(np.float64) for n in ("y", "x") if n in layers]
    try:
        area = next(iter(yaml.safe_load(str(wanted[0].attributes["area"])).values()))
        projection = {key: value for key, value in area["projection"].items() if value is not None}
        crs = CRS.from_dict(projection)
    except Exception as error:
        raise ArchiveError(f"{path} does not describe its projection (attribute 'area').") from error
    if len(axes) != 2:
        raise ArchiveError(f"{path} lacks the coordinates x and y. It is damaged.")
    return Placement(("y", "x"), (len(axes[0]), len(axes[1])), axes[0], axes[1], crs)
