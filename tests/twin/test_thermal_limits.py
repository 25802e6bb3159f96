"""Thermal radiation at its limits: published Planck radiances, thick and thin air, monotony, broadcasting."""

import numpy as np
import pytest
from scipy import constants as si

from musyq_lab.twin import thermal

STATE = {
    "surface_temperature": 300.0, "emissivity": 0.97, "air_temperature": 295.0, "water_vapour": 20.0,
    "view_zenith": 0.0,
}  # fmt: skip


def seen(centre=10.9, fwhm=0.6, **changes):
    return thermal.top_temperature(centre, fwhm, **{**STATE, **changes})


def planck(micrometres, kelvin):
    w = micrometres * 1e-6
    return 2 * si.h * si.c**2 / w**5 / np.expm1(si.h * si.c / (w * si.k * kelvin)) * 1e-6


@pytest.mark.parametrize("centre", [3.7, 8.6, 10.9, 13.3])
@pytest.mark.parametrize("kelvin", [200.0, 250.0, 300.0, 340.0])
def test_radiance_is_planck_s_and_turns_back(centre, kelvin):
    found = thermal._radiance(centre, np.array(kelvin))
    assert float(found) == pytest.approx(planck(centre, kelvin), rel=1e-4)
    assert float(thermal._temperature(centre, found)) == pytest.approx(kelvin, abs=5e-3)


def test_radiation_through_layers_written_out():
    """Sum of B (1 - t) times what lies between, from the side of the first."""
    depths, emitted, slant = (0.3, 1.2, 0.05), (5.0, 8.0, 2.0), 1.5
    rest, found = thermal._through([(np.array(d), np.array(b)) for d, b in zip(depths, emitted, strict=True)], slant)
    total, left = 0.0, 1.0
    for depth, b in zip(depths, emitted, strict=True):
        t = np.exp(-depth * slant)
        total, left = total + left * (1 - t) * b, left * t
    assert float(rest) == pytest.approx(left)
    assert float(found) == pytest.approx(total)


@pytest.mark.parametrize("slant", [1.0, 3.0])
def test_an_opaque_layer_shows_itself(slant):
    rest, found = thermal._through([(np.array(80.0), np.array(7.0)), (np.array(1.0), np.array(99.0))], slant)
    assert float(rest) == pytest.approx(0.0, abs=1e-30)
    assert float(found) == pytest.approx(7.0)


def test_continuum_of_the_published_formula():
    """Roberts et al. 1976: 4.18 + 5578 exp(-0.00787 nu) at 1000 and 833 cm-1; nothing beyond the window."""
    for nu in (1000.0, 833.33):
        assert thermal._continuum(1e4 / nu, 0.0) == pytest.approx(4.18 + 5578 * np.exp(-7.87e-3 * nu), rel=1e-6)
    assert thermal._continuum(6.2, 0.5) == thermal._continuum(16.0, 0.5) == 0.0
    assert 0 < thermal._continuum(7.7, 1.0) < thermal._continuum(8.5, 0.0) * 2


@pytest.mark.parametrize("node", [3.9, 6.24, 9.64, 13.3])
def test_strengths_at_the_nodes_are_the_table(node):
    row = thermal._LINES[np.argmin(np.abs(thermal._LINES[:, 0] - node))]
    np.testing.assert_allclose(thermal._strengths(node, 0.0), np.maximum(row[1:], 1e-6), rtol=1e-9)


@pytest.mark.parametrize("centre", [3.3, 20.0])
def test_beyond_the_table_its_ends_hold(centre):
    end = 0 if centre < 10 else -1
    np.testing.assert_allclose(thermal._strengths(centre, 0.1), np.maximum(thermal._LINES[end, 1:], 1e-6), rtol=1e-9)


@pytest.mark.parametrize("centre", [3.75, 8.6, 10.9, 12.0])
def test_a_warmer_surface_is_seen_warmer_and_a_black_one_as_well(centre):
    warm = seen(centre, surface_temperature=np.linspace(250, 330, 60))
    assert (np.diff(warm) > 0).all()
    black = seen(centre, surface_temperature=320.0, emissivity=np.linspace(0.8, 1.0, 20))
    assert (np.diff(black) > 0).all()


@pytest.mark.parametrize("centre", [6.24, 6.94, 7.35])
def test_vapour_bands_are_colder_the_more_vapour(centre):
    found = seen(centre, 0.4, water_vapour=np.linspace(2, 60, 30))
    assert (np.diff(found) < 0).all()
    assert found.min() > 200


def test_a_cloud_of_no_depth_is_none_and_of_great_depth_all():
    clear = seen()
    assert float(seen(cloud_optical_depth=1e-6, cloud_top_temperature=230.0)) == pytest.approx(float(clear), abs=0.01)
    depth = np.geomspace(0.01, 50, 40)
    found = seen(cloud_optical_depth=depth, cloud_top_temperature=230.0)
    assert (np.diff(found) <= 1e-4).all()
    assert float(found[-1]) == pytest.approx(230.0, abs=1.0)


def test_the_height_of_a_temperature():
    air, lapse = np.float32([290.0, 290.0, 290.0]), 6.5e-3
    found = thermal._height(air, np.float32([290.0, 277.0, 310.0]), lapse)
    np.testing.assert_allclose(found, [0.0, 2000.0, 0.0], atol=0.1)
    np.testing.assert_array_equal(thermal._height(air, air - 30, 0.0), 0.0)


@pytest.mark.parametrize("shape", [(), (0,), (1, 1), (3, 2)])
def test_any_shape_comes_back(shape):
    found = seen(view_zenith=np.zeros(shape))
    assert found.shape == shape
    assert found.dtype == np.float32


def test_the_sun_reaches_only_short_waves_and_only_by_day():
    for centre, warmer in ((3.75, True), (10.9, False)):
        day, night = seen(centre, emissivity=0.9, sun_zenith=30.0), seen(centre, emissivity=0.9, sun_zenith=120.0)
        assert (float(day) > float(night) + 1) == warmer
        assert float(night) == float(seen(centre, emissivity=0.9))


def test_blocks_do_not_show(monkeypatch):
    surface = np.linspace(260, 320, 37).reshape(37, 1) + np.zeros((1, 5))
    whole = seen(surface_temperature=surface, cloud_optical_depth=np.array([0, 0, 1, 0, 9.0]))
    monkeypatch.setattr(thermal, "_BLOCK", 7)
    blocks = seen(surface_temperature=surface, cloud_optical_depth=np.array([0, 0, 1, 0, 9.0]))
    np.testing.assert_array_equal(blocks, whole)
