"""All bands of a granule on one native grid, beside plain numpy over the grids it came from."""

import dask
import numpy as np
import pytest
import xarray as xr
from sensors.make_landsat import make

from musyq_lab.core.errors import InputError
from musyq_lab.sensors._open import open_scene
from musyq_lab.standard import granule
from musyq_lab.standard.granule import open_granule

FINE, COARSE = 10.0, 20.0


def scene(bands, size, step, *, first=0.0, chunks=-1):
    """A projected scene: one random layer a band."""
    random = np.random.Generator(np.random.Philox(len(bands) + size))
    centres = first + step * (np.arange(size) + 0.5)
    layers = {
        name: xr.DataArray(
            random.uniform(0, 1, (size, size)).astype(np.float32),
            dims=("y", "x"),
            attrs={"wavelength": 0.5 + 0.1 * k, "fwhm": 0.05, "units": "1"},
        ).chunk(chunks)
        for k, name in enumerate(bands)
    }
    return xr.Dataset(layers, {"y": -centres, "x": centres, "spatial_ref": 0})


@pytest.fixture
def grids(monkeypatch):
    """A granule of three grids that nest: 10, 20 and 60 m over 240 m, and one of 50 m that does not."""
    made = {
        10.0: scene(["blue", "red"], 24, 10.0, chunks=7),
        20.0: scene(["red", "swir1"], 12, 20.0),
        60.0: scene(["cirrus"], 4, 60.0),
    }
    monkeypatch.setattr(granule, "scene_grids", lambda *_: {r: list(s.data_vars) for r, s in made.items()})
    monkeypatch.setattr(granule, "open_scene", lambda *_, resolution=None: made[resolution or 10.0].copy())
    return made


def blocks(values, factor):
    n = values.shape[0] // factor
    return np.array(
        [
            [values[i * factor : (i + 1) * factor, j * factor : (j + 1) * factor].mean() for j in range(n)]
            for i in range(n)
        ]
    )


def test_finer_bands_are_averaged_and_coarser_ones_repeated(grids):
    found = open_granule("x", resolution=20.0)
    assert dict(found.sizes) == {"y": 12, "x": 12}
    assert list(found.data_vars) == ["red", "swir1", "blue", "cirrus"]
    np.testing.assert_array_equal(found.red, grids[20.0].red)
    np.testing.assert_allclose(found.blue, blocks(grids[10.0].blue.values, 2), rtol=1e-6)
    np.testing.assert_array_equal(found.cirrus, np.kron(grids[60.0].cirrus.values, np.ones((3, 3), np.float32)))
    assert found.blue.attrs["wavelength"] == grids[10.0].blue.attrs["wavelength"]
    assert all(found[name].dtype == np.float32 for name in found.data_vars)
    np.testing.assert_array_equal(found.x, grids[20.0].x)


def test_coordinates_and_chunks_are_those_of_the_chosen_grid(grids):
    found = open_granule("x")
    assert dict(found.sizes) == {"y": 24, "x": 24}
    assert found.swir1.chunks == found.blue.chunks == found.cirrus.chunks
    for name in found.data_vars:
        np.testing.assert_array_equal(found[name].x, grids[10.0].x)
        assert dask.is_dask_collection(found[name].data)


@pytest.mark.parametrize(
    ("wanted", "size"), [(None, 24), (10.0, 24), (19.9, 24), (20.0, 12), (30.0, 12), (60.0, 4), (5000.0, 4), (3.0, 24)]
)
def test_the_coarsest_grid_no_coarser_than_asked_for(grids, wanted, size):
    found = open_granule("x", resolution=wanted)
    assert found.sizes["x"] == size
    assert {"blue", "red", "swir1", "cirrus"} <= set(found.data_vars)


def test_the_nearest_grid_gives_a_band_that_two_have(grids):
    """Red is on 10 and 20 m; at 60 m it comes from 20 m."""
    found = open_granule("x", resolution=60.0)
    np.testing.assert_allclose(found.red, blocks(grids[20.0].red.values, 3), rtol=1e-6)


def test_a_block_with_a_missing_pixel_is_missing(grids):
    grids[10.0]["blue"] = grids[10.0].blue.where(grids[10.0].blue != grids[10.0].blue[3, 5])
    found = open_granule("x", resolution=20.0).blue.values
    assert np.argwhere(np.isnan(found)).tolist() == [[1, 2]]


def test_grids_that_do_not_nest_are_named(grids):
    grids[50.0] = scene(["vapour"], 5, 48.0)
    grids[15.0] = scene(["pan"], 16, 15.0)
    found = open_granule("x", resolution=20.0)
    assert found.attrs["bands_missing"] == "vapour"
    assert "pan" not in found


def test_grids_that_begin_elsewhere_are_left_out(grids):
    grids[60.0] = scene(["cirrus"], 4, 60.0, first=30.0)
    found = open_granule("x", resolution=20.0)
    assert found.attrs["bands_missing"] == "cirrus"
    with pytest.raises(InputError, match="begin or end at other places along y"):
        granule._onto(grids[60.0], grids[20.0])


def test_pixels_without_coordinates_are_counted(grids):
    for r in grids:
        grids[r] = grids[r].drop_vars(["x", "y"])
    found = open_granule("x", resolution=20.0)
    np.testing.assert_allclose(found.blue, blocks(grids[10.0].blue.values, 2), rtol=1e-6)


def test_one_grid_is_opened_as_it_is(tmp_path):
    make(tmp_path, shape=(20, 20))
    xr.testing.assert_identical(open_granule(tmp_path)["red"], open_scene(tmp_path)["red"])


def test_nothing_is_read(grids):
    def never(*_args, **_kwargs):
        raise AssertionError("something was computed")

    with dask.config.set(scheduler=never):
        open_granule("x", resolution=20.0)
