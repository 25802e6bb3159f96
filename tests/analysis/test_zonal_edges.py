"""Zones at their limits: overlaps, empty sets, order of rows, missing cells, and identities of the sums."""

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon, box

from musyq_lab.analysis.area import cell_area
from musyq_lab.analysis.coverage import polygon_coverage
from musyq_lab.analysis.regions import Region, resolve_region
from musyq_lab.analysis.totals import Z95, interval, total
from musyq_lab.analysis.zonal import ZoneFractions, region_mask, zonal, zone_fractions
from musyq_lab.core.errors import InputError
from musyq_lab.standard.cells import authalic_measure


def window(rows=6, columns=8, step=2.0, west=0.0, south=0.0, *, northward=False):
    """Field of ones; rows run south unless told otherwise."""
    latitude = south + step * (np.arange(rows) + 0.5)
    longitude = west + step * (np.arange(columns) + 0.5)
    axes = {"latitude": latitude if northward else latitude[::-1], "longitude": longitude}
    return xr.DataArray(np.ones((rows, columns)), axes, ("latitude", "longitude"))


WINDOW = window()


# ---- fractions -------------------------------------------------------------------------------------------------------
def test_polygons_that_tile_the_window_share_every_cell_without_rest():
    parts = {"a": box(0, 0, 3, 12), "b": box(3, 0, 16, 5), "c": box(3, 5, 16, 12)}
    found = zone_fractions(parts, WINDOW)
    np.testing.assert_allclose(found.mask(), 1.0, atol=1e-9)
    whole = float(cell_area(WINDOW).sum())
    assert found.sums(cell_area(WINDOW).values).sum() == pytest.approx(whole, rel=1e-9)


def test_order_of_the_rows_does_not_matter():
    triangle = {"t": Polygon([(1, 1), (13, 3), (5, 11)])}
    south, north = zone_fractions(triangle, WINDOW).mask(), zone_fractions(triangle, window(northward=True)).mask()
    np.testing.assert_allclose(south, north.sortby("latitude", ascending=False), atol=1e-12)
    assert 0.0 < float(south.sum()) < south.size


def test_same_polygon_twice_is_shared_half_and_half():
    square = box(2, 2, 6, 6)
    found = zone_fractions({"one": square, "two": square}, WINDOW)
    np.testing.assert_allclose(found.fraction, 0.5, rtol=1e-9)
    assert float(found.mask().max()) <= 1.0
    np.testing.assert_allclose(*found.sums(np.ones(found.shape)))


def test_polygon_turned_by_360_degrees_is_the_same_place():
    there = Polygon([(361, 1), (373, 3), (365, 11)])
    here = Polygon([(1, 1), (13, 3), (5, 11)])
    found = [zone_fractions({0: shape}, WINDOW).mask() for shape in (here, there)]
    np.testing.assert_allclose(found[0], found[1], atol=1e-9)


def test_half_a_cell_by_longitude_is_half_its_share():
    found = zone_fractions({"half": box(0, 0, 1, 2)}, WINDOW)
    assert found.fraction.tolist() == pytest.approx([0.5])
    assert found.cell.tolist() == [5 * 8]


def test_part_of_a_cell_by_latitude_is_measured_on_the_ellipsoid():
    field = window(rows=2, columns=2, step=20.0, south=50.0)
    [share] = zone_fractions({"south": box(0, 50, 20, 60)}, field).fraction
    q50, q60, q70 = authalic_measure([50.0, 60.0, 70.0])
    assert share == pytest.approx((q60 - q50) / (q70 - q50), rel=1e-9)
    assert share > 0.55


def test_no_polygon_and_a_polygon_elsewhere_give_nothing():
    nothing = zone_fractions({}, WINDOW)
    assert nothing.zones == ()
    assert float(nothing.mask().sum()) == 0.0
    elsewhere = zone_fractions({"far": box(100, -50, 110, -40)}, WINDOW)
    assert elsewhere.sums(np.ones(elsewhere.shape)).tolist() == [0.0]
    assert zonal(WINDOW, elsewhere)["area"].tolist() == [0.0]


def test_polygon_round_the_window_covers_it_whole():
    np.testing.assert_allclose(zone_fractions({0: box(-30, -30, 60, 60)}, WINDOW).mask(), 1.0, atol=1e-9)


@settings(max_examples=12, deadline=None)
@given(st.floats(0.1, 7.9), st.floats(0.1, 5.9), st.floats(8.1, 15.9), st.floats(6.1, 11.9))
def test_any_box_has_the_area_of_the_closed_form(west, south, east, north):
    found = zone_fractions({0: box(west, south, east, north)}, WINDOW)
    area = found.sums(cell_area(WINDOW).values)[0]
    one = cell_area([(south + north) / 2], [0.0], latitude_bounds=[[south, north]], longitude_bounds=[[west, east]])
    assert area == pytest.approx(float(one[0, 0]), rel=1e-7)


def test_shares_and_places_of_a_polygon_are_within_the_grid():
    x, y = np.arange(0.0, 17.0, 2.0), authalic_measure(np.arange(0.0, 13.0, 2.0))
    row, column, share = polygon_coverage(Polygon([(-5, 3), (9, -4), (20, 6), (7, 15)]), x, y)
    assert row.min() >= 0
    assert row.max() <= y.size - 2
    assert column.min() >= 0
    assert column.max() <= x.size - 2
    assert share.min() > 0.0
    assert share.max() <= 1.0
    assert len(set(zip(row.tolist(), column.tolist(), strict=True))) == row.size


# ---- masks -----------------------------------------------------------------------------------------------------------
def test_mask_of_some_zones_and_of_an_unknown_one():
    found = zone_fractions({"a": box(0, 0, 4, 4), "b": box(8, 0, 12, 4)}, WINDOW)
    np.testing.assert_allclose(found.mask(["a"]) + found.mask(["b"]), found.mask(), atol=1e-12)
    assert float(found.mask([]).sum()) == 0.0
    with pytest.raises(ValueError):
        found.mask(["c"])


def test_box_region_may_be_given_as_an_object():
    place = Region("here", "Here", "", box=(2.0, 2.0, 6.0, 6.0))
    xr.testing.assert_allclose(region_mask(place, WINDOW), region_mask("2,2,6,6", WINDOW))
    assert float(region_mask(place, WINDOW).sum()) == pytest.approx(4.0)


def test_globe_covers_every_cell():
    np.testing.assert_allclose(region_mask("globe", window(9, 18, 20.0, -180.0, -90.0)), 1.0, atol=1e-9)


def test_box_and_its_complement_in_longitude_fill_the_band():
    field = window(4, 18, 20.0, -180.0, -40.0)
    inside, outside = (region_mask(word, field) for word in ("-70,-40,35,40", "35,-40,-70,40"))
    np.testing.assert_allclose(inside + outside, 1.0, atol=1e-9)


@pytest.mark.parametrize("word", ["10,20,30", "10,20,30,forty", "0,0,10,10,20", "0,10,10,10", "0,-91,10,0", "5,0,5,9"])
def test_a_box_that_is_none_is_refused(word):
    with pytest.raises(InputError, match="box"):
        resolve_region(word)


# ---- statistics ------------------------------------------------------------------------------------------------------
ZONES = {"left": box(0, 0, 5, 12), "right": box(5, 0, 16, 12)}


def test_constant_field_has_its_value_as_mean_whatever_the_zone():
    table = zonal(WINDOW * 7.5, zone_fractions(ZONES, WINDOW), sigma=WINDOW * 0.25)
    np.testing.assert_allclose(table["mean"], 7.5, rtol=1e-12)
    np.testing.assert_allclose(table["sigma"], 0.25, rtol=1e-12)
    np.testing.assert_allclose(table["sum"], 7.5 * table["area"], rtol=1e-12)
    assert table["area"].tolist() == table["valid_area"].tolist()
    assert list(table.index) == ["left", "right"]


def test_missing_and_infinite_cells_leave_the_mean_of_the_rest():
    field = WINDOW * 2.0
    field[0, 0], field[3, 1], field[2, 6] = np.nan, np.inf, -np.inf
    table = zonal(field, zone_fractions(ZONES, WINDOW))
    np.testing.assert_allclose(table["mean"], 2.0, rtol=1e-12)
    assert (table["valid_area"] < table["area"]).all()
    missing = cell_area(WINDOW).where(~np.isfinite(field), 0.0).sum()
    assert float((table["area"] - table["valid_area"]).sum()) == pytest.approx(float(missing), rel=1e-6)


def test_mean_is_linear_in_the_values():
    fractions = zone_fractions(ZONES, WINDOW)
    rng = np.random.default_rng(5)
    a, b = (WINDOW.copy(data=rng.random(WINDOW.shape)) for _ in range(2))
    means = [zonal(v, fractions)["mean"].to_numpy() for v in (a, b, 3.0 * a - 2.0 * b)]
    np.testing.assert_allclose(means[2], 3.0 * means[0] - 2.0 * means[1], rtol=1e-12)


def test_values_of_another_shape_are_refused_by_both_shapes():
    with pytest.raises(InputError, match=r"\(8, 6\), the zones \(6, 8\)"):
        zonal(WINDOW.transpose(), zone_fractions(ZONES, WINDOW))


# ---- totals ----------------------------------------------------------------------------------------------------------
def test_total_of_all_zones_is_the_sum_of_the_field():
    fractions = zone_fractions(ZONES, WINDOW)
    amounts = np.arange(48.0).reshape(6, 8)
    table = total(amounts, fractions, common=0.1 * amounts, local=1.0)
    assert table["total"].sum() == pytest.approx(amounts.sum(), rel=1e-9)
    assert table["sigma_common"].sum() == pytest.approx(0.1 * amounts.sum(), rel=1e-9)
    np.testing.assert_allclose(table["sigma"] ** 2, table["sigma_common"] ** 2 + table["sigma_local"] ** 2, rtol=1e-12)


def test_local_errors_against_a_loop_over_blocks():
    fractions = zone_fractions({"t": Polygon([(1, 1), (13, 3), (5, 11)])}, WINDOW)
    own = np.random.default_rng(2).random(WINDOW.shape)
    share = fractions.mask().values
    sums = {}
    for i, latitude in enumerate(fractions.latitude):
        for j, longitude in enumerate(fractions.longitude):
            key = (int((90 - latitude) // 4.0), int(longitude // 4.0))
            sums[key] = sums.get(key, 0.0) + share[i, j] * own[i, j]
    found = total(np.ones(WINDOW.shape), fractions, local=own, correlation_length=4.0)["sigma_local"]
    assert found.tolist() == pytest.approx([np.sqrt(sum(v**2 for v in sums.values()))], rel=1e-9)


def test_correlation_only_makes_a_total_less_certain():
    fractions = zone_fractions(ZONES, WINDOW)
    sigmas = [
        total(WINDOW, fractions, local=1.0, correlation_length=length)["sigma_local"].to_numpy()
        for length in (1.0, 2.0, 4.0, 8.0, 360.0)
    ]
    assert all((b >= a * (1 - 1e-12)).all() for a, b in pairwise(sigmas))


def test_zones_without_cells_total_zero():
    empty = ZoneFractions(("x",), np.empty(0, int), np.empty(0, int), np.empty(0), *map(np.asarray, ([1.0], [2.0])))
    assert total([[5.0]], empty, local=1.0).iloc[0].tolist() == [0.0, 0.0, 0.0, 0.0]


def test_interval_without_error_is_the_value_itself():
    low, high = interval([0.0, 5.0], 0.0)
    assert low.tolist() == high.tolist() == [0.0, 5.0]


def test_small_errors_give_the_normal_interval():
    low, high = interval(100.0, 0.01)
    assert float(low) == pytest.approx(100.0 - Z95 * 0.01, rel=1e-6)
    assert float(high) == pytest.approx(100.0 + Z95 * 0.01, rel=1e-6)


def test_lognormal_part_is_even_in_ratio():
    low, high = interval(40.0, 12.0)
    assert float(low) * float(high) == pytest.approx(1600.0, rel=1e-12)


def test_scenarios_alone_are_the_interval_and_the_wrong_side_is_ignored():
    low, high = interval([10.0, 10.0], 0.0, low=[7.0, 11.0], high=[15.0, 9.0])
    assert low.tolist() == pytest.approx([7.0, 10.0])
    assert high.tolist() == pytest.approx([15.0, 10.0])


def test_shares_lie_where_they_belong_whichever_way_the_axes_run():
    latitude, longitude = np.arange(0.5, 5), np.arange(0.5, 7)
    outline = {"corner": box(0, 0, 2.5, 1.5)}
    plain = zone_fractions(outline, xr.Dataset(coords={"latitude": latitude, "longitude": longitude})).mask()
    for down, across in ((-1, 1), (1, -1), (-1, -1)):
        axes = {"latitude": latitude[::down], "longitude": longitude[::across]}
        turned = zone_fractions(outline, xr.Dataset(coords=axes)).mask()
        xr.testing.assert_allclose(turned.sortby(["latitude", "longitude"]), plain)
