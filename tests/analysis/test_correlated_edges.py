"""Totals with correlated errors at their limits: infinite numbers, parts that lie apart, poles, blocks, many zones."""

import numpy as np
import pytest

from musyq_lab.analysis import correlated
from musyq_lab.analysis.correlated import EARTH_RADIUS, ErrorPart, correlated_total
from musyq_lab.analysis.zonal import ZoneFractions
from musyq_lab.core.errors import InputError

LATITUDE, LONGITUDE = np.array([60.0, 20.0, -20.0, -60.0]), np.arange(-150.0, 180.0, 60.0)


def zones(*members, latitude=LATITUDE, longitude=LONGITUDE, fraction=1.0):
    """Return zones of the cells (row, column) that are listed for each."""
    columns = longitude.size
    cell = np.array([row * columns + column for cells in members for row, column in cells], np.int64)
    zone = np.repeat(np.arange(len(members)), [len(cells) for cells in members]).astype(np.int64)
    names = tuple(f"z{number}" for number in range(len(members)))
    return ZoneFractions(names, cell, zone, np.full(cell.size, float(fraction)), latitude, longitude)


def everything(latitude, longitude):
    cells = [(row, column) for row in range(latitude.size) for column in range(longitude.size)]
    return zones(cells, latitude=latitude, longitude=longitude)


def angle(first, second):
    """Angle between two places by the spherical law of cosines."""
    (phi, lam), (psi, mu) = np.radians(first), np.radians(second)
    return np.arccos(np.clip(np.sin(phi) * np.sin(psi) + np.cos(phi) * np.cos(psi) * np.cos(lam - mu), -1, 1))


def ones():
    return np.ones((LATITUDE.size, LONGITUDE.size))


@pytest.mark.parametrize(
    ("first", "second"),
    [((0, 0), (0, 5)), ((0, 0), (3, 3)), ((1, 1), (2, 1)), ((3, 2), (3, 5)), ((0, 1), (2, 4))],
    ids=["seam", "antipodes", "meridian", "across the pole", "oblique"],
)
@pytest.mark.parametrize("length", [500.0, 5000.0])
def test_two_cells_alone_have_the_correlation_of_their_distance(first, second, length):
    found = correlated_total(ones(), zones([first, second]), [ErrorPart("a", 2.0, length)])
    places = [(LATITUDE[row], LONGITUDE[column]) for row, column in (first, second)]
    alike = np.exp(-EARTH_RADIUS * angle(*places) / length)
    assert found["sigma_a"].item() == pytest.approx(2.0 * np.sqrt(2 + 2 * alike), rel=1e-9)


@pytest.mark.parametrize("direction", [1, -1])
def test_the_way_rows_and_columns_run_does_not_matter(direction):
    latitude, longitude = np.linspace(50, 10, 5)[::direction], np.linspace(0, 40, 6)[::direction]
    sigma = np.random.default_rng(0).uniform(0, 1, (5, 6))
    parts = [ErrorPart("a", sigma[::direction, ::direction], 800.0), ErrorPart("b", sigma[::direction, ::direction])]
    found = correlated_total(sigma, everything(latitude, longitude), parts)
    plain = [ErrorPart("a", sigma, 800.0), ErrorPart("b", sigma)]
    expected = correlated_total(sigma, everything(np.linspace(50, 10, 5), np.linspace(0, 40, 6)), plain)
    np.testing.assert_allclose(found[["sigma_a", "sigma_b"]], expected[["sigma_a", "sigma_b"]], rtol=1e-12)


@pytest.mark.parametrize("part", [ErrorPart("a", 1.0, 0.0), ErrorPart("a", 1.0, 900.0), ErrorPart("a", 1.0)])
def test_sigma_is_homogeneous_and_follows_the_share_of_a_cell(part):
    members = [[(0, 0), (0, 1), (1, 1)], [(2, 3)]]
    whole = correlated_total(ones(), zones(*members), [part])
    tripled = correlated_total(ones(), zones(*members), [ErrorPart("a", 3.0, part.length)])
    half = correlated_total(ones(), zones(*members, fraction=0.5), [part])
    np.testing.assert_allclose(tripled["sigma_a"], 3 * whole["sigma_a"])
    np.testing.assert_allclose(half["sigma_a"], whole["sigma_a"] / 2)
    np.testing.assert_allclose(half["total"], whole["total"] / 2)


@pytest.mark.parametrize("length", [0.0, 700.0, np.inf])
def test_a_zone_does_not_know_of_others(length):
    first, second = [(0, 0), (1, 2), (1, 3)], [(1, 2), (3, 5)]
    sigma = np.random.default_rng(1).uniform(0.1, 1, ones().shape)
    together = correlated_total(sigma, zones(first, second), [ErrorPart("a", sigma, length)])
    for number, members in enumerate((first, second)):
        alone = correlated_total(sigma, zones(members), [ErrorPart("a", sigma, length)]).iloc[0]
        np.testing.assert_allclose(together.iloc[number].astype(float), alone.astype(float), rtol=1e-12)


@pytest.mark.parametrize("length", [100.0, 1000.0, 10000.0])
def test_the_parts_of_a_zone_lie_between_quadrature_and_sum(length):
    part = [ErrorPart("a", 1.0, length)]
    north, south = [(0, c) for c in range(6)], [(3, c) for c in range(6)]
    table = correlated_total(ones(), zones(north, south, north + south), part)["sigma_a"]
    assert np.hypot(table["z0"], table["z1"]) < table["z2"] * (1 + 1e-12)
    assert table["z2"] < table["z0"] + table["z1"]


def test_a_zone_without_cells_has_nothing():
    parts = [ErrorPart("a", 1.0, 500.0), ErrorPart("b", 1.0), ErrorPart("c", 1.0, 0.0), ErrorPart("d", 1.0, groups=1)]
    table = correlated_total(ones(), zones([], [(0, 0)], []), parts)
    assert (table.loc[["z0", "z2"]].to_numpy(float) == 0).all()
    assert table.loc["z1", "sigma"] == pytest.approx(2.0)  # four parts of 1


def test_no_parts_no_error_and_no_zones_no_rows():
    table = correlated_total(ones(), zones([(0, 0)]), [])
    assert table.columns.tolist() == ["total", "sigma"]
    assert table["sigma"].item() == 0.0
    assert correlated_total(ones(), zones(), [ErrorPart("a", 1.0, 10.0)]).empty


@pytest.mark.parametrize("infinite", [np.inf, -np.inf])
def test_infinite_numbers_are_refused_not_summed(infinite):
    field = ones()
    field[0, 0] = infinite
    with pytest.raises(InputError, match="The amounts hold infinite numbers"):
        correlated_total(field, zones([(0, 0)]), [])
    with pytest.raises(InputError, match="uncertainties 'weather' hold infinite"):
        correlated_total(ones(), zones([(3, 3)]), [ErrorPart("weather", field, 100.0)])


def test_a_missing_sigma_counts_as_nothing():
    sigma = ones()
    sigma[0, 0] = np.nan
    found = correlated_total(ones(), zones([(0, 0), (0, 1)]), [ErrorPart("a", sigma)])
    assert found["sigma_a"].item() == 1.0
    assert found["total"].item() == 2.0


@pytest.mark.parametrize(
    "labels", [np.array([1, 1, 2, 2, 3, 3]), np.array(list("aabbcc")), np.array([0.5] * 2 + [9] * 4)]
)
def test_groups_may_be_numbers_or_words(labels):
    row = [(0, c) for c in range(6)]
    found = correlated_total(ones(), zones(row), [ErrorPart("a", 1.0, groups=labels[None, :])])["sigma_a"].item()
    counts = np.unique(labels, return_counts=True)[1]
    assert found == pytest.approx(np.sqrt((counts**2).sum()))


def test_negative_amounts_cancel_and_their_errors_do_not():
    field = ones()
    field[0, 1] = -1.0
    found = correlated_total(field, zones([(0, 0), (0, 1)]), [ErrorPart("a", 1.0, 0.0)])
    assert found["total"].item() == 0.0
    assert found["sigma"].item() == pytest.approx(np.sqrt(2))


def test_a_field_of_another_grid_is_no_field():
    with pytest.raises(ValueError, match="broadcast"):
        correlated_total(np.ones((3, 6)), zones([(0, 0)]), [])


# ---- blocks ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", [(180, 360), (181, 360), (7, 361), (500, 1000), (1, 5000)])
def test_blocks_keep_the_sum_the_middle_and_even_steps(shape):
    rng = np.random.default_rng(0)
    weights = rng.uniform(0, 1, shape)
    latitude, longitude = np.linspace(30, 20, shape[0]), np.linspace(5, 25, shape[1])
    summed, south_north, across = correlated._blocks(weights, latitude, longitude)
    assert summed.shape == (south_north.size, across.size)
    assert summed.shape[0] <= 180
    assert summed.shape[1] <= 360
    assert summed.sum() == pytest.approx(weights.sum(), rel=1e-12)
    if across.size > 1:
        np.testing.assert_allclose(np.diff(across), np.diff(across)[0], rtol=1e-9)
    step = longitude[1] - longitude[0]
    wide = round((across[1] - across[0]) / step) if across.size > 1 else 1
    assert across[0] == pytest.approx(longitude[:wide].mean())
    assert (weights is summed) == (shape[0] <= 180 and shape[1] <= 360)


@pytest.mark.parametrize("columns", [720, 1440, 3600, 1000])
def test_blocks_of_the_globe_close_around_it(columns):
    longitude = -180 + 360 * (np.arange(columns) + 0.5) / columns
    _, _, across = correlated._blocks(np.ones((2, columns)), np.array([1.0, -1.0]), longitude)
    assert across.size <= 360
    assert across.size * (across[1] - across[0]) == pytest.approx(360.0)


@pytest.mark.parametrize(
    ("cells", "most", "whole", "size"),
    [
        (10, 180, 10, 1),
        (181, 180, 181, 2),
        (360, 360, 360, 1),
        (720, 360, 720, 2),
        (1000, 360, 1000, 4),
        (900, 360, 0, 3),
    ],
)
def test_cells_of_a_block(cells, most, whole, size):
    found = correlated._size(cells, most, whole)
    if whole and cells % 2:  # a prime number has no divisor that leaves more than one block
        assert found == -(-cells // most)
    else:
        assert found == size
        assert not whole or cells % found == 0
    assert -(-cells // found) <= most


@pytest.mark.parametrize(("size", "step"), [(1, 0.0), (2, 3.0), (5, 0.25)])
def test_the_step_of_longitudes(size, step):
    assert correlated._step(10.0 + step * np.arange(size)) == pytest.approx(step)
    assert correlated._step(10.0 - step * np.arange(size)) == pytest.approx(step)
