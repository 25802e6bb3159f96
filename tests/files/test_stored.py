import pickle
import subprocess
import sys

import dask
import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import ArchiveError, NotFoundError
from musyq_lab.files.lazy import MAX_BLOCKS
from musyq_lab.files.lazy import blocks as _blocks
from musyq_lab.files.stored import Packing, StoredLayer, attributes, lazy, packing


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as opened:
        opened.create_dataset("v", data=np.arange(24, dtype=np.int16).reshape(4, 6), chunks=(2, 3))
    return path


def layer(*paths, stacked=False, how=Packing()):  # noqa: B008  (frozen)
    return StoredLayer(tuple(map(str, paths)), "v", (4, 6), np.dtype("int16"), how, stacked)


def test_values_are_decoded_in_the_smallest_exact_type():
    raw = np.array([-32768, -1, 0, 32767], np.int16)
    found = Packing(0.02, 1.0, (-32768.0,)).unpack(raw)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [np.nan, 0.98, 1.0, 656.34], rtol=1e-7)
    assert Packing(0.5).unpack(np.array([2**31 - 1], np.int32)).tolist() == [(2**31 - 1) / 2]


def test_numbers_without_packing_are_left_alone():
    for dtype in ("uint8", "int32", "float32", ">i2", ">f8"):
        raw = np.array([1, 2], dtype)
        found = Packing().unpack(raw)
        assert found.dtype == np.dtype(dtype).newbyteorder("=")
        assert found.tolist() == [1, 2]


def test_several_fills_and_limits_are_no_data():
    found = Packing(fills=(-1.0, -2.0), limits=(-5.0, 100.0)).unpack(np.array([-1, -2, -3, -6, 100, 101], np.int16))
    np.testing.assert_array_equal(found, [np.nan, np.nan, -3, np.nan, 100, np.nan])


def test_a_float32_fill_that_is_no_decimal_number_is_met():
    raw = np.array([-9999.9, 1.0], np.float32)
    np.testing.assert_array_equal(Packing(fills=(-9999.9,)).unpack(raw), [np.nan, 1.0])


def test_packing_of_attributes():
    assert packing({}) == Packing()
    found = packing({"scale_factor": np.float32(0.5), "add_offset": 2, "_FillValue": np.int16(-1)})
    assert found == Packing(0.5, 2.0, (-1.0,))
    assert packing({"_FillValue": np.float32("nan")}) == Packing()


def test_attributes_come_as_plain_texts_without_those_of_the_format(file):
    with h5py.File(file, "a") as opened:
        item = opened["v"]
        item.make_scale("v")
        item.attrs["bytes"], item.attrs["one"], item.attrs["none"] = np.bytes_("b"), np.array([3]), h5py.Empty("f4")
        item.attrs["texts"] = np.array(["x", "y"], h5py.string_dtype())
        assert attributes(item) == {"bytes": "b", "one": 3, "none": "", "texts": ["x", "y"]}


@pytest.mark.parametrize("key", [np.s_[:], np.s_[1:3, ::2], np.s_[2], np.s_[2, 3], np.s_[:, 4], np.s_[0:0]], ids=str)
def test_parts_equal_those_of_the_whole(file, key):
    whole = np.arange(24, dtype=np.int16).reshape(4, 6)
    np.testing.assert_array_equal(layer(file)[key], whole[key])
    np.testing.assert_array_equal(lazy(layer(file), (2, 3))[key], whole[key])


@pytest.mark.parametrize("key", [np.s_[:], np.s_[1], np.s_[:, 1:3, 2], np.s_[::-1], np.s_[0, 0, 0]], ids=str)
def test_files_form_an_axis(file, tmp_path, key):
    second = tmp_path / "y.h5"
    with h5py.File(second, "w") as opened:
        opened["v"] = np.arange(24, dtype=np.int16).reshape(4, 6) * 10
    stack = lazy(layer(file, second, stacked=True), (2, 3))
    whole = np.stack([np.arange(24).reshape(4, 6), np.arange(24).reshape(4, 6) * 10])
    assert stack.shape == (2, 4, 6)
    np.testing.assert_array_equal(stack[key], whole[key])


def test_a_layer_travels_without_its_file_open(file):
    other = pickle.loads(pickle.dumps(layer(file)))
    assert other == layer(file)
    with h5py.File(file, "a"):  # nobody else holds it
        pass


def test_only_what_is_asked_for_is_read(file, tmp_path):
    (tmp_path / "y.h5").write_bytes(b"not HDF5")
    stack = lazy(layer(file, tmp_path / "y.h5", stacked=True), (2, 3))
    with dask.config.set(scheduler="synchronous"):
        assert int(stack[0].sum()) == 276
        with pytest.raises(ArchiveError, match=r"y.h5 is not an HDF5 file"):
            stack[1].compute()


def test_a_file_that_went_away_or_changed_is_told(file):
    array = lazy(layer(file), (2, 3))
    with h5py.File(file, "w") as opened:
        opened["v"] = np.zeros((3, 3), np.int16)
    with pytest.raises(ArchiveError, match=r"changed after it was"):
        array.compute()
    file.unlink()
    with pytest.raises(NotFoundError, match=r"There is no file"):
        array.compute()


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50_000), st.integers(1, 50_000)), min_size=1, max_size=4))
def test_blocks_are_few_and_fit(pairs):
    shape, chunks = zip(*pairs, strict=True)
    blocks = _blocks(shape, chunks)
    assert all(1 <= block <= max(size, 1) for block, size in zip(blocks, shape, strict=True))
    assert np.prod([-(-s // b) for s, b in zip(shape, blocks, strict=True)], dtype=float) <= MAX_BLOCKS


def test_attributes_that_are_neither_numbers_nor_texts_are_left_out(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as opened:
        item = opened.create_dataset("v", data=np.zeros(3))
        item.attrs["units"] = "m"
        item.attrs["lists"] = np.array([np.arange(2), np.arange(3)], h5py.vlen_dtype(np.int32))
        item.attrs["record"] = np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")])
        item.attrs["place"] = item.ref
        item.attrs["yes"] = True
        assert attributes(item) == {"units": "m", "yes": True}


def test_a_text_whose_type_is_damaged_does_not_crash_the_library(tmp_path):
    """One flipped bit makes of a text a list of nothing known, on which the HDF5 library ended the process."""
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as opened:
        opened.create_dataset("v", data=np.zeros(3)).attrs["units"] = "m"
    data = bytearray(path.read_bytes())
    place = data.index(b"\x19\x01", data.index(b"units"))  # version 1, class 9 (variable length), 1: text
    data[place + 1] = 5
    path.write_bytes(data)
    code = (
        "import h5py, sys; from musyq_lab.files.stored import attributes\n"
        "with h5py.File(sys.argv[1]) as file: print(attributes(file['v']))"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "{}"
