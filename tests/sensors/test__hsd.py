"""Himawari Standard Data by its bytes: headers field by field, as tables 4 to 13 of JMA's guide have them."""

import bz2
import pickle
import struct
from datetime import datetime, timedelta

import numpy as np
import pytest
from sensors import make_ahi as make

from musyq_lab.core.errors import MusyqError, SceneError
from musyq_lab.sensors import _hsd
from musyq_lab.sensors._hsd import SegmentedLayer, line_times, read_segment

COUNTS = np.arange(48, dtype="u2").reshape(6, 8) + 100


@pytest.fixture(params=["<", ">"])
def path(request, tmp_path):
    return make.segment(tmp_path, COUNTS, band=14, order=request.param, centre=4.5)


def test_block_1_tells_satellite_area_and_instants(path):
    one = read_segment(path)
    assert (one.satellite, one.area) == ("Himawari-8", "FLDK")
    # Offsets 46 and 54 of table 4: modified Julian day of start and end; double precision keeps 1e-11 day.
    raw = path.read_bytes()
    for moment, offset in ((one.start, 46), (one.end, 54)):
        (day,) = struct.unpack_from(one.order + "d", raw, offset)
        assert abs(moment - (datetime(1858, 11, 17) + timedelta(days=day))) < timedelta(microseconds=5)
    assert one.order == ("<" if raw[5] == 0 else ">")


def test_header_length_is_where_the_counts_begin(path):
    one, raw = read_segment(path), path.read_bytes()
    assert struct.unpack_from(one.order + "I", raw, 70) == (one.header,)
    assert len(raw) == one.header + COUNTS.size * 2
    np.testing.assert_array_equal(np.frombuffer(raw[one.header :], one.order + "u2"), COUNTS.ravel())


def test_blocks_2_3_and_4(path):
    one = read_segment(path)
    assert (one.lines, one.columns) == COUNTS.shape
    cfac, lfac, coff, loff = one.grid
    assert cfac == lfac
    assert coff == loff == 4.5
    # CFAC is 2^16 columns a degree: 2 km seen from 35 786 km is 0.0032 degree, 20 466 275 in the guide's table 6.
    assert cfac == pytest.approx(20_466_275, rel=1e-5)
    assert one.projection == (140.7, 42_164_000.0, 6_378_137.0, 6_356_752.3)
    assert one.satellite_position == pytest.approx((140.66, 0.03, 42_166_200.0))


def test_block_5_of_a_thermal_band(path):
    one = read_segment(path)
    assert (one.band, one.bits, one.fills) == (14, 12, (65535, 65534))
    assert one.nominal == (make.IR_GAIN, make.IR_OFFSET)
    assert one.temperature == make.TEMPERATURE
    assert one.constants == (make.LIGHT, make.PLANCK, make.BOLTZMANN)
    assert one.updated == (0.0, 0.0)
    assert np.isnan(one.albedo)


@pytest.mark.parametrize("updated", [True, False])
def test_block_5_of_a_reflective_band(tmp_path, updated):
    one = read_segment(make.segment(tmp_path, COUNTS, band=5, updated=updated))
    assert one.nominal == (make.GAIN, make.OFFSET)
    assert one.updated == ((make.UPDATED_GAIN, make.UPDATED_OFFSET) if updated else (0.0, 0.0))
    assert one.albedo == make.ALBEDO
    assert np.isnan(one.temperature).all()
    assert np.isnan(one.constants).all()


def test_block_7_places_the_segment(tmp_path):
    one = read_segment(make.segment(tmp_path, COUNTS, band=14, number=3, total=10))
    assert (one.number, one.total, one.first) == (3, 10, 13)


def test_a_byte_more_or_less_in_the_length_is_told(path):
    raw = path.read_bytes()
    path.write_bytes(raw[:-1])
    with pytest.raises(SceneError, match=rf"{len(raw) - 1} of {len(raw)} bytes"):
        read_segment(path)
    path.write_bytes(raw + b"\0")
    assert read_segment(path).lines == 6


@pytest.mark.parametrize(("block", "field"), [(2, 7), (2, 5)])
def test_sizes_that_contradict_the_data_are_refused(path, block, field):
    raw, order = bytearray(path.read_bytes()), read_segment(path).order
    struct.pack_into(order + "H", raw, 282 + field, 60000)
    path.write_bytes(raw)
    with pytest.raises(SceneError, match=r"contradict each other"):
        read_segment(path)


@pytest.mark.parametrize("offset", [0, 282, 332])
def test_a_block_that_is_not_there_is_told(path, offset):
    """Each block begins with its number."""
    raw = bytearray(path.read_bytes())
    raw[offset] = 99
    path.write_bytes(raw)
    with pytest.raises(SceneError, match=path.name):
        read_segment(path)


def test_a_day_of_no_time_is_refused(path):
    raw, order = bytearray(path.read_bytes()), read_segment(path).order
    for day in (float("nan"), 0.0, 1e300):
        struct.pack_into(order + "d", raw, 46, day)
        path.write_bytes(raw)
        with pytest.raises(SceneError, match=r"damaged header"):
            read_segment(path)


@pytest.mark.parametrize("seed", range(40))
def test_random_headers_are_plain_errors_or_segments(tmp_path, seed):
    path = make.segment(tmp_path, COUNTS, band=5)
    dice, raw = np.random.default_rng(seed), bytearray(path.read_bytes())
    for place in dice.integers(0, len(raw) - 96, 6):
        raw[place] = dice.integers(256)
    path.write_bytes(raw)
    told = path.name
    try:
        one = read_segment(path)
        SegmentedLayer((one,), max(one.lines, 1))[:2, :2]
    except MusyqError as error:
        told = str(error)
    assert path.name in told


def test_lines_come_from_their_segments(tmp_path):
    parts = [read_segment(make.segment(tmp_path, COUNTS + 100 * n, band=14, number=n, total=3)) for n in (1, 3)]
    layer = SegmentedLayer(tuple(parts), 18)
    whole = np.concatenate([COUNTS + 100, np.full((6, 8), 65534), COUNTS + 300])
    assert (layer.shape, layer.dtype, layer.ndim) == ((18, 8), np.dtype("u2"), 2)
    for key in (
        (slice(None), slice(None)),
        (slice(4, 14), slice(2, 5)),
        (slice(1, 18, 5), slice(None, None, 3)),
        (17, slice(None)),
        (slice(3, 3), slice(None)),
    ):
        np.testing.assert_array_equal(layer[key], whole[key])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(layer))[:], whole)


def test_a_packed_segment_is_the_same(tmp_path):
    plain = read_segment(make.segment(tmp_path, COUNTS, band=14))
    packed = read_segment(make.segment(tmp_path, COUNTS, band=14, packed=True))
    assert packed.compressed
    assert not plain.compressed
    np.testing.assert_array_equal(SegmentedLayer((packed,), 6)[2:5], COUNTS[2:5])


@pytest.mark.parametrize("size", [100, 1000, 5000, 50_000])
def test_the_end_of_a_bzip2_file_is_found_at_any_bit(tmp_path, size):
    """The end mark 0x177245385090 begins at any bit of a byte; streams of several lengths have it at several."""
    path = tmp_path / "x.bz2"
    content = np.random.default_rng(size).integers(0, 7, size, dtype="u1").tobytes()
    for length in range(size, size + 12):
        path.write_bytes(bz2.compress(content[:length]))
        assert _hsd._ended(path)
        path.write_bytes(bz2.compress(content[:length])[:-1])
        assert not _hsd._ended(path)


def test_lines_are_timed_between_the_pairs_of_block_9(tmp_path):
    one = read_segment(make.segment(tmp_path, COUNTS, band=14))
    times = line_times([one], 6)
    expected = [make.START + (line - 0.5) * make.LINE for line in range(1, 7)]
    away = times - np.array(expected, "datetime64[ns]")
    assert np.abs(away).max() < np.timedelta64(10, "us")  # a modified Julian day of double precision
    assert (np.diff(times) > np.timedelta64(0, "ns")).all()


def test_lines_of_a_missing_segment_are_timed_by_their_neighbours(tmp_path):
    parts = [read_segment(make.segment(tmp_path, COUNTS, band=14, number=n, total=3)) for n in (1, 3)]
    times = line_times(parts, 18)
    assert abs(times[9] - np.datetime64(make.START + 9.5 * make.LINE)) < np.timedelta64(1, "ms")
