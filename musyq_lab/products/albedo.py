r"""Albedo of the surface, black-sky, white-sky and blue-sky, in the shortwave, the visible and the near infrared.

The weights :math:`f_k` of the reflectance kernels (:mod:`musyq_lab.products.brdf`, or MCD43A1) are integrated over all
directions of view, :math:`h_k(i)` for a Sun at zenith angle i, and over both hemispheres, :math:`H_k`,

.. math:: \alpha_{black} = \sum_k f_k h_k(i), \qquad \alpha_{white} = \sum_k f_k H_k, \qquad
          \alpha = (1 - D)\,\alpha_{black} + D\,\alpha_{white} ,

with the fraction D of diffuse light: given, or from the optical depth of aerosol and the Sun
(:func:`musyq_lab.products._broadband.diffuse_fraction`), or for a depth of 0.15, which a bit tells. The albedo of the
bands becomes that of broad bands by a linear formula.

``regression``, the default, serves every sensor and set of bands with the formula that fits the land spectra of the
package best (:func:`musyq_lab.products._broadband.conversion`; on them it leaves 1 % with the bands of MODIS, 2 % with
those of OLI and MSI, and is free of the 6 to 8 % by which the published ones are lower); the integrals are those by
quadrature. ``published`` takes the formulae of Liang (2001) and Bonafoni & Sekertekin (2020) with the same integrals.
``mcd43`` is for comparison with MCD43A3: the polynomial in the Sun's zenith angle (off by up to 0.017 in the volume
kernel below 60 degrees and 0.075 at 80) and the formulae for MODIS.

A lone look has an albedo too: ``retrieve("brdf", scene.expand_dims("time"), method="magnitude")`` gives it the
proportions of all land, ``method="lambertian"`` none.

One sigma joins the uncertainty of the weights, that of D, what the formula leaves on the library's spectra, and what
kernels and integrals leave. Errors of the three weights belong together: their correlations (iso vol -0.61, iso geo
0.96, vol geo -0.61) are medians over 2500 full inversions of simulated swaths, with which the sigma of white-sky
albedo from the three alone comes within -3 and +27 % of that from the whole matrix in half of them; without them it
would be 2.6 times too large.

From ten looks of MODIS within twelve days, 81 % of the level land of the scored simulated Earth under a clear sky lay
within the 5 % of GCOS (root mean square error 0.007), and 70 % within one sigma; with ten others whose directions just
miss a full inversion 75 %, but only 17 % in the grassland of upright leaves (9 % too low). Looks of AHI: 80 %, 56 %
within one sigma. Near-nadir looks alone (OLI, MSI) are 5 to 17 % too low there, since its canopies have proportions
unlike those of all land: join them with oblique looks.

Broad bands end at 0.4 and 2.5 um; ``limits="0.3-4"`` includes the light beyond, as a pyranometer does. Not for a Sun
below 80 degrees; snow is none of the surfaces the kernels were made for, and a bit tells where it seems to lie.

References
----------
Lucht, Schaaf & Strahler (2000), doi:10.1109/36.841980. Schaaf et al. (2002), doi:10.1016/S0034-4257(02)00091-3; its
coefficients as in the MODIS BRDF/Albedo user's guide (www-modis.bu.edu/brdf/userguide/param.html). Liang (2001),
doi:10.1016/S0034-4257(00)00205-4. Bonafoni & Sekertekin (2020), doi:10.1109/LGRS.2020.2967085. GCOS-245 (2022).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import FIRST_OWN_BIT, Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.kernels import brdf as kernels
from musyq_lab.kernels.albedo import broadband_kernel
from musyq_lab.products import _broadband
from musyq_lab.products._broadband import DARKEST, NEEDED, ROLES
from musyq_lab.products._retrieval import retrieval

Floats = NDArray[np.floating]

_KINDS = ("iso", "vol", "geo")
_SKIES = {"black": "black-sky ", "white": "white-sky ", "": ""}
_BROAD = {"": "shortwave", "visible": "visible", "nir": "near_infrared"}
_USUAL_AEROSOL = (
    0.15  # MODIS over land: 0.1 to 0.2 away from deserts and cities (Remer et al. 2008, 10.1029/2007JD009661)
)
_LOW_SUN = 75.0
_COARSE = 0.05  # GCOS-245 threshold: what the conversion alone must not use up
# One sigma of what the kernels' shape leaves wrong, relative, under a black and a white sky: 3 % serves the scored
# simulated Earth; of 400 canopies of 4SAIL with traits drawn at random two thirds are within 5 to 6 % (black) and 8 to
# 11 % (white, whose light comes from directions that nobody looks from), half of it a bias of that model.
_SHAPE = (0.03, 0.08)
_ALIKE = 0.5  # correlation of the errors of two bands, which share looks and air
_CORRELATIONS = (-0.61, 0.96, -0.61)  # iso vol, iso geo, vol geo
_SIGMA_DIFFUSE = {"given": 0.05, "aerosol": 0.05, "usual": 0.08}
_DOUBT = {"iso": (0.005, 0.05), "vol": (0.02, 0.2), "geo": (0.005, 0.1)}  # where the weights state none: as MOD09


def _names() -> dict[str, tuple[str, str]]:
    """Return (sky, broad band) by name of variable, the default ones first."""
    return {
        "_".join(filter(None, ("albedo", broad, sky))): (sky, broad)
        for broad in _BROAD
        for sky in ("", "black", "white")
    }


def _variable(name: str, sky: str, broad: str) -> Variable:
    sun = () if sky == "white" else ("sun_zenith",)
    light = ("diffuse_fraction", "aod") if not sky else ()
    words = {"": "shortwave", "visible": "visible", "nir": "near-infrared"}[broad]
    return Variable(
        name,
        long_name=f"{_SKIES[sky]}albedo of the surface, {words}" if sky else f"blue-sky albedo of the surface, {words}",
        standard_name="surface_albedo" if name == "albedo" else "",
        units="1",
        valid_range=(0.0, 1.0),
        scale=1e-4,
        colour_map="cividis",
        inputs=(*sun, *light, *(f"brdf_{kind}_{role}" for role in ROLES for kind in _KINDS)),
        gcos_goal="3 % (2 sigma) from 0.05, else 0.0015; 10 m; daily",
        gcos_threshold="5 % (2 sigma) from 0.05, else 0.0025; 250 m; 10 days",
    )


SPEC = Product(
    key="albedo",
    title="Surface albedo",
    variables=tuple(_variable(name, *kind) for name, kind in _names().items()),
    inputs=(
        *(
            Input(f"brdf_{kind}_{role}", "product:brdf", optional=role not in NEEDED, uncertainty=_DOUBT[kind])
            for role in sorted(ROLES, key=lambda role: role not in NEEDED)
            for kind in _KINDS
        ),
        Input("sun_zenith"),
        Input("diffuse_fraction", optional=True),
        Input("aod", optional=True),
    ),
    editions=("1km",),
    methods=(
        Method(
            "regression",
            "kernel integrals by quadrature; conversion to broad bands fitted by this package to its land spectra for "
            "the bands of the sensor",
            references=("10.1109/36.841980",),
        ),
        Method(
            "published",
            "kernel integrals by quadrature; conversion of Liang 2001 or Bonafoni & Sekertekin 2020 (as in public "
            "code, not re-read)",
            references=("10.1016/S0034-4257(00)00205-4", "10.1109/LGRS.2020.2967085"),
        ),
        Method(
            "mcd43",
            "polynomials of Lucht et al. 2000 (MODIS user's guide); conversion of Liang 2001 for MODIS (as in public "
            "code, not re-read)",
            references=("10.1109/36.841980", "10.1016/S0034-4257(00)00205-4"),
        ),
    ),
    default=("albedo", "albedo_black", "albedo_white"),
    flags=(
        Flag(FIRST_OWN_BIT, "usual_aerosol", "neither diffuse light nor aerosol was given: an optical depth of 0.15"),
        Flag(FIRST_OWN_BIT + 1, "low_sun", "the Sun is lower than 15 degrees above the horizon"),
        Flag(FIRST_OWN_BIT + 2, "coarse_conversion", "these bands alone do not give broad-band albedo to 5 %"),
        Flag(FIRST_OWN_BIT + 3, "snow_like", "the bands look like snow, which the kernels were not made for"),
    ),
    references=("10.1109/36.841980", "10.1016/S0034-4257(02)00091-3", "10.1016/S0034-4257(00)00205-4"),
)


def _roles(given: Mapping[str, Any] | frozenset[str]) -> tuple[str, ...]:
    """Return the bands whose three weights are there."""
    there = {name for name in given if not isinstance(given, Mapping) or given[name] is not None}
    return tuple(role for role in ROLES if {f"brdf_{kind}_{role}" for kind in _KINDS} <= there)


def _conversion(method: str, sensor: str, roles: tuple[str, ...], broad: str, limits: str) -> _broadband.Conversion:
    name = "regression" if method == "regression" else "published"
    return _broadband.conversion(name, "modis" if method == "mcd43" else sensor, roles, _BROAD[broad], limits)


def _integrals(method: str, sun_zenith: Any) -> tuple[tuple[Any, Any], tuple[float, float]]:
    """Return those of vol and geo over the views, then those over both hemispheres."""
    polynomial = method == "mcd43"
    black = (kernels.black_sky if polynomial else kernels.black_sky_exact)(sun_zenith)
    white = kernels.WHITE_SKY if polynomial else kernels.WHITE_SKY_EXACT
    return black, (white[1], white[2])


def _diffuse(sun_zenith: Any, given: Any, aod: Any, broad: str) -> Any:
    if given is not None:
        return given
    depth = sun_zenith.dtype.type(_USUAL_AEROSOL) if aod is None else aod
    return _broadband.diffuse_fraction(sun_zenith, depth, _BROAD[broad])


def _sigma_of_bands(given: Mapping[str, Any], roles: tuple[str, ...], weights: tuple[float, ...], u: Any) -> Any:
    """Return one sigma of a broad-band albedo from that of the kernel weights, for the integrals u of vol and geo."""
    alone, together = 0.0, 0.0
    for role, weight in zip(roles, weights, strict=True):
        iso, vol, geo = (
            given[f"brdf_{kind}_{role}_uncertainty"] * h for kind, h in zip(_KINDS, (1.0, *u), strict=True)
        )
        iv, ig, vg = _CORRELATIONS
        cross = iv * iso * vol + ig * iso * geo + vg * vol * geo
        variance = np.maximum(iso * iso + vol * vol + geo * geo + 2.0 * cross, 0.0)
        alone = alone + weight * weight * variance
        together = together + abs(weight) * np.sqrt(variance)
    return np.sqrt((1.0 - _ALIKE) * alone + _ALIKE * together * together)


def _uncertainty(*, variables: tuple[str, ...], **given: Any) -> list[Any]:
    """Return the errors of weights, light, conversion and kernels in quadrature."""
    method, roles, sun = given["method"], _roles(given), given.get("sun_zenith")
    values = dict(zip(variables, albedo.body(variables=variables, **given), strict=True))
    sigmas = []
    for name in variables:
        sky, broad = _names()[name]
        formula = _conversion(method, given["sensor"], roles, broad, given["limits"])
        black, white = (
            _integrals(method, sun) if sun is not None else ((0.0, 0.0), _integrals(method, np.float32(0.0))[1])
        )
        light, kernels_left = 0.0, _SHAPE[sky == "white"]
        u = white if sky == "white" else black
        if not sky:
            share = _diffuse(sun, given.get("diffuse_fraction"), given.get("aod"), broad)
            u = tuple(b + share * (w - b) for b, w in zip(black, white, strict=True))
            both = albedo.body(variables=tuple(f"{name}_{s}" for s in ("black", "white")), **given)
            light = _light(given) * (both[1] - both[0])
            kernels_left = np.hypot((1.0 - share) * _SHAPE[0], share * _SHAPE[1])
        bands = _sigma_of_bands(given, roles, formula.weights, u)
        left = np.hypot(formula.error, kernels_left) * np.maximum(values[name], DARKEST)
        sigmas.append(np.sqrt(bands**2 + light**2 + left**2))
    return sigmas


def _light(given: Mapping[str, Any]) -> Any:
    """Return one sigma of the diffuse fraction."""
    if given.get("diffuse_fraction") is not None:
        return given.get("diffuse_fraction_uncertainty", _SIGMA_DIFFUSE["given"])
    return _SIGMA_DIFFUSE["usual" if given.get("aod") is None else "aerosol"]


def _flags(*, variables: tuple[str, ...], method: str, sensor: str, limits: str, **given: Any) -> dict[str, Any]:
    roles, sun = _roles(given), given.get("sun_zenith")
    first = given[f"brdf_iso_{NEEDED[0]}"]
    skies = {_names()[name] for name in variables}
    assumed = any(not sky for sky, _ in skies) and given.get("diffuse_fraction") is None and given.get("aod") is None
    coarse = max(_conversion(method, sensor, roles, broad, limits).error for _, broad in skies) > _COARSE
    found = {"usual_aerosol": np.isfinite(first) & assumed, "coarse_conversion": np.isfinite(first) & coarse}
    if sun is not None:
        found["low_sun"] = sun > _LOW_SUN
    if {"green", "swir1"} <= {*roles}:
        green, swir = (given[f"brdf_iso_{role}"] for role in ("green", "swir1"))
        # Hall, Riggs & Salomonson (1995), doi:10.1016/0034-4257(95)00137-P: index above 0.4, near infrared above 0.11.
        found["snow_like"] = (green - swir > 0.4 * (green + swir)) & (given["brdf_iso_nir"] > 0.11)
    return found


def _check(*, given: frozenset[str], method: str, sensor: str, limits: str) -> None:
    """Refuse bands, sensors and limits that there is no conversion for."""
    if limits not in _broadband.LIMITS:
        raise InputError(f'retrieve("albedo") knows the limits {" and ".join(_broadband.LIMITS)} um, got {limits!r}.')
    if limits != _broadband.LIMITS[0] and method != "regression":
        raise InputError(
            f'retrieve("albedo") takes {limits=} with method="regression" only; published formulae have own.'
        )
    _conversion(method, sensor, _roles(given), "", limits)


@retrieval(SPEC, quality=_flags, uncertainty=_uncertainty, check=_check)
def albedo(
    *,
    variables: tuple[str, ...],
    sun_zenith: Any = None,
    diffuse_fraction: Any = None,
    aod: Any = None,
    method: str = "regression",
    limits: str = _broadband.LIMITS[0],
    sensor: str = "",
    **weights: Any,
) -> Any:
    """Albedo from kernel weights of at least red and nir; the more bands the closer.

    ``sensor`` names the bands as ``"<sensor>/<platform or camera>"``: that of the weights where they say so, else
    MODIS. ``limits`` are those of the shortwave and near-infrared bands (um): ``"0.4-2.5"`` or ``"0.3-4"``.
    """
    roles = _roles(weights)
    layers = [weights[f"brdf_{kind}_{role}"] for role in roles for kind in _KINDS]
    number = layers[0].dtype.type
    sun = number(0.0) if sun_zenith is None else sun_zenith
    kernel = broadband_kernel(len(roles), "polynomial" if method == "mcd43" else "exact")
    made: dict[str, Any] = {}
    for broad in dict.fromkeys(_names()[name][1] for name in variables):
        formula = _conversion(method, sensor, roles, broad, limits)
        share = number(0.0) if sun_zenith is None else _diffuse(sun, diffuse_fraction, aod, broad)
        found = kernel(*layers, sun, share, *map(number, (*formula.weights, formula.offset)))
        made |= {"_".join(filter(None, ("albedo", broad, sky))): a for sky, a in zip(_SKIES, found, strict=True)}
    return [made[name] for name in variables]
