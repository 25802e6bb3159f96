"""What the scenes of GF-1, GF-6 and HJ-1 share: identity, laziness, refusals; and a real image in this layout."""

import pickle
import shutil
import warnings
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import dask
import numpy as np
import pytest
import rasterio
import rasterio.warp
from rasterio.errors import NotGeoreferencedWarning
from sensors import make_gaofen as make
from sensors.shared_data import shared

from musyq_lab.core.errors import MusyqError, SceneError
from musyq_lab.sensors._open import open_scene

WFV = "GF1_WFV1_E116.5_N39.4_20170501_L1A0002330000"
CCD = "HJ1A-CCD1-451-76-20170501-L20000157001"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return make.gaofen(tmp_path, WFV, make.counts((60, 50), 4))


def test_opening_reads_no_pixel(image: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a value was computed")

    with dask.config.set(scheduler=refuse):
        scene = open_scene(image)
    assert {v.dtype.name for v in scene.data_vars.values()} == {"float32", "uint16"}
    assert scene["longitude"].chunks is not None


def test_a_whole_scene_opens_in_bounded_chunks(tmp_path: Path) -> None:
    path, shape = tmp_path / f"{WFV}.tiff", (12000, 13400)
    profile = {"driver": "GTiff", "count": 4, "height": shape[0], "width": shape[1], "dtype": "uint16"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", SPARSE_OK=True, **profile) as file:  # sparse: the bytes of one line of pixels
            file.write(np.ones((4, 1, shape[1]), np.uint16), window=((0, 1), (0, shape[1])))
    (tmp_path / f"{WFV}.xml").write_text(make.gaofen_xml())
    (tmp_path / f"{WFV}.rpb").write_text(make.rpb(shape, half=1.0))
    scene = open_scene(path)
    layers = [v for v in (*scene.data_vars.values(), *scene.coords.values()) if v.ndim == 2]
    assert len(layers) == 7
    assert max(layer.data.chunksize[0] for layer in layers) <= 2048
    assert np.isnan(scene["red"][5000:5010, 9000:9010].values).all()  # 0 is no data


def test_scenes_survive_pickling_and_are_named_by_their_state(image: Path) -> None:
    scene = open_scene(image)
    again = pickle.loads(pickle.dumps(scene))
    np.testing.assert_array_equal(again["red"].values, scene["red"].values)
    assert open_scene(image)["red"].data.name == scene["red"].data.name


def test_without_polynomials_the_corners_place_the_image(tmp_path: Path) -> None:
    image = make.gaofen(tmp_path, WFV, make.counts((60, 50), 4), polynomials=False)
    scene = open_scene(image)
    assert "bilinear" in scene.attrs["geolocation"]
    latitude, longitude = make.corners()["BottomRight"]
    assert (float(scene.latitude[-1, -1]), float(scene.longitude[-1, -1])) == pytest.approx((latitude, longitude))


def test_without_polynomials_and_corners_there_is_no_place_but_a_scene(tmp_path: Path) -> None:
    image = make.gaofen(tmp_path, WFV, make.counts((60, 50), 4), polynomials=False, TopLeftLatitude=None)
    scene = open_scene(image)
    assert not scene.coords
    assert "missing" in scene.attrs["geolocation"]
    # Time and Sun are then those of the place in the name.
    assert scene.attrs["time_coverage_start"].startswith("2017-05-01T03:06:11")


def test_a_scene_on_a_map_has_its_crs_and_no_other_place(tmp_path: Path) -> None:
    image = make.gaofen(tmp_path, WFV.replace("L1A", "L2A"), make.counts((60, 50), 4), crs="EPSG:32650")
    scene = open_scene(image)
    assert scene.rio.crs.to_epsg() == 32650
    assert "longitude" not in scene.coords
    assert float(scene.x[0]) == 457000 + 8
    assert float(scene.y[0]) == 4362000 - 8


def edit(image: Path, change: Callable[[str], str]) -> None:
    path = image.with_suffix(".xml")
    path.write_text(change(path.read_text()))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"sensor": "WFV2"}, "called GF1_WFV1"),
        ({"satellite": "GF2", "sensor": "PMS1"}, "not of GF-1 WFV"),
        ({"when": make.TIME + timedelta(days=3)}, "another scene.*time 2017-05-04"),
        ({f"{c}Latitude": 30 for c in make.corners()}, "another scene.*30.00 N"),
        ({"HeightInPixels": 61, "WidthInPixels": 50}, "61 x 50 pixels"),
        ({"CenterTime": None, "StartTime": None, "ReceiveTime": None}, "lacks the time"),
        ({"CenterTime": "2017-13-45 99:00:00"}, "not a time"),
        ({"SatelliteID": None}, "lacks satelliteid"),
        ({"SolarZenith": 80}, "neither the zenith angle nor the elevation"),
        ({"AbsCeof": "5.851,7.153,8.368,7.474"}, "white surface"),
    ],
)
def test_metadata_that_cannot_be_the_scenes_are_refused(image: Path, fields: dict[str, object], reason: str) -> None:
    given = {"shape": (60, 50), **fields}
    image.with_suffix(".xml").write_text(make.gaofen_xml(**given))  # type: ignore[arg-type]
    with pytest.raises(SceneError, match=reason) as error:
        open_scene(image)
    assert image.stem in str(error.value) or "not a time" in str(error.value)


def test_angles_that_contradict_the_sun_are_left_out_of_radiance(image: Path) -> None:
    edit(image, lambda text: text.replace(f"<SolarZenith>{make.SUN[0]}<", "<SolarZenith>80<"))
    for calibration in ("radiance", "counts"):
        scene = open_scene(image, calibration=calibration)
        assert "sun_zenith" not in scene
        assert "contradict" in scene.attrs["sun_angle_note"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (make.counts((60, 50), 3), "3 bands, but .* has 4"),
        (make.counts((60, 50), 5), "5 bands, but .* has 4"),
        (make.counts((60, 50), 4, "float32"), "float32 values, not counts"),
    ],
)
def test_images_of_another_kind_are_refused(tmp_path: Path, data: np.ndarray, reason: str) -> None:
    with pytest.raises(SceneError, match=reason):
        open_scene(make.gaofen(tmp_path, WFV, data))


@pytest.mark.parametrize("size", [0, 10, 2000])
def test_images_cut_short_are_refused(image: Path, size: int) -> None:
    image.write_bytes(image.read_bytes()[:size])
    with pytest.raises(SceneError) as error:
        open_scene(image)["red"].load()
    assert image.name in str(error.value)


def test_side_files_missing_or_damaged_are_named(image: Path) -> None:
    polynomials = image.with_suffix(".rpb")
    text = polynomials.read_text()
    polynomials.write_text(text[:500])
    with pytest.raises(SceneError, match=r"\.rpb"):
        open_scene(image)
    polynomials.write_text(text.replace("longOffset = 116.5", "longOffset = 90.0"))
    with pytest.raises(SceneError, match="another place"):
        open_scene(image)
    polynomials.unlink()
    open_scene(image)
    image.with_suffix(".xml").unlink()
    with pytest.raises(SceneError, match=f"lacks its metadata .{WFV}.xml"):
        open_scene(image)


@pytest.mark.parametrize("ending", [".xml", ".rpb"])
def test_mutants_of_the_side_files_give_plain_errors_or_scenes(image: Path, ending: str) -> None:
    random = np.random.default_rng(1)
    path = image.with_suffix(ending)
    original = path.read_bytes()
    refused = 0
    for _ in range(25):
        mutant = bytearray(original)
        for at in random.integers(0, len(mutant), random.integers(1, 20)):
            mutant[at] = random.integers(0, 256)
        path.write_bytes(bytes(mutant[: random.integers(1, len(mutant) + 1)] if random.random() < 0.3 else mutant))
        try:
            open_scene(image)
        except MusyqError as error:  # anything else fails the test
            refused += len(str(error)) > 20
    assert refused > 3


def test_metadata_of_another_scene_of_hj1_are_refused(tmp_path: Path) -> None:
    path = make.huanjing(tmp_path, CCD, make.counts((20, 30), 4, "uint8", 255))
    path.write_text(make.huanjing_xml(sceneRow=77))
    with pytest.raises(SceneError, match="scenerow 77"):
        open_scene(path)


@pytest.fixture
def awfi(tmp_path: Path) -> Path:
    """Real counts of CBERS-4 AWFI (10 bits in int16, UTM, same producer) under the names of an HJ-1 scene."""
    folder = shared("cbers4_awfi_20170420")
    name = "HJ1B-CCD2-146-129-20170420-L20000000001"
    for i in range(4):
        shutil.copy(folder / f"CBERS_4_AWFI_20170420_146_129_L2_BAND1{3 + i}.tif", tmp_path / f"{name}-{i + 1}.TIF")
    with rasterio.open(tmp_path / f"{name}-1.TIF") as file:
        west, south, east, north = rasterio.warp.transform_bounds(file.crs, "EPSG:4326", *file.bounds)
    places = {
        "UpperLeft": (north, west),
        "UpperRight": (north, east),
        "LowerRight": (south, east),
        "LowerLeft": (south, west),
    }
    fields = {f"data{k}{n}": v for k, place in places.items() for n, v in zip(("Lat", "Long"), place, strict=True)}
    utc = datetime(2017, 4, 20, 10, 30) - timedelta(hours=(west + east) / 30)
    text = make.huanjing_xml(
        "HJ1B", "CCD2", when=utc, scenePath=146, sceneRow=129, sunElevation=None, sunAzimuthElevation=None, **fields
    )
    (tmp_path / f"{name}.XML").write_text(text)
    return tmp_path


def test_a_real_image_opens_with_its_counts_grid_and_radiance(awfi: Path) -> None:
    scene = open_scene(awfi, calibration="counts")
    radiance = open_scene(awfi, calibration="radiance")
    reflectance = open_scene(awfi)
    for i, (name, gain, offset) in enumerate(
        (("blue", 0.7696, 7.325), ("green", 0.7815, 6.0737), ("red", 1.0914, 3.6123), ("nir", 1.0281, 1.9028)), 1
    ):
        with rasterio.open(next(awfi.glob(f"*-{i}.TIF"))) as file:
            raw = file.read(1)
            assert scene.rio.transform() == file.transform
            assert scene.rio.crs == file.crs
        np.testing.assert_array_equal(scene[name].values, raw)
        expected = np.where(raw == 0, np.nan, raw / gain + offset)
        np.testing.assert_allclose(radiance[name].values, expected, rtol=1e-6)
    bright = np.nanmedian(reflectance["nir"].values / reflectance["red"].values)
    assert 0.3 < bright < 10
    computed = reflectance.attrs["sun_angle_note"]
    assert computed.count("computed") == 2
    assert float(reflectance["sun_zenith"]) == pytest.approx(36, abs=8)  # mid-morning in April, north-east Brazil
