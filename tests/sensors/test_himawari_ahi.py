"""Himawari AHI: what is put into small HSD files comes back, and damage is told."""

import bz2
import pickle

import dask
import numpy as np
import pytest
from sensors import make_ahi as make

import musyq_lab as ml
from musyq_lab.core.errors import InputError, MusyqError, SceneError
from musyq_lab.sensors import himawari_ahi
from musyq_lab.sensors._hsd import read_segment


@pytest.fixture
def rng():
    return np.random.default_rng(8)


@pytest.fixture
def image(tmp_path, rng):
    """Two segments of B05 and B14, 16 x 16 pixels."""
    counts = {5: rng.integers(100, 1900, (16, 16)), 14: rng.integers(100, 3900, (16, 16))}
    for band, values in counts.items():
        for number in (1, 2):
            make.segment(tmp_path, values[8 * number - 8 : 8 * number], band=band, number=number, total=2, centre=8.5)
    return tmp_path, counts


def planck_temperature(radiance, wavelength):
    """Temperature of the guide's section 4.5, in double precision, with the constants of the file."""
    metres = wavelength * 1e-6
    effective = make.PLANCK * make.LIGHT / (make.BOLTZMANN * metres)
    effective /= np.log(2 * make.PLANCK * make.LIGHT**2 / (radiance * 1e6 * metres**5) + 1)
    c0, c1, c2 = make.TEMPERATURE
    return c0 + c1 * effective + c2 * effective**2


def refuse(*args, **kwargs):
    raise AssertionError("a pixel was read")


def test_reflectance_is_albedo_over_cosine(image):
    folder, counts = image
    scene = ml.open_scene(folder)
    cosine = np.cos(np.radians(scene.sun_zenith.values.astype(float)))
    expected = make.ALBEDO * (make.UPDATED_GAIN * counts[5] + make.UPDATED_OFFSET) / cosine
    half = 0.5 * make.ALBEDO * make.UPDATED_GAIN
    assert np.abs(scene.swir1.values - expected).max() < half / 100
    assert scene.swir1.units == "1"


def test_temperature_follows_the_guide(image):
    folder, counts = image
    scene = ml.open_scene(folder)
    expected = planck_temperature(make.IR_GAIN * counts[14] + make.IR_OFFSET, make.WAVELENGTHS[14])
    assert np.abs(scene.tir1.values - expected).max() < 1e-3
    assert scene.tir1.units == "K"


def test_radiance_and_counts(image):
    folder, counts = image
    radiance = ml.open_scene(folder, calibration="radiance")
    np.testing.assert_allclose(radiance.tir1, make.IR_GAIN * counts[14] + make.IR_OFFSET, rtol=1e-6)
    np.testing.assert_allclose(radiance.swir1, make.UPDATED_GAIN * counts[5] + make.UPDATED_OFFSET, rtol=1e-6)
    stored = ml.open_scene(folder, calibration="counts")
    np.testing.assert_array_equal(stored.tir1, counts[14])
    assert stored.tir1.dtype == np.uint16


def test_dark_counts_are_not_clipped(tmp_path):
    make.segment(tmp_path, np.full((4, 4), 3), band=5, centre=2.5)
    scene = ml.open_scene(tmp_path, calibration="radiance")
    assert float(scene.swir1[0, 0]) == pytest.approx(make.UPDATED_GAIN * 3 + make.UPDATED_OFFSET)
    assert float(scene.swir1[0, 0]) < 0


def test_without_update_the_nominal_gain_holds(tmp_path):
    make.segment(tmp_path, np.full((4, 4), 300), band=5, centre=2.5, updated=False)
    scene = ml.open_scene(tmp_path, calibration="radiance")
    assert float(scene.swir1[0, 0]) == pytest.approx(make.GAIN * 300 + make.OFFSET)


def test_satpy_reads_the_same(image):
    satpy = pytest.importorskip("satpy")
    folder, _ = image
    theirs = satpy.Scene([str(p) for p in folder.iterdir()], reader="ahi_hsd")
    theirs.load(["B05", "B14"])
    ours = ml.open_scene(folder)
    np.testing.assert_allclose(ours.tir1, theirs["B14"], atol=2e-3)
    cosine = np.cos(np.radians(ours.sun_zenith))
    np.testing.assert_allclose(ours.swir1 * cosine * 100, theirs["B05"].values, rtol=1e-4)
    x, y = theirs["B14"].attrs["area"].get_proj_vectors()
    np.testing.assert_allclose(ours.x, x, atol=0.01)
    np.testing.assert_allclose(ours.y, y, atol=0.01)


def test_error_and_outside_pixels_are_missing(tmp_path):
    counts = np.full((4, 4), 500)
    counts[0, 0], counts[0, 1], counts[1, 1] = make.ERROR, make.OUTSIDE, 2047
    make.segment(tmp_path, counts, band=5, centre=2.5)
    scene = ml.open_scene(tmp_path)
    assert np.isnan(scene.swir1.values[0, :2]).all()
    assert np.isfinite(scene.swir1.values).sum() == 14
    assert (scene.qa.values[0, :2] == 1).all()
    assert scene.qa.values[1, 1] == 2


def test_found_by_content(image):
    folder, counts = image
    path = next(folder.glob("*B14*S0102*"))
    lost = path.rename(folder / "lost.bin")
    for other in folder.glob("HS_*"):
        other.unlink()
    scene = ml.open_scene(lost, calibration="counts")
    assert scene.sensor == "himawari_ahi"
    np.testing.assert_array_equal(scene.tir1[:8], counts[14][:8])


def test_missing_segment_is_no_data_and_told(image):
    folder, _ = image
    next(folder.glob("*B14*S0102*")).unlink()
    scene = ml.open_scene(folder)
    assert scene.attrs["segments_missing"] == "B14 1"
    assert np.isnan(scene.tir1.values[:8]).all()
    assert np.isfinite(scene.tir1.values[8:]).all()
    assert np.isfinite(scene.swir1.values).all()
    assert (scene.qa.values == 0).all()  # B05 has data there


def test_bands_missing_are_told(image):
    folder, _ = image
    missing = ml.open_scene(folder).attrs["bands_missing"].split(", ")
    assert "red" in missing
    assert "tir1" not in missing
    assert len(missing) == 14


def test_packed_segments(tmp_path, rng):
    counts = rng.integers(100, 3900, (8, 8))
    make.segment(tmp_path, counts, band=14, centre=4.5, packed=True)
    np.testing.assert_array_equal(ml.open_scene(tmp_path, calibration="counts").tir1, counts)


def test_big_endian(tmp_path, rng):
    counts = rng.integers(100, 3900, (8, 8))
    make.segment(tmp_path, counts, band=14, centre=4.5, order=">")
    np.testing.assert_array_equal(ml.open_scene(tmp_path, calibration="counts").tir1, counts)


def test_finer_bands_are_means_on_the_coarse_grid(tmp_path, rng):
    red = rng.integers(100, 1900, (32, 32))
    red[0, 0] = make.OUTSIDE
    make.segment(tmp_path, red, band=3, centre=16.5)
    make.segment(tmp_path, np.full((8, 8), 500), band=5, centre=4.5)
    scene = ml.open_scene(tmp_path, calibration="radiance")
    expected = make.UPDATED_GAIN * red.reshape(8, 4, 8, 4).mean(axis=(1, 3)) + make.UPDATED_OFFSET
    assert np.isnan(scene.red.values[0, 0])
    np.testing.assert_allclose(scene.red.values.flat[1:], expected.flat[1:], rtol=1e-5)
    assert "red" not in ml.open_scene(tmp_path, calibration="counts")
    fine = ml.open_scene(tmp_path, resolution=500, calibration="counts")
    np.testing.assert_array_equal(fine.red, red)
    np.testing.assert_allclose(fine.x.values.reshape(8, 4).mean(axis=1), scene.x, atol=1.0)


def test_geometry(image):
    folder, _ = image
    scene = ml.open_scene(folder)
    assert scene.rio.crs.to_dict()["lon_0"] == 140.7
    assert scene.rio.crs.to_dict().get("sweep", "y") == "y"
    assert scene.y.values[0] > scene.y.values[-1]
    assert scene.x.values[0] < scene.x.values[-1]
    np.testing.assert_allclose(np.diff(scene.x), 2000.0, rtol=1e-5)
    # 14 km from the point below the projection, the satellite 0.04 degrees west of it.
    assert float(scene.view_zenith[8, 8]) < 0.2
    assert scene.attrs["satellite_longitude"] == make.POSITION[0]


def test_lines_are_seen_one_after_another(image):
    folder, _ = image
    from musyq_lab.sensors._hsd import line_times

    segments = [read_segment(p) for p in sorted(folder.glob("*B14*"))]
    times = line_times(segments, 16)
    expected = np.datetime64(make.START) + np.timedelta64(250, "ms") * (np.arange(16) + 0.5)
    assert np.abs((times - expected) / np.timedelta64(1, "ms")).max() < 1


def test_nothing_is_read_when_opened(image):
    folder, _ = image
    with dask.config.set(scheduler=refuse):
        scene = ml.open_scene(folder)
        with pytest.raises(AssertionError, match="a pixel was read"):
            scene.tir1.compute()


def test_scene_can_be_pickled(image):
    folder, counts = image
    scene = ml.open_scene(folder, calibration="counts")
    raw = pickle.dumps(scene)
    assert len(raw) < 200_000
    np.testing.assert_array_equal(pickle.loads(raw).tir1, counts[14])


@pytest.mark.parametrize("keep", [0, 100, 900, 1300, -2])
def test_cut_short(tmp_path, keep):
    path = make.segment(tmp_path, np.full((8, 8), 500), band=14, centre=4.5)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SceneError, match=path.name):
        ml.open_scene(path)


@pytest.mark.parametrize("keep", [50, -1, -6])
def test_packed_cut_short(tmp_path, keep):
    path = make.segment(tmp_path, np.full((8, 8), 500), band=14, centre=4.5, packed=True)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SceneError, match=path.name):
        ml.open_scene(path)


def test_damage_behind_the_header_is_told_when_computed(tmp_path, rng):
    path = make.segment(tmp_path, rng.integers(0, 4000, (200, 200)), band=14, centre=100.5, packed=True)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(MusyqError, match=path.name):
        ml.open_scene(path).tir1.compute()


def test_file_that_shrinks_after_it_was_opened(tmp_path):
    path = make.segment(tmp_path, np.full((8, 8), 500), band=14, centre=4.5)
    scene = ml.open_scene(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SceneError, match="cut short"):
        scene.tir1.compute()


def test_images_of_two_areas(tmp_path):
    """Full disk and target areas of the same ten minutes lie in one folder; their files are not mixed up."""
    disk = make.segment(tmp_path, np.full((4, 4), 500), band=14, centre=2.5)
    japan = make.segment(tmp_path, np.full((4, 4), 600), band=14, centre=2.5, area="JP01")
    assert (ml.open_scene(japan, calibration="counts").tir1 == 600).all()
    assert ml.open_scene(disk).attrs["area"] == "FLDK"
    with pytest.raises(InputError, match="holds 2 granules"):
        ml.open_scene(tmp_path)
    japan.rename(tmp_path / disk.name.replace("B14", "B13"))  # a name that says another area
    with pytest.raises(SceneError, match="FLDK, JP01"):
        ml.open_scene(tmp_path)


def test_segments_that_do_not_fit(tmp_path):
    make.segment(tmp_path, np.full((4, 4), 500), band=14, number=1, total=2)
    make.segment(tmp_path, np.full((4, 8), 500), band=14, number=2, total=2)
    with pytest.raises(SceneError, match="do not make one image"):
        ml.open_scene(tmp_path)


def test_no_band_of_the_grid(image):
    folder, _ = image
    with pytest.raises(SceneError, match="none of the bands of 500 m"):
        ml.open_scene(folder, resolution=500)
    with pytest.raises(InputError, match="no grid of 250 m"):
        ml.open_scene(folder, resolution=250)


def test_mutated_headers_are_plain_errors_or_scenes(tmp_path, rng):
    path = make.segment(tmp_path, np.full((8, 8), 500), band=14, centre=4.5)
    raw = path.read_bytes()
    told = []
    for _ in range(25):
        mutant = bytearray(raw)
        for place in rng.integers(0, len(raw) - 128, 4):
            mutant[place] = rng.integers(0, 256)
        path.write_bytes(mutant)
        try:
            ml.open_scene(path, calibration="counts").isel(x=slice(0, 8), y=slice(0, 8)).compute()
        except MusyqError as error:
            told.append(str(error))
    assert len(told) > 3
    assert all(path.name in text or str(tmp_path) in text for text in told)


def test_uncompressed_and_packed_are_told_apart(tmp_path):
    path = make.segment(tmp_path, np.full((8, 8), 500), band=14, centre=4.5)
    assert not read_segment(path).compressed
    packed = tmp_path / "x.bz2"
    packed.write_bytes(bz2.compress(path.read_bytes()))
    assert read_segment(packed).compressed


def test_spec_has_every_band_on_the_nominal_grid():
    names = {b.native for b in himawari_ahi.SPEC.bands if b.resolution == 2000}
    assert names == {f"B{n:02d}" for n in range(1, 17)}
