"""Parts of the series method: weighted medians, and what dates know together."""

import numpy as np
import pytest
from products import plain_air
from products.air_scenes import draw

from musyq_lab.products import _aerosol_series as series
from musyq_lab.standard import _aerosol_cells
from musyq_lab.standard.aerosol import NODES

KEY = plain_air.BANDS["blue"]
DEPTHS = NODES[[3, 7, 4, 9, 5]]  # of five dates


@pytest.fixture
def simple(monkeypatch):
    """Take the laws of the tests for the tables, and the twins of the kernels."""
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")
    monkeypatch.setattr(series, "nodes", plain_air.nodes)


def ground(size=4, shape=(1, 1), key=2):
    """Return a blue surface that differs from pixel to pixel."""
    return draw(key).uniform(0.03, 0.09, (size * shape[0], size * shape[1]))


def dates(surface, depths=DEPTHS, priors=None, sigmas=0.1, *, marked=None, size=4, lazy=False, dtype=np.float32):
    """Return looks at a surface under the aerosol of each date; the prior is the truth unless told."""
    priors = depths if priors is None else priors
    sigmas = np.broadcast_to(sigmas, len(depths))
    marked = [None] * len(depths) if marked is None else marked
    made = []
    for depth, prior, sigma, mark in zip(depths, priors, sigmas, marked, strict=True):
        light = plain_air.seen_through(surface, KEY, depth)[None].astype(dtype)
        made.append(plain_air.look(light, ("blue",), size, marked=mark, prior=(prior, sigma), lazy=lazy))
    return made


def cloudy(pixels=slice(None), size=4):
    mark = np.zeros((1, size, size), np.int8)
    mark[0].reshape(-1)[pixels] = 2
    return mark


def stacked(looks, hours=None):
    return np.stack(series.series(looks, [2] * len(looks) if hours is None else hours))


def test_weighted_median_against_a_plain_one():
    values = draw(9).normal(size=(7, 4))
    np.testing.assert_allclose(series.weighted_median(values, np.ones((7, 4))), np.median(values, axis=0))
    heavy = np.ones((7, 4))
    heavy[3] = 100.0
    np.testing.assert_allclose(series.weighted_median(values, heavy), values[3])
    gone = np.zeros((7, 4))
    assert np.isnan(series.weighted_median(values, gone)).all()
    gone[2] = 1.0
    np.testing.assert_allclose(series.weighted_median(values, gone), values[2])


def test_dates_together_are_surer_than_one_but_not_without_end():
    error, seen = np.full((9, 1, 1), 0.1), np.ones((9, 1, 1), bool)
    assert 0.1 / 3 < series._level_error(error, seen).item() < 0.1
    assert series._level_error(error[:1], seen[:1]).item() == pytest.approx(0.1)


def test_weighted_median_is_that_of_a_plain_loop():
    random = draw(3)
    values, weights = (
        random.normal(size=(6, 5, 4)),
        random.uniform(0.0, 1.0, (6, 5, 4)) * (random.random((6, 5, 4)) > 0.3),
    )
    found = series.weighted_median(values, weights)
    for at in np.ndindex(5, 4):
        column = [(values[(k, *at)], weights[(k, *at)]) for k in range(6) if weights[(k, *at)] > 0]
        reached, expected = 0.0, np.nan
        for value, weight in sorted(column):
            reached += weight
            if reached >= 0.5 * sum(w for _, w in column):
                expected = value
                break
        np.testing.assert_array_equal(found[at], expected)


def test_weighted_median_forgets_what_has_no_weight_and_the_scale_of_the_rest():
    values, weights = draw(5).normal(size=(7, 30)), draw(6).uniform(0.1, 1.0, (7, 30))
    weights[2] = 0.0
    found = series.weighted_median(values, weights)
    np.testing.assert_array_equal(series.weighted_median(values, 8.0 * weights), found)
    values[2] = np.nan
    np.testing.assert_array_equal(series.weighted_median(values, weights), found)
    order = draw(7).permutation(7)
    np.testing.assert_array_equal(series.weighted_median(values[order], weights[order]), found)


@pytest.mark.parametrize("count", [1, 2, 5, 20])
def test_error_of_the_level_is_half_common_and_half_each_date_for_itself(count):
    error = np.full((count, 2, 3), 0.08)
    expected = np.sqrt(0.5 * 0.08**2 + 0.5 * 0.08**2 / count)
    np.testing.assert_allclose(series._level_error(error, np.ones((count, 2, 3), bool)), expected)


def test_error_of_the_level_counts_the_dates_that_are_seen():
    error = draw(4).uniform(0.03, 0.2, (6, 1, 1))
    seen = np.array([True, False, True, True, False, False])[:, None, None]
    weights = error[seen] ** -2.0
    expected = np.sqrt(0.5 * 3 / weights.sum() + 0.5 / weights.sum())
    assert series._level_error(error, seen).item() == pytest.approx(expected)
    assert np.isnan(series._level_error(error, np.zeros((6, 1, 1), bool))).all()


def test_surface_of_a_date_is_what_the_light_came_from(simple):
    surface = ground()
    light = plain_air.seen_through(surface, KEY, 0.4).reshape(1, 1, 16)
    found = series._surface(light, plain_air.sky((1, 1)), np.full((1, 1), 0.4, np.float32), [KEY])
    np.testing.assert_allclose(found.reshape(4, 4), surface, rtol=1e-5)


# ---- whole series ----------------------------------------------------------------------------------------------------
def test_true_first_estimates_are_kept(simple):
    found = stacked(dates(ground()))
    assert found.shape == (5, 3, 1, 1)
    np.testing.assert_allclose(found[:, 0, 0, 0], DEPTHS, atol=2e-4)
    np.testing.assert_array_equal(found[:, 2, 0, 0], 5)


def test_one_wrong_date_is_set_right_by_the_others(simple):
    """The median of the surfaces does not follow an outlier, so its optical depth comes from the light alone."""
    wrong = DEPTHS.copy()
    wrong[2] += 0.3
    found = stacked(dates(ground(), priors=wrong))
    np.testing.assert_allclose(found[:, 0, 0, 0], DEPTHS, atol=2e-3)


def test_dates_of_small_error_count_most(simple):
    wrong = DEPTHS + 0.2
    wrong[0] = DEPTHS[0]
    sigmas = np.array([0.04, 0.1, 0.1, 0.1, 0.1])  # weights of 625 and 4 x 100
    found = stacked(dates(ground(), priors=wrong, sigmas=sigmas))
    np.testing.assert_allclose(found[:, 0, 0, 0], DEPTHS, atol=2e-3)
    alike = stacked(dates(ground(), priors=wrong))
    assert (alike[:, 0, 0, 0] > DEPTHS + 0.1).all()


def test_hours_know_nothing_of_each_other(simple):
    wrong = DEPTHS + np.array([0.0, 0.2, 0.0, 0.2, 0.0])
    looks, hours = dates(ground(), priors=wrong), [2, 5, 2, 5, 2]
    both = stacked(looks, hours)
    for hour in (2, 5):
        at = [k for k in range(5) if hours[k] == hour]
        np.testing.assert_array_equal(both[at], stacked([looks[k] for k in at], [hour] * len(at)))
    assert both[:, 2, 0, 0].tolist() == [3, 2, 3, 2, 3]
    assert not np.allclose(both, stacked(looks))


def test_order_of_dates_and_of_pixels_does_not_matter(simple):
    surface, priors = ground(), DEPTHS + 0.05 * draw(8).normal(size=5)
    found = stacked(dates(surface, priors=priors))
    order = [3, 0, 4, 1, 2]
    turned = stacked(dates(surface, DEPTHS[order], priors[order]))
    np.testing.assert_allclose(turned, found[order], rtol=1e-5)
    mixed = draw(9).permutation(surface.ravel()).reshape(4, 4)
    np.testing.assert_allclose(stacked(dates(mixed, priors=priors)), found, rtol=1e-5)


def test_a_cloudy_date_has_no_value_and_does_not_count(simple):
    marks = [None, cloudy(), None, None, cloudy(slice(0, 9))]
    found = stacked(dates(ground(), marked=marks))
    assert np.isnan(found[1, :2]).all()
    np.testing.assert_array_equal(found[:, 2, 0, 0], 4)
    np.testing.assert_allclose(found[[0, 2, 3, 4], 0, 0, 0], DEPTHS[[0, 2, 3, 4]], atol=2e-4)


def test_never_clear_is_never_known(simple):
    found = stacked(dates(ground(), marked=[cloudy()] * 5))
    assert np.isnan(found[:, :2]).all()
    assert (found[:, 2] == 0).all()


def test_missing_light_is_as_good_as_a_cloud(simple):
    surface = ground()
    looks = dates(surface)
    looks[3].toa[:, :, :2] = np.nan
    marked = dates(surface, marked=[None] * 3 + [cloudy([0, 1, 4, 5, 8, 9, 12, 13]), None])
    np.testing.assert_array_equal(stacked(looks), stacked(marked))


def lever(below, above, depth):
    """Return by how much the optical depth changes for a relative error of the surface, between two nodes."""
    light = plain_air.seen_through(0.05, KEY, depth)
    laws = [plain_air.laws(KEY, node) for node in (below, above)]
    seen = [(light - p) / t / (1 + a * (light - p) / t) for p, t, a in laws]
    return 0.05 * (above - below) / (seen[0] - seen[1])


@pytest.mark.parametrize("sigma", [1e-4, 0.1])
def test_sigma_joins_the_surface_and_the_level(sigma, simple):
    """An error of 5 % of the surface, and that of five dates; no scatter, as all pixels are alike."""
    ends = [(NODES[k], NODES[k + 1]) for k in (3, 7, 4, 9, 5)]
    middle = np.mean(ends, axis=1)
    found = stacked(dates(np.full((4, 4), 0.05), middle, sigmas=sigma))
    level = np.sqrt(0.5 * sigma**2 + 0.5 * sigma**2 / 5)
    expected = [np.hypot(0.05 * lever(*pair, depth), level) for pair, depth in zip(ends, middle, strict=True)]
    np.testing.assert_allclose(found[:, 1, 0, 0], expected, rtol=0.01)


def test_scatter_of_the_pixels_adds_to_sigma(simple):
    """Pixels whose optical depths part evenly: 1.4826 of the median distance, over the root of their number."""
    looks = dates(np.full((4, 4), 0.05), sigmas=1e-4)
    before = stacked(looks)[3, 1].item()
    away = np.linspace(-0.1, 0.1, 16)
    looks[3].toa[0] = plain_air.seen_through(0.05, KEY, DEPTHS[3] + away).reshape(4, 4)
    scatter = 1.4826 * np.median(np.abs(away - np.median(away)))
    assert stacked(looks)[3, 1].item() == pytest.approx(np.hypot(before, scatter / 4.0), rel=0.1)


def test_more_dates_are_surer(simple):
    few, many = (stacked(dates(ground(), np.full(count, NODES[5])))[0, 1].item() for count in (1, 9))
    assert many < few


def test_chunks_and_float_type_do_not_matter(simple, monkeypatch):
    surface, priors = ground(shape=(2, 3)), DEPTHS + 0.05 * draw(8).normal(size=5)
    whole = stacked(dates(surface, priors=priors))
    assert whole.shape == (5, 3, 2, 3)
    monkeypatch.setattr(_aerosol_cells, "_CHUNK", 4)
    lazy = series.series(dates(surface, priors=priors, lazy=True), [2] * 5)
    assert lazy[0].numblocks == (1, 2, 3)
    np.testing.assert_array_equal(np.stack([one.compute() for one in lazy]), whole)
    double = stacked(dates(surface, priors=priors, dtype=np.float64))
    assert double.dtype == np.float32
    np.testing.assert_allclose(double, whole, atol=1e-5)


def test_clouds_of_a_neighbouring_cell_change_nothing(simple):
    surface = ground(shape=(1, 2))
    mark = np.zeros((1, 4, 8), np.int8)
    mark[:, :, 4:] = 2
    found = stacked(dates(surface, marked=[mark] * 5))
    np.testing.assert_array_equal(found[..., :1], stacked(dates(surface[:, :4])))
    assert np.isnan(found[:, 0, 0, 1]).all()
