"""Places: presets, any point on Earth, grids, and the errors that say what to do."""

import math

import numpy as np
import pytest

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.twin.place import PLACES, Climate, Place, place, world_grid

LOCAL = [key for key, spot in PLACES.items() if spot.kind == "local"]


def test_the_presets():
    assert list(PLACES) == ["huailai", "hulunber", "heihe", "jingyuetan", "belt_and_road", "globe"]
    assert len(PLACES) == 6
    assert {spot.kind for spot in PLACES.values()} == {"local", "transect", "globe"}


@pytest.mark.parametrize("key", list(PLACES))
def test_a_preset_is_complete(key):
    spot = place(key)
    assert spot.key == key
    assert set(spot.title) == {"en", "zh"}
    assert str(spot) == spot.title["en"]
    assert len(spot.sources) > 30
    assert (spot.bounds is None) == (spot.kind == "local")
    assert (spot.climate is None) == (spot.kind != "local")


@pytest.mark.parametrize("key", LOCAL)
def test_shares_are_shares_of_known_classes(key):
    cover = place(key).cover
    assert sum(cover.values()) == pytest.approx(1.0, abs=1e-9)
    assert set(cover) <= set(range(1, 18))
    assert min(cover.values()) > 0


@pytest.mark.parametrize(
    ("key", "longitude", "latitude"),
    [
        ("huailai", 115.785, 40.349),
        ("hulunber", 119.99, 49.33),
        ("heihe", 100.372, 38.856),
        ("jingyuetan", 125.5, 43.8),
    ],
)
def test_presets_lie_where_the_stations_do(key, longitude, latitude):
    spot = place(key)
    assert spot.longitude == pytest.approx(longitude, abs=0.001)
    assert spot.latitude == pytest.approx(latitude, abs=0.001)


@pytest.mark.parametrize(
    ("key", "mean", "rain"),
    [("huailai", (9, 10), (370, 430)), ("hulunber", (-5, 0), (250, 400)), ("heihe", (6, 9), (100, 160)),
     ("jingyuetan", (4.5, 6), (520, 620))],
)  # fmt: skip
def test_climates_lie_in_what_is_published(key, mean, rain):
    climate = place(key).climate
    assert mean[0] <= climate.temperature_mean - 273.15 <= mean[1]
    assert rain[0] <= climate.precipitation <= rain[1]


def test_hulunber_has_the_winter_and_summer_of_chinaflux():
    climate = place("hulunber").climate
    mean = climate.temperature_mean - 273.15
    assert -30 <= mean - climate.temperature_amplitude <= -18  # January
    assert 16 <= mean + climate.temperature_amplitude <= 21  # July


def test_an_unknown_name_says_the_closest():
    with pytest.raises(NotFoundError, match="huailai"):
        place("huailay")
    with pytest.raises(NotFoundError, match="longitude, latitude"):
        place("atlantis")
    assert PLACES.get("atlantis") is None
    assert "atlantis" not in PLACES


def test_a_place_is_a_place():
    spot = place("heihe")
    assert place(spot) is spot


@pytest.mark.parametrize("where", [(1.0,), (1.0, 2.0, 3.0), ("a", "b"), 5, None, (math.nan, 0), (0, 91), (200, 0)])
def test_what_is_no_place_is_refused(where):
    with pytest.raises(InputError, match="expected"):
        place(where)


def test_any_point_has_cover_and_climate():
    spot = place((115.785, 40.349))
    assert spot.kind == "local"
    assert spot.key == "115.785_40.349"
    assert isinstance(spot.climate, Climate)
    assert sum(spot.cover.values()) == pytest.approx(1)
    assert {12, 10, 13} <= set(spot.cover)
    assert 300 < spot.elevation < 1200
    assert spot.spread > 30


def test_the_ocean_is_water():
    spot = place((-150.0, 0.0))
    assert dict(spot.cover) == {17: 1.0}
    assert spot.spread == 0
    assert spot.elevation == 0


@pytest.mark.parametrize(
    "where", [(0.0, 90.0), (0.0, -90.0), (123.0, 89.5), (180.0, -17.0), (-180.0, 66.5), (179.99, 66.5)]
)
def test_poles_and_antimeridian_are_places(where):
    spot = place(where)
    grid = world_grid(spot, size=5.0, resolution=100.0)
    assert grid.shape == (50, 50)
    assert sum(spot.cover.values()) == pytest.approx(1)
    assert all(np.isfinite([getattr(spot.climate, name) for name in Climate.__dataclass_fields__]))
    assert np.all(np.isfinite(grid.longitude))
    assert np.all(np.isfinite(grid.latitude))


def test_the_poles_are_ice_and_sea():
    assert dict(place((0.0, -90.0)).cover) == {15: 1.0}
    assert place((0.0, -90.0)).elevation == pytest.approx(2300, abs=700)
    assert dict(place((0.0, 90.0)).cover) == {17: 1.0}


def test_both_sides_of_the_antimeridian_agree():
    east, west = place((180.0, 66.5)), place((-180.0, 66.5))
    assert dict(east.cover) == dict(west.cover)
    assert east.climate == west.climate


@pytest.mark.parametrize("key", LOCAL)
def test_a_local_grid_surrounds_its_place(key):
    spot = place(key)
    grid = world_grid(spot)
    assert grid.shape == (400, 400)
    assert grid.resolution == 30
    row, column = grid.cells(np.array(spot.longitude), np.array(spot.latitude))
    assert abs(row - 199.5) < 3
    assert abs(column - 199.5) < 3


def test_size_and_resolution_may_be_chosen():
    grid = world_grid(place("huailai"), size=6.0, resolution=30.0)
    assert grid.shape == (200, 200)
    with pytest.raises(InputError, match="at least 8"):
        world_grid(place("huailai"), size=0.1, resolution=30.0)


def test_the_globe_is_the_globe():
    grid = world_grid(place("globe"))
    assert grid.shape == (180, 360)
    assert grid.geographic
    assert (grid.y[0], grid.y[-1], grid.x[0], grid.x[-1]) == (89.5, -89.5, -179.5, 179.5)
    assert world_grid(place("globe"), resolution=5.0).shape == (36, 72)


def test_the_transect_runs_from_europe_to_china():
    grid = world_grid(place("belt_and_road"))
    assert grid.shape == (160, 1200)
    assert grid.x[0] < 10
    assert grid.x[-1] > 120


@pytest.mark.parametrize("resolution", [0.7, 0.0, -1.0, 40.0])
def test_cells_that_do_not_fill_the_bounds_are_refused(resolution):
    with pytest.raises(InputError, match="do not fill"):
        world_grid(place("globe"), resolution=resolution)


def test_a_transect_has_no_size():
    with pytest.raises(InputError, match="Leave size out"):
        world_grid(place("belt_and_road"), size=10.0)


def test_the_registry_shows_as_a_table():
    html = PLACES._repr_html_()
    assert "6 places" in html
    for spot in PLACES.values():
        assert spot.key in html
    assert repr(PLACES).startswith("<6 places: huailai")
    header, *rows = PLACES.table()
    assert all(len(row) == len(header) for row in rows)
    assert rows[0][3] == "115.785 E, 40.349 N"
    assert rows[-1][4] == "1 deg"


def test_a_place_cannot_be_changed():
    with pytest.raises(AttributeError):
        place("huailai").latitude = 3.0
    with pytest.raises(TypeError):
        place("huailai").cover[12] = 0.0
    assert isinstance(place("huailai"), Place)
