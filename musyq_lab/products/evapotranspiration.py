r"""Evapotranspiration of land and the latent heat it takes.

.. math:: E = \frac{86400\;\mathrm{s}}{\lambda(T_a)}\,\lambda E, \qquad
          \lambda E = \lambda E_c + \lambda E_s + \lambda E_i

(canopy, soil, wet leaves). The equations of the methods stand in :mod:`musyq_lab.kernels.evaporation` (``ptjpl``,
``priestley_taylor``, ``fao56``) and :mod:`musyq_lab.kernels._evaporation_mod16` (``mod16``).

``latent_heat`` holds for the time of the inputs: those of an overpass give that of the overpass. The layers in mm d-1
are a day's water only if the inputs are means of the day; for others they are the rate of that moment.

The default is PT-JPL. At 63 towers of the shipped table (1,065 matchups from 6:30 to 17:30 local time; retrieved
radiation and air, NDVI now and of the year, no coefficient fitted; ``ground_share=0.35``) its root mean square error is
85 W m-2 with a bias of +53 beside the fluxes as measured, and 84 with +2 beside those closed by the energy balance (r
0.82 and 0.81). One coefficient of Priestley and Taylor, fitted without the tested sites, reaches 84 and 129 (r 0.47 and
0.46); MOD16 (C5.1, leaf area of BESS) 77 with -38 and 137 with -89 (r 0.71 and 0.72). The retrieved radiation, 43 W m-2
too low, helps: with radiation and ground heat of the towers it is 106 with +77 and 87 with +26. PT-JPL needs no land
cover, and the same equations serve a day and an overpass.

Heat that goes into the ground is given by ``ground_heat``, or is ``ground_share`` of the net radiation at the soil: 0
for the mean of a day (FAO-56, equation 42), 0.35 around noon (Norman et al. 1995).

``ndvi_maximum`` and ``optimum_temperature`` belong to a place, not to a day: the first follows from NDVI with a
dimension ``time``, the second from :func:`musyq_lab.products._evaporation_optimum.optimum_temperature`. Without them
plants are not short of water, and best at 25 degrees Celsius, which the quality bits say.

Valid for land. Open water and snow show as NDVI near or below 0 and are taken as bare ground, which the quality bit
says. ``mod16`` has no parameters for water, snow, barren land, towns and wetlands: no value there. Two methods know no
parts, and leave those layers empty: ``priestley_taylor``, the rate of a wet surface, and ``fao56``, well-watered grass
times ``crop_coefficient`` (its single crop coefficient; with 1 the reference evapotranspiration), for means of a day.

References
----------
Fisher et al. 2008, doi:10.1016/j.rse.2007.06.025. Mu et al. 2011, doi:10.1016/j.rse.2011.02.019. Priestley and Taylor
1972, doi:10.1175/1520-0493(1972)100<0081:OTAOSH>2.3.CO;2. Norman et al. 1995, doi:10.1016/0168-1923(95)02265-Y. Allen
et al. 1998, FAO Irrigation and Drainage Paper 56. The papers were not read again: the equations are those of the
packages PTJPL 1.9.0 (Apache-2.0), arthur-e/MOD16 1.2.0 (MIT) and pyet 1.5.0 (MIT), whose numbers the tests reproduce.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.products._evaporation import BARE, NIGHT, Parts, edition_of, millimetres, parts_of, without_parameters
from musyq_lab.products._options import refuse_idle
from musyq_lab.products._retrieval import retrieval

_WET = ("net_radiation", "air_temperature", "ground_heat", "surface_pressure")
_PTJPL = ("relative_humidity", "ndvi", "ndvi_maximum", "optimum_temperature")
_MOD16 = (
    "net_radiation_day",
    "air_temperature_day",
    "air_temperature_min",
    "vapour_pressure_deficit",
    "fpar",
    "lai",
    "land_cover",
    "air_temperature_annual",
    *NIGHT,
)
_FAO56 = ("net_radiation", "air_temperature_min", "air_temperature_max", "vapour_pressure", "wind_speed")


def _water(name: str, long_name: str, **more: Any) -> Variable:
    return Variable(
        name,
        long_name=long_name,
        units="mm d-1",
        # 1000 W m-2 are 35 mm d-1.
        valid_range=(0.0, 40.0),
        scale=0.002,
        colour_map="YlGnBu",
        **more,
    )


# One sigma beside what the errors of the inputs explain: with it two thirds of the 1,065 errors at the towers, against
# the fluxes as closed and against the mean of those and the measured ones, lie within the stated uncertainty (the
# towers' own errors are in it). Of the day no record is at hand: the same is taken.
_PTJPL_ERROR, _MOD16_ERROR = (25.0, 0.4), (60.0, 0.4)
_TO_WATER = 86400.0 / 2.45e6  # mm d-1 of 1 W m-2 at 20 degrees Celsius


def _errors(absolute: float, relative: float, *, ratio: float) -> tuple[tuple[str, float, float], ...]:
    """Return a method's error for every layer from that of the latent heat (W m-2, relative)."""
    water = ("evapotranspiration", "transpiration", "soil_evaporation", "interception")
    rows = tuple((name, absolute * _TO_WATER, relative) for name in water)
    return (*rows, ("latent_heat", absolute, relative), ("evaporation_ratio", ratio, relative))


_PART = {
    "evapotranspiration": "total",
    "transpiration": "transpiration",
    "soil_evaporation": "soil",
    "interception": "interception",
    "potential_evapotranspiration": "potential",
}
_WHOLE = {"evapotranspiration", "latent_heat"}

SPEC = Product(
    key="evapotranspiration",
    title="Evapotranspiration and latent heat",
    variables=(
        _water(
            "evapotranspiration",
            "evapotranspiration",
            standard_name="lwe_water_evaporation_rate",
        ),
        Variable(
            "latent_heat",
            long_name="latent heat flux from land to air",
            standard_name="surface_upward_latent_heat_flux",
            units="W m-2",
            valid_range=(0.0, 1100.0),
            scale=0.05,
            colour_map="YlGnBu",
        ),
        _water("transpiration", "water transpired by plants"),
        _water("soil_evaporation", "water evaporated by the soil"),
        _water("interception", "water evaporated by wet leaves"),
        _water("potential_evapotranspiration", "evaporation of a wet surface, by fao56 of well-watered grass"),
        Variable(
            "evaporation_ratio",
            long_name="actual over potential evapotranspiration",
            units="1",
            valid_range=(0.0, 1.5),
            scale=1e-4,
            colour_map="YlGnBu",
        ),
    ),
    inputs=(
        # Retrieved net radiation beside the 1,065 matchups at towers: rms 84 W m-2 of 458, of which 43 is bias.
        Input("net_radiation", uncertainty=(10.0, 0.12)),
        # Analysed air beside the same towers: 2.8 K and 0.16, of which a cell of half a degree explains the most; 1 K
        # and 0.05 are of instruments and of finer analyses (ours).
        Input("air_temperature", uncertainty=(1.0, 0.0)),
        Input("relative_humidity", uncertainty=(0.05, 0.0)),
        Input("ndvi", source="product:vi", uncertainty=(0.02, 0.0)),
        Input("ndvi_maximum", optional=True, uncertainty=(0.02, 0.0)),
        Input("optimum_temperature", optional=True, uncertainty=(3.0, 0.0)),
        Input("ground_heat", optional=True, uncertainty=(10.0, 0.2)),
        Input("surface_pressure", optional=True, uncertainty=(500.0, 0.0)),
        Input("net_radiation_day", uncertainty=(10.0, 0.12)),
        Input("air_temperature_day", uncertainty=(1.0, 0.0)),
        Input("air_temperature_min", uncertainty=(1.0, 0.0)),
        Input("vapour_pressure_deficit", uncertainty=(50.0, 0.1)),
        Input("fpar", source="product:fpar", uncertainty=(0.05, 0.1)),
        Input("lai", source="product:lai", uncertainty=(0.1, 0.2)),
        Input("land_cover"),
        Input("net_radiation_night", optional=True, uncertainty=(10.0, 0.12)),
        Input("air_temperature_night", optional=True, uncertainty=(1.0, 0.0)),
        Input("air_temperature_annual", optional=True, uncertainty=(0.5, 0.0)),
        Input("vapour_pressure_deficit_night", optional=True, uncertainty=(50.0, 0.1)),
        Input("air_temperature_max", uncertainty=(1.0, 0.0)),
        Input("vapour_pressure", uncertainty=(50.0, 0.03)),
        Input("wind_speed", uncertainty=(0.3, 0.1)),
    ),
    editions=("1km",),
    methods=(
        Method(
            "ptjpl",
            "PT-JPL (Fisher et al. 2008) with the constants of the ECOSTRESS team's PTJPL 1.9.0, optimum never below "
            "the air temperature; the programme's own coefficients are not public",
            (*_WET, *_PTJPL),
            _errors(*_PTJPL_ERROR, ratio=0.05),
            references=("10.1016/j.rse.2007.06.025",),
        ),
        Method(
            "mod16",
            "MOD16 (Mu et al. 2011) as in arthur-e/MOD16 1.2.0, day and night; `parameters` of Collection 5.1, "
            "of 7 (draft), or of MOD16-JPL (not checked beside the paper)",
            ("ground_heat", "surface_pressure", *_MOD16),
            _errors(*_MOD16_ERROR, ratio=0.1),
            references=("10.1016/j.rse.2011.02.019",),
        ),
        Method(
            "priestley_taylor",
            "Priestley and Taylor 1972 with one coefficient: the rate of a wet surface, too high for dry land",
            _WET,
            # Coefficients found over wet surfaces lie about 0.1 around 1.26 (Priestley and Taylor 1972, not re-read).
            _errors(0.0, 0.08, ratio=0.0),
            references=("10.1175/1520-0493(1972)100<0081:OTAOSH>2.3.CO;2",),
        ),
        Method(
            "fao56",
            "Penman-Monteith of FAO Irrigation and Drainage Paper 56 (Allen et al. 1998) for well-watered grass, times "
            "a crop coefficient of the user's (1: the reference)",
            # A definition: its error is that of its inputs and of the coefficient.
            ("ground_heat", "surface_pressure", *_FAO56),
        ),
    ),
    default=("evapotranspiration", "latent_heat"),
    flags=(
        Flag(8, "bare_ground", "NDVI is that of bare ground, water or snow: evaporation is that of bare soil"),
        Flag(9, "season_unknown", "the highest NDVI of the year is not known: plants are taken as not short of water"),
        Flag(10, "optimum_assumed", "the optimum temperature of the plants is not known: 25 degrees Celsius is taken"),
        Flag(11, "pressure_assumed", "the surface pressure is not known: 1000 hPa is taken"),
        Flag(12, "no_energy", "net radiation is no more than the heat into the ground: nothing evaporates"),
        Flag(13, "no_parameters", "MOD16 has no parameters for this land cover, so there is no value"),
        Flag(14, "night_unknown", "the air and radiation of the night are not known: its evaporation is left out"),
    ),
    references=("10.1016/j.rse.2007.06.025", "10.1016/j.rse.2011.02.019"),
)


_OPTIONS = {
    "alpha": ("ptjpl", "mod16", "priestley_taylor"),
    **dict.fromkeys(("wet_from", "ground_share"), ("ptjpl",)),
    **dict.fromkeys(("daylight", "parameters"), ("mod16",)),
    "crop_coefficient": ("fao56",),
}
_RANGES = {"ground_share": (0.0, 1.0, "a share of the net radiation"), "daylight": (0.0, 24.0, "hours of light")}


def _check(*, method: str, **options: Any) -> None:
    refuse_idle("evapotranspiration", method, options, evapotranspiration.options, _OPTIONS)
    edition_of(options.get("parameters", "c5.1"))
    for name, (low, high, meaning) in _RANGES.items():
        if name in options and not low <= options[name] <= high:
            raise InputError(f"{name}={options[name]!r}: it is {meaning}. Give a number from {low:g} to {high:g}.")


def _flags(*, method: str, **inputs: Any) -> dict[str, Any]:
    given = {name: array for name, array in inputs.items() if array is not None}
    found: dict[str, Any] = {"pressure_assumed": np.asarray("surface_pressure" not in given)}
    if method in ("ptjpl", "priestley_taylor"):
        found["no_energy"] = given["net_radiation"] <= given.get("ground_heat", 0.0)
    if method == "ptjpl":
        found["bare_ground"] = given["ndvi"] <= BARE
        found["season_unknown"] = np.asarray("ndvi_maximum" not in given)
        found["optimum_assumed"] = np.asarray("optimum_temperature" not in given)
    if method == "mod16":
        found["no_parameters"] = without_parameters(given["land_cover"])
        found["night_unknown"] = np.asarray(not set(NIGHT) <= set(given))
    return found


@retrieval(SPEC, quality=_flags, check=_check)
def evapotranspiration(
    *,
    variables: tuple[str, ...],
    method: str = "ptjpl",
    alpha: float = 1.26,
    wet_from: float = 0.7,
    ground_share: float = 0.0,
    daylight: float = 12.0,
    parameters: str = "c5.1",
    crop_coefficient: float = 1.0,
    **inputs: Any,
) -> Any:
    """Evapotranspiration, its latent heat and its parts, by PT-JPL, MOD16, Priestley and Taylor, or FAO-56.

    ``alpha`` is Priestley and Taylor's coefficient; ``wet_from`` the relative humidity from which leaves are wet (0 is
    the form of Fisher et al. 2008); ``ground_share`` the share of the net radiation at the soil that heats the ground
    where no ``ground_heat`` is given; ``daylight`` the hours of light of the day, with which ``mod16`` weighs day and
    night, and ``parameters`` its set of parameters: ``"c5.1"``, ``"c7"`` or ``"c6"``; ``crop_coefficient`` is FAO-56's.
    """
    options: dict[str, Any] = {"alpha": alpha, "wet_from": wet_from, "ground_share": ground_share}
    options |= {"daylight": daylight, "parameters": parameters, "crop_coefficient": crop_coefficient}
    parts = parts_of(method, inputs, options, whole=set(variables) <= _WHOLE)
    return [_layer(name, parts) for name in variables]


def _layer(name: str, parts: Parts) -> Any:
    """Return a layer by name."""
    if name == "latent_heat":
        return parts.total
    if name == "evaporation_ratio":
        return np.where(parts.potential > 0, parts.total / parts.potential, np.nan).astype(parts.total.dtype)
    return millimetres(getattr(parts, _PART[name]), parts.temperature)
