"""Landsat granules as people have them: named, renamed, incomplete, mixed up; an error instead of a wrong number."""

import re
import shutil

import dask
import numpy as np
import pytest
import xarray as xr
from sensors import make_landsat
from sensors.make_landsat import NAMES, edit, make

from musyq_lab.core.errors import InputError, MusyqError, SceneError
from musyq_lab.sensors._open import open_scene

KINDS = sorted(NAMES)


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


def test_a_list_of_files_is_those_files_alone(tmp_path):
    """Beside them lie others of the granule; only what is listed counts."""
    made = make(tmp_path)
    scene = open_scene([made.mtl, made.file("4")])
    assert [name for name in scene.data_vars if "wavelength" in scene[name].attrs] == ["red"]
    with pytest.raises(SceneError, match="lacks"):
        open_scene([made.file("4")])
