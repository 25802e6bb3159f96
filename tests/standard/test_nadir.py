"""Angular normalisation against sen2nbar's numbers, planted surfaces, and what a scene may lack."""

import dask
import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.kernels import brdf
from musyq_lab.standard import layout, nadir

ROLES = {
    "blue": 0.49,
    "green": 0.56,
    "red": 0.665,
    "red_edge_1": 0.704,
    "red_edge_2": 0.740,
    "red_edge_3": 0.783,
    "nir": 0.833,
    "swir1": 1.614,
    "swir2": 2.202,
}
# Made with sen2nbar 2024.6.0: B02 to B08, B11 and B12 for (Sun, view, azimuth).
SEN2NBAR = {
    (30.0, 10.0, 0.0): (0.947864961, 0.939869383, 0.945960845, 0.945851363, 0.945810980, 0.945743646, 0.945727943,
                        0.946784534, 0.947938361),
    (45.0, 8.0, 90.0): (1.000975843, 1.001617864, 1.001707635, 1.001421713, 1.001302303, 1.001187049, 1.001034723,
                        1.001670498, 1.002035714),
    (35.0, 7.5, 120.0): (1.021761655, 1.025620610, 1.022832520, 1.022802199, 1.022786878, 1.022784904, 1.022748679,
                         1.022446261, 1.022021685),
}  # fmt: skip


def angle(values):
    return xr.DataArray(np.asarray(values, np.float32), dims=("y", "x"), attrs={"units": "degree"})


def scene(sun=30.0, view=10.0, azimuth=0.0, shape=(4, 6), roles=ROLES, reflectance=0.2, uncertainties=True):
    full = np.full(shape, 1.0)
    sizes = (len(roles), *shape)
    value = np.broadcast_to(np.asarray(reflectance, np.float32), sizes).copy()
    layers = {
        "reflectance": (("band", "y", "x"), value, {"units": "1", "standard_name": "surface_reflectance"}),
        "sun_zenith": angle(full * sun),
        "sun_azimuth": angle(full * 140.0),
        "view_zenith": angle(full * view),
        "view_azimuth": angle((full * 140.0 + azimuth) % 360.0),
        "qa": (("y", "x"), np.zeros(shape, np.uint16)),
    }
    if uncertainties:
        layers["reflectance_random"] = (("band", "y", "x"), np.full(sizes, 0.01, np.float32))
        layers["reflectance_systematic"] = (("band", "y", "x"), np.full(sizes, 0.02, np.float32))
    coords = {"band": list(roles), "wavelength": ("band", list(roles.values()))}
    coords |= {"y": np.arange(shape[0]) * -30.0, "x": np.arange(shape[1]) * 30.0}
    attrs = {"reflectance_level": layout.SURFACE, "sensor": "sentinel2_msi", "history": "opened"}
    return xr.Dataset(layers, coords=coords, attrs=attrs)


def spread(shape=(30, 40)):
    """A wide swath: every pixel has directions of its own."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]] / np.array(shape)[:, None, None]
    made = scene(shape=shape)
    made["sun_zenith"], made["view_zenith"] = angle(25 + 30 * y), angle(np.abs(110 * x - 55))
    made["view_azimuth"] = angle(np.where(x > 0.5, 100.0 + 30 * y, 280.0 + 30 * y))
    return made


def kernels(made):
    angles = made["sun_zenith"], made["view_zenith"], layout.relative_azimuth(made)
    vol, geo = brdf.values(*(np.ascontiguousarray(angle.values, np.float32) for angle in angles))
    return np.stack([np.ones_like(vol), vol, geo])


# ---- the fixed weights -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("geometry", SEN2NBAR)
def test_c_factor_of_sen2nbar(geometry):
    made = nadir.normalize(scene(*geometry))
    factor = made["reflectance"].isel(y=0, x=0) / np.float32(0.2)
    np.testing.assert_allclose(factor, SEN2NBAR[geometry], rtol=3e-6)


def test_red_edge_of_roy_2017_lies_between_the_bands_of_modis():
    """What a role without weights of its own gets is how the published ones of the red edge were made."""
    names = ["red_edge_1", "red_edge_2", "red_edge_3"]
    published = nadir.fixed_weights(names, [0.705, 0.740, 0.783])
    between = nadir.fixed_weights(["a", "b", "c"], [0.705, 0.740, 0.783])
    np.testing.assert_allclose(published, between, atol=5e-4)


def test_weights_of_other_bands():
    found = nadir.fixed_weights(["coastal", "nir_1240", "far"], [0.44, 1.24, 3.0])
    np.testing.assert_allclose(found.sel(band="coastal"), nadir.FIXED["blue"], rtol=1e-6)
    np.testing.assert_allclose(found.sel(band="far"), nadir.FIXED["swir2"], rtol=1e-6)
    low, high = np.array(nadir.FIXED["nir"]), np.array(nadir.FIXED["swir1"])
    np.testing.assert_allclose(found.sel(band="nir_1240"), low + (high - low) * (1.24 - 0.8585) / 0.7815, rtol=1e-5)


# ---- identities ------------------------------------------------------------------------------------------------------
def test_a_view_from_the_zenith_stays():
    before = scene(view=0.0)
    np.testing.assert_array_equal(nadir.normalize(before)["reflectance"], before["reflectance"])


def test_normalising_twice_is_normalising_once():
    once = nadir.normalize(spread(), sun_zenith=40.0)
    twice = nadir.normalize(once, sun_zenith=40.0)
    np.testing.assert_allclose(twice["reflectance"], once["reflectance"], rtol=1e-6)


def test_a_surface_of_that_shape_becomes_uniform():
    made = spread()
    weights = nadir.fixed_weights(list(ROLES), list(ROLES.values())).values
    made["reflectance"][:] = np.einsum("kb,kyx->byx", weights, kernels(made))
    assert float(made["reflectance"].std(("y", "x")).min()) > 0.003
    flat = nadir.normalize(made, sun_zenith=45.0)["reflectance"]
    wanted = weights.T @ np.array([1.0, *brdf.values.python(45.0, 0.0, 0.0)])
    np.testing.assert_allclose(flat, np.broadcast_to(wanted[:, None, None], flat.shape), rtol=2e-5)


def test_own_weights_give_what_the_surface_sends_up():
    made = spread()
    draw = np.random.default_rng(1)
    own = np.array([0.3, 0.2, 0.03])[:, None, None, None] * draw.uniform(0.3, 1.0, (3, len(ROLES), 30, 40))
    made["reflectance"][:] = np.einsum("kbyx,kyx->byx", own, kernels(made))
    weights = xr.DataArray(own, dims=("parameter", "band", "y", "x"),
                           coords={"parameter": ["iso", "vol", "geo"], "band": list(ROLES)})  # fmt: skip
    shuffled = weights.sel(band=list(ROLES)[::-1])
    for given in (weights, shuffled, xr.Dataset({"brdf": weights})):
        found = nadir.normalize(made, sun_zenith=30.0, method="kernels", parameters=given)["reflectance"]
        at = np.array([1.0, *brdf.values.python(30.0, 0.0, 0.0)])
        np.testing.assert_allclose(found, np.einsum("kbyx,k->byx", own, at), rtol=5e-5, atol=1e-6)


def test_weights_as_mcd43_has_them_and_where_there_are_none():
    made = spread()
    plain = nadir.normalize(made)["reflectance"]
    weights = nadir.fixed_weights(list(ROLES), list(ROLES.values())) * 2.0
    layers = {}
    for role in ROLES:
        full = weights.sel(band=role, drop=True).broadcast_like(made["sun_zenith"]).values.copy()
        full[:, 0, 0] = np.nan
        layers[f"brdf_{role}"] = (("kernel", "y", "x"), full if full.shape[0] == 3 else np.moveaxis(full, -1, 0))
    product = xr.Dataset(layers, coords={"kernel": ["isotropic", "volumetric", "geometric"]})
    found = nadir.normalize(made, method="kernels", parameters=product)["reflectance"]
    np.testing.assert_allclose(found, plain, rtol=1e-6)  # proportions alone matter; NaN takes the fixed ones


# ---- directions ------------------------------------------------------------------------------------------------------
def test_angles_and_attributes_say_what_it_was_brought_to():
    made = nadir.normalize(spread(), sun_zenith=38.0, view_zenith=5.0)
    assert set(np.unique(made["sun_zenith"])) == {38.0}
    assert set(np.unique(made["view_zenith"])) == {5.0}
    assert made.attrs["reflectance_view_zenith"] == 5.0
    assert made["sun_zenith"].attrs["units"] == "degree"
    assert made.attrs["history"].splitlines()[-1].startswith('normalize(method="c_factor", sun_zenith=38.0')
    assert made["reflectance"].attrs == spread()["reflectance"].attrs
    assert made["reflectance"].dtype == np.float32


def test_mean_sun_of_the_scene():
    before = spread()
    before["sun_zenith"][0, 0] = np.nan
    made = nadir.normalize(before, sun_zenith="mean")
    values = np.unique(made["sun_zenith"].values[np.isfinite(made["sun_zenith"])])
    assert values.size == 1
    assert values[0] == pytest.approx(float(before["sun_zenith"].mean()), abs=0.01)
    assert np.isnan(made["reflectance"][:, 0, 0]).all()


def test_sun_of_each_pixel():
    before = spread()
    noon = angle(np.linspace(20, 40, 1200).reshape(30, 40))
    made = nadir.normalize(before, sun_zenith=noon)
    np.testing.assert_array_equal(made["sun_zenith"], noon)
    one = nadir.normalize(before, sun_zenith=float(noon[3, 4]))
    np.testing.assert_array_equal(made["reflectance"][:, 3, 4], one["reflectance"][:, 3, 4])


def test_beyond_the_limits_angles_are_held_and_flagged():
    before = scene(sun=60.0, view=65.0)
    before["view_zenith"][0] = 72.0
    before["sun_zenith"][1] = 80.0
    made = nadir.normalize(before)
    flagged = layout.flagged(made, "low_quality").values
    assert flagged[:2].all()
    assert not flagged[2:].any()
    np.testing.assert_array_equal(made["reflectance"][:, 0], made["reflectance"][:, 2])


# ---- uncertainty -----------------------------------------------------------------------------------------------------
def test_uncertainties_grow_with_the_change():
    before = spread()
    made = nadir.normalize(before)
    factor = made["reflectance"] / before["reflectance"]
    np.testing.assert_allclose(made["reflectance_random"], 0.01 * factor, rtol=1e-5)
    left = nadir.shares(list(ROLES), before["wavelength"], "c_factor")
    wanted = np.hypot(0.02 * factor, left * 0.2 * (factor - 1))
    np.testing.assert_allclose(made["reflectance_systematic"], wanted, rtol=1e-5)
    assert "reflectance_random" not in nadir.normalize(scene(uncertainties=False))


def test_pixels_without_weights_of_their_own_have_the_share_of_the_fixed_ones():
    before = scene(view=40.0)
    own = 2.0 * nadir.fixed_weights(list(ROLES), list(ROLES.values())).broadcast_like(before["reflectance"])
    own[{"y": 1, "x": 2}] = np.nan
    made = nadir.normalize(before, method="kernels", parameters=own.transpose("band", ...))
    change = (made["reflectance"] - before["reflectance"]).isel(y=0, x=0)
    for at, method in (({"y": 1, "x": 2}, "c_factor"), ({"y": 0, "x": 0}, "kernels")):
        spread = nadir.shares(list(ROLES), before["wavelength"], method) * change
        wanted = np.hypot(0.02 * (1 + change / 0.2), spread)
        np.testing.assert_allclose(made["reflectance_systematic"].isel(at), wanted, rtol=1e-5)
    assert made["reflectance_systematic"].dims == ("band", "y", "x")


def test_a_low_sun_that_is_asked_for_is_flagged_and_numbers_of_numpy_are_numbers():
    before = scene()
    low = angle(np.full((4, 6), 80.0))
    low[0] = 60.0
    flagged = layout.flagged(nadir.normalize(before, sun_zenith=low), "low_quality").values
    assert flagged[1:].all()
    assert not flagged[0].any()
    with pytest.raises(InputError, match="Sun zenith angle of 0 to 75"):
        nadir.normalize(before, sun_zenith=np.float32(95.0))
    said = nadir.normalize(before, sun_zenith=np.float32(40.0)).attrs["history"]
    assert "sun_zenith=40.0" in said


@pytest.mark.slow
def test_fixed_weights_leave_what_is_stated():
    """Over canopies of 4SAIL the error left is the stated share of the change, band by band."""
    from musyq_lab.kernels.canopy import CanopyParameters, campbell, canopy_bands, over_soil
    from musyq_lab.standard.spectra import band_weights

    draw, count = np.random.default_rng(5), 60
    bands = band_weights("landsat_oli", ["green", "red", "nir", "swir2"], step=10)
    ranges = {"n": (1.2, 1.8), "cab": (20, 80), "car": (5, 15), "ant": (0, 3), "cbrown": (0, 0.5), "cw": (0.005, 0.03)}
    ranges |= {"cm": (0.003, 0.015), "lai": (0, 5), "hotspot": (0.05, 0.4)}
    leaf = {name: draw.uniform(*limits, count) for name, limits in ranges.items()}
    leaves = np.array([campbell(a) for a in draw.uniform(40, 70, count)])
    soil = draw.uniform(0.08, 0.25, (count, 1)) * np.array([0.8, 1.0, 1.5, 1.7])

    def seen(sun, view, azimuth):
        full = [np.full(count, x) for x in (sun, view, azimuth)]
        case = CanopyParameters(**leaf, leaf_angles=leaves, sun_zenith=full[0], view_zenith=full[1],
                                relative_azimuth=full[2])  # fmt: skip
        return over_soil(canopy_bands(case, bands.leaf, bands.weights), soil).rsot

    error, change = [], []
    roles = {"green": 0.56, "red": 0.66, "nir": 0.86, "swir2": 2.2}
    for sun, view, azimuth in ((30.0, 20.0, 30.0), (30.0, 50.0, 150.0), (50.0, 35.0, 60.0), (40.0, 55.0, 20.0)):
        looked = seen(sun, view, azimuth)
        made = scene(sun, view, azimuth, (count, 1), roles, looked.T[:, :, None])
        found = nadir.normalize(made)["reflectance"].values[..., 0].T
        error.append(found - seen(sun, 0.0, 0.0))
        change.append(found - looked)
    share = np.sqrt(np.square(error).mean((0, 1)) / np.square(change).mean((0, 1)))
    np.testing.assert_allclose(share, nadir.shares(list(roles), list(roles.values()), "c_factor"), rtol=0.3)


# ---- lazy ------------------------------------------------------------------------------------------------------------
def refuse(*_, **__):
    raise AssertionError("computed while the graph was built")


@pytest.mark.parametrize("sun", [None, 40.0, "mean"])
def test_lazy_and_the_same_for_any_chunking(sun):
    before = spread()
    wanted = nadir.normalize(before, sun_zenith=sun)
    for chunks in ({"y": 11, "x": 17}, {"y": 30, "x": 13, "band": 5}):
        with dask.config.set(scheduler=refuse):
            lazy = nadir.normalize(before.chunk(chunks), sun_zenith=sun)
        assert lazy["reflectance"].chunks is not None
        with dask.config.set(scheduler="threads", num_workers=2):
            xr.testing.assert_identical(lazy.compute(), wanted)


# ---- what it refuses -------------------------------------------------------------------------------------------------
def test_a_scene_without_angles():
    with pytest.raises(InputError, match="normalize needs 'view_azimuth', which this scene lacks"):
        nadir.normalize(scene().drop_vars("view_azimuth"))


def test_reflectance_at_the_top():
    with pytest.raises(InputError, match="needs reflectance at the surface"):
        nadir.normalize(scene().assign_attrs(reflectance_level=layout.TOP))


def test_parameters_that_make_no_sense():
    good = nadir.fixed_weights(list(ROLES), list(ROLES.values()))
    wide = good.expand_dims(x=9)
    for words, bad in (
        ("no method 'c_facto'.*c_factor", {"method": "c_facto"}),
        ("needs them there", {"method": "kernels"}),
        ("needs them there", {"parameters": good}),
        ("view zenith angle of 0 to 65", {"view_zenith": 70.0}),
        ("'mean' or None", {"sun_zenith": "noon"}),
        ("Sun zenith angle of 0 to 75", {"sun_zenith": 80.0}),
        ("must lie on the pixels", {"sun_zenith": xr.DataArray(np.zeros(3), dims="time")}),
        ("band 'blue'", {"method": "kernels", "parameters": good.isel(band=slice(1, None))}),
        ("dims parameter and band", {"method": "kernels", "parameters": good.rename(band="channel")}),
        ("bring them to the pixels", {"method": "kernels", "parameters": wide}),
        ("neither `brdf`", {"method": "kernels", "parameters": xr.Dataset({"a": ("x", [1.0])})}),
    ):
        with pytest.raises(InputError, match=words):
            nadir.normalize(scene(), **bad)
