"""Landsat scenes of a made-up world, read by satpy, GDAL and our own reader."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pyproj
import pytest
import rasterio
from satpy import Scene
from twin.granules.images import PLACE, SOUTH, make, passes, world

import musyq_lab as ml
from musyq_lab.twin.granules import landsat_oli as landsat
from musyq_lab.twin.granules._landsat_mtl import CONSTANTS

BANDS = ("coastal", "blue", "green", "red", "nir", "swir1", "swir2", "cirrus")
NATIVE = dict(zip(BANDS, (1, 2, 3, 4, 5, 6, 7, 9), strict=True))


def written(folder, place=PLACE, number=0, **constant):
    grid = world(place)
    overpass = passes(landsat, place)[number]
    images = make(overpass, landsat.pixels(overpass, grid), thermal=("tir1", "tir2"), constant=constant)
    return overpass, images, landsat.write(overpass, images, folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return written(tmp_path_factory.mktemp("landsat"))


@pytest.fixture(scope="module")
def by_satpy(made):
    scene = Scene([str(f) for f in made[2].parent.iterdir()], reader="oli_tirs_l1_tif")
    names = [f"B{number}" for number in range(1, 12)]
    scene.load([*names, "solar_zenith_angle", "solar_azimuth_angle", "satellite_zenith_angle"])
    return scene


def band(made, suffix):
    with rasterio.open(made[2].with_name(made[2].name.replace("MTL.txt", f"{suffix}.TIF"))) as file:
        assert file.tags()["AREA_OR_POINT"] == "Point"
        return file.read(1), file


def test_satpy_reads_the_reflectance_of_every_band(made, by_satpy):
    reflective, pan, _ = made[1]
    for image, name, number in [(reflective, n, k) for n, k in NATIVE.items()] + [(pan, "pan", 8)]:
        shade = np.cos(np.radians(image.sun_zenith))  # satpy leaves the Sun's zenith angle in
        back = by_satpy[f"B{number}"].values / 100
        assert np.abs(back - image.values[name] * shade).max() < 1.01e-5 + 1e-6


def test_satpy_reads_the_temperature_within_half_a_count(made, by_satpy):
    thermal = made[1][2]
    for name, number, (gain, _, k1, k2) in zip(("tir1", "tir2"), (10, 11), CONSTANTS["Landsat-9"].thermal, strict=True):
        wanted = thermal.values[name]
        radiance = k1 / np.expm1(k2 / wanted.astype(float))
        step = gain * k1 * wanted**2 / (k2 * radiance * (radiance + k1))  # kelvins of a count
        assert (np.abs(by_satpy[f"B{number}"].values - wanted) < 0.51 * step + 1e-4).all()


def test_radiance_and_reflectance_agree_through_the_published_irradiance(made):
    # E0 of OLI-2 green over the response of the instrument (TSIS-1), independent of the metadata: within 1.5 %.
    image = made[1][0]
    radiance = ml.open_scene(made[2], calibration="radiance")["green"].values
    distance = 1.0140  # 1 June
    expected = image.values["green"] * np.cos(np.radians(image.sun_zenith)) * 1866.8 / (np.pi * distance**2)
    assert np.abs(radiance / expected - 1).max() < 0.015


def test_pixels_lie_on_the_grid_of_usgs(made):
    for suffix, step, image in (("B4", 30, made[1][0]), ("B8", 15, made[1][1]), ("B10", 30, made[1][2])):
        data, file = band(made, suffix)
        x, y = file.xy(np.array([0, 0, -1, -1]) % data.shape[0], np.array([0, -1, 0, -1]) % data.shape[1])
        assert np.all(np.array([x, y]) % step == 0)
        lon, lat = pyproj.Transformer.from_crs(file.crs, 4326, always_xy=True).transform(x, y)
        corner = np.ix_([0, -1], [0, -1])
        east = (image.pixels.longitude[corner].ravel() - lon) * 85_000
        north = (image.pixels.latitude[corner].ravel() - lat) * 111_000
        assert np.hypot(east, north).max() < step / 1000
        assert data.shape == image.pixels.longitude.shape


def test_panchromatic_pixels_begin_at_the_centre_of_the_first_pixel(made):
    (_, coarse), (_, fine) = band(made, "B1"), band(made, "B8")
    assert coarse.xy(0, 0) == fine.xy(0, 0)
    assert fine.shape == tuple(2 * size - 1 for size in coarse.shape)  # as 15561 x 15281 beside 7781 x 7641


def test_the_world_is_covered(made):
    grid, (_, file) = world(), band(made, "B1")
    assert file.bounds.left <= grid.west < file.bounds.left + 30
    assert file.bounds.top >= grid.north > file.bounds.top - 30
    assert file.bounds.right >= grid.west + grid.columns * grid.resolution


def test_satpy_places_and_dates_the_scene(made, by_satpy):
    overpass, images, _ = made
    area = by_satpy["B4"].attrs["area"]
    lon, lat = area.get_lonlats()
    assert np.abs(lon - images[0].pixels.longitude).max() < 1e-7
    assert np.abs(lat - images[0].pixels.latitude).max() < 1e-7
    assert abs(by_satpy.start_time.replace(tzinfo=None) - overpass.time) < timedelta(seconds=1)


def test_angles_in_hundredths_of_a_degree(made, by_satpy):
    image = made[1][0]
    wanted = {"solar_zenith_angle": image.sun_zenith, "satellite_zenith_angle": image.view_zenith}
    wanted["solar_azimuth_angle"] = image.sun_azimuth
    for name, values in wanted.items():
        assert np.abs(by_satpy[name].values - values).max() < 0.0051
    stored = band(made, "VAA")[0]
    assert stored.dtype == np.int16
    assert np.abs(stored.astype(float) % 36000 / 100 - image.view_azimuth).max() < 0.0051


def test_our_reader_sees_the_same(made):
    overpass, images, path = made
    scene = ml.open_scene(path)
    assert scene.attrs["sensor"] == "landsat_oli"
    assert scene.attrs["platform"] == overpass.platform == "Landsat-9"
    assert abs(np.datetime64(scene.attrs["time_coverage_start"].rstrip("Z")) - np.datetime64(overpass.time)) < 2
    image = images[0]
    zenith = scene["sun_zenith"].values
    assert np.abs(zenith - image.sun_zenith).max() < 0.0051  # stored in hundredths of a degree
    assert np.abs(scene["view_zenith"].values - image.view_zenith).max() < 0.0051
    shade = np.cos(np.radians(image.sun_zenith)) / np.cos(np.radians(zenith))
    for name in NATIVE:
        assert (
            np.abs(scene[name].values - image.values[name] * shade).max()
            < 1.01e-5 / np.cos(np.radians(zenith)).min() + 1e-6
        )
    assert np.abs(scene["tir1"].values - images[2].values["tir1"]).max() < 0.01
    fine = ml.open_scene(path, resolution=15)
    assert np.abs(fine["pan"].values - images[1].values["pan"]).max() < 1e-3


def test_path_and_row_are_those_of_the_reference_system(made, tmp_path):
    # Beijing lies in path 123, row 32 of WRS-2; path 90, row 80 holds 151.2 E 30.4 S (USGS maps: 89-91, 80-81).
    assert "_123032_" in made[2].name
    text = written(tmp_path, SOUTH)[2].read_text()
    path, row = (int(text.split(f"    WRS_{name} = ")[1].split()[0]) for name in ("PATH", "ROW"))
    assert path in (89, 90, 91)
    assert row in (80, 81)


def test_passes_are_where_real_scenes_were_taken():
    # LC09_L1TP_029030_20240616, centre 43.2 N 97.1 W at 17:10:58; LC08_L1TP_016037_20170813, 33.2 N 80.1 W at 15:54:16.
    for place, time, platform in (
        ((-97.15, 43.18), datetime(2024, 6, 16, 17, 10, 58), "Landsat-9"),
        ((-80.08, 33.18), datetime(2017, 8, 13, 15, 54, 16), "Landsat-8"),
    ):
        day = time.replace(hour=0, minute=0, second=0)
        (found,) = [o for o in passes(landsat, place, day, 1) if o.platform == platform]
        assert abs(found.time - time) < timedelta(seconds=90)  # the node wanders by a minute or two over the years
        assert float(found.look(*map(np.array, place))[0]) < 1.0  # centres of scenes lie below the satellite


def test_fill_where_there_is_nothing(made, tmp_path):
    overpass, images, _ = made
    values = {n: v.copy() for n, v in images[0].values.items()}
    for v in values.values():
        v[:5, :7] = np.nan
    path = landsat.write(overpass, [replace(images[0], values=values), *images[1:]], tmp_path)
    case = (overpass, images, path)
    for suffix, fill in (("B3", 0), ("SZA", 0), ("QA_PIXEL", 1), ("QA_RADSAT", 0)):
        data = band(case, suffix)[0]
        assert (data[:5, :7] == fill).all()
        assert suffix == "QA_RADSAT" or not (data[5:] == fill).any()
    assert np.isnan(ml.open_scene(path)["green"].values[:5, :7]).all()


def test_saturation_is_the_largest_count_and_a_bit(tmp_path):
    case = written(tmp_path, red=9.0)
    assert (band(case, "B4")[0] == 65535).all()
    assert (band(case, "QA_RADSAT")[0] == 1 << 3).all()
    assert 'SATURATION_BAND_4 = "Y"' in case[2].read_text()
    assert 'SATURATION_BAND_5 = "N"' in case[2].read_text()


@pytest.mark.parametrize(
    ("bands", "value"),
    [
        # The values that USGS lists for clear land, high-confidence cloud, snow and cirrus (LSDS-1619, table 6-4).
        ({"blue": 0.05, "green": 0.08, "red": 0.07, "nir": 0.3, "swir1": 0.2, "swir2": 0.1, "cirrus": 0.001}, 21824),
        ({"blue": 0.6, "green": 0.6, "red": 0.6, "nir": 0.6, "swir1": 0.5, "swir2": 0.4, "cirrus": 0.001}, 22280),
        ({"blue": 0.05, "green": 0.08, "red": 0.07, "nir": 0.3, "swir1": 0.2, "swir2": 0.1, "cirrus": 0.02}, 54596),
        ({"blue": 0.8, "green": 0.8, "red": 0.8, "nir": 0.7, "swir1": 0.1, "swir2": 0.05, "cirrus": 0.001}, 30048),
    ],
)
def test_quality_values_are_those_of_the_producer(tmp_path, bands, value):
    case = written(tmp_path, tir1=270.0, tir2=270.0, **bands)
    data = band(case, "QA_PIXEL")[0]
    assert (data == value | case[1][0].water.astype(np.uint16) << 7).all()
    assert value in data


def test_southern_scenes_have_negative_northings(tmp_path):
    case = written(tmp_path, SOUTH)
    file = band(case, "B4")[1]
    assert file.crs.to_epsg() == 32656
    assert file.bounds.top < 0
    lon, lat = pyproj.Transformer.from_crs(32656, 4326, always_xy=True).transform(*file.xy(3, 5))
    assert abs(lon - case[1][0].pixels.longitude[3, 5]) < 1e-6
    assert abs(lat - case[1][0].pixels.latitude[3, 5]) < 1e-6


def test_outside_the_swath_is_fill(tmp_path):
    # A world at the edge: find a longitude where the swath ends within 40 km.
    overpass = passes(landsat)[0]
    edge = landsat.INSTRUMENT.orbit.swath * 1000 / 6_371_007
    lon, lat = overpass.ground(np.array(0.0), np.array(edge))
    grid = world((float(lon), float(lat)), cells=64)
    pixels = landsat.pixels(overpass, grid)
    gone = np.isnan(pixels[0].longitude)
    assert 0.2 < gone.mean() < 0.8
    path = landsat.write(overpass, make(overpass, pixels, thermal=("tir1", "tir2")), tmp_path)
    assert (np.isnan(ml.open_scene(path)["red"].values) == gone).all()
    lon, lat = overpass.ground(np.array(0.0), np.array(edge * 1.1))
    assert landsat.pixels(overpass, world((float(lon), float(lat)))) == ()


def test_no_scene_at_night_and_before_the_mission():
    place = (20.0, 75.0)  # polar night
    found = passes(landsat, place, datetime(2022, 12, 20), 4)
    assert found
    assert all(landsat.pixels(o, world(place)) == () for o in found)
    early = passes(landsat, start=datetime(2019, 6, 1))
    assert {o.platform for o in early if landsat.pixels(o, world())} == {"Landsat-8"}


def test_thermal_samples_are_broader():
    pixels = landsat.pixels(passes(landsat)[0], world())
    assert [p.footprint for p in pixels] == [33.0, 16.5, 110.0]
    assert {p.extra["variant"] for p in pixels} == {"Landsat-9"}


def test_a_large_world_is_cut(monkeypatch):
    monkeypatch.setattr(landsat, "LIMIT", 6000.0)
    pixels = landsat.pixels(passes(landsat)[0], world(cells=128, resolution=2000.0))
    assert pixels[0].longitude.shape == (200, 200)
    middle = pixels[0].longitude[100, 100], pixels[0].latitude[100, 100]
    assert np.abs(np.subtract(middle, PLACE)).max() < 0.01


def test_the_same_input_gives_the_same_bytes(made, tmp_path):
    overpass, images, path = made
    again = landsat.write(overpass, images, tmp_path)
    for first in path.parent.iterdir():
        second = again.with_name(first.name)
        assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(second.read_bytes()).digest()
