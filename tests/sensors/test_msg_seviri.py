"""MSG SEVIRI: native files and HRIT give back the radiometry put in, in the same places as satpy's readers."""

import math
import pickle

import dask
import numpy as np
import pytest
from sensors import make_seviri as make

import musyq_lab as ml
from musyq_lab.core.errors import MusyqError, SceneError
from musyq_lab.sensors._hrit import read_hrit
from musyq_lab.sensors._msg import unpack10
from musyq_lab.sensors._msg_native import read_native

# EUMETSAT's constants of Meteosat-10: irradiance of VIS006; wavenumber, alpha, beta of IR_108.
SUN, WAVENUMBER, ALPHA, BETA = 65.5148, 929.842, 0.9983, 0.6084
C1, C2 = 1.19104273e-5, 1.43877523


@pytest.fixture
def rng():
    return np.random.default_rng(10)


@pytest.fixture
def native(tmp_path, rng):
    counts = {name: rng.integers(60, 1000, (12, 16)) for name in ("VIS006", "IR_108", "IR_120")}
    counts["HRV"] = rng.integers(60, 1000, (36, 48))
    return make.native(tmp_path, counts), counts


def refuse(*args, **kwargs):
    raise AssertionError("a pixel was read")


def radiance(counts, name):
    i = make.CHANNELS.index(name)
    return make.SLOPE[i] * counts + make.OFFSET[i]


def distance():
    """Distance of the Sun (AU) on 2020-04-01, from the mean anomaly (Astronomical Almanac, low precision)."""
    days = 7396.0
    g = math.radians(357.528 + 0.9856003 * days)
    return 1.00014 - 0.01671 * math.cos(g) - 0.00014 * math.cos(2 * g)


def north_up(counts):
    return counts[::-1, ::-1]


def test_reflectance_is_pi_l_d2_over_f(native):
    path, counts = native
    scene = ml.open_scene(path)
    cosine = np.cos(np.radians(scene.sun_zenith.values.astype(float)))
    expected = math.pi * distance() ** 2 / SUN * north_up(radiance(counts["VIS006"], "VIS006")) / cosine
    np.testing.assert_allclose(scene.red, expected, rtol=1e-4)


def test_temperature_of_effective_radiance(native):
    path, counts = native
    measured = north_up(radiance(counts["IR_108"], "IR_108"))
    expected = (C2 * WAVENUMBER / np.log(C1 * WAVENUMBER**3 / measured + 1) - BETA) / ALPHA
    np.testing.assert_allclose(ml.open_scene(path).tir1, expected, atol=1e-3)


def test_temperature_of_spectral_radiance(tmp_path, rng):
    counts = rng.integers(60, 1000, (8, 8))
    path = make.native(tmp_path, {"IR_108": counts}, kind=1)
    planck = C2 * WAVENUMBER / np.log(C1 * WAVENUMBER**3 / north_up(radiance(counts, "IR_108")) + 1)
    expected = -7.39277e-5 * planck**2 + 1.0328898 * planck - 3.29674
    np.testing.assert_allclose(ml.open_scene(path).tir1, expected, atol=1e-3)


def test_radiance_per_micrometre(native):
    path, counts = native
    scene = ml.open_scene(path, calibration="radiance")
    expected = north_up(radiance(counts["IR_108"], "IR_108")) * 10 / scene.tir1.wavelength**2
    np.testing.assert_allclose(scene.tir1, expected, rtol=1e-5)
    assert scene.tir1.wavelength == pytest.approx(1e4 / WAVENUMBER, abs=1e-3)


def test_counts_with_north_up(native):
    path, counts = native
    scene = ml.open_scene(path, calibration="counts")
    np.testing.assert_array_equal(scene.tir1, north_up(counts["IR_108"]))
    assert scene.y[0] > scene.y[-1]
    assert scene.x[0] < scene.x[-1]


def test_hrv_has_its_own_grid(native):
    path, counts = native
    scene = ml.open_scene(path, resolution=1000, calibration="counts")
    np.testing.assert_array_equal(scene.pan, north_up(counts["HRV"]))
    coarse = ml.open_scene(path)
    # HRV pixel 5566 and not 5567 lies on pixel 1856 (EUM/MSG/ICD/105, figure 8): triples are one pixel off.
    np.testing.assert_allclose(scene.y.values.reshape(12, 3).mean(axis=1) - coarse.y, make.HRV_STEP, atol=1.0)
    np.testing.assert_allclose(scene.x.values.reshape(16, 3).mean(axis=1) - coarse.x, -make.HRV_STEP, atol=1.0)


@pytest.mark.parametrize("model", [1, 2])
def test_satpy_reads_the_same(tmp_path, rng, model):
    satpy = pytest.importorskip("satpy")
    counts = {name: rng.integers(60, 1000, (12, 16)) for name in ("VIS006", "IR_108")}
    counts["HRV"] = rng.integers(60, 1000, (36, 48))
    path = make.native(tmp_path, counts, model=model, satellite="MSG4")
    theirs = satpy.Scene([str(path)], reader="seviri_l1b_native")
    theirs.load(["VIS006", "IR_108", "HRV"])
    ours, fine = ml.open_scene(path), ml.open_scene(path, resolution=1000)
    np.testing.assert_allclose(ours.tir1, theirs["IR_108"].values[::-1, ::-1], atol=1e-3)
    dark = ours.red.values * np.cos(np.radians(ours.sun_zenith.values))
    # satpy's distance of the Sun is good to 4e-4.
    np.testing.assert_allclose(dark * 100, theirs["VIS006"].values[::-1, ::-1], rtol=1e-3)
    for scene, name in ((ours, "IR_108"), (fine, "HRV")):
        x, y = theirs[name].attrs["area"].get_proj_vectors()
        np.testing.assert_allclose(scene.x, x[::-1], atol=1.0)
        np.testing.assert_allclose(scene.y, y[::-1], atol=1.0)
    place = theirs["IR_108"].attrs["orbital_parameters"]
    assert ours.attrs["satellite_longitude"] == pytest.approx(place["satellite_actual_longitude"], abs=1e-6)
    assert ours.attrs["satellite_latitude"] == pytest.approx(place["satellite_actual_latitude"], abs=1e-6)
    assert ours.attrs["satellite_height"] == pytest.approx(place["satellite_actual_altitude"], abs=1.0)
    assert ours.platform == theirs["IR_108"].attrs["platform_name"] == "Meteosat-11"


def test_rows_of_the_platform(tmp_path, rng):
    for satellite, centre in (("MSG3", 0.6382), ("MSG4", 0.6400)):
        path = make.native(tmp_path, {"VIS006": rng.integers(60, 1000, (8, 8))}, satellite=satellite)
        assert ml.open_scene(path).red.wavelength == centre


def test_zero_is_missing_and_the_highest_count_saturated(tmp_path):
    counts = np.full((8, 8), 500)
    counts[0, 0], counts[0, 1] = 0, 1023
    scene = ml.open_scene(make.native(tmp_path, {"IR_108": counts}))
    assert np.isnan(scene.tir1.values[-1, -1])
    assert scene.qa.values[-1, -1] == 1
    assert scene.qa.values[-1, -2] == 2
    assert scene.qa.values[0, 0] == 0


def test_columns_that_no_multiple_of_four_are_padded_in_the_file(tmp_path):
    counts = np.arange(60, 60 + 8 * 12).reshape(8, 12)
    path = make.native(tmp_path, {"IR_108": counts})
    raw = path.read_bytes()
    # The same record of 12 pixels, of which the header says that 10 are wanted.
    was, now = (f"{'WestColumnSelectedRectangle':<28}: {1850 + n - 1!s:<49}\n".encode() for n in (12, 10))
    assert was in raw
    path.write_bytes(raw.replace(was, now))
    scene = ml.open_scene(path, calibration="counts")
    np.testing.assert_array_equal(scene.tir1, north_up(counts[:, :10]))


def test_scan_goes_from_south_to_north(native):
    path, _ = native
    file = read_native(path)
    from musyq_lab.sensors._msg import line_times

    times = line_times(file.canvas, file.header, file.trailer, hrv=False)
    assert (np.diff(times) < np.timedelta64(0)).all()
    # The lines lie at the equator: half of the scan.
    middle = np.datetime64(make.START) + (np.datetime64(make.END) - np.datetime64(make.START)) / 2
    assert abs(times[6] - middle) < np.timedelta64(2, "s")


def test_hrit_segment(tmp_path, rng):
    satpy = pytest.importorskip("satpy")
    counts = rng.integers(60, 1000, (464, 3712))
    make.hrit_sides(tmp_path)
    paths = [make.hrit_segment(tmp_path, counts, channel=c, number=4) for c in ("IR_108", "VIS006")]
    scene = ml.open_scene(tmp_path, calibration="counts")
    assert scene.tir1.shape == (3712, 3712)
    assert scene.attrs["segments_missing"] == "VIS006 1, 2, 3, 5, 6, 7, 8; IR_108 1, 2, 3, 5, 6, 7, 8"
    # Lines 1393 to 1856 from the south.
    there = scene.tir1.isel(y=slice(3712 - 1856, 3712 - 1392))
    np.testing.assert_array_equal(there, north_up(counts))
    assert int(scene.tir1[100].max()) == 0
    theirs = satpy.Scene([str(p) for p in tmp_path.iterdir()], reader="seviri_l1b_hrit")
    theirs.load(["IR_108"])
    x, y = theirs["IR_108"].attrs["area"].get_proj_vectors()
    np.testing.assert_allclose(scene.y, y[::-1], atol=1.0)
    np.testing.assert_allclose(scene.x, x[::-1], atol=1.0)
    row = 3712 - 1600
    ours = ml.open_scene(tmp_path).tir1[row].values
    expected = theirs["IR_108"][1599].values[::-1]
    on_disk = np.isfinite(ours)
    assert on_disk.sum() > 3000
    np.testing.assert_allclose(ours[on_disk], expected[on_disk], atol=1e-3)
    assert read_hrit(paths[0]).structure() == (10, 3712, 464)


def test_hrv_of_hrit_lies_in_its_windows(tmp_path, rng):
    counts = rng.integers(60, 1000, (464, 5568))
    make.hrit_sides(tmp_path)
    make.hrit_segment(tmp_path, counts, channel="HRV", number=18)
    scene = ml.open_scene(tmp_path, resolution=1000, calibration="counts")
    assert scene.pan.shape == (11136, 11136)
    # Segment 18 has lines 7889 to 8352; the lower window ends with line 8064.
    for line, east in ((7900, 2717), (8064, 2717), (8065, 1805), (8352, 1805)):
        row = scene.pan[11136 - line].values
        west = east + 5567
        np.testing.assert_array_equal(row[11136 - west : 11136 - east + 1], counts[line - 7889][::-1])
        assert np.count_nonzero(row) == 5568


def test_prologue_is_needed(tmp_path, rng):
    make.hrit_sides(tmp_path)[0].unlink()
    make.hrit_segment(tmp_path, rng.integers(60, 1000, (464, 3712)), channel="IR_108", number=4)
    with pytest.raises(SceneError, match="lacks the prologue"):
        ml.open_scene(tmp_path)


def test_no_segment_at_all(tmp_path):
    make.hrit_sides(tmp_path)
    with pytest.raises(SceneError, match="none of the channels"):
        ml.open_scene(tmp_path)


def test_compressed_hrit_says_what_to_do(tmp_path):
    make.hrit_sides(tmp_path)
    path = make.hrit_segment(tmp_path, np.full((464, 3712), 500), channel="IR_108", number=4)
    raw = bytearray(path.read_bytes())
    raw[16 + 3 + 5] = 1  # compression flag of header record 1
    path.write_bytes(raw)
    with pytest.raises(SceneError, match="xRITDecompress"):
        ml.open_scene(tmp_path)


def test_found_by_content(native):
    path, counts = native
    lost = path.rename(path.parent / "lost.bin")
    scene = ml.open_scene(lost, calibration="counts")
    assert scene.sensor == "msg_seviri"
    np.testing.assert_array_equal(scene.tir1, north_up(counts["IR_108"]))


def test_nothing_is_read_when_opened(native):
    path, _ = native
    with dask.config.set(scheduler=refuse):
        scene = ml.open_scene(path)
        with pytest.raises(AssertionError, match="a pixel was read"):
            scene.tir1.compute()


def test_scene_can_be_pickled(native):
    path, counts = native
    scene = pickle.loads(pickle.dumps(ml.open_scene(path, calibration="counts")))
    np.testing.assert_array_equal(scene.tir1, north_up(counts["IR_108"]))


@pytest.mark.parametrize("keep", [0, 4000, 400_000, 460_000, -1])
def test_native_cut_short(native, keep):
    path, _ = native
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SceneError, match=path.name):
        ml.open_scene(path)


@pytest.mark.parametrize("keep", [0, 10, 100, -1])
def test_hrit_cut_short(tmp_path, keep):
    make.hrit_sides(tmp_path)
    path = make.hrit_segment(tmp_path, np.full((464, 3712), 500), channel="IR_108", number=4)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SceneError, match=path.name):
        ml.open_scene(tmp_path)


def test_another_satellite(native):
    path, _ = native
    raw = bytearray(path.read_bytes())
    raw[5152 + 1 : 5152 + 3] = (999).to_bytes(2, "big")
    path.write_bytes(raw)
    with pytest.raises(SceneError, match="satellite 999"):
        ml.open_scene(path)


def test_mutated_headers_are_plain_errors_or_scenes(native, rng):
    path, _ = native
    raw = path.read_bytes()
    told = []
    for _ in range(25):
        mutant = bytearray(raw)
        places = [*rng.integers(0, 5190, 3), *(5152 + rng.choice([1, 60137, 386894, 386982, 387066, 408145], 2))]
        for place in places:
            mutant[place] = rng.integers(0, 256)
        path.write_bytes(mutant)
        try:
            ml.open_scene(path, calibration="counts")
        except MusyqError as error:
            told.append(str(error))
    assert len(told) > 3
    assert all(path.name in text for text in told)


def test_ten_bits_are_unpacked():
    counts = np.array([[0, 1, 512, 1023, 341, 682, 3, 1020]])
    packed = np.frombuffer(make.pack10(counts), np.uint8).reshape(1, 10)
    np.testing.assert_array_equal(unpack10(packed), counts)
