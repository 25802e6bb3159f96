"""Retrievals whose function works on the scene as a whole: a user's own algorithm, so that nothing depends on ours."""

import dask
import numpy as np
import pytest
import xarray as xr
from conformance.data import never

import musyq_lab as ml
from musyq_lab.core.errors import InputError, MusyqError
from musyq_lab.core.quality import (
    FIRST_OWN_BIT,
    INPUT_MISSING,
    INPUT_OUT_OF_RANGE,
    NOT_DEFINED,
    OUTPUT_OUT_OF_RANGE,
    Flag,
)
from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.products import _registry
from musyq_lab.products._retrieval import algorithm

HAZY = Flag(FIRST_OWN_BIT, "hazy", "there is much aerosol")
SPEC = Product(
    key="smooth",
    title="Smoothed reflectance",
    variables=(
        Variable("smooth_red", "red", "1", valid_range=(0.0, 1.0), scale=1e-4, inputs=("toa_reflectance_red", "aod")),
        Variable("smooth_nir", "nir", "1", valid_range=(0.0, 1.0), scale=1e-4, inputs=("toa_reflectance_nir", "aod")),
    ),
    inputs=(Input("toa_reflectance_red"), Input("toa_reflectance_nir"), Input("aod", optional=True)),
    support="scene",
    partial=True,
    flags=(HAZY,),
)


def body(*, toa_reflectance_red=None, toa_reflectance_nir=None, aod=None, scene=None, variables=(), gain=1.0):
    """Take the mean of three rows, which no function of single pixels can."""
    bands = {"smooth_red": toa_reflectance_red, "smooth_nir": toa_reflectance_nir}
    made = {n: gain * bands[n].rolling(y=3, center=True, min_periods=1).mean() for n in variables}
    made |= {f"{n}_uncertainty": 0.05 * made[n] for n in variables}
    if aod is not None:
        made["hazy"] = aod > 0.5
    if scene is not None and scene.attrs.get("doubled"):
        made |= {n: 2 * made[n] for n in variables}
    return made


@pytest.fixture(autouse=True)
def smooth(monkeypatch):
    for registry in (_registry.PRODUCTS, _registry.RETRIEVALS):
        monkeypatch.setattr(registry, "_added", {})
    return algorithm(SPEC)(body)


@pytest.fixture
def scene():
    coords = {"y": [3.0, 2.0, 1.0, 0.0], "x": [0.0, 1.0, 2.0]}
    red = np.linspace(0.1, 0.2, 12).reshape(4, 3)
    layers = {
        "toa_reflectance_red": (("y", "x"), red, {"units": "1"}),
        "toa_reflectance_nir": (("y", "x"), 3 * red, {"units": "1"}),
        "aod": (("y", "x"), np.linspace(0, 1, 12).reshape(4, 3), {"units": "1"}),
    }
    return xr.Dataset(layers, coords, {"history": "opened"})


def test_the_function_sees_neighbours(scene):
    made = ml.retrieve("smooth", scene)
    inner = scene["toa_reflectance_red"].values
    np.testing.assert_allclose(made["smooth_red"][1:-1], (inner[:-2] + inner[1:-1] + inner[2:]) / 3)
    np.testing.assert_allclose(made["smooth_red_uncertainty"], 0.05 * made["smooth_red"])
    assert made["smooth_red"].attrs["units"] == "1"
    assert "smooth" in made.attrs["history"]


def test_its_own_flags_are_set(scene):
    made = ml.retrieve("smooth", scene)
    np.testing.assert_array_equal((made["smooth_qa"] & HAZY.mask) > 0, scene["aod"] > 0.5)


def test_it_gets_the_scene_and_options(scene):
    plain = ml.retrieve("smooth", scene)["smooth_red"]
    np.testing.assert_allclose(ml.retrieve("smooth", scene.assign_attrs(doubled=1))["smooth_red"], 2 * plain)
    np.testing.assert_allclose(ml.retrieve("smooth", scene, gain=3.0)["smooth_red"], 3 * plain)


def test_it_stays_lazy_and_is_the_same_in_any_chunks(scene):
    with dask.config.set(scheduler=never):
        made = ml.retrieve("smooth", scene.chunk(y=1, x=2))
    assert all(array.chunks is not None for array in made.data_vars.values())
    xr.testing.assert_identical(made.compute(), ml.retrieve("smooth", scene))


def test_a_pixel_without_input_has_no_value_and_says_why(scene):
    scene["toa_reflectance_red"][0, 0] = np.nan
    scene["toa_reflectance_red"][0, 1] = 7.0
    made = ml.retrieve("smooth", scene)
    assert np.isnan(made["smooth_red"][0, :2]).all()
    assert np.isnan(made["smooth_red_uncertainty"][0, :2]).all()
    assert np.isfinite(made["smooth_nir"]).all()
    assert made["smooth_qa"][0, 0] == INPUT_MISSING.mask
    assert made["smooth_qa"][0, 1] == INPUT_OUT_OF_RANGE.mask
    assert (made["smooth_inputs_qa"][0] == [1, 1, 0]).all()


def test_what_is_optional_costs_no_value(scene):
    scene["aod"][2, 2] = np.nan
    assert np.isfinite(ml.retrieve("smooth", scene)["smooth_red"]).all()
    assert np.isfinite(ml.retrieve("smooth", scene.drop_vars("aod"))["smooth_red"]).all()


def test_results_outside_the_range_are_removed(scene):
    made = ml.retrieve("smooth", scene, gain=2.0)
    assert np.isnan(made["smooth_nir"][-1, -1])
    assert made["smooth_qa"][-1, -1] & OUTPUT_OUT_OF_RANGE.mask
    assert not made["smooth_qa"][-1, -1] & NOT_DEFINED.mask


def test_bands_that_are_not_there_are_left_out(scene):
    made = ml.retrieve("smooth", scene.drop_vars("toa_reflectance_red"))
    assert "smooth_red" not in made
    assert "smooth_nir" in made
    with pytest.raises(InputError, match="needs toa_reflectance_red"):
        ml.retrieve("smooth", scene.drop_vars("toa_reflectance_red"), variables=["smooth_red"])
    with pytest.raises(InputError, match="needs toa_reflectance_red"):
        ml.retrieve("smooth", scene[["aod"]])


@pytest.mark.parametrize("wrong", [lambda **_: 1.0, lambda **_: {}, lambda toa_reflectance_red, **_: {"other": 1}])
def test_a_function_that_returns_something_else_is_told(scene, wrong):
    retrieval = type(ml.retrieve.smooth)(SPEC, wrong)
    with pytest.raises(MusyqError, match="Return a dict of DataArrays"):
        retrieval(scene)


# ---- all looks at a pixel make one value -----------------------------------------------------------------------------
LOOKS = Product(
    key="mean_red",
    title="Mean of the looks",
    variables=(Variable("mean_red", "mean", "1", valid_range=(0.0, 1.0), dtype="float32", fill=0),),
    inputs=(Input("reflectance_red"), Input("view_zenith")),
    support="period",
)


@pytest.fixture
def looks():
    time = np.array(["2019-07-03", "2019-07-01", "2019-07-01"], "datetime64[ns]")  # in any order, two of one day
    values = np.array([[[0.1, 0.2]], [[0.2, np.nan]], [[0.6, np.nan]]])
    layers = {
        "reflectance_red": (("time", "y", "x"), values, {"units": "1"}),
        "view_zenith": (("time",), [0.0, 10.0, 20.0], {"units": "degree"}),
    }
    return xr.Dataset(layers, {"time": time, "y": [0.0], "x": [0.0, 1.0]})


def mean(*, reflectance_red, view_zenith, time):
    assert time.shape == (3,)
    assert time[0] - time[1] == 2
    there = np.isfinite(reflectance_red) & np.isfinite(view_zenith)
    return np.where(there, reflectance_red, 0.0).sum(-1) / there.sum(-1)


def test_a_period_has_no_time(looks):
    made = algorithm(LOOKS)(mean)(looks)
    assert made["mean_red"].dims == ("y", "x")
    np.testing.assert_allclose(made["mean_red"], [[0.3, 0.2]])
    assert (made["mean_red_qa"] == 0).all()
    xr.testing.assert_identical(algorithm(LOOKS)(mean)(looks.chunk(time=1, x=1)).compute(), made)


def test_a_pixel_without_any_look_has_no_value(looks):
    looks["reflectance_red"][:, 0, 1] = np.nan
    made = algorithm(LOOKS)(mean)(looks)
    assert np.isnan(made["mean_red"][0, 1])
    assert made["mean_red_qa"][0, 1] == INPUT_MISSING.mask
    assert made["mean_red_inputs_qa"][0, 1] == 1


def test_cloudy_looks_do_not_count(looks):
    attrs = {"flag_meanings": "cloud", "flag_masks": np.array([4], "uint16")}
    looks["qa"] = (("time", "y", "x"), np.array([[[0, 0]], [[0, 0]], [[4, 0]]], "uint16"), attrs)
    np.testing.assert_allclose(algorithm(LOOKS)(mean)(looks)["mean_red"], [[0.15, 0.2]])


def test_a_product_of_reflectance_says_that_it_is_of_the_surface(scene):
    variable = Variable("reflectance_red", "red", "1", valid_range=(0.0, 1.0), dtype="float32", fill=0)
    spec = Product("surface", "Surface", (variable,), (Input("toa_reflectance_red"),))
    top = scene.assign_attrs(reflectance_level="top of atmosphere")
    made = algorithm(spec)(lambda *, toa_reflectance_red: 0.9 * toa_reflectance_red)(top)
    assert made.attrs["reflectance_level"] == "surface"
    assert ml.retrieve("smooth", top).attrs["reflectance_level"] == "top of atmosphere"


def test_a_lone_scene_is_one_look(looks):
    one = looks.isel(time=0, drop=True)
    made = algorithm(LOOKS)(lambda *, reflectance_red, view_zenith: (reflectance_red + 0 * view_zenith)[..., 0])(one)
    np.testing.assert_allclose(made["mean_red"], [[0.1, 0.2]])
    fixed = looks.assign(view_zenith=xr.DataArray(5.0, attrs={"units": "degree"}))
    made = algorithm(LOOKS)(mean)(fixed)
    np.testing.assert_allclose(made["mean_red"], [[0.3, 0.2]])
