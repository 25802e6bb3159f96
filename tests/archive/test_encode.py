import numpy as np
import pytest
from archive.samples import SPEC, dataset, one
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.archive.encode import Layer, chunk, layers, tile
from musyq_lab.core.errors import InputError


def layer(name, ds=None):
    ds = ds if ds is not None else one(name, [[0.0, 1.0]], SPEC.variable(name).units)
    return {item.name: item for item in layers(ds, SPEC)}[name]


@settings(deadline=None)
@given(st.lists(st.floats(0, 600), min_size=1))
def test_packing_errs_by_half_a_step_at_most(values):
    stored = layer("flux").pack(np.array(values))
    assert stored.dtype == np.int16
    assert np.max(np.abs(stored.astype(float) * 0.02 - values)) <= 0.01 + 1e-12


def test_missing_values_become_the_fill_value():
    assert layer("flux").pack(np.array([np.nan, 1.0])).tolist() == [-32768, 50]
    assert layer("cover").pack(np.array([np.nan, 1.0])).tolist() == [255, 250]
    assert np.isnan(layer("ratio").pack(np.array([np.nan]))[0])


@pytest.mark.parametrize(
    ("name", "bad"),
    [("flux", [-1.0, 700.0]), ("flux", [np.inf, -np.inf]), ("ratio", [2.1, -np.inf]), ("kind", [17.0, -1.0])],
)
def test_values_that_do_not_fit_are_counted_and_named(name, bad):
    with pytest.raises(InputError, match=rf"'{name}': 2 of 4 values in rows 0 to 3 cannot be stored"):
        layer(name).pack(np.array([[*bad, 1.0, np.nan]]), " in rows 0 to 3")


def test_nothing_wraps_round_where_only_the_type_limits():
    packed = layer("free", one("free", [[300.0]], "K"))
    assert packed.pack(np.array([273.15 + 327.67]))[0] == 32767
    for value in (273.15 + 327.68, 273.15 - 327.68, 1e300):  # beyond, on the fill value, far beyond
        with pytest.raises(InputError, match=r"'free': 1 of 1"):
            packed.pack(np.array([value]))


def test_an_integer_that_equals_the_fill_value_is_refused():
    with pytest.raises(InputError, match=r"'kind'"):
        layer("kind").pack(np.array([255, 3], np.uint8))


def test_float32_rounding_of_a_limit_is_no_fault():
    limited = Layer("x", np.dtype("float32"), fill=np.nan, limits=(0.0, 0.3))
    assert limited.pack(np.array([0.3], np.float32))[0] == np.float32(0.3)
    with pytest.raises(InputError):
        limited.pack(np.array([0.301], np.float32))


def test_the_uncertainty_spans_the_valid_range_in_readable_steps():
    found = layer("flux_uncertainty", dataset())
    assert (found.dtype, found.scale, found.offset, found.fill) == (np.int16, 0.02, 0.0, -32768)
    assert found.limits == (0.0, pytest.approx(655.34))
    cover = one("cover", [[0.5]]).assign(cover_uncertainty=(("latitude", "longitude"), [[0.1]]))
    assert layer("cover_uncertainty", cover).scale == 0.005  # 1 / 254 rounded up to 1, 2, 5


def test_an_uncertainty_beyond_the_whole_range_saturates_and_says_so():
    found = layer("flux_uncertainty", dataset())
    assert found.pack(np.array([1e4, np.inf, 10.0, np.nan])).tolist() == [32767, 32767, 500, -32768]
    assert found.attributes["comment"] == "the largest value, 655.34, means that much or more"
    with pytest.raises(InputError, match=r"flux_uncertainty"):
        found.pack(np.array([-1.0]))


def test_an_uncertainty_without_a_range_is_refused_when_it_does_not_fit():
    ds = one("free", [[300.0]], "K").assign(free_uncertainty=(("latitude", "longitude"), [[1.0]]))
    found = layer("free_uncertainty", ds)
    assert found.pack(np.array([0.5]))[0] == 50  # no offset: a difference, not a temperature
    with pytest.raises(InputError, match=r"free_uncertainty"):
        found.pack(np.array([400.0]))


@pytest.mark.parametrize("values", [np.array([0.0, 1.0]), np.array([-1, 0]), np.array([65536, 0])])
def test_quality_holds_bits_only(values):
    with pytest.raises(InputError, match=r"demo_qa"):
        layer("demo_qa", dataset()).pack(values)


def test_layers_come_in_the_order_of_the_spec():
    ds = dataset()[["demo_qa", "flux_uncertainty", "flux"]]
    assert [item.name for item in layers(ds, SPEC)] == ["flux", "flux_uncertainty", "demo_qa"]


def test_attributes_follow_cf():
    found = {item.name: item.attributes for item in layers(dataset(), SPEC)}
    flux = found["flux"]
    assert flux["valid_range"].dtype == np.int16  # as CF asks; other types make netCDF4-python mask good data
    assert flux["valid_range"].tolist() == [0, 30000]
    assert (flux["scale_factor"], flux["add_offset"], flux["comment"]) == (0.02, 0.0, "made up")
    assert flux["ancillary_variables"] == "flux_uncertainty demo_qa"
    assert found["demo_qa"]["flag_masks"].tolist() == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert found["demo_qa"]["flag_meanings"].split()[-1] == "own_bit"
    assert "scale_factor" not in layer("kind").attributes
    assert "ancillary_variables" not in layer("kind").attributes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ds: ds.rename(flux="flx"), "has no variable 'flx'.*Did you mean 'flux'"),
        (lambda ds: ds[["demo_qa"]], "holds no variable of the product 'demo'"),
        (
            lambda ds: ds.assign(flux=ds.flux.assign_attrs(units="MJ m-2")),
            "'flux' is in MJ m-2; the product is in W m-2",
        ),
        (lambda ds: ds.assign(flux=ds.flux.drop_attrs()), "'flux' says no units"),
        (lambda ds: ds.assign(flux_uncertainty=ds.flux_uncertainty.assign_attrs(units="1")), "flux_uncertainty"),
    ],
)
def test_a_dataset_that_is_not_the_product_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        layers(change(dataset()), SPEC)


def test_another_spelling_of_the_units_is_stored_in_the_products():
    ds = dataset()
    ds.flux.attrs["units"] = "W/m2"
    assert layer("flux", ds).attributes["units"] == "W m-2"


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"y": 18000, "x": 36000}, (250, 250)),
        ({"month": 12, "y": 720, "x": 1440}, (72, 72)),
        ({"y": 3, "x": 5}, (3, 5)),
        ({"y": 1009, "x": 1}, (253, 1)),
    ],
)
def test_chunks_serve_maps_and_series(sizes, expected):
    ds = one("kind", [[1.0]]).isel(latitude=0, longitude=0, drop=True).expand_dims(sizes)
    assert tile(ds, ["kind"]) == expected
    found = chunk(tuple(sizes.values()), expected)
    assert found[-2:] == expected
    assert found[:-2] == tuple(sizes.values())[:-2]  # the months of a pixel lie together


@settings(deadline=None)
@given(st.lists(st.integers(1, 4000), min_size=2, max_size=5), st.sampled_from([1, 2, 4, 8]))
def test_no_chunk_is_larger_than_readers_allow(shape, itemsize):
    dims = [f"d{i}" for i in range(len(shape) - 2)] + ["y", "x"]
    ds = one("kind", [[1.0]]).isel(latitude=0, longitude=0, drop=True).expand_dims(dict(zip(dims, shape, strict=True)))
    found = chunk(tuple(shape), tile(ds, ["kind"]))
    assert np.prod(found, dtype=float) * itemsize <= 4 * 2**20
    assert all(1 <= c <= s for c, s in zip(found, shape, strict=True))
