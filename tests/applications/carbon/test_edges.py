"""Carbon at its limits: records that are damaged, one cell, parts of years, folders cut off, years told wrongly."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from applications.carbon.world import constant_fields, seasons

from musyq_lab.analysis.regions import resolve_region
from musyq_lab.applications import carbon
from musyq_lab.applications.carbon import towers
from musyq_lab.applications.carbon.archive import PARTLY_COVERED, SCENARIO
from musyq_lab.applications.carbon.grids import _nearest
from musyq_lab.applications.carbon.inputs import CarbonData, _at_times, _length, _merged, _timed, year_sums
from musyq_lab.applications.carbon.steps import monthly, with_days
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.core.quality import INPUT_MISSING

MONTHS = pd.date_range("2014-01-01", periods=24, freq="MS")


# ---- records of towers -----------------------------------------------------------------------------------------------
@pytest.fixture
def record(tmp_path):
    folder = tmp_path / "ground_flux_FR-Pue_daily"
    folder.mkdir()
    date = pd.date_range("2010-01-01", periods=90).strftime("%Y-%m-%d")
    drivers = {"date": date, "temp": 15.0, "tmin": 8.0, "vpd": 700.0, "ppfd": 4e-4, "patm": 99000.0}
    drivers |= {"rain": 2e-5, "fapar": np.linspace(0.0, 1.0, 90), "co2": 390.0}
    pd.DataFrame(drivers).to_csv(folder / "p_model_drivers_forcing.csv", index=False)
    tower = {"sitename": "FR-Pue", "date": date, "gpp": np.arange(90.0), "gpp_unc": 0.1}
    pd.DataFrame(tower).to_csv(folder / "p_model_validation.csv", index=False)
    place = {"lon": [3.5957], "lat": [43.7413], "elv": [270], "whc": [432.0]}
    pd.DataFrame(place).to_csv(folder / "p_model_drivers_site_info.csv", index=False)
    return folder


FILES = {"drivers": "p_model_drivers_forcing.csv", "tower": "p_model_validation.csv"}


def changed(folder, file, change):
    path = folder / file
    table = pd.read_csv(path)
    change(table).to_csv(path, index=False)


@pytest.mark.parametrize("which", FILES)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.rename(columns={"date": "day"}), "no column 'date'"),
        (lambda t: t.iloc[:0], "no rows"),
        (lambda t: t.assign(date=["yesterday", *t["date"][1:]]), "row 1 has 'yesterday'"),
        (lambda t: pd.concat([t, t.iloc[[3]]]), "row 91 has '2010-01-04'"),
        (lambda t: t.assign(date=[*t["date"][:5], None, *t["date"][6:]]), "row 6 has nan"),
    ],
    ids=["no date", "empty", "no day", "twice", "gap"],
)
def test_dates_of_a_record_are_days_each_once(record, which, change, said):
    changed(record, FILES[which], change)
    with pytest.raises(ArchiveError, match=said):
        carbon.site_record("fr_pue", record.parent)


@pytest.mark.parametrize(("content", "said"), [("lon,lat\n", "no rows"), ("x,y\n1,2\n", "no column 'lat'")])
def test_a_place_that_is_not_told_is_told(record, content, said):
    (record / "p_model_drivers_site_info.csv").write_text(content)
    with pytest.raises(ArchiveError, match=said):
        carbon.site_record("fr_pue", record.parent)


def test_rows_in_any_order_make_one_series(record):
    straight = carbon.site_record("fr_pue", record.parent)
    for file in FILES.values():
        changed(record, file, lambda t: t.sample(frac=1.0, random_state=1))
    xr.testing.assert_identical(carbon.site_record("fr_pue", record.parent), straight)


def test_days_without_a_measurement_and_words_in_numbers_are_gaps(record):
    changed(record, FILES["tower"], lambda t: t.iloc[10:].astype({"gpp": object}).assign(gpp=["none", *t["gpp"][11:]]))
    found = carbon.site_record("fr_pue", record.parent)["tower_gpp"].values.ravel()
    assert np.isnan(found[:11]).all()
    np.testing.assert_array_equal(found[11:], np.arange(11.0, 90.0))


def test_leaves_from_fpar_are_finite_up_to_the_brightest(record):
    found = carbon.site_record("fr_pue", record.parent)
    lai = found["lai"].values.ravel()
    assert lai[0] == 0.0
    assert np.isfinite(lai).all()
    assert (np.diff(lai) >= 0).all()
    below = found["fpar"].values.ravel() < 0.95
    np.testing.assert_allclose(1 - np.exp(-0.5 * lai[below]), found["fpar"].values.ravel()[below], rtol=1e-9)


@pytest.mark.parametrize(
    ("place", "cell"),
    [
        ((42.0, 2.0), (0, 0)),
        ((41.0, 5.9), (1, 1)),
        ((44.1, 2.0), None),
        ((42.0, -0.1), None),
        ((np.nan, 2.0), None),
        ((42.0, 362.0), (0, 0)),
    ],
)
def test_the_cell_around_a_place(place, cell):
    grid = xr.Dataset(coords={"latitude": [43.0, 41.0], "longitude": [2.0, 6.0]})
    assert towers._cell(grid, *place) == cell


def test_scores_need_two_pairs_and_spread():
    few = towers._scores(xr.DataArray([1.0, np.nan]), xr.DataArray([2.0, 3.0]))
    assert few == {"count": 1}
    flat = towers._scores(xr.DataArray([1.0, 1.0, 1.0]), xr.DataArray([2.0, 3.0, 4.0]))
    assert np.isnan(flat["r"])
    assert flat["bias"] == pytest.approx(-2.0)
    assert flat["ours_mean"] - flat["tower_mean"] == pytest.approx(flat["bias"])


def test_no_pairs_make_tables_without_rows():
    pairs = pd.DataFrame(columns=["site", "latitude", "longitude", "land_cover", "date", "ours", "tower"])
    assert carbon.simulated_towers(pairs).empty
    assert carbon.simulated_towers(pairs).columns.tolist() == list(towers.COLUMNS)


# ---- grids and folders -----------------------------------------------------------------------------------------------
def lone(rows, columns):
    fields = {"gpp": (("time", "latitude", "longitude"), np.ones((1, rows, columns)))}
    coords = {"time": pd.DatetimeIndex(["2015-01-01"])}
    coords |= {"latitude": 40.0 - np.arange(rows), "longitude": 100.0 + 2 * np.arange(columns)}
    return CarbonData(xr.Dataset(fields, coords=coords), "1km", "nobody")


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 5), (5, 1)])
def test_a_grid_of_one_row_does_not_tell_its_cells(rows, columns):
    with pytest.raises(InputError, match=f"{rows} x {columns} cells"):
        _ = lone(rows, columns).whole


def test_a_box_goes_to_the_edges_of_the_cells_by_its_own_names():
    data = lone(3, 2)
    assert data.whole.box == (99.0, 37.5, 103.0, 40.5)
    named = CarbonData(data.fields, "1km", "n", title={"en": "Valley", "zh": "河谷"})
    assert (named.whole.name, named.whole.name_zh) == ("Valley", "河谷")
    place = carbon.place_of(named.about)
    assert (place.name, place.name_zh, place.box) == ("Valley", "河谷", data.whole.box)
    assert carbon.place_of(named.about, "CHN").name == "China"


@pytest.mark.parametrize("text", ["2015,2020-2009", "2013-2012", "2012-2012,2014-2013"])
def test_years_that_run_backwards_are_not_passed_over(text):
    with pytest.raises(InputError, match="earlier year first"):
        carbon.parse_years(text)


@pytest.mark.parametrize("text", ["2012-2014,2013", "2012-2012,2012"])
def test_years_that_meet_are_told(text):
    with pytest.raises(InputError, match="a year twice"):
        carbon.parse_years(text)


@pytest.mark.parametrize(
    ("label", "days"),
    [("2015", 365), ("2016", 366), ("2016-02", 29), ("2015-02", 28), ("2015-12", 31), ("2015181", 5)],
)
def test_lengths_of_labels(label, days):
    assert _length(label) == days
    made = _timed(xr.Dataset({"gpp": ((), 1.0)}, attrs={"period": label}))
    assert made["days"].values.tolist() == [days]
    assert made["time"].dt.year.item() == int(label[:4])


@pytest.mark.parametrize("label", ["static", ""])
def test_a_period_without_an_instant_is_no_step(label):
    with pytest.raises(InputError, match="names no instant"):
        _timed(xr.Dataset({"gpp": ((), 1.0)}, attrs={"period": label}))


def along(time, **coords):
    time = pd.DatetimeIndex(time)
    return xr.Dataset(
        {"gpp": (("time", "x"), np.arange(2.0 * time.size).reshape(-1, 2))}, {"time": time, "x": [0, 1], **coords}
    )


def test_a_truth_that_lacks_dates_is_told_with_the_first():
    truth = along(["2015-01-01", "2015-03-01"])
    time = along(["2015-01-01", "2015-02-01", "2015-03-01", "2015-04-01"])["time"]
    with pytest.raises(NotFoundError, match=r"lacks 2 of 4 dates.*2015-02-01"):
        _at_times(truth, time)
    assert _at_times(truth, time[[2, 0]])["gpp"].values.tolist() == [[2.0, 3.0], [0.0, 1.0]]


def test_dates_in_common_are_kept_and_grids_must_agree():
    first, second = along(["2015-01-01", "2015-02-01"]), along(["2015-02-01", "2015-03-01"]).rename(gpp="npp")
    made = _merged({"gpp": first, "npp": second})
    assert made["gpp"].values.tolist() == [[2.0, 3.0]]
    assert made["npp"].values.tolist() == [[0.0, 1.0]]
    with pytest.raises(InputError, match="gpp, npp are not on one grid"):
        _merged({"gpp": first, "npp": second.assign_coords(x=[0, 2])})


def test_sums_of_years_are_by_days():
    steps = along(MONTHS)
    found = year_sums(steps)["gpp"]
    weighted = steps["gpp"].to_pandas().mul(MONTHS.days_in_month, axis=0)
    np.testing.assert_allclose(found, weighted.groupby(MONTHS.year).sum())
    assert np.isnan(year_sums(steps.where(steps["time"].dt.year > 2014))["gpp"].sel(year=2014)).all()


@pytest.mark.parametrize("step", [1.0, -1.0, 0.25, -30.0])
def test_cells_are_those_around_a_place_up_to_their_edges(step):
    centres = 100.0 + step * np.arange(8)
    for number in range(8):
        for shift in (-0.49, 0.0, 0.49):
            assert _nearest(centres, np.array([centres[number] + shift * step])).tolist() == [number]
    outside = np.array([centres[0] - 0.51 * step, centres[-1] + 0.51 * step, centres[0] - 100 * step])
    assert _nearest(centres, outside).tolist() == [-1, -1, -1]


# ---- parts of years --------------------------------------------------------------------------------------------------
def archived(time):
    fields = constant_fields(time, [4, 10])[["air_temperature", "precipitation", "land_cover"]]
    for name, value in (("gpp", 3.0), ("npp", 1.5)):
        fields[name] = (fields["air_temperature"] * 0 + value).assign_attrs(units="g m-2 d-1")
    return fields


def annual_of(time, change=lambda fields: fields):
    return carbon.annual_fluxes(carbon.monthly_fluxes(carbon.step_fluxes(change(archived(time)))))


def test_only_the_year_that_is_cut_off_is_flagged_as_a_part():
    made = dict(carbon.carbon_products(annual_of(MONTHS[:20]), scenario="ratio", method="mod17"))
    flagged = {year: bool((ds["carbon_qa"].values & PARTLY_COVERED.mask).all()) for year, ds in made.items()}
    assert flagged == {"2014": False, "2015": True}
    assert all((ds["carbon_qa"].values & SCENARIO.mask).all() for ds in made.values())


@pytest.mark.parametrize(("months", "partly"), [(12, False), (11, True)])
def test_leap_years_are_whole_with_366_days(months, partly):
    time = pd.date_range("2016-01-01", periods=months, freq="MS")
    ((_, made),) = carbon.carbon_products(annual_of(time), scenario="raich2002", method="mod17")
    assert bool((made["carbon_qa"].values & PARTLY_COVERED.mask).any()) == partly


def test_cells_without_production_are_flagged_and_have_no_error():
    def hole(fields):
        fields["gpp"] = fields["gpp"].where(fields["longitude"] > 100.5)
        fields["npp"] = fields["npp"].where(fields["longitude"] > 100.5)
        fields["npp_uncertainty"] = fields["npp"] * 0 + 0.2
        return fields

    ((_, made),) = carbon.carbon_products(annual_of(MONTHS[:12], hole), scenario="ratio", method="mod17")
    missing = (made["carbon_qa"].values & INPUT_MISSING.mask).astype(bool)
    assert missing.ravel().tolist() == [True, False]
    for name in ("gpp", "npp", "nep"):
        np.testing.assert_array_equal(np.isnan(made[f"{name}_annual"]), missing)
        np.testing.assert_array_equal(np.isnan(made[f"{name}_annual_uncertainty"]), missing)
    assert {layer.dtype for name, layer in made.data_vars.items() if name != "carbon_qa"} == {np.dtype("float32")}


@pytest.mark.parametrize("gap", range(1, 5))
def test_a_gap_in_a_series_is_days_that_are_not_covered(gap):
    time = pd.date_range("2015-01-01", "2015-12-31").delete(slice(100, 100 + gap))
    days = with_days(along(time))["days"]
    assert days.sum() == 365 - gap
    months = monthly(with_days(along(time)))
    assert months["days"].sel(time="2015-04-01").item() == 30 - gap


def test_months_come_in_order_and_fluxes_of_zero_stay_zero():
    time = pd.date_range("2014-11-03", periods=40, freq="5D")
    made = monthly(with_days(along(time) * 0))
    assert (np.diff(made["time"].values) > np.timedelta64(0)).all()
    assert (made["time"].dt.day == 1).all()
    assert (made["gpp"] == 0).all()


@pytest.mark.parametrize("scenario", carbon.SCENARIOS if hasattr(carbon, "SCENARIOS") else ("pei2009", "ratio"))
def test_respiration_is_never_below_zero_and_rises_with_warmth(scenario):
    cold, warm = (
        carbon.heterotrophic(
            with_days(constant_fields(MONTHS, [4], air_temperature=kelvin)).assign(
                npp=(("time", "latitude", "longitude"), np.full((24, 1, 1), kelvin - 260.0))
            ),
            scenario,
        )
        for kelvin in (275.0, 295.0)
    )
    assert (cold >= 0).all()
    assert (warm > cold).all()


def test_seasons_of_one_side_belong_to_it():
    from musyq_lab.applications.carbon.regional import _hemisphere

    latitude = [60.0, 20.0, -20.0, -60.0]

    def side(*weights):
        return _hemisphere(xr.DataArray([list(weights)], dims=("longitude", "latitude"), coords={"latitude": latitude}))

    assert side(1, 1, 0, 0) == "north"
    assert side(0, 0, 1, 1) == "south"
    assert side(1, 1, 1, 1) == side(0, 0, 0, 0) == "both"
    assert (side(8, 1, 1, 0), side(7.9, 1, 1.1, 0)) == ("north", "both")


@pytest.mark.parametrize(
    ("box", "covered"),
    [((-180, -60, 180, 80), True), ((-180, -60, 180, 20), False), ((-180, -60, 120, 80), False)],
)
def test_the_globe_is_covered_by_all_longitudes_and_most_latitudes(box, covered):
    from musyq_lab.analysis.reporting import merged_zones
    from musyq_lab.applications.carbon.comparison import _covered

    grid = seasons((2013, 2013), 10.0, box=box)
    place = resolve_region("globe")
    assert _covered(merged_zones(grid["lai"].isel(time=0), (place,)), place) == covered
