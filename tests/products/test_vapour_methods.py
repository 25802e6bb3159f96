"""Closed forms of water vapour: windows, errors, coefficients of sensors, ratios of covariance."""

import numpy as np
import pytest
import xarray as xr
from products.air_scenes import draw

from musyq_lab.core.errors import InputError
from musyq_lab.products import _vapour_methods as methods


def field(value):
    return xr.DataArray(np.float64(value))


def test_three_channels_weigh_the_windows():
    both, _ = methods.by_exponential(field(0.1), field(0.3), field(0.4), field(2.5))
    mixed, _ = methods.by_exponential(field(0.1), field(0.8 * 0.3 + 0.2 * 0.4), None, field(2.5))
    assert float(both) == pytest.approx(float(mixed), rel=1e-12)


def test_sigma_of_the_exponential_joins_surface_and_model():
    column, sigma = methods.by_exponential(field(0.1), field(0.3), None, field(2.5))
    other, _ = methods.by_exponential(field(0.1 * np.exp(0.03)), field(0.3), None, field(2.5))
    assert float(sigma) == pytest.approx(float(np.hypot(0.25 * column, column - other)), rel=0.05)


def test_our_regression_agrees_with_the_published_one():
    """Two spectroscopies and two sets of atmospheres, where the ground is still seen (to 45 kg m-2)."""
    ratio = np.linspace(0.75, 0.97, 23)
    published = methods.relation("landsat_oli", "Landsat-8")
    ours = methods._relations()[("landsat_oli", "Landsat-8")]
    first, second = (10.0 * (r.c0 + r.c1 * ratio + r.c2 * ratio**2) for r in (published, ours))
    assert np.abs(first - second).max() < 5.0  # kg m-2, the rmse of Ren et al.


def test_every_sensor_of_two_windows_is_served_and_dries_as_the_ratio_rises():
    for key, variant in methods._relations():
        found = methods.relation(key, variant)
        curve = found.c0 + found.c1 * np.linspace(0.5, 0.95, 10) + found.c2 * np.linspace(0.5, 0.95, 10) ** 2
        assert (np.diff(curve) < 0).all(), key
        assert found.rmse <= 0.5
    with pytest.raises(InputError, match="modis"):
        methods.relation("gf1_wfv")


def test_the_ratio_is_that_of_numpy():
    random = draw(8)
    light = 290 + random.normal(size=(2, 12, 12))
    light[1] = 0.9 * light[0] + 0.05 * random.normal(size=(12, 12))
    light[0, 3, 4] = np.nan
    marked = np.zeros((1, 12, 12), np.int8)
    known = np.array([0.0, 20.0, 5.0])[:, None, None] * np.ones((3, 1, 1))
    simple = methods.Relation(0.0, 1.0, 0.0, 0.0)
    value, sigma, was = methods._covariance_cells(light, marked, known, rows=12, columns=12, coefficients=simple)
    first, second = (part[np.isfinite(light[0])] for part in light)
    matrix = np.cov(first, second)
    assert was.all()
    assert float(value[0, 0]) == pytest.approx(10.0 * matrix[0, 1] / matrix[0, 0], rel=1e-6)
    own = matrix[0, 0] * (first.size - 1)
    noise = (0.01 * (1 + (value[0, 0] / 10) ** 2) + 0.04 * first.size) / own
    assert float(sigma[0, 0]) == pytest.approx(10.0 * np.sqrt(noise), rel=1e-5)
