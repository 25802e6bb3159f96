"""Smoothers against dense linear algebra, peers and identities."""

import dask
import numpy as np
import pytest
from scipy.signal import savgol_filter

from musyq_lab.kernels import smooth
from musyq_lab.kernels._smooth_gaps import bridge
from musyq_lab.kernels._smooth_harmonic import hants as hants_kernel
from musyq_lab.kernels._smooth_polynomial import local_polynomial
from musyq_lab.kernels._smooth_whittaker import LANES, whittaker_kernel


@pytest.fixture
def in_python(monkeypatch):
    """Smoothers that run as Python: each order, type and kernel would take seconds to compile."""
    monkeypatch.setattr(smooth, "whittaker_kernel", lambda order, spread: whittaker_kernel(order, spread).python)
    monkeypatch.setattr(smooth, "_hants", hants_kernel.python)


def season(size: int, series: int, seed: int = 1, gaps: float = 0.3) -> np.ndarray:
    """Noisy yearly courses of 73 values with gaps, shape (time, series)."""
    draw = np.random.Generator(np.random.Philox(seed))
    turn = np.arange(size) / 73 * 2 * np.pi
    phase = draw.uniform(0, 2 * np.pi, series)
    y = 0.5 + 0.3 * np.sin(turn[:, None] + phase) + 0.05 * draw.standard_normal((size, series))
    y[draw.random((size, series)) < gaps] = np.nan
    return y


def penalty(times: np.ndarray, order: int) -> np.ndarray:
    """D from Newton's divided differences, row by row: independent of the kernel's formula."""
    rows = np.zeros((times.size - order, times.size))
    for r in range(times.size - order):
        t = times[r : r + order + 1]
        vandermonde = np.vander(t - t[0], increasing=True)
        # The coefficient of the highest power of the interpolating polynomial, times its factorial.
        rows[r, r : r + order + 1] = np.linalg.inv(vandermonde)[order] * np.prod(np.arange(1, order + 1))
        rows[r] *= np.sqrt((t[-1] - t[0]) / order)
    return rows


def dense(y: np.ndarray, w: np.ndarray, times: np.ndarray, lam: float, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Curve and inverse matrix by np.linalg."""
    weight = np.where(np.isfinite(y), w, 0.0)
    d = penalty(times / np.median(np.diff(times)), order)
    inverse = np.linalg.inv(np.diag(weight) + lam * d.T @ d)
    return inverse @ (weight * np.nan_to_num(y)), inverse


# ---- Whittaker -------------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("in_python")
@pytest.mark.parametrize("order", [1, 2, 3])
def test_whittaker_solves_the_normal_equations(order):
    y = season(60, 3)
    times = np.cumsum(np.random.Generator(np.random.Philox(4)).uniform(0.5, 9.0, 60))
    w = np.random.Generator(np.random.Philox(5)).uniform(0.1, 2.0, y.shape)
    found = smooth.whittaker(y, times, w, lam=[0.5, 30.0, 2000.0], order=order)
    for k, lam in enumerate((0.5, 30.0, 2000.0)):
        z, inverse = dense(y[:, k], w[:, k], times, lam, order)
        known = np.isfinite(y[:, k])
        hat = np.diag(inverse) * np.where(known, w[:, k], 0.0)
        sigma2 = np.sum(w[known, k] * (y[known, k] - z[known]) ** 2) / (known.sum() - hat.sum())
        np.testing.assert_allclose(found.value[:, k], z, atol=1e-10)
        np.testing.assert_allclose(found.error[:, k], np.sqrt(sigma2 * np.diag(inverse)), rtol=1e-8)
        assert found.freedom[k] == pytest.approx(hat.sum(), rel=1e-9)
        assert found.number[k] == known.sum()


def test_scores_are_fit_and_roughness():
    y, times = season(50, 2), np.cumsum(np.random.Generator(np.random.Philox(6)).uniform(1.0, 4.0, 50))
    found = smooth.scores(y, times, lambdas=[1.0, 100.0])
    for row, lam in enumerate((1.0, 100.0)):
        z, inverse = dense(y[:, 1], np.ones(50), times, lam, 2)
        known = np.isfinite(y[:, 1])
        d = penalty(times / np.median(np.diff(times)), 2)
        assert found.fit[row, 1] == pytest.approx(np.sum((y[known, 1] - z[known]) ** 2), rel=1e-9)
        assert found.rough[row, 1] == pytest.approx(np.sum((d @ z) ** 2), rel=1e-7)
        assert found.freedom[row, 1] == pytest.approx(np.diag(inverse)[known].sum(), rel=1e-9)

    bare = smooth.scores(y, times, lambdas=[1.0, 100.0], freedom=False)
    np.testing.assert_array_equal([bare.fit, bare.rough], [found.fit, found.rough])
    assert np.isnan(bare.freedom).all()


def test_whittaker_agrees_with_whittaker_eilers():
    peer = pytest.importorskip("whittaker_eilers", reason="whittaker-eilers is not installed")
    y = season(200, 4)
    for k in range(4):
        weights = np.isfinite(y[:, k]).astype(float)
        other = peer.WhittakerSmoother(lmbda=250.0, order=2, data_length=200, weights=list(weights))
        expected = other.smooth(list(np.nan_to_num(y[:, k])))
        np.testing.assert_allclose(smooth.whittaker(y[:, k], lam=250.0).value, expected, atol=1e-10)


@pytest.mark.usefixtures("in_python")
@pytest.mark.parametrize("order", [1, 2, 3])
def test_polynomials_of_lower_degree_are_kept(order):
    times = np.array([0.0, 1, 2, 5, 6, 9, 14, 15, 16, 30])
    y = sum((0.1 * times) ** power for power in range(order))
    y = np.where(np.arange(10) % 3 == 1, np.nan, y)
    truth = sum((0.1 * times) ** power for power in range(order))
    found = smooth.whittaker(y, times, lam=1e3, order=order)
    np.testing.assert_allclose(found.value, truth, rtol=1e-8)


@pytest.mark.usefixtures("in_python")
def test_straight_line_in_float32_is_kept_at_any_lambda():
    line = (0.2 + 0.001 * np.arange(300)).astype(np.float32)
    line[50:90] = np.nan
    found = smooth.whittaker(line, lam=1e5, errors=False).value
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 0.2 + 0.001 * np.arange(300), atol=3e-7)


def test_lambda_means_the_same_on_a_finer_axis():
    """Times without values change nothing but where the curve is shown: D'D tends to an integral."""
    y = season(80, 1, gaps=0.0)[:, 0]
    coarse = smooth.whittaker(y, np.arange(80.0), lam=50.0).value
    fine, times = np.full(80 * 4 - 3, np.nan), np.arange(80 * 4 - 3) / 4
    fine[::4] = y
    # Times count in median steps, now a quarter: the second derivative's square integral scales by 4^3.
    dense_curve = smooth.whittaker(fine, times, lam=50.0 * 4.0**3).value
    assert np.abs(dense_curve[::4] - coarse).max() < 0.01
    assert np.abs(coarse - y).max() > 0.05


def test_errors_grow_inside_gaps_and_are_of_the_right_size():
    truth = 0.5 + 0.3 * np.sin(np.arange(146) / 73 * 2 * np.pi)
    draw = np.random.Generator(np.random.Philox(8))
    y = truth[:, None] + 0.04 * draw.standard_normal((146, 400))
    y[60:80] = np.nan
    found = smooth.whittaker(y, lam=300.0)
    assert (found.error[70] > 2 * found.error[40]).all()
    inside = np.abs(found.value - truth[:, None])[20:50] < found.error[20:50]
    assert 0.6 < inside.mean() < 0.8  # 68 % within one sigma


def test_too_few_values_give_nan_and_exactly_enough_a_polynomial():
    y = np.full((20, 3), np.nan)
    y[4, 1] = 0.3
    y[[4, 12], 2] = 0.3, 0.7
    found = smooth.whittaker(y, lam=10.0)
    assert np.isnan(found.value[:, :2]).all()
    np.testing.assert_allclose(found.value[:, 2], 0.3 + 0.05 * (np.arange(20) - 4), atol=1e-9)
    assert np.isnan(found.error[:, 2]).all()


def test_weight_zero_is_a_gap():
    y = season(60, 2, gaps=0.0)
    w = np.ones_like(y)
    w[10:20] = 0.0
    gap = y.copy()
    gap[10:20] = np.nan
    np.testing.assert_array_equal(smooth.whittaker(y, None, w, lam=20.0).value, smooth.whittaker(gap, lam=20.0).value)


def test_envelope_is_a_fixed_point_of_its_weights():
    y = season(120, 3)
    found = smooth.whittaker(y, lam=30.0, envelope=0.9, iterations=100)
    for k in range(3):
        side = np.where(y[:, k] > found.value[:, k], 1.8, 0.2)
        z, _ = dense(y[:, k], side, np.arange(120.0), 30.0, 2)
        np.testing.assert_allclose(found.value[:, k], z, atol=1e-10)
    plain = smooth.whittaker(y, lam=30.0).value
    assert (found.value - plain).mean() > 0.02
    assert np.nanmean(y > found.value) < 0.3


def test_envelope_recovers_a_course_with_low_outliers():
    draw = np.random.Generator(np.random.Philox(3))
    truth = 0.5 + 0.3 * np.sin(np.arange(146) / 73 * 2 * np.pi)
    y = truth - np.where(draw.random(146) < 0.35, draw.uniform(0.1, 0.4, 146), 0.0)
    miss = [np.abs(smooth.whittaker(y, lam=20.0, envelope=p).value - truth).mean() for p in (0.5, 0.95)]
    assert miss[1] < 0.4 * miss[0]


# ---- choice of lambda ------------------------------------------------------------------------------------------------
def test_v_curve_is_the_formula():
    y = season(100, 3)
    lambdas = 10.0 ** np.arange(-1, 4.1, 0.5)
    found = smooth.choose(y, lambdas=lambdas)
    for k in range(3):
        logs = []
        for lam in lambdas:
            z, _ = dense(y[:, k], np.ones(100), np.arange(100.0), lam, 2)
            logs.append([np.log(np.nansum((y[:, k] - z) ** 2)), np.log(np.sum(np.diff(z, 2) ** 2))])
        best = int(np.argmin(np.linalg.norm(np.diff(logs, axis=0), axis=1)))
        assert found[k] == pytest.approx(np.sqrt(lambdas[best] * lambdas[best + 1]))


def test_generalised_cross_validation_is_the_formula():
    y = season(100, 2)
    lambdas = 10.0 ** np.arange(-1, 4.1, 0.5)
    found = smooth.choose(y, rule="gcv", lambdas=lambdas)
    for k in range(2):
        known, costs = np.isfinite(y[:, k]), []
        for lam in lambdas:
            z, inverse = dense(y[:, k], np.ones(100), np.arange(100.0), lam, 2)
            m, trace = known.sum(), np.diag(inverse)[known].sum()
            costs.append(m * np.nansum((y[:, k] - z) ** 2) / (m - trace) ** 2)
        assert found[k] == pytest.approx(lambdas[int(np.argmin(costs))])


@pytest.mark.parametrize("rule", ["v_curve", "gcv"])
def test_chosen_lambda_is_nearly_the_best_one(rule):
    truth = 0.5 + 0.3 * np.sin(np.arange(219) / 73 * 2 * np.pi)
    noise = 0.05 * np.random.Generator(np.random.Philox(2)).standard_normal((219, 80))
    y = truth[:, None] + noise
    chosen = np.sqrt(np.mean((smooth.whittaker(y, lam=rule).value - truth[:, None]) ** 2))
    best = min(
        np.sqrt(np.mean((smooth.whittaker(y, lam=lam).value - truth[:, None]) ** 2)) for lam in 10.0 ** np.arange(0, 5)
    )
    assert chosen < 1.35 * best


def test_one_lambda_for_all_lies_among_those_of_each():
    y = season(120, 90)
    each, common = smooth.choose(y), smooth.choose(y, together=True)
    assert common.shape == ()
    np.testing.assert_array_equal(
        smooth.whittaker(y, lambdas=[1.0, 4.0, 16.0]).value,
        smooth.whittaker(y, lam=smooth.choose(y, lambdas=[1.0, 4.0, 16.0])).value,
    )
    assert each.min() <= common <= each.max()
    both = smooth.choose(np.concatenate([y, np.full((120, 5), np.nan)], axis=1), together=True)
    assert both == common  # empty series do not count


def test_series_without_noise_take_the_strongest_penalty():
    lines = np.stack([np.full(50, 0.4), 0.1 + 0.01 * np.arange(50), np.full(50, np.nan)], axis=1)
    found = smooth.choose(lines, lambdas=[1.0, 10.0, 100.0, 1e5, 1e6])
    assert found[:2] == pytest.approx(np.sqrt(1e11))
    assert np.isnan(found[2])


# ---- Savitzky-Golay --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_savitzky_golay_is_scipys_without_gaps(degree):
    y = season(80, 5, gaps=0.0)
    found = smooth.savitzky_golay(y, half_width=4.0, degree=degree).value
    np.testing.assert_allclose(found[4:-4], savgol_filter(y, 9, degree, axis=0)[4:-4], atol=1e-12)


def test_savitzky_golay_is_a_weighted_polynomial_through_what_is_there():
    y = season(60, 1, gaps=0.4)[:, 0]
    draw = np.random.Generator(np.random.Philox(9))
    times, w = np.cumsum(draw.uniform(1.0, 6.0, 60)), draw.uniform(0.2, 1.0, 60)
    found = smooth.savitzky_golay(y, times, w, half_width=25.0, degree=2)
    known = np.isfinite(y)
    values, variances = np.full(60, np.nan), np.full(60, np.nan)
    for i in range(60):
        near = known & (np.abs(times - times[i]) <= 25.0)
        if near.sum() > 2:
            x = np.vander(times[near] - times[i], 3, increasing=True)
            inverse = np.linalg.inv(x.T @ (w[near, None] * x))
            values[i], variances[i] = (inverse @ (x.T @ (w[near] * y[near])))[0], inverse[0, 0]
    used = known & np.isfinite(values)
    freedom = np.sum((w * variances)[used])
    sigma2 = np.sum(w[used] * (y[used] - values[used]) ** 2) / (used.sum() - freedom)
    np.testing.assert_allclose(found.value, values, atol=1e-9)
    np.testing.assert_allclose(found.error, np.sqrt(sigma2 * variances), rtol=1e-7)
    assert found.freedom == pytest.approx(freedom)


def test_savitzky_golay_leaves_wide_gaps_empty():
    y = np.r_[np.ones(10), np.full(20, np.nan), np.ones(10)]
    found = smooth.savitzky_golay(y, half_width=4.0, degree=2).value
    assert np.isnan(found[12:28]).all()
    np.testing.assert_allclose(found[:10], 1.0, atol=1e-12)


# ---- harmonics -------------------------------------------------------------------------------------------------------
def harmonics(times: np.ndarray, period: float, count: int) -> np.ndarray:
    """Columns 1, cos, sin, cos 2, ..."""
    turn = 2 * np.pi * times / period
    return np.stack([np.ones_like(turn)] + [f(k * turn) for k in range(1, count + 1) for f in (np.cos, np.sin)], axis=1)


@pytest.mark.usefixtures("in_python")
@pytest.mark.parametrize("count", [1, 3])
def test_hants_without_rejection_is_damped_least_squares(count):
    y, w = season(100, 2), np.random.Generator(np.random.Philox(7)).uniform(0.3, 1.0, (100, 2))
    times = np.cumsum(np.random.Generator(np.random.Philox(4)).uniform(1.0, 9.0, 100))
    found = smooth.hants(y, times, w, period=365.0, harmonics=count, reject="none", damping=0.1)
    x = harmonics(times - times[0], 365.0, count)
    for k in range(2):
        known = np.isfinite(y[:, k])
        weight = np.where(known, w[:, k], 0.0)
        inverse = np.linalg.inv(x.T @ (weight[:, None] * x) + np.diag([0.0] + [0.1] * 2 * count))
        z = x @ inverse @ (x.T @ (weight * np.nan_to_num(y[:, k])))
        variance = np.einsum("ia,ab,ib->i", x, inverse, x)
        freedom = np.sum(variance * weight)
        sigma2 = np.sum(weight[known] * (y[known, k] - z[known]) ** 2) / (known.sum() - freedom)
        np.testing.assert_allclose(found.value[:, k], z, atol=1e-10)
        np.testing.assert_allclose(found.error[:, k], np.sqrt(sigma2 * variance), rtol=1e-8)


@pytest.mark.slow
def test_hants_finds_planted_harmonics_under_outliers():
    times = np.arange(146) * 5.0
    truth = harmonics(times, 365.0, 3) @ np.array([0.45, 0.2, -0.1, 0.05, 0.04, 0.02, -0.02])
    draw = np.random.Generator(np.random.Philox(11))
    y = truth[:, None] - np.where(draw.random((146, 70)) < 0.2, draw.uniform(0.15, 0.5, (146, 70)), 0.0)
    y[draw.random(y.shape) < 0.2] = np.nan
    found = smooth.hants(y, times, period=365.0, harmonics=3, tolerance=1e-3, damping=0.0, turns=60)
    assert np.abs(found.value - truth[:, None]).max() < 2e-3
    plain = smooth.hants(y, times, period=365.0, harmonics=3, reject="none", damping=0.0)
    assert np.abs(plain.value - truth[:, None]).max() > 0.05
    assert (found.number < plain.number).all()


@pytest.mark.usefixtures("in_python")
def test_hants_rejects_on_the_side_that_is_asked_for():
    y = 0.5 + 0.1 * harmonics(np.arange(100.0), 50.0, 1)[:, 1]
    y[20], y[70] = y[20] + 0.4, y[70] - 0.4
    kept = {
        side: smooth.hants(y, period=50.0, harmonics=1, reject=side, tolerance=0.05).number
        for side in ("low", "high", "both", "none")
    }
    assert kept == {"low": 99, "high": 99, "both": 98, "none": 100}


@pytest.mark.usefixtures("in_python")
def test_hants_keeps_the_values_it_needs():
    y = season(40, 1, gaps=0.0)[:, 0]
    found = smooth.hants(y, period=73.0, harmonics=2, reject="both", tolerance=0.0, spare=5, turns=200)
    assert 10 <= found.number <= 40
    y[9:] = np.nan
    assert np.isnan(smooth.hants(y, period=73.0, harmonics=2, spare=5).value).all()


# ---- all of them -----------------------------------------------------------------------------------------------------
METHODS = {
    "whittaker": lambda y, **k: smooth.whittaker(y, lam=20.0, envelope=0.8, **k),
    "savitzky_golay": lambda y, **k: smooth.savitzky_golay(y, half_width=6.0, **k),
    "hants": lambda y, **k: smooth.hants(y, period=73.0, harmonics=2, **k),
    "lines": smooth.lines,
}


SLOW_HANTS = [pytest.param(name, marks=pytest.mark.slow) if name == "hants" else name for name in METHODS]


@pytest.mark.parametrize("name", SLOW_HANTS)
def test_bits_depend_on_neither_neighbours_nor_layout_nor_threads(name):
    method, y = METHODS[name], season(60, 3 * LANES + 5)
    whole = method(y)
    pieces = [method(y[:, part]) for part in (slice(0, 1), slice(1, 70), slice(70, None))]
    swapped = method(np.ascontiguousarray(y.T), axis=1)
    tasks = [dask.delayed(method)(y[:, part]) for part in (slice(0, 90), slice(90, None))]
    for workers in (1, 2, 4):
        parts = dask.compute(*tasks, scheduler="threads", num_workers=workers)
        np.testing.assert_array_equal(np.concatenate([p.value for p in parts], axis=1), whole.value)
    for field in ("value", "error"):
        np.testing.assert_array_equal(
            np.concatenate([getattr(p, field) for p in pieces], axis=1), getattr(whole, field)
        )
        np.testing.assert_array_equal(getattr(swapped, field).T, getattr(whole, field))


@pytest.mark.parametrize("name", SLOW_HANTS)
def test_shapes_follow_the_series(name):
    y = season(40, 6).reshape(40, 2, 3)
    found = METHODS[name](np.moveaxis(y, 0, 1), axis=1)
    assert found.value.shape == (2, 40, 3)
    np.testing.assert_array_equal(found.value[1, :, 2], METHODS[name](y[:, 1, 2]).value)


TIMES = np.arange(12.0)
TWINS = {
    "whittaker": lambda y, w: (whittaker_kernel(2, True), (TIMES, y, w, np.full(LANES, 5.0), 0.7, 3)),
    "savitzky_golay": lambda y, w: (
        local_polynomial,
        (TIMES, np.maximum(TIMES - 3, 0), np.minimum(TIMES + 3, 11), y, w, 3.0, 2),
    ),
    "hants": lambda y, w: (hants_kernel, (TIMES, y, w, 12.0, 1, 1, 0, 0.02, 5, 0.1, 3)),
    "lines": lambda y, w: (bridge, (TIMES, y)),
}


@pytest.mark.parametrize("name", SLOW_HANTS)
def test_twins_compute_the_same(name):
    y = season(12, LANES)
    kernel, arguments = TWINS[name](y, np.ones_like(y))
    for one, other in zip(kernel(*arguments), kernel.python(*arguments), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda y: smooth.whittaker(y, lam=-1.0), "above 0"),
        (lambda y: smooth.whittaker(y, order=4), "order"),
        (lambda y: smooth.whittaker(y, envelope=1.0), "envelope"),
        (lambda y: smooth.whittaker(y[:2], order=2), "2 times"),
        (lambda y: smooth.whittaker(y, np.zeros(10), lam=1.0), "rise"),
        (lambda y: smooth.whittaker(y, np.arange(9.0), lam=1.0), "10 finite"),
        (lambda y: smooth.choose(y, rule="best"), "rule"),
        (lambda y: smooth.choose(y, lambdas=[1.0, 2.0]), "three"),
        (lambda y: smooth.savitzky_golay(y, degree=4), "degree"),
        (lambda y: smooth.savitzky_golay(y, half_width=0.0), "half_width"),
        (lambda y: smooth.hants(y, period=10.0, harmonics=7), "harmonics"),
        (lambda y: smooth.hants(y, period=10.0, reject="left"), "reject"),
    ],
)
def test_faults_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call(np.ones(10))
