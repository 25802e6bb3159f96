"""Kernels of many looks, beside plain loops over one pixel at a time."""

import numpy as np
import pytest

from musyq_lab.kernels import looks

L, P = 17, 9
SENSOR = (np.arange(L) % 3).astype(np.float32)
SENSORS = np.arange(3, dtype=np.float32)


def draw(key: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key))


def stack(key: int, blocks: int = 3, level: float = 0.2, spread: float = 0.05, gaps: float = 0.3):
    """Values and weights (block, look, lane); weight 0 goes with a value that is no number."""
    random = draw(key)
    value = random.normal(level, spread, (blocks, L, P)).astype(np.float32)
    weight = random.uniform(0.1, 1, value.shape).astype(np.float32)
    weight[random.uniform(size=value.shape) < gaps] = 0
    value[weight == 0] = np.nan
    return value, weight


def median_of(x: np.ndarray, w: np.ndarray) -> float:
    return quantile_of(x, w, 0.5)


def quantile_of(x: np.ndarray, w: np.ndarray, share: float) -> float:
    """Weighted quantile of one pixel by sorting."""
    order = np.argsort(x, kind="stable")
    x, total = x[order].astype(float), np.cumsum(w[order].astype(float))
    k = int(np.searchsorted(total, total[-1] * (share - 1e-5)))
    between = total[k] <= total[-1] * (share + 1e-5) and k + 1 < len(x)
    return 0.5 * (x[k] + x[k + 1]) if between else x[k]


def darker_of(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Factor of each look of one pixel by the formula of the one-sided judgement."""
    dark = quantile_of(x, w, 0.1)
    return np.maximum(1 - (np.maximum(x - dark, 0) / (2 * (0.005 + 0.05 * max(dark, 0)))) ** 2, 0) ** 2


def bisquare_of(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Factor of each look of one pixel by the formula."""
    centre = median_of(x, w)
    sigma = 0.005 + 0.05 * max(centre, 0)
    scale = min(max(1.4826 * median_of(np.abs(x - centre), w), sigma), 2 * sigma)
    return np.maximum(1 - ((x - centre) / (4.685 * scale)) ** 2, 0) ** 2


@pytest.mark.parametrize(("level", "spread"), [(0.05, 0.005), (0.2, 0.05), (0.4, 0.3), (0.0, 0.02)])
def test_bisquare_beside_a_sort(level, spread):
    value, weight = stack(1, level=level, spread=spread)
    found = looks.bisquare(value, weight)
    for b, j in np.ndindex(value.shape[0], P):
        there = weight[b, :, j] > 0
        wanted = weight[b, there, j] * bisquare_of(value[b, there, j], weight[b, there, j])
        np.testing.assert_allclose(found[b, there, j], wanted, atol=2e-3)
        assert (found[b, ~there, j] == 0).all()


def test_bisquare_leaves_out_cloud_and_shadow_and_keeps_the_rest():
    value = np.full((1, 9, P), 0.1, np.float32) + np.linspace(-0.004, 0.004, 9, dtype=np.float32)[:, None]
    value[0, 2], value[0, 6] = 0.5, 0.02
    weight = np.ones_like(value)
    found = looks.bisquare(value, weight)
    assert (found[0, [2, 6]] == 0).all()
    assert (np.delete(found[0], [2, 6], 0) > 0.9).all()


def test_the_better_half_survives_when_nearly_half_is_cloud():
    value = np.full((1, 9, 1), 0.08, np.float32)
    value[0, :4] = np.float32(0.08) + draw(3).uniform(0.15, 0.6, (4, 1)).astype(np.float32)
    weight = np.ones_like(value)
    assert looks.bisquare(value, weight)[0, :4].max() == 0


def test_two_equal_looks_are_judged_alike():
    """Their median is their middle; a sensor of the better weight is believed where weights differ."""
    value = np.array([0.10, 0.13], np.float32)[None, :, None]
    alike = looks.bisquare(value, np.ones_like(value))
    assert alike[0, 0, 0] == pytest.approx(alike[0, 1, 0], rel=1e-5)
    assert alike.min() > 0.5
    weight = np.array([1.0, 0.3], np.float32)[None, :, None]
    assert looks.bisquare(value + np.float32([0, 0.2])[None, :, None], weight)[0, :, 0].tolist() == [1.0, 0.0]


@pytest.mark.parametrize(("level", "spread"), [(0.05, 0.005), (0.2, 0.05), (0.0, 0.02)])
def test_darker_beside_a_sort(level, spread):
    value, weight = stack(4, level=level, spread=spread)
    found = looks.darker(value, weight)
    for b, j in np.ndindex(value.shape[0], P):
        there = weight[b, :, j] > 0
        wanted = weight[b, there, j] * darker_of(value[b, there, j], weight[b, there, j])
        np.testing.assert_allclose(found[b, there, j], wanted, atol=2e-3)
        assert (found[b, ~there, j] == 0).all()


def test_haze_in_most_looks_is_found_from_the_clear_few():
    """Seven of nine looks are brightened; the median would be theirs."""
    value = np.full((1, 9, P), 0.05, np.float32)
    value[0, 2:] += np.linspace(0.03, 0.1, 7, dtype=np.float32)[:, None]
    weight = np.ones_like(value)
    found = looks.darker(value, weight)
    assert (found[0, 2:] == 0).all()
    assert (found[0, :2] == 1).all()


def test_noise_of_clear_looks_hardly_pulls_towards_the_dark():
    value = draw(6).normal(0.06, 0.003, (1, 15, 400)).astype(np.float32)
    weight = looks.darker(value, np.ones_like(value))
    assert abs((weight * value).sum() / weight.sum() - 0.06) < 0.0008


def test_a_pixel_without_looks_stays_without():
    value, weight = np.full((1, L, P), np.nan, np.float32), np.zeros((1, L, P), np.float32)
    assert (looks.bisquare(value, weight) == 0).all()
    assert (looks.balance(weight, value, value, SENSOR, SENSORS) == 0).all()
    assert all(np.isnan(layer).all() for layer in looks.combine(value, weight, value, value, SENSOR, SENSORS))


RANKS = np.arange(3, dtype=np.float32)


def window_of(weight: np.ndarray, rank: np.ndarray, enough: int) -> int:
    counts = [int(((weight > 0) & (rank <= r)).sum()) for r in range(3)]
    return next(r for r in range(3) if counts[r] >= min(enough, counts[-1]))


@pytest.mark.parametrize("enough", [1, 3, 5, 100])
def test_choose_takes_the_shortest_window_with_enough_looks(enough):
    _, weight = stack(5, gaps=0.7)
    rank = (np.arange(L) % 3).astype(np.float32)
    chosen, window = looks.choose(weight, rank, RANKS, np.float32(enough))
    for b, j in np.ndindex(weight.shape[0], P):
        wanted = window_of(weight[b, :, j], rank, enough)
        assert window[b, j] == wanted
        np.testing.assert_array_equal(chosen[b, :, j], np.where(rank <= wanted, weight[b, :, j], 0))


def test_choose_does_not_call_a_window_longer_than_its_looks_need():
    weight = np.zeros((1, 3, 1), np.float32)
    weight[0, 0] = 1
    chosen, window = looks.choose(weight, np.float32([0, 1, 2]), RANKS, np.float32(3))
    assert window[0, 0] == 0
    assert chosen[0, :, 0].tolist() == [1, 0, 0]


def test_agree_follows_the_weight_of_snow_and_prefers_bare_ground_in_a_draw():
    weight = np.float32([[1, 1, 1], [1, 1, 3], [1, 1, 1]]).T[None]  # three lanes
    snow = np.float32([[1, 1, 0], [1, 1, 0], [0, 0, 0]]).T[None]
    out, snowy = looks.agree(weight, snow)
    assert snowy[0].tolist() == [1, 0, 0]
    assert out[0].T.tolist() == [[1, 1, 0], [0, 0, 3], [1, 1, 1]]
    even = np.ones((1, 2, 1), np.float32)
    assert looks.agree(even, np.float32([0, 1])[None, :, None])[1][0, 0] == 0


def test_relative_is_one_for_what_mod09_states():
    first, second = np.float32([0.0, 0.1, 0.5]), np.float32([0.3, 0.2, 0.9])
    states = [np.float32(0.005) + np.float32(0.05) * x for x in (first, second)]
    np.testing.assert_allclose(looks.relative(first, second, *states), 1, rtol=1e-6)
    np.testing.assert_allclose(looks.relative(first, second, *(2 * s for s in states)), 4, rtol=1e-6)


def test_balance_is_the_best_linear_unbiased_estimate_for_equal_looks():
    """Weights of generalised least squares with a full covariance: sensors of 1, 4 and 12 looks."""
    sensor = np.repeat([0, 1, 2], [1, 4, 12]).astype(np.float32)
    r, s = np.array([0.5, 1.0, 0.8])[sensor.astype(int)], np.array([0.4, 0.7, 1.1])[sensor.astype(int)]
    covariance = np.diag(r**2) + (sensor[:, None] == sensor) * np.outer(s, s)
    wanted = np.linalg.solve(covariance, np.ones(L))
    one = np.ones((1, L, 1), np.float32)
    found = looks.balance(one, one * np.float32(r**2)[:, None], one * np.float32(s**2)[:, None], sensor, SENSORS)
    np.testing.assert_allclose(found[0, :, 0] / found.sum(), wanted / wanted.sum(), rtol=1e-3)


def test_balance_does_not_let_many_looks_outvote_a_sensor():
    """With systematic errors alone, two sensors of equal quality weigh the same, whatever their numbers of looks."""
    sensor = np.float32([0] + [1] * (L - 1))
    one = np.ones((1, L, 1), np.float32)
    weight = looks.balance(one, 0 * one, one, sensor, SENSORS)[0, :, 0]
    assert weight[0] == pytest.approx(weight[1:].sum(), rel=1e-3)


def combined(value, weight, random, systematic):
    """Mean, sigma and means of sensors of one pixel, in plain words."""
    there = (weight > 0) & np.isfinite(value)
    x, w, r, s, k = (a[there].astype(float) for a in (value, weight, random, systematic, SENSOR))
    if not len(x):
        return np.nan, np.nan, np.nan, [np.nan] * 3
    share = w / w.sum()
    mean = (share * x).sum()
    noise = (share**2 * r**2).sum()
    few = 1 - (share**2).sum()
    scatter = (share**2 * (x - mean) ** 2).sum() / few if few > 1e-5 else 0.0
    shift = sum((share[k == j] * s[k == j]).sum() ** 2 for j in range(3))
    apart = [np.average(x[k == j], weights=w[k == j]) if (k == j).any() else np.nan for j in range(3)]
    return mean, np.sqrt(max(noise, scatter)), np.sqrt(shift), apart


@pytest.mark.parametrize("gaps", [0.0, 0.5, 0.9])
def test_combine_beside_a_loop(gaps):
    value, weight = stack(7, gaps=gaps)
    value[draw(8).uniform(size=value.shape) < 0.1] = np.nan
    random, systematic = (draw(k).uniform(0.001, 0.02, value.shape).astype(np.float32) for k in (9, 10))
    found = looks.combine(value, weight, random, systematic, SENSOR, SENSORS)
    for b, j in np.ndindex(value.shape[0], P):
        wanted = combined(*(a[b, :, j] for a in (value, weight, random, systematic)))
        for layer, expected in zip(found[:3], wanted[:3], strict=True):
            np.testing.assert_allclose(layer[b, j], expected, rtol=2e-4)
        np.testing.assert_allclose(found[3][b, :, j], wanted[3], rtol=2e-6)


def test_random_parts_shrink_with_the_looks_and_systematic_ones_do_not():
    one = np.ones((1, L, 1), np.float32)
    same = np.zeros(L, np.float32)
    value = 0.2 * one
    noisy = looks.combine(value, one, 0.01 * one, 0 * one, same, SENSORS)[1][0, 0]
    shifted = looks.combine(value, one, 0 * one, 0.01 * one, same, SENSORS)[2][0, 0]
    assert noisy == pytest.approx(0.01 / np.sqrt(L), rel=1e-5)
    assert shifted == pytest.approx(0.01, rel=1e-5)
    three = looks.combine(value, one, 0 * one, 0.01 * one, SENSOR, SENSORS)[2][0, 0]
    shares = np.bincount(SENSOR.astype(int)) / L
    assert three == pytest.approx(0.01 * np.sqrt((shares**2).sum()), rel=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("plane", [(7,), (16, 16), (3, 200), (1 << 17, 2)])
def test_weighted_mean_beside_numpy(dtype, plane):
    looks_, random = (6 if np.prod(plane) < 1e4 else 2), draw(11)
    value, weight = random.normal(0.2, 0.1, (looks_, *plane)).astype(dtype), random.uniform(0, 1, (looks_, *plane))
    value[random.uniform(size=value.shape) < 0.3] = np.nan
    found = looks.weighted_mean(value, weight.astype(dtype))
    with np.errstate(invalid="ignore"):
        wanted = np.nansum(value * weight, 0) / np.where(np.isfinite(value), weight, 0).sum(0)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7 if dtype == np.float32 else 1e-15)


def test_lanes_shows_pixels_of_a_stack_in_blocks():
    flat = np.arange(2 * 3 * looks.LANES, dtype=np.float32).reshape(2, -1)
    view = looks.lanes(flat)
    assert view.base is not None
    assert view.shape == (3, 2, looks.LANES)
    np.testing.assert_array_equal(view[2, 1], flat[1, 2 * looks.LANES :])


@pytest.mark.parametrize("name", ["bisquare", "darker", "balance", "combine", "choose", "agree"])
def test_python_twins_agree(name):
    value, weight = stack(12, blocks=1)
    value = np.nan_to_num(value)
    arguments = {
        "bisquare": (value, weight),
        "darker": (value, weight),
        "balance": (weight, value, value, SENSOR, SENSORS),
        "combine": (value, weight, value, value, SENSOR, SENSORS),
        "choose": (weight, SENSOR, RANKS, np.float32(3)),
        "agree": (weight, (value > 0.2).astype(np.float32)),
    }[name]
    kernel = getattr(looks, name)
    compiled, twin = kernel(*arguments), kernel.python(*arguments)
    for a, b in (
        zip(np.atleast_1d(compiled), np.atleast_1d(twin), strict=True)
        if name in ("bisquare", "darker", "balance")
        else zip(compiled, twin, strict=True)
    ):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_lanes_do_not_touch_one_another():
    """A pixel has the same bits wherever it lies among others."""
    value, weight = stack(13)
    whole = looks.bisquare(value, weight)
    alone = looks.bisquare(*(np.ascontiguousarray(a[1:2, :, 3:4]) for a in (value, weight)))
    np.testing.assert_array_equal(whole[1, :, 3], alone[0, :, 0])
