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


def test_angles_that_are_there_win():
    given = dataset().assign(sun_zenith=xr.full_like(dataset()["aod"], 30.0).assign_attrs(units="degree"))
    assert (find("sun_zenith", given, {}) == 30).all()
