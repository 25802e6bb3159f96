"""Real maps that ship with the package or with pvlib, looked up at places: land cover, climate zone, altitude."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from musyq_lab.core.resources import resource
from musyq_lab.twin.grid import WorldGrid

Floats = NDArray[np.float64]

WATER = 17
"""IGBP class of water here (0 in MCD12C1, 17 in MCD12Q1 collection 6)."""
ZONES = MappingProxyType({0: "no data", 1: "tropical", 2: "arid", 3: "temperate", 4: "cold", 5: "polar"})
"""Main classes of the Koeppen-Geiger map (Beck et al. 2018, doi 10.1038/sdata.2018.214)."""
_FILES = MappingProxyType(
    {"land_cover": ("land_cover_mcd12c1_2019.nc", "land_cover"), "zone": ("climate_classes.nc", "climate")}
)
_SEA = 255  # in pvlib's altitude
_POLAR = 5
_ICE = 15


@lru_cache(maxsize=4)
def _layer(name: str) -> NDArray[np.uint8]:
    if name == "altitude":
        return _pvlib("Altitude.h5", "Altitude")
    file, variable = _FILES[name]
    with xr.open_dataset(resource(f"catalogs/samples/{file}"), engine="h5netcdf") as opened:
        return np.asarray(opened[variable].values, np.uint8)


def _pvlib(file: str, name: str, rows: slice = slice(None), columns: slice = slice(None)) -> NDArray[np.uint8]:
    import pvlib

    path = Path(pvlib.__file__).parent / "data" / file
    with xr.open_dataset(path, engine="h5netcdf", phony_dims="sort") as opened:
        data = opened[name]
        return np.asarray(data[{data.dims[0]: rows, data.dims[1]: columns}].values)


def _index(shape: tuple[int, ...], longitude: ArrayLike, latitude: ArrayLike) -> tuple[NDArray[np.intp], ...]:
    """Return row and column of a global map (north up, from 180 W) in which places lie."""
    rows, columns = shape[:2]
    row = np.floor((90.0 - np.asarray(latitude)) * rows / 180).astype(np.intp)
    column = np.floor((np.asarray(longitude) + 180.0) * columns / 360).astype(np.intp)
    return np.clip(row, 0, rows - 1), column % columns


def land_cover(longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.uint8]:
    """Return the IGBP class 1-17 (17 = water) of MCD12C1 2019 at places (deg)."""
    values = _layer("land_cover")[_index((3600, 7200), longitude, latitude)]
    classes = np.where(values == 0, np.uint8(WATER), values)
    # the map ends inside Antarctica
    ice = (classes == WATER) & (np.asarray(latitude) < -78) & (zone(longitude, latitude) == _POLAR)
    return np.where(ice, np.uint8(_ICE), classes).astype(np.uint8)


def zone(longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.uint8]:
    """Return the main Koeppen-Geiger class (see :data:`ZONES`) at places (deg); 0 at sea."""
    return _layer("zone")[_index((1800, 3600), longitude, latitude)]


def altitude(longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.float32]:
    """Return the altitude (m, steps of 28 m; 0 at sea) at places (deg), from pvlib (Mapzen terrain tiles).

    Its map has the bed below the ice of Greenland and nothing near the South Pole: there the surface is put at 2300 m,
    about the mean of both ice sheets.
    """
    stored = _layer("altitude")[_index((2160, 4320), longitude, latitude)]
    metres = stored.astype(np.float32) * np.float32(28) - np.float32(450)
    metres = np.where(stored == _SEA, np.float32(0), metres)
    sheet = (land_cover(longitude, latitude) == _ICE) & (np.abs(latitude) > 60) & (metres < 1000)
    return np.where(sheet, np.float32(2300), metres).astype(np.float32)


def turbidity(longitude: ArrayLike, latitude: ArrayLike) -> Floats:
    """Return the annual mean Linke turbidity at places (deg), from pvlib (Remund et al. 2003).

    One place is looked up in its cell of 5 arc-minutes, many in every twelfth cell (1 deg).
    """
    if np.size(longitude) == 1:
        rows, columns = (np.ravel(i)[0] for i in _index((2160, 4320), longitude, latitude))
        stored = _pvlib("LinkeTurbidities.h5", "LinkeTurbidity", slice(rows, rows + 1), slice(columns, columns + 1))
        return np.full(np.shape(longitude), stored.mean() / 20.0)
    return np.asarray(_coarse_turbidity()[_index((180, 360), longitude, latitude)])


@lru_cache(maxsize=1)
def _coarse_turbidity() -> Floats:
    every = slice(6, None, 12)
    return np.asarray(_pvlib("LinkeTurbidities.h5", "LinkeTurbidity", every, every).mean(axis=-1) / 20.0)


@lru_cache(maxsize=1)
def _ghi() -> Floats:
    """Return the annual mean irradiance (W m-2), rows 72 N to 57 S every 3 deg, zonal mean where none."""
    with xr.open_dataset(resource("catalogs/samples/ghi_merra2_monthly.nc"), engine="h5netcdf") as opened:
        values = np.where(opened["quality"].values == 2, np.nan, opened["ghi"].values).mean(axis=0)
    zonal = np.nanmean(values, axis=1, keepdims=True)
    return np.asarray(np.where(np.isnan(values), zonal, values))


def irradiance(longitude: ArrayLike, latitude: ArrayLike) -> Floats:
    """Return the annual mean global irradiance (W m-2) of MERRA-2 2011-2015 at places (deg), bilinear.

    Poleward of 72 N and 57 S the last row is repeated.
    """
    table = _ghi()
    row = np.clip((72.0 - np.asarray(latitude, np.float64)) / 3, 0, table.shape[0] - 1)
    column = ((np.asarray(longitude, np.float64) + 180.0) / 3) % table.shape[1]
    r0, c0 = np.floor(row).astype(int), np.floor(column).astype(int)
    r1, c1 = np.minimum(r0 + 1, table.shape[0] - 1), (c0 + 1) % table.shape[1]
    fr, fc = row - r0, column - c0
    top = table[r0, c0 % table.shape[1]] * (1 - fc) + table[r0, c1] * fc
    return np.asarray(top * (1 - fr) + (table[r1, c0 % table.shape[1]] * (1 - fc) + table[r1, c1] * fc) * fr)


def subcells(grid: WorldGrid, step: float) -> list[tuple[Floats, Floats]]:
    """Return longitude and latitude of points inside the cells of a longitude-latitude grid, about ``step`` deg apart.

    At most 6 x 6 points, so that a coarse cell is sampled and not read whole.
    """
    count = int(np.clip(round(grid.resolution / step), 1, 6))
    offsets = ((np.arange(count) + 0.5) / count - 0.5) * grid.resolution
    longitude, latitude = grid.longitude, grid.latitude
    return [((longitude + dx + 180) % 360 - 180, latitude + dy) for dy in offsets for dx in offsets]


@lru_cache(maxsize=1)
def continentality() -> Floats:
    """Return how continental the air is, 0 (oceanic) to 1, on 1 degree cells (north up, from 180 W).

    The share of land around (some 10 degrees of longitude) times that upwind, weighted by exp(-distance /
    45 deg) to the west: air at middle latitudes comes from there. An assumption of ours, for the simulated Earth alone.
    """
    from scipy.ndimage import gaussian_filter

    latitude, longitude = 89.5 - np.arange(180.0), -179.5 + np.arange(360.0)
    points = [land_cover(*np.meshgrid(longitude + d, latitude)) for d in (-0.25, 0.25)]
    land = np.mean([p != WATER for p in points], axis=0)
    kernel = np.exp(-np.arange(360.0) / 45)
    upwind = np.fft.irfft(np.fft.rfft(land, axis=1) * np.fft.rfft(kernel / kernel.sum()), n=360, axis=1)
    around = gaussian_filter(land, (3, 5), mode=("nearest", "wrap"))
    return np.asarray(gaussian_filter(np.clip(around * upwind, 0, 1), (2, 2), mode=("nearest", "wrap")))


def continental(longitude: ArrayLike, latitude: ArrayLike) -> Floats:
    """Return :func:`continentality` at places (deg), bilinear."""
    from scipy.ndimage import map_coordinates

    table = np.pad(continentality(), ((0, 0), (1, 1)), mode="wrap")
    row = 89.5 - np.atleast_1d(np.asarray(latitude, np.float64))
    column = (np.atleast_1d(np.asarray(longitude, np.float64)) + 180) % 360 + 0.5
    return np.asarray(map_coordinates(table, [row, column], order=1, mode="nearest").reshape(np.shape(longitude)))
