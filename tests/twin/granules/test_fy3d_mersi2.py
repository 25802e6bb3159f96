"""MERSI-2 granules read by satpy, by h5py with the published formulas, and by our own reader."""

import math
from dataclasses import replace
from datetime import datetime, timedelta

import h5py
import numpy as np
import pytest
from sensors.swaths import _planck_for_satpy, flagged, satpy_values
from twin.granules.images import make, passes, world

import musyq_lab as ml
from musyq_lab.sensors._time import sun_distance
from musyq_lab.sensors.fy3d_mersi2 import CORRECTION, SPEC, WAVE_NUMBERS
from musyq_lab.twin.granules import fy3d_mersi2
from musyq_lab.twin.granules.fy3d_mersi2 import SLOPES
from musyq_lab.twin.grid import local_grid

ROWS = {b.name: b for b in SPEC.bands if b.resolution == 1000}
THERMAL = [name for name, row in ROWS.items() if row.thermal]
FILES = {1000: ("1000M", "GEO1K"), 250: ("0250M", "GEOQK")}


def images_of(overpass, grid=None):
    return make(overpass, fy3d_mersi2.pixels(overpass, grid or world()), thermal=THERMAL)


@pytest.fixture(scope="module")
def overpass():
    """Neither at nadir nor at the edge."""
    return next(o for o in passes(fy3d_mersi2) if 25 < float(o.look(*map(np.float64, (116.0, 40.2)))[0]) < 50)


@pytest.fixture(scope="module")
def images(overpass):
    return images_of(overpass)


@pytest.fixture(scope="module")
def path(overpass, images, tmp_path_factory):
    return fy3d_mersi2.write(overpass, images, tmp_path_factory.mktemp("mersi2"))


def file(path, tag):
    return path.with_name(path.name.replace("1000M", tag))


def seen(values, image):
    """Return the part of a full swath that the image covers."""
    window = image.pixels.extra["window"]
    factor = values.shape[-1] // 2048
    return values[..., window.column * factor : (window.column + window.columns) * factor]


def cosine(image):
    return np.cos(np.radians(image.sun_zenith.astype(float)))


def half_count(native):
    """Half a count in percent."""
    return 0.5 * float(fy3d_mersi2.coefficients()[int(native) - 1, 1])


def planck(temperature, native):
    """Radiance (mW m-2 sr-1 cm) whose temperature is A Te + B: CODATA 2018."""
    number, (a, b) = WAVE_NUMBERS[int(native) - 20], CORRECTION[int(native) - 20]
    return 1.191042972e-5 * number**3 / np.expm1(1.438776877 * number / ((temperature - b) / a))


# ---- radiometry ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("resolution", "place"), [(1000, 0), (250, 1)])
def test_satpy_reads_reflectance_and_radiance_put_in_to_half_a_count(path, images, overpass, resolution, place):
    image = images[place]
    natives = {ROWS[name].native: name for name in image.pixels.bands}
    files = [file(path, tag) for tag in FILES[resolution]]
    reflective = [n for n in natives if int(n) < 20]
    made = satpy_values(files, "mersi2_l1b", reflective, resolution=resolution, calibration="reflectance")
    squared = sun_distance(overpass.time) ** 2
    for native in reflective:
        put = 100 * image.values[natives[native]] * cosine(image) / squared
        assert np.abs(seen(made[native], image) - put).max() < half_count(native) + 1e-5, native
    thermal = [n for n in natives if int(n) >= 20]
    made = satpy_values(files, "mersi2_l1b", thermal, resolution=resolution, calibration="radiance")
    for native in thermal:
        put = planck(image.values[natives[native]].astype(float), native)
        assert np.abs(seen(made[native], image) - put).max() < 0.501 * SLOPES[int(native) - 20] + 1e-5, native
    assert len(reflective) + len(thermal) == (25 if resolution == 1000 else 6)


@pytest.mark.parametrize(("resolution", "place"), [(1000, 0), (250, 1)])
def test_our_reader_returns_what_was_put_in(path, images, overpass, resolution, place):
    image, scene = images[place], ml.open_scene(path, resolution=resolution)
    assert scene.attrs["sensor"] == "fy3d_mersi2"
    assert scene.attrs["platform"] == "FY-3D"
    assert {ROWS[name].native for name in image.pixels.bands} == {
        scene[name].attrs["native_band"] for name in image.pixels.bands
    }
    squared = sun_distance(overpass.time) ** 2
    for name in image.pixels.bands:
        got, put, native = seen(scene[name].values, image), image.values[name].astype(float), ROWS[name].native
        if ROWS[name].thermal:
            step = planck(put + 0.5, native) - planck(put - 0.5, native)
            limit = 0.55 * SLOPES[int(native) - 20] / step + 1e-3
        else:
            # Half a count and the Sun's angle, rounded to 0.01 degree; that of 1 km stands for 4 x 4 fine pixels.
            off = 0.005 if resolution == 1000 else 0.025
            angle = math.radians(off) * np.tan(np.radians(image.sun_zenith)) * put
            limit = half_count(native) / 100 * squared / cosine(image) + angle + 1e-6
        assert (np.abs(got - put) < limit).all(), name


def test_published_formulas_on_the_stored_numbers(path, images):
    """By h5py: percent from the table, temperature as A Te + B with the file's own constants."""
    with h5py.File(path) as data:
        distance = float(data.attrs["EarthSun Distance Ratio"])
        for k, native in enumerate(range(5, 20)):
            n = seen(data["Data/EV_1KM_RefSB"][k], images[0]).astype(float)
            c0, c1, c2 = data["Calibration/VIS_Cal_Coeff"][native - 1]
            name = next(b for b, row in ROWS.items() if row.native == str(native))
            rho = (c0 + c1 * n + c2 * n**2) / 100 * distance**2 / cosine(images[0])
            assert np.abs(rho - images[0].values[name]).max() < 3e-4, name
        for k in (0, 1):
            n = seen(data["Data/EV_250_Aggr.1KM_Emissive"][k], images[0]).astype(float)
            radiance = n * data["Data/EV_250_Aggr.1KM_Emissive"].attrs["Slope"][k]
            number = 1e4 / float(data.attrs["Effect_Center_WaveLength"][23 + k])
            te = 1.438776877 * number / np.log1p(1.191042972e-5 * number**3 / radiance)
            a, b = (float(data.attrs[f"TBB_Trans_Coefficient_{c}"][4 + k]) for c in "AB")
            assert np.abs(a * te + b - images[0].values[("tir1", "tir2")[k]]).max() < 0.01


def test_radiance_of_reflective_bands_by_the_irradiance_of_the_file(path, images):
    scene = ml.open_scene(path, calibration="radiance")
    with h5py.File(path) as data:
        e0, distance = data.attrs["Solar_Irradiance"], float(data.attrs["EarthSun Distance Ratio"])
    for name in ("blue", "b19"):
        expected = images[0].values[name] * e0[int(ROWS[name].native) - 1] * cosine(images[0]) / distance**2 / math.pi
        np.testing.assert_allclose(seen(scene[name].values, images[0]), expected, atol=0.2, rtol=1e-3)


def test_special_numbers(overpass, images, tmp_path):
    values = {name: v.copy() for name, v in images[0].values.items()}
    values["red"][0, :3] = np.nan, 5.0, -1.0
    values["mir"][0, :3] = np.nan, 500.0, 1.0
    values["tir1"][0, :2] = np.nan, 500.0
    path = fy3d_mersi2.write(overpass, [replace(images[0], values=values)], tmp_path)
    with h5py.File(path) as data:
        red, mir, tir1 = (
            seen(data[f"Data/{name}"][k], images[0])
            for name, k in (("EV_250_Aggr.1KM_RefSB", 2), ("EV_1KM_Emissive", 0), ("EV_250_Aggr.1KM_Emissive", 0))
        )
    assert list(red[0, :3]) == [65535, 65534, 0]
    assert list(mir[0, :3]) == [65535, 65534, 1]
    assert list(tir1[0, :2]) == [65535, 65534]
    scene = ml.open_scene(path)
    assert np.isnan(seen(scene["red"].values, images[0])[0, :2]).all()
    bits = seen(flagged(scene, "saturated"), images[0])
    assert list(bits[0, :2]) == [False, True]
    assert not bits[1:].any()


def test_nothing_outside_the_world(path, images):
    window = images[0].pixels.extra["window"]
    with h5py.File(path) as data:
        for name in data["Data"]:
            stored = data["Data"][name][()]
            assert (stored[..., : window.column] == 65535).all()
            assert (stored[..., window.column + window.columns :] == 65535).all()
            assert (seen(stored, images[0]) < 25000).all()


def test_faults_of_real_files_are_kept(path):
    with h5py.File(path) as data:
        assert list(data["Data/EV_250_Aggr.1KM_Emissive"].attrs["valid_range"]) == [0, 4095]
        assert list(data["Data/EV_1KM_Emissive"].attrs["valid_range"]) == [0, 25000]
        assert data.attrs["TBB_Trans_Coefficient_A"][4] == pytest.approx(1.00133)
    with h5py.File(file(path, "0250M")) as data:
        assert not data.attrs["TBB_Trans_Coefficient_A"].any()
        assert list(data["Data/EV_250_Emissive_b24"].attrs["valid_range"]) == [0, 4095]


# ---- places, angles, times -------------------------------------------------------------------------------------------
def test_places_and_angles_as_put_in(path, images):
    image = images[0]
    angles = {
        "solar_zenith_angle": image.sun_zenith,
        "solar_azimuth_angle": image.sun_azimuth,
        "satellite_zenith_angle": image.view_zenith,
        "satellite_azimuth_angle": image.view_azimuth,
    }
    files = [path, file(path, "GEO1K")]
    made = satpy_values(files, "mersi2_l1b", [*angles, "longitude", "latitude"], resolution=1000)
    # satpy scales these by Slope and Intercept of the datasets.
    for name, values in angles.items():
        turn = (seen(made[name], image) - values + 180) % 360 - 180
        assert np.abs(turn).max() < 0.0051, name
        assert np.isfinite(made[name]).all()
    for name, values in (("longitude", image.pixels.longitude), ("latitude", image.pixels.latitude)):
        assert np.abs(seen(made[name], image) - values).max() < 1e-5
        assert np.isfinite(made[name]).all()
    made = satpy_values([file(path, t) for t in FILES[250]], "mersi2_l1b", ["longitude", "latitude"], resolution=250)
    for name in ("longitude", "latitude"):
        assert np.abs(seen(made[name], images[1]) - getattr(images[1].pixels, name)).max() < 1e-5
        assert made[name].shape[1] == 8192


@pytest.mark.parametrize(("resolution", "place"), [(1000, 0), (250, 1)])
def test_our_reader_finds_the_places_and_angles(path, images, resolution, place):
    image, scene = images[place], ml.open_scene(path, resolution=resolution)
    for name in ("longitude", "latitude"):
        assert np.abs(seen(scene[name].values, image) - getattr(image.pixels, name)).max() < 1e-5
    # At 250 m the angles are those of the 1 km pixel around, half a degree of its 4 km at the most.
    limit = 0.0051 if resolution == 1000 else 0.25
    for name in ("sun_zenith", "view_zenith", "sun_azimuth", "view_azimuth"):
        turn = (seen(scene[name].values, image) - getattr(image, name) + 180) % 360 - 180
        assert np.abs(turn).max() < limit, name


def test_height_and_water(path, images):
    with h5py.File(file(path, "GEO1K")) as data:
        assert (seen(data["Geolocation/DEM"][()], images[0]) == 50).all()
        mask = seen(data["Geolocation/LandSeaMask"][()], images[0])
        np.testing.assert_array_equal(mask, np.where(images[0].water, 3, 1))
        assert (data["Geolocation/DEM"][()] == -32767).sum() == 2048 * mask.shape[0] - mask.size


def test_times(path, overpass, images):
    pytest.importorskip("satpy")
    _planck_for_satpy()
    from satpy import Scene

    scene = Scene([str(path), str(file(path, "GEO1K"))], reader="mersi2_l1b")
    window = images[0].pixels.extra["window"]
    # satpy cuts off the fractions of seconds.
    assert timedelta(0) <= window.starts(0)[0] - scene.start_time < timedelta(seconds=1)
    assert timedelta(0) <= window.end - scene.end_time < timedelta(seconds=1)
    times = overpass.seen_at(images[0].pixels.longitude, images[0].pixels.latitude)
    assert window.starts(0)[0] - timedelta(seconds=1) < times.min().astype(datetime)
    assert times.max().astype(datetime) < window.end + timedelta(seconds=1)
    ours = ml.open_scene(path)
    assert ours.attrs["time_coverage_start"].startswith(f"{scene.start_time:%Y-%m-%dT%H:%M:%S}")
    with h5py.File(file(path, "GEO1K")) as data:
        days, left = data["Timedata/Day_Count"][()], data["Timedata/Millisecond_Count"][()]
    for day, ms, start in zip(days, left, window.starts(0), strict=True):
        made = datetime(2000, 1, 1, 12) + timedelta(days=int(day), milliseconds=int(ms))
        assert abs(made - start) < timedelta(milliseconds=1)
    assert np.diff(left) == pytest.approx(np.full(window.scans - 1, 1500), abs=1)


# ---- the granule -----------------------------------------------------------------------------------------------------
def test_files(path):
    names = sorted(p.name for p in path.parent.iterdir())
    stem = path.name.removesuffix("_1000M_MS.HDF")
    assert names == [f"{stem}_{tag}_MS.HDF" for tag in ("0250M", "1000M", "GEO1K", "GEOQK")]
    assert sum(p.stat().st_size for p in path.parent.iterdir()) < 6_000_000
    assert ml.scene_grids(path).keys() == {250, 1000}
    with h5py.File(path) as data:
        assert data.attrs["File Name"].decode() == path.name
        assert data.attrs["Number Of Scans"] * 10 == data["Data/EV_1KM_RefSB"].shape[1]
        assert data.attrs["Day Or Night Flag"] == b"D"


def test_the_same_bytes_twice_wherever(overpass, path, tmp_path):
    other = tmp_path / "a much longer name of a folder"
    other.mkdir()
    fy3d_mersi2.write(overpass, images_of(overpass), other)
    for made in path.parent.iterdir():
        assert (other / made.name).read_bytes() == made.read_bytes(), made.name


def test_by_night_there_are_thermal_bands_alone(overpass, images, tmp_path):
    dark = [replace(image, sun_zenith=np.full_like(image.sun_zenith, 120.0)) for image in images]
    path = fy3d_mersi2.write(overpass, dark, tmp_path)
    with h5py.File(path) as data:
        assert (data["Data/EV_1KM_RefSB"][()] == 65535).all()
        assert data.attrs["Day Or Night Flag"] == b"N"
    for resolution, image in ((1000, images[0]), (250, images[1])):
        scene = ml.open_scene(path, resolution=resolution)
        assert np.isnan(scene["red"].values).all()
        assert np.abs(seen(scene["tir2"].values, image) - image.values["tir2"]).max() < 0.02


def test_a_world_at_the_edge_of_the_swath_gives_a_part(overpass, tmp_path):
    edge = float(overpass.across_of(np.float64(math.radians(55.0))))
    longitude, latitude = (float(v) for v in overpass.ground(np.float64(0.0), np.float64(edge)))
    images = images_of(overpass, local_grid(longitude, latitude, 30.0, 100.0))[:1]
    assert images[0].pixels.extra["window"].column == 0
    scene = ml.open_scene(fy3d_mersi2.write(overpass, images, tmp_path))
    assert np.isfinite(scene["tir1"].values[:, :3]).all()
    assert np.isnan(scene["tir1"].values[:, images[0].pixels.longitude.shape[1] :]).all()
    longitude, latitude = (float(v) for v in overpass.ground(np.float64(0.0), np.float64(1.2 * edge)))
    assert fy3d_mersi2.pixels(overpass, local_grid(longitude, latitude, 10.0, 100.0)) == ()


def test_pixels_tell_their_bands_and_width(overpass):
    grids = fy3d_mersi2.pixels(overpass, world())
    assert [(len(grid.bands), grid.resolution) for grid in grids] == [(25, 1000), (6, 250)]
    assert grids[0].bands == fy3d_mersi2.INSTRUMENT.bands
    assert grids[0].footprint == pytest.approx(4 * grids[1].footprint)
    assert grids[1].longitude.shape == tuple(4 * n for n in grids[0].longitude.shape)
    assert len(fy3d_mersi2.pixels(overpass, world(cells=8, resolution=900))) == 1


def test_the_orbit_is_that_of_an_afternoon():
    times = [o.time for o in passes(fy3d_mersi2)]
    local = [(t.hour + t.minute / 60 + 116.0 / 15) % 24 for t in times]
    assert all(12.0 < hour < 16.0 for hour in local)
    # Seen at least once a day: the swath is wider than tracks are apart.
    assert len({t.date() for t in times}) == 16
    # The design: 101.5 minutes, and the track repeats after twice 5.5 days.
    assert fy3d_mersi2.ORBIT.period / 60 == pytest.approx(101.5, abs=0.1)
    kepler = 2 * math.pi * math.sqrt((6378.137e3 + 836e3) ** 3 / 3.986004418e14)
    assert fy3d_mersi2.ORBIT.period == pytest.approx(kepler, rel=2e-3)
