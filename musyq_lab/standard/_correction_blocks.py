"""The correction of one chunk of a scene: the atmosphere at its corners, then the kernels, then what they left out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.kernels import atmosphere as tables
from musyq_lab.kernels import correction as kernels
from musyq_lab.standard import atmosphere
from musyq_lab.standard._correction_cells import Line, spread

Floats = NDArray[np.float32]

# Half the distance over which slopes are taken, about as far as the air varies in a cell; and the ends of the tables.
_STEPS = (0.05, 2.0, 30.0, 40.0)
_ENDS = (
    (0.0, tables.MAX_AOD),
    (0.0, tables.MAX_VAPOUR),
    (0.0, tables.MAX_OZONE),
    (tables.MIN_PRESSURE, tables.MAX_PRESSURE),
)
_GEOMETRY = 3
_AOD, _VAPOUR, _PRESSURE = 0, 1, 3  # of the state
_MANY = 1 << 14


def spread_block(nodes: Floats, *, bands: slice, rows: Line, columns: Line) -> Floats:
    """Interpolate a field at the corners to the pixels of a chunk."""
    return spread(nodes[0], rows, columns)[None]


def surface_block(
    nodes: Floats, toa: Floats, *fields: Floats, bands: slice, rows: Line, columns: Line, keys: list[Any]
) -> Floats:
    """Return the reflectance of the surface; ``fields`` are the three angles and the four of the air."""
    out = np.full_like(toa, np.nan)
    state = [field[0] for field in fields[_GEOMETRY:]]
    for b, key in enumerate(keys[bands]):
        if key is None:
            continue
        kernels.surface(toa[b], *state, planes(nodes, key), *_cells(rows, columns), out=out[b])
        left = np.nonzero(np.isnan(out[b]) & ~np.isnan(toa[b]))
        if left[0].size:
            found = _coefficients(np.stack([field[0][left] for field in fields]), key)
            out[b][left] = atmosphere.surface_reflectance(toa[b][left], atmosphere.Coefficients(*found))
    return out


def sigma_block(
    nodes: Floats,
    toa: Floats,
    *fields: Floats,
    bands: slice,
    rows: Line,
    columns: Line,
    keys: list[Any],
    table_error: list[Any],
    random: bool,
) -> Floats:
    """Return the random or the systematic uncertainty of the reflectance of the surface.

    ``fields`` are the three angles, the four of the air, their four uncertainties, and that of the reflectance at the
    top of the atmosphere where the scene has it.
    """
    out = np.full_like(toa, np.nan)
    ends = _GEOMETRY + 2 * len(_STEPS)
    known, before = [field[0] for field in fields[:ends]], fields[ends:]
    for b, (key, error) in enumerate(zip(keys[bands], table_error[bands], strict=True)):
        if key is None:
            continue
        table = planes(nodes, key)
        gain, own = kernels.sensitivity(toa[b], *known[_GEOMETRY:], np.float32(error), table, *_cells(rows, columns))
        left = np.nonzero(np.isnan(gain) & ~np.isnan(toa[b]))
        for some in np.array_split(np.arange(left[0].size), -(-left[0].size // _MANY) or 1):
            at = tuple(index[some] for index in left)
            gain[at], own[at] = _alone(toa[b][at], [field[at] for field in known], key, error)
        carried = gain * before[0][b] if before else None
        out[b] = carried if random else own if carried is None else np.hypot(own, carried)
    return out


def planes(nodes: Floats, key: tuple[str, str, str]) -> Floats:
    """Return the planes of the atmosphere at corners (see :mod:`musyq_lab.kernels.correction`).

    Parameters
    ----------
    nodes : ndarray, shape (7, ...)
        Zenith angle of the Sun, of the sensor, relative azimuth (deg); aerosol optical depth, water vapour (kg m-2),
        ozone (DU), pressure (hPa).
    key : tuple
        Names the band.

    Returns
    -------
    ndarray, shape (..., FIELDS)
    """
    state = nodes[_GEOMETRY:]
    asked = [nodes]
    for k, (step, (low, high)) in enumerate(zip(_STEPS, _ENDS, strict=True)):
        for moved in (np.maximum(state[k] - step, low), np.minimum(state[k] + step, high)):
            asked.append(nodes.copy())
            asked[-1][_GEOMETRY + k] = moved.astype(np.float32)
    found = np.array(_coefficients(np.stack(asked, 1), key)[:3])  # (path, transmittance and albedo, state, ...)
    out = np.empty((*nodes.shape[1:], kernels.FIELDS), np.float32)
    slopes = [
        (found[:, 2 * k + 2] - found[:, 2 * k + 1]) / (asked[2 * k + 2] - asked[2 * k + 1])[_GEOMETRY + k]
        for k in range(len(_STEPS))
    ]
    at = 0
    for c, own in enumerate(((0, 1, 2, 3), (0, 1, 2, 3), (_AOD, _PRESSURE))):
        out[..., at] = found[c, 0] - sum(slopes[k][c] * state[k] for k in own)
        for j, k in enumerate(own):
            out[..., at + 1 + j] = slopes[k][c]
        at += 1 + len(own)
    trusted = (_AOD, _VAPOUR, _PRESSURE)
    out[..., at] = sum((state[k] / np.float32(reach)) ** 2 for k, reach in zip(trusted, kernels.REACH, strict=True))
    for j, (k, reach) in enumerate(zip(trusted, kernels.REACH, strict=True)):
        out[..., at + 1 + j] = state[k] / np.float32(reach**2)
    return out


def _coefficients(nodes: Floats, key: tuple[str, str, str]) -> tuple[Floats, ...]:
    """Return the coefficients at states, shape (7, ...)."""
    table = atmosphere.band_tables(key, "float32").scattering()
    return tuple(np.atleast_1d(part) for part in tables.coefficients(*np.ascontiguousarray(nodes), *table))


def _cells(rows: Line, columns: Line) -> tuple[Floats, ...]:
    return rows.cell, rows.share, columns.edges, columns.share


def _alone(toa: Floats, known: list[Floats], key: tuple[str, str, str], error: float) -> Any:
    """Return the derivatives at single pixels, each a cell of its own with four equal corners."""
    own = planes(np.stack(known[: _GEOMETRY + len(_STEPS)]), key)
    table = np.broadcast_to(own[:, None, None], (toa.size, 2, 2, kernels.FIELDS))
    fields = [field[:, None] for field in known[_GEOMETRY:]]
    zero = np.zeros(1, np.float32)
    edges = np.array([0.0, 1.0], np.float32)
    found = kernels.sensitivity(toa[:, None], *fields, np.float32(error), table, zero[0], zero[0], edges, zero)
    return tuple(part[:, 0] for part in found)
