"""What a retrieval accepts: found by name or role, in the right units, on one grid; and what it says if not."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.products._inputs import collect, needed_inputs

RED, NIR, BLUE = Input("reflectance_red"), Input("reflectance_nir"), Input("reflectance_blue", optional=True)
SPEC = Product(
    key="probe",
    title="Probe",
    variables=(
        Variable("both", "both", "1"),
        Variable("lone", "lone", "1", inputs=("reflectance_nir",)),
        Variable("crossed", "crossed", "1", inputs=("reflectance_blue", "reflectance_red")),
    ),
    inputs=(RED, NIR, BLUE),
)


def band(value=0.2, units="1", shape=(2, 3), **coords):
    axes = {"y": np.arange(shape[0], dtype=float), "x": np.arange(shape[1], dtype=float)}
    attrs = {} if units is None else {"units": units}
    return xr.DataArray(np.full(shape, value), axes | coords, ("y", "x"), attrs=attrs, name="given")


def scene(**bands):
    return xr.Dataset(bands or {"reflectance_red": band(0.1), "reflectance_nir": band(0.4)})


def stack(roles=("red", "nir"), **coords):
    values = np.stack([np.full((2, 3), 0.1 * (i + 1)) for i in range(len(roles))])
    array = xr.DataArray(values, {"band": list(roles)} | coords, ("band", "y", "x"), attrs={"units": "1"})
    return xr.Dataset({"reflectance": array})


def names(items):
    return [item.name for item in items]


# ---- which inputs ----------------------------------------------------------------------------------------------------
def test_variables_tell_which_inputs_are_needed_in_the_order_of_the_spec():
    both, lone, crossed = SPEC.variables
    assert names(needed_inputs(SPEC, [lone])) == ["reflectance_nir"]
    assert names(needed_inputs(SPEC, [crossed])) == ["reflectance_red", "reflectance_blue"]
    assert names(needed_inputs(SPEC, [crossed, lone])) == names(SPEC.inputs)
    assert names(needed_inputs(SPEC, [both])) == names(SPEC.inputs)
    assert needed_inputs(SPEC, []) == ()


# ---- finding them ----------------------------------------------------------------------------------------------------
def test_found_by_name_without_attributes():
    found = collect(SPEC, [RED, NIR], scene(), {}, None)
    assert list(found) == ["reflectance_red", "reflectance_nir"]
    assert all(array.attrs == {} for array in found.values())
    assert float(found["reflectance_nir"].max()) == 0.4


def test_keyword_wins_over_the_dataset():
    found = collect(SPEC, [RED], scene(), {"reflectance_red": band(0.9)}, None)
    assert float(found["reflectance_red"].max()) == 0.9


def test_what_was_given_stays_as_it_was():
    given = band(10.0, "%")
    before = given.copy(deep=True)
    collect(SPEC, [RED], None, {"reflectance_red": given}, "%")
    xr.testing.assert_identical(given, before)


def test_roles_are_taken_from_a_stack_of_bands():
    found = collect(SPEC, [RED, NIR], stack(("nir", "red")), {}, None)
    assert float(found["reflectance_nir"].max()) == pytest.approx(0.1)
    assert float(found["reflectance_red"].max()) == pytest.approx(0.2)
    assert "band" not in found["reflectance_red"].coords


def test_bands_of_a_raw_scene_are_taken_by_their_role():
    raw = xr.Dataset({"red": band(0.1).assign_attrs(wavelength=0.65), "nir": band(0.5).assign_attrs(wavelength=0.86)})
    found = collect(SPEC, [RED, NIR], raw, {}, None)
    assert {name: float(array.max()) for name, array in found.items()} == {
        "reflectance_red": 0.1,
        "reflectance_nir": 0.5,
    }
    # A variable that is called like a role but tells no wavelength is no band.
    with pytest.raises(InputError, match="needs reflectance_red"):
        collect(SPEC, [RED], xr.Dataset({"red": band(0.1), "nir": band(0.5)}), {}, None)


@pytest.mark.parametrize("units", ["count", "W m-2 sr-1 um-1", None])
def test_counts_and_radiance_of_a_raw_scene_are_no_reflectance(units):
    red = band(0.1, units=units).assign_attrs(wavelength=0.65)
    with pytest.raises(InputError, match=r"reflectance_red is needed, and 'red' .* default calibration"):
        collect(SPEC, [RED], xr.Dataset({"red": red}), {}, None)


def test_variable_of_the_full_name_wins_over_the_stack():
    ds = stack().assign(reflectance_red=band(0.7).drop_vars(["y", "x"]))
    assert float(collect(SPEC, [RED], ds, {}, None)["reflectance_red"].max()) == 0.7


def test_companions_are_taken_from_the_stack_as_well():
    ds = stack()
    ds["reflectance_uncertainty"] = ds.reflectance / 10
    found = collect(SPEC, [RED, NIR], ds, {}, None)
    np.testing.assert_allclose(found["reflectance_nir_uncertainty"], 0.02)
    np.testing.assert_allclose(found["reflectance_red_uncertainty"], 0.01)


def test_methods_that_do_without_a_missing_input_are_told():
    methods = (
        Method("both", inputs=("reflectance_red", "reflectance_nir")),
        Method("lone", inputs=("reflectance_nir",)),
    )
    spec = replace(SPEC, methods=methods)
    held = scene().drop_vars("reflectance_red")
    with pytest.raises(InputError, match=r"reflectance_red=\.\.\. Without it work the methods lone: method="):
        collect(spec, needed_inputs(spec, spec.variables[:1], "both"), held, {}, None, "both")
    with pytest.raises(InputError, match=r"pass reflectance_nir=\.\.\.$"):
        collect(spec, (NIR,), scene(reflectance_red=band()), {}, None, "lone")


def test_optional_input_may_be_absent_and_is_used_if_present():
    assert "reflectance_blue" not in collect(SPEC, SPEC.inputs, scene(), {}, None)
    full = scene().assign(reflectance_blue=band(0.05))
    assert float(collect(SPEC, SPEC.inputs, full, {}, None)["reflectance_blue"].max()) == 0.05


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        (None, "the dataset holds nothing"),
        (xr.Dataset(), "the dataset holds nothing"),
        (xr.Dataset({"b4": band()}), "the dataset holds b4"),
        (stack(("green", "swir1")), r"holds reflectance \(bands green, swir1\)"),
    ],
)
def test_missing_input_is_named_with_what_is_there(dataset, words):
    with pytest.raises(InputError, match=rf'retrieve\("probe"\) needs reflectance_red in 1; .*{words}'):
        collect(SPEC, [RED], dataset, {}, None)


@pytest.mark.parametrize("wrong", [np.ones((2, 3)), 0.3, [0.1], None])
def test_only_labelled_arrays_are_taken(wrong):
    with pytest.raises(InputError, match=rf"must be an xarray.DataArray .* got {type(wrong).__name__}"):
        collect(SPEC, [RED], None, {"reflectance_red": wrong}, None)


# ---- units -----------------------------------------------------------------------------------------------------------
def test_missing_units_are_refused_with_the_way_out():
    with pytest.raises(
        InputError, match=r'needs reflectance_red in 1, got no units .*units=\{"reflectance_red": "..."'
    ):
        collect(SPEC, [RED], None, {"reflectance_red": band(units=None)}, None)


def test_convertible_units_are_not_converted_silently():
    with pytest.raises(InputError, match=r'got % .*convert it with da.musyq.to\("1"\)'):
        collect(SPEC, [RED], None, {"reflectance_red": band(20.0, "%")}, None)


def test_units_of_another_quantity_offer_no_conversion():
    with pytest.raises(InputError, match="got K") as caught:
        collect(SPEC, [RED], None, {"reflectance_red": band(300.0, "K")}, None)
    assert "musyq.to" not in str(caught.value)


@pytest.mark.parametrize("units", ["%", {"reflectance_red": "%"}])
def test_declared_units_convert(units):
    found = collect(SPEC, [RED], None, {"reflectance_red": band(20.0, None)}, units)
    np.testing.assert_allclose(found["reflectance_red"], 0.2)


def test_declared_units_win_over_the_attribute_for_the_input_they_name():
    ds = scene(reflectance_red=band(20.0, "1"), reflectance_nir=band(0.4, "1"))
    found = collect(SPEC, [RED, NIR], ds, {}, {"reflectance_red": "%"})
    np.testing.assert_allclose(found["reflectance_red"], 0.2)
    np.testing.assert_allclose(found["reflectance_nir"], 0.4)


def test_companion_in_its_own_units_is_converted_as_a_difference():
    spec = Product("warm", "Warm", (Variable("warm", "warm", "K"),), (Input("air_temperature"),))
    given = {"air_temperature": band(300.0, "K"), "air_temperature_uncertainty": band(0.5, "degC")}
    found = collect(spec, spec.inputs, None, given, None)
    np.testing.assert_allclose(found["air_temperature_uncertainty"], 0.5)


def test_companion_without_units_is_in_those_of_the_input():
    given = {"reflectance_red": band(0.2), "reflectance_red_uncertainty": band(0.01, None)}
    np.testing.assert_allclose(collect(SPEC, [RED], None, given, None)["reflectance_red_uncertainty"], 0.01)


# ---- roles and grids -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("centre", [0.600, 0.645, 0.695])
def test_wavelength_within_the_role_is_accepted(centre):
    found = collect(SPEC, [RED], None, {"reflectance_red": band(wavelength=centre)}, None)
    assert "wavelength" not in found["reflectance_red"].coords


@pytest.mark.parametrize("centre", [0.55, 0.865, 645.0])
def test_wavelength_that_contradicts_the_name_is_refused(centre):
    with pytest.raises(InputError, match=rf"centre lies within 0.6-0.695 um, but the band given is at {centre:g} um"):
        collect(SPEC, [RED], None, {"reflectance_red": band(wavelength=centre)}, None)


def test_swapped_bands_of_a_stack_are_noticed():
    ds = stack(("nir", "red"), wavelength=("band", [0.66, 0.86]))
    with pytest.raises(InputError, match="reflectance_red"):
        collect(SPEC, [RED, NIR], ds, {}, None)


@pytest.mark.parametrize(
    "other",
    [band(shape=(2, 4)), band().assign_coords(x=[0.0, 1.0, 2.5]), band().isel(y=slice(None, None, -1))],
    ids=["size", "coordinates", "order"],
)
def test_inputs_on_different_grids_are_refused_and_not_cut_to_what_they_share(other):
    with pytest.raises(InputError, match=r"needs all inputs on one grid .*Regrid them first"):
        collect(SPEC, [RED, NIR], None, {"reflectance_red": band(), "reflectance_nir": other}, None)


def test_companion_must_lie_on_the_grid_too():
    given = {"reflectance_red": band(), "reflectance_red_uncertainty": band(0.01, shape=(3, 3))}
    with pytest.raises(InputError, match="reflectance_red_uncertainty"):
        collect(SPEC, [RED], None, given, None)


def test_scalar_coordinates_that_differ_do_no_harm():
    given = {"reflectance_red": band(time=1, platform="A"), "reflectance_nir": band(time=2, platform="B")}
    found = collect(SPEC, [RED, NIR], None, given, None)
    total = found["reflectance_red"] + found["reflectance_nir"]
    assert set(total.coords) == {"y", "x"}
    assert total.shape == (2, 3)


def test_inputs_with_fewer_dimensions_belong_to_the_grid():
    given = {"reflectance_red": band(), "reflectance_nir": band().isel(y=0, drop=True)}
    assert collect(SPEC, [RED, NIR], None, given, None)["reflectance_nir"].dims == ("x",)


def test_what_an_input_follows_from_is_taken_in_the_units_that_are_told():
    deficit = Input("vapour_pressure_deficit")
    spec = Product(key="probe", title="Probe", variables=(Variable("dry", "dry", "1"),), inputs=(deficit,))
    air = {"relative_humidity": band(0.5), "air_temperature": band(293.15, units="K")}
    expected = collect(spec, [deficit], xr.Dataset(air), {}, None)["vapour_pressure_deficit"]
    for attribute in (None, "K"):  # missing, and wrong
        scene_in_celsius = xr.Dataset(air | {"air_temperature": band(20.0, units=attribute)})
        found = collect(spec, [deficit], scene_in_celsius, {}, {"air_temperature": "degC"})
        xr.testing.assert_allclose(found["vapour_pressure_deficit"], expected)
