import numpy as np
import pandas as pd
import pvlib
import pytest
import xarray as xr

from musyq_lab.analysis.area import cell_area
from musyq_lab.analysis.regions import region_keys
from musyq_lab.analysis.zonal import region_mask
from musyq_lab.applications import solar
from musyq_lab.applications.solar import irradiance
from musyq_lab.applications.solar.potential import annual_sum
from musyq_lab.core.grid import GRIDS
from musyq_lab.standard.regrid import regrid

WINDOW = GRIDS["0p25deg"].window(100, 30, 102, 32)


def pvlib_monthly(latitude, longitude, altitude, turbidity):
    """Monthly means of pvlib's own Ineichen at 10 minutes with the SPA."""
    times = pd.date_range("2015-01-01", "2016-01-01", freq="10min", tz="UTC", inclusive="left")
    sun = pvlib.solarposition.get_solarposition(times, latitude, longitude)
    pressure = pvlib.atmosphere.alt2pres(altitude)
    mass = pvlib.atmosphere.get_absolute_airmass(
        pvlib.atmosphere.get_relative_airmass(sun["apparent_zenith"]), pressure
    )
    linke = pd.Series(np.asarray(turbidity)[times.month - 1], times)
    extra = pvlib.irradiance.get_extra_radiation(times)
    ghi = pvlib.clearsky.ineichen(sun["apparent_zenith"], mass, linke, altitude, extra)["ghi"]
    return ghi.groupby(times.month).mean().to_numpy()


@pytest.mark.parametrize(
    ("latitude", "longitude", "tolerance"), [(31.125, 100.625, 0.006), (-29.875, 20.125, 0.006), (60.125, 25.125, 0.03)]
)
def test_clear_sky_equals_pvlib_hour_by_hour(latitude, longitude, tolerance):
    grid = GRIDS["0p25deg"].window(longitude - 0.2, latitude - 0.2, longitude + 0.2, latitude + 0.2)
    ours = solar.clear_sky_shortwave(grid).sel(latitude=latitude, longitude=longitude)
    height = solar.terrain_altitude(grid).sel(latitude=latitude, longitude=longitude)
    seen = float(irradiance.effective_altitude(np.array([float(height)]))[0])
    linke = irradiance.linke_turbidity(grid).sel(latitude=latitude, longitude=longitude)
    expected = pvlib_monthly(latitude, longitude, seen, linke)
    np.testing.assert_allclose(ours, expected, rtol=tolerance, atol=1.0)


def test_linke_turbidity_and_altitude_are_pvlibs():
    linke = irradiance.linke_turbidity(GRIDS["0p25deg"].window(100, 30, 101, 31))
    fine = [
        pvlib.clearsky.lookup_linke_turbidity(
            pd.DatetimeIndex(["2015-06-15"]), la, lo, interp_turbidity=False
        ).iloc[0]
        for la in 30.25 + (np.arange(3) + 0.5) / 12
        for lo in 100.25 + (np.arange(3) + 0.5) / 12
    ]  # fmt: skip
    assert float(linke.sel(month=6, latitude=30.375, longitude=100.375)) == pytest.approx(np.mean(fine), rel=1e-3)
    assert float(solar.terrain_altitude().sel(latitude=40.35, longitude=115.79, method="nearest")) == pytest.approx(
        pvlib.location.lookup_altitude(40.35, 115.79)
    )


@pytest.mark.parametrize("altitude", [0, 1000, 2000, 3000, 4000, 5000])
def test_altitude_follows_birds_model_and_never_transmits_more_than_all(altitude):
    # Bird & Hulstrom with a clean, dry sky: aerosol 0.06/0.05, water vapour falling with a scale height of 2 km.
    pressure = pvlib.atmosphere.alt2pres(altitude)
    seen = float(irradiance.effective_altitude(np.array([float(altitude)]))[0])
    for zenith in (0.0, 60.0):
        mass = pvlib.atmosphere.get_relative_airmass(zenith)
        absolute = mass * pressure / 101325
        ours = float(pvlib.clearsky.ineichen(np.array(zenith), absolute, 2.0, seen, 1361.0)["ghi"])
        water = max(0.2, np.exp(-altitude / 2000))
        bird = float(pvlib.clearsky.bird(zenith, mass, 0.06, 0.05, water, pressure=pressure, dni_extra=1361.0)["ghi"])
        assert ours / 1361 / np.cos(np.radians(zenith)) < 0.9
        assert ours == pytest.approx(bird, rel=0.05)


def test_sun_path_gives_the_extraterrestrial_mean_in_closed_form():
    latitude = np.array([-60.0, 0.0, 35.0, 75.0])
    day = np.array([172.0, 80.0, 344.0, 172.0])
    cosine, weight = irradiance.sun_path(latitude, day)
    phi, delta = np.radians(latitude), pvlib.solarposition.declination_spencer71(day)
    sunset = np.arccos(np.clip(-np.tan(phi) * np.tan(delta), -1, 1))
    exact = (sunset * np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * np.sin(sunset)) / np.pi
    np.testing.assert_allclose((cosine * weight).sum(axis=-1), exact, atol=1e-9)
    assert cosine[:3].min() >= -1e-9


def test_polar_night_is_dark_and_nothing_is_missing():
    north = solar.clear_sky_shortwave(GRIDS["0p25deg"].window(0, 85, 2, 90))
    assert not north.isnull().any()
    assert float(north.sel(month=12).max()) == 0.0
    assert float(north.sel(month=6).min()) > 200


def coarse(clear, value):
    """A coarse GHI field that is `value` times the mean clear sky of each cell."""
    axes = {"latitude": np.arange(31.0, 29.0, -1.0) + 0.5, "longitude": np.array([100.5, 101.5])}
    template = xr.DataArray(np.zeros((2, 2)), coords=axes, dims=("latitude", "longitude"))
    return (regrid(clear, template) * value).rename("ghi")


def test_uniform_index_comes_back_exactly():
    clear = solar.clear_sky_shortwave(WINDOW)
    index = solar.clear_sky_index(coarse(clear, 0.7), clear)
    np.testing.assert_allclose(index["clear_sky_index"], 0.7, rtol=1e-5)
    # No differences between neighbours: the common error alone.
    np.testing.assert_allclose(index["clear_sky_index_uncertainty"] / index["clear_sky_index"], 0.10, rtol=1e-4)


def test_missing_cells_take_the_nearest_and_say_so():
    clear = solar.clear_sky_shortwave(WINDOW)
    ghi = coarse(clear, 0.6)
    ghi[:, 0, 0] = np.nan
    index = solar.clear_sky_index(ghi, clear)
    assert not index["clear_sky_index"].isnull().any()
    np.testing.assert_allclose(index["clear_sky_index"], 0.6, rtol=1e-4)
    assert float(index["source_share"][0, 0, 0]) == 0.0
    assert float(index["source_share"][0, -1, -1]) == 1.0


def test_fill_goes_across_the_antimeridian():
    data = xr.DataArray(np.array([[1.0, np.nan, 5.0, 5.0, np.nan, np.nan]]), dims=("latitude", "longitude"))
    np.testing.assert_array_equal(irradiance._fill_nearest(data)[0], [1.0, 1.0, 5.0, 5.0, 5.0, 1.0])


@pytest.mark.slow
def test_ghi_agrees_with_the_source_over_each_region(job):
    source = annual_sum(solar.ghi_climatology()["ghi"])
    ours = job["dsr"]["dsr_annual"]
    near = regrid(source, ours, "nearest")
    for key in region_keys():
        weight = region_mask(key, ours) * cell_area(ours) * near.notnull()
        ratio = float((ours * weight).sum()) / float((near * weight).sum())
        assert ratio == pytest.approx(1.0, abs=0.03), key


@pytest.mark.slow
def test_coarse_means_come_back(job):
    source = annual_sum(solar.ghi_climatology()["ghi"])
    ratio = (regrid(job["dsr"]["dsr_annual"], source) / source).values
    ratio = ratio[np.isfinite(ratio)]
    assert np.quantile(np.abs(ratio - 1), 0.99) < 0.02
