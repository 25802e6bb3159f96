"""Layers whose files differ along an axis: any part beside numpy's indexing of the whole."""

import h5py
import numpy as np
import pytest

from musyq_lab.archive._ragged import GranuleNames, RaggedLayer, _sensors
from musyq_lab.archive.index import Head
from musyq_lab.core.errors import ArchiveError
from musyq_lab.files.stored import Packing, StoredLayer

COUNTS = (2, 0, 3, 1)


@pytest.fixture
def layer(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")
    paths = []
    for number, count in enumerate(COUNTS):
        path = tmp_path / f"{number}.h5"
        with h5py.File(path, "w") as file:
            if count:
                file["lineage"] = content(number, count)
                file["granule"] = [f"{number}-{n}" for n in range(count)]
        paths.append(str(path))
    stored = StoredLayer(tuple(paths), "lineage", (2, 4, 5), np.dtype("u8"), Packing(), True)
    rows = tuple(tuple(n if n < count else -1 for n in range(3)) for count in COUNTS)
    return RaggedLayer(stored, rows, COUNTS)


def content(number, count):
    return (np.arange(count * 20, dtype="u8") + 1 + 1000 * number).reshape(count, 4, 5)


@pytest.fixture
def whole():
    out = np.zeros((4, 3, 4, 5), "u8")
    for number, count in enumerate(COUNTS):
        out[number, :count] = content(number, count) if count else 0
    return out


KEYS = [
    (),
    0,
    3,
    slice(None),
    slice(1, 3),
    slice(0, 4, 2),
    slice(2, 2),
    (1,),
    (slice(None), 0),
    (slice(None), 2, 1, 1),
    (2, slice(1, 3)),
    (2, 2, slice(None), 4),
    (slice(None), slice(None), slice(1, 3), slice(0, 5, 2)),
    (slice(2, 2), slice(None), 0),
    (0, -1),
    (np.int64(2), np.int64(1), np.int64(3), np.int64(4)),
]


@pytest.mark.parametrize("key", KEYS)
def test_any_part_is_that_of_the_whole(layer, whole, key):
    found = layer[key]
    assert found.dtype == np.dtype("u8")
    np.testing.assert_array_equal(found, whole[key])
    assert found.shape == whole[key].shape


def test_shape_and_axes(layer):
    assert (layer.shape, layer.ndim, layer.dtype) == ((4, 3, 4, 5), 4, np.dtype("u8"))


def test_a_file_without_the_layer_is_not_even_opened(layer, tmp_path):
    (tmp_path / "1.h5").unlink()
    assert (layer[1] == 0).all()
    (tmp_path / "3.h5").unlink()
    assert (layer[3, 1:] == 0).all()  # rows that it does not have


def test_a_file_that_changed_its_rows_is_told(layer, tmp_path):
    with h5py.File(tmp_path / "2.h5", "a") as file:
        del file["lineage"]
        file["lineage"] = content(2, 2)
    with pytest.raises(ArchiveError, match="was changed after it was opened"):
        layer[2]


def test_rows_may_stand_in_another_order_in_each_file(layer):
    turned = RaggedLayer(layer.layer, ((1, 0, -1), (-1, -1, -1), (2, -1, 0), (-1, 0, -1)), COUNTS)
    found = turned[:, :, 0, 0]
    assert found.tolist() == [[21, 1, 0], [0, 0, 0], [2041, 0, 2001], [0, 3001, 0]]


def test_sensors_are_matched_by_name_in_the_order_of_their_first_file():
    heads = [Head(0, 0, names) for names in (("b", "a"), (), ("c", "a"), ("a", "b", "c"))]
    rows, union = _sensors(heads)
    assert union == ["b", "a", "c"]
    assert rows == ((0, 1, -1), (-1, -1, -1), (-1, 1, 0), (1, 0, 2))


NAMES = np.array([["0-0", "0-1", ""], ["", "", ""], ["2-0", "2-1", "2-2"], ["3-0", "", ""]], object)


@pytest.mark.parametrize(
    "key",
    [
        0,
        2,
        slice(None),
        slice(1, 3),
        slice(2, 2),
        (0, 1),
        (slice(None), 0),
        (slice(None), slice(1, 3)),
        (3, slice(None)),
    ],
)
def test_names_of_granules(layer, key):
    names = GranuleNames(layer.layer.paths, 3)
    assert (names.shape, names.ndim, names.dtype) == ((4, 3), 2, np.dtype(object))
    found = names[key]
    assert np.shape(found) == np.shape(NAMES[key])
    assert np.asarray(found).tolist() == np.asarray(NAMES[key]).tolist()


def test_more_granules_than_when_it_was_opened_are_told(layer):
    with pytest.raises(ArchiveError, match="it has 3 granules now"):
        GranuleNames(layer.layer.paths, 2)[2]


def test_no_granules_at_all(layer):
    assert GranuleNames(layer.layer.paths[1:2], 0)[:].shape == (1, 0)
