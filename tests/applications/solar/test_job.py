"""The whole job on the globe: identities and published numbers."""

import numpy as np
import pytest
import xarray as xr

from musyq_lab.analysis.area import cell_area
from musyq_lab.analysis.regions import region_keys
from musyq_lab.analysis.zonal import region_mask
from musyq_lab.applications import solar
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.units import convertible

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def layers(job):
    return job["dsr"], job["potential"], job["shares"]


def cell_energy(potential):
    return (potential["pv_potential"].fillna(0).astype(float) * cell_area(potential["pv_potential"])).values * 1e-9


def test_countries_and_remainder_sum_to_the_cells(layers):
    table = solar.country_table(*layers)
    everything = float(cell_energy(layers[1]).sum())
    assert table["potential_twh"].sum() + table.attrs["remainder_twh"] == pytest.approx(everything, rel=1e-9)
    assert 0 <= table.attrs["remainder_twh"] < 1e-3 * everything


def test_regions_are_the_sums_of_their_countries(layers):
    countries, regions = solar.country_table(*layers), solar.region_table(*layers).set_index("key")
    for column in ("area_km2", "suitable_area_km2", "potential_twh"):
        sums = countries.groupby("region")[column].sum()
        for key in region_keys()[:-1]:
            assert regions.loc[key, column] == pytest.approx(sums[key], rel=1e-9)
        parts = regions.loc[list(region_keys()[:-1]), column].sum()
        assert regions.loc["belt_and_road", column] == pytest.approx(parts, rel=1e-9)


def test_intervals_enclose_and_pooling_narrows_them(layers):
    regions = solar.region_table(*layers)
    assert (regions["potential_low_twh"] < regions["potential_twh"]).all()
    assert (regions["potential_high_twh"] > regions["potential_twh"]).all()
    # The common GHI error alone is 10 % at one sigma, so no 95 % interval may be narrower than about 18 % either side.
    assert (regions["potential_low_twh"] < 0.83 * regions["potential_twh"]).all()


def test_musyqs_regional_mean(layers):
    # Xin et al. 2017 (doi 10.3974/geodp.2017.04.04): 6,400 MJ m-2; the common error of the source is 10 %.
    mean = solar.region_table(*layers).set_index("key").loc["belt_and_road", "mean_ghi_mj_m2"]
    assert mean == pytest.approx(6400, rel=0.10)


def test_yield_of_namibia(layers):
    # World Bank 2020: 5.38 kWh per kWp and day.
    table = solar.published_comparison(*layers).set_index("quantity")
    assert table.loc["mean yield, Namibia", "ratio"] == pytest.approx(1.0, abs=0.08)
    assert table["remark"].str.len().min() > 30
    assert len(table) == 9


def test_stations_are_those_of_the_issue(layers):
    table = solar.station_comparison(layers[0]["dsr_annual"])
    np.testing.assert_allclose(table["station_kwh_m2"], [829, 1566, 1793], atol=1)
    np.testing.assert_allclose(table["source_kwh_m2"], [933, 1754, 1786], atol=1)
    assert (abs(table["ours_error"]) < 0.2).all()


def test_threshold_slope_and_water_leave_no_land(job):
    shares, dsr = job["shares"], job["dsr"]
    low = dsr["dsr_annual"] / 3.6 <= 1400
    assert float(shares["liberal"].where(low).max()) == 0.0
    assert float(shares["moderate"].max()) <= 0.20 + 1e-6
    assert bool((shares["conservative"] <= shares["moderate"] + 1e-6).where(shares["moderate"].notnull(), True).all())
    assert float(shares["moderate"].where(shares["land_share"] == 0).max()) == 0.0


def test_potential_is_the_product_of_its_parts(job):
    potential = job["potential"]
    expected = potential["pv_yield"] * 0.0882 * potential["suitable_share"]
    np.testing.assert_allclose(potential["pv_potential"], expected, rtol=1e-4, atol=1e-6)
    assert potential["pv_potential"].where(job["shares"]["land_share"] == 0).isnull().all()


def test_layers_are_complete(job):
    potential = job["potential"]
    for variable in solar.POTENTIAL_SPEC.variables:
        data = potential[variable.name]
        assert data.dims == ("latitude", "longitude")
        assert convertible(data.attrs["units"], variable.units)
        low, high = variable.valid_range
        assert low <= float(data.min()) <= float(data.max()) <= high
        sigma = potential[variable.uncertainty_name]
        assert bool((sigma.notnull() == data.notnull()).all())
        assert float(sigma.min()) >= 0
    assert potential["pv_potential_qa"].dtype == np.uint16
    assert potential.attrs["product"] == "pv_potential"
    annual = job["dsr"]["dsr_annual"]
    assert 500 < float(annual.min()) < float(annual.max()) < 12000


def test_uncertainty_is_at_least_that_of_the_irradiance(job):
    relative = (job["potential"]["pv_yield_uncertainty"] / job["potential"]["pv_yield"]).where(
        job["potential"]["pv_yield"] > 1
    )
    assert float(relative.min()) > 0.10


def test_rows_instead_of_the_methods_density(job):
    args = {"altitude": solar.terrain_altitude(job["clear"])}
    window = {"latitude": slice(31, 30), "longitude": slice(60, 62)}
    cut = [job[k].sel(window) for k in ("dsr", "clear", "shares")]
    altitude = args["altitude"].sel(window)
    rows = solar.technical_potential(*cut, altitude=altitude, power_density="rows")
    given = solar.technical_potential(*cut, altitude=altitude, power_density=100.0)
    latitude = rows["latitude"].values
    expected = np.broadcast_to((200 * solar.ground_cover(latitude) / 100)[:, None], rows["pv_potential"].shape)
    ratio = (rows["pv_potential"] / given["pv_potential"].where(given["pv_potential"] > 0)).values
    np.testing.assert_allclose(ratio[np.isfinite(ratio)], expected[np.isfinite(ratio)], rtol=1e-5)
    with pytest.raises(InputError, match="rows"):
        solar.technical_potential(*cut, altitude=altitude, power_density="dense")


def test_a_box_cuts_countries_and_a_region_keeps_its_own(layers):
    box = solar.country_table(*layers, region="73,18,120,54").set_index("m49")
    whole = solar.country_table(*layers).set_index("m49")
    assert box.loc[156, "area_km2"] < whole.loc[156, "area_km2"]
    assert 76 not in box.index
    own = solar.country_table(*layers, region="central_asia")
    assert set(own["region"]) == {"central_asia"}
    mask = region_mask("73,18,120,54", layers[1]["pv_potential"])
    inside = float((cell_energy(layers[1]) * mask.values).sum())
    assert box["potential_twh"].sum() == pytest.approx(inside, rel=1e-3)
    with pytest.raises(NotFoundError, match="central_asia"):
        solar.country_table(*layers, region="centralasia")


def test_annual_sum_is_the_sum_of_the_months(job):
    from musyq_lab.applications.solar.constants import DAYS_OF_MONTH

    months = xr.DataArray(list(DAYS_OF_MONTH), dims="month") * 0.0864
    expected = (job["dsr"]["dsr"].astype(float) * months).sum("month")
    np.testing.assert_allclose(job["dsr"]["dsr_annual"], expected, rtol=1e-6)
