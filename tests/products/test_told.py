"""What a retrieval's function is told: sensor and calendar."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.products._retrieval import retrieval
from musyq_lab.products._told import sensor_of, years_of

SPEC = Product("mean", "Mean", (Variable("mean", "mean", "1", dtype="float32"),), (Input("ndvi"),), support="yearly")


def series(dates, values=None):
    dates = np.array(dates, "datetime64[ns]")
    values = np.ones(len(dates)) if values is None else values
    return xr.DataArray(values, {"time": dates}, ("time",), attrs={"units": "1"})


@pytest.mark.parametrize(
    ("attrs", "expected"),
    [
        ({}, ""),
        ({"sensor": "landsat_oli", "platform": "LANDSAT_8"}, "landsat_oli/"),
        ({"sensor": "landsat_oli", "reference_sensor": "modis", "reference_platform": "Terra"}, "modis/Terra"),
    ],
)
def test_sensor(attrs, expected):
    assert sensor_of(xr.Dataset(attrs=attrs)).startswith(expected)
    assert sensor_of(None) == ""


def test_the_option_sensor_is_filled_unless_given():
    spec = Product("who", "Who", (Variable("who", "who", "1", dtype="float32"),), (Input("ndvi"),))
    seen = []

    @retrieval(spec)
    def who(*, ndvi, sensor=""):
        seen.append(sensor)
        return ndvi

    scene = xr.Dataset({"ndvi": ("x", [0.5], {"units": "1"})}, attrs={"reference_sensor": "modis"})
    assert "modis/" in who(scene, uncertainty=False).attrs["history"]
    who(scene, uncertainty=False, sensor="mine/1")
    assert seen == ["modis/", "mine/1"]


def test_every_calendar_year_from_first_to_last():
    found = years_of(SPEC, {"ndvi": series(["2018-12-31", "2020-01-01T12:00"])})
    assert found.labels == (2018, 2019, 2020)
    assert found.members.tolist() == [[True, False, False], [False, False, True]]
    assert found.days.tolist() == [17896.0, 18262.5]  # days since 1970-01-01, by the Gregorian calendar


@pytest.mark.parametrize("dates", [["2018-02-01", "2018-01-01"], ["2018-01-01", "2018-01-01"], ["2018-01-01", "NaT"]])
def test_dates_out_of_order_are_refused(dates):
    with pytest.raises(InputError, match="rising order"):
        years_of(SPEC, {"ndvi": series(dates)})


def test_series_without_dates_are_refused():
    for bad in (xr.DataArray([1.0], dims="time"), xr.DataArray([1.0], {"time": [3]}, ("time",))):
        with pytest.raises(InputError, match="with dates"):
            years_of(SPEC, {"ndvi": bad})


def test_yearly_means_equal_those_of_pandas_for_any_chunks():
    @retrieval(SPEC)
    def mean(*, ndvi, time, years):
        year = (np.datetime64("1970-01-01") + time.astype("timedelta64[D]")).astype("datetime64[Y]").astype(int) + 1970
        return np.stack([np.nanmean(ndvi[..., year == y], axis=-1) for y in years], axis=-1)

    dates = pd.date_range("2017-05-01", "2019-06-01", freq="9D")
    random = np.random.default_rng(3)
    values = random.uniform(0, 1, (dates.size, 3, 4))
    values[random.uniform(size=values.shape) < 0.2] = np.nan
    cube = xr.DataArray(values, {"time": dates}, ("time", "y", "x"), attrs={"units": "1"})
    made = mean(cube.to_dataset(name="ndvi"), uncertainty=False)
    assert made["mean"].dims == ("year", "y", "x")
    assert made.year.values.tolist() == [2017, 2018, 2019]
    expected = pd.DataFrame(values.reshape(dates.size, -1), dates).groupby(dates.year).mean()
    np.testing.assert_allclose(made["mean"].values.reshape(3, -1), expected)
    lazy = mean(cube.chunk(time=7, x=3).to_dataset(name="ndvi"), uncertainty=False)
    xr.testing.assert_identical(lazy.compute(), made)
