"""Composites of looks at a surface with planted kernels, seen from many sides."""

import numpy as np
import pytest
import xarray as xr
from composite.looks_at import BANDS, GRID, noise, scene

from musyq_lab.composite import _plan
from musyq_lab.composite.composite import composite
from musyq_lab.kernels import brdf
from musyq_lab.standard import nadir

WEIGHTS = np.array([[0.05, 0.03, 0.008], [0.08, 0.04, 0.012], [0.07, 0.03, 0.02], [0.33, 0.25, 0.02]])
SUN = 35.0
AZIMUTH = 140.0


def kernel_values(sun, view, azimuth):
    vol, geo = brdf.values(*(np.float64(a) for a in (sun, view, azimuth)))
    return np.array([1.0, float(vol), float(geo)])


def looks(count: int = 12, sigma: float = 0.0, spread: float = 55.0, weights: np.ndarray = WEIGHTS):
    """Looks whose view zenith, azimuth and Sun vary, of a surface that has the weights everywhere."""
    made = []
    for k in range(count):
        view = spread * k / max(count - 1, 1)
        azimuth, sun = 10.0 + 160.0 * ((7 * k) % count) / count, 25.0 + 25.0 * ((5 * k) % count) / count
        value = (weights @ kernel_values(sun, view, azimuth))[:, None, None]
        add = noise(k, (len(BANDS), *GRID.shape), sigma) if sigma else 0.0
        sensor, time = ("modis", "npp_viirs", "fy3d_mersi2")[k % 3], f"2019-07-02T{k:02d}:00:00Z"
        known = {"random": max(sigma, 0.003), "systematic": 0.002}
        one = scene(f"g{k:02d}", time, sensor, value=value, view=view, sun=sun, add=add, **known)
        made.append(one.assign(view_azimuth=one.view_azimuth * 0 + AZIMUTH + azimuth))
    return made


TRUTH = WEIGHTS @ kernel_values(SUN, 0.0, 0.0)


def made(scenes, **choice):
    return composite(scenes, period="2019-07-02", **{"sun_zenith": SUN, "windows": (5,), **choice}).compute()


@pytest.mark.parametrize("method", ["auto", "brdf"])
def test_planted_kernels_come_back(method):
    result = made(looks(), method=method)
    np.testing.assert_allclose(result.reflectance[:, 2, 2], TRUTH, rtol=2e-3)
    assert ((result.composite_qa.values & _plan.INVERSION.mask) > 0).all()
    assert not (result.composite_qa.values & _plan.MAGNITUDE.mask).any()


def test_an_inversion_beats_the_fixed_shape_on_a_surface_of_another_shape():
    inverted, averaged = (made(looks(sigma=0.003), method=m) for m in ("auto", "mean"))
    truth = xr.DataArray(TRUTH, dims="band")
    rmse = [float(np.sqrt(((r.reflectance - truth) ** 2).sel(band="nir").mean())) for r in (inverted, averaged)]
    assert rmse[0] < rmse[1]


def test_few_looks_are_averaged_or_scaled():
    few = looks(4)
    auto, brdf_ = made(few, method="auto"), made(few, method="brdf")
    assert not (auto.composite_qa.values & (_plan.INVERSION.mask | _plan.MAGNITUDE.mask)).any()
    assert ((brdf_.composite_qa.values & _plan.MAGNITUDE.mask) > 0).all()
    xr.testing.assert_identical(auto.reflectance, made(few, method="mean").reflectance)
    np.testing.assert_allclose(brdf_.reflectance, auto.reflectance, rtol=0.05)


def test_one_direction_is_not_inverted_however_many_looks():
    same = [
        s.assign(view_zenith=s.view_zenith * 0 + 20.0, sun_zenith=s.sun_zenith * 0 + 30.0) for s in looks(12, spread=0)
    ]
    result = made([s.assign(view_azimuth=same[0].view_azimuth) for s in same], method="auto")
    assert not (result.composite_qa.values & _plan.INVERSION.mask).any()


def test_scenes_that_were_normalised_already_are_not_inverted():
    scenes = [nadir.normalize(s, sun_zenith=SUN) for s in looks()]
    result = made(scenes, method="auto")
    assert not (result.composite_qa.values & _plan.INVERSION.mask).any()
    xr.testing.assert_identical(result.reflectance, made(scenes, method="mean").reflectance)


def test_the_mean_is_that_of_scenes_that_the_step_normalised():
    """The strip's own correction and the step on whole scenes are two pieces of code for one formula."""
    scenes = looks(5, sigma=0.002)
    inside = made(scenes, method="mean")
    outside = [nadir.normalize(s, sun_zenith=SUN).assign(view_zenith=s.view_zenith) for s in scenes]
    beside = made(outside, method="mean", normalize=False)
    np.testing.assert_allclose(inside.reflectance, beside.reflectance, rtol=1e-4)
    np.testing.assert_allclose(inside.reflectance_uncertainty, beside.reflectance_uncertainty, rtol=1e-2)


def test_one_geometry_brings_two_views_together():
    """A surface of the fixed shape looks the same from everywhere once it is normalised."""
    shape = np.array([nadir.FIXED[name] for name in BANDS]) * 0.8
    scenes = looks(6, weights=shape)
    result = made(scenes, method="mean")
    np.testing.assert_allclose(result.reflectance[:, 0, 0], shape @ kernel_values(SUN, 0.0, 0.0), rtol=1e-4)
    assert (result.n_obs == 6).all()
    raw, one = (made(scenes[-1:], method="mean", normalize=n) for n in (False, True))
    np.testing.assert_allclose(one.reflectance, result.reflectance, rtol=1e-4)
    assert float(abs(raw.reflectance / result.reflectance - 1).max()) > 0.02


def test_the_part_that_sensors_share_stays_in_the_uncertainty_of_an_inversion():
    small = made(looks(), method="brdf").reflectance_uncertainty
    scenes = [s.assign(reflectance_systematic=s.reflectance_systematic * 10) for s in looks()]
    large = made(scenes, method="brdf").reflectance_uncertainty
    assert float(small.max()) < 0.012
    assert float(large.min()) > 0.009
    assert (large > small).all()


def test_a_look_without_values_does_not_spoil_the_uncertainty():
    scenes = looks()
    names = ["reflectance", "reflectance_random", "reflectance_systematic"]
    scenes[4] = scenes[4].assign({name: scenes[4][name] * np.nan for name in names})
    result = made(scenes, method="brdf")
    assert (result.n_obs == 11).all()
    assert np.isfinite(result.reflectance_uncertainty).all()


@pytest.mark.parametrize("chunks", [(6, 8), (5, 7)])
def test_chunks_change_no_bit_of_an_inversion(chunks):
    plane = dict(zip(("latitude", "longitude"), chunks, strict=True))
    plain = made(looks(sigma=0.003), method="auto")
    xr.testing.assert_identical(made([s.chunk(plane) for s in looks(sigma=0.003)], method="auto"), plain)
