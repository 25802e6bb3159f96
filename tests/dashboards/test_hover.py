"""What the pointer says: the fields of its text, and the formatters, run by their own arithmetic."""

import numpy as np
import pytest
import xarray as xr
from bokeh.models import CustomJSHover
from dashboards.laid import layered, projected

from musyq_lab.core.quality import COMMON_FLAGS, flag_attributes
from musyq_lab.dashboards._data import cube, quality_sentences
from musyq_lab.dashboards._hover import DEGREES, NOTHING, _number, _place, _quality_words, _words, decimals, hover
from musyq_lab.dashboards._legend import Legend

NUMBERS = Legend(("#000000", "#888888", "#ffffff"), ("< 1", "1 – 2", "≥ 2"), (1.0, 2.0))
NAMED = Legend(("#000000", "#ffffff"), ("water", "ice"), codes=(0, 7))


def tips(data, variable="a", legend=NUMBERS, **options):
    tool = hover(cube(data), variable, legend, **options)
    return dict(tool.tooltips), tool.formatters


def test_place_value_sigma_and_quality_are_told():
    said, formatters = tips(layered())
    assert said == {
        "place": "$y{custom}, $x{custom}",
        "a": "@value{custom}@sigma{custom}",
        "quality": "@quality{custom}",
    }
    fields = {name for text in said.values() for name in text.replace("{custom}", " ").replace(",", " ").split()}
    assert fields == set(formatters), "a field without a formatter would show its raw number"


def test_without_companions_there_is_value_and_place_alone():
    said, formatters = tips(layered()[["a"]])
    assert set(said) == {"place", "a"}
    assert said["a"] == "@value{custom}"
    assert formatters["@value"].args["units"] == "W m⁻²"


def test_the_unit_is_told_once_behind_sigma():
    _, formatters = tips(layered())
    assert formatters["@value"].args["units"] == ""
    assert formatters["@sigma"].args["units"] == "W m⁻²"
    assert formatters["@sigma"].args["before"] == " ± "


def test_a_continuous_picture_is_read_from_the_image_itself():
    said, formatters = tips(layered(), classed=False)
    assert said["a"].startswith("@image{custom}")
    assert "@value" not in formatters


def test_named_classes_are_words_without_unit_or_sigma():
    attrs = {"flag_values": np.array([0, 7], "int8"), "flag_meanings": "water ice", "units": "1"}
    said, formatters = tips(layered()[["a"]].assign(a=lambda d: d["a"].assign_attrs(attrs)), legend=NAMED)
    assert said["a"] == "@image{custom}"
    assert formatters["@image"].args["words"] == ["water", "ice"]


@pytest.mark.parametrize(("units", "shown"), [("1", ""), ("", ""), ("K", "K"), ("m2 m-2", "m² m⁻²")])
def test_units_are_as_people_write_them(units, shown):
    data = layered()[["a"]]
    data["a"].attrs["units"] = units
    assert tips(data)[1]["@value"].args["units"] == shown


def test_names_that_bokeh_takes_for_fields_stay_a_label():
    strange = layered()[["a"]].rename(a="@x{y} <b>")
    tool = hover(cube(strange), "@x{y} <b>", NUMBERS)
    assert tool.tooltips[1] == ("@x{y} <b>", "@value{custom}")


def test_projected_places_are_whole_metres():
    _, formatters = tips(projected())
    assert formatters["$x"].code == formatters["$y"].code == "return value.toFixed(0)"


def test_hemispheres_have_letters_of_their_axis():
    found = cube(layered())
    across, up = _place(found, "W", "E").code, _place(found, "S", "N").code
    assert "'W'" in across
    assert "'E'" in across
    assert "'S'" in up
    assert "'N'" in up
    assert DEGREES.format(digits=2, negative="S", positive="N") in up


@pytest.mark.parametrize(
    ("breaks", "least"), [((0.0, 0.25, 0.5), 2), ((0, 50, 100), 0), ((1e-4, 2e-4), 5), ((0.0, 10.0), 0)]
)
def test_a_value_has_a_digit_more_than_the_breaks_need(breaks, least):
    digits = decimals(Legend((), (), tuple(map(float, breaks))))
    assert digits >= least
    steps = np.diff(breaks)
    assert (np.round(steps, digits) == steps).all(), "neighbouring breaks are told apart"


@pytest.mark.parametrize("breaks", [(0.0, 1e-30), (0.0, 1e30), (-1e9, 1e9)])
def test_digits_stay_within_reason(breaks):
    assert 0 <= decimals(Legend((), (), breaks)) <= 6


def test_the_texts_travel_as_arguments_and_never_as_code():
    """Labels of a file may hold anything; in code they would be run."""
    bad = "'); alert(1); ('"
    for formatter in (_words([bad]), _number(bad, 1, bad, bad)):
        assert isinstance(formatter, CustomJSHover)
        assert "alert" not in formatter.code
        assert bad in str(formatter.args)


def says(formatter: CustomJSHover, value: float) -> str:
    """What the formatter of quality answers, by its arguments."""
    args = formatter.args
    if "masks" in args:
        said = [w for w, mask in zip(args["words"], args["masks"], strict=True) if int(value) & mask]
        return "; ".join(said) or "good"
    return args["words"][args["codes"].index(round(value))] if round(value) in args["codes"] else "no data"


@pytest.mark.parametrize("value", [0, 1, 16, 48, 255, 129])
def test_the_pointer_and_the_series_say_the_same_of_bits(value):
    layer = xr.DataArray([0], attrs=flag_attributes(COMMON_FLAGS), name="a_qa")
    assert says(_quality_words(layer), value) == ("; ".join(quality_sentences(layer, value)) or "good")


@pytest.mark.parametrize("value", [0, 2, 5])
def test_the_pointer_and_the_series_say_the_same_of_codes(value):
    attrs = {"flag_values": np.array([2, 0, 5], "int8"), "flag_meanings": "fine bad_input not_made"}
    layer = xr.DataArray([0], attrs=attrs, name="a_qa")
    assert says(_quality_words(layer), value) == ("; ".join(quality_sentences(layer, value)) or "good")


def test_a_single_flag_is_no_fault():
    one = xr.DataArray([0], attrs={"flag_masks": np.uint16(1), "flag_meanings": "bad_input"}, name="a_qa")
    assert _quality_words(one).args["masks"] == [1]
    code = xr.DataArray([0], attrs={"flag_values": np.int8(3), "flag_meanings": "good"}, name="a_qa")
    assert _quality_words(code).args == {"codes": [3], "words": ["good"]}


def test_a_cell_without_data_has_no_word():
    """255 is beyond the words of any legend, so the script falls back to "no data"."""
    assert len(NAMED.labels) < NOTHING
    assert "|| 'no data'" in _words(list(NAMED.labels)).code
    assert (NAMED.numbers([3, 7, 0]) == [NOTHING, 1, 0]).all()
