"""Totals and tables: sums that close, the ellipsoid, intervals that hold drawn errors, and the truth beside."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.analysis.area import cell_area
from musyq_lab.analysis.regions import resolve_region
from musyq_lab.analysis.reporting import merged_zones
from musyq_lab.applications import carbon
from musyq_lab.applications.carbon.constants import constant
from musyq_lab.applications.carbon.tables import Budget
from musyq_lab.applications.carbon.totals import error_parts
from musyq_lab.core.errors import InputError

GLOBE, CHINA = resolve_region("globe"), resolve_region("CHN")


def flat(value, step=2.0):
    axes = {"latitude": np.arange(90 - step / 2, -90, -step), "longitude": np.arange(-180 + step / 2, 180, step)}
    shape = (axes["latitude"].size, axes["longitude"].size)
    return xr.DataArray(np.full(shape, float(value)), coords=axes, dims=("latitude", "longitude"))


def test_a_constant_flux_over_the_globe_is_the_area_of_the_ellipsoid():
    field = flat(100.0)
    found = carbon.flux_totals(field, field * 0, merged_zones(field, (GLOBE,)))["total"].iloc[0]
    a, e2 = 6378137.0, 0.0066943799901413165
    e = np.sqrt(e2)
    area = 2 * np.pi * a**2 * (1 + (1 - e2) / e * np.arctanh(e))
    assert found == pytest.approx(100.0 * area / 1e12, rel=1e-9)


def test_the_parts_of_the_errors_of_a_constant_field():
    field = flat(100.0)
    zones = merged_zones(field, (GLOBE,))
    row = carbon.flux_totals(field, 0.3 * field, zones, cover=flat(1.0)).iloc[0]
    share = [np.sqrt(constant(f"{n}_share").value) for n in ("common", "class", "regional")]
    assert row["sigma_common"] == pytest.approx(0.3 * share[0] * row["total"])
    assert row["sigma_class"] == pytest.approx(0.3 * share[1] * row["total"])
    # Over a sphere of radius R the mean of exp(-d/L) is (x^2 / 2)(1 + exp(-pi/x)) / (1 + x^2) with x = L/R.
    x = constant("correlation_length").value / 6371.0072
    mean = x**2 * (1 + np.exp(-np.pi / x)) / (1 + x**2) / 2
    assert row["sigma_regional"] == pytest.approx(0.3 * share[2] * row["total"] * np.sqrt(mean), rel=0.01)
    assert row["high"] - row["total"] == pytest.approx(1.959964 * row["sigma"], rel=1e-6)
    assert row["valid_km2"] == pytest.approx(510.0656e6, rel=1e-6)


def test_land_shares_and_missing_cells():
    field = flat(100.0)
    half = carbon.flux_totals(field, field * 0, merged_zones(field, (GLOBE,)), land_share=flat(0.5))
    whole = carbon.flux_totals(field, field * 0, merged_zones(field, (GLOBE,)))
    assert half["total"].iloc[0] == pytest.approx(whole["total"].iloc[0] / 2)
    north = carbon.flux_totals(field.where(field.latitude > 0), field * 0, merged_zones(field, (GLOBE,)))
    assert north["total"].iloc[0] == pytest.approx(whole["total"].iloc[0] / 2, rel=1e-9)
    with pytest.raises(InputError, match="Regrid"):
        carbon.flux_totals(field, field, merged_zones(flat(1.0, 4.0), (GLOBE,)))


def test_the_interval_holds_the_national_total_of_drawn_earths():
    """100 seeds: errors drawn by Cholesky factors and class numbers; at least 90 totals inside, and not by width."""
    rng = np.random.default_rng(2026)
    field = flat(500.0, 4.0)
    window = field.sel(latitude=slice(56, 16), longitude=slice(70, 138))
    zones = merged_zones(window, (CHINA,))
    classes = np.indices(window.shape).sum(axis=0) % 5
    sigma = 0.3 * window
    row = carbon.flux_totals(window, sigma, zones, cover=window.copy(data=classes)).iloc[0]
    phi, lam = (np.radians(a).ravel() for a in np.meshgrid(window.latitude, window.longitude, indexing="ij"))
    cosine = np.sin(phi)[:, None] * np.sin(phi) + np.cos(phi)[:, None] * np.cos(phi) * np.cos(lam[:, None] - lam)
    alike = np.exp(-6371.0 * np.arccos(np.clip(cosine, -1, 1)) / constant("correlation_length").value)
    root = np.linalg.cholesky(alike + 1e-9 * np.eye(phi.size))
    weight = (zones.mask().values * cell_area(window.latitude, window.longitude).values) / 1e12
    share = [np.sqrt(constant(f"{n}_share").value) for n in ("common", "class", "regional")]
    errors = []
    for _ in range(100):
        z = share[0] * rng.normal() + share[1] * rng.normal(size=5)[classes]
        z = z + share[2] * (root @ rng.normal(size=phi.size)).reshape(window.shape)
        errors.append(float((weight * sigma.values * z).sum()))
    inside = np.abs(errors) <= row["high"] - row["total"]
    assert inside.sum() >= 90
    assert 0.75 < np.std(errors) / row["sigma"] < 1.25


def test_shares_of_the_variance():
    parts = error_parts(np.full((2, 2), 3.0), np.array([[1, 1], [2, 2]]))
    assert sum(np.asarray(part.sigma) ** 2 for part in parts) == pytest.approx(np.full((2, 2), 9.0))
    assert [part.name for part in parts] == ["common", "class", "regional"]


# ---- tables ----------------------------------------------------------------------------------------------------------
def test_countries_add_up_to_the_globe(earth):
    _, budget = earth
    table = carbon.country_table(budget)
    place = carbon.region_table(budget, "globe").iloc[0]
    weight = cell_area(budget.annual.latitude, budget.annual.longitude).values / 1e12
    everything = float((budget.mean("npp")[0] * weight).sum())
    assert place["npp_tg"] == pytest.approx(everything, rel=1e-9)
    assert 0 < table["npp_tg"].sum() < everything  # the made-up globe has plants at sea
    assert table["npp_tg"].is_monotonic_decreasing
    assert {"CHN", "BRA"} <= set(table["iso3"])
    for name in ("gpp", "npp", "nep"):
        assert (table[f"{name}_low_tg"] <= table[f"{name}_tg"]).all()
        assert (table[f"{name}_tg"] <= table[f"{name}_high_tg"]).all()
    np.testing.assert_allclose(table["nep_mt_co2"], 3.6641 * table["nep_tg"])
    assert (table["nep_least_tg"] <= table["nep_low_tg"] + 1e-9).all()
    assert (table["nep_most_tg"] >= table["nep_high_tg"] - 1e-9).all()


def test_regions_add_up_to_their_union(earth):
    table = carbon.region_table(earth[1]).set_index("key")
    for column in ("valid_km2", "gpp_tg", "npp_tg", "nep_tg"):
        assert table.loc["belt_and_road", column] == pytest.approx(table[column].iloc[:-1].sum(), rel=1e-9)
    # Errors go together, but not all of them: between quadrature and plain sum.
    half = table["npp_high_tg"] - table["npp_tg"]
    assert np.sqrt((half.iloc[:-1] ** 2).sum()) < half["belt_and_road"] < half.iloc[:-1].sum()


def test_trends_are_those_of_the_series(earth):
    _, budget = earth
    row = carbon.region_table(budget, "globe").iloc[0]
    series = carbon.year_table(budget, GLOBE)
    from scipy.stats import theilslopes

    assert row["npp_trend_tg"] == pytest.approx(theilslopes(series["npp_tg"], series["year"])[0], rel=1e-6)
    assert 0 <= row["npp_trend_p"] <= 1
    few = Budget(budget.annual.isel(year=slice(0, 3)), budget.cover)
    assert "npp_trend_tg" not in carbon.region_table(few, "globe")


def test_years_average_to_the_mean(earth):
    _, budget = earth
    years = carbon.year_table(budget, GLOBE)
    assert years["npp_tg"].mean() == pytest.approx(carbon.region_table(budget, "globe")["npp_tg"][0], rel=1e-6)
    assert years["npp_anomaly_tg"].sum() == pytest.approx(0, abs=1e-6 * years["npp_tg"].sum())
    np.testing.assert_allclose(years["npp_truth_tg"], 0.9 * years["npp_tg"], rtol=1e-6)
    assert years["days"].tolist() == [365, 366, 365, 365, 365]


def test_scenarios_differ_and_close(earth):
    _, budget = earth
    table = carbon.scenario_table(budget, (GLOBE, CHINA), "zh")
    assert len(table) == 8
    assert set(table["region"]) == {"全球", "中国"}
    npp = carbon.region_table(budget, "globe")["npp_tg"][0]
    of_globe = table[table["region"] == "全球"]
    np.testing.assert_allclose(of_globe["nep_tg"] + of_globe["respiration_tg"], npp, rtol=1e-5)
    np.testing.assert_allclose(of_globe["nep_mt_co2"], 44.009 / 12.011 * of_globe["nep_tg"], rtol=2e-5)
    assert of_globe["nep_tg"].max() > 1.3 * of_globe["nep_tg"].min()


def test_the_truth_beside(earth):
    _, budget = earth
    table = carbon.truth_table(budget, (GLOBE, CHINA, resolve_region("-30,84,-20,89")))
    assert set(table["key"]) == {"globe", "chn"}  # the box has no value
    np.testing.assert_allclose(table["ratio"], 1 / 0.9, rtol=1e-5)
    np.testing.assert_allclose(table["covered"], 1.0)
    assert table["inside"].all()
    wrong = Budget(budget.annual, budget.cover, truth=0.1 * budget.annual[["gpp", "npp"]])
    assert not carbon.truth_table(wrong, (GLOBE,))["inside"].any()
    assert carbon.truth_table(Budget(budget.annual, budget.cover), (GLOBE,)).empty


def test_budgets_refuse_what_was_not_made(earth):
    _, budget = earth
    with pytest.raises(InputError, match="pei2009, raich2002"):
        Budget(budget.annual, scenario="none")
    with pytest.raises(InputError, match="no truth of nep"):
        budget.series("nep", merged_zones(budget.annual["gpp"], (GLOBE,)), truth=True)


def test_without_cover_class_errors_are_common(earth):
    _, budget = earth
    narrow = carbon.region_table(budget, "globe").iloc[0]
    wide = carbon.region_table(Budget(budget.annual), "globe").iloc[0]
    assert wide["npp_high_tg"] > narrow["npp_high_tg"]
    assert wide["npp_tg"] == narrow["npp_tg"]


# ---- published, seasons, trends, products, summary -------------------------------------------------------------------
def test_published_numbers_stand_beside_ours(earth):
    _, budget = earth
    table = carbon.published_comparison(budget, simulated=True)
    assert set(table["place"]) == {"Globe", "China"}
    assert table["source"].str.startswith("doi:10.").all()
    np.testing.assert_allclose(table["ratio"], table["ours"] / table["published"])
    row = table[table["quantity"] == "net over gross primary production"].iloc[0]
    sums = carbon.region_table(budget, "globe").iloc[0]
    assert row["ours"] == pytest.approx(sums["npp_tg"] / sums["gpp_tg"])
    assert table["remark"].str.contains("not the Earth").all()
    part = Budget(budget.annual.sel(latitude=slice(80, 0), longitude=slice(0, 60)), None)
    assert carbon.published_comparison(part).empty


def test_seasons_have_their_hemispheres(earth):
    months, budget = earth
    places = tuple(map(resolve_region, ("0,30,60,60", "0,-60,60,-30", "globe")))
    table = carbon.seasonal_cycle(months, places, budget)
    assert table.groupby("region")["hemisphere"].first().tolist() == ["south", "north", "both"]
    peaks = table.loc[table.groupby("hemisphere")["value"].idxmax()].set_index("hemisphere")["month"]
    assert peaks["north"] == 7
    assert peaks["south"] == 1
    assert (table["low"] <= table["value"]).all()
    sink = carbon.seasonal_cycle(months, places, budget, flux="nep", language="zh")
    assert len(sink) == 36
    with pytest.raises(InputError, match="all twelve months"):
        carbon.seasonal_cycle(months.isel(time=slice(0, 5)), places, budget)


def test_trend_and_anomaly_of_maps(earth):
    _, budget = earth
    made = carbon.trend_map(budget.annual)
    assert made["significant"].dtype == bool
    assert not made["significant"].where(made["p_value"].isnull(), False).any()
    year = carbon.unusual_year(budget.annual, budget, GLOBE)
    series = carbon.year_table(budget, GLOBE).set_index("year")["npp_anomaly_tg"].abs()
    assert year == series.idxmax()
    field = carbon.year_anomaly(budget.annual, 2013)
    np.testing.assert_allclose(
        field, budget.annual["npp"].sel(year=2013) - budget.annual["npp"].mean("year"), atol=1e-3
    )
    with pytest.raises(InputError, match="2011, 2012"):
        carbon.year_anomaly(budget.annual, 1999)
    with pytest.raises(InputError, match="four years"):
        carbon.trend_map(budget.annual.isel(year=slice(0, 3)))


def test_maps_of_parts_of_years_show_the_mean_day(earth):
    months, budget = earth
    layers = carbon.map_layers(budget)
    assert layers["gpp"].theme == "gpp_annual"
    summer = carbon.annual_fluxes(months.sel(time=slice("2011-06", "2011-08")))
    part = carbon.map_layers(Budget(summer, budget.cover))
    assert part["nep"].theme == "nep_daily"
    assert part["gpp"].value.attrs["units"] == "g m-2 d-1"
    np.testing.assert_allclose(part["gpp"].value, summer["gpp"].squeeze("year") / 92, rtol=1e-6)
    assert (carbon.total_units(budget.annual), carbon.total_units(summer)) == ("Tg C a-1", "Tg C")


def test_products_are_written_and_read_again(earth, tmp_path):
    from musyq_lab.archive.open import open_product
    from musyq_lab.archive.write import write_product

    _, budget = earth
    made = list(carbon.carbon_products(budget.annual, scenario="ratio", method="mod17"))
    assert [label for label, _ in made] == ["2011", "2012", "2013", "2014", "2015"]
    path = write_product(made[0][1], tmp_path, spec=carbon.CARBON_SPEC, edition="2deg", tile="global", period="2011")
    found = open_product(path)
    expected = budget.annual.sel(year=2011, scenario="ratio")
    np.testing.assert_array_equal(found["nep_annual"], expected["nep"])
    missing = np.isnan(found["gpp_annual"].values)
    assert missing.any()
    assert ((found["carbon_qa"].values & 1) == missing).all()


def test_the_summary_tells_all_of_it(earth):
    _, budget = earth
    regions = carbon.region_table(budget, "globe")
    scenarios = carbon.scenario_table(budget, (GLOBE,))
    towers = pd.DataFrame({"step": ["month"], "method": ["mod17"], "r": [0.9], "rmse": [1.0], "bias": [0.1]})
    text = carbon.summary_text(
        regions, scenarios, GLOBE, "2011-2015", truth=carbon.truth_table(budget, (GLOBE,)), towers=towers,
        published=carbon.published_comparison(budget), note="Data: made up.",
    )  # fmt: skip
    for words in ("Carbon fluxes, Globe, 2011-2015", "scenario, not a measurement", "2 of 2 totals", "mod17: 1 place,",
                  "doi:10.5194", "NPP trend"):  # fmt: skip
        assert words in text
    assert max(map(len, text.splitlines())) < 260
    assert carbon.summary_text(regions, scenarios, GLOBE, "2011").endswith("\n")
