"""Sentinel-3 SLSTR Level-1: folders in the native layout."""

from __future__ import annotations

import json
import pickle
import shutil
import tracemalloc
import warnings
from pathlib import Path

import dask
import numpy as np
import pytest
import xarray as xr
from sensors import make_sentinel3 as make
from sensors.shared_data import shared

from musyq_lab.core.errors import ArchiveError, SceneError
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.kernels.radiometry import planck_radiance
from musyq_lab.sensors._open import open_scene, scene_grids
from musyq_lab.sensors.s3_slstr import SPEC

FINE = (2 * make.ROWS_1KM, 2 * make.COLUMNS_1KM)
COARSE = (make.ROWS_1KM, make.COLUMNS_1KM)
SOLAR = [b for b in SPEC.bands if b.resolution == 500]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make.slstr(tmp_path_factory.mktemp("slstr"))


@pytest.fixture(scope="module")
def fine(folder: Path) -> xr.Dataset:
    return open_scene(folder).load()


@pytest.fixture(scope="module")
def coarse(folder: Path) -> xr.Dataset:
    return open_scene(folder, resolution=1000).load()


def sun_zenith(size: tuple[int, int], step: float) -> np.ndarray:
    """Return what was put in at the tie points, linearly in between (degree)."""
    y, x = np.mgrid[: size[0], : size[1]] * step
    return 40.0 + 0.1 * y / 1000.0 + 2.0 * x / 16000.0


def expected_radiance(band: int) -> np.ndarray:
    counts = make.slstr_counts(band, *FINE).astype(float)
    counts[counts == make.SLSTR_FILL] = np.nan
    return counts * make.SLSTR_SCALE + make.SLSTR_OFFSET


@pytest.mark.parametrize("row", SOLAR, ids=lambda b: b.native)
def test_radiance_put_in_comes_out_to_half_a_count(folder: Path, row) -> None:
    made = open_scene(folder, calibration="radiance")[row.name].compute()
    expected = expected_radiance(int(row.native[1]))
    np.testing.assert_array_equal(np.isnan(made), np.isnan(expected))
    assert np.nanmax(np.abs(made - expected)) < 0.5 * make.SLSTR_SCALE
    assert made.attrs["units"] == "W m-2 sr-1 um-1"


@pytest.mark.parametrize("row", SOLAR, ids=lambda b: b.native)
def test_reflectance_by_the_irradiance_of_each_detector_under_a_slanting_sun(fine: xr.Dataset, row) -> None:
    band = int(row.native[1])
    detector = make.detector(*FINE)
    flux = make.irradiance(band).astype(float)[detector % 4]
    flux[detector == 255] = np.nan
    expected = np.pi * expected_radiance(band) / (flux * np.cos(np.radians(sun_zenith(FINE, 500.0))))
    inner = slice(0, 64)  # columns between tie points that have angles
    np.testing.assert_allclose(fine[row.name][:, inner], expected[:, inner], rtol=2e-4)
    # The next best formulas fail: no cosine, irradiance of the first detector, EUMETSAT's factor.
    first = expected * flux / float(make.irradiance(band)[0])
    assert np.nanmax(np.abs(first[:, inner] / fine[row.name][:, inner] - 1)) > 1e-3
    assert np.isnan(fine[row.name][0, 0])


@pytest.mark.parametrize(("native", "number"), [("S7", 7), ("S8", 8), ("S9", 9), ("F2", 11)])
def test_brightness_temperature_is_what_is_stored(coarse: xr.Dataset, native: str, number: int) -> None:
    row = SPEC.band(native)
    counts = make.slstr_counts(number, *COARSE).astype(float)
    counts[counts == make.SLSTR_FILL] = np.nan
    expected = counts * make.BT_SCALE + make.BT_OFFSET
    np.testing.assert_array_equal(np.isnan(coarse[row.name]), np.isnan(expected))
    assert np.nanmax(np.abs(coarse[row.name] - expected)) < 0.5 * make.BT_SCALE
    assert coarse[row.name].attrs["units"] == "K"
    assert coarse[row.name].attrs["standard_name"] == "toa_brightness_temperature"


@pytest.mark.parametrize("native", ["S7", "S8", "S9", "F2"])
def test_thermal_radiance_is_the_mean_of_plancks_over_the_band(folder: Path, coarse: xr.Dataset, native: str) -> None:
    row = SPEC.band(native)
    made = open_scene(folder, resolution=1000, calibration="radiance")[row.name]
    wavelength = np.linspace(row.centre - row.fwhm / 2, row.centre + row.fwhm / 2, 401)
    for y, x in ((0, 1), (23, 39)):
        temperature = float(coarse[row.name][y, x])
        mean = np.mean([planck_radiance(temperature, float(w)) for w in wavelength])
        assert float(made[y, x]) == pytest.approx(mean, rel=3e-4)
    assert made.attrs["units"] == "W m-2 sr-1 um-1"
    assert np.isnan(made[2, 3])


@pytest.mark.parametrize("row", SOLAR, ids=lambda b: b.native)
def test_centres_are_those_of_the_published_responses(row) -> None:
    table = json.loads(shared("reference_srf_calibration_CN/Sentinel/Sentinel.json").read_text())
    band = table["S3A"]["SLSTR"][f"B{row.native[1]}"]
    wavelength = np.linspace(*band["wl"], len(band["SRF"]))
    assert row.centre == pytest.approx(np.average(wavelength, weights=band["SRF"]), abs=0.002)


def test_counts_are_what_is_stored(folder: Path) -> None:
    scene = open_scene(folder, calibration="counts")
    np.testing.assert_array_equal(scene["swir1"], make.slstr_counts(5, *FINE))
    assert scene["swir1"].dtype == np.int16
    thermal = open_scene(folder, resolution=1000, calibration="counts")["tir2"]
    np.testing.assert_array_equal(thermal, make.slstr_counts(9, *COARSE))


def test_angles_by_the_coordinates_of_pixels_and_tie_points(fine: xr.Dataset, coarse: xr.Dataset) -> None:
    # A tie point every 16 km: pixel 16 of 1 km, 32 of 500 m. Columns run against x.
    for scene, step in ((coarse, 16), (fine, 32)):
        rows = slice(None, None, step // 16)
        for name, tie in zip(
            ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth"), make.slstr_ties(), strict=True
        ):
            made = scene[name][rows, ::step].values
            np.testing.assert_allclose(made, tie[:, : made.shape[1]], atol=2e-4)
    np.testing.assert_allclose(coarse["sun_zenith"], sun_zenith(COARSE, 1000.0), atol=0.01)


def test_the_edge_of_the_swath_has_angles(folder: Path, tmp_path: Path) -> None:
    """Pixels up to half a tie point beyond the last that has angles."""
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    names = ("solar_zenith_tn", "solar_azimuth_tn", "sat_zenith_tn", "sat_azimuth_tn")
    ties = make.slstr_ties()
    for values in ties:
        values[:, 2:] = np.nan
    make.member(copy / "geometry_tn.nc", make.SLSTR_NAME, {k: (v, {}) for k, v in zip(names, ties, strict=True)})
    zenith = open_scene(copy, resolution=1000)["sun_zenith"].values
    expected = sun_zenith(COARSE, 1000.0)
    np.testing.assert_allclose(zenith[:, :32], expected[:, :32], atol=0.02)
    assert np.isnan(zenith[:, 33:]).all()


def test_only_one_grid_at_a_time(folder: Path, fine: xr.Dataset, coarse: xr.Dataset) -> None:
    assert scene_grids(folder) == {
        500: ["green", "red", "nir", "cirrus", "swir1", "swir2"],
        1000: ["mir", "tir1", "tir2", "f1", "f2"],
    }
    assert fine["red"].shape == FINE
    assert coarse["tir1"].shape == COARSE
    assert coarse.attrs["bands_missing"] == "f1"  # it has a grid of its own
    np.testing.assert_allclose(coarse["latitude"][:, 0], 45.0 - np.arange(COARSE[0]) * 1000 / 111e3, atol=1e-6)
    np.testing.assert_allclose(fine["longitude"][0], 5.0 + np.arange(FINE[1]) * 500 / 79e3, atol=1e-6)


def test_what_is_recommended_is_said_and_not_done(fine: xr.Dataset) -> None:
    assert fine["swir1"].attrs["recommended_factor"] == 1.11
    assert "recommended_factor" not in fine["cirrus"].attrs


FLAGS = {
    1: {"water"},  # ocean
    2: {"water"},  # inland water
    3: {"no_data"},  # unfilled
    4: {"night"},
    5: {"sun_glint"},
    6: {"snow_ice"},
    7: {"cloud"},
    8: {"low_quality"},  # pointing
    9: set(),  # twilight
    10: {"cirrus"},
    11: {"saturated"},
    12: set(),  # fill of the exception word
    13: set(),
}


@pytest.mark.parametrize("grid", ["fine", "coarse"])
def test_quality(grid: str, request: pytest.FixtureRequest) -> None:
    line = request.getfixturevalue(grid)["qa"][0].values
    made = {x: {name for name, flag in SCENE_FLAG.items() if line[x] & flag.mask} for x in FLAGS}
    assert made == FLAGS


def test_missing_in_all_bands_is_no_data(fine: xr.Dataset) -> None:
    assert int(fine["qa"][2, 3]) & SCENE_FLAG["no_data"].mask
    assert np.isnan(fine["nir"][2, 3])


def test_agrees_with_satpy_but_for_its_factors(folder: Path, coarse: xr.Dataset) -> None:
    satpy = pytest.importorskip("satpy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = satpy.Scene([str(p) for p in sorted(folder.glob("*.nc"))], reader="slstr_l1b")
        queries = [
            satpy.DataQuery(name="S8", calibration="brightness_temperature", view="nadir"),
            satpy.DataQuery(name="S5", calibration="radiance", view="nadir", stripe="a"),
        ]
        theirs.load(queries)
        temperature, radiance = (theirs[q].values for q in queries)
    np.testing.assert_allclose(coarse["tir1"], temperature, atol=1e-4)
    ours = open_scene(folder, calibration="radiance")["swir1"]
    np.testing.assert_allclose(ours * ours.attrs["recommended_factor"], radiance, rtol=1e-6)


def test_opening_is_lazy_and_small(folder: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a pixel was computed")

    open_scene(folder)  # imports done
    with dask.config.set(scheduler=refuse):
        scenes = [open_scene(folder, resolution=r) for r in (500, 1000)]
    tracemalloc.start()
    open_scene(folder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6
    assert all(v.chunks for scene in scenes for v in (*scene.data_vars.values(), scene["longitude"]))


def test_bands_cannot_be_mistaken_for_each_other(folder: Path) -> None:
    """dask cuts the names of joined tasks at 115 letters and adds 16 bits: bands of one long name get mixed up."""
    (scene,) = dask.optimize(open_scene(folder))
    names = {key[0] if isinstance(key, tuple) else key for key in dict(scene.__dask_graph__())}
    assert max(map(len, names)) < 115


def test_scene_can_be_sent_to_a_worker(folder: Path, coarse: xr.Dataset) -> None:
    again = pickle.loads(pickle.dumps(open_scene(folder, resolution=1000)))
    xr.testing.assert_identical(again.compute().drop_attrs(), coarse.drop_attrs())


def test_every_way_to_the_folder_gives_the_same(folder: Path, fine: xr.Dataset, tmp_path: Path) -> None:
    renamed = tmp_path / "lost_name"
    shutil.copytree(folder, renamed)
    for way in (folder / "S8_BT_in.nc", renamed, renamed / "S2_radiance_an.nc"):
        scene = open_scene(way)
        np.testing.assert_array_equal(scene["red"], fine["red"])
        assert scene.attrs["granule"] == make.SLSTR_NAME
        assert scene.attrs["platform"] == "Sentinel-3B"


MEMBERS = [
    "xfdumanifest.xml",
    "geometry_tn.nc",
    "cartesian_tx.nc",
    "cartesian_an.nc",
    "indices_an.nc",
    "S3_quality_an.nc",
    "geodetic_an.nc",
    "flags_an.nc",
]


@pytest.mark.parametrize("name", MEMBERS)
def test_a_missing_member_is_named(folder: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    (copy / name).unlink()
    with pytest.raises(SceneError, match=rf"lacks {name}, which holds .* fetch it again"):
        open_scene(copy)


@pytest.mark.parametrize("name", MEMBERS)
def test_an_empty_member_is_named(folder: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    (copy / name).write_bytes(b"")
    with pytest.raises(ArchiveError, match=name):
        open_scene(copy)


def test_radiance_needs_no_irradiance(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    (copy / "S3_quality_an.nc").unlink()
    (copy / "indices_an.nc").unlink()
    assert float(open_scene(copy, calibration="radiance")["nir"][5, 5]) > 0


def test_no_band_of_the_grid(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    for path in copy.glob("*_BT_in.nc"):
        path.unlink()
    with pytest.raises(SceneError, match=r"lacks the bands of 1000 m \(S8_BT_in\.nc"):
        open_scene(copy, resolution=1000)


def test_tie_points_of_another_granule_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    x, y = make.cartesian(make.ROWS_1KM + 1, make.TIE_COLUMNS, (1000.0, 16000.0))
    make.member(copy / "cartesian_tx.nc", make.SLSTR_NAME, {"x_tx": (x, {}), "y_tx": (y, {})})
    with pytest.raises(SceneError, match="are of different grids"):
        open_scene(copy)


def test_another_product_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="holds the product SL_2_LST___, not Sentinel-3 SLSTR Level-1"):
        open_scene(make.slstr(tmp_path, kind="SL_2_LST___"))
