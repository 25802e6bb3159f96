"""How much a raster file lacks at its end, against files whose true size is known."""

import numpy as np
import pytest
import rasterio
from affine import Affine

from musyq_lab.files.cut import _MOST_BLOCKS, missing_bytes

LAYOUT = {"driver": "GTiff", "count": 1, "dtype": "uint8", "crs": "EPSG:32617", "transform": Affine(1, 0, 0, 0, -1, 0)}


def lacking(path, band=1):
    with rasterio.open(path) as file:
        return missing_bytes(file, path, band)


@pytest.mark.parametrize("options", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 16}, {"compress": "lzw"}])
def test_every_byte_that_is_cut_off_the_data_counts(tmp_path, options):
    path = tmp_path / "x.tif"
    with rasterio.open(path, "w", height=64, width=48, **LAYOUT, **options) as file:
        file.write(np.random.default_rng(1).integers(1, 255, (1, 64, 48)).astype(np.uint8))
    whole = path.read_bytes()
    assert lacking(path) == 0
    for cut in (1, 7, 300):
        path.write_bytes(whole[:-cut])
        assert lacking(path) == cut
    path.write_bytes(whole + b"trailing bytes do no harm")
    assert lacking(path) == 0


def test_blocks_that_a_sparse_file_leaves_out_are_not_missed(tmp_path):
    path = tmp_path / "x.tif"
    tiles = {"tiled": True, "blockxsize": 16, "blockysize": 16}
    with rasterio.open(path, "w", height=64, width=48, **LAYOUT, **tiles, SPARSE_OK="TRUE") as file:
        file.write(np.ones((1, 16, 16), np.uint8), window=((16, 32), (16, 32)))
    assert lacking(path) == 0
    path.write_bytes(path.read_bytes()[:-1])
    assert lacking(path) == 1


def test_a_file_without_any_block_is_no_data(tmp_path):
    path = tmp_path / "x.tif"
    with rasterio.open(path, "w", height=64, width=48, **LAYOUT, SPARSE_OK="TRUE"):
        pass
    assert lacking(path) > 0


def test_the_last_of_very_many_blocks_is_looked_up(tmp_path):
    path = tmp_path / "x.tif"
    rows = _MOST_BLOCKS + 1000
    with rasterio.open(path, "w", height=rows, width=1, blockysize=1, **LAYOUT) as file:
        file.write(np.ones((1, rows, 1), np.uint8))
    path.write_bytes(path.read_bytes()[:-1])
    assert lacking(path) == 1


def test_boxes_of_jpeg_2000(tmp_path):
    path = tmp_path / "x.jp2"
    layout = {**LAYOUT, "driver": "JP2OpenJPEG"}
    with rasterio.open(path, "w", height=64, width=64, **layout, QUALITY="100", REVERSIBLE="YES") as file:
        file.write(np.random.default_rng(1).integers(1, 255, (1, 64, 64)).astype(np.uint8))
    whole = path.read_bytes()
    assert lacking(path) == 0
    path.write_bytes(whole[:-5])
    assert lacking(path) == 5

    start = whole.index(b"jp2c") - 4
    open_end = whole[:start] + bytes(4) + whole[start + 4 :]  # length 0: to the end of the file
    path.write_bytes(open_end)
    assert lacking(path) == 0
    path.write_bytes(open_end[:-1])
    assert lacking(path) > 0

    length = int.from_bytes(whole[start : start + 4], "big") + 8
    large = whole[:start] + b"\0\0\0\1jp2c" + length.to_bytes(8, "big") + whole[start + 8 :]  # length of 64 bits
    path.write_bytes(large)
    assert lacking(path) == 0
    path.write_bytes(large[:-3])
    assert lacking(path) == 3
