"""Plans of radiation: which images, grounds and layers a period of hours or a day takes."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from production.chain import sky_world

from musyq_lab.archive.naming import FileName
from musyq_lab.catalog.stock import LayerFile, Shot, Stock
from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import GeoGrid, ProjectedGrid
from musyq_lab.core.period import daily, three_hourly, whole_period
from musyq_lab.production.chain import sky
from musyq_lab.production.chain.plan import make_plan, sensors_of

DAY = "2019-07-06"


def plan(*keys, stock=None, step="3h", period=DAY, edition="5km", **more):
    return make_plan(keys, period, stock or sky_world.stock(), edition=edition, step=step, region=sky_world.BOX, **more)


def layer(product, variables, label, period):
    return LayerFile(FileName(product, "1km", "here", label, "v1"), period, tuple(variables), f"/nowhere/{product}")


def weather(*names, product="weather"):
    periods = [three_hourly(sky_world.DAY + timedelta(hours=3 * k)) for k in range(8)]
    return [layer(product, names, p.label, p) for p in periods]


def test_a_day_has_eight_files_and_those_of_light_take_images_within_six_hours():
    drawn = plan("dsr")
    assert [p.label for p in drawn.periods] == [f"2019187-{h:02d}" for h in range(0, 24, 3)]
    morning = next(t for t in drawn.tasks if t.key == "dsr.2019187-00")
    times = {need.split(".")[2].split("_")[0] for need in morning.needs if need.startswith("scene")}
    assert min(times) == "20190705T2100"
    assert max(times) == "20190706T0800"
    assert morning.maker == "sky_dsr"
    assert morning.target == "MuSyQ.DSR.5km.115p6E_40p2N_115p79E_40p39N.2019187-00.v1.h5"


def test_images_by_night_are_no_input():
    used = {t.period.start.hour for t in plan("dsr").tasks if t.kind == "scene"}
    assert used
    assert not used & set(range(13, 21))


def test_the_sun_decides_as_the_almanac_does():
    """Sunrise and sunset at 40.3 N on 6 July: 4:54 and 19:46 local mean time, geometric, within five minutes."""
    night = [p.label for p in sky.threes_of(daily(sky_world.DAY)) if sky.dark(sky_world.GRID, p).all()]
    assert night == ["2019187-12", "2019187-15", "2019187-18"] or night == ["2019187-12", "2019187-15"]
    declination, latitude = np.radians(22.7), np.radians(40.3)
    half = np.degrees(np.arccos(-np.tan(declination) * np.tan(latitude))) / 15
    noon = 12 - 115.7 / 15 + 4.7 / 60
    minutes = np.arange(0, 24 * 60)
    moments = np.datetime64(sky_world.DAY, "ns") + minutes.astype("timedelta64[m]")
    up = sky.cells_sun(sky_world.GRID, moments)[:, 1, 1] > 0
    assert up.sum() == pytest.approx(2 * half * 60, abs=10)
    assert minutes[~up][0] == pytest.approx((noon + half) * 60, abs=6)


def test_one_ground_for_each_sensor_and_five_days():
    grounds = [t for t in plan("dsr", "par").tasks if t.maker == "sky_ground"]
    assert sorted(t.key for t in grounds) == ["sky_ground_fy4a_agri.2019186", "sky_ground_himawari_ahi.2019186"]
    assert all(t.target.startswith("intermediate/MuSyQ.SKY_GROUND_") for t in grounds)
    many = plan("dsr", stock=sky_world.stock(("himawari_ahi",), step=10, days=3), period="2019-07-07")
    looks = next(t for t in many.tasks if t.maker == "sky_ground").needs
    assert len(looks) == sky.LOOKS
    assert len({look.split(".")[2][:8] for look in looks}) >= 3


def test_one_sensor_is_enough_and_others_do_not_count():
    one = plan("dsr", stock=sky_world.stock(("fy4a_agri",)))
    assert {t.option("sensor") for t in one.tasks if t.kind == "scene"} == {"fy4a_agri"}
    with pytest.raises(InputError, match="no geostationary image was taken by day within 6 hours"):
        plan("dsr", stock=sky_world.stock(("landsat_oli",)), period="2019-07-06")
    assert "himawari_ahi" in sensors_of("3h")
    assert "landsat_oli" not in sensors_of("1d")


def test_a_period_without_images_is_left_out_with_the_reason_and_night_is_none():
    late = Stock(shots=tuple(s for s in sky_world.shots() if s.time.hour >= 21 or s.time < sky_world.DAY))
    drawn = plan("dsr", stock=late)
    left = dict(drawn.skipped)
    assert list(left) == ["2019187-06", "2019187-09"]
    assert "within 6 hours" in left["2019187-06"]
    dark = next(t for t in drawn.tasks if t.key == "dsr.2019187-12")
    assert dark.needs == ()
    assert dark.reads == ()


def test_days_and_three_hours_are_cut_from_midnight():
    span = whole_period("2019-02-28/2019-03-01")
    assert [p.label for p in sky.days_of(span)] == ["2019059", "2019060"]
    assert len(list(sky.threes_of(span))) == 16
    part = replace(span, start=datetime(2019, 2, 28, 4, 30), end=datetime(2019, 2, 28, 6, 1))
    assert [p.label for p in sky.threes_of(part)] == ["2019059-03", "2019059-06"]
    assert [t.key for t in plan("dsr", step="1d").tasks if t.product == "dsr"] == ["dsr.2019187"]


def test_what_is_not_made_of_images_is_refused_in_a_sentence():
    with pytest.raises(InputError, match="lai is no product of hours and days; those are dsr, par, dlr"):
        plan("lai")
    with pytest.raises(
        InputError, match="dsr of hours and days is made by cloud_depth or heliosat, not by 'clear_sky'"
    ):
        plan("dsr", method={"dsr": "clear_sky"})
    with pytest.raises(InputError, match="dsr is made on 1km and 5km and 0p25deg, not on 30m"):
        plan("dsr", edition="30m")
    with pytest.raises(InputError, match="longitude and latitude"):
        sky.plain_grid(ProjectedGrid.around("250m", "EPSG:32650", 4e5, 4e6, 4.1e5, 4.1e6, 250.0))


def test_longwave_needs_weather_and_says_which():
    with pytest.raises(InputError, match=r"dlr needs air_temperature \(K\), and vapour_pressure"):
        plan("dlr")
    drawn = plan("dlr", stock=sky_world.stock(layers=weather("air_temperature", "vapour_pressure", "aod")))
    night = next(t for t in drawn.tasks if t.key == "dlr.2019187-15")
    assert any(need.startswith("scene") for need in night.needs)  # the clouds of the evening
    own = [r for r in night.reads if "air_temperature" in r.role]
    assert {r.role for r in own} >= {"air_temperature vapour_pressure"} or all("vapour_pressure" in r.role for r in own)


def test_clouds_of_a_night_beyond_all_images_come_from_the_weather_or_it_is_left_out():
    shots = tuple(s for s in sky_world.shots() if s.time < datetime(2019, 7, 6, 2))
    names = ("air_temperature", "vapour_pressure")
    without = plan("dlr", stock=Stock(shots=shots, layers=tuple(weather(*names))))
    assert "nothing tells the clouds" in dict(without.skipped)["2019187-15"]
    with_clouds = plan("dlr", stock=Stock(shots=shots, layers=tuple(weather(*names, "cloud_fraction"))))
    assert "2019187-15" not in dict(with_clouds.skipped)


def test_of_two_products_with_a_layer_that_of_shorter_periods_is_read():
    five = layer("slow", ["aod"], "2019186", whole_period("2019-07-05/2019-07-09"))
    period = three_hourly(sky_world.DAY)
    quick = weather("aod", "ozone")
    reads = sky.layer_reads(Stock(layers=(five, *quick)), ("aod", "ozone"), period)
    assert [(r.name, r.role) for r in reads] == [("MuSyQ.WEATHER.1km.here.2019187-00.v1.h5", "aod ozone")]
    assert sky.layer_reads(Stock(layers=(five,)), ("aod",), period)[0].name.startswith("MuSyQ.SLOW")
    twice = Stock(layers=(*quick, *weather("aod", product="other")))
    with pytest.raises(InputError, match="Several products in stock have aod: other, weather"):
        sky.layer_reads(twice, ("aod",), period)


def test_reads_of_one_file_are_one():
    reads = (sky.Read("aod", "a", "/a"), sky.Read("ozone", "b", "/b"), sky.Read("ozone aod", "a", "/a"))
    assert sky.united(reads) == (sky.Read("aod ozone", "a", "/a"), sky.Read("ozone", "b", "/b"))


def test_the_highest_sun_of_a_tile_is_that_of_its_cells():
    wide = GeoGrid("5km", 20, 900, 5800, 61, 73)
    times = [datetime(2019, 7, 6, h) for h in (0, 4, 8, 12)]
    whole = sky.cells_sun(wide, np.array(times, "datetime64[ns]")).max(axis=(1, 2))
    assert np.allclose(sky.highest_sun(wide, times), whole, atol=2e-3)
    assert sky.highest_sun(wide, []) == []


def test_a_tile_of_one_cell_is_a_tile():
    one = GeoGrid("5km", 20, 995, 5914, 1, 1)
    assert sky.dark(one, three_hourly(sky_world.DAY)).shape == (1, 1)
    assert len(sky.highest_sun(one, [sky_world.DAY])) == 1


def test_sensors_too_coarse_for_the_grid_are_told():
    coarse = Stock(shots=(*sky_world.shots(("himawari_ahi",)), Shot(sky_world.DAY, "fy4a_agri", "x", "/x")))
    drawn = plan("dsr", stock=coarse, edition="1km")
    assert {t.option("sensor") for t in drawn.tasks if t.kind == "scene"} >= {"himawari_ahi"}
