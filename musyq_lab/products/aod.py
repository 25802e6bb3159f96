r"""Aerosol optical depth at 550 nm over land.

Light that the air scatters adds to that of the surface, which has to be told apart from it,

.. math:: \rho_t = \rho_a(\tau) + \frac{T(\tau) \rho_s}{1 - S(\tau) \rho_s} ,

with the tables of 6S and its continental aerosol (:mod:`musyq_lab.standard.atmosphere`). The methods differ in what
they take for granted about the surface:

``library`` (default)
    All bands against a library of modelled land spectra, in cells of 5 km or ten pixels, with the climatology before
    it: the mean of the posterior (:mod:`musyq_lab.standard.aerosol`). It always answers, with a sigma that says how
    much the scene told, and serves sensors with and without bands beyond 1 um: so it is the default.
``dark_target``
    The spectral relation of MODIS Collections 5 and 6 between 2.1 um, red and blue (Levy et al. 2007), with the one
    continental aerosol, as NASA's procedure does where it takes no mixture of two. No value without dark ground.
``dense_vegetation``
    For sensors without such a band (HJ-1 CCD, GF-1 WFV): dense vegetation picked by NDVI, its blue from its red by a
    line fitted to the library, weighed with the climatology (the idea of Fu et al. 2014, whose surface is MOD09's).
``time_series``
    For a series along ``time``, as of a geostationary satellite: the surface of the place at the same hour of the day,
    from all dates together after a first estimate by ``library``, serves for each of them
    (:mod:`musyq_lab.products._aerosol_series`).

Beside the truth of the scored simulated Earth (``benchmarks/dark_target.py``; direct 6S, clear pixels, means of scenes)
``library`` is within 0.05 + 15 % for 79 % of MODIS (18 scenes) and 95 % of GF-1 (3), ``dark_target`` for 75 % of MODIS,
``time_series`` for 75 % of AHI (48 images), ``dense_vegetation`` for 70 % of MODIS but 57 % of GF-1 (8), 0.08 too low.

The optical depth ends at 2, as the tables do, and at 0. Aerosols other than the continental one, clouds that the mask
misses and snow are not in the uncertainty. Quality bits of the scene (``qa``) say which pixels are not looked at.

References
----------
Levy et al. (2007), doi:10.1029/2006JD007811, its relation read in the code of NASA (Collection 5 and VIIRS); Levy
et al. (2013), doi:10.5194/amt-6-2989-2013, for the expected error. Fu et al. (2014), J. Geogr. Sci., abstract only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import FIRST_OWN_BIT, Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.kernels.atmosphere import MAX_AOD
from musyq_lab.products import _aerosol_series, _aerosol_targets
from musyq_lab.products import _air_scene as scenes
from musyq_lab.products._aerosol_look import Look, look, spread
from musyq_lab.products._retrieval import retrieval
from musyq_lab.standard import aerosol, layout

_VISIBLE = ("blue", "green")
_INFRARED = ("nir", "nir_narrow", "nir_1240", "swir1", "swir2")
_AIR = ("water_vapour", "ozone", "surface_pressure")
_HPA = 100.0  # Pa
_PRIOR_ONLY = 0.3  # share of the prior's variance below which the scene told little

_COMMON = ("toa_reflectance_red", *scenes.ANGLES, *_AIR)


def _bands(*roles: str) -> tuple[str, ...]:
    return (*(f"{scenes.TOA}{role}" for role in roles), *_COMMON)


SPEC = Product(
    key="aod",
    title="Aerosol optical depth",
    variables=(
        Variable(
            "aod",
            long_name="aerosol optical depth at 550 nm",
            standard_name="atmosphere_optical_thickness_due_to_ambient_aerosol_particles",
            units="1",
            valid_range=(0.0, 5.0),
            scale=0.001,
            colour_map="inferno",
            # OSCAR requirement 1140 (GCOS-245): 4, 10 and 20 %, goal to threshold.
            gcos_goal="4 %",
            gcos_threshold="20 %",
        ),
        Variable(
            "aod_information",
            long_name="share of the variance known before that the scene removed",
            units="1",
            valid_range=(0.0, 1.0),
            dtype="uint8",
            scale=0.005,
            fill=255,
            uncertain=False,
        ),
    ),
    inputs=(
        Input("toa_reflectance_red"),
        Input("sun_zenith"),
        *(Input(f"toa_reflectance_{role}", optional=True) for role in (*_VISIBLE, *_INFRARED)),
        *(Input(name, optional=True) for name in ("view_zenith", "relative_azimuth")),
        Input("water_vapour", source="product:water_vapour", optional=True),
        *(Input(name, optional=True) for name in ("ozone", "surface_pressure")),
    ),
    editions=("1km",),
    stage="scene",
    support="scene",
    methods=(
        Method("library", title="ours: library of modelled land spectra, climatology before it, continental aerosol"),
        Method(
            "dark_target",
            title="Levy et al. 2007 (MODIS) or NASA's VIIRS ratios for the surface, continental aerosol of 6S",
            inputs=_bands("blue", "nir", "nir_narrow", "nir_1240", "swir2"),
            references=("10.1029/2006JD007811", "10.5194/amt-6-2989-2013"),
        ),
        Method(
            "dense_vegetation",
            title="after the idea of Fu et al. 2014 (abstract only), line from red to blue fitted to our library",
            inputs=_bands("blue", "nir", "nir_narrow"),
        ),
        Method(
            "time_series",
            title="ours: one surface for all dates of the same hour, first estimates by the method library",
        ),
    ),
    flags=tuple(
        Flag(FIRST_OWN_BIT + k, *row)
        for k, row in enumerate(
            (
                ("prior_only", "the scene told little here: the value is nearly that of the climatology"),
                ("few_dark_pixels", "too few pixels are dark enough here for this method"),
                ("at_table_limit", "the optical depth is at an end of the tables, 0 or 2, and may lie beyond"),
                ("few_dates", "fewer than five clear dates show the surface, so it is hardly better known than by one"),
                ("vapour_assumed", "the column of water vapour is that of the climatology, not of the day"),
                ("sensor_assumed", "the bands are not known to be of the sensor of the scene; another one stands in"),
                ("nadir_assumed", "the angle of view is not known and was taken as straight down"),
            )
        )
    ),
    references=("10.1029/2006JD007811", "10.5194/amt-6-2989-2013", "10.1109/36.628795"),
)

_NEEDED = {
    "library": (("nir", "nir_narrow"),),
    "dark_target": (("blue",), ("swir2",), ("nir", "nir_narrow")),
    "dense_vegetation": (("blue",), ("nir", "nir_narrow")),
    "time_series": (("nir", "nir_narrow"),),
}


def _check(*, given: frozenset[str], method: str, cell: float | None) -> None:
    """Refuse a view without its azimuth and a method without its bands."""
    scenes.check_angles("aod", given)
    for roles in _NEEDED[method]:
        if not any(f"{scenes.TOA}{role}" in given for role in roles):
            raise InputError(
                f'retrieve("aod", method="{method}") needs {scenes.TOA}{roles[0]}, which is not there. Add it, or '
                f"choose another method: {', '.join(SPEC.method_names)}."
            )


@retrieval(SPEC, check=_check)
def aod(
    *,
    method: str = "library",
    variables: tuple[str, ...] = (),
    sensor: str = "",
    prior: tuple[float, float] | None = None,
    cell: float | None = None,
    scene: xr.Dataset | None = None,
    **given: Any,
) -> Any:
    """Optical depth of the aerosol at 550 nm (methods: see the module).

    ``prior`` is the mean and one sigma known before, the climatology of the place and time by default; ``cell`` the
    edge (m) of the cells in which aerosol is taken as even, 5 km or ten pixels by default. ``sensor`` names whose bands
    they are, as ``"<sensor>/<platform or camera>"``; that of the scene where it says so.
    """
    arrays = {name: array for name, array in given.items() if array is not None}
    bands = scenes.bands_of(arrays)
    if method == "time_series":
        made = _series(arrays, scene, sensor, prior, cell)
    else:
        made = scenes.each_date(lambda cut, here: _single(cut, here, method, sensor, prior, cell), arrays, scene)
    made = scenes.on_pixels(made, max(bands.values(), key=lambda band: band.ndim))
    own = scenes.owner(sensor, _used(method, bands))
    return _finished(made, arrays, sensor_known="/".join(own or ()) == sensor, wanted=variables)


def _finished(
    made: scenes.Arrays, arrays: scenes.Arrays, *, sensor_known: bool, wanted: tuple[str, ...]
) -> scenes.Arrays:
    """Bring the optical depth into the tables and add the flags that hold for all pixels."""
    value = made["aod"]
    never = xr.zeros_like(value, bool)
    made["at_table_limit"] = (value <= 0.0) | (value >= np.float32(MAX_AOD))
    made["aod"] = value.clip(0.0, np.float32(MAX_AOD))
    told = {"vapour_assumed": "water_vapour", "nadir_assumed": "view_zenith"}
    made |= {name: never if item in arrays else ~never for name, item in told.items()}
    made["sensor_assumed"] = never if sensor_known else ~never
    made["prior_only"] = made["aod_information"] < _PRIOR_ONLY
    return {name: array for name, array in made.items() if not name.startswith("aod") or _of(name) in wanted}


def _of(name: str) -> str:
    return name.removesuffix("_uncertainty")


def _used(method: str, bands: scenes.Arrays) -> tuple[str, ...]:
    """Return the bands that a method looks at, of those that are there."""
    near = "nir" if "nir" in bands else "nir_narrow"
    roles = {
        "dark_target": ("blue", "red", near, "swir2", *(["nir_1240"] if "nir_1240" in bands else [])),
        "dense_vegetation": ("blue", "red", near),
        "time_series": ("blue" if "blue" in bands else "red",),
    }
    return roles.get(method, tuple(bands))


def _air(arrays: scenes.Arrays) -> dict[str, Any]:
    pressure = arrays.get("surface_pressure")
    known = {name: arrays.get(name) for name in ("water_vapour", "ozone")}
    return known | {"pressure": None if pressure is None else pressure / _HPA}


def _scene(arrays: scenes.Arrays, scene: xr.Dataset | None, sensor: str, roles: tuple[str, ...]) -> xr.Dataset:
    bands = {role: band for role, band in scenes.bands_of(arrays).items() if role in roles}
    own = scenes.owner(sensor, roles)
    if own is None:
        raise InputError(
            f'retrieve("aod") knows no sensor with all the bands {", ".join(roles)}. Say sensor=, or leave some out.'
        )
    return scenes.scene_of(bands, arrays, own, scene)


def _single(
    arrays: scenes.Arrays, scene: xr.Dataset | None, method: str, sensor: str, prior: Any, cell: float | None
) -> scenes.Arrays:
    """Return the results of one scene."""
    roles = _used(method, scenes.bands_of(arrays))
    toa = _scene(arrays, scene, sensor, roles)
    template = toa["reflectance"].isel(band=0, drop=True)
    if not template.size:
        return _empty(template)
    air = _air(arrays)
    if method == "library":
        found = aerosol.estimate(toa, prior=prior, cell=cell, **air)
        made = {name: found[name].reset_coords(drop=True) for name in ("aod", "aod_uncertainty", "aod_information")}
        return {**made, **_never(made["aod"])}
    seen = look(toa, roles, air, prior, cell)
    key, variant = str(toa.attrs["sensor"]), layout.variant_of(toa)
    if method == "dark_target":
        values, sigma, _ = _aerosol_targets.dark_target(seen, vapour_band="nir_1240" in roles)
        information = np.isfinite(values).astype(np.float32)  # no climatology is in it
        lost = None
    else:
        (values, sigma, information), share = _aerosol_targets.dense_vegetation(seen, key, roles, variant)
        lost = (share < _aerosol_targets.SHARE).astype(np.float32)
    return _laid(template, seen, values, sigma, information, lost)


def _laid(template: xr.DataArray, seen: Any, values: Any, sigma: Any, information: Any, lost: Any) -> scenes.Arrays:
    """Interpolate results of cells to the pixels; those nearest to a cell without a value have none."""
    cells, dims = seen.cells, seen.cells.plane
    depth, share = spread(cells, values)
    near = share >= 0.5
    slope = seen.slope
    layers = {
        "aod": np.where(near, depth * slope, np.float32(np.nan)),
        "aod_uncertainty": np.where(near, spread(cells, sigma)[0] * slope, np.float32(np.nan)),
        "aod_information": np.where(near, cells.spread(information), np.float32(np.nan)),
        "few_dark_pixels": ~near if lost is None else cells.spread(lost) >= 0.5,
    }
    bare = template.drop_vars(list(template.coords)).transpose(*dims)
    made = {name: bare.copy(data=data) for name, data in layers.items()}
    return {**_never(made["aod"]), **made}


def _never(like: xr.DataArray) -> scenes.Arrays:
    return {name: xr.zeros_like(like, bool) for name in ("few_dark_pixels", "few_dates")}


def _empty(template: xr.DataArray) -> scenes.Arrays:
    return {name: template for name in ("aod", "aod_uncertainty", "aod_information")} | _never(template)


def _series(
    arrays: scenes.Arrays, scene: xr.Dataset | None, sensor: str, prior: Any, cell: float | None
) -> scenes.Arrays:
    """Return the results of all dates of a series; a single scene is a series of one."""
    roles = _used("time_series", scenes.bands_of(arrays))
    scenes_of = scenes.dates(arrays, scene)
    every = tuple(scenes.bands_of(arrays))
    toas = [_scene(cut, here, sensor, every) for cut, here in scenes_of]
    template = toas[0]["reflectance"].isel(band=0, drop=True)
    if not template.size:
        made = [_empty(template) for _ in toas]
    else:
        airs = [_air(cut) for cut, _ in scenes_of]
        looks = [_twice(toa, roles, air, prior, cell) for toa, air in zip(toas, airs, strict=True)]
        found = _aerosol_series.series(looks, [_hour(toa) for toa in toas])
        made = [_dated(template, *pair) for pair in zip(looks, found, strict=True)]
    return scenes.joined(made, arrays)


def _twice(toa: xr.Dataset, roles: tuple[str, ...], air: dict[str, Any], prior: Any, cell: float | None) -> Look:
    """Look at a scene with what its own spectra tell as the prior."""
    first = aerosol.estimate(toa, prior=prior, cell=cell, **air)
    return look(toa, roles, air, (first["aod"], first["aod_uncertainty"]), cell)


def _dated(template: xr.DataArray, seen: Any, found: Any) -> scenes.Arrays:
    values, sigma, dates = found
    made = _laid(template, seen, values, sigma, _information(sigma, seen.prior[1]), None)
    few = seen.cells.spread((dates < _aerosol_series.FEW).astype(np.float32)) >= 0.5
    return made | {"few_dark_pixels": xr.zeros_like(made["few_dark_pixels"]), "few_dates": made["aod"].copy(data=few)}


def _information(sigma: Any, before: Any) -> Any:
    """Return the share of the prior's variance that is gone, 0 where the result is less certain than the prior."""
    return np.clip(1.0 - (sigma / before) ** 2, 0.0, 1.0).astype(np.float32)


def _hour(toa: xr.Dataset) -> int:
    """Return the hour of the day (UTC) that a scene is nearest to, 0 for one without a time."""
    said = str(toa.attrs.get("time_coverage_start", "1970-01-01")).removesuffix("Z")
    minutes = (np.datetime64(said, "m") - np.datetime64(said, "D")) / np.timedelta64(1, "m")
    return round(float(minutes) / 60.0) % 24
