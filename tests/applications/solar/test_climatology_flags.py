"""The archived radiation says where the sun does not rise and where the index came from a neighbour."""

import numpy as np
import xarray as xr

import musyq_lab as ml
from musyq_lab.applications import solar
from musyq_lab.products.dsr import INDEX_FROM_NEIGHBOUR, POLAR_NIGHT

AXES = {"month": np.arange(1, 13), "latitude": [70.0, 0.0], "longitude": [10.0, 20.0]}


def layer(values, units="1"):
    return xr.DataArray(
        np.broadcast_to(values, (12, 2, 2)).astype("float32"), AXES, tuple(AXES), attrs={"units": units}
    )


def made(**given):
    clear = layer(np.where(np.arange(12)[:, None, None] == 11, [[[0.0], [300.0]]], 300.0), "W m-2")
    inputs = xr.Dataset({"clear_sky_index": layer(0.5), "clear_sky_shortwave": clear})
    if "index" in given:
        given["index"] = xr.Dataset({"source_share": layer([[0.2, 0.5], [0.9, 1.0]])})
    if "clear_sky" in given:
        given["clear_sky"] = clear
    return solar.climatology(ml.retrieve("dsr", inputs), **given)


def test_polar_night_is_marked_in_its_month_and_place_only():
    night = (made(clear_sky=True)["dsr_qa"] & POLAR_NIGHT.mask) > 0
    assert night.sel(month=12, latitude=70.0).all()
    assert int(night.sum()) == 2


def test_filled_index_is_marked_where_most_of_it_is_filled():
    filled = (made(index=True)["dsr_qa"] & INDEX_FROM_NEIGHBOUR.mask) > 0
    assert filled.sel(latitude=70.0, longitude=10.0).all()
    assert int(filled.sum()) == 12


def test_without_them_no_bit_is_set_and_the_layer_stays_as_it_was():
    qa = made()["dsr_qa"]
    assert int(qa.max()) == 0
    assert set(made(clear_sky=True, index=True)["dsr_qa"].attrs) == set(qa.attrs)
    assert made(clear_sky=True, index=True)["dsr_qa"].dtype == "uint16"


def test_annual_sum_counts_every_month_once():
    annual = made()["dsr_annual"].sel(latitude=0.0)
    np.testing.assert_allclose(annual, 150.0 * 365.2425 * 0.0864, rtol=1e-6)
