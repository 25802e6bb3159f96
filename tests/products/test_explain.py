"""Quality bits in sentences: the right pixel, the right layer, and every bit accounted for."""

import numpy as np
import pytest
import xarray as xr

import musyq_lab as ml
from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import COMMON_FLAGS, FIRST_OWN_BIT, Flag, flag_attributes
from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.products import _explain
from musyq_lab.products._explain import explain, flags_of

OWN = (Flag(FIRST_OWN_BIT, "cloud", "a cloud hid the surface"), Flag(15, "snow", "snow lay on the surface"))
PROBE = Product("probe", "Probe", (Variable("v", "v", "1"),), (Input("reflectance_red"),), flags=OWN)
WELL = "No quality bit is set: the value is as good as its inputs."


def layer(values, dims=("latitude", "longitude"), flags=(*COMMON_FLAGS, *OWN)):
    return xr.Variable(dims, np.asarray(values, "u2"), flag_attributes(flags))


def product(values, axes=("latitude", "longitude"), name="probe_qa", **coords):
    """Rows run from north to south, columns from west to east, one degree apart."""
    values = np.asarray(values, "u2")
    rows, columns = values.shape[-2:]
    places = {axes[0]: np.arange(rows, 0, -1.0), axes[1]: np.arange(10.0, 10.0 + columns)}
    return xr.Dataset({name: layer(values, (*coords, *axes))}, coords | places)


@pytest.mark.parametrize("flag", COMMON_FLAGS, ids=lambda f: f.name)
def test_each_common_bit_is_one_sentence(flag):
    [said] = explain(product([[flag.mask]] * 2), 10, 1)
    assert said[0].isupper()
    assert said.endswith(".")
    assert said[1:-1] == flag.sentence[1:]


def test_every_common_bit_at_once_in_rising_order():
    mask = sum(flag.mask for flag in COMMON_FLAGS)
    said = explain(product([[mask]]), 10, 1)
    assert [line.lower() for line in said] == [f"{flag.sentence}.".lower() for flag in COMMON_FLAGS]


def test_no_bit_is_reassuring():
    assert explain(product([[0, 1]]), 10, 1) == [WELL]


@pytest.mark.parametrize(
    ("x", "y", "bit"),
    [(10, 2, 0), (11, 2, 1), (10, 1, 2), (11, 1, 3), (10.4, 1.6, 0), (10.6, 1.4, 3), (10.51, 1.9, 1)],
)
def test_nearest_pixel_counts_on_rows_that_run_south(x, y, bit):
    [said] = explain(product([[1, 2], [4, 8]]), x, y)
    assert said[1:-1] == COMMON_FLAGS[bit].sentence[1:]


def test_projected_coordinates_serve_as_well():
    ds = product([[1, 2], [4, 8]], axes=("y", "x"))
    assert explain(ds, 11, 1)[0][1:-1] == COMMON_FLAGS[3].sentence[1:]


def test_longitude_and_latitude_win_where_both_are_there():
    ds = product([[1, 2]]).assign_coords(x=5.0, y=6.0)
    assert explain(ds, 11, 1)[0][1:-1] == COMMON_FLAGS[1].sentence[1:]


def test_further_dimensions_are_chosen_by_label():
    ds = product([[[0]], [[1]], [[2]]], month=[6, 7, 8])
    assert explain(ds, 10, 1, month=6) == [WELL]
    assert explain(ds, 10, 1, month=7)[0][1:-1] == COMMON_FLAGS[0].sentence[1:]
    with pytest.raises(KeyError):
        explain(ds, 10, 1, month=1)


def test_an_open_dimension_is_asked_for():
    ds = product([[[0]], [[1]]], month=[6, 7])
    with pytest.raises(InputError, match=r"Say which of \{'month': 2\} is meant, for example month=\.\.\."):
        explain(ds, 10, 1)


def test_all_layers_are_told_in_the_order_of_the_dataset():
    ds = product([[1]])
    ds["other_qa"] = layer([[2]])
    ds["value"] = ds["probe_qa"] * 1.0
    said = explain(ds, 10, 1)
    assert [line[1:-1] for line in said] == [COMMON_FLAGS[0].sentence[1:], COMMON_FLAGS[1].sentence[1:]]


def test_without_a_quality_layer_there_is_nothing_to_explain():
    with pytest.raises(InputError, match="no '\\*_qa' layer"):
        explain(product([[0]]).rename(probe_qa="probe"), 10, 1)


def test_without_coordinates_no_place_can_be_found():
    ds = product([[0]]).drop_vars(["latitude", "longitude"])
    with pytest.raises(InputError, match=r"neither longitude/latitude nor x/y coordinates, only \[\]"):
        explain(ds, 10, 1)


# ---- bits of a product's own -----------------------------------------------------------------------------------------
def test_own_bits_of_a_registered_product_are_sentences(monkeypatch):
    monkeypatch.setattr(_explain, "PRODUCTS", {"probe": PROBE})
    said = explain(product([[OWN[0].mask | OWN[1].mask]]), 10, 1)
    assert said == ["A cloud hid the surface.", "Snow lay on the surface."]


def test_own_bits_of_a_strange_product_are_read_from_their_names():
    ds = product([[1 << 9]]).map(lambda a: a, keep_attrs=True)
    ds["probe_qa"].attrs.update(flag_attributes([Flag(9, "sun_too_low", "unused")]))
    assert explain(ds, 10, 1) == ["Sun too low."]


def test_a_bit_without_a_meaning_is_named_by_number():
    assert explain(product([[1 << 13]]), 10, 1) == ["Bit 13 is set, which this layer does not define."]


def test_layer_without_attributes_still_tells_its_bits():
    ds = product([[0b101]])
    ds["probe_qa"].attrs.clear()
    assert [line.split(" is set")[0] for line in explain(ds, 10, 1)] == ["Bit 0", "Bit 2"]


def test_attributes_of_a_layer_are_read_back_as_written():
    found = flags_of(product([[0]])["probe_qa"])
    assert [(f.bit, f.name) for f in found] == [(f.bit, f.name) for f in (*COMMON_FLAGS, *OWN)]
    assert [f.sentence for f in found[: len(COMMON_FLAGS)]] == [f.sentence for f in COMMON_FLAGS]
    assert [f.sentence for f in found[len(COMMON_FLAGS) :]] == ["cloud", "snow"]


def test_masks_and_meanings_of_different_length_are_no_flags():
    broken = product([[0]])["probe_qa"]
    broken.attrs["flag_meanings"] = "one two"
    with pytest.raises(ValueError):
        flags_of(broken)


@pytest.mark.parametrize(("x", "y"), [(8.0, 1.0), (10.0, 4.5), (15.0, 1.0)])
def test_a_place_beyond_the_map_is_refused(x, y):
    with pytest.raises(InputError, match="not on the map"):
        explain(product([[0, 0], [0, 0]]), x, y)


def test_the_outermost_pixels_reach_beyond_their_centres():
    assert explain(product([[0, 0], [0, 0]]), 9.6, 2.4) == [WELL]


def test_limits_of_a_product_are_told_where_they_are_narrower():
    """The Sun may stand at 110 degrees, but no canopy was trained there."""
    bands = {"red": 0.05, "nir": 0.4, "green": 0.07}
    layers = {f"reflectance_{role}": (("y", "x"), [[value]], {"units": "1"}) for role, value in bands.items()}
    angles = {"sun_zenith": 110.0, "view_zenith": 0.0, "relative_azimuth": 0.0}
    layers |= {name: (("y", "x"), [[value]], {"units": "degree"}) for name, value in angles.items()}
    scene = xr.Dataset(layers, {"y": [0.0], "x": [0.0]}, {"sensor": "gf1_wfv", "camera": "WFV1"})
    said = explain(ml.retrieve("lai", scene), 0, 0)
    assert "The input sun_zenith (zenith angle of the Sun) is missing, or not within 0 to 90 degree." in said
