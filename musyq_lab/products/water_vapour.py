r"""Column of water vapour in the air, from the scene itself.

``nir_ratio`` (default)
    The light that vapour absorbs near 0.94 um, beside the windows near 0.865 um and, where the sensor has it, 1.24 um,
    with the gas transmittances and the scattering of the tables of 6S (:mod:`musyq_lab.standard.vapour`): the median of
    clear pixels in cells of 2 km or ten pixels. It knows the bands of each sensor, so it is the default.
``exponential``
    The same light pixel by pixel, with the one exponential that Kaufman & Gao (1992) fitted for the 0.94 um channel of
    MODIS, :math:`W = [(\alpha - \ln T) / \beta]^2 m_0 / m`.
``covariance_ratio``
    Brightness temperatures at 11 and 12 um in cells whose surfaces differ in temperature (Li et al. 2003), where there
    is no band near 0.94 um or no Sun: :math:`W = \cos\theta_v (c_0 + c_1 R + c_2 R^2)`, Landsat as published by Ren et
    al. (2015), other sensors by a regression over simulated atmospheres (``catalogs/water_vapour``).

Valid over clear land: through cloud the column above its top is seen, and water is too dark near 0.94 um. The columns
of the tables end at 80 kg m-2.

References
----------
Kaufman & Gao (1992), doi:10.1109/36.175321 (not re-read); Gao & Kaufman (2003), doi:10.1029/2002JD003023; Li et al.
(2003), Int. J. Remote Sensing 24, 5095-5117 (abstract only); Ren et al. (2015), doi:10.1002/2014JD022619, its
coefficients read in a program that cites it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import FIRST_OWN_BIT, Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.kernels.atmosphere import MAX_VAPOUR
from musyq_lab.products import _air_scene as scenes
from musyq_lab.products import _vapour_methods as methods
from musyq_lab.products._retrieval import retrieval
from musyq_lab.standard import vapour

_THERMAL = ("brightness_temperature_tir1", "brightness_temperature_tir2")
_BANDS = tuple(f"{scenes.TOA}{role}" for role in ("water_vapour", "nir", "nir_narrow", "nir_1240"))
_AIR = ("aod", "ozone", "surface_pressure")
_HPA = 100.0  # Pa

SPEC = Product(
    key="water_vapour",
    title="Column of water vapour",
    variables=(
        Variable(
            "water_vapour",
            long_name="column of water vapour",
            standard_name="atmosphere_mass_content_of_water_vapor",
            units="kg m-2",
            valid_range=(0.0, 100.0),
            scale=0.01,
            colour_map="viridis",
        ),
    ),
    inputs=(
        Input(f"{scenes.TOA}water_vapour"),
        Input("sun_zenith"),
        *(Input(name, optional=True) for name in _BANDS[1:]),
        *(Input(name, optional=True) for name in ("view_zenith", "relative_azimuth")),
        Input("aod", source="product:aod", optional=True),
        *(Input(name, optional=True) for name in ("ozone", "surface_pressure")),
        *(Input(name) for name in _THERMAL),
    ),
    editions=("1km",),
    stage="scene",
    support="scene",
    methods=(
        Method(
            "nir_ratio",
            title="ours: bands near 0.94 um beside windows by tables of 6S, weights fitted to modelled spectra",
            inputs=(*_BANDS, *scenes.ANGLES, *_AIR),
            references=("10.1029/2002JD003023",),
        ),
        Method(
            "exponential",
            title="Kaufman and Gao 1992 for MODIS, mixed surfaces (numbers not re-read)",
            inputs=(*_BANDS, "sun_zenith", "view_zenith"),
            references=("10.1109/36.175321",),
        ),
        Method(
            "covariance_ratio",
            title="Li et al. 2003; Landsat by Ren et al. 2015 (read in a program), others by our regression",
            inputs=(*_THERMAL, "view_zenith"),
            references=("10.1002/2014JD022619",),
        ),
    ),
    flags=tuple(
        Flag(FIRST_OWN_BIT + k, *row)
        for k, row in enumerate(
            (
                ("aerosol_assumed", "the aerosol is that of the climatology, not of the day"),
                ("from_elsewhere", "no clear, bright pixel is near: the value is the mean of the rest of the scene"),
                ("little_contrast", "temperatures near here hardly differ, or not by the air: the climatology remains"),
                ("beyond_tables", "the column is at the end of the tables or of the relation"),
                ("not_absorbed", "the light near 0.94 um is not weaker than beside it, so the column is 0"),
                ("sensor_assumed", "the bands are not known to be of the sensor of the scene; another one stands in"),
                (
                    "foreign_relation",
                    "the numbers are those of the 0.94 um channel of MODIS, and this sensor has another",
                ),
                ("nadir_assumed", "the angle of view is not known and was taken as straight down"),
            )
        )
    ),
    references=("10.1029/2002JD003023",),
)


def _check(*, given: frozenset[str], method: str, reference_air_mass: float) -> None:
    """Refuse a method without its windows, and a view without its azimuth."""
    if method == "nir_ratio":
        scenes.check_angles("water_vapour", given)
    if not reference_air_mass > 0.0:
        raise InputError(f'retrieve("water_vapour") needs reference_air_mass above 0, got {reference_air_mass!r}.')
    if method != "covariance_ratio" and not {_BANDS[1], _BANDS[2]} & given:
        raise InputError(
            f'retrieve("water_vapour", method="{method}") needs a window beside the absorbing band: {_BANDS[1]} or '
            f'{_BANDS[2]}. Add it, or choose method="covariance_ratio".'
        )


@retrieval(SPEC, check=_check)
def water_vapour(
    *,
    method: str = "nir_ratio",
    sensor: str = "",
    cell: float | None = None,
    reference_air_mass: float = methods.REFERENCE_AIR_MASS,
    scene: xr.Dataset | None = None,
    **given: Any,
) -> Any:
    """Column of water vapour (methods: see the module).

    ``cell`` is the edge (m) of the cells of the methods that look at several pixels, by default 2 km (``nir_ratio``) or
    5 km (``covariance_ratio``), ten pixels at least. ``sensor`` names whose bands they are, as ``"<sensor>/<platform or
    camera>"``; that of the scene where it says so. ``reference_air_mass`` is that for which the numbers of the method
    ``exponential`` hold; 1 takes them for the path (:mod:`musyq_lab.products._vapour_methods`).
    """
    arrays = {name: array for name, array in given.items() if array is not None}
    runs = {"nir_ratio": _by_tables, "covariance_ratio": _by_temperatures}
    if method == "exponential":
        made = _by_exponential(arrays, sensor, reference_air_mass)
    else:
        made = scenes.each_date(lambda cut, here: runs[method](cut, here, sensor, cell), arrays, scene)
    like = max((a for n, a in arrays.items() if n in _BANDS or n in _THERMAL), key=lambda a: a.ndim)
    made = scenes.on_pixels(made, like)
    never = xr.zeros_like(made["water_vapour"], bool)
    made["nadir_assumed"] = never if "view_zenith" in arrays else ~never
    if method == "nir_ratio":
        made["aerosol_assumed"] = never if "aod" in arrays else ~never
    return made


def _owned(sensor: str, roles: tuple[str, ...]) -> scenes.Own:
    own = scenes.owner(sensor, roles)
    if own is None:
        raise InputError(
            f'retrieve("water_vapour") knows no sensor with all the bands {", ".join(roles)}. Say sensor=, or leave '
            "one out."
        )
    return own


def _by_tables(arrays: scenes.Arrays, scene: xr.Dataset | None, sensor: str, cell: float | None) -> scenes.Arrays:
    every = scenes.bands_of(arrays)
    near = "nir" if "nir" in every else "nir_narrow"
    bands = {role: every[role] for role in ("water_vapour", near, "nir_1240") if role in every}
    own = _owned(sensor, tuple(bands))
    toa = scenes.scene_of(bands, arrays, own, scene)
    template = toa["reflectance"].isel(band=0, drop=True)
    if not template.size:
        return {"water_vapour": template, "water_vapour_uncertainty": template}
    pressure = arrays.get("surface_pressure")
    air = {"aod": arrays.get("aod"), "ozone": arrays.get("ozone")}
    found = vapour.estimate(toa, cell=cell, pressure=None if pressure is None else pressure / _HPA, **air)
    made = {name: found[name].reset_coords(drop=True) for name in ("water_vapour", "water_vapour_uncertainty")}
    return {
        **made,
        "from_elsewhere": found["water_vapour_share"].reset_coords(drop=True) < 0.5,
        "beyond_tables": made["water_vapour"] >= np.float32(MAX_VAPOUR),
        **_assumed(made["water_vapour"], own, sensor),
    }


def _assumed(like: xr.DataArray, own: scenes.Own, sensor: str) -> scenes.Arrays:
    never = xr.zeros_like(like, bool)
    return {"sensor_assumed": never if "/".join(own) == sensor else ~never}


def _by_exponential(arrays: scenes.Arrays, sensor: str, reference: float) -> scenes.Arrays:
    bands = scenes.bands_of(arrays)
    near = bands["nir"] if "nir" in bands else bands["nir_narrow"]
    mass = 1.0 / np.cos(np.radians(arrays["sun_zenith"]))
    view = arrays.get("view_zenith")
    mass = mass + (1.0 if view is None else 1.0 / np.cos(np.radians(view)))
    column, sigma = methods.by_exponential(bands["water_vapour"], near, bands.get("nir_1240"), mass / reference)
    never = xr.zeros_like(column, bool)
    flags = {
        "not_absorbed": column == 0.0,
        "foreign_relation": never if sensor.startswith("modis/") else ~never,
        "sensor_assumed": never if sensor else ~never,
    }
    return {"water_vapour": column, "water_vapour_uncertainty": sigma, **flags}


def _by_temperatures(arrays: scenes.Arrays, scene: xr.Dataset | None, sensor: str, cell: float | None) -> scenes.Arrays:
    bands = {name.removeprefix("brightness_temperature_"): arrays[name] for name in _THERMAL}
    own = _owned(sensor, tuple(bands))
    seen = scenes.scene_of(bands, arrays, own, scene, thermal=True)
    template = seen["brightness_temperature"].isel(thermal_band=0, drop=True)
    if not template.size:
        return {"water_vapour": template, "water_vapour_uncertainty": template}
    cells, found = methods.by_covariance(seen, methods.relation(*own), cell)
    bare = template.drop_vars(list(template.coords)).transpose(*cells.plane)
    value = bare.copy(data=cells.spread(found[0]))
    return {
        "water_vapour": value.clip(0.0, np.float32(MAX_VAPOUR)),
        "water_vapour_uncertainty": bare.copy(data=cells.spread(found[1])),
        "little_contrast": bare.copy(data=cells.spread(found[2])) < 0.5,
        "beyond_tables": value >= np.float32(MAX_VAPOUR),
        **_assumed(value, own, sensor),
    }
