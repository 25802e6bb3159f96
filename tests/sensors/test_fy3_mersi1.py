import h5py
import numpy as np
import pytest
from sensors import make_mersi
from sensors.make_mersi import MERSI1, half_count, mersi, planck
from sensors.swaths import check_layout, cut, empty_like_real, flags, opening_memory, ramp, satpy_values, slanted

from musyq_lab.core.errors import MusyqError, SceneError
from musyq_lab.sensors._open import open_scene
from musyq_lab.sensors.fy3_mersi1 import ESUN, SPEC

SHAPE = (20, 6)
PLATFORMS = ("FY-3A", "FY-3B", "FY-3C")
REFLECTIVE = [b for b in SPEC.bands if not b.thermal and b.resolution == 1000]
WHEN = "2011-08-08"


def order(band):
    """Row of the calibration table: band 5 is thermal and has none."""
    number = int(band.native)
    return number - 1 if number < 5 else number - 2


@pytest.fixture(scope="module")
def truth():
    return {"rho": ramp(SHAPE, 0.02, 0.9), "kelvin": ramp(SHAPE, 230.0, 310.0), "sza": slanted(SHAPE)}


@pytest.fixture(scope="module", params=PLATFORMS)
def granule(request, tmp_path_factory, truth):
    folder = tmp_path_factory.mktemp(request.param)
    mersi(folder, platform=request.param, grid=250, when=WHEN, **truth)
    return request.param, mersi(folder, platform=request.param, when=WHEN, **truth)


def test_reflectance_put_in_comes_back_to_half_a_count(granule, truth):
    platform, path = granule
    scene = open_scene(path)
    check_layout(scene, SPEC, 1000)
    assert scene.attrs["platform"] == platform
    for band in REFLECTIVE:
        measurable = make_mersi.counts(truth["rho"], truth["sza"], order(band)) <= 4095
        error = np.abs(scene[band.name].values - truth["rho"])
        assert measurable.sum() > 100
        assert (error <= half_count(order(band), truth["sza"]) + 1e-6)[measurable].all(), band.native
        assert np.isnan(scene[band.name].values[~measurable]).all()


def test_temperature_put_in_comes_back_to_half_a_count(granule, truth):
    _, path = granule
    wave_number, a, _ = MERSI1
    step = planck(wave_number, truth["kelvin"] + 0.5) - planck(wave_number, truth["kelvin"] - 0.5)
    error = np.abs(open_scene(path)["tir1"].values - truth["kelvin"])
    assert (error <= 1.1 * 0.5 * 0.01 / step * a + 1e-4).all()


def test_fine_grid(granule, truth):
    platform, path = granule
    scene = open_scene(path.parent, resolution=250)
    check_layout(scene, SPEC, 250)
    assert scene.sizes == {"y": 80, "x": 24}
    fine = {name: np.repeat(np.repeat(values, 4, 0), 4, 1) for name, values in truth.items()}
    np.testing.assert_allclose(scene["sun_zenith"].values, fine["sza"], atol=1e-4, err_msg=platform)
    error = np.abs(scene["red"].values - fine["rho"])
    good = np.isfinite(error)
    assert good.mean() > 0.8
    assert (error <= half_count(2, fine["sza"]) + 1e-6)[good].all()
    np.testing.assert_allclose(scene["tir1"].values, fine["kelvin"], atol=0.05)


def test_radiance_by_the_published_irradiance(granule, truth):
    platform, path = granule
    scene = open_scene(path, calibration="radiance")
    check_layout(scene, SPEC, 1000)
    # FY-3B has none of its own.
    e0 = ESUN["FY-3A" if platform == "FY-3A" else "FY-3C"]
    for name, number in (("blue", 1), ("swir1", 6), ("b20", 20)):
        row = number - 1 if number < 5 else number - 2
        irradiance = e0[row] * np.cos(np.radians(truth["sza"])) / make_mersi.DISTANCE**2 / np.pi
        got = scene[name].values
        error = np.abs(got - truth["rho"] * irradiance)
        assert (error <= half_count(row, truth["sza"]) * irradiance + 1e-4)[np.isfinite(got)].all()
    wave_number, a, b = MERSI1
    expected = planck(wave_number, (truth["kelvin"] - b) / a) * 1e-7 * wave_number**2
    np.testing.assert_allclose(scene["tir1"].values, expected, rtol=2e-3)


def test_counts_are_the_stored_numbers(granule):
    platform, path = granule
    group = "Data/" if platform == "FY-3C" else ""
    with h5py.File(path, locking=False) as file:
        stored = file[f"{group}EV_1KM_RefSB"][()]
        thermal = file[f"{group}EV_250_Aggr.1KM_Emissive"][()]
    scene = open_scene(path, calibration="counts")
    check_layout(scene, SPEC, 1000)
    np.testing.assert_array_equal(scene["swir1"].values, stored[0])
    np.testing.assert_array_equal(scene["b20"].values, stored[14])
    np.testing.assert_array_equal(scene["tir1"].values, thermal)


def test_beside_satpy(granule, truth):
    platform, path = granule
    files = [path, *path.parent.glob("*GEO1K*")]
    names = [band.native for band in REFLECTIVE]
    theirs = satpy_values(files, f"fy3{platform[-1].lower()}_mersi1_l1b", [*names, "5"], resolution=1000)
    scene = open_scene(path)
    cosine = np.cos(np.radians(truth["sza"]))
    for band in REFLECTIVE:
        np.testing.assert_allclose(
            scene[band.name].values * cosine,
            theirs[band.native] / 100.0 * make_mersi.DISTANCE**2,
            rtol=2e-5,
            err_msg=band.native,
        )
    np.testing.assert_allclose(scene["tir1"].values, theirs["5"], atol=2e-3)


def test_the_correction_suits_the_width_of_the_band():
    """A flat response from 10.3 to 12.3 um (assumed for this test, not looked up) is met to 0.2 K."""
    wave_number, a, b = MERSI1
    wave = np.linspace(1e4 / 12.3, 1e4 / 10.3, 500)
    for temperature in (240.0, 270.0, 300.0):
        radiance = planck(wave, temperature).mean()
        c1, c2 = make_mersi.C1, make_mersi.C2
        effective = c2 * wave_number / np.log1p(c1 * wave_number**3 / radiance)
        assert abs(a * effective + b - temperature) < 0.2


def test_fy3b_since_2013_holds_scaled_reflectance(tmp_path):
    """As public code of CMA's users reads it; the scene says so."""
    path = mersi(tmp_path, platform="FY-3B", when="2014-08-08")
    with h5py.File(path, "a") as file:
        file["EV_250_Aggr.1KM_RefSB"][...] = 5000
        file["EV_250_Aggr.1KM_RefSB"][0, 0, 0] = 10001
    scene = open_scene(path)
    expected = 0.5 * make_mersi.DISTANCE**2 / np.cos(np.radians(40.0))
    np.testing.assert_allclose(scene["red"].values, expected, rtol=1e-5)
    assert "1e4 x reflectance" in scene.attrs["counts_are"]
    assert np.isnan(scene["blue"].values[0, 0])


def test_fy3b_before_uses_the_coefficients(tmp_path):
    scene = open_scene(mersi(tmp_path, platform="FY-3B", when="2013-03-05"))
    assert "counts_are" not in scene.attrs
    np.testing.assert_allclose(scene["red"].values, 0.3, atol=3e-4)


def test_quality(tmp_path):
    path = mersi(tmp_path, platform="FY-3A", when=WHEN)
    with h5py.File(path, "a") as file:
        for name in ("EV_250_Aggr.1KM_RefSB", "EV_1KM_RefSB"):
            file[name][:, 0, 0] = 65535
        file["EV_250_Aggr.1KM_Emissive"][0, 0] = 65535
        file["EV_1KM_RefSB"][3, 1, 1] = 65534
    scene = open_scene(path)
    assert flags(scene, 0, 0) == {"no_data"}
    assert flags(scene, 1, 1) == {"saturated"}
    assert flags(scene, 2, 2) == set()


def test_names(tmp_path):
    for platform in PLATFORMS:
        folder = tmp_path / platform
        folder.mkdir()
        path = mersi(folder, platform=platform, when=WHEN)
        assert open_scene(folder).attrs["granule"] == path.name.removesuffix("_1000M_MS.HDF")


def test_found_by_content(tmp_path):
    for platform in ("FY-3A", "FY-3B"):
        lost = mersi(tmp_path, platform=platform, when=WHEN, name=f"lost-{platform}.bin")
        with h5py.File(lost, "a") as file:
            del file.attrs["File Name"]
        scene = open_scene(lost)
        assert scene.attrs["platform"] == platform
        np.testing.assert_allclose(scene["nir"].values, 0.3, atol=4e-4)


@pytest.mark.parametrize(("grid", "name"), [(1000, "GEO1K"), (250, "GEOQK")])
def test_fy3c_without_geolocation(tmp_path, grid, name):
    path = mersi(tmp_path, platform="FY-3C", grid=grid, when=WHEN)
    for file in tmp_path.glob("*GEO*"):
        file.unlink()
    with pytest.raises(SceneError, match=rf"FY3C.*lacks Longitude.*\*_{name}_\*.HDF.*Put it beside"):
        open_scene(path, resolution=grid)


def test_fy3b_fine_grid_without_geolocation(tmp_path):
    path = mersi(tmp_path, platform="FY-3B", grid=250, when=WHEN, geo=False)
    with pytest.raises(SceneError, match=r"lacks Longitude, Latitude"):
        open_scene(path, resolution=250)


def test_mersi2_is_refused(tmp_path):
    path = mersi(tmp_path, platform="FY-3D")
    with pytest.raises(SceneError, match=r"FY-3A/B/C MERSI .*but its content says FY-3D MERSI-2"):
        open_scene(path.rename(tmp_path / path.name.replace("FY3D", "FY3A")))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: f.attrs.pop("VIR_Cal_Coeff"), "lacks the attribute 'VIR_Cal_Coeff'"),
        (lambda f: f.attrs.__setitem__("VIR_Cal_Coeff", np.zeros(12)), "57 numbers"),
        (lambda f: f.attrs.__setitem__("VIR_Cal_Coeff", np.full(57, np.nan)), "57 numbers"),
        (lambda f: f.attrs.__setitem__("VIR_Cal_Coeff", np.bytes_("none")), "57 numbers"),
        (lambda f: f.pop("SolarZenith"), "lacks SolarZenith"),
        (lambda f: f.attrs.pop("Observing Ending Date"), "Observing Ending"),
    ],
)
def test_damaged_metadata(tmp_path, change, reason):
    path = mersi(tmp_path, platform="FY-3A", when=WHEN)
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(SceneError, match=reason):
        open_scene(path)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.6])
def test_cut_off(tmp_path, share):
    path = mersi(tmp_path, platform="FY-3A", when=WHEN)
    cut(path, share)
    with pytest.raises(MusyqError, match=path.name):
        open_scene(path)


def test_opening_is_cheap(tmp_path):
    path = mersi(tmp_path, platform="FY-3A", grid=250, when=WHEN)
    names = ("EV_250_RefSB_b1", "EV_250_RefSB_b2", "EV_250_RefSB_b3", "EV_250_RefSB_b4", "EV_250_Emissive")
    angles = ("SolarZenith", "SolarAzimuth", "SensorZenith", "SensorAzimuth")
    size, chunk = (8000, 8192), (80, 8192)
    layers = {n: (size, "u2", chunk) for n in names} | {n: (size, "i2", chunk) for n in angles}
    empty_like_real(path, layers | {n: (size, "f4", chunk) for n in ("Longitude", "Latitude")})
    assert opening_memory(path, resolution=250) < 10.0
