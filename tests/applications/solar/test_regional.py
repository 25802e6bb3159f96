"""Regional means: constants stay constants, hemispheres are told, and our field keeps what its source says."""

import numpy as np
import pytest
import xarray as xr

from musyq_lab.analysis.regions import resolve_region
from musyq_lab.applications import solar
from musyq_lab.core.grid import GeoGrid

GRID = GeoGrid("coarse", 1)


def flat(value, sigma=0.0):
    """Return a Dataset with the same irradiance everywhere and in every month."""
    axes = {"month": np.arange(1, 13), "latitude": GRID.latitude, "longitude": GRID.longitude}
    shape = tuple(len(axis) for axis in axes.values())
    layers = {"dsr": value, "dsr_uncertainty": sigma}
    return xr.Dataset({name: (tuple(axes), np.full(shape, number)) for name, number in layers.items()}, axes)


class TestSeasonalCycle:
    def test_a_constant_field_gives_its_constant_in_every_region(self):
        table = solar.seasonal_cycle(
            flat(250.0, 10.0), [resolve_region(key) for key in ("west_asia", "russia", "oceania")]
        )
        np.testing.assert_allclose(table["value"], 6.0, rtol=1e-9)  # 250 W for 24 h are 6 kWh
        np.testing.assert_allclose(table["high"] - table["low"], 2 * 1.96 * 0.24, rtol=1e-9)

    @pytest.mark.parametrize(
        ("key", "hemisphere"),
        [("russia", "north"), ("AUS", "south"), ("south_africa", "both"), ("southeast_asia", "both")],
    )
    def test_hemisphere_is_that_of_most_of_the_land(self, key, hemisphere):
        assert set(solar.seasonal_cycle(flat(200.0), [resolve_region(key)])["hemisphere"]) == {hemisphere}

    def test_names_are_in_the_language(self):
        place = resolve_region("west_asia")
        assert set(solar.seasonal_cycle(flat(1.0), [place], "zh")["region"]) == {"西亚"}
        assert set(solar.seasonal_cycle(flat(1.0), [place])["region"]) == {"West Asia"}

    def test_only_the_region_counts(self):
        data = flat(100.0)
        data["dsr"] = data["dsr"].where(data["latitude"] > 0, 300.0)
        table = solar.seasonal_cycle(data, [resolve_region("russia"), resolve_region("AUS")]).groupby("region")["value"]
        np.testing.assert_allclose(table.mean()["Russia"], 2.4)
        np.testing.assert_allclose(table.mean()["Australia"], 7.2)

    def test_the_ribbon_does_not_go_below_zero(self):
        assert (solar.seasonal_cycle(flat(1.0, 5.0), [resolve_region("CHN")])["low"] == 0.0).all()


class TestSourceComparison:
    def test_the_source_itself_differs_only_by_its_grid(self):
        from musyq_lab.standard.regrid import regrid

        source = regrid(solar.ghi_climatology()["ghi"], GRID, "nearest")
        annual = (source.astype(float) * 31557600e-6 / 12).sum("month", min_count=12)
        table = solar.source_comparison(annual.to_dataset(name="dsr_annual"))
        assert len(table) == 11
        # Months of equal length here, true lengths there.
        assert table["relative_difference"].abs().max() < 0.01

    def test_a_drift_shows(self):
        from musyq_lab.standard.regrid import regrid

        source = regrid(solar.ghi_climatology()["ghi"], GRID, "nearest")
        annual = 1.05 * (source.astype(float) * 31557600e-6 / 12).sum("month", min_count=12)
        table = solar.source_comparison(annual.to_dataset(name="dsr_annual"), [resolve_region("west_asia")])
        assert table["relative_difference"].item() == pytest.approx(0.05, abs=0.01)


def test_summary_holds_every_region_and_remark():
    import pandas as pd

    numbers = ("mean_ghi_mj_m2", "mean_ghi_kwh_m2", "suitable_area_km2", "potential_twh", "potential_low_twh")
    regions = pd.DataFrame(
        {"name": ["A", "B"], **{n: [1.0, 2.0] for n in numbers}, "potential_high_twh": [12345.0, 3.0]}
    )
    row = {
        "quantity": "q",
        "units": "PWh a-1",
        "published": 448.9,
        "ours": 500.0,
        "source": "doi:x",
        "remark": "because " * 30,
    }
    text = solar.summary_text(regions, pd.DataFrame([row]), resolve_region("west_asia"), "2015")
    assert text.startswith("Solar potential, West Asia, 2015")
    assert "1 to 12,345" in text
    assert "published 448.9, here 500 PWh a-1 (doi:x)" in text
    assert text.count("because") == 30
