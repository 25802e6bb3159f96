"""MTSAT-2 imager: what is put into small JMA HRIT files comes back."""

import pickle

import dask
import numpy as np
import pytest
from sensors import make_mtsat as make

import musyq_lab as ml
from musyq_lab.core.errors import InputError, SceneError
from musyq_lab.kernels.radiometry import planck_radiance


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def refuse(*args, **kwargs):
    raise AssertionError("a pixel was read")


def kelvin(counts):
    low, middle, high = make.TABLE["IR"]
    first = low[1] + (middle[1] - low[1]) * counts / middle[0]
    second = middle[1] + (high[1] - middle[1]) * (counts - middle[0]) / (high[0] - middle[0])
    return np.where(counts <= middle[0], first, second)


def test_temperature_is_between_the_rows_of_the_table(tmp_path, rng):
    counts = rng.integers(0, 1024, (8, 8))
    make.image(tmp_path, counts, band="IR1")
    scene = ml.open_scene(tmp_path)
    np.testing.assert_allclose(scene.tir1, kelvin(counts), atol=1e-3)
    assert scene.tir1.units == "K"
    assert scene.platform == "MTSAT-2"


def test_reflectance_is_albedo_over_cosine(tmp_path, rng):
    counts = rng.integers(0, 1024, (16, 16))
    make.image(tmp_path, counts, band="VIS")
    scene = ml.open_scene(tmp_path, resolution=1000)
    albedo = -0.001 + (1.0 + 0.001) * counts / 1023
    cosine = np.cos(np.radians(scene.sun_zenith.values.astype(float)))
    np.testing.assert_allclose(scene.pan, albedo / cosine, atol=1e-5)


def test_visible_on_the_coarse_grid_is_the_mean(tmp_path, rng):
    counts = rng.integers(0, 1024, (16, 16))
    make.image(tmp_path, counts, band="VIS")
    make.image(tmp_path, np.full((4, 4), 500), band="IR1")
    scene = ml.open_scene(tmp_path)
    mean = -0.001 + 1.001 * counts.reshape(4, 4, 4, 4).mean(axis=(1, 3)) / 1023
    cosine = np.cos(np.radians(scene.sun_zenith.values.astype(float)))
    np.testing.assert_allclose(scene.pan, mean / cosine, atol=1e-5)


def test_counts_and_radiance(tmp_path, rng):
    counts = rng.integers(0, 1024, (8, 8))
    make.image(tmp_path, counts, band="IR2")
    np.testing.assert_array_equal(ml.open_scene(tmp_path, calibration="counts").tir2, counts)
    radiance = ml.open_scene(tmp_path, calibration="radiance")
    expected = planck_radiance(float(kelvin(counts)[0, 0]), 12.0)
    assert float(radiance.tir2[0, 0]) == pytest.approx(expected, rel=1e-5)


def test_visible_radiance_is_refused(tmp_path):
    make.image(tmp_path, np.full((8, 8), 500), band="VIS")
    with pytest.raises(SceneError, match="visible band has no radiance"):
        ml.open_scene(tmp_path, resolution=1000, calibration="radiance")


def test_satpy_reads_the_same(tmp_path, rng):
    satpy = pytest.importorskip("satpy")
    counts = rng.integers(0, 1024, (8, 8))
    path = make.image(tmp_path, counts, band="IR1")
    theirs = satpy.Scene([str(path)], reader="mtsat2-imager_hrit")
    theirs.load(["IR1"])
    ours = ml.open_scene(path)
    np.testing.assert_allclose(ours.tir1, theirs["IR1"].values, atol=1e-3)
    x, y = theirs["IR1"].attrs["area"].get_proj_vectors()
    np.testing.assert_allclose(ours.x, x, atol=1.0)
    # CGMS 03, section 4.4.4: line LOFF lies at angle 0; satpy puts it one line further south.
    np.testing.assert_allclose(ours.y, y - 4000.0, atol=3.0)
    assert float(ours.y[4 - 1]) == 0.0


def test_segments(tmp_path, rng):
    counts = rng.integers(0, 1024, (12, 12))
    for number in (1, 3):
        make.image(tmp_path, counts[4 * number - 4 : 4 * number], band="IR1", number=number, total=3)
    scene = ml.open_scene(tmp_path, calibration="counts")
    assert scene.attrs["segments_missing"] == "IR1 2"
    np.testing.assert_array_equal(scene.tir1[:4], counts[:4])
    np.testing.assert_array_equal(scene.tir1[8:], counts[8:])
    assert (scene.tir1[4:8] == 65535).all()
    assert (scene.qa.values[4:8] == 1).all()
    assert (scene.qa.values[:4] == 0).all()
    assert np.isnan(ml.open_scene(tmp_path).tir1.values[4:8]).all()


def test_fill_is_missing(tmp_path):
    counts = np.full((4, 4), 500)
    counts[0, 0] = 65535
    make.image(tmp_path, counts, band="IR1")
    scene = ml.open_scene(tmp_path)
    assert np.isnan(scene.tir1.values[0, 0])
    assert np.isfinite(scene.tir1.values).sum() == 15
    assert int(scene.qa[0, 0]) == 1


def test_time_of_the_lines(tmp_path):
    make.image(tmp_path, np.full((8, 8), 500), band="IR1")
    scene = ml.open_scene(tmp_path)
    for told, second in ((scene.time_coverage_start, 1), (scene.time_coverage_end, 8)):
        away = np.datetime64(told.rstrip("Z")) - np.datetime64(f"2012-07-01T02:32:{second:02d}")
        assert abs(away) <= np.timedelta64(2, "ms")  # the header has eight decimals of a day
    # Noon at 145 degrees east on the equator, the Sun 23 degrees north.
    assert float(scene.sun_zenith[4, 4]) == pytest.approx(23.0, abs=1.0)


def test_longitude_tells_the_satellite(tmp_path):
    for longitude in (140.0, 140.25):
        path = make.image(tmp_path, np.full((4, 4), 500), band="IR1", longitude=longitude)
        assert ml.open_scene(path).platform == "MTSAT-1R"
    for longitude in (128.2, 140.7):  # Himawari-8 has files of the same names
        path = make.image(tmp_path, np.full((4, 4), 500), band="IR1", longitude=longitude)
        with pytest.raises(SceneError, match=str(longitude)):
            ml.open_scene(path)


def test_half_disks(tmp_path):
    """The lines of the halves lie where those of the full disk do; all three may lie in one folder."""
    counts = np.arange(64).reshape(8, 8) + 300
    whole = ml.open_scene(make.image(tmp_path, counts, band="IR1"), calibration="counts")
    north = ml.open_scene(make.image(tmp_path, counts[:4], band="IR1", area=2, loff=0), calibration="counts")
    south = ml.open_scene(make.image(tmp_path, counts[4:], band="IR1", area=3, loff=4), calibration="counts")
    for half, lines in ((north, slice(0, 4)), (south, slice(4, 8))):
        np.testing.assert_allclose(half.y, whole.y[lines], atol=1e-3)
        np.testing.assert_array_equal(half.tir1, counts[lines])
    with pytest.raises(InputError, match="holds 3 granules"):
        ml.open_scene(tmp_path)


def test_found_by_content(tmp_path):
    path = make.image(tmp_path, np.full((4, 4), 321), band="IR1")
    lost = path.rename(tmp_path / "lost.bin")
    assert (ml.open_scene(lost, calibration="counts").tir1 == 321).all()


def test_compressed(tmp_path):
    path = make.image(tmp_path, np.full((4, 4), 500), band="IR1", compressed=True)
    with pytest.raises(SceneError, match="compressed"):
        ml.open_scene(path)


def test_nothing_is_read_when_opened(tmp_path):
    path = make.image(tmp_path, np.full((4, 4), 500), band="IR1")
    with dask.config.set(scheduler=refuse):
        scene = ml.open_scene(path)
        with pytest.raises(AssertionError, match="a pixel was read"):
            scene.tir1.compute()


def test_scene_can_be_pickled(tmp_path):
    path = make.image(tmp_path, np.full((4, 4), 500), band="IR1")
    assert (pickle.loads(pickle.dumps(ml.open_scene(path, calibration="counts"))).tir1 == 500).all()


@pytest.mark.parametrize("keep", [0, 12, 200, -1])
def test_cut_short(tmp_path, keep):
    path = make.image(tmp_path, np.full((4, 4), 500), band="IR1")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SceneError, match=path.name):
        ml.open_scene(path)


def test_table_is_needed(tmp_path):
    path = make.image(tmp_path, np.full((4, 4), 500), band="IR1")
    path.write_bytes(path.read_bytes().replace(b"_UNIT:=", b"_XXXX:="))
    with pytest.raises(SceneError, match="calibration table"):
        ml.open_scene(path)
