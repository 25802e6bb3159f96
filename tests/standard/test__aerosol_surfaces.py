"""Kinds of land surfaces in the bands of a sensor, beside published relations of dark targets."""

import numpy as np
import pytest

from musyq_lab.kernels.aerosol import FREEDOM, OFFSET
from musyq_lab.standard import _aerosol_surfaces as made
from musyq_lab.standard import _library

BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")
MODIS = ("blue", "green", "red", "nir", "nir_1240", "swir1", "swir2")


def greenness(spectra, bands):
    nir, red = spectra[:, bands.index("nir")], spectra[:, bands.index("red")]
    return (nir - red) / (nir + red)


def test_land_holds_no_snow_and_no_water():
    found = made.land("landsat_oli", BANDS)
    counts = np.isin(_library.kinds(), ("snow", "water")).sum()
    assert 2000 < found.shape[0] <= _library.kinds().size - counts
    assert (found > 0).all()
    assert found.max() < 1.0


@pytest.mark.parametrize(("sensor", "bands"), [("landsat_oli", BANDS), ("modis", MODIS), ("gf1_wfv", BANDS[:4])])
def test_whitened_distances_have_unit_variance(sensor, bands):
    """Less than one, since the covariance holds the error of the models too."""
    kinds, spectra = made.surfaces(sensor, bands), made.land(sensor, bands)
    index = greenness(spectra, bands)
    for k, (low, high) in enumerate(zip(made.EDGES[:-1], made.EDGES[1:], strict=True)):
        x = np.log(spectra[(index >= low) & (index < high)] + OFFSET) - kinds.mean[k]
        white = x @ kinds.whiten[k].T
        np.testing.assert_allclose(white.mean(axis=0), 0.0, atol=1e-3)
        assert (white.var(axis=0) <= 1.0 + 1e-3).all()
        assert white.var(axis=0)[0] > 0.5


@pytest.mark.parametrize("kind", range(6))
def test_covariance_is_that_of_the_library_and_the_model_error(kind):
    kinds, spectra = made.surfaces("landsat_oli", BANDS), made.land("landsat_oli", BANDS)
    index = greenness(spectra, BANDS)
    chosen = spectra[(index >= made.EDGES[kind]) & (index < made.EDGES[kind + 1])]
    inverse = np.linalg.inv(kinds.whiten[kind].astype(float))
    added = inverse @ inverse.T - np.cov(np.log(chosen + OFFSET).T)
    noise = (made.NOISE / (chosen.mean(axis=0) + OFFSET)) ** 2
    np.testing.assert_allclose(np.diag(added), made.MODEL_ERROR**2 + noise, rtol=0.02)
    # neighbours in the spectrum err together, distant bands do not
    assert added[0, 1] > 0.5 * made.MODEL_ERROR**2
    assert abs(added[0, 5]) < 0.02 * made.MODEL_ERROR**2


@pytest.mark.parametrize("kind", range(6))
def test_constant_is_the_determinant_and_the_share(kind):
    kinds, spectra = made.surfaces("landsat_oli", BANDS), made.land("landsat_oli", BANDS)
    index = greenness(spectra, BANDS)
    share = ((index >= made.EDGES[kind]) & (index < made.EDGES[kind + 1])).mean()
    determinant = -2 * np.log(np.abs(np.diag(kinds.whiten[kind].astype(float)))).sum()
    assert kinds.constant[kind] == pytest.approx(determinant - 2 * np.log(share), abs=1e-3)


def test_relations_of_dark_vegetation_are_near_the_published_ones():
    """Levy et al. 2007, doi:10.1029/2006JD007811: red = 0.5 to 0.6 of 2.1 um, blue = 0.49 red + 0.005.

    The models have canopies that are greener in the blue by up to 0.01; that is what two bands may differ by.
    """
    spectra = made.land("modis", MODIS)
    dense = spectra[(greenness(spectra, MODIS) > 0.6) & (spectra[:, 6] < 0.15) & (spectra[:, 6] > 0.01)]
    blue, red, swir = (dense[:, MODIS.index(name)] for name in ("blue", "red", "swir2"))
    assert np.median(blue - (0.49 * red + 0.005)) == pytest.approx(0.0, abs=0.012)
    assert np.median(red / swir) == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize("kind", [4, 5])
def test_dense_vegetation_is_dark_and_fixed_best(kind):
    """What the infrared leaves open of the blue, as reflectance, falls from soil to dense canopies."""
    kinds = made.surfaces("landsat_oli", BANDS)
    left = []
    for k in (1, kind):
        inverse = np.linalg.inv(kinds.whiten[k].astype(float))
        covariance = inverse @ inverse.T
        infrared = covariance[3:, 3:]
        rest = covariance[0, 0] - covariance[0, 3:] @ np.linalg.solve(infrared, covariance[3:, 0])
        left.append(np.sqrt(rest) * np.exp(kinds.mean[k, 0]))
    assert left[1] < 0.6 * left[0]


def test_sensors_without_nir_use_the_narrow_one():
    bands = ("blue", "red", "nir_narrow")
    assert made.surfaces("sentinel2_msi", bands).mean.shape == (6, 3)


@pytest.mark.parametrize("kind", range(6))
def test_the_density_of_reflectance_is_largest_near_the_mean(kind):
    """Differences of the density along each band, about the mean spectrum, beside those half a sigma away."""
    kinds = made.surfaces("landsat_oli", BANDS)

    def cost(x):
        distance = ((kinds.whiten[kind].astype(float) @ (x - kinds.centre[kind])) ** 2).sum()
        return (FREEDOM + x.size) * np.log1p(distance / FREEDOM) + 2 * x.sum()

    mean = kinds.mean[kind].astype(float)
    sigma = np.sqrt(np.diag(np.linalg.inv(kinds.whiten[kind].T.astype(float) @ kinds.whiten[kind].astype(float))))
    for step in np.diag(0.5 * sigma):
        assert cost(mean) < min(cost(mean + step), cost(mean - step))


def test_a_kind_that_no_spectrum_shows_is_left_out():
    """The red band of AGRI reaches from 0.55 to 0.75 um: no leaves have an NDVI of 0.85 in it."""
    wide = made.surfaces("fy4a_agri", ("blue", "red", "nir", "swir1", "swir2"))
    usual = made.surfaces("himawari_ahi", ("blue", "green", "red", "nir", "swir1", "swir2"))
    assert len(wide.mean) == len(usual.mean) - 1
    assert all(np.isfinite(part).all() for part in wide)
