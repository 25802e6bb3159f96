r"""Gross primary production: carbon that plants take up by photosynthesis.

Light-use efficiency models in the form :math:`GPP = \varepsilon\, f\, \mathrm{PAR}`; ``method=`` chooses.

``mod17`` (default)
    .. math:: \varepsilon = \varepsilon_{max}\, r(T_{min})\, r(VPD), \qquad r(x) = \mathrm{clip}
              \frac{x - x_{none}}{x_{full} - x_{none}}

    with the parameters of the class. It is the default because its table is complete and public and its inputs
    (FPAR, PAR, lowest temperature, deficit) are in every archive.
``mod17_soil``
    MOD17 times the soil moisture stress of Stocker et al. (2020),
    :math:`1 - (1 - 0.733\,\bar\alpha)(0.6 - \theta)^2 / 0.36` for :math:`\theta < 0.6`: for places where it is the soil
    and not the air that is dry. ``soil_moisture`` may come from :func:`musyq_lab.products._bucket.soil_water`;
    ``evaporation_ratio_mean`` is that of the place over years, :math:`\bar\alpha` (:func:`musyq_lab.soil_water`).
``pmodel``, ``pmodel_soil``
    The P-model (equations in :mod:`musyq_lab.kernels._photosynthesis`), which needs no land cover; with and without
    that stress. ``pathway="c4"`` for C4 plants.
``musyq``
    .. math:: \varepsilon = \bigl[\varepsilon_{su} K + \varepsilon_{sh} (1 - K)\bigr]
              \bigl(0.5 + 0.5\,E / E_p\bigr)\, T_{e2}(T)

    MuSyQ-NPP: leaves in the sun and in the shade by the clearness :math:`K` of the sky, here
    ``clear_transmittance`` (0.75, FAO-56 equation 37) times the clear-sky index. With 1 for the former, the latter is
    the clearness itself.
``eclue``
    :math:`\varepsilon_{max} \min(T_s, W_s)` with the evaporative fraction :math:`W_s` from ``evaporation_ratio`` and
    the equation of Priestley and Taylor (1972); one set of parameters for all classes. The revised form of Zheng et al.
    (2020), whose parameters by class no public text at hand repeats, is
    :data:`musyq_lab.kernels.light_use.EC_LUE_REVISED`, for a table of one's own.
``vpm``
    :math:`\varepsilon_{max} T_s (1 + LSWI) / (1 + LSWI_{max})` with the share that chlorophyll absorbs,
    :math:`1.25\,(EVI - 0.1)`.

Beside the tower in the evergreen oak forest of Puechabon (FR-Pue, 1,810 days of 2007 to 2012, mean 3.46 g m-2 d-1; no
number fitted; soil water by the bucket with the capacity of SPLASH), where FPAR times light alone correlates with 0.69:

===============  ====  =====================  =====================
method           r     rmse (g m-2 d-1)       bias (g m-2 d-1)
===============  ====  =====================  =====================
``mod17``        0.79  2.39                   +1.25
``mod17_soil``   0.87  1.34                   +0.32
``pmodel``       0.75  2.15                   +1.14
``pmodel_soil``  0.86  1.30                   +0.50
``musyq``        0.77  1.58                   -0.44
``eclue``        0.79  2.48                   +0.92
===============  ====  =====================  =====================

Classes without parameters in a method's table (in MOD17 wetland, towns, mosaics, snow, barren ground and water) have no
value and the bit ``no_parameters``. Valid for means over one day to about a month; nights must be within the means of
the light. ``biomes=`` takes a table of one's own in place of the method's.

References
----------
See :mod:`musyq_lab.kernels.light_use`, the tables in ``catalogs/biomes``, and the spec.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import FIRST_OWN_BIT, Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.kernels import _photosynthesis as photosynthesis
from musyq_lab.kernels import light_use, weather
from musyq_lab.kernels._classes import ClassModel
from musyq_lab.products._biomes import biome_table, without_parameters
from musyq_lab.products._options import refuse_idle
from musyq_lab.products._retrieval import retrieval

NO_PARAMETERS = Flag(FIRST_OWN_BIT, "no_parameters", "the method has no parameters for this class of land cover")
NO_PRODUCTION = Flag(
    FIRST_OWN_BIT + 1, "no_production", "it is too cold, too dry, too dark or too bare here for any production"
)
PRESSURE_ASSUMED = Flag(
    FIRST_OWN_BIT + 2, "pressure_assumed", "neither pressure nor altitude is known: that of sea level is taken"
)
DAY_ASSUMED = Flag(
    FIRST_OWN_BIT + 3, "day_assumed", "the air temperature by day is not known: the mean of day and night is taken"
)

_WEATHER = ("land_cover", "downward_par")
_PMODEL = (
    *("fpar", "downward_par", "air_temperature", "air_temperature_day", "vapour_pressure_deficit"),
    *("carbon_dioxide", "surface_pressure", "altitude"),
)

SPEC = Product(
    key="gpp",
    title="Gross primary production",
    variables=(
        Variable(
            "gpp",
            long_name="gross primary production as mass of carbon",
            standard_name="gross_primary_productivity_of_biomass_expressed_as_carbon",
            units="g m-2 d-1",
            valid_range=(0.0, 60.0),
            scale=0.002,
            colour_map="YlGn",
            # Of 8-day means at towers whose own weather drives the model: MOD17 has an rmse of 1.5 to 2.5 g m-2 d-1
            # there, a quarter of the annual sum (Heinsch et al. 2006, doi:10.1109/TGRS.2005.853936; recalled), and
            # 2.4 at FR-Pue, of which the soil explains the half.
            model_uncertainty=(0.5, 0.25),
        ),
        Variable(
            "light_use_efficiency",
            long_name="carbon gained from absorbed photosynthetically active radiation",
            units="g MJ-1",
            valid_range=(0.0, 6.0),
            scale=0.0002,
            colour_map="YlGn",
            inputs=(
                *("land_cover", "air_temperature_min", "vapour_pressure_deficit", "air_temperature"),
                *("air_temperature_day", "evaporation_ratio", "evaporation_ratio_mean"),
                *("clear_sky_index", "soil_moisture", "lswi"),
                *("lswi_maximum", "carbon_dioxide", "surface_pressure", "altitude"),
            ),
            model_uncertainty=(0.0, 0.25),
        ),
    ),
    inputs=(
        # Where the inputs state no error of their own: FPAR as GCOS-245 asks (10 % or 0.05), daily weather as
        # reanalyses keep it against stations (light 10 %, temperature 1.5 K, deficit 15 %).
        Input("fpar", source="product:fpar", uncertainty=(0.05, 0.05)),
        Input("downward_par", uncertainty=(0.0, 0.10)),
        Input("land_cover"),
        Input("air_temperature_min", uncertainty=(1.5, 0.0)),
        Input("vapour_pressure_deficit", uncertainty=(50.0, 0.15)),
        Input("air_temperature", uncertainty=(1.5, 0.0)),
        Input("air_temperature_day", optional=True, uncertainty=(1.5, 0.0)),
        Input("evaporation_ratio", source="product:evapotranspiration", uncertainty=(0.1, 0.0)),
        Input("clear_sky_index", uncertainty=(0.05, 0.0)),
        Input("soil_moisture", uncertainty=(0.1, 0.0)),
        Input("evaporation_ratio_mean", uncertainty=(0.1, 0.0)),
        Input("evi", source="product:vi", uncertainty=(0.02, 0.0)),
        Input("lswi", source="product:vi", uncertainty=(0.03, 0.0)),
        Input("lswi_maximum", uncertainty=(0.03, 0.0)),
        Input("carbon_dioxide", optional=True),
        Input("surface_pressure", optional=True),
        Input("altitude", optional=True),
    ),
    editions=("1km", "5km", "30m"),
    methods=(
        Method(
            "mod17",
            "MOD17 light-use efficiency, biome table of collection 5.1 to 6.1 (the programme's 42 sets are not public)",
            inputs=("fpar", *_WEATHER, "air_temperature_min", "vapour_pressure_deficit"),
            references=("10.1016/j.rse.2004.12.011",),
        ),
        Method(
            "mod17_soil",
            "MOD17 light-use efficiency times the soil moisture stress of Stocker et al. (2020)",
            inputs=(
                *("fpar", *_WEATHER, "air_temperature_min", "vapour_pressure_deficit"),
                *("soil_moisture", "evaporation_ratio_mean"),
            ),
            references=("10.1016/j.rse.2004.12.011", "10.5194/gmd-13-1545-2020"),
        ),
        Method(
            "pmodel",
            "P-model with the quantum yield of its setup BRC",
            inputs=_PMODEL,
            references=("10.5194/gmd-13-1545-2020", "10.1038/s41477-017-0006-8"),
        ),
        Method(
            "pmodel_soil",
            "P-model with soil moisture stress and the quantum yield of its setup FULL",
            inputs=(*_PMODEL, "soil_moisture", "evaporation_ratio_mean"),
            references=("10.5194/gmd-13-1545-2020",),
        ),
        Method(
            "musyq",
            "MuSyQ-NPP with the parameters that its authors published with their 500 m products",
            inputs=("fpar", *_WEATHER, "air_temperature", "evaporation_ratio", "clear_sky_index"),
            # Its rmse at FR-Pue is 1.6 g m-2 d-1, of production that it makes smaller than the others do.
            model_uncertainty=(("gpp", 0.8, 0.35), ("light_use_efficiency", 0.0, 0.35)),
            references=("10.3390/rs12061003",),
        ),
        Method(
            "eclue",
            "EC-LUE of 2007, one set of parameters for all classes (recalled, not re-read)",
            inputs=("fpar", *_WEATHER, "air_temperature", "evaporation_ratio", "surface_pressure", "altitude"),
            references=("10.1016/j.agrformet.2006.12.001",),
        ),
        Method(
            "vpm",
            "VPM 2.0 with the parameters of its authors' code",
            inputs=("evi", *_WEATHER, "air_temperature", "air_temperature_day", "lswi", "lswi_maximum"),
            references=("10.1038/sdata.2017.165",),
        ),
    ),
    default=("gpp",),
    flags=(NO_PARAMETERS, NO_PRODUCTION, PRESSURE_ASSUMED, DAY_ASSUMED),
    references=("10.1016/j.rse.2004.12.011",),
)

_MODELS: Mapping[str, tuple[ClassModel, str]] = {
    "mod17": (light_use.MOD17, "mod17"),
    "mod17_soil": (light_use.MOD17_SOIL, "mod17"),
    "musyq": (light_use.MUSYQ, "musyq"),
    "eclue": (light_use.EC_LUE, "eclue"),
    "vpm": (light_use.VPM, "vpm"),
}
_RESULT = {"gpp": "production", "light_use_efficiency": "efficiency"}

# Fitted for the two setups by Stocker et al. 2020, table 1; as in rpmodel and pyrealm.
_QUANTUM_YIELD = {"pmodel": 0.081785, "pmodel_soil": 0.087182}
# Those are fits to C3 plants. With this the yield of C4 plants is that of Cai & Prentice 2020
# (doi:10.1088/1748-9326/abc64e), -0.008 + 0.00375 T - 0.000058 T^2, whose form in the kernel is eight times that.
_QUANTUM_YIELD_C4 = 1.0 / 8.0

_OPTIONS = {
    "clear_transmittance": ("musyq",),
    "c4_share": ("vpm",),
    **dict.fromkeys(("ambient_co2", "pathway", "quantum_yield"), tuple(_QUANTUM_YIELD)),
}


def _check(*, method: str, pathway: str = "c3", **options: Any) -> None:
    refuse_idle("gpp", method, {"pathway": pathway, **options}, gpp.options, _OPTIONS)
    _pathway(pathway)


def _quality(*, values: Mapping[str, Any], method: str, biomes: str = "", land_cover: Any = None, **inputs: Any) -> Any:
    uses = SPEC.method(method).inputs
    lacking = {name for name in uses if inputs.get(name) is None}
    flags: dict[str, Any] = {
        PRESSURE_ASSUMED.name: {"surface_pressure", "altitude"} <= lacking,
        DAY_ASSUMED.name: "air_temperature_day" in lacking,
    }
    if method in _MODELS:
        model, table = _MODELS[method]
        rows = biome_table(table, model.parameters, biomes)
        flags[NO_PARAMETERS.name] = without_parameters(land_cover, rows, next(iter(values.values())))
    if "gpp" in values:
        flags[NO_PRODUCTION.name] = values["gpp"] == 0
    return flags


@retrieval(SPEC, quality=_quality, check=_check)
def gpp(
    *,
    variables: tuple[str, ...],
    method: str,
    biomes: str = "",
    clear_transmittance: float = 0.75,
    ambient_co2: float = 420.0,
    c4_share: float = 0.0,
    pathway: str = "c3",
    quantum_yield: float = 0.0,
    **inputs: Any,
) -> Any:
    """Gross primary production by one of several light-use efficiency models (equations of the module).

    ``biomes`` is the path of a table of parameters by class in place of the method's own (columns as in
    ``catalogs/biomes``). ``musyq``: ``clear_transmittance`` is the irradiance at the surface over that above the
    atmosphere without clouds. ``vpm``: ``c4_share`` is the share of C4 plants in classes that may have them.
    ``pmodel``: ``ambient_co2`` is the carbon dioxide (1e-6) where ``carbon_dioxide`` is not given (420 is that of 2023;
    1 % changes production by about 0.3 %), ``pathway`` is ``"c3"`` or ``"c4"``, and ``quantum_yield`` is that of the
    canopy before its temperature dependence, 0 for that of the setup, and for C4 plants an eighth.
    """
    if method in _QUANTUM_YIELD:
        setup = _QUANTUM_YIELD_C4 if pathway == "c4" else _QUANTUM_YIELD[method]
        return _p_model(variables, ambient_co2, _pathway(pathway), quantum_yield or setup, inputs)
    model, table = _MODELS[method]
    kernel = light_use.production(
        model, biome_table(table, model.parameters, biomes), tuple(_RESULT[name] for name in variables)
    )
    options = {"clear_transmittance": clear_transmittance, "c4_share": c4_share}
    return kernel(inputs["land_cover"], *(_DRIVERS[name](inputs, options) for name in model.drivers))


def _p_model(variables: tuple[str, ...], carbon: float, pathway: float, phi: float, inputs: Mapping[str, Any]) -> Any:
    made, efficiency = photosynthesis.p_model(
        _given(inputs, "downward_par", 1.0),
        _given(inputs, "fpar", 1.0),
        _by_day(inputs),
        inputs["vapour_pressure_deficit"],
        _given(inputs, "carbon_dioxide", carbon),
        _pressure(inputs),
        _given(inputs, "soil_moisture", 1.0),
        _given(inputs, "evaporation_ratio_mean", 1.0),
        phi,
        pathway,
    )
    results = {"gpp": made, "light_use_efficiency": efficiency}
    return tuple(results[name] for name in variables)


def _pathway(name: str) -> float:
    known = {"c3": photosynthesis.C3, "c4": photosynthesis.C4}
    if name not in known:
        raise InputError(f'pathway={name!r} is none. Use "c3" or "c4".')
    return known[name]


def _given(inputs: Mapping[str, Any], name: str, otherwise: float) -> Any:
    value = inputs.get(name)
    return otherwise if value is None else value


def _by_day(inputs: Mapping[str, Any]) -> Any:
    return _given(inputs, "air_temperature_day", inputs["air_temperature"])


def _pressure(inputs: Mapping[str, Any]) -> Any:
    if inputs.get("surface_pressure") is not None:
        return inputs["surface_pressure"]
    altitude = inputs.get("altitude")
    return weather.SEA_LEVEL if altitude is None else weather.standard_pressure(np.asarray(altitude))


_Driver = Callable[[Mapping[str, Any], Mapping[str, float]], Any]

_DRIVERS: Mapping[str, _Driver] = {
    # Light is not given where only the efficiency is wanted, which does not depend on it.
    "par": lambda given, _: _given(given, "downward_par", 1.0),
    "fpar": lambda given, _: _given(given, "fpar", 1.0),
    "coldest": lambda given, _: given["air_temperature_min"],
    "deficit": lambda given, _: given["vapour_pressure_deficit"],
    "soil": lambda given, _: given["soil_moisture"],
    "ratio": lambda given, _: given["evaporation_ratio"],
    "dryness": lambda given, _: given["evaporation_ratio_mean"],
    "sky": lambda given, options: given["clear_sky_index"] * options["clear_transmittance"],
    "pressure": lambda given, _: _pressure(given),
    "evi": lambda given, _: _given(given, "evi", 1.0),
    "warmth": lambda given, _: _by_day(given),
    "water": lambda given, _: given["lswi"],
    "wettest": lambda given, _: given["lswi_maximum"],
    "c4": lambda _, options: options["c4_share"],
}
