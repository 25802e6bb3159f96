"""Sentinel-2: the real tile against its own metadata and satpy; small SAFEs against what was put into them."""

from __future__ import annotations

import contextlib
import math
import pickle
import re
import shutil
import time
import tracemalloc
import warnings
import zipfile
from datetime import timedelta
from pathlib import Path

import dask
import numpy as np
import pytest
import rasterio
import xarray as xr
from pyproj import Transformer
from rasterio.errors import NotGeoreferencedWarning
from sensors import make_sentinel2 as make
from sensors.shared_data import shared

from musyq_lab.core.errors import InputError, MusyqError, SceneError
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.sensors._granule import find_all
from musyq_lab.sensors._open import open_granule, open_scene, scene_grids
from musyq_lab.sensors.sentinel2_msi import SPEC

REAL = "S2A_MSIL1C_20180629T000241_N0206_R030_T56JMM_20180629T012042"
NATIVE = {band.name: band.native for band in SPEC.bands}


def flag(scene: xr.Dataset, name: str) -> np.ndarray:
    return (scene["qa"].values & SCENE_FLAG[name].mask) != 0


def counts(native: str, seed: int = 0, size: int | None = None) -> np.ndarray:
    edge = size or make.SIZE[make.GRID[native]]
    return np.random.default_rng(seed).integers(1, 12_000, (edge, edge)).astype(np.uint16)


def level1(folder: Path, bands: dict[str, np.ndarray] | None = None, **kwargs) -> Path:
    offsets = kwargs.pop("offsets", dict.fromkeys(range(13), -1000))
    bands = bands or {b: counts(b, i) for i, b in enumerate(make.BANDS)}
    return make.make_safe(folder, bands, offsets=offsets, **kwargs)


# ---- the real tile


@pytest.fixture(scope="module")
def archive() -> Path:
    return shared("sentinel2_L1C_SAFE_56JMM_20180629") / f"{REAL}.zip"


@pytest.fixture(scope="module")
def unpacked(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("safe")
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder)
    return folder / f"{REAL}.SAFE"


def stored(safe: Path, native: str) -> np.ndarray:
    with rasterio.open(next(safe.glob(f"GRANULE/*/IMG_DATA/*_{native}.jp2"))) as file:
        return file.read(1).astype(np.float64)


def product_text(safe: Path) -> str:
    return (safe / "MTD_MSIL1C.xml").read_text("utf-8")


@pytest.mark.parametrize("resolution", [10, 20, 60])
def test_reflectance_is_the_formula_of_the_metadata(archive: Path, unpacked: Path, resolution: float) -> None:
    scene = open_scene(archive, resolution=resolution)
    divisor = float(re.search(r"<QUANTIFICATION_VALUE[^>]*>(\d+)<", product_text(unpacked))[1])
    names = {b.name for b in SPEC.bands_of("Sentinel-2A") if b.resolution == resolution}
    assert set(scene.data_vars) - {"qa", "sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth"} == names
    for name in names:
        raw = stored(unpacked, NATIVE[name])
        expected = np.where(raw == 0, np.nan, raw / divisor)
        np.testing.assert_allclose(scene[name].values, expected, rtol=0, atol=1e-6, equal_nan=True)
        assert np.isfinite(expected).mean() > 0.5


def test_satpy_reads_the_same_reflectance(unpacked: Path) -> None:
    satpy = pytest.importorskip("satpy")
    files = [str(f) for f in unpacked.rglob("*") if f.is_file()]
    reference = satpy.Scene(files, reader="msi_safe", reader_kwargs={"mask_saturated": False})
    reference.load(["B04", "B8A", "B10"], calibration="reflectance")
    for native, role, resolution in (("B04", "red", 10), ("B8A", "nir_narrow", 20), ("B10", "cirrus", 60)):
        ours = open_scene(unpacked, resolution=resolution)[role].values
        np.testing.assert_allclose(ours, reference[native].values / 100.0, atol=1e-6, equal_nan=True)


def test_satpy_agrees_on_the_sun(unpacked: Path) -> None:
    satpy = pytest.importorskip("satpy")
    files = [str(f) for f in unpacked.rglob("*") if f.is_file()]
    reference = satpy.Scene(files, reader="msi_safe")
    reference.load(["solar_zenith_angle", "solar_azimuth_angle"], resolution=60)
    scene = open_scene(unpacked, resolution=60)
    at = ((np.arange(73) + 0.5) * 1830 / 73 - 0.5).round().astype(int)
    for ours, theirs in (("sun_zenith", "solar_zenith_angle"), ("sun_azimuth", "solar_azimuth_angle")):
        grid = reference[theirs].values[np.ix_(at, at)]
        # satpy stretches the 110 km of the points over the 109.8 km of the tile: up to 0.04 of a step.
        np.testing.assert_allclose(scene[ours].values, grid, atol=0.004)


def test_radiance_undoes_the_producers_reflectance(unpacked: Path) -> None:
    text = product_text(unpacked)
    u = float(re.search(r"<U>([\d.]+)</U>", text)[1])
    e0 = float(re.search(r'SOLAR_IRRADIANCE bandId="3"[^>]*>([\d.]+)<', text)[1])
    scene = open_scene(unpacked, calibration="radiance")
    raw = stored(unpacked, "B04")
    cosine = np.cos(np.radians(scene["sun_zenith"].values.astype(np.float64)))
    expected = np.where(raw == 0, np.nan, raw / 10_000 * e0 * u * cosine / math.pi)
    np.testing.assert_allclose(scene["red"].values, expected, rtol=2e-6, equal_nan=True)
    assert scene["red"].attrs["solar_irradiance"] == e0
    assert scene["red"].attrs["units"] == "W m-2 sr-1 um-1"
    # U is 1 / distance^2: 29 June is near aphelion.
    assert 1.016 < u**-0.5 < 1.0171


def test_counts_are_what_is_stored(archive: Path, unpacked: Path) -> None:
    scene = open_scene(archive, calibration="counts")
    assert scene["blue"].dtype == np.uint16
    np.testing.assert_array_equal(scene["blue"].values, stored(unpacked, "B02"))


def test_angles_lie_between_the_points_of_the_metadata(unpacked: Path) -> None:
    text = next(unpacked.glob("GRANULE/*/MTD_TL.xml")).read_text("utf-8")
    block = text[text.index("<Sun_Angles_Grid>") : text.index("</Sun_Angles_Grid>")]
    rows = [np.array(row.split(), float) for row in re.findall(r"<VALUES>([^<]*)</VALUES>", block)]
    scene = open_scene(unpacked)
    for name, points in (("sun_zenith", np.array(rows[:23])), ("sun_azimuth", np.array(rows[23:]))):
        across = (scene["x"].values - 399_960.0) / 5000.0
        down = (6_700_000.0 - scene["y"].values) / 5000.0
        lines = np.array([np.interp(across, range(23), row) for row in points])
        expected = np.array([np.interp(down, range(23), column) for column in lines.T]).T
        np.testing.assert_allclose(scene[name].values, expected, atol=2e-4)
    mean = float(re.search(r"<Mean_Sun_Angle>\s*<ZENITH_ANGLE[^>]*>([\d.]+)<", text)[1])
    assert abs(float(scene["sun_zenith"].mean()) - mean) < 0.02
    view = float(re.search(r'Viewing_Incidence_Angle bandId="3">\s*<ZENITH_ANGLE[^>]*>([\d.]+)<', text)[1])
    seen = ~flag(scene, "no_data")
    assert (
        abs(float(scene["view_zenith"].values[seen].mean()) - view) < 0.3
    )  # the producer's mean counts overlaps twice
    assert "band B04" in scene.attrs["angles"]


def test_sun_of_the_metadata_is_the_suns_place(unpacked: Path) -> None:
    from musyq_lab.sensors._angles import sun_angles
    from musyq_lab.sensors._time import instant

    scene = open_scene(unpacked, resolution=60)
    # SENSING_TIME of this baseline is the start of the datastrip, as its metadata say; the tile came 2.5 minutes later.
    later = instant(scene.attrs["time_coverage_start"]) + timedelta(minutes=2.5)
    places = Transformer.from_crs(scene.rio.crs, 4326, always_xy=True).transform(*np.meshgrid(scene.x, scene.y))
    zenith, azimuth = sun_angles(later, *(xr.DataArray(place, dims=("y", "x")) for place in places))
    assert float(abs(zenith - scene["sun_zenith"]).max()) < 0.03
    assert float(abs(azimuth - scene["sun_azimuth"]).max()) < 0.06  # so from true north, not from that of the grid


def test_attributes_of_the_real_tile(archive: Path) -> None:
    scene = open_scene(archive)
    assert scene.attrs["sensor"] == "sentinel2_msi"
    assert scene.attrs["platform"] == "Sentinel-2A"
    assert scene.attrs["granule"] == REAL
    assert scene.attrs["tile"] == "56JMM"
    assert scene.attrs["processing_level"] == "L1C"
    assert scene.attrs["processing_baseline"] == "02.06"
    assert scene.attrs["time_coverage_start"] == "2018-06-29T00:02:41.461Z"
    assert scene.attrs["reflectance_level"] == "top of atmosphere"
    assert scene.rio.crs.to_epsg() == 32756
    assert "bands_missing" not in scene.attrs


def test_opening_is_lazy_fast_and_small(archive: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a pixel was computed")

    open_scene(archive)  # imports done
    start = time.process_time()  # not the wall's: other work may share the processors
    with dask.config.set(scheduler=refuse):
        for calibration in ("reflectance", "radiance", "counts"):
            scene = open_scene(archive, calibration=calibration)
    assert (time.process_time() - start) / 3 < 2
    tracemalloc.start()
    open_scene(archive)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6
    assert all(v.chunks for v in scene.data_vars.values() if v.ndim)


def test_every_way_to_the_tile_gives_the_same(archive: Path, unpacked: Path, tmp_path: Path) -> None:
    expected = open_scene(archive)["green"].values
    renamed = tmp_path / "lost_name"
    shutil.copytree(unpacked, renamed)
    outer = tmp_path / REAL
    shutil.copytree(unpacked, outer / unpacked.name)
    other = tmp_path / "download.zip"
    shutil.copy(archive, other)
    double = tmp_path / f"{REAL}.SAFE.zip"
    shutil.copy(archive, double)
    tile = next(renamed.glob("GRANULE/*"))
    ways = [
        unpacked,
        unpacked / "MTD_MSIL1C.xml",
        next(unpacked.glob("GRANULE/*/IMG_DATA/*_B11.jp2")),
        next(unpacked.glob("GRANULE/*/MTD_TL.xml")),
        renamed,
        renamed / "MTD_MSIL1C.xml",
        next(tile.glob("IMG_DATA/*_B03.jp2")),
        outer,
        other,
        double,
    ]
    for way in ways:
        np.testing.assert_array_equal(open_scene(way)["green"].values, expected, err_msg=str(way))


def test_a_folder_of_several_holds_each_once(tmp_path: Path) -> None:
    first = level1(tmp_path)
    make.zipped(first, tmp_path / f"{make.name()}.zip")
    (tmp_path / "MTD_notes.xml").write_text("<a/>")
    second, _ = level2(tmp_path)
    found = find_all(tmp_path)
    assert [g.name for g in found] == [make.name(), make.name("L2A")]
    scenes = [open_granule(g, resolution=20, calibration="reflectance") for g in found]
    assert [s.attrs["processing_level"] for s in scenes] == ["L1C", "L2A"]
    shutil.rmtree(second)
    np.testing.assert_array_equal(open_scene(tmp_path)["red"].values, open_scene(first)["red"].values)


# ---- radiometry of small SAFEs


@pytest.mark.parametrize("platform", SPEC.platforms)
def test_counts_put_in_come_back(tmp_path: Path, platform: str) -> None:
    rng = np.random.default_rng(3)
    offsets = {i: -1000.0 - 10 * i for i in range(13)}
    truth = {b: rng.uniform(0.0, 1.1, (make.SIZE[make.GRID[b]],) * 2) for b in make.BANDS}
    put = {b: np.round(t * 10_000 - offsets[i]).astype(np.uint16) for i, (b, t) in enumerate(truth.items())}
    safe = level1(tmp_path, put, offsets=offsets, platform=platform)
    for resolution in (10, 20, 60):
        scene = open_scene(safe, resolution=resolution)
        assert scene.attrs["platform"] == platform
        for band in (b for b in SPEC.bands_of(platform) if b.resolution == resolution):
            assert abs(scene[band.name].values - truth[band.native]).max() <= 0.5 / 10_000 + 1e-6
            assert scene[band.name].attrs["wavelength"] == band.centre
            assert scene[band.name].attrs["native_band"] == band.native


def test_no_data_stays_no_data_and_saturation_is_no_value(tmp_path: Path) -> None:
    bands = {b: counts(b) for b in ("B02", "B03", "B04", "B08")}
    for values in bands.values():
        values[0, :5] = 0
    bands["B02"][1, 0] = 0  # one band only
    bands["B04"][2, :3] = 65535
    bands["B04"][3, 0] = 65534
    bands["B08"][4, 0] = 500  # below the offset: a slightly negative reflectance is a measurement
    scene = open_scene(level1(tmp_path, bands)).compute()
    assert np.isnan(scene["red"].values[0, :5]).all()
    assert np.isnan(scene["red"].values[2, :3]).all()
    assert scene["red"].values[3, 0] == pytest.approx(6.4534, abs=1e-6)
    assert scene["nir"].values[4, 0] == pytest.approx(-0.05, abs=1e-7)
    expected = np.zeros((72, 72), bool)
    expected[0, :5] = True
    np.testing.assert_array_equal(flag(scene, "no_data"), expected)
    saturated = np.zeros((72, 72), bool)
    saturated[2, :3] = True
    np.testing.assert_array_equal(flag(scene, "saturated"), saturated)
    stored_numbers = open_scene(level1(tmp_path / "again", bands), calibration="counts")
    np.testing.assert_array_equal(stored_numbers["red"].values, bands["B04"])
    assert stored_numbers["red"].attrs["fill_values"] == [0.0]


def test_offset_is_nil_where_the_old_baseline_names_none(tmp_path: Path) -> None:
    bands = {b: counts(b) for b in ("B02", "B03", "B04", "B08")}
    scene = open_scene(level1(tmp_path, bands, baseline="03.01", offsets=None, quantification=1000))
    np.testing.assert_allclose(scene["red"].values, bands["B04"] / 1000.0, atol=1e-6)


def test_radiance_uses_irradiance_and_distance_of_the_file(tmp_path: Path) -> None:
    safe = level1(tmp_path)
    scene, reflectance = (open_scene(safe, resolution=20, calibration=c) for c in ("radiance", "reflectance"))
    cosine = np.cos(np.radians(reflectance["sun_zenith"].values.astype(float)))
    for name, number in (("red_edge_1", 4), ("swir2", 12)):
        expected = reflectance[name].values * (2000 - 100 * number) * 0.98 * cosine / np.pi
        np.testing.assert_allclose(scene[name].values, expected, rtol=3e-6, atol=3e-6)


def test_radiance_without_irradiance_in_the_file_takes_the_spec(tmp_path: Path) -> None:
    bands = {b: counts(b) for b in ("B02", "B03", "B04", "B08")}
    scene = open_scene(level1(tmp_path, bands, irradiance=False, grids=False), calibration="radiance")
    distance = 0.9910  # AU on 1 March (Astronomical Almanac: 0.9908 to 0.9911)
    e0 = SPEC.band("red", "Sentinel-2A").e0
    expected = (bands["B04"] - 1000.0) / 10_000 * e0 * math.cos(math.radians(36.5)) / (math.pi * distance**2)
    np.testing.assert_allclose(scene["red"].values, expected, rtol=1e-3, atol=1e-6)


def test_spec_is_near_the_producers_irradiance_and_wavelengths(archive: Path, unpacked: Path) -> None:
    text = product_text(unpacked)
    for number, native in enumerate(make.BANDS):
        band = SPEC.band(native, "Sentinel-2A")
        e0 = float(re.search(rf'SOLAR_IRRADIANCE bandId="{number}"[^>]*>([\d.]+)<', text)[1])
        assert band.e0 == pytest.approx(e0, rel=0.05)  # another solar spectrum (Thuillier 2003)
        block = text[text.index(f'Spectral_Information bandId="{number}"') :]
        assert band.centre == pytest.approx(float(re.search(r"<CENTRAL[^>]*>([\d.]+)<", block)[1]) / 1e3, abs=5e-4)
        assert band.resolution == float(re.search(r"<RESOLUTION>(\d+)<", block)[1])
        first, last = (float(re.search(rf"<{m} unit=\"nm\">([\d.]+)<", block)[1]) / 1e3 for m in ("MIN", "MAX"))
        assert first < band.centre - band.fwhm / 2
        assert band.centre + band.fwhm / 2 < last


# ---- Level-2A


def level2(folder: Path, scl: np.ndarray | None = None, baseline: str = "05.09") -> tuple[Path, dict[str, np.ndarray]]:
    on = {
        10: ("B02", "B03", "B04", "B08"),
        20: ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B8A", "B11", "B12"),
        60: ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B8A", "B09", "B11", "B12"),
    }
    put = {f"{b}_{g}m": counts(b, i + g, make.SIZE[g]) for g, bands in on.items() for i, b in enumerate(bands)}
    layers = {} if scl is None else {"SCL_20m": scl, "SCL_60m": scl[1::3, 1::3]}
    offsets = dict.fromkeys(range(13), -1000) if float(baseline) >= 4 else None
    return make.make_safe(folder, {**put, **layers}, level="L2A", offsets=offsets, baseline=baseline), put


@pytest.mark.parametrize("resolution", [10, 20, 60])
def test_level_2a_opens_every_band_that_has_a_file_on_the_grid(tmp_path: Path, resolution: int) -> None:
    safe, put = level2(tmp_path, np.full((36, 36), 4, np.uint8))
    scene = open_scene(safe, resolution=resolution)
    here = {key.partition("_")[0]: values for key, values in put.items() if key.endswith(f"_{resolution}m")}
    roles = {b.native: b.name for b in SPEC.bands_of()}
    assert {roles[native] for native in here} == set(scene.data_vars) & set(roles.values())
    for native, values in here.items():
        np.testing.assert_allclose(scene[roles[native]].values, (values - 1000.0) / 10_000, atol=1e-6)
        assert scene[roles[native]].attrs["standard_name"] == "surface_bidirectional_reflectance"
    assert scene.attrs["reflectance_level"] == "surface"
    assert scene.attrs["processing_level"] == "L2A"
    assert "bands_missing" not in scene.attrs


def test_a_tile_has_the_grids_of_its_files(tmp_path: Path) -> None:
    ten = ["blue", "green", "red", "nir"]
    first = scene_grids(level1(tmp_path / "1"))
    assert list(first) == [10, 20, 60]
    assert (first[10], first[60]) == (ten, ["coastal", "water_vapour", "cirrus"])
    safe, _ = level2(tmp_path / "2")
    grids = scene_grids(safe)
    assert grids[10] == ten
    assert {"blue", "red_edge_1", "swir1"} <= set(grids[20])  # Level-2A has bands of 10 m at 20 m too
    assert "cirrus" not in grids[60]
    for file in safe.rglob("*_10m.jp2"):
        file.unlink()
    assert list(scene_grids(safe)) == [20, 60]
    assert open_scene(safe).sizes == open_scene(safe, resolution=20).sizes  # the finest that is left
    with pytest.raises(InputError, match=r"has no grid of 10 m\. It has 20, 60 m"):
        open_scene(safe, resolution=10)


def test_level_2a_is_found_by_a_file_in_its_depth(tmp_path: Path) -> None:
    safe, put = level2(tmp_path)
    way = next(safe.glob("GRANULE/*/IMG_DATA/R20m/*_B11_20m.jp2"))
    np.testing.assert_allclose(open_scene(way)["nir"].values, (put["B08_10m"] - 1000.0) / 1e4, atol=1e-6)


CLASSES = {
    0: "no_data",
    1: "low_quality",
    2: "terrain_shadow",
    3: "cloud_shadow",
    6: "water",
    8: "cloud_possible",
    9: "cloud",
    10: "cirrus",
    11: "snow_ice",
}


def test_scene_classes_become_flags_on_every_grid(tmp_path: Path) -> None:
    scl = np.repeat(np.repeat(np.arange(144, dtype=np.uint8).reshape(12, 12) % 12, 3, 0), 3, 1)
    safe, _ = level2(tmp_path, scl)
    for resolution, classes in ((10, np.repeat(np.repeat(scl, 2, 0), 2, 1)), (20, scl), (60, scl[1::3, 1::3])):
        scene = open_scene(safe, resolution=resolution)
        expected = np.zeros(classes.shape, np.uint16)
        for number, name in CLASSES.items():
            expected[classes == number] = SCENE_FLAG[name].mask
        np.testing.assert_array_equal(scene["qa"].values, expected)


def test_dark_areas_before_baseline_4_are_no_terrain_shadow(tmp_path: Path) -> None:
    safe, put = level2(tmp_path, np.full((36, 36), 2, np.uint8), baseline="02.14")
    scene = open_scene(safe)
    assert not scene["qa"].values.any()
    np.testing.assert_allclose(scene["red"].values, put["B04_10m"] / 10_000, atol=1e-6)


def test_level_2a_has_no_radiance(tmp_path: Path) -> None:
    safe, _ = level2(tmp_path)
    with pytest.raises(SceneError, match=r"Level-2A.*no radiance.*Level-1C"):
        open_scene(safe, calibration="radiance")


# ---- masks of Level-1C


def test_cloud_mask_of_the_new_baselines(tmp_path: Path) -> None:
    mask = np.zeros((3, 12, 12), np.uint8)
    mask[0, 2, 3], mask[1, 4, 5], mask[2, 6, 7] = 1, 1, 1
    mask[:2, 8, 8] = 1
    safe = level1(
        tmp_path, masks={"MSK_CLASSI_B00.jp2": mask, "MSK_QUALIT_B02.jp2": mask[0], "MSK_DETFOO_B02.jp2": mask[0]}
    )
    for resolution, factor in ((10, 6), (20, 3), (60, 1)):
        scene = open_scene(safe, resolution=resolution)
        for layer, name in zip(mask, ("cloud", "cirrus", "snow_ice"), strict=True):
            expected = np.kron(layer, np.ones((factor, factor))) > 0
            np.testing.assert_array_equal(flag(scene, name), expected)
    assert scene.attrs["cloud_mask"] == "MSK_CLASSI, 60 m"


def test_outlines_of_the_old_baselines_are_drawn(tmp_path: Path) -> None:
    pixel = make.EXTENT / 72

    def box(row0: int, row1: int, column0: int, column1: int) -> list[float]:
        left, right = (make.LEFT + pixel * c for c in (column0, column1))
        top, bottom = (make.TOP - pixel * r for r in (row0, row1))
        return [left, top, right, top, right, bottom, left, bottom, left, top]

    gml = make.cloud_gml([("OPAQUE", [box(10, 20, 30, 50), box(12, 15, 33, 40)]), ("CIRRUS", [box(60, 72, 0, 5)])])
    scene = open_scene(level1(tmp_path, baseline="03.01", offsets=None, masks={"MSK_CLOUDS_B00.gml": gml}))
    cloud, cirrus = np.zeros((72, 72), bool), np.zeros((72, 72), bool)
    cloud[10:20, 30:50] = True
    cloud[12:15, 33:40] = False
    cirrus[60:72, 0:5] = True
    np.testing.assert_array_equal(flag(scene, "cloud"), cloud)
    np.testing.assert_array_equal(flag(scene, "cirrus"), cirrus)
    # In pieces, backwards and with steps: the same.
    np.testing.assert_array_equal(flag(scene.chunk(y=7, x=11), "cloud")[::-2, 3::3], cloud[::-2, 3::3])
    part = scene["qa"][::-3, 5:61:4].values & SCENE_FLAG["cloud"].mask
    np.testing.assert_array_equal(part != 0, cloud[::-3, 5:61:4])


def test_a_damaged_outline_and_no_mask_at_all(tmp_path: Path) -> None:
    assert open_scene(level1(tmp_path / "none")).attrs["cloud_mask"] == "none in the granule"
    gml = make.cloud_gml([("OPAQUE", [[1.0, 2.0, math.nan, 4.0, 5.0, 6.0, 1.0, 2.0]])])
    with pytest.raises(SceneError, match="outline"):
        open_scene(level1(tmp_path, baseline="03.01", offsets=None, masks={"MSK_CLOUDS_B00.gml": gml}))


# ---- angles


@pytest.mark.parametrize("resolution", [10, 60])
def test_angles_are_linear_between_the_points(tmp_path: Path, resolution: int) -> None:
    scene = open_scene(level1(tmp_path), resolution=resolution)
    across, down = (scene["x"].values - make.LEFT) / 5000, (make.TOP - scene["y"].values) / 5000
    row, column = np.meshgrid(down, across, indexing="ij")
    np.testing.assert_allclose(scene["sun_zenith"].values, 35 + 0.05 * row + 0.1 * column, atol=1e-4)
    # Across north: 355 + ... passes 360 within the tile.
    expected = (355 + 0.5 * row + 0.4 * column) % 360
    difference = (scene["sun_azimuth"].values - expected + 180) % 360 - 180
    assert abs(difference).max() < 2e-4
    assert expected.min() < 1
    assert expected.max() > 359
    away = (row < 21) | (column < 21)  # the corner point is missing and takes its neighbour's value
    np.testing.assert_allclose(scene["view_zenith"].values[away], (4 + 0.01 * row + 0.3 * column)[away], atol=1e-4)
    np.testing.assert_allclose(scene["view_azimuth"].values[away], (100 + 0.1 * row + 0.2 * column)[away], atol=2e-3)
    assert np.isfinite(scene["view_zenith"].values).all()


def test_pieces_of_angles_are_the_whole(tmp_path: Path) -> None:
    safe = level1(tmp_path)
    whole = open_scene(safe)["view_azimuth"].values
    np.testing.assert_array_equal(open_scene(safe)["view_azimuth"][5:40:3, ::-1].values, whole[5:40:3, ::-1])


def test_mean_of_the_tile_where_the_points_are_missing(tmp_path: Path) -> None:
    scene = open_scene(level1(tmp_path, grids=False))
    assert float(scene["sun_zenith"]) == pytest.approx(36.5)
    assert float(scene["sun_azimuth"]) == pytest.approx(150.25)
    assert float(scene["view_zenith"]) == pytest.approx(7.25)
    assert float(scene["view_azimuth"]) == pytest.approx(103.5)
    assert "mean of the tile" in scene.attrs["angles"]


# ---- what goes wrong


def broken(safe: Path, old: str, new: str, file: str = "MTD_MSIL1C.xml") -> Path:
    path = next(safe.rglob(file))
    text = path.read_text("utf-8")
    changed = re.sub(old, new, text, flags=re.DOTALL)
    assert changed != text
    path.write_text(changed, "utf-8")
    return safe


@pytest.mark.parametrize(
    ("old", "new", "file", "message"),
    [
        ("Sentinel-2A", "Sentinel-2D", "MTD_MSIL1C.xml", r"Sentinel-2D.*knows no bands"),
        ("Level-1C<", "Level-1B<", "MTD_MSIL1C.xml", r"of level Level-1B"),
        (r"<QUANTIFICATION.*</QUANTIFICATION_VALUE>", "", "MTD_MSIL1C.xml", "lack QUANTIFICATION_VALUE"),
        (">10000<", ">many<", "MTD_MSIL1C.xml", "'many', not a number"),
        (">10000<", ">0<", "MTD_MSIL1C.xml", "quantification value is 0"),
        (">10000<", ">inf<", "MTD_MSIL1C.xml", "not a number"),
        (r'<RADIO_ADD_OFFSET band_id="3">-1000</RADIO_ADD_OFFSET>', "", "MTD_MSIL1C.xml", "RADIO_ADD_OFFSET for B04"),
        (r"<Radiometric_Offset_List>.*</Radiometric_Offset_List>", "", "MTD_MSIL1C.xml", "which baseline 05.09 needs"),
        ("</n1:General_Info>", "", "MTD_MSIL1C.xml", "no well-formed XML"),
        ("<n1:Level-1C_User", "<!DOCTYPE a []><n1:Level-1C_User", "MTD_MSIL1C.xml", "document type"),
        (r"<SENSING_TIME>.*</SENSING_TIME>", "", "MTD_TL.xml", "lack SENSING_TIME"),
        ("2023-03-01T03:05:06.789Z", "yesterday", "MTD_TL.xml", "is not a time"),
        (r"<Tile_Angles>.*</Tile_Angles>", "", "MTD_TL.xml", "lack the Sun's angles"),
        (r"<ULX>[^<]*</ULX>", "<ULX>left</ULX>", "MTD_TL.xml", "'left', not a number"),
    ],
)
def test_damaged_metadata_say_what_is_wrong(tmp_path: Path, old: str, new: str, file: str, message: str) -> None:
    safe = broken(level1(tmp_path), old, new, file)
    with pytest.raises(SceneError, match=message) as caught:
        open_scene(safe)
    assert re.search(r"[Ff]etch|damaged|know|opened", str(caught.value))


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("MTD_MSIL1C.xml", "lacks the metadata of its product"),
        ("MTD_TL.xml", "lacks the metadata of its tile"),
        ("*_B??.jp2", "none of the band files of 10 m"),
    ],
)
def test_files_that_are_missing(tmp_path: Path, gone: str, message: str) -> None:
    safe = level1(tmp_path)
    for path in list(safe.rglob(gone)):
        path.unlink()
    with pytest.raises(SceneError, match=message):
        open_scene(safe)
    archive = make.zipped(safe, tmp_path / f"{make.name()}.zip")
    with pytest.raises(SceneError, match=f"{make.name()}.*lacks|none of the band"):
        open_scene(archive)


def test_a_band_that_is_missing_is_named(tmp_path: Path) -> None:
    safe = level1(tmp_path)
    next(safe.rglob("*_B03.jp2")).unlink()
    scene = open_scene(safe)
    assert scene.attrs["bands_missing"] == "green"
    assert "green" not in scene


def test_several_tiles_are_refused(tmp_path: Path) -> None:
    safe = level1(tmp_path)
    shutil.copytree(next(safe.glob("GRANULE/*")), safe / "GRANULE" / "another")
    with pytest.raises(SceneError, match="2 files that could be the metadata of its tile"):
        open_scene(safe)


def test_the_long_names_before_december_2016(tmp_path: Path) -> None:
    safe = level1(tmp_path, baseline="02.04", offsets=None)
    tile = next(safe.glob("GRANULE/*"))
    stem = "S2A_OPER_MSI_L1C_TL_SGS__20160929T154211_A006640_T50TMK"
    for band in list(tile.glob("IMG_DATA/*.jp2")):
        band.rename(band.with_name(f"{stem}_{band.stem[-3:]}.jp2"))
    (tile / "MTD_TL.xml").rename(tile / f"{stem.replace('MSI', 'MTD')}.xml")
    (safe / "MTD_MSIL1C.xml").rename(safe / "S2A_OPER_MTD_SAFL1C_PDMC_20160929T185902_R065_V20160929T102022.xml")
    tile.rename(tile.with_name(f"{stem}_N02.04"))
    old = tmp_path / "S2A_OPER_PRD_MSIL1C_PDMC_20160929T185902_R065_V20160929T102022_20160929T102344.SAFE"
    safe.rename(old)
    scene = open_scene(old)
    np.testing.assert_allclose(scene["red"].values, counts("B04", 3) / 10_000, atol=1e-6)


@pytest.mark.parametrize("keep", [0, 4, 5000])
def test_a_zip_file_cut_short(tmp_path: Path, keep: int) -> None:
    archive = make.zipped(level1(tmp_path), tmp_path / f"{make.name()}.zip")
    archive.write_bytes(archive.read_bytes()[:keep])
    with pytest.raises(SceneError, match=rf"{make.name()}\.zip is (empty|no complete zip file)"):
        open_scene(archive)


def test_a_zip_file_with_a_damaged_member(tmp_path: Path) -> None:
    archive = make.zipped(level1(tmp_path), tmp_path / f"{make.name()}.zip")
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as file:
        member = next(i for i in file.infolist() if i.filename.endswith("MTD_MSIL1C.xml"))
    data[member.header_offset + 250 : member.header_offset + 400] = bytes(150)
    archive.write_bytes(data)
    with pytest.raises(SceneError, match=r"MTD_MSIL1C\.xml cannot be unpacked"):
        open_scene(archive)


def test_a_zip_file_that_leads_out_of_itself_or_swells(tmp_path: Path) -> None:
    archive = make.zipped(level1(tmp_path), tmp_path / f"{make.name()}.zip")
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("../../T50TMK_20230301T030001_B05.jp2", b"x")
        file.writestr("/T50TMK_20230301T030001_B06.jp2", b"x")
    scene = open_scene(archive, resolution=20)
    np.testing.assert_allclose(scene["red_edge_1"].values, (counts("B05", 4) - 1000.0) / 1e4, atol=1e-6)
    swollen = tmp_path / f"{make.name('L2A')}.zip"
    with zipfile.ZipFile(swollen, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.SAFE/MTD_MSIL2A.xml", b" " * (65 * 2**20))
    with pytest.raises(SceneError, match=r"empty|more than 64 MB"):
        open_scene(swollen)


def test_a_zip_file_without_its_suffix_says_so(tmp_path: Path) -> None:
    archive = make.zipped(level1(tmp_path), tmp_path / "download")
    with pytest.raises(SceneError, match=r"Rename it so that it ends in \.zip"):
        open_scene(archive)


@pytest.mark.parametrize("zipped", [False, True])
def test_damage_within_a_band_is_named_when_it_is_read(tmp_path: Path, zipped: bool) -> None:
    safe = level1(tmp_path)
    band = next(safe.rglob("*_B04.jp2"))
    half = band.read_bytes()[: band.stat().st_size // 2]
    if zipped:
        band.write_bytes(half)
        scene = open_scene(make.zipped(safe, tmp_path / f"{make.name()}.zip"))
    else:
        scene = open_scene(safe)
        band.write_bytes(half)
    with pytest.raises(SceneError, match=r"_B04\.jp2"):
        scene["red"].compute()
    assert np.isfinite(scene["nir"].values).all()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("EPSG:32650", "EPSG:32651"),
        ("EPSG:32650", "EPSG:4326"),
        ("<ULX>300000", "<ULX>301000"),
        (r"<ULY>4.5e\+06", "<ULY>4400000"),
        ("<NROWS>10980<", "<NROWS>9980<"),
        ("<YDIM>-10<", "<YDIM>10<"),
    ],
)
def test_a_band_that_lies_elsewhere_than_its_tile(tmp_path: Path, old: str, new: str) -> None:
    safe = broken(level1(tmp_path), old, new, "MTD_TL.xml")
    with pytest.raises(SceneError, match=r"_B02\.jp2 lies elsewhere|not UTM"):
        open_scene(safe)


def test_a_band_of_another_place_or_of_none(tmp_path: Path) -> None:
    safe = level1(tmp_path)
    band = next(safe.rglob("*_B03.jp2"))
    with rasterio.open(band) as file:
        values, profile = file.read(), file.profile
    profile.update(QUALITY="100", REVERSIBLE="YES")
    shifted = rasterio.Affine(make.EXTENT / 72, 0, make.LEFT + 2000, 0, -make.EXTENT / 72, make.TOP)
    nowhere = {name: value for name, value in profile.items() if name not in ("crs", "transform")}
    for changed, message in (({**profile, "transform": shifted}, "lies elsewhere"), (nowhere, "no map coordinates")):
        band.unlink()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(band, "w", **changed) as file:
                file.write(values)
        with pytest.raises(SceneError, match=rf"_B03\.jp2.*{message}"):
            open_scene(safe)


def test_a_band_cut_short_is_named_when_it_is_opened(tmp_path: Path) -> None:
    safe = level1(tmp_path)
    band = next(safe.rglob("*_B04.jp2"))
    band.write_bytes(band.read_bytes()[:-3000])
    with pytest.raises(SceneError, match=r"_B04\.jp2 is cut short"):
        open_scene(safe)
    band.write_bytes(b"")
    with pytest.raises(SceneError, match=r"_B04\.jp2 is empty"):
        open_scene(safe)


def test_scenes_travel_to_other_processes(tmp_path: Path) -> None:
    scene = open_scene(make.zipped(level1(tmp_path), tmp_path / f"{make.name()}.zip"))
    packed = pickle.dumps(scene)
    assert len(packed) < 300_000
    np.testing.assert_array_equal(pickle.loads(packed)["blue"].values, scene["blue"].values)


def test_opened_twice_the_tasks_have_the_same_names(tmp_path: Path) -> None:
    safe = level1(tmp_path)
    first, second = open_scene(safe), open_scene(safe)
    for name in first.data_vars:
        assert first[name].data.name == second[name].data.name, name


def test_mutated_files_give_plain_errors_or_values(tmp_path: Path) -> None:
    safe = level1(tmp_path, grids=False)
    rng = np.random.default_rng(11)
    targets = [safe / "MTD_MSIL1C.xml", next(safe.rglob("MTD_TL.xml")), next(safe.rglob("*_B04.jp2"))]
    refused = 0
    for turn in range(90):
        path = targets[turn % 3]
        whole = path.read_bytes()
        data = bytearray(whole)
        at = rng.integers(0, min(len(data), 4000), 4)
        for place in at:
            data[place] = rng.integers(0, 256)
        path.write_bytes(data[: rng.integers(1, len(data))] if turn % 5 == 0 else data)
        with contextlib.suppress(MusyqError):
            refused += 1
            open_scene(safe).compute(scheduler="synchronous")
            refused -= 1
        path.write_bytes(whole)
    assert refused > 20
