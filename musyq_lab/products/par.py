r"""Photosynthetically active radiation at the surface, 400 to 700 nm: its energy, its photons, its beam.

It is a share of the downward shortwave radiation G that clouds raise, since droplets absorb the near infrared and not
the visible,

.. math:: P = f\,r(k)\,G, \qquad r(k) = 1 + 0.119\,(1 - k)

with the clear-sky index k; r follows hourly measurements in Cyprus (Jacovides et al. 2003;
:data:`musyq_lab.products._shortwave_par.ENRICHMENT`).

``bands`` (default)
    f is that of the clear sky over a black ground: 6S from 400 to 700 nm (the tables of
    :mod:`musyq_lab.standard.atmosphere`) over all of REST2, with the air given or assumed. k is the clear-sky index
    given, or G over REST2. The default because vapour, aerosol and the height of the Sun move f between 0.40 and 0.50.
    For instants; a Sun below 10 degrees takes the share at 10. For means over a day integrate instants
    (:mod:`musyq_lab.analysis.daytime`).
``fraction``
    f = 0.460 where k is given (the hourly mean under clear skies in Cyprus), else the 0.454 of the year for f r(k). For
    instants and means alike.

Photons are 4.57 umol a joule (McCree 1972). With the diffuse fraction of the shortwave radiation, :math:`k_d`, that of
PAR is (Spitters et al. 1986, in the form of pvlib)

.. math:: k_d' = \frac{[1 + 0.3\,(1 - k_d^2)]\,k_d}{1 + (1 - k_d^2) \cos^2(90° - \beta) \cos^3 \beta}

where :math:`\beta` is the height of the Sun. The LUT of the programme is not public.

References
----------
Kotchenova et al. (2006), doi:10.1364/AO.45.006762 (6S). Gueymard (2008), doi:10.1016/j.solener.2007.04.008. Jacovides
et al. (2003), doi:10.1007/s00704-002-0685-5 (abstract). Spitters, Toussaint & Goudriaan (1986),
doi:10.1016/0168-1923(86)90060-2. McCree (1972), doi:10.1016/0002-1571(72)90045-3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import FIRST_OWN_BIT, Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.kernels._photosynthesis import PHOTONS
from musyq_lab.products import _shortwave as shortwave
from musyq_lab.products import _shortwave_par as bands
from musyq_lab.products._retrieval import retrieval

NIGHT = Flag(FIRST_OWN_BIT, "night", "the Sun is below the horizon, so the value is zero")
LOW_SUN = Flag(FIRST_OWN_BIT + 1, "low_sun", "the Sun stands below 10 degrees; the share is that at 10 degrees")
ASSUMED_AIR = Flag(FIRST_OWN_BIT + 2, "assumed_air", "some property of the air was assumed, not given")
INDEX_UNKNOWN = Flag(FIRST_OWN_BIT + 3, "index_unknown", "the share is that of the mean of all skies")
BEYOND_TABLES = Flag(
    FIRST_OWN_BIT + 4, "beyond_tables", "the air lies beyond the tables of 6S and was held at their end"
)

CLEAR, MEAN = 0.460, 0.454
"""Share of PAR in Cyprus: hours of clear sky, and the year (Jacovides et al. 2003, abstract)."""

_SUN = ("sun_zenith", "extraterrestrial_shortwave")
_MOST_ZENITH = 80.0  # degrees, end of the tables of 6S
_LIGHT = ("downward_shortwave", "clear_sky_index", *_SUN, *shortwave.AIR)


def _layer(name: str, long_name: str, units: str, most: float, scale: float, *more: str, **other: Any) -> Variable:
    inputs = (*_LIGHT, *more)
    return Variable(
        name, long_name, units, valid_range=(0.0, most), scale=scale, colour_map="YlOrBr_r", inputs=inputs, **other
    )


def _own_errors(absolute: float, relative: float) -> tuple[tuple[str, float, float], ...]:
    """Return the error of a method for each layer; the diffuse share of Spitters adds 0.1 of the whole or so."""
    parts = (("par_direct", absolute, 2 * relative), ("par_diffuse", absolute, 2 * relative))
    return (("par", absolute, relative), ("photon_flux", PHOTONS * absolute, relative), *parts)


SPEC = Product(
    key="par",
    title="Photosynthetically active radiation",
    variables=(
        _layer(
            "par",
            "downward photosynthetically active radiation, 400 to 700 nm",
            "W m-2",
            700.0,
            0.05,
            standard_name="surface_downwelling_photosynthetic_radiative_flux_in_air",
        ),
        _layer(
            "photon_flux",
            "downward photosynthetic photon flux",
            "umol m-2 s-1",
            3200.0,
            0.1,
            standard_name="surface_downwelling_photosynthetic_photon_flux_in_air",
        ),
        _layer("par_direct", "direct part of it, on the horizontal", "W m-2", 700.0, 0.05, "diffuse_fraction"),
        _layer("par_diffuse", "diffuse part of it", "W m-2", 700.0, 0.05, "diffuse_fraction"),
    ),
    inputs=(
        Input("downward_shortwave", source="product:dsr:dsr", uncertainty=(5.0, 0.05)),
        Input("diffuse_fraction", uncertainty=(0.1, 0.0)),
        *(Input(name, optional=True) for name in _SUN),
        Input("clear_sky_index", optional=True, uncertainty=(0.05, 0.0)),
        *shortwave.air_inputs(),
    ),
    editions=("1km", "5km"),
    stage="composite",
    default=("par", "photon_flux"),
    methods=(
        Method(
            "bands",
            "6S from 400 to 700 nm over REST2, clouds by Jacovides et al. 2003; the programme's LUT is not public",
            # Cloud enrichment 0.03 of the share, spectrum and assumed air 0.03.
            model_uncertainty=_own_errors(1.0, 0.04),
        ),
        Method(
            "fraction",
            "shares of Cyprus (Jacovides et al. 2003, abstract); the programme's LUT is not public",
            inputs=("downward_shortwave", "clear_sky_index", "diffuse_fraction", "sun_zenith"),
            # 0.40 to 0.50 with vapour, aerosol and Sun: a third of the range.
            model_uncertainty=_own_errors(1.0, 0.06),
        ),
    ),
    flags=(NIGHT, LOW_SUN, ASSUMED_AIR, INDEX_UNKNOWN, BEYOND_TABLES),
    references=("10.1364/AO.45.006762", "10.1007/s00704-002-0685-5", "10.1016/0168-1923(86)90060-2"),
)


def _checked(given: frozenset[str], method: str) -> None:
    """Refuse ``bands`` without the Sun."""
    missing = [name for name in _SUN if name not in given]
    if method == "bands" and missing:
        raise InputError(
            f'retrieve("par", method="bands") needs {" and ".join(missing)}. Add them, or a time with latitude and '
            'longitude, from which they follow; for means over a day take method="fraction".'
        )


def _index(given: dict[str, Any], air: dict[str, Any]) -> Any:
    """Return the clear-sky index: that given, else the irradiance over that of REST2, at most 1."""
    if given.get("clear_sky_index") is not None:
        return given["clear_sky_index"]
    clear = sum(shortwave.irradiance("rest2", given["sun_zenith"], given["extraterrestrial_shortwave"], air))
    return np.minimum(given["downward_shortwave"] / np.where(clear > 0, clear, 1), 1)


def _share(method: str, given: dict[str, Any]) -> Any:
    """Return the share of PAR in the shortwave irradiance."""
    whole = given["downward_shortwave"]
    if method == "fraction":
        index = given.get("clear_sky_index")
        return np.asarray(MEAN, whole.dtype) if index is None else CLEAR * bands.enrichment(index)
    air = shortwave.filled(given, whole)
    zenith = np.minimum(given["sun_zenith"], whole.dtype.type(_MOST_ZENITH))
    black = {**air, "albedo": np.zeros_like(air["albedo"])}
    clear = sum(shortwave.irradiance("rest2", zenith, given["extraterrestrial_shortwave"], black))
    active = sum(bands.clear_par(zenith, given["extraterrestrial_shortwave"], air))
    return active / clear * bands.enrichment(_index(given, air))


def _diffuse(given: dict[str, Any]) -> Any:
    """Return the diffuse share of PAR (Spitters et al. 1986); NaN where the Sun is not known."""
    share, zenith = given["diffuse_fraction"], given.get("sun_zenith")
    if zenith is None:
        return np.full_like(share, np.nan)
    mu, sine = np.cos(np.radians(zenith)), np.sin(np.radians(zenith))
    clear = 1.0 - share * share
    return np.minimum((1.0 + 0.3 * clear) * share / (1.0 + clear * mu**2 * sine**3), 1.0)


def _quality(method: str, **given: Any) -> dict[str, Any]:
    """Tell where the Sun is low or down, and what was assumed or held."""
    zenith: Any = given.get("sun_zenith")
    if method == "fraction":
        return {"index_unknown": np.asarray(given.get("clear_sky_index") is None)}
    names = [n for n in shortwave.AIR if n not in ("angstrom_exponent", "albedo")]
    found = {
        "night": zenith >= 90.0,
        "low_sun": (zenith > _MOST_ZENITH) & (zenith < 90.0),
        "assumed_air": np.asarray(any(given.get(name) is None for name in names)),
    }
    limits = {"aod": 2.0, "water_vapour": 80.0, "ozone": 600.0}
    high = [given[name] > most for name, most in limits.items() if given.get(name) is not None]
    low = [] if given.get("surface_pressure") is None else [given["surface_pressure"] < 5e4]
    return {
        **found,
        **({"beyond_tables": np.logical_or.reduce(np.broadcast_arrays(*high, *low))} if high + low else {}),
    }


@retrieval(SPEC, quality=_quality, check=_checked)
def par(*, variables: tuple[str, ...], method: str, **given: Any) -> list[Any]:
    """Photosynthetically active radiation as a share of the shortwave radiation, by the method chosen."""
    energy = _share(method, given) * given["downward_shortwave"]
    made = {"par": energy, "photon_flux": PHOTONS * energy}
    if {"par_direct", "par_diffuse"} & {*variables}:
        share = _diffuse(given)
        made |= {"par_direct": (1.0 - share) * energy, "par_diffuse": share * energy}
    return [made[name] for name in variables]
