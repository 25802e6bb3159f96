"""MODIS surface reflectance on the sinusoidal grid: MOD09GA, MOD09GQ (daily), MOD09A1, MOD09Q1 (8 days).

Layouts and bits: MODIS Surface Reflectance User's Guide, Collection 6 (Vermote, Roger and Ray 2015), and the list of
bits that the files keep beside each quality layer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError, SceneError
from musyq_lab.core.sensor import Band, Calibration
from musyq_lab.files import eos
from musyq_lab.files.hdf4 import Hdf4Dataset, datasets, global_attributes, open_dataset
from musyq_lab.files.lazy import BLOCK
from musyq_lab.sensors._calibrate import Counts, Linear
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._modis import ModisFile, attribute, limits
from musyq_lab.sensors._scene import Acquisition, Rule, assemble, quality


@dataclass(frozen=True, slots=True)
class Layout:
    """Names of the layers of one product."""

    resolution: float
    """Grid of the bands (m), as the sensor's spec names it."""
    band: str
    """Name of a band, with its number in place of ``{}``."""
    state: str = ""
    """Layer of the bits of :data:`STATE`, "" where there is none."""
    angles: Mapping[str, str] | None = None
    """Our name -> layer."""


_OWN = {"sun_zenith": "SolarZenith_1", "sun_azimuth": "SolarAzimuth_1"}
_OWN |= {"view_zenith": "SensorZenith_1", "view_azimuth": "SensorAzimuth_1"}
_COMPOSITE = {"sun_zenith": "sur_refl_szen", "view_zenith": "sur_refl_vzen", "relative_azimuth": "sur_refl_raz"}

LAYOUTS = {
    "09GA": Layout(500, "sur_refl_b{:02d}_1", "state_1km_1", _OWN),
    "09GQ": Layout(250, "sur_refl_b{:02d}_1"),
    "09A1": Layout(500, "sur_refl_b{:02d}", "sur_refl_state_500m", _COMPOSITE),
    "09Q1": Layout(250, "sur_refl_b{:02d}", "sur_refl_state_250m"),
}
"""Product -> layout; ``_1`` is the first and best observation of the day."""

STATE = (
    Rule("cloud", 0, 2, (1,)),
    Rule("cloud_possible", 0, 2, (2,)),  # mixed
    Rule("cloud_shadow", 2),
    Rule("water", 3, 3, (0, 3, 5, 6, 7)),  # neither coasts and shores (2) nor water that comes and goes (4)
    Rule("high_aerosol", 6, 2, (3,)),
    Rule("cirrus", 8, 2, (2, 3)),  # average and high; small (1) is left to the user's own reading
    Rule("cloud", 10),  # the internal algorithm
    Rule("snow_ice", 12),  # MOD35
    Rule("cloud_possible", 13),  # beside a cloud
    Rule("snow_ice", 15),  # the internal algorithm
)
"""State of a pixel, 16 bits, the same in all four products."""

_CELL = 926.625433055833  # m: 2 pi 6371007.181 / (36 x 1200), the 1 km cell of the grid


def open_grid(granule: Granule, file: ModisFile, *, calibration: Calibration) -> xr.Dataset:
    """Open a tile.

    Parameters
    ----------
    granule : Granule
        The file.
    file : ModisFile
        The same, identified.
    calibration : {"counts", "reflectance"}
        What to make.

    Raises
    ------
    InputError
        If radiance is asked for, which these products do not hold.
    SceneError
        If the file is damaged or lacks layers.
    """
    layout = LAYOUTS[file.kind]
    if calibration == "radiance":
        raise InputError(
            f"{file.path}: {file.short_name} holds reflectance of the surface, which has no radiance at the sensor."
        )
    known = datasets(file.path)
    counts = _counts(granule, file, known, layout)
    grid = _grid(file, layout, known[layout.band.format(1)])
    angles = _angles(file, known, layout, grid)
    relative = angles.pop("relative_azimuth", None)
    scene = assemble(
        granule,
        Acquisition(file.platform, file.start, file.end, "L2G" if "G" in file.kind else "L3", _kept(file)),
        counts,
        calibration=calibration,
        angles=angles,
        qa=quality(counts, _state(file, known, layout, grid)),
        level="surface",
    )
    if relative is not None:
        scene["relative_azimuth"] = relative.assign_attrs(
            standard_name="relative_sensor_azimuth_angle",
            long_name="azimuth of the sensor relative to the Sun, as the producer gives it",
            units="degree",
        )
    return _placed(scene, grid)


def _kept(file: ModisFile) -> dict[str, str]:
    return {"collection": str(file.collection), "product": file.short_name}


def _counts(granule: Granule, file: ModisFile, known: Mapping[str, Hdf4Dataset], layout: Layout) -> list[Counts]:
    rows = [b for b in granule.sensor.bands_of(file.platform) if b.resolution == layout.resolution]
    counts = []
    for band in rows:
        name = layout.band.format(int(band.native))
        what = f"{file.path}: the dataset {name}"
        if name not in known:
            raise SceneError(f"{file.path} lacks the dataset {name}. It is damaged or incomplete: fetch it again.")
        counts.append(_band(file, known[name], band, what))
    if len({c.data.shape for c in counts}) > 1:
        raise SceneError(f"{file.path}: the bands differ in size. The file is damaged: fetch it again.")
    return counts


def _band(file: ModisFile, dataset: Hdf4Dataset, band: Band, what: str) -> Counts:
    attributes = dataset.attributes
    scale = _number(attributes, "scale_factor", what)
    offset = _number(attributes, "add_offset", what) if "add_offset" in attributes else 0.0
    if not scale > 0:
        raise SceneError(f"{what} has the scale {scale:g}. It is damaged: fetch it again.")
    scale = 1.0 / scale if scale > 1.0 else scale  # MOD09GA of some collections says 10000 and means 0.0001
    return Counts(
        band,
        _layer(file, dataset),
        fills=(_number(attributes, "_FillValue", what),),
        valid=limits(attributes, what),
        reflectance=Linear(scale, -scale * offset),  # HDF4: value = scale x (number - offset)
        normalised=True,
    )


def _number(attributes: Mapping[str, Any], name: str, what: str) -> float:
    value = attribute(attributes, name, what)
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise SceneError(f"{what} has {name} = {value!r}, which is no number. It is damaged: fetch it again.")
    return float(value)


def _layer(file: ModisFile, dataset: Hdf4Dataset) -> xr.DataArray:
    """Return a layer in chunks of whole, evenly many rows: a layer of 1 km doubles into those of 500 m."""
    if len(dataset.shape) != 2:
        raise SceneError(f"{file.path}: the dataset {dataset.name} is no image. The file is damaged: fetch it again.")
    rows = max(2, 2 * BLOCK * BLOCK // max(1, dataset.shape[1]) // 2 * 2)
    return xr.DataArray(open_dataset(file.path, dataset.name, (rows, dataset.shape[1])).data, dims=("y", "x"))


def _grid(file: ModisFile, layout: Layout, dataset: Hdf4Dataset) -> eos.EosGrid:
    """Return the grid that the bands are on."""
    text = eos.joined(global_attributes(file.path), "StructMetadata")
    known = eos.grids(text, str(file.path))
    mine = {name: grid for name, grid in known.items() if dataset.name in grid.dims}
    grid = eos.chosen(mine, None, str(file.path))
    cell = _CELL * layout.resolution / 1000.0
    steps = [abs(axis[1] - axis[0]) for axis in (grid.x, grid.y) if len(axis) > 1]
    if grid.shape != dataset.shape or grid.geographic or any(abs(step - cell) > 0.01 for step in steps):
        raise SceneError(
            f"{file.path}: the grid {grid.name!r} of {grid.shape[0]} x {grid.shape[1]} cells does not fit the "
            f"{dataset.shape[0]} x {dataset.shape[1]} values of {cell:.1f} m. The file is damaged or was resampled."
        )
    return grid


def _angles(
    file: ModisFile, known: Mapping[str, Hdf4Dataset], layout: Layout, grid: eos.EosGrid
) -> dict[str, xr.DataArray]:
    found: dict[str, xr.DataArray] = {}
    sun = None
    for name, stored in (layout.angles or {}).items():
        if stored not in known:
            continue  # subsets are often ordered without them
        what = f"{file.path}: the dataset {stored}"
        layer = _on(_layer(file, known[stored]), grid, what)
        fill = _number(known[stored].attributes, "_FillValue", what)
        sun = layer != fill if name == "sun_zenith" else sun
        # The composites mark missing angles by 0, which is a good angle of the sensor: the Sun's tells.
        there = sun if fill == 0 and sun is not None else layer != fill
        scale = np.float32(_number(known[stored].attributes, "scale_factor", what))
        degrees = layer.where(there).astype(np.float32) * scale
        found[name] = degrees % np.float32(360.0) if name in ("sun_azimuth", "view_azimuth") else degrees
    return found


def _state(
    file: ModisFile, known: Mapping[str, Hdf4Dataset], layout: Layout, grid: eos.EosGrid
) -> list[tuple[xr.DataArray, tuple[Rule, ...]]]:
    if layout.state not in known:
        return []
    dataset = known[layout.state]
    what = f"{file.path}: the dataset {layout.state}"
    if dataset.dtype != np.uint16:
        raise SceneError(f"{what} is of type {dataset.dtype}, not uint16. It is damaged: fetch it again.")
    layer = _on(_layer(file, dataset), grid, what)
    fill = _number(dataset.attributes, "_FillValue", what)
    land = np.uint16(1 << 3)  # where the state is missing nothing is set, not even water
    return [(layer.where(layer != fill, land), STATE)]


def _on(layer: xr.DataArray, grid: eos.EosGrid, what: str) -> xr.DataArray:
    """Return a layer on the grid of the bands: as it is, or each value of 1 km twice along both axes."""
    if layer.shape == grid.shape:
        return layer
    if tuple(2 * n for n in layer.shape) != grid.shape:
        raise SceneError(f"{what} has {layer.shape[0]} x {layer.shape[1]} values, which do not fit the bands'.")
    chunks = tuple(tuple(2 * n for n in sizes) for sizes in layer.chunks or ())
    return xr.DataArray(layer.data.map_blocks(_doubled, chunks=chunks, dtype=layer.dtype), dims=layer.dims)


def _doubled(block: NDArray[Any]) -> NDArray[Any]:
    return block.repeat(2, axis=0).repeat(2, axis=1)


def _placed(scene: xr.Dataset, grid: eos.EosGrid) -> xr.Dataset:
    import rioxarray  # noqa: F401  # registers `.rio`, for the CRS

    placed = scene.assign_coords(x=grid.x, y=grid.y)
    result: xr.Dataset = placed.rio.write_crs(grid.crs)
    return result
