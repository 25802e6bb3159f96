r"""Dark targets: aerosol over vegetation and dark soils, whose blue reflectance follows from that of other bands.

Both methods average the light of the darkest half of the dark pixels of a cell, the fifth below left out (shadows,
water; Levy et al. 2007), and find the optical depth by :func:`musyq_lab.kernels.dark_target.meeting`.

With a band at 2.1 um (:func:`dark_target`), where aerosol hardly matters, pixels of 0.01 to 0.25 there are dark, and

.. math::
   \rho_{0.47} = 0.49\,\rho_{0.66} + 0.005, \qquad
   \rho_{0.66} = [s + 0.002\,\Theta - 0.27]\,\rho_{2.1} + 0.033 - 0.00025\,\Theta

with the scattering angle :math:`\Theta` (deg) and s from 0.48 to 0.58 as
:math:`(\rho_{1.24} - \rho_{2.1}) / (\rho_{1.24} + \rho_{2.1})` goes from 0.25 to 0.75. Sensors without a band at
1.24 um take the ratios that NASA uses for VIIRS, :math:`\rho_{0.48} = 0.645 \rho_{0.67}` and
:math:`\rho_{0.67} = 0.559 \rho_{2.25}`.

Without such a band (:func:`dense_vegetation`) pixels are dark whose NDVI at the surface, under the aerosol expected, is
0.6 or more; the line from red to blue is fitted to such spectra of the library of land in the bands of the sensor.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musyq_lab.kernels import dark_target as kernels
from musyq_lab.products._aerosol_look import Floats, Look
from musyq_lab.standard._aerosol_cells import by_cell, nodes
from musyq_lab.standard._aerosol_marks import clear
from musyq_lab.standard._aerosol_surfaces import land
from musyq_lab.standard.aerosol import NODES, combine

SHARE = 0.03
"""Pixels of a cell that must remain, as a share of those looked at: 12 of 400 (Levy et al. 2007)."""

EXPECTED_ERROR = (0.05, 0.15)
"""One sigma of MODIS over land: a constant and a share of the optical depth (Levy et al. 2013)."""

DENSE = 0.6
"""Least NDVI of dense vegetation (Fu et al. 2014 take NDVI too; the number is ours)."""

_DARK = (0.01, 0.25)  # at 2.1 um; the lower limit is in NASA's code for MODIS, the upper in Levy et al. 2007
_LEAST_NDVI = 0.1  # NASA's code for MODIS: what has less in the light of the sensor is water
_MIDDLE = (0.2, 0.5)  # Levy et al. 2007
_BLUE_OF_RED, _BLUE = 0.49, 0.005
_VIIRS = (0.645, 0.559)


class Line(NamedTuple):
    """Blue reflectance of dense vegetation as a line over the red."""

    slope: float
    """1."""
    offset: float
    """Reflectance."""
    error: float
    """Root mean square distance of the spectra from it, in reflectance."""


def scattering_angle(sun: Any, view: Any, turn: Any) -> Any:
    """Return the angle by which light is turned (deg), 180 for straight back.

    Parameters
    ----------
    sun, view, turn : array_like
        Zenith angles of Sun and view, and the angle between their azimuths, 0 with both on one side (deg).
    """
    sun, view, turn = (np.radians(np.asarray(angle, np.float64)) for angle in (sun, view, turn))
    cosine = -np.cos(sun) * np.cos(view) - np.sin(sun) * np.sin(view) * np.cos(turn)
    return np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))


def red_line(greenness: Any, scattering: Any) -> tuple[Any, Any]:
    """Return slope and offset of the red over the 2.1 um reflectance of MODIS (equation of the module).

    Parameters
    ----------
    greenness : array_like
        Index of 1.24 and 2.1 um.
    scattering : array_like
        deg.
    """
    slope = np.clip(0.48 + 0.2 * (np.asarray(greenness) - 0.25), 0.48, 0.58)
    return slope + 0.002 * scattering - 0.27, 0.033 - 0.00025 * scattering


def dark_target(seen: Look, *, vapour_band: bool) -> Any:
    """Return optical depth, sigma, share of pixels used, shape (3, rows, columns); NaN where too few are dark.

    Parameters
    ----------
    seen : Look
        Of blue, red, near infrared, 2.1 um and, with ``vapour_band``, 1.24 um.
    vapour_band : bool
        Whether there is a band at 1.24 um.
    """
    told = {"keys": [seen.keys[k] for k in (0, 1, 3)], "halo": seen.halo, "greenness": vapour_band}
    return seen.cells.apply(_dark_cells, seen.toa, seen.marked, seen.sky, leading=3, **told)


def _dark_cells(
    toa: Floats, marked: Floats, sky: Floats, *, rows: int, columns: int, keys: Any, halo: bool, greenness: bool
) -> Floats:
    light = by_cell(toa.astype(np.float32), rows, columns)  # band, rows, columns, pixel
    usable = by_cell(clear(marked[0], rows, columns, halo=halo)[None], rows, columns)[0]
    red, infrared, far = light[1], light[2], light[3]
    with np.errstate(invalid="ignore", divide="ignore"):
        dark = usable & (far >= _DARK[0]) & (far <= _DARK[1]) & ((infrared - red) / (infrared + red) > _LEAST_NDVI)
    dark &= np.isfinite(light).all(axis=0)
    mean, share = _middle(light, red, dark)
    if greenness:
        index = (mean[4] - mean[3]) / (mean[4] + mean[3])
        slope, offset = red_line(index, scattering_angle(*sky[:3]))
        weights, constant = _BLUE_OF_RED * slope, _BLUE_OF_RED * offset + _BLUE
    else:
        weights, constant = np.full(share.shape, _VIIRS[0] * _VIIRS[1]), np.zeros(share.shape)
    relation = np.stack([np.ones_like(weights), np.zeros_like(weights), weights], -1).astype(np.float32)
    tables = nodes(keys, sky, aod=NODES)
    own = np.ascontiguousarray(np.moveaxis(mean[[0, 1, 3]], 0, -1))
    found, _ = kernels.meeting(own, *tables, relation, constant.astype(np.float32), NODES.astype(np.float32))
    base, relative = EXPECTED_ERROR
    sigma = base + relative * np.maximum(found, 0.0)
    made = np.stack([found, sigma, share])
    made[:2, share < SHARE] = np.nan
    return made.astype(np.float32)


def _middle(light: Floats, red: Floats, dark: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the mean light of the dark pixels between two ranks of their red, and their share of all."""
    order = np.argsort(np.where(dark, red, np.inf), axis=-1, kind="stable")
    rank = np.argsort(order, axis=-1, kind="stable")
    count = dark.sum(-1, keepdims=True)
    chosen = dark & (rank >= np.floor(_MIDDLE[0] * count)) & (rank < np.ceil(_MIDDLE[1] * count))
    total = np.where(chosen, light, 0.0).sum(-1, dtype=np.float64)
    left = chosen.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Floats = (total / left).astype(np.float32)
    return mean, left / chosen.shape[-1]


def dense_vegetation(seen: Look, sensor: str, roles: tuple[str, ...], variant: str) -> tuple[Any, Any]:
    """Return optical depth, sigma and information, shape (3, rows, columns), and the share of pixels used.

    Where no vegetation is dense the prior remains.

    Parameters
    ----------
    seen : Look
        Of blue, red and near infrared.
    sensor, variant : str
        Key, platform or camera.
    roles : tuple of str
        The three bands.
    """
    told = {"keys": seen.keys, "halo": seen.halo, "line": blue_line(sensor, roles, variant)}
    found = seen.cells.apply(_dense_cells, seen.toa, seen.marked, seen.sky, seen.prior, leading=NODES.size + 1, **told)
    return combine(found[:-1], seen.prior), found[-1]


@lru_cache(maxsize=64)
def blue_line(sensor: str, roles: tuple[str, ...], variant: str = "") -> Line:
    """Return the line from red to blue of dense vegetation in the bands of a sensor, fitted to the library of land.

    Parameters
    ----------
    sensor, variant : str
        Key, platform or camera.
    roles : tuple of str
        Blue, red, near infrared.
    """
    blue, red, infrared = land(sensor, roles, variant).T
    dense = (infrared - red) / (infrared + red) >= DENSE
    slope, offset = np.polyfit(red[dense], blue[dense], 1)
    error = np.sqrt(np.mean((blue[dense] - offset - slope * red[dense]) ** 2))
    return Line(float(slope), float(offset), float(error))


def _dense_cells(
    toa: Floats,
    marked: Floats,
    sky: Floats,
    prior: Floats,
    *,
    rows: int,
    columns: int,
    keys: Any,
    halo: bool,
    line: Line,
) -> Floats:
    light = by_cell(toa.astype(np.float32), rows, columns)
    usable = by_cell(clear(marked[0], rows, columns, halo=halo)[None], rows, columns)[0]
    tables = nodes(keys, sky, aod=NODES)  # rows, columns, node, band
    near = np.abs(NODES - prior[0][..., None]).argmin(-1)[..., None, None]
    path, through, albedo = (np.take_along_axis(part, near, -2)[..., 0, :] for part in tables)
    y = (np.moveaxis(light, 0, -1) - path[:, :, None]) / through[:, :, None]
    surface = y / (1.0 + albedo[:, :, None] * y)
    red, infrared = surface[..., 1], surface[..., 2]
    with np.errstate(invalid="ignore", divide="ignore"):
        dense = usable & ((infrared - red) / (infrared + red) >= DENSE) & (red > 0.0)
    mean, share = _middle(light, light[1], dense)
    relation = np.array([1.0, line.slope, 0.0], np.float32)
    own = np.ascontiguousarray(np.moveaxis(mean, 0, -1))
    found, response = kernels.meeting(own, *tables, relation, np.float32(line.offset), NODES.astype(np.float32))
    enough = (share >= SHARE) & np.isfinite(response)
    with np.errstate(invalid="ignore", divide="ignore"):
        away = (NODES[:, None, None] - found) / (response * line.error)
    curves = np.where(enough, away**2, 0.0)
    return np.concatenate([curves, share[None]]).astype(np.float32)
