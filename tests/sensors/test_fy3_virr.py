import h5py
import numpy as np
import pytest
from sensors import make_virr
from sensors.make_virr import (
    BT,
    C1,
    C2,
    DISTANCE,
    E0,
    EMISSIVE,
    NONLINEAR,
    PAIRS,
    REFLECTIVE,
    WAVE_NUMBERS,
    radiance,
    virr,
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

from musyq_lab.core.errors import MusyqError, SceneError
from musyq_lab.sensors._open import open_scene
from musyq_lab.sensors.fy3_virr import ESUN, FY3B, SPEC

SHAPE = (8, 6)
NAMES = {band.native: band.name for band in SPEC.bands}

# Response of band 3 of FY-3A (cm-1, relative), read every 20 cm-1 from the curve that NSMC published
# (NingAnMe/pb, DRC/SRF/FY3A_VIRR_SRF_CH03_Pub.txt).
RESPONSE = np.array(
    [
        *((2300, 0.0038), (2400, 0.0121), (2450, 0.0198), (2500, 0.0459), (2520, 0.0692), (2540, 0.1113)),
        *((2560, 0.1796), (2580, 0.2801), (2600, 0.4133), (2620, 0.5633), (2640, 0.702), (2660, 0.813)),
        *((2680, 0.8977), (2700, 0.9577), (2720, 0.9904), (2740, 1.0), (2760, 0.9947), (2780, 0.9805)),
        *((2800, 0.9596), (2820, 0.9297), (2840, 0.8847), (2860, 0.8153), (2880, 0.7116), (2900, 0.5759)),
        *((2920, 0.429), (2940, 0.2976), (2960, 0.1974), (2980, 0.1285), (3000, 0.0837), (3040, 0.0371)),
        *((3080, 0.0186), (3150, 0.009), (3300, 0.0015)),
    ]
)


@pytest.fixture(scope="module")
def truth():
    return {"rho": ramp(SHAPE, 0.02, 0.9), "kelvin": ramp(SHAPE, 250.0, 310.0), "sza": slanted(SHAPE)}


@pytest.fixture(scope="module", params=("FY-3A", "FY-3B", "FY-3C"))
def granule(request, tmp_path_factory, truth):
    return request.param, *virr(tmp_path_factory.mktemp(request.param), platform=request.param, **truth)


def test_reflectance_put_in_comes_back_to_half_a_count(granule, truth):
    platform, path, *_ = granule
    scene = open_scene(path)
    check_layout(scene, SPEC, 1100)
    assert scene.attrs["platform"] == platform
    pairs = make_virr.CMA_2015 if platform == "FY-3B" else PAIRS
    for (slope, _), number in zip(pairs, REFLECTIVE, strict=True):
        half = 0.5 * slope / 100.0 * DISTANCE**2 / np.cos(np.radians(truth["sza"]))
        assert (np.abs(scene[NAMES[str(number)]].values - truth["rho"]) <= half + 1e-6).all(), number


def test_temperature_put_in_comes_back_to_half_a_count(granule, truth):
    _, path, scales, _ = granule
    scene = open_scene(path)
    for order, number in enumerate(EMISSIVE):
        step = radiance(truth["kelvin"] + 0.5, order) - radiance(truth["kelvin"] - 0.5, order)
        half = 0.5 * scales[:, order, None] / step
        error = np.abs(scene[NAMES[str(number)]].values - truth["kelvin"])
        # The non-linear term makes a count up to 5 % larger; float32 offsets of the file add a little.
        assert (error <= 1.1 * half + 1e-3).all(), number


def test_radiance(granule, truth):
    platform, path, scales, _ = granule
    scene = open_scene(path, calibration="radiance")
    check_layout(scene, SPEC, 1100)
    e0 = E0 if platform == "FY-3C" else ESUN
    pairs = make_virr.CMA_2015 if platform == "FY-3B" else PAIRS
    for order, number in enumerate(REFLECTIVE):
        expected = truth["rho"] * e0[order] * np.cos(np.radians(truth["sza"])) / (np.pi * DISTANCE**2)
        half = 0.5 * pairs[order][0] / 100.0 * e0[order] / np.pi
        got = scene[NAMES[str(number)]]
        assert (np.abs(got.values - expected) <= half + 1e-4).all(), number
        assert got.attrs["solar_irradiance"] == pytest.approx(e0[order])
    for order, number in enumerate(EMISSIVE):
        expected = radiance(truth["kelvin"], order)  # mW m-2 sr-1 (cm-1)-1
        back = scene[NAMES[str(number)]].values / (1e-7 * WAVE_NUMBERS[order] ** 2)
        assert (np.abs(back - expected) <= 0.55 * scales[:, order, None] + 1e-4 * expected).all(), number


def test_counts_are_the_stored_numbers(granule):
    platform, path, *_ = granule
    group = "Data/" if platform == "FY-3C" else ""
    with h5py.File(path, locking=False) as file:
        reflective, thermal = file[f"{group}EV_RefSB"][()], file[f"{group}EV_Emissive"][()]
    scene = open_scene(path, calibration="counts")
    check_layout(scene, SPEC, 1100)
    for order, number in enumerate(REFLECTIVE):
        np.testing.assert_array_equal(scene[NAMES[str(number)]].values, reflective[order])
    for order, number in enumerate(EMISSIVE):
        np.testing.assert_array_equal(scene[NAMES[str(number)]].values, thermal[order])


def test_coefficients_of_fy3b_are_those_of_2015():
    assert FY3B == make_virr.CMA_2015


def test_measured_response_decides_the_sense_of_the_band_correction(tmp_path):
    """Radiance integrated over band 3 of FY-3A gives the temperature by (Te - A) / B, and by nothing else."""
    wave = np.arange(2300.0, 3300.0)
    response = np.interp(wave, *RESPONSE.T)
    temperature = np.linspace(250.0, 305.0, SHAPE[1])
    planck = C1 * wave**3 / np.expm1(C2 * wave / temperature[:, None])
    seen = np.trapezoid(response * planck, wave) / np.trapezoid(response, wave)
    path, scales, offsets = virr(tmp_path, platform="FY-3A")
    with h5py.File(path, "a") as file:
        file["EV_Emissive"][0] = np.rint((seen - offsets[:, :1]) / scales[:, :1])
    assert np.abs(open_scene(path)["mir"].values - temperature).max() < 0.15
    with h5py.File(path, "a") as file:
        del file.attrs["Emmisive_BT_Coefficients"]
    assert np.abs(open_scene(path)["mir"].values - temperature).min() > 2.0  # what leaving it out costs


def test_beside_satpy(tmp_path, truth):
    """Reflectance agrees but for cos and d^2; temperature differs by the two corrections that satpy 0.60 leaves out."""
    path, *_ = virr(tmp_path, platform="FY-3A", **truth)
    theirs_path = path.rename(tmp_path / "tf2013359214147.FY3A-L_VIRRX_L1B.HDF")
    with h5py.File(theirs_path, "a") as file:
        # satpy expects the layout of FY-3C for all but FY-3B.
        for name in ("EV_RefSB", "EV_Emissive", "Emissive_Radiance_Scales", "Emissive_Radiance_Offsets"):
            file.move(name, f"Data/{name}")
        file.attrs["Emissive_Centroid_Wave_Number"] = file.attrs["Emmisive_Centroid_Wave_Number"]
    theirs = satpy_values([theirs_path], "virr_l1b", [*map(str, REFLECTIVE), "3", "4", "5"])
    scene = open_scene(theirs_path)
    cosine = np.cos(np.radians(truth["sza"]))
    for number in REFLECTIVE:
        ours = scene[NAMES[str(number)]].values * cosine
        np.testing.assert_allclose(ours, theirs[str(number)] / 100.0 * DISTANCE**2, rtol=1e-4, atol=1e-6)
    assert np.abs(theirs["3"] - truth["kelvin"]).min() > 1.5
    assert np.abs(theirs["4"] - truth["kelvin"]).max() > 0.2


@pytest.mark.parametrize("by_term", [False, True])
def test_either_order_of_the_nonlinear_coefficients(tmp_path, truth, by_term):
    path, *_ = virr(tmp_path, **truth)
    if by_term:
        with h5py.File(path, "a") as file:
            file.attrs["Prelaunch_Nonlinear_Coefficients"] = np.array(NONLINEAR, "f4").reshape(3, 3).T.ravel()
    np.testing.assert_allclose(open_scene(path)["tir1"].values, truth["kelvin"], atol=0.02)


def test_without_nonlinear_coefficients(tmp_path, truth):
    path, *_ = virr(tmp_path, nonlinear=(0.0,) * 9, **truth)
    expected = open_scene(path)["tir2"].values
    with h5py.File(path, "a") as file:
        del file.attrs["Prelaunch_Nonlinear_Coefficients"]
    np.testing.assert_array_equal(open_scene(path)["tir2"].values, expected)
    np.testing.assert_allclose(expected, truth["kelvin"], atol=0.02)


def test_gains_belong_to_lines(tmp_path):
    path, scales, offsets = virr(tmp_path, nonlinear=(0.0,) * 9)
    with h5py.File(path, "a") as file:
        file["Data/EV_Emissive"][1] = 9000
    linear = 9000 * scales[:, 1] + offsets[:, 1]
    number = WAVE_NUMBERS[1]
    expected = (C2 * number / np.log1p(C1 * number**3 / linear) - BT[2]) / BT[3]
    got = open_scene(path)["tir1"].values
    np.testing.assert_allclose(got, np.repeat(expected[:, None], SHAPE[1], 1), atol=2e-3)
    assert np.ptp(got[:, 0]) > 1.0


def test_distance_is_computed_where_the_file_lacks_it(tmp_path):
    path, *_ = virr(tmp_path)
    before = open_scene(path)["red"].values
    with h5py.File(path, "a") as file:
        del file.attrs["EarthSun Distance Ratio"]
    after = open_scene(path)["red"].values
    np.testing.assert_allclose(after, before, rtol=2e-3)  # 25 December: 0.9834 AU
    assert not np.array_equal(after, before)


def test_quality(tmp_path):
    sza = np.full(SHAPE, 40.0)
    sza[:, 5], sza[:, 4] = 95.0, 89.0
    path, *_ = virr(tmp_path, sza=sza, rho=np.full(SHAPE, 0.2))
    with h5py.File(path, "a") as file:
        file["Data/EV_RefSB"][:, 0, 0] = 65535
        file["Data/EV_Emissive"][:, 0, 0] = 65535
        file["Data/EV_RefSB"][0, 1, 1] = 1023
        file["Data/EV_Emissive"][1, 2, 2] = 0
    scene = open_scene(path)
    assert flags(scene, 0, 0) == {"no_data"}
    assert flags(scene, 1, 1) == {"saturated"}
    assert flags(scene, 2, 2) == set()
    assert np.isnan(scene["tir1"].values[2, 2])
    np.testing.assert_array_equal(flagged(scene, "night"), sza >= 90.0)
    assert np.isnan(scene["red"].values[:, 4:]).all()
    assert np.isfinite(scene["tir2"].values[1:, 4:]).all()


def test_angles(granule, truth):
    _, path, *_ = granule
    scene = open_scene(path)
    np.testing.assert_allclose(scene["sun_zenith"].values, truth["sza"], atol=1e-4)
    np.testing.assert_allclose(scene["sun_azimuth"].values, 210.0, atol=1e-4)
    np.testing.assert_allclose(scene["view_zenith"].values, 12.34, atol=1e-4)
    np.testing.assert_allclose(scene["view_azimuth"].values, 100.0, atol=1e-4)
    assert scene.attrs["time_coverage_start"] == "2013-12-25T21:41:47.090Z"


@pytest.mark.parametrize(
    "name",
    [
        "tf2018359143912.FY3C-L_VIRRX_{}.HDF",
        "FY3C_VIRRX_GBAL_L1_20131225_2140_{}_MS.HDF",
        "Z_SATE_C_BAWX_20131225233003_P_FY3C_VIRRX_GBAL_L1_20131225_2140_{}_MS.HDF",
    ],
)
def test_names(tmp_path, name):
    path, *_ = virr(tmp_path)
    path.rename(tmp_path / name.format("L1B" if name.startswith("tf") else "1000M"))
    next(tmp_path.glob("*GEOXX_MS.HDF")).rename(tmp_path / name.format("GEOXX"))
    assert open_scene(tmp_path).attrs["sensor"] == "fy3_virr"


def test_found_by_content(tmp_path):
    lost, *_ = virr(tmp_path, platform="FY-3B", name="lost.bin")
    np.testing.assert_allclose(open_scene(lost)["nir"].values, 0.3, atol=1e-3)


def test_missing_files(tmp_path):
    path, *_ = virr(tmp_path, geo=False)
    with pytest.raises(SceneError, match=r"lacks Longitude, Latitude, SolarZenith.*GEOXX.*Put it beside"):
        open_scene(path)
    virr(tmp_path)
    path.unlink()
    with pytest.raises(SceneError, match=r"lacks the band file"):
        open_scene(tmp_path)


def test_another_sensor(tmp_path):
    path, *_ = virr(tmp_path)
    with h5py.File(path, "a") as file:
        file.attrs["Sensor Identification Code"] = np.bytes_("MERSI")
        del file.attrs["File Name"]
    with pytest.raises(SceneError, match=r"MERSI on FY-3C, which is not FY-3A/B/C VIRR"):
        open_scene(path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: f.attrs.pop("RefSB_Cal_Coefficients"), "RefSB_Cal_Coefficients"),
        (lambda f: f.attrs.__setitem__("RefSB_Cal_Coefficients", np.zeros(14)), "coefficients 0 and 0 of band 1"),
        (lambda f: f.attrs.__setitem__("RefSB_Cal_Coefficients", np.ones(13)), "14 numbers"),
        (lambda f: f.attrs.pop("Emissive_Centroid_Wave_Number"), "Emissive_Centroid_Wave_Number"),
        (lambda f: f.attrs.__setitem__("Emissive_Centroid_Wave_Number", [1.0, 2.0, 3.0]), "no wave number of band 3"),
        (lambda f: f.pop("Data/Emissive_Radiance_Scales"), "Emissive_Radiance_Scales"),
        (lambda f: f.pop("Data/EV_RefSB"), "EV_RefSB"),
        (lambda f: _short(f), "one row a line"),
        (lambda f: f.attrs.pop("Satellite Name"), "Satellite Name"),
    ],
)
def test_damaged_metadata(tmp_path, change, reason):
    path, *_ = virr(tmp_path)
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(SceneError, match=reason):
        open_scene(path)


def _short(file):
    rows = file["Data/Emissive_Radiance_Offsets"][:5]
    del file["Data/Emissive_Radiance_Offsets"]
    file["Data/Emissive_Radiance_Offsets"] = rows


@pytest.mark.parametrize("which", ["1000M", "GEOXX"])
@pytest.mark.parametrize("share", [0.0, 0.03, 0.7])
def test_cut_off(tmp_path, which, share):
    virr(tmp_path)
    broken = next(tmp_path.glob(f"*{which}*"))
    cut(broken, share)
    with pytest.raises(MusyqError, match=broken.name):
        open_scene(tmp_path)


def test_opening_is_cheap(tmp_path):
    path, *_ = virr(tmp_path, platform="FY-3A")
    size, chunk = (1800, 2048), (180, 2048)
    angles = ("SolarZenith", "SolarAzimuth", "SensorZenith", "SensorAzimuth")
    layers = {n: (size, "i2", chunk) for n in angles} | {n: (size, "f4", chunk) for n in ("Longitude", "Latitude")}
    layers |= {"EV_RefSB": ((7, *size), "u2", (1, *chunk)), "EV_Emissive": ((3, *size), "u2", (1, *chunk))}
    layers |= {f"Emissive_Radiance_{n}": ((1800, 3), "f4", (1800, 3)) for n in ("Scales", "Offsets")}
    empty_like_real(path, layers)
    assert opening_memory(path) < 10.0
