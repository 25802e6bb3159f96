"""What a stage returned comes back from plain JSON and plain arrays as it was, or is refused in words."""

import json
from collections import namedtuple

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.production._values import is_lazy, join, split


def there_and_back(value):
    tree, arrays = split(value)
    return join(json.loads(json.dumps(tree)), arrays)


def dataset() -> xr.Dataset:
    lazy = da.ones((4, 6), chunks=((1, 3), (4, 2)))
    coords = {
        "time": ("time", np.array(["2015-07-01", "2016-02-29", "NaT", "2017-01-01"], "M8[us]"), {"axis": "T"}),
        "x": ("x", list("abcdef")),
        "height": ("x", np.arange(6, dtype=">f4")),
        "bare": ("bare", [3, 1]),
    }
    attrs = {
        "title": "中文",
        "levels": np.array([1, 2], "i2"),
        "scale": np.float32(0.1),
        "none": None,
        "list": [1, "a"],
    }
    data = {"lazy": (("time", "x"), lazy, {"units": "m"}), "point": ((), 5.0), "words": ("x", np.array(list("uvwxyz")))}
    return xr.Dataset(data, coords, attrs).drop_indexes("bare")


def test_a_dataset_is_identical_and_shows_itself_alike() -> None:
    found = there_and_back(dataset())
    assert found.identical(dataset())
    assert repr(found) == repr(dataset())
    assert found["lazy"].chunks == ((1, 3), (4, 2))
    assert found["height"].dtype == np.dtype(">f4")
    assert found["time"].dtype == np.dtype("M8[us]")
    assert "bare" not in found.xindexes
    assert list(found.xindexes) == ["time", "x"]
    assert type(found.attrs["scale"]) is np.float32
    assert found.attrs["levels"].dtype == np.int16


@pytest.mark.parametrize("name", ["lazy", "point", "words", "time", "height"])
def test_a_data_array_keeps_name_and_coordinates(name: str) -> None:
    field = dataset()[name]
    found = there_and_back(field)
    assert found.identical(field)
    assert found.name == name
    assert there_and_back(field.rename(None)).name is None


def test_what_xarray_notes_of_files_is_dropped() -> None:
    field = xr.DataArray([1.0], dims="x")
    field.encoding = {"source": "a.nc"}
    assert there_and_back(field).encoding == {}


def test_a_table_is_equal_in_every_type() -> None:
    table = pd.DataFrame(
        {
            "text": ["x", None, "z"],
            "whole": np.array([1, 2, 3], "i2"),
            "time": pd.to_datetime(["2015-01-01", None, "2016-02-29"]),
            "switch": [True, False, True],
            "mixed": pd.Series(["q", 3.5, None], dtype=object),
            "share": [0.5, np.nan, np.inf],
        },
        index=pd.Index(["u", "v", "w"], name="key"),
    )
    table.attrs = {"units": {"share": "1"}}
    found = there_and_back(table)
    pd.testing.assert_frame_equal(found, table, check_exact=True)
    assert found.attrs == table.attrs
    assert found.to_csv() == table.to_csv()
    for name in table:
        pd.testing.assert_series_equal(there_and_back(table[name]), table[name])
    pd.testing.assert_index_equal(there_and_back(table.index), table.index)


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame(),
        pd.DataFrame({"a": []}),
        pd.DataFrame([[1, 2], [3, 4]], columns=["same", "same"]),
        pd.DataFrame({2013: [1.0], 2014: [2.0]}, index=pd.RangeIndex(5, 6, name="n")),
    ],
)
def test_odd_tables(table: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(there_and_back(table), table)


@pytest.mark.parametrize(
    "value",
    [None, True, 3, -0.0, 1e-320, "文\n", (), [], {}, (1, [2.5, (None, "a")]), {"a": 1, 2: {"b": (3,)}, None: 4}],
)
def test_plain_values_keep_type_and_order(value: object) -> None:
    found = there_and_back(value)
    assert repr(found) == repr(value)
    assert type(found) is type(value)


def test_no_number_and_infinity() -> None:
    assert np.isnan(there_and_back(float("nan")))
    assert there_and_back((float("-inf"),)) == (float("-inf"),)


@pytest.mark.parametrize("value", [np.float32(0.1), np.int64(7), np.bool_(True), np.datetime64("2015-07-01", "D")])
def test_scalars_of_numpy_stay_such(value: np.generic) -> None:
    found = there_and_back(value)
    assert type(found) is type(value)
    assert found == value


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 3)),
        np.array(5),
        np.array(["a", "bcd"]),
        np.array(["a", None, 2], dtype=object).reshape(3, 1),
        np.arange(3, dtype=">i4"),
        np.array([1 + 2j]),
        np.array([b"ab"]),
    ],
)
def test_arrays(array: np.ndarray) -> None:
    found = there_and_back(array)
    np.testing.assert_array_equal(found, array)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)


def test_arrays_lie_in_one_order_in_memory_since_sums_depend_on_it() -> None:
    array = np.asfortranarray(np.random.default_rng(0).normal(size=(300, 200)).astype("f4"))
    assert there_and_back(array).flags.c_contiguous
    np.testing.assert_array_equal(there_and_back(array[::2, ::-3]), array[::2, ::-3])


def test_lazy_arrays_stay_lazy_and_are_told_apart() -> None:
    assert is_lazy(there_and_back(da.ones(3)))
    assert not any(is_lazy(value) for value in (np.ones(3), "a", pd.Series([1]), xr.DataArray([1])))


class Thing:
    pass


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Thing(), "Thing"),
        ([1, {"a": {1, 2}}], "set"),
        (lambda: 1, "function"),
        (namedtuple("Pair", "a b")(1, 2), "Pair"),
        (np.array([Thing()], dtype=object), "Thing"),
        (np.array([(1, object())], dtype=[("a", "i4"), ("b", "O")]), "array of"),
        (pd.DataFrame({"a": pd.Categorical(["x", "y"])}), "column 'a' of category"),
        (pd.DataFrame({"a": pd.to_datetime(["2015-01-01"]).tz_localize("UTC")}), "column 'a'"),
        (pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([(1, 2)])), "column None"),
        (xr.Dataset(attrs={"thing": Thing()}), "Thing"),
        (xr.Dataset(coords={"y": ("x", [1]), "z": ("x", [2])}).set_index(x=["y", "z"]), "reset_index"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_words(value: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        split(value)
    assert "reset_index" in str(caught.value) or "A stage returns" in str(caught.value) or "Turn" in str(caught.value)
