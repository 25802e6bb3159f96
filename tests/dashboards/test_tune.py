"""Controls of a retrieval: what is set is computed, the start stays to compare with, the code repeats it."""

import asyncio
import base64
import io
import re
from typing import Literal

import ipywidgets
import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.dashboards import tune as module
from musyq_lab.dashboards.tune import tune
from musyq_lab.products._registry import PRODUCTS, RETRIEVALS
from musyq_lab.products._retrieval import algorithm

KEY = "tuned_index"


@pytest.fixture(autouse=True)
def own():
    spec = Product(
        KEY, "Tuned index", (Variable("index", "index", "1", dtype="float32"), Variable("other", "other", "1")),
        (Input("reflectance_red"), Input("reflectance_nir")), methods=("plain", "squared"), default=("index",),
    )  # fmt: skip

    def body(
        *, reflectance_red, reflectance_nir, variables, method, gain=1.5, soil=0.1, count=3,
        sign: Literal["plus", "minus"] = "plus", flip=False, offset=None,
    ):  # fmt: skip
        if gain > 2.9:
            raise InputError("A gain of <3> is too much.")
        made = gain * (reflectance_nir - reflectance_red) + (soil if sign == "plus" else -soil)
        made = made**2 if method == "squared" else made
        made = (1 if offset is None else offset) * (-made if flip else made)
        return tuple(made if name == "index" else 0 * made for name in variables)

    algorithm(spec)(body)
    yield
    for registry in (PRODUCTS, RETRIEVALS):
        registry._added.pop(KEY, None)


def scene(rows=6, columns=8, fill=None):
    rng = np.random.default_rng(1)
    axes = {"y": 30.0 * np.arange(rows)[::-1], "x": 30.0 * np.arange(columns)}
    made = {}
    for name, low in (("reflectance_red", 0.05), ("reflectance_nir", 0.3)):
        values = low + 0.1 * rng.random((rows, columns)) if fill is None else np.full((rows, columns), fill)
        made[name] = xr.DataArray(values, dims=("y", "x"), coords=axes, attrs={"units": "1"})
    return xr.Dataset(made)


def picture(html):
    from PIL import Image

    data = re.search(r"base64,([^']+)'", html)[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_controls_follow_from_the_signature():
    tuner = tune(KEY, scene())
    kinds = {name: type(control).__name__ for name, control in tuner.controls.items()}
    assert kinds == {
        "method": "Dropdown", "gain": "FloatSlider", "soil": "FloatSlider", "count": "IntSlider", "sign": "Dropdown",
        "flip": "Checkbox", "offset": "Text",
    }  # fmt: skip
    assert tuner.controls["sign"].options == ("plus", "minus")
    gain, soil = tuner.controls["gain"], tuner.controls["soil"]
    assert (gain.min, gain.max, soil.min, soil.max) == (0, 3, 0, 1)
    assert isinstance(tuner, ipywidgets.DOMWidget)
    assert tuner.shown.options[0] == "index"


def test_what_is_set_is_what_is_computed():
    data = scene()
    tuner = tune(KEY, data, soil=0.2)
    tuner.controls["gain"].value = 2.0
    tuner.controls["method"].value = "squared"
    tuner.controls["flip"].value = True
    tuner.controls["offset"].value = "2"
    expected = -2 * (2.0 * (data.reflectance_nir - data.reflectance_red) + 0.2) ** 2
    np.testing.assert_allclose(tuner.retrieve()["index"], expected, rtol=1e-6)
    np.testing.assert_allclose(tuner._layer(), expected, rtol=1e-6)


def test_the_code_names_what_differs_and_repeats_it():
    data = scene()
    tuner = tune(KEY, data)
    assert tuner.code() == f'ml.retrieve("{KEY}", scene)'
    tuner.controls["gain"].value = 2.0
    tuner.controls["sign"].value = "minus"
    assert tuner.code() == f'ml.retrieve("{KEY}", scene, gain=2.0, sign="minus")'
    assert tuner.code_box.value == tuner.code()
    import musyq_lab as ml

    again = eval(tuner.code(), {"ml": ml, "scene": data})
    xr.testing.assert_identical(again, tuner.retrieve())


def test_the_start_stays_to_compare_with_and_comes_back():
    tuner = tune(KEY, scene(), gain=1.0)
    start = tuner.map.value
    assert "mean +0," in tuner.difference.value
    tuner.controls["soil"].value = 0.6
    assert "mean +0.5," in tuner.difference.value
    assert tuner.histogram.value.count("<rect") == 40
    tuner.reset()
    assert tuner.map.value == start
    assert tuner.controls["gain"].value == 1.0, "the start is what was given"


def test_a_mistake_is_told_and_the_last_view_stays():
    tuner = tune(KEY, scene())
    before = tuner.map.value
    tuner.controls["gain"].value = 3.0
    assert "A gain of &lt;3&gt; is too much." in tuner.status.value
    assert tuner.map.value == before
    tuner.controls["gain"].value = 1.0
    assert "48 with a value" in tuner.status.value
    assert tuner.map.value


def test_many_changes_at_once_are_computed_once():
    async def drag():
        tuner = tune(KEY, scene())
        first = tuner.computed
        for gain in np.linspace(1.6, 2.4, 20):
            tuner.controls["gain"].value = float(gain)
        during = tuner.computed - first
        await asyncio.sleep(3 * module._WAIT)
        return during, tuner.computed - first, tuner.parameters["gain"], tuner.code_box.value

    during, after, gain, code = asyncio.run(drag())
    assert (during, after) == (0, 1)
    assert f"gain={gain!r}" in code


def test_of_a_large_scene_the_middle_is_looked_at():
    tuner = tune(KEY, scene(300, 200))
    assert dict(tuner._part.sizes) == {"y": module.SIDE, "x": module.SIDE}
    assert float(tuner._part.y[0]) == float(scene(300, 200).y[86])
    assert tuner.retrieve()["index"].shape == (300, 200)


def test_the_picture_has_the_scene_s_rows_north_up_and_grey_where_nothing_is():
    data = scene(4, 5)
    data["reflectance_red"][0, 0] = np.nan
    tuner = tune(KEY, data)
    shown = picture(tuner.map.value)
    assert shown.shape == (4, 5, 3)
    assert tuple(shown[0, 0]) == (225, 225, 225)
    turned = tune(KEY, data.isel(y=slice(None, None, -1)))
    np.testing.assert_array_equal(picture(turned.map.value), shown)
    assert "alt='Now: index" in tuner.map.value


def test_another_variable_has_a_start_of_its_own():
    tuner = tune(KEY, scene())
    tuner.controls["soil"].value = 0.9
    tuner.shown.value = "other"
    assert "mean +0," in tuner.difference.value
    assert "other" in tuner.map.value


@pytest.mark.parametrize("shape", [(1, 1), (1, 5)])
def test_one_pixel_and_one_row(shape):
    tuner = tune(KEY, scene(*shape))
    assert picture(tuner.map.value).shape == (*shape, 3)


def test_nothing_but_missing_values_is_told():
    tuner = tune(KEY, scene(fill=np.nan))
    assert "No value in this part" in tuner.histogram.value
    assert " 0 with a value" in tuner.status.value


def test_a_scene_that_lacks_an_input_is_told_in_the_widget():
    tuner = tune(KEY, scene()[["reflectance_red"]])
    assert "reflectance_nir" in tuner.status.value
    filled = tune(KEY, scene()[["reflectance_red"]], reflectance_nir=scene()["reflectance_nir"])
    assert "48 with a value" in filled.status.value
    assert "reflectance_nir=reflectance_nir" in filled.code()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"gian": 1}, InputError, "Did you mean 'gain'"),
        ({"gain": 99, "ranges": {"gain": (0, 1)}}, InputError, "outside its slider"),
        ({"method": "cubed"}, InputError, "none of plain, squared"),
        ({"ranges": {"gian": (0, 1)}}, InputError, "no parameter 'gian'"),
    ],
)
def test_parameters_that_there_are_not_are_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        tune(KEY, scene(), **arguments)


def test_sliders_can_be_given_other_ends():
    assert tune(KEY, scene(), gain=0.5).controls["gain"].max == 3, "its own value stays in reach"
    tuner = tune(KEY, scene(), gain=50, ranges={"gain": (0, 100)})
    assert (tuner.controls["gain"].max, tuner.controls["gain"].value) == (100, 50)


def test_unknown_algorithms_and_other_things_than_scenes():
    with pytest.raises(NotFoundError, match="Did you mean 'lai'"):
        tune("laii", scene())
    with pytest.raises(InputError, match="needs a Dataset"):
        tune(KEY, np.zeros((3, 3)))


def test_no_picture_asks_the_network():
    tuner = tune(KEY, scene())
    assert not re.search(r"https?://", tuner.map.value + tuner.difference.value + tuner.histogram.value)
