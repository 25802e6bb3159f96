"""Look-ups in the maps that ship: known places, the poles, the antimeridian."""

import numpy as np
import pytest

from musyq_lab.twin import _earth
from musyq_lab.twin.grid import WorldGrid


@pytest.mark.parametrize(
    ("longitude", "latitude", "number"),
    [
        (-63.0, -5.0, 2),  # Amazon
        (10.0, 23.0, 16),  # Sahara
        (-42.0, 72.0, 15),  # Greenland
        (116.4, 39.9, 13),  # Beijing
        (117.0, 36.9, 12),  # North China Plain
        (-150.0, 0.0, 17),  # Pacific
        (108.2, 53.5, 17),  # Lake Baikal
        (0.0, -90.0, 15),  # South Pole, beyond the map's land
        (0.0, 90.0, 17),  # North Pole
    ],
)
def test_land_cover_of_known_places(longitude, latitude, number):
    assert _earth.land_cover(longitude, latitude) == number


@pytest.mark.parametrize(
    ("longitude", "latitude", "zone"),
    [(-60.0, -3.0, "tropical"), (10.0, 23.0, "arid"), (2.3, 48.8, "temperate"), (125.3, 43.9, "cold"),
     (-42.0, 72.0, "polar"), (-150.0, 0.0, "no data")],
)  # fmt: skip
def test_climate_zone_of_known_places(longitude, latitude, zone):
    assert _earth.ZONES[int(_earth.zone(longitude, latitude))] == zone


@pytest.mark.parametrize(
    ("longitude", "latitude", "metres", "within"),
    [(88.0, 33.0, 5000, 300), (116.4, 39.9, 45, 40), (35.45, 31.45, -430, 60), (-150, 0, 0, 0.1), (-42, 75, 2300, 600)],
)
def test_altitude_of_known_places(longitude, latitude, metres, within):
    assert _earth.altitude(longitude, latitude) == pytest.approx(metres, abs=within)


def test_lookups_keep_the_shape_and_wrap_at_the_antimeridian():
    longitude = np.array([[-180.0, 180.0], [179.99, -179.99]])
    latitude = np.full((2, 2), 66.5)
    for look in (_earth.land_cover, _earth.zone, _earth.altitude, _earth.irradiance, _earth.continental):
        found = look(longitude, latitude)
        assert found.shape == (2, 2)
        assert found[0, 0] == found[0, 1]


def test_irradiance_of_known_places():
    """Annual means (W m-2) within 15 %: Sahara about 270, Paris about 130 (MERRA-2 is bright), equator about 220."""
    assert _earth.irradiance(20.0, 23.0) == pytest.approx(270, rel=0.15)
    assert _earth.irradiance(2.3, 48.8) == pytest.approx(135, rel=0.15)
    assert _earth.irradiance(115.8, 40.3) == pytest.approx(185, rel=0.15)


def test_irradiance_is_bilinear_between_cells():
    corners = _earth.irradiance(np.array([99.0, 102.0, 99.0, 102.0]), np.array([39.0, 39.0, 42.0, 42.0]))
    assert _earth.irradiance(100.5, 40.5) == pytest.approx(corners.mean())
    assert np.all(np.isfinite(_earth.irradiance(np.linspace(-180, 180, 50), np.linspace(-90, 90, 50))))


def test_turbidity_is_higher_in_haze():
    assert _earth.turbidity(115.0, 36.0) > _earth.turbidity(90.0, 31.0) + 1
    many = _earth.turbidity(np.array([115.0, 90.0]), np.array([36.0, 31.0]))
    assert many.shape == (2,)
    assert many[0] == pytest.approx(_earth.turbidity(115.0, 36.0), rel=0.2)


def test_continentality_grows_inland():
    ocean, paris, moscow, yakutsk = (
        float(_earth.continental(*p)) for p in ((-30.0, 45.0), (2.3, 48.8), (37.6, 55.7), (129.7, 62.0))
    )
    assert ocean < paris < moscow < yakutsk
    assert 0 <= ocean < 0.05
    assert yakutsk <= 1


def test_subcells_lie_inside_their_cells():
    grid = WorldGrid("EPSG:4326", 1.0, -180.0, 90.0, 16, 8)
    points = _earth.subcells(grid, 0.25)
    assert len(points) == 16
    for longitude, latitude in points:
        assert np.abs((longitude - grid.longitude + 180) % 360 - 180).max() < 0.5
        assert np.abs(latitude - grid.latitude).max() < 0.5
    assert np.mean([p[1] for p in points], axis=0) == pytest.approx(grid.latitude)


def test_a_fine_grid_is_looked_up_at_its_centres():
    grid = WorldGrid("EPSG:4326", 0.02, 100.0, 40.0, 9, 9)
    ((longitude, latitude),) = _earth.subcells(grid, 0.05)
    assert longitude == pytest.approx(grid.longitude)
    assert latitude == pytest.approx(grid.latitude)


def test_a_coarse_grid_is_sampled_at_36_points_at_most():
    assert len(_earth.subcells(WorldGrid("EPSG:4326", 10.0, -180.0, 90.0, 36, 18), 0.05)) == 36


@pytest.mark.parametrize("look", [_earth.land_cover, _earth.zone, _earth.altitude])
def test_a_place_and_its_neighbour_within_a_cell_agree(look):
    corner = 100.0 + np.array([0.002, 0.04])  # both inside one cell of 0.05, 5/60 and 0.1 degrees
    found = look(corner, np.full(2, 40.0 - 0.02))
    assert found[0] == found[1]


def test_the_last_row_and_column_are_reached():
    for look in (_earth.land_cover, _earth.zone, _earth.altitude, _earth.irradiance, _earth.continental):
        assert np.all(np.isfinite(look(np.array([-180.0, 180.0, 0.0, 0.0]), np.array([0.0, 0.0, 90.0, -90.0]))))
