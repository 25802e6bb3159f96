r"""Emissivity of the surface in thermal bands, and in the broad band from 8 to 13.5 um.

The default mixes plants and bare ground by vegetation cover :math:`f`, as the programme's surface temperature does (Li
et al. 2019, abstract),

.. math:: \varepsilon = f\,\varepsilon_v + (1 - f)\,\varepsilon_b, \qquad \varepsilon_v = 0.99,

since it serves every band of every sensor, follows the season, and is smooth. Bare ground :math:`\varepsilon_b` comes
from the ASTER Global Emissivity Dataset without its plants where that is given (``aster_ndvi`` and
``aster_emissivity_10`` ... ``14``), else from materials by land cover (``catalogs/emissivity``), and is that of the
band of ``sensor``. How ASTER bands become a band is published for Landsat (Malakar et al. 2018), for others a
regression over the materials; beside the published one it differs by 0.002 at most for six of nine materials of the
ground, by 0.009 for sand and rock. The broad band from ASTER is as published (``0.128 + 0.014 e10 + ...``).

Others: ``ndvi_threshold`` takes published constants of two bands (11 and 12 um) and red reflectance for bare ground; it
jumps where the ground ends. ``tes`` needs no plants and no map, but a band at 8.6 um, and what the air does there:
from ``water_vapour`` and ``air_temperature`` (and ``view_zenith``) by functions of this package that were fitted to
simulated atmospheres. With errors of 10 % and 1.5 K of these, one sigma of the emissivity is 0.013 at 8.6 um and 0.01
at 11 um up to 20 kg m-2 of vapour along the view, 0.02 at 30; beyond 45 there is no value (``catalogs/emissivity``,
``accuracy.csv``). Without them, the brightness temperatures given are taken to be of the radiance that leaves the
surface, and that of the sky is ``sky_radiance_<role>`` where it is known. Equations:
:mod:`musyq_lab.kernels.emissivity`, :mod:`musyq_lab.kernels.tes`.

Water is 0.99 and snow 0.989 by land cover, snow cover (``snow_fraction``) mixed in; 0.985 in the broad band (GLASS).

References
----------
Li et al. 2019, doi:10.1109/TGRS.2019.2918259 (abstract). Malakar et al. 2018, doi:10.1109/TGRS.2018.2824828, and
Ermida et al. 2020, doi:10.3390/rs12091471 (public code). Sobrino et al. 2008, doi:10.1109/TGRS.2007.904834, and Yu et
al. 2014, doi:10.3390/rs6109829 (public codes). Gillespie et al. 1998, doi:10.1109/36.700995 (abstract).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError, closest
from musyq_lab.core.quality import Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.kernels import emissivity as kernels
from musyq_lab.products import _emissivity as tables
from musyq_lab.products import _tes
from musyq_lab.products._retrieval import retrieval
from musyq_lab.sensors._registry import SENSORS

Floats = NDArray[np.floating]

_PLANTS = 0.99
_WATER, _SNOW = 17, 15
_NADIR = np.float32(0.0)  # degrees
_STEM = "emissivity_"
_BROAD = "broadband_emissivity"
_ASTER = tuple(f"aster_emissivity_{band}" for band in tables.ASTER)
_COVER = ("fvc", "land_cover", "snow_fraction", "aster_ndvi", *_ASTER)
_NDVI = ("ndvi", "reflectance_red", "land_cover", "snow_fraction")
_LIGHT = tuple(f"brightness_temperature_{role}" for role in tables.ROLES)
_SKY = tuple(f"sky_radiance_{role}" for role in tables.ROLES)
_AIR = ("water_vapour", "air_temperature", "view_zenith")
_OPTIONAL_BAND = "tir_10_4"

# One sigma (1). Plants: leaves of 0.95 to 0.99 in canopies whose gaps trap light. ASTER GED: about 0.01 over sands of
# known spectrum (Hulley et al. 2015, abstract), as in its own band. Thresholds: Sobrino et al. 2008 state 0.01 at most
# for bands of 10 to 12 um, to which jumps of up to 0.02 at the edge of the ground come (ours).
_PLANTS_SIGMA, _ASTER_SIGMA, _THRESHOLD_SIGMA = 0.007, 0.015, 0.015


def _variable(name: str, long_name: str, inputs: tuple[str, ...], **more: Any) -> Variable:
    return Variable(
        name,
        long_name=long_name,
        units="1",
        valid_range=(0.4, 1.0),
        scale=1e-4,
        colour_map="cividis",
        inputs=inputs,
        # Of tes without the atmosphere: rms 0.008 over materials of known spectrum, and 0.2 K of each band.
        model_uncertainty=(0.012, 0.0),
        **more,
    )


def _needs(*aster: int) -> tuple[str, ...]:
    return (*_COVER[:4], *(f"aster_emissivity_{band}" for band in aster), *_NDVI[:2], *_LIGHT, *_SKY, *_AIR)


SPEC = Product(
    key="emissivity",
    title="Land surface emissivity",
    variables=(
        _variable("emissivity_tir_8_6", "emissivity at 8.6 um", _needs(10, 11, 12)),
        _variable("emissivity_tir_10_4", "emissivity at 10.4 um", _needs(13, 14)),
        _variable("emissivity_tir1", "emissivity at 11 um", _needs(13, 14)),
        _variable("emissivity_tir2", "emissivity at 12 um", _needs(13, 14)),
        _variable(
            _BROAD,
            "broadband emissivity, 8 to 13.5 um",
            _needs(*tables.ASTER),
            standard_name="surface_longwave_emissivity",
        ),
    ),
    inputs=(
        Input("fvc", source="product:fvc", uncertainty=(0.1, 0.0)),
        Input("ndvi", source="product:vi", uncertainty=(0.02, 0.0)),
        Input("reflectance_red", uncertainty=(0.005, 0.05)),
        *(Input(name, optional=_OPTIONAL_BAND in name, uncertainty=(0.2, 0.0)) for name in _LIGHT),
        *(Input(name, optional=True) for name in _SKY),
        *(Input(name, optional=True) for name in _AIR),
        Input("land_cover", optional=True),
        Input("snow_fraction", optional=True, uncertainty=(0.1, 0.0)),
        Input("aster_ndvi", optional=True),
        *(Input(name, optional=True, uncertainty=(_ASTER_SIGMA, 0.0)) for name in _ASTER),
    ),
    editions=("1km", "30m"),
    methods=(
        Method(
            "vegetation_cover",
            "mixture by vegetation cover with bare ground of ASTER GED (Malakar et al. 2018 and Ermida et al. 2020 as "
            "in public code; other bands by a regression of this package) or of materials by land cover; the "
            "programme's own numbers are not public",
            _COVER,
            references=("10.1109/TGRS.2018.2824828", "10.3390/rs12091471"),
        ),
        Method(
            "ndvi_threshold",
            "thresholds of NDVI (Sobrino et al. 2008) with the constants of Yu et al. 2014 for 11 and 12 um and of "
            "Sobrino et al. for TM and ETM+, as in public codes (papers not re-read); the broad band by a regression "
            "of this package",
            _NDVI,
            references=("10.1109/TGRS.2007.904834", "10.3390/rs6109829"),
        ),
        Method(
            "tes",
            "temperature-emissivity separation (Gillespie et al. 1998) with the three-band curve of ECOSTRESS "
            "collection 3 for all sensors; the atmosphere, from its vapour and temperature, and the broad band by "
            "regressions of this package",
            (*_LIGHT, *_SKY, *_AIR),
            references=("10.1109/36.700995",),
        ),
    ),
    partial=True,
    flags=(
        Flag(
            8,
            "ground_by_class",
            "bare ground is that of the land cover class: ASTER GED is missing or hidden by plants",
        ),
        Flag(9, "class_unknown", "the land cover is not known: bare ground is a mean of soils"),
        Flag(10, "water_or_snow", "the emissivity is that of water, snow or ice by the land cover"),
        Flag(11, "low_contrast", "emissivities hardly differ between bands, where noise makes up the contrast"),
        Flag(12, "sky_unknown", "neither air nor sky is known: brightness temperatures were taken as the ground's own"),
        Flag(13, "no_constants", "the method has no constants for this band, so there is no value"),
        Flag(14, "humid", "the view passes 30 kg m-2 of vapour and more; beyond 45 the ground is not seen"),
        Flag(15, "angle_assumed", "no view angle was given: a view straight down was assumed"),
    ),
    references=("10.1109/TGRS.2019.2918259", "10.1109/TGRS.2018.2824828"),
)


def _role(name: str) -> str:
    return "broad" if name == _BROAD else name.removeprefix(_STEM)


def _classes(land_cover: Any, like: Any) -> NDArray[np.intp]:
    """Return classes as places in the tables of bare ground; 0 for what is no class."""
    if land_cover is None:
        return np.zeros(np.shape(like), np.intp)
    known = (land_cover >= 1) & (land_cover <= _WATER) & (land_cover == np.floor(land_cover))
    found: NDArray[np.intp] = np.where(known, land_cover, 0).astype(np.intp)
    return found


def _frozen_or_wet(classes: NDArray[np.intp]) -> Any:
    return (classes == _WATER) | (classes == _SNOW)


def _weighted(how: tables.Conversion, given: dict[str, Any], wanted: Any) -> Any:
    """Return the sum of weights times ASTER emissivities, NaN where one is missing or none is wanted."""
    bands = [given.get(f"aster_emissivity_{band}") for band in how.bands]
    if given.get("aster_ndvi") is None or any(band is None for band in bands):
        return np.full((), np.nan, np.asarray(given["fvc"]).dtype)
    total = _sum(bands, how.weights)
    return np.where(wanted, total, total.dtype.type(np.nan))


def _sum(arrays: Iterable[Any], weights: Iterable[float]) -> Any:
    """Return a weighted sum in the type of the arrays."""
    return sum(array * array.dtype.type(weight) for array, weight in zip(arrays, weights, strict=True))


def _mixed(name: str, sensor: str, given: dict[str, Any]) -> Any:
    """Return one band by vegetation cover."""
    fvc = np.asarray(given["fvc"])
    number = fvc.dtype.type
    role = _role(name)
    classes = _classes(given.get("land_cover"), fvc)
    bare, how = tables.ground(role, sensor), tables.conversion(role, sensor)
    special = _frozen_or_wet(classes)
    snow = given.get("snow_fraction")
    return kernels.mixture(
        np.where(special, 0 * fvc, fvc),
        _weighted(how, given, ~special),
        number(np.nan) if given.get("aster_ndvi") is None else given["aster_ndvi"],
        bare.emissivity.astype(fvc.dtype)[classes],
        number(0) if snow is None else np.where(np.isnan(snow), number(0), snow),
        *(number(x) for x in (how.constant, sum(how.weights), _PLANTS, bare.snow)),
    )


def _by_ndvi(role: str, sensor: str, given: dict[str, Any]) -> Any:
    """Return one band by thresholds of NDVI."""
    ndvi, red = given["ndvi"], given["reflectance_red"]
    number = np.asarray(ndvi).dtype.type
    constants = tables.thresholds(role, sensor)
    if constants is None:
        return np.full(np.broadcast_shapes(ndvi.shape, red.shape), np.nan, ndvi.dtype)
    land = kernels.thresholds(ndvi, red, *(number(x) for x in constants))
    classes = _classes(given.get("land_cover"), ndvi)
    bare = tables.ground(role, sensor)
    land = np.where(_frozen_or_wet(classes), bare.emissivity.astype(ndvi.dtype)[classes] + 0 * land, land)
    snow = given.get("snow_fraction")
    share = number(0) if snow is None else np.where(np.isnan(snow), number(0), snow)
    return land + share * (number(bare.snow) - land)


def _broad(bands: dict[str, Any], sensor: str) -> Any:
    """Return the broad band from bands by regression over the materials."""
    *weights, constant = tables.broad_from(tuple(bands), sensor)
    total = _sum(bands.values(), weights)
    return total + total.dtype.type(constant)


def _separated(sensor: str, given: dict[str, Any]) -> tuple[tuple[str, ...], _tes.Separation]:
    """Return the bands there are, and their temperature and emissivities."""
    roles = tuple(r for r in tables.ROLES if given.get(f"brightness_temperature_{r}") is not None)
    seen = [given[f"brightness_temperature_{role}"] for role in roles]
    if _air_known(given):
        light, sky = _tes.at_surface(seen, roles, sensor, *(given.get(name, _NADIR) for name in _AIR))
    else:
        light = [_tes.black_body(array, role, sensor) for array, role in zip(seen, roles, strict=True)]
        sky = [np.zeros_like(array) for array in light]
    told = [given.get(f"sky_radiance_{role}") for role in roles]
    above = [s if t is None else np.where(np.isnan(t), s, t) for s, t in zip(sky, told, strict=True)]
    return roles, _tes.separate(light, above, roles, sensor)


def _air_known(given: dict[str, Any]) -> bool:
    return given.get("water_vapour") is not None and given.get("air_temperature") is not None


def _slant_vapour(given: dict[str, Any]) -> Any:
    """Return the vapour along the view (kg m-2)."""
    return given["water_vapour"] / np.cos(np.radians(given.get("view_zenith", _NADIR)))


def _flags(*, method: str, sensor: str, variables: tuple[str, ...], values: Any, **given: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if method == "tes":
        return _tes_flags(sensor, variables, given)
    classes = _classes(given.get("land_cover"), given.get("fvc", given.get("ndvi")))
    found["class_unknown"], found["water_or_snow"] = classes == 0, _frozen_or_wet(classes)
    if method == "vegetation_cover":
        found["ground_by_class"] = ~found["water_or_snow"] & ~_sees_ground(given, variables)
    else:
        found["no_constants"] = np.asarray(any(_role(n) in ("tir_8_6", _OPTIONAL_BAND) for n in variables))
    return found


def _tes_flags(sensor: str, variables: tuple[str, ...], given: dict[str, Any]) -> dict[str, Any]:
    roles, made = _separated(sensor, given)
    found = {
        "low_contrast": made.contrast < _tes.LOW_CONTRAST,
        "no_constants": np.asarray(any(_role(name) not in (*roles, "broad") for name in variables)),
    }
    if _air_known(given):
        found["humid"] = _slant_vapour(given) > _tes.UNCERTAIN_VAPOUR
        found["angle_assumed"] = np.asarray(given.get("view_zenith") is None)
    else:
        found["sky_unknown"] = np.any([np.isnan(given.get(f"sky_radiance_{r}", np.nan)) for r in roles], axis=0)
    return found


def _sees_ground(given: dict[str, Any], variables: tuple[str, ...]) -> Any:
    """Return where ASTER GED shows the bare ground for all of the variables."""
    seen: Any = np.True_
    for name in variables:
        total = _weighted(tables.conversion(_role(name)), given, np.True_)
        seen = seen & ~np.isnan(total)
    ndvi = given.get("aster_ndvi")
    return np.False_ if ndvi is None else seen & (kernels.aster_cover(ndvi) <= kernels.ASTER_MOST)


def _sigma(*, method: str, sensor: str, variables: tuple[str, ...], **given: Any) -> Any:
    if method == "vegetation_cover":
        return [_cover_sigma(name, sensor, variables, given) for name in variables]
    if method == "tes" and _air_known(given):
        return [_tes_sigma(name, sensor, given) for name in variables]
    own = _THRESHOLD_SIGMA if method == "ndvi_threshold" else SPEC.variables[0].model_uncertainty[0]
    return [np.float64(own) for _ in variables]


def _tes_sigma(name: str, sensor: str, given: dict[str, Any]) -> Any:
    """Return one sigma of a separation, by the vapour along the view."""
    roles = tuple(r for r in tables.ROLES if given.get(f"brightness_temperature_{r}") is not None)
    slant = _slant_vapour(given)
    if name != _BROAD:
        return np.interp(slant, *_tes.errors(_role(name), sensor))
    # Errors of the bands go together, as one temperature makes them all.
    weights = tables.broad_from(roles, sensor)[:-1]
    bands = [np.interp(slant, *_tes.errors(role, sensor)) for role in roles]
    return sum(abs(weight) * sigma for weight, sigma in zip(weights, bands, strict=True))


def _cover_sigma(name: str, sensor: str, variables: tuple[str, ...], given: dict[str, Any]) -> Any:
    """Return one sigma of a mixture: of its cover, its plants and its ground."""
    fvc = given["fvc"]
    special = _frozen_or_wet(_classes(given.get("land_cover"), fvc))
    ground: Any = tables.ground(_role(name), sensor).sigma
    if given.get("aster_ndvi") is not None:
        hidden = np.minimum(kernels.aster_cover(given["aster_ndvi"]), kernels.ASTER_MOST)
        ground = np.where(_sees_ground(given, (name,)), _ASTER_SIGMA / (1 - hidden), ground)
    bare = _mixed(name, sensor, {**given, "fvc": 0 * fvc, "snow_fraction": None})
    share = given.get("fvc_uncertainty", 0.0) * (_PLANTS - bare)
    land = np.sqrt((fvc * _PLANTS_SIGMA) ** 2 + ((1 - fvc) * ground) ** 2 + share**2)
    return np.where(special, _PLANTS_SIGMA, land)


def _check(*, sensor: str) -> None:
    """Refuse a sensor that there is none of: its bands would be nominal ones without a word."""
    key = sensor.partition("/")[0]
    if key and key not in SENSORS:
        raise InputError(f'retrieve("emissivity") knows no sensor {key!r}.{closest(key, tuple(SENSORS))}')


@retrieval(SPEC, quality=_flags, uncertainty=_sigma, check=_check)
def emissivity(*, variables: tuple[str, ...], method: str = "vegetation_cover", sensor: str = "", **given: Any) -> Any:
    """Emissivity by vegetation cover, by thresholds of NDVI, or with the temperature from three bands.

    ``sensor`` names the bands as ``"<sensor>/<platform or camera>"``; that of the scene where it says so, else bands at
    8.6, 10.4, 11 and 12 um.
    """
    if method == "vegetation_cover":
        return [_mixed(name, sensor, given) for name in variables]
    if method == "ndvi_threshold":
        bands = {role: _by_ndvi(role, sensor, given) for role in tables.ROLES}
        split = {role: bands[role] for role in ("tir1", "tir2")}
        made = bands | ({"broad": _broad(split, sensor)} if _BROAD in variables else {})
        return [made[_role(name)] for name in variables]
    roles, found = _separated(sensor, given)
    made = dict(zip(roles, found.emissivity, strict=True))
    nothing = np.full_like(found.temperature, np.nan)
    broad = _broad(made, sensor)
    return [broad if name == _BROAD else made.get(_role(name), nothing) for name in variables]
