"""Counts, raster files and marks of clouds that several writers share."""

import numpy as np
import pytest
import rasterio

from musyq_lab.twin.granules._clouds import marks
from musyq_lab.twin.granules._map import Frame
from musyq_lab.twin.granules._raster import block_mean, counts, write_jp2, write_tiff

FRAME = Frame(32650, 400_020.0, 4_400_040.0, 1200.0, 600.0)


def test_counts_go_to_the_nearest_within_the_limits():
    values = np.array([-1.0, 0.0, 0.249, 0.251, 0.5, 99.0, np.nan], np.float32)
    made = counts(values, 0.5, 0.0, (1, 100), fill=0)
    assert made.dtype == np.uint16
    assert made.tolist() == [1, 1, 1, 1, 1, 100, 0]
    assert counts(values[2:4], 0.5, -0.5, (0, 9)).tolist() == [1, 2]
    assert counts(values, 1.0, 0.0, (-5, 5), fill=-9, dtype="int16").tolist() == [-1, 0, 0, 0, 0, 5, -9]


def test_counts_over_the_whole_range_come_back():
    wanted = np.arange(1, 65536)
    values = (wanted * 2e-5 - 0.1).astype(np.float32)
    assert np.abs(counts(values, 2e-5, -0.1, (1, 65535)).astype(int) - wanted).max() == 0


@pytest.mark.parametrize("layers", [1, 3])
def test_jpeg_2000_is_lossless_and_placed(tmp_path, layers):
    random = np.random.default_rng(1)
    data = random.integers(0, 65536, (layers, 30, 60)).astype(np.uint16)
    write_jp2(tmp_path / "a" / "x.jp2", data if layers > 1 else data[0], FRAME, 20)
    with rasterio.open(tmp_path / "a" / "x.jp2") as file:
        assert (file.read() == data).all()
        assert file.crs.to_epsg() == 32650
        assert file.bounds == (400_020.0, 4_399_440.0, 401_220.0, 4_400_040.0)
    assert [f.name for f in (tmp_path / "a").iterdir()] == ["x.jp2"]


def test_geotiff_with_and_without_place(tmp_path):
    data = np.arange(1800, dtype=np.int16).reshape(30, 60)
    write_tiff(tmp_path / "placed.tif", data, FRAME, 20, point=True, nodata=0)
    write_tiff(tmp_path / "free.tif", np.stack([data, data]), None)
    with rasterio.open(tmp_path / "placed.tif") as file:
        assert (file.read(1) == data).all()
        assert file.nodata == 0
        assert file.tags()["AREA_OR_POINT"] == "Point"
        assert file.bounds.left == FRAME.left  # the corner is that of the pixel all the same
    with rasterio.open(tmp_path / "free.tif") as file:
        assert (file.count, file.crs) == (2, None)


def test_block_means():
    values = np.arange(24, dtype=np.float32).reshape(4, 6)
    assert block_mean(values, 2).tolist() == [[3.5, 5.5, 7.5], [15.5, 17.5, 19.5]]
    values[0, 0] = np.nan
    assert np.isnan(block_mean(values, 2)).sum() == 1
    assert (block_mean(values, 1)[1:] == values[1:]).all()


SURFACES = {
    # blue, green, red, nir, swir1, swir2, cirrus, K -> cloud, cirrus, snow
    "meadow": ((0.08, 0.09, 0.07, 0.35, 0.22, 0.1, 0.001, 298.0), (False, False, False)),
    "sand": ((0.18, 0.24, 0.32, 0.40, 0.52, 0.45, 0.001, 310.0), (False, False, False)),
    "lake": ((0.09, 0.06, 0.04, 0.02, 0.01, 0.005, 0.001, 290.0), (False, False, False)),
    "cumulus": ((0.55, 0.54, 0.55, 0.58, 0.45, 0.35, 0.002, 275.0), (True, False, False)),
    "snow": ((0.85, 0.86, 0.85, 0.75, 0.08, 0.05, 0.002, 262.0), (False, False, True)),
    "thin cirrus": ((0.14, 0.14, 0.13, 0.38, 0.25, 0.13, 0.02, 285.0), (False, True, False)),
}


@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("thermal", [True, False])
def test_marks_of_typical_surfaces(name, thermal):
    values, expected = SURFACES[name]
    names = ("blue", "green", "red", "nir", "swir1", "swir2", "cirrus")
    bands = {n: np.full((2, 2), v, np.float32) for n, v in zip(names, values, strict=False)}
    found = marks(bands, np.full((2, 2), values[-1], np.float32) if thermal else None)
    assert tuple(flag.all() for flag in (found.cloud, found.cirrus, found.snow)) == expected
    assert tuple(flag.any() for flag in (found.cloud, found.cirrus, found.snow)) == expected


def test_warm_white_roofs_are_no_clouds_where_there_is_a_temperature():
    bands = dict.fromkeys(("blue", "green", "red", "nir", "swir1", "swir2"), np.full((1, 1), 0.5, np.float32))
    bands |= {"cirrus": np.zeros((1, 1), np.float32)}
    assert marks(bands).cloud.all()
    assert not marks(bands, np.full((1, 1), 305.0, np.float32)).cloud.any()


def test_missing_values_make_no_marks():
    bands = dict.fromkeys(("blue", "green", "red", "nir", "swir1", "swir2", "cirrus"), np.full((2, 2), np.nan))
    found = marks(bands)
    assert not (found.cloud | found.cirrus | found.snow).any()


def test_infinite_values_are_the_ends_and_empty_arrays_stay_empty():
    made = counts(np.array([np.inf, -np.inf, np.nan], np.float32), 0.1, 0.0, (1, 4095), fill=0)
    assert made.tolist() == [4095, 1, 0]
    assert counts(np.zeros((0, 3), np.float32), 0.1, 0.0, (1, 4095)).shape == (0, 3)


def test_counts_leave_the_values_as_they_were():
    values = np.array([0.1, np.nan, 5.0], np.float32)
    before = values.copy()
    counts(values, 1e-4, 0.0, (1, 10_000))
    np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize(("gain", "offset"), [(1e-4, -0.1), (2e-5, -0.1), (0.01, 0.0), (0.00341802, 149.0)])
def test_no_count_is_further_than_half_a_step(gain, offset):
    values = np.random.default_rng(3).uniform(offset + gain, offset + 60_000 * gain, 5000).astype(np.float32)
    made = counts(values, gain, offset, (1, 65_535)).astype(float) * gain + offset
    # Single precision of values near 60 000 counts adds 1 % of a step.
    assert np.abs(made - values).max() < 0.515 * gain


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
@pytest.mark.parametrize("shape", [(1, 1), (255, 300), (300, 256)])
def test_geotiffs_of_any_type_and_size_come_back(tmp_path, dtype, shape):
    data = np.random.default_rng(2).integers(0, 120, shape).astype(dtype)
    frame = Frame(32756, 300_015.0, 6_500_025.0, shape[1] * 30.0, shape[0] * 30.0)
    write_tiff(tmp_path / "a.tif", data, frame, 30.0)
    with rasterio.open(tmp_path / "a.tif") as file:
        np.testing.assert_array_equal(file.read(1), data)
        assert file.dtypes == (dtype,)
        assert (file.block_shapes == [(256, 256)]) == (min(shape) >= 256)
        assert file.compression.name == "deflate"
        assert file.transform[:6] == (30.0, 0.0, 300_015.0, 0.0, -30.0, 6_500_025.0)
        assert file.crs.to_epsg() == 32756
        assert file.nodata is None


def test_images_have_the_same_bytes_in_every_folder(tmp_path):
    data = np.random.default_rng(4).integers(0, 4000, (300, 300)).astype(np.uint16)
    made = []
    for folder in (tmp_path / "a", tmp_path / "another"):
        folder.mkdir()
        write_tiff(folder / "x.tif", data, FRAME, 10.0, nodata=0)
        write_jp2(folder / "x.jp2", data, FRAME, 10.0)
        made.append([(folder / name).read_bytes() for name in ("x.tif", "x.jp2")])
        assert len(list(folder.iterdir())) == 2
    assert made[0] == made[1]
