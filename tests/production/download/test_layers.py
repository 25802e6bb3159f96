"""How layers are stored: the packing of the product or the file, and nothing lost beyond half a step."""

import numpy as np
import pytest
import xarray as xr
from archive.samples import SPEC, dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import InputError
from musyq_lab.production.download.layers import BAND_BYTES, bands, chunk, encoded_coordinates, simple, stored


def test_layers_of_a_product_are_packed_as_its_files_are():
    found = {layer.name: layer for layer in stored(dataset(), SPEC)}
    assert (found["flux"].dtype, found["flux"].scale, found["flux"].fill) == (np.dtype("int16"), (0.02, 0.0), -32768)
    assert found["flux_uncertainty"].dtype == np.dtype("int16")
    assert (found["demo_qa"].dtype, found["demo_qa"].fill) == (np.dtype("uint16"), None)
    values = dataset()["flux"].values
    back = found["flux"].pack(values) * np.where(np.isnan(values), np.nan, 0.02)
    np.testing.assert_allclose(back, values, atol=0.01 + 1e-9)


def test_values_of_a_product_file_are_packed_to_the_very_same_numbers(cube):
    import h5py

    folder = next(iter(cube["flux"].data.__dask_graph__().values()), None)
    assert folder is not None
    layer = next(item for item in stored(cube, SPEC) if item.name == "flux")
    again = layer.pack(cube["flux"].values[0])
    path = next(p for p in _files(cube) if "2015176" in p)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(again, file["flux"][...])


def _files(cube):
    from musyq_lab.files.stored import StoredLayer

    layers = [v for v in dict(cube["flux"].data.__dask_graph__()).values() if isinstance(v, StoredLayer)]
    return layers[0].paths


def test_without_a_product_or_on_request_values_stay_as_they_are():
    for found in (stored(dataset(), None), stored(dataset(), SPEC, packed=False)):
        flux = next(layer for layer in found if layer.name == "flux")
        assert flux.layer is None
        assert flux.dtype == np.float64
        np.testing.assert_array_equal(flux.pack(dataset()["flux"].values), dataset()["flux"].values)


def test_the_packing_of_the_file_it_came_from_is_taken():
    array = xr.DataArray(np.array([0.5, np.nan, 2.0], np.float32), dims="x", name="v")
    array.encoding = {"dtype": np.dtype(">i2"), "scale_factor": 0.5, "add_offset": 1.0, "_FillValue": np.int16(-1)}
    (layer,) = stored(array.to_dataset(), None)
    with pytest.raises(InputError, match="cannot be stored"):  # 0.5 would be stored as the number of no data
        layer.pack(array.values)
    array.encoding["_FillValue"] = np.int16(-9)
    (layer,) = stored(array.to_dataset(), None)
    np.testing.assert_array_equal(layer.pack(array.values), np.array([-1, -9, 2], np.int16))
    assert layer.attributes()["add_offset"] == 1.0
    for broken in ({"scale_factor": 0.0}, {"scale_factor": np.nan}, {"dtype": np.dtype("f4")}, {"_FillValue": None}):
        other = array.copy()
        other.encoding = {**array.encoding, **broken}
        assert stored(other.to_dataset(), None)[0].layer is None


def test_other_units_than_the_products_are_stored_as_they_are():
    ds = dataset()
    ds["flux"].attrs["units"] = "kW m-2"
    assert stored(ds, SPEC)[0].layer is None


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=4))
def test_chunks_are_bounded_and_bands_of_them_cover_every_cell_once(shape):
    shape = tuple(shape)
    if np.prod(shape, dtype=float) > 5e6:
        shape = shape[-2:]
    chunks = chunk(shape)
    assert len(chunks) == len(shape)
    assert np.prod(chunks) <= 2**18
    assert all(1 <= c <= s for c, s in zip(chunks, shape, strict=True))
    seen = np.zeros(shape, np.uint8)
    for index in bands(shape, chunks, 4):
        seen[index] += 1
        for part, length, size in zip(index, chunks, shape, strict=True):
            assert part.start % length == 0
            assert part.stop % length == 0 or part.stop == size
        assert seen[index].size * 4 <= max(BAND_BYTES, np.prod(chunks) * 4)
    assert np.all(seen == 1)


def test_a_layer_without_dimensions_has_one_band():
    assert chunk(()) == ()
    assert list(bands((), (), 8)) == [()]


def test_times_are_whole_seconds_and_reference_systems_are_left_out(cube):
    found = encoded_coordinates(cube)
    assert "crs" not in found
    assert found["time"].attrs["units"] == "seconds since 1970-01-01"
    np.testing.assert_array_equal(found["time"].values, cube["time"].values.astype("datetime64[s]").astype(np.int64))
    assert found["period"].values.tolist() == cube["period"].values.tolist()


def test_attributes_become_what_every_format_holds():
    given_ = {
        "b": True,
        "a": 1,
        "big": 2**40,
        "none": None,
        "empty": "",
        "list": [1, 2],
        "map": {"x": [1]},
        "texts": ["a"],
    }
    found = simple(given_)
    assert list(found) == ["a", "b", "big", "list", "map", "texts"]
    assert (found["b"], found["a"].dtype, found["big"].dtype) == (1, np.int32, np.int64)
    assert found["map"] == '{"x": [1]}'
    assert found["texts"] == '["a"]'
    assert simple({"u": np.uint16(3)})["u"].dtype == np.uint16
    assert simple({"text": "中"}) == {"text": "中"}
    with pytest.raises(TypeError):
        simple({1: 2, "a": 3})
