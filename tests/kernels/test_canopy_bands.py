"""Band averages of canopies: equal to averages of whole spectra, near them where they are an approximation."""

import numpy as np
import pytest

from musyq_lab.kernels import canopy, ground
from musyq_lab.kernels.leaf import prospect_d
from musyq_lab.standard.spectra import band_weights, broad_bands, intervals

LEAF = ("n", "cab", "car", "ant", "cbrown", "cw", "cm")
RANGES = {
    "n": (1.0, 2.5), "cab": (5.0, 90.0), "car": (1.0, 20.0), "ant": (0.0, 5.0), "cbrown": (0.0, 1.0),
    "cw": (0.002, 0.04), "cm": (0.002, 0.02), "lai": (0.0, 8.0), "hotspot": (0.01, 0.5), "sun_zenith": (0.0, 75.0),
    "view_zenith": (0.0, 60.0), "relative_azimuth": (0.0, 360.0),
}  # fmt: skip


def cases(count, seed=5, dtype=np.float64):
    rng = np.random.default_rng(seed)
    numbers = {name: rng.uniform(*limits, count).astype(dtype) for name, limits in RANGES.items()}
    return canopy.CanopyParameters(**numbers, leaf_angles=canopy.campbell(rng.uniform(30.0, 80.0, count)))


def soils(bands, count, seed=6):
    rng = np.random.default_rng(seed)
    return ground.soil(
        bands.wavelength,
        bands.leaf.water,
        rng.uniform(0.2, 0.55, count),
        redness=rng.uniform(0.3, 0.8, count),
        moisture=rng.uniform(0.0, 0.4, count),
    )


def spectral(parameters, constants):
    rho, tau = prospect_d(*(getattr(parameters, name) for name in LEAF), constants=constants)
    rest = {name: getattr(parameters, name) for name in (*RANGES, "leaf_angles") if name not in LEAF}
    return canopy.four_sail(rho, tau, **rest)


@pytest.fixture(scope="module")
def oli():
    return band_weights("landsat_oli", ["coastal", "blue", "green", "red", "nir", "swir1", "swir2"])


def test_bands_are_averages_of_spectra(oli, monkeypatch):
    parameters = cases(40)
    monkeypatch.setattr(canopy, "_BLOCK", 10_000)  # several blocks, the last one shorter
    found = canopy.canopy_bands(parameters, oli.leaf, oli.weights)
    for name, value in spectral(parameters, oli.leaf)._asdict().items():
        whole = oli.average(value) if value.shape[-1] > 1 else value
        np.testing.assert_allclose(getattr(found, name), whole, rtol=0, atol=1e-13, err_msg=name)


@pytest.mark.parametrize(
    ("sensor", "names", "variant"),
    [
        ("landsat_oli", ("coastal", "blue", "green", "red", "nir", "swir1", "swir2"), ""),
        ("sentinel2_msi", ("blue", "green", "red", "red_edge_1", "red_edge_2", "nir", "swir1", "swir2"), ""),
        ("modis", ("1", "2", "3", "4", "5", "6", "7", "14lo", "15"), "Terra"),
    ],
)
def test_coarse_wavelengths_are_near_fine_ones(sensor, names, variant):
    parameters, errors = cases(300), {}
    exact = None
    for step in (1, 2, 3, 10):
        bands = band_weights(sensor, names, variant, step=step)
        layer = canopy.canopy_bands(parameters, bands.leaf, bands.weights)
        found = canopy.over_soil(layer, bands.average(soils(bands, 300))).rsot
        exact = found if exact is None else exact
        errors[step] = np.abs(found - exact).max()
    assert errors[2] <= 2e-4
    assert errors[3] <= 8e-4
    assert errors[10] > 4.0 * errors[2]


def test_coupling_band_averages_is_near_the_average_of_the_coupled(oli):
    parameters, soil = cases(150), soils(oli, 150)
    layer = spectral(parameters, oli.leaf)
    banded = canopy.canopy_bands(parameters, oli.leaf, oli.weights)
    pairs = [
        *zip(canopy.over_soil(layer, soil), canopy.over_soil(banded, oli.average(soil)), strict=True),
        *zip(canopy.absorbed(layer, soil), canopy.absorbed(banded, oli.average(soil)), strict=True),
    ]
    for whole, found in pairs:
        np.testing.assert_allclose(found, oli.average(whole), rtol=0, atol=3e-4)


def test_broad_values_from_intervals_and_from_one_band():
    """Twelve intervals give the shortwave within 0.001; one band is ten times farther off, as its docstring says."""
    parameters = cases(120)
    whole, parts = broad_bands(("shortwave", "par"), step=3), intervals()
    soil = soils(whole, 120)
    exact = whole.average(canopy.over_soil(spectral(parameters, whole.leaf), soil).rsdt)
    pieces = parts[0].average(soils(parts[0], 120))
    layer = canopy.canopy_bands(parameters, parts[0].leaf, parts[0].weights)
    np.testing.assert_allclose(canopy.over_soil(layer, pieces).rsdt @ parts[1], exact[:, 0], rtol=0, atol=1e-3)
    layer = canopy.canopy_bands(parameters, whole.leaf, whole.weights)
    one = np.abs(canopy.over_soil(layer, whole.average(soil)).rsdt - exact).max(axis=0)
    assert 2e-3 < one[0] < 0.02
    assert one[1] < 2e-3


def test_fapar_of_a_field():
    """Green leaves take nearly all photosynthetically active light that they meet, and little of the near infrared."""
    bands = broad_bands(("par", "near_infrared"), step=10)
    lai = np.array([0.0, 0.5, 1.0, 2.0, 4.0, 8.0])
    parameters = canopy.CanopyParameters(
        1.5, 45.0, 10.0, 0.0, 0.0, 0.012, 0.005, lai, canopy.campbell(57.3), 0.1, 30.0, 0.0, 0.0
    )
    layer = canopy.canopy_bands(parameters, bands.leaf, bands.weights)
    met = 1.0 - layer.tss[:, 0]
    black = canopy.absorbed(layer, 0.0).direct[:, 0]
    assert (black <= met + 1e-12).all()
    assert (black >= 0.9 * met).all()
    taken = canopy.absorbed(layer, bands.average(ground.soil(bands.wavelength, bands.leaf.water, 0.3)))
    assert (taken.direct[1:, 0] > black[1:]).all()
    for share in taken:
        assert (np.diff(share[:, 0]) > 0.0).all()
        assert (share[1:, 1] < share[1:, 0]).all()
        assert (share <= 0.97).all()
        np.testing.assert_allclose(share[0], 0.0, atol=1e-12)


def test_float32_follows_float64(oli):
    narrow = cases(60, dtype=np.float32)
    wide = canopy.CanopyParameters(
        **{name: np.asarray(getattr(narrow, name), np.float64) for name in RANGES}, leaf_angles=narrow.leaf_angles
    )
    found = canopy.canopy_bands(narrow, oli.leaf, oli.weights)
    for name, value in canopy.canopy_bands(wide, oli.leaf, oli.weights)._asdict().items():
        assert getattr(found, name).dtype == np.float32
        np.testing.assert_allclose(getattr(found, name), value, rtol=0, atol=3e-6, err_msg=name)


def test_plain_numbers_follow_float32_arrays(oli):
    lai = np.array([1.0, 2.0])
    parameters = canopy.CanopyParameters(
        1.5, np.array([40.0, 50.0], np.float32), 8, 0.0, 0.0, 0.01, 0.005, lai, canopy.campbell(50.0), 0.1, 30, 10, 0
    )
    assert {x.dtype.name for x in canopy.canopy_bands(parameters, oli.leaf, oli.weights)} == {"float32"}


def test_any_shape_and_missing_cases(oli):
    lai = np.array([[1.0, np.nan, 3.0], [0.0, 2.0, 5.0]])
    parameters = canopy.CanopyParameters(
        1.5, 40.0, 8.0, 0.0, 0.0, 0.01, 0.005, lai, canopy.campbell(50.0), 0.1, np.full((2, 1), 30.0), 10.0, 0.0
    )
    layer = canopy.canopy_bands(parameters, oli.leaf, oli.weights)
    assert layer.rdd.shape == (2, 3, 7)
    assert layer.tss.shape == (2, 3, 1)
    assert np.isnan(layer.rso[0, 1]).all()
    assert np.isfinite(np.delete(layer.rso.reshape(6, 7), 1, axis=0)).all()


def test_no_cases(oli):
    layer = canopy.canopy_bands(cases(0), oli.leaf, oli.weights)
    assert layer.rdd.shape == (0, 7)
