"""Random fields: moments, spectra, structure, exact counts, the same numbers from the same stream."""

from itertools import pairwise

import numpy as np
import pytest

from musyq_lab.twin import _fields
from musyq_lab.twin.random import stream

SHAPE = (160, 192)


def rng(*names):
    return stream(3, "test", *names)


def slope_of_spectrum(field):
    """Exponent of the radially averaged power spectrum, windowed against the edges."""
    window = np.hanning(field.shape[0])[:, None] * np.hanning(field.shape[1])
    power = np.abs(np.fft.fft2(field * window)) ** 2
    k = np.hypot(np.fft.fftfreq(field.shape[0])[:, None], np.fft.fftfreq(field.shape[1]))
    edges = np.geomspace(0.03, 0.3, 12)
    middle, mean = [], []
    for low, high in pairwise(edges):
        ring = (k >= low) & (k < high)
        middle.append(k[ring].mean())
        mean.append(power[ring].mean())
    return -np.polyfit(np.log(middle), np.log(mean), 1)[0]


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("beta", [2.0, 3.0, 3.8])
def test_fractal_has_the_spectrum_it_was_asked_for(beta, periodic):
    field = _fields.fractal((256, 256), beta, rng("spectrum", beta), periodic=periodic)
    assert field.dtype == np.float32
    assert field.mean() == pytest.approx(0, abs=1e-5)
    assert field.std() == pytest.approx(1, abs=1e-4)
    assert slope_of_spectrum(field) == pytest.approx(beta, abs=0.25)


def test_fractal_is_no_rougher_beyond_its_outer_wavelength():
    def large(outer):
        field = _fields.fractal((256, 256), 3.5, rng("outer"), outer=outer, periodic=True)
        return field.reshape(16, 16, 16, 16).mean(axis=(1, 3)).std()

    assert large(np.inf) > 0.9
    assert large(12) < 0.6


def test_only_a_periodic_field_closes_over_its_edge():
    step = {}
    for periodic in (False, True):
        field = _fields.fractal((128, 128), 3.5, rng("edge"), periodic=periodic)
        inside = np.abs(np.diff(field, axis=0)).mean()
        step[periodic] = np.abs(field[0] - field[-1]).mean() / inside
    assert step[True] < 1.5
    assert step[False] > 3


@pytest.mark.parametrize("length", [1.5, 4.0, 10.0])
def test_noise_is_correlated_over_its_length(length):
    field = _fields.noise((512, 512), length, rng("noise", length), periodic=True)
    lag = round(2 * length)
    found = np.mean(field[:, lag:] * field[:, :-lag])
    # a Gaussian spectrum exp(-(2 pi L k)^2) has the correlation exp(-(d / 2 L)^2)
    assert found == pytest.approx(np.exp(-((lag / (2 * length)) ** 2)), abs=0.08)


def test_a_turned_field_is_the_same_numbers_in_other_places():
    field = _fields.noise((64, 64), 2.0, rng("turn"), periodic=True)
    for number in range(1, 6):
        other = _fields.turned(field, number)
        assert np.array_equal(np.sort(other, axis=None), np.sort(field, axis=None))
        assert abs(np.corrcoef(other.ravel(), field.ravel())[0, 1]) < 0.25


def test_ranks_are_uniform_and_keep_the_order():
    values = rng("ranks").lognormal(size=SHAPE).astype(np.float32)
    rank = _fields.ranks(values)
    assert rank.min() == 0
    assert rank.max() == 1
    assert np.histogram(rank, 10)[0] == pytest.approx(values.size / 10, rel=0.02)
    order = np.argsort(values, axis=None)
    assert np.all(np.diff(rank.ravel()[order]) >= 0)
    exact = np.empty(values.size)
    exact[order] = np.linspace(0, 1, values.size)
    assert np.abs(rank.ravel() - exact).max() < 1e-3


def test_ranks_of_a_constant_field_are_one_number():
    assert np.unique(_fields.ranks(np.full((5, 5), 3.0, np.float32))).size == 1


@pytest.mark.parametrize("cells", [0, 1, 17, 100, 5000])
def test_highest_takes_exactly_as_many_as_asked(cells):
    score = rng("highest").integers(0, 6, (10, 10)).astype(np.float32)  # many ties
    chosen = _fields.highest(score, cells)
    assert chosen.sum() == min(cells, 100)
    if 0 < cells < 100:
        assert score[chosen].min() >= score[~chosen].max()
        limit = score[chosen].min()
        tied = (score == limit).ravel()
        taken = chosen.ravel()[tied]
        assert not np.any(np.diff(taken.astype(int)) > 0)  # of equal ones the first


def test_highest_of_nothing_wanted_is_nothing():
    assert not _fields.highest(np.ones((3, 3), np.float32), -4).any()


@pytest.mark.parametrize("size", [4.0, 11.0, 30.0])
def test_patches_have_their_size(size):
    patch = _fields.patches((200, 220), size, rng("patches", size))
    count = np.unique(patch).size
    assert count == pytest.approx((200 / size + 1) * (220 / size + 1), rel=0.2)


def test_unwarped_patches_are_voronoi_cells():
    """A brute-force search over all centres finds the same cells."""
    shape, size = (40, 50), 7.0
    patch = _fields.patches(shape, size, rng("voronoi"), warp=0.0)
    source = rng("voronoi")
    _fields.noise(shape, max(size / 4, 0.7), source, periodic=True)
    width, height = int(shape[1] / size) + 8, int(shape[0] / size) + 8
    jitter = source.uniform(0.15, 0.85, (2, width * height)).astype(np.float32)
    number = np.arange(width * height)
    centres = np.stack([number // width + jitter[0], number % width + jitter[1]], axis=1)
    place = np.stack(np.meshgrid(np.arange(40) / size + 3, np.arange(50) / size + 3, indexing="ij"), axis=-1)
    nearest = np.argmin(((place[..., None, :] - centres) ** 2).sum(axis=-1), axis=-1)
    assert (nearest == patch).mean() > 0.995  # single precision at the borders


def test_parcels_are_long_strips_inside_blocks():
    fields, blocks = _fields.parcels((240, 240), 5.0, rng("parcels"))
    size = np.bincount(fields.ravel())
    assert np.median(size) == pytest.approx(5 * 12.5, rel=0.6)
    for number in np.unique(fields)[::37]:
        assert np.unique(blocks[fields == number]).size == 1
    long_to_short = []
    for number in np.flatnonzero(size > 40)[::11]:
        y, x = np.nonzero(fields == number)
        spread = np.linalg.eigvalsh(np.cov(y, x))
        long_to_short.append(np.sqrt(spread[1] / max(spread[0], 1e-9)))
    assert 1.4 < np.median(long_to_short) < 5


def test_blocks_have_their_own_direction():
    fields, _ = _fields.parcels((300, 300), 6.0, rng("directions"))
    angles = []
    for number in range(int(fields.max()) + 1):
        y, x = np.nonzero(fields == number)
        if y.size > 50:
            vector = np.linalg.eigh(np.cov(y, x))[1][:, 1]
            angles.append(np.degrees(np.arctan2(vector[0], vector[1])) % 180)
    assert np.histogram(angles, bins=6, range=(0, 180))[0].max() > len(angles) / 5
    assert np.std(angles) > 15


def naive_regions(labels):
    """Flood fill, cell by cell."""
    out = np.zeros(labels.shape, int)
    number = 0
    for start in np.ndindex(labels.shape):
        if out[start]:
            continue
        number += 1
        todo = [start]
        out[start] = number
        while todo:
            y, x = todo.pop()
            for v, u in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
                inside = 0 <= v < labels.shape[0] and 0 <= u < labels.shape[1]
                if inside and not out[v, u] and labels[v, u] == labels[y, x]:
                    out[v, u] = number
                    todo.append((v, u))
    return out


def test_regions_equal_a_flood_fill():
    labels = rng("regions").integers(0, 3, (23, 31))
    assert np.array_equal(_fields.regions(labels), naive_regions(labels))


def test_region_mean_is_the_mean():
    number = rng("mean").integers(0, 9, (20, 20))
    values = rng("values").normal(size=(20, 20))
    found = _fields.region_mean(values, number)
    for k in range(9):
        assert found[k] == pytest.approx(values[number == k].mean())


def test_region_mean_of_a_missing_number_is_zero():
    assert _fields.region_mean(np.ones((2, 2)), np.full((2, 2), 3))[1] == 0


def test_blur_keeps_a_constant_and_the_mean():
    assert _fields.blurred(np.full((9, 9), 4.0), 2) == pytest.approx(4.0)
    field = rng("blur").normal(size=(64, 64))
    assert _fields.blurred(field, 2).std() < 0.3 * field.std()


@pytest.mark.parametrize(
    "make",
    [
        lambda r: _fields.fractal(SHAPE, 3.0, r),
        lambda r: _fields.noise(SHAPE, 3.0, r),
        lambda r: _fields.patches(SHAPE, 9.0, r),
        lambda r: _fields.parcels(SHAPE, 4.0, r)[0],
    ],
)
def test_the_same_stream_gives_the_same_bytes_and_another_does_not(make):
    assert make(rng("same")).tobytes() == make(rng("same")).tobytes()
    assert make(rng("same")).tobytes() != make(rng("other")).tobytes()
    assert make(rng("same")).shape == SHAPE
