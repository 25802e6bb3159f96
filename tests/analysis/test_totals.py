import numpy as np
import pytest
import shapely

from musyq_lab.analysis.totals import Z95, interval, total
from musyq_lab.analysis.zonal import zone_fractions
from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import GRIDS

GRID = GRIDS["0p25deg"].window(0, 30, 12, 42)  # 48 x 48 cells, 4 x 4 blocks of 3 degrees
ZONES = zone_fractions({"west": shapely.box(0, 30, 6, 42), "east": shapely.box(6, 30, 12, 42)}, GRID)
ONES = np.ones(GRID.shape)


def test_common_errors_add_up_linearly():
    table = total(ONES, ZONES, common=0.1 * ONES)
    np.testing.assert_allclose(table["sigma"], 0.1 * table["total"])


def test_local_errors_add_up_in_quadrature_between_blocks():
    table = total(ONES, ZONES, local=0.1 * ONES, correlation_length=3.0)
    # 8 blocks of 144 cells a zone: sqrt(8) x 144 x 0.1.
    np.testing.assert_allclose(table["sigma"], np.sqrt(8) * 144 * 0.1)


def test_limits_of_the_correlation_length():
    alone = total(ONES, ZONES, local=ONES, correlation_length=0.25)["sigma"]
    together = total(ONES, ZONES, local=ONES, correlation_length=90.0)["sigma"]
    np.testing.assert_allclose(alone, np.sqrt(1152))
    np.testing.assert_allclose(together, 1152)


def test_both_parts_are_independent():
    table = total(ONES, ZONES, common=0.1, local=0.2)
    np.testing.assert_allclose(table["sigma"] ** 2, table["sigma_common"] ** 2 + table["sigma_local"] ** 2)


def test_monte_carlo_agrees():
    rng = np.random.default_rng(7)
    common, block = rng.normal(0, 0.1, (4000, 1, 1)), rng.normal(0, 0.2, (4000, 4, 4))
    errors = common + np.kron(block, np.ones((12, 12)))
    sums = (1 + errors[:, :, :24]).sum(axis=(1, 2))
    table = total(ONES, ZONES, common=0.1, local=0.2, correlation_length=3.0)
    assert table.loc["west", "sigma"] == pytest.approx(sums.std(), rel=0.05)


def test_missing_cells_count_as_nothing():
    values = ONES.copy()
    values[:, :24] = np.nan
    assert total(values, ZONES).loc["west", "total"] == 0


def test_bad_input():
    with pytest.raises(InputError, match="positive"):
        total(ONES, ZONES, correlation_length=0)
    with pytest.raises(InputError, match="negative"):
        total(ONES, ZONES, common=-ONES)


def test_interval_is_lognormal_and_covers_95_percent():
    low, high = interval(100.0, 30.0)
    assert low * high == pytest.approx(100.0**2)
    spread = np.sqrt(np.log1p(0.09))
    draws = 100 * np.exp(np.random.default_rng(3).normal(0, spread, 200_000))
    assert np.mean((draws > low) & (draws < high)) == pytest.approx(0.95, abs=0.003)


def test_interval_holds_the_scenarios_and_stays_positive():
    low, high = interval([100.0, 100.0], [0.0, 20.0], [60.0, 0.0], [130.0, 180.0])
    assert low[0] == pytest.approx(60.0)
    assert high[0] == pytest.approx(130.0)
    assert low[1] == 0.0
    assert high[1] > 180.0
    np.testing.assert_allclose(interval(0.0, 0.0), (0.0, 0.0))
    assert pytest.approx(1.96, abs=1e-4) == Z95
