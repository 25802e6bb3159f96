"""Quality bits, zeros and gaps of the potential, cell by cell on a small window."""

import itertools

import numpy as np
import pytest
import xarray as xr

from musyq_lab.applications import solar
from musyq_lab.applications.solar.constants import constant
from musyq_lab.applications.solar.potential import (
    NO_LAND,
    NOT_SUITABLE,
    POLAR_NIGHT,
    POTENTIAL_SPEC,
    SLOPE_ESTIMATED,
    SOURCE_FILLED,
    density_sigma,
    installed_density,
    relative_sigmas,
)
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.grid import GRIDS
from musyq_lab.core.quality import INPUT_MISSING

WATER, GAP, BARE, PLAIN = (0, 0), (0, 1), (1, 0), (2, 2)


def layers(window=(100, 30, 101, 31), relief=1.0):
    """Return climatology, clear sky, shares and altitude: one cell of water, one gap, one that carries nothing."""
    clear = solar.clear_sky_shortwave(GRIDS["0p25deg"].window(*window))
    raw = xr.Dataset({"dsr": 0.6 * clear, "dsr_uncertainty": 0.06 * clear})
    dsr = solar.climatology(raw)
    level = xr.ones_like(dsr["dsr_annual"], np.float32).drop_attrs()
    shares = xr.Dataset(
        {
            "conservative": 0.1 * level, "moderate": 0.2 * level, "liberal": 0.3 * level, "slope_share": 0.8 * level,
            "slope_share_uncertainty": 0.04 * level, "land_share": 1.0 * level,
        }
    )  # fmt: skip
    shares["land_share"][WATER] = 0.0
    for name in ("conservative", "moderate", "liberal"):
        shares[name][WATER] = 0.0
        shares[name][BARE] = 0.0
        shares[name][GAP] = np.nan
    shares.attrs = {"method": "joule2019", "relief_factor": relief}
    return dsr, clear, shares, solar.terrain_altitude(clear)


def run(parts, **options):
    dsr, clear, shares, altitude = parts
    return solar.technical_potential(dsr, clear, shares, altitude=altitude, **options)


@pytest.fixture(scope="module")
def parts():
    return layers()


@pytest.fixture(scope="module")
def result(parts):
    return run(parts)


class TestBits:
    def test_each_cell_has_the_bits_of_its_case(self, result):
        qa = result[POTENTIAL_SPEC.qa_name].values
        assert qa[PLAIN] == 0
        assert qa[WATER] == NO_LAND.mask
        assert qa[GAP] == INPUT_MISSING.mask
        assert qa[BARE] == NOT_SUITABLE.mask

    def test_coarse_terrain_is_told_everywhere(self, parts, result):
        dsr, clear, shares, altitude = parts
        coarse = run((dsr, clear, shares.assign_attrs(relief_factor=2.0), altitude))
        name = POTENTIAL_SPEC.qa_name
        np.testing.assert_array_equal(coarse[name], result[name].values | SLOPE_ESTIMATED.mask)

    def test_a_cell_is_filled_only_where_no_month_has_a_source(self, parts):
        clear = parts[1]
        share = xr.ones_like(clear).rename("source_share")
        share[:, 2, 2] = 0.4
        share[:, 3, 3] = 0.4
        share[6, 3, 3] = 0.6
        qa = run(parts, index=share.to_dataset())[POTENTIAL_SPEC.qa_name].values
        assert qa[2, 2] == SOURCE_FILLED.mask
        assert qa[3, 3] == 0

    def test_polar_night_north_of_the_circle_and_not_south_of_it(self):
        north = run(layers((20, 70, 21, 71)))[POTENTIAL_SPEC.qa_name].values
        south = run(layers((20, 60, 21, 61)))[POTENTIAL_SPEC.qa_name].values
        assert ((north & POLAR_NIGHT.mask) > 0).all()
        assert ((south & POLAR_NIGHT.mask) == 0).all()

    def test_bits_are_apart_and_described(self, result):
        flags = (INPUT_MISSING, SLOPE_ESTIMATED, SOURCE_FILLED, POLAR_NIGHT, NOT_SUITABLE, NO_LAND)
        assert all(a.mask & b.mask == 0 for a, b in itertools.combinations(flags, 2))
        attrs = result[POTENTIAL_SPEC.qa_name].attrs
        assert set(np.atleast_1d(attrs["flag_masks"]).tolist()) >= {flag.mask for flag in flags}
        assert {flag.name for flag in flags} <= set(attrs["flag_meanings"].split())


class TestValues:
    def test_water_and_gaps_have_no_potential_and_bare_land_has_none_to_give(self, result):
        potential = result["pv_potential"].values
        assert np.isnan(potential[WATER])
        assert np.isnan(potential[GAP])
        assert potential[BARE] == 0.0
        assert potential[PLAIN] > 0

    def test_it_is_yield_times_density_times_share(self, result):
        expected = result["pv_yield"].values[PLAIN] * 88.2e-3 * 0.2
        assert result["pv_potential"].values[PLAIN] == pytest.approx(expected, rel=1e-5)

    @pytest.mark.parametrize("density", [1, 40.0, 176.4])
    def test_it_is_proportional_to_the_density(self, parts, result, density):
        other = run(parts, power_density=density)
        ratio = other["pv_potential"].values[PLAIN] / result["pv_potential"].values[PLAIN]
        assert ratio == pytest.approx(density / 88.2, rel=1e-5)
        np.testing.assert_allclose(other["pv_yield"], result["pv_yield"], equal_nan=True)

    def test_yield_is_less_than_the_sun_on_the_best_plane(self, parts, result):
        # At 30 degrees north a tilted plane gains less than 30 %; a kilowatt gives 1 kWh for each kWh m-2, less losses.
        sun = parts[0]["dsr_annual"].values[PLAIN] / 3.6
        assert 0.6 * sun < result["pv_yield"].values[PLAIN] < 1.3 * sun

    def test_uncertainty_of_the_yield_by_hand(self, parts, result):
        sigmas = relative_sigmas(parts[0])
        assert sigmas["ghi"] == constant("ghi_common_relative_sigma").value
        assert float(sigmas["local"].max()) < 1e-3  # the climatology errs by its common 10 % alone
        expected = np.sqrt(0.10**2 + 0.04**2 + (0.004 * np.hypot(3.9, 3.0)) ** 2)
        ratio = result["pv_yield_uncertainty"].values[PLAIN] / result["pv_yield"].values[PLAIN]
        assert ratio == pytest.approx(expected, rel=1e-4)

    def test_uncertainty_of_the_share_and_of_the_potential_by_hand(self, result):
        share = np.hypot((0.3 - 0.1) / (2 * 1.96), 0.2 * 0.04 / 0.8)
        assert result["suitable_share_uncertainty"].values[PLAIN] == pytest.approx(share, rel=1e-4)
        chain = np.sqrt(0.10**2 + 0.04**2 + (0.004 * np.hypot(3.9, 3.0)) ** 2)
        expected = np.sqrt(chain**2 + density_sigma() ** 2 + (share / 0.2) ** 2)
        ratio = result["pv_potential_uncertainty"].values[PLAIN] / result["pv_potential"].values[PLAIN]
        assert ratio == pytest.approx(expected, rel=1e-4)

    def test_a_temperature_that_is_given_takes_its_error_away(self, parts):
        assert relative_sigmas(parts[0], temperature_given=True)["temperature"] == 0.0
        assert relative_sigmas(parts[0])["temperature"] == pytest.approx(0.004 * np.hypot(3.9, 3.0))

    def test_uncertainty_is_missing_where_the_value_is(self, result):
        np.testing.assert_array_equal(np.isnan(result["pv_potential"]), np.isnan(result["pv_potential_uncertainty"]))

    def test_layers_keep_to_their_valid_range(self, result):
        for variable in POTENTIAL_SPEC.variables:
            low, high = variable.valid_range
            values = result[variable.name].values
            assert np.nanmin(values) >= low
            assert np.nanmax(values) <= high
            assert result[variable.name].attrs["units"] == variable.units


class TestDensity:
    SHARE = xr.DataArray(np.ones((3, 2)), coords={"latitude": [40.0, 0.0, -40.0], "longitude": [0.0, 1.0]},
                         dims=("latitude", "longitude"))  # fmt: skip

    def test_the_method_states_it(self):
        assert installed_density(self.SHARE, "joule2019", None).values.tolist() == [88.2] * 3

    def test_rows_where_the_method_states_none(self):
        stated, rows = (installed_density(self.SHARE, "hoogwijk2004", choice) for choice in (None, "rows"))
        np.testing.assert_array_equal(stated, rows)
        efficiency = constant("module_efficiency").value
        np.testing.assert_allclose(rows, 1000 * efficiency * solar.ground_cover(np.array([40.0, 0.0, -40.0])))
        assert (rows <= 1000 * efficiency).all()
        assert rows[1] > rows[0]

    @pytest.mark.parametrize("choice", [0, -5.0, float("nan"), "dense", "88"])
    def test_anything_else_is_refused(self, choice):
        with pytest.raises(InputError, match="Give W m-2"):
            installed_density(self.SHARE, "joule2019", choice)

    def test_an_unknown_method_is_told(self):
        with pytest.raises(NotFoundError, match="suitability method"):
            installed_density(self.SHARE, "joule2018", None)
