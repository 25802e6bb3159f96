"""``true_colour``: honest titles, right colours, pictures that can be saved."""

import base64
import io
import re

import dask.array as da
import matplotlib.image
import numpy as np
import pytest
import xarray as xr
from sensors.make_landsat import make
from sensors.shared_data import shared

from musyq_lab.archive.open import open_product
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.figures.quicklook import SIZE, Quicklook, true_colour
from musyq_lab.sensors._open import open_scene
from musyq_lab.standard.pipeline import standardize

SAMPLE = "catalogs/samples/landsat/LC08_L1TP_195025_20130707_20170503_01_T1"
WAVELENGTH = {"blue": 0.48, "green": 0.56, "red": 0.65, "nir": 0.86, "swir1": 1.6, "pan": 0.6, "tir1": 10.9, "b9": 0.9}


def scene(**bands):
    made = {
        name: xr.DataArray(
            da.from_array(np.asarray(values, np.float32), chunks=-1),
            dims=("y", "x"),
            attrs={"wavelength": WAVELENGTH[name], "units": "K" if name == "tir1" else "1"},
        )
        for name, values in bands.items()
    }
    return xr.Dataset(made, attrs={"title": "Toy, 2014-08-15"})


def ramp(shape=(40, 50)):
    return np.linspace(0.02, 0.4, shape[0] * shape[1]).reshape(shape)


# What is drawn -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bands", "title"),
    [
        (("blue", "green", "red", "nir"), "true colour"),
        (("green", "red", "nir"), "false colour: near infrared, red, green"),
        (("red", "nir", "swir1"), "false colour: shortwave infrared, near infrared, red"),
        (("blue", "red", "nir"), "false colour: near infrared, red, blue"),
        (("red", "nir"), "false colour: near infrared, red, red"),
        (("pan",), "grey: pan"),
        (("tir1",), "grey: tir1"),
        (("b9",), "grey: b9"),
    ],
)
def test_the_title_says_what_the_colours_are(bands, title):
    picture = true_colour(scene(**{name: ramp() for name in bands}))
    assert picture.title == f"Toy, 2014-08-15; {title}" or (title.startswith("grey: tir1") and title in picture.title)


def test_channels_are_red_green_blue_in_this_order():
    dark = np.full((30, 30), 0.05)
    bands = {name: dark.copy() for name in ("red", "green", "blue")}
    dark_corner = slice(0, 10)
    for number, name in enumerate(("red", "green", "blue")):
        bands[name][10 * number : 10 * number + 10, dark_corner] = 0.4
    image = true_colour(scene(**bands)).image
    for number in range(3):
        pixel = image[10 * number + 5, 5, :3]
        assert pixel[number] == pixel.max() > 150
        assert np.delete(pixel, number).max() < 100


def test_brighter_ground_is_never_darker():
    image = true_colour(scene(red=ramp(), green=ramp(), blue=ramp())).image[..., :3].astype(int)
    assert (np.diff(image.reshape(-1, 3), axis=0) >= 0).all()
    assert image.min() == 0
    assert image.max() == 255


def test_a_few_clouds_do_not_darken_the_rest():
    values = ramp()
    clear = true_colour(scene(red=values, green=values, blue=values)).image[..., :3].mean()
    values = values.copy()
    values[:3] = 5.0  # 7 % of the picture; stretched to them, the rest would lie below 0.08 ** (1 / 1.5) of white
    clouded = true_colour(scene(red=values, green=values, blue=values)).image[3:, :, :3].mean()
    assert clouded > 0.55 * clear


def test_the_rim_of_an_image_does_not_set_its_black():
    # As in Sentinel-2 tiles: compression leaves numbers near zero beside the pixels that were not seen.
    seen = {name: ramp((60, 60)) + haze for name, haze in (("red", 0.05), ("green", 0.08), ("blue", 0.12))}
    clean = true_colour(scene(**{name: np.where(np.arange(60) < 50, v, np.nan) for name, v in seen.items()})).image
    stray = {name: np.where(np.arange(60) < 50, v, np.nan) for name, v in seen.items()}
    for values in stray.values():
        values[::2, 50] = values[1::2, 54] = 1e-4
    image = true_colour(scene(**stray)).image
    np.testing.assert_allclose(image[:, :48, :3], clean[:, :48, :3], atol=3)
    grey = image[:, :48, :3].astype(int)
    assert np.ptp(grey, axis=-1).max() <= 3  # haze of its own in each channel leaves no cast


def test_scattered_gaps_leave_enough_to_judge_by():
    values = ramp()
    values[::2, ::2] = np.nan  # no pixel has all its neighbours
    image = true_colour(scene(red=values, green=values, blue=values)).image
    assert image[..., 0].max() == 255


def test_cold_is_white():
    image = true_colour(scene(tir1=250.0 + 60.0 * ramp() / 0.4)).image
    assert image[0, 0, 0] == 255
    assert image[-1, -1, 0] == 0


def test_missing_pixels_are_transparent():
    values = ramp()
    values[5:8, 3:9] = np.nan
    image = true_colour(scene(red=values, green=ramp(), blue=ramp())).image
    np.testing.assert_array_equal(image[..., 3] == 0, np.isnan(values))
    assert set(np.unique(image[..., 3])) == {0, 255}


def test_infinite_values_are_missing():
    values = ramp()
    values[0, 0] = np.inf
    assert true_colour(scene(red=values, green=ramp(), blue=ramp())).image[0, 0, 3] == 0


# Odd scenes --------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [np.nan, 0.0, 0.3, -0.1])
@pytest.mark.parametrize("shape", [(1, 1), (3, 4)])
def test_constant_and_empty_pictures(value, shape):
    flat = np.full(shape, value)
    image = true_colour(scene(red=flat, green=flat, blue=flat)).image
    assert image.shape == (*shape, 4)
    assert (image[..., 3] == (0 if np.isnan(value) else 255)).all()


def test_a_scene_without_pixels():
    empty = np.zeros((0, 5))
    with pytest.raises(InputError, match="no pixels"):
        true_colour(scene(red=empty, green=empty, blue=empty))


def test_size_of_the_picture():
    wide = np.broadcast_to(ramp((50, 2 * SIZE + 1)), (50, 2 * SIZE + 1))
    image = true_colour(scene(red=wide, green=wide, blue=wide)).image
    assert max(image.shape[:2]) <= SIZE
    assert image.shape[1] > SIZE / 2
    values = ramp()
    assert true_colour(scene(pan=values), size=10).image.shape[:2] == (8, 10)
    assert true_colour(scene(pan=values), size=1).image.shape[:2] == (1, 1)
    assert true_colour(scene(pan=values), size=5000).image.shape[:2] == values.shape
    for size in (0, -3):
        with pytest.raises(InputError, match="at least 1 pixel"):
            true_colour(scene(pan=values), size=size)


def test_bands_by_wish():
    toy = scene(**{name: ramp() for name in ("red", "nir", "tir1")})
    assert true_colour(toy, ["nir", "nir", "red"]).title.endswith("red, green, blue: nir, nir, red")
    assert true_colour(toy, "nir").title.endswith("grey: nir")
    assert true_colour(toy, ["nir"]).title.endswith("grey: nir")
    with pytest.raises(NotFoundError, match=r"no band 'nirr'.*Did you mean 'nir'"):
        true_colour(toy, "nirr")
    with pytest.raises(InputError, match=r"three bands .* or one, got 2"):
        true_colour(toy, ["nir", "red"])


def test_a_dataset_without_bands_is_refused():
    with pytest.raises(InputError, match=r"needs a scene.*It holds a"):
        true_colour(xr.Dataset({"a": ("x", [1.0])}))


# Products ----------------------------------------------------------------------------------------------------------


def product(**bands):
    return scene(**bands).rename({name: f"reflectance_{name}" for name in bands})


def test_a_product_of_reflectance_looks_like_its_scene():
    bands = {"red": ramp(), "green": ramp() ** 2, "blue": 0.4 - ramp()}
    drawn = true_colour(product(**bands))
    np.testing.assert_array_equal(drawn.image, true_colour(scene(**bands)).image)
    assert drawn.title.endswith("true colour")
    wished = true_colour(product(**bands), ["reflectance_red", "green", "blue"])
    np.testing.assert_array_equal(drawn.image, wished.image)


def test_rows_and_columns_may_have_other_names():
    globe = product(red=ramp(), green=ramp(), blue=ramp()).rename(y="latitude", x="longitude")
    assert true_colour(globe).image.shape == (40, 50, 4)


def test_of_a_series_one_instant_is_chosen():
    series = product(red=ramp(), nir=ramp()).expand_dims(time=3)
    with pytest.raises(InputError, match=r"axes time, y, x\..*isel\(time=0\)"):
        true_colour(series)
    first = true_colour(series.isel(time=[0]))
    np.testing.assert_array_equal(first.image, true_colour(series.isel(time=0)).image)


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("landsat8_C2_L2SP_001062_20201031", 0.5),
        ("modis_MCD43A4_h21v11_2017006", 0.1),
        ("landsat5_TM_NBAR_090084_19920323", 0.9),
        ("modis_hdf4", 0.95),
    ],
)
def test_real_products_are_drawn_in_true_colour(name, least):
    picture = true_colour(open_product(shared(name)))
    assert picture.title.endswith("true colour")
    assert (picture.image[..., 3] == 255).mean() > least


def test_a_real_sentinel2_tile_has_no_cast():
    tile = open_scene(shared("sentinel2_L1C_SAFE_56JMM_20180629"))
    image = true_colour(tile).image.astype(float)
    seen = image[..., 3] == 255
    red, green, blue = (image[..., i][seen].mean() for i in range(3))
    assert red > blue  # fields and dry forest; with the swath's rim in the black it came out blue
    assert green > blue


# Real and made granules, every calibration -------------------------------------------------------------------------


def test_scene_and_standard_scene_look_the_same():
    opened = open_scene(resource(SAMPLE))
    first, second = true_colour(opened), true_colour(standardize(opened, surface=False, mask=(), fingerprint=False))
    np.testing.assert_array_equal(first.image, second.image)
    assert first.title == "Landsat OLI/TIRS, 2013-07-07 10:17 UTC; true colour"
    assert second.title.startswith("Standard scene: Landsat OLI/TIRS")
    assert (first.image[..., 3] == 255).all()
    assert 60 < first.image[..., :3].mean() < 200


@pytest.mark.parametrize("calibration", ["counts", "radiance"])
def test_counts_and_radiance_are_drawn_with_fill_left_out(tmp_path, calibration):
    made = make(tmp_path, "TM", "2014", shape=(20, 20))
    image = true_colour(open_scene(tmp_path, calibration=calibration)).image
    np.testing.assert_array_equal(image[..., 3] == 0, made.counts["3"] == 0)


def test_thermal_stack_of_a_standard_scene():
    standard = standardize(open_scene(resource(SAMPLE)), fingerprint=False)
    picture = true_colour(standard, "tir1")
    warm = int(np.nanargmax(standard.brightness_temperature.sel(thermal_band="tir1").values))
    assert picture.image[..., 0].ravel()[warm] == 0


# Showing and saving ------------------------------------------------------------------------------------------------


def test_the_saved_file_holds_the_picture(tmp_path):
    picture = true_colour(open_scene(resource(SAMPLE)))
    path = picture.save(tmp_path / "scene.png")
    found = np.round(255 * matplotlib.image.imread(path)).astype(np.uint8)
    np.testing.assert_array_equal(found, picture.image)
    assert picture.save(str(path)) == path


def test_a_notebook_shows_the_picture_and_an_escaped_title():
    picture = Quicklook(np.zeros((2, 3, 4), np.uint8), "<b>& title")
    html = picture._repr_html_()
    assert "&lt;b&gt;&amp; title" in html
    assert "<b>" not in html
    inside = base64.b64decode(re.search(r"base64,([^\"]+)", html)[1])
    assert matplotlib.image.imread(io.BytesIO(inside)).shape == (2, 3, 4)
    assert repr(picture) == "<quicklook 3 x 2: <b>& title>"
