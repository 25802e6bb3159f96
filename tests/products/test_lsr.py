"""Surface reflectance: runs of 6S, forward and back, its bits and its uncertainty, and what feeds it."""

import csv
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from products.air_scenes import ANGLES, data, draw, given, scene

import musyq_lab as ml
from musyq_lab.core.errors import InputError
from musyq_lab.products.lsr import SPEC
from musyq_lab.standard import correction

REFERENCE = Path(__file__).parents[1] / "reference"
BITS = {flag.name: flag.mask for flag in SPEC.flags}
SURFACE = {"blue": 0.05, "red": 0.08, "nir": 0.32, "swir2": 0.12}
SIZE = 20


def rows(name):
    lines = (REFERENCE / name).read_text("utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def point(value, units):
    return xr.DataArray(np.float64(value), attrs={"units": units})


def inputs_of(row, vapour=29.3, ozone=319.0, pressure=1013.0):
    """Return angles and air of a row of the reference tables, whose profile is the midlatitude summer of 6S."""
    angles = {name: point(row[name], "degree") for name in ANGLES}
    air = {"aod": point(row["aod"], "1"), "water_vapour": point(vapour, "kg m-2"), "ozone": point(ozone, "DU")}
    return {**angles, **air, "surface_pressure": point(100.0 * pressure, "Pa")}


def told(made, name):
    return (made["lsr_qa"].values & BITS[name]) > 0


@pytest.fixture(scope="module")
def hazy():
    return scene("landsat_oli", SURFACE, 0.3, size=SIZE)


@pytest.fixture(scope="module")
def corrected(hazy):
    return ml.retrieve("lsr", hazy, aod=data(0.3, "1", SIZE), **given(SIZE))


# ---- published -------------------------------------------------------------------------------------------------------
BANDS = {"Landsat8_OLI_B4": ("red", "landsat_oli/"), "Landsat8_OLI_B2": ("blue", "landsat_oli/")}
BANDS |= {"S2A_B8A": ("nir_narrow", "sentinel2_msi/Sentinel-2A"), "MODIS_T3": ("blue", "modis/Terra")}


@pytest.mark.parametrize(
    "row",
    [row for row in rows("atmosphere.csv") if row["band"] in BANDS],
    ids=lambda row: f"{row['band']}-{row['aod']}",
)
def test_runs_of_6s(row):
    """The tables differ from runs of 6S with other responses by less than 0.0015 (test_atmosphere.py)."""
    role, sensor = BANDS[row["band"]]
    made = ml.retrieve("lsr", sensor=sensor, **{f"toa_reflectance_{role}": point(0.15, "1")}, **inputs_of(row))
    assert made[f"reflectance_{role}"].ndim == 0
    assert float(made[f"reflectance_{role}"]) == pytest.approx(float(row["corrected_015"]), abs=1.5e-3)


@pytest.mark.parametrize("row", rows("lsr.csv"), ids=lambda row: row["aod"])
@pytest.mark.parametrize("toa", [0.06, 0.15, 0.4])
def test_coefficients_of_6s_version_two(row, toa):
    """y = xap rho - xb, rho_s = y / (1 + xc y), in reflectance."""
    y = float(row["xap"]) * toa - float(row["xb"])
    expected = y / (1.0 + float(row["xc"]) * y)
    made = ml.retrieve("lsr", sensor="landsat_oli/", toa_reflectance_red=point(toa, "1"), **inputs_of(row))
    assert float(made["reflectance_red"]) == pytest.approx(expected, abs=2e-3)


# ---- identities ------------------------------------------------------------------------------------------------------
def test_forward_then_back(corrected):
    for role, value in SURFACE.items():
        np.testing.assert_allclose(corrected[f"reflectance_{role}"], value, atol=1e-4)


def test_it_is_the_correction_of_standard_scenes(hazy):
    """To the last bit: the product adds bits and names, not numbers."""
    air = {"aod": 0.2, "water_vapour": 20.0, "ozone": 300.0, "pressure": 950.0}
    azimuths = {"sun_azimuth": data(0.0, "degree", SIZE), "view_azimuth": hazy["relative_azimuth"]}
    whole = correction.correct(hazy.assign(azimuths), **air)
    fields = given(SIZE) | {"aod": data(0.2, "1", SIZE)}
    made = ml.retrieve("lsr", hazy, **fields)
    for role in SURFACE:
        np.testing.assert_array_equal(made[f"reflectance_{role}"], whole["reflectance"].sel(band=role))
        sigma = whole["reflectance_systematic"].sel(band=role)
        np.testing.assert_array_equal(made[f"reflectance_{role}_uncertainty"], sigma)


def test_names_agree_with_what_comes_after(corrected):
    ndvi = ml.retrieve("vi", corrected)["ndvi"]
    np.testing.assert_allclose(ndvi, (0.32 - 0.08) / (0.32 + 0.08), atol=1e-3)


def test_only_bands_that_are_there(corrected):
    assert {str(n) for n in corrected if not str(n).endswith(("_qa", "_uncertainty"))} == {
        f"reflectance_{role}" for role in SURFACE
    }


def test_more_aerosol_darkens_what_is_dark(hazy):
    low, high = (
        ml.retrieve("lsr", hazy, variables=["reflectance_blue"], aod=data(aod, "1", SIZE), **given(SIZE))
        for aod in (0.1, 0.5)
    )
    assert (low["reflectance_blue"] > high["reflectance_blue"]).all()


# ---- uncertainty -----------------------------------------------------------------------------------------------------
def test_sigma_covers_what_wrong_air_does(hazy):
    random = draw()
    aod_sigma, field = 0.06, given(SIZE)
    guesses = (0.3 + aod_sigma * random.normal(size=(SIZE, SIZE))).clip(0.01)
    sigma = data(aod_sigma, "1", SIZE)
    made = ml.retrieve("lsr", hazy, aod=data(guesses, "1", SIZE), aod_uncertainty=sigma, **field)
    for role in ("blue", "red"):
        error = np.abs(made[f"reflectance_{role}"] - SURFACE[role])
        inside = (error <= made[f"reflectance_{role}_uncertainty"]).mean()
        assert 0.6 < float(inside) < 0.8, role


def test_noise_of_the_measurement_is_joined(hazy):
    field = given(SIZE) | {"aod": data(0.3, "1", SIZE)}
    noisy = hazy.assign(reflectance_random=xr.full_like(hazy["reflectance"], 0.01))
    noisy["reflectance_systematic"] = xr.full_like(hazy["reflectance"], 0.0)
    plain, more = (ml.retrieve("lsr", ds, **field)["reflectance_red_uncertainty"] for ds in (hazy, noisy))
    gain = 1.0 / 0.75  # about 1 / (T (1 + S rho))
    assert float(np.sqrt(more**2 - plain**2).mean()) == pytest.approx(0.01 * gain, rel=0.2)


# ---- bits ------------------------------------------------------------------------------------------------------------
def test_bits_say_what_was_assumed(hazy, corrected):
    assumed = ml.retrieve("lsr", hazy)
    for name in ("aerosol_assumed", "vapour_assumed"):
        assert told(assumed, name).all()
        assert not told(corrected, name).any()
    assert not told(assumed, "sensor_assumed").any()
    assert not told(assumed, "nadir_assumed").any()
    nadir = ml.retrieve("lsr", hazy.drop_vars(["view_zenith", "relative_azimuth"]))
    assert told(nadir, "nadir_assumed").all()


def test_a_band_of_no_known_sensor(hazy):
    stranger = hazy.assign_attrs(sensor="gf1_wfv", platform="GF-1", camera="WFV1")
    made = ml.retrieve("lsr", stranger, variables=["reflectance_swir2"])
    assert told(made, "sensor_assumed").all()
    assert np.isfinite(made["reflectance_swir2"]).all()


def test_too_much_aerosol_is_told(hazy):
    made = ml.retrieve("lsr", hazy, aod=data(1.2, "1", SIZE), **given(SIZE))
    assert told(made, "negative").all()
    clear = ml.retrieve("lsr", hazy, aod=data(0.3, "1", SIZE), **given(SIZE))
    assert not told(clear, "negative").any()


def test_beyond_the_tables_there_is_no_value(hazy):
    low = hazy.assign(sun_zenith=hazy["sun_zenith"].where(hazy["x"] > hazy["x"][4], 85.0).assign_attrs(units="degree"))
    made = ml.retrieve("lsr", low, aod=data(0.3, "1", SIZE), **given(SIZE))
    edge = told(made, "outside_tables")
    assert edge[:, :5].all()
    assert not edge[:, 5:].any()
    assert np.isnan(made["reflectance_red"].values[edge]).all()
    assert np.isfinite(made["reflectance_red"].values[~edge]).all()


def test_clouds_of_the_scene_are_carried(hazy):
    cloudy = hazy.assign(qa=hazy["qa"].where(hazy["x"] > hazy["x"][3], 4).astype("uint16"))
    cloudy["qa"].attrs = {"flag_masks": np.array([4], "uint16"), "flag_meanings": "cloud"}
    made = ml.retrieve("lsr", cloudy)
    assert ((made["lsr_qa"] & 32) > 0).mean() == pytest.approx(0.2)


# ---- series, laziness, refusals --------------------------------------------------------------------------------------
def test_a_series_is_its_dates(hazy):
    stamps = np.array(["2019-07-01T03", "2019-12-01T03"], "datetime64[ns]")
    names = ["reflectance", "sun_zenith", "view_zenith", "relative_azimuth", "qa"]
    series = xr.concat([hazy[names]] * 2, "time").assign_coords(time=stamps)
    made = ml.retrieve("lsr", series)
    for k, stamp in enumerate(stamps):
        one = ml.retrieve("lsr", hazy.assign_attrs(time_coverage_start=str(stamp)))
        np.testing.assert_array_equal(made["reflectance_blue"].isel(time=k), one["reflectance_blue"])
    assert float(np.abs(made["reflectance_blue"].diff("time")).max()) > 1e-4  # summer and winter air


def test_lazy_scenes_stay_lazy(hazy, corrected):
    lazy = ml.retrieve("lsr", hazy.chunk({"y": 7, "x": 11}), aod=data(0.3, "1", SIZE), **given(SIZE))
    assert isinstance(lazy["reflectance_red"].data, da.Array)
    xr.testing.assert_equal(lazy.compute(), corrected)


def test_surface_reflectance_is_not_taken_again(hazy):
    with pytest.raises(InputError, match="toa_reflectance"):
        ml.retrieve("lsr", hazy.assign_attrs(reflectance_level="surface"))


def test_without_place_and_air_it_says_what_is_missing():
    row = rows("lsr.csv")[0]
    bare = {name: value for name, value in inputs_of(row).items() if name != "aod"}
    with pytest.raises(InputError, match=r"time_coverage_start|place"):
        ml.retrieve("lsr", sensor="landsat_oli/", toa_reflectance_red=point(0.15, "1"), **bare)
