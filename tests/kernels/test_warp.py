"""Weights, interpolation and means of regridding, beside shapely, brute force and naive loops."""

import itertools
import math

import numpy as np
import pytest
import shapely

from musyq_lab.kernels import warp

SHAPE = (8, 9)


def corners(rng, rows=6, columns=5, noise=0.3):
    """Corners of a mesh of pixels larger than cells, partly outside the block, some of them not convex."""
    v, u = np.meshgrid(np.arange(rows + 1) * 1.7 - 1.2, np.arange(columns + 1) * 1.9 - 0.9, indexing="ij")
    return np.stack([v + 0.3 * u - 1.0, u - 0.2 * v + 0.5], -1) + rng.normal(
        scale=noise, size=(rows + 1, columns + 1, 2)
    )


def polygon(mesh, i, j):
    ring = [mesh[i, j], mesh[i, j + 1], mesh[i + 1, j + 1], mesh[i + 1, j]]
    return shapely.Polygon([p[::-1] for p in ring])


def dense(weights, pixels):
    table = np.zeros((weights.start.size - 1, pixels))
    for cell in range(table.shape[0]):
        for k in range(weights.start[cell], weights.start[cell + 1]):
            table[cell, weights.pixel[k]] += weights.share[k]
    return table


def random_weights(seed=0, noise=0.1):
    mesh = corners(np.random.default_rng(seed), noise=noise)
    return warp.overlap(mesh[:-1], mesh[1:], SHAPE)


# ---- areas ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("flip", [False, True])
def test_overlaps_are_those_of_shapely(seed, flip):
    mesh = corners(np.random.default_rng(seed))
    if flip:  # the other sense of rotation
        mesh = mesh[:, ::-1]
    got = dense(warp.overlap(mesh[:-1], mesh[1:], SHAPE), 30)
    expected = np.zeros_like(got)
    simple = np.ones(30, bool)
    for i, j in itertools.product(range(6), range(5)):
        shape = polygon(mesh, i, j)
        simple[5 * i + j] = shape.is_valid
        for r, c in itertools.product(range(SHAPE[0]), range(SHAPE[1])):
            if shape.is_valid:
                expected[r * SHAPE[1] + c, 5 * i + j] = shape.intersection(shapely.box(c, r, c + 1, r + 1)).area
    assert simple.sum() >= 28
    np.testing.assert_allclose(got[:, simple], expected[:, simple], atol=1e-9)
    assert got[:, simple].max() > 0.5


def test_pixels_much_larger_and_much_smaller_than_cells():
    large = np.array([[[-20.0, -30.0], [-20.0, 40.0]], [[50.0, -30.0], [50.0, 40.0]]])
    np.testing.assert_allclose(warp.overlap(large[:-1], large[1:], SHAPE).share, 1.0, atol=1e-12)
    v, u = np.meshgrid(np.linspace(0, 1, 51), np.linspace(0, 1, 51), indexing="ij")
    small = np.stack([v, u], -1)
    weights = warp.overlap(small[:-1], small[1:], (1, 1))
    assert weights.share.size == 2500
    np.testing.assert_allclose(weights.share, 1 / 2500, rtol=1e-9)


def test_a_mesh_that_covers_the_block_fills_every_cell():
    rng = np.random.default_rng(3)
    v, u = np.meshgrid(np.arange(-2.0, 14.0), np.arange(-2.0, 14.0), indexing="ij")
    mesh = np.stack([v, u], -1) + rng.uniform(-0.3, 0.3, (16, 16, 2))
    np.testing.assert_allclose(dense(warp.overlap(mesh[:-1], mesh[1:], SHAPE), 225).sum(1), 1.0, atol=1e-9)


def test_corners_on_lines_of_the_grid_make_no_slivers():
    v, u = np.meshgrid(np.arange(9.0), np.arange(10.0), indexing="ij")
    mesh = np.stack([v, u], -1)
    weights = warp.overlap(mesh[:-1], mesh[1:], SHAPE)
    np.testing.assert_array_equal(weights.pixel, np.arange(72))
    np.testing.assert_array_equal(weights.share, 1.0)


def test_a_pixel_without_a_place_is_left_out():
    mesh = corners(np.random.default_rng(0), noise=0.0)
    whole = dense(warp.overlap(mesh[:-1], mesh[1:], SHAPE), 30)
    mesh[2, 2] = np.nan
    got = dense(warp.overlap(mesh[:-1], mesh[1:], SHAPE), 30)
    lost = [5 * i + j for i in (1, 2) for j in (1, 2)]
    assert not got[:, lost].any()
    kept = [k for k in range(30) if k not in lost]
    np.testing.assert_array_equal(got[:, kept], whole[:, kept])


def test_a_footprint_across_the_seam_lies_on_both_sides():
    pixel = np.array([[[2.0, 35.0], [2.0, 1.0]], [[3.0, 35.0], [3.0, 1.0]]])  # 35 to 37 on a globe of 36 columns
    got = dense(warp.overlap(pixel[:-1], pixel[1:], (8, 36), 36.0), 1).reshape(8, 36)
    assert got[2, 35] == pytest.approx(1.0)
    assert got[2, 0] == pytest.approx(1.0)
    assert got.sum() == pytest.approx(2.0)
    # The same pixel on a block that goes on beyond the seam.
    beyond = pixel.copy()
    beyond[..., 1] -= 30.0
    assert dense(warp.overlap(beyond[:-1], beyond[1:], (8, 10), 36.0), 1).reshape(8, 10)[2, 5:7].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("south", [False, True])
def test_a_footprint_that_holds_the_pole_reaches_it(south):
    # Corners at latitude 88 every 90 degrees of longitude, on a grid of 1 degree: two rows of 360 cells.
    row = 178.0 if south else 2.0
    pixel = np.array([[[row, 10.0], [row, 100.0]], [[row, 280.0], [row, 190.0]]])
    got = dense(warp.overlap(pixel[:-1], pixel[1:], (180, 360), 360.0, np.array([0.0, 180.0])), 1).reshape(180, 360)
    np.testing.assert_allclose(got[178:] if south else got[:2], 1.0, atol=1e-9)
    assert got.sum() == pytest.approx(720.0)


# ---- means ---------------------------------------------------------------------------------------------------------
def test_mean_and_noise_are_their_definitions():
    rng = np.random.default_rng(1)
    weights, values = random_weights(), rng.normal(size=(3, 6, 5))
    values[rng.uniform(size=values.shape) < 0.3] = np.nan
    table = dense(weights, 30)
    for band in range(3):
        x = values[band].ravel()
        valid = np.isfinite(x)
        share = table[:, valid].sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = table[:, valid] @ x[valid] / share
            noise = np.sqrt((table[:, valid] ** 2) @ x[valid] ** 2) / share
        for least in (0.0, 0.6):
            keep = (share > 0) & (share >= least)
            np.testing.assert_allclose(
                warp.mean(weights, values, SHAPE, least)[band].ravel(), np.where(keep, mean, np.nan), rtol=1e-12
            )
            np.testing.assert_allclose(
                warp.noise(weights, values, SHAPE, least)[band].ravel(), np.where(keep, noise, np.nan), rtol=1e-12
            )


def test_noise_of_equal_pixels_falls_with_the_root_of_their_number():
    v, u = np.meshgrid(np.linspace(0, 1, 5), np.linspace(0, 1, 5), indexing="ij")
    mesh = np.stack([v, u], -1)
    weights = warp.overlap(mesh[:-1], mesh[1:], (1, 1))
    assert warp.noise(weights, np.full((1, 4, 4), 0.8), (1, 1)) == pytest.approx(0.2)


def test_a_mean_keeps_the_type_and_a_constant():
    weights = random_weights()
    for kind in (np.float32, np.float64):
        out = warp.mean(weights, np.full((2, 6, 5), 0.3, kind), SHAPE)
        assert out.dtype == kind
        np.testing.assert_allclose(out[np.isfinite(out)], 0.3, rtol=np.finfo(kind).eps * 2)
    assert warp.mean(weights, np.ones((1, 6, 5), np.int16), SHAPE).dtype == np.float64


def test_bits_follow_the_share_of_the_seen_area():
    rng = np.random.default_rng(2)
    weights, flags = random_weights(), rng.integers(0, 1 << 13, (6, 5)).astype(np.uint16)
    least = np.linspace(0.05, 0.9, 16)
    table, words = dense(weights, 30), flags.ravel()
    data = (words & 1) == 0
    got = warp.bits(weights, flags, SHAPE, least, 0.4).ravel()
    for cell in range(72):
        seen = table[cell, data].sum()
        assert bool(got[cell] & 1) == (not (seen > 0 and seen >= 0.4))
        for bit in range(1, 16):
            part = table[cell, data & (words >> bit & 1 == 1)].sum()
            assert bool(got[cell] >> bit & 1) == (part > 0 and part >= least[bit] * seen), (cell, bit)


# ---- points --------------------------------------------------------------------------------------------------------
def test_bilinear_is_exact_for_a_bilinear_field():
    y, x = np.meshgrid(np.arange(7.0), np.arange(9.0), indexing="ij")
    field = (3.0 - 0.5 * y + 2.0 * x + 0.25 * x * y)[None]
    rng = np.random.default_rng(0)
    row, column = rng.uniform(0, 6, (20, 30)), rng.uniform(0, 8, (20, 30))
    row[0, :4], column[0, :4] = [0.0, 6.0, 6.0, 0.0], [0.0, 8.0, 0.0, 8.0]
    expected = 3.0 - 0.5 * row + 2.0 * column + 0.25 * row * column
    np.testing.assert_allclose(warp.between(field, row, column)[0], expected, rtol=1e-13)
    window = warp.between(np.pad(field, ((0, 0), (0, 0), (0, 0)))[:, 0:7, 0:9], row, column, origin=(0, 0), size=(7, 9))
    np.testing.assert_array_equal(window[0], warp.between(field, row, column)[0])


def test_half_a_pixel_beyond_the_outer_centres_holds_their_value_and_nothing_further_out():
    field = np.arange(12.0).reshape(1, 3, 4)
    row = np.array([[-0.5, -0.51, 2.5, 2.51, 1.0, np.nan]])
    column = np.array([[0.0, 0.0, 3.0, 3.0, 3.5, 1.0]])
    np.testing.assert_array_equal(warp.between(field, row, column)[0, 0], [0, np.nan, 11, np.nan, 7, np.nan])
    np.testing.assert_array_equal(warp.pick(field, row, column)[0, 0], [0, np.nan, 11, np.nan, 7, np.nan])


def test_gaps_drop_out_of_interpolation():
    field = np.array([[[1.0, np.nan], [3.0, 5.0]]])
    row, column = np.array([[0.25]]), np.array([[0.5]])
    weights = {1.0: 0.75 * 0.5, 3.0: 0.25 * 0.5, 5.0: 0.25 * 0.5}
    expected = sum(k * w for k, w in weights.items()) / sum(weights.values())
    assert warp.between(field, row, column) == pytest.approx(expected)
    assert np.isnan(warp.between(field, row, column, min_valid=0.7))
    assert not np.isnan(warp.between(field, row, column, min_valid=sum(weights.values())))


def test_a_window_of_the_source_gives_what_the_source_gives():
    rng = np.random.default_rng(5)
    field = rng.normal(size=(2, 20, 30)).astype(np.float32)
    row, column = rng.uniform(6, 11, (9, 9)), rng.uniform(8, 19, (9, 9))
    cut = field[:, 5:14, 7:23]
    for function, size in ((warp.between, {"size": (20, 30)}), (warp.pick, {})):
        whole = function(field, row, column)
        np.testing.assert_array_equal(function(cut, row, column, origin=(5, 7), **size), whole)
        assert whole.dtype == np.float32


def test_beyond_a_window_there_is_nothing_to_read():
    field = np.arange(600.0).reshape(1, 20, 30)
    cut = field[:, 5:14, 7:23].copy()
    inside, outside = [5.0, 9.4, 12.9], [4.4, 4.9, 13.6, 25.0, -3.0]
    column = np.full((1, 3), 15.25)
    kept = warp.between(cut, np.array([inside]), column, origin=(5, 7), size=(20, 30))
    np.testing.assert_allclose(kept[0, 0], [30 * y + 15.25 for y in inside])
    for y in outside:
        for row, at in ((y, 15.25), (9.0, y + 2.0 if y < 5 else y + 9.0)):
            place = np.array([[row]]), np.array([[at]])
            assert np.isnan(warp.between(cut, *place, origin=(5, 7), size=(20, 30))), place
    rows = np.array([[4.4, 4.5, 4.6, 13.4, 13.6, -0.5, 19.0]])
    got = warp.pick(cut, rows, np.full(rows.shape, 15.0), origin=(5, 7), missing=-1.0)[0, 0]
    np.testing.assert_array_equal(got, [-1, -1, 165, 405, -1, -1, -1])
    columns = np.array([[6.4, 6.6, 22.4, 22.6, 29.0]])
    got = warp.pick(cut, np.full(columns.shape, 6.0), columns, origin=(5, 7), missing=-1.0)[0, 0]
    np.testing.assert_array_equal(got, [-1, 187, 202, -1, -1])


def test_what_is_not_finite_is_not_valid():
    field = np.array([[[1.0, np.inf], [3.0, -np.inf]]])
    row, column = np.array([[0.25, 0.25]]), np.array([[0.25, 1.0]])
    np.testing.assert_allclose(warp.between(field, row, column)[0, 0], [1.5, np.nan])
    assert np.isnan(warp.between(field, row, column, min_valid=0.8)).all()
    v, u = np.meshgrid(np.linspace(0, 1, 3), np.linspace(0, 1, 3), indexing="ij")
    mesh = np.stack([v, u], -1)
    weights = warp.overlap(mesh[:-1], mesh[1:], (1, 1))
    assert warp.mean(weights, field, (1, 1)) == pytest.approx(2.0)
    assert np.isnan(warp.mean(weights, field, (1, 1), 0.6))
    assert warp.noise(weights, field, (1, 1)) == pytest.approx(math.sqrt(10.0) / 2.0)


def test_nearest_of_any_type_and_its_ties():
    flags = np.arange(12, dtype=np.uint16).reshape(1, 3, 4)
    row, column = np.array([[0.5 + 1e-12, 1.2, 9.0]]), np.array([[0.0, 1.6, 0.0]])
    np.testing.assert_array_equal(warp.pick(flags, row, column, missing=1)[0, 0], [0, 6, 1])


def test_weights_of_points_are_those_of_bilinear_interpolation():
    rng = np.random.default_rng(7)
    field = rng.normal(size=(1, 6, 5))
    row, column = rng.uniform(-0.6, 5.6, SHAPE), rng.uniform(-0.6, 4.6, SHAPE)
    got = warp.mean(warp.places(row, column, (6, 5)), field, SHAPE)
    np.testing.assert_allclose(got, warp.between(field, row, column), rtol=1e-7)


def test_cubic_interpolation_reproduces_a_cubic():
    def surface(y, x):
        return 1e-4 * y**3 - 2e-4 * y * x**2 + 0.01 * x * y - 1e-4 * x**3 + 2.0

    step, first, shape = 8, (5, 19), (40, 50)
    at = np.arange(0.0, 24.0 * 4 + 1, step)
    nodes = surface(at[:, None], at[None, :])[None]
    y, x = np.meshgrid(np.arange(first[0], first[0] + 40.0), np.arange(first[1], first[1] + 50.0), indexing="ij")
    np.testing.assert_allclose(warp.cubic(nodes, step, first, shape)[0], surface(y, x), rtol=1e-11)


# ---- meshes --------------------------------------------------------------------------------------------------------
def warped(rows, columns):
    i, j = np.meshgrid(np.arange(rows + 0.0), np.arange(columns + 0.0), indexing="ij")
    return np.stack([0.8 * i + 0.1 * j + 0.004 * i * j - 1.0, 0.9 * j - 0.15 * i + 0.003 * j * j - 0.7], -1)


def test_places_in_a_mesh_lead_back_to_the_point():
    centre = warped(14, 12)
    row, column = warp.mesh(centre[:-1], centre[1:], np.arange(13.0), SHAPE)
    assert np.isfinite(row).mean() > 0.8
    for k, middle in enumerate(np.meshgrid(np.arange(8) + 0.5, np.arange(9) + 0.5, indexing="ij")):
        back = warp.between(centre[None, ..., k], row, column)[0]
        np.testing.assert_allclose(back[np.isfinite(row)], middle[np.isfinite(row)], atol=1e-9)


def test_first_strip_counts_where_strips_overlap():
    centre = warped(14, 12)
    rows = np.arange(13.0)
    first = warp.mesh(centre[:-1], centre[1:], rows, SHAPE)
    twice = warp.mesh(
        np.concatenate([centre[:-1]] * 2), np.concatenate([centre[1:]] * 2), np.concatenate([rows, rows + 50]), SHAPE
    )
    np.testing.assert_array_equal(twice, first)


def test_nearest_pixel_of_a_mesh_beside_brute_force():
    centre = warped(14, 12)
    outer = warped(15, 13) - (warped(2, 2).mean((0, 1)) - warped(1, 1)[0, 0])
    scale = np.linspace(0.5, 1.0, 8)
    row, column = warp.nearest_pixel(centre, outer[:-1], outer[1:], SHAPE, scale)
    for r, c in itertools.product(range(8), range(9)):
        square = (centre[..., 0] - r - 0.5) ** 2 + ((centre[..., 1] - c - 0.5) * scale[r]) ** 2
        if math.isfinite(row[r, c]):
            assert square[int(row[r, c]), int(column[r, c])] == square.min()
    assert np.isfinite(row).mean() > 0.8


def test_meshes_across_the_seam():
    centre = warped(14, 12)
    turned = centre.copy()
    turned[..., 1] = (turned[..., 1] + 36.0) % 36.0
    rows = np.arange(13.0)
    np.testing.assert_allclose(
        warp.mesh(turned[:-1], turned[1:], rows, SHAPE, 36.0),
        warp.mesh(centre[:-1], centre[1:], rows, SHAPE),
        atol=1e-9,
    )


def test_twins_in_python_give_the_same_bits(monkeypatch):
    rng = np.random.default_rng(0)
    mesh, centre = corners(rng), warped(8, 7)
    values, flags = rng.normal(size=(2, 6, 5)), rng.integers(0, 99, (6, 5)).astype(np.uint16)
    values[0, 2, 2] = np.nan
    nodes = rng.normal(size=(2, 4, 7))

    def everything():
        weights = warp.overlap(mesh[:-1], mesh[1:], SHAPE)
        row, column = warp.mesh(centre[:-1], centre[1:], np.arange(7.0), SHAPE)
        return [
            *weights, warp.mean(weights, values, SHAPE), warp.noise(weights, values, SHAPE),
            warp.bits(weights, flags, SHAPE, np.full(16, 0.3)), warp.between(values, row, column),
            warp.pick(values, row, column), warp.cubic(nodes, 4, (1, 2), (9, 20)), row, column,
            *warp.nearest_pixel(centre[:-1, :-1] + 0.4, centre[:-1], centre[1:], SHAPE, np.ones(8)),
        ]  # fmt: skip

    compiled = everything()
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")
    for a, b in zip(compiled, everything(), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-12)
