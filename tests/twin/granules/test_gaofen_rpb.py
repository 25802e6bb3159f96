"""Rational polynomials by the definition of RPC00B, written out here, and as GDAL reads the .rpb file."""

import re

import numpy as np
import pytest
import rasterio
from rasterio.transform import RPCTransformer

from musyq_lab.twin.granules._gaofen_rpb import Polynomials, fit, write_rpb
from musyq_lab.twin.granules._raster import write_tiff

DOWN, RIGHT = (part.ravel() for part in np.meshgrid(np.linspace(0, 999, 15), np.linspace(0, 799, 15), indexing="ij"))


def place(down, right, middle=(116.0, 40.0)):
    """A slanted, slightly bent image of 16 m pixels: latitude and longitude (deg)."""
    y, x = -(down - 500) * 16 / 111_000, (right - 400) * 16 / 85_000
    longitude = middle[0] + x - 0.2 * y + 0.02 * x * y
    return middle[1] + y - 0.15 * x + 0.01 * x * x, (longitude + 180) % 360 - 180


def terms(p, x, h):
    """The 20 terms in the order of RPC00B (STDI-0002, appendix E)."""
    one = np.ones_like(p)
    return np.stack([one, x, p, h, x * p, x * h, p * h, x * x, p * p, h * h, p * x * h, x**3, x * p * p, x * h * h,
                     x * x * p, p**3, p * h * h, x * x * h, p * p * h, h**3])  # fmt: skip


def read(path):
    """Scalars and lists of an .rpb file, by regular expressions."""
    text = path.read_text("ascii")
    scalars = {k: float(v) for k, v in re.findall(r"^\t(\w+) = ([-+.\deE]+);$", text, re.MULTILINE)}
    lists = {k: np.array([float(v) for v in body.split(",")]) for k, body in re.findall(r"(\w+) = \(([^)]*)\);", text)}
    return scalars, lists


def image_of(path, latitude, longitude, height=0.0):
    """Line and sample by the definition, from the text of a file."""
    scalars, lists = read(path)
    turn = (longitude - scalars["longOffset"] + 180) % 360 - 180
    p, x, h = (latitude - scalars["latOffset"]) / scalars["latScale"], turn / scalars["longScale"], height
    basis = terms(p, x, (np.zeros_like(p) + h - scalars["heightOffset"]) / scalars["heightScale"])
    return [lists[f"{n}NumCoef"] @ basis / (lists[f"{n}DenCoef"] @ basis) * scalars[f"{n}Scale"]
            + scalars[f"{n}Offset"] for n in ("line", "samp")]  # fmt: skip


@pytest.fixture
def path(tmp_path):
    write_rpb(tmp_path / "a.rpb", fit(DOWN, RIGHT, *place(DOWN, RIGHT)))
    return tmp_path / "a.rpb"


def test_every_pixel_comes_back_by_the_definition(path):
    random = np.random.default_rng(0)
    down, right = random.uniform(0, 999, 500), random.uniform(0, 799, 500)
    line, sample = image_of(path, *place(down, right))
    assert np.abs(line - down).max() < 1e-4
    assert np.abs(sample - right).max() < 1e-4


def test_height_changes_nothing(path):
    latitude, longitude = place(DOWN, RIGHT)
    for height in (-400.0, 1234.0, 8848.0):
        line, sample = image_of(path, latitude, longitude, height)
        assert np.abs(line - DOWN).max() < 1e-4
        assert np.abs(sample - RIGHT).max() < 1e-4


def test_normalised_places_fill_the_square(path):
    scalars, _ = read(path)
    latitude, longitude = place(DOWN, RIGHT)
    for values, name in ((DOWN, "line"), (RIGHT, "samp"), (latitude, "lat"), (longitude, "long")):
        normal = (values - scalars[f"{name}Offset"]) / scalars[f"{name}Scale"]
        assert (normal.min(), normal.max()) == pytest.approx((-1, 1), abs=1e-6)
    assert (scalars["lineOffset"], scalars["sampOffset"]) == (499.5, 399.5)


def test_coefficients_of_a_polynomial_are_found():
    random = np.random.default_rng(1)
    p, x = random.uniform(-1, 1, (2, 200))
    p[:2], x[:2] = (-1, 1), (-1, 1)  # so that offset is 0 and scale 1
    wanted = random.uniform(-1, 1, 10)
    flat = terms(p, x, np.zeros_like(p))[[0, 1, 2, 4, 7, 8, 11, 12, 14, 15]]
    value = wanted @ flat
    made = fit(value, -value, p, x)
    assert made.offsets[2:] == pytest.approx((0, 0))
    assert made.scales[2:] == pytest.approx((1, 1))
    assert made.line * made.scales[0] + made.offsets[0] * np.eye(10)[0] == pytest.approx(wanted)
    assert made.sample == pytest.approx(-made.line)


@pytest.mark.parametrize("longitude", [180.0, 179.98, -179.97])
def test_images_over_the_antimeridian(tmp_path, longitude):
    latitude, east = place(DOWN, RIGHT, (longitude, 65.0))
    assert east.max() - east.min() > 350
    made = fit(DOWN, RIGHT, latitude, east)
    assert made.scales[3] < 1
    assert -180 <= made.offsets[3] <= 180
    write_rpb(tmp_path / "a.rpb", made)
    line, sample = image_of(tmp_path / "a.rpb", latitude, east)
    assert np.abs(line - DOWN).max() < 1e-3
    assert np.abs(sample - RIGHT).max() < 1e-3


def test_one_line_and_one_place_have_a_scale():
    latitude, longitude = place(np.zeros(15), RIGHT[:15])
    for count in (15, 1):
        made = fit(np.zeros(count), RIGHT[:count], latitude[:count], longitude[:count])
        assert all(scale > 0 for scale in made.scales)
        assert np.isfinite(made.line).all()
        assert np.isfinite(made.sample).all()


@pytest.mark.parametrize("middle", [(116.0, 40.0), (-179.99, -17.0)])
def test_places_of_a_file_as_gdal_reads_it(tmp_path, middle):
    """GDAL counts samples from the corner of the first pixel, the file from its centre."""
    write_tiff(tmp_path / "b.tif", np.zeros((1000, 800), np.uint8), None)
    write_rpb(tmp_path / "b.rpb", fit(DOWN, RIGHT, *place(DOWN, RIGHT, middle)))
    with rasterio.open(tmp_path / "b.tif") as file:
        rpcs = file.rpcs
    scalars, lists = read(tmp_path / "b.rpb")
    assert (rpcs.line_off, rpcs.samp_off) == (scalars["lineOffset"], scalars["sampOffset"])
    assert (rpcs.lat_scale, rpcs.long_scale) == pytest.approx((scalars["latScale"], scalars["longScale"]), rel=1e-12)
    np.testing.assert_allclose(rpcs.line_num_coeff, lists["lineNumCoef"], rtol=1e-14)
    np.testing.assert_allclose(rpcs.samp_den_coeff, np.eye(20)[0])
    at = np.array([10.0, 900.0]), np.array([700.0, 3.0])
    latitude, longitude = place(*at, middle)
    with RPCTransformer(rpcs) as transformer:
        rows, columns = transformer.rowcol(longitude, latitude, op=lambda v: v)
    assert np.asarray(rows) == pytest.approx([10.5, 900.5], abs=1e-3)
    assert np.asarray(columns) == pytest.approx([700.5, 3.5], abs=1e-3)


def test_layout_of_the_file(path):
    lines = path.read_text("ascii").splitlines()
    assert lines[:4] == ['satId = "GF1";', 'bandId = "MS";', 'SpecId = "RPC00B";', "BEGIN_GROUP = IMAGE"]
    assert lines[-2:] == ["END_GROUP = IMAGE", "END;"]
    names = [line.split(" = ")[0].strip() for line in lines[4:-2] if " = " in line]
    parts = ("line", "samp", "lat", "long", "height")
    assert names[:2] == ["errBias", "errRand"]
    assert set(names[2:12]) == {f"{n}{kind}" for n in parts for kind in ("Offset", "Scale")}
    assert names[12:] == ["lineNumCoef", "lineDenCoef", "sampNumCoef", "sampDenCoef"]
    _, lists = read(path)
    assert {k: v.size for k, v in lists.items()} == dict.fromkeys(names[12:], 20)
    # No height: LH, PH, HH, PLH, LHH, PHH, LLH, PPH, HHH and H itself.
    for name in ("lineNumCoef", "sampNumCoef"):
        assert not lists[name][[3, 5, 6, 9, 10, 13, 16, 17, 18, 19]].any()


def test_numbers_keep_their_figures(tmp_path):
    made = Polynomials((5999.5, 1e-3, -33.123456789012, 151.987654321098), (1.0, 2.0, 1e-9, 0.5),
                       np.arange(10) * 1e-17, -np.arange(10) / 3)  # fmt: skip
    write_rpb(tmp_path / "a.rpb", made)
    scalars, lists = read(tmp_path / "a.rpb")
    # A thousandth of a pixel of 16 m is 1.4e-7 degree.
    assert scalars["longOffset"] == pytest.approx(151.987654321098, abs=1e-9)
    assert scalars["latOffset"] == pytest.approx(-33.123456789012, abs=1e-9)
    assert scalars["latScale"] == 1e-9
    np.testing.assert_allclose(lists["lineNumCoef"][[0, 1, 2, 4, 7, 8, 11, 12, 14, 15]], made.line, rtol=1e-15)
    np.testing.assert_allclose(lists["sampNumCoef"][[0, 1, 2, 4, 7, 8, 11, 12, 14, 15]], made.sample, rtol=1e-15)
