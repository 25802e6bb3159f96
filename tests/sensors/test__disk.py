"""Geometry of images from over the equator: CGMS 03 forwards, PROJ, spheres and the point below the satellite."""

import math
import pickle
from datetime import datetime

import dask
import numpy as np
import pytest
from pyproj import CRS, Transformer

from musyq_lab.core.errors import SceneError
from musyq_lab.sensors._disk import WGS84, Layer, Projection, View, layers, projection

HEIGHT = 35_785_831.0
RADIUS, POLAR = 6378169.0, 6356583.8  # CGMS 03, section 4.4.3.2
NAMES = ("disk", "sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth")


def cgms(longitude, latitude):
    """Scan angles (radian, positive east and north) of a place: CGMS 03, section 4.4.3.2, forwards."""
    geocentric = math.atan(0.993243 * math.tan(math.radians(latitude)))
    radius = 6356.5838 / math.sqrt(1.0 - 0.00675701 * math.cos(geocentric) ** 2)
    away = math.radians(longitude)
    r1 = 42164.0 - radius * math.cos(geocentric) * math.cos(away)
    r2 = -radius * math.cos(geocentric) * math.sin(away)
    r3 = radius * math.sin(geocentric)
    return math.atan(-r2 / r1), math.asin(r3 / math.sqrt(r1**2 + r2**2 + r3**2))


@pytest.mark.parametrize("place", [(0.0, 0.0), (10.0, 50.0), (-60.0, -20.0), (70.0, 5.0), (3.0, -75.0)])
def test_the_specification_forwards(place):
    """Its constants have six digits: good to 20 m."""
    x, y = cgms(*place)
    grid = Projection(0.0, 42164e3 - RADIUS, (RADIUS, POLAR))
    longitude, latitude = grid.places(np.array([x * grid.height]), np.array([y * grid.height]))
    assert longitude[0, 0] == pytest.approx(place[0], abs=1e-3)
    assert latitude[0, 0] == pytest.approx(place[1], abs=1e-3)


@pytest.mark.parametrize("sweep", ["x", "y"])
@pytest.mark.parametrize(("longitude", "axes"), [(0.0, (RADIUS, POLAR)), (-137.0, WGS84), (140.7, WGS84)])
def test_places_of_proj(sweep, longitude, axes):
    grid = Projection(longitude, 35_786_023.0, axes, sweep)
    x, y = np.linspace(-5.6e6, 5.6e6, 91), np.linspace(5.5e6, -5.5e6, 83)
    crs = CRS(grid.text)
    theirs = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True).transform(*np.meshgrid(x, y))
    ours = grid.places(x, y)
    seen = np.isfinite(theirs[0])
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(np.isfinite(mine), seen)
        np.testing.assert_allclose(mine[seen], other[seen], atol=1e-7)


def test_longitudes_across_the_date_line():
    longitude, _ = Projection(140.7, HEIGHT).places(np.array([-4e6, 0.0, 4e6]), np.array([0.0]))
    assert longitude[0, 1] == pytest.approx(140.7)
    assert -180 <= longitude[0, 2] < -170
    assert 90 < longitude[0, 0] < 105


def test_what_no_satellite_can_be_is_refused():
    assert "lon_0=104.7" in projection(104.7, 35_786_000.0).text
    for longitude, height, axes in ((1e9, 3.58e7, WGS84), (0.0, 7e5, WGS84), (0.0, 3.58e7, (1.0, 1.0))):
        with pytest.raises(SceneError, match=r"x.hdf.*damaged"):
            projection(longitude, height, axes=axes, what="x.hdf")
    for odd in (float("nan"), float("inf")):
        with pytest.raises(SceneError):
            projection(odd, 3.58e7)
    with pytest.raises(SceneError):
        projection(0.0, 3.58e7, sweep="z")


def view(x, y, when=datetime(2020, 3, 20, 12), satellite=None):
    times = np.full(len(y), np.datetime64(when, "ns"))
    return View(np.asarray(x, float), np.asarray(y, float), Projection(0.0, HEIGHT), times, satellite or (0, 0, HEIGHT))


def test_point_below_the_satellite():
    made = layers(view([0.0], [0.0]), (1, 1))
    assert float(made["view_zenith"][0, 0]) < 1e-4
    # At the equinox the Sun stands over the equator; at noon UTC over Greenwich but for the equation of time, 7.5 min.
    assert float(made["sun_zenith"][0, 0]) == pytest.approx(7.5 / 4.0, abs=0.1)
    assert bool(made["disk"][0, 0])


def test_beside_the_globe_all_is_nan():
    made = layers(view([0.0, 5.6e6], [5.6e6, 0.0]), (2, 2))
    space = [[True, True], [False, True]]
    assert (~made["disk"].values).tolist() == space
    for name in NAMES[1:]:
        assert np.isnan(made[name].values).tolist() == space, name


def test_views_look_back_at_the_satellite():
    """North of the equator the satellite stands in the south, east of it in the west; azimuths are never negative."""
    made = layers(view([-2e6, 0.0, 2e6], [2e6, 0.0, -2e6]), (3, 3))
    azimuth = made["view_azimuth"].values
    assert azimuth[0, 1] == pytest.approx(180.0)
    assert azimuth[2, 1] % 360 == pytest.approx(0.0, abs=1e-3)
    assert azimuth[1, 2] == pytest.approx(270.0)
    assert azimuth[1, 0] == pytest.approx(90.0)
    assert ((azimuth >= 0) & (azimuth <= 360)).all()


def test_view_zenith_reaches_the_horizon_and_no_further():
    rim = math.asin(RADIUS / (RADIUS + HEIGHT)) * HEIGHT
    zenith = layers(view(np.linspace(0.9 * rim, rim, 2001), [0.0]), (1, 2001))["view_zenith"].values
    known = zenith[np.isfinite(zenith)]
    assert 88.0 < known.max() <= 90.0
    assert (np.diff(known) >= 0).all()


def test_each_line_has_its_own_time():
    one = view([0.0], [1e5, 0.0])
    one.times[1] += np.timedelta64(4, "m")  # the Earth turns one degree
    zenith = layers(one, (2, 1))["sun_zenith"].values[:, 0]
    alone = layers(view([0.0], [0.0], datetime(2020, 3, 20, 12, 4)), (1, 1))["sun_zenith"].values
    assert zenith[1] == alone[0, 0]
    assert zenith[1] == pytest.approx(7.5 / 4.0 - 1.0, abs=0.1)


def test_layers_do_not_depend_on_blocks():
    grid = view(np.linspace(-5.6e6, 5.6e6, 41), np.linspace(5.6e6, -5.6e6, 33))
    whole, parts = layers(grid, (33, 41)), layers(grid, (5, 7))
    for name in NAMES:
        np.testing.assert_array_equal(whole[name].values, parts[name].values, err_msg=name)
        np.testing.assert_array_equal(whole[name].values[3:30:4, ::-2], parts[name][3:30:4, ::-2].values)


def test_nothing_is_worked_out_before_it_is_asked_for():
    def refuse(*args, **kwargs):
        raise AssertionError("computed")

    with dask.config.set(scheduler=refuse):
        made = layers(view(np.linspace(-5e6, 5e6, 22000), np.linspace(5e6, -5e6, 22000)), (48, 22000))
        with pytest.raises(AssertionError, match="computed"):
            made["sun_zenith"][:2, :2].compute()
    assert {str(a.dtype) for n, a in made.items() if n != "disk"} == {"float32"}
    assert np.isfinite(made["sun_zenith"][11000, 11000].compute())


def test_a_block_needs_no_other():
    """What is held at a time is a block: each is one task without any input but the geometry."""
    made = layers(view(np.linspace(-5e6, 5e6, 100), np.linspace(5e6, -5e6, 100)), (10, 100))
    graph = dict(made["sun_zenith"].data.__dask_graph__())
    blocks = [key for key in graph if isinstance(key, tuple)]
    assert len(blocks) == 10
    dependencies = made["sun_zenith"].data.__dask_graph__().get_all_dependencies()
    assert all(not any(isinstance(k, tuple) for k in dependencies[key]) for key in blocks)


def test_layers_are_named_by_their_content_and_travel():
    a, b = (layers(view([0.0, 1e6], [0.0]), (1, 2))["sun_zenith"].data for _ in range(2))
    assert a.name == b.name
    other = layers(view([0.0, 1e6], [0.0], datetime(2020, 3, 20, 13)), (1, 2))["sun_zenith"].data
    assert other.name != a.name
    layer = Layer(view([0.0, 1e6], [0.0]), "t", "view_zenith")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(layer))[:, :], layer[:, :])
