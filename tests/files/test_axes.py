"""What is compared of the axes of a series: their values against numpy, and what is not so simple."""

import h5py
import numpy as np
import pytest

from musyq_lab.core.errors import ArchiveError
from musyq_lab.files import quick
from musyq_lab.files.axes import axis_of, plain
from musyq_lab.files.stored import Packing, StoredLayer

NORTH = 60 - 0.01 * np.arange(1200)
EAST = 100 + 0.01 * np.arange(500)


def test_an_axis_is_small_and_fits_itself():
    axis = axis_of("latitude", NORTH)
    assert (axis.name, axis.size) == ("latitude", 1200)
    assert axis.some[0] == NORTH[0]
    assert axis.some[-1] == NORTH[-1]
    assert len(axis.some) < 50
    assert axis.fits(NORTH)
    assert axis.fits(NORTH.astype("f4"))  # 3.8e-6 degree, a thousandth of a cell is 1e-5


@pytest.mark.parametrize(
    "other", [NORTH + 0.01, NORTH + 2e-5, NORTH[::-1], NORTH[:-1], 60 - 0.0101 * np.arange(1200), NORTH * np.nan]
)
def test_another_axis_does_not_fit(other):
    assert not axis_of("latitude", NORTH).fits(other)


@pytest.mark.parametrize(("values", "fits"), [([5.0], True), ([5.0 + 1e-9], False), ([], False)])
def test_one_cell_tells_no_size_and_must_be_the_same(values, fits):
    assert axis_of("x", np.array([5.0])).fits(np.array(values)) == fits


@pytest.mark.parametrize("values", [np.array(["a", "b"]), np.zeros((2, 2)), np.zeros(0), np.array(1.0)])
def test_what_is_no_axis(values):
    assert axis_of("x", values) is None


def written(path, **how):
    with h5py.File(path, "w") as file:
        file["v"] = np.arange(6, dtype="i2").reshape(2, 3)
        file.create_dataset("latitude", data=NORTH[:2], **how)
    return path


@pytest.mark.parametrize(
    ("how", "size", "simple"), [({}, 2, True), ({"chunks": (1,)}, 2, False), ({}, 3, False), ({"dtype": "f4"}, 2, True)]
)
def test_plain_values_are_those_of_h5py(tmp_path, how, size, simple):
    with h5py.File(written(tmp_path / "a.h5", **how)) as file:
        found = plain(file["latitude"].id, size)
        assert (found is not None) == simple
        if simple:
            np.testing.assert_array_equal(found, file["latitude"])


def layer(paths, axes):
    return StoredLayer(tuple(map(str, paths)), "v", (2, 3), np.dtype("i2"), Packing(), True, axes)


@pytest.mark.parametrize("how", [{}, {"chunks": (1,)}])
@pytest.mark.parametrize("quickly", [True, False])
def test_a_file_of_another_place_is_refused_by_both_routes(tmp_path, monkeypatch, how, quickly):
    here, there = written(tmp_path / "a.h5", **how), written(tmp_path / "b.h5", **how)
    series = layer([here, there], (axis_of("latitude", NORTH[:2]),))
    if not quickly:
        monkeypatch.setattr(quick, "_read", lambda *_: None)
    np.testing.assert_array_equal(series[:, 1, 2], [5, 5])
    with h5py.File(there, "a") as file:
        file["latitude"][...] = NORTH[:2] + 1
    with pytest.raises(ArchiveError, match=r"'latitude' of .*b\.h5 goes from 61 to 60\.99; from 60 to 59\.99 was exp"):
        series[:, 1, 2]
    with pytest.raises(ArchiveError, match=r"lie on one grid"):
        series.compare(str(there))
    series.compare(str(here))
    with h5py.File(there, "a") as file:
        del file["latitude"]
    with pytest.raises(ArchiveError, match=r"goes nowhere"):
        series[1, 1, 2]
    np.testing.assert_array_equal(layer([here, there], ())[:, 1, 2], [5, 5])  # a layer without axes does not ask


def test_what_is_known_of_a_file_is_known_of_the_axes_it_was_compared_with(tmp_path):
    path = written(tmp_path / "a.h5")
    assert layer([path], (axis_of("latitude", NORTH[:2]),))[0, 0, 1] == 1
    with pytest.raises(ArchiveError, match=r"one grid"):
        layer([path], (axis_of("latitude", NORTH[1:3]),))[0, 0, 1]
