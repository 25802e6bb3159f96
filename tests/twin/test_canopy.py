"""Canopies: seasons that follow the temperature, mirrored hemispheres, harvests, limits, leaves."""

from datetime import datetime, timedelta

import numpy as np
import pytest
import xarray as xr
from twin.land import land

from musyq_lab.core.errors import InputError
from musyq_lab.twin._species import species
from musyq_lab.twin.canopy import canopy, half_season, leaf_traits, structure, water_supply
from musyq_lab.twin.climate import WARMEST_DAY, YEAR
from musyq_lab.twin.cover import IGBP
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.place import PLACES

UNITS = {"lai": "m2 m-2", "greenness": "1", "fraction_vegetation_cover": "1", "canopy_height": "m",
         "mean_leaf_angle": "degree", "hotspot": "1", "clumping_index": "1"}  # fmt: skip
NORTH = WorldGrid("EPSG:4326", 0.1, 110.0, 41.0, 17, 1)
SOUTH = WorldGrid("EPSG:4326", 0.1, 110.0, -40.9, 17, 1)
CLASSES = np.arange(1, 18, dtype=np.uint8)[np.newaxis]


def row(mean=10.0, amplitude=15.0, rain=800.0, classes=CLASSES, members="training", vigour=1.0):
    """One cell of each class in a row, each its own parcel."""
    shape = classes.shape
    numbers = {"vigour": vigour, "wetness": 0.5, "temperature_mean": mean + 273.15, "temperature_amplitude": amplitude,
               "precipitation": rain}  # fmt: skip
    static = xr.Dataset({name: (("y", "x"), np.full(shape, value, np.float32)) for name, value in numbers.items()})
    static["land_cover"] = ("y", "x"), classes
    static["parcel"] = ("y", "x"), np.arange(1, classes.size + 1, dtype=np.int32).reshape(shape)
    return static.merge(structure(static, 1, members=members))


def year(static, grid=NORTH, start=datetime(2019, 1, 1), days=365, step=1, name="lai", members="training"):
    times = [start + timedelta(days=d) for d in range(0, days, step)]
    return np.stack([canopy(static, grid, t, 1, members=members)[name].values[0] for t in times])


@pytest.mark.parametrize("key", [*PLACES])
def test_fields_are_complete_and_in_range(key):
    _, grid, static = land(key)
    found = canopy(static, grid, datetime(2019, 7, 20), 1)
    largest = np.array([0.0, *(species(n).lai for n in IGBP)])[static["land_cover"].values]
    assert set(found) == set(UNITS)
    for name, units in UNITS.items():
        assert found[name].shape == grid.shape
        assert found[name].dtype == np.float32
        assert found[name].attrs["units"] == units
        assert np.isfinite(found[name]).all()
        assert found[name].min() >= 0
    assert np.all(found["lai"].values <= largest + 1e-5)
    assert found["greenness"].max() <= 1
    assert found["fraction_vegetation_cover"].max() < 1
    assert np.all(found["canopy_height"].values <= static["canopy_height_max"].values + 1e-5)


@pytest.mark.parametrize("members", ["training", "scored"])
@pytest.mark.parametrize(("mean", "amplitude"), [(10, 15), (14, 14), (-3, 22), (26, 1), (-20, 10)])
def test_leaf_area_stays_between_zero_and_the_class_maximum(mean, amplitude, members):
    found = year(row(mean, amplitude, members=members), step=10, members=members)
    largest = np.array([species(n, members).lai for n in IGBP])
    assert found.min() >= 0
    assert np.all(found <= largest + 1e-5)


def test_a_warm_wet_summer_reaches_nearly_the_maximum():
    peak = year(row(12, 14, rain=1500), step=5).max(axis=0)
    for number in (3, 4, 5, 10, 12):
        assert peak[number - 1] > 0.85 * species(number).lai, IGBP[number]


def test_seasons_are_mirrored_across_the_equator():
    """Half a year later the south is where the north was."""
    north = year(row(), NORTH, datetime(2019, 1, 1), 360, 30)
    south = year(row(), SOUTH, datetime(2019, 1, 1) + timedelta(days=YEAR / 2), 360, 30)
    assert south == pytest.approx(north, abs=1e-3)
    assert not np.allclose(north, year(row(), SOUTH, datetime(2019, 1, 1), 360, 30), atol=0.5)


@pytest.mark.parametrize(("mean", "amplitude"), [(9.0, 14.0), (14.0, 14.0), (12.0, 8.0), (25.0, 2.0)])
def test_leaf_area_is_continuous_in_time(mean, amplitude):
    found = year(row(mean, amplitude), start=datetime(2019, 12, 20), days=378, step=3)
    jump = np.abs(np.diff(found, axis=0)) / 3
    crop = np.isin(CLASSES[0], (12, 14))
    assert jump[:, ~crop].max() < 0.16  # per day
    assert jump[:, crop].max() < 0.35  # a harvest takes two weeks over a parcel's fields


@pytest.mark.parametrize(("mean", "amplitude"), [(9.0, 14.0), (14.0, 14.0), (12.0, 8.0)])
def test_greenness_is_continuous_in_time(mean, amplitude):
    found = year(row(mean, amplitude), start=datetime(2019, 12, 20), days=376, step=4, name="greenness")
    assert np.abs(np.diff(found, axis=0)).max() < 0.27


def test_a_leap_day_is_a_day():
    found = [year(row(), start=datetime(2020, 2, 28), days=3)[:, 9]]
    assert np.all(np.abs(np.diff(found)) < 0.05)
    # the same date of a leap year and of the year before is at most a day apart
    for month in range(1, 13):
        a, b = (year(row(), start=datetime(y, month, 15), days=1) for y in (2019, 2020))
        assert a == pytest.approx(b, abs=0.25)


def test_evergreens_keep_their_leaves_and_others_drop_them():
    found = year(row(), step=5)
    kept = found.min(axis=0) / np.maximum(found.max(axis=0), 1e-9)
    assert kept[0] > 0.85  # needles
    assert kept[1] > 0.9  # evergreen broadleaf
    assert kept[3] < 0.05  # deciduous broadleaf
    assert kept[9] < 0.1  # grass
    assert kept[11] == pytest.approx(0, abs=0.01)  # harvested


def test_a_warmer_place_has_a_longer_season():
    cold, cool, mild = (year(row(mean, 14), step=6) for mean in (0, 5, 10))
    for number in (3, 4, 10, 12):
        half = 0.5 * species(number).lai
        long = [np.mean(found[:, number - 1] > half) for found in (cold, cool, mild)]
        assert long[0] < long[1] < long[2], IGBP[number]


def test_the_season_lies_about_the_warmest_day():
    found = year(row(), step=3)[:, 3]
    days = np.arange(1, 366, 3)
    up, down = days[found > found.max() / 2][[0, -1]]
    middle = (up + down) / 2
    assert middle == pytest.approx(WARMEST_DAY, abs=12)
    # deciduous woods at 10 +- 15 degC: leaves in early May, gone by mid October
    assert 115 < up < 135
    assert 275 < down < 300


def test_nothing_grows_where_no_month_is_warm():
    assert year(row(-20, 15), step=30).max() == 0


def test_drought_takes_grass_before_irrigated_fields():
    wet, dry = (year(row(12, 14, rain=rain), step=15).max(axis=0) for rain in (900.0, 100.0))
    assert dry[9] < 0.6 * wet[9]
    assert dry[11] > 0.9 * wet[11]
    assert year(row(12, 14, rain=0.0), step=60).max() == 0


def test_the_tropics_are_green_all_year():
    found = year(row(26, 1.0, rain=2500), step=10)
    for number in (1, 2, 4, 10):
        series = found[:, number - 1]
        assert series.min() > 0.95 * series.max()
    assert year(row(26, 1.0, rain=2500), step=30, name="greenness")[:, 9].min() > 0.98


def test_a_warm_plain_carries_wheat_and_maize():
    crop = year(row(14, 14, rain=600), step=3)[:, 11]
    day = np.arange(1, 366, 3)

    def between(first, last):
        return crop[(day >= first) & (day <= last)]

    assert between(110, 145).max() > 3.5  # wheat in May
    assert between(160, 176).min() < 0.6  # stubble in late June
    assert between(205, 250).max() > 4.0  # maize in August
    assert between(280, 295).min() < 0.6  # sown again
    assert 0.2 < between(335, 365).mean() < 1.2  # green in winter


def test_a_cool_plain_carries_one_crop():
    crop = year(row(9, 16, rain=600), step=5)[:, 11]
    day = np.arange(1, 366, 5)
    assert crop[day < 120].max() < 0.1
    assert crop[(day > 200) & (day < 240)].max() > 4
    assert crop[day > 300].max() < 0.5


def test_fields_have_their_own_dates():
    many = np.full((1, 400), 12, np.uint8)
    grid = WorldGrid("EPSG:4326", 0.1, 100.0, 41.0, 400, 1)
    found = canopy(row(9, 16, classes=many), grid, datetime(2019, 6, 10), 1)["lai"].values
    assert found.std() / found.mean() > 0.15
    assert np.array_equal(found, canopy(row(9, 16, classes=many), grid, datetime(2019, 6, 10), 1)["lai"].values)
    assert not np.array_equal(found, canopy(row(9, 16, classes=many), grid, datetime(2019, 6, 10), 2)["lai"].values)


def test_leaf_area_follows_vigour():
    low, high = (year(row(vigour=v), start=datetime(2019, 7, 20), days=1)[0] for v in (0.5, 1.0))
    assert low == pytest.approx(0.5 * high)


def test_leaves_are_green_in_july_and_dry_in_january():
    july = year(row(), start=datetime(2019, 7, 1), days=1, name="greenness")[0]
    january = year(row(), start=datetime(2019, 1, 15), days=1, name="greenness")[0]
    assert july[[0, 3, 9, 11]].min() > 0.9
    assert january[[3, 9, 11]].max() < 0.1
    assert january[0] > 0.75


def test_green_goes_before_the_leaves_do():
    lai, green = (
        year(row(), start=datetime(2019, 8, 8), days=120, step=2, name=name)[:, 3] for name in ("lai", "greenness")
    )
    assert 0 < np.argmax(green < 0.5) < np.argmax(lai < lai.max() / 2)


def test_cover_is_one_less_the_gap():
    found = canopy(row(), NORTH, datetime(2019, 7, 20), 1)
    thickness = found["clumping_index"] * found["lai"]
    cover, angle = found["fraction_vegetation_cover"].values, found["mean_leaf_angle"].values
    leafy = (thickness.values > 0.1) & (cover < 0.999)
    projection = -np.log1p(-cover[leafy]) / thickness.values[leafy]
    # The mean cosine of an ellipsoidal distribution differs from that of its mean angle by some hundredths.
    assert projection == pytest.approx(np.cos(np.radians(angle[leafy])), abs=0.05)
    assert np.ptp(projection) > 0.05  # classes differ


def test_cover_is_that_of_4sail():
    """Direct transmittance towards a nadir view of prosail's 4SAIL (an independent code) with the same leaf angles."""
    prosail = pytest.importorskip("prosail")
    found = canopy(row(), NORTH, datetime(2019, 7, 20), 1)
    for cell in (0, 4, 9, 11):
        lai, omega, angle, cover = (
            float(found[name].values[0, cell])
            for name in ("lai", "clumping_index", "mean_leaf_angle", "fraction_vegetation_cover")
        )
        leaf = np.full(1, 0.1)
        sail = prosail.FourSAIL.foursail(leaf, leaf, angle, 0, 2, lai * omega, 0.1, 30.0, 0.0, 0.0, leaf)
        assert cover == pytest.approx(1 - sail[1], abs=2e-3)


def test_crops_grow_up_and_trees_stand():
    summer, winter = (canopy(row(), NORTH, datetime(2019, m, 15), 1)["canopy_height"].values[0] for m in (8, 1))
    assert winter[3] == summer[3] > 5
    assert winter[11] < 0.2 * summer[11]
    assert summer[11] > 1


@pytest.mark.parametrize(
    ("mean", "amplitude", "base", "expected"),
    [(5.0, 10.0, 5.0, YEAR / 4), (0.0, 10.0, 5.0, YEAR / 6), (10.0, 10.0, 5.0, YEAR / 3), (20.0, 5.0, 5.0, YEAR / 2),
     (-10.0, 5.0, 5.0, 0.0)],
)  # fmt: skip
def test_half_season_is_where_the_sinusoid_crosses_the_base(mean, amplitude, base, expected):
    found = half_season(np.float32([mean]), np.float32([amplitude]), base)[0]
    assert found == pytest.approx(expected, abs=0.01)
    if 0 < found < YEAR / 2:
        assert mean + amplitude * np.cos(2 * np.pi * found / YEAR) == pytest.approx(base, abs=1e-3)


@pytest.mark.parametrize(("mean", "amplitude"), [(10.0, 15.0), (-5.0, 20.0), (25.0, 2.0)])
def test_water_supply_is_rain_over_holdridge(mean, amplitude):
    cycle = mean + amplitude * np.cos(2 * np.pi * np.linspace(0, 1, 100_001))
    expected = 500 / (58.93 * np.maximum(cycle, 0).mean())
    found = water_supply(row(mean, amplitude, rain=500.0))
    assert found == pytest.approx(expected, rel=1e-3)  # at wetness 0.5 the ground neither gathers nor sheds


@pytest.mark.parametrize("members", ["training", "scored"])
@pytest.mark.parametrize("number", [n for n in IGBP if n not in (15, 17)])
def test_leaves_are_those_prospect_takes(number, members):
    green = np.linspace(0, 1, 11)
    leaf = leaf_traits(number, green, members)
    assert set(leaf) == {"n", "cab", "car", "ant", "cbrown", "cw", "cm"}
    for value in leaf.values():
        assert value.shape == green.shape
        assert np.all(value >= 0)
    assert np.all(np.diff(leaf["cab"]) > 0)
    assert np.all(np.diff(leaf["cw"]) > 0)
    assert np.all(np.diff(leaf["cbrown"]) < 0)
    assert leaf["cab"][-1] == species(number, members).cab
    assert leaf["cbrown"][-1] == 0
    assert leaf["cbrown"].max() <= 2  # ATBD 2.1
    assert leaf["car"][-1] == pytest.approx(leaf["cab"][-1] / 4)
    share = leaf["cw"][-1] / (leaf["cw"][-1] + leaf["cm"][-1])
    assert share == pytest.approx(species(number, members).water_share)
    assert 0.004 < leaf["cw"][-1] < 0.04
    assert leaf["n"].max() <= 2.2


def test_greenness_beyond_its_range_is_cut():
    assert leaf_traits(10, 1.5)["cab"] == leaf_traits(10, 1.0)["cab"]
    assert leaf_traits(10, -0.5)["cab"] == 5.0


def test_the_scored_set_has_other_canopies():
    first, second = (canopy(row(members=m), NORTH, datetime(2019, 7, 20), 1, members=m) for m in ("training", "scored"))
    green = first["lai"].values > 0.1
    assert second["lai"].values[green] == pytest.approx(0.88 * first["lai"].values[green], rel=1e-4)
    assert np.all(second["clumping_index"].values[green] > first["clumping_index"].values[green])
    assert leaf_traits(12, 1.0, "scored")["cab"] < leaf_traits(12, 1.0)["cab"]


def test_what_does_not_exist_is_refused():
    with pytest.raises(InputError, match="1 to 17"):
        leaf_traits(0, 1.0)
    with pytest.raises(InputError, match="scored"):
        canopy(row(), NORTH, datetime(2019, 7, 1), 1, members="none")


def test_structure_is_that_of_the_class():
    static = row()
    assert static["clumping_index"].values[0] == pytest.approx([species(n).clumping for n in IGBP])
    top = np.array([species(n).height for n in IGBP])
    assert np.all(static["canopy_height_max"].values[0] <= top + 1e-5)
    assert np.all(static["canopy_height_max"].values[0] >= 0.7 * top)
    assert static["canopy_height_max"].attrs["units"] == "m"


def test_huailai_peaks_in_summer():
    _, grid, static = land()
    crop = static["land_cover"].values == 12
    series = [float(canopy(static, grid, datetime(2019, m, 15), 1)["lai"].values[crop].mean()) for m in range(1, 13)]
    assert int(np.argmax(series)) + 1 in (7, 8)
    assert series[0] == pytest.approx(0, abs=0.05)
    assert series[7] > 3


def test_ice_and_water_are_bare():
    found = canopy(row(), NORTH, datetime(2019, 7, 1), 1)
    for number in (15, 17):
        assert found["lai"].values[0, number - 1] == 0
        assert found["fraction_vegetation_cover"].values[0, number - 1] == 0
        assert found["canopy_height"].values[0, number - 1] == 0
