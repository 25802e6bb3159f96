"""The part of a grid that a production makes, and what it is called."""

import numpy as np
import pyproj
import pytest
from production.chain.stocks import FULL

from musyq_lab.archive.naming import FileName
from musyq_lab.catalog.stock import Stock
from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import GRIDS, GeoGrid
from musyq_lab.production.chain.region import MOST_CELLS, tile_of


@pytest.mark.parametrize("edition", list(GRIDS))
def test_an_edition_of_degrees_is_a_window_of_its_grid(edition):
    tile = tile_of(edition, "100,30,102,31", FULL)
    whole = GRIDS[edition]
    assert isinstance(tile.grid, GeoGrid)
    assert tile.grid.resolution == whole.resolution
    assert tile.cells == round(2 / whole.resolution) * round(1 / whole.resolution)
    assert np.isin(np.round(tile.grid.latitude, 6), np.round(whole.latitude, 6)).all()


@pytest.mark.parametrize(
    ("box", "zone"),
    [("100,30,100.01,30.01", 32647), ("-0.02,-30,-0.01,-29.99", 32730), ("179.97,10,179.99,10.01", 32660)],
)
def test_metres_are_those_of_the_zone_and_cover_the_box(box, zone):
    tile = tile_of("30m", box, FULL)
    assert tile.grid.crs == f"EPSG:{zone}"
    west, south, east, north = map(float, box.split(","))
    to_map = pyproj.Transformer.from_crs("EPSG:4326", tile.grid.crs, always_xy=True)
    for x, y in [(west, south), (west, north), (east, south), (east, north)]:
        e, n = to_map.transform(x, y)
        assert tile.grid.west - 1e-6 <= e <= tile.grid.west + 30 * tile.grid.shape[1] + 1e-6
        assert tile.grid.north - 30 * tile.grid.shape[0] - 1e-6 <= n <= tile.grid.north + 1e-6
    assert tile.grid.west % 30 == 0  # cells of neighbouring tiles fall together
    assert tile.grid.north % 30 == 0


@pytest.mark.parametrize("box", ["100,30,102,31", "-10.5,-3.25,-10,-3", "-180,-1,-179.5,1"])
def test_names_of_boxes_can_be_part_of_a_file_name(box):
    name = tile_of("5km", box, FULL).name
    assert FileName("lai", "5km", name, "2019186", "v1").tile == name


def test_two_boxes_have_two_names():
    names = {tile_of("5km", box, FULL).name for box in ("10,1,11,2", "-10,1,11,2", "10,-1,11,2", "10,1,11.5,2")}
    assert len(names) == 4


def test_a_region_as_wide_as_a_continent_at_30_m_is_refused_with_what_would_do():
    with pytest.raises(InputError, match=f"{MOST_CELLS:,}.*smaller region"):
        tile_of("30m", "100,30,105,35", FULL)


@pytest.mark.parametrize("edition", ["2km", "m", "30", "1KM", ""])
def test_an_edition_that_does_not_exist_lists_those_that_do(edition):
    with pytest.raises(InputError, match="1km, 5km, 0p25deg, 30m"):
        tile_of(edition, "100,30,101,31", FULL)


def test_without_a_region_and_local_layers_one_is_asked_for():
    with pytest.raises(InputError, match="region='west,south,east,north'"):
        tile_of("1km", None, Stock())
