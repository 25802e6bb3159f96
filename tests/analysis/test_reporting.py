"""Reporting units add up: countries to regions, regions to their union, boxes to areas in closed form."""

import numpy as np
import pytest
import xarray as xr

from musyq_lab.analysis.area import cell_area
from musyq_lab.analysis.regions import region_keys, resolve_region
from musyq_lab.analysis.reporting import country_zones, merged_zones, region_zones
from musyq_lab.core.errors import NotFoundError

STEP = 4.0
GRID = xr.Dataset(coords={"latitude": np.arange(88.0, -90, -STEP), "longitude": np.arange(-178.0, 180, STEP)})
AREA = cell_area(GRID["latitude"], GRID["longitude"]).values * 1e-6


def test_countries_of_the_globe_hold_the_land():
    zones = country_zones(GRID)
    areas = dict(zip([c.iso3 for c in zones.zones], zones.sums(AREA), strict=True))
    # UN statistics, km2, with the smoothness of outlines at 1:50 million.
    assert areas["CHN"] == pytest.approx(9.6e6, rel=0.02)
    assert areas["BRA"] == pytest.approx(8.5e6, rel=0.02)
    assert sum(areas.values()) == pytest.approx(147e6, rel=0.02)
    assert zones.fraction.min() > 0


def test_regions_are_their_countries_and_the_union_is_the_regions():
    zones = region_zones(GRID)
    sums = dict(zip([r.key for r in zones.zones], zones.sums(AREA), strict=True))
    assert tuple(sums) == region_keys()
    parts = [sums[key] for key in region_keys()[:-1]]
    assert sums["belt_and_road"] == pytest.approx(sum(parts), rel=1e-9)
    for key in ("europe", "south_asia"):
        own = country_zones(GRID, key)
        assert set(own.zones) <= set(resolve_region(key).countries)
        assert own.sums(AREA).sum() == pytest.approx(sums[key], rel=1e-9)


def test_boxes_cut_and_overlap():
    places = tuple(map(resolve_region, ("0,0,40,20", "20,0,60,20", "170,-20,-170,20", "globe")))
    found = merged_zones(GRID, places).sums(AREA)
    a, e2 = 6378.137, 0.00669437999014
    e = np.sqrt(e2)

    def band(south, north):
        s, n = np.sin(np.radians([south, north]))
        q = [(1 - e2) * (x / (1 - e2 * x * x) + np.arctanh(e * x) / e) for x in (s, n)]
        return a**2 / 2 * (q[1] - q[0])

    expected = [band(0, 20) * np.radians(40)] * 2 + [band(-20, 20) * np.radians(20), band(-90, 90) * 2 * np.pi]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    inside = country_zones(GRID, "0,0,40,20").sums(AREA)
    assert inside.sum() < found[0]
    assert inside.sum() > 0.8 * found[0]


def test_a_country_alone_and_none():
    zones = country_zones(GRID, resolve_region("CHN"))
    assert [c.iso3 for c in zones.zones] == ["CHN"]
    one = merged_zones(GRID, (resolve_region("CHN"),))
    assert one.sums(AREA)[0] == pytest.approx(zones.sums(AREA)[0], rel=1e-12)
    assert country_zones(GRID, "-40,20,-35,25").zones == ()
    assert merged_zones(GRID, ()).zones == ()
    with pytest.raises(NotFoundError):
        country_zones(GRID, "atlantis")
