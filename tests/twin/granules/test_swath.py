"""The geometry of a scanner against real MODIS positions, published figures and another interpolation."""

import math
from itertools import pairwise

import h5py
import numpy as np
import pytest
from sensors.shared_data import shared
from twin.granules.images import make, passes, world

from musyq_lab.twin.granules import _swath, fy3d_mersi2, modis
from musyq_lab.twin.granules._swath import Window, covering, footprint, geolocation
from musyq_lab.twin.grid import WorldGrid, local_grid
from musyq_lab.twin.orbit import SPHERE, ecef


@pytest.fixture(scope="module")
def overpass():
    return min(passes(modis), key=lambda o: float(o.look(*map(np.float64, (116.0, 40.2)))[0]))


def metres(longitude, latitude):
    return SPHERE * (p := ecef(longitude, latitude)) / np.linalg.norm(p, axis=-1, keepdims=True)


def apart(first, second):
    return np.linalg.norm(first - second, axis=-1)


def full(overpass, scanner=modis.SCANNER, scans=3):
    return Window(scanner, overpass, round(_swath._elapsed(overpass, scanner)), scans, 0, scanner.columns)


def test_lines_and_columns_grow_as_those_of_real_scans(overpass):
    """One real scan of Terra: length of a scan, and distance of columns, at edges, nadir and between."""
    with h5py.File(shared("modis_geolocation") / "modis_test_data.h5") as file:
        real = metres(file["lon_1km"][:10], file["lat_1km"][:10])
    ours = metres(*full(overpass).positions())[:10]
    for column in (0, 300, 676, 1000, 1352):
        for made in (lambda p, c=column: apart(p[9, c], p[0, c]), lambda p, c=column: apart(p[5, c + 1], p[5, c])):
            # The real satellite is some percent higher there than on average.
            assert made(ours) == pytest.approx(made(real), rel=0.025), column


def test_scans_run_to_the_left_as_those_of_real_granules(overpass):
    with h5py.File(shared("modis_geolocation") / "modis_test_data.h5") as file:
        real = metres(file["lon_1km"][:], file["lat_1km"][:])

    def turn(place):
        middle = place[5, 677]
        return np.sign(np.cross(place[15, 677] - middle, middle) @ (place[5, 678] - middle))

    assert turn(real) == turn(metres(*full(overpass).positions())) == -1


def test_published_sizes_of_modis(overpass):
    """Pixels of 1 km at nadir, 2.01 km along the track and 4.83 km along the scan at the edge (Wolfe et al. 2002)."""
    place = metres(*full(overpass).positions())
    assert apart(place[4, 676], place[5, 676]) == pytest.approx(1000, rel=0.005)
    assert apart(place[4, 676], place[4, 677]) == pytest.approx(1000, rel=0.005)
    assert apart(place[4, 0], place[5, 0]) == pytest.approx(2010, rel=0.02)
    assert apart(place[4, 0], place[4, 1]) == pytest.approx(4830, rel=0.03)
    assert apart(place[4, 0], place[4, -1]) / 1000 == pytest.approx(2330, rel=0.01)


@pytest.mark.parametrize(
    ("scanner", "half", "height"), [(modis.SCANNER, 55.0, 705e3), (fy3d_mersi2.SCANNER, 55.04, 836e3)]
)
def test_the_mirror_sweeps_the_angle_of_the_specification(scanner, half, height):
    assert math.degrees(scanner.columns * scanner.step / 2) == pytest.approx(half, rel=1e-3)
    assert scanner.field * height == pytest.approx(1000)
    # The scans follow each other without a gap: ten lines in one period.
    speed = 2 * math.pi * SPHERE / {705e3: 16 * 86400 / 233, 836e3: 11 * 86400 / 156}[height]
    assert 0.97 < speed * scanner.period / 10_000 < 1.0


def test_view_angle_at_the_edge_by_the_law_of_sines(overpass):
    window = full(overpass, scans=1)
    longitude, latitude = window.positions()
    view, _ = overpass.look(longitude, latitude)
    scan = (window.scanner.columns - 1) / 2 * window.scanner.step
    # The Earth's flattening tilts the vertical by up to 0.2 degree.
    expected = math.degrees(math.asin((SPHERE + 705e3) / SPHERE * math.sin(scan)))
    assert view[4, [0, -1]] == pytest.approx([expected, expected], abs=0.5)
    assert 64.0 < expected < 66.0


def test_scans_overlap_at_the_edge_only(overpass):
    place = metres(*full(overpass).positions())
    ahead = place[10, 676] - place[0, 676]

    def step(column):
        return (place[10, column] - place[9, column]) @ ahead / np.linalg.norm(ahead)

    assert 800 < step(676) < 1100
    assert step(0) < -7000
    assert step(1353) < -7000


def test_finer_samples_begin_at_the_frame_or_lie_around_it(overpass):
    coarse = metres(*full(overpass).positions())
    for factor in (2, 4):
        fine = metres(*full(overpass).positions(factor))
        lines = fine.reshape(30, factor, -1, 3).mean(axis=1)
        assert apart(lines[:, ::factor], coarse).max() < 2.0
        assert apart(lines[4, 676 * factor + 1], lines[4, 676 * factor]) == pytest.approx(1000 / factor, rel=0.01)
    around = full(overpass, fy3d_mersi2.SCANNER)
    blocks = metres(*around.positions(4)).reshape(30, 4, 2048, 4, 3).mean(axis=(1, 3))
    assert apart(blocks, metres(*around.positions())).max() < 5.0


def test_another_interpolation_of_the_coarse_grid_gives_the_fine_ones(overpass):
    from geotiepoints.modisinterpolator import modis_1km_to_250m, modis_1km_to_500m

    window = full(overpass)
    longitude, latitude = (layer.astype(np.float32) for layer in window.positions())
    view = overpass.look(*window.positions())[0].astype(np.float32)
    for factor, interpolate in ((2, modis_1km_to_500m), (4, modis_1km_to_250m)):
        made = metres(*(layer.astype(np.float64) for layer in interpolate(longitude, latitude, view)))
        error = apart(made, metres(*window.positions(factor)))
        assert np.median(error) < 3.0
        assert error.max() < 0.1 * 1000 / factor


def test_a_part_of_a_scan_is_that_part(overpass):
    whole = full(overpass)
    part = Window(whole.scanner, overpass, whole.first + 1, 1, 200, 7)
    for ours, theirs in zip(part.positions(2), whole.positions(2), strict=True):
        np.testing.assert_allclose(ours, theirs[20:40, 400:414], atol=1e-10)
    for ours, theirs in zip(part.positions(full=True), whole.positions(), strict=True):
        np.testing.assert_allclose(ours, theirs[10:20], atol=1e-10)
    pasted = part.pasted(np.ones((20, 14), np.uint16), 9, 2)
    assert pasted.shape == (20, 2708)
    assert pasted.dtype == np.uint16
    assert (pasted[:, 400:414] == 1).all()
    assert (pasted == 9).sum() == 20 * (2708 - 14)


def test_scans_are_seen_when_the_orbit_says(overpass):
    window = full(overpass)
    longitude, latitude = window.positions()
    seen = overpass.seen_at(longitude[4::10, 676], latitude[4::10, 676])
    middle = np.array(window.starts(window.scanner.middle), "datetime64[us]")
    # Lines 4 and 5 of 10 lie half a line before and behind the middle: 0.07 s.
    assert np.abs((seen - middle) / np.timedelta64(1, "s")).max() < 0.1
    assert (window.end - window.starts(0)[0]).total_seconds() == pytest.approx(2 * 1.478 + 0.451, abs=0.01)


def test_the_window_holds_the_world():
    grid = world()
    for overpass in passes(modis)[:6]:
        window = covering(overpass, modis.SCANNER, grid)
        row, column = grid.cells(*window.positions())
        for values, cells in ((row, grid.rows), (column, grid.columns)):
            assert values.min() < 0
            assert values.max() > cells - 1
        # And not much more: a few pixels around it.
        wide = 1.5 * footprint(overpass, modis.SCANNER, grid, 1000.0)
        assert window.columns <= 3 + 2 * (wide + 1280) / 1000
        assert window.scans <= 4


def test_worlds_beside_the_swath_have_none_and_worlds_at_its_edge_a_part(overpass):
    edge = float(overpass.across_of(np.float64(math.radians(55.0))))
    longitude, latitude = (float(v) for v in overpass.ground(np.float64(0.0), np.float64(edge)))
    window = covering(overpass, modis.SCANNER, local_grid(longitude, latitude, 40.0, 100.0))
    assert window.column == 0
    assert 0 < window.columns < 12
    longitude, latitude = (float(v) for v in overpass.ground(np.float64(0.0), np.float64(1.1 * edge)))
    assert covering(overpass, modis.SCANNER, local_grid(longitude, latitude, 10.0, 100.0)) is None


def test_a_large_world_is_cut_to_scans_around_the_place(overpass):
    globe = WorldGrid("EPSG:4326", 1.0, -180.0, 90.0, 360, 180)
    window = covering(overpass, modis.SCANNER, globe)
    assert window.scans == _swath.MOST_SCANS
    assert window.columns == 1354
    assert abs((window.starts()[30] - overpass.time).total_seconds()) < 3.0


def test_footprint_grows_with_the_slope_of_the_look():
    grid = world()
    for overpass in passes(modis):
        view = math.radians(float(overpass.look(*map(np.float64, (116.0, 40.2)))[0]))
        width = footprint(overpass, modis.SCANNER, grid, 500.0)
        assert width >= 499.0
        if view < math.radians(5):
            assert width == pytest.approx(500.0, rel=0.02)
        # Geometric mean of 2.0 and 4.8 at the very edge.
        assert width < 500.0 * 3.2


def test_geolocation_takes_the_angles_of_the_image_where_it_has_some(overpass):
    window = covering(overpass, modis.SCANNER, world())
    image = make(overpass, modis.pixels(overpass, world()))[0]
    image.sun_zenith[0, 0] = np.nan
    image.view_azimuth[:] = 200.0
    place = geolocation(window, image)
    part = slice(window.column, window.column + window.columns)
    np.testing.assert_allclose(place.sun_zenith[1:, part], image.sun_zenith[1:], atol=1e-4)
    assert (place.view_azimuth[:, part] == -160.0).all()
    # The Sun computed for the rest of the swath joins that of the image.
    step = np.abs(np.diff(place.sun_zenith, axis=1)).max()
    assert step < 0.06
    assert np.isfinite(place.sun_zenith).all()
    assert np.abs(place.sun_azimuth).max() <= 180
    assert place.range.min() == pytest.approx(705e3, rel=0.03)
    assert place.range.max() == pytest.approx(1.41e6, rel=0.03)


def sphere_of(longitude, latitude):
    """Directions from the centre of the Earth (unit vectors) of geodetic places, by WGS 84."""
    flat = (1 - 1 / 298.257223563) ** 2
    below = np.arctan(flat * np.tan(np.radians(latitude)))
    lon = np.radians(longitude)
    return np.stack([np.cos(below) * np.cos(lon), np.cos(below) * np.sin(lon), np.sin(below)], axis=-1)


@pytest.mark.parametrize("module", [modis, fy3d_mersi2])
@pytest.mark.parametrize("factor", [1, 4])
def test_places_are_where_the_lines_of_sight_meet_a_sphere(module, factor):
    """The ray of the docstring from the satellite as it stands at the time of the sample, met with a sphere."""
    scanner, overpass = module.SCANNER, passes(module)[0]
    window = Window(scanner, overpass, round(_swath._elapsed(overpass, scanner)), 2, 0, scanner.columns)
    made = sphere_of(*window.positions(factor)).reshape(2, scanner.lines * factor, -1, 3)
    shift = (factor - 1) / 2 / factor
    for scan, line, column in [
        (0, 0, 0),
        (1, 3, 5),
        (0, 9 * factor, 700 * factor),
        (1, 2, (scanner.columns - 1) * factor),
    ]:
        place = column / factor - (shift if scanner.centred else 0) - (scanner.columns - 1) / 2
        seconds = float(window._seconds[scan]) + place * scanner.dwell
        turn = 2 * math.pi * seconds / overpass.orbit.period
        down = -(math.cos(turn) * overpass.axes[0] + math.sin(turn) * overpass.axes[1])
        ahead = math.cos(turn) * overpass.axes[1] - math.sin(turn) * overpass.axes[0]
        s = -place * scanner.step
        a = (line / factor - shift - (scanner.lines - 1) / 2) * scanner.field
        ray = math.cos(a) * math.cos(s) * down + math.sin(a) * ahead + math.cos(a) * math.sin(s) * overpass.axes[2]
        origin = -overpass.radius * down
        along = -(origin @ ray) - math.sqrt((origin @ ray) ** 2 - origin @ origin + SPHERE**2)
        expected = (origin + along * ray) / SPHERE
        assert np.linalg.norm(made[scan, line, column] - expected) * SPHERE < 1.0


def test_the_middle_of_a_scan_lies_between_two_columns():
    assert modis.SCANNER.middle == 676.5
    assert fy3d_mersi2.SCANNER.middle == 1023.5


def test_scans_follow_each_other_by_the_period(overpass):
    window = full(overpass, scans=5)
    for column in (0, 676.5, 1353):
        starts = window.starts(column)
        gaps = [(b - a).total_seconds() for a, b in pairwise(starts)]
        assert gaps == pytest.approx([modis.SCANNER.period] * 4, abs=2e-6)
    late = (window.starts(1353)[0] - window.starts(0)[0]).total_seconds()
    assert late == pytest.approx(1353 * modis.SCANNER.dwell, abs=2e-6)
    assert window.starts() == window.starts(0)


@pytest.mark.parametrize("place", [(179.99, 10.0), (25.0, 84.5), (0.0, -89.0)], ids=["antimeridian", "UPS", "pole"])
def test_windows_of_worlds_at_odd_places(place):
    grid = world(place, resolution=100.0)
    seen = 0
    for overpass in passes(modis, place, days=2)[:3]:
        window = covering(overpass, modis.SCANNER, grid)
        if window is None:
            continue
        seen += 1
        longitude, latitude = window.positions()
        assert np.abs(longitude).max() <= 180
        distance = apart(ecef(longitude, latitude), ecef(grid.longitude[32, 32], grid.latitude[32, 32]))
        assert distance.min() < 3500  # within a pixel at the edge of the swath
        assert window.columns < 60
        assert window.scans < 8
    assert seen


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_pasted_layers_keep_their_type(dtype):
    scanner = _swath.Scanner(10, 12, 1e-3, 1e-3, 1.0, 1e-4, centred=False)
    for column, columns in ((0, 12), (0, 1), (11, 1), (4, 3)):
        window = Window(scanner, None, 0, 1, column, columns)
        made = window.pasted(np.ones((10, columns), dtype), 7)
        assert made.dtype == dtype
        assert (made == 1).sum() == 10 * columns
        assert (made[:, column : column + columns] == 1).all()
        assert (made == 7).sum() == 10 * (12 - columns)
