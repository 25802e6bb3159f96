import re

import numpy as np
import pytest

from musyq_lab.applications import solar
from musyq_lab.applications.solar.constants import DAYS_OF_MONTH, DAYS_OF_YEAR, constant, entry, table
from musyq_lab.core.errors import NotFoundError
from musyq_lab.core.units import convertible


def test_every_constant_has_a_unit_that_parses_and_a_source():
    rows = solar.constants_table()
    assert len(rows) >= 12
    assert all(len(source) > 10 for source in rows["source"])
    assert all(convertible(units, units) for units in rows["units"])
    assert rows["verified"].map(type).eq(bool).all()


def test_every_method_and_chain_says_where_it_comes_from():
    for row in table()["suitability"].values():
        assert row["doi"] or row["url"]
        assert set(row["factors"]) == set(range(17))
        factors = np.array([row["factors"][c] for c in range(17)])
        assert np.all(np.diff(factors, axis=1) >= 0)
    assert all(row["source"] for row in table()["yield_chains"].values())
    assert all(re.fullmatch(r"10\.\d{4,}/\S+", row["doi"]) or row["source"] for row in table()["published"])


def test_power_density_follows_from_the_abstract():
    # "7.8 TW capacity ... a commitment in land area of 88,426 km2" (doi 10.1016/j.joule.2019.06.006).
    assert entry("suitability", "joule2019")["power_density"] == pytest.approx(7.8e12 / 88_426e6, rel=1e-3)


def test_common_error_is_what_the_stations_say():
    assert constant("ghi_common_relative_sigma").value == pytest.approx(
        solar.station_comparison().attrs["relative_sigma"], abs=0.005
    )


def test_the_year_is_the_gregorian_mean():
    assert pytest.approx(365.2425) == DAYS_OF_YEAR
    assert len(DAYS_OF_MONTH) == 12


def test_unknown_names_are_told():
    with pytest.raises(NotFoundError, match="lapse_rate"):
        constant("lapse_rat")
    with pytest.raises(NotFoundError, match="yield chain"):
        entry("yield_chains", "gas")
