"""Which cells are analysed, at what cost, in what pieces; cancelling, and results that sessions share."""

import threading

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.dashboards import _change_work
from musyq_lab.dashboards._change_kinds import Ask
from musyq_lab.dashboards._change_work import (
    analysed,
    cost,
    extent,
    inside,
    lazily,
    part_of,
    refuse,
    share,
    shared,
    verdict,
)
from musyq_lab.dashboards._data import Cube, cube
from musyq_lab.dashboards._jobs import JOBS, State

YEARS = np.arange(2001, 2013)


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")


def made(rows=20, columns=30, chunks=None) -> Cube:
    draw = np.random.Generator(np.random.Philox(2))
    y = draw.standard_normal((12, rows, columns)) + 0.2 * np.arange(12)[:, None, None]
    coords = {"year": YEARS, "lat": np.linspace(50, 40, rows), "lon": np.linspace(100, 115, columns)}
    field = xr.DataArray(y, coords, ("year", "lat", "lon"), name="npp", attrs={"units": "g m-2 a-1"})
    return cube(field.chunk(chunks) if chunks else field)


def test_a_small_cube_is_analysed_whole_at_once():
    part = part_of(made(), "npp", {}, "trend", whole=False)
    assert part.whole
    assert part.said() == ""
    assert part.subject().layer.shape == (12, 20, 30)


def test_a_large_one_is_thinned_evenly(monkeypatch):
    monkeypatch.setattr(_change_work, "VALUES", 12 * 60)
    monkeypatch.setattr(_change_work, "_FEWEST", 10)
    part = part_of(made(), "npp", {}, "trend", whole=False)
    layer = part.subject().layer
    assert layer.sizes["lat"] * layer.sizes["lon"] <= 90
    assert "First look: every " in part.said()
    assert len(set(np.diff(layer.lat.values).round(6))) == 1
    dear = part_of(made(), "npp", {}, "phenology", whole=False)
    assert dear.stride > part.stride
    assert part_of(made(), "npp", {}, "trend", whole=True).whole


def test_pieces_are_bounded_and_hold_the_whole_series(monkeypatch):
    monkeypatch.setattr(_change_work, "_PIECE", 12 * 100)
    lazy = lazily(part_of(made(), "npp", {}, "trend", whole=True), Ask())
    assert max(lazy.slope.data.chunksize) <= 30
    assert np.prod(lazy.slope.data.chunksize) <= 100
    filed = lazily(part_of(made(chunks={"lat": 5, "lon": 6, "year": 1}), "npp", {}, "trend", whole=True), Ask())
    assert filed.slope.data.chunksize[1] == 6


def test_costs_grow_with_the_cells_and_what_chunks_hold():
    small, large = (part_of(made(rows, 30), "npp", {}, "trend", whole=True) for rows in (10, 40))
    assert cost(large, Ask())[0] == pytest.approx(4 * cost(small, Ask())[0])
    assert cost(large, Ask())[1] > cost(small, Ask())[1]
    seconds, _ = cost(large, Ask(), rate=1.0)
    assert seconds == large.subject().layer.size
    chunked = part_of(made(40, 30, {"lat": 40, "lon": 30, "year": 1}), "npp", {}, "trend", whole=True)
    assert cost(chunked, Ask())[1] > cost(large, Ask())[1]


@pytest.mark.parametrize(
    ("rate", "words"), [(1e9, "about 1 s"), (100.0, "about 72 s"), (10.0, "about 12 minutes"), (1.0, "2.0 hours")]
)
def test_verdicts_are_sentences(rate, words):
    part = part_of(made(), "npp", {}, "trend", whole=True)
    said, fits = verdict(part, Ask(), rate, 10**13)
    assert said.startswith("All 600 cells: ")
    assert words in said
    assert fits
    said, fits = verdict(part, Ask(), rate, 1)
    assert not fits
    assert said.endswith("It does not fit: choose a smaller region, or keep the first look.")


def test_what_cannot_be_analysed_is_told():
    whole = made()
    assert refuse(whole, "npp", {}, Ask("trend")) == ""
    assert "no dates" in refuse(whole, "npp", {}, Ask("phenology"))
    codes = whole.dataset.assign(npp=whole.dataset.npp.astype("uint8").assign_attrs(flag_values=[0, 1]))
    assert "named classes" in refuse(cube(codes), "npp", {}, Ask("trend"))


def test_the_answer_does_not_depend_on_the_pieces(monkeypatch):
    def run(part):
        job = JOBS.start("a trend", lambda job: analysed(part, Ask(), job), owner="a test")
        seen = job.wait(60)
        assert seen.state is State.DONE, seen.message
        assert any("12 year" in line for line in seen.lines)
        return seen.result

    one = run(part_of(made(), "npp", {}, "trend", whole=True))
    monkeypatch.setattr(_change_work, "_PIECE", 12 * 64)
    many = run(part_of(made(chunks={"lat": 3}), "npp", {}, "trend", whole=True))
    xr.testing.assert_identical(one.dataset, many.dataset)
    assert one.steps == []
    assert one.cube.variables[0] in one.dataset
    assert one.dataset.lat.attrs == {}


def test_a_job_is_cancelled_between_pieces(monkeypatch):
    monkeypatch.setattr(_change_work, "_PIECE", 12 * 64)
    part = part_of(made(40, 40), "npp", {}, "trend", whole=True)
    begun = threading.Event()

    def work(job):
        begun.set()
        job.cancel("A test.")
        return analysed(part, Ask(), job)

    seen = JOBS.start("a trend", work, owner="a test").wait(60)
    assert begun.is_set()
    assert seen.state is State.CANCELLED
    assert seen.result is None


def test_dated_results_have_steps():
    times = pd.date_range("2010-01-01", periods=24, freq="MS")
    field = xr.DataArray(
        np.random.default_rng(1).normal(size=(24, 3, 3)), {"time": times}, ("time", "y", "x"), name="a"
    )
    part = part_of(cube(field), "a", {}, "anomaly", whole=True)
    seen = JOBS.start("anomalies", lambda job: analysed(part, Ask("anomaly"), job), owner="a test").wait(60)
    assert seen.result.step_dim == "time"
    assert len(seen.result.steps) == 24


def test_shared_results_are_bounded():
    class Made:
        pass

    first = Made()
    share(None, first)
    assert shared(None) is None
    for number in range(_change_work._SHARED + 5):
        share(("bounded", number), Made())
    assert shared(("bounded", 0)) is None
    assert shared(("bounded", _change_work._SHARED + 4)) is not None
    assert len(_change_work._shared) == _change_work._SHARED


def test_places_in_and_out_of_the_map():
    whole = made()
    assert inside(whole, 100.0, 45.0)
    assert inside(whole, 115.2, 39.8)  # within half a cell
    assert not inside(whole, 116.0, 45.0)
    assert extent(whole) == "lon 100 to 115, lat 40 to 50"
