"""Means over time from instants: the clear sky's own mean, clouds, nights, gaps, local days, errors."""

import dask
import numpy as np
import pytest
import xarray as xr

from musyq_lab.analysis.daytime import integrate
from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import GAP_FILLED, INPUT_MISSING
from musyq_lab.kernels import clear_sky, solar

DAY = np.datetime64("2019-07-10", "ns")
LATITUDE, LONGITUDE = np.array([-33.0, 10.0, 52.0]), np.array([0.0, 20.0])
AIR = (0.35, 1.1, 30.0, 330.0, 90000.0, 0.15)  # not that of the shape


def sky(times):
    """Clear-sky irradiance of other air than the shape's, dims (time, latitude, longitude)."""
    mu = solar.cos_zenith(times[:, None, None], LATITUDE[:, None], LONGITUDE)
    zenith = np.degrees(np.arccos(np.clip(mu, -1, 1)))
    return sum(clear_sky.rest2(zenith, np.full(zenith.shape, 1320.0), *AIR))


def every(minutes, days=1, offset=0):
    return DAY + (np.arange(0, days * 1440, minutes) + offset).astype("timedelta64[m]")


def dataset(times, values, sigma=None, name="dsr"):
    dims = ("time", "latitude", "longitude")
    made = {name: (dims, values, {"units": "W m-2", "standard_name": "x"})}
    if sigma is not None:
        made[f"{name}_uncertainty"] = (dims, sigma, {"units": "W m-2"})
    return xr.Dataset(made, {"time": times, "latitude": LATITUDE, "longitude": LONGITUDE})


def fine(factor=lambda times: 1.0):
    times = every(2) + np.timedelta64(1, "m")
    return sky(times) * np.asarray(factor(times)).reshape(-1, 1, 1)


@pytest.fixture(scope="module")
def truth():
    return fine()


def test_a_clear_day_from_a_few_instants(truth):
    """Four instants by day suffice where no cloud passes; a straight line through them would miss a tenth."""
    times = every(180)
    made = integrate(dataset(times, sky(times)), reach="4h")
    np.testing.assert_allclose(made.dsr[0], truth.mean(0), rtol=0.01)
    line = np.array([np.interp(np.arange(1440), np.arange(0, 1440, 180), s) for s in sky(times).reshape(8, -1).T])
    assert np.abs(line.mean(1) / truth.mean(0).ravel() - 1).max() > 0.02


def test_three_hours_sum_to_the_day(truth):
    times = every(60)
    ds = dataset(times, sky(times))
    day, parts = integrate(ds), integrate(ds, "3h")
    np.testing.assert_allclose(parts.dsr.mean("time"), day.dsr[0], rtol=1e-9)
    np.testing.assert_allclose(parts.dsr, truth.reshape(8, -1, 3, 2).mean(1), atol=4.0)
    assert (parts.time.values == every(180)).all()


def test_nights_are_zero_without_any_instant():
    times = every(30)
    made = integrate(dataset(times, sky(times)), "3h")
    dark = sky(every(2) + np.timedelta64(1, "m")).reshape(8, -1, 3, 2).max(1) == 0
    assert dark.any()
    assert (made.dsr.values[dark] == 0).all()
    assert (made.dsr_uncertainty.values[dark] == 0).all()
    assert (made.coverage.values[dark] == 1).all()
    assert (made.quality.values[dark] == 0).all()


def test_a_cloud_that_thickens_steadily_is_followed():
    def factor(times):
        return 1.0 - 0.7 * (times - DAY) / np.timedelta64(1, "D")

    times = every(60)
    made = integrate(dataset(times, sky(times) * factor(times).reshape(-1, 1, 1)))
    np.testing.assert_allclose(made.dsr[0], fine(factor).mean(0), rtol=0.01)


def test_values_that_do_not_follow_the_sun_are_straight_lines():
    times = every(60, days=2)
    hours = (times - DAY) / np.timedelta64(1, "h")
    values = np.broadcast_to((300 + 2 * hours).reshape(-1, 1, 1), (48, 3, 2)).copy()
    made = integrate(dataset(times, values, name="dlr"), "3h")
    np.testing.assert_allclose(made.dlr[3], 300 + 2 * 10.5, rtol=1e-12)


def test_gaps_count_by_the_light_they_hide():
    times = every(60)
    values = sky(times)
    hours = np.arange(24)
    values[(hours > 10) & (hours < 15)] = np.nan  # around noon at Greenwich
    made = integrate(dataset(times, values), reach="1h")
    assert ((made.coverage > 0.5) & (made.coverage < 0.9)).all()
    assert ((made.quality & GAP_FILLED.mask) > 0).all()
    assert np.isfinite(made.dsr).all()
    bare = sky(times)
    bare[hours > 8] = np.nan
    lost = integrate(dataset(times, bare), reach="1h")
    assert np.isnan(lost.dsr.sel(longitude=0.0)).all()
    assert np.isnan(lost.dsr_uncertainty.sel(longitude=0.0)).all()
    assert ((lost.quality.sel(longitude=0.0) & INPUT_MISSING.mask) > 0).all()


def test_no_instant_at_all():
    times = every(60)
    made = integrate(dataset(times, np.full((24, 3, 2), np.nan)))
    assert np.isnan(made.dsr).all()
    assert (made.instants == 0).all()


def test_count_of_instants():
    times = every(60)
    values = sky(times)
    values[:12] = np.nan
    made = integrate(dataset(times, values))
    light = sky(times)[12:]
    assert (made.instants.values[0] <= (light > 0).sum(0)).all()
    assert (made.instants.values[0] >= (light > 60).sum(0)).all()


def test_common_errors_stay_and_others_average_out():
    times = every(30)
    values = sky(times)
    sigma = 0.1 * values
    common = integrate(dataset(times, values, sigma), common=1.0)
    own = integrate(dataset(times, values, sigma), common=0.0, memory="1min")
    np.testing.assert_allclose(common.dsr_uncertainty / common.dsr, 0.1, rtol=0.02)
    ratio = own.dsr_uncertainty / own.dsr
    assert float(ratio.max()) < 0.03  # about 0.1 over the root of twenty


def test_error_is_the_quadratic_form_written_out():
    """Weights from unit pulses; correlation as in the kernel's docstring, by a double loop."""
    times = every(60)[6:18]
    base = sky(times)
    light = integrate(dataset(times, base)).dsr.values[0]
    weights = []
    for k in range(times.size):
        pulsed = base.copy()
        pulsed[k] *= 1.001
        weights.append((integrate(dataset(times, pulsed)).dsr.values[0] - light) / 0.001)
    sigma = 0.2 * base
    hours = (times - DAY) / np.timedelta64(1, "h")
    w = np.array(weights) * 0.2
    fade = np.exp(-np.abs(hours[:, None] - hours) / 2.0)
    expected = 0.4 * w.sum(0) ** 2 + 0.6 * np.einsum("iab,jab,ij->ab", w, w, fade)
    made = integrate(dataset(times, base, sigma), memory="2h", common=0.4)
    none = integrate(dataset(times, base, 0 * sigma), memory="2h", common=0.4)
    extra = made.dsr_uncertainty.values[0] ** 2 - none.dsr_uncertainty.values[0] ** 2
    np.testing.assert_allclose(extra, expected, rtol=1e-3)


def test_broken_clouds_are_less_certain_than_a_clear_day():
    times = every(60)
    flicker = np.where(np.arange(24) % 2, 1.0, 0.4).reshape(-1, 1, 1)
    calm = integrate(dataset(times, sky(times))).dsr_uncertainty
    wild = integrate(dataset(times, sky(times) * flicker)).dsr_uncertainty
    assert (wild > 3 * calm).all()


def test_a_local_day_has_its_noon_in_the_middle():
    """A place at 150 degrees east: its day begins at 14 UTC; both halves of daylight are in one label."""
    times = every(60, days=3)
    ds = dataset(times, np.broadcast_to(sky(times), (72, 3, 2)).copy())
    ds = ds.assign_coords(longitude=[150.0, -150.0])
    mu = solar.cos_zenith(times[:, None, None], LATITUDE[:, None], ds.longitude.values)
    zenith = np.degrees(np.arccos(np.clip(mu, -1, 1)))
    ds["dsr"] = ds.dsr.copy(data=sum(clear_sky.rest2(zenith, np.full(zenith.shape, 1320.0), *AIR)))
    local = integrate(ds, day="solar").dsr.isel(time=1)
    hours = every(60, days=1, offset=1440)
    expected = [
        integrate(ds.sel(longitude=[lon]).assign_coords(time=times + np.timedelta64(shift, "h"), longitude=[0.0]))
        for lon, shift in ((150.0, 10), (-150.0, -10))
    ]
    for k, one in enumerate(expected):
        # Moved clocks change the declination by a quarter of a degree at most.
        np.testing.assert_allclose(local.isel(longitude=k), one.dsr.sel(time=hours[0]).isel(longitude=0), rtol=0.02)


def test_lazy_and_chunked_is_the_same_to_the_last_bit():
    times = every(90)
    ds = dataset(times, sky(times), 0.05 * sky(times))
    whole = integrate(ds, "3h")
    chunked = ds.chunk(time=5, latitude=2, longitude=1)

    def never(*_args, **_kwargs):
        raise AssertionError("computed while the graph was built")

    with dask.config.set(scheduler=never):
        lazy = integrate(chunked, "3h")
    xr.testing.assert_identical(lazy.compute(scheduler="threads", num_workers=2), whole)


def test_order_of_instants_does_not_matter():
    times = every(90)
    ds = dataset(times, sky(times))
    order = np.random.Generator(np.random.Philox(1)).permutation(times.size)
    xr.testing.assert_identical(integrate(ds.isel(time=order)), integrate(ds))


def test_places_may_be_fields():
    times = every(120)
    ds = dataset(times, sky(times))
    field = ds.rename(latitude="y", longitude="x").drop_vars(["y", "x"])
    lat, lon = np.meshgrid(LATITUDE, LONGITUDE, indexing="ij")
    field = field.assign_coords(latitude=(("y", "x"), lat), longitude=(("y", "x"), lon))
    np.testing.assert_array_equal(integrate(field).dsr.values, integrate(ds).dsr.values)


@pytest.mark.parametrize("step", ["5h", "2D", "7min", "often", "-3h"])
def test_steps_must_divide_a_day(step):
    times = every(120)
    with pytest.raises(InputError, match=r"divide|length of time"):
        integrate(dataset(times, sky(times)), step)


def test_what_is_missing_is_named():
    times = every(120)
    ds = dataset(times, sky(times))
    with pytest.raises(InputError, match="dimension 'time'"):
        integrate(ds.isel(time=0))
    with pytest.raises(InputError, match="needs latitude"):
        integrate(ds.rename(latitude="y").drop_vars("y"))
    with pytest.raises(InputError, match="finds no"):
        integrate(ds, variables=["par"])
    with pytest.raises(InputError, match="'utc' or 'solar'"):
        integrate(ds, day="local")


def test_attributes_tell_what_it_is():
    times = every(120)
    made = integrate(dataset(times, sky(times)))
    assert made.dsr.attrs["units"] == "W m-2"
    assert made.dsr.attrs["cell_methods"] == "time: mean"
    assert made.dsr_uncertainty.attrs["units"] == "W m-2"


# ---- balances, places and what is refused ----------------------------------------------------------------------------
def budget(times):
    """Net radiation that is 80 % of the light and a loss of 70 W m-2."""
    net = 0.8 * sky(times)
    made = dataset(times, net, sigma=0.1 * net, name="net_shortwave")
    lost = np.full(net.shape, -70.0)
    made = made.merge(dataset(times, lost, sigma=np.full(net.shape, 9.0), name="net_longwave"))
    return made.merge(dataset(times, net + lost, name="net_radiation"))


def test_net_radiation_is_the_balance_of_its_parts(truth):
    """Images by day alone: the light falls to zero by night, and the loss goes on."""
    times = every(60)
    made = integrate(budget(times), reach="4h")
    np.testing.assert_allclose(made.net_radiation[0], 0.8 * truth.mean(0) - 70.0, rtol=0.01, atol=1.5)
    np.testing.assert_allclose(made.net_radiation, made.net_shortwave + made.net_longwave, rtol=1e-12)
    parts = np.hypot(made.net_shortwave_uncertainty, made.net_longwave_uncertainty)
    np.testing.assert_allclose(made.net_radiation_uncertainty, parts, rtol=1e-12)
    assert made.net_radiation.attrs["cell_methods"] == "time: mean"
    assert made.net_radiation_uncertainty.attrs["units"] == "W m-2"


def test_a_balance_without_its_parts_is_refused():
    times = every(60)
    with pytest.raises(InputError, match=r"net_radiation follows the Sun in part only, .* \['net_longwave'\]"):
        integrate(budget(times).drop_vars("net_longwave"))
    with pytest.raises(InputError, match="variables=\\['net_radiation', 'net_shortwave', 'net_longwave'\\]"):
        integrate(budget(times), variables=["net_radiation"])


def test_reflected_light_follows_the_sun(truth):
    times = every(180)
    made = integrate(dataset(times, 0.2 * sky(times), name="upward_shortwave"), reach="4h")
    np.testing.assert_allclose(made.upward_shortwave[0], 0.2 * truth.mean(0), rtol=0.01)


@pytest.mark.parametrize("day", ["utc", "solar"])
def test_longitudes_may_run_to_360(day):
    times = every(30, days=3)
    ds = dataset(times, sky(times)).assign_coords(longitude=[0.0, -115.0])
    west = integrate(ds, day=day)
    east = integrate(ds.assign_coords(longitude=[0.0, 245.0]), day=day)
    assert np.isfinite(west.dsr[1]).all()
    np.testing.assert_allclose(east.dsr, west.dsr, rtol=1e-9)


def test_an_empty_series_is_refused():
    times = every(60)
    with pytest.raises(InputError, match="integrate got no instant"):
        integrate(dataset(times, sky(times)).isel(time=slice(0)))
