"""Downward longwave radiation as users get it: published numbers, real skies, clouds, bits, errors, refusals."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from sensors.shared_data import shared

import musyq_lab as ml
from musyq_lab.archive.stations import open_surfrad
from musyq_lab.core.errors import InputError
from musyq_lab.kernels import longwave, solar, weather
from musyq_lab.products._longwave import CLOUDS, column_of, thinness
from musyq_lab.products.dlr import SPEC, dlr

UNITS = {item.name: item.units for item in SPEC.inputs} | {"relative_humidity": "1", "altitude": "m"}
BIT = {flag.name: flag.mask for flag in SPEC.flags}
ON_COLUMN = ("prata", "prata_pressure", "dilley_obrien")
ON_VAPOUR = ("brutsaert", "idso", "brunt", "li")


@pytest.fixture(autouse=True)
def python_twins(monkeypatch):
    """Run the kernels as plain Python: a few pixels take no time, a compilation seconds."""
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")


def scene(**inputs):
    """Return a Dataset of inputs in canonical units, a row of pixels."""
    arrays = np.broadcast_arrays(*(np.atleast_1d(np.asarray(values, float)) for values in inputs.values()))
    return xr.Dataset({n: ("x", a.copy(), {"units": UNITS[n]}) for n, a in zip(inputs, arrays, strict=True)})


def air(**more):
    """Return ordinary air of a summer day, with what else is given."""
    return scene(**{"air_temperature": 293.15, "vapour_pressure": 1200.0, "surface_pressure": 9e4, **more})


def value(ds, **options):
    """Return the product's values without uncertainty."""
    return dlr(ds, uncertainty=False, **options).dlr.values


def black(kelvin):
    return longwave.STEFAN_BOLTZMANN * np.asarray(kelvin) ** 4


def rows():
    path = Path(__file__).parents[1] / "reference" / "dlr.csv"
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@pytest.mark.parametrize("row", rows(), ids=lambda r: f"{r['method']}-{r['air_temperature']}-{r['cloud_fraction']}")
def test_published_values(row):
    given = {name: float(row[name]) for name in ("air_temperature", "vapour_pressure", "cloud_fraction") if row[name]}
    made = value(scene(**given), method=row["method"], clouds="li")
    assert made == pytest.approx(float(row["value"]), abs=float(row["tolerance"]))


# ---- real skies ------------------------------------------------------------------------------------------------------


def error(made, measured, where=True):
    """Return root mean square difference and bias where both are known."""
    difference = (made - measured)[where & np.isfinite(made) & np.isfinite(measured)]
    return np.sqrt(np.mean(difference**2)), difference.mean()


@pytest.fixture(scope="module")
def tharandt():
    """Return days of June 2014 over a spruce forest (FLUXNET DE-Tha): inputs, measured irradiance, clear hours."""
    path = shared("ground_flux_bigleaf") / "DE_Tha_Jun_2014.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        table = list(csv.DictReader(file))[::3]
    column = {n: np.array([float(r[n] or "nan") for r in table]) for n in ("doy", "hour", "Tair", "VPD", "PPFD")}
    measured = np.array([float(r["LW_down"] or "nan") for r in table])
    hours = (column["doy"] - 1) * 24 + column["hour"] - 0.75  # the middle of the half hour, UTC
    time = np.datetime64("2014-01-01", "s") + (hours * 3600).round().astype("timedelta64[s]")
    mu = np.cos(np.radians(np.asarray(solar.zenith_azimuth(time, 50.9626, 13.5651)[0], float)))
    clear = np.where(mu > 0.0872, 1098 * mu * np.exp(-0.057 / np.maximum(mu, 0.01)), np.nan)  # Haurwitz 1945
    ratio = np.where(clear > 150, column["PPFD"] / clear, np.nan)
    index = ratio / np.nanpercentile(ratio, 92)
    kelvin = column["Tair"] + 273.15
    vapour = weather.saturation_pressure.python(kelvin) - 1000 * column["VPD"]
    ds = scene(air_temperature=kelvin, vapour_pressure=vapour, clear_sky_index=index)
    day = np.isfinite(index)
    return ds.isel(x=day), measured[day], np.abs(index[day] - 1) < 0.08


def test_clear_hours_at_tharandt(tharandt):
    ds, measured, clear = tharandt
    found = {m: error(value(ds.drop_vars("clear_sky_index"), method=m), measured, clear) for m in (*ON_VAPOUR, "prata")}
    assert clear.sum() > 50
    assert found["prata"][0] < 12
    assert abs(found["prata"][1]) < 5
    assert found["prata"][0] == min(rmse for rmse, _ in found.values())
    assert found["brunt"][0] > 20  # the coefficients of 1932 are of one place and few days


def test_clouds_at_tharandt(tharandt):
    ds, measured, _ = tharandt
    blind = error(value(ds.drop_vars("clear_sky_index")), measured)
    assert blind[0] > 35
    assert blind[1] < -25
    for clouds in CLOUDS:
        rmse, bias = error(value(ds, clouds=clouds), measured)
        assert rmse < 15
        assert abs(bias) < 5


def test_stated_sigma_covers_the_errors_at_tharandt(tharandt):
    ds, measured, _ = tharandt
    made = dlr(ds)
    within = np.abs(made.dlr.values - measured) <= made.dlr_uncertainty.values
    assert 0.60 < within.mean() < 0.75


def test_cold_thin_air_at_alamosa():
    # Every tenth minute of a clear day of winter.
    table = open_surfrad(shared("ground_radiation_pvlib") / "surfrad-slv16001.dat").iloc[::10]
    day = table["sun_zenith"].to_numpy() < 80
    kelvin, measured = table["air_temperature"].to_numpy(), table["downward_longwave"].to_numpy()
    vapour = table["relative_humidity"].to_numpy() * weather.saturation_pressure.python(kelvin)
    ds = scene(air_temperature=kelvin, vapour_pressure=vapour, surface_pressure=table["surface_pressure"].to_numpy())
    found = {m: error(value(ds, method=m), measured, day) for m in SPEC.method_names}
    assert day.sum() > 40
    assert found["prata_pressure"][0] < 7 < 12 < found["prata"][0]
    assert found["dilley_obrien"][0] < 8
    assert found["idso"][1] > 15
    # Nothing but vapour radiates in Brutsaert's sky, and there is next to none.
    assert found["brutsaert"][1] < -10


# ---- physics ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", SPEC.method_names)
def test_black_cloud_sends_what_the_air_has(method):
    made = value(air(cloud_fraction=[0.0, 0.5, 1.0]), method=method)
    assert made[2] == pytest.approx(black(293.15), rel=1e-9)
    assert made[1] == pytest.approx((made[0] + made[2]) / 2, rel=1e-12)


@pytest.mark.parametrize("clouds", CLOUDS)
def test_clouds_add_and_none_add_nothing(clouds):
    cover = np.linspace(0.0, 1.0, 21)
    made = value(air(cloud_fraction=cover), clouds=clouds)
    assert made[0] == pytest.approx(value(air())[0], rel=1e-12)
    assert (np.diff(made) > 0).all()
    assert made[-1] <= black(293.15) * (1 + 1e-9)


def test_clear_sky_index_is_the_share_that_clouds_leave():
    by_light = value(air(clear_sky_index=[1.0, 0.7, 0.0, 1.2]))
    by_cover = value(air(cloud_fraction=[0.0, 0.3, 1.0, 0.0]))
    np.testing.assert_allclose(by_light, by_cover, rtol=1e-12)


def test_a_cloud_fraction_goes_before_the_index():
    both = value(air(cloud_fraction=0.5, clear_sky_index=1.0))
    assert both == value(air(cloud_fraction=0.5))


@pytest.mark.parametrize("method", ON_COLUMN)
def test_column_is_taken_where_it_is_known(method):
    ds = air()
    alone = value(ds, method=method)
    same = value(air(water_vapour=column_of(293.15, 1200.0)), method=method)
    assert same == pytest.approx(alone, rel=1e-12)
    assert value(air(water_vapour=5.0), method=method) < alone
    no_vapour = air(water_vapour=5.0).drop_vars("vapour_pressure")
    assert value(no_vapour, method=method) == value(air(water_vapour=5.0), method=method)


@pytest.mark.parametrize("method", ON_VAPOUR)
def test_column_is_nothing_to_the_others(method):
    assert value(air(water_vapour=5.0), method=method) == value(air(), method=method)


def test_pressure_lowers_the_sky_of_high_places_only():
    given = scene(air_temperature=280.0, vapour_pressure=500.0, altitude=[0.0, 1500.0, 4000.0])
    lower = value(given) - value(given, method="prata_pressure")
    assert lower[0] == pytest.approx(0.0, abs=1e-9)
    assert 0 < lower[1] < lower[2]
    assert thinness(71000.0) == pytest.approx(0.05)


def test_relative_humidity_serves():
    saturation = weather.saturation_pressure.python(293.15)
    made = value(scene(air_temperature=293.15, relative_humidity=0.5))
    assert made == pytest.approx(value(scene(air_temperature=293.15, vapour_pressure=0.5 * saturation)), rel=1e-9)


# ---- bits and errors -------------------------------------------------------------------------------------------------


def bits(ds, name, **options):
    return (dlr(ds, uncertainty=False, **options).dlr_qa.values & BIT[name]) > 0


def test_bits_of_what_was_assumed():
    assert bits(air(), "clear_sky_assumed").all()
    assert not bits(air(cloud_fraction=0.0), "clear_sky_assumed").any()
    assert bits(air(), "column_from_humidity").all()
    assert not bits(air(water_vapour=20.0), "column_from_humidity").any()
    assert not bits(air(), "column_from_humidity", method="idso").any()


def test_bits_of_odd_weather():
    assert bits(air(clear_sky_index=[0.9, 1.0, 1.1]), "brighter_than_clear").tolist() == [False, False, True]
    saturation = weather.saturation_pressure.python(293.15)
    moist = air(vapour_pressure=[saturation, 1.1 * saturation])
    assert bits(moist, "supersaturated").tolist() == [False, True]
    hot = scene(air_temperature=[300.0, 330.0])
    assert bits(hot, "beyond_black", method="swinbank").tolist() == [False, True]


def test_unknown_index_by_night_is_no_clear_sky():
    made = dlr(air(clear_sky_index=[np.nan, 1.0]), uncertainty=False)
    assert np.isnan(made.dlr.values).tolist() == [True, False]
    assert made.dlr_qa.values[0] & 1


def test_sigma_follows_from_the_errors_of_the_inputs():
    ds = air()
    free = {"air_temperature_uncertainty": 0.0, "vapour_pressure_uncertainty": 0.0}
    exact = ds.assign({n: ("x", [v], {"units": UNITS[n.removesuffix("_uncertainty")]}) for n, v in free.items()})
    assert dlr(exact).dlr_uncertainty.values == pytest.approx(10.0)  # the method's own
    step = 0.5 * (value(air(air_temperature=295.15)) - value(air(air_temperature=291.15)))
    warm = exact.assign(air_temperature_uncertainty=("x", [2.0], {"units": "K"}))
    assert dlr(warm).dlr_uncertainty.values == pytest.approx(np.hypot(10.0, step), rel=1e-6)


def test_what_cannot_work_is_refused_in_words():
    with pytest.raises(InputError, match=r"vapour_pressure in Pa .*relative_humidity.* or water_vapour"):
        dlr(scene(air_temperature=290.0))
    with pytest.raises(InputError, match="vapour_pressure in Pa"):
        dlr(scene(air_temperature=290.0, water_vapour=20.0), method="idso")
    with pytest.raises(InputError, match="crawford_duchon"):
        dlr(air(cloud_fraction=0.2), clouds="crawford")
    with pytest.raises(InputError, match="humidity"):
        dlr(scene(air_temperature=290.0, cloud_fraction=0.2), method="swinbank", clouds="li")
    with pytest.raises(InputError, match="surface_pressure"):
        dlr(scene(air_temperature=290.0, vapour_pressure=900.0), method="prata_pressure")
    assert np.isfinite(value(scene(air_temperature=290.0), method="swinbank")).all()


def test_metadata_say_whose_coefficients_and_that_papers_were_not_read():
    for method in SPEC.method_names:
        made = ml.retrieve("dlr", air(), method=method, uncertainty=False)
        assert "not re-read" in made.attrs["method_title"]
        assert f'method="{method}"' in made.attrs["history"]
