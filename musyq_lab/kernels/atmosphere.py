r"""Scattering and absorption of the atmosphere, interpolated in small tables.

The reflectance of the atmosphere over a black surface is split into light scattered once, which is computed, and the
rest, which is smooth and interpolated linearly in five dimensions:

.. math::
   \rho_0 = \frac{P_r(\Theta)\,A + P_a(\Theta)\,B}{4 \mu_s \mu_v} + M, \qquad
   A = \int_0^1 \tau_r\, e^{-m(\tau_r u + \tau_a u^4)}\, du, \quad
   B = \omega_a \int_0^1 4 u^3 \tau_a\, e^{-m(\tau_r u + \tau_a u^4)}\, du

with molecules (r) of scale height 8 km and aerosol (a) of 2 km, :math:`u = e^{-z/8}`, :math:`m = 1/\mu_s + 1/\mu_v`
and the scattering angle :math:`\cos\Theta = -\mu_s \mu_v - \sqrt{1-\mu_s^2}\sqrt{1-\mu_v^2}\cos\varphi`
(:math:`\varphi` = 0: Sun and sensor on the same side). The tables are built by
:mod:`musyq_lab.standard._atmosphere_band`; their axes are constants here.
"""

import math
from typing import Any

import numpy as np

from musyq_lab.kernels._compile import inline, kernel
from musyq_lab.kernels._math import cos, exp, log, sqrt

__all__ = ["AXES", "SCENE", "coefficients", "downward", "in_scene"]

_DEGREE = math.pi / 180.0

MAX_SUN = 80.0
"""Largest solar zenith angle of the tables (deg)."""
MAX_VIEW = 70.0
"""Largest view zenith angle of the tables (deg)."""
MAX_AOD = 2.0
"""Largest aerosol optical depth at 550 nm."""
MAX_VAPOUR = 80.0
"""Largest column of water vapour (kg m-2)."""
MAX_OZONE = 600.0
"""Largest column of ozone (Dobson unit)."""
MIN_PRESSURE = 500.0
"""Smallest surface pressure (hPa)."""
MAX_PRESSURE = 1060.0
"""Largest surface pressure (hPa)."""

AODS = 21  # uniform in the square root
PRESSURES = 4
SUNS = 23  # steps of 5 deg, beyond 50 deg of 2.5
VIEWS = 19  # the same
AZIMUTHS = 15  # uniform in the cosine
BEAMS = 41
MASSES = 33  # uniform in the logarithm
ANGLES = 257  # uniform in the cosine
VAPOURS = 97  # uniform in log(1 + x)
SCENE_AODS = 65  # uniform in the square root
SCENE_VAPOURS = 65  # uniform in the square root

_MAX_MASS = 9.0  # 1 / cos 80 + 1 / cos 70 = 8.68

# Nodes for a unit of the axis's variable, and the last node that has a next one.
_AOD_RATE, _AOD_LAST = (AODS - 1) / math.sqrt(MAX_AOD), float(AODS - 2)
_PRESSURE_RATE, _PRESSURE_LAST = (PRESSURES - 1) / (MAX_PRESSURE - MIN_PRESSURE), float(PRESSURES - 2)
_LOW = 50.0  # deg, beyond which zenith angles are twice as dense
_ZENITH_RATE, _SUN_LAST, _VIEW_LAST = 0.2, float(SUNS - 2), float(VIEWS - 2)
_AZIMUTH_RATE, _AZIMUTH_LAST = (AZIMUTHS - 1) / 2.0, float(AZIMUTHS - 2)
_BEAM_RATE, _BEAM_LAST = (BEAMS - 1) / MAX_SUN, float(BEAMS - 2)
_MASS_RATE, _MASS_LAST = (MASSES - 1) / math.log(_MAX_MASS), float(MASSES - 2)
_ANGLE_RATE, _ANGLE_LAST = (ANGLES - 1) / 2.0, float(ANGLES - 2)
_VAPOUR_RATE, _VAPOUR_LAST = (VAPOURS - 1) / math.log(1.0 + MAX_VAPOUR * _MAX_MASS), float(VAPOURS - 2)
_SCENE_AOD_RATE, _SCENE_AOD_LAST = (SCENE_AODS - 1) / math.sqrt(MAX_AOD), float(SCENE_AODS - 2)
_SCENE_VAPOUR_RATE, _SCENE_VAPOUR_LAST = (SCENE_VAPOURS - 1) / math.sqrt(MAX_VAPOUR), float(SCENE_VAPOURS - 2)

# Numbers between neighbours in flat tables.
_MASS_SHEET = PRESSURES * MASSES
_ONCE = AODS * _MASS_SHEET
_BEAM_SHEET = PRESSURES * BEAMS
_VIEW_SHEET = VIEWS * AZIMUTHS
_ANGLE_BLOCK = PRESSURES * SUNS * _VIEW_SHEET
_SCENE = SCENE_AODS * SCENE_VAPOURS

# Phase function of molecules a + b cos^2 for the depolarization d = 0.0279 that 6S has: with g = d / (2 - d),
# a = 3 (1 + 3 g) / (4 (1 + 2 g)) and b = 3 (1 - g) / (4 (1 + 2 g)). It gives what 6S prints to 1e-4.
_ANISOTROPY = 0.0279 / (2.0 - 0.0279)
RAYLEIGH_0 = 0.75 * (1.0 + 3.0 * _ANISOTROPY) / (1.0 + 2.0 * _ANISOTROPY)
RAYLEIGH_2 = 0.75 * (1.0 - _ANISOTROPY) / (1.0 + 2.0 * _ANISOTROPY)

AXES = {
    "aod": np.linspace(0.0, math.sqrt(MAX_AOD), AODS) ** 2,
    "pressure": np.linspace(MIN_PRESSURE, MAX_PRESSURE, PRESSURES),
    "sun_zenith": np.concatenate([np.arange(0.0, _LOW, 5.0), np.arange(_LOW, MAX_SUN + 1.0, 2.5)]),
    "view_zenith": np.concatenate([np.arange(0.0, _LOW, 5.0), np.arange(_LOW, MAX_VIEW + 1.0, 2.5)]),
    "relative_azimuth": np.degrees(np.arccos(np.linspace(-1.0, 1.0, AZIMUTHS))),
    "beam_zenith": np.linspace(0.0, MAX_SUN, BEAMS),
    "mass": np.exp(np.linspace(0.0, math.log(_MAX_MASS), MASSES)),
    "cosine": np.linspace(-1.0, 1.0, ANGLES),
    "vapour": np.expm1(np.linspace(0.0, math.log(1.0 + MAX_VAPOUR * _MAX_MASS), VAPOURS)),
}
"""Nodes of the tables: each axis is uniform in the variable that the kernels interpolate in."""

SCENE = {
    "aod": np.minimum(np.linspace(0.0, math.sqrt(MAX_AOD), SCENE_AODS) ** 2, MAX_AOD),
    "vapour": np.minimum(np.linspace(0.0, math.sqrt(MAX_VAPOUR), SCENE_VAPOURS) ** 2, MAX_VAPOUR),
}
"""Nodes of the table that :func:`in_scene` interpolates in."""


@inline
def place(x: Any, first: Any, rate: Any, last: Any) -> Any:
    """Return the node below a value on a uniform axis, and how far it lies towards the next."""
    t = max((x - first) * rate, 0.0 * x)
    low = min(np.floor(t), last + 0.0 * x)
    return int(low), t - low


@inline
def line(table: Any, at: int, x: Any) -> Any:
    """Interpolate between two numbers of a flat table, from the first at ``at``."""
    return table[at] + x * (table[at + 1] - table[at])


@inline
def plane(table: Any, at: int, x: Any, row: int, y: Any) -> Any:
    """Interpolate between four numbers: by x over rows of a length, by y within them."""
    low = line(table, at, y)
    return low + x * (line(table, at + row, y) - low)


@inline
def solid(table: Any, at: int, x: Any, sheet: int, y: Any, row: int, z: Any) -> Any:
    """Interpolate between eight numbers: by x over sheets, by y over rows, by z within rows."""
    low = plane(table, at, y, row, z)
    return low + x * (plane(table, at + sheet, y, row, z) - low)


@inline
def _geometry(sun: Any, view: Any, azimuth: Any) -> Any:
    """Return the cosines of both zenith angles, of the scattering angle and of the relative azimuth."""
    mu_s = cos(sun * _DEGREE)
    mu_v = cos(view * _DEGREE)
    turned = cos(azimuth * _DEGREE)
    sines = sqrt(max(1.0 - mu_s * mu_s, 0.0 * mu_s)) * sqrt(max(1.0 - mu_v * mu_v, 0.0 * mu_v))
    return mu_s, mu_v, -mu_s * mu_v - sines * turned, turned


@inline
def _dense(zenith: Any) -> Any:
    """Return the variable in which the zenith angles of multiple scattering are uniform."""
    return zenith + max(zenith - _LOW, 0.0 * zenith)


@inline
def _angles_valid(sun: Any, view: Any, azimuth: Any) -> Any:
    """Whether the angles lie within the tables; False for NaN."""
    return (sun >= 0.0) & (sun <= MAX_SUN) & (view >= 0.0) & (view <= MAX_VIEW) & (abs(azimuth) <= 1080.0)


@inline
def _air_valid(aod: Any, vapour: Any, ozone: Any, pressure: Any) -> Any:
    """Whether the state of the air lies within the tables; False for NaN."""
    columns = (vapour >= 0.0) & (vapour <= MAX_VAPOUR) & (ozone >= 0.0) & (ozone <= MAX_OZONE)
    return columns & (aod >= 0.0) & (aod <= MAX_AOD) & (pressure >= MIN_PRESSURE) & (pressure <= MAX_PRESSURE)


@inline
def _gases(mass: Any, vapour: Any, ozone: Any, j: int, y: Any, water: Any, dry: Any, absorption: Any) -> Any:
    """Return the transmittance of all gases but water vapour, of the vapour, and of half of it."""
    k, z = place(log(mass), 0.0, _MASS_RATE, _MASS_LAST)
    amount = mass * ozone
    loss = amount * (line(absorption, j, y) - amount * line(absorption, PRESSURES + j, y))
    others = plane(dry, j * MASSES + k, y, MASSES, z) * exp(-loss)
    w, a = place(log(1.0 + mass * vapour), 0.0, _VAPOUR_RATE, _VAPOUR_LAST)
    h, b = place(log(1.0 + 0.5 * mass * vapour), 0.0, _VAPOUR_RATE, _VAPOUR_LAST)
    row = j * VAPOURS
    return others, plane(water, row + w, y, VAPOURS, a), plane(water, row + h, y, VAPOURS, b)


@inline
def _four(table: Any, at: int, y: Any, u: Any, w: Any, g: Any) -> Any:
    """Interpolate over pressure, Sun, view and azimuth."""
    low = solid(table, at, u, _VIEW_SHEET, w, AZIMUTHS, g)
    return low + y * (solid(table, at + SUNS * _VIEW_SHEET, u, _VIEW_SHEET, w, AZIMUTHS, g) - low)


@kernel("(),(),(),(),(),(),(),(c),(t),(r),(e),(b),(l),(w),(d),(o)->(),(),(),()")
def coefficients(
    sun: float,  # zenith (deg)
    view: float,  # zenith (deg)
    azimuth: float,  # relative (deg), 0 on the side of the Sun
    aod: float,  # optical depth of aerosol at 550 nm
    vapour: float,  # kg m-2
    ozone: float,  # Dobson unit
    pressure: float,  # of the surface (hPa)
    # Tables, flat in C order: their dims are in AXES, and in `musyq_lab.standard._atmosphere_band.BandTables`.
    once: Any,  # c A, B and A without aerosol, by optical depth, pressure and air mass
    phase: Any,  # t of aerosol, by the cosine of the scattering angle
    rayleigh: Any,  # r M (mu_s + mu_v) of molecules, by pressure, Sun, view and azimuth
    aerosol: Any,  # e what aerosol adds to it, by optical depth and these
    beam: Any,  # b transmittance by scattering, by optical depth, pressure and zenith angle
    albedo: Any,  # l spherical, by optical depth and pressure
    water: Any,  # w transmittance, by pressure and vapour times air mass
    dry: Any,  # d transmittance of O2, CO2, CH4, N2O and CO, by pressure and air mass
    absorption: Any,  # o of ozone per Dobson unit and per its square, by pressure
    path_out: Any,  # reflectance over a black surface
    transmittance_out: Any,  # down and up, with gases
    albedo_out: Any,  # spherical
    gas_out: Any,  # transmittance of all gases, down and up
) -> None:
    """Path reflectance, transmittance and spherical albedo of the atmosphere; NaN outside the tables.

    As in 6S, light scattered by molecules passes no water vapour, that scattered by aerosol half of it.
    """
    if not (_angles_valid(sun, view, azimuth) & _air_valid(aod, vapour, ozone, pressure)):
        return
    mu_s, mu_v, cosine, turned = _geometry(sun, view, azimuth)
    mass = 1.0 / mu_s + 1.0 / mu_v
    i, x = place(sqrt(aod), 0.0, _AOD_RATE, _AOD_LAST)
    j, y = place(pressure, MIN_PRESSURE, _PRESSURE_RATE, _PRESSURE_LAST)

    k, z = place(log(mass), 0.0, _MASS_RATE, _MASS_LAST)
    n, q = place(cosine, -1.0, _ANGLE_RATE, _ANGLE_LAST)
    share = 0.25 / (mu_s * mu_v)
    molecules = share * (RAYLEIGH_0 + RAYLEIGH_2 * cosine * cosine)
    at = (i * PRESSURES + j) * MASSES + k
    clear = molecules * plane(once, 2 * _ONCE + j * MASSES + k, y, MASSES, z)
    hazy = molecules * solid(once, at, x, _MASS_SHEET, y, MASSES, z)
    hazy += share * line(phase, n, q) * solid(once, _ONCE + at, x, _MASS_SHEET, y, MASSES, z)

    s, u = place(_dense(sun), 0.0, _ZENITH_RATE, _SUN_LAST)
    v, w = place(_dense(view), 0.0, _ZENITH_RATE, _VIEW_LAST)
    f, g = place(turned, -1.0, _AZIMUTH_RATE, _AZIMUTH_LAST)
    at = ((j * SUNS + s) * VIEWS + v) * AZIMUTHS + f
    many = _four(rayleigh, at, y, u, w, g) / (mu_s + mu_v)
    low = _four(aerosol, i * _ANGLE_BLOCK + at, y, u, w, g)
    more = (low + x * (_four(aerosol, (i + 1) * _ANGLE_BLOCK + at, y, u, w, g) - low)) / (mu_s + mu_v)

    others, vapours, half = _gases(mass, vapour, ozone, j, y, water, dry, absorption)
    path_out[0] = others * (clear + many + half * (hazy - clear + more))
    at = (i * PRESSURES + j) * BEAMS
    b, c = place(sun, 0.0, _BEAM_RATE, _BEAM_LAST)
    down = solid(beam, at + b, x, _BEAM_SHEET, y, BEAMS, c)
    b, c = place(view, 0.0, _BEAM_RATE, _BEAM_LAST)
    transmittance_out[0] = down * solid(beam, at + b, x, _BEAM_SHEET, y, BEAMS, c) * others * vapours
    albedo_out[0] = plane(albedo, i * PRESSURES + j, x, PRESSURES, y)
    gas_out[0] = others * vapours


@kernel("(),(),(),(),(),(b),(b),(w),(d),(o)->(),()")
def downward(
    sun: float,  # zenith (deg)
    aod: float,  # at 550 nm
    vapour: float,  # kg m-2
    ozone: float,  # Dobson unit
    pressure: float,  # hPa
    direct: Any,  # b exp(-depth / mu), by optical depth, pressure and zenith angle
    beam: Any,  # b direct and diffuse
    water: Any,  # w
    dry: Any,  # d
    absorption: Any,  # o as for `coefficients`
    direct_out: Any,  # transmittance of the direct beam, with gases
    diffuse_out: Any,  # of light scattered downward, with gases
) -> None:
    """Direct and diffuse transmittance from the top of the atmosphere to a black surface; NaN outside the tables."""
    if not (_angles_valid(sun, 0.0 * sun, 0.0 * sun) & _air_valid(aod, vapour, ozone, pressure)):
        return
    i, x = place(sqrt(aod), 0.0, _AOD_RATE, _AOD_LAST)
    j, y = place(pressure, MIN_PRESSURE, _PRESSURE_RATE, _PRESSURE_LAST)
    b, c = place(sun, 0.0, _BEAM_RATE, _BEAM_LAST)
    others, vapours, _ = _gases(1.0 / cos(sun * _DEGREE), vapour, ozone, j, y, water, dry, absorption)
    at = (i * PRESSURES + j) * BEAMS + b
    straight = solid(direct, at, x, _BEAM_SHEET, y, BEAMS, c)
    direct_out[0] = straight * others * vapours
    diffuse_out[0] = (solid(beam, at, x, _BEAM_SHEET, y, BEAMS, c) - straight) * others * vapours


@kernel("(),(),(n)->(),(),(),()")
def in_scene(
    aod: float,  # at 550 nm
    vapour: float,  # kg m-2
    table: Any,  # n the four results of `coefficients` for one geometry, pressure and ozone, each by the nodes of SCENE
    path_out: Any,
    transmittance_out: Any,
    albedo_out: Any,
    gas_out: Any,
) -> None:
    """Interpolate what :func:`coefficients` gives where only aerosol and water vapour vary; NaN outside."""
    if not ((aod >= 0.0) & (aod <= MAX_AOD) & (vapour >= 0.0) & (vapour <= MAX_VAPOUR)):
        return
    i, x = place(sqrt(aod), 0.0, _SCENE_AOD_RATE, _SCENE_AOD_LAST)
    w, y = place(sqrt(vapour), 0.0, _SCENE_VAPOUR_RATE, _SCENE_VAPOUR_LAST)
    at = i * SCENE_VAPOURS + w
    path_out[0] = plane(table, at, x, SCENE_VAPOURS, y)
    transmittance_out[0] = plane(table, at + _SCENE, x, SCENE_VAPOURS, y)
    albedo_out[0] = plane(table, at + 2 * _SCENE, x, SCENE_VAPOURS, y)
    gas_out[0] = plane(table, at + 3 * _SCENE, x, SCENE_VAPOURS, y)
