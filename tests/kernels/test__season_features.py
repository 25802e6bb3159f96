"""Features of a stretch beside numpy's percentiles and least squares."""

import numpy as np
import pytest

from musyq_lab.kernels._season_features import DAMPING, LEAST, NAMES, features

LAYOUT = np.zeros(len(NAMES))
DAY = 17532.0  # 2018-01-01


def series(seed=1, gaps=0.3):
    draw = np.random.Generator(np.random.Philox(seed))
    t = DAY + np.arange(-20.0, 420.0, 10.0)
    y = 0.4 + 0.3 * np.cos(2 * np.pi * (t - 200) / 365.25) + 0.05 * draw.standard_normal(t.size)
    y[draw.random(t.size) < gaps] = np.nan
    return t, y


def described(t, y, begin=DAY, end=DAY + 365.0):
    out, number = features.python(t, y, begin, end, LAYOUT)
    return dict(zip(NAMES, out, strict=True)), float(number)


def basis(t):
    turn = 2 * np.pi * t / 365.25
    return np.stack([np.ones_like(t)] + [f(k * turn) for k in (1, 2, 3) for f in (np.cos, np.sin)], axis=1)


def test_order_statistics_are_those_of_numpy():
    t, y = series()
    made, number = described(t, y)
    used = y[(t >= DAY) & (t < DAY + 365) & np.isfinite(y)]
    assert number == used.size
    for name, share in (("p10", 10), ("p25", 25), ("p50", 50), ("p75", 75), ("p90", 90)):
        assert made[name] == pytest.approx(np.percentile(used, share), rel=1e-12)
    assert made["mean"] == pytest.approx(used.mean())
    assert made["deviation"] == pytest.approx(used.std())


def test_harmonics_are_damped_least_squares():
    t, y = series(seed=4)
    made, _ = described(t, y)
    keep = (t >= DAY) & (t < DAY + 365) & np.isfinite(y)
    a = basis(t[keep])
    damping = np.diag([0.0, *[DAMPING] * 6])
    p = np.linalg.solve(a.T @ a + damping, a.T @ y[keep])
    found = [made[n] for n in ("cos1", "sin1", "cos2", "sin2", "cos3", "sin3")]
    np.testing.assert_allclose(found, p[1:], rtol=1e-8, atol=1e-12)
    assert made["amplitude1"] == pytest.approx(np.hypot(p[1], p[2]))
    assert made["amplitude2"] == pytest.approx(np.hypot(p[3], p[4]))
    assert made["residual"] == pytest.approx(np.sqrt(np.mean((y[keep] - a @ p) ** 2)))


def test_a_constant_series_has_no_harmonics():
    t, _ = series()
    made, _ = described(t, np.full(t.size, 0.3))
    assert made["p10"] == made["p90"] == pytest.approx(0.3)
    assert made["amplitude1"] == pytest.approx(0.0, abs=1e-12)
    assert made["residual"] == pytest.approx(0.0, abs=1e-12)


def test_the_same_course_a_year_later_looks_the_same():
    t = np.arange(17167.0, 17167.0 + 3 * 365.25, 8.0)
    y = 0.4 + 0.3 * np.cos(2 * np.pi * t / 365.25)
    first, _ = described(t, y, 17167.0, 17532.0)
    second, _ = described(t, y, 17532.0, 17897.0)
    for name in NAMES:
        assert first[name] == pytest.approx(second[name], abs=0.02), name


def test_too_few_values_say_nothing_but_their_number():
    t, y = series(gaps=0.0)
    y[LEAST + 1 :] = np.nan
    made, number = described(t, y)
    assert number == LEAST - 1  # two lie before the year
    assert all(np.isnan(v) for v in made.values())


def test_compiled_equals_python():
    t, y = series(seed=7)
    many = np.tile(y, (3, 1))
    compiled, number = features(t, many, np.array([[DAY]]), np.array([[DAY + 365.0]]), LAYOUT)
    out, count = features.python(t, y, DAY, DAY + 365.0, LAYOUT)
    np.testing.assert_allclose(compiled[0], np.tile(out, (3, 1)), rtol=1e-9, atol=1e-12)
    assert (number == count).all()
