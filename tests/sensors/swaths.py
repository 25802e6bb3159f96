"""What the tests of swath sensors share."""

import importlib.util
import pickle
import sys
import tracemalloc
import types
import warnings
from contextlib import contextmanager

import dask
import h5py
import numpy as np
import pytest

from musyq_lab.core.quality import SCENE_FLAG, SCENE_FLAGS
from musyq_lab.core.sensor import Sensor
from musyq_lab.sensors._open import open_scene


def slanted(shape, low=5.0, high=75.0):
    """Sun zenith angles (degree, two decimals as the files store them) that differ in every pixel."""
    return np.round(np.linspace(low, high, int(np.prod(shape))).reshape(shape), 2)


def ramp(shape, low, high):
    """Values that differ in every pixel, across the direction of the Sun's."""
    return np.linspace(low, high, int(np.prod(shape))).reshape(shape[::-1]).T


@contextmanager
def no_computing():
    """Fail where anything is computed."""

    def refuse(*_, **__):
        raise AssertionError("a pixel was computed")

    with dask.config.set(scheduler=refuse):
        yield


def flags(scene, y, x):
    """Return the names of the quality bits of a pixel."""
    value = int(scene["qa"].values[y, x])
    return {flag.name for flag in SCENE_FLAGS if value & flag.mask}


def flagged(scene, name):
    """Return where a quality bit is set."""
    return (scene["qa"].values & SCENE_FLAG[name].mask) > 0


def check_layout(scene, spec: Sensor, resolution):
    """Check what every swath promises: dims, types, units, coordinates, attributes, pickling."""
    rows = {b.name: b for b in spec.bands if b.resolution == resolution}
    bands = [name for name in scene.data_vars if name in rows]
    assert bands
    for name in bands:
        band = scene[name]
        assert band.dims == ("y", "x")
        assert band.chunks is not None
        if scene.attrs["calibration"] != "counts":
            assert band.dtype == np.float32
        assert band.attrs["native_band"] == rows[name].native
        expected = {
            "reflectance": "K" if rows[name].thermal else "1",
            "radiance": "W m-2 sr-1 um-1",
            "counts": "count",
        }
        assert band.attrs["units"] == expected[scene.attrs["calibration"]]
    for name in ("sun_zenith", "sun_azimuth"):
        assert scene[name].dims == ("y", "x")
        assert scene[name].dtype == np.float32
        assert scene[name].attrs["units"] == "degree"
    for name in ("longitude", "latitude"):
        assert scene[name].dims == ("y", "x")
        assert scene[name].dtype == np.float32
    assert "spatial_ref" not in scene.coords
    assert scene["qa"].dtype == np.uint16
    assert scene.attrs["sensor"] == spec.key
    assert scene.attrs["platform"] in spec.platforms
    assert {size for var in scene.variables.values() if var.chunks for size in [var.chunks]} == {scene["qa"].chunks}
    again = pickle.loads(pickle.dumps(scene)).compute()
    for name in scene.data_vars:
        # All together as one by one: no two layers share the name of a task.
        np.testing.assert_array_equal(again[name].values, scene[name].values, err_msg=name)


def opening_memory(path, **choice):
    """Return the MB that opening takes, nothing computed."""
    with no_computing():
        open_scene(path, **choice)
    tracemalloc.start()
    open_scene(path, **choice)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return peak


def satpy_values(files, reader, names, **query):
    """Return what satpy's reader makes of the same files: name -> values."""
    pytest.importorskip("satpy")
    _planck_for_satpy()
    from satpy import DataQuery, Scene

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scene = Scene([str(f) for f in files], reader=reader)
        queries = {name: DataQuery(name=name, **query) for name in names}
        scene.load(list(queries.values()), generate=False)
        return {name: scene[q].values for name, q in queries.items()}


def _planck_for_satpy():
    """Stand in for the one function of pyspectral that satpy's FY-3 readers import, where it is not installed."""
    if "pyspectral" in sys.modules or importlib.util.find_spec("pyspectral"):
        return

    def rad2temp(wave_number, radiance):  # m-1, SI
        first, second = 2.0 * 6.62607015e-34 * 299792458.0**2, 6.62607015e-34 * 299792458.0 / 1.380649e-23
        return second * wave_number / np.log1p(first * wave_number**3 / radiance)

    package, module = types.ModuleType("pyspectral"), types.ModuleType("pyspectral.blackbody")
    module.blackbody_wn_rad2temp = rad2temp
    sys.modules |= {"pyspectral": package, "pyspectral.blackbody": module}


def cut(path, share=0.5):
    """Cut a file off."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def empty_like_real(path, datasets, attributes=None):
    """Write datasets of full size without data: shape, type and chunk as real files have them."""
    with h5py.File(path, "a") as file:
        for name, (shape, dtype, chunks) in datasets.items():
            if name in file:
                attrs = dict(file[name].attrs)
                del file[name]
            else:
                attrs = {}
            file.create_dataset(name, shape, dtype, chunks=chunks, compression="gzip").attrs.update(attrs)
        file.attrs.update(attributes or {})
