import numpy as np
import pytest
import shapely
import xarray as xr
from pyproj import Geod

from musyq_lab.analysis.area import cell_area
from musyq_lab.analysis.regions import countries, resolve_region
from musyq_lab.analysis.zonal import country_fractions, in_country, region_mask, zonal, zone_fractions
from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import GRIDS

GRID = GRIDS["0p25deg"]


@pytest.fixture(scope="module")
def fractions():
    return country_fractions(GRID)


def geodesic_area(geometry):
    geod = Geod(ellps="WGS84")
    total = 0.0
    for part in shapely.get_parts(shapely.segmentize(geometry, 0.1)):
        rings = [part.exterior, *part.interiors]
        areas = [abs(geod.polygon_area_perimeter(*np.array(r.coords).T)[0]) for r in rings]
        total += areas[0] - sum(areas[1:])
    return total


def test_country_areas_equal_the_polygons_on_the_ellipsoid(fractions):
    sums = fractions.sums(cell_area(GRID).values)
    for country, area in zip(fractions.zones, sums, strict=True):
        if country.name != "Antarctica":  # its outline runs round the pole, which a geodesic polygon cannot
            assert area == pytest.approx(geodesic_area(country.geometry), rel=1e-3), country.name


def test_shares_of_a_cell_never_exceed_one(fractions):
    size = GRID.shape[0] * GRID.shape[1]
    assert np.bincount(fractions.cell, fractions.fraction, minlength=size).max() <= 1 + 1e-12
    assert fractions.fraction.min() > 0


def test_published_areas_of_large_countries(fractions):
    # World Bank, land area and inland water (km2); a 1:50 million outline keeps them within 1 %.
    table = zonal(xr.ones_like(cell_area(GRID)), fractions)["area"] / 1e6
    by_code = {c.m49: float(a) for c, a in table.items()}
    for code, area in {36: 7_741_220, 76: 8_515_770, 516: 824_290, 818: 1_001_450, 398: 2_724_902}.items():
        assert by_code[code] == pytest.approx(area, rel=0.012)


def test_statistics_against_a_loop():
    grid = GRID.window(0, 40, 4, 44)
    polygons = {"a": shapely.box(0.1, 40.2, 1.9, 43.3), "b": shapely.box(1.9, 40.2, 3.6, 43.3)}
    found = zone_fractions(polygons, grid)
    area = cell_area(grid)
    values = xr.DataArray(np.random.default_rng(1).uniform(1, 2, grid.shape), coords=area.coords, dims=area.dims)
    values[5, 3] = np.nan
    table = zonal(values, found, sigma=values * 0.1)
    for zone in polygons:
        share = found.mask([zone])
        valid = values.notnull()
        total = float((values * share * area).sum())
        assert table.loc[zone, "sum"] == pytest.approx(total, rel=1e-12)
        assert table.loc[zone, "mean"] == pytest.approx(total / float((share * area * valid).sum()), rel=1e-12)
        assert table.loc[zone, "sigma"] == pytest.approx(0.1 * table.loc[zone, "mean"], rel=1e-9)
    assert table.loc["a", "valid_area"] < table.loc["a", "area"]
    assert table.loc["b", "valid_area"] == table.loc["b", "area"]


def test_empty_zone_has_no_mean():
    found = zone_fractions({"far": shapely.box(100, 0, 110, 10)}, GRID.window(0, 40, 4, 44))
    table = zonal(xr.zeros_like(cell_area(GRID.window(0, 40, 4, 44))), found)
    assert table.loc["far", "area"] == 0
    assert np.isnan(table.loc["far", "mean"])


def test_box_mask_crosses_the_antimeridian():
    mask = region_mask("170,-50,-170,-10", GRID)
    area = float((mask * cell_area(GRID)).sum())
    # Closed form: 20 degrees of longitude between the two parallels.
    assert area == pytest.approx(float(cell_area(GRID.window(0, -50, 20, -10)).sum()), rel=1e-9)
    assert float(mask.sel(longitude=0.125).sum()) == 0


def test_region_mask_is_the_sum_of_its_countries(fractions):
    region = resolve_region("central_asia")
    parts = sum(in_country(fractions, c) for c in region.countries)
    np.testing.assert_allclose(region_mask("central_asia", GRID), np.minimum(parts, 1.0), atol=1e-12)


def test_shape_mismatch_is_refused(fractions):
    with pytest.raises(InputError, match="Regrid"):
        zonal(xr.DataArray(np.zeros((2, 2)), dims=("latitude", "longitude")), fractions)


def test_all_countries_have_a_geometry():
    assert all(c.geometry.area > 0 for c in countries())
