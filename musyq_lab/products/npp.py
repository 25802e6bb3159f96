r"""Net primary production, plant respiration, and the balance of the ecosystem.

.. math:: NPP = GPP - R_m - R_g, \qquad NEP = NPP - R_h

``mod17`` (default)
    Maintenance :math:`R_m` of leaves and fine roots from the leaf area index and of live wood from its largest value of
    the year, by the temperature; growth :math:`R_g` is a quarter of what remains as net production:
    :math:`NPP = 0.8\,(GPP - R_m)` where positive, else :math:`GPP - R_m`. The default for its complete public table.
    MOD17 takes growth from the sums of a year, :math:`0.8 \max(\sum (GPP - R_m), 0)`, which equals the sum of the days
    where every day gains.
``musyq``
    MuSyQ-NPP: stems and coarse roots from the largest leaf area index, grass and crops without wood, growth a quarter
    of what maintenance leaves; production is not below zero.
``casa``
    Net production straight from light, :math:`\varepsilon_{max} T_{e1} T_{e2} (0.5 + 0.5\,E/E_p)\, f \cdot
    \mathrm{PAR}` with the absorbed share from NDVI. It has no respiration: those layers are empty and say so in a bit.

``heterotrophic_respiration``, made on demand, is a scenario: :math:`R_h` of soil organisms from temperature and rain
alone (means over about a month), ``heterotrophic=`` chooses the formula. Its uncertainty, and that of ``nep``, holds
half the range of all scenarios. Positive ``nep`` is a sink. A gram of carbon is 44.0095 / 12.011 = 3.6641 g of CO2.

Without ``lai_maximum``, or leaf area with a dimension ``time`` from which it follows, wood is taken from the leaf area
of the day, which the bit ``season_unknown`` says: too little in winter.

Classes without parameters (in MOD17 wetland, towns, mosaics, snow, barren ground, water) have no value.

References
----------
Running & Zhao (2015), MOD17 user's guide. Tjoelker et al. (2001), doi:10.1046/j.1365-2486.2001.00397.x. Potter et al.
(1993), doi:10.1029/93GB02725. Zhu, Pan & Zhang (2007), doi:10.17521/cjpe.2007.0050. Pei, Zhou, Zhou & Ouyang (2009),
recalled. Raich, Potter & Bhagawati (2002), doi:10.1046/j.1365-2486.2002.00511.x; see
:mod:`musyq_lab.kernels.respiration`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from musyq_lab.core.errors import InputError, closest
from musyq_lab.core.quality import FIRST_OWN_BIT, Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.kernels import light_use, respiration
from musyq_lab.kernels._classes import ClassModel
from musyq_lab.products._biomes import biome_table, without_parameters
from musyq_lab.products._retrieval import retrieval

NO_PARAMETERS = Flag(FIRST_OWN_BIT, "no_parameters", "the method has no parameters for this class of land cover")
LOSS = Flag(FIRST_OWN_BIT + 1, "maintenance_exceeds", "maintenance respiration takes all of the gross production")
NOT_PARTED = Flag(FIRST_OWN_BIT + 2, "not_parted", "the method makes net production without respiration")
SEASON_UNKNOWN = Flag(
    FIRST_OWN_BIT + 3,
    "season_unknown",
    "the largest leaf area of the year is not known: wood is that of the leaves now",
)

_FLUX = "surface_upward_mass_flux_of_carbon_dioxide_expressed_as_carbon_due_to"
_POOLS = ("lai", "lai_maximum", "air_temperature", "land_cover")
_CASA = ("ndvi", "downward_par", "air_temperature", "optimum_temperature", "evaporation_ratio", "land_cover")
_PRODUCTION = tuple(dict.fromkeys(("gpp", *_POOLS, *_CASA)))


def _flux(name: str, long_name: str, low: float, **more: Any) -> Variable:
    return Variable(name, long_name, "g m-2 d-1", valid_range=(low, 60.0), scale=0.002, **more)


SPEC = Product(
    key="npp",
    title="Net primary production and respiration",
    variables=(
        _flux(
            "npp",
            "net primary production as mass of carbon",
            -20.0,
            standard_name="net_primary_productivity_of_biomass_expressed_as_carbon",
            colour_map="YlGn",
            inputs=_PRODUCTION,
            # Pools by allometry: 40 % of maintenance, which takes about a third of gross production; ours.
            model_uncertainty=(0.2, 0.2),
        ),
        _flux(
            "maintenance_respiration",
            "carbon that plants respire to maintain themselves",
            0.0,
            standard_name=f"{_FLUX}_plant_respiration_for_biomass_maintenance",
            colour_map="OrRd",
            inputs=_POOLS,
            model_uncertainty=(0.1, 0.4),
        ),
        _flux(
            "growth_respiration",
            "carbon that plants respire to grow",
            0.0,
            standard_name=f"{_FLUX}_plant_respiration_for_biomass_growth",
            colour_map="OrRd",
            inputs=("gpp", *_POOLS),
            model_uncertainty=(0.05, 0.3),
        ),
        _flux(
            "heterotrophic_respiration",
            "carbon that soil organisms respire (scenario)",
            0.0,
            standard_name=f"{_FLUX}_heterotrophic_respiration",
            colour_map="OrRd",
            inputs=("air_temperature", "precipitation"),
        ),
        _flux(
            "nep",
            "net ecosystem production as mass of carbon (scenario), positive for a sink",
            -60.0,
            colour_map="RdBu",
            inputs=(*_PRODUCTION, "precipitation"),
        ),
    ),
    inputs=(
        Input("gpp", source="product:gpp", uncertainty=(0.5, 0.25)),
        Input("lai", source="product:lai", uncertainty=(0.1, 0.2)),
        Input("lai_maximum", optional=True, uncertainty=(0.1, 0.2)),
        Input("land_cover"),
        Input("air_temperature", uncertainty=(1.5, 0.0)),
        Input("precipitation", uncertainty=(0.2, 0.2)),
        Input("ndvi", source="product:vi", uncertainty=(0.02, 0.0)),
        Input("downward_par", uncertainty=(0.0, 0.10)),
        Input("optimum_temperature", uncertainty=(3.0, 0.0)),
        Input("evaporation_ratio", source="product:evapotranspiration", uncertainty=(0.1, 0.0)),
    ),
    editions=("1km", "5km", "30m"),
    methods=(
        Method(
            "mod17",
            "MOD17 respiration, biome table of collection 5.1 to 6.1 (the programme's 42 sets are not public)",
            inputs=("gpp", *_POOLS, "precipitation"),
            references=("10.1016/j.rse.2004.12.011", "10.1046/j.1365-2486.2001.00397.x"),
        ),
        Method(
            "musyq",
            "MuSyQ-NPP respiration with the parameters that its authors published with their 500 m products",
            inputs=("gpp", *_POOLS, "precipitation"),
            references=("10.3390/rs12061003",),
        ),
        Method(
            "casa",
            "CASA as improved for China, parameters of Zhu et al. (2007) (not re-read; quantiles of NDVI recalled)",
            inputs=(*_CASA, "precipitation"),
            references=("10.1029/93GB02725", "10.17521/cjpe.2007.0050"),
        ),
    ),
    default=("npp",),
    flags=(NO_PARAMETERS, LOSS, NOT_PARTED, SEASON_UNKNOWN),
    references=("10.1016/j.rse.2004.12.011",),
)

_MODELS: Mapping[str, tuple[ClassModel, str]] = {
    "mod17": (respiration.MOD17, "mod17"),
    "musyq": (respiration.MUSYQ, "musyq"),
    "casa": (light_use.CASA, "casa"),
}
_RESULT = {"npp": "net", "maintenance_respiration": "maintenance", "growth_respiration": "growth"}

SCENARIOS: Mapping[str, Callable[[Any, Any], Any]] = {
    "pei2009": respiration.pei,
    "raich2002": lambda temperature, rain: respiration.raich(temperature, rain, 1.22, 0.73),
    "raich2002_2010": lambda temperature, rain: respiration.raich(temperature, rain, 0.22, 0.87),
}
"""Heterotrophic respiration by name: Pei et al. (2009), and Raich et al. (2002) with the share of Bond-Lamberty et al.
(2004) and of Bond-Lamberty and Thomson (2010)."""


def _quality(
    *, values: Mapping[str, Any], method: str, biomes: str = "", land_cover: Any = None, gpp: Any = None, **inputs: Any
) -> Any:
    flags: dict[str, Any] = {SEASON_UNKNOWN.name: "lai" in inputs and inputs.get("lai_maximum") is None}
    model, table = _MODELS[method]
    made = [value for name, value in values.items() if name != "heterotrophic_respiration"]
    if land_cover is not None and made:
        rows = biome_table(table, model.parameters, biomes)
        flags[NO_PARAMETERS.name] = without_parameters(land_cover, rows, made[0])
    if method == "casa":
        flags[NOT_PARTED.name] = bool({"maintenance_respiration", "growth_respiration"} & set(values))
    elif gpp is not None and "npp" in values:
        flags[LOSS.name] = (values["npp"] <= 0) & (gpp > 0)
    return flags


def _parts(names: tuple[str, ...], method: str, biomes: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return net production and plant respiration by name."""
    model, name = _MODELS[method]
    table = biome_table(name, model.parameters, biomes)
    if method == "casa":
        if "npp" not in names:
            return dict.fromkeys(names, np.nan)
        drivers = ("downward_par", "ndvi", "air_temperature", "optimum_temperature", "evaporation_ratio")
        made = light_use.production(model, table)(inputs["land_cover"], *(inputs[driver] for driver in drivers))
        return {**dict.fromkeys(names, np.nan), "npp": made}
    lai, largest = inputs["lai"], inputs.get("lai_maximum")
    gross = inputs.get("gpp")
    kernel = respiration.net_production(model, table, tuple(_RESULT[name] for name in names))
    made = kernel(
        inputs["land_cover"],
        0.0 if gross is None else gross,
        lai,
        lai if largest is None else largest,
        inputs["air_temperature"],
    )
    return dict(zip(names, made if len(names) > 1 else (made,), strict=True))


def _made(variables: tuple[str, ...], method: str, biomes: str, heterotrophic: str, inputs: Mapping[str, Any]) -> Any:
    if heterotrophic not in SCENARIOS:
        raise InputError(f"heterotrophic={heterotrophic!r} is no scenario.{closest(heterotrophic, SCENARIOS)}")
    results: dict[str, Any] = {}
    names = tuple(name for name in _RESULT if name in variables or (name == "npp" and "nep" in variables))
    if names:
        results |= _parts(names, method, biomes, inputs)
    if {"heterotrophic_respiration", "nep"} & set(variables):
        soil = SCENARIOS[heterotrophic](inputs["air_temperature"], inputs["precipitation"])
        results["heterotrophic_respiration"] = soil
        results["nep"] = results["npp"] - soil if "npp" in results else np.nan
    return [results[name] for name in variables]


def _half_range(inputs: Mapping[str, Any]) -> Any:
    made = [scenario(inputs["air_temperature"], inputs["precipitation"]) for scenario in SCENARIOS.values()]
    return 0.5 * (np.maximum.reduce(made) - np.minimum.reduce(made))


def _own_variance(name: str, method: str, biomes: str, heterotrophic: str, inputs: Mapping[str, Any]) -> Any:
    """Return the variance of a layer by its method; the balance has that of net production and that of the scenario."""
    parts = ("npp", "heterotrophic_respiration") if name == "nep" else (name,)
    variance: Any = 0.0
    for part, value in zip(parts, _made(parts, method, biomes, heterotrophic, inputs), strict=True):
        absolute, relative = SPEC.variable(part).model_uncertainty
        scenario = _half_range(inputs) if part == "heterotrophic_respiration" else 0.0
        variance = variance + absolute**2 + (relative * value) ** 2 + scenario**2
    return variance


def _uncertainty(*, variables: tuple[str, ...], method: str, biomes: str, heterotrophic: str, **given: Any) -> Any:
    """Propagate the inputs by central differences; scenarios have half their range beside."""
    ending = "_uncertainty"
    inputs = {name: array for name, array in given.items() if not name.endswith(ending)}
    variances = [_own_variance(name, method, biomes, heterotrophic, inputs) for name in variables]
    for name, array in inputs.items():
        if (sigma := given.get(name + ending)) is None:
            continue
        ends = [
            _made(variables, method, biomes, heterotrophic, {**inputs, name: array + sign * sigma}) for sign in (1, -1)
        ]
        variances = [v + ((a - b) / 2) ** 2 for v, a, b in zip(variances, *ends, strict=True)]
    return [np.sqrt(variance) for variance in variances]


@retrieval(SPEC, quality=_quality, uncertainty=_uncertainty)
def npp(
    *, variables: tuple[str, ...], method: str, biomes: str = "", heterotrophic: str = "pei2009", **inputs: Any
) -> Any:
    """Net primary production, plant respiration, and scenarios of the ecosystem's balance.

    ``biomes`` is the path of a table of parameters by class in place of the method's own (columns as in
    ``catalogs/biomes``); ``heterotrophic`` the scenario of heterotrophic respiration: ``"pei2009"``, ``"raich2002"`` or
    ``"raich2002_2010"``.
    """
    return _made(variables, method, biomes, heterotrophic, inputs)
