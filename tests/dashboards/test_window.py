"""What is read for a view: overviews where there are, a bounded sample of chunks where there are none."""

from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from dashboards.laid import layered, product_files
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.dashboards import _window
from musyq_lab.dashboards._data import cube
from musyq_lab.dashboards._levels import Levels, chunk_shape, least_stride
from musyq_lab.dashboards._shared import PIECES, Shared
from musyq_lab.dashboards._window import window


@settings(max_examples=80, deadline=None)
@given(st.floats(1, 1e9), st.floats(1, 1e6), st.sets(st.sampled_from([2, 4, 8, 16, 32])))
def test_the_finest_level_that_fits_is_taken(cells, limit, factors):
    levels = Levels(sorted(factors))
    best = levels.best(cells, limit)
    fits = [f for f in (1, *sorted(factors)) if cells / f**2 <= limit]
    assert best == (fits[0] if fits else max(factors, default=1))


def test_a_level_is_opened_once():
    asked = []
    levels = Levels([2], lambda factor: asked.append(factor) or xr.Dataset())
    assert levels.dataset(2) is levels.dataset(2)
    assert asked == [2]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(1, 600), st.integers(1, 600), st.floats(1e3, 1e9))
def test_a_strided_look_touches_no_more_than_its_budget(rows, columns, high, wide, budget):
    stride = least_stride((rows, columns), (high, wide), 4, budget)
    at = [{k // edge for k in range(0, size, stride)} for size, edge in ((rows, high), (columns, wide))]
    touched = len(at[0]) * len(at[1]) * high * wide * 4
    assert touched <= budget or stride >= max(rows, columns)
    assert stride == 1 or stride & (stride - 1) == 0


def test_memory_costs_nothing_and_chunks_are_found():
    memory = xr.DataArray(np.zeros((4, 6)), dims=("y", "x"))
    assert chunk_shape(memory, ("y", "x")) is None
    assert least_stride((10_000, 10_000), None, 4, 1.0) == 1
    assert chunk_shape(memory.chunk({"y": 2, "x": 3}), ("y", "x")) == (2, 3)


def test_a_lazy_file_tells_its_chunks_or_its_rows(tmp_path):
    data = xr.Dataset({"a": (("y", "x"), np.zeros((40, 60)))})
    data.to_netcdf(tmp_path / "c.nc", engine="h5netcdf", encoding={"a": {"chunksizes": (10, 20)}})
    data.to_netcdf(tmp_path / "r.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "c.nc") as chunked, xr.open_dataset(tmp_path / "r.nc") as rows:
        assert chunk_shape(chunked["a"], ("y", "x")) == (10, 20)
        assert chunk_shape(rows["a"], ("y", "x")) == (1, 60)


def test_a_large_field_without_overviews_is_never_read_whole(monkeypatch):
    """36000 x 18000 cells that would take 2.6 GB: the chunks made are counted."""
    made = []

    def piece(block_info=None):
        made.append(block_info[None]["chunk-location"])
        return np.full(block_info[None]["chunk-shape"], 7, "f4")

    chunks = ((600,) * 30, (600,) * 60)
    values = da.map_blocks(piece, chunks=chunks, dtype="f4")
    data = xr.Dataset(
        {"a": (("latitude", "longitude"), values)},
        {"latitude": 90 - 0.01 * (np.arange(18_000) + 0.5), "longitude": -180 + 0.01 * (np.arange(36_000) + 0.5)},
    )
    whole = cube(data)
    part = window(whole, "a")
    assert (part.layer("a", {}) == 7).all()
    assert len(made) * 600 * 600 * 4 <= _window.BUDGET
    made.clear()
    near = window(whole, "a", (100.0, 103.0), (30.0, 33.0))
    assert near.stride == 1
    assert near.layer("a", {}).shape == (302, 302)
    assert len(made) <= 4


def test_the_sample_of_a_view_stands_in_the_middle_of_what_it_shows(monkeypatch):
    monkeypatch.setattr(_window, "CELLS", 8)
    data = cube(layered(12, 16).isel(time=0))
    part = window(data, "a")
    assert part.stride > 1
    ends = [axis for axis in (part.down, part.across)]
    for axis, name in zip(ends, ("latitude", "longitude"), strict=True):
        whole = data.dataset[name].values
        step = abs(whole[1] - whole[0])
        assert abs((axis[0] + axis[-1]) / 2 - (whole[0] + whole[-1]) / 2) <= step * part.stride / 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return product_files(tmp_path_factory.mktemp("files"))


def test_overviews_are_used_where_cells_are_too_many(folder, monkeypatch):
    found = cube(folder)
    assert found.levels.factors == (2,)
    assert window(found, "ndvi").cube.factor == 1
    monkeypatch.setattr(_window, "CELLS", 80 * 80)
    part = window(found, "ndvi")
    assert (part.cube.factor, part.stride) == (2, 1)
    fine = found.dataset["ndvi"].isel(time=1).values
    means = fine.reshape(80, 2, 80, 2).mean((1, 3))
    np.testing.assert_allclose(part.layer("ndvi", {"time": 1}), means, atol=1.1e-4)
    near = window(found, "ndvi", (100.0, 110.0), (35.0, 40.0))
    assert near.cube.factor == 1


def test_two_sessions_share_what_they_read(folder):
    first, second = cube(folder), cube(str(folder))
    assert first is second
    one = window(first, "ndvi").layer("ndvi", {"time": 0})
    assert window(second, "ndvi").layer("ndvi", {"time": 0}) is one
    with pytest.raises(ValueError, match="read-only"):
        one[0, 0] = 1


def test_data_in_memory_are_read_anew_since_they_may_change():
    data = layered()
    found = cube(data)
    before = float(window(found, "a").layer("a", {"time": 0})[0, 0])
    data["a"].values[0, 0, 0] = 77
    after = float(window(found, "a").layer("a", {"time": 0})[0, 0])
    assert (before, after) == (1.0, 77.0)


def test_a_changed_file_is_opened_anew(tmp_path):
    import os

    layered().isel(time=0, drop=True).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    first = cube(tmp_path / "a.nc")
    assert cube(tmp_path / "a.nc") is first
    os.utime(tmp_path / "a.nc", ns=(1, 1))
    assert cube(tmp_path / "a.nc") is not first


def test_what_is_kept_stays_within_its_limit_and_the_last_is_kept():
    shared = Shared(100)
    for k in range(10):
        shared.get(k, lambda: np.zeros(3))  # 24 bytes
        assert shared.used <= 100
    made = []
    shared.get(9, lambda: made.append(1))
    assert made == []
    shared.get(0, lambda: np.zeros(3))
    shared.get(None, lambda: np.zeros(1000))
    assert shared.used <= 100
    shared.get("big", lambda: np.zeros(1000))
    assert shared.used == 8000  # one larger than the limit is kept alone
    shared.clear()
    assert shared.used == 0
    assert PIECES.limit > 2**20


def test_an_overview_whose_last_cells_are_cut_is_a_picture_like_the_map_itself(tmp_path, monkeypatch):
    import holoviews as hv

    from musyq_lab.dashboards._view import View

    view = View(product_files(tmp_path / "odd", size=161))
    fine = view.picture()
    monkeypatch.setattr(_window, "CELLS", 81 * 81)
    coarse = view.picture()
    assert view.window.cube.factor == 2
    assert type(fine) is type(coarse) is hv.Image
