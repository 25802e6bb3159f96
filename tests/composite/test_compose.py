"""Composites in a row along time."""

from datetime import datetime

import dask
import numpy as np
import pytest
import xarray as xr
from composite.looks_at import BANDS, LEVELS, scene

from musyq_lab.composite import gapfill
from musyq_lab.composite.compose import periods, series
from musyq_lab.composite.composite import composite
from musyq_lab.core.errors import InputError
from musyq_lab.core.period import pentads
from musyq_lab.core.quality import INPUT_MISSING

SCENES = [
    scene("a", "2019-07-01T03:00:00Z", add=0.0),
    scene("b", "2019-07-03T03:00:00Z", "gf1_wfv", bands={**BANDS, "swir1": 1.6}),
    scene("c", "2019-07-16T03:00:00Z", add=0.01),
]
OVER = periods("2019-07-01", "2019-07-20")
CHOICE = {"method": "mean", "windows": (5,), "normalize": False}


def test_periods_follow_one_another_without_a_gap():
    for convention in ("year", "month"):
        found = periods("2020-01-01", "2021-01-01", convention)
        assert found == list(pentads(2020, convention))
    assert [p.label for p in OVER] == ["2019181", "2019186", "2019191", "2019196"]
    assert periods(datetime(2019, 7, 1), datetime(2019, 7, 5)) == OVER[:1]


def test_an_empty_stretch_is_refused():
    with pytest.raises(InputError, match="empty"):
        periods("2019-07-02", "2019-07-02")


def test_each_period_is_the_composite_of_its_own():
    made = series(SCENES, over=OVER, **CHOICE)
    assert made.time.values[0] == np.datetime64("2019-07-02T12:00")
    assert made.period.values.tolist() == [p.label for p in OVER]
    alone = composite(SCENES, period=OVER[3], **CHOICE)
    xr.testing.assert_equal(made.isel(time=3, drop=True).reflectance.sel(band=list(BANDS)), alone.reflectance)
    assert "lineage" not in made
    assert len(made.attrs["load_report"].splitlines()) == 2


def test_periods_without_looks_are_missing_and_can_be_filled():
    made = series(SCENES, over=OVER, **CHOICE)
    assert made.n_obs[:, 0, 0].values.tolist() == [2, 0, 0, 1]
    assert (made.composite_qa[1:3] == INPUT_MISSING.mask).all()
    assert np.isnan(made.reflectance[1:3]).all()
    assert made.n_obs.dtype == made.composite_qa.dtype == np.uint16
    filled = gapfill.fill(made.reflectance.sel(band="red"), method="linear").value
    np.testing.assert_allclose(filled[:, 0, 0], LEVELS["red"] + 0.01 * np.arange(4) / 3, atol=1e-6)


def test_bands_of_all_periods_are_there():
    made = series(SCENES, over=OVER, **CHOICE)
    assert made.band.values.tolist() == [*BANDS, "swir1"]
    assert made.wavelength.values.tolist() == [*BANDS.values(), 1.6]
    assert float(made.reflectance.sel(band="swir1")[0, 0, 0]) == pytest.approx(LEVELS["swir1"])
    assert np.isnan(made.reflectance.sel(band="swir1")[3]).all()


def test_lazy_scenes_give_a_lazy_series():
    lazy = series([s.chunk(latitude=6) for s in SCENES], over=OVER, **CHOICE)
    assert dask.is_dask_collection(lazy.reflectance.data)
    xr.testing.assert_identical(lazy.compute(), series(SCENES, over=OVER, **CHOICE))


def test_paths_are_opened_once_and_bad_ones_are_reported_by_each_period():
    opened = []

    def standardize(path):
        opened.append(path)
        if path == "bad":
            raise ValueError("damaged")
        return {"a": SCENES[0], "c": SCENES[2]}[path]

    made = series(["a", "bad", "c"], over=[OVER[0], OVER[3]], standardize=standardize, **CHOICE)
    assert [opened.count(name) for name in ("a", "c")] == [1, 1]
    assert made.n_obs[:, 0, 0].values.tolist() == [1, 1]
    assert all("damaged" in line for line in made.attrs["load_report"].splitlines())


def test_no_look_in_any_period_is_an_error():
    with pytest.raises(InputError, match="none of the 1 periods"):
        series(SCENES, over=periods("2019-08-01", "2019-08-02"), **CHOICE)
