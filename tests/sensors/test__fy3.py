from datetime import datetime

import h5py
import numpy as np
import pytest

from musyq_lab.core.errors import SceneError
from musyq_lab.kernels.radiometry import planck_radiance
from musyq_lab.sensors import _fy3 as fy3
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._time import sun_distance
from musyq_lab.sensors.fy3_mersi1 import SPEC as MERSI1
from musyq_lab.sensors.fy3_virr import SPEC as VIRR

TIMES = {
    "Observing Beginning Date": "2013-12-25",
    "Observing Beginning Time": "21:41:47.090",
    "Observing Ending Date": "2013-12-25",
    "Observing Ending Time": "21:47:28",
}


@pytest.fixture
def granule(tmp_path):
    return Granule(MERSI1, "name", tmp_path, ())


@pytest.mark.parametrize("name", ["FY-3A", "FY3A", "fy-3a ", "FY-3A MERSI"])
def test_platform_and_times(granule, tmp_path, name):
    attrs = {"Satellite Name": name, "Sensor Identification Code": "MERSI", **TIMES}
    got = fy3.acquisition(granule, attrs, tmp_path / "a.h5")
    assert got.platform == "FY-3A"
    assert got.start == datetime(2013, 12, 25, 21, 41, 47, 90000)
    assert got.end == datetime(2013, 12, 25, 21, 47, 28)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Satellite Name": "Terra"}, "lacks the attribute 'Satellite Name'"),
        ({"Satellite Name": "FY-3D"}, "MERSI on FY-3D, which is not FY-3A/B/C MERSI"),
        ({"Sensor Identification Code": "VIRR"}, "VIRR on FY-3A, which is not FY-3A/B/C MERSI"),
        ({"Observing Ending Time": None}, "Observing Ending Date"),
        ({"Observing Beginning Date": "0000-00-00"}, "a.h5.*is not a time"),
    ],
)
def test_another_sensor(granule, tmp_path, change, reason):
    attrs = {"Satellite Name": "FY-3A", "Sensor Identification Code": "MERSI", **TIMES} | change
    with pytest.raises(SceneError, match=reason):
        fy3.acquisition(granule, attrs, tmp_path / "a.h5")


def test_instrument_of_virr(tmp_path):
    attrs = {"Satellite Name": "FY-3B", "Sensor Identification Code": "MERSI", **TIMES}
    with pytest.raises(SceneError, match="MERSI on FY-3B, which is not FY-3A/B/C VIRR"):
        fy3.acquisition(Granule(VIRR, "name", tmp_path, ()), attrs, tmp_path / "a.h5")


@pytest.mark.parametrize("value", [0.99, np.float32(0.99), [0.99], np.array([[0.99]])])
def test_distance_of_the_file(value):
    got = fy3.distance_factor({"EarthSun Distance Ratio": value}, datetime(2019, 7, 4))
    assert got == pytest.approx(0.99**2, rel=1e-6)


@pytest.mark.parametrize("value", [None, "far", [], -999.9, 0.0, 149.6, np.nan])
def test_distance_computed(value):
    moment = datetime(2019, 7, 4)
    got = fy3.distance_factor({"EarthSun Distance Ratio": value}, moment)
    assert got == sun_distance(moment) ** 2
    assert got == pytest.approx(1.01676**2, rel=1e-4)  # aphelion of 2019-07-04, Astronomical Almanac


def test_packing():
    attrs = {"Slope": np.array([0.1, 0.2]), "Intercept": np.array([1.0, 2.0])}
    assert fy3.packing(attrs, 1) == (0.2, 2.0)
    assert fy3.packing({"Slope": 0.01, "Intercept": 0.0}, 7) == (0.01, 0.0)
    assert fy3.packing({}) == (1.0, 0.0)
    assert fy3.packing({"Slope": 0.0}) == (1.0, 0.0)
    for bad in ({"Slope": np.array([0.1, 0.2])}, {"Slope": "steep"}, {"Intercept": np.array([])}):
        with pytest.raises(SceneError, match="holds no number for image 2"):
            fy3.packing(bad, 2)


def test_radiance_per_micrometre_is_that_per_wave_number():
    """Identity: B_lambda d lambda = B_nu d nu of a black body."""
    for number in (2634.359, 925.925, 836.941):
        per_number = 1.191042972e-5 * number**3 / np.expm1(1.438776877 * number / 290.0)
        assert per_number * fy3.per_micrometre(number) == pytest.approx(planck_radiance(290.0, 1e4 / number), rel=1e-6)


def test_planck_with_a_line():
    constants = fy3.planck(933.364, 1.00133, -0.0734)
    radiance = planck_radiance(280.0, 1e4 / 933.364)
    effective = constants.k2 / np.log1p(constants.k1 / radiance)
    assert (effective - constants.beta) / constants.alpha == pytest.approx(1.00133 * 280.0 - 0.0734, abs=1e-6)


def test_percent_closes():
    """Identity: pi L d^2 / E0 of the radiance is the reflectance."""
    terms = [-1.0, 0.03, 1e-8]
    rho = np.array(fy3.percent(terms, "reflectance", 1500.0, 1.03))
    radiance = np.array(fy3.percent(terms, "radiance", 1500.0, 1.03))
    np.testing.assert_allclose(np.pi * radiance * 1.03 / 1500.0, rho, rtol=1e-14)
    with pytest.raises(SceneError, match="no solar irradiance"):
        fy3.percent(terms, "radiance", None, 1.0)


def test_irradiance():
    assert fy3.irradiance({"E": np.array([10.0, 20.0])}, "E", 2) == [10.0, 20.0]
    assert fy3.irradiance({"E": np.array([10.0, -1.0])}, "E", 2, (1.5, 2.5)) == [10.0, 2.5]
    assert fy3.irradiance({}, "E", 2, (5.0,)) == [5.0, None]
    assert fy3.irradiance({"E": "none"}, "E", 2) == [None, None]


def test_numbers(tmp_path):
    path = tmp_path / "a.h5"
    np.testing.assert_array_equal(fy3.numbers({"b": np.array([[1, 2]])}, ("a", "b"), 2, path), [1.0, 2.0])
    with pytest.raises(SceneError, match=r"a.h5 lacks the attribute 'a'"):
        fy3.numbers({}, ("a", "b"), 2, path)
    for bad in (np.array([1.0]), np.array([1.0, np.inf]), "text"):
        with pytest.raises(SceneError, match="should hold 2 numbers"):
            fy3.numbers({"a": bad}, ("a",), 2, path)


@pytest.mark.parametrize("group", ["", "Geolocation/", "Data/"])
def test_locate(tmp_path, group):
    path = tmp_path / "geo.h5"
    with h5py.File(path, "w") as file:
        for name, value in (("Longitude", 100.0), ("Latitude", 30.0), ("SolarZenith", 4000), ("SensorAzimuth", -9000)):
            data = file.create_dataset(
                f"{group}{name}", data=np.full((4, 3), value, "f4" if value < 1000 and value > 0 else "i2")
            )
            if abs(value) > 1000:
                data.attrs["Slope"] = np.float32([0.01])
    found = fy3.locate(path)
    assert {key: round(float(layer.values[0, 0]), 4) for key, layer in found.items()} == {
        "longitude": 100.0,
        "latitude": 30.0,
        "sun_zenith": 40.0,
        "view_azimuth": 270.0,
    }
    assert list(fy3.locate(path, wanted=("sun_zenith",))) == ["sun_zenith"]


def test_complete_names_what_is_missing(granule):
    with pytest.raises(SceneError, match=r"lacks Longitude, Latitude, SolarZenith: fetch it"):
        fy3.complete(granule, {}, "fetch it")
