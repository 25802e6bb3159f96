"""Angles over a Landsat scene: from its angle bands, else from the orbit by plain geometry."""

import math
import shutil

import dask
import numpy as np
import pytest
import rasterio
from sensors.make_landsat import make

import musyq_lab as ml
from musyq_lab.core.resources import resource
from musyq_lab.sensors import _landsat_angles as angles
from musyq_lab.sensors._mtl import read_mtl
from musyq_lab.sensors._open import open_scene

SAMPLE = "catalogs/samples/landsat/LC08_L1TP_195025_20130707_20170503_01_T1"
RADIUS, ALTITUDE, INCLINATION, DAY = 6.371e6, 705e3, math.radians(98.2), 86400.0


def track(latitude):
    """Azimuth (deg) of the descending track at a latitude: a circle in space over a turning sphere, by differences."""
    period = DAY * 16 / 233

    def place(t):
        u = 2 * math.pi * t / period
        x, y, z = math.cos(u), math.sin(u) * math.cos(INCLINATION), math.sin(u) * math.sin(INCLINATION)
        return math.asin(z), math.atan2(y, x) - 2 * math.pi * t / DAY

    low, high = period / 4, 3 * period / 4  # from the northern end of the orbit to the southern
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if place(middle)[0] > math.radians(latitude) else (low, middle)
    (lat, lon), (later, farther) = place(low), place(low + 0.5)
    return math.degrees(math.atan2(math.remainder(farther - lon, 2 * math.pi) * math.cos(lat), later - lat)) % 360


@pytest.mark.parametrize("latitude", [-60.0, -32.7, 0.0, 23.4, 40.3, 70.0])
def test_the_track_runs_as_an_orbit_over_a_turning_earth(latitude):
    assert math.degrees(angles._heading(latitude)) % 360 == pytest.approx(track(latitude), abs=0.05)


def seen_from(right):
    """Zenith angle (deg) of a satellite above the track from a place so many m to the right, by vectors."""
    turn = right / RADIUS
    up = np.array([math.sin(turn), math.cos(turn)])
    toward = np.array([0.0, RADIUS + ALTITUDE]) - RADIUS * up
    return math.degrees(math.acos(up @ toward / np.linalg.norm(toward)))


@pytest.fixture(scope="module")
def scene():
    return open_scene(resource(SAMPLE))


def test_zenith_and_azimuth_across_the_track(scene):
    metadata = read_mtl(next(resource(SAMPLE).glob("*MTL.txt")))
    x, y = ([metadata.number(f"CORNER_{c}_PROJECTION_{a}_PRODUCT") for c in ("UL", "UR", "LL", "LR")] for a in "XY")
    latitude = np.mean([metadata.number(f"CORNER_{c}_LAT_PRODUCT") for c in ("UL", "UR", "LL", "LR")])
    heading = math.radians(track(latitude))
    found = scene[["view_zenith", "view_azimuth"]].compute()
    for row, column in ((0, 0), (5, -1), (-1, 3), (scene.sizes["y"] // 2, scene.sizes["x"] // 2)):
        east = float(scene.x[column]) - (min(x) + max(x)) / 2
        north = float(scene.y[row]) - (min(y) + max(y)) / 2
        right = east * math.cos(heading) - north * math.sin(heading)
        assert float(found.view_zenith[row, column]) == pytest.approx(seen_from(abs(right)), abs=0.02)
        # Flying south, the right hand is in the west: there the satellite stands in the east.
        toward = (track(latitude) + (-90 if right > 0 else 90)) % 360
        assert float(found.view_azimuth[row, column]) == pytest.approx(toward, abs=0.05)
    assert "from the distance to the ground track" in scene.attrs["angle_note"]


def test_swath_edges_are_those_of_the_sensor():
    """185 km wide from 705 km: half a swath is seen at 8.3 degrees, and the field of view of OLI is 15 degrees."""
    assert seen_from(92.5e3) == pytest.approx(8.3, abs=0.1)
    assert seen_from(92.5e3) - math.degrees(92.5e3 / RADIUS) == pytest.approx(7.5, abs=0.1)


def test_angles_are_lazy(scene):
    assert all(dask.is_dask_collection(scene[name].data) for name in ("view_zenith", "view_azimuth"))
    assert scene.view_zenith.dtype == scene.view_azimuth.dtype == np.float32
    assert scene.view_zenith.dims == ("y", "x")
    assert scene.view_zenith.attrs["units"] == "degree"


def angle_bands(folder, like, values, fill=True):
    """Write four angle bands of hundredths of a degree beside the bands; the first pixel is filled."""
    with rasterio.open(like) as band:
        profile = {**band.profile, "dtype": "int16", "nodata": None}
        shape = band.shape
    for name, degrees in values.items():
        data = np.full(shape, round(100 * degrees), np.int16)
        if fill:
            data[0, 0] = 0
        target = like.with_name(like.name.replace("_B4.", f"_{name}."))
        with rasterio.open(target, "w", **profile) as out:
            out.write(data, 1)


def test_angle_bands_come_first(tmp_path):
    make(tmp_path, shape=(20, 20))
    plain = open_scene(tmp_path)
    values = {"SZA": 30.0, "SAA": -100.0, "VZA": 5.25, "VAA": 101.5}
    angle_bands(tmp_path, next(tmp_path.glob("*_B4.TIF")), values)
    found = open_scene(tmp_path)
    assert found.attrs["angle_note"] == "of each pixel, from the angle bands"
    read = {"sun_zenith": 30.0, "sun_azimuth": 260.0, "view_zenith": 5.25, "view_azimuth": 101.5}
    for name, degrees in read.items():
        angle = found[name].compute()
        assert dask.is_dask_collection(found[name].data)
        assert np.isnan(angle[0, 0])
        np.testing.assert_allclose(angle.values.ravel()[1:], degrees, atol=1e-4)
    # The Sun of each pixel makes the reflectance: rho = (M Q + A) / cos(zenith).
    ratio = (found["red"] / plain["red"]).values.ravel()[1:]
    expected = math.cos(math.radians(float(plain["sun_zenith"]))) / math.cos(math.radians(30.0))
    np.testing.assert_allclose(ratio[np.isfinite(ratio)], expected, rtol=1e-4)


def test_angle_bands_on_another_grid_or_incomplete_are_left_out(tmp_path):
    make(tmp_path, shape=(20, 20))
    angle_bands(tmp_path, next(tmp_path.glob("*_B4.TIF")), {"SZA": 30.0, "SAA": 120.0, "VZA": 5.0}, fill=False)
    assert "angle bands" not in open_scene(tmp_path).attrs["angle_note"]


def test_metadata_of_another_place_give_no_angles_of_the_sensor(tmp_path):
    copy = tmp_path / "scene"
    shutil.copytree(resource(SAMPLE), copy)
    text = next(copy.glob("*MTL.txt"))
    words = [
        f"{line.split('=')[0]}= 900000.000" if "_PROJECTION_X_PRODUCT" in line else line
        for line in text.read_text("ascii").splitlines()
    ]
    text.write_text("\n".join(words), "ascii")
    found = open_scene(copy)
    assert "view_zenith" not in found
    assert found.attrs["angle_note"] == "Sun: of the scene's centre; sensor: unknown"


def test_beside_the_orbit_of_the_simulated_earth(tmp_path):
    """The reader's angles are those the simulation flew with, to the hundredth of a degree they are stored with."""
    made = ml.simulate(tmp_path / "s", size=3, resolution=60, days=1, sensors=["landsat_oli"], cloudiness=0)
    scene = ml.open_scene(made.paths("landsat_oli")[0])
    assert "angle bands" in scene.attrs["angle_note"]
    assert 0 < float(scene.view_zenith.max()) < 9
    assert float(abs(scene.sun_zenith - scene.sun_zenith.mean()).max()) < 0.1
