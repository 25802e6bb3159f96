"""``standardize``: the steps together, from granules to the surface, and the trail they leave."""

import hashlib
import shutil
import subprocess

import dask
import dask.array as da
import numpy as np
import pytest
import rioxarray  # noqa: F401
import xarray as xr
from sensors.make_landsat import make

from musyq_lab.archive.open import open_product
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.core.resources import resource
from musyq_lab.products._retrieve import retrieve
from musyq_lab.sensors._open import open_scene
from musyq_lab.standard import layout, warp
from musyq_lab.standard.pipeline import standardize
from musyq_lab.twin.simulate import simulate

SAMPLE = "catalogs/samples/landsat/LC08_L1TP_195025_20130707_20170503_01_T1"


@pytest.fixture(scope="module")
def scene():
    return open_scene(resource(SAMPLE))


@pytest.fixture(scope="module")
def standard(scene):
    return standardize(scene).compute()


@pytest.fixture(scope="module")
def earth(tmp_path_factory):
    """A clear hour over the simulated Earth, seen by Landsat and by a scanner."""
    return simulate(
        tmp_path_factory.mktemp("clear") / "s",
        place="jingyuetan",
        start="2019-08-14",
        days=1,
        size=6,
        resolution=60,
        cloudiness=0,
        sensors=["landsat_oli", "modis"],
    )


def steps(standard):
    return [line.split("(")[0] for line in standard.attrs["history"].splitlines()]


def test_trail(scene, standard):
    for name in ("sensor", "platform", "granule", "time_coverage_start"):
        assert standard.attrs[name] == scene.attrs[name]
    assert standard.attrs["reflectance_level"] == "surface"
    assert standard.attrs["title"] == f"Standard scene: {scene.attrs['title']}"
    order = ["open_scene", "stack", "recalibrate", "classify", "correct", "standardize"]
    assert [name for name in steps(standard) if name in order] == order
    assert "saturated" in standard.attrs["history"]


def test_uncertainty_is_there_and_may_be_left_out(scene, standard):
    for name in layout.UNCERTAINTIES:
        assert standard[name].dims == standard.reflectance.dims
        known = standard[name].sel(band="red").values
        assert (known[np.isfinite(known)] > 0).all()
    assert not set(layout.UNCERTAINTIES) & set(standardize(scene, uncertainty=False, fingerprint=False))


def test_the_surface_is_darker_in_blue_and_brighter_in_near_infrared(scene, standard):
    """Path light goes, absorption and extinction are made good: what holds over vegetation under any clear sky."""
    top = standardize(scene, surface=False, fingerprint=False)
    assert top.attrs["reflectance_level"] == "top of atmosphere"
    clear = ~layout.flagged(standard, "cloud", "cloud_shadow", "cloud_possible").values
    change = (standard.reflectance - top.reflectance).where(xr.DataArray(clear, dims=("y", "x"))).compute()
    assert float(change.sel(band="blue").median()) < -0.02
    assert float(change.sel(band="nir").median()) > 0
    assert "correct" not in steps(top)


@pytest.mark.parametrize(("sensor", "air"), [("landsat_oli", "true"), ("landsat_oli", "scene"), ("modis", "true")])
def test_what_comes_out_is_what_was_put_in(earth, sensor, air):
    path = earth.paths(sensor)[0]
    truth = earth.scene_truth(path)
    true = {"aod": "aod", "water_vapour": "water_vapour", "ozone": "ozone", "pressure": "surface_pressure"}
    given = {key: truth[name] for key, name in true.items()} if air == "true" else {"aod": "scene"}
    found = standardize(open_scene(path), fingerprint=False, clouds="tests", **given).compute()
    expected = truth.surface_reflectance.sel(band=["blue", "green", "red", "nir", "swir1"])
    error = np.abs(found.reflectance.sel(band=expected.band.values).values - expected.values)
    inside = np.isfinite(error) & ~layout.flagged(found, "cloud", "cloud_shadow").values
    assert inside.sum() > (5000 if sensor == "landsat_oli" else 20)
    share = (error <= 0.005 + 0.05 * expected.values)[inside].mean()
    assert share >= (0.99 if air == "true" else 0.68)


def test_bands_of_another_sensor_on_a_grid(earth):
    """Both sensors on one grid in the bands of MODIS: what the synergy starts from."""
    grid = warp.grid_of(layout.stack(open_scene(earth.paths("landsat_oli")[0])), "600m")
    made = [standardize(p, grid=grid, adjust_to="modis", fingerprint=False) for p in earth.paths()]
    for one in made:
        assert one.attrs["reference_sensor"] == "modis"
        assert one.reflectance.sizes["x"] == grid.columns
        np.testing.assert_array_equal(one.x, grid.x)
        assert {"red", "nir"} <= set(one.band.values)
    red, nir = (
        xr.concat([one.reflectance.sel(band=band, drop=True) for one in made], "look").compute()
        for band in ("red", "nir")
    )
    ndvi = (nir - red) / (nir + red)
    both = np.isfinite(ndvi).all("look").values
    if both.sum() > 5:
        assert abs(float((ndvi[0] - ndvi[1]).where(xr.DataArray(both, dims=("y", "x"))).mean())) < 0.05


def test_a_path_is_opened_with_all_its_bands(earth):
    path = earth.paths("modis")[0]
    found = standardize(path, surface=False, fingerprint=False)
    assert {"red", "swir2", "cirrus"} <= set(found.band.values)
    assert found.attrs["sensor"] == "modis"


def test_steps_of_the_surface_need_the_surface(scene):
    for more in ({"adjust_to": "modis"}, {"to_nadir": True}, {"slopes": xr.DataArray(0.0)}):
        with pytest.raises(InputError, match="need the reflectance of the surface"):
            standardize(scene, surface=False, **more)


def test_words_for_the_air_are_checked(scene):
    with pytest.raises(InputError, match=r"aod='sene' is not known\. Give a number, a DataArray, 'scene'"):
        standardize(scene, aod="sene", fingerprint=False)
    with pytest.raises(InputError, match="water_vapour"):
        standardize(scene, water_vapour="scene", fingerprint=False)  # no band that vapour absorbs


def test_a_scene_without_the_sun_says_what_to_do(scene):
    dark = scene.drop_vars(["sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth"])
    with pytest.raises(InputError, match="sun_zenith"):
        standardize(dark, fingerprint=False)
    assert standardize(dark, surface=False, fingerprint=False).attrs["reflectance_level"] == "top of atmosphere"


def test_surface_reflectance_of_a_producer_stays(scene):
    given = scene.assign_attrs(reflectance_level="surface")
    found = standardize(given, fingerprint=False)
    keep = (scene.qa & (SCENE_FLAG["no_data"].mask | SCENE_FLAG["saturated"].mask)) == 0
    np.testing.assert_array_equal(found.reflectance.sel(band="red"), scene.red.where(keep))
    np.testing.assert_array_equal(found.qa, scene.qa)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs the command sha256sum")
def test_fingerprint_is_that_of_sha256sum(standard):
    folder = resource(SAMPLE)
    names = sorted(f.name for f in folder.iterdir())
    said = subprocess.run(["sha256sum", *names], cwd=folder, capture_output=True, check=True).stdout
    assert standard.attrs["granule_sha256"] == hashlib.sha256(said).hexdigest()


def test_the_fingerprint_may_be_left_out(scene):
    assert "granule_sha256" not in standardize(scene, fingerprint=False).attrs
    assert "granule_sha256" not in standardize(scene.isel(x=slice(5))).attrs or scene.isel(x=slice(5)).encoding


def test_masks(tmp_path):
    made = make(tmp_path, shape=(20, 20))
    scene = open_scene(tmp_path)
    for mask in ((), ("no_data",), ("cloud", "cloud_shadow"), ("no_data", "saturated", "cirrus")):
        bits = sum(SCENE_FLAG[name].mask for name in mask)
        found = standardize(scene, mask=mask, surface=False, fingerprint=False)
        hidden = (found.qa.values & bits) != 0
        gone = np.isnan(found.reflectance.sel(band="red").values)
        np.testing.assert_array_equal(gone, hidden | (made.counts["4"] == 0))
        assert ((found.qa.values & scene.qa.values & 4) == (scene.qa.values & 4)).all()  # the producer's clouds stay
    with pytest.raises(InputError, match=r"There is no flag 'clouds' of a scene\. Did you mean 'cloud'"):
        standardize(scene, mask=["clouds"])


@pytest.mark.parametrize("calibration", ["counts", "radiance"])
def test_counts_and_radiance_are_refused_with_the_remedy(calibration):
    scene = open_scene(resource(SAMPLE), calibration=calibration)
    with pytest.raises(InputError, match=r"needs reflectance .* 'coastal' is in .* Open the scene with its default"):
        standardize(scene)


def test_other_datasets_are_refused():
    with pytest.raises(InputError, match=r"no variable with a `wavelength`.*It holds a"):
        standardize(xr.Dataset({"a": ("x", [1.0])}))
    with pytest.raises(InputError, match="It holds nothing"):
        standardize(xr.Dataset())


def test_it_is_lazy_and_bounded_by_the_chunks(tmp_path):
    make(tmp_path, "TM", "2014", shape=(40, 40))
    scene = open_scene(tmp_path).chunk(x=8, y=8)

    def never(*arguments, **keywords):
        raise AssertionError("computed")

    with dask.config.set(scheduler=never):
        found = standardize(scene)
    assert found.reflectance.data.chunksize[1:] == (8, 8)
    assert dask.is_dask_collection(found.sun_zenith.data)


def test_a_swath_keeps_its_places_and_a_scene_of_one_kind_its_one_stack():
    values = xr.DataArray(da.ones((3, 4), chunks=2), dims=("y", "x"))
    place = {"longitude": values * 7.0, "latitude": values * 8.0}
    band = values.assign_attrs(units="K", wavelength=10.8, fwhm=0.5)
    found = standardize(xr.Dataset({"tir1": band}).assign_coords(place))
    assert "reflectance" not in found
    assert "qa" not in found
    np.testing.assert_array_equal(found.brightness_temperature.longitude, 7.0)
    assert found.brightness_temperature.sel(thermal_band="tir1").shape == (3, 4)


def test_from_the_granule_to_a_product_file_the_place_is_kept(scene, tmp_path):
    indices = retrieve("vi", standardize(scene, surface=False))
    crs = scene.rio.crs
    assert crs.to_epsg() == 32632
    assert indices.rio.crs == crs
    product = open_product(write_product(indices, tmp_path, edition="30m", tile="sample", period="2013188"))
    assert product.rio.crs == crs
    np.testing.assert_allclose(product.x, scene.x)
    np.testing.assert_allclose(product.y, scene.y)
    red, nir = scene.red.values.astype(float), scene.nir.values.astype(float)
    ndvi = np.squeeze(product.ndvi.values)
    hidden = (scene.qa.values & (SCENE_FLAG["no_data"].mask | SCENE_FLAG["saturated"].mask)) != 0
    expected = np.where(hidden, np.nan, (nir - red) / (nir + red))
    assert np.nanmax(np.abs(ndvi - expected)) < 1e-3


def test_a_saturated_cloud_is_cloud(scene):
    """The bright heart of a cloud has no measurement, but what it is can be told."""
    heart = xr.zeros_like(scene.qa, dtype=bool)
    heart[10:16, 20:26] = True
    bright = scene.copy()
    for name in ("coastal", "blue", "green", "red", "nir", "swir1", "swir2"):
        bright[name] = scene[name].where(~heart, np.float32(1.1)).assign_attrs(scene[name].attrs)
    for name in ("tir1", "tir2"):
        bright[name] = scene[name].where(~heart, np.float32(250.0)).assign_attrs(scene[name].attrs)
    bit = np.uint16(SCENE_FLAG["saturated"].mask)
    bright["qa"] = (scene.qa | heart.astype(np.uint16) * bit).assign_attrs(scene.qa.attrs)
    found = standardize(bright, surface=False, clouds="tests", fingerprint=False).compute()
    assert layout.flagged(found, "cloud").values[heart.values].all()
    assert np.isnan(found.reflectance.values[:, heart.values]).all()
