r"""Downward longwave radiation of the sky at the surface.

.. math:: L_d = \sigma T_a^4 \left[(1 - a)\,\varepsilon_c + b\right]

The emissivity :math:`\varepsilon_c` of the clear sky is that of the method, from air temperature and vapour near the
ground, or the column of vapour; its equations stand in :mod:`musyq_lab.kernels.longwave`. The option ``clouds`` says
what a cloud fraction :math:`c` does:

======================  =============================================================================================
``crawford_duchon``     a = b = c: clouds are black and as warm as the air
``unsworth_monteith``   a = b = 0.84 c
``li``                  a = 0.78 c, b = 0.38 c^0.95 RH^0.17, humidity in per cent
======================  =============================================================================================

The cloud fraction is ``cloud_fraction``; where that is not given, 1 less ``clear_sky_index`` (within 0 and 1), which is
what Crawford and Duchon mean by it: the share of the Sun's light that clouds take, not of the sky that they cover.
Without either the sky is taken as clear, and a bit says so. By night there is no index: give a cloud fraction.

The default is Prata's sky with Crawford and Duchon's clouds. Beside measurements, with air measured there and nothing
fitted, root mean square error and bias are (W m-2; ``benchmarks/radiation_towers.py`` makes the table):

==================  ===================  ====================  ===================  ===================
method              Tharandt, June 2014  Tharandt, all skies   Alamosa, 2317 m      Alamosa, the night
                    clear, N 205         by day, N 809         clear winter, N 434  to it, N 1006
==================  ===================  ====================  ===================  ===================
``prata``           11.3  -3.6           13.6  +0.5            14.4  +13.6          14.6  -7.9
``prata_pressure``  12.3  -6.2           13.7  -1.2            4.8   +2.6           21.3  -17.6
``li``              12.9  +5.5           15.3  +6.0            13.2  +12.2          15.9  -10.0
``brutsaert``       14.0  -7.6           14.1  -1.9            15.3  -14.6          37.8  -35.7
``dilley_obrien``   21.6  -18.9          16.2  -7.7            5.9   +5.2           16.1  -11.2
``idso``            13.2  +6.7           16.0  +8.3            23.6  +23.0          12.4  +1.1
``swinbank``        20.8  +11.4          18.9  +5.6            10.1  +5.1           28.7  -25.1
``brunt``           26.5  -23.8          19.8  -12.5           13.0  -12.4          33.9  -31.8
==================  ===================  ====================  ===================  ===================

Clouds at Tharandt are known by the light of plants (PPFD) over that of a clear sky, scaled so that clear hours have 1.
Taken as clear, the sky of all hours is 28 W m-2 too dark with ``prata``; the three treatments of clouds have errors of
13.6, 14.4 and 13.1. The methods' own sigma follows from this table: with it the stated one holds for 70 % of the hours.

Methods were fitted near sea level: at Alamosa, where the air pressure is 776 hPa, Prata's sky is too bright by day, and
less so with its correction for pressure (``prata_pressure``). Below inversions, as of clear nights and over snow, most
are too dark, since the air above is warmer than that near the ground (that night had an hour of cloud, too).

Valid for instants and, with means as inputs, for hours and days. ``water_vapour`` is used where it is given by methods
that are defined on the column (``prata``, ``prata_pressure``, ``dilley_obrien``); without it the column is Prata's
46.5 e / T cm, and a bit says so. What is given has to be whole: where a retrieved column or an index of the shortwave
lacks a pixel (clouds, night) there is no value, so fill it first, or leave it out. Coefficients of the programme's own
product are not public.

References
----------
Those of :mod:`musyq_lab.kernels.longwave` and :mod:`musyq_lab.products._longwave`; the papers were not read again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from musyq_lab.core.errors import InputError, closest
from musyq_lab.core.quality import Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.kernels.longwave import emitted
from musyq_lab.products._longwave import CLOUDS, clear_and_cloudy, cloud_share, cloud_terms, humidity_of
from musyq_lab.products._retrieval import retrieval

_CLOUDS = ("cloud_fraction", "clear_sky_index")
_VAPOUR = ("air_temperature", "vapour_pressure", *_CLOUDS)
_COLUMN = ("air_temperature", "vapour_pressure", "water_vapour", *_CLOUDS)
_SECOND_HAND = "form and coefficients as in public codes, the paper not re-read"


def _method(name: str, title: str, inputs: tuple[str, ...], error: float, reference: str) -> Method:
    return Method(name, title, inputs, (("dlr", error, 0.0),), references=(reference,))


SPEC = Product(
    key="dlr",
    title="Downward longwave radiation",
    variables=(
        Variable(
            "dlr",
            long_name="downward longwave radiation at the surface",
            standard_name="surface_downwelling_longwave_flux_in_air",
            units="W m-2",
            # A dry polar winter sky sends some 80; a black sky at 333 K 697.
            valid_range=(30.0, 700.0),
            scale=0.025,
            colour_map="inferno",
        ),
    ),
    inputs=(
        # Screen-level air of stations and of good analyses, and clouds from the Sun's light: ours.
        Input("air_temperature", uncertainty=(1.0, 0.0)),
        Input("vapour_pressure", optional=True, uncertainty=(50.0, 0.03)),
        Input("water_vapour", source="product:water_vapour", optional=True, uncertainty=(1.0, 0.1)),
        Input("surface_pressure", uncertainty=(500.0, 0.0)),
        Input("cloud_fraction", optional=True, uncertainty=(0.1, 0.0)),
        Input("clear_sky_index", source="product:dsr:clear_sky_index", optional=True, uncertainty=(0.1, 0.0)),
    ),
    editions=("1km", "5km"),
    stage="scene",
    methods=(
        _method("prata", f"Prata 1996, {_SECOND_HAND}", _COLUMN, 10.0, "10.1002/qj.49712253306"),
        _method(
            "prata_pressure",
            f"Prata 1996, {_SECOND_HAND}, with its correction for low air pressure as recalled",
            (*_COLUMN, "surface_pressure"),
            10.0,
            "10.1002/qj.49712253306",
        ),
        _method("brutsaert", f"Brutsaert 1975, {_SECOND_HAND}", _VAPOUR, 13.0, "10.1029/WR011i005p00742"),
        _method("dilley_obrien", f"Dilley and O'Brien 1998, {_SECOND_HAND}", _COLUMN, 14.0, "10.1002/qj.49712454903"),
        _method("idso", f"Idso 1981, {_SECOND_HAND}", _VAPOUR, 16.0, "10.1029/WR017i002p00295"),
        _method("brunt", f"Brunt 1932 with 0.52 and 0.065, {_SECOND_HAND}", _VAPOUR, 20.0, "10.1002/qj.49705824704"),
        _method(
            "li",
            "Brunt's form fitted to seven SURFRAD stations by Li et al. 2017, coefficients as in lysham/dlw, the paper "
            "not re-read",
            _VAPOUR,
            13.0,
            "10.1016/j.solener.2017.01.006",
        ),
        _method(
            "swinbank",
            f"Swinbank 1963, from air temperature alone, {_SECOND_HAND}",
            ("air_temperature", *_CLOUDS),
            18.0,
            "10.1002/qj.49708938105",
        ),
    ),
    flags=(
        Flag(8, "clear_sky_assumed", "nothing is known of clouds: the value is that of a clear sky"),
        Flag(
            9, "column_from_humidity", "the column of vapour is not known: that of the vapour near the ground is taken"
        ),
        Flag(10, "brighter_than_clear", "more light than under a clear sky: the sky is taken as clear"),
        Flag(11, "supersaturated", "the vapour pressure is above saturation: temperature or humidity is in error"),
        Flag(12, "beyond_black", "the sky would radiate more than a black body as warm as the air"),
    ),
    references=("10.1002/qj.49712253306", "10.1175/1520-0450(1999)038<0474:AIPFEE>2.0.CO;2"),
)


def _needs(names: str) -> str:
    return f'retrieve("dlr") needs {names}'


def _check(*, given: frozenset[str], method: str, clouds: str) -> None:
    if clouds not in CLOUDS:
        raise InputError(f'retrieve("dlr") knows no clouds={clouds!r}.{closest(clouds, CLOUDS)}')
    takes_column = "water_vapour" in SPEC.method(method).inputs
    if method != "swinbank" and not given & {"vapour_pressure", *(("water_vapour",) if takes_column else ())}:
        column = " or water_vapour in kg m-2" if takes_column else ""
        raise InputError(
            f"{_needs('vapour_pressure in Pa')} (or relative_humidity beside air_temperature){column} for "
            f"method={method!r}. Add it, or take method='swinbank', which needs the air temperature alone."
        )
    if clouds == "li" and given & {*_CLOUDS} and "vapour_pressure" not in given:
        raise InputError(
            f"{_needs('vapour_pressure in Pa')} for clouds='li', whose clouds depend on the humidity. Add it where the "
            "method takes it, or take clouds='crawford_duchon'."
        )


def _flags(*, values: dict[str, Any], method: str, clouds: str, **inputs: Any) -> dict[str, Any]:
    temperature, vapour = inputs["air_temperature"], inputs.get("vapour_pressure")
    index, fraction = (inputs.get(name) for name in ("clear_sky_index", "cloud_fraction"))
    found = {
        "clear_sky_assumed": np.asarray(index is None and fraction is None),
        "beyond_black": values["dlr"] > 1.0005 * emitted(temperature, 1.0),
    }
    if "water_vapour" in SPEC.method(method).inputs:
        found["column_from_humidity"] = np.asarray(inputs.get("water_vapour") is None)
    if fraction is None and index is not None:
        found["brighter_than_clear"] = index > 1.0
    if vapour is not None:
        # Five per cent are within the accuracy of hygrometers near saturation.
        found["supersaturated"] = humidity_of(temperature, vapour) > 1.05
    return found


@retrieval(SPEC, quality=_flags, check=_check)
def dlr(
    *,
    air_temperature: Any,
    vapour_pressure: Any = None,
    water_vapour: Any = None,
    surface_pressure: Any = None,
    cloud_fraction: Any = None,
    clear_sky_index: Any = None,
    method: str = "prata",
    clouds: str = "crawford_duchon",
) -> Any:
    """Downward longwave radiation by one of eight clear skies and three treatments of clouds.

    ``clouds`` is ``"crawford_duchon"``, ``"unsworth_monteith"`` or ``"li"``.
    """
    share = cloud_share(cloud_fraction, clear_sky_index)
    humidity = humidity_of(air_temperature, vapour_pressure) if clouds == "li" and share is not None else None
    terms = cloud_terms(clouds, share, humidity)
    return clear_and_cloudy(method, air_temperature, vapour_pressure, water_vapour, surface_pressure, terms)
