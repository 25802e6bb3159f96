"""Classes, areas and pixels: against loops, geodesic areas and the identity projection."""

import numpy as np
import pytest
import shapely
import xarray as xr
from cartopy import crs as ccrs
from figures.fields import make_field
from pyproj import Geod

from musyq_lab.core.errors import InputError
from musyq_lab.figures._raster import cells_of_pixels, classed, image, inside
from musyq_lab.figures.regions import MapRegion, country

NAMES = {"en": "Test", "zh": "试"}
BOX = MapRegion("box", NAMES, shapely.box(170, -10, 180, 10).union(shapely.box(-180, -10, -170, 10)))


def test_shares_equal_geodesic_areas(field, table):
    """Cell areas by pyproj's geodesics instead of our closed form."""
    field = field.isel(longitude=slice(0, 360, 30)).assign_coords(longitude=np.arange(12) * 30.0 - 165)
    data = classed(field, table, None, None)
    geod, areas = Geod(ellps="WGS84"), []
    for latitude in field.latitude.to_numpy():
        # The sides along the parallels are cut finely, since a geodesic is not a parallel.
        lon = np.concatenate([np.linspace(0, 30, 601), np.linspace(30, 0, 601)])
        lat = np.concatenate([np.full(601, latitude - 0.5), np.full(601, latitude + 0.5)])
        areas.append(abs(geod.polygon_area_perimeter(lon, lat)[0]))
    expected = np.zeros(len(table))
    for row, area in zip(field.to_numpy(), areas, strict=True):
        for value in row:
            expected[sum(value >= limit for limit in table.breaks)] += area
    assert data.shares(len(table)) == pytest.approx(expected / expected.sum(), abs=1e-6)
    assert data.shares(len(table)).sum() == pytest.approx(1.0)


def test_shares_count_only_data(field, table):
    field[:90] = np.nan
    field[90:] = 1000.0
    assert classed(field, table, None, None).shares(len(table)).tolist() == [1.0] + [0.0] * 7
    nothing = field.copy(data=np.full(field.shape, np.nan))
    assert classed(nothing, table, None, None).shares(len(table)).sum() == 0.0


def test_mean_of_a_constant_is_the_constant(field, table):
    data = classed(field.copy(data=np.full(field.shape, 1234.5)), table, None, None)
    assert data.mean() == pytest.approx(1234.5)
    assert np.isnan(classed(field.copy(data=np.full(field.shape, np.nan)), table, None, None).mean())


def test_a_field_in_other_units_is_converted(field, table):
    mj = (field * 3.6).assign_attrs(units="MJ m-2 a-1")
    assert (classed(mj, table, None, None).classes == classed(field, table, None, None).classes).mean() > 0.9999


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.assign_attrs(units="K"), "dimensions differ"),
        (lambda f: f.drop_attrs(), "no units"),
        (lambda f: f.expand_dims(month=[1, 2]), "dims latitude and longitude"),
        (lambda f: f.isel(latitude=slice(0, 0)), "empty"),
        (lambda f: f.isel(latitude=[5]), "single latitude"),
        (lambda f: f.isel(latitude=[0, 1, 5]), "not evenly spaced"),
        (lambda f: f.isel(longitude=[0, 1, 5]), "not evenly spaced"),
    ],
)
def test_a_field_that_is_no_map_is_refused(field, table, change, message):
    with pytest.raises(InputError, match=message):
        classed(change(field), table, None, None)


def test_uncertain_cells_are_those_whose_sigma_exceeds_their_class(field, table):
    sigma = xr.full_like(field, 175.0)  # exactly the common width
    assert not classed(field, table, None, sigma).uncertain.any()
    data = classed(field, table, None, sigma.copy(data=np.full(field.shape, 175.1)))
    widths = np.array(table.widths)[data.classes]
    assert (data.uncertain == (widths < 175.1)).all()
    assert data.uncertain.any()
    assert not data.uncertain.all()


def test_an_uncertainty_on_another_grid_is_refused(field, table):
    with pytest.raises(InputError, match="one grid"):
        classed(field, table, None, field[:10])


def test_cells_are_inside_by_their_centre_across_the_antimeridian(field):
    mask = inside(field, BOX)
    lat, lon = np.meshgrid(field.latitude, field.longitude, indexing="ij")
    assert (mask == ((abs(lat) < 10) & (abs(lon) > 170))).all()
    beyond = field.assign_coords(longitude=field.longitude + 360)
    assert (inside(beyond, BOX) == mask).all()


def test_a_region_with_no_cell_is_refused(field):
    with pytest.raises(InputError, match=r"Singapore.*finer grid"):
        inside(field, country("SGP"))


@pytest.mark.parametrize("turn", [0.0, 360.0])
@pytest.mark.parametrize("flip", [1, -1])
def test_pixels_of_the_identity_projection_are_the_cells(turn, flip):
    field = make_field(value=lambda lat, lon: lat * 1000 + lon)[::flip]
    field = field.assign_coords(longitude=field.longitude + turn)
    cells = cells_of_pixels(field, ccrs.PlateCarree(), (-180, 180, -90, 90), (180, 360))
    lat, lon = np.meshgrid(90 - 0.5 - np.arange(180), -179.5 + np.arange(360), indexing="ij")
    assert (field.to_numpy().ravel()[cells] == lat * 1000 + lon).all()


def test_pixels_off_the_grid_show_nothing():
    window = make_field().sel(latitude=slice(10, -10), longitude=slice(20, 40))
    cells = cells_of_pixels(window, ccrs.PlateCarree(), (-180, 180, -90, 90), (180, 360))
    assert (cells >= 0).sum() == window.size
    assert np.array_equal(np.sort(cells[cells >= 0]), np.arange(window.size))


def test_pixels_off_the_earth_show_nothing():
    projection = ccrs.LambertAzimuthalEqualArea(0, 0)
    cells = cells_of_pixels(make_field(), projection, (-14e6, 14e6, -14e6, 14e6), (140, 140))
    y, x = np.mgrid[13.9e6:-14e6:-2e5, -13.9e6:14e6:2e5]
    off = np.hypot(x, y) > 2 * 6.3782e6
    assert (cells[off] == -1).all()
    assert (cells[np.hypot(x, y) < 12.5e6] >= 0).all()


def test_colours_of_pixels(field, table):
    field[0, 0] = np.nan
    data = classed(field, table, None, None)
    cells = np.array([[0, 90 * 360 + 180, -1]], np.int32)
    pixels = image(data, table, cells)
    assert pixels[0, [0, 2], 3].tolist() == [0, 0]
    colour = table.colours[data.classes[90, 180]]
    assert "#" + bytes(pixels[0, 1, :3]).hex() == colour
    assert pixels[0, 1, 3] == 255


def test_hatch_darkens_a_part_of_uncertain_pixels(field, table):
    sigma = field.copy(data=np.full(field.shape, 1e4))
    cells = np.full((160, 160), 90 * 360, np.int32)
    plain, hatched = (image(classed(field, table, None, s), table, cells) for s in (None, sigma))
    changed = (plain != hatched).any(axis=-1)
    assert changed.mean() == pytest.approx(2 / 16)
    assert (hatched[changed][:, :3] < plain[changed][:, :3]).any(axis=1).all()
