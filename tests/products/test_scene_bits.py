"""Cloud, snow and doubt of a scene in the quality bits of its products."""

import dask
import numpy as np
import pytest
import xarray as xr
from conformance.data import never

import musyq_lab as ml
from musyq_lab.core.quality import (
    OF_SCENE,
    SCENE_CLOUD,
    SCENE_DOUBTFUL,
    SCENE_FLAG,
    SCENE_FLAGS,
    SCENE_SNOW,
    scene_attributes,
)
from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.products._retrieval import retrieval
from musyq_lab.products._scene_bits import with_scene_bits, without_clouds

EXPECTED = {
    **dict.fromkeys(("cloud", "cloud_shadow", "cirrus", "cloud_possible"), SCENE_CLOUD.mask),
    "snow_ice": SCENE_SNOW.mask,
    **dict.fromkeys(
        ("saturated", "low_quality", "high_aerosol", "sun_glint", "terrain_shadow", "night", "outside_atmosphere"),
        SCENE_DOUBTFUL.mask,
    ),
}


def scene(*bits):
    """Return a standard scene of one row; each pixel has one value of the quality layer."""
    values = np.array([bits], "uint16")
    shape = values.shape
    stack = np.stack([np.full(shape, 0.05), np.full(shape, 0.35), np.full(shape, 0.03)]).astype("float32")
    coords = {"band": ["red", "nir", "blue"], "y": [0.0], "x": np.arange(float(len(bits)))}
    part = {name: (("band", "y", "x"), np.full_like(stack, s), {"units": "1"})
            for name, s in (("reflectance_random", 0.003), ("reflectance_systematic", 0.004))}  # fmt: skip
    layers = {
        "reflectance": (("band", "y", "x"), stack, {"units": "1"}),
        "qa": (("y", "x"), values, scene_attributes()),
    }
    return xr.Dataset({**layers, **part}, coords)


@pytest.mark.parametrize("flag", SCENE_FLAGS, ids=lambda f: f.name)
def test_each_bit_of_a_scene_becomes_what_it_means(flag):
    found = ml.retrieve("vi", scene(0, flag.mask))["vi_qa"].values[0]
    assert found.tolist() == [0, EXPECTED.get(flag.name, 0)]


def test_every_source_is_a_flag_of_scenes():
    assert {name for _, names in OF_SCENE for name in names} <= set(SCENE_FLAG)


def test_explain_says_cloud():
    made = ml.retrieve("vi", scene(0, SCENE_FLAG["cloud"].mask))
    assert ml.explain(made, 1, 0) == ["The scene shows a cloud or its shadow here, so the value is not of the ground."]


def test_explain_reads_a_lazy_product():
    lazy = ml.retrieve("vi", scene(SCENE_FLAG["snow_ice"].mask).chunk())
    assert ml.explain(lazy, 0, 0) == ["The scene shows snow or ice here."]


def test_lazy_and_equal():
    whole = scene(0, 4, 8, 16)
    with dask.config.set(scheduler=never):
        lazy = ml.retrieve("vi", whole.chunk(x=1))
    np.testing.assert_array_equal(lazy["vi_qa"].compute(), ml.retrieve("vi", whole)["vi_qa"])
    assert lazy["vi_qa"].dtype == "uint16"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda ds: ds.drop_vars("qa"),
        lambda ds: ds.assign(qa=ds.qa.astype(float)),
        lambda ds: ds.assign(qa=ds.qa.drop_attrs()),
        lambda ds: ds.assign(qa=ds.qa.expand_dims(time=2)),
    ],
)
def test_layers_that_are_no_bits_of_the_scene_change_nothing(spoil):
    ds = spoil(scene(4))
    bits = xr.zeros_like(scene(4).qa)
    xr.testing.assert_identical(with_scene_bits(bits, ds), bits)
    xr.testing.assert_identical(with_scene_bits(bits, None), bits)


def test_both_parts_of_the_uncertainty_count():
    """0.003 and 0.004 make 0.005; NDVI of 0.05 and 0.35 then has 2 sqrt(r^2 + n^2) 0.005 / (r + n)^2."""
    made = ml.retrieve("vi", scene(0), variables=["ndvi"])
    expected = 2 * np.hypot(0.05, 0.35) * 0.005 / 0.4**2
    np.testing.assert_allclose(made.ndvi_uncertainty, expected, rtol=1e-3)
    whole = scene(0)
    whole["reflectance_uncertainty"] = xr.full_like(whole.reflectance, 0.001)
    given = ml.retrieve("vi", whole, variables=["ndvi"])
    np.testing.assert_allclose(given.ndvi_uncertainty, expected / 5, rtol=1e-3)


def cube(**more):
    """Return a series of two dates and pixels, the first date of the first pixel cloudy."""
    values = np.array([[0.1, 0.5], [0.6, 0.5]], "float32")
    dates = np.array(["2019-01-05", "2019-07-05"], "datetime64[ns]")
    bits = np.array([[SCENE_FLAG["cloud"].mask, SCENE_FLAG["water"].mask], [0, 0]], "uint16")
    layers = {"ndvi": (("time", "x"), values, {"units": "1"}), "qa": (("time", "x"), bits, scene_attributes())}
    return xr.Dataset({**layers, **more}, {"time": dates, "x": [0.0, 1.0]})


def test_cloudy_dates_are_left_out_of_series():
    ds = cube()
    found = without_clouds({"ndvi": ds.ndvi, "height": xr.DataArray([1.0, 2.0], dims="x")}, ds)
    np.testing.assert_array_equal(found["ndvi"], np.array([[np.nan, 0.5], [0.6, 0.5]], "float32"))
    assert found["ndvi"].dtype == "float32"
    assert found["height"].values.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("bad", [None, cube().drop_vars("qa"), cube().isel(time=0), cube().astype(float)])
def test_without_bits_along_time_series_stay(bad):
    ds = cube()
    xr.testing.assert_identical(without_clouds({"ndvi": ds.ndvi}, bad)["ndvi"], ds.ndvi)


def test_yearly_products_do_not_see_clouds():
    spec = Product("low", "Low", (Variable("low", "low", "1", dtype="float32"),), (Input("ndvi"),), support="yearly")
    made = retrieval(spec)(lambda *, ndvi, years: np.nanmin(ndvi, axis=-1)[..., None])(cube(), uncertainty=False)
    np.testing.assert_allclose(made.low.values, [[0.6, 0.5]])
