"""Every product of the registry, ours or a plug-in's, must keep the promises of the one pattern.

Nothing here knows a product by name: a new file is tested the moment it exists.
"""

import pickle
from importlib import import_module

import cloudpickle
import dask
import numpy as np
import pytest
import xarray as xr
from conformance.data import CHUNKS, example, lazily, never

from musyq_lab.archive.open import open_product
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.quality import CAUSE_DTYPE, INPUT_MISSING, INPUT_OUT_OF_RANGE, QA_DTYPE
from musyq_lab.core.units import same_units
from musyq_lab.core.variables import QUANTITIES
from musyq_lab.products._explain import explain
from musyq_lab.products._inputs import needed_inputs
from musyq_lab.products._registry import PRODUCTS
from musyq_lab.products._retrieve import retrieve

KEYS = list(PRODUCTS)


@pytest.fixture(params=KEYS, scope="module")
def spec(request):
    """Return one product after the other: all tests of one run together, and its kernels are compiled once."""
    return PRODUCTS[request.param]


@pytest.fixture
def inputs(spec):
    return example(spec)


@pytest.fixture
def everything(spec):
    return [v.name for v in spec.variables]


def needed(spec, variables=None):
    """Return the inputs that the default method cannot do without."""
    method = spec.method_names[0] if spec.methods else ""
    wanted = [spec.variable(name) for name in variables or [v.name for v in spec.variables]]
    return [item for item in needed_inputs(spec, wanted, method) if not item.optional]


def resting_on(spec, *items):
    """Return the name of a variable that needs all these inputs."""
    names = {item.name for item in items}
    return next((v.name for v in spec.variables if not v.inputs or names <= set(v.inputs)), None)


def test_there_are_products():
    assert {"dsr", "vi"} <= set(KEYS)


def test_key_is_the_name_of_module_and_function(spec):
    module = import_module(f"musyq_lab.products.{spec.key}")
    assert module.SPEC is spec
    assert getattr(module, spec.key).spec is spec


def test_names_and_units_are_of_the_nomenclature(spec):
    for item in spec.inputs:
        assert item.name in QUANTITIES
    for variable in spec.variables:
        assert same_units(variable.units, variable.units)
        assert variable.long_name
        assert variable.valid_range[0] < variable.valid_range[1]


def test_stored_integers_hold_the_valid_range(spec):
    for variable in spec.variables:
        if variable.packed:
            stored = [(value - variable.offset) / variable.scale for value in variable.valid_range]
            info = np.iinfo(variable.dtype)
            assert info.min <= min(stored)
            assert max(stored) <= info.max
            assert not min(stored) <= variable.fill <= max(stored), variable.name


def test_variables_uncertainty_and_quality_are_there(spec, inputs, everything):
    made = retrieve(spec.key, inputs, variables=everything)
    expected = {v.name for v in spec.variables} | {v.uncertainty_name for v in spec.variables if v.uncertain}
    assert set(made.data_vars) == expected | {spec.qa_name, spec.cause_name}
    assert made[spec.qa_name].dtype == QA_DTYPE
    assert made[spec.cause_name].dtype == CAUSE_DTYPE
    assert made[spec.cause_name].attrs["flag_meanings"].split() == [item.name for item in spec.inputs]
    assert made[spec.qa_name].attrs["flag_meanings"].split()[: len(spec.all_flags)]
    for variable in spec.variables:
        assert made[variable.name].attrs["units"] == variable.units
        assert made[variable.name].dims == made[spec.qa_name].dims
        assert ("year" in made[variable.name].dims) == (spec.support == "yearly")
        assert ("time" in made[variable.name].dims) == (spec.support == "series")
        assert np.isfinite(made[variable.name]).mean() > 0.5, f"{variable.name} is empty on ordinary input"
        if not variable.uncertain:
            continue
        sigma = made[variable.uncertainty_name].where(np.isfinite(made[variable.name]))
        assert float(sigma.min()) >= 0
    assert made.attrs["product"] == spec.key
    assert spec.key in made.attrs["history"]


def test_without_uncertainty_only_values_and_quality(spec, inputs):
    made = retrieve(spec.key, inputs, uncertainty=False)
    assert not [name for name in made.data_vars if str(name).endswith("_uncertainty")]


def test_lazy_input_computes_nothing(spec, inputs, everything):
    with dask.config.set(scheduler=never):
        made = retrieve(spec.key, lazily(inputs, CHUNKS[0]), variables=everything)
    assert all(array.chunks is not None for array in made.data_vars.values())


@pytest.mark.parametrize("chunks", CHUNKS, ids=str)
def test_chunks_do_not_change_a_bit(spec, inputs, everything, chunks):
    whole = retrieve(spec.key, inputs, variables=everything)
    xr.testing.assert_identical(retrieve(spec.key, lazily(inputs, chunks), variables=everything).compute(), whole)


def test_float64_and_float32_agree(spec, inputs, everything):
    single = retrieve(spec.key, inputs.astype("float32", keep_attrs=True), variables=everything, uncertainty=False)
    double = retrieve(spec.key, inputs.astype("float64", keep_attrs=True), variables=everything, uncertainty=False)
    for variable in spec.variables:
        assert single[variable.name].dtype == "float32"
        assert double[variable.name].dtype == "float64"
        both = np.isfinite(single[variable.name]) & np.isfinite(double[variable.name])
        difference = np.abs(single[variable.name] - double[variable.name]).where(both)
        size = np.abs(double[variable.name]).where(both)
        # Differences of nearly equal bands cancel: float32 leaves 1e-4 of the size for all but a few pixels.
        assert float((difference <= 1e-4 * size + 1e-4).where(both, True).mean()) > 0.95, variable.name


def test_nan_gives_nan_and_its_bit(spec, inputs, everything):
    if spec.support != "pixel":
        pytest.skip("the support is more than a pixel")
    for item in needed(spec):
        holed = inputs.copy()
        holed[item.name] = holed[item.name].where(holed[item.name].latitude != holed.latitude[0])
        made = retrieve(spec.key, holed, variables=everything).isel(latitude=0)
        assert (made[spec.qa_name] & INPUT_MISSING.mask).astype(bool).all()
        assert (made[spec.cause_name] == 1 << spec.inputs.index(item)).all()
        for variable in spec.variables:
            if not variable.inputs or item.name in variable.inputs:
                assert np.isnan(made[variable.name]).all(), (item.name, variable.name)
                assert not variable.uncertain or np.isnan(made[variable.uncertainty_name]).all()


@pytest.mark.parametrize("fault", [np.inf, -np.inf, 1e30, "scaled"])
def test_impossible_values_become_nan_and_their_bit(spec, inputs, everything, fault):
    item = needed(spec)[0]
    value = item.valid_range[1] * 1e4 + 1 if fault == "scaled" else fault
    spoiled = inputs.copy(deep=True)
    spoiled[item.name][..., 0, 0] = value
    made = retrieve(spec.key, spoiled, variables=everything).isel(latitude=0, longitude=0)
    assert (made[spec.qa_name] & INPUT_OUT_OF_RANGE.mask).astype(bool).all()
    assert (made[spec.cause_name] & 1 << spec.inputs.index(item)).astype(bool).all()
    for variable in spec.variables:
        if not variable.inputs or item.name in variable.inputs:
            assert np.isnan(made[variable.name]).all()


def test_explain_names_the_input_at_fault(spec, inputs):
    item = needed(spec, spec.default)[0]
    spoiled = inputs.copy(deep=True)
    spoiled[item.name][..., 0, 0] = np.nan
    made = retrieve(spec.key, spoiled)
    choice = {"year": made.year.values[0]} if "year" in made.dims else {}
    said = explain(made, 70, 50, **choice)
    assert any(f"The input {item.name} " in line for line in said)
    assert INPUT_MISSING.sentence.capitalize() + "." in said


@pytest.mark.parametrize("size", [(0, 5), (1, 1)])
def test_empty_and_single_pixel_input_work(spec, inputs, size):
    made = retrieve(spec.key, inputs.isel(latitude=slice(size[0]), longitude=slice(size[1])))
    assert made[spec.qa_name].shape[-2:] == size


def test_all_missing_input_works(spec, inputs):
    with xr.set_options(keep_attrs=True):
        made = retrieve(spec.key, inputs.where(False))
    assert (made[spec.qa_name] & INPUT_MISSING.mask).astype(bool).all()


def test_input_is_not_changed(spec, inputs):
    before = inputs.copy(deep=True)
    retrieve(spec.key, inputs)
    xr.testing.assert_identical(inputs, before)


def test_a_missing_input_is_named(spec, inputs):
    required = needed(spec)[0]
    wanted = resting_on(spec, required)
    with pytest.raises(InputError, match=f"needs {required.name} in"):
        retrieve(spec.key, inputs.drop_vars(required.name), variables=[wanted])


@pytest.mark.parametrize("units", ["furlong", "kg", None])
def test_wrong_or_absent_units_are_refused(spec, inputs, units):
    required = needed(spec)[0]
    wanted = resting_on(spec, required)
    spoiled = inputs.copy()
    spoiled[required.name].attrs = {} if units is None else {"units": units}
    with pytest.raises(InputError, match="got no units" if units is None else units):
        retrieve(spec.key, spoiled, variables=[wanted])


def test_unequal_grids_are_refused(spec, inputs):
    if len(needed(spec)) < 2:
        pytest.skip("one input only")
    first, second = needed(spec)[:2]
    shifted = {i.name: inputs[i.name] for i in spec.inputs}
    shifted[second.name] = inputs[second.name].assign_coords(longitude=inputs.longitude + 0.5)
    with pytest.raises(InputError, match="one grid"):
        retrieve(spec.key, variables=[resting_on(spec, first, second)], **shifted)


def test_every_method_works_says_whose_it_is_and_differs_from_the_others(spec, inputs):
    made = {name: retrieve(spec.key, inputs, method=name) for name in spec.method_names}
    values = []
    for name, result in made.items():
        variables = [v for v in spec.variables if v.name in result]
        finite = [bool(np.isfinite(result[v.name]).mean() > 0.5) for v in variables]
        assert any(finite), f"{name} is empty on ordinary input"
        assert result.attrs["method"] == name
        assert result.attrs.get("method_title", "") == spec.method(name).title
        values.append(np.concatenate([result[v.name].values.ravel() for v in variables]))
    for index, one in enumerate(values):
        assert not any(np.array_equal(one, other, equal_nan=True) for other in values[:index])


def test_unknown_names_are_refused_with_a_hint(spec, inputs):
    with pytest.raises(InputError, match="makes no variable"):
        retrieve(spec.key, inputs, variables=["no_such_variable"])
    with pytest.raises(InputError, match="no input or option"):
        retrieve(spec.key, inputs, no_such_option=1)
    with pytest.raises(InputError, match="no method"):
        retrieve(spec.key, inputs, method="no_such_method")
    with pytest.raises(NotFoundError, match=f"Did you mean '{spec.key}'"):
        retrieve(spec.key + "x", inputs)


@pytest.mark.parametrize("pickler", [pickle, cloudpickle], ids=["pickle", "cloudpickle"])
def test_retrieval_survives_pickling(spec, inputs, pickler):
    again = pickle.loads(pickler.dumps(getattr(retrieve, spec.key)))
    xr.testing.assert_identical(again(inputs), retrieve(spec.key, inputs))


def test_graph_tokens_are_deterministic(spec, inputs):
    names = [dask.base.tokenize(retrieve(spec.key, lazily(inputs, CHUNKS[0]))) for _ in range(2)]
    assert names[0] == names[1]


def test_documentation_has_inputs_source_and_equation(spec):
    module = import_module(f"musyq_lab.products.{spec.key}")
    assert len(module.__doc__.splitlines()) > 3
    assert spec.references or all(v.references for v in spec.variables)
    assert "uncertainty" in getattr(retrieve, spec.key).__doc__


def test_a_file_keeps_values_to_half_a_step_and_every_bit(spec, inputs, everything, tmp_path):
    made = retrieve(spec.key, inputs, variables=everything)
    path = write_product(made, tmp_path, edition=spec.editions[0], tile="test", period="2019001")
    back = open_product(path)
    for variable in spec.variables:
        there = np.isfinite(made[variable.name].values)
        np.testing.assert_array_equal(np.isfinite(back[variable.name].values), there)
        step = variable.scale if variable.packed else 0.0
        difference = np.abs(back[variable.name].values - made[variable.name].values)[there]
        assert (difference <= 0.5001 * step + 1e-6 * np.abs(made[variable.name].values[there])).all(), variable.name
    for bits in (spec.qa_name, spec.cause_name):
        np.testing.assert_array_equal(back[bits], made[bits])
        assert back[bits].attrs["flag_meanings"] == made[bits].attrs["flag_meanings"]
    assert back.attrs.get("method") == made.attrs.get("method")
