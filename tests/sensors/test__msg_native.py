"""MSG native files: sizes of the records by EUM/MSG/SPE/344, lines by their place in the file."""

from pathlib import Path

import numpy as np
import pytest
from sensors import make_seviri as make

from musyq_lab.core.errors import MusyqError, SceneError
from musyq_lab.sensors._msg import CHANNELS, EDGE, Canvas
from musyq_lab.sensors._msg_native import _MAIN, _PACKET, _SECONDARY, _contents, _entries, _record, read_native

VALUES = ("SouthLine", "NorthLine", "EastColumn", "WestColumn")


def entries(box=(1, EDGE, 1, EDGE), bands="X" * 12, hrv=11136, **changes):
    made = {f"{name}SelectedRectangle": str(value) for name, value in zip(VALUES, box, strict=True)}
    made |= {"SelectedBandIDs": bands, "NumberColumnsHRV": str(hrv), "NumberLinesVISIR": str(box[1] - box[0] + 1)}
    return made | changes


@pytest.fixture
def path(tmp_path):
    dice = np.random.default_rng(5)
    counts = {name: dice.integers(0, 1024, (6, 8)) for name in ("VIS006", "IR_108")}
    counts["HRV"] = dice.integers(0, 1024, (18, 24))
    return make.native(tmp_path, counts), counts


def test_sizes_of_the_records():
    """A full disk has 450 400 bytes of headers, 3712 lines of 11 channels and three of HRV, and 380 363 of trailer."""
    tables = make._tables()
    assert _MAIN + _SECONDARY + _PACKET + 445_248 == np.dtype(tables.get_native_header(True)).itemsize == 450_400
    assert np.dtype(tables.native_trailer).itemsize == _PACKET + 380_325
    channels, canvas, columns = _contents({}, Path("x"))
    assert (channels, canvas.shape, columns) == (CHANNELS, (EDGE, EDGE), (3712, 5568))
    size = 11 * (65 + 3712 * 10 // 8) + 3 * (65 + 5568 * 10 // 8)
    assert _record(CHANNELS, columns) == size
    assert 3712 * size == 270_344_960  # bytes of the lines of a full disk


def test_lines_lie_where_they_were_written(path):
    file, counts = path
    native = read_native(file)
    assert native.channels == ("VIS006", "IR_108", "HRV")
    assert native.canvas == Canvas(1850, 1855, 1850, 1857)
    for name in ("VIS006", "IR_108"):
        np.testing.assert_array_equal(native.lines(name).read(0, 6), counts[name])
        np.testing.assert_array_equal(native.lines(name).read(2, 3), counts[name][2:5])
    np.testing.assert_array_equal(native.lines("HRV").read(0, 18), counts["HRV"])
    np.testing.assert_array_equal(native.lines("HRV").read(4, 7), counts["HRV"][4:11])


def test_hrv_of_a_region_covers_three_times_its_lines(path):
    canvas, windows = read_native(path[0]).placed("HRV")
    assert canvas == Canvas(3 * 1850 - 2, 3 * 1855, 3 * 1850 - 2, 3 * 1857)
    assert windows == ()
    assert read_native(path[0]).placed("VIS006") == (Canvas(1850, 1855, 1850, 1857), ())


def test_entries_have_their_name_in_30_and_their_value_in_50_characters(path):
    raw = path[0].read_bytes()[: _MAIN + _SECONDARY]
    told = _entries(raw)
    assert told["FormatName"] == "NATIVE"
    assert int(told["TotalFileSize"]) == path[0].stat().st_size
    assert told["SelectedBandIDs"] == "X-------X--X"
    assert told["SouthLineSelectedRectangle"] == "1850"


def test_full_disk_has_half_as_many_columns_of_hrv(tmp_path):
    channels, canvas, columns = _contents(entries(), tmp_path)
    assert (channels, canvas.shape, columns) == (CHANNELS, (EDGE, EDGE), (3712, 5568))


def test_columns_are_padded_to_whole_bytes(tmp_path):
    _, canvas, columns = _contents(entries((1, 10, 1, 13), bands="XX----------", hrv=0), tmp_path)
    assert canvas.shape == (10, 13)
    assert columns[0] == 16


@pytest.mark.parametrize(
    "changes",
    [
        {"box": (10, 5, 1, 5)},
        {"box": (1, EDGE + 1, 1, 5)},
        {"bands": "X" * 11},
        {"bands": "-" * 12},
        {"NumberLinesVISIR": "7"},
        {"NumberLinesVISIR": "seven"},
        {"NumberColumnsHRV": ""},
    ],
)
def test_entries_that_contradict_each_other(tmp_path, changes):
    with pytest.raises(SceneError, match="damaged product header"):
        _contents(entries(**changes), tmp_path)


def test_missing_entry(tmp_path):
    told = entries()
    del told["EastColumnSelectedRectangle"]
    with pytest.raises(SceneError, match="what it covers is not told"):
        _contents(told, tmp_path)


@pytest.mark.parametrize("keep", [0, 3000, 450_399, -380_364, -1])
def test_cut_short(path, keep):
    file, _ = path
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(SceneError, match=file.name):
        read_native(file)


def test_file_that_shrinks_after_it_was_opened(path):
    file, _ = path
    lines = read_native(file).lines("IR_108")
    file.write_bytes(file.read_bytes()[:450_500])
    with pytest.raises(MusyqError, match=file.name):
        lines.read(0, 6)
