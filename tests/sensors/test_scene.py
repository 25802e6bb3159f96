"""The one layout of scenes, and quality bits."""

from datetime import datetime
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.quality import SCENE_FLAG, SCENE_FLAGS
from musyq_lab.sensors._calibrate import Counts, Illumination, Linear
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.sensors._scene import ANGLES, Acquisition, Rule, assemble, decode, quality

SPEC = SENSORS["landsat_oli"]
GRANULE = Granule(SPEC, "G", Path("/data/G"), ())
TAKEN = Acquisition("Landsat-8", datetime(2014, 8, 15, 13, 0, 47, 375019), datetime(2014, 8, 15, 13, 1))
RAW = np.array([[0, 10, 20], [30, 40, 255]], np.uint16)


def lazy(values, chunks=2):
    return xr.DataArray(da.from_array(np.asarray(values), chunks=chunks), dims=("y", "x"))


def counts(name, raw=RAW, **how):
    line = {"radiance": Linear(0.5)} if SPEC.band(name).thermal else {"reflectance": Linear(0.001)}
    return Counts(SPEC.band(name), lazy(raw), fills=(0.0,), **{**line, **how})


def made(**how):
    arguments = {"calibration": "reflectance", "sun": Illumination(30.0, 1.0), **how}
    return assemble(GRANULE, TAKEN, [counts("red"), counts("tir1")], **arguments)


def test_bands_are_dressed_with_what_is_known_of_them():
    red = made().red
    assert red.attrs["native_band"] == "4"
    assert red.attrs["wavelength"] == 0.6546
    assert red.attrs["fwhm"] == 0.0375
    assert red.attrs["solar_irradiance"] == 1563.5
    assert red.attrs["units"] == "1"
    assert red.attrs["long_name"] == "4 (red, 0.6546 um)"
    assert "solar_irradiance" not in made().tir1.attrs


def test_attributes_of_a_scene():
    scene = made()
    assert scene.attrs["title"] == "Landsat OLI/TIRS, 2014-08-15 13:00 UTC"
    assert scene.attrs["time_coverage_start"] == "2014-08-15T13:00:47.375Z"
    assert scene.attrs["time_coverage_end"] == "2014-08-15T13:01:00.000Z"
    assert scene.attrs["reflectance_level"] == "top of atmosphere"
    assert made(level="surface").attrs["reflectance_level"] == "surface"
    assert made(level="surface").red.attrs["standard_name"] == "surface_bidirectional_reflectance"
    more = Acquisition("Landsat-9", TAKEN.start, TAKEN.end, "L1TP", {"orbit": 7})
    scene = assemble(GRANULE, more, [counts("red")], calibration="counts")
    assert scene.attrs["orbit"] == 7
    assert scene.attrs["processing_level"] == "L1TP"
    assert scene.attrs["calibration"] == "counts"


def test_angles_are_numbers_or_layers():
    layer = lazy(np.full((2, 3), 12.0))
    scene = made(angles={"sun_zenith": 30.0, "view_zenith": layer})
    assert scene.sun_zenith.ndim == 0
    assert float(scene.sun_zenith) == 30.0
    assert dask.is_dask_collection(scene.view_zenith.data)
    for name in ("sun_zenith", "view_zenith"):
        assert scene[name].attrs["units"] == "degree"
        assert (scene[name].attrs["standard_name"], scene[name].attrs["long_name"]) == ANGLES[name]


def test_a_swath_carries_the_place_of_each_pixel():
    scene = made(longitude=lazy(np.zeros((2, 3))), latitude=lazy(np.ones((2, 3))))
    assert scene.longitude.attrs["units"] == "degrees_east"
    assert scene.latitude.attrs["standard_name"] == "latitude"
    assert "axis" not in scene.latitude.attrs
    assert "longitude" in scene.red.coords
    assert dask.is_dask_collection(scene.longitude.data)


def test_bands_that_are_physical_already_are_only_dressed():
    scene = assemble(
        GRANULE, TAKEN, {"red": lazy(RAW / 100.0).assign_attrs(units="1", junk=1)}, calibration="reflectance"
    )
    np.testing.assert_array_equal(scene.red, RAW / 100.0)
    assert scene.red.attrs["native_band"] == "4"
    assert "qa" not in scene
    with pytest.raises(NotFoundError, match="has no band 'purple'"):
        assemble(GRANULE, TAKEN, {"purple": lazy(RAW)}, calibration="reflectance")


def test_quality_is_told_in_cf_words():
    qa = made().qa
    assert qa.dtype == np.uint16
    assert qa.attrs["flag_meanings"].split() == [f.name for f in SCENE_FLAGS]
    np.testing.assert_array_equal(qa.attrs["flag_masks"], [f.mask for f in SCENE_FLAGS])
    assert qa.attrs["standard_name"] == "quality_flag"


def test_no_data_where_all_bands_have_none_and_saturated_where_any_is():
    other = RAW.copy()
    other[0, 1] = 0
    qa = quality([counts("red", saturation=255), counts("nir", other, saturation=40)])
    no_data, saturated = (SCENE_FLAG[n].mask for n in ("no_data", "saturated"))
    np.testing.assert_array_equal(qa, [[no_data, 0, 0], [0, saturated, saturated]])


def test_quality_of_a_layer_joins_that_of_the_counts():
    layer = lazy(np.array([[0, 1, 2], [3, 4, 8]], np.uint8))
    qa = quality([counts("red")], [(layer, [Rule("cloud", 0), Rule("water", 1, 2, (2,))])])
    cloud, water, no_data = (SCENE_FLAG[n].mask for n in ("cloud", "water", "no_data"))
    np.testing.assert_array_equal(qa, [[no_data, cloud, 0], [cloud, water, 0]])


@settings(max_examples=60, deadline=None)
@given(
    dtype=st.sampled_from(["uint8", "int16", "uint16", "int32", "uint32"]),
    shift=st.integers(0, 15),
    width=st.integers(1, 4),
    data=st.data(),
)
def test_fields_of_bits_equal_python_arithmetic(dtype, shift, width, data):
    info = np.iinfo(dtype)
    values = data.draw(st.lists(st.integers(max(0, info.min), info.max), min_size=6, max_size=6))
    wanted = data.draw(st.sets(st.integers(0, 2**width - 1), min_size=1))
    layer = lazy(np.array(values, dtype).reshape(2, 3))
    found = decode(layer, [Rule("cirrus", shift, width, tuple(sorted(wanted)))])
    expected = [SCENE_FLAG["cirrus"].mask if (v >> shift) % 2**width in wanted else 0 for v in values]
    np.testing.assert_array_equal(found.values.ravel(), expected)
    assert found.dtype == np.uint16


def test_a_flag_that_does_not_exist_is_an_error():
    with pytest.raises((KeyError, InputError)):
        decode(lazy(RAW), [Rule("rainbow", 0)]).compute()


def test_everything_is_lazy():
    def never(*arguments, **keywords):
        raise AssertionError("computed")

    with dask.config.set(scheduler=never):
        scene = made(angles={"view_zenith": lazy(np.zeros((2, 3)))})
    assert all(dask.is_dask_collection(scene[name].data) for name in ("red", "tir1", "qa", "view_zenith"))
