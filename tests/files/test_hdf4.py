import dataclasses
import os
import pickle
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dask
import h5py
import numpy as np
import pytest
from files.make_hdf4 import KINDS, descriptors, make, mutants, plain
from pyhdf.SD import SD, SDC
from sensors.shared_data import shared

from musyq_lab.core.errors import MusyqError, NotFoundError, SceneError
from musyq_lab.files import hdf4
from musyq_lab.files._hdf4_layout import Storage

REAL = "modis_hdf4/MOD09A1.A2017193.h18v04.006.2017202035302.hdf"
GRID = np.arange(24, dtype=np.int16).reshape(4, 6)


@pytest.fixture
def file(tmp_path):
    return make(tmp_path / "x.hdf", {"v": GRID, "w": np.ones(3, np.float32)}, texts={"title": "a test"})


def refuse(*args, **kwargs):
    raise AssertionError("something was computed")


@pytest.mark.parametrize("dtype", KINDS)
def test_every_type_comes_back_as_stored(tmp_path, dtype):
    data = (np.arange(60).reshape(3, 4, 5) - (30 if dtype[0] != "u" else 0)).astype(dtype)
    path = make(tmp_path / "x.hdf", {"v": data})
    found = hdf4.open_dataset(path, "v")
    assert found.dtype == data.dtype
    np.testing.assert_array_equal(found.values, data)


def test_attributes_come_back_with_their_kinds(tmp_path):
    own = {"v": {"long_name": "a layer", "scale_factor": 0.1, "valid_range": [-1.5, 3.25]}}
    path = make(tmp_path / "x.hdf", {"v": GRID}, texts={"title": "a test", "note": "n" * 40_000}, attributes=own)
    assert hdf4.global_attributes(path) == {"title": "a test", "note": "n" * 40_000}
    assert hdf4.open_dataset(path, "v").attrs == own["v"]
    assert dict(hdf4.datasets(path)["v"].attributes) == own["v"]


def test_description_tells_shape_type_and_axes(tmp_path):
    dims = {"v": ("YDim:Grid", "XDim:Grid"), "pair": ("n:A", "n:B")}
    path = make(tmp_path / "x.hdf", {"v": GRID, "pair": np.zeros((2, 3), np.uint8)}, dims=dims)
    found = hdf4.datasets(path)
    assert list(found) == ["v", "pair"]
    assert (found["v"].shape, found["v"].dtype, found["v"].dims) == ((4, 6), np.dtype("int16"), dims["v"])
    assert hdf4.open_dataset(path, "v").dims == ("YDim", "XDim")
    assert hdf4.open_dataset(path, "pair").dims == ("n_0", "n_1")


@pytest.mark.parametrize(
    "key",
    [
        np.s_[1:3, 2:5],
        np.s_[::2, ::-1],
        np.s_[3:0:-2, 1::3],
        np.s_[2],
        np.s_[-1, 4],
        np.s_[..., 0],
        np.s_[2:2, :],
    ],
)
def test_parts_are_read_as_numpy_would(file, key):
    np.testing.assert_array_equal(hdf4.open_dataset(file, "v")[key].values, GRID[key])


def test_axes_of_length_one_stay(tmp_path):
    path = make(tmp_path / "x.hdf", {"v": GRID[None, :, :1]})
    np.testing.assert_array_equal(hdf4.open_dataset(path, "v").values, GRID[None, :, :1])


def test_nothing_is_read_before_it_is_asked_for(file):
    with dask.config.set(scheduler=refuse):
        found = hdf4.open_dataset(file, "v")
    assert found.chunks is not None


def test_a_layer_travels_and_keeps_no_file_open(file):
    found = pickle.loads(pickle.dumps(hdf4.open_dataset(file, "v")))
    np.testing.assert_array_equal(found.values, GRID)
    if Path("/proc/self/fd").exists():
        kept = [str(f.readlink()) for f in Path("/proc/self/fd").iterdir() if f.is_symlink()]
        assert not [name for name in kept if name.endswith(".hdf")]


def test_names_of_tasks_are_stable_and_change_with_the_file(file):
    first = hdf4.open_dataset(file, "v").data.name
    assert hdf4.open_dataset(file, "v").data.name == first
    os.utime(file, ns=(1, 1))
    assert hdf4.open_dataset(file, "v").data.name != first


def test_threads_read_side_by_side(tmp_path):
    layers = {f"v{i}": np.full((50, 60), i, np.int32) for i in range(8)}
    path = make(tmp_path / "x.hdf", layers)
    arrays = [hdf4.open_dataset(path, name) for name in layers]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda a: a.compute(scheduler="sync").values, arrays * 3))
    for i, values in enumerate(found):
        assert (values == i % 8).all()


def test_a_compressed_layer_is_read_whole_and_a_plain_one_in_blocks(tmp_path):
    data = np.arange(3000 * 2100, dtype=np.int16).reshape(3000, 2100)
    path = make(tmp_path / "x.hdf", {"plain": data, "packed": data}, compressed=["packed"])
    found = hdf4.datasets(path)
    assert found["packed"].storage == Storage(compressed=True)
    assert hdf4.chunks_of(found["packed"], path) == (3000, 2100)
    assert hdf4.chunks_of(found["plain"], path) == (2048, 2048)
    for name in found:
        np.testing.assert_array_equal(hdf4.open_dataset(path, name)[2040:2060, 2040:].values, data[2040:2060, 2040:])
    assert hdf4.open_dataset(path, "plain", (100, 2100)).data.chunksize == (100, 2100)


def test_chunks_of_a_real_file_are_found():
    found = hdf4.datasets(shared(REAL))
    assert len(found) == 13
    assert {d.storage.chunks for d in found.values()} == {(73, 66)}


def test_a_real_file_reads_as_with_pyhdf():
    path = shared(REAL)
    for name, dataset in hdf4.datasets(path).items():
        found = hdf4.open_dataset(path, name).values
        assert found.dtype == dataset.dtype
        np.testing.assert_array_equal(found, plain(path, name))


def test_grid_and_inventory_of_a_real_file():
    path = shared(REAL)
    grid = hdf4.eos_grid(path)
    metadata = hdf4.core_metadata(path)
    assert grid.shape == hdf4.datasets(path)["sur_refl_b01"].shape == (73, 66)
    # Tile h18v04 begins at longitude 0 and latitude 50: the subset's pixels are whole steps away from there.
    cell = 2 * np.pi * 6371007.181 / 36 / 2400
    columns = (grid.x - 0.5 * cell) / cell
    rows = (5559752.598333 - grid.y - 0.5 * cell) / cell
    np.testing.assert_allclose(columns, 1626 + np.arange(66), atol=2e-3)
    np.testing.assert_allclose(rows, 923 + np.arange(73), atol=2e-3)
    assert metadata["SHORTNAME"] == "MOD09A1"
    assert metadata["VERSIONID"] == 6
    assert metadata["LOCALGRANULEID"] == path.name
    assert metadata["RANGEBEGINNINGDATE"] == "2017-07-12"
    assert metadata["HORIZONTALTILENUMBER"] == "18"


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("empty.hdf", b"", "0 bytes"),
        ("text.hdf", b"not HDF at all", "not an HDF4 file"),
        ("short.hdf", b"\x0e\x03\x13\x01", "cut off"),
        ("circle.hdf", b"\x0e\x03\x13\x01" + struct.pack(">HI", 1, 4) + b"\0\1" + bytes(10), "circle"),
        ("beyond.hdf", b"\x0e\x03\x13\x01" + struct.pack(">HIHHII", 1, 0, 30, 1, 10, 99999), "cut off"),
        ("far.hdf", b"\x0e\x03\x13\x01" + struct.pack(">HIHHII", 1, 70000, 30, 1, 4, 4), "cut off"),
    ],
)
def test_what_is_no_whole_hdf4_file_is_refused_in_words(tmp_path, name, content, text):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SceneError, match=text) as caught:
        hdf4.datasets(path)
    assert name in str(caught.value)


def test_other_kinds_of_path_are_refused(tmp_path):
    with pytest.raises(NotFoundError, match="no file"):
        hdf4.datasets(tmp_path / "none.hdf")
    with pytest.raises(SceneError, match="not a file"):
        hdf4.datasets(tmp_path)
    with h5py.File(tmp_path / "five.hdf", "w") as opened:
        opened["v"] = GRID
    with pytest.raises(SceneError, match="not an HDF4 file"):
        hdf4.global_attributes(tmp_path / "five.hdf")


def test_a_missing_dataset_is_named_with_the_nearest(file):
    with pytest.raises(NotFoundError, match=r"no dataset 'vv'.*Did you mean 'v'"):
        hdf4.open_dataset(file, "vv")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused_before_the_library_sees_it(tmp_path, monkeypatch, share):
    whole = make(tmp_path / "x.hdf", {"v": np.arange(20_000, dtype=np.int32)}).read_bytes()
    path = tmp_path / "cut.hdf"
    path.write_bytes(whole[: int(share * len(whole))])
    monkeypatch.setattr(hdf4, "ask", refuse)
    with pytest.raises(SceneError, match=r"cut\.hdf is cut off"):
        hdf4.datasets(path)


def test_data_in_another_file_are_refused(tmp_path):
    file = SD(str(tmp_path / "x.hdf"), SDC.WRITE | SDC.CREATE)
    sds = file.create("v", SDC.INT16, GRID.shape)
    sds.setexternalfile(str(tmp_path / "secret.dat"), 0)
    sds[:] = GRID
    sds.endaccess()
    file.end()
    with pytest.raises(SceneError, match="lie in another file"):
        hdf4.datasets(tmp_path / "x.hdf")


def test_a_layer_larger_than_any_real_one_is_refused(tmp_path):
    file = SD(str(tmp_path / "x.hdf"), SDC.WRITE | SDC.CREATE)
    file.create("v", SDC.INT8, (400_001,)).endaccess()
    file.create("piece", SDC.FLOAT64, (20_000, 20_000)).endaccess()
    file.end()
    with pytest.raises(SceneError, match="more than this package reads"):
        hdf4.open_dataset(tmp_path / "x.hdf", "v")
    with pytest.raises(SceneError, match="more than this package reads"):
        hdf4.open_dataset(tmp_path / "x.hdf", "piece", (20_000, 20_000))


def test_text_is_no_layer(tmp_path):
    file = SD(str(tmp_path / "x.hdf"), SDC.WRITE | SDC.CREATE)
    file.create("v", SDC.CHAR, (4,)).endaccess()
    file.end()
    with pytest.raises(SceneError, match="type that this package does not read"):
        hdf4.open_dataset(tmp_path / "x.hdf", "v")


def test_a_file_that_changes_after_it_was_opened_gives_no_wrong_values(tmp_path):
    path = make(tmp_path / "x.hdf", {"v": GRID})
    found = hdf4.open_dataset(path, "v")
    path.unlink()
    make(path, {"v": GRID.astype(np.int32)})
    with pytest.raises(SceneError, match=r"x\.hdf"):
        found.compute()
    path.unlink()
    make(path, {"other": GRID})
    with pytest.raises(SceneError, match=r"x\.hdf"):
        found.compute()
    path.unlink()
    with pytest.raises(NotFoundError, match=r"x\.hdf"):
        found.compute()


def test_a_file_that_grows_is_described_anew(tmp_path):
    path = make(tmp_path / "x.hdf", {"v": GRID})
    assert list(hdf4.datasets(path)) == ["v"]
    path.unlink()
    make(path, {"v": GRID, "w": GRID})
    assert list(hdf4.datasets(path)) == ["v", "w"]


def test_of_two_datasets_alike_the_first_is_read(tmp_path):
    file = SD(str(tmp_path / "x.hdf"), SDC.WRITE | SDC.CREATE)
    for value in (1, 2):
        sds = file.create("v", SDC.INT16, (2, 2))
        sds[:] = np.full((2, 2), value, np.int16)
        sds.endaccess()
    file.end()
    assert (hdf4.open_dataset(tmp_path / "x.hdf", "v").values == 1).all()


def test_damaged_files_end_in_one_plain_error_or_in_values(tmp_path):
    layers = {f"v{i}": np.arange(900, dtype=np.int16).reshape(30, 30) for i in range(3)}
    whole = make(tmp_path / "x.hdf", layers, texts={"title": "t" * 900}, compressed=["v1"]).read_bytes()
    named = []
    for i, content in enumerate(mutants(whole, 32)):
        path = tmp_path / f"m{i}.hdf"
        path.write_bytes(content)
        try:
            for name in hdf4.datasets(path):
                hdf4.open_dataset(path, name).compute(scheduler="sync")
        except MusyqError as error:
            named.append(f"m{i}.hdf" in str(error))
    assert all(named)
    assert len(named) >= 8  # those cut off at least
    assert hdf4.datasets(tmp_path / "x.hdf").keys() == layers.keys()  # and a good file still opens


def test_the_maker_of_mutants_finds_the_descriptors(file):
    tags = {row[1] for row in descriptors(file.read_bytes())}
    assert {702, 720} <= tags  # DFTAG_SD, DFTAG_NDG


def test_blocks_of_a_damaged_length_are_refused_whoever_asks(tmp_path):
    """One flipped bit made 1.7e9 columns of 16, and dask spent minutes on the graph of their blocks."""
    path = make(tmp_path / "x.hdf", {"a": np.zeros((3, 4), np.int16)})
    whole = hdf4.datasets(path)["a"]
    damaged = dataclasses.replace(whole, shape=(3, 1_694_498_816))
    with pytest.raises(SceneError, match="more than this package reads"):
        hdf4.chunks_of(damaged, path)
