import builtins

import h5py
import numpy as np
import pytest

from musyq_lab.core.errors import ArchiveError
from musyq_lab.files import safety
from musyq_lab.files.safety import check_hdf5
from musyq_lab.files.stored import Packing, StoredLayer
from musyq_lab.files.zstd import FILTER, content_size

hdf5plugin = pytest.importorskip("hdf5plugin")
DATA = np.random.default_rng(1).integers(0, 50, (70, 45)).astype("int16")


def make(path, **options):
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "v", data=DATA, chunks=(32, 20), **{"shuffle": True, **hdf5plugin.Zstd(clevel=3), **options}
        )
    return path


def frame(size, single=True):
    """The header of RFC 8878 for a content of a size, in the shortest form."""
    for code, (length, low, high) in enumerate([(1, 0, 255), (2, 256, 65791), (4, 0, 2**32 - 1), (8, 0, 2**64 - 1)]):
        if low <= size <= high and (single or code):
            field = (size - (256 if length == 2 else 0)).to_bytes(length, "little")
            window = b"" if single else b"\x58"
            return b"\x28\xb5\x2f\xfd" + bytes([code << 6 | single << 5]) + window + field
    raise AssertionError


@pytest.mark.parametrize("size", [0, 255, 256, 65791, 65792, 2**32, 2**40])
@pytest.mark.parametrize("single", [True, False])
def test_sizes_of_frames(size, single):
    if single or size > 255:
        assert content_size(frame(size, single) + b"rest of the frame") == size


@pytest.mark.parametrize(
    "header", [b"", b"\x28\xb5\x2f\xfd", b"\x28\xb5\x2f\xfd\x00\x58\x00", b"x" * 18, frame(2**40)[:8]]
)
def test_headers_that_announce_nothing(header):
    assert content_size(header) is None


@pytest.mark.parametrize("level", [1, 3, 19])
def test_what_the_plug_in_writes_is_read(tmp_path, level):
    path = make(tmp_path / "a.h5", **hdf5plugin.Zstd(clevel=level))
    check_hdf5(path)
    layer = StoredLayer((str(path),), "v", DATA.shape, DATA.dtype, Packing())
    np.testing.assert_array_equal(layer[10:60, 5], DATA[10:60, 5])


@pytest.mark.parametrize("size", [2**40, 1279, 0])
def test_a_chunk_that_announces_another_size_is_refused(tmp_path, size):
    path = make(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        file["v"].id.write_direct_chunk((32, 20), frame(size) + bytes(40))
    with pytest.raises(ArchiveError, match=r"refused: '/v' has a chunk that unpacks to another size"):
        check_hdf5(path)


def test_a_chunk_without_the_filter_is_no_fault(tmp_path):
    path = make(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        file["v"].id.write_direct_chunk((0, 0), DATA[:32, :20].tobytes(), filter_mask=0b11)
    check_hdf5(path)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["v"][...], DATA)


def test_packing_twice_hides_the_headers_and_is_refused(tmp_path):
    path = tmp_path / "a.h5"
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_chunk((32, 20))
    creation.set_filter(FILTER, h5py.h5z.FLAG_OPTIONAL, (3,))
    creation.set_deflate(4)
    with h5py.File(path, "w") as file:
        space = h5py.h5s.create_simple(DATA.shape)
        h5py.h5d.create(file.id, b"v", h5py.h5t.NATIVE_INT16, space, creation)
    with pytest.raises(ArchiveError, match=r"packed with zstd once more"):
        check_hdf5(path)


def test_without_the_plug_in_it_is_told_what_to_install(tmp_path, monkeypatch):
    path = make(tmp_path / "a.h5")
    safety._check.cache_clear()
    load = builtins.__import__

    def without(name, *arguments):
        if name == "hdf5plugin":
            raise ImportError(name)
        return load(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ArchiveError, match=r"pip install 'musyq-lab\[zstd\]'"):
        check_hdf5(path)


def test_other_filters_stay_unknown(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        try:
            file.create_dataset("v", data=DATA, chunks=(32, 20), **hdf5plugin.Blosc())
        except ValueError as error:  # a library that was told of the filter by another plug-in
            pytest.skip(f"no Blosc can be written here: {error}")
    with pytest.raises(ArchiveError, match=r"unknown filter 32001"):
        check_hdf5(path)
