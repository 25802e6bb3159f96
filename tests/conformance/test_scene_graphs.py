"""Graphs of every sensor's scenes: nothing is computed while they are built, and no two tasks share a name.

dask cuts the names of fused tasks at 115 characters and puts 16 bits of a hash behind the cut: names that reach it may
meet, and then a band silently holds the values of another.
"""

import pickle

import dask
import numpy as np
import pytest
from faults.granules import MAKERS

from musyq_lab.core.errors import InputError
from musyq_lab.products._retrieve import retrieve
from musyq_lab.sensors._open import open_scene
from musyq_lab.standard.pipeline import standardize

LONGEST = 110


def never(*_args, **_kwargs):
    raise AssertionError("something was computed while the graph was being built")


@pytest.fixture(scope="module", params=sorted(MAKERS))
def scene(request, tmp_path_factory):
    """Every sensor's minimal granule, opened under a scheduler that raises."""
    folder = tmp_path_factory.mktemp(request.param.replace("/", "_"))
    path = MAKERS[request.param](folder)
    with dask.config.set(scheduler=never):
        return open_scene(path)


def longest(dataset) -> int:
    (optimized,) = dask.optimize(dataset)
    keys = {k for v in optimized.variables.values() if dask.is_dask_collection(v) for k in v.__dask_graph__()}
    return max(len(key[0] if isinstance(key, tuple) else str(key)) for key in keys)


def test_names_of_tasks_stay_below_the_cut(scene):
    assert longest(scene) <= LONGEST


def test_standard_scenes_are_lazy_and_their_names_short(scene):
    with dask.config.set(scheduler=never):
        standard = standardize(scene, fingerprint=False)
    assert longest(standard) <= LONGEST
    assert {"reflectance", "brightness_temperature"} & set(standard.data_vars)


def test_indices_of_standard_scenes_are_lazy_and_their_names_short(scene):
    with dask.config.set(scheduler=never):
        standard = standardize(scene, fingerprint=False)
        if not {"red", "nir"} <= set(scene.data_vars):
            with pytest.raises(InputError, match="needs reflectance"):
                retrieve("vi", standard, variables=["ndvi"])
            return
        indices = retrieve("vi", standard, variables=["ndvi"])
    assert longest(indices) <= LONGEST


def test_scenes_travel(scene):
    """Pickled and opened again, a scene's arrays are the same; what a worker of dask does."""
    copy = pickle.loads(pickle.dumps(scene.isel(y=slice(0, 8))))
    for name in scene.data_vars:
        assert copy[name].dtype == scene[name].dtype
    band = next(name for name in scene.data_vars if "wavelength" in scene[name].attrs)
    np.testing.assert_array_equal(copy[band].values, scene[band].isel(y=slice(0, 8)).values)


def test_bands_do_not_depend_on_what_is_computed_with_them(scene):
    """All at once, and each alone: the same values."""
    part = scene.isel(y=slice(0, 8), x=slice(0, 64))
    together = part.compute()
    for name in part.data_vars:
        np.testing.assert_array_equal(together[name].values, part[name].values, err_msg=str(name))


def test_every_layer_is_lazy_bounded_and_described(scene):
    for name, layer in scene.data_vars.items():
        assert layer.ndim == 0 or dask.is_dask_collection(layer), name
        assert layer.attrs.get("units"), name
    assert scene.attrs["sensor"]
    assert scene["qa"].dtype == np.uint16
    places = {"longitude", "latitude"} <= set(scene.coords) or {"x", "y"} <= set(scene.coords)
    assert places or not scene.attrs.get("crs")


HIGHEST = {"sun_zenith": 180.0, "sun_azimuth": 360.0, "view_zenith": 90.0, "view_azimuth": 360.0}


def test_angles_keep_one_convention(scene):
    """Degrees; zenith angles from 0, azimuths clockwise from north and never negative, whatever the files write."""
    for name in HIGHEST.keys() & set(scene.data_vars):
        values = scene[name].values
        known = values[np.isfinite(values)]
        assert known.size, name
        assert (known >= 0.0).all(), name
        assert (known <= HIGHEST[name]).all(), name
        assert scene[name].attrs["units"] == "degree"
    assert "sun_zenith" in scene


def test_places_and_times_keep_one_convention(scene):
    if "longitude" in scene.coords:
        longitude, latitude = scene["longitude"].values, scene["latitude"].values
        assert np.nanmin(longitude) >= -180.0
        assert np.nanmax(longitude) <= 180.0
        assert np.nanmax(np.abs(latitude)) <= 90.0
    start, end = (np.datetime64(scene.attrs[f"time_coverage_{which}"].removesuffix("Z")) for which in ("start", "end"))
    assert start <= end < start + np.timedelta64(1, "D")
