"""Landsat Level-1 of every generation: numbers by the formula of the metadata, refusals instead of wrong numbers."""

import math
import re
import shutil

import dask
import numpy as np
import pytest
import xarray as xr
from sensors import make_landsat
from sensors.make_landsat import BANDS, DISTANCE, ELEVATION, K1, K2, NAMES, THERMAL, make

from musyq_lab.core.errors import InputError, MusyqError, SceneError
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


# Ways to say where it is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("instrument", "generation"), KINDS)
def test_any_file_the_folder_and_its_parent_open_the_same_scene(tmp_path, instrument, generation):
    made = make(tmp_path / "archive" / "scene", instrument, generation)
    ways = [made.mtl, made.files[0], made.folder, made.folder.parent, [str(f) for f in made.files]]
    scenes = [open_scene(way) for way in ways]
    for scene in scenes[1:]:
        xr.testing.assert_identical(scene, scenes[0])
        assert scene.encoding["files"] == scenes[0].encoding["files"]


def test_lower_case_names_open(tmp_path):
    made = make(tmp_path, "TM", "2014")
    expected = open_scene(tmp_path).load()
    for file in made.files:
        file.rename(file.with_name(file.name.lower()))
    found = open_scene(tmp_path).load()
    np.testing.assert_array_equal(found.red, expected.red)


def test_mixed_case_is_one_granule(tmp_path):
    made = make(tmp_path, "TM", "2014")
    made.mtl.rename(made.mtl.with_name(made.mtl.name.lower()))
    assert "red" in open_scene(tmp_path)


def test_espa_names_open(tmp_path):
    made = make(tmp_path, "OLI_TIRS", "2014")
    expected = open_scene(tmp_path).red.values
    for file in made.files[:-1]:
        file.rename(file.with_name(file.name.replace("_B", "_band").replace(".TIF", ".tif")))
    np.testing.assert_array_equal(open_scene(tmp_path).red.values, expected)


def test_renamed_metadata_are_found_by_content(tmp_path):
    made = make(tmp_path, "TM", "2014")
    expected = open_scene(tmp_path)
    renamed = made.mtl.rename(tmp_path / "metadata.txt")
    found = open_scene(renamed)
    assert found.attrs["sensor"] == "landsat_tm"
    for name in ("red", "tir1", "qa"):
        np.testing.assert_array_equal(found[name], expected[name])
    assert len(found.encoding["files"]) == 8


def test_a_granule_renamed_as_a_whole_is_found_by_content(tmp_path):
    made = make(tmp_path, "OLI_TIRS", "C2")
    expected = open_scene(tmp_path).load()
    for file in made.files:
        file.rename(file.with_name(file.name.replace(made.name, "beijing")))
    for way in (tmp_path, tmp_path / "beijing_MTL.txt"):
        found = open_scene(way)
        np.testing.assert_array_equal(found.red, expected.red)
        np.testing.assert_array_equal(found.qa, expected.qa)
        assert found.attrs["granule"] == "beijing"
        assert len(found.encoding["files"]) == len(made.files)


# Incomplete and mixed-up granules -------------------------------------------------------------------------------------


def test_a_missing_band_is_named_and_the_others_open(tmp_path):
    made = make(tmp_path)
    made.file("2").unlink()
    made.file("9").unlink()
    scene = open_scene(tmp_path)
    assert scene.attrs["bands_missing"] == "blue, cirrus"
    assert "blue" not in scene
    assert "red" in scene


def test_no_band_at_all_is_refused(tmp_path):
    made = make(tmp_path, bands=["8"], qa=False)
    with pytest.raises(SceneError, match=re.escape(f"{made.name} has none of the band files of 30 m")):
        open_scene(made.mtl)


def test_missing_metadata_are_asked_for(tmp_path):
    made = make(tmp_path)
    made.mtl.unlink()
    with pytest.raises(SceneError, match=r"lacks its metadata file \(\*_MTL.txt\), which holds gains"):
        open_scene(made.file("1"))


def test_a_band_that_is_there_twice_is_refused(tmp_path):
    made = make(tmp_path)
    shutil.copy(made.file("4"), made.file("4").with_suffix(".tiff"))
    with pytest.raises(SceneError, match=r"band 4 .* more than once"):
        open_scene(tmp_path)


def test_two_granules_in_a_folder_are_told_apart(tmp_path):
    first, second = make(tmp_path, "TM", "2014"), make(tmp_path, "OLI_TIRS", "C2")
    with pytest.raises(InputError, match=r"holds 2 granules: .*landsat_oli.*landsat_tm.*open_scenes"):
        open_scene(tmp_path)
    assert open_scene(first.mtl).attrs["sensor"] == "landsat_tm"
    assert open_scene(second.file("2")).attrs["sensor"] == "landsat_oli"
    assert open_scene(tmp_path, sensor="landsat_tm").attrs["granule"] == first.name


def test_a_band_of_another_shape_or_place_is_left_out_and_named(tmp_path):
    made = make(tmp_path)
    make_landsat.write_tiff(made.file("10"), made.counts["10"][:3, :3])
    make_landsat.write_tiff(made.file("11"), made.counts["11"], origin=(486615.0, -375000.0))
    make_landsat.write_tiff(made.file("9"), made.counts["9"], crs="EPSG:32621")
    scene = open_scene(tmp_path)
    assert scene.red.shape == (6, 5)
    assert scene.attrs["bands_missing"] == "cirrus, tir1, tir2"


def test_a_quality_layer_of_another_place_is_not_used(tmp_path):
    made = make(tmp_path)
    make_landsat.write_tiff(tmp_path / f"{made.name}_QA_PIXEL.TIF", made.qa, origin=(0.0, 0.0))
    scene = open_scene(tmp_path)
    assert scene.attrs["quality_layer"] == "none"
    assert scene.qa.shape == (6, 5)


def test_bands_without_georeference_open_in_pixels(tmp_path):
    made = make(tmp_path, "TM", "2014")
    for band, counts in made.counts.items():
        make_landsat.write_tiff(made.file(band), counts, crs=None)
    scene = open_scene(tmp_path)
    assert "x" not in scene.coords
    np.testing.assert_allclose(scene.red, reflectance(made, "3"), rtol=1e-6)


def test_a_truncated_empty_or_foreign_band_is_refused_by_name(tmp_path):
    made = make(tmp_path, shape=(60, 50))
    whole = made.file("4").read_bytes()
    for content, reason in (
        (whole[: len(whole) // 2], "cut short"),
        (whole[:100], "B4.TIF"),
        (b"", "empty"),
        (b"<html>not found</html>", "neither GeoTIFF nor JPEG 2000"),
        (b'<VRTDataset rasterXSize="1" rasterYSize="1"></VRTDataset>', "neither GeoTIFF nor JPEG 2000"),
    ):
        made.file("4").write_bytes(content)
        with pytest.raises(SceneError, match=reason) as caught:
            open_scene(tmp_path)
        assert "B4.TIF" in str(caught.value)


def test_a_file_named_tm_with_content_of_oli_is_refused(tmp_path):
    made = make(tmp_path, "OLI_TIRS", "C1", name=NAMES["TM", "C1"])
    with pytest.raises(SceneError, match=r"taken for Landsat Thematic Mapper .* but its content says Landsat OLI"):
        open_scene(made.mtl)
    with pytest.raises(SceneError, match=r"MTL.txt is of the scene LC08"):
        open_scene(tmp_path)


@pytest.mark.parametrize("wrong", ["landsat_tm", "landsat_etm"])
def test_a_wrong_sensor_is_refused(tmp_path, wrong):
    made = make(tmp_path)
    with pytest.raises(SceneError, match=r"was taken for .* but its content says Landsat OLI/TIRS"):
        open_scene(made.mtl, sensor=wrong)
    with pytest.raises(SceneError, match=r"holds no granule of Landsat .*Leave sensor= out"):
        open_scene(tmp_path, sensor=wrong)
    with pytest.raises(MusyqError, match=r"cannot|lacks"):
        open_scene(made.file("4"), sensor=wrong)


def test_metadata_of_another_scene_are_refused(tmp_path):
    made = make(tmp_path, "TM", "C1")
    edit(made, "LT05_L1TP_224063_19880814_20170208_01_T1", "LT05_L1TP_224063_19990814_20170208_01_T1")
    edit(made, "LT52240631988227CUB02", "LT52240631999227CUB02")
    with pytest.raises(
        SceneError, match=r"is of the scene LT05_L1TP_224063_19990814.*not of LT05_L1TP_224063_19880814"
    ):
        open_scene(tmp_path)


def test_metadata_of_the_multispectral_scanner_are_refused(tmp_path):
    made = make(tmp_path, "TM", "2014")
    edit(made, 'SENSOR_ID = "TM"', 'SENSOR_ID = "MSS"')
    with pytest.raises(SceneError, match=r"instrument MSS, not of Landsat Thematic Mapper"):
        open_scene(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("COLLECTION_NUMBER = 02", "COLLECTION_NUMBER = 03", "Collection 03, which this package does not know"),
        ("COLLECTION_NUMBER = 02", "COLLECTION_NUMBER = x", "Collection x"),
        ('"L1TP"', '"L2SP"', "Level-2 product .*open_product"),
        ("LANDSAT_8", "LANDSAT_3", "says LANDSAT_3, which does not carry"),
    ],
)
def test_unknown_versions_are_refused(tmp_path, old, new, reason):
    made = make(tmp_path)
    edit(made, old, new)
    with pytest.raises(SceneError, match=reason):
        open_scene(tmp_path)


def test_opening_reads_no_pixel(tmp_path):
    make(tmp_path)

    def never(*arguments, **keywords):
        raise AssertionError("a pixel was read")

    with dask.config.set(scheduler=never):
        for calibration in ("counts", "radiance", "reflectance"):
            scene = open_scene(tmp_path, calibration=calibration)
            assert all(dask.is_dask_collection(scene[name].data) for name in ("red", "tir1", "qa"))
        with pytest.raises(AssertionError):
            scene.red.load()


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


def edit(made, old, new):
    text = made.mtl.read_text()
    assert old in text
    made.mtl.write_text(text.replace(old, new))
