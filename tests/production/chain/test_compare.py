"""Where two product files differ: nothing that differs is called the same, and nothing that is the same differs."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import ArchiveError
from musyq_lab.production.chain import compare
from musyq_lab.production.chain.compare import differences

SHAPE = (3, 4)
PLACE = {"latitude": [31.0, 30.0, 29.0], "longitude": [100.0, 101.0, 102.0, 103.0]}
DIMS = ("latitude", "longitude")


def world(values=None, **attrs):
    data = np.arange(12.0).reshape(SHAPE) if values is None else np.asarray(values)
    return xr.Dataset({"lai": (DIMS, data, {"units": "1"})}, PLACE, attrs)


@pytest.fixture
def rows(monkeypatch):
    """Compare datasets as if they were files; their records are the attribute ``record``."""

    def of(first, second):
        files = {Path("a"): first, Path("b"): second}
        monkeypatch.setattr(compare, "open_product", lambda path: files[path].drop_attrs(deep=False).assign_attrs(
            {k: v for k, v in files[path].attrs.items() if k != "record"}
        ))  # fmt: skip
        monkeypatch.setattr(compare, "provenance", lambda path: files[path].attrs.get("record"))
        return differences(*files)

    return of


def changed(where, value):
    data = np.arange(12.0).reshape(SHAPE)
    data[where] = value
    return world(data)


def test_equal_values_and_attributes_leave_the_way_they_are_stored(rows):
    ((what, how),) = rows(world(title="x"), world(title="x"))
    assert what == "bytes"
    assert "differ in how they are stored" in how


def test_equal_values_of_other_makings(rows):
    assert rows(world(record={"a": 1}), world(record={"a": 2})) == [("record", "the records of their making differ")]


def test_a_single_cell_is_found_with_its_place_and_size(rows):
    assert rows(world(), changed((1, 2), 6.25)) == [
        ("lai", "1 of 12 values differ, by up to 0.25, at latitude 30, longitude 102")
    ]


def test_a_part_is_told_by_its_edges_from_the_smaller_coordinate(rows):
    ((_, how),) = rows(world(), changed((slice(0, 2), slice(1, 3)), -1.0))
    assert how.endswith("at latitude 30 to 31, longitude 101 to 102")
    assert how.startswith("4 of 12 values differ, by up to 7,")


def test_gaps_in_the_same_place_are_the_same(rows):
    assert rows(changed((0, 0), np.nan), changed((0, 0), np.nan))[0][0] == "bytes"


def test_a_gap_where_the_other_has_a_value_counts(rows):
    ((_, how),) = rows(changed((0, 0), np.nan), world())
    assert how.startswith("1 of 12 values differ, 1 of them in where there is a value")


def test_infinities_of_two_signs_differ_and_warn_of_nothing(rows, recwarn):
    ((what, _),) = rows(changed((0, 0), np.inf), changed((0, 0), -np.inf))
    assert what == "lai"
    assert not [w for w in recwarn if issubclass(w.category, RuntimeWarning)]


@pytest.mark.parametrize("dtype", ["uint64", "int64"])
def test_the_last_bit_of_a_long_integer_counts(rows, dtype):
    """Words of lineage hold a granule a bit: 2^53 + 1 is no float."""
    first = np.full(SHAPE, 2**53, dtype)
    second = first.copy()
    second[2, 3] += 1
    ((what, how),) = rows(world(first), world(second))
    assert what == "lai"
    assert how == "1 of 12 values differ, by up to 1, at latitude 29, longitude 103"


def test_differences_of_unsigned_numbers_do_not_wrap_around(rows):
    ((_, how),) = rows(world(np.zeros(SHAPE, "uint8")), world(np.full(SHAPE, 3, "uint8")))
    assert "by up to 3," in how


def test_truth_values_are_compared(rows):
    first = np.zeros(SHAPE, bool)
    assert rows(world(first), world(first))[0][0] == "bytes"
    assert rows(world(first), world(~first))[0][1].startswith("12 of 12 values differ, by up to 1")


@pytest.mark.parametrize("kind", ["datetime64[ns]", "timedelta64[ns]"])
def test_times_that_are_missing_in_both_are_the_same(rows, kind):
    times = np.full(SHAPE, np.array(5, kind))
    times[0, 0] = np.array("NaT", kind)
    assert rows(world(times), world(times.copy()))[0][0] == "bytes"
    other = times.copy()
    other[1, 1] = np.array(6, kind)
    assert rows(world(times), world(other)) == [("lai", "values differ")]


def test_texts_are_compared(rows):
    granules = xr.DataArray(["A", "B"], dims="granule")
    first, second = (world().assign(names=granules), world().assign(names=granules[::-1]))
    assert rows(first, second) == [("names", "values differ")]


def test_other_shapes_are_told_and_nothing_is_compared(rows):
    found = dict(rows(world(), world().isel(latitude=slice(2))))
    assert found["lai"] == "shapes (3, 4) and (2, 4)"
    assert found["latitude"] == "shapes (3,) and (2,)"


def test_moved_cells_are_told_by_the_coordinate(rows):
    moved = world().assign_coords(longitude=np.array(PLACE["longitude"]) + 0.5)
    assert [what for what, _ in rows(world(), moved)] == ["longitude"]


def test_a_layer_that_one_has_is_named_with_which(rows):
    more = world().assign(extra=world()["lai"])
    assert rows(world(), more) == [("extra", "is in the second only")]
    assert rows(more, world()) == [("extra", "is in the first only")]


def test_a_number_without_dimensions(rows):
    first, second = (world().assign(total=((), value)) for value in (1.0, 3.0))
    assert rows(first, second) == [("total", "1 of 1 values differ, by up to 2")]


def test_a_dimension_without_coordinates_is_told_by_its_index(rows):
    bands = xr.DataArray([1.0, 2.0, 3.0], dims="band")
    first, second = world().assign(b=bands), world().assign(b=bands.where(bands < 2, 9.0))
    assert rows(first, second) == [("b", "2 of 3 values differ, by up to 7, at band 1 to 2")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("x", "y"),
        (1, 2),
        (1.0, np.nextafter(1.0, 2.0)),
        (None, "x"),
        ("1", 1),
        (np.array([0.123456789012]), np.array([0.123456789013])),
        (np.arange(3), np.arange(4)),
        (np.arange(2000), np.where(np.arange(2000) == 1000, 7, np.arange(2000))),
        (["a", "b"], ["b", "a"]),
    ],
)
def test_attributes_that_differ_are_shown_to_differ(rows, first, second):
    ((what, how),) = rows(world(note=first), world(note=second))
    assert what == "attribute note"
    one, other = how.split(" and ")
    assert one != other


@pytest.mark.parametrize("value", ["x", 1, np.float32(0.1), np.nan, np.array([np.nan, 1.0]), ["a", "b"]])
def test_attributes_that_are_the_same_are_not_shown(rows, value):
    assert rows(world(note=value), world(note=value))[0][0] == "bytes"


def test_attributes_of_a_layer_say_whose_they_are(rows):
    other = world()
    other["lai"].attrs["units"] = "m2 m-2"
    found = dict(compare._layers(world(), other))
    assert found == {"attribute units of lai": "'1' and 'm2 m-2'"}


def test_a_file_that_cannot_be_read_is_said_to_be_so(monkeypatch):
    def broken(path):
        raise ArchiveError(f"{path} is damaged.")

    monkeypatch.setattr(compare, "open_product", broken)
    assert differences(Path("a"), Path("b")) == [("file", "a is damaged.")]
