"""What each analysis of the Change page needs, says is missing, and is called in Python."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.dashboards._change_address import asked, options_of
from musyq_lab.dashboards._change_kinds import KINDS, Ask, Subject, kind_of, season_input, subject_of, summed_up


def series(times, name="lai", dim="time") -> Subject:
    values = np.zeros((len(times), 2, 2))
    return subject_of(xr.DataArray(values, {dim: times}, (dim, "y", "x"), name=name), ("y", "x"))


def months(count: int, start="2010-01-01"):
    return pd.date_range(start, periods=count, freq="MS")


def test_a_subject_knows_its_years():
    subject = series(months(60))
    assert subject.years == [2010, 2011, 2012, 2013, 2014]
    assert subject.by_year
    assert subject.yearly_dim == "year"
    assert subject.yearly().sizes["year"] == 5
    assert subject.halves == ((2010, 2011), (2012, 2014))
    few = series(months(36))
    assert not few.by_year
    assert few.yearly() is few.layer
    numbers = series([2001, 2002, 2005], dim="year")
    assert numbers.years == [2001, 2002, 2005]
    assert not numbers.dated


def test_steps_out_of_order_are_sorted_and_equal_ones_told():
    turned = series(months(24)[::-1])
    assert (np.diff(turned.layer.time.values) > np.timedelta64(0)).all()
    with pytest.raises(InputError, match="not different"):
        series([months(1)[0]] * 3)
    with pytest.raises(InputError, match="no series"):
        series(["a", "b"])


@pytest.mark.parametrize(
    ("kind", "subject", "told"),
    [
        ("trend", series(months(1)), "one date only: a trend needs at least 4"),
        ("trend", series(months(3)), "3 dates: a trend needs at least 4"),
        ("trend", series(months(4)), ""),
        ("anomaly", series(months(1)), "an anomaly needs at least 2"),
        ("breaks", series(months(11)), "a break needs at least 12"),
        ("breaks", series(np.arange(2000, 2020), dim="year"), ""),
        ("periods", series(months(12)), "one year only"),
        ("periods", series([2001, 2002], dim="year"), ""),
        ("phenology", series(months(24), name="gpp"), "not gpp"),
        ("phenology", series(months(6), name="ndvi"), "a season needs about a year"),
        ("phenology", series(months(24), name="ndvi"), ""),
        ("phenology", series(np.arange(2000, 2020), dim="year"), "no dates"),
    ],
)
def test_what_is_missing_is_a_sentence(kind, subject, told):
    said = KINDS[kind].lacks(subject)
    assert told in said
    assert bool(said) == bool(told)
    assert not said or said.endswith(".")


def test_a_single_map_lacks_dates_for_all():
    one = subject_of(xr.DataArray(np.zeros((2, 2)), dims=("y", "x"), name="ndvi"), ("y", "x"))
    assert all("no dates" in kind.lacks(one) for kind in KINDS.values())


@pytest.mark.parametrize(
    ("name", "key"), [("ndvi", "ndvi"), ("NDVI", "ndvi"), ("lai_mean", "lai"), ("evi2", ""), ("laid", ""), ("gpp", "")]
)
def test_seasons_are_read_off_vegetation(name, key):
    assert season_input(series(months(3), name=name)) == key


def test_lines_name_what_is_done():
    subject = series(months(60))
    assert KINDS["trend"].lines("lai", subject, Ask())[-1] == 'result = trend(layer, "year")'
    assert KINDS["trend"].lines("lai", series(months(5)), Ask())[-1] == 'result = trend(layer, "time")'
    anomalies = KINDS["anomaly"].lines("lai", subject, Ask("anomaly", (2010, 2012), "standard deviations"))
    assert anomalies[-1] == 'result = anomaly(layer, "year", kind="standard", baseline=(2010, 2012))'
    months_only = KINDS["anomaly"].lines("lai", series(months(24)), Ask("anomaly", (2010, 2010)))
    assert months_only[-1].endswith("baseline=('2010', '2010'))")
    assert "(2010, 2011), (2012, 2014)" in KINDS["periods"].lines("lai", subject, Ask("periods"))[-1]
    assert 'method="threshold_lai"' in KINDS["phenology"].lines("lai", subject, Ask("phenology"))[-1]
    assert 'model="level"' in KINDS["breaks"].lines("lai", subject, Ask("breaks", model="level"))[-1]


def test_only_options_that_matter_are_told():
    assert Ask("trend", baseline=(2001, 2002)).options() == {}
    assert Ask("anomaly", baseline=(2001, 2002)).options() == {"baseline": (2001, 2002)}
    assert Ask("breaks", model="level").options() == {"model": "level"}
    assert Ask("breaks").options() == {}


def test_significance_is_added_to_maps_with_a_test():
    p = xr.DataArray([0.001, 0.2, np.nan, 0.9], dims="x")
    made = summed_up("trend", xr.Dataset({"p_value": p}))
    np.testing.assert_array_equal(made.significant, [1.0, 0.0, np.nan, 0.0])
    assert "significant" not in summed_up("anomaly", xr.Dataset({"p_value": p}))


def test_the_largest_step_of_several_is_mapped():
    dates = np.array([["2010-01-01", "2015-07-02"], ["NaT", "NaT"]], "datetime64[s]")
    found = xr.Dataset(
        {
            "shift": (("x", "break"), [[0.5, -2.0], [np.nan, np.nan]]),
            "date": (("x", "break"), dates),
            "p_value": (("x", "break"), [[0.04, 0.01], [np.nan, np.nan]]),
            "count": ("x", np.array([2, 0], np.int16)),
        }
    )
    made = summed_up("breaks", found)
    np.testing.assert_array_equal(made["shift"], [-2.0, np.nan])
    assert float(made.date[0]) == pytest.approx(2015.5, abs=0.01)
    assert np.isnan(made.date[1])
    np.testing.assert_array_equal(made.breaks, [2, 0])
    assert float(made.p_value[0]) == 0.01


def test_names_are_checked():
    with pytest.raises(NotFoundError, match="anomaly"):
        kind_of("anomalies")
    with pytest.raises(InputError, match="no period"):
        asked("periods", {"before": 2010})
    with pytest.raises(InputError, match="ends before"):
        asked("periods", {"before": (2012, 2010)})
    assert asked("periods", {"before": ("2010", 2012)}).before == (2010, 2012)


def test_an_address_is_read():
    query = {
        "analysis": "periods",
        "before": "2010-2012",
        "after": "2013-2015",
        "x": "100",
        "y": "-3.5",
        "outlines": "no",
    }
    found = options_of({**query, "step": "2011", "region": "China", "unknown": "x"})
    assert found == {
        "analysis": "periods", "before": (2010, 2012), "after": (2013, 2015), "point": (100.0, -3.5),
        "outlines": False, "step": "2011", "region": "China",
    }  # fmt: skip
    assert "point" not in options_of({"x": "1"})
    for bad in ({"before": "a-b"}, {"after": "2012-2010"}, {"x": "nan", "y": "1"}, {"baseline": "1-2-3"}):
        with pytest.raises(InputError):
            options_of(bad)
