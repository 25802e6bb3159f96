"""The scenario a report shows where nothing is asked for."""

import xarray as xr

from musyq_lab.applications import carbon


def test_the_scenario_to_show_is_the_first_that_weather_allows():
    made = xr.Dataset(coords={"scenario": ["pei2009", "raich2002", "ratio"]})
    assert carbon.scenario_of(made) == "raich2002"
    assert carbon.scenario_of(made, "ratio") == "ratio"
    assert carbon.scenario_of(made.sel(scenario=["ratio"])) == "ratio"
