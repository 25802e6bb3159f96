"""Stored numbers as values, one by one in exact arithmetic, and the same through the library and past it."""

from decimal import Decimal

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import ArchiveError
from musyq_lab.files import stored
from musyq_lab.files.axes import axis_of
from musyq_lab.files.stored import Packing, StoredLayer


@pytest.fixture(autouse=True)
def without_kernels(monkeypatch):
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")


@settings(max_examples=80, deadline=None)
@given(
    raw=st.lists(st.integers(-32768, 32767), min_size=1, max_size=20),
    scale=st.sampled_from([1e-4, 0.02, 0.004, 1.0, -0.5]),
    offset=st.sampled_from([0.0, 273.15, -1.0]),
    fills=st.sets(st.sampled_from([-32768, 32767, 0]), max_size=2).map(tuple),
    limits=st.sampled_from([(-np.inf, np.inf), (0.0, 10_000.0), (-100.0, 100.0)]),
)
def test_values_are_the_nearest_of_exact_arithmetic(raw, scale, offset, fills, limits):
    packing = Packing(scale, offset, tuple(map(float, fills)), limits)
    found = packing.unpack(np.array(raw, "i2"))
    for number, value in zip(raw, found, strict=True):
        if packing == Packing():
            assert value == number
        elif number in fills or not limits[0] <= number <= limits[1]:
            assert np.isnan(value)
        else:
            exact = float(Decimal(number) * Decimal(scale) + Decimal(offset))
            assert abs(float(value) - exact) <= float(np.spacing(np.float32(max(abs(exact), abs(offset), 1e-30))))


@pytest.mark.parametrize(
    ("dtype", "packing", "expected"),
    [
        ("i2", Packing(), "i2"),
        ("u1", Packing(), "u1"),
        ("i2", Packing(0.1), "f4"),
        ("u1", Packing(fills=(255.0,)), "f4"),
        ("i4", Packing(0.1), "f8"),
        ("u4", Packing(fills=(0.0,)), "f8"),
        ("f4", Packing(0.1), "f4"),
        ("f8", Packing(), "f8"),
        (">i2", Packing(), "i2"),
        (">f4", Packing(2.0), "f4"),
    ],
)
def test_types_of_values(dtype, packing, expected):
    raw = np.array([1, 2], dtype)
    assert packing.dtype(raw.dtype) == packing.unpack(raw).dtype == np.dtype(expected)


def test_large_whole_numbers_lose_nothing():
    raw = np.array([2**31 - 1, -(2**31), 16_777_217], "i4")
    np.testing.assert_array_equal(Packing(1.0, 0.0, (0.0,)).unpack(raw), raw.astype("f8"))


def test_a_float_fill_is_compared_in_the_stored_type():
    raw = np.array([-9999.9, 1.5], "f4")  # -9999.9 of float32 is not that of float64
    assert np.isnan(Packing(fills=(-9999.9,)).unpack(raw)).tolist() == [True, False]


def test_nan_is_no_data_whatever_is_said():
    assert np.isnan(Packing(2.0, 1.0).unpack(np.array([np.nan, 1], "f4"))).tolist() == [True, False]


def test_the_stored_numbers_stay():
    raw = np.array([1, 2, 3], "f4")
    Packing(2.0, fills=(3.0,)).unpack(raw)
    assert raw.tolist() == [1, 2, 3]


NORTH, EAST = np.array([3.0, 2.0, 1.0]), np.array([10.0, 11.0, 12.0, 13.0])


def written(path, number=0, north=NORTH, name="v", **attributes):
    with h5py.File(path, "w") as file:
        data = np.arange(12, dtype="i2").reshape(3, 4) + np.int16(number)
        file.create_dataset(name, data=data, chunks=(2, 2), shuffle=True, compression="gzip")
        file[name].attrs.update({"scale_factor": 0.5, "_FillValue": np.int16(5)} | attributes)
        file["latitude"], file["longitude"] = north, EAST
    return str(path)


def layer(paths, **change):
    axes = (axis_of("latitude", NORTH), axis_of("longitude", EAST))
    facts = {"name": "v", "file_shape": (3, 4), "stored": np.dtype("i2"), "packing": Packing(0.5, 0.0, (5.0,))}
    return StoredLayer(tuple(paths), **(facts | {"stacked": True, "axes": axes} | change))


def truth(number):
    data = (np.arange(12).reshape(3, 4) + number).astype("f4")
    return np.where(data == 5, np.nan, data / 2)


@pytest.fixture
def series(tmp_path):
    return [written(tmp_path / f"{n}.h5", 10 * n) for n in range(4)]


@pytest.mark.parametrize(
    "key",
    [
        (),
        (slice(None),),
        (slice(1, 3), 0, 0),
        (2,),
        (np.int64(3), slice(0, 2), 1),
        (slice(0, 4, 2), slice(None), slice(1, 3)),
        (slice(3, 1),),
        (slice(None, None, -1), 1, 1),
        slice(1, 2),
        0,
    ],
)
@pytest.mark.parametrize("quick", [True, False])
def test_any_part_of_a_series(series, key, quick, monkeypatch):
    if not quick:
        monkeypatch.setattr(stored.quick, "series", lambda *_: None)
        monkeypatch.setattr(stored.quick, "values", lambda *_: None)
    whole = np.stack([truth(10 * n) for n in range(4)])
    found = layer(series)[key]
    if isinstance(key, tuple) and key and key[0] == slice(3, 1):
        assert found.size == 0
    else:
        np.testing.assert_array_equal(found, whole[key])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale_factor": 0.25}, "was changed after it was opened"),
        ({"_FillValue": np.int16(6)}, "was changed after it was opened"),
        ({"north": NORTH + 0.01}, "'latitude' of .* Files of one tile lie on one grid"),
        ({"north": NORTH[::-1].copy()}, "from 1 to 3; from 3 to 1 was expected"),
        ({"north": np.array([3.0, 2.0])}, "'latitude' of"),
        ({"name": "w"}, "has no layer 'v'"),
    ],
)
def test_a_file_unlike_the_others_is_refused_by_every_way(series, tmp_path, change, message):
    written(tmp_path / "2.h5", 20, **change)
    whole = layer(series)
    for read in (lambda: whole[:], lambda: whole[2], lambda: whole[:, 1, 1], lambda: whole.compare(series[2])):
        with pytest.raises(ArchiveError, match=message):
            read()
    np.testing.assert_array_equal(whole[:2], np.stack([truth(0), truth(10)]))
    whole.compare(series[1])


def test_an_axis_of_texts_is_another_grid(series, tmp_path):
    with h5py.File(tmp_path / "1.h5", "a") as file:
        del file["latitude"]
        file["latitude"] = ["c", "b", "a"]
    with pytest.raises(ArchiveError):
        layer(series)[1]


def test_a_layer_alone_is_decoded_by_the_rules_it_was_given(series):
    found = layer(series[:1], stacked=False, packing=Packing(2.0))[0:3, 0:4]
    np.testing.assert_array_equal(found, 2.0 * np.arange(12).reshape(3, 4))
