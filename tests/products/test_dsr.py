"""Downward shortwave radiation from the clear-sky index: limits, units, flags."""

import numpy as np
import pytest
import xarray as xr

import musyq_lab as ml
from musyq_lab.core.errors import InputError
from musyq_lab.products.dsr import INDEX_FROM_NEIGHBOUR, POLAR_NIGHT, SPEC


def inputs(index, clear, sigma=0.0):
    return xr.Dataset(
        {
            "clear_sky_index": ("x", np.atleast_1d(np.asarray(index, float)), {"units": "1"}),
            "clear_sky_index_uncertainty": ("x", np.full(np.size(index), sigma), {"units": "1"}),
            "clear_sky_shortwave": ("x", np.atleast_1d(np.asarray(clear, float)), {"units": "W m-2"}),
        }
    )


def test_no_cloud_gives_the_clear_sky_value():
    np.testing.assert_array_equal(ml.retrieve("dsr", inputs([1, 1], [212.5, 0.0])).dsr, [212.5, 0.0])


def test_polar_night_is_zero_whatever_the_index():
    np.testing.assert_array_equal(ml.retrieve("dsr", inputs([0.2, 1.0], [0.0, 0.0])).dsr, [0.0, 0.0])


def test_a_relative_error_of_the_index_is_one_of_the_irradiance():
    made = ml.retrieve("dsr", inputs([0.5, 0.8], [300.0, 250.0], sigma=0.04))
    np.testing.assert_allclose(made.dsr_uncertainty, [12.0, 10.0], rtol=1e-12)


@pytest.mark.parametrize("units", ["MJ m-2 d-1", "kWh m-2 d-1"])
def test_daily_sums_convert_by_the_remedy_of_the_message(units):
    given = inputs([0.5], [7.2])
    given.clear_sky_shortwave.attrs["units"] = units
    with pytest.raises(InputError, match=r'da\.musyq\.to\("W m-2"\)'):
        ml.retrieve("dsr", given)
    mended = given.assign(clear_sky_shortwave=given.clear_sky_shortwave.musyq.to("W m-2"))
    seconds = {"MJ m-2 d-1": 1e6 / 86400, "kWh m-2 d-1": 1000 / 24}[units]
    np.testing.assert_allclose(ml.retrieve("dsr", mended).dsr, 0.5 * 7.2 * seconds, rtol=1e-12)


def test_more_than_the_sun_gives_is_removed():
    made = ml.retrieve("dsr", inputs([1.4, 1.4], [1200.0, 100.0]))
    assert np.isnan(made.dsr.values[0])
    assert made.dsr.values[1] == pytest.approx(140.0)


def test_own_flags_do_not_collide():
    masks = [f.mask for f in SPEC.all_flags]
    assert len(set(masks)) == len(masks)
    assert POLAR_NIGHT in SPEC.flags
    assert INDEX_FROM_NEIGHBOUR in SPEC.flags
