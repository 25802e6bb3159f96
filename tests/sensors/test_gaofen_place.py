"""Places of the pixels of images in sensor geometry, against GDAL's own rational polynomials."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import rasterio.rpc
import rasterio.transform
from sensors import make_gaofen as make

from musyq_lab.core.errors import SceneError
from musyq_lab.sensors import _gaofen_place as place

SHAPE = (1200, 1000)


@pytest.fixture
def polynomials(tmp_path: Path) -> Path:
    path = tmp_path / "a.rpb"
    path.write_text(make.rpb(SHAPE))
    return path


def gdal(path: Path) -> rasterio.transform.RPCTransformer:
    rpc = place.read_rpb(path)
    names = ("line", "samp", "lat", "long", "height")
    scalars = {f"{n}_off": v for n, v in zip(names, rpc.offset, strict=True)}
    scalars |= {f"{n}_scale": v for n, v in zip(names, rpc.scale, strict=True)}
    keys = ("line_num_coeff", "line_den_coeff", "samp_num_coeff", "samp_den_coeff")
    lists = {k: list(v) for k, v in zip(keys, rpc.coefficients, strict=True)}
    return rasterio.transform.RPCTransformer(rasterio.rpc.RPC(**scalars, **lists), rpc_height=float(rpc.offset[4]))


def test_pixels_lie_where_gdal_puts_them(polynomials: Path) -> None:
    longitude, latitude = place.by_rpc(place.read_rpb(polynomials), SHAPE, (500, 500), polynomials)
    rows, columns = np.array([0, 3, 599, 700, 1199]), np.array([0, 998, 500, 123, 999])
    with gdal(polynomials) as transformer:
        found = transformer.rowcol(longitude.values[rows, columns], latitude.values[rows, columns], op=float)
    # GDAL counts from the corner of the first pixel, here and in the raster alike: its centre is at 0.5.
    np.testing.assert_allclose(found[0], rows + 0.5, atol=0.02)
    np.testing.assert_allclose(found[1], columns + 0.5, atol=0.02)


def test_ground_and_image_are_inverse(polynomials: Path) -> None:
    rpc = place.read_rpb(polynomials)
    line, sample = np.meshgrid(np.linspace(0, 1199, 7), np.linspace(0, 999, 5), indexing="ij")
    back = rpc.image(*(rpc.ground(line, sample) or (line, sample)))
    np.testing.assert_allclose(back[0], line, atol=1e-6)
    np.testing.assert_allclose(back[1], sample, atol=1e-6)


def test_interpolation_between_the_nodes_costs_little(polynomials: Path) -> None:
    shape = (12000, 13400)
    polynomials.write_text(make.rpb(shape, half=1.0))
    rpc = place.read_rpb(polynomials)
    longitude, latitude = place.by_rpc(rpc, shape, (2048, 2048), polynomials)
    rows, columns = np.arange(6000, 6100), np.arange(9000, 9100)
    exact = rpc.ground(*np.meshgrid(rows.astype(float), columns.astype(float), indexing="ij"))
    assert exact is not None
    part = (slice(6000, 6100), slice(9000, 9100))
    metre = 1 / 111_000
    np.testing.assert_allclose(latitude[part].values, exact[0], atol=3 * metre)
    np.testing.assert_allclose(longitude[part].values, exact[1], atol=3 * metre)


def test_corners_come_back_and_the_middle_is_between(tmp_path: Path) -> None:
    corners = np.array(list(make.corners().values()))
    longitude, latitude = place.by_corners(corners, SHAPE, (500, 500), tmp_path)
    at = ([0, 0, -1, -1], [0, -1, -1, 0])
    np.testing.assert_allclose(np.stack([latitude.values[at], longitude.values[at]], 1), corners, atol=1e-9)
    np.testing.assert_allclose(latitude.values.mean(), corners[:, 0].mean(), atol=1e-9)


def test_across_the_date_line(tmp_path: Path) -> None:
    corners = np.array([[10.0, 179.5], [10.0, -179.5], [9.0, -179.5], [9.0, 179.5]])
    longitude, _ = place.by_corners(corners, (11, 11), (11, 11), tmp_path)
    assert np.abs(longitude.values).min() >= 179.5
    assert np.abs(longitude.values[:, 5]).min() == pytest.approx(180.0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 1)])
def test_tiny_images(polynomials: Path, shape: tuple[int, int]) -> None:
    for made in (
        place.by_rpc(place.read_rpb(polynomials), shape, shape, polynomials),
        place.by_corners(np.array(list(make.corners().values())), shape, shape, polynomials),
    ):
        assert all(np.isfinite(layer.values).all() and layer.shape == shape for layer in made)


@pytest.mark.parametrize(
    "part", [(slice(3, 400, 7), slice(None)), (slice(None, None, -1), 5), (1199, slice(10)), (4, -1)]
)
def test_any_part_is_that_of_the_whole(polynomials: Path, part: tuple[slice | int, slice | int]) -> None:
    longitude, latitude = place.by_rpc(place.read_rpb(polynomials), SHAPE, SHAPE, polynomials)
    for layer in (longitude, latitude):
        np.testing.assert_array_equal(layer[part].values, layer.values[part])


def test_lazy_and_picklable(polynomials: Path) -> None:
    longitude, _ = place.by_rpc(place.read_rpb(polynomials), SHAPE, (500, 500), polynomials)
    again = pickle.loads(pickle.dumps(longitude))
    assert longitude.chunks == ((500, 500, 200), (500, 500))
    assert float(again[7, 8]) == float(longitude[7, 8])
    same, _ = place.by_rpc(place.read_rpb(polynomials), SHAPE, (500, 500), polynomials)
    assert same.data.name == longitude.data.name


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("lineScale = 600.0", "lineScale = 0.0", "zero"),
        ("lineOffset", "lineOffst", "lineOffset"),
        ("latOffset = 39.4", "latOffset = nan", "latOffset"),
        ("END_GROUP", "", None),
        ("sampDenCoef", "x", "0 of the 20"),
        ("0.0,\n", "", "of the 20"),
        ("-0.008", "abc", "sampNumCoef"),
    ],
)
def test_damaged_polynomials_are_refused(polynomials: Path, old: str, new: str, reason: str | None) -> None:
    text = polynomials.read_text()
    assert old in text
    polynomials.write_text(text.replace(old, new))
    if reason is None:
        place.read_rpb(polynomials)  # what follows the numbers does not matter
        return
    with pytest.raises(SceneError, match=reason) as error:
        place.read_rpb(polynomials)
    assert str(polynomials) in str(error.value)


def test_polynomials_without_solution_are_refused(polynomials: Path) -> None:
    rpc = place.read_rpb(polynomials)
    flat = place.Rpc(rpc.offset, rpc.scale, np.zeros((4, 20)))
    assert flat.ground(np.zeros((2, 2)), np.zeros((2, 2))) is None
    with pytest.raises(SceneError, match="no solution"):
        place.by_rpc(flat, SHAPE, SHAPE, polynomials)


def test_a_large_file_is_no_polynomials(polynomials: Path) -> None:
    polynomials.write_text(" " * (1 << 20) + polynomials.read_text())
    with pytest.raises(SceneError, match="too large"):
        place.read_rpb(polynomials)
