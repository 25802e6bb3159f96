"""Parts of the series method: weighted medians, and what dates know together."""

import numpy as np
import pytest
from products.air_scenes import draw

from musyq_lab.products import _aerosol_series as series


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
