"""FY-4A AGRI: what is put into small FDI files comes back; the faults of the files and of other readers are mended."""

import math
import pickle

import dask
import h5py
import numpy as np
import pytest
from sensors import make_agri as make

import musyq_lab as ml
from musyq_lab.core.errors import ArchiveError, SceneError
from musyq_lab.kernels.radiometry import planck_radiance


@pytest.fixture
def rng():
    return np.random.default_rng(4)


@pytest.fixture
def image(tmp_path, rng):
    counts = {c: rng.integers(100, 4000, (8, 12)) for c in range(1, 15)}
    return make.image(tmp_path, counts), counts


def refuse(*args, **kwargs):
    raise AssertionError("a pixel was read")


def test_reflectance_is_gain_and_offset_over_cosine(image):
    path, counts = image
    scene = ml.open_scene(path)
    cosine = np.cos(np.radians(scene.sun_zenith.values.astype(float)))
    for channel, name in ((1, "blue"), (2, "red"), (6, "swir2")):
        gain, offset = make.coefficients(channel)
        expected = (np.float32(gain) * counts[channel] + np.float32(offset)) / cosine
        assert np.abs(scene[name].values - expected).max() < gain / 100
        assert scene[name].units == "1"


def test_temperature_is_that_of_the_table(image):
    path, counts = image
    scene = ml.open_scene(path)
    for channel, name in ((7, "c07"), (8, "mir"), (12, "tir1"), (13, "tir2"), (14, "carbon_dioxide")):
        np.testing.assert_array_equal(scene[name], make.table(channel)[counts[channel]])
        assert scene[name].units == "K"


def test_counts_are_what_is_stored(image):
    path, counts = image
    scene = ml.open_scene(path, calibration="counts")
    for channel, name in ((1, "blue"), (12, "tir1")):
        np.testing.assert_array_equal(scene[name], counts[channel])
        assert scene[name].dtype == np.uint16


def test_radiance_of_thermal_bands_is_plancks(image):
    path, counts = image
    scene = ml.open_scene(path, calibration="radiance")
    expected = planck_radiance(float(make.table(12)[counts[12][0, 0]]), 10.8)
    assert float(scene.tir1[0, 0]) == pytest.approx(expected, rel=1e-5)
    assert scene.tir1.units == "W m-2 sr-1 um-1"
    assert "red" in scene.attrs["bands_missing"]


def test_no_radiance_at_all_is_refused(tmp_path):
    make.image(tmp_path, {c: np.full((4, 4), 500) for c in (1, 2, 3)}, resolution=1000)
    with pytest.raises(SceneError, match="no radiance"):
        ml.open_scene(tmp_path, resolution=1000, calibration="radiance")


def test_fill_is_missing_even_where_the_table_has_a_value_for_it(tmp_path):
    counts = {c: np.full((4, 4), 1000) for c in range(1, 15)}
    for values in counts.values():
        values[0, 0], values[0, 1] = 65535, 4096
    make.image(tmp_path, counts)
    scene = ml.open_scene(tmp_path)
    for name in ("c07", "tir1", "red"):
        assert np.isnan(scene[name].values[0, :2]).all(), name
        assert np.isfinite(scene[name].values).sum() == 14
    assert int(scene.qa[0, 0]) == 1
    assert int(scene.qa[1, 1]) == 0


def test_dark_pixels_are_not_clipped(tmp_path):
    make.image(tmp_path, {c: np.full((4, 4), 10) for c in range(1, 15)})
    assert float(ml.open_scene(tmp_path).red[0, 0]) < -0.015


def test_satpy_reads_the_same(image):
    satpy = pytest.importorskip("satpy")
    path, _ = image
    theirs = satpy.Scene([str(path)], reader="agri_fy4a_l1")
    theirs.load(["C02", "C12"])
    ours = ml.open_scene(path)
    np.testing.assert_allclose(ours.tir1, theirs["C12"].values, atol=1e-4)
    dark = ours.red.values * np.cos(np.radians(ours.sun_zenith.values))
    np.testing.assert_allclose(dark.clip(0) * 100, theirs["C02"].values, rtol=1e-4, atol=1e-4)
    x, y = theirs["C12"].attrs["area"].get_proj_vectors()
    np.testing.assert_allclose(ours.x, x, atol=0.1)
    np.testing.assert_allclose(ours.y, y, atol=0.1)


def test_the_grid_is_that_of_the_full_disk(tmp_path):
    make.image(tmp_path, {c: np.full((4, 6), 500) for c in range(1, 15)}, line=200, column=1300)
    scene = ml.open_scene(tmp_path)
    # CGMS 03: CFAC is columns per degree times 2^16; the middle of 2748 pixels is 1373.5.
    step = math.radians(2**16 / 10233137) * make.HEIGHT
    np.testing.assert_allclose(scene.y, (1373.5 - 200 - np.arange(4)) * step)
    np.testing.assert_allclose(scene.x, (1300 + np.arange(6) - 1373.5) * step)
    assert scene.rio.crs.to_dict()["lon_0"] == make.LONGITUDE


@pytest.mark.parametrize("height", [make.HEIGHT + 6378137.0, make.HEIGHT / 1e3])
def test_height_from_the_centre_of_the_earth_or_in_kilometres(tmp_path, height):
    make.image(tmp_path, {c: np.full((4, 4), 500) for c in range(1, 15)}, height=height)
    assert ml.open_scene(tmp_path).rio.crs.to_dict()["h"] == pytest.approx(make.HEIGHT)


def test_each_resolution_has_its_file(tmp_path, rng):
    counts = {}
    for resolution, channels in make.CHANNELS.items():
        counts[resolution] = {c: rng.integers(100, 4000, (4, 4)) for c in channels}
        make.image(tmp_path, counts[resolution], resolution=resolution)
    make.image(tmp_path, {1: np.zeros((4, 4))}, product="GEO")
    for resolution, channels in make.CHANNELS.items():
        scene = ml.open_scene(tmp_path, resolution=resolution, calibration="counts")
        np.testing.assert_array_equal(scene.red, counts[resolution][2])
        names = [v for v in scene.data_vars if "native_band" in scene[v].attrs]
        assert len(names) == len(channels)


def test_resolution_that_is_not_there(image):
    path, _ = image
    with pytest.raises(SceneError, match="It has: 4000 m"):
        ml.open_scene(path, resolution=500)


def test_found_by_content(image):
    path, counts = image
    lost = path.rename(path.parent / "lost.h5")
    scene = ml.open_scene(lost, calibration="counts")
    assert scene.sensor == "fy4a_agri"
    np.testing.assert_array_equal(scene.tir1, counts[12])


def test_name_of_the_broadcast(image):
    path, counts = image
    sent = path.rename(path.with_name(f"Z_SATE_C_BAWX_20190603034012_P_{path.name}"))
    scene = ml.open_scene(sent, calibration="counts")
    assert scene.granule == "REGC.20190603033000_20190603033400"
    np.testing.assert_array_equal(scene.tir1, counts[12])


def test_time_and_platform(image):
    path, _ = image
    scene = ml.open_scene(path)
    assert scene.platform == "FY-4A"
    assert scene.time_coverage_start == "2019-06-03T03:30:00.500Z"
    # Near noon at 104.7 degrees east on the equator, the Sun 22 degrees north.
    assert 20 < float(scene.sun_zenith[4, 6]) < 40
    assert float(scene.view_zenith[4, 6]) < 0.3


def test_nothing_is_read_when_opened(image):
    path, _ = image
    with dask.config.set(scheduler=refuse):
        scene = ml.open_scene(path)
        with pytest.raises(AssertionError, match="a pixel was read"):
            scene.tir1.compute()


def test_scene_can_be_pickled(image):
    path, counts = image
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ml.open_scene(path, calibration="counts"))).red, counts[2])


def test_another_satellite_is_refused(tmp_path):
    path = make.image(tmp_path, {1: np.full((4, 4), 500)}, satellite="FY4B")
    with pytest.raises(SceneError, match="FY4B"):
        ml.open_scene(path)


@pytest.mark.parametrize("name", ["CALIBRATION_COEF(SCALE+OFFSET)", "CALChannel12"])
def test_missing_dataset_is_named(image, name):
    path, _ = image
    with h5py.File(path, "a") as file:
        del file[name]
    with pytest.raises(SceneError, match=r"CALIBRATION_COEF|CALChannel12"):
        ml.open_scene(path)


@pytest.mark.parametrize("name", ["NOMSatHeight", "dEA", "Begin Line Number", "Observing Beginning Date"])
def test_missing_attribute_is_refused(image, name):
    path, _ = image
    with h5py.File(path, "a") as file:
        del file.attrs[name]
    with pytest.raises(SceneError):
        ml.open_scene(path)


@pytest.mark.parametrize("keep", [0, 200, -100])
def test_cut_short(image, keep):
    path, _ = image
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ArchiveError, match=path.name):
        ml.open_scene(path)
