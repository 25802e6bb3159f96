import json
from pathlib import Path

import numpy as np
import pandas as pd
import pvlib
import pytest
import xarray as xr

from musyq_lab.applications import solar
from musyq_lab.applications.solar import yields
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.resources import resource

DATA = Path(pvlib.__file__).parent / "data"


def station(file):
    """Hourly GHI, DNI, DHI, air temperature (W m-2, degC) of a TMY file with its facts, on the middle of each hour."""
    if file.endswith("tm2"):
        data, facts = pvlib.iotools.read_tmy2(DATA / file)
        table = pd.DataFrame({"ghi": data.GHI, "dni": data.DNI, "dhi": data.DHI, "air": data.DryBulb / 10}, dtype=float)
    else:
        data, facts = pvlib.iotools.read_tmy3(DATA / file, map_variables=True)
        table = data[["ghi", "dni", "dhi", "temp_air"]].astype(float).set_axis(["ghi", "dni", "dhi", "air"], axis=1)
    hours = pd.date_range("2015-01-01 00:30", periods=len(table), freq="h", tz=data.index.tz)
    return table.set_index(hours), facts


def with_erbs(table, facts):
    """The same hours with beam and diffuse irradiance by Erbs from GHI, as our chain has them."""
    sun = pvlib.solarposition.get_solarposition(table.index, facts["latitude"], facts["longitude"], facts["altitude"])
    split = pvlib.irradiance.erbs(
        table.ghi.to_numpy(), sun.apparent_zenith.to_numpy(), table.index.day_of_year.to_numpy()
    )
    return table.assign(dni=split["dni"], dhi=split["dhi"])


def hourly_yield(table, facts, chain="gsa"):
    """pvlib's own chain hour by hour."""
    times, latitude = table.index, facts["latitude"]
    sun = pvlib.solarposition.get_solarposition(times, latitude, facts["longitude"], facts["altitude"])
    tilt = float(solar.optimum_tilt(latitude))
    plane = pvlib.irradiance.get_total_irradiance(
        tilt, 180, sun.apparent_zenith, sun.azimuth, table.dni, table.ghi, table.dhi,
        dni_extra=pvlib.irradiance.get_extra_radiation(times), albedo=0.2, model="haydavies",
    ).fillna(0.0)  # fmt: skip
    angle = pvlib.irradiance.aoi(tilt, 180, sun.apparent_zenith, sun.azimuth)
    diffuse = pvlib.iam.martin_ruiz_diffuse(tilt)
    seen = plane.poa_direct * pvlib.iam.martin_ruiz(angle) + plane.poa_sky_diffuse * diffuse["sky"]
    seen = seen + plane.poa_ground_diffuse * diffuse["ground"]
    module = pvlib.temperature.faiman(plane.poa_global, table.air, 2.0)
    power = pvlib.pvarray.huld(seen.to_numpy(), module.to_numpy(), 1000.0, cell_type="csi").clip(min=0)
    return power.sum() / 1000 * (1 - solar.constants.entry("yield_chains", chain)["loss"])


def monthly_inputs(table, facts):
    """What our chain gets: monthly GHI, clear sky, spread of the daily index and temperature by GHI."""
    times = table.index
    place = pvlib.location.Location(facts["latitude"], facts["longitude"], altitude=facts["altitude"])
    clear = place.get_clearsky(times)["ghi"]
    month = times.month
    daily = table.ghi.groupby(times.date).sum() / clear.groupby(times.date).sum()
    spread = daily.groupby([d.month for d in daily.index]).std()
    air = (table.air * table.ghi).groupby(month).sum() / table.ghi.groupby(month).sum()
    arrays = (table.ghi.groupby(month).mean(), clear.groupby(month).mean(), spread, air + 273.15)
    return dict(zip(("dsr", "clear", "spread", "temperature"), (a.to_numpy()[None] for a in arrays), strict=True))


@pytest.mark.parametrize("file", ["703165TY.csv", "723170TYA.CSV", "12839.tm2"])
def test_two_days_a_month_equal_a_year_of_hours(file):
    table, facts = station(file)
    ours = yields.cell_yield(
        np.array([facts["latitude"]]), np.array([float(facts["altitude"])]), **monthly_inputs(table, facts)
    )
    assert float(ours.sum()) == pytest.approx(hourly_yield(with_erbs(table, facts), facts), rel=0.03)
    # Against measured beam and diffuse irradiance the error of the diffuse model comes on top.
    assert float(ours.sum()) == pytest.approx(hourly_yield(table, facts), rel=0.07)


def test_the_spread_of_the_days_matters_in_the_north():
    table, facts = station("703165TY.csv")
    inputs = monthly_inputs(table, facts)
    place = np.array([facts["latitude"]]), np.array([float(facts["altitude"])])
    alike = yields.cell_yield(*place, **{**inputs, "spread": None}).sum()
    assert alike / hourly_yield(with_erbs(table, facts), facts) < 0.92  # what one mean day a month would cost
    assert yields.cell_yield(*place, **inputs).sum() > alike


def run(latitude, chain="gsa", tilt=None, **changes):
    n = np.size(latitude)
    inputs = {
        "dsr": np.full((n, 12), 180.0),
        "clear": np.full((n, 12), 260.0),
        "spread": np.full((n, 12), 0.2),
        "temperature": np.full((n, 12), 295.0),
    }
    return yields.cell_yield(
        np.atleast_1d(np.asarray(latitude, float)), np.zeros(n), chain=chain, tilt=tilt, **{**inputs, **changes}
    )


@pytest.mark.parametrize("latitude", [-40.0, 0.0, 30.0, 60.0, 75.0])
@pytest.mark.parametrize("month", [3, 6, 9])
def test_plane_over_horizontal_equals_pvlib_through_a_day(latitude, month):
    """The typical day's ratio against pvlib with the SPA every ten minutes, both under the same clear sky."""
    times = pd.date_range(f"2015-{month:02d}-16", periods=144, freq="10min", tz="UTC")
    sun = pvlib.solarposition.get_solarposition(times, latitude, 0.0)
    zenith, extra = sun.apparent_zenith.to_numpy(), pvlib.irradiance.get_extra_radiation(times).to_numpy()
    mass = pvlib.atmosphere.get_absolute_airmass(pvlib.atmosphere.get_relative_airmass(zenith))
    ghi = 0.8 * np.nan_to_num(pvlib.clearsky.ineichen(zenith, mass, 3.0, 0.0, extra)["ghi"])
    split = pvlib.irradiance.erbs(ghi, zenith, times.day_of_year.to_numpy())
    tilt = float(solar.optimum_tilt(latitude))
    plane = pvlib.irradiance.get_total_irradiance(
        abs(tilt), 180 if tilt >= 0 else 0, zenith, sun.azimuth.to_numpy(), split["dni"], ghi, split["dhi"],
        dni_extra=extra, albedo=0.2, model="haydavies",
    )["poa_global"]  # fmt: skip
    path = yields._sun(np.array([latitude]), np.zeros(1))
    surface = yields._surface(np.array([latitude]), np.array([tilt]), path)
    ours = sum(yields._plane(0.8 * path["clear"], path, surface, "haydavies"))
    ratio = (ours * path["weight"]).sum(axis=-1) / (0.8 * path["clear"] * path["weight"]).sum(axis=-1)
    assert ratio[0, month - 1] == pytest.approx(np.nansum(plane) / ghi.sum(), rel=0.02)


@pytest.mark.parametrize("latitude", [-35.0, -15.0, 10.0, 25.0, 40.0, 52.0])
def test_no_other_tilt_gives_more_than_one_percent_more(latitude):
    place = np.array([latitude])
    clear = solar.clear_sky_shortwave(
        xr.Dataset(coords={"latitude": [latitude + 0.5, latitude - 0.5], "longitude": [20.0, 21.0]})
    )
    clear = clear.values[:, 0, :1].T.astype(float)
    inputs = {
        "dsr": 0.7 * clear,
        "clear": clear,
        "spread": np.full((1, 12), 0.2),
        "temperature": np.full((1, 12), 290.0),
    }
    best = max(
        yields.cell_yield(place, np.zeros(1), tilt=np.array([t]), **inputs).sum() for t in np.arange(-60.0, 61.0, 3.0)
    )
    ours = yields.cell_yield(place, np.zeros(1), **inputs).sum()
    assert ours > 0.99 * best
    assert np.sign(solar.optimum_tilt(latitude)) == np.sign(latitude)


def test_both_hemispheres_are_alike_half_a_year_apart():
    days = np.array(solar.constants.DAYS_OF_MONTH)
    north = run(30.0, tilt=np.array([25.0]))[0] / days
    south = run(-30.0, tilt=np.array([-25.0]))[0] / days
    # The irradiance is the same by construction; sun path and distance differ a little.
    np.testing.assert_allclose(np.roll(south, 6), north, rtol=0.06)


def test_heat_costs_what_the_module_model_says():
    warm, cool = (run(30.0, chain="pvwatts", temperature=np.full((1, 12), t)).sum() for t in (305.0, 295.0))
    # -0.35 % a kelvin of the rated power, of a module some 15 K warmer than 25 degC.
    assert 1 - warm / cool == pytest.approx(0.035, abs=0.003)


def test_chains_differ_by_their_losses():
    gsa, pvgis = run(30.0, "gsa").sum(), run(30.0, "pvgis").sum()
    assert pvgis / gsa == pytest.approx(0.86 / 0.893, rel=1e-12)
    assert solar.constants.entry("yield_chains", "pvwatts")["loss"] == pytest.approx(
        pvlib.pvsystem.pvwatts_losses() / 100, rel=1e-12
    )
    assert solar.constants.entry("yield_chains", "gsa")["loss"] == pytest.approx(1 - 0.965 * 0.925, abs=5e-4)


@pytest.mark.parametrize(
    ("model", "expected"), [("isotropic", 848.4310347), ("haydavies", 870.6419630), ("perez", 894.1015361)]
)
def test_transposition_equals_pvlib_on_the_reference_case(model, expected):
    """Tilt 30 S, sun 35 degrees from the zenith at azimuth 150: values of pvlib's get_total_irradiance."""
    zenith, azimuth, tilt = np.radians(35.0), np.radians(150.0), np.radians(30.0)
    south = -np.sin(zenith) * np.cos(azimuth)
    shape = (1, 1, 1)
    sun = {
        "zenith": np.full(shape, 35.0), "cosine": np.full(shape, np.cos(zenith)), "extra": np.full(shape, 1340.0),
        "south": np.full(shape, south), "mass": np.full(shape, 1.22),
    }  # fmt: skip
    cosine = np.cos(zenith) * np.cos(tilt) + south * np.sin(tilt)
    surface = {"tilt": np.full(shape, 30.0), "facing": np.full(shape, 180.0), "cosine": np.full(shape, cosine)}
    original = pvlib.irradiance.erbs
    pvlib.irradiance.erbs = lambda *_: {"dni": np.full(shape, 700.0), "dhi": np.full(shape, 180.0)}
    try:
        parts = yields._plane(np.full(shape, 750.0), sun, surface, model)
    finally:
        pvlib.irradiance.erbs = original
    assert float(sum(p.sum() for p in parts)) == pytest.approx(expected, rel=1e-9)


def test_zero_irradiance_gives_zero_and_missing_stays_missing():
    axes = {"month": np.arange(1, 13), "latitude": [40.0, 39.0], "longitude": [10.0, 11.0]}
    clear = xr.DataArray(np.full((12, 2, 2), 250.0), coords=axes, dims=tuple(axes))
    dsr = clear * 0.6
    dsr[:, 0, 0] = 0.0
    dsr[3, 1, 1] = np.nan
    altitude = xr.zeros_like(clear.isel(month=0, drop=True))
    out = solar.pv_yield(dsr, clear, altitude=altitude)
    assert out.dims == ("month", "latitude", "longitude")
    np.testing.assert_array_equal(out[:, 0, 0], 0.0)
    assert out[:, 1, 1].isnull().all()
    assert float(out[6, 0, 1]) > 50
    only = solar.pv_yield(dsr, clear, altitude=altitude, where=altitude.latitude > 39.5)
    assert only.sel(latitude=39.0).isnull().all()


def test_air_temperature_against_the_towers():
    towers = pd.read_csv(resource("catalogs/samples/towers.csv")).dropna(
        subset=["mean_annual_temperature", "elevation"]
    )
    ours = solar.air_temperature(towers.latitude, towers.elevation).mean(axis=1) - 273.15
    error = ours - solar.constants.constant("air_temperature_excess").value - towers.mean_annual_temperature
    assert error.mean() == pytest.approx(-1.8, abs=0.1)
    assert error.std() == pytest.approx(solar.constants.constant("air_temperature_profile_sigma").value, abs=0.1)


def test_seasons_are_opposite():
    months = solar.air_temperature([50.0, -50.0], [0.0, 0.0])
    assert months[0].argmax() == 6
    assert months[1].argmin() == 6


def test_unknown_choices_are_told():
    field = xr.DataArray(np.ones((12, 2, 2)), dims=("month", "latitude", "longitude"))
    with pytest.raises(NotFoundError, match="pvgis"):
        solar.pv_yield(field, field, altitude=field[0], chain="pvgsi")
    with pytest.raises(InputError, match="haydavies"):
        solar.pv_yield(field, field, altitude=field[0], transposition="king")


def test_reference_power_of_the_huld_model():
    # radiation-vectors: 800 W m-2 at 45 degC -> 727.4366 W per kWp (PVGIS 5 coefficients).
    assert json.loads(json.dumps(float(pvlib.pvarray.huld(np.array(800.0), 45.0, 1000.0, cell_type="csi")))) == (
        pytest.approx(727.4366227, rel=1e-8)
    )


@pytest.mark.parametrize("latitude", [66.0, 68.0, 70.0, 72.0, 75.0])
def test_the_edge_of_polar_night_gives_no_wild_yield(latitude):
    clear = solar.clear_sky_shortwave(
        xr.Dataset(coords={"latitude": [latitude + 0.5, latitude - 0.5], "longitude": [20.0, 21.0]})
    )
    clear = clear.values[:, 0, :1].T.astype(float)
    months = run(latitude, dsr=0.7 * clear, clear=clear)[0]
    assert np.all(months >= 0)
    assert np.all(months <= 1.6 * 0.7 * clear[0] * 0.024 * 31 + 15)
