r"""Directional reflectance of the surface: weights of the RossThick and LiSparse-R kernels from all looks of a period.

In each band the reflectance for a Sun at zenith angle i seen from v, with azimuths :math:`\varphi` apart, is

.. math:: R = f_{iso} + f_{vol} K_{vol}(i, v, \varphi) + f_{geo} K_{geo}(i, v, \varphi)

(:mod:`musyq_lab.kernels.brdf`). ``ross_li``, the default, finds the three weights by least squares with vol and geo not
negative, from all looks of all sensors whose bands agree, as MCD43 and the programme's multi-sensor inversion do (Wen
et al. 2017 join sensors for shorter periods than 16 days; their index of what looks add to the net is not public). This
*full* inversion stands where there are enough looks and their directions determine nadir reflectance under a Sun at 45
degrees and white-sky albedo: weights of determination

.. math:: \mathrm{WoD}(u) = u^T (A^T A)^{-1} u, \qquad A_j = (1, K_{vol}, K_{geo})_j

up to 1.431 and 2.122 (bounds for high quality of Shuai et al. 2008, not re-read). Elsewhere, and everywhere with
``magnitude``, a single factor is found for the proportions that serve all land (Roy et al. 2016), down to one look.
``lambertian`` takes the mean of the looks for all directions. A look counts with the Sun below 80 and the sensor below
70 degrees from the zenith, beyond which the kernels rise without bound; all looks count alike.

One sigma of a weight is :math:`\sqrt{\mathrm{WoD}}` of it times that of a look,

.. math:: s^2 = \frac{\nu_0 \sigma_0^2 + n\,\mathrm{rmse}^2}{\nu_0 + n - p},

the residuals of n looks for p weights held by a prior worth :math:`\nu_0` = 4 looks at :math:`\sigma_0`, the looks' own
uncertainty (0.005 + 0.05 of the reflectance, that of MOD09, where none is given). Where the proportions are those of
all land, the shares of :func:`musyq_lab.standard.nadir.shares` of vol and geo join it.

``sun_zenith`` is the mean of the looks, the Sun that :mod:`musyq_lab.products.albedo` takes where no other is given.

References
----------
Lucht, Schaaf & Strahler (2000), doi:10.1109/36.841980. Lucht & Lewis (2000), Int. J. Remote Sens. 21, 81-98, for
weights of determination. Schaaf et al. (2002), doi:10.1016/S0034-4257(02)00091-3. Shuai et al. (2008),
doi:10.1029/2007GL032568. Wen et al. (2017), doi:10.1109/TGRS.2016.2613899 (abstract). Roy et al. (2016),
doi:10.1016/j.rse.2016.01.023.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import FIRST_OWN_BIT, Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.core.variables import BAND_ROLES
from musyq_lab.kernels import brdf as kernels
from musyq_lab.kernels._brdf_inversion import FULL, MAGNITUDE, invert_with_spread
from musyq_lab.products._last import Last
from musyq_lab.products._retrieval import retrieval
from musyq_lab.standard.nadir import fixed_weights, shares

Floats = NDArray[np.floating]

ROLES = (
    *("coastal", "blue", "green", "yellow", "red", "red_edge_1", "red_edge_2", "red_edge_3"),
    *("nir", "nir_narrow", "nir_1240", "swir1", "swir2"),
)
"""Bands that weights are found for, where the looks have them."""

_KINDS = {"iso": "isotropic", "vol": "volume (RossThick)", "geo": "geometric (LiSparse-R)"}
_ANGLES = ("sun_zenith", "view_zenith", "relative_azimuth")
_FEWEST = 7  # looks for a full inversion in MCD43
_LIMITS = (1.431, 2.122)  # Shuai et al. (2008): weights of determination of nadir reflectance, of white-sky albedo
_REFERENCE_SUN = 45.0
_MOST_SUN, _MOST_VIEW = 80.0, 70.0
_PRIOR_LOOKS = 4.0
_PRIOR = (0.005, 0.05)  # MOD09: one sigma of surface reflectance (Vermote and Kotchenova 2008, 10.1029/2007JD009662)
_SIX = np.zeros(6)


def _of(role: str) -> tuple[Variable, ...]:
    """Return the variables of a band."""
    band, needs = f"the {role.replace('_', ' ')} band", (*_ANGLES, f"reflectance_{role}")
    return (
        *(
            Variable(
                f"brdf_{kind}_{role}",
                long_name=f"weight of the {words} kernel of the reflectance in {band}",
                units="1",
                valid_range=(0.0, 2.0),
                scale=1e-4,
                inputs=needs,
            )
            for kind, words in _KINDS.items()
        ),
        Variable(
            f"inversion_{role}",
            long_name=f"how the kernel weights of {band} were found",
            units="1",
            valid_range=(1, 2),
            dtype="uint8",
            fill=255,
            classes=((int(MAGNITUDE), "magnitude"), (int(FULL), "full")),
            inputs=needs,
        ),
        *(
            Variable(
                f"{name}_{role}",
                long_name=f"{words} in {band}",
                units="1",
                valid_range=limits,
                dtype=dtype,
                scale=scale,
                fill=fill,
                uncertain=False,
                inputs=needs,
            )
            for name, words, limits, dtype, scale, fill in (
                ("looks", "looks that the kernel weights were found from", (0, 60000), "uint16", 1.0, 65535),
                ("rmse", "root mean square of the residuals of the looks", (0.0, 1.0), "int16", 1e-4, -32768),
                ("wod_nadir", "weight of determination of nadir reflectance", (0.0, 1e9), "float32", 1.0, 0),
                ("wod_white", "weight of determination of white-sky albedo", (0.0, 1e9), "float32", 1.0, 0),
            )
        ),
    )


SPEC = Product(
    key="brdf",
    title="Kernel weights of directional reflectance",
    variables=(
        *(variable for role in ROLES for variable in _of(role)),
        Variable(
            "sun_zenith",
            long_name="zenith angle of the Sun, mean of the looks",
            standard_name="solar_zenith_angle",
            units="degree",
            valid_range=(0.0, 90.0),
            scale=0.01,
            uncertain=False,
            inputs=_ANGLES,
        ),
    ),
    inputs=(
        *(Input(name) for name in reversed(_ANGLES)),
        *(Input(f"reflectance_{role}", uncertainty=_PRIOR) for role in ROLES),
    ),
    editions=("1km",),
    support="period",
    methods=(
        Method(
            "ross_li",
            "RossThick-LiSparse-R, full inversion where the looks determine it (bounds of Shuai et al. 2008, not "
            "re-read), else the magnitude of the mean proportions of land of Roy et al. 2016 (as in public code, not "
            "re-read); the programme's index of information is not public",
            references=("10.1109/36.841980", "10.1029/2007GL032568", "10.1016/j.rse.2016.01.023"),
        ),
        Method(
            "magnitude",
            "RossThick-LiSparse-R in the mean proportions of land of Roy et al. 2016 (as in public code, not re-read)",
            references=("10.1016/j.rse.2016.01.023",),
        ),
        Method("lambertian", "mean of the looks for all directions", references=("10.1109/36.841980",)),
    ),
    default=(
        *(f"{name}_{role}" for role in ROLES for name in ("brdf_iso", "brdf_vol", "brdf_geo", "inversion")),
        "sun_zenith",
    ),
    partial=True,
    flags=(
        Flag(FIRST_OWN_BIT, "few_looks", "a band has too few looks for a full inversion"),
        Flag(FIRST_OWN_BIT + 1, "narrow_angles", "the directions of the looks do not determine all weights of a band"),
        Flag(FIRST_OWN_BIT + 2, "magnitude_inversion", "the weights of a band are in proportions of all land"),
        Flag(FIRST_OWN_BIT + 3, "weight_at_zero", "a weight that came out negative in a band was held at 0"),
    ),
    references=("10.1109/36.841980", "10.1016/S0034-4257(02)00091-3", "10.1109/TGRS.2016.2613899"),
)


class _Found(NamedTuple):
    """What an inversion gives, each of shape (band, pixel) or (quantity, band, pixel)."""

    weights: Floats
    """Of iso, vol, geo."""
    support: Floats
    """Looks used, weights of determination of nadir reflectance and of white-sky albedo."""
    fit: Floats
    """Nadir reflectance, root mean square of the residuals, kind."""
    spread: Floats
    """Variances of iso, vol, geo and three covariances, for looks of variance 1."""
    mean: Floats
    """Mean of vol and geo over the looks, shape (2, pixel)."""
    counts: NDArray[np.bool_]
    """Which looks have directions that count, shape (time, pixel)."""


def _looks(array: Floats, shape: tuple[int, ...]) -> Floats:
    """Return an array (..., time) as (time, pixel)."""
    return np.ascontiguousarray(np.broadcast_to(array, shape).reshape(-1, shape[-1]).T)


def _total(values: Floats) -> Floats:
    """Add up along the first axis one by one: the same bits for any number of pixels and any layout."""
    total: Floats = np.zeros_like(values[0])
    for row in values:
        total = total + row
    return total


def _archetype(roles: tuple[str, ...], method: str) -> Floats:
    """Return the proportions that hold where looks are few, shape (band, 3)."""
    if method == "lambertian":
        return np.tile(np.array([1.0, 0.0, 0.0]), (len(roles), 1))
    return fixed_weights(roles, _centres(roles)).values.T


def _centres(roles: tuple[str, ...]) -> list[float]:
    """Return the middle (um) of what a role's bands may be centred at."""
    return [sum(BAND_ROLES[role].wavelength_range) / 2 for role in roles]


@Last
def _inverted(angles: tuple[Floats, ...], reflectance: dict[str, Floats], method: str, fewest: int) -> _Found:
    """Invert all bands of a block of pixels."""
    shape = np.broadcast_shapes(*(a.shape for a in (*angles, *reflectance.values())))
    dtype, pixels = angles[0].dtype, int(np.prod(shape[:-1]))
    sun, view, azimuth = (_looks(a, shape) for a in angles)
    vol, geo = kernels.values(sun, view, azimuth)
    good = (sun < _MOST_SUN) & (view < _MOST_VIEW) & np.isfinite(vol)
    weight = good.astype(dtype)
    bands = np.stack([_looks(r, shape) for r in reflectance.values()], axis=1)
    to = np.array([np.full(pixels, k, dtype) for k in kernels.values.python(_REFERENCE_SUN, 0.0, 0.0)])
    rules = np.array([fewest if method == "ross_li" else np.inf, *_LIMITS], dtype)
    archetype = _archetype(tuple(reflectance), method).astype(dtype)
    weights, support, fit, spread = invert_with_spread(
        vol, geo, weight, bands, archetype, to, rules, _SIX.astype(dtype)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.stack([_total(np.where(good, k, 0)) for k in (vol, geo)]) / _total(weight)
    return _Found(weights, support, fit, spread, mean, good)


def _reflectances(given: dict[str, Any]) -> dict[str, Floats]:
    return {role: given[f"reflectance_{role}"] for role in ROLES if given.get(f"reflectance_{role}") is not None}


def _found(given: dict[str, Any]) -> tuple[dict[str, Floats], _Found]:
    reflectance = _reflectances(given)
    angles = tuple(given[name] for name in _ANGLES)
    return reflectance, _inverted(angles, reflectance, given["method"], given["fewest"])


def _layers(name: str, found: _Found) -> Floats:
    """Return one quantity, shape (band, pixel)."""
    if name.startswith("brdf_"):
        return np.asarray(found.weights[list(_KINDS).index(name.removeprefix("brdf_"))])
    kind = found.fit[2]
    some = np.where(kind > 0, 0 * kind, kind.dtype.type("nan"))
    layers = {
        "inversion": kind + some,
        "looks": found.support[0] + some,
        "rmse": found.fit[1] + some,
        "wod_nadir": found.support[1] + some,
        "wod_white": found.support[2] + some,
    }
    return np.asarray(layers[name])


def _mean_sun(angles: list[Floats]) -> Floats:
    """Return the mean zenith angle of the Sun over the looks."""
    shape = np.broadcast_shapes(*(a.shape for a in angles))
    sun, view, azimuth = (_looks(a, shape) for a in angles)
    good = np.isfinite(azimuth) & (sun < _MOST_SUN) & (view < _MOST_VIEW)
    return np.asarray(_total(np.where(good, sun, 0)) / _total(good.astype(sun.dtype))).reshape(shape[:-1])


def _flags(*, fewest: int, **given: Any) -> dict[str, Any]:
    reflectance, found = _found({**given, "fewest": fewest})
    if not reflectance:
        return {}
    used, kind = found.support[0], found.fit[2]
    some = used > 0
    few, magnitude = used < fewest, kind == MAGNITUDE
    zero = (kind == FULL) & ((found.weights[1] == 0) | (found.weights[2] == 0))
    bits = {
        "few_looks": some & few,
        "narrow_angles": magnitude & ~few & (given["method"] == "ross_li"),
        "magnitude_inversion": magnitude,
        "weight_at_zero": zero,
    }
    shape = np.broadcast_shapes(*(given[name].shape for name in _ANGLES), *(r.shape for r in reflectance.values()))
    return {name: where.any(axis=0).reshape(shape[:-1]) for name, where in bits.items()}


def _uncertainty(*, variables: tuple[str, ...], method: str, **given: Any) -> list[Any]:
    """Return weights of determination times the scatter of the looks, and what proportions of all land leave wrong."""
    reflectance, found = _found({**given, "method": method})
    roles, shape = tuple(reflectance), _shape(given, reflectance)
    sigmas = _sigmas(found, roles, _own_sigma(given, reflectance, shape, found.counts), method) if roles else {}
    return [sigmas[name].reshape(shape[:-1]) if name in sigmas else np.float32(0.0) for name in variables]


def _shape(given: dict[str, Any], reflectance: dict[str, Floats]) -> tuple[int, ...]:
    return np.broadcast_shapes(*(given[name].shape for name in _ANGLES), *(r.shape for r in reflectance.values()))


def _own_sigma(
    given: dict[str, Any], reflectance: dict[str, Floats], shape: tuple[int, ...], counts: NDArray[np.bool_]
) -> Floats:
    """Return the mean variance that the looks state, shape (band, pixel)."""
    squares = []
    for role, values in reflectance.items():
        looks = _looks(np.where(np.isfinite(values), given[f"reflectance_{role}_uncertainty"], np.nan), shape)
        there = np.isfinite(looks) & counts
        squares.append(_total(np.where(there, looks * looks, 0)) / _total(there.astype(looks.dtype)))
    return np.array(squares)


def _sigmas(found: _Found, roles: tuple[str, ...], prior: Floats, method: str) -> dict[str, Floats]:
    used, rmse, kind = found.support[0], found.fit[1], found.fit[2]
    full = kind == FULL
    free = _PRIOR_LOOKS + used - np.where(full, 3.0, 1.0)
    look = (_PRIOR_LOOKS * prior + used * rmse**2) / free
    share = np.asarray(shares(roles, _centres(roles), "c_factor"))[:, None]
    # A mean of all directions is off by as much as the proportions of all land would change it.
    shape = (
        np.abs(found.weights[0][None] * _proportions(roles) if method == "lambertian" else found.weights[1:]) * share
    )
    shape = np.where(full, 0.0, shape)
    wrong = np.stack([np.hypot(*(found.mean[:, None] * shape)), *shape])
    variance = found.spread[:3] * look + wrong**2
    sigma = np.sqrt(variance)
    return {f"brdf_{kind}_{role}": sigma[k, b] for k, kind in enumerate(_KINDS) for b, role in enumerate(roles)}


def _proportions(roles: tuple[str, ...]) -> Floats:
    """Return vol and geo over iso for all land, shape (2, band, 1)."""
    weights = _archetype(roles, "magnitude")
    return np.asarray((weights[:, 1:] / weights[:, :1]).T[..., None])


def _check(*, given: frozenset[str], fewest: int) -> None:
    """Refuse to find weights of nothing, and an inversion without a residual."""
    if fewest < 4:
        raise InputError(f'retrieve("brdf") needs at least 4 looks for three weights and a residual, got {fewest=}.')
    if not any(name.startswith("reflectance_") for name in given):
        raise InputError(f'retrieve("brdf") needs the reflectance of a band, one of {", ".join(ROLES)}.')


@retrieval(SPEC, quality=_flags, uncertainty=_uncertainty, check=_check)
def brdf(
    *,
    sun_zenith: Any,
    view_zenith: Any,
    relative_azimuth: Any,
    variables: tuple[str, ...],
    method: str = "ross_li",
    fewest: int = _FEWEST,
    **reflectance: Any,
) -> Any:
    """Kernel weights from the looks along ``time``; ``fewest`` looks or more may make a full inversion.

    ``time`` may hold looks of several sensors whose bands were adjusted to those of one. Bands that the looks lack are
    left out unless asked for; ``looks_<role>``, ``rmse_<role>``, ``wod_nadir_<role>`` and ``wod_white_<role>`` tell how
    good the weights of a band are.
    """
    angles = {"sun_zenith": sun_zenith, "view_zenith": view_zenith, "relative_azimuth": relative_azimuth}
    given, found = _found({**angles, **reflectance, "method": method, "fewest": fewest})
    shape = _shape(angles, given)[:-1]
    roles, made = list(given), []
    for name in variables:
        if name == "sun_zenith":
            made.append(_mean_sun(list(angles.values())))
            continue
        role = next(role for role in sorted(roles, key=len, reverse=True) if name.endswith(f"_{role}"))
        made.append(_layers(name.removesuffix(f"_{role}"), found)[roles.index(role)].reshape(shape))
    return made
