r"""Clouds of the simulated Earth: where they are, what they do to light, where they cast shadows and are seen.

Two layers: low clouds (convective cumulus on summer days, stratus sheets else) and cirrus. Their fields are turbulent
noise that drifts with the wind (:mod:`musyq_lab.twin._cloud_fields`), cut where the cover of the weather situation
(:func:`musyq_lab.twin.weather.cover`) wants it. Optical depth inside clouds is lognormal, as in the cascades of
Cahalan et al. (1994, doi 10.1175/1520-0469(1994)051<2434:TAOFSC>2.0.CO;2), and falls to nothing at their edges.

The papers cited beside constants (King, Sassen & Cho, Hu, Lawrence) were not opened; what is chosen says so.

Heights are smooth within a layer; one height stands for all of a column, that of the low cloud where there is one.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.special import ndtr, ndtri

from musyq_lab.twin import _cloud_optics as optics
from musyq_lab.twin._cloud_fields import Texture, field
from musyq_lab.twin._synoptic import Field, Floats, Lattice, days, lattice, wind
from musyq_lab.twin._variables import dataset
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.weather import cover, season

CUMULUS = Texture("cumulus", outer=3_000.0, inner=60.0, lifetime=3.0)
STRATUS = Texture("stratus", outer=25_000.0, inner=60.0, lifetime=6.0)
CIRRUS = Texture("cirrus", outer=20_000.0, inner=150.0, lifetime=6.0, stretch=4.0)
"""Outer scales, lifetimes and streaks are chosen: cumulus of 1 to 3 km that live an hour, sheets of tens of km."""

MEDIAN_DEPTH = (10.0, 0.7)
"""Median optical depth inside low clouds and cirrus: of the order of the MODIS means over land (King et al. 2013, doi
10.1109/TGRS.2012.2227333) and of visible cirrus, 0.03 to 3 (Sassen & Cho 1992, doi
10.1175/1520-0450(1992)031<1275:STCLDF>2.0.CO;2)."""

SPREAD = 0.9
"""Standard deviation of the logarithm of optical depth inside clouds, chosen."""

_LAPSE = 0.0065  # K m-1, ICAO standard atmosphere
_FREEZING = 253.0  # K: colder tops are ice more often than not (Hu et al. 2010, doi 10.1029/2009JD012384)
_STEEPEST = 80.0  # deg: shadows and views no longer than at this zenith angle


def clouds(static: xr.Dataset, grid: WorldGrid, time: datetime, seed: int, cloudiness: float = 1.0) -> xr.Dataset:
    """Return the clouds above each cell at an instant.

    Parameters
    ----------
    static
        Terrain and climate of the world, dims (y, x).
    grid
        Its cells.
    time
        UTC.
    seed
        Of the world.
    cloudiness
        Factor on the cover; 0 for none at all.

    Returns
    -------
    Dataset
        ``cloud_optical_depth`` (1, 550 nm), ``cloud_top_height`` (m above sea level), ``cloud_top_temperature`` (K),
        ``cloud_ice`` (0 or 1), dims (y, x). Height, temperature and ice are given where there is no cloud too: those of
        the low layer.
    """
    points, day = lattice(grid), days(time)
    low_cover, high_cover, convective = _covers(static, points, time, seed, cloudiness)
    bubbles, sheet, streaks = (
        _noise(grid, seed, day) if max(low_cover.max(), high_cover.max()) > 0 else _stillness(grid)
    )
    share = points.fill(convective)
    low = _depth(np.sqrt(share) * bubbles + np.sqrt(1 - share) * sheet, points.fill(low_cover), MEDIAN_DEPTH[0])
    high = _depth(streaks, points.fill(high_cover), MEDIAN_DEPTH[1])
    top_low, top_high = _tops(static, grid, points, convective, sheet, streaks)
    top = np.where((high > 0) & (low == 0), top_high, top_low)
    ground = (
        static["temperature_mean"].values + points.fill(season(points, time)) * static["temperature_amplitude"].values
    )
    # No colder than a tropopause of 205 K (mean of the tropics about 195 K, of the poles about 220 K).
    cold = np.maximum(ground - np.float32(_LAPSE) * (top - static["elevation"].values), np.float32(205.0))
    values = {
        "cloud_optical_depth": low + high,
        "cloud_top_height": top,
        "cloud_top_temperature": cold,
        "cloud_ice": (cold < _FREEZING).astype(np.float32),
    }
    return dataset(values, static)


def _noise(grid: WorldGrid, seed: int, day: float) -> tuple[Field, Field, Field]:
    """Return the fields of cumulus, stratus and cirrus."""
    centre = float(grid.latitude[grid.rows // 2, grid.columns // 2])
    _, way = wind(seed, centre, day)
    low = [field(texture, grid, seed, 24 * day, way) for texture in (CUMULUS, STRATUS)]
    # high wind blows from the same side, about twice as fast; chosen
    return low[0], low[1], field(CIRRUS, grid, seed, 24 * day, 2.0 * way)


def _stillness(grid: WorldGrid) -> tuple[Field, Field, Field]:
    still = np.zeros(grid.shape, np.float32)
    return still, still, still


def _covers(
    static: xr.Dataset, points: Lattice, time: datetime, seed: int, cloudiness: float
) -> tuple[Floats, Floats, Floats]:
    """Return cover by low clouds and by cirrus, and the convective share of the low ones, at the lattice's points."""
    day = days(time)
    total = cover(seed, points, day, points.at(static["cloud_fraction_mean"].values), cloudiness)
    cirrus = total * 0.7 * ndtr(points.wander(seed, "cirrus", day))
    low = 1 - (1 - total) / np.maximum(1 - cirrus, 1e-6)  # the layers overlap at random
    summer = 0.5 * (1 + season(points, time) * np.clip(np.abs(points.latitude) / 25.0, 0.0, 1.0))
    summer = np.maximum(summer, np.clip(1 - np.abs(points.latitude) / 25.0, 0.0, 1.0))
    hour = (time.hour + time.minute / 60 + points.longitude / 15) % 24
    # Cumulus grow from nine in the morning, most at half past two, and are gone at eight in the evening.
    growth = np.clip(np.cos(np.pi * (hour - 14.5) / 11), 0.0, 1.0)
    unstable = summer * ndtr(points.wander(seed, "convection", day) + 0.5) * (1 - 0.6 * low)
    fair = low * (1 - 0.7 * unstable * (1 - growth))
    return fair, cirrus, np.clip(unstable * (0.4 + 0.6 * growth) * 1.3, 0.0, 1.0)


def _depth(noise: NDArray[np.floating], covered: Field, median: float) -> Field:
    """Return the optical depth of a layer: none where the noise is low, lognormal elsewhere, growing with the noise."""
    depth = np.zeros(noise.shape, np.float32)
    cloudy = noise > -ndtri(covered)
    rank = (1 - ndtr(noise[cloudy])) / np.broadcast_to(covered, noise.shape)[cloudy]
    depth[cloudy] = median * np.exp(SPREAD * -ndtri(np.clip(rank, np.float32(1e-3), np.float32(1 - 1e-6))))
    return depth


def _tops(
    static: xr.Dataset, grid: WorldGrid, points: Lattice, convective: Floats, sheet: Field, streaks: Field
) -> tuple[Field, Field]:
    elevation = np.asarray(static["elevation"].values, np.float32)
    ground = elevation if grid.geographic else elevation.mean(dtype=np.float64).astype(np.float32)
    celsius = points.at(static["temperature_mean"].values) - 273.15
    humid = points.at(static["humidity_mean"].values)
    # Lifting condensation level (Lawrence 2005, doi 10.1175/BAMS-86-2-225, eq. 24): (20 + T/5) (100 - RH) m.
    base = (20 + celsius / 5) * 100 * np.clip(1 - humid, 0.1, 0.7)
    thick = 400 + 1000 * convective  # stratus of a few hundred metres, cumulus of more; chosen
    low = ground + points.fill(base + thick) + np.float32(60.0) * np.clip(sheet, -2, 2)
    # Cirrus some 3 km below the tropopause, which falls from 17 km at the equator to 9 km at the poles.
    high = points.fill(14_000 - 8_000 * np.sin(np.radians(points.latitude)) ** 2)
    high = high + np.float32(150.0) * np.clip(streaks, -2, 2)
    return np.maximum(low, elevation + np.float32(100.0)), np.maximum(high, elevation + np.float32(1000.0))


# ---- geometry --------------------------------------------------------------------------------------------------------
def shadow(
    clouds: xr.Dataset, static: xr.Dataset, grid: WorldGrid, sun_zenith: ArrayLike, sun_azimuth: ArrayLike
) -> Field:
    r"""Return the shortwave transmittance of the clouds that lie between the ground and the sun.

    A cloud at height h above the ground shades the place :math:`(h - z) \tan\theta` away from the sun. Below the
    horizon the sun is taken to stand in the zenith, so that what is returned says how clouded the sky is. Absorption
    by cloud (a few per cent, in the near infrared) is left out.

    Parameters
    ----------
    clouds
        ``cloud_optical_depth``, ``cloud_top_height``, ``cloud_ice``, dims (y, x).
    static
        With ``elevation``.
    grid
        Cells of the world.
    sun_zenith, sun_azimuth
        Degrees; numbers or fields.

    Returns
    -------
    ndarray of float32, shape (y, x)
        1 in full sun.
    """
    depth = np.asarray(clouds["cloud_optical_depth"].values, np.float32)
    if not depth.any():
        return np.ones(depth.shape, np.float32)
    zenith = np.asarray(sun_zenith, np.float32)
    zenith = np.where(zenith < 90, zenith, np.float32(0.0))
    elevation = np.asarray(static["elevation"].values, np.float32)
    level = elevation if grid.geographic else elevation.mean(dtype=np.float64).astype(np.float32)
    height = np.asarray(clouds["cloud_top_height"].values, np.float32) - level
    ice = np.asarray(clouds["cloud_ice"].values, np.float32)
    moved, frozen = _displaced(grid, depth, height, zenith, sun_azimuth, [depth, ice])
    if not grid.geographic:
        moved, frozen = _on_relief([moved, frozen], grid, elevation - level, zenith, sun_azimuth)
    mu = np.maximum(np.cos(np.radians(zenith)), np.float32(optics.LOWEST))
    g = np.float32(optics.ASYMMETRY[0]) + np.float32(optics.ASYMMETRY[1] - optics.ASYMMETRY[0]) * frozen
    return np.asarray(optics.conservative(moved, mu, g), dtype=np.float32)


def seen(
    clouds: xr.Dataset, grid: WorldGrid, view_zenith: ArrayLike, view_azimuth: ArrayLike, elevation: ArrayLike = 0.0
) -> xr.Dataset:
    r"""Return the clouds where a sensor places them: :math:`(h - z) \tan\theta_v` beyond their foot.

    Parameters
    ----------
    clouds
        ``cloud_optical_depth``, ``cloud_top_height``, ``cloud_top_temperature``, ``cloud_ice``, dims (y, x).
    grid
        Cells of the world.
    view_zenith, view_azimuth
        Zenith and azimuth of the sensor as the ground sees it (deg, clockwise from north).
    elevation
        Height of the ground on which the image is placed (m).

    Returns
    -------
    Dataset
        The same variables.
    """
    names = ("cloud_top_height", "cloud_top_temperature", "cloud_ice")
    depth = np.asarray(clouds["cloud_optical_depth"].values, np.float32)
    rest = {name: np.asarray(clouds[name].values, np.float32) for name in names}
    if depth.any():
        height = rest["cloud_top_height"] - np.asarray(elevation, np.float32)
        fields = _displaced(grid, depth, height, view_zenith, view_azimuth, [depth, *rest.values()])
        clear = fields[0] == 0
        depth = fields[0]
        rest = {name: np.where(clear, old, new) for (name, old), new in zip(rest.items(), fields[1:], strict=True)}
        rest["cloud_ice"] = np.round(rest["cloud_ice"])
    return dataset({"cloud_optical_depth": depth, **rest}, clouds)


def _steps(
    grid: WorldGrid, height: ArrayLike, zenith: ArrayLike, azimuth: ArrayLike
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return how many rows (southward) and columns (eastward) away from a direction something appears."""
    angle = np.radians(np.asarray(azimuth, np.float32))
    tilt = np.radians(np.minimum(np.asarray(zenith, np.float32), np.float32(_STEEPEST)))
    reach = np.sin(tilt) / np.cos(tilt) * np.asarray(height, np.float32) / np.float32(grid.metres)
    east = -reach * np.sin(angle)
    if grid.geographic:
        east = east / np.maximum(np.cos(np.radians(grid.latitude)), 0.05).astype(np.float32)
    return reach * np.cos(angle), east


def _displaced(
    grid: WorldGrid, depth: Field, height: Field, zenith: ArrayLike, azimuth: ArrayLike, fields: list[Field]
) -> list[Field]:
    """Move the cloudy cells of fields by their height; where nothing arrives they are zero.

    Cells that arrive at one place are averaged, gaps of a cell are closed. What leaves the grid comes in at the other
    side, as the clouds themselves do.
    """
    south, east = (np.broadcast_to(step, depth.shape) for step in _steps(grid, height, zenith, azimuth))
    if max(np.abs(south).max(), np.abs(east).max()) < 0.5:
        return [np.where(depth > 0, f, np.float32(0.0)) for f in fields]
    cell = np.flatnonzero(depth.ravel() > 0)
    row, column = np.divmod(cell, grid.columns)
    row = (row + np.rint(south.ravel()[cell]).astype(np.int64)) % grid.rows
    column = (column + np.rint(east.ravel()[cell]).astype(np.int64)) % grid.columns
    target = row * grid.columns + column
    size = depth.size
    count = _around(np.bincount(target, minlength=size), grid.shape)
    hit = count > 0.34
    share = np.where(hit, count, np.float32(1.0))
    sums = (_around(np.bincount(target, weights=f.ravel()[cell], minlength=size), grid.shape) for f in fields)
    return [np.where(hit, total / share, np.float32(0.0)) for total in sums]


def _around(values: NDArray[np.generic], shape: tuple[int, int]) -> Field:
    return np.asarray(ndimage.uniform_filter(values.reshape(shape).astype(np.float32), 3, mode="wrap"))


def _on_relief(
    fields: list[Field], grid: WorldGrid, height: Field, zenith: ArrayLike, azimuth: ArrayLike
) -> list[Field]:
    """Return what falls on a plane where it meets the relief: higher ground is hit nearer to the sun."""
    south, east = (
        np.broadcast_to(np.rint(s).astype(np.int32), grid.shape) for s in _steps(grid, height, zenith, azimuth)
    )
    if not (south.any() or east.any()):
        return fields
    row = (np.arange(grid.rows, dtype=np.int32)[:, np.newaxis] + south) % np.int32(grid.rows)
    column = (np.arange(grid.columns, dtype=np.int32) + east) % np.int32(grid.columns)
    cell = row * np.int32(grid.columns) + column
    return [np.take(f, cell) for f in fields]


# ---- light -----------------------------------------------------------------------------------------------------------
def reflectance(
    optical_depth: ArrayLike, wavelength_um: float, ice: ArrayLike, sun_zenith: ArrayLike, view_zenith: ArrayLike
) -> tuple[Field, Field]:
    r"""Return what clouds reflect towards a sensor, and what they let through of a scene below.

    From the plane albedo R of :mod:`musyq_lab.twin._cloud_optics` and its mean over the sky, the spherical albedo
    :math:`\bar R`,

    .. math:: \rho = \frac{R(\mu_0) R(\mu)}{\bar R}, \qquad T = T(\mu_0) T(\mu)

    which is reciprocal, conserves energy (:math:`2 \int \rho \mu d\mu = R(\mu_0)`), and has the limits of thin clouds,
    :math:`\propto \tau / (\mu_0 \mu)`, and thick ones. It leaves out glory and rainbow.

    Parameters
    ----------
    optical_depth
        At 550 nm.
    wavelength_um
        Centre of the band (um).
    ice
        1 for ice, 0 for water.
    sun_zenith, view_zenith
        Degrees.

    Returns
    -------
    reflectance, transmittance : ndarray of float32
        Reflectance factor of the cloud alone (0 where there is none), and the two-way transmittance (1 there). A scene
        of reflectance r under the cloud adds T r, or T r / (1 - r R) with multiple reflection.
    """
    depth, frozen, sun, view = np.broadcast_arrays(
        np.asarray(optical_depth, np.float32), np.asarray(ice) > 0.5, *map(_cosine, (sun_zenith, view_zenith))
    )
    reflected, through = np.zeros(depth.shape, np.float32), np.ones(depth.shape, np.float32)
    for phase in (False, True):
        chosen = (depth > 0) & (frozen == phase)
        if chosen.any():
            reflected[chosen], through[chosen] = _phase(depth[chosen], wavelength_um, phase, sun[chosen], view[chosen])
    return reflected, through


def _phase(depth: Field, wavelength: float, ice: bool, sun: Field, view: Field) -> tuple[Floats, Floats]:
    albedo, g = 1 - optics.absorbed(wavelength, ice), optics.ASYMMETRY[ice]
    down = optics.two_stream(depth, sun, albedo, g)
    up = optics.two_stream(depth, view, albedo, g)
    nodes = np.geomspace(1e-3, 500.0, 96)
    mean = np.interp(np.log(depth), np.log(nodes), optics.spherical_albedo(nodes, albedo, g) / nodes) * depth
    return down[0] * up[0] / mean, down[1] * up[1]


def _cosine(zenith: ArrayLike) -> Field:
    return np.maximum(np.cos(np.radians(np.asarray(zenith, np.float32))), np.float32(optics.LOWEST))
