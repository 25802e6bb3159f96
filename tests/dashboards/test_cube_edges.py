"""What the explorer makes of any Dataset: axes, companions, quality in sentences, turned longitudes."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.quality import COMMON_FLAGS, flag_attributes
from musyq_lab.dashboards._data import Cube, _whole_circle, cube, quality_sentences

DIMS = ("latitude", "longitude")


def grid(dims=DIMS, shape=(2, 3), **layers) -> xr.Dataset:
    names = layers or {"a": {}}
    return xr.Dataset({name: (dims, np.ones(shape), attrs) for name, attrs in names.items()})


@pytest.mark.parametrize(
    ("dims", "geographic"),
    [(("latitude", "longitude"), True), (("lat", "lon"), True), (("y", "x"), False)],
)
def test_axes_are_found_by_name(dims, geographic):
    found = cube(grid(dims))
    assert (found.y, found.x) == dims
    assert found.geographic is geographic


def test_degrees_come_before_projected_axes():
    both = xr.Dataset({"a": (("y", "x", "latitude", "longitude"), np.ones((1, 1, 2, 3)))})
    found = cube(both)
    assert (found.y, found.x) == DIMS
    assert found.steps("a") == {"y": [0], "x": [0]}


@pytest.mark.parametrize("dims", [("latitude", "row"), ("row", "longitude"), ("Latitude", "Longitude"), ("a", "b")])
def test_other_axes_are_refused_with_those_there_are(dims):
    with pytest.raises(InputError, match="has no map") as told:
        cube(grid(dims))
    assert ", ".join(dims) in str(told.value)


@pytest.mark.parametrize(("shape", "axis"), [((0, 3), "latitude"), ((2, 0), "longitude"), ((0, 0), "longitude")])
def test_an_empty_axis_is_told(shape, axis):
    with pytest.raises(InputError, match=f"empty along {axis}"):
        cube(grid(shape=shape))


def test_axes_without_a_variable_along_both_are_no_map():
    rows = xr.Dataset({"a": ("latitude", [1.0, 2.0]), "b": ("longitude", [1.0])})
    with pytest.raises(InputError, match="no variable along latitude and longitude"):
        cube(rows)


@pytest.mark.parametrize("data", [3, [1, 2], np.ones((2, 2)), {"a": 1}, object()])
def test_what_is_no_data_is_refused_by_its_type(data):
    with pytest.raises(InputError, match=f"got {type(data).__name__}"):
        cube(data)


def test_a_file_that_is_not_there_is_told_with_a_near_sample():
    with pytest.raises(NotFoundError, match="Did you mean 'ghi_merra2_monthly'"):
        cube("ghi_mera2_monthly")


def test_a_cube_stays_the_cube_it_is():
    first = cube(grid())
    assert cube(first) is first


def test_a_nameless_array_is_called_value():
    assert cube(grid()["a"].rename(None)).variables == ["value"]
    assert cube(grid()["a"]).variables == ["a"]


def test_missing_coordinates_are_counted_and_the_given_data_stay_as_they_were():
    given_data = grid()
    found = cube(given_data)
    assert found.dataset["longitude"].values.tolist() == [0, 1, 2]
    assert not given_data.coords


def test_companions_are_no_maps_of_their_own_unless_nothing_else_is():
    full = grid(a={"ancillary_variables": "extra"}, a_qa={}, a_uncertainty={}, b_standard_deviation={}, extra={})
    assert cube(full).variables == ["a"]
    assert cube(grid(a_qa={})).variables == ["a_qa"]


def test_uncertainty_comes_before_the_spread_of_days():
    both = cube(grid(a={}, a_uncertainty={}, a_standard_deviation={}))
    assert both.spread("a")[0].name == "a_uncertainty"
    assert both.spread("a")[1] == "uncertainty, one sigma"
    one = cube(grid(a={}, a_standard_deviation={}))
    assert one.spread("a")[1] == "spread of days, one sigma"
    assert cube(grid()).spread("a") == (None, "")


def test_quality_is_that_of_the_variable_and_must_define_its_bits():
    bits = flag_attributes(COMMON_FLAGS)
    assert cube(grid(a={}, a_qa={})).quality("a") is None
    assert cube(grid(a={}, a_qa=bits)).quality("a").name == "a_qa"
    assert cube(grid(a={}, b_qa=bits)).quality("a") is None
    named = grid(a={"ancillary_variables": "a_uncertainty q"}, q=bits, a_qa=bits)
    assert cube(named).quality("a").name == "q"
    product = grid(a={}, dsr_qa=bits).assign_attrs(product="dsr")
    assert cube(product).quality("a").name == "dsr_qa"


def test_steps_are_the_labels_of_the_other_dimensions():
    data = xr.Dataset({"a": (("month", "kind", *DIMS), np.ones((2, 1, 2, 3)))}, coords={"month": [3, 7]})
    assert cube(data).steps("a") == {"month": [3, 7], "kind": [0]}
    assert cube(grid()).steps("a") == {}


def codes() -> xr.DataArray:
    attrs = {"flag_values": np.array([0, 1, 5], "int8"), "flag_meanings": "good poor_input not_made"}
    return xr.DataArray([0], attrs=attrs)


@pytest.mark.parametrize(
    ("value", "said"), [(0, []), (1, ["poor input"]), (5, ["not made"]), (9, ["code 9"]), (np.nan, []), (np.inf, [])]
)
def test_codes_are_said_in_words(value, said):
    assert quality_sentences(codes(), value) == said


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**16 - 1))
def test_bits_give_one_sentence_each(value):
    layer = xr.DataArray([0], attrs=flag_attributes(COMMON_FLAGS), name="dsr_qa")
    said = quality_sentences(layer, float(value))
    assert len(said) == len(set(said)) == value.bit_count()
    known = [flag.sentence for flag in COMMON_FLAGS if value & flag.mask]
    assert said[: len(known)] == known


def circle(first: float, count: int, step: float) -> xr.Dataset:
    across = first + step * np.arange(count)
    return xr.Dataset({"a": ("longitude", across)}, coords={"longitude": across})


@settings(max_examples=50, deadline=None)
@given(st.sampled_from([0.25, 1.0, 2.5, 3.0, 5.0]))
def test_a_turned_circle_keeps_every_value_at_its_meridian(step):
    count = round(360 / step)
    turned = _whole_circle(circle(step / 2, count, step), "longitude")
    across = turned["longitude"].values
    assert across.size == count
    assert (np.diff(across) > 0).all()
    assert -180 <= across[0] < across[-1] < 180
    np.testing.assert_allclose((turned["a"].values - across) % 360 % 360, 0, atol=1e-9)


@pytest.mark.parametrize("given_data", [circle(-177.5, 72, 5.0), circle(170.0, 5, 5.0), circle(100.0, 10, 5.0)])
def test_other_longitudes_stay_as_they_are(given_data):
    xr.testing.assert_identical(_whole_circle(given_data, "longitude"), given_data)


def test_projected_axes_are_never_turned():
    metres = circle(0.0, 72, 5.0).rename(longitude="x")
    xr.testing.assert_identical(_whole_circle(metres, "x"), metres)


def test_a_cube_tells_where_it_comes_from():
    found = cube(grid().assign_attrs(title="Mine"))
    assert isinstance(found, Cube)
    assert (found.title, found.origin) == ("Mine", "in memory")
    assert cube(grid()).title == "Data in memory"
    sample = cube()
    assert "ghi_merra2_monthly" in sample.origin
    assert sample.code == 'data = ml.open_catalog()["ghi_merra2_monthly"].read()'


def test_a_file_of_ones_own_opens_by_path_and_by_its_code(tmp_path):
    grid().assign_coords(latitude=[1.0, 0.0], longitude=[0.0, 1.0, 2.0]).to_netcdf(
        tmp_path / "own.nc", engine="h5netcdf"
    )
    found = cube(tmp_path / "own.nc")
    assert (found.title, found.origin) == ("own", "own.nc")
    names: dict[str, xr.Dataset] = {}
    exec(found.code, names)
    np.testing.assert_array_equal(names["data"]["a"].values, found.dataset["a"].values)
