"""Lines across gaps against numpy's interpolation, and the errors of a random walk by hand."""

import numpy as np

from musyq_lab.kernels import smooth


def test_lines_are_numpys_interpolation():
    times = np.cumsum(np.random.Generator(np.random.Philox(4)).uniform(0.5, 9.0, 90))
    draw = np.random.Generator(np.random.Philox(1))
    y = np.where(draw.random((90, 70)) < 0.5, np.nan, draw.random((90, 70)))
    found = smooth.lines(y, times)
    for k in range(70):
        known = np.isfinite(y[:, k])
        np.testing.assert_allclose(found.value[:, k], np.interp(times, times[known], y[known, k]), atol=1e-12)
        assert (found.length[known, k] == 0.0).all()


def test_lengths_and_errors_of_gaps():
    y = np.array([np.nan, 1.0, 3.0, np.nan, np.nan, 4.0, np.nan])
    found = smooth.lines(y, [0.0, 2.0, 3.0, 4.0, 6.0, 7.0, 10.0])
    np.testing.assert_array_equal(found.length, [2.0, 0.0, 0.0, 4.0, 4.0, 0.0, 3.0])
    rate = (2.0**2 / 1.0 + 1.0**2 / 4.0) / 2
    bridged = [2.0, 0.0, 0.0, 1 * 3 / 4, 3 * 1 / 4, 0.0, 3.0]
    np.testing.assert_allclose(found.error, np.sqrt(rate * np.array(bridged)))
    empty = smooth.lines(np.full(5, np.nan))
    assert np.isnan(empty.value).all()
    assert np.isinf(empty.length).all()
