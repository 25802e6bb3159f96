"""Turbulent fields of clouds: real in the sense of Fourier, of unit variance, carried and turned over as said."""

import numpy as np
import pytest
from scipy import fft

from musyq_lab.twin import _cloud_fields as clouds
from musyq_lab.twin.grid import WorldGrid

STILL = np.zeros(2)
PLAIN = clouds.Texture("plain", outer=8000.0, inner=100.0, lifetime=1.0)
LONG = clouds.Texture("long", outer=8000.0, inner=100.0, lifetime=1.0, stretch=4.0)


def grid(rows, columns, resolution=100.0):
    return WorldGrid("EPSG:32650", resolution, 4e5, 4.5e6, columns, rows)


@pytest.mark.parametrize("shape", [(32, 32), (45, 64), (27, 15), (64, 25)])
def test_waves_are_those_of_a_real_field(shape):
    """In the first column, and the last of an even width, a wave and its mirror image must turn alike."""
    waves = clouds._waves(7, PLAIN, *shape, 100.0)
    mirror = -np.arange(shape[0])
    for column in {0, waves.rate.shape[1] - 1} if shape[1] % 2 == 0 else {0}:
        np.testing.assert_allclose(waves.rate[:, column], waves.rate[mirror, column], atol=1e-12)
        np.testing.assert_allclose(waves.first[:, column], np.conj(waves.first[mirror, column]), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("hours", [0.0, 0.7, 400.0])
@pytest.mark.parametrize("shape", [(32, 32), (27, 45)])
def test_variance_over_worlds_is_one_at_any_time(shape, hours):
    values = np.array([clouds.field(PLAIN, grid(*shape), seed, hours, np.array([3e4, -2e5])) for seed in range(150)])
    assert values.var() == pytest.approx(1.0, rel=0.15)
    assert abs(values.mean()) < 0.05
    assert values.dtype == np.float32


def test_a_field_carried_once_around_is_itself():
    on = grid(32, 40)
    here = clouds.field(PLAIN, on, 3, 0.5, STILL)
    around = clouds.field(PLAIN, on, 3, 0.5, np.array([40 * 100.0 * 3, -32 * 100.0 * 2]))
    np.testing.assert_allclose(around, here, atol=2e-5)


@pytest.mark.parametrize(
    ("way", "shift"), [((500.0, 0.0), (0, 5)), ((0.0, 300.0), (-3, 0)), ((-200.0, -700.0), (7, -2))]
)
def test_eastward_is_right_and_northward_is_up(way, shift):
    on = grid(32, 40)
    here = clouds.field(PLAIN, on, 3, 0.0, STILL)
    moved = clouds.field(PLAIN, on, 3, 0.0, np.array(way))
    np.testing.assert_allclose(moved, np.roll(here, shift, axis=(0, 1)), atol=2e-5)


def test_half_a_cell_and_half_a_cell_are_one_cell():
    """Apart from the waves of two cells' length, which have no half way."""
    texture = clouds.Texture("soft", outer=4000.0, inner=400.0, lifetime=1.0)
    on = grid(48, 48)
    half = clouds.field(texture, on, 5, 0.0, np.array([50.0, 0.0]))
    spectrum = fft.rfft2(half) * np.exp(-2j * np.pi * fft.rfftfreq(48) * 0.5)
    again = fft.irfft2(spectrum, s=(48, 48))
    np.testing.assert_allclose(again, clouds.field(texture, on, 5, 0.0, np.array([100.0, 0.0])), atol=1e-3)


def test_eddies_turn_over_in_their_own_time():
    """A wave keeps the mean of cos(2 pi u x) over u in -1..1, which is sinc(2 x), with x = t / life (5 km k)^(2/3)."""
    on, before, after = grid(128, 128), [], []
    for seed in range(12):
        before.append(fft.fft2(clouds.field(PLAIN, on, seed, 0.0, STILL)))
        after.append(fft.fft2(clouds.field(PLAIN, on, seed, 0.25, STILL)))
    before, after = np.array(before), np.array(after)
    east = fft.fftfreq(128, 100.0)
    k = np.hypot(east, east[:, None])
    lasting = np.sinc(2 * 0.25 * (5000.0 * k) ** (2 / 3))
    kept = []
    for low, high in ((4000, 13_000), (1500, 4000), (400, 1500)):
        here = (k > 1 / high) & (k <= 1 / low)
        power = np.abs(before[:, here]) ** 2
        kept.append((before[:, here] * np.conj(after[:, here])).real.sum() / power.sum())
        assert kept[-1] == pytest.approx((power * lasting[here]).sum() / power.sum(), abs=0.12)
    assert kept[0] > kept[1] > abs(kept[2])


def test_streaks_are_longer_than_wide():
    """The spectrum along the short way is wider by the stretch."""
    on = grid(128, 128)
    ratios = []
    for seed in range(6):
        power = np.abs(fft.fft2(clouds.field(LONG, on, seed, 0.0, STILL))) ** 2
        ky, kx = np.meshgrid(fft.fftfreq(128), fft.fftfreq(128), indexing="ij")
        moments = np.array([[(power * a * b).sum() for a in (kx, ky)] for b in (kx, ky)]) / power.sum()
        low, high = np.linalg.eigvalsh(moments)
        ratios.append(np.sqrt(high / low))
    assert 1.8 < np.mean(ratios) < 4.5
    plain = np.abs(fft.fft2(clouds.field(PLAIN, on, 1, 0.0, STILL))) ** 2
    assert (plain * kx**2).sum() == pytest.approx((plain * ky**2).sum(), rel=0.15)


@pytest.mark.parametrize("shape", [(1, 1), (1, 16), (16, 1), (2, 3)])
def test_the_smallest_worlds_have_a_field(shape):
    values = clouds.field(PLAIN, grid(*shape), 1, 2.0, np.array([130.0, 70.0]))
    assert values.shape == shape
    assert np.isfinite(values).all()


def test_same_seed_same_bytes_and_another_texture_is_another_field():
    on = grid(31, 33)
    one = clouds.field(PLAIN, on, 1, 2.0, STILL).tobytes()
    clouds._waves.cache_clear()
    assert clouds.field(PLAIN, on, 1, 2.0, STILL).tobytes() == one
    assert clouds.field(PLAIN, on, 2, 2.0, STILL).tobytes() != one
    other = clouds.Texture("other", outer=8000.0, inner=100.0, lifetime=1.0)
    assert clouds.field(other, on, 1, 2.0, STILL).tobytes() != one
