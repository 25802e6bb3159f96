"""Correction between corners of cells: the formulas written out in numpy, limits, derivatives by differences."""

import numpy as np
import pytest

from musyq_lab.kernels.correction import FIELDS, REACH, sensitivity, surface

ROWS, COLUMNS, SIZE = 3, 4, 8
HEIGHT, WIDTH = (ROWS - 1) * SIZE, (COLUMNS - 1) * SIZE
MEANS = np.array([0.3, 20.0, 300.0, 950.0])
SPREADS = np.array([0.02, 1.0, 10.0, 10.0])


def made(seed=0):
    """Corners with random planes, the places of pixels and fields near the state of the corners."""
    draw = np.random.Generator(np.random.Philox(seed))
    at = MEANS + SPREADS * draw.uniform(-1, 1, (ROWS, COLUMNS, 4))
    levels, slopes = (0.1, 0.8, 0.15), (0.1, 1e-3, 1e-4, 1e-4)
    nodes = np.empty((ROWS, COLUMNS, FIELDS))
    position = 0
    for level, own in zip(levels, ((0, 1, 2, 3), (0, 1, 2, 3), (0, 3)), strict=True):
        value = level * draw.uniform(0.9, 1.1, (ROWS, COLUMNS))
        slope = np.stack([slopes[k] * draw.uniform(-1, 1, (ROWS, COLUMNS)) for k in own], -1)
        nodes[..., position] = value - (slope * at[..., list(own)]).sum(-1)
        nodes[..., position + 1 : position + 1 + len(own)] = slope
        position += 1 + len(own)
    reach, used = np.array(REACH), [0, 1, 3]
    nodes[..., 13] = ((at[..., used] / reach) ** 2).sum(-1)
    nodes[..., 14:] = at[..., used] / reach**2
    state = MEANS[:, None, None] + SPREADS[:, None, None] * draw.uniform(-1, 1, (4, HEIGHT, WIDTH))
    toa = draw.uniform(0.05, 0.6, (HEIGHT, WIDTH))
    return nodes, at, state, toa


def places():
    row, column = np.arange(HEIGHT), np.arange(WIDTH)
    return (row // SIZE).astype(float), row % SIZE / SIZE, np.arange(COLUMNS) * float(SIZE), column % SIZE / SIZE


def weights():
    """Bilinear weights of all corners at every pixel, dims (y, x, rows, columns)."""
    down = np.maximum(1 - np.abs(np.arange(HEIGHT)[:, None] / SIZE - np.arange(ROWS)), 0)
    across = np.maximum(1 - np.abs(np.arange(WIDTH)[:, None] / SIZE - np.arange(COLUMNS)), 0)
    return down[:, None, :, None] * across[None, :, None, :]


def coefficients(nodes, state):
    """Path, transmittance and albedo at every pixel, written out with einsum."""
    mixed = np.einsum("yxrc,rcf->fyx", weights(), nodes)
    five = [mixed[k] + sum(mixed[k + 1 + j] * state[j] for j in range(4)) for k in (0, 5)]
    return *five, mixed[10] + mixed[11] * state[0] + mixed[12] * state[3]


def expected(nodes, state, toa):
    path, through, albedo = coefficients(nodes, state)
    above = (toa - path) / through
    return above / (1 + albedo * above)


def test_reflectance_is_the_formula_over_bilinear_planes():
    nodes, _, state, toa = made()
    found = surface(toa, *state, nodes, *places())
    np.testing.assert_allclose(found, expected(nodes, state, toa), rtol=1e-10)


def test_what_the_surface_sends_up_comes_back():
    """Round trip: the equation of 6S forward, then the kernel."""
    nodes, _, state, _ = made(1)
    path, through, albedo = coefficients(nodes, state)
    truth = np.random.Generator(np.random.Philox(2)).uniform(-0.02, 0.9, (HEIGHT, WIDTH))
    toa = path + through * truth / (1 - albedo * truth)
    np.testing.assert_allclose(surface(toa, *state, nodes, *places()), truth, atol=1e-12)


def test_several_bands_at_once_are_each_alone():
    parts = [made(seed) for seed in (3, 4)]
    nodes, toa = (np.stack([part[k] for part in parts]) for k in (0, 3))
    state = parts[0][2]
    both = surface(toa, *state, nodes[:, None], *places())
    for k in range(2):
        np.testing.assert_array_equal(both[k], surface(toa[k], *state, nodes[k], *places()))


def test_a_row_of_corners_is_its_own_cells_edge():
    """At a corner the neighbours have no say: the result is that of its planes alone."""
    nodes, _, state, toa = made(5)
    found = surface(toa, *state, nodes, *places())
    alone = np.broadcast_to(nodes[1, 2], nodes.shape)
    at = SIZE, 2 * SIZE
    assert found[at] == pytest.approx(expected(alone, state, toa)[at], rel=1e-12)


@pytest.mark.parametrize(("which", "reach"), [(0, REACH[0]), (1, REACH[1]), (3, REACH[2])])
def test_far_from_the_corners_is_nan(which, reach):
    nodes, at, state, toa = made(6)
    nodes[..., 13:] = 0.0
    same = np.broadcast_to(MEANS, at.shape)
    used = [0, 1, 3]
    nodes[..., 13] = ((same[..., used] / np.array(REACH)) ** 2).sum(-1)
    nodes[..., 14:] = same[..., used] / np.array(REACH) ** 2
    for share, gone in ((0.99, False), (1.01, True)):
        moved = np.broadcast_to(MEANS[:, None, None], state.shape).copy()
        moved[which] += share * reach
        assert np.isnan(surface(toa, *moved, nodes, *places())).all() == gone


def test_corners_that_differ_among_themselves_are_not_trusted():
    """A plume's edge within a cell: each pixel is near one corner's state, but not near the other's."""
    nodes, at, state, toa = made(7)
    at[..., 0] = np.where(np.arange(COLUMNS) < 2, 0.1, 1.0)
    used = [0, 1, 3]
    nodes[..., 13] = ((at[..., used] / np.array(REACH)) ** 2).sum(-1)
    nodes[..., 14:] = at[..., used] / np.array(REACH) ** 2
    state[1:] = MEANS[1:, None, None]
    state[0] = np.where(np.arange(WIDTH) < 1.5 * SIZE, 0.1, 1.0)
    gone = np.isnan(surface(toa, *state, nodes, *places()))
    assert gone[:, SIZE + 1 : 2 * SIZE].all()
    assert not gone[:, :SIZE].any()
    assert not gone[:, 2 * SIZE :].any()


def test_nan_goes_no_further_than_its_pixel_or_its_cell():
    nodes, _, state, toa = made(8)
    toa[3, 5] = np.nan
    state[0, 6, 7] = np.nan
    gone = np.isnan(surface(toa, *state, nodes, *places()))
    assert gone.sum() == 2
    nodes[0, 0] = np.nan
    gone = np.isnan(surface(toa, *state, nodes, *places()))
    assert gone[:SIZE, :SIZE].all()
    assert not gone[SIZE:, SIZE:].any()


def test_derivatives_are_those_by_differences():
    nodes, _, state, toa = made(9)
    step = np.array([1e-5, 1e-3, 1e-2, 1e-2])
    sigma = np.array([0.05, 4.0, 20.0, 8.0])
    wide = [np.full((HEIGHT, WIDTH), value) for value in sigma]
    total = np.zeros((HEIGHT, WIDTH))
    for k in range(4):
        by = []
        for sign in (-1, 1):
            moved = state.copy()
            moved[k] += sign * step[k]
            by.append(expected(nodes, moved, toa))
        total += ((by[1] - by[0]) / (2 * step[k]) * sigma[k]) ** 2
    slope = (expected(nodes, state, toa + 1e-6) - expected(nodes, state, toa - 1e-6)) / 2e-6
    gain, own = sensitivity(toa, *state, *wide, 0.001, nodes, *places())
    np.testing.assert_allclose(gain, slope, rtol=1e-6)
    np.testing.assert_allclose(own, np.sqrt(total + (slope * 0.001) ** 2), rtol=1e-5)


def test_a_known_air_and_perfect_tables_add_no_error():
    nodes, _, state, toa = made(10)
    gain, own = sensitivity(toa, *state, *(0.0 * state), 0.0, nodes, *places())
    assert (gain > 0).all()
    assert not own.any()


def test_twin_and_compiled_agree_and_float32_stays():
    nodes, _, state, toa = made(11)
    for kernel, arguments in ((surface, ()), (sensitivity, (*np.abs(state) * 0.01, 0.001))):
        inputs = (toa, *state, *arguments, nodes, *places())
        for ours, twin in zip(np.atleast_3d(kernel(*inputs)), np.atleast_3d(kernel.python(*inputs)), strict=True):
            np.testing.assert_allclose(ours, twin, rtol=1e-12)
    narrow = surface(*(np.asarray(a, np.float32) for a in (toa, *state, nodes, *places())))
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, surface(toa, *state, nodes, *places()), atol=2e-5)
