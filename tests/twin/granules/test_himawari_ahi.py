"""Himawari AHI written for the simulated Earth: what satpy and our reader find in it."""

import bz2
from dataclasses import replace
from datetime import datetime, timedelta

import dask
import numpy as np
import pytest
from twin.granules import images as made

import musyq_lab as ml
from musyq_lab.core.errors import InputError
from musyq_lab.sensors.himawari_ahi import SPEC
from musyq_lab.twin.granules import _hsd, himawari_ahi
from musyq_lab.twin.granules._disk import Window
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.orbit import overpasses

THERMAL = tuple(b.name for b in SPEC.bands_of() if b.thermal)
NATIVE = {b.native: b for b in SPEC.bands_of()}
NOON, MIDNIGHT = datetime(2023, 6, 1, 4, 10), datetime(2023, 6, 1, 16, 10)


def at(time, place=made.PLACE):
    """Return the overpass of a time."""
    day = datetime(time.year, time.month, time.day)
    passes = overpasses("himawari_ahi", "Himawari-8", himawari_ahi.INSTRUMENT.orbit, place, day, 1)
    return next(p for p in passes if p.time == time)


def within(image, grid):
    """Take away what lies outside the world."""
    row, column = grid.cells(image.pixels.longitude, image.pixels.latitude)
    inside = (row > -0.5) & (row < grid.rows - 0.5) & (column > -0.5) & (column < grid.columns - 0.5)
    values = {n: np.where(inside, v, np.nan).astype(np.float32) for n, v in image.values.items()}
    return replace(image, values=values, elevation=np.where(inside, image.elevation, np.nan))


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """A world of 26 km at noon, written: images and folder."""
    folder = tmp_path_factory.mktemp("ahi")
    grid, overpass = made.world(cells=64, resolution=400.0), at(NOON)
    images = [within(i, grid) for i in made.make(overpass, himawari_ahi.pixels(overpass, grid), thermal=THERMAL)]
    assert himawari_ahi.write(overpass, images, folder) == folder
    return images, folder


@pytest.fixture(scope="module")
def satpy_scene(day):
    from satpy import Scene

    scene = Scene([str(p) for p in sorted(day[1].iterdir())], reader="ahi_hsd")
    names = [f"B{n:02d}" for n in range(1, 17)]
    scene.load(names)
    return dict(zip(names, dask.compute(*(scene[name] for name in names)), strict=True))


def cut(image, array):
    """Return the part of a band's array that holds an image's pixels."""
    window = image.pixels.extra["window"]
    area = himawari_ahi._area(window)
    fine = 2000 // int(image.pixels.resolution)
    top, left = (window.top - area.top) * fine, (window.left - area.left) * fine
    return array[top : top + image.pixels.longitude.shape[0], left : left + image.pixels.longitude.shape[1]]


def bands(images):
    """Yield native name, role and image."""
    for image in images:
        for name in image.pixels.bands:
            yield next(b.native for b in SPEC.bands_of() if b.name == name), name, image


def tolerance(native, value):
    """Return half a count in albedo, or in temperature (K), with the little that satpy's single precision costs."""
    if not NATIVE[native].thermal:
        return 0.5 * 0.99 * 1.2 / 2027 + 1e-5
    wavelength = NATIVE[native].centre
    bits = {"B07": 14, "B08": 11, "B09": 11, "B16": 11}.get(native, 12)
    hot = 400.0 if native == "B07" else 330.0
    step = himawari_ahi._planck(wavelength, hot) / (2**bits - 1)
    slope = (himawari_ahi._planck(wavelength, value + 0.5) - himawari_ahi._planck(wavelength, value - 0.5)) / 1.0
    return 0.5 * step / slope * 1.01 + 2e-3


def test_satpy_finds_the_radiometry(day, satpy_scene):
    for native, name, image in bands(day[0]):
        seen = cut(image, satpy_scene[native].values)
        put = image.values[name].astype(float)
        if not NATIVE[native].thermal:
            seen, put = seen / 100, put * np.cos(np.radians(image.sun_zenith.astype(float)))
        assert np.array_equal(np.isnan(seen), np.isnan(put))
        valid = np.isfinite(put)
        assert valid.sum() > 20
        assert np.all(np.abs(seen - put)[valid] <= tolerance(native, put[valid])), native


def test_everything_else_is_fill(day, satpy_scene):
    for native, _, image in bands(day[0]):
        counted = np.isfinite(satpy_scene[native].values).sum()
        assert counted == np.isfinite(cut(image, satpy_scene[native].values)).sum()


def test_satpy_finds_the_places(day, satpy_scene):
    for native, _, image in bands(day[0]):
        if native not in ("B03", "B14"):
            continue
        lon, lat = satpy_scene[native].attrs["area"].get_lonlats()
        tenth = 0.1 * image.pixels.resolution / 111_195
        east = np.abs(cut(image, lon) - image.pixels.longitude) * np.cos(np.radians(image.pixels.latitude))
        assert np.nanmax(east) < tenth
        assert np.nanmax(np.abs(cut(image, lat) - image.pixels.latitude)) < tenth


def test_satpy_finds_time_and_platform(satpy_scene):
    attrs = satpy_scene["B14"].attrs
    assert attrs["platform_name"] == "Himawari-8"
    assert abs(attrs["time_parameters"]["observation_start_time"] - NOON) < timedelta(milliseconds=1)
    assert attrs["time_parameters"]["nominal_start_time"] == NOON
    assert attrs["orbital_parameters"]["satellite_actual_longitude"] == pytest.approx(140.7)


@pytest.mark.parametrize("resolution", [2000, 1000, 500])
def test_our_reader_finds_the_same(day, resolution):
    images, folder = day
    image = next(i for i in images if i.pixels.resolution == resolution)
    window = image.pixels.extra["window"]
    scene = ml.open_scene(folder, resolution=resolution)
    top, left = (cut(image, np.mgrid[0:2000, 0:2000][n])[0, 0] for n in (0, 1))
    fine = window.on(2000 // resolution)
    scene = scene.isel(y=slice(top, top + fine.lines), x=slice(left, left + fine.columns)).load()
    for native, name, _ in bands([image]):
        seen, put = scene[name].values, image.values[name].astype(float)
        assert np.array_equal(np.isnan(seen), np.isnan(put))
        valid = np.isfinite(put)
        cosine = 1.0 if NATIVE[native].thermal else np.cos(np.radians(image.sun_zenith.astype(float)[valid]))
        assert np.all(np.abs(seen - put)[valid] * cosine <= tolerance(native, put[valid])), native
    for name in ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth"):
        assert np.abs(scene[name].values - getattr(image, name)).max() < 0.01, name
    assert scene.attrs["platform"] == "Himawari-8"


def test_pixels_cover_the_world_and_little_more():
    grid = made.world(cells=64, resolution=400.0)
    for entry in himawari_ahi.pixels(at(NOON), grid):
        row, column = grid.cells(entry.longitude, entry.latitude)
        margin = 3 * 3000 / 400
        assert row.min() < 0.5
        assert row.max() > grid.rows - 1.5
        assert column.min() < 0.5
        assert column.max() > grid.columns - 1.5
        assert -margin * 3 < row.min()
        assert column.max() < grid.columns + margin * 3


def test_grids_nest():
    coarse, _, fine = himawari_ahi.pixels(at(NOON), made.world(resolution=400.0))
    lines, columns = coarse.longitude.shape
    mean = fine.longitude.reshape(lines, 4, columns, 4).mean(axis=(1, 3))
    assert np.abs(mean - coarse.longitude).max() < 1e-3
    assert {b for p in himawari_ahi.pixels(at(NOON), made.world()) for b in p.bands} == {
        b.name for b in SPEC.bands_of()
    }


def test_pixel_grows_away_from_the_satellite():
    below = (140.7, 0.0)
    near = himawari_ahi.pixels(at(NOON, below), made.world(below))[0]
    far = himawari_ahi.pixels(at(NOON), made.world())[0]
    assert near.footprint == pytest.approx(2000, rel=1e-3)
    gap = np.hypot(np.diff(far.latitude, axis=0).mean(), 0) * 111_195
    width = abs(np.diff(far.longitude, axis=1).mean()) * 111_195 * np.cos(np.radians(40.2))
    assert min(gap, width) < far.footprint < max(gap, width) * 1.2


def test_night_is_dark_not_missing(tmp_path):
    grid, overpass = made.world(resolution=400.0), at(MIDNIGHT)
    images = made.make(overpass, himawari_ahi.pixels(overpass, grid), thermal=THERMAL, constant={"swir1": np.nan})
    himawari_ahi.write(overpass, images, tmp_path)
    counts = ml.open_scene(tmp_path, calibration="counts")
    assert set(np.unique(cut(images[0], counts.swir1.values))) == {20}
    assert np.isfinite(cut(images[0], ml.open_scene(tmp_path).tir1.values)).all()


def test_ends_of_the_counts(tmp_path):
    grid, overpass = made.world(), at(NOON)
    ends = {"swir1": (5.0, 2047), "swir2": (-1.0, 0), "tir1": (500.0, 0), "tir2": (20.0, 4095), "mir": (np.nan, 65534)}
    constant = {name: value for name, (value, _) in ends.items()}
    images = made.make(overpass, himawari_ahi.pixels(overpass, grid), thermal=THERMAL, constant=constant)
    himawari_ahi.write(overpass, images, tmp_path)
    counts = ml.open_scene(tmp_path, calibration="counts")
    for name, (_, count) in ends.items():
        assert set(np.unique(cut(images[0], counts[name].values))) == {count}, name


def test_same_bytes_twice(day, tmp_path):
    himawari_ahi.write(at(NOON), day[0], tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in day[1].iterdir())
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (day[1] / path.name).read_bytes()


def test_files_are_named_and_small(day):
    names = sorted(p.name for p in day[1].iterdir())
    assert names[0] == "HS_H08_20230601_0410_B01_R301_R10_S0101.DAT.bz2"
    assert names[2] == "HS_H08_20230601_0410_B03_R301_R05_S0101.DAT.bz2"
    assert len(names) == 16
    assert sum(p.stat().st_size for p in day[1].iterdir()) < 150_000


def test_area_number_follows_the_minute(tmp_path):
    overpass = replace(at(NOON), time=NOON + timedelta(minutes=7, seconds=30))
    himawari_ahi.write(
        overpass, made.make(overpass, himawari_ahi.pixels(overpass, made.world()), thermal=THERMAL), tmp_path
    )
    assert {p.name[7:30] for p in tmp_path.iterdir() if "B14" in p.name} == {"20230601_0410_B14_R304_"}


def test_length_of_the_file_is_that_of_the_header(day):
    content = bz2.decompress((day[1] / "HS_H08_20230601_0410_B14_R301_R20_S0101.DAT.bz2").read_bytes())
    header, data = np.frombuffer(content, "<u4", 2, 70)
    assert data == 500 * 500 * 2
    assert len(content) == header + data


def test_world_at_the_edge_of_the_disk(tmp_path):
    """At 69 degrees of view the target area is pushed inside the disk; the places hold."""
    place = (140.7, 61.5)
    overpass = at(NOON, place)
    images = made.make(overpass, himawari_ahi.pixels(overpass, made.world(place)), thermal=THERMAL)
    himawari_ahi.write(overpass, images, tmp_path)
    scene = ml.open_scene(tmp_path)
    assert np.abs(cut(images[0], scene.view_zenith.values) - images[0].view_zenith).max() < 0.01


def test_across_the_antimeridian():
    grid = made.world((179.99, -20.0))
    entry = himawari_ahi.pixels(at(NOON, (179.99, -20.0)), grid)[0]
    assert np.all((np.abs(entry.longitude) > 179) & (np.abs(entry.latitude + 20) < 0.3))


def test_too_large_a_world():
    wide = WorldGrid("EPSG:4326", 0.1, 110.0, 45.0, 200, 100)
    with pytest.raises(InputError, match="target area has 500 x 500"):
        himawari_ahi.pixels(at(NOON), wide)
    globe = WorldGrid("EPSG:4326", 1.0, -180.0, 90.0, 360, 180)
    with pytest.raises(InputError, match="full disks are not simulated"):
        himawari_ahi.pixels(at(NOON), globe)


def test_world_behind_the_limb():
    with pytest.raises(InputError, match="beyond the limb"):
        himawari_ahi.pixels(at(NOON), made.world((0.0, 50.0)))


def test_window_outside_the_area(tmp_path):
    calibration = _hsd.Calibration(12, -0.003, 12.0, (0.0,) * 9)
    image = _hsd.Image(
        "Himawari-8", "R301", NOON, NOON, 14, 2000, 11.2, Window(0, 0, 4, 4), 20_466_275, 2749.5, 140.7, calibration
    )
    with pytest.raises(InputError, match="does not lie in the area"):
        image.write(tmp_path, np.zeros((2, 2), np.uint16), Window(3, 0, 2, 2))
    assert not list(tmp_path.iterdir())
