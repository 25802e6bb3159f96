"""The optimum temperature of a series: against a loop, its units, lazily, and as an input of the product."""

import dask
import numpy as np
import pytest
import xarray as xr

import musyq_lab as ml
from musyq_lab.core.errors import InputError
from musyq_lab.kernels import weather
from musyq_lab.products._evaporation_optimum import optimum_temperature


@pytest.fixture(scope="module")
def series():
    """Return a year of noons at six places: a season, weather, and gaps."""
    random = np.random.Generator(np.random.Philox(2))
    shape = (3, 2, 73)
    season = np.sin(np.pi * np.arange(73) / 73) ** 2
    air = 262 + 40 * season + random.normal(0, 4, shape)
    deficit = weather.deficit_from_relative_humidity(air, random.uniform(0.2, 1.0, shape))
    ndvi = 0.1 + 0.7 * season + random.normal(0, 0.03, shape)
    ndvi[0, 0, ::3] = np.nan
    arrays = {
        "net_radiation": (100 + 400 * season + random.normal(0, 60, shape), "W m-2"),
        "air_temperature": (air, "K"),
        "ndvi": (ndvi, "1"),
        "vapour_pressure_deficit": (deficit, "Pa"),
    }
    return xr.Dataset({n: (("y", "x", "time"), a, {"units": u}) for n, (a, u) in arrays.items()})


def by_loop(series):
    """Return the temperature of the best sample, place by place."""
    celsius = series.air_temperature.values - 273.15
    fapar = np.clip(1.3632 * (0.45 * series.ndvi.values + 0.132) - 0.048, 0, 1)
    worth = series.net_radiation.values * fapar * celsius / np.maximum(series.vapour_pressure_deficit.values, 100)
    worth[(celsius <= 0) | (series.net_radiation.values <= 0) | np.isnan(worth)] = -1
    best = np.empty(worth.shape[:2])
    for place in np.ndindex(best.shape):
        best[place] = series.air_temperature.values[place][worth[place].argmax()]
    return best


def test_equals_a_loop(series):
    found = optimum_temperature(series)
    np.testing.assert_array_equal(found, by_loop(series))
    assert found.dims == ("y", "x")
    assert found.attrs["units"] == "K"
    assert ((found > 280) & (found < 310)).all()


def test_the_order_of_dimensions_and_chunks_do_not_matter(series):
    turned = series.transpose("time", "x", "y").chunk({"x": 1, "time": 20})
    with dask.config.set(scheduler="synchronous"):
        xr.testing.assert_identical(
            optimum_temperature(turned).compute().transpose("y", "x"), optimum_temperature(series)
        )


def test_units_are_converted_and_asked_for(series):
    celsius = series.assign(air_temperature=(series.air_temperature - 273.15).assign_attrs(units="degC"))
    np.testing.assert_allclose(optimum_temperature(celsius), optimum_temperature(series), rtol=1e-12)
    with pytest.raises(InputError, match="units of ndvi"):
        optimum_temperature(series.assign(ndvi=series.ndvi.drop_attrs()))


def test_what_is_missing_is_named(series):
    with pytest.raises(InputError, match="needs ndvi with a dimension time"):
        optimum_temperature(series.drop_vars("ndvi"))
    with pytest.raises(InputError, match="needs ndvi with a dimension time"):
        optimum_temperature(series.assign(ndvi=series.ndvi.isel(time=0)))


def test_it_is_an_input_of_the_product(series, monkeypatch):
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")  # a few pixels: a compilation would take longer
    cold = series.isel(time=14).assign(relative_humidity=(("y", "x"), np.full((3, 2), 0.6), {"units": "1"}))
    known = ml.retrieve("evapotranspiration", cold.assign(optimum_temperature=optimum_temperature(series)))
    assumed = ml.retrieve("evapotranspiration", cold)
    assert not (known.evapotranspiration_qa & 1 << 10).any()
    assert (assumed.evapotranspiration_qa & 1 << 10).all()
    assert (known.latent_heat != assumed.latent_heat).any()
