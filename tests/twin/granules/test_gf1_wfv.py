"""GF-1 WFV scenes of a made-up world, read by GDAL with their rational polynomials and by our own reader."""

import csv
import hashlib
import re
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.resources import files
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
from rasterio.transform import RPCTransformer
from twin.granules.images import PLACE, make, passes, world

import musyq_lab as ml
from musyq_lab.core.errors import InputError
from musyq_lab.kernels.solar import sun_position
from musyq_lab.twin.granules import gf1_wfv as wfv
from musyq_lab.twin.orbit import SPHERE

GRID = world(cells=64)


def written(folder, number=0, place=PLACE, start=datetime(2023, 6, 1), **constant):
    overpass = passes(wfv, place, start)[number]
    (image,) = make(overpass, wfv.pixels(overpass, world(place)), constant=constant)
    images = [replace(image, values={n: v * (1 if constant else 0.4) for n, v in image.values.items()})]
    return overpass, images, wfv.write(overpass, images, folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return written(tmp_path_factory.mktemp("gf1"))


def fields(path):
    return {e.tag: e.text for e in ElementTree.parse(path.with_suffix(".xml")).getroot()}


def camera_of(path):
    return path.name.split("_")[1]


def published(camera, year):
    """Gains of the nearest year straight from the table."""
    rows = csv.DictReader(files("musyq_lab.sensors").joinpath("tables", "gf1_wfv.csv").read_text("utf-8").splitlines())
    rows = [r for r in rows if r["camera"] == camera]
    best = min({int(r["year"]) for r in rows}, key=lambda y: (abs(y - year), y))
    assert {r["form"] for r in rows if int(r["year"]) == best} == {"gain"}
    return [float(r["gain"]) for r in sorted(rows, key=lambda r: r["band"]) if int(r["year"]) == best]


def expected_counts(overpass, image, camera):
    """Counts by the published formula, reflectance -> radiance -> counts, in double precision."""
    rows = wfv.SPEC.bands_of(camera)
    distance = float(sun_position(np.datetime64(overpass.time)).distance)
    cosine = np.cos(np.radians(image.sun_zenith.astype(float)))
    for band, gain in zip(rows, published(camera, overpass.time.year), strict=True):
        radiance = image.values[band.name] * cosine * band.e0 / (np.pi * distance**2)
        yield radiance / gain


def test_counts_are_radiance_by_the_published_gain(made):
    overpass, (image,), path = made
    with rasterio.open(path) as file:
        assert (file.count, file.dtypes[0], file.crs) == (4, "uint16", None)
        data = file.read()
    for layer, wanted in zip(data, expected_counts(overpass, image, camera_of(path)), strict=True):
        assert np.abs(layer - np.clip(wanted, 1, 1023)).max() < 0.51
        assert layer.max() <= 1023


def test_gdal_finds_the_polynomials_and_every_pixel_by_them(made):
    _, (image,), path = made
    with rasterio.open(path) as file:
        rpcs, shape = file.rpcs, file.shape
    rows, columns = (np.array([0, 0, s - 1, s - 1, s // 2])[[0, 1 + k, 2 - k, 3, 4]] for k, s in enumerate(shape))
    lon, lat = image.pixels.longitude[rows, columns], image.pixels.latitude[rows, columns]
    with RPCTransformer(rpcs) as transformer:
        for height in (0.0, 1500.0):  # the image has no relief displacement
            down, right = transformer.rowcol(lon, lat, zs=[height] * 5, op=float)
            assert np.abs(np.array(down) - rows - 0.5).max() < 0.1  # GDAL counts from the corner of the first pixel
            assert np.abs(np.array(right) - columns - 0.5).max() < 0.1


def test_polynomials_hold_over_the_largest_cut():
    overpass = passes(wfv)[0]
    cut = wfv._Cut("WFV1", -2000, 8000, 4000, 4000)
    down, right = np.meshgrid(np.linspace(0, 3999, 40), np.linspace(0, 3999, 40), indexing="ij")
    lon, lat = overpass.ground((down + cut.top) * wfv._LINE, overpass.across_of(cut.scan(right)))
    made = wfv.fit(down.ravel(), right.ravel(), lat.ravel(), lon.ravel())
    p, x = (lat - made.offsets[2]) / made.scales[2], (lon - made.offsets[3]) / made.scales[3]
    terms = np.stack([np.ones_like(p), x, p, x * p, x * x, p * p, x**3, x * p * p, x * x * p, p**3], axis=-1)
    assert np.abs(terms @ made.line * made.scales[0] + made.offsets[0] - down).max() < 0.05
    assert np.abs(terms @ made.sample * made.scales[1] + made.offsets[1] - right).max() < 0.05


def test_places_and_pixels_are_inverse_to_each_other():
    overpass = passes(wfv)[0]
    for camera in ("WFV1", "WFV2", "WFV3", "WFV4"):
        line, sample = np.meshgrid([-3000.0, 0.0, 3000.0], [0.0, 5999.5, 11_999.0], indexing="ij")
        lon, lat = overpass.ground(line * 16 / SPHERE, overpass.across_of(wfv._scan(camera, sample)))
        back = wfv._image(overpass, camera, lon, lat)
        assert np.abs(back[0] - line).max() < 1e-3
        assert np.abs(back[1] - sample).max() < 1e-3


def test_sampling_is_16_m_below_the_satellite_and_wider_beside(made):
    _, (image,), _ = made
    pixels = image.pixels
    metres = np.array([np.cos(np.radians(pixels.latitude[0, 0])) * 111_320, 111_132])
    place = np.stack([pixels.longitude, pixels.latitude], axis=-1) * metres
    lines = np.hypot(*np.moveaxis(np.diff(place, axis=0), -1, 0)).mean()
    samples = np.hypot(*np.moveaxis(np.diff(place, axis=1), -1, 0)).mean()
    assert lines == pytest.approx(16.0, rel=0.01)
    zenith = np.radians(image.view_zenith.mean())
    # Flat Earth: range / height x 1 / cos z; its curve adds some percent.
    assert samples == pytest.approx(16.0 / np.cos(zenith) ** 2, rel=0.06)
    assert pixels.footprint == pytest.approx(1.2 * np.sqrt(lines * samples), rel=0.02)


def test_swath_of_the_four_cameras_is_that_published():
    # 842 km: Lu et al. 2023; centres of WFV2 and WFV3 by two real scenes of one pass: 181 km apart.
    overpass = passes(wfv)[0]
    ends = [float(overpass.across_of(wfv._scan(c, s))) for c, s in (("WFV1", 0.0), ("WFV4", 11_999.0))]
    assert (ends[0] - ends[1]) * SPHERE / 1000 == pytest.approx(842, rel=0.01)
    centres = [float(overpass.across_of(wfv._scan(c, 5999.5))) for c in ("WFV2", "WFV3")]
    assert (centres[0] - centres[1]) * SPHERE / 1000 == pytest.approx(181, abs=2)


def test_cameras_meet_without_gap_from_west_to_east():
    overpass = passes(wfv)[0]
    names = ("WFV1", "WFV2", "WFV3", "WFV4")
    edges = [
        overpass.ground(np.zeros(2), overpass.across_of(wfv._scan(c, np.array([0.0, 11_999.0]))))[0] for c in names
    ]
    assert all(first < last for first, last in edges)
    assert all(left[1] > right[0] > left[0] for left, right in pairwise(edges))


def test_the_camera_that_sees_the_place_takes_it():
    found = {}
    for overpass in passes(wfv, days=41):
        (pixels,) = wfv.pixels(overpass, GRID)
        camera = pixels.extra["variant"]
        off = (np.array(PLACE[0]), np.array(PLACE[1]))
        zenith, azimuth = (float(v) for v in overpass.look(*off))
        found.setdefault(camera, []).append(zenith if azimuth > 180 else -zenith)  # satellite in the west: positive
    assert sorted(found) == ["WFV1", "WFV2", "WFV3", "WFV4"]
    # East of the satellite (it stands in the west) look WFV3 and WFV4.
    assert max(found["WFV1"]) < max(found["WFV2"]) < max(found["WFV3"]) < max(found["WFV4"])
    assert min(np.abs(found["WFV1"])) > 15


def test_passes_are_where_real_scenes_were_taken():
    # GF1_WFV2_E118.9_N24.3_20200710 and GF1_WFV3_E120.2_N22.2_20200710: centres of their cameras.
    for place, camera in (((118.9, 24.3), "WFV2"), ((120.2, 22.2), "WFV3")):
        (overpass,) = passes(wfv, place, datetime(2020, 7, 10), 1)
        (pixels,) = wfv.pixels(overpass, world(place))
        cut = pixels.extra["cut"]
        assert cut.camera == camera
        assert abs(cut.left + cut.samples / 2 - 6000) < 400  # names round to 0.1 degree


def test_metadata_as_the_producer_writes_them(made):
    overpass, (image,), path = made
    said = fields(path)
    pattern = r"GF1_WFV[1-4]_E116\.0_N40\.2_20230\d{3}_L1A\d{10}\.tiff"
    assert re.fullmatch(pattern, path.name)
    middle = tuple(s // 2 for s in image.pixels.longitude.shape)
    beijing = datetime.fromisoformat(said["CenterTime"])
    assert abs(beijing - timedelta(hours=8) - overpass.time) <= timedelta(seconds=1)
    assert said["StartTime"] <= said["CenterTime"] <= said["EndTime"]
    assert float(said["SolarZenith"]) == pytest.approx(float(image.sun_zenith[middle]), abs=1e-3)
    assert float(said["SolarAzimuth"]) == pytest.approx(float(image.sun_azimuth[middle]), abs=1e-2)
    assert 90 - float(said["SatelliteZenith"]) == pytest.approx(float(image.view_zenith[middle]), abs=1e-3)
    assert float(said["SatelliteAzimuth"]) == pytest.approx(float(image.view_azimuth[middle]), abs=1e-2)
    assert float(said["TopLeftLatitude"]) > float(said["BottomLeftLatitude"])
    assert float(said["TopLeftLongitude"]) < float(said["TopRightLongitude"])
    for corner, at in (("TopLeft", (0, 0)), ("BottomRight", (-1, -1))):
        assert float(said[f"{corner}Latitude"]) == pytest.approx(image.pixels.latitude[at], abs=1e-6)
        assert float(said[f"{corner}Longitude"]) == pytest.approx(image.pixels.longitude[at], abs=1e-6)
    assert (int(said["HeightInPixels"]), int(said["WidthInPixels"])) == image.pixels.longitude.shape


def test_old_scenes_call_the_elevation_a_zenith_angle(tmp_path):
    _, (image,), path = written(tmp_path, start=datetime(2019, 6, 1))
    middle = tuple(s // 2 for s in image.pixels.longitude.shape)
    assert 90 - float(fields(path)["SolarZenith"]) == pytest.approx(float(image.sun_zenith[middle]), abs=1e-3)
    assert float(ml.open_scene(path)["sun_zenith"]) == pytest.approx(float(image.sun_zenith[middle]), abs=1e-3)


def test_our_reader_sees_the_same(made):
    overpass, (image,), path = made
    scene = ml.open_scene(path)
    assert scene.attrs["platform"] == "GF-1"
    assert scene.attrs["camera"] == camera_of(path)
    assert np.abs(scene["longitude"].values - image.pixels.longitude).max() * 85_000 < 1.6
    assert np.abs(scene["latitude"].values - image.pixels.latitude).max() * 111_000 < 1.6
    start = np.datetime64(scene.attrs["time_coverage_start"].rstrip("Z"))
    assert abs(start - np.datetime64(overpass.time)) <= np.timedelta64(1500, "ms")
    shade = np.cos(np.radians(image.sun_zenith)) / np.cos(np.radians(float(scene["sun_zenith"])))
    camera = camera_of(path)
    for band, wanted in zip(wfv.SPEC.bands_of(camera), expected_counts(overpass, image, camera), strict=True):
        inside = wanted < 1022  # brighter pixels saturate
        assert inside.any()
        count = image.values[band.name] / wanted
        difference = np.abs(scene[band.name].values - image.values[band.name] * shade)
        assert (difference[inside] < (0.51 * count * 1.001 + 2e-4)[inside]).all()


def test_fill_where_there_is_nothing(made, tmp_path):
    overpass, (image,), _ = made
    values = {n: v.copy() for n, v in image.values.items()}
    for v in values.values():
        v[-4:, :9] = np.nan
    path = wfv.write(overpass, [replace(image, values=values)], tmp_path)
    with rasterio.open(path) as file:
        data = file.read()
    assert (data[:, -4:, :9] == 0).all()
    assert (data[:, :-4] > 0).all()
    assert np.isnan(ml.open_scene(path)["red"].values[-4:, :9]).all()


def test_bright_scenes_saturate_at_ten_bits(tmp_path):
    path = written(tmp_path, nir=1.5)[2]
    with rasterio.open(path) as file:
        assert (file.read(4) == 1023).all()


def test_the_cut_covers_the_world_and_little_more(made):
    _, (image,), _ = made
    rows, columns = GRID.cells(image.pixels.longitude, image.pixels.latitude)
    inside = (rows > -0.5) & (rows < 63.5) & (columns > -0.5) & (columns < 63.5)
    assert inside.mean() > 0.6  # a square turned by the heading of the track
    area = inside.sum() * 16.0 * 16.0 / np.cos(np.radians(image.view_zenith.mean())) ** 2
    assert area == pytest.approx(1280.0**2, rel=0.1)


def test_outside_all_cameras_there_is_nothing():
    overpass = passes(wfv)[0]
    for side in (-1, 1):
        edge = side * 421_000 / SPHERE
        lon, lat = overpass.ground(np.array(0.0), np.array(edge))
        found = wfv.pixels(overpass, world((float(lon), float(lat))))
        assert found == () or found[0].longitude.shape[1] < 60
        lon, lat = overpass.ground(np.array(0.0), np.array(edge * 1.05))
        assert wfv.pixels(overpass, world((float(lon), float(lat)))) == ()


def test_a_world_at_the_edge_is_seen_in_part(tmp_path):
    overpass = passes(wfv)[0]
    edge = float(overpass.across_of(wfv._scan("WFV1", 0.0)))
    lon, lat = overpass.ground(np.array(0.0), np.array(edge))
    grid = world((float(lon), float(lat)))
    (pixels,) = wfv.pixels(overpass, grid)
    assert pixels.extra["cut"].left == 0
    assert 20 < pixels.longitude.shape[1] < 60
    scene = ml.open_scene(wfv.write(overpass, make(overpass, [pixels]), tmp_path))
    assert scene.attrs["camera"] == "WFV1"


def test_no_scene_at_night():
    place = (20.0, 75.0)
    found = passes(wfv, place, datetime(2022, 12, 20), 3)
    assert found
    assert all(wfv.pixels(o, world(place)) == () for o in found)


def test_southern_and_western_places_are_named_so(tmp_path):
    place = (-60.2, -31.5)
    path = written(tmp_path, place=place)[2]
    assert "_W60.2_S31.5_" in path.name
    assert float(fields(path)["TopLeftLatitude"]) < 0
    assert ml.open_scene(path).attrs["sensor"] == "gf1_wfv"


def test_years_without_coefficients_take_the_nearest():
    assert wfv.gains("WFV2", 2040) == wfv.gains("WFV2", 2030)
    assert wfv.gains("WFV2", 2014) != wfv.gains("WFV2", 2020)
    with pytest.raises(InputError, match="WFV9"):
        wfv.gains("WFV9", 2020)


def test_the_same_input_gives_the_same_bytes(made, tmp_path):
    overpass, images, path = made
    again = wfv.write(overpass, images, tmp_path)
    assert sorted(f.suffix for f in tmp_path.iterdir()) == [".rpb", ".tiff", ".xml"]
    for suffix in (".rpb", ".tiff", ".xml"):
        digests = {hashlib.sha256(p.with_suffix(suffix).read_bytes()).digest() for p in (path, again)}
        assert len(digests) == 1
