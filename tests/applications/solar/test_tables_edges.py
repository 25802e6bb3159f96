"""Tables of a level world, where every number can be worked out by hand."""

import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from pyproj import Geod
from scipy.stats import lognorm

from musyq_lab.analysis.regions import region_keys, resolve_region
from musyq_lab.applications import solar
from musyq_lab.applications.solar.comparison import published_comparison, station_comparison
from musyq_lab.applications.solar.constants import constant
from musyq_lab.applications.solar.potential import KWH_PER_MJ
from musyq_lab.applications.solar.tables import COLUMNS
from musyq_lab.figures.outlines import country_outline

CHAD, NIGER, ALGERIA = 148, 562, 12
DENSITY = 20.0  # GWh km-2 a-1
GHI = 7200.0  # MJ m-2 a-1
WHOLE = (CHAD, NIGER, 120, 140)  # within the window: with Cameroon and the Central African Republic


def world(step=1.0, box=(-5, 0, 30, 40), *, sigma=0.10, moderate=0.2, low=0.2, high=0.2):
    """Return a level world: GHI, potential and shares are the same in every cell."""
    west, south, east, north = box
    axes = {
        "latitude": np.arange(north - step / 2, south, -step),
        "longitude": np.arange(west + step / 2, east, step),
    }
    shape = tuple(map(len, axes.values()))

    def level(value):
        return xr.DataArray(np.full(shape, float(value)), coords=axes, dims=("latitude", "longitude"))

    dsr = xr.Dataset({"dsr_annual": level(GHI), "dsr_annual_uncertainty": level(sigma * GHI)})
    potential = xr.Dataset({"pv_potential": level(DENSITY), "pv_yield": level(1800.0)})
    shares = xr.Dataset(
        {
            "conservative": level(low), "moderate": level(moderate), "liberal": level(high),
            "slope_share": level(1.0), "slope_share_uncertainty": level(0.0), "land_share": level(1.0),
        }
    )  # fmt: skip
    return dsr, potential, shares


def relative_sigma():
    """Work out the common relative error from the rows of the table."""
    kelvin = np.hypot(constant("air_temperature_profile_sigma").value, constant("air_temperature_excess").sigma)
    efficiency = constant("module_efficiency")
    parts = [
        constant("ghi_common_relative_sigma").value, constant("yield_model_relative_sigma").value, 0.004 * kelvin,
        efficiency.sigma / efficiency.value, constant("packing_relative_sigma").value,
    ]  # fmt: skip
    return float(np.sqrt(np.sum(np.square(parts))))


def by_country(layers, **options):
    return solar.country_table(*layers, **options).set_index("m49")


@pytest.fixture(scope="module")
def table():
    return by_country(world())


class TestCountries:
    def test_columns(self, table):
        assert list(table.columns) == ["iso3", "name", "name_zh", "region", *COLUMNS]

    @pytest.mark.parametrize("code", WHOLE)
    def test_areas_are_geodesic(self, table, code):
        shape = country_outline(code).geometry
        area, _ = Geod(ellps="WGS84").geometry_area_perimeter(shapely.segmentize(shape, 0.1))
        assert table.loc[code, "area_km2"] == pytest.approx(abs(area) / 1e6, rel=5e-4)

    def test_area_of_chad_is_that_of_the_yearbook(self, table):
        # UN Statistics Division, Demographic Yearbook: 1,284,000 km2.
        assert table.loc[CHAD, "area_km2"] == pytest.approx(1_284_000, rel=0.02)

    @pytest.mark.parametrize("code", [CHAD, NIGER])
    def test_potential_is_density_times_area(self, table, code):
        row = table.loc[code]
        assert row["potential_twh"] == pytest.approx(DENSITY * row["area_km2"] * 1e-3, rel=1e-6)
        assert row["suitable_area_km2"] == pytest.approx(0.2 * row["area_km2"], rel=1e-6)

    def test_means_of_a_level_field_are_its_level_in_both_units(self, table):
        np.testing.assert_allclose(table["mean_ghi_mj_m2"], GHI)
        np.testing.assert_allclose(table["mean_ghi_kwh_m2"], GHI / 3.6)
        assert pytest.approx(1 / 3.6) == KWH_PER_MJ

    def test_order_is_by_falling_potential(self, table):
        assert (np.diff(table["potential_twh"]) <= 0).all()

    def test_countries_outside_the_window_have_no_row(self, table):
        assert 156 not in table.index
        assert (table["area_km2"] > 0).all()

    def test_a_region_keeps_its_own(self):
        layers = world()
        own = solar.country_table(*layers, region="north_africa")
        assert set(own["region"]) == {"north_africa"}
        assert own.attrs["remainder_twh"] == 0.0

    def test_two_halves_of_a_box_make_the_whole(self):
        layers = world()
        whole, west, east = (by_country(layers, region=box) for box in ("5,12,25,22", "5,12,15,22", "15,12,25,22"))
        for code in (CHAD, NIGER):
            halves = sum(part["potential_twh"].get(code, 0.0) for part in (west, east))
            assert halves == pytest.approx(whole.loc[code, "potential_twh"], rel=1e-6)

    def test_twice_the_density_is_twice_the_potential_and_its_interval(self):
        dsr, potential, shares = world()
        twice = by_country((dsr, potential.assign(pv_potential=2 * potential["pv_potential"]), shares))
        once = by_country((dsr, potential, shares))
        for name in COLUMNS[-3:]:
            np.testing.assert_allclose(twice[name], 2 * once[name].reindex(twice.index), rtol=1e-9)

    def test_a_finer_grid_gives_the_same_potential_inland(self, table):
        fine = by_country(world(0.5, (12, 6, 26, 25)))
        assert fine.loc[CHAD, "potential_twh"] == pytest.approx(table.loc[CHAD, "potential_twh"], rel=1e-3)

    def test_cells_without_data_count_as_nothing(self):
        dsr, potential, shares = world()
        potential["pv_potential"] = potential["pv_potential"].where(potential["latitude"] > 15)
        cut = by_country((dsr, potential, shares))
        north = by_country((dsr, potential, shares), region="-5,15,30,40")
        assert cut.loc[CHAD, "potential_twh"] == pytest.approx(north.loc[CHAD, "potential_twh"], rel=1e-9)

    def test_no_potential_at_all(self):
        dsr, potential, shares = world(moderate=0.0, low=0.0, high=0.0)
        nothing = by_country((dsr, potential.assign(pv_potential=0 * potential["pv_potential"]), shares))
        assert (nothing[["suitable_area_km2", *COLUMNS[-3:]]] == 0.0).all(axis=None)


class TestInterval:
    def test_without_scenarios_it_is_lognormal(self, table):
        width = np.sqrt(np.log1p(relative_sigma() ** 2))
        low, high = lognorm.ppf([0.025, 0.975], s=width)
        row = table.loc[CHAD]
        assert row["potential_low_twh"] / row["potential_twh"] == pytest.approx(low, rel=1e-5)
        assert row["potential_high_twh"] / row["potential_twh"] == pytest.approx(high, rel=1e-5)

    def test_a_scenario_widens_its_own_side(self, table):
        row = by_country(world(low=0.1)).loc[CHAD]
        base = table.loc[CHAD]
        below = base["potential_twh"] - base["potential_low_twh"]
        expected = base["potential_twh"] - np.hypot(below, 0.5 * base["potential_twh"])
        assert row["potential_low_twh"] == pytest.approx(max(expected, 0.0), rel=1e-6)
        assert row["potential_high_twh"] == pytest.approx(base["potential_high_twh"], rel=1e-9)

    def test_the_liberal_reading_widens_the_upper_side(self, table):
        row, base = by_country(world(high=0.3)).loc[CHAD], table.loc[CHAD]
        above = base["potential_high_twh"] - base["potential_twh"]
        assert row["potential_high_twh"] == pytest.approx(
            base["potential_twh"] + np.hypot(above, 0.5 * base["potential_twh"]), rel=1e-6
        )

    def test_it_never_falls_below_zero(self):
        rows = by_country(world(low=0.0))
        assert (rows["potential_low_twh"] >= 0).all()

    def test_errors_of_cells_shrink_in_a_larger_country(self):
        rows = by_country(world(sigma=0.5))
        width = (rows["potential_high_twh"] - rows["potential_low_twh"]) / rows["potential_twh"]
        small = rows[rows["area_km2"] < 30_000]
        assert len(small)
        assert width[ALGERIA] < width[small.index[-1]]

    def test_land_that_only_the_liberal_reading_opens_counts_with_the_mean_density(self):
        dsr, potential, shares = world(high=0.2)
        south = potential["latitude"] < 15
        potential["pv_potential"] = potential["pv_potential"].where(~south, 0.0)
        for name in ("conservative", "moderate"):
            shares[name] = shares[name].where(~south, 0.0)
        row = by_country((dsr, potential, shares)).loc[CHAD]
        whole = by_country(world()).loc[CHAD]
        # Liberal: all of Chad at 0.2, of which the north is known and the south has the density of the north.
        width = np.sqrt(np.log1p(relative_sigma() ** 2))
        above = row["potential_twh"] * (lognorm.ppf(0.975, s=width) - 1)
        more = whole["potential_twh"] - row["potential_twh"]
        assert row["potential_high_twh"] == pytest.approx(row["potential_twh"] + np.hypot(above, more), rel=1e-5)


@pytest.fixture(scope="module")
def layers():
    return world(2.0, (-180, -90, 180, 90))


@pytest.fixture(scope="module")
def regions(layers):
    return solar.region_table(*layers)


@pytest.fixture(scope="module")
def stations():
    return station_comparison()


class TestGlobe:
    def test_one_row_a_region_in_the_order_of_the_catalog(self, regions):
        assert regions["key"].tolist() == list(region_keys())
        assert regions["name"].tolist() == [resolve_region(key).name for key in region_keys()]

    def test_the_union_is_the_sum_of_its_parts(self, regions):
        rows = regions.set_index("key")
        parts = rows.drop(index="belt_and_road")
        for name in ("area_km2", "suitable_area_km2", "potential_twh"):
            assert parts[name].sum() == pytest.approx(rows.loc["belt_and_road", name], rel=1e-6)

    def test_remainder_and_countries_are_everything(self, layers):
        countries = solar.country_table(*layers)
        # The authalic sphere: 510.0656 million km2 on WGS 84.
        whole = 510.0656e6 * DENSITY * 1e-3
        total = countries["potential_twh"].sum() + countries.attrs["remainder_twh"]
        assert total == pytest.approx(whole, rel=1e-5)

    def test_published_numbers_beside_a_level_world(self, layers):
        shown = published_comparison(*layers).set_index("quantity")
        rows = shown[~shown.index.str.contains("GHI, .*TMY")]
        assert rows.loc["lowest annual GHI, Belt and Road", "ours"] == pytest.approx(GHI)
        assert rows.loc["highest annual GHI, Belt and Road", "ours"] == pytest.approx(GHI)
        assert rows.loc["mean annual GHI, Belt and Road", "ratio"] == pytest.approx(GHI / 6400.0)
        for land in ("Namibia", "China"):
            assert rows.loc[f"mean yield, {land}", "ours"] == pytest.approx(1800.0 / 365.2425)
        np.testing.assert_allclose(shown["ratio"], shown["ours"] / shown["published"])
        assert (shown["source"].str.len() > 5).all()
        assert (shown["remark"].str.len() > 20).all()

    def test_stations_of_a_level_world_are_the_level(self, layers):
        stations = station_comparison(layers[0]["dsr_annual"])
        np.testing.assert_allclose(stations["ours_kwh_m2"], GHI / 3.6)
        np.testing.assert_allclose(stations["ours_error"], GHI / 3.6 / stations["station_kwh_m2"] - 1)


class TestStations:
    def test_sums_equal_those_read_without_pvlib(self, stations):
        from pathlib import Path

        import pvlib

        folder = Path(pvlib.__file__).parent / "data"
        sums = [
            pd.read_csv(folder / name, skiprows=1)["GHI (W/m^2)"].sum() / 1000
            for name in ("703165TY.csv", "723170TYA.CSV")
        ]
        # TMY2 manual, table 3-2: global horizontal radiation in columns 18 to 21.
        lines = (folder / "12839.tm2").read_text(encoding="ascii", errors="replace").splitlines()[1:]
        sums.append(sum(int(line[17:21]) for line in lines if len(line) > 100) / 1000)
        np.testing.assert_allclose(stations["station_kwh_m2"], sums, rtol=1e-9)

    def test_errors_and_their_root_mean_square(self, stations):
        error = stations["source_kwh_m2"] / stations["station_kwh_m2"] - 1
        np.testing.assert_allclose(stations["source_error"], error)
        assert stations.attrs["relative_sigma"] == pytest.approx(float(np.linalg.norm(error) / np.sqrt(3)))

    def test_our_numbers_only_where_the_field_reaches(self):
        africa = station_comparison(world()[0]["dsr_annual"])
        assert "ours_kwh_m2" not in africa
        carolina = station_comparison(world(1.0, (-85, 30, -75, 40))[0]["dsr_annual"])
        assert carolina["ours_kwh_m2"].notna().sum() == 1
        assert 30 < float(carolina.loc[carolina["ours_kwh_m2"].notna(), "latitude"].iloc[0]) < 40
