"""``standardize``: the layout, the masks and the trail of a standard scene."""

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
from musyq_lab.standard.pipeline import ANGLES, standardize

SAMPLE = "catalogs/samples/landsat/LC08_L1TP_195025_20130707_20170503_01_T1"


@pytest.fixture(scope="module")
def scene():
    return open_scene(resource(SAMPLE))


@pytest.fixture(scope="module")
def standard(scene):
    return standardize(scene).compute()


def test_layout(scene, standard):
    assert standard.reflectance.dims == ("band", "y", "x")
    assert standard.brightness_temperature.dims == ("thermal_band", "y", "x")
    assert list(standard.band.values) == ["coastal", "blue", "green", "red", "nir", "swir1", "swir2", "cirrus"]
    assert list(standard.thermal_band.values) == ["tir1", "tir2"]
    assert standard.reflectance.attrs["units"] == "1"
    assert standard.brightness_temperature.attrs["units"] == "K"
    assert standard.wavelength.attrs["units"] == standard.thermal_fwhm.attrs["units"] == "um"
    for name in standard.band.values:
        assert float(standard.wavelength.sel(band=name)) == scene[name].attrs["wavelength"]
        assert float(standard.fwhm.sel(band=name)) == scene[name].attrs["fwhm"]
    for name in standard.thermal_band.values:
        assert float(standard.thermal_wavelength.sel(thermal_band=name)) == scene[name].attrs["wavelength"]


def test_numbers_are_those_of_the_scene(scene, standard):
    keep = (scene.qa & (SCENE_FLAG["no_data"].mask | SCENE_FLAG["saturated"].mask)) == 0
    for name in standard.band.values:
        np.testing.assert_array_equal(standard.reflectance.sel(band=name), scene[name].where(keep))
    np.testing.assert_array_equal(standard.brightness_temperature.sel(thermal_band="tir2"), scene.tir2.where(keep))
    np.testing.assert_array_equal(standard.qa, scene.qa)


def test_angles_of_the_centre_are_spread(scene, standard):
    assert set(ANGLES) & set(standard) == {"sun_zenith", "sun_azimuth"}
    assert standard.sun_zenith.dims == ("y", "x")
    assert standard.sun_zenith.dtype == np.float32
    np.testing.assert_array_equal(standard.sun_zenith, float(scene.sun_zenith))
    assert standard.sun_zenith.attrs == scene.sun_zenith.attrs


def test_trail(scene, standard):
    for name in ("sensor", "platform", "granule", "time_coverage_start", "reflectance_level"):
        assert standard.attrs[name] == scene.attrs[name]
    assert standard.attrs["title"] == f"Standard scene: {scene.attrs['title']}"
    first, second = standard.attrs["history"].splitlines()
    assert {"open_scene", "standardize"} == {line.split("(")[0].split()[-1] for line in (first, second)}
    assert "saturated" in standard.attrs["history"]


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
    qa = scene.qa.values
    for mask in ((), ("no_data",), ("cloud", "cloud_shadow"), ("no_data", "saturated", "cirrus")):
        bits = sum(SCENE_FLAG[name].mask for name in mask)
        found = standardize(scene, mask=mask, fingerprint=False)
        hidden = (qa & bits) != 0
        gone = np.isnan(found.reflectance.sel(band="red").values)
        np.testing.assert_array_equal(gone, hidden | (made.counts["4"] == 0))
        np.testing.assert_array_equal(found.qa, qa)
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
    assert found.reflectance.data.chunksize == (1, 8, 8)
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
    indices = retrieve("vi", standardize(scene))
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
