r"""From albedo in the bands of a sensor to that of broad bands, and the share of diffuse light.

``regression`` fits the broad-band albedo :math:`\alpha` of the 3000 land spectra of the package
(:mod:`musyq_lab.standard._library`), weighted with sunlight on the ground, to what the bands of the sensor see of them,

.. math:: \hat\alpha = \sum_b c_b \rho_b + c_0, \qquad
          c = \arg\min \sum_s \frac{(\hat\alpha_s - \alpha_s)^2 + \sum_b c_b^2 \sigma_b^2}{\max(\alpha_s, 0.05)^2} ,

for any sensor, platform and set of bands. Errors count relative to the albedo, as GCOS states its requirements. The
noise :math:`\sigma_b` = 0.003 + 0.02 of the reflectance keeps neighbouring bands from being played off against each
other, which a fit to clean spectra would do. Broad bands end at 0.4 and 2.5 um like the models of the package
(``"0.4-2.5"``); for ``"0.3-4"`` the 4.6 % of the light below 0.4 um is reflected as that at 0.4 um and the 0.8 % beyond
2.5 um as that at 2.5 um (shares of ASTM G173-03): on average canopies are darker by 0.008 then, soils by 0.004, and
snow is brighter by 0.003.

``published`` reads ``catalogs/albedo/narrow_to_broad.csv``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.core.resources import read_table, resource
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard import _library
from musyq_lab.standard.spectra import broad_bands

Floats = NDArray[np.floating]

ROLES = ("blue", "green", "red", "nir", "nir_1240", "swir1", "swir2")
"""Bands that a conversion may use, in the order of their weights."""
NEEDED = ("red", "nir")
"""Bands that every sensor of land has, without which there is no conversion."""
BROADBANDS = ("shortwave", "visible", "near_infrared")
LIMITS = ("0.4-2.5", "0.3-4")
"""Ends (um) of the shortwave and near-infrared bands; the visible one is 0.4 to 0.7 um in both."""
DARKEST = 0.05
"""Albedo below which errors count as if it were this."""

_NOISE = (0.003, 0.02)
_BEYOND = (0.046, 0.008)  # ASTM G173-03, global: 0.28 to 0.4 um and 2.5 to 4 um of 1000.4 W m-2
_INFRARED = 0.516  # of that light, what lies between 0.7 and 2.5 um
_PUBLISHED = "catalogs/albedo/narrow_to_broad.csv"
_DIFFUSE = "catalogs/albedo/diffuse.csv"
_DEFAULT_SENSOR = "modis"


class Conversion(NamedTuple):
    """Linear formula for a broad band."""

    weights: tuple[float, ...]
    """Of the bands, in the order of the roles asked for."""
    offset: float
    """Constant."""
    error: float
    """One sigma of what it leaves, relative to the albedo, or to 0.05 where that is darker."""


def conversion(name: str, sensor: str, roles: tuple[str, ...], broadband: str, limits: str = LIMITS[0]) -> Conversion:
    """Return the formula for a broad band of a sensor.

    Parameters
    ----------
    name : {"regression", "published"}
        Whose formula.
    sensor : str
        ``"<sensor>"`` or ``"<sensor>/<platform or camera>"``; MODIS where it is empty.
    roles : tuple of str
        Bands there are, of :data:`ROLES`.
    broadband : str
        Of :data:`BROADBANDS`.
    limits : str
        Of :data:`LIMITS`; published formulae have limits of their own.

    Raises
    ------
    InputError
        If there is no published formula for the sensor, or a band of it is not there.
    NotFoundError
        If there is no such sensor or platform.
    """
    key, _, variant = (sensor or _DEFAULT_SENSOR).partition("/")
    if name == "published":
        return _published(key, roles, broadband)
    if limits not in LIMITS:
        raise InputError(f"Broad bands end at {' or '.join(LIMITS)} um, got {limits!r}.{closest(limits, LIMITS)}")
    return _regressed(key, variant, roles, broadband, limits)


def roles_of(sensor: str, variant: str = "") -> tuple[str, ...]:
    """Return the bands of a sensor that a conversion may use.

    Parameters
    ----------
    sensor, variant : str
        Key, and platform or camera.
    """
    own = {band.name for band in SENSORS[sensor].bands_of(variant)}
    return tuple(role for role in ROLES if role in own)


def library_albedo(broadband: str, limits: str = LIMITS[0]) -> Floats:
    """Return the broad-band albedo of the spectra of the library, shape (spectrum,).

    Parameters
    ----------
    broadband : str
        Of :data:`BROADBANDS`.
    limits : str
        Of :data:`LIMITS`.
    """
    _, spectra = _library.spectra()
    bands = broad_bands([broadband])
    inside = np.einsum("sw,w->s", spectra[:, np.round(1e3 * bands.wavelength).astype(int) - 400], bands.weights[0])
    if limits == LIMITS[0] or broadband == "visible":
        return np.asarray(inside)
    below, above = _BEYOND
    if broadband == "near_infrared":
        return np.asarray((_INFRARED * inside + above * spectra[:, -1]) / (_INFRARED + above))
    return np.asarray((1.0 - below - above) * inside + below * spectra[:, 0] + above * spectra[:, -1])


@lru_cache(maxsize=256)
def _regressed(sensor: str, variant: str, roles: tuple[str, ...], broadband: str, limits: str) -> Conversion:
    reflectance, truth = _library.band_reflectance(sensor, roles, variant), library_albedo(broadband, limits)
    weight = 1.0 / np.maximum(truth, DARKEST) ** 2
    columns = np.column_stack([reflectance, np.ones_like(truth)])
    # einsum adds in one order; a product of matrices does not for every number of threads.
    matrix = np.einsum("sa,s,sb->ab", columns, weight, columns)
    noise = np.einsum("s,sa->a", weight, (_NOISE[0] + _NOISE[1] * reflectance) ** 2)
    matrix[range(len(roles)), range(len(roles))] += noise
    found = np.linalg.solve(matrix, np.einsum("sa,s,s->a", columns, weight, truth))
    error = np.abs(np.einsum("sa,a->s", columns, found) - truth) / np.maximum(truth, DARKEST)
    return Conversion(tuple(found[:-1].tolist()), float(found[-1]), float(np.percentile(error, 68.0)))


def _published(sensor: str, roles: tuple[str, ...], broadband: str) -> Conversion:
    row = _rows().get((sensor, broadband))
    if row is None:
        known = ", ".join(sorted({key for key, _ in _rows()}))
        raise InputError(
            f"There is no published formula for {broadband} albedo of {sensor}; there are some for {known}. Use "
            "method='regression', which serves every sensor."
        )
    needed = [role for role in ROLES if row[role] != 0.0]
    if missing := [role for role in needed if role not in roles]:
        raise InputError(
            f"The published formula of {sensor} needs the band {missing[0]!r}; given are {', '.join(roles)}."
        )
    weights = tuple(row[role] for role in roles)
    return Conversion(weights, row["constant"], 0.05)


@lru_cache(maxsize=1)
def _rows() -> dict[tuple[str, str], dict[str, float]]:
    return {
        (row["sensor"], row["broadband"]): {name: float(row[name]) for name in (*ROLES, "constant")}
        for row in read_table(_PUBLISHED)
    }


def diffuse_fraction(sun_zenith: Any, aod: Any, broadband: str = "shortwave") -> Floats:
    """Return diffuse over global irradiance under a clear sky, by bilinear interpolation of 6S (continental aerosol).

    Parameters
    ----------
    sun_zenith : array
        Degrees; beyond 80 as there.
    aod : array
        Optical depth of the aerosol at 550 nm; beyond 2 as there.
    broadband : str
        Of :data:`BROADBANDS`.
    """
    if broadband not in BROADBANDS:
        raise NotFoundError(f"There is no broad band {broadband!r}.{closest(broadband, BROADBANDS)}")
    suns, depths, tables = _table()
    table = tables[BROADBANDS.index(broadband)]
    sun, depth = np.broadcast_arrays(sun_zenith, aod)
    low, right = _place(suns, sun)
    left, up = _place(depths, depth)
    rows = [table[low + k, left] * (1 - up) + table[low + k, left + 1] * up for k in (0, 1)]
    return np.asarray(rows[0] * (1 - right) + rows[1] * right, np.result_type(sun, depth))


def _place(nodes: Floats, values: Any) -> tuple[NDArray[np.intp], Floats]:
    """Return the node below each value and how far it lies towards the next."""
    inside = np.clip(values, nodes[0], nodes[-1])
    low = np.clip(np.searchsorted(nodes, inside, side="right") - 1, 0, nodes.size - 2)
    return low, np.asarray((inside - nodes[low]) / (nodes[low + 1] - nodes[low]))


@lru_cache(maxsize=1)
def _table() -> tuple[Floats, Floats, Floats]:
    """Return zenith angles, optical depths and the diffuse fraction, shape (broad band, sun, depth)."""
    table = np.loadtxt(resource(_DIFFUSE), delimiter=",", skiprows=2)
    suns, depths = np.unique(table[:, 0]), np.unique(table[:, 1])
    return suns, depths, np.ascontiguousarray(table[:, 2:].T.reshape(len(BROADBANDS), suns.size, depths.size))
