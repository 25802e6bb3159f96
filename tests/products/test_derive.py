"""Inputs that follow from others: by definition, by the extreme of a series, or not at all."""

import dask
import numpy as np
import pytest
import xarray as xr
from conformance.data import never

from musyq_lab.core.errors import InputError
from musyq_lab.products._derive import derived


def field(values, units, dims=("x",)):
    return xr.DataArray(np.asarray(values, float), dims=dims, attrs={"units": units})


def made(name, **given):
    return derived(name, given.get)


@pytest.mark.parametrize(
    ("sun", "view", "between"),
    [(10, 10, 0), (10, 190, 180), (350, 20, 30), (20, 350, 30), (-170, 170, 20), (0, 270, 90)],
)
def test_relative_azimuth_is_folded(sun, view, between):
    found = made("relative_azimuth", sun_azimuth=field([sun], "degree"), view_azimuth=field([view], "degree"))
    assert found.values == pytest.approx([between])
    assert found.attrs["units"] == "degree"


def test_relative_azimuth_is_that_of_the_cosine():
    random = np.random.default_rng(1)
    sun, view = (field(random.uniform(-180, 360, 50), "degree") for _ in range(2))
    found = made("relative_azimuth", sun_azimuth=sun, view_azimuth=view)
    np.testing.assert_allclose(np.cos(np.radians(found)), np.cos(np.radians(sun - view)), atol=1e-12)
    assert ((found >= 0) & (found <= 180)).all()


def test_mean_temperature_of_a_day_in_any_unit():
    found = made("air_temperature", air_temperature_min=field([10], "degC"), air_temperature_max=field([293.15], "K"))
    assert found.values == pytest.approx([288.15])


def test_light_from_shortwave_or_from_photons():
    """MOD17 takes 45 % of the shortwave; 1 mol of solar PAR photons carries about 0.219 MJ."""
    assert made("downward_par", downward_shortwave=field([200], "W m-2")).values == pytest.approx([90])
    assert made("downward_par", photon_flux=field([1000], "umol m-2 s-1")).values == pytest.approx([218.8], rel=1e-3)
    both = made("downward_par", downward_shortwave=field([200], "W m-2"), photon_flux=field([1], "umol m-2 s-1"))
    assert both.values == pytest.approx([90])


def test_the_three_ways_to_the_vapour_pressure_deficit_agree():
    """A state of the air by its definitions: q = 0.622 e / (p - 0.378 e), RH = e / e_s."""
    temperature, pressure, vapour = field([298.15], "K"), field([101325], "Pa"), field([1600.0], "Pa")
    direct = made("vapour_pressure_deficit", air_temperature=temperature, vapour_pressure=vapour)
    saturation = float(direct[0]) + 1600.0
    assert saturation == pytest.approx(3169, rel=2e-3)  # over water at 25 C (Wagner and Pruss 2002)
    by_humidity = made(
        "vapour_pressure_deficit", air_temperature=temperature, relative_humidity=field([1600 / saturation], "1")
    )
    by_mass = made(
        "vapour_pressure_deficit",
        air_temperature=temperature,
        surface_pressure=pressure,
        specific_humidity=field([0.622 * 1600 / (101325 - 0.378 * 1600)], "1"),
    )
    assert by_humidity.values == pytest.approx(direct.values, rel=1e-6)
    assert by_mass.values == pytest.approx(direct.values, rel=2e-3)


@pytest.mark.parametrize(
    "water",
    [
        {"vapour_pressure": field([1600.0], "Pa")},
        {"specific_humidity": field([0.01], "1"), "surface_pressure": field([1e5], "Pa")},
    ],
    ids=lambda water: next(iter(water)),
)
def test_the_deficit_by_day_takes_the_temperature_by_day_where_it_is_known(water):
    mean, day = field([293.15], "K"), field([298.15], "K")
    both = made("vapour_pressure_deficit", air_temperature=mean, air_temperature_day=day, **water)
    alone = made("vapour_pressure_deficit", air_temperature=mean, **water)
    # Saturation: 3169 Pa at 25 C and 2339 at 20 C (Wagner and Pruss 2002).
    assert (both - alone).values == pytest.approx([830], rel=5e-3)
    assert made("vapour_pressure_deficit", air_temperature_day=day, **water).values == both.values


def test_pressure_of_the_standard_atmosphere():
    """ISO 2533: 1013.25 hPa at sea level, 794.95 at 2000 m of geopotential height."""
    found = made("surface_pressure", altitude=field([0, 2000], "m"))
    assert found.values == pytest.approx([101325, 79495], rel=1e-4)


def test_relative_humidity_is_the_share_of_saturation():
    found = made("relative_humidity", air_temperature=field([20], "degC"), vapour_pressure=field([11.69], "hPa"))
    assert found.values == pytest.approx([0.5], rel=2e-3)  # 2.338 kPa at 20 C (FAO-56, table 2.3)


def test_a_rule_may_rest_on_another():
    found = made(
        "vapour_pressure_deficit",
        air_temperature_min=field([288.15], "K"),
        air_temperature_max=field([308.15], "K"),
        relative_humidity=field([100], "%"),
    )
    assert found.values == pytest.approx([0], abs=1e-9)


def test_extremes_of_a_series():
    series = field([[0.1, 0.2], [0.5, np.nan], [0.3, 0.1]], "1", ("time", "x"))
    assert made("ndvi_maximum", ndvi=series).values.tolist() == [0.5, 0.2]
    assert made("ndvi_minimum", ndvi=series).values.tolist() == [0.1, 0.1]
    assert made("ndvi_maximum", ndvi=series).attrs["units"] == "1"
    assert made("ndvi_maximum", ndvi=series.isel(time=0)) is None


@pytest.mark.parametrize(
    "name", ["air_temperature", "downward_par", "vapour_pressure_deficit", "altitude", "ndvi_maximum"]
)
def test_nothing_follows_from_nothing(name):
    assert made(name) is None
    assert made(name, air_temperature_min=field([280], "K")) is None


def test_lazy_stays_lazy_and_grids_must_match():
    low, high = (field([280, 281], "K").chunk(x=1) for _ in range(2))
    with dask.config.set(scheduler=never):
        assert made("air_temperature", air_temperature_min=low, air_temperature_max=high).chunks is not None
    with pytest.raises((InputError, ValueError)):
        made("air_temperature", air_temperature_min=low, air_temperature_max=field([1, 2, 3], "K"))


def test_vapour_pressure_from_either_humidity_and_not_from_itself():
    """Half of the 2337 Pa of saturation at 20 degC; e = q p / (0.622 + 0.378 q)."""
    warmth = field([293.15], "K")
    found = made("vapour_pressure", air_temperature=warmth, relative_humidity=field([0.5], "1"))
    assert found.values == pytest.approx([1168.5], rel=1e-3)
    pressure = field([101325.0], "Pa")
    found = made("vapour_pressure", specific_humidity=field([0.01], "1"), surface_pressure=pressure)
    assert found.values == pytest.approx([1619.3], rel=1e-3)
    assert made("vapour_pressure", air_temperature=warmth) is None
    assert made("relative_humidity", air_temperature=warmth) is None
