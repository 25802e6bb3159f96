"""Updates of calibration and radiometric uncertainty: formulas, tables, laziness, faults in words."""

import csv

import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard import _calibrate_tables as tables
from musyq_lab.standard import calibrate


def scene(sensor="landsat_oli", platform="Landsat-8", bands=("blue", "red", "nir"), thermal=(), **attrs) -> xr.Dataset:
    """A small standard scene at the top of the atmosphere."""
    rho = np.linspace(0.0, 0.6, len(bands) * 6, dtype=np.float32).reshape(len(bands), 2, 3)
    rho[0, 0, 1] = np.nan
    made = xr.Dataset({"reflectance": (("band", "y", "x"), rho, {"units": "1"})}, {"band": list(bands)})
    if thermal:
        kelvin = np.full((len(thermal), 2, 3), 295.0, np.float32)
        made["brightness_temperature"] = (("thermal_band", "y", "x"), kelvin)
        made = made.assign_coords(thermal_band=list(thermal))
    return made.assign_attrs(
        {
            "sensor": sensor,
            "platform": platform,
            "time_coverage_start": "2019-07-01T03:00:00Z",
            "reflectance_level": "top of atmosphere",
            "history": "opened",
            **attrs,
        }
    )


def rows(**changes) -> pd.DataFrame:
    """One update of the red band of Landsat-8."""
    row = {"sensor": "landsat_oli", "band": "red", "gain": 1.04, "offset": -0.002, "source": "own field campaign"}
    return pd.DataFrame([{**row, **changes}])


# ---- uncertainty -----------------------------------------------------------------------------------------------------
def test_noise_is_that_of_photons():
    found = calibrate.recalibrate(scene())
    rho = scene().reflectance
    for band, snr in (("blue", 130.0), ("red", 90.0), ("nir", 90.0)):
        expected = np.sqrt(0.1 * rho.sel(band=band)) / snr
        np.testing.assert_allclose(found.reflectance_random.sel(band=band), expected, rtol=1e-6)
    at_reference = scene().assign(reflectance=xr.full_like(rho, 0.1))
    ratio = 0.1 / calibrate.recalibrate(at_reference).reflectance_random.sel(band="red")
    np.testing.assert_allclose(ratio, 90.0, rtol=1e-6)


def test_calibration_error_is_relative():
    found = calibrate.recalibrate(scene())
    np.testing.assert_allclose(found.reflectance_systematic, 0.02 * scene().reflectance, rtol=1e-6)
    below = scene().assign(reflectance=xr.full_like(scene().reflectance, -0.01))
    dark = calibrate.recalibrate(below)
    np.testing.assert_allclose(dark.reflectance_systematic, 2e-4, rtol=1e-6)
    assert (dark.reflectance_random == 0.0).all()


def test_layout_attributes_and_history():
    found = calibrate.recalibrate(scene())
    for name in ("reflectance_random", "reflectance_systematic"):
        assert found[name].dims == found.reflectance.dims
        assert found[name].dtype == np.float32
        assert found[name].attrs["units"] == "1"
        np.testing.assert_array_equal(found[name].isnull(), found.reflectance.isnull())
    xr.testing.assert_identical(found.reflectance, scene().reflectance)
    assert found.attrs["history"].splitlines()[1].startswith("recalibrate(table=null, uncertainty=true)")
    lines = found.attrs["calibration_sources"].splitlines()
    assert [line.split(":")[0] for line in lines] == ["blue", "red", "nir"]
    assert "10.3390/rs61212275" in lines[0]


def test_missing_signal_to_noise_is_assumed_and_said():
    found = calibrate.recalibrate(scene("gf1_wfv", "GF-1", ("blue", "red"), camera="WFV2"))
    rho = scene("gf1_wfv", "GF-1", ("blue", "red")).reflectance
    np.testing.assert_allclose(found.reflectance_random, np.sqrt(0.1 * rho) / 200.0, rtol=1e-6)
    assert all("SNR 200 assumed" in line for line in found.attrs["calibration_sources"].splitlines())
    assert "SNR" not in calibrate.recalibrate(scene()).attrs["calibration_sources"]


def test_spread_of_gaofen_tables_is_added_in_quadrature():
    found = calibrate.recalibrate(scene("gf1_wfv", "GF-1", ("blue",), camera="WFV2", calibration_spread=0.11))
    share = found.reflectance_systematic[0, 1, 2] / found.reflectance[0, 1, 2]
    assert float(share) == pytest.approx(np.hypot(0.07, 0.11 / np.sqrt(12.0)), rel=1e-5)


def test_thermal_bands_have_their_noise():
    found = calibrate.recalibrate(scene(thermal=("tir1", "tir2")))
    assert found.brightness_temperature_random.dims == ("thermal_band",)
    np.testing.assert_allclose(found.brightness_temperature_random, [0.4, 0.4])
    agri = calibrate.recalibrate(scene("fy4a_agri", "FY-4A", ("blue",), ("tir1",)))
    np.testing.assert_allclose(agri.brightness_temperature_random, [calibrate.NEDT])
    only = scene(thermal=("tir1",)).drop_vars(["reflectance", "band"])
    assert float(calibrate.recalibrate(only).brightness_temperature_random[0]) == pytest.approx(0.4)


def test_uncertainties_of_the_scene_are_kept_and_combined():
    given = scene()
    given["reflectance_random"] = xr.full_like(given.reflectance, 0.003)
    given["reflectance_systematic"] = xr.full_like(given.reflectance, 0.004)
    own = calibrate.recalibrate(scene())
    both = calibrate.recalibrate(given)
    np.testing.assert_allclose(both.reflectance_random, np.hypot(0.003, own.reflectance_random), rtol=1e-6)
    np.testing.assert_allclose(both.reflectance_systematic, np.hypot(0.004, own.reflectance_systematic), rtol=1e-6)
    scaled = calibrate.recalibrate(given, table=rows(), uncertainty=False)
    np.testing.assert_allclose(scaled.reflectance_random.sel(band="red"), 0.003 * 1.04, rtol=1e-6)
    np.testing.assert_allclose(scaled.reflectance_random.sel(band="nir"), 0.003, rtol=1e-6)


def test_variant_chooses_the_row_of_the_camera():
    one = calibrate.recalibrate(scene("modis", "Terra", ("green",)))
    snr = SENSORS["modis"].band("green", "Terra").snr
    rho = scene("modis", "Terra", ("green",)).reflectance
    np.testing.assert_allclose(one.reflectance_random, np.sqrt(0.1 * rho) / (snr or calibrate.SNR), rtol=1e-6)


# ---- updates ---------------------------------------------------------------------------------------------------------
def test_nothing_is_applied_unasked():
    ahi = scene("himawari_ahi", "Himawari-8", ("red", "swir1"), time_coverage_start="2016-07-01T03:00:00")
    np.testing.assert_array_equal(calibrate.recalibrate(ahi).reflectance, ahi.reflectance)
    asked = calibrate.recalibrate(ahi, table="shipped")
    np.testing.assert_array_equal(asked.reflectance.sel(band="red"), ahi.reflectance.sel(band="red"))
    np.testing.assert_allclose(asked.reflectance.sel(band="swir1"), 0.952 * ahi.reflectance.sel(band="swir1"))
    assert "10.2151/jmsj.2018-033" in asked.attrs["calibration_sources"]
    later = ahi.assign_attrs(time_coverage_start="2019-07-01T03:00:00")
    np.testing.assert_array_equal(calibrate.recalibrate(later, table="shipped").reflectance, ahi.reflectance)


def test_update_acts_on_its_band_and_brings_its_uncertainty():
    found = calibrate.recalibrate(scene(), table=rows(uncertainty=0.01))
    rho = scene().reflectance
    np.testing.assert_allclose(found.reflectance.sel(band="red"), 1.04 * rho.sel(band="red") - 0.002, rtol=1e-6)
    np.testing.assert_array_equal(found.reflectance.sel(band="nir"), rho.sel(band="nir"))
    share = found.reflectance_systematic / found.reflectance
    np.testing.assert_allclose(share.sel(band="red"), 0.01, rtol=1e-5)
    np.testing.assert_allclose(share.sel(band="nir"), 0.02, rtol=1e-5)
    assert found.reflectance.attrs == rho.attrs
    assert found.reflectance.dtype == np.float32
    line = found.attrs["calibration_sources"].splitlines()[1]
    assert line.endswith("updated by 1.04 x + -0.002: own field campaign, then 0.01")


def test_factor_one_states_an_uncertainty_only():
    found = calibrate.recalibrate(scene(), table=rows(gain=1.0, offset=0.0, uncertainty=0.035))
    np.testing.assert_array_equal(found.reflectance, scene().reflectance)
    share = (found.reflectance_systematic / found.reflectance).sel(band="red")
    np.testing.assert_allclose(share, 0.035, rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "applies"),
    [
        ({"from": "2019-07-01", "to": "2019-07-02"}, True),
        ({"from": "2019-07-02"}, False),
        ({"to": "2019-07-01"}, False),
        ({"from": "2019-01-01"}, True),
        ({"platform": "Landsat-8"}, True),
        ({"platform": "Landsat-9"}, False),
        ({"band": "4"}, True),
        ({"sensor": "landsat_etm"}, False),
    ],
)
def test_rows_hold_for_dates_platforms_and_bands(changes, applies):
    found = calibrate.recalibrate(scene(), table=rows(**changes))
    assert bool((found.reflectance != scene().reflectance).sel(band="red").any()) == applies


def test_row_of_the_platform_goes_before_that_of_all():
    both = pd.concat([rows(gain=1.10), rows(gain=1.02, platform="Landsat-8")])
    found = calibrate.recalibrate(scene(), table=both)
    np.testing.assert_allclose(found.reflectance.sel(band="red"), 1.02 * scene().reflectance.sel(band="red") - 0.002)


def test_table_from_a_file(tmp_path):
    path = tmp_path / "mine.csv"
    rows().to_csv(path, index=False)
    found = calibrate.recalibrate(scene(), table=path)
    xr.testing.assert_equal(found.reflectance, calibrate.recalibrate(scene(), table=rows()).reflectance)
    assert "mine.csv" in found.attrs["history"]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (rows(sensor="landsat_ole"), "landsat_oli"),
        (rows(band="reed"), "no band 'reed'"),
        (rows(platform="Landsat-7"), "Landsat-7"),
        (rows(source=" "), "no source"),
        (rows(gain=104.0), "act on reflectance"),
        (rows(gain=""), "gain nan"),
        (rows(gain="much"), "no number in 'gain'"),
        (rows(offset=-20.0), "near 0"),
        (rows(uncertainty=3.0), "0.03 for 3 %"),
        (rows(**{"from": "yesterday noon"}), "no date in 'from'"),
        (rows(**{"from": "2020-01-01", "to": "2019-01-01"}), "ends before"),
        (rows().drop(columns="source"), "lacks the column 'source'"),
        (pd.concat([rows(), rows(source="another")]), "2 calibration updates hold"),
    ],
)
def test_faults_of_a_table_are_named(table, words):
    with pytest.raises(InputError, match=words):
        calibrate.recalibrate(scene(), table=table)


def test_faults_of_a_scene_are_named(tmp_path):
    with pytest.raises(InputError, match="surface"):
        calibrate.recalibrate(scene(reflectance_level="surface"))
    with pytest.raises(InputError, match="standard scene"):
        calibrate.recalibrate(xr.Dataset({"red": ("x", [0.1])}))
    with pytest.raises(InputError, match="time_coverage_start"):
        calibrate.recalibrate(scene(time_coverage_start="noon"), table=rows())
    with pytest.raises(NotFoundError, match="Give 'shipped'"):
        calibrate.recalibrate(scene(), table=tmp_path / "none.csv")


# ---- laziness --------------------------------------------------------------------------------------------------------
def no_work(*_arguments, **_options):
    """A scheduler that refuses."""
    raise AssertionError("computed while the graph was built")


def test_lazy_scene_stays_lazy_with_the_same_bits():
    given = scene(thermal=("tir1",))
    whole = calibrate.recalibrate(given, table=rows())
    with dask.config.set(scheduler=no_work):
        lazy = calibrate.recalibrate(given.chunk({"band": 1, "y": 1}), table=rows())
    for name in ("reflectance", "reflectance_random", "reflectance_systematic"):
        assert lazy[name].chunks is not None
    xr.testing.assert_identical(lazy.compute(), whole)


# ---- what ships ------------------------------------------------------------------------------------------------------
def test_shipped_updates_are_a_valid_table_with_sources():
    found = tables.updates("shipped")
    assert len(found) >= 7
    assert found["source"].str.len().min() > 40
    with resource(tables.UPDATES).open(encoding="utf-8") as file:
        assert {row["verified"] for row in csv.DictReader(file)} <= {"read", "copy", "derived"}


@pytest.mark.parametrize("sensor", SENSORS)
def test_every_band_of_every_sensor_has_an_uncertainty(sensor):
    spec = SENSORS[sensor]
    for platform in spec.platforms:
        for band in spec.bands:
            if not band.thermal:
                row = tables.uncertainty_of(sensor, (platform,), band)
                assert 0.01 <= row["uncertainty"] <= 0.2
                assert row["status"] in ("read", "derived", "assumed")
                assert row["source"]


def test_uncertainty_table_names_what_exists():
    with resource(tables.UNCERTAINTY).open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            spec = SENSORS[row["sensor"]]
            assert row["platform"] in ("", *spec.platforms)
            assert row["band"] in {"", *(b.name for b in spec.bands)}


def test_unknown_sensor_has_no_uncertainty():
    with pytest.raises(NotFoundError, match="no row"):
        tables.uncertainty_of("seawifs", (), SENSORS["modis"].bands[0])


# ---- the Sun ---------------------------------------------------------------------------------------------------------
def test_sun_distance_at_perihelion_and_aphelion():
    """Astronomical Almanac: 2020-01-05 07:48 UT 0.983244 AU, 2020-07-04 11:35 UT 1.016694 AU."""
    found = calibrate.sun_distance(["2020-01-05T07:48", "2020-07-04T11:35"])
    np.testing.assert_allclose(found, [0.983244, 1.016694], atol=2e-5)


def test_irradiance_of_a_flat_spectrum_is_flat():
    flat = xr.DataArray([1500.0, 1500.0], {"wavelength": [0.3, 3.0]}, ("wavelength",))
    assert calibrate.solar_irradiance("landsat_oli", "red", spectrum=flat) == pytest.approx(1500.0)
    line = xr.DataArray([1000.0, 2000.0], {"wavelength": [0.3, 1.3]}, ("wavelength",))
    centre = SENSORS["landsat_oli"].band("red").centre
    assert calibrate.solar_irradiance("landsat_oli", "red", spectrum=line) == pytest.approx(
        1000.0 * (1 + centre - 0.3), rel=2e-3
    )


def test_spectrum_must_cover_the_band():
    with pytest.raises(InputError, match="covers it"):
        calibrate.solar_irradiance("npp_viirs", "m1")


def bands_with_irradiance() -> pd.DataFrame:
    """Ratio of the irradiance over our response of G173 to ``Band.e0`` of every band that the spectrum covers."""
    found = {}
    for key in SENSORS:
        spec = SENSORS[key]
        for variant in spec.variants:
            for band in spec.bands_of(variant):
                if band.e0 and 0.412 < band.centre < 2.4 and not band.thermal:
                    ratio = calibrate.solar_irradiance(key, band.native, variant) / band.e0
                    found[key, variant, band.native] = (key, band.centre, ratio)
    return pd.DataFrame(list(found.values()), columns=["sensor", "centre", "ratio"])


def test_all_sensors_share_one_solar_spectrum():
    """G173 differs from TSIS-1 HSRS by up to 2.7 %, but by the same amount for all sensors at one wavelength."""
    found = bands_with_irradiance()
    assert len(found) > 200
    assert (np.abs(found["ratio"] - 1.0) < 0.028).all()
    compared = 0
    for row in found.itertuples():
        near = found[(np.abs(found["centre"] - row.centre) < 0.03) & (found["sensor"] != row.sensor)]
        if len(near) >= 3:
            compared += 1
            assert abs(row.ratio - near["ratio"].median()) < 0.01, (row, near)
    assert compared > 150
