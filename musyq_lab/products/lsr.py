r"""Reflectance of the land surface: the atmosphere taken out of what the sensor measured.

Over a uniform Lambertian surface :math:`\rho_s` the reflectance at the top of the atmosphere is

.. math:: \rho_t = \rho_a + \frac{T \rho_s}{1 - S \rho_s}, \qquad
   \rho_s = \frac{y}{1 + S y}, \quad y = \frac{\rho_t - \rho_a}{T}

(Vermote et al. 1997) with path reflectance :math:`\rho_a`, transmittance T down and up, gases included, and spherical
albedo S of the air, which 6S gives for the angles, the aerosol, the columns of water vapour and ozone and the pressure
(:mod:`musyq_lab.standard.atmosphere`: tables of 6S 1.1 with its continental aerosol). In the terms of 6S,
:math:`x_{ap} = 1/T`, :math:`x_b = \rho_a / T`, :math:`x_c = S`.

What is not given of the air is the climatology of the place and time, and a bit says so: without its own aerosol a
scene is corrected for that of an ordinary day. ``ml.retrieve(["aod", "water_vapour", "lsr"], scene)`` finds both first.


The uncertainty joins that of the calibration, where the scene has it, the errors of aerosol, vapour, ozone and pressure
times their derivatives, and that of the tables. The type of the aerosol, the directional shape of the surface and (but
for the method ``adjacency``) the light of neighbours are not in it.

Values a little below zero are kept, as cutting them would bias every mean; below -0.01 they carry a bit. Valid for the
Sun within 80 deg and the view within 70 of the zenith, optical depths to 2 and surfaces at 500 hPa or more. A scene
that holds surface reflectance already is not taken again.

References
----------
Vermote et al. (1997), doi:10.1109/36.581987; Kotchenova et al. (2006), doi:10.1364/AO.45.006762. The programme's own
product (5 days, 1 km) has no public method; Fu et al. (2014) correct HJ-1 with tables of the same kind.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import FIRST_OWN_BIT, Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.core.variables import BAND_ROLES
from musyq_lab.products import _air_scene as scenes
from musyq_lab.products._retrieval import retrieval
from musyq_lab.standard import correction, layout

_ROLES = tuple(role.name for role in BAND_ROLES.values() if not role.thermal and role.name != "cirrus")
_AIR = ("aod", "water_vapour", "ozone", "surface_pressure")
_DOUBTFUL = -0.01  # reflectance below which too much aerosol was assumed, or the band is wrong
_HPA = 100.0  # Pa


def _flags(*rows: tuple[str, str]) -> tuple[Flag, ...]:
    return tuple(Flag(FIRST_OWN_BIT + k, *row) for k, row in enumerate(rows))


SPEC = Product(
    key="lsr",
    title="Land surface reflectance",
    variables=tuple(
        Variable(
            f"reflectance_{role}",
            long_name=f"reflectance of the surface in the {role.replace('_', ' ')} band",
            standard_name="surface_bidirectional_reflectance",
            units="1",
            valid_range=(-0.05, 1.6),
            scale=0.0001,
            colour_map="cividis",
            inputs=(f"toa_reflectance_{role}", *scenes.ANGLES, *_AIR),
        )
        for role in _ROLES
    ),
    inputs=(
        Input(f"toa_reflectance_{_ROLES[0]}"),
        Input("sun_zenith"),
        *(Input(f"toa_reflectance_{role}") for role in _ROLES[1:]),
        *(Input(name, optional=True) for name in ("view_zenith", "relative_azimuth")),
        *(Input(name, source=f"product:{name}", optional=True) for name in ("aod", "water_vapour")),
        *(Input(name, optional=True) for name in ("ozone", "surface_pressure")),
    ),
    editions=("1km", "30m"),
    stage="scene",
    support="scene",
    partial=True,
    methods=(Method("tables", title="uniform Lambertian surface, tables of 6S 1.1 with its continental aerosol"),),
    flags=_flags(
        ("aerosol_assumed", "the aerosol is that of the climatology, not of the day"),
        ("vapour_assumed", "the column of water vapour is that of the climatology, not of the day"),
        ("outside_tables", "Sun, sensor or air lie beyond the tables of the atmosphere, so there is no value"),
        ("negative", "a band is below -0.01: the aerosol taken is too much, or the band is wrong"),
        (
            "sensor_assumed",
            "a band is not known to be of the sensor of the scene; that of another one stands in for it",
        ),
        ("nadir_assumed", "the angle of view is not known and was taken as straight down"),
    ),
    references=("10.1109/36.581987", "10.1364/AO.45.006762"),
)


def _check(*, given: frozenset[str]) -> None:
    """Refuse a view without its azimuth."""
    scenes.check_angles("lsr", given)


@retrieval(SPEC, check=_check)
def lsr(*, variables: tuple[str, ...] = (), sensor: str = "", scene: xr.Dataset | None = None, **given: Any) -> Any:
    """Reflectance of the surface in the bands that the scene has, by the tables of 6S (equation of the module).

    ``sensor`` names whose bands they are, as ``"<sensor>/<platform or camera>"``; that of the scene where it says so.
    For bands that it lacks those of MODIS, Sentinel-2 or others stand in, and a bit says so.
    """
    arrays = {name: array for name, array in given.items() if array is not None}
    made = scenes.each_date(lambda cut, here: _corrected(cut, here, sensor), arrays, scene)
    like = max((band for band in scenes.bands_of(arrays).values()), key=lambda band: band.ndim)
    return scenes.on_pixels(made, like)


def _corrected(arrays: scenes.Arrays, scene: xr.Dataset | None, sensor: str) -> scenes.Arrays:
    """Return reflectance, one sigma and flags of one scene."""
    bands = scenes.bands_of(arrays)
    groups: dict[scenes.Own, scenes.Arrays] = {}
    for role, band in bands.items():
        own = scenes.owner(sensor, [role])
        if own is None:
            raise InputError(f'retrieve("lsr") knows no sensor with the band {role!r}.')
        groups.setdefault(own, {})[role] = band
    made: scenes.Arrays = {}
    outside: Any = False
    for own, some in groups.items():
        values, beyond = _of_one_sensor(some, arrays, own, scene)
        made |= values
        outside = outside | beyond
    layers = [made[f"reflectance_{role}"] for role in bands]
    negative = _any(layer < _DOUBTFUL for layer in layers)
    always = xr.zeros_like(negative)
    known = {
        "aerosol_assumed": "aod" in arrays,
        "vapour_assumed": "water_vapour" in arrays,
        "sensor_assumed": {"/".join(own) for own in groups} == {sensor},
        "nadir_assumed": "view_zenith" in arrays,
    }
    return {**made, "outside_tables": outside, "negative": negative} | {
        name: always if there else ~always for name, there in known.items()
    }


def _of_one_sensor(
    bands: scenes.Arrays, arrays: scenes.Arrays, own: scenes.Own, scene: xr.Dataset | None
) -> tuple[scenes.Arrays, xr.DataArray]:
    """Return reflectance and one sigma by name, and where the tables do not reach."""
    toa = scenes.scene_of(bands, arrays, own, scene)
    if not toa["reflectance"].size:
        names = [f"reflectance_{role}{ending}" for role in bands for ending in ("", "_uncertainty")]
        empty = toa["reflectance"].isel(band=0, drop=True)
        return dict.fromkeys(names, empty), xr.zeros_like(empty, bool)
    air = {"ozone": arrays.get("ozone"), **_pressure(arrays)}
    air |= {name: arrays.get(name) for name in ("aod", "water_vapour")}
    air |= {f"{name}_uncertainty": arrays.get(f"{name}_uncertainty") for name in ("aod", "water_vapour", "ozone")}
    found = correction.correct(toa, **air)
    total = found["reflectance_systematic"]
    if "reflectance_random" in found:
        total = (total**2 + found["reflectance_random"] ** 2) ** 0.5
    made: scenes.Arrays = {}
    for role in bands:
        made[f"reflectance_{role}"] = found["reflectance"].sel(band=role, drop=True)
        made[f"reflectance_{role}_uncertainty"] = total.sel(band=role, drop=True)
    return made, layout.flagged(found, "outside_atmosphere")


def _pressure(arrays: scenes.Arrays) -> dict[str, xr.DataArray | None]:
    """Return the pressure and its sigma in hPa, as the tables take it."""
    names = {"pressure": "surface_pressure", "pressure_uncertainty": "surface_pressure_uncertainty"}
    return {own: arrays[name] / _HPA if name in arrays else None for own, name in names.items()}


def _any(conditions: Iterable[xr.DataArray]) -> xr.DataArray:
    first, *rest = conditions
    for one in rest:
        first = first | one
    return first
