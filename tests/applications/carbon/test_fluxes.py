"""Annual gross and net production against the numbers of MOD17, and the balance against its formulas."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from applications.carbon.world import constant_fields, equal_days, seasons

from musyq_lab.applications import carbon
from musyq_lab.applications.carbon.constants import constant
from musyq_lab.applications.carbon.fluxes import LEAST, with_stand_ins
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.period import pentads

YEAR = pd.date_range("2015-01-01", periods=12, freq="MS")
REFERENCE = Path(__file__).parents[2] / "reference" / "npp.csv"


def reference(vector):
    with REFERENCE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    return {int(row["class"]): float(row["value"]) for row in rows if row["vector"] == vector}


def annual_of(fields, **options):
    return carbon.annual_fluxes(carbon.monthly_fluxes(carbon.step_fluxes(fields, **options)))


def test_net_production_of_a_year_is_that_of_mod17(mod17):
    # arthur-e/MOD17, test_annual_npp: 365 equal days.
    expected = reference("MOD17-NPP")
    np.testing.assert_allclose(mod17[2]["npp"].values.ravel(), list(expected.values()), atol=2e-3)
    assert mod17[2]["npp"].attrs["units"] == "g m-2 a-1"


def test_gross_production_of_a_year_is_365_times_that_of_the_vector():
    # arthur-e/MOD17, test_gpp: FPAR 0.5, 10 C, 1000 Pa, 3.888 MJ m-2 d-1.
    day = [2.003561, 2.73132, 2.042432, 2.505082, 2.012602, 2.627596, 1.810149, 2.371362, 2.312633, 1.914267, 2.065643]
    fields = equal_days([*range(1, 11), 12], air_temperature_min=283.15, downward_par=3.888e6 / 86400)
    np.testing.assert_allclose(annual_of(fields)["gpp"].values.ravel(), 365 * np.array(day), rtol=1e-6)


@pytest.mark.parametrize(
    "time", [YEAR, [p.start for p in pentads(2015)], pd.date_range("2015-01-01", periods=46, freq="8D")]
)
def test_the_step_does_not_matter_for_equal_days(time):
    assert annual_of(archived(time))["npp"].item() == pytest.approx(1.5 * 365, rel=1e-6)


def test_growth_is_taken_from_the_year_and_wood_from_its_largest_leaves():
    fields = constant_fields(YEAR, [4])
    lai = np.where(np.arange(12) < 6, 0.5, 4.0)[:, None, None]
    light = np.where(np.arange(12) < 6, 0.0, 200.0)[:, None, None]
    fields["lai"], fields["downward_par"] = fields["lai"] * 0 + lai, fields["downward_par"] * 0 + light
    for name in ("lai", "downward_par"):
        fields[name].attrs["units"] = {"lai": "1", "downward_par": "W m-2"}[name]
    steps = carbon.step_fluxes(fields)
    days = carbon.with_days(fields)["days"]
    kept = float(((steps["gpp"] - steps["maintenance_respiration"]).squeeze() * days).sum())
    made = carbon.annual_fluxes(carbon.monthly_fluxes(steps))
    assert made["npp"].item() == pytest.approx(0.8 * kept, rel=1e-6)
    # Months without light lose more than growth would leave them: their sum differs.
    assert float((steps["npp"].squeeze() * days).sum()) < made["npp"].item() - 1
    # MOD17 user's guide: live wood by the largest leaf mass of the year (0.203 of it, 24.7 m2 kg-1), 25 C: 2^0.5.
    wood = 1000 * 4.0 / 24.7 * 0.203 * 3.71e-3 * 2**0.5
    leaf = 1000 * 0.5 / 24.7 * (7.78e-3 * (3.22 - 0.046 * 25) ** 0.5 + 1.1 * 5.19e-3 * 2**0.5)
    assert float(steps["maintenance_respiration"].squeeze()[0]) == pytest.approx(wood + leaf, rel=1e-5)


def test_losses_stay_losses():
    steps = carbon.step_fluxes(equal_days([4], downward_par=0.0))
    made = carbon.annual_fluxes(carbon.monthly_fluxes(steps))
    assert made["npp"].item() == pytest.approx(-365 * float(steps["maintenance_respiration"][0, 0, 0]), rel=1e-6)


def archived(time):
    """Return gross and net production as a folder of products has them, 3 and 1.5 g m-2 d-1."""
    fields = constant_fields(time, [4])[["air_temperature", "precipitation", "land_cover"]]
    for name, value in (("gpp", 3.0), ("npp", 1.5)):
        fields[name] = (fields["air_temperature"] * 0 + value).assign_attrs(units="g m-2 d-1")
    return fields


def test_archived_fluxes_are_taken_as_they_are():
    made = annual_of(archived(YEAR))
    assert made["gpp"].item() == pytest.approx(3.0 * 365)
    assert made["npp"].item() == pytest.approx(1.5 * 365)
    assert made["npp_uncertainty"].item() == 0


def test_stand_ins_and_what_has_no_plants():
    steps = carbon.step_fluxes(equal_days([10, 11, 13, 12, 14, 15, 16, 17]))
    made = steps["npp"][0].values.ravel()
    assert made[0] == made[1] == made[2]
    assert made[3] == made[4]
    assert np.isnan(made[5:]).all()
    plain = xr.Dataset({"lai": ("x", [1.0])})
    assert with_stand_ins(plain) is plain


def test_errors_of_the_months_add_up_linearly(mod17):
    steps, _, annual = mod17
    expected = (steps["npp_uncertainty"] * steps["days"]).sum("time")
    np.testing.assert_allclose(annual["npp_uncertainty"].squeeze("year"), expected, rtol=1e-6)


def test_a_gap_is_stood_for_by_the_rest_up_to_a_tenth():
    months = carbon.monthly_fluxes(carbon.step_fluxes(archived(YEAR)))
    whole = carbon.annual_fluxes(months)["gpp"].item()
    assert LEAST == 0.9
    for gaps, expected in ((1, whole), (2, np.nan)):
        few = months.where(months["time"].dt.month > gaps)
        np.testing.assert_allclose(carbon.annual_fluxes(few)["gpp"].item(), expected, rtol=1e-6)


def test_parts_of_years_say_so():
    made = annual_of(archived(YEAR[5:8]))
    assert made["gpp"].attrs["units"] == "g m-2"
    assert made["days"].item() == 30 + 31 + 31
    assert not carbon.is_whole(made)


def test_what_is_missing_or_unknown_is_told():
    fields = constant_fields(YEAR, [4])
    with pytest.raises(InputError, match="none of mod17"):
        carbon.step_fluxes(fields, method="casa")
    with pytest.raises(InputError, match="vapour_pressure_deficit"):
        carbon.step_fluxes(fields.drop_vars("vapour_pressure_deficit"))
    with pytest.raises(InputError, match="evaporation_ratio"):
        carbon.step_fluxes(fields, method="musyq")


# ---- soil ------------------------------------------------------------------------------------------------------------
def test_pei_is_the_formula_of_the_vector():
    # 15 C, 60 mm a month of 30 days: 21.2273 g m-2 a month.
    months = constant_fields(YEAR, [4], air_temperature=288.15, precipitation=2.0)
    made = carbon.heterotrophic(carbon.with_days(months), "pei2009")
    np.testing.assert_allclose(30 * made, 21.227348974, rtol=1e-6)


@pytest.mark.parametrize(("name", "a", "b"), [("raich2002", 1.22, 0.73), ("raich2002_2010", 0.22, 0.87)])
def test_raich_takes_the_share_of_the_year(name, a, b):
    fields = carbon.with_days(seasons((2014, 2015), 40.0))
    made = carbon.heterotrophic(fields, name)
    celsius, rain = fields["air_temperature"] - 273.15, fields["precipitation"] * 365 / 120
    soil = 1.25 * np.exp(0.05452 * celsius) * rain / (4.259 + rain)
    sums = ((soil * fields["days"]).groupby("time.year")).sum()
    expected = np.exp(a) * sums**b
    found = (made * fields["days"]).groupby("time.year").sum()
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    # The months keep the shape of soil respiration.
    ratio = made / soil
    assert float((ratio.sel(time="2014").std("time") / ratio.sel(time="2014").mean("time")).max()) < 1e-5


def test_of_a_constant_climate_both_ways_agree():
    from musyq_lab.products.npp import SCENARIOS as FORMULAS

    fields = carbon.with_days(constant_fields(YEAR, [4], air_temperature=288.15))
    for name in ("raich2002", "raich2002_2010"):
        direct = FORMULAS[name](np.array([288.15]), np.array([2.0]))[0]
        np.testing.assert_allclose(carbon.heterotrophic(fields, name), direct, rtol=1e-6)


def test_the_balance_closes_and_positive_is_a_sink(mod17):
    _, months, annual = mod17
    for ds, least in ((months, 1e-6), (annual, 1e-3)):
        left = (ds["npp"] - ds["heterotrophic_respiration"]).transpose(*ds["nep"].dims)
        np.testing.assert_allclose(ds["nep"], left, rtol=1e-5, atol=least)
    ratio = annual["nep"].sel(scenario="ratio") / annual["npp"]
    np.testing.assert_allclose(ratio, constant("sink_ratio").value, rtol=1e-6)


def test_no_rain_no_respiration_and_no_temperature_no_scenario_but_the_share():
    dry = carbon.with_days(constant_fields(YEAR, [4], precipitation=0.0))
    assert float(carbon.heterotrophic(dry, "raich2002").max()) == 0.0
    steps = carbon.step_fluxes(archived(YEAR))
    months = carbon.monthly(steps.drop_vars([n for n in steps if n.endswith("_qa")]))
    few = carbon.balance(months.drop_vars(["air_temperature", "precipitation"]))
    assert few["scenario"].values.tolist() == ["ratio"]
    with pytest.raises(InputError, match="needs air_temperature and precipitation"):
        carbon.heterotrophic(months.drop_vars(["air_temperature", "precipitation"]), "pei2009")
    with pytest.raises(InputError, match="None of the scenarios"):
        carbon.balance(months.drop_vars("precipitation"), ("pei2009",))
    with pytest.raises(NotFoundError, match="no scenario"):
        carbon.heterotrophic(months, "raich")
