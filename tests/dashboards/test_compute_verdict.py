"""What a computation takes, in bytes and seconds, and whether there is room."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.dashboards import _compute_verdict as judging
from musyq_lab.dashboards._compute_verdict import Verdict, largest_chunk, verdict


def grid(rows=4, columns=5, **layers) -> xr.Dataset:
    coords = {"latitude": 10.0 - np.arange(rows), "longitude": 100.0 + np.arange(columns)}
    dims = ("latitude", "longitude")
    values = np.arange(float(rows * columns)).reshape(rows, columns)
    made = {name: (dims, values + k) for k, name in enumerate(layers or {"a1": 0})}
    return xr.Dataset(made, coords)


@pytest.fixture
def roomy(monkeypatch):
    """A machine with much room and four threads."""
    monkeypatch.setattr(judging, "_hosts", lambda: (4, 10**12, "in this process", False))
    monkeypatch.setattr(judging, "disk_free", lambda _path: 10**12)


def lazy(chunk=2) -> xr.Dataset:
    return grid().chunk({"latitude": chunk})


def test_what_fits_says_so_and_what_does_not_says_why(roomy, monkeypatch, tmp_path):
    found = verdict(lazy(), 3, tmp_path)
    assert found.fits
    assert found.require() is found
    assert str(found).startswith("It fits")
    assert "the time is known after a preview" in str(found)
    assert found.memory == 8 * 2 * 5 * 3 * 4 + 2 * judging.BAND_BYTES
    monkeypatch.setattr(judging, "_hosts", lambda: (4, found.memory - 1, "there", False))
    monkeypatch.setattr(judging, "disk_free", lambda _path: 10)
    tight = verdict(lazy(), 3, tmp_path, per_cell=1e9)
    assert len(tight.problems) == 3
    with pytest.raises(InputError, match="does not fit"):
        tight.require()
    assert "computed there" in str(tight)


@pytest.mark.parametrize(("per_cell", "seconds"), [(None, None), (0.0, 0.0), (0.5, 10.0)])
def test_time_is_that_of_all_cells(roomy, tmp_path, per_cell, seconds):
    assert verdict(lazy(), 1, tmp_path, per_cell).seconds == seconds


def test_unknown_room_is_no_reason_to_refuse(monkeypatch, tmp_path):
    monkeypatch.setattr(judging, "_hosts", lambda: (1, None, "in this process", False))
    monkeypatch.setattr(judging, "disk_free", lambda _path: None)
    assert verdict(lazy(), 1000, tmp_path).fits


def test_a_cluster_writes_elsewhere_and_needs_no_room_here_for_it(monkeypatch, tmp_path):
    client = SimpleNamespace(
        scheduler_info=lambda **_k: {
            "workers": {"a": {"nthreads": 2, "memory_limit": 100}, "b": {"nthreads": 8, "memory_limit": 50}}
        }
    )
    monkeypatch.setattr(judging, "active_client", lambda: client)
    assert judging._hosts() == (8, 50, "on the dask cluster (2 workers)", True)
    found = verdict(lazy(), 1, tmp_path)
    assert found.memory == 8 * 2 * 5 * 8
    assert not found.fits
    empty = SimpleNamespace(scheduler_info=lambda **_k: {"workers": {}})
    monkeypatch.setattr(judging, "active_client", lambda: empty)
    assert judging._hosts() == (1, None, "on the dask cluster (0 workers)", True)


@pytest.mark.parametrize("chunk", [1, 2, 3, 4])
def test_the_largest_chunk_is_that_of_the_rows_together(chunk):
    assert largest_chunk(lazy(chunk)) == 8 * chunk * 5
    assert largest_chunk(grid()) == 8 * 20
    assert largest_chunk(xr.Dataset()) == 0


def test_a_verdict_is_one_sentence_after_another():
    one = Verdict(10**9, 2 * 10**6, 30.0, "in this process", ())
    needs = "about 1 GB of memory and up to 2 MB of disk; about 30 s; computed in this process."
    assert str(one) == f"It fits: the whole takes {needs}"
    assert not replace(one, problems=("Of disk 1 MB is free.",)).fits
