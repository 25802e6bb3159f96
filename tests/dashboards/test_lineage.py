"""What made a pixel: counts and shares, granules, the inputs in a file's record, the land cover; never a guess."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from dashboards.laid import axes, layered, projected
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.composite.lineage import packed
from musyq_lab.core.errors import ArchiveError
from musyq_lab.dashboards import _lineage
from musyq_lab.dashboards._lineage import land_cover, lineage_html
from musyq_lab.dashboards._view import View

DIMS = ("latitude", "longitude")
SHAPE = (4, 5)


def made(used: np.ndarray | None = None, names=("one", "two"), **layers) -> xr.Dataset:
    """A composite whose granules saw what a mask says."""
    data = xr.Dataset({"a": (DIMS, np.ones(SHAPE))}, axes(*SHAPE))
    if used is not None:
        data = data.assign_coords(granule=list(names)).assign(lineage=(("word", *DIMS), packed(used)))
    return data.assign(layers)


def test_data_that_say_nothing_are_told_as_such(monkeypatch):
    monkeypatch.setattr(_lineage, "_cover", lambda view, place: "")
    page = lineage_html(View(made()), (100.0, 40.0))
    assert page == "<p>40.00° N, 100.00° E: these data do not say what they were made of.</p>"


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 31, 32, 33, 40]))
def test_the_granules_of_a_pixel_are_those_that_saw_it(seed, count):
    used = np.random.default_rng(seed).random((count, *SHAPE)) < 0.3
    names = [f"G{k:03d}" for k in range(count)]
    data = made(used, names)
    view = View(data)
    for row, column in ((0, 0), (3, 4), (2, 1)):
        place = (float(data["longitude"][column]), float(data["latitude"][row]))
        page = _lineage._granules(data, view, place)
        told = [name for name in names if f"<li>{name}</li>" in page]
        seen = [name for k, name in enumerate(names) if used[k, row, column]]
        assert told == seen[: _lineage._MOST]
        assert (f"({len(seen)})" in page) if seen else ("No granule saw this pixel" in page)


def test_a_place_between_centres_is_that_of_its_cell():
    used = np.zeros((2, *SHAPE), bool)
    used[0, 1, 2] = used[1, 1, 3] = True
    data = made(used)
    view = View(data)
    for x, name in ((101.0, "one"), (101.24, "one"), (101.26, "two"), (101.5, "two")):
        page = _lineage._granules(data, view, (x, 39.5))
        assert f"<li>{name}</li>" in page
        assert page.count("<li>") == 1


def test_a_lineage_without_names_or_of_several_steps_tells_nothing():
    used = np.ones((2, *SHAPE), bool)
    data = made(used)
    assert _lineage._granules(data.drop_vars("granule"), View(data), (100.0, 40.0)) == ""
    assert _lineage._granules(data.expand_dims(time=2), View(data), (100.0, 40.0)) == ""


def test_counts_are_those_of_the_cell():
    number = (DIMS, np.arange(20).reshape(SHAPE))
    data = made(n_obs=number, window_length=(DIMS, np.full(SHAPE, np.nan)))
    page = lineage_html(View(data), (102.0, 38.5))  # the last column and row
    assert "observations used" in page
    assert ">19<" in page
    assert ">none<" in page
    assert "38.50° N, 102.00° E" in page


def test_shares_of_sensors_leave_out_those_with_none():
    shares = np.zeros((3, *SHAPE))
    shares[0], shares[2, :, 2:] = 1.0, 1 / 3
    shares[0, :, 2:] = 2 / 3
    data = made().assign_coords(sensor=["A<1>", "B", "C"]).assign(sensor_share=(("sensor", *DIMS), shares))
    view = View(data)
    west, east = lineage_html(view, (100.0, 40.0)), lineage_html(view, (102.0, 40.0))
    assert "share of A&lt;1&gt;" in west
    assert "100%" in west
    assert "share of C" not in west
    assert "67%" in east
    assert "33%" in east
    assert "share of B" not in west + east


def test_the_step_of_the_map_is_told():
    data = xr.concat([made(n_obs=(DIMS, np.full(SHAPE, n))) for n in (3, 8)], "time")
    data = data.assign_coords(time=np.array(["2020-01-01", "2020-01-09"], "datetime64[ns]"))
    view = View(data, "a")
    for step, count in ((0, 3), (1, 8)):
        view.chosen = {"time": step}
        assert f">{count}<" in lineage_html(view, (100.0, 40.0))


def record(monkeypatch, entities: dict) -> str:
    monkeypatch.setattr(_lineage, "provenance", lambda file: {"entity": entities})
    return _lineage._inputs(SimpleNamespace(name="<file>.h5"))


def test_inputs_are_listed_by_the_best_name_there_is_and_outputs_are_not(monkeypatch):
    page = record(
        monkeypatch,
        {
            "e1": {"musyq:name": "zeta", "prov:label": "not this"},
            "e2": {"prov:label": "<label>"},
            "e3": {"musyq:name": "", "musyq:file": "file.hdf"},
            "e4": {"musyq:role": "output", "musyq:name": "the product"},
            "e5": {},
            "e6": "no mapping",
            "e7": {"musyq:id": 7},
        },
    )
    items = page.split("<li>")[1:]
    assert [item.split("</li>")[0] for item in items] == ["7", "&lt;label&gt;", "file.hdf", "zeta"]
    assert "&lt;file&gt;.h5 was made from" in page


@pytest.mark.parametrize("count", [0, 1, 40, 41, 100])
def test_long_lists_are_cut_and_say_by_how_much(monkeypatch, count):
    page = record(monkeypatch, {str(k): {"musyq:name": f"n{k:03d}"} for k in range(count)})
    assert page.count("<li>n") == min(count, 40)
    assert ("more</li>" in page) == (count > 40)
    if count > 40:
        assert f"and {count - 40} more" in page


@pytest.mark.parametrize("error", [ArchiveError("damaged"), OSError("gone")])
def test_a_file_without_a_readable_record_says_so(monkeypatch, error):
    def broken(file):
        raise error

    monkeypatch.setattr(_lineage, "provenance", broken)
    assert "carries no record" in _lineage._inputs(SimpleNamespace(name="a.h5"))
    assert _lineage._inputs(None) == ""


def test_land_cover_is_that_of_the_nearest_cell_of_the_shipped_map():
    layer, words = _lineage._cover_map()
    for longitude, latitude in ((15.01, 23.04), (116.4, 39.9), (-60.0, -5.0), (0.0, -89.9)):
        code = int(layer.sel(longitude=longitude, latitude=latitude, method="nearest"))
        assert land_cover(longitude, latitude) == words[code].replace("_", " ")


def test_a_projected_map_is_told_its_land_cover_and_one_without_a_system_is_not():
    raster = projected()
    at = (500_000.0, 4_470_000.0)
    assert f"Land cover here in 2019 (MCD12C1, 0.05°): {land_cover(117.0, 40.38)}" in lineage_html(View(raster), at)
    assert "Land cover" not in lineage_html(View(raster.drop_vars("spatial_ref")), at)


def test_beyond_the_antimeridian_the_land_cover_is_that_of_the_place():
    across = layered().assign_coords(longitude=np.arange(176.0, 192.0, 2.0))
    view = View(across)
    assert _lineage._cover(view, (190.0, 40.0)) == _lineage._cover(View(layered()), (-170.0, 40.0))
