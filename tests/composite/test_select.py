"""Which looks take part: windows, boundaries, order, and scenes that are set aside."""

from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from composite.looks_at import BANDS, GRID, scene
from hypothesis import example, given, settings
from hypothesis import strategies as st

from musyq_lab.composite import select
from musyq_lab.composite.select import gather, period_of, spans
from musyq_lab.core.errors import InputError, SceneError
from musyq_lab.core.grid import GeoGrid
from musyq_lab.core.period import Period, pentads

INSTANTS = st.datetimes(datetime(1999, 12, 20), datetime(2021, 1, 10))
JULY = spans(period_of("2019-07-02", "year"), (5, 10, 15))


def instants(moment: datetime) -> xr.Dataset:
    return scene(time=f"{moment.isoformat()}Z")


@given(INSTANTS, st.sampled_from(["year", "month"]))
@example(datetime(2020, 2, 29, 23, 59, 59, 999999), "year")
@example(datetime(2020, 12, 31), "year")
@example(datetime(2019, 12, 31, 23, 59, 59), "month")
@example(datetime(2020, 2, 29), "month")
def test_every_instant_is_in_the_first_window_of_one_period_only(moment, convention):
    near = [p for year in (moment.year - 1, moment.year, moment.year + 1) for p in pentads(year, convention)]
    inside = [p for p in near if moment in spans(p, (5, 10, 15))[0]]
    assert inside == [period_of(moment, convention)]


@pytest.mark.parametrize("convention", ["year", "month"])
@pytest.mark.parametrize("year", [2019, 2020])
def test_no_look_is_lost_or_doubled_at_any_boundary_of_a_year(year, convention):
    periods = list(pentads(year, convention))
    step = timedelta(microseconds=1)
    for before, after in pairwise(periods):
        for moment in (after.start - step, after.start, after.start + step):
            first = [k for k, p in enumerate((before, after)) if moment in spans(p, (5, 10))[0]]
            assert first == [0 if moment < after.start else 1]


@given(INSTANTS, st.sampled_from(["year", "month"]))
@settings(max_examples=50)
def test_windows_hold_one_another_and_grow_evenly(moment, convention):
    period = period_of(moment, convention)
    windows = spans(period, (5, 10, 15))
    assert windows[0].start == period.start
    assert windows[0].end == period.end
    for short, long in pairwise(windows):
        assert short.start - long.start == long.end - short.end == timedelta(days=2.5)
        assert long.middle == period.middle


@pytest.mark.parametrize(
    ("time", "rank"),
    [
        ("2019-06-30T00:00:00Z", 0),
        ("2019-07-04T23:59:59.999999Z", 0),
        ("2019-07-05T00:00:00Z", 1),
        ("2019-06-27T12:00:00Z", 1),
        ("2019-06-27T11:59:59.999999Z", 2),
        ("2019-07-09T23:59:59.999999Z", 2),
        ("2019-06-25T00:00:00Z", 2),
    ],
)
def test_rank_at_the_edges(time, rank):
    looks, aside = gather([scene(time=time)], JULY, None, None)
    assert not aside
    assert looks[0].rank == rank


@pytest.mark.parametrize("time", ["2019-06-24T23:59:59.999999Z", "2019-07-10T00:00:00Z"])
def test_a_look_outside_every_window_is_set_aside(time):
    looks, aside = gather([scene(time=time)], JULY, None, None)
    assert not looks
    assert "outside" in aside[0].reason


def test_a_time_zone_counts():
    looks, _ = gather([scene(time="2019-07-05T07:59:59+08:00")], JULY, None, None)
    assert looks[0].time == datetime(2019, 7, 4, 23, 59, 59)
    assert looks[0].rank == 0


def test_periods_are_given_as_dates_too():
    assert period_of("2020-12-31", "year").label == "2020361"
    assert period_of("2019-07-02", "month").label == "2019-07-p1"
    day = Period(datetime(2019, 7, 1), datetime(2019, 7, 2), "x")
    assert period_of(day, "year") is day
    with pytest.raises(InputError, match="no date"):
        period_of("July", "year")


@pytest.mark.parametrize("windows", [(), (0, 5), (5, 5), (10, 5), (-5, 5)])
def test_windows_must_rise(windows):
    with pytest.raises(InputError, match="rising"):
        spans(JULY[0], windows)


def test_looks_are_in_the_order_of_time_sensor_and_granule():
    scenes = [
        scene("b", "2019-07-02T03:00:00Z", "modis"),
        scene("a", "2019-07-02T03:00:00Z", "viirs"),
        scene("c", "2019-07-01T03:00:00Z", "viirs"),
        scene("a", "2019-07-02T03:00:00Z", "modis"),
    ]
    wanted = [("viirs", "c"), ("modis", "a"), ("modis", "b"), ("viirs", "a")]
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
        looks, _ = gather([scenes[k] for k in order], JULY, None, None)
        assert [(look.sensor, look.granule) for look in looks] == wanted


def test_a_granule_given_twice_counts_once_and_which_does_not_depend_on_the_order():
    one, other = scene("a", add=0.0), scene("a", add=0.1)
    for pair in ([one, other], [other, one]):
        looks, aside = gather(pair, JULY, None, None)
        assert len(looks) == 1
        assert "twice" in aside[0].reason
    forth, back = (gather(pair, JULY, None, None)[0][0].scene for pair in ([one, other], [other, one]))
    xr.testing.assert_identical(forth, back)


def broken(path):
    raise SceneError("The file ends early.")


def test_bad_scenes_are_set_aside_with_the_reason_and_the_good_one_stays():
    moved = GeoGrid("1km", 100, 4901, 29500, 12, 16)
    scenes = [
        scene("good"),
        scene("no angles").drop_vars("view_zenith"),
        scene("no red", bands={name: BANDS[name] for name in ("blue", "nir")}),
        scene("top").assign_attrs(reflectance_level="top of atmosphere"),
        scene("no sensor").assign_attrs(sensor=""),
        scene("no time", time="yesterday"),
        scene("moved", grid=moved),
        scene("projected", "2019-07-01T00:00:00Z").rename(latitude="y", longitude="x"),
        xr.Dataset(attrs={"granule": "nothing"}),
        "damaged.hdf",
    ]
    looks, aside = gather(scenes, JULY, GRID, broken)
    assert [look.granule for look in looks] == ["good"]
    reasons = {a.granule: a.reason for a in aside}
    assert set(reasons) == {str(s.attrs["granule"]) if isinstance(s, xr.Dataset) else s for s in scenes[1:]}
    for name, words in {
        "no angles": "view_zenith",
        "no red": "'red'",
        "top": "top of atmosphere",
        "no sensor": "sensor",
        "no time": "not a time",
        "moved": "not those of the composite's grid",
        "projected": "not those of the composite's grid",
        "nothing": "standard scene",
        "damaged.hdf": "ends early",
    }.items():
        assert words in reasons[name]


def test_the_grid_asked_for_wins_over_the_one_that_most_are_on():
    moved = GeoGrid("1km", 100, 4901, 29500, 12, 16)
    scenes = [scene("a"), scene("b", grid=moved), scene("c", grid=moved)]
    assert [k.granule for k in gather(scenes, JULY, None, None)[0]] == ["b", "c"]
    assert [k.granule for k in gather(scenes, JULY, GRID, None)[0]] == ["a"]


def test_a_draw_between_grids_does_not_depend_on_the_order():
    moved = GeoGrid("1km", 100, 4901, 29500, 12, 16)
    pair = [scene("a"), scene("b", grid=moved)]
    assert gather(pair, JULY, None, None)[0][0].granule == gather(pair[::-1], JULY, None, None)[0][0].granule


def test_grids_with_other_reference_systems_differ_and_spellings_of_one_do_not():
    def on(granule, wkt):  # cells of 0.01 m: the sensor must be unknown
        there = scene(granule, sensor="one").rename(latitude="y", longitude="x")
        return there.assign_coords(spatial_ref=((), 0, {"crs_wkt": wkt}))

    from pyproj import CRS

    scenes = [on("a", "EPSG:32650"), on("b", CRS("EPSG:32650").to_wkt()), on("c", "EPSG:32651")]
    looks, aside = gather(scenes, JULY, None, None)
    assert [k.granule for k in looks] == ["a", "b"]
    assert "32651" in aside[0].reason


def test_a_swath_is_on_no_grid():
    swath = scene().drop_vars(("latitude", "longitude")).rename(latitude="y", longitude="x")
    looks, aside = gather([swath, scene("b"), scene("c")], JULY, None, None)
    assert len(looks) == 2
    assert "swath" in aside[0].reason


def test_paths_are_opened_and_named_after_the_file():
    def opener(path):
        return scene(granule="").assign_attrs(granule=None) if "bare" in str(path) else scene("from inside")

    looks, _ = gather(["/data/bare.tif", "/data/other.tif"], JULY, None, opener)
    assert [look.granule for look in looks] == ["bare.tif", "from inside"]


def test_a_file_that_opens_but_cannot_be_read_is_found_before_it_takes_part():
    from composite.looks_at import lazily_blank

    looks, aside = gather(["a.tif"], JULY, None, lambda path: lazily_blank(scene(chunks=(6, 8))))
    assert not looks
    assert "AssertionError" in aside[0].reason


def test_paths_need_a_grid():
    _, aside = gather(["a.tif"], JULY, None, None)
    assert "grid" in aside[0].reason


def test_place_names_the_cells():
    words = select.place(scene()).words
    assert "12 cells of latitude" in words
    assert np.isclose(GRID.latitude[0], 40.995)
