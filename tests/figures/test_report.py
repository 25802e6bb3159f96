"""A report's figures: titles, places, and code that draws each figure again from the numbers beside it."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab import figures
from musyq_lab.analysis.regions import resolve_region
from musyq_lab.core.errors import NotFoundError

LATITUDE, LONGITUDE = np.arange(49.5, 5, -1.0), np.arange(25.5, 75, 1.0)


@pytest.fixture
def field():
    values = 1500 + 10 * np.add.outer(50 - LATITUDE, LONGITUDE - 25)
    return xr.DataArray(
        values,
        {"latitude": LATITUDE, "longitude": LONGITUDE},
        ("latitude", "longitude"),
        attrs={"units": "kWh m-2 a-1"},
    )


@pytest.fixture
def report(tmp_path):
    return figures.Report(tmp_path, resolve_region("west_asia"), "2015", citation="cite me", provenance={"a": 1})


@pytest.mark.parametrize(("language", "expected"), [("en", "West Asia"), ("zh", "西亚")])
def test_title_names_theme_region_and_period(tmp_path, language, expected):
    title = figures.Report(tmp_path, resolve_region("west_asia"), "2015", language).title("dsr_annual")
    assert expected in title
    assert "2015" in title


def test_map_is_a_bundle_whose_code_draws_it_again(report, field, tmp_path):
    report.map("dsr_annual", field, classes="dsr_annual", method="made up", uncertainty=0.1 * field)
    folder = tmp_path / "dsr_annual"
    assert {p.suffix for p in folder.iterdir()} >= {".png", ".svg", ".nc", ".py", ".json", ".txt"}
    kept = xr.open_dataset(folder / "dsr_annual.nc", engine="h5netcdf")
    np.testing.assert_array_equal(kept["dsr_annual"], field)
    assert json.loads((folder / "provenance.json").read_text())
    assert "cite me" in figures.cite(folder)
    subprocess.run([sys.executable, "dsr_annual.py"], cwd=folder, check=True, timeout=120)
    assert (folder / "dsr_annual_again.png").stat().st_size > 10000


def test_bars_are_a_bundle_whose_code_draws_them_again(report, tmp_path):
    data = pd.DataFrame(
        {"name": ["A", "B"], "name_zh": ["甲", "乙"], "v": [2.0, 1.0], "l": [1.5, 0.5], "h": [3.0, 2.0]}
    )
    report.bars("countries", "pv_potential", data, ("v", "l", "h"), units="TWh a-1")
    folder = tmp_path / "countries"
    subprocess.run([sys.executable, "countries.py"], cwd=folder, check=True, timeout=120)
    assert (folder / "countries_again.png").is_file()


def test_season_is_a_bundle_whose_code_draws_it_again(report, tmp_path):
    months = range(1, 13)
    data = pd.DataFrame({"region": "A", "hemisphere": "north", "month": months, "value": [float(m) for m in months]})
    report.season("seasonal_cycle", "dsr_monthly", data, units="kWh m-2 d-1")
    folder = tmp_path / "seasonal_cycle"
    subprocess.run([sys.executable, "seasonal_cycle.py"], cwd=folder, check=True, timeout=120)
    assert (folder / "seasonal_cycle_again.png").is_file()


class TestMapRegion:
    def test_globe_is_no_region(self):
        assert figures.map_region("globe") is None

    def test_region_and_country_are_those_of_the_outlines(self):
        assert figures.map_region("west_asia") == figures.named_region("west_asia")
        assert figures.map_region("CHN").projection == "albers"

    def test_box_holds_the_land_in_it(self):
        west, south, east, north = figures.map_region("70,15,140,55").geometry.bounds
        assert (west, south, east, north) == pytest.approx((70, 15, 140, 55), abs=1.5)

    def test_box_across_the_antimeridian_has_both_sides(self):
        parts = figures.map_region("170,-50,-170,0").geometry
        assert parts.bounds[0] < -170
        assert parts.bounds[2] > 170

    def test_unknown_place_is_refused(self):
        with pytest.raises(NotFoundError):
            figures.map_region("atlantis")
