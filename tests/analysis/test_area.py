import math

import numpy as np
import pytest
from pyproj import Geod

from musyq_lab.analysis.area import cell_area
from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import GRIDS

A, F = 6378137.0, 1 / 298.257223563
E = math.sqrt(F * (2 - F))
# Surface of an oblate ellipsoid in closed form (any handbook); 510 065 622 km2 for WGS 84.
SURFACE = 2 * math.pi * A**2 * (1 + (1 - E**2) / E * math.atanh(E))


@pytest.mark.parametrize("name", ["0p25deg", "5km"])
def test_cells_of_the_globe_sum_to_the_ellipsoid(name):
    assert float(cell_area(name).sum()) == pytest.approx(SURFACE, rel=1e-12)


def test_poles_and_antimeridian_are_counted_once():
    # Centres on both poles and on the antimeridian, as reanalyses have them.
    area = cell_area(np.linspace(90, -90, 61), np.arange(-180, 180, 3.0))
    assert float(area.sum()) == pytest.approx(SURFACE, rel=1e-12)
    window = GRIDS["0p25deg"].window(170, -10, -170, 10)
    assert float(cell_area(window).sum()) == pytest.approx(
        2 * float(cell_area(GRIDS["0p25deg"].window(0, -10, 10, 10)).sum()), rel=1e-12
    )


def test_cell_agrees_with_a_dense_geodesic_polygon():
    south, north, n = 50.0, 50.25, 4001
    x = np.linspace(10, 10.25, n)
    lons = np.concatenate([x, x[::-1]])
    lats = np.concatenate([np.full(n, south), np.full(n, north)])
    area, _ = Geod(ellps="WGS84").polygon_area_perimeter(lons, lats)
    assert float(cell_area("0p25deg").sel(latitude=50.125, longitude=10.125)) == pytest.approx(area, rel=1e-8)


def test_bounds_replace_the_guess_and_bad_ones_are_refused():
    area = cell_area([10.0], [20.0], latitude_bounds=[[9, 11]], longitude_bounds=[[19, 21]])
    same = cell_area([12.0, 10.0, 8.0], [18.0, 20.0, 22.0]).sel(latitude=10, longitude=20)
    assert float(area[0, 0]) == pytest.approx(float(same), rel=1e-14)
    with pytest.raises(InputError, match="shape"):
        cell_area([10.0], [20.0], latitude_bounds=[9, 11], longitude_bounds=[[19, 21]])
    with pytest.raises(InputError, match="longitude="):
        cell_area([10.0, 9.0])
