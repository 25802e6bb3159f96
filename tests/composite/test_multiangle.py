"""Kernel weights and nadir reflectance of planted surfaces, their uncertainty, classes and laziness."""

import dask
import numpy as np
import pytest
import xarray as xr

from musyq_lab.composite import multiangle
from musyq_lab.core.errors import InputError
from musyq_lab.kernels import brdf
from musyq_lab.standard.nadir import fixed_weights, shares

ROLES = {"blue": 0.48, "red": 0.66, "nir": 0.86}
SHAPE = (12, 15)


def kernels(angles):
    vol, geo = brdf.values(*(np.ascontiguousarray(angle.values, np.float32) for angle in angles))
    return np.stack([np.ones_like(vol), vol, geo]).astype(np.float64)


def case(count=18, noise=0.0, seed=0, shape=SHAPE, planted=None):
    """Looks, their angles and weights, and the planted weights of the kernels."""
    draw = np.random.default_rng(seed)

    def layer(low, high):
        return xr.DataArray(draw.uniform(low, high, (count, *shape)).astype(np.float32), dims=("look", "y", "x"))

    angles = layer(20, 60), layer(0, 62), layer(0, 180)
    if planted is None:
        planted = np.array([0.3, 0.15, 0.03])[:, None, None, None] * draw.uniform(0.3, 1.0, (3, len(ROLES), *shape))
    values = np.einsum("kbyx,knyx->nbyx", planted, kernels(angles))
    values += draw.normal(0.0, noise, values.shape) if noise else 0.0
    coords = {"band": list(ROLES), "wavelength": ("band", list(ROLES.values()))}
    coords |= {"y": -30.0 * np.arange(shape[0]), "x": 30.0 * np.arange(shape[1])}
    reflectance = xr.DataArray(values.astype(np.float32), dims=("look", "band", "y", "x"), coords=coords)
    return (reflectance, *angles, layer(0.5, 1.0)), planted


def from_above(planted, sun=40.0):
    return np.einsum("kbyx,k->byx", planted, np.array([1.0, *brdf.values.python(sun, 0.0, 0.0)]))


@pytest.fixture(scope="module")
def noise_free():
    looks, planted = case()
    return looks, planted, multiangle.invert(*looks, sun=40.0)


# ---- planted surfaces ------------------------------------------------------------------------------------------------
def test_planted_surfaces_come_back(noise_free):
    looks, planted, found = noise_free
    assert (found["inversion"] == 2).mean() > 0.98
    full = found["inversion"].values == 2
    np.testing.assert_allclose(found["brdf"].values[..., full], planted[..., full], rtol=0, atol=1e-5)
    wanted = from_above(planted)[:, full]
    np.testing.assert_allclose(found["nadir_reflectance"].values[:, full], wanted, rtol=0, atol=5e-6)
    assert (found["looks"] == looks[0].sizes["look"]).all()


def test_layers_are_as_agreed(noise_free):
    _, _, found = noise_free
    dims = {
        "nadir_reflectance": ("band", "y", "x"),
        "nadir_uncertainty": ("band", "y", "x"),
        "brdf": ("parameter", "band", "y", "x"),
        "looks": ("y", "x"),
        "inversion": ("y", "x"),
    }
    assert {name: layer.dims for name, layer in found.items()} == dims
    assert [found[name].dtype for name in dims] == [np.float32] * 3 + [np.uint16, np.uint8]
    assert list(found["parameter"].values) == ["iso", "vol", "geo"]
    assert list(found["wavelength"].values) == list(ROLES.values())
    assert found["inversion"].attrs["flag_meanings"] == "none magnitude full"
    assert all(layer.attrs["long_name"] for layer in found.values())


def test_sun_of_each_pixel(noise_free):
    looks, planted, found = noise_free
    sun = xr.DataArray(np.linspace(20, 60, SHAPE[0]).astype(np.float32), dims="y")
    made = multiangle.invert(*looks, sun=sun)
    for row in (0, 7):
        wanted = from_above(planted, float(sun[row]))[:, row]
        np.testing.assert_allclose(made["nadir_reflectance"][:, row], wanted, rtol=0, atol=1e-4)
    full = (found["inversion"] == 2) & (made["inversion"] == 2)
    xr.testing.assert_equal(made["brdf"].where(full), found["brdf"].where(full))


def test_angles_of_a_whole_scene():
    """Angles and weights without the dims of the pixels serve all of them."""
    looks, _ = case(count=9)
    one = [layer.isel(y=0, x=0) for layer in looks[1:]]
    wide = [layer.isel(y=0, x=0).broadcast_like(looks[1]).transpose("look", "y", "x") for layer in looks[1:]]
    xr.testing.assert_identical(
        multiangle.invert(looks[0], *one, sun=30.0), multiangle.invert(looks[0], *wide, sun=30.0)
    )


# ---- few looks -------------------------------------------------------------------------------------------------------
def test_few_looks_keep_the_shape_of_the_archetype():
    shape = fixed_weights(list(ROLES), list(ROLES.values())).values.astype(np.float64)
    planted = np.broadcast_to(0.6 * shape[:, :, None, None], (3, len(ROLES), *SHAPE))
    looks, _ = case(count=3, planted=planted)
    found = multiangle.invert(*looks, sun=40.0)
    assert (found["inversion"] == 1).all()
    np.testing.assert_allclose(found["brdf"], planted, rtol=1e-4)
    np.testing.assert_allclose(found["nadir_reflectance"], from_above(planted), rtol=1e-4)


def test_more_looks_than_a_byte_counts():
    looks, _ = case(count=300, shape=(1, 2))
    assert (multiangle.invert(*looks, sun=40.0)["looks"] == 300).all()


def test_own_archetype():
    own = xr.DataArray(
        np.array([[0.2, 0.4], [0.05, 0.3], [0.03, 0.05]]),
        dims=("parameter", "band"),
        coords={"parameter": ["iso", "vol", "geo"], "band": ["nir", "red"]},
    )
    looks, planted = case(count=2, planted=np.broadcast_to(own.values[:, [1, 0], None, None], (3, 2, *SHAPE)).copy()
                          .repeat(2, axis=1)[:, :3] * 0.5)  # fmt: skip
    reflectance = looks[0].isel(band=[0, 2]).assign_coords(band=["red", "nir"])
    planted = planted[:, [0, 2]]
    found = multiangle.invert(reflectance, *looks[1:], sun=40.0, archetype=own)
    np.testing.assert_allclose(found["brdf"], planted, rtol=1e-4)
    with pytest.raises(InputError, match="archetype lacks the band 'blue'"):
        multiangle.invert(*looks, sun=40.0, archetype=own)


def test_the_poorest_band_names_the_class():
    looks, _ = case()
    reflectance = looks[0].copy()
    reflectance[4:, 1, :3] = np.nan  # red: four looks
    reflectance[:, 2, 3:5] = np.nan  # nir: none, which other bands do not suffer for
    reflectance[:, :, 5:7] = np.nan
    found = multiangle.invert(reflectance, *looks[1:], sun=40.0)
    kinds = [np.unique(found["inversion"][rows]) for rows in (slice(0, 3), slice(5, 7))]
    assert [list(kind) for kind in kinds] == [[1], [0]]
    assert (found["inversion"][3:5] == 2).mean() > 0.9
    assert (found["looks"][:5] == 18).all()
    assert (found["looks"][5:7] == 0).all()
    assert np.isnan(found["nadir_reflectance"][2, 3:5]).all()
    assert np.isnan(found["nadir_uncertainty"][:, 5:7]).all()


def test_fewest_looks_can_be_chosen():
    looks, _ = case(count=6)
    assert (multiangle.invert(*looks, sun=40.0)["inversion"] == 1).all()
    assert (multiangle.invert(*looks, sun=40.0, fewest=5)["inversion"] == 2).any()


# ---- uncertainty -----------------------------------------------------------------------------------------------------
def test_uncertainty_of_full_inversions_is_that_of_the_errors():
    """Looks of equal weight with noise of the prior's size: errors over their uncertainty scatter by one."""
    planted = np.broadcast_to(np.array([0.2, 0.1, 0.02])[:, None, None, None], (3, len(ROLES), 40, 50))
    looks, _ = case(noise=0.015, shape=(40, 50), planted=planted, count=15)
    found = multiangle.invert(*looks[:4], xr.ones_like(looks[4]), sun=40.0)
    full = found["inversion"].values == 2
    ratio = ((found["nadir_reflectance"].values - from_above(planted)) / found["nadir_uncertainty"].values)[:, full]
    assert full.mean() > 0.5
    assert 0.85 < float(np.sqrt((ratio**2).mean())) < 1.15


def test_uncertainty_of_one_look_is_the_prior_and_the_change_of_direction():
    looks, _ = case(count=1)
    found = multiangle.invert(*looks, sun=40.0)
    shape = fixed_weights(list(ROLES), list(ROLES.values())).values.astype(np.float64)
    at = shape.T @ np.array([1.0, *brdf.values.python(40.0, 0.0, 0.0)])
    seen = np.einsum("kb,kyx->byx", shape, kernels(looks[1:4])[:, 0])
    nadir = found["nadir_reflectance"].values
    ratio = at[:, None, None] / seen
    left = shares(list(ROLES), list(ROLES.values()), "c_factor").values[:, None, None]
    wanted = np.hypot(ratio * (0.005 + 0.05 * nadir), left * nadir * (1 - 1 / ratio))
    np.testing.assert_allclose(found["nadir_uncertainty"], wanted, rtol=2e-3)


def test_more_looks_are_surer():
    sigma = []
    for count in (1, 3, 9, 27):
        looks, _ = case(count=count, noise=0.01, seed=3)
        sigma.append(float(multiangle.invert(*looks, sun=40.0)["nadir_uncertainty"].median()))
    assert sigma == sorted(sigma, reverse=True)
    assert sigma[-1] < 0.5 * sigma[0]


# ---- lazy ------------------------------------------------------------------------------------------------------------
def refuse(*_, **__):
    raise AssertionError("computed while the graph was built")


@pytest.mark.parametrize("chunks", [{"y": 5, "x": 7}, {"look": 1, "y": 12, "x": 4}, {"band": 1, "y": 1}])
@pytest.mark.parametrize("workers", [1, 2])
def test_lazy_and_the_same_for_any_chunking(noise_free, chunks, workers):
    looks, _, wanted = noise_free
    with dask.config.set(scheduler=refuse):
        given = [data.chunk({dim: size for dim, size in chunks.items() if dim in data.dims}) for data in looks]
        lazy = multiangle.invert(*given, sun=40.0)
    assert all(layer.chunks for layer in lazy.values())
    with dask.config.set(scheduler="threads", num_workers=workers):
        xr.testing.assert_identical(lazy.compute(), wanted)


def test_a_pixel_does_not_need_the_others(noise_free):
    looks, _, wanted = noise_free
    alone = multiangle.invert(*(layer.isel(y=[4], x=[9]) for layer in looks), sun=40.0)
    xr.testing.assert_identical(alone, wanted.isel(y=[4], x=[9]))


def test_order_of_dims_does_not_matter(noise_free):
    looks, _, wanted = noise_free
    turned = [looks[0].transpose("y", "band", "x", "look"), *(layer.transpose("x", "look", "y") for layer in looks[1:])]
    xr.testing.assert_identical(multiangle.invert(*turned, sun=40.0).transpose(..., "y", "x"), wanted)


# ---- what it refuses -------------------------------------------------------------------------------------------------
def test_bad_input():
    looks, _ = case(count=3, shape=(2, 3))
    with pytest.raises(InputError, match="dims look and band"):
        multiangle.invert(looks[0].rename(look="time"), *looks[1:], sun=40.0)
    with pytest.raises(InputError, match="two dims of pixels"):
        multiangle.invert(looks[0].isel(x=0), *looks[1:], sun=40.0)
    with pytest.raises(InputError, match="x = 2, which the reflectance has not"):
        multiangle.invert(looks[0], looks[1].isel(x=[0, 1]), *looks[2:], sun=40.0)
    with pytest.raises(InputError, match="at least 4 looks"):
        multiangle.invert(*looks, sun=40.0, fewest=3)
    with pytest.raises(InputError, match="`wavelength` coordinate"):
        multiangle.invert(looks[0].drop_vars("wavelength"), *looks[1:], sun=40.0)
