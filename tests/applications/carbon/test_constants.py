"""Every constant has its source, and is the number that the kernels and tables elsewhere have."""

import numpy as np
import pytest

from musyq_lab.analysis.regions import resolve_region
from musyq_lab.applications.carbon.constants import constant, constants_table, entry, table
from musyq_lab.applications.carbon.soil import SCENARIOS, scenario_table, scenario_title
from musyq_lab.core.errors import NotFoundError
from musyq_lab.figures.style import missing_glyphs
from musyq_lab.products.npp import SCENARIOS as FORMULAS


def test_every_row_says_where_it_comes_from():
    rows = constants_table()
    assert rows["source"].str.len().min() > 10
    assert rows["units"].str.len().min() >= 1
    for row in rows[~rows["verified"]].to_dict("records"):
        assert row["note"] or row["source"].startswith("as ") or "doi" in row["source"], row["name"]
    assert (rows["sigma"] >= 0).all()


def test_shares_of_the_variance_are_whole_and_give_the_spread_of_the_globe():
    shares = [constant(f"{name}_share").value for name in ("common", "class", "regional")]
    assert sum(shares) == pytest.approx(1.0)
    totals = [row["value"] for row in table()["published"] if row["quantity"] == "gpp" and row["place"] == "globe"]
    assert len(totals) == 4
    assert np.std(totals, ddof=1) / np.mean(totals) == pytest.approx(0.13, abs=0.01)


def test_carbon_dioxide_weighs_what_the_masses_say():
    assert constant("carbon_to_co2").value == pytest.approx(44.009 / 12.011, abs=5e-5)


def test_the_share_of_production_is_that_of_the_rows_it_cites():
    rows = {row["name"]: row["value"] for row in table()["published"]}
    shares = [1 - rows[name] / rows["npp_field"] for name in ("rh_konings", "rh_tang", "rh_ciais")]
    assert constant("sink_ratio").value == pytest.approx(shares[0], abs=0.005)
    assert constant("sink_ratio").sigma == pytest.approx((shares[2] - shares[1]) / (2 * 1.96), abs=0.005)
    quartiles = (46 - 33) / 2 / 0.6745 / 39
    assert constant("respiration_relative_sigma").value == pytest.approx(quartiles, abs=0.005)


def test_scenarios_are_those_of_the_product_and_one_more():
    assert set(table()["scenarios"]) == set(SCENARIOS) == {*FORMULAS, "ratio"}
    assert [row["scenario"] for row in scenario_table()] == list(SCENARIOS)
    for name in SCENARIOS:
        assert missing_glyphs(scenario_title(name, "zh"), "zh") == set()


def test_published_rows_are_whole():
    for row in table()["published"]:
        assert {"name", "quantity", "place", "value", "period", "doi", "verified", "about"} <= set(row)
        resolve_region(row["place"])
        assert row["doi"].startswith("10.")


def test_what_is_not_there_names_the_near_one():
    with pytest.raises(NotFoundError, match="sink_ratio"):
        constant("sink_ration")
    with pytest.raises(NotFoundError, match="raich2002"):
        entry("scenarios", "raich")
    with pytest.raises(NotFoundError, match="fr_pue"):
        entry("sites", "fr_puy")
