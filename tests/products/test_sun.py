"""The Sun over pixels that have dates and places but no angles, beside pvlib."""

import dask
import numpy as np
import pandas as pd
import pvlib
import pytest
import xarray as xr
from conformance.data import never

from musyq_lab.products._inputs import find
from musyq_lab.products._sun import sun_of

LATITUDE, LONGITUDE = np.array([60.0, 20.0, -35.0]), np.array([-70.0, 0.0, 100.0, 150.0])
TIMES = pd.date_range("2019-06-21T00:00", periods=5, freq="5h")


def dataset(time=TIMES, **attrs):
    shape = (len(time), 3, 4) if time is not None else (3, 4)
    dims = ("time", "latitude", "longitude")[-len(shape) :]
    coords = {"latitude": LATITUDE, "longitude": LONGITUDE} | ({} if time is None else {"time": time})
    return xr.Dataset({"aod": (dims, np.zeros(shape), {"units": "1"})}, coords, attrs)


def test_zenith_angles_of_a_series_on_a_map_are_those_of_spa():
    made = sun_of("sun_zenith", dataset(), {})
    assert made.dims == ("time", "latitude", "longitude")
    assert made.attrs["units"] == "degree"
    for j, latitude in enumerate(LATITUDE):
        for i, longitude in enumerate(LONGITUDE):
            spa = pvlib.solarposition.spa_python(TIMES.tz_localize("UTC"), latitude, longitude)["zenith"]
            np.testing.assert_allclose(made[:, j, i], spa, atol=2e-3)


def test_irradiance_follows_the_distance():
    """At perihelion (3 January 2019, 0.98330 AU) and aphelion (4 July 2019, 1.01675 AU): almanac."""
    times = pd.to_datetime(["2019-01-03T05:20", "2019-07-04T22:11"])
    made = sun_of("extraterrestrial_shortwave", dataset(times), {})
    np.testing.assert_allclose(made, 1361.0 / np.array([0.98330, 1.01675]) ** 2, rtol=2e-5)
    assert made.dims == ("time",)


def test_the_time_of_a_granule_serves_too():
    made = sun_of("sun_zenith", dataset(None, time_coverage_start="2019-06-21T05:00:00Z"), {})
    xr.testing.assert_allclose(made, sun_of("sun_zenith", dataset(), {}).isel(time=1, drop=True))


def test_the_start_of_a_composite_is_not_the_time_of_its_sun():
    start = {"time_coverage_start": "2019-06-21T05:00:00Z"}
    orbit = dataset(None, **start, time_coverage_end="2019-06-21T06:42:00Z")
    xr.testing.assert_identical(sun_of("sun_zenith", orbit, {}), sun_of("sun_zenith", dataset(None, **start), {}))
    days = dataset(None, **start, time_coverage_end="2019-06-30T23:00:00Z")
    assert sun_of("sun_zenith", days, {}) is None
    assert sun_of("extraterrestrial_shortwave", days, {}) is None


def test_coordinates_in_two_dimensions_and_of_inputs_by_keyword():
    latitude, longitude = np.meshgrid(LATITUDE, LONGITUDE, indexing="ij")
    coords = {"latitude": (("y", "x"), latitude), "longitude": (("y", "x"), longitude), "time": TIMES[1]}
    albedo = xr.DataArray(np.zeros((3, 4)), coords, ("y", "x"), attrs={"units": "1"})
    made = sun_of("sun_zenith", None, {"albedo": albedo})
    assert made.dims == ("y", "x")
    np.testing.assert_array_equal(made, sun_of("sun_zenith", dataset(), {})[1])


def test_fill_values_are_no_places():
    places = {"latitude": ("x", [40.0, -999.0, 40.0, np.nan]), "longitude": ("x", [275.0, 115.0, -999.0, 115.0])}
    made = sun_of("sun_zenith", xr.Dataset(coords=places | {"time": TIMES[1]}), {})
    np.testing.assert_array_equal(np.isfinite(made), [True, False, False, False])


def test_it_is_as_lazy_as_the_data():
    with dask.config.set(scheduler=never):
        made = sun_of("sun_zenith", dataset().chunk({"time": 2, "latitude": 1, "longitude": -1}), {})
    assert made.chunks == ((2, 2, 1), (1, 1, 1), (4,))
    xr.testing.assert_identical(made.compute(), sun_of("sun_zenith", dataset(), {}))


@pytest.mark.parametrize("name", ["view_zenith", "aod", "sun_azimuth"])
def test_other_quantities_do_not_follow(name):
    assert sun_of(name, dataset(), {}) is None


@pytest.mark.parametrize("gone", ["time", "latitude", "longitude"])
def test_nothing_is_made_up(gone):
    assert sun_of("sun_zenith", dataset().drop_vars(gone), {}) is None
    assert sun_of("sun_zenith", None, {}) is None


def test_means_over_time_have_no_sun():
    """Their time is the start of the day or of three hours: midnight's Sun is not theirs."""
    day = dataset()
    day["aod"].attrs["cell_methods"] = "time: mean"
    for name in ("sun_zenith", "extraterrestrial_shortwave"):
        assert sun_of(name, day, {}) is None
        assert sun_of(name, None, {"aod": day["aod"]}) is None
    day["aod"].attrs["cell_methods"] = "area: mean"
    assert sun_of("sun_zenith", day, {}) is not None


def test_files_of_three_hours_are_no_look():
    """Their start is known, and their end: the Sun of neither is theirs. A granule of an orbit has one."""
    start = {"time_coverage_start": "2019-06-30T03:00:00Z"}
    pixels = dataset().drop_vars("time").isel(time=0)
    for end, known in (("2019-06-30T04:41:00Z", True), ("2019-06-30T05:59:59Z", False)):
        made = sun_of("sun_zenith", pixels.assign_attrs(start, time_coverage_end=end), {})
        assert (made is not None) == known


def test_angles_that_are_there_win():
    given = dataset().assign(sun_zenith=xr.full_like(dataset()["aod"], 30.0).assign_attrs(units="degree"))
    assert (find("sun_zenith", given, {}) == 30).all()


def at(moment, latitude, longitude=0.0):
    """Return the zenith angle at one instant and places along a meridian."""
    places = {"latitude": ("x", latitude), "longitude": ("x", np.full(len(latitude), longitude))}
    pixels = xr.DataArray(np.zeros(len(latitude)), places | {"time": np.datetime64(moment, "ns")}, "x")
    return sun_of("sun_zenith", None, {"aod": pixels}).values


def test_noon_of_an_equinox_and_of_a_solstice():
    """The zenith angle at noon is the latitude less the declination: 0 and 23.44 degrees (almanac)."""
    latitude = np.array([-60.0, -30.0, 0.0, 30.0, 60.0])
    # Equinox: 20 March 21:58 UTC; noon, 7.45 minutes late by the equation of time, at 147.64 west.
    np.testing.assert_allclose(at("2019-03-20T21:58", latitude, -147.64), np.abs(latitude), atol=0.02)
    # Solstice: 21 June 15:54 UTC; noon, 1.8 minutes late, at 58.05 west.
    np.testing.assert_allclose(at("2019-06-21T15:54", latitude, -58.05), np.abs(latitude - 23.435), atol=0.02)


def test_hemispheres_are_alike_at_an_equinox_and_at_opposite_seasons():
    latitude = np.array([10.0, 40.0, 65.0])
    for longitude in (-120.0, -60.0, 30.0):
        north, south = (at("2019-03-20T21:58", sign * latitude, longitude) for sign in (1, -1))
        np.testing.assert_allclose(north, south, atol=0.01)
    summers = at("2019-06-21T15:54", latitude, -58.05), at("2019-12-22T04:19", -latitude, 115.3)
    np.testing.assert_allclose(*summers, atol=0.05)


def test_the_polar_day_and_the_polar_night():
    hours = dataset(pd.date_range("2019-06-21", periods=24, freq="h")).assign_coords(latitude=[75.0, 0.0, -75.0])
    zenith = sun_of("sun_zenith", hours, {})
    assert (zenith.sel(latitude=75.0) < 90).all()
    assert (zenith.sel(latitude=-75.0) > 90).all()
    assert 0.45 < (zenith.sel(latitude=0.0) < 90).mean() < 0.55


def test_the_time_that_is_a_coordinate_wins_over_that_of_the_granule():
    said = dataset(time_coverage_start="1999-01-01T00:00:00Z")
    for name in ("sun_zenith", "extraterrestrial_shortwave"):
        xr.testing.assert_identical(sun_of(name, said, {}), sun_of(name, dataset(), {}))


def test_a_time_that_is_no_date_does_not_count():
    steps = dataset().assign_coords(time=np.arange(5.0))
    assert sun_of("extraterrestrial_shortwave", steps, {}) is None
    said = steps.assign_attrs(time_coverage_start="2019-06-21T05:00:00")
    assert sun_of("extraterrestrial_shortwave", said, {}).shape == ()


def test_irradiance_needs_no_place_and_stays_within_the_year():
    times = pd.date_range("2019-01-01", "2019-12-31", freq="7D")
    made = sun_of("extraterrestrial_shortwave", dataset(times).drop_vars(["latitude", "longitude"]), {})
    assert made.attrs == {"units": "W m-2"}
    assert made.name == "extraterrestrial_shortwave"
    assert made.mean().item() == pytest.approx(1361.0 * (1 + 0.0167**2 / 2), rel=1e-3)  # mean of 1 / r^2 in time
    assert (made.max() / made.min()).item() == pytest.approx((1.0167 / 0.9833) ** 2, rel=1e-3)


def test_places_that_are_variables_serve_and_other_coordinates_are_left_behind():
    made = sun_of("sun_zenith", dataset().assign_coords(zone=("longitude", list("abcd"))), {})
    assert set(made.coords) == {"time", "latitude", "longitude"}
    latitude, longitude = np.meshgrid(LATITUDE, LONGITUDE, indexing="ij")
    swath = xr.Dataset({"latitude": (("y", "x"), latitude), "longitude": (("y", "x"), longitude)}, {"time": TIMES[2]})
    np.testing.assert_array_equal(sun_of("sun_zenith", swath, {}), sun_of("sun_zenith", dataset(), {})[2])


def test_time_and_place_may_come_from_different_inputs():
    place = dataset().drop_vars("time").isel(time=0)["aod"]
    when = xr.DataArray(np.zeros(5), {"time": TIMES}, ("time",))
    made = sun_of("sun_zenith", None, {"albedo": place, "ozone": when})
    np.testing.assert_array_equal(made.transpose("time", ...), sun_of("sun_zenith", dataset(), {}))


def test_an_unknown_place_has_no_sun():
    hole = dataset().assign_coords(latitude=[60.0, np.nan, -35.0])
    np.testing.assert_array_equal(
        np.isnan(sun_of("sun_zenith", hole, {})).any(("time", "longitude")), [False, True, False]
    )
