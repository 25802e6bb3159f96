"""Likelihood of an optical depth beside scipy's distribution, and columns of vapour from a forward model."""

import numpy as np
import pytest
from scipy.stats import multivariate_t

from musyq_lab.kernels import aerosol

NODES = 5
PATH = np.linspace(0.02, 0.18, NODES)[:, None] * np.array([1.0, 0.7, 0.2])
THROUGH = np.linspace(0.95, 0.7, NODES)[:, None] * np.array([0.9, 0.95, 1.0])
ALBEDO = np.linspace(0.1, 0.2, NODES)[:, None] * np.array([1.0, 0.8, 0.3])
SKY = (PATH, THROUGH, ALBEDO)


def kinds(key=0):
    """Return means, covariances and shares of two kinds of surfaces in three bands."""
    draw = np.random.Generator(np.random.Philox(key))
    mean = np.log(np.array([[0.03, 0.04, 0.35], [0.15, 0.22, 0.30]]) + aerosol.OFFSET)
    covariance = np.stack([a @ a.T + 0.01 * np.eye(3) for a in 0.1 * draw.standard_normal((2, 3, 3))])
    return mean, covariance, np.array([0.7, 0.3])


def arguments(mean, covariance, share):
    factor = np.linalg.cholesky(covariance)
    constant = np.linalg.slogdet(covariance)[1] - 2 * np.log(share)
    return mean, np.linalg.inv(factor), constant


def forward(surface, node):
    return PATH[node] + THROUGH[node] * surface / (1 - ALBEDO[node] * surface)


def surface_of(toa, node):
    y = (toa - PATH[node]) / THROUGH[node]
    return y / (1 + ALBEDO[node] * y)


@pytest.mark.parametrize("surface", [(0.03, 0.05, 0.3), (0.02, 0.02, 0.4), (0.18, 0.25, 0.35)])
def test_the_cost_is_that_of_students_distribution(surface):
    """Beside the logarithm of the density that scipy gives, as one of reflectance."""
    mean, covariance, share = kinds()
    toa = forward(np.array(surface), 2)
    expected = []
    for node in range(NODES):
        x = np.log(np.maximum(surface_of(toa, node), -0.01) + 0.02)
        logs = [
            multivariate_t.logpdf(x, m, c, df=aerosol.FREEDOM) + np.log(s)
            for m, c, s in zip(mean, covariance, share, strict=True)
        ]
        expected.append(-2 * (max(logs) - x.sum()))  # the Jacobian of the logarithm
    curve, _ = aerosol.misfit.python(toa, *SKY, *arguments(mean, covariance, share))
    np.testing.assert_allclose(curve, np.array(expected) - min(expected), atol=1e-6)


@pytest.mark.parametrize("node", range(NODES))
@pytest.mark.parametrize("kind", [0, 1])
def test_the_mean_surface_under_an_optical_depth_gives_it_and_its_kind(node, kind):
    mean, _, share = kinds()
    tight = np.broadcast_to(1e-4 * np.eye(3), (2, 3, 3))
    toa = forward(np.exp(mean[kind]) - aerosol.OFFSET, node)
    curve, found = aerosol.misfit.python(toa, *SKY, *arguments(mean, tight, share))
    assert curve.argmin() == node
    assert found == kind
    assert curve[node] == 0.0


@pytest.mark.parametrize("band", range(3))
def test_without_a_band_there_is_no_likelihood(band):
    toa = forward(np.array([0.05, 0.06, 0.3]), 1)
    toa[band] = np.nan
    curve, kind = aerosol.misfit.python(toa, *SKY, *arguments(*kinds()))
    assert np.isnan(curve).all()
    assert np.isnan(kind)


def test_outside_the_tables_there_is_no_likelihood():
    path = PATH.copy()
    path[3] = np.nan
    curve, kind = aerosol.misfit.python(forward(np.full(3, 0.1), 1), path, THROUGH, ALBEDO, *arguments(*kinds()))
    assert np.isnan(curve).all()
    assert np.isnan(kind)


def test_unlike_surfaces_count_little():
    """A cloud is so far from all kinds that no optical depth makes it likely: the curve stays flat."""
    mean, covariance, share = kinds()
    spans = []
    for surface in (np.exp(mean[0]) - aerosol.OFFSET, np.array([0.85, 0.85, 0.8])):
        seen = [surface_of(forward(surface, 2), node) for node in range(NODES)]
        x = [np.log(np.maximum(part, -0.01) + aerosol.OFFSET) for part in seen]
        away = [min(_distance(row, m, c) for m, c in zip(mean, covariance, strict=True)) for row in x]
        normal = max(away) - min(away)
        curve, _ = aerosol.misfit.python(forward(surface, 2), *SKY, *arguments(mean, covariance, share))
        spans.append((curve.max(), normal))
    assert spans[1][0] < 0.5 * spans[1][1]


def _distance(x, mean, covariance):
    away = x - mean
    return away @ np.linalg.solve(covariance, away)


def test_compiled_likelihood_is_that_of_the_twin():
    draw = np.random.Generator(np.random.Philox(1))
    toa = draw.uniform(0.02, 0.4, (40, 3)).astype(np.float32)
    toa[7, 1] = np.nan
    told = [np.asarray(part, np.float32) for part in (*SKY, *arguments(*kinds()))]
    compiled, twin = aerosol.misfit(toa, *told), aerosol.misfit.python(toa, *told)
    np.testing.assert_allclose(compiled[0], twin[0], atol=2e-4)
    np.testing.assert_array_equal(compiled[1], twin[1])
    assert compiled[0].dtype == np.float32


def test_pixels_share_the_sky_of_their_cell():
    draw = np.random.Generator(np.random.Philox(2))
    toa = draw.uniform(0.05, 0.4, (2, 3, 3)).astype(np.float32)
    skies = [np.stack([part, part + 0.01]).astype(np.float32)[:, None] for part in SKY]
    told = [np.asarray(part, np.float32) for part in arguments(*kinds())]
    together, _ = aerosol.misfit(toa, *skies, *told)
    for cell in range(2):
        apart, _ = aerosol.misfit(toa[cell], *(part[cell, 0] for part in skies), *told)
        np.testing.assert_array_equal(together[cell], apart)


# ---- water vapour ----------------------------------------------------------------------------------------------------
COLUMN = np.linspace(0.0, np.sqrt(80.0), 25) ** 2


def absorbing():
    """Return a sky whose first band loses light as exp(-0.12 sqrt(column)), the others none."""
    through = np.stack([np.exp(-0.12 * np.sqrt(COLUMN)), np.ones(25), np.ones(25)], -1)
    return 0.01 * np.ones((25, 3)), through, 0.05 * np.ones((25, 3))


def lit(column, surfaces):
    through = np.array([np.exp(-0.12 * np.sqrt(column)), 1.0, 1.0])
    return 0.01 + through * surfaces / (1 - 0.05 * surfaces)


@pytest.mark.parametrize("column", [0.5, 3.0, 12.0, 29.3, 61.0, 79.0])
@pytest.mark.parametrize("bright", [0.15, 0.5])
def test_the_column_comes_back(column, bright):
    surfaces = bright * np.array([0.9 * 0.6 + 1.1 * 0.4, 0.9, 1.1])
    found, _ = aerosol.vapour.python(lit(column, surfaces), *absorbing(), np.array([0.6, 0.4]), COLUMN)
    assert found == pytest.approx(column, rel=4e-3, abs=0.04)


@pytest.mark.parametrize("column", [5.0, 30.0, 60.0])
def test_the_response_is_the_change_for_another_surface(column):
    surfaces = np.array([0.3, 0.3, 0.3])
    weights = np.array([1.0, 0.0])
    sky = absorbing()
    here, response = aerosol.vapour.python(lit(column, surfaces), *sky, weights, COLUMN)
    darker = lit(column, surfaces * np.array([0.99, 1.0, 1.0]))
    there, _ = aerosol.vapour.python(darker, *sky, weights, COLUMN)
    assert (there - here) / 0.01 == pytest.approx(response, rel=0.1)
    # exp(-0.12 sqrt W): d ln T / dW = -0.06 / sqrt W; linear between columns a few kg m-2 apart
    assert response == pytest.approx(np.sqrt(column) / 0.06, rel=0.15)


@pytest.mark.parametrize("factor", [3.0, 0.1])
def test_beyond_the_columns_there_is_none(factor):
    toa = lit(30.0, np.array([0.3 * factor, 0.3, 0.3]))
    found, response = aerosol.vapour.python(toa, *absorbing(), np.array([1.0, 0.0]), COLUMN)
    assert np.isnan(found)
    assert np.isnan(response)


def test_without_a_band_there_is_no_column():
    toa = lit(30.0, np.full(3, 0.3))
    toa[1] = np.nan
    found, _ = aerosol.vapour.python(toa, *absorbing(), np.array([0.5, 0.5]), COLUMN)
    assert np.isnan(found)


def test_compiled_column_is_that_of_the_twin():
    draw = np.random.Generator(np.random.Philox(3))
    toa = np.stack([lit(c, np.full(3, 0.3)) for c in draw.uniform(1, 70, 30)]).astype(np.float32)
    toa[4, 0] = np.nan
    told = [np.asarray(part, np.float32) for part in (*absorbing(), [0.5, 0.5], COLUMN)]
    for compiled, twin in zip(aerosol.vapour(toa, *told), aerosol.vapour.python(toa, *told), strict=True):
        np.testing.assert_allclose(compiled, twin, rtol=1e-4)
