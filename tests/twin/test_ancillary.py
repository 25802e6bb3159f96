"""Ancillary products: they serve the retrievals, differ from the truth as stated, and are the same each time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.variables import QUANTITIES
from musyq_lab.files.digest import sha256
from musyq_lab.products._registry import PRODUCTS, RETRIEVALS
from musyq_lab.twin import ancillary, truth
from musyq_lab.twin.cover import IGBP
from musyq_lab.twin.world import make_world

START = datetime(2019, 6, 30)
TILE = "huailai"
NAMES = [variable.name for variable in ancillary.WEATHER.variables]
MADE_BY_SENSORS = {"evi", "lswi", "ndvi", "fpar", "lai", "gpp", "albedo", "upward_longwave", "surface_temperature"}
OF_MANY_YEARS = {"lswi_maximum", "evaporation_ratio_mean", "ndvi_maximum", "lai_maximum"}


@cache
def world(seed=3):
    return make_world("huailai", size=1.92, resolution=60.0, seed=seed)


@cache
def mean(seed=3):
    with ThreadPoolExecutor(2) as pool:
        return next(iter(truth.means(world(seed), START, 2, pool)))


@cache
def weather(seed=3):
    period, fields = mean(seed)
    return ancillary.weather(world(seed), fields, period.middle)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ancillary")
    period, fields = mean()
    static = ancillary.write_static(world(), folder, TILE)
    return static, ancillary.write_period(world(), period, fields, folder, TILE)


def layers(path):
    with xr.open_dataset(path, engine="h5netcdf") as found:
        return found.load()


# ---- what the retrievals need ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("key", ["gpp", "npp", "evapotranspiration", "dlr", "net_radiation", "par"])
def test_every_input_that_no_sensor_gives_is_there(key):
    given = {*NAMES, *(variable.name for variable in ancillary.COVER.variables)}
    derived = {"evaporation_ratio", "extraterrestrial_shortwave", "sun_zenith", "angstrom_exponent"}
    needed = {item.name for item in PRODUCTS[key].inputs} - MADE_BY_SENSORS - OF_MANY_YEARS - derived
    assert needed - given == {"broadband_emissivity"} & needed


def test_names_and_units_are_those_of_the_nomenclature():
    for variable in ancillary.WEATHER.variables:
        assert variable.units == QUANTITIES[variable.name].units
        low, high = QUANTITIES[variable.name].valid_range
        assert low <= variable.valid_range[0], variable.name
        assert variable.valid_range[1] <= high, variable.name


def test_a_retrieval_takes_the_files_as_they_are(written):
    cover, sky = (layers(path) for path in written)
    _, fields = mean()
    true = fields["gpp"].values
    inputs = xr.merge([cover[["land_cover"]], sky], compat="override")
    inputs["fpar"] = ("y", "x"), fields["fpar"].values, {"units": "1"}
    found = RETRIEVALS["gpp"](inputs)
    known = np.isfinite(found["gpp"].values) & (true > 0)
    assert known.mean() > 0.5
    ratio = found["gpp"].values[known] / true[known]
    assert 0.8 < np.median(ratio) < 1.25
    dlr = RETRIEVALS["dlr"](sky)["dlr"].values
    assert 0.9 < np.median(dlr / fields["downward_longwave"].values) < 1.1


# ---- what the weather is ---------------------------------------------------------------------------------------------
def test_without_errors_it_is_the_truth():
    period, fields = mean()
    true = ancillary._true(world(), fields, period.middle)
    np.testing.assert_array_equal(true["air_temperature_min"], fields["air_temperature_min"].values)
    np.testing.assert_array_equal(true["downward_par"], fields["downward_par"].values)
    np.testing.assert_allclose(true["vapour_pressure"], 100 * fields["vapour_pressure"].values, rtol=1e-6)
    np.testing.assert_allclose(true["surface_pressure"], 100 * fields["surface_pressure"].values, rtol=1e-6)
    clear = fields["clear_sky_downward_shortwave"].values * true["clear_sky_index"]
    np.testing.assert_allclose(clear, fields["downward_shortwave"].values, rtol=1e-5)
    # FAO-56 table 2.9 of wind factors: 0.75 at 10 m
    np.testing.assert_allclose(true["wind_speed"] / fields["wind_speed"].values, 0.748, atol=1e-3)
    available = true["soil_moisture"]
    np.testing.assert_allclose(available, np.clip((fields["soil_moisture"].values - 0.1) / 0.5, 0, 1), atol=1e-6)


def test_day_night_and_extremes_are_in_order():
    made = {name: value for name, (value, _) in weather().items()}
    assert (made["air_temperature_min"] <= made["air_temperature"]).all()
    assert (made["air_temperature"] <= made["air_temperature_max"]).all()
    period, fields = mean()
    true = ancillary._true(world(), fields, period.middle)
    assert (true["air_temperature_night"] < true["air_temperature_day"]).all()
    assert (true["vapour_pressure_deficit_night"] < true["vapour_pressure_deficit"]).all()
    assert (true["net_radiation_night"] < 0).all()
    assert (true["net_radiation_day"] > true["net_radiation"]).all()


def test_all_stays_within_what_is_possible():
    for seed in (3, 4):
        for variable in ancillary.WEATHER.variables:
            value, spread = weather(seed)[variable.name]
            low, high = variable.valid_range
            assert low <= np.nanmin(value), variable.name
            assert np.nanmax(value) <= high, variable.name
            assert (np.nan_to_num(spread) >= 0).all()


def test_errors_have_the_stated_size():
    """Over worlds and layers: 90 to 99 per cent within two sigma, and not much less than it."""
    scores = []
    for seed in range(3, 7):
        period, fields = mean(seed)
        true = ancillary._true(world(seed), fields, period.middle)
        for name, (value, spread) in weather(seed).items():
            if (spread > 0).all():
                scores.append((value - true[name]) / spread)
    scores = np.array(scores)
    assert 0.88 < (np.abs(scores) < 2).mean() <= 0.995
    assert np.sqrt((scores**2).mean()) == pytest.approx(1, abs=0.2)


def test_stated_uncertainty_is_that_of_the_table():
    period, fields = mean()
    true = ancillary._true(world(), fields, period.middle)
    for name in ("air_temperature", "downward_shortwave", "precipitation"):
        sigma = ancillary.SIGMAS[name]
        wanted = np.sqrt(sigma.absolute**2 + (sigma.relative * true[name].astype(float)) ** 2)
        np.testing.assert_allclose(weather()[name][1], wanted, rtol=1e-5)


def test_there_is_no_snow_where_there_is_none():
    assert float(mean()[1]["snow_fraction"].max()) == 0
    assert weather()["snow_fraction"][0].max() == 0


def test_polar_night_has_no_clear_sky_index():
    dark = make_world((20.0, 78.5), size=0.96, resolution=120.0, seed=1)
    with ThreadPoolExecutor(1) as pool:
        period, fields = next(iter(truth.means(dark, datetime(2019, 12, 20), 1, pool)))
    made = ancillary.weather(dark, fields, period.middle)
    assert np.isnan(made["clear_sky_index"][0]).all()
    assert all(np.isfinite(value).all() for name, (value, _) in made.items() if name != "clear_sky_index")
    np.testing.assert_array_equal(fields["air_temperature_day"], fields["air_temperature"])


def test_rain_is_that_of_the_climate():
    """Over ten years a place gets what its climate says, within 15 per cent."""
    from musyq_lab.twin import weather as sky

    days = [datetime(2010, 1, 1) + np.timedelta64(36 * k, "h").astype(object) for k in range(2435)]
    small = make_world("huailai", size=0.96, resolution=120.0, seed=5)
    yearly = 365.25 * sky.rain(small.static, small.grid, days, 5)
    np.testing.assert_allclose(yearly / small.static["precipitation"], 1, atol=0.15)


@pytest.mark.parametrize(("year", "ppm"), [(2013, 395.0), (2019, 409.9), (2023, 419.3)])
def test_carbon_dioxide_is_about_the_marine_mean(year, ppm):
    assert ancillary.carbon_dioxide(datetime(year, 7, 1)) == pytest.approx(ppm, abs=1.5)


# ---- three hours -----------------------------------------------------------------------------------------------------
@cache
def hours():
    with ThreadPoolExecutor(2) as pool:
        return list(truth.three_hours(world(), START, 1, pool))


def test_three_hours_speak_of_no_days():
    names = [variable.name for variable in ancillary.WEATHER_3H.variables]
    assert set(names) < set(NAMES)
    assert not [name for name in names if name.endswith(("_min", "_max", "_day", "_night", "_annual", "_deficit"))]
    assert {"air_temperature", "vapour_pressure", "cloud_fraction", "aod", "surface_pressure"} <= set(names)


def test_three_hours_follow_the_day():
    air = [ancillary.weather_3h(world(), mean, period.middle)["air_temperature"][0].mean() for period, mean in hours()]
    true = [float(mean["air_temperature"].mean()) for _, mean in hours()]
    assert np.corrcoef(air, true)[0, 1] > 0.9
    assert max(true) - min(true) > 4
    assert np.abs(np.subtract(air, true)).max() < 4


def test_three_hours_are_written_with_their_hour(tmp_path):
    period, fields = hours()[1]
    path = ancillary.write_three_hours(world(), period, fields, tmp_path, TILE)
    assert path.name == "MuSyQ.SIM_WEATHER_3H.60m.huailai.2019181-03.v1.h5"
    made, found = ancillary.weather_3h(world(), fields, period.middle), layers(path)
    for variable in ancillary.WEATHER_3H.variables:
        assert np.abs(found[variable.name].values - made[variable.name][0]).max() <= 0.51 * variable.scale * 1.002


# ---- the map ---------------------------------------------------------------------------------------------------------
def test_a_stated_share_of_the_land_is_confused():
    true = world().static["land_cover"].values
    seen = ancillary.cover(world())["land_cover"][0]
    land = true != 17
    assert (seen != true)[land].mean() == pytest.approx(ancillary.CONFUSED, abs=0.002)
    np.testing.assert_array_equal(seen[~land], true[~land])
    assert set(np.unique(seen)) <= set(IGBP)


def test_confusion_comes_in_patches_and_is_plausible():
    from scipy import ndimage

    true = np.full((200, 200), 12, np.uint8)
    seen = ancillary.confused(true, 1)
    wrong = seen != true
    assert set(np.unique(seen[wrong])) <= {10, 14}
    number = ndimage.label(wrong)[1]
    assert wrong.sum() / number > 8  # cells a patch
    for number, likes in ancillary._LIKE.items():
        assert number not in likes


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_any_share_may_be_confused(share):
    true = np.full((60, 60), 4, np.uint8)
    assert (ancillary.confused(true, 2, share) != true).mean() == pytest.approx(share, abs=1e-3)


def test_all_water_is_seen_right():
    sea = np.full((30, 30), 17, np.uint8)
    np.testing.assert_array_equal(ancillary.confused(sea, 0), sea)


def test_terrain_is_off_by_metres():
    made = ancillary.cover(world())
    wrong = made["altitude"][0] - world().static["elevation"].values
    assert wrong.std() == pytest.approx(ancillary.ALTITUDE.absolute, rel=0.05)
    assert 0 <= made["aspect"][0].min() <= made["aspect"][0].max() < 360
    assert np.corrcoef(made["slope"][0].ravel(), world().static["slope"].values.ravel())[0, 1] > 0.5


# ---- the files -------------------------------------------------------------------------------------------------------
def test_files_hold_what_was_made(written):
    found = layers(written[1])
    for variable in ancillary.WEATHER.variables:
        value, spread = weather()[variable.name]
        assert np.abs(found[variable.name].values - value).max() <= 0.51 * variable.scale + 1e-3 * variable.scale
        step = found[variable.uncertainty_name].encoding.get("scale_factor", 1.0)
        assert np.abs(found[variable.uncertainty_name].values - spread).max() <= 0.51 * step
    cover = layers(written[0])
    np.testing.assert_array_equal(cover["land_cover"].values, ancillary.cover(world())["land_cover"][0])
    assert "forest" in cover["land_cover"].attrs["flag_meanings"]


def test_names_say_product_cells_place_and_period(written):
    assert [path.name for path in written] == [
        "MuSyQ.SIM_COVER.60m.huailai.static.v1.h5",
        "MuSyQ.SIM_WEATHER.60m.huailai.2019181.v1.h5",
    ]


def test_same_world_same_bytes(written, tmp_path):
    again = make_world("huailai", size=1.92, resolution=60.0, seed=3)
    with ThreadPoolExecutor(1) as pool:
        period, fields = next(iter(truth.means(again, START, 2, pool)))
    second = (
        ancillary.write_static(again, tmp_path, TILE),
        ancillary.write_period(again, period, fields, tmp_path, TILE),
    )
    assert [sha256(path) for path in second] == [sha256(path) for path in written]
