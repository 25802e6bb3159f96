"""Regridding at its limits: identities of the weights, periodicity, order of axes and missing data."""

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.standard.cells import authalic_measure, edges
from musyq_lab.standard.regrid import axis_weights, regrid, target_axes, valid_share


def globe(rows, columns, seed=0, first=-180.0):
    latitude = 90.0 - 180.0 / rows * (np.arange(rows) + 0.5)
    longitude = first + 360.0 / columns * (np.arange(columns) + 0.5)
    values = np.random.default_rng(seed).random((rows, columns))
    return xr.DataArray(values, {"latitude": latitude, "longitude": longitude}, ("latitude", "longitude"), "g")


@pytest.mark.parametrize("method", ["mean", "bilinear", "nearest"])
def test_grid_onto_itself_changes_nothing(method):
    field = globe(6, 12)
    np.testing.assert_allclose(regrid(field, field, method), field, rtol=1e-12)


@pytest.mark.parametrize("method", ["mean", "bilinear", "nearest"])
@pytest.mark.parametrize("axis", ["latitude", "longitude"])
def test_weights_of_a_covered_cell_are_shares(axis, method):
    source, target = globe(9, 18), globe(7, 11)
    weights = axis_weights(source[axis], target[axis], axis, method).toarray()
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-12)
    assert weights.min() >= 0.0
    if method == "nearest":
        assert set(np.unique(weights)) == {0.0, 1.0}
    if method == "bilinear":
        assert (weights > 0).sum(axis=1).max() == 2


@pytest.mark.parametrize("method", ["mean", "bilinear", "nearest"])
def test_longitudes_of_0_to_360_are_the_same_globe(method):
    field = globe(6, 12)
    turned = field.roll(longitude=6, roll_coords=False).assign_coords(longitude=field.longitude.values + 180.0)
    target = globe(4, 9)
    np.testing.assert_allclose(regrid(turned, target, method), regrid(field, target, method), rtol=1e-12)


@pytest.mark.parametrize("method", ["mean", "bilinear", "nearest"])
def test_rows_may_run_either_way(method):
    field, target = globe(6, 12), globe(5, 8)
    np.testing.assert_allclose(
        regrid(field[::-1], target, method), regrid(field, target, method), rtol=1e-12, equal_nan=False
    )


def test_merging_four_cells_weighs_rows_by_area():
    field, target = globe(4, 8), globe(2, 4)
    low, high = edges(field.latitude, "latitude")
    band = authalic_measure(high) - authalic_measure(low)
    pairs = (field.values * band[:, None]).reshape(2, 2, 4, 2).sum(axis=(1, 3)) / (2 * band.reshape(2, 2).sum(axis=1))[
        :, None
    ]
    np.testing.assert_allclose(regrid(field, target), pairs, rtol=1e-12)


def test_mean_of_a_split_cell_is_the_cell():
    field, target = globe(3, 4), globe(6, 8)
    np.testing.assert_allclose(regrid(field, target), np.kron(field.values, np.ones((2, 2))), rtol=1e-12)


@pytest.mark.parametrize("method", ["mean", "bilinear", "nearest"])
def test_result_stays_within_the_range_of_the_data(method):
    field = globe(9, 18, seed=4)
    made = regrid(field, globe(13, 25), method)
    assert float(made.min()) >= float(field.min()) - 1e-12
    assert float(made.max()) <= float(field.max()) + 1e-12


def test_share_of_valid_area_and_its_threshold():
    field, target = globe(4, 8), globe(2, 4)
    field[:2, 0] = np.nan
    share = valid_share(field, target)
    assert float(share[0, 0]) == pytest.approx(0.5)
    assert float(share.sum()) == pytest.approx(7.5)
    assert np.isfinite(regrid(field, target, min_valid=0.5 - 1e-9)[0, 0])
    assert np.isnan(regrid(field, target, min_valid=0.6)[0, 0])
    np.testing.assert_allclose(
        regrid(field, target)[0, 0], regrid(field[:, 1:2].fillna(0).reindex_like(field), target)[0, 0]
    )


def test_nothing_valid_is_missing_and_not_zero():
    made = regrid(globe(4, 8) * np.nan, globe(2, 4))
    assert np.isnan(made).all()
    assert float(valid_share(globe(4, 8) * np.nan, globe(2, 4)).max()) == 0.0


def test_shares_of_all_classes_sum_to_one():
    classes = xr.where(globe(8, 16) > 0.6, 3.0, 1.0)
    made = regrid(classes, globe(3, 5), "fraction", classes=[1, 2, 3])
    assert made.dims[0] == "class"
    np.testing.assert_allclose(made.sum("class"), 1.0, rtol=1e-12)
    assert float(made.sel({"class": 2}).max()) == 0.0


@pytest.mark.parametrize("classes", [None, []])
def test_shares_need_classes(classes):
    with pytest.raises(InputError, match="needs classes="):
        regrid(globe(4, 8), globe(2, 4), "fraction", classes=classes)


def test_axes_of_a_named_grid_are_those_of_its_object():
    latitude, longitude = target_axes("0p25deg")
    assert (latitude.size, longitude.size) == (720, 1440)
    assert latitude[0] == pytest.approx(89.875)
    assert longitude[-1] == pytest.approx(179.875)
