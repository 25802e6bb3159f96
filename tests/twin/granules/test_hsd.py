"""Himawari Standard Data read field by field with the tables of JMA's guide (version 1.3, tables 4 to 13)."""

import bz2
import struct
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from musyq_lab.core.errors import InputError
from musyq_lab.twin.granules import _hsd
from musyq_lab.twin.granules._disk import Window
from musyq_lab.twin.granules._hsd import OUTSIDE, Calibration, Image

VISIBLE = Calibration(11, 0.35, -7.0, (0.0015, 58484.0, 0.34, -6.8))
THERMAL = Calibration(12, -0.005, 16.0, (0.5, 0.99, 1e-6, -0.5, 1.01, -1e-6, 299792458.0, 6.62607015e-34, 1.380649e-23))
IMAGE = Image(
    satellite="Himawari-8",
    area="R302",
    slot=datetime(2019, 7, 1, 3, 10),
    time=datetime(2019, 7, 1, 3, 12, 30),
    band=3,
    resolution=500,
    wavelength=0.6399,
    part=Window(4000, 6000, 24, 40),
    factor=81_865_099,
    centre=10_999.5,
    longitude=140.7,
    calibration=VISIBLE,
)
INFRARED = replace(IMAGE, band=13, resolution=2000, wavelength=10.4, centre=2749.5, calibration=THERMAL)

# Block -> names and types of its fields behind number and length, without the spare bytes at the end.
TABLES = {
    1: "blocks:H order:B satellite:16s centre:16s area:4s other:2s timeline:H start:d end:d created:d header:I data:I "
    "q1:B q2:B q3:B q4:B version:32s name:128s",
    2: "bits:H columns:H lines:H compression:B",
    3: "longitude:d cfac:I lfac:I coff:f loff:f distance:d equator:d pole:d r1:d r2:d r3:d r4:d resampling:H size:H",
    4: "day:d sub_longitude:d sub_latitude:d distance:d nadir_longitude:d nadir_latitude:d "
    "s1:d s2:d s3:d m1:d m2:d m3:d",
    6: "c0:d c1:d c2:d bias:d uncertainty:d standard:d begin:d end:d upper:f lower:f file:128s",
    7: "segments:B sequence:B first:H",
    8: "column:f line:f rotation:d count:H",
}
FIVE = "band:H wavelength:d bits:H error:H outside:H gain:d offset:d "
TABLE_5 = {
    IMAGE: FIVE + "albedo:d day:d gain_now:d offset_now:d",
    INFRARED: FIVE + "c0:d c1:d c2:d C0:d C1:d C2:d light:d planck:d boltzmann:d",
}
LENGTHS = {1: 282, 2: 50, 3: 127, 4: 139, 5: 147, 6: 259, 7: 47, 8: 61, 9: 65, 10: 47, 11: 259}
SPARES = {1: 40, 2: 40, 3: 40, 4: 40, 6: 56, 7: 40, 8: 40}


def blocks(raw):
    """Number -> bytes of every block behind number and length."""
    found, at = {}, 0
    while at < len(raw):
        number = raw[at]
        (length,) = struct.unpack_from("<I" if number == 10 else "<H", raw, at + 1)
        found[number] = raw[at + (5 if number == 10 else 3) : at + length]
        at += length
    assert at == len(raw)
    return found


def fields(block, table):
    names, types = zip(*(entry.split(":") for entry in table.split()), strict=True)
    layout = "<" + "".join(types)
    values = struct.unpack_from(layout, block)
    assert not any(block[struct.calcsize(layout) :])  # spare
    texts = (v.split(b"\0")[0].decode() if isinstance(v, bytes) else v for v in values)
    return dict(zip(names, texts, strict=True))


@pytest.mark.parametrize("image", [IMAGE, INFRARED], ids=["visible", "infrared"])
def test_blocks_come_in_order_with_the_lengths_of_the_guide(image):
    found = blocks(image.header())
    assert list(found) == list(range(1, 12))
    for number, length in LENGTHS.items():
        assert len(found[number]) == length - (5 if number == 10 else 3), number
    for number, spare in SPARES.items():
        types = "".join(entry.split(":")[1] for entry in TABLES[number].split())
        assert struct.calcsize("<" + types) + spare == len(found[number]), number


def test_block_1():
    one = fields(blocks(IMAGE.header())[1], TABLES[1])
    assert (one["blocks"], one["order"]) == (11, 0)
    assert (one["satellite"], one["centre"], one["area"]) == ("Himawari-8", "MSC", "R302")
    assert one["timeline"] == 310
    moments = [datetime(1858, 11, 17) + timedelta(days=one[key]) for key in ("start", "end", "created")]
    assert abs(moments[0] - IMAGE.time) < timedelta(milliseconds=1)
    assert moments[0] < moments[1] < moments[2]
    assert one["start"] == pytest.approx(58665 + (3 * 60 + 12.5) / 1440, abs=1e-9)  # 1 July 2019: MJD 58665
    assert one["header"] == len(IMAGE.header()) == sum(LENGTHS.values())
    assert one["data"] == 2 * 24 * 40
    assert one["name"] == "HS_H08_20190701_0310_B03_R302_R05_S0101.DAT"


def test_block_2_is_columns_before_lines():
    assert fields(blocks(IMAGE.header())[2], TABLES[2]) == {"bits": 16, "columns": 40, "lines": 24, "compression": 0}


@pytest.mark.parametrize("image", [IMAGE, INFRARED], ids=["visible", "infrared"])
def test_block_3_places_the_area_on_the_full_disk(image):
    three = fields(blocks(image.header())[3], TABLES[3])
    assert three["longitude"] == 140.7
    assert three["cfac"] == three["lfac"] == image.factor
    # Pixel 1 of the area is pixel 6001 of the disk, counted from 1.
    assert three["coff"] == image.centre + 1 - 6000
    assert three["loff"] == image.centre + 1 - 4000
    assert (three["distance"], three["equator"], three["pole"]) == (42164.0, 6378.137, 6356.7523)
    # As printed in the guide's table 6.
    assert three["r1"] == pytest.approx(0.00669438444, abs=1e-11)
    assert three["r2"] == pytest.approx(0.993305616, abs=1e-9)
    assert three["r3"] == pytest.approx(1.006739501, abs=1e-9)
    assert three["r4"] == pytest.approx(1_737_122_264, abs=1.0)


def test_block_4_is_over_the_equator():
    four = fields(blocks(IMAGE.header())[4], TABLES[4])
    assert four["day"] == pytest.approx(58665.13368056, abs=1e-7)
    assert (four["sub_longitude"], four["sub_latitude"], four["distance"]) == (140.7, 0.0, 42164.0)
    assert (four["nadir_longitude"], four["nadir_latitude"]) == (140.7, 0.0)


@pytest.mark.parametrize("image", [IMAGE, INFRARED], ids=["visible", "infrared"])
def test_block_5_has_the_constants_of_its_band(image):
    five = list(fields(blocks(image.header())[5], TABLE_5[image]).values())
    c = image.calibration
    assert five == [image.band, image.wavelength, c.bits, 65535, 65534, c.gain, c.offset, *c.tail]


def test_block_6_says_that_thermal_bands_have_no_intercalibration():
    assert set(list(fields(blocks(INFRARED.header())[6], TABLES[6]).values())[:10]) == {-1.0e10}
    assert set(list(fields(blocks(IMAGE.header())[6], TABLES[6]).values())[:10]) == {0.0}


def test_blocks_7_and_8_are_those_of_one_whole_segment():
    found = blocks(IMAGE.header())
    assert fields(found[7], TABLES[7]) == {"segments": 1, "sequence": 1, "first": 1}
    assert fields(found[8], TABLES[8]) == {"column": 0.0, "line": 0.0, "rotation": 0.0, "count": 0}


def test_block_9_times_the_first_and_the_last_line():
    found = blocks(IMAGE.header())
    count, *pairs = struct.unpack_from("<HHdHd", found[9])
    assert count == 2
    assert pairs[::2] == [1, 24]
    assert pairs[1] == pairs[3] == pytest.approx(58665.13368056, abs=1e-7)
    assert not any(found[9][22:])
    assert not any(found[10])
    assert not any(found[11])


@pytest.mark.parametrize(
    ("satellite", "resolution", "band", "name"),
    [
        ("Himawari-8", 1000, 1, "HS_H08_20190701_0310_B01_R302_R10_S0101.DAT"),
        ("Himawari-9", 2000, 16, "HS_H09_20190701_0310_B16_R302_R20_S0101.DAT"),
    ],
)
def test_names(satellite, resolution, band, name):
    assert replace(IMAGE, satellite=satellite, resolution=resolution, band=band).name == name


@pytest.mark.parametrize(
    "window",
    [
        Window(4000, 6000, 24, 40),  # the whole area
        Window(4003, 6007, 5, 9),
        Window(4023, 6039, 1, 1),  # its last pixel
        Window(4000, 6000, 1, 1),
        Window(4000, 6031, 24, 9),
    ],
)
def test_counts_lie_where_the_window_is(tmp_path, window):
    counts = np.arange(1, window.lines * window.columns + 1, dtype=np.uint16).reshape(window.lines, window.columns)
    path = IMAGE.write(tmp_path, counts, window)
    assert path == tmp_path / f"{IMAGE.name}.bz2"
    raw = bz2.decompress(path.read_bytes())
    (header,) = struct.unpack_from("<I", raw, 70)
    image = np.frombuffer(raw[header:], "<u2").reshape(24, 40)
    top, left = window.top - 4000, window.left - 6000
    np.testing.assert_array_equal(image[top : top + window.lines, left : left + window.columns], counts)
    assert (image == 65534).sum() == 24 * 40 - counts.size


@pytest.mark.parametrize(
    "window",
    [Window(3999, 6000, 2, 2), Window(4000, 5999, 2, 2), Window(4023, 6000, 2, 2), Window(4000, 6039, 2, 2)],
    ids=["above", "left", "below", "right"],
)
def test_windows_that_leave_the_area_are_refused(tmp_path, window):
    with pytest.raises(InputError, match="does not lie in the area"):
        IMAGE.write(tmp_path, np.zeros((2, 2), np.uint16), window)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("lines", [0, 1, 31, 32, 33, 63, 64, 75])
def test_fill_of_any_height(lines):
    packed = _hsd._fill(lines, 7)
    assert (bz2.decompress(packed) if packed else b"") == struct.pack("<H", OUTSIDE) * (7 * lines)


@pytest.mark.parametrize("calibration", [VISIBLE, THERMAL], ids=["visible", "infrared"])
def test_counts_invert_gain_and_offset_to_half_a_count(calibration):
    highest = 2**calibration.bits - 1
    assert calibration.highest == highest
    every = np.arange(highest + 1)
    radiance = calibration.gain * every + calibration.offset
    np.testing.assert_array_equal(calibration.counts(radiance, calibration.gain, calibration.offset), every)
    between = calibration.counts(radiance + 0.49 * abs(calibration.gain), calibration.gain, calibration.offset)
    np.testing.assert_array_equal(between, every)


def test_counts_end_at_the_bits_and_mark_what_is_missing():
    made = VISIBLE.counts(np.array([-1e9, -7.0, 1e9, np.inf, np.nan]), VISIBLE.gain, VISIBLE.offset)
    assert made.dtype == np.uint16
    assert made.tolist() == [0, 0, 2047, 2047, 65534]


def test_the_updated_gain_can_be_used_instead():
    gain, offset = VISIBLE.tail[2:]
    assert VISIBLE.counts(np.array([100 * gain + offset]), gain, offset).tolist() == [100]


def test_the_constants_are_those_of_the_si():
    assert (_hsd.LIGHT, _hsd.PLANCK, _hsd.BOLTZMANN) == (299_792_458.0, 6.626_070_15e-34, 1.380_649e-23)
