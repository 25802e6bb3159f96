"""Verification cases of the Sun, of clear skies, of beam and diffuse light, and of what modules make of them."""

from typing import Any
from unittest.mock import patch

import numpy as np
import pvlib
from _verification import Pair, Row, case, column, given, rows, where

from musyq_lab.applications.solar import yields
from musyq_lab.applications.solar.constants import entry
from musyq_lab.kernels import clear_sky, heliosat, solar, weather

Inputs = dict[str, float]


def vector(name: str, *quantities: str) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Return the inputs of each case of a vector, and its expected numbers, a row a case."""
    found = [where("radiation", vector=name, quantity=quantity) for quantity in quantities]
    return [given(row["given"]) for row in found[0]], np.stack([column(f, "value") for f in found], axis=-1)


# ---- the Sun ---------------------------------------------------------------------------------------------------------


@case("solar position", "SPA's zenith and azimuth, deg", "spa_nrel_reference: NREL/TP-560-34302, table A5.1", 5e-5)
def _spa() -> Pair:
    found = solar.zenith_azimuth(np.datetime64("2003-10-17T19:30:30"), 39.742476, -105.1786)
    return found, [column(where("solar", quantity=name), "value")[0] for name in ("zenith", "azimuth")]


@case("solar position", "zenith and azimuth, deg", "solpos: pvlib 0.16.1", 2e-4)
def _solpos() -> Pair:
    inputs, expected = vector("solpos", "zenith", "azimuth")
    times = np.array([row["time"].removesuffix("+00:00") for row in inputs], "datetime64[s]")
    place = [np.array([row[name] for row in inputs]) for name in ("lat", "lon")]
    return np.transpose(solar.zenith_azimuth(times, *place)), expected


@case("solar position", "equation of time, min", "solpos: pvlib 0.16.1", 1e-2)
def _equation_of_time() -> Pair:
    inputs, expected = vector("solpos", "eot_min")
    times = np.array([row["time"].removesuffix("+00:00") for row in inputs], "datetime64[s]")
    return solar.equation_of_time(times), expected


@case("solar position", "air mass of Kasten and Young", "solpos: pvlib 0.16.1", 1e-6)
def _air_mass() -> Pair:
    inputs, expected = vector("solpos", "airmass_rel_kastenyoung")
    return [clear_sky.kasten_young.python(row["apparent_zenith"]) for row in inputs], expected


@case("solar position", "pressure of the standard atmosphere, Pa", "solpos: pvlib 0.16.1", 1.0)
def _pressure() -> Pair:
    inputs, expected = vector("solpos", "pressure_pa")
    return [weather.standard_pressure.python(row["alt_m"]) for row in inputs], expected


# ---- clear skies -----------------------------------------------------------------------------------------------------


NAMES = ("aod", "angstrom_exponent", "water_vapour", "ozone", "pressure", "albedo")
TAKES = {
    "bird": ("air_mass", "extraterrestrial", *NAMES),
    "rest2": ("extraterrestrial", *NAMES),
    "solis": ("extraterrestrial", "aod", "angstrom_exponent", "water_vapour", "pressure"),
    "ineichen": ("extraterrestrial", "linke", "pressure"),
    "esra": ("extraterrestrial", "linke", "pressure"),
    "haurwitz": (),
}


def clear(model: str, chosen: list[Row]) -> np.ndarray:
    """Return global and, but for Haurwitz's, beam and diffuse irradiance on the horizontal, a row a sky."""
    kernel = clear_sky.bird_at_mass if model == "bird" else getattr(clear_sky, model)
    made = []
    for row in chosen:
        parts = np.atleast_1d(kernel.python(float(row["sun_zenith"]), *(float(row[name]) for name in TAKES[model])))
        made.append(parts if model == "haurwitz" else (parts.sum(), *parts))
    return np.array(made, float)


def skies(model: str, chosen: list[Row] | None = None) -> Pair:
    """Return ours and the numbers of dsr.csv."""
    chosen = chosen or where("dsr", model=model)
    names = ("global",) if model == "haurwitz" else ("global", "direct", "diffuse")
    return clear(model, chosen), np.stack([column(chosen, name) for name in names], axis=-1)


@case("dsr", "clear sky of Bird and Hulstrom (kernel)", "bird: pvlib 0.16.1", 1e-9)
def _bird() -> Pair:
    return skies("bird")


@case("dsr", "broadband depth within Bird's sky (kernel)", "bird_hulstrom80_aod_bb: pvlib 0.16.1", 1e-9)
def _depth() -> Pair:
    inputs, expected = vector("bird_hulstrom80_aod_bb", "aod_bb")
    # Kasten's turbidity is linear in this depth, with the slope 9.4 + 0.9 m.
    row = inputs[0]
    depths = (0.0, 0.27583 * row["aod380"] + 0.35 * row["aod500"])
    none, some = (clear_sky.linke_turbidity.python(1.0, 15.0, depth) for depth in depths)
    return (some - none) / 10.3, expected


@case("dsr", "clear sky of Ineichen and Perez (kernel)", "ineichen: pvlib 0.16.1", 5e-3)
def _ineichen() -> Pair:
    return skies("ineichen")


@case("dsr", "clear sky of Solis, simplified (kernel)", "simplified_solis: pvlib 0.16.1", 1e-9)
def _solis() -> Pair:
    found, expected = skies("solis")
    # Its own formula of the diffuse light does not close with its beam and its global.
    names = ("sun_zenith", *TAKES["solis"])
    found[:, 2] = [
        clear_sky.solis_diffuse.python(*(float(row[n]) for n in names)) for row in where("dsr", model="solis")
    ]
    return found, expected


@case("dsr", "clear sky of Haurwitz (kernel)", "haurwitz: pvlib 0.16.1", 1e-9)
def _haurwitz() -> Pair:
    return skies("haurwitz")


def of_rest2(*, bright: bool) -> list[Row]:
    """Return the skies of the one set of numbers (1361.1 W m-2 above the air) or of the other."""
    return [row for row in where("dsr", model="rest2") if (float(row["extraterrestrial"]) == 1361.1) == bright]


@case("dsr", "clear sky of REST2, version 5 (kernel)", "rest2v5: JamieMBright/clear-sky-models", 1e-9)
def _rest2v5() -> Pair:
    return skies("rest2", of_rest2(bright=True))


@case("dsr", "clear sky of REST2, version 5 (kernel)", "irradpy2_rest2v5: irradpy2 1.0.10", 1e-9)
def _irradpy2_rest2() -> Pair:
    return skies("rest2", of_rest2(bright=False))


@case("dsr", "clear sky of ESRA (kernel)", "irradpy2_esra_TL2: irradpy2 1.0.10", 1e-9)
def _esra() -> Pair:
    return skies("esra")


def rest2(row: Inputs) -> float:
    """Return the global irradiance of REST2 from the inputs of a vector of another model."""
    made = clear_sky.rest2.python(
        row["sza_deg"], row["E0"], row["beta"] * 0.55 ** -row["alpha"], row["alpha"], 10 * row["pw_cm"],
        1000 * row["ozone_atmcm"], 100 * row["pressure_hPa"], row["albedo"],
    )  # fmt: skip
    return float(sum(made))


@case("dsr", "global of REST2 beside MAC2, W m-2", "irradpy2_mac2: irradpy2 1.0.10, another model", np.inf)
def _mac2() -> Pair:
    inputs, expected = vector("irradpy2_mac2", "ghi")
    return [rest2(row) for row in inputs], expected


@case("dsr", "global of REST2 beside SPARTA, W m-2", "sparta: sparta-solar b02554a, another model", np.inf)
def _sparta() -> Pair:
    inputs, expected = vector("sparta", "ghi")
    changed = [
        {**row, "sza_deg": np.degrees(np.arccos(row["cosz"])), "E0": 1361.1, "pw_cm": row["pwater_cm"]}
        for row in inputs
    ]
    return [rest2(row) for row in changed], expected


@case("dsr", "diffuse light of five separations (kernel)", "diffuse_fraction: pvlib 0.16.1", 1e-9)
def _separation() -> Pair:
    table = rows("dsr_split")
    return [split(row) for row in table], column(table, "diffuse")


def split(row: Row) -> float:
    """Return the diffuse light of a row of dsr_split.csv."""
    pressure = (101325.0,) if row["method"] == "disc" else ()
    state = (float(row[name]) for name in ("total", "sun_zenith", "extraterrestrial"))
    return float(getattr(heliosat, row["method"]).python(*state, *pressure))


@case("dsr", "Linke turbidity of Kasten (kernel)", "kasten_pyrheliometric: pvlib 0.16.1", 1e-8)
def _linke() -> Pair:
    inputs, expected = vector("kasten_pyrheliometric", "linke")
    made = [clear_sky.linke_turbidity.python(r["airmass_abs"], 10 * r["pw_cm"], r["aod_bb"]) for r in inputs]
    return made, expected


@case("dsr", "column of vapour of Gueymard, cm (kernel)", "gueymard94_pw: pvlib 0.16.1", 1e-8)
def _column() -> Pair:
    inputs, expected = vector("gueymard94_pw", "pw_cm")
    made = [clear_sky.vapour_from_humidity.python(r["T_C"] + 273.15, r["RH"] / 100) / 10 for r in inputs]
    return made, expected


# ---- modules (applications/solar) ------------------------------------------------------------------------------------


def plane(row: Inputs, sky: str) -> float:
    """Return the irradiance of a tilted plane by the chain of the application, from given beam and diffuse light."""
    zenith, azimuth, tilt = (np.radians(row[n]) for n in ("solar_zenith", "solar_azimuth", "surface_tilt"))
    south, one = -np.sin(zenith) * np.cos(azimuth), np.ones((1, 1, 1))
    sun = {"zenith": row["solar_zenith"] * one, "cosine": np.cos(zenith) * one, "extra": row["dni_extra"] * one}
    sun |= {"south": south * one, "mass": row["airmass"] * one}
    cosine = np.cos(zenith) * np.cos(tilt) + south * np.sin(tilt)
    surface = {"tilt": row["surface_tilt"] * one, "facing": row["surface_azimuth"] * one, "cosine": cosine * one}
    split = {"dni": row["dni"] * one, "dhi": row["dhi"] * one}
    with patch("pvlib.irradiance.erbs", lambda *_: split):
        return float(sum(part.sum() for part in yields._plane(row["ghi"] * one, sun, surface, sky)))


def tilted(name: str, sky: str) -> Pair:
    """Return ours with a sky of the application, and the number of a vector."""
    inputs, expected = vector(name, "poa_global")
    return plane(inputs[0], sky), expected


@case("solar", "tilted plane, isotropic sky", "poa_pv_isotropic: pvlib 0.16.1", 1e-5)
def _isotropic() -> Pair:
    return tilted("poa_pv_isotropic", "isotropic")


@case("solar", "tilted plane, sky of Hay and Davies", "poa_pv_haydavies: pvlib 0.16.1", 1e-5)
def _haydavies() -> Pair:
    return tilted("poa_pv_haydavies", "haydavies")


@case("solar", "tilted plane, sky of Perez", "poa_pv_perez: pvlib 0.16.1", 1e-5)
def _perez() -> Pair:
    return tilted("poa_pv_perez", "perez")


@case("solar", "Perez beside Klucher's sky, W m-2", "poa_pv_klucher: pvlib 0.16.1, another sky", np.inf)
def _klucher() -> Pair:
    return tilted("poa_pv_klucher", "perez")


@case("solar", "Hay and Davies beside Reindl's sky, W m-2", "poa_pv_reindl: pvlib 0.16.1, another sky", np.inf)
def _reindl() -> Pair:
    return tilted("poa_pv_reindl", "haydavies")


@case("solar", "Hay and Davies beside King's sky, W m-2", "poa_pv_king: pvlib 0.16.1, another sky", np.inf)
def _king() -> Pair:
    return tilted("poa_pv_king", "haydavies")


@case("solar", "temperature of the module by Faiman, deg C (pvlib's)", "poa_pv_isotropic: pvlib 0.16.1", 1e-4)
def _faiman() -> Pair:
    (row,), expected = vector("poa_pv_isotropic", "faiman")
    chain = yields.constant
    made = pvlib.temperature.faiman(
        row["poa"], row["temp_air"], row["wind"], u0=chain("faiman_u0").value, u1=chain("faiman_u1").value
    )
    return made, expected


@case("solar", "power by Huld, silicon, W per kWp (pvlib's)", "huld_pvgis: pvlib 0.16.1", 1e-5)
def _huld() -> Pair:
    inputs, expected = vector("huld_pvgis", "csi")
    return [pvlib.pvarray.huld(np.array(r["poa"]), r["Tmod"], 1000.0, cell_type="csi") for r in inputs], expected


@case("solar", "losses of the PVWatts chain, per cent", "pvwatts_losses: pvlib 0.16.1", 1e-6)
def _losses() -> Pair:
    _, expected = vector("pvwatts_losses", "total_percent")
    return 100 * entry("yield_chains", "pvwatts")["loss"], expected
