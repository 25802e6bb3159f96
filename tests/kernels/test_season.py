"""Seasons: published dates, planted seasons found again, and the kernels beside SciPy and loops."""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import least_squares

from musyq_lab.kernels import season, smooth
from musyq_lab.kernels._season_dates import of_curve, of_fit
from musyq_lab.kernels._season_fit import SIZE
from musyq_lab.kernels._season_fit import fit as fit_kernel
from musyq_lab.kernels._season_window import window
from musyq_lab.kernels._smooth_whittaker import whittaker_kernel

P = np.array([0.15, 0.7, 120.0, np.log(0.08), 280.0, np.log(0.06)])


def logistic(t, p=P):
    """Beck et al. 2006, equation 3."""
    rise = 1 / (1 + np.exp(-np.exp(p[3]) * (t - p[2])))
    return p[0] + p[1] * (rise + 1 / (1 + np.exp(np.exp(p[5]) * (t - p[4]))) - 1)


@pytest.fixture(autouse=True)
def in_python(monkeypatch):
    """Seasons in Python: the five kernels would take some twenty seconds to compile."""
    for name, kernel in (("_fit", fit_kernel), ("window", window), ("of_fit", of_fit), ("of_curve", of_curve)):
        monkeypatch.setattr(season, name, kernel.python)
    monkeypatch.setattr(smooth, "whittaker_kernel", lambda order, spread: whittaker_kernel(order, spread).python)


def rows(name):
    with (Path(__file__).parents[1] / "reference" / f"{name}.csv").open() as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@pytest.mark.parametrize("row", rows("phenology"), ids=lambda r: f"{r['definition']} {r['share']}")
def test_published_definitions(row):
    made = season.dates(P, 1.0, 366.0, definition=row["definition"], share=float(row["share"]))
    for name in ("start", "full", "decline", "end"):
        if row[name]:
            assert float(getattr(made, name)) == pytest.approx(float(row[name]), abs=float(row["tolerance"])), name
        else:
            assert np.isnan(getattr(made, name))
    assert float(made.peak) == pytest.approx(190.64, abs=0.1)
    assert float(made.top) == pytest.approx(0.844279, abs=1e-5)


def test_bends_of_a_lone_logistic_are_those_of_the_textbook():
    p = np.array([0.0, 0.01, 100.0, np.log(0.1), 5000.0, np.log(0.1)])
    made = season.dates(p, 0.0, 300.0, definition="curvature")
    reach = np.log(5 + 2 * np.sqrt(6)) / 0.1
    assert float(made.start) == pytest.approx(100 - reach, abs=0.05)
    assert float(made.full) == pytest.approx(100 + reach, abs=0.05)


def test_area_is_the_integral():
    made = season.dates(P, 1.0, 366.0, share=0.3)
    t = np.linspace(float(made.start), float(made.end), 20001)
    assert float(made.area) == pytest.approx(np.trapezoid(logistic(t), t), rel=1e-4)


@pytest.mark.parametrize("definition", ["threshold", "derivative", "gu"])
def test_any_curve_gives_the_dates_of_its_formula(definition):
    t = np.arange(0.0, 367.0, 1.0)
    curve = season.Curve(t, logistic(t)[None], np.zeros(1), np.full(1, 366.0), np.zeros(1))
    nan = np.full((1, 1), np.nan)
    where = season.Windows(np.full((1, 1), 1.0), nan, np.full((1, 1), 366.0), *[nan] * 8)
    made = season.curve_dates(curve, where, definition=definition)
    formula = season.dates(P, 1.0, 366.0, definition=definition)
    for name in ("peak", "start", "end", "area"):
        assert float(getattr(made, name)[0, 0]) == pytest.approx(float(getattr(formula, name)), abs=0.15), name


def test_a_curve_has_no_logistic_dates():
    with pytest.raises(ValueError, match="no dates by 'curvature'"):
        season.curve_dates(None, None, definition="curvature")


def three_years(shifts, step=16.0, noise=0.0, gaps=0.0, seed=3):
    """Seasons of three years, shape (series, time); the first 1 January is day 0."""
    t = np.arange(0.0, 3 * 365.25, step)
    y = np.stack([logistic((t - s) % 365.25) for s in shifts])
    draw = np.random.Generator(np.random.Philox(seed))
    y += noise * draw.standard_normal(y.shape)
    y[draw.random(y.shape) < gaps] = np.nan
    return t, y


BEGINS = np.array([0.0, 365.0, 730.0])
ENDS = BEGINS + 364.0


def fitted(t, y, **options):
    curve = season.curve(y, t)
    where = season.windows(curve, BEGINS, ENDS)
    return curve, where, season.fit(y, t, where, curve.noise, **options)


def test_planted_parameters_come_back():
    t, y = three_years([0.0])
    curve, where, made = fitted(t, y)
    assert where.peaks[0].tolist() == [1, 1, 1]
    p = made.parameters[0, 1]
    np.testing.assert_allclose(p[:2], P[:2], atol=2e-3)
    np.testing.assert_allclose([p[2] - 365.25, p[4] - 365.25], [120.0, 280.0], atol=0.2)
    np.testing.assert_allclose(np.exp(p[[3, 5]]), [0.08, 0.06], rtol=0.03)
    assert curve.noise[0] < 0.03


def test_a_season_across_the_year_end_belongs_to_the_year_of_its_peak():
    t, y = three_years([-190.0])  # peaks on the first days of each year
    _, where, made = fitted(t, y)
    found = season.dates(made.parameters, where.left, where.right)
    assert found.start[0, 1] < BEGINS[1] < found.peak[0, 1] < found.end[0, 1]
    assert found.end[0, 1] - found.start[0, 1] == pytest.approx(160.3, abs=1.0)


def test_fit_is_the_least_squares_of_scipy():
    t, y = three_years([0.0], noise=0.03, gaps=0.3)
    curve, where, made = fitted(t, y)
    left, right = where.left[0, 1], where.right[0, 1]
    used = (t >= left) & (t <= right) & np.isfinite(y[0])
    prior = curve.noise[0] / 0.7

    def rest(p):
        return np.concatenate([logistic(t[used], p) - y[0, used], prior * (p[[3, 5]] - np.log(0.06))])

    peer = least_squares(rest, made.parameters[0, 1] + np.array([0.01, 0.02, 3, 0.1, -3, 0.1]), method="lm")
    np.testing.assert_allclose(made.parameters[0, 1], peer.x, rtol=2e-4)
    residual = logistic(t[used], peer.x) - y[0, used]
    variance = residual @ residual / (used.sum() - SIZE)
    assert made.error[0, 1] == pytest.approx(np.sqrt(variance), rel=1e-4)
    assert made.number[0, 1] == used.sum()
    rho = np.clip(residual[1:] @ residual[:-1] / (residual @ residual), 0, 0.9)
    covariance = np.linalg.inv(peer.jac.T @ peer.jac) * variance * (1 + rho) / (1 - rho)
    np.testing.assert_allclose(np.diag(made.covariance[0, 1]), np.diag(covariance), rtol=1e-2)


def test_two_crops_a_year_are_counted_and_parted():
    t = np.arange(0.0, 3 * 365.25, 8.0)
    day = t % 365.25
    first = logistic(day, np.array([0.2, 0.5, 60, np.log(0.1), 130, np.log(0.1)]))
    second = logistic(day, np.array([0.0, 0.4, 200, np.log(0.1), 280, np.log(0.1)]))
    _, where, made = fitted(t, (first + second)[None])
    assert where.peaks[0].tolist() == [2, 2, 2]
    found = season.dates(made.parameters, where.left, where.right)
    assert found.start[0, 1] - 365.25 == pytest.approx(60, abs=3)
    assert found.end[0, 1] - 365.25 == pytest.approx(130, abs=3)


def test_without_a_season_there_is_nothing():
    t = np.arange(0.0, 3 * 365.25, 16.0)
    y = np.stack([np.full(t.size, 0.4), 0.2 + 1e-4 * t, np.full(t.size, np.nan)])
    curve, where, made = fitted(t, y)
    assert (where.peaks[1:] == 0).all()
    assert np.isnan(made.parameters[1:]).all()
    assert np.isnan(curve.first[2])
    assert np.isnan(season.dates(made.parameters, where.left, where.right).start[1:]).all()


def test_few_observations_have_no_fit_but_a_number():
    t, y = three_years([0.0])
    sparse = np.full_like(y, np.nan)
    keep = [2, 6, 9, 12, 17, 21, 45, 60]
    sparse[:, keep] = y[:, keep]
    _, _, made = fitted(t, sparse)
    assert (made.number[0] <= SIZE).all()
    assert np.isnan(made.parameters).all()


def test_envelope_passes_above_clouds():
    t, y = three_years([0.0], step=8.0)
    clouded = y.copy()
    clouded[0, ::4] -= 0.15
    plain = fitted(t, clouded)[2].parameters[0, 1]
    upper = fitted(t, clouded, envelope=0.9)[2].parameters[0, 1]
    truth = P[0] + P[1]
    assert abs(upper[0] + upper[1] - truth) < abs(plain[0] + plain[1] - truth)


def test_sparse_series_are_refined_and_keep_their_times():
    t, y = three_years([0.0], step=30.0)
    curve = season.curve(y, t)
    assert np.diff(curve.times).max() <= season.FINE
    assert set(t) <= set(curve.times)
