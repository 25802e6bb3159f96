"""Landsat-8 on real granules: the metadata's own formulas, satpy's reader, and USGS surface reflectance."""

import numpy as np
import pytest
from sensors import real_landsat as by_hand
from sensors.shared_data import shared

from musyq_lab.core.errors import SceneError
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.core.resources import resource
from musyq_lab.sensors._folder import open_scenes
from musyq_lab.sensors._open import open_scene
from musyq_lab.sensors.landsat_oli import SPEC

REFLECTIVE = {b.name: b.native for b in SPEC.bands_of("Landsat-8") if not b.thermal}
THERMAL = {b.name: b.native for b in SPEC.bands_of("Landsat-8") if b.thermal}
SAMPLE = "samples/landsat/LC08_L1TP_195025_20130707_20170503_01_T1"
WHOLE = "landsat8_C1_L1TP_016037_20170813"
PAIR = "landsat8_L1_SR_pair_232083_20160209"


def folder_of(name):
    return resource(f"catalogs/{name}") if name.startswith("samples") else shared(name)


@pytest.mark.parametrize("name", [SAMPLE, WHOLE, PAIR])
def test_reflectance_radiance_temperature_and_counts_of_a_real_granule(name):
    folder = folder_of(name)
    mtl = by_hand.entries(folder)
    scene, radiances, counts = (open_scene(folder, calibration=c) for c in ("reflectance", "radiance", "counts"))
    prefix = "band" if name == PAIR else "B"
    seen = 0
    for role, band in {**REFLECTIVE, **THERMAL}.items():
        if role not in scene:
            assert role == "pan" or role in scene.attrs["bands_missing"]
            continue
        raw = by_hand.counts(folder, f"{prefix}{band}")
        np.testing.assert_array_equal(counts[role], raw)
        assert counts[role].dtype == raw.dtype
        radiance = by_hand.radiance(raw, mtl, band)
        by_hand.same(radiances[role], radiance, within=1e-6, least=1e-3 * mtl[f"RADIANCE_MULT_BAND_{band}"])
        if role in THERMAL:
            k1, k2 = mtl[f"K1_CONSTANT_BAND_{band}"], mtl[f"K2_CONSTANT_BAND_{band}"]
            expected = by_hand.temperature(radiance, k1, k2)
            np.testing.assert_allclose(scene[role], expected, rtol=0, atol=1e-4)
        else:
            by_hand.same(scene[role], by_hand.reflectance(raw, mtl, band), within=1e-6)
        seen += 1
    assert seen == (8 if name == PAIR else 10)


def test_the_panchromatic_band_of_a_real_granule():
    folder = shared(WHOLE)
    expected = by_hand.reflectance(by_hand.counts(folder, "B8"), by_hand.entries(folder), "8")
    by_hand.same(open_scene(folder, resolution=15).pan, expected, within=1e-6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [SAMPLE, WHOLE])
def test_satpy_reads_the_same(tmp_path, name):
    folder = folder_of(name)
    names = {"B2": "blue", "B4": "red", "B5": "nir", "B7": "swir2", "B10": "tir1", "B11": "tir2"}
    theirs = by_hand.by_satpy(folder, tmp_path, "oli_tirs_l1_tif", list(names))
    ours = open_scene(folder)
    cosine = np.cos(np.radians(float(ours.sun_zenith)))
    for band, role in names.items():
        expected = theirs[band] if role in THERMAL else theirs[band] / 100.0 / cosine
        filled = by_hand.counts(folder, band) == 0
        np.testing.assert_allclose(ours[role].values[~filled], expected[~filled], rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("name", [SAMPLE, WHOLE])
def test_quality_bits_of_a_real_granule(name):
    """Collection 1 quality band by LSDS-1656, decoded here from its binary digits."""
    folder = folder_of(name)
    layer = by_hand.counts(folder, "BQA")
    values, places = np.unique(layer, return_inverse=True)
    digits = [f"{value:016b}"[::-1] for value in values]
    qa = open_scene(folder).qa.values
    for flag, told in {
        "no_data": [d[0] == "1" for d in digits],
        "terrain_shadow": [d[1] == "1" for d in digits],
        "cloud": [d[4] == "1" for d in digits],
        "cloud_possible": [d[5:7] == "01" for d in digits],
        "cloud_shadow": [d[7:9] == "11" for d in digits],
        "snow_ice": [d[9:11] == "11" for d in digits],
        "cirrus": [d[11:13] == "11" for d in digits],
    }.items():
        expected = np.array(told)[places].reshape(layer.shape)
        np.testing.assert_array_equal((qa & SCENE_FLAG[flag].mask).astype(bool), expected, err_msg=flag)
    saturated = np.array([d[2:4] != "00" for d in digits])[places].reshape(layer.shape)
    assert not (saturated & ~(qa & SCENE_FLAG["saturated"].mask).astype(bool)).any()


def test_clouds_of_a_real_granule_are_bright_and_cold():
    scene = open_scene(shared(WHOLE)).load()
    cloud = (scene.qa & SCENE_FLAG["cloud"].mask).astype(bool)
    clear = ~cloud & ~(scene.qa & (SCENE_FLAG["no_data"].mask | SCENE_FLAG["cloud_possible"].mask)).astype(bool)
    assert 1000 < int(cloud.sum()) < int(clear.sum())
    assert float(scene.blue.where(cloud).median()) > 1.8 * float(scene.blue.where(clear).median())
    assert float(scene.tir1.where(cloud).median()) < float(scene.tir1.where(clear).median()) - 3.0


def test_the_atmosphere_brightens_blue_and_hardly_touches_the_shortwave_infrared():
    """USGS surface reflectance of the same pixels: Rayleigh scattering adds to blue, little is left beyond 1.6 um."""
    folder = shared(PAIR)
    scene = open_scene(folder)
    added = {}
    for band, role in {"2": "blue", "3": "green", "4": "red", "5": "nir", "6": "swir1", "7": "swir2"}.items():
        surface = by_hand.counts(folder, f"sr_band{band}").astype(float)
        surface[(surface < 1) | (surface > 16000)] = np.nan
        surface *= 1e-4
        added[role] = float(np.nanmedian(scene[role].values - surface))
        assert np.corrcoef(scene[role].values.ravel(), np.nan_to_num(surface, nan=0.0).ravel())[0, 1] > 0.95
    assert added["blue"] > added["green"] > added["red"]
    assert 0.03 < added["blue"] < 0.10
    assert abs(added["swir1"]) < 0.02
    assert abs(added["swir2"]) < 0.02


def test_temperature_of_a_summer_morning_is_that_of_the_weather_station():
    """Mendoza, 14:27 UTC (11:27 local): air at 24 to 32 degree Celsius, dry ground warmer, irrigated land cooler."""
    scene = open_scene(shared(PAIR)).load()
    assert 295.0 < float(scene.tir1.median()) < 320.0
    assert abs(float((scene.tir1 - scene.tir2).median())) < 4.0


def test_a_series_without_metadata_is_refused_with_the_reason():
    series = shared("landsat8_L1_series_NewYork_2018")
    one = next(series.glob("LC08_L1TP_013032_20180131*"))
    with pytest.raises(SceneError, match=r"LC08_L1TP_013032_20180131 lacks its metadata file .*Put it beside"):
        open_scene(one)
    every = open_scenes(series)
    assert len(every) == 0
    assert len(every.report) == 19
    assert all("lacks its metadata file" in reason for reason in every.rejected.values())


def test_surface_reflectance_beside_the_counts_is_not_taken_for_them():
    scene = open_scene(shared(PAIR), calibration="counts")
    assert scene.attrs["bands_missing"] == "coastal, cirrus"
    assert float(scene.blue.min()) > 5000  # surface reflectance x 1e4 would be below
