"""Air of the climatology: published numbers, the relations inverted, limits, laziness."""

import csv

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from sensors.shared_data import shared

from musyq_lab.core.errors import InputError
from musyq_lab.standard import climatology

BEIJING = (39.9, 116.4)
DAY = "2019-07-01T03:00:00Z"


def linke(aod, vapour, pressure):
    """Ineichen 2008, vapour in cm."""
    r = 1013.25 / pressure
    return 3.91 * np.exp(0.689 * r) * aod + 0.376 * np.log(vapour) + 2 + 0.54 * r - 0.5 * r**2 + 0.16 * r**3


@pytest.mark.parametrize(("latitude", "longitude"), [(28.6, 77.2), (12.0, 8.5), (39.9, 116.4)])
def test_aerosol_gives_the_turbidity_of_pvlib_back(latitude, longitude):
    """Hazy places, where cutting at zero changes little; pvlib's own look-up takes the nearest cell."""
    pd, pvlib = pytest.importorskip("pandas"), pytest.importorskip("pvlib")
    times = pd.DatetimeIndex(["2019-05-16"])
    expected = pvlib.clearsky.lookup_linke_turbidity(times, latitude, longitude).iloc[0]
    height = climatology.elevation(latitude, longitude)
    aod = climatology.aod(latitude, longitude, "2019-05-16", elevation=height).value
    vapour = climatology.water_vapour(latitude, longitude, "2019-05-16", elevation=height).value / 10
    found = linke(aod, vapour, climatology.pressure(height).value)
    assert found == pytest.approx(expected, abs=0.12)


def test_the_error_of_the_map_and_of_the_day_are_in_sigma():
    value, sigma = climatology.aod(*BEIJING, DAY)
    assert sigma > value * np.sqrt(np.exp(np.log(2) ** 2) - 1)
    clean = climatology.aod(-75.0, 0.0, DAY, elevation=0.0)
    assert 0 < clean.value < 0.3
    assert clean.sigma > 0


def test_a_normal_estimate_above_zero_is_that_of_scipy():
    from scipy.stats import truncnorm

    mean, sigma = np.array([-0.5, -0.05, 0.0, 0.1, 1.0]), np.full(5, 0.09)
    for m, s, value, error in zip(mean, sigma, *climatology._positive(mean, sigma), strict=True):
        expected = truncnorm(-m / s, np.inf, loc=m, scale=s)
        assert value == pytest.approx(expected.mean(), rel=1e-6)
        assert error == pytest.approx(expected.std(), rel=1e-3)


def test_mauna_loa_is_as_aeronet_saw_it():
    """June 2000 and on, 3397 m: optical depth near 0.02 and 0.2 cm of vapour, well within two sigma."""
    path = shared("ground_AERONET") / "aeronet-AOD15-example.txt"
    lines = path.read_text("latin-1").splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("AERONET_Site,"))
    rows = list(csv.DictReader(lines[start:]))
    seen = np.array([[float(r["AOD_500nm"]), 10 * float(r["Precipitable_Water(cm)"])] for r in rows])
    aod, vapour = (np.median(column[column > 0]) for column in seen.T)
    place = {"latitude": 19.536, "longitude": -155.576, "time": "2000-06-15", "elevation": 3397.0}
    for function, observed in ((climatology.aod, aod), (climatology.water_vapour, vapour)):
        value, sigma = function(**place)
        assert abs(value - observed) < 2 * sigma


@pytest.mark.parametrize(
    ("latitude", "day", "column"),
    [
        (0.0, "2019-04-01", 41.2),
        (45.0, "2019-07-16", 29.3),
        (45.0, "2019-01-15", 8.5),
        (60.0, "2019-07-16", 21.0),
        (75.0, "2019-01-15", 4.2),
        (-45.0, "2019-01-15", 29.3),
        (-60.0, "2019-07-16", 4.2),
    ],
)
def test_vapour_is_that_of_the_afgl_atmospheres(latitude, day, column):
    assert climatology.water_vapour(latitude, 10.0, day).value == pytest.approx(column, rel=0.01)


def test_vapour_above_an_altitude_is_that_of_the_tropical_profile():
    """Densities of the AFGL tropical atmosphere (g m-3, at 0, 1, 2, 3 ... km), summed by the trapezoid rule."""
    density = np.array([19, 13, 9.3, 4.7, 2.2, 1.5, 0.85, 0.47, 0.25, 0.12, 0.05])
    for k in (1, 2, 3):
        above = np.trapezoid(density[k:]) / np.trapezoid(density)
        assert np.exp(-1000.0 * k / climatology.VAPOUR_HEIGHT) == pytest.approx(above, abs=0.06)


def test_ozone_is_that_of_another_program():
    """MATLAB function ozone_ (Broenkow 1997) prints 321.2 for 36 N, 122 W and day 185."""
    assert climatology.ozone(36.0, -122.0, "2021-07-04").value == pytest.approx(321.2, abs=0.05)
    assert climatology.ozone(0.0, 50.0, DAY).value == pytest.approx(235.0)


@pytest.mark.parametrize(
    ("height", "pressure"), [(0, 1013.25), (1000, 898.75), (2000, 794.95), (3000, 701.09), (5000, 540.20)]
)
def test_pressure_is_that_of_the_standard_atmosphere(height, pressure):
    """US standard atmosphere 1976, table 1 (Z = geometric, within the difference to geopotential height)."""
    assert climatology.pressure(height).value == pytest.approx(pressure, rel=1e-3)


def test_columns_fall_with_altitude_and_elevation_is_known():
    low, high = (climatology.aod(*BEIJING, DAY, elevation=z) for z in (0.0, 2000.0))
    assert high.value == pytest.approx(low.value / np.e)
    assert high.sigma == pytest.approx(low.sigma / np.e)
    assert climatology.elevation(27.99, 86.92) > 4500  # Everest, mean of its surroundings
    assert climatology.elevation(0.0, -150.0) == 0


def test_months_join_and_longitude_goes_round():
    before, after = (climatology.aod(*BEIJING, t).value for t in ("2018-12-31T23:59:59", "2019-01-01T00:00:01"))
    assert before == pytest.approx(after, rel=1e-2)
    west, east = (climatology.aod(51.5, x, DAY).value for x in (-179.9999, 179.9999))
    assert west == pytest.approx(east, rel=1e-3)
    assert climatology.aod(51.5, 190.0, DAY).value == pytest.approx(climatology.aod(51.5, -170.0, DAY).value)


def never(*_, **__):
    raise AssertionError("computed")


def test_lazy_stays_lazy_and_gives_the_same():
    latitude = xr.DataArray(np.linspace(-60, 60, 40).reshape(8, 5), dims=("y", "x"))
    longitude = xr.DataArray(np.linspace(-170, 170, 40).reshape(8, 5), dims=("y", "x"))
    lazy = [part.chunk({"y": 3, "x": 2}) for part in (latitude, longitude)]
    for function in (climatology.aod, climatology.water_vapour, climatology.ozone):
        with dask.config.set(scheduler=never):
            late = function(*lazy, DAY)
        now = function(latitude, longitude, DAY)
        for one, other in zip(late, now, strict=True):
            assert isinstance(one.data, da.Array)
            assert one.attrs["units"] == other.attrs["units"]
            np.testing.assert_array_equal(one.values, other.values)


def test_an_unknown_place_has_no_air():
    place = xr.DataArray([np.nan, 40.0]), xr.DataArray([10.0, np.nan])
    for function in (climatology.aod, climatology.water_vapour, climatology.ozone):
        assert np.isnan(function(*place, DAY).value).all()


@pytest.mark.parametrize("time", ["yesterday", "NaT", None, ""])
def test_a_time_that_is_none_is_refused(time):
    with pytest.raises(InputError, match="date"):
        climatology.aod(*BEIJING, time)
