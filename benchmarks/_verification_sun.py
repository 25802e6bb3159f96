"""Verification cases of the Sun, of clear skies, of beam and diffuse light, and of what modules make of them."""

from typing import Any
from unittest.mock import patch

import numpy as np
import pvlib
from _verification import Pair, case, column, given, where

from musyq_lab.applications.solar import yields
from musyq_lab.applications.solar.constants import entry
from musyq_lab.kernels import clear_sky, heliosat, solar, weather

Inputs = dict[str, float]


def vector(name: str, *quantities: str, table: str = "clear_sky") -> tuple[list[dict[str, Any]], np.ndarray]:
    """Return the inputs of each case of a vector, and its expected numbers, a row a case."""
    rows = where(table, vector=name)
    cases = dict.fromkeys(row["case"] for row in rows)
    first = [next(row for row in rows if row["case"] == c) for c in cases]
    expected = [[column([r for r in rows if r["case"] == c and r["quantity"] == q], "value")[0] for q in quantities]
                for c in cases]  # fmt: skip
    return [given(row["given"]) for row in first], np.array(expected)


def fluxes(direct: Any, diffuse: Any, zenith: float) -> list[float]:
    """Return global, direct normal and diffuse irradiance."""
    return [float(direct + diffuse), float(direct / np.cos(np.radians(zenith))), float(diffuse)]


# ---- the Sun ---------------------------------------------------------------------------------------------------------


@case("solar position", "SPA's zenith and azimuth, deg", "spa_nrel_reference: NREL/TP-560-34302, table A5.1", 5e-5)
def _spa() -> Pair:
    found = solar.zenith_azimuth(np.datetime64("2003-10-17T19:30:30"), 39.742476, -105.1786)
    return found, [column(where("solar", quantity=name), "value")[0] for name in ("zenith", "azimuth")]


@case("solar position", "zenith and azimuth, deg", "solpos: pvlib 0.16.1", 2e-4)
def _solpos() -> Pair:
    inputs, expected = vector("solpos", "zenith", "azimuth", table="radiation")
    times = np.array([row["time"].removesuffix("+00:00") for row in inputs], "datetime64[s]")
    place = [np.array([row[name] for row in inputs]) for name in ("lat", "lon")]
    return np.transpose(solar.zenith_azimuth(times, *place)), expected


@case("solar position", "equation of time, min", "solpos: pvlib 0.16.1", 1e-2)
def _equation_of_time() -> Pair:
    inputs, expected = vector("solpos", "eot_min", table="radiation")
    times = np.array([row["time"].removesuffix("+00:00") for row in inputs], "datetime64[s]")
    return solar.equation_of_time(times), expected


@case("solar position", "air mass of Kasten and Young", "solpos: pvlib 0.16.1", 1e-6)
def _air_mass() -> Pair:
    rows = where("radiation", vector="solpos", quantity="airmass_rel_kastenyoung")
    found = [clear_sky.kasten_young.python(given(row["given"])["apparent_zenith"]) for row in rows]
    return found, column(rows, "value")


@case("solar position", "pressure of the standard atmosphere, Pa", "solpos: pvlib 0.16.1", 1.0)
def _pressure() -> Pair:
    rows = where("radiation", vector="solpos", quantity="pressure_pa")
    return [weather.standard_pressure.python(given(r["given"])["alt_m"]) for r in rows], column(rows, "value")


# ---- clear skies -----------------------------------------------------------------------------------------------------


@case("dsr", "clear sky of Bird and Hulstrom (kernel)", "bird: pvlib 0.16.1", 1e-5)
def _bird() -> Pair:
    inputs, expected = vector("bird", "ghi", "direct_horizontal")
    return [_bird_of(row) for row in inputs], expected


def _bird_of(row: Inputs) -> list[float]:
    # The kernel takes the depth at 550 nm: the one whose depths at 380 and 500 nm have the same broadband depth.
    depth = 0.27583 * row["aod380"] + 0.35 * row["aod500"]
    at_550 = depth / (0.27583 * (550 / 380) ** 1.3 + 0.35 * (550 / 500) ** 1.3)
    direct, diffuse = clear_sky.bird_at_mass.python(
        row["apparent_zenith"], row["airmass_rel"], row["dni_extra"], at_550, 1.3, 10 * row["pw_cm"],
        1000 * row["ozone_atmcm"], row["pressure_pa"], row["albedo"],
    )  # fmt: skip
    return [float(direct + diffuse), float(direct)]


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
    inputs, expected = vector("ineichen", "ghi", "dni", "dhi")
    names = ("apparent_zenith", "dni_extra", "linke_turbidity", "pressure_pa")
    made = [clear_sky.ineichen.python(*(row[n] for n in names)) for row in inputs]
    return [fluxes(*two, row["apparent_zenith"]) for two, row in zip(made, inputs, strict=True)], expected


@case("dsr", "clear sky of Solis, simplified (kernel)", "simplified_solis: pvlib 0.16.1", 1e-5)
def _solis() -> Pair:
    inputs, expected = vector("simplified_solis", "ghi", "dni", "dhi")
    return [_solis_of(row) for row in inputs], expected


def _solis_of(row: Inputs) -> list[float]:
    at_550 = row["aod700"] * (700 / 550) ** 1.3
    sky = (row["apparent_zenith"], row["dni_extra"], at_550, 1.3, 10 * row["pw_cm"], row["pressure_pa"])
    total, beam, _ = fluxes(*clear_sky.solis.python(*sky), row["apparent_zenith"])
    return [total, beam, float(clear_sky.solis_diffuse.python(*sky))]


@case("dsr", "clear sky of Haurwitz (kernel)", "haurwitz: pvlib 0.16.1", 1e-5)
def _haurwitz() -> Pair:
    inputs, expected = vector("haurwitz", "ghi")
    return [clear_sky.haurwitz.python(row["apparent_zenith"]) for row in inputs], expected


def rest2(row: Inputs, zenith: str = "sza_deg") -> list[float]:
    """Return the fluxes of REST2 from the inputs of a vector."""
    depth = row["aod550"] if "aod550" in row else row["beta"] * 0.55 ** -row["alpha"]
    made = clear_sky.rest2.python(
        row[zenith], row["E0"], depth, row["alpha"], 10 * row["pw_cm"], 1000 * row["ozone_atmcm"],
        100 * row["pressure_hPa"], row["albedo"],
    )  # fmt: skip
    return fluxes(*made, row[zenith])


@case("dsr", "clear sky of REST2, version 5 (kernel)", "rest2v5: JamieMBright/clear-sky-models", 1e-5)
def _rest2v5() -> Pair:
    inputs, expected = vector("rest2v5", "ghi", "dni", "dhi")
    return [rest2(row, "zenith_deg") for row in inputs], expected


@case("dsr", "clear sky of REST2, version 5 (kernel)", "irradpy2_rest2v5: irradpy2 1.0.10", 1e-5)
def _irradpy2_rest2() -> Pair:
    inputs, expected = vector("irradpy2_rest2v5", "ghi", "dni", "dhi")
    return [rest2(row) for row in inputs], expected


@case("dsr", "clear sky of ESRA (kernel)", "irradpy2_esra_TL2: irradpy2 1.0.10", 1e-5)
def _esra() -> Pair:
    inputs, expected = vector("irradpy2_esra_TL2", "ghi", "dni", "dhi")
    made = [clear_sky.esra.python(r["sza_deg"], r["E0"], r["TL2"], 100 * r["pressure_hPa"]) for r in inputs]
    return [fluxes(*two, row["sza_deg"]) for two, row in zip(made, inputs, strict=True)], expected


@case("dsr", "global of REST2 beside MAC2, W m-2", "irradpy2_mac2: irradpy2 1.0.10, another model", np.inf)
def _mac2() -> Pair:
    inputs, expected = vector("irradpy2_mac2", "ghi")
    return [rest2(row)[0] for row in inputs], expected


@case("dsr", "global of REST2 beside SPARTA, W m-2", "sparta: sparta-solar b02554a, another model", np.inf)
def _sparta() -> Pair:
    inputs, expected = vector("sparta", "ghi")
    changed = [
        {**row, "sza_deg": np.degrees(np.arccos(row["cosz"])), "E0": 1361.1, "pw_cm": row["pwater_cm"]}
        for row in inputs
    ]
    return [rest2(row)[0] for row in changed], expected


SPLITS = ("erbs", "erbs_driesse", "orgill_hollands", "boland", "disc")


@case("dsr", "beam of five separations (kernel)", "diffuse_fraction: pvlib 0.16.1", 1e-5)
def _separation() -> Pair:
    inputs, expected = vector("diffuse_fraction", *SPLITS)
    return [_beams(row) for row in inputs], expected


def _beams(row: Inputs) -> list[float]:
    # pvlib's DISC takes no other irradiance above the atmosphere than its own, Spencer's with 1370 W m-2.
    beyond = {"disc": (row["dni_extra"] * 1370.0 / 1366.1, 101325.0)}
    mu = np.cos(np.radians(row["zenith"]))
    made = [
        getattr(heliosat, name).python(row["ghi"], row["zenith"], *beyond.get(name, (row["dni_extra"],)))
        for name in SPLITS
    ]
    return [float((row["ghi"] - diffuse) / mu) for diffuse in made]


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
    inputs, expected = vector(name, "poa_global", table="radiation")
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
    rows = where("radiation", vector="poa_pv_isotropic", quantity="faiman")
    row, chain = given(rows[0]["given"]), yields.constant
    made = pvlib.temperature.faiman(
        row["poa"], row["temp_air"], row["wind"], u0=chain("faiman_u0").value, u1=chain("faiman_u1").value
    )
    return made, column(rows, "value")


@case("solar", "power by Huld, silicon, W per kWp (pvlib's)", "huld_pvgis: pvlib 0.16.1", 1e-5)
def _huld() -> Pair:
    inputs, expected = vector("huld_pvgis", "csi", table="radiation")
    return [pvlib.pvarray.huld(np.array(r["poa"]), r["Tmod"], 1000.0, cell_type="csi") for r in inputs], expected


@case("solar", "losses of the PVWatts chain, per cent", "pvwatts_losses: pvlib 0.16.1", 1e-6)
def _losses() -> Pair:
    _, expected = vector("pvwatts_losses", "total_percent", table="radiation")
    return 100 * entry("yield_chains", "pvwatts")["loss"], expected
