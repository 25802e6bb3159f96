"""Verification cases of carbon and water: gpp, npp, evapotranspiration."""

import re

import numpy as np
from _verification import Pair, Row, case, column, one, retrieved, rows, scene, where

from musyq_lab.kernels import evaporation, light_use, respiration, weather
from musyq_lab.kernels._evaporation_mod16 import mod16, mod16_ground_heat
from musyq_lab.products import npp as npp_module
from musyq_lab.products._biomes import biome_table

FREEZING = 273.15
WATTS = 1 / 0.0864
"""Of one MJ m-2 d-1."""
BOTH = ("production", "efficiency")

# ---- gross production ------------------------------------------------------------------------------------------------


@case("gpp", "mod17, 11 biomes", "MOD17-GPP: arthur-e/MOD17", 1e-6)
def _mod17() -> Pair:
    chosen = where("gpp", vector="MOD17-GPP")
    ds = scene(
        land_cover=column(chosen, "class"), fpar=0.5, downward_par=3.888 * WATTS, air_temperature_min=283.15,
        vapour_pressure_deficit=1000.0,
    )  # fmt: skip
    return retrieved("gpp", "gpp", ds, method="mod17"), column(chosen, "value")


def p_model(row: Row) -> float:
    """Return production by the P-model with the drivers of a row, in g C m-2 d-1."""
    given = {name: float(value) for name, value in (pair.split("=") for pair in row["inputs"].split(";"))}
    ds = scene(
        fpar=given["fpar"], downward_par=given["par"], air_temperature=given["temperature"],
        vapour_pressure_deficit=given["deficit"], carbon_dioxide=given["carbon"], surface_pressure=given["pressure"],
    )  # fmt: skip
    options = {"quantum_yield": given["quantum_yield"], "pathway": f"c{given['pathway']:.0f}"}
    return retrieved("gpp", "gpp", ds, method="pmodel", **options).item()


@case("gpp", "pmodel, in ug C m-2 s-1", "PMODEL-temperature: pyrealm 2.0.0", 1e-4)
def _p_model() -> Pair:
    (row,) = where("gpp", vector="PMODEL-temperature")
    return p_model(row) / 0.0864, float(row["value"]) / 0.0864


@case("gpp", "pmodel, nine climates, C3 and C4", "pyrealm 2.0.0, own runs", 1e-5, relative=True)
def _p_model_climates() -> Pair:
    chosen = [row for row in rows("gpp") if re.fullmatch(r"PMODEL-\d", row["vector"])]
    return [p_model(row) for row in chosen], column(chosen, "value")


@case("gpp", "revised EC-LUE (kernel)", "ECLUE-1: equations evaluated", 1e-8)
def _ec_lue() -> Pair:
    # The vector fixes chi at 0.76: the carbon dioxide outside that leaves 304 inside, by the model's own steepness.
    kelvin, deficit, pressure = 291.15, 800.0, 101325.0
    first, second = (np.exp(e * (kelvin - 298.15) / (298.15 * 8.3145 * kelvin)) for e in (79430.0, 36380.0))
    michaelis = 39.97 * first * (1 + 0.209476 * pressure / (27480.0 * second))
    steepness = np.sqrt(356.51 * michaelis / (1.6 * 0.8903))
    carbon = 304.0 * (steepness + np.sqrt(deficit)) / steepness
    kernel = light_use.production(light_use.EC_LUE_REVISED, ((2, (2.5, 0.0, 20.33, 40.0, 1000.0, 40.0)),), BOTH)
    given = {
        "par": 9 * WATTS,
        "fpar": 0.5,
        "warmth": kelvin,
        "deficit": deficit,
        "carbon": carbon,
        "pressure": pressure,
    }
    found = kernel.python(2.0, *(given[name] for name in light_use.EC_LUE_REVISED.drivers))
    limits = one("ECLUE-1", "carbon") * min(one("ECLUE-1", "warmth"), one("ECLUE-1", "moisture"))
    expected = [one("ECLUE-1", "production"), 2.5 * limits, one("ECLUE-1", "warmth")]
    return [*found, light_use.parabola(18.0, 0.0, 20.33, 40.0)], expected


@case("gpp", "vapour pressure deficit, Pa", "MOD17-VPD: arthur-e/MOD17", 1e-3)
def _deficit() -> Pair:
    return weather.deficit_from_specific_humidity(298.15, 0.01, 101325.0), one("MOD17-VPD", "deficit")


# ---- respiration, net production, balance ----------------------------------------------------------------------------


@case("npp", "mod17, maintenance of leaves and of roots", "MOD17-Rm: arthur-e/MOD17", 1e-6)
def _maintenance() -> Pair:
    model, found = respiration.MOD17, []
    table = {
        number: dict(zip(model.parameters, row, strict=True)) for number, row in biome_table("mod17", model.parameters)
    }
    chosen = where("npp", vector="MOD17-Rm")
    for row in chosen:
        cover, other = int(row["class"]), {"leaf": "root_rate", "root": "leaf_rate"}[row["quantity"]]
        only = {**table[cover], other: 0.0, "wood_rate": 0.0}
        kernel = respiration.net_production(
            model, ((cover, tuple(only[name] for name in model.parameters)),), ("maintenance",)
        )
        found.append(kernel.python(float(cover), 0.0, 1.0, 1.0, 298.15))
    return found, column(chosen, "value")


def year(chosen: list[Row]) -> np.ndarray:
    """Return the net production of 365 equal days; gross production is made on the way."""
    ds = scene(
        land_cover=column(chosen, "class"), fpar=0.5, downward_par=10 * WATTS, air_temperature_min=288.15,
        vapour_pressure_deficit=1000.0, lai=1.0, air_temperature=298.15,
    )  # fmt: skip
    return 365 * retrieved("npp", "npp", ds, method="mod17")


@case("npp", "mod17, a year of equal days, 11 biomes", "MOD17-NPP: arthur-e/MOD17", 1e-3)
def _year() -> Pair:
    chosen = where("npp", vector="MOD17-NPP")
    return year(chosen), column(chosen, "value")


@case("npp", "mod17 keeps the respiration of roots and wood", "MOD17-TRAP: the wrong sum is 191 g C higher", 1e-2)
def _trap() -> Pair:
    chosen = where("npp", vector="MOD17-NPP", **{"class": "1"})
    excess = one("MOD17-TRAP", "annual_wrong") - year(chosen)
    return excess, one("MOD17-TRAP", "annual_wrong") - column(chosen, "value")


@case("npp", "casa, g C m-2 a month", "CASA-1: equations evaluated", 1e-8)
def _casa() -> Pair:
    ds = scene(
        land_cover=10.0, air_temperature=291.15, optimum_temperature=295.15, evaporation_ratio=0.6, ndvi=0.6,
        downward_par=250 / 30 * WATTS, precipitation=2.0,
    )  # fmt: skip
    found = [30 * retrieved("npp", "npp", ds, method="casa").item(), light_use.bell(18.0, 22.0)]
    return found, [*column(where("npp", vector="CASA-1"), "value"), one("CASA-1", "bell")]


@case("npp", "heterotrophic respiration (pei2009) and balance", "NEP-1: equation evaluated", 1e-8)
def _balance() -> Pair:
    ds = scene(air_temperature=288.15, precipitation=2.0)
    soil = 30 * retrieved("heterotrophic_respiration", "npp", ds, heterotrophic="pei2009").item()
    return [soil, 80 - soil], column(where("npp", vector="NEP-1"), "value")


@case("npp", "carbon dioxide of a gram of carbon (documentation)", "CO2eq: molar masses", 1e-5)
def _carbon_dioxide() -> Pair:
    (stated,) = re.findall(r"= (3\.\d+) g of CO2", npp_module.__doc__ or "")
    return float(stated), column(where("npp", vector="CO2eq"), "value")


# ---- evapotranspiration ----------------------------------------------------------------------------------------------

_REST = (0.01, 0.01, 650.0, 3000.0, 60.0, 90.0, 250.0)
"""Parameters of the tests of arthur-e/MOD16: conductances, openings, resistances of the soil, beta."""


@case("evapotranspiration", "mod16, day and night (kernel)", "MOD16-ET: arthur-e/MOD16, two decimals", 1e-2)
def _mod16() -> Pair:
    stomata = 2.4e-3  # open: the lowest temperature, 12 C, is above the 8 C from which it does not close them
    ground = mod16_ground_heat.python(150 * 0.7 - 50.0, -30.0, 293.0, 290.0, 285.0, -8.0)
    day = mod16.python(55.0, ground[0], 293.0, 1000.0, 1e5, 0.5, 1.5, stomata, *_REST, 1.0)
    night = mod16.python(-30.0, ground[1], 290.0, 500.0, 1e5, 0.5, 1.5, 0.0, *_REST, 1.0)
    # The array form of that implementation leaves transpiration by night out.
    total = sum(day) + night[1] + night[2]
    return total, column(where("evapotranspiration", id="mod16-et"), "value")


def mod16_part(identifier: str) -> float:
    """Return one part (kg m-2 h-1) for the case of a row such as ``mod16-wet-pressure-98000``."""
    given = {
        "celsius": 30.0,
        "canopy_radiation": 5000.0,
        "deficit": 1000.0,
        "pressure": 1e5,
        "fpar": 0.5,
        "leaves": 1.5,
    }
    part, *change = identifier.removeprefix("mod16-").split("-")
    if len(change) == 2:
        given[change[0]] = float(change[1])
    share = 1 - given["fpar"] if part == "soil" else given["fpar"]
    kelvin = given["celsius"] + FREEZING
    found = mod16.python(
        given["canopy_radiation"] / share, 0.0, kelvin, given["deficit"], given["pressure"], given["fpar"],
        given["leaves"], 0.0 if change == ["night"] else 2.4e-3, *_REST, 1.0,
    )  # fmt: skip
    return float(found[("transpiration", "soil", "wet").index(part)] * 3600 / weather.vaporisation_heat.python(kelvin))


@case("evapotranspiration", "mod16, parts, kg m-2 h-1 (kernel)", "MOD16-parts: arthur-e/MOD16, three decimals", 5.1e-4)
def _mod16_parts() -> Pair:
    chosen = [row for row in rows("evapotranspiration") if re.match("mod16-(?!et)", row["id"])]
    return [mod16_part(row["id"]) for row in chosen], column(chosen, "value")


def fao56(
    highest: float, lowest: float, vapour: float, wind: float, altitude: float, net: float, ground: float
) -> np.ndarray:
    """Return the reference evaporation (mm d-1) of an example of FAO-56 with the net radiation that it finds."""
    ds = scene(
        net_radiation=net * WATTS, ground_heat=ground * WATTS, air_temperature_min=lowest + FREEZING,
        air_temperature_max=highest + FREEZING, vapour_pressure=vapour * 1e3, wind_speed=wind,
        surface_pressure=101.3e3 * ((293 - 0.0065 * altitude) / 293) ** 5.26,
    )  # fmt: skip
    return retrieved("evapotranspiration", "evapotranspiration", ds, method="fao56")


@case("evapotranspiration", "fao56, mm d-1", "FAO56-ex17: FAO-56, two decimals", 1e-2)
def _bangkok() -> Pair:
    expected = where("evapotranspiration", id="fao56-17", quantity="reference")
    return fao56(34.8, 25.6, 2.85, 2.0, 2.0, 14.33, 0.14), column(expected, "value")


@case("evapotranspiration", "fao56, mm d-1", "FAO56-ex18: FAO-56, pyet 1.5.0, refet 0.5.0", 5e-3)
def _uccle() -> Pair:
    expected = where("evapotranspiration", id="fao56-18")
    return np.repeat(fao56(21.5, 12.3, 1.409, 2.078, 100.0, 13.28, 0.0), 3), column(expected, "value")


def ptjpl_inputs(chosen: list[Row] | tuple[Row, ...]) -> dict[str, np.ndarray]:
    """Return the inputs of rows of the ECOSTRESS team's table."""
    # The table gives the highest FAPAR, ours takes the NDVI that has it.
    highest = ((column(chosen, "fapar_max") + 0.048) / 1.3632 - 0.132) / 0.45
    return {
        "net_radiation": column(chosen, "net_radiation"),
        "ground_heat": column(chosen, "ground_heat"),
        "air_temperature": column(chosen, "celsius") + FREEZING,
        "relative_humidity": column(chosen, "relative_humidity"),
        "ndvi": column(chosen, "ndvi"),
        "ndvi_maximum": highest,
        "optimum_temperature": column(chosen, "optimum_celsius") + FREEZING,
        "surface_pressure": np.full(len(chosen), 1e5),
    }


@case("evapotranspiration", "ptjpl, latent heat, W m-2", "PTJPL-0: PTJPL 1.9.0", 1e-4)
def _ptjpl() -> Pair:
    first = rows("evapotranspiration_ptjpl")[:1]
    found = retrieved("latent_heat", "evapotranspiration", scene(**ptjpl_inputs(first)), method="ptjpl")
    return found, column(first, "latent_heat")


@case("evapotranspiration", "ptjpl, four parts above 7 C (kernel)", "PTJPL 1.9.0, every tenth of 1065 rows", 1e-5)
def _ptjpl_parts() -> Pair:
    warm = [row for row in rows("evapotranspiration_ptjpl") if float(row["celsius"]) > 7]
    *inputs, pressure = ptjpl_inputs(warm).values()
    inputs[-1] = inputs[-1] - FREEZING
    found = np.stack(evaporation.ptjpl_parts(*inputs, pressure, evaporation.ALPHA, 0.7, 0.0))
    expected = np.stack([column(warm, name) for name in ("soil", "transpiration", "interception", "potential")])
    # A part may be nothing: differences count beside the potential rate.
    return found / expected[3], expected / expected[3]
