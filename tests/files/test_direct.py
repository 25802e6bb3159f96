"""Chunks read without the library's filters, beside what the library reads."""

import zlib
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import ArchiveError
from musyq_lab.files import direct
from musyq_lab.files.stored import Packing, StoredLayer

WHOLE = (slice(None), slice(None))
PACKED = Packing(1e-4, -0.1, (-32768.0,))


def numbers(dtype, shape=(70, 45)):
    info = np.iinfo(dtype)
    return np.random.default_rng(1).integers(info.min, info.max, shape, dtype, endpoint=True)


def stored(path, data, **options):
    given = {"chunks": (32, 20), "shuffle": True, "compression": "gzip", **options}
    with h5py.File(path, "w") as file:
        file.create_dataset("v", data=data, **given)
    return h5py.File(path)


@pytest.mark.parametrize("dtype", ["int16", "uint16", "uint8"])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("level", [1, 9])
def test_values_are_those_of_the_library(tmp_path, dtype, shuffle, level):
    data = numbers(dtype)
    packing = Packing(0.004, 0.2, (float(data[3, 4]),), (5.0, 30000.0))
    with stored(tmp_path / "a.h5", data, shuffle=shuffle, compression_opts=level) as file:
        found = direct.values(file["v"], WHOLE, packing)
        expected = packing.unpack(file["v"][...])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, rtol=2e-7)
    assert np.isnan(found[3, 4])


def test_most_values_are_the_nearest_float32(tmp_path):
    """Scale in two parts: 65,536 numbers times a decimal that float32 cannot hold, against exact arithmetic."""
    data = np.arange(-32768, 32768, dtype="int16").reshape(256, 256)
    with stored(tmp_path / "a.h5", data) as file:
        found = direct.values(file["v"], WHOLE, Packing(1e-4))
    nearest = (data.astype(float) * 1e-4).astype(np.float32)
    assert (found == nearest).mean() > 0.999
    assert np.abs(found - nearest).max() <= np.spacing(np.float32(3.3))


SPAN = st.tuples(st.integers(0, 70), st.integers(0, 70)).map(sorted).map(lambda pair: slice(*pair))


@settings(deadline=None, max_examples=30)
@given(rows=SPAN, columns=SPAN)
def test_any_box_is_that_of_the_library(tmp_path_factory, rows, columns):
    path = tmp_path_factory.getbasetemp() / "box.h5"
    data = numbers("int16")
    if not path.exists():
        stored(path, data).close()
    layer = StoredLayer((str(path),), "v", data.shape, data.dtype, PACKED)
    found = layer[rows, columns]
    expected = PACKED.unpack(data[rows, columns])
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (numbers("int16").astype(">i2"), {}),
        (numbers("int16"), {"compression": "lzf"}),
        (numbers("int16"), {"fletcher32": True}),
        (numbers("int16"), {"chunks": None, "compression": None, "shuffle": False}),
    ],
)
def test_other_layouts_are_left_to_the_library(tmp_path, data, options):
    with stored(tmp_path / "a.h5", data, **options) as file:
        assert direct.values(file["v"], WHOLE, PACKED) is None
    layer = StoredLayer((str(tmp_path / "a.h5"),), "v", data.shape, data.dtype, Packing())
    np.testing.assert_array_equal(layer[WHOLE], data)


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint32", "int64", "float32", "float64"])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("packing", [Packing(), Packing(0.5, 1.0, (7.0, 9.0), (-1e9, 1e9))])
def test_wider_numbers_and_more_rules_are_read_too(tmp_path, dtype, shuffle, packing):
    data = (100 * np.random.default_rng(2).normal(size=(70, 45))).astype(dtype)
    data[3, 4:6] = 7, 9
    with stored(tmp_path / "a.h5", data, shuffle=shuffle) as file:
        found = direct.values(file["v"], (slice(1, 60), slice(None)), packing)
    expected = packing.unpack(data[1:60])
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("key", [(0,), (0, slice(None)), (slice(5, 40), 44), (np.int64(69), 0), (33, 21)])
def test_whole_numbers_in_a_key_drop_their_axis(tmp_path, key):
    data = numbers("int16")
    with stored(tmp_path / "a.h5", data) as file:
        found = direct.values(file["v"], key, PACKED)
    whole = direct_whole(tmp_path / "a.h5")
    assert found.shape == whole[key].shape
    np.testing.assert_array_equal(found, whole[key])  # to the last bit: a series equals the maps it runs through


def direct_whole(path):
    with h5py.File(path) as file:
        return direct.values(file["v"], WHOLE, PACKED)


@pytest.mark.parametrize("key", [(slice(0, 9, 2), slice(None)), (slice(5, 5), slice(None)), (-1, slice(None))])
def test_other_keys_are_left_to_the_library(tmp_path, key):
    data = numbers("int16")
    with stored(tmp_path / "a.h5", data) as file:
        assert direct.values(file["v"], key, PACKED) is None
    layer = StoredLayer((str(tmp_path / "a.h5"),), "v", data.shape, data.dtype, PACKED)
    np.testing.assert_array_equal(layer[key], PACKED.unpack(data[key]))


@pytest.mark.parametrize("dtype", ["int16", "float32", "uint32"])
def test_a_chunk_that_unpacks_to_more_than_it_says_is_not_followed(tmp_path, dtype):
    """A megabyte of zeros in place of a chunk of some kilobytes: the library would unpack all of it."""
    data = numbers("int16").astype(dtype)
    stored(tmp_path / "a.h5", data).close()
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["v"].id.write_direct_chunk((0, 0), zlib.compress(bytes(2**20)))
    with h5py.File(tmp_path / "a.h5") as file, pytest.raises(OSError, match=r"inflate"):
        direct.values(file["v"], WHOLE, Packing())


def test_chunks_that_were_never_written_are_the_fill_value(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("v", (40, 40), "i2", chunks=(20, 20), compression="gzip", fillvalue=-7)
        dataset[:20] = 3
    layer = StoredLayer((str(tmp_path / "a.h5"),), "v", (40, 40), np.dtype("i2"), Packing(2.0, 0.0, (-7.0,)))
    found = layer[WHOLE]
    assert (found[:20] == 6).all()
    assert np.isnan(found[20:]).all()


def swapped(path, bad):
    """Replace the packed bytes of the first chunk, with the length kept."""
    with h5py.File(path) as file:
        info = file["v"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[info.byte_offset : info.byte_offset + len(bad)] = bad
    path.write_bytes(content)


@pytest.mark.parametrize("bad", [b"\x00" * 40, zlib.compress(b"too short"), zlib.compress(bytes(5000))])
def test_a_damaged_chunk_is_an_error_that_names_the_file(tmp_path, bad):
    data = numbers("int16")
    stored(tmp_path / "a.h5", data).close()
    swapped(tmp_path / "a.h5", bad)
    layer = StoredLayer((str(tmp_path / "a.h5"),), "v", data.shape, data.dtype, PACKED)
    with pytest.raises(ArchiveError, match=r"a\.h5 is damaged"):
        layer[WHOLE]


def test_threads_read_the_same(tmp_path):
    data = numbers("int16", (300, 300))
    stored(tmp_path / "a.h5", data).close()
    layer = StoredLayer((str(tmp_path / "a.h5"),), "v", data.shape, data.dtype, PACKED)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: layer[WHOLE], range(8)))
    assert all(np.array_equal(one, found[0], equal_nan=True) for one in found)


@pytest.mark.parametrize("dtype", ["int16", "uint8", "uint32", "float32", "float64"])
@pytest.mark.parametrize("origin", [(0, 0), (32, 20), (64, 40)])
def test_the_library_reads_what_is_written(tmp_path, dtype, origin):
    """The last chunk hangs over the edge."""
    data = (100 * np.random.default_rng(2).normal(size=(70, 45))).astype(dtype)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("v", data.shape, dtype, chunks=(32, 20), shuffle=True, compression="gzip")
        box = tuple(slice(o, o + c) for o, c in zip(origin, (32, 20), strict=True))
        direct.write_chunk(dataset, origin, data[box])
    with h5py.File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file["v"][box], data[box])
        assert file["v"].id.get_num_chunks() == 1
