"""GDAL's rasters as lazy layers: the same numbers however they are cut out, and plain errors for damaged files."""

import pickle
import random
import zipfile

import dask
import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import MusyqError, NotFoundError, SceneError
from musyq_lab.files.raster import MAX_BLOCK, RasterLayer, count, open_band

PLACE = {"crs": "EPSG:32617", "transform": Affine(30.0, 0.0, 500000.0, 0.0, -30.0, 4000000.0)}
KINDS = {
    "strips": {},
    "tiles": {"tiled": True, "blockxsize": 32, "blockysize": 16},
    "lzw": {"compress": "lzw", "predictor": 2},
    "deflate": {"compress": "deflate", "tiled": True, "blockxsize": 64, "blockysize": 64},
    "bigtiff": {"BIGTIFF": "YES"},
    "bigendian": {"ENDIANNESS": "BIG"},
    "cog": {"driver": "COG", "blocksize": 128},
    "jp2": {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES", "blockxsize": 64, "blockysize": 64},
}
SHAPE = (150, 130)


def numbers(shape=SHAPE, dtype=np.uint16):
    rows, columns = np.indices(shape)
    return (1000 + rows * 7 + columns * 3 + (rows * columns) % 11).astype(dtype)


def write(path, data=None, **options):
    data = numbers() if data is None else data
    stack = data if data.ndim == 3 else data[None]
    layout = {
        **{"driver": "GTiff", "count": len(stack), "height": stack.shape[1], "width": stack.shape[2]},
        **{"dtype": stack.dtype.name, **PLACE, **options},
    }
    with rasterio.open(path, "w", **layout) as file:
        file.write(stack)
    return path


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rasters")
    return {kind: write(folder / f"{kind}.{'jp2' if kind == 'jp2' else 'tif'}", **o) for kind, o in KINDS.items()}


# Values and places -----------------------------------------------------------------------------------------------


def test_stored_numbers_come_as_they_are(files, kind):
    array = open_band(files[kind])
    assert dask.is_dask_collection(array.data)
    assert array.dtype == np.uint16
    np.testing.assert_array_equal(array, numbers())


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_every_type_is_kept(tmp_path, dtype):
    data = (numbers() % 120).astype(dtype)
    array = open_band(write(tmp_path / "x.tif", data))
    assert array.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(array, data)


def test_pixels_are_placed_at_their_centres(files):
    array = open_band(files["strips"])
    np.testing.assert_array_equal(array.x, 500015.0 + 30.0 * np.arange(130))
    np.testing.assert_array_equal(array.y, 3999985.0 - 30.0 * np.arange(150))
    assert array.rio.crs.to_epsg() == 32617
    with rasterio.open(files["strips"]) as file:
        assert array.rio.transform() == file.transform
        assert file.xy(3, 4) == (float(array.x[4]), float(array.y[3]))


def test_nodata_is_told_and_not_applied(tmp_path):
    array = open_band(write(tmp_path / "x.tif", nodata=1000))
    assert array.attrs == {"nodata": 1000.0}
    assert int(array[0, 0]) == 1000
    assert "nodata" not in open_band(write(tmp_path / "y.tif")).attrs


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("place", [{"crs": None, "transform": None}, {"transform": Affine(30, 5, 0, 5, -30, 0)}])
def test_without_georeference_or_rotated_there_are_no_coordinates(tmp_path, place):
    array = open_band(write(tmp_path / "x.tif", **place))
    assert not set(array.coords)
    np.testing.assert_array_equal(array, numbers())


def test_every_band_of_a_file(tmp_path):
    stack = np.stack([numbers(), numbers() + 1, numbers() + 2])
    path = write(tmp_path / "x.tif", stack)
    assert count(path) == 3
    for band in (1, 2, 3):
        np.testing.assert_array_equal(open_band(path, band), stack[band - 1])
    for band in (0, 4):
        with pytest.raises(SceneError, match=r"x\.tif has 3 bands, not"):
            open_band(path, band)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1)])
def test_smallest_rasters(tmp_path, shape):
    data = numbers(shape)
    np.testing.assert_array_equal(open_band(write(tmp_path / "x.tif", data)), data)


def test_a_zip_file_is_read_in_place(files, tmp_path):
    archive = tmp_path / "granule.ZIP"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(files["strips"], "inner/b.tif")
        packed.write(files["jp2"], "inner/b.jp2")
        packed.writestr("inner/vrt.tif", VRT.format(path=files["strips"]))
    for name in ("b.tif", "b.jp2"):
        np.testing.assert_array_equal(open_band(f"/vsizip/{archive}/inner/{name}"), numbers())
    for name in ("nothing.tif", "b.txt", "vrt.tif"):
        with pytest.raises(SceneError, match=name.replace(".", r"\.")):
            open_band(f"/vsizip/{archive}/inner/{name}")
    with pytest.raises(NotFoundError, match=r"no file .*absent\.zip"):
        open_band(f"/vsizip/{tmp_path}/absent.zip/b.tif")
    with pytest.raises(SceneError, match="names no zip file"):
        open_band("/vsizip/granule.tar/b.tif")


# Parts -----------------------------------------------------------------------------------------------------------

slices = st.builds(
    slice,
    st.none() | st.integers(-160, 160),
    st.none() | st.integers(-160, 160),
    st.none() | st.integers(-40, 40).filter(bool),
)


@settings(max_examples=150, deadline=None)
@given(rows=slices | st.integers(-150, 149), columns=slices | st.integers(-130, 129))
def test_any_part_equals_the_part_of_the_whole(files, rows, columns):
    for kind in ("strips", "deflate"):
        layer = RasterLayer(str(files[kind]), 1, SHAPE, np.dtype("uint16"))
        found = layer[rows, columns]
        expected = numbers()[rows, columns]
        assert np.shape(found) == expected.shape
        np.testing.assert_array_equal(found, expected)


def test_a_part_may_leave_out_the_columns(files):
    layer = RasterLayer(str(files["tiles"]), 1, SHAPE, np.dtype("uint16"))
    np.testing.assert_array_equal(layer[3:5], numbers()[3:5])
    np.testing.assert_array_equal(layer[-1], numbers()[-1])
    with pytest.raises(IndexError):
        layer[150]


def test_any_way_of_indexing_the_lazy_array(files):
    array, whole = open_band(files["tiles"]), numbers()
    for key in (np.s_[5], np.s_[5, 7], np.s_[::-3, 4::5], np.s_[7:7], np.s_[10:5:-1, -1]):
        np.testing.assert_array_equal(array[key], whole[key])
    np.testing.assert_array_equal(array[[3, 140, 0]], whole[[3, 140, 0]])
    np.testing.assert_array_equal(array.isel(x=slice(None, None, 50)).mean("y"), whole[:, ::50].mean(0))


def test_blocks_are_bounded_and_cover_the_image(tmp_path):
    data = np.zeros((5000, 2100), np.uint8)
    array = open_band(write(tmp_path / "x.tif", data, compress="deflate"))
    assert array.chunks[0][0] <= 2 * 2048
    assert sum(array.chunks[0]) == 5000
    assert array.sizes == {"y": 5000, "x": 2100}


# Tasks -----------------------------------------------------------------------------------------------------------


def test_layers_travel_and_keep_no_file_open(files, tmp_path):
    path = write(tmp_path / "x.tif")
    array = pickle.loads(pickle.dumps(open_band(path)))
    moved = path.rename(tmp_path / "y.tif")  # nothing holds it
    moved.rename(path)
    np.testing.assert_array_equal(array, numbers())


def test_names_of_tasks_tell_the_state_of_the_file(tmp_path):
    import os

    path = write(tmp_path / "x.tif")
    first, second = open_band(path), open_band(path)
    assert first.data.name == second.data.name
    os.utime(path, ns=(1, 1))
    assert open_band(path).data.name != first.data.name
    assert open_band(write(tmp_path / "y.tif")).data.name != first.data.name


def test_a_file_that_changes_after_opening_is_an_error(tmp_path):
    path = write(tmp_path / "x.tif")
    array = open_band(path)
    write(path, numbers((10, 10)))
    with pytest.raises(SceneError, match=r"x\.tif holds uint16 of shape \(10, 10\), not uint16 of shape \(150, 130\)"):
        array.load()
    write(path, numbers(dtype=np.float32))
    with pytest.raises(SceneError, match=r"holds float32 of shape"):
        array.load()
    path.unlink()
    with pytest.raises(NotFoundError, match=r"There is no file .*x\.tif"):
        array.load()


# Damage ----------------------------------------------------------------------------------------------------------

VRT = (
    '<VRTDataset rasterXSize="130" rasterYSize="150"><VRTRasterBand dataType="UInt16" band="1"><SimpleSource>'
    "<SourceFilename>{path}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
)


@pytest.mark.parametrize("part", [0.0005, 0.01, 0.1, 0.5, 0.9, 0.99, 0.9999])
def test_a_file_cut_short_is_refused_when_opened(files, kind, tmp_path, part):
    whole = files[kind].read_bytes()
    path = tmp_path / files[kind].name
    path.write_bytes(whole[: max(5, int(len(whole) * part))])
    with pytest.raises(SceneError) as caught:
        open_band(path)
    assert str(path) in str(caught.value)


def test_a_tile_of_jpeg_2000_that_cannot_be_decoded_is_an_error(files, tmp_path):
    whole = bytearray(files["jp2"].read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 400] = bytes(400)
    path = tmp_path / "x.jp2"
    path.write_bytes(whole)
    try:
        found = open_band(path).values
    except SceneError as error:
        assert str(path) in str(error)  # noqa: PT017  (some damage decodes to other numbers, which has no checksum)
    else:
        assert (found == numbers()).mean() > 0.5


@pytest.mark.parametrize("seed", range(8))
def test_mutated_headers_give_numbers_or_a_plain_error(files, kind, tmp_path, seed):
    chance = random.Random(seed)
    path = tmp_path / files[kind].name
    for _ in range(5):
        content = bytearray(files[kind].read_bytes())
        for _ in range(3):
            content[chance.randrange(min(400, len(content)))] = chance.randrange(256)
        path.write_bytes(content)
        try:
            array = open_band(path)
            if array.size < 10**7:
                assert array.values.shape == array.shape
        except MusyqError as error:
            assert path.name in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"II", "neither GeoTIFF nor JPEG 2000"),
        (b"II*\0", "cannot be read as a raster"),
        (b"<html>404</html>", "neither GeoTIFF nor JPEG 2000"),
        (VRT.format(path="/etc/hosts").encode(), "neither GeoTIFF nor JPEG 2000"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "neither GeoTIFF nor JPEG 2000"),
        (b"\0\0\0\x0cjP  " + bytes(60), "cannot be read|cut short"),
    ],
)
def test_what_is_no_raster_is_refused(tmp_path, content, reason):
    path = tmp_path / "x.tif"
    path.write_bytes(content)
    with pytest.raises(SceneError, match=reason):
        open_band(path)


def test_no_file_and_folders(tmp_path):
    for path in (tmp_path / "absent.tif", tmp_path):
        with pytest.raises(NotFoundError):
            open_band(path)


def test_huge_blocks_and_edges_are_refused_before_they_are_read(tmp_path):
    tile = {"tiled": True, "blockxsize": 20_000, "blockysize": 20_000, "SPARSE_OK": "TRUE", "compress": "deflate"}
    path = tmp_path / "x.tif"
    layout = {"driver": "GTiff", "count": 1, "dtype": "uint8", **PLACE}
    with rasterio.open(path, "w", **layout, height=20_000, width=20_000, **tile):
        pass
    assert MAX_BLOCK < 20_000**2
    with pytest.raises(SceneError, match=r"declares 20000 x 20000 pixels in blocks"):
        open_band(path)
    with rasterio.open(path, "w", **layout, height=1, width=500_000, SPARSE_OK="TRUE"):
        pass
    with pytest.raises(SceneError, match=r"declares 1 x 500000 pixels"):
        open_band(path)


def test_neighbours_of_a_file_are_not_read(files, tmp_path):
    path = write(tmp_path / "x.tif")
    (tmp_path / "x.tif.aux.xml").write_text("<PAMDataset><SRS>garbage</SRS></PAMDataset>")
    (tmp_path / "x.tif.ovr").write_bytes(b"garbage")
    array = open_band(path)
    assert array.rio.crs.to_epsg() == 32617
    np.testing.assert_array_equal(array[::5, ::5], numbers()[::5, ::5])
