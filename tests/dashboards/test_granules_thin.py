"""Some pixels of a scene equal those of the whole scene, and no more of the files is read than they need."""

from dataclasses import dataclass

import dask
import dask.array as da
import numpy as np
import pytest
import rasterio
import xarray as xr
from rasterio.enums import Resampling
from rasterio.transform import from_origin

from musyq_lab.dashboards._granules_thin import every, part, part_of
from musyq_lab.files.lazy import dask_array
from musyq_lab.files.raster import open_band

ROWS, COLUMNS = 70, 90


@dataclass(frozen=True)
class Counted:
    """A stored layer that counts what is read of it."""

    values: np.ndarray
    read: list

    shape = property(lambda self: self.values.shape)
    ndim = 2
    dtype = property(lambda self: self.values.dtype)

    def __getitem__(self, key):
        found = self.values[key]
        self.read.append(found.size)
        return found

    def __dask_tokenize__(self):
        return self.values.shape


def scene(chunks=(16, 32)) -> tuple[xr.Dataset, list]:
    """A band and quality, calibrated pixel by pixel as the readers do."""
    read: list = []
    rng = np.random.default_rng(0)
    layers = [
        dask_array(Counted(rng.integers(0, 4000, (ROWS, COLUMNS)).astype(np.uint16), read), chunks, [], f"l{k}")
        for k in range(3)
    ]
    angle = da.from_array(rng.uniform(20, 60, (ROWS, COLUMNS)), chunks=chunks)
    red = da.where(layers[0] > 0, (layers[0] * 2e-4 - 0.1) / da.cos(da.radians(angle)), np.nan).astype(np.float32)
    made = xr.Dataset(
        {
            "red": (("y", "x"), red, {"units": "1", "wavelength": 0.65}),
            "sun_zenith": (("y", "x"), angle),
            "qa": (("y", "x"), (layers[1] % 8).astype(np.uint16) | (layers[2] > 3000).astype(np.uint16) * 8),
        },
        {"y": np.arange(ROWS) * -30.0, "x": np.arange(COLUMNS) * 30.0, "spatial_ref": 0},
        {"title": "a scene"},
    )
    return made, read


@pytest.mark.parametrize("chunks", [(16, 32), (ROWS, COLUMNS), (7, 90)])
@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (range(0, ROWS, 1), range(0, COLUMNS, 1)),
        (range(3, ROWS, 7), range(3, COLUMNS, 7)),
        (range(69, 70), range(89, 90)),
        (range(20, 41, 3), range(60, 61)),
        (range(0, ROWS, 500), range(0, COLUMNS, 500)),
        (range(5, 5), range(0, COLUMNS)),
    ],
)
def test_a_part_equals_that_of_the_whole(chunks, rows, columns):
    whole, _ = scene(chunks)
    xr.testing.assert_identical(part(whole, rows, columns).compute(), whole.isel(y=rows, x=columns).compute())


def test_no_more_is_read_than_is_wanted():
    whole, read = scene()
    part(whole, every(ROWS, 10), every(COLUMNS, 10)).compute()
    assert sum(read) == 3 * 7 * 9
    read.clear()
    part(whole, range(5, 6), range(7, 8)).compute()
    assert sum(read) == 3


def test_it_is_lazy():
    whole, read = scene()
    with dask.config.set(scheduler=lambda *args, **kwargs: pytest.fail("computed")):
        part(whole, every(ROWS, 10), every(COLUMNS, 10))
    assert read == []


@pytest.mark.parametrize(
    "move",
    [
        lambda a: a[:, ::-1],
        lambda a: a.rechunk((35, 45)),
        lambda a: da.concatenate([a[:35], a[35:]]),
        lambda a: da.overlap.overlap(a, 1, "reflect")[:ROWS, :COLUMNS],
    ],
    ids=["flipped", "rechunked", "put together", "with neighbours"],
)
def test_where_pixels_are_moved_the_whole_is_taken(move):
    whole, _ = scene()
    moved = whole.assign(red=(("y", "x"), move(whole["red"].data)))
    assert part_of(moved["red"].data, range(3, ROWS, 7), range(3, COLUMNS, 7)) is None
    found = part(moved, range(3, ROWS, 7), range(3, COLUMNS, 7))
    xr.testing.assert_identical(found.compute(), moved.isel(y=slice(3, None, 7), x=slice(3, None, 7)).compute())


def test_names_tell_the_part_and_the_whole_apart():
    red = scene()[0]["red"].data
    names = {part_of(red, range(0, ROWS, k), range(COLUMNS)).name for k in (1, 2, 3)} | {red.name}
    assert len(names) == 4


@pytest.mark.parametrize(("size", "step"), [(100, 1), (100, 7), (10, 100), (1, 1), (1, 9), (6, 4)])
def test_the_middle_of_each_stretch(size, step):
    kept = every(size, step)
    assert len(kept) >= 1
    assert kept[-1] < size
    if size >= step:
        assert kept[0] == step // 2


def raster(tmp_path, *, overviews: bool) -> tuple[xr.DataArray, np.ndarray]:
    values = np.arange(64 * 96, dtype=np.uint16).reshape(64, 96)
    path = tmp_path / "band.tif"
    options = {"driver": "GTiff", "height": 64, "width": 96, "count": 1, "dtype": "uint16", "crs": "EPSG:32650"}
    options |= {"tiled": True, "blockxsize": 16, "blockysize": 16, "transform": from_origin(4e5, 44e5, 30, 30)}
    with rasterio.open(path, "w", **options) as file:
        file.write(values, 1)
    if overviews:
        with rasterio.open(path, "r+") as file:
            file.build_overviews([4], Resampling.average)
    return open_band(path), values


@pytest.mark.parametrize("overviews", [False, True])
def test_a_raster_is_thinned_by_its_overviews(tmp_path, overviews):
    band, values = raster(tmp_path, overviews=overviews)
    rows, columns = every(64, 4), every(96, 4)
    found = np.asarray(part_of(band.data.astype(np.float32), rows, columns))
    picked = values[2::4, 2::4]
    means = values.reshape(16, 4, 24, 4).mean((1, 3))
    if overviews:
        np.testing.assert_allclose(found, means, atol=0.51)
        assert np.abs(found - picked).max() > 10
    else:
        np.testing.assert_array_equal(found, picked)


def test_quality_bits_are_never_averaged(tmp_path):
    band, values = raster(tmp_path, overviews=True)
    found = part(xr.Dataset({"qa": band}), every(64, 4), every(96, 4))
    np.testing.assert_array_equal(found["qa"], values[2::4, 2::4])
    np.testing.assert_array_equal(found["x"], band["x"][2::4])


def test_a_scene_of_120_million_pixels_costs_a_screen():
    read: list = []
    size = 10_980
    stored = dask_array(Counted(np.broadcast_to(np.uint16(7), (size, size)), read), (2048, 2048), [], "large")
    whole = xr.Dataset({"red": (("y", "x"), stored * np.float32(2))})
    found = part(whole, every(size, 19), every(size, 19)).compute()
    assert found["red"].shape == (578, 578)
    assert (found["red"] == 14).all()
    assert sum(read) == 578 * 578
    read.clear()
    near = part(whole, range(5000, 5400), range(5000, 5400)).compute()
    assert near["red"].shape == (400, 400)
    assert sum(read) == 400 * 400
