"""AVHRR GAC Level 1b of the KLM series: data sets in the native layout."""

from __future__ import annotations

import math
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
from musyq_lab.sensors.avhrr_gac import SPEC

MADE = make.gac()
COLUMNS = np.arange(409.0)
SOLAR = {"red": 0, "nir": 1, "swir1": 2}
THERMAL = {"mir": 0, "tir1": 1, "tir2": 2}
LINES = {"red": range(6), "nir": range(6), "swir1": [3], "mir": [0, 1, 4, 5], "tir1": range(6), "tir2": range(6)}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MADE.write(tmp_path_factory.mktemp("gac") / make.GAC_NAME)


@pytest.fixture(scope="module")
def scene(path: Path) -> xr.Dataset:
    return open_scene(path).load()


def counts(name: str) -> np.ndarray:
    channel = {"red": 0, "nir": 1, "swir1": 2, "mir": 2, "tir1": 3, "tir2": 4}[name]
    values = MADE.counts[:, :, channel].astype(float)
    other = [line for line in range(6) if line not in LINES[name]]
    values[other] = np.nan
    return values


def albedo(name: str) -> np.ndarray:
    """Return percent albedo by the guide's two lines (section 7.1.1)."""
    s1, i1, s2, i2, corner = make.VISIBLE[SOLAR[name]].astype(float)
    c = counts(name)
    return np.where(c <= corner, s1 / 1e7 * c + i1 / 1e6, s2 / 1e7 * c + i2 / 1e6)


def thermal_radiance(name: str, last: float = 1e7) -> np.ndarray:
    """Return mW m-2 sr-1 (cm-1)-1 by the guide's parabola (section 7.1.2.4)."""
    a0, a1, a2 = make.INFRARED[THERMAL[name]].astype(float)
    c = counts(name)
    return a0 / 1e6 + a1 / 1e6 * c + a2 / (1e6 if name == "mir" else last) * c**2


def wavenumber(name: str) -> float:
    return make.WAVENUMBER[THERMAL[name]] * (1e-2 if name == "mir" else 1e-3)


def temperature(name: str, radiance: np.ndarray) -> np.ndarray:
    nu = wavenumber(name)
    a, b = make.CONSTANT[THERMAL[name]] * 1e-5, make.SLOPE[THERMAL[name]] * 1e-6
    with np.errstate(invalid="ignore", divide="ignore"):
        effective = 1.4387752 * nu / np.log(1.0 + 1.1910427e-5 * nu**3 / radiance)
    return np.where(radiance > 0, (effective - a) / b, np.nan)


@pytest.mark.parametrize("name", SOLAR)
def test_reflectance_under_a_slanting_sun_at_its_distance(scene: xr.Dataset, name: str) -> None:
    zenith = make.sun_zenith(6, COLUMNS, 409)
    square = sun_distance(datetime(2009, 6, 21, 10, 30)) ** 2
    assert square == pytest.approx(1.0327, abs=3e-4)  # 1.0162 AU in midsummer
    expected = albedo(name) / 100 * square / np.cos(np.radians(zenith))
    np.testing.assert_array_equal(np.isnan(scene[name]), np.isnan(expected))
    # The file stores the zenith angle to 0.01 degree, which at 65 degree is 2e-4 of the reflectance.
    np.testing.assert_allclose(scene[name], expected, rtol=6e-4, atol=1e-6)
    back = scene[name] * np.cos(np.radians(scene["sun_zenith"].astype(float))) / square
    assert np.nanmax(np.abs(back - albedo(name) / 100)) < 0.5 * make.VISIBLE[SOLAR[name], 0] / 1e9
    assert scene[name].attrs["units"] == "1"


@pytest.mark.parametrize("name", SOLAR)
def test_solar_radiance(path: Path, name: str) -> None:
    made = open_scene(path, calibration="radiance")[name]
    flux, width = make.IRRADIANCE[SOLAR[name]] * 0.1, make.WIDTH[SOLAR[name]] * 0.001
    np.testing.assert_allclose(made, albedo(name) / 100 * flux / math.pi / width, rtol=1e-6)
    assert made.attrs["units"] == "W m-2 sr-1 um-1"


@pytest.mark.parametrize("name", THERMAL)
def test_brightness_temperature(scene: xr.Dataset, name: str) -> None:
    expected = temperature(name, thermal_radiance(name))
    assert np.isfinite(expected).mean() > 0.4
    np.testing.assert_allclose(scene[name], expected, atol=2e-3)
    assert scene[name].attrs["units"] == "K"


@pytest.mark.parametrize("name", THERMAL)
def test_thermal_radiance_per_wavelength(path: Path, name: str) -> None:
    made = open_scene(path, calibration="radiance")[name]
    metres = 0.01 / wavenumber(name)
    # L dnu = L' dlambda: per cm-1 to per m-1, to per m of wavelength, to per um; and mW to W.
    expected = thermal_radiance(name) * 1e-3 * 1e-2 / metres**2 * 1e-6
    np.testing.assert_allclose(made, expected, rtol=1e-6)


def test_the_last_coefficient_had_one_digit_less_before_2005(tmp_path: Path) -> None:
    old = open_scene(make.gac(version=2).write(tmp_path / make.GAC_NAME))
    np.testing.assert_allclose(old["tir1"], temperature("tir1", thermal_radiance("tir1", last=1e6)), atol=2e-3)
    np.testing.assert_allclose(old["mir"], temperature("mir", thermal_radiance("mir")), atol=2e-3)


@pytest.mark.parametrize("name", [*SOLAR, *THERMAL])
def test_counts_are_what_is_stored(path: Path, name: str) -> None:
    made = open_scene(path, calibration="counts")[name]
    np.testing.assert_array_equal(made, np.nan_to_num(counts(name)).astype("u2"))
    assert made.dtype == np.uint16
    assert made.attrs["fill_values"] == [0.0]


def test_each_line_holds_3a_or_3b_or_neither(scene: xr.Dataset) -> None:
    held = {name: [int(n) for n in np.flatnonzero(scene[name].notnull().any("x"))] for name in ("swir1", "mir")}
    assert held == {"swir1": [3], "mir": [0, 1, 4, 5]}


def test_places_and_view(scene: xr.Dataset) -> None:
    known = MADE.swath.at(COLUMNS)
    inner = slice(4, 405)
    for name in ("longitude", "latitude"):
        np.testing.assert_allclose(scene[name][:, inner], known[name][:, inner], atol=2e-3)
        np.testing.assert_allclose(scene[name], known[name], atol=8e-3)
    np.testing.assert_allclose(scene["view_zenith"], known["view_zenith"], atol=0.03)
    off = known["view_zenith"] > 1.0
    apart = (scene["view_azimuth"].values - known["view_azimuth"] + 180.0) % 360.0 - 180.0
    assert np.abs(apart[off]).max() < 0.5
    zenith = make.sun_zenith(6, COLUMNS, 409)
    np.testing.assert_allclose(scene["sun_zenith"][:, inner], zenith[:, inner], atol=0.009)
    np.testing.assert_allclose(scene["sun_zenith"], zenith, atol=0.02)


def test_the_azimuth_of_the_sun_is_computed(scene: xr.Dataset) -> None:
    astronomy = pytest.importorskip("pyorbital.astronomy")
    for line, column in ((0, 0), (5, 204), (3, 408)):
        where = float(scene["longitude"][line, column]), float(scene["latitude"][line, column])
        moment = datetime(2009, 6, 21, 10, 30, 0, 500_000 * line % 1_000_000)
        azimuth = math.degrees(astronomy.get_alt_az(moment, *where)[1]) % 360.0
        assert float(scene["sun_azimuth"][line, column]) == pytest.approx(azimuth, abs=0.05)


def test_each_line_has_its_own_instant(tmp_path: Path) -> None:
    """Lines were lost: the last was seen four minutes after the one before, when the Earth had turned by a degree."""
    plain = make.gac().write(tmp_path / make.GAC_NAME)
    whole = open_scene(plain)["sun_azimuth"].values
    raw = bytearray(plain.read_bytes())
    at = 4608 * 6 + 8  # octets 9 to 12 of the sixth line
    raw[at : at + 4] = (int.from_bytes(raw[at : at + 4], "big") + 240_000).to_bytes(4, "big")
    raw[4608 * 3 + 2 : 4608 * 3 + 4] = bytes(2)  # the year of the third
    plain.write_bytes(raw)
    scene = open_scene(plain)["sun_azimuth"].values
    np.testing.assert_array_equal(scene[[0, 1, 3, 4]], whole[[0, 1, 3, 4]])
    assert ((scene[5] - whole[5] > 0.5) & (scene[5] - whole[5] < 3.0)).all()
    assert np.isnan(scene[2]).all()


def test_agrees_with_pygac(path: Path) -> None:
    reader = pytest.importorskip("pygac.gac_klm").GACKLMReader()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader.read(str(path))
        theirs = np.asarray(reader.get_counts())
        longitude, latitude = reader.get_lonlat()
    ours = open_scene(path, calibration="counts").load()
    for number, name in enumerate(("red", "nir", "swir1", "mir", "tir1", "tir2")):
        np.testing.assert_array_equal(ours[name], theirs[:, :, number])
    np.testing.assert_allclose(ours["longitude"], longitude, atol=0.02)  # beyond the last tie point
    np.testing.assert_allclose(ours["longitude"][:, 8:400], longitude[:, 8:400], atol=2e-3)
    np.testing.assert_allclose(ours["latitude"][:, 8:400], latitude[:, 8:400], atol=1e-3)


def flags(value: int) -> set[str]:
    return {name for name, flag in SCENE_FLAG.items() if value & flag.mask}


def test_quality(tmp_path: Path) -> None:
    made = make.gac(
        quality={0: 1 << 31, 1: 1 << 28, 4: 1 << 27},
        clavr={(5, 10): 3, (5, 11): 2, (5, 12): 1, (5, 13): 0, (5, 408): 3},
    )
    scene = open_scene(made.write(tmp_path / make.GAC_NAME)).load()
    qa = scene["qa"].values
    assert flags(qa[0, 100]) == {"no_data"}
    assert flags(qa[1, 100]) == {"low_quality"}
    assert flags(qa[4, 100]) == {"no_data"}
    assert [flags(qa[5, c]) for c in (10, 11, 12, 13, 408)] == [
        {"cloud"},
        {"cloud_possible"},
        {"cloud_possible"},
        set(),
        {"cloud"},
    ]
    assert scene["red"][[0, 4]].isnull().all()
    assert scene["longitude"][4].isnull().all()
    assert scene["longitude"][0].notnull().all()


def test_saturation(path: Path, tmp_path: Path) -> None:
    data = bytearray(path.read_bytes())
    word = 4608 + 1264  # first three samples of the first line: channels 1, 2, 3 of the first column
    data[word : word + 4] = (1023 << 20 | 500 << 10 | 500).to_bytes(4, "big")
    copy = tmp_path / make.GAC_NAME
    copy.write_bytes(data)
    qa = open_scene(copy)["qa"].values
    assert flags(qa[0, 0]) == {"saturated"}
    assert flags(qa[0, 1]) == set()


def test_cloud_codes_count_only_where_the_record_says_so(scene: xr.Dataset) -> None:
    assert not (scene["qa"] & (SCENE_FLAG["cloud"].mask | SCENE_FLAG["cloud_possible"].mask)).any()


@pytest.mark.parametrize("archived", [False, True])
@pytest.mark.parametrize("name", [make.GAC_NAME, f"{make.GAC_NAME}.l1b", "renamed.bin"])
def test_found_by_name_or_content_with_or_without_the_archives_header(
    tmp_path: Path, scene: xr.Dataset, archived: bool, name: str
) -> None:
    made = open_scene(MADE.write(tmp_path / name, archive_header=archived))
    assert made.attrs["sensor"] == "avhrr_gac"
    xr.testing.assert_equal(made[["red", "tir2", "qa"]].load(), scene[["red", "tir2", "qa"]])


@pytest.mark.parametrize(
    ("number", "platform"),
    [(4, "NOAA-15"), (2, "NOAA-16"), (6, "NOAA-17"), (7, "NOAA-18"), (12, "Metop-A"), (11, "Metop-B"), (13, "Metop-C")],
)
def test_platform_and_its_rows(tmp_path: Path, number: int, platform: str) -> None:
    made = make.gac()
    made.satellite = number
    scene = open_scene(made.write(tmp_path / make.GAC_NAME))
    assert scene.attrs["platform"] == platform
    assert scene["nir"].attrs["wavelength"] == SPEC.band("nir", platform).centre


def test_time(scene: xr.Dataset) -> None:
    assert scene.attrs["time_coverage_start"] == "2009-06-21T10:30:00.000Z"
    assert scene.attrs["time_coverage_end"] == "2009-06-21T10:30:03.000Z"


def test_opening_is_lazy_and_small(tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a pixel was computed")

    made = MADE.write(tmp_path / make.GAC_NAME)
    with made.open("r+b") as file:
        file.truncate(4608 * 13_001)  # an orbit of empty lines, sparse on the disk
    with dask.config.set(scheduler=refuse):
        scenes = [open_scene(made, calibration=c) for c in ("reflectance", "radiance", "counts")]
    tracemalloc.start()
    scene = open_scene(made)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6
    assert scene["red"].shape == (13_000, 409)
    assert max(scene["red"].data.chunksize) < 13_000
    assert all(v.chunks for s in scenes for v in (*s.data_vars.values(), s["longitude"]))


def test_bands_cannot_be_mistaken_for_each_other(path: Path) -> None:
    """dask cuts the names of joined tasks at 115 letters and adds 16 bits: bands of one long name get mixed up."""
    (scene,) = dask.optimize(open_scene(path))
    names = {key[0] if isinstance(key, tuple) else key for key in dict(scene.__dask_graph__())}
    assert max(map(len, names)) < 115


def test_scene_can_be_sent_to_a_worker(path: Path, scene: xr.Dataset) -> None:
    again = pickle.loads(pickle.dumps(open_scene(path)))
    xr.testing.assert_identical(again.compute().drop_attrs(), scene.drop_attrs())


def test_blocks_join_without_a_seam(path: Path, scene: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("musyq_lab.sensors._avhrr._BLOCK", 409 * 4 * 2)
    parts = open_scene(path)
    assert parts["red"].data.npartitions == 3
    xr.testing.assert_identical(parts.compute().drop_attrs(), scene.drop_attrs())


@pytest.mark.parametrize("left", [100, 460, 4608, 4608 + 100, 4608 * 3 + 1])
def test_a_file_cut_short(path: Path, tmp_path: Path, left: int) -> None:
    copy = tmp_path / make.GAC_NAME
    copy.write_bytes(path.read_bytes()[:left])
    with pytest.raises(SceneError, match=r"B0192021\.GC is cut off"):
        open_scene(copy)


def test_an_empty_file(tmp_path: Path) -> None:
    copy = tmp_path / make.GAC_NAME
    copy.write_bytes(b"")
    with pytest.raises(SceneError, match=make.GAC_NAME):
        open_scene(copy)


@pytest.mark.parametrize(
    ("octet", "form", "values", "reason"),
    [
        (73, "H", (99,), "names the satellite number 99"),
        (85, "H", (1900,), "gives the time 1900"),
        (281, "i", (0,), "none of an AVHRR"),
        (257, "i", (-5,), "none of an AVHRR"),
        (23, "42s", (b"NSS.GHRR.NJ.D95001.S0000.E0100.B0000000.GC",), "NOAA-14 and before"),
        (23, "42s", (make.LAC_NAME.encode(),), "kind FRAC, not GHRR|content says"),
    ],
)
def test_a_wrong_header(path: Path, tmp_path: Path, octet: int, form: str, values: tuple, reason: str) -> None:
    data = bytearray(path.read_bytes())
    make.put(data, octet, form, *values)
    copy = tmp_path / make.GAC_NAME
    copy.write_bytes(data)
    with pytest.raises(SceneError, match=reason):
        open_scene(copy)


def test_a_satellite_before_noaa_15_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "NSS.GHRR.NJ.D95001.S0010.E0200.B0000001.GC"
    path.write_bytes(bytes(3220 * 3))
    with pytest.raises(SceneError, match="NOAA-14 and before have another layout, which is not read"):
        open_scene(path)


def test_lines_without_coefficients_have_no_values(path: Path, tmp_path: Path) -> None:
    data = bytearray(path.read_bytes())
    start = 4608 * 2
    data[start + 48 : start + 300] = bytes(252)  # of the second line
    copy = tmp_path / make.GAC_NAME
    copy.write_bytes(data)
    scene = open_scene(copy).load()
    assert scene["red"][1].isnull().all()
    assert scene["tir1"][1].isnull().all()
    assert scene["red"][2].notnull().all()


def test_mutated_data_sets_give_a_scene_or_a_plain_error(path: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    good, copy = path.read_bytes(), tmp_path / make.GAC_NAME
    for number in range(40):
        data = bytearray(good)
        for place in random.integers(0, 500 if number % 2 else len(data), size=10):
            data[place] = random.integers(0, 256)
        copy.write_bytes(data[: random.integers(0, len(data))] if number % 5 == 0 else data)
        reason = _reason(copy)
        assert not reason or str(tmp_path) in reason


def _reason(path: Path) -> str:
    """Return why a data set cannot be read; empty where it can."""
    try:
        open_scene(path).compute(scheduler="synchronous")
    except MusyqError as error:
        return str(error)
    return ""
