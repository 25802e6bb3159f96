"""Reading in parts: every value once, damage found, only what is missing read again."""

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import ArchiveError, InputError
from musyq_lab.production.download import parts
from musyq_lab.production.download.parts import PartLayer, stage, whole


class Counted:
    """An array that counts how often each value of it is read, and fails on request."""

    def __init__(self, values):
        self.values, self.reads, self.fail = values, np.zeros(values.shape, int), None
        self.shape, self.dtype, self.ndim = values.shape, values.dtype, values.ndim

    def __getitem__(self, key):
        if self.fail is not None:
            raise self.fail
        self.reads[key] += 1
        return self.values[key]


def lazily(values, chunks, name):
    counted = Counted(values)
    array = da.from_array(counted, chunks=chunks, name=name, meta=np.empty((0,) * values.ndim, values.dtype))
    return counted, array


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(parts, "PART_BYTES", 400)
    with dask.config.set(scheduler="synchronous"):
        yield


def example(seed=0):
    random = np.random.default_rng(seed)
    values = random.normal(size=(3, 12, 10)).astype(np.float32)
    values[0, 2, 3] = np.nan
    qa = random.integers(0, 2**16, (3, 12, 10)).astype(np.uint16)
    static = random.normal(size=(12, 10))
    counted = [lazily(v, c, n) for v, c, n in ((values, (1, 5, 4), "v"), (qa, (1, 5, 4), "q"), (static, (12, 3), "s"))]
    dims = ("time", "y", "x")
    ds = xr.Dataset({"v": (dims, counted[0][1]), "q": (dims, counted[1][1]), "s": (dims[1:], counted[2][1]), "n": 7})
    return ds, [item[0] for item in counted]


def test_parts_hold_every_value_read_once(small, tmp_path):
    ds, counted = example()
    staged = stage(ds, tmp_path)
    for layer in counted:
        assert np.all(layer.reads == 1)
    for name, layer in zip("vqs", counted, strict=True):
        assert staged[name].dtype == layer.dtype
        np.testing.assert_array_equal(staged[name].values, layer.values)
    assert int(staged["n"]) == 7
    assert len(list(tmp_path.iterdir())) > 10
    assert all(np.all(layer.reads == 1) for layer in counted)  # the parts are read, not the source


def test_a_second_time_reads_nothing(small, tmp_path):
    stage(example()[0], tmp_path)
    ds, counted = example()
    stage(ds, tmp_path)
    assert all(layer.reads.sum() == 0 for layer in counted)


@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "remove", "foreign"])
def test_a_part_that_is_not_whole_is_read_again_and_no_other(small, tmp_path, harm):
    stage(example()[0], tmp_path)
    victim = sorted(tmp_path.iterdir())[3]
    data = victim.read_bytes()
    flipped = bytes([*data[:-5], data[-5] ^ 1, *data[-4:]])
    changed = {"flip": flipped, "cut": data[:-1], "empty": b"", "foreign": b"\x89HDF\r\n" + data}
    victim.unlink() if harm == "remove" else victim.write_bytes(changed[harm])
    assert not whole(victim)
    ds, counted = example()
    staged = stage(ds, tmp_path)
    assert victim.read_bytes() == data
    assert sum(layer.reads.sum() for layer in counted) == counted[0].reads.sum() > 0
    assert counted[0].reads.sum() < counted[0].values.size / 5
    np.testing.assert_array_equal(staged["v"].values, counted[0].values)


def test_every_bit_of_a_part_is_guarded(tmp_path):
    path = tmp_path / "x.part"
    parts.write(path, np.arange(20, dtype=np.int16))
    data = path.read_bytes()
    for position in range(len(data)):
        for bit in (0, 7):
            path.write_bytes(bytes([*data[:position], data[position] ^ 1 << bit, *data[position + 1 :]]))
            assert not whole(path)
    path.write_bytes(data)
    assert whole(path)


def test_damage_between_reading_and_writing_is_told(small, tmp_path):
    ds, _ = example()
    staged = stage(ds, tmp_path)
    victim = sorted(tmp_path.iterdir())[0]
    victim.write_bytes(victim.read_bytes()[:-1])
    with pytest.raises(ArchiveError, match="Call the download again"):
        staged["v"].values  # noqa: B018


def test_a_failure_keeps_what_was_read_and_says_where(small, tmp_path):
    ds, counted = example()
    counted[1].fail = OSError("no route to host")
    with pytest.raises(
        ArchiveError, match=r"Reading v, q \(time 0 to 0, y 0 to .*no route to host.*goes on from there"
    ):
        stage(ds, tmp_path)
    counted[1].fail = InputError("This is ours.")
    with pytest.raises(InputError, match=r"This is ours\. What was read so far is kept"):
        stage(ds, tmp_path)
    counted[1].fail = None
    np.testing.assert_array_equal(stage(ds, tmp_path)["q"].values, counted[1].values)


def test_a_full_disk_is_told_and_the_rest_goes_on_later(small, tmp_path, monkeypatch):
    ds, counted = example()
    real, left = parts.write, [4]

    def full(path, array):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        real(path, array)

    monkeypatch.setattr(parts, "write", full)
    with pytest.raises(ArchiveError, match=r"disk or the quota is full.*What was read so far is kept"):
        stage(ds, tmp_path)
    monkeypatch.setattr(parts, "write", real)
    before = counted[0].reads.sum()
    np.testing.assert_array_equal(stage(ds, tmp_path)["v"].values, counted[0].values)
    assert counted[0].reads.sum() - before < counted[0].values.size


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_slice_of_a_staged_layer_is_that_of_the_array(tmp_path_factory, data):
    shape = tuple(data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=3)))
    values = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    blocks = []
    for size in shape:
        lengths, left = [], size
        while left:
            lengths.append(data.draw(st.integers(1, left)))
            left -= lengths[-1]
        blocks.append(tuple(lengths))
    folder = tmp_path_factory.mktemp("parts")
    for at, index in enumerate(parts._slices(tuple(blocks))):
        parts.write(folder / f"0000-{at:08d}.part", np.ascontiguousarray(values[index]))
    layer = PartLayer(str(folder), 0, tuple(blocks), values.dtype)
    key = tuple(
        data.draw(st.one_of(st.slices(size), st.integers(0, size - 1)))
        for size in shape[: data.draw(st.integers(0, len(shape)))]
    )
    np.testing.assert_array_equal(layer[key], values[key])
    np.testing.assert_array_equal(np.asarray(layer.dask()), values)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=3), st.booleans(), st.integers(1, 5000))
def test_parts_cover_the_array_and_keep_to_the_budget(shape, chunked, budget):
    values = np.zeros(shape, np.int32)
    data = da.from_array(values, chunks=tuple(min(size, 7) for size in shape)) if chunked else values
    dims = tuple(f"d{i}" for i in range(len(shape)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "PART_BYTES", budget)
        blocks = parts._blocks(xr.Dataset({"v": (dims, data)}))
    assert tuple(sum(lengths) for lengths in blocks) == tuple(shape)
    largest = np.prod([max(lengths) for lengths in blocks]) * 4
    chunk = np.prod([min(size, 7) for size in shape]) * 4 if chunked else 4
    assert largest <= max(budget, chunk)
    if chunked:  # no chunk of the source lies in two parts
        for lengths, size in zip(blocks, shape, strict=True):
            assert all(edge % 7 == 0 or edge == size for edge in np.cumsum(lengths))


def test_layers_that_share_their_graph_are_computed_together(small, tmp_path):
    counted, source = lazily(np.arange(120.0).reshape(12, 10), (5, 10), "shared")
    ds = xr.Dataset({"a": (("y", "x"), source + 1), "b": (("y", "x"), source * 2)})
    stage(ds, tmp_path)
    assert np.all(counted.reads == 1)


def test_a_layer_without_dimensions_or_in_memory_is_staged_too(small, tmp_path):
    ds = xr.Dataset({"n": 3.5, "v": (("y", "x"), np.arange(400.0).reshape(20, 20))})
    staged = stage(ds, tmp_path)
    assert float(staged["n"]) == 3.5
    np.testing.assert_array_equal(staged["v"], ds["v"])
    assert len(list(tmp_path.iterdir())) > 5  # arrays in memory are cut as well
