"""Soil moisture from rain and evaporation, as users get it."""

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.kernels import bucket
from musyq_lab.products._bucket import soil_water

DAYS = np.arange("2019-01-01", "2020-01-01", dtype="datetime64[D]").astype("datetime64[ns]")


@pytest.fixture(scope="module")
def weather():
    random = np.random.Generator(np.random.Philox(8))
    shape = (len(DAYS), 2, 3)
    rain = random.exponential(8.0, shape) * (random.random(shape) < 0.3)
    demand = random.uniform(0.5, 6.0, shape)
    dims, coords = ("time", "y", "x"), {"time": DAYS}
    return (
        xr.DataArray(rain, coords, dims, attrs={"units": "mm d-1"}),
        xr.DataArray(demand, coords, dims, attrs={"units": "mm d-1"}),
    )


def test_is_the_kernel_along_time(weather):
    rain, demand = weather
    made = soil_water(rain, demand, capacity=100.0, spin_up=50)
    pixel = [a.isel(y=1, x=2).values for a in weather]
    share, evaporation, runoff, _ = bucket.water_balance(*pixel, np.full(len(DAYS), 12.0), 100.0, 0.5, 50.0)
    here = made.isel(y=1, x=2)
    for name, expected in (("soil_moisture", share), ("evaporation", evaporation), ("runoff", runoff)):
        np.testing.assert_allclose(here[name], expected, rtol=1e-12)
    assert here.evaporation_ratio_mean.item() == pytest.approx(evaporation.sum() / pixel[1].sum())


def test_names_and_units_are_those_of_the_production_models(weather):
    made = soil_water(*weather)
    assert made.soil_moisture.attrs["units"] == made.evaporation_ratio_mean.attrs["units"] == "1"
    assert "time" not in made.evaporation_ratio_mean.dims
    assert 0 < float(made.soil_moisture.min()) < float(made.soil_moisture.max()) <= 1


def test_dask_gives_the_same(weather):
    lazy = soil_water(*(a.chunk({"time": 100, "x": 2}) for a in weather))
    assert lazy.soil_moisture.chunks is not None
    xr.testing.assert_identical(lazy.compute().transpose(..., "time"), soil_water(*weather).transpose(..., "time"))


def test_units_are_converted(weather):
    rain, demand = weather
    flux = (rain / 86400).assign_attrs(units="mm s-1")
    np.testing.assert_allclose(
        soil_water(flux, demand).soil_moisture, soil_water(rain, demand).soil_moisture, rtol=1e-9
    )
    with pytest.raises(InputError):
        soil_water(rain.assign_attrs(units="K"), demand)


def test_precipitation_as_a_flux_of_mass(weather):
    """1 kg m-2 s-1 is 86,400 mm of water a day."""
    rain, demand = weather
    flux = (rain / 86400.0).assign_attrs(units="kg m-2 s-1")
    xr.testing.assert_allclose(soil_water(flux, demand).soil_moisture, soil_water(rain, demand).soil_moisture)


def test_a_map_of_capacities(weather):
    capacity = xr.DataArray([[50.0, 100.0, 150.0]] * 2, dims=("y", "x"))
    made = soil_water(*weather, capacity=capacity)
    small = soil_water(*weather, capacity=50.0)
    xr.testing.assert_allclose(made.isel(x=0), small.isel(x=0))
    assert float(made.runoff.isel(x=0).sum()) > float(soil_water(*weather, capacity=150.0).runoff.isel(x=0).sum())


def test_days_are_needed(weather):
    rain, demand = weather
    with pytest.raises(InputError, match="time"):
        soil_water(rain.isel(time=0), demand)
    with pytest.raises(InputError, match="one day"):
        soil_water(rain.isel(time=slice(None, None, 5)), demand)


def test_a_calendar_without_the_leap_day_will_do(weather):
    rain, demand = (a.isel(time=slice(0, 60)) for a in weather)
    days = np.delete(np.arange("2020-02-01", "2020-04-05", dtype="datetime64[D]").astype("datetime64[ns]"), 28)[:60]
    made = soil_water(rain.assign_coords(time=days), demand.assign_coords(time=days))
    assert np.isfinite(made.soil_moisture).all()
