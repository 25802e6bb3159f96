"""What must be made first: chains of a user's own algorithms, so that nothing here depends on ours."""

import dask
import numpy as np
import pytest
import xarray as xr
from conformance.data import never

import musyq_lab as ml
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.products import _registry
from musyq_lab.products._registry import PRODUCTS
from musyq_lab.products._resolve import ordered, parts, source, upstream
from musyq_lab.products._retrieval import algorithm

BANDS = tuple(Input(f"reflectance_{role}", uncertainty=(0.01, 0.0)) for role in ("red", "nir"))


def named(key, variable, inputs, body, **more):
    """Register a product whose variable has the name of a quantity."""
    made = Product(key, key, (Variable(variable, variable, "1", dtype="float32"),), inputs, **more)
    return algorithm(made)(body)


@pytest.fixture
def own(monkeypatch):
    for registry in (_registry.PRODUCTS, _registry.RETRIEVALS):
        monkeypatch.setattr(registry, "_added", {})
    calls = []

    def index(*, reflectance_red, reflectance_nir, method, gain=1.0):
        calls.append("index")
        value = gain * (reflectance_nir - reflectance_red) / (reflectance_nir + reflectance_red)
        return value / 2 if method == "half" else value

    def cover(*, ndvi, bare=0.0):
        calls.append("cover")
        return np.clip(ndvi - bare, 0, 1)

    def light(*, fvc, ndvi):
        calls.append("light")
        return fvc * ndvi

    named("index", "ndvi", BANDS, index, methods=("plain", "half"))
    named("cover", "fvc", (Input("ndvi", source="product:index"),), cover)
    both = (Input("fvc", source="product:cover"), Input("ndvi", source="product:index"))
    named("light", "fpar", both, light)
    return calls


@pytest.fixture
def scene():
    coords = {"latitude": [1.0, 0.0], "longitude": [0.0, 1.0, 2.0]}
    values = {"reflectance_red": np.full((2, 3), 0.1), "reflectance_nir": np.linspace(0.2, 0.6, 6).reshape(2, 3)}
    variables = {n: (("latitude", "longitude"), v, {"units": "1"}) for n, v in values.items()}
    return xr.Dataset(variables, coords, {"history": "opened"})


def ndvi_of(scene):
    return (scene.reflectance_nir - scene.reflectance_red) / (scene.reflectance_nir + scene.reflectance_red)


def test_what_is_lacking_is_made_first(own, scene):
    made = ml.retrieve("light", scene)
    np.testing.assert_allclose(made.fpar, ndvi_of(scene) ** 2)
    assert set(made.data_vars) == {"fpar", "fpar_uncertainty", "light_qa", "light_inputs_qa"}


def test_history_tells_what_was_made_on_the_way(own, scene):
    lines = ml.retrieve("light", scene).attrs["history"].splitlines()
    assert lines[0] == "opened"
    assert [line.split("(")[0] for line in lines[1:]] == ["retrieve:index", "retrieve:cover", "retrieve:light"]


def test_what_is_there_is_not_made(own, scene):
    given = scene.assign(ndvi=(("latitude", "longitude"), np.full((2, 3), 0.5), {"units": "1"}))
    np.testing.assert_allclose(ml.retrieve("light", given).fpar, 0.25)
    assert "index" not in own


def test_an_input_by_keyword_wins(own, scene):
    ndvi = xr.full_like(scene.reflectance_red, 0.4).assign_attrs(units="1")
    np.testing.assert_allclose(ml.retrieve("light", scene, ndvi=ndvi).fpar, 0.16)
    assert "index" not in own


def test_uncertainty_comes_along(own, scene):
    """u(fvc) = u(ndvi) for 0 < ndvi < 1, by JCGM 100:2008 for the ratio of a difference and a sum."""
    red, nir = scene.reflectance_red, scene.reflectance_nir
    expected = 2 * np.hypot(nir * 0.01, red * 0.01) / (nir + red) ** 2
    made = ml.retrieve("cover", scene)
    np.testing.assert_allclose(made.fvc_uncertainty, expected, rtol=0.02)


def test_several_products_share_what_they_need(own, scene):
    made = ml.retrieve(["light", "index"], scene, uncertainty=False)
    assert {"fpar", "ndvi", "light_qa", "index_qa"} <= set(made.data_vars)
    assert "fvc" not in made
    assert own.count("index") == 1
    assert made.attrs["history"].count("retrieve:index") == 1


def test_methods_and_options_reach_the_product_on_the_way(own, scene):
    half = ml.retrieve("light", scene, method={"index": "half"}, bare=0.1)
    ndvi = ndvi_of(scene) / 2
    np.testing.assert_allclose(half.fpar, np.clip(ndvi - 0.1, 0, 1) * ndvi)
    several = ml.retrieve(["cover", "light"], scene, method={"index": "half"}, bare=0.1)
    np.testing.assert_allclose(several.fpar, half.fpar)
    np.testing.assert_allclose(several.fvc, np.clip(ndvi - 0.1, 0, 1))


def test_foreign_methods_and_options_are_refused(own, scene):
    with pytest.raises(InputError, match="told a method of"):
        ml.retrieve("light", scene, method={"dsr": "x"})
    with pytest.raises(InputError, match="no input or option 'bares'"):
        ml.retrieve("light", scene, bares=0.1)
    with pytest.raises(InputError, match=r"say whose method it is"):
        ml.retrieve(["light", "index"], scene, method="half")
    with pytest.raises(InputError, match="has an input or option 'bares'"):
        ml.retrieve(["light", "index"], scene, bares=0.1)
    with pytest.raises(InputError, match=r"makes a variable 'fapar'. Did you mean 'fpar'"):
        ml.retrieve(["light", "index"], scene, variables=["fapar"])


def test_variables_are_chosen_over_several_products(own, scene):
    made = ml.retrieve(["light", "index"], scene, variables=["fpar", "ndvi"], uncertainty=False)
    assert {"fpar", "ndvi"} <= set(made.data_vars)


def test_the_message_follows_the_chain(own, scene):
    with pytest.raises(InputError) as told:
        ml.retrieve("light", scene.drop_vars("reflectance_nir"))
    text = str(told.value)
    assert text.index('"light") needs ndvi') < text.index('"index") needs reflectance_nir')
    assert "product 'index'" in text


def test_a_source_that_does_not_exist_matters_only_when_it_is_needed(own, scene):
    named("alone", "evi", (Input("ndvi", source="product:nowhere"),), lambda *, ndvi: ndvi)
    ndvi = xr.full_like(scene.reflectance_red, 0.4).assign_attrs(units="1")
    np.testing.assert_allclose(ml.retrieve("alone", ndvi=ndvi).evi, 0.4)
    with pytest.raises(InputError, match="no retrieval 'nowhere'"):
        ml.retrieve("alone", scene)


def test_nothing_is_computed_on_the_way(own, scene):
    with dask.config.set(scheduler=never):
        made = ml.retrieve(["light", "index"], scene.chunk(longitude=1))
    assert all(array.chunks is not None for array in made.data_vars.values())
    np.testing.assert_array_equal(made.fpar.compute(), ml.retrieve("light", scene).fpar)


def test_optional_inputs_are_not_made(own, scene):
    named("lone", "evi", (Input("ndvi", source="product:index", optional=True), *BANDS),
          lambda *, reflectance_red, reflectance_nir, ndvi=None: reflectance_red * 0 + (ndvi is None))  # fmt: skip
    np.testing.assert_array_equal(ml.retrieve("lone", scene).evi, 1.0)


def test_a_method_needs_only_its_own_inputs(own, scene):
    methods = (Method("red", inputs=("reflectance_red",)), Method("nir", inputs=("reflectance_nir",)))
    made = named("either", "evi", BANDS, lambda *, reflectance_red=None, reflectance_nir=None: (
        reflectance_nir if reflectance_red is None else reflectance_red), methods=methods)  # fmt: skip
    lone = scene.drop_vars("reflectance_nir")
    np.testing.assert_array_equal(made(lone).evi, scene.reflectance_red)
    with pytest.raises(InputError, match="needs reflectance_nir"):
        made(lone, method="nir")


def test_order_and_edges(own):
    assert ordered(["light", "index", "cover", "light"]) == ["index", "cover", "light"]
    assert [p.key for p in upstream(PRODUCTS["light"])] == ["cover", "index"]
    assert source(Input("ndvi", source="product:vi")) == "vi"
    assert source(Input("ndvi")) == ""
    with pytest.raises(NotFoundError):
        ordered(["no_such_product"])


@pytest.mark.parametrize("key", list(PRODUCTS))
def test_shipped_products_form_no_circle_and_make_what_is_expected_of_them(key):
    assert key not in [p.key for p in upstream(PRODUCTS[key])]
    for item in PRODUCTS[key].inputs:
        if source(item):
            key, variable = parts(item)
            assert variable in {v.name for v in PRODUCTS[key].variables}, item.name


# ---- products that call a quantity by their own name -----------------------------------------------------------------
def test_a_source_may_name_the_variable(own, scene):
    item = (Input("fvc", source="product:index:ndvi"),)
    named("share", "fpar", item, lambda *, fvc: fvc)
    made = ml.retrieve("share", scene)
    np.testing.assert_array_equal(made["fpar"], ml.retrieve("index", scene)["ndvi"])
    assert source(item[0]) == "index"


@pytest.mark.parametrize(
    ("quantity", "product", "value", "units"),
    [
        ("surface_temperature", "lst", 300.0, "K"),
        ("downward_shortwave", "dsr", 500.0, "W m-2"),
        ("downward_longwave", "dlr", 350.0, "W m-2"),
    ],
)
def test_results_of_a_product_feed_the_next(own, quantity, product, value, units):
    named("twice", "ndvi", (Input(quantity),), lambda **given: given[quantity] / 1000)
    layers = {product: ("x", [value], {"units": units}), f"{product}_uncertainty": ("x", [10.0], {"units": units})}
    made = ml.retrieve("twice", xr.Dataset(layers))
    np.testing.assert_allclose(made["ndvi"], value / 1000)
    np.testing.assert_allclose(made["ndvi_uncertainty"], 0.01)


def test_variables_of_one_product_are_made_together(own, scene):
    def both(*, reflectance_red, reflectance_nir, variables):
        own.append("both")
        made = {
            "ndvi": (reflectance_nir - reflectance_red) / (reflectance_nir + reflectance_red),
            "evi": reflectance_nir,
        }
        return [made[name] for name in variables]

    variables = tuple(Variable(name, name, "1", dtype="float32") for name in ("ndvi", "evi"))
    algorithm(Product("both", "Both", variables, BANDS))(both)
    needs = (Input("ndvi", source="product:both"), Input("evi", source="product:both"))
    named("sum", "fpar", needs, lambda *, ndvi, evi: ndvi + evi)
    own.clear()
    ml.retrieve("sum", scene, uncertainty=False)
    assert own.count("both") == 6  # once: values, and again with a step up and down of either band


def test_what_a_later_product_can_use_is_made_with_what_is_needed(own, scene):
    """Where the second product on the way can use another variable of the first, it gets it, if it can be made."""
    variables = (
        Variable("ndvi", "ndvi", "1", dtype="float32", inputs=("reflectance_red", "reflectance_nir")),
        Variable("evi", "evi", "1", dtype="float32", inputs=("reflectance_nir",)),
        Variable("lswi", "lswi", "1", dtype="float32", inputs=("reflectance_swir1",)),
    )
    inputs = (*BANDS, Input("reflectance_swir1"))
    algorithm(Product("first", "First", variables, inputs))(
        lambda *, variables, **bands: [bands.get("reflectance_nir") for _ in variables]
    )
    hints = tuple(Input(name, source="product:first", optional=True) for name in ("evi", "lswi"))
    seen = []
    second = (Input("reflectance_nir"), *hints)
    named("second", "fvc", second, lambda *, reflectance_nir, **more: seen.append(set(more)) or reflectance_nir)
    last = (Input("ndvi", source="product:first"), Input("fvc", source="product:second"))
    named("last", "fpar", last, lambda *, ndvi, fvc: ndvi + fvc)
    ml.retrieve("last", scene, uncertainty=False)
    assert all("evi" in names and "lswi" not in names for names in seen)
    seen.clear()
    ml.retrieve("second", scene, uncertainty=False)
    assert seen == [set()]
