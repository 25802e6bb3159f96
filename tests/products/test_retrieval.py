"""The decorator: what a user's own algorithm gets for free, and what it refuses."""

import inspect
from dataclasses import replace

import cloudpickle
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
from musyq_lab.core.spec import Input, Method, Product, Variable, Window
from musyq_lab.products import _registry
from musyq_lab.products._retrieval import algorithm, retrieval

RATIO = Product(
    key="ratio",
    title="Ratio of two bands",
    variables=(Variable("ratio", "ratio of two bands", "1", valid_range=(0.0, 10.0)),),
    inputs=(
        Input("reflectance_red", uncertainty=(0.01, 0.0)),
        Input("reflectance_nir", uncertainty=(0.0, 0.05)),
    ),
)


def ratio(*, reflectance_red, reflectance_nir, gain=1.0):
    """Divide near infrared by red, times a gain."""
    return gain * reflectance_nir / reflectance_red


def field(values, units="1", dims=("latitude", "longitude")):
    values = np.asarray(values, float)
    coords = {d: np.arange(n, dtype=float) for d, n in zip(dims, values.shape, strict=True)}
    return xr.DataArray(values, coords, dims, attrs={"units": units})


@pytest.fixture
def own_products(monkeypatch):
    """Forget what a test registers."""
    for registry in (_registry.PRODUCTS, _registry.RETRIEVALS):
        monkeypatch.setattr(registry, "_added", {})


@pytest.fixture
def scene():
    random = np.random.default_rng(7)
    red, nir = random.uniform(0.05, 0.2, (6, 8)), random.uniform(0.2, 0.5, (6, 8))
    return xr.Dataset({"reflectance_red": field(red), "reflectance_nir": field(nir)})


class TestUncertainty:
    def test_of_a_ratio_is_the_textbook_one(self, scene):
        made = retrieval(RATIO)(ratio)(scene)
        relative = np.hypot(0.01 / scene.reflectance_red, 0.05)
        # Second-order terms of a ratio with 20 % on the denominator stay below 5 % of sigma.
        np.testing.assert_allclose(made.ratio_uncertainty, made.ratio * relative, rtol=0.05)

    def test_given_sigma_replaces_the_default(self, scene):
        zero = field(np.zeros((6, 8)))
        made = retrieval(RATIO)(ratio)(scene.assign(reflectance_red_uncertainty=zero, reflectance_nir_uncertainty=zero))
        assert float(np.abs(made.ratio_uncertainty).max()) == 0.0

    def test_agrees_with_monte_carlo(self, scene):
        made = retrieval(RATIO)(ratio)(scene)
        random = np.random.default_rng(3)
        shape = (20000, *scene.reflectance_red.shape)
        red = scene.reflectance_red.values + 0.01 * random.standard_normal(shape)
        nir = scene.reflectance_nir.values * (1 + 0.05 * random.standard_normal(shape))
        dark = scene.reflectance_red.values < 0.12  # there the ratio is too curved for a linear propagation
        np.testing.assert_allclose(made.ratio_uncertainty.values[~dark], (nir / red).std(0)[~dark], rtol=0.05)

    def test_model_error_adds_in_squares(self, scene):
        spec = replace(RATIO, variables=(replace(RATIO.variables[0], model_uncertainty=(0.3, 0.1)),))
        base, more = retrieval(RATIO)(ratio)(scene), retrieval(spec)(ratio)(scene)
        expected = np.sqrt(base.ratio_uncertainty**2 + 0.09 + (0.1 * base.ratio) ** 2)
        np.testing.assert_allclose(more.ratio_uncertainty, expected, rtol=1e-12)


class TestQuality:
    def test_each_fault_has_its_own_bit(self, scene):
        red, nir = scene.reflectance_red.copy(), scene.reflectance_nir.copy()
        red[0, 0], red[0, 1], red[0, 2], nir[0, 2] = np.nan, 300.0, 0.0, 0.0
        red[0, 3], nir[0, 3] = 0.01, 0.5
        made = retrieval(RATIO)(ratio)(reflectance_red=red, reflectance_nir=nir)
        bits = made.ratio_qa.values[0]
        assert list(bits[:5]) == [
            INPUT_MISSING.mask, INPUT_OUT_OF_RANGE.mask, NOT_DEFINED.mask, OUTPUT_OUT_OF_RANGE.mask, 0,
        ]  # fmt: skip
        assert np.isnan(made.ratio.values[0, :4]).all()
        assert np.isfinite(made.ratio.values[0, 4:]).all()

    def test_explain_says_it_in_sentences(self, scene, own_products):
        algorithm(RATIO)(ratio)
        red = scene.reflectance_red.copy()
        red[2, 3] = np.nan
        made = ml.retrieve("ratio", scene.assign(reflectance_red=red))
        assert ml.explain(made, 3, 2) == [
            "An input is missing here, so there is no value.",
            "The input reflectance_red (surface reflectance in the red band) is missing, or not within -0.05 to 1.6.",
        ]
        assert "No quality bit" in ml.explain(made, 0, 0)[0]

    def test_explain_needs_a_quality_layer_and_every_dimension(self, scene):
        with pytest.raises(InputError, match="no '\\*_qa' layer"):
            ml.explain(scene, 0, 0)
        made = retrieval(RATIO)(ratio)(scene.expand_dims(month=[1, 2]))
        with pytest.raises(InputError, match="month"):
            ml.explain(made, 0, 0)
        assert len(ml.explain(made, 0, 0, month=2)) == 1


class TestInputs:
    def test_bands_are_taken_from_a_standard_scene(self, scene):
        stack = xr.concat([scene.reflectance_red, scene.reflectance_nir], "band").assign_coords(
            band=["red", "nir"], wavelength=("band", [0.66, 0.84])
        )
        stack.attrs["units"] = "1"
        from_stack = retrieval(RATIO)(ratio)(xr.Dataset({"reflectance": stack}))
        xr.testing.assert_equal(from_stack.drop_vars("ratio_qa"), retrieval(RATIO)(ratio)(scene).drop_vars("ratio_qa"))

    def test_a_role_that_contradicts_the_wavelength_is_refused(self, scene):
        stack = xr.concat([scene.reflectance_red, scene.reflectance_nir], "band").assign_coords(
            band=["red", "nir"], wavelength=("band", [0.84, 0.66])
        )
        stack.attrs["units"] = "1"
        with pytest.raises(InputError, match=r"0\.6-0\.695 um.*0\.84 um"):
            retrieval(RATIO)(ratio)(xr.Dataset({"reflectance": stack}))

    def test_units_can_be_declared(self, scene):
        percent = scene.reflectance_red * 100
        percent.attrs = {}
        made = retrieval(RATIO)(ratio)(scene.assign(reflectance_red=percent), units={"reflectance_red": "%"})
        np.testing.assert_allclose(made.ratio, retrieval(RATIO)(ratio)(scene).ratio, rtol=1e-12)

    def test_convertible_units_are_refused_with_the_remedy(self, scene):
        percent = (scene.reflectance_red * 100).assign_attrs(units="%")
        with pytest.raises(InputError, match=r'da\.musyq\.to\("1"\)'):
            retrieval(RATIO)(ratio)(scene.assign(reflectance_red=percent))
        assert percent.musyq.to("1").attrs["units"] == "1"

    def test_a_missing_band_lists_what_there_is(self, scene):
        with pytest.raises(InputError, match=r"needs reflectance_nir in 1; the dataset holds reflectance_red"):
            retrieval(RATIO)(ratio)(scene[["reflectance_red"]])

    def test_numpy_is_refused(self):
        with pytest.raises(InputError, match=r"must be an xarray\.DataArray"):
            retrieval(RATIO)(ratio)(reflectance_red=np.ones(3), reflectance_nir=np.ones(3))

    def test_optional_input_may_be_absent(self, scene):
        spec = replace(RATIO, inputs=(RATIO.inputs[0], replace(RATIO.inputs[1], optional=True)))

        def either(*, reflectance_red, reflectance_nir=None):
            return reflectance_red if reflectance_nir is None else reflectance_nir / reflectance_red

        alone = retrieval(spec)(either)(scene[["reflectance_red"]])
        np.testing.assert_array_equal(alone.ratio, scene.reflectance_red)


class TestOptions:
    def test_options_reach_the_body_and_the_history(self, scene):
        made = retrieval(RATIO)(ratio)(scene, gain=0.5)
        np.testing.assert_allclose(made.ratio, 0.5 * scene.reflectance_nir / scene.reflectance_red)
        assert "gain=0.5" in made.attrs["history"]

    def test_signature_and_documentation_are_its_own(self):
        made = retrieval(RATIO)(ratio)
        names = list(inspect.signature(made).parameters)
        assert names[:4] == ["ds", "reflectance_red", "reflectance_nir", "gain"]
        assert made.__doc__.startswith("Divide near infrared by red")

    def test_methods_are_checked_and_told(self, scene):
        def chosen(*, reflectance_red, reflectance_nir, method):
            return reflectance_red if method == "first" else reflectance_nir

        made = retrieval(replace(RATIO, methods=("first", "second")))(chosen)
        np.testing.assert_array_equal(made(scene).ratio, scene.reflectance_red)
        assert made(scene, method="second").attrs["method"] == "second"
        with pytest.raises(InputError, match=r"no method 'secnd'\. Did you mean 'second'"):
            made(scene, method="secnd")

    def test_a_body_that_returns_too_little_is_told(self, scene):
        spec = replace(RATIO, variables=(*RATIO.variables, Variable("other", "other", "1")))
        with pytest.raises(MusyqError, match=r"returned 1 arrays where \['ratio', 'other'\]"):
            retrieval(spec)(ratio)(scene)

    def test_a_check_sees_names_and_options_before_anything_is_computed(self, scene):
        seen = []

        def check(*, given, gain):
            seen.append((given, gain))
            if gain < 0:
                raise InputError("a gain must not be negative")

        made = retrieval(RATIO, check=check)(ratio)
        lazy = scene.chunk()
        with dask.config.set(scheduler=never):
            made(lazy, gain=2.0)
            with pytest.raises(InputError, match="must not be negative"):
                made(lazy, gain=-1.0)
        assert seen == [(frozenset({"reflectance_red", "reflectance_nir"}), 2.0), (seen[0][0], -1.0)]
        assert cloudpickle.loads(cloudpickle.dumps(made)).check is not None

    def test_quality_and_uncertainty_of_its_own(self, scene):
        flag = Flag(FIRST_OWN_BIT, "bright", "it is bright")
        spec = replace(RATIO, flags=(flag,))
        made = retrieval(
            spec,
            quality=lambda *, reflectance_red, **_: {"bright": reflectance_red > 0.1},
            uncertainty=lambda *, reflectance_red, **_: 0.5 * reflectance_red,
        )(ratio)(scene)
        np.testing.assert_array_equal((made.ratio_qa & flag.mask) > 0, scene.reflectance_red > 0.1)
        np.testing.assert_allclose(made.ratio_uncertainty, 0.5 * scene.reflectance_red)

    def test_classes_have_no_uncertainty(self, scene):
        kind = Variable("kind", "kind", "1", dtype="uint8", fill=255, valid_range=(1, 2), classes=((1, "a"), (2, "b")))
        spec = replace(RATIO, variables=(kind,))
        made = retrieval(spec)(lambda *, reflectance_red, reflectance_nir: 1.0 + (reflectance_nir > 0.35))(scene)
        assert set(made.data_vars) == {"kind", "ratio_qa", "ratio_inputs_qa"}
        assert made.kind.attrs["flag_meanings"] == "a b"
        assert set(np.unique(made.kind)) == {1.0, 2.0}

    def test_method_by_product(self, scene):
        spec = replace(RATIO, methods=("first", Method("second", "The second")))
        made = retrieval(spec)(lambda *, reflectance_red, reflectance_nir, method: (
            reflectance_red if method == "first" else reflectance_nir))  # fmt: skip
        result = made(scene, method={"ratio": "second"})
        np.testing.assert_array_equal(result.ratio, scene.reflectance_nir)
        assert result.attrs["method_title"] == "The second"


class TestSupport:
    def test_window_sees_across_chunks_and_nan_beyond_the_rim(self):
        spec = replace(RATIO, key="smooth", inputs=(Input("reflectance_red"),), support=Window(3))

        def smooth(*, reflectance_red):
            out = np.full_like(reflectance_red, np.nan)
            views = np.lib.stride_tricks.sliding_window_view(reflectance_red, (3, 3), axis=(-2, -1))
            out[..., 1:-1, 1:-1] = views.mean((-2, -1))
            return out

        red = field(np.random.default_rng(0).uniform(0, 1, (11, 13)))
        eager = retrieval(spec)(smooth)(reflectance_red=red)
        for chunks in ({"latitude": 4, "longitude": 5}, {"latitude": 2, "longitude": 13}):
            with dask.config.set(scheduler=lambda *_a, **_k: pytest.fail("computed while the graph was built")):
                lazy = retrieval(spec)(smooth)(reflectance_red=red.chunk(chunks))
            xr.testing.assert_identical(lazy.compute(), eager)
        oracle = red.rolling(latitude=3, longitude=3, center=True).mean()
        np.testing.assert_allclose(eager.ratio, oracle, rtol=1e-12)

    def test_series_is_one_chunk_along_time(self):
        spec = replace(RATIO, key="running", inputs=(Input("reflectance_red"),), support="series")

        def running(*, reflectance_red):
            return np.cumsum(reflectance_red, axis=-1)

        red = field(np.random.default_rng(0).uniform(0, 0.3, (12, 4, 5)), dims=("time", "latitude", "longitude"))
        eager = retrieval(spec)(running)(reflectance_red=red)
        lazy = retrieval(spec)(running)(reflectance_red=red.chunk(time=3, latitude=2)).compute()
        xr.testing.assert_identical(lazy, eager)
        assert eager.ratio.dims == ("time", "latitude", "longitude")
        np.testing.assert_allclose(eager.ratio, red.cumsum("time"))
        with pytest.raises(InputError, match="'time' dimension"):
            retrieval(spec)(running)(reflectance_red=red.isel(time=0, drop=True))

    def test_inputs_of_fewer_dimensions_are_spread_out(self, scene):
        monthly = scene.reflectance_nir.expand_dims(month=[1, 2, 3]) * xr.DataArray([1.0, 0.5, 0.25], dims="month")
        made = retrieval(RATIO)(ratio)(
            reflectance_red=scene.reflectance_red, reflectance_nir=monthly.assign_attrs(units="1")
        )
        assert made.ratio.dims == ("month", "latitude", "longitude")
        np.testing.assert_allclose(made.ratio, (monthly / scene.reflectance_red).transpose(*made.ratio.dims))


class TestOwnAlgorithms:
    def test_appears_like_ours(self, scene, own_products):
        algorithm(RATIO)(ratio)
        assert "ratio" in ml.PRODUCTS
        assert "ratio" in dir(ml.retrieve)
        xr.testing.assert_identical(ml.retrieve("ratio", scene), ml.retrieve.ratio(scene))
        both = ml.retrieve(["ratio", "vi"], scene.assign(reflectance_blue=field(scene.reflectance_red / 2)))
        assert {"ratio", "ndvi", "ratio_qa", "vi_qa"} <= set(both.data_vars)
        with pytest.raises(InputError, match="names no product"):
            ml.retrieve([], scene)

    def test_may_not_take_a_shipped_key(self, own_products):
        with pytest.raises(InputError, match="ships with MuSyQ Lab"):
            algorithm(replace(RATIO, key="dsr"))(ratio)

    def test_typed_in_a_notebook_reaches_a_worker(self, scene):
        namespace = {"__name__": "__main__"}
        exec("def ratio(*, reflectance_red, reflectance_nir):\n    return reflectance_nir / reflectance_red", namespace)
        made = retrieval(RATIO)(namespace["ratio"])
        xr.testing.assert_identical(cloudpickle.loads(cloudpickle.dumps(made))(scene), made(scene))

    def test_unknown_product_is_an_attribute_error_too(self):
        assert not hasattr(ml.retrieve, "no_such_product")
        assert "vi" in repr(ml.retrieve)
