"""Verification cases of the surface's reflectance, temperature and radiation, and of the air above."""

from functools import cache
from typing import Any

import numpy as np
import xarray as xr
from _verification import Pair, Row, case, column, given, one, retrieved, rows, scene, where

import musyq_lab as ml
from musyq_lab.kernels import brdf, longwave
from musyq_lab.kernels.dark_target import meeting
from musyq_lab.kernels.radiometry import brightness_temperature, planck_constants, planck_radiance
from musyq_lab.products._aerosol_targets import red_line
from musyq_lab.products._vapour_methods import by_exponential
from musyq_lab.standard import bandpass
from musyq_lab.standard.atmosphere import coefficients, surface_reflectance, toa_reflectance
from musyq_lab.standard.nadir import fixed_weights

Inputs = dict[str, Any]


def vector(name: str, *quantities: str) -> tuple[list[Inputs], np.ndarray]:
    """Return the inputs of the cases of a vector, and its numbers, a row a case."""
    found = [where("radiation", vector=name, quantity=q) for q in quantities]
    return [given(row["given"]) for row in found[0]], np.stack([column(r, "value") for r in found], axis=-1)


# ---- air and reflectance ---------------------------------------------------------------------------------------------

BANDS = {
    "Landsat8_OLI_B4": ("landsat_oli", "red"),
    "Landsat8_OLI_B2": ("landsat_oli", "blue"),
    "Landsat8_OLI_B5": ("landsat_oli", "nir"),
    "S2A_B8A": ("sentinel2_msi", "nir_narrow"),
    "MODIS_T1": ("modis", "red"),
    "MODIS_T3": ("modis", "blue"),
}
SUMMER = {"water_vapour": 29.3, "ozone": 319.0}  # of 6S, midlatitude: kg m-2 and DU
US = {"water_vapour": 20.0 * 0.512, "ozone": 300.0}  # given above the sea; 51 % of it lie above 1.5 km
PRESSURE = {"0": 1013.0, "1.5": 845.2}  # hPa, US standard atmosphere 1962, as 6S prints it


def air_of(row: Row) -> Any:
    """Return the coefficients of our tables for a run of Py6S."""
    angles = {name: float(row[name]) for name in ("sun_zenith", "view_zenith", "relative_azimuth", "aod")}
    gases = SUMMER if row["profile"] == "MidlatitudeSummer" else US
    return coefficients(*BANDS[row["band"]], **angles, **gases, pressure=PRESSURE[row["altitude"]])


def runs() -> list[Row]:
    """Return the runs of Py6S over bands of sensors."""
    return [row for row in rows("atmosphere") if row["band"] in BANDS]


@case("lsr", "correction of 0.15 at the top, tables of 6S", "sixs_lambertian: 6S V1.1 by Py6S, own responses", 1.5e-3)
def _corrected() -> Pair:
    return [surface_reflectance(0.15, air_of(row)) for row in runs()], column(runs(), "corrected_015")


@case("lsr", "0.2 seen from above, tables of 6S", "sixs_lambertian: 6S V1.1 by Py6S, own responses", 1.5e-3)
def _seen() -> Pair:
    return [toa_reflectance(0.2, air_of(row)) for row in runs()], column(runs(), "toa")


@case("lsr", "transmittance and albedo of the air", "sixs_lambertian: 6S V1.1 by Py6S, own responses", 3e-3)
def _air() -> Pair:
    found = [(air.transmittance / air.gas, air.spherical_albedo) for air in map(air_of, runs())]
    down, up, sphere = (column(runs(), name) for name in ("down", "up", "spherical_albedo"))
    return found, np.stack([down * up, sphere], axis=-1)


@case("lsr", "coefficients xap, xb, xc of OLI's red band", "sixsV21_reflectance_coefs: 6SV2.1", 4e-3)
def _coefficients() -> Pair:
    names, made = ("sun_zenith", "view_zenith", "relative_azimuth", "aod"), []
    for row in rows("lsr"):
        air = coefficients("landsat_oli", "red", **{n: float(row[n]) for n in names}, **SUMMER, pressure=1013.0)
        made.append((1 / air.transmittance, air.path / air.transmittance, air.spherical_albedo))
    return made, np.stack([column(rows("lsr"), name) for name in ("xap", "xb", "xc")], axis=-1)


@case("aod", "optical depth from the path reflectance (kernel)", "sixs_lambertian: 6S V1.1, three decimals", 0.02)
def _depth() -> Pair:
    dark = [row for row in runs() if row["band"] in ("Landsat8_OLI_B2", "MODIS_T3")]
    return [depth_of(row) for row in dark], column(dark, "aod")


def depth_of(row: Row) -> float:
    """Return the optical depth at which a black surface shows the path reflectance of a run."""
    depth = np.linspace(0.0, 1.0, 41)
    air = [air_of(row | {"aod": str(value)}) for value in depth]
    terms = [
        np.array([[float(getattr(a, name))] for a in air]) for name in ("path", "transmittance", "spherical_albedo")
    ]
    return float(meeting.python([float(row["path"])], *terms, [1.0], 0.0, depth)[0])


@case("aod", "red and blue of dark targets from 2.1 um", "NASA's code of Collection 5, worked out by hand", 1e-6)
def _dark_targets() -> Pair:
    table = rows("aod")
    slope, offset = red_line(column(table, "greenness"), column(table, "scattering"))
    red = slope * column(table, "far") + offset
    return [red, 0.49 * red + 0.005], [column(table, "red"), column(table, "blue")]


@case("water_vapour", "exponential of two channels, g cm-2", "nir_wv: Kaufman and Gao 1992 evaluated apart", 1e-9)
def _vapour() -> Pair:
    table = rows("water_vapour")
    window = xr.DataArray(np.full(len(table), 0.3))
    absorbing = window * column(table, "transmittance")
    made, _ = by_exponential(absorbing, window, None, xr.DataArray(column(table, "air_mass")))
    return made / 10, column(table, "column_g_cm2")


def bands_of(canopy: str, sensor: str) -> np.ndarray:
    """Return blue, green, red and near infrared of a spectrum of prosail seen by a sensor."""
    found = [where("radiation", given=canopy, quantity=f"{sensor} {role}") for role in ("blue", "green", "red", "nir")]
    return np.array([column(row, "value")[0] for row in found])


@case("bandpass", "GF-1 WFV as OLI, four bands", "band_reflectance_prosail: prosail, ACOLITE, no model of ours", np.inf)
def _bandpass() -> Pair:
    found, expected = [], []
    for canopy in ("prosail_lai0", "prosail_lai1"):
        for camera in ("WFV1", "WFV4"):
            found.append(as_oli(bands_of(canopy, f"GF1_{camera}"), camera))
            expected.append(bands_of(canopy, "L8_OLI"))
    return found, expected


def as_oli(reflectance: np.ndarray, camera: str) -> np.ndarray:
    """Return bands of GF-1 adjusted to those of OLI."""
    roles = ("blue", "green", "red", "nir")
    centre = {band.name: band.centre for band in ml.SENSORS["gf1_wfv"].bands_of(camera)}
    layers = {"reflectance": (("band", "y", "x"), reflectance[:, None, None].astype("float32"), {"units": "1"})}
    coords = {"band": list(roles), "wavelength": ("band", [centre[role] for role in roles], {"units": "um"})}
    told = {"sensor": "gf1_wfv", "platform": camera, "camera": camera, "reflectance_level": "surface"}
    return np.asarray(bandpass.adjust(xr.Dataset(layers, coords, told), to="landsat_oli").reflectance).ravel()


# ---- directions ------------------------------------------------------------------------------------------------------


def directions(name: str, *quantities: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the angles of the cases of a vector of brdf.csv, and its numbers, a row a case."""
    found = [where("brdf", vector=name, quantity=quantity) for quantity in quantities]
    angles = [column(found[0], name) for name in ("sun_zenith", "view_zenith", "relative_azimuth")]
    return np.stack(angles, axis=-1), np.stack([column(f, "value") for f in found], axis=-1)


@case("brdf", "RossThick and LiSparse-R (kernel)", "brdf_kernels: sen2nbar 2024.6.0", 1e-9)
def _kernels() -> Pair:
    angles, expected = directions("brdf_kernels", "ross_thick", "li_sparse_r")
    return [brdf.values.python(*row) for row in angles], expected


@case("albedo", "black-sky integrals of the kernels", "bsa_kernel_integrals: quadrature of 400 x 720", 2e-6)
def _black_sky() -> Pair:
    angles, expected = directions("bsa_kernel_integrals", "quad_vol", "quad_geo")
    return [brdf.black_sky_exact.python(row[0]) for row in angles], expected


@case("albedo", "black-sky polynomials of MCD43 (option)", "bsa_kernel_integrals: Lucht et al. 2000", 1e-9)
def _black_sky_polynomial() -> Pair:
    angles, expected = directions("bsa_kernel_integrals", "poly_vol", "poly_geo")
    return [brdf.black_sky.python(row[0]) for row in angles], expected


@case("albedo", "white-sky integrals of the kernels", "wsa_kernel_integrals: Lucht et al. 2000, table", 1e-6)
def _white_sky() -> Pair:
    return brdf.WHITE_SKY[1:], directions("wsa_kernel_integrals", "table_vol", "table_geo")[1]


# Centres (um) and roles of Sentinel-2's bands.
BAND_OF = {
    "B02": (0.4927, "blue"),
    "B03": (0.5598, "green"),
    "B04": (0.6646, "red"),
    "B05": (0.7041, "red_edge_1"),
    "B06": (0.7405, "red_edge_2"),
    "B07": (0.7828, "red_edge_3"),
    "B08": (0.8328, "nir"),
    "B11": (1.6137, "swir1"),
    "B12": (2.2024, "swir2"),
}


@case("nadir", "c factors of Roy et al., Sentinel-2", "nbar_c_factor: sen2nbar 2024.6.0", 1e-6)
def _c_factor() -> Pair:
    angles, expected = directions("nbar_c_factor", *BAND_OF)
    bands, centres = [role for _, role in BAND_OF.values()], [centre for centre, _ in BAND_OF.values()]
    weights = fixed_weights(bands, xr.DataArray(centres, dims="band")).values

    def model(sun: float, view: float, turn: float) -> Any:
        return np.array([1.0, *brdf.values.python(sun, view, turn)]) @ weights

    return [model(sun, 0.0, turn) / model(sun, view, turn) for sun, view, turn in angles], expected


@case("brdf", "weights from twelve looks", "brdf_inversion_roundtrip: inverted apart", 1e-6)
def _inversion() -> Pair:
    kinds = ("iso", "vol", "geo")
    expected = [where("brdf", vector="brdf_inversion_roundtrip", quantity=kind)[0]["value"] for kind in kinds]
    return [inverted()[f"brdf_{kind}_red"].item() for kind in kinds], np.array(expected, float)


@case("brdf", "weights of determination, nadir and white sky", "brdf_inversion_roundtrip: inverted apart", 1e-5)
def _determination() -> Pair:
    _, expected = directions("brdf_inversion_roundtrip", "WoD_nadir45", "WoD_wsa")
    return [inverted()[name].item() for name in ("wod_nadir_red", "wod_white_red")], expected


@cache
def inverted() -> xr.Dataset:
    """Return the product of the looks of the vector."""
    inputs, expected = vector("brdf_inversion_roundtrip", "refl")
    names = {"sun_zenith": "sza", "view_zenith": "vza", "relative_azimuth": "raa"}
    layers: dict[str, Any] = {
        name: ("time", [row[key] for row in inputs], {"units": "degree"}) for name, key in names.items()
    }
    layers["reflectance_red"] = ("time", expected.ravel(), {"units": "1"})
    time = np.datetime64("2019-07-01", "ns") + np.arange(len(inputs)) * np.timedelta64(1, "D")
    wanted = [f"brdf_{kind}_red" for kind in ("iso", "vol", "geo")] + ["wod_nadir_red", "wod_white_red"]
    made: xr.Dataset = ml.retrieve("brdf", xr.Dataset(layers, {"time": time}), variables=wanted, uncertainty=False)
    return made


# ---- temperature and longwave ----------------------------------------------------------------------------------------


@case("lst", "Planck's law, W m-2 sr-1 um-1 (kernel)", "planck: CODATA 2018 evaluated apart", 1e-5)
def _planck() -> Pair:
    inputs, expected = vector("planck", "radiance")
    return [planck_radiance(row["T_K"], row["lambda_um"]) for row in inputs], expected


@case("lst", "inverse of Planck's law, K (kernel, single precision)", "planck: there and back", 1e-3)
def _inverse() -> Pair:
    inputs, expected = vector("planck", "radiance")
    made = [
        brightness_temperature(np.asarray(value, np.float32), *planck_constants(row["lambda_um"]))[0]
        for row, value in zip(inputs, expected, strict=True)
    ]
    return made, [row["T_K"] for row in inputs]


def temperatures(case_name: str, **options: Any) -> Pair:
    """Return surface temperatures of the product and those of lst.csv."""
    table = where("lst", case=case_name)
    made = []
    for row in table:
        known = {"brightness_temperature_tir1": row["t1"], "emissivity_tir1": row["e1"], "water_vapour": row["vapour"]}
        known |= {"brightness_temperature_tir2": row["t2"], "emissivity_tir2": row["e2"]} if row["t2"] else {}
        ds = scene(**{name: float(value) for name, value in known.items()})
        made.append(retrieved("lst", "lst", ds, method=row["method"], sensor=row["sensor"], **options))
    return made, column(table, "value")


@case("lst", "smw, nearest class of vapour", "lst_smw: Ermida et al. 2020, authors' code", 1e-5)
def _mono_window() -> Pair:
    return temperatures("lst_smw", between_classes=False)


@case("lst", "split_window, OLI/TIRS", "lst_sw_jm2014: published form evaluated apart", 1e-5)
def _split_window() -> Pair:
    return temperatures("lst_sw_jm2014")


@case("lst", "single_channel, published 2014", "lst_sc_jm2014: published form, radiance by one wavelength", 5e-4)
def _single_channel() -> Pair:
    return temperatures("lst_sc_jm2014", published="2014")


@case("dlr", "six clear skies", "dlr_clear: published forms evaluated apart", 1e-6)
def _clear_skies() -> Pair:
    chosen = [row for row in rows("dlr") if row["method"] != "li"]
    return [sky(row) for row in chosen], column(chosen, "value")


@case(
    "dlr",
    "sky and clouds of Li et al. 2017",
    "lysham/dlw, its sigma and saturation pressure, evaluated",
    2e-3,
    relative=True,
)
def _li() -> Pair:
    chosen = where("dlr", method="li")
    return [sky(row) for row in chosen], column(chosen, "value")


def sky(row: Row) -> float:
    """Return the downward longwave irradiance of a row."""
    known = ("air_temperature", "vapour_pressure", "cloud_fraction")
    ds = scene(**{name: float(row[name]) for name in known if row[name]})
    return float(retrieved("dlr", "dlr", ds, method=row["method"], clouds="li").item())


@case("ulr", "emitted and reflected", "ulr: equation evaluated apart", 1e-6)
def _upward() -> Pair:
    names = ("surface_temperature", "broadband_emissivity", "downward_longwave")
    ds = scene(**{name: column(rows("ulr"), name) for name in names})
    return retrieved("ulr", "ulr", ds), column(rows("ulr"), "value")


@case("emissivity", "broad band from ASTER's bands", "bbe_aster: sofiaermida/Landsat_SMW_LST", 1e-6)
def _broad_band() -> Pair:
    (row,) = where("emissivity", case="bbe")
    bands = {f"aster_emissivity_{name[1:]}": value for name, value in given(row["given"]).items()}
    ds = scene(fvc=0.0, aster_ndvi=0.1, land_cover=16, **bands)
    return retrieved("broadband_emissivity", "emissivity", ds), float(row["value"])


@case("par", "fraction, hours of clear sky", "PAR-clear: Jacovides et al. 2003, abstract", 1e-9)
def _par() -> Pair:
    return retrieved("par", "par", clear_light(), method="fraction") / 800.0, one("PAR-clear", "share")


@case("par", "photons, umol a joule", "PAR-photons: McCree 1972", 1e-9)
def _photons() -> Pair:
    names = ("photon_flux", "par")
    photons, energy = (retrieved(name, "par", clear_light(), method="fraction") for name in names)
    return photons / energy, one("PAR-photons", "photons")


def clear_light() -> xr.Dataset:
    """Return 800 W m-2 under a clear sky."""
    return scene(downward_shortwave=800.0, clear_sky_index=1.0)


@case("net_radiation", "balance of four components, W m-2", "SURFRAD Alamosa: NOAA's own balance", 0.151)
def _balance() -> Pair:
    table = rows("net_radiation")
    parts = ("downward_shortwave", "downward_longwave", "upward_longwave")
    known = {name: column(table, name) for name in parts}
    ds = scene(albedo=column(table, "upward_shortwave") / known["downward_shortwave"], **known)
    names = ["net_radiation", "net_shortwave", "net_longwave"]
    made = ml.retrieve("net_radiation", ds, uncertainty=False)
    return [made[name].values for name in names], [column(table, name) for name in names]


@case("net_radiation", "closure of the longwave part, W m-2 (kernel)", "both forms of the balance, identity", 1e-9)
def _closure() -> Pair:
    draw = np.random.Generator(np.random.Philox(4))
    albedo, light, down = draw.uniform(0, 1, 50), draw.uniform(0, 1000, 50), draw.uniform(150, 450, 50)
    warm, emissivity = draw.uniform(240, 330, 50), draw.uniform(0.8, 1, 50)
    up = longwave.upward(warm, emissivity, down)
    return longwave.net(albedo, light, down, up), longwave.net_of_emitted(albedo, light, down, warm, emissivity)
