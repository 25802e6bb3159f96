"""End members of a region: beside numpy's percentiles group by group, gaps, series, wrong input."""

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.products._end_members import end_members, end_members_of

SHAPE = (40, 50)


@pytest.fixture(scope="module")
def region():
    random = np.random.default_rng(3)
    cover = xr.DataArray(random.choice([1, 10, 12], SHAPE), dims=("y", "x"))
    zone = xr.DataArray(np.repeat([[5, 9]], 25, 1).repeat(SHAPE[0], 0), dims=("y", "x"))
    ndvi = xr.DataArray(random.uniform(-0.1, 0.95, (12, *SHAPE)), dims=("time", "y", "x"))
    return ndvi.where(random.uniform(size=ndvi.shape) > 0.1), cover, zone


def test_percentiles_of_each_group_are_those_of_numpy(region):
    ndvi, cover, zone = region
    found = end_members(ndvi, cover, region=zone, percentiles=(3.0, 90.0))
    assert found.ndvi_soil.dims == ("region", "land_cover")
    for k in (5, 9):
        for c in (1, 10, 12):
            group = ((zone == k) & (cover == c)).values
            one = found.sel(region=k, land_cover=c)
            assert int(one["count"]) == group.sum()
            assert float(one.ndvi_soil) == np.percentile(np.nanmin(ndvi.values, 0)[group], 3)
            assert float(one.ndvi_vegetation) == np.percentile(np.nanmax(ndvi.values, 0)[group], 90)


def test_without_time_the_map_serves_for_both_ends(region):
    ndvi, cover, _ = region
    once = ndvi.max("time")
    found = end_members(once, cover)
    assert found.region.values.tolist() == [0]
    group = (cover == 10).values
    assert found.ndvi_soil.sel(land_cover=10).item() == np.percentile(once.values[group], 5)
    assert found.ndvi_vegetation.sel(land_cover=10).item() == np.percentile(once.values[group], 95)


def test_pixels_without_ndvi_or_class_do_not_count(region):
    ndvi, cover, _ = region
    once = ndvi.max("time")
    holed = once.where(once.x > 9)
    found = end_members(holed, cover)
    assert int(found["count"].sum()) == SHAPE[0] * 40
    unknown = end_members(once, cover.where(cover != 1))
    assert unknown.land_cover.values.tolist() == [10, 12]


def test_order_of_dimensions_does_not_matter(region):
    ndvi, cover, zone = region
    a = end_members(ndvi, cover, region=zone)
    b = end_members(ndvi.transpose("x", "time", "y"), cover.T, region=zone)
    xr.testing.assert_identical(a, b)


def test_few_pixels_give_no_end_members(region):
    ndvi, cover, _ = region
    one = cover.copy()
    one[0, 0] = 2
    found = end_members(ndvi, one, minimum_count=2)
    assert np.isnan(found.ndvi_soil.sel(land_cover=2)).all()
    assert found["count"].sel(land_cover=2).item() == 1
    assert np.isfinite(end_members(ndvi, one, minimum_count=1).ndvi_soil.sel(land_cover=2)).all()


def test_empty_region():
    nothing = xr.DataArray(np.full((3, 3), np.nan), dims=("y", "x"))
    assert end_members(nothing, nothing).sizes == {"region": 0, "land_cover": 0}


@pytest.mark.parametrize("percentiles", [(95.0, 5.0), (5.0, 5.0), (-1.0, 95.0), (5.0, 101.0)])
def test_percentiles_must_rise(region, percentiles):
    with pytest.raises(InputError, match="percentiles"):
        end_members(region[0], region[1], percentiles=percentiles)


def test_grids_must_be_one(region):
    ndvi, cover, _ = region
    moved = cover.assign_coords(x=np.arange(50) + 1000.0)
    with pytest.raises(InputError, match="one grid"):
        end_members(ndvi.assign_coords(x=np.arange(50.0)), moved)


def test_table_by_class():
    soil, full = end_members_of(np.arange(0, 19, dtype=np.float32))
    assert soil.dtype == np.float32
    nothing = np.array([0, 15, 17, 18])
    assert np.isnan(full[nothing]).all()
    assert np.isnan(soil[nothing]).all()
    some = np.setdiff1d(np.arange(19), nothing)
    assert ((full - soil)[some] > 0.7).all()
    assert (full[some] < 0.95).all()
