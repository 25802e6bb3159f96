"""Landsat Level-1 of every generation: numbers by the formula of the metadata, refusals instead of wrong numbers."""

import math

import numpy as np
import pytest
from sensors import make_landsat
from sensors.make_landsat import BANDS, DISTANCE, ELEVATION, K1, K2, NAMES, THERMAL, edit, make

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.kernels.solar import sun_position
from musyq_lab.sensors._mtl import read_mtl
from musyq_lab.sensors._open import open_scene, scene_grids
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.sensors.landsat_etm import ESUN as ETM_ESUN
from musyq_lab.sensors.landsat_tm import ESUN as TM_ESUN

KEY = {"TM": "landsat_tm", "ETM": "landsat_etm", "OLI_TIRS": "landsat_oli"}
COSINE = math.sin(math.radians(ELEVATION))
KINDS = sorted(NAMES)


def role(instrument, band):
    return SENSORS[KEY[instrument]].band(band).name


def radiance(made, band):
    counts = made.counts[band].astype(float)
    number = made.number(band)
    values = make_landsat.gain(number, made.instrument) * counts + make_landsat.offset(number)
    if made.generation == "2010":  # LMIN belongs to the count 1
        values -= make_landsat.gain(number, made.instrument)
    return np.where(counts == 0, np.nan, values)


def reflectance(made, band):
    if made.generation in ("C1", "C2") or made.instrument == "OLI_TIRS":
        counts = made.counts[band].astype(float)
        return np.where(counts == 0, np.nan, (2e-5 * counts - 0.1) / COSINE)
    esun = {"TM": TM_ESUN.get("Landsat-5"), "ETM": ETM_ESUN["Landsat-7"]}[made.instrument][band]
    distance = float(sun_position(np.datetime64(f"{make_landsat.DATE}T13:00:47.375")).distance)
    return math.pi * radiance(made, band) * distance**2 / (esun * COSINE)


def temperature(made, band):
    k1, k2 = K1, K2
    if made.generation in ("2010", "2014") and made.instrument != "OLI_TIRS":
        k1, k2 = {"TM": (607.76, 1260.56), "ETM": (666.09, 1282.71)}[made.instrument]
    values = radiance(made, band)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(values > 0, k2 / np.log(k1 / values + 1.0), np.nan)


def on_grid(made, resolution=30):
    return [band for band in made.counts if (band == "8") == (resolution == 15)]


# What is put in comes back, for every generation --------------------------------------------------------------------


@pytest.mark.parametrize(("instrument", "generation"), KINDS)
def test_reflectance_and_temperature_follow_the_metadata(tmp_path, instrument, generation):
    made = make(tmp_path / "scene", instrument, generation)
    scene = open_scene(tmp_path / "scene")
    assert scene.attrs["sensor"] == KEY[instrument]
    for band in on_grid(made):
        found = scene[role(instrument, band)]
        if band in THERMAL[instrument]:
            assert found.attrs["units"] == "K"
            np.testing.assert_allclose(found, temperature(made, band), rtol=0, atol=1e-4)
        else:
            assert found.attrs["units"] == "1"
            np.testing.assert_allclose(found, reflectance(made, band), rtol=1e-6, atol=1e-6)
        assert found.dtype == np.float32
        assert np.isnan(found.values[0, 0])


@pytest.mark.parametrize(("instrument", "generation"), KINDS)
def test_radiance_and_counts_follow_the_file(tmp_path, instrument, generation):
    made = make(tmp_path, instrument, generation)
    radiances, counts = (open_scene(made.mtl, calibration=c) for c in ("radiance", "counts"))
    for band in on_grid(made):
        name = role(instrument, band)
        assert radiances[name].attrs["units"] == "W m-2 sr-1 um-1"
        quantum = make_landsat.gain(made.number(band), instrument)
        np.testing.assert_allclose(radiances[name], radiance(made, band), rtol=1e-6, atol=1e-3 * quantum)
        assert counts[name].dtype == made.counts[band].dtype
        np.testing.assert_array_equal(counts[name], made.counts[band])
        assert counts[name].attrs["fill_values"] == [0.0]


@pytest.mark.parametrize(("instrument", "generation"), [k for k in KINDS if k[0] != "TM"])
def test_the_panchromatic_band_has_a_grid_of_its_own(tmp_path, instrument, generation):
    made = make(tmp_path, instrument, generation)
    assert scene_grids(tmp_path)[15] == ["pan"]
    scene = open_scene(tmp_path, resolution=15)
    assert list(scene.data_vars) == ["pan", "sun_zenith", "sun_azimuth", "qa"]
    np.testing.assert_allclose(scene.pan, reflectance(made, "8"), rtol=1e-6, atol=1e-6)
    assert scene.x[1] - scene.x[0] == 15.0
    assert "pan" not in open_scene(tmp_path)
    with pytest.raises(InputError, match=r"no grid of 10 m\. It has 15, 30 m"):
        open_scene(tmp_path, resolution=10)


def test_scene_says_when_where_and_by_what(tmp_path):
    scene = open_scene(make(tmp_path).mtl)
    assert scene.attrs["platform"] == "Landsat-8"
    assert scene.attrs["time_coverage_start"] == "2001-08-15T13:00:47.375Z"
    assert scene.attrs["collection"] == "02"
    assert scene.attrs["quality_layer"] == "QA_PIXEL"
    assert scene.attrs["processing_level"] == "L1TP"
    assert "bands_missing" not in scene.attrs
    assert scene.rio.crs.to_epsg() == 32622
    np.testing.assert_array_equal(scene.x, 486600.0 + 30 * (np.arange(5) + 0.5))
    np.testing.assert_array_equal(scene.y, -375000.0 - 30 * (np.arange(6) + 0.5))
    np.testing.assert_allclose(scene.sun_zenith, 90 - ELEVATION, rtol=1e-7)
    np.testing.assert_allclose(scene.sun_azimuth, make_landsat.AZIMUTH, rtol=1e-7)


def test_negative_azimuth_is_turned_to_0_to_360(tmp_path):
    made = make(tmp_path)
    edit(made, "SUN_AZIMUTH = 61.96724978", "SUN_AZIMUTH = -61.5")
    assert float(open_scene(tmp_path).sun_azimuth) == 298.5


def test_both_thermal_gains_of_etm_give_their_own_temperature(tmp_path):
    made = make(tmp_path, "ETM", "C1")
    scene = open_scene(tmp_path)
    assert scene.tir1.attrs["native_band"] == "6_VCID_1"
    assert scene.tir1_high_gain.attrs["native_band"] == "6_VCID_2"
    np.testing.assert_allclose(scene.tir1_high_gain, temperature(made, "6_VCID_2"), rtol=0, atol=1e-4)


def test_landsat_9_takes_its_own_bands(tmp_path):
    made = make(tmp_path)
    edit(made, "LANDSAT_8", "LANDSAT_9")
    scene = open_scene(tmp_path)
    assert scene.attrs["platform"] == "Landsat-9"
    assert scene.tir1.attrs["wavelength"] == 10.8372


def test_landsat_4_takes_its_own_constants(tmp_path):
    made = make(tmp_path, "TM", "2014", name="LT42240631988227CUB02")
    for old, new in (("LANDSAT_5", "LANDSAT_4"), ("LT52240631988227CUB02", "LT42240631988227CUB02")):
        edit(made, old, new)
    scene = open_scene(tmp_path)
    assert scene.attrs["platform"] == "Landsat-4"
    np.testing.assert_allclose(scene.nir, reflectance(made, "4") * 1031.0 / 1028.0, rtol=1e-6)
    with np.errstate(invalid="ignore"):
        expected = 1284.30 / np.log(671.62 / radiance(made, "6") + 1.0)
    np.testing.assert_allclose(scene.tir1, expected, rtol=0, atol=1e-4)


# Quality bits --------------------------------------------------------------------------------------------------------

CONFIDENCE = {  # of our bits: (lowest bit, width, values), counted here from the documents' tables, not from the code
    "C1": {
        "terrain_shadow": [(1, 1, {1})],
        "cloud": [(4, 1, {1})],
        "cloud_possible": [(5, 2, {2})],
        "cloud_shadow": [(7, 2, {3})],
        "snow_ice": [(9, 2, {3})],
        "cirrus": [(11, 2, {3})],
        "water": [],
    },
    "C2": {
        "cirrus": [(2, 1, {1})],
        "cloud": [(1, 1, {1}), (3, 1, {1})],
        "cloud_shadow": [(4, 1, {1})],
        "snow_ice": [(5, 1, {1})],
        "water": [(7, 1, {1})],
        "cloud_possible": [(8, 2, {2})],
        "terrain_shadow": [],
    },
}


@pytest.mark.parametrize("generation", ["C1", "C2"])
def test_bits_of_the_quality_layer(tmp_path, generation):
    made = make(tmp_path, generation=generation, shape=(60, 50))
    qa = open_scene(tmp_path).qa
    assert qa.dtype == np.uint16
    for flag, fields in CONFIDENCE[generation].items():
        expected = [
            any((int(value) >> low) % (1 << width) in values for low, width, values in fields)
            for value in made.qa.ravel()
        ]
        np.testing.assert_array_equal(bit(qa, flag).ravel(), expected, err_msg=flag)
    fill = (made.qa & 1).astype(bool)
    fill[0, 0] = True
    np.testing.assert_array_equal(bit(qa, "no_data"), fill)


def test_saturation_is_told_by_counts_and_by_the_layer(tmp_path):
    made = make(tmp_path, generation="2014")
    expected = np.any([made.counts[b] == 65535 for b in on_grid(made)], axis=0)
    assert expected.sum() == 1
    np.testing.assert_array_equal(bit(open_scene(tmp_path).qa, "saturated"), expected)


def test_no_data_only_where_every_band_has_none(tmp_path):
    made = make(tmp_path, "TM", "2014")
    made.counts["3"][2, 2] = 0
    make_landsat.write_tiff(made.file("3"), made.counts["3"])
    scene = open_scene(tmp_path)
    assert bit(scene.qa, "no_data").sum() == 1
    assert np.isnan(scene.red.values[2, 2])
    assert np.isfinite(scene.nir.values[2, 2])


def test_a_scene_without_quality_layer_says_so(tmp_path):
    make(tmp_path, qa=False)
    scene = open_scene(tmp_path)
    assert scene.attrs["quality_layer"] == "none"
    assert not bit(scene.qa, "cloud").any()


def bit(qa, flag):
    return (np.asarray(qa) & SCENE_FLAG[flag].mask).astype(bool)


def test_bands_without_georeference_open_in_pixels(tmp_path):
    made = make(tmp_path, "TM", "2014")
    for band, counts in made.counts.items():
        make_landsat.write_tiff(made.file(band), counts, crs=None)
    scene = open_scene(tmp_path)
    assert "x" not in scene.coords
    np.testing.assert_allclose(scene.red, reflectance(made, "3"), rtol=1e-6)


def test_below_the_horizon_there_is_no_reflectance_but_temperature(tmp_path):
    made = make(tmp_path)
    edit(made, f"SUN_ELEVATION = {ELEVATION}", "SUN_ELEVATION = -10.0")
    scene = open_scene(tmp_path)
    assert np.isnan(scene.red).all()
    np.testing.assert_allclose(scene.tir1, temperature(made, "10"), rtol=0, atol=1e-4)


def test_distance_is_that_of_the_metadata(tmp_path):
    assert float(read_mtl(make(tmp_path).mtl).number("EARTH_SUN_DISTANCE")) == DISTANCE


def test_bands_of_the_spec_are_those_of_the_instrument():
    for instrument, key in KEY.items():
        assert sorted(b.native for b in SENSORS[key].bands_of()) == sorted(BANDS[instrument])
        assert tuple(b.native for b in SENSORS[key].bands_of() if b.thermal) == THERMAL[instrument]
