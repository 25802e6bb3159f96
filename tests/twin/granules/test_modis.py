"""MODIS granules read by satpy, by pyhdf with the published formulas, and by our own reader."""

import math
import shutil
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from pyhdf.SD import SD
from sensors.swaths import satpy_values
from twin.granules.images import make, passes, world

import musyq_lab as ml
from musyq_lab.sensors._time import sun_distance
from musyq_lab.sensors.modis import SPEC
from musyq_lab.twin.granules import _modis_bands, _modis_files, modis
from musyq_lab.twin.grid import local_grid
from musyq_lab.twin.orbit import overpasses

THERMAL = [b.name for b in SPEC.bands_of("Terra") if b.thermal and b.resolution == 1000]
ROWS = {b.name: b for b in SPEC.bands_of("Terra") if b.resolution == 1000}
# Hottest brightness temperature (K) below the scale of the bands that see little of the ground.
COOL = {"b24": 280, "b25": 295, "b27": 265, "vapour_lower": 280, "carbon_dioxide": 295, "ozone": 310}
COOL |= {"b34": 280, "b35": 270, "b36": 245}


def fitting(image):
    """Move temperatures of 250 to 320 K into the range that each band measures."""
    values = dict(image.values)
    for name in set(values) & set(THERMAL):
        top = COOL.get(name, 320)
        values[name] = (200 + (values[name] - 250) / 70 * (top - 200)).astype(np.float32)
    return replace(image, values=values)


def images_of(overpass, grid=None):
    return [fitting(image) for image in make(overpass, modis.pixels(overpass, grid or world()), thermal=THERMAL)]


@pytest.fixture(scope="module")
def overpass():
    """Neither at nadir nor at the edge."""
    return next(o for o in passes(modis) if 25 < float(o.look(*map(np.float64, (116.0, 40.2)))[0]) < 50)


@pytest.fixture(scope="module")
def images(overpass):
    return images_of(overpass)


@pytest.fixture(scope="module")
def path(overpass, images, tmp_path_factory):
    return modis.write(overpass, images, tmp_path_factory.mktemp("modis"))


@pytest.fixture(scope="module")
def theirs(path):
    """What satpy reads at 1 km."""
    names = [ROWS[name].native for name in ROWS if ROWS[name].native in modis._NATIVES]
    angles = ["solar_zenith_angle", "solar_azimuth_angle", "satellite_zenith_angle", "satellite_azimuth_angle"]
    files = [path, file(path, "03")]
    return satpy_values(files, "modis_l1b", [*names, *angles, "longitude", "latitude", "height"], resolution=1000)


def file(path, kind):
    return next(path.parent.glob(f"M?D{kind}.*"))


def seen(values, image):
    """Return the part of a full swath that the image covers."""
    window = image.pixels.extra["window"]
    factor = values.shape[1] // 1354
    return values[:, window.column * factor : (window.column + window.columns) * factor]


def cosine(image):
    return np.cos(np.radians(image.sun_zenith.astype(float)))


def planck(temperature, native):
    """Radiance (W m-2 sr-1 um-1) at the effective wavenumber: M1054E and CIMSS, CODATA 2018."""
    wave = 1.0 / (_modis_bands.BRIGHTNESS["Terra"][native][0] * 100.0)
    first, second = 2 * 6.62607015e-34 * 299792458.0**2, 6.62607015e-34 * 299792458.0 / 1.380649e-23
    return first / wave**5 / np.expm1(second / wave / temperature) * 1e-6


# ---- radiometry ------------------------------------------------------------------------------------------------------
def test_satpy_reads_the_reflectance_put_in_to_half_a_count(theirs, images, overpass):
    squared = sun_distance(overpass.time) ** 2
    for name, row in ROWS.items():
        if row.thermal or row.native not in modis._NATIVES:
            continue
        put = images[0].values[name] * cosine(images[0])
        half = 0.5 * _modis_bands.REFLECTIVE[row.native][0] * squared
        # float32 on both sides.
        assert np.abs(seen(theirs[row.native], images[0]) / 100 - put).max() < half + 3e-7, name


def test_satpy_reads_the_temperature_put_in_to_half_a_count(theirs, images):
    for name in THERMAL:
        native, put = ROWS[name].native, images[0].values[name].astype(float)
        step = planck(put + 0.5, native) - planck(put - 0.5, native)
        half = 0.5 * _modis_bands.emissive_scale(native)[0] / step
        # Its constants of the bands differ from ours in the seventh digit, and it computes in float32.
        error = np.abs(seen(theirs[native], images[0]) - put)
        assert (error < 1.05 * half + 0.01).all(), name
        assert np.median(half) < 0.3 or name == "b21"  # for fires: coarse below 300 K


@pytest.mark.parametrize(("kind", "resolution", "place"), [("02HKM", 500, 1), ("02QKM", 250, 2)])
def test_satpy_reads_the_finer_images(path, images, overpass, kind, resolution, place):
    image = images[place]
    natives = {ROWS[name].native: name for name in image.pixels.bands}
    assert list(natives) == [str(n) for n in range(1, 8 if resolution == 500 else 3)]
    files = [file(path, kind), file(path, "03")]
    made = satpy_values(files, "modis_l1b", [*natives, "longitude", "latitude"], resolution=resolution)
    squared = sun_distance(overpass.time) ** 2
    for native, name in natives.items():
        half = 0.5 * _modis_bands.REFLECTIVE[native][0] * squared
        put = image.values[name] * cosine(image)
        assert np.abs(seen(made[native], image) / 100 - put).max() < half + 3e-7
    assert np.abs(seen(made["longitude"], image) - image.pixels.longitude).max() < 0.1 * resolution / 85_000
    assert np.abs(seen(made["latitude"], image) - image.pixels.latitude).max() < 0.1 * resolution / 111_000


@pytest.mark.parametrize(("resolution", "place"), [(1000, 0), (500, 1), (250, 2)])
def test_our_reader_returns_what_was_put_in(path, images, overpass, resolution, place):
    image, scene = images[place], ml.open_scene(path, resolution=resolution)
    assert scene.attrs["sensor"] == "modis"
    assert scene.attrs["platform"] == "Terra"
    assert set(image.pixels.bands) <= set(scene.data_vars)
    squared = sun_distance(overpass.time) ** 2
    for name in image.pixels.bands:
        got, put, native = seen(scene[name].values, image), image.values[name], ROWS[name].native
        if ROWS[name].thermal:
            step = planck(put + 0.5, native) - planck(put - 0.5, native)
            limit = 0.55 * _modis_bands.emissive_scale(native)[0] / step + 1e-3
        else:
            # Half a count, and half a step of 0.01 degree of the Sun's angle, interpolated on the finer grids.
            angle = 1.5 * math.radians(0.005) * np.tan(np.radians(image.sun_zenith)) * put
            limit = 0.5 * _modis_bands.REFLECTIVE[native][0] * squared / cosine(image) + angle + 1e-6
        assert (np.abs(got - put) < limit).all(), name
    for name, accuracy in (("longitude", 0.1 * resolution / 85_000), ("latitude", 0.1 * resolution / 111_000)):
        error = np.abs(seen(scene[name].values, image) - getattr(image.pixels, name))
        assert error.max() < accuracy


def test_radiance_by_the_irradiance_of_the_producer(path, images):
    """Band 31 by Planck, band 1 by pi L d^2 = E0 rho cos with the 1606 W m-2 um-1 of the producer."""
    scene = ml.open_scene(path, calibration="radiance")
    got = seen(scene["tir1"].values, images[0])
    np.testing.assert_allclose(got, planck(images[0].values["tir1"].astype(float), "31"), rtol=2e-3)
    red = seen(scene["red"].values, images[0]) * math.pi * sun_distance(modis_start(path)) ** 2
    np.testing.assert_allclose(red, 1606.2 * images[0].values["red"] * cosine(images[0]), rtol=2e-3)


def modis_start(path):
    return datetime.fromisoformat(ml.open_scene(path).attrs["time_coverage_start"].rstrip("Z"))


PUBLISHED = {
    "21": (0.003149510128, 2730.583496),
    "22": (6.9216e-5, 2730.5835),
    "27": (0.0001175572979, 2730.583252),
    "28": (0.0001924497337, 2317.488281),
    "29": (0.0005324869417, 2730.583496),
    "30": (0.0004063234373, 1560.333252),
    "31": (0.0008400219958, 1577.339722),
    "32": (0.0007296975818, 1658.221313),
    "33": (0.0002622638713, 2501.297607),
}


def test_published_scales_of_real_granules(path):
    made = SD(str(path)).select("EV_1KM_Emissive").attributes()
    natives = made["band_names"].split(",")
    for native, (scale, offset) in PUBLISHED.items():
        assert made["radiance_scales"][natives.index(native)] == pytest.approx(scale, rel=2e-4)
        assert made["radiance_offsets"][natives.index(native)] == pytest.approx(offset, rel=2e-4)
    # MOD021KM.A2012062.0315.006.
    scales = (5.239028542e-05, 3.161556378e-05, 5.260160106e-05, 4.033463483e-05, 3.798048783e-05)
    for native, scale in zip("12345", scales, strict=True):
        made = _modis_bands.REFLECTIVE[native][0] * sun_distance(datetime(2012, 3, 2, 3, 15)) ** 2
        assert made == pytest.approx(scale, rel=1e-4)


def test_scales_of_the_file_are_those_the_counts_were_made_with(path, overpass, images):
    for dataset in _modis_bands.DATASETS[1000][2:]:
        layer = SD(str(path)).select(dataset.name)
        made = layer.attributes()
        for k, native in enumerate(dataset.natives):
            numbers = seen(layer.get()[k], images[0]).astype(float)
            name = next(n for n, row in ROWS.items() if row.native == native)
            back = made["reflectance_scales"][k] * (numbers - made["reflectance_offsets"][k])
            assert (
                np.abs(back - images[0].values[name] * cosine(images[0])).max() < made["reflectance_scales"][k] * 0.51
            )


def test_special_numbers(overpass, images, tmp_path):
    values = {name: v.copy() for name, v in images[0].values.items()}
    values["red"][0, 0], values["red"][0, 1], values["red"][1, 0] = np.nan, 5.0, -0.1
    values["tir1"][0, 0], values["tir1"][0, 1], values["tir1"][1, 0] = np.nan, 500.0, 1.0
    path = modis.write(overpass, [replace(images[0], values=values)], tmp_path)
    column = images[0].pixels.extra["window"].column
    file = SD(str(path))
    numbers, indexes = (file.select(f"EV_250_Aggr1km_RefSB{end}").get()[0] for end in ("", "_Uncert_Indexes"))
    used = file.select("EV_250_Aggr1km_RefSB_Samples_Used").get()[0].astype(np.int8)
    assert [numbers[0, column], numbers[0, column + 1], numbers[1, column]] == [65535, 65533, 65530]
    assert [indexes[0, column], indexes[0, column + 1], indexes[1, column]] == [255, 15, 15]
    assert indexes[1, column + 1] < 15
    assert [used[0, column], used[1, column + 1]] == [-1, 28]
    place = list(_modis_bands.RANGE).index("31")
    numbers, indexes = (file.select(f"EV_1KM_Emissive{end}").get()[place] for end in ("", "_Uncert_Indexes"))
    assert [numbers[0, column], numbers[0, column + 1]] == [65535, 65529]
    assert numbers[1, column] == pytest.approx(1577, abs=1)  # of no radiance
    assert [indexes[0, column], indexes[0, column + 1]] == [255, 15]
    scene = ml.open_scene(path)
    assert np.isnan(scene["red"].values[0, column : column + 2]).all()
    assert np.isnan(scene["red"].values[1, column])


def test_nothing_outside_the_world_and_in_the_bands_for_the_sea(path, theirs, images):
    window = images[0].pixels.extra["window"]
    outside = np.r_[0 : window.column, window.column + window.columns : 1354]
    assert np.isnan(theirs["1"][:, outside]).all()
    assert np.isnan(theirs["31"][:, outside]).all()
    file = SD(str(path))
    for name in ("EV_1KM_RefSB", "EV_1KM_Emissive", "EV_250_Aggr1km_RefSB", "EV_Band26"):
        assert (file.select(name).get()[..., outside] == 65535).all()
        assert (file.select(f"{name}_Uncert_Indexes").get()[..., outside] == 255).all()
    assert (file.select("EV_1KM_RefSB").get()[:11] == 65535).all()
    np.testing.assert_array_equal(file.select("EV_Band26").get(), file.select("EV_1KM_RefSB").get()[14])


# ---- places, angles, times -------------------------------------------------------------------------------------------
def test_places_and_angles_as_put_in(theirs, images):
    image = images[0]
    for name, values in (("longitude", image.pixels.longitude), ("latitude", image.pixels.latitude)):
        # Corners, centre and all between: a tenth of a pixel is 100 m, float32 keeps 1 m.
        assert np.abs(seen(theirs[name], image) - values).max() < 1e-5
        assert np.isfinite(theirs[name]).all()
    angles = {
        "solar_zenith_angle": image.sun_zenith,
        "solar_azimuth_angle": image.sun_azimuth,
        "satellite_zenith_angle": image.view_zenith,
        "satellite_azimuth_angle": image.view_azimuth,
    }
    for name, values in angles.items():
        turn = (seen(theirs[name], image) - values + 180) % 360 - 180
        assert np.abs(turn).max() < 0.0051
        assert np.isfinite(theirs[name]).all()
    np.testing.assert_array_equal(seen(theirs["height"], image), 50.0)
    assert np.isnan(theirs["height"]).sum() == theirs["height"].size - image.elevation.size


def test_the_image_places_itself_without_the_geolocation_file(path, images, tmp_path):
    copy = shutil.copy(path, tmp_path)
    scene = ml.open_scene(copy)
    assert scene.attrs["geolocation"] == "interpolated from 5 km"
    assert np.abs(seen(scene["longitude"].values, images[0]) - images[0].pixels.longitude).max() < 100 / 85_000
    assert np.abs(seen(scene["latitude"].values, images[0]) - images[0].pixels.latitude).max() < 100 / 111_000
    assert np.abs(seen(scene["view_zenith"].values, images[0]) - images[0].view_zenith).max() < 0.02


def test_land_and_water(path, images):
    file = SD(str(next(path.parent.glob("MOD03*"))))
    mask, water = (seen(file.select(name).get(), images[0]) for name in ("Land/SeaMask", "WaterPresent"))
    np.testing.assert_array_equal(mask, np.where(images[0].water, 3, 1))
    np.testing.assert_array_equal(water, np.where(images[0].water, 100, 0))


def test_times(path, overpass, images):
    pytest.importorskip("satpy")
    from satpy import Scene

    scene = Scene([str(path), str(file(path, "03"))], reader="modis_l1b")
    window = images[0].pixels.extra["window"]
    assert abs(scene.start_time - window.starts(0)[0]) < timedelta(milliseconds=1)
    assert abs(scene.end_time - window.end) < timedelta(milliseconds=1)
    # The world is seen within the granule, which lasts as long as its scans take.
    longitude, latitude = images[0].pixels.longitude, images[0].pixels.latitude
    times = overpass.seen_at(longitude, latitude)
    slack = timedelta(seconds=1.5)
    assert scene.start_time - slack < times.min().astype(datetime)
    assert times.max().astype(datetime) < scene.end_time + slack
    assert (scene.end_time - scene.start_time).total_seconds() == pytest.approx(
        (window.scans - 1) * 1.478 + 0.45, abs=0.1
    )
    ours = ml.open_scene(path)
    assert ours.attrs["time_coverage_start"].startswith(f"{scene.start_time:%Y-%m-%dT%H:%M:%S}")
    slot = datetime.strptime(path.name[10:22], "%Y%j.%H%M")
    assert slot.minute % 5 == 0
    assert slot <= scene.start_time < slot + timedelta(minutes=5)


def test_atomic_time():
    """TAI since 1993: known instants on both sides of a leap second."""
    assert _modis_files._atomic([datetime(1993, 1, 1)])[0] == 0
    assert _modis_files._atomic([datetime(2017, 1, 1)])[0] == 757382410.0
    before, after = _modis_files._atomic([datetime(2016, 12, 31, 23, 59, 59), datetime(2017, 1, 1)])
    assert after - before == 2


def test_scan_times_of_the_geolocation_file(path, images):
    made = SD(str(next(path.parent.glob("MOD03*")))).select("EV center time").get()
    window = images[0].pixels.extra["window"]
    assert np.diff(made) == pytest.approx(np.full(window.scans - 1, 30 / 20.3))
    expected = _modis_files._atomic(window.starts(window.scanner.middle))
    np.testing.assert_allclose(made, expected, atol=1e-3)


# ---- the granule -----------------------------------------------------------------------------------------------------
def test_files_and_their_metadata(path):
    names = sorted(p.name[:8] for p in path.parent.iterdir())
    assert names == ["MOD021KM", "MOD02HKM", "MOD02QKM", "MOD03.A2"]
    assert len({p.name.split(".")[4] for p in path.parent.iterdir()}) == 1
    text = SD(str(path)).attributes()["CoreMetadata.0"]
    for word in ('"MOD021KM"', '"Terra"', '"Day"', path.name, "GRINGPOINTLATITUDE"):
        assert word in text
    assert sum(p.stat().st_size for p in path.parent.iterdir()) < 3_000_000
    assert ml.scene_grids(path).keys() == {250, 500, 1000}


def test_the_same_bytes_twice_wherever(overpass, images, path, tmp_path):
    other = tmp_path / "a much longer name of a folder"
    other.mkdir()
    modis.write(overpass, images_of(overpass), other)
    for file in path.parent.iterdir():
        assert (other / file.name).read_bytes() == file.read_bytes(), file.name


def test_by_night_there_are_thermal_bands_alone(overpass, images, tmp_path):
    dark = [replace(image, sun_zenith=np.full_like(image.sun_zenith, 120.0)) for image in images]
    path = modis.write(overpass, dark, tmp_path)
    assert sorted(p.name[:8] for p in tmp_path.iterdir()) == ["MOD021KM", "MOD03.A2"]
    held = SD(str(path)).datasets()
    assert "EV_1KM_RefSB" not in held
    assert {"EV_1KM_Emissive", "EV_Band26"} <= set(held)
    assert '"Night"' in SD(str(path)).attributes()["CoreMetadata.0"]
    scene = ml.open_scene(path)
    assert np.abs(seen(scene["tir1"].values, images[0]) - images[0].values["tir1"]).max() < 0.1
    assert np.isnan(scene["cirrus"].values).all()
    assert "red" not in scene


def test_aqua(tmp_path):
    orbit = modis.AQUA.orbit
    overpass = overpasses("modis", "Aqua", orbit, (116.0, 40.2), datetime(2023, 6, 1), 2)[0]
    # Early in the afternoon.
    assert 12.0 < (overpass.time.hour + overpass.time.minute / 60 + 116.0 / 15) % 24 < 15.5
    images = images_of(overpass)[:1]
    path = modis.write(overpass, images, tmp_path)
    assert path.name.startswith("MYD021KM")
    scene = ml.open_scene(path)
    assert scene.attrs["platform"] == "Aqua"
    assert np.abs(seen(scene["tir1"].values, images[0]) - images[0].values["tir1"]).max() < 0.05
    assert np.abs(seen(scene["red"].values, images[0]) - images[0].values["red"]).max() < 2e-4


def test_a_world_at_the_edge_of_the_swath_gives_a_part(overpass, tmp_path):
    edge = float(overpass.across_of(np.float64(-math.radians(55.0))))
    longitude, latitude = (float(v) for v in overpass.ground(np.float64(0.0), np.float64(edge)))
    grid = local_grid(longitude, latitude, 30.0, 100.0)
    images = images_of(overpass, grid)
    window = images[0].pixels.extra["window"]
    assert window.column + window.columns == 1354
    scene = ml.open_scene(modis.write(overpass, images, tmp_path))
    assert np.isfinite(scene["tir1"].values[:, -2:]).all()
    assert np.isnan(scene["tir1"].values[:, : window.column]).all()
    longitude, latitude = (float(v) for v in overpass.ground(np.float64(0.0), np.float64(1.2 * edge)))
    assert modis.pixels(overpass, local_grid(longitude, latitude, 10.0, 100.0)) == ()


def test_wide_cells_get_no_fine_image(overpass):
    counts = {metres: len(modis.pixels(overpass, world(cells=8, resolution=metres))) for metres in (400, 900, 3000)}
    assert counts == {400: 3, 900: 2, 3000: 1}


def test_pixels_tell_their_bands_and_width(overpass):
    grids = modis.pixels(overpass, world())
    assert [len(grid.bands) for grid in grids] == [27, 7, 2]
    assert set(grids[0].bands) == set(modis.INSTRUMENT.bands)
    assert [grid.resolution for grid in grids] == [1000, 500, 250]
    assert grids[0].footprint == pytest.approx(4 * grids[2].footprint)
    assert grids[0].longitude.shape[0] % 10 == 0
    for grid in grids:
        assert grid.elevation is None


def test_terra_flies_the_paths_of_landsat():
    """Path 16 row 37 on 2017-08-21: eight days after Landsat 8, whose scene centre of 2017-08-13 lies here."""
    place = (-80.08, 33.17)
    found = overpasses("modis", "Terra", modis.TERRA, place, datetime(2017, 8, 13), 16)
    nadir = [o for o in found if float(o.look(*map(np.float64, place))[0]) < 5]
    assert [o.time.date() for o in nadir] == [datetime(2017, 8, 21).date()]
    # Landsat 8 came at 15:54 with its node at about 10:11; Terra's is at 10:30.
    assert nadir[0].time.hour * 60 + nadir[0].time.minute == pytest.approx(15 * 60 + 54 + 19, abs=6)
