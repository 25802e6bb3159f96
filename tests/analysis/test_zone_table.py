"""Tables of zones: totals in units, trends of yearly means against scipy, maps without time."""

import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from scipy import stats

from musyq_lab.analysis.zone_sets import ZoneSet, by_polygon, zone_means
from musyq_lab.analysis.zone_table import total_units, zone_table

MONTHS = pd.date_range("2010-01-01", periods=96, freq="MS")


@pytest.fixture(scope="module", autouse=True)
def plain():
    """Few series: compiling the kernel of trends would take longer than running it as Python."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSYQ_DISABLE_JIT", "1")
        yield


@pytest.fixture(scope="module")
def field() -> xr.DataArray:
    """g m-2 d-1 of eight years of months: 2 in the west, growing by 0.1 a year in the east, noise of months."""
    x, y = np.arange(5.0, 40.0, 10.0), np.arange(35.0, 0.0, -10.0)
    draw = np.random.Generator(np.random.Philox(21))
    values = 2.0 + 0.05 * draw.standard_normal((96, 4, 4)) + np.sin(np.arange(96) * np.pi / 6)[:, None, None]
    values[:, :, 2:] += 0.1 * (np.arange(96) // 12)[:, None, None]
    values[:, 0, 0] = np.nan
    coords = {"time": MONTHS, "latitude": y, "longitude": x}
    return xr.DataArray(values, coords, ("time", "latitude", "longitude"), attrs={"units": "g m-2 d-1"})


@pytest.fixture(scope="module")
def zones(field) -> ZoneSet:
    return by_polygon(field, {"west": shapely.box(0, 0, 20, 40), "east": shapely.box(20, 0, 40, 40)})


@pytest.fixture(scope="module")
def table(field, zones) -> pd.DataFrame:
    return zone_table(zone_means(field, zones), zones, "time")


def test_areas_means_and_totals(table, zones):
    np.testing.assert_allclose(table["area"], zones.areas / 1e6)
    assert table.loc["west", "area_with_data"] < 0.95 * table.loc["west", "area"]
    assert table.loc["east", "area_with_data"] == pytest.approx(table.loc["east", "area"])
    np.testing.assert_allclose(table["mean"], [2.0, 2.35], atol=0.02)
    assert table.attrs["total_units"] == "Tg d-1"
    np.testing.assert_allclose(table["total"], table["mean"] * table["area_with_data"] * 1e6 / 1e12, rtol=1e-12)


def test_trends_are_those_of_scipy_on_yearly_means(table, field, zones):
    assert table["significant"].tolist() == [False, True]
    assert table.loc["east", "trend_low"] < 0.1 < table.loc["east", "trend_high"]
    assert table.loc["west", "trend_low"] < 0.0 < table.loc["west", "trend_high"]
    series = zone_means(field, zones)["mean"].groupby("time.year").mean().values[:, 1]
    slope = stats.theilslopes(series, np.arange(8)).slope
    assert table.loc["east", "trend"] == pytest.approx(slope, rel=1e-9)
    assert table.attrs["trend_units"] == "g m-2 d-1 year-1"


def test_one_map_and_few_years_have_no_trend(field, zones):
    still = zone_table(zone_means(field.isel(time=0), zones), zones)
    assert "trend" not in still.columns
    assert np.isfinite(still["mean"]).all()
    short = zone_table(zone_means(field.isel(time=slice(0, 36)), zones), zones, "time")
    assert "trend" not in short.columns


def test_years_as_numbers(field, zones):
    years = field.groupby("time.year").mean().assign_attrs(units="K")
    made = zone_table(zone_means(years, zones), zones, "year")
    assert made.loc["east", "trend"] == pytest.approx(0.1, abs=0.01)
    assert "total" not in made.columns
    assert made.attrs["total_units"] is None


def test_no_zone_at_all(field):
    none = by_polygon(field, {"far": shapely.box(100, 0, 110, 10)})
    assert len(zone_table(zone_means(field, none), none, "time")) == 0


@pytest.mark.parametrize(
    ("units", "told"),
    [
        ("W m-2", "TW"),
        ("MJ m-2 d-1", "PJ d-1"),
        ("kg m-2", "Tg"),
        ("g m-2 a-1", "Tg a-1"),
        ("kWh m-2 a-1", "TWh a-1"),
        ("mol m-2 s-1", "Tmol s-1"),
        ("m2 m-2", None),
        ("W m-2 sr-1 um-1", None),
        ("K", None),
        ("1", None),
        ("", None),
    ],
)
def test_only_amounts_by_area_have_totals(units, told):
    assert total_units(units) == told


def test_a_kilowatt_hour_is_a_thousand_watt_hours(field, zones):
    means = zone_means(field.isel(time=0).assign_attrs(units="kWh m-2 a-1"), zones)
    made = zone_table(means, zones)
    np.testing.assert_allclose(made["total"], made["mean"] * made["area_with_data"] * 1e6 * 1e3 / 1e12, rtol=1e-12)
