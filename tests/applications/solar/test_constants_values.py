"""Each constant beside an independent statement of it: pvlib, arithmetic, the published text."""

import dataclasses
import inspect

import numpy as np
import pvlib
import pytest

from musyq_lab.applications import solar
from musyq_lab.applications.solar.constants import constant, constants_table, entry, table
from musyq_lab.applications.solar.potential import density_sigma
from musyq_lab.applications.solar.tables import published_rows
from musyq_lab.core.errors import NotFoundError
from musyq_lab.core.units import convertible

NAMES = sorted(table()["constants"])
# Chen et al. 2019, table "Setting of Parameters": share by kind of land, moderate reading.
JOULE = {"barren": (16, 0.20), "grass": (10, 0.20), "open shrub": (7, 0.20), "cropland": (12, 0.02), "forest": (4, 0.0)}


class TestRows:
    @pytest.mark.parametrize("name", NAMES)
    def test_every_row_has_a_source_a_unit_and_a_sane_sigma(self, name):
        row = constant(name)
        assert row.name == name
        assert len(row.source.strip()) >= 10
        assert convertible(row.units, row.units)
        assert np.isfinite(row.value)
        assert 0 <= row.sigma < abs(row.value)

    @pytest.mark.parametrize("name", NAMES)
    def test_what_was_not_read_in_the_source_says_what_it_rests_on(self, name):
        row = constant(name)
        assert row.verified or row.note or len(row.source) > 40

    def test_a_row_cannot_be_changed(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            constant("wind_speed").value = 5.0

    def test_the_table_shows_every_row_once(self):
        shown = constants_table()
        assert sorted(shown["name"]) == NAMES
        assert [shown.set_index("name")["value"][name] for name in NAMES] == [constant(name).value for name in NAMES]

    @pytest.mark.parametrize("name", ["", "Wind_speed", "wind speed", "value"])
    def test_only_the_exact_name_will_do(self, name):
        with pytest.raises(NotFoundError, match="no constant"):
            constant(name)

    def test_near_names_of_methods_are_told(self):
        with pytest.raises(NotFoundError, match=r"suitability method 'joule'.*joule2019"):
            entry("suitability", "joule")


class TestAgainstPvlib:
    def test_faimans_coefficients_are_the_defaults(self):
        defaults = inspect.signature(pvlib.temperature.faiman).parameters
        assert constant("faiman_u0").value == defaults["u0"].default
        assert constant("faiman_u1").value == defaults["u1"].default

    def test_losses_of_pvwatts(self):
        assert entry("yield_chains", "pvwatts")["loss"] == pytest.approx(
            pvlib.pvsystem.pvwatts_losses() / 100, rel=1e-9
        )

    def test_inverter_of_pvwatts(self):
        nominal = inspect.signature(pvlib.inverter.pvwatts).parameters["eta_inv_nom"].default
        assert entry("yield_chains", "pvwatts")["inverter"] == nominal

    def test_lapse_rate_is_that_of_the_pressure(self):
        # In the standard atmosphere p = p0 (1 - L h / T0) ** (g M / R L); its logarithmic slope at h = 0 is g M / R T0,
        # and the height where p is 0 is T0 / L.
        lapse, surface = constant("lapse_rate").value, 288.15
        height = np.array([0.0, 1000.0, 3000.0, 5000.0])
        expected = 101325.0 * (1 - lapse * height / surface) ** (9.80665 * 0.0289644 / (8.31446 * lapse))
        np.testing.assert_allclose(pvlib.atmosphere.alt2pres(height), expected, rtol=2e-4)

    def test_effective_altitude_rises_to_its_limit(self):
        from musyq_lab.applications.solar.irradiance import effective_altitude

        height = np.array([-400.0, 0.0, 500.0, 2000.0, 5000.0, 50_000.0])
        seen = effective_altitude(height)
        limit = constant("altitude_limit").value
        assert seen[:2].tolist() == [0.0, 0.0]
        assert np.all(np.diff(seen[1:]) > 0)
        assert seen[-1] == pytest.approx(limit)
        assert seen[3] == pytest.approx(limit * (1 - np.exp(-1)))  # 2,000 m is one scale
        assert np.all(seen <= np.maximum(height, 0.0))


class TestArithmetic:
    def test_losses_of_the_atlas(self):
        assert entry("yield_chains", "gsa")["loss"] == pytest.approx(1 - (1 - 0.035) * (1 - 0.075), abs=5e-4)

    def test_chains_lose_between_a_tenth_and_a_fifth(self):
        for name in table()["yield_chains"]:
            row = entry("yield_chains", name)
            assert 0.1 < 1 - (1 - row["loss"]) * row.get("inverter", 1.0) < 0.2

    def test_error_of_the_density_by_hand(self):
        # Efficiency 0.20 +- 0.015 (7.5 %) and packing 10 %: 12.5 %.
        assert density_sigma() == pytest.approx(0.125)

    @pytest.mark.parametrize("kind", JOULE)
    def test_shares_of_the_joule_study(self, kind):
        code, share = JOULE[kind]
        low, middle, high = entry("suitability", "joule2019")["factors"][code]
        assert middle == share
        assert low <= middle <= high

    def test_wider_scenarios_allow_steeper_ground(self):
        for name in table()["suitability"]:
            limits = entry("suitability", name)["slope_limit"]
            assert 0 < limits["conservative"] <= limits["moderate"] <= limits["liberal"] <= 1

    def test_ice_water_and_forest_carry_nothing_in_any_method(self):
        for name in table()["suitability"]:
            factors = entry("suitability", name)["factors"]
            assert all(factors[code] == [0.0, 0.0, 0.0] for code in (0, 1, 2, 3, 4, 5, 11, 15))


class TestPublished:
    def test_names_are_unique_and_numbers_positive(self):
        rows = published_rows()
        assert len({row["name"] for row in rows}) == len(rows)
        assert all(row["value"] > 0 for row in rows)

    def test_every_row_has_an_origin(self):
        assert all(row["doi"] or row["source"] for row in published_rows())

    def test_extremes_enclose_the_mean(self):
        value = {row["name"]: row["value"] for row in published_rows()}
        assert value["musyq_minimum"] < value["musyq_mean"] < value["musyq_maximum"]

    def test_namibia_is_forty_percent_above_china(self):
        value = {row["name"]: row["value"] for row in published_rows()}
        assert value["gsa_namibia"] / value["gsa_china"] == pytest.approx(1.4, abs=0.05)

    def test_a_caller_cannot_change_the_table(self):
        rows = published_rows()
        rows.clear()
        assert len(published_rows()) == len(table()["published"]) > 0


def test_public_names_resolve_and_unknown_ones_are_told():
    assert all(hasattr(solar, name) for name in solar.__all__)
    with pytest.raises(AttributeError, match=r"Public names: .*region_table"):
        _ = solar.regional_table
