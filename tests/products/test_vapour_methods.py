"""Closed forms of water vapour: windows, errors, coefficients of sensors, ratios of covariance."""

import numpy as np
import pytest
import xarray as xr
from products.air_scenes import draw

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.products import _vapour_methods as methods
from musyq_lab.standard import _aerosol_cells


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


def test_no_column_is_certain_to_be_zero():
    """Light that is not absorbed is 0 of vapour with an error, the greater the less that can be true."""
    light = np.array([0.29, 0.3 * np.exp(methods.ALPHA), 0.33, 0.40])
    column, sigma = methods.by_exponential(xr.DataArray(light, dims="x"), field(0.3), None, field(1.0))
    np.testing.assert_allclose(column[1:], 0.0, atol=1e-12)
    assert (sigma > 0.0).all()
    assert sigma[1] < sigma[2] < sigma[3]
    # At a root of 0 it is the scatter of the square of a normal number.
    draws = np.random.default_rng(1).normal(0.0, methods._SURFACES / methods.BETA, 200_000)
    assert float(sigma[1]) == pytest.approx(np.std(10.0 * draws**2), rel=0.02)


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


# ---- exponential -----------------------------------------------------------------------------------------------------
def test_published_number_of_the_exponential():
    """W of 1 g cm-2 along 2.5 air masses lets 0.364466 through (radiation-vectors.json; m0 = 1)."""
    column, _ = methods.by_exponential(field(0.364466230 * 0.3), field(0.3), None, field(2.5))
    assert float(column) == pytest.approx(10.0, rel=1e-7)


@pytest.mark.parametrize("vapour", [0.0, 1.0, 12.0, 45.0])
@pytest.mark.parametrize("far", [None, 0.35])
def test_the_exponential_is_undone(vapour, far):
    """Kaufman & Gao 1992, written the other way round: light from the column, kg m-2 from g cm-2."""
    mass = 2.9 / methods.REFERENCE_AIR_MASS
    window = 0.3 if far is None else 0.8 * 0.3 + 0.2 * far
    light = window * np.exp(0.020 - 0.651 * np.sqrt(mass * vapour / 10.0))
    column, sigma = methods.by_exponential(field(light), field(0.3), None if far is None else field(far), field(mass))
    assert float(column) == pytest.approx(vapour, abs=1e-9)
    steps = [methods.by_exponential(field(light * np.exp(k)), field(window), None, field(mass))[0] for k in (1e-6, 0.0)]
    slope = float(steps[1] - steps[0]) / 1e-6
    curved = 2.0**0.5 * 10.0 / mass * (0.03 / 0.651) ** 2  # what is left at a column of 0, where the slope is 0
    parts = np.array([0.03 * slope, 0.25 * vapour, curved])
    assert float(sigma) == pytest.approx(np.sqrt((parts**2).sum()), abs=1e-4)


def test_brightness_of_the_ground_does_not_matter_and_the_air_mass_divides():
    bright, dark = (methods.by_exponential(field(0.4 * k), field(k), None, field(1.0))[0] for k in (0.5, 0.05))
    assert float(bright) == pytest.approx(float(dark), rel=1e-12)
    slant, _ = methods.by_exponential(field(0.2), field(0.5), None, field(2.0))
    assert float(slant) == pytest.approx(float(bright) / 2.0, rel=1e-12)


def test_more_light_than_the_window_is_no_vapour_and_no_light_is_no_value():
    absorbing = xr.DataArray([0.5, 0.31, 0.0, -0.1, 0.2, np.nan], dims="x")
    near = xr.DataArray([0.3, 0.3, 0.3, 0.3, 0.0, 0.3], dims="x")
    column, sigma = methods.by_exponential(absorbing, near, None, field(1.0))
    np.testing.assert_array_equal(column, [0.0, 0.0, np.nan, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(np.isnan(sigma), np.isnan(column))


def test_exponential_is_lazy_and_keeps_its_type():
    random = draw(2)
    near = xr.DataArray(random.uniform(0.2, 0.5, (6, 7)).astype("f4"), dims=("y", "x"))
    absorbing, mass = near * np.float32(0.5), near * 0 + np.float32(1.1)
    whole = methods.by_exponential(absorbing, near, near, mass)
    parts = methods.by_exponential(*(a.chunk(y=2, x=5) for a in (absorbing, near, near, mass)))
    double = methods.by_exponential(*(a.astype("f8") for a in (absorbing, near, near, mass)))
    for one, lazy, fine in zip(whole, parts, double, strict=True):
        assert one.dtype == np.float32
        assert lazy.chunks == ((2, 2, 2), (5, 2))
        np.testing.assert_array_equal(lazy, one)
        np.testing.assert_allclose(one, fine, rtol=1e-5)


# ---- covariance ------------------------------------------------------------------------------------------------------
REN = methods.Relation(9.087, 0.653, -9.674, 0.5)


def pair(size=10, shape=(1, 1), ratio=0.9, noise=0.05, key=8):
    """Return temperatures of two bands over cells: what differs in the first, differs by ``ratio`` in the second."""
    random, whole = draw(key), (size * shape[0], size * shape[1])
    first = 295.0 + 3.0 * random.normal(size=whole)
    return np.stack([first, 288.0 + ratio * (first - 295.0) + noise * random.normal(size=whole)])


def cells_of(light, size=10, *, marked=None, zenith=0.0, relation=REN):
    shape = light.shape[1] // size, light.shape[2] // size
    marked = np.zeros((1, *light.shape[1:]), np.int8) if marked is None else marked
    known = np.array([zenith, 20.0, 5.0])[:, None, None] * np.ones((1, *shape))
    return methods._covariance_cells(light, marked, known, rows=size, columns=size, coefficients=relation)


def plain_ratio(first, second):
    """Return R of Ren et al. 2015 by a double loop over the pixels of a cell."""
    number = mean1 = mean2 = 0.0
    for row in range(first.shape[0]):
        for column in range(first.shape[1]):
            number, mean1, mean2 = number + 1, mean1 + first[row, column], mean2 + second[row, column]
    mean1, mean2 = mean1 / number, mean2 / number
    above = below = 0.0
    for row in range(first.shape[0]):
        for column in range(first.shape[1]):
            away = first[row, column] - mean1
            above += away * (second[row, column] - mean2)
            below += away * away
    return above / below


def test_cells_are_those_of_a_plain_double_loop():
    light = pair(shape=(2, 3))
    value, _, told = cells_of(light, zenith=40.0)
    assert told.all()
    for row, column in np.ndindex(2, 3):
        at = slice(10 * row, 10 * row + 10), slice(10 * column, 10 * column + 10)
        ratio = plain_ratio(light[0][at], light[1][at])
        expected = 10.0 * np.cos(np.radians(40.0)) * (9.087 + 0.653 * ratio - 9.674 * ratio**2)
        assert value[row, column] == pytest.approx(expected, rel=1e-5)


def test_landsat_has_the_numbers_of_ren():
    assert methods.relation("landsat_oli", "Landsat-9") == REN
    assert methods.relation("modis", "Terra") == methods.relation("modis", "Aqua") == methods.relation("modis")


def test_level_and_order_of_the_temperatures_do_not_matter():
    light = pair()
    found = cells_of(light)
    np.testing.assert_allclose(cells_of(light + np.array([5.0, -7.0])[:, None, None]), found, rtol=1e-5)
    mixed = draw(4).permutation(light.reshape(2, 100), axis=1).reshape(2, 10, 10)
    np.testing.assert_allclose(cells_of(mixed), found, rtol=1e-5)
    wider = 295.0 + 2.0 * (light - 295.0)
    assert cells_of(wider)[0] == pytest.approx(found[0], rel=1e-5)
    assert cells_of(wider)[1] < found[1]  # the same noise counts less where temperatures differ more


@pytest.mark.parametrize("why", ["even", "unlike", "against", "cloud", "few", "gaps", "beyond"])
def test_the_climatology_remains_where_the_temperatures_tell_nothing(why):
    light, marked = pair(), np.zeros((1, 10, 10), np.int8)
    if why == "even":
        light[:] = 290.0
    elif why == "unlike":
        light = pair(noise=3.0)
    elif why == "against":
        light = pair(ratio=-0.9)
    elif why == "beyond":
        light = pair(ratio=1.05)  # a column below 0
    elif why == "gaps":
        light[1] = np.nan
    else:
        marked[0].flat[0 if why == "cloud" else 9 :] = 2
    found = cells_of(light, marked=marked)
    np.testing.assert_array_equal(found[:, 0, 0], [20.0, 5.0, 0.0])


def test_ten_pixels_are_enough():
    marked = np.zeros((1, 10, 10), np.int8)
    marked[0].flat[10:] = 1
    light = pair(noise=0.0)
    found = cells_of(light, marked=marked)
    assert found[2] == 1.0
    assert found[0].item() == pytest.approx(10.0 * (9.087 + 0.653 * 0.9 - 9.674 * 0.81), rel=1e-5)


def thermal(light, **variables):
    """Return a scene of 1 km with a place and a time."""
    _, rows, columns = light.shape
    plane = ("y", "x")
    coords = {"thermal_band": ["tir1", "tir2"], "y": 4e6 - 1e3 * np.arange(rows), "x": 5e5 + 1e3 * np.arange(columns)}
    coords |= {
        "latitude": (plane, np.full((rows, columns), 40.3)),
        "longitude": (plane, np.full((rows, columns), 115.5)),
    }
    stack = (("thermal_band", *plane), light.astype("f4"), {"units": "K"})
    attrs = {"sensor": "modis", "platform": "Terra", "time_coverage_start": "2019-07-01T03:00:00Z"}
    return xr.Dataset(
        {"brightness_temperature": stack, "elevation": (plane, np.full((rows, columns), 500.0))} | variables,
        coords,
        attrs,
    )


def test_a_scene_is_seen_by_cells_whatever_its_chunks(monkeypatch):
    light, zenith = pair(shape=(2, 3)), np.full((20, 30), 40.0, "f4")
    scene = thermal(light, view_zenith=(("y", "x"), zenith))
    cells, found = methods.by_covariance(scene, REN, None)
    assert (cells.rows.count, cells.columns.count) == (2, 3)  # ten pixels are more than 5 km
    np.testing.assert_allclose(found, cells_of(light.astype("f4"), zenith=40.0), rtol=1e-4)
    monkeypatch.setattr(_aerosol_cells, "_CHUNK", 10)
    _, lazy = methods.by_covariance(scene.chunk(y=7, x=11), REN, None)
    assert lazy.numblocks == (1, 2, 3)
    np.testing.assert_array_equal(lazy.compute(), found)


def test_a_scene_under_clouds_is_that_of_the_climatology():
    bits = np.zeros((20, 20), np.uint16)
    bits[:, :10] = SCENE_FLAG["cloud"].mask
    _, found = methods.by_covariance(thermal(pair(shape=(2, 2)), qa=(("y", "x"), bits)), REN, 10e3)
    assert found[2].tolist() == [[0.0, 1.0], [0.0, 1.0]]
    value, sigma = found[:2, 0, 0]
    assert 15.0 < value < 45.0  # kg m-2, Huailai in July
    assert 0.0 < sigma < value
