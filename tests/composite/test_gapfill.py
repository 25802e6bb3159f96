"""Gap filling: identities, every method through one door, climatology, bits, laziness."""

import dask
import numpy as np
import pytest
import xarray as xr

from musyq_lab.composite import gapfill
from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import GAP_FILLED, INPUT_MISSING, explain
from musyq_lab.kernels import smooth

METHODS = {
    "whittaker": {"lam": 50.0},
    "savitzky_golay": {"half_width": 60.0},
    "hants": {"harmonics": 2, "damping": 0.0, "tolerance": 0.3},
    "linear": {},
}
SLOW_HANTS = [pytest.param(name, marks=pytest.mark.slow) if name == "hants" else name for name in METHODS]
"""Harmonics take ten seconds to compile."""


def days(count: int, step: int = 5) -> np.ndarray:
    """Dates from the first days of 2019."""
    return np.datetime64("2019-01-03", "ns") + np.timedelta64(step, "D") * np.arange(count)


def cube(count: int = 73, gaps: float = 0.3, seed: int = 1) -> xr.DataArray:
    """Yearly courses with noise and gaps, dims (time, y, x)."""
    draw = np.random.Generator(np.random.Philox(seed))
    turn = np.arange(count) / 73 * 2 * np.pi
    values = 0.5 + 0.3 * np.sin(turn[:, None, None] + draw.uniform(0, 3, (4, 5)))
    values = values + 0.02 * draw.standard_normal(values.shape)
    values[draw.random(values.shape) < gaps] = np.nan
    attrs = {"units": "1", "long_name": "vegetation index", "history": "made"}
    return xr.DataArray(values, {"time": days(count)}, ("time", "y", "x"), name="ndvi", attrs=attrs)


def has(found: xr.Dataset, flag) -> np.ndarray:
    """Where a bit is set."""
    return (found.qa.values & flag.mask) > 0


@pytest.mark.parametrize("method", SLOW_HANTS)
def test_constants_stay_constant(method):
    series = cube().where(lambda x: x.isnull(), 0.37)
    found = gapfill.fill(series, method=method, **METHODS[method])
    np.testing.assert_allclose(found.value, 0.37, atol=1e-9)


@pytest.mark.parametrize("method", ["whittaker", "savitzky_golay", "linear"])
def test_trends_are_kept_on_uneven_dates(method):
    at = np.datetime64("2020-01-01", "ns") + np.cumsum([3, 5, 1, 9, 16, 2, 7, 7, 4, 11]).astype("timedelta64[D]")
    trend = 0.2 + 0.004 * (at - at[0]) / np.timedelta64(1, "D")
    series = xr.DataArray(np.where(np.arange(10) % 4 == 2, np.nan, trend), {"time": at})
    found = gapfill.fill(series, method=method, **METHODS[method])
    np.testing.assert_allclose(found.value, trend, atol=1e-9)


@pytest.mark.parametrize("method", SLOW_HANTS)
def test_methods_are_those_of_the_kernels(method):
    series = cube()
    found = gapfill.fill(series, method=method, **METHODS[method])
    offsets = 5.0 * np.arange(73)
    if method == "linear":
        expected = smooth.lines(series.values, offsets)
    else:
        options = {**({"period": 365.25} if method == "hants" else {}), **METHODS[method]}
        expected = getattr(smooth, method)(series.values, offsets, **options)
    np.testing.assert_array_equal(found.value, expected.value)
    np.testing.assert_array_equal(found.uncertainty, expected.error)


def test_attributes_names_and_dims_follow_the_series():
    series = cube().transpose("y", "time", "x")
    found = gapfill.fill(series, lam=50.0)
    assert found.value.dims == found.uncertainty.dims == found.qa.dims == ("y", "time", "x")
    assert found.value.attrs == series.attrs
    assert found.uncertainty.attrs["units"] == "1"
    assert found.attrs["history"].startswith("made\ngapfill.fill(lam=50.0, ")
    assert found.qa.dtype == np.uint16
    np.testing.assert_array_equal(found.time, series.time)


def test_bits_say_what_was_done():
    series = cube()
    found = gapfill.fill(series, lam=50.0)
    empty = series.isnull().values
    np.testing.assert_array_equal(has(found, GAP_FILLED), empty)
    np.testing.assert_array_equal(has(found, gapfill.BY_CURVE), empty)
    np.testing.assert_array_equal(has(found, gapfill.SMOOTHED), ~empty)
    assert not has(found, INPUT_MISSING).any()
    assert explain(int(found.qa.values[empty][0]), gapfill.FLAGS)[-1].startswith("the gap was filled from the curve")
    line = gapfill.fill(series, method="linear")
    np.testing.assert_array_equal(has(line, gapfill.BY_LINE), empty)
    assert not has(line, gapfill.SMOOTHED).any()


def test_observed_values_are_kept_when_asked():
    series = cube()
    found = gapfill.fill(series, lam=50.0, keep=True)
    known = series.notnull().values
    np.testing.assert_array_equal(found.value.values[known], series.values[known])
    assert not has(found, gapfill.SMOOTHED).any()
    curve = gapfill.fill(series, lam=50.0)
    np.testing.assert_array_equal(found.value.values[~known], curve.value.values[~known])


def test_long_gaps_stay_empty_and_say_so():
    series = cube(gaps=0.0)
    series[20:30] = np.nan  # from value to value 11 steps, 55 days
    series[40:43] = np.nan  # 20 days
    series[71:] = np.nan  # 10 days to the end
    found = gapfill.fill(series, lam=50.0, max_gap=54.0)
    assert found.value[20:30].isnull().all()
    assert found.uncertainty[20:30].isnull().all()
    assert has(found, gapfill.TOO_LONG)[20:30].all()
    assert has(found, INPUT_MISSING)[20:30].all()
    assert found.value[np.r_[:20, 30:73]].notnull().all()
    assert not has(found, gapfill.TOO_LONG)[np.r_[:20, 30:73]].any()
    assert gapfill.fill(series, lam=50.0, max_gap=55.0).value.notnull().all()
    assert gapfill.fill(series, lam=50.0, max_gap=9.0).value[71:].isnull().all()


def test_long_gaps_take_the_climatology_shifted_to_their_edges():
    turn = np.arange(73) / 73 * 2 * np.pi
    usual = xr.DataArray(0.5 + 0.2 * np.sin(turn), {"time": days(73)})
    series = usual + 0.1 + 0.001 * np.arange(73)  # this year is greener, and more so every day
    truth = series.copy()
    series[25:45] = np.nan
    series[70:] = np.nan
    found = gapfill.fill(series, method="linear", climatology=usual, max_gap=12.0)
    np.testing.assert_allclose(found.value[:70], truth[:70], atol=1e-12)
    held = usual[70:] + float(truth[69] - usual[69])
    np.testing.assert_allclose(found.value[70:], held, atol=1e-12)
    filled = np.r_[25:45, 70:73]
    assert has(found, gapfill.BY_CLIMATOLOGY)[filled].all()
    assert has(found, gapfill.TOO_LONG)[filled].all()
    assert has(found, GAP_FILLED)[filled].all()
    assert not has(found, INPUT_MISSING).any()
    anomaly = (series - usual).values
    np.testing.assert_allclose(found.uncertainty[filled], np.nanstd(anomaly, ddof=1))


def test_climatology_meets_the_curve_without_a_step():
    turn = np.arange(146) / 73 * 2 * np.pi
    usual = xr.DataArray(0.3 + 0.2 * np.sin(turn), {"time": days(146)})
    series = usual * 1.4 + 0.01 * np.random.Generator(np.random.Philox(5)).standard_normal(146)
    series[60:90] = np.nan
    found = gapfill.fill(series, lam=5.0, climatology=usual, max_gap=30.0).value
    assert np.abs(np.diff(found)).max() < 0.04  # the course itself changes by 0.024 in a step
    assert np.abs(found - usual * 1.4).max() < 0.09


def test_climatology_by_day_of_year():
    year = xr.DataArray(np.arange(1.0, 367.0), {"dayofyear": np.arange(1, 367)}, ("dayofyear",)) / 366
    series = xr.full_like(cube(), np.nan)
    found = gapfill.fill(series, climatology=year, lam=1.0)
    np.testing.assert_allclose(found.value[:, 2, 3], series.time.dt.dayofyear / 366)
    assert has(found, gapfill.BY_CLIMATOLOGY).all()
    assert found.uncertainty.isnull().all()


@pytest.mark.parametrize("method", SLOW_HANTS)
def test_series_without_values_stay_empty(method):
    series = cube()
    series[:, 1, 2] = np.nan
    found = gapfill.fill(series, method=method, **METHODS[method])
    assert found.value[:, 1, 2].isnull().all()
    assert has(found, INPUT_MISSING)[:, 1, 2].all()
    assert found.value[:, 0, 0].notnull().all()


@pytest.mark.parametrize("count", [1, 2])
def test_series_shorter_than_the_order(count):
    found = gapfill.fill(cube(count, gaps=0.0), lam=1.0)
    assert found.value.isnull().all()
    assert has(found, INPUT_MISSING).all()
    kept = gapfill.fill(cube(count, gaps=0.0), lam=1.0, keep=True)
    assert kept.value.notnull().all()


def test_weights_move_the_curve_and_zero_is_a_gap():
    series = cube(gaps=0.0)
    weights = xr.where(series.time.dt.dayofyear < 100, 0.0, 1.0)
    found = gapfill.fill(series, weights=weights, lam=50.0)
    hidden = gapfill.fill(series.where(weights > 0), lam=50.0)
    np.testing.assert_array_equal(found.value, hidden.value)
    np.testing.assert_array_equal(
        has(found, GAP_FILLED), np.broadcast_to((weights == 0).values[:, None, None], series.shape)
    )
    down = series.copy()
    down[36] = 0.0
    trusted = xr.where(series.time == series.time[36], 1e-3, 1.0)
    miss = [np.abs(gapfill.fill(down, weights=w, lam=50.0).value[36] - series[36]).mean() for w in (None, trusted)]
    assert miss[1] < 0.4 * miss[0]  # what is left is the noise of the value itself


def test_filled_values_are_near_the_truth_and_within_their_uncertainty():
    truth = cube(146, gaps=0.0)
    draw = np.random.Generator(np.random.Philox(9))
    clean = 0.5 + 0.3 * np.sin(np.arange(146) / 73 * 2 * np.pi)
    series = xr.full_like(truth, 0.0) + xr.DataArray(clean, dims="time")
    series = (series + 0.03 * draw.standard_normal(series.shape)).where(draw.random(series.shape) > 0.4)
    found = gapfill.fill(series)
    miss = np.abs(found.value - xr.DataArray(clean, dims="time")).values[5:-5]
    assert miss.mean() < 0.015
    assert 0.5 < (miss < found.uncertainty.values[5:-5]).mean() < 0.85


def test_the_smoothest_curve_that_is_tried_keeps_the_wave_of_two_crops():
    lam = tried(146)[-1]
    wave = np.sin(2 * np.pi * 5.0 * np.arange(146) / (365.25 / 2))
    curve = smooth.whittaker(wave, lam=lam).value
    np.testing.assert_allclose(curve[36:-36], gapfill.KEPT * wave[36:-36], atol=0.01)


def tried(count: int, step: int = 5, **options) -> tuple[float, ...]:
    """Lambdas that the V-curve chooses from."""
    series = xr.DataArray(np.zeros(count), {"time": days(count, step)})
    return gapfill._tried(series, "whittaker", options, step * np.arange(float(count)), "time").get("lambdas", ())


def test_lambdas_follow_the_step_of_the_calendar():
    assert tried(90, 1)[-1] == pytest.approx(5.0**4 * tried(90, 5)[-1])
    assert tried(90, 10, order=3)[-1] == pytest.approx(2.0**-6 * tried(90, 5, order=3)[-1])
    assert len(tried(40, 60)) >= 3
    assert tried(90, lam=3.0) == tried(90, lambdas=(1.0, 2.0, 4.0)) == tried(1) == ()


def test_double_seasons_survive_the_choice_of_lambda():
    day = 5.0 * np.arange(146)[:, None] % 365.0
    draw = np.random.Generator(np.random.Philox(12))
    first, second = draw.uniform(70, 120, 60), draw.uniform(190, 210, 60)
    truth = sum(0.4 / ((1 + np.exp((up - day) / 6)) * (1 + np.exp((day - up - 70) / 6))) for up in (first, second))
    series = xr.DataArray(truth + 0.02 * draw.standard_normal(truth.shape), {"time": days(146)}, ("time", "p"))
    series = series.where(draw.random(truth.shape) > 0.3)

    def miss(found):
        return float(np.sqrt(((found.value - truth) ** 2).mean()))

    best = min(miss(gapfill.fill(series, lam=lam)) for lam in (1.0, 3.0, 10.0))
    assert miss(gapfill.fill(series)) < 1.3 * best
    wide = gapfill.fill(series, lambdas=10.0 ** np.arange(-1.0, 6.26, 0.25))
    assert miss(wide) > 1.3 * miss(gapfill.fill(series))


def no_work(*_arguments, **_options):
    """A scheduler that refuses."""
    raise AssertionError("computed while the graph was built")


@pytest.mark.parametrize("chunks", [{"y": 1, "x": 5}, {"y": 4, "x": 2}, {"time": 10, "y": 3, "x": 3}])
def test_lazy_in_any_chunks_gives_the_same_bits(chunks):
    series = cube().astype(np.float64)
    options = {"lam": "v_curve", "envelope": 0.8, "max_gap": 20.0}
    weights = xr.DataArray(np.linspace(0.5, 1.0, 73), {"time": series.time})
    usual = series.mean(("y", "x"))
    whole = gapfill.fill(series, weights=weights, climatology=usual, **options)
    with dask.config.set(scheduler=no_work):
        lazy = gapfill.fill(series.chunk(chunks), weights=weights, climatology=usual, **options)
    assert all(lazy[name].chunks for name in lazy)
    for threads in (1, 2, 4):
        xr.testing.assert_identical(lazy.compute(scheduler="threads", num_workers=threads), whole)


def test_integers_and_numbers_as_axes():
    series = xr.DataArray([0.1, np.nan, 0.3], {"step": [0, 1, 2]}, ("step",))
    found = gapfill.fill(series, method="linear", dim="step")
    np.testing.assert_allclose(found.value, [0.1, 0.2, 0.3])
    bare = xr.DataArray([0.1, np.nan, 0.3], dims="t")
    np.testing.assert_allclose(gapfill.fill(bare, method="linear", dim="t").value, [0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: gapfill.fill(s, method="witaker"), "whittaker"),
        (lambda s: gapfill.fill(s, method="linear", lam=3.0), "no option 'lam'"),
        (lambda s: gapfill.fill(s, dim="date"), "Name it: dim="),
        (lambda s: gapfill.fill(s.fillna(0).astype(int)), "no NaN"),
        (lambda s: gapfill.fill(s.isel(time=[0, 2, 1])), "sortby"),
        (lambda s: gapfill.fill(s.isel(time=[0, 0, 1])), "only once"),
        (lambda s: gapfill.fill(s.assign_coords(time=list(map(str, range(73))))), "datetime64"),
        (lambda s: gapfill.fill(s, max_gap=0.0), "max_gap"),
        (lambda s: gapfill.fill(s, lam=-3.0), "above 0"),
        (lambda s: gapfill.fill(s, weights=s.isel(x=slice(2))), "weights has 2 along 'x'"),
        (lambda s: gapfill.fill(s, weights=s.expand_dims(band=2)), "'band'"),
        (lambda s: gapfill.fill(s, climatology=s.mean("time")), "neither"),
        (lambda s: gapfill.fill(s, climatology=xr.DataArray([1.0], {"dayofyear": [1]}, ("dayofyear",))), "day 3"),
    ],
)
def test_faults_are_named(change, words):
    with pytest.raises(InputError, match=words):
        change(cube())
