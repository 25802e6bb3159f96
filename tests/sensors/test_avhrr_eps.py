"""AVHRR of Metop in EPS native format: products in the native layout."""

from __future__ import annotations

import pickle
import tracemalloc
import warnings
from datetime import datetime
from pathlib import Path

import dask
import numpy as np
import pytest
import xarray as xr
from sensors import make_avhrr as make

from musyq_lab.core.errors import MusyqError, SceneError
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.sensors._open import open_scene
from musyq_lab.sensors._time import sun_distance

MADE = make.eps()
CHANNEL = {"red": 0, "nir": 1, "swir1": 2, "mir": 2, "tir1": 3, "tir2": 4}
SCALE = {"red": 1e-2, "nir": 1e-2, "swir1": 1e-4, "mir": 1e-4, "tir1": 1e-2, "tir2": 1e-2}
LINES = {"swir1": [0, 2, 3], "mir": [1]}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MADE.write(tmp_path_factory.mktemp("eps") / f"{make.EPS_NAME}.nat")


@pytest.fixture(scope="module")
def scene(path: Path) -> xr.Dataset:
    return open_scene(path).load()


def stored(name: str) -> np.ndarray:
    values = MADE.radiances[:, CHANNEL[name]].astype(float)
    values[values == make.EPS_FILL] = np.nan
    if name in LINES:
        values[[n for n in range(4) if n not in LINES[name]]] = np.nan
    return values


@pytest.mark.parametrize(("name", "number"), [("red", 0), ("nir", 1), ("swir1", 2)])
def test_reflectance_under_a_slanting_sun_at_its_distance(
    path: Path, scene: xr.Dataset, name: str, number: int
) -> None:
    zenith = make.sun_zenith(4, np.arange(2048.0), 2048)
    square = sun_distance(datetime(2015, 6, 21, 9, 30, 3)) ** 2
    flux, width = make.IRRADIANCE[number] * 0.1, make.WIDTH[number] * 0.001
    expected = np.pi * stored(name) * SCALE[name] * square / (flux * np.cos(np.radians(zenith)))
    np.testing.assert_array_equal(np.isnan(scene[name]), np.isnan(expected))
    # The file stores the zenith angle to 0.01 degree, which at 65 degree is 2e-4 of the reflectance.
    np.testing.assert_allclose(scene[name], expected, rtol=4e-4)
    back = scene[name] * np.cos(np.radians(scene["sun_zenith"].astype(float))) * flux / (np.pi * square)
    assert np.nanmax(np.abs(back - stored(name) * SCALE[name])) < 0.5 * SCALE[name]
    radiance = open_scene(path, calibration="radiance")[name]
    np.testing.assert_allclose(radiance, stored(name) * SCALE[name] / width, rtol=1e-6)
    assert radiance.attrs["units"] == "W m-2 sr-1 um-1"


@pytest.mark.parametrize(("name", "number", "scale"), [("mir", 0, 1e-2), ("tir1", 1, 1e-3), ("tir2", 2, 1e-3)])
def test_thermal(path: Path, scene: xr.Dataset, name: str, number: int, scale: float) -> None:
    nu = make.EPS_WAVENUMBER[number] * scale
    radiance = stored(name) * SCALE[name]
    effective = 1.4387752 * nu / np.log(1.0 + 1.1910427e-5 * nu**3 / radiance)
    expected = make.EPS_CONSTANT[number] * 1e-5 + make.EPS_SLOPE[number] * 1e-6 * effective
    np.testing.assert_allclose(scene[name], expected, atol=2e-3)
    per_wavelength = open_scene(path, calibration="radiance")[name]
    np.testing.assert_allclose(per_wavelength, radiance * 10.0 / (1e4 / nu) ** 2, rtol=1e-6)


@pytest.mark.parametrize("name", CHANNEL)
def test_counts_are_what_is_stored(path: Path, name: str) -> None:
    made = open_scene(path, calibration="counts")[name]
    np.testing.assert_array_equal(made, np.nan_to_num(stored(name), nan=make.EPS_FILL).astype("i2"))
    assert made.dtype == np.int16


def test_places_and_angles(scene: xr.Dataset) -> None:
    known = MADE.swath.at(np.arange(2048.0))
    for name in ("longitude", "latitude"):
        np.testing.assert_allclose(scene[name], known[name], atol=5e-4)
    for name in ("view_zenith", "view_azimuth"):
        off = known["view_zenith"] > 0.5
        np.testing.assert_allclose(
            scene[name].values[off], known[name][off], atol=0.6 if name == "view_azimuth" else 0.02
        )
    np.testing.assert_allclose(scene["sun_zenith"], make.sun_zenith(4, np.arange(2048.0), 2048), atol=0.01)
    np.testing.assert_allclose(scene["sun_azimuth"], 160.0, atol=0.01)
    assert scene.attrs["platform"] == "Metop-B"
    assert scene.attrs["time_coverage_start"] == "2015-06-21T09:30:03.000Z"
    assert scene.attrs["time_coverage_end"] == "2015-06-21T09:30:04.000Z"


def test_agrees_with_satpy_but_for_the_distance_and_fill(path: Path, scene: xr.Dataset) -> None:
    satpy = pytest.importorskip("satpy")
    solar = {"red": "1", "nir": "2", "swir1": "3a"}
    thermal = {"mir": "3b", "tir1": "4", "tir2": "5"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = satpy.Scene([str(path)], reader="avhrr_l1b_eps")
        queries = {n: satpy.DataQuery(name=t, calibration="reflectance") for n, t in solar.items()}
        queries |= {n: satpy.DataQuery(name=t, calibration="brightness_temperature") for n, t in thermal.items()}
        theirs.load([*queries.values(), "longitude", "solar_zenith_angle"])
        made = {name: theirs[query].values for name, query in queries.items()}
        longitude = theirs["longitude"].values
    cosine = np.cos(np.radians(scene["sun_zenith"].values))
    square = sun_distance(datetime(2015, 6, 21, 9, 30, 3)) ** 2
    ok = slice(1, None)  # the first line holds fill, which satpy takes for a value
    for name in solar:
        np.testing.assert_allclose(scene[name][ok] * cosine[ok] / square, made[name][ok] / 100, rtol=1e-6)
    for name in thermal:
        np.testing.assert_allclose(scene[name][ok], made[name][ok], atol=3e-3)
    np.testing.assert_allclose(scene["longitude"], longitude, atol=1e-3)
    assert np.isfinite(made["red"][0, 7])
    assert np.isnan(scene["red"][0, 7])


def flags(value: int) -> set[str]:
    return {name for name, flag in SCENE_FLAG.items() if value & flag.mask}


def test_quality(tmp_path: Path) -> None:
    made = make.eps(
        5,
        quality={1: 1 << 31, 2: 1 << 27, 3: 1 << 28},
        degraded=(4,),
        clouds={(0, 20): 1 << 15, (0, 21): 1 << 14, (0, 22): 0b1111, (0, 23): 1 << 5},
    )
    scene = open_scene(made.write(tmp_path / make.EPS_NAME)).load()
    qa = scene["qa"].values
    assert [flags(qa[line, 100]) for line in range(5)] == [
        set(),
        {"no_data"},
        {"no_data"},
        {"low_quality"},
        {"low_quality"},
    ]
    clouds = [flags(qa[0, column]) for column in (20, 21, 22, 23)]
    assert clouds == [{"cloud_possible"}, set(), set(), {"cloud_possible"}]
    assert flags(qa[0, 7]) == {"no_data"}  # fill in every band
    assert scene["longitude"][2].isnull().all()
    assert scene["tir1"][1].isnull().all()


def test_lost_lines_are_left_out_and_counted(tmp_path: Path, scene: xr.Dataset) -> None:
    made = open_scene(make.eps(lost=(1, 3)).write(tmp_path / make.EPS_NAME))
    assert made.attrs["lines_lost"] == 2
    xr.testing.assert_equal(made.load(), scene)


@pytest.mark.parametrize("name", [f"{make.EPS_NAME}.nat", make.EPS_NAME, "renamed.bin"])
def test_found_by_name_or_content(tmp_path: Path, name: str) -> None:
    assert open_scene(MADE.write(tmp_path / name)).attrs["sensor"] == "avhrr_eps"


@pytest.mark.parametrize(("spacecraft", "platform"), [("M01", "Metop-B"), ("M02", "Metop-A"), ("M03", "Metop-C")])
def test_platform(tmp_path: Path, spacecraft: str, platform: str) -> None:
    made = open_scene(make.eps(1, spacecraft=spacecraft).write(tmp_path / make.EPS_NAME))
    assert made.attrs["platform"] == platform


def test_opening_is_lazy_and_small(path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a pixel was computed")

    with dask.config.set(scheduler=refuse):
        scenes = [open_scene(path, calibration=c) for c in ("reflectance", "radiance", "counts")]
    tracemalloc.start()
    open_scene(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6
    assert all(v.chunks for s in scenes for v in (*s.data_vars.values(), s["longitude"]))


def test_bands_cannot_be_mistaken_for_each_other(path: Path) -> None:
    """dask cuts the names of joined tasks at 115 letters and adds 16 bits: bands of one long name get mixed up."""
    (scene,) = dask.optimize(open_scene(path))
    names = {key[0] if isinstance(key, tuple) else key for key in dict(scene.__dask_graph__())}
    assert max(map(len, names)) < 115


def test_scene_can_be_sent_to_a_worker(path: Path, scene: xr.Dataset) -> None:
    again = pickle.loads(pickle.dumps(open_scene(path)))
    xr.testing.assert_identical(again.compute().drop_attrs(), scene.drop_attrs())


def test_blocks_join_without_a_seam(tmp_path: Path, scene: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("musyq_lab.sensors._avhrr._BLOCK", 2048 * 4 * 3)
    parts = open_scene(make.eps(lost=(2,)).write(tmp_path / make.EPS_NAME))
    assert parts["red"].data.npartitions == 2
    xr.testing.assert_equal(parts.compute(), scene)


@pytest.mark.parametrize("left", [10, 3000, 3307 + 50, 4000, -1, -26660 - 5])
def test_a_file_cut_short(path: Path, tmp_path: Path, left: int) -> None:
    copy = tmp_path / make.EPS_NAME
    copy.write_bytes(path.read_bytes()[:left])
    with pytest.raises(SceneError, match=rf"{make.EPS_NAME} is cut off"):
        open_scene(copy)


def test_no_lines(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / make.EPS_NAME
    copy.write_bytes(path.read_bytes()[: -4 * 26660])
    with pytest.raises(SceneError, match="lacks its lines"):
        open_scene(copy)


def test_an_empty_file(tmp_path: Path) -> None:
    copy = tmp_path / make.EPS_NAME
    copy.write_bytes(b"")
    with pytest.raises(SceneError, match=make.EPS_NAME):
        open_scene(copy)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"AVHR_xxx_1B", b"IASI_xxx_1C", "is no AVHRR Level 1B product"),
        (b"= M01", b"= N18", "names the satellite N18"),
        (b"20150621093003Z\nSENSING_END", b"2015x621093003Z\nSENSING_END", "which is no time"),
        (b"SENSING_START ", b"SENSING_BEGIN ", "lacks SENSING_START"),
        (b" 2048\n", b"  409\n", r"409 samples a line"),
        (b" 2048\n", b"  x09\n", "which is no number"),
    ],
)
def test_a_wrong_header(path: Path, tmp_path: Path, old: bytes, new: bytes, reason: str) -> None:
    data = path.read_bytes()
    assert old in data
    copy = tmp_path / make.EPS_NAME
    copy.write_bytes(data.replace(old, new))
    with pytest.raises(SceneError, match=reason):
        open_scene(copy)


def test_constants_that_are_none(path: Path, tmp_path: Path) -> None:
    data = bytearray(path.read_bytes())
    place = data.index(MADE.constants()[62:])
    data[place : place + 48] = bytes(48)
    copy = tmp_path / make.EPS_NAME
    copy.write_bytes(data)
    with pytest.raises(SceneError, match="none of an AVHRR"):
        open_scene(copy)


def test_mutated_products_give_a_scene_or_a_plain_error(path: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    good, copy = path.read_bytes(), tmp_path / make.EPS_NAME
    for number in range(40):
        data = bytearray(good)
        for place in random.integers(0, 3900 if number % 2 else len(data), size=10):
            data[place] = random.integers(0, 256)
        copy.write_bytes(data[: random.integers(0, len(data))] if number % 5 == 0 else data)
        reason = _reason(copy)
        assert not reason or str(tmp_path) in reason


def _reason(path: Path) -> str:
    """Return why a product cannot be read; empty where it can."""
    try:
        open_scene(path)[["red", "tir1", "qa", "view_zenith"]].compute(scheduler="synchronous")
    except MusyqError as error:
        return str(error)
    return ""
