"""Sentinel-2 tiles of a made-up world, read by satpy, GDAL's SENTINEL2 driver and our own reader."""

import hashlib
import re
from dataclasses import replace
from datetime import datetime, timedelta
from xml.etree import ElementTree

import numpy as np
import pyproj
import pytest
import rasterio
from satpy import Scene
from twin.granules.images import SOUTH, make, passes, world

import musyq_lab as ml
from musyq_lab.twin.granules import sentinel2_msi as msi
from musyq_lab.twin.granules._map import Frame

NATIVE = {b.name: b.native for b in msi.SPEC.bands_of("Sentinel-2A")}


def overpass_of(platform="Sentinel-2A", **options):
    return next(o for o in passes(msi, **options) if o.platform == platform)


def written(folder, overpass=None, place=None, **constant):
    where = {"place": place} if place else {}
    overpass = overpass or overpass_of(**where)
    images = make(overpass, msi.pixels(overpass, world(**where)), constant=constant)
    return overpass, images, msi.write(overpass, images, folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return written(tmp_path_factory.mktemp("sentinel2"))


@pytest.fixture(scope="module")
def by_satpy(made):
    files = [str(f) for f in made[2].rglob("*") if f.is_file() and "MSK" not in f.name]
    scene = Scene(files, reader="msi_safe")
    scene.load([f"B{n:02d}" for n in range(1, 13)] + ["B8A"])
    return scene


def nodes(root, path):
    return np.array([[float(v) for v in row.text.split()] for row in root.findall(f".//{path}/Values_List/VALUES")])


def stored(safe, native):
    (path,) = safe.rglob(f"*_{native}.jp2")
    with rasterio.open(path) as file:
        return file.read(1), file


def test_satpy_reads_every_band_within_half_a_count(made, by_satpy):
    count = 0
    for image in made[1]:
        for name, values in image.values.items():
            assert np.abs(by_satpy[NATIVE[name]].values / 100 - values).max() < 0.51e-4
            count += 1
    assert count == 13


def test_gdal_opens_the_product_and_finds_its_bands(made):
    overpass, images, safe = made
    for image, number in zip(images, (4, 6, 3), strict=True):
        resolution = image.pixels.resolution
        with rasterio.open(f"SENTINEL2_L1C:{safe}/MTD_MSIL1C.xml:{resolution:.0f}m:EPSG_32650") as file:
            assert file.count == number
            assert file.shape == image.pixels.longitude.shape
            lon, lat = pyproj.Transformer.from_crs(32650, 4326, always_xy=True).transform(
                *file.xy(np.array([0, file.height - 1]), np.array([0, file.width - 1]))
            )
            corners = [0, -1], [0, -1]
            assert np.abs(lon - image.pixels.longitude[corners]).max() * 85_000 < resolution / 1000
            assert np.abs(lat - image.pixels.latitude[corners]).max() * 111_000 < resolution / 1000
            tags = file.tags()
            assert tags["SPECIAL_VALUE_NODATA"] == "0"
            assert tags["DATATAKE_1_SPACECRAFT_NAME"] == overpass.platform


def test_satpy_places_and_dates_the_tile(made, by_satpy):
    overpass, images, _ = made
    for native, image in (("B02", images[0]), ("B05", images[1]), ("B01", images[2])):
        lon, lat = by_satpy[native].attrs["area"].get_lonlats()
        assert np.abs(lon - image.pixels.longitude).max() < 1e-7
        assert np.abs(lat - image.pixels.latitude).max() < 1e-7
    assert by_satpy["B02"].attrs["start_time"] == overpass.time


def test_grids_share_a_corner_on_multiples_of_60_m(made):
    corners = {(t.c, t.f) for t in (stored(made[2], native)[1].transform for native in ("B01", "B02", "B05"))}
    assert len(corners) == 1
    assert all(value % 60 == 0 for value in corners.pop())


def test_angles_at_points_5_km_apart(made):
    _, images, safe = made
    (path,) = safe.rglob("MTD_TL.xml")
    root = ElementTree.parse(path).getroot()
    image = images[2]
    wanted = {
        "Sun_Angles_Grid/Zenith": image.sun_zenith,
        "Sun_Angles_Grid/Azimuth": image.sun_azimuth,
        "Viewing_Incidence_Angles_Grids[@bandId='1']/Zenith": image.view_zenith,
        "Viewing_Incidence_Angles_Grids[@bandId='1']/Azimuth": image.view_azimuth,
    }
    for key, values in wanted.items():
        grid = nodes(root, key)
        rows, columns = values.shape
        assert grid.shape == (-(-rows * 60 // 5000) + 1, -(-columns * 60 // 5000) + 1)
        at = (0.5 * 60 / 5000, (columns - 0.5) * 60 / 5000)  # first and last pixel of the first row, by hand
        top = (1 - at[0]) * grid[0] + at[0] * grid[1]
        for share, pixel in zip(at, (values[0, 0], values[0, -1]), strict=True):
            # Straight lines between the points bend the azimuth near nadir, though not the direction.
            assert abs((1 - share) * top[0] + share * top[1] - pixel) < (0.1 if "@" in key else 0.01)
    assert len(root.findall(".//Mean_Viewing_Incidence_Angle")) == 13
    assert float(root.find(".//Mean_Sun_Angle/ZENITH_ANGLE").text) == pytest.approx(image.sun_zenith.mean(), abs=0.05)


def test_angles_far_from_the_corner_follow_the_orbit():
    # At 20 km, where the surface of second order and the 5 km points must both hold.
    overpass = overpass_of()
    frame = Frame(32650, 400_020.0, 4_460_040.0, 40_020.0, 40_020.0)
    lon, lat = frame.places(60)
    zenith, azimuth = overpass.look(lon, lat)
    z, a = msi._nodes(zenith, azimuth, frame)
    x, y = np.meshgrid(frame.left + 5000 * np.arange(10), frame.top - 5000 * np.arange(10))
    expected = overpass.look(*frame.geographic(x, y))
    assert np.abs(z - expected[0]).max() < 2e-3
    assert (np.abs(a - expected[1]) * np.sin(np.radians(z))).max() < 2e-3


def test_our_reader_sees_the_same(made):
    overpass, images, safe = made
    for image in images:
        scene = ml.open_scene(safe, resolution=image.pixels.resolution)
        for name, values in image.values.items():
            assert np.abs(scene[name].values - values).max() < 0.51e-4
        for name in ("sun_zenith", "sun_azimuth", "view_zenith"):
            assert np.abs(scene[name].values - getattr(image, name)).max() < 1e-3
        turned = np.abs(scene["view_azimuth"].values - image.view_azimuth) * np.sin(np.radians(image.view_zenith))
        assert turned.max() < 5e-3
    assert scene.attrs["platform"] == "Sentinel-2A"
    assert scene.attrs["processing_baseline"] == "05.00"
    assert np.datetime64(scene.attrs["time_coverage_start"].rstrip("Z")) == np.datetime64(overpass.time)


def test_names_are_those_of_real_tiles(made):
    # Beijing: tile 50TMK, seen from relative orbits 032 and 075 (real: S2A_MSIL1C_..._R075_T50TMK_...).
    overpass, _, safe = made
    pattern = r"S2A_MSIL1C_\d{8}T\d{6}_N0500_R(032|075)_T50TMK_\d{8}T\d{6}\.SAFE"
    assert re.fullmatch(pattern, safe.name)
    (granule,) = (safe / "GRANULE").iterdir()
    assert re.fullmatch(rf"L1C_T50TMK_A\d{{6}}_{overpass.time:%Y%m%dT%H%M%S}", granule.name)


@pytest.mark.parametrize(
    ("platform", "place", "day", "relative", "number"),
    [
        # Tile identifiers in public catalogues, S2._OPER_MSI_L1C_TL_..._A015757_T56JMM, A018789_T55HFA (R030 too),
        # A001915_T56JKT and A025744_T36SXA.
        ("Sentinel-2A", (152.4, -30.3), datetime(2018, 6, 29), 30, 15757),
        ("Sentinel-2B", (148.8, -35.6), datetime(2020, 10, 11), 30, 18789),
        ("Sentinel-2B", (150.5, -31.5), datetime(2017, 7, 19), 30, 1915),
        ("Sentinel-2B", (35.2, 34.7), datetime(2022, 2, 9), 121, 25744),
    ],
)
def test_orbits_are_those_of_real_tiles(platform, place, day, relative, number):
    (overpass,) = [o for o in passes(msi, place, day, 1) if o.platform == platform]
    frame = Frame(32650, 400_020.0, 4_460_040.0, 60.0, 60.0)
    angles = np.full((4, 4), 10.0)
    image = replace(make(overpass, msi.pixels(overpass, world(place)))[2], view_zenith=angles, view_azimuth=angles)
    image = replace(image, sun_zenith=angles, sun_azimuth=angles)
    gone = np.zeros((4, 4), bool)
    tile = msi._tile(overpass, frame, image, msi.Marks(gone, gone, gone), gone)
    assert (tile.relative_orbit, tile.orbit) == (relative, number)


def test_time_is_that_of_a_real_tile():
    # T56JMM of 29 June 2018: the Sun's azimuth in its metadata, 28.978 degrees in the mean, is that of 00:07:49 UTC.
    (overpass,) = [o for o in passes(msi, (152.53, -30.32), datetime(2018, 6, 29), 1) if o.platform == "Sentinel-2A"]
    assert abs(overpass.time - datetime(2018, 6, 29, 0, 7, 49)) < timedelta(seconds=15)
    # And its view zenith angle in the middle, seen by detectors 10 and 11 (satellite in the west).
    zenith, azimuth = overpass.look(np.array(152.48), np.array(-30.32))
    assert 6.0 < float(zenith) < 9.9
    assert 270 < float(azimuth) < 300


@pytest.mark.parametrize(
    ("zone", "east", "north", "latitude_band", "name"),
    [
        # Corners of real tiles: T56JMM begins at 399960 E 6700000 N, T31TCJ at 300000 E 4900020 N.
        (32756, 399_960.0, 6_700_000.0, "J", "56JMM"),
        (32631, 300_000.0, 4_900_020.0, "T", "31TCJ"),
    ],
)
def test_squares_of_the_military_grid(zone, east, north, latitude_band, name):
    assert msi.square(Frame(zone, east, north, 109_800.0, 109_800.0)) == name
    assert name[2] == latitude_band


def test_fill_where_there_is_nothing(made, tmp_path):
    overpass, images, _ = made
    values = {n: v.copy() for n, v in images[1].values.items()}
    for v in values.values():
        v[:9, :6] = np.nan
    safe = msi.write(overpass, [images[0], replace(images[1], values=values), images[2]], tmp_path)
    data = stored(safe, "B11")[0]
    assert (data[:9, :6] == 0).all()
    assert (data[9:] > 0).all()
    assert np.isnan(ml.open_scene(safe, resolution=20)["swir1"].values[:9, :6]).all()


def test_dark_and_bright_counts(tmp_path):
    safe = written(tmp_path, blue=-0.2, red=7.0, green=0.0)[2]
    assert set(np.unique(stored(safe, "B02")[0])) == {1}
    assert set(np.unique(stored(safe, "B03")[0])) == {1000}
    assert set(np.unique(stored(safe, "B04")[0])) == {65535}


def test_clouds_and_snow_are_marked_at_60_m(tmp_path):
    cloud = {n: 0.6 for n in ("blue", "green", "red", "nir")} | {"swir1": 0.5, "swir2": 0.4, "cirrus": 0.02}
    safe = written(tmp_path, **cloud)[2]
    (path,) = safe.rglob("MSK_CLASSI_B00.jp2")
    with rasterio.open(path) as file:
        assert (file.count, file.dtypes[0]) == (3, "uint8")
        opaque, cirrus, snow = file.read()
    assert opaque.all()
    assert cirrus.all()
    assert not snow.any()
    qa = ml.open_scene(safe, resolution=60)["qa"]
    assert len(np.unique(qa.values)) == 1
    assert "<CLOUDY_PIXEL_PERCENTAGE>100" in next(safe.rglob("MTD_TL.xml")).read_text("utf-8")


def test_radiance_goes_back_by_the_irradiance_in_the_file(made):
    # satpy and we read U and SOLAR_IRRADIANCE; the green one of this satellite is 1823.24 in a real product.
    image = made[1][0]
    radiance = ml.open_scene(made[2], calibration="radiance")["green"].values
    distance = 1.0140
    day = made[0].time.timetuple().tm_yday
    assert 150 < day < 170
    expected = image.values["green"] * np.cos(np.radians(image.sun_zenith)) * 1823.24 / (np.pi * distance**2)
    assert np.abs(radiance / expected - 1).max() < 5e-3


def test_sentinel_2b_has_its_own_responses(tmp_path):
    overpass = overpass_of("Sentinel-2B")
    safe = written(tmp_path, overpass)[2]
    assert safe.name.startswith("S2B_")
    assert {p.extra["variant"] for p in msi.pixels(overpass, world())} == {"Sentinel-2B"}
    text = (safe / "MTD_MSIL1C.xml").read_text("utf-8")
    assert '<CENTRAL unit="nm">492.4</CENTRAL>' in text
    assert ml.open_scene(safe).attrs["platform"] == "Sentinel-2B"


def test_southern_tiles(tmp_path):
    safe = written(tmp_path, place=SOUTH)[2]
    data, file = stored(safe, "B02")
    assert file.crs.to_epsg() == 32756
    assert (10_000_000 - file.bounds.top) % 60 == 0
    assert "_T56J" in safe.name
    assert data.all()


def test_outside_the_swath_is_fill(tmp_path):
    overpass = overpass_of()
    edge = 145_000 / 6_371_007
    lon, lat = overpass.ground(np.array(0.0), np.array(-edge))
    grid = world((float(lon), float(lat)))
    pixels = msi.pixels(overpass, grid)
    gone = np.isnan(pixels[0].longitude)
    assert 0.2 < gone.mean() < 0.8
    safe = msi.write(overpass, make(overpass, pixels), tmp_path)
    assert ((stored(safe, "B04")[0] == 0) == gone).all()
    assert float(re.search(r"NODATA_PIXEL_PERCENTAGE>([\d.]+)", next(safe.rglob("MTD_TL.xml")).read_text())[1]) > 20
    lon, lat = overpass.ground(np.array(0.0), np.array(edge * 1.1))
    assert msi.pixels(overpass, world((float(lon), float(lat)))) == ()


def test_no_tile_at_night():
    place = (20.0, 75.0)
    found = passes(msi, place, datetime(2022, 12, 20), 3)
    assert found
    assert all(msi.pixels(o, world(place)) == () for o in found)


def test_the_same_input_gives_the_same_bytes(made, tmp_path):
    overpass, images, safe = made
    again = msi.write(overpass, images, tmp_path)
    files = sorted(f.relative_to(safe) for f in safe.rglob("*") if f.is_file())
    assert len(files) == 16
    for file in files:
        digests = {hashlib.sha256((root / file).read_bytes()).digest() for root in (safe, again)}
        assert len(digests) == 1
