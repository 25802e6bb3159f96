"""Sentinel-3 OLCI Level-1: folders in the native layout, and the producer's own numbers in a real subset."""

from __future__ import annotations

import json
import pickle
import shutil
import tracemalloc
import warnings
from pathlib import Path

import dask
import netCDF4
import numpy as np
import pytest
import xarray as xr
from sensors import make_sentinel3 as make
from sensors.shared_data import shared

from musyq_lab.core.errors import ArchiveError, InputError, MusyqError, SceneError
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.sensors._open import open_scene, scene_grids
from musyq_lab.sensors.s3_olci import SPEC

TIES = make.olci_ties()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make.olci(tmp_path_factory.mktemp("olci"))


@pytest.fixture(scope="module")
def radiance(folder: Path) -> xr.Dataset:
    return open_scene(folder, calibration="radiance")


def linear(values: np.ndarray, columns: int = make.COLUMNS) -> np.ndarray:
    """Interpolate tie points along each line as numbers (no jump in these)."""
    places = np.arange(columns) / 64
    return np.stack([np.interp(places, np.arange(values.shape[1]), line) for line in values])


def expected_radiance(band: int) -> np.ndarray:
    counts = make.olci_counts(band).astype(float)
    counts[counts == make.RADIANCE_FILL] = np.nan
    return counts * float(np.float32(make.SCALES[f"Oa{band:02d}"]))


def expected_reflectance(band: int) -> np.ndarray:
    index = make.detector_index()
    flux = make.solar_flux().astype(float)[band - 1][index]
    flux[index < 0] = np.nan
    return np.pi * expected_radiance(band) / (flux * np.cos(np.radians(linear(TIES[0]))))


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("a pixel was computed")


@pytest.mark.parametrize("row", SPEC.bands, ids=lambda b: b.native)
def test_radiance_put_in_comes_out_to_half_a_count(radiance: xr.Dataset, row) -> None:
    band = int(row.native[2:])
    made = radiance[row.name].compute()
    expected = expected_radiance(band)
    np.testing.assert_array_equal(np.isnan(made), np.isnan(expected))
    assert np.nanmax(np.abs(made - expected)) < 0.5 * make.SCALES[row.native]
    np.testing.assert_allclose(made, expected, rtol=1e-6)
    assert made.attrs["units"] == "W m-2 sr-1 um-1"


@pytest.mark.parametrize("band", [1, 8, 17, 21])
def test_reflectance_by_the_irradiance_of_each_detector_under_a_slanting_sun(folder: Path, band: int) -> None:
    row = SPEC.band(f"Oa{band:02d}")
    made = open_scene(folder)[row.name]
    expected = expected_reflectance(band)
    # The Sun's direction is interpolated in space, the oracle's zenith angle as a number: 0.02 degree apart at most.
    np.testing.assert_allclose(made, expected, rtol=4e-4)
    at_ties = slice(None, None, 64)
    np.testing.assert_allclose(made[:, at_ties], expected[:, at_ties], rtol=1e-6)
    # Without the cosine, or with one irradiance for all detectors, it would be off by percent.
    assert np.nanmax(np.abs(made * np.cos(np.radians(40.0)) / expected - 1)) > 0.1
    assert made.attrs["units"] == "1"
    assert made.attrs["standard_name"] == "toa_bidirectional_reflectance"


def test_counts_are_what_is_stored(folder: Path) -> None:
    scene = open_scene(folder, calibration="counts")
    np.testing.assert_array_equal(scene["nir"], make.olci_counts(17))
    assert scene["nir"].dtype == np.uint16
    assert scene["nir"].attrs["fill_values"] == [float(make.RADIANCE_FILL)]


def test_angles_pass_north_and_nadir_without_a_jump(folder: Path) -> None:
    scene = open_scene(folder)
    at_ties = {"x": slice(None, None, 64)}
    for name, tie in zip(("sun_zenith", "sun_azimuth", "view_zenith"), TIES, strict=False):
        apart = (scene[name].isel(at_ties).values - tie + 180.0) % 360.0 - 180.0
        np.testing.assert_allclose(apart, 0.0, atol=5e-5)
    azimuth = scene["sun_azimuth"].values
    assert not ((azimuth > 10) & (azimuth < 350)).any()  # from 352 through north to 8: never by south
    np.testing.assert_allclose(scene["sun_zenith"], linear(TIES[0]), atol=0.02)
    # View: 4 degrees from one side to 4 from the other through nadir.
    np.testing.assert_allclose(scene["view_zenith"], np.abs(linear(np.tile([-4.0, -2, 0, 2, 4], (20, 1)))), atol=2e-3)
    assert float(scene["view_azimuth"][0, 10]) == pytest.approx(104.0, abs=1e-3)
    assert float(scene["view_azimuth"][0, -10]) == pytest.approx(284.0, abs=1e-3)


def test_place_time_and_platform(folder: Path) -> None:
    scene = open_scene(folder)
    y, x = np.mgrid[: make.ROWS, : make.COLUMNS]
    np.testing.assert_allclose(scene["latitude"], -34.0 - 0.003 * y, atol=6e-7)
    np.testing.assert_allclose(scene["longitude"], -57.0 + 0.003 * x, atol=6e-7)
    assert scene.attrs["platform"] == "Sentinel-3A"
    assert scene.attrs["time_coverage_start"] == "2018-01-08T12:59:43.506Z"
    assert scene.attrs["time_coverage_end"] == "2018-01-08T13:02:43.342Z"
    assert scene.attrs["granule"] == make.OLCI_NAME
    assert scene.attrs["resolution"] == 300.0
    assert scene["red"].attrs["native_band"] == "Oa08"


FLAGS = {
    1: {"water"},  # sea
    2: {"water"},  # fresh inland water
    3: {"cloud_possible"},  # bright
    4: {"no_data"},  # invalid
    5: {"low_quality"},  # cosmetic
    6: {"sun_glint"},
    7: {"low_quality"},  # dubious
    8: {"saturated"},  # Oa01
    9: {"saturated"},  # Oa21
    10: set(),  # duplicated
    11: set(),
}


def test_quality(folder: Path) -> None:
    line = open_scene(folder)["qa"][0].values
    made = {x: {name for name, flag in SCENE_FLAG.items() if line[x] & flag.mask} for x in FLAGS}
    assert made == FLAGS


def test_agrees_with_satpy(folder: Path) -> None:
    satpy = pytest.importorskip("satpy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = satpy.Scene([str(p) for p in sorted(folder.glob("*.nc"))], reader="olci_l1b")
        theirs.load(["Oa08", "solar_zenith_angle"])
        percent, zenith = theirs["Oa08"].values, theirs["solar_zenith_angle"].values
    ours = open_scene(folder).load()
    cosine = np.cos(np.radians(ours["sun_zenith"].values))
    both = ~np.isnan(ours["red"].values)
    np.testing.assert_allclose((ours["red"].values * cosine)[both], percent[both] / 100, rtol=1e-6)
    np.testing.assert_allclose(ours["sun_zenith"], zenith, atol=0.02)  # a cubic between far tie points
    # satpy gives the pixel without a detector the irradiance of detector 0; here it has none.
    assert np.isnan(ours["red"].values[0, 0])
    assert np.isfinite(percent[0, 0])


def test_every_way_to_the_folder_gives_the_same(folder: Path, tmp_path: Path) -> None:
    expected = open_scene(folder)["green"].values
    renamed = tmp_path / "lost_name"
    shutil.copytree(folder, renamed)
    outer = tmp_path / "downloads"
    shutil.copytree(folder, outer / folder.name)
    bare = tmp_path / make.OLCI_NAME
    shutil.copytree(folder, bare)
    for way in (
        folder / "Oa08_radiance.nc",
        folder / "xfdumanifest.xml",
        renamed,
        renamed / "Oa03_radiance.nc",
        outer,
        bare,
    ):
        scene = open_scene(way)
        np.testing.assert_array_equal(scene["green"].values, expected)
        assert scene.attrs["granule"] == make.OLCI_NAME


def test_opening_is_lazy_and_small(folder: Path) -> None:
    open_scene(folder)  # imports done
    with dask.config.set(scheduler=refuse):
        scenes = [open_scene(folder, calibration=c) for c in ("reflectance", "radiance", "counts")]
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


def test_scene_can_be_sent_to_a_worker(folder: Path) -> None:
    scene = open_scene(folder)
    again = pickle.loads(pickle.dumps(scene))
    names = ["nir", "view_zenith", "qa"]
    xr.testing.assert_identical(again[names].compute(), scene[names].compute())


def test_blocks_join_without_a_seam(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["red", "sun_zenith", "sun_azimuth", "view_azimuth", "qa"]
    whole = open_scene(folder)[names].compute()
    monkeypatch.setattr("musyq_lab.sensors._sentinel3._EDGE", 48)
    parts = open_scene(folder)[names]
    assert parts["red"].data.npartitions > 4
    xr.testing.assert_identical(parts.compute().drop_attrs(), whole.drop_attrs())


@pytest.mark.parametrize(
    "name", ["tie_geometries.nc", "instrument_data.nc", "geo_coordinates.nc", "qualityFlags.nc", "xfdumanifest.xml"]
)
def test_a_missing_member_is_named(folder: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    (copy / name).unlink()
    with pytest.raises(SceneError, match=rf"{copy.name} lacks {name}, which holds .* fetch it again"):
        open_scene(copy)


def test_a_missing_band_is_left_out_and_named(tmp_path: Path) -> None:
    scene = open_scene(make.olci(tmp_path, bands=(6, 8, 17)))
    assert {"green", "red", "nir"} <= set(scene.data_vars)
    assert "blue" not in scene
    assert "blue" in scene.attrs["bands_missing"]
    np.testing.assert_allclose(scene["nir"][:, ::64], expected_reflectance(17)[:, ::64], rtol=1e-6)


def test_no_band_at_all(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="there are no bands in it"):
        open_scene(make.olci(tmp_path, bands=()))


def test_reduced_resolution_says_so(tmp_path: Path) -> None:
    name = make.OLCI_NAME.replace("EFR", "ERR")
    scene = open_scene(make.olci(tmp_path, name=name, kind="OL_1_ERR___"))
    assert scene.attrs["resolution"] == 1200.0
    folder = Path(scene.encoding["source"])
    assert list(scene_grids(folder)) == [1200.0]
    assert open_scene(folder, resolution=1200).sizes == scene.sizes
    with pytest.raises(InputError, match=r"has no grid of 300 m\. It has 1200 m"):
        open_scene(folder, resolution=300)


def test_another_product_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="holds the product OL_2_LFR___, not Sentinel-3 OLCI Level-1"):
        open_scene(make.olci(tmp_path, kind="OL_2_LFR___"))


def test_a_zip_file_is_to_be_unpacked(folder: Path, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / f"{make.OLCI_NAME}.SEN3"), "zip", folder.parent, folder.name)
    with pytest.raises(SceneError, match=r"is a zip file\. Unpack it"):
        open_scene(archive)


@pytest.mark.parametrize("name", ["Oa08_radiance.nc", "tie_geometries.nc", "instrument_data.nc", "xfdumanifest.xml"])
@pytest.mark.parametrize("left", [0, 700])
def test_a_cut_or_empty_member_is_named(folder: Path, tmp_path: Path, name: str, left: int) -> None:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    (copy / name).write_bytes((copy / name).read_bytes()[:left])
    with pytest.raises(ArchiveError, match=name.replace(".", r"\.")):
        open_scene(copy)


def test_members_of_different_granules_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    flags = {"quality_flags": (make.olci_flags(19), {})}
    make.member(copy / "qualityFlags.nc", make.OLCI_NAME, flags)
    with pytest.raises(SceneError, match="do not belong together"):
        open_scene(copy)


def test_too_few_tie_points_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    with netCDF4.Dataset(copy / "tie_geometries.nc", "a") as file:
        file.ac_subsampling_factor = np.int16(16)
    with pytest.raises(SceneError, match="5 tie points, 16 pixels apart, for 257 pixels"):
        open_scene(copy)


def test_damage_within_a_band_is_named_when_it_is_computed(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    path = copy / "Oa08_radiance.nc"
    import h5py

    with h5py.File(path, "r") as file:
        chunk = file["Oa08_radiance"].id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    data[chunk.byte_offset : chunk.byte_offset + chunk.size] = b"\xff" * chunk.size
    path.write_bytes(data)
    scene = open_scene(copy)
    with pytest.raises(ArchiveError, match=r"Oa08_radiance\.nc is damaged"):
        scene["red"].compute(scheduler="synchronous")


def _reason(folder: Path) -> str:
    """Return why a folder cannot be read; empty where it can."""
    try:
        open_scene(folder)[["red", "qa"]].compute(scheduler="synchronous")
    except MusyqError as error:
        return str(error)
    return ""


def test_mutated_folders_give_a_scene_or_a_plain_error(folder: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    members = ("Oa08_radiance.nc", "tie_geometries.nc", "instrument_data.nc", "geo_coordinates.nc", "xfdumanifest.xml")
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    for number in range(40):
        name = members[number % len(members)]
        good = (folder / name).read_bytes()
        data = bytearray(good)
        for place in random.integers(0, min(len(data), 4096), size=8):
            data[place] = random.integers(0, 256)
        (copy / name).write_bytes(data)
        reason = _reason(copy)
        assert not reason or str(tmp_path) in reason
        (copy / name).write_bytes(good)


@pytest.mark.parametrize("row", SPEC.bands, ids=lambda b: b.native)
def test_centres_are_those_of_the_published_responses(row) -> None:
    table = json.loads(shared("reference_srf_calibration_CN/Sentinel/Sentinel.json").read_text())
    band = table["S3A"]["OLCI"][f"B{int(row.native[2:])}"]
    wavelength = np.linspace(*band["wl"], len(band["SRF"]))  # steps of 2.5 nm
    assert row.centre == pytest.approx(np.average(wavelength, weights=band["SRF"]), abs=0.0015)


@pytest.mark.parametrize("name", ["ppetest.nc", "ppetest2.nc"])
def test_real_numbers_in_a_folder_give_the_producers_reflectance(tmp_path: Path, name: str) -> None:
    """A folder made of a real granule's stored numbers, irradiances by detector and tie points."""
    source = shared(f"sentinel3_olci_L1_subset/{name}")
    with xr.open_dataset(source, mask_and_scale=False, decode_times=False) as real:
        place, skip = _sen3(real.load(), tmp_path)
    scene = open_scene(place).isel(x=slice(skip, None)).load()
    with xr.open_dataset(source, decode_times=False) as real:
        zenith = _producers_zenith(real)
        for row in SPEC.bands:
            radiance = real[f"{row.native}_radiance"].values.astype(float)
            flux = real[f"solar_flux_band_{int(row.native[2:])}"].values.astype(float)
            expected = np.pi * radiance / (flux * np.cos(np.radians(zenith)))
            np.testing.assert_allclose(scene[row.name], expected, rtol=2e-6)
        np.testing.assert_allclose(scene["sun_zenith"], zenith, atol=2e-4)
    assert 0.01 < float(scene["nir"].median()) < float(scene["blue"].median()) < 0.3  # an estuary


def _producers_zenith(real: xr.Dataset) -> np.ndarray:
    tie = real["SZA"]
    rows, columns = real["Oa01_radiance"].shape
    places = tie.attrs["offset_x"] + tie.attrs["subsampling_x"] * np.arange(tie.shape[1])
    return np.stack([np.interp(np.arange(columns), places, line) for line in tie.values[:rows].astype(float)])


def _sen3(real: xr.Dataset, root: Path) -> tuple[Path, int]:
    """Write a folder of a subset: columns are put before it so that it begins at a tie point."""
    place = make.olci(root)
    name, skip = make.OLCI_NAME, int(-real["SZA"].attrs["offset_x"])
    rows, columns = real["Oa01_radiance"].shape
    wide = (rows, skip + columns)

    def padded(values: np.ndarray, dtype: str, fill: float) -> np.ndarray:
        made = np.full(wide, fill, dtype)
        made[:, skip:] = values
        return made

    flux = np.full((21, 4000), -1.0, "f4")
    index = real["detector_index"].values
    for row in SPEC.bands:
        number, key = int(row.native[2:]), f"{row.native}_radiance"
        stored = padded(real[key].values.view("u2"), "u2", 65535)
        attrs = {"scale_factor": real[key].attrs["scale_factor"], "_FillValue": np.uint16(65535)}
        make.member(place / f"{key}.nc", name, {key: (stored, attrs)})
        flux[number - 1, index] = real[f"solar_flux_band_{number}"].values
    instrument = {
        "solar_flux": (flux, {}, ("bands", "detectors")),
        "detector_index": (padded(index, "i2", -1), {"_FillValue": np.int16(-1)}),
    }
    make.member(place / "instrument_data.nc", name, instrument)
    ties = {key: make.degrees(real[key].values.astype(float)) for key in ("SZA", "SAA", "OZA", "OAA")}
    steps = {"ac_subsampling_factor": np.int16(64), "al_subsampling_factor": np.int16(1)}
    make.member(place / "tie_geometries.nc", name, ties, ("tie_rows", "tie_columns"), **steps)
    flags = padded(real["quality_flags"].values.view("u4"), "u4", 1 << 25)
    make.member(place / "qualityFlags.nc", name, {"quality_flags": (flags, {})})
    make.member(place / "geo_coordinates.nc", name, make.places(np.zeros(wide), np.zeros(wide)))
    return place, skip
