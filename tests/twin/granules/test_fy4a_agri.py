"""FY-4A AGRI written for the simulated Earth: what satpy and our reader find in it."""

from dataclasses import replace
from datetime import datetime, timedelta

import dask
import h5py
import numpy as np
import pytest
from twin.granules import images as made

import musyq_lab as ml
from musyq_lab.core.errors import InputError
from musyq_lab.sensors.fy4a_agri import SPEC
from musyq_lab.twin.granules import fy4a_agri
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.orbit import overpasses

THERMAL = tuple(b.name for b in SPEC.bands_of() if b.thermal)
ROWS = {b.native: b for b in SPEC.bands_of()}
ANGLES = {
    "solar_zenith_angle": "sun_zenith",
    "solar_azimuth_angle": "sun_azimuth",
    "satellite_zenith_angle": "view_zenith",
    "satellite_azimuth_angle": "view_azimuth",
}
NOON, MIDNIGHT = datetime(2023, 6, 1, 4, 15), datetime(2023, 6, 1, 16, 15)


def at(time, place=made.PLACE):
    """Return the overpass of a time."""
    day = datetime(time.year, time.month, time.day)
    passes = overpasses("fy4a_agri", "FY-4A", fy4a_agri.INSTRUMENT.orbit, place, day, 1)
    return next(p for p in passes if p.time == time)


def within(image, grid):
    """Take away what lies outside the world."""
    row, column = grid.cells(image.pixels.longitude, image.pixels.latitude)
    inside = (row > -0.5) & (row < grid.rows - 0.5) & (column > -0.5) & (column < grid.columns - 0.5)
    values = {n: np.where(inside, v, np.nan).astype(np.float32) for n, v in image.values.items()}
    return replace(image, values=values, elevation=np.where(inside, image.elevation, np.nan))


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """A world of 38 km at noon, written: images and folder."""
    folder = tmp_path_factory.mktemp("agri")
    grid, overpass = made.world(cells=64, resolution=600.0), at(NOON)
    images = [within(i, grid) for i in made.make(overpass, fy4a_agri.pixels(overpass, grid), thermal=THERMAL)]
    assert fy4a_agri.write(overpass, images, folder) == folder
    return images, folder


@pytest.fixture(scope="module")
def satpy_scenes(day):
    """Every band at every resolution, and the angles, as satpy reads them."""
    from satpy import Scene

    found = {}
    for image in day[0]:
        resolution = int(image.pixels.resolution)
        files = [str(p) for p in day[1].glob(f"*_{resolution:04d}M_*")]
        scene = Scene(files, reader="agri_fy4a_l1")
        names = [b.native for b in SPEC.bands_of() if b.resolution == resolution]
        names += [*ANGLES, "solar_glint_angle"] if resolution == 4000 else []
        scene.load(names)
        found[resolution] = dict(zip(names, dask.compute(*(scene[name] for name in names)), strict=True))
    return found


def cut(image, array):
    """Return the part of a file's array that holds an image's pixels."""
    left = image.pixels.extra["window"].left * 4000 // int(image.pixels.resolution)
    return array[:, left : left + image.pixels.longitude.shape[1]]


def natives(image):
    """Yield native name and role of the bands of an image."""
    for band in SPEC.bands_of():
        if band.resolution == image.pixels.resolution:
            yield band.native, band.name


def tolerance(native, temperature):
    """Return half a count (reflectance, or K); the table itself has steps of 1/256 K."""
    if not ROWS[native].thermal:
        return 0.5 * 1.2 / 4075 + 1e-6
    wavelength, hot = ROWS[native].centre, {"C07": 450.0, "C08": 350.0}.get(native, 330.0)

    def planck(t):
        return 1 / np.expm1(14387.768775 / (wavelength * t))

    slope = (planck(temperature + 0.5) - planck(temperature - 0.5)) / 1.0
    return 0.5 * (planck(hot) - planck(150.0)) / 4095 / slope * 1.01 + 1 / 512


@pytest.mark.parametrize("which", range(4))
def test_satpy_finds_the_radiometry(day, satpy_scenes, which):
    image = day[0][which]
    scene = satpy_scenes[int(image.pixels.resolution)]
    for native, name in natives(image):
        seen, put = cut(image, scene[native].values).astype(float), image.values[name].astype(float)
        if not ROWS[native].thermal:
            seen, put = seen / 100, put * np.cos(np.radians(image.sun_zenith.astype(float)))
        assert np.array_equal(np.isnan(seen), np.isnan(put)), native
        valid = np.isfinite(put)
        assert valid.sum() > 20
        assert np.all(np.abs(seen - put)[valid] <= tolerance(native, put[valid])), native
        assert np.isfinite(scene[native].values).sum() == valid.sum()


@pytest.mark.parametrize("which", range(4))
def test_satpy_finds_the_places(day, satpy_scenes, which):
    image = day[0][which]
    lon, lat = satpy_scenes[int(image.pixels.resolution)]["C02"].attrs["area"].get_lonlats()
    tenth = 0.1 * image.pixels.resolution / 111_195
    east = np.abs(cut(image, lon) - image.pixels.longitude) * np.cos(np.radians(image.pixels.latitude))
    assert np.nanmax(east) < tenth
    assert np.nanmax(np.abs(cut(image, lat) - image.pixels.latitude)) < tenth


def test_satpy_finds_the_angles(day, satpy_scenes):
    for theirs, ours in ANGLES.items():
        seen = cut(day[0][0], satpy_scenes[4000][theirs].values)
        np.testing.assert_array_equal(seen, getattr(day[0][0], ours))


def test_glint_is_small_where_the_sea_would_shine(satpy_scenes, day):
    image = day[0][0]
    glint = cut(image, satpy_scenes[4000]["solar_glint_angle"].values)

    def unit(zenith, azimuth):
        z, a = np.radians(zenith.astype(float)), np.radians(azimuth.astype(float))
        return np.stack([np.sin(z) * np.sin(a), np.sin(z) * np.cos(a), np.cos(z)], -1)

    mirrored = unit(image.sun_zenith, image.sun_azimuth) * [-1, -1, 1]
    view = unit(image.view_zenith, image.view_azimuth)
    np.testing.assert_allclose(glint, np.degrees(np.arccos(np.sum(mirrored * view, -1))), atol=1e-2)


def test_satpy_finds_time_and_platform(satpy_scenes):
    attrs = satpy_scenes[4000]["C12"].attrs
    assert attrs["platform_name"] == "FY-4A"
    assert attrs["sensor"] == "agri"
    assert attrs["start_time"] == NOON
    assert attrs["end_time"] == NOON + timedelta(seconds=1)
    assert attrs["orbital_parameters"]["satellite_nominal_longitude"] == pytest.approx(104.7)


@pytest.mark.parametrize("which", range(4))
def test_our_reader_finds_the_same(day, which):
    images, folder = day
    image = images[which]
    scene = ml.open_scene(folder, resolution=image.pixels.resolution).load()
    for native, name in natives(image):
        seen, put = cut(image, scene[name].values), image.values[name].astype(float)
        assert np.array_equal(np.isnan(seen), np.isnan(put)), native
        valid = np.isfinite(put)
        cosine = 1.0 if ROWS[native].thermal else np.cos(np.radians(image.sun_zenith.astype(float)[valid]))
        assert np.all(np.abs(seen - put)[valid] * cosine <= tolerance(native, put[valid])), native
    for name in ANGLES.values():
        assert np.nanmax(np.abs(cut(image, scene[name].values) - getattr(image, name))) < 0.02, name
    assert scene.attrs["platform"] == "FY-4A"


def test_bands_are_those_of_nsmcs_files(day):
    shares = {int(i.pixels.resolution): len(i.pixels.bands) for i in day[0]}
    assert shares == {4000: 14, 2000: 7, 1000: 3, 500: 1}
    names = sorted(p.name for p in day[1].iterdir())
    assert names[0] == "FY4A-_AGRI--_N_REGC_1047E_L1-_FDI-_MULT_NOM_20230601041500_20230601041501_0500M_V0001.HDF"
    assert names[4] == "FY4A-_AGRI--_N_REGC_1047E_L1-_GEO-_MULT_NOM_20230601041500_20230601041501_4000M_V0001.HDF"
    assert len(names) == 5


def test_lines_are_numbered_as_in_the_full_disk(day):
    """The corner's place by the CGMS formulas, from the numbers of the file alone."""
    image = day[0][0]
    path = next(day[1].glob("*GEO*4000M*"))
    with h5py.File(path) as file:
        top, bottom = int(file.attrs["Begin Line Number"][0]), int(file.attrs["End Line Number"][0])
        numbers = cut(image, file["LineNumber"][()]), cut(image, file["ColumnNumber"][()])
    assert bottom - top + 1 == image.pixels.longitude.shape[0]
    assert numbers[0][0, 0] == top
    x, y = (np.radians((n[0, 0] - 1373.5) * 2**16 / 10_233_137) for n in (numbers[1], -numbers[0] + 2 * 1373.5))
    far, flat = 42_164.0, 1.0067395
    first = (far * np.cos(x) * np.cos(y)) ** 2 - (np.cos(y) ** 2 + flat * np.sin(y) ** 2) * (far**2 - 6378.137**2)
    reach = (far * np.cos(x) * np.cos(y) - np.sqrt(first)) / (np.cos(y) ** 2 + flat * np.sin(y) ** 2)
    s1, s2, s3 = far - reach * np.cos(x) * np.cos(y), reach * np.sin(x) * np.cos(y), reach * np.sin(y)
    assert np.degrees(np.arctan(s2 / s1)) + 104.7 == pytest.approx(image.pixels.longitude[0, 0], abs=2e-3)
    assert np.degrees(np.arctan(flat * s3 / np.hypot(s1, s2))) == pytest.approx(image.pixels.latitude[0, 0], abs=2e-3)


def test_night_is_dark_not_missing(tmp_path):
    grid, overpass = made.world(resolution=600.0), at(MIDNIGHT)
    images = made.make(overpass, fy4a_agri.pixels(overpass, grid), thermal=THERMAL, constant={"red": np.nan})
    fy4a_agri.write(overpass, images, tmp_path)
    counts = ml.open_scene(tmp_path, calibration="counts")
    assert set(np.unique(cut(images[0], counts.red.values))) == {20}
    assert np.isfinite(cut(images[0], ml.open_scene(tmp_path).tir1.values)).all()


def test_ends_of_the_counts(tmp_path):
    grid, overpass = made.world(), at(NOON)
    ends = {"red": (5.0, 4095), "blue": (-1.0, 0), "tir1": (500.0, 4095), "tir2": (20.0, 0), "mir": (np.nan, 65535)}
    constant = {name: value for name, (value, _) in ends.items()}
    images = made.make(overpass, fy4a_agri.pixels(overpass, grid), thermal=THERMAL, constant=constant)
    fy4a_agri.write(overpass, images, tmp_path)
    counts = ml.open_scene(tmp_path, calibration="counts")
    for name, (_, count) in ends.items():
        assert set(np.unique(cut(images[0], counts[name].values))) == {count}, name


def test_same_bytes_twice(day, tmp_path):
    fy4a_agri.write(at(NOON), day[0], tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in day[1].iterdir())
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (day[1] / path.name).read_bytes()


def test_files_are_small(day):
    assert sum(p.stat().st_size for p in day[1].iterdir()) < 400_000


def test_coarse_worlds_have_no_fine_files():
    wide = WorldGrid("EPSG:4326", 0.05, 100.0, 42.0, 200, 60)
    entries = fy4a_agri.pixels(at(NOON), wide)
    assert [e.resolution for e in entries] == [4000]
    row, column = wide.cells(entries[0].longitude, entries[0].latitude)
    assert row.min() < 0.5
    assert row.max() > wide.rows - 1.5
    assert column.min() < 0.5
    assert column.max() > wide.columns - 1.5


def test_wide_world_is_written(tmp_path):
    """A strip of 60 degrees reaches the limb: what is beyond is fill."""
    strip = WorldGrid("EPSG:4326", 0.1, 20.0, 45.0, 900, 20)
    overpass = at(NOON)
    images = made.make(overpass, fy4a_agri.pixels(overpass, strip), thermal=THERMAL)
    fy4a_agri.write(overpass, images, tmp_path)
    scene = ml.open_scene(tmp_path)
    seen = cut(images[0], scene.tir1.values)
    assert np.array_equal(np.isnan(seen), np.isnan(images[0].pixels.longitude))
    assert np.nanmax(np.abs(seen - images[0].values["tir1"])) < 0.1


def test_full_disk_is_refused():
    globe = WorldGrid("EPSG:4326", 1.0, -180.0, 90.0, 360, 180)
    with pytest.raises(InputError, match="Full disks are not simulated"):
        fy4a_agri.pixels(at(NOON), globe)


def test_world_behind_the_limb():
    with pytest.raises(InputError, match="beyond the limb"):
        fy4a_agri.pixels(at(NOON), made.world((-60.0, 0.0)))
