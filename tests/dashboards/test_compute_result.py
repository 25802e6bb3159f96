"""Labels of the files of a result."""

from types import SimpleNamespace

import pandas as pd
import xarray as xr

from musyq_lab.dashboards._compute_result import labels


def source(**coords) -> SimpleNamespace:
    return SimpleNamespace(dataset=xr.Dataset(coords=coords))


def inputs(*sources) -> SimpleNamespace:
    return SimpleNamespace(sources=sources)


DATES = pd.date_range("2020-02-28", periods=3)


def test_labels_of_the_data_are_kept_where_the_steps_are_the_same():
    made = xr.Dataset(coords={"time": DATES})
    own = source(time=DATES, period=("time", ["2020059", "2020060", "x"]))
    assert labels(made, inputs(own)) == ("2020059", "2020060", "x")
    assert labels(made.isel(time=[0, 2]), inputs(own)) == ("2020059", "2020061")
    assert labels(made, inputs(source(), own)) == ("2020059", "2020060", "x")


def test_what_is_reduced_is_called_by_its_first_and_last_step():
    made = xr.Dataset()
    assert labels(made, inputs(source(time=DATES))) == ("2020059_2020061",)
    assert labels(made, inputs(source(time=DATES[:1]))) == ("2020059",)
    assert labels(made, inputs(source(period=("time", ["p1", "p2"])))) == ("p1_p2",)
    assert labels(made, inputs(source(), source(time=DATES))) == ("2020059_2020061",)
    assert labels(made, inputs(source(time=DATES[:0]))) == ("all",)
    assert labels(made, inputs(source())) == ("all",)


def test_labels_are_never_the_same():
    times = [*DATES, DATES[0], DATES[0] + pd.Timedelta("20s")]
    found = labels(xr.Dataset(coords={"time": times}), inputs(source()))
    assert len(set(found)) == len(found) == 5
