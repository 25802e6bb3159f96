import h5py
import numpy as np
import pytest
from sensors.make_viirs import (
    DISTANCE,
    E0,
    I_REFLECTIVE,
    I_THERMAL,
    KELVIN,
    L1B_REFLECTANCE,
    M_REFLECTIVE,
    M_THERMAL,
    RADIANCE,
    REFLECTANCE,
    STAMP,
    level1b,
    lut,
    sdr,
)
from sensors.swaths import (
    check_layout,
    cut,
    empty_like_real,
    flagged,
    flags,
    opening_memory,
    ramp,
    satpy_values,
    slanted,
)

from musyq_lab.core.errors import ArchiveError, InputError, MusyqError, SceneError
from musyq_lab.sensors._open import open_scene
from musyq_lab.sensors.npp_viirs import SPEC

GRID = {"M": 750, "I": 375}
LINES = {"M": 32, "I": 64}
NAMES = {band.native: band.name for band in SPEC.bands}


def _truth(kind):
    shape = (LINES[kind], 6)
    return {
        "rho": ramp(shape, 0.02, 1.1),
        "kelvin": ramp(shape, 210.0, 330.0),
        "sza": slanted(shape),
    }


@pytest.fixture(scope="module", params=["M", "I"])
def record(request, tmp_path_factory):
    kind, truth = request.param, _truth(request.param)
    truth["radiance"] = ramp(truth["rho"].shape, 1.0, 400.0)
    return kind, truth, sdr(tmp_path_factory.mktemp("sdr"), kind=kind, scans=(1, 1), **truth)


@pytest.fixture(scope="module", params=["M", "I"])
def nasa(request, tmp_path_factory):
    kind, truth = request.param, _truth(request.param)
    return kind, truth, level1b(tmp_path_factory.mktemp("l1b"), kind=kind, scans=2, **truth)


def bands_of(kind):
    return (M_REFLECTIVE, M_THERMAL) if kind == "M" else (I_REFLECTIVE, I_THERMAL)


# --- Sensor data records ---


def test_sdr_reflectance_is_divided_already(record):
    """Its reflectance is the factor whatever the Sun: a slanted one changes nothing."""
    kind, truth, files = record
    scene = open_scene(files[0], resolution=GRID[kind])
    check_layout(scene, SPEC, GRID[kind])
    for band in bands_of(kind)[0]:
        got = scene[NAMES[band]].values
        assert (np.abs(got - truth["rho"]) <= 0.5 * REFLECTANCE[0] + 1e-7).all(), band
    assert np.ptp(scene["sun_zenith"].values) > 60.0


def test_sdr_temperature(record):
    kind, truth, files = record
    scene = open_scene(files[-1], resolution=GRID[kind])
    for band in bands_of(kind)[1]:
        half = 0.0 if band == "M13" else 0.5 * KELVIN[0]
        assert (np.abs(scene[NAMES[band]].values - truth["kelvin"]) <= half + 2e-5).all(), band


def test_sdr_radiance(record):
    kind, truth, files = record
    scene = open_scene(files, resolution=GRID[kind], calibration="radiance")
    check_layout(scene, SPEC, GRID[kind])
    for band in [*bands_of(kind)[0], *bands_of(kind)[1]]:
        got = scene[NAMES[band]].values
        assert (np.abs(got - truth["radiance"]) <= 0.5 * RADIANCE[0] + 2e-5).all(), band


def test_sdr_counts(record):
    kind, truth, files = record
    scene = open_scene(files[0], resolution=GRID[kind], calibration="counts")
    check_layout(scene, SPEC, GRID[kind])
    first = bands_of(kind)[0][0]
    np.testing.assert_array_equal(scene[NAMES[first]].values, np.rint(truth["rho"] / REFLECTANCE[0]))
    assert scene[NAMES[first]].dtype == np.uint16


def test_sdr_beside_satpy(record):
    kind, _, files = record
    scene = open_scene(files[0], resolution=GRID[kind])
    reflective, thermal = bands_of(kind)
    names = {band: f"{band[0]}{int(band[1:]):02d}" for band in (*reflective, *thermal)}
    theirs = satpy_values(files, "viirs_sdr", names.values())
    for band in reflective:
        np.testing.assert_allclose(scene[NAMES[band]].values, theirs[names[band]] / 100.0, atol=2e-6)
    for band in thermal:
        np.testing.assert_allclose(scene[NAMES[band]].values, theirs[names[band]], atol=1e-4)


def test_sdr_geolocation(record):
    kind, truth, files = record
    scene = open_scene(files[0], resolution=GRID[kind])
    np.testing.assert_allclose(scene["sun_zenith"].values, truth["sza"], atol=1e-4)
    np.testing.assert_allclose(scene["sun_azimuth"].values, 210.0)
    np.testing.assert_allclose(scene["view_azimuth"].values, 100.0)
    np.testing.assert_allclose(scene["view_zenith"].values, 12.34, atol=1e-5)
    longitude = scene["longitude"].values
    np.testing.assert_allclose(longitude[0], [179.5, 179.7, 179.9, -179.9, -179.7, -179.5], atol=1e-4)
    assert scene.attrs["time_coverage_start"] == "2012-02-25T18:01:24.500Z"
    assert scene.attrs["time_coverage_end"] == "2012-02-25T18:02:48.700Z"
    assert scene.attrs["platform"] == "Suomi-NPP"
    assert scene.attrs["granule"] == STAMP


def test_granules_end_to_end_have_factors_of_their_own(tmp_path):
    rho = ramp((80, 6), 0.05, 0.95)
    files = sdr(tmp_path, rho=rho, scans=(2, 3), factors=[(2e-5, 0.0), (4e-5, -0.1)], bands=["M5", "M16"])
    red = open_scene(files[0])["red"].values
    assert (np.abs(red - rho)[:32] <= 1e-5 + 1e-7).all()
    assert (np.abs(red - rho) <= 2e-5 + 1e-7).all()


def test_padding_of_short_granules_is_cut_off(tmp_path):
    """A granule of 47 scans in a file is followed by one scan of fill before the next granule begins."""
    scans = (47, 48)
    shape = (16 * sum(scans), 6)
    rho, sza = ramp(shape, 0.05, 0.95), slanted(shape)
    files = sdr(tmp_path, rho=rho, sza=sza, scans=scans, stored_scans=48, bands=["M5"])
    scene = open_scene(files[0])
    assert scene.sizes["y"] == shape[0]
    np.testing.assert_allclose(scene["red"].values, rho, atol=1.1e-5)
    np.testing.assert_allclose(scene["sun_zenith"].values, sza, atol=1e-4)
    assert not flagged(scene, "no_data").any()
    assert scene["red"].chunks == scene["qa"].chunks == scene["sun_zenith"].chunks


def test_a_granule_without_data_has_no_values(tmp_path):
    files = sdr(tmp_path, scans=(1, 1), factors=[(-999.3, -999.3), (2e-5, 0.0)], bands=["M5"])
    red = open_scene(files[0])["red"].values
    assert np.isnan(red[:16]).all()
    np.testing.assert_allclose(red[16:], 0.3, atol=1e-5)


@pytest.mark.parametrize("fill", range(65528, 65536))
def test_sdr_fills(tmp_path, fill):
    files = sdr(tmp_path, bands=["M5", "M15"])
    for path, collection, name in ((files[0], "M5", "Reflectance"), (files[1], "M15", "BrightnessTemperature")):
        with h5py.File(path, "a") as file:
            file[f"All_Data/VIIRS-{collection}-SDR_All/{name}"][0, 0] = fill
    with h5py.File(files[0], "a") as file:
        file["All_Data/VIIRS-M5-SDR_All/Reflectance"][1, 1] = 65527
    scene = open_scene(files[0])
    assert np.isnan(scene["red"].values[0, 0])
    assert np.isnan(scene["tir1"].values[0, 0])
    assert flags(scene, 0, 0) == {"no_data"}
    assert scene["red"].values[1, 1] == pytest.approx(65527 * 2e-5)
    assert flags(scene, 1, 1) == set()


@pytest.mark.parametrize("fill", [-999.2, -999.3, -999.5, -999.9])
def test_sdr_fills_of_floats(tmp_path, fill):
    files = sdr(tmp_path, bands=["M13"])
    with h5py.File(files[0], "a") as file:
        file["All_Data/VIIRS-M13-SDR_All/BrightnessTemperature"][0, 0] = fill
        file["All_Data/VIIRS-M13-SDR_All/Radiance"][0, 0] = fill
    assert np.isnan(open_scene(files[0])["m13"].values[0, 0])
    scene = open_scene(files[0], calibration="radiance")
    assert np.isnan(scene["m13"].values[0, 0])
    assert np.isfinite(scene["m13"].values[0, 1])
    assert flags(scene, 0, 0) == {"no_data"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0b00000000, set()),
        (0b00000001, {"low_quality"}),  # calibration poor
        (0b00000010, {"low_quality"}),  # no calibration
        (0b00000100, {"saturated"}),  # some samples
        (0b00001000, {"saturated"}),  # all samples
        (0b00010000, {"low_quality"}),  # Earth view missing
        (0b11000000, {"low_quality"}),  # out of range
        (0b00001001, {"low_quality", "saturated"}),
    ],
)
def test_sdr_quality_flags(tmp_path, value, expected):
    quality = np.zeros((16, 6), "u1")
    quality[2, 3] = value
    scene = open_scene(sdr(tmp_path, bands=["M7"], quality=quality)[0])
    assert flags(scene, 2, 3) == expected
    assert flags(scene, 2, 4) == set()


def test_sdr_night(tmp_path):
    sza = slanted((16, 6), 70.0, 110.0)
    scene = open_scene(sdr(tmp_path, sza=sza, bands=["M5", "M15"])[0])
    np.testing.assert_array_equal(flagged(scene, "night"), sza >= 90.0)


def test_not_terrain_corrected_geolocation_will_do(tmp_path):
    scene = open_scene(sdr(tmp_path, geo="plain", bands=["M5"])[0])
    np.testing.assert_allclose(scene["red"].values, 0.3, atol=1e-5)
    assert "green" in scene.attrs["bands_missing"]


@pytest.mark.parametrize(("kind", "files"), [("M", "GMTCO or GMODO"), ("I", "GITCO or GIMGO")])
def test_sdr_without_geolocation(tmp_path, kind, files):
    path = sdr(tmp_path, kind=kind, geo="")[0]
    with pytest.raises(SceneError, match=rf"{STAMP} lacks its geolocation file \({files}\)"):
        open_scene(path, resolution=GRID[kind])


def test_sdr_without_bands(tmp_path):
    sdr(tmp_path, kind="I")
    with pytest.raises(SceneError, match="none of the M bands"):
        open_scene(tmp_path)


def test_sdr_names_of_one_file_with_all(tmp_path):
    name = f"GMTCO-SVM05-SVM07_{STAMP}_c20120226002130255476_nobc_ops.h5"
    path = sdr(tmp_path, one_file=True, name=name, bands=["M5", "M7"])[0]
    assert list(tmp_path.iterdir()) == [path]
    scene = open_scene(tmp_path)
    np.testing.assert_allclose(scene["nir"].values, 0.3, atol=1e-5)


def test_sdr_found_by_content(tmp_path):
    lost = sdr(tmp_path, one_file=True, name="lost.bin", bands=["M5"])[0]
    assert open_scene(lost).attrs["sensor"] == "npp_viirs"


def test_sdr_finds_the_geolocation_that_a_renamed_file_names(tmp_path):
    files = sdr(tmp_path, bands=["M5"])
    lost = files[0].rename(tmp_path / "lost.bin")
    scene = open_scene(lost)
    np.testing.assert_allclose(scene["red"].values, 0.3, atol=1e-5)


@pytest.mark.parametrize(("short", "platform"), [("J01", "NOAA-20"), ("JPSS-2", "NOAA-21")])
def test_sdr_platforms(tmp_path, short, platform):
    assert open_scene(sdr(tmp_path, platform=short, bands=["M5"])[0]).attrs["platform"] == platform


def test_two_granules_in_a_folder_are_told_apart(tmp_path):
    for file in sdr(tmp_path, bands=["M5"]):
        copy = file.name.replace("t1801245_e1802487", "t1802500_e1804142").replace("c2012022600", "c2012022601")
        (tmp_path / copy).write_bytes(file.read_bytes())
    with pytest.raises(InputError, match="holds 2 granules"):
        open_scene(tmp_path)
    assert open_scene(next(tmp_path.glob("SVM05*t1801245*"))).attrs["granule"] == STAMP


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: f.attrs.pop("Platform_Short_Name"), "Platform_Short_Name is ''"),
        (lambda f: f.attrs.__setitem__("Platform_Short_Name", np.bytes_("GOES")), "Platform_Short_Name is 'GOES'"),
        (lambda f: f.pop("All_Data/VIIRS-M5-SDR_All/Reflectance"), "no image 'All_Data/VIIRS-M5-SDR_All/Reflectance'"),
        (lambda f: f.pop("All_Data/VIIRS-M5-SDR_All/ReflectanceFactors"), "ReflectanceFactors"),
        (lambda f: _replace(f, "ReflectanceFactors", np.ones(3, "f4")), "3 numbers for 1 granules"),
        (lambda f: f.pop("Data_Products"), "are no time"),
        (lambda f: _scans(f, 2), "16 lines for granules of"),
        (lambda f: _scans(f, -1), "lacks N_Number_Of_Scans"),
        (lambda f: _aggregate(f, "AggregateBeginningDate", b"19580101"), "are no time"),
        (lambda f: _aggregate(f, "AggregateEndingTime", b"noon"), "are no time"),
    ],
)
def test_sdr_damaged_metadata(tmp_path, change, reason):
    path = sdr(tmp_path, bands=["M5"])[0]
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(SceneError, match=reason):
        open_scene(path)


def _replace(file, name, values):
    del file[f"All_Data/VIIRS-M5-SDR_All/{name}"]
    file[f"All_Data/VIIRS-M5-SDR_All/{name}"] = values


def _scans(file, number):
    granule = file["Data_Products/VIIRS-M5-SDR/VIIRS-M5-SDR_Gran_0"]
    granule.attrs["N_Number_Of_Scans"] = np.array([[number]], "i4")


def _aggregate(file, name, value):
    file["Data_Products/VIIRS-M5-SDR/VIIRS-M5-SDR_Aggr"].attrs[name] = np.array([[value]])


@pytest.mark.parametrize("which", ["SVM05", "GMTCO"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.6])
def test_sdr_cut_off(tmp_path, which, share):
    sdr(tmp_path, bands=["M5"])
    broken = next(tmp_path.glob(f"{which}*"))
    cut(broken, share)
    with pytest.raises(MusyqError, match=broken.name):
        open_scene(tmp_path)


def test_sdr_that_leads_out_of_itself(tmp_path):
    path = sdr(tmp_path, bands=["M5"])[0]
    with h5py.File(path, "a") as file:
        file["All_Data/away"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/data")
    with pytest.raises(ArchiveError, match="link to another file"):
        open_scene(path)


def test_sdr_opening_is_cheap(tmp_path):
    files = sdr(tmp_path, scans=(48,), columns=4)
    for path in files:
        with h5py.File(path) as file:
            group = next(iter(file["All_Data"].values()))
            images = {f"{group.name[1:]}/{n}": d.dtype for n, d in group.items() if d.ndim == 2}
        empty_like_real(path, {name: ((768, 3200), dtype, (768, 3200)) for name, dtype in images.items()})
    assert opening_memory(files[0]) < 10.0


# --- Level 1B of NASA ---


def test_l1b_reflectance_is_divided_by_the_cosine(nasa):
    """Physics: radiance and reflectance of the file are one count times two constants: the cosine is still in both."""
    kind, truth, files = nasa
    grid = GRID[kind]
    scene, radiance = (
        open_scene(files[0], resolution=grid),
        open_scene(files[0], resolution=grid, calibration="radiance"),
    )
    check_layout(scene, SPEC, grid)
    cosine = np.cos(np.radians(truth["sza"]))
    for band in bands_of(kind)[0]:
        got = scene[NAMES[band]].values
        assert (np.abs(got - truth["rho"]) <= 0.5 * L1B_REFLECTANCE[0] / cosine + 2e-6).all(), band
        of_radiance = np.pi * radiance[NAMES[band]].values * DISTANCE**2 / (E0[kind] * cosine)
        np.testing.assert_allclose(got, of_radiance, rtol=1e-5)


def test_l1b_temperature_by_the_table_of_the_file(nasa):
    kind, truth, files = nasa
    scene = open_scene(files[0], resolution=GRID[kind])
    for band in bands_of(kind)[1]:
        table = lut(band)[:65528].astype(float)
        index = np.searchsorted(table, truth["kelvin"])
        np.testing.assert_allclose(scene[NAMES[band]].values, table[index], atol=1e-5)
        assert (np.abs(scene[NAMES[band]].values - truth["kelvin"]) <= np.diff(table)[index - 1] + 1e-4).all()


def test_l1b_radiance_of_thermal_bands(nasa):
    kind, truth, files = nasa
    band = bands_of(kind)[1][-1]
    scene = open_scene(files[0], resolution=GRID[kind], calibration="radiance")
    index = np.searchsorted(lut(band)[:65528], truth["kelvin"])
    np.testing.assert_allclose(scene[NAMES[band]].values, index * 4e-4 + 0.01, rtol=1e-5)


def test_l1b_counts(nasa):
    kind, truth, files = nasa
    scene = open_scene(files[0], resolution=GRID[kind], calibration="counts")
    check_layout(scene, SPEC, GRID[kind])
    band = bands_of(kind)[0][0]
    expected = np.rint(truth["rho"] * np.cos(np.radians(truth["sza"])) / L1B_REFLECTANCE[0])
    np.testing.assert_array_equal(scene[NAMES[band]].values, expected)


def test_l1b_beside_satpy(nasa):
    kind, truth, files = nasa
    reflective, thermal = bands_of(kind)
    names = {band: f"{band[0]}{int(band[1:]):02d}" for band in (*reflective, *thermal)}
    theirs = satpy_values(files, "viirs_l1b", names.values())
    scene = open_scene(files[0], resolution=GRID[kind])
    cosine = np.cos(np.radians(truth["sza"]))
    for band in reflective:
        np.testing.assert_allclose(scene[NAMES[band]].values * cosine, theirs[names[band]] / 100.0, atol=2e-6)
    for band in thermal:
        np.testing.assert_allclose(scene[NAMES[band]].values, theirs[names[band]], atol=1e-4)


def test_l1b_attributes(nasa):
    kind, truth, files = nasa
    scene = open_scene(files[0].parent, resolution=GRID[kind])
    assert scene.attrs["platform"] == "Suomi-NPP"
    assert scene.attrs["time_coverage_start"] == "2019-08-07T01:30:00.000Z"
    assert scene.attrs["processing_level"] == "L1B"
    np.testing.assert_allclose(scene["sun_zenith"].values, truth["sza"], atol=1e-4)
    np.testing.assert_allclose(scene["sun_azimuth"].values, 210.0)
    np.testing.assert_allclose(scene["latitude"].values[[0, -1], 0], [31.0, 30.0])


@pytest.mark.parametrize("meanings", [True, False])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, {"low_quality"}),
        (2, {"low_quality"}),
        (4, {"saturated"}),
        (8, {"low_quality"}),
        (16, set()),  # low gain
        (32, set()),  # mixed gain
        (64, {"low_quality"}),
        (128, {"saturated"}),
        (256, set()),  # bow-tie
        (512, {"low_quality"}),
        (1024, {"low_quality"}),
        (2048, {"low_quality"}),
        (4 + 16 + 1024, {"saturated", "low_quality"}),
    ],
)
def test_l1b_quality_flags(tmp_path, value, expected, meanings):
    quality = np.zeros((32, 6), "u2")
    quality[2, 3] = value
    files = level1b(tmp_path, kind="I", flags=quality, meanings=meanings)
    scene = open_scene(files[0], resolution=375)
    assert flags(scene, 2, 3) == expected
    assert flags(scene, 2, 4) == set()


def test_l1b_flags_follow_the_meanings_that_the_file_writes(tmp_path):
    quality = np.zeros((32, 6), "u2")
    quality[2, 3] = 16
    path = level1b(tmp_path, kind="I", flags=quality)[0]
    with h5py.File(path, "a") as file:
        for band in ("I01", "I02", "I03", "I04", "I05"):
            attrs = file[f"observation_data/{band}_quality_flags"].attrs
            attrs["flag_masks"] = np.array([1, 16], "u2")
            attrs["flag_meanings"] = "Cal_Fail Saturation"
    assert flags(open_scene(path, resolution=375), 2, 3) == {"saturated"}


@pytest.mark.parametrize("fill", [65532, 65533, 65534, 65535])
def test_l1b_fills(tmp_path, fill):
    path = level1b(tmp_path, kind="I")[0]
    with h5py.File(path, "a") as file:
        for band in ("I01", "I02", "I03", "I04", "I05"):
            file[f"observation_data/{band}"][0, 0] = fill
    scene = open_scene(path, resolution=375)
    assert flags(scene, 0, 0) == {"no_data"}
    for name in ("red", "tir1", "mir"):
        assert np.isnan(scene[name].values[0, 0])
        assert np.isfinite(scene[name].values[0, 1])


def test_l1b_night_lacks_reflective_bands(tmp_path):
    scene = open_scene(level1b(tmp_path, night=True, sza=np.full((16, 6), 120.0))[0])
    assert scene.attrs["bands_missing"].startswith("m1, coastal, blue")
    assert {"tir1", "tir2", "mir"} <= set(scene.data_vars)
    assert flagged(scene, "night").all()


def test_l1b_missing_files(tmp_path):
    band, geo = level1b(tmp_path)
    geo.unlink()
    with pytest.raises(SceneError, match=r"lacks its geolocation file \(V\?\?03MOD\)"):
        open_scene(band)
    level1b(tmp_path)
    band.unlink()
    with pytest.raises(SceneError, match=r"lacks its band file \(V\?\?02MOD\)"):
        open_scene(geo)
    with pytest.raises(SceneError, match=r"lacks its band file \(V\?\?02IMG\)"):
        open_scene(geo, resolution=375)


def test_l1b_of_two_platforms_at_the_same_time(tmp_path):
    files = level1b(tmp_path)
    others = level1b(tmp_path, prefix="J1", platform="JPSS-1")
    with pytest.raises(SceneError, match=r"2 candidates for its band file.*several platforms or versions"):
        open_scene(tmp_path)
    assert open_scene(files).attrs["platform"] == "Suomi-NPP"
    assert open_scene(others).attrs["platform"] == "NOAA-20"


def test_l1b_names(tmp_path):
    band, geo = level1b(tmp_path)
    stamp = "snpp_d20161130_t012400_c20161130054822.nc"
    band.rename(tmp_path / f"VL1BM_{stamp}")
    geo.rename(tmp_path / f"VGEOM_{stamp}")
    assert open_scene(tmp_path).attrs["granule"] == "snpp_d20161130_t012400"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: f.attrs.__setitem__("platform", "Terra"), "platform is 'Terra'"),
        (lambda f: f.attrs.pop("time_coverage_start"), "time_coverage_start"),
        (lambda f: f["observation_data/I01"].attrs.pop("scale_factor"), "scale_factor"),
        (lambda f: f["observation_data/I01"].attrs.__setitem__("scale_factor", "x"), "scale_factor"),
        (lambda f: f.pop("observation_data/I04_brightness_temperature_lut"), "I04_brightness_temperature_lut"),
        (lambda f: _short_table(f), "less than the numbers stored"),
    ],
)
def test_l1b_damaged_metadata(tmp_path, change, reason):
    path = level1b(tmp_path, kind="I")[0]
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(SceneError, match=reason):
        open_scene(path, resolution=375)


def _short_table(file):
    name = "observation_data/I04_brightness_temperature_lut"
    del file[name]
    file[name] = np.full(100, 250.0, "f4")


@pytest.mark.parametrize("name", ["solar_zenith", "latitude"])
def test_l1b_geolocation_without(tmp_path, name):
    band, geo = level1b(tmp_path)
    with h5py.File(geo, "a") as file:
        del file[f"geolocation_data/{name}"]
    with pytest.raises(SceneError, match=name):
        open_scene(band)


@pytest.mark.parametrize("which", ["02MOD", "03MOD"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.6])
def test_l1b_cut_off(tmp_path, which, share):
    level1b(tmp_path)
    broken = next(tmp_path.glob(f"V??{which}*"))
    cut(broken, share)
    with pytest.raises(MusyqError, match=broken.name):
        open_scene(tmp_path)


def test_wrong_shape_of_geolocation(tmp_path):
    level1b(tmp_path, columns=6)
    other = tmp_path / "other"
    other.mkdir()
    geo = level1b(other, columns=5)[1]
    (tmp_path / geo.name).write_bytes(geo.read_bytes())
    with pytest.raises(SceneError, match="16 x 6 pixels, its geolocation 16 x 5"):
        open_scene(next(tmp_path.glob("VNP02*")))
