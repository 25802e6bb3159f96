"""GF-1 WFV: counts put in come back as the radiometry of the tables."""

import math
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from sensors import make_gaofen as make

from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.sensors._open import open_scene, scene_grids
from musyq_lab.sensors.gf1_wfv import SPEC

NAME = "GF1_WFV{camera}_E116.5_N39.4_{date}_L1A0002330000"
ROLES = ("blue", "green", "red", "nir")

# Gains as printed: the official notice of 2017 and, for WFV1 of 2015, four agreeing public tables.
GAINS = {
    (1, 2017): (0.2165, 0.1685, 0.1354, 0.1507),
    (2, 2017): (0.2097, 0.1630, 0.1339, 0.1521),
    (3, 2017): (0.1870, 0.1619, 0.1295, 0.1383),
    (4, 2017): (0.1770, 0.1521, 0.1322, 0.1349),
    (1, 2015): (0.1816, 0.1560, 0.1412, 0.1368),
}


def scene(folder: Path, camera: int = 1, year: int = 2017, **fields: object) -> tuple[Path, np.ndarray]:
    data = make.counts((40, 30), 4)
    when = datetime(year, *make.TIME.timetuple()[1:6])
    return make.gaofen(folder, NAME.format(camera=camera, date=f"{year}0501"), data, when=when, **fields), data


@pytest.mark.parametrize(("camera", "year"), GAINS)
def test_radiance_is_gain_times_counts(tmp_path: Path, camera: int, year: int) -> None:
    path, data = scene(tmp_path, camera, year)
    opened = open_scene(path, calibration="radiance")
    for role, gain, layer in zip(ROLES, GAINS[camera, year], data, strict=True):
        expected = np.where(layer == 0, np.nan, layer * gain)
        np.testing.assert_allclose(opened[role].values, expected, rtol=1e-6)
        assert opened[role].attrs["units"] == "W m-2 sr-1 um-1"
    assert opened.attrs["calibration_year"] == year
    assert opened.attrs["camera"] == f"WFV{camera}"
    assert opened.attrs["platform"] == "GF-1"


def test_2013_is_inverted(tmp_path: Path) -> None:
    path, data = scene(tmp_path, 1, 2013)
    red = open_scene(path, calibration="radiance")["red"].values
    np.testing.assert_allclose(red[1:], (data[2, 1:] - 0.003) / 8.368, rtol=1e-6)


@pytest.mark.parametrize("camera", [1, 2, 3, 4])
def test_reflectance_is_the_textbook_formula(tmp_path: Path, camera: int) -> None:
    path, data = scene(tmp_path, camera)
    opened = open_scene(path)
    day = make.TIME.timetuple().tm_yday
    # Earth to Sun: the mean orbit to 1e-3, an almanac formula of its own.
    distance = 1 - 0.01672 * math.cos(math.radians(0.9856 * (day - 4)))
    for role, gain, layer in zip(ROLES, GAINS[camera, 2017], data, strict=True):
        e0 = SPEC.band(role, f"WFV{camera}").e0
        assert opened[role].attrs["solar_irradiance"] == e0
        factor = math.pi * distance**2 / (e0 * math.cos(math.radians(make.SUN[0])))
        np.testing.assert_allclose(opened[role].values[1:], layer[1:] * gain * factor, rtol=1e-3)
        assert opened[role].attrs["units"] == "1"


def test_counts_come_back_as_they_are(tmp_path: Path) -> None:
    path, data = scene(tmp_path, 1, 2017)
    opened = open_scene(path, calibration="counts")
    for role, layer in zip(ROLES, data, strict=True):
        np.testing.assert_array_equal(opened[role].values, layer)
        assert opened[role].dtype == np.uint16
    assert "calibration_source" not in opened.attrs


@pytest.mark.parametrize(("bits", "largest"), [(10, 1023), (None, 1023), (12, 4095)])
def test_quality_bits(tmp_path: Path, bits: int | None, largest: int) -> None:
    data = make.counts((40, 30), 4)
    data[1, 5, 7] = largest
    data[0, 6, 8] = 0  # one band only: still measured
    name = NAME.format(camera=1, date="20170501")
    opened = open_scene(make.gaofen(tmp_path, name, data, ValidPixelBits=bits))
    qa = opened["qa"].values
    assert (qa[0] == SCENE_FLAG["no_data"].mask).all()
    assert qa[5, 7] == SCENE_FLAG["saturated"].mask
    assert (qa[1:] != 0).sum() == 1
    assert np.isnan(opened["blue"].values[6, 8])


def test_a_year_without_table_uses_the_nearest_and_says_so(tmp_path: Path) -> None:
    path, data = scene(tmp_path, 4, 2026)
    opened = open_scene(path, calibration="radiance")
    assert opened.attrs["calibration_year"] == 2022
    assert "no coefficients for 2026" in opened.attrs["calibration_note"]
    np.testing.assert_allclose(opened["blue"].values[1:], data[0, 1:] * 0.2148, rtol=1e-6)


def test_the_scenes_own_gains_come_first(tmp_path: Path) -> None:
    path, data = scene(tmp_path, 1, 2017, AbsCeof="0.21,0.17,0.14,0.15")
    opened = open_scene(path, calibration="radiance")
    np.testing.assert_allclose(opened["nir"].values[1:], data[3, 1:] * 0.15, rtol=1e-6)
    assert "metadata of the scene" in opened.attrs["calibration_source"]
    assert "0.97 to 1.03 times" in opened.attrs["calibration_note"]


def test_gains_of_another_number_of_bands_are_not_the_scenes(tmp_path: Path) -> None:
    path, _ = scene(tmp_path, 1, 2017, AbsCeof="0.21,0.17")
    assert "CRESDA" in open_scene(path).attrs["calibration_source"]


def test_disagreement_of_the_tables_is_told(tmp_path: Path) -> None:
    attrs = open_scene(scene(tmp_path, 1, 2017)[0]).attrs
    assert attrs["calibration_spread"] == pytest.approx(0.089)
    assert "B1: other tables say fypy 0.1781" in attrs["calibration_note"]
    assert attrs["calibration_status"].count("official") == 4


def test_angles_of_the_middle(tmp_path: Path) -> None:
    opened = open_scene(scene(tmp_path)[0])
    assert float(opened["sun_zenith"]) == pytest.approx(make.SUN[0])
    assert float(opened["sun_azimuth"]) == pytest.approx(make.SUN[1])
    assert float(opened["view_zenith"]) == pytest.approx(90 - 65.6)
    elevation = tmp_path / "e"
    elevation.mkdir()
    other = open_scene(scene(elevation, SolarZenith=90 - make.SUN[0])[0])
    np.testing.assert_allclose(other["red"].values, opened["red"].values, rtol=1e-6)


def test_found_by_the_content_of_its_xml_when_the_name_is_lost(tmp_path: Path) -> None:
    path, _ = scene(tmp_path)
    expected = open_scene(path)["red"].values
    for file in list(tmp_path.iterdir()):
        file.rename(tmp_path / f"mine{file.suffix}")
    opened = open_scene(tmp_path / "mine.xml")
    assert opened.attrs["sensor"] == "gf1_wfv"
    np.testing.assert_array_equal(opened["red"].values, expected)
    np.testing.assert_array_equal(open_scene(tmp_path / "mine.tiff", sensor="gf1_wfv")["red"].values, expected)


def test_spec() -> None:
    assert SPEC.variants == ("WFV1", "WFV2", "WFV3", "WFV4")
    assert len(SPEC.bands) == 16
    # Response-weighted irradiance differs between the cameras: WFV3 and 4 reach further into the red edge.
    assert SPEC.band("red", "WFV4").e0 < SPEC.band("red", "WFV1").e0
    assert all(0.9 < b.e0 / 1860 < 1.1 for b in SPEC.bands if b.name == "green")


def test_one_grid(tmp_path: Path) -> None:
    assert scene_grids(scene(tmp_path)[0]) == {16: list(ROLES)}
