"""Legends and crosswalks: complete, consistent, and honest about what cannot be translated."""

import dask.array
import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.products._legends import class_attributes, crosswalk, legend, legends
from musyq_lab.twin.cover import IGBP

FROM_IGBP = ("umd", "ipcc", "lai_biomes", "lccs")


def numbers(name):
    return xr.DataArray(np.array(list(legend(name)), np.float32))


def test_igbp_is_that_of_the_simulated_earth():
    assert dict(legend("igbp")) == dict(IGBP)
    assert set(legends()) == {"igbp", "umd", "ipcc", "lai_biomes", "lccs"}


@pytest.mark.parametrize("target", FROM_IGBP)
def test_every_class_of_igbp_becomes_one_of_the_target(target):
    made = crosswalk(numbers("igbp"), "igbp", target)
    assert set(made.values.astype(int)) <= set(legend(target))
    np.testing.assert_array_equal(made.attrs["flag_values"], list(legend(target)))


@pytest.mark.parametrize("source", ["umd", "lccs"])
@pytest.mark.parametrize("target", ["igbp", "ipcc"])
def test_other_maps_lead_to_igbp_and_ipcc(source, target):
    made = crosswalk(numbers(source), source, target)
    assert set(made.values.astype(int)) <= set(legend(target))


@pytest.mark.parametrize("middle", ["umd", "lccs"])
def test_there_and_back_keeps_the_class(middle):
    back = crosswalk(crosswalk(numbers("igbp"), "igbp", middle), middle, "igbp").values.astype(int)
    # Snow and barren ground are one class of UMD; both shrublands are one of LCCS.
    lost = {"umd": {15}, "lccs": {7}}[middle]
    for before, after in zip(legend("igbp"), back.tolist(), strict=True):
        assert before == after or before in lost


def test_forests_are_forest_land_in_every_legend():
    for source in ("igbp", "umd", "lccs"):
        for number, name in legend(source).items():
            if "forest" in name or name.startswith("tree "):
                assert crosswalk(xr.DataArray([number]), source, "ipcc").values.tolist() == [1.0], name


def test_what_is_no_class_is_nan():
    made = crosswalk(xr.DataArray([0.0, 18.0, -1.0, 2.5, np.nan, 300.0, 1e9]), "igbp", "umd")
    assert np.isnan(made).all()


def test_dask_stays_lazy_and_equal():
    classes = np.random.Generator(np.random.Philox(1)).integers(1, 18, (20, 30))
    lazy = crosswalk(xr.DataArray(dask.array.from_array(classes, chunks=(7, 11))), "igbp", "lccs")
    assert lazy.chunks is not None
    np.testing.assert_array_equal(lazy.values, crosswalk(xr.DataArray(classes), "igbp", "lccs").values)


def test_what_cannot_be_translated_is_said():
    with pytest.raises(InputError, match="no way from ipcc to igbp"):
        crosswalk(numbers("ipcc"), "ipcc", "igbp")
    with pytest.raises(NotFoundError, match="Did you mean 'igbp'"):
        legend("igpb")


def test_meanings_are_words():
    words = class_attributes(legend("igbp"))["flag_meanings"].split()
    assert len(words) == 17
    assert words[13] == "cropland_and_natural_vegetation"
