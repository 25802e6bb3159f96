"""The grid of the full disk against the formulas of CGMS 03 (section 4.4.3.2), written out here."""

import math
from datetime import datetime

import numpy as np
import pyproj
import pytest
from twin.granules.images import passes

from musyq_lab.core.errors import InputError
from musyq_lab.twin.granules import _disk, fy4a_agri, himawari_ahi
from musyq_lab.twin.granules._disk import Disk, Window, albedo
from musyq_lab.twin.grid import WorldGrid, local_grid
from musyq_lab.twin.instrument import Image, Pixels

MODULES = [himawari_ahi, fy4a_agri]
# COFF counted from 1: HSD guide, table 6, and NSMC's format (resolution -> COFF, CFAC).
PUBLISHED = {
    himawari_ahi: {2000: (2750.5, 20_466_275), 1000: (5500.5, 40_932_549), 500: (11_000.5, 81_865_099)},
    fy4a_agri: {4000: (1374.5, 10_233_137), 2000: (2748.5, 20_466_274), 1000: (5496.5, 40_932_549)},
}
FAR, LONG, SHORT = 42_164.0, 6378.137, 6356.7523


def column_line(longitude, latitude, centre, coff, cfac):
    """Geographic to pixel, counted from 1; degrees."""
    turn = np.radians(np.asarray(longitude) - centre)
    below = np.arctan((SHORT / LONG) ** 2 * np.tan(np.radians(latitude)))
    radius = SHORT / np.sqrt(1 - (LONG**2 - SHORT**2) / LONG**2 * np.cos(below) ** 2)
    r1 = FAR - radius * np.cos(below) * np.cos(turn)
    r2 = -radius * np.cos(below) * np.sin(turn)
    r3 = radius * np.sin(below)
    x = np.degrees(np.arctan(-r2 / r1))
    y = np.degrees(np.arcsin(-r3 / np.sqrt(r1**2 + r2**2 + r3**2)))
    return coff + x * 2.0**-16 * cfac, coff + y * 2.0**-16 * cfac


def geographic(column, line, centre, coff, cfac):
    """Pixel, counted from 1, to longitude and latitude (deg)."""
    x, y = (np.radians((np.asarray(v) - coff) * 2.0**16 / cfac) for v in (column, line))
    flat = (LONG / SHORT) ** 2
    swell = np.cos(y) ** 2 + flat * np.sin(y) ** 2
    with np.errstate(invalid="ignore"):
        sd = np.sqrt((FAR * np.cos(x) * np.cos(y)) ** 2 - swell * (FAR**2 - LONG**2))
    sn = (FAR * np.cos(x) * np.cos(y) - sd) / swell
    s1, s2, s3 = FAR - sn * np.cos(x) * np.cos(y), sn * np.sin(x) * np.cos(y), -sn * np.sin(y)
    longitude = (np.degrees(np.arctan2(s2, s1)) + centre + 180) % 360 - 180
    return longitude, np.degrees(np.arctan(flat * s3 / np.hypot(s1, s2)))


def rows_of(module):
    return [(module, r, *row) for r, row in PUBLISHED[module].items()]


@pytest.mark.parametrize(("module", "resolution", "coff", "cfac"), [row for m in MODULES for row in rows_of(m)])
def test_places_follow_the_published_formula(module, resolution, coff, cfac):
    disk = module.DISK
    fine = disk.coarsest // resolution
    # A line through the middle, one near the northern limb, one in the south; each from limb to limb.
    for top in (disk.edge // 2, disk.edge // 40, disk.edge * 3 // 4):
        window = Window(top, 0, 1, disk.edge)
        longitude, latitude = disk.places(window, resolution)
        assert longitude.shape == (fine, disk.edge * fine)
        column, line = np.meshgrid(np.arange(disk.edge * fine) + 1, top * fine + np.arange(fine) + 1)
        expected = geographic(column, line, disk.longitude, coff, cfac)
        space = np.isnan(expected[0])
        assert space.any()
        assert not space.all()
        # Where the line of sight only just touches, rounding decides.
        assert (np.isnan(longitude) != space).sum() <= 2 * fine
        both = ~space & ~np.isnan(longitude)
        assert (np.isnan(latitude) == np.isnan(longitude)).all()
        steep = both & (np.hypot(column - coff, line - coff) < 0.97 * (coff - 0.5))
        east = (longitude - expected[0] + 180) % 360 - 180
        assert np.abs(east[steep]).max() < 1e-5
        assert np.abs((latitude - expected[1])[steep]).max() < 1e-5
        assert np.abs(longitude[both]).max() <= 180


@pytest.mark.parametrize("module", MODULES)
def test_factors_halve_the_pixel_and_offsets_keep_the_corner(module):
    disk = module.DISK
    for resolution, factor in disk.factors.items():
        coff, cfac = PUBLISHED[module].get(resolution, (disk.offset(resolution) + 1, factor))
        assert factor == cfac
        assert disk.offset(resolution) + 1 == coff
        assert factor * resolution == pytest.approx(disk.factors[disk.coarsest] * disk.coarsest, rel=1e-6)
        # Height above the ellipsoid times the angle: the nominal size, within a thousandth of what is called 1 km.
        pixel = (FAR - LONG) * 1e3 * math.radians(2.0**16 / factor)
        assert pixel == pytest.approx(resolution, rel=2e-3)


@pytest.mark.parametrize("module", MODULES)
def test_the_limb_is_where_the_sphere_of_the_equator_ends(module):
    disk = module.DISK
    longitude, _ = disk.places(Window(disk.edge // 2, 0, 1, disk.edge), disk.coarsest)
    seen = np.flatnonzero(np.isfinite(longitude[0]))
    radius = math.degrees(math.asin(LONG / FAR)) * disk.factors[disk.coarsest] / 2.0**16
    assert seen.size == pytest.approx(2 * radius, abs=2)
    assert seen[0] + seen[-1] == disk.edge - 1
    # 81.3 degrees of longitude, the horizon of the equator.
    first = (longitude[0, seen[0]] - disk.longitude + 180) % 360 - 180
    assert -math.degrees(math.acos(LONG / FAR)) < first < -79


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("place", [(116.0, 40.2), (121.5, -33.0), (135.0, 0.05)])
def test_the_window_holds_every_cell_and_no_line_more(module, place):
    grid = local_grid(*place, 60.0, 1000.0)
    coff, cfac = PUBLISHED[module][module.DISK.coarsest]
    column, line = (
        v - 1 for v in column_line(grid.longitude, grid.latitude, module.DISK.longitude, coff, cfac)
    )  # counted from 0
    window = module.DISK.window(grid)
    assert window.left <= column.min() < window.left + 1
    assert window.top <= line.min() < window.top + 1
    assert window.left + window.columns - 2 < column.max() <= window.left + window.columns - 1
    assert window.top + window.lines - 2 < line.max() <= window.top + window.lines - 1


def test_a_world_over_the_antimeridian_is_one_piece():
    grid = local_grid(179.9, -17.0, 80.0, 1000.0)
    assert grid.longitude.max() - grid.longitude.min() > 300
    window = himawari_ahi.DISK.window(grid)
    assert window.columns < 40
    longitude, _ = himawari_ahi.DISK.places(window, 2000)
    assert longitude.max() > 179
    assert longitude.min() < -179


def test_a_world_half_behind_the_limb_gives_the_half_in_front():
    grid = WorldGrid("EPSG:4326", 0.5, 50.0, 5.0, 40, 20)
    window = himawari_ahi.DISK.window(grid)
    longitude, _ = himawari_ahi.DISK.places(window, 2000)
    assert 140.7 - 81.4 < np.nanmin(longitude) < 63
    # The eastern edge bulges: its column is that of the equator's end.
    column, line = column_line(69.75, np.array([-4.75, 0.25, 4.75]), 140.7, 2750.5, 20_466_275)
    assert window.left + window.columns - 1 == math.ceil(column.max() - 1)
    assert window.top == math.floor(line.min() - 1)
    assert window.left <= np.flatnonzero(np.isfinite(himawari_ahi.DISK.places(Window(2750, 0, 1, 2750), 2000)[0]))[0]


@pytest.mark.parametrize("place", [(0.0, 0.0), (-60.0, 10.0), (120.0, 89.9), (120.0, -89.9)])
def test_worlds_out_of_sight_are_named(place):
    with pytest.raises(InputError, match=r"Himawari AHI does not see the world.*140\.7"):
        himawari_ahi.DISK.window(local_grid(*place, 20.0, 500.0))


def test_one_cell_of_a_world_has_a_pixel():
    grid = WorldGrid("EPSG:4326", 0.001, 120.0, 30.0, 1, 1)
    window = himawari_ahi.DISK.window(grid)
    assert 1 <= window.lines <= 2
    assert 1 <= window.columns <= 2


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_fine_pixels_share_the_corner_of_coarse_ones(factor):
    window = Window(1200, 900, 3, 5)
    fine = window.on(factor)
    assert (fine.top, fine.left, fine.lines, fine.columns) == (1200 * factor, 900 * factor, 3 * factor, 5 * factor)
    disk = himawari_ahi.DISK
    coarse = disk.places(window, 2000)
    parts = [v.reshape(3, factor, 5, factor).mean(axis=(1, 3)) for v in disk.places(window, 2000 // factor)]
    for made, expected in zip(parts, coarse, strict=True):
        assert (
            np.abs(made - expected).max() < 2e-4
        )  # 20 m of 2000: the surface bends, 40 932 549 is not twice 20 466 275


@pytest.mark.parametrize(
    ("module", "place"),
    [
        (himawari_ahi, (140.7, 0.1)),
        (himawari_ahi, (116.0, 40.2)),
        (fy4a_agri, (121.5, -50.0)),
        (fy4a_agri, (75.0, 20.0)),
    ],
)
def test_the_point_spread_is_as_wide_as_the_pixels_are_apart(module, place):
    grid = local_grid(*place, 20.0, 1000.0)
    overpass = passes(module, place, datetime(2023, 6, 1), 1)[0]
    disk = module.DISK
    (pixels,) = disk.pixels(overpass, grid, {disk.coarsest: ("red",)})
    row, column = (n // 2 for n in pixels.longitude.shape)
    at = (row, column), (row, column - 1), (row - 1, column)
    lon, lat = ([values[k] for k in at] for values in (pixels.longitude, pixels.latitude))
    geod = pyproj.Geod(ellps="WGS84")
    vectors = [geod.inv(lon[0], lat[0], lon[k], lat[k]) for k in (1, 2)]
    leaning = math.sin(math.radians(vectors[0][0] - vectors[1][0]))
    area = abs(vectors[0][2] * vectors[1][2] * leaning)
    assert pixels.footprint == pytest.approx(math.sqrt(area), rel=0.02)


def test_pixels_carry_bands_and_window():
    grid = local_grid(116.0, 40.2, 20.0, 1000.0)
    overpass = passes(himawari_ahi, days=1)[0]
    made = himawari_ahi.DISK.pixels(overpass, grid, {2000: ("a", "b"), 500: ("c",)})
    assert [(p.bands, p.resolution) for p in made] == [(("a", "b"), 2000.0), (("c",), 500.0)]
    window = himawari_ahi.DISK.window(grid)
    assert all(p.extra["window"] == window for p in made)
    assert made[1].longitude.shape == (window.lines * 4, window.columns * 4)
    assert made[1].footprint == pytest.approx(made[0].footprint / 4)
    assert all(p.elevation is None for p in made)


def test_images_too_large_are_refused_before_they_are_made(monkeypatch):
    grid = local_grid(116.0, 40.2, 40.0, 1000.0)
    overpass = passes(himawari_ahi, days=1)[0]
    window = himawari_ahi.DISK.window(grid)
    size = window.lines * window.columns
    monkeypatch.setattr(_disk, "LARGEST", size * (2 + 16))
    assert len(himawari_ahi.DISK.pixels(overpass, grid, {2000: ("a", "b"), 500: ("c",)})) == 2
    monkeypatch.setattr(_disk, "LARGEST", size * (2 + 16) - 1)
    monkeypatch.setattr(Disk, "places", lambda *_: pytest.fail("made all the same"))
    with pytest.raises(InputError, match="smaller world"):
        himawari_ahi.DISK.pixels(overpass, grid, {2000: ("a", "b"), 500: ("c",)})


def test_albedo_by_day_at_night_and_beside_the_world():
    zenith, height = np.full((2, 8), 30.0, np.float32)
    zenith[:5] = 0.0, 60.0, 90.0, 91.0, 180.0
    values = np.full(zenith.shape, 0.5, np.float32)
    values[4:7] = np.nan
    height[6] = np.nan
    pixels = Pixels(("red",), 2000.0, zenith, zenith, 2000.0)
    made = albedo(Image(pixels, {"red": values}, *[zenith] * 4, height, zenith > 0), "red")
    assert made.dtype == np.float64
    assert made[:4] == pytest.approx([0.5, 0.25, 0.0, 0.0], abs=1e-7)
    assert made[4] == 0.0  # dark, whatever the sensor lost
    assert np.isnan(made[5:7]).all()  # by day a lost value, and no world
    assert made[7] == pytest.approx(0.5 * math.sqrt(3) / 2)
