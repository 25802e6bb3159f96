"""The short way to a layer beside the careful one."""

import h5py
import numpy as np
import pytest

from musyq_lab.core.errors import ArchiveError, NotFoundError
from musyq_lab.files import quick
from musyq_lab.files.stored import Packing, StoredLayer

SHAPE, CHUNKS = (40, 30), (16, 16)
HOW = Packing(0.01, 0.5, (-9.0,))
OPTIONS = {"chunks": CHUNKS, "shuffle": True, "compression": "gzip"}


def write(path, seed=1, dtype="int16", scale=0.01, shape=SHAPE, group="", **options):
    data = np.random.default_rng(seed).integers(-20, 1000, shape).astype(dtype)
    with h5py.File(path, "w") as file:
        item = file.create_dataset(f"{group}v", data=data, **{**OPTIONS, **options})
        item.attrs.update({"scale_factor": scale, "add_offset": 0.5, "_FillValue": np.array(-9).astype(dtype)})
    return data


def layer(*paths, name="v", dtype="int16", stacked=True):
    return StoredLayer(tuple(map(str, paths)), name, SHAPE, np.dtype(dtype), HOW, stacked)


@pytest.fixture
def careful(monkeypatch):
    """Switch to the careful way by a call."""

    def switch():
        monkeypatch.setattr(quick, "values", lambda *_: None)
        monkeypatch.setattr(quick, "series", lambda *_: None)

    return switch


@pytest.mark.parametrize(
    "key", [np.s_[:], np.s_[:, 3, 4], np.s_[1:3, 39, 29], np.s_[2, 5:20], np.s_[::2, 1:2, 0]], ids=str
)
@pytest.mark.parametrize("dtype", ["int16", "float32", "int32"])
def test_both_ways_give_the_same_to_the_last_bit(tmp_path, careful, key, dtype):
    paths = [tmp_path / f"{k}.h5" for k in range(4)]
    for k, path in enumerate(paths):
        write(path, k, dtype)
    both = layer(*paths, dtype=dtype)
    found = both[key]
    careful()
    np.testing.assert_array_equal(found, both[key])
    assert found.dtype == both[key].dtype


def test_a_small_part_of_many_files_is_decoded_at_once(tmp_path):
    paths = [tmp_path / f"{k}_中.h5" for k in range(5)]
    data = [write(path, k) for k, path in enumerate(paths)]
    found = quick.series(tuple(map(str, paths)), layer(*paths), (7, 8))
    expected = [HOW.unpack(numbers[7:8, 8:9]).item() for numbers in data]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("key", [(slice(10, 20), slice(10, 20)), (slice(0, 10, 2), 3)], ids=["four chunks", "step"])
def test_parts_that_are_not_small_go_file_by_file(tmp_path, key):
    write(tmp_path / "a.h5")
    paths = (str(tmp_path / "a.h5"),)
    assert quick.series(paths, layer(*paths), key) is None
    assert layer(*paths)[(slice(None), *key)].shape[0] == 1


def test_layers_of_groups_are_found(tmp_path):
    data = write(tmp_path / "a.h5", group="overview_2/")
    found = quick.values(str(tmp_path / "a.h5"), layer(tmp_path / "a.h5", name="overview_2/v"), (0, 0))
    np.testing.assert_allclose(found, HOW.unpack(data[:1, :1])[0, 0], rtol=1e-6)


def test_a_file_that_was_replaced_is_seen_anew(tmp_path):
    path = tmp_path / "a.h5"
    write(path)
    one = layer(path)
    one[0, 0, 0]
    data = write(tmp_path / "b.h5", seed=9)
    (tmp_path / "b.h5").replace(path)
    np.testing.assert_allclose(one[0], HOW.unpack(data), rtol=1e-6)
    write(tmp_path / "b.h5", scale=0.02)
    (tmp_path / "b.h5").replace(path)
    with pytest.raises(ArchiveError, match=r"were expected"):  # what was known of the old file must not decode the new
        one[0]


@pytest.mark.parametrize(
    "change", [{"shape": (40, 31)}, {"dtype": "uint16"}, {"scale": 0.02}, {"dtype": ">i2"}], ids=str
)
def test_another_layout_is_left_to_the_way_that_has_words_for_it(tmp_path, change):
    write(tmp_path / "a.h5")
    write(tmp_path / "b.h5", **change)
    both = layer(tmp_path / "a.h5", tmp_path / "b.h5")
    assert quick.values(str(tmp_path / "b.h5"), both, (0, 0)) is None
    assert quick.series(both.paths, both, (0, 0)) is None
    with pytest.raises(ArchiveError, match=r"b\.h5.*were expected"):
        both[:, 0, 0]


def linked(path, other):
    with h5py.File(path, "w") as file:
        file["v"] = h5py.ExternalLink(other.name, "v")


def soft(path, other):
    with h5py.File(path, "w") as file:
        file["v"] = h5py.SoftLink("/w")
        file["w"] = h5py.ExternalLink(other.name, "v")


def virtual(path, other):
    layout = h5py.VirtualLayout(SHAPE, "int16")
    layout[:] = h5py.VirtualSource(other, "v", SHAPE)
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("v", layout)


def outside(path, other):
    with h5py.File(path, "w") as file:
        file.create_dataset("v", SHAPE, "int16", external=[(str(other), 0, 2400)])


@pytest.mark.parametrize("make", [linked, soft, virtual, outside])
def test_nothing_leads_out_of_the_file(tmp_path, make):
    write(tmp_path / "secret.h5")
    path = tmp_path / "a.h5"
    make(path, tmp_path / "secret.h5")
    assert quick.values(str(path), layer(path), (0, 0)) is None
    with pytest.raises(ArchiveError, match=r"refused"):
        layer(path)[:, 0, 0]


def test_a_huge_chunk_is_left_to_the_check(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("v", (2**14, 2**14), "int16", chunks=(2**14, 2**14), compression="gzip")
    huge = StoredLayer((str(path),), "v", (2**14, 2**14), np.dtype("int16"), Packing(), True)
    assert quick.values(str(path), huge, (0, 0)) is None
    with pytest.raises(ArchiveError, match=r"refused"):
        huge[0, 0, 0]


def test_missing_empty_and_cut_files_are_left_to_the_careful_way(tmp_path):
    path = tmp_path / "a.h5"
    assert quick.values(str(path), layer(path), (0, 0)) is None
    with pytest.raises(NotFoundError):
        layer(path)[:, 0, 0]
    write(path)
    data = path.read_bytes()
    for length in (0, 100, len(data) - 1):
        path.write_bytes(data[:length])
        assert quick.values(str(path), layer(path), (0, 0)) is None
        with pytest.raises(ArchiveError):
            layer(path)[:, 0, 0]
    with h5py.File(path, "w") as file:
        file["other"] = 1
    with pytest.raises(ArchiveError, match=r"has no layer 'v'"):
        layer(path)[:, 0, 0]


def test_what_is_known_of_files_does_not_grow_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(quick, "_MOST", 3)
    monkeypatch.setattr(quick, "_KNOWN", {})
    for k in range(8):
        write(tmp_path / f"{k}.h5", k)
        layer(tmp_path / f"{k}.h5")[0, 0, 0]
    assert len(quick._KNOWN) <= 3
