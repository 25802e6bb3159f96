"""MSG Level 1.5: header and trailer by the record tables, orbits, placing and timing of lines by geometry."""

import math
import pickle
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sensors import make_seviri as make

from musyq_lab.core.errors import MusyqError, SceneError
from musyq_lab.sensors import _msg
from musyq_lab.sensors._msg import Canvas, MsgLayer, Trailer, line_times, parse_header, parse_trailer

PATH = Path("prologue")
RADII = (6_378_169.0, 6_356_583.8)


def prologue(model: int = 2, kind: int = 2) -> bytes:
    record = np.zeros(1, make._tables().hrit_prologue)
    make._fill_header(record[0], "MSG3", kind, model)
    return record.tobytes()


def epilogue() -> bytes:
    record = np.zeros(1, make._tables().hrit_epilogue)
    make._fill_trailer(record[0])
    return record.tobytes()


@pytest.fixture(scope="module")
def header():
    return parse_header(prologue(), PATH, version=0)


@pytest.fixture(scope="module")
def trailer():
    return parse_trailer(epilogue(), PATH)


def test_header_by_the_record_tables(header):
    assert header.platform == "Meteosat-10"
    assert header.axes == pytest.approx(RADII)
    assert header.steps == pytest.approx((make.STEP, make.HRV_STEP), rel=1e-6)
    assert header.start == make.START
    np.testing.assert_allclose(header.radiance, list(zip(make.SLOPE, make.OFFSET, strict=True)))
    assert header.kinds == (2,) * 12
    assert not header.shifted


def test_the_older_earth_model_means_a_shift():
    """EUMETSAT: images before 6 December 2017 lie 1.5 km north and west; their TypeOfEarthModel is 1."""
    old, new = parse_header(prologue(model=1), PATH, version=0), parse_header(prologue(model=2), PATH, version=0)
    canvas = Canvas(1, 3712, 1, 3712)
    assert old.shifted
    (x1, y1), (x0, y0) = canvas.coordinates(old, hrv=False), canvas.coordinates(new, hrv=False)
    np.testing.assert_allclose(x1 - x0, 0.5 * make.STEP)
    np.testing.assert_allclose(y1 - y0, -0.5 * make.STEP)
    (x1, y1), (x0, y0) = canvas.coordinates(old, hrv=True), canvas.coordinates(new, hrv=True)
    np.testing.assert_allclose(x1 - x0, 1.5 * make.HRV_STEP)  # the same on the ground


def test_line_1856_lies_under_the_satellite(header):
    """ICD 105: the grid of 3712 has its origin at line and column 1856, counted from the south-east; HRV at 5566."""
    for hrv, edge, middle in ((False, 3712, 1856), (True, 11136, 5566)):
        x, y = Canvas(1, edge, 1, edge).coordinates(header, hrv=hrv)
        assert x[edge - middle] == y[edge - middle] == 0.0
        assert (np.diff(x) > 0).all()
        assert (np.diff(y) < 0).all()


def test_satellite_is_where_its_orbit_says(header):
    """The maker writes constant polynomials, the first term of which counts half."""
    x, y, z = make.ORBIT
    longitude, latitude, height = header.satellite
    assert longitude == pytest.approx(math.degrees(math.atan2(y, x)))
    assert latitude == pytest.approx(math.degrees(math.atan2(z, math.hypot(x, y))), abs=2e-3)
    assert height == pytest.approx(1e3 * math.sqrt(x * x + y * y + z * z) - RADII[0], abs=50)


def test_polynomials_of_chebyshev():
    """T0/2 + T1 + T2 at three instants, by hand: T1 = t, T2 = 2 t^2 - 1."""
    orbits = np.zeros(2, _msg._ORBIT)
    for name, day in (("start", 20_000), ("end", 20_002)):
        orbits[name]["f0"][0] = day
    orbits["xyz"][0, 0, :3] = 2 * 42_000.0, 100.0, 30.0
    for share in (-1.0, 0.0, 0.5):
        moment = datetime(1958, 1, 1) + timedelta(days=20_001 + share)
        place = _msg._position(orbits, moment, RADII)
        assert place is not None
        distance = 42_000e3 + 1e5 * share + 3e4 * (2 * share**2 - 1)
        assert place[2] + RADII[0] == pytest.approx(distance, abs=1.0)
    assert _msg._position(orbits, datetime(1958, 1, 1) + timedelta(days=20_003), RADII) is None


@pytest.mark.parametrize("place", [(9.5, 0.0), (-3.4, 1.2), (41.5, -5.0)])
def test_geodetic_of_a_point_above_the_ellipsoid(place):
    longitude, latitude, height = *np.radians(place), 35_800_000.0
    squared = 1 - (RADII[1] / RADII[0]) ** 2
    normal = RADII[0] / math.sqrt(1 - squared * math.sin(latitude) ** 2)
    across = (normal + height) * math.cos(latitude)
    z = (normal * (1 - squared) + height) * math.sin(latitude)
    found = _msg._geodetic(across * math.cos(longitude), across * math.sin(longitude), z, RADII)
    assert found == pytest.approx((*place, height), abs=1e-3)
    assert _msg._geodetic(1.0, 2.0, 3.0, RADII) is None


def test_trailer_by_the_record_tables(trailer):
    assert (trailer.start, trailer.end) == (make.START, make.END)
    assert trailer.lines == (1, 3712)
    assert trailer.windows == ((1, 8064, 2717, 8284), (8065, 11136, 1805, 7372))


def test_trailer_without_content_falls_back():
    empty = parse_trailer(bytes(400), PATH)
    assert empty == Trailer(None, None, (1, 3712), ())


@pytest.mark.parametrize("length", [0, 100, 408_000])
def test_short_records_are_told(length):
    with pytest.raises(SceneError, match="prologue is cut short"):
        parse_header(prologue()[:length], PATH, version=0)
    if length < 341:
        with pytest.raises(SceneError, match="trailer is missing"):
            parse_trailer(epilogue()[:length], PATH)


def test_another_satellite():
    with pytest.raises(SceneError, match=r"satellite 0, none of Meteosat-8 to -11"):
        parse_header(bytes(445_248), PATH, version=0)


@pytest.mark.parametrize("seed", range(30))
def test_random_records_are_plain_errors_or_headers(seed):
    dice = np.random.default_rng(seed)
    raw = bytearray(prologue())
    for place in dice.integers(0, 408_170, 2000):
        raw[place] = dice.integers(256)
    told = "prologue"
    try:
        parse_header(bytes(raw), PATH, version=0)
    except MusyqError as error:
        told = str(error)
    assert "prologue" in told


@dataclass
class Rows:
    """Lines whose counts tell their number and column."""

    width: int

    def read(self, first, count):
        return (100 * np.arange(first, first + count)[:, None] + np.arange(self.width)).astype("u2")


def test_north_is_up_and_east_right():
    layer = MsgLayer(Rows(6), Canvas(11, 15, 1, 6))
    whole = Rows(6).read(0, 5)[::-1, ::-1]
    assert (layer.shape, layer.dtype, layer.ndim) == ((5, 6), np.dtype("u2"), 2)
    for key in ((slice(None), slice(None)), (slice(1, 3), slice(2, 4)), (slice(None, None, 2), -1), (4, slice(None))):
        np.testing.assert_array_equal(layer[key], whole[key])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(layer))[:], whole)


def test_columns_of_padding_are_cut_in_the_west():
    layer = MsgLayer(Rows(8), Canvas(1, 2, 1, 6))
    np.testing.assert_array_equal(layer[:], Rows(8).read(0, 2)[::-1, :6][:, ::-1])


def test_windows_put_lines_where_they_were_seen():
    """Lines 1 and 2 begin at column 3 from the east, lines 3 and 4 at column 1; between lies nothing."""
    layer = MsgLayer(Rows(4), Canvas(1, 4, 1, 8), ((1, 2, 3, 6), (3, 4, 1, 4)))
    made = layer[:][::-1, ::-1]  # from the south-east
    rows = Rows(4).read(0, 4)
    np.testing.assert_array_equal(made[:2, 2:6], rows[:2])
    np.testing.assert_array_equal(made[2:, :4], rows[2:])
    assert made.sum() == rows.sum()
    np.testing.assert_array_equal(layer[1:3, 2:7], layer[:][1:3, 2:7])


def test_scan_runs_from_south_to_north(header, trailer):
    times = line_times(Canvas(1, 3712, 1, 3712), header, trailer, hrv=False)
    span = make.END - make.START
    assert (np.diff(times) <= np.timedelta64(0, "ns")).all()
    for index, share in ((-1, 0.5 / 3712), (0, 1 - 0.5 / 3712), (1856, 1 - 1856.5 / 3712)):
        away = times[index] - np.datetime64(make.START + share * span, "ns")
        assert abs(away) <= np.timedelta64(1, "ms")
    fine = line_times(Canvas(1, 11136, 1, 11136), header, trailer, hrv=True)
    np.testing.assert_allclose((fine[1::3] - times).astype(int) / 1e6, 0.0, atol=1.0)


def test_rapid_scan_is_timed_by_its_own_lines(header):
    """RSS scans the northern third in five minutes: its southernmost line is the first."""
    rapid = Trailer(make.START, make.START + timedelta(minutes=5), (2785, 3712), ())
    times = line_times(Canvas(2785, 3712, 1, 3712), header, rapid, hrv=False)
    assert times[-1] - np.datetime64(make.START, "ns") < np.timedelta64(1, "s")
    assert np.datetime64(make.START + timedelta(minutes=5), "ns") - times[0] < np.timedelta64(1, "s")
