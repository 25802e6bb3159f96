"""GOES ABI: what is put into small netCDF files comes back."""

import math
import pickle

import dask
import netCDF4
import numpy as np
import pytest
from sensors import make_abi as make

import musyq_lab as ml
from musyq_lab.core.errors import ArchiveError, InputError, SceneError


@pytest.fixture
def rng():
    return np.random.default_rng(16)


@pytest.fixture
def image(tmp_path, rng):
    counts = {6: rng.integers(50, 1000, (8, 8)), 14: rng.integers(100, 3500, (8, 8))}
    for number, values in counts.items():
        make.band(tmp_path, values, number=number)
    return tmp_path, counts


def refuse(*args, **kwargs):
    raise AssertionError("a pixel was read")


def radiance(counts, kind):
    scale, offset, _ = make.PACKING[kind]
    return np.float32(scale) * counts.astype(float) + np.float32(offset)


def test_reflectance_factor(image):
    folder, counts = image
    scene = ml.open_scene(folder)
    cosine = np.cos(np.radians(scene.sun_zenith.values.astype(float)))
    factor = math.pi * make.DISTANCE**2 / make.ESUN[6]
    expected = factor * radiance(counts[6], "reflective") / cosine
    assert np.abs(scene.swir2.values - expected).max() < factor * make.PACKING["reflective"][0] / 100


def test_brightness_temperature_by_the_constants_of_the_file(image):
    folder, counts = image
    k = make.PLANCK
    effective = k["planck_fk2"] / np.log(k["planck_fk1"] / radiance(counts[14], "thermal") + 1)
    expected = (effective - k["planck_bc1"]) / k["planck_bc2"]
    np.testing.assert_allclose(ml.open_scene(folder).tir1, expected, atol=1e-3)


def test_radiance_per_micrometre(image):
    folder, counts = image
    scene = ml.open_scene(folder, calibration="radiance")
    np.testing.assert_allclose(scene.swir2, radiance(counts[6], "reflective"), rtol=1e-5)
    # L per um = L per cm-1 x 1e4 / lambda^2, and mW to W.
    np.testing.assert_allclose(scene.tir1, radiance(counts[14], "thermal") * 10 / 11.2**2, rtol=1e-5)


def test_counts(image):
    folder, counts = image
    scene = ml.open_scene(folder, calibration="counts")
    np.testing.assert_array_equal(scene.tir1, counts[14])
    assert scene.tir1.dtype == np.uint16


def test_satpy_reads_the_same(image):
    satpy = pytest.importorskip("satpy")
    folder, _ = image
    theirs = satpy.Scene([str(p) for p in folder.iterdir()], reader="abi_l1b")
    theirs.load(["C06", "C14"])
    ours = ml.open_scene(folder)
    np.testing.assert_allclose(ours.tir1, theirs["C14"].values, atol=5e-3)
    dark = ours.swir2 * np.cos(np.radians(ours.sun_zenith))
    np.testing.assert_allclose(dark * 100, theirs["C06"].values, rtol=2e-4)
    area = theirs["C14"].attrs["area"]
    np.testing.assert_allclose(ours.x, area.get_proj_vectors()[0], atol=1.0)
    np.testing.assert_allclose(ours.y, area.get_proj_vectors()[1], atol=1.0)
    assert ours.spatial_ref.attrs["sweep_angle_axis"] == "x"


def test_finer_bands_are_means(tmp_path, rng):
    red = rng.integers(50, 1000, (32, 32))
    red[0, 0] = 1023
    make.band(tmp_path, red, number=2)
    make.band(tmp_path, np.full((8, 8), 300), number=6)
    scene = ml.open_scene(tmp_path, calibration="radiance")
    expected = radiance(red.reshape(8, 4, 8, 4).mean(axis=(1, 3)), "reflective")
    assert np.isnan(scene.red.values[0, 0])
    np.testing.assert_allclose(scene.red.values.flat[1:], expected.flat[1:], rtol=1e-5)
    fine = ml.open_scene(tmp_path, resolution=500, calibration="counts")
    np.testing.assert_array_equal(fine.red, red)
    np.testing.assert_allclose(fine.y.values.reshape(8, 4).mean(axis=1), scene.y, atol=1.0)


def test_quality_flags(tmp_path):
    counts = np.full((4, 4), 300)
    counts[0, 3] = 4095
    dqf = np.zeros((4, 4), "i1")
    dqf[0, :3] = 1, 2, 4
    dqf[0, 3] = 3
    make.band(tmp_path, counts, number=14, dqf=dqf)
    qa = ml.open_scene(tmp_path).qa.values
    assert list(qa[0]) == [1 << 7, 1 << 1, 1 << 7, 1 << 0]
    assert (qa[1:] == 0).all()


def test_high_counts_are_unsigned(tmp_path):
    make.band(tmp_path, np.full((4, 4), 1000), number=6)
    assert float(ml.open_scene(tmp_path, calibration="counts").swir2[0, 0]) == 1000


def test_geometry_and_time(image):
    folder, _ = image
    scene = ml.open_scene(folder)
    assert scene.platform == "GOES-16"
    assert scene.time_coverage_start == "2019-06-02T18:01:17.600Z"
    np.testing.assert_allclose(np.diff(scene.x), 56e-6 * make.HEIGHT, rtol=1e-6)
    assert scene.attrs["satellite_longitude"] == pytest.approx(make.SUBPOINT[0])
    assert float(scene.view_zenith[4, 4]) < 0.4
    # 13 h solar time at 75 degrees west, the Sun 22 degrees north.
    assert 20 < float(scene.sun_zenith[4, 4]) < 35


def test_two_sectors_in_one_minute(tmp_path):
    """The name of the sector tells full disk, CONUS and mesoscale images of one minute apart."""
    conus = make.band(tmp_path, np.full((4, 4), 300), number=14)
    make.band(tmp_path, np.full((4, 4), 400), number=14, sector="M1")
    assert (ml.open_scene(conus, calibration="counts").tir1 == 300).all()
    with pytest.raises(InputError, match="holds 2 granules"):
        ml.open_scene(tmp_path)


def test_two_images_of_one_sector_in_one_minute(tmp_path):
    """Mesoscale images are 30 s apart: a list tells which one."""
    for number, value in ((13, 200), (14, 300)):
        first = make.band(tmp_path, np.full((4, 4), value), number=number, sector="M1")
        first.with_name(first.name.replace("_s20191531801176", "_s20191531801476")).write_bytes(first.read_bytes())
    with pytest.raises(SceneError, match="several images"):
        ml.open_scene(tmp_path)
    scene = ml.open_scene(sorted(tmp_path.glob("*_s20191531801476*")), calibration="counts")
    assert (scene.tir_10_4 == 200).all()
    assert (scene.tir1 == 300).all()


def test_band_that_is_not_there(image):
    folder, _ = image
    with pytest.raises(SceneError, match="none of the bands of 500 m"):
        ml.open_scene(folder, resolution=500)


def test_found_by_content(image):
    folder, counts = image
    lost = next(folder.glob("*C14*")).rename(folder / "lost.bin")
    next(folder.glob("*C06*")).unlink()
    np.testing.assert_array_equal(ml.open_scene(lost, calibration="counts").tir1, counts[14])


def test_nothing_is_read_when_opened(image):
    folder, _ = image
    with dask.config.set(scheduler=refuse):
        scene = ml.open_scene(folder)
        with pytest.raises(AssertionError, match="a pixel was read"):
            scene.tir1.compute()


def test_scene_can_be_pickled(image):
    folder, counts = image
    scene = pickle.loads(pickle.dumps(ml.open_scene(folder, calibration="counts")))
    np.testing.assert_array_equal(scene.tir1, counts[14])


@pytest.mark.parametrize("keep", [0, 300, -200])
def test_cut_short(tmp_path, keep):
    path = make.band(tmp_path, np.full((8, 8), 300), number=14)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ArchiveError, match=path.name):
        ml.open_scene(path)


def test_another_netcdf_file_under_its_name(tmp_path):
    path = make.band(tmp_path, np.full((8, 8), 300), number=14)
    with netCDF4.Dataset(path, "w") as file:
        file.title = "ABI L1b Radiances"
    with pytest.raises(SceneError, match="it lacks Rad, DQF"):
        ml.open_scene(path)
