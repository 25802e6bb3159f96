"""What the Compute page computes from: short names, regions, chunks, and what is refused."""

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.dashboards._compute_inputs import ALIASES, Inputs, cut, region_of, sizes_of
from musyq_lab.production.download.region import area


def grid(rows=4, columns=5, **layers) -> xr.Dataset:
    coords = {"latitude": 10.0 - np.arange(rows), "longitude": 100.0 + np.arange(columns)}
    dims = ("latitude", "longitude")
    values = np.arange(float(rows * columns)).reshape(rows, columns)
    made = {name: (dims, values + k) for k, name in enumerate(layers or {"a1": 0})}
    return xr.Dataset(made, coords)


def test_data_have_short_names_and_variables_of_one_owner_their_own():
    inputs = Inputs({"one": grid(nir=0, red=0), "two": grid(nir=0, lai=0)})
    inputs.choose(["two", "one"])
    names = inputs.names()
    assert set(names) == {"a", "b", "red", "lai"}
    assert "lai" in names["a"]
    assert [row[0] for row in inputs.listed()] == ["a.nir", "lai", "b.nir", "red"]


def test_a_variable_called_like_a_short_name_does_not_hide_the_data():
    inputs = Inputs({"one": grid(a=0, z=0)})
    inputs.choose(["one"])
    assert isinstance(inputs.names()["a"], xr.Dataset)
    assert "z" in inputs.names()


def test_uncertainty_text_and_lines_are_not_listed():
    data = grid(lai=0, lai_uncertainty=0).assign(word=((), "x"), line=("latitude", np.zeros(4)))
    inputs = Inputs({"one": data})
    inputs.choose(["one"])
    assert [row[0] for row in inputs.listed()] == ["lai"]


def test_a_failed_choice_changes_nothing():
    inputs = Inputs({"one": grid(), "two": grid()})
    inputs.choose(["one"], "100,7,102,9")
    before = inputs.sources, inputs.region, inputs.area
    for titles, region, error in (
        (["one", "Two"], "", NotFoundError),
        (["one"], "0,0,1,1", InputError),
        (["one"], "POLYGON ((", InputError),
        (["one"] * (len(ALIASES) + 1), "", InputError),
    ):
        with pytest.raises(error):
            inputs.choose(titles, region)
        assert (inputs.sources, inputs.region, inputs.area) == before


def test_a_title_that_was_meant_is_named():
    with pytest.raises(NotFoundError, match="two"):
        Inputs({"one": grid(), "two": grid()}).choose(["twp"])


@pytest.mark.parametrize("given", [3, "text", None, np.zeros((2, 2))])
def test_what_is_no_data_is_told(given):
    with pytest.raises(InputError, match="Give a Dataset"):
        Inputs({"x": given}).choose(["x"])


def test_nothing_of_the_data_is_changed_but_that_they_are_in_chunks():
    data = grid(1000, 700, lai=0)
    inputs = Inputs({"one": data, "named": data["lai"], "bare": data["lai"].rename(None)})
    inputs.choose(["one", "named", "bare"])
    for source in inputs.sources:
        (name,) = source.dataset.data_vars
        assert source.dataset[name].chunks is not None
        assert max(source.dataset[name].data.chunksize) <= 512
        np.testing.assert_array_equal(source.dataset[name], data["lai"])
    assert [next(iter(source.dataset)) for source in inputs.sources] == ["lai", "lai", "value"]
    assert data["lai"].chunks is None


@pytest.mark.parametrize(
    ("coords", "text"),
    [
        ({"latitude": 10 - 0.05 * np.arange(4), "longitude": np.arange(5.0)}, "0p05deg"),
        ({"latitude": [3.0, 0.0, -3.0, -6.0], "longitude": np.arange(5.0)}, "3deg"),
        ({"y": 4e6 - 30.0 * np.arange(4), "x": np.arange(5.0)}, "30m"),
        ({"y": 463.3127 * np.arange(4), "x": np.arange(5.0)}, "463p3m"),
    ],
)
def test_a_grid_is_named_by_its_step(coords, text):
    data = xr.Dataset({"a": (tuple(coords), np.zeros((4, 5)))}, coords)
    inputs = Inputs({"one": data})
    inputs.choose(["one"])
    assert inputs.sources[0].edition == text
    inputs = Inputs({"one": data.isel({next(iter(coords)): [0]})})
    inputs.choose(["one"])
    assert inputs.sources[0].edition == "own"


@pytest.mark.parametrize(
    "text", ["../region", "/etc/passwd", "C:\\x", "a.geojson", "x.JSON", "{bad", "POLYGON ((1 1, 2", "x" * 100_001]
)
def test_regions_never_name_files_and_errors_are_sentences(text):
    with pytest.raises(InputError) as told:
        region_of(text)
    assert len(str(told.value)) < 500


def test_regions_as_wkt_geojson_and_box_are_the_same():
    box = region_of("100.5,7.5,103.5,9.5")
    wkt = region_of("polygon ((100.5 7.5, 103.5 7.5, 103.5 9.5, 100.5 9.5, 100.5 7.5))")
    ring = "[[100.5,7.5],[103.5,7.5],[103.5,9.5],[100.5,9.5],[100.5,7.5]]"
    geo = region_of(f'{{"type": "Polygon", "coordinates": [{ring}]}}')
    parts = [cut(grid(), one) for one in (box, wkt, geo)]
    for part in parts:
        assert part.longitude.values.tolist() == [101.0, 102.0, 103.0]
        assert part.latitude.values.tolist() == [9.0, 8.0]
        np.testing.assert_array_equal(part["a1"], grid()["a1"].sel(part.coords))
    assert region_of("  ") is None


def test_beyond_a_polygon_values_are_missing_and_those_inside_as_they_were():
    whole = grid(9, 9)
    part = cut(whole, area({"type": "Polygon", "coordinates": [[[100, 2], [108, 2], [100, 10], [100, 2]]]}))
    x, y = np.meshgrid(part.longitude, part.latitude)
    inside = (x - 100) + (y - 2) <= 8
    assert part["a1"].shape == (9, 9)
    np.testing.assert_array_equal(np.isfinite(part["a1"]), inside)
    np.testing.assert_array_equal(part["a1"].values[inside], whole["a1"].values[inside])


def test_only_dimensions_that_there_are_have_sizes():
    assert sizes_of(grid()["a1"], {"latitude": 2, "time": 3}) == {"latitude": 2}
