"""Zones of places at their limits: boxes over the date line, single cells, order, overlaps, countries in parts."""

import numpy as np
import pytest
import xarray as xr

from musyq_lab.analysis.regions import region_keys, resolve_region
from musyq_lab.analysis.reporting import country_zones, merged_zones, region_zones

STEP = 5.0
GRID = xr.Dataset(coords={"latitude": np.arange(87.5, -90, -STEP), "longitude": np.arange(-177.5, 180, STEP)})
ONES = np.ones((GRID.sizes["latitude"], GRID.sizes["longitude"]))
RAMP = np.arange(ONES.size, dtype=float).reshape(ONES.shape)


def box(west, south, east, north):
    return resolve_region(f"{west},{south},{east},{north}")


@pytest.mark.parametrize(
    ("edges", "cells"),
    [
        ((0, 0, 10, 10), 4.0),
        ((0, 0, 5, 5), 1.0),
        ((1, 1, 2, 2), 0.04),
        ((2.5, 0, 7.5, 5), 1.0),
        ((175, 0, -175, 5), 2.0),
        ((-180, -90, 180, 90), float(ONES.size)),
    ],
    ids=["four", "one", "inside one", "halves", "date line", "all"],
)
def test_cells_of_a_box(edges, cells):
    found = merged_zones(GRID, (box(*edges),)).sums(ONES)[0]
    # Within a cell a box is measured by its area, so that the share of a band is not that of its degrees.
    assert found == pytest.approx(cells, rel=0.01)


def test_places_keep_the_order_in_which_they_are_asked_for():
    places = [box(0, 0, 20, 20), resolve_region("CHN"), resolve_region("globe"), box(-60, -20, -40, 0)]
    straight = merged_zones(GRID, tuple(places))
    turned = merged_zones(GRID, tuple(places[::-1]))
    assert straight.zones == turned.zones[::-1] == tuple(places)
    np.testing.assert_allclose(straight.sums(RAMP), turned.sums(RAMP)[::-1])


def test_a_place_twice_is_two_zones_of_the_same():
    place = resolve_region("BRA")
    found = merged_zones(GRID, (place, place))
    assert len(found.zones) == 2
    first, second = found.sums(RAMP)
    assert first == second > 0


@pytest.mark.parametrize("key", ["FRA", "RUS", "IDN", "USA", "europe"])
def test_places_in_several_parts_are_one_zone_with_shares_up_to_one(key):
    place = resolve_region(key)
    found = merged_zones(GRID, (place,))
    assert np.unique(found.cell).size == found.cell.size  # each cell once
    assert found.fraction.min() > 0
    assert found.fraction.max() <= 1 + 1e-9
    alone = country_zones(GRID, place)
    assert alone.sums(RAMP).sum() == pytest.approx(found.sums(RAMP)[0], rel=1e-9)


def test_countries_of_a_box_are_cut_and_never_more_than_whole():
    whole = country_zones(GRID)
    cut = country_zones(GRID, box(0, 30, 40, 60))
    by_name = dict(zip((c.iso3 for c in whole.zones), whole.sums(ONES), strict=True))
    for country, cells in zip(cut.zones, cut.sums(ONES), strict=True):
        assert 0 < cells <= by_name[country.iso3] + 1e-9
    names = {country.iso3 for country in cut.zones}
    assert {"DEU", "ITA", "UKR"} <= names
    assert not names & {"BRA", "AUS", "CHN", "ZAF"}
    germany = next(i for i, c in enumerate(cut.zones) if c.iso3 == "DEU")
    assert cut.sums(ONES)[germany] == pytest.approx(by_name["DEU"])


def test_two_halves_of_a_box_hold_what_the_whole_does():
    parts = [country_zones(GRID, box(*edges)) for edges in ((0, 0, 30, 50), (30, 0, 60, 50), (0, 0, 60, 50))]
    sums = [dict(zip((c.iso3 for c in part.zones), part.sums(RAMP), strict=True)) for part in parts]
    assert set(sums[0]) | set(sums[1]) == set(sums[2])
    for name, expected in sums[2].items():
        assert sums[0].get(name, 0.0) + sums[1].get(name, 0.0) == pytest.approx(expected, rel=1e-6), name


def test_zones_of_a_part_of_the_grid_are_those_of_the_whole_there():
    part = GRID.sel(latitude=slice(60, 0), longitude=slice(0, 90))
    here = country_zones(part)
    mask = xr.DataArray(ONES, coords=GRID.coords, dims=("latitude", "longitude"))
    inside = mask.where(mask.latitude.isin(part.latitude) & mask.longitude.isin(part.longitude), 0.0).values
    whole = country_zones(GRID)
    expected = {c.iso3: s for c, s in zip(whole.zones, whole.sums(inside), strict=True) if s > 0}
    shape = (part.sizes["latitude"], part.sizes["longitude"])
    found = {c.iso3: s for c, s in zip(here.zones, here.sums(np.ones(shape)), strict=True)}
    assert set(found) == set(expected)
    for name, cells in expected.items():
        assert found[name] == pytest.approx(cells, rel=1e-6), name


def test_rows_from_south_to_north_are_the_same_countries():
    turned = GRID.sortby("latitude")
    here, there = country_zones(GRID), country_zones(turned)
    first = dict(zip((c.iso3 for c in here.zones), here.sums(RAMP), strict=True))
    second = dict(zip((c.iso3 for c in there.zones), there.sums(RAMP[::-1]), strict=True))
    assert set(first) == set(second)
    for name, value in first.items():
        assert second[name] == pytest.approx(value, rel=1e-9), name


def test_regions_do_not_share_cells_beyond_their_whole():
    zones = region_zones(GRID)
    parts = len(region_keys()) - 1
    share = np.zeros(ONES.size)
    of_parts = zones.zone < parts
    np.add.at(share, zones.cell[of_parts], zones.fraction[of_parts])
    assert share.max() <= 1 + 1e-9
    union = np.zeros(ONES.size)
    np.add.at(union, zones.cell[~of_parts], zones.fraction[~of_parts])
    np.testing.assert_allclose(union, share, atol=1e-9)


def test_a_place_at_sea_is_a_zone_and_has_no_country():
    sea = box(-140, -40, -130, -30)
    assert merged_zones(GRID, (sea,)).sums(ONES)[0] == pytest.approx(4.0, rel=0.01)
    assert country_zones(GRID, sea).zones == ()
    assert country_zones(GRID, sea).sums(ONES).shape == (0,)


def test_a_place_off_the_grid_has_nothing():
    part = GRID.sel(latitude=slice(60, 0), longitude=slice(0, 90))
    shape = (part.sizes["latitude"], part.sizes["longitude"])
    found = merged_zones(part, (box(-100, 10, -90, 20), resolve_region("BRA")))
    assert found.sums(np.ones(shape)).tolist() == [0.0, 0.0]
